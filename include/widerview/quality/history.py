"""The rows of a batch of pulls beside what had been known before: what a single answer cannot tell of itself.

Every bound is drawn from the account's own past, and wide: good weeks happen, and the gate is there for numbers that
cannot be, not for those that are remarkable. A target without a past has nothing to be held against and passes.
"""

import datetime as dt
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from babel.dates import format_date

from widerview.quality.frames import (
    SLACK_COUNT,
    SLACK_SHARE,
    TOTAL,
    Columns,
    Counted,
    Frame,
    Lines,
    Place,
    PullRows,
    Total,
    counted,
    day_end,
    numbers,
    zone_of_days,
)
from widerview.quality.past import KnownPost, Series
from widerview.sources.base import Counts, DayRow, PostRow, Window
from widerview.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    import numpy as np

SETTLED = dt.timedelta(hours=48)
"""After that a day hardly moves on any platform, and a post has had most of what it will get."""

LASTING = frozenset(
    {"impressions", "views", "video_views", "engaged_views", "watch_time", "reach", "viewers", "profile_views"}
    | {"paid_impressions", "paid_views", "paid_reach", "paid_viewers"}
)
"""Running totals that cannot fall: what has been seen stays seen. (A like can be taken back.)"""

LEADS = frozenset(metric for led in ("reactions", "passed_on") for metric in METRICS[led].parts)
"""The running totals that a report leads with."""

_SAME = 0.02
"""Share by which two numbers may differ and still be taken for the same."""

_WEB_HIGHEST, _WEB_HIGH = 20.0, 5.0
"""Times the most visited day of eight weeks: what cannot be, and what a person should look at."""

_WEB_LOW = 0.4
"""Times the least visited of such weekdays: what a person should look at."""

_SOCIAL_HIGH = 50.0
"""The same of a social platform, where one post can be seen by fifty times as many people as any before."""

_FEW = 20
"""Below that a number says nothing about what is usual."""

_FEW_POSTS = _FEW_DAYS = 3
"""With fewer there is no telling chance from fault."""

_NEWS = dt.timedelta(days=7)
"""For so long the loss of a metric holds the report: a person looks at it in one week, and not in every week after."""

_ENOUGH_POSTS = 5
_FEW_LIKES = 5
_TAKEN_BACK = 2
_FALL = 0.2
"""People take back a like or two, and not a fifth of all that a post has had."""

_COUNTED = {"count", "people"}
"""Units in which what is usual can be told from eight weeks; a shop's revenue has days of nothing and days of much."""

_ENOUGH_DAYS = 14
_ENOUGH_WEEKS = 6
_MONTH = 28
_NEARLY_ALL = 0.9
_MOST = 0.5

_ALWAYS = ("total", "channel")
"""What analytics always tell of. Campaigns end, and with them their visits."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Running totals beside what they were when last seen, for those lines of which something was known.

    Attributes:
        lines: The lines, as positions.
        metrics: The metrics, a column each.
        now: What they are, a row a line; NaN where not reported.
        was: What they were, alike.
        settled: Whether a line is of a post that had been settled when last seen.
    """

    lines: "np.ndarray[Any, Any]"
    metrics: Sequence[str]
    now: "np.ndarray[Any, Any]"
    was: "np.ndarray[Any, Any]"
    settled: "np.ndarray[Any, Any]"


def beside(rows: Lines[Counted], totals: Columns) -> Beside:
    """Look up what was known of running totals; `totals` are their columns."""
    import numpy as np  # noqa: PLC0415 - slow to import

    metrics = [column.removeprefix(TOTAL) for column in totals]
    lines: list[int] = []
    known: list[Counts] = []
    settled: list[bool] = []
    for number, past in enumerate(pull.past for pull in rows.pulls):
        for line in rows.of_pull(number) if past.posts or past.counts else ():
            entity, entity_id = counted(rows.rows[line])
            post = past.posts.get(entity_id) if entity == "post" else None
            counts = post.counts if post else past.counts.get(entity_id) if entity == "account" else None
            if counts:
                lines.append(line)
                known.append(counts)
                settled.append(post is not None and _is_settled(post))
    shape = (len(lines), len(metrics))
    return Beside(
        np.array(lines, dtype=np.intp),
        metrics,
        now=np.array([column[lines] for column in totals.values()]).T.reshape(shape),
        was=numbers([counts.get(metric) for counts in known for metric in metrics]).reshape(shape),
        settled=np.array(settled, dtype=bool),
    )


