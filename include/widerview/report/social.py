"""The client's accounts and posts as they were observed, by week."""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from widerview.agency.models import Client
from widerview.measures.weeks import Week
from widerview.sources.base import plain_handle
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read

RIPE_WEEKS = 4
"""After these a post has what it will get."""

ENOUGH_REACTIONS = 50
"""From fewer nothing is learnt of how reactions come in."""

REACTIONS = METRICS["reactions"].parts
PASSED_ON = METRICS["passed_on"].parts

MOST_LACKING = 1 / 3
"""The share of a week's posts of which a number may be unknown, and the rest still stand for all of them."""

TargetKey = tuple[str, str]
"""A source, and an account's plain handle or a website's id there."""


@dataclass(frozen=True)
class PostNumbers:
    """A post of the client's own with its counters; None where the platform does not report one.

    `lacking` are those counters of reactions that are not reported of it, and were of its account's earlier posts.
    """

    post: read.Post
    counters: Mapping[str, int | None]
    lacking: frozenset[str] = frozenset()

    def sum(self, metrics: Iterable[str]) -> int | None:
        """Add up some counters; None if none of them is reported, or the post lacks one of them."""
        metrics = set(metrics)
        known = [value for metric in metrics if (value := self.counters.get(metric)) is not None]
        return sum(known) if known and not metrics & self.lacking else None


@dataclass(frozen=True)
class Social:
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
    configured: frozenset[TargetKey]
    accounts: tuple[read.Account, ...]
    posts: Mapping[Week, Sequence[PostNumbers]]
    messages: Sequence[tuple[Week, str, str]]
    received: Sequence[read.ReceivedMessage]
    pulled: Mapping[TargetKey, Set[dt.date]]
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
        *,
        pulled_since: dt.date,
    ) -> "Social":
        """Read them as of a moment, past weeks at the age that the last one has when the platforms were looked at.

        Which days were pulled is read from `pulled_since` on.
        """
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
            if any((account.source, name) in configured for name in names_of(account))
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
            if counter.metric in REACTIONS and counter.value is not None and not counter.late:
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
        published: dict[Week, list[PostNumbers]] = defaultdict(list)
        for post in own:
            week = Week.of(post.published_at.astimezone(client.zone).date())
            if post.reply_to is None:
                published[week].append(PostNumbers(post, counters[post.source, post.post_id]))
        posts = dict(_with_lacking(published))

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
        pulled = _pulled_days(connection, client, as_of, pulled_since)
        return cls(weeks, configured, accounts, posts, messages, received, pulled, followers, ripened)

    @property
    def completeness(self) -> float | None:
        """The share of a week's reactions that had come in at this age in earlier weeks; None if not known yet."""
        ours = [self.ripened.get((each.source, each.account_id), (0, 0)) for each in self.accounts]
        was, came_to = (sum(part) for part in zip(*ours, strict=True)) if ours else (0, 0)
        return was / came_to if came_to >= ENOUGH_REACTIONS else None

    @cached_property
    def known_days(self) -> Set[dt.date]:
        """The days that were read of every account."""
        # An account the platform shows under another name would look like one without posts: unknown, not zero.
        shown = {(account.source, name) for account in self.accounts for name in names_of(account)}
        if not self.configured or not self.configured <= shown:
            return frozenset()
        return set.intersection(*(set(self.pulled.get(target, ())) for target in self.configured))

    @cached_property
    def known(self) -> frozenset[Week]:
        """The weeks that were read whole, of every account."""
        return frozenset(week for week in self.weeks if self.known_days >= set(week.days))

    @cached_property
    def written(self) -> Counter[Week]:
        """How many messages to others the accounts wrote, by week."""
        return Counter(week for week, *_ in self.messages)

    def without(self, targets: Set[TargetKey]) -> "Social":
        """The same without some of the accounts."""
        if not targets & self.configured:
            return self
        accounts = tuple(
            each for each in self.accounts if not {(each.source, name) for name in names_of(each)} & targets
        )
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

    @cached_property
    def ours(self) -> frozenset[tuple[str, str]]:
        """The source and account id of each account."""
        return frozenset((account.source, account.account_id) for account in self.accounts)

    def reactions_of(self, target: TargetKey) -> int:
        """The reactions to all posts of an account before the last week."""
        ours = {(each.source, each.account_id) for each in self.accounts if target[1] in names_of(each)}
        return sum(
            post.sum(REACTIONS) or 0
            for week in self.weeks[:-1]
            for post in self.published(week)
            if post.post.source == target[0] and (post.post.source, post.post.account_id) in ours
        )

    def published(self, week: Week) -> Sequence[PostNumbers]:
        """The posts of a week, answers to other people left out."""
        return self.posts.get(week, ())

    def is_silent(self, week: Week) -> bool:
        """Whether a week was read whole, of every account, and none of them had a post."""
        return week in self.known and not self.published(week)

    def sum(self, week: Week, metrics: Iterable[str]) -> int | None:
        """Add up counters over a week's posts.

        None where the week was not pulled, nothing is reported, or more than a third of the posts lack one of them.
        """
        known = self._told(week, metrics)
        return sum(known) if known or (known is not None and not self.published(week)) else None

    def reactions_per_post(self, week: Week) -> float | None:
        """Reactions divided by posts; None for a week without posts, and where `sum` is None."""
        known = self.reactions_by_post(week)
        return statistics.fmean(known) if known else None

    def _told(self, week: Week, metrics: Iterable[str]) -> list[int] | None:
        """What each post of a week has of some counters together, where it is reported; None where it is not known."""
        if week not in self.known:
            return None
        metrics = tuple(metrics)
        posts = self.published(week)
        known = [value for post in posts if (value := post.sum(metrics)) is not None]
        lacking = sum(not post.lacking.isdisjoint(metrics) for post in posts)
        return known if lacking <= MOST_LACKING * (len(known) + lacking) else None

    def lacking(self, week: Week) -> Mapping[str, Sequence[str]]:
        """The counters, by source, that more than a third of an account's posts of a week lack."""
        posts: dict[tuple[str, str], list[PostNumbers]] = defaultdict(list)
        for post in self.published(week):
            posts[post.post.source, post.post.account_id].append(post)
        found: dict[str, list[str]] = defaultdict(list)
        for (source, _), ours in posts.items():
            lacking = Counter(metric for post in ours for metric in post.lacking)
            for metric in REACTIONS:
                if lacking[metric] > MOST_LACKING * len(ours) and metric not in found[source]:
                    found[source].append(metric)
        return {source: metrics for source, metrics in found.items() if metrics}

    def reactions_by_post(self, week: Week) -> list[int]:
        """The reactions to each post of a week, where they are reported; none where `sum` is None."""
        return self._told(week, REACTIONS) or []

    def posts_behind(self, weeks: Sequence[Week]) -> float:
        """How many posts the last week's `reactions_per_post` is a mean of; if of none, as many as a usual week's."""
        *past, last = [len(self.reactions_by_post(week)) for week in weeks]
        return last or statistics.median([count for count in past if count] or [1])


