"""The state of a feed, and the records its operations hand out. Times in ns, prices in nano, money in micro."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.oracle.terms import FeedTerms


class FeedState(DocumentedEnum):
    """How far an anchor may be trusted; a later one outranks an earlier one."""

    OK = 0, "the sources agree, recently, and the anchor is where they say"
    CAPPED = 1, "the sources are further away than the anchor may move; it goes on moving with later rounds"
    STALE = 2, "too old, and decaying, or not yet trusted again after it was"
    HALTED = 3, "there is no anchor"


class RoundState(DocumentedEnum):
    """Where a round stands. It goes stale by its age alone, which the state of the feed says."""

    PROVISIONAL = 0, "known to everybody, open to dispute, not in force"
    ACTIVE = 1, "the anchor"
    DISPUTED = 2, "somebody put up a bond against it; it waits for a judgement"


class Flaw(DocumentedEnum):
    """Why observations became no round."""

    NONE = 0, "they did"
    NO_QUORUM = 1, "too few of them are still fresh; they go on waiting"
    DIVERGED = 2, "fewer than a quorum of them agree"
    WIDE = 3, "their medians lie too far apart"


class DueKind(DocumentedEnum):
    """What is due, in the order in which things of one moment happen."""

    LAPSE = 0, "a disputed round has become too old to matter: it is dropped and its bond goes back"
    CLOSE = 1, "the observations that wait become a round, unless they have a flaw"
    ACTIVATE = 2, "the first provisional round becomes the anchor"
    AGE = 3, "the anchor became stale, decayed by a step, or is gone"


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Three prices, low <= mid <= high: what the curve buys at, what is reported, what it sells at."""

    low_nano: int
    mid_nano: int
    high_nano: int


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a source reports. `observed_ns`: when it looked, not when it says so. The hashes are SHA-256 in hex."""

    source: int
    sequence: int
    observed_ns: int
    low_nano: int
    mid_nano: int
    high_nano: int
    model_hash: str
    input_hash: str

    @property
    def band(self) -> Band:
        """Its prices."""
        return Band(low_nano=self.low_nano, mid_nano=self.mid_nano, high_nano=self.high_nano)


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed says now. HALTED: all prices are 0, and none of them is a price."""

    low_nano: int
    mid_nano: int
    high_nano: int
    state: FeedState
    age_ns: int
    """Since the oldest observation in it; AGE_NEVER before the first round."""


AGE_NEVER: Final = 2**63 - 1
"""The age of an anchor that never was."""


class Member(msgspec.Struct, kw_only=True):
    """A source. `sequence` and `observed_ns`: of its last observation. `waiting`: not yet part of a round."""

    source: int
    public_key: str
    enabled: bool
    sequence: int = 0
    observed_ns: int = 0
    waiting: Observation | None = None
    struck: int = 0
    """Rounds with it that were dropped after a dispute."""


class Round(msgspec.Struct, kw_only=True):
    """Observations that closed together. `raw`: their medians. `band`: what the caps leave of them."""

    number: int
    closed_ns: int
    effective_ns: int
    as_of_ns: int
    """When the oldest of its observations was made."""
    observations: list[Observation]
    raw: Band
    band: Band
    state: RoundState = RoundState.PROVISIONAL
    disputer: int = 0
    bond_micro: int = 0
    judged: bool = False

    @property
    def capped(self) -> bool:
        """Whether the caps held it back."""
        return self.band != self.raw


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted round as the daily cap remembers it."""

    at_ns: int
    band: Band


class Feed(msgspec.Struct, kw_only=True):
    """State of one instrument's feed. Starts halted: `recovery_rounds` good rounds give it its first anchor."""

    terms: FeedTerms
    members: list[Member] = []
    """By number."""
    rounds: list[Round] = []
    """Provisional and disputed, by number."""
    active: Round | None = None
    marks: list[Mark] = []
    """Accepted rounds, oldest first: those in the window of the daily cap, and the last one before it."""
    now_ns: int = 0
    close_ns: int = 0
    """When the observations that wait become a round; 0 while they are no quorum."""
    closed_ns: int = 0
    """When a round last closed."""
    told_ns: int = 0
    """Up to when age has been dealt with."""
    suspended: bool = False
    latch: FeedState = FeedState.HALTED
    """OK, or the distrust that recovery has not lifted yet: STALE or HALTED."""
    streak: int = 0
    """Good rounds in a row since then."""
    rounds_closed: int = 0
    rounds_good: int = 0
    """Rounds that became active as their sources said, uncapped."""
    good_ns: int = 0
    """When the last of them did."""
    rounds_capped: int = 0
    rounds_bad: int = 0
    """Rounds that diverged, were too wide, or were dropped after a dispute."""
    bad_ns: int = 0
    version: int = 0
    """Counts changes: a plan is carried out on the state it was made of, or not at all."""


# --- plans ------------------------------------------------------------------------------------------
#
# A plan holds for one version of the feed and one moment: `at_ns` is the time it was made for.


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the observations that wait: round `number`, unless there is a flaw (then no band)."""

    flaw: Flaw
    number: int = 0
    effective_ns: int = 0
    as_of_ns: int = 0
    observations: tuple[Observation, ...] = ()
    raw: Band | None = None
    band: Band | None = None


class SubmitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An observation is taken; `closing` says what becomes of the round when it was the last one missing."""

    version: int
    at_ns: int
    observation: Observation
    closing: Closing | None


class MemberPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A member is added or changed."""

    version: int
    at_ns: int
    source: int
    public_key: str
    enabled: bool


class TermsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The feed gets other terms."""

    version: int
    at_ns: int
    terms: FeedTerms


class DisputePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A bond moves from the disputer to the feed."""

    version: int
    at_ns: int
    number: int
    disputer: int
    bond_micro: int


class ResolvePlan(msgspec.Struct, frozen=True, kw_only=True):
    """`returned_micro` goes back to the disputer, `forfeited_micro` to whom governance named.

    `activates`: a dismissed round takes effect at once. `superseded`: a later round is in force, so that it is dropped.
    """

    version: int
    at_ns: int
    number: int
    upheld: bool
    disputer: int
    returned_micro: int
    forfeited_micro: int
    activates: bool
    superseded: bool


class SuspendPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The feed stops or goes on. `returned`: (disputer, bond_micro) of every dispute that ends with its round."""

    version: int
    at_ns: int
    suspended: bool
    returned: tuple[tuple[int, int], ...]


class DuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that is due, and when. `closing` with CLOSE, the bond's return with LAPSE.

    After ACTIVATE and AGE the curve wants `anchor_at(feed, at_ns)`.
    """

    version: int
    kind: DueKind
    at_ns: int
    number: int = 0
    closing: Closing | None = None
    disputer: int = 0
    returned_micro: int = 0
