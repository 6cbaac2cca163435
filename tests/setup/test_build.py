"""A description becomes a venue by commands, each of which may refuse; and what refuses says what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

import parbook as pb
from parbook.codes import Source
from parbook.errors import ListingError
from parbook.messages import Deposit
from parbook.oracle.rounds import anchor_at
from parbook.oracle.state import FeedState
from parbook.pools.amounts import MICRO
from parbook.pools.states import PoolState
from parbook.protocol.exchange import BackedExchange
from parbook.setup import build, load_setup
from parbook.setup.tape import shares_of
from parbook.units import RESERVED_ACCOUNT
from tests.protocol.house import ReferenceBacked
from tests.setup.house import EXAMPLE, built, example, loan, small


def test_the_example_is_built_and_its_anchor_is_in_force():
    setup = load_setup(EXAMPLE / "listing.toml")
    steps: list[tuple[int, int]] = []
    exchange = pb.Exchange()
    venue = build(exchange, setup, lambda done, total: steps.append((done, total)))
    assert steps == [(n, 8) for n in range(9)]
    entry = venue.entry
    assert (entry.pool.state, len(entry.pool.book.loans)) == (PoolState.REVOLVING, 28)
    assert entry.trusted
    assert entry.shares is not None
    anchor = anchor_at(venue.exchange.protocol.feeds[entry.feed].feed, venue.exchange.now_ns)
    assert anchor.state is FeedState.OK
    assert (anchor.low_nano, anchor.mid_nano, anchor.high_nano) == (
        venue.shares.low_nano, venue.shares.mid_nano, venue.shares.high_nano
    )  # fmt: skip
    assert venue.shares == shares_of(venue.tape)
    # Cash is what holders paid less the balances, nothing else moved.
    paid = sum(amount for tranche in setup.tranches for _, amount in tranche.holders)
    spent = sum(asset.position.balance_micro for asset in venue.tape.assets)
    assert entry.pool.cash_micro == paid - spent
    assert exchange.core.balance(setup.originator, venue.quote) == spent
    assert [standing.supply_micro for standing in entry.pool.tranches] == [760_000 * MICRO, 240_000 * MICRO]
    senior = entry.tranches[0]
    assert senior.treasury is not None
    reserve = exchange.core.balance(senior.treasury.reserve_account, venue.quote)
    assert reserve + exchange.core.balance(senior.till, venue.quote) == 110_000 * MICRO
    assert senior.desk is not None
    assert senior.queue is not None
    venue.exchange.check()
    depth = exchange.depth(0, 100)
    rows = {(int(row["side"]), int(row["source"]), int(row["price_ticks"])) for row in depth}
    assert (1, int(Source.BOOK), 10_200) in rows
    assert (0, int(Source.BOOK), 9300) in rows
    assert sum(source == int(Source.CURVE) for _, source, _ in rows) > 20


def test_observations_carry_model_and_inputs():
    venue = built(load_setup(EXAMPLE / "listing.toml"))
    active = venue.exchange.protocol.feeds[venue.entry.feed].feed.active
    assert active is not None
    assert {one.input_hash for one in active.observations} == {venue.tape.valuation.input_hash}
    assert {len(one.model_hash) for one in active.observations} == {64}
    assert [one.source for one in active.observations] == [101, 102, 103]


def test_whatever_it_is_built_on_it_is_the_same(tmp_path: Path):
    setup = load_setup(EXAMPLE / "listing.toml")
    plain, reference = build(BackedExchange(), setup), build(ReferenceBacked(), setup)
    states = {venue.exchange.state_hash() for venue in (plain, reference, built(setup))}
    assert len(states) == 1
    with pb.open(tmp_path / "data") as durable:
        assert build(durable, setup).exchange.state_hash() in states
    with pb.open(tmp_path / "data") as again:
        assert again.core.state_hash() in states


def test_a_second_venue_beside_a_first(tmp_path: Path):
    """Money of the same name is the same money; the pool has another name, its loans other contracts."""
    exchange = pb.Exchange()
    build(exchange, small(tmp_path, [loan("a")]))
    other = example(tmp_path, ("as_of = 2026-01-15", "as_of = 2026-01-16"))
    venue = build(exchange, load_setup(other))
    assert (venue.pool, venue.quote, venue.entry.feed) == (1, 0, 1)
    venue.exchange.check()
    with pytest.raises(ListingError, match=r"\[venue\] as_of.*lies before"):
        build(exchange, small(tmp_path, [loan("b")]))


def test_an_older_exchange_is_refused_as_it_stands(tmp_path: Path):
    exchange = pb.Exchange()
    exchange.add_asset("EUR", decimals=6)
    exchange.apply(Deposit(account=5, asset=0, amount_atoms=1, ts_ns=2**60 * 2))
    before = exchange.core.state_hash()
    with pytest.raises(ListingError, match="as_of"):
        build(exchange, small(tmp_path, [loan("a")]))
    assert exchange.core.state_hash() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('amount = "420000"', 'amount = "320000"'), r"\[tape\] assets: POOL_CASH.*costs 908052200000 micro.*pay 9"),
        (("months_max = 48", "months_max = 30"), r"\[tape\] assets: INELIGIBLE.*months, above 30"),
        (('pd_max = "0.10"', 'pd_max = "0.02"'), r"\[tape\] assets: INELIGIBLE.*; and \d+ more"),
        (('"invoice", "revolving"', '"invoice"'), r"\[tape\] assets: INELIGIBLE.*its kind 4"),
        (('obligor = "0.05"', 'obligor = "0.04"'), r"CONCENTRATION.*obligor .* holds 4\.\d\d %, above 4.00 %"),
        (('counterparty = "0.25"', 'counterparty = "0.1"'), r"CONCENTRATION.*counterparty .* above 10.00 %"),
        (('hhi = "0.06"', 'hhi = "0.02"'), r"CONCENTRATION.*HHI of obligors is above 2.00 %"),
        (('amount = "140000"', 'amount = "20000"'), r"\[tranche 1\] holders: 22: SUBORDINATION.*Let more be invested"),
        (("recovery_rounds = 2", 'recovery_rounds = 2\nconfidence_max = "0.001"'), r"\[feed\]: ORACLE_BAND_TOO_WIDE"),
        (('tick = "0.0001"', 'tick = "0.00000001"'), r"\[pool\]: AMOUNT_OUT_OF_RANGE"),
        (('account = 22\nside = "sell"', 'account = 77\nside = "sell"'), r"\[order 2\]: INSUFFICIENT_BASE"),
    ],
)  # fmt: skip
def test_what_refuses_says_what_to_change(tmp_path: Path, change: tuple[str, str], said: str):
    with pytest.raises(ListingError, match=said) as error:
        built(load_setup(example(tmp_path, change)))
    assert str(tmp_path / "listing.toml") in str(error.value)


def test_a_name_that_is_taken(tmp_path: Path):
    exchange = pb.Exchange()
    setup = small(tmp_path, [loan("a")])
    build(exchange, setup)
    later = example(tmp_path, ('name = "SME-1"', 'name = "P"'), ("as_of = 2026-01-15", "as_of = 2026-01-20"))
    with pytest.raises(ListingError, match=r"\[pool\]: NAME_TAKEN"):
        build(exchange, load_setup(later))


def test_one_key_for_two_sources(tmp_path: Path):
    text = (EXAMPLE / "listing.toml").read_text()
    keys = [line.split('"')[1] for line in text.splitlines() if "{ source =" in line]
    with pytest.raises(ListingError, match=r"\[feed\]: ORACLE_KEY_TAKEN.*source 102"):
        built(load_setup(example(tmp_path, (keys[1], keys[0]))))
    with pytest.raises(ListingError, match=r"\[feed\]: ORACLE_OUT_OF_RANGE.*no public key"):
        built(load_setup(example(tmp_path, (keys[1], "abc"))))


def test_a_contract_backs_one_asset_in_all_pools(tmp_path: Path):
    exchange = pb.Exchange()
    build(exchange, small(tmp_path, [loan("a")]))
    path = example(tmp_path, ("as_of = 2026-01-15", "as_of = 2026-01-16"))
    text = (tmp_path / "loans.csv").read_text()
    first = text.splitlines()[1].split(",")[7]
    (tmp_path / "loans.csv").write_text(text.replace(first, loan("a")["legal_hash"]))
    with pytest.raises(ListingError, match=r"DUPLICATE_ASSET.*one contract"):
        build(exchange, load_setup(path))


def test_a_feed_that_asks_for_many_rounds_far_apart_is_trusted_in_the_end(tmp_path: Path):
    path = example(tmp_path, ("recovery_rounds = 2", 'recovery_rounds = 32\nmin_interval = "7d"\nhalt = "8d"'))
    assert built(load_setup(path)).entry.trusted


def test_accounts_of_the_protocol_are_nobodys(tmp_path: Path):
    text = (EXAMPLE / "listing.toml").read_text().replace("account = 24", f"account = {RESERVED_ACCOUNT}")
    (tmp_path / "listing.toml").write_text(text)
    with pytest.raises(ListingError, match="holders 2] account"):
        load_setup(tmp_path / "listing.toml")
