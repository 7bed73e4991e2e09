"""The outbox: every mail to every recipient, sent at most once by us and never lost silently.

    ready ──▶ claimed ──▶ transmitting ──▶ sent        the server has taken it over
      ▲          │             │      ├──▶ failed      the server will never take it
      └──────────┴─ deferred ──┘      └──▶ uncertain   the server's answer was lost: a person decides

Every step is committed before the next one is taken, `transmitting` before the first byte of the mail goes out.
Whoever works on a row holds its advisory lock, which PostgreSQL takes back when that process dies. So a row in
`claimed` whose lock is free was not sent and may be taken up again; one in `transmitting` whose lock is free may
have been sent, and becomes `uncertain`.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from widerview.delivery.message import Mail, wire_address
from widerview.delivery.smtp import Accepted, Answer, Deferred, Lost, Mailer, Refused
from widerview.warehouse.tables import outbox

_STATE_AFTER: dict[type[Answer], str] = {Accepted: "sent", Refused: "failed", Deferred: "ready", Lost: "uncertain"}


class OutboxConflict(RuntimeError):
    """A row is not in the state it must be in for this step; somebody else has changed it."""


@dataclass(frozen=True)
class Outcome:
    """Where one mail stands: the state of its row, and the mail server's last answer."""

    recipient: str
    state: str
    answer: str | None


