"""The weekly report, step by step: ready, compose, send."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Engine

from widerview.agency import office_hours
from widerview.agency.models import Client, Recipient
from widerview.agency.theme import load_theme
from widerview.delivery.message import Attachment, InlineImage, Mail, build, message_id
from widerview.delivery.outbox import Guard, Summary, deliver, hold_still, list_rows, queue, supersede
from widerview.delivery.signature import DkimKey, sign
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.delivery.suppression import find
from widerview.delivery.unsubscribe import Door
from widerview.measures.weeks import Week
from widerview.pipeline.answers import APPROVE
from widerview.pipeline.catalogue import ingest_dag_id
from widerview.pipeline.ingest import targets
from widerview.report.facts import Facts, SourceFact
from widerview.report.pdf import filename, report_pdf
from widerview.report.render import Rendered, escape_markdown, render, theme_of
from widerview.report.voice import voice_of
from widerview.sources.registry import SOURCES
from widerview.tagging import posts as tagging
from widerview.tagging.posts import Untidy
from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot, snapshot
from widerview.warehouse.load import replays_due
from widerview.warehouse.reports import Report, get_report, lock_report, newer_revision, record_decision, save_report

WITHOUT_REVIEW = "nobody: this client's reports are sent without review"
"""Who has decided of a report that no person has seen."""

_DAY = dt.timedelta(days=1)
_LOOK_BACK = dt.timedelta(weeks=8)
"""How far back it is looked for the day on which something went wrong."""

_MOST_LINKS = 8
"""So many links to mend are named to a reviewer."""
_URL_CHARACTERS = ":/?#@!$&*+,;=%~-._()"

_LEFT = {"sent", "uncertain", "transmitting", "bounced"}
"""States of a mail that has been sent, or may have been."""


class RedVerdict(Exception):
    """A number the report leads with is wrong or absent: nothing may be sent. The message says which and why."""


class NotReviewed(Exception):
    """Nobody has decided of a report, or what was answered cannot be carried out; the message says what to do."""


class NotApproved(Exception):
    """It was decided not to send a report, or a newer one takes its place; the message says by whom and why."""


class NotSent(Exception):
    """Some mails are not sent yet, and trying again later may help: not before `again_at`, if that is known."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(str(summary))
        self.again_at = summary.again_at


class NeedsAPerson(Exception):
    """Some mails were refused or held, or nobody knows whether they were sent; only a person can tell what to do."""


@dataclass(frozen=True)
class Stamp:
    """What a mail gets on its way into the outbox: where its reader can unsubscribe, and the domain's signature."""

    door: Door | None = None
    key: DkimKey | None = None

    def url_of(self, client_id: str, mail_id: str) -> str | None:
        """Give the address at which the recipient of a mail can unsubscribe; None if there is no such page."""
        return self.door.url_of(client_id, mail_id) if self.door else None

    def signed(self, mail: Mail, sender: str) -> Mail:
        """Give a mail signed, if there is a key of its sender's domain."""
        if self.key is None or not self.key.covers(sender):
            return mail
        return mail._replace(message=sign(mail.message, self.key))


@dataclass(frozen=True)
class Decision:
    """What was decided of a report.

    Attributes:
        option: `Approve` sends it; whatever else it is, the report is not sent.
        by: Who decided.
        at: When (UTC).
        note: Words to the client.
        struck: The sentence that is left out of the mail, as it was written.
        reason: Why the report was not approved.
    """

    option: str
    by: str
    at: dt.datetime
    note: str = ""
    struck: str = ""
    reason: str = ""


class Missing(NamedTuple):
    """What is not there yet of a week, a line each.

    Attributes:
        unread: Accounts and websites with a day that no pull has read after its end.
        to_load: Pulls that have to be loaded once more, since an earlier one came late: until then some numbers are
            not the latest.
    """

    unread: list[str]
    to_load: list[str]


