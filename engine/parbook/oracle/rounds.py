"""What becomes of a round: disputes, activation, age; and the anchor that comes of it.

A dispute takes its round out of the line and does not hold up those behind it: a bond buys no old price. Rounds behind
it are capped anew, against what then lies before them.
"""

from __future__ import annotations

from parbook.oracle.aggregate import decayed
from parbook.oracle.clock import begin, first_event, ready
from parbook.oracle.feed import close, closing_at, note_bad, recap, strike
from parbook.oracle.state import (
    AGE_NEVER,
    Anchor,
    DisputePlan,
    DueKind,
    DuePlan,
    Feed,
    FeedState,
    Mark,
    ResolvePlan,
    Round,
    RoundState,
)
from parbook.pools.amounts import require_int
from parbook.refusals import Refusal
from parbook.units import ACCOUNT_MAX

# --- the anchor -------------------------------------------------------------------------------------


def state_at(feed: Feed, now_ns: int) -> FeedState:
    """Return how far the anchor may be trusted at `now_ns`, which is no earlier than the feed's time.

    CAPPED ends with the first round that is not capped: it shows that the anchor is where the sources are. STALE and
    HALTED end after `recovery_rounds` good rounds in a row; a capped round is not a good one.
    """
    by_age = _state_by_age(feed, now_ns)
    if feed.suspended or FeedState.HALTED in (by_age, feed.latch):
        return FeedState.HALTED
    if FeedState.STALE in (by_age, feed.latch):
        return FeedState.STALE
    return FeedState.CAPPED if feed.active and feed.active.capped else FeedState.OK


def _state_by_age(feed: Feed, now_ns: int) -> FeedState:
    age_ns = age_at(feed, now_ns)
    if age_ns >= feed.terms.halt_ns:
        return FeedState.HALTED
    return FeedState.STALE if age_ns >= feed.terms.stale_ns else FeedState.OK


def age_at(feed: Feed, now_ns: int) -> int:
    """Return the time since the oldest observation in the anchor was made; AGE_NEVER without an anchor."""
    return now_ns - feed.active.as_of_ns if feed.active else AGE_NEVER


def anchor_at(feed: Feed, now_ns: int) -> Anchor:
    """Return the anchor at `now_ns`. Its age counts from the oldest observation in it, however late that came.

    While stale, low goes to 0 and high to twice itself, linearly, low rounded down and high up; once halted all are 0.
    MisuseError while something is due. O(rounds).
    """
    ready(feed, now_ns)
    state, age_ns = state_at(feed, now_ns), age_at(feed, now_ns)
    if state is FeedState.HALTED or feed.active is None:
        return Anchor(low_nano=0, mid_nano=0, high_nano=0, state=FeedState.HALTED, age_ns=age_ns)
    band = decayed(feed.active.band, age_ns, feed.terms)
    return Anchor(low_nano=band.low_nano, mid_nano=band.mid_nano, high_nano=band.high_nano, state=state, age_ns=age_ns)


# --- disputes ---------------------------------------------------------------------------------------


def _waiting(feed: Feed, number: int) -> Round | None:
    return next((one for one in feed.rounds if one.number == number), None)


def plan_dispute(feed: Feed, number: int, disputer: int, now_ns: int) -> Refusal | DisputePlan:
    """Plan to dispute a provisional round, once; the bond must move from `disputer`. O(rounds)."""
    ready(feed, now_ns)
    require_int("dispute", "disputer", disputer, 1, ACCOUNT_MAX)
    waiting = _waiting(feed, number)
    if waiting is None:
        return Refusal.ORACLE_UNKNOWN_ROUND
    if waiting.state is RoundState.DISPUTED:
        return Refusal.ORACLE_ROUND_DISPUTED
    if waiting.judged:
        return Refusal.ORACLE_ROUND_JUDGED
    bond_micro = feed.terms.dispute_bond_micro
    return DisputePlan(version=feed.version, at_ns=now_ns, number=number, disputer=disputer, bond_micro=bond_micro)


def dispute(feed: Feed, plan: DisputePlan, now_ns: int) -> None:
    """Carry out `plan_dispute`."""
    begin(feed, plan, now_ns)
    waiting = _waiting(feed, plan.number)
    assert waiting is not None, "the version has not changed since the plan saw it"
    waiting.state, waiting.disputer, waiting.bond_micro = RoundState.DISPUTED, plan.disputer, plan.bond_micro
    recap(feed)


