"""What of a feed is due when, and that plans are made of the present and carried out on the state they were made of."""

from __future__ import annotations

from typing import Protocol

from parbook.errors import MisuseError
from parbook.oracle.state import DueKind, Feed, FeedState, Round, RoundState
from parbook.units import TIME_NS_MAX


def ready(feed: Feed, now_ns: int) -> None:
    """MisuseError unless `now_ns` is a time that does not fall, and everything due until then has been done."""
    if isinstance(now_ns, bool) or not isinstance(now_ns, int) or not feed.now_ns <= now_ns <= TIME_NS_MAX:
        raise MisuseError(f"now_ns={now_ns!r} lies before the feed's {feed.now_ns}. Time never falls.")
    event = first_event(feed)
    if event and event[0] <= now_ns:
        raise MisuseError(f"{event[1].name} was due at {event[0]}. Carry out what is due before anything else.")


class Plan(Protocol):
    """What every plan says: of which state it was made, and for when."""

    @property
    def version(self) -> int:
        """The feed's."""

    @property
    def at_ns(self) -> int:
        """The moment."""


def begin(feed: Feed, plan: Plan, now_ns: int) -> None:
    """Note that a change begins. MisuseError when its plan was made of another state or for another moment."""
    if plan.version != feed.version or plan.at_ns != now_ns:
        raise MisuseError(
            f"The plan is of version {plan.version} at {plan.at_ns}, the feed {feed.version} at {now_ns}. Plan again."
        )
    feed.version += 1
    feed.now_ns = now_ns


def first_event(feed: Feed) -> tuple[int, DueKind, Round | None] | None:
    """Return what is due first, None when nothing ever will be. O(rounds)."""
    if feed.suspended:
        return None
    events: list[tuple[int, DueKind, Round | None]] = []
    for waiting in feed.rounds:
        if waiting.state is RoundState.DISPUTED:
            events.append((waiting.as_of_ns + feed.terms.stale_ns, DueKind.LAPSE, waiting))
    provisional = next((waiting for waiting in feed.rounds if waiting.state is RoundState.PROVISIONAL), None)
    if provisional:
        events.append((provisional.effective_ns, DueKind.ACTIVATE, provisional))
    if feed.close_ns:
        events.append((feed.close_ns, DueKind.CLOSE, None))
    age_ns = _next_age_ns(feed)
    if age_ns:
        events.append((age_ns, DueKind.AGE, None))
    if not events:
        return None
    at_ns, kind, what = min(events, key=lambda event: (event[0], event[1]))
    # Other terms may have made something due in the past: it happens now, since time does not fall.
    return max(at_ns, feed.now_ns), kind, what


def _next_age_ns(feed: Feed) -> int:
    """Return when the anchor next changes by its age alone, after `told_ns`; 0: never."""
    if feed.active is None or feed.latch is FeedState.HALTED:
        return 0
    start, end = feed.active.as_of_ns + feed.terms.stale_ns, feed.active.as_of_ns + feed.terms.halt_ns
    if feed.told_ns < start:
        return start
    if feed.told_ns >= end:
        return 0
    step = feed.terms.decay_step_ns
    return min(start + ((feed.told_ns - start) // step + 1) * step, end)
