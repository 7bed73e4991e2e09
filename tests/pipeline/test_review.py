"""The review: what a reviewer reads and answers, who is told, and what of it stands in the mail."""

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    TaskAwaitingInput,
)
from sqlalchemy import update

from house import SETTLED, House
from mail_server import MailServer
from sent_reports import send_report
from widerview.agency import schedule
from widerview.agency.models import Client
from widerview.delivery.outbox import Entry, list_rows
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.delivery.suppression import suppress
from widerview.measures.weeks import Week
from widerview.pipeline import past_reports, review, steps, weekly
from widerview.pipeline.answers import HOLD, NO_ANSWER, SEND_BACK
from widerview.pipeline.asking import Ask
from widerview.report.facts import Facts
from widerview.report.render import render, strikeable
from widerview.warehouse.reports import get_report
from widerview.warehouse.tables import outbox

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"
HOUR = dt.timedelta(hours=1)


class Desk:
    """The steps as Airflow's tasks call them, on a house and a clock that stands."""

    def __init__(self, house: House, server: MailServer) -> None:
        self.house, self.server, self.now = house, server, SETTLED
        self.change(sender={"owner": "olu@lanternlane.example"})

    @property
    def client(self) -> Client:
        return self.house.agency.clients[BAKERY]

    def change(self, **changes: Any) -> None:
        written = self.client.model_dump(mode="json")
        for key, value in changes.items():
            written[key] = written[key] | value if key in {"sender", "report"} else value
        self.house.agency.clients[BAKERY] = Client.model_validate(written)

    def composed(self, send_at: dt.datetime | None = None) -> dict[str, Any]:
        plan = {"period": str(WEEK), "send_at": (send_at or self.now).isoformat(), "begun": self.now.isoformat()}
        return steps.compose(BAKERY, plan)

    def answer(self, option: str, **fields: Any) -> dict[str, Any]:
        by = None if option == NO_ANSWER else {"id": "mira", "name": "mira"}
        return {
            "chosen_options": [option], "params_input": fields, "responded_at": self.now, "responded_by_user": by,
        }  # fmt: skip

    def decide(self, composed: dict[str, Any], answer: dict[str, Any] | None) -> str:
        return steps.decide(BAKERY, composed, {composed["asked"]: answer}, context())

    def report(self, revision: int = 1) -> Any:
        with self.house.engine.connect() as connection:
            return get_report(connection, BAKERY, str(WEEK), revision)

    def rows(self, revision: int) -> list[Entry]:
        with self.house.engine.connect() as connection:
            return list_rows(connection, client_id=BAKERY, period=str(WEEK), revision=revision)

    def texts(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and words of each mail that has left."""
        found = []
        for recipient, message in self.server.mails:
            mail: Any = message_from_bytes(message, policy=policy.default)
            found.append((recipient, mail["Subject"], mail.get_body(("plain",)).get_content()))
        return found


def context(run: str = "scheduled__1", task: Any = None) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(dag_id=f"report_{BAKERY}"), "run_id": run, "task": task}


@pytest.fixture
def desk(told: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with MailServer() as server:
        desk = Desk(told, server)
        settings = SmtpSettings(host="127.0.0.1", port=server.port, security="none")
        monkeypatch.setenv("WIDERVIEW_CLIENTS", str(told.root / "clients"))
        monkeypatch.setattr(steps.connections, "warehouse", lambda: told.engine)
        monkeypatch.setattr(steps.connections, "smtp", lambda: settings)
        monkeypatch.setattr(steps, "_client", told.agency.clients.__getitem__)
        monkeypatch.setattr(steps, "utc_now", lambda: desk.now)
        monkeypatch.setattr("widerview.pipeline.asking.utc_now", lambda: desk.now)
        yield desk


def plain(text: str) -> str:
    return " ".join(text.split())


# --- What is asked -----------------------------------------------------------------------------------------------


def test_a_reviewer_reads_verdict_deadline_changes_and_numbered_sentences(desk: Desk) -> None:
    send_report(desk.house, BAKERY, WEEK.shift(-1), SETTLED)
    composed = desk.composed(SETTLED + 24 * HOUR)
    body = composed["preview"]
    assert f"/widerview/reports/report_{BAKERY}/{WEEK}/1" in body
    assert "**Verdict: green.**" in body
    assert "Answer until Wednesday 25 November, 09:00 (Europe/Berlin)" in body
    assert "## What changed since the last report" in body
    changed = body.partition("## What changed since the last report")[2].partition("## Sentences")[0]
    assert f"in {WEEK.shift(-1)}" in changed
    listed = body.partition("## Sentences that you may strike")[2].partition("---")[0]
    assert listed.count("\n1. ") == listed.count("\n2. ") == listed.count("\n3. ") == 1


def test_a_reviewer_reads_who_is_left_alone(desk: Desk) -> None:
    assert "get this report" not in desk.composed()["preview"]
    left = desk.client.recipients[0].email
    with desk.house.engine.begin() as connection:
        suppress(connection, client_id=BAKERY, recipient=left, kind="unsubscribed", detail="the link", now=SETTLED)
    assert "**Nobody gets this report**" in desk.composed()["preview"]
    desk.change(recipients=[{"name": "Ada", "email": left}, {"name": "Ben", "email": "ben@hollowoak.example"}])
    assert "**These do not get this report**" in desk.composed()["preview"]


def test_a_theme_with_mistakes_is_told_and_composing_is_not_tried_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = desk.house.root / "clients" / "themes" / f"{BAKERY}.yaml"
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / written.name).write_text(written.read_text().replace("#fffcf5", "#8a4b14"))
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path))
    with pytest.raises(AirflowFailException, match=r"hollow-oak-bakery\.yaml:\d+:\d+: light\.accent: #8a4b14 on light"):
        desk.composed()


def test_what_changed_is_told_by_figure_source_and_campaign(desk: Desk) -> None:
    facts = weekly.compose_facts(desk.house.engine, desk.client, WEEK, SETTLED)
    assert review.what_changed(facts, None) == ["Nothing has been sent to this client before."]
    assert review.what_changed(facts, facts) == [f"Nothing: every figure stands where it stood in {WEEK}."]
    before = replaced(facts, figures=facts.figures[1:], campaigns=())
    before = replaced(before, sources=tuple(replaced(each, colour="amber") for each in facts.sources))
    lines = review.what_changed(facts, before)
    assert f"{facts.figures[0].label}: new in the report" in lines
    assert any(line.startswith("The campaign ") and line.endswith(" has begun") for line in lines)
    assert f"Bluesky: green, in {WEEK} amber" in lines
    assert f"{facts.figures[0].label}: not in the report any more" in review.what_changed(before, facts)


def replaced(what: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(what, **changes)


# --- What is answered --------------------------------------------------------------------------------------------


def test_note_struck_sentence_and_approver_stand_in_the_mail_and_in_the_books(desk: Desk) -> None:
    composed = desk.composed()
    facts: Facts = weekly.facts_of(desk.report())
    second = strikeable(facts)[1]
    answer = desk.answer("Approve", note="See you at the fair.", strike=2, reason=None)
    assert desk.decide(composed, answer) == "send"
    assert steps.send(BAKERY, composed)["sent"] >= 1
    kept = desk.report()
    assert (kept.decision, kept.decided_by, kept.note, kept.struck) == (
        "Approve",
        "mira",
        "See you at the fair.",
        second,
    )
    words = plain(desk.texts()[0][2])
    assert "See you at the fair." in words.replace("| ", "")
    assert plain(second) not in words
    assert plain(strikeable(facts)[0]) in words
    assert "Approved by mira on 24 November 2026, 09:00." in words
    assert past_reports.rebuild(desk.house.engine, BAKERY, WEEK).mails == len(desk.client.recipients)
    html = steps.preview(BAKERY, str(WEEK), 1) or ""
    assert "Approved by mira" in html


def test_a_sentence_that_is_not_there_any_more_is_never_sent(desk: Desk) -> None:
    facts = replaced(weekly.compose_facts(desk.house.engine, desk.client, WEEK, SETTLED), struck="Other words.")
    with pytest.raises(ValueError, match="not in the report any more"):
        render(facts)


def test_what_a_newer_revision_takes_the_place_of_leaves_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put_off(desk, monkeypatch)
    second = desk.composed()
    desk.decide(second, desk.answer("Approve", note="RIGHT"))
    steps.send(BAKERY, second)
    desk.now += HOUR
    assert steps.drain() == {}
    with pytest.raises(AirflowSkipException, match="Revision 2 of the report 2026-W46 has been composed since"):
        steps.send(BAKERY, first)
    assert ["WRONG" in words for _, _, words in desk.texts()] == [False] * len(desk.client.recipients)
    assert {row.state for row in desk.rows(1)} == {"superseded"}


@pytest.mark.parametrize("red", [False, True])
def test_a_report_that_is_held_when_composed_anew_holds_what_had_not_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, red: bool
) -> None:
    put_off(desk, monkeypatch)
    if red:
        of_good_data = weekly.compose_facts
        monkeypatch.setattr(weekly, "compose_facts", lambda *read: replaced(of_good_data(*read), colour="red"))
    again = desk.composed()
    assert again["asked"] == ("hold" if red else "review")
    if not red:
        desk.decide(again, desk.answer(HOLD, reason="The numbers are wrong."))
    desk.now += HOUR
    assert steps.drain() == {}
    assert desk.server.mails == []


def test_an_uncertain_mail_that_did_not_arrive_is_not_sent_after_a_newer_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off(desk, monkeypatch)
    with desk.house.engine.begin() as connection:
        connection.execute(update(outbox).values(state="uncertain"))
    desk.composed()
    [row, *_] = desk.rows(1)
    steps.resolve(BAKERY, str(WEEK), 1, row.recipient, "lost", "", "mira")
    [row, *_] = desk.rows(1)
    assert (row.state, row.resolved) == ("superseded", "mira: it had not arrived; revision 2 has been composed since")


def put_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A report with the note WRONG that was approved and that the mail server has put off; then an hour goes by."""
    monkeypatch.setattr(steps, "agency", lambda: desk.house.agency)
    monkeypatch.setattr(steps, "present", lambda engine, client: desk.now)
    composed = desk.composed()
    desk.decide(composed, desk.answer("Approve", note="WRONG"))
    desk.server.faults["RCPT"] = "450 come back later"
    with pytest.raises(AirflowRescheduleException):
        steps.send(BAKERY, composed)
    desk.server.faults.clear()
    desk.now += HOUR
    return composed


def test_who_comes_onto_the_list_later_gets_the_next_report(desk: Desk) -> None:
    composed = desk.composed()
    desk.decide(composed, desk.answer("Approve"))
    steps.send(BAKERY, composed)
    [first, *others] = [each.model_dump(mode="json") for each in desk.client.recipients]
    spelled_otherwise = first | {"email": first["email"].capitalize()}
    desk.change(recipients=[spelled_otherwise, *others, {"name": "New", "email": "new@hollowoak.example"}])
    desk.now += 120 * 24 * HOUR
    assert steps.send(BAKERY, composed)["sent"] == 1 + len(others)
    assert [to for to, _, _ in desk.texts()] == [each["email"] for each in (first, *others)]


def test_sending_stops_when_the_office_closes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [{"name": f"Ann {n}", "email": f"ann{n}@hollowoak.example"} for n in range(3)]
    hours = {day: {"opens": "08:00", "closes": "17:00"} for day in ("monday", "tuesday", "wednesday")}
    desk.change(recipients=people, office_hours=hours)
    composed = desk.composed()
    desk.decide(composed, desk.answer("Approve"))
    desk.now = dt.datetime(2026, 11, 24, 15, 59, 30, tzinfo=dt.UTC)
    sends = Mailer.send

    def slowly(self: Mailer, **mail: Any) -> Any:
        desk.now += dt.timedelta(seconds=20)
        return sends(self, **mail)

    monkeypatch.setattr(Mailer, "send", slowly)
    with pytest.raises(AirflowRescheduleException) as waiting:
        steps.send(BAKERY, composed)
    assert waiting.value.reschedule_date == dt.datetime(2026, 11, 25, 7, 0, tzinfo=dt.UTC)
    assert len(desk.server.mails) == 2


def test_what_a_person_has_to_know_is_told_before_what_is_put_off(desk: Desk) -> None:
    people = [{"name": f"Ann {n}", "email": f"ann{n}@hollowoak.example"} for n in range(2)]
    desk.change(recipients=people)
    composed = desk.composed()
    desk.decide(composed, desk.answer("Approve"))
    desk.server.faults["RCPT", "ann0@hollowoak.example"] = "450 come back later"
    desk.server.faults["RCPT", "ann1@hollowoak.example"] = "550 5.7.1 spam"
    with pytest.raises(AirflowFailException, match=r"550 5.7.1 spam.*What was put off leaves with the DAG `outbox`"):
        steps.send(BAKERY, composed)


def test_another_note_is_taken_until_the_mails_are_in_the_outbox(desk: Desk) -> None:
    composed = desk.composed()
    desk.decide(composed, desk.answer("Approve", note="Wrong"))
    desk.now += HOUR
    corrected = desk.answer("Approve", note="Right", strike=1)
    assert desk.decide(composed, corrected) == "send"
    assert (desk.report().note, desk.report().decided_at) == ("Right", desk.now)
    steps.send(BAKERY, composed)
    assert "Right" in desk.texts()[0][2]
    desk.now += HOUR
    assert desk.decide(composed, desk.answer("Approve", note="Right", strike=1)) == "send", "a retry says the same"
    with pytest.raises(AirflowFailException, match=r"approved by mira, with other words.*clear `compose`"):
        desk.decide(composed, desk.answer("Approve", note="Too late"))
    assert (desk.report().note, desk.report().decided_at) == ("Right", desk.now - HOUR)


def test_a_number_without_a_sentence_is_refused(desk: Desk) -> None:
    composed = desk.composed()
    with pytest.raises(AirflowFailException, match="There is no sentence 12 to strike"):
        desk.decide(composed, desk.answer("Approve", strike=12))
    assert desk.report().decision is None


@pytest.mark.parametrize(("option", "follows"), [(SEND_BACK, "compose_again"), (HOLD, "send_nothing")])
def test_sent_back_or_held_is_kept_with_its_reason_and_never_sent(desk: Desk, option: str, follows: str) -> None:
    composed = desk.composed()
    answer = desk.answer(option, reason="The fair is missing.")
    assert desk.decide(composed, answer) == follows
    assert (desk.report().decision, desk.report().reason) == ("Reject", f"{option}: The fair is missing.")
    with pytest.raises(AirflowSkipException, match="nothing was sent"):
        steps.send(BAKERY, composed)
    again = desk.composed()
    assert again["revision"] == 2, "what is composed again is reviewed anew"
    with pytest.raises(AirflowFailException, match="already decided by mira"):
        desk.decide(composed, desk.answer("Approve"))
    with pytest.raises(AirflowFailException, match=r"revision 2: nothing is sent. Clear `compose`"):
        steps.send(BAKERY, again)
    assert desk.server.mails == []


def test_no_answer_sends_nothing_and_tells_reviewers_and_owner(desk: Desk) -> None:
    composed = desk.composed()
    answer = desk.answer(NO_ANSWER)
    assert desk.decide(composed, answer) == "send_nothing"
    with pytest.raises(AirflowSkipException):
        steps.send(BAKERY, composed)
    assert [(to, subject) for to, subject, _ in desk.texts()] == [
        (address, f"Hollow Oak Bakery: the report {WEEK} was not sent")
        for address in (desk.client.sender.email, "olu@lanternlane.example")
    ]
    assert desk.report().reason == NO_ANSWER


def test_a_held_report_that_nobody_answers_is_told_too(desk: Desk) -> None:
    composed = {"asked": "hold", "period": str(WEEK)}
    assert desk.decide(composed, desk.answer("Compose again")) == "compose_again"
    assert desk.decide(composed, desk.answer("Send nothing")) == "send_nothing"
    assert desk.server.mails == []
    assert desk.decide(composed, desk.answer(NO_ANSWER)) == "send_nothing"
    assert len(desk.server.mails) == 2


def test_an_answer_of_before_decides_nothing(desk: Desk) -> None:
    """Airflow keeps what a task gave until it runs again: a cleared run that is held now still has the approval."""
    approval = desk.answer("Approve")
    held = {"asked": "hold", "period": str(WEEK)}
    assert steps.decide(BAKERY, held, {"review": approval, "hold": desk.answer("Send nothing")}, context()) == (
        "send_nothing"
    )
    with pytest.raises(AirflowSkipException, match="is held"):
        steps.send(BAKERY, held)
    desk.change(report={"without_review": True})
    assert steps.decide(BAKERY, desk.composed(), {"review": desk.answer("Hold"), "hold": None}, context()) == "send"
    assert desk.report().decided_by == weekly.WITHOUT_REVIEW


def test_that_nobody_could_be_told_is_seen(desk: Desk) -> None:
    desk.server.faults["RCPT"] = "550 no such mailbox"
    with pytest.raises(review.NotTold, match="550 no such mailbox"):
        desk.decide(desk.composed(), desk.answer(NO_ANSWER))


def test_without_review_only_where_the_client_has_agreed(desk: Desk) -> None:
    composed = desk.composed()
    assert composed["asked"] == "review"
    for asked in ("review", "decide"):
        with pytest.raises(AirflowFailException, match="Nobody has reviewed"):
            desk.decide(composed | {"asked": asked}, None)
    with pytest.raises(AirflowFailException, match="Nobody has reviewed"):
        steps.send(BAKERY, composed)
    desk.change(report={"without_review": True})
    composed = desk.composed()
    assert composed["asked"] == "decide"
    assert desk.decide(composed, None) == "send"
    steps.send(BAKERY, composed)
    assert "sent without a review, as agreed with you" in plain(desk.texts()[0][2])


# --- When --------------------------------------------------------------------------------------------------------


def test_an_approved_report_waits_for_its_time_and_for_both_offices(desk: Desk) -> None:
    berlin = {"time_zone": "Europe/Berlin", "hours": {"wednesday": {"opens": "10:30", "closes": "12:00"}}}
    desk.change(sender={"office": berlin})
    composed = desk.composed(SETTLED + 24 * HOUR)
    desk.decide(composed, desk.answer("Approve"))
    with pytest.raises(AirflowRescheduleException) as waiting:
        steps.send(BAKERY, composed)
    assert waiting.value.reschedule_date == dt.datetime(2026, 11, 25, 9, 30, tzinfo=dt.UTC)
    assert desk.server.mails == []
    desk.now = dt.datetime(2026, 11, 26, 1, 0, tzinfo=dt.UTC)  # late: at two in the morning, a day after
    with pytest.raises(AirflowRescheduleException) as waiting:
        steps.send(BAKERY, composed)
    assert waiting.value.reschedule_date == dt.datetime(2026, 12, 2, 9, 30, tzinfo=dt.UTC)
    desk.now = dt.datetime(2026, 12, 2, 9, 30, tzinfo=dt.UTC)
    assert steps.send(BAKERY, composed)["sent"] >= 1


def due(desk: Desk, run_after: dt.datetime, run_type: str = "scheduled", **conf: str) -> dict[str, Any]:
    run = SimpleNamespace(conf=conf, run_after=run_after, run_type=run_type)
    return steps.due(BAKERY, {"dag_run": run})


def test_a_planned_run_knows_its_week_and_its_time(desk: Desk) -> None:
    begun = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
    plan = due(desk, begun)
    assert (plan["period"], plan["send_at"]) == ("2026-W47", "2026-11-25T08:00:00+00:00")
    composed = desk.composed(dt.datetime.fromisoformat(plan["send_at"]))
    assert composed["answer_by"] == "2026-11-25T08:00:00+00:00"
    assert composed["remind_at"] == "2026-11-25T04:00:00+00:00", "the sample is open day and night"


def test_a_planned_run_begins_when_the_agency_is_at_work(desk: Desk) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    hours = {day: {"opens": "08:00", "closes": "17:00"} for day in days}
    desk.change(office_hours=hours, holidays={"also": ["2026-11-24"]})
    begun = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
    with pytest.raises(AirflowRescheduleException) as waiting:
        due(desk, begun)
    assert waiting.value.reschedule_date == dt.datetime(2026, 11, 25, 7, 0, tzinfo=dt.UTC)
    desk.now = dt.datetime(2026, 11, 25, 7, 0, tzinfo=dt.UTC)
    plan = due(desk, begun)
    assert plan["send_at"] == "2026-11-25T08:00:00+00:00"
    composed = desk.composed(dt.datetime.fromisoformat(plan["send_at"]))
    assert composed["answer_by"] == "2026-11-26T07:00:00+00:00", "a holiday takes nothing from a reviewer's time"


def test_a_week_that_is_not_due_is_skipped_but_not_by_hand(desk: Desk) -> None:
    desk.change(report={"cadence": "monthly"})
    begun = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
    with pytest.raises(AirflowSkipException, match="no report on 25 November: monthly"):
        due(desk, begun)
    with pytest.raises(AirflowSkipException):
        due(desk, begun, "backfill")
    desk.now = december = dt.datetime(2026, 12, 1, 8, 0, tzinfo=dt.UTC)
    assert due(desk, december)["period"] == "2026-W48"
    by_hand = due(desk, begun, "manual", period="2026-W40", send_at="2026-12-01T09:00:00+01:00")
    assert (by_hand["period"], by_hand["send_at"]) == ("2026-W40", "2026-12-01T08:00:00+00:00")
    for run_type in ("manual", "operator_triggered"):
        assert due(desk, begun, run_type)["send_at"] == december.isoformat()


def test_a_planned_run_of_a_week_that_has_been_sent_is_skipped(desk: Desk) -> None:
    """Airflow starts one when a change of the client's file moves the timetable."""
    send_report(desk.house, BAKERY, WEEK, SETTLED)
    begun = dt.datetime(2026, 11, 17, 8, 0, tzinfo=dt.UTC)
    with pytest.raises(AirflowSkipException, match=f"{WEEK} to Hollow Oak Bakery has been sent already, as revision 1"):
        due(desk, begun)
    for run_type in ("backfill", "manual"):
        assert due(desk, begun, run_type)["period"] == str(WEEK)


def test_a_backfill_sends_no_old_week_that_nobody_reviews(desk: Desk) -> None:
    begun = dt.datetime(2026, 10, 14, 8, 0, tzinfo=dt.UTC)
    assert due(desk, begun, "backfill")["period"] == "2026-W41", "a reviewer is asked"
    desk.change(report={"without_review": True})
    with pytest.raises(AirflowFailException, match="start a run by hand"):
        due(desk, begun, "backfill")


def test_a_planned_run_that_comes_days_late_asks_a_person_whether_it_is_wanted(desk: Desk) -> None:
    begun = dt.datetime(2026, 11, 17, 8, 0, tzinfo=dt.UTC)
    planned = schedule.send_time(desk.client, begun)
    desk.now = planned + 72 * HOUR
    assert due(desk, begun)["period"] == str(WEEK), "a weekend's outage is made up for"
    desk.now += HOUR
    with pytest.raises(AirflowFailException, match=r"was planned for 18 November, 3 days ago.*`period` \"2026-W46\""):
        due(desk, begun)
    assert due(desk, begun, "backfill")["period"] == str(WEEK)
    desk.change(holidays={"also": [f"2026-11-{day}" for day in range(17, 22)]})
    desk.now += 24 * HOUR
    assert due(desk, begun)["period"] == str(WEEK), "a week of holidays is not late"


# --- The operator ------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Airflow was told to ask; each time it forgets the answer it has."""
    asks: list[dict[str, Any]] = []
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **ask: asks.append(ask))
    return asks


