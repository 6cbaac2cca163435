"""Run the reference exchange and the compiled one side by side, and shrink what sets them apart."""

from __future__ import annotations

from typing import NamedTuple

import parbook.reference
from parbook._exchange import Exchange
from parbook.interface import ExchangeProtocol
from parbook.messages import SetCurve
from parbook.records import Records
from tests.exchange.streams import ACCOUNTS, Coverage, ExchangeStream, found
from tests.parity.lockstep import apply, singles
from tests.parity.streams import Operation


class Scale(NamedTuple):
    """How large an exchange a run has, and how often its whole state is compared, in batches."""

    instruments: int = 4
    accounts: int = ACCOUNTS
    batch: int = 150
    states_every: int = 1


SMALL = Scale()
LARGE = Scale(instruments=50, accounts=4998, batch=2000, states_every=10)


class Pair:
    """Two exchanges that are asked the same."""

    def __init__(self, seed: int, scale: Scale) -> None:
        self.reference: ExchangeProtocol = parbook.reference.Exchange(outcome_window=50)
        self.core: ExchangeProtocol = Exchange(outcome_window=50)
        for exchange in (self.reference, self.core):
            found(exchange, seed, scale.instruments, scale.accounts)

    def differ(self, operation: Operation) -> tuple[Records, bool]:
        """Return the reference's answer and whether the core's is another."""
        expected = apply(self.reference, operation)
        return expected, expected.tobytes() != apply(self.core, operation).tobytes()

    def differ_in_state(self) -> bool:
        """Whether state, holds or soundness tell them apart. O(state)."""
        if self.reference.state_bytes() != self.core.state_bytes():
            return True
        try:
            self.core.check()
        except Exception:
            return True
        return False


def run(seed: int, scale: Scale, batches: int, coverage: Coverage) -> int:
    """Run one stream in lockstep and return how many commands it had, the founding deposits not among them.

    DifferenceError with the shrunk stream.
    """
    pair, stream = Pair(seed, scale), ExchangeStream(seed, scale.instruments, scale.accounts)
    founding = pair.core.next_command
    done: list[Operation] = []
    for batch in range(batches):
        for operation in stream.next(pair.reference, scale.batch):
            done.append(operation)
            events, differ = pair.differ(operation)
            coverage.count(events)
            if differ:
                raise DifferenceError(report(seed, scale, done))
        if batch % scale.states_every == scale.states_every - 1 and pair.differ_in_state():
            raise DifferenceError(report(seed, scale, done))
    if pair.differ_in_state():
        raise DifferenceError(report(seed, scale, done))
    return int(pair.core.next_command - founding)


class DifferenceError(AssertionError):
    """Reference and core disagree; the message holds the shrunk stream."""


def first_difference(seed: int, scale: Scale, operations: list[Operation], states: bool) -> int | None:
    """Return the index of the operation after which the two differ, None if none does."""
    pair = Pair(seed, scale)
    for index, operation in enumerate(operations):
        if pair.differ(operation)[1] or (states and pair.differ_in_state()):
            return index
    return None if not pair.differ_in_state() else len(operations) - 1


def report(seed: int, scale: Scale, operations: list[Operation]) -> str:
    """Return the shortest stream found that tells the two apart, as text: chunks are left out (Zeller 1999)."""
    stream = singles(operations)
    small = scale.instruments <= SMALL.instruments
    cut = first_difference(seed, scale, stream, states=small)
    if cut is None:
        return f"seed {seed}: differs only as it was batched"
    stream = stream[: cut + 1]
    chunk = len(stream) // 2
    while chunk:
        start = 0
        while start < len(stream):
            shorter = stream[:start] + stream[start + chunk :]
            cut = first_difference(seed, scale, shorter, states=small) if shorter else None
            if cut is None:
                start += chunk
            else:
                stream = shorter[: cut + 1]
        chunk //= 2
    return "\n".join([f"seed {seed}, {scale}", *map(_text, stream)])


def _text(operation: Operation) -> str:
    if isinstance(operation, SetCurve):
        return repr(operation)
    names = operation.dtype.names or ()
    return ", ".join(f"{name}={value}" for name, value in zip(names, operation[0].tolist(), strict=True) if value)
