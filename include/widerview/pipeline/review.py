"""What a reviewer reads and answers, and what those at the agency are told by mail. Pure but for the sending."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from widerview.agency.models import Client
from widerview.delivery.message import Words, build_plain, wire_address
from widerview.delivery.smtp import Accepted, Lost, Mailer, SmtpSettings
from widerview.pipeline.answers import APPROVE, MOST_STRIKEABLE
from widerview.pipeline.weekly import WITHOUT_REVIEW, Decision, NotReviewed
from widerview.report import narrate
from widerview.report.facts import Facts, Figure
from widerview.report.render import escape_markdown, render, strikeable


class NotTold(Exception):
    """A mail to somebody at the agency was not taken; the message says whose and why."""


def request(client: Client, facts: Facts, before: Facts | None, page: str, until: dt.datetime, beside: str = "") -> str:
    """Write what a reviewer reads, in Markdown.

    Args:
        client: The client.
        facts: The report.
        before: The last one that was sent; None if there is none.
        page: Where the mail is seen as its reader will.
        until: When the time to answer is up.
        beside: What else the reviewer is told and the client is not, in Markdown.
    """
    parts = [
        f"[See the mail as its reader will]({page})",
        f"**Verdict: {facts.colour}.** {escape_markdown(narrate.data_line(facts))}",
        f"Answer until {_when(until, client.zone)}; without an answer, nothing is sent.",
        "## What changed since the last report\n\n" + "\n".join(f"- {line}" for line in what_changed(facts, before)),
        "## Sentences that you may strike\n\n"
        + "\n".join(
            f"{number}. {escape_markdown(sentence)}"
            for number, sentence in enumerate(strikeable(facts)[:MOST_STRIKEABLE], 1)
        ),
        beside,
        "---",
        render(facts).markdown,
    ]
    return "\n\n".join(filter(None, parts))


def what_changed(facts: Facts, before: Facts | None) -> list[str]:
    """Say in Markdown, a line each, what is otherwise than in the last report that was sent."""
    if before is None:
        return ["Nothing has been sent to this client before."]
    since = f"in {before.period}"
    old = {figure.id: figure for figure in before.figures}
    lines = [
        f"{escape_markdown(figure.label)}: {_told(facts, figure)}, {since} {_told(before, old[figure.id])}"
        for figure in facts.figures
        if figure.id in old and _told(facts, figure) != _told(before, old[figure.id])
    ]
    lines += [f"{escape_markdown(each.label)}: new in the report" for each in facts.figures if each.id not in old]
    now = {figure.id for figure in facts.figures}
    lines += [
        f"{escape_markdown(each.label)}: not in the report any more" for each in before.figures if each.id not in now
    ]
    colours = {source.source: source.colour for source in before.sources}
    lines += [
        f"{escape_markdown(source.title)}: {source.colour}, {since} {colours.get(source.source, 'not read')}"
        for source in facts.sources
        if source.colour != colours.get(source.source)
    ]
    ran, runs = ({campaign.key: campaign.name for campaign in each.running_campaigns} for each in (before, facts))
    lines += [f"The campaign {escape_markdown(name)} has begun" for key, name in runs.items() if key not in ran]
    lines += [f"The campaign {escape_markdown(name)} is over" for key, name in ran.items() if key not in runs]
    return lines or [f"Nothing: every figure stands where it stood {since}."]


def _told(facts: Facts, figure: Figure) -> str:
    line = narrate.figure_line(facts, figure)
    return f"{line.value} ({line.word})"


def decision_of(answer: Mapping[str, Any], facts: Facts) -> Decision:
    """Read a reviewer's answer, as Airflow gives it.

    Raises:
        NotReviewed: The sentence to strike is not one of the report's.
    """
    fields = answer["params_input"] or {}
    struck = ""
    if (number := fields.get("strike")) is not None:
        sentences = strikeable(facts)[:MOST_STRIKEABLE]
        if not 1 <= number <= len(sentences):
            raise NotReviewed(
                f"There is no sentence {number} to strike: the report has {len(sentences)}. Nothing was sent; clear "
                "`review` to be asked again."
            )
        struck = sentences[number - 1]
    at = answer["responded_at"]
    return Decision(
        option=answer["chosen_options"][0],
        by=(answer.get("responded_by_user") or {}).get("name", "nobody in time"),
        at=at if isinstance(at, dt.datetime) else dt.datetime.fromisoformat(at),
        note=fields.get("note") or "",
        struck=struck,
        reason=fields.get("reason") or "",
    )


def unreviewed(client: Client, now: dt.datetime) -> Decision:
    """Approve a report that no person has seen, as its client has agreed to.

    Raises:
        NotReviewed: The client has not.
    """
    if not client.report.without_review:
        raise NotReviewed(f"Nobody has reviewed the report to {client.name}: nothing is sent. Clear `compose`.")
    return Decision(option=APPROVE, by=WITHOUT_REVIEW, at=now)


def reminder(client: Client, period: str, until: dt.datetime, page: str) -> Words:
    """Remind the reviewers of a report that waits for them."""
    return Words(
        f"{client.name}: the report {period} waits for your review",
        f"The report {period} to {client.name} has not been answered yet.\n\n"
        f"Without an answer until {_when(until, client.zone)} it is not sent.\n\n"
        f"Read it and answer here:\n{page}\n",
    )


def unanswered(client: Client, period: str, page: str) -> Words:
    """Tell that a report was not sent, because nobody has answered."""
    return Words(
        f"{client.name}: the report {period} was not sent",
        f"Nobody has answered the review of the report {period} to {client.name} in time, so it was not sent.\n\n"
        "To send it after all, clear the task `compose` of this run in Airflow: it is made anew and comes back for "
        f"review.\n{page}\n",
    )


def tell(smtp: SmtpSettings, client: Client, to: Sequence[str], words: Words, *, about: str, now: dt.datetime) -> None:
    """Mail something to people at the agency, from the client's sender.

    Args:
        smtp: The mail server.
        client: The client it is about.
        to: Addresses; each gets one mail.
        words: What to tell.
        about: What it is about; the Message-ID says so, the same in every attempt.
        now: The mail's Date.

    Raises:
        NotTold: The mail server has not taken some. A mail whose answer was lost counts as taken.
    """
    failures = []
    domain = wire_address(client.sender.email).rpartition("@")[2]
    with Mailer(smtp) as mailer:
        for address in dict.fromkeys(to):
            short = hashlib.sha256(wire_address(address).encode()).hexdigest()[:10]
            message = build_plain(
                subject=words.subject,
                text=words.text,
                sender_name=client.sender.name,
                sender_email=client.sender.email,
                recipient_email=address,
                identity=f"<{about}.{client.client}.{short}@{domain}>",
                date=now.astimezone(client.zone),
            )
            answer = mailer.send(recipient=wire_address(address), message=message, before_data=lambda: None)
            if not isinstance(answer, Accepted | Lost):
                failures.append(f"{address}: {answer}")
    if failures:
        raise NotTold("The agency was not told. " + "; ".join(failures))


def _when(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%A %-d %B, %H:%M} ({zone})"
