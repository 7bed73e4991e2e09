"""A QR poster, a promo code and an event, from the client's file to the campaign table of the mail."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, text

from house import ANCHOR, FIRST, SETTLED, SPINE, House, Sandbox, open_house
from widerview.agency.models import Channel, Client, Partner, PartnerAccount
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import CampaignFact, CampaignRow, Facts
from widerview.report.narrate_campaigns import row_number
from widerview.report.receipts import printed_numbers
from widerview.report.render import render
from widerview.sandbox.clients import write_drop_files
from widerview.sandbox.drop_folder import counted
from widerview.sandbox.website import web_visits
from widerview.sources.base import Window
from widerview.warehouse.tables import day_value

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"
POSTER, CODE, EVENT, NEWSLETTER = (
    "Market hall poster with QR code",
    "A roll on top of every loaf",
    "Bake-along",
    "Winter Loaf newsletter",
)


@pytest.fixture(scope="module")
def dropped(postgres, sandbox_server: Sandbox, tmp_path_factory) -> Iterator[House]:
    """A house that has read the platforms, the website and the bakery's drop folder."""
    folder = tmp_path_factory.mktemp("dropped")
    with open_house(postgres, sandbox_server, folder, SETTLED, platforms=(*SPINE, "drop_folder")) as house:
        write_drop_files(sandbox_server.model, folder / "drop_folders", SETTLED)
        house.ingest(Window(FIRST, ANCHOR + dt.timedelta(days=7)), "all")
        yield house


def campaign_of(house: House, client: Client | None = None, as_of: dt.datetime = SETTLED) -> CampaignFact:
    found = weekly.compose_facts(house.engine, client or house.agency.clients[BAKERY], WEEK, as_of)
    [campaign] = found.campaigns
    return campaign


def row(campaign: CampaignFact, metric: str, of: str = "") -> CampaignRow:
    [found] = [each for each in campaign.rows if (each.metric, each.of) == (metric, of)]
    return found


def truth(house: House, first: dt.date, last: dt.date) -> dict[tuple[str, str], float]:
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for day in Window(first, last).days:
        for what, value in counted(house.sandbox.model, BAKERY, day).items():
            sums[what] += value
    return sums


@pytest.mark.parametrize(
    ("asset", "metric", "what"),
    [
        (POSTER, "scans", ("/market", "scans")),
        (CODE, "redemptions", ("LOAF10", "redemptions")),
        (CODE, "revenue", ("LOAF10", "revenue")),
        (EVENT, "attendance", ("Bake-along", "attendance")),
        (NEWSLETTER, "emails_sent", (NEWSLETTER, "sent")),
        (NEWSLETTER, "email_clicks", (NEWSLETTER, "clicks")),
    ],
)
def test_what_people_counted_is_in_the_table_as_they_counted_it(
    dropped: House, asset: str, metric: str, what: tuple[str, str]
) -> None:
    campaign = campaign_of(dropped)
    found = row(campaign, metric, asset)
    assert found.group == "offline"
    assert found.week == pytest.approx(truth(dropped, WEEK.monday, WEEK.sunday)[what])
    assert found.so_far == pytest.approx(truth(dropped, campaign.starts, WEEK.sunday)[what])
    assert found.so_far > 0
    assert found.currency == ("EUR" if metric == "revenue" else None)


def test_visits_posts_and_touchpoints_are_the_true_ones_this_week_and_so_far(dropped: House) -> None:
    campaign = campaign_of(dropped)
    weeks = [dropped.sandbox.model.truth(BAKERY, WEEK.shift(ago).monday) for ago in (-1, 0)]
    visits = [sum(week.campaigns[campaign.key].values()) for week in weeks]
    assert (row(campaign, "visits").week, row(campaign, "visits").so_far) == (visits[1], sum(visits))
    poster = next(each for each in campaign.touchpoints if each.name == POSTER)
    assert (poster.visits, poster.so_far) == tuple(
        sum(week.campaigns[campaign.key].get("poster-market", 0) for week in some) for some in (weeks[1:], weeks)
    )
    assert row(campaign, "posts").week == campaign.posts
    assert {each.of for each in campaign.rows if each.metric == "reach"} == {"Bluesky", "Mastodon"}
    assert all(each.so_far is None for each in campaign.rows if each.metric == "reach"), "they tell no reach"


