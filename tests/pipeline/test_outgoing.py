"""Mails beyond a report's own run, as operators and recipients meet them: commands, the page Outbox, unsubscribing."""

import datetime as dt
import json
import re
import runpy
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser
from sqlalchemy import Engine, delete, text, update
from typer.testing import CliRunner, Result

from dkim_key import PEM, is_genuine
from house import SETTLED, House
from mail_server import DROP, MailServer
from offices import both_open_by_hand, two_offices
from otter_bakery import mails
from sent_reports import send_report
from widerview.agency.load import Agency, BrokenFile
from widerview.agency.models import Client, Hours, Recipient
from widerview.cli import app
from widerview.delivery.outbox import Entry, list_rows, queue
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.delivery.suppression import suppress
from widerview.measures.weeks import Week
from widerview.pipeline import connections, outgoing, past_reports, steps, weekly
from widerview.warehouse.tables import metadata, outbox

WEEK = Week.parse("2026-W46")
CLIENT = "hollow-oak-bakery"
KEY = {"client_id": CLIENT, "period": "2026-W46"}
THEN = SETTLED + dt.timedelta(hours=2)


@dataclass
class Installed:
    house: House
    server: MailServer
    recipient: str

    def rows(self) -> list[Entry]:
        with self.house.engine.connect() as connection:
            return list_rows(connection)

    def set(self, state: str, answer: str | None = None) -> None:
        with self.house.engine.begin() as connection:
            connection.execute(update(outbox).values(state=state, answer=answer))

    def suppressed(self) -> list[tuple[str, str]]:
        with self.house.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text("SELECT kind, lifted FROM suppression"))]


@pytest.fixture
def installed(told: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """An installation that has sent one report, with every Connection there is."""
    monkeypatch.chdir(told.root)
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(told.root / "clients"))
    monkeypatch.setattr(steps, "utc_now", lambda: THEN)
    with MailServer() as server:
        for name, value in {
            "SMTP": {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port,
                     "extra": {"disable_ssl": True, "disable_tls": True}},
            "DKIM": {"conn_type": "generic", "host": "lanternlane.example", "login": "2026", "password": PEM},
            "UNSUBSCRIBE": {"conn_type": "http", "host": "https://reports.wideangle.example", "password": "s" * 32},
        }.items():  # fmt: skip
            monkeypatch.setenv(f"AIRFLOW_CONN_WIDERVIEW_{name}", json.dumps(value))
        url = told.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        monkeypatch.setenv("AIRFLOW_CONN_WIDERVIEW_WAREHOUSE", url)
        connections.warehouse.cache_clear()
        send_report(told, CLIENT, WEEK, SETTLED, smtp=connections.smtp(), stamp=outgoing.stamp())
        yield Installed(told, server, told.agency.clients[CLIENT].recipients[0].email)
        connections.warehouse().dispose()
        connections.warehouse.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["outbox", *arguments])


def of(installed: Installed, *more: str) -> list[str]:
    return ["--client", CLIENT, "--week", "2026-W46", "--revision", "1", "--recipient", installed.recipient, *more]


def test_a_mail_leaves_signed_with_a_door_and_can_be_made_again(installed: Installed) -> None:
    [(_, message)] = installed.server.mails
    assert "https://reports.wideangle.example/widerview/unsubscribe/" in message_from_bytes(message)["List-Unsubscribe"]
    assert message.startswith(b"DKIM-Signature: ")
    assert is_genuine(message)
    assert past_reports.rebuild(installed.house.engine, CLIENT, WEEK).mails == 1


def test_list_and_show(installed: Installed, tmp_path: Path) -> None:
    assert run("list").output == "Nothing is left to be sent or decided\n"
    assert run("list", "--week", "2026-W40").output == "No mails match\n"
    unknown = run("list", "--client", "hollow-oak")
    assert unknown.exit_code == 2
    assert f"there are: {CLIENT}" in unknown.output
    assert installed.recipient in run("list", "--all").output
    installed.set("uncertain", "the connection broke")
    listed = run("list")
    assert listed.exit_code == 1, "somebody has to look"
    assert "the connection broke" in listed.output
    assert json.loads(run("list", "--json").output)["mails"][0]["state"] == "uncertain"
    shown = run("show", *of(installed), "--message", str(tmp_path / "mail.eml"))
    assert "message_id  <report.hollow-oak-bakery.2026-W46.r1." in shown.output
    assert (tmp_path / "mail.eml").read_bytes() == installed.server.mails[0][1]
    assert run("show", *of(installed)[:-1], "nobody@x.example").exit_code == 1


