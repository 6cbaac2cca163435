"""Calendars, day counts and schedules against QuantLib's published output and QuantLib itself."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from parbook.assets.calendars import (
    BRAZIL,
    CALENDARS,
    TARGET,
    UNITED_KINGDOM,
    US_GOVERNMENT_BOND,
    WEEKENDS,
    Calendar,
    Convention,
    easter,
)
from parbook.assets.daycount import DayCount, year_fraction
from parbook.assets.schedule import add_months, monthly_dates, schedule
from parbook.errors import AssetError
from tests.assets.support import py_date, ql_date, quantlib, vectors

BY_VECTOR_NAME = {name: CALENDARS[name] for name in ("TARGET", "UnitedStates.GovernmentBond", "UnitedKingdom", "Null")}
BY_DECREE = ("China.IB", "China.SSE", "HongKong", "Singapore")


def days(text: str) -> date:
    return date.fromisoformat(text)


# --- day counts ---------------------------------------------------------------------------------


def test_every_published_fraction():
    rows = vectors("quantlib_daycount_calendar")["daycount"]
    checked = 0
    for row in rows:
        start, end = days(row["start"]), days(row["end"])
        assert (end - start).days == row["days"]
        for name, expected in row["fractions"].items():
            if name.startswith("30E/360 ISDA"):
                convention, termination = DayCount.EURO_30E_360_ISDA, date(2026, 1, 15)
            else:
                convention, termination = DayCount(name.removesuffix(" Brazil")), None
            got = year_fraction(convention, start, end, termination=termination, calendar=BRAZIL)
            assert got == pytest.approx(expected, rel=1e-15), (row["start"], row["end"], name)
            checked += 1
    assert checked == 100


def test_random_fractions_against_quantlib():
    ql = quantlib()
    theirs = {
        DayCount.ACT_360: ql.Actual360(),
        DayCount.ACT_364: ql.Actual364(),
        DayCount.ACT_365F: ql.Actual365Fixed(),
        DayCount.ACT_365_25: ql.Actual36525(),
        DayCount.ACT_ACT_ISDA: ql.ActualActual(ql.ActualActual.ISDA),
        DayCount.BOND_30_360: ql.Thirty360(ql.Thirty360.BondBasis),
        DayCount.EURO_30E_360: ql.Thirty360(ql.Thirty360.European),
        DayCount.USA_30_360: ql.Thirty360(ql.Thirty360.USA),
        DayCount.BUSINESS_252: ql.Business252(ql.Brazil()),
    }
    rng = random.Random(2)
    for _ in range(150):
        start = date(1995, 1, 1) + timedelta(days=rng.randrange(12000))
        # Ends of months are where the conventions differ.
        start = start.replace(day=1) - timedelta(days=1) if rng.random() < 0.5 else start
        end = start + timedelta(days=rng.randrange(1500))
        end = end.replace(day=1) - timedelta(days=1) if rng.random() < 0.5 else end
        end = max(end, start)
        for convention, other in theirs.items():
            expected = other.yearFraction(ql_date(ql, start), ql_date(ql, end))
            got = year_fraction(convention, start, end, calendar=BRAZIL)
            assert got == pytest.approx(expected, rel=2e-15, abs=1e-300), (convention, start, end)
        stop = ql.Thirty360(ql.Thirty360.ISDA, ql_date(ql, end))
        expected = stop.yearFraction(ql_date(ql, start), ql_date(ql, end))
        assert year_fraction(DayCount.EURO_30E_360_ISDA, start, end, termination=end) == pytest.approx(expected)


def test_a_fraction_backwards_is_negative():
    for convention in DayCount:
        there = year_fraction(convention, date(2024, 1, 31), date(2025, 3, 1), calendar=TARGET)
        assert year_fraction(convention, date(2025, 3, 1), date(2024, 1, 31), calendar=TARGET) == -there


def test_business_252_needs_a_calendar():
    with pytest.raises(AssetError, match="no calendar is given"):
        year_fraction(DayCount.BUSINESS_252, date(2024, 1, 1), date(2024, 2, 1))


# --- calendars ----------------------------------------------------------------------------------


def test_every_published_adjustment():
    rows = vectors("quantlib_daycount_calendar")["business_day"]
    checked = 0
    for row in rows:
        for name, calendar in BY_VECTOR_NAME.items():
            for convention, expected in row[name].items():
                assert calendar.adjust(days(row["date"]), Convention(convention)) == days(expected), (row["date"], name)
                checked += 1
    assert checked == 8 * 4 * 4


def test_published_adjustments_of_calendars_by_decree():
    """Their holidays are a list; the conventions around it are ours."""
    ql = quantlib()
    theirs = {
        "China.IB": ql.China(ql.China.IB),
        "China.SSE": ql.China(ql.China.SSE),
        "HongKong": ql.HongKong(),
        "Singapore": ql.Singapore(),
    }
    every = [date(2025, 12, 1) + timedelta(days=n) for n in range(430)]
    for name in BY_DECREE:
        closed = {day for day in every if not theirs[name].isBusinessDay(ql_date(ql, day))}
        calendar = Calendar(
            name,
            holidays=[day for day in closed if day.weekday() < 5],
            business=[day for day in every if day.weekday() >= 5 and day not in closed],
        )
        for row in vectors("quantlib_daycount_calendar")["business_day"]:
            for convention, expected in row[name].items():
                assert calendar.adjust(days(row["date"]), Convention(convention)) == days(expected), (row["date"], name)


@pytest.mark.parametrize(
    ("calendar", "theirs"),
    [
        (TARGET, lambda ql: ql.TARGET()),
        (US_GOVERNMENT_BOND, lambda ql: ql.UnitedStates(ql.UnitedStates.GovernmentBond)),
        (UNITED_KINGDOM, lambda ql: ql.UnitedKingdom()),
        (BRAZIL, lambda ql: ql.Brazil(ql.Brazil.Settlement)),
        (WEEKENDS, lambda ql: ql.WeekendsOnly()),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_day_of_a_century_against_quantlib(calendar, theirs):
    ql = quantlib()
    other = theirs(ql)
    first, last = ql.Date(1, 1, 1990), ql.Date(31, 12, 2100)
    expected = {py_date(day) for day in other.holidayList(first, last, False)}
    day, got = date(1990, 1, 1), set()
    while day <= date(2100, 12, 31):
        if day.weekday() < 5 and not calendar.is_business_day(day):
            got.add(day)
        day += timedelta(days=1)
    assert sorted(got ^ expected) == []


def test_easter_is_a_sunday_in_spring():
    assert [easter(year) for year in (1999, 2000, 2024, 2038)] == [
        date(1999, 4, 4),
        date(2000, 4, 23),
        date(2024, 3, 31),
        date(2038, 4, 25),
    ]


def test_an_adjusted_day_is_a_business_day_and_adjusting_it_changes_nothing():
    rng = random.Random(3)
    for _ in range(300):
        day = date(1991, 1, 1) + timedelta(days=rng.randrange(36000))
        for convention in Convention:
            if convention is Convention.UNADJUSTED:
                continue
            moved = UNITED_KINGDOM.adjust(day, convention)
            assert UNITED_KINGDOM.is_business_day(moved)
            assert UNITED_KINGDOM.adjust(moved, convention) == moved


def test_modified_conventions_stay_in_their_month():
    saturday, sunday = date(2026, 1, 31), date(2026, 3, 1)
    assert TARGET.adjust(saturday, Convention.FOLLOWING) == date(2026, 2, 2)
    assert TARGET.adjust(saturday, Convention.MODIFIED_FOLLOWING) == date(2026, 1, 30)
    assert TARGET.adjust(sunday, Convention.PRECEDING) == date(2026, 2, 27)
    assert TARGET.adjust(sunday, Convention.MODIFIED_PRECEDING) == date(2026, 3, 2)
    assert TARGET.business_days(saturday, date(2026, 2, 5)) == 3 == -TARGET.business_days(date(2026, 2, 5), saturday)


def test_years_without_known_holidays_are_refused():
    with pytest.raises(AssetError, match=r"1899-01-01 is outside 1990\.\.2199"):
        TARGET.is_business_day(date(1899, 1, 1))
    with pytest.raises(AssetError, match="whole week"):
        Calendar("x", weekend=frozenset(range(7)))


# --- schedules ----------------------------------------------------------------------------------


def test_every_published_schedule():
    for row in vectors("quantlib_daycount_calendar")["schedules"]:
        dates = monthly_dates(days(row["start"]), row["months"], end_of_month=row["end_of_month"])
        assert [str(day) for day in dates] == row["dates"], (row["start"], row["end_of_month"])


@pytest.mark.parametrize("backward", [False, True])
def test_random_schedules_against_quantlib(backward):
    ql = quantlib()
    rng = random.Random(4)
    rule = ql.DateGeneration.Backward if backward else ql.DateGeneration.Forward
    for _ in range(150):
        start = date(2020, 1, 1) + timedelta(days=rng.randrange(2500))
        if rng.random() < 0.4:
            start = start.replace(day=1) - timedelta(days=1)
        end = start + timedelta(days=rng.randint(20, 1500))
        step, end_of_month = rng.choice([1, 3, 6, 12]), rng.random() < 0.5
        theirs = ql.Schedule(
            ql_date(ql, start), ql_date(ql, end), ql.Period(step, ql.Months), ql.TARGET(),
            ql.Following, ql.Following, rule, end_of_month,
        )  # fmt: skip
        ours = schedule(
            start, end, step_months=step, calendar=TARGET, convention=Convention.FOLLOWING,
            end_of_month=end_of_month, backward=backward,
        )  # fmt: skip
        assert ours == [py_date(day) for day in theirs], (start, end, step, end_of_month)


def test_a_schedule_is_refused_with_a_reason():
    with pytest.raises(AssetError, match="is not after the start"):
        schedule(date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(AssetError, match="below 1"):
        schedule(date(2026, 1, 1), date(2027, 1, 1), step_months=0)
    with pytest.raises(AssetError, match="has over 1200 periods"):
        schedule(date(1999, 1, 1), date(2199, 1, 1))
    with pytest.raises(AssetError, match=r"outside the years 1\.\.9999"):
        add_months(date(9999, 12, 1), 1)
