"""The bodies of the Airflow tasks: read the run's context, open the doors, call the room that does the work."""

import datetime as dt
import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, cast

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from widerview.agency import office_hours, schedule
from widerview.agency.load import Agency, BrokenFileError, load_agency
from widerview.agency.models import Client
from widerview.clock import utc_now
from widerview.delivery.catcher import to_html
from widerview.delivery.message import attached_pdf
from widerview.delivery.outbox import list_rows, messages
from widerview.delivery.safety import Guard
from widerview.delivery.suppression import list_suppressed
from widerview.delivery.unsubscribe import NotOurs, is_unsubscribed, unsubscribe
from widerview.landing.store import Pull
from widerview.measures.weeks import Week
from widerview.pipeline import (
    canary,
    catalogue,
    connections,
    ingest,
    outgoing,
    past_reports,
    review,
    validation,
    validation_page,
    weekly,
)
from widerview.pipeline import watch as crises
from widerview.pipeline.answers import APPROVE, COMPOSE_AGAIN, NO_ANSWER, SEND_BACK
from widerview.pipeline.archive_page import archive_page
from widerview.pipeline.outbox_page import outbox_page as outbox_page_of
from widerview.pipeline.outbox_page import unsubscribe_page as unsubscribe_page_of
from widerview.pipeline.retention import expire
from widerview.pipeline.tokens import DyingTokens, renew, renew_dead
from widerview.report.pdf import NoPdf, check_pdf, filename, report_pdf
from widerview.settings import BOUNCES_CONNECTION, load_settings
from widerview.sources.base import Source, Target, Window
from widerview.sources.errors import BudgetSpent, NotFound, Unauthorized
from widerview.sources.registry import SOURCES
from widerview.sources.registry import source as get_source
from widerview.warehouse import missing_metrics
from widerview.warehouse.database import present
from widerview.warehouse.reports import AlreadyDecided, Report, get_report, list_reports
from widerview.warehouse.usage import DailyAllowance

log = logging.getLogger(__name__)

_PLANNED = {"scheduled", "backfill"}
"""Airflow's types of runs whose moment is one of the timetable."""

_TOO_LATE = dt.timedelta(days=3)
"""So long after its time a planned report is not begun any more unless a person asks for it."""

_SOON = dt.timedelta(minutes=2)
"""A mail that another sender is at is looked at again so much later."""

Batch = list[dict[str, Any]]
"""A batch of targets as XCom carries it."""


def agency() -> Agency:
    """Read the client files; a broken one is logged and left out."""
    found = load_agency(load_settings().clients)
    for broken in found.broken:
        log.error("Left out: %s", broken)
    return found


def asked_window(dag_run: Any) -> Window | None:
    """Give the days that a run by hand asks for by `first` and `last`; None: it says nothing of them."""
    conf = dag_run.conf or {}
    if not (conf.get("first") or conf.get("last")):
        return None
    if not (conf.get("first") and conf.get("last")):
        raise ValueError("Give both `first` and `last`, as YYYY-MM-DD, or neither.")
    asked = Window(dt.date.fromisoformat(conf["first"]), dt.date.fromisoformat(conf["last"]))
    if asked.last < asked.first:
        raise ValueError(f"`last` ({asked.last}) is before `first` ({asked.first}).")
    if asked.last > dag_run.run_after.astimezone(dt.UTC).date():
        raise ValueError(f"`last` ({asked.last}) has not come yet.")
    return asked


def run_day(dag_run: Any) -> dt.date:
    """Give the day that a run is for: the partition of a scheduled or backfilled one, else the day before (UTC)."""
    if dag_run.partition_key:
        return dt.date.fromisoformat(dag_run.partition_key)
    return cast("dt.date", dag_run.run_after.astimezone(dt.UTC).date() - dt.timedelta(days=1))


def plan(source_name: str) -> list[Batch]:
    """List the batches of accounts to pull."""
    return cast("list[Batch]", msgspec.to_builtins(ingest.plan(agency(), source_name)))


