"""FOK and min_lots are accepted exactly when execution would satisfy them: `make feasibility COUNT=n`.

A case is a random market (displayed, sliced and hidden orders, groups, collars, curve), and one order for it. The
market is built twice by replaying the same commands; one copy gets the order with its condition (FOK, or min_lots),
the other the same order without it (IOC, or no min_lots). If the free order trades enough, both must answer with the
same events, byte for byte; otherwise the bound one must be refused for exactly that reason. A free order that is
refused must be refused alike when bound.

Half of the orders are first sounded out in a third copy and then ask for one lot less, as much, or one more than
there is, because that is where a test that foresees and a walk that fills part company.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from parbook.codes import (
    AccountField,
    Allocation,
    AnchorMove,
    CommandKind,
    CurveResale,
    CurveShape,
    EventKind,
    OrderType,
    RejectCode,
    Side,
    Source,
    StpMode,
    TimeInForce,
)
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.messages import CurveParams, SetCurve
from parbook.records import COMMAND, TERMS, Records
from parbook.units import PPM
from tests.parity.lockstep import MakeMarket, apply, scenario, singles
from tests.parity.profiles import STP_MODES, Profile, instrument_of
from tests.parity.reading import read
from tests.parity.streams import Operation, Stream
from tests.support.markets import MARKETS

ROUND_CASES = 128
_BATCHES, _BATCH_SIZE = 4, 40
_CASES_PER_STATE = 4
_SOUNDING_LOTS = 60

PROFILE = Profile(
    "feasibility",
    spread_ticks=20,
    malformed=0.0,
    curve=0.1,
    anchors=0.01,
    specials=0.5,
    terms={"hidden": 1.0, "iceberg": 1.0, "stp": 0.4, "min": 0.2, "stop": 0.3},
    settings={
        "allocation": tuple(Allocation),
        "stp": (StpMode.OFF, *STP_MODES),
        "market_rests": (False, True),
        "max_triggers": (1, 64),
        "static_band_ppm": (0, 0, 0, 9000),
        "dynamic_band_ppm": (0, 0, 0, 7000),
        "breach_rests": (False, True),
    },
)
"""No breach_state: a halted market refuses every order that trades at once, bound or free."""


class Case(NamedTuple):
    """A market as the commands that build it, and an order with and without its condition.

    `wanted_lots` have to trade for `bound` to be accepted, else it is refused with `code`.
    """

    instrument: Instrument
    history: list[Operation]
    bound: Records
    free: Records
    wanted_lots: int
    code: RejectCode


class Answer(NamedTuple):
    """The events of one order, its refusal (0: none), and the lots it traded as the aggressor."""

    events: Records
    code: int
    lots: int


def built(make_market: MakeMarket, case: Case) -> MarketProtocol:
    """Return a new market after the case's history."""
    market = make_market(case.instrument)
    for operation in case.history:
        apply(market, operation)
    return market


def answer(market: MarketProtocol, order: Records) -> Answer:
    """Enter the order and read its answer. Stops that the order elects trade on their own account, not on its."""
    events = market.apply_batch(order)
    kinds = events["kind"]
    refused = events[kinds == EventKind.REJECTED]
    if len(refused):
        return Answer(events, int(refused["code"][0]), 0)
    order_id = events["order_id"][kinds == EventKind.ACCEPTED][0]
    mine = (kinds == EventKind.TRADE) & (events["order_id"] == order_id)
    return Answer(events, 0, int(events["qty_lots"][mine].sum()))


def disagreement(make_market: MakeMarket, case: Case) -> tuple[str, Answer]:
    """Return in which way the bound order does not do what the free one shows ("": it does), and the free answer."""
    free = answer(built(make_market, case), case.free)
    bound = answer(built(make_market, case), case.bound)
    if free.code or free.lots < case.wanted_lots:
        expected = free.code or case.code
        if bound.code != expected:
            return f"code {bound.code} where {expected} was due: {free.lots} of {case.wanted_lots} lots trade", free
    elif bound.events.tobytes() != free.events.tobytes():
        return f"code {bound.code}, other events than the free order, which trades {free.lots} lots", free
    return "", free


# --- drawing ------------------------------------------------------------------------------------


