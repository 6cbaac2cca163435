"""From paths to a result: open the log, choose the mode, replay, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import msgspec
import numpy as np
import numpy.typing as npt

from parbook.codes import CommandKind, Side
from parbook.errors import InputError
from parbook.instrument import Instrument
from parbook.logs.itch import ItchLog
from parbook.logs.lobster import LobsterLog
from parbook.logs.native import NativeLog
from parbook.logs.open import open_log
from parbook.logs.records import LogKind
from parbook.records import Records
from parbook.replay.anchors import AnchorSource, FileAnchors, LogAnchors, TrailingAnchors
from parbook.replay.listing import Listing, load_listing
from parbook.replay.rebuild import Progress, Rebuilder, limited, rebuild
from parbook.replay.rematch import MakeMarket, Rematch, default_market
from parbook.replay.result import Findings, ReplayResult
from parbook.replay.translate import Block, Translator
from parbook.replay.truth import TruthVerifier, after_change, side_levels, verify_truth

MODES: Final = ("book", "match")
"""`book` rebuilds the venue's book and verifies its prints; `match` matches the log's orders anew."""

_DEFAULT_WINDOW_NS: Final = 60 * 10**9
_DEFAULT_INTERVAL_NS: Final = 10**9
_BOOK_KINDS: Final = int(LogKind.REPLACE)
_Log = ItchLog | LobsterLog | NativeLog


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay. `mode` None chooses: match with a curve or for a native log, else book where it can verify."""

    log: Path
    truth: Path | None = None
    symbol: str | None = None
    mode: str | None = None
    curve: Path | None = None
    anchor: Path | None = None
    limit: int | None = None


def replay(
    options: ReplayOptions, *, progress: Progress | None = None, make_market: MakeMarket = default_market
) -> ReplayResult:
    """Replay one log and return what was found.

    InputError (LogFormatError, ListingError) for what comes from outside and is wrong, InvariantError when the
    market breaks an invariant of its own. O(messages log levels).
    """
    listing = None if options.curve is None else load_listing(options.curve)
    log = open_log(options.log, symbol=options.symbol, truth=options.truth)
    mode = _mode(options, log)
    if mode == "book":
        if listing is not None or options.anchor is not None:
            where = "--curve" if listing is not None else "--anchor"
            raise InputError(where, "mode book only verifies; nothing is matched there", "Use --mode match.")
        return _book(options, log, progress)
    return _match(options, log, listing, progress, make_market)


def _mode(options: ReplayOptions, log: _Log) -> str:
    mode = options.mode
    if isinstance(log, NativeLog):
        if mode == "book":
            reason = "a native log holds commands, not a venue's prints: there is nothing to verify a book against"
            raise InputError(f"{options.log}, --mode book", reason, "Use --mode match.")
        return "match"
    verifiable = isinstance(log, ItchLog) or options.truth is not None
    if mode == "book" and not verifiable:
        reason = "a LOBSTER message file alone does not show the book it starts from"
        raise InputError(
            f"{options.log}, --mode book", reason, "Give its order book file with --truth, or use --mode match."
        )
    if mode is not None:
        return mode
    curve = options.curve is not None or options.anchor is not None
    return "book" if verifiable and not curve else "match"


def _book(options: ReplayOptions, log: _Log, progress: Progress | None) -> ReplayResult:
    found: Rebuilder | TruthVerifier
    if isinstance(log, LobsterLog):
        found = verify_truth(log, limit=options.limit, progress=progress)
    else:
        found = rebuild(cast(ItchLog, log), limit=options.limit, progress=progress)
    checks = found.checks()
    instrument = log.instrument(log.symbols[0]) if log.symbols else None
    return ReplayResult(
        log=str(options.log),
        format=_format(log),
        mode="book",
        symbols=log.symbols,
        tick=str(instrument.tick) if instrument else "",
        lot=str(instrument.lot) if instrument else "",
        messages=found.messages,
        verified=not any(check.required and check.failed for check in checks),
        checks=checks,
        counts=dict(sorted(found.findings.counts.items())),
        mismatches_total=found.findings.mismatches_total,
        mismatches=found.findings.mismatches,
        notes=log.notes,
        state_hash="",
        curve=None,
        timeline=found.timeline,
    )


