"""The outcome of a check, in the words every later room uses."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Colour = Literal["green", "amber", "red"]

COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
"""From best to worst."""

FlawKind = Literal["early", "late", "held", "unlike", "not given"]
"""What a day that is not green may have: numbers that may still come or rise, within the source's own stated delay
(early), or past it (late); numbers that were left out because they cannot be right (held); numbers that are told, and
unlike the account's past (unlike); a metric that the platform does not give (not given)."""

Severity = Literal["critical", "warning", "info"]
"""What becomes of what fails: it is held (critical), told of (warning), or only recorded (info)."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A row, or one running total of a row, that must not be loaded.

    Attributes:
        index: Position of the row in the order `parse` gives for the whole pull, from 0.
        metric: The running total in the row's `counts` that is meant, the rest of the row being good; None: all of it.
        reason: What is wrong with it, for an operator.
    """

    index: int
    metric: str | None = None
    reason: str


class Flaw(msgspec.Struct, frozen=True):
    """Why a day is not green, in a word; `metric` is the canonical metric that is not given."""

    kind: FlawKind
    metric: str = ""


def is_early(colour: Colour, flaws: Sequence[Flaw]) -> bool:
    """Whether all that a day lacks is what may still come within the delay that the source states: that is no fault."""
    return colour == "amber" and bool(flaws) and all(flaw.kind == "early" for flaw in flaws)


class DayVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one day of one target.

    Green: complete and settled. Amber: usable, and `reasons` says what is late or missing. Red: wrong or absent.

    Attributes:
        client_id: The client's id.
        source: Name of the source.
        ref: The account or web property, as the client's file has it.
        day: The platform's own day.
        colour: The verdict.
        reasons: What is late, missing or wrong, as sentences a client may read.
        flaws: The same in a word each, for the words of the report; none of what is red.
    """

    client_id: str
    source: str
    ref: str
    day: dt.date
    colour: Colour
    reasons: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found in one pull.

    Attributes:
        suite: The kind of rows that were judged, e.g. `posts`.
        check: What is expected, in plain words.
        expectation: The class of Great Expectations that judged.
        severity: What becomes of what fails.
        judged: How many rows, or values, were judged.
        failed: How many of them failed.
        examples: The reasons of the first few that failed.
        error: Why the check could not be carried out; None if it was. Then nothing is known of the data.
    """

    suite: str
    check: str
    expectation: str
    severity: Severity
    judged: int
    failed: int = 0
    examples: tuple[str, ...] = ()
    error: str | None = None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A change in the shape of a platform's answers. It is recorded, and never by itself a fault.

    Attributes:
        stream: The source's stream.
        path: Where in the answer, e.g. `data[].shares.count`.
        change: What has happened to it.
        was: The JSON types it had; empty for a new key.
        now: The JSON types it has; empty for a key that has vanished.
    """

    stream: str
    path: str
    change: Literal["new key", "vanished key", "changed type"]
    was: tuple[str, ...] = ()
    now: tuple[str, ...] = ()


class Trait(msgspec.Struct, frozen=True):
    """What is known of one place in a stream's answers: its JSON types, and in how many pulls it was seen."""

    types: tuple[str, ...]
    pulls: int


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the answers of one stream of a target: its places by path, and from how many pulls."""

    pulls: int
    traits: Mapping[str, Trait]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate says of one pull.

    Attributes:
        rejected: The rows to hold back.
        verdicts: One for each day of its window.
        failed: Why it could not be read, for an operator; None if it could.
        unavailable: Why the platform did not give a metric that it was asked for, by canonical metric.
        outcomes: What each check found.
        drift: How the answers differ in shape from those of earlier pulls.
        shapes: The shape of the answers by stream, this pull's included.
    """

    rejected: tuple[Rejected, ...]
    verdicts: tuple[DayVerdict, ...]
    failed: str | None = None
    unavailable: Mapping[str, str] = {}
    outcomes: tuple[Outcome, ...] = ()
    drift: tuple[Drift, ...] = ()
    shapes: Mapping[str, Shape] = {}

    @property
    def errors(self) -> tuple[str, ...]:
        """The checks that could not be carried out, and why; while there are any, the pull must not be loaded."""
        return tuple(outcome.error for outcome in self.outcomes if outcome.error)
