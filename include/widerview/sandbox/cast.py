"""The cast of the sandbox: three fictional firms, their accounts on the platforms, and the one campaign."""

import hashlib
from collections.abc import Mapping
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from widerview.sandbox.texts import AGENCY, BAKERY, BIKES, Bank

Platform = Literal[
    "bluesky", "mastodon", "facebook", "instagram", "threads", "linkedin", "x", "tiktok", "youtube", "pinterest"
]
Channel = Literal["direct", "search", "website", "social", "campaign"]

EVERYDAY = "everyday"
"""The utm_campaign of links in posts that belong to no campaign."""

_NETWORKS = {"Bluesky", "Mastodon"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DIGITS: Mapping[Platform, int] = {
    "facebook": 15, "instagram": 17, "threads": 17, "linkedin": 8, "x": 19, "pinterest": 18,
}  # fmt: skip


def number_of(name: str, digits: int) -> str:
    """A number of that many digits, the same for the same name; it begins with a one, as X's and Instagram's do."""
    rest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:12], "big") % 10 ** (digits - 1)
    return str(10 ** (digits - 1) + rest)


def platform_id(platform: Platform, name: str) -> str:
    """What the platform would call something of that name in its own ids, the same for the same name."""
    known_as = f"{platform}/{name}"
    letters = "".join(_LETTERS[byte & 63] for byte in hashlib.sha256(known_as.encode()).digest())
    if platform == "youtube":
        return f"UC{letters[:22]}"
    if platform == "tiktok":
        return f"-000{letters[:32]}"
    return number_of(known_as, _DIGITS.get(platform, 16))


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account.

    `handle` is the name the platform knows them by: a Bluesky handle, `name@server` on Mastodon, `@name` on YouTube,
    the last part of the address on LinkedIn, the plain username elsewhere.
    """

    platform: Platform
    handle: str
    name: str

    @property
    def platform_id(self) -> str:
        """The id the platform gave them."""
        return platform_id(self.platform, self.handle)


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
        lost: People who stop following it a day, on average.
        typical: Reactions an ordinary post ends up with, on average, by kind (`replies` too). The kinds are those that
            the platform knows.
        earlier_posts: Posts older than the history; they are counted and not shown.
    """

    person: Person
    followers: int
    gained: float
    typical: Mapping[str, float]
    earlier_posts: int
    lost: float = 0.0

    @property
    def platform_id(self) -> str:
        """The id the platform gave the account."""
        return self.person.platform_id


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
        currency: ISO 4217, of its shop.
        stories: Instagram stories a week.
        campaign: Whether the campaign is this client's.
        adverts: Paid views on an average day of the campaign, by platform.
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
    currency: str = "EUR"
    stories: float = 0.0
    campaign: bool = False
    adverts: Mapping[Platform, float] = {}


class Campaign:
    """The one campaign of the sandbox: Hollow Oak's Winter Loaf, four weeks, the second of which is the report's.

    `added_visits` is its known effect: what it adds to the website on a day, by where the visits seem to come from.
    A part of it carries no tag at all and looks like direct visits and searches, as in life.
    """

    key = "winter-loaf"
    name = "Winter Loaf"
    first_offset, last_offset = -14, 13
    poster_offset, announced_offset, event_offset = -11, -7, -2
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

_TYPICAL: Mapping[Platform, Mapping[str, float]] = {
    "bluesky": {"likes": 15.0, "reposts": 3.2, "quotes": 0.7, "bookmarks": 1.2, "replies": 1.7},
    "mastodon": {"likes": 8.0, "reposts": 4.1, "quotes": 0.4, "replies": 1.2},
    "facebook": {"views": 420.0, "likes": 14.0, "replies": 1.6, "shares": 1.8, "clicks": 13.0, "link_clicks": 7.0},
    "instagram": {
        "views": 680.0, "likes": 38.0, "replies": 2.2, "shares": 3.5, "bookmarks": 4.2, "profile_visits": 5.0,
        "reposts": 0.8,
    },
    "threads": {"views": 310.0, "likes": 11.0, "replies": 1.8, "reposts": 1.1, "quotes": 0.4, "shares": 0.7},
    "linkedin": {"views": 340.0, "likes": 8.0, "replies": 1.1, "reposts": 0.7, "clicks": 12.0},
    "x": {
        "views": 360.0, "likes": 6.0, "replies": 0.9, "reposts": 1.1, "quotes": 0.3, "bookmarks": 0.9,
        "link_clicks": 4.0, "profile_visits": 2.5,
    },
    "tiktok": {"views": 760.0, "likes": 41.0, "replies": 2.0, "shares": 4.0},
    "youtube": {"views": 420.0, "likes": 17.0, "replies": 2.1, "shares": 2.2},
    "pinterest": {"views": 280.0, "bookmarks": 6.0, "clicks": 6.0, "link_clicks": 4.0, "replies": 0.3},
}  # fmt: skip


