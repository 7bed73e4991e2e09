"""All seventeen sources at once, from the sandbox to the facts of a report."""

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import text

from house import ANCHOR, SETTLED, House, Sandbox, open_house
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.sandbox.clients import write_access_logs, write_drop_files
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES

WEEK = Week.of(ANCHOR - dt.timedelta(days=1))
FIRST = WEEK.shift(-1).monday


@pytest.fixture(scope="module")
def wide(postgres, sandbox_server: Sandbox, tmp_path_factory):
    """A house that has read two weeks of everything, eight days after the report's week."""
    folder = tmp_path_factory.mktemp("wide")
    with open_house(postgres, sandbox_server, folder, SETTLED, platforms=SOURCES) as house:
        write_access_logs(sandbox_server.model, folder / "access_logs", FIRST, SETTLED)
        write_drop_files(sandbox_server.model, folder / "drop_folders", SETTLED)
        house.ingest(Window(FIRST, ANCHOR + dt.timedelta(days=7)), "all")
        yield house


def facts_of(house: House, client: str):
    return weekly.compose_facts(house.engine, house.agency.clients[client], WEEK, SETTLED)


@pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])
def test_every_account_has_its_posts_and_every_number_of_the_website_counts_once(wide: House, client: str) -> None:
    truth = wide.sandbox.model.truth(client, WEEK.monday)
    facts = facts_of(wide, client)
    titles = {SOURCES[name].title: name for name in SOURCES}
    assert {titles[each.platform]: each.posts for each in facts.accounts} == truth.posts
    visits = next(figure for figure in facts.figures if figure.id == "visits")
    assert visits.value == truth.visits, "a second analytics of the same website adds nothing"
    assert {channel.channel: channel.visits for channel in facts.channels} == {
        channel: count for channel, count in truth.channels.items() if count
    }


def test_what_a_client_wrote_is_counted_once_wherever_it_was_told(wide: House) -> None:
    truth = sum(
        sum(wide.sandbox.model.truth(client, WEEK.monday).replies_written.values()) for client in wide.agency.clients
    )
    written = sum(facts_of(wide, client).conversation.written for client in wide.agency.clients)
    assert 0.7 * truth <= written <= truth, "answers under older posts are not asked for everywhere"


def test_nothing_is_held_and_nothing_is_red(wide: House) -> None:
    with wide.engine.connect() as connection:
        held = connection.execute(text("SELECT client_id, kind, metric, reason, row FROM quarantine")).all()
        verdicts = Counter(
            (row.source, row.colour, row.reason)
            for row in connection.execute(
                text("""
                    SELECT source, colour, reasons ->> 0 AS reason FROM verdict
                    WHERE day BETWEEN '2026-11-02' AND '2026-11-15' AND colour <> 'green'
                """)
            )
        )
    assert held == []
    assert verdicts == {}


def test_the_marts_of_every_source_have_rows(wide: House) -> None:
    with wide.engine.connect() as connection:
        sources = set(connection.scalars(text("SELECT DISTINCT source FROM mart.source_health")))
        assert sources == set(SOURCES)
        posting = set(connection.scalars(text("SELECT DISTINCT source FROM mart.post")))
        assert posting == {name for name, source in SOURCES.items() if source.kind == "social"}
        measured = set(connection.scalars(text("SELECT DISTINCT source FROM mart.web_day")))
        assert measured == {name for name, source in SOURCES.items() if source.kind == "web"}
        unavailable = connection.execute(text("SELECT source, unavailable FROM mart.source_health")).all()
        assert all(row.unavailable == {} for row in unavailable)


def test_the_forms_that_tiktok_claims_stand_apart_and_are_those_of_the_campaigns_posts(wide: House) -> None:
    [campaign] = facts_of(wide, "hollow-oak-bakery").campaigns
    model = wide.sandbox.model
    posts = [post for post in model.own_posts("hollow-oak-bakery", "tiktok", SETTLED) if "#WinterLoaf" in post.text]
    zone = model.profile("hollow-oak-bakery").zone

    def sent(first: dt.date) -> int:
        days = Window(first, WEEK.sunday).days
        return sum(post.count("views", SETTLED) // 400 for post in posts if post.at.astimezone(zone).date() in days)

    claimed = {(row.metric, row.of): (row.week, row.so_far) for row in campaign.rows if row.group == "claimed"}
    assert claimed["claimed_leads", "TikTok"] == (sent(WEEK.monday), sent(campaign.starts))
    assert set(claimed) == {
        ("claimed_leads", "TikTok"), ("claimed_conversions", "Meta"), ("claimed_conversions", "Google Ads"),
    }  # fmt: skip
    assert campaign.cost is not None
    assert campaign.cost.metric not in {metric for metric, _ in claimed}


def test_two_analytics_of_one_website_tell_the_same_of_the_campaigns_pages(wide: House) -> None:
    with wide.engine.connect() as connection:
        told = connection.execute(
            text("""
                SELECT source, day, member, landing_visits, tagged_landing_visits FROM mart.web_day
                WHERE client_id = 'hollow-oak-bakery' AND dimension = 'page' AND landing_visits IS NOT NULL
            """)
        ).all()
    by_source: dict[str, set[tuple]] = {}
    for source, *values in told:
        by_source.setdefault(source, set()).add(tuple(values))
    assert set(by_source) == {"matomo", "ga4"}
    assert by_source["matomo"] == by_source["ga4"]
    assert {page for _, page, *_ in by_source["ga4"]} == {"/winter-loaf", "/bake-along"}
