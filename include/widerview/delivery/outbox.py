"""The outbox: every mail to every recipient, sent at most once by us and never lost silently.

    ready ──▶ claimed ──▶ transmitting ──▶ sent        the server has taken it over ──▶ bounced: it gave it back
      ▲          │             │      ├──▶ failed      the server will never take it
      └──────────┴─ deferred ──┘      └──▶ uncertain   the server's answer was lost: a person decides

    ready ──▶ held         it may not go as it is: a person decides
    ready ──▶ suppressed   its recipient is left alone
    ready, held ──▶ superseded   a newer revision takes its place
    ready, held ──▶ stopped      a person wants it not to be sent

Every step is committed before the next one is taken, `transmitting` before the first byte of the mail goes out.
Whoever works on a row holds its advisory lock, which PostgreSQL takes back when that process dies. So a row in
`claimed` whose lock is free was not sent and may be taken up again; one in `transmitting` whose lock is free may
have been sent, and becomes `uncertain`.
"""

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from widerview.delivery.message import Mail, wire_address
from widerview.delivery.smtp import Accepted, Answer, Deferred, Lost, Mailer, Refused
from widerview.delivery.suppression import find, folded, suppress
from widerview.warehouse.reports import lock_report, newer_revision
from widerview.warehouse.tables import outbox

_STATE_AFTER: dict[type[Answer], str] = {Accepted: "sent", Refused: "failed", Deferred: "ready", Lost: "uncertain"}

_UNFINISHED = ("ready", "claimed", "transmitting")
_UNSENT = ("ready", "claimed", "held")
"""States of a mail of which nothing has gone out, and that may go yet."""
_CLOSABLE = ("uncertain", "failed", "bounced")
_WAITING_FOR_A_PERSON = (*_CLOSABLE, "held")
"""States that nothing but a person leads out of."""
_OVER = ("sent", "superseded", "stopped")
"""States after which nothing more happens to a mail, unless it comes back."""

BACKOFF = tuple(dt.timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240))
"""How long a mail that was put off waits, by the number of attempts; the last one for all further ones.

RFC 5321, 4.5.4.1, asks for half an hour or more, with two attempts in the first hour.
"""
MOST_ATTEMPTS = 12
"""After so many, spread over more than a day, a mail is given up: `failed`, and a person is told."""

_NO_SUCH_ADDRESS = re.compile(r"5\d\d (5\.1\.(?:1|2|3|6|10)|5\.2\.1)\b")
"""Replies of which the enhanced status code (RFC 3463) says that the address is wrong or given up."""


class OutboxConflict(RuntimeError):
    """A row is not in the state it must be in for this step; somebody else has changed it."""


