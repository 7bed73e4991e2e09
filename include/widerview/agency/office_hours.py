"""Office hours on wall clocks, holidays left out: when a client may be written to, how long it was open.

A client may be written to where its own office is open, and the agency's, if the agency keeps hours of its own.
"""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from holidays import country_holidays

from widerview.agency.models import WEEKDAYS, Client, Holidays, Hours, Weekday

_DAY = dt.timedelta(days=1)
_SEARCHED_DAYS = 366
_LANGUAGE = "en_US"


class NeverOpen(ValueError):
    """The client's file leaves no open minute for about a year."""


class _Office(NamedTuple):
    zone: ZoneInfo
    hours: Mapping[Weekday, Hours]
    holidays: Holidays

    @classmethod
    def of_client(cls, client: Client) -> "_Office":
        return cls(client.zone, client.office_hours, client.holidays)

    @classmethod
    def of_agency(cls, client: Client) -> "_Office":
        """Where the client's reviewers sit: the agency's own office, or one with the client's hours."""
        office = client.sender.office
        return cls(ZoneInfo(office.time_zone), office.hours, office.holidays) if office else cls.of_client(client)


def is_open(client: Client, at: dt.datetime) -> bool:
    """Say whether the client may be written to: from `opens` on, up to but not including `closes`.

    Args:
        client: The client.
        at: A moment, with its time zone.

    Raises:
        ValueError: `at` has no time zone.
    """
    at = _aware(at)
    return _is_open(_Office.of_client(client), at) and _is_open(_Office.of_agency(client), at)


def next_open(client: Client, at: dt.datetime) -> dt.datetime:
    """Give the first moment from `at` on (`at` itself if open) at which the client may be written to, in UTC.

    Raises:
        ValueError: `at` has no time zone.
        NeverOpen: There is none within 366 days.
    """
    found = start = _aware(at).astimezone(dt.UTC)
    while not is_open(client, found):
        for office in (_Office.of_client(client), _Office.of_agency(client)):
            opened = _next_open(office, found)
            if opened is None or opened > start + _SEARCHED_DAYS * _DAY:
                raise NeverOpen(
                    f"{client.client}: nothing can be sent in the {_SEARCHED_DAYS} days from {at:%Y-%m-%d} on, because "
                    "the office is never open, or never while the agency's is. Check office_hours, holidays and "
                    "sender.office in the client's file."
                )
            found = opened
    return found


def agency_next_open(client: Client, at: dt.datetime) -> dt.datetime:
    """Give the first moment from `at` on at which the client's reviewers are at work, in UTC.

    Raises:
        ValueError: `at` has no time zone.
        NeverOpen: There is none within 366 days.
    """
    found = _next_open(_Office.of_agency(client), _aware(at).astimezone(dt.UTC))
    if found is None:
        raise NeverOpen(
            f"{client.client}: nobody is at the agency in the {_SEARCHED_DAYS} days from {at:%Y-%m-%d} on. Check "
            "sender.office in the client's file; without it, office_hours and holidays."
        )
    return found


def agency_last_closing(client: Client, at: dt.datetime) -> dt.datetime | None:
    """Give the last moment up to `at` at which the client's reviewers leave work, in UTC; None in 366 days without one.

    Raises:
        ValueError: `at` has no time zone.
    """
    office = _Office.of_agency(client)
    today = _aware(at).astimezone(office.zone).date()
    for days in range(_SEARCHED_DAYS):
        day = today - days * _DAY
        hours = office.hours.get(WEEKDAYS[day.weekday()])
        if hours is None or _holiday(office, day) is not None:
            continue
        closing = _on(day, hours.closes).replace(tzinfo=office.zone).astimezone(dt.UTC)
        if closing <= at:
            return closing
    return None


