"""What a campaign came to, across social, website and everything else: one table for each that runs in the week.

One that is over has its table for some weeks more, in those in which something of it has moved.

Every number stands for this week and since the campaign began, its announcement and what its assets brought before or
after its own days included. Nothing is added up that counts the same twice: not the
people reached on two platforms or by two posts, not what platforms claim, not scans and the visits they led to.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import msgspec
from sqlalchemy import Connection

from widerview.agency.models import OFFLINE, SOCIAL, Asset, Campaign, Client, Partner
from widerview.measures.rates import cost_range
from widerview.measures.weeks import Week
from widerview.report.effect import effect_of, looked_at_from
from widerview.report.facts import (
    CampaignFact,
    CampaignRow,
    CostFact,
    EffectFact,
    FirstTouch,
    Group,
    TouchpointFact,
    Untagged,
)
from widerview.report.social import PostNumbers, Social, names_of
from widerview.report.web import Web, counting_sites
from widerview.sources import landing_pages
from widerview.sources.base import Window, plain_handle
from widerview.sources.drop_folder import AD_PLATFORMS
from widerview.sources.referrers import tag
from widerview.tagging.posts import belongs
from widerview.vocabulary.sums import total
from widerview.warehouse import read

ENOUGH_APART = 0.2
"""First and last touch stand side by side where the one is more than so much of the other away from it."""

OF_ASSETS = (
    "scans", "redemptions", "revenue", "attendance", "emails_sent", "email_clicks",
)  # fmt: skip
"""What is told of assets, in the order of the table."""

STAYS = dt.timedelta(weeks=4)
"""So long after its end a campaign may still be in the report: posters hang on, and counts come in late."""

_EXPECTED: Mapping[str, str] = {
    "promo_code": "redemptions",
    "event": "attendance",
    "newsletter": "email_clicks",
}
"""What is said to be missing of an asset of a kind where nobody has told it; of what shows a short path, its scans."""

_REACHED = ("reach", "viewers")
"""Both count people once; a platform has one of them."""

_CONVERTED = ("conversions", "converted_visits")
"""What the website counts as a result; where an analytics has both, the first."""


def running_campaigns(client: Client, week: Week) -> list[Campaign]:
    """The campaigns that run on some day of a week."""
    return [campaign for campaign in client.campaigns if campaign.runs_in(week.monday, week.sunday)]


def campaign_facts(
    connection: Connection,
    client: Client,
    week: Week,
    as_of: dt.datetime,
    seen_until: dt.datetime,
    social: Social,
    titles: Mapping[str, str],
) -> tuple[CampaignFact, ...]:
    """Work out the table of each campaign that runs in a week, and then of those that are over and have moved in it.

    Args:
        connection: The warehouse; one snapshot.
        client: The client.
        week: The week of the report.
        as_of: What was recorded later does not exist (UTC).
        seen_until: When the platforms were looked at (UTC).
        social: The accounts' posts of the weeks in view.
        titles: Names of the sources for people.
    """
    running = running_campaigns(client, week)
    over = [each for each in client.campaigns if each.ends < week.monday <= each.ends + STAYS]
    campaigns = [*running, *over]
    if not campaigns:
        return ()
    first = min(each.counts_from for each in campaigns)
    counted = _Counted.read(connection, client, first, week.sunday, as_of, told_since=week.bounds(client.zone)[0])
    earliest = min([first, *(looked_at_from(each, week.sunday) for each in campaigns)])
    web = Web.read(connection, client, earliest, week.sunday, as_of)
    tables = [_Table(client, each, week, seen_until, social, web, counted, titles) for each in campaigns]
    return tuple(table.fact() for table in tables if table.campaign in running or table.has_moved)


def untagged_social(
    connection: Connection, client: Client, week: Week, as_of: dt.datetime, web: Web
) -> Untagged | None:
    """How many of the week's visits seem to come from social networks, and how many of them by links without tags.

    None where the week is not known, the analytics tells no networks, or there was none.
    """
    sites = counting_sites(client)
    values = read.day_values(connection, client.client, as_of, week.monday, week.sunday, "visits", "network")
    untagged = total("visits", [value.value for value in values if (value.source, value.entity_id) in sites])
    if untagged is None or web.week(week) is None:
        return None
    tagged = sum(
        web.split(week, "touchpoint", member) or 0.0
        for member in web.members(week, "touchpoint")
        if member.rpartition("/")[2].removesuffix("-ads") in SOCIAL
    )
    every = round(untagged + tagged)
    return Untagged(visits=every, untagged=round(untagged)) if every else None


Days = Mapping[dt.date, float]


@dataclass(frozen=True)
class _Counted:
    """What was counted beside visits, day by day.

    Attributes:
        assets: By metric, campaign key and asset name.
        campaigns: What the websites counted, by metric and campaign key.
        landings: The visits to the websites that began on some page, by metric and path.
        ads: What ads managers tell, by metric, campaign key and platform.
        metrics: The metrics that the websites tell of some campaign at all.
        news: The campaign keys of the assets of which something has been told of late.
    """

    assets: Mapping[tuple[str, str, str], Days]
    campaigns: Mapping[tuple[str, str], Days]
    landings: Mapping[tuple[str, str], Days]
    ads: Mapping[tuple[str, str, str], Days]
    metrics: frozenset[str]
    news: frozenset[str]

    @classmethod
    def read(
        cls,
        connection: Connection,
        client: Client,
        first: dt.date,
        last: dt.date,
        as_of: dt.datetime,
        *,
        told_since: dt.datetime,
    ) -> "_Counted":
        def values(metric: str, dimension: str) -> list[read.DayValue]:
            return read.day_values(connection, client.client, as_of, first, last, metric, dimension)

        sites = counting_sites(client)
        assets: dict[tuple[str, str, str], dict[dt.date, float]] = defaultdict(dict)
        news = set()
        for metric in OF_ASSETS:
            told = values(metric, "asset")
            for (day, campaign, asset), number in _of_assets(client, told).items():
                assets[metric, campaign, asset][day] = number
            of_late = [value for value in told if value.value and value.observed_at >= told_since]
            news |= {found[0].key for value in of_late if (found := asset_of(client, value.member, value.day))}
        campaigns: dict[tuple[str, str], dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
        for metric, dimension in (
            ("engaged_visits", "campaign"),
            *((metric, dimension) for metric in _CONVERTED for dimension in ("campaign", "first_campaign")),
        ):
            for value in values(metric, dimension):
                if (value.source, value.entity_id) in sites and value.value is not None:
                    name = metric if dimension == "campaign" else f"first {metric}"
                    campaigns[name, value.member.casefold()][value.day] += value.value
        landings: dict[tuple[str, str], dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
        for metric in ("landing_visits", "tagged_landing_visits"):
            for value in values(metric, "page"):
                if (value.source, value.entity_id) in sites and value.value is not None:
                    landings[metric, value.member][value.day] += value.value
        ads: dict[tuple[str, str, str], dict[dt.date, float]] = defaultdict(dict)
        for metric in ("claimed_conversions", "spend"):
            for (day, campaign, platform), number in _of_ads(client, values(metric, "touchpoint")).items():
                ads[metric, campaign, platform][day] = number
        metrics = frozenset(metric for metric, _ in campaigns)
        return cls(assets, campaigns, landings, ads, metrics, frozenset(news))


def _of_assets(client: Client, values: Iterable[read.DayValue]) -> Mapping[tuple[dt.date, str, str], float]:
    """What was counted of each asset on each day, by campaign key and the asset's name.

    Folders add up, as two shops do. A website's own log and a provider may count the same scans: the one that stands
    first in the client's file, folders before websites, is believed.
    """
    order = _told_by(client)
    told: dict[tuple[dt.date, str, str], list[read.DayValue]] = defaultdict(list)
    for value in values:
        if found := asset_of(client, value.member, value.day):
            campaign, asset = found
            told[value.day, campaign.key, asset.name].append(value)
    sums = {}
    for key, parts in told.items():
        numbers = _by_teller(parts, order)
        folders = [number for (source, _), number in numbers.items() if source in OFFLINE]
        if numbers:
            sums[key] = sum(folders or list(numbers.values())[:1])
    return sums


def _of_ads(client: Client, values: Iterable[read.DayValue]) -> Mapping[tuple[dt.date, str, str], float]:
    """What ads managers tell of each campaign on each day, by campaign key and platform.

    The folder that stands first in the client's file is believed: two exports may be of the same ads.
    """
    order = _told_by(client)
    told: dict[tuple[dt.date, str, str], list[read.DayValue]] = defaultdict(list)
    for value in values:
        name, _, platform = value.member.rpartition("/")
        if value.source in OFFLINE and (campaign := campaign_of_ads(client, name, value.day)):
            told[value.day, campaign.key, platform].append(value)
    numbers = {key: _by_teller(parts, order) for key, parts in told.items()}
    return {key: next(iter(found.values())) for key, found in numbers.items() if found}


def _told_by(client: Client) -> list[tuple[str, str]]:
    """The client's folders and websites, in the order in which they are believed."""
    return [*((each.platform, each.name) for each in client.offline), *((w.platform, w.site_id) for w in client.web)]


