"""Which posts belong to a campaign, and whose links would be counted wrongly or not at all."""

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from widerview.agency.models import Asset, Campaign, Client, host_of, quoted
from widerview.tagging.links import (
    NAME,
    Tags,
    campaigns_of,
    everyday,
    named,
    plain,
    plan,
    tags_in,
    with_tags,
)

_SHORTENERS = frozenset({
    "bit.ly", "bitly.com", "buff.ly", "cutt.ly", "dlvr.it", "goo.gl", "hubs.ly", "ift.tt", "is.gd", "j.mp", "ow.ly",
    "rb.gy", "rebrand.ly", "shorturl.at", "snip.ly", "t.ly", "t1p.de", "tiny.cc", "tinyurl.com", "trib.al", "v.gd",
})  # fmt: skip
"""Hosts that only lead on. What platforms shorten by themselves (t.co, lnkd.in) is nobody's mistake."""


class Post(Protocol):
    """What has to be known of a post."""

    @property
    def source(self) -> str:
        """The platform."""

    @property
    def published_at(self) -> dt.datetime:
        """When."""

    @property
    def permalink(self) -> str:
        """Where to see it; empty if the platform does not say."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its hashtags, without `#`."""

    @property
    def links(self) -> tuple[str, ...]:
        """The absolute URLs in it."""


class Untidy(NamedTuple):
    """A link to the client's website that is not tagged as planned.

    Attributes:
        source: The platform of the post it is in.
        day: The day of the post, on the client's clock.
        permalink: Where to see the post; empty if the platform does not say.
        link: The link as posted.
        what: What is wrong with it.
        right: What it should be; None where that depends on what the post was for.
    """

    source: str
    day: dt.date
    permalink: str
    link: str
    what: str
    right: str | None


def belongs(client: Client, post: Post, campaign: Campaign) -> bool:
    """Whether a post is part of a campaign of the client.

    By hand on any day; by one of its hashtags, or by a link tagged with its key, while it is announced or runs: the
    hashtag of last winter may be that of this one.
    """
    if _is_by_hand(post, campaign):
        return True
    is_tagged = any(campaign.key.casefold() in campaigns_of(link) for link in post.links)
    return campaign.speaks_on(_day(client, post)) and (is_tagged or _has_hashtag(post, campaign))


def untidy_links(client: Client, posts: Iterable[Post]) -> list[Untidy]:
    """The links to the client's own websites that carry no tags or others than planned, in the order of the posts.

    Where a shortened link leads nobody can see, so each is told, too.
    """
    return [
        Untidy(post.source, _day(client, post), post.permalink, link, *found)
        for post in posts
        for link in dict.fromkeys(post.links)
        if (found := _judged(client, post, link))
    ]


def _is_by_hand(post: Post, campaign: Campaign) -> bool:
    return post.permalink in {*campaign.posts, *(each for partner in campaign.partners for each in partner.posts)}


def _has_hashtag(post: Post, campaign: Campaign) -> bool:
    hashtags = {tag.removeprefix("#").casefold() for tag in campaign.hashtags}
    return not hashtags.isdisjoint(tag.casefold() for tag in post.tags)


def _day(client: Client, post: Post) -> dt.date:
    return post.published_at.astimezone(client.zone).date()


def _judged(client: Client, post: Post, link: str) -> tuple[str, str | None] | None:
    """What is wrong with a link, and what it should be; None if nothing is."""
    if host_of(link) in _SHORTENERS:
        return "it is shortened, so nobody can see where it leads and with which tags: post the long link", None
    if host_of(link) not in client.hosts:
        return None
    day = _day(client, post)
    meant = _meant(client, post, link, day)
    what = (
        _sloppy(client, link, day)
        or _wrong_campaign(client, link, day)
        or _wrong_tags(client, post, link)
        or ("it begins with http: on the way to https, tags can get lost" if urlsplit(link).scheme == "http" else None)
    )
    return (what, _right(client, post, link, day, meant) if meant else None) if what else None


def _all(client: Client) -> list[Campaign]:
    return [*client.campaigns, *everyday(client)]