def partner_accounts(client: Client) -> set[TargetKey]:
    """The accounts of partners: what they post is part of a campaign, also where it is read, and of no other figure."""
    return {
        (account.platform, plain_handle(account.handle))
        for campaign in client.campaigns
        for partner in campaign.partners
        for account in partner.accounts
    }


def _with_lacking(
    published: Mapping[Week, Sequence[PostNumbers]],
) -> Iterator[tuple[Week, Sequence[PostNumbers]]]:
    """Say of each post what it lacks: what most of its account's posts of an earlier week had.

    What is left of a sum when a platform stops telling a part of it says nothing beside weeks that had that part. It
    does again once no week in view has it.
    """
    had: dict[tuple[str, str], set[str]] = defaultdict(set)
    for week, posts in sorted(published.items()):
        told: Counter[tuple[str, str, str]] = Counter()
        of: Counter[tuple[str, str]] = Counter()
        found = []
        for post in posts:
            account = (post.post.source, post.post.account_id)
            counters = {metric for metric in REACTIONS if post.counters.get(metric) is not None}
            found.append(replace(post, lacking=frozenset(had[account] - counters)))
            of[account] += 1
            told.update((*account, metric) for metric in counters)
        for (source, account_id, metric), count in told.items():
            if 2 * count > of[source, account_id]:
                had[source, account_id].add(metric)
        yield week, found


def names_of(account: read.Account) -> tuple[str, str]:
    """What a client's file may call an account: its handle or its own id."""
    return plain_handle(account.handle), plain_handle(account.account_id)


def _pulled_days(
    connection: Connection, client: Client, as_of: dt.datetime, first_day: dt.date
) -> Mapping[TargetKey, Set[dt.date]]:
    """The days, from the first that matters on, that were pulled for each account of the client.

    A pull reads all that lies between its first day and the moment it is made, whatever its last day is.
    """
    days: dict[TargetKey, set[dt.date]] = defaultdict(set)
    for pulled in read.windows(connection, client.client, as_of, first_day):
        length = (pulled.observed_at.date() - pulled.first_day).days + 1
        days[pulled.source, plain_handle(pulled.ref)].update(
            pulled.first_day + dt.timedelta(days=offset) for offset in range(length)
        )
    return days


def matched_age(week: Week, zone: ZoneInfo, seen_until: dt.datetime) -> dt.timedelta:
    """How long after its end a week's running totals are read, and those of the weeks before it after theirs."""
    return max(seen_until - week.bounds(zone)[1], dt.timedelta())