def cases(make_market: MakeMarket, seed: int, count: int) -> Iterator[Case]:
    """Yield `count` cases around one random history, which one seed draws. A market of the kind steers the drawing."""
    draw = np.random.Generator(np.random.PCG64([seed, 5]))
    instrument = instrument_of(PROFILE, seed)
    market, stream = make_market(instrument), Stream(PROFILE, seed)
    history = _opening(draw)
    for operation in history:
        apply(market, operation)
    for _ in range(_BATCHES):
        for operation in stream.next(market, _BATCH_SIZE):
            apply(market, operation)
            history.append(operation)
    commands = _steps(history)
    for number in range(count):
        if number % _CASES_PER_STATE == 0:
            past = _prefix(history, commands[int(draw.integers(len(commands) // 4, len(commands)))])
        yield _case(draw, make_market, Case(instrument, past, *_order(draw, stream.mid_ticks, instrument)))


def _opening(draw: np.random.Generator) -> list[Operation]:
    """Return a curve that quotes a few lots a tick around the middle, and commands that group two of the accounts."""
    depth_lots = int(10 ** draw.uniform(2, 4))
    params = CurveParams(
        shape=CurveShape.PMM,
        base_depth_lots=depth_lots,
        quote_depth_lots=depth_lots,
        budget_notional=int(10 ** draw.uniform(4, 8)),
        k_ppm=int(draw.choice([10_000, 100_000, PPM])),
        spread_ppm=int(draw.choice([0, 500, 3000])),
        min_net_lots=1 - depth_lots,
        max_net_lots=depth_lots,
        anchor_move=AnchorMove(int(draw.integers(2))),
        lift_max_lots=20,
        resale=CurveResale(int(draw.integers(2))),
    )
    out = np.zeros(3, COMMAND)
    out["kind"] = (CommandKind.PROPOSE_ANCHOR, CommandKind.SET_ACCOUNT, CommandKind.SET_ACCOUNT)
    out["price_ticks"][0] = PROFILE.mid_ticks
    out["high_ticks"][0] = PROFILE.mid_ticks + draw.integers(3)
    out["account"][1:] = (1, 2)
    out["order_type"][1:] = AccountField.STP_GROUP
    out["qty_lots"][1:] = draw.integers(1, 3, 2)
    return [SetCurve(params=params), out]


def _steps(history: list[Operation]) -> list[tuple[int, int]]:
    """Return where a history may be cut: after so many operations and so many records of the next, pairs kept whole."""
    special = (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL)
    out = []
    for index, operation in enumerate(history):
        if isinstance(operation, np.ndarray):
            kinds = operation["kind"]
            torn = np.isin(kinds[:-1], special) & (kinds[1:] == CommandKind.TERMS)
            out += [(index, int(at)) for at in np.flatnonzero(~torn) + 1]
    return out


def _prefix(history: list[Operation], cut: tuple[int, int]) -> list[Operation]:
    """Return the history up to a cut, arrays in a row joined into one: a replay then is a few calls."""
    operation = history[cut[0]]
    assert isinstance(operation, np.ndarray)
    out: list[Operation] = []
    for part in (*history[: cut[0]], operation[: cut[1]]):
        if isinstance(part, np.ndarray) and out and isinstance(out[-1], np.ndarray):
            out[-1] = np.frombuffer(out[-1].tobytes() + part.tobytes(), COMMAND)
        else:
            out.append(part)
    return out


def _order(
    draw: np.random.Generator, mid_ticks: int, instrument: Instrument
) -> tuple[Records, Records, int, RejectCode]:
    """Return a random order with its condition, without it, the lots the condition wants, and its reject code."""
    bound = np.zeros(2, COMMAND)
    order, terms = bound[:1], bound[1:].view(TERMS)
    side = int(draw.integers(2))
    qty_lots = int(_SOUNDING_LOTS ** draw.random())
    is_market = draw.random() < 0.2
    order["kind"], terms["kind"] = CommandKind.NEW_SPECIAL, CommandKind.TERMS
    order["account"] = draw.integers(1, PROFILE.accounts + 1)
    order["side"] = side
    order["order_type"] = OrderType.MARKET if is_market else OrderType.LIMIT
    order["price_ticks"] = mid_ticks + int(draw.integers(-3, 25)) * (1 if side == Side.BUY else -1)
    order["qty_lots"] = qty_lots
    order["tif"] = TimeInForce.IOC
    terms["stp"] = draw.integers(len(StpMode)) if draw.random() < 0.7 else 0
    free = bound.copy()
    if draw.random() < 0.6:
        order["tif"] = TimeInForce.FOK
        return bound, free, qty_lots, RejectCode.FOK_UNFILLABLE
    if (not is_market or instrument.market_rests) and draw.random() < 0.6:
        order["tif"] = free["tif"][0] = TimeInForce.GTC
    wanted_lots = int(draw.integers(1, qty_lots, endpoint=True))
    terms["min_lots"] = wanted_lots
    return bound, free, wanted_lots, RejectCode.MIN_QTY_UNFILLABLE


def _case(draw: np.random.Generator, make_market: MakeMarket, case: Case) -> Case:
    """Return the case, or in half of them one that wants about as many lots as there are."""
    sounded, step = draw.random() < 0.5, int(draw.integers(-1, 2))
    if not sounded:
        return case
    sounding = case.free.copy()
    sounding["qty_lots"][0] = _SOUNDING_LOTS
    lots = answer(built(make_market, case), sounding).lots
    wanted_lots = min(max(lots + step, 1), _SOUNDING_LOTS)
    bound, free = case.bound.copy(), case.free.copy()
    if case.code is RejectCode.FOK_UNFILLABLE:
        bound["qty_lots"][0] = free["qty_lots"][0] = wanted_lots
    else:
        bound["qty_lots"][0] = free["qty_lots"][0] = _SOUNDING_LOTS
        bound[1:].view(TERMS)["min_lots"] = wanted_lots
    return case._replace(bound=bound, free=free, wanted_lots=wanted_lots)


# --- what the cases reached ---------------------------------------------------------------------

_SOURCES = (Source.BOOK, Source.HIDDEN, Source.CURVE)
_FEATURES = (
    *(f"trades with {source.name}" for source in _SOURCES),
    "trades with BOOK and CURVE",
    *(f"prevented {mode.name}" for mode in STP_MODES if mode is not StpMode.OFF),
    "slice shown anew",
    "collar breached",
    "pro rata",
    "one lot short",
    "exactly enough",
)
# A prevention that ends the order or takes lots from it, and a breach, leave lots over: all of them never trade.
_IMPOSSIBLE = {
    ("FOK accepted", f"prevented {mode.name}")
    for mode in (StpMode.CANCEL_NEWEST, StpMode.CANCEL_BOTH, StpMode.DECREMENT)
} | {
    ("FOK accepted", "collar breached"),
    ("FOK accepted", "one lot short"),
    ("FOK refused", "exactly enough"),
    ("MIN accepted", "one lot short"),
    ("MIN refused", "exactly enough"),
}
VERDICTS = ("FOK accepted", "FOK refused", "MIN accepted", "MIN refused")
Reached = Counter[tuple[str, str]]
"""How often the free order of a case with that verdict met that feature; feature "cases" counts the cases."""


def features(case: Case, free: Answer) -> tuple[str, list[str]]:
    """Return a case's verdict and the features its free order met: what FOK and min_lots had to foresee."""
    kind = "FOK" if case.code is RejectCode.FOK_UNFILLABLE else "MIN"
    if free.code:
        return f"{kind} refused as the free order is", []
    verdict = f"{kind} {'accepted' if free.lots >= case.wanted_lots else 'refused'}"
    events = free.events
    order_id = events["order_id"][events["kind"] == EventKind.ACCEPTED][0]
    mine = events[events["order_id"] == order_id]
    sources = set(mine["code"][mine["kind"] == EventKind.TRADE].tolist())
    met = [f"trades with {source.name}" for source in _SOURCES if source in sources]
    if sources >= {Source.BOOK, Source.CURVE}:
        met.append("trades with BOOK and CURVE")
    prevented = set(mine["code"][mine["kind"] == EventKind.PREVENTED].tolist())
    met += [f"prevented {mode.name}" for mode in STP_MODES if mode in prevented]
    checks = {
        "slice shown anew": bool((events["kind"] == EventKind.SHOWN).any()) and Source.BOOK in sources,
        "collar breached": bool((mine["kind"] == EventKind.BREACHED).any()),
        "pro rata": case.instrument.allocation is Allocation.PRO_RATA and Source.BOOK in sources,
        "one lot short": free.lots == case.wanted_lots - 1,
        "exactly enough": free.lots == case.wanted_lots,
    }
    return verdict, met + [name for name, there in checks.items() if there]


def coverage(reached: Reached) -> tuple[str, list[str]]:
    """Return a table of features by verdict, and the cells that can be reached but were not."""
    rows, missing = [], []
    for feature in ("cases", *_FEATURES):
        cells = []
        for verdict in VERDICTS:
            count = reached[verdict, feature]
            cells.append("-" if (verdict, feature) in _IMPOSSIBLE else f"{count:,}")
            if not count and (verdict, feature) not in _IMPOSSIBLE:
                missing.append(f"{verdict}: {feature}")
        rows.append(f"  {feature:28s}" + "".join(f"{cell:>14s}" for cell in cells))
    head = f"  {'':28s}" + "".join(f"{verdict:>14s}" for verdict in VERDICTS)
    return "\n".join([head, *rows]), missing


# --- running ------------------------------------------------------------------------------------


class DisagreementError(AssertionError):
    """A condition foresaw what execution does not do; the message holds the shrunk case."""


def run(make_market: MakeMarket, seed: int, count: int = ROUND_CASES) -> Reached:
    """Check `count` cases of one seed and return what they reached; DisagreementError at the first that fails."""
    reached: Reached = Counter()
    for number, case in enumerate(cases(make_market, seed, count)):
        wrong, free = disagreement(make_market, case)
        if wrong:
            raise DisagreementError(f"seed {seed}, case {number}: {describe(make_market, shrink(make_market, case))}")
        verdict, met = features(case, free)
        reached[verdict, "cases"] += 1
        for feature in met:
            reached[verdict, feature] += 1
    return reached


def shrink(make_market: MakeMarket, case: Case) -> Case:
    """Return a failing case from whose history no single command can be dropped. O(commands ** 2) replays."""
    case = case._replace(history=singles(case.history))
    dropped = True
    while dropped:
        dropped = False
        for index in reversed(range(len(case.history))):
            shorter = case._replace(history=case.history[:index] + case.history[index + 1 :])
            if disagreement(make_market, shorter)[0]:
                case, dropped = shorter, True
    return case


def describe(make_market: MakeMarket, case: Case) -> str:
    """Return a failing case as text: the commands, the free order last, and what the bound one did instead."""
    wrong, _ = disagreement(make_market, case)
    head = f"shrunk to {len(case.history)} commands and the order: {wrong}"
    orders = read(built(make_market, case)).orders.tolist()
    live = "\n".join(f"    live {order}" for order in orders)
    bound = answer(built(make_market, case), case.bound)
    after = "\n".join(f"    bound     {row}" for row in bound.events.tolist())
    return f"{head}\n{scenario(case.instrument, [*case.history, case.free], make_market)}\n{live}\n{after}"


def one_round(market: str, number: int) -> tuple[Reached, str]:
    """Run one seed; return what it reached and the description of a disagreement."""
    try:
        return run(MARKETS[market], number), ""
    except DisagreementError as error:
        return Counter(), str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and check that many cases; return the exit code, 1 after a disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties.feasibility", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="cases, rounded up to rounds of one seed")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--market", choices=sorted(MARKETS), default="core")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    rounds = -(-options.count // ROUND_CASES)
    reached: Reached = Counter()
    print(f"feasibility: {rounds * ROUND_CASES:,} cases on the {options.market}, first seed {options.seed}", flush=True)
    pool = ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn"))
    with pool, tqdm(total=rounds * ROUND_CASES, unit=" cases", unit_scale=True, disable=None) as bar:
        futures = [pool.submit(one_round, options.market, options.seed + number) for number in range(rounds)]
        for future in as_completed(futures):
            counts, disagreement_text = future.result()
            if disagreement_text:
                print(disagreement_text)
                pool.shutdown(cancel_futures=True)
                return 1
            reached += counts
            bar.update(ROUND_CASES)
    table, missing = coverage(reached)
    total = sum(count for (_, feature), count in reached.items() if feature == "cases")
    print(f"feasibility: {total:,} cases, 0 disagreements\n{table}")
    if missing:
        print(f"never occurred in this run: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
