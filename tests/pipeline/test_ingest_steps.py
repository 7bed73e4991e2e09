"""Pull, check and load through the real rooms: a failure is one account's, and landing is enough."""

import datetime as dt
import socket
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, create_engine, text

from house import ANCHOR, FIRST, House
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, weekly
from widerview.pipeline.connections import Access
from widerview.quality.gate import PullRows
from widerview.quality.verdict import CheckResult, Outcome
from widerview.sandbox.faults import Injection
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES
from widerview.warehouse import migrate as migrations
from widerview.warehouse.load import load_pull
from widerview.warehouse.migrate import migrate
from widerview.warehouse.tables import metadata

WINDOW = Window(FIRST, ANCHOR)
SHORT = Window(ANCHOR - dt.timedelta(days=7), ANCHOR)


def tables(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table, as text; but for the salts, which are random, and the authors hashed with them."""
    with engine.connect() as connection:
        return {
            name: sorted(connection.scalars(text(f"SELECT (to_jsonb(r) - 'author')::text FROM \"{name}\" AS r")))
            for name in metadata.tables
            if name != "client_salt"
        }


def test_others_of_the_batch_go_on_and_a_retry_asks_only_for_what_failed(house: House) -> None:
    [[first], [second]] = ingest.plan(house.agency, "mastodon")
    asked: list[str] = []

    def access(target: ingest.Target) -> Access:
        asked.append(target.client_id)
        return house.sandbox.access(target)

    def pull() -> list[str]:
        return ingest.pull(
            house.landing, SOURCES["mastodon"], [first, second], lambda target: SHORT, "run", access,
            house.sandbox.clock,
        )  # fmt: skip

    house.sandbox.faults.inject(Injection(route="mastodon.lookup", fault="html_page", times=1))
    with pytest.raises(ingest.PullFailed, match=first.label) as failure:
        pull()
    assert second.label not in str(failure.value)
    assert asked == [first.client_id, second.client_id]
    house.sandbox.now[0] += dt.timedelta(minutes=2)
    assert len(pull()) == 2
    assert asked == [first.client_id, second.client_id, first.client_id]


class Calendar:
    """What is due of two accounts on a source, day by day; what is pulled of the first is loaded the morning after."""

    def __init__(self, house: House, source: str) -> None:
        self.engine, self.source = house.engine, SOURCES[source]
        self.anna, self.berta = (
            ingest.Target(client_id="lantern-lane", source=source, ref=ref, time_zone="UTC")
            for ref in ("anna", "berta")
        )

    def due(self, day: str, target: ingest.Target | None = None) -> str:
        window = ingest.window_due(self.engine, self.source, target or self.anna, dt.date.fromisoformat(day))
        assert str(window.last) == day
        return str(window.first)

    def pull(self, day: str) -> None:
        at = dt.datetime.fromisoformat(f"{day}T04:00:00+00:00") + dt.timedelta(days=1)
        load_pull(
            self.engine, load_id=day, target=self.anna, started_at=at, ended_at=at, digest=day.encode(), recorded_at=at,
            window=Window(dt.date.fromisoformat(self.due(day)), dt.date.fromisoformat(day)), rows=[],
        )  # fmt: skip


def test_the_longer_look_back_of_a_sunday_that_was_missed_comes_with_the_next_pull_of_that_account(
    house: House,
) -> None:
    facebook = Calendar(house, "facebook")
    assert facebook.due("2026-11-15") == "2026-09-16", "a Sunday"
    assert facebook.due("2026-11-17") == "2026-09-16", "nobody has pulled that Sunday's"
    facebook.pull("2026-11-17")
    assert facebook.due("2026-11-18") == "2026-10-19"
    assert facebook.due("2026-11-18", facebook.berta) == "2026-09-16"
    assert facebook.due("2026-11-21") == "2026-10-22"
    assert facebook.due("2026-11-23") == "2026-09-23", "the next Sunday was missed"


def test_days_that_were_missed_come_with_the_next_pull_of_that_account(house: House) -> None:
    matomo = Calendar(house, "matomo")
    assert matomo.due("2026-11-10") == "2026-11-07", "what was before its first pull is not asked for"
    matomo.pull("2026-11-10")
    assert matomo.due("2026-11-11") == matomo.due("2026-11-11", matomo.berta) == "2026-11-08"
    assert matomo.due("2026-11-16") == "2026-11-08", "five days were missed, and those before them had not settled"
    assert matomo.due("2026-11-16", matomo.berta) == "2026-11-13"
    assert matomo.due("2026-12-09") == "2026-11-09", "no more than 30 days"
    matomo.pull("2026-11-16")
    assert matomo.due("2026-11-17") == "2026-11-14"
    assert matomo.due("2026-11-12") == "2026-11-08", "a backfill looks at what was before it"


def test_a_dead_token_is_not_asked_again(house: House) -> None:
    def access(_: ingest.Target) -> Access:
        return Access(house.sandbox.url, "0" * 32)

    with pytest.raises(ingest.PullRefused, match="hollow-oak-bakery 1"):
        house.pull(SHORT, "run", "matomo", access)


def test_a_failed_pull_leaves_what_was_known(house: House) -> None:
    house.pull(SHORT, "first", "matomo")
    house.check_and_load("first", "matomo")
    before = tables(house.engine)
    house.sandbox.faults.inject(Injection(route="matomo*", fault="html_page"))
    with pytest.raises(ingest.PullFailed):
        house.pull(SHORT, "second", "matomo")
    house.sandbox.faults.clear()
    house.check_and_load("second", "matomo")
    assert tables(house.engine) == before


def test_clearing_check_and_load_changes_nothing(house: House) -> None:
    house.pull(SHORT, "run", "bluesky")
    house.check_and_load("run", "bluesky")
    before = tables(house.engine)
    house.check_and_load("run", "bluesky")
    assert tables(house.engine) == before


def test_a_damaged_answer_costs_its_account_and_no_other(house: House) -> None:
    house.pull(SHORT, "run", "bluesky")
    damaged = house.landing.read_pull(house.pulls[0])
    [file] = (house.root / "landing" / "raw").rglob(f"{damaged.pack}.gz")
    file.write_bytes(b"no gzip")
    with pytest.raises(ingest.LoadFailed, match=damaged.target.label) as failure:
        house.check_and_load("run", "bluesky")
    assert str(failure.value).count("\n") == 0, "one account only"
    with house.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM load")) == 2


def test_a_pull_that_is_loaded_late_changes_nothing_of_what_is_known_now(house: House) -> None:
    client, week = house.agency.clients["tidewater-cycles"], Week.parse("2026-W46")
    for day, run in enumerate(("first", "second", "third")):
        house.sandbox.now[0] = dt.datetime(2026, 11, 16, 6, 0, tzinfo=dt.UTC) + dt.timedelta(days=day)
        house.pull(SHORT, run, "matomo")
    for run in ("first", "third", "second"):
        house.check_and_load(run, "matomo")
    late = weekly.compose_facts(house.engine, client, week, house.sandbox.now[0])
    migrations.downgrade(house.engine, "base")
    migrate(house.engine)
    for run in ("first", "second", "third"):
        house.check_and_load(run, "matomo")
    assert weekly.compose_facts(house.engine, client, week, house.sandbox.now[0]) == late


def test_the_warehouse_and_the_mail_come_back_from_landing_with_the_network_off(
    house: House, postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ingest(WINDOW, "first")
    house.sandbox.now[0] += dt.timedelta(days=1)
    house.ingest(SHORT, "second")
    as_of = house.sandbox.now[0]
    clients = house.agency.clients.values()
    week = Week.parse("2026-W46")

    def mails(engine: Engine) -> list[weekly.Mail]:
        return [
            mail
            for client in clients
            for mail in weekly.mails(client, weekly.compose_facts(engine, client, week, as_of), "Well done.", as_of)
        ]

    rows, sent = tables(house.engine), mails(house.engine)
    name = house.engine.url.database
    house.engine.dispose()
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()

    def no_network(*_: object) -> None:
        raise AssertionError("a replay must not reach for the network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    anew = create_engine(house.engine.url)
    migrate(anew)
    assert ingest.replay(house.landing, SOURCES, anew) == (16, 0)
    assert tables(anew) == rows
    assert mails(anew) == sent
    anew.dispose()


def test_what_is_new_in_an_answer_that_cannot_be_read_is_recorded(house: House) -> None:
    """One key of another type can cost an account's week: the page of the run says which."""
    window = Window(ANCHOR - dt.timedelta(days=14), ANCHOR)
    house.pull(window, "honest", "mastodon")
    house.check_and_load("honest", "mastodon")
    house.sandbox.now[0] += dt.timedelta(hours=1)
    house.sandbox.faults.inject(Injection(route="mastodon*", fault="likes_as_object"))
    try:
        with pytest.raises(ingest.PullFailed):
            house.pull(window, "odd", "mastodon")
    finally:
        house.sandbox.faults.clear()
    targets = ingest.targets_of(house.agency.clients.values(), "mastodon")
    pulls = ingest.pulls_of_run(house.landing, "mastodon", "odd", targets)
    for result in ingest.check_pulls(house.landing, SOURCES["mastodon"], pulls, house.engine):
        assert {verdict.colour for verdict in result.verdicts} == {"red"}
        assert ("new key", "[].favourites_count.count") in {(each.change, each.path) for each in result.drift}


def test_a_check_that_breaks_on_one_pull_keeps_no_other_from_being_loaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.pull(Window(ANCHOR - dt.timedelta(days=7), ANCHOR), "now", "matomo")
    targets = ingest.targets_of(house.agency.clients.values(), "matomo")
    pulls = ingest.pulls_of_run(house.landing, "matomo", "now", targets)
    odd = pulls[0][1].target.client_id
    judge = ingest.check

    def breaking(some: Sequence[PullRows]) -> list[CheckResult]:
        if all(each.target.client_id != odd for each in some):
            return judge(some)
        broken = Outcome(suite="days", check="c", expectation="E", severity="info", judged=0, error="it broke")
        return [CheckResult(rejected=(), verdicts=(), outcomes=(broken,)) for _ in some]

    monkeypatch.setattr(ingest, "check", breaking)
    with pytest.raises(ingest.CheckBroken, match="it broke"):
        ingest.check_pulls(house.landing, SOURCES["matomo"], pulls, house.engine)
    with pytest.raises(ingest.LoadFailed, match=odd):
        ingest.load_pulls(house.landing, SOURCES["matomo"], pulls, house.engine)
    with house.engine.connect() as connection:
        loaded = set(connection.scalars(text("SELECT client_id FROM load")))
    assert loaded == {pull.target.client_id for _, pull in pulls} - {odd}