def tokens(source_name: str) -> list[str]:
    """Exchange a source's tokens that are due; give the Connections that hold a new one.

    Fails, for all to see, if a token dies within 14 days and a person has to renew it; pulls go on meanwhile.
    """
    from airflow.sdk.exceptions import AirflowFailException

    source = get_source(source_name)
    try:
        return renew(source, _targets(source_name), connections.access, connections.airflow, utc_now())
    except DyingTokens as error:
        raise AirflowFailException(str(error)) from error


def singers() -> list[str]:
    """List the sources that can be asked for a metric and that some client has an account on."""
    clients = agency().clients.values()
    return [name for name, source in SOURCES.items() if source.kind != "offline" and ingest.targets_of(clients, name)]


def sing(source_name: str, context: Any) -> list[str]:
    """Ask a source for each metric alone, through one account on each of its APIs; give the metrics there are.

    It is the first account that lets us in. What is missing is remembered before the task fails of it, so that it can
    be told.
    """
    from airflow.sdk.exceptions import AirflowFailException

    source = get_source(source_name)
    context["source"] = source.title
    given: set[str] = set()
    failures = []
    for accounts in canary.by_api(source, _targets(source_name)):
        shut_out = []
        for target in accounts:
            try:
                given |= _sing(source, target)
            except (Unauthorized, NotFound, BudgetSpent, connections.MissingConnection) as error:
                log.warning("%s: %s", target.label, error)
                shut_out.append(str(error))
                continue
            except canary.MetricsGone as error:
                failures.append(str(error))
            break
        else:
            failures += shut_out
    if failures:
        raise AirflowFailException("\n".join(failures))
    return sorted(given)


def _sing(source: Source, target: Target) -> set[str]:
    with suppress(DyingTokens):  # a token may live for two hours; what a person has to renew is told elsewhere
        renew(source, [target], connections.access, connections.airflow, utc_now())
    engine = connections.warehouse()
    try:
        with _allowance(source, target) as allowance:
            given = canary.sing(source, target, connections.access, utc_now, allowance)
    except canary.MetricsGone as error:
        with engine.begin() as connection:
            missing_metrics.remember(connection, target, error.missing, utc_now())
        raise
    with engine.begin() as connection:
        missing_metrics.remember(connection, target, {}, utc_now())
    return given


def tell_missing() -> int:
    """Tell the agency which metrics are missing, each once; come back for those who are not at work yet."""
    from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

    told = canary.tell(connections.warehouse(), agency().clients, connections.smtp, utc_now)
    if told.wait_until:
        log.info("%d told; the others when somebody is at work, at %s", told.mails, told.wait_until)
        raise AirflowRescheduleException(told.wait_until)  # type: ignore[no-untyped-call]  # untyped in Airflow
    if not told.mails:
        raise AirflowSkipException("There is nothing new to tell.")
    return told.mails


def _targets(source_name: str) -> list[Target]:
    return ingest.targets_of(agency().clients.values(), source_name)


def pull(source_name: str, batch: Batch, context: Any) -> list[str]:
    """Pull one batch and land its answers."""
    targets = msgspec.convert(batch, list[Target])
    context["batch"] = ingest.batch_label(targets)
    source = get_source(source_name)
    asked, day = asked_window(context["dag_run"]), run_day(context["dag_run"])
    renew_dead(source, targets, connections.access, connections.airflow, utc_now())
    return ingest.pull(
        connections.landing(),
        source,
        targets,
        lambda target: asked or ingest.window_due(connections.warehouse(), source, target, day),
        context["run_id"],
        connections.access,
        allowance=lambda target: _allowance(source, target),
    )


def _allowance(source: Source, target: Target) -> DailyAllowance:
    """What the target's client may still spend today; a file that broke since the plan counts for one account."""
    client = load_agency(load_settings().clients, only=target.client_id).clients.get(target.client_id)
    accounts = len(ingest.targets(client, source.name)) if client else 1
    return ingest.daily_allowance(connections.warehouse(), source, target, accounts=accounts)


