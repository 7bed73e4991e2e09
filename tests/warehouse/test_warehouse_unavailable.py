"""What a platform does not give is remembered with its pull, costs no row, and is no value."""

import datetime as dt

from sqlalchemy import Engine, text
from warehouse_pulls import CLIENT, MONDAY, at, post, receipt, target

from widerview.sources.base import Row, UnavailableRow, Window
from widerview.warehouse.load import LoadCounts, load_pull
from widerview.warehouse.read import post_counters

GONE = {"views": "post_views: not a valid metric"}


def gone(hours: float) -> UnavailableRow:
    return UnavailableRow(
        client_id=CLIENT, source="bluesky", observed_at=at(hours), receipt=receipt(hours), metric="views",
        native_metric="post_views", reason="not a valid metric",
    )  # fmt: skip


def pull(engine: Engine, hours: float, rows: list[Row], *, digest: bytes, unavailable: dict[str, str]) -> LoadCounts:
    return load_pull(
        engine,
        load_id=str(hours),
        target=target(),
        window=Window(MONDAY, MONDAY),
        started_at=at(hours - 0.1),
        ended_at=at(hours),
        recorded_at=at(hours),
        digest=digest,
        rows=rows,
        unavailable=unavailable,
    )


def health(engine: Engine, hours: float) -> dict[str, str]:
    moment: dt.datetime = at(hours)
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('widerview.as_of', :at, false)"), {"at": moment.isoformat()})
        return connection.execute(text("SELECT unavailable FROM mart.source_health")).scalar_one()


def test_it_is_counted_and_no_value_is_stored_over_what_was_known(warehouse: Engine) -> None:
    pull(warehouse, 1, [post(1, likes=3, views=70)], digest=b"1", unavailable={})
    counts = pull(warehouse, 2, [post(2, likes=4), gone(2)], digest=b"2", unavailable=GONE)
    assert counts == LoadCounts(parsed=2, held=0, stored=1)
    with warehouse.connect() as connection:
        found = {each.metric: each.value for each in post_counters(connection, CLIENT, at(9), at(-1), at(9))}
    assert found == {"likes": 4, "views": 70}


def test_the_health_of_a_source_tells_it_as_of_each_moment_and_no_more_when_it_is_back(warehouse: Engine) -> None:
    pull(warehouse, 1, [post(1)], digest=b"1", unavailable={})
    pull(warehouse, 2, [post(2), gone(2)], digest=b"2", unavailable=GONE)
    pull(warehouse, 3, [post(3), gone(2)], digest=b"2", unavailable=GONE)  # the same answers: not read again
    pull(warehouse, 4, [post(4)], digest=b"4", unavailable={})
    assert [health(warehouse, hours) for hours in (1, 2, 3, 4)] == [{}, GONE, GONE, {}]
