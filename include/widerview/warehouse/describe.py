"""The warehouse as a page: what each table and mart holds, its key, who may read it, and what each column means.

Written from the same words that stand as comments in the database. `python -m widerview.warehouse.describe
docs/warehouse.md` brings the page up to date.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Column, Table, make_url

from widerview.warehouse.marts import MARTS, Mart, MartColumn, mart
from widerview.warehouse.partitions import PARTITIONED
from widerview.warehouse.tables import client_salt, metadata

_BY = "written by `python -m widerview.warehouse.describe docs/warehouse.md`"

_POSTGRESQL = make_url("postgresql+psycopg://").get_dialect()()


def describe() -> str:
    """Describe every table in Markdown: its grain, key, partitions and readers, and each column's type and meaning."""
    return "\n\n".join(_table(table) for table in metadata.tables.values())


def describe_marts() -> str:
    """Describe every mart in Markdown: its grain and key, and each column's type and meaning."""
    return "\n\n".join(_mart(mart(name)) for name in MARTS)


def refresh(page: str) -> str:
    """Give a page's text with what stands between its marks made current.

    Raises:
        ValueError: The page lacks the marks.
    """
    for what, description in (("tables", describe), ("marts", describe_marts)):
        page = _replaced(page, what, description)
    return page


def readers(table: Table) -> str:
    """Say what the role that reports read with may see of a table."""
    if table is client_salt:
        return "nothing"
    return "one client's rows" if "client_id" in table.columns else "everything"


def _replaced(page: str, what: str, description: Callable[[], str]) -> str:
    begin, end = f"<!-- {what}: {_BY} -->", f"<!-- end of {what} -->"
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"The page has no place for the {what}; put these two lines where they belong: {begin} {end}")
    return f"{before}{begin}\n\n{description()}\n\n{end}{after}"


def _table(table: Table) -> str:
    key = [column.name for column in table.primary_key]
    partitions = f" One partition a month of `{_partitioned_by(table)}`." if table.name in PARTITIONED else ""
    facts = f"{table.comment} {_key(key)}{partitions} `widerview_report` sees {readers(table)}."
    return _section(table.name, facts, map(_column, table.columns))


def _partitioned_by(table: Table) -> str:
    by: str = table.dialect_options["postgresql"]["partition_by"]
    return by.removeprefix("RANGE (").removesuffix(")")


def _column(column: Column[object]) -> MartColumn:
    kind = column.type.compile(_POSTGRESQL).lower()
    return MartColumn(column.name, f"{kind}{' or NULL' if column.nullable else ''}", column.comment or "")


def _mart(described: Mart) -> str:
    return _section(f"mart.{described.name}", f"{described.meaning} {_key(described.key)}", described.columns)


def _key(columns: Iterable[str]) -> str:
    return f"Key: {', '.join(f'`{column}`' for column in columns)}."


def _section(name: str, facts: str, columns: Iterable[MartColumn]) -> str:
    rows = "\n".join(f"| `{column.name}` | {column.type} | {column.meaning} |" for column in columns)
    return f"### {name}\n\n{facts}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(refresh(path.read_text(encoding="utf-8")), encoding="utf-8")
