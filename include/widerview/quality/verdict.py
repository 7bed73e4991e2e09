"""The outcome of a check, in the words every later room uses."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import msgspec

Colour = Literal["green", "amber", "red"]

COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
"""From best to worst."""


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


class DayVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one day of one target.

    Green: complete and settled. Amber: usable, and `reasons` says what is late or missing. Red: wrong or absent.
    """

    client_id: str
    source: str
    ref: str
    day: dt.date
    colour: Colour
    reasons: tuple[str, ...] = ()


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate says of one pull.

    Attributes:
        rejected: The rows to hold back.
        verdicts: One for each day of its window.
        unavailable: Why the platform did not give a metric that it was asked for, by canonical metric.
    """

    rejected: tuple[Rejected, ...]
    verdicts: tuple[DayVerdict, ...]
    unavailable: Mapping[str, str] = {}
