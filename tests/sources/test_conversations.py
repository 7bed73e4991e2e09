"""Which conversations a pull asks for."""

import datetime as dt

from widerview.sources.base import Window
from widerview.sources.conversations import newest

MONTH = Window(dt.date(2026, 10, 20), dt.date(2026, 11, 15))


def test_the_last_seven_days_are_the_clients_own():
    published = {
        "too late": dt.datetime(2026, 11, 15, 23, 0, tzinfo=dt.UTC),
        "last": dt.datetime(2026, 11, 15, 22, 59, 59, tzinfo=dt.UTC),
        "first": dt.datetime(2026, 11, 8, 23, 0, tzinfo=dt.UTC),
        "too early": dt.datetime(2026, 11, 8, 22, 59, 59, tzinfo=dt.UTC),
    }
    assert newest(published, MONTH, "Europe/Berlin") == ["last", "first"]


def test_of_many_the_newest_ten():
    noon = dt.datetime(2026, 11, 14, 12, tzinfo=dt.UTC)
    published = {str(hours): noon - dt.timedelta(hours=hours) for hours in (3, 11, 0, 7, 5, 1, 9, 2, 10, 4, 8, 6)}
    assert newest(published, MONTH, "Europe/Berlin") == [str(hours) for hours in range(10)]
