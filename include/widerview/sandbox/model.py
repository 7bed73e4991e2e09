"""A small fictional agency whose numbers are known: what its clients post, how people react, who visits.

Everything is drawn from the seed, one stream of random numbers a client, day and matter, so that the past never
depends on the future: asking later only adds what has happened since, and what was late. Posts, reactions and visits
are single events with a moment of their own; every number an API gives is a count of events up to `now`, and the
truth is the same count once all of them are in.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from widerview.sandbox.cast import (
    CAMPAIGN,
    EVERYDAY,
    PROFILES,
    Account,
    Campaign,
    Channel,
    Origin,
    Person,
    Platform,
    Profile,
    Slot,
    Story,
    number_of,
    platform_id,
)
from widerview.sandbox.texts import COMPLAINTS, NEIGHBOURS, PEOPLE, WINTER_LOAF, Idea

__all__ = [
    "CAMPAIGN",
    "EVERYDAY",
    "HISTORY",
    "PROFILES",
    "SETTLED_AFTER",
    "VISIT",
    "Account",
    "Campaign",
    "Channel",
    "Entry",
    "Media",
    "Origin",
    "Person",
    "PileOn",
    "Platform",
    "Post",
    "Profile",
    "Simulation",
    "Slot",
    "Story",
    "WeekTruth",
    "platform_id",
    "post_number",
]

Media = Literal["none", "image", "video", "carousel"]
Viewers = NDArray[np.int64]
Watched = NDArray[np.float64] | None

HISTORY = dt.timedelta(weeks=26)
"""How long before the anchor the agency's life begins."""

SETTLED_AFTER = dt.timedelta(days=30)
"""After this long no number of a day changes any more."""

_REACTIONS_END = dt.timedelta(days=20)
_WEB_LATE = dt.timedelta(days=2)
_WEB_LATE_SHARE = 0.14
_BOUNCES = 0.31
_UNIQUE_IN_DAY = 0.94
_QUOTES_TOLD = 0.9
_ANSWER_END = dt.timedelta(hours=40)
_STORY_LIVES = dt.timedelta(hours=24)
_STORY_SCALE = 0.45
_STORY_KINDS = ("views", "likes", "replies", "shares", "profile_visits")
_DAY = dt.timedelta(days=1)

_ONLY_PICTURES: Mapping[Platform, tuple[tuple[Media, float], ...]] = {
    "instagram": (("image", 0.55), ("carousel", 0.2), ("video", 0.25)),
    "tiktok": (("video", 1.0),),
    "youtube": (("video", 1.0),),
    "pinterest": (("image", 1.0),),
}
"""What a post is made of, and how often, where there is none without a picture or a film."""

_FILM_SECONDS: Mapping[Platform, tuple[int, int]] = {"instagram": (9, 45), "tiktok": (12, 60), "youtube": (45, 420)}
_WITHOUT_LINKS: frozenset[Platform] = frozenset({"instagram", "tiktok"})
_PASSING_ON: frozenset[Platform] = frozenset({"bluesky", "mastodon", "threads", "x"})

