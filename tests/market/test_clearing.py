"""The price of an uncross: its four rules on books made for each, and a search over all prices on random ones."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parbook.codes import CurveResale, CurveShape
from parbook.curve import n_ask, n_bid
from parbook.messages import CurveParams
from parbook.reference.auction import NO_CROSS, Clearing, Schedule, clearing
from parbook.reference.quotes import Cursor, Curve, ProposedAnchor
from parbook.units import NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.support.markets import examples


def clear(bids, asks, call_lots=(0, 0), reference_ticks=0, curve=None):
    return clearing(Schedule(bids, asks, call_lots, curve), reference_ticks)


# --- the rules, one by one ----------------------------------------------------------------------


def test_buy_pressure_takes_the_highest_of_the_tied_prices():
    # 1000 lots trade from 610 to 639; from 631 on 500 buyers are left over; pressure goes to the end of that range.
    bids = [(641, 400), (639, 600), (639, 500), (630, 700)]
    asks = [(610, 1000), (645, 300)]
    assert clear(bids, asks, reference_ticks=615) == Clearing(639, 1000, 500)


def test_sell_pressure_takes_the_lowest_of_the_tied_prices():
    bids = [(639, 1000), (604, 300)]
    asks = [(608, 400), (610, 600), (610, 500), (619, 700)]
    assert clear(bids, asks, reference_ticks=615) == Clearing(610, 1000, -500)


def test_volume_comes_before_imbalance():
    # 100 would balance with 5 lots; 101 trades 6 and leaves 14.
    assert clear([(100, 1), (101, 6)], [(100, 5), (101, 15)]) == Clearing(101, 6, -14)


def test_imbalance_comes_before_pressure():
    # 10 lots trade from 100 to 105: 101 and lower leave 4 buyers, 102 and higher none.
    assert clear([(105, 10), (101, 4)], [(100, 10)], reference_ticks=100) == Clearing(102, 10, 0)


@pytest.mark.parametrize(
    ("reference_ticks", "price_ticks"), [(104, 104), (100, 100), (110, 110), (150, 110), (1, 100), (0, 105)]
)
def test_a_balanced_plateau_goes_to_the_reference(reference_ticks, price_ticks):
    assert clear([(110, 10)], [(100, 10)], reference_ticks=reference_ticks) == Clearing(price_ticks, 10, 0)


def test_the_middle_of_a_plateau_without_reference_is_rounded_down():
    assert clear([(103, 1)], [(100, 1)]).price_ticks == 101


@pytest.mark.parametrize(("reference_ticks", "expected"), [
    (98, Clearing(100, 10, 5)),
    (102, Clearing(102, 10, 5)),
    (103, Clearing(103, 10, -5)),
    (120, Clearing(105, 10, -5)),
    (0, Clearing(102, 10, 5)),
])  # fmt: skip
def test_surplus_of_both_signs_goes_to_the_reference(reference_ticks, expected):
    # Up to 102 demand is 15 and supply 10; from 103 on demand is 10 and supply 15.
    bids, asks = [(105, 10), (102, 5)], [(100, 10), (103, 5)]
    assert clear(bids, asks, reference_ticks=reference_ticks) == expected


@pytest.mark.parametrize(("call_lots", "paired_lots", "surplus_lots"), [((50, 60), 50, -10), ((60, 50), 50, 10)])
def test_market_orders_alone_clear_at_the_reference(call_lots, paired_lots, surplus_lots):
    assert clear([], [], call_lots, 104) == Clearing(104, paired_lots, surplus_lots)


def test_market_orders_alone_without_reference_do_not_clear():
    assert clear([], [], (50, 60)) == NO_CROSS


def test_market_orders_push_the_price_no_further_than_somebody_named():
    assert clear([], [(100, 5)], (10, 0)) == Clearing(100, 5, 5)
    assert clear([], [(100, 5)], (10, 0), 120) == Clearing(120, 5, 5)
    assert clear([(90, 5)], [], (0, 10), 80) == Clearing(80, 5, -5)


@pytest.mark.parametrize(
    ("bids", "asks", "call_lots"),
    [([], [], (0, 0)), ([(99, 5)], [(100, 5)], (0, 0)), ([(99, 5)], [], (0, 0)), ([(99, 5)], [], (7, 0))],
)
def test_what_does_not_cross_does_not_clear(bids, asks, call_lots):
    assert clear(bids, asks, call_lots, 100) == NO_CROSS


def test_at_the_ends_of_the_domain():
    lots = QTY_LOTS_MAX
    assert clear([(PRICE_TICKS_MAX, lots)], [(1, lots)]) == Clearing((1 + PRICE_TICKS_MAX) // 2, lots, 0)
    assert clear([(PRICE_TICKS_MAX, lots)], [(1, 1)]) == Clearing(PRICE_TICKS_MAX, 1, lots - 1)
    assert clear([(PRICE_TICKS_MAX, 1)], [(1, lots)]) == Clearing(1, 1, 1 - lots)


# --- against a search over every price ----------------------------------------------------------

PRICES = range(1, 41)


def best_by_search(demand, supply, named, reference_ticks):
    """Return the clearing price's rules as a search: `demand` and `supply` are functions of the price."""
    if not named:
        return NO_CROSS
    prices = range(min(named), max(named) + 1)
    volumes = {p: min(demand(p), supply(p)) for p in prices}
    most = max(volumes.values())
    if most == 0:
        return NO_CROSS
    tied = [p for p in prices if volumes[p] == most]
    least = min(abs(demand(p) - supply(p)) for p in tied)
    tied = [p for p in tied if abs(demand(p) - supply(p)) == least]
    surpluses = [demand(p) - supply(p) for p in tied]
    if all(surplus > 0 for surplus in surpluses):
        price = tied[-1]
    elif all(surplus < 0 for surplus in surpluses):
        price = tied[0]
    else:
        wanted = reference_ticks or (tied[0] + tied[-1]) // 2
        price = min(tied, key=lambda p: (abs(p - wanted), p))
    return Clearing(price, most, demand(price) - supply(price))


