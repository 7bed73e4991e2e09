"""Made-up pulls for the warehouse's tests, and a look at everything a client has in it."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import Engine, select

from widerview.quality.verdict import DayVerdict, Rejected
from widerview.sources.base import AccountRow, CounterRow, DayRow, PostRow, Row, Target, Window
from widerview.warehouse.load import LoadCounts, load_pull
from widerview.warehouse.tables import metadata

CLIENT = "harbour-cafe"
DAWN = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)
MONDAY = DAWN.date()
TABLES = ("account", "post", "counter", "day_value", "load", "quarantine", "verdict")


def at(hours: float) -> dt.datetime:
    """A moment some hours after Monday 9 November 2026."""
    return DAWN + dt.timedelta(hours=hours)


def receipt(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def target(client: str = CLIENT, ref: str = "cafe.example") -> Target:
    return Target(client_id=client, source="bluesky", ref=ref, time_zone="Europe/Berlin")


def account(hours: float, name: str = "Harbour Café", client: str = CLIENT) -> AccountRow:
    return AccountRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        handle="cafe.example", name=name, url="https://social.example/cafe",
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
) -> PostRow:
    return PostRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        post_id=post_id, published_at=at(published), kind="text", text=text,
        permalink=f"https://social.example/{post_id}", tags=tags, links=links,
    )  # fmt: skip


def counter(
    hours: float, value: int | None, entity_id: str = "p1", metric: str = "likes", client: str = CLIENT
) -> CounterRow:
    return CounterRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), account_id="did:1",
        entity="account" if entity_id == "did:1" else "post", entity_id=entity_id, metric=metric, value=value,
    )  # fmt: skip


def day(
    hours: float,
    value: float | None,
    date: dt.date = MONDAY,
    *,
    dimension: str = "total",
    member: str = "",
    client: str = CLIENT,
) -> DayRow:
    return DayRow(
        client_id=client, source="bluesky", observed_at=at(hours), receipt=receipt(hours), entity_id="site-7", day=date,
        zone="Europe/Berlin", dimension=dimension, member=member, metric="visits", value=value,
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
) -> LoadCounts:
    """Load a pull that ended some hours after dawn, with a verdict on its one day."""
    return load_pull(
        engine,
        load_id=load_id,
        target=target(client, ref),
        window=Window(MONDAY, MONDAY),
        ended_at=at(ended),
        rows=rows,
        rejected=rejected,
        verdicts=[
            DayVerdict(client_id=client, source="bluesky", ref=ref, day=MONDAY, colour="amber", reasons=("late data",))
        ],
    )


def dump(engine: Engine, client: str = CLIENT) -> dict[str, list[tuple[object, ...]]]:
    """Everything a client has in the warehouse, without the client's id, in the order of the keys."""
    found = {}
    with engine.connect() as connection:
        for name in TABLES:
            table = metadata.tables[name]
            columns = [column for column in table.columns if column.name != "client_id"]
            query = select(*columns).where(table.c.client_id == client).order_by(*table.primary_key)
            found[name] = [tuple(_nameless(value) for value in row) for row in connection.execute(query)]
    return found


def _nameless(value: object) -> object:
    return {name: part for name, part in value.items() if name != "client_id"} if isinstance(value, dict) else value
