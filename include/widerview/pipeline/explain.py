"""Receipts: from a figure of a report to the rows it was worked out from, and to what the platforms had answered."""

import datetime as dt
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine

from widerview.agency.models import Client
from widerview.landing.store import Landing
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import Facts
from widerview.report.social import matched_age
from widerview.report.web import counting_sites
from widerview.sources.base import plain_handle
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot
from widerview.warehouse.load import pulls_at
from widerview.warehouse.reports import Report, get_report
from widerview.warehouse.sql import sql

_ADDED = "These are added up."
_AVERAGED = "These are added up post by post; the figure is the mean of the posts."


class NoReceipt(ValueError):
    """A figure cannot be traced back to what the platforms answered; the message says what is wrong, and where."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An observation that goes into a figure.

    Attributes:
        source: The platform or web analytics.
        of: What it is a value of: a post's id, or a site's, its day, and the member of a dimension.
        metric: Canonical metric.
        value: None: not reported.
        observed_at: When the platform's answer had arrived (UTC).
        receipt: sha256 of that answer, in hex.
    """

    source: str
    of: str
    metric: str
    value: float | None
    observed_at: dt.datetime
    receipt: str


class RawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform answered, as it lies in landing; its sha256 has been worked out anew and is the same.

    Attributes:
        sha256: Of the body, in hex.
        fetched_at: When it had arrived (UTC).
        request: Method and address; without secrets.
        status: The HTTP status.
        size: Of the body, in bytes.
        raw: Where it lies: the pack, and after # which of its answers.
        pull: The pull's manifest.
    """

    sha256: str
    fetched_at: dt.datetime
    request: str
    status: int
    size: int
    raw: str
    pull: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with all that it rests on.

    Attributes:
        client_id: The client.
        period: ISO week of the report.
        revision: Of the report.
        figure: The figure's id.
        label: Its name for people.
        value: As the report says it; None: not reported.
        definition: Metric and version.
        meaning: What is counted.
        as_of: Only what had been recorded by then counts (UTC).
        sql: The queries that give the rows, with their parameters.
        how: How the figure comes from the rows.
        rows: The observations.
        answers: What the platforms had answered, each once.
    """

    client_id: str
    period: str
    revision: int
    figure: str
    label: str
    value: float | None
    definition: str
    meaning: str
    as_of: dt.datetime
    sql: tuple[str, ...]
    how: str
    rows: tuple[Row, ...]
    answers: tuple[RawAnswer, ...]


class _Reading(NamedTuple):
    rows: list[Row]
    value: float | None
    how: str
    sql: tuple[str, ...]


class _Figure(NamedTuple):
    label: str
    value: float | None
    metric: str
    read: Callable[["_Past"], _Reading]


class _Past(NamedTuple):
    """The warehouse as the report saw it."""

    connection: Connection
    client: Client
    facts: Facts

    @property
    def week(self) -> Week:
        return Week.parse(self.facts.period)


def figures(engine: Engine, client_id: str, week: Week, revision: int | None = None) -> dict[str, str]:
    """Give the figures of a report, by default the one that was sent last: their names for people, by id.

    Raises:
        LookupError: There is no such report.
    """
    return {
        name: figure.label for name, figure in _figures(weekly.facts_of(_report(engine, client_id, week, revision)))
    }


def explain(
    engine: Engine, landing: Landing, client_id: str, week: Week, name: str, revision: int | None = None
) -> Explained:
    """Trace a figure of a report, by default of the one that was sent last, back to the platforms' raw answers.

    Raises:
        LookupError: There is no such report, or it has no such figure.
        NoReceipt: The rows do not give the figure, or no pull has the answer that a row names.
        LandingError: A raw answer is gone, or is not what it was: its sha256 is another one.
    """
    report = _report(engine, client_id, week, revision)
    facts = weekly.facts_of(report)
    known = dict(_figures(facts))
    if name not in known:
        raise LookupError(f"The report {week} to {client_id} has no figure {name!r}; it has: {', '.join(known)}.")
    figure = known[name]
    with client_snapshot(engine, client_id) as connection:
        past = _Past(connection, Client.model_validate_json(facts.client_file), facts)
        reading = figure.read(past) if figure.value is not None else _Reading([], None, "It was not reported.", ())
        if reading.value != figure.value:
            raise NoReceipt(
                f"{name} in the report {week}, revision {report.revision}, to {client_id} cannot be shown to be true: "
                f"it says {figure.value}, and the rows that had been recorded by then give {reading.value}. Rows have "
                "been changed or removed since, or the code that works it out has been changed."
            )
        answers = tuple(_answers(connection, landing, client_id, reading.rows))
    metric = METRICS[figure.metric]
    return Explained(
        client_id=client_id,
        period=report.period,
        revision=report.revision,
        figure=name,
        label=figure.label,
        value=figure.value,
        definition=metric.definition,
        meaning=metric.meaning,
        as_of=report.as_of,
        sql=reading.sql,
        how=reading.how,
        rows=tuple(reading.rows),
        answers=answers,
    )


