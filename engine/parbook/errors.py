"""Every exception parbook raises, in one tree.

    ParbookError
    ├── MisuseError            the caller broke the API's contract: mend the calling code
    │   └── ConversionError    text or Decimal that is not a whole number of ticks, lots or atoms
    ├── InputError             a file or setting from outside is wrong: names place, reason and remedy
    │   ├── LogFormatError     an order log: truncated, wrong magic, unknown message, bad field
    │   ├── ListingError       a listing file: unknown key, missing value, value out of range
    │   ├── AssetError         a loan, a curve, a pool or a parameter of the model is out of its range
    │   ├── TapeError          rows of a tape are wrong: all of them, up to a limit, each with its place
    │   └── SchemaError        a journal of another version: open it with the parbook that wrote it, or a newer one
    ├── JournalError           the journal cannot go on: nothing of the call was acknowledged
    │   ├── JournalLockedError another process has it open
    │   ├── JournalFullError   the disk is full: nothing was applied; free space and send the call again
    │   ├── JournalFailedError writing or syncing failed, now or before: open the journal anew
    │   └── JournalFencedError a follower was promoted: this writer is no longer the one
    ├── BackpressureError      the outbox is too full to take commands: take events out, submit again
    ├── GapError               messages of a feed are missing: have them sent again, or load a snapshot
    ├── RefusedError           raise_for_refusal() was asked to turn a refusal into an exception
    └── CorruptionError        parbook's own state is wrong: stop, keep the evidence
        ├── InvariantError     a container's check() found an invariant broken
        └── JournalDamageError an acknowledged record of a journal is damaged or missing

An order that the rules turn down is none of the others: it is a `Rejected` event with a stable code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import IntEnum
    from typing import Any


class ParbookError(Exception):
    """Base of every exception raised by parbook on purpose."""


class MisuseError(ParbookError):
    """The API was called in a way its contract forbids."""


class ConversionError(MisuseError, ValueError):
    """A value cannot become a whole number of ticks, lots or atoms without rounding."""


class InputError(ParbookError):
    """Input from outside is wrong. `where` locates it, `reason` says why, `remedy` says what to do."""

    def __init__(self, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"{where}: {reason}. {remedy}")
        self.where = where
        self.reason = reason
        self.remedy = remedy


class LogFormatError(InputError):
    """An order log cannot be read at the named place."""


class ListingError(InputError):
    """A listing file is wrong at the named key."""


class AssetError(InputError):
    """A loan, a curve, a pool or a parameter of the valuation is out of its range."""


class TapeError(InputError):
    """Rows of the file `where` are wrong. `faults` holds the first of them, `total` says how many there are.

    A fault is a parbook.assets.schema.Fault and stands on a line of the message.
    """

    def __init__(self, where: str, faults: Sequence[Any], total: int) -> None:
        listed = "".join(f"\n  {fault}" for fault in faults)
        hidden = f"\n  ... and {total - len(faults)} more" if total > len(faults) else ""
        super().__init__(
            where, f"{total} fault{'s' if total > 1 else ''}", f"Mend each and read it again:{listed}{hidden}"
        )
        self.faults = tuple(faults)
        self.total = total


class SchemaError(InputError):
    """A journal's record, its layouts, or a state are of a version that this parbook does not read."""


class JournalError(ParbookError):
    """The journal cannot go on. What a call that raises this did is not acknowledged."""


class JournalLockedError(JournalError):
    """Another process, or another exchange of this one, has the journal open."""


class JournalFullError(JournalError):
    """There is no room for a further record. Nothing was applied: free space, then send the same call again."""


class JournalFailedError(JournalError):
    """A write or a sync failed, so that nobody knows what is on the medium: close the exchange and open it anew."""


class JournalFencedError(JournalError):
    """A follower took over as the writer. Nothing this one says counts any longer."""


class BackpressureError(ParbookError):
    """An outbox holds `queued` events, more than its `high_water` mark; nothing of the commands was matched."""

    def __init__(self, queued: int, high_water: int) -> None:
        super().__init__(
            f"The outbox holds {queued} events, more than its high-water mark {high_water}; nothing of these commands "
            "was matched. Take events out of it, then submit the same commands again."
        )
        self.queued = queued
        self.high_water = high_water


class GapError(ParbookError):
    """The stream `where` lacks the numbers `first` to `last`, both included. Nothing behind them was applied."""

    def __init__(self, where: str, first: int, last: int, remedy: str) -> None:
        super().__init__(f"{where}: {first} to {last} are missing. {remedy}")
        self.where = where
        self.first = first
        self.last = last
        self.remedy = remedy


class RefusedError(ParbookError):
    """A command was refused with `code`, a RejectCode, and its sender asked for an exception. `reason` is its doc."""

    def __init__(self, what: str, code: IntEnum, reason: str) -> None:
        super().__init__(f"{what} was refused: {code.name} ({int(code)}), {reason}. Mend that and send it again.")
        self.code = code


class CorruptionError(ParbookError):
    """parbook's own state or files are inconsistent; nothing further must be trusted."""


class JournalDamageError(CorruptionError):
    """An acknowledged record is damaged or missing. `segment`, `offset`: where; `last_good`: the record before it."""

    def __init__(self, segment: str, offset: int, last_good: int, reason: str, remedy: str) -> None:
        super().__init__(f"{segment}, offset {offset}: {reason}. The last good record is {last_good}. {remedy}")
        self.segment = segment
        self.offset = offset
        self.last_good = last_good
        self.reason = reason
        self.remedy = remedy


class InvariantError(CorruptionError):
    """A container's `check()` found one of its stated invariants broken."""


def shown(value: object) -> str:
    """Return `repr(value)` as a message can carry it: at most 80 characters, and never refused for its size."""
    # Python refuses to print an int of more than 4300 digits.
    if isinstance(value, int) and value.bit_length() > 256:
        return f"<int of {value.bit_length()} bits>"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
