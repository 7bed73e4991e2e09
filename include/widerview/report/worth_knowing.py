"""The days of the week that stood out, over all of the client's daily series; what was expected is no alarm."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from widerview.agency.models import Client
from widerview.agency.office_hours import holiday
from widerview.measures.robust import Floats
from widerview.measures.unusual import Surprises, UnusualDay, surprises, unusual_days
from widerview.measures.usual import MIN_WEEKS, usual_weekdays
from widerview.measures.weeks import Week
from widerview.report.facts import Happening, KnownEvent, NotableDay
from widerview.report.long_past import newest_break
from widerview.report.social import Social, TargetKey
from widerview.report.web import counting_sites
from widerview.sources.registry import SOURCES
from widerview.vocabulary.dictionaries import Grain
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read

MOST_TOLD = 3

_LASTS = 7
"""For so many days what has begun explains more than usual, and what has ended less."""

_GO_ON = frozenset({"price_change", "algorithm_change"})
"""What of the timeline does so, too; the rest is over with its day."""

_SETTLED_AFTER = dt.timedelta(hours=48)
"""Until then a low number may be a late one."""

_BOOST = 2.0
_WEEK_DAYS = 7
_FOLLOWERS = frozenset({"follows", "unfollows"})
_ORDER = {name: place for place, name in enumerate(METRICS)}
_DAY = dt.timedelta(days=1)


class Event(NamedTuple):
    """Something known of some days: more, or less, than usual is to be expected then, of one source or of all."""

    known: KnownEvent
    last: dt.date
    more: bool
    less: bool
    source: str | None = None

    def explains(self, source: str, day: dt.date, *, is_more: bool) -> bool:
        """Whether it is a reason for more, or else less, than usual of a source on a day."""
        in_time = self.known.day <= day <= self.last
        return in_time and self.source in {None, source} and (self.more if is_more else self.less)


class _Candidate(NamedTuple):
    series: read.DaySeries
    found: UnusualDay
    told: NotableDay

    @property
    def is_more(self) -> bool:
        return self.found.value > self.found.expected

    @property
    def subject(self) -> tuple[str, bool]:
        """What it is about: of one source and direction one line is enough."""
        return self.series.source, self.is_more

    @property
    def certainty(self) -> tuple[bool, float, float, tuple[int, str]]:
        """Sorts alarms before what is explained, then by certainty, then by size."""
        size = abs(math.log1p(self.found.value) - math.log1p(self.found.expected))
        return self.found.explained, self.found.q, -size, self.order

    @property
    def order(self) -> tuple[int, str]:
        """Sorts by the vocabulary, a total before its channels."""
        return _ORDER[self.series.metric], self.series.member


@dataclass(frozen=True)
class DailySeries:
    """The client's series of days that are compared, and the days, of which the last seven are the report's.

    Attributes:
        days: Every day, oldest first.
        series: What each row is.
        values: Shape (series, days); NaN where unknown.
        events: What is known of the days.
    """

    days: Sequence[dt.date]
    series: Sequence[read.DaySeries]
    values: Floats
    events: Sequence[Event]

    @classmethod
    def read(
        cls,
        connection: Connection,
        client: Client,
        social: Social,
        spared: Set[TargetKey],
        weeks: Sequence[Week],
        as_of: dt.datetime,
        titles: Mapping[str, str],
    ) -> "DailySeries":
        """Read the totals of all days of the client's accounts and websites, and their visits by channel.

        Of a website that several analytics measure, the first that counts visits tells. What is paid for is no series,
        but an event. Followers are none either: they never lead. A series needs five weeks before the last.
        """
        days = [day for week in weeks for day in week.days]
        targets = social.ours | counting_sites(client)
        targets |= {
            (site.platform, site.site_id) for site in client.web if "visits" not in SOURCES[site.platform].metrics
        }
        targets -= spared
        found = [
            each
            for each in read.day_series(connection, client.client, as_of, days[0], days[-1])
            if (each.source, each.entity_id) in targets
        ]
        series = [each for each in found if _is_compared(each)]
        rows = [_row(each, days) for each in series]
        known = [int(np.count_nonzero(~np.isnan(row[:-_WEEK_DAYS]))) for row in rows]
        enough = [place for place, count in enumerate(known) if count >= MIN_WEEKS * _WEEK_DAYS]
        return cls(
            days,
            [series[place] for place in enough],
            np.array([rows[place] for place in enough]).reshape(len(enough), len(days)),
            [*_planned(client, weeks), *_boosts(found, days, titles)],
        )

    def notable_days(
        self, client: Client, seen_until: dt.datetime, titles: Mapping[str, str]
    ) -> tuple[NotableDay, ...]:
        """Pick at most three days that are worth a line; those that nothing known explains come first.

        Of one source and direction the most certain day is told, and of its metrics the first in the vocabulary: what
        is seen in views is seen in reach, too.

        Args:
            client: The client.
            seen_until: When the platforms were looked at (UTC).
            titles: Names of the sources for people.
        """
        seen = self._settled(surprises(self.values), client, seen_until)
        explained = np.zeros(self.values.shape, dtype=bool)
        for row, each in enumerate(self.series):
            for column in range(len(self.days) - _WEEK_DAYS, len(self.days)):
                is_more = bool(seen.z[row, column] > 0)
                explained[row, column] = self._event(each.source, self.days[column], is_more=is_more) is not None
        candidates = [
            _Candidate(self.series[found.series], found, told)
            for found in unusual_days(self.values, seen, _WEEK_DAYS, explained)
            if (told := self._told(found, titles))
        ]
        lines: dict[tuple[str, bool], _Candidate] = {}
        for candidate in sorted(candidates, key=lambda candidate: candidate.certainty):
            best = lines.setdefault(candidate.subject, candidate)
            is_same_day = best.found.day == candidate.found.day
            if is_same_day and candidate.order < best.order:
                lines[candidate.subject] = candidate
        return tuple(line.told for line in lines.values())[:MOST_TOLD]

    def _event(self, source: str, day: dt.date, *, is_more: bool) -> KnownEvent | None:
        """The event that is the best reason: the latest."""
        known = [event.known for event in self.events if event.explains(source, day, is_more=is_more)]
        return max(known, key=lambda event: event.day, default=None)

    def _settled(self, seen: Surprises, client: Client, seen_until: dt.datetime) -> Surprises:
        """The same without low numbers that may still rise: the rest is judged as if those days were unknown.

        Were they left out only after it, late days that all look low would make others' noise look certain.
        """
        ends = [Week.of(day).bounds(client.zone)[0] + (day.weekday() + 1) * _DAY for day in self.days]
        young = np.array([seen_until < end + _SETTLED_AFTER for end in ends])
        return replace(seen, p=np.where(young & (seen.z < 0), np.nan, seen.p))

    def _told(self, found: UnusualDay, titles: Mapping[str, str]) -> NotableDay | None:
        """The line's facts; None where the day does not lie outside the range of such weekdays, to the same side."""
        series, day = self.series[found.series], self.days[found.day]
        before = self.values[found.series, :-_WEEK_DAYS]
        past = {each: None if np.isnan(value) else float(value) for each, value in zip(self.days, before, strict=False)}
        usual = usual_weekdays(past).get(day.weekday())
        is_more = found.value > found.expected
        if usual is None or not (found.value > usual[1] if is_more else found.value < usual[0]):
            return None
        return NotableDay(
            day=day,
            metric=series.metric,
            label=METRICS[series.metric].label,
            platform=None if SOURCES[series.source].kind == "web" else titles[series.source],
            channel=series.member or None,
            value=found.value,
            low=round(usual[0], 3),
            high=round(usual[1], 3),
            because=self._event(series.source, day, is_more=is_more),
        )