@dataclass(frozen=True)
class Summary:
    """Where the mails of one report stand after `deliver`."""

    outcomes: tuple[Outcome, ...]

    @property
    def sent(self) -> tuple[Outcome, ...]:
        """Mails that the mail server has taken over."""
        return self._in("sent")

    @property
    def deferred(self) -> tuple[Outcome, ...]:
        """Mails that are not sent yet: deliver again later. `claimed`, `transmitting`: another sender is at it."""
        return self._in("ready", "claimed", "transmitting")

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Mails that the mail server will never take; a person has to act."""
        return self._in("failed")

    @property
    def uncertain(self) -> tuple[Outcome, ...]:
        """Mails that may have been sent or not; a person has to find out."""
        return self._in("uncertain")

    def __str__(self) -> str:
        """Count the states, and name every mail that is not sent, with the reason."""
        counts = ", ".join(f"{count} {state}" for state, count in Counter(o.state for o in self.outcomes).items())
        rest = [f"{o.recipient} {o.state}: {o.answer}" for o in self.outcomes if o.state != "sent"]
        return "; ".join([counts or "no mails", *rest])

    def _in(self, *states: str) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.state in states)


@dataclass(frozen=True)
class Entry:
    """One row of the outbox, without the mail itself."""

    client_id: str
    period: str
    revision: int
    recipient: str
    message_id: str
    state: str
    attempts: int
    queued_at: dt.datetime
    changed_at: dt.datetime
    answer: str | None


def queue(
    connection: Connection, *, client_id: str, period: str, revision: int, mails: Iterable[Mail], now: dt.datetime
) -> int:
    """Put the mails of a report into the outbox, ready to be sent.

    A mail whose (client, period, revision, recipient) is there already stays as it is, bytes and state.

    Args:
        connection: A connection in a transaction; the caller commits.
        client_id: The client.
        period: ISO week of the report.
        revision: Its revision.
        mails: One mail a recipient.
        now: The time.

    Returns:
        The number of mails that were new.
    """
    new = 0
    for mail in mails:
        row = insert(outbox).values(
            client_id=client_id,
            period=period,
            revision=revision,
            recipient=mail.recipient,
            message_id=mail.message_id,
            message=mail.message,
            sha256=hashlib.sha256(mail.message).digest(),
            state="ready",
            queued_at=now,
            changed_at=now,
        )
        new += len(connection.execute(row.on_conflict_do_nothing().returning(outbox.c.recipient)).all())
    return new


def deliver(
    engine: Engine,
    *,
    client_id: str,
    period: str,
    revision: int,
    mailer_factory: Callable[[], Mailer],
    clock: Callable[[], dt.datetime],
) -> Summary:
    """Send the mails of a report that are ready, one after the other, and say where all of them stand.

    It may be called again at any time, also while another one runs: no mail goes out twice. Mails that the server
    deferred are `ready` again; when to try them again is the caller's decision. The database connection must be a
    session of its own (no transaction pooling in between), because the advisory locks belong to the session.

    Args:
        engine: The warehouse.
        client_id: The client.
        period: ISO week of the report.
        revision: Its revision.
        mailer_factory: Makes the mailer that sends, e.g. `lambda: Mailer(settings)`.
        clock: Gives the time, for `changed_at`.

    Raises:
        OutboxConflict: A row changed under our hands. A mail whose row was taken away before is not sent.
    """
    report = _of_report(client_id, period, revision)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, mailer_factory() as mailer:
        recipients = connection.scalars(select(outbox.c.recipient).where(report).order_by(outbox.c.recipient)).all()
        return Summary(
            tuple(
                _deliver_one(connection, mailer, _Slot(client_id, period, revision, recipient), clock)
                for recipient in recipients
            )
        )


def resolve(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    revision: int,
    recipient: str,
    arrived: bool,
    by: str,
    now: dt.datetime,
) -> None:
    """Record what a person has found out about an uncertain mail.

    Args:
        connection: A connection in a transaction; the caller commits.
        client_id: The client.
        period: ISO week of the report.
        revision: Its revision.
        recipient: The recipient.
        arrived: Whether the mail server has taken it over. If not, the mail is ready to be sent again.
        by: Who says so.
        now: The time.

    Raises:
        OutboxConflict: There is no such mail, or it is not uncertain.
    """
    slot = _Slot(client_id, period, revision, recipient)
    attempts = connection.scalar(select(outbox.c.attempts).where(slot.row))
    state, found = ("sent", "it had arrived") if arrived else ("ready", "it had not arrived")
    _change(connection, slot, attempts or 0, ("uncertain",), state, now, answer=f"{by}: {found}")


def status(connection: Connection, *, client_id: str, period: str, revision: int) -> dict[str, int]:
    """Count the mails of a report by state."""
    counts = (
        select(outbox.c.state, func.count().label("mails"))
        .where(_of_report(client_id, period, revision))
        .group_by(outbox.c.state)
        .order_by(outbox.c.state)
    )
    return {row.state: row.mails for row in connection.execute(counts)}


def list_rows(
    connection: Connection,
    *,
    client_id: str | None = None,
    period: str | None = None,
    revision: int | None = None,
    state: str | None = None,
) -> list[Entry]:
    """List the rows that match everything given, in the order of their key."""
    wanted = {"client_id": client_id, "period": period, "revision": revision, "state": state}
    columns = [outbox.c[name] for name in Entry.__dataclass_fields__]
    rows = select(*columns).where(*(outbox.c[name] == value for name, value in wanted.items() if value is not None))
    return [Entry(**row) for row in connection.execute(rows.order_by(*outbox.primary_key)).mappings()]


def messages(connection: Connection, *, client_id: str, period: str, revision: int) -> dict[str, bytes]:
    """Give the mails of a report, byte for byte as they were put here, by recipient."""
    rows = select(outbox.c.recipient, outbox.c.message).where(_of_report(client_id, period, revision))
    return {row.recipient: row.message for row in connection.execute(rows.order_by(outbox.c.recipient))}


@dataclass(frozen=True)
class _Slot:
    """The place of one mail in the outbox."""

    client_id: str
    period: str
    revision: int
    recipient: str

    @property
    def row(self) -> ColumnElement[bool]:
        return and_(_of_report(self.client_id, self.period, self.revision), outbox.c.recipient == self.recipient)

    @property
    def lock(self) -> int:
        """The 64-bit key of the advisory lock on this place, the same in every process."""
        place = "\n".join(["widerview.outbox", self.client_id, self.period, str(self.revision), self.recipient])
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big", signed=True)


def _deliver_one(connection: Connection, mailer: Mailer, slot: _Slot, clock: Callable[[], dt.datetime]) -> Outcome:
    with _locked(connection, slot) as ours:
        row = connection.execute(select(outbox).where(slot.row)).one()
        if not ours:
            return Outcome(slot.recipient, row.state, "another sender is at it")
        if row.state in {"ready", "claimed"}:
            return _send(connection, mailer, slot, row, clock)
        if row.state == "transmitting":
            answer = "the sender stopped after the mail had begun to go out and before the server's answer was stored"
            return _change(connection, slot, row.attempts, ("transmitting",), "uncertain", clock(), answer=answer)
        return Outcome(slot.recipient, row.state, row.answer)


def _send(
    connection: Connection, mailer: Mailer, slot: _Slot, row: Row[Any], clock: Callable[[], dt.datetime]
) -> Outcome:
    attempt = row.attempts + 1
    _change(connection, slot, row.attempts, ("ready", "claimed"), "claimed", clock(), attempts=attempt)
    if hashlib.sha256(row.message).digest() != row.sha256:
        damaged = "the mail in the outbox is damaged: it no longer has the sha256 it was put there with"
        return _change(connection, slot, attempt, ("claimed",), "failed", clock(), answer=damaged)

    def before_data() -> None:
        _change(connection, slot, attempt, ("claimed",), "transmitting", clock())

    answer = mailer.send(recipient=wire_address(slot.recipient), message=row.message, before_data=before_data)
    state = _STATE_AFTER[type(answer)]
    try:
        return _change(connection, slot, attempt, ("claimed", "transmitting"), state, clock(), answer=answer.text)
    except (OutboxConflict, DBAPIError) as error:
        error.add_note(f"The mail to {slot.recipient} was answered, which could not be stored: {answer.text}")
        raise


def _change(
    connection: Connection,
    slot: _Slot,
    attempt: int,
    before: Collection[str],
    state: str,
    now: dt.datetime,
    **values: Any,
) -> Outcome:
    """Take one step, if the row still is as we left it: a second rope, should two senders ever hold one lock."""
    as_left = and_(slot.row, outbox.c.state.in_(before), outbox.c.attempts == attempt)
    changed = connection.execute(update(outbox).where(as_left).values(state=state, changed_at=now, **values))
    if changed.rowcount != 1:
        raise OutboxConflict(
            f"the mail of {slot.client_id} {slot.period} r{slot.revision} to {slot.recipient} cannot become {state}: "
            f"it is no longer {' or '.join(before)} in attempt {attempt}. See the outbox for its state"
        )
    return Outcome(slot.recipient, state, values.get("answer"))


@contextmanager
def _locked(connection: Connection, slot: _Slot) -> Iterator[bool]:
    """Take the slot's advisory lock if it is free, and say whether we have it."""
    ours = bool(connection.scalar(select(func.pg_try_advisory_lock(slot.lock))))
    try:
        yield ours
    finally:
        if ours and not connection.invalidated:
            connection.execute(select(func.pg_advisory_unlock(slot.lock)))


def _of_report(client_id: str, period: str, revision: int) -> ColumnElement[bool]:
    return and_(outbox.c.client_id == client_id, outbox.c.period == period, outbox.c.revision == revision)