def check(source_name: str, run: str) -> dict[str, int]:
    """Check everything a run has landed and log what was found; give the number of days by colour of their verdict."""
    from airflow.sdk.exceptions import AirflowFailException

    landing, source = connections.landing(), get_source(source_name)
    pulls = _pulls(source_name, run)
    broken = None
    try:
        ingest.check_pulls(landing, source, pulls, connections.warehouse())
    except ingest.CheckBroken as error:
        broken = error
    # What was found is told also when a check broke.
    found = validation.read_run(landing, source_name, run)
    total, *bad = validation.summary(found)
    log.info("%s", total)
    for line in bad:
        log.warning("%s", line)
    log.info("Every check: %s", in_ui(catalogue.checks_path(catalogue.ingest_dag_id(source_name), run)))
    if broken:  # a fault in a check or the library: trying again would not help
        raise AirflowFailException(str(broken)) from broken
    colours = [verdict.colour for each in found if each.result for verdict in each.result.verdicts]
    return {colour: colours.count(colour) for colour in ("green", "amber", "red")} | {
        "held": sum(each.held for each in found)
    }


def checks_page(source: Source, run: str, client_id: str | None = None, ref: str | None = None) -> str | None:
    """Give the page of what the gate found in a run, of all accounts or one; None if nothing of it is in landing."""
    landing = connections.landing()
    everything = validation.read_run(landing, source.name, run)
    alone = client_id is not None
    if alone:
        everything = [each for each in everything if (each.target.client_id, each.target.ref) == (client_id, ref)]
    shown = [validation.with_history(landing, each) for each in everything[: validation_page.SECTIONS]]
    return validation_page.validation_page(source.title, run, everything, shown, alone=alone) if shown else None


def load(source_name: str, run: str) -> dict[str, int]:
    """Load everything a run has landed and checked; give the number of rows parsed, held and stored."""
    counts = ingest.load_pulls(
        connections.landing(), get_source(source_name), _pulls(source_name, run), connections.warehouse()
    ).values()
    return {
        "parsed": sum(count.parsed for count in counts),
        "held": sum(count.held for count in counts),
        "stored": sum(count.stored for count in counts),
    }


def _pulls(source_name: str, run: str) -> list[tuple[str, Pull]]:
    return ingest.pulls_of_run(connections.landing(), source_name, run, _targets(source_name))


def due(client_id: str, context: Any) -> dict[str, Any]:
    """Say which week a run reports and from when it is sent; a planned run waits here until the agency is at work.

    A run by hand, or by another run, says its week, or reports the last complete one, and sends when it is approved.
    """
    from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

    client, now, dag_run = _client(client_id), utc_now(), context["dag_run"]
    conf = dag_run.conf or {}
    week = Week.parse(conf["period"]) if conf.get("period") else Week.last_complete(dag_run.run_after, client.zone)
    if dag_run.run_type not in _PLANNED:
        send_at = _moment(conf["send_at"]) if conf.get("send_at") else now
    else:
        send_at = schedule.send_time(client, dag_run.run_after)
        if not client.report.is_due(send_at.date()):
            raise AirflowSkipException(f"{client.name} gets no report on {send_at:%-d %B}: {client.report.cadence}.")
        opening = office_hours.agency_next_open(client, dag_run.run_after)
        if dag_run.run_type == "scheduled" or client.report.without_review:
            _stop_if_behind(client, week, max(send_at, opening), now)
        if now < opening and not client.report.without_review:
            log.info("Nobody is at the agency; the review begins at %s", opening.astimezone(client.zone))
            raise AirflowRescheduleException(opening)  # type: ignore[no-untyped-call]  # untyped in Airflow
    return {"period": str(week), "send_at": send_at.astimezone(dt.UTC).isoformat(), "begun": now.isoformat()}


