"""What people at the sandbox's bakery put into its drop folder: exports of the till and of ads, head counts, and so on.

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
_AD_SPEND = {"meta": 8.5, "google_ads": 5.0}
_CLAIMED = {"meta": 1.4, "google_ads": 0.7}
"""What ads managers spend and claim a day; the website knows of nothing that they brought."""
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
    for platform, spend in _AD_SPEND.items():
        ads = f"{CAMPAIGN.key}/{platform}"
        found[ads, "claimed_conversions"] = int(rng.poisson(_CLAIMED[platform])) * 0.75
        found[ads, "spend"] = round(spend * float(rng.uniform(0.8, 1.2)), 2)
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
        "meta-ads.csv": ("day", "campaign", "platform", "claimed_conversions", "spend"),
        "google-ads.csv": ("day", "campaign", "platform", "claimed_conversions", "cost_micros"),
    }
    paths = []
    for name, heads in tables.items():
        rows = list(_ads(truth, heads) if "platform" in heads else _rows(truth, list(heads[2:])))
        if not rows:
            continue
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


def _ads(truth: dict[dt.date, dict[tuple[str, str], float]], heads: tuple[str, ...]) -> Iterator[_Row]:
    """An ads manager's export: Google's has its costs in millionths, and both call the campaign in their own way."""
    platform = "google_ads" if "cost_micros" in heads else "meta"
    ads = f"{CAMPAIGN.key}/{platform}"
    for day, of_day in truth.items():
        claimed, spend = of_day[ads, "claimed_conversions"], of_day[ads, "spend"]
        if platform == "meta":
            yield day, CAMPAIGN.name, "Meta", claimed, spend
        else:
            yield day, CAMPAIGN.key, "Google Ads", claimed, round(spend * 1_000_000)


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
