"""What a later answer leaves out: members of a split that had a value before and are not named any more.

Analytics move visits from one campaign to another when they revise a day, and then do not name the first any more. It
would keep its old value beside the new one, and the same visits would be counted twice.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from widerview.sources.base import DayRow, Row
from widerview.warehouse.news import Values
from widerview.warehouse.sql import query

_NAMED_BY_RANK = frozenset({"query", "page"})
"""Of these only the foremost are told: what is not named any more is not zero, but not known."""

_WITH_CHANNELS = frozenset({"campaign", "network", "touchpoint"})
"""What is split further than by channel: none of it on a day whose channels are told means that there was none."""


class _Answer(NamedTuple):
    observed_at: dt.datetime
    receipt: str


class Splits:
    """The splits of the days of websites that one pull has told, and by which answer."""

    def __init__(self) -> None:
        self._members: set[Values] = set()
        self._days: dict[tuple[dt.date, str], str] = {}
        self._told: set[tuple[dt.date, str, str]] = set()
        self._answers: dict[str, _Answer] = {}

    def take(self, rows: Iterable[Row]) -> None:
        """Take note of rows, also of those that are held: they are named, whatever their value."""
        for row in rows:
            if isinstance(row, DayRow) and row.entity == "site" and row.dimension != "total":
                self._members.add((row.day, row.entity, row.entity_id, row.dimension, row.member, row.metric))
                self._days[row.day, row.entity_id] = row.zone
                self._told.add((row.day, row.entity_id, row.dimension))
                self._answers[row.dimension] = _Answer(row.observed_at, row.receipt)

    def left_out(self, connection: Connection, pull: Mapping[str, object]) -> list[DayRow]:
        """Give a zero, or "not known", for each member that was known of these days and is not named any more."""
        if not self._answers:
            return []
        until = min(answer.observed_at for answer in self._answers.values())
        known = connection.execute(
            query("known_members"), {**pull, "days": sorted({day for day, _ in self._days}), "until": until}
        )
        return list(self._missing(pull, known))

    def _missing(self, pull: Mapping[str, Any], known: Iterable[Sequence[Any]]) -> Iterator[DayRow]:
        for day, site, dimension, member, metric in known:
            answer = self._answers.get(dimension)
            if answer is None or not self._is_told(day, site, dimension):
                continue
            if (day, "site", site, dimension, member, metric) not in self._members:
                yield DayRow(
                    client_id=pull["client_id"],
                    source=pull["source"],
                    observed_at=answer.observed_at,
                    receipt=answer.receipt,
                    entity="site",
                    entity_id=site,
                    day=day,
                    zone=self._days[day, site],
                    dimension=dimension,
                    member=member,
                    metric=metric,
                    value=None if dimension in _NAMED_BY_RANK else 0.0,
                )

    def _is_told(self, day: dt.date, site: str, dimension: str) -> bool:
        if (day, site, dimension) in self._told:
            return True
        return dimension in _WITH_CHANNELS and (day, site, "channel") in self._told
