"""Recipients to whom nothing is sent, whatever the client's file says: they unsubscribed, complained, or do not exist.

A client's recipients are its own: who unsubscribes from the reports on one client still gets those on another.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, select, update
from sqlalchemy.dialects.postgresql import insert

from widerview.delivery.message import wire_address
from widerview.warehouse.tables import suppression

Kind = Literal["unsubscribed", "bounced", "complained"]


@dataclass(frozen=True)
class Suppression:
    """A recipient to leave alone: since when, why, how we know it, and who has lifted that."""

    client_id: str
    recipient: str
    kind: Kind
    since: dt.datetime
    detail: str
    lifted: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.recipient} {self.kind} on {self.since:%-d %B %Y} ({self.detail})"


def suppress(
    connection: Connection, *, client_id: str, recipient: str, kind: Kind, detail: str, now: dt.datetime
) -> bool:
    """Send a recipient nothing more about a client; whether that is new. The first reason stands until it is lifted."""
    values = {"kind": kind, "since": now, "detail": detail, "lifted": None}
    row = insert(suppression).values(client_id=client_id, recipient=folded(recipient), **values)
    changed = row.on_conflict_do_update(
        index_elements=list(suppression.primary_key), set_=values, where=suppression.c.lifted.is_not(None)
    )
    return bool(connection.execute(changed.returning(suppression.c.recipient)).all())


def lift(connection: Connection, *, client_id: str, recipient: str, by: str, why: str) -> None:
    """Let mails go to a recipient again.

    Raises:
        LookupError: Nothing keeps mails from them.
    """
    there = and_(_of(client_id, recipient), suppression.c.lifted.is_(None))
    if not connection.execute(update(suppression).where(there).values(lifted=f"{by}: {why}")).rowcount:
        raise LookupError(f"nothing keeps mails about {client_id} from {recipient}; see `widerview outbox list`")


def find(connection: Connection, client_id: str, recipient: str) -> Suppression | None:
    """Give what keeps mails from a recipient; None if nothing does."""
    rows = select(suppression).where(_of(client_id, recipient), suppression.c.lifted.is_(None))
    return next((Suppression(**row) for row in connection.execute(rows).mappings()), None)


def list_suppressed(connection: Connection, client_id: str | None = None) -> list[Suppression]:
    """List the recipients to whom nothing is sent, the newest first."""
    rows = select(suppression).where(suppression.c.lifted.is_(None)).order_by(suppression.c.since.desc())
    if client_id is not None:
        rows = rows.where(suppression.c.client_id == client_id)
    return [Suppression(**row) for row in connection.execute(rows).mappings()]


def folded(recipient: str) -> str:
    """Give an address as it is compared: its domain in ASCII, all in lower case."""
    return wire_address(recipient).casefold()


def _of(client_id: str, recipient: str) -> ColumnElement[bool]:
    return and_(suppression.c.client_id == client_id, suppression.c.recipient == folded(recipient))
