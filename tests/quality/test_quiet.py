"""The task's log holds our words and not the library's, and nothing is told to anybody outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two tasks have left their logs."""
    folder = tmp_path_factory.mktemp("quiet")
    environment = {name: value for name, value in os.environ.items() if name != "GX_ANALYTICS_ENABLED"}
    environment["AIRFLOW_HOME"] = str(folder / "airflow")
    script = Path(__file__).with_name("quiet_task.py")
    # What the preloading process itself says is no task's.
    subprocess.run(
        [sys.executable, script, folder], check=True, env=environment, timeout=240, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.mark.parametrize("how", ["fresh", "preloaded"])
def test_of_two_hundred_lines_of_the_library_none_is_logged(checked: Path, how: str) -> None:
    lines = [json.loads(line) for line in (checked / f"{how}.log").read_text().splitlines()]
    assert [(line["logger"], line["event"]) for line in lines] == [("widerview", "the summary")]


@pytest.mark.parametrize("how", ["fresh", "preloaded"])
def test_nobody_outside_is_told_anything(checked: Path, how: str) -> None:
    assert (checked / f"{how}.calls").read_text() == ""
