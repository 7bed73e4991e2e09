"""What was known as of a moment: the reads that reports are composed from.

Every read takes the client, and `as_of`: what was recorded after it does not exist. So a report can be composed
again later from the same rows, whatever has come in since. Each read touches one client's rows only, and gives them
in a fixed order. Read several together inside one `widerview.warehouse.database.client_snapshot`, so that no load
comes between them and PostgreSQL itself shows no other client's rows.
"""

import datetime as dt
from functools import cache
from typing import Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Executable, TextClause, text

from widerview.quality.verdict import Flaw
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse.marts import mart
from widerview.warehouse.sql import query, sql

Why = Literal["late data", "platform revision", "our fix"]
"""Why a value is another one now than it was when it was said."""


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """The latest version of a post. `receipt` is the sha256 of the raw answer it was read from, in hex."""

    source: str
    account_id: str
    post_id: str
    published_at: dt.datetime
    kind: str
    text: str
    permalink: str
    tags: tuple[str, ...]
    links: tuple[str, ...]
    reply_to: str | None
    observed_at: dt.datetime
    receipt: str


class OwnMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Something the client wrote to others: an answer under a post, or a post that answers one."""

    source: str
    account_id: str
    message_id: str
    written_at: dt.datetime
    observed_at: dt.datetime
    receipt: str


class ReceivedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody else wrote under a post of the client's, the first of a conversation.

    `answered_at` is when the client first answered it; None: not yet. Who wrote it is not told.
    """

    source: str
    account_id: str
    message_id: str
    written_at: dt.datetime
    answered_at: dt.datetime | None
    observed_at: dt.datetime
    receipt: str


