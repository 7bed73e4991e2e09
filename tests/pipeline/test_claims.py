"""Whatever platforms claim, no other number of a report changes: not a sum, not a cost, not a word."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from house import ANCHOR, FIRST, SETTLED, SPINE, House, Sandbox, open_house
from widerview.agency.models import ANNOUNCED
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report import campaigns
from widerview.report.facts import CampaignFact, Facts
from widerview.report.render import render
from widerview.sources.base import Window
from widerview.sources.drop_folder import AD_PLATFORMS
from widerview.warehouse.tables import day_value

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"


@pytest.fixture(scope="module")
def claiming(postgres, sandbox_server: Sandbox, tmp_path_factory) -> Iterator[House]:
    """A house with a fortnight of the spine, whose bakery has a drop folder that holds nothing yet."""
    folder = tmp_path_factory.mktemp("claiming")
    with open_house(postgres, sandbox_server, folder, SETTLED, platforms=(*SPINE, "drop_folder")) as house:
        for source in SPINE:
            house.pull(Window(FIRST, ANCHOR + dt.timedelta(days=7)), "all", source)
            house.check_and_load("all", source)
        yield house


claims = st.lists(
    st.tuples(
        st.sampled_from(["winter-loaf", "winter loaf"]),
        st.sampled_from(sorted(AD_PLATFORMS)),
        st.integers(-3, 27),
        st.floats(0.01, 10**6),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda claim: claim[:3],
)


def report(house: House, told: list[tuple[str, str, int, float]]) -> Facts:
    """The bakery's report where platforms claim this much."""
    rows = [
        {
            "client_id": BAKERY, "day": ANCHOR - dt.timedelta(days=14 - day), "source": "drop_folder",
            "entity": "folder", "entity_id": "shop", "dimension": "touchpoint", "member": f"{name}/{platform}",
            "metric": "claimed_conversions", "observed_at": SETTLED - dt.timedelta(days=1),
            "recorded_at": SETTLED - dt.timedelta(days=1), "zone": "Europe/Berlin", "value": value, "receipt": b"x",
        }
        for name, platform, day, value in told
    ]  # fmt: skip
    with house.engine.begin() as connection:
        connection.execute(delete(day_value).where(day_value.c.metric == "claimed_conversions"))
        if rows:
            connection.execute(day_value.insert(), rows)
    return weekly.compose_facts(house.engine, house.agency.clients[BAKERY], WEEK, SETTLED)


def beside(campaign: CampaignFact) -> CampaignFact:
    """A campaign without what platforms claim of it."""
    return msgspec.structs.replace(campaign, rows=tuple(row for row in campaign.rows if row.group != "claimed"))


def unclaimed(facts: Facts) -> Facts:
    return msgspec.structs.replace(facts, campaigns=tuple(map(beside, facts.campaigns)))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(told=claims)
def test_no_other_number_and_no_word_changes_with_what_platforms_claim(claiming: House, told) -> None:
    honest = report(claiming, [])
    facts = report(claiming, told)
    assert unclaimed(facts) == honest
    assert render(unclaimed(facts), None) == render(honest, None)
    [campaign] = facts.campaigns
    of_platform: dict[str, float] = defaultdict(float)
    for _, platform, day, value in told:
        if ANCHOR - dt.timedelta(days=14 - day) in Window(campaign.starts - ANNOUNCED, WEEK.sunday).days:
            of_platform[AD_PLATFORMS[platform]] += value
    rows = {row.of: row.so_far for row in campaign.rows if row.group == "claimed"}
    assert rows == pytest.approx(dict(of_platform)), "each platform for itself, and no row for all of them"


TOLD = [("winter-loaf", "meta", 10, 7.0), ("winter-loaf", "google_ads", 11, 5.0)]


def mistaken_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are taken for results of the website."""
    honest = campaigns._Counted.read

    def read(*args, **more):
        counted = honest(*args, **more)
        claimed = {name: days for (metric, name, _), days in counted.ads.items() if metric == "claimed_conversions"}
        results = {("conversions", name): days for name, days in claimed.items()}
        return replace(counted, campaigns={**counted.campaigns, **results}, metrics=counted.metrics | {"conversions"})

    monkeypatch.setattr(campaigns._Counted, "read", read)


def mistaken_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are taken for money."""
    honest = campaigns._Table._ads
    monkeypatch.setattr(campaigns._Table, "_ads", lambda table, metric: honest(table, "claimed_conversions"))


def mistaken_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims stand among what the website measured."""
    honest = campaigns._Table._claims

    def claims(table):
        for row in honest(table):
            yield msgspec.structs.replace(row, group="website")

    monkeypatch.setattr(campaigns._Table, "_claims", claims)


def test_what_is_claimed_and_nothing_else_is_in_the_column(claiming: House) -> None:
    assert unclaimed(report(claiming, TOLD)) == report(claiming, [])


@pytest.mark.parametrize("mistake", [mistaken_results, mistaken_cost, mistaken_group])
def test_the_check_itself_finds_claims_that_were_added(claiming: House, mistake, monkeypatch) -> None:
    mistake(monkeypatch)
    assert unclaimed(report(claiming, TOLD)) != report(claiming, [])


def test_of_two_folders_that_tell_of_the_same_ads_the_first_is_believed(claiming: House) -> None:
    facts = report(claiming, TOLD)
    client = claiming.agency.clients[BAKERY]
    second = client.offline[0].model_copy(update={"name": "agency"})
    with claiming.engine.begin() as connection:
        rows = [dict(row) for row in connection.execute(
            day_value.select().where(day_value.c.metric == "claimed_conversions")).mappings()]  # fmt: skip
        connection.execute(day_value.insert(), [row | {"entity_id": "agency", "value": 99.0} for row in rows])
    both = client.model_copy(update={"offline": (*client.offline, second)})
    assert weekly.compose_facts(claiming.engine, both, WEEK, SETTLED).campaigns == facts.campaigns
    other = client.model_copy(update={"offline": (second, *client.offline)})
    [campaign] = weekly.compose_facts(claiming.engine, other, WEEK, SETTLED).campaigns
    assert {row.of: row.so_far for row in campaign.rows if row.group == "claimed"} == {"Meta": 99, "Google Ads": 99}