def totals_before(lines: Lines[Counted], beside: Beside) -> Frame:
    """Running totals beside what they were when last seen, one after the other."""
    import numpy as np  # noqa: PLC0415 - slow to import

    at, of = np.nonzero(~np.isnan(beside.now) & ~np.isnan(beside.was))
    now, was = beside.now[at, of], beside.was[at, of]
    least = was - np.maximum(SLACK_COUNT, SLACK_SHARE * was)
    lasting = np.array([metric in LASTING for metric in beside.metrics], dtype=bool)
    levels = np.array([_is_level(metric) for metric in beside.metrics], dtype=bool)

    def line_of(position: int) -> int:
        return int(beside.lines[at[position]])

    def metric_of(position: int) -> str:
        return beside.metrics[int(of[position])]

    return Frame(
        "totals before",
        np.array(lines.numbers, dtype=np.intp)[beside.lines][at].tolist(),
        {
            "value": now,
            "least": np.where(lasting[of], least, np.nan),
            "told": np.where(lasting[of] & (now < least), np.nan, was),
            "half": np.where(levels[of] & (was >= _FEW), was / 2, np.nan),
        },
        subject=lambda line, column: Total(lines.rows[line_of(line)], metric_of(line), int(was[line])),
        places=lambda line, column: [(lines.indexes[line_of(line)], metric_of(line))],
    )


def _is_level(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].additivity == "stock"


@dataclass(slots=True)
class Change:
    """How a metric of an account's posts has moved since it was last seen, over those posts that had been settled.

    Attributes:
        metric: The metric.
        posts: How many posts have it now as then.
        was: What it was, all posts added up.
        now: What it is.
        fell: In which share of those of these posts that had a few it fell by more than a fifth; None of few posts.
        told: The share of posts of which it is told, of those that had it, and of all those of the window if nearly
            all had it: the lesser of the two; None where these are too few.
        is_led: Whether its loss holds the report: it is led with, it was more than a few, and the loss is news.
    """

    metric: str
    posts: int = 0
    was: int = 0
    now: int = 0
    fell: float | None = None
    told: float | None = None
    is_led: bool = False

    @property
    def label(self) -> str:
        """Its name for people, within a sentence."""
        return label(self.metric)


def post_changes(lines: Lines[Counted], totals: Columns, beside: Beside) -> Frame:
    """Each metric of each account's posts: how it moved altogether, and whether it is told at all."""
    changes: dict[tuple[int, str], Change] = {}
    for number, pull in enumerate(lines.pulls):
        known = pull.past.posts.values()
        for metric in sorted({metric for post in known for metric in post.counts}):
            changes[number, metric] = Change(metric, is_led=_is_led(metric, known, pull.ended_at))
    if changes:
        _add_moves(changes, lines, beside)
        _add_told(changes, lines, totals)
    every = list(changes.items())
    enough = [change.posts >= _FEW_POSTS and change.was >= _FEW for change in changes.values()]

    def places(line: int) -> list[Place]:
        (number, metric), _ = every[line]
        return [
            (lines.indexes[at], metric)
            for at in lines.of_pull(number)
            if counted(lines.rows[at])[0] == "post" and lines.rows[at].counts.get(metric) is not None
        ]

    return Frame(
        "posts altogether",
        [number for number, _ in changes],
        {
            "ratio": numbers([c.now / c.was if ok else None for (_, c), ok in zip(every, enough, strict=True)]),
            "fell": numbers([c.fell for _, c in every]),
            "led": numbers([c.told if c.is_led else None for _, c in every]),
            "told": numbers([None if c.is_led else c.told for _, c in every]),
            "mostly_told": numbers([c.told if (c.told or 0) >= _MOST else None for _, c in every]),
        },
        subject=lambda line, column: every[line][1],
        places=lambda line, column: places(line) if column in {"ratio", "fell"} else [],
    )


