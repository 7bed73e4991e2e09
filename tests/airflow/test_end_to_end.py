"""From the platforms' APIs to the inbox, through a real scheduler: the demo's path, and what may go wrong on it."""

import datetime as dt
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests
import yaml
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from reviewing import decide_in_outbox, review_by_hand
from running_demo import Demo, demo_command, processes_of
from widerview.demo.airflow_api import RunFailed
from widerview.demo.home import REVIEWER
from widerview.demo.run import LEFT_FOR_A_PERSON, NOTE, answer_review
from widerview.measures.weeks import Week
from widerview.sandbox import MATOMO_TOKEN, pinterest

# The first test waits for the whole demo.
pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

BAKERY, CYCLES, AGENCY = "report_hollow-oak-bakery", "report_tidewater-cycles", f"report_{LEFT_FOR_A_PERSON}"


@pytest.fixture(scope="module")
def run(demo: Demo) -> str:
    """The name of the demo's report runs."""
    [only] = demo.get(f"/dags/{BAKERY}/dagRuns")["dag_runs"]
    return str(only["dag_run_id"])


def outbox(demo: Demo) -> list[tuple[str, int, str]]:
    engine = create_engine(demo.home.database_url("warehouse"))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT client_id, revision, state FROM outbox ORDER BY client_id, revision"))
        found = [tuple(row) for row in rows]
    engine.dispose()
    return found


def test_two_mails_have_come_and_one_report_waits(demo: Demo, run: str) -> None:
    assert outbox(demo) == [("hollow-oak-bakery", 1, "sent"), ("tidewater-cycles", 1, "sent")]
    assert demo.api.tasks(AGENCY, run)["review", -1] == "awaiting_input"
    bakery, cycles = demo.mails()
    assert bakery["To"].addresses[0].domain == "hollowoak.example"
    assert cycles["To"].addresses[0].domain == "tidewater.example"
    for mail in (bakery, cycles):
        kinds = [part.get_content_type() for part in mail.walk()]
        logo = chart = "image/png"
        assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", logo, chart]
        for header in ("Message-ID", "Reply-To", "List-Unsubscribe", "Auto-Submitted", "Date"):
            assert mail[header], header
    assert NOTE in " ".join(bakery.get_body(("plain",)).get_content().replace("|", " ").split())
    assert NOTE not in cycles.as_string()


def test_what_the_newcomer_reads(demo: Demo) -> None:
    for line in (
        "approved through Airflow's public API",
        demo.home.ui,
        demo.home.state["password"],
        ".eml",
        "make stop",
    ):
        assert line in demo.output


def test_tasks_are_named_after_accounts(demo: Demo) -> None:
    [ingest] = demo.get("/dags/ingest_mastodon/dagRuns")["dag_runs"]
    tasks = demo.get(f"/dags/ingest_mastodon/dagRuns/{ingest['dag_run_id']}/taskInstances")["task_instances"]
    assert sorted(task["rendered_map_index"] for task in tasks if task["task_id"] == "pull") == [
        "hollow-oak-bakery @hollowoak@social.example",
        "tidewater-cycles @tidewater@social.example",
    ]


def test_a_broken_client_is_shown_and_the_others_go_on(demo: Demo) -> None:
    shown = demo.get("/dags/report_broken-client/details")
    assert {tag["name"] for tag in shown["tags"]} == {"report", "broken"}
    assert "broken-client.yaml:3" in shown["doc_md"]
    assert "Europe/Atlantis" in shown["doc_md"]
    assert demo.get("/importErrors")["import_errors"] == []


def test_no_secret_lies_anywhere(demo: Demo) -> None:
    state = demo.home.state
    secrets = [MATOMO_TOKEN, state["jwt_secret"], state["fernet_key"], state["unsubscribe_secret"]]
    allowed = {demo.home.environment_file, demo.home.path / "state.json"}
    for file in demo.home.path.rglob("*"):
        if file.is_file() and file not in allowed and demo.home.postgres not in file.parents:
            content = file.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), file
    engine = create_engine(demo.home.database_url("airflow"))
    with engine.connect() as connection:
        for table in ("xcom", "rendered_task_instance_fields", "dag_run", "log"):
            rows = "\n".join(connection.scalars(text(f"SELECT row_to_json(r)::text FROM {table} AS r")))
            assert not any(secret in rows for secret in secrets), table
    engine.dispose()
    assert all(file.stat().st_mode & 0o077 == 0 for file in allowed)


