"""Random streams of every kind over funded markets: nothing is made, lost or owed, and money changes no rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

import parbook.reference
from parbook import messages as m
from parbook.codes import EventKind, RejectCode
from parbook.listing import Asset, Listing
from parbook.reference.exchange import Exchange
from parbook.units import ATOMS_MAX
from tests.parity.lockstep import apply
from tests.parity.profiles import PROFILES, Profile, instrument_of
from tests.parity.streams import Stream

ACCOUNTS = range(1, 9)
TREASURY = 77
SHORTAGES = {
    RejectCode.INSUFFICIENT_QUOTE,
    RejectCode.INSUFFICIENT_FEE,
    RejectCode.INSUFFICIENT_BASE,
    RejectCode.CURVE_UNFUNDED,
}


def funded(profile: Profile, seed: int, base_atoms: int, quote_atoms: int) -> Exchange:
    """Return an exchange with one market, whose accounts own so much each."""
    exchange = Exchange()
    base, quote = exchange.add_asset(Asset(name="BASE")), exchange.add_asset(Asset(name="QUOTE"))
    exchange.add_instrument(Listing(instrument=instrument_of(profile, seed), base=base, quote=quote, treasury=TREASURY))
    exchange.apply(m.SetFees(tier=0, maker_ppm=-300, taker_ppm=700))
    for account in (*ACCOUNTS, TREASURY):
        exchange.apply(m.Deposit(account=account, asset=base, amount_atoms=base_atoms))
        exchange.apply(m.Deposit(account=account, asset=quote, amount_atoms=quote_atoms))
    return exchange


def codes_of(exchange: Exchange, profile: Profile, seed: int, batches: int = 8) -> Iterator[tuple[bytes, Counter[int]]]:
    """Run a stream one batch at a time; yield each batch's events and refusals, the exchange checked after it."""
    market = exchange.market(0)
    stream = Stream(profile, seed)
    for _ in range(batches):
        for operation in stream.next(market, 60):
            events = apply(exchange, operation)
            refused = events["code"][events["kind"] == EventKind.REJECTED]
            yield events.tobytes(), Counter(int(code) for code in refused)
        exchange.check()


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_whatever_happens_everything_adds_up_and_no_hold_outlives_its_order(profile: Profile):
    exchange = funded(profile, 3, base_atoms=200, quote_atoms=20_000)
    refused = sum((codes for _, codes in codes_of(exchange, profile, 3)), Counter())
    assert sum(refused.values())
    exchange.apply(m.MassCancel())
    for account in ACCOUNTS:
        assert [exchange.held(account, asset) for asset in (0, 1)] == [0, 0]


def test_every_shortage_occurs():
    refused: Counter[int] = Counter()
    for number, profile in enumerate(PROFILES):
        exchange = funded(profile, number, base_atoms=50, quote_atoms=20_000)
        refused += sum((codes for _, codes in codes_of(exchange, profile, number)), Counter())
    assert set(refused) >= SHORTAGES


@pytest.mark.parametrize(
    "profile",
    [profile for profile in PROFILES if profile.mid_ticks and profile.accounts < len(ACCOUNTS) and not profile.extreme],
    ids=lambda profile: profile.name,
)
def test_money_enough_changes_nothing(profile: Profile):
    """The very events of a market without a ledger."""
    profile = replace(profile, malformed=0.0)
    exchange = funded(profile, 5, *[ATOMS_MAX // (len(ACCOUNTS) + 1)] * 2)
    bare = parbook.reference.Market(instrument_of(profile, 5))
    stream = Stream(profile, 5)
    deposits = exchange.next_command - 1
    for _ in range(6):
        for operation in stream.next(bare, 60):
            events = apply(exchange, operation)
            events["command"] -= deposits
            assert events.tobytes() == apply(bare, operation).tobytes()
    exchange.check()
