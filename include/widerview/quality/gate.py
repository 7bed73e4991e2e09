"""The gate between landing and the warehouse: what is held back, and the verdict on each day."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date

from widerview.quality import frames, suites
from widerview.quality.engine import Check, validate
from widerview.quality.frames import Placed, PullRows, RowT, Total, Totals, WebDay
from widerview.quality.verdict import COLOURS, CheckResult, Colour, DayVerdict, Rejected
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Row,
    UnavailableRow,
    Window,
)
from widerview.vocabulary.metrics import METRICS

__all__ = ["PullRows", "check"]

# How long after its end web analytics may still add to a day: late hits, and archives made overnight.
WEB_SETTLES_AFTER = dt.timedelta(hours=24)

# How long after its end a search engine takes to tell of a day at all.
SEARCH_TELLS_AFTER = dt.timedelta(days=4)

Finding = tuple[Colour, str]


def check(pulls: Sequence[PullRows]) -> list[CheckResult]:
    """Judge a batch of pulls: one result a pull, in the same order.

    The rows of all pulls are checked together, because a run of Great Expectations costs about the same for ten
    rows as for ten thousand; no pull's verdict depends on another's rows.

    Raises:
        widerview.quality.engine.CheckError: A check could not be carried out; nothing is known of the data.
    """
    cases = [_Case(pull) for pull in pulls]
    metrics = {f"{pull.target.source}.{metric}" for pull in pulls for metric in pull.metrics}
    days = frames.place(pulls, DayRow)
    _inspect(cases, frames.place(pulls, AccountRow), frames.accounts, suites.ACCOUNTS)
    _inspect(cases, frames.place(pulls, PostRow), frames.posts, suites.POSTS)
    _inspect(cases, frames.place(pulls, CounterRow), frames.counters, suites.COUNTERS)
    _inspect(cases, frames.place(pulls, CommentRow), frames.comments, suites.COMMENTS)
    _inspect_totals(cases, frames.totals(pulls), suites.totals(metrics))
    _inspect(cases, days, frames.days, suites.days(metrics))
    # Only after single values were judged: a wrong total must not condemn what is compared with it.
    _inspect_web_days(cases, [at for at in days if at.pull.kind == "web" and not cases[at.number].holds(at.index)])
    return [
        CheckResult(rejected=case.rejected, verdicts=tuple(case.verdicts()), unavailable=case.unavailable)
        for case in cases
    ]


class _Case:
    """One pull on its way to a verdict.

    Attributes:
        pull: The pull.
        title: Its source's name for people.
        held: Why rows, or single running totals of them, are held, by index and metric; None: the whole row.
        notes: What a reader should know of a day, though its rows are loaded.
    """

    def __init__(self, pull: PullRows) -> None:
        self.pull = pull
        self.title = pull.title or pull.target.source.capitalize()
        self.held: defaultdict[tuple[int, str | None], list[str]] = defaultdict(list)
        self.notes: defaultdict[dt.date, list[str]] = defaultdict(list)
        self._zone = ZoneInfo(pull.target.time_zone)
        length = (pull.window.last - pull.window.first).days + 1
        self._days = [pull.window.first + dt.timedelta(days=offset) for offset in range(length)]

    def take(self, check: Check, failed: Row | Total | WebDay, places: Iterable[tuple[int, str | None]]) -> None:
        """Take note of a failed check: hold what stands at `places` (index, metric), or add a note to its days."""
        if check.severity == "critical":
            for place in places:
                self.held[place].append(check.reason.format(row=failed, pull=self.pull))
        elif check.severity == "warning":
            for day in self.days_of(failed.row if isinstance(failed, Total) else failed):
                self.notes[day].append(check.reason.format(row=failed, title=self.title, date=_name(day)))

    def holds(self, index: int) -> bool:
        """Whether the whole row is held."""
        return (index, None) in self.held

    def day_of(self, row: Row | WebDay) -> dt.date | None:
        """The day a row speaks of; None if it speaks of the whole pull or its day cannot be trusted."""
        match row:
            case DayRow() | WebDay():
                return row.day if row.day in self._days else None
            case PostRow() | CounterRow() | CommentRow():
                published_at = frames.believed(row)
                return published_at and published_at.astimezone(self._zone).date()
            case _:
                return None

    def days_of(self, row: Row | WebDay) -> Sequence[dt.date]:
        """The days of the window a row concerns; none if it belongs to a post of another day."""
        day = self.day_of(row)
        return self._days if day is None else [day]

    @cached_property
    def rejected(self) -> tuple[Rejected, ...]:
        """What to hold back, in the order of the pull; of a row that is held altogether, no single totals."""
        return tuple(
            Rejected(index=index, metric=metric, reason="; ".join(self.held[index, metric]))
            for index, metric in sorted(self.held, key=lambda place: (place[0], place[1] or ""))
            if metric is None or not self.holds(index)
        )

    def verdicts(self) -> Iterator[DayVerdict]:
        """The verdict on each day of the window."""
        left_out = self._left_out()
        labels = sorted(METRICS[metric].label.lower() if metric in METRICS else metric for metric in self.unavailable)
        for day in self._days:
            if self.pull.failed is not None:
                findings: list[Finding] = [("red", f"{self.title} could not be read: {self.pull.failed}")]
            else:
                findings = list(self._web_day(day) if self.pull.kind == "web" else self._social_day(day))
                findings += [("amber", sentence) for sentence in dict.fromkeys(left_out[day] + self.notes[day])]
                findings += [("amber", f"{self.title} does not give {metric}.") for metric in labels]
            yield DayVerdict(
                client_id=self.pull.target.client_id,
                source=self.pull.target.source,
                ref=self.pull.target.ref,
                day=day,
                colour=max((colour for colour, _ in findings), key=COLOURS.index, default="green"),
                reasons=tuple(reason for _, reason in findings),
            )

    def _social_day(self, day: dt.date) -> Iterator[Finding]:
        # No posts is a quiet day; no account is no answer.
        if not self._account_shown:
            yield "red", f"{self.title} did not show the account {self.pull.target.ref}."
        if self.pull.ended_at < self._end(day):
            yield "amber", f"{_name(day)} was not over when {self.title} was read."

    @cached_property
    def unavailable(self) -> dict[str, str]:
        """Why the platform did not give a metric that it was asked for."""
        return {
            row.metric: f"{row.native_metric}: {row.reason}"
            for row in self.pull.rows
            if isinstance(row, UnavailableRow)
        }

    def _web_day(self, day: dt.date) -> Iterator[Finding]:
        if "visits" not in self.pull.metrics:
            # Search tells of a website what analytics cannot, and not what they count.
            yield from self._search_day(day)
            return
        ended_at, end = self.pull.ended_at, self._end(day)
        visits = self._visits.get(day)
        if visits == "good":
            if ended_at < end + WEB_SETTLES_AFTER:
                yield "amber", f"The numbers {self.title} gave for {_name(day)} may still rise."
        elif visits == "held":
            yield "red", f"The number of visits {self.title} gave for {_name(day)} cannot be right."
        elif ended_at < end:
            yield "amber", f"{self.title} has no number of visits for {_name(day)} yet."
        else:
            yield "red", f"{self.title} gave no number of visits for {_name(day)}."

    def _search_day(self, day: dt.date) -> Iterator[Finding]:
        if any(isinstance(row, DayRow) and row.day == day for row in self.pull.rows):
            return
        if self.pull.ended_at < self._end(day) + SEARCH_TELLS_AFTER:
            yield "amber", f"{self.title} tells of {_name(day)} in a few days."
        else:
            yield "amber", f"{self.title} has no numbers for {_name(day)} yet."

    def _left_out(self) -> defaultdict[dt.date, list[str]]:
        """What to say, day by day, of what is held."""
        counts: Counter[tuple[dt.date, str, str]] = Counter()
        for rejected in self.rejected:
            row = self.pull.rows[rejected.index]
            noun, count = _lost(row, rejected.metric)
            day = self.day_of(row)
            when = f" of {_name(day)}" if day else ""
            for concerned in self.days_of(row):
                counts[concerned, noun, when] += count
        said: defaultdict[dt.date, list[str]] = defaultdict(list)
        for (day, noun, when), count in sorted((+counts).items()):  # plus leaves out what comes to nothing
            are = "is" if count == 1 else "are"
            said[day].append(
                f"{count} {noun}{'' if count == 1 else 's'}{when} from {self.title} cannot be right and {are} left out."
            )
        return said

    @cached_property
    def _account_shown(self) -> bool:
        return any(isinstance(row, AccountRow) and not self.holds(index) for index, row in enumerate(self.pull.rows))

    @cached_property
    def _visits(self) -> dict[dt.date, Literal["good", "held"]]:
        """How each day's number of visits fared, the one a web report leads with."""
        fate: dict[dt.date, Literal["good", "held"]] = {}
        for index, row in enumerate(self.pull.rows):
            if isinstance(row, DayRow) and (row.dimension, row.metric) == ("total", "visits") and row.value is not None:
                if not self.holds(index):
                    fate[row.day] = "good"
                else:
                    fate.setdefault(row.day, "held")
        return fate

    def _end(self, day: dt.date) -> dt.datetime:
        next_day = day + dt.timedelta(days=1)
        # In UTC, because hours added to a zone's own time go wrong where the clocks change.
        return Window(next_day, next_day).opens(self._zone_of_days).astimezone(dt.UTC)

    @cached_property
    def _zone_of_days(self) -> str:
        """The zone whose days the platform counts; the client's where it counts none, or none that is known."""
        own = self.pull.target.time_zone
        told = next((row.zone for row in self.pull.rows if isinstance(row, DayRow)), own)
        return told if frames.is_zone(told) else own


