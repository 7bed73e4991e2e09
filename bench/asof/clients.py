"""The clients: each with one website and three accounts, or with several times as much."""

import datetime as dt

from widerview.agency.models import (
    Account,
    Asset,
    AssetKind,
    Campaign,
    Client,
    Hours,
    Recipient,
    Sender,
    WebProperty,
)

LAST_WEEK = "2026-W44"
"""The week to report: the last that has been read wholly."""

LAST_DAY = dt.date(2026, 11, 2)
"""The last day that has been read: the Monday after."""

FIRST_DAY = LAST_DAY - dt.timedelta(days=364)
"""The first: a year in all, which begins on a Monday."""

AS_OF = dt.datetime(2026, 11, 3, 9, 0, tzinfo=dt.UTC)
"""When reports are made by default: on Tuesday, after that morning's pulls."""

EARLIER_WEEK, EARLIER_AS_OF = "2026-W18", dt.datetime(2026, 5, 5, 9, 0, tzinfo=dt.UTC)
"""A week of half a year ago, and when it was reported."""

CAMPAIGN = Campaign(
    key="autumn-bread",
    name="Autumn bread",
    goal="More orders in the online shop",
    starts=dt.date(2026, 8, 31),
    ends=dt.date(2026, 11, 29),
    hashtags=("#AutumnBread",),
    assets=(Asset(kind=AssetKind.POSTER, name="Poster at the harbour", utm_source="poster-harbour"),),
)

SITE_MEMBERS = (
    # dimension, member, share of all visits, on every how many days, since when
    ("total", "", 1.0, 1, None),
    ("channel", "direct", 0.3, 1, None),
    ("channel", "search", 0.4, 1, None),
    ("channel", "website", 0.05, 1, None),
    ("channel", "campaign", 0.1, 1, None),
    ("channel", "social", 0.15, 1, None),
    ("campaign", CAMPAIGN.key, 0.1, 1, CAMPAIGN.starts),
    ("touchpoint", f"{CAMPAIGN.key}/bluesky", 0.05, 1, CAMPAIGN.starts),
    ("touchpoint", f"{CAMPAIGN.key}/poster-harbour", 0.03, 1, CAMPAIGN.starts),
    ("network", "Bluesky", 0.08, 2, None),
    ("network", "Mastodon", 0.07, 2, None),
)


def client(name: str, times: int = 1) -> Client:
    """Make a fictional client that has so many times the accounts and websites of the others."""
    shops = [f"{name}-{number}" for number in range(1, times + 1)]
    return Client(
        client=name,
        name=f"Bakery {name}",
        time_zone="Europe/Berlin",
        office_hours={"tuesday": Hours(opens="09:00", closes="17:00")},
        reviewers=("mira",),
        sender=Sender(
            name="Mira Example", email="mira@agency.example", agency="Wide Angle", postal_address="1 Sample Street"
        ),
        recipients=(Recipient(name="Ada Example", email="ada@bakery.example"),),
        accounts=tuple(
            Account(platform="bluesky", handle=f"{shop}.bsky.example")
            if server is None
            else Account(platform="mastodon", handle=f"@{shop}@{server}.example")
            for shop in shops
            for server in (None, "social", "town")
        ),
        web=tuple(
            WebProperty(platform="matomo", site_id=number, url=f"https://{shop}.example", connection="matomo_agency")
            for number, shop in enumerate(shops, 1)
        ),
        campaigns=(CAMPAIGN,),
    )


def clients(count: int) -> list[Client]:
    """Make so many clients with the same amount of data."""
    return [client(f"client-{number:05}") for number in range(1, count + 1)]
