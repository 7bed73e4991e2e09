"""Since when a figure does not compare with earlier weeks: a platform counts otherwise, or the level is another one."""

import datetime as dt
from collections.abc import Sequence

import msgspec
import numpy as np

from widerview.agency.models import TimelineEntry
from widerview.measures.changes import MOST_AFTER, lasting_changes
from widerview.measures.weeks import Week
from widerview.report.facts import Figure, LevelChange
from widerview.report.long_past import LongPast

CHANGE_WEEKS = 2 * MOST_AFTER
"""So many weeks it takes to see a lasting change: what came after it, and what was before."""

OF_POSTS = ("reactions_per_post", "replies_received", "passed_on")
_OF_VISITS = ("visits", "social_visits")
_OF_PLATFORMS = (*OF_POSTS, "social_visits")
_SOON_AFTER = dt.timedelta(weeks=4)


def with_changes(
    figures: Sequence[Figure], past: LongPast, weeks: Sequence[Week], timeline: Sequence[TimelineEntry]
) -> tuple[Figure, ...]:
    """Say of each figure since when it does not compare with earlier weeks.

    A change of definition goes before: what was before it is not looked at.

    Args:
        figures: The figures of the last week.
        past: The weeks before it, too.
        weeks: `CHANGE_WEEKS` weeks, of which the last is the figures'.
        timeline: What else happened; a lasting change of what comes from platforms is told after a change of an
            algorithm that came at most `_SOON_AFTER` before it.
    """
    # Reactions swing more than visits do, so each kind learns its spread from its own.
    changes = _lasting(figures, OF_POSTS, past, weeks) | _lasting(figures, _OF_VISITS, past, weeks)
    told = []
    for figure in figures:
        since = past.breaks.posts if figure.id in OF_POSTS else past.breaks.visits
        if since is not None and since >= weeks[-MOST_AFTER].monday:
            changes[figure.id] = LevelChange(since=since, why="measured differently")
        change = changes.get(figure.id)
        if change and change.why == "lasting" and figure.id in _OF_PLATFORMS:
            change = _after(change, timeline)
        told.append(msgspec.structs.replace(figure, change=change))
    return tuple(told)


def _after(change: LevelChange, timeline: Sequence[TimelineEntry]) -> LevelChange:
    """The change with the newest change of an algorithm before it, or in its first week."""
    week = Week.of(change.since)
    before = [
        entry
        for entry in timeline
        if entry.kind == "algorithm_change" and week.monday - _SOON_AFTER <= entry.day <= week.sunday
    ]
    newest = max(before, key=lambda entry: entry.day, default=None)
    return msgspec.structs.replace(change, after=newest.what, after_day=newest.day) if newest else change


def _lasting(
    figures: Sequence[Figure], names: Sequence[str], past: LongPast, weeks: Sequence[Week]
) -> dict[str, LevelChange]:
    here = [figure for figure in figures if figure.id in names]
    if not here:
        return {}
    values = np.array([[past.week(figure.id, week) for week in weeks] for figure in here], dtype=float)
    values[[figure.id == "reactions_per_post" for figure in here]] *= past.usual_posts(weeks)
    # What may still rise would look like a fall.
    values[[figure.so_far for figure in here], -1] = np.nan
    return {
        figure.id: LevelChange(
            since=weeks[change.since].monday,
            why="lasting",
            times=round(change.factor, 3),
            low=round(change.low, 3),
            high=round(change.high, 3),
        )
        for figure, change in zip(here, lasting_changes(values), strict=True)
        if change
    }
