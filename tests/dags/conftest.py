"""What the tests of the DAG files share: client files, and all DAGs made of them."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from widerview.sandbox.clients import write_clients

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def clients(airflow_home: Path) -> Path:
    """Client files: the sandbox's three and a broken one."""
    folder = airflow_home / "clients"
    write_clients(folder, dt.date(2026, 11, 16))
    (folder / "the bäkery.yaml").write_text("client: nobody\n")
    return folder


@pytest.fixture(autouse=True)
def installation(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation whose DAGs are read."""
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(clients))


@pytest.fixture(scope="session")
def dags(clients: Path) -> dict[str, Any]:
    """All DAGs, by id."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WIDERVIEW_CLIENTS", str(clients))
        bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="session")
def metadata_database(airflow_home: Path) -> None:
    """Airflow's own tables, for the tests that run a DAG in this process."""
    airflow = Path(sys.executable).with_name("airflow")
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True)
