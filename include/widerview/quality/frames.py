"""The rows of a batch of pulls as columns, one frame a kind of line, as the suites expect them.

Whoever looks at a million rows must not look at each of them often: columns of numbers are arrays, and what can only
be wrong where something comes twice is worked out only where it does.
"""

import datetime as dt
import functools
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
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
    UnreadableRow,
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

# Visits come in between the call for a total and the call for its parts; analytics drop a few visits whose referrer
# they cannot place, and platforms round, estimate, and take out robots here before they do there.
SLACK_COUNT = 3
SLACK_SHARE = 0.02

_BEYOND_ALL = 10**15
"""Larger than anything that is counted, and exact as a float."""

_AT_A_TIME = 5_000
"""Rows whose totals, and what is made of them on the way, stay in a processor's cache."""

_SPREAD = -7046029254386353131
"""Odd, and with bits all over 64: the positions of a batch's pulls times this are far apart."""

Columns = dict[str, Any]
"""Values by column: a list, or an array of numbers."""

Counted = AccountRow | PostRow | CounterRow
"""The rows that carry running totals."""

Published = PostRow | CounterRow | CommentRow
"""The rows that say when something was published."""

Place = tuple[int, str | None]
"""What can be held: a row by its position in the pull, or one running total of it."""


class Stretch(NamedTuple):
    """Rows of one kind that follow each other in a pull: from `start` to before `stop`."""

    kind: type[Row]
    start: int
    stop: int


RowT = TypeVar("RowT")


class PullRows(msgspec.Struct, frozen=True, kw_only=True, dict=True):
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
        accepted: Whether a person has looked at what is red though nothing of it is held, and found it to be right.
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
    accepted: bool = False
    title: str | None = None
    past: Past = msgspec.field(default_factory=Past)
    tells_after: dt.timedelta = dt.timedelta(0)
    settles_after: dt.timedelta = dt.timedelta(hours=24)

    @property
    def name(self) -> str:
        """The source's name for people."""
        return self.title or self.target.source.capitalize()

    @functools.cached_property
    def stretches(self) -> Sequence[Stretch]:
        """Where rows of which kind stand, so that each row is asked for its kind once."""
        found: list[Stretch] = []
        start = 0
        for kind, some in groupby(map(type, self.rows)):
            stop = start + len(list(some))
            found.append(Stretch(kind, start, stop))
            start = stop
        return found

    def rows_of(self, *kinds: type[RowT]) -> Iterator[tuple[int, RowT]]:
        """The rows of some kinds, each after its position in `rows`."""
        for kind, start, stop in self.stretches:
            if issubclass(kind, kinds):
                yield from zip(range(start, stop), self.rows[start:stop], strict=True)


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

    def of_pull(self, number: int) -> range:
        """The positions of a pull's lines; they follow each other, for pulls are placed one by one."""
        return range(bisect_left(self.numbers, number), bisect_right(self.numbers, number))

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
        for kind, start, stop in pull.stretches:
            if issubclass(kind, kinds):
                lines.numbers += [number] * (stop - start)
                lines.indexes += range(start, stop)
                lines.rows += pull.rows[start:stop]  # type: ignore[arg-type]
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
            "account_id": _given(lines.rows, "account_id"),
            "handle": _given(lines.rows, "handle"),
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