def _match(
    options: ReplayOptions, log: _Log, listing: Listing | None, progress: Progress | None, make_market: MakeMarket
) -> ReplayResult:
    findings = Findings()
    instrument = _instrument(log)
    curve = None if listing is None else listing.set_curve(instrument)
    if curve is None and isinstance(log, NativeLog):
        curve = log.curve
    if options.anchor is not None and curve is None:
        raise InputError("--anchor", "there is no curve to anchor", "Give a listing file with --curve.")
    anchors = None if curve is None else _anchors(options, log, listing, instrument)
    match = Rematch(
        instrument,
        findings,
        exact_sequence=isinstance(log, ItchLog),
        curve=curve,
        anchors=anchors,
        make_market=make_market,
    )
    # A venue's day starts with an empty book; a LOBSTER file starts in the middle of one.
    translator = Translator(str(options.log), findings, complete=isinstance(log, ItchLog))
    messages = _play(options, log, match, translator, progress)
    match.close()
    checks = match.checks() + translator.checks()
    return ReplayResult(
        log=str(options.log),
        format=_format(log),
        mode="match",
        symbols=[instrument.symbol],
        tick=str(instrument.tick),
        lot=str(instrument.lot),
        messages=messages,
        verified=not any(check.required and check.failed for check in checks),
        checks=checks,
        counts=dict(sorted(findings.counts.items())),
        mismatches_total=findings.mismatches_total,
        mismatches=findings.mismatches,
        notes=log.notes + _match_notes(options, log, messages),
        state_hash=match.market.state_hash(),
        curve=match.curve_report(),
        timeline=match.timeline,
    )


def _play(options: ReplayOptions, log: _Log, match: Rematch, translator: Translator, progress: Progress | None) -> int:
    messages = 0
    if isinstance(log, NativeLog):
        own_prints = match.joint is not None and match.joint.anchors.reads_prints
        for commands in limited(iter(log), options.limit):
            match.play(Block(commands, [], []), own_prints=own_prints)
            messages += len(commands)
            if progress is not None:
                progress(*log.progress)
        return messages
    symbol = match.market.instrument.symbol
    first = True
    for records in limited(iter(log), options.limit):
        _one_symbol(log, symbol, records)
        if first and isinstance(log, LobsterLog) and options.truth is not None:
            row = next(log.truth)
            translator.seed(_levels_before(row, records[0]), int(records[0]["ts_ns"]))
        first = False
        match.play(translator.feed(records))
        messages += len(records)
        if progress is not None:
            progress(*log.progress)
    match.play(translator.finish())
    return messages


def _match_notes(options: ReplayOptions, log: _Log, messages: int) -> list[str]:
    """Return what a match did not verify although its input would allow it."""
    notes = []
    if options.truth is not None:
        notes.append("Of the order book file only the first row was used, for the book before the first message.")
    if isinstance(log, NativeLog) and messages == options.limit:
        notes.append("The log was not read to its end, so that its checksum may not have been verified.")
    return notes


def _levels_before(row: npt.NDArray[np.int64], message: np.void) -> list[tuple[int, int, int]]:
    """Return (side, price, lots) of the levels before the first message: row 0 with that message taken back."""
    out = []
    for side in Side:
        levels = side_levels(row, side)
        kind = int(message["kind"])
        if kind <= _BOOK_KINDS and message["side"] == side:
            lots = int(message["qty_lots"])
            change = -lots if kind == LogKind.ADD else lots
            levels = after_change(levels, side, int(message["price_ticks"]), change) or levels
        out += [(int(side), price, lots) for price, lots in levels]
    return out


def _anchors(options: ReplayOptions, log: _Log, listing: Listing | None, instrument: Instrument) -> AnchorSource:
    """Return the anchor's source: a file, else what a native log proposes itself, else its trades' average."""
    band_ppm = 0 if listing is None else listing.band_ppm
    file = options.anchor or (None if listing is None else listing.anchor_file)
    if file is not None:
        return FileAnchors(file, instrument, band_ppm)
    if isinstance(log, NativeLog) and any((block["kind"] == CommandKind.PROPOSE_ANCHOR).any() for block in log):
        return LogAnchors()
    if listing is None:
        return TrailingAnchors(_DEFAULT_WINDOW_NS, _DEFAULT_INTERVAL_NS, band_ppm)
    return TrailingAnchors(listing.window_ns, listing.interval_ns, band_ppm)


def _instrument(log: _Log) -> Instrument:
    """Return the instrument of the one symbol that is to be matched."""
    if isinstance(log, NativeLog):
        return log.instrument()
    for records in log:
        symbols = np.unique(_in_book(records)["symbol"])
        if len(symbols):
            return log.instrument(log.symbols[int(symbols[0])])
    raise InputError(str(log.path), "the log holds no order", "Name another file, or another --symbol.")


def _one_symbol(log: ItchLog | LobsterLog, symbol: str, records: Records) -> None:
    for index in np.unique(_in_book(records)["symbol"]).tolist():
        if log.symbols[index] != symbol:
            reason = f"the log holds orders of several symbols ({symbol}, {log.symbols[index]}, ...); a match takes one"
            raise InputError(str(log.path), reason, f"Choose one, as in --symbol {symbol}.")


def _in_book(records: Records) -> Records:
    return records[records["kind"] <= _BOOK_KINDS]


def _format(log: _Log) -> str:
    return {ItchLog: "itch", LobsterLog: "lobster", NativeLog: "native"}[type(log)]