def missing(engine: Engine, client: Client, week: Week, now: dt.datetime) -> Missing:
    """Say what is not there yet of a week. A pull made while a day was still going on cannot have all of it."""
    with snapshot(engine) as connection:
        to_load = [
            f"{SOURCES[source].title} has {len(pulls)} pull(s) to be loaded once more, as an earlier one came late; "
            f"clear `load` of its last run: {', '.join(pulls)}"
            for source in SOURCES
            if (pulls := replays_due(connection, client_id=client.client, source=source))
        ]
        unread = [
            f"{SOURCES[target.source].title} {target.ref} has not been read for {week} since that week ended"
            for source in SOURCES
            for target in targets(client, source)
            if not read.is_covered(
                connection,
                client.client,
                now,
                source=target.source,
                ref=target.ref,
                first_day=week.monday,
                last_day=week.sunday,
            )
        ]
    return Missing(unread, to_load)


def compose_facts(
    engine: Engine, client: Client, week: Week, as_of: dt.datetime, seen_until: dt.datetime | None = None
) -> Facts:
    """Work out a report's facts, from what had been recorded by `as_of`; the reading sees this client's rows only.

    `seen_until` is for an earlier report as of a later moment: see `widerview.report.compose.compose`.
    """
    from widerview.report.compose import compose  # brings the statistics along, which sending does without

    titles = {
        name: f"Website ({source.title})" if source.counts_visits else source.title for name, source in SOURCES.items()
    }
    with client_snapshot(engine, client.client) as connection:
        return compose(
            connection,
            client,
            week,
            as_of,
            titles=titles,
            office_hours=office_hours.describe(client),
            seen_until=seen_until,
        )


def with_theme(facts: Facts, folder: Path, client: Client) -> Facts:
    """Add to a report how it looks: its client's theme, as the files say now.

    Raises:
        BrokenFileError: The theme has mistakes.
    """
    return msgspec.structs.replace(facts, theme=load_theme(folder, client).model_dump_json())


def save(engine: Engine, facts: Facts) -> Facts:
    """Keep a composed report; give its facts with their revision. Of earlier revisions nothing leaves any more."""
    with engine.begin() as connection:
        hold_still(connection, client_id=facts.client_id, period=facts.period)
        corrects = bool(reports_that_left(connection, facts.client_id, facts.period))
        facts = msgspec.structs.replace(facts, corrects=corrects)
        revision = save_report(connection, msgspec.json.encode(facts), facts.client_id, facts.period, facts.as_of)
        supersede(
            connection,
            client_id=facts.client_id,
            period=facts.period,
            before=revision,
            why=f"revision {revision} has been composed since",
            now=facts.as_of,
        )
    return msgspec.structs.replace(facts, revision=revision)


def call_off(engine: Engine, facts: Facts) -> None:
    """Let nothing of a week's report leave any more: composed anew, it has a red verdict."""
    with engine.begin() as connection:
        hold_still(connection, client_id=facts.client_id, period=facts.period)
        supersede(
            connection,
            client_id=facts.client_id,
            period=facts.period,
            why="composed anew, the report has a red verdict",
            now=facts.as_of,
        )


def reports_that_left(connection: Connection, client_id: str, period: str | None = None) -> list[tuple[str, int]]:
    """Give period and revision of the reports that have been sent to anybody, or may have been; oldest first."""
    mails = list_rows(connection, client_id=client_id, period=period)
    return sorted({(mail.period, mail.revision) for mail in mails if mail.state in _LEFT and Week.is_name(mail.period)})


def left_as(engine: Engine, client_id: str, week: Week) -> int | None:
    """Give the newest revision of a week's report that has been sent to anybody, or may have been; None if none."""
    with engine.connect() as connection:
        left = reports_that_left(connection, client_id, str(week))
    return left[-1][1] if left else None


def stop_if_red(facts: Facts) -> None:
    """Let nothing pass that must not be sent.

    Raises:
        RedVerdict: The verdict is red.
    """
    if facts.colour == "red":
        lines = "\n".join(f"- {source.title}: {source.line}" for source in facts.sources if source.colour == "red")
        raise RedVerdict(
            f"The report {facts.period} to {facts.client_name} has a red verdict; nothing is sent:\n{lines}\n"
            "Mend the source, run its ingest DAG for the week, then compose the report again."
        )