VISIT = np.dtype(
    [
        ("origin", np.int32),  # index into the client's origins
        ("actions", np.int32),
        ("seconds", np.int32),
        ("unique_in_day", np.bool_),  # the visitor's first visit of the day
        ("unique_in_week", np.bool_),  # the visitor's first visit of the week
        ("at", np.float64),  # when it happened, in seconds since 1970
        ("added", np.bool_),  # would not have come without the campaign
        ("shown_at", np.float64),  # when the analytics shows it, in seconds since 1970
    ]
)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post of anybody, with the moments (seconds since 1970, sorted) at which people reacted to it.

    Attributes:
        key: Unique name; the platforms' ids are made of it.
        image: What the picture shows, or the first frame of the film.
        reactions: Moments by kind: likes, reposts, quotes, bookmarks, shares, views, clicks, link_clicks,
            profile_visits; those that the platform knows. Clicks include link clicks.
        parent: The post it answers.
        counts_quotes: Whether the server tells how often it was quoted.
        media: What it is made of, apart from the words.
        duration: Seconds of the film; 0 where there is none.
        viewers: Who saw it, one number a view, in the views' order.
        watched: Seconds of the film seen, one number a view, in the views' order.
    """

    key: str
    author: Person
    at: dt.datetime
    text: str
    image: str | None = None
    link: str | None = None
    reactions: Mapping[str, NDArray[np.float64]] = {}
    parent: "Post | None" = None
    counts_quotes: bool = True
    media: Media = "none"
    duration: int = 0
    viewers: NDArray[np.int64] | None = None
    watched: NDArray[np.float64] | None = None

    @property
    def root(self) -> "Post":
        """The post that began the conversation."""
        return self.parent.root if self.parent else self

    def count(self, kind: str, now: dt.datetime) -> int:
        """How many reactions of a kind there were by `now`."""
        moments = self.reactions.get(kind)
        return 0 if moments is None else int(np.searchsorted(moments, now.timestamp(), side="right"))


class Entry(msgspec.Struct, frozen=True):
    """Something on an account's timeline: a post of its own, or (`repost`) one of somebody else's."""

    at: dt.datetime
    post: Post
    repost: bool = False


class PileOn(msgspec.Struct, frozen=True):
    """Many people at once write under the newest post of a client on a platform, angry, and get no answer.

    Attributes:
        client: The client's key.
        platform: Where.
        at: When it begins.
        comments: How many write.
        hours: For how long.
    """

    client: str
    platform: Platform
    at: dt.datetime
    comments: int = 40
    hours: float = 10.0


class WeekTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What really happened to a client in the seven days from `first_day`, in the client's own days.

    Attributes:
        visits: Website visits.
        unique_visitors: Different visitors of the week.
        actions: Pages seen.
        bounces: Visits of one page.
        channels: Visits by channel.
        campaigns: Visits by campaign and keyword; the keyword is empty where the link carried none.
        campaign_added_visits: Visits that would not have come without the campaign, tagged or not.
        campaign_added_expected: The same as the model expects it, before chance.
        posts: Own posts published, answers to comments not included, by platform.
        reactions: What people did with these posts, ever after, by platform and kind; views are told apart.
        replies_received: Comments under these posts, by platform.
        replies_written: Own answers written in the week, by platform.
        reposts: Posts of others passed on in the week, by platform.
        views: How often these posts were seen, ever after, by platform; only where the platform knows of views.
        account_views: How often any post of the account was seen in the seven days, by platform, likewise.
    """

    client: str
    first_day: dt.date
    visits: int
    unique_visitors: int
    actions: int
    bounces: int
    channels: dict[str, int]
    campaigns: dict[str, dict[str, int]]
    campaign_added_visits: int
    campaign_added_expected: float
    posts: dict[str, int]
    reactions: dict[str, dict[str, int]]
    replies_received: dict[str, int]
    replies_written: dict[str, int]
    reposts: dict[str, int]
    views: dict[str, int]
    account_views: dict[str, int]


