"""Every line of the example's report against a computation of its own: from the files, in fractions, or by trading."""

from __future__ import annotations

import csv
import json
import math
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import msgspec
import pytest

import parbook as pb
from parbook.assets.reference_value import expected_value
from parbook.assets.terms import Band, Stress, stressed
from parbook.codes import OrderType, Side, Source, TimeInForce
from parbook.disclosure import ListingReport, listing_report
from parbook.disclosure.report import stressed_tape
from parbook.disclosure.standing import QUOTED_E12, copy_of
from parbook.messages import NewOrder, Trade, Transfer
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.pools.states import LoanState
from parbook.setup import Built, build, load_setup
from tests.setup.house import EXAMPLE

getcontext().prec = 60
KEEP = ((30, Fraction(3, 4)), (60, Fraction(1, 2)), (90, Fraction(1, 4)), (120, Fraction(0)))
SUPPLY = {"S": 760_000 * MICRO, "J": 240_000 * MICRO}
SECONDS = 2 * (15 * 60 + 3600)
"""From the opening until the second round is in force."""


@pytest.fixture(scope="module")
def built() -> Built:
    return build(pb.Exchange(), load_setup(EXAMPLE / "listing.toml"))


@pytest.fixture(scope="module")
def report(built: Built) -> ListingReport:
    before = built.exchange.state_hash()
    out = listing_report(built)
    assert built.exchange.state_hash() == before, "a report changes nothing"
    return out


@pytest.fixture(scope="module")
def tape() -> list[dict[str, Any]]:
    """The example's rows, read here: principal, owed and kept in micro."""
    groups = {row["group"]: row for row in csv.DictReader((EXAMPLE / "groups.csv").read_text().splitlines())}
    rows: list[dict[str, Any]] = []
    for row in csv.DictReader((EXAMPLE / "loans.csv").read_text().splitlines()):
        balance = Fraction(row["balance"]) * (1 - Fraction(row["dilution"] or 0))
        owed = balance if row["state"] == "defaulted" else Fraction(row["owed"] or balance)
        days = int(row["dpd"] or 0)
        keep = next((share for least, share in reversed(KEEP) if days >= least), Fraction(1))
        rows.append(
            row
            | {
                "principal": math.floor(balance * MICRO),
                "debt": math.floor(owed * MICRO),
                "kept": math.floor(math.floor(owed * MICRO) * keep),
                "days": days,
                "p": Fraction(groups[row["group"]]["pd"]),
                "l": Fraction(groups[row["group"]]["lgd"]),
                "c": Fraction(groups[row["group"]]["cpr"]),
            }
        )
    return rows


def line(report: ListingReport, key: str) -> Any:
    """Return the number of a line."""
    (found,) = [one for one in report.lines if one.key == key]
    return found.value


# --- net assets ---------------------------------------------------------------------------------


def assets_of(built: Built, tape: list[dict[str, Any]], share_nano: int) -> int:
    """Return A from the files: fair value, cash, fees of 1 % a year of what is kept."""
    kept = sum(row["kept"] for row in tape)
    cash = sum(SUPPLY.values()) - sum(row["principal"] for row in tape)
    fees = math.floor(Fraction(kept * SECONDS, 100 * 365 * 86400))
    return kept * share_nano // NANO + cash - fees


def test_net_assets_and_their_age(built: Built, report: ListingReport, tape: list[dict[str, Any]]):
    shares = {"low": built.shares.low_nano, "mid": built.shares.mid_nano, "high": built.shares.high_nano}
    for band, share in shares.items():
        assert line(report, f"nav_{band}") == assets_of(built, tape, share)
    assert line(report, "nav_low") < line(report, "nav_mid") < line(report, "nav_high")
    assert line(report, "nav_age") == 3600 * NANO
    assert report.nav.feed == "OK"
    assert report.nav.owed_micro == sum(row["debt"] for row in tape)