def _stop_if_behind(client: Client, week: Week, planned: dt.datetime, now: dt.datetime) -> None:
    """Let a run begin no report that nobody waits for.

    Airflow starts one at once for the timetable's last moment before now, when a change of the client's file has moved
    the timetable, or a backfill has ended. And where nobody reviews, a backfill would send old weeks unasked.
    """
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    by_hand = f'start a run by hand with `period` "{week}"'
    if left := weekly.left_as(connections.warehouse(), client.client, week):
        raise AirflowSkipException(
            f"The report {week} to {client.name} has been sent already, as revision {left}. To send it anew, {by_hand}."
        )
    if now > planned + _TOO_LATE:
        raise AirflowFailException(
            f"The report {week} to {client.name} was planned for {planned.astimezone(client.zone):%-d %B}, "
            f"{(now - planned).days} days ago, and has not been sent. If it is still wanted, {by_hand}."
        )


def ready(client_id: str, plan: dict[str, Any]) -> bool:
    """Whether every source has the whole week, or has been waited for long enough; what is missing is logged."""
    client = _client(client_id)
    now = utc_now()
    lacking = weekly.missing(connections.warehouse(), client, Week.parse(plan["period"]), now)
    patience = dt.timedelta(hours=client.report.wait_hours)
    is_over = now >= _moment(plan["begun"]) + patience
    for line in lacking.unread:
        log.warning("%s: %s", "Waited long enough, goes without" if is_over else "Waiting", line)
    for line in lacking.to_load:
        log.warning("Waiting: %s", line)
    return not lacking.to_load and (is_over or not lacking.unread)


def compose(client_id: str, plan: dict[str, Any]) -> dict[str, Any]:
    """Compose and keep the report; give its revision, and what the reviewer sees: the report, or why it is held.

    `asked` is the task that it goes to: who is to be asked about it, or nobody.
    """
    from airflow.sdk.exceptions import AirflowFailException

    client = _client(client_id)
    engine = connections.warehouse()
    week = Week.parse(plan["period"])
    facts = weekly.compose_facts(engine, client, week, present(engine, client_id))
    try:
        if facts.pdf:
            check_pdf()
        facts = weekly.with_theme(facts, load_settings().clients, client)
    except NoPdf as error:
        raise AirflowFailException(str(error)) from error
    except BrokenFileError as error:  # trying again would not mend the file
        raise AirflowFailException(f"The theme of {client.name} has mistakes:\n{error}") from error
    until, remind_at = schedule.answering(client, _moment(plan["send_at"]), utc_now())
    composed = {
        "period": facts.period,
        "send_at": plan["send_at"],
        "asked": "decide" if client.report.without_review else "review",
        "answer_by": until.isoformat(),
        "remind_at": remind_at and remind_at.isoformat(),
    }
    if facts.colour == "red":
        weekly.call_off(engine, facts)
        return composed | {
            "asked": "hold",
            "subject": f"Held: the report {facts.period} to {client.name}",
            "preview": weekly.why_held(engine, client, facts),
        }
    with engine.connect() as connection:
        before = weekly.sent_before(connection, client_id, week)
    facts = weekly.save(engine, past_reports.with_corrections(engine, facts, before))
    links = weekly.links_to_mend(weekly.untidy_links(engine, client, week, facts.as_of))
    beside = "\n\n".join(filter(None, [weekly.left_out(engine, client), links]))
    page = catalogue.preview_path(facts.client_id, facts.period, facts.revision)
    return composed | {
        "revision": facts.revision,
        "subject": f"Send the report {facts.period} to {client.name}?",
        "preview": review.request(client, facts, before, in_ui(page), until, beside),
    }


def remind(client_id: str, composed: dict[str, Any], context: Any) -> None:
    """Mail a reminder to the client's reviewers. If it does not go out, the report waits all the same."""
    client = _client(client_id)
    words = review.reminder(client, composed["period"], _moment(composed["answer_by"]), _run_page(context))
    try:
        review.tell(connections.smtp(), client, client.reminded, words, about=_about("remind", context), now=utc_now())
    except (review.NotTold, connections.MissingConnection) as error:
        log.error("%s", error)


