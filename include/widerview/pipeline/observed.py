"""What was observed, as a report saw it: its accounts and websites, and the rows of any week, day or stretch of days.

A stretch is `2026-W45`, `2026-11-09`, or `2026-11-01..2026-11-15`. Posts are counted at the age that the report's week
has; with `:latest` as they were known when it was made.
"""

import datetime as dt
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from widerview.agency.models import Campaign, Client, Goal
from widerview.measures.goals import YEAR_WEEKS
from widerview.measures.weeks import Week
from widerview.report.campaigns import running_campaigns
from widerview.report.compose import HISTORY_WEEKS
from widerview.report.effect import looked_at_from
from widerview.report.facts import Facts
from widerview.report.goals import running_goals
from widerview.report.level_changes import OF_POSTS
from widerview.report.long_past import Breaks
from widerview.report.receipts import PrintedNumber, Value, printed_numbers
from widerview.report.social import (
    MOST_LACKING,
    Social,
    TargetKey,
    matched_age,
    names_of,
    partner_accounts,
)
from widerview.report.web import Web, counting_sites
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read
from widerview.warehouse.sql import sql

_Told = read.Post | read.PostCounter | read.AccountCounter | read.DayValue | read.OwnMessage | read.ReceivedMessage

DAY = dt.timedelta(days=1)
_YEARS = dt.timedelta(weeks=2 * YEAR_WEEKS)
LATEST = ":latest"

ADDED = "These are added up."
COUNTED = "These are counted."

_OF_POSTS = frozenset({"posts", "counted", "reactions", *OF_POSTS})
"""The series of posts; `counted` are those whose reactions are known."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An observation that goes into a number.

    Attributes:
        source: The platform or web analytics.
        of: What it is a value of: a post's id, or a site's, its day, and the member of a dimension.
        metric: Canonical metric; `post` or `message` where it is the thing itself that counts.
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


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula was given: a number that can be explained by its id; None: not known."""

    id: str
    value: Value


class Reading(NamedTuple):
    """What a number comes from.

    Attributes:
        how: How it comes from the rows or inputs.
        rows: Observations.
        sql: The queries that give them, with their parameters.
        inputs: Other numbers.
        value: What the rows or inputs give; None: not reported. `...` where nothing but the formula can say.
    """

    how: str
    rows: Sequence[Row] = ()
    sql: tuple[str, ...] = ()
    inputs: Sequence[Input] = ()
    value: Value | EllipsisType = ...


class Part(NamedTuple):
    """A row, and the day that it counts for."""

    day: dt.date
    row: Row