def _inspect(
    cases: Sequence[_Case],
    placed: Sequence[Placed[RowT]],
    columns: Callable[[Sequence[Placed[RowT]]], frames.Columns],
    checks: Sequence[Check],
) -> None:
    """Check one kind of row across the batch."""
    if not placed:
        return
    for failure in validate(columns.__name__, columns(placed), checks):
        for position in failure.rows:
            at = placed[position]
            cases[at.number].take(failure.check, at.row, [(at.index, None)])


def _inspect_totals(cases: Sequence[_Case], totals: Totals, checks: Sequence[Check]) -> None:
    """Check the running totals across the batch; one that fails costs nothing but itself."""
    if not totals.placed:
        return
    for failure in validate("totals", totals.columns(), checks):
        for position in failure.rows:
            at, metric = totals.placed[position], totals.metrics[position]
            cases[at.number].take(failure.check, Total(at.row, metric), [(at.index, metric)])


def _inspect_web_days(cases: Sequence[_Case], placed: Sequence[Placed[DayRow]]) -> None:
    """Check the values of each day against each other; a metric that fails is held as often as it came."""
    days = frames.web_days(placed)
    if not days:
        return
    for failure in validate("web_days", frames.web_day_columns(days), suites.WEB_DAYS):
        for position in failure.rows:
            day = days[position]
            places = [(index, None) for index in day.indexes.get(failure.check.column, ())]
            cases[day.number].take(failure.check, day, places)


def _lost(row: Row, metric: str | None) -> tuple[str, int]:
    """What a client lacks when a row, or one running total of it, is held: a noun, and how many."""
    match row:
        case AccountRow() if metric is None:
            return "account", 0  # its absence is said already
        case PostRow() if metric is None:
            return "post", 1
        case CounterRow() if metric is None:
            return "number", len(row.counts)
        case CommentRow():
            return "comment", 1
        case _:
            return "number", 1


def _name(day: dt.date) -> str:
    return format_date(day, "d MMMM", locale="en_GB")