@dataclass(frozen=True)
class Outcome:
    """Where one mail stands: the state of its row, and the mail server's last answer."""

    recipient: str
    state: str
    answer: str | None
    not_before: dt.datetime | None = None
    closed: str | None = None


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
        """Mails that the mail server will never take, or gave back; a person has to act."""
        return self._in("failed", "bounced")

    @property
    def held(self) -> tuple[Outcome, ...]:
        """Mails that may not go as they are; a person has to look."""
        return self._in("held")

    @property
    def suppressed(self) -> tuple[Outcome, ...]:
        """Mails that stay here, because their recipients are left alone."""
        return self._in("suppressed")

    @property
    def needs_a_person(self) -> bool:
        """Whether a mail waits for somebody to decide or act."""
        return any(outcome.closed is None for outcome in self._in(*_WAITING_FOR_A_PERSON))

    @property
    def again_at(self) -> dt.datetime | None:
        """When the first of those that were put off may be tried again; None if none has to wait."""
        return min((outcome.not_before for outcome in self.deferred if outcome.not_before), default=None)

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
    not_before: dt.datetime | None
    reason: str | None
    resolved: str | None
    released: str | None
    closed: str | None

    @property
    def waits(self) -> bool:
        """Whether the mail waits for somebody to decide or act."""
        return self.state in _WAITING_FOR_A_PERSON and self.closed is None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do about the mail."""
        return self.state in _OVER or self.closed is not None


Guard = Callable[[Entry, bytes], str | None]
"""Looks at a mail before it may be claimed; gives why it must not go, or None."""


def queue(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    revision: int,
    mails: Iterable[Mail],
    now: dt.datetime,
    reason: str | None = None,
) -> int:
    """Put the mails of a report into the outbox, ready to be sent; one that has mails there already stays as it is.

    So who is put on the client's list later gets the next report, not this one.

    Args:
        connection: A connection in a transaction; the caller commits.
        client_id: The client.
        period: ISO week of the report.
        revision: Its revision.
        mails: One mail a recipient.
        now: The time.
        reason: Why the report is sent again; None if it is not.

    Returns:
        The number of mails that were new.
    """
    lock_report(connection, client_id, period)
    if is_queued(connection, client_id=client_id, period=period, revision=revision):
        return 0
    rows = [
        {
            "client_id": client_id,
            "period": period,
            "revision": revision,
            "recipient": mail.recipient,
            "message_id": mail.message_id,
            "message": mail.message,
            "sha256": hashlib.sha256(mail.message).digest(),
            "state": "ready",
            "queued_at": now,
            "changed_at": now,
            "reason": reason,
        }
        for mail in mails
    ]
    if rows:
        connection.execute(insert(outbox), rows)
    return len(rows)


def is_queued(connection: Connection, *, client_id: str, period: str, revision: int) -> bool:
    """Whether a report has mails in the outbox, in whatever state."""
    return bool(connection.scalar(select(select(outbox).where(_of_report(client_id, period, revision)).exists())))


def hold_still(connection: Connection, *, client_id: str, period: str) -> None:
    """Wait until no sender is at a mail of a week's report, and keep all away until the transaction ends.

    Nobody can queue, compose or decide of it meanwhile. A sender can be at a mail for as long as the mail server takes
    to answer: ten minutes.
    """
    lock_report(connection, client_id, period)
    key = (outbox.c.client_id, outbox.c.period, outbox.c.revision, outbox.c.recipient)
    of_period = and_(outbox.c.client_id == client_id, outbox.c.period == period)
    for row in connection.execute(select(*key).where(of_period).order_by(*key)).all():
        connection.execute(select(func.pg_advisory_xact_lock(_Slot(*row).lock)))


def supersede(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    why: str,
    now: dt.datetime,
    before: int | None = None,
    recipients: Collection[str] | None = None,
) -> int:
    """Let no mail of a report leave any more that has not: something newer takes its place; give their number.

    Args:
        connection: A connection in a transaction in which `hold_still` was called; the caller commits.
        client_id: The client.
        period: ISO week of the report.
        why: What takes their place.
        now: The time.
        before: Only the revisions before this one; all if None.
        recipients: Only mails to these, to whom it is sent anew: what waits for a person there is closed, too.
    """
    older = and_(outbox.c.client_id == client_id, outbox.c.period == period)
    if before is not None:
        older = and_(older, outbox.c.revision < before)
    if recipients is not None:
        wanted = {folded(each) for each in recipients}
        known = connection.scalars(select(outbox.c.recipient).where(older).distinct())
        older = and_(older, outbox.c.recipient.in_([each for each in known if folded(each) in wanted]))
        waiting = and_(older, outbox.c.state.in_(_CLOSABLE), outbox.c.closed.is_(None))
        connection.execute(update(outbox).where(waiting).values(closed=why, changed_at=now))
    unsent = and_(older, outbox.c.state.in_(_UNSENT))
    values = {"state": "superseded", "resolved": why, "not_before": None, "changed_at": now}
    return connection.execute(update(outbox).where(unsent).values(values)).rowcount


def deliver(
    engine: Engine,
    *,
    client_id: str,
    period: str,
    revision: int,
    guard: Guard,
    mailer_factory: Callable[[], Mailer],
    is_open: Callable[[], bool],
    clock: Callable[[], dt.datetime],
) -> Summary:
    """Send the mails of a report that are ready, one after the other, and say where all of them stand.

    It may be called again at any time, also while another one runs: no mail goes out twice. Mails that the server
    deferred are `ready` again, and not tried before their time. The database connection must be a session of its own
    (no transaction pooling in between), because the advisory locks belong to the session.

    Args:
        engine: The warehouse.
        client_id: The client.
        period: ISO week of the report.
        revision: Its revision.
        guard: Looks at each mail before it is claimed.
        mailer_factory: Makes the mailer that sends, e.g. `lambda: Mailer(settings)`.
        is_open: Says whether the client may be written to; asked before each mail. From when it does not, the rest
            stays as it is.
        clock: Gives the time.

    Raises:
        OutboxConflict: A row changed under our hands. A mail whose row was taken away before is not sent.
    """
    report = _of_report(client_id, period, revision)
    with _session(engine) as connection, mailer_factory() as mailer:
        sender = _Sender(connection, mailer, guard, clock)
        recipients = connection.scalars(select(outbox.c.recipient).where(report).order_by(outbox.c.recipient)).all()
        slots = [_Slot(client_id, period, revision, each) for each in recipients]
        return Summary(tuple(sender.deliver(slot) if is_open() else sender.look(slot) for slot in slots))


def drain(
    engine: Engine,
    *,
    is_open: Callable[[str], bool],
    guard: Guard,
    mailer_factory: Callable[[], Mailer],
    clock: Callable[[], dt.datetime],
) -> dict[tuple[str, str, int], Summary]:
    """Send whatever is due, of all reports of the clients that may be written to now, over one connection.

    What a sender that died has left while transmitting becomes `uncertain` here too, so that a person learns of it.
    For the rest, see `deliver`; `is_open` says of a client's id whether it may be written to, and is asked before
    each mail.

    Returns:
        Where the mails that were due stand now, by client, period and revision.
    """
    key = (outbox.c.client_id, outbox.c.period, outbox.c.revision, outbox.c.recipient)
    due = and_(outbox.c.state.in_(_UNFINISHED), or_(outbox.c.not_before.is_(None), outbox.c.not_before <= clock()))
    found: dict[tuple[str, str, int], list[Outcome]] = {}
    with _session(engine) as connection, mailer_factory() as mailer:
        sender = _Sender(connection, mailer, guard, clock)
        for row in connection.execute(select(*key).where(due).order_by(*key)).all():
            slot = _Slot(*row)
            if is_open(slot.client_id):
                found.setdefault((slot.client_id, slot.period, slot.revision), []).append(sender.deliver(slot))
    return {report: Summary(tuple(outcomes)) for report, outcomes in found.items()}


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
        arrived: Whether the mail server has taken it over. If not, the mail is ready to be sent again, unless a newer
            revision has been composed: then it is superseded.
        by: Who says so.
        now: The time.

    Raises:
        OutboxConflict: There is no such mail, or it is not uncertain.
    """
    slot = _Slot(client_id, period, revision, recipient)
    state, found = ("sent", "it had arrived") if arrived else ("ready", "it had not arrived")
    lock_report(connection, client_id, period)
    if not arrived and (newer := newer_revision(connection, client_id, period, revision)):
        state, found = "superseded", f"{found}; revision {newer} has been composed since"
    _decide(connection, slot, ("uncertain",), state, now, resolved=f"{by}: {found}", not_before=None, closed=None)


