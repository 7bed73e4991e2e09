"""The rooms of the house as a test uses them: read, check, load in one call."""

import datetime as dt
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
import yaml
from sqlalchemy import URL, Engine, create_engine

from databases import temporary_database
from widerview.agency.load import Agency, load_agency
from widerview.landing.store import Landing
from widerview.pipeline import ingest
from widerview.pipeline.connections import Access
from widerview.sandbox.clients import write_clients
from widerview.sandbox.connections import connections
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import PileOn, Simulation
from widerview.sandbox.server import create_app
from widerview.sources.base import Target, Window
from widerview.sources.registry import SOURCES
from widerview.warehouse.migrate import migrate

ANCHOR = dt.date(2026, 11, 16)
SETTLED = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
FIRST = ANCHOR - dt.timedelta(weeks=14)
SPINE = ("bluesky", "mastodon", "matomo")


@dataclass
class Sandbox:
    """A sandbox whose clock stands where the test puts it."""

    url: str
    model: Simulation
    faults: Faults
    now: list[dt.datetime]

    def clock(self) -> dt.datetime:
        return self.now[0]

    def access(self, target: Target) -> Access:
        found = connections(self.url).get(target.connection or "", {})
        return Access(base_url=found.get("host"), token=found.get("password"), login=found.get("login"))


@contextmanager
def running_sandbox(seed: int, now: dt.datetime, pile_ons: Sequence[PileOn] = ()) -> Iterator[Sandbox]:
    """A sandbox of that seed on a real, free port."""
    model, faults, clock = Simulation(seed, ANCHOR, pile_ons), Faults(), [now]
    app = create_app(model, lambda: clock[0], faults)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Sandbox(f"http://127.0.0.1:{port}", model, faults, clock)
    server.should_exit = True
    thread.join()


@dataclass
class House:
    """Everything a pipeline needs, and the steps in one call."""

    sandbox: Sandbox
    agency: Agency
    landing: Landing
    engine: Engine
    root: Path
    pulls: list[str] = field(default_factory=list)

    def pull(self, window: Window, run: str, source: str, access: Callable[[Target], Access] | None = None) -> None:
        for batch in ingest.plan(self.agency, source):
            self.pulls += ingest.pull(
                self.landing, SOURCES[source], batch, lambda target: window, run, access or self.sandbox.access,
                self.sandbox.clock,
            )  # fmt: skip

    def check_and_load(self, run: str, source: str) -> None:
        targets = ingest.targets_of(self.agency.clients.values(), source)
        pulls = ingest.pulls_of_run(self.landing, source, run, targets)
        ingest.check_pulls(self.landing, SOURCES[source], pulls, self.engine)
        ingest.load_pulls(self.landing, SOURCES[source], pulls, self.engine, recorded_at=lambda pull: pull.ended_at)

    def ingest(self, window: Window, run: str) -> None:
        for source in SOURCES:
            self.pull(window, run, source)
            self.check_and_load(run, source)


def house_in(folder: Path, sandbox: Sandbox, engine: Engine, *, platforms: Collection[str] = SPINE) -> House:
    """A house whose clients have accounts and analytics on some platforms only: reading all seventeen takes a while."""
    for path in write_clients(folder / "clients", ANCHOR):
        client = yaml.safe_load(path.read_text())
        for places in (client["accounts"], client["web"], client.get("offline", [])):
            places[:] = [place for place in places if place["platform"] in platforms]
        path.write_text(yaml.safe_dump(client, allow_unicode=True, sort_keys=False))
    return House(sandbox, load_agency(folder / "clients"), Landing(folder / "landing"), engine, folder)


@contextmanager
def open_house(
    postgres: URL,
    sandbox: Sandbox,
    folder: Path,
    at: dt.datetime,
    *,
    template: str = "",
    platforms: Collection[str] = SPINE,
) -> Iterator[House]:
    """A house with a database of its own: an empty one, or a copy of one in which something was read."""
    sandbox.now[0] = at
    with temporary_database(postgres, template) if template else temporary_database(postgres) as url:
        engine = create_engine(url)
        if not template:
            migrate(engine)
        yield house_in(folder, sandbox, engine, platforms=platforms)
        engine.dispose()
