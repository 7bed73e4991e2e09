"""The gate between landing and the warehouse: what is held back, and the verdict on each day."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from widerview.quality import frames, history, suites
from widerview.quality.engine import Check, Judged, validate
from widerview.quality.frames import Frame, Place, PullRows
from widerview.quality.history import LEADS, day_name
from widerview.quality.verdict import COLOURS, CheckResult, Colour, DayVerdict, Flaw, FlawKind, Outcome, Rejected
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Row,
    UnavailableRow,
    UnreadableRow,
)

__all__ = ["PullRows", "check"]

EXAMPLES = 5
"""How many of the rows that failed a check are kept as examples; all of them are held, or told of."""

_FEW_HELD = 2
"""A post or two whose numbers are held do not make a week's numbers wrong; to lack most posts does."""


_Share = tuple[dt.date | None, str | None]
"""A day and a metric; None: all days, and the posts themselves."""


class Finding(NamedTuple):
    """What is to be said of a day, and how bad it is; `flaw` is None of what is red."""

    colour: Colour
    reason: str
    flaw: Flaw | None = None


def _amber(kind: FlawKind, reason: str, metric: str = "") -> Finding:
    return Finding("amber", reason, Flaw(kind, metric))


def check(pulls: Sequence[PullRows]) -> list[CheckResult]:
    """Judge a batch of pulls: one result a pull, in the same order.

    The rows of all pulls are checked together, because a run of Great Expectations costs about the same for ten
    rows as for ten thousand; no pull's verdict depends on another's rows.

    A check that could not be carried out is told in the outcomes, with its error. Then the rest of the result is not to
    be relied on.
    """
    cases = [_Case(pull) for pull in pulls]
    metrics = sorted({f"{pull.target.source}.{metric}" for pull in pulls for metric in pull.metrics})
    accounts = frames.place(pulls, AccountRow)
    _inspect(cases, frames.accounts(accounts), suites.ACCOUNTS)
    _inspect(cases, frames.posts(frames.place(pulls, PostRow), accounts), suites.POSTS)
    _inspect(cases, frames.counters(frames.place(pulls, CounterRow)), suites.COUNTERS)
    _inspect(cases, frames.comments(frames.place(pulls, CommentRow)), suites.COMMENTS)
    counted: frames.Lines[frames.Counted] = frames.place(pulls, AccountRow, PostRow, CounterRow)
    alike = frames.alike(counted)
    _inspect(cases, frames.told_metrics(counted, alike), suites.told_metrics(metrics))
    totals = frames.total_columns(counted, alike)
    _inspect(cases, frames.totals(counted, totals), suites.totals(totals))
    _inspect(cases, frames.totals_again(counted), suites.TOTALS_AGAIN)
    _inspect(cases, frames.unreadable(frames.place(pulls, UnreadableRow)), suites.LINES)
    days = frames.place(pulls, DayRow)
    for suite, of_suite in frames.day_suites(days):
        _inspect(cases, frames.days(suite, of_suite), suites.days(metrics))
    # Only after single values were judged: a wrong total must not condemn what is compared with it.
    # Nor must one that a person has found to be right, however odd it looks.
    believed = days.where(
        lambda number, index, row: not cases[number].holds(index) and (index, None) not in pulls[number].released
    )
    _inspect(cases, frames.whole_days(believed), suites.WHOLE_DAYS)
    beside = history.beside(counted, totals)
    _inspect(cases, history.totals_before(counted, beside), suites.TOTALS_BEFORE)
    _inspect(cases, history.post_changes(counted, totals, beside), suites.POSTS_ALTOGETHER)
    _inspect(cases, history.listings(pulls), suites.LISTINGS)
    series, single_days = history.runs(pulls, believed)
    _inspect(cases, series, suites.SERIES)
    _inspect(cases, single_days, suites.DAYS_BEFORE)
    return [
        CheckResult(
            rejected=case.rejected,
            verdicts=tuple(case.verdicts()),
            failed=case.pull.failed,
            unavailable=case.unavailable,
            outcomes=tuple(case.outcomes),
        )
        for case in cases
    ]


def _inspect(cases: Sequence["_Case"], frame: Frame, checks: Sequence[Check]) -> None:
    """Check one frame of the batch, and let each pull take what concerns it."""
    if not len(frame.numbers):
        return
    for judged in validate(frame.suite, frame.columns, frame.numbers, checks):
        failed: defaultdict[int, list[int]] = defaultdict(list)
        for line in judged.lines:
            failed[frame.numbers[line]].append(line)
        concerned = set(frame.numbers) if judged.error else judged.counts
        for number in concerned:
            cases[number].take(frame, judged, number, failed[number])


