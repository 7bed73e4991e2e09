"""Retention: let go of observations that are older than they are kept. Reports and mails stay as long as the client."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

from widerview.warehouse.forget import lock_client
from widerview.warehouse.partitions import FIRST_MONTH, PARTITIONED, following, missing, name
from widerview.warehouse.sql import query, sql

_TIMES = {
    "post_older": "published_at",
    "comment_older": "published_at",
    "day_value_older": "day",
    "verdict": "day",
    "api_usage": "day",
    "quarantine": "recorded_at",
}
"""What makes a row of a table old, where months do not lie in partitions of their own."""


def first_month(today: dt.date, months: int) -> dt.date:
    """Give the first month that is kept: the present one and so many whole months before it are."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return dt.date(year, month + 1, 1)


def expire(engine: Engine, first: dt.date, raw_since: dt.datetime, *, dry_run: bool = False) -> Counter[str]:
    """Let go of what is older than it is kept; called again, there is nothing left to do.

    Posts and comments published before the first month that is kept go with all that was observed of them; so do
    values and verdicts of earlier days. Of accounts, what was known at the beginning of that month stays, so that
    whatever is asked of that moment or a later one has the same answer as before.

    Each partition and each client has a transaction of its own.

    Args:
        engine: The warehouse.
        first: The first month that is kept, by its first day (UTC).
        raw_since: Since when raw answers are kept (UTC); a pull begun earlier cannot be loaded again.
        dry_run: Change nothing, and count what would go.

    Returns:
        The number of rows that went, by table or partition.
    """
    gone: Counter[str] = Counter()
    with engine.begin() as connection:
        partitions = list(_old_partitions(connection, first))
        clients = list(connection.scalars(query("clients")))
    for partition in partitions:
        with engine.begin() as connection:
            gone[partition] = connection.execute(text(sql("count_rows").format(table=partition))).scalar_one()
            if not dry_run:
                connection.execute(query("hurry"))
                connection.execute(query("lock_partitions"))
                connection.execute(text(f"DROP TABLE {partition}"))
    for client_id in clients:
        with engine.connect() as connection, connection.begin() as transaction:
            lock_client(connection, client_id)
            gone.update(dict(_expire_client(connection, client_id, first, raw_since)))
            if dry_run:
                transaction.rollback()
    return gone


def _old_partitions(connection: Connection, first: dt.date) -> Iterator[str]:
    month, months = FIRST_MONTH, []
    while month < first:
        months.append(month)
        month = following(month)
    names = [name(table, month) for table in PARTITIONED for month in months]
    absent = set(missing(connection, names))
    return (each for each in names if each not in absent)


def _expire_client(
    connection: Connection, client_id: str, first: dt.date, raw_since: dt.datetime
) -> Iterator[tuple[str, int]]:
    client = {"client_id": client_id}
    start = dt.datetime.combine(first, dt.time.min, dt.UTC)
    for table, time in _TIMES.items():
        statement = text(sql("expire_rows").format(table=table, time=time))
        before = first if time == "day" else start
        yield table, connection.execute(statement, client | {"before": before}).rowcount
    yield "load", connection.execute(query("expire_loads"), client | {"before": start}).rowcount
    yield "account", connection.execute(query("expire_account"), client | {"before": start}).rowcount
    connection.execute(query("give_up_replays"), client | {"before": raw_since})
