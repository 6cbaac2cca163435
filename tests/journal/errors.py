"""A call to the storage that fails: no space at each of them, an input/output error at each of them.

No space for another segment refuses the call, which changed nothing, and the journal goes on when there is space again.
After anything else nobody knows what is on the medium: the journal acknowledges nothing any more, and opening it again
gives all that was acknowledged before. That holds also when the machine falls instead.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from random import Random

from parbook.errors import JournalFailedError, JournalFullError, ParbookError
from parbook.journal.durable import Durability
from tests.journal.driver import Driver
from tests.journal.falls import Files, lost, reordered
from tests.journal.memory_disk import MemoryDisk, Refuse
from tests.journal.promise import BrokenPromiseError, Outcome, Tally, goes_on, holds, recovered_from
from tests.journal.script import Script, Step

NAMES = {errno.ENOSPC: "ENOSPC", errno.EIO: "EIO"}


def refusals(tally: Tally, script: Script, durability: Durability, rests: int = 2) -> None:
    """Refuse every operation once, with either error."""
    draw = Random(f"refusals {script.seed} {durability}")
    whole = Driver(script, MemoryDisk(), durability)
    whole.run()
    for number, (what, _) in enumerate(whole.storage.trace, 1):
        for code, name in NAMES.items():
            for part in range(3 if what in ("write", "sync") else 1):
                plan = Refuse(code, part and draw.getrandbits(30))
                _one_refusal(tally, script, durability, number, plan, f"{name}, {what}", draw, rests)


def _one_refusal(
    tally: Tally,
    script: Script,
    durability: Durability,
    number: int,
    plan: Refuse,
    fault: str,
    draw: Random,
    rests: int,
) -> None:
    if not tally.is_new(fault, script.seed, durability, number, plan):
        return
    driver = Driver(script, MemoryDisk(), durability)
    driver.storage.plan[number] = plan
    where = f"seed {script.seed}, {durability}, operation {number}, {plan}"
    try:
        outcome = _outcome(driver)
        least = driver.acknowledged
        _still_there(driver, driver.storage.restarted(), least)
        for files in (lost(driver.storage), *(reordered(driver.storage, draw) for _ in range(rests))):
            _still_there(driver, MemoryDisk(files), driver.durable)
    except Exception as error:
        tally.broken.append(f"{fault}: {where}: {type(error).__name__}: {error}")
    else:
        tally.count(fault, outcome)


def _outcome(driver: Driver) -> Outcome:
    """Run a script into its error; see that nothing is acknowledged after it."""
    try:
        driver.run()
    except JournalFailedError:
        _is_poisoned(driver)
        return Outcome.POISONED
    except (OSError, JournalFullError):
        # Only opening raises what the storage raised: nothing was said to anybody.
        if driver.exchange is not None:
            raise
        return Outcome.NOT_OPENED
    return Outcome.WENT_ON if driver.full or driver.skipped else Outcome.UNHURT


def _is_poisoned(driver: Driver) -> None:
    exchange, acknowledged = driver.exchange, driver.acknowledged
    if exchange is None or exchange._closed:
        return
    calls = driver.script.changes[driver.done :][:3]
    for step in [*calls, Step("flush"), Step("checkpoint")]:
        try:
            driver.step(step)
        except ParbookError:
            continue
        raise BrokenPromiseError(f"{step.what} returned although the journal has failed")
    driver.storage.plan.clear()
    with suppress(OSError):
        exchange._durable.writer.sync()
    if exchange.durable > acknowledged or driver.acknowledged > acknowledged:
        raise BrokenPromiseError("something was acknowledged although the journal has failed")
    exchange.close()


def _still_there(driver: Driver, disk: MemoryDisk, least: int) -> None:
    if holds(driver, disk, least) is not Outcome.RECOVERED:
        raise BrokenPromiseError("an error was taken for damage")


def full_disk(tally: Tally, script: Script, durability: Durability) -> None:
    """Let there be no room from some step on, until a call has been refused; nothing may be lost, all goes on."""
    for first in range(len(script.steps)):
        fault = "disk full for a while"
        if not tally.is_new(fault, script.seed, durability, first):
            continue
        driver = Driver(script, MemoryDisk(), durability)
        try:
            _with_a_full_disk(driver, first)
            tally.count(fault, Outcome.WENT_ON if driver.full else Outcome.UNHURT)
        except Exception as error:
            tally.broken.append(
                f"{fault}: seed {script.seed}, {durability}, step {first}: {type(error).__name__}: {error}"
            )


def _with_a_full_disk(driver: Driver, first: int) -> None:
    disk = driver.storage
    driver.open()

    def space() -> None:
        # What was refused left nothing behind: the machine may fall here.
        files: Files = lost(disk)
        record = recovered_from(driver, MemoryDisk(files), driver.durable).end.record
        goes_on(driver, MemoryDisk(files), record)
        disk.full = False

    for number, step in enumerate(driver.script.steps):
        disk.full = disk.full or number == first
        driver.until_room(step, space)
    disk.full = False
    driver.close()
    _still_there(driver, MemoryDisk(lost(disk)), driver.durable)
