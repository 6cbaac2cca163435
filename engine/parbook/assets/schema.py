"""The declared columns of a tape, how a cell becomes an integer, and what is said when it does not.

Amounts have at most 6 decimals, rates and probabilities at most 12; they are read exactly or refused, never rounded.
Rates are fractions: 0.06, not 6 and not "6 %".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from parbook.assets.curve import DAYS_MAX, RATE_E12_MAX
from parbook.assets.kinds import QUANTITY_E6_MAX, AssetKind
from parbook.assets.schedule import PERIODS_MAX
from parbook.assets.terms import LAG_MONTHS_MAX
from parbook.errors import TapeError, shown
from parbook.pools.amounts import ASSET_MICRO_MAX, E12
from parbook.pools.states import LoanState
from parbook.pools.writeoff import DAYS_PAST_DUE_MAX

FAULTS_SHOWN: Final = 20
"""How many faults a TapeError lists; it counts them all."""
TEXT_MAX: Final = 200
"""Longest cell of text."""

_NUMBER: Final = re.compile(r"([+-]?)(\d{1,25})(?:\.(\d{1,25}))?", re.ASCII)


class CellError(Exception):
    """A cell is wrong; `reason` and `remedy` make a Fault of it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Fault(NamedTuple):
    """One wrong cell, or with an empty `column` one wrong row. `row` is the line of a CSV file, or 1 + the record."""

    row: int
    column: str
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = f"row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{place}{f', {shown(self.value)}' if self.value else ''}: {self.reason}. {self.remedy}"


class Faults:
    """Faults as they are found: the first are kept, all are counted."""

    def __init__(self, where: str, limit: int = FAULTS_SHOWN) -> None:
        self.where = where
        self.limit = limit
        self.kept: list[Fault] = []
        self.total = 0

    def add(self, row: int, column: str, value: str, reason: str, remedy: str) -> None:
        """Note one fault."""
        self.total += 1
        if len(self.kept) < self.limit:
            self.kept.append(Fault(row=row, column=column, value=value, reason=reason, remedy=remedy))

    def raise_any(self) -> None:
        """Raise TapeError when there are any."""
        if self.total:
            raise TapeError(self.where, self.kept, self.total)


class Column(msgspec.Struct, frozen=True):
    """A column: its name, how its text is read, and what it means."""

    name: str
    read: Callable[[str], Any]
    meaning: str


# --- cells --------------------------------------------------------------------------------------


def scaled(decimals: int, low: int, high: int, hint: str) -> Callable[[str], int]:
    """Return a reader of decimal numbers in units of 10**-decimals, within low..high in that unit."""

    def read(text: str) -> int:
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise CellError("it is no plain decimal number", hint)
        sign, whole, part = match[1], match[2], match[3] or ""
        if part[decimals:].strip("0"):
            raise CellError(f"it has more than {decimals} decimals", "Round it to them before it is valued.")
        number = int(whole + part[:decimals].ljust(decimals, "0"))
        if sign == "-":
            number = -number
        if not low <= number <= high:
            raise CellError(f"it is outside {_plain(low, decimals)}..{_plain(high, decimals)}", hint)
        return number

    return read


def _plain(number: int, decimals: int) -> str:
    whole, part = divmod(abs(number), 10**decimals)
    digits = f"{part:0{decimals}}".rstrip("0") if decimals else ""
    return f"{'-' if number < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def text_cell(text: str) -> str:
    """Read a name."""
    if len(text) > TEXT_MAX:
        raise CellError(f"it has {len(text)} characters, above {TEXT_MAX}", "Shorten it.")
    if not text.isprintable():
        raise CellError("it holds characters that cannot be printed", "Take them out.")
    return text


def hash_cell(text: str) -> str:
    """Read a SHA-256."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise CellError("it is no SHA-256", "Give 64 lower-case hexadecimal digits, or leave it empty.")
    return text


def date_cell(text: str) -> date:
    """Read an ISO date."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise CellError("it is no date", "Write YYYY-MM-DD.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CellError("there is no such day", "Write YYYY-MM-DD.") from None


def choice(names: Iterable[str]) -> Callable[[str], str]:
    """Return a reader of one of some words, in lower case."""
    allowed = tuple(names)

    def read(text: str) -> str:
        word = text.lower()
        if word not in allowed:
            near = difflib.get_close_matches(word, allowed, 1, 0.6)
            raise CellError(
                f"it is none of {', '.join(allowed)}", f"Did you mean {near[0]}?" if near else "Write one of them."
            )
        return word

    return read


