"""A sender that kills itself at the nth step of its way, to be run in a process of its own."""

import datetime as dt
import os
import signal
import smtplib
from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy import create_engine, event

from widerview.delivery.outbox import Entry, deliver
from widerview.delivery.smtp import Mailer, SmtpSettings


def nothing_stops(row: Entry, message: bytes) -> str | None:
    """A guard that lets every mail go."""


def send_and_die(url: str, port: int, period: str, revision: int, die_at: int) -> None:
    """Deliver a report; a step lies before each SQL statement, each thing said over SMTP and each answer heard."""
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def with_steps(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def stepped(*args: Any, **kwargs: Any) -> Any:
            step()
            return method(*args, **kwargs)

        return stepped

    for name in ("connect", "send", "getreply"):
        setattr(smtplib.SMTP, name, with_steps(getattr(smtplib.SMTP, name)))
    engine = create_engine(url)
    event.listen(engine, "before_cursor_execute", step)
    deliver(
        engine,
        client_id="otter-bakery",
        period=period,
        revision=revision,
        guard=nothing_stops,
        mailer_factory=lambda: Mailer(SmtpSettings("127.0.0.1", port, security="none")),
        clock=lambda: dt.datetime.now(dt.UTC),
    )