def test_prices_of_units(built: Built, report: ListingReport, tape: list[dict[str, Any]]):
    claim = Decimal(SUPPLY["S"]) * (1 + Decimal("0.06") / (365 * 86400)) ** SECONDS
    impaired = sum(row["kept"] for row in tape if row["state"] == "impaired")
    for band, share in (
        ("low", built.shares.low_nano),
        ("mid", built.shares.mid_nano),
        ("high", built.shares.high_nano),
    ):
        left = assets_of(built, tape, share) - math.ceil(Fraction(impaired * share, NANO))
        # The claim was grown at several times, each to the nearest micro.
        assert line(report, f"unit_{band}.S") == pytest.approx(float(claim / SUPPLY["S"]) * NANO, abs=1)
        assert line(report, f"unit_{band}.J") == pytest.approx(float((left - claim) / SUPPLY["J"]) * NANO, abs=1)
    senior, junior = report.tranches
    assert (senior.supply_micro, junior.supply_micro) == (SUPPLY["S"], SUPPLY["J"])
    assert senior.value_mid_micro + junior.value_mid_micro == report.nav.mid_micro
    assert senior.protected
    assert senior.subordination_e12 == junior.value_low_micro * E12 // report.nav.low_micro


# --- what stands behind a unit ------------------------------------------------------------------


def test_the_reserve_over_the_supply(report: ListingReport):
    price = line(report, "unit_low.S")
    whole = Fraction(SUPPLY["S"] * price, NANO)
    assert line(report, "reserve_ratio.S") == math.floor(110_000 * MICRO / whole * E12)
    senior = report.tranches[0].backing
    assert senior is not None
    assert senior.reserve_micro + senior.till_micro == 110_000 * MICRO
    assert senior.till_micro == math.floor(whole / 50)


def test_coverage_and_days_by_a_plain_model_of_two_buckets(report: ListingReport):
    """2 % a day and 10 % in 30 days, of 100,000 that may be spent and 20 % of the units that may be held."""
    whole = Fraction(SUPPLY["S"] * line(report, "unit_low.S"), NANO)
    day, month = math.floor(whole / 50), math.floor(whole / 10)
    left, used_day, used_month, totals = 100_000 * MICRO, Fraction(0), Fraction(0), [0]
    for _ in range(400):
        spent = math.floor(min(day - used_day, month - used_month, left - totals[-1], whole / 5 - totals[-1]))
        totals.append(totals[-1] + max(spent, 0))
        used_day = max(used_day + spent - day, Fraction(0))
        used_month = max(used_month + spent - Fraction(month, 30), Fraction(0))
    for days in (1, 7, 30):
        assert line(report, f"coverage_{days}d.S") == math.floor(totals[days] / whole * E12), days
    for share in (10, 20, 40):
        wanted = math.floor(whole * share / 100)
        assert line(report, f"exit_curve_{share}.S") == next((n for n, t in enumerate(totals) if t >= wanted), None)
    assert line(report, "exit_curve_10.S") == 6
    assert line(report, "exit_curve_20.S") is None


def test_quoted_discounts_by_really_selling(built: Built, report: ListingReport):
    fair = line(report, "unit_mid.S")
    for name, share, quote in zip((1, 5, 10), QUOTED_E12, report.tranches[0].quotes, strict=True):
        exchange = copy_of(built.exchange)
        seller, asset = 9999, built.entry.tranches[0].asset
        units = SUPPLY["S"] * share // E12
        left = units
        for holder in (21, 22, 23):
            part = min(left, exchange.available(holder, asset))
            if part:
                exchange.apply(Transfer(account=holder, target_account=seller, asset=asset, amount_atoms=part))
            left -= part
        assert left == 0
        order = NewOrder(
            account=seller, side=Side.SELL, qty_lots=units // 10_000, price_ticks=1, order_type=OrderType.LIMIT,
            tif=TimeInForce.IOC, instrument=0,
        )  # fmt: skip
        trades = [event for event in exchange.apply(order) if isinstance(event, Trade)]
        sold = units - exchange.balance(seller, asset)
        money = exchange.balance(seller, built.quote)
        assert (quote.filled_micro, quote.paid_micro) == (sold, money)
        assert quote.asked_micro == units
        by_curve = sum(trade.qty_lots for trade in trades if trade.source is Source.CURVE) * 10_000
        assert (quote.curve_micro, quote.book_micro) == (by_curve, sold - by_curve)
        assert quote.worst_nano == min(trade.price_ticks for trade in trades) * 100_000
        assert line(report, f"discount_{name}.S") == math.ceil((1 - Fraction(money * NANO, sold * fair)) * E12)
    assert [quote.book_micro for quote in report.tranches[0].quotes] == [0, 20_000 * MICRO, 20_000 * MICRO]