def test_resolve(installed: Installed) -> None:
    assert run("resolve", *of(installed, "--arrived")).exit_code == 1, "it is not uncertain"
    assert run("resolve", *of(installed)).exit_code == 2
    installed.set("uncertain")
    assert run("resolve", *of(installed, "--not-arrived", "--by", "mira")).exit_code == 0
    [row] = installed.rows()
    assert (row.state, row.resolved) == ("ready", "mira: it had not arrived")
    assert steps.drain() == {"sent": 1}
    assert steps.drain() == {}
    assert len(installed.server.mails) == 2
    installed.set("held", "names the fox")
    assert run("resolve", *of(installed, "--release", " ")).exit_code == 1, "a reason is needed"
    assert run("resolve", *of(installed, "--release", "They work together", "--by", "mira")).exit_code == 0
    assert installed.rows()[0].released == "mira: They work together"


def test_what_nothing_is_left_to_do_about_can_be_closed(installed: Installed) -> None:
    installed.set("failed", "550 5.7.1 no")
    assert run("list").exit_code == 1
    assert run("resolve", *of(installed, "--done", " ")).exit_code == 1, "a reason is needed"
    assert run("resolve", *of(installed, "--done", "Told her by phone", "--by", "mira")).exit_code == 0
    assert run("list").exit_code == 0
    assert "Told her by phone" in run("show", *of(installed)).output
    assert send_again(installed) == {"sent": 0, "suppressed": 0}


def test_a_mail_that_is_ready_can_be_stopped(installed: Installed) -> None:
    installed.set("ready")
    assert run("resolve", *of(installed, "--stop", "Wrong numbers", "--by", "mira")).exit_code == 0
    [row] = installed.rows()
    assert (row.state, row.resolved) == ("stopped", "mira: Wrong numbers")
    assert steps.drain() == {}
    assert run("list").exit_code == 0


def test_resending_closes_what_waited_and_says_still_who_approved(installed: Installed) -> None:
    installed.set("failed", "550 5.7.1 spam")
    assert run("resend", *of(installed, "--why", "The relay was mended", "--by", "root")).exit_code == 0
    first, _ = installed.rows()
    assert (first.state, first.closed) == ("failed", "root: sent again as revision 2: The relay was mended")
    assert steps.drain() == {"sent": 1}
    assert run("list").exit_code == 0
    words = message_from_bytes(installed.server.mails[-1][1], policy=policy.default).get_body(("plain",)).get_content()
    assert "Approved by mira on 24 November 2026" in " ".join(words.split())


def test_all_that_failed_is_resent_in_one_go(installed: Installed) -> None:
    failed = ["resend", *of(installed)[:-2], "--failed", "--why", "The relay was mended"]
    assert "has failed and waits" in run(*failed).output
    installed.set("failed", "550 5.7.1 relaying denied")
    assert run(*failed, "--recipient", installed.recipient).exit_code == 2
    assert "revision 2: 1 mail(s)" in run(*failed).output
    assert steps.drain() == {"sent": 1}
    assert run("list").exit_code == 0