class PostCounter(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of a post.

    `value` is None where the platform did not report it. `late`: nothing had been observed by the cutoff, so this is
    the earliest observation after it.
    """

    source: str
    account_id: str
    post_id: str
    metric: str
    value: int | None
    observed_at: dt.datetime
    late: bool
    receipt: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The latest version of an account."""

    source: str
    account_id: str
    handle: str
    name: str
    url: str
    observed_at: dt.datetime
    receipt: str


class AccountCounter(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of an account, as it stood; `value` is None where the platform did not report it."""

    source: str
    account_id: str
    metric: str
    value: int | None
    observed_at: dt.datetime
    receipt: str


class DayValue(msgspec.Struct, frozen=True, kw_only=True):
    """A day's value of one member of a dimension; None where the platform did not report it."""

    source: str
    entity_id: str
    day: dt.date
    member: str
    value: float | None
    observed_at: dt.datetime
    receipt: str


class DaySeries(msgspec.Struct, frozen=True, kw_only=True):
    """All days that are known of one metric of an account or a website, or of one member of a dimension of it.

    `counts` has one value for each of `days`, None where the platform did not report it.
    """

    source: str
    entity: Literal["account", "site"]
    entity_id: str
    dimension: str
    member: str
    metric: str
    days: tuple[dt.date, ...]
    counts: tuple[float | None, ...]


class PostDay(msgspec.Struct, frozen=True, kw_only=True):
    """What the posts of an account's day have earned together; None where none of them tells.

    Attributes:
        source: The platform.
        account_id: The account.
        day: The day on which they were published, on the clock that was asked for.
        posts: How many there were.
        counted: Of how many the reactions are known.
        reactions: Likes, replies, reposts and quotes.
        replies: Replies among them.
        passed_on: Reposts, quotes and uses of the share button.
    """

    source: str
    account_id: str
    day: dt.date
    posts: int
    counted: int
    reactions: int | None
    replies: int | None
    passed_on: int | None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is another one now than it was then.

    Attributes:
        source: The platform or web analytics.
        entity: What it is a value of.
        entity_id: Its id on the platform.
        day: The platform's own day; None for a post.
        dimension: What the day's value is split by; empty for a post.
        member: The member of the dimension; empty for `total` and for a post.
        metric: Canonical metric; or `post` or `reply`: the post itself, whose value is 1 while it counts.
        said: The value then; None where it was not known, or not reported.
        known: The value now; None where it is not reported, or does not count any more.
        why: `our fix`: the answer was in the warehouse then, and is read otherwise now. `late data`: it was not, and
            nothing had been known, or it had been given by then. `platform revision`: it was given afterwards.
        said_observed_at: When the value then had been observed; None where nothing was known.
        known_observed_at: When the value now was observed.
        said_receipt: sha256 of the raw answer it was read from then, in hex; None where nothing was known.
        known_receipt: sha256 of the raw answer it is read from now, in hex.
    """

    source: str
    entity: Literal["account", "site", "post"]
    entity_id: str
    day: dt.date | None
    dimension: str
    member: str
    metric: str
    said: float | None
    known: float | None
    why: Why
    said_observed_at: dt.datetime | None
    known_observed_at: dt.datetime
    said_receipt: str | None
    known_receipt: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The latest verdict on a target's day."""

    source: str
    ref: str
    day: dt.date
    colour: Literal["green", "amber", "red"]
    reasons: tuple[str, ...]
    flaws: tuple[Flaw, ...] = ()
    observed_at: dt.datetime


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """How much of its final value a day has usually reached `lag` whole days after its end, learnt from `days` days."""

    source: str
    entity_id: str
    metric: str
    lag: int
    share: float
    days: int


class PulledWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The days that one pull of a target had asked for, both included, and when it was made."""

    source: str
    ref: str
    first_day: dt.date
    last_day: dt.date
    observed_at: dt.datetime


def posts(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
) -> list[Post]:
    """Give the posts published in an interval, each in its latest version, by time of publishing."""
    return read_rows(
        connection, query("posts"), Post, client_id=client_id, as_of=as_of, first=first_utc, end=last_utc_exclusive
    )


def own_messages(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
) -> list[OwnMessage]:
    """Give what the client wrote to others in an interval, by time of writing; what came both ways is told once."""
    return read_rows(
        connection,
        query("own_messages"),
        OwnMessage,
        client_id=client_id,
        as_of=as_of,
        first=first_utc,
        end=last_utc_exclusive,
    )


def lessons_shown(connection: Connection, client_id: str, as_of: dt.datetime, *, before: str) -> dict[str, str]:
    """Give the last period in whose approved report each card of education stood, of the periods before one."""
    found = connection.execute(query("lessons_shown"), {"client_id": client_id, "as_of": as_of, "before": before})
    return dict(found.all())


def received_messages(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
) -> list[ReceivedMessage]:
    """Give what others began a conversation with in an interval, by time of writing, and when it was answered.

    Only an answer to the message itself counts. Platforms that tell no comments have none.
    """
    return read_rows(
        connection,
        query("received_messages"),
        ReceivedMessage,
        client_id=client_id,
        as_of=as_of,
        first=first_utc,
        end=last_utc_exclusive,
    )


def post_counters(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
    *,
    zone: str = "UTC",
    age: dt.timedelta | None = None,
) -> list[PostCounter]:
    """Give every metric of the posts published in an interval, each with one value.

    Without `age`: the latest value. With `age`: the value at a matched age, so that a past week is compared with
    this one as it stood at the same time after its end. A post's cutoff is the end of the ISO week (on the clock of
    `zone`) in which it was published, plus `age` of elapsed time; its value is the latest observed by then, or, where
    nothing had been, the earliest observed after it, and then `late` is true.
    """
    return read_rows(
        connection,
        _post_counters(),
        PostCounter,
        client_id=client_id,
        as_of=as_of,
        first=first_utc,
        end=last_utc_exclusive,
        zone=zone,
        age_seconds=None if age is None else age.total_seconds(),
    )


def accounts(connection: Connection, client_id: str, as_of: dt.datetime) -> list[Account]:
    """Give the client's accounts, each in its latest version."""
    return read_rows(connection, query("accounts"), Account, client_id=client_id, as_of=as_of)


def account_counters(
    connection: Connection, client_id: str, as_of: dt.datetime, at: dt.datetime
) -> list[AccountCounter]:
    """Give every metric of the client's accounts as it stood at a moment: the latest observed by `at` and `as_of`."""
    return read_rows(connection, query("account_counters"), AccountCounter, client_id=client_id, as_of=as_of, at=at)


def day_values(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_day: dt.date,
    last_day: dt.date,
    metric: str,
    dimension: str,
) -> list[DayValue]:
    """Give a metric, split by a dimension, for the days first..last (both included): the latest revisions."""
    return read_rows(
        connection,
        query("day_values"),
        DayValue,
        client_id=client_id,
        as_of=as_of,
        first_day=first_day,
        last_day=last_day,
        metric=metric,
        dimension=dimension,
    )


def day_series(
    connection: Connection, client_id: str, as_of: dt.datetime, first_day: dt.date, last_day: dt.date
) -> list[DaySeries]:
    """Give every total of the client's accounts and websites, and visits by channel, for the days first..last."""
    return read_rows(
        connection,
        query("day_series"),
        DaySeries,
        client_id=client_id,
        as_of=as_of,
        first_day=first_day,
        last_day=last_day,
    )


def post_days(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
    *,
    zone: str,
) -> list[PostDay]:
    """Give what an interval's posts have earned by `as_of`, by account and day of publishing on the clock of `zone`."""
    return read_rows(
        connection,
        _post_days(),
        PostDay,
        client_id=client_id,
        as_of=as_of,
        first=first_utc,
        end=last_utc_exclusive,
        zone=zone,
        age_seconds=None,
        **{name: list(METRICS[name].parts) for name in ("reactions", "passed_on")},
        replies=list(METRICS["replies_received"].parts),
    )


def corrections(
    connection: Connection,
    client_id: str,
    *,
    then: dt.datetime,
    now: dt.datetime,
    first_day: dt.date,
    last_day: dt.date,
    first_utc: dt.datetime,
    last_utc_exclusive: dt.datetime,
    zone: str,
    age: dt.timedelta,
) -> list[Correction]:
    """Give what a report as of `then` could have used of some days, and what is another value as of `now`.

    That is every value of the days first..last (both included), every post published in the interval, and the
    running totals of those that answer nobody, at the matched age of `post_counters`. What has merely grown after a
    post's cutoff is no correction.
    """
    return read_rows(
        connection,
        _corrections(),
        Correction,
        client_id=client_id,
        then=then,
        now=now,
        first_day=first_day,
        last_day=last_day,
        first=first_utc,
        end=last_utc_exclusive,
        zone=zone,
        age_seconds=age.total_seconds(),
    )


def verdicts(
    connection: Connection, client_id: str, as_of: dt.datetime, first_day: dt.date, last_day: dt.date
) -> list[Verdict]:
    """Give the latest verdict on each of the client's targets for the days first..last, both included."""
    return read_rows(
        connection, query("verdicts"), Verdict, client_id=client_id, as_of=as_of, first_day=first_day, last_day=last_day
    )


def windows(
    connection: Connection, client_id: str, as_of: dt.datetime, since: dt.date | None = None
) -> list[PulledWindow]:
    """Give the days of every pull of the client's targets, each target's in the order of the pulls.

    With `since` only of the pulls made on that day (in UTC) or later.
    """
    return read_rows(connection, query("windows"), PulledWindow, client_id=client_id, as_of=as_of, since=since)


def completion(connection: Connection, client_id: str, as_of: dt.datetime, metric: str) -> list[Completion]:
    """Give how a day's value of a metric has gone on growing after its end, at each of the client's sources."""
    return read_rows(connection, _completion(), Completion, client_id=client_id, as_of=as_of, metric=metric)


def is_covered(
    connection: Connection,
    client_id: str,
    as_of: dt.datetime,
    *,
    source: str,
    ref: str,
    first_day: dt.date,
    last_day: dt.date,
) -> bool:
    """Whether each of the days first..last was asked for by a pull of a target that was made after the day's end."""
    parameters = {"source": source, "ref": ref, "first_day": first_day, "last_day": last_day}
    found = connection.scalar(query("is_covered"), parameters | {"client_id": client_id, "as_of": as_of})
    return bool(found)


@cache
def _post_counters() -> TextClause:
    return text(sql("post_counters").format(posts=sql("posts")))


@cache
def _post_days() -> TextClause:
    return text(sql("post_days").format(posts=sql("posts"), post_counters=_post_counters().text))


@cache
def _completion() -> TextClause:
    # The mart that analysts read, as of the moment that is asked for.
    of_all = mart("completion").select.replace("mart.as_of()", ":as_of")
    return text(sql("completion").format(completion=of_all))


@cache
def _corrections() -> TextClause:
    at_either_moment = _post_counters().text.replace(":as_of", "moment.as_of")
    return text(sql("corrections").format(post_counters=at_either_moment))


_T = TypeVar("_T")


def read_rows(connection: Connection, statement: Executable, shape: type[_T], **parameters: object) -> list[_T]:
    """Give the rows of a query, each as a struct of the same fields."""
    rows = connection.execute(statement, parameters).mappings()
    return [msgspec.convert(row, shape) for row in rows]
