"""From what was observed to the facts of one week's report. Reads the warehouse as of a moment, and nothing else."""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_skeleton
from sqlalchemy import Connection

from widerview.agency.models import Campaign, Client
from widerview.measures.completion import COMPLETE, ENOUGH_DAYS, expected_share, share_at
from widerview.measures.posts import PostCount, best_posts, posting
from widerview.measures.response import Message, response
from widerview.measures.usual import COVERAGE, Range, usual_ranges, usual_weekdays, word
from widerview.measures.weeks import Week
from widerview.quality.verdict import COLOURS
from widerview.report.effect import PAST, effect_of
from widerview.report.facts import (
    AccountFact,
    Answers,
    CampaignFact,
    ChannelFact,
    Chart,
    Colour,
    Conversation,
    DayPoint,
    EffectFact,
    Facts,
    Figure,
    Grade,
    Lift,
    PostFact,
    Posting,
    SourceFact,
    TouchpointFact,
    Usual,
)
from widerview.report.lessons import pick
from widerview.sources.base import plain_handle
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.vocabulary.sums import total
from widerview.warehouse import read

HISTORY_WEEKS = 12
ENOUGH_CONVERSATIONS = 5
"""Of fewer it is not told how long half of them waited."""
CHART_DAYS = 28
RIPE_WEEKS = 4
"""After these a post has what it will get."""
ENOUGH_REACTIONS = 50
"""From fewer nothing is learnt of how reactions come in."""
SETTLED_AFTER = dt.timedelta(hours=48)
"""Reactions come mostly in the first two days; earlier than that a week's reactions are told "so far". So are visits,
until it has been seen how the website's analytics go on counting."""

_PASSED_ON = METRICS["passed_on"].parts
_REACTIONS = METRICS["reactions"].parts


_Target = tuple[str, str]
"""A source, and an account's plain handle or a website's id there."""

_MOST_SPARED = 1 / 3
"""The share of a client's reactions that a report may be without."""

_HOUR = 3600

_NOT_READ = "Not all days of the week have been read yet."


@dataclass(frozen=True)
class _PostNumbers:
    """A post of the client's own with its counters; None where the platform does not report one."""

    post: read.Post
    counters: Mapping[str, int | None]

    def sum(self, metrics: Iterable[str]) -> int | None:
        """Add up some counters; None if none of them is reported."""
        known = [value for metric in metrics if (value := self.counters.get(metric)) is not None]
        return sum(known) if known else None


def compose(
    connection: Connection,
    client: Client,
    week: Week,
    as_of: dt.datetime,
    *,
    titles: Mapping[str, str],
    office_hours: str,
    seen_until: dt.datetime | None = None,
) -> Facts:
    """Work out everything the report on a week may say.

    Past weeks are held against this one at the same age where that had been observed: a week that ended two days
    ago is compared with what earlier weeks had earned two days after their end.

    With `seen_until` an earlier report is composed as of a later moment: its numbers as they would have been, had
    all been known then that is known by `as_of`. Running totals do not grow beyond it.

    Args:
        connection: The warehouse; one snapshot, so that no load comes between the reads.
        client: The client.
        week: The week to report.
        as_of: What was recorded later does not exist (UTC).
        titles: Names of the sources for people, e.g. `{"bluesky": "Bluesky"}`.
        office_hours: The client's office hours in words, for the footer.
        seen_until: When the platforms were looked at (UTC); `as_of` if left out.

    Returns:
        The facts; the revision is 1 until the report is saved.
    """
    weeks = [week.shift(-ago) for ago in range(HISTORY_WEEKS, 0, -1)] + [week]
    seen_until = seen_until or as_of
    social = _Social.read(connection, client, weeks, as_of, seen_until)
    web = _Web.read(connection, client, weeks, as_of)
    verdicts = _verdicts(connection, client, week, as_of)
    absent = {target for target, days in verdicts.items() if any(verdict.colour == "red" for verdict in days)}
    # A number that the report does not lead with can be absent without holding the mail: then it is left out of all
    # weeks alike, and the reader is told.
    spared = _spared(client, social, absent)
    social = social.without(spared)
    figures = _figures(client, weeks, social, web, seen_until)
    sources = tuple(_sources(client, verdicts, spared, titles))
    colour = max((source.colour for source in sources), key=COLOURS.index)
    sender = client.sender
    facts = Facts(
        client_id=client.client,
        client_name=client.name,
        locale=client.locale,
        time_zone=client.time_zone,
        period=str(week),
        first_day=week.monday,
        last_day=week.sunday,
        revision=1,
        as_of=as_of,
        colour=colour,
        grade=_grade(colour, figures, posted=bool(social.published(week)) or not client.accounts),
        figures=figures,
        chart=_chart(client, week, social, web),
        posts=_posts(weeks, social, titles),
        posting=_posting(weeks, social),
        channels=_channels(weeks, web),
        campaigns=tuple(
            _campaign(each, week, social, web, titles, _effect(connection, client, each, week, social, as_of))
            for each in _running(client, week)
        ),
        conversation=_conversation(client, week, social, seen_until),
        sources=sources,
        accounts=tuple(_account_facts(week, social, titles)),
        lesson=None,
        planned=_planned(client, week.shift(1)),
        sender_name=sender.name,
        sender_email=sender.email,
        reply_to=sender.reply_to or sender.email,
        agency=sender.agency,
        postal_address=sender.postal_address,
        office_hours=office_hours,
        client_file=client.model_dump_json(),
    )
    return msgspec.structs.replace(facts, lesson=pick(facts))


