"""Databases of a test's own, on the session's PostgreSQL."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, create_engine, text


@contextmanager
def temporary_database(postgres: URL, template: str = "template1") -> Iterator[URL]:
    """The URL of a new database, a copy of `template`; dropped in the end."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield postgres.set(database=name)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
