"""Rushes of comments: what others wrote, how far it is known, and which rushes were seen and told."""

import datetime as dt

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from widerview.warehouse import tables
from widerview.warehouse.read import read_rows
from widerview.warehouse.sql import query


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A comment of somebody else under a post of the client's: where and when."""

    source: str
    account_id: str
    written_at: dt.datetime


class AccountPull(msgspec.Struct, frozen=True, kw_only=True):
    """A pull of an account: the days it asked for, and when it began.

    `account_id` is None where no account is known by the name that was asked for.
    """

    source: str
    ref: str
    account_id: str | None
    zone: str
    first_day: dt.date
    last_day: dt.date
    started_at: dt.datetime


class CommentedPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post of the client's and how many comments it got; `permalink` is empty where it is not known."""

    source: str
    post_id: str
    permalink: str
    comments: int


class Crisis(msgspec.Struct, frozen=True, kw_only=True):
    """A rush of comments as it is remembered; a look is the end of the 12 hours that it looks back on.

    Attributes:
        client_id: The client's id.
        crisis: Its name.
        first_look: The first look with far more comments than usual.
        last_look: The last one.
        peak_look: The one with most comments.
        comments: Comments in the 12 hours before `peak_look`.
        usual_low: On nine of ten days before, at that time, from so many
        usual_high: to so many.
        looked_until: The last look at the client that was judged.
        alerted_at: When the mail about it was written; None: not yet.
        closed_at: When it was told that it is over, or goes on; None: not yet.
    """

    client_id: str
    crisis: str
    first_look: dt.datetime
    last_look: dt.datetime
    peak_look: dt.datetime
    comments: int
    usual_low: int
    usual_high: int
    looked_until: dt.datetime
    alerted_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None


def inbound(
    connection: Connection, client_id: str, as_of: dt.datetime, after: dt.datetime, until: dt.datetime
) -> list[Inbound]:
    """Give what others wrote under the client's posts in an interval (its end included), by account and time."""
    return read_rows(connection, query("inbound"), Inbound, client_id=client_id, as_of=as_of, after=after, until=until)


def commented_posts(
    connection: Connection, client_id: str, as_of: dt.datetime, after: dt.datetime, until: dt.datetime
) -> list[CommentedPost]:
    """Give the posts under which others wrote in an interval (its end included): those with most comments first."""
    return read_rows(
        connection, query("commented_posts"), CommentedPost, client_id=client_id, as_of=as_of, after=after, until=until
    )


def account_pulls(connection: Connection, client_id: str, as_of: dt.datetime, after: dt.datetime) -> list[AccountPull]:
    """Give the pulls of the client's accounts and websites that ended after a moment, each one's oldest first."""
    return read_rows(connection, query("account_pulls"), AccountPull, client_id=client_id, as_of=as_of, after=after)


def lock_crises(connection: Connection, client_id: str) -> None:
    """Let nobody else change the client's crises until the transaction ends."""
    connection.execute(query("lock_crises"), {"client_id": client_id})


def crises_since(connection: Connection, client_id: str, moment: dt.datetime) -> list[Crisis]:
    """Give the client's crises that were last seen at a moment or later, oldest first."""
    found = (
        select(tables.crisis)
        .where(tables.crisis.c.client_id == client_id, tables.crisis.c.last_look >= moment)
        .order_by(tables.crisis.c.first_look)
    )
    return read_rows(connection, found, Crisis)


def save_crisis(connection: Connection, crisis: Crisis) -> None:
    """Remember a crisis as it is seen now; hold `lock_crises`."""
    seen = msgspec.structs.asdict(crisis)
    connection.execute(
        insert(tables.crisis).values(seen).on_conflict_do_update(index_elements=["client_id", "crisis"], set_=seen)
    )
