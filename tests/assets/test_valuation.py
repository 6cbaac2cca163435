"""Bands, caps, buckets and provisions of whole pools."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook._value import BucketedPool
from parbook.assets.buckets import bucketed, drift_micro
from parbook.assets.curve import ZeroCurve, flat_annual
from parbook.assets.holdings import Asset, Holdings, Names, principal_micro, share_floor, sum_micro
from parbook.assets.kinds import AssetKind, amortising, bullet, deliveries, invoice, lease
from parbook.assets.provisions import Stage, provisions
from parbook.assets.reference_value import expected_value, fair_value_micro
from parbook.assets.terms import DEFAULT_STRESS, Band, Stress, Terms, stressed
from parbook.assets.valuation import BAND_ROUNDING, value
from parbook.errors import AssetError, MisuseError
from parbook.pools.amounts import E12, MICRO, Rounding
from parbook.pools.states import LoanState
from parbook.pools.writeoff import keep_e12
from tests.assets.support import e12, random_assets, random_curve, units, vectors

FLAT = flat_annual(e12("0.11"))
RATES = st.integers(0, E12)


def asset(position, terms, n=0, **changes):
    fields = {
        "asset_id": f"L{n}", "kind": AssetKind.AMORTISING, "obligor": f"o{n % 7}", "seller": f"s{n % 3}",
        "group": "ABC"[n % 3], "position": position, "terms": terms, "owed_micro": principal_micro(position),
    }  # fmt: skip
    return Asset(**(fields | changes))


def pool(seed, count=200, **changes):
    rng = random.Random(seed)
    states = [LoanState.CURRENT] * 8 + [LoanState.DEFAULTED, LoanState.CLOSED, LoanState.DRAFT]
    out = []
    for n, (position, terms) in enumerate(random_assets(rng, count)):
        late, state = rng.choice([0, 0, 0, 31, 65, 100, 130]), rng.choice(states)
        out.append(asset(position, terms, n, days_past_due=late, state=state, **changes))
    return out


def one(position, terms, curve=FLAT, **changes):
    valuation = value(Holdings.of([asset(position, terms, **changes)]), curve)
    return tuple(int(band[0]) for band in (valuation.low_micro, valuation.mid_micro, valuation.high_micro))


# --- fair value -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_is_valued_as_plain_python_says(seed):
    assets, curve = pool(seed), random_curve(random.Random(seed))
    valuation = value(Holdings.of(assets), curve)
    for n, each in enumerate(assets):
        got = [int(band[n]) for band in (valuation.low_micro, valuation.mid_micro, valuation.high_micro)]
        cap = each.owed_micro * keep_e12(each.days_past_due) // E12
        if each.state in (LoanState.CLOSED, LoanState.DRAFT):
            assert got == [0, 0, 0]
            continue
        if each.state is LoanState.DEFAULTED:
            continue
        expected = [
            fair_value_micro(
                expected_value(each.position, stressed(each.terms, band), curve),
                each.owed_micro,
                keep_e12(each.days_past_due),
                BAND_ROUNDING[band],
            )
            for band in Band
        ]
        expected[0], expected[2] = min(expected[:2]), max(expected[1:])
        assert all(abs(a - b) <= 1 + 1e-12 * abs(b) for a, b in zip(got, expected, strict=True)), (n, got, expected)
        assert max(got) <= cap
    assert (valuation.low_micro <= valuation.mid_micro).all()
    assert (valuation.mid_micro <= valuation.high_micro).all()
    assert valuation.total_micro(Band.MID) == sum(map(int, valuation.mid_micro))


def test_a_defaulted_asset_is_worth_its_recovery():
    terms = Terms(pd_e12=e12("0.1"), lgd_e12=e12("0.6"), spread_e12=e12("0.02"), lag_months=12)
    low, mid, high = one(amortising(10**10, e12("0.1"), 24), terms, state=LoanState.DEFAULTED)
    factor = math.exp(-(math.log(1.11) + 0.02) * 366 / 365)
    assert mid == pytest.approx(0.4 * 10**10 * factor, rel=1e-9)
    assert low == pytest.approx(0.3 * 10**10 * factor * math.exp(-0.01 * 366 / 365), rel=1e-9)
    assert high == pytest.approx(0.5 * 10**10 * factor * math.exp(0.01 * 366 / 365), rel=1e-9)


def test_a_value_is_never_above_what_is_owed():
    dear = Terms(pd_e12=0, lgd_e12=0)
    assert one(bullet(10**9, e12("0.3"), 24), dear) == (10**9,) * 3
    late = one(bullet(10**9, e12("0.3"), 24), dear, days_past_due=60)
    assert late == (5 * 10**8,) * 3
    assert one(bullet(10**9, e12("0.3"), 24), dear, days_past_due=120) == (0, 0, 0)


def test_an_obligation_may_be_worth_less_than_nothing():
    low, mid, high = one(deliveries([(30, 10**6, MICRO, 3 * MICRO, E12)]), Terms(pd_e12=0, lgd_e12=0), owed_micro=0)
    assert low <= mid <= high < 0
    strip = deliveries([(30, 10**6, MICRO, 3 * MICRO, E12)])
    assert one(strip, Terms(pd_e12=0, lgd_e12=0), owed_micro=0, state=LoanState.CLOSED) == (0, 0, 0)


@given(RATES, RATES, RATES, st.integers(0, 2 * 10**11), st.integers(0, 10**11))
def test_dearer_terms_never_raise_a_value(pd, lgd, cpr, spread, more):
    """Worse LGD and spread for any loan; worse PD where paying on is worth more than a default: at or above par."""
    terms = Terms(pd_e12=pd, lgd_e12=lgd, cpr_e12=cpr, spread_e12=spread, lag_months=6)
    loan = amortising(10**12, e12("0.12"), 18)
    base = expected_value(loan, terms, FLAT)
    worse_lgd = msgspec.structs.replace(terms, lgd_e12=min(lgd + more, E12))
    worse_spread = msgspec.structs.replace(terms, spread_e12=spread + more)
    assert expected_value(loan, worse_lgd, FLAT) <= base * (1 + 1e-13)
    assert expected_value(loan, worse_spread, FLAT) <= base * (1 + 1e-13)
    at_par = msgspec.structs.replace(terms, spread_e12=0)
    worse_pd = msgspec.structs.replace(at_par, pd_e12=min(pd + more, E12))
    assert expected_value(loan, worse_pd, FLAT) <= expected_value(loan, at_par, FLAT) * (1 + 1e-13)


def test_where_default_pays_the_bands_do_not_cross():
    """A bullet far away, discounted deeply, that recovers nearly all at once: the stress raises its EV."""
    terms = Terms(pd_e12=e12("0.3"), lgd_e12=0, spread_e12=e12("0.5"))
    loan = bullet(10**12, 0, 120)
    stress = Stress(lgd_add_e12=0, spread_add_e12=0)
    assert expected_value(loan, stressed(terms, Band.LOW, stress), FLAT) > expected_value(loan, terms, FLAT)
    valuation = value(Holdings.of([asset(loan, terms)]), FLAT, stress=stress)
    assert int(valuation.low_micro[0]) == int(valuation.mid_micro[0])
    assert int(valuation.high_micro[0]) == int(valuation.mid_micro[0])


def test_bands_are_what_they_say():
    terms = Terms(
        pd_e12=e12("0.1"), lgd_e12=e12("0.95"), spread_e12=e12("0.004"), seller_pd_e12=e12("0.8"), hazard_e12=(E12,)
    )
    low, high = stressed(terms, Band.LOW), stressed(terms, Band.HIGH)
    assert (low.pd_e12, low.lgd_e12, low.spread_e12, low.seller_pd_e12) == (e12("0.15"), E12, e12("0.014"), E12)
    assert (high.lgd_e12, high.spread_e12) == (e12("0.85"), 0)
    assert high.pd_e12 == 66_666_666_667
    assert stressed(terms, Band.MID) is terms
    assert low.hazard_e12 == terms.hazard_e12
    with pytest.raises(AssetError, match="pd_multiple_e12"):
        Stress(pd_multiple_e12=E12 - 1)
    assert msgspec.structs.astuple(DEFAULT_STRESS) == (1_500_000_000_000, 10**11, 10**10)


def test_the_order_of_the_tape_changes_nothing():
    assets, curve = pool(5), random_curve(random.Random(5))
    shuffled = random.Random(0).sample(assets, len(assets))
    first, second = value(Holdings.of(assets), curve), value(Holdings.of(shuffled), curve)
    by_id = dict(zip([each.asset_id for each in assets], first.mid_micro.tolist(), strict=True))
    assert [by_id[each.asset_id] for each in shuffled] == second.mid_micro.tolist()
    assert first.input_hash == value(Holdings.of(assets), curve).input_hash
    assert first.input_hash != second.input_hash
    assert first.input_hash != value(Holdings.of(assets), curve.moved(1)).input_hash


def test_holdings_refuse_what_is_there_twice():
    terms = Terms(pd_e12=0, lgd_e12=0)
    twice = [asset(bullet(1, 0, 1), terms, legal_hash="f" * 64), asset(bullet(1, 0, 1), terms, 1, legal_hash="f" * 64)]
    with pytest.raises(AssetError, match="legal hash is there twice"):
        Holdings.of(twice)
    with pytest.raises(AssetError, match="asset L0: its id is there twice"):
        Holdings.of([asset(bullet(1, 0, 1), terms)] * 2)
    with pytest.raises(AssetError, match="asset L0: owed_micro=-1"):
        asset(bullet(1, 0, 1), terms, owed_micro=-1)


@given(st.lists(st.tuples(st.integers(0, 2**53), RATES), min_size=1, max_size=20))
def test_shares_and_sums_of_columns_are_exact(rows):
    amounts, shares = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    assert share_floor(amounts, shares).tolist() == [amount * share // E12 for amount, share in rows]
    huge = np.full(5000, 2**62, np.int64)
    assert sum_micro(huge) == 5000 * 2**62
    assert sum_micro(-huge) == -5000 * 2**62
    names = Names.of(str(n % 2) for n in range(len(rows)))
    totals = {"0": sum(amounts[::2].tolist()), "1": sum(amounts[1::2].tolist())}
    assert names.totals(amounts) == {name: totals[name] for name in names.names}


# --- buckets --------------------------------------------------------------------------------------


def test_buckets_give_the_pools_value_and_its_moves():
    assets = [each for each in pool(11, 150) if each.state is LoanState.CURRENT]
    # Nothing is capped: then a move of the curve is exact.
    assets = [msgspec.structs.replace(each, owed_micro=2**53, days_past_due=0) for each in assets]
    holdings, curve = Holdings.of(assets), ZeroCurve(days=(0, 700), zero_e12=(3 * 10**10, 5 * 10**10))
    valuation = value(holdings, curve)
    buckets = bucketed(holdings, curve, valuation)
    total = valuation.total_micro(Band.MID)
    assert buckets.value_micro() == pytest.approx(total, rel=1e-11)
    for move in (10**8, -(10**10), 2 * 10**10):
        moved = value(holdings, curve.moved(move)).total_micro(Band.MID)
        assert buckets.value_micro(move) == pytest.approx(moved, rel=1e-6)
        assert buckets.value_micro(0, move) == pytest.approx(buckets.value_micro(move), rel=1e-12)
    by_group = buckets.by_group_micro(10**10, [0, 0, 0])
    assert sum(by_group.values()) == pytest.approx(buckets.value_micro(10**10), rel=1e-12)
    assert list(by_group) == list(holdings.groups.names)
    calm = buckets.by_group_micro(0, [0, 0, 0])
    for n in range(3):
        widened = buckets.by_group_micro(0, [10**10 if n == each else 0 for each in range(3)])
        assert [widened[name] < calm[name] for name in calm] == [n == each for each in range(3)]


def test_monthly_buckets_are_exact_under_any_curve():
    assets = [each for each in pool(12, 150, owed_micro=2**53) if not hasattr(each.position, "flows")]
    assets = [msgspec.structs.replace(each, days_past_due=0, state=LoanState.CURRENT) for each in assets]
    holdings = Holdings.of(assets)
    buckets = bucketed(holdings, FLAT, value(holdings, FLAT))
    other = ZeroCurve(days=(0, 400, 900), zero_e12=(10**10, 9 * 10**10, 4 * 10**10))
    buckets.pool.set_discount(other.monthly(800))
    assert buckets.value_micro() == pytest.approx(value(holdings, other).total_micro(Band.MID), rel=1e-11)


def test_capped_assets_stay_where_they_are_and_the_drift_says_so():
    terms = Terms(pd_e12=e12("0.01"), lgd_e12=e12("0.4"))
    assets = [asset(amortising(10**10, e12("0.05") + n * 4 * 10**8, 36), terms, n) for n in range(300)]
    holdings = Holdings.of(assets)
    valuation = value(holdings, FLAT)
    assert 0 < valuation.capped.sum() < 300
    buckets = bucketed(holdings, FLAT, valuation)
    assert buckets.value_micro() == pytest.approx(valuation.total_micro(Band.MID), rel=1e-11)
    for move in (10**10, -(10**10)):
        drift = drift_micro(holdings, FLAT, buckets, move)
        assert drift >= -1000
        assert drift <= 0.01 * valuation.total_micro(Band.MID)
    assert drift_micro(holdings, FLAT, buckets, -(10**10)) > 10**6


def test_expected_flows_conserve_every_balance():
    assets = [asset(position, terms, n) for n, (position, terms) in enumerate(random_assets(random.Random(13), 120))]
    assets = [each for each in assets if not hasattr(each.position, "flows")]
    holdings = Holdings.of(assets)
    buckets = bucketed(holdings, FLAT, value(holdings, FLAT))
    opening = sum(each.position.balance_micro for each in assets)
    conserved = buckets.expected[:, 1:4].sum()
    assert conserved == pytest.approx(opening, rel=1e-12)
    assert buckets.expected.min() >= 0


def test_a_bucketed_pool_refuses_what_does_not_fit():
    flows = np.ones((2, 3))
    with pytest.raises(MisuseError, match="groups differ"):
        BucketedPool(flows, np.ones(3), np.zeros(3))
    with pytest.raises(MisuseError, match="end too early"):
        BucketedPool(flows, np.ones(2), np.zeros(2))
    with pytest.raises(MisuseError, match="every group needs its move"):
        BucketedPool(flows, np.ones(3), np.zeros(2)).values(0.0, np.zeros(1))
    assert BucketedPool(flows, np.ones(3), np.array([1.0, 2.0])).value() == 9.0


# --- provisions -----------------------------------------------------------------------------------


def test_every_published_provision():
    for row in vectors("own_formulas")["ecl"]:
        months = round(float(row["maturity_y"]) * 12)
        # The vectors discount at an effective yearly rate, a loan at its monthly one.
        rate = round(((1 + float(row["eir"])) ** (1 / 12) - 1) * 12 * E12)
        terms = Terms(pd_e12=e12(row["pd_annual"]), lgd_e12=e12(row["lgd"]))
        late = {1: 0, 2: 30, 3: 90}[row["stage"]]
        held = asset(bullet(int(row["ead"]) * MICRO, rate, months), terms, days_past_due=late)
        got = provisions(Holdings.of([held]))
        assert got.stages.tolist() == [row["stage"]]
        assert units(int(got.loss_micro[0])) == pytest.approx(float(row["ecl"]), rel=1e-9)


def test_a_provision_by_hand():
    """A level loan prepaid now and then: marginal defaults on the scheduled balance, at the loan's own rate."""
    rate, balance, months = 0.12 / 12, 1e10, 30
    payment = balance * rate / (1 - (1 + rate) ** -months)
    m, c = 1 - 0.9 ** (1 / 12), 1 - 0.95 ** (1 / 12)
    alive, year, life = 1.0, 0.0, 0.0
    for k in range(1, months + 1):
        loss = alive * m * balance * 0.4 * (1 + rate) ** -k
        life += loss
        year += loss if k <= 12 else 0.0
        alive *= (1 - m) * (1 - c)
        balance -= payment - balance * rate
    terms = Terms(pd_e12=e12("0.1"), lgd_e12=e12("0.4"), cpr_e12=e12("0.05"))
    for late, expected in ((0, year), (30, life)):
        held = asset(amortising(10**10, e12("0.12"), months), terms, days_past_due=late)
        assert int(provisions(Holdings.of([held])).loss_micro[0]) == math.ceil(expected)


