"""Metrics that a platform did not give when it was asked for each alone: which, since when, and whether it was told."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from widerview.sources.base import Target, UnavailableRow
from widerview.warehouse.read import read_rows
from widerview.warehouse.sql import query
from widerview.warehouse.tables import missing_metric


class MissingMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that a platform did not give for an account.

    Attributes:
        client_id: The client's id.
        source: The platform.
        ref: The handle or site that was asked.
        metric: Canonical metric.
        native_metric: The platform's own name of it.
        reason: What the platform said.
        found_at: When it was first heard.
        told_at: When the agency was told; None: not yet.
    """

    client_id: str
    source: str
    ref: str
    metric: str
    native_metric: str
    reason: str
    found_at: dt.datetime
    told_at: dt.datetime | None = None


def remember(connection: Connection, target: Target, missing: Mapping[str, UnavailableRow], now: dt.datetime) -> None:
    """Bring what is remembered of an account up to date with what was missing now, by metric.

    What is given again is forgotten. What is missing for another reason than before is told anew.
    """
    table = missing_metric
    account = (table.c.client_id == target.client_id, table.c.source == target.source, table.c.ref == target.ref)
    known = {each.metric: each for each in read_rows(connection, select(table).where(*account), MissingMetric)}
    connection.execute(delete(table).where(*account, table.c.metric.not_in(missing)))
    for metric, row in missing.items():
        before = known.get(metric)
        is_same = before is not None and _gist(before.reason) == _gist(row.reason)
        found = MissingMetric(
            client_id=target.client_id,
            source=target.source,
            ref=target.ref,
            metric=metric,
            native_metric=row.native_metric,
            reason=row.reason,
            found_at=before.found_at if before else now,
            told_at=before.told_at if before and is_same else None,
        )
        values = msgspec.structs.asdict(found)
        keys = ["client_id", "source", "ref", "metric"]
        connection.execute(insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=values))


def untold(connection: Connection, client_id: str) -> list[MissingMetric]:
    """Give what is missing for a client's accounts and was not told yet, by platform and metric."""
    found = (
        select(missing_metric)
        .where(missing_metric.c.client_id == client_id, missing_metric.c.told_at.is_(None))
        .order_by(missing_metric.c.source, missing_metric.c.ref, missing_metric.c.metric)
    )
    return read_rows(connection, found, MissingMetric)


def mark_told(connection: Connection, told: Iterable[MissingMetric], now: dt.datetime) -> None:
    """Remember that these were told."""
    for each in told:
        connection.execute(
            update(missing_metric)
            .where(
                missing_metric.c.client_id == each.client_id,
                missing_metric.c.source == each.source,
                missing_metric.c.ref == each.ref,
                missing_metric.c.metric == each.metric,
            )
            .values(told_at=now)
        )


def missing_since(connection: Connection, missing: MissingMetric) -> dt.datetime | None:
    """Since when the pulls of the account have come without it (UTC); None: the last one had it, or there was none."""
    account = {name: getattr(missing, name) for name in ("client_id", "source", "ref", "metric")}
    since: dt.datetime | None = connection.execute(query("missing_since"), account).scalar_one()
    return since


def _gist(reason: str) -> str:
    """What a platform says without what is another in each answer: numbers, and ids that have numbers in them."""
    return " ".join(word for word in re.findall(r"\w+", reason.casefold()) if word.isalpha())
