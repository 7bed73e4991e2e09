"""Every service of docker-compose.yaml, started natively: its own command, environment and health check.

What a container would give stands in a temporary folder: `/opt/airflow`, with what the Dockerfile copies there. Host
names and ports are those of this machine.
"""

import json
import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests
from compose_file import EXAMPLE, ROOT, SERVICES, copies, dotenv, interpolate

from widerview.demo.airflow_api import DemoAirflow
from widerview.demo.postgres import wheel
from widerview.demo.processes import Processes
from widerview.pipeline.catalogue import pools
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import current, head

pytestmark = pytest.mark.airflow

STARTED = ["api-server", "scheduler", "dag-processor", "triggerer", "mail-catcher"]
CLIENT = "harbour-bakery"
CLIENT_FILE = f"""\
client: {CLIENT}
name: Harbour Bakery
time_zone: Europe/Berlin
office_hours:
  monday: {{opens: 08:00, closes: 17:00}}
reviewers: [mira]
sender: {{name: Mira Example, email: mira@wide-angle.example, agency: Wide Angle, postal_address: "Sample Street 1"}}
recipients: [{{name: Anna Example, email: anna@harbour-bakery.example}}]
accounts: [{{platform: mastodon, handle: "@bakery@social.example", connection: mastodon_bakery}}]
"""


def free_ports(names: list[str]) -> dict[str, int]:
    probes = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: probe.getsockname()[1] for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return ports


def env_file_of_the_docs(folder: Path) -> dict[str, str]:
    """Make .env with the very lines that docs/deployment.md tells operators to run."""
    lines = re.search(r"```sh\n(sed .*?)```", (ROOT / "docs/deployment.md").read_text(), re.DOTALL)
    assert lines
    shutil.copy(EXAMPLE, folder)
    subprocess.run(["sh", "-ec", lines[1]], cwd=folder, check=True)
    made = folder / ".env"
    assert made.stat().st_mode & 0o077 == 0
    return dotenv(made.read_text())


