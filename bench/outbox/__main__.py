"""How many mails a second leave, to a mail server on this machine.

MAILS of them (10,000), each 20 kB and to a recipient of its own:

- `smtplib`: as most programs send, one connection a mail, `send_message` of a message that is built already;
- `mailer`: our own dialogue, the stored bytes over one connection;
- `outbox`: all that a report's mail goes through: its lock, the guard, every step committed to PostgreSQL; a tenth of
  the mails, since it is the slowest by far.

Once to smtp-sink (Postfix's own test server, no encryption), and once to Postfix itself over STARTTLS, which is what
a real mail server asks for.
"""

import datetime as dt
import json
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from sqlalchemy import Engine, create_engine, delete, make_url

from bench.machine import BUILD, machine
from certificates import write_certificate
from otter_bakery import HTML, client, report
from postfix_server import Postfix, why_not
from widerview.delivery.message import Mail, build
from widerview.delivery.outbox import drain, queue
from widerview.delivery.safety import Guard
from widerview.delivery.smtp import Accepted, Mailer, SmtpSettings
from widerview.demo.postgres import wheel
from widerview.warehouse.tables import metadata, outbox

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
_BATCH = 500
"""So many mails are made and held at a time; making them is not counted."""


def made(first: int, count: int) -> list[Mail]:
    """Mails as heavy as a report."""
    html = HTML.replace("</body>", f"<p>{'A normal week, told at some length. ' * 500}</p></body>")
    found = []
    for number in range(first, first + count):
        recipient = f"person{number}@otter.example"
        message = build(**report(html=html, recipient_email=recipient, recipient_name="Anna Otter"))
        found.append(Mail(recipient, f"<{number}@agency.example>", message))
    return found


def by_smtplib(settings: SmtpSettings, mails: list[Mail]) -> float:
    """One connection a mail."""
    messages = [message_from_bytes(mail.message, policy=SMTP) for mail in mails]
    context = ssl.create_default_context()
    started = time.perf_counter()
    for message in messages:
        with smtplib.SMTP(settings.host, settings.port) as smtp:
            if settings.security == "starttls":
                smtp.starttls(context=context)
            smtp.send_message(message)
    return time.perf_counter() - started


class ByMailer:
    """Stored bytes over one connection."""

    def __init__(self) -> None:
        self._mailer: Mailer | None = None

    def __call__(self, settings: SmtpSettings, mails: list[Mail]) -> float:
        self._mailer = self._mailer or Mailer(settings)
        started = time.perf_counter()
        for mail in mails:
            answer = self._mailer.send(recipient=mail.recipient, message=mail.message, before_data=lambda: None)
            assert isinstance(answer, Accepted), answer
        return time.perf_counter() - started


class ByOutbox:
    """The whole outbox, with a guard that knows 50 clients."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, settings: SmtpSettings, mails: list[Mail]) -> float:
        people = [{"name": "Anna Otter", "email": mail.recipient} for mail in mails]
        clients = {f"client-{number}": client(client=f"client-{number}", name=f"Sample Client {number}",
                                              recipients=[{"name": "A", "email": f"a@client{number}.example"}],
                                              accounts=[{"platform": "bluesky", "handle": f"client{number}.example"}])
                   for number in range(49)}  # fmt: skip
        guard = Guard(clients | {"otter-bakery": client(recipients=people)})
        with self._engine.begin() as connection:
            connection.execute(delete(outbox))
            queue(connection, client_id="otter-bakery", period="2026-W47", revision=1, mails=mails, now=NOW)
        started = time.perf_counter()
        [summary] = drain(self._engine, is_open=lambda client: True, guard=guard,
                          mailer_factory=lambda: Mailer(settings), clock=lambda: NOW).values()  # fmt: skip
        took = time.perf_counter() - started
        assert len(summary.sent) == len(mails), str(summary)[:500]
        return took


@contextmanager
def smtp_sink() -> Iterator[SmtpSettings]:
    """Postfix's own test server, which takes everything and keeps nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin") or ""
    sink = subprocess.Popen([program, "-u", "postfix", f"127.0.0.1:{port}", "1000"])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield SmtpSettings("127.0.0.1", port, security="none")
    finally:
        sink.terminate()
        sink.wait()


def measure(settings: SmtpSettings, engine: Engine, count: int) -> dict[str, float]:
    """Mails a second by contender, who take turns, so that what else the machine does falls on all of them."""
    contenders: dict[str, Callable[[SmtpSettings, list[Mail]], float]] = {
        "smtplib": by_smtplib, "mailer": ByMailer(), "outbox": ByOutbox(engine)
    }  # fmt: skip
    took, sent = dict.fromkeys(contenders, 0.0), dict.fromkeys(contenders, 0)
    for first in range(0, count, _BATCH):
        mails = made(first, min(_BATCH, count - first))
        for name, send in contenders.items():
            some = mails[: len(mails) // 10] if name == "outbox" else mails
            took[name] += send(settings, some)
            sent[name] += len(some)
    return {name: sent[name] / seconds for name, seconds in took.items()}


def main() -> None:
    count = int(os.environ.get("MAILS", "10000"))
    if missing := why_not():
        sys.exit(missing)
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="wv-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = wheel().get_server(folder / "data", cleanup_mode="stop")
        engine = create_engine(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
        try:
            metadata.create_all(engine)
            with smtp_sink() as settings:
                results["smtp-sink, no encryption"] = measure(settings, engine, count)
            (folder / "mta").mkdir()
            certificate = write_certificate(folder / "mail.pem")
            with Postfix(folder / "mta", certificate, keep=False) as mta:
                os.environ["SSL_CERT_FILE"] = str(certificate)
                tls = SmtpSettings("127.0.0.1", mta.port, security="starttls")
                results["Postfix, STARTTLS"] = measure(tls, engine, count)
        finally:
            engine.dispose()
            server.stop()
    print(f"| {count:,} mails of {len(made(0, 1)[0].message) / 1000:.0f} kB to | smtplib | mailer | outbox |")
    print("|---|---:|---:|---:|")
    for where, rates in results.items():
        cells = " | ".join(f"{rate:,.0f}/s ({rate / rates['smtplib']:.1f}×)" for rate in rates.values())
        print(f"| {where} | {cells} |")
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "outbox.json").write_text(json.dumps({"mails": count, "per_second": results} | machine(), indent=2))


main()