def release(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    revision: int,
    recipient: str,
    by: str,
    why: str,
    now: dt.datetime,
) -> None:
    """Let a mail go that was held: a person has read it, and says `why` it is right as it is.

    Raises:
        OutboxConflict: There is no such mail, or it is not held.
    """
    slot = _Slot(client_id, period, revision, recipient)
    _decide(connection, slot, ("held",), "ready", now, released=f"{by}: {why}", not_before=None)


def stop(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    revision: int,
    recipient: str,
    by: str,
    why: str,
    now: dt.datetime,
) -> None:
    """Let a mail not be sent that is ready or held: a person says `why`.

    Raises:
        OutboxConflict: There is no such mail, or it is neither.
    """
    slot = _Slot(client_id, period, revision, recipient)
    _decide(connection, slot, ("ready", "held"), "stopped", now, resolved=f"{by}: {why}", not_before=None)


def close(
    connection: Connection,
    *,
    client_id: str,
    period: str,
    revision: int,
    recipient: str,
    by: str,
    why: str,
    now: dt.datetime,
) -> None:
    """Record that nothing is left to do about a mail that waits for a person; its state still says what became of it.

    Raises:
        OutboxConflict: There is no such mail, or nobody has to act on it.
    """
    slot = _Slot(client_id, period, revision, recipient)
    values = {"closed": f"{by}: {why}", "changed_at": now}
    waits = and_(slot.row, outbox.c.state.in_(_CLOSABLE), outbox.c.closed.is_(None))
    if not connection.execute(update(outbox).where(waits).values(values)).rowcount:
        raise OutboxConflict(
            f"the mail of {client_id} {period} r{revision} to {recipient} waits for nobody to act on it. See "
            "`widerview outbox list` for its state"
        )


def record_bounce(connection: Connection, *, client_id: str, message_id: str, answer: str, now: dt.datetime) -> None:
    """Record that a mail server has given a mail back; of one that was `uncertain` it is known now that it had left."""
    mail = and_(outbox.c.client_id == client_id, outbox.c.message_id == message_id)
    left = outbox.c.state.in_(("sent", "uncertain", "transmitting"))
    values = {"state": "bounced", "changed_at": now, "answer": answer, "closed": None}
    connection.execute(update(outbox).where(mail, left).values(values))


def find_mail(connection: Connection, client_id: str, message_id: str) -> Entry | None:
    """Give the row of a mail by its Message-ID; None if we have never put such a mail here."""
    mail = and_(outbox.c.client_id == client_id, outbox.c.message_id == message_id)
    return next((Entry(**row) for row in connection.execute(_ENTRIES.where(mail)).mappings()), None)


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
    rows = _ENTRIES.where(*(outbox.c[name] == value for name, value in wanted.items() if value is not None))
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


