"""The promise, and how often it was tried: every acknowledged command survives, the recovered state is the one behind
some record at or after the last acknowledgement, and there is never a silent gap.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from hashlib import blake2b

from parbook.errors import CorruptionError, SchemaError
from parbook.journal.recovery import Recovered, recover
from parbook.records import Records
from tests.journal.driver import Driver
from tests.journal.falls import lost
from tests.journal.memory_disk import MemoryDisk
from tests.journal.script import OUTCOMES

GO_ON = 2
"""How many changes are made after a recovery, before the machine falls again."""
FAR = 8
"""Of so many recoveries, two go on to the end of the script, over several segments; those of empty journals do."""


class BrokenPromiseError(AssertionError):
    """The journal broke its promise."""


class Outcome(StrEnum):
    """How a case ended. The last one is what DURABILITY allows and nobody likes: see `tail_may_go`."""

    RECOVERED = "recovered"
    REFUSED = "refused as damage"
    POISONED = "poisoned, then recovered"
    WENT_ON = "refused the call, went on"
    NOT_OPENED = "not opened, opened later"
    UNHURT = "changed nothing"
    CUT = "last group cut as torn"


class Tally:
    """Distinct cases and their outcomes, by class of fault; and what went wrong, each with how to see it again."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[Outcome]] = {}
        self.broken: list[str] = []
        self._seen: set[bytes] = set()

    @property
    def cases(self) -> int:
        """How many distinct faults were tried."""
        return sum(counter.total() for counter in self.outcomes.values())

    def is_new(self, fault: str, *what: object) -> bool:
        """Whether this fault was not tried yet; from now on it was."""
        key = blake2b(repr((fault, what)).encode(), digest_size=12).digest()
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def count(self, fault: str, outcome: Outcome) -> None:
        """Note the end of a case."""
        self.outcomes.setdefault(fault, Counter())[outcome] += 1

    def table(self) -> str:
        """Return the table: a line for each class of fault and outcome."""
        lines = [f"{'fault':34s} {'cases':>8s}   outcomes"]
        for fault, counter in self.outcomes.items():
            ends = ", ".join(f"{outcome.value} {counter[outcome]:,}" for outcome in Outcome if counter[outcome])
            lines.append(f"{fault:34s} {counter.total():8,}   {ends}")
        lines.append(f"{'all':34s} {self.cases:8,}   broken promises {len(self.broken)}")
        return "\n".join(lines)


def recovered_from(driver: Driver, disk: MemoryDisk, least: int, cut_from: int = 0) -> Recovered:
    """Recover what is on a disk and hold it against what a driver did; return it.

    `least`: the record that must be there. `cut_from`: from this record on, damage cannot be told from a torn tail.
    """
    events: list[tuple[int, Records]] = []
    recovered = recover(
        disk,
        outcome_window=OUTCOMES,
        on_events=lambda at, batch: events.append((at, batch)),
    )
    record = recovered.end.record
    if record not in driver.after:
        raise BrokenPromiseError(f"there are records up to {record}, which nobody wrote")
    effect = driver.script.effects[driver.after[record]]
    if recovered.core.state_hash() != effect.state_hash:
        raise BrokenPromiseError(f"wrong state behind record {record}")
    if _lacks(driver, record, least) and not (cut_from and record >= cut_from - 1):
        raise BrokenPromiseError(f"records {record + 1} to {least} were acknowledged and are silently gone")
    _compare_events(events, recovered, effect.events)
    return recovered


def _lacks(driver: Driver, record: int, least: int) -> bool:
    """Whether a command up to record `least` has no effect behind `record`. A seal is no command."""
    return record < least and driver.after[record] < driver.after[least]


def _compare_events(events: list[tuple[int, Records]], recovered: Recovered, expected: bytes) -> None:
    got = b"".join(batch.tobytes() for _, batch in events)
    if not expected.endswith(got):
        raise BrokenPromiseError("the replay emitted other events")
    size = events[0][1].dtype.itemsize if events else 1
    if events and events[0][0] * size != len(expected) - len(got):
        raise BrokenPromiseError("the replay emitted the right events at the wrong position")


def goes_on(driver: Driver, disk: MemoryDisk, record: int) -> None:
    """See that the journal can be gone on with behind that record: change something, fall, recover again."""
    life = next_life(driver, disk, record)
    last = recovered_from(life, MemoryDisk(lost(disk)), life.durable)
    if last.end.record < life.durable:
        raise BrokenPromiseError("what came after the recovery did not last")


def next_life(driver: Driver, disk: MemoryDisk, record: int) -> Driver:
    """Open a disk, make a few changes, wait for them, and return who did that."""
    life = driver.revived(disk, record)
    live(life)
    return life


def live(life: Driver) -> None:
    """Open, make a few changes, wait for them."""
    far = life.acknowledged % FAR <= 1
    life.open()
    for step in life.script.changes[life.done : None if far else life.done + GO_ON]:
        life.step(step)
    life.flush()


def holds(driver: Driver, disk: MemoryDisk, least: int, cut_from: int = 0) -> Outcome:
    """Return how opening this disk ends, when it ends as promised: BrokenPromiseError or whatever it raised if not."""
    try:
        recovered = recovered_from(driver, disk, least, cut_from)
    except (CorruptionError, SchemaError):
        return Outcome.REFUSED
    record = recovered.end.record
    goes_on(driver, disk, record)
    return Outcome.CUT if _lacks(driver, record, least) else Outcome.RECOVERED