@pytest.fixture
def parked(desk: Desk, asked: list[dict[str, Any]]) -> tuple[Ask, dict[str, Any]]:
    """The operator with what Airflow gives it, and a report that is sent in a day."""
    composed = desk.composed(SETTLED + 24 * HOUR)
    ask = Ask(task_id="review", client_id=BAKERY, options=["Approve", "Hold"], reviewers=["mira"], subject="?")
    ti = SimpleNamespace(id="ti", xcom_pull=lambda task_ids: composed)
    return ask, context(task=ask) | {"ti": ti, "task_instance": ti}


def timeout_of(park: Any) -> dt.timedelta:
    with pytest.raises(TaskAwaitingInput) as waiting:
        park()
    found: dt.timedelta = waiting.value.timeout
    return found


TIME_IS_UP = {"error": "the time is up", "error_type": "timeout"}


def test_reviewers_are_reminded_once_and_then_it_is_no_answer(desk: Desk, parked: tuple[Ask, dict[str, Any]]) -> None:
    ask, of_run = parked
    assert timeout_of(lambda: ask.execute(of_run)) == 20 * HOUR
    desk.now += 20 * HOUR
    assert timeout_of(lambda: ask.execute_complete(of_run, TIME_IS_UP)) == 4 * HOUR
    [(to, subject, words)] = desk.texts()
    assert (to, subject) == ("priya@lanternlane.example", f"Hollow Oak Bakery: the report {WEEK} waits for your review")
    assert "until Wednesday 25 November, 09:00 (Europe/Berlin)" in plain(words)
    assert f"/dags/report_{BAKERY}/runs/scheduled__1" in words
    assert timeout_of(lambda: ask.execute(of_run)) == 4 * HOUR, "asked again after a failure, nobody is reminded twice"
    desk.now += 4 * HOUR
    assert ask.execute_complete(of_run, TIME_IS_UP)["chosen_options"] == [NO_ANSWER]
    assert len(desk.server.mails) == 1


def test_an_answer_that_comes_while_reviewers_are_reminded_is_kept(
    desk: Desk, parked: tuple[Ask, dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    ask, of_run = parked
    timeout_of(lambda: ask.execute(of_run))
    desk.now += 20 * HOUR
    timeout_of(lambda: ask.execute_complete(of_run, TIME_IS_UP))
    assert len(asked) == 1


def test_a_reminder_that_does_not_go_out_stops_nothing(desk: Desk, parked: tuple[Ask, dict[str, Any]]) -> None:
    ask, of_run = parked
    desk.server.faults["RCPT"] = "450 come back later"
    desk.now += 20 * HOUR
    assert timeout_of(lambda: ask.execute_complete(of_run, TIME_IS_UP)) == 4 * HOUR


def test_an_answer_is_passed_on(desk: Desk, parked: tuple[Ask, dict[str, Any]]) -> None:
    ask, of_run = parked
    answer = desk.answer("Approve")
    assert ask.execute_complete(of_run, answer)["chosen_options"] == ["Approve"]
