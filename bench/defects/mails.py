"""What the client's mail would say of a spoilt week: whether it is held, and whether its numbers are true."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy import Connection, Engine

from widerview.agency.models import Client
from widerview.landing.store import Landing, Pull
from widerview.measures.weeks import Week
from widerview.pipeline import ingest
from widerview.report.compose import compose
from widerview.report.facts import Facts
from widerview.sources.base import Target
from widerview.sources.registry import SOURCES

Mail = Literal["held", "without it", "true", "not reported", "wrong, and says so", "WRONG"]
"""held: the verdict is red, nothing is sent. without it: the source is left out of all weeks, and the mail says so.
true: every figure is. not reported: those that are not true are not reported. wrong, and says so: a figure is not true,
and the mail names the source as one with gaps or unusual numbers. WRONG: a figure is not true, and nothing is said."""

SLACK = 0.05
"""By how much a figure may be off the truth: posts that the gate leaves out, and says so."""


def clients_read(clients: Sequence[Client], targets: Mapping[str, Target]) -> dict[str, Client]:
    """The clients, with those accounts and websites alone that are read."""
    read = {(target.client_id, source, target.ref) for source, target in targets.items()}
    return {
        client.client: client.model_copy(
            update={
                "accounts": [each for each in client.accounts if (client.client, each.platform, each.handle) in read],
                "web": [each for each in client.web if (client.client, each.platform, each.site_id) in read],
                "offline": [],
            }
        )
        for client in clients
    }


def mails(
    engine: Engine,
    landing: Landing,
    client: Client,
    source: str,
    week: Week,
    as_of: dt.datetime,
    honest: Mapping[str, tuple[str, Pull]],
    spoilt: Mapping[str, tuple[str, Pull]],
) -> dict[str, Mail]:
    """Say what the mail would be for each way in which a source was spoilt; nothing stays in the warehouse.

    Args:
        engine: A warehouse that knows the weeks before.
        landing: Where the pulls and the gate's findings lie.
        client: Whose mail it is.
        source: Which source is spoilt.
        week: The week.
        as_of: When the report is composed.
        honest: The pulls of the week as it was, by source.
        spoilt: The pulls of the spoilt week, by the defect.
    """
    titles = {name: each.title for name, each in SOURCES.items()}

    def told(connection: Connection, pull: tuple[str, Pull]) -> Facts:
        with suppress(ingest.LoadFailed):  # what cannot be read is not loaded, and its days are red
            load(connection, source, pull)
        return compose(connection, client, week, as_of, titles=titles, office_hours="")

    def load(connection: Connection, name: str, pull: tuple[str, Pull]) -> None:
        ingest.load_pulls(landing, SOURCES[name], [pull], connection, lambda pull: pull.ended_at)

    found: dict[str, Mail] = {}
    with engine.connect() as connection, _undone(connection.begin):
        for name, pull in honest.items():
            if name != source and pull[1].target.client_id == client.client:
                load(connection, name, pull)
        with _undone(connection.begin_nested):
            truth = told(connection, honest[source])
        for defect, pull in spoilt.items():
            with _undone(connection.begin_nested):
                found[defect] = _judge(told(connection, pull), truth, source)
    return found


@contextmanager
def _undone(begin: Callable[[], object]) -> Iterator[None]:
    transaction = begin()
    try:
        yield
    finally:
        transaction.rollback()  # type: ignore[attr-defined]


def _judge(facts: Facts, truth: Facts, source: str) -> Mail:
    spoilt = next(each for each in facts.sources if each.source == source)
    if facts.colour == "red":
        return "held"
    if spoilt.left_out:
        return "without it"
    true = {figure.id: figure.value for figure in truth.figures}
    pairs = [(figure.value, true.get(figure.id)) for figure in facts.figures]
    if all(value is None or (was is not None and abs(value - was) <= max(1, SLACK * was)) for value, was in pairs):
        lost = any(value is None and was is not None for value, was in pairs)
        return "not reported" if lost or len(facts.figures) < len(truth.figures) else "true"
    return "wrong, and says so" if spoilt.colour == "amber" else "WRONG"
