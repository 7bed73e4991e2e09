"""One real Airflow for all tests here: the demo itself, in a home of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from running_demo import Demo, demo_command, processes_of
from widerview.demo.airflow_api import DemoAirflow
from widerview.demo.home import REVIEWER, Home

BROKEN = "client: broken-client\nname: Broken Client\ntime_zone: Europe/Atlantis\n"


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
        output, _ = started.communicate(timeout=850)
        logs = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in home.logs.glob("*.log"))
        assert started.returncode == 0, f"{output}\n{logs}"
        api = DemoAirflow(home.ui, REVIEWER, home.state["password"])
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