limits = st.lists(st.tuples(st.sampled_from(PRICES), st.integers(1, 9)), max_size=8)
market_lots = st.one_of(st.just(0), st.integers(0, 20))


@examples(1000)
@given(limits, limits, st.tuples(market_lots, market_lots), st.one_of(st.just(0), st.sampled_from(PRICES)))
@example([(5, 3)], [], (0, 3), 0)
@example([(20, 5), (10, 5)], [(10, 5), (20, 5)], (0, 0), 0)
def test_no_other_price_is_better(bids, asks, call_lots, reference_ticks):
    def demand(price_ticks):
        return call_lots[0] + sum(lots for p, lots in bids if p >= price_ticks)

    def supply(price_ticks):
        return call_lots[1] + sum(lots for p, lots in asks if p <= price_ticks)

    named = [p for p, _ in bids + asks] + [reference_ticks] * bool(reference_ticks)
    found = clear(bids, asks, call_lots, reference_ticks)
    assert found == best_by_search(demand, supply, named, reference_ticks)


def quoting_curve(params, low_ticks, high_ticks, cursor):
    curve = Curve(params)
    curve.cursor = cursor
    curve.activate(ProposedAnchor(low_ticks, high_ticks, 0))
    return curve


@examples(400)
@given(
    limits,
    limits,
    st.tuples(market_lots, market_lots),
    st.integers(12, 28),
    st.integers(0, 3),
    st.integers(-4, 4),
    st.integers(0, 400),
    st.booleans(),
    st.sampled_from(CurveResale),
)
def test_the_curve_joins_both_schedules(
    bids, asks, call_lots, low_ticks, spread_ticks, net_lots, cash, redeems, resale
):
    """Demand and supply of the curve come from its two functions here, from its compiled rungs there."""
    shape = CurveShape.REDEMPTION if redeems else CurveShape.PMM
    params = CurveParams(
        shape=shape,
        base_depth_lots=10,
        quote_depth_lots=8,
        budget_notional=cash,
        k_ppm=500_000,
        par_lots=2,
        drop_ppm=400_000,
        min_net_lots=-6,
        max_net_lots=9,
        resale=resale,
    )
    net_lots = abs(net_lots) if redeems else net_lots
    high_ticks = low_ticks + spread_ticks
    curve = quoting_curve(params, low_ticks, high_ticks, Cursor(net_lots, cash))

    def bought(price_ticks):
        target = max(net_lots, min(n_bid(params, low_ticks, price_ticks), params.max_net_lots))
        return min(target - net_lots, cash // price_ticks)

    def sold(price_ticks):
        target = min(net_lots, max(n_ask(params, high_ticks, price_ticks), params.min_net_lots))
        return min(net_lots - target, (NOTIONAL_MAX - cash) // price_ticks)

    def demand(price_ticks):
        return call_lots[0] + bought(price_ticks) + sum(lots for p, lots in bids if p >= price_ticks)

    def supply(price_ticks):
        return call_lots[1] + sold(price_ticks) + sum(lots for p, lots in asks if p <= price_ticks)

    rungs = [rung.price_ticks for rung in (*curve.ladder.bids, *curve.ladder.asks)]
    named = [p for p, _ in bids + asks] + rungs + [low_ticks]
    found = clear(bids, asks, call_lots, low_ticks, curve)
    assert found == best_by_search(demand, supply, named, low_ticks)
