"""Made-up pulls for the warehouse's tests, and a look at everything a client has in it."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from widerview.quality.verdict import DayVerdict, Rejected, Shape, Trait
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    Dimension,
    PostRow,
    Row,
    Target,
    UnavailableRow,
    Window,
)
from widerview.warehouse.crises import Crisis
from widerview.warehouse.load import LoadCounts, load_pull
from widerview.warehouse.missing_metrics import remember
from widerview.warehouse.tables import metadata

CLIENT = "harbour-cafe"
DAWN = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)
MONDAY = DAWN.date()
TABLES = ("account", "post", "comment", "day_value", "load", "quarantine", "verdict")


def at(hours: float) -> dt.datetime:
    """A moment some hours after Monday 9 November 2026."""
    return DAWN + dt.timedelta(hours=hours)


def receipt(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def target(client: str = CLIENT, ref: str = "cafe.example") -> Target:
    return Target(client_id=client, source="bluesky", ref=ref, time_zone="Europe/Berlin")


def account(hours: float, name: str = "Harbour Café", client: str = CLIENT, **counts: int | None) -> AccountRow:
    return AccountRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        handle="cafe.example", name=name, url="https://social.example/cafe", counts=counts,
    )  # fmt: skip


def post(
    hours: float,
    post_id: str = "p1",
    *,
    published: float = 0,
    text: str = "Fresh rolls",
    tags: tuple[str, ...] = (),
    links: tuple[str, ...] = (),
    client: str = CLIENT,
    **counts: int | None,
) -> PostRow:
    return PostRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        post_id=post_id, published_at=at(published), kind="text", text=text,
        permalink=f"https://social.example/{post_id}", tags=tags, links=links,
        counts=counts,
    )  # fmt: skip


def counter(
    hours: float,
    value: int | None,
    entity_id: str = "p1",
    metric: str = "likes",
    client: str = CLIENT,
    *,
    published: float = 0,
) -> CounterRow:
    """One running total in an answer of its own; of a post unless `entity_id` is that of the account."""
    is_account = entity_id == "did:1"
    return CounterRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        post_id=None if is_account else entity_id, published_at=None if is_account else at(published),
        counts={metric: value},
    )  # fmt: skip


def comment(
    hours: float,
    comment_id: str = "c1",
    *,
    author: str = "did:guest",
    text: str = "Lovely!",
    published: float = 1,
    own: bool = False,
    reply_to: str | None = None,
    client: str = CLIENT,
) -> CommentRow:
    return CommentRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        comment_id=comment_id, post_id="p1", published_at=at(published), author=author, own=own, text=text,
        permalink=f"https://social.example/{comment_id}", reply_to=reply_to,
    )  # fmt: skip


def day(
    hours: float,
    value: float | None,
    date: dt.date = MONDAY,
    *,
    dimension: Dimension = "total",
    member: str = "",
    client: str = CLIENT,
) -> DayRow:
    return DayRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), entity="site",
        entity_id="site-7", day=date, zone="Europe/Berlin", dimension=dimension, member=member, metric="visits",
        value=value,
    )  # fmt: skip


def load(
    engine: Engine,
    rows: Iterable[Row],
    *,
    load_id: str,
    ended: float,
    client: str = CLIENT,
    ref: str = "cafe.example",
    rejected: Sequence[Rejected] = (),
    digest: str = "",
    began: float | None = None,
    recorded: float | None = None,
) -> LoadCounts:
    """Load a pull that took half an hour and ended some hours after dawn, with a verdict on its one day.

    It began half an hour before its end, and is recorded when it ended, unless told otherwise.
    """
    return load_pull(
        engine,
        load_id=load_id,
        target=target(client, ref),
        window=Window(MONDAY, MONDAY),
        started_at=at(ended - 0.5 if began is None else began),
        ended_at=at(ended),
        digest=hashlib.sha256((digest or load_id).encode()).digest(),
        recorded_at=at(ended if recorded is None else recorded),
        rows=rows,
        rejected=rejected,
        shapes={"posts": Shape(pulls=1, traits={"id": Trait(("string",), 1)})},
        verdicts=[
            DayVerdict(client_id=client, source="bluesky", ref=ref, day=MONDAY, colour="amber", reasons=("late data",))
        ],
    )


def crisis(client: str = CLIENT) -> Crisis:
    return Crisis(
        client_id=client, crisis="crisis-2026-11-09T02", first_look=at(2), last_look=at(2), peak_look=at(2), comments=9,
        usual_low=0, usual_high=2, looked_until=at(2),
    )  # fmt: skip


def remember_missing(connection: Connection, client: str = CLIENT) -> None:
    """A metric that the canary has missed of the client's account."""
    target = Target(client_id=client, source="bluesky", ref="cafe.example", time_zone="UTC")
    row = UnavailableRow(
        client_id=client, source="bluesky", observed_at=at(2), receipt="", metric="likes", native_metric="likeCount",
        reason="gone",
    )  # fmt: skip
    remember(connection, target, {"likes": row}, at(2))


def dump(engine: Engine, client: str = CLIENT) -> dict[str, list[tuple[Any, ...]]]:
    """Everything a client has in the warehouse, without the client's id, in the order of the keys."""
    found = {}
    with engine.connect() as connection:
        for name in TABLES:
            table = metadata.tables[name]
            columns = [column for column in table.columns if column.name != "client_id"]
            query = select(*columns).where(table.c.client_id == client).order_by(*table.primary_key)
            found[name] = [tuple(_nameless(value) for value in row) for row in connection.execute(query)]
    return found


Total = tuple[str, str, dt.datetime, int | None]


def counted(engine: Engine, client: str = CLIENT, table: str = "post") -> list[Total]:
    """Every running total that is stored: (post or account, metric, when observed, value)."""
    columns = metadata.tables[table].c
    entity = columns[f"{table}_id"]
    query = (
        select(entity, columns.observed_at, columns.counts)
        .where(columns.client_id == client, columns.counts.is_not(None))
        .order_by(entity, columns.observed_at, columns.recorded_at)
    )
    with engine.connect() as connection:
        found = [
            (entity_id, metric, observed_at, value)
            for entity_id, observed_at, counts in connection.execute(query)
            for metric, value in counts.items()
        ]
    return sorted(found, key=lambda each: each[:3])


def values_of(engine: Engine, metric: str = "likes", post_id: str = "p1") -> list[tuple[dt.datetime, int | None]]:
    """What is stored of one running total of a post, by the time it was observed."""
    return [each[2:] for each in counted(engine) if each[:2] == (post_id, metric)]


def _nameless(value: object) -> object:
    return {name: part for name, part in value.items() if name != "client_id"} if isinstance(value, dict) else value
