"""The time. Rooms that need it take a function that gives it, so that tests can say what time it is."""

import datetime as dt


def utc_now() -> dt.datetime:
    """Give this moment, in UTC."""
    return dt.datetime.now(dt.UTC)
