"""Rounds from provisional to active or dropped; the anchor, its states, its age."""

from __future__ import annotations

import pytest

from parbook.errors import AssetError, InvariantError
from parbook.oracle import rounds
from parbook.oracle.checks import check
from parbook.oracle.feed import member_of, opened
from parbook.oracle.state import AGE_NEVER, Band, DueKind, FeedState, RoundState
from parbook.oracle.terms import DAY_NS, HOUR_NS, MARKS_MAX, MINUTE_NS
from parbook.pools.amounts import NANO
from parbook.refusals import Refusal
from tests.oracle.support import START, Desk, decoded, terms

PERCENT = NANO // 100


def stale_desk(**changes):
    """A feed whose anchor of 1 was observed at START."""
    desk = Desk(terms(**changes))
    desk.round(NANO)
    return desk


# --- activation and states --------------------------------------------------------------------------


def test_a_round_is_provisional_until_its_delay_is_over():
    desk = Desk()
    desk.all_report(NANO, NANO, NANO)
    assert (desk.state(), desk.anchor().age_ns) == (FeedState.HALTED, AGE_NEVER)
    (active,) = desk.later(HOUR_NS)
    assert (active.kind, active.at_ns, active.number) == (DueKind.ACTIVATE, START + HOUR_NS, 1)
    anchor = desk.anchor()
    assert (anchor.mid_nano, anchor.state, anchor.age_ns) == (NANO, FeedState.OK, HOUR_NS)
    assert (desk.rounds_good, desk.good_ns, desk.active.state) == (1, desk.now, RoundState.ACTIVE)


def test_a_new_feed_has_no_anchor_before_it_has_recovered():
    desk = Desk(terms(recovery_rounds=3))
    for state in (FeedState.HALTED, FeedState.HALTED, FeedState.OK):
        desk.round(NANO)
        assert desk.state() is state
    assert desk.mid() == NANO


def test_the_anchor_moves_by_the_cap_and_goes_on_while_the_sources_say_so():
    desk = stale_desk()
    for mid, state in (
        (101 * PERCENT, FeedState.CAPPED),
        (102 * PERCENT, FeedState.CAPPED),
        (102 * PERCENT, FeedState.CAPPED),  # 2 % a day
    ):
        desk.round(105 * PERCENT)
        assert (desk.mid(), desk.state()) == (mid, state)
    assert desk.rounds_capped == 3
    desk.to(START + 25 * HOUR_NS)
    desk.round(105 * PERCENT)
    # A day after 1.01 became active it is the reference, and 1.00 is forgotten.
    assert desk.mid() == 103 * PERCENT + PERCENT // 50
    desk.round(103 * PERCENT)
    assert (desk.mid(), desk.state()) == (103 * PERCENT, FeedState.OK)


def test_from_trough_to_peak_is_a_day_s_move_as_well():
    desk = stale_desk()
    for _ in range(3):
        desk.round(90 * PERCENT)
    assert desk.mid() == 98 * PERCENT
    for _ in range(5):
        desk.round(110 * PERCENT)
    assert desk.mid() == 98 * PERCENT * 102 // 100


def test_after_days_of_silence_the_last_round_before_is_the_reference():
    desk = stale_desk()
    desk.later(2 * DAY_NS)
    for mid in (101, 102, 102):
        desk.round(105 * PERCENT)
        assert desk.mid() == mid * PERCENT
    assert len(desk.marks) == 4


def test_what_the_daily_cap_remembers_has_an_end():
    """As many rounds as may close in the longest window."""
    desk = Desk(terms(quorum=1, min_interval_ns=5 * MINUTE_NS, reference_age_ns=2 * DAY_NS, delay_ns=0), sources=1)
    most = 0
    for _ in range(650):
        desk.all_report(NANO)
        desk.later(5 * MINUTE_NS)
        most = max(most, len(desk.marks))
    assert most == 2 * 24 * 12 + 1 < MARKS_MAX