def as_reviewer(demo: Demo, page: str) -> requests.Response:
    login = {"username": REVIEWER, "password": demo.home.state["password"]}
    token = requests.post(f"{demo.home.ui}/auth/token", json=login, timeout=30).json()["access_token"]
    return requests.get(page, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_what_the_gate_found_is_a_page_that_its_task_alone_links_to(demo: Demo) -> None:
    [ingest] = demo.get("/dags/ingest_mastodon/dagRuns")["dag_runs"]
    task = f"/dags/ingest_mastodon/dagRuns/{ingest['dag_run_id']}/taskInstances"
    assert demo.get(f"{task}/load/links")["extra_links"] == {}, "an empty heading would show"
    page = demo.get(f"{task}/check/links")["extra_links"]["What the gate found"]
    assert page.startswith(demo.home.ui)
    assert requests.get(page, timeout=30).status_code == 401
    shown = as_reviewer(demo, page)
    assert shown.status_code == 200
    assert "@hollowoak@social.example" in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert as_reviewer(demo, f"{demo.home.ui}/widerview/checks/ingest_mastodon/no-run").status_code == 404
    [log] = (demo.home.airflow / "logs" / "dag_id=ingest_mastodon").rglob("task_id=check/attempt=1.log")
    told = log.read_text()
    assert "2 account(s), " in told
    assert page in told
    assert "great_expectations" not in told
    assert "Skipping registering" not in (demo.home.logs / "scheduler.log").read_text(), "the library's own log"


def test_the_preview_is_for_users_only(demo: Demo) -> None:
    page = f"{demo.home.ui}/widerview/reports/{AGENCY}/{dt.date.today():%G}-W00/1"
    assert requests.get(page, timeout=30).status_code == 401
    waiting = demo.get(f"/dags/{AGENCY}/dagRuns")["dag_runs"][0]["dag_run_id"].removeprefix("demo__")
    shown = as_reviewer(demo, f"{demo.home.ui}/widerview/reports/{AGENCY}/{waiting}/1")
    assert shown.status_code == 200
    assert "Lantern Lane" in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_the_command_line_speaks_of_the_demo(demo: Demo, tmp_path: Path) -> None:
    def widerview(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("widerview")), *arguments]
        environment = {**os.environ, **demo.home.environment}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)

    (demo.home.clients / "broken-client.yaml").unlink()
    healthy = widerview("doctor")
    assert healthy.returncode == 0, healthy.stdout
    previewed = widerview("preview", "lantern-lane", "--out", str(tmp_path))
    assert previewed.returncode == 0, previewed.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"email.html", "email.txt", "email.eml"}
    assert "Lantern Lane" in (tmp_path / "email.txt").read_text()
    assert len(demo.mails()) == 2, "a preview sends nothing"


def report_row(demo: Demo, client: str, revision: int) -> dict[str, object]:
    engine = create_engine(demo.home.database_url("warehouse"))
    query = "SELECT decision, decided_by, note, struck, reason FROM report WHERE client_id = :c AND revision = :r"
    with engine.connect() as connection:
        found = dict(connection.execute(text(query), {"c": client, "r": revision}).mappings().one())
    engine.dispose()
    return found


def test_a_held_report_is_not_sent(demo: Demo, run: str) -> None:
    answer_review(demo.api, AGENCY, run, "", option="Hold", reason="The garden party is missing.")
    demo.api.wait(AGENCY, run, seconds=240)
    assert demo.api.tasks(AGENCY, run)["send", -1] == "skipped"
    assert report_row(demo, "lantern-lane", 1)["reason"] == "Hold: The garden party is missing."
    assert len(demo.mails()) == 2


def test_clearing_send_after_that_sends_nothing(demo: Demo, run: str) -> None:
    """Airflow forgets that `send` was skipped once it is cleared; `send` itself looks at the decision."""
    demo.clear(AGENCY, run, "send")
    demo.api.wait(AGENCY, run, seconds=240)
    assert demo.api.tasks(AGENCY, run)["send", -1] == "skipped"
    assert len(demo.mails()) == 2