def _by_teller(parts: Iterable[read.DayValue], order: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], float]:
    """What each folder or website tells of one thing on one day, in an order; those that tell nothing are left out.

    A folder may call it by two names. What was saved last is right then; two names in one table are parts of one count.
    """
    told: dict[tuple[str, str], list[tuple[dt.datetime, float]]] = defaultdict(list)
    for part in parts:
        if part.value is not None:
            told[part.source, part.entity_id].append((part.observed_at, part.value))
    return {
        teller: sum(value for observed_at, value in told[teller] if observed_at == max(told[teller])[0])
        for teller in order
        if teller in told
    }


def asset_of(client: Client, name: str, day: dt.date) -> tuple[Campaign, Asset] | None:
    """Whose a path, a promo code, or whatever else files call an asset by was on a day; None if no asset is meant.

    A path or code goes by the client's dates, so that one that was given anew keeps its history. An event, newsletter
    or poster is called by its name or its tag (`utm_source`); of several, the one that began last.
    """
    if found := client.asset_by_path(name, day) if name.startswith("/") else client.asset_by_code(name, day):
        return found
    called = [
        (campaign.days_of(asset)[0], campaign, asset)
        for campaign in client.campaigns
        for asset in campaign.assets
        if tag(name) in {tag(asset.name), asset.tag}
    ]
    begun = [each for each in called if each[0] <= day] or called
    return max(begun, key=lambda each: each[0])[1:] if begun else None