def _report(engine: Engine, client_id: str, week: Week, revision: int | None) -> Report:
    with engine.connect() as connection:
        if revision is None:
            sent = weekly.reports_that_left(connection, client_id, str(week))
            revision = sent[-1][1] if sent else None
        report = get_report(connection, client_id, str(week), revision) if revision is not None else None
    if report is None:
        raise LookupError(
            f"No report on {week} has been sent to client {client_id}. One that was not sent is named by --revision."
        )
    return report


def _figures(facts: Facts) -> Iterator[tuple[str, _Figure]]:
    campaigns = {campaign.key.casefold() for campaign in facts.running_campaigns}
    of_web: Mapping[str, tuple[str, set[str]]] = {
        "visits": ("total", {""}),
        "social_visits": ("channel", {"social"}),
        "campaign_visits": ("campaign", campaigns),
    }
    for figure in facts.figures:
        reading = partial(_visits, *of_web[figure.id]) if figure.id in of_web else partial(_posts, figure.id)
        yield figure.id, _Figure(figure.label, figure.value, figure.id, reading)
    for channel in facts.channels:
        reading = partial(_visits, "channel", {channel.channel.casefold()})
        yield (
            f"channel/{channel.channel}",
            _Figure(f"Visits from {channel.channel}", channel.visits, "visits", partial(_whole, reading)),
        )
    for campaign in facts.campaigns:
        reading = partial(_visits, "campaign", {campaign.key.casefold()})
        yield (
            f"campaign/{campaign.key}",
            _Figure(f"Visits of {campaign.name}", campaign.visits, "campaign_visits", partial(_whole, reading)),
        )
    for account in facts.accounts:
        yield (
            f"followers/{account.platform}/{account.handle}",
            _Figure(
                f"Followers of {account.handle} on {account.platform}",
                account.followers,
                "followers",
                partial(_followers, account.platform, account.handle),
            ),
        )


def _whole(reading: Callable[[_Past], _Reading], past: _Past) -> _Reading:
    found = reading(past)
    return found._replace(value=None if found.value is None else round(found.value))


def _visits(dimension: str, members: set[str], past: _Past) -> _Reading:
    week, sites = past.week, counting_sites(past.client)
    values = [
        value
        for value in read.day_values(
            past.connection, past.client.client, past.facts.as_of, week.monday, week.sunday, "visits", dimension
        )
        if (value.source, value.entity_id) in sites and value.member.casefold() in members
    ]
    rows = [
        Row(
            source=value.source,
            of=" ".join(filter(None, [value.entity_id, str(value.day), value.member])),
            metric="visits",
            value=value.value,
            observed_at=value.observed_at,
            receipt=value.receipt,
        )
        for value in values
    ]
    asked = _query(
        "day_values",
        past,
        first_day=week.monday,
        last_day=week.sunday,
        metric="visits",
        dimension=dimension,
        member=sorted(members),
    )
    return _Reading(rows, float(sum(row.value or 0.0 for row in rows)), _ADDED, (asked,))


def _row(counter: read.PostCounter | read.AccountCounter, of: str) -> Row:
    return Row(
        source=counter.source,
        of=of,
        metric=counter.metric,
        value=counter.value,
        observed_at=counter.observed_at,
        receipt=counter.receipt,
    )