def why_held(engine: Engine, client: Client, facts: Facts) -> str:
    """Tell a reviewer, in Markdown, why a report is held: what is wrong, since when, and what to do."""
    week = Week.parse(facts.period)
    with client_snapshot(engine, client.client) as connection:
        verdicts = read.verdicts(connection, client.client, facts.as_of, week.monday - _LOOK_BACK, week.sunday)
    parts = [
        _why_red(fact, [verdict for verdict in verdicts if verdict.source == fact.source], week)
        for fact in facts.sources
        if fact.colour == "red"
    ]
    return "\n\n".join(
        [
            f"The report {facts.period} to {facts.client_name} **cannot be sent**: a number it leads with is wrong or "
            "absent.",
            *parts,
            "When it is mended, answer **Compose again**: the report is made anew, and comes back for review. "
            "**Send nothing** leaves this week out; so does no answer in time.",
        ]
    )


def untidy_links(engine: Engine, client: Client, week: Week, as_of: dt.datetime) -> list[Untidy]:
    """Give the links of a week's posts to the client's own website that are not tagged as planned."""
    first, end = week.bounds(client.zone)
    with client_snapshot(engine, client.client) as connection:
        return tagging.untidy_links(client, read.posts(connection, client.client, as_of, first, end))


def left_out(engine: Engine, client: Client) -> str:
    """Tell a reviewer, in Markdown, which recipients are left alone; empty if none is."""
    with engine.connect() as connection:
        found = [find(connection, client.client, each.email) for each in client.recipients]
    lines = [f"- {escape_markdown(str(each))}" for each in found if each]
    if not lines:
        return ""
    who = "Nobody gets this report" if len(lines) == len(client.recipients) else "These do not get this report"
    return "\n".join([f"**{who}**", "", *lines])


def links_to_mend(links: Sequence[Untidy]) -> str:
    """Tell a reviewer, in Markdown, which links of the week's posts to mend; empty if none. The client is not told."""
    if not links:
        return ""
    lines = [
        f"- {SOURCES[each.source].title}, {each.day:%-d %B}: `{_in_code(each.link)}`: {escape_markdown(each.what)}."
        + (f" Right: `{_in_code(each.right)}`" if each.right else "")
        for each in links[:_MOST_LINKS]
    ]
    if (left := len(links) - _MOST_LINKS) > 0:
        lines.append(f"- and {left} more: `widerview links`")
    heading = "**For you, not in the mail: links to the website that are not tagged as planned**"
    return "\n".join([heading, "", *lines])


def _in_code(url: str) -> str:
    return quote(url, safe=_URL_CHARACTERS)


def _why_red(fact: SourceFact, verdicts: Sequence[read.Verdict], week: Week) -> str:
    source = SOURCES[fact.source]
    red = {verdict.day for verdict in verdicts if verdict.colour == "red"}
    judged = {verdict.day for verdict in verdicts}
    first = next((day for day in week.days if day in red or day not in judged), week.monday)
    while first - _DAY in red:
        first -= _DAY
    good = max((verdict.day for verdict in verdicts if verdict.colour != "red" and verdict.day < first), default=None)
    until = f"; the last good day was {good:%-d %B}" if good else ""
    token = f" If a token has died, renew it at {source.renewal_page}." if source.renewal_page else ""
    return f"""\
### {fact.title}

**What is wrong:** {fact.line}.

**Since when:** {first:%-d %B}{until}.

**What to do:** look at the last run of `{ingest_dag_id(fact.source)}`: a failed `pull` says what the platform said, and
the page behind its task `check` shows which numbers were judged how.{token} Then run that DAG with `first`
{week.monday} and `last` {week.sunday}. If the numbers are right after all, release them with
`widerview quarantine release`; if nothing is held, with its option `--verdict`. The page names the pull.
"""