@pytest.mark.browser
def test_asked_anew_it_is_a_new_revision_and_a_person_reviews_it_by_hand(
    demo: Demo, run: str, browser: Browser
) -> None:
    """In a real browser: Required Actions, the preview, a note, a sentence struck, approve; and the mail has it all."""
    demo.clear(AGENCY, run, "compose")
    demo.api.wait(AGENCY, run, seconds=240, until=("review", "awaiting_input"))
    time.sleep(5)  # an answer in the second the task parks is lost
    note = "We kept our own garden this week."
    seen = review_by_hand(browser, demo, AGENCY, note, strike=2)
    demo.api.wait(AGENCY, run, seconds=240)
    assert outbox(demo)[1] == ("lantern-lane", 2, "sent")
    kept = report_row(demo, "lantern-lane", 2)
    assert (kept["decision"], kept["decided_by"], kept["note"]) == ("Approve", REVIEWER, note)
    words = " ".join(demo.mails()[2].get_body(("plain",)).get_content().replace("|", " ").split())
    struck = " ".join(str(kept["struck"]).split())
    assert struck in seen, "the preview had it"
    assert struck not in words
    assert note in words
    assert f"Approved by {REVIEWER} on " in words


def test_sent_back_it_comes_again_as_a_new_revision(demo: Demo, run: str) -> None:
    before = len(demo.mails())
    demo.clear(AGENCY, run, "compose")
    answer_review(demo.api, AGENCY, run, "", option="Send back", reason="Read Matomo again.")
    demo.api.wait(AGENCY, run, seconds=240)
    assert report_row(demo, "lantern-lane", 3)["reason"] == "Send back: Read Matomo again."
    [again] = [
        each["dag_run_id"] for each in demo.get(f"/dags/{AGENCY}/dagRuns")["dag_runs"] if each["dag_run_id"] != run
    ]
    demo.api.wait(AGENCY, again, seconds=240, until=("review", "awaiting_input"))
    assert len(demo.mails()) == before
    answer_review(demo.api, AGENCY, again, "")
    demo.api.wait(AGENCY, again, seconds=240)
    assert ("lantern-lane", 4, "sent") in outbox(demo)
    assert len(demo.mails()) == before + 1


@pytest.mark.browser
def test_a_person_decides_of_an_uncertain_mail_on_the_page_outbox(demo: Demo, browser: Browser) -> None:
    """Whether it arrived nobody knows: a person says it did not, and the DAG `outbox` sends it, once."""
    mail = {"client": "lantern-lane", "revision": 4}
    engine = create_engine(demo.home.database_url("warehouse"))
    lost = text("UPDATE outbox SET state = 'uncertain' WHERE client_id = :client AND revision = :revision")
    with engine.begin() as connection:
        assert connection.execute(lost, mail).rowcount == 1
    before = len(demo.mails())
    assert decide_in_outbox(browser, demo, "It did not arrive: send it") == "You are reviewer"
    demo.api.trigger("outbox", "by-hand", {})
    demo.api.wait("outbox", "by-hand", seconds=180)
    assert ("lantern-lane", 4, "sent") in outbox(demo)
    assert len(demo.mails()) == before + 1
    decided = text("SELECT resolved FROM outbox WHERE client_id = :client AND revision = :revision")
    with engine.connect() as connection:
        assert connection.scalar(decided, mail) == f"{REVIEWER}: it had not arrived"
    engine.dispose()


def test_one_click_keeps_all_further_mails_away(demo: Demo) -> None:
    [door] = re.findall(r"<(http[^>]+)>", demo.mails()[-1]["List-Unsubscribe"])
    assert demo.mails()[-1]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Stop the weekly report about Lantern Lane?" in requests.get(door, timeout=30).text
    assert requests.post(f"{door}x", timeout=30).status_code == requests.codes.not_found
    done = requests.post(door, {"List-Unsubscribe": "One-Click"}, timeout=30)
    assert "You will get no more weekly reports about Lantern Lane" in done.text
    engine = create_engine(demo.home.database_url("warehouse"))
    with engine.connect() as connection:
        [alone] = connection.execute(text("SELECT client_id, recipient, kind FROM suppression")).all()
    engine.dispose()
    assert tuple(alone) == ("lantern-lane", demo.mails()[-1]["To"].addresses[0].addr_spec, "unsubscribed")


