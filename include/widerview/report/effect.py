"""What a campaign of a client has added to its website, as far as it can be told from normal weeks."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence, Set

import numpy as np

from widerview.agency.models import SOCIAL, AssetKind, Campaign, Client
from widerview.measures.effect import COVERAGE, Effect, NoEstimate, effect
from widerview.measures.robust import Floats
from widerview.report.facts import EffectFact
from widerview.report.long_past import newest_break
from widerview.sources.base import Window

PAST = dt.timedelta(weeks=26)
"""So much of the time before a campaign is looked at, at least."""


def looked_at_from(campaign: Campaign, last_day: dt.date) -> dt.date:
    """The first day that an effect is told from: of a long campaign twice its own days, for windows of its length."""
    length = min(campaign.ends, last_day) - campaign.starts + dt.timedelta(days=1)
    return campaign.starts - max(PAST, 2 * length)


def effect_of(
    client: Client,
    campaign: Campaign,
    last_day: dt.date,
    visits: Mapping[dt.date, float | None],
    channels: Mapping[str, Mapping[dt.date, float]],
    *,
    settled: Collection[dt.date],
    on_social: bool,
) -> EffectFact:
    """Say what a campaign has added by a day, from the client's own website and nothing else.

    Days of other campaigns of the client are left out, in the past and in the campaign's own time: what they have added
    would be taken for usual, or for this one's. One that ran on all of the days is part of what is usual. Left out are
    also days before the website's analytics began to count visits as it does now, and days that it has not yet counted
    to the end. What else the client does on the campaign's days is not known here.

    Args:
        client: The client.
        campaign: One of its campaigns, which has begun by `last_day`.
        last_day: The last day that is told of; the campaign's own last day if that is earlier.
        visits: All visits of a day, as far back as `looked_at_from`; None or left out where not known.
        channels: The same by channel; a day that is left out has had none if its visits are known.
        settled: The days whose visits are likely to be in.
        on_social: Whether a post is known to belong to it, wherever its file says that it is.

    Returns:
        The effect; its verdict says so where it cannot be known.
    """
    first, last = looked_at_from(campaign, last_day), min(campaign.ends, last_day)
    days = Window(first, last).days
    since = newest_break([site.platform for site in client.visit_counters], "visits", "site_day", first, last) or first
    names = sorted(_untouched(client, campaign, on_social=on_social) & set(channels))

    def without(left_out: Set[dt.date]) -> Effect | NoEstimate:
        target = _series(
            visits.get(day) if day >= since and day in settled and day not in left_out else None for day in days
        )
        controls = [
            np.where(np.isnan(target), np.nan, _series(channels[name].get(day, 0.0) for day in days)) for name in names
        ]
        return effect(target, np.array(controls).reshape(len(names), len(days)), (campaign.starts - first).days)

    others = days_of_others(client, campaign, days)
    found = without(others)
    if isinstance(found, NoEstimate):
        is_of_others = bool(others) and isinstance(without(set()), Effect)
        return EffectFact(verdict="not known", why="other campaigns" if is_of_others else found.why)
    # Digits that nobody prints are left out: another processor's logarithm may differ in the last ones.
    average, low, high = (round(value, 3) for value in (found.average, found.low, found.high))
    return EffectFact(
        verdict="not told" if not found.told else "more" if average > 0 else "fewer",
        average=average,
        low=low,
        high=high,
        coverage=COVERAGE,
        days=found.days,
        placebos=found.placebos,
        controls=tuple(names),
    )


def days_of_others(client: Client, campaign: Campaign, days: Sequence[dt.date]) -> set[dt.date]:
    """Give the days on which some other campaign runs, without those that run on all of them."""
    others = [each for each in client.campaigns if each.key != campaign.key]
    passing = [each for each in others if each.starts > days[0] or each.ends < days[-1]]
    return {day for day in days if any(each.runs_in(day, day) for each in passing)}


def _untouched(client: Client, campaign: Campaign, *, on_social: bool) -> set[str]:
    """The channels that a campaign does not bring visits through.

    Who has seen a poster or a post types the address in, searches for the name or asks an assistant: these channels
    are touched by every campaign, and so are links with campaign tags. Advertising beyond social networks stands on
    other websites, as the press does.
    """
    channels = set()
    places = {each.channel for each in client.channels_of(campaign)}
    if not on_social and not campaign.hashtags and not places & set(SOCIAL):
        channels.add("social")
    if places <= set(SOCIAL) and not any(asset.kind is AssetKind.PRESS for asset in campaign.assets):
        channels.add("website")
    return channels


def _series(values: Iterable[float | None]) -> Floats:
    return np.array(list(values), dtype=float)
