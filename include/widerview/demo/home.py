"""The demo's home: one folder that holds all its state, and the environment every one of its processes runs in."""

import json
import os
import secrets
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from cryptography.fernet import Fernet

from widerview.clock import utc_now
from widerview.sandbox.connections import connections as sandbox_connections
from widerview.settings import AIRFLOW_CONNECTION, SMTP_CONNECTION, UNSUBSCRIBE_CONNECTION, WAREHOUSE_CONNECTION

REPOSITORY = Path(__file__).resolve().parents[3]
REVIEWER = "reviewer"
UI_PORT = 8080
LAST_PORT = 65536


SCHEDULER_ENVIRONMENT = {
    # Airflow and Great Expectations take seconds to import: once, in the server that all workers fork from. Airflow
    # last: once it has set up logging, Great Expectations logs two hundred lines of its own making.
    "AIRFLOW__CORE__MP_FORKSERVER_PRELOAD": (
        "great_expectations,great_expectations.expectations,pandas,airflow.executors.local_executor"
    ),
    "AIRFLOW__CORE__MP_START_METHOD": "forkserver",
}
"""What only the scheduler, whose workers run the tasks, has in its environment."""


class PortTaken(RuntimeError):
    """The port that was asked for is no port, or in use by another program."""


@dataclass(frozen=True)
class Home:
    """The folder of one demo. Deleting it (with everything stopped) deletes all that the demo ever made."""

    path: Path

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's data, which is also the folder of its socket."""
        return self.path / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.path / "airflow"

    @property
    def clients(self) -> Path:
        """The client files."""
        return self.path / "clients"

    @property
    def access_logs(self) -> Path:
        """What the clients' web servers have logged, a folder a client."""
        return self.path / "access_logs"

    @property
    def drop_folders(self) -> Path:
        """What the clients' people have saved for us, a folder a client."""
        return self.path / "drop_folders"

    @property
    def landing(self) -> Path:
        """Raw answers."""
        return self.path / "landing"

    @property
    def mail(self) -> Path:
        """Mails caught."""
        return self.path / "mail"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def processes(self) -> Path:
        """One file a running process."""
        return self.path / "run"

    @property
    def environment_file(self) -> Path:
        """The environment as NAME=value lines, for the command line tool; holds secrets, readable by its owner only."""
        return self.path / "demo.env"

    @property
    def is_a_demo(self) -> bool:
        """Whether the folder is empty or a demo's: nothing else may be deleted."""
        return (self.path / "state.json").exists() or not any(
            file.is_file() for file in self.path.iterdir() if file.name not in {"run", "logs"}
        )

    @cached_property
    def state(self) -> dict[str, Any]:
        """Ports, generated secrets and the anchor date; made once and kept."""
        file = self.path / "state.json"
        kept = json.loads(file.read_text()) if file.exists() else {}
        return {
            "fernet_key": Fernet.generate_key().decode(),
            "jwt_secret": secrets.token_urlsafe(32),
            "api_secret": secrets.token_urlsafe(32),
            "unsubscribe_secret": secrets.token_urlsafe(32),
            "password": secrets.token_urlsafe(9),
            # Half a day from now: a schedule that is new runs at once soon after its hour, and all would be read twice.
            "ingest_hour": (utc_now().hour + 12) % 24,
            "ports": {},
            **kept,
        }

    def save(self) -> None:
        """Write the state down, readable by its owner only."""
        _write_private(self.path / "state.json", json.dumps(self.state, indent=2))

    def port(self, name: str) -> int:
        """Give the port of a service, the same in every run."""
        return cast("int", self.state["ports"][name])

    def choose_ports(self, names: list[str], running: set[str]) -> None:
        """Give every service that is not running a port that is free now.

        The UI gets `WIDERVIEW_UI_PORT` if that is set, else 8080 if it is free, else any free one.

        Raises:
            PortTaken: `WIDERVIEW_UI_PORT` is set and in use.
        """
        ports = self.state["ports"]
        asked = os.environ.get("WIDERVIEW_UI_PORT")
        for name in names:
            if name in running:
                continue
            if name == "api-server" and asked:
                if not asked.isdecimal() or not 0 < int(asked) < LAST_PORT:
                    raise PortTaken(f"WIDERVIEW_UI_PORT={asked} is no port; write a number like 8081.")
                if not _is_free(int(asked)):
                    raise PortTaken(f"WIDERVIEW_UI_PORT={asked} is in use by another program; choose another port.")
                ports[name] = int(asked)
                continue
            wanted = ports.get(name) or (UI_PORT if name == "api-server" else 0)
            ports[name] = wanted if wanted and _is_free(wanted) else _any_free()

    def database_url(self, name: str) -> str:
        """Give the SQLAlchemy URL of a database in the embedded server, over its socket."""
        return f"postgresql+psycopg://postgres@/{name}?host={quote(str(self.socket_folder), safe='')}"

    @property
    def socket_folder(self) -> Path:
        """Where the embedded server's socket is."""
        return Path(self.state.get("socket_folder", str(self.postgres)))

    @property
    def ui(self) -> str:
        """Address of the Airflow UI."""
        return f"http://127.0.0.1:{self.port('api-server')}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of the demo: all of Airflow's and Widerview's settings."""
        warehouse = self.database_url("warehouse").replace("postgresql+psycopg", "postgres")
        connections: dict[str, Any] = {
            SMTP_CONNECTION: {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": self.port("mail-catcher"),
                "extra": {"disable_ssl": True, "disable_tls": True},
            },
            AIRFLOW_CONNECTION: {
                "conn_type": "http",
                "host": self.ui,
                "login": REVIEWER,
                "password": self.state["password"],
            },
            UNSUBSCRIBE_CONNECTION: {
                "conn_type": "http",
                "host": self.ui,
                "password": self.state["unsubscribe_secret"],
            },
            **sandbox_connections(f"http://127.0.0.1:{self.port('sandbox')}"),
        }
        return {
            "AIRFLOW_HOME": str(self.airflow),
            "AIRFLOW__API__BASE_URL": self.ui,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port("api-server")),
            "AIRFLOW__API__SECRET_KEY": self.state["api_secret"],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": self.state["jwt_secret"],
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.ui}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": self.state["fernet_key"],
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.path / "passwords.json"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{REVIEWER}:admin",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database_url("airflow"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.database_url("airflow").replace(
                "postgresql+psycopg", "postgresql+psycopg_async"
            ),
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__TRIGGERER__CAPACITY": "20",
            f"AIRFLOW_CONN_{WAREHOUSE_CONNECTION.upper()}": warehouse,
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()},
            "GX_ANALYTICS_ENABLED": "false",
            "WIDERVIEW_CLIENTS": str(self.clients),
            "WIDERVIEW_INGEST_CRON": f"0 {self.state['ingest_hour']} * * *",
            "WIDERVIEW_LANDING": self.landing.as_uri(),
        }

    def write_environment(self) -> None:
        """Write what the processes and the command line tool read: the environment, and the UI's password."""
        lines = "".join(f"{name}={value}\n" for name, value in self.environment.items())
        _write_private(self.environment_file, lines)
        _write_private(self.path / "passwords.json", json.dumps({REVIEWER: self.state["password"]}))


def _write_private(file: Path, text: str) -> None:
    """Write a file for its owner's eyes, wholly or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    partial.touch(mode=0o600, exist_ok=True)
    partial.write_text(text)
    partial.replace(file)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])
