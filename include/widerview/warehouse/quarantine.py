"""The quarantine: what the gate held back, as it stands in the warehouse."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import Engine

from widerview.warehouse.sql import query


class Held(NamedTuple):
    """A row, or one running total of a row, that is held.

    Attributes:
        client_id: Whose it is.
        source: The platform or web analytics.
        ref: The account or web property.
        run: The Airflow run that made the pull.
        load_id: The pull: path of its manifest in landing.
        observed_at: When the pull had ended.
        row_index: Position of the row in the pull, from 0.
        metric: The running total that is held; None: the whole row.
        kind: Kind of row.
        reason: Why it is held.
        row: The row, as JSON.
        receipt: sha256 of the raw answer it was read from, in hex.
        raw: Where that answer lies in landing; None for what was held before this was kept.
    """

    client_id: str
    source: str
    ref: str
    run: str
    load_id: str
    observed_at: dt.datetime
    row_index: int
    metric: str | None
    kind: str
    reason: str
    row: str
    receipt: str
    raw: str | None


def held(
    engine: Engine,
    *,
    client_id: str | None = None,
    source: str | None = None,
    load_id: str | None = None,
    since: dt.datetime | None = None,
    most: int | None = None,
) -> list[Held]:
    """List what is held, the newest pull first: of a client, a source, a pull, or of pulls that ended since a moment.

    Args:
        engine: The warehouse.
        client_id: Of one client only.
        source: Of one source only.
        load_id: Of one pull only.
        since: Of pulls that ended since then only.
        most: How many at most; None: all.
    """
    asked = {"client_id": client_id, "source": source, "load_id": load_id, "since": since, "most": most}
    with engine.connect() as connection:
        return [Held(*row) for row in connection.execute(query("held"), asked)]


def held_pulls(engine: Engine, client_id: str, source: str | None = None) -> dict[str, int]:
    """Name the pulls of a client of which something is held, the oldest first, and how many rows and numbers it is."""
    with engine.connect() as connection:
        found = connection.execute(query("held_pulls"), {"client_id": client_id, "source": source})
        return {row.load_id: row.rows_held for row in found}
