"""The whole house without Airflow: a real sandbox server, a real PostgreSQL, a landing folder."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import Engine

from widerview.agency.load import Agency, load_agency
from widerview.landing.store import Landing
from widerview.pipeline import ingest
from widerview.pipeline.connections import Access
from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.clients import write_clients
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import Simulation
from widerview.sandbox.server import create_app
from widerview.sources.base import Target, Window
from widerview.sources.registry import SOURCES
from widerview.warehouse.migrate import migrate

ANCHOR = dt.date(2026, 11, 16)
FIRST = ANCHOR - dt.timedelta(weeks=14)


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
        return Access(base_url=self.url, token=MATOMO_TOKEN if target.source == "matomo" else None)


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    model, faults = Simulation(46, ANCHOR), Faults()
    now = [dt.datetime(2026, 11, 17, 7, 0, tzinfo=dt.UTC)]
    server = uvicorn.Server(
        uvicorn.Config(create_app(model, lambda: now[0], faults), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Sandbox(f"http://127.0.0.1:{port}", model, faults, now)
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
                self.landing, SOURCES[source], batch, window, run, access or self.sandbox.access, self.sandbox.clock
            )

    def check_and_load(self, run: str, source: str) -> None:
        targets = [target for batch in ingest.plan(self.agency, source) for target in batch]
        pulls = ingest.pulls_of_run(self.landing, source, run, targets)
        ingest.check_pulls(self.landing, SOURCES[source], pulls)
        ingest.load_pulls(self.landing, SOURCES[source], pulls, self.engine)

    def ingest(self, window: Window, run: str) -> None:
        for source in SOURCES:
            self.pull(window, run, source)
            self.check_and_load(run, source)


@pytest.fixture
def house(sandbox_server: Sandbox, engine: Engine, tmp_path: Path) -> House:
    write_clients(tmp_path / "clients", ANCHOR)
    migrate(engine)
    sandbox_server.now[0] = dt.datetime(2026, 11, 17, 7, 0, tzinfo=dt.UTC)
    return House(sandbox_server, load_agency(tmp_path / "clients"), Landing(tmp_path / "landing"), engine, tmp_path)