def test_time_alone_makes_an_anchor_stale_and_then_ends_it():
    desk = stale_desk()
    happened = desk.to(START + 6 * DAY_NS)
    assert {plan.kind for plan in happened} == {DueKind.AGE}
    times = [plan.at_ns - START for plan in happened]
    assert times == [*range(26 * HOUR_NS, 5 * DAY_NS, HOUR_NS), 5 * DAY_NS]
    assert rounds.next_due_ns(desk.feed) == 0
    assert (desk.state(), desk.mid()) == (FeedState.HALTED, 0)


def test_a_stale_anchor_decays_linearly():
    for late, low, high in (
        (-1, NANO, NANO),
        (0, NANO, NANO),
        (1, NANO - 1, NANO + 1),
        (47 * HOUR_NS, NANO // 2, NANO * 3 // 2),
        (94 * HOUR_NS - 1, 0, 2 * NANO),
    ):
        desk = stale_desk()
        desk.to(START + 26 * HOUR_NS + late)
        anchor = desk.anchor()
        assert (anchor.low_nano, anchor.mid_nano, anchor.high_nano) == (low, NANO, high)
        assert anchor.state is (FeedState.STALE if late >= 0 else FeedState.OK)


def test_at_the_very_age_there_is_no_anchor_any_more():
    desk = stale_desk()
    desk.to(START + 5 * DAY_NS - 1)
    assert (desk.state(), desk.anchor().high_nano) == (FeedState.STALE, 2 * NANO)
    desk.later(1)
    assert (desk.state(), desk.anchor().high_nano) == (FeedState.HALTED, 0)


def test_a_late_report_never_keeps_full_value():
    for lateness in (0, HOUR_NS, 6 * HOUR_NS - 1):
        desk = Desk(terms())
        desk.all_report(NANO, NANO, NANO, age=lateness)
        desk.later(40 * HOUR_NS)
        anchor = desk.anchor()
        assert anchor.age_ns == 40 * HOUR_NS + lateness
        assert anchor.low_nano == NANO * (120 * HOUR_NS - anchor.age_ns) // (94 * HOUR_NS) < NANO


def test_the_age_is_that_of_the_oldest_observation():
    desk = Desk()
    desk.report(1, NANO, age=3 * HOUR_NS)
    desk.report(2, NANO, age=5 * HOUR_NS)
    desk.report(3, NANO)
    desk.later(HOUR_NS)
    assert desk.anchor().age_ns == 6 * HOUR_NS


@pytest.mark.parametrize(("idle", "before"), [(2 * DAY_NS, FeedState.STALE), (6 * DAY_NS, FeedState.HALTED)])
def test_trust_comes_back_with_good_rounds_in_a_row(idle, before):
    desk = Desk(terms(recovery_rounds=2))
    desk.round(NANO)
    desk.round(NANO)
    assert desk.state() is FeedState.OK
    desk.later(idle)
    assert desk.state() is before
    desk.round(NANO)
    assert desk.state() is before
    assert desk.mid() == (0 if before is FeedState.HALTED else NANO)
    # A capped round, and one that diverges, begin it anew.
    desk.round(2 * NANO)
    assert desk.state() is before
    desk.round(NANO)
    desk.all_report(NANO, 2 * NANO, NANO // 2)
    desk.later(HOUR_NS)
    desk.round(NANO)
    assert desk.state() is before
    desk.round(NANO)
    assert desk.state() is FeedState.OK


def test_a_halt_during_recovery_outranks_it():
    desk = Desk(terms(recovery_rounds=3))
    for _ in range(3):
        desk.round(NANO)
    desk.later(2 * DAY_NS)
    desk.round(NANO)
    assert desk.state() is FeedState.STALE
    desk.later(6 * DAY_NS)
    for _ in range(2):
        desk.round(NANO)
        assert desk.state() is FeedState.HALTED
    desk.round(NANO)
    assert desk.state() is FeedState.OK


# --- disputes ---------------------------------------------------------------------------------------


def test_a_dispute_upheld_drops_the_round_and_returns_the_bond():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    assert (desk.dispute(2).bond_micro, desk.dispute(2)) == (1_000_000_000, Refusal.ORACLE_ROUND_DISPUTED)
    desk.later(30 * MINUTE_NS)
    desk.report(1, 101 * PERCENT)
    plan = desk.resolve(2, upheld=True)
    assert (plan.disputer, plan.returned_micro, plan.forfeited_micro) == (7, 1_000_000_000, 0)
    assert desk.rounds == []
    assert [(member.struck, member.waiting) for member in desk.members] == [(1, None)] * 3
    assert (desk.rounds_bad, desk.bad_ns) == (1, desk.now)
    desk.later(HOUR_NS)
    assert desk.mid() == NANO


def test_a_dispute_dismissed_in_time_leaves_the_round_where_it_was():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    desk.dispute(2)
    plan = desk.resolve(2, upheld=False)
    assert (plan.forfeited_micro, plan.returned_micro, plan.activates) == (1_000_000_000, 0, False)
    assert desk.dispute(2) is Refusal.ORACLE_ROUND_JUDGED
    assert desk.resolve(2, upheld=True) is Refusal.ORACLE_NOT_DISPUTED
    desk.later(HOUR_NS)
    assert desk.mid() == 101 * PERCENT


def test_a_dispute_dismissed_late_makes_the_round_active_at_once():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    desk.dispute(2)
    desk.later(3 * HOUR_NS)
    assert desk.mid() == NANO
    assert desk.resolve(2, upheld=False).activates
    assert (desk.mid(), desk.anchor().age_ns, desk.marks[-1].at_ns) == (101 * PERCENT, 3 * HOUR_NS, desk.now)


def test_a_disputed_round_holds_nobody_up_and_bounds_nobody():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    desk.later(20 * MINUTE_NS)
    assert desk.all_report(102 * PERCENT, 102 * PERCENT, 102 * PERCENT).closing.band.mid_nano == 102 * PERCENT
    desk.dispute(2)
    assert desk.rounds[1].band.mid_nano == 101 * PERCENT
    desk.resolve(2, upheld=False)
    assert desk.rounds[1].band.mid_nano == 102 * PERCENT


def test_a_later_round_in_force_supersedes_a_disputed_one():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    desk.dispute(2)
    desk.later(20 * MINUTE_NS)
    desk.round(NANO - 1)
    assert desk.mid() == NANO - 1
    plan = desk.resolve(2, upheld=False)
    assert (plan.superseded, plan.activates, plan.forfeited_micro) == (True, False, 1_000_000_000)
    assert (desk.rounds, desk.mid()) == ([], NANO - 1)


def test_a_dispute_nobody_judges_lapses_and_the_bond_goes_back():
    desk = stale_desk()
    desk.all_report(NANO, NANO, NANO)
    desk.dispute(2, account=9)
    lapse = next(plan for plan in desk.later(26 * HOUR_NS) if plan.kind is DueKind.LAPSE)
    assert (lapse.number, lapse.disputer, lapse.returned_micro) == (2, 9, 1_000_000_000)
    assert lapse.at_ns == START + HOUR_NS + 26 * HOUR_NS
    assert desk.rounds == []


def test_only_a_waiting_round_is_disputed_or_judged():
    desk = stale_desk()
    assert desk.dispute(1) is Refusal.ORACLE_UNKNOWN_ROUND
    assert desk.resolve(1, upheld=True) is Refusal.ORACLE_UNKNOWN_ROUND
    with pytest.raises(AssetError, match="disputer"):
        rounds.plan_dispute(desk.feed, 1, 0, desk.now)


def test_a_round_disputed_before_it_was_active_counts_no_time_at_its_end():
    desk = Desk()
    desk.all_report(NANO, NANO, NANO)
    desk.later(HOUR_NS - 1)
    assert desk.dispute(1).disputer == 7
    assert desk.later(1) == []
    assert desk.state() is FeedState.HALTED


# --- carrying out late ------------------------------------------------------------------------------


def test_what_is_due_happens_at_its_own_time_however_late():
    late, prompt = Desk(sources=4), Desk(sources=4)
    for desk in (late, prompt):
        desk.all_report(NANO, NANO, NANO)
    late.later(4 * DAY_NS)
    for _ in range(4 * 24 * 4):
        prompt.later(15 * MINUTE_NS)
    assert late.feed == prompt.feed
    assert late.dues == prompt.dues


def test_a_state_comes_back_from_its_encoding():
    desk = stale_desk()
    desk.all_report(101 * PERCENT, 101 * PERCENT, 101 * PERCENT)
    desk.dispute(2)
    desk.report(1, NANO)
    assert decoded(desk.feed) == desk.feed
    assert decoded(opened(terms(), START)) == opened(terms(), START)


def test_other_terms_hold_for_what_waits():
    desk = stale_desk()
    desk.all_report(105 * PERCENT, 105 * PERCENT, 105 * PERCENT)
    desk.terms_to(cap_reference_ppm=5_000, cap_ppm=5_000)
    assert desk.rounds[0].band.mid_nano == NANO * 1005 // 1000
    # A shorter halt is due at once, and never in the past.
    desk.later(30 * HOUR_NS)
    before = desk.now
    desk.terms_to(halt_ns=27 * HOUR_NS)
    assert desk.later(0)[0].at_ns == before
    assert desk.state() is FeedState.HALTED


# --- the invariants are looked at -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("share a key", lambda feed: setattr(feed.members[1], "public_key", feed.members[0].public_key)),
        ("members are not in order", lambda feed: feed.members.reverse()),
        ("no majority", lambda feed: setattr(feed, "terms", terms(quorum=1))),
        ("disabled member", lambda feed: setattr(member_of(feed, 1), "enabled", False)),
        ("last observation", lambda feed: setattr(member_of(feed, 1), "sequence", 9)),
        ("of the future", lambda feed: setattr(member_of(feed, 1), "observed_ns", feed.now_ns + 1)),
        ("suspended feed", lambda feed: setattr(feed, "suspended", True)),
        ("rounds are not in order", lambda feed: feed.rounds.reverse()),
        ("never closed", lambda feed: setattr(feed, "rounds_closed", 1)),
        ("overtakes", lambda feed: setattr(feed.rounds[0], "effective_ns", feed.now_ns + DAY_NS)),
        ("what has a bond", lambda feed: setattr(feed.rounds[0], "bond_micro", 1)),
        ("waits and is active", lambda feed: setattr(feed.rounds[0], "state", RoundState.ACTIVE)),
        ("its caps", lambda feed: setattr(feed.rounds[0], "band", Band(low_nano=1, mid_nano=2, high_nano=3))),
        ("its medians", lambda feed: setattr(feed.rounds[0], "raw", Band(low_nano=1, mid_nano=2, high_nano=3))),
        ("its sources", lambda feed: feed.rounds[0].observations.reverse()),
        ("its age", lambda feed: setattr(feed.rounds[0], "as_of_ns", 1)),
        ("its times", lambda feed: setattr(feed.rounds[0], "closed_ns", 1)),
        ("low <= mid <= high", lambda feed: setattr(feed.active, "band", Band(low_nano=3, mid_nano=2, high_nano=4))),
        ("marks are not in order", lambda feed: setattr(feed, "marks", [*feed.marks, feed.marks[0]])),
        ("without a mark", lambda feed: setattr(feed, "marks", [])),
        ("more rounds are counted", lambda feed: setattr(feed, "rounds_good", 99)),
        ("latch is CAPPED", lambda feed: setattr(feed, "latch", FeedState.CAPPED)),
        ("time of the future", lambda feed: setattr(feed, "good_ns", feed.now_ns + 1)),
        ("no active round", lambda feed: setattr(feed.active, "state", RoundState.PROVISIONAL)),
    ],
)
def test_a_broken_invariant_is_found(name, break_it):
    desk = stale_desk()
    desk.round(NANO + 1)
    for _ in range(2):
        desk.all_report(NANO, NANO, NANO)
        desk.later(20 * MINUTE_NS)
    desk.report(1, NANO)
    check(desk.feed)
    break_it(desk.feed)
    with pytest.raises(InvariantError, match=name):
        check(desk.feed)


def test_a_round_that_would_close_without_observations_is_found():
    desk = stale_desk()
    desk.feed.close_ns = desk.now
    with pytest.raises(InvariantError, match="without observations"):
        check(desk.feed)
