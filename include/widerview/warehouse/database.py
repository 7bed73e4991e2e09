"""The door to the warehouse's PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg.sql import Literal
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text

from widerview.warehouse.sql import query

REPORT_ROLE = "widerview_report"
"""Sees one client's rows only: those of the setting `widerview.client_id`; none if it is not set."""

_DRIVER = "postgresql+psycopg"


def connect(url: str) -> Engine:
    """Open the warehouse.

    The session's time zone is UTC, so every instant that is read carries UTC.

    Args:
        url: `postgresql://user:password@host:port/database`, as an Airflow Connection of type Postgres gives it. A
            Unix socket is named by its folder: `postgresql://user@/database?host=/var/run/postgresql`.

    Raises:
        ValueError: The URL names another database than PostgreSQL.
    """
    address = make_url(url)
    if address.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError(
            f"The warehouse is PostgreSQL, but its URL starts with {address.drivername}://. "
            "Write it like postgresql://user:password@host:5432/database."
        )
    host = unquote(address.host or "")
    if host.startswith("/"):  # Airflow quotes a socket's folder into the place of the host
        address = address.set(host=None).update_query_dict({"host": host})
    options = address.query.get("options", "")
    return create_engine(
        address.set(drivername=_DRIVER),
        pool_pre_ping=True,
        connect_args={
            "application_name": "widerview",
            "connect_timeout": 10,
            "options": f"{options} -c timezone=UTC".strip(),
        },
    )


def make_database(url: URL) -> bool:
    """Make the database that a URL names, if its server does not have it; say whether it was made.

    Asks the server's `postgres` database. The user needs the right CREATEDB only where the database is missing.
    """
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            known = connection.scalar(
                text("SELECT true FROM pg_database WHERE datname = :name"), {"name": url.database}
            )
            if not known:
                quoted = connection.dialect.identifier_preparer.quote_identifier(str(url.database))
                connection.execute(text(f"CREATE DATABASE {quoted}"))
            return not known
    finally:
        engine.dispose()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a read-only connection whose reads all see the same moment, whatever is loaded meanwhile."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextmanager
def client_snapshot(engine: Engine, client_id: str) -> Iterator[Connection]:
    """Give a snapshot in which PostgreSQL shows the rows of one client only.

    It takes on the role `REPORT_ROLE`, for which every table has a row-level policy, until the transaction ends.
    """
    with snapshot(engine) as connection:
        # Statements, not set_config(): a cluster passes on only these to its workers.
        connection.exec_driver_sql(f"SET LOCAL widerview.client_id = {Literal(client_id).as_string()}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {REPORT_ROLE}")
        # One client's rows, by the key that they lead. Where a client has much, or a month's partition is newer than
        # its statistics, the planner would rather scan the rows of everybody.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        yield connection


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """Give psycopg's own connection under SQLAlchemy's, for what only that can do; both share one transaction."""
    found: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # no generic
    return found


def present(engine: Engine, client_id: str) -> dt.datetime:
    """Give the moment to report as of: now, by the database's clock, once the client's running loads have ended.

    What is loaded afterwards is recorded at a later moment, so a report as of this one can always be rebuilt.
    """
    with engine.begin() as connection:
        as_of: dt.datetime = connection.execute(query("as_of"), {"client_id": client_id}).one().as_of
        return as_of
