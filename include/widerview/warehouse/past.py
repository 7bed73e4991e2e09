"""What was known of a target when a pull began, for the gate: see `widerview.quality.past`."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Engine, Row

from widerview.quality.past import LOOK_BACK, MOST_POSTS, KnownDay, KnownPost, Past, Series
from widerview.quality.verdict import Shape
from widerview.sources.base import Counts, Target, Window
from widerview.warehouse.sql import query


def read_past(
    engine: Engine,
    target: Target,
    window: Window,
    before: dt.datetime,
    *,
    accounts: Collection[str],
    entities: Collection[str],
) -> Past:
    """Read what had been observed of a target before a moment.

    Args:
        engine: The warehouse.
        target: Whose past it is.
        window: The days that the pull asked for; posts are those published since its first day.
        before: When the pull began (UTC): what it says itself is no past, however often it is judged.
        accounts: The ids of the accounts that the pull tells of.
        entities: The ids of what it tells days of.
    """
    parameters = {
        "client_id": target.client_id,
        "source": target.source,
        "ref": target.ref,
        "before": before,
        "accounts": sorted(accounts),
        "entities": sorted(entities),
        "first": window.opens(target.time_zone),
        "first_day": window.first - LOOK_BACK,
        "last_day": window.last,
        "most": MOST_POSTS,
    }
    with engine.connect() as connection:
        return Past(
            posts=_posts(connection.execute(query("past_posts"), parameters)) if accounts else {},
            counts=_counts(connection.execute(query("past_accounts"), parameters)) if accounts else {},
            days=_days(connection.execute(query("past_days"), parameters)) if entities else {},
            shapes={
                row.stream: msgspec.convert(row.shape, Shape)
                for row in connection.execute(query("past_shapes"), parameters)
            },
        )


def _posts(rows: Iterable[Row[Any]]) -> dict[str, KnownPost]:
    posts: dict[str, KnownPost] = {}
    for row in rows:
        before = posts.get(row.post_id)
        counts = dict(before.counts) if before else {}
        lost_at = dict(before.lost_at) if before else {}
        for metric, value in (row.counts or {}).items():
            if value is not None:
                counts[metric] = value
                lost_at.pop(metric, None)
            elif metric in counts:
                lost_at.setdefault(metric, row.observed_at)
        text = row.text if row.text is not None else before.text if before else ""
        posts[row.post_id] = KnownPost(
            account_id=row.account_id,
            published_at=row.published_at,
            observed_at=row.observed_at,
            text=text,
            counts=counts,
            lost_at=lost_at,
        )
    return posts


def _counts(rows: Iterable[Row[Any]]) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    for row in rows:
        counts[row.account_id] = {**counts.get(row.account_id, {}), **(row.counts or {})}
    return counts


def _days(rows: Iterable[Row[Any]]) -> dict[Series, dict[dt.date, KnownDay]]:
    days: defaultdict[Series, dict[dt.date, KnownDay]] = defaultdict(dict)
    for row in rows:
        days[Series(row.entity_id, row.dimension, row.metric)][row.day] = KnownDay(row.value, row.observed_at)
    return dict(days)
