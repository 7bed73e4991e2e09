"""A migrated warehouse, opened as the project opens it; and a way to see that somebody waits in it."""

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from sqlalchemy import URL, Engine, text

from databases import temporary_database
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate


@pytest.fixture(scope="session")
def migrated(postgres: URL) -> Iterator[str]:
    """The name of a database that is migrated and empty, to be copied: that costs a fraction of migrating."""
    with temporary_database(postgres) as url:
        migrate(url.render_as_string(hide_password=False))
        yield str(url.database)


@pytest.fixture
def warehouse(postgres: URL, migrated: str) -> Iterator[Engine]:
    """The test's own warehouse, migrated and empty."""
    with temporary_database(postgres, migrated) as url:
        engine = connect(url.render_as_string(hide_password=False))
        yield engine
        engine.dispose()


@pytest.fixture
def until_waiting() -> Callable[[Engine], None]:
    """Ask the database until somebody in it waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def until(engine: Engine) -> None:
        deadline = monotonic() + 30
        while True:
            with engine.connect() as connection:
                if connection.scalar(waiting):
                    return
            assert monotonic() < deadline, "nobody waits"

    return until
