"""### Files in a drop folder: what the till, the door, the newsletter, a scan provider and ads managers tell.

**Purpose.** Bring in what no platform and no web analytics can tell of a campaign: promo codes used at the till, heads
counted at an event, results of a newsletter, scans of QR codes; and what ads managers claim. Somebody saves a small
table into a folder; that is all.

**Inputs.** In the client file, under `offline`, `name` is a short name of the folder, and `options` has `folder`:
where it lies on the machine of the Airflow workers, whose user must be allowed to read it. Amounts are in the client's
currency. No Airflow Connection is needed and nothing is asked over the network. The files are CSV (UTF-8) or Excel
(`.xlsx`), and the names of the columns say which of five tables one is; `docs/drop-folder.md` has an example of each:

- till: `day`, `code`, `redemptions`, and, if known, `revenue`
- attendance: `day`, `event`, `attendance`
- newsletter: `day`, `newsletter`, `sent`, `clicks`, and, if known, `opens`, `unsubscribes`
- scans: `day`, `path`, `scans`
- ads: `day`, `campaign`, `platform`, `claimed_conversions`, and, if known, `spend`, or `cost_micros` in millionths

**Outputs.** Values of whole days in the client's time zone, split by `asset`: the code, event, newsletter or path, in
lower case; of ads by `touchpoint`: `<campaign>/<platform>`. Each was observed when its file was saved; so a file that
is saved again with other numbers is a correction, and the same file read again changes nothing. Of two files that tell
of the same, the one saved last counts. Two shops with the same code need two folders.

**Calls.** None.

**Limits.** Files of at most 5 MB and 20,000 rows. Formulas of Excel count with the value they were saved with. Nothing
is guessed: a day is written like 2026-11-02 or is a date of Excel, and what can be read two ways (`1.250`) is refused.
Files are read, never moved or deleted. Taking a line or a file away takes nothing back: write 0 instead.

**When it fails.** A file or line that breaks the format goes into quarantine with file, row, column and what to write
instead; everything else of it is loaded. *Not found*: the folder is not there. *Unauthorized*: it may not be listed.
*Unavailable*: a file was being written while it was read; the next try will do.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from requests import codes

from widerview.sources import sheets
from widerview.sources.base import (
    DayRow,
    RawPage,
    Request,
    Row,
    Source,
    Stamp,
    Target,
    UnreadableRow,
    Window,
    Written,
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized, Unavailable
from widerview.sources.http import HttpClient
from widerview.sources.referrers import tag
from widerview.sources.sheets import BadSheet, Cell
from widerview.vocabulary.dictionaries import load_dictionary

_T = TypeVar("_T")

_TITLE = "Drop folder"
_LATE = dt.timedelta(days=93)
"""A line may come so long after its day: then some pull of a Sunday still asks for that day."""
_CLOCKS = dt.timedelta(days=1)
"""By so much a file may be ahead of the day it is saved on: whose clock saved it is not known."""
_NO_TABLE = ("~$", ".")
"""What the names of files begin with that programs leave beside tables: locks of Excel, hidden files."""


AD_PLATFORMS: Mapping[str, str] = {
    "amazon_ads": "Amazon Ads",
    "facebook": "Facebook",
    "google_ads": "Google Ads",
    "instagram": "Instagram",
    "linkedin": "LinkedIn",
    "meta": "Meta",
    "microsoft_ads": "Microsoft Advertising",
    "pinterest": "Pinterest",
    "reddit": "Reddit",
    "snapchat": "Snapchat",
    "threads": "Threads",
    "tiktok": "TikTok",
    "x": "X",
    "youtube": "YouTube",
}
"""Whose ads managers' exports are read, and their names for people; a file may write either."""
_AD_NAMES = {tag(name): platform for platform, title in AD_PLATFORMS.items() for name in (platform, title)}


