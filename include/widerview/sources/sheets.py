"""A table that a person has saved, CSV or Excel, as rows of cells. Whoever saved it is not trusted with our memory.

Of an Excel file the values are read that it was saved with: no formula is worked out, no macro is run, no link is
followed.
"""

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

Cell = str | int | float | bool | dt.datetime | dt.date | dt.time | None
Line = tuple[int, tuple[Cell, ...]]
"""A row with its number, as a spreadsheet shows it. Empty cells are None, and those at its end are left out."""

LARGEST_FILE = 5 * 2**20
MOST_LINES = 20_000
_MOST_CELLS = 100
_LARGEST_UNPACKED = 64 * 2**20
"""Bytes that an Excel file, which is a ZIP archive, may unpack to: a hostile one of 5 MB could come to gigabytes."""
_MOST_PARTS = 500
_DELIMITERS = ",;\t"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
"""What files of Excel before 2007 begin with, and new ones that are locked by a password (MS-CFB 2.2)."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGITS = re.compile(r"[0-9]{1,15}")
_AMOUNT = re.compile(
    r"(?P<whole>[0-9]{1,15}|[0-9]{1,3}(?:(?P<group>[.,])[0-9]{3})+)(?:(?P<point>[.,])(?P<rest>[0-9]{1,9}))?"
)
_THREE = 3


class BadSheet(ValueError):
    """A file is no table that can be read, or a cell holds no such value; the message says what, and how to mend it."""


def read_lines(name: str, body: bytes) -> list[Line]:
    """Read a table, lines without anything left out.

    Args:
        name: The file's name, whose ending tells what it is: `.csv` or `.xlsx`.
        body: Its content.

    Raises:
        BadSheet: It cannot be read, or it is larger than such tables are.
    """
    if name.lower().endswith(".csv"):
        numbered = _csv_lines(body)
    elif name.lower().endswith(".xlsx"):
        numbered = _excel_lines(body)
    else:
        raise BadSheet("is neither a .csv nor an .xlsx file; save it as one of them, or keep it elsewhere")
    lines: list[Line] = []
    for number, cells in numbered:
        if number > MOST_LINES:
            raise BadSheet(f"has more than {MOST_LINES} rows; split it by days")
        filled = _without_end(cells)
        if len(filled) > _MOST_CELLS:
            raise BadSheet(f"has a row of more than {_MOST_CELLS} cells; save only the table itself")
        if filled:
            lines.append((number, filled))
    return lines


def day(cell: Cell) -> dt.date:
    """The day in a cell: a date of Excel, or text like 2026-11-02.

    Raises:
        BadSheet: It is none.
    """
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date()
    if isinstance(cell, dt.date) and not isinstance(cell, dt.datetime):
        return cell
    if isinstance(cell, str) and _DAY.fullmatch(cell):
        try:
            return dt.date.fromisoformat(cell)
        except ValueError:
            pass
    raise BadSheet(f"{shown(cell)} is no day; write it like 2026-11-02, or as a date of Excel without a time")


def count(cell: Cell) -> int:
    """The whole number in a cell, 0 or more.

    Raises:
        BadSheet: It is none.
    """
    if isinstance(cell, str) and _DIGITS.fullmatch(cell):
        return int(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell < 10**15 and cell == int(cell):
        return int(cell)
    raise BadSheet(f"{shown(cell)} is no count; write a whole number from 0 on, without dots or commas, like 1250")


def amount(cell: Cell) -> float:
    """The amount in a cell, 0 or more, with a decimal point or a decimal comma.

    Raises:
        BadSheet: It is none, or it can be read two ways, like `1.250`.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell < 10**15:
        return float(cell)
    found = _AMOUNT.fullmatch(cell) if isinstance(cell, str) else None
    if found is None or (found["group"] and found["group"] == found["point"]):
        raise BadSheet(f"{shown(cell)} is no amount; write it like 1250.50 or 1250,50, without a currency")
    whole, rest = found["whole"], found["rest"] or ""
    groups = whole.count(".") + whole.count(",")
    if (groups == 1 and not rest) or (not groups and len(rest) == _THREE):
        raise BadSheet(f"{shown(cell)} can be read two ways; write it with two decimals, like 1250.00")
    return float(f"{whole.replace('.', '').replace(',', '')}.{rest or 0}")


def micros(cell: Cell) -> float:
    """The amount in a cell that holds it in millionths, as ads managers export costs.

    Raises:
        BadSheet: It is no whole number of millionths, 0 or more.
    """
    return count(cell) / 1_000_000


def text(cell: Cell) -> str:
    """The words in a cell, on one line; a number as it is written.

    Raises:
        BadSheet: There are none, or far too many.
    """
    if isinstance(cell, float) and cell == int(cell):
        cell = int(cell)
    words = " ".join(str(cell).split()) if isinstance(cell, str | int) and not isinstance(cell, bool) else ""
    if not words or len(words) > _MOST_CELLS or not words.isprintable():
        raise BadSheet(f"{shown(cell)} is no name; write one of at most {_MOST_CELLS} letters")
    return words


def shown(cell: Cell) -> str:
    """A cell for a message."""
    if cell is None:
        return "an empty cell (or a formula that was never worked out)"
    words = str(cell)
    return repr(words if len(words) <= _MOST_CELLS else f"{words[:_MOST_CELLS]}…")


def _without_end(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    kept = [(cell.strip() or None) if isinstance(cell, str) else cell for cell in cells]
    while kept and kept[-1] is None:
        kept.pop()
    return tuple(kept)


def _csv_lines(body: bytes) -> Iterator[Line]:
    try:
        content = body.decode("utf-16" if body.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise BadSheet("is not in UTF-8; in Excel, save it as `CSV UTF-8`") from None
    head = content.partition("\n")[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, tuple(cells)
    except csv.Error as error:
        raise BadSheet(f"is no CSV from row {reader.line_num} on ({error}); save it again as CSV") from None


def _excel_lines(body: bytes) -> Iterator[Line]:
    if body.startswith(_OLD_EXCEL):
        raise BadSheet("is an old Excel file, or one with a password; save it as .xlsx without a password")
    try:
        _check_archive(zipfile.ZipFile(io.BytesIO(body)))
        yield from _sheet(body)
    except BadSheet:
        raise
    except Exception as error:  # openpyxl lets through whatever damaged files make of its code
        raise BadSheet(f"is no Excel file, or is damaged ({type(error).__name__}); save it again as .xlsx") from error


def _check_archive(archive: zipfile.ZipFile) -> None:
    with archive:
        parts = archive.infolist()
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
        raise BadSheet(
            f"unpacks to more than {_LARGEST_UNPACKED // 2**20} MB or {_MOST_PARTS} parts; save only the table itself, "
            "without pictures"
        )
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        raise BadSheet("has macros; save it as .xlsx without macros")


def _sheet(body: bytes) -> Iterator[Line]:
    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import, and seldom needed

    # defusedxml is installed, and openpyxl reads with it: no entity of a hostile file is expanded.
    with closing(openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)) as book:
        filled: list[str] = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what the file says of its size may be anything
            for number, cells in enumerate(_values(sheet.iter_rows(values_only=True)), start=1):
                if any(cell is not None for cell in cells):
                    if sheet.title not in filled:
                        filled.append(sheet.title)
                    if len(filled) > 1:
                        raise BadSheet(f"has more than one sheet with something in it ({', '.join(filled)}); keep one")
                    yield number, cells
                if number > MOST_LINES:
                    raise BadSheet(f"has more than {MOST_LINES} rows; split it by days")


def _values(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        yield tuple(cell if isinstance(cell, Cell) else str(cell) for cell in row)
