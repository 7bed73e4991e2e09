"""docs/warehouse.md tells of the tables as they are."""

from pathlib import Path

import pytest

from widerview.warehouse.describe import describe, refresh
from widerview.warehouse.tables import metadata

PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"


def test_the_page_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert refresh(page) == page, "run `python -m widerview.warehouse.describe docs/warehouse.md`"


def test_every_column_is_described() -> None:
    lines = describe().splitlines()
    assert sum(line.startswith("### ") for line in lines) == len(metadata.tables)
    assert sum(line.startswith("| `") for line in lines) == sum(len(t.columns) for t in metadata.tables.values())
    assert "| `value` | double precision or NULL | The day's value; NULL: not reported. |" in lines


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the tables"):
        refresh("# Warehouse\n")