class Column(NamedTuple):
    """A column of numbers: the canonical metric, and how a cell is read."""

    metric: str
    read: Callable[[Cell], float] = sheets.count


class Table(NamedTuple):
    """One of the tables that may be dropped.

    Attributes:
        name: What it is called.
        asset: The column that names what is counted.
        numbers: Its columns of numbers.
        needed: Those of them that must be there.
        by_platform: Whether it has a column `platform`, too: who counted it.
    """

    name: str
    asset: str
    numbers: Mapping[str, Column]
    needed: frozenset[str]
    by_platform: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All its columns."""
        return ("day", self.asset, *(("platform",) if self.by_platform else ()), *self.numbers)


TABLES = (
    Table(
        "till",
        "code",
        {"redemptions": Column("redemptions"), "revenue": Column("revenue", sheets.amount)},
        frozenset({"redemptions"}),
    ),
    Table("attendance", "event", {"attendance": Column("attendance")}, frozenset({"attendance"})),
    Table(
        "newsletter",
        "newsletter",
        {
            "sent": Column("emails_sent"),
            "opens": Column("email_opens"),
            "clicks": Column("email_clicks"),
            "unsubscribes": Column("unsubscribes"),
        },
        frozenset({"sent", "clicks"}),
    ),
    Table("scans", "path", {"scans": Column("scans")}, frozenset({"scans"})),
    Table(
        "ads",
        "campaign",
        {
            # A platform may credit a sale to several of its ads in part.
            "claimed_conversions": Column("claimed_conversions", sheets.amount),
            "spend": Column("spend", sheets.amount),
            "cost_micros": Column("spend", sheets.micros),
        },
        frozenset({"claimed_conversions"}),
        by_platform=True,
    ),
)
"""The tables, each known by the column that names what is counted."""


class DropFolder(Source):
    """A folder into which people save tables of what they counted."""

    name = "drop_folder"
    title = _TITLE
    kind = "offline"
    reference = Written("a short name of a folder of a-z, 0-9 and hyphens", r"[a-z0-9][a-z0-9-]{0,62}", "shop")
    needs_connection = False
    options: ClassVar[Mapping[str, Written]] = {
        "folder": Written(
            "where the files are dropped, on the workers' machine",
            r"(file://)?/[^\x00-\x1f\x7f]+",
            "/srv/widerview/harbour-bakery",
        ),
    }
    required_options = ("folder",)
    evidence = ("own format",)
    known_gaps = (
        "A file that is still being uploaded may be read cut off; the whole one is read with the next pull.",
        "Of two files that tell of the same, the time of saving decides, and not what a person meant.",
    )
    api_version = "tables of docs/drop-folder.md"
    streams = ("files",)
    lookback_days = 35
    weekly_lookback_days = 100
    settles_after = dt.timedelta(0)
    dictionary = load_dictionary(files(__package__) / "drop_folder.yaml")

    def fixed_calls(self, *, days: int) -> int:
        """None: it reads files."""
        return 0

    def base_url(self, target: Target) -> str:
        """A name that is never asked."""
        return f"https://{target.ref}.invalid"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """Hand over every file that tells of the window, as it is, the one saved last first.

        What is told twice counts as it is told first, so that a corrected file stands before the one it corrects.
        """
        folder = Path(target.options["folder"].removeprefix("file://"))
        pages = [_page(path, folder, window, http.now()) for path in _listed(folder)]
        for page in sorted(pages, key=lambda page: (page.fetched_at, page.request.params["file"]), reverse=True):
            if any(self.parse(target, page)):
                yield page

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the lines of one file, those that break the format included."""
        stamped = stamp(target, page)
        asked = page.request.params
        try:
            name, window = asked["file"], Window(*map(dt.date.fromisoformat, (asked["first"], asked["last"])))
        except (KeyError, ValueError) as error:
            raise BadAnswer(f"{_TITLE}: a landed file does not say its name and days ({error}).") from None
        try:
            if page.status != codes.ok:
                raise BadSheet(_REFUSALS[page.status])
            (_, heads), *lines = sheets.read_lines(name, page.body) or [(0, ())]
            table = _table(heads)
        except BadSheet as error:
            yield UnreadableRow(**stamped, file=name, line=0, reason=str(error))
            return
        yield from _Reading(target, stamped, name, window, table, tuple(map(_head, heads))).rows(lines)


