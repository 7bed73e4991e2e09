"""Office hours: known days by hand, and every zone against a search minute by minute."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter_bakery import client
from widerview.agency.models import WEEKDAYS, Client
from widerview.agency.office_hours import NeverOpen, describe, holiday, is_open, next_open, open_time

UTC = dt.UTC
MINUTE = dt.timedelta(minutes=1)
ZONES = (
    "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "America/Havana", "Africa/Cairo",
    "America/New_York", "Pacific/Auckland", "Pacific/Chatham", "Africa/Casablanca", "America/Santiago", "Asia/Beirut",
)  # fmt: skip


def every_day(opens: str, closes: str) -> dict[str, dict[str, str]]:
    return {day: {"opens": opens, "closes": closes} for day in WEEKDAYS}


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("Europe/Berlin", "2026-11-24 06:59:59", "2026-11-24 07:00"),
        ("Europe/Berlin", "2026-11-24 07:00", "2026-11-24 07:00"),
        ("Europe/Berlin", "2026-11-24 15:59:59.999999", "2026-11-24 15:59:59.999999"),
        ("Europe/Berlin", "2026-11-24 16:00", "2026-11-25 07:00"),
        ("Europe/Berlin", "2026-11-27 16:00", "2026-11-30 07:00"),  # Friday's end to Monday
        ("Europe/Berlin", "2026-03-27 16:00", "2026-03-30 06:00"),  # summer time began on Sunday
        ("Europe/Berlin", "2026-10-23 15:00", "2026-10-26 07:00"),  # it ended on Sunday
        ("America/St_Johns", "2026-11-24 06:59:59", "2026-11-24 11:30"),
        ("Asia/Kathmandu", "2026-11-24 12:00", "2026-11-25 02:15"),
        ("Australia/Lord_Howe", "2026-10-02 06:30", "2026-10-04 21:00"),  # its clock moves by half an hour
    ],
)
def test_known_moments(zone: str, at: str, expected: str) -> None:
    assert next_open(client(time_zone=zone), utc(at)) == utc(expected)


def test_an_hour_the_clock_jumps_over_opens_when_the_clock_has_jumped() -> None:
    early = client(office_hours=every_day("02:30", "05:00"))  # Berlin, 2026-03-29: 02:00 is 03:00
    assert next_open(early, utc("2026-03-28 12:00")) == utc("2026-03-29 01:00")
    assert not is_open(early, utc("2026-03-29 00:59:59"))


def test_an_hour_the_clock_repeats_is_kept_twice() -> None:
    short = client(office_hours=every_day("02:15", "02:30"))  # Berlin, 2026-10-25: 03:00 is 02:00 again
    assert next_open(short, utc("2026-10-24 12:00")) == utc("2026-10-25 00:15")
    assert next_open(short, utc("2026-10-25 00:30")) == utc("2026-10-25 01:15")
    assert next_open(short, utc("2026-10-25 01:30")) == utc("2026-10-26 01:15")


def test_a_clock_set_back_before_closing_time_opens_again() -> None:
    night = client(office_hours=every_day("01:00", "02:20"))
    assert next_open(night, utc("2026-10-25 00:20")) == utc("2026-10-25 01:00")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ],
)
def test_open_around_the_clock_lasts_as_long_as_the_day(zone: str, day: str, hours: float) -> None:
    weekday = WEEKDAYS[dt.date.fromisoformat(day).weekday()]
    always = client(time_zone=zone, office_hours={weekday: {"opens": "00:00", "closes": "24:00"}})
    start = dt.datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    open_minutes = sum(is_open(always, start + minute * MINUTE) for minute in range(-120, 28 * 60))
    assert open_minutes == hours * 60


def test_holidays_of_the_country_the_region_and_the_client_are_closed() -> None:
    bavarian = client(holidays={"country": "DE", "subdivision": "BY", "also": [dt.date(2026, 12, 28)]})
    assert not is_open(bavarian, utc("2026-01-06 10:00"))  # Epiphany, a holiday in Bavaria only
    assert is_open(client(holidays={"country": "DE"}), utc("2026-01-06 10:00"))
    assert next_open(bavarian, utc("2026-12-24 17:00")) == utc("2026-12-29 07:00")


def test_a_holiday_is_a_day_of_the_clients_clock() -> None:
    auckland = client(time_zone="Pacific/Auckland", holidays={"also": [dt.date(2026, 11, 25)]})
    assert not is_open(auckland, utc("2026-11-24 20:00"))  # already the 25th there
    assert is_open(auckland, utc("2026-11-25 20:00"))


def test_an_office_that_never_opens_says_so() -> None:
    first = dt.date(2026, 11, 20)
    closed = client(holidays={"also": [first + dt.timedelta(days=n) for n in range(380)]})
    with pytest.raises(NeverOpen, match="otter-bakery: nothing can be sent in the 366 days from 2026-11-24"):
        next_open(closed, utc("2026-11-24 09:00"))


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        is_open(client(), dt.datetime(2026, 11, 24, 9, 0))


@pytest.mark.parametrize(
    ("hours", "holidays", "words"),
    [
        ({}, {"country": "DE"}, "Mon-Fri 08:00-17:00, not on holidays"),
        ({"friday": ("08:00", "13:00")}, {}, "Mon-Thu 08:00-17:00, Fri 08:00-13:00"),
        ({"wednesday": None}, {}, "Mon-Tue 08:00-17:00, Thu-Fri 08:00-17:00"),
        ({"saturday": ("08:00", "17:00"), "sunday": ("10:00", "24:00")}, {"also": ["2026-12-24"]},
         "Mon-Sat 08:00-17:00, Sun 10:00-24:00, not on holidays"),
    ],
)  # fmt: skip
def test_describe(hours: dict[str, tuple[str, str] | None], holidays: dict[str, object], words: str) -> None:
    week: dict[str, object] = dict.fromkeys(WEEKDAYS[:5], ("08:00", "17:00")) | hours
    kept = {day: {"opens": span[0], "closes": span[1]} for day, span in week.items() if span}
    assert describe(client(office_hours=kept, holidays=holidays)) == words


def clock_changes(zone: str) -> list[dt.datetime]:
    """The hours of 2026 and 2027 in which the zone's clock changes, in UTC."""
    hours = [utc("2026-01-01") + n * dt.timedelta(hours=1) for n in range(2 * 365 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours, offsets, offsets[1:], strict=False) if before != after]


