"""A pool's net asset value in words and rows, for the terminal and for the page."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from parbook.assets.nav import Nav
from parbook.pools.amounts import MICRO, NANO
from parbook.pools.limits import Concentration, percent
from parbook.report.summary import Rows
from parbook.units import from_units

_CENT: Final = MICRO // 100
_STAGES: Final = {1: "Stage 1, 12 months", 2: "Stage 2, lifetime", 3: "Stage 3, defaulted"}


def money(micro: int) -> str:
    """Return an amount with two decimals, rounded down as a payout is."""
    return f"{from_units(micro // _CENT, Decimal('0.01')):,.2f}"


def price(nano: int) -> str:
    """Return a price with all its digits."""
    return f"{from_units(nano, Decimal(1) / NANO):f}"


def conclusion(nav: Nav) -> str:
    """Return one plain sentence: what the pool is worth, and between what bounds."""
    day = f" on {nav.as_of}" if nav.as_of else ""
    return (
        f"{nav.assets:,} assets that owe {money(nav.owed_micro)} are worth {money(nav.mid_micro)}{day}, "
        f"between {money(nav.low_micro)} and {money(nav.high_micro)}; net assets are {money(nav.net_mid_micro)}."
    )


def value_rows(nav: Nav) -> Rows:
    """Return value, cash and net assets."""
    share = percent(nav.mid_micro * 10**12 // nav.owed_micro) if nav.owed_micro > 0 <= nav.mid_micro else "-"
    return [
        ("Owed", money(nav.owed_micro)),
        ("Fair value, low", money(nav.low_micro)),
        ("Fair value, middle", f"{money(nav.mid_micro)} ({share} of what is owed)"),
        ("Fair value, high", money(nav.high_micro)),
        ("Held at their cap", f"{nav.capped:,} of {nav.assets:,}"),
        ("Cash", money(nav.cash.cash_micro)),
        ("Promised to leavers", money(nav.cash.claimable_micro)),
        ("Fees owed", money(nav.cash.fees_micro)),
        ("Net assets, low to high", f"{money(nav.net_low_micro)} to {money(nav.net_high_micro)}"),
    ]


def tranche_rows(nav: Nav) -> Rows:
    """Return each tranche: value and prices in the middle band, exit price in the low one."""
    rows = []
    lows = {each.name: each for each in nav.tranches.get("low", ())}
    for each in nav.tranches.get("mid", ()):
        text = (
            f"worth {money(each.value_micro)}; entry {price(each.entry_nano)}, exit {price(each.exit_nano)}, "
            f"low {price(lows[each.name].exit_nano)}; {percent(each.subordination_e12)} below it"
        )
        rows.append((each.name.capitalize(), text if each.protected else f"{text}, LESS THAN ITS MINIMUM"))
    return rows


def risk_rows(nav: Nav) -> Rows:
    """Return days past due, stages, concentration and sensitivities."""
    rows: Rows = []
    for each in nav.late:
        if each.assets:
            rows.append((f"Past due {each.name}", f"{each.assets:,} assets, {money(each.owed_micro)} owed"))
    for stage in nav.stages:
        loss = f"{stage.assets:,} assets, expected loss {money(stage.loss_micro)} (reported, not priced)"
        rows.append((_STAGES[stage.stage], loss))
    rows.append(("Largest obligor", _largest(nav.obligors)))
    rows.append(("Largest counterparty", _largest(nav.sellers)))
    rows.append(("HHI of obligors", percent(nav.obligors.hhi_e12)))
    rows += [(f"If {each.name}", f"{money(each.change_micro)} (from the buckets)") for each in nav.sensitivities]
    return rows


def remarks(nav: Nav) -> list[str]:
    """Return what a reader must not miss."""
    notes = [f"Limit passed: {breach}." for breach in nav.breaches]
    if nav.net_mid_micro < 0:
        notes.append("Net assets are below zero: every tranche is worth nothing.")
    return notes


def text_summary(nav: Nav) -> str:
    """Return the summary for a terminal."""
    rows = value_rows(nav) + tranche_rows(nav) + risk_rows(nav)
    width = max(len(label) for label, _ in rows)
    lines = [conclusion(nav), ""] + [f"{label:<{width}}  {text}" for label, text in rows]
    lines += [f"note: {note}" for note in remarks(nav)]
    lines.append(f"model {nav.model}, inputs {nav.input_hash[:16]}")
    return "\n".join(lines)


def _largest(who: Concentration) -> str:
    if not who.shares:
        return "none"
    name, amount, share = who.shares[0]
    return f"{name}: {money(amount)}, {percent(share)}"
