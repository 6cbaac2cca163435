"""Fractions of a year between two dates, by the conventions that loans and bonds name.

Sources: ISDA 2006 Definitions, section 4.16 (30/360 "bond basis", 30E/360, 30E/360 ISDA, Act/360, Act/365F, Act/Act
ISDA), and the SIFMA standard securities calculation methods for 30/360 USA. Each agrees with QuantLib 1.44 to
the last bit of a double but for the order of one addition (tests/assets/test_daycount.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from enum import Enum

from parbook.assets.calendars import Calendar
from parbook.errors import AssetError


class DayCount(Enum):
    """A convention; its value is the name people write."""

    ACT_360 = "Act/360"
    ACT_364 = "Act/364"
    ACT_365F = "Act/365F"
    ACT_365_25 = "Act/365.25"
    ACT_ACT_ISDA = "Act/Act ISDA"
    BOND_30_360 = "30/360 BondBasis"
    EURO_30E_360 = "30E/360"
    EURO_30E_360_ISDA = "30E/360 ISDA"
    USA_30_360 = "30/360 USA"
    BUSINESS_252 = "Business/252"


def year_fraction(
    convention: DayCount, start: date, end: date, *, termination: date | None = None, calendar: Calendar | None = None
) -> float:
    """Return the fraction of a year from `start` to `end`; negative when `end` is the earlier one.

    `termination` is the contract's last day, which only 30E/360 ISDA asks for; `calendar` counts the business days of
    Business/252, which refuses to work without one.
    """
    if end < start:
        return -year_fraction(convention, end, start, termination=termination, calendar=calendar)
    if convention in _ACTUAL:
        return (end - start).days / _ACTUAL[convention]
    if convention is DayCount.ACT_ACT_ISDA:
        return _act_act_isda(start, end)
    if convention is DayCount.BUSINESS_252:
        if calendar is None:
            raise AssetError("Business/252", "it counts business days, and no calendar is given", "Pass calendar=...")
        return calendar.business_days(start, end) / 252
    if convention is DayCount.EURO_30E_360_ISDA:
        return _days_360(start, end, lambda a, b: _isda(a, b, termination)) / 360
    return _days_360(start, end, _RULE_360[convention]) / 360


_ACTUAL = {
    DayCount.ACT_360: 360.0,
    DayCount.ACT_364: 364.0,
    DayCount.ACT_365F: 365.0,
    DayCount.ACT_365_25: 365.25,
}


def days_in_year(year: int) -> int:
    """Return 365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def _act_act_isda(start: date, end: date) -> float:
    """Return days in leap years / 366 plus days in others / 365, as the whole years between the broken ends."""
    if start.year == end.year:
        return (end - start).days / days_in_year(start.year)
    whole = end.year - start.year - 1
    first = (date(start.year + 1, 1, 1) - start).days / days_in_year(start.year)
    last = (end - date(end.year, 1, 1)).days / days_in_year(end.year)
    return whole + first + last


# --- thirty days a month ----------------------------------------------------------------------------

_Rule = Callable[[date, date], tuple[int, int]]


def _days_360(start: date, end: date, rule: _Rule) -> int:
    first, last = rule(start, end)
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + (last - first)


def ends_month(day: date) -> bool:
    """Return whether `day` is the last of its month."""
    return (day + timedelta(days=1)).day == 1


def _ends_february(day: date) -> bool:
    return day.month == 2 and ends_month(day)


def _bond(start: date, end: date) -> tuple[int, int]:
    first, last = min(start.day, 30), end.day
    return first, 30 if last == 31 and first == 30 else last


def _euro(start: date, end: date) -> tuple[int, int]:
    return min(start.day, 30), min(end.day, 30)


def _usa(start: date, end: date) -> tuple[int, int]:
    first, last = start.day, end.day
    if _ends_february(start):
        if _ends_february(end):
            last = 30
        first = 30
    if last == 31 and first >= 30:
        last = 30
    return min(first, 30), last


def _isda(start: date, end: date, termination: date | None) -> tuple[int, int]:
    first = 30 if ends_month(start) else start.day
    kept = _ends_february(end) and end == termination
    return first, 30 if ends_month(end) and not kept else end.day


_RULE_360: dict[DayCount, _Rule] = {
    DayCount.BOND_30_360: _bond,
    DayCount.EURO_30E_360: _euro,
    DayCount.USA_30_360: _usa,
}
