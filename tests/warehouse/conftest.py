"""A migrated warehouse, opened as the project opens it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine

from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate


@pytest.fixture
def warehouse(database: URL) -> Iterator[Engine]:
    """The test's own warehouse, migrated and empty."""
    engine = connect(database.render_as_string(hide_password=False))
    migrate(engine)
    yield engine
    engine.dispose()
