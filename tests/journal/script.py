"""A small exchange's day: a seeded list of steps, and what each of them makes of a core without a journal.

The steps are drawn from the state of such a core, so that they are mostly valid. Whoever carries them out over a
journal can then tell, for every number of steps, which state and which events there must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from parbook import messages as m
from parbook.codes import CommandKind
from parbook.interface import ExchangeProtocol
from parbook.listing import Asset, Listing
from parbook.protocol.exchange import BackedExchange as Exchange
from parbook.records import Records, command_records, event_records
from tests.exchange.streams import ExchangeStream, found

OUTCOMES = 64
INSTRUMENTS = 2
CHORES = ("", "flush", "barrier", "checkpoint", "reopen", "restart")
"""What comes between two changes: nothing, a wait for all submitted, a barrier of the thread for barriers, a snapshot,
a close and an opening, an opening after the process was killed."""


class Step(NamedTuple):
    """One call. `what` is a method, or one of the CHORES; `value` its argument or arguments."""

    what: str
    value: Any = None

    @property
    def changes(self) -> bool:
        """Whether it becomes a record of the journal that is carried out again."""
        return self.what not in (*CHORES, "close")


class Effect(NamedTuple):
    """A core after so many changes: the hash of its state, the bytes of it, all it has emitted."""

    state_hash: str
    state: bytes
    events: bytes


class Script(NamedTuple):
    """Steps, and the effects: `effects[n]` is the core after n changes."""

    seed: int
    steps: tuple[Step, ...]
    effects: tuple[Effect, ...]

    @property
    def changes(self) -> list[Step]:
        """The steps that change something, in order."""
        return [step for step in self.steps if step.changes]


class _Recorder:
    """Stands before a core and notes what it is asked."""

    def __init__(self, core: ExchangeProtocol) -> None:
        self.core = core
        self.steps: list[Step] = []

    def add_asset(self, asset: Asset) -> int:
        self.steps.append(Step("add_asset", asset))
        return self.core.add_asset(asset)

    def add_instrument(self, listing: Listing) -> int:
        self.steps.append(Step("add_instrument", listing))
        return self.core.add_instrument(listing)

    def apply_batch(self, commands: Records) -> Records:
        self.steps.append(Step("apply_batch", commands))
        return self.core.apply_batch(commands)


def carry_out(core: Any, step: Step) -> Records | None:
    """Do a step's change in a core, with a journal or without; return its events, None when there are none to see."""
    if step.what in ("apply_batch", "submit"):
        return core.apply_batch(step.value)
    if step.what == "apply":
        return event_records(core.apply(step.value))
    if step.what in ("place", "cancel", "amend"):
        getattr(core, step.what)(*step.value)
    else:
        getattr(core, step.what)(step.value)
    return None


def _emitted(step: Step, core: Exchange) -> bytes:
    """Return what a change emits. The shortcuts keep their events to themselves: the command they stand for tells."""
    if step.what in ("place", "cancel", "amend"):
        return core.apply_batch(command_records([_command(step)])).tobytes()
    events = carry_out(core, step)
    return b"" if events is None else events.tobytes()


def _command(step: Step) -> m.Command:
    instrument, account, *rest = step.value
    if step.what == "place":
        side, qty_lots, price_ticks = rest
        return m.NewOrder(instrument=instrument, account=account, side=side, qty_lots=qty_lots, price_ticks=price_ticks)
    if step.what == "cancel":
        return m.CancelOrder(instrument=instrument, account=account, order_id=rest[0])
    order_id, client_id, qty_lots = rest
    return m.AmendOrder(
        instrument=instrument, account=account, order_id=order_id, client_id=client_id, qty_lots=qty_lots
    )


def _shortcut(draw: np.random.Generator) -> Step:
    number, account = int(draw.integers(0, INSTRUMENTS + 1)), int(draw.integers(0, 5))
    order_id, qty_lots = int(draw.integers(0, 20)), int(draw.integers(0, 9))
    choice = int(draw.integers(0, 4))
    if choice == 0:
        return Step("apply", m.Deposit(account=account, asset=number, amount_atoms=qty_lots * 1000))
    if choice == 1:
        return Step("place", (number, account, int(draw.integers(0, 2)), qty_lots, int(draw.integers(90, 110))))
    if choice == 2:
        return Step("cancel", (number, account, order_id))
    return Step("amend", (number, account, order_id, 0, qty_lots))


def _pieces(commands: Records, draw: np.random.Generator) -> Iterator[Step]:
    """Cut commands into calls of one to eight records; a special command keeps its terms."""
    start = 0
    while start < len(commands):
        end = min(start + int(draw.choice([1, 1, 2, 3, 8])), len(commands))
        while end < len(commands) and commands["kind"][end] == CommandKind.TERMS:
            end += 1
        yield Step(str(draw.choice(["apply_batch", "submit", "submit"])), commands[start:end].copy())
        start = end


def _changes(seed: int, count: int, draw: np.random.Generator) -> Iterator[Step]:
    """Yield the changes of a script, which somebody carries out as they come."""
    recorder = _Recorder(Exchange(outcome_window=OUTCOMES))
    found(recorder, seed, INSTRUMENTS)
    yield from recorder.steps
    stream = ExchangeStream(seed, INSTRUMENTS)
    core = recorder.core
    left = count
    while left > 0:
        for operation in stream.next(core, 12):
            curve = isinstance(operation, m.SetCurve)
            steps = [Step("apply", operation)] if curve else list(_pieces(operation, draw))
            if draw.random() < 0.3:
                steps.append(_shortcut(draw))
            for step in steps[:left]:
                carry_out(core, step)
                yield step
            left -= len(steps)


@lru_cache(maxsize=64)
def script(seed: int, changes: int = 24, chores: bool = True) -> Script:
    """Return the script of a seed: founding, that many changes, and chores between them."""
    draw = np.random.Generator(np.random.PCG64([seed, 77]))
    core = Exchange(outcome_window=OUTCOMES)
    steps: list[Step] = []
    emitted = b""
    effects = [Effect(core.state_hash(), core.state_bytes(), emitted)]
    for step in _changes(seed, changes, draw):
        steps.append(step)
        emitted += _emitted(step, core)
        effects.append(Effect(core.state_hash(), core.state_bytes(), emitted))
        chore = str(draw.choice(CHORES, p=[0.55, 0.15, 0.14, 0.06, 0.05, 0.05]))
        if chores and chore:
            steps.append(Step(chore))
    return Script(seed, tuple(steps), tuple(effects))
