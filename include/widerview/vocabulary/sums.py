"""What may be added up, and what must not."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from widerview.vocabulary.dictionaries import Break, Dictionary, Grain
from widerview.vocabulary.metrics import METRICS


class NotAddable(ValueError):
    """A sum was asked for that would not mean anything."""


class DefinitionBreak(ValueError):
    """Values from before and after a change of definition were to be added; `breaks` holds the changes."""

    def __init__(self, breaks: Sequence[Break]) -> None:
        self.breaks = tuple(breaks)
        told = "; ".join(map(str, breaks))
        super().__init__(f"{told}; add up the days before and the days from then on apart, and never the two sums")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one metric of one source, and the days on which they were counted.

    Attributes:
        dictionary: The source's dictionary.
        grain: What one value is.
        metric: Canonical name.
        first: First day of the values, on the platform's own days.
        last: Last day.
        values: The values; None where the platform did not report one.
    """

    dictionary: Dictionary
    grain: Grain
    metric: str
    first: dt.date
    last: dt.date
    values: Sequence[float | None]

    @property
    def title(self) -> str:
        """How it is named in a message."""
        return f"{self.metric} of {self.dictionary.source}"


def total(name: str, values: Iterable[float | None]) -> float | None:
    """Add up the values of a metric; None if none of them is known.

    Raises:
        NotAddable: The metric does not add up (unique visitors, levels, ratios, quantiles); the message names it.
        KeyError: No such metric.
    """
    metric = METRICS[name]
    if metric.additivity != "flow":
        raise NotAddable(
            f"{name} is a {metric.additivity} and cannot be added up; ask the platform for the whole period instead"
        )
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def total_of(name: str, series: Iterable[Series]) -> float | None:
    """Add up series of several sources or metrics under one name; None if none of their values is known.

    A series may be added if it is of that metric, of its comparable group, or of one of its parts.

    Args:
        name: Canonical name of the sum.
        series: What to add.

    Raises:
        NotAddable: The sum would mix what is not comparable, or organic and paid, or its metric does not add up.
        DefinitionBreak: Some source changed the definition of a metric between the first and the last of its days.
        LookupError: A platform did not report a metric at the time.
        KeyError: No such metric.
    """
    added = list(series)
    _check_comparable(name, added)
    _check_definitions(added)
    _check_placements(name, added)
    return total(name, chain.from_iterable(each.values for each in added))


def _check_comparable(name: str, added: Sequence[Series]) -> None:
    metric = METRICS[name]
    sources = {each.dictionary.source for each in added}
    for each in added:
        group = METRICS[each.metric].comparable_group
        alike = each.metric == name or (group is not None and group == metric.comparable_group)
        if not alike and each.metric not in metric.parts:
            raise NotAddable(f"{each.title} cannot be added to {name}: the two do not mean the same")
        if group is None and len(sources) > 1:
            raise NotAddable(
                f"{each.title} cannot be added to that of another platform: each has its own rule for {each.metric}"
            )


def _check_definitions(added: Sequence[Series]) -> None:
    kinds = {(each.dictionary, each.grain, each.metric) for each in added}
    breaks: list[Break] = []
    for dictionary, grain, metric in sorted(kinds, key=lambda kind: (kind[0].source, *kind[1:])):
        same = [each for each in added if (each.dictionary, each.grain, each.metric) == (dictionary, grain, metric)]
        first, last = min(each.first for each in same), max(each.last for each in same)
        breaks += dictionary.breaks(metric, first, last, grain=grain)
    if breaks:
        raise DefinitionBreak(breaks)


def _check_placements(name: str, added: Sequence[Series]) -> None:
    placements = {
        each.dictionary.definition(each.metric, each.grain, day).placement: each
        for each in added
        for day in (each.first, each.last)
    }
    if len(placements) > 1:
        told = ", ".join(f"{each.title} is {placement}" for placement, each in sorted(placements.items()))
        raise NotAddable(f"{name} cannot be added up over organic and paid: {told}")