_MONEY = scaled(6, 0, ASSET_MICRO_MAX, "Write an amount such as 12500.50, without separators or a currency.")
_SIGNED = scaled(6, -ASSET_MICRO_MAX, ASSET_MICRO_MAX, "Write a price such as 41.25.")
_QUANTITY = scaled(6, 0, QUANTITY_E6_MAX, "Write a quantity such as 720.")
_SHARE = scaled(12, 0, E12, "Write a fraction: 0.06 for 6 %.")
_RATE = scaled(12, 0, RATE_E12_MAX, "Write a fraction: 0.12 for 12 %.")
_GROWTH = scaled(12, -E12, RATE_E12_MAX, "Write a fraction: 0.02 for 2 %.")
_ZERO = scaled(12, -E12, RATE_E12_MAX, "Write a fraction: 0.0425 for 4.25 %.")
_CORRELATION = scaled(12, -E12, E12, "Write a number of -1 to 1.")
_MONTHS = scaled(0, 1, PERIODS_MAX, "Write a whole number of months.")
_LAG = scaled(0, 0, LAG_MONTHS_MAX, "Write a whole number of months.")
_DAYS = scaled(0, -DAYS_PAST_DUE_MAX, DAYS_MAX, "Write a whole number of days.")
_FUTURE = scaled(0, 0, DAYS_MAX, "Write a whole number of days.")
_LATE = scaled(0, 0, DAYS_PAST_DUE_MAX, "Write a whole number of days.")

# --- schemas ------------------------------------------------------------------------------------

TERMS_COLUMNS: Final = (
    Column("pd", _SHARE, "probability of default within a year"),
    Column("lgd", _SHARE, "share lost at default"),
    Column("cpr", _SHARE, "share prepaid in a year; 0 when empty"),
    Column("spread", _RATE, "over the zero rate, continuously compounded; 0 when empty"),
    Column("lag", _LAG, "months from default to recovery; 0 when empty"),
)
ASSET_COLUMNS: Final = (
    Column("id", text_cell, "names the asset; once in the tape"),
    Column("kind", choice(kind.name.lower() for kind in AssetKind), "what it is"),
    Column("obligor", text_cell, "who owes"),
    Column("seller", text_cell, "who sold it to the pool: the counterparty"),
    Column("group", text_cell, "its risk group; takes pd, lgd, cpr, spread, lag from there when they are empty here"),
    Column("state", choice(state.name.lower() for state in LoanState), "current when empty"),
    Column("dpd", _LATE, "days past due; 0 when empty"),
    Column("legal_hash", hash_cell, "SHA-256 of the contract; once in the tape"),
    Column("balance", _MONEY, "principal; face of an invoice; drawn part of a line; reversion of real estate"),
    Column("owed", _MONEY, "what is owed today, which caps the value; what is due in all when empty"),
    Column("rate", _RATE, "nominal rate of a loan, a twelfth a month; 0 when empty"),
    Column("months", _MONTHS, "until the last payment"),
    Column("payment", _MONEY, "level payment, when it is not the one that repays exactly"),
    Column("repayment", choice(("level", "linear")), "of an amortising loan; level when empty"),
    Column("undrawn", _MONEY, "of a revolving line"),
    Column("fee", _SHARE, "a year on what is undrawn"),
    Column("rent", _MONEY, "a month, of a lease or real estate"),
    Column("occupancy", _SHARE, "1 when empty"),
    Column("growth", _GROWTH, "of the rent, a year"),
    Column("due", date_cell, "day of payment of an invoice; needs the day of valuation"),
    Column("due_days", _DAYS, "or days until then, negative when past"),
    Column("dilution", _SHARE, "share of an invoice taken back by credit notes; 0 when empty"),
    Column("seller_pd", _SHARE, "recourse: the seller's PD; none when empty"),
    Column("correlation", _CORRELATION, "of seller and debtor; needed with seller_pd"),
    *TERMS_COLUMNS,
)
GROUP_COLUMNS: Final = (Column("group", text_cell, "name of the risk group"), *TERMS_COLUMNS)
FLOW_COLUMNS: Final = (
    Column("id", text_cell, "the asset that delivers: power or carbon"),
    Column("date", date_cell, "day of payment"),
    Column("days", _FUTURE, "or days until then"),
    Column("quantity", _QUANTITY, "MWh or tonnes"),
    Column("price", _SIGNED, "forward price of one"),
    Column("strike", _SIGNED, "what it costs; 0 when empty"),
    Column("probability", _SHARE, "of delivery; 1 when empty"),
)
CURVE_COLUMNS: Final = (
    Column("days", _FUTURE, "from the day of valuation"),
    Column("date", date_cell, "or the date; the first is the day of valuation unless one is given"),
    Column("zero", _ZERO, "zero rate, continuously compounded"),
)
