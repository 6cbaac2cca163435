"""Business days: five calendars that follow rules, and any other from its list of holidays.

Sources: the European Central Bank's TARGET days; the holiday recommendations of SIFMA for US government securities; the
bank holidays of England and Wales; the Brazilian national holidays that settlement observes. Each agrees with
QuantLib 1.44 on every day of 1990 to 2100 (tests/assets/test_calendars.py). Calendars that are fixed by decree every
year (China, Hong Kong, Singapore) have no rule to program: pass their holidays to `Calendar`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from typing import Final

from parbook.errors import AssetError

YEAR_MIN: Final = 1990
YEAR_MAX: Final = 2199
"""Holidays are known from the first of these years to the last."""

SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


class Convention(Enum):
    """What happens to a date that is no business day; its value is the name people write."""

    UNADJUSTED = "Unadjusted"
    FOLLOWING = "Following"
    MODIFIED_FOLLOWING = "ModifiedFollowing"
    PRECEDING = "Preceding"
    MODIFIED_PRECEDING = "ModifiedPreceding"


class Calendar:
    """Business days of one place. Holidays come from a rule by year, from a list, or both."""

    def __init__(
        self,
        name: str,
        rule: Callable[[int], Iterable[date]] | None = None,
        *,
        holidays: Iterable[date] = (),
        business: Iterable[date] = (),
        weekend: frozenset[int] = frozenset({5, 6}),
    ) -> None:
        """`weekend` holds weekdays, Monday 0; `business` are days worked although they fall on one (China)."""
        self.name = name
        self._rule = rule
        self._listed = frozenset(holidays)
        self._business = frozenset(business)
        self._weekend = weekend
        if len(weekend) > 6:
            raise AssetError(f"calendar {name}", "its weekend is the whole week", "Leave a day to work on.")

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    def is_business_day(self, day: date) -> bool:
        """Return whether `day` is worked on. AssetError outside YEAR_MIN..YEAR_MAX."""
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            raise AssetError(
                f"calendar {self.name}", f"{day} is outside {YEAR_MIN}..{YEAR_MAX}", "Check the year of the date."
            )
        if day in self._business:
            return True
        if day.weekday() in self._weekend or day in self._listed:
            return False
        return self._rule is None or day not in _holidays(self._rule, day.year)

    def adjust(self, day: date, convention: Convention) -> date:
        """Return `day`, or the business day that `convention` puts in its place."""
        if convention is Convention.UNADJUSTED or self.is_business_day(day):
            return day
        forward = convention in (Convention.FOLLOWING, Convention.MODIFIED_FOLLOWING)
        moved = self._next(day, 1 if forward else -1)
        modified = convention in (Convention.MODIFIED_FOLLOWING, Convention.MODIFIED_PRECEDING)
        if modified and moved.month != day.month:
            return self._next(day, -1 if forward else 1)
        return moved

    def business_days(self, start: date, end: date) -> int:
        """Return how many business days lie in [start, end), or less those in [end, start) when `end` is earlier."""
        if end < start:
            return -self.business_days(end, start)
        return sum(self.is_business_day(start + timedelta(days=n)) for n in range((end - start).days))

    def _next(self, day: date, step: int) -> date:
        day += step * _DAY
        while not self.is_business_day(day):
            day += step * _DAY
        return day


@lru_cache(maxsize=2048)
def _holidays(rule: Callable[[int], Iterable[date]], year: int) -> frozenset[date]:
    return frozenset(rule(year))


# --- moving feasts and mondays ----------------------------------------------------------------------


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar, by the anonymous computus (Meeus, Astronomical Algorithms, 8)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, centuries = divmod(century, 4)
    moon = (century - (century - (century + 8) // 25 + 1) // 3 - leaps + 19 * golden + 15) % 30
    quads, years = divmod(rest, 4)
    weekday = (32 + 2 * centuries + 2 * quads - moon - years) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """Return the n-th of a weekday in a month; n = -1 is the last."""
    if n > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - _DAY
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def _after_sunday(day: date) -> date:
    return day + _DAY if day.weekday() == 6 else day


def _around_weekend(day: date) -> date:
    return day - _DAY if day.weekday() == SATURDAY else _after_sunday(day)


# --- the rules --------------------------------------------------------------------------------------


def _target(year: int) -> Iterator[date]:
    yield from (date(year, 1, 1), date(year, 12, 25))
    if year >= 2000:
        good_friday = easter(year) - 2 * _DAY
        yield from (good_friday, good_friday + 3 * _DAY, date(year, 5, 1), date(year, 12, 26))
    if year in (1998, 1999, 2001):
        yield date(year, 12, 31)


def _us_government_bond(year: int) -> Iterator[date]:
    yield _after_sunday(date(year, 1, 1))
    yield from (_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), _nth(year, 5, 0, -1))
    good_friday = easter(year) - 2 * _DAY
    # Since 1996 the market is open for the employment report, which comes on the first Friday of a month.
    if year < 1996 or good_friday.day > 7:
        yield good_friday
    if year >= 2022:
        yield _around_weekend(date(year, 6, 19))
    yield _around_weekend(date(year, 7, 4))
    yield from (_nth(year, 9, 0, 1), _nth(year, 10, 0, 2), _nth(year, 11, 3, 4))
    yield _after_sunday(date(year, 11, 11))
    yield _around_weekend(date(year, 12, 25))
    yield from (day for day in _US_CLOSED if day.year == year)


_US_CLOSED: Final = (date(2004, 6, 11), date(2012, 10, 30), date(2018, 12, 5))
"""Two presidents' funerals and a hurricane."""


