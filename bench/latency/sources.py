"""Where the commands of a run come from: a market in the right state, and the next commands for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from bench import flows
from bench.measure import Settings, note
from bench.workloads import INSTRUMENT, SteadyFlow, batches, feed, flow
from parbook import Market
from parbook.records import Records

Source = Callable[[int], tuple[Market, Records]]
"""Called with a number of commands, it returns a market and at most as many for it, each to be applied once, soon:
prepare all else before, or the caches are cold again."""

WARM_UP: Final = 100_000
STEADY: Final = "steady"
OWN: Final = "own"
FLOWS: Final = (STEADY, OWN, *flows.FLOWS)
COMMANDS: Final = {STEADY: 1_000_000, OWN: 400_000} | dict.fromkeys(flows.FLOWS, flows.MESSAGES)
"""How many commands of a flow a round measures: of one that ends, all."""


def source(name: str, settings: Settings) -> Source:
    """Return the source of a flow of FLOWS. UnavailableError when a public one is not at hand."""
    if name == STEADY:
        return _steady(settings)
    whole = settings.size(COMMANDS[name])
    commands = _own(whole) if name == OWN else _public(name, whole)
    return lambda count: (Market(INSTRUMENT), commands[:count])


def _steady(settings: Settings) -> Source:
    """A book of 10,000 orders over 1,000 prices that stays as it is however much runs through it.

    Preparing commands empties the caches, so each time others go first: what is measured meets a warm book.
    """
    steady = SteadyFlow(settings.size(10_000, 100), settings.size(1_000, 10))
    market = Market(INSTRUMENT)
    feed(market, list(steady.prefill()))
    warm_up = settings.size(WARM_UP) // 8 * 8

    def more(count: int) -> tuple[Market, Records]:
        commands = steady.messages(warm_up + max(8, count // 8 * 8))
        feed(market, batches(commands[:warm_up]))
        return market, commands[warm_up:]

    return more


@cache
def _own(count: int) -> Records:
    note(f"latency: generating {count:,} commands of the own flow")
    return flow("own", count)


@cache
def _public(name: str, count: int) -> Records:
    note(f"latency: loading {count:,} commands of the {name} flow")
    return flows.load(name, count)