def _meant(client: Client, post: Post, link: str, day: dt.date) -> Campaign | None:
    """The campaign a link was for: by its tag, however that is written, or by its post; at last the everyday one."""
    running = [campaign for campaign in client.campaigns if campaign.speaks_on(day)]
    keys = {plain(campaign.key): campaign for campaign in [*running, *everyday(client)]}
    for said in sorted(campaigns_of(link)):
        if close := difflib.get_close_matches(plain(said), keys, n=1, cutoff=0.8):
            return keys[close[0]]
    if (holder := _short_path_of(client, link, day)) and holder[0] in running:
        return holder[0]
    if named := [each for each in running if _is_by_hand(post, each) or _has_hashtag(post, each)]:
        return named[0]
    return next(everyday(client), running[0] if len(running) == 1 else None)


def _sloppy(client: Client, link: str, day: dt.date) -> str | None:
    """What is wrong with a link before its tags are looked at one by one."""
    tags = tags_in(link)
    if holder := _short_path_of(client, link, day):
        return f"it is the short path of {quoted(holder[1].name)}, and its visits would be counted as that one's"
    if not tags:
        return "it carries no tags"
    if unknown := [name for name in tags if name not in Tags._fields]:
        return f"it carries {', '.join(unknown)}, which the plan does not use: another tool's or agency's?"
    if double := [name for name, values in tags.items() if len(values) > 1]:
        return f"it carries {', '.join(double)} more than once"
    return None if "utm_campaign" in tags else "its tags name no campaign: another tool's or agency's?"


def _wrong_campaign(client: Client, link: str, day: dt.date) -> str | None:
    (said,) = tags_in(link)["utm_campaign"]
    campaigns = {campaign.key: campaign for campaign in _all(client)}
    key = named(said, campaigns)
    if key is None:
        return f"its campaign {quoted(said)} is none of the client's: another tool's or agency's?"
    if key != said:
        return f"its campaign is written {quoted(said)} instead of {key}"
    campaign = campaigns[key]
    if day > campaign.ends:
        return f"its campaign {said} was over on {campaign.ends}"
    return f"its campaign {said} begins on {campaign.starts}" if day < campaign.announced else None


def _wrong_tags(client: Client, post: Post, link: str) -> str | None:
    """What is wrong with the other tags of a link whose campaign is right."""
    tags = {name: value for name, (value,) in tags_in(link).items()}
    campaign = next(each for each in _all(client) if each.key == tags["utm_campaign"])
    allowed = _allowed(client, post, campaign)
    source = tags.get("utm_source", "")
    if source not in allowed:
        return f"its utm_source is {quoted(source)} instead of {post.source}"
    # Only Matomo has no other way to know the touchpoint than utm_term.
    needed = ["utm_medium"] + ["utm_term"] * any(site.platform == "matomo" for site in client.web)
    for name in needed:
        wanted = getattr(allowed[source], name)
        if tags.get(name) != wanted:
            return f"its {name} is {quoted(tags[name])} instead of {wanted}" if name in tags else f"it lacks {name}"
    content = tags.get("utm_content", "post")
    return None if NAME.fullmatch(content) else f"its utm_content {quoted(content)} has capitals, blanks or umlauts"


def _allowed(client: Client, post: Post, campaign: Campaign) -> Mapping[str, Tags]:
    """The tags that a link in a post may carry, by utm_source: unpaid ones first, then paid ones and partners'."""
    unpaid = Tags(post.source, "social", campaign.key, "post", post.source)
    sources = {post.source, f"{post.source}-ads", *(partner.utm_source for partner in campaign.partners)}
    planned = {line.tags.utm_source: line.tags for line in plan(client, campaign) if line.tags.utm_source in sources}
    return {post.source: unpaid} | planned


def _right(client: Client, post: Post, link: str, day: dt.date, campaign: Campaign) -> str:
    """The link with the tags of the source that it names, however written, or else of an unpaid post.

    A paid link stays a paid one, and a partner's a partner's. A utm_content that somebody chose stays as far as it can.
    """
    said = tags_in(link)
    allowed = _allowed(client, post, campaign)
    source = named(said.get("utm_source", [""])[0], allowed) or post.source
    tags = allowed[source]
    content = plain(said.get("utm_content", [""])[0]) or tags.utm_content
    holder = _short_path_of(client, link, day)
    page = (holder and holder[0].page_of(holder[1])) or urlsplit(link)._replace(scheme="https").geturl()
    return with_tags(page, tags._replace(utm_content=content))


def _short_path_of(client: Client, link: str, day: dt.date) -> tuple[Campaign, Asset] | None:
    """The asset whose short path a link is, with its campaign."""
    holder = client.asset_by_path(urlsplit(link).path, day)
    return holder if holder and holder[1].short_path else None
