"""What the other engines come to, and every difference with the rule that explains it.

CppTrader's files say in comments what they are about; the outcomes here were worked out from those, from its published
source where they are silent, and are facts about it, not its text. exchange-core's features carry their own.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.conformance.outcome import Outcome

_LADDER_BIDS = "30: 7x10 8x20 9x30; 20: 4x10 5x20 6x30; 10: 1x10 2x20 3x30"
_LADDER_ASKS = "40: 16x30 17x20 18x10; 50: 13x30 14x20 15x10; 60: 10x30 11x20 12x10"

CPPTRADER: dict[str, tuple[str, Outcome]] = {
    "scenario-01": ("a symbol comes and goes", Outcome()),
    "scenario-02": ("a book comes and goes", Outcome()),
    "scenario-03": ("reduce, modify, replace, delete", Outcome()),
    "scenario-04": ("two limit orders match", Outcome(trades="1 x10 @10")),
    "scenario-05": ("a market order matches", Outcome(trades="1 x10 @10")),
    "scenario-06": (
        "a limit order takes two levels",
        Outcome(
            trades="16 x30 @40; 17 x20 @40; 18 x10 @40; 13 x30 @50; 14 x10 @50",
            bids=_LADDER_BIDS,
            asks="50: 14x10 15x10; 60: 10x30 11x20 12x10",
        ),
    ),
    "scenario-07": (
        "a market order with slippage",
        Outcome(
            trades="7 x10 @30; 8 x20 @30; 9 x30 @30; 4 x10 @20; 5 x20 @20; 6 x30 @20",
            bids="10: 1x10 2x20 3x30",
            asks=_LADDER_ASKS,
        ),
    ),
    "scenario-08": (
        "all-or-none orders rest until a chain matches",
        Outcome(trades="1 x20 @10; 5 x5 @10; 6 x20 @10; 2 x10 @10; 3 x5 @10; 4 x15 @10; 7 x15 @10"),
    ),
    "scenario-09": ("IOC", Outcome(trades="3 x30 @30; 2 x20 @20; 1 x10 @10")),
    "scenario-10": (
        "FOK killed, FOK filled",
        Outcome(trades="3 x30 @10; 2 x10 @10", refused="4 killed", bids="20: 2x10; 10: 1x10"),
    ),
    "scenario-11": ("a stop", Outcome(trades="3 x30 @30; 2 x10 @20; 2 x10 @20; 1 x10 @10")),
    "scenario-12": (
        "a stop-limit",
        Outcome(trades="3 x30 @30; 2 x10 @20", bids="20: 2x10; 10: 1x10", asks="30: 4x30"),
    ),
    "scenario-13": (
        "a trailing stop",
        Outcome(trades="3 x10 @30", bids="30: 3x20; 20: 2x20; 10: 1x10", waits="4 sell x100 stop 20"),
    ),
    "scenario-14": ("mitigate, up and down", Outcome(trades="1 x20 @10")),
}
"""file -> (what it is about, what CppTrader comes to)."""


class Difference(NamedTuple):
    """One part of an outcome that differs: what parbook comes to instead, and why."""

    scenario: str
    part: str
    parbook: str
    rule: str


_NO_AON = (
    "No resting all-or-none: it locks books (docs/rules.md, min_lots). The nearest order here, a minimum quantity of"
    " the whole, is refused at entry when it cannot fill at once"
)

DIFFERENCES = (
    Difference("scenario-08", "trades", "3 x5 @10", f"{_NO_AON}; the plain orders trade with each other."),
    Difference(
        "scenario-08",
        "refused",
        "1 MIN_QTY_UNFILLABLE; 2 MIN_QTY_UNFILLABLE; 4 MIN_QTY_UNFILLABLE; 6 MIN_QTY_UNFILLABLE",
        f"{_NO_AON}.",
    ),
    Difference("scenario-08", "asks", "10: 7x15", f"{_NO_AON}; the last plain order finds nobody and rests."),
    Difference(
        "scenario-10",
        "trades",
        "3 x30 @30; 2 x10 @20",
        "Every fill prints at the resting side's price, a FOK's too (docs/rules.md, Matching); there it prints at the"
        " taker's.",
    ),
    Difference(
        "scenario-10",
        "refused",
        "4 FOK_UNFILLABLE",
        "The same, under its name: a FOK that cannot fill is refused with a code (docs/rules.md, Feasibility).",
    ),
    Difference(
        "scenario-13",
        "refused",
        "4 NO_REFERENCE_PRICE",
        "A trailing stop needs the last trade it follows (docs/rules.md, stop): without one nobody could say where it"
        " stands.",
    ),
    Difference(
        "scenario-13",
        "waits",
        "",
        "As above. Entered after the trade it waits at the same stop, which a test shows. A step between moves is not"
        " offered: the stop follows every print.",
    ),
)

WITHOUT_REFERENCE = Difference(
    "scenario-05",
    "refused",
    "2 NO_REFERENCE_PRICE",
    "Market orders are protected by a collar around a reference price, and refused where there is none (docs/rules.md,"
    " Types). The files run with an anchor that trades nothing and a collar of 90 %; this one was run without as well.",
)

LEFT_OUT_STEPS = {
    "a client is given money": 13,
    "a balance is compared": 19,
    "an order is refused for want of money": 4,
    "a move beyond the reserve price is refused": 1,
}
"""exchange-core's steps that a single market cannot take: it keeps no money. They belong to the ledger above it."""

RUN_STEPS = 67
"""exchange-core's steps that were taken, in five scenarios. None differs."""
