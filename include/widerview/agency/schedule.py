"""When a client's report is reviewed and sent. Wall clocks are the client's."""

import datetime as dt
from typing import NamedTuple

from widerview.agency import office_hours
from widerview.agency.models import WEEKDAYS, Client

REMINDED_BEFORE = dt.timedelta(hours=4)
"""So long before the time to answer is up the reviewers are reminded."""

_A_MONDAY = dt.date(2024, 1, 1)
_DAYS_OF_WEEK = 7


class Answering(NamedTuple):
    """Until when a reviewer can answer, and when they are reminded; None where there is no time for that."""

    until: dt.datetime
    remind_at: dt.datetime | None


def review_cron(client: Client) -> str:
    """Give the cron expression of the moments at which reports are composed and the review begins, before holidays."""
    begins = _planned(client) - _lead(client)
    return f"{begins.minute} {begins.hour} * * {begins.isoweekday() % _DAYS_OF_WEEK}"


def send_time(client: Client, begun: dt.datetime) -> dt.datetime:
    """Give the moment from which the report is sent whose review has begun at a moment of `review_cron`."""
    day = (begun.astimezone(client.zone).replace(tzinfo=None) + _lead(client)).date()
    return client.report.on(day, client.zone)


def answering(client: Client, send_at: dt.datetime, now: dt.datetime) -> Answering:
    """Say how long a reviewer who is asked now can answer: until the report is sent, and never less than they are due.

    The reminder comes four hours before that, or when the agency opens next, if that is in time; else in the last four
    hours of the agency's working day before.
    """
    until = max(send_at, now + dt.timedelta(hours=client.report.review_hours))
    remind_at = office_hours.agency_next_open(client, until - REMINDED_BEFORE)
    if remind_at >= until and (closing := office_hours.agency_last_closing(client, until)):
        remind_at = office_hours.agency_next_open(client, closing - REMINDED_BEFORE)
    return Answering(until, remind_at if now < remind_at < until else None)


def _planned(client: Client) -> dt.datetime:
    """The plan's weekday and time in some week."""
    day = _A_MONDAY + dt.timedelta(days=WEEKDAYS.index(client.report.weekday))
    return dt.datetime.combine(day, dt.time.fromisoformat(client.report.time))


def _lead(client: Client) -> dt.timedelta:
    """How long before it is sent a report is composed.

    That is the time for its review; where the client's office is closed at that hour of the week, as much more as
    leads to the beginning of its last open day before: a report of Monday morning is reviewed on Friday.
    """
    if client.report.without_review:
        return dt.timedelta()
    planned = _planned(client)
    begins = planned - dt.timedelta(hours=client.report.review_hours)
    for back in range(_DAYS_OF_WEEK + 1):
        day = begins.date() - dt.timedelta(days=back)
        hours = client.office_hours.get(WEEKDAYS[day.weekday()])
        if hours is None or (not back and f"{begins:%H:%M}" < hours.opens):
            continue
        if back or f"{begins:%H:%M}" >= hours.closes:
            begins = dt.datetime.combine(day, dt.time.fromisoformat(hours.opens))
        break
    return planned - begins
