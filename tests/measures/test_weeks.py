"""Weeks on the client's wall clock."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.measures.weeks import Week

ZONES = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Auckland", "UTC"]


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
def test_name_and_week_are_the_same_thing(day):
    week = Week.of(day)
    assert Week.parse(str(week)) == week
    assert day in week.days
    assert week.monday.weekday() == 0


@given(
    st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC)), st.sampled_from(ZONES)
)
def test_the_last_complete_week_has_ended_and_the_next_has_not(now, name):
    zone = ZoneInfo(name)
    week = Week.last_complete(now, zone)
    assert week.bounds(zone)[1] <= now < week.shift(1).bounds(zone)[1]


@pytest.mark.parametrize(("name", "hours"), [("2026-W13", 167), ("2026-W43", 169), ("2026-W46", 168)])
def test_weeks_with_a_clock_change(name, hours):
    start, end = Week.parse(name).bounds(ZoneInfo("Europe/Berlin"))
    assert end - start == dt.timedelta(hours=hours)


@pytest.mark.parametrize("name", ["2026-46", "2026-W54", "2025-W53", "W46", "", "2026-W00", "2026-W46 "])
def test_what_is_no_week_says_how_to_write_one(name):
    with pytest.raises(ValueError, match="write it like 2026-W46"):
        Week.parse(name)