_REFUSALS = {
    codes.forbidden: "may not be read by the user of the workers, or is a link; give that user the right to read it",
    codes.request_entity_too_large: f"is larger than {sheets.LARGEST_FILE // 2**20} MB; split it by days",
}


def _listed(folder: Path) -> list[Path]:
    """The files of a folder, without those that are no tables of anybody's."""
    try:
        found = [path for path in sorted(folder.iterdir()) if not path.is_dir()]
    except FileNotFoundError:
        raise NotFound(
            f"{_TITLE} {folder}: there is no such folder on this worker. Make it, or correct the option folder."
        ) from None
    except NotADirectoryError:
        raise NotFound(f"{_TITLE} {folder}: this is no folder; correct the option folder.") from None
    except PermissionError as error:
        raise Unauthorized(
            f"{_TITLE} {folder}: the user of this worker may not list it ({error.strerror}). Give it the right to."
        ) from None
    return [path for path in found if not path.name.startswith(_NO_TABLE)]


def _page(path: Path, folder: Path, window: Window, now: dt.datetime) -> RawPage:
    """A file as an answer; one that must not be read, or is too large, has no body."""
    status, body = codes.ok, b""
    try:
        before = path.lstat()
        # A link could lead to anything that the workers may read.
        if path.is_symlink() or not path.is_file():
            status = codes.forbidden
        elif before.st_size > sheets.LARGEST_FILE:
            status = codes.request_entity_too_large
        else:
            with path.open("rb") as file:
                body = file.read(sheets.LARGEST_FILE + 1)
        after = path.lstat()
    except PermissionError:
        status, after = codes.forbidden, before
    except OSError as error:
        raise Unavailable(f"{_TITLE} {path}: the file went away while it was read ({error}). Clear the task.") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unavailable(f"{_TITLE} {path}: the file was written while it was read. Clear the task.")
    return RawPage(
        stream="files",
        request=Request(
            "READ",
            f"file://{folder}",
            {"file": path.name, "first": window.first.isoformat(), "last": window.last.isoformat()},
        ),
        status=status,
        headers={},
        fetched_at=min(dt.datetime.fromtimestamp(before.st_mtime, dt.UTC), now),
        body=body,
    )


def _head(cell: Cell) -> str:
    return str(cell or "").strip().lower()


def _table(heads: Sequence[Cell]) -> Table:
    """Which table it is, by its first row."""
    names = [_head(cell) for cell in heads]
    table = next((table for table in TABLES if table.asset in names), None)
    if table is None:
        known = "; ".join(f"{table.name}: {', '.join(table.columns)}" for table in TABLES)
        raise BadSheet(f"has the columns {', '.join(names) or '(none)'} in its first row; write those of one ({known})")
    wanted = {"day", *table.needed, *(("platform",) if table.by_platform else ())}
    missing = [name for name in table.columns if name not in names and name in wanted]
    if missing:
        raise BadSheet(f"lacks the column {missing[0]} of the table {table.name}; add it")
    for name in names:
        if name not in table.columns:
            raise BadSheet(f"has the column {name!r}, which the table {table.name} has not; remove or rename it")
        if names.count(name) > 1:
            raise BadSheet(f"has the column {name} twice; keep one")
    return table


