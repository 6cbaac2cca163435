"""The whole way on 2,000 loans; `make endtoend` goes it on 100,000."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parbook.pools.amounts import E12, NANO
from parbook.pools.states import LoanState
from parbook.protocol import events as e
from tests.protocol import loans
from tests.protocol.endtoend import HOLDER, SENIOR, WAITER, Way

COUNT = 2_000


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Go it once. Recovery from journal and snapshot, a follower and every invariant are tested on the way."""
    return Way(tmp_path_factory.mktemp("way") / "venue", COUNT).go()


def said(way: Way, kind: type[e.Said]) -> list[Any]:
    """Return what was said of a kind."""
    return [one for one in way.heard if isinstance(one, kind)]


def test_it_arrives(way: Way):
    assert list(way.seconds)[-1] == "follower from the snapshot"
    assert way.numbers["reopened from the journal: records"] > 40
    assert way.numbers["reopened from the snapshot: records"] == 2


def test_worse_grades_are_priced_to_default_more(way: Way):
    chances = [grade.pd_e12 for grade in way.grades]
    assert chances == sorted(chances)
    assert 0 < chances[0] < chances[-1] < E12
    assert all(grade.low_e12 <= grade.defaults * E12 // grade.loans <= grade.high_e12 for grade in way.grades)


def test_the_pool_has_what_came_less_what_went(way: Way):
    """Of everything that was said, money in less money out is the pool's cash, to the micro."""
    cash = 0
    for one in way.heard:
        match one:
            case e.Invested():
                cash += one.amount_micro
            case e.LoansAdded():
                cash -= one.paid_micro
            case e.Serviced():
                cash += one.collected_micro
            case e.WaterfallRun():
                cash -= one.fees_micro + one.buffer_micro
            case e.Redeemed() | e.EpochStruck():
                cash -= one.paid_micro
    assert way.entry.pool.cash_micro == cash


def test_every_loan_is_where_its_servicer_put_it(way: Way):
    book = way.entry.pool.book
    states = [loan.state for loan in book.loans.values()]
    assert len(states) == COUNT
    counts = {state: states.count(state) for state in LoanState}
    assert counts[LoanState.CURRENT] > COUNT * 9 // 10
    assert min(counts[LoanState.LATE], counts[LoanState.DEFAULTED], counts[LoanState.CLOSED]) > 0
    assert counts[LoanState.FUNDED] == 0
    kept = sum(loan.kept_micro(book.rules) for loan in book.loans.values())
    assert book.sums.kept_micro == kept < book.sums.owed_micro < way.lent


def test_fair_value_has_its_bands_and_the_bid_hangs_on_the_low_one(way: Way):
    closed = said(way, e.RoundClosed)
    assert len(closed) == 2
    for one in closed:
        assert NANO * 8 // 10 < one.low_nano < one.mid_nano < one.high_nano <= NANO
    assert way.numbers["first value: in force, re-priced: low_ticks"] <= 10_000


def test_a_holder_leaves_three_ways_none_above_value(way: Way):
    assert way.numbers["sold in the market: lots"] == way.numbers["sold in the market: of"]
    sold, lots = way.numbers["sold in the market: got_micro"], way.numbers["sold in the market: lots"]
    assert 0.9 * lots * 10**6 < sold < lots * 10**6
    (redeemed,) = said(way, e.Redeemed)
    (struck,) = said(way, e.EpochStruck)
    assert redeemed.paid_micro < redeemed.units_micro
    assert struck.filled_e12 == E12
    claims = [way.numbers[f"claimed: account {account}"] for account in (HOLDER, WAITER)]
    assert claims == [struck.units_micro // 2 * struck.price_nano // NANO] * 2


def test_units_and_tokens_are_what_was_issued_less_what_was_burned(way: Way):
    issued = sum(one.units_micro for one in said(way, e.Invested) if one.tranche == SENIOR)
    burned = sum(one.units_micro for kind in (e.Redeemed, e.EpochStruck) for one in said(way, kind))
    assert way.entry.pool.tranches[SENIOR].supply_micro == issued - burned
    minted = sum(one.tokens_micro for one in said(way, e.Minted))
    gone = sum(one.tokens_micro for one in said(way, e.TokensRedeemed))
    assert way.exchange.protocol.tokens[0].token.supply_micro == minted - gone > 0
    (redeemed,) = said(way, e.TokensRedeemed)
    assert redeemed.worth_micro <= redeemed.tokens_micro


def test_it_is_the_same_way_each_time(way: Way, tmp_path: Path):
    again = Way(tmp_path / "venue", 200)
    other = Way(tmp_path / "other", 200)
    assert again.go().digest == other.go().digest != way.digest


def test_without_the_real_tape_a_synthetic_table_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(loans, "DATA", tmp_path)
    way = Way(tmp_path / "venue", 200).go()
    assert way.numbers["default rates by grade: source"] == "a synthetic table"
    assert way.numbers["discount curve: yield"] == "4.5 %, made up"