class Simulation:
    """The fictional agency, from the start of its history on; deterministic for (seed, anchor, now).

    Attributes:
        anchor: A Monday, the day after the report's week.
        first_day: The first day there is anything to know of.
        pile_ons: Rushes of comments on top of what the seed brings.
    """

    def __init__(self, seed: int, anchor: dt.date, pile_ons: Sequence[PileOn] = ()) -> None:
        if anchor.weekday() != 0:
            raise ValueError(f"the anchor must be a Monday, and {anchor} is a {anchor:%A}; take the Monday before it")
        self.seed = seed
        self.anchor = anchor
        self.first_day = anchor - HISTORY
        self.profiles = PROFILES
        self.pile_ons = tuple(pile_ons)
        self._by_key = {profile.key: profile for profile in PROFILES}
        self._ideas: Callable[[str, int], list[Idea]] = cache(self._shuffled_ideas)
        self._published: Callable[[str, dt.date], list[Entry]] = cache(self._publish)
        self._comments: Callable[[str], list[Post]] = cache(self._converse)
        self._posts: dict[str, Post] = {}
        self._visited: Callable[[str, dt.date], NDArray[np.void]] = cache(self._visit)
        self._followed: Callable[[str, Platform, dt.date], NDArray[np.float64]] = cache(self._follow)
        self._unfollowed: Callable[[str, Platform, dt.date], NDArray[np.float64]] = cache(self._unfollow)
        self._flowing: Callable[[str, Platform, str, dt.date], NDArray[np.float64]] = cache(self._flow)
        self._seen_between: Callable[[str, Platform, dt.date, dt.date], list[Post]] = lru_cache(4096)(self._find_seen)
        self._storied: Callable[[str, dt.date], list[Post]] = cache(self._tell_stories)
        self._advertised: Callable[[str, Platform, dt.date], tuple[NDArray[np.float64], NDArray[np.int64]]] = cache(
            self._advertise
        )
        self._told: Callable[[str, Platform, dt.date], list[Entry]] = cache(self._tell)

    # -- what the platforms ask ------------------------------------------------------------------------------------

    def profile(self, client: str) -> Profile:
        """The client of that key."""
        return self._by_key[client]

    def accounts(self, platform: Platform) -> Iterator[tuple[Profile, Account]]:
        """Every client's account on a platform."""
        for profile in self.profiles:
            for account in profile.accounts:
                if account.person.platform == platform:
                    yield profile, account

    def account(self, client: str, platform: Platform) -> Account:
        """The client's account on a platform."""
        return next(account for account in self.profile(client).accounts if account.person.platform == platform)

    def timeline(self, client: str, platform: Platform, now: dt.datetime) -> list[Entry]:
        """What the client's account shows by `now`, newest first: posts, answers, and reposts."""
        told = self._told(client, platform, now.astimezone(self.profile(client).zone).date())
        return [entry for entry in told if entry.at <= now]

    def pinned(self, client: str, platform: Platform) -> Post:
        """The post that stays on top of the client's profile: its first of the history."""
        posts = (entry.post for entry in self._published(client, self.first_day) if not entry.repost)
        return next(post for post in posts if post.author.platform == platform)

    def replies(self, post: Post, now: dt.datetime) -> list[Post]:
        """The direct answers to a post by `now`, oldest first."""
        if post.key not in self._posts:
            return []
        found = (reply for reply in self._comments(post.root.key) if reply.parent and reply.parent.key == post.key)
        return [reply for reply in found if reply.at <= now]

    def followers(self, client: str, account: Account, now: dt.datetime) -> int:
        """How many followed the account by `now`."""
        today = now.astimezone(self.profile(client).zone).date()
        gained, lost = (
            int(np.searchsorted(flow(client, account.person.platform, today), now.timestamp(), side="right"))
            for flow in (self._followed, self._unfollowed)
        )
        return account.followers + gained - lost

    def followers_at(self, client: str, platform: Platform, now: dt.datetime) -> int:
        """How many followed the client on a platform by `now`."""
        return self.followers(client, self.account(client, platform), now)

    def follows_day(
        self, client: str, platform: Platform, day: dt.date, zone: dt.tzinfo, now: dt.datetime
    ) -> tuple[int, int]:
        """How many began and how many ceased to follow on a day: together, the change of `followers_at`."""
        begins, ends = self._bounds(day, day, zone, now)
        # The client's days are not the platform's.
        near = list(self._days(max(day - _DAY, self.first_day), day + _DAY))
        gained, lost = (
            sum(
                int(np.count_nonzero((moments >= begins) & (moments < ends)))
                for moments in (self._flowing(client, platform, matter, local) for local in near)
            )
            for matter in ("followers", "unfollowers")
        )
        return gained, lost

    def own_posts(self, client: str, platform: Platform, now: dt.datetime) -> list[Post]:
        """What the client published on a platform by `now`, newest first: no answers, no reposts, no stories."""
        entries = self.timeline(client, platform, now)
        return [entry.post for entry in entries if not entry.repost and entry.post.parent is None]

    def stories(self, client: str, now: dt.datetime) -> list[Post]:
        """The client's Instagram stories that can be seen at `now`, newest first: those of the last 24 hours."""
        today = now.astimezone(self.profile(client).zone).date()
        days = self._days(max(today - _DAY, self.first_day), today)
        live = [
            story for day in days for story in self._storied(client, day) if story.at <= now < story.at + _STORY_LIVES
        ]
        return live[::-1]

    def reached(self, post: Post, now: dt.datetime) -> int:
        """How many different people saw the post by `now`."""
        return 0 if post.viewers is None else len(np.unique(post.viewers[: post.count("views", now)]))

    def watched(self, post: Post, now: dt.datetime) -> float:
        """How many seconds of the film people saw by `now`, all views together."""
        return 0.0 if post.watched is None else float(post.watched[: post.count("views", now)].sum())

    def account_day(
        self, client: str, platform: Platform, kind: str, day: dt.date, zone: dt.tzinfo, now: dt.datetime
    ) -> int:
        """How many events of a kind there were on a day, whatever post of the client's own they were about.

        Args:
            client: The client's key.
            platform: Where.
            kind: A kind of `Post.reactions`, or `replies`: comments of others.
            day: The day, as the platform counts days.
            zone: The time zone in which it counts them.
            now: Events after this are not known yet.
        """
        begins, ends = self._bounds(day, day, zone, now)
        spans = (
            self._between(moments, begins, ends)
            for post in self._seen_between(client, platform, day, day)
            if (moments := self._happened(post, kind)) is not None
        )
        return sum(span.stop - span.start for span in spans)

    def watched_day(self, client: str, platform: Platform, day: dt.date, zone: dt.tzinfo, now: dt.datetime) -> float:
        """How many seconds of the client's films people saw on a day."""
        begins, ends = self._bounds(day, day, zone, now)
        return sum(
            float(post.watched[self._between(post.reactions["views"], begins, ends)].sum())
            for post in self._seen_between(client, platform, day, day)
            if post.watched is not None
        )

    def reached_day(self, client: str, platform: Platform, day: dt.date, zone: dt.tzinfo, now: dt.datetime) -> int:
        """How many different people saw something of the client's on a day."""
        return self.reached_between(client, platform, day, day, zone, now)

    def reached_between(
        self, client: str, platform: Platform, first: dt.date, last: dt.date, zone: dt.tzinfo, now: dt.datetime
    ) -> int:
        """How many different people saw something of the client's in the days first..last; less than the days' sum."""
        begins, ends = self._bounds(first, last, zone, now)
        viewers = [
            post.viewers[self._between(post.reactions["views"], begins, ends)]
            for post in self._seen_between(client, platform, first, last)
            if post.viewers is not None
        ]
        return len(np.unique(np.concatenate(viewers))) if viewers else 0

    def ad_views_day(
        self, client: str, platform: Platform, day: dt.date, zone: dt.tzinfo, now: dt.datetime
    ) -> tuple[int, int]:
        """What an advert bought on a day: how often it was seen, and by how many people. No other number holds it."""
        begins, ends = self._bounds(day, day, zone, now)
        views, people = 0, [np.empty(0, np.int64)]
        for local in self._days(day - _DAY, day + _DAY):
            moments, viewers = self._advertised(client, platform, local)
            span = self._between(moments, begins, ends)
            views += span.stop - span.start
            people.append(viewers[span])
        return views, len(np.unique(np.concatenate(people)))

    def origins(self, client: str) -> list[Origin]:
        """Where the client's visits can come from; `VISIT.origin` is an index into it."""
        profile = self.profile(client)
        campaign = CAMPAIGN.added_visits(0) if profile.campaign else {}
        return list(dict.fromkeys([*profile.origins, *campaign]))

    def visits(
        self, client: str, first: dt.date, last: dt.date, now: dt.datetime, *, late: bool = True
    ) -> NDArray[np.void]:
        """The visits (rows of `VISIT`) of the days first..last that the analytics shows by `now`.

        With `late=False` it is all that happened by `now`, as a log knows them, or an analytics without delay.
        """
        tables = [self._visited(client, day) for day in self._days(max(first, self.first_day), last)]
        rows = np.concatenate([np.empty(0, VISIT), *tables])
        return rows[rows["shown_at" if late else "at"] <= now.timestamp()]

    def stream(self, *matter: object) -> np.random.Generator:
        """Random numbers of one matter, for what the model itself does not tell: the same whatever was asked before."""
        return self._rng(*matter)

    # -- the truth -------------------------------------------------------------------------------------------------

    def truth(self, client: str, first_day: dt.date) -> WeekTruth:
        """What really happened in the week from `first_day` on: every count as it stands when all is settled."""
        profile = self.profile(client)
        last_day = first_day + 6 * _DAY
        later = self._midnight(profile, last_day + _DAY) + SETTLED_AFTER
        rows = self.visits(client, first_day, last_day, later)
        origins = self.origins(client)
        channels: dict[str, int] = {}
        campaigns: dict[str, dict[str, int]] = {}
        for index, visits in zip(
            *(values.tolist() for values in np.unique(rows["origin"], return_counts=True)), strict=True
        ):
            origin = origins[index]
            channels[origin.channel] = channels.get(origin.channel, 0) + visits
            if origin.channel == "campaign":
                campaigns.setdefault(origin.name, {})[origin.keyword] = visits
        begins, ends = self._midnight(profile, first_day), self._midnight(profile, last_day + _DAY)
        posts: dict[str, int] = {}
        reactions: dict[str, dict[str, int]] = {}
        received: dict[str, int] = {}
        written: dict[str, int] = {}
        reposts: dict[str, int] = {}
        views: dict[str, int] = {}
        account_views: dict[str, int] = {}
        for account in profile.accounts:
            platform = account.person.platform
            week = [entry for entry in self.timeline(client, platform, later) if begins <= entry.at < ends]
            own = [entry.post for entry in week if not entry.repost and entry.post.parent is None]
            posts[platform] = len(own)
            kinds = [kind for kind in account.typical if kind not in {"replies", "views"}]
            reactions[platform] = {kind: sum(post.count(kind, later) for post in own) for kind in kinds}
            received[platform] = sum(len(self.replies(post, later)) for post in own)
            written[platform] = sum(entry.post.parent is not None for entry in week)
            reposts[platform] = sum(entry.repost for entry in week)
            if "views" in account.typical:
                views[platform] = sum(post.count("views", later) for post in own)
                account_views[platform] = sum(
                    self.account_day(client, platform, "views", day, profile.zone, later)
                    for day in self._days(first_day, last_day)
                )
        return WeekTruth(
            client=client,
            first_day=first_day,
            visits=len(rows),
            unique_visitors=int(np.count_nonzero(rows["unique_in_week"])),
            actions=int(rows["actions"].sum()),
            bounces=int(np.count_nonzero(rows["actions"] == 1)),
            channels=channels,
            campaigns=campaigns,
            campaign_added_visits=int(np.count_nonzero(rows["added"])),
            campaign_added_expected=sum(
                sum(self._added(profile, day).values()) for day in self._days(first_day, last_day)
            ),
            posts=posts,
            reactions=reactions,
            replies_received=received,
            replies_written=written,
            reposts=reposts,
            views=views,
            account_views=account_views,
        )

    # -- how it comes about ----------------------------------------------------------------------------------------

    def _rng(self, *matter: object) -> np.random.Generator:
        """Random numbers of one matter: the same whatever else was asked before."""
        name = "/".join(str(part) for part in (self.seed, *matter))
        return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))

    @staticmethod
    def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
        return (first + n * _DAY for n in range((last - first).days + 1))

    @staticmethod
    def _midnight(profile: Profile, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), profile.zone).astimezone(dt.UTC)

    @staticmethod
    def _bounds(first: dt.date, last: dt.date, zone: dt.tzinfo, now: dt.datetime) -> tuple[float, float]:
        """From when to when the days go, in seconds since 1970, as far as they have come by `now`."""
        begins, ends = (dt.datetime.combine(day, dt.time(), zone).timestamp() for day in (first, last + _DAY))
        return begins, min(ends, np.nextafter(now.timestamp(), np.inf))

    @staticmethod
    def _between(moments: NDArray[np.float64], begins: float, ends: float) -> slice:
        start = int(moments.searchsorted(begins))
        return slice(start, max(start, int(moments.searchsorted(ends))))

    def _find_seen(self, client: str, platform: Platform, first: dt.date, last: dt.date) -> list[Post]:
        """The client's own posts to which anything can happen in these days, in whatever time zone."""
        return [
            entry.post
            for day in self._days(max(first - _REACTIONS_END - 2 * _DAY, self.first_day), last + _DAY)
            for entry in self._published(client, day)
            if not entry.repost and entry.post.author.platform == platform
        ]

    def _happened(self, post: Post, kind: str) -> NDArray[np.float64] | None:
        if kind != "replies":
            return post.reactions.get(kind)
        replies = (reply for reply in self._comments(post.key) if reply.parent and reply.parent.key == post.key)
        return np.array([reply.at.timestamp() for reply in replies])

    def _in_story(self, day: dt.date) -> bool:
        return self.anchor - 7 * _DAY <= day < self.anchor

    def _tell(self, client: str, platform: Platform, today: dt.date) -> list[Entry]:
        """The whole timeline of an account up to the end of `today` and a little more, newest first."""
        days = self._days(self.first_day, today)
        entries = (entry for day in days for entry in self._entries(client, day))
        own = [entry for entry in entries if entry.post.key.split("/")[1] == platform]
        return sorted(own, key=lambda entry: (entry.at, entry.post.key), reverse=True)

    def _entries(self, client: str, day: dt.date) -> Iterator[Entry]:
        """What began on that day: posts and reposts, and the client's answers to comments, however late."""
        for entry in self._published(client, day):
            yield entry
            if not entry.repost:
                own = entry.post.author
                yield from (Entry(reply.at, reply) for reply in self._comments(entry.post.key) if reply.author == own)

    def _shuffled_ideas(self, client: str, round_: int) -> list[Idea]:
        """All everyday posts in an order of chance, those of one template far from each other."""
        rng = self._rng(client, "ideas", round_)
        placed = [
            ((number + start) / len(fillings), idea)
            for fillings, start in ((fillings, rng.random()) for fillings in self.profile(client).bank.ideas())
            for number, idea in zip(rng.permutation(len(fillings)), fillings, strict=True)
        ]
        return [idea for _, idea in sorted(placed, key=lambda pair: pair[0])]

    def _plan(self, profile: Profile, day: dt.date) -> Iterator[tuple[str, tuple[Platform, ...], Idea]]:
        """The posts of a day: time, platforms and words. No text comes twice before all have been used."""
        week, weekday = divmod((day - self.first_day).days, 7)
        everywhere = tuple(account.person.platform for account in profile.accounts)
        if day == self.first_day:
            yield "06:30", everywhere, profile.bank.pinned
        posting = profile.story.posting if self._in_story(day) else 1.0
        for place, slot in enumerate(profile.slots):
            # The first slot is kept even in a week in which the client hardly posts.
            use = slot.used * posting if place else slot.used
            if slot.weekday == weekday and self._rng(profile.key, "slot", day, place).random() < use:
                # Every round holds the same posts in another order, so all are of one length.
                round_, index = divmod(week * len(profile.slots) + place, len(self._ideas(profile.key, 0)))
                yield slot.time, slot.platforms, self._ideas(profile.key, round_)[index]
        if profile.campaign:
            offset = (day - self.anchor).days
            yield from ((time, everywhere, idea) for at, time, idea in WINTER_LOAF if at == offset)

    def _publish(self, client: str, day: dt.date) -> list[Entry]:
        profile = self.profile(client)
        accounts = {account.person.platform: account for account in profile.accounts}
        entries = []
        for number, (time, platforms, idea) in enumerate(self._plan(profile, day)):
            rng = self._rng(client, "post", day, number)
            local = dt.datetime.combine(day, dt.time.fromisoformat(time), profile.zone)
            quality = rng.gamma(2.2, 1 / 2.2)
            in_campaign = "#WinterLoaf" in idea.text
            for platform in platforms:
                jitter = dt.timedelta(minutes=float(rng.normal(0, 9)), milliseconds=int(rng.integers(1000)))
                if platform in accounts:
                    at = _to_ms(local.astimezone(dt.UTC) + jitter)
                    key = f"{client}/{platform}/{day}/{number}"
                    warmth = quality * rng.gamma(6, 1 / 6) * (1.35 if in_campaign else 1.0)
                    warmth *= profile.story.reactions if self._in_story(day) else 1.0
                    entries.append(Entry(at, self._post(profile, accounts[platform], key, at, idea, warmth)))
        for platform, account in accounts.items():
            if platform not in _PASSING_ON:
                continue
            rng = self._rng(client, "repost", platform, day)
            for number in range(rng.poisson(profile.reposts / 7)):
                entries.append(self._repost(profile, account, day, number, rng))
        return entries

    def _post(self, profile: Profile, account: Account, key: str, at: dt.datetime, idea: Idea, warmth: float) -> Post:
        rng = self._rng("reactions", key)
        platform = account.person.platform
        link = None
        if idea.link and platform not in _WITHOUT_LINKS:
            # Matomo's core reads utm_campaign and utm_term; the source is repeated in the term for its sake.
            campaign = CAMPAIGN.key if "#WinterLoaf" in idea.text else EVERYDAY
            tags = f"utm_campaign={campaign}&utm_source={platform}&utm_medium=social&utm_term={platform}"
            link = f"{profile.url}{idea.link}?{tags}"
        likely = {kind: mean * warmth for kind, mean in account.typical.items() if kind != "replies"}
        if link is None and "link_clicks" in likely:
            likely["link_clicks"] = 0.0
        reactions = {kind: self._moments(rng, at, mean) for kind, mean in likely.items()}
        if {"clicks", "link_clicks"} <= reactions.keys():
            reactions["clicks"] = np.sort(np.concatenate([reactions["clicks"], reactions["link_clicks"]]))
        media, duration, image = self._illustrate(platform, key, idea)
        seen = reactions.get("views")
        viewers, watched = (None, None) if seen is None else self._audience(account, key, len(seen), duration)
        post = Post(
            key=key,
            author=account.person,
            at=at,
            text=idea.text.replace("{weekday}", f"{at.astimezone(profile.zone):%A}"),
            image=image,
            link=link,
            reactions=reactions,
            counts_quotes=bool(rng.random() < _QUOTES_TOLD),
            media=media,
            duration=duration,
            viewers=viewers,
            watched=watched,
        )
        self._posts[key] = post
        return post

    def _illustrate(self, platform: Platform, key: str, idea: Idea) -> tuple[Media, int, str | None]:
        """What a post is made of, how long its film is, and what the picture shows."""
        if platform not in _ONLY_PICTURES:
            return "image" if idea.image else "none", 0, idea.image
        rng = self._rng("media", key)
        kinds, shares = zip(*_ONLY_PICTURES[platform], strict=True)
        media: Media = kinds[rng.choice(len(kinds), p=shares)]
        duration = int(rng.integers(*_FILM_SECONDS[platform])) if media == "video" else 0
        return media, duration, idea.image or "The words of the post on a plain card"

    def _audience(self, account: Account, key: str, views: int, duration: int) -> tuple[Viewers, Watched]:
        """Who saw a post, and how much of its film: some people come back often, most once."""
        rng = self._rng("viewers", key)
        viewers = (4 * account.followers * rng.random(views) ** 1.6).astype(np.int64)
        return viewers, duration * rng.beta(1.3, 1.9, views) if duration else None

    @staticmethod
    def _moments(rng: np.random.Generator, at: dt.datetime, mean: float) -> NDArray[np.float64]:
        """When people react: most within hours, some for days, none after three weeks."""
        delays = rng.lognormal(np.log(6 * 3600), 1.5, rng.poisson(mean))
        return np.sort(at.timestamp() + np.minimum(delays, _REACTIONS_END.total_seconds()))

    def _converse(self, key: str) -> list[Post]:
        """The comments under a post of a client, each followed by the client's answer if it gives one."""
        post = self._posts[key]
        profile = self.profile(key.split("/", maxsplit=1)[0])
        account = next(a for a in profile.accounts if a.person == post.author)
        rng = self._rng("comments", key)
        asks = 2.4 if post.text.endswith("?") else 1.0
        # Pinterest has no likes; what people keep stands for them.
        liked = "likes" if "likes" in account.typical else "bookmarks"
        likes = len(post.reactions[liked]) / account.typical[liked]
        moments = self._moments(rng, post.at, account.typical["replies"] * asks * (0.35 + 0.65 * likes))
        words = rng.permutation(len(profile.bank.talk))
        conversation = []
        for number, (moment, angry) in enumerate(sorted(self._with_pile_ons(post, moments.tolist()))):
            said, answered = profile.bank.talk[words[number % len(words)]]
            if angry:
                said = COMPLAINTS[number % len(COMPLAINTS)]
            name, full_name = PEOPLE[rng.integers(len(PEOPLE))]
            comment = Post(
                key=f"{key}/{number}",
                author=_person(post.author.platform, name, full_name),
                at=_to_ms(dt.datetime.fromtimestamp(moment, dt.UTC)),
                text=said,
                reactions={"likes": self._moments(rng, dt.datetime.fromtimestamp(moment, dt.UTC), 0.8)},
                parent=post,
            )
            conversation.append(comment)
            wait = dt.timedelta(minutes=5 + float(rng.lognormal(np.log(80), 1.0)))
            if rng.random() < profile.answers and not angry:
                at = _to_ms(comment.at + min(wait, _ANSWER_END))
                answer = Post(
                    key=f"{key}/{number}/answer",
                    author=post.author,
                    at=at,
                    text=answered,
                    reactions={"likes": self._moments(rng, at, 0.6)},
                    parent=comment,
                )
                conversation.append(answer)
        self._posts |= {said.key: said for said in conversation}
        return conversation

    def _with_pile_ons(self, post: Post, moments: list[float]) -> Iterator[tuple[float, bool]]:
        """The moments at which people comment on a post, and whether they do because others pile on."""
        yield from ((moment, False) for moment in moments)
        client, platform, day, _ = post.key.split("/")
        for pile_on in self.pile_ons:
            if (pile_on.client, pile_on.platform) != (client, platform) or post.at > pile_on.at:
                continue
            first, last = dt.date.fromisoformat(day), pile_on.at.astimezone(self.profile(client).zone).date()
            later = [
                entry
                for each in self._days(first, last)
                for entry in self._published(client, each)
                if not entry.repost and entry.post.author == post.author and post.at < entry.at <= pile_on.at
            ]
            if not later:
                rng = self._rng("pile-on", post.key, pile_on.at)
                delays = rng.uniform(0, pile_on.hours * 3600, pile_on.comments)
                yield from ((pile_on.at.timestamp() + float(delay), True) for delay in delays)

    def _repost(self, profile: Profile, account: Account, day: dt.date, number: int, rng: np.random.Generator) -> Entry:
        platform = account.person.platform
        name, full_name = NEIGHBOURS[rng.integers(len(NEIGHBOURS))]
        at = _to_ms(self._midnight(profile, day) + dt.timedelta(hours=float(rng.uniform(8, 20))))
        written = _to_ms(at - dt.timedelta(hours=float(rng.uniform(1, 30))))
        post = Post(
            key=f"{profile.key}/{platform}/{day}/repost/{number}",
            author=_person(platform, name, full_name),
            at=written,
            text=profile.bank.shared[rng.integers(len(profile.bank.shared))],
            reactions={"likes": self._moments(rng, written, 11), "reposts": np.array([at.timestamp()])},
        )
        return Entry(at, post, repost=True)

    def _tell_stories(self, client: str, day: dt.date) -> list[Post]:
        """The Instagram stories of a day; they are seen for 24 hours, and then no more."""
        profile = self.profile(client)
        if not profile.stories:
            return []
        account = self.account(client, "instagram")
        ideas = [idea for filled in profile.bank.ideas() for idea in filled if idea.image]
        rng = self._rng(client, "stories", day)
        stories = []
        for number in range(rng.poisson(profile.stories / 7)):
            at = _to_ms(self._midnight(profile, day) + dt.timedelta(hours=float(rng.uniform(7, 20))))
            key = f"{client}/instagram/{day}/story/{number}"
            idea = ideas[rng.integers(len(ideas))]
            media: Media = "video" if rng.random() < 0.5 else "image"  # noqa: PLR2004 - every other one
            duration = int(rng.integers(5, 16)) if media == "video" else 0
            scale = _STORY_SCALE * rng.gamma(5, 1 / 5)
            reactions = {}
            for kind in _STORY_KINDS:
                delays = rng.exponential(6 * 3600, rng.poisson(account.typical[kind] * scale))
                reactions[kind] = np.sort(at.timestamp() + delays[delays < _STORY_LIVES.total_seconds()])
            viewers, watched = self._audience(account, key, len(reactions["views"]), duration)
            story = Post(
                key=key,
                author=account.person,
                at=at,
                text="",
                image=idea.image,
                reactions=reactions,
                media=media,
                duration=duration,
                viewers=viewers,
                watched=watched,
            )
            stories.append(story)
        return sorted(stories, key=lambda story: story.at)

    def _advertise(
        self, client: str, platform: Platform, day: dt.date
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """When an advert was seen on a day of the campaign, and by whom."""
        profile = self.profile(client)
        offset = (day - self.anchor).days
        mean = profile.adverts.get(platform, 0.0) if CAMPAIGN.first_offset <= offset <= CAMPAIGN.last_offset else 0.0
        rng = self._rng(client, "advert", platform, day)
        begins = self._midnight(profile, day).timestamp()
        ends = self._midnight(profile, day + _DAY).timestamp()
        moments = np.sort(begins + (ends - begins) * rng.beta(3.2, 2.6, rng.poisson(mean)))
        # An advert is shown to the same people again and again.
        return moments, (9 * mean * rng.random(len(moments)) ** 1.6).astype(np.int64)

    def _follow(self, client: str, platform: Platform, today: dt.date) -> NDArray[np.float64]:
        """When people began to follow, up to the end of `today`."""
        return self._flows(client, platform, "followers", today)

    def _unfollow(self, client: str, platform: Platform, today: dt.date) -> NDArray[np.float64]:
        """When people ceased to follow, up to the end of `today`."""
        return self._flows(client, platform, "unfollowers", today)

    def _flows(self, client: str, platform: Platform, matter: str, today: dt.date) -> NDArray[np.float64]:
        days = self._days(self.first_day, today)
        return np.sort(np.concatenate([np.empty(0), *(self._flowing(client, platform, matter, day) for day in days)]))

    def _flow(self, client: str, platform: Platform, matter: str, day: dt.date) -> NDArray[np.float64]:
        """When people began (`followers`) or ceased (`unfollowers`) to follow, on one of the client's days."""
        account = self.account(client, platform)
        rng = self._rng(client, matter, platform, day)
        hours = rng.uniform(
            0, _DAY.total_seconds(), rng.poisson(account.gained if matter == "followers" else account.lost)
        )
        return self._midnight(self.profile(client), day).timestamp() + hours

    def _added(self, profile: Profile, day: dt.date) -> dict[Origin, float]:
        return CAMPAIGN.added_visits((day - self.anchor).days) if profile.campaign else {}

    def _usual(self, profile: Profile, day: dt.date) -> float:
        """Visits to expect on a day without the campaign: weekday, slow growth, and a mood of week and day."""
        week, weekday = divmod((day - self.first_day).days, 7)
        mood = float(self._rng(profile.key, "week", week).normal(1, 0.06))
        if self._in_story(day):
            mood = profile.story.visits
        noise = self._rng(profile.key, "day", day).gamma(70, 1 / 70)
        return profile.visits * profile.weekdays[weekday] * (1 + 0.003 * week) * mood * float(noise)

    def _visit(self, client: str, day: dt.date) -> NDArray[np.void]:
        """All visits of a day, each with the moment at which the analytics will show it."""
        profile = self.profile(client)
        origins = self.origins(client)
        rng = self._rng(client, "visits", day)
        usual = self._usual(profile, day) / sum(profile.origins.values())
        expected = [(origins.index(origin), usual * share, False) for origin, share in profile.origins.items()]
        expected += [(origins.index(origin), mean, True) for origin, mean in self._added(profile, day).items()]
        indices, means, added = zip(*expected, strict=True)
        counts = rng.poisson(means)
        size = int(counts.sum())
        rows = np.empty(size, VISIT)
        rows["origin"] = np.repeat(indices, counts)
        rows["added"] = np.repeat(added, counts)
        seen = np.minimum(1 + rng.geometric(0.45, size), 18)
        rows["actions"] = np.where(rng.random(size) < _BOUNCES, 1, seen)
        rows["seconds"] = np.where(rows["actions"] == 1, 0, rows["actions"] * rng.integers(20, 110, size))
        rows["unique_in_day"] = rng.random(size) < _UNIQUE_IN_DAY
        # Towards the weekend more of the visitors have been here earlier in the week.
        rows["unique_in_week"] = rows["unique_in_day"] & (rng.random(size) < 1 - 0.035 * day.weekday())
        begins = self._midnight(profile, day).timestamp()
        ends = self._midnight(profile, day + _DAY).timestamp()
        visited = begins + (ends - begins) * rng.beta(3.2, 2.6, size)
        rows["at"] = visited
        late = ends + rng.uniform(0, _WEB_LATE.total_seconds(), size)
        rows["shown_at"] = np.where(rng.random(size) < _WEB_LATE_SHARE, late, visited)
        return rows


def _to_ms(moment: dt.datetime) -> dt.datetime:
    """The platforms tell time in milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def post_number(post: Post, digits: int) -> str:
    """The number a platform may know a post by, of that many digits."""
    return number_of(post.key, digits)


def _person(platform: Platform, name: str, full_name: str) -> Person:
    handles: dict[Platform, str] = {"mastodon": f"{name}@commons.example", "youtube": f"@{name}.example"}
    return Person(platform, handles.get(platform, f"{name}.example"), full_name)