def test_a_backfilled_report_is_reviewed_and_sent_like_any_other(demo: Demo) -> None:
    before, mails = outbox(demo), len(demo.mails())
    day = dt.datetime.now(dt.UTC).date()
    demo.api.call(
        "POST",
        "/backfills",
        {"dag_id": CYCLES, "from_date": f"{day - dt.timedelta(days=13)}T00:00:00Z",
         "to_date": f"{day - dt.timedelta(days=7)}T23:59:59Z", "max_active_runs": 1, "reprocess_behavior": "completed"},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (
        filled := [each for each in demo.get(f"/dags/{CYCLES}/dagRuns")["dag_runs"] if each["run_type"] == "backfill"]
    ):
        assert time.monotonic() < deadline
        time.sleep(1)
    [name] = [each["dag_run_id"] for each in filled]
    demo.api.wait(CYCLES, name, seconds=240, until=("review", "awaiting_input"))
    assert outbox(demo) == before
    answer_review(demo.api, CYCLES, name, "")
    demo.api.wait(CYCLES, name, seconds=240)
    demo.clear(CYCLES, name, "send")
    demo.api.wait(CYCLES, name, seconds=240)
    assert outbox(demo) == sorted([*before, ("tidewater-cycles", 1, "sent")])
    assert len(demo.mails()) == mails + 1


def test_clearing_send_never_sends_twice(demo: Demo, run: str) -> None:
    before = len(demo.mails())
    demo.clear(BAKERY, run, "send")
    demo.api.wait(BAKERY, run, seconds=240)
    assert len(demo.mails()) == before


@pytest.fixture
def spoilt(demo: Demo) -> Iterator[Callable[[str, str], None]]:
    """Have a source read again for the report's week, with a defect in its answers."""
    sandbox = f"http://127.0.0.1:{demo.home.port('sandbox')}/_faults"
    week = Week.last_complete(dt.datetime.now(dt.UTC), ZoneInfo("UTC"))

    def read_again(source: str, defect: str) -> None:
        requests.delete(sandbox, timeout=10).raise_for_status()
        if defect:
            requests.post(sandbox, json={"route": f"{source}.*", "fault": defect}, timeout=10).raise_for_status()
        name = f"again-{defect or 'whole'}"
        demo.api.trigger(f"ingest_{source}", name, {"first": str(week.monday), "last": str(week.sunday)})
        demo.api.wait(f"ingest_{source}", name, seconds=240)

    yield read_again
    requests.delete(sandbox, timeout=10)


def test_a_broken_source_that_does_not_lead_is_amber_by_name_in_the_mail(demo: Demo, run: str, spoilt) -> None:
    before = len(demo.mails())
    spoilt("pinterest", "no_posts")
    demo.clear(BAKERY, run, "compose")
    answer_review(demo.api, BAKERY, run, "")
    demo.api.wait(BAKERY, run, seconds=180)
    assert len(demo.mails()) == before + 1
    mail = demo.mails()[-1].get_body(("plain",)).get_content()
    assert "Pinterest (incomplete): wrong or missing:" in " ".join(mail.split())
    assert "without it, in all weeks" in " ".join(mail.split())


def test_a_red_verdict_sends_nothing_and_tells_a_person_what_to_do(demo: Demo, run: str, spoilt) -> None:
    before = outbox(demo)
    spoilt("matomo", "web_in_thousands")
    demo.clear(BAKERY, run, "compose")
    demo.api.wait(BAKERY, run, seconds=180, until=("hold", "awaiting_input"))
    task = demo.get(f"/dags/{BAKERY}/dagRuns/{run}/taskInstances/hold/-1/hitlDetails")
    assert task["subject"].startswith("Held: the report")
    assert "The number of visits Matomo gave for" in task["body"]
    for part in ("**What is wrong:**", "**Since when:**", "**What to do:**", "`ingest_matomo`"):
        assert part in task["body"]
    assert demo.api.tasks(BAKERY, run)["review", -1] == "skipped"
    assert demo.api.tasks(BAKERY, run)["send", -1] is None
    assert outbox(demo) == before

    spoilt("matomo", "")
    time.sleep(5)  # an answer in the second the task parks is lost
    demo.api.answer(BAKERY, run, "hold", "Compose again", {})
    demo.api.wait(BAKERY, run, seconds=240)
    again = [
        each["dag_run_id"] for each in demo.get(f"/dags/{BAKERY}/dagRuns")["dag_runs"] if each["dag_run_id"] != run
    ]
    assert len(again) == 1
    demo.api.wait(BAKERY, again[0], seconds=180, until=("review", "awaiting_input"))
    assert outbox(demo) == before
    answer_review(demo.api, BAKERY, again[0], "", option="Hold")
    demo.api.wait(BAKERY, again[0], seconds=240)


def hold_others(demo: Demo, dag: str, run: str) -> None:
    """End a DAG's other runs: after a backfill Airflow goes on with the timetable's last moment before now."""
    for other in demo.get(f"/dags/{dag}/dagRuns")["dag_runs"]:
        name = other["dag_run_id"]
        if name != run and other["state"] in {"queued", "running"}:
            with suppress(RunFailed):  # that moment is long ago
                demo.api.wait(dag, name, seconds=240, until=("review", "awaiting_input"))
                if demo.api.tasks(dag, name).get(("review", -1)) == "awaiting_input":
                    answer_review(demo.api, dag, name, "", option="Hold")
                demo.api.wait(dag, name, seconds=240)


def test_outside_office_hours_an_approved_report_waits(demo: Demo, run: str) -> None:
    file = demo.home.clients / "tidewater-cycles.yaml"
    as_it_was = file.read_text()
    config = yaml.safe_load(as_it_was)
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    config["office_hours"] = {f"{tomorrow:%A}".lower(): {"opens": "09:00", "closes": "17:00"}}
    file.write_text(yaml.safe_dump(config))
    hold_others(demo, CYCLES, run)
    before = len(demo.mails())
    try:
        demo.clear(CYCLES, run, "compose")
        demo.api.wait(CYCLES, run, seconds=240, until=("review", "awaiting_input"))
        answer_review(demo.api, CYCLES, run, "")
        demo.api.wait(CYCLES, run, seconds=240, until=("send", "up_for_reschedule"))
        assert len(demo.mails()) == before
    finally:
        file.write_text(as_it_was)


def test_a_backfill_by_date_is_airflows_own(demo: Demo) -> None:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)
    demo.api.call(
        "POST",
        "/backfills",
        {"dag_id": "ingest_mastodon", "from_date": f"{day}T00:00:00Z",
         "to_date": f"{day}T23:59:59Z", "max_active_runs": 1, "reprocess_behavior": "completed"},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while True:
        runs = demo.get("/dags/ingest_mastodon/dagRuns")["dag_runs"]
        filled = [each for each in runs if each["run_type"] == "backfill"]
        if filled and all(each["state"] in {"success", "failed"} for each in filled):
            break
        assert time.monotonic() < deadline, filled
        time.sleep(1)
    [only] = filled
    assert (only["state"], only["partition_key"]) == ("success", str(day))
    engine = create_engine(demo.home.database_url("warehouse"))
    with engine.connect() as connection:
        loaded = connection.scalar(
            text("SELECT count(*) FROM load WHERE source = 'mastodon' AND last_day = :day"), {"day": day}
        )
    engine.dispose()
    assert loaded == 2


def test_one_accounts_failure_is_seen_by_name_and_stops_no_other(demo: Demo) -> None:
    lost = yaml.safe_load((demo.home.clients / "lantern-lane.yaml").read_text())
    lost |= {"client": "lost-key", "accounts": [{"platform": "bluesky", "handle": "lost.example",
                                                 "connection": "sandbox_bluesky"}]}  # fmt: skip
    file = demo.home.clients / "lost-key.yaml"
    file.write_text(yaml.safe_dump(lost))
    try:
        yesterday = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))
        demo.api.trigger("ingest_bluesky", "one-is-lost", {"first": yesterday, "last": yesterday})
        with pytest.raises(RunFailed, match=r"alarm, pull\[\d\]"):
            demo.api.wait("ingest_bluesky", "one-is-lost", seconds=180)
        tasks = demo.get("/dags/ingest_bluesky/dagRuns/one-is-lost/taskInstances")["task_instances"]
        failed = [task["rendered_map_index"] for task in tasks if task["state"] == "failed" and task["map_index"] >= 0]
        assert failed == ["lost-key lost.example"]
        states = {task["task_id"]: task["state"] for task in tasks if task["map_index"] < 0}
        assert (states["check"], states["load"], states["alarm"]) == ("success", "success", "failed")
    finally:
        file.unlink()


