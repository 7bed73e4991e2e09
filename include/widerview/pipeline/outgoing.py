"""Mails beyond a report's own run: sending what is due, deciding what waits for a person, sending again."""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Engine

from widerview.agency import office_hours
from widerview.agency.load import Agency
from widerview.agency.models import Client
from widerview.delivery import outbox, suppression
from widerview.delivery.bounces import Found, Imap, Maildir, read_mailbox
from widerview.delivery.safety import Guard
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.pipeline import connections, weekly
from widerview.warehouse.reports import get_report, repeat_report

DECISIONS = {
    "arrived": "It arrived",
    "lost": "It did not arrive: send it",
    "release": "It is right: send it",
    "stop": "Do not send it",
    "done": "Done: nothing is left to do",
    "lift": "Send there again",
}
"""What a person can decide of a mail, or of its recipient, and how that is said."""

_NEEDS_A_REASON = {"release", "stop", "done", "lift"}


def stamp() -> weekly.Stamp:
    """What every mail gets on its way into the outbox, as the Airflow Connections say."""
    return weekly.Stamp(connections.unsubscribe_door(), connections.dkim())


def drain(
    engine: Engine, agency: Agency, smtp: SmtpSettings, clock: Callable[[], dt.datetime]
) -> dict[tuple[str, str, int], outbox.Summary]:
    """Send whatever is due, of all clients whose office is open now.

    The mails of a client whose file is broken wait until it is mended. Those of a client whose file is gone the guard
    holds, so that a person learns of them.
    """
    clients, broken = agency.clients, {each.key for each in agency.broken}

    def is_open(client_id: str) -> bool:
        if client_id in clients:
            return office_hours.is_open(clients[client_id], clock())
        return client_id not in broken

    return outbox.drain(engine, is_open=is_open, guard=Guard(clients), mailer_factory=lambda: Mailer(smtp), clock=clock)


def decide(
    engine: Engine,
    client_id: str,
    period: str,
    revision: int,
    recipient: str,
    *,
    what: str,
    why: str,
    by: str,
    now: dt.datetime,
) -> None:
    """Carry out a decision of `DECISIONS` about a mail.

    Raises:
        ValueError: There is no such decision, or a reason is missing.
        OutboxConflict: The mail is not in the state that the decision is about.
        LookupError: Nothing keeps mails from the recipient.
    """
    if what not in DECISIONS:
        raise ValueError(f"there is no decision {what!r}; there are: {', '.join(DECISIONS)}")
    if what in _NEEDS_A_REASON and not why.strip():
        raise ValueError("say why, for those who ask later")
    mail: dict[str, Any] = {"client_id": client_id, "period": period, "revision": revision, "recipient": recipient}
    with engine.begin() as connection:
        match what:
            case "lift":
                suppression.lift(connection, client_id=client_id, recipient=recipient, by=by, why=why.strip())
            case "release":
                outbox.release(connection, **mail, by=by, why=why.strip(), now=now)
            case "stop":
                outbox.stop(connection, **mail, by=by, why=why.strip(), now=now)
            case "done":
                outbox.close(connection, **mail, by=by, why=why.strip(), now=now)
            case _:
                outbox.resolve(connection, **mail, arrived=what == "arrived", by=by, now=now)


def resend(
    engine: Engine,
    client: Client,
    period: str,
    revision: int,
    *,
    to: Sequence[str],
    why: str,
    by: str,
    now: dt.datetime,
) -> int:
    """Put an approved report into the outbox once more, as a new revision that says the same; give its number.

    It is a mail of its own, with a Message-ID of its own. It leaves with whatever is due. What has not left of the
    earlier ones to the same people leaves no more, and what waited for a person there is closed.

    Args:
        engine: The warehouse.
        client: The client.
        period: ISO week of the report.
        revision: Which of its revisions.
        to: Addresses; each must be on the client's list.
        why: Kept with every mail.
        by: Who wants it.
        now: The time.

    Raises:
        ValueError: A reason is missing, an address is not on the list, or its owner is left alone.
        LookupError: There is no such report, or it was not approved.
    """
    if not why.strip():
        raise ValueError("say why, for those who ask later")
    listed = {suppression.folded(each.email): each for each in client.recipients}
    if strangers := [each for each in to if suppression.folded(each) not in listed]:
        raise ValueError(
            f"{', '.join(strangers)} is not on the list of recipients in {client.client}.yaml; "
            f"there are: {', '.join(each.email for each in client.recipients)}"
        )
    reason = f"{by}: {why.strip()}"
    with engine.begin() as connection:
        if left_alone := [found for each in to if (found := suppression.find(connection, client.client, each))]:
            raise ValueError(
                f"nothing is sent to {'; '.join(map(str, left_alone))}. If that is over, lift it first: `widerview "
                "outbox resolve --lift`"
            )
        number = repeat_report(connection, client.client, period, revision, reason=reason)
        report = None if number is None else get_report(connection, client.client, period, number)
        if report is None:
            raise LookupError(f"there is no approved report {period} revision {revision} of client {client.client}")
        weekly.put_out(
            connection,
            client,
            weekly.facts_of(report),
            report.note,
            stamp(),
            now,
            to=[listed[each] for each in dict.fromkeys(map(suppression.folded, to))],
            reason=reason,
        )
        outbox.hold_still(connection, client_id=client.client, period=period)
        outbox.supersede(
            connection,
            client_id=client.client,
            period=period,
            before=report.revision,
            recipients=to,
            why=f"{by}: sent again as revision {report.revision}: {why.strip()}",
            now=now,
        )
    return report.revision


def read_bounces(
    open_mailbox: Callable[[], Imap | Maildir | None], engine: Engine, clock: Callable[[], dt.datetime]
) -> Found | None:
    """Read what has come back; None if no mailbox is configured."""
    box = open_mailbox()
    if box is None:
        return None
    with box if isinstance(box, Imap) else nullcontext():
        return read_mailbox(box, engine, clock)