def _account(
    platform: Platform, handle: str, name: str, followers: int, gained: float, scale: float, lost: float = 0.0
) -> Account:
    return Account(
        person=Person(platform, handle, name),
        followers=followers,
        gained=gained,
        typical={kind: mean * scale for kind, mean in _TYPICAL[platform].items()},
        earlier_posts=followers // 3,
        lost=lost,
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
            _account("facebook", "hollowoakbakery", "Hollow Oak Bakery", 3120, 1.4, 1.0, 0.9),
            _account("instagram", "hollowoakbakery", "Hollow Oak Bakery", 4260, 4.2, 1.0, 1.6),
            _account("threads", "hollowoakbakery", "Hollow Oak Bakery", 890, 1.3, 1.0, 0.4),
            _account("tiktok", "hollowoakbakery", "Hollow Oak Bakery", 1540, 3.1, 1.0, 0.8),
            _account("pinterest", "hollowoakbakery", "Hollow Oak Bakery", 720, 0.9, 1.0, 0.3),
        ),
        slots=(
            Slot(0, "07:40", (*_BOTH, "facebook", "instagram", "threads")),
            Slot(1, "12:10", ("bluesky", "threads", "tiktok"), 0.9),
            Slot(2, "07:30", (*_BOTH, "facebook", "pinterest"), 0.9),
            Slot(3, "17:15", ("mastodon", "instagram", "threads"), 0.85),
            Slot(4, "08:00", (*_BOTH, "facebook", "instagram", "tiktok")),
            Slot(5, "09:20", (*_BOTH, "facebook", "instagram", "threads", "pinterest"), 0.8),
            Slot(6, "10:30", ("bluesky", "threads"), 0.4),
        ),
        bank=BAKERY,
        visits=175,
        weekdays=(0.82, 0.9, 0.94, 1.0, 1.2, 1.36, 0.78),
        origins=_everyday({"Bluesky": 0.06, "Mastodon": 0.03, "Instagram": 0.07}, "quarterpost.example", "bread-club"),
        answers=0.62,
        reposts=1.5,
        stories=3.5,
        story=Story(visits=1.04, reactions=1.5),
        campaign=True,
        adverts={"facebook": 260.0, "instagram": 410.0},
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
            _account("youtube", "@tidewatercycles", "Tidewater Cycles", 2380, 2.2, 1.0, 0.6),
            _account("linkedin", "tidewater-cycles", "Tidewater Cycles", 540, 0.6, 0.8, 0.1),
            _account("x", "tidewatercycles", "Tidewater Cycles", 1870, 0.8, 1.0, 1.1),
            _account("instagram", "tidewatercycles", "Tidewater Cycles", 1690, 1.7, 0.6, 0.7),
            _account("facebook", "tidewatercycles", "Tidewater Cycles", 1320, 0.5, 0.6, 0.6),
        ),
        slots=(
            Slot(0, "08:15", (*_BOTH, "facebook", "linkedin", "x")),
            Slot(1, "13:05", ("mastodon", "instagram", "x"), 0.85),
            Slot(2, "12:30", (*_BOTH, "linkedin", "x", "youtube"), 0.9),
            Slot(3, "08:20", ("bluesky", "facebook", "x"), 0.85),
            Slot(4, "16:10", (*_BOTH, "facebook", "instagram", "linkedin", "x"), 0.95),
            Slot(5, "10:05", ("mastodon", "instagram", "youtube"), 0.6),
        ),
        bank=BIKES,
        visits=130,
        weekdays=(1.12, 1.05, 1.04, 1.0, 1.02, 1.06, 0.71),
        origins=_everyday({"Bluesky": 0.05, "Mastodon": 0.08, "Reddit": 0.04}, "harbourradio.example"),
        answers=0.93,
        reposts=1.0,
        stories=2.0,
    ),
    Profile(
        key="lantern-lane",
        name="Lantern Lane",
        zone=ZoneInfo("Europe/London"),
        site_id=3,
        url="https://lanternlane.example",
        about="A small agency for firms with something to say. Fictional.",
        accounts=(
            _account("bluesky", "lanternlane.example", "Lantern Lane", 410, 0.15, 0.35),
            _account("linkedin", "lantern-lane", "Lantern Lane", 620, 0.35, 0.6, 0.1),
            _account("instagram", "lanternlane", "Lantern Lane", 290, 0.2, 0.15, 0.15),
        ),
        slots=(
            Slot(1, "11:00", ("bluesky", "linkedin")),
            Slot(3, "15:40", ("bluesky", "instagram"), 0.75),
            Slot(4, "12:00", ("bluesky", "linkedin"), 0.35),
        ),
        bank=AGENCY,
        currency="GBP",
        visits=34,
        weekdays=(1.25, 1.3, 1.25, 1.2, 1.05, 0.5, 0.45),
        origins=_everyday({"LinkedIn": 0.09, "Bluesky": 0.03}, "lanepress.example"),
        answers=0.4,
        reposts=0.3,
        story=Story(visits=0.68, reactions=0.7, posting=0.0),
    ),
)
