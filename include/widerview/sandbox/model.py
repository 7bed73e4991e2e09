"""A small fictional agency whose numbers are known: what its clients post, how people react, who visits.

Everything is drawn from the seed, one stream of random numbers a client, day and matter, so that the past never
depends on the future: asking later only adds what has happened since, and what was late. Posts, reactions and visits
are single events with a moment of their own; every number an API gives is a count of events up to `now`, and the
truth is the same count once all of them are in.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from widerview.sandbox.texts import AGENCY, BAKERY, BIKES, NEIGHBOURS, PEOPLE, WINTER_LOAF, Bank, Idea

Platform = Literal["bluesky", "mastodon"]
Channel = Literal["direct", "search", "website", "social", "campaign"]

HISTORY = dt.timedelta(weeks=26)
"""How long before the anchor the agency's life begins."""

SETTLED_AFTER = dt.timedelta(days=30)
"""After this long no number of a day changes any more."""

EVERYDAY = "everyday"
"""The utm_campaign of links in posts that belong to no campaign."""

_NETWORKS = {"Bluesky", "Mastodon"}
_REACTIONS_END = dt.timedelta(days=20)
_WEB_LATE = dt.timedelta(days=2)
_WEB_LATE_SHARE = 0.14
_BOUNCES = 0.31
_UNIQUE_IN_DAY = 0.94
_QUOTES_TOLD = 0.9
_ANSWER_END = dt.timedelta(hours=40)
_DAY = dt.timedelta(days=1)