class _Case:
    """One pull on its way to a verdict.

    Attributes:
        pull: The pull.
        title: Its source's name for people.
        held: Why rows, or single running totals of them, are held, by index and metric; None: the whole row.
        said: What a reader should know of a day, and how bad it is, though nothing is held for it.
        outcomes: What each check found.
    """

    def __init__(self, pull: PullRows) -> None:
        self.pull = pull
        self.title = pull.name
        self.held: defaultdict[Place, list[str]] = defaultdict(list)
        self.said: defaultdict[dt.date, list[Finding]] = defaultdict(list)
        self.outcomes: list[Outcome] = []
        self._zone = ZoneInfo(pull.target.time_zone)
        self._days = pull.window.days

    def take(self, frame: Frame, judged: Judged, number: int, lines: Sequence[int]) -> None:
        """Take note of a check: hold what failed it, or say so, and record what it found."""
        examples: list[str] = []
        check = judged.check
        for line in lines:
            subject = frame.subject(line, check.column)
            places = frame.places(line, check.column) if check.severity == "critical" else ()
            day = self.day_of(subject)
            named = {"title": self.title, "date": day_name(day) if day else ""}
            reason = check.reason.format(row=subject, pull=self.pull, **named)
            for place in places:
                if place not in self.pull.released:
                    self.held[place].append(reason)
            if check.severity == "warning" or (check.severity == "critical" and not places):
                finding = _amber(check.flaw, reason, subject.metric if check.flaw == "not given" else "")
                if check.severity == "critical":
                    finding = self._accepted(reason)
                for concerned in self.days_of(subject):
                    self.said[concerned].append(finding)
            if len(examples) < EXAMPLES:
                examples.append(reason)
        self.outcomes.append(
            Outcome(
                suite=frame.suite,
                check=check.title,
                expectation=check.expectation,
                severity=check.severity,
                judged=0 if judged.error else judged.counts[number],
                failed=len(lines),
                examples=tuple(examples),
                error=judged.error,
            )
        )

    def _accepted(self, reason: str) -> Finding:
        """What is red though nothing is held for it; amber once a person has looked at the pull, and said so."""
        return _amber("unlike", reason) if self.pull.accepted else Finding("red", reason)

    def holds(self, index: int) -> bool:
        """Whether the whole row is held."""
        return (index, None) in self.held

    def day_of(self, subject: Any) -> dt.date | None:
        """The day a row speaks of, or what a frame made of rows; None if it is the whole pull, or no day is sure."""
        match subject:
            case frames.Total():
                return self.day_of(subject.row)
            case DayRow() | UnreadableRow() | frames.Day() | history.RunDay():
                return subject.day if subject.day in self._days else None
            case PostRow() | CounterRow() | CommentRow():
                published_at = frames.believed(subject)
                return published_at and published_at.astimezone(self._zone).date()
            case _:
                return None

    def days_of(self, subject: Any) -> Sequence[dt.date]:
        """The days of the window that something concerns; none if it belongs to a post of another day."""
        day = self.day_of(subject)
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
        for day in self._days:
            if self.pull.failed is not None:
                findings = [Finding("red", f"{self.title} could not be read.")]
            else:
                findings = list(self._findings(day))
                findings += dict.fromkeys([_amber("held", sentence) for sentence in left_out[day]] + self.said[day])
                findings += self._mostly_held(day)
                findings += [
                    _amber("not given", f"{self.title} does not give {history.label(metric)}.", metric)
                    for metric in sorted(self.unavailable, key=history.label)
                ]
            yield DayVerdict(
                client_id=self.pull.target.client_id,
                source=self.pull.target.source,
                ref=self.pull.target.ref,
                day=day,
                colour=max((finding.colour for finding in findings), key=COLOURS.index, default="green"),
                reasons=tuple(dict.fromkeys(finding.reason for finding in findings)),
                flaws=tuple(dict.fromkeys(finding.flaw for finding in findings if finding.flaw)),
            )

    def _findings(self, day: dt.date) -> Iterator[Finding]:
        """What is to be said of a day by what it was told at all."""
        match self.pull.kind:
            case "web":
                yield from self._web_day(day)
            case "social":
                yield from self._social_day(day)
            case "offline":
                pass  # on most days nobody counts anything

    def _social_day(self, day: dt.date) -> Iterator[Finding]:
        # No posts is a quiet day; no account is no answer.
        if not self._account_shown:
            yield Finding("red", f"{self.title} did not show the account {self.pull.target.ref}.")
        ended_at, end = self.pull.ended_at, self._end(day)
        if ended_at < end:
            yield _amber("early", f"{day_name(day)} was not over when {self.title} was read.")
        elif ended_at < end + self.pull.tells_after and day not in self._days_told:
            yield _amber("early", f"{self.title} tells of {day_name(day)} in a few days.")
        elif ended_at < end + self.pull.settles_after:
            yield _amber("early", f"The numbers {self.title} gave for {day_name(day)} may still rise.")

    @cached_property
    def unavailable(self) -> dict[str, str]:
        """Why the platform did not give a metric that it was asked for."""
        return {row.metric: f"{row.native_metric}: {row.reason}" for _, row in self.pull.rows_of(UnavailableRow)}

    def _web_day(self, day: dt.date) -> Iterator[Finding]:
        if "visits" not in self.pull.metrics:
            # Search tells of a website what analytics cannot, and not what they count.
            yield from self._search_day(day)
            return
        ended_at, end = self.pull.ended_at, self._end(day)
        visits = self._visits.get(day)
        if visits == "good":
            if ended_at < end + self.pull.settles_after:
                yield _amber("early", f"The numbers {self.title} gave for {day_name(day)} may still rise.")
        elif visits == "held":
            yield Finding("red", f"The number of visits {self.title} gave for {day_name(day)} cannot be right.")
        elif ended_at < end:
            yield _amber("early", f"{self.title} has no number of visits for {day_name(day)} yet.")
        else:
            yield Finding("red", f"{self.title} gave no number of visits for {day_name(day)}.")

    def _search_day(self, day: dt.date) -> Iterator[Finding]:
        if day in self._days_told:
            return
        if self.pull.ended_at < self._end(day) + self.pull.tells_after:
            yield _amber("early", f"{self.title} tells of {day_name(day)} in a few days.")
        else:
            yield _amber("late", f"{self.title} has no numbers for {day_name(day)} yet.")

    @cached_property
    def _days_told(self) -> frozenset[dt.date]:
        """The days of which any value is told."""
        return frozenset(row.day for _, row in self.pull.rows_of(DayRow) if row.value is not None)

    def _left_out(self) -> defaultdict[dt.date, list[str]]:
        """What to say, day by day, of what is held."""
        counts: Counter[tuple[dt.date, str, str]] = Counter()
        for rejected in self.rejected:
            row = self.pull.rows[rejected.index]
            noun, count = _lost(row, rejected.metric)
            day = self.day_of(row)
            when = f" of {day_name(day)}" if day else ""
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
        return not all(self.holds(index) for index, _ in self.pull.rows_of(AccountRow))

    @cached_property
    def _visits(self) -> dict[dt.date, Literal["good", "held"]]:
        """How each day's number of visits fared, the one a web report leads with."""
        fate: dict[dt.date, Literal["good", "held"]] = {}
        for index, row in self.pull.rows_of(DayRow):
            if (row.dimension, row.metric) == ("total", "visits") and row.value is not None:
                if not self.holds(index):
                    fate[row.day] = "good"
                else:
                    fate.setdefault(row.day, "held")
        return fate

    def _end(self, day: dt.date) -> dt.datetime:
        return frames.day_end(day, self._zone_of_days)

    @cached_property
    def _zone_of_days(self) -> str:
        return frames.zone_of_days(self.pull)

    def _mostly_held(self, day: dt.date) -> Iterator[Finding]:
        """Whether most of what a report leads with is held, of the pull or of a day: posts, and what people did."""
        for when, metric in self._mostly:
            if when in {None, day}:
                of_day = f" for posts of {day_name(day)}" if when else ""
                noun = history.label(metric) if metric else "posts"
                yield Finding("red", f"Most of the {noun} that {self.title} gave{of_day} cannot be right.")

    @cached_property
    def _mostly(self) -> list[_Share]:
        """Of which leading totals, or posts (None), most are held: altogether (None) or of a day."""
        held: Counter[_Share] = Counter()
        for index in {index for index, _ in self.held}:
            held.update(
                (day, metric)
                for day, metric in self._led(self.pull.rows[index])
                if self.holds(index) or (index, metric) in self.held
            )
        posts = (None, None)
        many = {key for key, count in held.items() if count > (0 if key == posts else _FEW_HELD)}
        told: Counter[_Share] = Counter()
        if many <= {posts}:  # so it is nearly always, and the rows need not be looked at
            told[posts] = sum(1 for _ in self.pull.rows_of(PostRow)) if many else 0
        else:
            for _, row in self.pull.rows_of(PostRow, CounterRow):
                told.update(self._led(row))  # type: ignore[arg-type]
        most = [key for key in many if held[key] > told[key] / 2]
        return sorted(most, key=lambda key: (key[0] or dt.date.min, key[1] or ""))

    def _led(self, row: Row) -> Iterator[_Share]:
        """What a row counts for: the post itself and its leading totals, altogether and on the day of the post."""
        if not isinstance(row, PostRow | CounterRow):
            return
        metrics: list[str | None] = [metric for metric in LEADS & row.counts.keys() if row.counts[metric] is not None]
        if isinstance(row, PostRow):
            metrics.append(None)
        for metric in metrics:
            yield None, metric
            if day := self.day_of(row):
                yield day, metric


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
        case UnreadableRow():
            return ("line", 1) if row.line else ("file", 1)
        case _:
            return "number", 1
