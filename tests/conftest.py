"""Doors that all tests share: a real PostgreSQL, one empty warehouse a test, and the house on a sandbox."""

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url

from databases import temporary_database
from widerview.demo.postgres import wheel

pytest_plugins = ["house_fixtures"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The URL of a real, empty PostgreSQL 18 that lives as long as the test session."""
    with tempfile.TemporaryDirectory(prefix="widerview-pg-", ignore_cleanup_errors=True) as folder:
        with _alone():
            server = wheel().get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.stop()


@contextmanager
def _alone() -> Iterator[None]:
    """Let no other worker in: the first start of PostgreSQL as root makes a system user."""
    with (Path(tempfile.gettempdir()) / "widerview-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def database(postgres: URL) -> Iterator[URL]:
    """The URL of a database of the test's own, empty."""
    with temporary_database(postgres) as url:
        yield url


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    """An engine on the test's own database, with no tables yet."""
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AIRFLOW_HOME of this process: Airflow reads its settings once, when it is first imported."""
    assert "airflow" not in sys.modules, "a test has imported Airflow without asking for this fixture"
    home = tmp_path_factory.mktemp("airflow")
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[1] / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    import airflow.sdk

    assert airflow.sdk
    return home
