"""What the numbers of a campaign's table come from."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence

from widerview.agency.models import OFFLINE, Campaign
from widerview.pipeline.observed import (
    ADDED,
    COUNTED,
    Input,
    Past,
    Reading,
    Row,
    counter_parts,
    day_parts,
    post_row,
    published_on,
    visit_parts,
)
from widerview.report.campaigns import asset_of, campaign_of_ads, partner_of
from widerview.report.receipts import KINDS, PrintedNumber, Value, slug
from widerview.sources import landing_pages
from widerview.sources.base import Window
from widerview.sources.drop_folder import AD_PLATFORMS
from widerview.sources.registry import SOURCES
from widerview.tagging.posts import belongs
from widerview.warehouse import read

_LARGEST = "It is the largest of these."
_REACH = ("reach", "viewers")


def campaign_reading(past: Past, number: PrintedNumber) -> Reading:
    """Look up what a number of a campaign comes from: `of` is its key, group, metric, whose it is, and when."""
    key, group, metric, of, when = number.of
    campaign = past.campaign(key)
    # A page that is not new had visits before the campaign, too; whatever carries its tags is its own when announced.
    first = campaign.starts if metric.endswith("landing_visits") else campaign.counts_from
    days = list(past.week.days)
    if when == "so-far":
        days = Window(first, past.week.sunday).days
    days = [day for day in days if day >= first]
    if group == "cost":
        rows, asked = _ads(past, campaign, "spend", days)
        spent = Reading(ADDED, rows, asked)
        if metric:
            return spent
        costs = [Input(id=name, value=value) for name, value in file_costs(past, campaign).items()]
        return spent._replace(how="What the client's file says was paid, and what was spent on ads.", inputs=costs)
    if group == "results":
        group = "offline" if metric == "redemptions" else "website"
    if group == "touchpoint" and metric == "unmarked":
        return _unmarked(past, key, when)
    rows, asked = _campaign_rows(past, campaign, group, metric, of, days)
    return Reading(_how(rows, number.value), rows, asked)


def _unmarked(past: Past, key: str, when: str) -> Reading:
    """Visits by links that do not say which: what is left of all."""
    every = f"campaign/{key}/website/visits/{when}"
    told = [
        each.id
        for each in past.numbers.values()
        if each.of[:2] == (key, "touchpoint") and each.of[2] != "unmarked" and each.of[4] == when
    ]
    inputs = [Input(id=name, value=past.numbers[name].value) for name in (every, *told)]
    return Reading("What is left of the first when the others are taken off.", inputs=inputs)


def _how(rows: Sequence[Row], value: Value) -> str:
    """How a number of a campaign's table comes from its rows, as far as it can be said in one sentence."""
    known = [row.value for row in rows if row.value is not None]
    if rows and all(row.metric == "post" for row in rows) and len(rows) == value:
        return COUNTED
    if isinstance(value, (int, float)) and (value == round(sum(known)) or math.isclose(value, sum(known))):
        return ADDED
    if known and value == max(known):
        return _LARGEST
    return f"By the rules of the campaign's table these give it ({KINDS['campaign'].page})."