class _WrongCell(BadSheet):
    """A cell breaks the format."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class _Reading:
    """Reads the lines of one table."""

    def __init__(
        self, target: Target, stamped: Stamp, file: str, window: Window, table: Table, heads: Sequence[str]
    ) -> None:
        self._target = target
        self._stamped = stamped
        self._file = file
        self._window = window
        self._table = table
        self._heads = heads
        self._saved = stamped["observed_at"].astimezone(ZoneInfo(target.time_zone)).date()
        self._seen: dict[tuple[dt.date, str], int] = {}

    def rows(self, lines: Sequence[sheets.Line]) -> Iterator[Row]:
        """The rows of the lines that are of the window, and those lines that break the format."""
        for number, cells in lines:
            day = None
            try:
                if len(cells) > len(self._heads):
                    raise _WrongCell(
                        "", f"has {len(cells)} cells under {len(self._heads)} columns; put what has a comma into quotes"
                    )
                line = dict(zip(self._heads, (*cells, *([None] * (len(self._heads) - len(cells)))), strict=True))
                day = _read("day", line, sheets.day)
                rows = list(self._line(day, line, number))
            except _WrongCell as error:
                if day is None or self._window.first <= day <= self._window.last or not self._is_told(day):
                    yield UnreadableRow(
                        **self._stamped,
                        file=self._file,
                        line=number,
                        column=error.column,
                        day=day,
                        reason=str(error),
                        cells=tuple("" if cell is None else str(cell) for cell in cells),
                    )
            else:
                if self._window.first <= day <= self._window.last:
                    yield from rows

    def _is_told(self, day: dt.date) -> bool:
        """Whether some pull asks for a day after the file was saved."""
        return self._saved - _LATE <= day <= self._saved + _CLOCKS

    def _line(self, day: dt.date, line: Mapping[str, Cell], number: int) -> Iterator[DayRow]:
        asset = tag(_read(self._table.asset, line, sheets.text))
        if self._table.asset == "path" and not asset.startswith("/"):
            raise _WrongCell("path", f"{asset!r} is no path; write what stands behind the host, like /market")
        if self._table.asset == "path":
            asset = asset.rstrip("/") or "/"
        if self._table.by_platform:
            asset = f"{asset}/{_read('platform', line, _ad_platform)}"
        if day > self._saved + _CLOCKS:
            raise _WrongCell("day", f"{day} had not come when the file was saved; correct the day")
        if day < self._saved - _LATE and not self._window.first <= day:
            raise _WrongCell(
                "day",
                f"{day} was more than {_LATE.days} days ago when the file was saved; correct the day, or run "
                f"ingest_{DropFolder.name} with first and last around it",
            )
        first = self._seen.setdefault((day, asset), number)
        if first != number:
            raise _WrongCell("", f"tells of {asset} on {day} like row {first}; make one row of the two")
        values: dict[str, float | None] = {}
        for column, (metric, read) in self._table.numbers.items():
            if line.get(column) is not None:
                if metric in values:
                    raise _WrongCell(column, f"tells the {metric} a second time; leave one of the two empty")
                values[metric] = _read(column, line, read)
        if missing := [column for column in self._table.needed if self._table.numbers[column].metric not in values]:
            raise _WrongCell(
                min(missing),
                "is empty, or a formula that was never worked out; write the number, 0 for none, or remove the row",
            )
        yield from day_rows(
            self._stamped, "folder", self._target.ref, day, self._target.time_zone, values,
            "touchpoint" if self._table.by_platform else "asset", asset, self._target.options.get("currency"),
        )  # fmt: skip


def _ad_platform(cell: Cell) -> str:
    name = sheets.text(cell)
    if platform := _AD_NAMES.get(tag(name)):
        return platform
    raise BadSheet(f"{name!r} is no platform with ads that is known; write one of {', '.join(AD_PLATFORMS)}")


def _read(column: str, line: Mapping[str, Cell], read: Callable[[Cell], _T]) -> _T:
    try:
        return read(line.get(column))
    except BadSheet as error:
        raise _WrongCell(column, str(error)) from None


SOURCE = DropFolder()