CHANGES = {zone: clock_changes(zone) or [utc("2026-07-01")] for zone in ZONES}
MINUTES = st.integers(0, 24 * 60)


def wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def clients_near_a_clock_change(draw: st.DrawFn) -> tuple[Client, dt.datetime]:
    zone = draw(st.sampled_from(ZONES))
    days = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
    night = st.integers(0, 4 * 60)  # where clocks change
    spans = st.lists(st.one_of(MINUTES, night), min_size=2, max_size=2, unique=True).map(sorted)
    hours = {day: dict(zip(("opens", "closes"), map(wall, draw(spans)), strict=True)) for day in days}
    change = draw(st.sampled_from(CHANGES[zone]))
    at = change + dt.timedelta(seconds=draw(st.integers(-2 * 86400, 2 * 86400)))
    holidays = draw(st.sets(st.integers(-1, 3).map(lambda n: change.date() + dt.timedelta(days=n)), max_size=2))
    return client(time_zone=zone, office_hours=hours, holidays={"also": sorted(holidays)}), at


@given(clients_near_a_clock_change())
def test_the_next_opening_is_open_and_nothing_before_it_is(case: tuple[Client, dt.datetime]) -> None:
    someone, at = case
    found = next_open(someone, at)
    assert found >= at
    assert is_open(someone, found)
    minute = at.replace(second=0, microsecond=0) + MINUTE
    assert found == at or not is_open(someone, at)
    while minute < found:
        assert not is_open(someone, minute), f"already open at {minute}"
        minute += MINUTE


@given(clients_near_a_clock_change())
def test_open_means_the_wall_clock_stands_within_the_hours_of_its_day(case: tuple[Client, dt.datetime]) -> None:
    someone, at = case
    local = at.astimezone(ZoneInfo(someone.time_zone))
    hours = someone.office_hours.get(WEEKDAYS[local.weekday()])
    minutes = (
        [int(h) * 60 + int(m) for h, m in (t.split(":") for t in (hours.opens, hours.closes))] if hours else [0, 0]
    )
    expected = minutes[0] <= local.hour * 60 + local.minute < minutes[1] and local.date() not in someone.holidays.also
    assert is_open(someone, at) == expected


@given(clients_near_a_clock_change(), st.integers(0, 36 * 60))
def test_the_open_time_is_the_number_of_open_minutes(case: tuple[Client, dt.datetime], length: int) -> None:
    someone, at = case
    start = at.replace(second=0, microsecond=0)
    minutes = sum(is_open(someone, start + each * MINUTE) for each in range(length))
    assert open_time(someone, start, start + length * MINUTE) == minutes * MINUTE


def test_open_time_counts_parts_of_minutes_and_nothing_backwards() -> None:
    someone = client()  # Monday to Friday, 08:00 to 17:00 in Berlin
    friday, monday = utc("2026-11-27 15:59:30"), utc("2026-11-30 07:00:15")
    assert open_time(someone, friday, monday) == dt.timedelta(seconds=45)
    assert open_time(someone, monday, friday) == dt.timedelta()


def test_holidays_have_names_whatever_the_language_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "uk")
    own = client(holidays={"country": "AT", "also": ["2026-11-12"]})
    assert holiday(own, dt.date(2026, 12, 25)) == "Christmas Day"
    assert holiday(own, dt.date(2026, 11, 12)) == ""
    assert holiday(own, dt.date(2026, 11, 13)) is None
