"""Rates, each with what it is divided by in its name or meaning, and always worked out anew from counts.

An account's rate is a ratio of sums; a typical post's is the median of the posts' rates. Rates are never averaged,
over posts, days or platforms. The formulas are the ones the field uses: engagement by reach, impressions, views and
followers as Hootsuite, Sprout Social, Socialinsider and Rival IQ write them, applause, amplification and conversation
for each post as Avinash Kaushik does ("Best Social Media Metrics", 2011). What counts as engagement is each
platform's own rule, so a rate stands beside earlier ones of the same platform only.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scipy import special

from widerview.vocabulary.metrics import METRICS
from widerview.vocabulary.sums import total

Counts = Mapping[str, float | None]
"""Counts of one post, one day or one period, by metric; None where the platform does not report one."""

_PER_HUNDRED = 100.0


@dataclass(frozen=True)
class Rate:
    """How a rate is worked out.

    Attributes:
        above: What is counted; the sum of those that are reported.
        below: What it is divided by; None: by the number of posts.
    """

    above: tuple[str, ...]
    below: str | None


RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "engagement_rate_by_reach": Rate(("engagements",), "reach"),
        "engagement_rate_by_views": Rate(("engagements",), "views"),
        "engagement_rate_by_impressions": Rate(("engagements",), "impressions"),
        "engagement_rate_by_followers": Rate(("engagements",), "followers"),
        "amplification": Rate(("reposts", "quotes", "shares"), None),
        "conversation": Rate(("replies",), None),
        "applause": Rate(("likes",), None),
        "save_share": Rate(("bookmarks",), "engagements"),
        "click_through_rate": Rate(("link_clicks",), "impressions"),
        "conversion_rate": Rate(("converted_visits",), "visits"),
        "cost_per_result": Rate(("spend",), "claimed_conversions"),
    }
)
"""Every rate by its name in the vocabulary; of questions answered and the time to it see `response`."""


def account_rate(name: str, counts: Sequence[Counts]) -> float | None:
    """Give a rate of one account as a ratio of sums, in the metric's unit: per cent, a count for each post, money.

    Only counts with both sides known take part: what is not reported is left out above and below, and never zero.

    Args:
        name: Name in the vocabulary.
        counts: Of one account: its posts', or its days', or the period's.

    Returns:
        None if nothing is known of either side, or nothing lies below, as with no results yet.

    Raises:
        NotAddable: It is divided by people (reach) or by a level (followers), which several counts do not add up to;
            give the platform's own count of the period, or ask for a typical post.
        KeyError: No such rate.
    """
    rate = RATES[name]
    pairs = [pair for each in counts if (pair := _both(rate, each))]
    if not pairs:
        return None
    above, below = sum(pair[0] for pair in pairs), _added(rate.below, [pair[1] for pair in pairs])
    return _in_unit(name, above / below) if below else None


def typical_rate(name: str, posts: Sequence[Counts]) -> float | None:
    """Give the rate of a typical post: the median of the posts' rates, in the metric's unit; None if there are none.

    Raises:
        KeyError: No such rate.
    """
    pairs = [pair for each in posts if (pair := _both(RATES[name], each))]
    rates = [above / below for above, below in pairs if below]
    return _in_unit(name, statistics.median(rates)) if rates else None


def cost_range(cost: float, results: int, coverage: float = 0.95) -> tuple[float, float]:
    """Give the range of what a result really cost: few of them may be few, or many, by chance alone.

    The results are a Poisson count, and its exact interval (Garwood 1936, doi:10.1093/biomet/28.3-4.437) divides the
    cost.

    Args:
        cost: What all of them cost together.
        results: How many there were.
        coverage: How often the range holds the true cost of one.

    Raises:
        ValueError: There is no result.
    """
    if results < 1:
        raise ValueError(f"{results} results have no cost each; ask once there is one")
    side = (1 - coverage) / 2
    fewest, most = special.gammaincinv(results, side), special.gammaincinv(results + 1, 1 - side)
    return cost / float(most), cost / float(fewest)


def _both(rate: Rate, counts: Counts) -> tuple[float, float] | None:
    """What stands above and below, None unless both are known."""
    known = [value for name in rate.above if (value := counts.get(name)) is not None]
    below = 1.0 if rate.below is None else counts.get(rate.below)
    return (sum(known), below) if known and below is not None else None


def _added(name: str | None, values: Sequence[float]) -> float:
    if name is None or len(values) == 1:
        return sum(values)
    return total(name, values) or 0.0


def _in_unit(name: str, rate: float) -> float:
    return rate * _PER_HUNDRED if METRICS[name].unit == "percent" else rate
