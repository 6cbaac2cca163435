"""Net asset values, tranches, write-downs and penalties of other systems, as their own tests assert or replay them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from parbook.pools.accrual import SECONDS_PER_YEAR, accrued, discounted, factor_e27, power_e27
from parbook.pools.amounts import E12, E18, E27, MICRO, NANO, Rounding, divide
from parbook.pools.penalty import exit_penalty_bps
from parbook.pools.tranches import Tranche, price_nano, priced, tranche_values
from parbook.pools.waterfall import Due, absorb, distribute, pro_rata
from parbook.pools.writeoff import STEPS, WriteOffRule, kept_micro, pick, straight_line_micro
from tests.assets.support import vectors

DAY = 86400


def named(rows, name):
    return next(row for row in rows if row["name"] == name)


# --- own formulas ---------------------------------------------------------------------------------


def test_every_published_period_waterfall():
    for row in vectors("own_formulas")["period_waterfall"]:
        given, out = row["inputs"], {name: int(text) for name, text in row["out"].items()}
        dues = [Due(given["sen_int"], given["sen_prin_due"]), Due(given["mez_int"], given["mez_prin_due"])]
        paid = distribute(
            given["cash"], given["fees"], dues, reserve_micro=given["res"], reserve_target_micro=given["res_target"]
        )
        assert paid.fees_micro == out["fees"]
        assert paid.interest_micro == (out["senior_interest"], out["mezz_interest"])
        assert paid.reserve_micro == out["reserve_topup"]
        assert paid.principal_micro == (out["senior_principal"], out["mezz_principal"])
        assert paid.junior_micro == out["junior"]
        assert paid.total_micro == given["cash"]


def test_every_published_split_of_net_assets():
    for row in vectors("own_formulas")["nav_waterfall"]:
        expected = [int(text) for text in row["out_senior_mezz_junior"]]
        assert tranche_values(row["assets"], [row["senior_claim"], row["mezz_claim"]]) == expected


def test_every_published_loss():
    for row in vectors("own_formulas")["loss_absorption"]:
        borne, holders = absorb(row["loss"], [size for _, size in row["layers"]])
        assert borne == [int(row["out"][name]) for name, _ in row["layers"]]
        assert holders == int(row["out"]["haircut_holders"])


def test_every_published_pro_rata():
    for row in vectors("own_formulas")["pro_rata"]:
        assert pro_rata(row["available"], row["requests"]) == row["filled"]


# --- Tinlake ----------------------------------------------------------------------------------------


def tinlake(name):
    return named(vectors("tinlake_nav_tranche")["cases"], name)


def test_tinlake_a_loan_at_its_discounted_maturity_value():
    row = tinlake("testSimpleBorrow")
    to_maturity = row["maturity"] - row["now"] // DAY * DAY
    value = accrued(int(row["principal"]), int(row["loan_rate_per_sec_ray"]), to_maturity)
    assert value == int(row["fv"])
    rate = int(row["discount_rate_per_sec_ray"])
    for days in range(3):
        nav = discounted(value, rate, to_maturity - days * DAY)
        assert abs(nav - int(list(row["nav"].values())[days])) <= row["tolerance_wei"]
        assert abs(nav - int(row["replay_nav"][days])) <= 1


def test_tinlake_a_recovery_rate_scales_the_value():
    """Principal grows at 5 % a day for two days, then 90 % of it count."""
    row = tinlake("testRecoveryRatePD")
    borrow = tinlake("testSimpleBorrow")
    whole = accrued(50 * E18, int(borrow["loan_rate_per_sec_ray"]), 2 * DAY)
    assert divide(whole * 9, 10, Rounding.FLOOR) == int(row["fv"])


def test_tinlake_buckets_of_maturity():
    borrow = tinlake("testSimpleBorrow")
    total = 0
    for step in tinlake("setupLinkedListBuckets")["steps"]:
        seconds = step["add_maturity_days"] * DAY
        value = accrued(int(step["amount"]), int(borrow["loan_rate_per_sec_ray"]), seconds)
        total += discounted(value, int(borrow["discount_rate_per_sec_ray"]), seconds)
        assert abs(total - int(step["cum_nav_expected"])) <= 5
        assert abs(total - int(step["cum_nav_replay"])) <= 5


def test_tinlake_another_discount_rate():
    """The true value, not the artefact that the upstream test asserts: 99 loans of 1 to 99 days at 5 % a day."""
    row = tinlake("testChangeDiscountRate")
    five, three = 1000000564701133626865910626, 1000000342100000000000000000
    at_five = sum(discounted(accrued(50 * E18, five, n * DAY), five, n * DAY) for n in range(1, 100))
    at_three = sum(discounted(accrued(50 * E18, five, n * DAY), three, n * DAY) for n in range(1, 100))
    assert abs(at_five - int(row["nav_at_5pct"])) <= 99
    assert abs(at_three - int(row["nav_at_3pct_true"])) <= 99
    assert at_three != int(row["nav_at_3pct_asserted_upstream"])


def test_tinlake_repayments():
    """Of the five loans of the buckets the one of five days repays 30 at once, then the other 20."""
    row = tinlake("testRepay")
    borrow, steps = tinlake("testSimpleBorrow"), tinlake("setupLinkedListBuckets")["steps"]
    rate, discount = int(borrow["loan_rate_per_sec_ray"]), int(borrow["discount_rate_per_sec_ray"])

    def worth(principal, days):
        return discounted(accrued(principal, rate, days * DAY), discount, days * DAY)

    others = sum(worth(50 * E18, step["add_maturity_days"]) for step in steps if step["add_maturity_days"] != 5)
    assert accrued(20 * E18, rate, 5 * DAY) == int(row["new_fv"])
    assert abs(others + worth(20 * E18, 5) - int(row["nav_after_1"])) <= 5
    assert abs(others - int(row["nav_after_2"])) <= 5


def test_tinlake_an_overdue_loan_stays_where_it_was():
    row = tinlake("testOverdueLoan")
    rate = 1000000564701133626865910626
    assert accrued(120 * E18, rate, DAY) == pytest.approx(int(row["nav_t1"]), abs=1)
    after = accrued(100 * E18, rate, 3 * DAY) + accrued(20 * E18, rate, 2 * DAY)
    assert after == pytest.approx(int(row["nav_t3"]), abs=2)


def test_tinlake_write_off_steps_are_ours():
    row = tinlake("testPublicWriteOff")
    assert [(rule.days, (E12 - rule.writeoff_e12) / E12) for rule in STEPS] == [tuple(step) for step in row["schedule"]]
    assert kept_micro(60 * E18, 30) == int(row["nav"])
    assert power_e27(int(row["penalty_rate_per_sec_ray"]), DAY) == pytest.approx(1.06 * E27, rel=1e-5)


def test_tinlake_ratio_and_prices_of_two_tranches():
    for row in tinlake("Assessor.reBalance")["cases"]:
        total = row["nav"] + row["reserve"]
        ratio = min(divide(row["senior_asset"] * E27, total, Rounding.FLOOR), E27)
        assert ratio == int(row["senior_ratio_ray"])
        senior, _ = tranche_values(total, [row["senior_asset"]])
        debt = min(row["nav"] * ratio // E27, row["senior_asset"])
        assert (debt, row["senior_asset"] - debt) == (row["senior_debt"], row["senior_balance"])
        assert senior == min(row["senior_asset"], total)
    for row in tinlake("Assessor token prices")["cases"]:
        senior, junior = tranche_values(row["nav"] + row["reserve"], [row["senior_asset"]])
        which, value = ("senior", senior) if "senior_supply" in row else ("junior", junior)
        price = price_nano(value, row[f"{which}_supply"], Rounding.FLOOR)
        assert price == int(row[f"{which}_price"] * NANO)


# --- Centrifuge -------------------------------------------------------------------------------------


def _centrifuge_prices(setup, years, total):
    """Debts compound by the second from year to year; prices are ray, most junior first."""
    debts = {name: setup[name]["debt"] for name in ("mezz", "senior")}
    last = 0
    for year in years:
        for name, rate in (("mezz", E12 // 10), ("senior", E12 // 20)):
            debts[name] = accrued(debts[name], factor_e27(rate), (year - last) * SECONDS_PER_YEAR)
        last = year
    senior, mezz, residual = tranche_values(
        total, [debts["senior"] + setup["senior"]["reserve"], debts["mezz"] + setup["mezz"]["reserve"]]
    )
    values = {"residual": residual, "mezz": mezz, "senior": senior}
    return [divide(value * E27, setup[name]["supply"], Rounding.NEAREST) for name, value in values.items()]


def test_centrifuge_prices_after_losses():
    data = vectors("centrifuge_chain")
    for row in data["loss_waterfall"]:
        prices = _centrifuge_prices(data["tranche_setup"], [row["years"]], row["total_assets"])
        assert prices == [int(text) for text in row["prices_ray"]], row["total_assets"]


def test_centrifuge_prices_over_years():
    data = vectors("centrifuge_chain")
    years = [row["year"] for row in data["evolution"]]
    for n, row in enumerate(data["evolution"]):
        prices = _centrifuge_prices(data["tranche_setup"], years[: n + 1], 1_100_000_000)
        assert prices == [int(text) for text in row["prices_ray"]], row["year"]


def test_centrifuge_present_values():
    """Debt grown to maturity, less the expected loss of the whole term, discounted; an overdue one is its debt."""
    for row in vectors("centrifuge_chain")["dcf_present_value"]:
        left = row["maturity"] - row["when"]
        if left < 0:
            assert row["present_value"] == row["debt"]
            continue
        grown = accrued(row["debt"], factor_e27(round(row["rate"] * E12)), left)
        loss = Fraction(row["pd"]).limit_denominator(1000) * Fraction(row["lgd"]).limit_denominator(1000)
        kept = 1 - loss * Fraction(row["maturity"] - row["origination"], SECONDS_PER_YEAR)
        value = discounted(
            int(grown * kept), factor_e27(round(row["discount"] * E12)), left, Rounding.NEAREST
        )  # fmt: skip
        assert abs(value - row["present_value"]) <= 1, row["name"]
        assert value == pytest.approx(row["continuous_approx"], rel=1e-4)


def test_centrifuge_interest_at_maturity():
    row = vectors("centrifuge_chain")["interest_at_maturity"]
    due = accrued(row["principal"] * MICRO, factor_e27(round(row["rate"] * E12)), row["days"] * DAY)
    assert (due - row["principal"] * MICRO) // MICRO == row["interest"]


def test_centrifuge_picks_the_largest_write_off():
    row = vectors("centrifuge_chain")["writeoff_pick"]
    rules = [WriteOffRule(days, share, penalty) for days, share, penalty in row["rules"]]
    assert pick(rules, row["active_if_trigger_le"]) is rules[row["picked"]]
    assert pick(rules, -1) is None


# --- Goldfinch, TrueFi, Maple -----------------------------------------------------------------------


def test_goldfinch_writes_down_by_a_straight_line():
    """Days late are interest owed / interest a day, both truncated as upstream does; the write-down is ours."""
    data = vectors("goldfinch_writedown")
    for row in data["cases"]:
        balance, rate = row["balance"], Fraction(str(row["apr"]))
        a_day = balance * rate / 365
        owed = int(a_day * row["days_of_interest_owed"])
        due = row.get("principal_owed", 0)
        late = Fraction(owed + due) / (a_day + due) + row.get("days_past_term_end", 0)
        percent, amount = straight_line_micro(balance, int(late * E18))
        assert percent == row["pct"]
        assert amount == pytest.approx(row["amount"], rel=2e-9, abs=2), row
    defaults = data["defaults"]
    assert (defaults["grace_days"], defaults["max_days"]) == (30, 120)


def test_every_published_exit_penalty():
    for row in vectors("truefi_exit_penalty")["cases"]:
        assert exit_penalty_bps(row["before_bps"], row["after_bps"]) == row["penalty_bps"]


def test_maple_entry_and_exit():
    data = vectors("maple")
    for row in data["entry_exit"]:
        tranche = Tranche(name="only", supply_micro=row["supply"])
        (value,) = priced([tranche], row["total_assets"], row["unrealized_losses"])
        assert Decimal(value.entry_nano) / NANO == Decimal(str(row["entry_price"]))
        assert Decimal(value.exit_nano) / NANO == Decimal(str(row["exit_price"]))
    for row in data["redeem"]:
        # Redeemed at the exit price, as far as the cash reaches.
        assets = int(row["total_assets"]) - int(row["unrealized_losses"])
        shares = min(int(row["shares"]), divide(int(row["cash"]) * int(row["supply"]), assets, Rounding.FLOOR))
        assert shares == int(row["redeemable_shares"])
        assert divide(shares * assets, int(row["supply"]), Rounding.FLOOR) == int(row["assets"])
