"""What orders hold and fills move: to the atom, with the largest fee, for books and curves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import CancelReason, CurveShape, OrderType, RejectCode, SessionState, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.interface import ExchangeProtocol
from parbook.listing import Asset, Listing, fee_atoms
from tests.exchange.conftest import EXCHANGES
from tests.support.markets import examples

BASE, QUOTE = 0, 1
TREASURY = 99
BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture(scope="module", autouse=True, params=list(EXCHANGES))
def _implementation(request):
    """Each test runs on every implementation there is."""
    Venue.implementation = EXCHANGES[request.param]


class Venue:
    """One instrument: a lot is 10 base atoms, a tick of it 3 quote atoms; takers pay 0.1 %, makers get 0.02 %."""

    implementation: type[ExchangeProtocol]

    def __init__(self, maker_ppm: int = -200, taker_ppm: int = 1000, **settings: object) -> None:
        self.exchange = self.implementation()
        self.exchange.add_asset(Asset(name="SME-A"))
        self.exchange.add_asset(Asset(name="USDx", decimals=6))
        instrument = Instrument(symbol="SME-A/USDx", bust_window=50, **settings)
        listing = Listing(
            instrument=instrument,
            base=BASE,
            quote=QUOTE,
            lot_atoms=10,
            tick_atoms=3,
            max_fee_ppm=2000,
            treasury=TREASURY,
        )
        self.exchange.add_instrument(listing)
        assert codes(self.set_fees(0, maker_ppm, taker_ppm)) == []

    def set_fees(self, tier: int, maker_ppm: int = 0, taker_ppm: int = 0) -> list[m.Event]:
        """Set what a tier pays."""
        return self.do(m.SetFees(tier=tier, maker_ppm=maker_ppm, taker_ppm=taker_ppm))

    def fund(self, account: int, base: int = 0, quote: int = 0) -> None:
        """Deposit lots' worth of base atoms and quote atoms."""
        for asset, amount_atoms in ((BASE, base), (QUOTE, quote)):
            if amount_atoms:
                (event,) = self.do(m.Deposit(account=account, asset=asset, amount_atoms=amount_atoms))
                assert isinstance(event, m.Deposited)

    def withdraw(self, account: int, asset: int, amount_atoms: int) -> list[object]:
        """Withdraw and return the refusal, if any."""
        return codes(self.do(m.Withdraw(account=account, asset=asset, amount_atoms=amount_atoms)))

    def do(self, command: m.Command) -> list[m.Event]:
        """Apply a command and check everything."""
        events = self.exchange.apply(command)
        self.exchange.check()
        return events

    def order(self, account: int, side: Side, lots: int, price_ticks: int = 0, **terms: object) -> list[m.Event]:
        """Enter an order."""
        fields = {"account": account, "side": side, "qty_lots": lots, "price_ticks": price_ticks} | terms
        return self.do(m.NewOrder(**fields))

    def balances(self, account: int) -> tuple[int, int]:
        """Return (base, quote)."""
        return self.exchange.balance(account, BASE), self.exchange.balance(account, QUOTE)

    def held(self, account: int) -> tuple[int, int]:
        """Return (base, quote)."""
        return self.exchange.held(account, BASE), self.exchange.held(account, QUOTE)


def codes(events: list[m.Event]) -> list[object]:
    """Return the refusals among events."""
    return [event.code for event in events if isinstance(event, m.Rejected)]


def test_a_buy_holds_its_notional_and_the_largest_fee_of_each_lot():
    venue = Venue()
    venue.fund(1, quote=10_000)
    venue.order(1, BUY, 5, 101)  # a lot costs 303 and at most ceil(0.606) = 1 of fees
    assert venue.held(1) == (0, 5 * 304)
    venue.do(m.ReduceOrder(account=1, order_id=1, qty_lots=2))
    assert venue.held(1) == (0, 3 * 304)
    venue.do(m.AmendOrder(account=1, order_id=1, price_ticks=100))
    assert venue.held(1) == (0, 3 * 301)
    venue.do(m.CancelOrder(account=1, order_id=1))
    assert venue.held(1) == (0, 0)
    assert venue.balances(1) == (0, 10_000)


