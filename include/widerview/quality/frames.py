"""The rows of a batch of pulls as columns, one frame a kind of row, as the suites expect them."""

import datetime as dt
import functools
import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    Counts,
    DayRow,
    Kind,
    PostRow,
    Row,
    Target,
    Window,
)

# Platforms' clocks and ours differ by seconds; minutes are allowed before a moment counts as the future.
CLOCK_SLACK = dt.timedelta(minutes=5)

# Older than anything on any platform, imported posts included; software that knows no date writes year 1 or 1970.
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

# Visits come in between the call for the total and the call for the channels, and analytics drop a few
# visits whose referrer they cannot place.
CHANNEL_SLACK_VISITS = 3
CHANNEL_SLACK_SHARE = 0.02

Columns = dict[str, Sequence[object]]

Counted = AccountRow | PostRow | CounterRow
"""The rows that carry running totals."""

Published = PostRow | CounterRow | CommentRow
"""The rows that say when something was published."""


class PullRows(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull gave, ready to be checked.

    Attributes:
        target: The account or web property that was asked for.
        window: The days that were asked for.
        ended_at: When the pull ended.
        metrics: The metrics its source is known to report.
        kind: Whether the source is a social platform or web analytics.
        rows: All rows, in the order `parse` gave them; `Rejected.index` counts in it.
        failed: Why the pull could not be finished, in plain words; None if it was.
        released: What a person has found to be right after all: positions in `rows`, each with one running total of
            the row, or None for the whole of it. It is not held again.
        title: The source's name for people; its short name, capitalised, if left out.
    """

    target: Target
    window: Window
    ended_at: dt.datetime
    metrics: tuple[str, ...]
    kind: Kind
    rows: Sequence[Row] = ()
    failed: str | None = None
    released: frozenset[tuple[int, str | None]] = frozenset()
    title: str | None = None


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Placed(Generic[RowT]):
    """A row and where it stands: the pull's position in the batch, and the row's in the pull."""

    number: int
    index: int
    pull: PullRows
    row: RowT


def place(pulls: Sequence[PullRows], kind: type[RowT]) -> list[Placed[RowT]]:
    """All rows of one kind, pull by pull."""
    return [
        Placed(number, index, pull, row)
        for number, pull in enumerate(pulls)
        for index, row in enumerate(pull.rows)
        if isinstance(row, kind)
    ]


def believed(row: Published) -> dt.datetime | None:
    """When it was published; None if the row does not say, or it cannot have been then."""
    at = row.published_at
    return at if at is not None and EARLIEST <= at <= row.observed_at + CLOCK_SLACK else None


def accounts(placed: Sequence[Placed[AccountRow]]) -> Columns:
    """Columns of account rows."""
    return {
        "account_id": [at.row.account_id or None for at in placed],
        "handle": [at.row.handle or None for at in placed],
        **_contents(
            placed,
            key=lambda row: (row.account_id, row.observed_at),
            content=lambda row: (row.handle, row.name, row.url),
        ),
    }


def posts(placed: Sequence[Placed[PostRow]]) -> Columns:
    """Columns of posts, without their counts."""
    return {
        "account_id": [at.row.account_id or None for at in placed],
        "post_id": [at.row.post_id or None for at in placed],
        "permalink": [at.row.permalink or None for at in placed],
        **_published(placed),
        "kind": [at.row.kind for at in placed],
        **_contents(
            placed,
            # Posts are edited while pages are read: only the same moment must not contradict itself.
            key=lambda row: (row.post_id, row.observed_at),
            content=lambda row: (
                row.account_id,
                row.published_at,
                row.kind,
                row.text,
                row.permalink,
                row.tags,
                row.links,
                row.reply_to,
            ),
        ),
    }


def counters(placed: Sequence[Placed[CounterRow]]) -> Columns:
    """Columns of rows that bring nothing but counts, without the counts."""
    return {
        "account_id": [at.row.account_id or None for at in placed],
        # An id that is empty is missing; one that is None is not needed, because the account itself is counted.
        "post_id": ["none" if at.row.post_id is None else at.row.post_id or None for at in placed],
        "of_a_post": [at.row.post_id is not None for at in placed],
        "has_published_at": [at.row.published_at is not None for at in placed],
        **_published(placed),
    }


def comments(placed: Sequence[Placed[CommentRow]]) -> Columns:
    """Columns of comments."""
    return {
        "account_id": [at.row.account_id or None for at in placed],
        "comment_id": [at.row.comment_id or None for at in placed],
        "post_id": [at.row.post_id or None for at in placed],
        "author": [at.row.author or None for at in placed],
        **_published(placed),
        **_contents(
            placed,
            key=lambda row: (row.comment_id, row.observed_at),
            content=lambda row: (
                row.account_id,
                row.post_id,
                row.published_at,
                row.author,
                row.own,
                row.text,
                row.permalink,
                row.reply_to,
            ),
        ),
    }


@dataclass(frozen=True, slots=True)
class Total:
    """One running total of a row, as a check speaks of it.

    Attributes:
        row: The row that carries it.
        metric: Its metric.
    """

    row: Counted
    metric: str

    @property
    def source(self) -> str:
        """Name of its source."""
        return self.row.source

    @property
    def value(self) -> int | None:
        """The total itself."""
        return self.row.counts[self.metric]

    @property
    def counted(self) -> str:
        """What it is a total of, in words."""
        entity, entity_id = _counted(self.row)
        return f"{entity} {entity_id}"


@dataclass
class Totals:
    """All running totals of a batch in the order of its rows: of each, its row, its metric, and what is judged of it.

    There may be twenty to a row, so they are kept as columns; a `Total` is made for one that fails.
    """

    placed: list[Placed[Counted]] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    qualified: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    contents: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)

    def columns(self) -> Columns:
        """The columns a suite judges."""
        return {
            "qualified_metric": self.qualified,
            "value": self.values,
            "content": self.contents,
            "first_content": self.firsts,
        }


def totals(pulls: Sequence[PullRows]) -> Totals:
    """Bring all running totals together, whatever kind of row they came in.

    What is counted can be told twice at one moment, by its own row and by one of counts alone: a total is compared
    with the first of its pull.
    """
    found = Totals()
    qualify = functools.cache(lambda source, metric: f"{source}.{metric}")
    for number, pull in enumerate(pulls):
        firsts: dict[Hashable, Counts] = {}
        for index, row in enumerate(pull.rows):
            if not isinstance(row, Counted) or not row.counts:
                continue
            # Counts move while pages are read: only the same moment must not contradict itself.
            key = (*_counted(row), row.observed_at)
            first = firsts[key] = {**row.counts, **firsts[key]} if key in firsts else row.counts
            found.placed += [Placed(number, index, pull, row)] * len(row.counts)
            found.metrics += row.counts
            found.qualified += map(qualify, itertools.repeat(row.source), row.counts)
            found.values += map(_number, row.counts.values())
            said = [hash(value) for value in row.counts.values()]
            found.contents += said
            found.firsts += said if first is row.counts else [hash(first[metric]) for metric in row.counts]
    return found


def _counted(row: Counted) -> tuple[str, str]:
    """Kind and id of what a row's counts are totals of."""
    if isinstance(row, AccountRow) or row.post_id is None:
        return "account", row.account_id
    return "post", row.post_id


def days(placed: Sequence[Placed[DayRow]]) -> Columns:
    """Columns of day values; `today` is the day it was in their zone when the pull ended.

    Platforms count days of a zone of their own, which need not be the client's; but all days of one pull are of one.
    """
    first_zone: dict[int, str] = {}
    for at in placed:
        first_zone.setdefault(at.number, at.row.zone)
    return {
        "entity": [at.row.entity for at in placed],
        "entity_id": [at.row.entity_id or None for at in placed],
        "day": [at.row.day for at in placed],
        "first_day": [at.pull.window.first for at in placed],
        "last_day": [at.pull.window.last for at in placed],
        "today": [_today(at.row.zone, at.pull.ended_at) for at in placed],
        "zone": [at.row.zone if is_zone(at.row.zone) else None for at in placed],
        "first_zone": [first_zone[at.number] for at in placed],
        "dimension": [at.row.dimension for at in placed],
        "qualified_metric": [f"{at.row.source}.{at.row.metric}" for at in placed],
        "value": [_number(at.row.value) for at in placed],
        **_contents(
            placed,
            key=lambda row: (row.entity, row.entity_id, row.day, row.dimension, row.member, row.metric),
            content=lambda row: row.value,
        ),
    }


def is_zone(name: str) -> bool:
    """Whether it is an IANA time zone."""
    return name in _zones()


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@functools.cache
def _today(zone: str, moment: dt.datetime) -> dt.date | None:
    return (moment + CLOCK_SLACK).astimezone(ZoneInfo(zone)).date() if is_zone(zone) else None


@dataclass
class WebDay:
    """The values of one day of a web property, for one member of one dimension.

    Attributes:
        number: The pull's position in the batch.
        pull: The pull.
        day: The day.
        values: Values by metric.
        indexes: Where the rows of each metric stand in the pull; more than one if a row came twice.
        channels: Visits by channel, for a day's total.
    """

    number: int
    pull: PullRows
    day: dt.date
    values: dict[str, float | None] = field(default_factory=dict)
    indexes: dict[str, list[int]] = field(default_factory=dict)
    channels: dict[str, float | None] = field(default_factory=dict)


def web_days(placed: Sequence[Placed[DayRow]]) -> list[WebDay]:
    """Bring the values of each day together."""
    found: dict[tuple[int, str, str, dt.date, str, str], WebDay] = {}

    def of(at: Placed[DayRow], dimension: str, member: str) -> WebDay:
        key = (at.number, at.row.entity, at.row.entity_id, at.row.day, dimension, member)
        return found.setdefault(key, WebDay(at.number, at.pull, at.row.day))

    for at in placed:
        row = at.row
        one = of(at, row.dimension, row.member)
        one.values[row.metric] = row.value
        one.indexes.setdefault(row.metric, []).append(at.index)
        if row.dimension == "channel" and row.metric == "visits":
            of(at, "total", "").channels[row.member] = row.value
    return list(found.values())


def web_day_columns(days: Sequence[WebDay]) -> Columns:
    """Columns of web days; a day without channels, or with one that is not reported, has no gap."""
    return {
        "visits": [_number(day.values.get("visits")) for day in days],
        "unique_visitors": [_number(day.values.get("unique_visitors")) for day in days],
        "bounces": [_number(day.values.get("bounces")) for day in days],
        "channel_gap": [_number(_channel_gap(day)) for day in days],
        "channel_slack": [
            max(CHANNEL_SLACK_VISITS, CHANNEL_SLACK_SHARE * (day.values.get("visits") or 0)) for day in days
        ],
    }


def _channel_gap(day: WebDay) -> float | None:
    total = day.values.get("visits")
    parts = [visits for visits in day.channels.values() if visits is not None]
    if total is None or not parts or len(parts) < len(day.channels):
        return None
    return abs(total - sum(parts))


def _number(value: float | None) -> float:
    """NaN in a frame means not reported, so what is no number, or is larger than any count, becomes infinite."""
    if value is None:
        return math.nan
    return float(value) if abs(value) < 10**15 else math.inf


def _published(placed: Sequence[Placed[PostRow] | Placed[CounterRow] | Placed[CommentRow]]) -> Columns:
    """When each was published, and from when to when that can have been."""
    return {
        "published_at": [at.row.published_at for at in placed],
        "earliest": [EARLIEST for _ in placed],
        "latest": [at.row.observed_at + CLOCK_SLACK for at in placed],
    }


def _contents(
    placed: Sequence[Placed[RowT]], *, key: Callable[[RowT], Hashable], content: Callable[[RowT], Hashable]
) -> Columns:
    """What each row says, and what the first row of its pull with the same key said (equal content, equal hash)."""
    first: dict[Hashable, int] = {}
    contents = [hash(content(at.row)) for at in placed]
    firsts = [first.setdefault((at.number, key(at.row)), said) for at, said in zip(placed, contents, strict=True)]
    return {"content": contents, "first_content": firsts}