def test_provisions_by_stage():
    assets = pool(21, 250)
    holdings = Holdings.of(assets)
    got = provisions(holdings)
    assert sum(got.count.values()) == int(holdings.earning.sum())
    assert sum(got.total_micro.values()) == sum_micro(got.loss_micro)
    for n, each in enumerate(assets):
        stage, loss = got.stages[n], int(got.loss_micro[n])
        if each.state in (LoanState.CLOSED, LoanState.DRAFT):
            assert (stage, loss) == (0, 0)
        elif each.state is LoanState.DEFAULTED or each.days_past_due >= 90:
            assert stage == Stage.DEFAULTED
            assert loss == each.owed_micro - each.owed_micro * (E12 - each.terms.lgd_e12) // E12
        else:
            assert stage == (Stage.LIFETIME if each.days_past_due >= 30 else Stage.TWELVE_MONTHS)
            assert 0 <= loss <= principal_micro(each.position) + 1


def test_a_lifetime_is_never_less_than_a_year():
    for seed in range(60):
        position, terms = random_assets(random.Random(seed), 1)[0]
        losses = [
            int(provisions(Holdings.of([asset(position, terms, days_past_due=late)])).loss_micro[0]) for late in (0, 31)
        ]
        assert losses[0] <= losses[1]


def test_what_a_position_is_due_when_it_has_no_balance():
    assert principal_micro(lease(MICRO, E12, 18, growth_e12=E12 // 2)) == 12 * MICRO + 9 * MICRO
    assert principal_micro(invoice(100, E12 // 10, 5)) == 90
    assert principal_micro(deliveries([(1, MICRO, 5, 3, E12), (2, MICRO, 0, 3, E12)])) == 0
    assert fair_value_micro(2.5, 10, E12, Rounding.NEAREST) == 2


def test_the_cap_is_rounded_down_in_every_band():
    for rounding in Rounding:
        assert fair_value_micro(1e9, 7, 3 * E12 // 4, rounding) == 5
    assert one(bullet(7, 0, 1), Terms(pd_e12=0, lgd_e12=0), flat_annual(0), days_past_due=30) == (5, 5, 5)