def test_a_token_that_is_due_is_exchanged_written_back_and_used(demo: Demo) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=6)
    extra = {
        "refresh_token": pinterest.REFRESH_TOKEN,
        "client_id": pinterest.CLIENT_ID,
        "client_secret": pinterest.CLIENT_SECRET,
        "expires_at": soon.isoformat(),
    }
    demo.api.call("POST", "/connections", {
        "connection_id": "agency_pinterest", "conn_type": "http", "password": pinterest.TOKEN,
        "host": f"http://127.0.0.1:{demo.home.port('sandbox')}/pinterest", "extra": json.dumps(extra),
    })  # fmt: skip
    client = yaml.safe_load((demo.home.clients / "lantern-lane.yaml").read_text())
    client |= {"client": "pins", "web": [], "accounts": [
        {"platform": "pinterest", "handle": "hollowoakbakery", "connection": "agency_pinterest"}
    ]}  # fmt: skip
    file = demo.home.clients / "pins.yaml"
    file.write_text(yaml.safe_dump(client))
    try:
        yesterday = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))
        demo.api.trigger("ingest_pinterest", "renewing", {"first": yesterday, "last": yesterday})
        demo.api.wait("ingest_pinterest", "renewing", seconds=240)
        kept = demo.get("/connections/agency_pinterest")
        lives_until = dt.datetime.fromisoformat(json.loads(kept["extra"])["expires_at"])
        assert lives_until - soon > dt.timedelta(days=20)
        tasks = demo.get("/dags/ingest_pinterest/dagRuns/renewing/taskInstances")["task_instances"]
        assert {task["state"] for task in tasks if task["task_id"] in {"tokens", "pull", "load"}} == {"success"}
        answer = demo.get("/dags/ingest_pinterest/dagRuns/renewing/taskInstances/tokens/xcomEntries/return_value")
        assert "agency_pinterest" in str(answer["value"])
    finally:
        file.unlink()
        demo.api.call("DELETE", "/connections/agency_pinterest")


