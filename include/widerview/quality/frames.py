"""The rows of a batch of pulls as columns, one frame a kind of line, as the suites expect them.

Whoever looks at a million rows must not look at each of them often: columns of numbers are arrays, and what can only
be wrong where something comes twice is worked out only where it does.
"""

import datetime as dt
import functools
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from widerview.quality.past import Past
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    Kind,
    PostRow,
    Row,
    Target,
    Window,
    plain_handle,
)
from widerview.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    import numpy as np

# Platforms' clocks and ours differ by seconds; minutes are allowed before a moment counts as the future.
CLOCK_SLACK = dt.timedelta(minutes=5)

# Older than anything on any platform, imported posts included; software that knows no date writes year 1 or 1970.
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

# Visits come in between the call for the total and the call for the channels, and analytics drop a few
# visits whose referrer they cannot place.
CHANNEL_SLACK_VISITS = 3
CHANNEL_SLACK_SHARE = 0.02

_BEYOND_ALL = 10**15
"""Larger than anything that is counted, and exact as a float."""

Columns = dict[str, Any]
"""Values by column: a list, or an array of numbers."""

Counted = AccountRow | PostRow | CounterRow
"""The rows that carry running totals."""

Published = PostRow | CounterRow | CommentRow
"""The rows that say when something was published."""

Place = tuple[int, str | None]
"""What can be held: a row by its position in the pull, or one running total of it."""


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
        past: What earlier pulls have told.
        tells_after: How long after its end the source may take to tell of a day at all.
        settles_after: How long after its end the source may still add to a day.
    """

    target: Target
    window: Window
    ended_at: dt.datetime
    metrics: tuple[str, ...]
    kind: Kind
    rows: Sequence[Row] = ()
    failed: str | None = None
    released: frozenset[Place] = frozenset()
    title: str | None = None
    past: Past = msgspec.field(default_factory=Past)
    tells_after: dt.timedelta = dt.timedelta(0)
    settles_after: dt.timedelta = dt.timedelta(hours=24)

    @property
    def name(self) -> str:
        """The source's name for people."""
        return self.title or self.target.source.capitalize()


RowT = TypeVar("RowT")


@dataclass(slots=True)
class Lines(Generic[RowT]):
    """Rows of one kind, and where each stands: its pull's position in the batch, and its own in the pull."""

    pulls: Sequence[PullRows]
    numbers: list[int] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    rows: list[RowT] = field(default_factory=list)

    def add(self, number: int, index: int, row: RowT) -> None:
        """Add a row."""
        self.numbers.append(number)
        self.indexes.append(index)
        self.rows.append(row)

    def where(self, wanted: Callable[[int, int, RowT], bool]) -> "Lines[RowT]":
        """The lines that are wanted, by the pull's position, the row's, and the row."""
        chosen: Lines[RowT] = Lines(self.pulls)
        for line in zip(self.numbers, self.indexes, self.rows, strict=True):
            if wanted(*line):
                chosen.add(*line)
        return chosen


def place(pulls: Sequence[PullRows], *kinds: type[RowT]) -> Lines[RowT]:
    """All rows of some kinds, pull by pull."""
    lines: Lines[RowT] = Lines(pulls)
    for number, pull in enumerate(pulls):
        for index, row in enumerate(pull.rows):
            if isinstance(row, kinds):
                lines.add(number, index, row)
    return lines


@dataclass(slots=True)
class Frame:
    """Lines to be judged by one suite.

    Attributes:
        suite: What a line is.
        numbers: Of each line, the position of its pull in the batch.
        columns: What is judged.
        subject: What a line, judged by a column, is about, for the words of a failure.
        places: What has to be held when a line fails by a column; empty: there is nothing that could be.
    """

    suite: str
    numbers: Sequence[int]
    columns: Columns
    subject: Callable[[int, str], Any]
    places: Callable[[int, str], Sequence[Place]]


def _frame(suite: str, lines: Lines[Any], columns: Columns) -> Frame:
    """A frame with a line for each row, held as a whole when it fails."""
    return Frame(
        suite,
        lines.numbers,
        columns,
        subject=lambda line, column: lines.rows[line],
        places=lambda line, column: [(lines.indexes[line], None)],
    )


