"""The way of observations into their tables: what is known is looked up, what is new goes by COPY through staging."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from widerview.sources.base import Row
from widerview.warehouse import tables
from widerview.warehouse.database import driver
from widerview.warehouse.news import Known, Seen, Values, by_entity
from widerview.warehouse.sql import query, sql

_STAGING = MetaData()
_APART = {"client_id", "source", "observed_at", "recorded_at", "receipt"}
_PARTITIONED_BY = {"published_at", "day"}
_WIRE_TYPES: dict[type[object], str] = {
    Boolean: "bool",
    Date: "date",
    DateTime: "timestamptz",
    Double: "float8",
    # As text: what the driver does itself for these costs ten times as much.
    ARRAY: "text",
    JSON: "text",
    LargeBinary: "text",
    Text: "text",
}
_FROM_TEXT: dict[type[object], str] = {
    ARRAY: "CAST({0} AS text[])",
    JSON: "CAST({0} AS json)",
    LargeBinary: "decode({0}, 'hex')",
}

_UNION = "CAST(nullif(coalesce(CAST({0} AS jsonb), '{{}}') || coalesce(CAST({1} AS jsonb), '{{}}'), '{{}}') AS json)"


def _each(pattern: str, names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(pattern.format(name) for name in names)


def _staging_table(name: str, *columns: Column[Any]) -> None:
    Table(f"staged_{name}", _STAGING, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


class Stage:
    """The way into one table, over a temporary table shaped like it, without what is the same in all rows.

    Attributes:
        name: Of the table.
    """

    def __init__(self, table: Table, *, always: Sequence[str] = ()) -> None:
        key = [column.name for column in table.primary_key if column.name not in _APART]
        content = [c.name for c in table.columns if c.name not in {*key, *_APART, *always, "counts"}]
        counts = ["counts"] if "counts" in table.columns else []
        fields = [*key, "observed_at", *always, *content, *counts, "receipt"]
        self.name = table.name
        self._content = len(content)
        self._arrays = [place for place, name in enumerate(fields) if isinstance(table.columns[name].type, ARRAY)]
        self._when = next((place for place, name in enumerate(key) if name in _PARTITIONED_BY), None)
        self._counts = bool(counts)
        self._key = key
        self._types = [_WIRE_TYPES[type(table.columns[name].type)] for name in fields]
        kinds = {name: table.columns[name].type for name in fields}
        _staging_table(
            table.name, *(Column(name, Text() if type(kind) in _FROM_TEXT else kind) for name, kind in kinds.items())
        )
        # Binary costs a third of text, here and on the server.
        self._copy = f"COPY staged_{table.name} ({_each('{}', fields)}) FROM STDIN (FORMAT BINARY)"
        filled_in = {
            "table": table.name,
            "key": _each("{}", key),
            "same_key": _each("{0} = wanted.{0}", key, " AND "),
            "fields": _each("{}", fields),
            "values": ", ".join(_FROM_TEXT.get(type(kind), "{0}").format(name) for name, kind in kinds.items()),
            "known": _each("{}", [*content, *(f"CAST({name} AS text) AS {name}" for name in counts)]),
            "keys": _each("{}", [f"CAST(:{name} AS {self._types[fields.index(name)]}[])" for name in key]),
        }
        merged = [
            f"{name} = CASE WHEN excluded.{content[0]} IS NULL THEN {table.name}.{name} ELSE excluded.{name} END"
            for name in content
        ]
        merged += [f"{name} = {_UNION.format(f'{table.name}.{name}', f'excluded.{name}')}" for name in counts]
        filled_in |= {"primary_key": _each("{}", [c.name for c in table.primary_key]), "merged": ", ".join(merged)}
        self._find_known: TextClause = text(sql("find_known").format(**filled_in))
        store = sql("store").format(**filled_in)
        self._store: TextClause = text(store)
        self._merge: TextClause = text(store + sql("merge_into_row").format(**filled_in))

    def months(self, new: Iterable[Seen]) -> set[dt.date]:
        """Give the first days of the months, in UTC, into whose partitions observations belong; none without any."""
        if self._when is None:
            return set()
        days = {
            when.astimezone(dt.UTC) if isinstance(when, dt.datetime) and when.tzinfo is not dt.UTC else when
            for when in (seen.key[self._when] for seen in new)
            if isinstance(when, dt.date)
        }
        return {dt.date(year, month, 1) for year, month in {(day.year, day.month) for day in days}}

    def known(
        self, connection: Connection, pull: Mapping[str, object], keys: Iterable[Values]
    ) -> Mapping[Values, list[Known]]:
        """Look up all that is known of some entities."""
        columns = dict(zip(self._key, map(array, zip(*keys, strict=True)), strict=True))
        rows = connection.execute(self._find_known, {**pull, **columns})
        return by_entity(map(self._known, rows))

    def _known(self, row: Sequence[Any]) -> tuple[Values, Known]:
        end = len(self._key)
        content: Values | None = None
        if row[end + 1] is not None:
            content = tuple(row[end + 1 : end + 1 + self._content])
            if self._arrays:
                content = tuple(tuple(value) if isinstance(value, list) else value for value in content)
        counts = _decode_counts(row[-1]) if self._counts and row[-1] else {}
        return tuple(row[:end]), Known(row[end], content, counts)

    def store(
        self, connection: Connection, pull: Mapping[str, object], new: Sequence[Seen], *, may_merge: bool = False
    ) -> int:
        """Copy what is new into staging, and insert it from there.

        Args:
            connection: In the transaction of the load.
            pull: The parameters that all its statements share.
            new: What to store.
            may_merge: Whether a row of the same moment may be there, which then becomes one with the new one.

        Returns:
            How many rows the table has taken.

        Raises:
            sqlalchemy.exc.IntegrityError: One of them was there already.
        """
        nothing = (None,) * self._content
        with driver(connection).cursor() as cursor, cursor.copy(self._copy) as copy:
            copy.set_types(self._types)
            for seen in new:
                row = [*seen.key, seen.observed_at, *seen.always, *(seen.content or nothing)]
                for place in self._arrays:
                    values = row[place]
                    row[place] = array(values) if isinstance(values, tuple) else None
                if self._counts:
                    row.append(_encode_counts(seen.counts).decode() if seen.counts else None)
                row.append(seen.receipt)
                copy.write_row(row)
        return connection.execute(self._merge if may_merge else self._store, pull).rowcount

    def empty(self, connection: Connection) -> None:
        """Take out what an earlier use in the same transaction has left in staging."""
        connection.execute(text(f"TRUNCATE staged_{self.name}"))


def array(values: Sequence[object]) -> str:
    """Write values as an array of PostgreSQL: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.

    Raises:
        ValueError: One holds a NUL character, which PostgreSQL's text cannot.
    """
    if not values:
        return "{}"
    joined = "\0".join(map(str, values))
    if joined.count("\0") >= len(values):
        raise ValueError("PostgreSQL's text holds no NUL character")
    if "\\" in joined or '"' in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}'


_encode_counts = msgspec.json.Encoder().encode
_decode_counts = msgspec.json.Decoder(dict[str, int | None]).decode

ACCOUNT = Stage(tables.account)
POST = Stage(tables.post, always=["account_id"])
COMMENT = Stage(tables.comment)
DAY = Stage(tables.day_value)
ALL = (ACCOUNT, POST, COMMENT, DAY)

_staging_table(
    "quarantine",
    Column("row_index", Integer),
    Column("metric", Text),
    Column("kind", Text),
    Column("reason", Text),
    Column("row", JSONB),
    Column("receipt", Text),
)


def make_staging(connection: Connection) -> None:
    """Make the temporary tables; they last as long as the session."""
    _STAGING.create_all(connection, checkfirst=False)


def hold(connection: Connection, pull: Mapping[str, object], held: Sequence[tuple[int, str, str, Row]]) -> int:
    """Put rows into quarantine: position, metric (empty: all of it), reason, row. Give how many it has taken."""
    connection.execute(query("empty_quarantine"))
    with driver(connection).cursor() as cursor, cursor.copy("COPY staged_quarantine FROM STDIN") as copy:
        for index, metric, reason, row in held:
            kind = type(row).__name__.removesuffix("Row").lower()
            shown = msgspec.json.encode(row).decode()
            copy.write_row((index, metric, kind, reason, shown, row.receipt))
    return connection.execute(query("store_quarantine"), pull).rowcount