_ENTRIES = select(*(outbox.c[name] for name in Entry.__dataclass_fields__))


@dataclass(frozen=True)
class _Sender:
    """Sends the mail in one slot after the other, over one session with the database and one mailer."""

    connection: Connection
    mailer: Mailer
    guard: Guard
    clock: Callable[[], dt.datetime]

    def look(self, slot: _Slot) -> Outcome:
        """Say where a mail stands, and leave it there."""
        row = self.connection.execute(select(outbox).where(slot.row)).one()
        return _outcome(slot, row)

    def deliver(self, slot: _Slot) -> Outcome:
        with _locked(self.connection, slot) as ours:
            row = self.connection.execute(select(outbox).where(slot.row)).one()
            if not ours:
                return Outcome(slot.recipient, row.state, "another sender is at it")
            if row.state in {"ready", "claimed"}:
                return self._try(slot, row)
            if row.state == "transmitting":
                answer = (
                    "the sender stopped after the mail had begun to go out and before the server's answer was stored"
                )
                return self._change(slot, row.attempts, ("transmitting",), "uncertain", answer=answer)
            return _outcome(slot, row)

    def _try(self, slot: _Slot, row: Row[Any]) -> Outcome:
        if row.not_before and row.not_before > self.clock():
            return _outcome(slot, row)
        before = ("ready", "claimed")
        if hashlib.sha256(row.message).digest() != row.sha256:
            damaged = "the mail in the outbox is damaged: it no longer has the sha256 it was put there with"
            return self._change(slot, row.attempts, before, "failed", answer=damaged)
        if left_alone := find(self.connection, slot.client_id, slot.recipient):
            return self._change(slot, row.attempts, before, "suppressed", answer=str(left_alone))
        entry = Entry(**{name: row._mapping[name] for name in Entry.__dataclass_fields__})
        if why := self.guard(entry, row.message):
            return self._change(slot, row.attempts, before, "held", answer=why)
        return self._send(slot, row)

    def _send(self, slot: _Slot, row: Row[Any]) -> Outcome:
        attempt = row.attempts + 1
        self._change(slot, row.attempts, ("ready", "claimed"), "claimed", attempts=attempt, not_before=None)

        def before_data() -> None:
            self._change(slot, attempt, ("claimed",), "transmitting")

        answer = self.mailer.send(recipient=wire_address(slot.recipient), message=row.message, before_data=before_data)
        try:
            return self._after(slot, attempt, answer)
        except (OutboxConflict, DBAPIError) as error:
            error.add_note(f"The mail to {slot.recipient} was answered, which could not be stored: {answer.text}")
            raise

    def _after(self, slot: _Slot, attempt: int, answer: Answer) -> Outcome:
        before, state = ("claimed", "transmitting"), _STATE_AFTER[type(answer)]
        if state == "ready" and attempt >= MOST_ATTEMPTS:
            given_up = f"given up after {attempt} attempts: {answer.text}"
            return self._change(slot, attempt, before, "failed", answer=given_up)
        not_before = self.clock() + BACKOFF[min(attempt, len(BACKOFF)) - 1] if state == "ready" else None
        outcome = self._change(slot, attempt, before, state, answer=answer.text, not_before=not_before)
        if state == "failed" and _NO_SUCH_ADDRESS.match(answer.text):
            suppress(
                self.connection,
                client_id=slot.client_id,
                recipient=slot.recipient,
                kind="bounced",
                detail=answer.text,
                now=self.clock(),
            )
        return outcome

    def _change(self, slot: _Slot, attempt: int, before: Collection[str], state: str, **values: Any) -> Outcome:
        return _change(self.connection, slot, attempt, before, state, self.clock(), **values)


def _outcome(slot: _Slot, row: Row[Any]) -> Outcome:
    return Outcome(slot.recipient, row.state, row.answer, row.not_before, row.closed)


def _decide(
    connection: Connection, slot: _Slot, before: Collection[str], state: str, now: dt.datetime, **values: Any
) -> None:
    """Take the step that a person has decided on."""
    attempts = connection.scalar(select(outbox.c.attempts).where(slot.row))
    _change(connection, slot, attempts or 0, before, state, now, **values)


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
            f"it is not {' or '.join(before)} in attempt {attempt}. See `widerview outbox list` for its state"
        )
    return Outcome(slot.recipient, state, values.get("answer"), values.get("not_before"))


@contextmanager
def _session(engine: Engine) -> Iterator[Connection]:
    """Give a connection on which every statement is committed by itself."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


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