def _united_kingdom(year: int) -> Iterator[date]:
    new_year = date(year, 1, 1)
    yield new_year if new_year.weekday() < SATURDAY else _nth(year, 1, 0, 1)
    good_friday = easter(year) - 2 * _DAY
    yield from (good_friday, good_friday + 3 * _DAY)
    yield _UK_MOVED.get((year, 5, 1), _nth(year, 5, 0, 1))
    yield _UK_MOVED.get((year, 5, -1), _nth(year, 5, 0, -1))
    yield _nth(year, 8, 0, -1)
    # Each of the two days that falls on a weekend has its substitute on the 27th or 28th.
    for day in (25, 26):
        christmas = date(year, 12, day)
        yield christmas if christmas.weekday() < SATURDAY else date(year, 12, day + 2)
    yield from (day for day in _UK_ADDED if day.year == year)


_UK_MOVED: Final = {
    (1995, 5, 1): date(1995, 5, 8),
    (2020, 5, 1): date(2020, 5, 8),
    (2002, 5, -1): date(2002, 6, 4),
    (2012, 5, -1): date(2012, 6, 4),
    (2022, 5, -1): date(2022, 6, 2),
}
_UK_ADDED: Final = (
    date(1999, 12, 31),
    date(2002, 6, 3),
    date(2011, 4, 29),
    date(2012, 6, 5),
    date(2022, 6, 3),
    date(2022, 9, 19),
    date(2023, 5, 8),
)


def _brazil(year: int) -> Iterator[date]:
    for month, day in ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25)):
        yield date(year, month, day)
    if year >= 2024:
        yield date(year, 11, 20)
    sunday = easter(year)
    yield from (sunday + n * _DAY for n in (-48, -47, -2, 60))


TARGET: Final = Calendar("TARGET", _target)
"""Euro payments."""
US_GOVERNMENT_BOND: Final = Calendar("UnitedStates.GovernmentBond", _us_government_bond)
"""US government securities."""
UNITED_KINGDOM: Final = Calendar("UnitedKingdom", _united_kingdom)
"""Bank holidays of England and Wales."""
BRAZIL: Final = Calendar("Brazil", _brazil)
"""Brazilian settlement, which Business/252 counts by."""
WEEKENDS: Final = Calendar("WeekendsOnly")
"""Saturdays and Sundays only."""
EVERY_DAY: Final = Calendar("Null", weekend=frozenset())
"""No holidays at all."""

CALENDARS: Final = {
    calendar.name: calendar for calendar in (TARGET, US_GOVERNMENT_BOND, UNITED_KINGDOM, BRAZIL, WEEKENDS, EVERY_DAY)
}
"""By name."""
