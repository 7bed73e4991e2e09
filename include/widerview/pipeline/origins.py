"""What the numbers of a report come from: the rows of the warehouse, or other numbers, each of which has an id too.

A number of rows is worked out anew from them here. What a formula gives is worked out by composing the report again;
here stand its inputs: of a week `visits@2026-W45`, of a day `visits@2026-11-09`, of some days
`visits@2026-11-01..2026-11-15`. Posts are counted at the age that the report's week has; with `:latest` as they were
known when it was made.
"""

import datetime as dt
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from widerview.agency.models import OFFLINE, SOCIAL, Campaign, Client, Goal
from widerview.measures.goals import YEAR_WEEKS
from widerview.measures.weeks import Week
from widerview.report.campaigns import asset_of, campaign_of_ads, partner_of, running_campaigns
from widerview.report.compose import HISTORY_WEEKS
from widerview.report.effect import days_of_others, looked_at_from
from widerview.report.facts import Facts
from widerview.report.goals import running_goals
from widerview.report.level_changes import CHANGE_WEEKS, OF_POSTS
from widerview.report.long_past import Breaks, counted_alike
from widerview.report.rates import sides_of
from widerview.report.receipts import KINDS, PrintedNumber, Value, printed_numbers, slug
from widerview.report.social import (
    MOST_LACKING,
    REACTIONS,
    Social,
    TargetKey,
    matched_age,
    names_of,
    partner_accounts,
)
from widerview.report.web import Web, counting_sites
from widerview.sources import landing_pages
from widerview.sources.drop_folder import AD_PLATFORMS
from widerview.sources.registry import SOURCES
from widerview.tagging.posts import belongs
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read
from widerview.warehouse.sql import sql

_DAY = dt.timedelta(days=1)
_YEARS = dt.timedelta(weeks=2 * YEAR_WEEKS)
_LATEST = ":latest"

_ADDED = "These are added up."
_COUNTED = "These are counted."
_BY_POST = "The posts that these are of are counted."
_LARGEST = "It is the largest of these."
_AVERAGED = "These are added up post by post; the figure is the mean of the posts."

_OF_POST = {
    "reactions": REACTIONS, "replies": ("replies",), "reposts": ("reposts", "quotes"), "shares": ("shares",),
}  # fmt: skip
_OF_POSTS = frozenset({"posts", "counted", "reactions", *OF_POSTS})
"""The series of posts; `counted` are those whose reactions are known."""

_REACH = ("reach", "viewers")


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


class _Part(NamedTuple):
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


def origin(past: Past, number: PrintedNumber) -> Reading:
    """Look up what a number comes from."""
    return _READERS[number.kind](past, number)


def input_number(past: Past, name: str) -> PrintedNumber | None:
    """What an input's id stands for: a week or a day of a series, a post, or a number of the client's file."""
    if name.startswith("file/"):
        value = _file_costs(past).get(name)
        return None if value is None else PrintedNumber(name, name, f"{value:g}", value, "file", (name,))
    key, at, stretch = name.rpartition("@")
    if not at:
        return None
    if key == "post":
        return PrintedNumber(name, f"Reactions to {stretch}", "", None, "past post", (stretch,), "reactions")
    try:
        _days(stretch)
    except ValueError:
        return None
    return PrintedNumber(name, f"{key}, {stretch}", "", None, "series", (key, stretch), key if key in METRICS else "")


# --- Series: what was counted in a week, on a day or some days ---------------------------------------------------


def _days(stretch: str) -> list[dt.date]:
    """The days of `2026-W46`, `2026-11-09` or `2026-11-01..2026-11-15`, each perhaps with `:latest`."""
    first, _, last = stretch.removesuffix(_LATEST).partition("..")
    if Week.is_name(first):
        return list(Week.parse(first).days)
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    return [start + count * _DAY for count in range((end - start).days + 1)]


