"""The marts: views in the schema `mart` for analysts, one `.sql` file each, made anew by every migration.

A file begins with what the mart tells, its key, and the type and meaning of every column. This is written nowhere
else: it becomes the comments in the database and the page `docs/warehouse.md`. A column without words of its own is
the metric of that name, and means what the vocabulary says.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier, Literal
from sqlalchemy import Connection, text

from widerview.vocabulary.metrics import METRICS
from widerview.warehouse.database import REPORT_ROLE, driver
from widerview.warehouse.sql import sql

MARTS = (
    "zone", "pull_day", "post", "post_day", "account_day", "web_day", "campaign_day", "asset_day", "ad_day",
    "conversation", "source_health", "completion",
)  # fmt: skip
"""All marts; each reads only tables and marts before it."""


class MartColumn(NamedTuple):
    """One column: its name, its type in PostgreSQL's words, and what it means."""

    name: str
    type: str
    meaning: str


class Mart(NamedTuple):
    """One mart as its file describes it.

    Attributes:
        name: Of the view.
        meaning: What one row is, and what to know before using it.
        key: The columns that tell rows apart.
        columns: All columns, in order.
        select: The query.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[MartColumn, ...]
    select: str

    @property
    def comment(self) -> str:
        """What stands at the view in the database: its meaning and its key."""
        return f"{self.meaning} Key: {', '.join(self.key)}."


@cache
def mart(name: str) -> Mart:
    """Read the mart in `<name>.sql`."""
    lines = (files(__name__) / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    meaning, key, columns = "\n".join(line.removeprefix("--").removeprefix(" ") for line in lines[:end]).split("\n\n")
    # a line that begins with blanks goes on with the one before it
    entries = [re.split(r" {2,}", line, maxsplit=2) for line in re.sub(r"\n +", " ", columns).splitlines()]
    return Mart(
        name=name,
        meaning=meaning.replace("\n", " "),
        key=tuple(key.removeprefix("key: ").split(", ")),
        columns=tuple(
            MartColumn(entry[0], entry[1], entry[2] if entry[2:] else _of_metric(entry[0])) for entry in entries
        ),
        select="\n".join(lines[end:]),
    )


def make_marts(connection: Connection) -> None:
    """Make the marts, or bring them up to date; the role that reports read with may read them.

    Views of the user's own that are built on marts stay, as long as the columns of these do.

    Raises:
        ValueError: A mart has to be made anew, and a view of the user's own hangs on it; the message names it. Or the
            schema is missing and this user may not make it.
    """
    if not connection.scalar(text("SELECT to_regnamespace('mart') IS NOT NULL")):
        try:
            _run(connection, SQL("CREATE SCHEMA mart"))
        except errors.InsufficientPrivilege as error:
            raise ValueError(
                f"The warehouse's user may not make the schema mart ({error}). Let an administrator run: "
                f"CREATE SCHEMA mart AUTHORIZATION <that user>; then migrate again."
            ) from error
    _run(connection, SQL(sql("make_as_of")))
    _run(connection, SQL(sql("make_merged")))
    try:
        with connection.begin_nested():
            _make_views(connection)
    except errors.InvalidTableDefinition:  # a view's columns cannot be replaced by others
        drop_marts(connection)
        _make_views(connection)
    _run(connection, SQL("GRANT USAGE ON SCHEMA mart TO {}").format(Identifier(REPORT_ROLE)))


def drop_marts(connection: Connection) -> None:
    """Take the marts away, so that the tables under them can be changed; the schema stays.

    Raises:
        ValueError: A view of the user's own hangs on one; the message names it.
    """
    try:
        _run(connection, SQL("DROP VIEW IF EXISTS {}").format(SQL(", ").join(map(_view, MARTS))))
    except errors.DependentObjectsStillExist as error:
        raise ValueError(
            f"The marts have to be made anew, and something of your own is built on them: {error.diag.message_detail}. "
            "Drop it, migrate, and create it again; nothing was changed."
        ) from error


def _make_views(connection: Connection) -> None:
    for name in MARTS:
        _run(connection, SQL(";\n").join(_statements(mart(name))))


def _statements(described: Mart) -> Iterator[Composed]:
    view = _view(described.name)
    # whoever reads a mart reads the tables with their own rights, and sees the rows that they may see
    yield SQL("CREATE OR REPLACE VIEW {} WITH (security_invoker = true) AS {}").format(view, SQL(described.select))
    yield SQL("COMMENT ON VIEW {} IS {}").format(view, Literal(described.comment))
    for column in described.columns:
        named = Identifier("mart", described.name, column.name)
        yield SQL("COMMENT ON COLUMN {} IS {}").format(named, Literal(column.meaning))
    yield SQL("GRANT SELECT ON {} TO {}").format(view, Identifier(REPORT_ROLE))


def _view(name: str) -> Identifier:
    return Identifier("mart", name)


def _of_metric(name: str) -> str:
    metric = METRICS[name]
    unit = "" if metric.unit in {"count", "people"} else f" In {metric.unit}."
    caution = " Never to be added up: who comes again would be counted again." if metric.additivity == "unique" else ""
    return f"{metric.meaning}{unit}{caution}"


def _run(connection: Connection, statement: SQL | Composed) -> None:
    driver(connection).execute(statement)
