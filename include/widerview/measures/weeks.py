"""Weeks: Monday to Sunday, named as ISO 8601 does (`2026-W46`), on the client's wall clock."""

import datetime as dt
import re
from dataclasses import dataclass
from functools import total_ordering
from zoneinfo import ZoneInfo

_NAME = re.compile(r"(\d{4})-W(\d{2})")


@total_ordering
@dataclass(frozen=True)
class Week:
    """One ISO week, by its Monday."""

    monday: dt.date

    @classmethod
    def of(cls, day: dt.date) -> "Week":
        """Give the week that holds a day."""
        return cls(day - dt.timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, name: str) -> "Week":
        """Read `2026-W46`.

        Raises:
            ValueError: It is not an ISO week; the message says how to write one.
        """
        match = _NAME.fullmatch(name)
        try:
            if match is None:
                raise ValueError(name)
            return cls(dt.date.fromisocalendar(int(match[1]), int(match[2]), 1))
        except ValueError:
            raise ValueError(f"{name!r} is not a week; write it like 2026-W46") from None

    @staticmethod
    def is_name(name: str) -> bool:
        """Say whether a name is written as that of a week."""
        return _NAME.fullmatch(name) is not None

    @classmethod
    def last_complete(cls, now: dt.datetime, zone: ZoneInfo) -> "Week":
        """Give the latest week that has ended in `zone` at the moment `now`."""
        return cls.of(now.astimezone(zone).date()).shift(-1)

    def __str__(self) -> str:
        """Give the ISO name of the week."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    def __lt__(self, other: "Week") -> bool:
        return self.monday < other.monday

    @property
    def sunday(self) -> dt.date:
        """The last day."""
        return self.monday + dt.timedelta(days=6)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The seven days."""
        return tuple(self.monday + dt.timedelta(days=offset) for offset in range(7))

    def shift(self, weeks: int) -> "Week":
        """Give the week so many weeks later (earlier if negative)."""
        return Week(self.monday + dt.timedelta(weeks=weeks))

    def bounds(self, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
        """Give its first moment and the first moment after it, in UTC; with DST a week has 167 or 169 hours."""
        return _midnight(self.monday, zone), _midnight(self.shift(1).monday, zone)


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.UTC)
