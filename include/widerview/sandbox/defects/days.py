"""Defects of single days: where the answers have their days, and what becomes of them."""

import copy
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from widerview.sandbox.answer import Case
from widerview.sandbox.defects.change import Change, New, places, replace, times
from widerview.sandbox.defects.places import MATOMO_COUNTS


class Days(NamedTuple):
    """Where an answer has its days.

    Attributes:
        path: What holds them: a list of rows, or rows by day.
        day: Where a row has its day; empty where it is the key.
        counts: Where a row has its counts.
        size: Where the answer says how many rows there are.
    """

    path: str
    day: str
    counts: tuple[str, ...]
    size: str = ""


WEB_DAYS = {
    "matomo.VisitsSummary.get": Days("", "", (MATOMO_COUNTS,)),
    "matomo.Referrers.*": Days("", "", (f"*.{MATOMO_COUNTS}", f"*.subtable.*.{MATOMO_COUNTS}")),
    "ga4.runReport": Days("rows", "dimensionValues.0.value", ("metricValues.*.value",), "rowCount"),
    "plausible.query": Days("results", "dimensions.0", ("metrics.0",), "meta.total_rows"),
    "search_console.query": Days("rows", "keys.0", ("clicks|impressions",)),
}

ACCOUNT_DAYS = {
    "facebook.insights": Days("data.*.values", "end_time", ("value",)),
    "linkedin.shareStatistics": Days("elements", "timeRange.start", ("totalShareStatistics.*",)),
    "tiktok.business": Days("data.metrics", "date", ("*",)),
    "youtube.reports": Days("rows", "0", ("*",)),
    "pinterest.analytics": Days("all.daily_metrics", "date", ("metrics.*",)),
}

Dated = list[tuple[dt.date, Any]]


def on_days(where: Mapping[str, Days], edit: Callable[[Dated, Days, Case], Dated]) -> list[Change]:
    """The days of an answer, each with its row, become others."""

    def new(spec: Days) -> New:
        def edited(content: Any, case: Case) -> Any:
            whole = {"": content}
            for container, key in list(places(whole, f".{spec.path}".rstrip("."))):
                dated = _dated(container[key], spec)
                if dated:
                    container[key] = _undated(edit(dated, spec, case), spec)
                    if spec.size:
                        replace(whole, f".{spec.size}", lambda _, rows=container[key]: len(rows))  # type: ignore[misc]
            return whole[""]

        return edited

    return [Change(route, "", new(spec)) for route, spec in where.items()]


def _dated(rows: Any, spec: Days) -> Dated:
    if isinstance(rows, dict):
        return [(dt.date.fromisoformat(day), row) for day, row in rows.items() if len(day) == len("2026-11-09")]
    dated = []
    for row in rows:
        for container, key in places(row, spec.day):
            dated.append((_day(container[key]), row))
    return dated


def _undated(dated: Dated, spec: Days) -> Any:
    if not spec.day:
        return {day.isoformat(): row for day, row in dated}
    rows = []
    for day, row in dated:
        other = copy.deepcopy(row)
        replace(other, spec.day, lambda text, day=day: _as_day(text, day))  # type: ignore[misc]
        rows.append(other)
    return rows


def _day(written: Any) -> dt.date:
    if isinstance(written, int):
        return dt.datetime.fromtimestamp(written / 1000, dt.UTC).date()
    return dt.date.fromisoformat(written[:10])


def _as_day(written: Any, day: dt.date) -> Any:
    """A day, written as the one it replaces."""
    if isinstance(written, int):
        return written + round((day - _day(written)).total_seconds() * 1000)
    return f"{day:%Y%m%d}" if written.isdigit() else f"{day}{written[10:]}"


def _nth_last(dated: Dated, number: int) -> dt.date | None:
    days = sorted({day for day, _ in dated})
    return days[-number] if number <= len(days) else None


def _scaled(row: Any, spec: Days, factor: float, case: Case) -> Any:
    other = copy.deepcopy(row)
    for path in spec.counts:
        replace(other, path, lambda value: times(factor)(value, case))
    return other


_ONE_DAY = 4
"""The day that a defect of one day spoils, counted from the end: it is over, and no window is too short for it."""


def day_times(factor: float, number: int = _ONE_DAY) -> Callable[[Dated, Days, Case], Dated]:
    """One day has that many times its numbers."""

    def edit(dated: Dated, spec: Days, case: Case) -> Dated:
        wrong = _nth_last(dated, number)
        return [(day, _scaled(row, spec, factor, case) if day == wrong else row) for day, row in dated]

    return edit


def day_missing(dated: Dated, spec: Days, case: Case) -> Dated:
    """One day is left out."""
    return [(day, row) for day, row in dated if day != _nth_last(dated, _ONE_DAY)]


def day_twice(dated: Dated, spec: Days, case: Case) -> Dated:
    """One day comes again with more."""
    twice = [(day, _scaled(row, spec, 1.4, case)) for day, row in dated if day == _nth_last(dated, _ONE_DAY)]
    return [*dated, *twice]


def shifted(dated: Dated, spec: Days, case: Case) -> Dated:
    """Every day has the numbers of the day before; the first one, whose are not in the answer, those of the last."""
    days = sorted({day for day, _ in dated})
    before = dict(zip(days, days[-1:] + days[:-1], strict=True))
    return [(day, row) for day in days for other, row in dated if other == before[day]]


def moved_back(days: int) -> Callable[[Dated, Days, Case], Dated]:
    """All days are called as those of so many days before."""
    return lambda dated, spec, case: [(day - dt.timedelta(days=days), row) for day, row in dated]


def and_ahead(dated: Dated, spec: Days, case: Case) -> Dated:
    """The last day comes again as one to come."""
    ahead = case.call.now.date() + dt.timedelta(days=3)
    return [*dated, *((ahead, row) for day, row in dated if day == _nth_last(dated, 1))]
