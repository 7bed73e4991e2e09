"""The whole house without Airflow: on a real sandbox server and a real PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from house import ANCHOR, FIRST, SETTLED, House, Sandbox, house_in, open_house, running_sandbox
from widerview.sources.base import Window
from widerview.warehouse.migrate import migrate


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    with running_sandbox(46, dt.datetime(2026, 11, 17, 7, 0, tzinfo=dt.UTC)) as sandbox:
        yield sandbox


@pytest.fixture
def house(sandbox_server: Sandbox, engine: Engine, tmp_path: Path) -> House:
    """A house that has read nothing yet."""
    migrate(engine)
    sandbox_server.now[0] = dt.datetime(2026, 11, 17, 7, 0, tzinfo=dt.UTC)
    return house_in(tmp_path, sandbox_server, engine)


@pytest.fixture(scope="session")
def well_read(
    postgres: URL, sandbox_server: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """The folder and database of a house that has read everything; databases of tests are copies of it."""
    folder = tmp_path_factory.mktemp("house")
    with open_house(postgres, sandbox_server, folder, SETTLED) as house:
        house.ingest(Window(FIRST, ANCHOR + dt.timedelta(days=7)), "first")
        house.engine.dispose()
        yield folder, str(house.engine.url.database)


@pytest.fixture
def told(well_read: tuple[Path, str], postgres: URL, sandbox_server: Sandbox) -> Iterator[House]:
    """A house that has read everything, eight days after the week's end."""
    folder, template = well_read
    with open_house(postgres, sandbox_server, folder, SETTLED, template=template) as house:
        yield house