@dataclass(frozen=True)
class Past:
    """The warehouse as a report saw it."""

    connection: Connection
    client: Client
    facts: Facts

    @property
    def week(self) -> Week:
        """The week of the report."""
        return Week.parse(self.facts.period)

    @property
    def as_of(self) -> dt.datetime:
        """When the report was made."""
        return self.facts.as_of

    @cached_property
    def numbers(self) -> dict[str, PrintedNumber]:
        """The report's numbers."""
        return printed_numbers(self.facts)

    @cached_property
    def everybody(self) -> Social:
        """The client's accounts and those of partners, over the weeks that a report compares."""
        weeks = [self.week.shift(-ago) for ago in range(HISTORY_WEEKS, -1, -1)]
        since = self.week.monday - _YEARS
        return Social.read(self.connection, self.client, weeks, self.as_of, self.as_of, pulled_since=since)

    @cached_property
    def social(self) -> Social:
        """The accounts that the report is about: those that it names."""
        return self.everybody.without(self.everybody.configured - self._told)

    @cached_property
    def with_partners(self) -> Social:
        """The accounts whose posts are part of campaigns."""
        return self.everybody.without(self.everybody.configured - self._told - partner_accounts(self.client))

    @cached_property
    def _told(self) -> set[TargetKey]:
        named = {(each.platform, each.handle) for each in self.facts.accounts}
        return {
            (each.source, name)
            for each in self.everybody.accounts
            if (SOURCES[each.source].title, each.handle) in named
            for name in names_of(each)
        }

    @cached_property
    def _lacking(self) -> Mapping[tuple[str, str], tuple[dt.date, frozenset[str]]]:
        """Of each post of these weeks its day, and the counters that it lacks and its account's earlier posts had."""
        every = (post for week in self.social.weeks for post in self.social.published(week))
        zone = self.client.zone
        return {
            (each.post.source, each.post.post_id): (each.post.published_at.astimezone(zone).date(), each.lacking)
            for each in every
        }

    def lacks(self, post: tuple[str, str], metrics: Iterable[str]) -> bool:
        """Whether a post, by source and id, lacks one of some counters."""
        return post in self._lacking and not self._lacking[post][1].isdisjoint(metrics)

    def lacking(self, days: Iterable[dt.date], metrics: Iterable[str]) -> int:
        """How many posts of some days lack one of some counters."""
        wanted, metrics = set(days), set(metrics)
        return sum(day in wanted and not lacking.isdisjoint(metrics) for day, lacking in self._lacking.values())

    @cached_property
    def breaks(self) -> Breaks:
        """Since when all is counted as in the report's week."""
        return Breaks.between(self.client, self.week.monday - _YEARS, self.week.sunday)

    @cached_property
    def web(self) -> Web:
        """The visits of the days that any formula looks at."""
        campaigns = [self.campaign(each.key) for each in self.facts.campaigns]
        first = min([self.week.monday - _YEARS, *(looked_at_from(each, self.week.sunday) for each in campaigns)])
        return Web.read(self.connection, self.client, first, self.week.sunday, self.as_of)

    def query(self, name: str, **parameters: object) -> str:
        """A query as an analyst can read it, after its parameters; what it does not know narrows its rows."""
        given = {"client_id": self.client.client, "as_of": self.as_of} | parameters
        head = "\n".join(f"-- {key} = {value}" for key, value in given.items())
        return f"-- {name}.sql\n{head}\n{sql(name).strip()}"

    def campaign(self, key: str) -> Campaign:
        """A campaign of the client's file."""
        return next(each for each in self.client.campaigns if each.key == key)

    def goal(self, place: str) -> Goal:
        """A goal of the report, by its place there, from 1."""
        return running_goals(self.client, self.week)[int(place) - 1]


def days_of(stretch: str) -> list[dt.date]:
    """The days of `2026-W46`, `2026-11-09` or `2026-11-01..2026-11-15`, each perhaps with `:latest`."""
    first, _, last = stretch.removesuffix(LATEST).partition("..")
    if Week.is_name(first):
        return list(Week.parse(first).days)
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    return Window(start, end).days


def parts_of(
    past: Past, key: str, days: Sequence[dt.date], *, is_latest: bool = False
) -> tuple[list[Part], tuple[str, ...]]:
    """The rows of a series, each with the day that it counts for."""
    if key.startswith("daily/"):
        return _daily_parts(past, key, days)
    if key == "posts":
        return posts_of(past, days)
    if key in _OF_POSTS:
        return counter_parts(past, _counters(key), days, is_latest=is_latest)
    dimension, of_day = _visits_of(past, key)
    return visit_parts(past, "visits", dimension, of_day, days)


def value_of(past: Past, key: str, days: Sequence[dt.date], parts: Iterable[Part]) -> float | None:
    """What the rows of some days give together; None unless all of these days are known."""
    wanted = set(days)
    rows = [part.row for part in parts if part.day in wanted]
    if key in _OF_POSTS:
        is_known = past.social.known_days >= wanted and _is_alike(past.breaks.posts, days)
        return _of_posts(past, key, days, rows) if is_known else None
    if key.startswith("daily/"):
        is_known = bool(rows) and all(row.value is not None for row in rows)
    else:
        is_known = all(past.web.days.get(day) is not None for day in days) and _is_alike(past.breaks.visits, days)
    if key == "campaign_visits" and not any(running_campaigns(past.client, Week.of(day)) for day in days):
        is_known = False
    return sum(row.value or 0.0 for row in rows) if is_known else None


