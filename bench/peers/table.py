"""The rows of the peers: each gets the same task as parbook in the same run, and its result is compared first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from bench.bars import NOT_JUDGED, Row
from bench.measure import Settings, Spread, UnavailableError, interleave, note, ratios, timed
from bench.peers import hftbacktest, lightmatchingengine, nautilus, order_matching, orderbook
from bench.peers.steps import log, parbook_outcome, parbook_run, steps
from bench.workloads import BATCH
from parbook.codes import Side

_MATCHERS: Final = (lightmatchingengine, order_matching, orderbook)


def peer_rows(settings: Settings) -> list[Row]:
    """Return a row for each peer, installed or not. itch-book stands in B12."""
    rows = [_row(partial(_matcher, settings, peer), peer) for peer in _MATCHERS]
    rows.append(_row(partial(_builder, settings), nautilus))
    rows.append(_row(partial(_replayer, settings), hftbacktest))
    return rows


def _row(measure: Callable[[], Row], peer: ModuleType) -> Row:
    what = f"{peer.NAME} ({peer.LICENCE})"
    try:
        return measure()
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        own = missing.split(".")[0].replace("-", "_") == peer.NAME.replace("-", "_")
        reason = "not installed" if own else f"does not import here: no module {missing}"
    except ImportError as error:
        reason = f"does not import here: {str(error).split(' (')[0]}"
    except UnavailableError as error:
        reason = str(error)
    return Row(bar="peers", what=what, measured="-", verdict=f"{NOT_JUDGED}: {reason}")


def _compared(
    peer: ModuleType, task: str, agreed: str, samples: dict[str, list[float]], counts: dict[str, int], how: str
) -> Row:
    ns = {name: Spread.of(taken / counts[name] for taken in values) for name, values in samples.items()}
    measured = f"{task}: {peer.NAME} {ns['peer']} ns {how}, parbook {ns['parbook']} ns; {agreed}"
    ratio = ratios([sample / counts["peer"] for sample in samples["peer"]],
                   [sample / counts["parbook"] for sample in samples["parbook"]])  # fmt: skip
    values = {f"{name}_ns": spread for name, spread in ns.items()}
    verdict = f"{NOT_JUDGED}: no bar; the ratio is peer / parbook"
    what = f"{peer.NAME} ({peer.LICENCE})"
    return Row(bar="peers", what=what, measured=measured, verdict=verdict, ratio=ratio, values=values)


def _matcher(settings: Settings, peer: Any) -> Row:
    """Orders against orders: trades in order and what rests are compared."""
    module = peer.module()
    messages = settings.size(peer.MESSAGES, 200)
    note(f"peers: {peer.NAME}, outcome compared first")
    given = steps(peer.FLOW, messages)
    ours, theirs = parbook_outcome(given), peer.outcome(module, given)
    if ours.trades != theirs.trades or ours.levels != theirs.levels:
        raise AssertionError(f"{peer.NAME} makes other trades of the flow, or leaves another book")
    contenders: dict[str, Callable[[], float]] = {
        "peer": lambda: _sample(peer.run(module, given)),
        "parbook": lambda: _sample(parbook_run(given)),
    }
    samples = interleave(contenders, settings.rounds)
    agreed = f"{len(ours.trades):,} trades and {len(ours.levels):,} levels agree"
    counts = dict.fromkeys(contenders, len(given))
    return _compared(peer, f"{peer.FLOW} flow, {len(given):,} orders and cancels", agreed, samples, counts, "a call")


def _builder(settings: Settings) -> Row:
    """A venue's changes to a book of orders: every level is compared."""
    module = nautilus.module()
    records = log(settings.size(nautilus.COMMANDS, 200))
    note("peers: nautilus_trader, book compared first")
    deltas = nautilus.prepared(module, records)
    book, run = nautilus.run(module, deltas)
    builder, fed = nautilus.parbook_run(records, BATCH)
    run()
    fed()
    compared = 0
    for side in Side:
        ours = [tuple(level) for level in builder.levels(0, side, 10**6)]
        if ours != nautilus.levels(book, side):
            raise AssertionError("nautilus_trader builds another book")
        compared += len(ours)
    contenders: dict[str, Callable[[], float]] = {
        "peer": lambda: _sample(nautilus.run(module, deltas)[1]),
        "parbook": lambda: _sample(nautilus.parbook_run(records, BATCH)[1]),
    }
    samples = interleave(contenders, settings.rounds)
    task = f"building a book, {len(records):,} messages, prepared: objects one a call / arrays of {BATCH:,}"
    counts = {"peer": len(deltas), "parbook": len(records)}
    return _compared(nautilus, task, f"{compared} levels agree", samples, counts, "a change")


def _replayer(settings: Settings) -> Row:
    """A venue's changes, replayed by a backtester: every level is compared."""
    module = hftbacktest.module()
    records = log(settings.size(hftbacktest.COMMANDS, 200))
    note("peers: hftbacktest, book compared first")
    events = hftbacktest.prepared(module, records)
    builder, fed = nautilus.parbook_run(records, BATCH)
    fed()
    compared = hftbacktest.verify(module, events, builder)
    contenders: dict[str, Callable[[], float]] = {
        "peer": lambda: _sample(hftbacktest.run(module, events)),
        "parbook": lambda: _sample(nautilus.parbook_run(records, BATCH)[1]),
    }
    samples = interleave(contenders, settings.rounds)
    task = f"replaying a book, {len(records):,} messages, prepared as arrays"
    counts = {"peer": len(events), "parbook": len(records)}
    return _compared(hftbacktest, task, f"{compared} levels agree", samples, counts, "an event")


def _sample(run: Callable[[], object]) -> float:
    return float(timed(run))