@pytest.mark.parametrize("price_ticks", [2**45 // 3 - 1, 2**45 // 3 + 1, 2**50 + 1, 2**52 + 7])
def test_a_dear_lot_holds_to_the_atom_too(price_ticks):
    venue = Venue()
    venue.fund(1, quote=2**61)
    venue.order(1, BUY, 3, price_ticks)
    price_atoms = price_ticks * 3
    assert venue.held(1) == (0, 3 * (price_atoms + fee_atoms(price_atoms, 2000)))
    venue.do(m.CancelOrder(account=1, order_id=1))
    assert venue.held(1) == (0, 0)


def test_a_sell_holds_its_lots():
    venue = Venue()
    venue.fund(1, base=50)
    assert codes(venue.order(1, SELL, 6, 100)) == [RejectCode.INSUFFICIENT_BASE]
    venue.order(1, SELL, 5, 100)
    assert venue.held(1) == (50, 0)
    assert codes(venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=6))) == [RejectCode.INSUFFICIENT_BASE]
    assert venue.withdraw(1, BASE, 1) == [RejectCode.INSUFFICIENT_AVAILABLE]


def test_a_change_needs_only_what_it_adds():
    venue = Venue()
    venue.fund(1, quote=10 * 302)
    venue.order(1, BUY, 10, 100)  # 301 each
    assert venue.exchange.available(1, QUOTE) == 10
    assert codes(venue.do(m.AmendOrder(account=1, order_id=1, price_ticks=101))) == [RejectCode.INSUFFICIENT_QUOTE]
    assert codes(venue.do(m.AmendOrder(account=1, order_id=1, price_ticks=91, qty_lots=11))) == []  # 274 each
    assert venue.held(1) == (0, 11 * 274)


def test_each_shortage_has_its_code():
    venue = Venue()
    venue.fund(1, quote=5 * 303)
    assert codes(venue.order(1, BUY, 6, 101)) == [RejectCode.INSUFFICIENT_QUOTE]
    assert codes(venue.order(1, BUY, 5, 101)) == [RejectCode.INSUFFICIENT_FEE]
    venue.fund(1, quote=5)
    assert codes(venue.order(1, BUY, 5, 101)) == []
    assert codes(venue.order(1, BUY, 1, 1)) == [RejectCode.INSUFFICIENT_QUOTE]
    assert codes(venue.order(2, SELL, 1, 101)) == [RejectCode.INSUFFICIENT_BASE]


def test_a_fill_moves_lots_money_and_fees_and_releases_the_improvement():
    venue = Venue()
    venue.fund(1, base=100)
    venue.fund(2, quote=10_000)
    venue.order(1, SELL, 4, 100)
    venue.order(2, BUY, 6, 110)
    # 4 x 100 x 3 = 1200: the taker pays ceil(1.2) = 2, the maker gets floor(0.24) = 0.
    assert venue.balances(1) == (60, 1200)
    assert venue.balances(2) == (40, 10_000 - 1200 - 2)
    assert venue.held(1) == (0, 0)
    assert venue.held(2) == (0, 2 * (330 + 1))
    assert venue.exchange.fees_taken(QUOTE) == 2


def test_rebates_round_down_and_come_out_of_the_takers_fee():
    venue = Venue()
    venue.fund(1, base=1000)
    venue.fund(2, quote=100_000)
    venue.order(1, SELL, 99, 100)
    venue.order(2, BUY, 99, 100)  # 29,700: the taker pays ceil(29.7), the maker gets floor(5.94)
    assert venue.balances(1) == (10, 29_700 + 5)
    assert venue.exchange.fees_taken(QUOTE) == 30 - 5


def test_an_uncross_has_no_taker_so_that_nobody_gets_a_rebate():
    venue = Venue(maker_ppm=-200, taker_ppm=1000, initial_state=SessionState.AUCTION)
    venue.fund(1, quote=10_000_000)
    venue.fund(2, base=50_000)
    venue.order(1, BUY, 5_000, 100)
    venue.order(2, SELL, 5_000, 100)
    venue.do(m.SetState(state=SessionState.CONTINUOUS))
    assert venue.balances(1) == (50_000, 10_000_000 - 5_000 * 300)
    assert venue.balances(2) == (0, 5_000 * 300)
    assert venue.exchange.fees_taken(QUOTE) == 0


