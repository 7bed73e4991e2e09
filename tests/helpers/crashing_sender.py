"""A sender that kills itself at the nth step of its way, in a process of its own.

Run as a program it makes many of them, each a fork of itself, so that a start costs a few milliseconds: it reads lines
of JSON, each a list of arguments of senders that start at once, and answers with their exit codes.
"""

import datetime as dt
import json
import os
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy import create_engine, event

from widerview.delivery.outbox import Entry, deliver
from widerview.delivery.smtp import Mailer, Security, SmtpSettings


def nothing_stops(row: Entry, message: bytes) -> str | None:
    """A guard that lets every mail go."""


def send_and_die(
    url: str,
    port: int,
    period: str,
    revision: int,
    die_at: int,
    security: Security = "none",
    timeout: float = 30,
    certificates: str | None = None,
) -> None:
    """Deliver a report; a step lies before and after each SQL statement, each thing said over SMTP, each answer."""
    steps = 0
    if certificates:
        os.environ["SSL_CERT_FILE"] = certificates

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def with_steps(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def stepped(*args: Any, **kwargs: Any) -> Any:
            step()
            result = method(*args, **kwargs)
            step()
            return result

        return stepped

    for name in ("connect", "send", "getreply"):
        setattr(smtplib.SMTP, name, with_steps(getattr(smtplib.SMTP, name)))
    engine = create_engine(url)
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "after_cursor_execute", step)
    deliver(
        engine,
        client_id="otter-bakery",
        period=period,
        revision=revision,
        guard=nothing_stops,
        mailer_factory=lambda: Mailer(SmtpSettings("127.0.0.1", port, security=security, timeout=timeout)),
        is_open=lambda: True,
        clock=lambda: dt.datetime.now(dt.UTC),
    )


def main() -> None:
    for line in sys.stdin:
        senders = [_start(arguments) for arguments in json.loads(line)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(sender, 0)[1]) for sender in senders]
        sys.stdout.write(f"{json.dumps(codes)}\n")
        sys.stdout.flush()


def _start(arguments: list[Any]) -> int:
    process = os.fork()
    if process == 0:
        code = 1
        try:
            send_and_die(*arguments)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return process


if __name__ == "__main__":
    # Imported and connected to nothing before the forks, so that none of them has to.

    main()
