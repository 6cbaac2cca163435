"""B12: how fast ITCH 5.0 is decoded, and beside it itch-book where that is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from bench.bars import NOT_JUDGED, Row, unbuilt
from bench.measure import BUILD, Settings, Spread, interleave, note, ratios, timed
from parbook._itch import ItchDecoder
from parbook.logs.generate import write_itch

_BLOCK_BYTES: Final = 1 << 20
_REPEATS: Final = 4


def itch_rows(settings: Settings) -> list[Row]:
    """Return B12's own half: messages decoded from memory in blocks of 1 MiB."""
    commands = settings.size(300_000)
    note("B12 ITCH decode: writing the file")
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"flow-{commands}.itch"
    written = write_itch(path, 1, commands, "BENCH")
    data = path.read_bytes()
    if decode(data) != written:
        raise AssertionError(f"{decode(data)} messages were decoded, {written} were written")
    contenders: dict[str, Callable[[], float]] = {"parbook": lambda: _rate(lambda: decode(data), written)}
    peer = _peer(data, written)
    if peer is not None:
        contenders["itch-book"] = lambda: _rate(peer, written)
    note("B12 ITCH decode: timing")
    samples = interleave(contenders, settings.rounds)
    rate = Spread.of(samples["parbook"])
    rows = [unbuilt("B12", "decode alone", f"{rate} M messages/s of {written:,}; the bar counts decode + book")]
    if peer is None:
        return [*rows, _peer_row("not installed; the published figure is about 10 M messages/s", None, {})]
    theirs = Spread.of(samples["itch-book"])
    measured = f"decode + book, no tables: {theirs} M messages/s; parbook's decode without a book is faster by"
    ratio = ratios(samples["parbook"], samples["itch-book"])
    return [*rows, _peer_row(measured, ratio, {"itch_book_m_per_s": theirs})]


def decode(data: bytes) -> int:
    """Decode a whole file in memory, block by block, as a reader does; return the number of messages."""
    decoder = ItchDecoder()
    view = memoryview(data)
    at = 0
    while at < len(data):
        _, consumed, fault = decoder.decode(view[at : at + _BLOCK_BYTES])
        at += consumed
        if fault or consumed == 0:
            raise AssertionError(f"the decoder stopped at byte {at} with fault {fault}")
    return decoder.messages


def _rate(action: Callable[[], object], messages: int) -> float:
    """Return M messages/s over a few repeats."""

    def repeated() -> None:
        for _ in range(_REPEATS):
            action()

    return _REPEATS * messages * 1000 / timed(repeated)


def _peer(data: bytes, written: int) -> Callable[[], object] | None:
    """Return itch-book's parse and book of the file, without tables, or None where it is not installed."""
    try:
        module: Any = importlib.import_module("itch_book")
    except ImportError:
        return None

    def parse() -> object:
        session = module.Session(tables=[], depth=0, symbols=[])
        for at in range(0, len(data), _BLOCK_BYTES):
            session.feed(data[at : at + _BLOCK_BYTES])
        return session.stats()

    stats: Any = parse()
    if stats["messages"] != written:
        raise AssertionError(f"itch-book decoded {stats['messages']} messages, {written} were written")
    return parse


def _peer_row(measured: str, ratio: Spread | None, values: dict[str, Spread]) -> Row:
    verdict = f"{NOT_JUDGED}: optional peer"
    return Row(bar="B12", what="peer: itch-book", measured=measured, verdict=verdict, ratio=ratio, values=values)
