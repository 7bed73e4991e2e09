"""The commands that need no running Airflow, as a person at a terminal meets them."""

import datetime as dt
import json
import os
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, text
from typer.testing import CliRunner, Result

from house import ANCHOR, SETTLED, House
from sent_reports import send_report
from widerview.cli import app
from widerview.clock import utc_now
from widerview.measures.weeks import Week
from widerview.pipeline import connections
from widerview.pipeline.catalogue import pools
from widerview.report.pdf import NoPdf
from widerview.sandbox.clients import write_clients
from widerview.sources.registry import SOURCES
from widerview.warehouse import database
from widerview.warehouse.usage import DailyAllowance


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


def test_preview_writes_a_pdf_when_asked(installed: House, tmp_path: Path) -> None:
    done = run("preview", "lantern-lane", "--period", "2026-W46", "--out", str(tmp_path), "--pdf")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "email.pdf").read_bytes().startswith(b"%PDF-")


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
    assert any(line.startswith("✓ themes: 3 named") for line in lines)
    assert any(line.startswith("✓ glossary") and "`widerview glossary --locale en_GB" in line for line in lines)
    assert any(line.startswith("✗ mail server") and "widerview_smtp" in line for line in lines)
    assert any(line.startswith("✗ Matomo: hollow-oak-bakery 1") and "sandbox_matomo" in line for line in lines)


def test_doctor_shows_a_broken_logo(installed: House) -> None:
    logo = installed.root / "clients" / "themes" / "lantern-lane.svg"
    drawn = logo.read_text()
    logo.write_text("<svg")
    lines = run("doctor").output.splitlines()
    logo.write_text(drawn)
    assert any(line.startswith("✗ themes:") and "logo.file: the logo is no SVG" in line for line in lines)


def test_doctor_says_whether_pdfs_can_be_made_where_a_client_wants_one(
    installed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("PDF" in line for line in run("doctor").output.splitlines())
    file = installed.root / "clients" / "lantern-lane.yaml"
    written = file.read_text()
    file.write_text(written.replace("report:\n", "report:\n  pdf: true\n"))
    try:
        assert any(line.startswith("✓ PDF: WeasyPrint") for line in run("doctor").output.splitlines())

        def missing() -> str:
            raise NoPdf("The PDF needs Pango")

        monkeypatch.setattr("widerview.pipeline.doctor.check_pdf", missing)
        assert "✗ PDF: The PDF needs Pango" in run("doctor").output.splitlines()
    finally:
        file.write_text(written)


def test_doctor_names_clients_of_whom_nobody_is_told_that_a_report_was_not_sent(installed: House) -> None:
    assert "✓ unanswered reviews: somebody is told of each" in run("doctor").output.splitlines()
    file = installed.root / "clients" / "lantern-lane.yaml"
    written = file.read_text()
    file.write_text(written.replace("report:\n", "report:\n  remind: []\n"))
    lines = run("doctor").output.splitlines()
    file.write_text(written)
    [line] = [line for line in lines if line.startswith("✗ unanswered reviews")]
    assert "was not sent: lantern-lane. Set report.remind or sender.owner" in line


def test_doctor_fails_once_a_platform_has_ended_the_version_that_is_spoken(
    installed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = type(SOURCES["bluesky"])
    monkeypatch.setattr(source, "sunset", utc_now().date() + dt.timedelta(days=1))
    assert any(line.startswith("✓ Bluesky API") and "ends on" in line for line in run("doctor").output.splitlines())
    monkeypatch.setattr(source, "sunset", utc_now().date())
    done = run("doctor")
    assert done.exit_code == 1
    assert any(line.startswith("✗ Bluesky API") and "ended on" in line for line in done.output.splitlines())


@pytest.mark.parametrize(("days", "is_told"), [(13, True), (15, False)])
def test_doctor_tells_of_a_token_that_dies_within_14_days(
    installed: House, monkeypatch: pytest.MonkeyPatch, days: int, is_told: bool
) -> None:
    expires_at = (utc_now() + dt.timedelta(days=days)).isoformat()
    connection = {"conn_type": "http", "password": "x", "extra": {"expires_at": expires_at}}
    monkeypatch.setenv("AIRFLOW_CONN_SANDBOX_MATOMO", json.dumps(connection))
    # Three clients share this connection: one line is enough.
    lines = [line for line in run("doctor").output.splitlines() if line.startswith("✗ Matomo token")]
    assert len(lines) == is_told


def test_usage_shows_what_was_spent_and_of_how_much(
    installed: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clients(tmp_path / "clients", ANCHOR)
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path / "clients"))
    with DailyAllowance(installed.engine, "tidewater-cycles", "x", calls=1000, dollars=Decimal(9)) as allowance:
        allowance.call()
        allowance.pay(Decimal("0.125"))
    done = run("usage", "--days", "1")
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.output.splitlines() if "tidewater-cycles" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")][1:] == [
        "tidewater-cycles", "x", "1", "1000", "0.12", "0.50",
    ]  # fmt: skip