def test_many_small_fills_never_cost_more_than_was_held():
    venue = Venue(taker_ppm=2000)
    venue.fund(1, base=1000)
    venue.fund(2, quote=10 * 301)
    for _ in range(10):
        venue.order(1, SELL, 1, 100)
    venue.order(2, BUY, 10, 100)
    assert venue.balances(2) == (100, 0)


def test_a_tiers_fees_stay_within_what_holds_reckon_with():
    venue = Venue()
    refused = [RejectCode.FEE_OUT_OF_RANGE]
    assert codes(venue.set_fees(1, taker_ppm=2001)) == refused
    assert codes(venue.set_fees(1, maker_ppm=-1001, taker_ppm=2000)) == refused, "tier 0 takers pay 1000"
    assert codes(venue.set_fees(1, maker_ppm=0, taker_ppm=199)) == refused, "tier 0 makers get 200"
    assert codes(venue.set_fees(1, maker_ppm=-200, taker_ppm=200)) == []
    assert codes(venue.do(m.SetTier(account=7, tier=2))) == [RejectCode.UNKNOWN_TIER]
    assert codes(venue.do(m.SetTier(account=2, tier=1))) == []
    venue.fund(1, base=10_000)
    venue.fund(2, quote=10**6)
    venue.order(1, SELL, 100, 100)
    venue.order(2, BUY, 100, 100)
    assert venue.balances(2) == (1000, 10**6 - 30_000 - 6)


def curve(**changes: int) -> m.SetCurve:
    """Return a linear buyback with room for ten thousand ticks x lots."""
    fields: dict[str, int] = {
        "base_depth_lots": 100,
        "quote_depth_lots": 100,
        "budget_notional": 10_000,
        "par_lots": 50,
        "drop_ppm": 100_000,
        "min_net_lots": -20,
        "max_net_lots": 200,
    }
    return m.SetCurve(params=m.CurveParams(shape=CurveShape.LINEAR, **(fields | changes)))


def test_a_curve_is_funded_by_its_treasury():
    venue = Venue()
    assert codes(venue.do(curve())) == [RejectCode.CURVE_UNFUNDED]
    venue.fund(TREASURY, base=200, quote=29_999)
    assert codes(venue.do(curve())) == [RejectCode.CURVE_UNFUNDED]
    venue.fund(TREASURY, quote=1)
    assert codes(venue.do(curve())) == []
    assert venue.held(TREASURY) == (200, 30_000)
    assert venue.withdraw(TREASURY, QUOTE, 1) == [RejectCode.INSUFFICIENT_AVAILABLE]
    assert codes(venue.do(curve(budget_notional=10_001))) == [RejectCode.CURVE_UNFUNDED]
    assert codes(venue.do(curve(budget_notional=9_000))) == []
    assert venue.withdraw(TREASURY, QUOTE, 3_000) == []


def test_a_curve_is_refilled_by_its_treasury():
    venue = Venue()
    venue.fund(TREASURY, base=200, quote=30_000)
    venue.do(curve())
    assert codes(venue.do(m.FundCurve(cash_notional=10_001))) == [RejectCode.CURVE_UNFUNDED]
    assert codes(venue.do(m.FundCurve(cash_notional=4_000))) == []
    assert venue.held(TREASURY) == (200, 12_000)
    assert venue.withdraw(TREASURY, QUOTE, 18_000) == []
    assert venue.withdraw(TREASURY, QUOTE, 1) == [RejectCode.INSUFFICIENT_AVAILABLE]
    assert codes(venue.do(m.FundCurve(cash_notional=4_001))) == [RejectCode.CURVE_UNFUNDED]
    assert codes(venue.do(m.FundCurve(cash_notional=4_000))) == []
    assert venue.held(TREASURY) == (200, 12_000)


def test_a_fill_of_the_curve_moves_the_treasurys_balance_and_hold_alike():
    venue = Venue()
    venue.fund(TREASURY, base=200, quote=30_000)
    venue.do(curve())
    venue.do(m.ProposeAnchor(low_ticks=100, high_ticks=100))
    venue.fund(1, base=500)
    (trade,) = [e for e in venue.order(1, SELL, 10, 90) if isinstance(e, m.Trade)]
    cost = 3 * 10 * trade.price_ticks
    assert venue.balances(1) == (400, cost - fee_atoms(cost, 1000))
    assert venue.balances(TREASURY) == (300, 30_000 - cost)
    assert venue.held(TREASURY) == venue.balances(TREASURY)


