"""Deposits, withdrawals, transfers, fees and status, in a person's units."""

from __future__ import annotations

from decimal import Decimal

import pytest

import parbook as pb
from parbook.errors import ConversionError, MisuseError
from tests.venue.conftest import Place


def test_money_comes_in_moves_and_leaves(place: Place):
    ex, usd = place.ex, place.usd
    assert ex.deposit(account=9, asset=usd, amount="100.000001", txn_id=5, ts=10).ok
    assert ex.deposit(account=9, asset=usd, amount="100.000001", txn_id=5).code is pb.RejectCode.DUPLICATE_TXN
    assert ex.transfer(account=9, target=10, asset=usd, amount="40").ok
    assert ex.withdraw(account=9, asset=usd, amount_atoms=1).ok
    assert ex.balances(9)["USDx"].total == Decimal("60")
    assert ex.balances(10)["USDx"].available == 40
    assert ex.withdraw(9, usd, "60.000001").code is pb.RejectCode.INSUFFICIENT_AVAILABLE
    assert ex.now_ns == 10


def test_what_orders_hold_cannot_leave(place: Place):
    ex, usd = place.ex, place.usd
    ex.place(place.mkt, 7, "buy", 1000, "0.9900")
    balance = ex.balances(7)["USDx"]
    assert [balance.total, balance.held] == [100_000, Decimal("999.90")]
    assert balance.available == Decimal("99000.10")
    assert ex.withdraw(7, usd, "99000.100001").code is pb.RejectCode.INSUFFICIENT_AVAILABLE
    assert ex.withdraw(7, usd, "99000.10").ok
    ex.cancel(place.mkt, 7, order_id=1)
    assert ex.balances(7)["USDx"].held == 0


@pytest.mark.parametrize(
    ("amount", "why"),
    [("0.0000001", "not a whole number of atoms"), ("0", "outside 1"), ("-1", "outside 1"), (0.5, "float"), ("", "no")],
)
def test_amounts_are_exact_or_refused(place: Place, amount, why):
    for call in (place.ex.deposit, place.ex.withdraw):
        with pytest.raises(ConversionError, match=f"USDx amount=.*{why}"):
            call(7, place.usd, amount)


def test_an_amount_is_given_once(place: Place):
    with pytest.raises(MisuseError, match=r"USDx: no amount. Give amount= or amount_atoms="):
        place.ex.deposit(7, place.usd)
    with pytest.raises(MisuseError, match="amount=1 and amount_atoms=1 say the same thing twice"):
        place.ex.deposit(7, place.usd, 1, amount_atoms=1)
    assert place.ex.deposit(7, place.usd, amount_atoms=0).code is pb.RejectCode.AMOUNT_OUT_OF_RANGE
    assert place.ex.deposit(0, place.usd, 1).code is pb.RejectCode.INVALID_ACCOUNT


def test_fees_are_per_tier_in_bps(place: Place):
    ex, mkt = place.ex, place.mkt
    assert ex.set_fees(maker_bps="-0.25", taker_bps="2.5").ok
    assert ex.set_fees(3, taker_bps=1).ok
    assert ex.set_tier(8, 3).ok
    assert ex.set_tier(8, 4).code is pb.RejectCode.UNKNOWN_TIER
    assert ex.set_fees(taker_bps=101).code is pb.RejectCode.FEE_OUT_OF_RANGE
    with pytest.raises(ConversionError, match=r"taker_bps=0\.001 is not a whole number"):
        ex.set_fees(taker_bps="0.001")
    ex.place(mkt, 7, "buy", 7, "0.9999")
    (fill,) = ex.place(mkt, 8, "sell", 7, "0.9999").fills
    assert (fill.taker_fee, fill.maker_fee) == (Decimal("0.0007"), Decimal("-0.000174"))


def test_status_by_name(place: Place):
    assert place.ex.set_status(7, "reduce_only").ok
    assert place.ex.place(place.mkt, 7, "buy", 1, 1).code is pb.RejectCode.ACCOUNT_REDUCE_ONLY
    assert place.ex.set_status(7, pb.AccountStatus.SUSPENDED).ok
    assert place.ex.withdraw(7, place.usd, 1).code is pb.RejectCode.ACCOUNT_SUSPENDED
    with pytest.raises(MisuseError, match=r"status='frozen' is no AccountStatus. Choose one of active"):
        place.ex.set_status(7, "frozen")


def test_what_is_shown_is_readable(place: Place):
    assert repr(place.ex.balances(7)["SME-A"]) == "<SME-A: 50000, of which 0 held>"
    assert repr(place.ex.deposit(9, place.usd, 5)) == "<deposit of 5.000000 USDx to account 9: done>"
    assert repr(place.ex.withdraw(9, place.usd, 6)).endswith("from account 9: INSUFFICIENT_AVAILABLE>")
    assert repr(place.ex.place(place.mkt, 7, "buy", 1, 1)).endswith("account 7: order 1, 0 filled, 1 left>")
    assert repr(place.ex.place(place.mkt, 8, "sell", 1, 1).fills) == "(<fill 1 @ 1.0000 BOOK>,)"
    with pytest.raises(MisuseError, match="account=0 is outside"):
        place.ex.balances(0)
