"""A demo that runs, for tests that look at it from outside."""

import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil

from widerview.demo.airflow_api import DemoAirflow
from widerview.demo.home import Home


@dataclass
class Demo:
    """A demo that has run to its end, and a logged-in user of its Airflow."""

    home: Home
    api: DemoAirflow
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
