"""When a review begins, until when it can be answered, and that nothing leaves at night."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offices import ZONES, both_open_by_hand, is_open_by_hand, two_offices
from otter_bakery import client
from widerview.agency import schedule
from widerview.agency.models import WEEKDAYS, Client
from widerview.agency.office_hours import agency_next_open, is_open, next_open

UTC = dt.UTC
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def planned(**report: object) -> Client:
    return client(report=report)  # Monday to Friday, 08:00 to 17:00 in Berlin


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("report", "cron", "begun", "sent"),
    [
        ({}, "0 9 * * 2", "2026-11-24 09:00", "2026-11-25 09:00"),
        ({"weekday": "monday"}, "0 8 * * 5", "2026-11-27 08:00", "2026-11-30 09:00"),  # never on a Sunday
        ({"weekday": "sunday", "time": "07:05"}, "0 8 * * 5", "2026-11-27 08:00", "2026-11-29 07:05"),
        ({"weekday": "tuesday", "time": "07:30"}, "0 8 * * 5", "2026-11-27 08:00", "2026-12-01 07:30"),
        ({"weekday": "tuesday", "time": "18:00"}, "0 8 * * 1", "2026-11-30 08:00", "2026-12-01 18:00"),
        ({"review_hours": 2}, "0 8 * * 2", "2026-11-24 08:00", "2026-11-25 09:00"),
        ({"review_hours": 1}, "0 8 * * 3", "2026-11-25 08:00", "2026-11-25 09:00"),
        ({"without_review": True}, "0 9 * * 3", "2026-11-25 09:00", "2026-11-25 09:00"),
        ({}, "0 9 * * 2", "2026-03-24 09:00", "2026-03-25 09:00"),
    ],
)
def test_a_review_begins_a_day_before_and_inside_office_hours(
    report: dict[str, object], cron: str, begun: str, sent: str
) -> None:
    someone = planned(**report)
    assert schedule.review_cron(someone) == cron
    assert schedule.send_time(someone, berlin(begun)) == berlin(sent)


def test_the_clock_may_change_between_review_and_sending() -> None:
    someone = planned(weekday="monday")
    assert schedule.send_time(someone, berlin("2026-03-27 08:00")) == berlin("2026-03-30 09:00")


def test_a_client_that_opens_once_a_week_is_reviewed_a_week_before() -> None:
    rare = client(office_hours={"wednesday": {"opens": "09:00", "closes": "12:00"}}, report={"time": "10:00"})
    assert schedule.review_cron(rare) == "0 9 * * 3"
    assert schedule.send_time(rare, berlin("2026-11-18 09:00")) == berlin("2026-11-25 10:00")


@pytest.mark.parametrize(
    ("asked", "until", "remind_at"),
    [
        ("2026-11-24 09:00", "2026-11-25 09:00", "2026-11-25 08:00"),  # at five in the morning nobody reads it
        ("2026-11-24 13:00", "2026-11-25 13:00", "2026-11-25 09:00"),  # composed late: as long as was promised
        ("2026-11-20 08:00", "2026-11-25 09:00", "2026-11-25 08:00"),
        ("2026-11-24 23:00", "2026-11-25 23:00", "2026-11-25 13:00"),  # nobody is there in the evening
    ],
)
def test_who_is_asked_has_time_to_answer_and_is_reminded(asked: str, until: str, remind_at: str) -> None:
    found = schedule.answering(planned(), berlin("2026-11-25 09:00"), berlin(asked))
    assert found == (berlin(until), berlin(remind_at))


@pytest.mark.parametrize(
    ("hours", "asked", "remind_at"),
    [
        (("09:00", "18:00"), "2026-11-24 09:00", "2026-11-24 14:00"),
        (("09:00", "11:00"), "2026-11-24 09:30", None),  # asked in the last hours: that reminds enough
        (("09:00", "11:00"), "2026-11-23 09:00", "2026-11-24 09:00"),
    ],
)
def test_where_the_agency_opens_when_the_report_leaves_the_reminder_comes_the_day_before(
    hours: tuple[str, str], asked: str, remind_at: str | None
) -> None:
    office = {day: dict(zip(("opens", "closes"), hours, strict=True)) for day in WEEKDAYS[:5]}
    someone = client(office_hours=office, report={"time": "09:00", "review_hours": 1})
    found = schedule.answering(someone, berlin("2026-11-25 09:00"), berlin(asked))
    assert found == (berlin("2026-11-25 09:00"), remind_at and berlin(remind_at))


def test_with_an_hour_to_answer_nobody_is_reminded() -> None:
    found = schedule.answering(planned(review_hours=1), berlin("2026-11-25 09:00"), berlin("2026-11-25 08:00"))
    assert found == (berlin("2026-11-25 09:00"), None)


@given(two_offices())
def test_nothing_leaves_but_where_both_are_open_and_nothing_waits_longer(case: tuple[Client, dt.datetime]) -> None:
    someone, at = case
    agency = someone.sender.office
    assert agency is not None

    assert is_open(someone, at) == both_open_by_hand(someone, at)
    try:
        found = next_open(someone, at)
    except ValueError:
        found = at + 21 * dt.timedelta(days=1)  # two offices that are never open at once: for three weeks, none is
    else:
        assert both_open_by_hand(someone, found)
        assert found >= at
    minute = at.replace(second=0) + MINUTE
    while minute < min(found, at + 21 * dt.timedelta(days=1)):
        assert not both_open_by_hand(someone, minute), f"already open at {minute}"
        minute += 7 * MINUTE
    assert is_open_by_hand(agency, agency.time_zone, agency_next_open(someone, at))


@given(
    zone=st.sampled_from(ZONES),
    weekday=st.sampled_from(WEEKDAYS),
    time=st.times().map(lambda time: f"{time:%H:%M}"),
    review_hours=st.integers(1, 96),
    week=st.integers(0, 105),
)
def test_every_review_leads_to_the_plans_time_and_lasts_as_long_as_it_should(
    zone: str, weekday: str, time: str, review_hours: int, week: int
) -> None:
    someone = client(time_zone=zone, report={"weekday": weekday, "time": time, "review_hours": review_hours})
    minute, hour, _, _, cron_day = schedule.review_cron(someone).split()
    monday = dt.date(2026, 1, 5) + dt.timedelta(weeks=week)
    day = monday + dt.timedelta(days=(int(cron_day) - 1) % 7)
    begun = dt.datetime.combine(day, dt.time(int(hour), int(minute)), ZoneInfo(zone)).astimezone(UTC)
    sent = schedule.send_time(someone, begun)
    assert is_open(someone, begun)
    assert (WEEKDAYS[sent.weekday()], sent) == (weekday, someone.report.on(sent.date(), ZoneInfo(zone)))
    assert sent - begun >= (review_hours - 1) * HOUR  # the clock may have gone forward
    until, remind_at = schedule.answering(someone, sent, begun)
    assert until >= sent
    assert remind_at is None or begun < remind_at < until
