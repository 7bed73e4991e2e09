"""Which conversations a pull asks for, where each of them costs a call."""

import datetime as dt
from collections.abc import Mapping

from widerview.sources.base import Window

MOST = 10
"""Most conversations one pull asks for."""
DAYS = dt.timedelta(days=7)
"""How long people are expected to go on talking under a post."""


def newest(published: Mapping[str, dt.datetime], window: Window, time_zone: str) -> list[str]:
    """The newest of some posts that were published in the last seven days of the window, newest first.

    Args:
        published: When each post was published, by whatever names it.
        window: The days asked for.
        time_zone: IANA zone of these days.
    """
    tomorrow = window.last + dt.timedelta(days=1)
    ends = Window(tomorrow, tomorrow).opens(time_zone)
    recent = [post for post, at in published.items() if ends - DAYS <= at < ends]
    return sorted(recent, key=lambda post: published[post], reverse=True)[:MOST]