def matched_age(week: Week, zone: ZoneInfo, seen_until: dt.datetime) -> dt.timedelta:
    """How long after its end a week's running totals are read, and those of the weeks before it after theirs."""
    return max(seen_until - week.bounds(zone)[1], dt.timedelta())


@dataclass(frozen=True)
class _Social:
    """The client's accounts and their posts of all weeks in view, by week.

    Attributes:
        weeks: The weeks in view.
        configured: The accounts the client's file names, as source and plain handle.
        accounts: Those of them that the platforms have shown.
        posts: Their posts, by week.
        messages: What they wrote to others: week, source and account id of each.
        received: What others began a conversation with in the last week.
        pulled: The days that were asked for, by configured account.
        followers: Their followers, by source and account id.
        ripened: The reactions to the posts of weeks that had a month to end in: as they were at the age that the last
            week has now, and as they came to be; by source and account id.
    """

    weeks: Sequence[Week]
    configured: frozenset[_Target]
    accounts: tuple[read.Account, ...]
    posts: Mapping[Week, Sequence[_PostNumbers]]
    messages: Sequence[tuple[Week, str, str]]
    received: Sequence[read.ReceivedMessage]
    pulled: Mapping[_Target, Set[dt.date]]
    followers: Mapping[tuple[str, str], int | None]
    ripened: Mapping[tuple[str, str], tuple[int, int]]

    @classmethod
    def read(
        cls,
        connection: Connection,
        client: Client,
        weeks: Sequence[Week],
        as_of: dt.datetime,
        seen_until: dt.datetime,
    ) -> "_Social":
        start, end = weeks[0].bounds(client.zone)[0], weeks[-1].bounds(client.zone)[1]
        configured = frozenset((account.platform, plain_handle(account.handle)) for account in client.accounts)
        profiles = {
            (account.source, account.account_id): account
            for moment in (as_of, seen_until)  # an account is known by the handle it had
            for account in read.accounts(connection, client.client, moment)
        }
        accounts = tuple(
            account
            for account in profiles.values()
            if any((account.source, name) in configured for name in _names(account))
        )
        ours = {(account.source, account.account_id) for account in accounts}
        counters: dict[tuple[str, str], dict[str, int | None]] = defaultdict(dict)
        in_time: dict[tuple[str, str, str, str], int] = {}
        for counter in read.post_counters(
            connection,
            client.client,
            as_of,
            start,
            end,
            zone=client.time_zone,
            age=matched_age(weeks[-1], client.zone, seen_until),
        ):
            counters[counter.source, counter.post_id][counter.metric] = counter.value
            if counter.metric in _REACTIONS and counter.value is not None and not counter.late:
                in_time[counter.source, counter.account_id, counter.post_id, counter.metric] = counter.value
        ripe = weeks[-1].shift(-RIPE_WEEKS).bounds(client.zone)[1]
        ripened: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for counter in read.post_counters(connection, client.client, as_of, start, ripe):
            then = in_time.get((counter.source, counter.account_id, counter.post_id, counter.metric))
            if then is not None and counter.value is not None:
                was, came_to = ripened[counter.source, counter.account_id]
                ripened[counter.source, counter.account_id] = (was + then, came_to + counter.value)

        own = [
            post
            for post in read.posts(connection, client.client, as_of, start, end)
            if (post.source, post.account_id) in ours
        ]
        posts: dict[Week, list[_PostNumbers]] = defaultdict(list)
        for post in own:
            week = Week.of(post.published_at.astimezone(client.zone).date())
            if post.reply_to is None:
                posts[week].append(_PostNumbers(post, counters[post.source, post.post_id]))

        messages = [
            (Week.of(message.written_at.astimezone(client.zone).date()), message.source, message.account_id)
            for message in read.own_messages(connection, client.client, as_of, start, end)
            if (message.source, message.account_id) in ours
        ]
        received = [
            message
            for message in read.received_messages(connection, client.client, as_of, *weeks[-1].bounds(client.zone))
            if (message.source, message.account_id) in ours
        ]
        followers = {
            (counter.source, counter.account_id): counter.value
            for counter in read.account_counters(connection, client.client, as_of, seen_until)
            if counter.metric == "followers"
        }
        pulled = _pulled_days(connection, client, as_of, weeks[0].monday)
        return cls(weeks, configured, accounts, posts, messages, received, pulled, followers, ripened)

    @property
    def completeness(self) -> float | None:
        """The share of a week's reactions that had come in at this age in earlier weeks; None if not known yet."""
        ours = [self.ripened.get((each.source, each.account_id), (0, 0)) for each in self.accounts]
        was, came_to = (sum(part) for part in zip(*ours, strict=True)) if ours else (0, 0)
        return was / came_to if came_to >= ENOUGH_REACTIONS else None

    @cached_property
    def known(self) -> frozenset[Week]:
        """The weeks that were read whole, of every account."""
        # An account the platform shows under another name would look like one without posts: unknown, not zero.
        shown = {(account.source, name) for account in self.accounts for name in _names(account)}
        if not self.configured or not self.configured <= shown:
            return frozenset()
        days = set.intersection(*(set(self.pulled.get(target, ())) for target in self.configured))
        return frozenset(week for week in self.weeks if days.issuperset(week.days))

    @cached_property
    def written(self) -> Counter[Week]:
        """How many messages to others the accounts wrote, by week."""
        return Counter(week for week, *_ in self.messages)

    def without(self, targets: Set[_Target]) -> "_Social":
        """The same without some of the accounts."""
        if not targets & self.configured:
            return self
        accounts = tuple(each for each in self.accounts if not {(each.source, name) for name in _names(each)} & targets)
        ours = {(account.source, account.account_id) for account in accounts}
        return replace(
            self,
            configured=self.configured - targets,
            accounts=accounts,
            posts={
                week: [post for post in posts if (post.post.source, post.post.account_id) in ours]
                for week, posts in self.posts.items()
            },
            messages=[each for each in self.messages if each[1:] in ours],
            received=[each for each in self.received if (each.source, each.account_id) in ours],
        )

    def reactions_of(self, target: _Target) -> int:
        """The reactions to all posts of an account before the last week."""
        ours = {(each.source, each.account_id) for each in self.accounts if target[1] in _names(each)}
        return sum(
            post.sum(_REACTIONS) or 0
            for week in self.weeks[:-1]
            for post in self.published(week)
            if post.post.source == target[0] and (post.post.source, post.post.account_id) in ours
        )

    def published(self, week: Week) -> Sequence[_PostNumbers]:
        """The posts of a week, answers to other people left out."""
        return self.posts.get(week, ())

    def sum(self, week: Week, metrics: Iterable[str]) -> int | None:
        """Add up counters over a week's posts; None where the week was not pulled or nothing is reported."""
        if week not in self.known:
            return None
        metrics = tuple(metrics)
        known = [value for post in self.published(week) if (value := post.sum(metrics)) is not None]
        return sum(known) if known or not self.published(week) else None

    def reactions_per_post(self, week: Week) -> float | None:
        """Reactions divided by posts; None for a week without posts."""
        if week not in self.known:
            return None
        known = [value for post in self.published(week) if (value := post.sum(_REACTIONS)) is not None]
        return statistics.fmean(known) if known else None


