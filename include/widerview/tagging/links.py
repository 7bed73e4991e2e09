"""Tagged links: one plan for every channel, and a clear no to a link that would be counted wrongly.

A link is counted for a campaign by its `utm_campaign`, and for a touchpoint of it by its `utm_source`. Matomo without
plugins reads `utm_term` and not `utm_source`, so the plan writes the touchpoint into both. What is paid for has a
`utm_source` of its own: paid and unpaid visits are never counted together.
"""

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote_plus, urlsplit, urlunsplit

from widerview.agency.models import Asset, AssetKind, Campaign, Client, host_of, quoted

MEDIA = {
    AssetKind.POSTER: "print",
    AssetKind.FLYER: "print",
    AssetKind.QR_CODE: "print",
    AssetKind.VANITY_URL: "print",
    AssetKind.PROMO_CODE: "promo",
    AssetKind.EVENT: "event",
    AssetKind.NEWSLETTER: "email",
    AssetKind.PRESS: "press",
}
"""utm_medium of an asset's links. `email` is a word that Google Analytics knows; print it puts into no channel."""

_PAID_MEDIA = {"search_ads": "cpc", "display_ads": "display"}
_FAMILIES = re.compile(r"(?:utm|mtm|pk|piwik|matomo)_", re.IGNORECASE)
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
"""How a tag is written."""
_ADDRESS = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""The characters of an address (RFC 3986, 2); all others are written as %20 and the like."""
_HOW = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}


class Sloppy(ValueError):
    """A link or a wish that would be counted wrongly; `what` is wrong with it, `fix` is how to mend it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix


class Tags(NamedTuple):
    """The tags of one link, in the order in which they are written."""

    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    utm_term: str


class Planned(NamedTuple):
    """One line of a campaign's plan.

    Attributes:
        name: What it is, for people.
        tags: Its tags.
        page: The page its links lead to; None if the file names none.
        asset: The asset, if it is one.
    """

    name: str
    tags: Tags
    page: str | None
    asset: Asset | None = None

    @property
    def link(self) -> str | None:
        """The tagged link."""
        return self.page and with_tags(self.page, self.tags)

    @property
    def printed(self) -> str | None:
        """What is printed instead of the link: the short path on the client's own site."""
        return short_address(self.page, self.asset.short_path) if self.asset and self.page else None


def campaigns_of(link: str) -> set[str]:
    """The campaigns that a link is tagged with, by Google's or Matomo's name of the tag; in lower case."""
    try:
        tags = parse_qs(urlsplit(link).query)
    except ValueError:  # people write things that only look like links
        return set()
    return {tag.casefold() for name in ("utm_campaign", "mtm_campaign") for tag in tags.get(name, [])}


def campaign_of(client: Client, key: str) -> Campaign:
    """Find a campaign by its key.

    Raises:
        Sloppy: The client has none of that key.
    """
    campaigns = {campaign.key: campaign for campaign in [*client.campaigns, *everyday(client)]}
    if key in campaigns:
        return campaigns[key]
    keys = {plain(each): each for each in campaigns}
    close = difflib.get_close_matches(plain(key), keys, n=1)
    known = ", ".join(campaigns) or "none, there is none yet"
    raise Sloppy(
        f"{client.client} has no campaign {quoted(key)}",
        f"did you mean {keys[close[0]]}?" if close else f"write one of {known}",
    )


def everyday(client: Client) -> Iterator[Campaign]:
    """What links in posts without a campaign are tagged for, as a campaign that never ends; nothing if not wanted."""
    if client.everyday:
        name = goal = "Posts without a campaign"
        yield Campaign(key=client.everyday, name=name, goal=goal, starts=dt.date.min, ends=dt.date.max)


def plan(client: Client, campaign: Campaign) -> list[Planned]:
    """The links of a campaign, channel by channel: unpaid, paid, by partners, and its assets that have a tag."""
    lines: list[Planned] = []

    def add(name: str, source: str | None, medium: str, content: str, asset: Asset | None = None) -> None:
        if source:
            page = campaign.page_of(asset) if asset else campaign.landing_page
            lines.append(Planned(name, Tags(source, medium, campaign.key, content, source), page, asset))

    for each in client.channels_of(campaign):
        add(each.channel, each.utm_source, "social", "post")
        add(f"{each.channel}, paid", each.paid_utm_source, _PAID_MEDIA.get(each.channel, "paid_social"), "ad")
    for partner in campaign.partners:
        add(partner.name, partner.utm_source, "partner", "post")
    for asset in campaign.assets:
        if asset.kind in MEDIA:  # a landing page is where links lead
            add(asset.name, asset.tag, MEDIA[asset.kind], asset.kind.replace("_", "-"), asset)
    return lines


def planned(client: Client, campaign: Campaign, tag: str) -> Planned:
    """The line of the plan that has a tag.

    Args:
        client: The client.
        campaign: Its campaign.
        tag: A utm_source; of an asset also its path, its promo code or its name.

    Raises:
        Sloppy: There is no such line.
    """
    lines = plan(client, campaign)
    written = (tag, tag.upper(), f"/{tag.strip('/').casefold()}")
    for name in written:
        for line in lines:
            if name in _names_of(line):
                return line
    for asset in campaign.assets:
        if not {asset.name, asset.code, asset.path}.isdisjoint(written):
            raise _has_no_link(campaign, asset)
    raise Sloppy(
        f"{campaign.key} has no channel, partner or asset {quoted(tag)}",
        f"write one of {', '.join(line.tags.utm_source for line in lines) or 'none, there is none yet'}, "
        "or add it to the campaign in the client's file",
    )


