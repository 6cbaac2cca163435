"""Oracles of others: the derived aggregate, Superstate's and Ondo's checks.

Neither Superstate's line through two checkpoints nor Ondo's daily compounding is offered (docs/decisions/0042): both
make a price nobody signed. Helpers replay their arithmetic here, so that the numbers are known to be understood.
"""

from __future__ import annotations

import pytest

from parbook.oracle.aggregate import agreeing, capped
from parbook.oracle.state import Closing, FeedState, Flaw, Mark
from parbook.oracle.terms import DAY_NS, HOUR_NS, MINUTE_NS
from parbook.pools.accrual import power_e27
from parbook.pools.amounts import E27, Rounding, divide
from parbook.refusals import Refusal
from tests.oracle.support import Desk, band, terms, vectors

PRICE = 10**6
"""What 1 of a vector's prices is here."""


def test_every_published_aggregate():
    """A vector's second is a minute here; its bp are ppm x 100; STALE there means that no round comes of it."""
    rows = vectors("own_formulas")["oracle_aggregate"]
    for row in rows:
        given = terms(
            quorum=row["quorum"],
            fresh_ns=row["max_age"] * MINUTE_NS + 1,  # there, an observation counts up to max_age
            collect_ns=MINUTE_NS,
            delay_ns=0,
            cap_ppm=row["cap_bps"] * 100,
            divergence_max_ppm=10**7,
        )
        desk = Desk(given, sources=len(row["vals"]))
        desk.round(row["prev"] * PRICE)
        desk.later(DAY_NS)
        told = [desk.report(n, v * PRICE, age=(row["now"] - t) * MINUTE_NS) for n, (v, t) in enumerate(row["vals"], 1)]
        closings = [plan.closing for plan in told if not isinstance(plan, Refusal) and plan.closing]
        closings += [plan.closing for plan in desk.later(MINUTE_NS) if plan.closing]
        out = row["out"]
        assert desk.mid() == out["price"] * PRICE
        if out["status"] == "STALE":
            assert [closing for closing in closings if closing.flaw is not Flaw.NO_QUORUM] == []
            continue
        (closing,) = closings
        assert isinstance(closing, Closing)
        assert closing.raw is not None
        assert (closing.raw.mid_nano, len(closing.observations)) == (out["raw"] * PRICE, out["used"])
        assert desk.state() is FeedState[out["status"]]
    assert len(rows) == 6


# --- Superstate -------------------------------------------------------------------------------------


def extrapolated(row):
    """The line through two checkpoints, at `t`, truncated as there."""
    rise = (row["nav1"] - row["nav0"]) * (row["t"] - row["t1"])
    span = row["t1"] - row["t0"]
    return row["nav1"] + (rise // span if rise >= 0 else -(-rise // span))


def test_superstate_s_line_is_understood_and_stays_within_one_round_s_cap():
    for row in vectors("superstate_nav_oracle")["cases"]:
        assert extrapolated(row) == row["answer"]
        # What a source would sign instead is a round like any other, and no cap is in its way.
        trail = [Mark(at_ns=0, band=band(row["nav1"]))]
        assert capped(band(row["answer"]), trail, 1, terms()).mid_nano == row["answer"]


def test_where_superstate_rejects_the_anchor_moves_by_the_cap():
    for row in vectors("superstate_nav_oracle")["rejects"]:
        given = terms(cap_ppm=100_000, cap_reference_ppm=100_000)
        out = capped(band(row["next"]), [Mark(at_ns=0, band=band(row["prev"]))], 1, given).mid_nano
        assert out == row["prev"] + (10**6 if row["error"] == "TooHigh" else -(10**6))
        assert capped(band(out), [Mark(at_ns=0, band=band(row["prev"]))], 1, given).mid_nano == out


def test_superstate_s_five_days_end_the_anchor():
    assert "5 days" in vectors("superstate_nav_oracle")["rule"]
    desk = Desk()
    desk.round(10**9)
    desk.later(5 * DAY_NS - HOUR_NS - 1)
    assert desk.state() is FeedState.STALE
    desk.later(1)
    assert desk.state() is FeedState.HALTED


# --- Ondo -------------------------------------------------------------------------------------------


def test_ondo_s_daily_compounding_is_understood():
    for row in vectors("ondo")["range_oracle"]:
        days = row["elapsed_s"] // 86400 + 1
        growth = power_e27(int(row["daily_ir_ray"]), days)
        price = divide(int(row["prev_close"]) * growth, E27, Rounding.FLOOR)
        # To eight decimals, ties up.
        assert (price + 5 * 10**9) // 10**10 * 10**10 == int(row["price"])


@pytest.mark.parametrize(("change", "passes"), [(100_000, True), (100_001, False), (-100_000, True), (-100_001, False)])
def test_ondo_s_rate_check(change, passes):
    """100 bp a round, the change rounded up: exactly at the limit passes. What fails there is capped here."""
    rule = vectors("ondo")["rate_check"]
    assert rule["rounding"] == "up"
    given, last = terms(), 10**7
    assert given.cap_ppm == rule["max_change_bps"] * 100
    out = capped(band(last + change), [Mark(at_ns=0, band=band(last))], 1, given).mid_nano
    assert (out == last + change) is passes
    assert abs(out - last) <= 100_000


def test_ondo_s_external_check():
    """200 bp against the reference, 74 bp between sources, a reference of 25 h: terms, or within their bounds."""
    rule = vectors("ondo")["external_check"]
    given = terms(
        divergence_max_ppm=rule["max_diff_vs_reference_bps"] * 100,
        reference_age_ns=rule["reference_max_age_s"] * 10**9,
    )
    assert given.cap_reference_ppm == rule["max_abs_bps"] * 100
    last = 10**7
    trail = [Mark(at_ns=0, band=band(last)), Mark(at_ns=1, band=band(last + 100_000))]
    assert capped(band(2 * last), trail, 2, given).mid_nano == last + 200_000
    assert agreeing([band(last + 74_000), band(last - 74_001)], last, given.divergence_max_ppm) == 1