def _names(account: read.Account) -> tuple[str, str]:
    """What a client's file may call an account: its handle or its own id."""
    return plain_handle(account.handle), plain_handle(account.account_id)


def _pulled_days(
    connection: Connection, client: Client, as_of: dt.datetime, first_day: dt.date
) -> Mapping[_Target, Set[dt.date]]:
    """The days, from the first that matters on, that were pulled for each account of the client.

    A pull reads all that lies between its first day and the moment it is made, whatever its last day is.
    """
    days: dict[_Target, set[dt.date]] = defaultdict(set)
    for pulled in read.windows(connection, client.client, as_of, first_day):
        length = (pulled.observed_at.date() - pulled.first_day).days + 1
        days[pulled.source, plain_handle(pulled.ref)].update(
            pulled.first_day + dt.timedelta(days=offset) for offset in range(length)
        )
    return days


@dataclass(frozen=True)
class _Web:
    """The visits to all of the client's websites, by day and split three ways; None where not reported."""

    sites: int
    days: Mapping[dt.date, float | None]
    splits: Mapping[str, Mapping[str, Mapping[dt.date, float]]]
    curves: Sequence[Mapping[int, float]]

    @classmethod
    def read(cls, connection: Connection, client: Client, weeks: Sequence[Week], as_of: dt.datetime) -> "_Web":
        span = weeks[0].monday, weeks[-1].sunday
        sites = _counters(client)
        days = _visits_by_day(connection, client, span, as_of)
        splits = {
            dimension: _visits_by_member(connection, client, span, as_of, dimension)
            for dimension in ("channel", "campaign", "touchpoint")
        }
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
                lag = (seen_until - Week.of(day).bounds(zone)[0]).days - day.weekday() - 1
                share = share_at(curve, max(lag, 0))
                if share is None:
                    return None
                parts.append((self.days.get(day) or 0.0, share))
            found.append(expected_share(parts))
        known = [share for share in found if share is not None]
        return min(known) if known else None

    def week(self, week: Week) -> float | None:
        """All visits of a week; None unless all seven days are reported."""
        values = [self.days.get(day) for day in week.days]
        return None if None in values else total("visits", values)

    def split(self, week: Week, dimension: str, member: str) -> float | None:
        """Visits of one member in a week. What had none is left out by the analytics: zero, where the week is known."""
        if self.week(week) is None:
            return None
        days = self.splits[dimension].get(member.casefold(), {})
        return sum(days.get(day, 0.0) for day in week.days)

    def members(self, week: Week, dimension: str) -> list[str]:
        """The members that had visits in a week, most visited first."""
        found = {member: self.split(week, dimension, member) or 0.0 for member in self.splits[dimension]}
        return sorted(
            (member for member, visits in found.items() if visits), key=lambda member: (-found[member], member)
        )

    def campaign_visits(self, week: Week, campaigns: Iterable[Campaign]) -> float | None:
        """Visits of some campaigns together."""
        return total("campaign_visits", [self.split(week, "campaign", campaign.key) for campaign in campaigns])