VISIT = np.dtype(
    [
        ("origin", np.int32),  # index into the client's origins
        ("actions", np.int32),
        ("seconds", np.int32),
        ("unique_in_day", np.bool_),  # the visitor's first visit of the day
        ("unique_in_week", np.bool_),  # the visitor's first visit of the week
        ("added", np.bool_),  # would not have come without the campaign
        ("shown_at", np.float64),  # when the analytics shows it, in seconds since 1970
    ]
)


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account; `handle` is a Bluesky handle or `name@server` on Mastodon."""

    platform: Platform
    handle: str
    name: str


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post of anybody, with the moments (seconds since 1970, sorted) at which people reacted to it.

    Attributes:
        key: Unique name; the platforms' ids are made of it.
        reactions: Moments by kind: likes, reposts, quotes, bookmarks.
        parent: The post it answers.
        counts_quotes: Whether the server tells how often it was quoted.
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


class Slot(msgspec.Struct, frozen=True):
    """A place in the editorial week: weekday (Monday is 0), time of day, platforms, and how often it is used."""

    weekday: int
    time: str
    platforms: tuple[Platform, ...]
    used: float = 1.0


class Origin(msgspec.Struct, frozen=True):
    """Where visits come from: a channel, a name in it (search engine, website, network, campaign), a keyword."""

    channel: Channel
    name: str = ""
    keyword: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A client's profile on a platform.

    Attributes:
        followers: How many followed it when the history began.
        gained: New followers a day, on average.
        typical: Reactions an ordinary post ends up with, on average, by kind (`replies` too).
        earlier_posts: Posts older than the history; they are counted and not shown.
    """

    person: Person
    followers: int
    gained: float
    typical: Mapping[str, float]
    earlier_posts: int


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the report's week of a client special: factors on visits, on reactions and on posting."""

    visits: float = 1.0
    reactions: float = 1.0
    posting: float = 1.0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A client as the sandbox knows it.

    Attributes:
        visits: Website visits of an average day.
        weekdays: Factor on visits by weekday, Monday first.
        origins: Share of everyday visits by origin.
        answers: Share of comments it answers.
        reposts: Posts of others it passes on a week.
    """

    key: str
    name: str
    zone: ZoneInfo
    site_id: int
    url: str
    about: str
    accounts: tuple[Account, ...]
    slots: tuple[Slot, ...]
    bank: Bank
    visits: float
    weekdays: tuple[float, ...]
    origins: Mapping[Origin, float]
    answers: float
    reposts: float
    story: Story = Story()
    campaign: bool = False


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
        reactions: What people did with these posts, ever after, by platform and kind.
        replies_received: Comments under these posts, by platform.
        replies_written: Own answers written in the week, by platform.
        reposts: Posts of others passed on in the week, by platform.
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


class Campaign:
    """The one campaign of the sandbox: Hollow Oak's Winter Loaf, four weeks, the second of which is the report's.

    `added_visits` is its known effect: what it adds to the website on a day, by where the visits seem to come from.
    A part of it carries no tag at all and looks like direct visits and searches, as in life.
    """

    key = "winter-loaf"
    name = "Winter Loaf"
    first_offset, last_offset = -14, 13
    announced_offset, event_offset = -7, -2
    newsletter_offsets = (-13, -5, 2)

    def added_visits(self, offset: int) -> dict[Origin, float]:
        """Visits the campaign adds, on average, on the day `offset` days from the anchor."""
        if not self.first_offset <= offset <= self.last_offset:
            return {}
        market_day = offset % 7 == 5  # noqa: PLR2004 - the anchor is a Monday, so this is a Saturday
        curious = 6.0 if self.announced_offset <= offset < self.event_offset else 1.0
        event = {0: 60.0, 1: 12.0}.get(offset - self.event_offset, curious)
        newsletter = max(
            (45.0 * 0.3 ** (offset - sent) for sent in self.newsletter_offsets if sent <= offset), default=0
        )
        return {
            Origin("campaign", self.key, "poster-market"): 38.0 if market_day else 20.0,
            Origin("campaign", self.key, "newsletter"): newsletter,
            Origin("campaign", self.key, "bake-along"): event,
            Origin("campaign", self.key, "bluesky"): 9.0,
            Origin("campaign", self.key, "mastodon"): 5.0,
            Origin("campaign", self.key): 2.0,
            Origin("direct"): 12.0,
            Origin("search", "Google"): 5.0,
        }


CAMPAIGN = Campaign()

_BLUESKY_TYPICAL = {"likes": 15.0, "reposts": 3.2, "quotes": 0.7, "bookmarks": 1.2, "replies": 1.7}
_MASTODON_TYPICAL = {"likes": 8.0, "reposts": 4.1, "quotes": 0.4, "replies": 1.2}


def _account(platform: Platform, handle: str, name: str, followers: int, gained: float, scale: float) -> Account:
    typical = _BLUESKY_TYPICAL if platform == "bluesky" else _MASTODON_TYPICAL
    return Account(
        person=Person(platform, handle, name),
        followers=followers,
        gained=gained,
        typical={kind: mean * scale for kind, mean in typical.items()},
        earlier_posts=followers // 3,
    )


def _everyday(social: Mapping[str, float], website: str, club: str | None = None) -> dict[Origin, float]:
    shares = {
        Origin("direct"): 0.34,
        Origin("search", "Google"): 0.27,
        Origin("search", "DuckDuckGo"): 0.05,
        Origin("search", "Bing"): 0.04,
        Origin("website", website): 0.08,
    }
    shares |= {Origin("social", network): share for network, share in social.items()}
    # Links in everyday posts are tagged too; few people follow them.
    shares |= {Origin("campaign", EVERYDAY, network.lower()): 0.01 for network in social if network in _NETWORKS}
    # A standing newsletter whose links carry a campaign and no keyword.
    return shares | ({Origin("campaign", club): 0.06} if club else {})


_BOTH: tuple[Platform, ...] = ("bluesky", "mastodon")

PROFILES: tuple[Profile, ...] = (
    Profile(
        key="hollow-oak-bakery",
        name="Hollow Oak Bakery",
        zone=ZoneInfo("Europe/Berlin"),
        site_id=1,
        url="https://hollowoak.example",
        about="Sourdough, buns and patience since 1998. A fictional bakery.",
        accounts=(
            _account("bluesky", "hollowoak.example", "Hollow Oak Bakery", 1840, 1.9, 1.0),
            _account("mastodon", "hollowoak@social.example", "Hollow Oak Bakery", 960, 0.8, 1.0),
        ),
        slots=(
            Slot(0, "07:40", _BOTH),
            Slot(1, "12:10", ("bluesky",), 0.9),
            Slot(2, "07:30", _BOTH, 0.9),
            Slot(3, "17:15", ("mastodon",), 0.85),
            Slot(4, "08:00", _BOTH),
            Slot(5, "09:20", _BOTH, 0.8),
            Slot(6, "10:30", ("bluesky",), 0.4),
        ),
        bank=BAKERY,
        visits=175,
        weekdays=(0.82, 0.9, 0.94, 1.0, 1.2, 1.36, 0.78),
        origins=_everyday({"Bluesky": 0.06, "Mastodon": 0.03, "Instagram": 0.07}, "quarterpost.example", "bread-club"),
        answers=0.62,
        reposts=1.5,
        story=Story(visits=1.04, reactions=1.5),
        campaign=True,
    ),
    Profile(
        key="tidewater-cycles",
        name="Tidewater Cycles",
        zone=ZoneInfo("Europe/Dublin"),
        site_id=2,
        url="https://tidewater.example",
        about="Bicycles mended by the harbour. Ask us anything. A fictional workshop.",
        accounts=(
            _account("bluesky", "tidewater.example", "Tidewater Cycles", 1210, 1.2, 0.8),
            _account("mastodon", "tidewater@social.example", "Tidewater Cycles", 1430, 1.1, 1.3),
        ),
        slots=(
            Slot(0, "08:15", _BOTH),
            Slot(1, "13:05", ("mastodon",), 0.85),
            Slot(2, "12:30", _BOTH, 0.9),
            Slot(3, "08:20", ("bluesky",), 0.85),
            Slot(4, "16:10", _BOTH, 0.95),
            Slot(5, "10:05", ("mastodon",), 0.6),
        ),
        bank=BIKES,
        visits=130,
        weekdays=(1.12, 1.05, 1.04, 1.0, 1.02, 1.06, 0.71),
        origins=_everyday({"Bluesky": 0.05, "Mastodon": 0.08, "Reddit": 0.04}, "harbourradio.example"),
        answers=0.93,
        reposts=1.0,
    ),
    Profile(
        key="lantern-lane",
        name="Lantern Lane",
        zone=ZoneInfo("Europe/London"),
        site_id=3,
        url="https://lanternlane.example",
        about="A small agency for firms with something to say. Fictional.",
        accounts=(_account("bluesky", "lanternlane.example", "Lantern Lane", 410, 0.15, 0.35),),
        slots=(
            Slot(1, "11:00", ("bluesky",)),
            Slot(3, "15:40", ("bluesky",), 0.75),
            Slot(4, "12:00", ("bluesky",), 0.35),
        ),
        bank=AGENCY,
        visits=34,
        weekdays=(1.25, 1.3, 1.25, 1.2, 1.05, 0.5, 0.45),
        origins=_everyday({"LinkedIn": 0.09, "Bluesky": 0.03}, "lanepress.example"),
        answers=0.4,
        reposts=0.3,
        story=Story(visits=0.68, reactions=0.7, posting=0.0),
    ),
)


class Simulation:
    """The fictional agency, from the start of its history on; deterministic for (seed, anchor, now).

    Attributes:
        anchor: A Monday, the day after the report's week.
        first_day: The first day there is anything to know of.
    """

    def __init__(self, seed: int, anchor: dt.date) -> None:
        if anchor.weekday() != 0:
            raise ValueError(f"the anchor must be a Monday, and {anchor} is a {anchor:%A}; take the Monday before it")
        self.seed = seed
        self.anchor = anchor
        self.first_day = anchor - HISTORY
        self.profiles = PROFILES
        self._by_key = {profile.key: profile for profile in PROFILES}
        self._ideas: Callable[[str, int], list[Idea]] = cache(self._shuffled_ideas)
        self._published: Callable[[str, dt.date], list[Entry]] = cache(self._publish)
        self._comments: Callable[[str], list[Post]] = cache(self._converse)
        self._posts: dict[str, Post] = {}
        self._visited: Callable[[str, dt.date], NDArray[np.void]] = cache(self._visit)
        self._followed: Callable[[str, Platform, dt.date], NDArray[np.float64]] = cache(self._follow)
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
        moments = self._followed(client, account.person.platform, today)
        return account.followers + int(np.searchsorted(moments, now.timestamp(), side="right"))

    def origins(self, client: str) -> list[Origin]:
        """Where the client's visits can come from; `VISIT.origin` is an index into it."""
        profile = self.profile(client)
        campaign = CAMPAIGN.added_visits(0) if profile.campaign else {}
        return list(dict.fromkeys([*profile.origins, *campaign]))

    def visits(self, client: str, first: dt.date, last: dt.date, now: dt.datetime) -> NDArray[np.void]:
        """The visits (rows of `VISIT`) of the days first..last that the analytics shows by `now`."""
        tables = [self._visited(client, day) for day in self._days(max(first, self.first_day), last)]
        rows = np.concatenate([np.empty(0, VISIT), *tables])
        return rows[rows["shown_at"] <= now.timestamp()]

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
        for account in profile.accounts:
            platform = account.person.platform
            week = [entry for entry in self.timeline(client, platform, later) if begins <= entry.at < ends]
            own = [entry.post for entry in week if not entry.repost and entry.post.parent is None]
            posts[platform] = len(own)
            kinds = [kind for kind in account.typical if kind != "replies"]
            reactions[platform] = {kind: sum(post.count(kind, later) for post in own) for kind in kinds}
            received[platform] = sum(len(self.replies(post, later)) for post in own)
            written[platform] = sum(entry.post.parent is not None for entry in week)
            reposts[platform] = sum(entry.repost for entry in week)
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
        if day == self.first_day:
            yield "06:30", _BOTH, profile.bank.pinned
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
            yield from ((time, _BOTH, idea) for at, time, idea in WINTER_LOAF if at == offset)

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
            rng = self._rng(client, "repost", platform, day)
            for number in range(rng.poisson(profile.reposts / 7)):
                entries.append(self._repost(profile, account, day, number, rng))
        return entries

    def _post(self, profile: Profile, account: Account, key: str, at: dt.datetime, idea: Idea, warmth: float) -> Post:
        rng = self._rng("reactions", key)
        platform = account.person.platform
        link = None
        if idea.link:
            # Matomo's core reads utm_campaign and utm_term; the source is repeated in the term for its sake.
            campaign = CAMPAIGN.key if "#WinterLoaf" in idea.text else EVERYDAY
            tags = f"utm_campaign={campaign}&utm_source={platform}&utm_medium=social&utm_term={platform}"
            link = f"{profile.url}{idea.link}?{tags}"
        likely = {kind: mean * warmth for kind, mean in account.typical.items() if kind != "replies"}
        post = Post(
            key=key,
            author=account.person,
            at=at,
            text=idea.text.replace("{weekday}", f"{at.astimezone(profile.zone):%A}"),
            image=idea.image,
            link=link,
            reactions={kind: self._moments(rng, at, mean) for kind, mean in likely.items()},
            counts_quotes=bool(rng.random() < _QUOTES_TOLD),
        )
        self._posts[key] = post
        return post

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
        likes = len(post.reactions["likes"]) / account.typical["likes"]
        moments = self._moments(rng, post.at, account.typical["replies"] * asks * (0.35 + 0.65 * likes))
        words = rng.permutation(len(profile.bank.talk))
        conversation = []
        for number, moment in enumerate(moments.tolist()):
            said, answered = profile.bank.talk[words[number % len(words)]]
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
            if rng.random() < profile.answers:
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

    def _follow(self, client: str, platform: Platform, today: dt.date) -> NDArray[np.float64]:
        """When people began to follow, up to the end of `today`."""
        profile = self.profile(client)
        account = next(a for a in profile.accounts if a.person.platform == platform)
        moments = []
        for day in self._days(self.first_day, today):
            rng = self._rng(client, "followers", platform, day)
            hours = rng.uniform(0, _DAY.total_seconds(), rng.poisson(account.gained))
            moments.append(self._midnight(profile, day).timestamp() + hours)
        return np.sort(np.concatenate([np.empty(0), *moments]))

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
        late = ends + rng.uniform(0, _WEB_LATE.total_seconds(), size)
        rows["shown_at"] = np.where(rng.random(size) < _WEB_LATE_SHARE, late, visited)
        return rows


def _to_ms(moment: dt.datetime) -> dt.datetime:
    """The platforms tell time in milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _person(platform: Platform, name: str, full_name: str) -> Person:
    handle = f"{name}.example" if platform == "bluesky" else f"{name}@commons.example"
    return Person(platform, handle, full_name)
