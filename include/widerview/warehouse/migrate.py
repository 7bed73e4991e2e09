"""Bring a database to the warehouse's current schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from widerview.sources.registry import SOURCES
from widerview.vocabulary.rows import definition_rows, metric_rows
from widerview.warehouse.database import REPORT_ROLE, connect
from widerview.warehouse.distribute import distribute
from widerview.warehouse.marts import drop_marts, make_marts
from widerview.warehouse.sql import query
from widerview.warehouse.tables import metric, metric_definition

VERSION_TABLE = "warehouse_version"
"""Alembic's own table; not by its usual name, which Airflow's metadata has taken if both share a database."""

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('widerview migrate', 0))"


def migrate(engine: Engine | str, revision: str = "head", *, distributed: bool = False) -> None:
    """Upgrade the warehouse to a revision, by default the newest, and bring vocabulary and marts up to date there.

    One transaction: it is migrated wholly or not at all. Of two that migrate at once, the second waits and then has
    nothing to do. A warehouse at an older revision has no marts.

    Args:
        engine: The warehouse, or its URL as `connect` takes it.
        revision: Where to go.
        distributed: Whether the tables are to be distributed over a Citus cluster afterwards.

    Raises:
        ValueError: The database is at a revision that this version does not know, the role that reports read with
            is missing and may not be made, a view of the user's own hangs on a mart that has to be made anew, or there
            is no cluster to distribute over; the message says what to do.
    """
    with _migrating(engine) as config:
        connection: Connection = config.attributes["connection"]
        _make_role(connection)
        if _revision(connection) != head():
            drop_marts(connection)  # they hang on the tables that are about to change
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise ValueError(
                f"The warehouse cannot be migrated to {revision}: {error}. If a later or an unreleased version of "
                "Widerview has made it, use that version, or a new database and `widerview replay`."
            ) from error
        if revision == "head":
            _write_vocabulary(connection)
            make_marts(connection)
    if distributed:
        with _opened(engine) as warehouse:
            distribute(warehouse)


def downgrade(engine: Engine | str, revision: str) -> None:
    """Take the warehouse back to a revision; `base` drops every table with all that was observed.

    Raises:
        ValueError: A view of the user's own hangs on a mart; the message names it.
    """
    with _migrating(engine) as config:
        drop_marts(config.attributes["connection"])
        command.downgrade(config, revision)


def current(engine: Engine | str) -> str | None:
    """Give the revision the warehouse is at; None if it was never migrated."""
    with _opened(engine) as warehouse, warehouse.connect() as connection:
        return _revision(connection)


def head() -> str:
    """Give the newest revision there is."""
    newest = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert newest is not None  # noqa: S101 - there is always the first
    return newest


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _make_role(connection: Connection) -> None:
    """Make the role that reports read with, unless the server has it; roles belong to a server, not to a database."""
    if connection.scalar(query("may_report"), {"role": REPORT_ROLE}):
        return
    user = connection.scalar(text("SELECT quote_ident(current_user)"))
    try:
        connection.execute(query("make_role"))
    except ProgrammingError as error:
        raise ValueError(
            f"The warehouse's user may not make the role {REPORT_ROLE}, which reports read with ({error.orig}). Let an "
            f"administrator run: CREATE ROLE {REPORT_ROLE}; GRANT {REPORT_ROLE} TO {user}; then migrate again."
        ) from error


def _write_vocabulary(connection: Connection) -> None:
    """Bring the metrics and their definitions up to date, those of sources from other packages included."""
    dictionaries = [source.dictionary for source in SOURCES.values()]
    for table, rows in ((metric, metric_rows()), (metric_definition, definition_rows(dictionaries))):
        connection.execute(table.delete())
        connection.execute(table.insert(), rows)


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
