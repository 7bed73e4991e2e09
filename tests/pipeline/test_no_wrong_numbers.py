"""Whatever a platform does to its numbers: the mail is held, or says nothing that is not so."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from databases import temporary_database
from house import FIRST, House, Sandbox, house_in
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import Facts
from widerview.sandbox.faults import Injection
from widerview.sources.base import Window
from widerview.warehouse.migrate import migrate

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
    with temporary_database(postgres) as url:
        engine = create_engine(url)
        migrate(engine)
        sandbox_server.now[0] = MONDAY
        house_in(folder, sandbox_server, engine).ingest(Window(FIRST, WEEK.shift(-1).sunday), "past")
        engine.dispose()
        yield folder, str(url.database)


@pytest.fixture
def house_with_a_past(past: tuple[Path, str], postgres: URL, sandbox_server: Sandbox) -> Iterator[House]:
    folder, template = past
    sandbox_server.now[0] = TUESDAY
    with temporary_database(postgres, template) as url:
        engine = create_engine(url)
        yield house_in(folder, sandbox_server, engine)
        sandbox_server.faults.clear()
        engine.dispose()


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
    with temporary_database(postgres, template) as url:
        engine = create_engine(url)
        facts = read_week(house_in(folder, sandbox_server, engine))
        engine.dispose()
    return facts


def test_an_honest_week_is_told(truth: Facts) -> None:
    assert truth.colour == "green"
    assert None not in values(truth).values()


@pytest.mark.parametrize(
    "fault",
    [
        "posts_of_1970", "posts_in_the_future", "permalinks_empty", "post_id_null", "likes_key_gone", "likes_negative",
        "likes_in_thousands", "likes_halved", "counters_zero", "no_posts", "listing_truncated",
    ],
)  # fmt: skip
def test_a_report_that_lacks_what_it_leads_with_is_held(house_with_a_past: House, fault: str) -> None:
    facts = read_week(house_with_a_past, fault)
    assert facts.colour == "red", [source.line for source in facts.sources]
