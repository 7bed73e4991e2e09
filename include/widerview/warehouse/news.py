"""What an observation brings that is new: the difference to what is known of the same entity at its time. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from widerview.sources.base import Counts

Values = tuple[object, ...]
Record = tuple[Any, ...]
"""One observation of one entity as its table takes it, column by column; a `Shape` tells which are which."""


class Shape(NamedTuple):
    """Where in a table's records their parts stand.

    Attributes:
        key: The values that name the entity, beside client and source.
        observed_at: When the answer had arrived.
        content: What the entity is. All are None if the answer does not say, or it is known; else the first is not.
        counts: Its running totals by metric; None if there are none. None for a table that has no such column.
    """

    key: slice
    observed_at: int
    content: slice
    counts: int | None


class Known(msgspec.Struct, frozen=True, gc=False):
    """What one row of the warehouse says of an entity: new content, new totals, or both."""

    observed_at: dt.datetime
    content: Values | None
    counts: Counts


def news(record: Record, known: Sequence[Known], shape: Shape) -> Record | None:
    """Give what is new in an observation; None if nothing is.

    Args:
        record: The observation.
        known: All that is known of its entity, in the order in which it was observed.
        shape: Of the record.
    """
    observed_at = record[shape.observed_at]
    content: Values | None = None
    counts: dict[str, int | None] = {}
    for each in known:
        if each.observed_at > observed_at:
            break
        content = each.content or content
        counts |= each.counts
    if content is None and not counts:
        return record
    parts = list(record)
    told = record[shape.content]
    is_new = told[0] is not None and told != content
    if not is_new:
        parts[shape.content] = (None,) * len(told)
    if shape.counts is not None and (totals := record[shape.counts]):
        changed = {metric: value for metric, value in totals.items() if counts.get(metric, ...) != value}
        parts[shape.counts] = changed or None
        is_new = is_new or bool(changed)
    return tuple(parts) if is_new else None


def merge_moments(found: Iterable[Record], shape: Shape) -> list[Record]:
    """Make one of what answers of the same moment say of one entity: as rows they would have the same key."""
    merged: dict[Values, Record] = {}
    for record in found:
        place = (record[shape.key], record[shape.observed_at])
        merged[place] = _together(merged[place], record, shape) if place in merged else record
    return list(merged.values())


def _together(first: Record, second: Record, shape: Shape) -> Record:
    if first[shape.content][0] is None:
        first, second = second, first
    if shape.counts is None:
        return first
    parts = list(first)
    parts[shape.counts] = {**(first[shape.counts] or {}), **(second[shape.counts] or {})} or None
    return tuple(parts)
