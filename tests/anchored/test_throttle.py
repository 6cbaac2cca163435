"""Throttles: the published steps, the terms, and no cliff."""

from __future__ import annotations

import random

import pytest

from parbook.anchored.terms import ThrottleTerms
from parbook.anchored.throttle import Bucket, available_micro, limit_micro, pass_through
from parbook.errors import AssetError
from parbook.pools.amounts import E12
from tests.anchored.support import scaled, terms, vectors

HOUR = 3600


def test_every_published_step():
    """Four mints, in wei: what is left to mint, and what may be redeemed, which is the supply while that is less."""
    rows = vectors("reserve_protocol")["throttle"]
    amount, share = int(rows["amt"]), int(rows["pct"]) // 10**6
    bucket, supply = Bucket(left_micro=amount, at_ns=0), 0
    redemption = Bucket(left_micro=amount, at_ns=0)
    for step in rows["steps"]:
        issued, now = int(step["issue"]), step["t"]
        limit = limit_micro(amount, share, supply)
        assert issued <= available_micro(bucket, limit, HOUR, now)
        pass_through(bucket, limit, HOUR, now, issued)
        pass_through(redemption, limit, HOUR, now, -issued)
        supply += issued
        assert bucket.left_micro == int(step["issuance_available_after"])
        room = min(supply, available_micro(redemption, limit, HOUR, now))
        assert room == int(step["redemption_available_after_upstream"])
    share_case = rows["pct_case"]
    assert limit_micro(1, share, scaled(share_case["supply"], 1)) == scaled(share_case["limit"], 1)


def test_the_redemption_throttle_must_be_greater():
    narrow, wide = ThrottleTerms(amount_micro=10, share_e12=5), ThrottleTerms(amount_micro=11, share_e12=6)
    assert terms(issuance=narrow, redemption=wide).redemption == wide
    for redemption in (
        narrow,
        ThrottleTerms(amount_micro=11, share_e12=5),
        ThrottleTerms(amount_micro=10, share_e12=6),
        ThrottleTerms(amount_micro=11, share_e12=6, period_ns=2 * narrow.period_ns),
    ):
        with pytest.raises(AssetError, match="not greater than the issuance throttle"):
            terms(issuance=narrow, redemption=redemption)


def test_a_bucket_has_no_cliff_and_never_exceeds_its_limit():
    rng = random.Random(1)
    for _ in range(2000):
        limit, left, now = rng.randrange(1, 10**15), rng.randrange(10**15), rng.randrange(10**6)
        bucket = Bucket(left_micro=left, at_ns=0)
        first = available_micro(bucket, limit, HOUR, now)
        assert first <= limit
        assert first <= available_micro(bucket, limit, HOUR, now + 1) <= first + limit // HOUR + 1
        pass_through(bucket, limit, HOUR, now, first)
        assert available_micro(bucket, limit, HOUR, now) == 0
        pass_through(bucket, limit, HOUR, now, -limit - 5)
        assert bucket.left_micro == limit


def test_splitting_passes_no_more_than_doing_it_at_once():
    rng = random.Random(2)
    for _ in range(300):
        limit = rng.randrange(1, 10**9)
        whole, split = Bucket(left_micro=0, at_ns=0), Bucket(left_micro=0, at_ns=0)
        times = sorted(rng.sample(range(1, 2000), 5))
        passed = 0
        for now in times:
            part = available_micro(split, limit, HOUR, now)
            pass_through(split, limit, HOUR, now, part)
            passed += part
        assert passed <= available_micro(whole, limit, HOUR, times[-1])


def test_terms_refuse_what_is_out_of_range():
    for changes in ({"amount_micro": 0}, {"share_e12": E12 + 1}, {"period_ns": 1}):
        with pytest.raises(AssetError, match="outside"):
            ThrottleTerms(**({"amount_micro": 1, "share_e12": 0} | changes))
