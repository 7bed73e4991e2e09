"""Load a pull: stream its rows into staging by COPY, then store what changed with one statement a table.

One transaction a pull, in constant memory, with the rows counted from end to end. Loading a pull again changes
nothing, so a load that died, or whose commit was not confirmed, is simply loaded again.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg.types.array import ListDumper
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from widerview.quality.verdict import DayVerdict, Rejected
from widerview.sources.base import AccountRow, CounterRow, DayRow, PostRow, Row, Target, Window
from widerview.warehouse import tables
from widerview.warehouse.sql import sql

_COPY_ROWS = 2_000
"""Rows of one table that are gathered before they are sent; what bounds the memory of a load."""


class LoadError(Exception):
    """A pull cannot be loaded as it is, and nothing of it was; the message says which pull and why."""


class LoadCounts(NamedTuple):
    """What became of a pull's rows.

    Attributes:
        parsed: Rows the pull gave.
        held: Rows held in quarantine.
        stored: Observations that were new when the pull was first loaded; the others had not changed.
    """

    parsed: int
    held: int
    stored: int


def load_pull(
    engine: Engine | Connection,
    *,
    load_id: str,
    target: Target,
    window: Window,
    ended_at: dt.datetime,
    rows: Iterable[Row],
    rejected: Sequence[Rejected] = (),
    verdicts: Sequence[DayVerdict] = (),
) -> LoadCounts:
    """Load one pull in one transaction.

    An observation is stored if it differs from the latest earlier one of the same key. That is exact as long as
    pulls of a target arrive in the order in which they were made. When one arrives late and stores something, the
    pulls after it are marked, and `replays_due` names them: each has to be loaded once more.

    Args:
        engine: The warehouse; or a connection in a transaction (READ COMMITTED), which the caller then commits.
        load_id: Path of the pull's manifest in landing.
        target: Whose pull it is; every row must be of this client and source.
        window: The days that were asked for.
        ended_at: When the pull had ended (UTC).
        rows: The pull's rows as parsed, in order; read once, never held all together.
        rejected: Rows to hold in quarantine, by their position in `rows`.
        verdicts: The verdict on each day.

    Returns:
        The counts of the first load of this pull.

    Raises:
        LoadError: A row belongs to somebody else, or the rows do not add up.
    """
    with _transaction(engine) as connection:
        pull = {"client_id": target.client_id, "source": target.source, "ref": target.ref, "load_id": load_id}
        connection.execute(text(sql("prepare_load")), pull)
        first = None
        if found := connection.execute(text(sql("find_load")), pull).one_or_none():
            first = LoadCounts(found.rows_parsed, found.rows_held, found.rows_stored)
            if not found.replay_due:
                return first

        held = _reasons(rejected)
        _STAGING.create_all(connection, checkfirst=False)
        tally = _copy(connection, _own(rows, target, load_id), held)
        _reconcile(load_id, tally, held)
        stored = _store(connection, pull)
        _STAGING.drop_all(connection, checkfirst=False)  # a next load in this transaction makes its own
        if verdicts:
            _store_verdicts(connection, verdicts, ended_at)
        if stored:
            connection.execute(text(sql("mark_replays")), pull | {"earliest": tally.earliest})
        counts = LoadCounts(tally.parsed, tally.held, stored)
        connection.execute(
            text(sql("store_load")),
            pull | counts._asdict() | {"first_day": window.first, "last_day": window.last, "observed_at": ended_at},
        )
        return first or counts


def replays_due(engine: Engine | Connection, *, client_id: str, source: str) -> list[str]:
    """Name the pulls that have to be loaded again because an earlier one arrived after them, in order.

    `load_pull` with the same arguments as the first time does it and takes the mark away. It may mark later pulls
    in turn, so ask again until none is left; that ends, since only a load that stores something marks others.
    """
    with _transaction(engine) as connection:
        return list(connection.scalars(text(sql("replays_due")), {"client_id": client_id, "source": source}))


@contextmanager
def _transaction(engine: Engine | Connection) -> Iterator[Connection]:
    if isinstance(engine, Connection):
        yield engine
    else:
        with engine.begin() as connection:
            yield connection


def _reasons(rejected: Iterable[Rejected]) -> dict[int, str]:
    reasons: dict[int, list[str]] = defaultdict(list)
    for row in rejected:
        reasons[row.index].append(row.reason)
    return {index: "; ".join(why) for index, why in reasons.items()}


def _own(rows: Iterable[Row], target: Target, load_id: str) -> Iterator[Row]:
    for row in rows:
        if row.client_id != target.client_id or row.source != target.source:
            raise LoadError(
                f"{load_id}: a row of {row.client_id}/{row.source} in a pull of {target.client_id}/{target.source}. "
                "Nothing was loaded; the source's parse must take both from its target."
            )
        yield row


_STAGING = MetaData()


class _Stage:
    """Where one kind of row waits: a temporary table shaped like its table, without what is the same in all rows."""

    def __init__(self, kind: str, table: Table) -> None:
        apart = {"client_id", "source", "observed_at", "receipt"}
        self.kind = kind
        key = [column.name for column in table.primary_key if column.name not in apart]
        content = [column.name for column in table.columns if column.name not in {*key, *apart}]
        fields = ["observed_at", *key, *content, "receipt"]
        self.values: Callable[[Row], tuple[object, ...]] = attrgetter(*fields)
        self.staging = _staging_table(
            table.name, *(Column(name, Text if name == "receipt" else table.columns[name].type) for name in fields)
        )
        self.store = sql("store").format(
            table=table.name,
            key=_each("{0}", key),
            content=_each("{0}", content),
            chained_key=_each("chained.{0}", key),
            chained_content=_each("chained.{0}", content),
            lagged_content=_each("lag({0}) OVER earlier AS before_{0}", content),
            before_content=_each("chained.before_{0}", content),
            known_content=_each("known.{0}", content),
            same_key=_each("{0} = chained.{0}", key, " AND "),
        )


def _each(pattern: str, names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(pattern.format(name) for name in names)


def _staging_table(name: str, *columns: Column[Any]) -> Table:
    return Table(
        f"staged_{name}",
        _STAGING,
        Column("seq", Integer),
        *columns,
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


_STAGES: Mapping[type[Row], _Stage] = {
    AccountRow: _Stage("account", tables.account),
    PostRow: _Stage("post", tables.post),
    CounterRow: _Stage("counter", tables.counter),
    DayRow: _Stage("day", tables.day_value),
}

_STAGED_QUARANTINE = _staging_table(
    "quarantine", Column("kind", Text), Column("reason", Text), Column("row", JSONB), Column("receipt", Text)
)


@dataclass
class _Tally:
    """What went into staging: rows read here, rows the server confirmed there, the earliest instant observed."""

    parsed: int = 0
    staged: int = 0
    held: int = 0
    earliest: dt.datetime | None = None


def _copy(connection: Connection, rows: Iterable[Row], held: Mapping[int, str]) -> _Tally:
    tally = _Tally()
    waiting: dict[Table, list[tuple[object, ...]]] = {table: [] for table in _STAGING.tables.values()}
    with _copy_cursor(connection) as cursor:

        def send(table: Table) -> None:
            with cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
                for values in waiting[table]:
                    copy.write_row(values)
            waiting[table].clear()
            if table is _STAGED_QUARANTINE:
                tally.held += cursor.rowcount
            else:
                tally.staged += cursor.rowcount

        for seq, row in enumerate(rows):
            tally.parsed += 1
            stage = _STAGES[type(row)]
            if seq in held:
                table = _STAGED_QUARANTINE
                waiting[table].append((seq, stage.kind, held[seq], msgspec.json.encode(row).decode(), row.receipt))
            else:
                table = stage.staging
                waiting[table].append((seq, *stage.values(row)))
                if tally.earliest is None or row.observed_at < tally.earliest:
                    tally.earliest = row.observed_at
            if len(waiting[table]) == _COPY_ROWS:
                send(table)
        for table, left in waiting.items():
            if left:
                send(table)
    return tally


def _copy_cursor(connection: Connection) -> psycopg.Cursor[Any]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # no generic
    cursor = driver.cursor()
    cursor.adapters.register_dumper(tuple, ListDumper)  # rows hold tuples where the tables hold arrays
    return cursor


def _reconcile(load_id: str, tally: _Tally, held: Mapping[int, str]) -> None:
    if tally.held != len(held):
        raise LoadError(
            f"{load_id}: the check holds back {len(held)} rows, of which the pull's {tally.parsed} rows have only "
            f"{tally.held}. Nothing was loaded; run the check of this pull again, so that it judges these rows."
        )
    if tally.parsed != tally.staged + tally.held:
        raise LoadError(
            f"{load_id}: {tally.parsed} rows were parsed, but the database took {tally.staged} to load and "
            f"{tally.held} to hold back. Nothing was loaded; load it again."
        )


def _store(connection: Connection, key: Mapping[str, str]) -> int:
    stored = sum(connection.execute(text(stage.store), key).rowcount for stage in _STAGES.values())
    connection.execute(text(sql("store_quarantine")), key)
    return stored


def _store_verdicts(connection: Connection, verdicts: Sequence[DayVerdict], ended_at: dt.datetime) -> None:
    values = [msgspec.structs.asdict(verdict) | {"observed_at": ended_at} for verdict in verdicts]
    connection.execute(insert(tables.verdict).on_conflict_do_nothing(), values)
