"""A warehouse with a year of observations, made inside PostgreSQL: the real tables, keys, partitions and policies.

Rows lie in their tables in the order in which they would have arrived, morning after morning, client after client; so
those of one client lie as far apart as in real life.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, TextClause, text

from bench.asof.clients import FIRST_DAY, LAST_DAY, SITE_MEMBERS
from widerview.agency.models import Client
from widerview.pipeline.ingest import targets
from widerview.sources.base import Target
from widerview.sources.registry import SOURCES
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate
from widerview.warehouse.partitions import PARTITIONED, following, make_partitions


@cache
def query(name: str) -> TextClause:
    return text(Path(__file__).with_name("sql").joinpath(f"{name}.sql").read_text(encoding="utf-8"))


def fill(dsn: str, clients: Sequence[Client], observations: int) -> None:
    """Migrate an empty database and fill it.

    Args:
        dsn: Its URL.
        clients: Whose rows to make.
        observations: How many the first of them has, nearly; with several times its accounts, several times as many.
    """
    migrate(dsn)
    engine = connect(dsn)
    try:
        _prepare(engine, clients)
        _insert(engine, "load")
        values = [("account", FIRST_DAY), ("verdict", FIRST_DAY), *(("day_value", month) for month in _months())]
        _insert_all(engine, values)
        posts = _posts_of_an_account(engine, clients[0], observations)
        for table in ("post", "comment"):  # comments stand under posts
            _insert_all(engine, [(table, month) for month in _months()], posts)
    finally:
        engine.dispose()


def count(engine: Engine, client_id: str | None = None) -> int:
    """Count the observations of a client, or of all."""
    with engine.connect() as connection:
        return int(connection.scalar(query("count"), {"client_id": client_id}) or 0)


def _prepare(engine: Engine, clients: Sequence[Client]) -> None:
    wanted = [
        {
            "client_id": target.client_id,
            "source": source.name,
            "ref": target.ref,
            "entity_id": _entity_id(target),
            "zone": target.time_zone,
            "lookback_days": source.lookback_days,
        }
        for client in clients
        for source in SOURCES.values()
        for target in targets(client, source.name)
    ]
    with engine.begin() as connection:
        for statement in query("prepare").text.split(";\n"):
            connection.execute(text(statement))
        connection.execute(
            text("INSERT INTO asof.target VALUES (:client_id, :source, :ref, :entity_id, :zone, :lookback_days)"),
            wanted,
        )
        connection.execute(
            text("INSERT INTO asof.member VALUES (:dimension, :member, :share, :every_days, :starts)"),
            [
                dict(zip(("dimension", "member", "share", "every_days", "starts"), row, strict=True))
                for row in SITE_MEMBERS
            ],
        )
        connection.execute(text("ANALYZE asof.target, asof.member, asof.day_metric, asof.news"))
        make_partitions(connection, ((table, month) for table in PARTITIONED for month in _months()))


def _entity_id(target: Target) -> str:
    """The platform's own id, in the form that each of them has."""
    if target.source == "bluesky":
        return f"did:plc:{target.ref.partition('.')[0]}"
    if target.source == "mastodon":
        name, server = target.ref.removeprefix("@").split("@")
        return f"{server}/{name}"
    return target.ref


def _months() -> Iterator[dt.date]:
    month = FIRST_DAY.replace(day=1)
    while month <= LAST_DAY:
        yield month
        month = following(month)


def _insert_all(engine: Engine, steps: Sequence[tuple[str, dt.date]], posts: int = 0) -> None:
    """Fill tables, each the rows of a month, on both cores."""
    with ThreadPoolExecutor(2) as threads:
        for step in [threads.submit(_insert, engine, table, month, posts) for table, month in steps]:
            step.result()


def _insert(engine: Engine, table: str, month: dt.date = FIRST_DAY, posts: int = 0) -> None:
    values = {"first": FIRST_DAY, "last": LAST_DAY, "month": month, "next_month": following(month), "posts": posts}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        connection.execute(query(table), values)
        if table == "load":  # all other rows are made from these
            connection.execute(text("ANALYZE load"))


def _posts_of_an_account(engine: Engine, client: Client, observations: int) -> int:
    """How many posts each account must publish in the year, so that the client has that many observations in all.

    Raises:
        SystemExit: It has as many without any post.
    """
    before = count(engine, client.client)
    with engine.connect() as connection:
        of_posts = int(connection.scalar(query("observations_of_posts"), {"client_id": client.client}) or 0)
    if observations < before + of_posts:
        raise SystemExit(
            f"A client has {before:,} observations in a year without any post, and {of_posts} more with one post an "
            f"account: OBSERVATIONS must be at least CLIENTS times their sum, not times {observations:,}."
        )
    return round((observations - before) / of_posts)
