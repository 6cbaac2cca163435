"""Token buckets by amount and share of the supply: how fast tokens may come and go.

    limit = max(amount, share x supply);  available = min(limit, left + limit x elapsed / period)

Source: the Throttle library of the Reserve Protocol. A bucket that refills by the limit of the moment has no cliff;
what passes one way gives room the other way, so that going in and out again is no net flow.
"""

from __future__ import annotations

import msgspec

from parbook.pools.amounts import E12, Rounding, divide


class Bucket(msgspec.Struct, kw_only=True):
    """What was left at a time."""

    left_micro: int
    at_ns: int


def limit_micro(amount_micro: int, share_e12: int, supply_micro: int) -> int:
    """Return how much may pass in a period, rounded down."""
    return max(amount_micro, divide(share_e12 * supply_micro, E12, Rounding.FLOOR))


def available_micro(bucket: Bucket, limit: int, period_ns: int, now_ns: int) -> int:
    """Return what may pass now. What a refill loses by rounding down, under a micro a use, nobody gets."""
    refilled = divide(limit * (now_ns - bucket.at_ns), period_ns, Rounding.FLOOR)
    return min(limit, bucket.left_micro + refilled)


def pass_through(bucket: Bucket, limit: int, period_ns: int, now_ns: int, amount_micro: int) -> None:
    """Let an amount pass, which must be available; a negative one gives room back, up to the limit."""
    bucket.left_micro = min(limit, available_micro(bucket, limit, period_ns, now_ns) - amount_micro)
    bucket.at_ns = now_ns
