"""What the gate is told of a target's past: only what had been observed before its pull began."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine

from widerview.quality.past import KnownDay, Series
from widerview.quality.verdict import DayVerdict, Shape, Trait
from widerview.sources.base import AccountRow, DayRow, PostRow, Row, Target, Window
from widerview.warehouse.database import snapshot
from widerview.warehouse.load import load_pull, store_failure
from widerview.warehouse.migrate import migrate
from widerview.warehouse.past import read_past
from widerview.warehouse.read import verdicts

TARGET = Target(client_id="bakery", source="bluesky", ref="bakery.example", time_zone="Europe/Berlin")
WINDOW = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
MONDAY, TUESDAY = dt.datetime(2026, 11, 16, 6, tzinfo=dt.UTC), dt.datetime(2026, 11, 17, 6, tzinfo=dt.UTC)
SHAPES = {"posts": Shape(pulls=1, traits={"id": Trait(("string",), 1)})}


def rows(at: dt.datetime, likes: int, visits: float) -> list[Row]:
    said: dict[str, Any] = {"client_id": "bakery", "source": "bluesky", "observed_at": at, "receipt": "00" * 32}
    published = dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    day: dict[str, Any] = {"entity": "account", "entity_id": "did:1", "day": WINDOW.first, "zone": "UTC"}
    return [
        AccountRow(**said, account_id="did:1", handle="bakery.example", name="B", url="", counts={"followers": likes}),
        PostRow(
            **said, account_id="did:1", post_id="p1", published_at=published, kind="text", text="Rye",
            permalink="https://b.example/p1", counts={"likes": likes, "views": None},
        ),
        DayRow(**said, **day, dimension="total", member="", metric="views", value=visits),
        DayRow(**said, **day, dimension="channel", member="a", metric="visits", value=visits),
        DayRow(**said, **day, dimension="channel", member="b", metric="visits", value=1.0),
        DayRow(**said, **day, dimension="query", member="rye", metric="search_clicks", value=1.0),
        DayRow(**said, **day | {"entity": "folder"}, dimension="touchpoint", member="x/meta", metric="spend", value=9),
    ]  # fmt: skip


@pytest.fixture
def warehouse(engine: Engine) -> Engine:
    migrate(engine)
    for number, (at, likes) in enumerate([(MONDAY, 10), (TUESDAY, 12)]):
        load_pull(
            engine, load_id=str(number), target=TARGET, window=WINDOW, started_at=at, ended_at=at, recorded_at=at,
            digest=bytes([number]), rows=rows(at, likes, 2.0 * likes), shapes=SHAPES,
        )  # fmt: skip
    return engine


def past(engine: Engine, before: dt.datetime, **asked: Any):
    return read_past(engine, TARGET, WINDOW, before, **{"accounts": {"did:1"}, "entities": {"did:1"}} | asked)


def test_a_new_target_has_no_past(warehouse: Engine) -> None:
    assert past(warehouse, MONDAY) == past(warehouse, TUESDAY, accounts={"did:2"}, entities=set()).__class__()


def test_the_past_is_what_was_last_observed_before_the_pull(warehouse: Engine) -> None:
    second = past(warehouse, TUESDAY)
    assert second.posts["p1"].counts == {"likes": 10}
    assert second.posts["p1"].text == "Rye"
    assert second.posts["p1"].observed_at == MONDAY
    assert second.counts == {"did:1": {"followers": 10}}
    third = past(warehouse, TUESDAY + dt.timedelta(hours=1))
    assert third.posts["p1"].counts == {"likes": 12}
    assert third.posts["p1"].text == "Rye", "content that did not change is not stored again"
    assert third.counts == {"did:1": {"followers": 12}}
    assert third.shapes == SHAPES


def test_members_are_added_up_and_samples_and_what_people_save_left_out(warehouse: Engine) -> None:
    assert past(warehouse, TUESDAY).days == {
        Series("did:1", "total", "views"): {WINDOW.first: KnownDay(20.0, MONDAY)},
        Series("did:1", "channel", "visits"): {WINDOW.first: KnownDay(21.0, MONDAY)},
    }


def test_a_failed_pull_is_told_of_days_that_nobody_has_spoken_of(warehouse: Engine) -> None:
    def verdict(day: dt.date, colour: str) -> DayVerdict:
        return DayVerdict(client_id="bakery", source="bluesky", ref="bakery.example", day=day, colour=colour)

    days = WINDOW.first, WINDOW.last
    load_pull(
        warehouse, load_id="2", target=TARGET, window=WINDOW, started_at=TUESDAY, ended_at=TUESDAY, digest=b"2",
        rows=[], verdicts=[verdict(days[0], "green")], recorded_at=TUESDAY,
    )  # fmt: skip
    for _ in range(2):
        later = TUESDAY + dt.timedelta(hours=3)
        store_failure(warehouse, TARGET, ended_at=later, verdicts=[verdict(day, "red") for day in days])
    with snapshot(warehouse) as connection:
        found = verdicts(connection, "bakery", dt.datetime.now(dt.UTC), *days)
    assert [(each.day, each.colour) for each in found] == [(days[0], "green"), (days[1], "red")]
