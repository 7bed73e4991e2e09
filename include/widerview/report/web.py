"""The visits to the client's websites as they were observed, by day."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from widerview.agency.models import Campaign, Client
from widerview.measures.completion import COMPLETE, ENOUGH_DAYS, expected_share, share_at
from widerview.measures.weeks import Week
from widerview.vocabulary.sums import total
from widerview.warehouse import read

SETTLED_AFTER = dt.timedelta(hours=48)
"""Reactions come mostly in the first two days; earlier than that a week's reactions are told "so far". So are visits,
until it has been seen how the website's analytics go on counting."""


def counting_sites(client: Client) -> set[tuple[str, str]]:
    """The source and id of each website whose visits are the client's, as values of the warehouse name them."""
    return {(site.platform, site.site_id) for site in client.visit_counters}


@dataclass(frozen=True)
class Web:
    """The visits to all of the client's websites, by day and split three ways; None where not reported."""

    sites: int
    days: Mapping[dt.date, float | None]
    splits: Mapping[str, Mapping[str, Mapping[dt.date, float]]]
    curves: Sequence[Mapping[int, float]]

    @classmethod
    def read(cls, connection: Connection, client: Client, first: dt.date, last: dt.date, as_of: dt.datetime) -> "Web":
        """Read those of some days, both ends included, as of a moment."""
        sites = counting_sites(client)

        def visits(dimension: str) -> list[read.DayValue]:
            values = read.day_values(connection, client.client, as_of, first, last, "visits", dimension)
            return [value for value in values if (value.source, value.entity_id) in sites]

        by_day: dict[dt.date, list[float | None]] = defaultdict(list)
        for value in visits("total"):
            by_day[value.day].append(value.value)
        # A day counts as reported only when every site has it: a part of the sites is not the client's total.
        days = {
            day: total("visits", values) if len(values) == len(sites) and None not in values else None
            for day, values in by_day.items()
        }
        splits: dict[str, dict[str, dict[dt.date, float]]] = {}
        for dimension in ("channel", "campaign", "touchpoint"):
            members: dict[str, dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
            for value in visits(dimension):
                members[value.member.casefold()][value.day] += value.value or 0.0
            splits[dimension] = members
        curves: dict[tuple[str, str], dict[int, float]] = {site: {} for site in sites}
        for learnt in read.completion(connection, client.client, as_of, "visits"):
            site = (learnt.source, learnt.entity_id)
            if site in curves and learnt.days >= ENOUGH_DAYS:
                curves[site][learnt.lag] = learnt.share
        return cls(len(sites), days, splits, tuple(curves.values()))

    def completeness(self, week: Week, zone: ZoneInfo, seen_until: dt.datetime) -> float | None:
        """The share of a week's visits that are likely to be in already, by the slowest site; None if not known yet."""
        found = []
        for curve in self.curves:
            parts = []
            for day in week.days:
                share = share_at(curve, max(_age(day, zone, seen_until).days, 0))
                if share is None:
                    return None
                parts.append((self.days.get(day) or 0.0, share))
            found.append(expected_share(parts))
        known = [share for share in found if share is not None]
        return min(known) if known else None

    def is_settled(self, day: dt.date, zone: ZoneInfo, seen_until: dt.datetime) -> bool:
        """Whether the visits of a day are likely to be in, at every site."""
        age = _age(day, zone, seen_until)
        shares = [share_at(curve, max(age.days, 0)) for curve in self.curves]
        known = [share for share in shares if share is not None]
        return min(known) >= COMPLETE if known and len(known) == len(shares) else age >= SETTLED_AFTER

    def week(self, week: Week) -> float | None:
        """All visits of a week; None unless all seven days are reported."""
        values = [self.days.get(day) for day in week.days]
        return None if None in values else total("visits", values)

    def split(self, week: Week, dimension: str, member: str) -> float | None:
        """Visits of one member in a week. What had none is left out by the analytics: zero, where the week is known."""
        days = [self.on(day, dimension, member) for day in week.days]
        return None if None in days else total("visits", days)

    def on(self, day: dt.date, dimension: str, member: str) -> float | None:
        """Visits of one member on a day; zero where it had none, None where the day is not known."""
        if self.days.get(day) is None:
            return None
        return self.splits[dimension].get(member.casefold(), {}).get(day, 0.0)

    def members(self, week: Week, dimension: str) -> list[str]:
        """The members that had visits in a week, most visited first."""
        found = {member: self.split(week, dimension, member) or 0.0 for member in self.splits[dimension]}
        return sorted(
            (member for member, visits in found.items() if visits), key=lambda member: (-found[member], member)
        )

    def campaign_visits(self, week: Week, campaigns: Iterable[Campaign]) -> float | None:
        """Visits of some campaigns together."""
        return total("campaign_visits", [self.split(week, "campaign", campaign.key) for campaign in campaigns])


def _age(day: dt.date, zone: ZoneInfo, seen_until: dt.datetime) -> dt.timedelta:
    """How long ago a day of a zone ended."""
    return seen_until - Week.of(day).bounds(zone)[0] - dt.timedelta(days=day.weekday() + 1)
