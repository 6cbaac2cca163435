"""Dates of payment: every so many months from a start to an end, rolled forward or backward.

The regular dates are counted from the start (forward) or from the end (backward), never from each other, so that
31 January, 28 February, 31 March keeps its day. An irregular period, if any, is the last one forward and the first
one backward. Agrees with QuantLib 1.44's schedules for both rules (tests/assets/test_schedule.py).
"""

from __future__ import annotations

import itertools
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from parbook.assets.calendars import EVERY_DAY, Calendar, Convention
from parbook.assets.daycount import DayCount, ends_month, year_fraction
from parbook.errors import AssetError

PERIODS_MAX: Final = 1200
"""A schedule has at most this many periods: a hundred years of months."""


def add_months(day: date, months: int, *, end_of_month: bool = False) -> date:
    """Return the same day `months` later, or the month's last; with `end_of_month` a last day stays a last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise AssetError("schedule", f"{day} and {months} months is outside the years 1..9999", "Check the months.")
    last = monthrange(year, month + 1)[1]
    keep = end_of_month and ends_month(day)
    return date(year, month + 1, last if keep else min(day.day, last))


def schedule(
    start: date,
    end: date,
    *,
    step_months: int = 1,
    calendar: Calendar = EVERY_DAY,
    convention: Convention = Convention.UNADJUSTED,
    end_of_month: bool = False,
    backward: bool = False,
) -> list[date]:
    """Return the dates from `start` to `end`, both included, each moved to a business day by `convention`.

    `end_of_month` works where the day that is counted from (start forward, end backward) ends its month.
    """
    if end <= start:
        raise AssetError("schedule", f"the end {end} is not after the start {start}", "Swap or mend the dates.")
    if step_months < 1:
        raise AssetError("schedule", f"step_months={step_months} is below 1", "Give the months of a period.")
    seed, bound, sign = (end, start, -1) if backward else (start, end, 1)
    last = seed
    dates = [seed]
    for n in range(1, PERIODS_MAX + 2):
        last = add_months(seed, sign * n * step_months, end_of_month=end_of_month)
        if (last <= bound) if backward else (last >= bound):
            break
        dates.append(last)
    else:
        raise AssetError("schedule", f"{start} to {end} has over {PERIODS_MAX} periods", "Check the dates' years.")
    dates.append(bound)
    if backward:
        dates.reverse()
    moved = [calendar.adjust(day, convention) for day in dates]
    # A stub that adjustment closes is no period.
    return [day for n, day in enumerate(moved) if n == 0 or day != moved[n - 1]]


def monthly_dates(start: date, months: int, *, end_of_month: bool = False) -> list[date]:
    """Return `start` and the dates 1..months months later; the last is the plain anniversary, as contracts say it."""
    return schedule(start, add_months(start, months), end_of_month=end_of_month)


def fractions(dates: list[date], convention: DayCount, calendar: Calendar | None = None) -> list[float]:
    """Return the fraction of a year of each period of `dates`."""
    return [
        year_fraction(convention, a, b, termination=dates[-1], calendar=calendar) for a, b in itertools.pairwise(dates)
    ]


def days_from(as_of: date, day: date) -> int:
    """Return the days from `as_of` to `day`."""
    return (day - as_of) // timedelta(days=1)
