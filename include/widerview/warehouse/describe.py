"""The warehouse's tables as a page: what each holds, its key, and what each column means.

Written from the same comments that stand in the database. `python -m widerview.warehouse.describe docs/warehouse.md`
brings the page up to date.
"""

import sys
from pathlib import Path

from sqlalchemy import Column, Table, make_url

from widerview.warehouse.tables import metadata

_BEGIN = "<!-- tables: written by `python -m widerview.warehouse.describe docs/warehouse.md` -->"
_END = "<!-- end of tables -->"

_POSTGRESQL = make_url("postgresql+psycopg://").get_dialect()()


def describe() -> str:
    """Describe every table in Markdown: its grain, its key, and each column's type and meaning."""
    return "\n\n".join(_table(table) for table in metadata.tables.values())


def refresh(page: str) -> str:
    """Give a page's text with the description between its two marks made current.

    Raises:
        ValueError: The page lacks the marks.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(
            f"The page has no place for the tables; put these two lines where they belong: {_BEGIN} {_END}"
        )
    return f"{before}{_BEGIN}\n\n{describe()}\n\n{_END}{after}"


def _table(table: Table) -> str:
    key = ", ".join(f"`{column.name}`" for column in table.primary_key)
    rows = "\n".join(_column(column) for column in table.columns)
    return f"### {table.name}\n\n{table.comment} Key: {key}.\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _column(column: Column[object]) -> str:
    kind = column.type.compile(_POSTGRESQL).lower()
    return f"| `{column.name}` | {kind}{' or NULL' if column.nullable else ''} | {column.comment} |"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(refresh(path.read_text(encoding="utf-8")), encoding="utf-8")
