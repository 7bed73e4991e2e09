"""The week's rates, each with how sure it is: of the posts of each account, of the website, and of answers."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from sqlalchemy import Connection

from widerview.agency.models import Client
from widerview.measures.posts import MIN_PAST_POSTS, rate_range, typical, usual_rate
from widerview.measures.response import Response
from widerview.measures.robust import Floats
from widerview.measures.usual import COVERAGE, WIDE_COVERAGE, word
from widerview.measures.weeks import Week
from widerview.report.facts import RateFact
from widerview.report.long_past import counted_alike, newest_break
from widerview.report.social import PostNumbers, Social
from widerview.report.web import counting_sites
from widerview.sources.registry import SOURCES
from widerview.vocabulary.dictionaries import Grain
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read

_OF_POSTS = (
    ("engagement_rate_by_reach", "engagement_rate_by_views", "engagement_rate_by_impressions"),
    ("save_share",),
    ("click_through_rate",),
)
"""What is told of an account: of each group the first that its platform tells both sides of."""

_CONVERSION = "conversion_rate"
_ENGAGING = ("likes", "replies", "reposts", "quotes", "shares", "bookmarks")
_PER_HUNDRED = 100.0
_HOUR = 3600


class Sides(NamedTuple):
    """What stands above and below in a rate of posts: the metrics that are added up on each side."""

    above: tuple[str, ...]
    below: tuple[str, ...]


def sides_of(source: str, metric: str, day: dt.date) -> Sides | None:
    """Give the two sides of a rate as a platform tells them of posts; None where it does not tell one of them.

    Where a platform does not add up what people did with a post, that is all it tells of likes, replies, reposts,
    quotes, shares and saves. Organic and paid stay apart: both sides count the same of the two.

    Args:
        source: The platform.
        metric: A rate of the vocabulary that has two sides.
        day: The day as of which the platform counts.
    """
    told = {
        each.metric: each.placement
        for each in SOURCES[source].dictionary.definitions
        if each.grain == "post" and each.holds_on(day)
    }
    above, below = (
        _ENGAGING if name == "engagements" and name not in told else (name,) for name in METRICS[metric].parts
    )
    for placement in dict.fromkeys(told[name] for name in below if name in told):
        found = Sides(*(tuple(name for name in side if told.get(name) == placement) for side in (above, below)))
        if found.above and set(found.below) - set(found.above):
            return found
    return None


def counts(posts: Sequence[PostNumbers], sides: Sides) -> tuple[Floats, Floats]:
    """What was counted of some posts above and below; NaN where not reported."""
    above, below = (np.array([post.sum(side) for post in posts], dtype=float) for side in sides)
    return above, below


def rates_of_posts(weeks: Sequence[Week], social: Social, titles: Mapping[str, str]) -> Iterator[RateFact]:
    """Give the rates of each account's posts of the last of some weeks, held against its own earlier posts."""
    if weeks[-1] not in social.known:
        return
    for account in social.accounts:
        for names in _OF_POSTS:
            told = ((name, sides_of(account.source, name, weeks[-1].monday)) for name in names)
            name, sides = next((each for each in told if each[1]), ("", None))
            if sides is None:
                continue
            alike = _alike(weeks, account.source, [*sides.above, *sides.below], "post")
            now, past = (
                counts(
                    [
                        post
                        for week in of
                        for post in social.published(week)
                        if (post.post.source, post.post.account_id) == (account.source, account.account_id)
                    ],
                    sides,
                )
                for of in (alike[-1:], alike[:-1])
            )
            if found := _rate(name, now, past):
                yield replace(found, platform=titles[account.source], handle=account.handle)


def conversion_rates(
    connection: Connection, client: Client, weeks: Sequence[Week], as_of: dt.datetime
) -> Iterator[RateFact]:
    """Give the share of visits that reached a goal, of each website whose analytics counts both; a day is as a post."""
    parts = METRICS[_CONVERSION].parts
    for source, site in sorted(counting_sites(client)):
        if not set(parts) <= set(SOURCES[source].metrics):
            continue
        above, below = (
            {
                value.day: value.value
                for value in read.day_values(
                    connection, client.client, as_of, weeks[0].monday, weeks[-1].sunday, metric, "total"
                )
                if (value.source, value.entity_id) == (source, site)
            }
            for metric in parts
        )
        alike = _alike(weeks, source, parts, "site_day")
        now, past = ((_of_days(above, of), _of_days(below, of)) for of in (alike[-1:], alike[:-1]))
        if found := _rate(_CONVERSION, now, past):
            yield replace(found, platform=SOURCES[source].title)


def rates_of_answers(found: Response) -> Iterator[RateFact]:
    """Give the share of conversations that were answered, and how many office hours half of them waited at most."""
    yield RateFact(
        **_named("response_rate"),
        value=round(found.rate, 3),
        low=round(found.rate_low, 3),
        high=round(found.rate_high, 3),
    )
    if found.median is not None and found.median_low is not None:
        yield RateFact(
            **_named("response_time"),
            value=round(found.median / _HOUR, 3),
            low=round(found.median_low / _HOUR, 3),
            high=None if found.median_high is None else round(found.median_high / _HOUR, 3),
        )


def _named(metric: str) -> dict[str, Any]:
    found = METRICS[metric]
    return {"metric": metric, "label": found.label, "meaning": found.meaning, "definition": found.definition}


def _rate(metric: str, now: tuple[Floats, Floats], past: tuple[Floats, Floats]) -> RateFact | None:
    """A rate in per cent; None where nothing was counted, or too little to know how much posts differ."""
    usual = typical(*past)
    if usual is None or usual.posts < MIN_PAST_POSTS:
        return None
    found = rate_range(*now, usual, WIDE_COVERAGE)
    if found is None:
        return None
    usually = usual_rate(now[1][~np.isnan(now[0])], usual, COVERAGE)
    return RateFact(
        **_named(metric),
        value=round(found.rate * _PER_HUNDRED, 6),
        low=round(found.low * _PER_HUNDRED, 6),
        high=round(found.high * _PER_HUNDRED, 6),
        coverage=WIDE_COVERAGE,
        usual_low=round(usually.low * _PER_HUNDRED, 6),
        usual_high=round(usually.high * _PER_HUNDRED, 6),
        usual_coverage=COVERAGE,
        word=word(found.rate, usually),
    )


def _alike(weeks: Sequence[Week], source: str, metrics: Sequence[str], grain: Grain) -> list[Week]:
    """Those of some weeks in which a source counted some metrics as it does in the last."""
    found = [newest_break([source], metric, grain, weeks[0].monday, weeks[-1].sunday) for metric in metrics]
    return counted_alike(weeks, max(filter(None, found), default=None))


def _of_days(values: Mapping[dt.date, float | None], weeks: Sequence[Week]) -> Floats:
    return np.array([values.get(day) for week in weeks for day in week.days], dtype=float)
