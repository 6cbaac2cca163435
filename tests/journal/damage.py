"""What no crash does: truncated files, flipped bits, and a medium that lied about a write.

A damaged journal is refused, or recovered whole: from an older snapshot, or because nothing was hurt that counts. One
thing cannot be told from a crash: damage behind which nothing says that it had been durable. `Evidence` knows what the
rest of the files still says, so that nothing else passes for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import NamedTuple

from parbook.journal.durable import Durability
from parbook.journal.layout import SEGMENT_HEADER_BYTES, Frame, read_frame, read_segment
from parbook.journal.snapshots import Stored, decode
from tests.journal.driver import Driver
from tests.journal.falls import Files, fingerprint, lost
from tests.journal.memory_disk import Crash, Fall, Lie, MemoryDisk
from tests.journal.promise import Tally, holds
from tests.journal.script import Script


class Evidence(NamedTuple):
    """A sound file's part and what it proves: that all records up to `durable` had been durable."""

    name: str
    start: int
    content: bytes
    durable: int

    def stands_in(self, files: Files) -> bool:
        """Whether it is unhurt."""
        return files.get(self.name, b"")[self.start : self.start + len(self.content)] == self.content


def evidence(files: Files) -> list[Evidence]:
    """Return all evidence in the files of a sound journal."""
    found = []
    for name, content in files.items():
        if name.endswith(".segment") and (head := read_segment(content)) is not None:
            found.append(Evidence(name, 0, content[:SEGMENT_HEADER_BYTES], head.first - 1))
            found += [Evidence(name, f.offset, content[f.offset : f.end], f.durable) for f in frames(content)]
        elif name.endswith(".snapshot") and isinstance(stored := decode(content), Stored):
            found.append(Evidence(name, 0, content, stored.record))
    return found


def frames(segment: bytes) -> Iterator[Frame]:
    """Yield the frames at the beginning of a segment."""
    offset = SEGMENT_HEADER_BYTES
    while (frame := read_frame(segment, offset)) is not None:
        yield frame
        offset = frame.end


class Log(NamedTuple):
    """A journal at rest, and who wrote it."""

    where: str
    driver: Driver
    files: Files
    evidence: list[Evidence]

    def attempt(self, tally: Tally, fault: str, where: str, files: Files) -> None:
        """Open what became of the files, and count how that ends."""
        if not tally.is_new(fault, fingerprint(files)):
            return
        cut_from = 1 + max((piece.durable for piece in self.evidence if piece.stands_in(files)), default=0)
        try:
            outcome = holds(self.driver, MemoryDisk(files), self.driver.durable, cut_from)
        except Exception as error:
            tally.broken.append(f"{fault}: {self.where}, {where}: {type(error).__name__}: {error}")
        else:
            tally.count(fault, outcome)


def log(script: Script, durability: Durability, *, closed: bool) -> Log:
    """Write a script's journal, to its end or up to its last acknowledgement, and turn the machine off."""
    driver = Driver(script, MemoryDisk(), durability)
    if closed:
        driver.run()
    else:
        driver.open()
        for step in script.steps:
            driver.step(step)
        driver.flush()
    files = lost(driver.storage)
    where = f"seed {script.seed}, {durability}, {'closed' if closed else 'not closed'}"
    return Log(where, driver, files, evidence(files))


def truncations(tally: Tally, at_rest: Log, every: int = 1) -> None:
    """Cut every file after each byte, or after one in `every`."""
    for name, content in at_rest.files.items():
        for size in range(0, len(content), every):
            at_rest.attempt(
                tally, f"truncated {_kind(name)}", f"{name} cut at {size}", at_rest.files | {name: content[:size]}
            )


def flips(tally: Tally, at_rest: Log, draw: Random | None = None, count: int = 0) -> None:
    """Flip each bit of each file alone; with `draw`, `count` of them, mostly where something is written."""
    for name, content in at_rest.files.items():
        written = 8 * len(content.rstrip(b"\0"))
        everywhere = range(8 * len(content))
        bits = everywhere if draw is None else [draw.randrange(written + 64) for _ in range(count)]
        for bit in bits:
            if bit < 8 * len(content):
                flipped = bytearray(content)
                flipped[bit // 8] ^= 1 << bit % 8
                at_rest.attempt(
                    tally, f"flipped bit, {_kind(name)}", f"{name} bit {bit}", at_rest.files | {name: bytes(flipped)}
                )


def _kind(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def lies(tally: Tally, script: Script, durability: Durability, places: int = 4) -> None:
    """Let each write be lost, or go to another place, the machine falling at some later operation."""
    draw = Random(f"lies {script.seed} {durability}")
    whole = Driver(script, MemoryDisk(), durability)
    whole.run()
    writes = [n for n, (what, _) in enumerate(whole.storage.trace, 1) if what == "write"]
    for number in writes:
        for _ in range(places):
            lie = _lie(whole.storage, draw)
            end = draw.choice([number + 1, number + 2, number + 3, draw.randrange(number, whole.storage.count) + 1])
            _one_lie(tally, script, durability, number, lie, end)


def _lie(disk: MemoryDisk, draw: Random) -> Lie:
    name = draw.choice(["", *[name for name in sorted(disk.names_seen) if "quarantine" not in name]])
    return Lie(name, draw.choice([64, 512]) * draw.randrange(64) if name else 0)


def _one_lie(tally: Tally, script: Script, durability: Durability, number: int, lie: Lie, end: int) -> None:
    """Tell one lie, let the machine fall at operation `end`, and open what is left."""
    true = _lived(script, durability, {end: Fall()})
    told = _lived(script, durability, {number: lie, end: Fall()})
    files = lost(told.storage)
    rest = Log(f"seed {script.seed}, {durability}", told, files, evidence(lost(true.storage)))
    fault = "misdirected write" if lie.name else "lost write"
    rest.attempt(tally, fault, f"write {number} to {lie}, fall at {end}", files)


def _lived(script: Script, durability: Durability, plan: dict[int, Lie | Fall]) -> Driver:
    driver = Driver(script, MemoryDisk(), durability)
    driver.storage.plan.update(plan)
    with suppress(Crash):
        driver.run()
    return driver
