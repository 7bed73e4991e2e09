"""Each day's posts and visits as they are known now, for what takes months to see: lasting changes, goals, a year."""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from widerview.agency.models import Client
from widerview.measures.weeks import Week
from widerview.report.social import Social
from widerview.report.web import Web
from widerview.sources.registry import SOURCES
from widerview.vocabulary.dictionaries import Grain
from widerview.vocabulary.sums import total
from widerview.warehouse import read

_OF_POSTS = {"reactions": "reactions", "replies_received": "replies", "passed_on": "passed_on", "counted": "counted"}


@dataclass(frozen=True)
class Breaks:
    """The day since which all of a client's sources count as they do now; None: ever since the days in view.

    Attributes:
        posts: What people did with posts, by the day of the post.
        visits: Visits to the websites.
    """

    posts: dt.date | None = None
    visits: dt.date | None = None

    @classmethod
    def between(cls, client: Client, first: dt.date, last: dt.date) -> "Breaks":
        """Look for the newest change of definition in some days."""
        return cls(
            newest_break([account.platform for account in client.accounts], "reactions", "post", first, last),
            newest_break([site.platform for site in client.visit_counters], "visits", "site_day", first, last),
        )


class Arrived(NamedTuple):
    """The share of the last week's numbers that had come in when the platforms were looked at; 1.0: all of them.

    Attributes:
        posts: Of what people did with posts; None: not all, and how much is not known.
        visits: Of visits to the websites, likewise.
    """

    posts: float | None
    visits: float | None


def newest_break(sources: Iterable[str], metric: str, grain: Grain, first: dt.date, last: dt.date) -> dt.date | None:
    """Give the newest day in first..last from which on one of some sources counts a metric otherwise; None if none."""
    found = [each.day for name in sources for each in SOURCES[name].dictionary.breaks(metric, first, last, grain=grain)]
    return max(found, default=None)


def counted_alike(weeks: Sequence[Week], since: dt.date | None) -> list[Week]:
    """Give those of some weeks that are counted as now from their first day on."""
    return [week for week in weeks if since is None or week.monday >= since]


@dataclass(frozen=True)
class LongPast:
    """What the posts of each day have earned by now, and each day's visits.

    Nothing is known of days before a change of definition, so no sum or comparison runs across one.

    Attributes:
        earned: Of each day that was read of every account, and is counted as now: what its posts have earned by
            metric, those that are not reported left out; empty for a day without posts. Days of weeks whose posts
            lack a part of it are left out.
        web: The visits.
        breaks: Since when everything is counted as now.
        arrived: How much of the last week's numbers had come in.
    """

    earned: Mapping[dt.date, Mapping[str, float]]
    web: Web
    breaks: Breaks
    arrived: Arrived

    @classmethod
    def read(
        cls,
        connection: Connection,
        client: Client,
        social: Social,
        web: Web,
        weeks: Sequence[Week],
        as_of: dt.datetime,
        breaks: Breaks,
        arrived: Arrived,
    ) -> "LongPast":
        """Read the posts of the accounts of `social`, from the first of some weeks to the last."""
        ours = social.ours
        earned: dict[dt.date, dict[str, float]] = {
            day: {}
            for week in weeks
            if not social.lacking(week)
            for day in week.days
            if day in social.known_days and (breaks.posts is None or day >= breaks.posts)
        }
        start, end = weeks[0].bounds(client.zone)[0], weeks[-1].bounds(client.zone)[1]
        for found in read.post_days(connection, client.client, as_of, start, end, zone=client.time_zone):
            if (found.source, found.account_id) in ours and found.day in earned:
                sums = defaultdict(float, earned[found.day])
                for name in _OF_POSTS.values():
                    if (value := getattr(found, name)) is not None:
                        sums[name] += value
                earned[found.day] = dict(sums)
        return cls(earned, web, breaks, arrived)

    def arrived_of(self, metric: str) -> float | None:
        """Give the share of a metric of the last week that had come in; None: not all, and not known how much."""
        return self.arrived.posts if metric in _OF_POSTS else self.arrived.visits

    def over(self, metric: str, days: Iterable[dt.date], campaigns: Sequence[str] = ()) -> float | None:
        """Add up some days; None unless all of them are known.

        Args:
            metric: One that adds up: of posts, or `visits`, `social_visits`, `campaign_visits`.
            days: The days.
            campaigns: With `campaign_visits`: the campaigns' keys.
        """
        days = list(days)
        if metric not in _OF_POSTS:
            visits = [self._visits(metric, day, campaigns) for day in days]
            return None if None in visits else total("visits", visits)
        if not self.earned.keys() >= set(days):
            return None
        posted = [self.earned[day] for day in days if self.earned[day]]
        known = [value for day in posted if (value := day.get(_OF_POSTS[metric])) is not None]
        return sum(known) if known or not posted else None

    def week(self, metric: str, week: Week, campaigns: Sequence[str] = ()) -> float | None:
        """Give a week's value as of `over`; or its `reactions_per_post`, None without posts."""
        if metric != "reactions_per_post":
            return self.over(metric, week.days, campaigns)
        reactions, posts = self.over("reactions", week.days), self.over("counted", week.days)
        return reactions / posts if reactions is not None and posts else None

    def usual_posts(self, weeks: Iterable[Week]) -> float:
        """How many posts the `reactions_per_post` of some weeks is usually a mean of: the median week's with any."""
        return statistics.median([posts for week in weeks if (posts := self.over("counted", week.days))] or [1.0])

    def _visits(self, metric: str, day: dt.date, campaigns: Sequence[str]) -> float | None:
        if self.breaks.visits is not None and day < self.breaks.visits:
            return None
        if metric == "visits":
            return self.web.days.get(day)
        if metric == "social_visits":
            return self.web.on(day, "channel", "social")
        return total("campaign_visits", [self.web.on(day, "campaign", campaign) for campaign in campaigns])
