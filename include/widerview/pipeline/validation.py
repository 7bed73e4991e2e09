"""What the gate found in a run, account by account, the worst first: read from landing, for the page and the log."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from widerview.landing.store import Landing, Missing, Pull
from widerview.pipeline.ingest import CHECKS, read_check
from widerview.pipeline.releases import Release, read_releases
from widerview.quality.verdict import COLOURS, CheckResult, DayVerdict, Outcome, is_early
from widerview.sources.base import Target

Mark = Literal["errored", "failed", "passed", "nothing to judge"]
"""How a check ended. Only what has judged something can pass; of an errored one nothing is known."""

HISTORY = 14
"""Pulls of the same account, this one included, whose findings stand beside each other."""


@dataclass(frozen=True)
class Checked:
    """One account's pull and what the gate found in it.

    Attributes:
        path: The pull's name.
        pull: The pull.
        result: What the gate says of it; None: it was not checked yet.
        past: What it said of the pulls before this one, the oldest first.
        releases: What a person has released of it.
    """

    path: str
    pull: Pull
    result: CheckResult | None
    past: tuple[CheckResult, ...] = ()
    releases: tuple[Release, ...] = ()

    @property
    def target(self) -> Target:
        """The account or web property."""
        return self.pull.target

    @property
    def colour(self) -> str | None:
        """The worst verdict on any of its days; None if there is none."""
        verdicts = self.result.verdicts if self.result else ()
        return max((verdict.colour for verdict in verdicts), key=COLOURS.index, default=None)

    @property
    def held(self) -> int:
        """Rows and single numbers that are held."""
        return len(self.result.rejected) if self.result else 0

    @property
    def judged(self) -> int:
        """Rows and values that were judged, each counted once however many checks it went through."""
        most: dict[str, int] = {}
        for outcome in self.outcomes():
            most[outcome.suite] = max(most.get(outcome.suite, 0), outcome.judged)
        return sum(most.values())

    def outcomes(self, *marks: Mark) -> list[Outcome]:
        """The checks that ended in one of some ways; all of them if none is named."""
        found = self.result.outcomes if self.result else ()
        return [outcome for outcome in found if not marks or mark(outcome) in marks]


def mark(outcome: Outcome) -> Mark:
    """Say how a check ended."""
    if outcome.error is not None:
        return "errored"
    if outcome.failed:
        return "failed"
    return "passed" if outcome.judged else "nothing to judge"


def read_run(landing: Landing, source: str, run: str) -> list[Checked]:
    """Read what a run has pulled and what the gate says of it, of each account its latest pull; the worst first."""
    latest = {(pull.target.client_id, pull.target.ref): (path, pull) for path, pull in landing.pulls(None, source, run)}
    return sorted((Checked(path, pull, _result(landing, path)) for path, pull in latest.values()), key=_badness)


def with_history(landing: Landing, checked: Checked) -> Checked:
    """Add what the gate said of the same account before, and what was released."""
    names = [name for name in landing.documents(CHECKS, checked.target) if _moment(name) < _moment(checked.path)]
    past = [result for name in names[-(HISTORY - 1) :] if (result := _result(landing, name))]
    return replace(checked, past=tuple(past), releases=read_releases(landing, checked.path))


def days(verdicts: Sequence[DayVerdict]) -> list[tuple[dt.date, dt.date, DayVerdict]]:
    """Put days in a row that have the same verdict for the same reasons together: first day, last day, verdict."""
    found: list[tuple[dt.date, dt.date, DayVerdict]] = []
    for verdict in sorted(verdicts, key=lambda each: each.day):
        first, last, same = found[-1] if found else (verdict.day, verdict.day, verdict)
        is_next = verdict.day - last == dt.timedelta(days=1)
        if is_next and (verdict.colour, verdict.reasons) == (same.colour, same.reasons):
            found[-1] = first, verdict.day, same
        else:
            found.append((verdict.day, verdict.day, verdict))
    return found


def summary(run: Sequence[Checked]) -> list[str]:
    """Tell what was found in a few lines: one of the whole, one of each check that broke, one of each bad day."""
    errored = [(each, outcome) for each in run for outcome in each.outcomes("errored")]
    worst = max((each.colour for each in run if each.colour), key=COLOURS.index, default="none")
    lines = [
        f"{len(run)} account(s), {sum(each.judged for each in run)} rows and values judged, "
        f"{sum(each.held for each in run)} held, {sum(len(each.outcomes('failed')) for each in run)} check(s) failed, "
        f"{len(errored)} could not be carried out. Worst verdict: {worst}"
    ]
    lines += [
        f"{_name(each)}: not known, the check could not be carried out: {outcome.check}: {outcome.error}"
        for each, outcome in errored
    ]
    for each in run:
        for first, last, verdict in days(each.result.verdicts if each.result else ()):
            if verdict.colour != "green" and not is_early(verdict.colour, verdict.flaws):
                when = f"{first}" if first == last else f"{first} to {last}"
                lines.append(f"{_name(each)} {when}: {verdict.colour}. {' '.join(verdict.reasons)}")
    return lines


def _name(checked: Checked) -> str:
    return f"{checked.target.client_id} {checked.target.ref}"


def _result(landing: Landing, path: str) -> CheckResult | None:
    try:
        return read_check(landing, path)
    except Missing:
        return None


def _moment(path: str) -> str:
    return path.rpartition("/")[2]


def _badness(checked: Checked) -> tuple[object, ...]:
    """What a person has to look at comes first: broken checks, no verdict, red, amber."""
    return (
        -len(checked.outcomes("errored")),
        checked.result is not None,
        -COLOURS.index(checked.colour or "green"),
        -checked.held,
        -len(checked.outcomes("failed")),
        checked.target.client_id,
        checked.target.ref,
    )
