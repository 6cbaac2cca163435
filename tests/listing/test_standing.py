"""A fund and a token of the venue stand in the report as they are, not as somebody describes them."""

from __future__ import annotations

import parbook as pb
from parbook.anchored.terms import TokenTerms
from parbook.disclosure.standing import backed_e12, insured_micro
from parbook.insurance.terms import FundTerms
from parbook.listing import Asset
from parbook.messages import Deposit
from parbook.pools.amounts import E12, MICRO
from parbook.protocol import commands as c
from parbook.setup import build, load_setup
from tests.setup.house import EXAMPLE


def test_what_is_described_counts_only_where_there_is_nothing():
    built = build(pb.Exchange(), load_setup(EXAMPLE / "listing.toml"))
    exchange, manager = built.exchange, built.entry.pool.terms.manager
    assert (insured_micro(built), backed_e12(built)) == (built.setup.insurance_micro, built.setup.backing_e12)
    native = exchange.add_asset(Asset(name="NTV", decimals=6))
    terms = FundTerms()
    done = exchange.act(c.OpenFund(pool=built.pool, account=manager, native=native, governor=5, terms=terms))
    assert done.no is None
    assert insured_micro(built) == 0
    exchange.apply(Deposit(account=77, asset=built.quote, amount_atoms=30 * MICRO))
    assert exchange.act(c.PayIn(pool=built.pool, account=77, amount_micro=20 * MICRO)).no is None
    assert insured_micro(built) == 20 * MICRO
    token = TokenTerms(token_asset=0, native_asset=1)
    opened = exchange.act(c.OpenToken(name="ANC", native=native, cash=built.quote, governor=5, terms=token))
    assert opened.no is None
    assert exchange.act(c.AddLeg(token=0, account=5, asset=built.quote, haircut_e12=0)).no is None
    assert exchange.act(c.Reweight(token=0, account=5, weights=((built.quote, E12),))).no is None
    exchange.act(c.Tick(ts_ns=exchange.now_ns + 2 * 3600 * 10**9))
    assert exchange.act(c.Endow(token=0, account=77, asset=built.quote, quantity_micro=MICRO)).no is None
    assert exchange.act(c.MintTokens(token=0, account=77, asset=built.quote, quantity_micro=4 * MICRO)).no is None
    assert backed_e12(built) == 5 * E12 // 4
