"""Doors that all tests share: a real PostgreSQL, one empty warehouse a test, and the house on a sandbox."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, Engine, create_engine, make_url

from databases import temporary_database
from mail_server import MailServer
from widerview.demo.postgres import wheel

# The time that an example takes is the machine's, and says nothing of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

pytest_plugins = ["house_fixtures", "browser_fixtures"]


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


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes whatever comes."""
    with MailServer() as mail_server:
        yield mail_server


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


def pytest_configure(config: pytest.Config) -> None:
    """Airflow reads its settings once, when it is first imported, whichever test of this process does it."""
    home = tempfile.mkdtemp(prefix="widerview-airflow-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[1] / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """AIRFLOW_HOME of this process."""
    return Path(os.environ["AIRFLOW_HOME"])