def _campaign_rows(
    past: Past, campaign: Campaign, group: str, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    key = campaign.key.casefold()
    match group, metric:
        case (("social" | "partners"), "posts") | ("social", "reach") | ("claimed", "claimed_leads"):
            return _campaign_posts(past, campaign, group, metric, of, days)
        case "claimed", _:
            return _ads(past, campaign, metric, days, of)
        case "offline", _:
            return _asset_rows(past, campaign, metric, of, days)
        case "website", "untagged_landing_visits" | "landing_visits":
            paths = {path for path in map(landing_pages.path_of, campaign.pages) if path}
            names = ("landing_visits", "tagged_landing_visits")
            found = [visit_parts(past, name, "page", lambda day: paths, days) for name in names]
        case "touch", _:
            dimension = {"first": "first_campaign", "last": "campaign"}[of]
            found = [visit_parts(past, metric, dimension, lambda day: {key}, days)]
        case "partners", _:
            tags = {f"{key}/{each.utm_source}" for each in campaign.partners if each.name == of}
            found = [visit_parts(past, "visits", "touchpoint", lambda day: tags, days)]
        case "touchpoint", _:
            members = set(_members(past, campaign, metric, of))
            found = [visit_parts(past, "visits", "touchpoint", lambda day: members, days)]
        case _:
            found = [visit_parts(past, metric, "campaign", lambda day: {key}, days)]
    return [part.row for parts, _ in found for part in parts], tuple(query for _, asked in found for query in asked)


def _members(past: Past, campaign: Campaign, kind: str, name: str) -> Iterator[str]:
    """The members of the dimension `touchpoint` that a touchpoint of the table may stand for."""
    key = campaign.key.casefold()
    titles = {source.title: platform for platform, source in SOURCES.items()}
    yield from (f"{key}/{each.tag}" for each in campaign.assets if each.tag and each.name == name)
    yield from (f"{key}/{each.utm_source}" for each in campaign.partners if each.utm_source and each.name == name)
    if kind == "ads":
        yield f"{key}/{titles.get(name, name)}-ads"
    elif kind == "link":
        yield f"{key}/{titles.get(name, name).casefold()}"


def _campaign_posts(
    past: Past, campaign: Campaign, group: str, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    """The posts of a campaign of some days, the client's own or a partner's; or their counters on one platform."""
    social = past.with_partners
    first, end, every = published_on(past, days, social)

    def is_part(post: read.Post) -> bool:
        partner = partner_of(campaign, social.accounts, post)
        if not belongs(past.client, post, campaign) or (partner.name if partner else "") != whose:
            return False
        return metric == "posts" or SOURCES[post.source].title == of

    whose = of if group == "partners" else ""
    posts = {name for name, (post, _) in every.items() if is_part(post)}
    if metric == "posts":
        asked = past.query("posts", first=first, end=end, campaign=campaign.key)
        return [post_row(every[name][0]) for name in posts], (asked,)
    parts, queries = counter_parts(past, _REACH if metric == "reach" else (metric,), days)
    return [part.row for part in parts if (part.row.source, part.row.of) in posts], queries


def _asset_rows(
    past: Past, campaign: Campaign, metric: str, of: str, days: Sequence[dt.date]
) -> tuple[list[Row], tuple[str, ...]]:
    """What was counted of one asset, or with an empty name of all assets of a campaign."""

    def is_part(value: read.DayValue) -> bool:
        found = asset_of(past.client, value.member, value.day)
        return found is not None and found[0].key == campaign.key and of in {"", found[1].name}

    parts, asked = day_parts(past, metric, "asset", days, is_part, asset=of)
    return [part.row for part in parts], asked


def _ads(
    past: Past, campaign: Campaign, metric: str, days: Sequence[dt.date], platform: str = ""
) -> tuple[list[Row], tuple[str, ...]]:
    """What ads managers tell of a campaign, of one platform or of all."""

    def is_part(value: read.DayValue) -> bool:
        name, _, told = value.member.rpartition("/")
        meant = campaign_of_ads(past.client, name, value.day) if value.source in OFFLINE else None
        is_meant = meant is not None and meant.key == campaign.key
        return is_meant and platform in {"", AD_PLATFORMS.get(told, told)}

    parts, asked = day_parts(past, metric, "touchpoint", days, is_part, campaign=campaign.key)
    return [part.row for part in parts], asked


def file_costs(past: Past, of: Campaign | None = None) -> dict[str, float]:
    """What the client's file says that assets and partners cost, by an id."""
    costs: dict[str, float] = {}
    for campaign in [of] if of else past.client.campaigns:
        last = past.week.sunday
        named = [(each.name, each.cost) for each in campaign.assets if campaign.days_of(each)[0] <= last]
        named += [(partner.name, partner.cost) for partner in campaign.partners]
        costs |= {f"file/{campaign.key}/{slug(name)}/cost": float(cost) for name, cost in named if cost}
    return costs
