"""The route over book and curve: equal to a lot-by-lot brute force, indifferent to splitting, and the best there is."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from parbook.codes import RejectCode, Side, Source
from tests.parity.reading import resting_orders
from tests.support.markets import MARKETS, examples
from tests.support.small_cases import BruteForce, Case, built, lots_of, small_case, small_cases, take

both = pytest.mark.parametrize("market_class", MARKETS.values(), ids=MARKETS.keys())


@both
@examples(1200)
@given(case=small_cases())
def test_equals_a_lot_by_lot_brute_force(market_class, case: Case):
    market = built(market_class, case)
    brute = BruteForce(market, case)
    expected = list(brute.sweep(case.qty_lots))
    got = lots_of(take(market, case, case.qty_lots))
    assert got == expected
    state = market.curve
    assert state is not None
    assert (state.net_lots, state.cash_notional) == (brute.net, brute.cash)
    market.check()
    sources = {lot.source for lot in got}
    event(f"{case.taker.name} from {sorted(s.name for s in sources)}")


@both
@examples(400)
@given(case=small_cases(), cuts=st.lists(st.integers(1, 29), max_size=6), tif=st.sampled_from([0, 1]))
def test_splitting_an_order_changes_nothing(market_class, case: Case, cuts, tif):
    whole, split = built(market_class, case), built(market_class, case)
    bounds = [0, *sorted({cut for cut in cuts if cut < case.qty_lots}), case.qty_lots]
    pieces = [b - a for a, b in pairwise(bounds)]
    total = Counter((lot.source, lot.price_ticks) for lot in lots_of(take(whole, case, case.qty_lots, tif)))
    parts = Counter((lot.source, lot.price_ticks) for n in pieces for lot in lots_of(take(split, case, n, tif)))
    assert parts == total
    assert split.curve == whole.curve
    assert book_without_ids(split) == book_without_ids(whole)
    assert without_counts(split) == without_counts(whole)


def book_without_ids(market):
    """Return account, side, price and leaves, the orders of one account at one price added up."""
    out: Counter = Counter()
    for o in resting_orders(market):
        out[int(o["account"]), int(o["side"]), int(o["price_ticks"])] += int(o["qty_lots"] - o["filled_lots"])
    return out


def without_counts(market):
    return [(side, source, price, lots) for side, source, _, price, lots in market.depth(1000).tolist()]


@both
@examples(300)
@given(case=small_cases())
def test_no_other_split_between_book_and_curve_is_better_for_the_taker(market_class, case: Case):
    market = built(market_class, case)
    brute = BruteForce(market, case)
    book = [price for price, _ in brute.book if brute.within(price)]
    curve = brute.curve_ladder(case.qty_lots)
    got = lots_of(take(market, case, case.qty_lots))
    notional = sum(lot.price_ticks for lot in got)
    assert len(got) == min(case.qty_lots, len(book) + len(curve)), "no other split trades more"
    sign = 1 if case.taker is Side.BUY else -1
    for from_curve in range(len(curve) + 1):
        from_book = len(got) - from_curve
        if 0 <= from_book <= len(book):
            other = sum(curve[:from_curve]) + sum(book[:from_book])
            assert sign * notional <= sign * other


@both
@examples(300)
@given(case=small_cases(), short=st.integers(-1, 1))
def test_fill_or_kill_trades_exactly_what_ioc_would(market_class, case: Case, short):
    probe = lots_of(take(built(market_class, case), case, case.qty_lots))
    lots = max(1, len(probe) + short)
    market, same = built(market_class, case), built(market_class, case)
    before = same.depth(1000).tobytes()
    wanted = lots_of(take(same, case, lots))
    placed = market.place(3, case.taker, lots, case.limit_ticks, tif=2)
    if len(wanted) == lots:
        assert (placed.code, placed.filled_lots) == (0, lots)
        assert placed.notional == sum(lot.price_ticks for lot in wanted)
        assert market.curve == same.curve
    else:
        assert placed.refusal is RejectCode.FOK_UNFILLABLE
        assert market.depth(1000).tobytes() == before


def test_the_cases_reach_what_they_are_for():
    """Of 1000 drawn cases many trade with both sources, some end in an empty purse, some meet the clip."""
    seen: Counter = Counter()
    for seed in range(1000):
        case = small_case(random.Random(seed))
        market = built(MARKETS["core"], case)
        brute = BruteForce(market, case)
        clipped = brute.own_touch is not None and (first := brute.curve_price()) is not None
        if clipped:
            touch, brute.own_touch = brute.own_touch, None
            seen["clip"] += brute.curve_price() != first
            brute.own_touch = touch
        lots = list(brute.sweep(case.qty_lots))
        seen["both"] += {lot.source for lot in lots} == {Source.BOOK, Source.CURVE}
        seen["out of cash"] += case.taker is Side.SELL and brute.cash < 80
        seen["tie"] += len({lot.price_ticks for lot in lots}) < len({(lot.source, lot.price_ticks) for lot in lots})
    assert min(seen[name] for name in ("both", "out of cash", "tie", "clip")) >= 20, seen
