"""What had been known of an account or a website when a pull began: what the pull's own numbers are held against."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from widerview.quality.verdict import Shape
from widerview.sources.base import Counts

LOOK_BACK = dt.timedelta(days=56)
"""How much of the past before a pull's window is looked at: eight weeks, so that each weekday is seen eight times."""

MOST_POSTS = 200
"""How many posts of an account are held against what is known of them: the newest. What is older hardly moves."""


class Series(NamedTuple):
    """What the values of days are values of: its entity, what they are split by, and the metric."""

    entity_id: str
    dimension: str
    metric: str


class KnownDay(msgspec.Struct, frozen=True):
    """A day's value as it was last known, all members of its dimension added up, and when that was observed."""

    value: float
    observed_at: dt.datetime


class KnownPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it was last known.

    Attributes:
        account_id: Who published it.
        published_at: When.
        observed_at: When it was last seen to have changed.
        text: Its words.
        counts: Its latest running totals; of one that is not reported any more what it was last.
        lost_at: When those were first not reported any more.
    """

    account_id: str
    published_at: dt.datetime
    observed_at: dt.datetime
    text: str
    counts: Mapping[str, int]
    lost_at: Mapping[str, dt.datetime] = {}


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier pulls have told of a target; empty for a new one.

    Attributes:
        posts: The newest posts published in the pull's window, by id.
        counts: Latest running totals of the accounts, by account id.
        days: Values of the pull's window and of the eight weeks before it, by what they are values of.
        shapes: The shape of the answers, by stream.
    """

    posts: Mapping[str, KnownPost] = {}
    counts: Mapping[str, Counts] = {}
    days: Mapping[Series, Mapping[dt.date, KnownDay]] = {}
    shapes: Mapping[str, Shape] = {}
