"""What a feed takes and refuses, and when observations become a round."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError, MisuseError
from parbook.oracle import feed as feeds
from parbook.oracle import rounds
from parbook.oracle.feed import SEQUENCE_MAX
from parbook.oracle.state import DueKind, FeedState, Flaw
from parbook.oracle.terms import BOUNDS, DAY_NS, HOUR_NS, MEMBERS_MAX, MINUTE_NS, ROUNDS_MAX, FeedTerms
from parbook.pools.amounts import NANO
from parbook.refusals import Refusal
from tests.oracle.support import START, Desk, key, terms

# --- terms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_every_term_has_hard_bounds(name):
    low, high = BOUNDS[name]
    for value in (low - 1, high + 1, True, 1.0):
        with pytest.raises(AssetError, match=name):
            FeedTerms(**{name: value})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"cap_ppm": 20_001}, "cap_ppm is above cap_reference_ppm"),
        ({"price_min_nano": NANO + 1, "price_max_nano": NANO}, "price_min_nano is above"),
        ({"collect_ns": 6 * HOUR_NS}, "collect_ns is not below fresh_ns"),
        ({"stale_ns": 5 * DAY_NS}, "stale_ns is not below halt_ns"),
        ({"delay_ns": 20 * HOUR_NS + 1}, r"fresh_ns \+ delay_ns is above stale_ns"),
    ],
)
def test_terms_do_not_contradict_each_other(changes, what):
    with pytest.raises(AssetError, match=what):
        FeedTerms(**changes)


# --- observations -----------------------------------------------------------------------------------


def test_an_observation_is_taken_or_refused_with_its_reason():
    desk = Desk()
    assert desk.report(1, NANO, age=HOUR_NS).closing is None
    nano, late = NANO, 6 * HOUR_NS
    for source, changes, refusal in (
        (9, {}, Refusal.ORACLE_UNKNOWN_SOURCE),
        (1, {"sequence": 1}, Refusal.ORACLE_REPLAYED),
        (1, {"sequence": 0}, Refusal.ORACLE_OUT_OF_RANGE),
        (1, {"sequence": SEQUENCE_MAX + 1}, Refusal.ORACLE_OUT_OF_RANGE),
        (1, {"observed_ns": START + 1}, Refusal.ORACLE_FUTURE),
        (1, {"observed_ns": START - late}, Refusal.ORACLE_TOO_OLD),
        (1, {"observed_ns": START - HOUR_NS - 1}, Refusal.ORACLE_BACKWARDS),
        (1, {"low_nano": nano + 1}, Refusal.ORACLE_BANDS_INVERTED),
        (1, {"high_nano": nano - 1}, Refusal.ORACLE_BANDS_INVERTED),
        (1, {"low_nano": NANO // 1000 - 1}, Refusal.ORACLE_OUT_OF_RANGE),
        (1, {"high_nano": NANO * NANO + 1}, Refusal.ORACLE_OUT_OF_RANGE),
        (1, {"low_nano": nano * 9 // 10, "high_nano": nano * 11 // 10 + 1}, Refusal.ORACLE_BAND_TOO_WIDE),
        (1, {"model_hash": "AB" * 32}, Refusal.ORACLE_HASH_MALFORMED),
        (1, {"input_hash": "ab" * 31}, Refusal.ORACLE_HASH_MALFORMED),
    ):
        assert desk.report(source, nano, **changes) is refusal, changes
    # Each at its limit is taken.
    for source, changes in (
        (1, {"observed_ns": START - HOUR_NS}),
        (2, {"observed_ns": START - late + 1, "low_nano": nano * 9 // 10, "high_nano": nano * 11 // 10}),
        (3, {"sequence": SEQUENCE_MAX, "low_nano": nano, "high_nano": nano}),
    ):
        assert not isinstance(desk.report(source, nano, **changes), Refusal)
    desk.member(2, enabled=False)
    assert desk.report(2, nano) is Refusal.ORACLE_SOURCE_DISABLED
    desk.suspend()
    assert desk.report(1, nano) is Refusal.ORACLE_SUSPENDED


def test_members_have_numbers_and_keys_of_their_own():
    desk = Desk(terms(quorum=MEMBERS_MAX))
    assert desk.member(4, public_key=key(3)) is Refusal.ORACLE_KEY_TAKEN
    for source in range(4, MEMBERS_MAX + 1):
        assert not isinstance(desk.member(source), Refusal)
    assert desk.member(MEMBERS_MAX + 1) is Refusal.ORACLE_MEMBERS_FULL
    assert not isinstance(desk.member(MEMBERS_MAX, public_key="ee" * 32), Refusal)
    for source, text in ((0, key(1)), (2**32, key(1)), (5, "EE" * 32), (5, "ee" * 31), (5, None)):
        with pytest.raises(AssetError):
            feeds.plan_member(desk.feed, source, text, True, desk.now)


def test_a_quorum_is_a_majority_of_those_who_may_report():
    desk = Desk(terms(quorum=2))
    assert desk.member(4) is Refusal.ORACLE_QUORUM_OUTGROWN
    assert not isinstance(desk.member(4, enabled=False), Refusal)
    desk.member(3, enabled=False)
    assert not isinstance(desk.member(4), Refusal)
    assert desk.terms_to(quorum=1) is Refusal.ORACLE_QUORUM_OUTGROWN
    desk.terms_to(quorum=4)
    assert desk.feed.terms.quorum == 4


def test_who_is_disabled_or_gets_another_key_loses_what_waits_and_keeps_its_sequence():
    for change in ({"enabled": False}, {"public_key": "ee" * 32}):
        desk = Desk()
        desk.report(1, NANO, sequence=5)
        desk.member(1, **change)
        assert feeds.member_of(desk.feed, 1).waiting is None
        desk.member(1)
        assert desk.report(1, NANO, sequence=5) is Refusal.ORACLE_REPLAYED


# --- closing ----------------------------------------------------------------------------------------


def test_a_round_closes_at_once_when_everybody_has_reported():
    desk = Desk()
    plan = desk.all_report(NANO, NANO + 3, NANO + 1)
    assert plan.closing.flaw is Flaw.NONE
    assert plan.closing.band.mid_nano == NANO + 1
    assert plan.closing.effective_ns == START + HOUR_NS
    assert [waiting.number for waiting in desk.rounds] == [1]
    assert all(member.waiting is None for member in desk.members)


def test_a_quorum_waits_for_the_others_a_while():
    desk = Desk(sources=4)
    desk.all_report(NANO, NANO + 1, NANO + 2)
    assert rounds.next_due_ns(desk.feed) == START + 10 * MINUTE_NS
    desk.report(2, NANO + 5)
    assert rounds.next_due_ns(desk.feed) == START + 10 * MINUTE_NS
    (closed,) = desk.later(10 * MINUTE_NS)
    assert (closed.kind, closed.at_ns) == (DueKind.CLOSE, START + 10 * MINUTE_NS)
    assert desk.rounds[0].raw.mid_nano == NANO + 2
    assert [one.source for one in desk.rounds[0].observations] == [1, 2, 3]


def test_what_is_no_longer_fresh_when_a_round_closes_does_not_count():
    desk = Desk(sources=4)
    desk.report(1, NANO, age=6 * HOUR_NS - 1)
    desk.report(2, NANO)
    desk.report(3, NANO)
    (closed,) = desk.later(10 * MINUTE_NS)
    assert closed.closing.flaw is Flaw.NO_QUORUM
    assert (desk.feed.close_ns, desk.rounds_bad) == (0, 0)
    # The other two go on waiting; a third makes a quorum again.
    desk.report(4, NANO)
    assert desk.later(10 * MINUTE_NS)[0].closing.number == 1


def test_an_observation_counts_once():
    desk = Desk(sources=4)
    desk.all_report(NANO, NANO, NANO, NANO)
    desk.later(20 * MINUTE_NS)
    desk.report(1, NANO)
    desk.report(2, NANO)
    assert rounds.next_due_ns(desk.feed) == START + HOUR_NS
    assert desk.feed.close_ns == 0


def test_rounds_keep_their_distance():
    desk = Desk()
    desk.all_report(NANO, NANO, NANO)
    desk.later(MINUTE_NS)
    assert desk.all_report(NANO, NANO, NANO).closing is None
    assert desk.feed.close_ns == START + 15 * MINUTE_NS
    desk.later(14 * MINUTE_NS)
    assert desk.feed.rounds_closed == 2


def test_sources_that_disagree_or_are_unsure_together_make_no_round():
    desk = Desk(sources=5)
    # Two of five are far away: the median is sound and a quorum agrees.
    assert desk.all_report(NANO, NANO, NANO * 105 // 100, NANO * 2, NANO // 2).closing.flaw is Flaw.NONE
    desk.later(HOUR_NS)
    closing = desk.all_report(NANO, NANO, NANO * 105 // 100 + 1, NANO * 2, NANO // 2).closing
    assert (closing.flaw, closing.band) == (Flaw.DIVERGED, None)
    assert (desk.rounds_bad, desk.bad_ns, desk.rounds_closed) == (1, desk.now, 1)
    desk = Desk(terms(quorum=2, divergence_max_ppm=10**6), sources=2)
    desk.report(1, NANO, low_nano=NANO * 8 // 10)
    closing = desk.report(2, NANO * 105 // 100, high_nano=NANO * 12 // 10).closing
    assert closing.flaw is Flaw.WIDE


def test_the_queue_of_rounds_has_an_end():
    desk = Desk(terms(delay_ns=10 * HOUR_NS))
    for _ in range(ROUNDS_MAX):
        assert desk.all_report(NANO, NANO, NANO).closing
        desk.later(15 * MINUTE_NS)
    assert desk.report(1, NANO) is Refusal.ORACLE_ROUNDS_FULL
    desk.to(START + 10 * HOUR_NS)
    assert not isinstance(desk.report(1, NANO), Refusal)


def test_a_shorter_delay_lets_no_round_overtake():
    desk = Desk(terms(delay_ns=10 * HOUR_NS))
    desk.all_report(NANO, NANO, NANO)
    desk.later(HOUR_NS)
    desk.terms_to(delay_ns=0)
    assert desk.all_report(NANO, NANO, NANO).closing.effective_ns == START + 10 * HOUR_NS


# --- misuse -----------------------------------------------------------------------------------------


def test_time_does_not_fall_and_what_is_due_comes_first():
    desk = Desk()
    desk.all_report(NANO, NANO, NANO)
    with pytest.raises(MisuseError, match="Time never falls"):
        feeds.plan_suspend(desk.feed, True, START - 1)
    with pytest.raises(MisuseError, match="ACTIVATE was due"):
        rounds.anchor_at(desk.feed, START + HOUR_NS)
    assert rounds.plan_due(desk.feed, START) is Refusal.ORACLE_NOTHING_DUE
    with pytest.raises(MisuseError, match="Time never falls"):
        rounds.anchor_at(desk.feed, True)


def test_a_plan_is_carried_out_once_and_when_it_was_made():
    desk = Desk()
    plan = feeds.plan_suspend(desk.feed, True, desk.now)
    with pytest.raises(MisuseError, match="Plan again"):
        feeds.suspend(desk.feed, plan, desk.now + 1)
    feeds.suspend(desk.feed, plan, desk.now)
    with pytest.raises(MisuseError, match="Plan again"):
        feeds.suspend(desk.feed, plan, desk.now)


def test_a_suspended_feed_has_no_anchor_and_comes_back_as_from_a_halt():
    desk = Desk(terms(recovery_rounds=2))
    for _ in range(2):
        desk.round(NANO)
    assert desk.state() is FeedState.OK
    desk.all_report(NANO, NANO, NANO)
    desk.dispute(3, account=8)
    assert desk.suspend().returned == ((8, 1_000_000_000),)
    assert desk.suspend() is Refusal.ORACLE_UNCHANGED
    assert (desk.state(), desk.rounds, rounds.next_due_ns(desk.feed)) == (FeedState.HALTED, [], 0)
    desk.later(HOUR_NS)
    assert desk.suspend(False).returned == ()
    desk.round(NANO)
    assert desk.state() is FeedState.HALTED
    desk.round(NANO)
    assert desk.state() is FeedState.OK