def test_the_mails_of_a_client_that_is_gone_are_held_and_those_of_a_broken_file_wait(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    installed.set("ready")
    broken = BrokenFile(Path(f"{CLIENT}.yaml"), ())
    monkeypatch.setattr(steps, "agency", lambda: Agency({}, [broken]))
    assert steps.drain() == {}
    monkeypatch.setattr(steps, "agency", lambda: Agency({}, []))
    with pytest.raises(AirflowFailException, match=f"there is no client file {CLIENT}.yaml"):
        steps.drain()
    assert len(installed.server.mails) == 1


def test_nothing_is_resent_to_who_is_left_alone(installed: Installed) -> None:
    with installed.house.engine.begin() as connection:
        suppress(connection, client_id=CLIENT, recipient=installed.recipient, kind="unsubscribed", detail="x", now=THEN)
    refused = run("resend", *of(installed, "--why", "x"))
    assert refused.exit_code == 1
    assert "unsubscribed on 24 November 2026" in refused.output
    assert len(installed.rows()) == 1


def test_resend_is_a_new_revision_with_a_reason_and_a_mail_of_its_own(installed: Installed) -> None:
    resend = ["resend", *of(installed, "--by", "mira", "--why")]
    assert run(*resend, " ").exit_code == 1
    stranger = run("resend", *of(installed)[:-1], "eve@evil.example", "--why", "x")
    assert "is not on the list of recipients" in stranger.output
    assert "revision 2: 1 mail(s)" in run(*resend, "It was lost").output
    first, second = installed.rows()
    assert (second.revision, second.state, second.reason) == (2, "ready", "mira: It was lost")
    assert first.message_id != second.message_id
    assert steps.drain() == {"sent": 1}
    assert len(installed.server.mails) == 2
    assert past_reports.rebuild(installed.house.engine, CLIENT, WEEK, 2).mails == 1
    gone = run("resend", "--client", CLIENT, "--week", "2026-W46", "--revision", "7", "--recipient",
               installed.recipient, "--why", "x")  # fmt: skip
    assert "no approved report" in gone.output


def test_what_is_due_waits_for_the_office_to_open(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    installed.set("ready")
    client = installed.house.agency.clients[CLIENT]
    shut = client.model_copy(update={"office_hours": {"monday": Hours(opens="09:00", closes="09:01")}})
    monkeypatch.setattr(steps, "agency", lambda: Agency({CLIENT: shut}, []))
    assert steps.drain() == {}
    assert len(installed.server.mails) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    case=two_offices(), after=st.lists(st.integers(0, 3 * 1440), min_size=3, max_size=6).map(sorted),
    takes=st.integers(1, 90),
)  # fmt: skip
def test_nothing_leaves_while_either_office_is_closed_however_long_a_mail_takes(
    engine: Engine, server: MailServer, case: tuple[Client, dt.datetime], after: list[int], takes: int
) -> None:
    drawn, begin = case
    people = [f"ann{number}@otter.example" for number in range(3)]
    someone = drawn.model_copy(update={"recipients": tuple(Recipient(name="Ann", email=each) for each in people)})
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(delete(outbox))
        queue(connection, client_id=someone.client, period="2026-W47", revision=1, mails=mails(*people), now=begin)
    clock, left = [begin], []

    class Slow(Mailer):
        def send(self, **mail: Any) -> Any:
            left.append(clock[0])
            clock[0] += dt.timedelta(minutes=takes)
            return super().send(**mail)

    smtp = SmtpSettings("127.0.0.1", server.port, security="none")
    with pytest.MonkeyPatch.context() as code:
        code.setattr(outgoing, "Mailer", Slow)
        for minutes in after:
            clock[0] = max(clock[0], begin + dt.timedelta(minutes=minutes))
            before, is_open = len(left), both_open_by_hand(someone, clock[0])
            outgoing.drain(engine, Agency({someone.client: someone}, []), smtp, lambda: clock[0])
            assert (len(left) > before) == (is_open and before < len(people))
    assert all(both_open_by_hand(someone, moment) for moment in left)


def test_what_needs_a_person_fails_the_task_once(installed: Installed) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    installed.set("ready")
    installed.server.faults["answer"] = DROP
    with pytest.raises(AirflowFailException, match="1 uncertain"):
        steps.drain()
    assert steps.drain() == {}


def send_again(installed: Installed) -> dict[str, int]:
    return steps.send(CLIENT, {"period": "2026-W46", "revision": 1, "send_at": SETTLED.isoformat()})


def test_the_task_send_comes_back_when_what_was_put_off_is_due(installed: Installed) -> None:
    from airflow.sdk.exceptions import AirflowRescheduleException

    assert send_again(installed) == {"sent": 1, "suppressed": 0}
    installed.set("ready")
    installed.server.faults["RCPT"] = "451 greylisted"
    with pytest.raises(AirflowRescheduleException) as again:
        send_again(installed)
    assert again.value.reschedule_date >= THEN + dt.timedelta(minutes=5)
    assert len(installed.server.mails) == 1


def test_bounces_say_so_where_no_mailbox_is_configured(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    with pytest.raises(AirflowSkipException, match="No mailbox is configured"):
        steps.bounces()
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    box = {"conn_type": "generic", "extra": {"maildir": str(tmp_path / "box")}}
    monkeypatch.setenv("AIRFLOW_CONN_WIDERVIEW_BOUNCES", json.dumps(box))
    assert steps.bounces() == {"delayed": 0, "unknown": 0}
    returned = (Path(__file__).parents[1] / "fixtures" / "returned" / "no-such-user.eml").read_text()
    [row] = installed.rows()
    theirs = returned.replace("anna@otter.example", row.recipient)
    ours = "<report.otter-bakery.2026-W47.r1.0123456789@agency.example>"
    (tmp_path / "box" / "new" / "1").write_text(theirs.replace(ours, row.message_id))
    with pytest.raises(AirflowFailException, match="Nothing is sent there any more: hollow-oak-bakery"):
        steps.bounces()
    assert steps.bounces() == {"delayed": 0, "unknown": 0}
    assert installed.suppressed() == [("bounced", None)]
    installed.set("ready")
    with pytest.raises(AirflowSkipException, match=f"Nobody gets the report: {row.recipient} bounced on 24 November"):
        send_again(installed)
    assert run("resolve", "--client", CLIENT, "--recipient", row.recipient, "--lift", "It works now").exit_code == 0
    assert installed.suppressed()[0][1] is not None


@pytest.fixture
def plugin(installed: Installed) -> Iterator[tuple[dict[str, Any], TestClient]]:
    """The plugin's own app, where nobody is logged in."""
    module = runpy.run_path(str(Path(__file__).parents[2] / "plugins" / "widerview_plugin.py"))
    yield module, TestClient(module["app"], raise_server_exceptions=False)


def unsubscribe_path(installed: Installed) -> str:
    header = message_from_bytes(installed.server.mails[0][1])["List-Unsubscribe"]
    return urlsplit(header.partition("<")[2].partition(">")[0]).path.removeprefix("/widerview")


def test_a_get_asks_and_only_a_post_unsubscribes(
    installed: Installed, plugin: tuple[dict[str, Any], TestClient]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    _, browser = plugin
    path = unsubscribe_path(installed)
    asked = browser.get(path)
    assert (asked.status_code, installed.suppressed()) == (200, [])
    assert "<button>Unsubscribe</button>" in asked.text
    assert installed.recipient not in asked.text, "the link may have been passed on"
    assert "form-action 'self'" in asked.headers["content-security-policy"]
    for _ in range(2):
        done = browser.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, installed.suppressed()) == (200, [("unsubscribed", None)])
    assert "You will get no more" in browser.get(path).text
    installed.set("ready")
    with pytest.raises(AirflowSkipException, match=f"Nobody gets the report: {installed.recipient} unsubscribed"):
        send_again(installed)
    assert len(installed.server.mails) == 1
    recipients = installed.house.agency.clients[CLIENT].recipients
    assert installed.recipient in {each.email for each in recipients}, "the client's file stays as it is"
    assert "unsubscribed" in run("list").output


@pytest.mark.parametrize("cut", [1, 20])
def test_a_token_that_is_not_ours_does_nothing(
    installed: Installed, plugin: tuple[dict[str, Any], TestClient], cut: int
) -> None:
    _, browser = plugin
    bad = unsubscribe_path(installed)[:-cut]
    for answer in (browser.get(bad), browser.post(bad), browser.put(unsubscribe_path(installed))):
        assert answer.status_code in {404, 405}
    assert installed.suppressed() == []


def test_every_other_route_asks_for_the_user(plugin: tuple[dict[str, Any], TestClient]) -> None:
    module, browser = plugin
    routes = {(method, route.path) for route in module["app"].routes for method in route.methods}
    public = {(method, path) for method, path in routes if path.startswith("/unsubscribe/")}
    assert public == {("GET", "/unsubscribe/{token}"), ("POST", "/unsubscribe/{token}")}
    for method, path in routes - public:
        filled = path.format(dag_id=f"report_{CLIENT}", period="2026-W46", revision=1, run_id="x")
        body = {"recipient": "x", "what": "arrived"} if method == "POST" else None
        assert browser.request(method, filled, data=body).status_code in {401, 403}, (method, path)


class User:
    def get_name(self) -> str:
        return "mira"


@pytest.fixture
def logged_in(plugin: tuple[dict[str, Any], TestClient], monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The plugin's app as a user meets it who may do everything."""
    from airflow.api_fastapi.core_api import security

    class Manager:
        def get_authorized_dag_ids(self, **_: object) -> set[str]:
            return {f"report_{CLIENT}", "ingest_matomo"}

        def is_authorized_dag(self, **_: object) -> bool:
            return True

    module, browser = plugin
    monkeypatch.setattr(security, "get_auth_manager", Manager)
    monkeypatch.setattr(security.DagModel, "get_team_name", lambda dag_id: None)
    monkeypatch.setitem(module["outbox"].__globals__, "get_auth_manager", Manager)
    module["app"].dependency_overrides[security.get_user] = User
    return browser


def test_a_person_decides_on_the_page(installed: Installed, logged_in: TestClient) -> None:
    installed.set("uncertain", "the connection <b>broke</b>")
    page = logged_in.get("/outbox").text
    assert "the connection &lt;b&gt;broke&lt;/b&gt;" in page
    assert "It did not arrive: send it" in page
    [to_read] = re.findall('<a href="([^"]*)">read the mail</a>', page)
    assert logged_in.get(f"/{to_read}").status_code == 200
    form = {"recipient": installed.recipient, "what": "arrived"}
    path = f"/outbox/report_{CLIENT}/2026-W46/1"
    assert logged_in.post(path, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert logged_in.post(path, data=form | {"what": "magic"}).status_code == 400
    assert logged_in.post(path, data=form | {"what": "release"}).status_code == 400, "without a reason"
    assert installed.rows()[0].state == "uncertain"
    done = logged_in.post(path, data=form, headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "../../../outbox?done=arrived")
    [row] = installed.rows()
    assert (row.state, row.resolved) == ("sent", "mira: it had arrived")
    assert logged_in.post(path, data=form).status_code == 409
    assert "No mail waits for a person." in logged_in.get("/outbox").text


@pytest.mark.browser
def test_a_person_decides_over_plain_http_in_the_agencys_own_network(
    installed: Installed, logged_in: TestClient, browser: Browser
) -> None:
    installed.set("uncertain")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(logged_in.app, log_level="warning"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        serving.start()
        page = browser.new_page()
        page.goto(f"http://airflow.agency.lan:{listening.getsockname()[1]}/outbox")
        page.get_by_role("button", name="It arrived").click()
        page.get_by_role("status").get_by_text("It arrived").wait_for()
        page.close()
        server.should_exit = True
        serving.join()
    assert installed.rows()[0].state == "sent"


def test_the_page_shows_clients_only_to_those_who_may_change_their_dag(
    installed: Installed, logged_in: TestClient
) -> None:
    installed.set("uncertain")
    with installed.house.engine.begin() as connection:
        connection.execute(update(outbox).values(client_id="lantern-lane"))
    assert installed.recipient not in logged_in.get("/outbox").text


def test_users_find_every_report_as_it_was_sent_and_as_a_pdf(
    installed: Installed, logged_in: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = logged_in.get(f"/reports/report_{CLIENT}").text
    assert "2026-W46, revision 1" in page
    assert "sent, by mira" in page
    path = f"report_{CLIENT}/2026-W46/1"
    assert f'href="{path}"' in page
    assert f'href="{path}/pdf"' in page
    with monkeypatch.context() as code:
        code.setattr("widerview.report.narrate.verdict_line", lambda facts: "The code says otherwise by now")
        shown = logged_in.get(f"/reports/{path}")
    assert "otherwise by now" not in shown.text
    assert "data:image/png;base64," in shown.text
    file = logged_in.get(f"/reports/{path}/pdf")
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"] == f'attachment; filename="{CLIENT}-2026-W46.pdf"'
    assert file.content.startswith(b"%PDF-")
    assert logged_in.get(f"/reports/report_{CLIENT}/2026-W40/1/pdf").status_code == 404


def test_the_door_of_the_stamp_is_left_out_where_no_connection_says_it(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DKIM", "UNSUBSCRIBE"):
        monkeypatch.delenv(f"AIRFLOW_CONN_WIDERVIEW_{name}")
    assert outgoing.stamp() == weekly.Stamp()
