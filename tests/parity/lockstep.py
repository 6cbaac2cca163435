"""Run the reference and the core side by side, and shrink what sets them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

import parbook.reference
from parbook._market import Market
from parbook.codes import CommandKind
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.messages import SetCurve
from parbook.records import TERMS, Records, event_records
from tests.parity.coverage import SEEN_SHAPE
from tests.parity.profiles import Profile, instrument_of
from tests.parity.streams import Operation, Stream

MakeMarket = Callable[[Instrument], MarketProtocol]


class DifferenceError(AssertionError):
    """Reference and core disagree; the message holds the shrunk stream."""


def apply(market: MarketProtocol, operation: Operation) -> Records:
    """Apply one operation and return its EVENT records."""
    if isinstance(operation, SetCurve):
        return event_records(market.apply(operation))
    return market.apply_batch(operation)


def singles(operations: Iterable[Operation]) -> list[Operation]:
    """Return the same operations, one command each."""
    out: list[Operation] = []
    for operation in operations:
        if isinstance(operation, SetCurve):
            out.append(operation)
        else:
            out += _commands_of(operation)
    return out


def _commands_of(records: Records) -> list[Operation]:
    """Return an array's commands one by one, a special one with its TERMS."""
    special = np.isin(records["kind"], (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL))
    out: list[Operation] = []
    index = 0
    while index < len(records):
        pair = special[index] and index + 1 < len(records) and records["kind"][index + 1] == CommandKind.TERMS
        length = 2 if pair else 1
        out.append(records[index : index + length])
        index += length
    return out


def first_difference(instrument: Instrument, operations: list[Operation], core: MakeMarket = Market) -> int | None:
    """Return the index of the operation after which the two differ in events, state or soundness; None if none does."""
    reference, tested = parbook.reference.Market(instrument), core(instrument)
    for index, operation in enumerate(operations):
        if apply(reference, operation).tobytes() != apply(tested, operation).tobytes():
            return index
        if reference.state_bytes() != tested.state_bytes():
            return index
        reference.check()
        try:
            tested.check()
        except Exception:
            return index
    return None


def shrink(instrument: Instrument, operations: list[Operation], core: MakeMarket = Market) -> list[Operation]:
    """Return a stream of single commands that still differs and from which no command can be dropped.

    Cuts at the first difference, then removes ever smaller chunks (delta debugging, Zeller 1999).
    """
    stream = singles(operations)
    cut = first_difference(instrument, stream, core)
    if cut is None:
        return stream
    stream = stream[: cut + 1]
    chunk = len(stream) // 2
    while chunk:
        start = 0
        while start < len(stream):
            shorter = stream[:start] + stream[start + chunk :]
            cut = first_difference(instrument, shorter, core) if shorter else None
            if cut is None:
                start += chunk
            else:
                stream = shorter[: cut + 1]
        chunk //= 2
    return stream


def scenario(instrument: Instrument, stream: list[Operation], core: MakeMarket = Market) -> str:
    """Return a shrunk stream as a table: each command, what the reference answers, what the core answers."""
    reference, tested = parbook.reference.Market(instrument), core(instrument)
    lines = [repr(instrument)]
    for operation in stream:
        if isinstance(operation, SetCurve):
            lines.append(repr(operation))
        else:
            for record in (operation[:1], operation[1:].view(TERMS)):
                names = record.dtype.names or ()
                for row in record.tolist():
                    lines.append(", ".join(f"{n}={v}" for n, v in zip(names, row, strict=True) if v))
        expected, got = apply(reference, operation), apply(tested, operation)
        lines += [f"    reference {row}" for row in expected.tolist()]
        if expected.tobytes() != got.tobytes():
            lines += [f"    core      {row}" for row in got.tolist()]
    if reference.state_bytes() != tested.state_bytes():
        lines.append("state differs after the last command")
    return "\n".join(lines)


def run(profile: Profile, seed: int, batches: int, batch_size: int, core: MakeMarket = Market) -> np.ndarray:
    """Run one stream in lockstep and return how often each (event kind, code) occurred, as a table of SEEN_SHAPE.

    Raises DifferenceError with a shrunk scenario when events, state bytes or invariants disagree.
    """
    instrument = instrument_of(profile, seed)
    reference, tested = parbook.reference.Market(instrument), core(instrument)
    stream = Stream(profile, seed)
    history: list[Operation] = []
    seen = np.zeros(SEEN_SHAPE, np.int64)
    for number in range(batches):
        for operation in stream.next(tested, batch_size):
            history.append(operation)
            expected = apply(reference, operation)
            if expected.tobytes() != apply(tested, operation).tobytes():
                raise DifferenceError(report(profile, seed, instrument, history, core))
            np.add.at(seen, (expected["kind"], expected["code"]), 1)
        if reference.state_hash() != tested.state_hash():
            raise DifferenceError(report(profile, seed, instrument, history, core))
        tested.check()
        if number % 8 == 0:
            reference.check()
    return seen


def report(profile: Profile, seed: int, instrument: Instrument, history: list[Operation], core: MakeMarket) -> str:
    """Shrink a failing history and describe it."""
    shrunk = shrink(instrument, history, core)
    head = f"profile {profile.name}, seed {seed}: shrunk to {len(shrunk)} commands"
    return f"{head}\n{scenario(instrument, shrunk, core)}"
