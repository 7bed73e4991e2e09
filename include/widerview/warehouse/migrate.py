"""Bring a database to the warehouse's current schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from widerview.warehouse.database import connect

VERSION_TABLE = "warehouse_version"
"""Alembic's own table; not by its usual name, which Airflow's metadata has taken if both share a database."""

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('widerview migrate', 0))"


def migrate(engine: Engine | str, revision: str = "head") -> None:
    """Upgrade the warehouse to a revision, by default the newest; if it is there already, nothing happens.

    One transaction: it is migrated wholly or not at all. Of two that migrate at once, the second waits and then has
    nothing to do.

    Args:
        engine: The warehouse, or its URL as `connect` takes it.
        revision: Where to go.
    """
    with _migrating(engine) as config:
        command.upgrade(config, revision)


def downgrade(engine: Engine | str, revision: str) -> None:
    """Take the warehouse back to a revision; `base` drops every table with all that was observed."""
    with _migrating(engine) as config:
        command.downgrade(config, revision)


def current(engine: Engine | str) -> str | None:
    """Give the revision the warehouse is at; None if it was never migrated."""
    with _opened(engine) as warehouse, warehouse.connect() as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def head() -> str:
    """Give the newest revision there is."""
    newest = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert newest is not None  # noqa: S101 - there is always the first
    return newest


@contextmanager
def _migrating(engine: Engine | str) -> Iterator[Config]:
    with _opened(engine) as warehouse, warehouse.begin() as connection:
        connection.execute(text(_LOCK))
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


@contextmanager
def _opened(engine: Engine | str) -> Iterator[Engine]:
    if isinstance(engine, Engine):
        yield engine
    else:
        opened = connect(engine)
        try:
            yield opened
        finally:
            opened.dispose()
