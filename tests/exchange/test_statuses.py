"""What an account may do everywhere, and which side of a market it may be denied."""

from __future__ import annotations

import pytest

import parbook.reference
from parbook import messages as m
from parbook.codes import AccountField, AccountStatus, Denial, OrderType, TimeInForce
from tests.exchange.house import ACTIVE, BUY, REDUCE_ONLY, SELL, SME, SUSPENDED, USD
from tests.support.venue import Venue, order

BUY_ID, SELL_ID = 1, 2
MAY_NOT = {SUSPENDED: "ACCOUNT_SUSPENDED", REDUCE_ONLY: "ACCOUNT_REDUCE_ONLY"}


@pytest.fixture
def trader(house):
    """Account 1 has money, a buy and a sell at rest in instrument 0."""
    house.fund(1, sme=1000, bond=1000, usd=100_000)
    assert house.rest(1, BUY, 90, 10) == BUY_ID
    assert house.rest(1, SELL, 110, 10) == SELL_ID
    return house


COMMANDS = [
    # (command, refused when SUSPENDED, when REDUCE_ONLY)
    (m.NewOrder(account=1, side=BUY, price_ticks=80, qty_lots=1), True, True),
    (m.NewOrder(account=1, side=SELL, price_ticks=120, qty_lots=1), True, False),
    (m.NewOrder(account=1, side=BUY, price_ticks=80, qty_lots=1, hidden=True), True, True),
    (m.NewOrder(account=1, side=SELL, price_ticks=70, qty_lots=1, stop_ticks=80), True, False),
    (m.AmendOrder(account=1, order_id=BUY_ID, qty_lots=5), True, True),
    (m.AmendOrder(account=1, order_id=SELL_ID, price_ticks=115), True, False),
    (m.Quote(account=1, bid_ticks=85, bid_lots=1, ask_ticks=115, ask_lots=1), True, True),
    (m.Quote(account=1, bid_ticks=85, bid_lots=1), True, True),
    (m.Quote(account=1, ask_ticks=115, ask_lots=1), True, False),
    (m.Quote(account=1), True, False),
    (m.ReduceOrder(account=1, order_id=BUY_ID, qty_lots=1), False, False),
    (m.CancelOrder(account=1, order_id=BUY_ID), False, False),
    (m.CancelOrder(account=1, order_id=SELL_ID), False, False),
    (m.Deposit(account=1, asset=USD, amount_atoms=1), False, False),
    (m.Withdraw(account=1, asset=USD, amount_atoms=1), True, False),
    (m.Transfer(account=1, target_account=2, asset=USD, amount_atoms=1), True, False),
]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("status", [SUSPENDED, REDUCE_ONLY])
@pytest.mark.parametrize(("command", "suspended", "reduce_only"), COMMANDS)
def test_what_a_status_refuses(trader, command, suspended, reduce_only, status, registered):
    if registered:
        trader.do(m.SetAccount(account=1, field=AccountField.STP_GROUP, value=1))
    trader.do(m.SetStatus(account=1, status=status))
    is_refused = suspended if status is SUSPENDED else reduce_only
    assert trader.refused(command) == ([MAY_NOT[status]] if is_refused else [])


def test_it_counts_everywhere_leaves_orders_alone_and_can_be_lifted(trader):
    trader.fund(2, usd=10_000)
    (event,) = trader.do(m.SetStatus(account=1, status=SUSPENDED))
    assert (event.account, event.status) == (1, SUSPENDED)
    assert trader.exchange.status_of(1) is SUSPENDED
    assert trader.exchange.status_of(2) is ACTIVE
    order_elsewhere = m.NewOrder(account=1, side=SELL, price_ticks=80, qty_lots=1, instrument=1)
    assert trader.refused(order_elsewhere) == ["ACCOUNT_SUSPENDED"]
    trader.do(m.NewOrder(account=2, side=BUY, price_ticks=110, qty_lots=4))
    assert trader.exchange.balance(1, SME) == 996, "its order traded"
    assert trader.refused(m.Transfer(account=2, target_account=1, asset=USD, amount_atoms=1)) == []
    trader.do(m.SetStatus(account=1, status=ACTIVE))
    assert trader.refused(order_elsewhere) == []


def test_a_stop_of_a_suspended_account_still_runs(trader):
    trader.fund(2, sme=10, usd=10_000)
    trader.rest(1, SELL, 90, 1, stop_ticks=95, tif=TimeInForce.IOC)
    trader.do(m.SetStatus(account=1, status=SUSPENDED))
    trader.rest(2, BUY, 92, 5)
    events = trader.do(m.NewOrder(account=2, side=SELL, price_ticks=90, qty_lots=1, stp=1))
    assert [type(e).__name__ for e in events if e.instrument == 0][-2:] == ["Triggered", "Trade"]


