"""No number moves to another day: not by clocks that change, a zone far away, or a day that never was."""

import datetime as dt
from functools import cache
from itertools import count, pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from warehouse_pulls import day, load, post

from widerview.sources.base import Window
from widerview.warehouse.database import snapshot
from widerview.warehouse.read import day_values, post_counters, posts

ZONES = (
    "Europe/Berlin",
    "America/St_Johns",  # half hours
    "Australia/Lord_Howe",  # its summer is half an hour
    "Pacific/Apia",  # left out 30 December 2011
    "America/Sao_Paulo",  # its clocks changed at midnight: some days began at one
    "Asia/Kathmandu",
    "UTC",
)
HOUR = dt.timedelta(hours=1)
FUTURE = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)

zones = st.sampled_from(ZONES)
dates = st.dates(dt.date(2005, 1, 1), dt.date(2030, 12, 31))
clients = (f"client-{number}" for number in count())


def opens(date: dt.date, zone: str) -> dt.datetime:
    return Window(date, date).opens(zone)


@cache
def shift_days(zone: str) -> st.SearchStrategy[dt.date]:
    """Days on which a zone's clocks change, or any if they never do."""
    first = dt.date(2009, 1, 1)
    days = [first + dt.timedelta(days=number) for number in range(365 * 20)]
    offsets = [opens(each, zone).utcoffset() for each in days]
    found = [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]
    return st.sampled_from(found) if found else dates


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("Europe/Berlin", dt.date(2026, 11, 9), 24),
        ("America/St_Johns", dt.date(2026, 3, 8), 23),
        ("America/St_Johns", dt.date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", dt.date(2026, 10, 4), 23.5),
        ("Pacific/Apia", dt.date(2011, 12, 29), 24),
        ("Pacific/Apia", dt.date(2011, 12, 31), 24),
    ],
)
def test_a_post_in_every_hour_of_a_day_is_in_that_day(
    warehouse: Engine, zone: str, date: dt.date, hours: float
) -> None:
    first, end = opens(date, zone).astimezone(dt.UTC), opens(date + dt.timedelta(days=1), zone).astimezone(dt.UTC)
    assert (end - first) / HOUR == hours
    moments = [first + number * HOUR / 2 for number in range(-1, int(2 * hours) + 1)]
    rows = [
        msgspec.structs.replace(post(0, f"p{n:02}", likes=n), published_at=moment, observed_at=moment)
        for n, moment in enumerate(moments)
    ]
    load(warehouse, rows, load_id="one", ended=1)
    with snapshot(warehouse) as connection:
        found = posts(connection, "harbour-cafe", FUTURE, first, end)
    assert [each.published_at for each in found] == moments[1:-1]
    assert {each.published_at.astimezone(ZoneInfo(zone)).date() for each in found} == {date}


def test_each_post_lies_in_one_day_of_its_week_and_is_read_there(warehouse: Engine) -> None:
    """The days of a week, one after the other, hold each of its posts once, in the day the zone's clocks say."""
    near = st.sampled_from([dt.timedelta(0), -dt.timedelta(microseconds=1), HOUR / 4, HOUR, 2 * HOUR, -HOUR])

    @settings(max_examples=30)
    @given(
        zone_and_day=zones.flatmap(lambda zone: st.tuples(st.just(zone), st.one_of(dates, shift_days(zone)))),
        offsets=st.lists(st.tuples(st.integers(-1, 2), near), min_size=1, max_size=6, unique=True),
    )
    @example(
        zone_and_day=("Pacific/Apia", dt.date(2011, 12, 30)), offsets=[(0, dt.timedelta(0)), (1, HOUR), (0, -HOUR)]
    )
    def holds(zone_and_day: tuple[str, dt.date], offsets: list[tuple[int, dt.timedelta]]) -> None:
        zone, around = zone_and_day
        client = next(clients)
        moments = {opens(around + dt.timedelta(days=days), zone).astimezone(dt.UTC) + near for days, near in offsets}
        rows = [
            msgspec.structs.replace(post(0, f"p{n}", client=client), published_at=moment, observed_at=moment)
            for n, moment in enumerate(sorted(moments))
        ]
        load(warehouse, rows, load_id="one", ended=1, client=client)
        found: dict[dt.datetime, dt.date] = {}
        with snapshot(warehouse) as connection:
            for number in range(-4, 6):
                date = around + dt.timedelta(days=number)
                for each in posts(
                    connection, client, FUTURE, opens(date, zone), opens(date + dt.timedelta(days=1), zone)
                ):
                    assert each.published_at not in found, "in two days"
                    found[each.published_at] = date
        assert found == {moment: moment.astimezone(ZoneInfo(zone)).date() for moment in moments}

    holds()