def _has_no_link(campaign: Campaign, asset: Asset) -> Sloppy:
    if asset.kind is AssetKind.LANDING_PAGE:
        return Sloppy(
            f"{quoted(asset.name)} of {campaign.key} is a page, which links lead to and which has none of its own",
            "name the channel, partner or asset that leads to it; for a code to print, add a qr_code or a poster to "
            "the campaign, with a short path of its own, and the page as its landing_page",
        )
    return Sloppy(
        f"{quoted(asset.name)} of {campaign.key} has no tag",
        "add a line like utm_source: poster-harbour to it in the client's file, or path: /harbour for what is printed",
    )


def _names_of(line: Planned) -> set[str | None]:
    asset = line.asset
    return {line.tags.utm_source} | ({asset.name, asset.path, asset.code} - {None} if asset else set())


def with_content(line: Planned, content: str) -> Planned:
    """The same line with a utm_content of its own, which tells two links of one touchpoint apart.

    Raises:
        Sloppy: It has capitals, blanks or other characters that get counted apart or garbled.
    """
    if not NAME.fullmatch(content):
        raise Sloppy(
            f"the content {quoted(content)} is not written in a-z, 0-9, hyphens, dots and underscores",
            f"write it like {plain(content) or 'reel-1'}",
        )
    return line._replace(tags=line.tags._replace(utm_content=content))


def tag_link(client: Client, url: str, tags: Tags) -> str:
    """Tag the address of a page. Tagging a tagged link gives the same link.

    Args:
        client: Whose website it has to lead to.
        url: The page; what else stands in its query stays.
        tags: The tags.

    Raises:
        Sloppy: The link would be counted wrongly: `http`, another's website, a fragment, characters that get garbled,
            or tags that are already there and differ, stand twice, or are Matomo's own beside Google's.
    """
    if not _ADDRESS.fullmatch(url):
        raise Sloppy(
            f"{quoted(url)} has blanks, umlauts or other characters that get garbled on the way",
            "copy the address from the browser's address line, which writes them as %20, %C3%A4 and so on",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Sloppy(f"{quoted(url)} is not a web address", "write it like https://www.shop.example/page") from error
    if parts.scheme == "http":
        raise Sloppy(
            f"{quoted(url)} begins with http", "write https: on the way from one to the other, tags can get lost"
        )
    if parts.scheme != "https" or not parts.hostname:
        raise Sloppy(f"{quoted(url)} is not a web address", "write it like https://www.shop.example/page")
    if host_of(url) not in client.hosts or "@" in parts.netloc or port not in {None, 443}:
        raise Sloppy(
            f"{quoted(url)} is on none of the client's websites",
            f"tags are counted on {', '.join(client.hosts) or 'none yet: add the website under web'} only",
        )
    if "#" in url:
        raise Sloppy(f"{quoted(url)} has a #fragment", "leave it out: tags behind # are not counted")
    for name, values in _tags_in(parts.query).items():
        _check_present(name, values, tags)
    return with_tags(url, tags)


def short_address(page: str, path: str | None) -> str | None:
    """The address that is printed: a short path on the website that the page is on."""
    parts = urlsplit(page)
    return path and urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def plain(text: str) -> str:
    """How a name is written in a tag: small letters, no umlauts, hyphens for all else; empty if nothing is left."""
    written = "".join(_HOW.get(letter, letter) for letter in text.casefold())
    ascii_only = unicodedata.normalize("NFKD", written).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9.]+", "-", ascii_only).strip("-.")[:100]


def named(said: str, names: Iterable[str]) -> str | None:
    """Which of some names is said, also with capitals, blanks or other signs; None if none of them is."""
    names = list(names)
    return said if said in names else next((name for name in names if plain(name) == plain(said) != ""), None)


def _check_present(name: str, values: list[str], tags: Tags) -> None:
    """Refuse a tag that is already in a link, unless it is there once and as planned."""
    if len(values) > 1:
        raise Sloppy(f"the tag {name} stands in the link {len(values)} times", "leave the link's tags out")
    wanted = tags._asdict().get(name.lower())
    if wanted is None:
        raise Sloppy(f"the link has a tag {name}, which the plan does not use", "leave it out")
    (value,) = values
    if name != name.lower() or (value != wanted and named(value, [wanted])):
        raise Sloppy(
            f"the tag {name}={value} is spelt otherwise than in the plan, and would be counted apart",
            f"write {name.lower()}={wanted}",
        )
    if value != wanted:
        raise Sloppy(
            f"the link is tagged already, with {name}={value} instead of {wanted}",
            "give the link without tags, or with those of the plan",
        )


def tags_in(link: str) -> dict[str, list[str]]:
    """The campaign tags of a link, Google's and Matomo's, as they are written, each with its values."""
    try:
        return _tags_in(urlsplit(link).query)
    except ValueError:
        return {}


def _tags_in(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if _FAMILIES.match(unquote_plus(name)):
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def with_tags(url: str, tags: Tags) -> str:
    """The address without its fragment, with these tags at the end of its query and no others. Nothing is refused."""
    parts = urlsplit(url)
    pieces = [piece for piece in parts.query.split("&") if piece and not _FAMILIES.match(unquote_plus(piece))]
    pieces += [f"{name}={quote(value, safe='')}" for name, value in tags._asdict().items()]
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "&".join(pieces), ""))
