"""The bars of an exchange: the full path against bare matching, and what many instruments cost."""

from __future__ import annotations

import statistics
from functools import partial

import numpy as np

from bench.bars import NOT_JUDGED, Row, judged
from bench.core import fed, per, same_but_numbered
from bench.funded import GUARDED, QUOTE, fees_due, funded
from bench.measure import Settings, Spread, interleave, note, ratios, timed
from bench.workloads import COMPARED, INSTRUMENT, SteadyFlow, batches, events_of, feed, flow
from parbook import Market
from parbook._exchange import Exchange
from parbook.codes import EventKind
from parbook.records import COMMAND, Records

_COUNTS = (1, 10, 100, 1_000, 10_000)
_MAKER_AND_TAKER = (1, 2)


# --- B5 -----------------------------------------------------------------------------------------


def full_rows(settings: Settings) -> list[Row]:
    """Return B5: flows through an exchange of one instrument, against a market without prevention or money.

    Between the two stands a market with prevention, which says what of the difference is not the money's.
    """
    rows = []
    for shape in COMPARED:
        note(f"B5 {shape} flow, events and fees compared first")
        commands = flow(shape, settings.size(200_000))
        parts = batches(commands)
        events = checked(parts)
        samples = interleave(
            {
                "exchange": partial(fed, funded, parts),
                "guarded": partial(fed, partial(Market, GUARDED), parts),
                "bare": partial(fed, partial(Market, INSTRUMENT), parts),
            },
            settings.rounds,
        )
        ns = {name: per(taken, len(commands)) for name, taken in samples.items()}
        trades, prevented = (int((events["kind"] == kind).sum()) for kind in (EventKind.TRADE, EventKind.PREVENTED))
        measured = (
            f"exchange {ns['exchange']} ns a command, bare {ns['bare']} ns, with prevention {ns['guarded']} ns; "
            f"{trades / len(commands):.2f} trades a command, {prevented} prevented"
        )
        values = {f"{name}_ns_per_command": spread for name, spread in ns.items()}
        rows.append(judged("B5", f"{shape} flow", measured, ratios(samples["exchange"], samples["bare"]), values))
    return rows


def checked(parts: list[Records]) -> Records:
    """Return the events of a funded exchange, once they and its money are what they have to be.

    They equal those of a market with the same prevention throughout, and those of one without up to the first
    order that was prevented. The fees are those of the fills, and every asset adds up.
    """
    exchange = funded()
    events = events_of(exchange, parts)
    if not same_but_numbered(events, events_of(Market(GUARDED), parts)):
        raise AssertionError("money changed what matches")
    same = before_prevention(events)
    if not same_but_numbered(events[:same], events_of(Market(INSTRUMENT), parts)[:same]):
        raise AssertionError("the exchange answers otherwise than a bare market where nothing was prevented")
    exchange.check()
    if not 0 < exchange.fees_taken(QUOTE) == fees_due(events):
        raise AssertionError("the fees are not those of the fills")
    return events


def before_prevention(events: Records) -> int:
    """Return how many events come before the first command that prevented a trade: all of them when none did."""
    prevented = np.flatnonzero(events["kind"] == EventKind.PREVENTED)
    if not len(prevented):
        return len(events)
    first = int(prevented[0])
    own = events["command"][: first + 1] != events["command"][first]
    return int(np.flatnonzero(own)[-1]) + 1 if own.any() else 0


# --- B10 ----------------------------------------------------------------------------------------


class SpreadFlow:
    """The steady flow in many instruments at once, `orders` resting in each; whose turn it is, is drawn evenly."""

    def __init__(self, instruments: int, orders: int, levels: int) -> None:
        """Lay out the same book in every instrument."""
        self._random = np.random.default_rng(instruments)
        self._instruments = instruments
        self._flow = SteadyFlow(orders, levels)

    def prefill(self) -> Records:
        """Return the commands that build the books."""
        return self._dealt(np.concatenate(list(self._flow.prefill())))

    def messages(self, each: int) -> Records:
        """Return the next `each` messages of every instrument, a multiple of 8."""
        return self._dealt(self._flow.messages(each))

    def _dealt(self, own: Records) -> Records:
        """Every instrument's own messages keep their order, the instruments come in any."""
        drawn = self._random.permutation(np.repeat(np.arange(self._instruments), len(own)))
        out = np.empty(len(drawn), COMMAND)
        out[np.argsort(drawn, kind="stable")] = np.tile(own, self._instruments)
        out["instrument"] = drawn
        return out


def spread_samples(settings: Settings, counts: list[int], resting: int, messages: int) -> dict[str, list[float]]:
    """Return ns per message of the steady flow spread over as many instruments, in turns; a first round warms up."""
    flows: dict[str, SpreadFlow] = {}
    exchanges: dict[str, Exchange] = {}
    for count in counts:
        note(f"B10 instruments: building {count:,}")
        name = f"{count:,}"
        flows[name] = SpreadFlow(count, resting // count, min(1_000, resting // count))
        exchanges[name] = funded(_MAKER_AND_TAKER, count)
        feed(exchanges[name], batches(flows[name].prefill()))

    def sample(name: str) -> float:
        exchange = exchanges[name]
        each = messages // len(exchange.listings) // 8 * 8
        commands = flows[name].messages(each)
        taken = timed(partial(feed, exchange, batches(commands)))
        if sum(exchange.market(number).open_orders for number in range(len(exchange.listings))) != resting:
            raise AssertionError("the steady flow changed the number of resting orders")
        return taken / len(commands)

    samples = interleave({name: partial(sample, name) for name in flows}, settings.rounds + 1)
    return {name: taken[1:] for name, taken in samples.items()}


def instrument_rows(settings: Settings) -> list[Row]:
    """Return B10's row over instruments: the same number of resting orders, in ever more books."""
    counts = sorted({settings.size(count) for count in _COUNTS})
    resting, messages = counts[-1] * 16, counts[-1] * 24
    samples = spread_samples(settings, counts, resting, messages)
    smallest, *larger = samples
    worst = max(larger, key=lambda name: statistics.median(samples[name]))
    spreads = {name: Spread.of(taken) for name, taken in samples.items()}
    measured = "; ".join(f"{name}: {spread} ns" for name, spread in spreads.items())
    return [
        Row(
            bar="B10",
            what=f"instruments, {resting:,} resting orders in all",
            measured=measured,
            verdict=f"{NOT_JUDGED}: no bar; to be without a cliff",
            ratio=ratios(samples[worst], samples[smallest]),
            values={f"ns_per_message_at_{name.replace(',', '')}": spread for name, spread in spreads.items()},
        )
    ]
