"""What the models themselves know: when the next report is made, and names that could do harm."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from campaigned import poster, with_campaigns
from widerview.agency.load import load_client
from widerview.agency.models import WEEKDAYS, Campaign, Channel, Recipient, ReportPlan, WebProperty

BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLE = Path(__file__).parents[2] / "examples" / "client.yaml"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("plan", "now", "expected"),
    [
        (ReportPlan(), "2026-11-22T12:00+00:00", "2026-11-25T09:00+01:00"),
        (ReportPlan(), "2026-11-25T07:59+00:00", "2026-11-25T09:00+01:00"),
        (ReportPlan(), "2026-11-25T08:00+00:00", "2026-12-02T09:00+01:00"),
        (ReportPlan(cadence="monthly"), "2026-11-25T08:00+00:00", "2026-12-02T09:00+01:00"),
        (ReportPlan(cadence="monthly"), "2026-12-02T08:00+00:00", "2027-01-06T09:00+01:00"),
        (ReportPlan(cadence="fortnightly"), "2026-11-25T08:00+00:00", "2026-12-02T09:00+01:00"),
        (ReportPlan(cadence="fortnightly"), "2026-12-30T09:00+01:00", "2027-01-13T09:00+01:00"),  # over a week 53
        (ReportPlan(cadence="fortnightly", starting=dt.date(2026, 11, 27)), "2026-11-23T12:00+00:00",
         "2026-11-25T09:00+01:00"),
        (ReportPlan(cadence="fortnightly", starting=dt.date(2026, 11, 27)), "2026-11-25T12:00+00:00",
         "2026-12-09T09:00+01:00"),
        (ReportPlan(weekday="monday", time="00:00"), "2026-11-22T22:59+00:00", "2026-11-23T00:00+01:00"),
        # The clock goes forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00.
        (ReportPlan(weekday="sunday", time="02:30"), "2026-03-28T12:00+01:00", "2026-03-29T03:30+02:00"),
        (ReportPlan(weekday="sunday", time="02:30"), "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),
    ],
)  # fmt: skip
def test_next_report(plan: ReportPlan, now: str, expected: str) -> None:
    assert plan.next_after(at(now), BERLIN).isoformat() == at(expected).isoformat()


@given(
    now=st.integers(1_600_000_000, 2_000_000_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)),
    weekday=st.sampled_from(WEEKDAYS),
    time=st.times().map(lambda time: f"{time:%H:%M}"),
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
)
def test_the_next_report_is_within_the_coming_week_on_its_weekday(
    now: dt.datetime, weekday: str, time: str, zone: str
) -> None:
    planned = ReportPlan(weekday=weekday, time=time).next_after(now, ZoneInfo(zone))  # type: ignore[arg-type]

    assert now < planned <= now + dt.timedelta(days=7, hours=1)
    assert WEEKDAYS[planned.weekday()] == weekday


@pytest.mark.parametrize("breaker", ["\n", "\r", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\u2029", "\x00"])
def test_a_name_cannot_break_a_mails_headers_or_speak_to_a_terminal(breaker: str) -> None:
    with pytest.raises(ValidationError, match="one line of plain text"):
        Recipient(name=f"Ada{breaker}Bcc: eve@evil.example", email="ada@bakery.example")


@pytest.mark.parametrize(
    "email",
    [
        "a@b",
        "@b.example",
        "a@b.example\n",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "a@b..example",
        "a b@c.example",
        "anna\u200b@otter.example",
        "anna\u202e@otter.example",
        "a\u0308nna@otter.example",
        "anna@b\u2603.example",
        "anna@-bäckerei.example",
        "anna@bäckerei",
    ],
)
def test_what_is_not_one_address(email: str) -> None:
    with pytest.raises(ValidationError, match="not one email address"):
        Recipient(name="Ada", email=email)


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example",
        "first.last+tag@sub.b-c.example",
        "o'hara@xn--bckerei-5wa.example",
        "anna@bäckerei.example",
        "jürgen@otter.example",
        "田中@寿司.example",
    ],
)
def test_what_is_one_address(email: str) -> None:
    assert Recipient(name="Ada", email=email).email == email


@pytest.mark.parametrize("tag", ["#WinterBread", "#Bäckerei", "#パン", "#2026", "#winter_bread"])
def test_hashtags_of_any_script(tag: str) -> None:
    day = dt.date(2026, 11, 2)
    assert Campaign(key="k", name="n", goal="g", starts=day, ends=day, hashtags=(tag,)).hashtags == (tag,)


@pytest.mark.parametrize("other", ["https://www.shop.example", "http://shop.example/", "https://SHOP.example"])
def test_of_two_analytics_of_one_website_the_first_counts(other: str) -> None:
    web = (
        WebProperty(platform="search_console", site_id="sc-domain:shop.example", url=other, connection="c"),
        WebProperty(platform="ga4", site_id="123", url="https://shop.example", connection="c"),
        WebProperty(platform="matomo", site_id="1", url=other, connection="c"),
        WebProperty(platform="matomo", site_id="2", url="https://blog.shop.example", connection="c"),
    )
    client = load_client(EXAMPLE).model_copy(update={"web": web})
    assert [(each.platform, each.site_id) for each in client.visit_counters] == [("ga4", "123"), ("matomo", "2")]


WINTER = {"key": "winter", "assets": [poster()]}
SPRING = {"key": "spring", "starts": "2027-03-01", "ends": "2027-03-28", "assets": [poster(name="Window")]}


def test_a_path_that_is_pointed_elsewhere_keeps_its_history() -> None:
    client = with_campaigns(SPRING, WINTER)  # in whatever order the file has them

    def key_on(day: str) -> str | None:
        found = client.asset_by_path("/market", dt.date.fromisoformat(day))
        return found[0].key if found else None

    assert [key_on(day) for day in ("2026-11-01", "2026-11-02", "2026-11-29")] == [None, "winter", "winter"]
    # Nobody took the poster down: it is the winter's until the path is given to the spring.
    assert [key_on(day) for day in ("2026-12-24", "2027-02-28", "2027-03-01", "2027-06-01")] == [
        "winter", "winter", "spring", "spring",
    ]  # fmt: skip


@pytest.mark.parametrize(("path", "found"), [("/market", True), ("/Market/", True), ("/markets", False), ("/", False)])
def test_a_path_as_a_server_logs_it(path: str, found: bool) -> None:
    assert (with_campaigns(WINTER).asset_by_path(path, dt.date(2026, 11, 5)) is not None) is found


@pytest.mark.parametrize(("said", "found"), [("LOAF10", True), (" loaf10 ", True), ("LOAF", False)])
def test_a_promo_code_as_a_till_has_it(said: str, found: bool) -> None:
    code = {"kind": "promo_code", "name": "Ten", "code": "LOAF10"}
    client = with_campaigns({"key": "winter", "assets": [code]})
    assert (client.asset_by_code(said, dt.date(2026, 11, 5)) is not None) is found


def test_the_days_of_an_asset_are_its_campaigns_where_it_says_none() -> None:
    assets = [{"kind": "event", "name": str(n)} | days for n, days in enumerate([
        {}, {"starts": "2026-11-21"}, {"ends": "2026-11-10"}, {"ends": "2026-10-30"}, {"starts": "2026-12-05"},
    ])]  # fmt: skip
    (campaign,) = with_campaigns({"key": "winter", "assets": assets}).campaigns
    assert [tuple(f"{day:%m-%d}" for day in campaign.days_of(asset)) for asset in campaign.assets] == [
        ("11-02", "11-29"), ("11-21", "11-29"), ("11-02", "11-10"), ("10-30", "10-30"), ("12-05", "12-05"),
    ]  # fmt: skip


def test_a_campaign_without_channels_speaks_on_the_clients_platforms_unpaid() -> None:
    client = with_campaigns(WINTER, SPRING | {"channels": [{"channel": "instagram", "budget": 300}]})
    unpaid, paid = (client.channels_of(campaign) for campaign in client.campaigns)
    assert [(each.utm_source, each.paid_utm_source) for each in unpaid] == [("bluesky", None)]
    assert [(each.utm_source, each.paid_utm_source) for each in paid] == [("instagram", "instagram-ads")]


def test_advertising_has_no_unpaid_links() -> None:
    ads = Channel(channel="search_ads", budget=100)
    assert (ads.utm_source, ads.paid_utm_source) == (None, "search_ads")


@pytest.mark.parametrize(
    ("asset", "tag"),
    [({"utm_source": "market-poster"}, "market-poster"), ({}, "market"), ({"path": "/m/north"}, "m-north")],
)
def test_an_asset_without_utm_source_is_tagged_by_its_path(asset: dict[str, object], tag: str) -> None:
    (campaign,) = with_campaigns({"key": "winter", "assets": [poster(**asset)]}).campaigns
    assert campaign.assets[0].tag == tag


@pytest.mark.parametrize("page", ["https://shop.example/x", "https://www.shop.example", "https://SHOP.example/a?b=c&d"])
def test_a_landing_page_on_the_clients_website(page: str) -> None:
    with_campaigns(WINTER | {"landing_page": page})


@pytest.mark.parametrize(
    "page",
    ["https://shop.example.evil.example/", "https://evil.example/shop.example", "https://shop.example@evil.example/"],
)
def test_a_landing_page_elsewhere(page: str) -> None:
    with pytest.raises(ValidationError, match="none of the client's websites"):
        with_campaigns(WINTER | {"landing_page": page})


def test_all_amounts_are_in_the_clients_currency() -> None:
    def shop(currency: str) -> list[dict[str, object]]:
        options = {"currency": currency}
        return [
            {"platform": "ga4", "site_id": "1", "url": "https://shop.example", "connection": "g", "options": options}
        ]

    assert with_campaigns(web=shop("USD"), currency="USD")
    with pytest.raises(ValidationError, match=r"in USD, and those of the client are in EUR; write currency: EUR"):
        with_campaigns(web=shop("USD"))