def _of_posts(past: Past, key: str, days: Sequence[dt.date], rows: Sequence[Row]) -> float | None:
    """What the counters of some posts give together, or how many there are; None where too few of them tell."""
    if key == "posts":
        return len(rows)
    posts: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.value is not None:
            posts[row.source, row.of] = posts.get((row.source, row.of), 0.0) + row.value
    lacking = past.lacking(days, _counters(key))
    if lacking > MOST_LACKING * (len(posts) + lacking):
        return 0 if key == "counted" else None
    if key == "counted":
        return len(posts)
    if key == "reactions_per_post":
        return statistics.fmean(posts.values()) if posts else None
    return sum(posts.values()) if posts or not rows else None


def _counters(key: str) -> Sequence[str]:
    return METRICS["reactions" if key == "counted" else key].parts


def _is_alike(since: dt.date | None, days: Sequence[dt.date]) -> bool:
    return not days or since is None or days[0] >= since


def _visits_of(past: Past, key: str) -> tuple[str, Callable[[dt.date], set[str]]]:
    """The dimension of a series of visits, and its members on a day."""

    def running(day: dt.date) -> set[str]:
        return {each.key.casefold() for each in running_campaigns(past.client, Week.of(day))}

    of_all = {each.key.casefold() for each in past.client.campaigns}
    kind, _, name = key.partition("/")
    dimensions: Mapping[str, tuple[str, Callable[[dt.date], set[str]]]] = {
        "visits": ("total", lambda day: {""}),
        "social_visits": ("channel", lambda day: {"social"}),
        "campaign_visits": ("campaign", running),
        "campaigns": ("campaign", lambda day: of_all),
        "channel": ("channel", lambda day: {name.casefold()}),
        "campaign": ("campaign", lambda day: {name.casefold()}),
    }
    if kind not in dimensions:
        raise LookupError(f"There is no series {key!r}; there are {', '.join(dimensions)} and numbers of posts.")
    return dimensions[kind]


def _day_row(value: read.DayValue, metric: str) -> Row:
    of = " ".join(filter(None, [value.entity_id, str(value.day), value.member]))
    return row_of(value, of, metric, value.value)


def visit_parts(
    past: Past, metric: str, dimension: str, of_day: Callable[[dt.date], set[str]], days: Sequence[dt.date]
) -> tuple[list[Part], tuple[str, ...]]:
    """What the client's websites counted of some members on some days."""
    sites = counting_sites(past.client)
    return day_parts(
        past,
        metric,
        dimension,
        days,
        lambda value: (value.source, value.entity_id) in sites and value.member.casefold() in of_day(value.day),
        member=sorted(of_day(days[-1])) if days else [],
    )


def day_parts(
    past: Past,
    metric: str,
    dimension: str,
    days: Sequence[dt.date],
    is_part: Callable[[read.DayValue], bool],
    **narrowed: object,
) -> tuple[list[Part], tuple[str, ...]]:
    """The values of a metric on some days, of one dimension, that are part of a number."""
    if not days:
        return [], ()
    found = read.day_values(past.connection, past.client.client, past.as_of, days[0], days[-1], metric, dimension)
    parts = [Part(value.day, _day_row(value, metric)) for value in found if is_part(value)]
    asked = past.query(
        "day_values", first_day=days[0], last_day=days[-1], metric=metric, dimension=dimension, **narrowed
    )
    return parts, (asked,)