def test_the_canary_names_the_metric_a_platform_has_given_up(demo: Demo) -> None:
    demo.api.trigger("canary", "all-there", {})
    demo.api.wait("canary", "all-there", seconds=240)
    tasks = demo.get("/dags/canary/dagRuns/all-there/taskInstances")["task_instances"]
    assert len([task for task in tasks if task["task_id"] == "sing"]) == 16


def test_a_taken_port_is_a_clear_message(short_folder) -> None:
    home = short_folder()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = subprocess.run(
            demo_command("start", "--home", str(home)),
            env={**os.environ, "WIDERVIEW_UI_PORT": port}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"WIDERVIEW_UI_PORT={port} is in use" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert processes_of(home) == []


def test_an_interrupted_start_leaves_nothing_running(short_folder) -> None:
    home = short_folder()
    started = subprocess.Popen(
        demo_command("start", "--home", str(home)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert started.stdout is not None
    for line in started.stdout:
        if "PostgreSQL 18" in line:
            os.killpg(started.pid, signal.SIGINT)
            break
    rest = started.communicate(timeout=120)[0]
    assert started.returncode == 1
    assert "Interrupted" in rest
    assert processes_of(home) == []
    state = json.loads((home / "state.json").read_text()) if (home / "state.json").exists() else {}
    assert "migrated" not in state, "the next start makes Airflow's tables"