def test_killed_comes_first_and_permissions_come_later(trader):
    for field, value in ((AccountField.ALLOWED_TYPES, 0), (AccountField.DENIED, sum(Denial))):
        trader.do(m.SetAccount(account=1, field=field, value=value))
    commands = [
        m.NewOrder(account=1, side=BUY, price_ticks=80, qty_lots=1),
        m.Quote(account=1, bid_ticks=80, bid_lots=1),
        m.AmendOrder(account=1, order_id=BUY_ID, qty_lots=5),
    ]
    assert trader.refused(*commands) == ["TYPE_NOT_ALLOWED", "QUOTE_DENIED", "AMEND_DENIED"]
    trader.do(m.SetStatus(account=1, status=SUSPENDED))
    assert trader.refused(*commands) == ["ACCOUNT_SUSPENDED"] * 3
    trader.do(m.SetAccount(account=1, field=AccountField.KILLED, value=1))
    assert trader.refused(*commands) == ["ACCOUNT_KILLED"] * 2 + ["ACCOUNT_SUSPENDED"]


@pytest.mark.parametrize("status", [3, 200, 255])
def test_unknown_statuses(house, status):
    assert house.refused(m.SetStatus(account=1, status=status)) == ["UNKNOWN_STATUS"]
    assert house.exchange.status_of(1) is AccountStatus.ACTIVE


# --- a side denied, in a market of its own ------------------------------------------------------


@pytest.fixture(params=[parbook.reference.Market])
def venue(request):
    return Venue(request.param)


def refused(code):
    return [("rejected", code)]


@pytest.mark.parametrize(("denied", "side", "other"), [(Denial.BUY, BUY, SELL), (Denial.SELL, SELL, BUY)])
def test_one_side_is_denied(venue, denied, side, other):
    price_ticks = {BUY: 90, SELL: 110}
    venue.do(order(1, side, price_ticks[side], 5), order(1, other, price_ticks[other], 5))
    venue.limit(1, denied=denied)
    for terms in ({}, {"tif": TimeInForce.IOC}, {"hidden": True}, {"order_type": OrderType.POST_ONLY}):
        assert venue.do(order(1, side, price_ticks[side], 5, **terms)) == refused("SIDE_DENIED")
        assert venue.do(order(1, other, price_ticks[other], 5, **terms))[0][0] == "accepted"
    assert venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=2)) == refused("SIDE_DENIED")
    assert venue.do(m.AmendOrder(account=1, order_id=2, qty_lots=2))[0][0] == "amended"
    bid, ask = {"bid_ticks": 80, "bid_lots": 1}, {"ask_ticks": 120, "ask_lots": 1}
    mine, others = (bid, ask) if side is BUY else (ask, bid)
    assert venue.do(m.Quote(account=1, **mine)) == refused("SIDE_DENIED")
    assert venue.do(m.Quote(account=1, **bid, **ask)) == refused("SIDE_DENIED")
    assert venue.do(m.Quote(account=1, **others))[-1][0] == "quoted"
    assert venue.do(m.Quote(account=1))[-1][0] == "quoted", "a withdrawal buys and sells nothing"
    assert venue.do(m.ReduceOrder(account=1, order_id=1, qty_lots=1))[0][0] == "amended"
    assert venue.do(m.CancelOrder(account=1, order_id=1))[0][0] == "cancelled"


def test_other_denials_come_first_and_other_accounts_are_not_concerned(venue):
    venue.do(order(1, BUY, 90, 5))
    venue.limit(1, denied=sum(Denial))
    assert venue.do(order(1, BUY, 90, 5)) == refused("RESTING_DENIED")
    assert venue.do(order(1, BUY, 90, 5, tif=TimeInForce.IOC)) == refused("SIDE_DENIED")
    assert venue.do(m.AmendOrder(account=1, order_id=1, qty_lots=2)) == refused("AMEND_DENIED")
    quote = m.Quote(account=1, bid_ticks=80, bid_lots=1)
    assert venue.do(quote) == refused("QUOTE_DENIED")
    venue.limit(1, denied=Denial.BUY | Denial.RESTING)
    assert venue.do(quote) == refused("SIDE_DENIED")
    assert venue.do(order(2, BUY, 90, 5))[0][0] == "accepted"


def test_an_allow_list_is_registration_and_denials():
    """A regulated token: strangers may do nothing, a former holder may only sell."""
    venue = Venue(parbook.reference.Market, registered_only=True)
    venue.limit(1, denied=Denial.BUY)
    assert venue.do(order(2, BUY, 90, 5)) == refused("UNKNOWN_ACCOUNT")
    assert venue.do(order(1, BUY, 90, 5)) == refused("SIDE_DENIED")
    assert venue.do(order(1, SELL, 90, 5))[0][0] == "accepted"
