"""Faults of the composer that were found and mended: one test each, so that none comes back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import parbook as pb
from parbook import listing
from parbook import messages as m
from parbook.anchored.terms import TokenTerms
from parbook.codes import Side
from parbook.errors import AssetError, MisuseError
from parbook.listing import Asset
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import commands as c
from parbook.protocol.commands import Order
from tests.protocol.house import DAY, MANAGER, MICRO, SECOND
from tests.protocol.test_backing import BIDDER, Backed
from tests.protocol.venue import BORROWER, FOUNDER, GOVERNOR, HOUR, INVESTOR, PAYER, SENIOR, Venue, loan

PLACE = {"pool": 0, "tranche": SENIOR}


@pytest.mark.parametrize("kind", [m.Deposit, m.Withdraw])
def test_units_come_and_go_by_the_protocol_alone(kind: type[m.Deposit | m.Withdraw]):
    venue = Venue().opened()
    with pytest.raises(MisuseError):
        venue.one.apply(kind(account=INVESTOR, asset=venue.units[SENIOR], amount_atoms=MICRO))
    venue.one.check()


def spent(venue: Venue) -> Venue:
    """Let the curve sell something for money that no sync has found yet."""
    venue.opened()
    venue.sell(20)
    venue.pass_to(venue.now + HOUR)
    venue.apply(m.NewOrder(account=FOUNDER, side=Side.BUY, qty_lots=500, price_ticks=11_000, instrument=0))
    return venue


@pytest.mark.parametrize(
    "command",
    [
        c.RetireUnits(**PLACE, account=GOVERNOR),
        c.Bond(**PLACE, account=3, amount_micro=MICRO),
        c.Unbond(**PLACE, account=BIDDER, shares=1),
        c.ClaimBond(**PLACE, account=BIDDER),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_is_refused_moves_no_money(command: Order):
    venue = spent(Backed())
    venue.no(command)


def test_what_is_refused_leaves_a_token_as_it_was():
    venue = Backed().minted()
    venue.pass_to(venue.now + 2 * HOUR)
    venue.no(c.MintTokens(token=0, account=3, asset=venue.usd, quantity_micro=MICRO))


def test_a_command_too_long_for_the_journal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from parbook.journal import layout

    monkeypatch.setattr(layout, "PAYLOAD_BYTES_MAX", 2**12)
    with pb.open(tmp_path) as exchange:
        usd = int(exchange.add_asset("USD", decimals=6))
        exchange.deposit(INVESTOR, usd, "1000")
        terms = PoolTerms(name="P", manager=MANAGER, tranches=(TrancheTerms(name="U"),))
        assert exchange.act(c.OpenPool(terms=terms, quote=usd)).ok
        assert exchange.act(c.Invest(pool=0, tranche=0, account=INVESTOR, amount_micro=900 * MICRO)).ok
        entries = tuple(loan(number, 1) for number in range(60))
        with suppress(MisuseError):
            exchange.act(c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=entries))
        digest = exchange.state_hash()
    with pb.open(tmp_path) as again:
        assert again.state_hash() == digest


def test_who_enters_an_empty_tranche_does_not_get_what_leavers_left():
    """All leave at the exit price, which counts an impaired loan for nothing; then it pays after all."""
    venue = Venue(feed={"cap_ppm": 500_000, "cap_reference_ppm": 500_000})
    venue.apply(m.Deposit(account=21, asset=venue.usd, amount_atoms=10 * MICRO))
    terms = PoolTerms(name="ONE", manager=MANAGER, tranches=(TrancheTerms(name="U"),), limits=venue.pool.terms.limits)
    venue.do(c.OpenPool(terms=terms, quote=venue.usd))
    venue.do(c.Invest(pool=1, tranche=0, account=INVESTOR, amount_micro=100 * MICRO))
    entry = loan(500, 50)
    venue.do(c.AddLoans(pool=1, account=MANAGER, originator=BORROWER, entries=(entry,)))
    rows = (ServiceRow("L500", Action.BILL), ServiceRow("L500", Action.IMPAIR))
    venue.do(c.Service(pool=1, account=MANAGER, payer=PAYER, rows=rows))
    pool = venue.protocol.pools[1].pool
    from parbook.pools import pool as pools

    value = pools.tranche_prices(pool, 10**9)[0]
    assert value.exit_value_micro == 50 * MICRO
    pools.retire(pool, 0, 100 * MICRO, value.exit_value_micro)
    shares = pools.Shares(10**9, 10**9, 10**9)
    plan = pools.plan_issue(pool, 0, MICRO, shares)
    assert isinstance(plan, pools.Issue)
    pools.issue(pool, plan)
    worth = pools.tranche_prices(pool, 10**9)[0].value_micro
    assert worth * plan.units_micro // pool.tranches[0].supply_micro <= MICRO, "one was paid"


def syncs(venue: Venue) -> int:
    """Return how often the senior's treasury has changed: once for each sync, and for nothing else here."""
    version: int = venue.one.protocol.pools[0].tranches[SENIOR].treasury.treasury.version
    return version


def test_a_long_silence_is_not_as_many_syncs_as_fit_into_it():
    venue = Venue(check=False, sync_ns=600 * SECOND).opened()
    before = syncs(venue)
    venue.one.act(c.Tick(ts_ns=venue.now + 365 * DAY))
    # Until the feed halts, 5 days after its last observation: a sync each ten minutes, and the steps of the decay.
    assert 5 * 144 - 20 <= syncs(venue) - before <= 5 * 144 + 5 * 24
    before = syncs(venue)
    venue.one.act(c.Tick(ts_ns=venue.now + 365 * DAY))
    assert syncs(venue) == before


@pytest.mark.parametrize(
    "command",
    [c.Unstake(pool=0, account=BIDDER, shares=2**200), c.Unbond(**PLACE, account=BIDDER, shares=2**200)],
    ids=lambda command: type(command).__name__,
)
def test_more_shares_than_there_can_be_are_refused(command: Order):
    venue = Backed()
    assert venue.act(command).no is not None


def test_a_name_that_is_none_lets_nothing_happen():
    """Misuse is not journaled: whoever replays would be at another time."""
    venue = Backed(check=False)
    venue.opened()
    before = venue.one.state_hash()
    terms = TokenTerms(token_asset=0, native_asset=1)
    with pytest.raises(AssetError, match="printable"):
        c.OpenToken(name="a\n", native=venue.native, cash=venue.usd, governor=1, terms=terms, ts_ns=venue.now + HOUR)
    assert venue.one.state_hash() == before


def test_the_name_of_a_token_is_the_name_of_an_asset_by_the_one_rule(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "ASSET_NAME_MAX", 3)
    terms = TokenTerms(token_asset=0, native_asset=1)
    for name, error in ((lambda name: Asset(name=name), MisuseError), (lambda name: token(name, terms), AssetError)):
        name("abc")
        for wrong in ("", "abcd", "a\n"):
            with pytest.raises(error, match="1 to 3 printable"):
                name(wrong)


def token(name: str, terms: TokenTerms) -> c.OpenToken:
    """Return the command that opens a token of that name."""
    return c.OpenToken(name=name, native=1, cash=0, governor=1, terms=terms)
