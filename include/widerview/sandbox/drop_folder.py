"""What people at the sandbox's bakery put into its drop folder: the till's export, head counts, the newsletter, scans.

All of it is drawn from the model, so what was really counted is known: `counted` is the truth of a day.
"""

import datetime as dt
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from widerview.sandbox.model import CAMPAIGN, Origin, Simulation

FOLDER = "shop"
CODE, EVENT, NEWSLETTER, PATH = "LOAF10", "Bake-along", "Winter Loaf newsletter", "/market"
"""What is counted, as the client's file names it."""

_RECIPIENTS = 1240
_OPENED, _CLICKED, _LEFT = 0.41, 0.06, 0.004
_LOAVES, _LOAF_PRICE = 9.0, 6.4
_HEADS = 46.0
_SCANS_A_VISIT = 1.15
"""Some scan a poster and leave before the page is there."""
_SAVED_AT = dt.time(19, 30)


def counted(model: Simulation, client: str, day: dt.date) -> dict[tuple[str, str], float]:
    """What was counted on a day, by asset and by the column of the file; nothing of what was not counted."""
    offset = (day - model.anchor).days
    if not model.profile(client).campaign or not CAMPAIGN.first_offset <= offset <= CAMPAIGN.last_offset:
        return {}
    rng = model.stream(client, "drop folder", day)
    used = int(rng.poisson(_LOAVES))
    visits = CAMPAIGN.added_visits(offset)[Origin("campaign", CAMPAIGN.key, "poster-market")]
    found: dict[tuple[str, str], float] = {
        (CODE, "redemptions"): used,
        (CODE, "revenue"): round(used * _LOAF_PRICE * float(rng.uniform(0.9, 1.3)), 2),
    }
    if offset >= CAMPAIGN.poster_offset:
        found[PATH, "scans"] = int(rng.poisson(visits * _SCANS_A_VISIT))
    if offset == CAMPAIGN.event_offset:
        found[EVENT, "attendance"] = int(rng.poisson(_HEADS))
    if offset in CAMPAIGN.newsletter_offsets:
        found |= {
            (NEWSLETTER, "sent"): _RECIPIENTS,
            (NEWSLETTER, "opens"): int(rng.binomial(_RECIPIENTS, _OPENED)),
            (NEWSLETTER, "clicks"): int(rng.binomial(_RECIPIENTS, _CLICKED)),
            (NEWSLETTER, "unsubscribes"): int(rng.binomial(_RECIPIENTS, _LEFT)),
        }
    return found


def write_files(model: Simulation, client: str, folder: Path, *, now: dt.datetime) -> list[Path]:
    """Write what had been saved into a client's folder by `now`: tables of the days that were over by then.

    The till writes CSV as a German Excel does, with semicolons and decimal commas; the head counts are an Excel file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    zone = model.profile(client).zone
    first = model.anchor + dt.timedelta(days=CAMPAIGN.first_offset)
    length = CAMPAIGN.last_offset - CAMPAIGN.first_offset + 1
    days = [day for day in (first + dt.timedelta(days=number) for number in range(length)) if _saved(day, zone) <= now]
    truth = {day: counted(model, client, day) for day in days}
    tables = {
        "till.csv": ("day", "code", "redemptions", "revenue"),
        "head-counts.xlsx": ("day", "event", "attendance"),
        "newsletter.csv": ("day", "newsletter", "sent", "opens", "clicks", "unsubscribes"),
        "scans.csv": ("day", "path", "scans"),
    }
    paths = []
    for name, (_, asset, *columns) in tables.items():
        rows = list(_rows(truth, columns))
        if not rows:
            continue
        heads = ("day", asset, *columns)
        path = folder / name
        path.write_bytes(_excel(heads, rows) if name.endswith(".xlsx") else _csv(heads, rows))
        at = _saved(max(day for day, *_ in rows), zone).timestamp()
        os.utime(path, (at, at))
        paths.append(path)
    return paths


_Row = tuple[Any, ...]


def _saved(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, _SAVED_AT, zone)


def _rows(truth: dict[dt.date, dict[tuple[str, str], float]], columns: list[str]) -> Iterator[_Row]:
    for day, of_day in truth.items():
        for asset in dict.fromkeys(asset for asset, column in of_day if column == columns[0]):
            yield (day, asset, *(of_day[asset, column] for column in columns))


def _csv(heads: tuple[str, ...], rows: list[_Row]) -> bytes:
    def written(cell: object) -> str:
        return str(cell).replace(".", ",") if isinstance(cell, float) else str(cell)

    lines = [";".join(map(written, row)) for row in rows]
    return ("\ufeff" + "".join(f"{line}\r\n" for line in (";".join(heads), *lines))).encode()


def _excel(heads: tuple[str, ...], rows: list[_Row]) -> bytes:
    from openpyxl import Workbook  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import

    book = Workbook()
    for row in (heads, *rows):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