def campaign_of_ads(client: Client, name: str, day: dt.date) -> Campaign | None:
    """The campaign that ads managers call by its key or its name; of several, the one that began last by a day."""
    called = [each for each in client.campaigns if tag(name) in {tag(each.key), tag(each.name)}]
    begun = [each for each in called if each.counts_from <= day] or called
    return max(begun, key=lambda each: each.starts, default=None)


def partner_of(campaign: Campaign, accounts: Iterable[read.Account], post: read.Post) -> Partner | None:
    """Say whose a post of a campaign is: by its account, of those that are read, or by hand; None: the client's."""
    names = {
        (account.source, name)
        for account in accounts
        if (account.source, account.account_id) == (post.source, post.account_id)
        for name in names_of(account)
    }
    for partner in campaign.partners:
        theirs = {(each.platform, plain_handle(each.handle)) for each in partner.accounts}
        if post.permalink in partner.posts or names & theirs:
            return partner
    return None


@dataclass(frozen=True)
class _Table:
    """One campaign's table in the making."""

    client: Client
    campaign: Campaign
    week: Week
    seen_until: dt.datetime
    social: Social
    web: Web
    counted: _Counted
    titles: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.campaign.key.casefold()

    @cached_property
    def days(self) -> list[dt.date]:
        """The days that count up to the end of the week: what is tagged goes on bringing people after the last one."""
        return Window(self.campaign.counts_from, self.week.sunday).days

    @property
    def has_moved(self) -> bool:
        """Whether its links brought somebody in the week, or something has been told of its assets."""
        return self.campaign.key in self.counted.news or bool(self.web.split(self.week, "campaign", self.key))

    def _since_it_began(self) -> list[dt.date]:
        return [day for day in self.days if day >= self.campaign.starts]

    def fact(self) -> CampaignFact:
        rows = tuple(chain(self._posts(), self._partners(), self._website(), self._assets(), self._claims()))
        visits = self.web.split(self.week, "campaign", self.key) if self.web.sites else None
        return CampaignFact(
            key=self.campaign.key,
            name=self.campaign.name,
            goal=self.campaign.goal,
            audience=self.campaign.audience,
            starts=self.campaign.starts,
            ends=self.campaign.ends,
            posts=sum(map(self._is_of_week, self._own)),
            visits=_whole(visits),
            touchpoints=tuple(self._touchpoints(visits)),
            rows=rows,
            cost=self._cost(),
            first_touch=self._first_touch(),
            effect=self._effect(),
        )

    def _effect(self) -> EffectFact | None:
        if not self.web.sites:
            return None
        return effect_of(
            self.client,
            self.campaign,
            self.week.sunday,
            self.web.days,
            self.web.splits["channel"],
            settled={day for day in self.web.days if self.web.is_settled(day, self.client.zone, self.seen_until)},
            on_social=bool(self._published),
        )

    # -- social ----------------------------------------------------------------------------------------------------

    @cached_property
    def _published(self) -> list[PostNumbers]:
        """All posts of the campaign so far, as far as the weeks in view reach."""
        every = (post for week in self.social.weeks for post in self.social.published(week))
        return [post for post in every if belongs(self.client, post.post, self.campaign)]

    @cached_property
    def _own(self) -> list[PostNumbers]:
        """Those of them that are the client's and no partner's."""
        return [post for post in self._published if self._partner_of(post.post) is None]

    def _partner_of(self, post: read.Post) -> Partner | None:
        return partner_of(self.campaign, self.social.accounts, post)

    def _posts(self) -> Iterator[CampaignRow]:
        own = self._own
        if not self.client.accounts:
            return
        this_week = [post for post in own if self._is_of_week(post)]
        known = self.week in self.social.known
        yield CampaignRow(
            group="social",
            metric="posts",
            week=len(this_week) if known else None,
            so_far=len(own) if known else None,
            at_least=self.campaign.starts < self.social.weeks[0].monday,
        )
        for source in dict.fromkeys(post.post.source for post in own):
            on_it = [post for post in own if post.post.source == source]
            yield CampaignRow(
                group="social",
                metric="reach",
                of=self.titles[source],
                week=_reached(post for post in on_it if self._is_of_week(post)),
                so_far=_reached(on_it),
                at_least=True,
            )

    def _is_of_week(self, post: PostNumbers) -> bool:
        return post.post.published_at.astimezone(self.client.zone).date() in self.week.days

    def _partners(self) -> Iterator[CampaignRow]:
        read_posts = [(post, partner) for post in self._published if (partner := self._partner_of(post.post))]
        for partner in self.campaign.partners:
            theirs = [post for post, whose in read_posts if whose is partner]
            # Of posts that are only named in the file nobody knows the week.
            unread = set(partner.posts) - {post.post.permalink for post in theirs}
            yield CampaignRow(
                group="partners",
                metric="posts",
                of=partner.name,
                week=None if unread else sum(map(self._is_of_week, theirs)),
                so_far=len(theirs) + len(unread),
            )
            if partner.utm_source and self.web.sites:
                yield self._visits("partners", "touchpoint", f"{self.key}/{partner.utm_source}", partner.name)

    # -- website ---------------------------------------------------------------------------------------------------

    def _visits(self, group: Group, dimension: str, member: str, of: str = "") -> CampaignRow:
        return CampaignRow(
            group=group,
            metric="visits",
            of=of,
            week=self.web.split(self.week, dimension, member),
            so_far=total("visits", [self.web.on(day, dimension, member) for day in self.days]),
            # Before its first day most campaigns have nothing, which no day has to be known for.
            at_least=any(self.web.days.get(day) is None for day in self._since_it_began()),
        )

    def _website(self) -> Iterator[CampaignRow]:
        if not self.web.sites:
            return
        yield self._visits("website", "campaign", self.key)
        for metric in ("engaged_visits", *self._results()):
            if metric in self.counted.metrics:
                yield self._sums("website", metric, self.counted.campaigns.get((metric, self.key), {}), zero=True)
        yield from self._landings()

    def _landings(self) -> Iterator[CampaignRow]:
        """The visits that began on the campaign's pages without a tag; with them, where it is not known which had one.

        Whether the campaign brought them nobody can tell: a row of its own, which is part of no other number. Tagged
        ones are among the visits already.
        """
        paths = [path for path in dict.fromkeys(map(landing_pages.path_of, self.campaign.pages)) if path]
        every, tagged = (
            _together(self.counted.landings.get((metric, path), {}) for path in paths)
            for metric in ("landing_visits", "tagged_landing_visits")
        )
        metric = "untagged_landing_visits" if tagged else "landing_visits"
        days = {day: visits - tagged[day] for day, visits in every.items() if day in tagged} if tagged else every
        # Before the campaign a page that is not new had visits, too.
        began = self._since_it_began()
        known = {day: days[day] for day in began if day in days}
        if known:
            of = paths[0] if len(paths) == 1 else ""
            row = self._sums("website", metric, known, of)
            yield msgspec.structs.replace(row, at_least=len(known) < len(began))

    def _results(self) -> Sequence[str]:
        """The metric by which the website counts results, if it tells it of campaigns."""
        return [metric for metric in _CONVERTED if metric in self.counted.metrics][:1]

    def _sums(
        self, group: Group, metric: str, days: Days, of: str = "", *, zero: bool = False, currency: str | None = None
    ) -> CampaignRow:
        """The sums of a week and so far; with `zero`, days that are not named had none, where the week is known."""
        of_week = [days[day] for day in self.week.days if day in days]
        if zero and not of_week and self.web.week(self.week) is not None:
            of_week = [0.0]
        so_far = [days[day] for day in self.days if day in days] or ([0.0] if zero and of_week else [])
        return CampaignRow(
            group=group,
            metric=metric,
            of=of,
            week=total(metric, of_week),
            so_far=total(metric, so_far),
            currency=currency,
        )

    def _touchpoints(self, visits: float | None) -> Iterator[TouchpointFact]:
        assets = {asset.tag: asset for asset in self.campaign.assets if asset.tag}
        partners = {partner.utm_source: partner for partner in self.campaign.partners if partner.utm_source}
        told = 0
        members = [each for each in self.web.members(self.week, "touchpoint") if each.startswith(f"{self.key}/")]
        for member in members:
            utm_source = member.removeprefix(f"{self.key}/")
            asset, partner = assets.get(utm_source), partners.get(utm_source)
            row = self._visits("website", "touchpoint", member)
            told += _whole(row.week) or 0
            name, kind = self._link(utm_source)
            yield TouchpointFact(
                name=asset.name if asset else partner.name if partner else name,
                kind=asset.kind.value if asset else "partner" if partner else kind,
                visits=_whole(row.week),
                so_far=_whole(row.so_far),
            )
        unmarked = (visits or 0) - told
        if members and round(unmarked) > 0:
            yield TouchpointFact(name="", kind="unmarked", visits=round(unmarked))

    def _link(self, utm_source: str) -> tuple[str, str]:
        """Name and kind of a link that is no asset's and no partner's."""
        network = utm_source.removesuffix("-ads")
        if network != utm_source and network in SOCIAL:
            return self.titles[network], "ads"
        return self.titles.get(utm_source, utm_source), "link"

    # -- away from the screen --------------------------------------------------------------------------------------

    def _assets(self) -> Iterator[CampaignRow]:
        for asset in self.campaign.assets:
            place = asset.placement or ""
            for metric in OF_ASSETS:
                days = self.counted.assets.get((metric, self.campaign.key, asset.name), {})
                is_its_own = metric == _EXPECTED.get(asset.kind.value) or (metric == "scans" and asset.short_path)
                if days or (self.client.offline and is_its_own):
                    currency = self.client.currency if metric == "revenue" else None
                    row = self._sums("offline", metric, days, asset.name, currency=currency)
                    yield msgspec.structs.replace(row, place=place)
                    place = ""  # where it is seen is said once

    def _ads(self, metric: str) -> Mapping[str, Days]:
        """What ads managers tell of the campaign, by platform."""
        return {
            platform: days
            for (told, key, platform), days in sorted(self.counted.ads.items())
            if (told, key) == (metric, self.campaign.key)
        }

    def _claims(self) -> Iterator[CampaignRow]:
        """What platforms claim, each for itself: in no sum, and no part of any other number; nothing where none does.

        Of the posts of one platform its claims may be added up, of several platforms never: one may claim another's.
        """
        rows = [
            self._sums("claimed", "claimed_conversions", days, AD_PLATFORMS[platform])
            for platform, days in self._ads("claimed_conversions").items()
        ]
        own = self._own
        for source in dict.fromkeys(post.post.source for post in own):
            on_it = [post for post in own if post.post.source == source]
            rows.append(
                CampaignRow(
                    group="claimed",
                    metric="claimed_leads",
                    of=self.titles[source],
                    week=_leads(post for post in on_it if self._is_of_week(post)),
                    so_far=_leads(on_it),
                    at_least=self.campaign.starts < self.social.weeks[0].monday,
                )
            )
        yield from (row for row in rows if row.so_far)

    # -- what it cost, and who brought it --------------------------------------------------------------------------

    def _cost(self) -> CostFact | None:
        """What was paid by the end of the week, as far as the client's file says, beside what came of it.

        Results are the website's, or, where it has none, promo codes used: never both, for who orders with a code
        would be counted twice; and never what platforms claim. What may be spent on ads is a budget, and no cost; what
        ads managers say was spent is.
        """
        last = self.week.sunday
        paid = [each.cost for each in self.campaign.assets if each.cost and self.campaign.days_of(each)[0] <= last]
        paid += [partner.cost for partner in self.campaign.partners if partner.cost]
        spent = [days[day] for days in self._ads("spend").values() for day in self.days if day in days]
        ads = total("spend", spent) or 0.0
        if not paid and not ads:
            return None
        told = {metric: self.counted.campaigns.get((metric, self.key), {}) for metric in self._results()}
        results = {name: self._sums("website", name, days, zero=True).so_far for name, days in told.items()}
        used = [
            self.counted.assets.get(("redemptions", self.campaign.key, each.name), {}) for each in self.campaign.assets
        ]
        results["redemptions"] = total("redemptions", [days[day] for days in used for day in self.days if day in days])
        known = {metric: number for metric, number in results.items() if number is not None}
        if not known:
            return None
        metric = next((metric for metric, number in known.items() if number), next(iter(known)))
        cost = round(sum(paid) + ads, 6)
        low, high = cost_range(cost, round(known[metric])) if round(known[metric]) > 0 else (None, None)
        return CostFact(
            cost=cost,
            ads=round(ads, 6),
            budget=self.campaign.budget,
            currency=self.client.currency,
            metric=metric,
            results=known[metric],
            per_result=round(cost / known[metric], 4) if known[metric] else None,
            low=None if low is None else round(low, 4),
            high=None if high is None else round(high, 4),
        )

    def _first_touch(self) -> FirstTouch | None:
        """What came of visitors whom the campaign brought first, beside whom it brought last, where these differ."""
        for metric in self._results():
            if f"first {metric}" not in self.counted.metrics:
                return None
            first, last = (
                sum(
                    value for day, value in self.counted.campaigns.get((name, self.key), {}).items() if day in self.days
                )
                for name in (f"first {metric}", metric)
            )
            if abs(first - last) > ENOUGH_APART * max(min(first, last), 1):
                return FirstTouch(metric=metric, first=first, last=last)
        return None


def _reached(posts: Iterable[PostNumbers]) -> int | None:
    """How many people were reached at least: by the post that reached most. Who saw two posts is not counted twice."""
    known = [value for post in posts for metric in _REACHED if (value := post.counters.get(metric)) is not None]
    return max(known) if known else None


def _leads(posts: Iterable[PostNumbers]) -> float | None:
    """The forms that a platform says were sent by some of its posts; None if it does not say."""
    return total("claimed_leads", [post.counters.get("claimed_leads") for post in posts])


def _together(parts: Iterable[Days]) -> Days:
    """Several pages day by day: a visit begins on one of them."""
    sums: dict[dt.date, float] = defaultdict(float)
    for days in parts:
        for day, value in days.items():
            sums[day] += value
    return sums


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
