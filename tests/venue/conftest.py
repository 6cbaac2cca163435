"""An exchange with one instrument and funded accounts."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import parbook as pb

TREASURY = 1
BUYBACK = pb.LinearBuyback(
    budget="250000", par_lots=1000, drop_bps=300, depth_lots=240_000, spread_bps=25, activation_delay_ns=100
)


class Place(NamedTuple):
    """An exchange, its instrument and its two assets."""

    ex: pb.Exchange
    mkt: pb.InstrumentHandle
    usd: pb.AssetHandle
    loan: pb.AssetHandle


def opened(curve: pb.LinearBuyback | None = BUYBACK, **rules: object) -> Place:
    """Return a place where accounts 7 and 8 own 100,000 USDx and 50,000 tokens each, and the curve 250,000 USDx."""
    ex = pb.Exchange(retain_events=int(str(rules.pop("retain_events", 1000))))
    usd, loan = ex.add_asset("USDx", decimals=6), ex.add_asset("SME-A")
    assert ex.deposit(TREASURY, usd, "250000").ok
    for account in (7, 8):
        assert ex.deposit(account, usd, "100000").ok
        assert ex.deposit(account, loan, 50_000).ok
    mkt = ex.add_instrument("SME-A/USDx", base=loan, quote=usd, tick="0.0001", treasury=TREASURY, curve=curve, **rules)
    return Place(ex, mkt, usd, loan)


@pytest.fixture
def place() -> Place:
    """A place without a curve."""
    return opened(None)


@pytest.fixture
def with_curve() -> Place:
    """A place whose curve quotes around 0.9870 to 0.9876."""
    place = opened()
    place.ex.observe(place.mkt, price="0.9873", conf="0.0003", ts=1_000)
    place.ex.advance(ts=2_000)
    return place
