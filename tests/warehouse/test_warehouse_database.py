"""URLs as people and Airflow write them."""

import datetime as dt
from urllib.parse import quote

import pytest
from sqlalchemy import URL, Engine, text
from warehouse_pulls import CLIENT, at, load

from widerview.warehouse.database import connect, snapshot
from widerview.warehouse.read import windows


@pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
@pytest.mark.parametrize("place", ["query", "host"])
def test_socket_urls_of_every_spelling(database: URL, driver: str, place: str) -> None:
    folder = str(database.query["host"])
    tail = f"/{database.database}?host={quote(folder, safe='')}" if place == "query" else (
        f"{quote(folder, safe='')}/{database.database}"
    )  # fmt: skip
    engine = connect(f"{driver}://{database.username}:@{tail}")
    with engine.connect() as connection:
        zone, name = connection.execute(
            text("SELECT current_setting('timezone'), current_setting('application_name')")
        ).one()
    engine.dispose()
    assert (zone, name) == ("UTC", "widerview")


def test_own_options_are_kept(database: URL) -> None:
    url = database.update_query_dict({"options": "-c statement_timeout=12345"})
    engine = connect(url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "12345ms"
        assert connection.scalar(text("SELECT now()")).tzinfo.utcoffset(None) == dt.timedelta(0)
    engine.dispose()


def test_another_database_is_refused_with_the_fix() -> None:
    with pytest.raises(ValueError, match=r"mysql://.*Write it like postgresql://"):
        connect("mysql://root@localhost/warehouse")


def test_a_snapshot_sees_one_moment_and_writes_nothing(warehouse: Engine) -> None:
    with snapshot(warehouse) as connection:
        assert windows(connection, CLIENT, at(99)) == []
        load(warehouse, [], load_id="one", ended=1)
        assert windows(connection, CLIENT, at(99)) == []
        with pytest.raises(Exception, match="read-only"):
            connection.execute(text("DELETE FROM load"))
    with snapshot(warehouse) as connection:
        assert len(windows(connection, CLIENT, at(99))) == 1
