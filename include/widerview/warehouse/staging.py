"""The way of observations into their tables: what is known is looked up, what is new goes in by COPY.

What is copied are records: tuples with a table's columns, in the order that `Stage` names.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader, BytesBinaryDumper
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
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from widerview.sources.base import Counts, Row
from widerview.warehouse import tables
from widerview.warehouse.database import driver
from widerview.warehouse.news import Known, Record, Shape, Values
from widerview.warehouse.sql import query, sql

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_STAGING = MetaData()
_APART = {"client_id", "source", "observed_at", "recorded_at", "receipt"}
_PARTITIONED_BY = {"published_at", "day"}
_TEXT_OID, _TEXTS_OID, _JSON_OID = 25, 1009, 114  # of text, text[] and json
_NO_TEXTS = struct.pack(">iii", 0, 0, _TEXT_OID)
_WIRE_TYPES: dict[type[object], str] = {
    Boolean: "bool",
    Date: "date",
    DateTime: "timestamptz",
    Double: "float8",
    Text: "text",
    ARRAY: "bytea",  # as `texts` writes it: the driver takes ten times as long over it
    JSON: "json",
    LargeBinary: "bytea",
}

_UNION = "CAST(nullif(coalesce(CAST({0} AS jsonb), '{{}}') || coalesce(CAST({1} AS jsonb), '{{}}'), '{{}}') AS json)"


def _each(pattern: str, names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(pattern.format(name) for name in names)


def _staging_table(name: str, *columns: Column[Any]) -> None:
    Table(f"staged_{name}", _STAGING, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


class _CountsDumper(Dumper):
    """Writes running totals as JSON; the driver takes several times as long over it."""

    format = Format.BINARY  # the same as text
    oid = _JSON_OID

    def dump(self, obj: Counts) -> bytes:
        return _encode_counts(obj)


class Stage:
    """The way into one table: straight, or, to be merged with what is there, over a temporary table shaped like it.

    The columns of its records are client, source, when recorded; the rest of the key; when observed; what stands in
    every row; the content; the running totals, if the table has any; the receipt.

    Attributes:
        name: Of the table.
        shape: Where in its records their parts stand.
    """

    def __init__(self, table: Table, *, always: Sequence[str] = ()) -> None:
        key = [column.name for column in table.primary_key if column.name not in _APART]
        content = [c.name for c in table.columns if c.name not in {*key, *_APART, *always, "counts"}]
        counts = ["counts"] if "counts" in table.columns else []
        fields = ["client_id", "source", "recorded_at", *key, "observed_at", *always, *content, *counts, "receipt"]
        self.name = table.name
        self.shape = Shape(
            key=_stretch(fields, key),
            observed_at=fields.index("observed_at"),
            content=_stretch(fields, content),
            counts=fields.index("counts") if counts else None,
        )
        self._when = next((place for place, name in enumerate(fields) if name in _PARTITIONED_BY), None)
        self._key = key
        self._types = [_WIRE_TYPES[type(table.columns[name].type)] for name in fields]
        _staging_table(table.name, *(Column(name, table.columns[name].type) for name in fields))
        filled_in = {
            "table": table.name,
            "key": _each("{}", key),
            "same_key": _each("{0} = wanted.{0}", key, " AND "),
            "fields": _each("{}", fields),
            "known": _each("{}", [*content, *(f"CAST({name} AS text) AS {name}" for name in counts)]),
            "keys": _each("{}", [f"CAST(:{name} AS {self._types[fields.index(name)]}[])" for name in key]),
        }
        # Binary costs a third of text, here and on the server.
        self._copy = "COPY {table} ({fields}) FROM STDIN (FORMAT BINARY)".format(**filled_in)
        self._copy_staged = "COPY staged_{table} ({fields}) FROM STDIN (FORMAT BINARY)".format(**filled_in)
        merged = [
            f"{name} = CASE WHEN excluded.{content[0]} IS NULL THEN {table.name}.{name} ELSE excluded.{name} END"
            for name in content
        ]
        merged += [f"{name} = {_UNION.format(f'{table.name}.{name}', f'excluded.{name}')}" for name in counts]
        filled_in |= {"primary_key": _each("{}", [c.name for c in table.primary_key]), "merged": ", ".join(merged)}
        self._find_known = text(sql("find_known").format(**filled_in)).compile(dialect=_DIALECT).string
        self._merge: TextClause = text(sql("merge").format(**filled_in))

    def months(self, new: Iterable[Record]) -> set[dt.date]:
        """Give the first days of the months, in UTC, into whose partitions records belong; none without any."""
        if self._when is None:
            return set()
        days = (day for record in new if (day := record[self._when]))  # one that is missing is for the table to refuse
        return {dt.date(year, month, 1) for year, month in {(day.year, day.month) for day in days}}

    def known(self, connection: Connection, pull: Mapping[str, object], keys: Sequence[Values]) -> list[list[Known]]:
        """Look up all that is known of some entities, of each in the order in which it was observed."""
        columns = dict(zip(self._key, map(array, zip(*keys, strict=True)), strict=True))
        known: list[list[Known]] = [[] for _ in keys]
        # The driver's own rows, in binary: there may be many for each that is looked up.
        with driver(connection).cursor(binary=True) as cursor:
            cursor.adapters.register_loader(_TEXTS_OID, ByteaBinaryLoader)  # as `texts` writes them
            for place, observed_at, *row in cursor.execute(self._find_known, {**pull, **columns}).fetchall():
                counts = _decode_counts(row.pop() or "{}") if self.shape.counts else {}
                known[place - 1].append(Known(observed_at, None if row[0] is None else tuple(row), counts))
        return known

    def store(self, connection: Connection, new: Iterable[Record]) -> int:
        """Copy what is new into the table, and give how many rows it has taken.

        Raises:
            psycopg.IntegrityError: One of them was there already.
        """
        return self._write(self._copy, connection, new)

    def merge(self, connection: Connection, new: Iterable[Record], *, again: bool) -> int:
        """Store what is new where a row of the same moment may be there, which then becomes one with the new one.

        Args:
            connection: In the transaction of the load.
            new: What to store.
            again: Whether an earlier use in the same transaction may have left something in staging.

        Returns:
            How many rows the table has taken.
        """
        if again:
            connection.execute(text(f"TRUNCATE staged_{self.name}"))
        self._write(self._copy_staged, connection, new)
        return connection.execute(self._merge).rowcount

    def _write(self, copy_in: str, connection: Connection, new: Iterable[Record]) -> int:
        with driver(connection).cursor() as cursor:
            # The one that the driver has for the type's name takes four times as long.
            cursor.adapters.register_dumper(bytes, BytesBinaryDumper)
            cursor.adapters.register_dumper(dict, _CountsDumper)
            with cursor.copy(copy_in) as copy:
                copy.set_types(self._types)
                for record in new:
                    copy.write_row(record)
            return cursor.rowcount


def _stretch(fields: Sequence[str], names: Sequence[str]) -> slice:
    """Where some columns stand that follow each other."""
    first = fields.index(names[0])
    return slice(first, first + len(names))


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


def texts(values: Sequence[str]) -> bytes:
    """Write texts as an array in PostgreSQL's binary form, in which it is stored and compared.

    That is how many dimensions, whether there are NULLs, the type; how many texts, the first index; and each text.
    """
    if not values:
        return _NO_TEXTS
    parts = [struct.pack(">iiiii", 1, 0, _TEXT_OID, len(values), 1)]
    for value in values:
        encoded = value.encode()
        parts += (struct.pack(">i", len(encoded)), encoded)
    return b"".join(parts)


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
