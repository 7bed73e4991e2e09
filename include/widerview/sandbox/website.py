"""What the clients' websites see: the model's visits page by page, the searches behind them, and the server's log.

A visit here is a row of `Simulation.visits`, told at length; the numbers of both are the same. Everything else about
it (pages, country, device, address) is drawn from a stream of its own, so that knowing more changes nothing.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal
from urllib.parse import urlencode

import msgspec
import numpy as np
from numpy.typing import NDArray

from widerview.sandbox.model import CAMPAIGN, EVERYDAY, Origin, Profile, Simulation
from widerview.sandbox.texts import QUERIES, WINTER_LOAF

Device = Literal["desktop", "mobile", "tablet"]

_DAY = dt.timedelta(days=1)
_SESSION_GAP = 1800.0

_ENGINES = {
    "Google": "https://www.google.com/",
    "DuckDuckGo": "https://duckduckgo.com/",
    "Bing": "https://www.bing.com/",
}
_NETWORKS = {
    "bluesky": "https://bsky.app/",
    "mastodon": "https://mastodon.social/",
    "instagram": "https://l.instagram.com/",
    "linkedin": "https://www.linkedin.com/",
    "reddit": "https://www.reddit.com/",
}
_ABROAD = ("FR", "NL", "US", "ES", "AT", "PL")
_HOME = {"Europe/Berlin": "DE", "Europe/Dublin": "IE", "Europe/London": "GB"}
_HOME_SHARE = 0.86
_DEVICES: tuple[Device, ...] = ("mobile", "desktop", "tablet")
_DEVICE_SHARES = (0.61, 0.34, 0.05)
_BROWSERS: dict[Device, tuple[tuple[str, str], ...]] = {
    "mobile": (
        ("Safari", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.6 Mobile/15E148 Safari/604.1"),
        ("Chrome", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
         "Mobile Safari/537.36"),
    ),
    "desktop": (
        ("Chrome", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/142.0.0.0 Safari/537.36"),
        ("Firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"),
        ("Safari", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.6 Safari/605.1.15"),
    ),
    "tablet": (
        ("Safari", "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.6 Mobile/15E148 Safari/604.1"),
    ),
}  # fmt: skip
_BOTS = (
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 26.0),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 14.0),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 18.0),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot",
     11.0),
)  # fmt: skip
_MISSING = ("/wp-login.php", "/.env", "/old-menu.html", "/favicon.png", "/xmlrpc.php")
_ASSETS = ("/assets/site.css", "/assets/site.js", "/assets/logo.svg", "/assets/front.jpg", "/assets/hand.webp")
_IPV4 = [f"{net}.{host}" for net in ("192.0.2", "198.51.100", "203.0.113") for host in range(1, 255)]
_BOT_ADDRESSES = 12  # of the first network, kept free of people
_IPV4_SHARE = 0.55
_BUYS = 0.04
_TYPICAL_ORDER = 19.0
_POSITIONS = {"clicked": 1.6, "seen": 6.5}


class PageView(msgspec.Struct, frozen=True):
    """A page that was looked at; `path` is without its query."""

    at: dt.datetime
    path: str


class WebVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit of the website.

    Attributes:
        at: When it began.
        shown_at: When a slow analytics shows it.
        origin: Where it came from.
        visitor: Number of the visitor on that day.
        new_in_day: Whether it is the visitor's first of the day.
        new_in_week: Whether it is the visitor's first of the week.
        pages: What was looked at, in order.
        seconds: How long it lasted, as an analytics counts it.
        country: Two letters.
        device: What it was seen on.
        browser: Its name.
        agent: The browser's name for itself.
        ip: The visitor's address, of those that are kept for examples.
        landing: The first address, with the tags of the link that led there.
        referrer: The page that led there; empty where none is told.
        paid: What was ordered in the shop came to, in the client's currency; 0 where nothing was.
    """

    at: dt.datetime
    shown_at: dt.datetime
    origin: Origin
    visitor: int
    new_in_day: bool
    new_in_week: bool
    pages: tuple[PageView, ...]
    seconds: int
    country: str
    device: Device
    browser: str
    agent: str
    ip: str
    landing: str
    referrer: str
    paid: float

    @property
    def bounce(self) -> bool:
        """Whether only one page was looked at."""
        return len(self.pages) == 1


class SearchRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often pages of the site were shown and clicked in Google's results, for one query, page, country and device.

    `position_sum` is the sum of the positions over the impressions; divided by them it is the average position.
    """

    query: str
    page: str
    country: str
    device: Device
    impressions: int
    clicks: int
    position_sum: float


class SearchDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day in Google's results: the sum of its rows."""

    impressions: int
    clicks: int
    position_sum: float


def pages(profile: Profile) -> tuple[str, ...]:
    """The pages of a client's website, the one most looked at first."""
    linked = [idea.link for idea in (profile.bank.pinned, *profile.bank.templates) if idea.link]
    campaign = [idea.link for _, _, idea in WINTER_LOAF if idea.link] if profile.campaign else []
    return tuple(dict.fromkeys(["/", "/opening-hours", *linked, "/contact", *campaign]))


def web_visits(model: Simulation, client: str, day: dt.date, now: dt.datetime, *, late: bool = False) -> list[WebVisit]:
    """The visits of one of the client's own days, in order of time; `late` shows only what a slow analytics knows yet.

    Pages that were looked at after `now` are in it too: whoever tells a day that is not over looks at their time.
    """
    visits = _visits(model, client, day)
    return [visit for visit in visits if (visit.shown_at if late else visit.at) <= now]


def page_views(model: Simulation, client: str, day: dt.date, now: dt.datetime, *, late: bool = False) -> dict[str, int]:
    """How often each page was looked at in the visits of a day."""
    views: dict[str, int] = {}
    for visit in web_visits(model, client, day, now, late=late):
        for page in visit.pages:
            views[page.path] = views.get(page.path, 0) + 1
    return views


