"""The watch on the simulated agency, read every night over HTTP: a pile-on is told, everything else is left alone."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from house import ANCHOR, House, Sandbox, house_in, running_sandbox
from mail_server import MailServer
from widerview.delivery.smtp import SmtpSettings
from widerview.pipeline import ingest, watch
from widerview.sandbox.model import PileOn
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES
from widerview.warehouse.migrate import migrate

NIGHTS = 18
PILED, BEGINS = "tidewater-cycles", dt.datetime(2026, 11, 16, 18, 0, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 11, 17, 9, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    pile_on = PileOn(PILED, "bluesky", BEGINS)
    with running_sandbox(46, MORNING, [pile_on]) as running:
        yield running


@pytest.fixture
def house(sandbox: Sandbox, engine: Engine, tmp_path: Path) -> House:
    """A house that reads Bluesky every night, the last one after the pile-on."""
    migrate(engine)
    house = house_in(tmp_path, sandbox, engine, platforms=("bluesky", "matomo"))
    for ago in range(NIGHTS, -1, -1):
        sandbox.now[0] = MORNING.replace(hour=4) - ago * DAY
        read(house, sandbox.now[0])
    return house


def read(house: House, now: dt.datetime) -> None:
    """Pull and load; the gate has tests of its own."""
    run, yesterday = f"{now:%Y%m%d}", now.date() - DAY
    house.pull(Window(yesterday - 3 * DAY, yesterday), run, "bluesky")
    targets = ingest.targets_of(house.agency.clients.values(), "bluesky")
    pulls = ingest.pulls_of_run(house.landing, "bluesky", run, targets)
    ingest.check_pulls(house.landing, SOURCES["bluesky"], pulls, house.engine)
    ingest.load_pulls(house.landing, SOURCES["bluesky"], pulls, house.engine, recorded_at=lambda pull: pull.ended_at)


def test_only_the_client_that_is_piled_on_is_told_of(house: House) -> None:
    assert BEGINS.date() == ANCHOR
    with MailServer() as server:
        settings = SmtpSettings("127.0.0.1", server.port, security="none")
        for client in house.agency.clients.values():
            for now in (MORNING, MORNING + dt.timedelta(hours=1)):
                seen = watch.watch(house.engine, client, now)
                assert seen.unwatched == ()
                if seen.due:
                    watch.tell(house.engine, client, lambda: settings, lambda now=now: now)
        piled = house.agency.clients[PILED]
        assert server.received == {piled.sender.reply_to or piled.sender.email: 1}
    [crisis] = watch.watch(house.engine, piled, MORNING).crises
    # Forty comments in ten hours from six in the evening on; read at four in the morning.
    assert BEGINS < crisis.first_look <= BEGINS + dt.timedelta(hours=8)
    assert crisis.comments >= 35