def decide(client_id: str, composed: dict[str, Any], answers: Mapping[str, dict[str, Any] | None], context: Any) -> str:
    """Record what was answered, tell the agency if nothing was, and name the task that follows.

    `answers` are those of `review` and `hold`; that of a task which this report did not go to is an older one's.
    """
    from airflow.sdk.exceptions import AirflowFailException

    client, answer = _client(client_id), answers.get(composed["asked"])
    option = answer["chosen_options"][0] if answer else APPROVE
    try:
        if composed["asked"] != "hold":
            decision = _decision(client, composed, answer)
            weekly.record(connections.warehouse(), client, composed["period"], composed["revision"], decision)
    except (weekly.NotReviewed, AlreadyDecided) as error:
        raise AirflowFailException(str(error)) from error
    if option == NO_ANSWER:
        to = [*client.reminded, *filter(None, [client.sender.owner])]
        words = review.unanswered(client, composed["period"], _run_page(context))
        review.tell(connections.smtp(), client, to, words, about=_about("unanswered", context), now=utc_now())
    follows = {APPROVE: "send", SEND_BACK: "compose_again", COMPOSE_AGAIN: "compose_again"}
    return follows.get(option, "send_nothing")


def _decision(client: Client, composed: dict[str, Any], answer: dict[str, Any] | None) -> weekly.Decision:
    if answer is None:
        return review.unreviewed(client, utc_now())
    report = weekly.kept(connections.warehouse(), client, composed["period"], composed["revision"])
    return review.decision_of(answer, weekly.facts_of(report))


def preview(client_id: str, period: str, revision: int) -> str | None:
    """Give a kept report as a page for the browser, as it was sent if it was; None if there is no such report."""
    report, sent = _kept(client_id, period, revision)
    if sent:
        return to_html(sent)
    if report is None:
        return None
    facts = msgspec.structs.replace(weekly.facts_of(report), revision=revision, pdf=False)
    mail = next(weekly.mails(_client(client_id), facts, report.note, report.decided_at or report.as_of))
    return to_html(mail.message)


def report_file(client_id: str, period: str, revision: int) -> tuple[str, bytes] | None:
    """Give a kept report as a PDF, as it was sent if it was, with its file's name; None if there is no such report.

    Raises:
        NoPdf: None can be made here.
    """
    report, sent = _kept(client_id, period, revision)
    if sent and (attached := attached_pdf(sent)):
        return attached
    if report is None:
        return None
    facts = msgspec.structs.replace(weekly.facts_of(report), revision=revision)
    return filename(facts), report_pdf(facts, report.note)


def archive(client_id: str) -> str:
    """Give the page of all reports to a client that are kept."""
    with connections.warehouse().connect() as connection:
        reports = list_reports(connection, client_id)
        left = set(weekly.reports_that_left(connection, client_id))
    return archive_page(_name(client_id), catalogue.report_dag_id(client_id), reports, left)


def _kept(client_id: str, period: str, revision: int) -> tuple[Report | None, bytes | None]:
    """A report, and one of its mails if it has any."""
    with connections.warehouse().connect() as connection:
        report = get_report(connection, client_id, period, revision)
        mails = messages(connection, client_id=client_id, period=period, revision=revision)
    return report, next(iter(mails.values()), None)