def _is_led(metric: str, known: Collection[KnownPost], now: dt.datetime) -> bool:
    lost = min((post.lost_at[metric] for post in known if metric in post.lost_at), default=now)
    was = sum(post.counts.get(metric) or 0 for post in known)
    return metric in LEADS and was >= _FEW and now - lost < _NEWS


def _add_moves(changes: Mapping[tuple[int, str], Change], lines: Lines[Counted], beside: Beside) -> None:
    """What settled posts had of each metric, and have now."""
    import numpy as np  # noqa: PLC0415 - slow to import

    pulls = np.array(lines.numbers, dtype=np.intp)[beside.lines]
    for metric, now, was in zip(beside.metrics, beside.now.T, beside.was.T, strict=True):
        both = beside.settled & np.isfinite(now) & ~np.isnan(was)
        found = (
            np.bincount(pulls[both]),
            np.bincount(pulls[both], was[both]),
            np.bincount(pulls[both], now[both]),
        )
        had = both & (was >= _FEW_LIKES)
        fell = had & (was - now > np.maximum(_TAKEN_BACK, _FALL * was))
        of, fallen = (np.bincount(pulls[some], minlength=len(lines.pulls)).tolist() for some in (had, fell))
        for number in np.flatnonzero(found[0]).tolist():
            change = changes[number, metric]
            change.posts, change.was, change.now = (int(sums[number]) for sums in found)
            change.fell = fallen[number] / of[number] if of[number] >= _ENOUGH_POSTS else None