@pytest.mark.parametrize("command", [("usage",), ("outbox", "list"), ("quarantine", "list")])
def test_in_the_demos_checkout_commands_speak_of_the_demo(
    installed: House, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    name = "AIRFLOW_CONN_WIDERVIEW_WAREHOUSE"
    place = installed.root / ".widerview"
    place.mkdir(exist_ok=True)
    (place / "demo.env").write_text(f"{name}={os.environ[name]}\n")
    monkeypatch.delenv(name)
    done = run(*command)
    assert done.exit_code == 0, done.output
    assert "settings of the demo" in done.output


def test_replay_of_what_is_known_changes_nothing(installed: House) -> None:
    done = run("replay", "--client", "lantern-lane")
    assert done.exit_code == 0, done.output
    assert "2 pull(s) replayed" in done.output


@pytest.fixture
def leaving(installed: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same installation with files of the test's own; the bakery's file is gone, all else of it is there."""
    for name, variable in (("clients", "WIDERVIEW_CLIENTS"), ("landing", "WIDERVIEW_LANDING")):
        shutil.copytree(installed.root / name, tmp_path / name)
        monkeypatch.setenv(variable, str(tmp_path / name))
    (tmp_path / "clients" / "hollow-oak-bakery.yaml").unlink()
    return tmp_path


def test_a_client_is_forgotten_once_its_file_is_gone(leaving: Path) -> None:
    done = run("forget", "--client", "hollow-oak-bakery", "--yes")
    assert done.exit_code == 0, done.output
    assert "Nothing of hollow-oak-bakery is left" in done.output
    assert "airflow dags delete report_hollow-oak-bakery" in done.output
    for place in ("day_value", "client_salt", "landing: packs of raw answers"):
        assert place in done.output
    again = run("forget", "--client", "hollow-oak-bakery", "--yes")
    assert again.exit_code == 0, again.output


def test_what_is_left_of_a_client_ends_with_1(leaving: Path) -> None:
    (leaving / "landing" / "notes.txt").write_text("ask @hollowoak@social.example")
    done = run("forget", "--client", "hollow-oak-bakery", "--yes")
    assert done.exit_code == 1
    assert "Still names the client: notes.txt" in done.output


def test_a_client_with_a_file_is_not_forgotten(leaving: Path) -> None:
    (leaving / "clients" / "hollow-oak-bakery.yml").write_text("client: hollow-oak-bakery\n")
    for client in ("lantern-lane", "hollow-oak-bakery"):
        done = run("forget", "--client", client, "--yes")
        assert done.exit_code == 2
        assert "Remove the file" in done.output


def test_forgetting_asks_for_the_id_again(leaving: Path) -> None:
    no = CliRunner().invoke(app, ["forget", "--client", "hollow-oak-bakery"], input="yes\n")
    assert no.exit_code == 2
    assert "Nothing was removed" in no.output
    yes = CliRunner().invoke(app, ["forget", "--client", "hollow-oak-bakery"], input="hollow-oak-bakery\n")
    assert yes.exit_code == 0, yes.output


def test_retention_says_what_would_go_and_then_removes_it(leaving: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing is older than 400 days" in run("retention").output
    monkeypatch.setattr("widerview.clock.utc_now", lambda: SETTLED + dt.timedelta(days=401))
    assert "would go" in run("retention", "--dry-run").output
    assert "landing: packs of raw answers" in run("retention").output
    assert "Nothing is older" in run("retention").output
    monkeypatch.setenv("WIDERVIEW_KEEP_RAW_DAYS", "a year")
    wrong = run("retention")
    assert wrong.exit_code == 1
    assert "WIDERVIEW_KEEP_RAW_DAYS is 'a year'" in wrong.output


def test_distributing_without_citus_says_what_is_missing(installed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("warehouse", "distribute")
    assert done.exit_code == 1
    assert "CREATE EXTENSION citus" in done.output
    monkeypatch.setenv("WIDERVIEW_DISTRIBUTED", "1")
    assert "CREATE EXTENSION citus" in run("migrate").output


def test_corrections_and_rebuild_of_what_was_sent(installed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def now(_engine: Engine, _client: str) -> dt.datetime:
        return SETTLED + dt.timedelta(days=10)

    monkeypatch.setattr(database, "present", now)
    arguments = ("--client", "tidewater-cycles")
    assert "No report has been sent" in run("corrections", *arguments).output

    facts = send_report(installed, "tidewater-cycles", Week.parse("2026-W46"), SETTLED)
    assert "Nothing to correct in 2026-W46" in run("corrections", *arguments).output

    with installed.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO day_value SELECT client_id, day, source, entity, entity_id, dimension, member, metric, "
                ":later, :later, zone, value + 12, receipt FROM day_value "
                "WHERE client_id = 'tidewater-cycles' AND day = '2026-11-12' AND dimension = 'total' "
                "AND metric = 'visits'"
            ),
            {"later": SETTLED + dt.timedelta(days=1)},
        )
    visits = next(figure.value for figure in facts.figures if figure.id == "visits")
    assert visits is not None
    told = run("corrections", *arguments, "--week", "2026-W46")
    assert told.exit_code == 0
    assert "platform revision" in told.output
    assert json.loads(run("corrections", *arguments, "--json").output) == [
        {
            "period": "2026-W46", "revision": 1, "number": "visits", "label": "Website visits", "said": visits,
            "known": visits + 12, "reasons": [{"why": "platform revision", "source": "matomo", "values": 1}],
        }
    ]  # fmt: skip

    rebuilt = run("rebuild", *arguments, "--week", "2026-W46")
    assert rebuilt.exit_code == 0
    assert "2026-W46, revision 1: facts and 1 mail(s) are the same as of 2026-11-24 08:00 UTC" in rebuilt.output

    with installed.engine.begin() as connection:
        connection.execute(text("UPDATE report SET note = 'Badly done.'"))
    spoilt = run("rebuild", *arguments, "--week", "2026-W46")
    assert spoilt.exit_code == 1
    assert "cannot be made again as it was" in spoilt.output


def test_explain_shows_the_receipt_of_a_figure_and_ends_with_1_if_it_does_not_hold(installed: House) -> None:
    facts = send_report(installed, "tidewater-cycles", Week.parse("2026-W46"), SETTLED)
    visits = next(figure.value for figure in facts.figures if figure.id == "visits")
    listed = {line.split()[0]: line for line in run("explain", "tidewater-cycles", "2026-W46").output.splitlines()}
    assert {each.id for each in facts.figures} < listed.keys()
    assert listed["visits"].split()[1:] == [f"{visits:,.0f}", "Website", "visits"]
    shown = run("explain", "tidewater-cycles", "2026-W46", "visits")
    assert shown.exit_code == 0, shown.output
    for part in (
        f"Website visits: {visits:,.0f}",
        "visits@1",
        "-- day_values.sql",
        "FROM day_value",
        "2026-11-24 08:00",
    ):
        assert part in shown.output, part
    assert shown.output.count("worked out anew: the same") >= 1
    usual = run("explain", "tidewater-cycles", "2026-W46", "visits/usual").output
    for part in ("in the mail: usually ", "widerview.measures.usual.usual_ranges", "input    visits@2026-W45: "):
        assert part in usual, part
    assert run("explain", "tidewater-cycles", "2026-W46", "visits@2026-W45").exit_code == 0
    receipt = json.loads(run("explain", "tidewater-cycles", "2026-W46", "visits", "--json").output)
    assert (receipt["value"], len(receipt["rows"])) == (visits, 7)
    with installed.engine.begin() as connection:
        connection.execute(text("UPDATE day_value SET receipt = decode(repeat('00', 32), 'hex')"))
    spoilt = run("explain", "tidewater-cycles", "2026-W46", "visits")
    assert spoilt.exit_code == 1
    assert "no pull has such an answer of that time" in spoilt.output


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["corrections", "--week", "2026-W46"], 1, "No report on 2026-W46 has been sent to client lantern-lane"),
        (["corrections", "--week", "46"], 2, "write it like 2026-W46"),
        (["rebuild", "--week", "2026-W46"], 1, "There is no report on 2026-W46 of client lantern-lane"),
        (["rebuild", "--week", "46"], 2, "write it like 2026-W46"),
    ],
)
def test_what_was_never_sent_cannot_be_corrected(
    installed: House, arguments: list[str], exit_code: int, words: str
) -> None:
    done = run(*arguments, "--client", "lantern-lane")
    assert done.exit_code == exit_code
    assert words in done.output


def test_migrate_twice_is_fine(installed: House) -> None:
    assert run("migrate").exit_code == 0
    assert run("migrate").exit_code == 0


def test_the_names_of_sources_can_be_copied_from_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert set(SOURCES) <= set(re.findall(r"\w+", run("sources").output))


def test_sources_and_pools_for_programs(tmp_path: Path) -> None:
    told = json.loads(run("sources", "--json").output)
    assert [each["name"] for each in told] == list(SOURCES)
    assert len(told) == 17
    for each in told:
        assert {"streams", "api_version", "sunset", "verified_against"} <= each.keys()
    assert json.loads(run("pools").output) == pools()
    run("pools", "--out", str(tmp_path / "pools.json"))
    assert json.loads((tmp_path / "pools.json").read_text()) == pools()