def test_a_campaign_from_friday_on_has_no_more_this_week_than_so_far(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    friday = WEEK.monday + dt.timedelta(days=4)
    late = client.campaigns[0].model_copy(update={"starts": friday})
    campaign = campaign_of(dropped, client.model_copy(update={"campaigns": (late,)}))
    counted = [each for each in campaign.rows if each.week is not None]
    assert {"visits", "posts", "scans", "redemptions", "claimed_conversions"} <= {each.metric for each in counted}
    for each in counted:
        assert each.so_far is not None
        assert each.week <= each.so_far, each
    assert campaign.visits == row(campaign, "visits").week
    for each in campaign.touchpoints:
        assert each.kind == "unmarked" or each.visits <= each.so_far
    everything = campaign_of(dropped)
    assert row(campaign, "posts").so_far < row(everything, "posts").so_far, "what was posted long before is another's"


def test_a_code_that_is_used_after_the_last_day_was_used_for_the_campaign(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    over = client.campaigns[0].model_copy(update={"ends": WEEK.monday + dt.timedelta(days=1)})
    campaign = campaign_of(dropped, client.model_copy(update={"campaigns": (over,)}))
    for metric in ("redemptions", "revenue"):
        assert row(campaign, metric, CODE) == row(campaign_of(dropped), metric, CODE)
    assert row(campaign, "visits") == row(campaign_of(dropped), "visits")
    assert row(campaign, "posts").week < row(campaign_of(dropped), "posts").week


def test_a_campaign_that_is_over_stays_while_something_of_it_moves(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    campaign = client.campaigns[0]

    def told(ended: dt.timedelta, **changed: object) -> Facts:
        ends = WEEK.monday - ended
        over = campaign.model_copy(update={"starts": ends - dt.timedelta(days=6), "ends": ends} | changed)
        return weekly.compose_facts(dropped.engine, client.model_copy(update={"campaigns": (over,)}), WEEK, SETTLED)

    yesterday = dt.timedelta(days=1)
    after = told(yesterday)
    assert [each.key for each in after.campaigns] == [campaign.key]
    assert after.running_campaigns == ()
    assert "campaign_visits" not in {figure.id for figure in after.figures}
    assert row(after.campaigns[0], "visits").week == row(campaign_of(dropped), "visits").week
    assert not told(dt.timedelta(weeks=5)).campaigns
    silent = {"key": "other", "assets": (), "channels": ()}
    assert not told(yesterday, **silent).campaigns
    event = tuple(asset for asset in campaign.assets if asset.name == EVENT)
    [late] = told(yesterday, **silent | {"assets": event}).campaigns
    assert row(late, "attendance", EVENT).so_far > 0, "heads that were told of late"


def test_what_a_partner_posts_is_part_of_the_campaign_and_of_no_figure_of_the_clients_own(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    theirs = next(account for account in client.accounts if account.platform == "mastodon")
    account = PartnerAccount(platform=theirs.platform, handle=theirs.handle)
    partner = Partner(name="Fern Example", accounts=(account,))
    campaign = client.campaigns[0].model_copy(update={"partners": (partner,)})
    own = tuple(each for each in client.accounts if each is not theirs)

    def told(**changed: object) -> Facts:
        return weekly.compose_facts(dropped.engine, client.model_copy(update=changed), WEEK, SETTLED)

    alone, together = told(accounts=own), told(campaigns=(campaign,))
    for name in ("figures", "posts", "posting", "conversation", "accounts", "grade"):
        assert getattr(together, name) == getattr(alone, name), name
    [found] = together.campaigns
    [posted] = [each for each in found.rows if each.group == "partners"]
    assert (posted.of, posted.metric) == ("Fern Example", "posts")
    assert posted.so_far > 0
    assert row(found, "posts").so_far + posted.so_far == row(campaign_of(dropped), "posts").so_far


def test_visits_that_began_on_its_pages_without_a_tag_stand_apart_and_are_in_no_other_row(dropped: House) -> None:
    campaign = campaign_of(dropped)
    model, pages = dropped.sandbox.model, {"/winter-loaf", "/bake-along"}

    def began(first: dt.date, last: dt.date, *, by: str | None) -> int:
        return sum(
            visit.pages[0].path in pages and (visit.origin.name if visit.origin.channel == "campaign" else None) == by
            for day in Window(first, last).days
            for visit in web_visits(model, BAKERY, day, SETTLED, late=True)
        )

    found = row(campaign, "untagged_landing_visits")
    assert found.group == "website"
    assert found.week == began(WEEK.monday, WEEK.sunday, by=None) > 0
    assert found.so_far == began(campaign.starts, WEEK.sunday, by=None)
    assert not found.at_least
    assert row(campaign, "visits").week == began(WEEK.monday, WEEK.sunday, by=campaign.key), (
        "counted by their tags alone"
    )
    assert campaign.visits == row(campaign, "visits").week


def test_a_website_that_does_not_tell_tagged_visits_apart_says_so_and_one_with_several_campaigns_counts_each_page(
    dropped: House,
) -> None:
    client = dropped.agency.clients[BAKERY]
    everything = campaign_of(dropped)
    with dropped.engine.begin() as connection:
        kept = connection.execute(
            text("DELETE FROM day_value WHERE metric = 'tagged_landing_visits' RETURNING *")
        ).mappings()
        rows = [dict(each) for each in kept]
    try:
        found = row(campaign_of(dropped), "landing_visits")
        assert found.week > row(everything, "untagged_landing_visits").week
        facts = weekly.compose_facts(dropped.engine, client, WEEK, SETTLED)
        label = "Visits that began on its pages, with or without a tag, not to be added"
        assert label in " ".join(render(facts, None).text.split())
    finally:
        with dropped.engine.begin() as connection:
            connection.execute(day_value.insert(), rows)
    assert campaign_of(dropped) == everything


def test_a_page_of_which_not_every_day_is_known_has_at_least_so_many(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    longer = client.campaigns[0].model_copy(update={"starts": FIRST - dt.timedelta(days=9)})
    found = row(campaign_of(dropped, client.model_copy(update={"campaigns": (longer,)})), "untagged_landing_visits")
    assert found.at_least
    assert found.so_far > row(campaign_of(dropped), "untagged_landing_visits").so_far
    elsewhere = client.campaigns[0].model_copy(update={"landing_page": None, "assets": ()})
    rows = campaign_of(dropped, client.model_copy(update={"campaigns": (elsewhere,)})).rows
    assert not [each for each in rows if each.metric.endswith("landing_visits")]


@pytest.mark.parametrize(("platform", "title"), [("meta", "Meta"), ("google_ads", "Google Ads")])
def test_what_an_ads_manager_claims_is_in_the_table_as_it_claims_it(dropped: House, platform: str, title: str) -> None:
    campaign = campaign_of(dropped)
    found = row(campaign, "claimed_conversions", title)
    ads = (f"{campaign.key}/{platform}", "claimed_conversions")
    assert found.group == "claimed"
    assert found.week == pytest.approx(truth(dropped, WEEK.monday, WEEK.sunday)[ads])
    assert found.so_far == pytest.approx(truth(dropped, campaign.starts, WEEK.sunday)[ads])
    assert found.so_far > 0
    with dropped.engine.connect() as connection:
        claimed, spent = connection.execute(
            text("""
                SELECT sum(claimed_conversions), sum(spend) FROM mart.ad_day
                WHERE platform = :platform AND campaign IN ('winter-loaf', 'winter loaf') AND day <= '2026-11-15'
            """),
            {"platform": platform},
        ).one()
    assert (claimed, spent) == pytest.approx(
        [truth(dropped, campaign.starts, WEEK.sunday)[ads[0], column] for column in ("claimed_conversions", "spend")]
    )


def test_the_column_of_claims_is_there_where_something_is_claimed_and_nowhere_else(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    facts = weekly.compose_facts(dropped.engine, client, WEEK, SETTLED)
    rendered = render(facts, None)
    claimed = row(facts.campaigns[0], "claimed_conversions", "Meta")
    week, so_far = (row_number(facts, claimed, number) for number in (claimed.week, claimed.so_far))
    assert float(week) == claimed.week != round(claimed.week), "platforms claim a part of a result"
    label = f"Results Meta claims, {week} of them this week"
    assert ">Claimed</th>" in rendered.html
    assert f">{label}</th><td></td><td></td><td>{so_far}</td>" in rendered.html
    assert f"{label}: {so_far} so far" in " ".join(rendered.text.split())
    assert f"| {label} |  |  | {so_far} |" in re.sub(r"\\([,.])", r"\1", rendered.markdown)
    assert "What platforms claim, never added to the above" in rendered.html

    unclaimed = client.model_copy(update={"offline": ()})
    without = weekly.compose_facts(dropped.engine, unclaimed, WEEK, SETTLED)
    assert not [each for each in without.campaigns[0].rows if each.group == "claimed"]
    for text_of in (render(without, None).html, render(without, None).text, render(without, None).markdown):
        assert "laimed" not in text_of
        assert "claims" not in text_of


def test_cost_is_held_against_results_of_one_kind(dropped: House) -> None:
    campaign = campaign_of(dropped)
    sums = truth(dropped, campaign.starts, WEEK.sunday)
    ads = sum(value for (_, column), value in sums.items() if column == "spend")
    assert ads > 0
    assert campaign.cost is not None
    assert campaign.cost.cost == pytest.approx(420 + ads, abs=1e-6)
    assert campaign.cost.ads == pytest.approx(ads, abs=1e-6)
    assert campaign.cost.metric == "redemptions", "no goal was reached on the website"
    assert campaign.cost.per_result == pytest.approx((420 + ads) / campaign.cost.results, abs=1e-4)
    assert campaign.cost.results == row(campaign, campaign.cost.metric, CODE).so_far


def test_what_ads_have_cost_stands_beside_what_they_may_cost(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    paid = client.campaigns[0].model_copy(update={"channels": (Channel(channel="bluesky", budget=300),)})
    facts = weekly.compose_facts(dropped.engine, client.model_copy(update={"campaigns": (paid,)}), WEEK, SETTLED)
    numbers = printed_numbers(facts)
    ads, budget = (numbers[f"campaign/{paid.key}/cost/{name}"] for name in ("ads", "budget"))
    assert (budget.value, budget.text) == (300, "€300.00")
    assert f"({ads.text} of it for ads, whose budget is €300.00)" in " ".join(render(facts, None).text.split())


def test_the_mail_shows_the_table_in_html_and_in_text(dropped: House) -> None:
    facts = weekly.compose_facts(dropped.engine, dropped.agency.clients[BAKERY], WEEK, SETTLED)
    rendered = render(facts, None)
    scans = row(facts.campaigns[0], "scans", POSTER)
    attendance = row(facts.campaigns[0], "attendance", EVENT)
    for number in (scans.week, scans.so_far, attendance.week):
        assert f">{number:,.0f}</td>" in rendered.html
    plain = " ".join(rendered.text.split())
    where = "Market hall, by the fountain"
    assert f"Scans: {POSTER}, {where}: {scans.week:,.0f} this week, {scans.so_far:,.0f} so far" in plain
    used, revenue = (row(facts.campaigns[0], metric, CODE) for metric in ("redemptions", "revenue"))
    assert (used.place, revenue.place) == ("In the newsletter", ""), "where it is seen is said once"
    assert f"People at the event: {EVENT}, Live from the kitchen, and online: {attendance.week:,.0f} this week" in plain
    assert "People reached on Bluesky, at least: not reported" in plain
    assert "∞" not in plain


def test_the_same_files_read_again_change_nothing_and_a_corrected_one_is_told_as_later(dropped: House) -> None:
    def stored() -> int:
        with dropped.engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM day_value WHERE source = 'drop_folder'")) or 0

    before, was = stored(), row(campaign_of(dropped), "attendance", EVENT).week
    dropped.sandbox.now[0] = later = SETTLED + dt.timedelta(hours=2)
    window = Window(ANCHOR - dt.timedelta(days=35), ANCHOR + dt.timedelta(days=7))
    dropped.pull(window, "again", "drop_folder")
    dropped.check_and_load("again", "drop_folder")
    assert stored() == before

    folder = dropped.root / "drop_folders" / BAKERY
    event = (ANCHOR - dt.timedelta(days=2)).isoformat()
    (folder / "recount.csv").write_text(f"day,event,attendance\n{event},bake-along,71\n{event},lantern walk,many\n")
    dropped.sandbox.now[0] = later + dt.timedelta(minutes=30)
    dropped.pull(window, "recount", "drop_folder")
    dropped.check_and_load("recount", "drop_folder")
    assert stored() == before + 1
    recounted = campaign_of(dropped, as_of=later + dt.timedelta(hours=1))
    assert row(recounted, "attendance", EVENT).week == 71
    assert row(campaign_of(dropped), "attendance", EVENT).week == was, "what was said then can be said again"
    with dropped.engine.connect() as connection:
        [(kind, reason)] = connection.execute(text("SELECT kind, reason FROM quarantine")).all()
        sources = connection.execute(
            text("SELECT asset, attendance FROM mart.asset_day WHERE attendance IS NOT NULL")
        ).all()
    assert kind == "unreadable"
    assert reason.startswith("recount.csv, row 3, column attendance: 'many' is no count; write a whole number")
    assert sources == [("bake-along", 71.0)]
    told = weekly.compose_facts(
        dropped.engine, dropped.agency.clients[BAKERY], WEEK, later + dt.timedelta(hours=1)
    ).sources
    [line] = [source.line for source in told if source.source == "drop_folder"]
    assert line == "1 line of 14 November from Drop folder cannot be right and is left out"


def test_of_one_thing_under_two_names_in_a_folder_the_table_saved_last_is_right(dropped: House) -> None:
    """The event by its utm_source and later by its name; ads by the campaign's name and later by its key."""
    client = dropped.agency.clients[BAKERY]
    assets = [
        asset.model_copy(update={"name": "Baking with Marta"} if asset.name == EVENT else {})
        for asset in client.campaigns[0].assets
    ]
    campaign = client.campaigns[0].model_copy(update={"assets": tuple(assets)})
    client = client.model_copy(update={"campaigns": (campaign,)})
    renamed = {"bake-along": "baking with marta", "winter loaf/meta": "winter-loaf/meta"}
    with dropped.engine.begin() as connection:
        is_told = day_value.c.metric.in_(["attendance", "claimed_conversions"]), day_value.c.recorded_at <= SETTLED
        for told in connection.execute(day_value.select().where(*is_told)).mappings().all():
            saved = {"observed_at": SETTLED - dt.timedelta(hours=1), "recorded_at": SETTLED, "value": 55.0}
            if member := renamed.get(told["member"]):
                connection.execute(day_value.insert(), [{**told, **saved, "member": member}])
    try:
        found = campaign_of(dropped, client)
        assert row(found, "attendance", "Baking with Marta").week == 55
        assert row(found, "claimed_conversions", "Meta").week == 7 * 55
    finally:
        with dropped.engine.begin() as connection:
            connection.execute(delete(day_value).where(day_value.c.member.in_(renamed.values())))


def test_nothing_counted_yet_is_not_reported_and_no_results_cost_nothing_each(dropped: House) -> None:
    client = dropped.agency.clients[BAKERY]
    campaign = client.campaigns[0]
    assets = [asset.model_copy(update={"code": "NEVER1"} if asset.code else {}) for asset in campaign.assets]
    renamed = campaign.model_copy(update={"key": "other", "assets": tuple(assets)})
    found = campaign_of(dropped, client.model_copy(update={"campaigns": (renamed,)}))
    used = row(found, "redemptions", CODE)
    assert (used.week, used.so_far) == (None, None)
    nowhere = [asset.model_copy(update={"path": "/nowhere"} if asset.name == POSTER else {}) for asset in assets]
    unread = renamed.model_copy(update={"assets": tuple(nowhere)})
    found = campaign_of(dropped, client.model_copy(update={"campaigns": (unread,)}))
    assert row(found, "scans", POSTER).so_far is None, "a poster with a path has scans, which nobody has told"
    assert found.cost is None or found.cost.per_result is None
