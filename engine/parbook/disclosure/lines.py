"""The lines of the report one by one: key, number, unit, words, and how it was computed. Keys stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from parbook.disclosure.records import Backing, Line, ListingReport, Quote, TrancheLines
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide
from parbook.units import from_units

_HORIZONS: Final = (1, 7, 30)
_EXITS: Final = (10, 20, 40)
_QUOTED: Final = (1, 5, 10)
_STAGES: Final = {1: "12 months", 2: "lifetime", 3: "defaulted"}


def lines_of(report: ListingReport) -> Iterator[Line]:
    """Yield all lines, in the order of the report."""
    for tranche in report.tranches:
        yield from _tranche_lines(tranche, report.run.days)
    yield from _nav_lines(report)
    yield from _asset_lines(report)
    yield from _run_lines(report)
    backing = report.backing_e12
    yield Line(
        key="backing_ratio",
        label="Backing ratio of the anchored token",
        value=backing,
        unit="1e-12",
        text="no anchored token" if backing is None else percent(backing, Rounding.FLOOR),
        how="Sum of (1 - haircut) x low value of the legs over the supply; of the venue's token, else as described",
    )


def _tranche_lines(tranche: TrancheLines, days: int) -> Iterator[Line]:
    name = tranche.name
    if tranche.backing is not None:
        yield from _backing_lines(name, tranche.backing)
    for share, exit_ns in zip(_EXITS, tranche.exit_ns, strict=True):
        text = f"more than {days} days" if exit_ns is None else duration(exit_ns)
        yield Line(
            key=f"exit_{share}.{name}",
            label=f"{name}: time to exit for {share} % of supply",
            value=exit_ns,
            unit="ns",
            text=text,
            how="By trial on a copy: every way at every step, reports on time, nothing repaid meanwhile",
        )
    for share, quote in zip(_QUOTED, tranche.quotes, strict=False):
        yield _quote_line(name, share, quote)
    for band, price, value in (
        ("low", tranche.exit_low_nano, tranche.value_low_micro),
        ("mid", tranche.exit_mid_nano, tranche.value_mid_micro),
        ("high", tranche.exit_high_nano, tranche.value_high_micro),
    ):
        yield Line(
            key=f"unit_{band}.{name}",
            label=f"{name}: exit price of a unit, {band}",
            value=price,
            unit="1e-9",
            text=f"{decimal(price, NANO)} ({money(value)} in all)",
            how="(value of the tranche - unrealised losses) / supply, rounded down",
        )


def _backing_lines(name: str, backing: Backing) -> Iterator[Line]:
    yield Line(
        key=f"reserve_ratio.{name}",
        label=f"{name}: reserve ratio",
        value=backing.reserve_ratio_e12,
        unit="1e-12",
        text=f"{percent(backing.reserve_ratio_e12, Rounding.FLOOR)} "
        f"({money(backing.reserve_micro)} in reserve, {money(backing.till_micro)} in the till)",
        how="(reserve + till) / (supply x low exit price)",
    )
    for days, share, bought in zip(_HORIZONS, backing.coverage_e12, backing.bought_micro, strict=True):
        yield Line(
            key=f"coverage_{days}d.{name}",
            label=f"{name}: {days}-day coverage",
            value=share,
            unit="1e-12",
            text=f"{percent(share, Rounding.FLOOR)} ({money(bought)})",
            how="What the buyback's buckets, bounds and reserve let it spend by then / (supply x low exit price)",
        )
    for share, days_needed in zip(_EXITS, backing.exit_days, strict=True):
        yield Line(
            key=f"exit_curve_{share}.{name}",
            label=f"{name}: days until the buyback alone has bought {share} %",
            value=days_needed,
            unit="days",
            text="never" if days_needed is None else f"{days_needed}",
            how="The same buckets, run daily",
        )


def _quote_line(name: str, share: int, quote: Quote) -> Line:
    traded = f"{money(quote.filled_micro)} of {money(quote.asked_micro)} units trade"
    if quote.discount_e12 is None:
        text = "no bid"
    else:
        text = f"{percent(quote.discount_e12, Rounding.CEIL)} ({traded}, for {money(quote.paid_micro)})"
    return Line(
        key=f"discount_{share}.{name}",
        label=f"{name}: quoted discount to fair, selling {share} % of supply",
        value=quote.discount_e12,
        unit="1e-12",
        text=text,
        how="1 - average price / middle exit price, of what book and curve would trade now, before fees",
    )


def _nav_lines(report: ListingReport) -> Iterator[Line]:
    nav = report.nav
    for band, value in (("low", nav.low_micro), ("mid", nav.mid_micro), ("high", nav.high_micro)):
        yield Line(
            key=f"nav_{band}",
            label=f"Net assets, {band}",
            value=value,
            unit="1e-6",
            text=money(value),
            how="share of the band x what is kept, rounded down, + cash - fees, at the fair value in force",
        )
    yield Line(
        key="nav_age",
        label="Age of the fair value",
        value=nav.age_ns,
        unit="ns",
        text=f"{duration(nav.age_ns)}, feed {nav.feed}",
        how="Since the oldest observation in the round in force",
    )


def _asset_lines(report: ListingReport) -> Iterator[Line]:
    for rank, (name, owed, share) in enumerate(report.obligors.shares, 1):
        yield Line(
            key=f"obligor_{rank}",
            label=f"Obligor {rank}: {name}",
            value=share,
            unit="1e-12",
            text=f"{percent(share, Rounding.CEIL)} ({money(owed)} owed)",
            how="owed / owed by all",
        )
    yield Line(
        key="hhi",
        label="HHI of obligors",
        value=report.obligors.hhi_e12,
        unit="1e-12",
        text=percent(report.obligors.hhi_e12, Rounding.CEIL),
        how="sum of squared shares of what is owed, rounded up; 100 % is one obligor",
    )
    for late in report.late:
        yield Line(
            key=f"past_due_{late.name.split(' ')[0].replace('-', '_')}",
            label=f"Days past due: {late.name}",
            value=late.owed_micro,
            unit="1e-6",
            text=f"{late.assets} assets, {money(late.owed_micro)} owed, worth {money(late.mid_micro)}",
            how="owed by assets so many days past due; worth by the middle band",
        )
    for stage in report.stages:
        yield Line(
            key=f"stage_{stage.stage}",
            label=f"Stage {stage.stage}, {_STAGES[stage.stage]}",
            value=stage.loss_micro,
            unit="1e-6",
            text=f"{stage.assets} assets, {money(stage.owed_micro)} owed, expected loss {money(stage.loss_micro)}",
            how="expected credit loss by stage: reported, not priced",
        )
    yield Line(
        key="insurance_ratio",
        label="Insurance / largest obligor",
        value=report.insurance_ratio_e12,
        unit="1e-12",
        text=f"{percent(report.insurance_ratio_e12, Rounding.FLOOR)} ({money(report.insurance_micro)} insured)",
        how="insurance, as the description says / what the largest obligor owes",
    )


def _run_lines(report: ListingReport) -> Iterator[Line]:
    run = report.run
    what = (
        f"PD x {decimal(run.pd_multiple_e12, E12)}, LGD + {percent(run.lgd_add_e12, Rounding.NEAREST)}, reports "
        f"{duration(run.late_ns)} late, a run of {percent(run.share_e12, Rounding.NEAREST)}"
    )
    lost = run.fair_mid_micro - run.true_mid_micro
    yield Line(
        key="stress_assets",
        label="What the assets lose under the stress",
        value=lost,
        unit="1e-6",
        text=f"{money(lost)} of {money(run.fair_mid_micro)}",
        how=f"middle fair value by the kernel, as it is and under the stress ({what})",
    )
    for cut in run.haircuts:
        how = "1 - (what they have in the end / what they would have had then without the run and the stress)"
        for key, label, share in (
            ("haircut", f"worst-case haircut ({what})", cut.worst_e12),
            ("haircut_assets", "haircut by the stress alone, nobody leaving", cut.assets_e12),
            ("haircut_stayers", "haircut of those who stay", cut.stayers_e12),
            ("haircut_leavers", "haircut of those who run", cut.leavers_e12),
        ):
            yield Line(
                key=f"{key}.{cut.name}",
                label=f"{cut.name}: {label}",
                value=share,
                unit="1e-12",
                text="nobody has units" if share is None else percent(share, Rounding.CEIL),
                how=how if key != "haircut" else "the larger of stayers' and leavers'",
            )
        exits = cut.exits
        yield Line(
            key=f"run_left.{cut.name}",
            label=f"{cut.name}: units that had left after {run.days} days of the run",
            value=exits.left_micro,
            unit="1e-6",
            text=f"{money(exits.left_micro)} of {money(exits.asked_micro)} (book {money(exits.book_micro)}, curve "
            f"{money(exits.curve_micro)}, desk {money(exits.desk_micro)}, queue {money(exits.queue_micro)})",
            how="by trial on a copy, every way tried at every step",
        )


# --- words --------------------------------------------------------------------------------------


def decimal(value: int, one: int) -> str:
    """Return a number of units of 1/one with the digits it has."""
    text = f"{Decimal(value) / one:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(micro: int) -> str:
    """Return an amount with two decimals, rounded down as a payout is."""
    return f"{from_units(micro // (MICRO // 100), Decimal('0.01')):,.2f}"


def percent(share_e12: int, rounding: Rounding) -> str:
    """Return a share with two decimals, rounded as it must not flatter."""
    return f"{from_units(divide(share_e12, E12 // 10_000, rounding), Decimal('0.01')):f} %"


def duration(ns: int) -> str:
    """Return a time in days and hours, rounded up to the minute below an hour."""
    minutes = divide(ns, 60 * 10**9, Rounding.CEIL)
    days, rest = divmod(minutes, 1440)
    parts = [f"{days} days" if days != 1 else "1 day"] if days else []
    hours, minutes = divmod(rest, 60)
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes and not days else []
    return " ".join(parts) or "0 h"