def _is_compared(series: read.DaySeries) -> bool:
    metric = METRICS[series.metric]
    counts = metric.additivity in {"flow", "unique"} and metric.unit in {"count", "people"}
    return counts and metric.placement != "paid" and series.metric not in _FOLLOWERS


def _row(series: read.DaySeries, days: Sequence[dt.date]) -> Floats:
    """A series' values by day; NaN where unknown, and before the platform counted as it does now."""
    values = dict(zip(series.days, series.counts, strict=True))
    grain: Grain = "account_day" if series.entity == "account" else "site_day"
    since = newest_break([series.source], series.metric, grain, days[0], days[-1])
    return np.array([values.get(day) if since is None or day >= since else None for day in days], dtype=float)


def _planned(client: Client, weeks: Sequence[Week]) -> Iterator[Event]:
    """Holidays of the last week, what the client's file has begun or ended lately, and what else happened.

    A campaign explains more as long as it runs, unless it ran in all of the weeks that say what is usual.
    """
    for day in weeks[-1].days:
        if (name := holiday(client, day)) is not None:
            yield Event(KnownEvent(what="holiday", name=name, day=day), day, more=True, less=True)
    for campaign in client.campaigns:
        begun = _begun("campaign starts", campaign.name, campaign.starts)
        yield begun._replace(last=max(begun.last, campaign.ends)) if campaign.starts >= weeks[0].monday else begun
        yield _ended("campaign ends", campaign.name, campaign.ends)
        for asset in campaign.assets:
            if asset.starts:
                yield _begun("asset starts", asset.name, asset.starts)
            if asset.ends:
                yield _ended("asset ends", asset.name, asset.ends)
    for entry in client.timeline:
        known = KnownEvent(what="timeline", name=entry.what, day=entry.day)
        lasts = (_LASTS - 1) * _DAY if entry.kind in _GO_ON else 0 * _DAY
        yield Event(known, entry.day + lasts, more=entry.kind != "outage", less=True)


def _begun(what: Happening, name: str, day: dt.date) -> Event:
    return Event(KnownEvent(what=what, name=name, day=day), day + (_LASTS - 1) * _DAY, more=True, less=False)


def _ended(what: Happening, name: str, day: dt.date) -> Event:
    return Event(KnownEvent(what=what, name=name, day=day), day + _LASTS * _DAY, more=False, less=True)


def _boosts(found: Sequence[read.DaySeries], days: Sequence[dt.date], titles: Mapping[str, str]) -> Iterator[Event]:
    """Days of the week on which more than twice as much as usual was shown or clicked for money, source by source."""
    for series in found:
        if METRICS[series.metric].placement != "paid" or METRICS[series.metric].additivity != "flow":
            continue
        values = np.nan_to_num(_row(series, days))
        usual = float(np.median(values[:-_WEEK_DAYS]))
        for day, value in zip(days[-_WEEK_DAYS:], values[-_WEEK_DAYS:], strict=True):
            if value > _BOOST * usual:
                known = KnownEvent(what="paid", name=titles[series.source], day=day)
                yield Event(known, day, more=True, less=False, source=series.source)