def _posts(figure: str, past: _Past) -> _Reading:
    first, end = past.week.bounds(past.client.zone)
    age = matched_age(past.week, past.client.zone, past.facts.as_of)
    of_client = (past.connection, past.client.client, past.facts.as_of, first, end)
    ours = set(_accounts(past))
    counted = {
        (post.source, post.post_id)
        for post in read.posts(*of_client)
        if (post.source, post.account_id) in ours and post.reply_to is None
    }
    parts = METRICS[figure].parts
    rows = [
        _row(counter, counter.post_id)
        for counter in read.post_counters(*of_client, zone=past.client.time_zone, age=age)
        if (counter.source, counter.post_id) in counted and counter.metric in parts
    ]
    posts: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.value is not None:
            posts[row.source, row.of] = posts.get((row.source, row.of), 0.0) + row.value
    is_mean = METRICS[figure].additivity == "ratio"
    value = statistics.fmean(posts.values()) if is_mean and posts else None if is_mean else sum(posts.values())
    of_week = {"first": first, "end": end}
    return _Reading(
        rows,
        value,
        _AVERAGED if is_mean else _ADDED,
        (
            _query("posts", past, **of_week, account=sorted(ours), reply_to=None),
            _query(
                "post_counters",
                past,
                **of_week,
                zone=past.client.time_zone,
                age_seconds=age.total_seconds(),
                metric=list(parts),
            ),
        ),
    )


def _followers(platform: str, handle: str, past: _Past) -> _Reading:
    at = past.facts.as_of
    ours = {account for account, names in _accounts(past).items() if names == (platform, handle)}
    rows = [
        _row(counter, counter.account_id)
        for counter in read.account_counters(past.connection, past.client.client, at, at)
        if (counter.source, counter.account_id) in ours and counter.metric == "followers"
    ]
    value = rows[-1].value if rows else None
    return _Reading(rows, value, "It is what the platform told last.", (_query("account_counters", past, at=at),))


def _accounts(past: _Past) -> dict[tuple[str, str], tuple[str, str]]:
    """The accounts that the report is about, by source and id: with platform and handle as it names them."""
    named = {(account.platform, account.handle) for account in past.facts.accounts}
    configured = {(account.platform, plain_handle(account.handle)) for account in past.client.accounts}
    return {
        (account.source, account.account_id): (SOURCES[account.source].title, account.handle)
        for account in read.accounts(past.connection, past.client.client, past.facts.as_of)
        if (SOURCES[account.source].title, account.handle) in named
        and {(account.source, plain_handle(name)) for name in (account.handle, account.account_id)} & configured
    }


def _query(name: str, past: _Past, **parameters: object) -> str:
    """A query as an analyst can read it, after its parameters; those that the query does not know narrow its rows."""
    given = {"client_id": past.client.client, "as_of": past.facts.as_of} | parameters
    head = "\n".join(f"-- {key} = {value}" for key, value in given.items())
    return f"-- {name}.sql\n{head}\n{sql(name).strip()}"


def _answers(connection: Connection, landing: Landing, client_id: str, rows: Sequence[Row]) -> Iterator[RawAnswer]:
    """Find each raw answer that some rows name, and see that it is what it was."""
    wanted = {(row.source, row.observed_at, row.receipt): row for row in rows}
    found: dict[str, RawAnswer] = {}
    opened: dict[str, dict[str, RawAnswer]] = {}
    for (source, at, receipt), row in wanted.items():
        for pull in pulls_at(connection, client_id, source, at):
            if pull not in opened:
                opened[pull] = _sound_answers(landing, pull)
            if receipt in opened[pull]:
                found.setdefault(receipt, opened[pull][receipt])
        if receipt not in found:
            raise NoReceipt(
                f"{row.metric} of {row.of} says that it was read from the answer {receipt} of {source}, which arrived "
                f"on {at:%Y-%m-%d %H:%M:%S} UTC, and no pull of that time has such an answer: its manifest or its raw "
                "answers have been changed, or the row has."
            )
    yield from found.values()


def _sound_answers(landing: Landing, path: str) -> dict[str, RawAnswer]:
    """The answers of a pull by sha256; reading them works it out anew."""
    pull = landing.read_pull(path)
    places = landing.raw_names(pull)
    return {
        page.sha256: RawAnswer(
            sha256=page.sha256,
            fetched_at=page.fetched_at,
            request=f"{page.request.method} {page.request.url}",
            status=page.status,
            size=len(page.body),
            raw=places[page.sha256],
            pull=path,
        )
        for page in landing.pages(pull)
    }