def _add_told(changes: Mapping[tuple[int, str], Change], lines: Lines[Counted], totals: Columns) -> None:
    """Of which share of the posts each metric is told; a post can come twice, or with its totals apart."""
    import numpy as np  # noqa: PLC0415 - slow to import

    # Some sources list older posts, too, and without their numbers: only posts of the window are counted.
    opens = [pull.window.opens(pull.target.time_zone) if pull.past.posts else None for pull in lines.pulls]
    codes: dict[tuple[int, str], int] = {}

    def code(number: int, row: Counted) -> int:
        since, published_at = opens[number], getattr(row, "published_at", None)
        if since is None or published_at is None or published_at < since:
            return -1
        return codes.setdefault((number, counted(row)[1]), len(codes))

    post_of_line = np.array(
        [code(number, row) for number, row in zip(lines.numbers, lines.rows, strict=True)], dtype=np.intp
    )
    pull_of_post = np.array([number for number, _ in codes], dtype=np.intp)
    known = [lines.pulls[number].past.posts.get(post_id) for number, post_id in codes]

    def by_pull(posts: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        return np.bincount(pull_of_post[posts], minlength=len(lines.pulls))

    every = by_pull(np.ones(len(codes), dtype=bool))
    for metric in {metric for _, metric in changes}:
        told = np.zeros(len(codes), dtype=bool)
        if (values := totals.get(f"{TOTAL}{metric}")) is not None:
            told[post_of_line[~np.isnan(values) & (post_of_line >= 0)]] = True
        had = np.array([post is not None and metric in post.counts for post in known], dtype=bool)
        shares = [(by_pull(told & had), by_pull(had)), (by_pull(told), every)]
        for number in [number for number, of in changes if of == metric]:
            past = lines.pulls[number].past.posts.values()
            is_usual = sum(metric in post.counts for post in past) >= max(_FEW_POSTS, _NEARLY_ALL * len(past))
            counts = [(some[number], of[number]) for some, of in shares[: 1 + is_usual]]
            changes[number, metric].told = min((some / of for some, of in counts if of >= _FEW_POSTS), default=None)


def _is_settled(post: KnownPost) -> bool:
    return post.observed_at - post.published_at >= SETTLED


@dataclass(frozen=True, slots=True)
class Listing:
    """The posts of an account that were known, and how many of them this pull has seen again."""

    known: int
    again: int

    @property
    def missing(self) -> int:
        """How many of them it has not seen."""
        return self.known - self.again

    @property
    def most_gone(self) -> int:
        """How many may be missing before the list is not to be trusted."""
        return max(2, self.known // 2)


def listings(pulls: Sequence[PullRows]) -> Frame:
    """For each account: whether the posts that were there are still listed."""
    found: list[tuple[int, Listing]] = []
    for number, pull in enumerate(pulls):
        if pull.past.posts and pull.failed is None:
            again = {row.post_id for _, row in pull.rows_of(PostRow)} & pull.past.posts.keys()
            found.append((number, Listing(len(pull.past.posts), len(again))))
    listings = [listing for _, listing in found]
    return Frame(
        "listings",
        [number for number, _ in found],
        {
            "again": numbers([each.again if each.known >= _FEW_POSTS else None for each in listings]),
            "few_again": numbers([each.again if each.known < _FEW_POSTS else None for each in listings]),
            "missing": numbers([each.missing if each.again else None for each in listings]),
            "half": numbers([each.most_gone for each in listings]),
            # What is red is not told twice.
            "deletable": numbers(
                [max(2, each.known // 3) if each.missing <= each.most_gone else None for each in listings]
            ),
        },
        subject=lambda line, column: listings[line],
        places=lambda line, column: [],
    )


@dataclass
class Run:
    """The values of the days of one series in one pull, beside what was known of these days and of those before.

    Attributes:
        pull: The pull.
        series: What they are values of.
        values: This pull's, all members of the dimension added up.
        days: The days it tells of, those included for which it says that nothing is reported.
        indexes: Where the rows stand in the pull.
    """

    pull: PullRows
    series: Series
    values: dict[dt.date, float] = field(default_factory=dict)
    days: set[dt.date] = field(default_factory=set)
    indexes: list[int] = field(default_factory=list)

    @property
    def metric(self) -> str:
        """Its metric."""
        return self.series.metric

    @property
    def label(self) -> str:
        """Its name for people, within a sentence."""
        return label(self.series.metric)

    @property
    def of(self) -> str:
        """The metric, and what it is split by, for people."""
        split = self.series.dimension
        return self.label if split == "total" else f"{self.label} by {split}"

    @property
    def is_total(self) -> bool:
        """Whether it is not a split."""
        return self.series.dimension == "total"

    @cached_property
    def zone(self) -> str:
        """The zone of its days."""
        return zone_of_days(self.pull)

    @cached_property
    def before(self) -> Mapping[dt.date, float]:
        """What was known of the eight weeks before the window."""
        known = self.pull.past.days[self.series]
        return {day: each.value for day, each in known.items() if day < self.pull.window.first}

    @cached_property
    def least_usual_most(self) -> tuple[float, float, float]:
        """The least, the median and the most of the eight weeks before the window; there must be any."""
        before = sorted(self.before.values())
        return before[0], statistics.median(before), before[-1]

    @cached_property
    def month(self) -> Sequence[float]:
        """What was known of the four weeks before the window."""
        return [value for day, value in self.before.items() if (self.pull.window.first - day).days <= _MONTH]

    @cached_property
    def settled(self) -> Mapping[dt.date, float]:
        """What was known of any days when they were settled."""
        wait = max(SETTLED, self.pull.settles_after)
        return {
            day: known.value
            for day, known in self.pull.past.days[self.series].items()
            if known.observed_at >= day_end(day, self.zone) + wait
        }

    @cached_property
    def due(self) -> Sequence[dt.date]:
        """The days of the window that the source must have told of by the pull, by its stated delay."""
        return [
            day
            for day in self.pull.window.days
            if self.pull.ended_at >= day_end(day, self.zone) + self.pull.tells_after
        ]

    @cached_property
    def is_daily(self) -> bool:
        """Whether it used to be told of nearly every day."""
        if len(self.before) < _ENOUGH_DAYS:
            return False
        return len(self.before) / ((max(self.before) - min(self.before)).days + 1) >= _NEARLY_ALL

    @cached_property
    def shift(self) -> int | None:
        """By how many days the values stand beside where they were known to be; None where it cannot be told."""
        overlap = [day for day in self.values if day in self.settled]
        if not self.is_total or not overlap:
            return None
        known = {self.settled[day] for day in overlap}
        if len(known) < _FEW_DAYS or max(known) < _FEW or 2 * sum(self._alike(0)) > len(overlap):
            return 0
        # Where days are shifted, the first may hold anything.
        shifted = {shift: self._alike(shift) for shift in (-1, 1)}
        return next(
            (shift for shift, alike in shifted.items() if sum(alike) >= max(_FEW_DAYS, len(alike) - 1)),
            0,
        )

    def _alike(self, shift: int) -> Sequence[bool]:
        """Of each day, whether it has what was known of the day so many days after it."""
        known = {day: self.settled.get(day + dt.timedelta(days=shift)) for day in self.values}
        pairs = [(self.values[day], was) for day, was in known.items() if was is not None]
        return [abs(now - was) <= max(1.0, _SAME * was) for now, was in pairs]

    @property
    def strange(self) -> float | None:
        """The share of settled days that are quite other ones now; where it is all of them, it is another website."""
        overlap = [day for day in self.values if day in self.settled]
        if self.shift or not self.is_total or len(overlap) < _FEW_DAYS:
            return None
        if max(self.settled[day] for day in overlap) < _FEW:
            return None
        pairs = [(self.values[day], self.settled[day]) for day in overlap]
        return sum(abs(now - was) > max(5.0, was / 5) for now, was in pairs) / len(pairs)

    @property
    def told(self) -> int | None:
        """How many days are told, where there was something on nearly every day."""
        if sum(value > 0 for value in self.month) < _NEARLY_ALL * _MONTH or not self.due:
            return None
        return len(self.values)

    @property
    def sum_where_hardly_zero(self) -> float | None:
        """The sum of the days where nothing but zeros would be news."""
        if not self.is_total or len(self.month) < _ENOUGH_DAYS:
            return None
        if sum(value > 0 for value in self.month) < _NEARLY_ALL * len(self.month):
            return None
        told = [value for day, value in self.values.items() if day in self.due]
        return sum(told) if len(told) > 1 and statistics.median(self.month) >= _FEW else None

    @property
    def gaps(self) -> int | None:
        """How many days are left out between the first and the last that are told."""
        if not self.is_total or not self.days or not self.is_daily:
            return None
        return (max(self.days) - min(self.days)).days + 1 - len(self.days)

    @property
    def late_by(self) -> int | None:
        """How many days the newest day is older than the source's stated delay allows."""
        if not self.is_total or not self.days or not self.is_daily or not self.due:
            return None
        return (self.due[-1] - max(self.days)).days

    @property
    def days_left_out(self) -> str:
        """The days between the first and the last that are not told, for people."""
        between = Window(min(self.days), max(self.days)).days
        return ", ".join(day_name(day) for day in between if day not in self.days)

    @property
    def newest(self) -> str:
        """The newest day that is told, for people."""
        return day_name(max(self.days))


class Bounds(NamedTuple):
    """How small and how large a day may be: what cannot be, and what a person should look at; None: any."""

    lowest: float | None = None
    low: float | None = None
    high: float | None = None
    highest: float | None = None

    @classmethod
    def of(cls, run: Run, day: dt.date) -> "Bounds":
        """The bounds that a run's past sets for a day; none for a day that was known to be so when it had settled."""
        was = run.settled.get(day)
        if was is not None and abs(run.values[day] - was) <= _SAME * was:
            return cls()
        if len(run.before) < _ENOUGH_DAYS or METRICS[run.metric].unit not in _COUNTED:
            return cls()
        least, usual, most = run.least_usual_most
        if run.pull.kind == "social":  # one post makes a day, and a day without one has next to nothing
            return cls(high=max(most, _FEW) * _SOCIAL_HIGH)
        same = [value for other, value in run.before.items() if other.weekday() == day.weekday()]
        return cls(
            lowest=usual / 50 if usual >= 5 * _FEW and least > usual / 50 else None,
            low=min(same) * _WEB_LOW if len(same) >= _ENOUGH_WEEKS and min(same) >= _FEW else None,
            high=max(most, _FEW) * _WEB_HIGH,
            highest=max(most, 2 * _FEW) * _WEB_HIGHEST,
        )


@dataclass(frozen=True, slots=True)
class RunDay:
    """One day of a run, with the bounds its past sets.

    Attributes:
        run: The run.
        day: The day.
        value: Its value in this pull.
        index: Where it stands in the pull.
        was: What it was when it was settled; None if it was not.
    """

    run: Run
    day: dt.date
    value: float
    index: int
    was: float | None

    @property
    def label(self) -> str:
        """Its metric for people, within a sentence."""
        return self.run.label

    @property
    def metric(self) -> str:
        """Its metric."""
        return self.run.metric

    @property
    def moved(self) -> float | None:
        """By which share of it the value has moved since it was settled."""
        if self.was is None or max(self.was, self.value) < _FEW:
            return None
        return abs(self.value - self.was) / max(self.was, 1.0)


def runs(pulls: Sequence[PullRows], lines: Lines[DayRow]) -> tuple[Frame, Frame]:
    """The series of days, and their single days, of those pulls that know a past."""
    found = {
        (number, series): Run(pull, series)
        for number, pull in enumerate(pulls)
        if pull.failed is None
        for series in pull.past.days
        if series.metric in pull.metrics
    }
    indexes: dict[tuple[int, Series, dt.date, str], int] = {}
    for number, index, row in zip(lines.numbers, lines.indexes, lines.rows, strict=True):
        series = Series(row.entity_id, row.dimension, row.metric)
        run, at = found.get((number, series)), (number, series, row.day, row.member)
        if run is None or at in indexes:
            continue
        run.days.add(row.day)
        if row.value is None:
            continue
        indexes[at] = index
        run.values[row.day] = run.values.get(row.day, 0.0) + row.value
        run.indexes.append(index)
    days = [
        (number, Bounds.of(run, day), RunDay(run, day, value, indexes[number, series, day, ""], run.settled.get(day)))
        for (number, series), run in found.items()
        if run.is_total
        for day, value in run.values.items()
    ]
    return _series(found), _single_days(days)


def _series(found: Mapping[tuple[int, Series], Run]) -> Frame:
    every = list(found.values())
    return Frame(
        "series of days",
        [number for number, _ in found],
        {
            "shift": numbers([run.shift for run in every]),
            "strange": numbers([run.strange for run in every]),
            "told": numbers([run.told if run.series.dimension in _ALWAYS else None for run in every]),
            "split": numbers([run.told if run.series.dimension not in _ALWAYS else None for run in every]),
            "something": numbers([run.sum_where_hardly_zero for run in every]),
            "gaps": numbers([run.gaps for run in every]),
            "late_by": numbers([run.late_by for run in every]),
        },
        subject=lambda line, column: every[line],
        places=lambda line, column: [(index, None) for index in every[line].indexes],
    )


def _single_days(days: Sequence[tuple[int, Bounds, RunDay]]) -> Frame:
    return Frame(
        "days beside the past",
        [number for number, *_ in days],
        {
            "value": numbers([day.value for *_, day in days]),
            "highest": numbers([bounds.highest for _, bounds, _ in days]),
            "high": numbers([bounds.high for _, bounds, _ in days]),
            "low": numbers([bounds.low for _, bounds, _ in days]),
            "lowest": numbers([bounds.lowest for _, bounds, _ in days]),
            "moved": numbers([day.moved for *_, day in days]),
        },
        subject=lambda line, column: days[line][2],
        places=lambda line, column: [(days[line][2].index, None)],
    )


@lru_cache(maxsize=1024)  # a batch names the same few days thousands of times
def day_name(day: dt.date) -> str:
    """A day for people."""
    return format_date(day, "d MMMM", locale="en_GB")


def label(metric: str) -> str:
    """A metric's name for people, within a sentence."""
    name = METRICS[metric].label if metric in METRICS else metric
    return name[:1].lower() + name[1:]