def test_what_does_not_trade_has_no_quote(report: ListingReport):
    assert report.tranches[1].quotes == ()
    assert report.tranches[1].backing is None
    assert not [one for one in report.lines if one.key in ("discount_1.J", "reserve_ratio.J")]


# --- who owes, how late -------------------------------------------------------------------------


def test_obligors_and_their_concentration(report: ListingReport, tape: list[dict[str, Any]]):
    total = sum(row["debt"] for row in tape)
    ranked = sorted(((row["debt"], row["obligor"]) for row in tape), key=lambda one: (-one[0], one[1]))
    assert [(name, owed) for name, owed, _ in report.obligors.shares] == [(name, owed) for owed, name in ranked[:10]]
    for rank, (owed, _) in enumerate(ranked[:10], 1):
        assert line(report, f"obligor_{rank}") == math.ceil(Fraction(owed * E12, total))
    assert line(report, "hhi") == math.ceil(sum(Fraction(owed, total) ** 2 for owed, _ in ranked) * E12)
    assert line(report, "insurance_ratio") == 0


def test_days_past_due(report: ListingReport, tape: list[dict[str, Any]], built: Built):
    worth = dict(zip((one.asset_id for one in built.tape.assets), built.tape.valuation.mid_micro.tolist(), strict=True))
    for key, first, last in (
        ("current", 0, 0), ("1_29", 1, 29), ("30_59", 30, 59), ("60_89", 60, 89), ("90_119", 90, 119),
        ("120", 120, 10**6),
    ):  # fmt: skip
        rows = [row for row in tape if first <= row["days"] <= last]
        assert line(report, f"past_due_{key}") == sum(row["debt"] for row in rows)
        (found,) = [one for one in report.late if one.name.split(" ")[0].replace("-", "_") == key]
        assert (found.assets, found.mid_micro) == (len(rows), sum(worth[row["id"]] for row in rows))


def expected_loss(row: dict[str, Any]) -> int:
    """Return the provision of one row, month by month: of a year, of its life, or of all of it."""
    if row["state"] == "defaulted" or row["days"] >= 90:
        return math.ceil(row["debt"] * row["l"])
    horizon = 1200 if row["days"] >= 30 else 12
    p, loss_share, balance = float(row["p"]), float(row["l"]), float(row["principal"])
    if row["kind"] == "invoice":
        return math.ceil((1 - (1 - p) ** (int(row["due_days"]) / 365)) * balance * loss_share)
    months, rate = int(row["months"]), float(row["rate"]) / 12
    payment = balance * rate / (1 - (1 + rate) ** -months)
    alive, loss = 1.0, 0.0
    default, prepay = 1 - (1 - p) ** (1 / 12), 1 - (1 - float(row["c"])) ** (1 / 12)
    for month in range(1, min(months, horizon) + 1):
        loss += alive * default * balance * loss_share * (1 + rate) ** -month
        alive *= (1 - default) * (1 - prepay)
        balance -= payment - balance * rate if row["kind"] == "amortising" else 0
    return math.ceil(loss)


def test_stages_and_their_losses(report: ListingReport, tape: list[dict[str, Any]]):
    losses: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for row in tape:
        defaulted = row["state"] == "defaulted" or row["days"] >= 90
        losses[3 if defaulted else 2 if row["days"] >= 30 else 1].append(expected_loss(row))
    for stage in report.stages:
        expected = losses[stage.stage]
        assert stage.assets == len(expected)
        # A double's last bits may decide a ceiling: a micro an asset.
        assert abs(line(report, f"stage_{stage.stage}") - sum(expected)) <= len(expected)


# --- the stress ---------------------------------------------------------------------------------