def mails(
    client: Client,
    facts: Facts,
    note: str | None,
    date: dt.datetime,
    *,
    to: Sequence[Recipient] | None = None,
    url_of: Callable[[str, str], str | None] = lambda client_id, mail_id: None,
) -> Iterator[Mail]:
    """Build the mail to each recipient. Pure: the same facts, note, date and addresses give the same bytes.

    Args:
        client: The client.
        facts: What the report says.
        note: The reviewer's note.
        date: The mail's Date.
        to: Who gets it; the client's recipients if None.
        url_of: Gives the address at which the recipient of a mail can unsubscribe, by client and Message-ID.

    Raises:
        NoPdf: The client gets a PDF, and none can be made here.
    """
    rendered = render(facts, note)
    attachment = Attachment(filename(facts), report_pdf(facts, note)) if facts.pdf else None
    sender_name = theme_of(facts).sender_name or facts.sender_name
    for recipient in client.recipients if to is None else to:
        mail_id = message_id(
            client_id=facts.client_id,
            period=facts.period,
            revision=facts.revision,
            recipient_email=recipient.email,
            sender_email=facts.sender_email,
        )
        yield Mail(
            recipient=recipient.email,
            message_id=mail_id,
            message=build(
                subject=rendered.subject,
                html=rendered.html,
                text=rendered.text,
                pictures=_pictures(rendered),
                attachment=attachment,
                sender_name=sender_name,
                sender_email=facts.sender_email,
                reply_to=facts.reply_to,
                agency=facts.agency,
                recipient_name=recipient.name,
                recipient_email=recipient.email,
                client_id=facts.client_id,
                period=facts.period,
                revision=facts.revision,
                date=date.astimezone(client.zone),
                unsubscribe_url=url_of(facts.client_id, mail_id),
                language=voice_of(facts.locale).language,
            ),
        )


def _pictures(rendered: Rendered) -> list[InlineImage]:
    return [InlineImage(cid=cid, png=png) for cid, png in rendered.pictures.items()]


def record(engine: Engine, client: Client, period: str, revision: int, decision: Decision) -> None:
    """Record what was decided of a report; the decision that was recorded first stands.

    Raises:
        LookupError: There is no such report.
        AlreadyDecided: The opposite was decided before, or other words to the client are in the outbox.
    """
    approved = decision.option == APPROVE
    with engine.begin() as connection:
        record_decision(
            connection,
            client.client,
            period,
            revision,
            "Approve" if approved else "Reject",
            decided_by=decision.by,
            decided_at=decision.at,
            note=decision.note or None,
            struck=decision.struck or None,
            reason=None if approved else f"{decision.option}: {decision.reason}".removesuffix(": "),
        )


def kept(engine: Engine, client: Client, period: str, revision: int) -> Report:
    """Give a report.

    Raises:
        LookupError: There is no such report.
    """
    with engine.connect() as connection:
        report = get_report(connection, client.client, period, revision)
    if report is None:
        raise LookupError(f"Revision {revision} of the report {period} to {client.name} is gone.")
    return report


def approved(engine: Engine, client: Client, period: str, revision: int) -> Report:
    """Give a report that may be sent.

    Raises:
        NotReviewed: Nobody has decided of it.
        NotApproved: It was decided not to send it, or a newer revision has been composed.
        LookupError: There is no such report.
    """
    report = kept(engine, client, period, revision)
    with engine.connect() as connection:
        _stop_if_superseded(connection, report)
    if report.decision is None:
        raise NotReviewed(
            f"Nobody has reviewed the report {period} to {client.name}, revision {revision}: nothing is sent. Clear "
            "`compose` to be asked."
        )
    if report.decision != APPROVE:
        raise NotApproved(f"Not approved ({report.reason}, by {report.decided_by}): nothing was sent.")
    return report