def _series(past: Past, number: PrintedNumber) -> Reading:
    key, stretch = number.of
    if key == "goal":
        key, stretch = _of_goal(past, stretch)
    days = _days(stretch)
    parts, queries = _parts(past, key, days, is_latest=stretch.endswith(_LATEST))
    value = _value(past, key, days, parts)
    how = {"reactions_per_post": _AVERAGED, "posts": _COUNTED, "counted": _BY_POST}.get(key, _ADDED)
    return Reading(how, [part.row for part in parts], queries, value=value)


def _parts(
    past: Past, key: str, days: Sequence[dt.date], *, is_latest: bool = False
) -> tuple[list[_Part], tuple[str, ...]]:
    """The rows of a series, each with the day that it counts for."""
    if key.startswith("daily/"):
        return _daily_parts(past, key, days)
    if key == "posts":
        return _posts_of(past, days)
    if key in _OF_POSTS:
        return _counter_parts(past, _counters(key), days, is_latest=is_latest)
    dimension, of_day = _visits_of(past, key)
    return _visit_parts(past, "visits", dimension, of_day, days)


def _value(past: Past, key: str, days: Sequence[dt.date], parts: Iterable[_Part]) -> float | None:
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
    return Row(
        source=value.source,
        of=" ".join(filter(None, [value.entity_id, str(value.day), value.member])),
        metric=metric,
        value=value.value,
        observed_at=value.observed_at,
        receipt=value.receipt,
    )


def _visit_parts(
    past: Past, metric: str, dimension: str, of_day: Callable[[dt.date], set[str]], days: Sequence[dt.date]
) -> tuple[list[_Part], tuple[str, ...]]:
    """What the client's websites counted of some members on some days."""
    sites = counting_sites(past.client)
    return _day_parts(
        past,
        metric,
        dimension,
        days,
        lambda value: (value.source, value.entity_id) in sites and value.member.casefold() in of_day(value.day),
        member=sorted(of_day(days[-1])) if days else [],
    )


def _day_parts(
    past: Past,
    metric: str,
    dimension: str,
    days: Sequence[dt.date],
    is_part: Callable[[read.DayValue], bool],
    **narrowed: object,
) -> tuple[list[_Part], tuple[str, ...]]:
    if not days:
        return [], ()
    found = read.day_values(past.connection, past.client.client, past.as_of, days[0], days[-1], metric, dimension)
    parts = [_Part(value.day, _day_row(value, metric)) for value in found if is_part(value)]
    asked = past.query(
        "day_values", first_day=days[0], last_day=days[-1], metric=metric, dimension=dimension, **narrowed
    )
    return parts, (asked,)


def _daily_parts(past: Past, key: str, days: Sequence[dt.date]) -> tuple[list[_Part], tuple[str, ...]]:
    """A series of `daily/<source>/<entity>/<metric>/<channel>`: of one account or website."""
    source, entity, metric, member = key.removeprefix("daily/").split("/", 3)
    return _day_parts(
        past,
        metric,
        "channel" if member else "total",
        days,
        lambda value: (value.source, value.entity_id, value.member) == (source, entity, member),
        source=source,
        entity_id=entity,
        member=member,
    )


def _posts_of(past: Past, days: Sequence[dt.date]) -> tuple[list[_Part], tuple[str, ...]]:
    """The posts of some days, answers to other people left out."""
    first, end, posts = _published(past, days)
    asked = past.query("posts", first=first, end=end, account=sorted(past.social.ours), reply_to=None)
    return [_Part(day, _post_row(post)) for post, day in posts.values()], (asked,)


def _counter_parts(
    past: Past, metrics: Sequence[str], days: Sequence[dt.date], *, is_latest: bool = False
) -> tuple[list[_Part], tuple[str, ...]]:
    """Some counters of the posts of some days; of one that lacks a part of them nothing can be said."""
    first, end, posts = _published(past, days)
    age = None if is_latest else matched_age(past.week, past.client.zone, past.as_of)
    of_client, zone = (past.connection, past.client.client, past.as_of, first, end), past.client.time_zone
    parts = [
        _Part(posts[counter.source, counter.post_id][1], _counter_row(counter, counter.post_id))
        for counter in read.post_counters(*of_client, zone=zone, age=age)
        if (post := (counter.source, counter.post_id)) in posts and counter.metric in metrics
        if is_latest or not past.lacks(post, metrics)
    ]
    seconds = age and age.total_seconds()
    asked = past.query("post_counters", first=first, end=end, zone=zone, age_seconds=seconds, metric=list(metrics))
    return parts, (*_posts_of(past, days)[1], asked)


