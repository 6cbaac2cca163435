"""Members and their observations, and how these become rounds.

Each observation counts in one round. A round closes when every enabled member has a fresh one waiting, or `collect_ns`
after a quorum had, and never sooner than `min_interval_ns` after the round before: nobody who reports chooses who else
counts. The quorum is a majority of the enabled members, so that a minority cannot close a round by itself.
"""

from __future__ import annotations

import re
from typing import Final

from parbook.errors import AssetError, shown
from parbook.oracle.aggregate import capped, flaw_of, median_band, too_wide
from parbook.oracle.clock import begin, ready
from parbook.oracle.state import (
    Closing,
    Feed,
    FeedState,
    Flaw,
    Mark,
    Member,
    MemberPlan,
    Observation,
    Round,
    RoundState,
    SubmitPlan,
    SuspendPlan,
    TermsPlan,
)
from parbook.oracle.terms import MEMBERS_MAX, ROUNDS_MAX, FeedTerms
from parbook.pools.amounts import require_int
from parbook.refusals import Refusal
from parbook.units import TIME_NS_MAX

SOURCE_MAX: Final = 2**32 - 1
"""Largest number of a source. Smallest: 1."""
SEQUENCE_MAX: Final = 2**63 - 1
"""Largest sequence. Smallest: 1."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def opened(terms: FeedTerms, now_ns: int) -> Feed:
    """Return a feed without members and without an anchor."""
    return Feed(terms=terms, now_ns=require_int("feed", "now_ns", now_ns, 0, TIME_NS_MAX))


# --- governed ---------------------------------------------------------------------------------------


def plan_member(feed: Feed, source: int, public_key: str, enabled: bool, now_ns: int) -> Refusal | MemberPlan:
    """Plan to add a member, change its key, or enable or disable it; disabling strikes what it has waiting.

    `public_key`: Ed25519, 64 hexadecimal digits. AssetError when source or key are none. O(members).
    """
    ready(feed, now_ns)
    require_int("member", "source", source, 1, SOURCE_MAX)
    if not isinstance(public_key, str) or not _HEX.fullmatch(public_key):
        raise AssetError(
            f"member {source}", f"{shown(public_key)} is no public key", "Give 64 lower-case hexadecimal digits."
        )
    others = [member for member in feed.members if member.source != source]
    if any(member.public_key == public_key for member in others):
        return Refusal.ORACLE_KEY_TAKEN
    if len(others) >= MEMBERS_MAX:
        return Refusal.ORACLE_MEMBERS_FULL
    if enabled and not _majority(feed.terms, sum(member.enabled for member in others) + 1):
        return Refusal.ORACLE_QUORUM_OUTGROWN
    return MemberPlan(version=feed.version, at_ns=now_ns, source=source, public_key=public_key, enabled=bool(enabled))


def set_member(feed: Feed, plan: MemberPlan, now_ns: int) -> None:
    """Carry out `plan_member`. The sequence of a known source goes on: a new key replays nothing of the old one."""
    begin(feed, plan, now_ns)
    member = member_of(feed, plan.source)
    if member is None:
        member = Member(source=plan.source, public_key=plan.public_key, enabled=True)
        feed.members = sorted([*feed.members, member], key=_by_source)
    # What another key signed no longer speaks for the member.
    if not plan.enabled or plan.public_key != member.public_key:
        strike(feed, [plan.source])
    member.public_key, member.enabled = plan.public_key, plan.enabled


def plan_terms(feed: Feed, terms: FeedTerms, now_ns: int) -> Refusal | TermsPlan:
    """Plan other terms. They hold for rounds that wait as well, but not for when these take effect.

    The curve wants the anchor anew afterwards: an anchor may have become older or younger in their eyes.
    """
    ready(feed, now_ns)
    if not _majority(terms, sum(member.enabled for member in feed.members)):
        return Refusal.ORACLE_QUORUM_OUTGROWN
    return TermsPlan(version=feed.version, at_ns=now_ns, terms=terms)


def set_terms(feed: Feed, plan: TermsPlan, now_ns: int) -> None:
    """Carry out `plan_terms`."""
    begin(feed, plan, now_ns)
    feed.terms = plan.terms
    # Other times may make an old anchor stale or gone this very moment: that is then due again.
    feed.told_ns = 0
    recap(feed)


def plan_suspend(feed: Feed, suspended: bool, now_ns: int) -> Refusal | SuspendPlan:
    """Plan to stop the feed, or to let it go on. Stopping drops all that waits; the bonds of disputes go back."""
    ready(feed, now_ns)
    if feed.suspended is bool(suspended):
        return Refusal.ORACLE_UNCHANGED
    bonds = tuple((waiting.disputer, waiting.bond_micro) for waiting in feed.rounds if waiting.bond_micro)
    return SuspendPlan(version=feed.version, at_ns=now_ns, suspended=bool(suspended), returned=bonds)


def suspend(feed: Feed, plan: SuspendPlan, now_ns: int) -> None:
    """Carry out `plan_suspend`. What was suspended comes back as from a halt: after `recovery_rounds` good rounds."""
    begin(feed, plan, now_ns)
    feed.suspended = plan.suspended
    if plan.suspended:
        strike(feed, [member.source for member in feed.members])
        feed.rounds = []
        feed.latch, feed.streak = FeedState.HALTED, 0


def member_of(feed: Feed, source: int) -> Member | None:
    """Return the member of this number, None when there is none."""
    return next((member for member in feed.members if member.source == source), None)


def _majority(terms: FeedTerms, enabled: int) -> bool:
    return enabled < 2 * terms.quorum


# --- observations -----------------------------------------------------------------------------------


def plan_submit(feed: Feed, observation: Observation, now_ns: int) -> Refusal | SubmitPlan:
    """Plan to take an observation whose signature has been verified. A later one of its source replaces one that waits.

    The order in which sources report at the same time changes nothing. O(members log members + rounds x marks).
    """
    ready(feed, now_ns)
    if feed.suspended:
        return Refusal.ORACLE_SUSPENDED
    member = member_of(feed, observation.source)
    if member is None:
        return Refusal.ORACLE_UNKNOWN_SOURCE
    if not member.enabled:
        return Refusal.ORACLE_SOURCE_DISABLED
    refusal = _refused(feed.terms, member, observation, now_ns)
    if refusal:
        return refusal
    if len(feed.rounds) >= ROUNDS_MAX:
        return Refusal.ORACLE_ROUNDS_FULL
    waiting = [*_fresh(feed, now_ns, besides=observation.source), observation]
    everybody = len(waiting) == sum(other.enabled for other in feed.members)
    at_once = everybody and len(waiting) >= feed.terms.quorum and now_ns >= _earliest_close_ns(feed)
    closing = closing_of(feed, sorted(waiting, key=_by_source), now_ns) if at_once else None
    return SubmitPlan(version=feed.version, at_ns=now_ns, observation=observation, closing=closing)


def _refused(terms: FeedTerms, member: Member, observation: Observation, now_ns: int) -> Refusal | None:
    """Return what is wrong with an observation of a member."""
    band = observation.band
    if not 1 <= observation.sequence <= SEQUENCE_MAX:
        return Refusal.ORACLE_OUT_OF_RANGE
    if observation.sequence <= member.sequence:
        return Refusal.ORACLE_REPLAYED
    if observation.observed_ns > now_ns:
        return Refusal.ORACLE_FUTURE
    if now_ns - observation.observed_ns >= terms.fresh_ns:
        return Refusal.ORACLE_TOO_OLD
    if observation.observed_ns < member.observed_ns:
        return Refusal.ORACLE_BACKWARDS
    if not band.low_nano <= band.mid_nano <= band.high_nano:
        return Refusal.ORACLE_BANDS_INVERTED
    if band.low_nano < terms.price_min_nano or band.high_nano > terms.price_max_nano:
        return Refusal.ORACLE_OUT_OF_RANGE
    if too_wide(band, terms.confidence_max_ppm):
        return Refusal.ORACLE_BAND_TOO_WIDE
    if not _HEX.fullmatch(observation.model_hash) or not _HEX.fullmatch(observation.input_hash):
        return Refusal.ORACLE_HASH_MALFORMED
    return None


def submit(feed: Feed, plan: SubmitPlan, now_ns: int) -> None:
    """Carry out `plan_submit`."""
    begin(feed, plan, now_ns)
    member = member_of(feed, plan.observation.source)
    assert member is not None, "the version has not changed since the plan saw it"
    member.sequence, member.observed_ns = plan.observation.sequence, plan.observation.observed_ns
    member.waiting = plan.observation
    if plan.closing:
        close(feed, plan.closing, now_ns)
    elif not feed.close_ns and len(_fresh(feed, now_ns)) >= feed.terms.quorum:
        feed.close_ns = max(now_ns + feed.terms.collect_ns, _earliest_close_ns(feed))


def _earliest_close_ns(feed: Feed) -> int:
    return feed.closed_ns + feed.terms.min_interval_ns if feed.closed_ns else 0


def _by_source(what: Observation | Member) -> int:
    return what.source


def _fresh(feed: Feed, now_ns: int, besides: int = 0) -> list[Observation]:
    """Return the observations that wait and are younger than `fresh_ns`, by source."""
    waiting = (member.waiting for member in feed.members if member.source != besides)
    return [one for one in waiting if one is not None and now_ns - one.observed_ns < feed.terms.fresh_ns]


def strike(feed: Feed, sources: list[int]) -> None:
    """Forget what these sources have waiting. Without anything waiting, no round will close."""
    for member in feed.members:
        if member.source in sources:
            member.waiting = None
    if not any(member.waiting for member in feed.members):
        feed.close_ns = 0


# --- rounds -----------------------------------------------------------------------------------------


def closing_of(feed: Feed, observations: list[Observation], at_ns: int) -> Closing:
    """Return what these fresh observations become at `at_ns`."""
    bands = [one.band for one in observations]
    flaw = flaw_of(bands, feed.terms)
    if flaw:
        return Closing(flaw=flaw, observations=tuple(observations))
    raw = median_band(bands)
    last_ns = feed.rounds[-1].effective_ns if feed.rounds else 0
    # A shorter delay does not let a later round overtake an earlier one.
    effective_ns = max(at_ns + feed.terms.delay_ns, last_ns)
    return Closing(
        flaw=flaw,
        number=feed.rounds_closed + 1,
        effective_ns=effective_ns,
        as_of_ns=min(one.observed_ns for one in observations),
        observations=tuple(observations),
        raw=raw,
        band=capped(raw, trail_of(feed), effective_ns, feed.terms),
    )


def closing_at(feed: Feed, at_ns: int) -> Closing:
    """Return what the observations that wait become at `at_ns`."""
    return closing_of(feed, _fresh(feed, at_ns), at_ns)


def close(feed: Feed, closing: Closing, at_ns: int) -> None:
    """Close the observations that wait, as planned. Without a quorum they go on waiting; else each has counted."""
    feed.close_ns = 0
    if closing.flaw is Flaw.NO_QUORUM:
        return
    strike(feed, [member.source for member in feed.members])
    feed.closed_ns = at_ns
    if closing.raw is None or closing.band is None:
        note_bad(feed, at_ns)
        return
    feed.rounds_closed = closing.number
    feed.rounds.append(
        Round(
            number=closing.number,
            closed_ns=at_ns,
            effective_ns=closing.effective_ns,
            as_of_ns=closing.as_of_ns,
            observations=list(closing.observations),
            raw=closing.raw,
            band=closing.band,
        )
    )


def note_bad(feed: Feed, at_ns: int) -> None:
    """Count a round that did not hold. Recovery begins anew."""
    feed.rounds_bad += 1
    feed.bad_ns = at_ns
    feed.streak = 0


def trail_of(feed: Feed) -> list[Mark]:
    """Return every round that bounds the next one: those accepted, and those that will be unless disputed."""
    waiting = [one for one in feed.rounds if one.state is RoundState.PROVISIONAL]
    return feed.marks + [Mark(at_ns=one.effective_ns, band=one.band) for one in waiting]


def recap(feed: Feed) -> None:
    """Cap every provisional round anew, after a change of those before it or of the terms. O(rounds x marks)."""
    trail = list(feed.marks)
    for waiting in feed.rounds:
        if waiting.state is RoundState.PROVISIONAL:
            waiting.band = capped(waiting.raw, trail, waiting.effective_ns, feed.terms)
            trail.append(Mark(at_ns=waiting.effective_ns, band=waiting.band))
