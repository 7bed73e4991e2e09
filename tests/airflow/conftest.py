"""One real Airflow for all tests here: the demo itself, in a home of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest

from widerview.demo.airflow_api import AirflowApi
from widerview.demo.home import REVIEWER, Home

BROKEN = "client: broken-client\nname: Broken Client\ntime_zone: Europe/Atlantis\n"


@dataclass
class Demo:
    """A demo that has run to its end, and a logged-in user of its Airflow."""

    home: Home
    api: AirflowApi
    output: str

    def mails(self) -> list[EmailMessage]:
        files = sorted(self.home.mail.glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]  # type: ignore[misc]

    def get(self, path: str) -> dict[str, Any]:
        answer = self.api.call("GET", path)
        assert answer is not None
        return answer

    def clear(self, dag: str, run: str, task: str) -> None:
        body = {
            "dry_run": False, "dag_run_id": run, "task_ids": [task], "only_failed": False, "include_downstream": True,
        }  # fmt: skip
        self.api.call("POST", f"/dags/{dag}/clearTaskInstances", body)


def demo_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "widerview.demo", *arguments]


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that was started for a demo, however it may have drifted away from its parent."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) or process.environ().get("AIRFLOW_HOME") == str(
                home / "airflow"
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Callable[[], Path]]:
    """Folders with short names: a socket's path has room for about a hundred letters."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="wv-")))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(short_folder: Callable[[], Path]) -> Iterator[Demo]:
    home = Home(short_folder())
    home.clients.mkdir()
    (home.clients / "broken-client.yaml").write_text(BROKEN)
    started = subprocess.Popen(
        demo_command("start", "--home", str(home.path)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    try:
        output, _ = started.communicate(timeout=600)
        logs = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in home.logs.glob("*.log"))
        assert started.returncode == 0, f"{output}\n{logs}"
        api = AirflowApi(home.ui, REVIEWER, home.state["password"])
        api.log_in()
        yield Demo(home, api, output)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGINT)
            started.wait(60)
        subprocess.run(demo_command("stop", "--home", str(home.path)), check=False, timeout=120)
        left = processes_of(home.path)
        for process in left:
            process.kill()
        assert not left, f"left running: {left}"