def believed(row: Published) -> dt.datetime | None:
    """When it was published; None if the row does not say, or it cannot have been then."""
    at = row.published_at
    return at if at is not None and EARLIEST <= at <= row.observed_at + CLOCK_SLACK else None


def accounts(lines: Lines[AccountRow]) -> Frame:
    """Accounts, without their counts."""
    return _frame(
        "accounts",
        lines,
        {
            "account_id": _given(row.account_id for row in lines.rows),
            "handle": _given(row.handle for row in lines.rows),
            "is_asked_for": [
                not (row.handle and row.account_id)
                or plain_handle(lines.pulls[number].target.ref) in map(plain_handle, (row.handle, row.account_id))
                for number, row in zip(lines.numbers, lines.rows, strict=True)
            ],
            **_contents(
                lines,
                key=lambda row: (row.account_id, row.observed_at),
                content=lambda row: (row.handle, row.name, row.url),
            ),
        },
    )


def posts(lines: Lines[PostRow]) -> Frame:
    """Posts, without their counts."""
    shown = [{row.account_id for row in pull.rows if isinstance(row, AccountRow)} - {""} for pull in lines.pulls]
    return _frame(
        "posts",
        lines,
        {
            "account_id": _given(row.account_id for row in lines.rows),
            "post_id": _given(row.post_id for row in lines.rows),
            "permalink": _given(row.permalink for row in lines.rows),
            **_published(lines.rows),
            "kind": [row.kind for row in lines.rows],
            "is_own": [
                not shown[number] or not row.account_id or row.account_id in shown[number]
                for number, row in zip(lines.numbers, lines.rows, strict=True)
            ],
            "first_id": _first_ids(lines),
            **_contents(
                lines,
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
        },
    )


def _first_ids(lines: Lines[PostRow]) -> list[str | None]:
    """Of each post, the id of the first one known with the same words of the same second; None: it has no words."""
    first: dict[Hashable, str] = {}
    for number in set(lines.numbers):
        for post_id, post in lines.pulls[number].past.posts.items():
            first.setdefault((number, post.account_id, post.published_at, post.text), post_id)
    return [
        first.setdefault((number, row.account_id, row.published_at, row.text), row.post_id)
        if row.text and row.post_id not in lines.pulls[number].past.posts
        else None
        for number, row in zip(lines.numbers, lines.rows, strict=True)
    ]


def counters(lines: Lines[CounterRow]) -> Frame:
    """Rows that bring nothing but counts, without the counts."""
    return _frame(
        "counters",
        lines,
        {
            "account_id": _given(row.account_id for row in lines.rows),
            # An id that is empty is missing; one that is None is not needed, because the account itself is counted.
            "post_id": _given("none" if row.post_id is None else row.post_id for row in lines.rows),
            "of_a_post": [row.post_id is not None for row in lines.rows],
            "has_published_at": [row.published_at is not None for row in lines.rows],
            **_published(lines.rows),
        },
    )


def comments(lines: Lines[CommentRow]) -> Frame:
    """Comments."""
    return _frame(
        "comments",
        lines,
        {
            "account_id": _given(row.account_id for row in lines.rows),
            "comment_id": _given(row.comment_id for row in lines.rows),
            "post_id": _given(row.post_id for row in lines.rows),
            "author": _given(row.author for row in lines.rows),
            **_published(lines.rows),
            **_contents(
                lines,
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
        },
    )


@dataclass(frozen=True, slots=True)
class Total:
    """One running total of a row, as a check speaks of it.

    Attributes:
        row: The row that carries it.
        metric: Its metric.
        known: What it was when it was last seen; None if that is not known.
    """

    row: Counted
    metric: str
    known: int | None = None

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
        entity, entity_id = counted(self.row)
        return f"{entity} {entity_id}"


def counted(row: Counted) -> tuple[str, str]:
    """Kind and id of what a row's counts are totals of."""
    if isinstance(row, AccountRow) or row.post_id is None:
        return "account", row.account_id
    return "post", row.post_id


def told_metrics(lines: Lines[Counted]) -> Frame:
    """Each metric that each pull told; what is held are all totals of that metric in the pull."""
    kinds: dict[tuple[int, tuple[str, ...]], None] = dict.fromkeys(
        (number, tuple(row.counts)) for number, row in zip(lines.numbers, lines.rows, strict=True)
    )
    told = sorted({(number, metric) for number, metrics in kinds for metric in metrics})

    def of_metric(line: int) -> list[tuple[int, Counted]]:
        number, metric = told[line]
        return [
            (index, row)
            for at, index, row in zip(lines.numbers, lines.indexes, lines.rows, strict=True)
            if at == number and metric in row.counts
        ]

    return Frame(
        "metrics",
        [number for number, _ in told],
        {"qualified_metric": [f"{lines.pulls[number].target.source}.{metric}" for number, metric in told]},
        subject=lambda line, column: Total(of_metric(line)[0][1], told[line][1]),
        places=lambda line, column: [(index, told[line][1]) for index, _ in of_metric(line)],
    )


TOTAL = "total "
"""What the names of columns of running totals begin with; behind it stands the metric, which may be anything."""


def totals(lines: Lines[Counted]) -> Frame:
    """Running totals, a column a metric; one that fails costs nothing but itself."""
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for line, row in enumerate(lines.rows):
        alike[tuple(row.counts)].append(line)
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for metrics, members in alike.items():
        values = numbers([*chain.from_iterable(lines.rows[line].counts.values() for line in members)])
        for metric, column in zip(metrics, values.reshape(len(members), len(metrics)).T, strict=True):
            name = f"{TOTAL}{metric}"
            if name not in columns:
                columns[name] = numbers([None]).repeat(len(lines.rows))
            columns[name][members] = column
    return Frame(
        "totals",
        lines.numbers,
        columns,
        subject=lambda line, column: Total(lines.rows[line], column.removeprefix(TOTAL)),
        places=lambda line, column: [(lines.indexes[line], column.removeprefix(TOTAL))],
    )


def totals_again(lines: Lines[Counted]) -> Frame:
    """Totals that had been told before in the same pull of the same moment, beside what was told first.

    What is counted can be told twice at one moment, by its own row and by one of counts alone. Counts move while pages
    are read: only the same moment must not contradict itself.
    """
    keys = [(number, *counted(row), row.observed_at) for number, row in zip(lines.numbers, lines.rows, strict=True)]
    again: list[tuple[int, str]] = []
    said: list[tuple[int, int]] = []
    if len(set(keys)) < len(keys):
        first: dict[Hashable, dict[str, int | None]] = defaultdict(dict)
        for line, (key, row) in enumerate(zip(keys, lines.rows, strict=True)):
            for metric, value in row.counts.items():
                if metric in first[key]:
                    again.append((line, metric))
                    said.append((hash(value), hash(first[key][metric])))
                else:
                    first[key][metric] = value
    return Frame(
        "totals told again",
        [lines.numbers[line] for line, _ in again],
        {"content": [now for now, _ in said], "first_content": [then for _, then in said]},
        subject=lambda line, column: Total(lines.rows[again[line][0]], again[line][1]),
        places=lambda line, column: [(lines.indexes[again[line][0]], again[line][1])],
    )


def day_suites(lines: Lines[DayRow]) -> list[tuple[str, Lines[DayRow]]]:
    """The day values by what they are of: what was paid for, accounts, websites."""

    def suite(row: DayRow) -> str:
        metric = METRICS.get(row.metric)
        if metric is not None and metric.placement == "paid":
            return "ad days"
        return "account days" if row.entity == "account" else "web days"

    of_suite = {name: lines.where(lambda number, index, row, name=name: suite(row) == name)  # type: ignore[misc]
                for name in ("account days", "web days", "ad days")}  # fmt: skip
    return list(of_suite.items())


def days(suite: str, lines: Lines[DayRow]) -> Frame:
    """Day values; `today` is the day it was in their zone when the pull ended.

    Platforms count days of a zone of their own, which need not be the client's; but all days of one pull are of one.
    """
    first_zone: dict[int, str] = {}
    for number, row in zip(lines.numbers, lines.rows, strict=True):
        first_zone.setdefault(number, row.zone)
    windows = [pull.window for pull in lines.pulls]
    return _frame(
        suite,
        lines,
        {
            "entity": [row.entity for row in lines.rows],
            "entity_id": _given(row.entity_id for row in lines.rows),
            "day": _ordinals(row.day for row in lines.rows),
            "first_day": _ordinals(windows[number].first for number in lines.numbers),
            "last_day": _ordinals(windows[number].last for number in lines.numbers),
            "today": _ordinals(
                _today(row.zone, lines.pulls[number].ended_at)
                for number, row in zip(lines.numbers, lines.rows, strict=True)
            ),
            "zone": [row.zone if is_zone(row.zone) else None for row in lines.rows],
            "first_zone": [first_zone[number] for number in lines.numbers],
            "dimension": [row.dimension for row in lines.rows],
            "qualified_metric": [f"{row.source}.{row.metric}" for row in lines.rows],
            "value": numbers([row.value for row in lines.rows]),
            "whole": numbers([_whole(row) for row in lines.rows]),
            "money": [row.currency if _is_money(row.metric) else "none" for row in lines.rows],
            "currency": [row.currency for row in lines.rows],
            "currency_asked_for": [lines.pulls[number].target.options.get("currency") for number in lines.numbers],
            **_contents(
                lines,
                key=lambda row: (row.entity, row.entity_id, row.day, row.dimension, row.member, row.metric),
                content=lambda row: row.value,
            ),
        },
    )


def _is_money(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].unit == "money"


def _whole(row: DayRow) -> float | None:
    """The value without what is behind its point; None of what may have a fraction."""
    metric = METRICS.get(row.metric)
    if row.value is None or metric is None or metric.unit not in {"count", "people"} or metric.additivity == "ratio":
        return None
    return float(math.floor(row.value)) if math.isfinite(row.value) else row.value


def day_end(day: dt.date, zone: str) -> dt.datetime:
    """When a day of a zone ends, in UTC."""
    next_day = day + dt.timedelta(days=1)
    # In UTC, because hours added to a zone's own time go wrong where the clocks change.
    return Window(next_day, next_day).opens(zone).astimezone(dt.UTC)


def zone_of_days(pull: PullRows) -> str:
    """The zone whose days the platform counts; the client's where it counts none, or none that is known."""
    own = pull.target.time_zone
    told = next((row.zone for row in pull.rows if isinstance(row, DayRow)), own)
    return told if is_zone(told) else own


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
class Day:
    """The values of one day of an account or web property, for one member of one dimension.

    Attributes:
        pull: The pull.
        day: The day.
        values: Values by metric.
        indexes: Where the rows of each metric stand in the pull; more than one if a row came twice.
        channels: Visits by channel, for a day's total.
    """

    pull: PullRows
    day: dt.date
    values: dict[str, float | None] = field(default_factory=dict)
    indexes: dict[str, list[int]] = field(default_factory=dict)
    channels: dict[str, float | None] = field(default_factory=dict)

    def sum(self, metrics: Sequence[str]) -> float | None:
        """Some metrics together; None if the first of them is not reported."""
        if self.values.get(metrics[0]) is None:
            return None
        return sum(self.values.get(metric) or 0.0 for metric in metrics)


PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("unique_visitors", ("visits",)),
    ("bounces", ("visits",)),
    ("reach", ("views", "paid_views")),
    ("reach", ("impressions", "paid_impressions")),
    ("viewers", ("views", "paid_views")),
    ("paid_reach", ("paid_impressions",)),
    ("paid_viewers", ("paid_views",)),
)
"""Metrics that can never be more than others together: whoever was reached has been shown something. Facebook counts
viewers of posts and of ads together, and their views apart."""


def whole(metrics: Sequence[str]) -> str:
    """Name the column of some metrics together."""
    return " and ".join(metrics)


def whole_days(lines: Lines[DayRow]) -> Frame:
    """The values of each day beside each other; a metric that fails is held as often as it came."""
    found: dict[tuple[int, str, str, dt.date, str, str], Day] = {}

    def of(number: int, row: DayRow, dimension: str, member: str) -> Day:
        key = (number, row.entity, row.entity_id, row.day, dimension, member)
        if key not in found:
            found[key] = Day(lines.pulls[number], row.day)
        return found[key]

    for number, index, row in zip(lines.numbers, lines.indexes, lines.rows, strict=True):
        one = of(number, row, row.dimension, row.member)
        one.values[row.metric] = row.value
        one.indexes.setdefault(row.metric, []).append(index)
        if row.dimension == "channel" and row.metric == "visits":
            of(number, row, "total", "").channels[row.member] = row.value
    days = list(found.values())
    return Frame(
        "whole days",
        [number for number, *_ in found],
        {part: numbers([day.values.get(part) for day in days]) for part, _ in PARTS}
        | {whole(metrics): numbers([day.sum(metrics) for day in days]) for _, metrics in PARTS}
        | {
            "channel_gap": numbers([_channel_gap(day) for day in days]),
            "channel_slack": numbers(
                [max(CHANNEL_SLACK_VISITS, CHANNEL_SLACK_SHARE * (day.values.get("visits") or 0)) for day in days]
            ),
        },
        subject=lambda line, column: days[line],
        places=lambda line, column: [(index, None) for index in days[line].indexes.get(column, ())],
    )


def _channel_gap(day: Day) -> float | None:
    """A day without channels, or with one that is not reported, has no gap."""
    total = day.values.get("visits")
    parts = [visits for visits in day.channels.values() if visits is not None]
    if total is None or not parts or len(parts) < len(day.channels):
        return None
    return abs(total - sum(parts))


def numbers(values: Sequence[float | None]) -> "np.ndarray[Any, Any]":
    """An array of numbers, NaN where not reported; so what is no number is infinite."""
    import numpy as np  # noqa: PLC0415 - slow to import

    missing = values.count(None)
    try:
        array = np.array(values, dtype=np.float64)
        if np.count_nonzero(np.isnan(array)) == missing:
            return array
    except OverflowError:
        pass
    return np.array([math.nan if value is None else _finite(value) for value in values], dtype=np.float64)


def _finite(value: float) -> float:
    return float(value) if abs(value) < _BEYOND_ALL else math.inf


def _ordinals(days: Iterable[dt.date | None]) -> "np.ndarray[Any, Any]":
    """Days as numbers, which are compared faster."""
    return numbers([None if day is None else day.toordinal() for day in days])


def _given(names: Iterable[str | None]) -> list[str | None]:
    return [name or None for name in names]


def _published(rows: Sequence[Published]) -> Columns:
    """When each was published, and until when that can have been, in seconds since 1970."""
    latest = functools.cache(lambda observed_at: (observed_at + CLOCK_SLACK).timestamp())
    return {
        "published_at": numbers([None if row.published_at is None else _seconds(row.published_at) for row in rows]),
        "latest": numbers([latest(row.observed_at) for row in rows]),
    }


def _seconds(moment: dt.datetime) -> float:
    return moment.timestamp()


def _contents(lines: Lines[RowT], *, key: Callable[[RowT], Hashable], content: Callable[[RowT], Hashable]) -> Columns:
    """What each row says, and what the first row of its pull with the same key said (equal content, equal hash)."""
    import numpy as np  # noqa: PLC0415 - slow to import

    keys = [(number, key(row)) for number, row in zip(lines.numbers, lines.rows, strict=True)]
    if len(set(keys)) == len(keys):
        nothing = np.zeros(len(keys))
        return {"content": nothing, "first_content": nothing}
    first: dict[Hashable, int] = {}
    contents = [hash(content(row)) for row in lines.rows]
    firsts = [first.setdefault(at, said) for at, said in zip(keys, contents, strict=True)]
    return {"content": contents, "first_content": firsts}
