"""What a feed is set to, with the hard bounds no setting may leave."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.errors import AssetError
from parbook.pools.amounts import MICRO, MONEY_MICRO_MAX, NANO, require_int
from parbook.units import PPM

SECOND_NS: Final = 10**9
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS

MEMBERS_MAX: Final = 32
"""Most members of a feed."""
ROUNDS_MAX: Final = 16
"""Most rounds that wait to become active, disputed ones among them."""
PRICE_NANO_MAX: Final = 2**62 - 1
"""Largest price: twice as much still fits 63 bits."""
PRICE_NANO_LEAST: Final = 10_000
"""Smallest price: the smallest cap still moves it by one."""
CAP_PPM_LEAST: Final = 100
"""Smallest cap."""

BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "quorum": (1, MEMBERS_MAX),
    "fresh_ns": (MINUTE_NS, 7 * DAY_NS),
    "collect_ns": (SECOND_NS, DAY_NS),
    "min_interval_ns": (5 * MINUTE_NS, 7 * DAY_NS),
    "delay_ns": (0, 2 * DAY_NS),
    "cap_ppm": (CAP_PPM_LEAST, PPM // 2),
    "cap_reference_ppm": (CAP_PPM_LEAST, PPM // 2),
    "reference_age_ns": (HOUR_NS, 2 * DAY_NS),
    "confidence_max_ppm": (0, 2 * PPM),
    "divergence_max_ppm": (0, 10 * PPM),
    "stale_ns": (HOUR_NS, 7 * DAY_NS),
    "halt_ns": (2 * HOUR_NS, 30 * DAY_NS),
    "decay_step_ns": (MINUTE_NS, DAY_NS),
    "recovery_rounds": (1, 32),
    "dispute_bond_micro": (1, MONEY_MICRO_MAX),
    "price_min_nano": (PRICE_NANO_LEAST, PRICE_NANO_MAX),
    "price_max_nano": (PRICE_NANO_LEAST, PRICE_NANO_MAX),
}
"""Hard bounds of every term."""

MARKS_MAX: Final = BOUNDS["reference_age_ns"][1] // BOUNDS["min_interval_ns"][0] + ROUNDS_MAX + 2
"""Most accepted rounds the daily cap remembers: as many as can close in its window, and those that waited."""


class FeedTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a feed. AssetError outside `BOUNDS`, or where two of them contradict each other."""

    quorum: int = 3
    """Fresh observations a round needs, and of those within `divergence_max_ppm` of their middle as many."""
    fresh_ns: int = 6 * HOUR_NS
    """An observation counts while it is younger."""
    collect_ns: int = 10 * MINUTE_NS
    """How long a round stays open for the remaining sources once a quorum is there."""
    min_interval_ns: int = 15 * MINUTE_NS
    """Rounds close at least so far apart."""
    delay_ns: int = HOUR_NS
    """How long a round is provisional, and may be disputed."""
    cap_ppm: int = 10_000
    """Largest move against the round before."""
    cap_reference_ppm: int = 20_000
    """Largest move against every round accepted in the last `reference_age_ns`, and the last one before."""
    reference_age_ns: int = DAY_NS
    confidence_max_ppm: int = 200_000
    """Largest (high - low) / mid, of an observation and of a round."""
    divergence_max_ppm: int = 50_000
    """How far from the middle a source may be and still agree with it."""
    stale_ns: int = 26 * HOUR_NS
    """Age at which the anchor begins to decay."""
    halt_ns: int = 5 * DAY_NS
    """Age at which there is none."""
    decay_step_ns: int = HOUR_NS
    """How often a stale anchor is due again."""
    recovery_rounds: int = 3
    """Good rounds in a row after which a feed that was stale or halted is trusted again."""
    dispute_bond_micro: int = 1_000 * MICRO
    price_min_nano: int = NANO // 1000
    price_max_nano: int = NANO * NANO
    """Range of every price of an observation."""

    def __post_init__(self) -> None:
        """Refuse what is out of range or contradicts itself; AssetError."""
        for name, (low, high) in BOUNDS.items():
            require_int("feed terms", name, getattr(self, name), low, high)
        for fine, what, remedy in (
            (self.cap_ppm <= self.cap_reference_ppm, "cap_ppm is above cap_reference_ppm", "Lower cap_ppm."),
            (self.price_min_nano <= self.price_max_nano, "price_min_nano is above price_max_nano", "Swap them."),
            (self.collect_ns < self.fresh_ns, "collect_ns is not below fresh_ns", "Collect for a shorter time."),
            (self.stale_ns < self.halt_ns, "stale_ns is not below halt_ns", "Halt later."),
            (
                # Otherwise a round could be stale when it becomes active.
                self.fresh_ns + self.delay_ns <= self.stale_ns,
                "fresh_ns + delay_ns is above stale_ns",
                "Ask for younger observations, or a shorter delay.",
            ),
        ):
            if not fine:
                raise AssetError("feed terms", what, remedy)
