"""Bad days: by hand where they are simple, by conservation where they are not, and on both exchanges the same."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import pytest

import parbook as pb
from parbook.disclosure import listing_report
from parbook.disclosure import run as runs
from parbook.disclosure.report import haircut, lost_e12, stressed_tape
from parbook.disclosure.run import Ran, run
from parbook.disclosure.standing import copy_of
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.pools.pool import TrancheStanding
from parbook.protocol.exchange import BackedExchange
from parbook.setup import Built, build, load_setup
from parbook.setup.tape import shares_of
from parbook.setup.terms import DAY_NS, HOUR_NS, RunTerms
from parbook.units import RESERVED_ACCOUNT
from tests.protocol.house import ReferenceBacked
from tests.setup.house import EXAMPLE, built, loan, small

QUEUE = '[tranche.queue]\nepoch = "1d"\n'
DESK = "[tranche.desk]\n"
MARKET = '[tranche.market]\nsymbol = "{0}"\ntick = "0.0001"\nlot = "0.01"\n'
BUYBACK = """
[tranche.treasury]
guardian = 4
governor = 5
founder = 6
reserve = "{0}"
[tranche.curve]
shape = "linear"
par = "100"
depth = "2000"
drop = "0.1"
"""
ROWS = [loan(f"L{n}", kind="bullet", rate="0.2") for n in range(10)]
"""Ten of 1000: the pool has 2000 of cash beside them."""
CALM = RunTerms(share_e12=0, pd_multiple_e12=E12, lgd_add_e12=0, late_ns=0)


def play(venue: Built, terms: RunTerms) -> Ran:
    """Play a run on what the stress leaves."""
    truth = stressed_tape(venue.tape, terms)
    return run(venue, terms, truth, shares_of(truth))


def changed(terms: RunTerms, **fields: Any) -> RunTerms:
    """Return other terms."""
    return msgspec.structs.replace(terms, **fields)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[BackedExchange]:
    """Keep the copies that runs are played on."""
    copies: list[BackedExchange] = []

    def copied(exchange: BackedExchange) -> BackedExchange:
        copies.append(copy_of(exchange))
        return copies[-1]

    monkeypatch.setattr(runs, "copy_of", copied)
    return copies


# --- by hand ------------------------------------------------------------------------------------


def test_where_the_cash_is_there_the_queue_pays_everybody_at_the_next_price(tmp_path: Path):
    """800 units ask at once; the epoch ends a day after it began and is struck by the report of the day after."""
    venue = built(small(tmp_path, ROWS, senior=QUEUE))
    ran = play(venue, changed(CALM, share_e12=E12 // 10))
    senior, junior = ran.exits
    assert (senior.asked_micro, senior.queue_micro, senior.queue_paid_micro) == (800 * MICRO,) * 3
    assert (senior.left_micro, senior.held_micro) == (800 * MICRO, 0)
    assert (junior.asked_micro, junior.left_micro, junior.held_micro) == (400 * MICRO, 0, 400 * MICRO)
    # Reports come a day apart; the first after the close is in force an hour later.
    assert ran.done_ns == (DAY_NS + HOUR_NS, None)
    assert ran.end_nano[0] == NANO
    cut = haircut("S", 0, play(venue, CALM), play(venue, CALM), ran)
    assert (cut.stayers_e12, cut.leavers_e12, cut.worst_e12, cut.assets_e12) == (0, 0, 0, 0)


def test_more_than_the_cash_is_filled_as_far_as_it_goes(tmp_path: Path):
    """3200 units for 2000 of cash: so many leave, and the others hold what they held."""
    venue = built(small(tmp_path, ROWS, senior=QUEUE))
    ran = play(venue, changed(CALM, share_e12=2 * E12 // 5))
    senior = ran.exits[0]
    assert (senior.asked_micro, senior.queue_micro, senior.held_micro) == (3200 * MICRO, 2000 * MICRO, 1200 * MICRO)
    assert ran.done_ns == (None, None)


def test_without_a_stress_and_without_leavers_nobody_loses(tmp_path: Path):
    venue = built(small(tmp_path, ROWS, senior=DESK + QUEUE))
    calm = play(venue, CALM)
    cut = haircut("S", 0, calm, calm, calm)
    assert (cut.assets_e12, cut.stayers_e12, cut.leavers_e12, cut.worst_e12) == (0, 0, None, 0)
    assert cut.treasury_result_micro == 0


def test_a_loss_beyond_the_junior_is_the_seniors(tmp_path: Path):
    """PD 80 %, LGD 100 %: A is what little comes and 2000 of cash, and 8000 units share it."""
    venue = built(small(tmp_path, [*ROWS[:9], loan("L9", rate="0.2", pd="0.02")]))
    terms = changed(CALM, pd_multiple_e12=40 * E12, lgd_add_e12=3 * E12 // 5)
    truth = stressed_tape(venue.tape, terms)
    ran = run(venue, terms, truth, shares_of(truth))
    fair = sum(truth.valuation.mid_micro.tolist())
    assert fair < 6_000 * MICRO
    share = shares_of(truth).mid_nano
    expected = (10_000 * MICRO * share // NANO + 2_000 * MICRO) * NANO // (8_000 * MICRO)
    assert ran.end_nano == (expected, 0)
    calm = play(venue, CALM)
    senior, junior = (haircut(name, index, calm, ran, ran) for index, name in enumerate("SJ"))
    assert senior.worst_e12 == senior.assets_e12 == ceil((1 - Fraction(expected, NANO)) * E12)
    assert junior.worst_e12 == E12


def test_who_redeems_at_an_old_value_takes_it_from_those_who_stay(tmp_path: Path):
    """The desk pays the old value until the report comes: the stayers' part of what is left is smaller by that."""
    rows = [loan(f"L{n}", rate="0.2") for n in range(10)]
    venue = built(small(tmp_path, rows, senior='[tranche.desk]\nthrottle = "0.1"\n'))
    terms = changed(
        CALM, share_e12=2 * E12 // 5, pd_multiple_e12=40 * E12, lgd_add_e12=3 * E12 // 5, late_ns=3 * DAY_NS
    )
    ran, alone, calm = play(venue, terms), play(venue, changed(terms, share_e12=0)), play(venue, CALM)
    cut, exits = haircut("S", 0, calm, alone, ran), ran.exits[0]
    assert exits.desk_micro > 800 * MICRO
    assert exits.desk_paid_micro > exits.desk_micro * 98 // 100
    assert cut.leavers_e12 is not None
    assert cut.assets_e12 < cut.stayers_e12
    assert cut.leavers_e12 < cut.stayers_e12 == cut.worst_e12
    # Of every unit that leaves at the old value the stayers pay the difference: what there is, by hand.
    share = shares_of(stressed_tape(venue.tape, terms)).mid_nano
    left = 10_000 * MICRO * share // NANO + 2_000 * MICRO - exits.desk_paid_micro
    assert ran.end_nano[0] == left * NANO // (8_000 * MICRO - exits.desk_micro)