def send(client_id: str, composed: dict[str, Any]) -> dict[str, int]:
    """Send an approved report when it is planned, inside office hours; until then, come back when both have come."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException, AirflowSkipException

    client, now = _client(client_id), utc_now()
    if "revision" not in composed:
        raise AirflowSkipException(f"The report {composed['period']} is held: nothing was sent.")
    report = client, composed["period"], composed["revision"]
    opening = office_hours.next_open(client, max(now, _moment(composed["send_at"])))
    try:
        weekly.approved(connections.warehouse(), *report)
        if opening > now:
            log.info("%s gets it at %s (%s)", client.name, opening.astimezone(client.zone), client.time_zone)
            raise AirflowRescheduleException(opening)  # type: ignore[no-untyped-call]  # untyped in Airflow
        summary = weekly.send(
            connections.warehouse(),
            *report,
            connections.smtp(),
            utc_now,
            guard=Guard(agency().clients | {client_id: client}),
            stamp=outgoing.stamp(),
        )
    except weekly.NotApproved as error:
        raise AirflowSkipException(str(error)) from error
    except weekly.NotSent as error:
        again = office_hours.next_open(client, max(error.again_at or utc_now(), utc_now() + _SOON))
        log.warning("%s. Again at %s (%s)", error, again.astimezone(client.zone), client.time_zone)
        raise AirflowRescheduleException(again) from error  # type: ignore[no-untyped-call]  # untyped in Airflow
    except (weekly.NotReviewed, weekly.NeedsAPerson, weekly.RedVerdict) as error:
        raise AirflowFailException(str(error)) from error
    for left_alone in summary.suppressed:
        log.warning("Not sent: %s", left_alone.answer)
    if summary.suppressed and not summary.sent:
        raise AirflowSkipException(
            f"Nobody gets the report: {'; '.join(str(each.answer) for each in summary.suppressed)}."
        )
    return {"sent": len(summary.sent), "suppressed": len(summary.suppressed)}


def drain() -> dict[str, int]:
    """Send whatever is due of all clients that may be written to now; give the number of mails by state.

    Fails, for all to see, if a mail has come to wait for a person.
    """
    from airflow.sdk.exceptions import AirflowFailException

    done = outgoing.drain(connections.warehouse(), agency(), connections.smtp(), utc_now)
    for (client_id, period, revision), summary in done.items():
        log.info("%s %s, revision %d: %s", client_id, period, revision, summary)
    if told := [f"{' '.join(map(str, report))}: {s}" for report, s in done.items() if s.needs_a_person]:
        raise AirflowFailException("\n".join(told))
    return dict(Counter(outcome.state for summary in done.values() for outcome in summary.outcomes))


def bounces() -> dict[str, int]:
    """Read what has come back; fails, for all to see, if a mail did not arrive or a reader wants no more."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    found = outgoing.read_bounces(connections.bounces, connections.warehouse(), utc_now)
    if found is None:
        raise AirflowSkipException(
            f"No mailbox is configured, so nobody reads what comes back. Add the Airflow Connection "
            f"{BOUNCES_CONNECTION!r}: docs/delivery.md"
        )
    for line in found.delayed:
        log.warning("Still on its way: %s", line)
    if found.unknown:
        log.warning("%d other mail(s) lie in the mailbox, for a person to read", found.unknown)
    if found.marked or found.bounced:
        lines = [f"Nothing is sent there any more: {line}" for line in found.marked]
        lines += [f"Came back: {line}" for line in found.bounced]
        raise AirflowFailException("\n".join(lines))
    return {"delayed": len(found.delayed), "unknown": found.unknown}


def outbox_page(client_ids: Collection[str], user: str, done: str | None = None) -> str:
    """Give the page of mails that wait for a person, and of suppressed recipients, of these clients."""
    with connections.warehouse().connect() as connection:
        rows = [row for row in list_rows(connection) if row.client_id in client_ids]
        left_alone = [each for each in list_suppressed(connection) if each.client_id in client_ids]
    return outbox_page_of(rows, left_alone, user, done)


def resolve(client_id: str, period: str, revision: int, recipient: str, what: str, why: str, by: str) -> None:
    """Carry out what a person has decided of a mail on the page Outbox.

    Raises:
        ValueError: There is no such decision, or a reason is missing.
        OutboxConflict: The mail is not in the state that the decision is about.
        LookupError: There is nothing to decide.
    """
    outgoing.decide(
        connections.warehouse(), client_id, period, revision, recipient, what=what, why=why, by=by, now=utc_now()
    )