def plan_resolve(feed: Feed, number: int, upheld: bool, now_ns: int) -> Refusal | ResolvePlan:
    """Plan governance's judgement of a dispute. O(rounds).

    Upheld: the round is dropped, the bond goes back, and whatever its sources have waiting is struck. Dismissed: the
    bond is forfeited and the round takes its place again, at once when its time has come, unless a later one is in
    force.
    """
    ready(feed, now_ns)
    waiting = _waiting(feed, number)
    if waiting is None:
        return Refusal.ORACLE_UNKNOWN_ROUND
    if waiting.state is not RoundState.DISPUTED:
        return Refusal.ORACLE_NOT_DISPUTED
    superseded = feed.active is not None and feed.active.number > number
    return ResolvePlan(
        version=feed.version,
        at_ns=now_ns,
        number=number,
        upheld=bool(upheld),
        disputer=waiting.disputer,
        returned_micro=waiting.bond_micro if upheld else 0,
        forfeited_micro=0 if upheld else waiting.bond_micro,
        activates=not upheld and not superseded and waiting.effective_ns <= now_ns,
        superseded=not upheld and superseded,
    )


def resolve(feed: Feed, plan: ResolvePlan, now_ns: int) -> None:
    """Carry out `plan_resolve`."""
    begin(feed, plan, now_ns)
    waiting = _waiting(feed, plan.number)
    assert waiting is not None, "the version has not changed since the plan saw it"
    waiting.state, waiting.disputer, waiting.bond_micro, waiting.judged = RoundState.PROVISIONAL, 0, 0, True
    if plan.upheld:
        feed.rounds.remove(waiting)
        sources = [one.source for one in waiting.observations]
        for member in feed.members:
            member.struck += member.source in sources
        strike(feed, sources)
        note_bad(feed, now_ns)
    elif plan.superseded:
        feed.rounds.remove(waiting)
    elif plan.activates:
        waiting.effective_ns = now_ns
    recap(feed)
    if plan.activates:
        _activate(feed, waiting, now_ns)


# --- time -------------------------------------------------------------------------------------------


def next_due_ns(feed: Feed) -> int:
    """Return when `plan_due` has something to carry out, 0 when it never will. O(rounds)."""
    event = first_event(feed)
    return event[0] if event else 0


def plan_due(feed: Feed, now_ns: int) -> Refusal | DuePlan:
    """Plan the first thing that is due by `now_ns`. It happens at its own time, however late it is carried out."""
    event = first_event(feed)
    if event is None or event[0] > now_ns:
        return Refusal.ORACLE_NOTHING_DUE
    at_ns, kind, waiting = event
    if kind is DueKind.CLOSE:
        return DuePlan(version=feed.version, kind=kind, at_ns=at_ns, closing=closing_at(feed, at_ns))
    if waiting is None:
        return DuePlan(version=feed.version, kind=kind, at_ns=at_ns)
    return DuePlan(
        version=feed.version,
        kind=kind,
        at_ns=at_ns,
        number=waiting.number,
        disputer=waiting.disputer,
        returned_micro=waiting.bond_micro,
    )


def due(feed: Feed, plan: DuePlan, now_ns: int) -> None:
    """Carry out `plan_due`. Call both until `next_due_ns` is 0 or lies ahead."""
    begin(feed, plan, min(plan.at_ns, now_ns))
    if plan.kind is DueKind.CLOSE and plan.closing:
        close(feed, plan.closing, plan.at_ns)
    elif plan.kind is DueKind.AGE:
        feed.told_ns = plan.at_ns
    else:
        waiting = _waiting(feed, plan.number)
        assert waiting is not None, "the version has not changed since the plan saw it"
        if plan.kind is DueKind.ACTIVATE:
            _activate(feed, waiting, plan.at_ns)
        else:
            feed.rounds.remove(waiting)


def _activate(feed: Feed, waiting: Round, at_ns: int) -> None:
    """Make a round the anchor, and count it towards recovery."""
    before = max(feed.latch, _state_by_age(feed, at_ns))
    if before is not feed.latch:
        feed.streak = 0
    feed.rounds.remove(waiting)
    waiting.state = RoundState.ACTIVE
    feed.active = waiting
    feed.told_ns = at_ns
    if waiting.capped:
        feed.rounds_capped += 1
        feed.streak = 0
    else:
        feed.rounds_good += 1
        feed.good_ns = at_ns
        feed.streak += 1
    feed.latch = FeedState.OK if feed.streak >= feed.terms.recovery_rounds else before
    feed.marks.append(Mark(at_ns=at_ns, band=waiting.band))
    # One mark at or before the window's beginning is the reference; none before it is ever asked for again.
    start_ns = at_ns - feed.terms.reference_age_ns
    while len(feed.marks) > 1 and feed.marks[1].at_ns <= start_ns:
        del feed.marks[0]
