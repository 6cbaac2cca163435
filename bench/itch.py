"""B12: ITCH 5.0 decoded and built into books, beside itch-book where that is installed.

Two files: one stock of the project's generator, whose book fits the nearest caches; and a market of 2,000 stocks with
300,000 orders, which fits none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from bench.bars import NOT_JUDGED, Row, judged
from bench.itchday import write_day
from bench.measure import BUILD, Settings, Spread, interleave, note, ratios, short, timed
from bench.peers import itch_book
from parbook._itch import Fault, ItchDecoder
from parbook._itchbook import BookBuilder
from parbook.codes import Side
from parbook.logs.generate import write_itch

_BLOCK_BYTES: Final = 1 << 18
_REPEATS: Final = 4
_FAULTS: Final = ("unknown_references", "duplicate_references", "oversized", "malformed")


def itch_rows(settings: Settings) -> list[Row]:
    """Return B12: messages from memory, in blocks, to the books of all stocks."""
    commands, resting, messages = (settings.size(count) for count in (300_000, 300_000, 1_000_000))
    stocks = settings.size(2_000, 20)
    files: dict[str, Callable[[Path], int]] = {
        "one stock": lambda path: write_itch(path, 1, commands, "BENCH"),
        f"{stocks:,} stocks": lambda path: write_day(path, stocks, resting, messages),
    }
    BUILD.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, write in files.items():
        note(f"B12 {name}: writing the file")
        path = BUILD / f"measured-{os.getpid()}.itch"
        written = write(path)
        data = path.read_bytes()
        path.unlink()
        rows += _rows(settings, name, data, written)
    return rows


def _rows(settings: Settings, name: str, data: bytes, written: int) -> list[Row]:
    decoder, builder = build(data)
    if decoder.messages != written:
        raise AssertionError(f"{decoder.messages} messages were decoded, {written} were written")
    builder.check()
    lost = {fault: builder.counts[fault] for fault in _FAULTS if builder.counts[fault]}
    if lost:
        raise AssertionError(f"messages of the file could not be followed: {lost}")
    contenders: dict[str, Callable[[], float]] = {
        "parbook": partial(_rate, partial(build, data), written),
        "decode": partial(_rate, partial(decode, data), written),
    }
    peer = itch_book.module()
    levels = 0
    if peer is not None:
        note(f"B12 {name}: comparing the books with itch-book's")
        levels = itch_book.verify(peer, data, decoder, builder, _BLOCK_BYTES)
        contenders["itch-book"] = partial(_rate, partial(itch_book.build, peer, data, _BLOCK_BYTES), written)
    note(f"B12 {name}: timing")
    samples = interleave(contenders, settings.rounds)
    rates = {contender: Spread.of(taken) for contender, taken in samples.items()}
    what = f"{name}, {short(written)} messages, {short(len(builder))} orders at the end"
    measured = f"decode + book {rates['parbook']} M messages/s, decode alone {rates['decode']}"
    values = {f"{contender.replace('-', '_')}_m_per_s": rate for contender, rate in rates.items()}
    if peer is None:
        said = f"{NOT_JUDGED}: itch-book is not installed; it publishes 10 to 17 M messages/s"
        return [Row(bar="B12", what=what, measured=measured, verdict=said, values=values)]
    measured += f"; itch-book {rates['itch-book']}, no tables; {levels:,} levels and all counts agree"
    return [judged("B12", what, measured, ratios(samples["parbook"], samples["itch-book"]), values)]


def build(data: bytes) -> tuple[ItchDecoder, BookBuilder]:
    """Decode a whole file in memory and build its books, block by block, in one pass; ask for the best of every side.

    Asking is part of the task: the builder puts prices in order when they are asked for.
    """
    decoder, builder = ItchDecoder(), BookBuilder()
    _blocks(data, partial(builder.feed_itch, decoder))
    for symbol in range(len(decoder.symbols())):
        for side in Side:
            builder.best(symbol, side)
    return decoder, builder


def decode(data: bytes) -> int:
    """Decode a whole file in memory, block by block, as a reader does; return the number of messages."""
    decoder = ItchDecoder()
    _blocks(data, lambda block: decoder.decode(block)[1:])
    return decoder.messages


def _blocks(data: bytes, take: Callable[[memoryview], tuple[int, Fault | int]]) -> None:
    """Hand over block after block, each from where the one before was taken to; AssertionError for a fault."""
    view = memoryview(data)
    at = 0
    while at < len(data):
        consumed, fault = take(view[at : at + _BLOCK_BYTES])
        at += consumed
        if fault or consumed == 0:
            raise AssertionError(f"the decoder stopped at byte {at} with fault {fault}")


def _rate(action: Callable[[], object], messages: int) -> float:
    """Return M messages/s over a few repeats."""

    def repeated() -> None:
        for _ in range(_REPEATS):
            action()

    return _REPEATS * messages * 1000 / timed(repeated)