def _published(
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


def _post_row(post: read.Post) -> Row:
    return Row(
        source=post.source,
        of=post.post_id,
        metric="post",
        value=1.0,
        observed_at=post.observed_at,
        receipt=post.receipt,
    )


def _counter_row(counter: read.PostCounter | read.AccountCounter, of: str) -> Row:
    return Row(
        source=counter.source,
        of=of,
        metric=counter.metric,
        value=counter.value,
        observed_at=counter.observed_at,
        receipt=counter.receipt,
    )


def _inputs(past: Past, keys: Iterable[str], stretches: Sequence[str]) -> Iterator[Input]:
    """The values of some series over some stretches, oldest first, as the inputs of a formula."""
    if not stretches:
        return
    days = {stretch: _days(stretch) for stretch in stretches}
    every = sorted({day for each in days.values() for day in each})
    for key in keys:
        parts, _ = _parts(past, key, every, is_latest=stretches[0].endswith(_LATEST))
        for stretch in stretches:
            yield Input(id=f"{key}@{stretch}", value=_value(past, key, days[stretch], parts))


def _weeks_before(past: Past, count: int) -> list[str]:
    return [str(past.week.shift(-ago)) for ago in range(count, 0, -1)]


def _last_weeks(past: Past, count: int) -> list[str]:
    """Some weeks, of which the report's is the last, as they were known when it was made."""
    return [f"{past.week.shift(-ago)}{_LATEST}" for ago in range(count - 1, -1, -1)]


# --- The other numbers of rows -----------------------------------------------------------------------------------


def _posts(past: Past, number: PrintedNumber) -> Reading:
    period, *account = number.of
    parts, asked = _parts(past, "posts", _days(period))
    rows = [part.row for part in parts]
    if account:
        ours = _account_ids(past, *account)
        theirs = {
            (post.source, post.post_id) for post in _posts_of_week(past) if (post.source, post.account_id) in ours
        }
        rows = [row for row in rows if (row.source, row.of) in theirs]
    return Reading(_COUNTED, rows, asked, value=len(rows))


def _posts_of_week(past: Past) -> list[read.Post]:
    return [post for post, _ in _published(past, past.week.days)[2].values()]


def _account_ids(past: Past, platform: str, handle: str) -> set[tuple[str, str]]:
    return {
        (each.source, each.account_id)
        for each in past.social.accounts
        if (SOURCES[each.source].title, each.handle) == (platform, handle)
    }


def _followers(past: Past, number: PrintedNumber) -> Reading:
    ours = _account_ids(past, *number.of)
    rows = [
        _counter_row(counter, counter.account_id)
        for counter in read.account_counters(past.connection, past.client.client, past.as_of, past.as_of)
        if (counter.source, counter.account_id) in ours and counter.metric == "followers"
    ]
    asked = past.query("account_counters", at=past.as_of, metric="followers")
    return Reading("It is what the platform told last.", rows, (asked,), value=rows[-1].value if rows else None)


def _post(past: Past, number: PrintedNumber) -> Reading:
    place, counted = number.of
    post = _post_at(past, place)
    return _counters_of(past, post, _OF_POST[counted])


def _post_at(past: Past, place: str) -> read.Post:
    told = past.facts.posts[int(place) - 1]
    for post in _posts_of_week(past):
        same = SOURCES[post.source].title, post.permalink, post.published_at
        if same == (told.platform, told.permalink, told.published_at):
            return post
    raise LookupError(f"The warehouse has no post {told.permalink} of {told.published_at:%Y-%m-%d %H:%M} UTC any more.")


def _past_post(past: Past, number: PrintedNumber) -> Reading:
    source, _, post_id = number.of[0].partition("/")
    days = [day for ago in range(HISTORY_WEEKS + 1) for day in past.week.shift(-ago).days]
    found = _published(past, days)[2].get((source, post_id))
    if found is None:
        raise LookupError(f"There is no post {post_id} on {source} in the weeks that the report looked at.")
    return _counters_of(past, found[0], REACTIONS)


def _counters_of(past: Past, post: read.Post, metrics: Sequence[str]) -> Reading:
    week = Week.of(post.published_at.astimezone(past.client.zone).date())
    parts, asked = _counter_parts(past, metrics, week.days)
    rows = [part.row for part in parts if (part.row.source, part.row.of) == (post.source, post.post_id)]
    known = [row.value for row in rows if row.value is not None]
    return Reading(_ADDED, rows, asked, value=sum(known) if known else None)


def _day(past: Past, number: PrintedNumber) -> Reading:
    [key, *_] = _daily_keys(past, number)
    day = [dt.date.fromisoformat(number.of[0])]
    parts, asked = _parts(past, key, day)
    return Reading(_ADDED, [part.row for part in parts], asked, value=_value(past, key, day, parts))


def _daily_keys(past: Past, number: PrintedNumber) -> list[str]:
    """The series of an account or website that a day worth knowing is of: of several the one that had its value."""
    day, metric, platform, channel = number.of
    told = next(each for each in past.facts.worth_knowing if (str(each.day), each.metric) == (day, metric)
                and (each.platform or "", each.channel or "") == (platform, channel))  # fmt: skip
    found = read.day_values(
        past.connection,
        past.client.client,
        past.as_of,
        told.day,
        told.day,
        metric,
        "channel" if channel else "total",
    )
    return [
        f"daily/{each.source}/{each.entity_id}/{metric}/{channel}"
        for each in found
        if (each.member, each.value) == (channel, told.value)
        and (SOURCES[each.source].title if SOURCES[each.source].kind != "web" else "") == platform
    ]


def _messages(past: Past, number: PrintedNumber) -> Reading:
    [what] = number.of
    first, end = past.week.bounds(past.client.zone)
    ours = past.social.ours
    if what == "written":
        written = read.own_messages(past.connection, past.client.client, past.as_of, first, end)
        rows = [_message_row(each) for each in written if (each.source, each.account_id) in ours]
        return Reading(_COUNTED, rows, (past.query("own_messages", first=first, end=end),), value=len(rows))
    received = [each for each in _received(past) if what == "new" or each.answered_at is not None]
    rows = [_message_row(each) for each in received]
    asked = past.query("received_messages", first=first, end=end)
    if what == "new":
        return Reading(_COUNTED, rows, (asked,), value=len(rows))
    answers, also = _answers(past, received)
    return Reading("These, each with its answer, are counted.", [*rows, *answers], (asked, also), value=len(rows))


def _answers(past: Past, received: Iterable[read.ReceivedMessage]) -> tuple[list[Row], str]:
    """What first answered some messages."""
    first, end = past.week.bounds(past.client.zone)[0], past.as_of
    moments = {(each.source, each.answered_at) for each in received}
    written = read.own_messages(past.connection, past.client.client, past.as_of, first, end)
    rows = [_message_row(each) for each in written if (each.source, each.written_at) in moments]
    return rows, past.query("own_messages", first=first, end=end)


def _received(past: Past) -> list[read.ReceivedMessage]:
    first, end = past.week.bounds(past.client.zone)
    return [
        each
        for each in read.received_messages(past.connection, past.client.client, past.as_of, first, end)
        if (each.source, each.account_id) in past.social.ours and each.written_at <= past.as_of
    ]


def _message_row(message: read.OwnMessage | read.ReceivedMessage) -> Row:
    return Row(
        source=message.source,
        of=message.message_id,
        metric="message",
        value=1.0,
        observed_at=message.observed_at,
        receipt=message.receipt,
    )


def _untagged(past: Past, number: PrintedNumber) -> Reading:
    days, sites = past.week.days, counting_sites(past.client)
    parts, asked = _day_parts(
        past, "visits", "network", days, lambda value: (value.source, value.entity_id) in sites
    )  # fmt: skip
    if number.of == ("visits",):
        tagged, also = _day_parts(
            past,
            "visits",
            "touchpoint",
            days,
            lambda value: (
                (value.source, value.entity_id) in sites
                and value.member.casefold().rpartition("/")[2].removesuffix("-ads") in SOCIAL
            ),
        )
        parts, asked = parts + tagged, asked + also
    rows = [part.row for part in parts]
    return Reading(_ADDED, rows, asked, value=round(sum(row.value or 0.0 for row in rows)))


# --- A campaign's table ------------------------------------------------------------------------------------------


def _campaign(past: Past, number: PrintedNumber) -> Reading:
    key, group, metric, of, when = number.of
    campaign = past.campaign(key)
    # A page that is not new had visits before the campaign, too; whatever carries its tags is its own when announced.
    first = campaign.starts if metric.endswith("landing_visits") else campaign.counts_from
    days = list(past.week.days)
    if when == "so-far":
        days = [first + count * _DAY for count in range((past.week.sunday - first).days + 1)]
    days = [day for day in days if day >= first]
    if group == "cost":
        rows, asked = _ads(past, campaign, "spend", days)
        spent = Reading(_ADDED, rows, asked)
        if metric:
            return spent
        costs = [Input(id=name, value=value) for name, value in _file_costs(past, campaign).items()]
        return spent._replace(how="What the client's file says was paid, and what was spent on ads.", inputs=costs)
    if group == "results":
        group = "offline" if metric == "redemptions" else "website"
    if group == "touchpoint" and metric == "unmarked":
        return _unmarked(past, key, when)
    rows, asked = _campaign_rows(past, campaign, group, metric, of, days)
    return Reading(_how(rows, number.value), rows, asked)


def _unmarked(past: Past, key: str, when: str) -> Reading:
    """Visits by links that do not say which: what is left of all."""
    every = f"campaign/{key}/website/visits/{when}"
    told = [
        each.id
        for each in past.numbers.values()
        if each.of[:2] == (key, "touchpoint") and each.of[2] != "unmarked" and each.of[4] == when
    ]
    inputs = [Input(id=name, value=past.numbers[name].value) for name in (every, *told)]
    return Reading("What is left of the first when the others are taken off.", inputs=inputs)


def _how(rows: Sequence[Row], value: Value) -> str:
    """How a number of a campaign's table comes from its rows, as far as it can be said in one sentence."""
    known = [row.value for row in rows if row.value is not None]
    if rows and all(row.metric == "post" for row in rows) and len(rows) == value:
        return _COUNTED
    if isinstance(value, (int, float)) and (value == round(sum(known)) or math.isclose(value, sum(known))):
        return _ADDED
    if known and value == max(known):
        return _LARGEST
    return f"By the rules of the campaign's table these give it ({KINDS['campaign'].page})."


def _campaign_rows(
    past: Past, campaign: Campaign, group: str, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    key = campaign.key.casefold()
    match group, metric:
        case (("social" | "partners"), "posts") | ("social", "reach") | ("claimed", "claimed_leads"):
            return _campaign_posts(past, campaign, group, metric, of, days)
        case "claimed", _:
            return _ads(past, campaign, metric, days, of)
        case "offline", _:
            return _asset_rows(past, campaign, metric, of, days)
        case "website", "untagged_landing_visits" | "landing_visits":
            paths = {path for path in map(landing_pages.path_of, campaign.pages) if path}
            names = ("landing_visits", "tagged_landing_visits")
            found = [_visit_parts(past, name, "page", lambda day: paths, days) for name in names]
        case "touch", _:
            dimension = {"first": "first_campaign", "last": "campaign"}[of]
            found = [_visit_parts(past, metric, dimension, lambda day: {key}, days)]
        case "partners", _:
            tags = {f"{key}/{each.utm_source}" for each in campaign.partners if each.name == of}
            found = [_visit_parts(past, "visits", "touchpoint", lambda day: tags, days)]
        case "touchpoint", _:
            members = set(_members(past, campaign, metric, of))
            found = [_visit_parts(past, "visits", "touchpoint", lambda day: members, days)]
        case _:
            found = [_visit_parts(past, metric, "campaign", lambda day: {key}, days)]
    return [part.row for parts, _ in found for part in parts], tuple(query for _, asked in found for query in asked)


def _members(past: Past, campaign: Campaign, kind: str, name: str) -> Iterator[str]:
    """The members of the dimension `touchpoint` that a touchpoint of the table may stand for."""
    key = campaign.key.casefold()
    titles = {source.title: platform for platform, source in SOURCES.items()}
    yield from (f"{key}/{each.tag}" for each in campaign.assets if each.tag and each.name == name)
    yield from (f"{key}/{each.utm_source}" for each in campaign.partners if each.utm_source and each.name == name)
    if kind == "ads":
        yield f"{key}/{titles.get(name, name)}-ads"
    elif kind == "link":
        yield f"{key}/{titles.get(name, name).casefold()}"


def _campaign_posts(
    past: Past, campaign: Campaign, group: str, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    """The posts of a campaign of some days, the client's own or a partner's; or their counters on one platform."""
    social = past.with_partners
    first, end, every = _published(past, days, social)

    def is_part(post: read.Post) -> bool:
        partner = partner_of(campaign, social.accounts, post)
        if not belongs(past.client, post, campaign) or (partner.name if partner else "") != whose:
            return False
        return metric == "posts" or SOURCES[post.source].title == of

    whose = of if group == "partners" else ""
    posts = {name for name, (post, _) in every.items() if is_part(post)}
    if metric == "posts":
        asked = past.query("posts", first=first, end=end, campaign=campaign.key)
        return [_post_row(every[name][0]) for name in posts], (asked,)
    parts, queries = _counter_parts(past, _REACH if metric == "reach" else (metric,), days)
    return [part.row for part in parts if (part.row.source, part.row.of) in posts], queries


def _asset_rows(
    past: Past, campaign: Campaign, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    """What was counted of one asset, or with an empty name of all assets of a campaign."""

    def is_part(value: read.DayValue) -> bool:
        found = asset_of(past.client, value.member, value.day)
        return found is not None and found[0].key == campaign.key and of in {"", found[1].name}

    parts, asked = _day_parts(past, metric, "asset", days, is_part, asset=of)
    return [part.row for part in parts], asked


def _ads(
    past: Past, campaign: Campaign, metric: str, days: Sequence[dt.date], platform: str = ""
) -> tuple[list[Row], tuple[str, ...]]:
    """What ads managers tell of a campaign, of one platform or of all."""

    def is_part(value: read.DayValue) -> bool:
        name, _, told = value.member.rpartition("/")
        meant = campaign_of_ads(past.client, name, value.day) if value.source in OFFLINE else None
        is_meant = meant is not None and meant.key == campaign.key
        return is_meant and platform in {"", AD_PLATFORMS.get(told, told)}

    parts, asked = _day_parts(past, metric, "touchpoint", days, is_part, campaign=campaign.key)
    return [part.row for part in parts], asked


def _file_costs(past: Past, of: Campaign | None = None) -> dict[str, float]:
    """What the client's file says that assets and partners cost, by an id."""
    costs: dict[str, float] = {}
    for campaign in [of] if of else past.client.campaigns:
        named = [(asset.name, asset.cost) for asset in campaign.assets]
        named += [(partner.name, partner.cost) for partner in campaign.partners]
        costs |= {f"file/{campaign.key}/{slug(name)}/cost": float(cost) for name, cost in named if cost}
    return costs


# --- Formulas: their inputs --------------------------------------------------------------------------------------


def _given(
    inputs: Callable[[Past, PrintedNumber], Iterable[Input]],
) -> Callable[[Past, PrintedNumber], Reading]:
    """A reader of a formula's numbers, which are worked out by composing the report again."""

    def reader(past: Past, number: PrintedNumber) -> Reading:
        return Reading(KINDS[number.kind].how, inputs=tuple(inputs(past, number)))

    return reader


def _usual_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    """The weeks before of the number itself, and of those whose spread it shares."""
    [key] = number.of
    if key.startswith("channel/"):
        keys = [f"channel/{each.channel}" for each in past.facts.channels]
    else:
        keys = [each.id for each in past.facts.figures if (each.id in OF_POSTS) == (key in OF_POSTS)]
    yield from _inputs(past, sorted(keys, key=lambda each: each != key), _weeks_before(past, HISTORY_WEEKS))
    if "reactions_per_post" in keys:
        yield from _inputs(past, ["counted"], [*_weeks_before(past, HISTORY_WEEKS), past.facts.period])


def _weekday_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    key = number.of[0] if number.id.startswith("chart/") else _daily_keys(past, number)[0]
    first = past.week.shift(-HISTORY_WEEKS).monday
    days = [str(first + count * _DAY) for count in range((past.week.monday - first).days)]
    yield from _inputs(past, [key], days)


def _lift_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    """The post itself, and the earlier posts of its account and kind."""
    [place] = number.of
    post = _post_at(past, place)
    yield Input(id=f"post/{place}/reactions", value=past.facts.posts[int(place) - 1].reactions)
    weeks = [past.week.shift(-ago) for ago in range(HISTORY_WEEKS, 0, -1)]
    alike = counted_alike(weeks, past.breaks.posts)
    if not alike:
        return
    days = [day for week in alike for day in week.days]
    parts, _ = _parts(past, "reactions", days)
    sums: dict[str, float | None] = {}
    for _, row in parts:
        if row.source == post.source and row.value is not None:
            sums[row.of] = (sums.get(row.of) or 0.0) + row.value
    for each, _ in _published(past, days)[2].values():
        if (each.source, each.account_id, each.kind) == (post.source, post.account_id, post.kind):
            yield Input(id=f"post@{each.source}/{each.post_id}", value=sums.get(each.post_id))


def _change_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [key] = number.of
    keys = [
        each.id
        for each in past.facts.figures
        if (each.id in OF_POSTS) == (key in OF_POSTS) and each.id != "campaign_visits"
    ]
    keys = sorted(keys, key=lambda each: each != key)
    yield from _inputs(past, [*keys, "counted"] if key in OF_POSTS else keys, _last_weeks(past, CHANGE_WEEKS))


def _of_goal(past: Past, place: str) -> tuple[str, str]:
    """The series that a goal is of, and the days that have counted for it so far."""
    goal = past.goal(place)
    key: str = goal.metric
    if key == "campaign_visits":
        key = f"campaign/{goal.campaign}" if goal.campaign else "campaigns"
    return key, f"{goal.starts}..{min(goal.ends, past.week.sunday)}{_LATEST}"


def _goal_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [place] = number.of
    for name in (f"goal/{place}/so-far", f"goal/{place}/target"):
        yield Input(id=name, value=past.numbers[name].value)
    key, _ = _of_goal(past, place)
    yield from _inputs(past, [key], _last_weeks(past, HISTORY_WEEKS + 1))


def _year_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    yield from _inputs(past, ["reactions_per_post", "counted"], _last_weeks(past, YEAR_WEEKS))


def _effect_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    campaign = past.campaign(number.of[0])
    effect = next(each.effect for each in past.facts.campaigns if each.key == campaign.key)
    first, last = looked_at_from(campaign, past.week.sunday), min(campaign.ends, past.week.sunday)
    days = [first + count * _DAY for count in range((last - first).days + 1)]
    others = days_of_others(past.client, campaign, days)
    used = {str(day) for day in days if day not in others and past.web.is_settled(day, past.client.zone, past.as_of)}
    keys = ["visits", *(f"channel/{name}" for name in (effect.controls if effect else ()))]
    for each in _inputs(past, keys, [str(day) for day in days]):
        # The days of other campaigns, and those that are not counted to the end, are left out.
        yield each if each.id.partition("@")[2] in used else Input(id=each.id, value=None)


def _usual_posts_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    yield from _inputs(past, ["posts"], _weeks_before(past, HISTORY_WEEKS))


def _waited(past: Past, number: PrintedNumber) -> Reading:
    first, end = past.week.bounds(past.client.zone)
    received = _received(past)
    answers, also = _answers(past, received)
    rows = [*(_message_row(each) for each in received), *answers]
    return Reading(KINDS[number.kind].how, rows, (past.query("received_messages", first=first, end=end), also))


def _rate(past: Past, number: PrintedNumber) -> Reading:
    """Both sides of a rate, of the week and of the weeks that it is weighed by and held against."""
    metric, platform, handle = number.of
    days = [day for ago in range(HISTORY_WEEKS, -1, -1) for day in past.week.shift(-ago).days]
    how = f"{KINDS[number.kind].how} Its two sides are {' and '.join(METRICS[metric].parts)}."
    if not handle:
        found = [_visit_parts(past, name, "total", lambda day: {""}, days) for name in METRICS[metric].parts]
        rows = [part.row for parts, _ in found for part in parts]
        return Reading(how, rows, tuple(query for _, asked in found for query in asked))
    ours = _account_ids(past, platform, handle)
    theirs = {name for name, (post, _) in _published(past, days)[2].items() if (name[0], post.account_id) in ours}
    sides = next(sides for source, _ in ours if (sides := sides_of(source, metric, past.week.monday)))
    parts, asked = _counter_parts(past, [*sides.above, *sides.below], days)
    return Reading(how, [part.row for part in parts if (part.row.source, part.row.of) in theirs], asked)


def _cost_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [name] = number.of
    for each in (f"{name}/cost", f"{name}/cost/results"):
        yield Input(id=each, value=past.numbers[each].value)


def _worked_out(past: Past, number: PrintedNumber) -> Reading:
    one, sign, other = number.of
    inputs = [Input(id=name, value=past.numbers[name].value) for name in (one, other)]
    first, second = (each.value for each in inputs)
    if not isinstance(first, (int, float)) or not isinstance(second, (int, float)):
        raise LookupError(f"{one} or {other} is not reported, so nothing is worked out of them.")
    value = first - second if sign == "-" else first / second
    return Reading(f"{one} {sign} {other}", inputs=inputs, value=value)


def _file(past: Past, number: PrintedNumber) -> Reading:
    what, *place = number.of
    value: float
    if what == "goal":
        value = past.goal(place[0]).target
    elif what == "budget":
        value = past.campaign(place[0]).budget
    else:
        value = _file_costs(past)[what]
    return Reading(KINDS["file"].how, value=value)


_READERS: Mapping[str, Callable[[Past, PrintedNumber], Reading]] = {
    "series": _series,
    "posts": _posts,
    "followers": _followers,
    "post": _post,
    "past post": _past_post,
    "day": _day,
    "messages": _messages,
    "untagged": _untagged,
    "campaign": _campaign,
    "file": _file,
    "chosen": lambda past, number: Reading(f"{KINDS['chosen'].how} It is {number.of[0]}."),
    "usual": _given(_usual_inputs),
    "weekday": _given(_weekday_inputs),
    "usual posts": _given(_usual_posts_inputs),
    "lift": _given(_lift_inputs),
    "change": _given(_change_inputs),
    "goal": _given(_goal_inputs),
    "year": _given(_year_inputs),
    "effect": _given(_effect_inputs),
    "answers": _waited,
    "rate": _rate,
    "worked out": _worked_out,
    "cost range": _given(_cost_inputs),
}