def test_the_stress_by_the_plain_reference(built: Built, report: ListingReport):
    """PD times three and 20 points of LGD, asset by asset; the bands of that; caps as they were."""
    truth = stressed_tape(built.tape, built.setup.run)
    for asset, worse in zip(built.tape.assets, truth.assets, strict=True):
        assert worse.terms.pd_e12 == 3 * asset.terms.pd_e12
        assert worse.terms.lgd_e12 == asset.terms.lgd_e12 + E12 // 5
        assert worse.terms.spread_e12 == asset.terms.spread_e12
        assert worse.terms.seller_pd_e12 in (-1, 3 * asset.terms.seller_pd_e12)
    assert truth.kept_micro == built.tape.kept_micro
    total = 0
    for n, asset in enumerate(built.tape.assets):
        terms = stressed(asset.terms, Band.LOW, Stress(pd_multiple_e12=3 * E12, lgd_add_e12=E12 // 5, spread_add_e12=0))
        if asset.state is not LoanState.DEFAULTED:
            total += min(
                round(expected_value(asset.position, terms, built.tape.curve)), int(truth.valuation.cap_micro[n])
            )
    assert abs(report.run.true_mid_micro - total) <= len(built.tape.assets)
    assert line(report, "stress_assets") == report.run.fair_mid_micro - report.run.true_mid_micro
    assert report.run.true_low_micro < report.run.true_mid_micro < report.run.fair_mid_micro


# --- inputs, form -------------------------------------------------------------------------------


def test_insurance_and_backing_are_what_the_description_says(built: Built):
    setup = msgspec.structs.replace(built.setup, insurance_micro=30_000 * MICRO, backing_e12=104 * E12 // 100)
    report = listing_report(msgspec.structs.replace(built, setup=setup))
    largest = report.obligors.shares[0][1]
    assert line(report, "insurance_ratio") == 30_000 * MICRO * E12 // largest
    assert line(report, "backing_ratio") == 104 * E12 // 100
    assert report.lines[-1].text == "104.00 %"
    assert "There is no insurance fund." not in report.notes


def test_without_an_anchored_token_the_line_says_so(report: ListingReport):
    assert line(report, "backing_ratio") is None
    assert report.lines[-1].text == "no anchored token"


STABLE = [
    "schema", "name", "as_of", "model", "input_hash", "assets", "nav", "tranches", "obligors", "counterparties", "late",
    "stages", "insurance_micro", "insurance_ratio_e12", "backing_e12", "run", "notes", "lines",
]  # fmt: skip
OF_A_TRANCHE = [
    "reserve_ratio", "coverage_1d", "coverage_7d", "coverage_30d", "exit_curve_10", "exit_curve_20", "exit_curve_40",
    "exit_10", "exit_20", "exit_40", "discount_1", "discount_5", "discount_10", "unit_low", "unit_mid", "unit_high",
]  # fmt: skip
OF_THE_POOL = [
    "nav_low", "nav_mid", "nav_high", "nav_age", *(f"obligor_{n}" for n in range(1, 11)), "hhi", "past_due_current",
    "past_due_1_29", "past_due_30_59", "past_due_60_89", "past_due_90_119", "past_due_120", "stage_1", "stage_2",
    "stage_3", "insurance_ratio", "stress_assets",
]  # fmt: skip
OF_THE_RUN = ["haircut", "haircut_assets", "haircut_stayers", "haircut_leavers", "run_left"]


def test_keys_are_stable_and_the_json_is_the_same_twice(built: Built, report: ListingReport):
    parsed = json.loads(report.to_json())
    assert list(parsed) == STABLE
    assert parsed["schema"] == 1
    keys = [one["key"] for one in parsed["lines"]]
    assert keys == (
        [f"{key}.S" for key in OF_A_TRANCHE]
        + [f"{key}.J" for key in (*OF_A_TRANCHE[7:10], *OF_A_TRANCHE[13:])]
        + OF_THE_POOL
        + [f"{key}.{name}" for name in "SJ" for key in OF_THE_RUN]
        + ["backing_ratio"]
    )
    assert all(one["how"] and one["unit"] and one["text"] for one in parsed["lines"])
    assert listing_report(built).to_json() == report.to_json()


def test_every_key_is_in_the_docs():
    page = (EXAMPLE.parents[1] / "docs" / "listing.md").read_text()
    stems = [
        *OF_A_TRANCHE,
        *OF_THE_RUN,
        "nav_low",
        "nav_age",
        "obligor_1",
        "hhi",
        "past_due_",
        "stage_",
        "insurance_ratio",
    ]
    missing = [stem for stem in [*stems, "stress_assets", "backing_ratio"] if f"`{stem}" not in page]
    assert missing == []