def test_a_share_lost_is_rounded_against_whoever_lost_it():
    assert lost_e12(2, 3) == 333_333_333_334
    assert lost_e12(3, 3) == 0
    assert lost_e12(4, 3) == -333_333_333_333
    assert lost_e12(0, 3) == E12
    assert lost_e12(5, 0) == 0


# --- the feed -----------------------------------------------------------------------------------


def test_three_days_of_silence_are_three_days_of_silence(tmp_path: Path):
    """In force for 26 hours, then old; at 72 hours the report of that day, and with it an undoubted price."""
    venue = built(small(tmp_path, ROWS, senior=DESK + QUEUE))
    ran = play(venue, RunTerms(share_e12=0, pd_multiple_e12=E12, lgd_add_e12=0, days=5))
    feeds = {day.at_ns // DAY_NS: day.feed for day in ran.trail}
    assert feeds == {0: "OK", 1: "STALE", 2: "STALE", 3: "OK", 4: "OK", 5: "OK"}
    first, third = ran.trail[0], ran.trail[2]
    # 49 hours after it was in force it is 51 hours old with its delay: 25 of 94 hours of decay, in whole steps.
    age = third.at_ns // HOUR_NS + 1
    assert third.low_nano == first.low_nano * (94 - (age - 26)) // 94


def test_what_the_feed_does_not_take_is_counted(tmp_path: Path):
    setup = small(tmp_path, ROWS, senior=QUEUE)
    text = (tmp_path / "listing.toml").read_text().replace('confidence_max = "1"', 'confidence_max = "0.1"')
    (tmp_path / "listing.toml").write_text(text)
    venue = built(load_setup(setup.path))
    terms = changed(CALM, pd_multiple_e12=20 * E12, lgd_add_e12=E12 // 5, days=9)
    ran = play(venue, terms)
    assert ran.refused == {"ORACLE_BAND_TOO_WIDE": 10}
    assert ran.trail[-1].feed == "HALTED"
    with_notes = listing_report(msgspec.structs.replace(venue, setup=msgspec.structs.replace(venue.setup, run=terms)))
    assert "In the run the feed did not take 10 reports: ORACLE_BAND_TOO_WIDE." in with_notes.notes


# --- the way out --------------------------------------------------------------------------------


def test_ways_are_tried_in_their_order_and_the_book_and_curve_first(tmp_path: Path):
    senior = MARKET.format("S") + BUYBACK.format("900") + DESK + QUEUE
    order = '[[order]]\ntranche = "S"\naccount = 40\nside = "buy"\nprice = "0.97"\nquantity = "50"\n'
    venue = built(small(tmp_path, ROWS, senior=senior, rest=order))
    ran = play(venue, changed(CALM, share_e12=E12 // 5, days=1, every_ns=30 * DAY_NS))
    exits = ran.exits[0]
    # 2 % of 8000 lie in the till and are spent to less than a lot's price, and what an hour gives back to both buckets.
    assert 159 * MICRO < exits.curve_paid_micro <= 160 * MICRO * 25 // 24
    assert (exits.book_micro, exits.book_paid_micro) == (50 * MICRO, 48_500_000)
    assert 160 * MICRO < exits.desk_micro <= 160 * MICRO * 25 // 24
    assert exits.left_micro == exits.book_micro + exits.curve_micro + exits.desk_micro
    assert exits.held_micro == exits.asked_micro - exits.left_micro


def test_what_no_cash_stands_behind_stays_out_of_the_queue_and_takes_the_next_days_budget(tmp_path: Path):
    """Twelve loans of 1000 leave no cash. A request would be locked from the first late strike on, for nothing."""
    rows = [loan(f"L{n}", rate="0.2") for n in range(12)]
    senior = MARKET.format("S") + BUYBACK.format("900") + QUEUE
    venue = built(small(tmp_path, rows, senior=senior))
    exits = play(venue, RunTerms(pd_multiple_e12=E12, lgd_add_e12=0, days=8)).exits[0]
    assert exits.queue_micro == 0
    # 2 % of 8000 on the first day, and again from the report of the third day on; 5 % and what 8 days of 30 give back.
    assert 400 * MICRO < exits.curve_paid_micro <= 400 * MICRO * 38 // 30


def test_a_quote_is_compared_with_the_middle_price_not_the_low_one(tmp_path: Path):
    rows = [loan(f"L{n}", rate="0.06", pd="0.1") for n in range(10)]
    order = '[[order]]\ntranche = "J"\naccount = 40\nside = "buy"\nprice = "0.5"\nquantity = "100"\n'
    report = listing_report(built(small(tmp_path, rows, senior=QUEUE, rest=MARKET.format("J") + order)))
    junior = report.tranches[1]
    assert junior.exit_low_nano < junior.exit_mid_nano - 10 * MICRO
    assert [quote.filled_micro for quote in junior.quotes] == [40 * MICRO, 100 * MICRO, 100 * MICRO]
    for quote in junior.quotes:
        assert quote.discount_e12 == ceil((1 - Fraction(NANO // 2, junior.exit_mid_nano)) * E12)


def test_without_a_bid_there_is_no_quote(tmp_path: Path):
    report = listing_report(built(small(tmp_path, ROWS, senior=MARKET.format("S"))))
    assert [quote.discount_e12 for quote in report.tranches[0].quotes] == [None] * 3
    assert {line.text for line in report.lines if line.key.startswith("discount_")} == {"no bid"}


def test_a_timed_exit_is_the_first_moment_at_which_all_are_out(tmp_path: Path):
    venue = built(small(tmp_path, ROWS, senior=QUEUE, rest=QUEUE))
    report = listing_report(venue)
    senior, junior = report.tranches
    assert senior.exit_ns == (DAY_NS + HOUR_NS, DAY_NS + HOUR_NS, None)
    # 400, 800 of the junior's: what the cash still pays beside 800, 1600 of the senior's.
    assert junior.exit_ns[0] == DAY_NS + HOUR_NS
    assert junior.exit_ns[2] is None


def test_a_tranche_without_a_way_out_is_remarked(tmp_path: Path):
    report = listing_report(built(small(tmp_path, ROWS, senior=QUEUE)))
    assert "Tranche J: there is no way to leave." in report.notes
    assert report.tranches[1].exit_ns == (None, None, None)


# --- what always holds --------------------------------------------------------------------------


def described(rng: random.Random, folder: Path) -> Built:
    """Return a venue of random terms."""
    ways = [MARKET.format("S") + BUYBACK.format(rng.randrange(100, 3000)) if rng.random() < 0.7 else ""]
    ways += [DESK if rng.random() < 0.7 else "", QUEUE if rng.random() < 0.8 else ""]
    rows = [
        loan(
            f"L{n}", rate="0.2", months=rng.randrange(3, 40), balance=rng.randrange(300, 1100),
            pd=f"0.{rng.randrange(100):02}", dpd=rng.choice([0, 0, 0, 20, 40, 70]),
            state=rng.choice(["", "", "impaired"]),
        )
        for n in range(10)
    ]  # fmt: skip
    return built(small(folder, rows, senior="".join(ways), rest=rng.choice(["", QUEUE, DESK])))


@pytest.mark.parametrize("seed", range(12))
def test_money_and_units_add_up_and_a_run_is_the_same_twice_and_on_both_exchanges(
    tmp_path: Path, seed: int, kept: list[BackedExchange], monkeypatch: pytest.MonkeyPatch
):
    rng = random.Random(seed)
    venue = described(rng, tmp_path)
    before = venue.exchange.state_hash()
    terms = RunTerms(
        share_e12=rng.randrange(E12),
        pd_multiple_e12=rng.randrange(E12, 6 * E12),
        lgd_add_e12=rng.randrange(E12 // 2),
        late_ns=rng.randrange(4) * DAY_NS,
        every_ns=rng.choice([6 * HOUR_NS, DAY_NS, 2 * DAY_NS]),
        days=rng.randrange(4, 12),
    )
    truth = stressed_tape(venue.tape, terms)
    ran = run(venue, terms, truth, shares_of(truth))
    assert venue.exchange.state_hash() == before
    exchange = kept[-1]
    entry = exchange.protocol.pools[0]
    for index, exits in enumerate(ran.exits):
        account = RESERVED_ACCOUNT - 1 - index
        assert exits.asked_micro == exits.left_micro + exits.held_micro
        assert exchange.balance(account, venue.quote) == exits.paid_micro
        if not exits.left_micro:
            assert exits.paid_micro == 0
    _conserved(venue, entry.pool.tranches, ran, shares_of(truth).mid_nano, entry.pool.fees_micro)
    monkeypatch.setattr(runs, "copy_of", _on_the_reference)
    assert run(venue, terms, truth, shares_of(truth)) == ran


def _conserved(venue: Built, tranches: list[TrancheStanding], ran: Ran, share_nano: int, fees_micro: int) -> None:
    """Nothing but desk and queue takes from the pool, and its units share what is left by seniority."""
    kept_micro, cash = venue.tape.kept_micro, venue.entry.pool.cash_micro
    paid = sum(exits.desk_paid_micro + exits.queue_paid_micro for exits in ran.exits)
    impaired = venue.entry.pool.book.sums.impaired_micro
    left = kept_micro * share_nano // NANO + cash - paid - fees_micro - -(-impaired * share_nano // NANO)
    for index, (standing, exits) in enumerate(zip(tranches, ran.exits, strict=True)):
        before = venue.entry.pool.tranches[index].supply_micro
        assert standing.supply_micro == before - exits.desk_micro - exits.queue_micro
        value = min(standing.claim_micro, max(left, 0)) if index == 0 else max(left, 0)
        expected = value * NANO // standing.supply_micro if standing.supply_micro else NANO
        assert ran.end_nano[index] == expected
        left -= value


def _on_the_reference(exchange: BackedExchange) -> BackedExchange:
    return ReferenceBacked.from_state(exchange.state_bytes(), exchange.assets, exchange.listings)


def test_a_copy_goes_its_own_way():
    venue = build(pb.Exchange(), load_setup(EXAMPLE / "listing.toml"))
    copy = copy_of(venue.exchange)
    assert copy.state_bytes() == venue.exchange.state_bytes()
    first = play(venue, venue.setup.run)
    assert play(venue, venue.setup.run) == first
    assert copy.state_bytes() == venue.exchange.state_bytes()


def test_progress_counts_to_the_end():
    venue = build(pb.Exchange(), load_setup(EXAMPLE / "listing.toml"))
    seen: list[tuple[int, int]] = []
    listing_report(venue, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (6000, 6000)
