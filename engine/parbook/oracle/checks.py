"""The invariants of a feed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from parbook.errors import InvariantError
from parbook.oracle.aggregate import capped, median_band
from parbook.oracle.state import Band, Feed, FeedState, Mark, Round, RoundState
from parbook.oracle.terms import MARKS_MAX, MEMBERS_MAX, ROUNDS_MAX


def check(feed: Feed) -> None:
    """Raise InvariantError unless every invariant of the feed holds. O(rounds x marks)."""
    for broken, what in chain(_members(feed), _rounds(feed), _active(feed)):
        if broken:
            raise InvariantError(f"feed at {feed.now_ns}: {what}")


def _members(feed: Feed) -> Iterator[tuple[bool, str]]:
    members = feed.members
    sources = [member.source for member in members]
    enabled = sum(member.enabled for member in members)
    yield len(members) > MEMBERS_MAX, "too many members"
    yield sources != sorted(set(sources)), "members are not in order"
    yield enabled >= 2 * feed.terms.quorum, "the quorum is no majority"
    yield len({member.public_key for member in members}) < len(members), "two members share a key"
    waiting = [member for member in members if member.waiting]
    yield any(not member.enabled for member in waiting), "a disabled member has something waiting"
    yield (
        any(member.waiting and member.waiting.sequence != member.sequence for member in members),
        "what waits is not the last observation of its source",
    )
    yield any(member.observed_ns > feed.now_ns for member in members), "an observation of the future"
    yield bool(feed.close_ns and not waiting), "a round is to close without observations"
    yield bool(waiting and len(feed.rounds) >= ROUNDS_MAX), "observations wait for a round that has no place"
    yield feed.suspended and bool(waiting or feed.rounds), "something waits in a suspended feed"


def _rounds(feed: Feed) -> Iterator[tuple[bool, str]]:
    yield len(feed.rounds) > ROUNDS_MAX, "too many rounds wait"
    numbers = [one.number for one in feed.rounds]
    yield numbers != sorted(set(numbers)), "rounds are not in order"
    yield bool(numbers and numbers[-1] > feed.rounds_closed), "a round that never closed"
    times = [one.effective_ns for one in feed.rounds]
    yield times != sorted(times), "a round overtakes another"
    trail = list(feed.marks)
    for one in feed.rounds:
        yield from _round(one, feed.now_ns)
        disputed = one.state is RoundState.DISPUTED
        yield disputed != bool(one.bond_micro), f"round {one.number}: a dispute is what has a bond"
        yield one.state is RoundState.ACTIVE, f"round {one.number}: it waits and is active"
        if not disputed:
            yield one.band != capped(one.raw, trail, one.effective_ns, feed.terms), f"round {one.number}: its caps"
            trail.append(Mark(at_ns=one.effective_ns, band=one.band))


def _round(one: Round, now_ns: int) -> Iterator[tuple[bool, str]]:
    what = f"round {one.number}"
    sources = [observation.source for observation in one.observations]
    yield sources != sorted(set(sources)), f"{what}: its sources"
    yield one.raw != median_band([observation.band for observation in one.observations]), f"{what}: its medians"
    yield one.as_of_ns != min(observation.observed_ns for observation in one.observations), f"{what}: its age"
    yield not one.as_of_ns <= one.closed_ns <= min(one.effective_ns, now_ns), f"{what}: its times"
    yield any(not _ordered(band) for band in (one.raw, one.band)), f"{what}: low <= mid <= high"


def _active(feed: Feed) -> Iterator[tuple[bool, str]]:
    yield len(feed.marks) > MARKS_MAX, "too many marks"
    times = [mark.at_ns for mark in feed.marks]
    yield times != sorted(times) or bool(times and times[-1] > feed.now_ns), "marks are not in order"
    yield any(not _ordered(mark.band) for mark in feed.marks), "a mark without low <= mid <= high"
    yield bool(feed.active) != bool(feed.marks), "an anchor without a mark"
    yield (
        feed.rounds_good + feed.rounds_capped > feed.rounds_closed or feed.streak > feed.rounds_good,
        "more rounds are counted than there were",
    )
    yield feed.latch is FeedState.CAPPED, "the latch is CAPPED"
    yield bool(feed.suspended and feed.latch is not FeedState.HALTED), "suspended and trusted"
    yield max(feed.told_ns, feed.closed_ns, feed.good_ns, feed.bad_ns) > feed.now_ns, "a time of the future"
    if feed.active:
        yield from _round(feed.active, feed.now_ns)
        yield feed.active.state is not RoundState.ACTIVE, "the anchor is no active round"
        yield feed.marks[-1].band != feed.active.band, "the last mark"


def _ordered(band: Band) -> bool:
    return 0 < band.low_nano <= band.mid_nano <= band.high_nano
