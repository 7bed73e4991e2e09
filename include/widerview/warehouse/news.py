"""What an observation brings that is new: the difference to what is known of the same entity at its time. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from widerview.sources.base import Counts

Values = tuple[object, ...]


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What one answer says of one entity, or the part of it that is new.

    Attributes:
        key: The values that name the entity, beside client and source.
        observed_at: When the answer had arrived.
        always: Values that stand in every row of the entity.
        content: What it is, as the driver takes it; None if the answer does not say, or it is known.
        counts: Its running totals; those that are known are left out.
        receipt: sha256 of the answer, in hex.
    """

    key: Values
    observed_at: dt.datetime
    always: Values
    content: Values | None
    counts: Counts
    receipt: str


class Known(msgspec.Struct, frozen=True, gc=False):
    """What one row of the warehouse says of an entity: new content, new totals, or both."""

    observed_at: dt.datetime
    content: Values | None
    counts: Counts


def news(seen: Seen, known: Sequence[Known]) -> Seen | None:
    """Give what is new in an observation; None if nothing is.

    Args:
        seen: The observation.
        known: All that is known of its entity, in the order in which it was observed.
    """
    content: Values | None = None
    counts: dict[str, int | None] = {}
    for each in known:
        if each.observed_at > seen.observed_at:
            break
        content = each.content or content
        counts |= each.counts
    if content is None and not counts:
        return seen
    new_content = None if seen.content == content else seen.content
    new_counts = {metric: value for metric, value in seen.counts.items() if counts.get(metric, ...) != value}
    if not new_content and not new_counts:
        return None
    return Seen(seen.key, seen.observed_at, seen.always, new_content, new_counts, seen.receipt)


def merge_moments(found: Iterable[Seen]) -> list[Seen]:
    """Make one of what answers of the same moment say of one entity: as rows they would have the same key."""
    merged: dict[tuple[Values, dt.datetime], Seen] = {}
    for seen in found:
        place = (seen.key, seen.observed_at)
        if place in merged:
            first, second = merged[place], seen
            if first.content is None:
                first, second = second, first
            seen = msgspec.structs.replace(first, counts={**first.counts, **second.counts})  # noqa: PLW2901 - now it is both
        merged[place] = seen
    return list(merged.values())
