"""Months: each row lies in the right one, whatever the clocks did, and they appear by themselves."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest
from sqlalchemy import Engine, create_engine, text
from warehouse_pulls import MONDAY, at, comment, counter, day, dump, load, post, target

from widerview.sources.base import Row, Window
from widerview.warehouse.load import load_pull
from widerview.warehouse.partitions import make_partitions, name


def partitions(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(text("SELECT CAST(inhrelid AS regclass) FROM pg_inherits WHERE NOT EXISTS "
            "(SELECT FROM pg_index WHERE indexrelid = inhrelid)")))  # fmt: skip


def months(engine: Engine, table: str) -> dict[str, str]:
    """The partition in which each client's one row lies."""
    query = text(f"SELECT client_id, CAST(CAST(tableoid AS regclass) AS text) FROM {table}")
    with engine.connect() as connection:
        return dict(connection.execute(query).all())  # type: ignore[arg-type]  # pairs


INSTANTS = {
    "2026-03-29T02:59:59+02:00": "2026_03",
    "2026-11-01T00:30:00+01:00": "2026_10",  # in Berlin it is November, in UTC October
    "2026-10-31T23:30:00-04:00": "2026_11",
    "2026-10-31T23:59:59.999999+00:00": "2026_10",
    "2026-11-01T00:00:00+00:00": "2026_11",
    "2026-12-31T23:59:59.999999+00:00": "2026_12",
    "2027-01-01T00:00:00+00:00": "2027_01",
    "2027-01-01T13:59:59+14:00": "2026_12",
    "2026-12-31T12:00:00-12:00": "2027_01",
    "2024-02-29T12:00:00+00:00": "2024_02",
    "2020-01-01T00:00:00+00:00": "2020_01",
    "2020-01-01T00:59:59+01:00": "older",
    "2019-12-31T23:59:59.999999+00:00": "older",
    "2006-03-21T20:50:14+00:00": "older",
    "0001-01-01T00:00:00+00:00": "older",
    "9999-11-30T23:59:59+00:00": "9999_11",
}


def test_instants_lie_in_their_month_in_utc(warehouse: Engine) -> None:
    for published in INSTANTS:
        moment = dt.datetime.fromisoformat(published)
        rows = [msgspec.structs.replace(row, published_at=moment) for row in (post(1), comment(1))]
        mine = [msgspec.structs.replace(row, client_id=published) for row in rows]
        load(warehouse, mine, load_id="one", ended=1, client=published)
        assert [row[2] for row in dump(warehouse, published)["post"]] == [moment]
    for table in ("post", "comment"):
        assert months(warehouse, table) == {published: f"{table}_{month}" for published, month in INSTANTS.items()}


DAYS = {
    "2026-10-25": "2026_10",
    "2026-10-31": "2026_10",
    "2026-11-01": "2026_11",
    "2026-12-31": "2026_12",
    "2027-01-01": "2027_01",
    "2019-12-31": "older",
    "2020-01-01": "2020_01",
}


def test_days_lie_in_their_month(warehouse: Engine) -> None:
    for date in DAYS:
        row = day(1, 4.0, dt.date.fromisoformat(date), client=date)
        load(warehouse, [row], load_id="one", ended=1, client=date)
    assert months(warehouse, "day_value") == {date: f"day_value_{month}" for date, month in DAYS.items()}


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/St_Johns"])
def test_the_sessions_time_zone_does_not_move_the_bounds(warehouse: Engine, zone: str) -> None:
    """Whoever opens the database without our door, e.g. an operator's script, makes the same months."""
    engine = create_engine(warehouse.url.update_query_dict({"options": f"-c timezone={zone}"}))
    first, last = (dt.datetime(2026, 5, 1, tzinfo=dt.UTC), dt.datetime(2026, 5, 31, 23, 59, tzinfo=dt.UTC))
    rows = [msgspec.structs.replace(post(1, f"p{moment.day}"), published_at=moment) for moment in (first, last)]
    load(engine, rows, load_id="one", ended=1)
    engine.dispose()
    load(warehouse, [msgspec.structs.replace(post(1, "p2"), published_at=last + dt.timedelta(minutes=1))],
         load_id="two", ended=2)  # fmt: skip
    with warehouse.connect() as connection:
        found = connection.execute(
            text("SELECT post_id, CAST(CAST(tableoid AS regclass) AS text) FROM post ORDER BY 1")
        )
        assert found.all() == [("p1", "post_2026_05"), ("p2", "post_2026_06"), ("p31", "post_2026_05")]


