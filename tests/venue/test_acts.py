"""The protocol in the public exchange: commands, what was said, signed reports."""

from __future__ import annotations

import pytest

import parbook as pb
from parbook.errors import MisuseError, RefusedError
from parbook.oracle import signing
from parbook.oracle.state import Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.protocol import commands as c
from parbook.refusals import Refusal
from parbook.venue.acts import feed_domain

PRIVATE = "11" * 32
TERMS = PoolTerms(name="P", manager=1, tranches=(TrancheTerms(name="U"),))


@pytest.fixture
def ex() -> pb.Exchange:
    """Return an exchange with a pool and a feed of one source."""
    made = pb.Exchange()
    usd = made.add_asset("USD", decimals=6)
    made.deposit(7, usd, "1000")
    market = pb.Instrument(symbol="U/USD", tick="0.0001", lot="1")
    done = made.act(c.OpenPool(terms=TERMS, quote=int(usd), markets=(market,)))
    assert done.ok
    members = ((1, signing.public_key_of(PRIVATE)),)
    terms = FeedTerms(quorum=1, recovery_rounds=1)
    assert made.act(c.OpenFeed(pool=0, terms=terms, arbiter=2, bond_asset=int(usd), members=members)).ok
    return made


def observation(**changes: int) -> Observation:
    """Return what the source reports."""
    fields = {
        "source": 1,
        "sequence": 1,
        "observed_ns": 10,
        "low_nano": 9 * 10**8,
        "mid_nano": 10**9,
        "high_nano": 10**9,
    }
    return Observation(**(fields | changes), model_hash="0" * 64, input_hash="0" * 64)


def test_assets_and_instruments_of_the_protocol_have_handles(ex: pb.Exchange):
    assert [handle.name for handle in ex.assets] == ["USD", "P-U"]
    assert ex.instrument("U/USD").base.name == "P-U"
    assert ex.act(c.Invest(pool=0, tranche=0, account=7, amount_micro=5_000_000)).ok
    assert ex.balances(7)["P-U"].total == 5


def test_a_refusal_is_a_value(ex: pb.Exchange):
    done = ex.act(c.Invest(pool=3, tranche=0, account=7, amount_micro=1))
    assert (done.ok, done.code, done.detail) == (False, Refusal.NOT_THERE, "")
    assert repr(done) == "<Invest NOT_THERE>"
    with pytest.raises(RefusedError, match="Invest was refused: NOT_THERE"):
        done.raise_for_refusal()
    assert repr(ex.act(c.Tick(ts_ns=5))) == "<Tick done>"


def test_what_was_said_can_be_read_on(ex: pb.Exchange):
    assert [said.seq for said in ex.said()] == [1, 2]
    ex.act(c.Invest(pool=0, tranche=0, account=7, amount_micro=5_000_000))
    (said,) = ex.said(3)
    assert type(said).__name__ == "Invested"
    with pytest.raises(MisuseError, match="since=5"):
        ex.said(5)


def test_a_signed_report_is_believed_and_no_other(ex: pb.Exchange):
    seen = observation()
    domain = signing.Domain(exchange="venue", feed=feed_domain(0))
    signature = signing.sign(PRIVATE, domain, seen)
    hashed = ex.state_hash()
    for wrong in ({"exchange": "elsewhere"}, {"signature": "00" * 64}, {"observation": observation(low_nano=1)}):
        given = {"observation": seen, "signature": signature, "exchange": "venue"} | wrong
        done = ex.report(0, given["observation"], given["signature"], exchange=given["exchange"], ts=20)
        assert done.code is Refusal.BAD_SIGNATURE
    assert ex.state_hash() == hashed
    assert ex.report(0, seen, signature, exchange="venue", ts=20).ok
    assert ex.report(0, observation(source=9), signature, exchange="venue").code is Refusal.ORACLE_UNKNOWN_SOURCE
    assert ex.report(5, seen, signature, exchange="venue").code is Refusal.NOT_THERE


def test_only_its_thread_acts(ex: pb.Exchange):
    assert ex.protocol.next_said == 3
    with pytest.raises(MisuseError, match="no command of the protocol"):
        ex.act("invest")
