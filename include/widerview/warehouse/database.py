"""The door to the warehouse's PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from sqlalchemy import Connection, Engine, create_engine, make_url

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


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a read-only connection whose reads all see the same moment, whatever is loaded meanwhile."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
