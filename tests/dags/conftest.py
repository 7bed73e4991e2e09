"""An Airflow of the test session's own to read DAG files with: SQLite, no examples, one folder of client files."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from widerview.sandbox.clients import write_clients

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Client files: the sandbox's three and a broken one, in an environment ready for `import airflow`."""
    home = tmp_path_factory.mktemp("airflow")
    folder = home / "clients"
    write_clients(folder, dt.date(2026, 11, 16))
    (folder / "the bäkery.yaml").write_text("client: nobody\n")
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "WIDERVIEW_CLIENTS": str(folder),
    }
    assert "airflow" not in sys.modules, "Airflow reads its settings when it is imported"
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    yield folder
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def dags(clients: Path) -> dict[str, Any]:
    """All DAGs, by id."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="session")
def metadata_database(clients: Path) -> None:
    """Airflow's own tables, for the tests that run a DAG in this process."""
    airflow = Path(sys.executable).with_name("airflow")
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True)