def unsubscribe_page(token: str, *, now: bool) -> tuple[str, bool]:
    """Give the page for a recipient who unsubscribes, and whether the token is ours; `now`: do it, else only ask."""
    door = connections.unsubscribe_door()
    if door is None:
        return unsubscribe_page_of(None, done=False), False
    with connections.warehouse().begin() as connection:
        try:
            mail = door.mail_of(connection, token)
        except NotOurs:
            return unsubscribe_page_of(None, done=False), False
        if now:
            unsubscribe(connection, mail, utc_now())
        return unsubscribe_page_of(_name(mail.client_id), done=is_unsubscribed(connection, mail)), True


def watch() -> list[str]:
    """Look at every client for a rush of comments; give those of whom there is something to tell.

    One client's failure keeps no other from being looked at: it is given, too, so that its own task fails.
    """
    due = []
    for client in agency().clients.values():
        if not client.accounts:
            continue
        try:
            seen = crises.watch(connections.warehouse(), client, utc_now())
        except SQLAlchemyError:
            log.exception("%s was not looked at", client.name)
            due.append(client.client)
            continue
        for line in seen.unwatched:
            log.warning("%s: %s", client.name, line)
        for crisis in seen.crises:
            log.warning("%s", crises.describe(client, crisis))
        if seen.due:
            due.append(client.client)
    log.info("%s", f"To tell of: {', '.join(due)}" if due else "Nothing to tell")
    return due


def tell(client_id: str, context: Any) -> dict[str, int]:
    """Look again, and tell the account manager of a client's rush; outside office hours, leave it to a later run."""
    from airflow.sdk import Asset
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    client = _client(client_id)
    context["client"] = client.name
    crises.watch(connections.warehouse(), client, utc_now())
    try:
        told = crises.tell(connections.warehouse(), client, connections.smtp, utc_now)
    except weekly.NeedsAPerson as error:
        raise AirflowFailException(str(error)) from error
    if told.wait_until:
        opening = told.wait_until.astimezone(client.zone)
        context["client"] = f"{client.name}, not before {opening:%a %-d %b %H:%M}"
        raise AirflowSkipException(f"{client.name} is closed; told at {opening} or soon after.")
    if not told.sent:
        raise AirflowSkipException("There is nothing to tell any more.")
    context["outlet_events"][Asset(catalogue.CRISIS_ASSET)].extra = {"client": client_id, "mails": told.sent}
    return {"sent": told.sent}


def retention() -> dict[str, int]:
    """Let go of what is older than it is kept; give the number of files and rows that went, by place."""
    gone = expire(connections.warehouse(), connections.landing(), load_settings(), utc_now())
    for place, count in gone.items():
        log.info("%s: %d removed", place, count)
    return gone


def in_ui(path: str) -> str:
    """Give the address of one of our pages in the Airflow UI."""
    from airflow.sdk import conf

    return str(conf.get("api", "base_url", fallback="/")).rstrip("/") + path


def _client(client_id: str) -> Client:
    found = load_agency(load_settings().clients, only=client_id)
    for broken in found.broken:
        raise ValueError(str(broken))
    return found.clients[client_id]


def _name(client_id: str) -> str:
    """The name of a client; its id if its file is gone or broken."""
    found = load_agency(load_settings().clients, only=client_id).clients.get(client_id)
    return found.name if found else client_id


def _run_page(context: Any) -> str:
    """Give the address of a run in the Airflow UI."""
    return in_ui(catalogue.run_path(context["dag_run"].dag_id, context["run_id"]))


def _about(what: str, context: Any) -> str:
    """Name a mail about a run: the same in every attempt."""
    run = hashlib.sha256(f"{context['dag_run'].dag_id} {context['run_id']}".encode()).hexdigest()[:10]
    return f"{what}.{run}"


def _moment(value: Any) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
