"""Monthly partitions of the large tables: their names, and making those that a load needs."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import Connection, text

from widerview.warehouse import tables
from widerview.warehouse.sql import query

PARTITIONED = {table.name: table for table in (tables.post, tables.comment, tables.day_value)}
"""The large tables, which are kept in one partition a month."""

FIRST_MONTH = dt.date(2020, 1, 1)
"""What is older lies in one partition, `<table>_older`, which every migration makes."""


def name(table: str, month: dt.date) -> str:
    """Name the partition of a month, e.g. `post_2026_11`."""
    return f"{table}_{month:%Y_%m}" if month >= FIRST_MONTH else f"{table}_older"


def following(month: dt.date) -> dt.date:
    """Give the first day of the next month."""
    return (month + dt.timedelta(days=31)).replace(day=1)


def make_partitions(connection: Connection, needed: Iterable[tuple[str, dt.date]]) -> None:
    """Make the partitions that are not there yet; they are there once the transaction is committed.

    Args:
        connection: In a transaction.
        needed: Tables, and the first days of months (of instants: in UTC).
    """
    wanted = {name(table, month): (table, month) for table, month in needed}
    if not wanted or not missing(connection, wanted):
        return
    # Two loads may want the same month: the second waits here and then finds it.
    connection.execute(query("lock_partitions"))
    for partition in missing(connection, wanted):
        table, month = wanted[partition]
        # Attached, not created in place: that does not hold up those who read and write the other months.
        connection.execute(text(f"CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)"))
        connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {partition} {_bounds(month, following(month))}"))


def missing(connection: Connection, names: Iterable[str]) -> list[str]:
    """Give those of some partitions that are not there."""
    return list(connection.scalars(query("missing_partitions"), {"names": list(names)}))


def _bounds(first: dt.date, end: dt.date) -> str:
    # With its offset, a bound of instants does not depend on the session's time zone; for days it is ignored.
    return f"FOR VALUES FROM ('{first} 00:00+00') TO ('{end} 00:00+00')"