def test_the_week_of_a_post_ends_on_the_zones_own_monday(warehouse: Engine) -> None:
    """The cutoff of a matched age, by zoneinfo: what was observed just before it counts, what came after is late."""

    @settings(max_examples=60)
    @given(
        zone=zones,
        date=st.one_of(dates, shift_days("Europe/Berlin"), shift_days("Australia/Lord_Howe")),
        second=st.integers(0, 24 * 3600 - 1),
        age=st.integers(0, 72),
    )
    @example(zone="Pacific/Apia", date=dt.date(2011, 12, 28), second=0, age=36)
    @example(zone="America/St_Johns", date=dt.date(2026, 11, 1), second=86_399, age=0)
    @example(zone="Europe/Berlin", date=dt.date(2026, 3, 29), second=9_000, age=24)
    def ends(zone: str, date: dt.date, second: int, age: int) -> None:
        client = next(clients)
        published = opens(date, zone).astimezone(dt.UTC) + dt.timedelta(seconds=second)
        local = published.astimezone(ZoneInfo(zone)).date()
        monday = local - dt.timedelta(days=local.weekday()) + dt.timedelta(days=7)
        cutoff = opens(monday, zone).astimezone(dt.UTC) + age * HOUR
        moments = [cutoff - dt.timedelta(microseconds=1), cutoff, cutoff + dt.timedelta(microseconds=1)]
        for value, moment in enumerate(moments):
            row = post(0, likes=value, client=client)
            load(warehouse, [msgspec.structs.replace(row, published_at=published, observed_at=moment)],
                 load_id=str(value), ended=value, client=client)  # fmt: skip
        late = msgspec.structs.replace(post(0, "late", likes=9, client=client), published_at=published)
        load(warehouse, [msgspec.structs.replace(late, observed_at=moments[2])], load_id="late", ended=9, client=client)
        with snapshot(warehouse) as connection:
            found = post_counters(
                connection, client, FUTURE, published, published + HOUR, zone=zone, age=dt.timedelta(hours=age)
            )
        assert [(each.post_id, each.value, each.late) for each in found] == [("late", 9, True), ("p1", 1, False)]

    ends()


def test_a_days_value_stays_with_its_day(warehouse: Engine) -> None:
    """A day is a date of the platform's own zone; no clock has a part in it, whenever it is observed."""

    @settings(max_examples=30)
    @given(
        values=st.dictionaries(
            st.one_of(dates, shift_days("Europe/Berlin")),
            st.integers(0, 99),
            min_size=1,
            max_size=6,
        ),
        zone=zones,
        hours=st.integers(-48, 48),
    )
    @example(values={dt.date(2011, 12, 30): 7, dt.date(2011, 12, 31): 8}, zone="Pacific/Apia", hours=0)
    @example(values={dt.date(2026, 12, 31): 7, dt.date(2027, 1, 1): 8}, zone="America/St_Johns", hours=14)
    def stays(values: dict[dt.date, int], zone: str, hours: int) -> None:
        client = next(clients)
        rows = [
            msgspec.structs.replace(day(hours, float(value), date, client=client), zone=zone)
            for date, value in values.items()
        ]
        load(warehouse, rows, load_id="one", ended=49, client=client)
        with snapshot(warehouse) as connection:
            together = day_values(connection, client, FUTURE, min(values), max(values), "visits", "total")
            alone = {
                date: [each.value for each in day_values(connection, client, FUTURE, date, date, "visits", "total")]
                for date in values
            }
        assert {each.day: each.value for each in together} == values
        assert alone == {date: [value] for date, value in values.items()}

    stays()