def search_rows(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> list[SearchRow]:
    """What Google's results did for the site on a day; the clicks are the visits that came from Google by `now`."""
    seen: dict[tuple[str, str, str, Device], tuple[int, int, float]] = {}
    for at, clicked, position, key in _searches(model, client, day):
        if at <= now.timestamp():
            impressions, clicks, positions = seen.get(key, (0, 0, 0.0))
            seen[key] = impressions + 1, clicks + clicked, positions + position
    return [
        SearchRow(
            query=query, page=page, country=country, device=device,
            impressions=impressions, clicks=clicks, position_sum=positions,
        )
        for (query, page, country, device), (impressions, clicks, positions) in sorted(seen.items())
    ]  # fmt: skip


def search_day(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> SearchDay:
    """Impressions, clicks and summed positions of a day."""
    rows = search_rows(model, client, day, now)
    return SearchDay(
        impressions=sum(row.impressions for row in rows),
        clicks=sum(row.clicks for row in rows),
        position_sum=sum(row.position_sum for row in rows),
    )


def log_lines(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> list[str]:
    """The web server's log of a day as far as it has come, in the Combined Log Format and the client's time zone.

    People ask for pages (paths without a dot, status 200) and what belongs to them; robots, by their agents, ask for
    pages too; some of both ask for what is not there.
    """
    return [line for at, line in _log(model, client, day) if at <= now.timestamp()]


@lru_cache(maxsize=512)
def _visits(model: Simulation, client: str, day: dt.date) -> tuple[WebVisit, ...]:
    profile = model.profile(client)
    long_after = dt.datetime.combine(day + 60 * _DAY, dt.time(), profile.zone)
    rows = np.sort(model.visits(client, day, day, long_after, late=False), order="at")
    size = len(rows)
    ends = dt.datetime.combine(day + _DAY, dt.time(), profile.zone).timestamp()
    origins = model.origins(client)
    rng = model.stream(client, "website", day)
    site = pages(profile)
    popularity = 1 / (1 + np.arange(len(site)))
    clicks = rng.choice(len(site), (size, int(rows["actions"].max(initial=1))), p=popularity / popularity.sum())
    countries = np.where(rng.random(size) < _HOME_SHARE, _HOME[str(profile.zone)], rng.choice(_ABROAD, size)).tolist()
    devices = rng.choice(len(_DEVICES), size, p=_DEVICE_SHARES).tolist()
    browsers = rng.random(size).tolist()
    visitors = _visitors(rows, rng)
    addresses = _addresses(client, day, rng, size)
    orders = _orders(model.stream(client, "shop", day), size)
    told: list[WebVisit] = []
    for number, row in enumerate(rows.tolist()):
        origin_index, actions, seconds, new_in_day, new_in_week, at, _, shown_at = row
        origin = origins[origin_index]
        landing = _landing(profile, origin, site[clicks[number, 0]])
        paths = [landing.partition("?")[0], *(site[index] for index in clicks[number, 1:actions])]
        step = seconds / actions
        moments = (min(at + place * step, ends - 0.01) for place in range(actions))
        first = visitors[number]
        if first != number:
            same = told[first]
            country, device, browser, agent, ip = same.country, same.device, same.browser, same.agent, same.ip
        else:
            country, device = countries[number], _DEVICES[devices[number]]
            browser, agent = _BROWSERS[device][int(browsers[number] * len(_BROWSERS[device]))]
            ip = addresses[number]
        told.append(
            WebVisit(
                at=_utc(at), shown_at=_utc(shown_at), origin=origin, visitor=first, new_in_day=new_in_day,
                new_in_week=new_in_week, seconds=seconds, country=country, device=device, browser=browser, agent=agent,
                pages=tuple(PageView(_utc(moment), path) for moment, path in zip(moments, paths, strict=True)),
                ip=ip, landing=landing, referrer=_referrer(origin), paid=orders[number] if actions > 1 else 0.0,
            )
        )  # fmt: skip
    return tuple(told)


def _visitors(rows: NDArray[np.void], rng: np.random.Generator) -> list[int]:
    """For every visit, the first visit of the same person on the day.

    Who was there before came at least half an hour ago, so that nobody takes two visits for one. The few for whom
    there is nobody to be (the day's first visits) are people of their own.
    """
    at, ends = rows["at"], rows["at"] + rows["seconds"]
    new = rows["unique_in_day"]
    last_seen: dict[int, float] = {}
    first: list[int] = []
    picks = rng.random(len(rows))
    for number in range(len(rows)):
        known = number
        if not new[number]:
            free = [who for who, left in last_seen.items() if left + _SESSION_GAP < at[number]]
            known = free[int(picks[number] * len(free))] if free else number
        last_seen[known] = float(ends[number])
        first.append(known)
    return first


def _orders(rng: np.random.Generator, size: int) -> list[float]:
    """What each of so many visits would spend in the shop: most nothing."""
    amounts = rng.lognormal(np.log(_TYPICAL_ORDER), 0.6, size).round(2)
    orders: list[float] = np.where(rng.random(size) < _BUYS, amounts, 0.0).tolist()
    return orders


def _addresses(client: str, day: dt.date, rng: np.random.Generator, size: int) -> list[str]:
    """An address for each of so many visitors, no two alike, nor like one of the day before."""
    people = _IPV4[_BOT_ADDRESSES + day.toordinal() % 2 :: 2]
    four = [people[index] for index in rng.permutation(len(people))]
    six = hashlib.sha256(f"{client}/{day}".encode()).hexdigest()[:4]
    return [
        four.pop() if four and old else f"2001:db8:{six}:{number + 1:x}::1"
        for number, old in enumerate((rng.random(size) < _IPV4_SHARE).tolist())
    ]


def _landing(profile: Profile, origin: Origin, path: str) -> str:
    """The first address of a visit: links lead to the page they were made for, and carry their tags."""
    if origin.channel == "direct":
        return path
    if origin.channel != "campaign":
        return path if origin.channel == "search" else "/"
    if origin.name == CAMPAIGN.key:
        page = "/bake-along" if origin.keyword == "bake-along" else "/winter-loaf"
    else:
        page = path if origin.name == EVERYDAY else "/"
    tags = {"utm_campaign": origin.name}
    if origin.keyword:
        medium = {"poster-market": "print", "newsletter": "email", "bake-along": "event"}.get(origin.keyword, "social")
        tags |= {"utm_source": origin.keyword, "utm_medium": medium, "utm_term": origin.keyword}
    return f"{page}?{urlencode(tags)}"


def _referrer(origin: Origin) -> str:
    if origin.channel == "search":
        return _ENGINES[origin.name]
    if origin.channel == "website":
        return f"https://{origin.name}/"
    return _NETWORKS.get((origin.keyword if origin.channel == "campaign" else origin.name).lower(), "")


@lru_cache(maxsize=512)
def _searches(
    model: Simulation, client: str, day: dt.date
) -> tuple[tuple[float, bool, float, tuple[str, str, str, Device]], ...]:
    """Every time a page was shown in Google's results: when, whether clicked, where it stood, and of what."""
    profile = model.profile(client)
    queries = QUERIES[client]
    rng = model.stream(client, "searches", day)
    clicked = [visit for visit in _visits(model, client, day) if visit.origin == Origin("search", "Google")]
    shares = 1 / (1 + np.arange(len(queries)))
    shares /= shares.sum()
    shown = []
    for visit in clicked:
        key = queries[rng.choice(len(queries), p=shares)], visit.pages[0].path, visit.country, visit.device
        shown.append((visit.at.timestamp(), True, 1.0 + float(rng.poisson(_POSITIONS["clicked"])), key))
    begins, ends = (dt.datetime.combine(d, dt.time(), profile.zone).timestamp() for d in (day, day + _DAY))
    expected = profile.visits * profile.origins[Origin("search", "Google")] * profile.weekdays[day.weekday()]
    size = int(rng.poisson(14 * expected))
    site = pages(profile)
    wanted = rng.choice(len(queries), size, p=shares).tolist()
    moments = (begins + (ends - begins) * rng.beta(3.2, 2.6, size)).tolist()
    positions = (1.0 + rng.poisson(_POSITIONS["seen"], size)).tolist()
    devices = rng.choice(len(_DEVICES), size, p=_DEVICE_SHARES).tolist()
    where = rng.random(size).tolist()
    home = _HOME[str(profile.zone)]
    for query, at, position, device, place in zip(wanted, moments, positions, devices, where, strict=True):
        country = home if place < _HOME_SHARE else _ABROAD[query % len(_ABROAD)]
        # A query leads to one page, as a rule.
        shown.append((at, False, position, (queries[query], site[query % len(site)], country, _DEVICES[device])))
    return tuple(sorted(shown))


@lru_cache(maxsize=128)
def _log(model: Simulation, client: str, day: dt.date) -> tuple[tuple[float, str], ...]:
    profile = model.profile(client)
    rng = model.stream(client, "log", day)
    lines = [line for visit in _visits(model, client, day) for line in _asked(profile, visit, rng)]
    begins, ends = (dt.datetime.combine(d, dt.time(), profile.zone).timestamp() for d in (day, day + _DAY))
    site = pages(profile)
    for number, (agent, mean) in enumerate(_BOTS):
        for at in (begins + (ends - begins) * rng.random(rng.poisson(mean))).tolist():
            path = "/robots.txt" if rng.random() < 0.12 else site[rng.integers(len(site))]  # noqa: PLR2004
            lines.append((at, _line(profile, _IPV4[number], at, path, 200, int(rng.integers(900, 9000)), "", agent)))
    people = _BROWSERS["desktop"][0][1]
    for at in (begins + (ends - begins) * rng.random(rng.poisson(9))).tolist():
        path = _MISSING[rng.integers(len(_MISSING))]
        address = _IPV4[len(_BOTS) + int(rng.integers(_BOT_ADDRESSES - len(_BOTS)))]
        lines.append((at, _line(profile, address, at, path, 404, 196, "", people)))
    return tuple(sorted(lines))


def _asked(profile: Profile, visit: WebVisit, rng: np.random.Generator) -> Iterator[tuple[float, str]]:
    """The requests of a visit: its pages, and with the first one what every page is made of."""
    targets = [visit.landing, *(page.path for page in visit.pages[1:])]
    came_from = [visit.referrer, *(f"{profile.url}{target}" for target in targets[:-1])]
    sizes = rng.integers(4_000, 40_000, len(targets) + len(_ASSETS)).tolist()
    for page, target, referrer in zip(visit.pages, targets, came_from, strict=True):
        at = page.at.timestamp()
        yield at, _line(profile, visit.ip, at, target, 200, sizes.pop(), referrer, visit.agent)
    begins = visit.pages[0].at.timestamp()
    for number, asset in enumerate(_ASSETS, 1):
        at = begins + 0.001 * number
        yield at, _line(profile, visit.ip, at, asset, 200, sizes.pop(), f"{profile.url}{targets[0]}", visit.agent)


def _line(profile: Profile, ip: str, at: float, target: str, status: int, size: int, referrer: str, agent: str) -> str:
    when = dt.datetime.fromtimestamp(at, profile.zone).strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'{ip} - - [{when}] "GET {target} HTTP/1.1" {status} {size} "{referrer or "-"}" "{agent}"'


def _utc(moment: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment, dt.UTC)
