"""Reports as composed, and what was decided of them."""

import datetime as dt
from typing import Literal

import msgspec
from sqlalchemy import Connection

from widerview.warehouse.sql import query

Decision = Literal["Approve", "Reject"]


class AlreadyDecided(Exception):
    """Another decision on this revision stands; a new one needs a new revision."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of one week's report.

    Attributes:
        client_id: The client's id.
        period: ISO week, e.g. `2026-W46`.
        revision: 1, and one more for each corrected report.
        as_of: Only what had been recorded by then is in it (UTC).
        facts: The facts as JSON; decode them with `widerview.report.facts.Facts`.
        decision: What was decided; None while nobody has.
        decided_by: Who decided.
        decided_at: When (UTC).
        note: The reviewer's note to the client.
        struck: The sentence that the reviewer has struck.
        reason: Why it was sent back or held; of one that is sent again who wants that, and why.
    """

    client_id: str
    period: str
    revision: int
    as_of: dt.datetime
    facts: str
    decision: Decision | None
    decided_by: str | None
    decided_at: dt.datetime | None
    note: str | None
    struck: str | None
    reason: str | None


def save_report(
    connection: Connection, facts_json: bytes | str, client_id: str, period: str, as_of: dt.datetime
) -> int:
    """Keep a composed report, and write its revision number into its facts.

    A retry that composes the very same report (same `as_of`, same facts) gets the number of the first; a rejected
    report gets a new number even if nothing changed, so that it can be reviewed anew.

    Returns:
        The revision.
    """
    facts = facts_json.decode() if isinstance(facts_json, bytes) else facts_json
    key = {"client_id": client_id, "period": period}
    lock_report(connection, client_id, period)
    revision: int = connection.execute(query("save_report"), key | {"as_of": as_of, "facts": facts}).scalar_one()
    return revision


def lock_report(connection: Connection, client_id: str, period: str) -> None:
    """Let nobody else write to a week's report, or put its mails into the outbox, until the transaction ends."""
    connection.execute(query("lock_report"), {"client_id": client_id, "period": period})


def newer_revision(connection: Connection, client_id: str, period: str, revision: int) -> int | None:
    """Give the newest revision that was composed after one of a week's report; None if there is none.

    One that repeats an earlier one says nothing newer.
    """
    key = {"client_id": client_id, "period": period, "revision": revision}
    found: int | None = connection.scalar(query("newer_revision"), key)
    return found


def reported_since(connection: Connection, client_id: str, moment: dt.datetime) -> bool:
    """Whether a report of the client speaks as of a moment or later."""
    return bool(connection.scalar(query("reported_since"), {"client_id": client_id, "moment": moment}))


def get_report(connection: Connection, client_id: str, period: str, revision: int | None = None) -> Report | None:
    """Give a report, by default its latest revision; None if there is none."""
    found = connection.execute(
        query("get_report"), {"client_id": client_id, "period": period, "revision": revision}
    ).mappings()
    return next((msgspec.convert(row, Report) for row in found), None)


def list_reports(connection: Connection, client_id: str) -> list[Report]:
    """Give the reports of a client, the newest first, without their facts."""
    found = connection.execute(query("list_reports"), {"client_id": client_id}).mappings()
    return [msgspec.convert(dict(row), Report) for row in found]


def record_decision(
    connection: Connection,
    client_id: str,
    period: str,
    revision: int,
    decision: Decision,
    *,
    decided_by: str,
    decided_at: dt.datetime,
    note: str | None = None,
    struck: str | None = None,
    reason: str | None = None,
) -> None:
    """Record what a person decided of a report. The first decision stands.

    Deciding the same again with another note, struck sentence or reason corrects these, until the report's mails are in
    the outbox; saying the very same then changes nothing.

    Raises:
        LookupError: There is no such report.
        AlreadyDecided: The opposite was decided before, or the mails with another note or sentence are in the outbox.
    """
    lock_report(connection, client_id, period)
    key = {"client_id": client_id, "period": period, "revision": revision}
    values = {"decision": decision, "decided_by": decided_by, "decided_at": decided_at}
    values |= {"note": note, "struck": struck, "reason": reason}
    if connection.execute(query("record_decision"), key | values).rowcount:
        return
    report = get_report(connection, client_id, period, revision)
    if report is None:
        raise LookupError(f"There is no report {period} revision {revision} of client {client_id}.")
    if report.decision != decision:
        raise AlreadyDecided(
            f"Report {period} revision {revision} of client {client_id} was already decided by {report.decided_by}: "
            f"{report.decision}. To decide otherwise, compose a new revision."
        )
    if (report.note, report.struck) != (note, struck):
        raise AlreadyDecided(
            f"Report {period} revision {revision} of client {client_id} was already approved by {report.decided_by}, "
            "with other words to the client, and its mails are in the outbox. To correct them, clear `compose`: what "
            "has not left then leaves no more, and you are asked again."
        )


def repeat_report(connection: Connection, client_id: str, period: str, revision: int, *, reason: str) -> int | None:
    """Keep an approved report once more, as a new revision that says the same; give its number.

    Who approved it stays who approved it; `reason` says who wants it sent again, and why. None if there is no such
    report, or it was not approved.
    """
    lock_report(connection, client_id, period)
    values = {"client_id": client_id, "period": period, "revision": revision, "reason": reason}
    found: int | None = connection.scalar(query("repeat_report"), values)
    return found
