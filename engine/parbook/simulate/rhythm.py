"""When simulated sources report, and whether a feed that hears nothing else stays fresh by it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from parbook.errors import InvariantError
from parbook.oracle import feed as feeds
from parbook.oracle import rounds
from parbook.oracle.state import DueKind, Feed, FeedState, Observation
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import NANO
from parbook.refusals import Refusal

SECOND_NS: Final = 10**9
HOUR_NS: Final = 3600 * SECOND_NS
DAY_HOURS: Final = 24
DAY_NS: Final = DAY_HOURS * HOUR_NS
FIRST_REPORT_HOUR: Final = 6
_ROUNDS: Final = 12
"""So many rounds, at least, show every place that a round may have in a day's reports."""


def report_clock(every_hours: int) -> list[int]:
    """Return the hours of a day at which sources report, so often from 6:00 on until 6:00; after midnight the next."""
    return sorted(hour % DAY_HOURS for hour in range(FIRST_REPORT_HOUR, FIRST_REPORT_HOUR + DAY_HOURS, every_hours))


@lru_cache(maxsize=256)
def stays_fresh(terms: FeedTerms, sources: int, every_hours: int) -> bool:
    """Whether a feed never goes stale by age while all sources report by `report_clock`, all the same.

    Played on a feed of its own, because how old a round is when the next is in force depends on when it was heard,
    closed and let in. O(days x reports x sources), days by the least interval between rounds.
    """
    terms = msgspec.structs.replace(terms, price_min_nano=min(terms.price_min_nano, NANO), price_max_nano=NANO)
    feed = feeds.opened(terms, DAY_NS)
    for source in range(1, sources + 1):
        member = feeds.plan_member(feed, source, f"{source:064x}", True, DAY_NS)
        if isinstance(member, Refusal):
            raise InvariantError(f"source {source} of a feed of its own was refused: {member.name}")
        feeds.set_member(feed, member, DAY_NS)
    active = 0
    for day in range(1, 4 + (terms.min_interval_ns // DAY_NS + 1) * (terms.recovery_rounds + _ROUNDS)):
        for hour in report_clock(every_hours):
            now_ns = day * DAY_NS + hour * HOUR_NS
            while 0 < rounds.next_due_ns(feed) <= now_ns:
                plan = rounds.plan_due(feed, now_ns)
                assert not isinstance(plan, Refusal), "it is due"
                rounds.due(feed, plan, now_ns)
                active += plan.kind is DueKind.ACTIVATE
                # A feed is not trusted before so many rounds; and once stale, not before so many more.
                if active > terms.recovery_rounds and rounds.state_at(feed, plan.at_ns) is not FeedState.OK:
                    return False
            _report(feed, now_ns)
    return active > terms.recovery_rounds


def _report(feed: Feed, now_ns: int) -> None:
    for member in feed.members:
        observation = Observation(
            source=member.source,
            sequence=member.sequence + 1,
            observed_ns=now_ns,
            low_nano=NANO,
            mid_nano=NANO,
            high_nano=NANO,
            model_hash="0" * 64,
            input_hash="0" * 64,
        )
        plan = feeds.plan_submit(feed, observation, now_ns)
        if not isinstance(plan, Refusal):
            feeds.submit(feed, plan, now_ns)