def send(
    engine: Engine,
    client: Client,
    period: str,
    revision: int,
    smtp: SmtpSettings,
    clock: Callable[[], dt.datetime],
    *,
    guard: Guard,
    stamp: Stamp = Stamp(),
) -> Summary:
    """Send a report that was approved (`record`), each mail once.

    Called again, it sends only what has not been sent. `guard` looks at each mail before it goes.

    Raises:
        NotReviewed: Nobody has decided of it.
        NotApproved: It was decided not to send it, or a newer revision has been composed.
        RedVerdict: The verdict is red; approving it does not change that.
        NotSent: The mail server has put some off, or the client's office has closed; try again later.
        NeedsAPerson: Some were refused or held, or may or may not have been sent.
        LookupError: There is no such report.
    """
    report = approved(engine, client, period, revision)
    facts = facts_of(report)
    stop_if_red(facts)
    with engine.begin() as connection:
        lock_report(connection, client.client, period)
        _stop_if_superseded(connection, report)
        if report.decided_by == WITHOUT_REVIEW:
            _stop_if_left_before(connection, facts)
        put_out(connection, client, facts, report.note, stamp, clock())
    summary = deliver(
        engine,
        client_id=client.client,
        period=period,
        revision=revision,
        guard=guard,
        mailer_factory=lambda: Mailer(smtp),
        is_open=lambda: office_hours.is_open(client, clock()),
        clock=clock,
    )
    check_sent(summary)
    return summary


def check_sent(summary: Summary) -> None:
    """See that all mails of a delivery have been sent.

    Raises:
        NeedsAPerson: Some were refused, or may or may not have been sent. That is told first: what was put off leaves
            without its run, too.
        NotSent: Some were put off; try again later.
    """
    if summary.needs_a_person:
        put_off = " What was put off leaves with the DAG `outbox`." if summary.deferred else ""
        raise NeedsAPerson(f"{summary}.{put_off} See the page Outbox, `widerview outbox`, and docs/delivery.md.")
    if summary.deferred:
        raise NotSent(summary)


def _stop_if_superseded(connection: Connection, report: Report) -> None:
    """Let nothing leave that something newer takes the place of."""
    if newer := newer_revision(connection, report.client_id, report.period, report.revision):
        raise NotApproved(
            f"Revision {newer} of the report {report.period} has been composed since: of revision {report.revision} "
            "nothing more is sent."
        )


def _stop_if_left_before(connection: Connection, facts: Facts) -> None:
    """Let nobody get a week's report again that no person wants sent again: a cleared task or a backfill makes one."""
    left = reports_that_left(connection, facts.client_id, facts.period)
    if any(revision < facts.revision for _, revision in left):
        raise NeedsAPerson(
            f"The report {facts.period} to {facts.client_name} has been sent before, as revision {left[-1][1]}, and "
            "nobody reviews this client's reports. Nothing is sent; to send it again, use `widerview outbox resend`."
        )


def put_out(
    connection: Connection,
    client: Client,
    facts: Facts,
    note: str | None,
    stamp: Stamp,
    now: dt.datetime,
    *,
    to: Sequence[Recipient] | None = None,
    reason: str | None = None,
) -> None:
    """Put the mails of a report into the outbox, `to` the client's recipients if None; if some are there, they stay."""
    queue(
        connection,
        client_id=client.client,
        period=facts.period,
        revision=facts.revision,
        mails=(
            stamp.signed(mail, facts.sender_email)
            for mail in mails(client, facts, note, now, to=to, url_of=stamp.url_of)
        ),
        now=now,
        reason=reason,
    )


def facts_of(report: Report) -> Facts:
    """Give the facts of a kept report, with what its reviewer has added to them."""
    return reviewed(msgspec.json.decode(report.facts, type=Facts), report)


def reviewed(facts: Facts, report: Report) -> Facts:
    """Add to facts who approved the report and what was struck from it; nothing while nobody has."""
    if report.decision != APPROVE:
        return facts
    by = None if report.decided_by == WITHOUT_REVIEW else report.decided_by
    return msgspec.structs.replace(facts, approved_by=by, approved_at=report.decided_at, struck=report.struck)


def sent_before(connection: Connection, client_id: str, week: Week) -> Facts | None:
    """Give the facts of the last report that has been sent on an earlier week; None if there is none."""
    left = [sent for sent in reports_that_left(connection, client_id) if sent[0] < str(week)]
    report = get_report(connection, client_id, *left[-1]) if left else None
    return facts_of(report) if report else None
