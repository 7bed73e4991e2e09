"""The commands that need no running Airflow, as a person at a terminal meets them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL
from typer.testing import CliRunner, Result

from house import House
from widerview.cli import app
from widerview.pipeline import connections
from widerview.pipeline.catalogue import pools
from widerview.sources.registry import SOURCES


@pytest.fixture
def installed(told: House, airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An installation whose settings and connections are in the environment, as a deployment has them."""
    url: URL = told.engine.url
    monkeypatch.chdir(told.root)
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(told.root / "clients"))
    monkeypatch.setenv("WIDERVIEW_LANDING", str(told.root / "landing"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_WIDERVIEW_WAREHOUSE",
        url.set(drivername="postgresql").render_as_string(hide_password=False),
    )
    connections.warehouse.cache_clear()
    yield told
    connections.warehouse().dispose()
    connections.warehouse.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_preview_writes_the_mail_and_sends_nothing(installed: House, tmp_path: Path) -> None:
    done = run("preview", "hollow-oak-bakery", "--period", "2026-W46", "--out", str(tmp_path / "new" / "folder"))
    assert done.exit_code == 0, done.output
    files = {file.name: file.read_text() for file in (tmp_path / "new" / "folder").iterdir()}
    assert set(files) == {"email.html", "email.txt", "email.eml"}
    assert "Hollow Oak Bakery" in files["email.txt"]
    assert "cid:" not in files["email.html"], "a browser can show it"
    assert "Subject:" in files["email.eml"]


def test_preview_of_a_week_without_data_says_it_would_not_be_sent(installed: House, tmp_path: Path) -> None:
    done = run("preview", "lantern-lane", "--period", "2025-W01", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "verdict is red" in done.output


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["nobody"], 2, "there are: hollow-oak-bakery, lantern-lane, tidewater-cycles"),
        (["lantern-lane", "--period", "2026-46"], 2, "write it like 2026-W46"),
    ],
)
def test_preview_names_what_is_wrong(
    installed: House, tmp_path: Path, arguments: list[str], exit_code: int, words: str
) -> None:
    done = run("preview", *arguments, "--out", str(tmp_path))
    assert done.exit_code == exit_code
    assert words in done.output
    assert "Traceback" not in done.output


def test_a_missing_connection_is_told_in_one_line(
    installed: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.warehouse().dispose()
    connections.warehouse.cache_clear()
    monkeypatch.delenv("AIRFLOW_CONN_WIDERVIEW_WAREHOUSE")
    done = run("preview", "lantern-lane", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "'widerview_warehouse'" in done.output
    assert "airflow connections add" in done.output
    monkeypatch.setenv("AIRFLOW_CONN_WIDERVIEW_WAREHOUSE", str(installed.engine.url.set(drivername="postgresql")))


def test_doctor_finds_what_is_missing_and_goes_on(installed: House) -> None:
    done = run("doctor")
    lines = done.output.splitlines()
    assert done.exit_code == 1
    assert any(line.startswith("✓ warehouse") for line in lines)
    assert any(line.startswith("✓ landing") for line in lines)
    assert any(line.startswith("✗ mail server") and "widerview_smtp" in line for line in lines)
    assert any(line.startswith("✗ Matomo: hollow-oak-bakery 1") and "sandbox_matomo" in line for line in lines)


def test_replay_of_what_is_known_changes_nothing(installed: House) -> None:
    done = run("replay", "--client", "lantern-lane")
    assert done.exit_code == 0, done.output
    assert "2 pull(s) replayed" in done.output


def test_migrate_twice_is_fine(installed: House) -> None:
    assert run("migrate").exit_code == 0
    assert run("migrate").exit_code == 0


def test_sources_and_pools_for_programs(tmp_path: Path) -> None:
    assert [each["name"] for each in json.loads(run("sources", "--json").output)] == list(SOURCES)
    assert "matomo" in run("sources").output
    assert json.loads(run("pools").output) == pools()
    run("pools", "--out", str(tmp_path / "pools.json"))
    assert json.loads((tmp_path / "pools.json").read_text()) == pools()
