"""Whatever a platform does to its numbers: the mail is held, or says nothing that is not so."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from house import FIRST, House, Sandbox, open_house
from widerview.clock import utc_now
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, weekly
from widerview.pipeline.quarantine import NotHeld, release
from widerview.pipeline.releases import read_releases
from widerview.report.facts import Facts
from widerview.report.render import render
from widerview.sandbox.faults import Injection
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"
MONDAY = dt.datetime(2026, 11, 9, 4, 5, tzinfo=dt.UTC)
TUESDAY = dt.datetime(2026, 11, 17, 4, 5, tzinfo=dt.UTC)
SOCIAL = ("bluesky", "mastodon")
FROM_POSTS = ("reactions_per_post", "replies_received", "passed_on")

Told = Callable[..., Facts]


@pytest.fixture(scope="module")
def past(
    postgres: URL, sandbox_server: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """The folder and database of a house that has read all weeks before the report's."""
    folder = tmp_path_factory.mktemp("house")
    with open_house(postgres, sandbox_server, folder, MONDAY) as house:
        house.ingest(Window(FIRST, WEEK.shift(-1).sunday), "past")
        house.engine.dispose()
        yield folder, str(house.engine.url.database)


@pytest.fixture
def house_with_a_past(past: tuple[Path, str], postgres: URL, sandbox_server: Sandbox) -> Iterator[House]:
    folder, template = past
    with open_house(postgres, sandbox_server, folder, TUESDAY, template=template) as house:
        yield house
        sandbox_server.faults.clear()


def read_week(house: House, fault: str = "", *, week: Week = WEEK, at: dt.datetime = TUESDAY) -> Facts:
    """Read a week with what both social platforms tell spoilt, on the Tuesday after; give its report's facts."""
    house.sandbox.now[0] = at
    window = Window(week.monday - dt.timedelta(days=21), week.shift(1).monday)
    for source in (*SOCIAL, "matomo"):
        if fault and source in SOCIAL:
            house.sandbox.faults.inject(Injection(route=f"{source}*", fault=fault))
        house.pull(window, f"{fault or 'honest'} {week}", source)
        house.sandbox.faults.clear()
        house.check_and_load(f"{fault or 'honest'} {week}", source)
    return weekly.compose_facts(house.engine, house.agency.clients[BAKERY], week, at)


def values(facts: Facts) -> dict[str, float | None]:
    return {figure.id: figure.value for figure in facts.figures if figure.id in FROM_POSTS}


@pytest.fixture(scope="module")
def truth(past: tuple[Path, str], postgres: URL, sandbox_server: Sandbox) -> Facts:
    folder, template = past
    with open_house(postgres, sandbox_server, folder, TUESDAY, template=template) as house:
        return read_week(house)


def test_an_honest_week_is_told(truth: Facts) -> None:
    assert truth.colour == "green"
    assert None not in values(truth).values()


@pytest.mark.parametrize(
    "fault",
    [
        "posts_of_1970", "posts_in_the_future", "likes_key_gone", "likes_negative", "likes_in_thousands",
        "likes_halved", "counters_zero", "no_posts", "listing_truncated",
    ],
)  # fmt: skip
def test_a_report_that_lacks_what_it_leads_with_is_held(house_with_a_past: House, fault: str) -> None:
    facts = read_week(house_with_a_past, fault)
    assert facts.colour == "red", [source.line for source in facts.sources]


def test_a_metric_that_is_given_up_holds_one_report_and_is_told_by_name_in_the_next(house_with_a_past: House) -> None:
    first = read_week(house_with_a_past, "likes_key_gone", week=WEEK.shift(-1), at=MONDAY + dt.timedelta(hours=1))
    assert first.colour == "red"
    facts = read_week(house_with_a_past, "likes_key_gone")
    assert facts.colour == "amber"
    found = values(facts)
    assert found.pop("reactions_per_post") is None, "what is left of a sum is none"
    assert None not in found.values()
    [bluesky] = [source for source in facts.sources if source.source == "bluesky"]
    assert bluesky.not_given == ("Likes",)
    text = " ".join(render(facts, None).text.split())
    assert "Bluesky and Mastodon data has gaps or looks unusual" in text
    assert "Bluesky (incomplete): not given by the platform: Likes." in text.replace("\u00a0", " ")


def test_a_verdict_without_anything_held_can_be_released(house_with_a_past: House) -> None:
    house = house_with_a_past
    facts = read_week(house, "no_posts")
    assert facts.colour == "red"
    client = house.agency.clients[BAKERY]
    assert "its option `--verdict`" in weekly.why_held(house.engine, client, facts)
    told = {"why": "They begin anew.", "by": "mara", "at": TUESDAY}
    for source in SOCIAL:
        [target] = ingest.targets(client, source)
        [(load_id, _)] = ingest.pulls_of_run(house.landing, source, f"no_posts {WEEK}", [target])
        done = release(house.landing, SOURCES, house.engine, BAKERY, load_id, verdict=True, **told)
        assert (done.places, done.still_red) == (1, ())
        again = release(house.landing, SOURCES, house.engine, BAKERY, load_id, verdict=True, **told)
        assert again.places == 0
        [kept] = read_releases(house.landing, load_id)
        assert (kept.index, kept.by) == (None, "mara")
        assert "lists none of the" in kept.why
    [matomo] = ingest.pulls_of_run(house.landing, "matomo", f"no_posts {WEEK}", ingest.targets(client, "matomo"))
    with pytest.raises(NotHeld, match=r"No day of .* is red"):
        release(house.landing, SOURCES, house.engine, BAKERY, matomo[0], verdict=True, **told)
    facts = weekly.compose_facts(house.engine, client, WEEK, utc_now())
    assert facts.colour == "amber"
    assert "lists none of the" in facts.sources[0].line
