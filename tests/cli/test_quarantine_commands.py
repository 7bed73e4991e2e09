"""`widerview quarantine`, as a person at a terminal meets it."""

import datetime as dt
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from house import ANCHOR, House
from widerview.cli import app
from widerview.pipeline import connections
from widerview.sources.base import DayRow, RawPage, Row, Source, Target, Window
from widerview.sources.registry import SOURCES

WINDOW = Window(ANCHOR - dt.timedelta(days=7), ANCHOR)
CYCLES = "tidewater-cycles"
RUN = "manual__2026-11-17T07:00:00+00:00"


class Misreading(type(SOURCES["matomo"])):  # type: ignore[misc]
    """A source that reads too many visits on two days."""

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        for row in super().parse(target, page):
            visits = isinstance(row, DayRow) and (row.metric, row.dimension) == ("visits", "total")
            yield msgspec.structs.replace(row, value=-7) if visits and row.day.day in {12, 13} else row


@pytest.fixture
def installed(house: House, airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An installation that holds the visits of two days of each client."""
    source: Source = Misreading()
    monkeypatch.setitem(SOURCES, "matomo", source)
    monkeypatch.chdir(house.root)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(house.root / "clients"))
    monkeypatch.setenv("WIDERVIEW_LANDING", str(house.root / "landing"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_WIDERVIEW_WAREHOUSE",
        house.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
    )
    house.pull(WINDOW, RUN, "matomo")
    house.check_and_load(RUN, "matomo")
    connections.warehouse.cache_clear()
    yield house
    connections.warehouse().dispose()
    connections.warehouse.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["quarantine", *arguments])


def test_from_the_list_to_the_raw_answer(installed: House) -> None:
    told = run("list", "--client", CYCLES)
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert RUN in lines[0]
    assert "tidewater-cycles: matomo 2, pulled 2026-11-17 07:00 UTC" in lines[0]
    load_id = lines[1]
    rows = json.loads(run("list", "--client", CYCLES, "--json").output)
    assert [(row["load_id"], row["run"], row["row"]["value"]) for row in rows] == [(load_id, RUN, -7)] * 2
    assert all("no number from 0" in row["reason"] for row in rows)
    assert told.output.count("the whole row") == 2

    shown = run("show", load_id, str(rows[0]["row_index"]))
    assert shown.exit_code == 0, shown.output
    fields = dict(line.split(maxsplit=1) for line in shown.output.splitlines() if line and line[0].isalpha())
    assert fields["run"] == RUN
    assert fields["sha256"] == rows[0]["receipt"]
    assert fields["raw"].endswith(rows[0]["raw"].partition("#")[0])
    opened = subprocess.run(["sh", "-c", fields["open"]], capture_output=True, check=True)
    body = next(
        page.body
        for page in installed.landing.pages(installed.landing.read_pull(load_id))
        if page.sha256 == rows[0]["receipt"]
    )
    assert opened.stdout == body


def test_words_of_strangers_write_nothing_to_the_terminal(installed: House) -> None:
    with installed.engine.begin() as connection:
        connection.execute(
            text("UPDATE quarantine SET reason = :reason, metric = '[b]x' || row_index"), {"reason": "\x1b[2J[red]gone"}
        )
    shown = run("list", "--client", CYCLES).output
    assert "\\x1b[2J[red]gone" in shown
    assert "[b]x" in shown
    assert "\x1b" not in shown


def test_the_list_is_narrowed_down_and_says_when_there_is_more(installed: House) -> None:
    assert "Nothing is held" in run("list", "--source", "bluesky").output
    assert "Nothing is held" in run("list", "--since", "2026-11-18").output
    assert "There is more: give --most" in run("list", "--since", "2026-11-17", "--most", "1").output
    assert run("list", "--since", "yesterday").exit_code == 2


def test_a_release_says_what_is_still_held_and_can_be_repeated(installed: House) -> None:
    first, second = json.loads(run("list", "--client", CYCLES, "--json").output)
    which = ("--client", CYCLES, "--load", first["load_id"], "--row", str(first["row_index"]))
    done = run("release", *which, "--why", "A counter was reset.", "--by", "mara")
    assert done.exit_code == 0, done.output
    assert "Released now: 1" in done.output
    assert "1 row(s) and number(s) are still held" in done.output
    assert [row["row_index"] for row in json.loads(run("list", "--client", CYCLES, "--json").output)] == [
        second["row_index"]
    ]
    again = run("release", *which, "--why", "A counter was reset.")
    assert again.exit_code == 0
    assert "Released already" in again.output
    rest = run("release", *which[:4], "--why", "So was this.")
    assert "Released now: 1" in rest.output
    assert "still held" not in rest.output


MISTAKES = {
    "release --client tidewater-cycles --load {load} --metric likes --why x": (2, "with --row"),
    "release --client tidewater-cycles --load {load} --why ' '": (2, "say why"),
    "release --client tidewater-cycles --load {load} --row 0 --why x": (1, "Held are: row "),
    "release --client lantern-lane --load {load} --why x": (1, "of the client tidewater-cycles"),
    "release --client tidewater-cycles --load pulls/no.json --why x": (1, "there is no manifest"),
    "show {load} 0": (1, "Of this pull the rows"),
    "show pulls/no.json 0": (1, "Nothing of this pull is"),
    "recheck --client tidewater-cycles --load pulls/no.json": (1, "Nothing of the pull pulls/no.json"),
}


def test_a_mistake_is_told_in_one_line(installed: House) -> None:
    [load_id, *_] = {row["load_id"] for row in json.loads(run("list", "--client", CYCLES, "--json").output)}
    for command, (exit_code, words) in MISTAKES.items():
        done = run(*shlex.split(command.format(load=load_id)))
        assert (done.exit_code, "Traceback" in done.output) == (exit_code, False), command
        assert words in " ".join(done.output.split()), command


def test_after_a_fix_of_the_parser(installed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "matomo", Misreading.__base__())
    done = run("recheck", "--client", CYCLES)
    assert done.exit_code == 0, done.output
    assert "1 pull(s) checked and loaded again; held before: 2, now: 0" in done.output
    assert "0 pull(s) checked" in run("recheck", "--client", CYCLES).output
