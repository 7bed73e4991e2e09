"""Reads as of a moment: the right version, the right week, one client only."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine
from warehouse_pulls import CLIENT, MONDAY, account, at, counter, day, load, post, receipt, target

from widerview.quality.verdict import DayVerdict
from widerview.sources.base import Row, Window
from widerview.warehouse import read
from widerview.warehouse.database import snapshot
from widerview.warehouse.load import load_pull

DAY = 24.0
WEEK = 7 * DAY
BERLIN = "Europe/Berlin"


def fill(engine: Engine, *rows: Row, client: str = CLIENT) -> None:
    """Load rows, those of each moment as a pull of its own, recorded when it ended."""
    for moment in sorted({row.observed_at for row in rows}):
        hour = (moment - at(0)) / dt.timedelta(hours=1)
        then = [row for row in rows if row.observed_at == moment]
        load(engine, then, load_id=f"{hour}", ended=hour, client=client)


def test_posts_in_their_latest_version_by_time_of_publishing(warehouse: Engine) -> None:
    fill(
        warehouse,
        post(30, "late", published=20),
        post(30, "early", published=3, tags=("rolls", "bread"), links=("https://cafe.example",)),
        post(40, "early", published=3, text="edited"),
        post(30, "before", published=-1),
        post(30, "after", published=DAY),
        post(30, "moved", published=5),
        post(40, "moved", published=DAY + 5),
    )
    with snapshot(warehouse) as connection:
        first = read.posts(connection, CLIENT, at(30), at(0), at(DAY))
        later = read.posts(connection, CLIENT, at(40), at(0), at(DAY))
        assert read.posts(connection, CLIENT, at(29), at(0), at(DAY)) == []
    assert [each.post_id for each in first] == ["early", "moved", "late"]
    assert [each.post_id for each in later] == ["early", "late"]
    assert first[0] == read.Post(
        source="bluesky", account_id="did:1", post_id="early", published_at=at(3), kind="text", text="Fresh rolls",
        permalink="https://social.example/early", tags=("rolls", "bread"), links=("https://cafe.example",),
        reply_to=None, observed_at=at(30), receipt=receipt(30),
    )  # fmt: skip
    assert (later[0].text, later[0].tags) == ("edited", ())


def likes(
    connection: Connection, as_of: float, *, zone: str = BERLIN, age: dt.timedelta | None = None
) -> list[tuple[str, int | None, bool]]:
    found = read.post_counters(connection, CLIENT, at(as_of), at(-WEEK), at(WEEK), zone=zone, age=age)
    return [(each.post_id, each.value, each.late) for each in found if each.metric == "likes"]


def test_counters_latest_and_at_a_matched_age(warehouse: Engine) -> None:
    fill(
        warehouse,
        post(30, "p1", published=3),
        counter(30, 1, published=3),
        counter(WEEK + 10, 5, published=3),
        counter(WEEK + 30, 9, published=3),
        post(30, "p2", published=4),
        counter(WEEK + 40, 2, "p2", published=4),
        counter(WEEK + 60, None, "p2", published=4),
        post(30, "p3", published=5),
    )
    day_and_a_half = dt.timedelta(hours=36)
    with snapshot(warehouse) as connection:
        assert likes(connection, 5 * WEEK) == [("p1", 9, False), ("p2", None, False)]
        assert likes(connection, WEEK + 15) == [("p1", 5, False)]
        # the week ends at 23:00 UTC on Sunday, so the cutoff of 36 hours lies at WEEK + 35
        assert likes(connection, 5 * WEEK, age=day_and_a_half) == [("p1", 9, False), ("p2", 2, True)]
        assert likes(connection, 5 * WEEK, age=dt.timedelta(hours=12)) == [("p1", 5, False), ("p2", 2, True)]
        assert likes(connection, WEEK + 35, age=day_and_a_half) == [("p1", 9, False)]
        found = read.post_counters(connection, CLIENT, at(5 * WEEK), at(0), at(WEEK))
    assert found[0] == read.PostCounter(
        source="bluesky", account_id="did:1", post_id="p1", metric="likes", value=9, observed_at=at(WEEK + 30),
        late=False, receipt=receipt(WEEK + 30),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("published", "week_ends"),
    [
        ("2026-03-28T12:00+00:00", "2026-03-29T22:00+00:00"),  # a week of 167 hours
        ("2026-03-29T21:59+00:00", "2026-03-29T22:00+00:00"),
        ("2026-03-29T22:00+00:00", "2026-04-05T22:00+00:00"),
        ("2026-10-24T12:00+00:00", "2026-10-25T23:00+00:00"),  # a week of 169 hours
        ("2026-12-31T12:00+00:00", "2027-01-03T23:00+00:00"),  # ISO week 2026-W53
    ],
)
def test_the_cutoff_follows_the_clients_clock(warehouse: Engine, published: str, week_ends: str) -> None:
    moment, end = dt.datetime.fromisoformat(published), dt.datetime.fromisoformat(week_ends)
    age = dt.timedelta(days=2)
    fill(warehouse, msgspec.structs.replace(post(0), published_at=moment, observed_at=moment))
    for value, seen in enumerate([end + age, end + age + dt.timedelta(seconds=1)]):
        fill(warehouse, msgspec.structs.replace(counter(0, value), published_at=moment, observed_at=seen))
    with snapshot(warehouse) as connection:
        found = read.post_counters(
            connection, CLIENT, end + dt.timedelta(days=99), moment, moment + age, zone=BERLIN, age=age
        )
    assert [(each.value, each.observed_at) for each in found] == [(0, end + age)]


def test_a_matched_age_agrees_with_its_rule(warehouse: Engine) -> None:
    """The rule in plain Python: the latest by the cutoff, else the earliest after it."""
    numbers = iter(range(10_000))

    @settings(max_examples=40)
    @given(
        published=st.integers(0, int(WEEK) - 2),
        seen=st.dictionaries(st.integers(int(WEEK) - 20, int(WEEK) + 80), st.integers(0, 99), min_size=1, max_size=8),
        age=st.integers(0, 72),
        as_of=st.integers(int(WEEK) - 20, int(WEEK) + 80),
    )
    def agrees(published: int, seen: dict[int, int], age: int, as_of: int) -> None:
        client = f"client-{next(numbers)}"
        totals = (counter(hour, value, client=client, published=published) for hour, value in seen.items())
        fill(warehouse, post(0, published=published, client=client), *totals, client=client)
        with warehouse.connect() as connection:
            found = read.post_counters(
                connection, client, at(as_of), at(0), at(WEEK), zone=BERLIN, age=dt.timedelta(hours=age)
            )
        cutoff = WEEK - 1 + age
        known = {hour: value for hour, value in seen.items() if hour <= as_of}
        by_then = [hour for hour in known if hour <= cutoff]
        expected = [known[max(by_then) if by_then else min(known)]] if known else []
        assert [each.value for each in found] == expected
        assert [each.late for each in found] == ([not by_then] if known else [])

    agrees()


def test_accounts_and_their_counters_as_they_stood(warehouse: Engine) -> None:
    fill(
        warehouse,
        account(1),
        account(50, name="Harbour Bar"),
        counter(1, 100, "did:1", "followers"),
        counter(10, 120, "did:1", "followers"),
        counter(10, None, "did:1", "following"),
        counter(50, 90, "did:1", "followers"),
    )
    with snapshot(warehouse) as connection:
        assert [each.name for each in read.accounts(connection, CLIENT, at(49))] == ["Harbour Café"]
        assert [each.name for each in read.accounts(connection, CLIENT, at(50))] == ["Harbour Bar"]
        assert read.accounts(connection, CLIENT, at(0)) == []

        def stood(at_hour: float, as_of: float) -> list[tuple[str, int | None]]:
            found = read.account_counters(connection, CLIENT, at(as_of), at(at_hour))
            return [(each.metric, each.value) for each in found]

        assert stood(49, 99) == [("followers", 120), ("following", None)]
        assert stood(99, 49) == [("followers", 120), ("following", None)]
        assert stood(9, 99) == [("followers", 100)]
        assert stood(60, 99) == [("followers", 90), ("following", None)]


def test_day_values_in_their_latest_revision(warehouse: Engine) -> None:
    tuesday = MONDAY + dt.timedelta(days=1)
    fill(
        warehouse,
        day(25, 41.0),
        day(49, 44.0),
        day(49, None, tuesday),
        day(49, 7.0, dimension="channel", member="social"),
        day(49, 3.0, dimension="channel", member="direct"),
        day(49, 1.0, MONDAY + dt.timedelta(days=7)),
    )

    with snapshot(warehouse) as connection:

        def values(as_of: float, dimension: str = "total") -> list[tuple[dt.date, str, float | None]]:
            found = read.day_values(
                connection, CLIENT, at(as_of), MONDAY, MONDAY + dt.timedelta(days=6), "visits", dimension
            )
            return [(each.day, each.member, each.value) for each in found]

        assert values(30) == [(MONDAY, "", 41.0)]
        assert values(49) == [(MONDAY, "", 44.0), (tuesday, "", None)]
        assert values(49, "channel") == [(MONDAY, "direct", 3.0), (MONDAY, "social", 7.0)]
        found = read.day_values(connection, CLIENT, at(49), MONDAY, MONDAY, "visits", "total")
    assert found[0].receipt == receipt(49)


def test_series_of_days_in_their_latest_revisions(warehouse: Engine) -> None:
    tuesday = MONDAY + dt.timedelta(days=1)
    fill(
        warehouse,
        day(25, 41.0),
        day(49, 44.0),
        day(49, None, tuesday),
        day(49, 7.0, dimension="channel", member="social"),
        day(49, 5.0, dimension="touchpoint", member="winter/poster"),
    )

    with snapshot(warehouse) as connection:

        def series(
            as_of: float, last: dt.date = tuesday
        ) -> list[tuple[str, tuple[dt.date, ...], tuple[float | None, ...]]]:
            found = read.day_series(connection, CLIENT, at(as_of), MONDAY, last)
            return [(f"{each.dimension} {each.member}", each.days, each.counts) for each in found]

        social = ("channel social", (MONDAY,), (7.0,))
        assert series(49) == [social, ("total ", (MONDAY, tuesday), (44.0, None))]
        assert series(49, MONDAY) == [social, ("total ", (MONDAY,), (44.0,))]
        assert series(30) == [("total ", (MONDAY,), (41.0,))]


def test_what_the_posts_of_a_day_have_earned(warehouse: Engine) -> None:
    fill(
        warehouse,
        post(25, "p1", published=1, likes=4, reposts=1, views=900),
        post(25, "p2", published=2, views=50),
        post(25, "p3", published=23.5, likes=None, replies=2),
        counter(49, 9, published=1),
    )

    with snapshot(warehouse) as connection:

        def days(as_of: float, zone: str) -> list[tuple[dt.date, int, int, int | None, int | None, int | None]]:
            found = read.post_days(connection, CLIENT, at(as_of), at(0), at(48), zone=zone)
            return [(d.day, d.posts, d.counted, d.reactions, d.replies, d.passed_on) for d in found]

        tuesday = MONDAY + dt.timedelta(days=1)
        assert days(30, "UTC") == [(MONDAY, 3, 2, 7, 2, 1)]
        assert days(60, "UTC") == [(MONDAY, 3, 2, 12, 2, 1)]
        assert days(60, "Europe/Berlin") == [(MONDAY, 2, 1, 10, None, 1), (tuesday, 1, 1, 2, 2, None)]


def test_verdicts_and_loads_as_they_stood(warehouse: Engine) -> None:
    load(warehouse, [], load_id="one", ended=25)
    with warehouse.begin() as connection:
        load_pull(
            connection,
            load_id="two",
            target=target(),
            window=Window(MONDAY - dt.timedelta(days=9), MONDAY - dt.timedelta(days=3)),
            started_at=at(48),
            ended_at=at(49),
            digest=b"two",
            recorded_at=at(49),
            rows=[],
            verdicts=[DayVerdict(client_id=CLIENT, source="bluesky", ref="cafe.example", day=MONDAY, colour="green")],
        )
    with snapshot(warehouse) as connection:

        def colours(as_of: float) -> list[tuple[str, tuple[str, ...]]]:
            found = read.verdicts(connection, CLIENT, at(as_of), MONDAY, MONDAY)
            return [(each.colour, each.reasons) for each in found]

        assert colours(24) == []
        assert colours(25) == [("amber", ("late data",))]
        assert colours(49) == [("green", ())]
        assert read.windows(connection, CLIENT, at(24)) == []
        assert [each.last_day for each in read.windows(connection, CLIENT, at(25))] == [MONDAY]
        assert [each.last_day for each in read.windows(connection, CLIENT, at(49))] == [
            MONDAY,
            MONDAY - dt.timedelta(days=3),
        ]
        made_since_wednesday = read.windows(connection, CLIENT, at(49), MONDAY + dt.timedelta(days=2))
        assert [each.last_day for each in made_since_wednesday] == [MONDAY - dt.timedelta(days=3)]

        def covered(*, as_of: float, first: dt.date = MONDAY, last: dt.date = MONDAY) -> bool:
            return read.is_covered(
                connection, CLIENT, at(as_of), source="bluesky", ref="cafe.example", first_day=first, last_day=last
            )

        assert covered(as_of=25)
        assert not covered(as_of=24), "not made yet"
        assert not covered(as_of=99, last=MONDAY + dt.timedelta(days=1)), "nobody has asked for that day"
        friday = MONDAY - dt.timedelta(days=3)
        assert covered(as_of=99, first=MONDAY - dt.timedelta(days=9), last=friday)
        assert not covered(as_of=99, first=friday, last=MONDAY), "the days between the two pulls are missing"


def test_a_day_is_covered_only_by_a_pull_made_after_its_end(warehouse: Engine) -> None:
    def covered() -> bool:
        with warehouse.connect() as connection:
            return read.is_covered(
                connection, CLIENT, at(99), source="bluesky", ref="cafe.example", first_day=MONDAY, last_day=MONDAY
            )

    load(warehouse, [], load_id="one", ended=22.9)
    assert not covered(), "Monday ends at 23:00 UTC in Berlin"
    load(warehouse, [], load_id="two", ended=23)
    assert covered()


def everything(connection: Connection, client: str) -> list[object]:
    return [
        read.posts(connection, client, at(99), at(-99), at(99)),
        read.post_counters(connection, client, at(99), at(-99), at(99)),
        read.accounts(connection, client, at(99)),
        read.account_counters(connection, client, at(99), at(99)),
        read.day_values(connection, client, at(99), MONDAY, MONDAY, "visits", "total"),
        read.verdicts(connection, client, at(99), MONDAY, MONDAY),
        read.windows(connection, client, at(99)),
    ]


def test_no_read_shows_another_clients_rows(warehouse: Engine) -> None:
    fill(warehouse, account(1), post(1), counter(1, 3), counter(1, 9, "did:1", "followers"), day(1, 4.0))
    with warehouse.connect() as connection:
        assert all(everything(connection, CLIENT))
        assert everything(connection, "quay-gym") == [[]] * 7