def open_time(client: Client, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """Say how long the office is open from `start` up to `end`; nothing if `end` is not after `start`.

    Raises:
        ValueError: One of the two has no time zone.
    """
    at, last = _aware(start).astimezone(dt.UTC), _aware(end).astimezone(dt.UTC)
    opened = dt.timedelta()
    while at < last:
        stop = min(at + _DAY, last)
        stop = _clock_change(client.zone, at, stop) or stop
        opened += _open_on_one_clock(_Office.of_client(client), at, stop)
        at = stop
    return opened


def describe(client: Client) -> str:
    """Say the office hours in one line, e.g. `Mon-Fri 08:00-17:00, not on holidays`."""
    stretches = []
    for hours, days in groupby(WEEKDAYS, key=client.office_hours.get):
        if hours is not None:
            names = [day[:3].capitalize() for day in days]
            span = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
            stretches.append(f"{span} {hours.opens}-{hours.closes}")
    if client.holidays.country or client.holidays.also:
        stretches.append("not on holidays")
    return ", ".join(stretches)


def holiday(client: Client, day: dt.date) -> str | None:
    """Give the name of the holiday of a client that a day is, in the client's language where its calendar has it.

    A day off of the client's own has an empty name. None if it is no holiday.
    """
    return _holiday(_Office.of_client(client), day, client.locale)


def is_open_day(client: Client, day: dt.date) -> bool:
    """Say whether the client's office opens on a day at all."""
    office = _Office.of_client(client)
    return WEEKDAYS[day.weekday()] in office.hours and _holiday(office, day) is None


def _aware(at: dt.datetime) -> dt.datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone; office hours need a moment, not a wall-clock time")
    return at


def _is_open(office: _Office, at: dt.datetime) -> bool:
    wall = at.astimezone(office.zone)
    hours = office.hours.get(WEEKDAYS[wall.weekday()])
    return hours is not None and hours.opens <= f"{wall:%H:%M}" < hours.closes and _holiday(office, wall.date()) is None


def _next_open(office: _Office, start: dt.datetime) -> dt.datetime | None:
    if _is_open(office, start):
        return start
    for _ in range(_SEARCHED_DAYS):
        end = start + _DAY
        opened = [moment for moment in _openings(office, start, end) if start <= moment <= end]
        if first := min((moment for moment in opened if _is_open(office, moment)), default=None):
            return first
        start = end
    return None


def _open_on_one_clock(office: _Office, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """How long the office is open between two moments that no change of the clock lies between."""
    ahead = start.astimezone(office.zone).utcoffset() or dt.timedelta()
    first, last = ((moment + ahead).replace(tzinfo=None) for moment in (start, end))
    opened = dt.timedelta()
    for days in range((last.date() - first.date()).days + 1):
        day = first.date() + days * _DAY
        hours = office.hours.get(WEEKDAYS[day.weekday()])
        if hours is None or _holiday(office, day) is not None:
            continue
        opens, closes = (_on(day, time) for time in (hours.opens, hours.closes))
        opened += max(min(closes, last) - max(opens, first), dt.timedelta())
    return opened


def _on(day: dt.date, time: str) -> dt.datetime:
    """A time of day as a wall clock's moment; 24:00 is the next midnight."""
    hours, minutes = map(int, time.split(":"))
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=hours, minutes=minutes)


def _openings(office: _Office, start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    """Give every moment from start to end at which an office could open, and perhaps some others.

    An office opens when the wall clock reaches `opens`, which it may do twice on one day, or when a change of the
    clock jumps over `opens` or back before `closes`.
    """
    if change := _clock_change(office.zone, start, end):
        yield change
    first_day = start.astimezone(office.zone).date()
    for days in range(-1, 3):  # a change of the clock near midnight can end a day early, or bring one back
        day = first_day + days * _DAY
        if hours := office.hours.get(WEEKDAYS[day.weekday()]):
            wall = dt.datetime.combine(day, dt.time.fromisoformat(hours.opens), office.zone)
            yield from (wall.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))


def _clock_change(zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> dt.datetime | None:
    """Find the moment, to the second, from which the zone has the UTC offset it has at the end; None if no change."""

    def offset(second: float) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(second, zone).utcoffset()

    first, last = int(start.timestamp()), int(end.timestamp())
    if offset(first) == offset(last):
        return None
    new = offset(last)
    seconds = range(first, last)
    return dt.datetime.fromtimestamp(first + bisect_left(seconds, True, key=lambda s: offset(s) == new), dt.UTC)


def _holiday(office: _Office, day: dt.date, language: str = _LANGUAGE) -> str | None:
    own = office.holidays
    if own.country and (name := _public_holidays(own.country, own.subdivision, day.year, language).get(day)):
        return name
    return "" if day in own.also else None


@lru_cache(maxsize=256)
def _public_holidays(country: str, subdivision: str | None, year: int, language: str) -> Mapping[dt.date, str]:
    # Without a language the machine's own would be taken.
    known = country_holidays(country, subdiv=subdivision)
    spoken = [name for name in (language, language.partition("_")[0]) if name in known.supported_languages]
    if not spoken and _LANGUAGE in known.supported_languages:
        spoken = [_LANGUAGE]
    chosen = spoken[0] if spoken else known.default_language
    return dict(country_holidays(country, subdiv=subdivision, years=year, language=chosen))