class Machine:
    """This machine in the place of the containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(["postgres", "ui", "scheduler health", "scheduler logs", "triggerer logs", "mail"])
        smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": 1025,
                "extra": {"disable_ssl": True, "disable_tls": True}}  # fmt: skip
        self.env = env_file_of_the_docs(folder) | {
            "AIRFLOW_USERS": "ada:admin,mira:op",
            "WIDERVIEW_SMTP": json.dumps(smtp),
        }
        self.processes = Processes(folder / "run", folder / "process-logs")
        self.airflow = folder / "opt/airflow"
        for source, target in copies():
            if target.startswith("/opt/airflow/"):
                shutil.copytree(ROOT / source, self.here(target))
        for name in ("clients", "landing", "logs", "mail", "secrets"):
            (self.airflow / name).mkdir()
        (self.airflow / f"clients/{CLIENT}.yaml").write_text(CLIENT_FILE)

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.ports['ui']}"

    def here(self, text: str) -> str:
        """Read addresses and paths of the containers as those of this machine."""
        native = {
            "@postgres:5432/": f"@127.0.0.1:{self.ports['postgres']}/",
            "api-server:8080": f"127.0.0.1:{self.ports['ui']}",
            "localhost:8080": f"127.0.0.1:{self.ports['ui']}",
            "localhost:8974": f"127.0.0.1:{self.ports['scheduler health']}",
            "1025": str(self.ports["mail"]),
            "/opt/airflow": str(self.airflow),
            "/tmp/": f"{self.folder}/",
        }
        return re.sub("|".join(native), lambda found: native[found[0]], text)

    def environment(self, name: str) -> dict[str, str]:
        """What the image and the compose file give a service, and the ports it would have for itself in there."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        given = interpolate(SERVICES[name].get("environment", {}), self.env)
        return {
            "PATH": path,
            "HOME": str(self.folder),
            "HOSTNAME": socket.gethostname(),
            "AIRFLOW_HOME": str(self.airflow),
            **{key: self.here(value) for key, value in given.items()},
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "PGPORT": str(self.ports["postgres"]),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports["ui"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports["scheduler logs"]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.ports["triggerer logs"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler health"]),
        }

    def command(self, name: str) -> list[str]:
        """A service's command as the image's entrypoint runs it: bash and python as they are, all else by airflow."""
        command = [self.here(word) for word in interpolate(SERVICES[name]["command"], self.env)]
        return command if command[0] in {"bash", "python"} else ["airflow", *command]

    def run(self, name: str, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """`docker compose exec` in a service."""
        return subprocess.run(
            command, env=self.environment(name), cwd=self.airflow, timeout=timeout, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service's health check."""
        kind, *check = [self.here(word) for word in interpolate(SERVICES[name]["healthcheck"]["test"], self.env)]
        return self.run(name, *(["sh", "-c", *check] if kind == "CMD-SHELL" else check))

    def start(self, *names: str) -> None:
        for name in names:
            environment = self.environment(name)
            program, *arguments = self.command(name)
            self.processes.start(name, [str(shutil.which(program, path=environment["PATH"])), *arguments], environment)

    def wait(self, ready: Callable[[], bool], *running: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            self.processes.require(*running)
            assert time.monotonic() < deadline, "\n".join(map(self.processes.tail, running))
            time.sleep(0.5)

    def user(self, name: str) -> DemoAirflow:
        passwords = json.loads((self.airflow / "secrets/passwords.json").read_text())
        api = DemoAirflow(self.ui, name, passwords[name])
        api.log_in()
        return api


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine on which the compose file's PostgreSQL runs, empty, with a password that is asked for."""
    with (
        tempfile.TemporaryDirectory(prefix="wv-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith(("AIRFLOW", "WIDERVIEW", "PG"))]:
            patch.delenv(name)
        machine = Machine(Path(folder))
        server = wheel().get_server(Path(folder) / "postgres", start=False)
        server.ensure_pgdata_inited()
        server.pgdata.joinpath("pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        port = machine.ports["postgres"]
        switches = f"-h 127.0.0.1 -p {port} -k {server.pgdata}"

        def pg_ctl(*arguments: str) -> None:
            wheel().pgexec.pgexec(
                "pg_ctl",
                ("-w", "-D", str(server.pgdata), *arguments),
                bin_path=server.bin_path,
                user=server.system_user,
            )

        pg_ctl("-o", switches, "-l", str(server.log), "start")
        try:
            given = interpolate(SERVICES["postgres"]["environment"], machine.env)
            with psycopg.connect(host=str(server.pgdata), port=port, user="postgres", autocommit=True) as admin:
                admin.execute(
                    f"CREATE ROLE {given['POSTGRES_USER']} SUPERUSER LOGIN PASSWORD '{given['POSTGRES_PASSWORD']}'"
                )
                admin.execute(f"CREATE DATABASE {given['POSTGRES_DB']}")
            patch.setenv("PATH", f"{server.bin_path}:{os.environ['PATH']}")
            yield machine
        finally:
            machine.processes.stop()
            pg_ctl("-m", "fast", "stop")


@pytest.fixture(scope="module")
def migrated(machine: Machine) -> Machine:
    """The machine after `init`."""
    done = machine.run("init", *machine.command("init"))
    assert done.returncode == 0, done.stdout
    return machine


@pytest.fixture(scope="module")
def running(migrated: Machine) -> Machine:
    """The machine with everything started."""
    migrated.start(*STARTED)
    migrated.wait(DemoAirflow(migrated.ui, "", "").healthy, *STARTED)
    return migrated


def test_postgres_is_healthy(machine: Machine) -> None:
    assert machine.health("postgres").returncode == 0


def test_nothing_else_is_healthy_before_it_runs(machine: Machine) -> None:
    assert all(machine.health(name).returncode != 0 for name in ("api-server", "scheduler", "mail-catcher"))


def test_init_migrates_both_databases_and_imports_the_pools(migrated: Machine) -> None:
    url = migrated.environment("init")["AIRFLOW_CONN_WIDERVIEW_WAREHOUSE"]
    assert current(connect(url)) == head()
    with psycopg.connect(url.replace("/warehouse", "/airflow")) as connection:
        imported = {name for (name,) in connection.execute("SELECT pool FROM slot_pool")}
    assert imported == {"default_pool", *pools()}


def test_every_service_passes_its_own_health_check(running: Machine) -> None:
    with ThreadPoolExecutor() as pool:
        for name, checked in zip(STARTED, pool.map(running.health, STARTED), strict=True):
            assert checked.returncode == 0, f"{name}: {checked.stdout}\n{running.processes.tail(name)}"


def test_users_log_in_with_the_passwords_that_were_made_for_them_and_no_other(running: Machine) -> None:
    running.user("mira")
    for guess in ("ada", "admin", "airflow", ""):
        with pytest.raises(requests.HTTPError):
            DemoAirflow(running.ui, "ada", guess).log_in()


def test_the_scheduler_runs_the_tasks_of_the_dags_in_the_image(running: Machine) -> None:
    api = running.user("ada")
    running.wait(lambda: {f"report_{CLIENT}", "ingest_matomo"} <= api.dag_ids(), *STARTED)
    assert api.call("GET", "/importErrors") == {"import_errors": [], "total_entries": 0}
    api.trigger("ingest_matomo", "by-hand", {})
    assert api.wait("ingest_matomo", "by-hand", seconds=300) == "success"
    # It landed and loaded nothing, as the client has no website.
    assert {index for _, index in api.tasks("ingest_matomo", "by-hand")} == {-1}


def test_mails_are_caught(running: Machine) -> None:
    with smtplib.SMTP("127.0.0.1", running.ports["mail"]) as smtp:
        smtp.sendmail("mira@wide-angle.example", "anna@harbour-bakery.example", "Subject: A normal week\r\n\r\nHello")
    (mail,) = (running.airflow / "mail").glob("*.eml")
    assert "A normal week" in mail.read_text()


def test_the_doctor_finds_everything_in_order_with_a_connection_made_in_the_ui(running: Machine) -> None:
    token = {"connection_id": "mastodon_bakery", "conn_type": "generic", "password": "made-up"}
    running.user("ada").call("POST", "/connections", token)
    examined = running.run("scheduler", "widerview", "doctor")
    assert examined.returncode == 0, examined.stdout
    assert "https://social.example with a token" in examined.stdout