def test_only_the_months_that_are_needed_appear(warehouse: Engine) -> None:
    assert partitions(warehouse) == {"post_older", "comment_older", "day_value_older"}
    load(warehouse, [post(1), comment(1), day(1, 1.0), counter(1, 1, published=30 * 24)], load_id="one", ended=1)
    assert partitions(warehouse) == {
        "post_older", "comment_older", "day_value_older",
        "post_2026_11", "post_2026_12", "comment_2026_11", "day_value_2026_11",
    }  # fmt: skip
    load(warehouse, [post(2), day(2, 2.0)], load_id="two", ended=2)
    assert len(partitions(warehouse)) == 7


def test_a_month_is_found_by_its_bounds_alone(warehouse: Engine) -> None:
    """A read of a week looks into no other month."""
    load(warehouse, [post(1), post(1, "p2", published=-24 * 30), day(1, 1.0)], load_id="one", ended=1)
    with warehouse.connect() as connection:
        plan = "\n".join(
            connection.scalars(
                text("EXPLAIN SELECT * FROM post WHERE published_at >= '2026-11-02' AND published_at < '2026-11-09'")
            )
        )
    assert "post_2026_11" in plan
    assert "post_2026_10" not in plan
    assert "post_older" not in plan


def test_a_month_has_the_tables_key_and_checks(warehouse: Engine) -> None:
    load(warehouse, [post(1), day(1, 1.0)], load_id="one", ended=1)
    query = """
        SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = CAST(:table AS regclass) AND contype IN ('p', 'c') ORDER BY 1, 2
    """
    with warehouse.connect() as connection:
        for table in ("post", "day_value"):
            parent, child = (
                connection.execute(text(query), {"table": each}).all() for each in (table, f"{table}_2026_11")
            )
            assert parent == child
            assert len(parent) == 2


def test_two_loads_that_need_the_same_new_month_at_once(
    warehouse: Engine, until_waiting: Callable[[Engine], None]
) -> None:
    """The second waits until the first has made it."""
    with ThreadPoolExecutor(1) as pool:
        with warehouse.begin() as connection:
            load_pull(
                connection, load_id="one", target=target(), window=Window(MONDAY, MONDAY), started_at=at(0),
                ended_at=at(1), digest=b"one", rows=[post(1), day(1, 1.0)],
            )  # fmt: skip
            second = pool.submit(
                load, warehouse, [post(1, client="quay-gym"), day(1, 1.0, client="quay-gym")], load_id="two", ended=1,
                client="quay-gym",
            )  # fmt: skip
            until_waiting(warehouse)
            assert not second.done()
        assert second.result(30).stored == 2
    assert len(dump(warehouse)["post"]) == len(dump(warehouse, "quay-gym")["post"]) == 1


def test_many_loads_and_many_new_months_at_once(warehouse: Engine) -> None:
    start = Barrier(6)

    def run(number: int) -> int:
        client = f"client-{number}"
        rows: list[Row] = []
        for month in range(12):
            when = 24 * 30.5 * (month * (1 if number % 2 else -1))
            rows += [
                post(1, f"p{month}", published=when, client=client),
                comment(1, f"c{month}", published=when, client=client),
            ]
        start.wait()
        return load(warehouse, rows, load_id="one", ended=1, client=client).stored

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(6))) == [24] * 6


def test_a_load_that_is_rolled_back_leaves_no_month(warehouse: Engine) -> None:
    before = partitions(warehouse)
    with warehouse.connect() as connection:
        load_pull(
            connection, load_id="one", target=target(), window=Window(MONDAY, MONDAY), started_at=at(0), ended_at=at(1),
            digest=b"one", rows=[post(1), comment(1), day(1, 1.0)],
        )  # fmt: skip
        connection.rollback()
    assert partitions(warehouse) == before
    assert not any(dump(warehouse).values())
    load(warehouse, [post(1)], load_id="one", ended=1)
    assert partitions(warehouse) == before | {"post_2026_11"}


def test_making_what_is_there_does_nothing(warehouse: Engine) -> None:
    needed = [("post", dt.date(2026, 12, 1)), ("post", dt.date(2026, 12, 1)), ("comment", dt.date(2011, 12, 1))]
    for _ in range(2):
        with warehouse.begin() as connection:
            make_partitions(connection, needed)
    assert partitions(warehouse) == {"post_older", "comment_older", "day_value_older", "post_2026_12"}
    assert name("day_value", dt.date(2019, 12, 1)) == "day_value_older"
