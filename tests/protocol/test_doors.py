"""What the venue may not touch from outside: accounts, curves and anchors of the protocol; and what stays its own."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from parbook import messages as m
from parbook.codes import CurveShape
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.listing import Listing
from parbook.messages import CurveParams
from parbook.protocol import commands as c
from parbook.records import command_records
from tests.protocol.house import MICRO
from tests.protocol.venue import ARBITER, HOUR, Venue, feed_terms, key

CURVE = CurveParams(shape=CurveShape.PMM, base_depth_lots=100, quote_depth_lots=100, budget_notional=0)
FOREIGN = [
    m.SetCurve(params=CURVE),
    m.FundCurve(cash_notional=5),
    m.WithdrawCurve(),
    m.ProposeAnchor(low_ticks=1, high_ticks=1),
    m.WithdrawAnchors(),
]


@pytest.mark.parametrize("command", FOREIGN, ids=lambda command: type(command).__name__)
def test_a_curve_of_the_protocol_is_nobody_elses(command):
    venue = Venue().opened()
    before = venue.one.state_hash()
    with pytest.raises(MisuseError, match=r"on instrument 0: its (curve|anchor) is the protocol's"):
        venue.one.apply(command)
    if not isinstance(command, m.SetCurve):
        with pytest.raises(MisuseError, match="is the protocol's"):
            venue.one.apply_batch(np.concatenate([command_records([m.Advance(ts_ns=0)]), command_records([command])]))
    assert venue.one.state_hash() == before


def test_an_instrument_of_the_venue_keeps_its_own_unless_it_has_a_feed():
    venue = Venue()
    market = Instrument(symbol="X", tick=Decimal("0.0001"), lot=Decimal(1))
    listing = Listing(
        instrument=market, base=venue.units[0], quote=venue.usd, lot_atoms=MICRO, tick_atoms=100, treasury=99
    )
    for exchange in (venue.one, venue.two):
        exchange.add_instrument(listing)
    for command in FOREIGN:
        venue.apply(type(command)(**{f: getattr(command, f) for f in command.__struct_fields__} | {"instrument": 2}))
    members = ((1, key(1)),)
    terms = feed_terms(quorum=1)
    venue.do(c.OpenFeed(instrument=2, terms=terms, arbiter=ARBITER, bond_asset=venue.usd, members=members))
    venue.apply(m.SetCurve(params=CURVE, instrument=2))
    with pytest.raises(MisuseError, match="its anchor is the protocol's"):
        venue.one.apply(m.ProposeAnchor(low_ticks=1, high_ticks=1, instrument=2))


def test_misuse_lets_nothing_fall_due():
    venue = Venue()
    venue.report(980_000, 990_000, 1_000_000)
    before = venue.one.state_hash()
    with pytest.raises(MisuseError):
        venue.one.apply(m.Deposit(account=7, asset=venue.usd, amount_atoms=2**70, ts_ns=venue.now + 2 * HOUR))
    assert venue.one.state_hash() == before
    venue.apply(m.Deposit(account=7, asset=venue.usd, amount_atoms=5, ts_ns=venue.now + 2 * HOUR))
    assert venue.curve.quoting


def test_a_treasury_of_the_protocol_is_not_listed_from_outside():
    venue = Venue()
    till = venue.protocol.pools[0].tranches[0].till
    market = Instrument(symbol="X", tick=Decimal(1), lot=Decimal(1))
    with pytest.raises(MisuseError, match="is the protocol's"):
        venue.one.add_instrument(Listing(instrument=market, base=1, quote=0, treasury=till))
