"""What the delivery tests share: a mail server, and a warehouse with its tables."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from mail_server import MailServer
from widerview.warehouse.tables import metadata


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def warehouse(engine: Engine) -> Engine:
    metadata.create_all(engine)
    return engine