def test_a_market_stop_that_cannot_pay_its_new_protection_leaves():
    venue = Venue(collar_ppm=100_000)
    venue.fund(1, base=1000)
    venue.fund(2, quote=10**6)
    venue.fund(3, quote=2 * 331)  # 110 x 3 and a fee of 1, at the reference of 100
    venue.order(1, SELL, 1, 100)
    venue.order(2, BUY, 1, 100)
    venue.order(3, BUY, 2, order_type=OrderType.MARKET, tif=TimeInForce.IOC, stop_ticks=150)
    assert venue.held(3) == (0, 2 * 331)
    venue.order(1, SELL, 1, 150)
    events = venue.order(2, BUY, 1, 150)
    assert [event.reason for event in events if isinstance(event, m.Cancelled)] == [CancelReason.FUNDS]
    assert venue.held(3) == (0, 0)


def test_an_order_by_amount_holds_no_more_than_its_amount_and_fees():
    venue = Venue()
    venue.fund(1, base=100)
    venue.fund(2, quote=10_000)
    venue.order(1, SELL, 1, 100)
    venue.order(2, BUY, 1, 100)
    venue.fund(3, quote=3 * 500 + 3 + 5)
    terms = {"order_type": OrderType.MARKET, "tif": TimeInForce.IOC, "amount_notional": 500}
    venue.order(1, SELL, 5, 100)
    assert codes(venue.order(3, BUY, 1000, **terms)) == [RejectCode.INSUFFICIENT_QUOTE]
    venue.fund(3, quote=500)
    assert codes(venue.order(3, BUY, 1000, **terms)) == []
    assert venue.balances(3)[0] == 50


def test_market_buys_of_an_auction_that_cannot_pay_its_price_leave_before_it():
    venue = Venue(collar_ppm=100_000, initial_state=SessionState.CONTINUOUS)
    venue.fund(1, base=1000)
    venue.fund(2, quote=10**6)
    venue.fund(3, quote=5 * 331)
    venue.order(1, SELL, 1, 100)
    venue.order(2, BUY, 1, 100)
    venue.do(m.SetState(state=SessionState.AUCTION))
    venue.order(3, BUY, 5, order_type=OrderType.MARKET, tif=TimeInForce.AUCTION)
    assert venue.held(3) == (0, 5 * 331)
    venue.order(2, BUY, 5, 200)
    venue.order(1, SELL, 9, 200)
    events = venue.do(m.SetState(state=SessionState.CONTINUOUS))
    assert [event.reason for event in events if isinstance(event, m.Cancelled)] == [CancelReason.FUNDS]
    assert venue.balances(2)[0] == 60


def test_a_bust_returns_lots_money_and_fees_and_the_venue_puts_up_what_is_gone():
    venue = Venue()
    venue.fund(1, base=100)
    venue.fund(2, quote=10_000)
    venue.order(1, SELL, 4, 100)
    (trade,) = [e for e in venue.order(2, BUY, 4, 100) if isinstance(e, m.Trade)]
    assert venue.withdraw(1, QUOTE, 1000) == []
    venue.do(m.BustTrade(trade_seq=trade.seq))
    assert venue.balances(1) == (100, 0)
    assert venue.balances(2) == (0, 10_000)
    assert venue.exchange.suspense(QUOTE) == -1000
    assert venue.exchange.fees_taken(QUOTE) == 0


@examples(300)
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-200_000, 200_000), st.data())
def test_no_way_to_fill_costs_more_than_lots_one_by_one(price_atoms, lots, rate_ppm, data):
    worst = lots * fee_atoms(price_atoms, max(rate_ppm, 0))
    left, paid = lots, 0
    while left:
        part = data.draw(st.integers(1, left))
        paid += fee_atoms(part * data.draw(st.integers(1, price_atoms)), rate_ppm)
        left -= part
        if left > 10**5:
            break
    assert paid <= worst