_Span = tuple[dt.date, dt.date]
"""A first and a last day."""


def _counters(client: Client) -> set[_Target]:
    return {(site.platform, site.site_id) for site in client.visit_counters}


def _visits(
    connection: Connection, client: Client, span: _Span, as_of: dt.datetime, dimension: str
) -> list[read.DayValue]:
    sites = _counters(client)
    values = read.day_values(connection, client.client, as_of, *span, "visits", dimension)
    return [value for value in values if (value.source, value.entity_id) in sites]


def _visits_by_day(
    connection: Connection, client: Client, span: _Span, as_of: dt.datetime
) -> dict[dt.date, float | None]:
    """All visits of each day; None unless every site has it: a part of the sites is not the client's total."""
    by_day: dict[dt.date, list[float | None]] = defaultdict(list)
    for value in _visits(connection, client, span, as_of, "total"):
        by_day[value.day].append(value.value)
    sites = len(_counters(client))
    return {
        day: total("visits", values) if len(values) == sites and None not in values else None
        for day, values in by_day.items()
    }


def _visits_by_member(
    connection: Connection, client: Client, span: _Span, as_of: dt.datetime, dimension: str
) -> dict[str, dict[dt.date, float]]:
    """The visits of each day that had some, by the members of a dimension, in lower case."""
    members: dict[str, dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
    for value in _visits(connection, client, span, as_of, dimension):
        members[value.member.casefold()][value.day] += value.value or 0.0
    return members


def _figures(
    client: Client, weeks: Sequence[Week], social: _Social, web: _Web, seen_until: dt.datetime
) -> tuple[Figure, ...]:
    posts: dict[str, list[float | None]] = {}
    visits: dict[str, list[float | None]] = {}
    if client.accounts:
        posts["reactions_per_post"] = [social.reactions_per_post(week) for week in weeks]
        posts["replies_received"] = [social.sum(week, ["replies"]) for week in weeks]
        posts["passed_on"] = [social.sum(week, _PASSED_ON) for week in weeks]
    if client.visit_counters:
        visits["visits"] = [web.week(week) for week in weeks]
        visits["social_visits"] = [web.split(week, "channel", "social") for week in weeks]
        if _running(client, weeks[-1]):
            # Weeks without a campaign say nothing of what is usual for a week with one.
            visits["campaign_visits"] = [
                web.campaign_visits(week, running) if (running := _running(client, week)) else None for week in weeks
            ]
    week_end = weeks[-1].bounds(client.zone)[1]
    is_early = seen_until < week_end + SETTLED_AFTER
    early: dict[str, bool] = {}
    for share, names in ((social.completeness, posts), (web.completeness(weeks[-1], client.zone, seen_until), visits)):
        early |= dict.fromkeys(names, is_early if share is None else share < COMPLETE)
    # Reactions swing more than visits do, so each kind learns its spread from its own.
    usual = _usual_of(posts) | _usual_of(visits)
    return tuple(
        Figure(
            id=name,
            label=METRICS[name].label,
            meaning=METRICS[name].meaning,
            value=values[-1],
            decimals=1 if METRICS[name].additivity == "ratio" else 0,
            usual=_usual(usual[name]),
            word=word(values[-1], usual[name]),
            last_week=values[-2],
            so_far=early[name],
            definition=METRICS[name].definition,
        )
        for name, values in (posts | visits).items()
    )


def _usual_of(series: Mapping[str, Sequence[float | None]]) -> dict[str, Range | None]:
    """The usual ranges of some weekly series, learnt from all weeks but the last."""
    return usual_ranges({name: values[:-1] for name, values in series.items()})


def _usual(found: Range | None) -> Usual | None:
    return Usual(low=found.low, high=found.high, coverage=COVERAGE, weeks=found.weeks) if found else None


def _grade(colour: Colour, figures: Sequence[Figure], *, posted: bool) -> Grade:
    """The week in one word: good needs more figures above than below; no posts, or more below than above, is quiet."""
    if colour == "red":
        return "needs you"
    words = [figure.word for figure in figures]
    above, below = words.count("above"), words.count("below")
    if not posted or below > above:
        return "quiet"
    return "good" if above > below else "normal"


def _chart(client: Client, week: Week, social: _Social, web: _Web) -> Chart | None:
    days = [week.sunday - dt.timedelta(days=ago) for ago in range(CHART_DAYS - 1, -1, -1)]
    values: Mapping[dt.date, float | None]
    if client.visit_counters:
        title, unit, values = "Visits to your website", "visits", web.days
    elif client.accounts:
        title, unit, values = "Reactions, by the day of the post", "reactions", _reactions_by_day(client, social)
    else:
        return None
    usual = usual_weekdays({day: value for day, value in values.items() if day < week.monday})
    notes = _notes(client)
    return Chart(
        title=title,
        unit=unit,
        points=tuple(
            DayPoint(
                day=day,
                value=values.get(day),
                low=usual[day.weekday()][0] if day.weekday() in usual else None,
                high=usual[day.weekday()][1] if day.weekday() in usual else None,
                note=notes.get(day),
            )
            for day in days
        ),
    )


def _reactions_by_day(client: Client, social: _Social) -> dict[dt.date, float | None]:
    days: dict[dt.date, float | None] = {day: 0.0 for week in social.known for day in week.days}
    for week in social.known:
        for post in social.published(week):
            day = post.post.published_at.astimezone(client.zone).date()
            reactions = post.sum(_REACTIONS)
            known_before = days[day]
            days[day] = None if reactions is None or known_before is None else known_before + reactions
    return days


def _notes(client: Client) -> dict[dt.date, str]:
    """What happened on which day, as far as the client's file says: campaign starts, then its dated touchpoints."""
    notes = {campaign.starts: f"{campaign.name} starts" for campaign in client.campaigns}
    for campaign in client.campaigns:
        notes |= {asset.starts: asset.name for asset in campaign.assets if asset.starts}
    return notes


def _posts(weeks: Sequence[Week], social: _Social, titles: Mapping[str, str]) -> tuple[PostFact, ...]:
    """Up to three posts of the week, by how far they stand out from the same account's typical post of their kind.

    A post of whose kind too few are known is taken for a typical one, and stands behind those that drew more.
    """
    lifts = _lifts(weeks, social)

    def stands_out(post: _PostNumbers) -> tuple[float, int]:
        lift = lifts.get((post.post.source, post.post.post_id))
        return (lift.times if lift else 1.0, post.sum(_REACTIONS) or 0)

    best: list[_PostNumbers] = []
    shown: dict[str, str] = {}
    posts = sorted(social.published(weeks[-1]), key=lambda each: each.post.post_id)
    for post in sorted(posts, key=stands_out, reverse=True):
        # The same words on two platforms are one post to the reader: the better one is shown.
        words = " ".join(post.post.text.casefold().split()[:8]) or post.post.post_id
        times, reactions = stands_out(post)
        if reactions and times >= 1 and shown.setdefault(words, post.post.source) == post.post.source:
            best.append(post)
    return tuple(
        PostFact(
            platform=titles[post.post.source],
            text=post.post.text,
            permalink=post.post.permalink,
            published_at=post.post.published_at,
            reactions=post.sum(_REACTIONS) or 0,
            replies=post.sum(["replies"]) or 0,
            reposts=post.sum(_PASSED_ON) or 0,
            lift=lifts.get((post.post.source, post.post.post_id)),
        )
        for post in best[:3]
    )


def _lifts(weeks: Sequence[Week], social: _Social) -> dict[tuple[str, str], Lift]:
    """The lifts of the last week's posts, by source and post id, where enough is known to tell."""

    def counted(post: _PostNumbers) -> PostCount:
        # Each post counts as seen once, also where the platform tells how often it was: what the reader sees beside
        # the lift is what the post drew, not how willing those were who happened to see it.
        return PostCount(
            (post.post.source, post.post.account_id, post.post.kind), earned=post.sum(_REACTIONS), seen=1.0
        )

    posts = social.published(weeks[-1])
    past = [counted(post) for week in weeks[:-1] for post in social.published(week)]
    return {
        (posts[each.post].post.source, posts[each.post].post.post_id): Lift(
            # Digits that nobody prints are left out: another processor's logarithm may differ in the last ones.
            times=round(each.lift, 3),
            low=round(each.low, 3),
            high=round(each.high, 3),
            coverage=COVERAGE,
        )
        for each in best_posts([counted(post) for post in posts], past, COVERAGE)
    }


def _posting(weeks: Sequence[Week], social: _Social) -> Posting | None:
    found = posting(
        [len(social.published(week)) if week in social.known else None for week in weeks],
        [social.sum(week, _REACTIONS) for week in weeks],
    )
    if found is None:
        return None
    return Posting(
        posts=found.posts,
        usual_posts=found.usual_posts if found.usual_per_post else None,
        fewer_earned_more=found.fewer_earned_more,
    )


def _channels(weeks: Sequence[Week], web: _Web) -> tuple[ChannelFact, ...]:
    members = web.members(weeks[-1], "channel")
    series = {member: [web.split(week, "channel", member) for week in weeks] for member in members}
    usual = _usual_of(series)
    visits = {member: values[-1] for member, values in series.items()}
    return tuple(
        ChannelFact(
            channel=member,
            visits=_whole(visits[member]),
            usual=_usual(usual[member]),
            word=word(visits[member], usual[member]),
        )
        for member in members
    )


def _running(client: Client, week: Week) -> list[Campaign]:
    return [campaign for campaign in client.campaigns if campaign.runs_in(week.monday, week.sunday)]


def _campaign(
    campaign: Campaign, week: Week, social: _Social, web: _Web, titles: Mapping[str, str], effect: EffectFact | None
) -> CampaignFact:
    prefix = f"{campaign.key.casefold()}/"
    assets = {asset.utm_source.casefold(): asset for asset in campaign.assets if asset.utm_source}
    touchpoints = []
    for member in web.members(week, "touchpoint"):
        if member.startswith(prefix):
            tag = member.removeprefix(prefix)
            asset = assets.get(tag)
            touchpoints.append(
                TouchpointFact(
                    name=asset.name if asset else titles.get(tag, tag),
                    kind=asset.kind.value if asset else "link",
                    visits=_whole(web.split(week, "touchpoint", member)),
                )
            )
    visits = web.split(week, "campaign", campaign.key) if web.sites else None
    unmarked = (visits or 0) - sum(touchpoint.visits or 0 for touchpoint in touchpoints)
    if touchpoints and round(unmarked) > 0:
        touchpoints.append(TouchpointFact(name="Links that do not say which", kind="link", visits=round(unmarked)))
    return CampaignFact(
        key=campaign.key,
        name=campaign.name,
        goal=campaign.goal,
        starts=campaign.starts,
        ends=campaign.ends,
        posts=sum(_belongs(post.post, campaign) for post in social.published(week)),
        visits=_whole(visits),
        touchpoints=tuple(touchpoints),
        effect=effect,
    )


def _effect(
    connection: Connection, client: Client, campaign: Campaign, week: Week, social: _Social, as_of: dt.datetime
) -> EffectFact | None:
    """What a campaign has added to the website by the end of the week; None where no website is counted."""
    if not client.visit_counters:
        return None
    span = campaign.starts - PAST, min(campaign.ends, week.sunday)
    seen_whole = campaign.starts >= social.weeks[0].monday  # else its posts may be older than those in view
    posts = (post.post for each in social.weeks for post in social.published(each))
    return effect_of(
        campaign,
        client.campaigns,
        span[1],
        _visits_by_day(connection, client, span, as_of),
        _visits_by_member(connection, client, span, as_of, "channel"),
        on_social=not seen_whole or any(_belongs(post, campaign) for post in posts),
    )


def _belongs(post: read.Post, campaign: Campaign) -> bool:
    """Whether a post is part of a campaign: by one of its hashtags, or by a link tagged with its key."""
    if {tag.removeprefix("#").casefold() for tag in campaign.hashtags} & {tag.casefold() for tag in post.tags}:
        return True
    return any(campaign.key.casefold() in _campaigns_of(link) for link in post.links)


def _campaigns_of(link: str) -> set[str]:
    """The campaigns that a link is tagged with, by Google's or Matomo's name of the tag; in lower case."""
    try:
        tags = parse_qs(urlsplit(link).query)
    except ValueError:  # people write things that only look like links
        return set()
    return {tag.casefold() for name in ("utm_campaign", "mtm_campaign") for tag in tags.get(name, [])}


def _conversation(client: Client, week: Week, social: _Social, seen_until: dt.datetime) -> Conversation:
    return Conversation(
        received=social.sum(week, ["replies"]),
        written=social.written.get(week, 0) if week in social.known else None,
        written_at_least=any(not SOURCES[account.source].tells_all_replies for account in social.accounts),
        answers=_answers(client, social.received, seen_until) if week in social.known else None,
    )


def _answers(client: Client, received: Sequence[read.ReceivedMessage], seen_until: dt.datetime) -> Answers | None:
    messages = [Message(each.written_at, each.answered_at) for each in received if each.written_at <= seen_until]
    found = response(messages, client, seen_until)
    if found is None:
        return None
    median = found.median if found.received >= ENOUGH_CONVERSATIONS else None
    return Answers(
        received=found.received,
        answered=found.answered,
        half_within=None if median is None else round(median / _HOUR, 3),
    )


def _verdicts(
    connection: Connection, client: Client, week: Week, as_of: dt.datetime
) -> dict[_Target, list[read.Verdict]]:
    """The verdicts on each day of the week for each account and website; a day that was never judged is red."""
    refs = {(account.platform, account.handle): plain_handle(account.handle) for account in client.accounts}
    refs |= {(site.platform, site.site_id): site.site_id for site in client.web}
    found = {(verdict.source, verdict.ref, verdict.day): verdict
             for verdict in read.verdicts(connection, client.client, as_of, week.monday, week.sunday)}  # fmt: skip

    def never(source: str, ref: str, day: dt.date) -> read.Verdict:
        return read.Verdict(source=source, ref=ref, day=day, colour="red", reasons=(_NOT_READ,), observed_at=as_of)

    return {
        (source, target): [found.get((source, ref, day)) or never(source, ref, day) for day in week.days]
        for (source, ref), target in refs.items()
    }


def _spared(client: Client, social: _Social, absent: Set[_Target]) -> Set[_Target]:
    """Of what is wrong or absent, all that the report does not lead with.

    It leads with the visits to the website, and with what people did with the posts. So an account whose posts used to
    get at most a third of the reactions can be left out, and so can any source that does not count the visits.
    """
    counters = {(site.platform, site.site_id) for site in client.visit_counters}
    accounts = absent & social.configured
    reactions = {target: social.reactions_of(target) for target in social.configured}
    few = sum(reactions[target] for target in accounts) <= sum(reactions.values()) * _MOST_SPARED
    if not few or accounts == social.configured or not any(reactions.values()):
        return absent - counters - accounts
    return absent - counters


def _sources(
    client: Client,
    verdicts: Mapping[_Target, Sequence[read.Verdict]],
    spared: Set[_Target],
    titles: Mapping[str, str],
) -> Iterator[SourceFact]:
    """The worst verdict on each source over the week, with its reasons."""
    for source in dict.fromkeys(source for source, _ in verdicts):
        judged: list[tuple[Colour, str]] = []
        for target, days in verdicts.items():
            if target[0] != source:
                continue
            reasons = list(dict.fromkeys(reason for verdict in days for reason in verdict.reasons))
            colour = max((verdict.colour for verdict in days), key=COLOURS.index)
            if target in spared:
                reasons.append("The figures of this report are without it, in all weeks.")
                colour = "amber"
            judged.append((colour, "; ".join(reason.removesuffix(".") for reason in reasons)))
        yield SourceFact(
            source=source,
            title=titles[source],
            colour=max((colour for colour, _ in judged), key=COLOURS.index),
            line="; ".join(dict.fromkeys(line for _, line in judged if line)) or "all seven days have been read",
        )


def _account_facts(week: Week, social: _Social, titles: Mapping[str, str]) -> Iterable[AccountFact]:
    for account in social.accounts:
        yield AccountFact(
            platform=titles[account.source],
            handle=account.handle,
            url=account.url,
            posts=sum(
                (post.post.source, post.post.account_id) == (account.source, account.account_id)
                for post in social.published(week)
            ),
            followers=social.followers.get((account.source, account.account_id)),
        )


def _planned(client: Client, week: Week) -> tuple[str, ...]:
    """What the client's file has for the coming week, in the order of its days."""
    plans: list[tuple[dt.date, str]] = []
    for campaign in client.campaigns:
        for day, what in ((campaign.starts, "starts"), (campaign.ends, "ends")):
            if day in week.days:
                plans.append((day, f"{campaign.name} {what} on {_day(day, client.locale)}"))
        if campaign.runs_in(week.monday, week.sunday) and not {campaign.starts, campaign.ends} & set(week.days):
            plans.append((week.sunday, f"{campaign.name} goes on until {_day(campaign.ends, client.locale)}"))
        plans += [
            (asset.starts, f"{asset.name} on {_day(asset.starts, client.locale)}")
            for asset in campaign.assets
            if asset.starts in week.days
        ]
    return tuple(text for _, text in sorted(plans))


def _day(day: dt.date, locale: str) -> str:
    return format_skeleton("EEEEdMMMM", day, locale=locale)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