def posts(lines: Lines[PostRow], accounts: Lines[AccountRow]) -> Frame:
    """Posts, without their counts, beside the accounts that were shown."""
    published = _published(lines.rows)
    shown: list[set[str]] = [set() for _ in lines.pulls]
    for number, account in zip(accounts.numbers, accounts.rows, strict=True):
        shown[number] |= {account.account_id} - {""}
    return _frame(
        "posts",
        lines,
        {
            "account_id": _given(lines.rows, "account_id"),
            "post_id": _given(lines.rows, "post_id"),
            "permalink": _given(lines.rows, "permalink"),
            **published,
            "kind": [row.kind for row in lines.rows],
            "is_own": [
                not own or row.account_id in own or not row.account_id
                for own, row in zip(map(shown.__getitem__, lines.numbers), lines.rows, strict=True)
            ],
            "first_id": _first_ids(lines, published["published_at"]),
            **_contents(
                lines,
                # Posts are edited while pages are read: only the same moment must not contradict itself.
                key=attrgetter("post_id", "observed_at"),
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


def _first_ids(lines: Lines[PostRow], published: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Of each post, 1 if it is the first one known with the same words of the same second, and 2 if another one is.

    NaN where nothing is to be said: it has no words, or is known itself.
    """
    import numpy as np  # noqa: PLC0415 - slow to import

    known = [(number, *each) for number, pull in enumerate(lines.pulls) for each in pull.past.posts.items()]
    pasts = map([pull.past.posts for pull in lines.pulls].__getitem__, lines.numbers)
    asked = np.flatnonzero(
        [bool(row.text) and row.post_id not in past for row, past in zip(lines.rows, pasts, strict=True)]
    )
    found = np.full(len(lines.rows), math.nan)
    found[asked] = 1
    of_pulls = np.concatenate([[number for number, *_ in known], np.array(lines.numbers)[asked]]).astype(np.intp)
    moments = np.concatenate([[post.published_at.timestamp() for *_, post in known], published[asked]])
    first: dict[Hashable, str] = {}
    for position in _recurring(of_pulls, moments.view(np.int64)):
        if position < len(known):
            number, post_id, post = known[position]
            first.setdefault((number, post.account_id, post.published_at, post.text), post_id)
        else:
            line = asked[position - len(known)]
            row = lines.rows[line]
            words = (lines.numbers[line], row.account_id, row.published_at, row.text)
            found[line] = 1 if first.setdefault(words, row.post_id) == row.post_id else 2
    return found


def counters(lines: Lines[CounterRow]) -> Frame:
    """Rows that bring nothing but counts, without the counts."""
    return _frame(
        "counters",
        lines,
        {
            "account_id": _given(lines.rows, "account_id"),
            # An id that is empty is missing; one that is None is not needed, because the account itself is counted.
            "post_id": [None if row.post_id == "" else 1.0 for row in lines.rows],
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
            "account_id": _given(lines.rows, "account_id"),
            "comment_id": _given(lines.rows, "comment_id"),
            "post_id": _given(lines.rows, "post_id"),
            "author": _given(lines.rows, "author"),
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


Alike = dict[tuple[str, ...], list[int]]
"""The lines that tell of the same metrics in the same order, by these metrics."""


def alike(lines: Lines[Counted]) -> Alike:
    """Sort lines by the metrics they tell of."""
    found: Alike = defaultdict(list)
    start = 0
    for metrics, some in groupby(map(list, map(attrgetter("counts"), lines.rows))):
        stop = start + sum(1 for _ in some)
        found[tuple(metrics)] += range(start, stop)
        start = stop
    return found


def told_metrics(lines: Lines[Counted], alike: Alike) -> Frame:
    """Each metric that each pull told; what is held are all totals of that metric in the pull."""
    told = sorted(
        {
            (number, metric)
            for metrics, members in alike.items()
            for number in {lines.numbers[line] for line in members}
            for metric in metrics
        }
    )

    def of_metric(line: int) -> list[tuple[int, Counted]]:
        number, metric = told[line]
        return [(lines.indexes[at], lines.rows[at]) for at in lines.of_pull(number) if metric in lines.rows[at].counts]

    return Frame(
        "metrics",
        [number for number, _ in told],
        {"qualified_metric": [f"{lines.pulls[number].target.source}.{metric}" for number, metric in told]},
        subject=lambda line, column: Total(of_metric(line)[0][1], told[line][1]),
        places=lambda line, column: [(index, told[line][1]) for index, _ in of_metric(line)],
    )


TOTAL = "total "
"""What the names of columns of running totals begin with; behind it stands the metric, which may be anything."""


def total_columns(lines: Lines[Counted], alike: Alike) -> Columns:
    """Running totals, a column a metric, with a value for each line; NaN where it tells of no such metric."""
    import numpy as np  # noqa: PLC0415 - slow to import

    names = list(dict.fromkeys(chain.from_iterable(alike)))
    table = np.full((len(names), len(lines.rows)), math.nan)
    for metrics, members in alike.items():
        at = np.array([names.index(metric) for metric in metrics], dtype=np.intp)
        for start in range(0, len(members), _AT_A_TIME):
            some = members[start : start + _AT_A_TIME]
            counts = map(attrgetter("counts"), map(lines.rows.__getitem__, some))
            values = numbers([*chain.from_iterable(map(methodcaller("values"), counts))])
            table[np.ix_(at, np.array(some, dtype=np.intp))] = values.reshape(len(some), len(metrics)).T
    return {f"{TOTAL}{metric}": column for metric, column in zip(names, table, strict=True)}


def totals(lines: Lines[Counted], columns: Columns) -> Frame:
    """Running totals, a column a metric; one that fails costs nothing but itself."""
    return Frame(
        "totals",
        lines.numbers if columns else [],
        columns,
        subject=lambda line, column: Total(lines.rows[line], column.removeprefix(TOTAL)),
        places=lambda line, column: [(lines.indexes[line], column.removeprefix(TOTAL))],
    )


def totals_again(lines: Lines[Counted]) -> Frame:
    """Totals that had been told before in the same pull of the same moment, beside what was told first.

    What is counted can be told twice at one moment, by its own row and by one of counts alone. Counts move while pages
    are read: only the same moment must not contradict itself.
    """
    again: list[tuple[int, str]] = []
    said: list[tuple[int, int]] = []
    first: defaultdict[Hashable, dict[str, int | None]] = defaultdict(dict)
    names = [getattr(row, "post_id", None) or row.account_id for row in lines.rows]
    moments = map(attrgetter("observed_at"), lines.rows)
    for line in _recurring(lines.numbers, _hashes(zip(names, moments, strict=True))):
        row = lines.rows[line]
        before = first[lines.numbers[line], *counted(row), row.observed_at]
        for metric, value in row.counts.items():
            if metric in before:
                again.append((line, metric))
                said.append((hash(value), hash(before[metric])))
            else:
                before[metric] = value
    return Frame(
        "totals told again",
        [lines.numbers[line] for line, _ in again],
        {"content": [now for now, _ in said], "first_content": [then for _, then in said]},
        subject=lambda line, column: Total(lines.rows[again[line][0]], again[line][1]),
        places=lambda line, column: [(lines.indexes[again[line][0]], again[line][1])],
    )


_SUITES: dict[str, str] = {"account": "account days", "site": "web days", "folder": "folder days"}
"""What the days of each kind of entity are called; what is of no known kind is judged, and held, as one of the web."""


def day_suites(lines: Lines[DayRow]) -> list[tuple[str, Lines[DayRow]]]:
    """The day values by what they are of: what was paid for, accounts, websites, folders of files."""

    def suite(row: DayRow) -> str:
        metric = METRICS.get(row.metric)
        if metric is not None and metric.placement == "paid":
            return "ad days"
        return _SUITES.get(row.entity, "web days")

    of_suite: dict[str, Lines[DayRow]] = {name: Lines(lines.pulls) for name in (*_SUITES.values(), "ad days")}
    for number, index, row in zip(lines.numbers, lines.indexes, lines.rows, strict=True):
        of_suite[suite(row)].add(number, index, row)
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
            "entity_id": _given(lines.rows, "entity_id"),
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
                # Files stay where a corrected one was put beside them; the one saved last counts.
                key=lambda row: (
                    row.entity,
                    row.entity_id,
                    row.day,
                    row.dimension,
                    row.member,
                    row.metric,
                    row.observed_at if row.entity == "folder" else None,
                ),
                content=lambda row: row.value,
            ),
        },
    )


def unreadable(lines: Lines[UnreadableRow]) -> Frame:
    """Lines of files, and files, that break their format."""
    return _frame("lines of files", lines, {"is_readable": [False] * len(lines.rows)})


def _is_money(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].unit == "money"


def _whole(row: DayRow) -> float | None:
    """The value without what is behind its point; None of what may have a fraction."""
    metric = METRICS.get(row.metric)
    if row.value is None or metric is None or metric.unit not in {"count", "people"} or metric.additivity == "ratio":
        return None
    if metric.divisible:
        return None
    return float(math.floor(row.value)) if math.isfinite(row.value) else row.value


@functools.lru_cache(maxsize=4096)
def day_end(day: dt.date, zone: str) -> dt.datetime:
    """When a day of a zone ends, in UTC."""
    next_day = day + dt.timedelta(days=1)
    # In UTC, because hours added to a zone's own time go wrong where the clocks change.
    return Window(next_day, next_day).opens(zone).astimezone(dt.UTC)


def zone_of_days(pull: PullRows) -> str:
    """The zone whose days the platform counts; the client's where it counts none, or none that is known."""
    own = pull.target.time_zone
    told = next((row.zone for _, row in pull.rows_of(DayRow)), own)
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

    def most(self, metrics: Sequence[str]) -> float | None:
        """What a part of some metrics together may come to; None if the first of them is not reported."""
        if self.values.get(metrics[0]) is None:
            return None
        together = sum(self.values.get(metric) or 0.0 for metric in metrics)
        return together + slack(together)


def slack(total: float) -> float:
    """By how much a part, or the sum of all parts, may be off its total."""
    return max(SLACK_COUNT, SLACK_SHARE * total)


PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("unique_visitors", ("visits",)),
    ("bounces", ("visits",)),
    ("tagged_landing_visits", ("landing_visits",)),
    ("reach", ("views", "paid_views")),
    ("reach", ("impressions", "paid_impressions")),
    ("viewers", ("views", "paid_views")),
    ("paid_reach", ("paid_impressions",)),
    ("paid_viewers", ("paid_views",)),
    ("unsubscribes", ("emails_sent",)),
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
        | {whole(metrics): numbers([day.most(metrics) for day in days]) for _, metrics in PARTS}
        | {
            "channel_gap": numbers([_channel_gap(day) for day in days]),
            "channel_slack": numbers([slack(day.values.get("visits") or 0) for day in days]),
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

    try:
        array = np.array(values, dtype=np.float64)
        if all(values[position] is None for position in np.flatnonzero(np.isnan(array)).tolist()):
            return array
    except OverflowError:
        pass
    return np.array([math.nan if value is None else _finite(value) for value in values], dtype=np.float64)


def _finite(value: float) -> float:
    return float(value) if abs(value) < _BEYOND_ALL else math.inf


def _ordinals(days: Iterable[dt.date | None]) -> "np.ndarray[Any, Any]":
    """Days as numbers, which are compared faster."""
    return numbers([None if day is None else day.toordinal() for day in days])


def _given(rows: Sequence[Row], name: str) -> "np.ndarray[Any, Any]":
    """1 where a row has something in a field, NaN where that is missing or empty."""
    import numpy as np  # noqa: PLC0415 - slow to import

    given = np.fromiter(map(bool, map(attrgetter(name), rows)), dtype=bool, count=len(rows))
    return np.where(given, 1.0, math.nan)


def _published(rows: Sequence[Published]) -> Columns:
    """When each was published, and until when that can have been, in seconds since 1970."""
    latest = functools.cache(lambda observed_at: (observed_at + CLOCK_SLACK).timestamp())
    return {
        "published_at": numbers([None if (at := row.published_at) is None else at.timestamp() for row in rows]),
        "latest": numbers([*map(latest, map(attrgetter("observed_at"), rows))]),
    }


def _contents(lines: Lines[RowT], *, key: Callable[[RowT], Hashable], content: Callable[[RowT], Hashable]) -> Columns:
    """What each row says, and what the first row of its pull with the same key said (equal content, equal hash).

    Both are 0 where no other row has the key.
    """
    import numpy as np  # noqa: PLC0415 - slow to import

    contents, firsts = np.zeros((2, len(lines.rows)), dtype=np.int64)
    first: dict[Hashable, int] = {}
    for line in _recurring(lines.numbers, _hashes(map(key, lines.rows))):
        row = lines.rows[line]
        contents[line] = hash(content(row))
        firsts[line] = first.setdefault((lines.numbers[line], key(row)), contents[line])
    return {"content": contents, "first_content": firsts}


def _recurring(numbers: "Sequence[int] | np.ndarray[Any, Any]", hashes: "np.ndarray[Any, Any]") -> list[int]:
    """The lines whose key another line of the same pull has, too; by chance a few more.

    Keys are told apart by their hashes, mixed with the pull's position: sorting these costs next to nothing.
    """
    import numpy as np  # noqa: PLC0415 - slow to import

    mixed = hashes ^ np.asarray(numbers, dtype=np.int64) * _SPREAD
    ordered = np.sort(mixed)
    return np.flatnonzero(np.isin(mixed, ordered[1:][ordered[1:] == ordered[:-1]])).tolist()


def _hashes(keys: Iterable[Hashable]) -> "np.ndarray[Any, Any]":
    import numpy as np  # noqa: PLC0415 - slow to import

    return np.fromiter(map(hash, keys), dtype=np.int64)