def _daily_parts(past: Past, key: str, days: Sequence[dt.date]) -> tuple[list[Part], tuple[str, ...]]:
    """A series of `daily/<source>/<entity>/<metric>/<channel>`: of one account or website."""
    source, entity, metric, member = key.removeprefix("daily/").split("/", 3)
    return day_parts(
        past,
        metric,
        "channel" if member else "total",
        days,
        lambda value: (value.source, value.entity_id, value.member) == (source, entity, member),
        source=source,
        entity_id=entity,
        member=member,
    )


def posts_of(past: Past, days: Sequence[dt.date]) -> tuple[list[Part], tuple[str, ...]]:
    """The posts of some days, answers to other people left out."""
    first, end, posts = published_on(past, days)
    return [Part(day, post_row(post)) for post, day in posts.values()], (_posts_query(past, first, end),)


def _posts_query(past: Past, first: dt.datetime, end: dt.datetime) -> str:
    return past.query("posts", first=first, end=end, account=sorted(past.social.ours), reply_to=None)


def counter_parts(
    past: Past, metrics: Sequence[str], days: Sequence[dt.date], *, is_latest: bool = False
) -> tuple[list[Part], tuple[str, ...]]:
    """Some counters of the posts of some days; of one that lacks a part of them nothing can be said."""
    first, end, posts = published_on(past, days)
    age = None if is_latest else matched_age(past.week, past.client.zone, past.as_of)
    of_client, zone = (past.connection, past.client.client, past.as_of, first, end), past.client.time_zone
    parts = [
        Part(posts[counter.source, counter.post_id][1], counter_row(counter, counter.post_id))
        for counter in read.post_counters(*of_client, zone=zone, age=age)
        if (post := (counter.source, counter.post_id)) in posts and counter.metric in metrics
        if is_latest or not past.lacks(post, metrics)
    ]
    seconds = age and age.total_seconds()
    asked = past.query("post_counters", first=first, end=end, zone=zone, age_seconds=seconds, metric=list(metrics))
    return parts, (_posts_query(past, first, end), asked)


def published_on(
    past: Past, days: Sequence[dt.date], social: Social | None = None
) -> tuple[dt.datetime, dt.datetime, dict[tuple[str, str], tuple[read.Post, dt.date]]]:
    """The interval in which the posts of some days are looked for, and they by source and id, each with its day."""
    ours = (social or past.social).ours
    zone, wanted = past.client.zone, set(days)
    first, end = Week.of(min(days)).bounds(zone)[0], Week.of(max(days)).bounds(zone)[1]
    found = {
        (post.source, post.post_id): (post, day)
        for post in read.posts(past.connection, past.client.client, past.as_of, first, end)
        if (post.source, post.account_id) in ours
        and post.reply_to is None
        and (day := post.published_at.astimezone(zone).date()) in wanted
    }
    return first, end, found


def row_of(told: _Told, of: str, metric: str, value: float | None = 1.0) -> Row:
    """The row of what the warehouse tells, as a value or as a thing that counts itself."""
    return Row(
        source=told.source, of=of, metric=metric, value=value, observed_at=told.observed_at, receipt=told.receipt
    )


def post_row(post: read.Post) -> Row:
    """A post that counts as such."""
    return row_of(post, post.post_id, "post")


def counter_row(counter: read.PostCounter | read.AccountCounter, of: str) -> Row:
    """A counter of a post or an account."""
    return row_of(counter, of, counter.metric, counter.value)


def inputs_of(past: Past, keys: Iterable[str], stretches: Sequence[str]) -> Iterator[Input]:
    """The values of some series over some stretches, oldest first, as the inputs of a formula."""
    if not stretches:
        return
    days = {stretch: days_of(stretch) for stretch in stretches}
    every = sorted({day for each in days.values() for day in each})
    for key in keys:
        parts, _ = parts_of(past, key, every, is_latest=stretches[0].endswith(LATEST))
        for stretch in stretches:
            yield Input(id=f"{key}@{stretch}", value=value_of(past, key, days[stretch], parts))
