"""The door to the warehouse's PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text

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
