"""A crash at every operation: of a script, and of the recovery after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from parbook.journal.durable import Durability
from tests.journal.driver import Driver
from tests.journal.falls import Files, anything_pending, fingerprint, lost, reordered, torn
from tests.journal.memory_disk import Crash, Fall, MemoryDisk, put
from tests.journal.promise import BrokenPromiseError, Outcome, Tally, holds, live, recovered_from
from tests.journal.script import Script

Life = Callable[[], Driver]
"""Makes a driver that has not done anything yet, on a disk of its own."""


def crashes(
    tally: Tally, script: Script, durability: Durability, *, cuts: int = 6, orders: int = 6, again: float = 0.05
) -> None:
    """Crash a script at every operation; from a share `again` of what is left, crash the recovery at every operation.

    `cuts`, `orders`: how many ways to tear the last write, and to let any of what was pending survive.
    """
    draw = Random(f"{script.seed} {durability}")

    def begin() -> Driver:
        return Driver(script, MemoryDisk(), durability)

    whole = begin()
    whole.run()
    for number in range(1, whole.storage.count + 1):
        where = f"seed {script.seed}, {durability}, operation {number}"
        driver = _crashed(begin, Driver.run, number)
        for mode, files in _rests(driver.storage, draw, cuts, orders):
            _try(tally, f"crash, {mode}", f"{where}, {mode}", driver, MemoryDisk(files), driver.durable)
            if draw.random() < again:
                _crash_recovery(tally, where, driver, files, draw)
        for disk in killed(driver.storage, draw):
            _try(tally, "killed, then power lost", f"{where}, killed", driver, disk, driver.acknowledged)


def _crashed(begin: Life, live_on: Callable[[Driver], None], number: int) -> Driver:
    """Live until the operation of that number; return who did, its disk as the crash left it."""
    driver = begin()
    driver.storage.plan[number] = Fall()
    try:
        live_on(driver)
    except Crash:
        return driver
    raise BrokenPromiseError(f"there is no operation {number}, or the crash was swallowed")


def _rests(disk: MemoryDisk, draw: Random, cuts: int, orders: int) -> Iterator[tuple[str, Files]]:
    """Yield what a fall may leave, with its mode."""
    yield "lost", lost(disk)
    if not anything_pending(disk):
        return
    for files in torn(disk, cuts, draw):
        yield "torn", files
    for _ in range(orders):
        yield "reordered", reordered(disk, draw)


def killed(disk: MemoryDisk, draw: Random) -> Iterator[MemoryDisk]:
    """Yield disks that a process left which was killed: the system has all that was written, perhaps not all of it."""
    yield disk.restarted()
    if disk.last_write is not None and disk.trace[-1][0] == "write":
        file, index = disk.last_write
        write = file.pending.pop(index)
        cut = write.data[: draw.randrange(len(write.data) + 1)]
        view = bytearray(file.medium)
        for earlier in file.pending:
            put(view, earlier.data, earlier.offset)
        file.view = view
        file.write(cut, write.offset)
        yield disk.restarted()


def _try(tally: Tally, fault: str, where: str, driver: Driver, disk: MemoryDisk, least: int) -> None:
    """Try one rest that was not tried yet. After a crash nothing may be refused."""
    views = {name: bytes(file.view) for name, file in disk.names_seen.items()}
    if not tally.is_new(fault, fingerprint(disk.files()), fingerprint(views), least):
        return
    try:
        outcome = holds(driver, disk, least)
        if outcome is not Outcome.RECOVERED:
            raise BrokenPromiseError("a crash was taken for damage")
    except Exception as error:
        tally.broken.append(f"{fault}: {where}: {type(error).__name__}: {error}")
    else:
        tally.count(fault, outcome)


def _crash_recovery(tally: Tally, where: str, driver: Driver, files: Files, draw: Random) -> None:
    """Crash the life after a crash at every operation: opening, cutting the tail, the first changes."""
    try:
        record = recovered_from(driver, MemoryDisk(files), driver.durable).end.record
    except Exception:
        return  # counted by the first crash already

    def begin() -> Driver:
        return driver.revived(MemoryDisk(files), record)

    whole = begin()
    try:
        live(whole)
    except Exception as error:
        tally.broken.append(f"crash of a recovery: {where}: {type(error).__name__}: {error}")
        return
    for number in range(1, whole.storage.count + 1):
        life = _crashed(begin, live, number)
        for mode, rest in _rests(life.storage, draw, 1, 1):
            _try(
                tally,
                "crash of a recovery",
                f"{where}, again at {number}, {mode}",
                life,
                MemoryDisk(rest),
                life.durable,
            )
        for disk in killed(life.storage, draw):
            _try(tally, "killed in a recovery", f"{where}, killed at {number}", life, disk, life.acknowledged)
