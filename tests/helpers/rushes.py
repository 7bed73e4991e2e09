"""A bakery whose comments are read every night, and a rush of them."""

import datetime as dt
import os
import signal
import smtplib
from collections.abc import Sequence

from sqlalchemy import Engine

from otter_bakery import client
from widerview.agency.models import Client
from widerview.delivery.smtp import SmtpSettings
from widerview.pipeline import watch
from widerview.sources.base import AccountRow, CommentRow, PostRow, Row, Target, Window
from widerview.warehouse.database import connect
from widerview.warehouse.load import load_pull

NOW = dt.datetime(2026, 11, 18, 10, 30, tzinfo=dt.UTC)
"""A Wednesday, half past eleven in Berlin."""
READ_AT = dt.timedelta(hours=4)
QUIET_DAYS = 40
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
SAID = "You should take this post down"


def pull(
    engine: Engine,
    moments: Sequence[dt.datetime],
    at: dt.datetime,
    *,
    client_id: str = "otter-bakery",
    handle: str = "otter.example",
    first: dt.date | None = None,
    source: str = "bluesky",
) -> None:
    """Load a pull of one account, made at `at`, that tells of comments written at some moments."""
    yesterday = at.date() - DAY
    own = {"client_id": client_id, "source": source, "observed_at": at, "receipt": "00" * 32,
           "account_id": f"did:{client_id}"}  # fmt: skip
    rows: list[Row] = [
        AccountRow(**own, handle=handle, name=handle, url="https://social.example", counts={}),
        PostRow(**own, post_id="p1", published_at=at - 2 * DAY, kind="text", text="Rolls", tags=(), links=(),
                permalink=f"https://social.example/{client_id}/p1", counts={}),
    ]  # fmt: skip
    rows += [
        CommentRow(**own, comment_id=f"{moment:%Y%m%dT%H%M%S}.{number}", post_id="p1", published_at=moment,
                   author=f"did:guest{number}", own=False, text=SAID, permalink="https://social.example/c")
        for number, moment in enumerate(moments)
    ]  # fmt: skip
    load_pull(
        engine,
        load_id=f"{client_id}/{source}/{at:%Y%m%dT%H%M}",
        target=Target(client_id=client_id, source=source, ref=handle, time_zone="Europe/Berlin"),
        window=Window(first or yesterday - 2 * DAY, yesterday),
        started_at=at,
        ended_at=at,
        digest=f"{client_id} {at}".encode(),
        recorded_at=at,
        rows=rows,
    )


def read_quiet_days(engine: Engine, *, until: dt.datetime = NOW, days: int = QUIET_DAYS, **account: str) -> None:
    """Load a pull a night, each with one or two comments of the day before."""
    midnight = dt.datetime.combine(until.date(), dt.time(), dt.UTC)
    for ago in range(days, -1, -1):
        at = midnight - ago * DAY + READ_AT
        noon = at - READ_AT - 12 * HOUR
        pull(engine, [noon, noon + 5 * HOUR][: 1 + ago % 2], at, **account)


def rush_until(end: dt.datetime, comments: int = 30) -> list[dt.datetime]:
    """Moments of a rush: one every ten minutes, the last one at `end`."""
    return [end - number * dt.timedelta(minutes=10) for number in range(comments)][::-1]


def bakery(**changes: object) -> Client:
    """The bakery, whose account manager is written to."""
    return client(**({"crisis": {"alert": ["manager@agency.example"]}} | changes))


def tell_and_die(url: str, port: int, now: dt.datetime) -> None:
    """Tell of the bakery's rush, and be killed when the mail has gone out and before its answer is heard."""
    heard = smtplib.SMTP.getreply
    send = smtplib.SMTP.send

    def sending(self: smtplib.SMTP, data: bytes | str) -> None:
        send(self, data)
        if data == b".\r\n":
            heard(self)
            os.kill(os.getpid(), signal.SIGKILL)

    smtplib.SMTP.send = sending  # type: ignore[method-assign]
    settings = SmtpSettings("127.0.0.1", port, security="none")
    watch.tell(connect(url), bakery(), lambda: settings, lambda: now)
