"""Helpers of the oracle's tests: a feed driven as a composer would drive it, with every invariant checked."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from parbook.oracle import feed as feeds
from parbook.oracle import rounds
from parbook.oracle.checks import check
from parbook.oracle.feed import opened
from parbook.oracle.state import Anchor, Band, DueKind, DuePlan, Feed, Observation
from parbook.oracle.terms import DAY_NS, HOUR_NS, MINUTE_NS, FeedTerms
from parbook.pools.amounts import NANO
from parbook.refusals import Refusal
from tests.support.shared import shared_path

START = 1000 * DAY_NS
MODEL, INPUT = "ab" * 32, "cd" * 32


def vectors(name: str) -> Any:
    """Return a file of published numbers; skip when it is absent."""
    return json.loads(shared_path("vectors", f"{name}.json").read_text())


def key(source: int) -> str:
    return f"{source:064x}"


def band(mid: int, low: int = 0, high: int = 0) -> Band:
    return Band(low_nano=low or mid, mid_nano=mid, high_nano=high or mid)


def terms(**changes: Any) -> FeedTerms:
    """Terms under which one round gives an anchor, unless said otherwise."""
    return FeedTerms(**{"recovery_rounds": 1, **changes})


class Desk:
    """A feed, its clock, and what was due on the way: every step is planned, carried out and checked."""

    def __init__(self, given: FeedTerms | None = None, sources: int = 3, now: int = START) -> None:
        self.feed = opened(given or terms(), now)
        self.now = now
        self.dues: list[DuePlan] = []
        for source in range(1, sources + 1):
            self.member(source)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.feed, name)

    def to(self, now: int) -> list[DuePlan]:
        """Go to a time; return what happened on the way."""
        before = len(self.dues)
        while 0 < rounds.next_due_ns(self.feed) <= now:
            plan = rounds.plan_due(self.feed, now)
            assert isinstance(plan, DuePlan)
            rounds.due(self.feed, plan, now)
            check(self.feed)
            self.dues.append(plan)
        self.now = now
        return self.dues[before:]

    def later(self, by: int) -> list[DuePlan]:
        return self.to(self.now + by)

    def do(self, plan_of: Any, carry_out: Any, *arguments: Any) -> Any:
        """Plan and carry out; return the plan, or the refusal after which nothing has changed."""
        before = encoded(self.feed)
        plan = plan_of(self.feed, *arguments, self.now)
        assert encoded(self.feed) == before
        if not isinstance(plan, Refusal):
            carry_out(self.feed, plan, self.now)
            check(self.feed)
        return plan

    def member(self, source: int, enabled: bool = True, public_key: str = "") -> Any:
        return self.do(feeds.plan_member, feeds.set_member, source, public_key or key(source), enabled)

    def terms_to(self, **changes: Any) -> Any:
        return self.do(feeds.plan_terms, feeds.set_terms, msgspec.structs.replace(self.feed.terms, **changes))

    def suspend(self, on: bool = True) -> Any:
        return self.do(feeds.plan_suspend, feeds.suspend, on)

    def observation(self, source: int, mid: int, age: int = 0, **changes: Any) -> Observation:
        member = feeds.member_of(self.feed, source)
        fields = {
            "source": source,
            "sequence": (member.sequence if member else 0) + 1,
            "observed_ns": self.now - age,
            "low_nano": mid,
            "mid_nano": mid,
            "high_nano": mid,
            "model_hash": MODEL,
            "input_hash": INPUT,
        }
        return Observation(**{**fields, **changes})

    def report(self, source: int, mid: int, age: int = 0, **changes: Any) -> Any:
        return self.do(feeds.plan_submit, feeds.submit, self.observation(source, mid, age, **changes))

    def all_report(self, *mids: int, age: int = 0) -> Any:
        """Sources 1, 2, ... report; return the last plan."""
        plans = [self.report(source, mid, age) for source, mid in enumerate(mids, 1)]
        return plans[-1]

    def round(self, *mids: int) -> None:
        """All report the same, or as given, and what comes of it becomes active."""
        self.all_report(*(mids if len(mids) > 1 else mids * len(self.feed.members)))
        self.later(self.feed.terms.delay_ns)

    def dispute(self, number: int, account: int = 7) -> Any:
        return self.do(rounds.plan_dispute, rounds.dispute, number, account)

    def resolve(self, number: int, upheld: bool) -> Any:
        return self.do(rounds.plan_resolve, rounds.resolve, number, upheld)

    def anchor(self) -> Anchor:
        return rounds.anchor_at(self.feed, self.now)

    def mid(self) -> int:
        return self.anchor().mid_nano

    def state(self) -> Any:
        return self.anchor().state


def encoded(feed: Feed) -> bytes:
    return msgspec.json.encode(feed, order="deterministic")


def decoded(feed: Feed) -> Feed:
    return msgspec.json.decode(encoded(feed), type=Feed)


__all__ = ["DAY_NS", "HOUR_NS", "MINUTE_NS", "NANO", "START", "Desk", "DueKind", "Refusal"]
