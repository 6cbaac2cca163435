"""A replay's outcome in words and rows, for the terminal and for the page."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from parbook.replay.result import CurveReport, ReplayResult, percent_text
from parbook.units import PPM, from_units

UNFILLED_NOTE: Final = (
    "More is left unfilled with the curve than without, because the log's orders come at the prices and times they "
    "came at without it: some of the orders they then met have already traded, with the curve or with orders it "
    "spared, and their limits reach no further."
)
"""Said when it is so: a log does not react to the curve."""

Rows = list[tuple[str, str]]
"""(label, value)."""


def conclusion(result: ReplayResult) -> str:
    """Return one plain sentence that says what the replay showed."""
    symbols = ", ".join(result.symbols[:3]) + (", ..." if len(result.symbols) > 3 else "")
    failed = [check for check in result.checks if check.required and check.failed]
    if failed:
        worst = failed[0]
        return (
            f"The log and the rebuilt market disagree: {worst.failed:,} of {worst.total:,} comparisons failed "
            f"where {worst.what}."
        )
    checked = sum(check.total for check in result.checks if check.required)
    ground = (
        f"All {checked:,} comparisons with the log held"
        if checked
        else f"The {result.format} log holds nothing to compare with"
    )
    if result.curve is None:
        return f"{ground}: {result.messages:,} messages of {symbols} were replayed."
    return f"{ground}. {_curve_sentence(result, result.curve)}"


def outcome(result: ReplayResult) -> str:
    """Return the outcome in a word or two; a replay without comparisons does not call itself verified."""
    if not result.verified:
        return "Not verified"
    return "Verified" if any(check.required and check.total for check in result.checks) else "Done"


def summary_rows(result: ReplayResult) -> Rows:
    """Return what was replayed and how far it was verified."""
    rows: Rows = [
        ("Log", result.log),
        ("Format and mode", f"{result.format}, {result.mode}"),
        (
            "Symbol",
            ", ".join(result.symbols[:8]) + (f" and {len(result.symbols) - 8} more" if len(result.symbols) > 8 else ""),
        ),
        ("Messages", f"{result.messages:,}"),
    ]
    for check in result.checks:
        note = "" if check.required else " (for information)"
        rows.append((f"{_title(check.what)}{note}", f"{check.percent} % ({check.passed:,} of {check.total:,})"))
    rows.append(("Mismatches", f"{result.mismatches_total:,}"))
    rows.append(("Outcome", outcome(result)))
    return rows


def curve_rows(result: ReplayResult) -> Rows:
    """Return what the curve did, in prices, quantities and money; empty without a curve."""
    curve = result.curve
    if curve is None:
        return []
    lot = Decimal(result.lot)
    value = Decimal(result.tick) * lot

    def lots(number: int) -> str:
        return f"{from_units(number, lot):,f}"

    def money(number: int) -> str:
        return f"{from_units(number, value):,f}"

    unfilled, unfilled_joint = _unfilled(curve)
    return [
        ("Fair price from", curve.anchor_source),
        ("Anchors activated", f"{curve.anchors_activated:,} of {curve.anchors_proposed:,} proposed"),
        ("Curve bought", f"{lots(curve.bought_lots)} for {money(curve.bought_notional)}"),
        ("Curve sold", f"{lots(curve.sold_lots)} for {money(curve.sold_notional)}"),
        ("Share of what sellers sold", f"{percent_text(curve.curve_share_sell_ppm, PPM)} % by the curve"),
        ("Share of what buyers bought", f"{percent_text(curve.curve_share_buy_ppm, PPM)} % from the curve"),
        ("Traded in the book", f"{lots(curve.book_lots)} ({lots(curve.book_lots_alone)} without the curve)"),
        ("Left unfilled", f"{lots(unfilled_joint)} ({lots(unfilled)} without the curve)"),
        (
            "Filled that the book alone left over",
            lots(curve.residual_filled_buy_lots + curve.residual_filled_sell_lots),
        ),
        ("Average discount of curve buys to fair", f"{curve.discount_ppm:,} ppm"),
        ("Reserve used, at most", f"{money(curve.reserve_used_max_notional)} of {money(curve.budget_notional)}"),
        ("Reserve used, at the end", money(curve.reserve_used_final_notional)),
        (
            "Inventory at the end",
            f"{lots(curve.net_lots)} (range {lots(curve.net_lots_min)} to {lots(curve.net_lots_max)})",
        ),
        ("Result at the final fair price", money(curve.pnl_notional)),
        ("Log commands overtaken by the curve", f"{curve.diverged:,}"),
    ]


def remarks(result: ReplayResult) -> list[str]:
    """Return what a reader should know beside the figures: the log's notes, and what was left out of a comparison."""
    out = list(result.notes)
    left_out = result.counts.get("aggressors_not_compared", 0)
    if left_out:
        out.append(f"{left_out:,} aggressors were not compared: they met orders that the log does not show.")
    skipped = result.counts.get("skipped_messages", 0)
    if skipped:
        out.append(f"{skipped:,} messages were skipped: they name orders that the log does not show.")
    curve = result.curve
    if curve is not None and _unfilled(curve)[1] > _unfilled(curve)[0]:
        out.append(UNFILLED_NOTE)
    return out


def _unfilled(curve: CurveReport) -> tuple[int, int]:
    """Return the lots left unfilled without and with the curve."""
    alone = curve.unfilled_alone_buy_lots + curve.unfilled_alone_sell_lots
    return alone, curve.unfilled_joint_buy_lots + curve.unfilled_joint_sell_lots


def text_summary(result: ReplayResult) -> str:
    """Return the summary for a terminal: the sentence, the rows, and the first mismatches with their place."""
    rows = summary_rows(result) + curve_rows(result)
    width = max(len(label) for label, _ in rows)
    lines = [conclusion(result), ""] + [f"{label:<{width}}  {value}" for label, value in rows]
    lines += [f"note: {note}" for note in remarks(result)]
    for item in result.mismatches:
        at = f", {item.side} level {item.level}" if item.level else f", {item.side}" if item.side else ""
        lines.append(f"MISMATCH {item.where}{at}: {item.reason}; expected {item.expected}, got {item.got}")
    if result.mismatches_total > len(result.mismatches):
        lines.append(f"... and {result.mismatches_total - len(result.mismatches):,} more")
    return "\n".join(lines)


def _curve_sentence(result: ReplayResult, curve: CurveReport) -> str:
    lot = Decimal(result.lot)
    value = Decimal(result.tick) * lot
    if not curve.bought_lots and not curve.sold_lots:
        return "The curve never traded."
    used = from_units(curve.reserve_used_max_notional, value)
    return (
        f"With the curve beside the book, the protocol would have bought {from_units(curve.bought_lots, lot):,f} "
        f"{result.symbols[0]} and resold {from_units(curve.sold_lots, lot):,f}, "
        f"with at most {used:,f} of its reserve in use."
    )


def _title(text: str) -> str:
    return text[0].upper() + text[1:]
