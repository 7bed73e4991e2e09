"""Seeded runs of the send path: a sender is killed at a random point while the mail server and the wire fail.

Each run puts a report into the outbox, lets one or two senders at it, kills them at a random step or not at all,
and then lets others take over, as a retried or cleared task does, until nothing is left to do. What the outbox says in
the end is held against what the mail servers have really taken.
"""

import datetime as dt
import json
import os
import random
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

import crashing_sender
from certificates import write_certificate
from crashing_sender import nothing_stops
from cutting_proxy import Cut, CuttingProxy
from mail_server import DROP, MailServer
from otter_bakery import NOW, mails
from postfix_server import LATER, REFUSED, SPAM, Postfix
from widerview.delivery.outbox import Summary, deliver, list_rows, queue
from widerview.delivery.smtp import Mailer, Security, SmtpSettings
from widerview.warehouse.database import connect

PERIOD = "2026-W47"
TIMEOUT = 0.4
_STEPS = 110
"""About as many steps has the way of three mails; a run whose sender is to die later is one without a kill."""

_REPLIES = [
    ("MAIL", "451 later"), ("MAIL", "421 closing"), ("MAIL", DROP), ("RCPT", "450 greylisted"),
    ("RCPT", "550 5.7.1 no"), ("RCPT", DROP), ("DATA", "451 later"), ("DATA", "554 no"), ("DATA", DROP),
    ("body", DROP), ("answer", "451 later"), ("answer", "421 closing"), ("answer", "554 looks like spam"),
    ("answer", "-1 nonsense"), ("answer", DROP),
]  # fmt: skip


@dataclass
class Table:
    """What came of the runs; each count but the first three is of mails."""

    runs: int = 0
    killed: int = 0
    mails: int = 0
    sent: int = 0
    failed: int = 0
    put_off: int = 0
    uncertain_arrived: int = 0
    uncertain_not: int = 0
    duplicates: list[str] = field(default_factory=list)
    silent_losses: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Write it as Markdown."""
        values = {
            "runs": self.runs, "senders killed": self.killed, "mails": self.mails, "sent": self.sent,
            "failed, and told": self.failed, "put off, and told": self.put_off,
            "uncertain, and listed: had arrived": self.uncertain_arrived,
            "uncertain, and listed: had not": self.uncertain_not,
            "**duplicates**": len(self.duplicates), "**silent losses**": len(self.silent_losses),
            "**said to be unsent, though it was**": len(self.untrue),
        }  # fmt: skip
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value:,} |" for name, value in values.items())])


class Runs:
    """The servers of many runs, and what they have taken."""

    def __init__(self, engine: Engine, folder: Path, stack: ExitStack, *, real: bool) -> None:
        self._engine = engine
        self._url = engine.url.render_as_string(hide_password=False)
        self._certificate = certificate = write_certificate(folder / "mail.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self._plain = stack.enter_context(MailServer())
        self._tls = stack.enter_context(MailServer(starttls=context))
        self._proxy = stack.enter_context(CuttingProxy())
        self._postfix = None
        if real:
            (folder / "postfix").mkdir()
            self._postfix = stack.enter_context(Postfix(folder / "postfix", certificate))
        os.environ["SSL_CERT_FILE"] = str(self._certificate)
        self._senders = stack.enter_context(
            subprocess.Popen(
                [sys.executable, str(Path(crashing_sender.__file__))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        self._table = Table()

    def run(self, seed: int) -> None:
        """Carry out the run of a seed."""
        chance = random.Random(seed)
        real = self._postfix is not None and chance.random() < 0.3
        recipients = [self._recipient(chance, seed, number, real=real) for number in range(chance.randint(1, 4))]
        revision = seed + 1
        with self._engine.begin() as connection:
            queue(connection, client_id="otter-bakery", period=PERIOD, revision=revision,
                  mails=mails(*recipients, revision=revision), now=NOW)  # fmt: skip
        security: Security = "starttls" if chance.random() < 0.4 else "none"
        server = self._server(security, real=real)
        if isinstance(server, MailServer):
            for recipient in recipients:
                if chance.random() < 0.4:
                    step, reply = chance.choice(_REPLIES)
                    server.faults[step if step == "MAIL" else (step, recipient)] = reply
            if chance.random() < 0.1:
                server.faults["greeting"] = chance.choice(["421 busy", "554 go away", DROP])
        self._proxy.cut = self._cut(chance, security)
        missing = security == "starttls" and not real and chance.random() < 0.1
        self._proxy.target = self._plain.port if missing else server.port
        dying = chance.random() < 0.8
        way = (self._url, self._proxy.port, PERIOD, revision)
        arguments = [
            (*way, chance.randint(1, _STEPS) if dying else 0, security, TIMEOUT, str(self._certificate))
            for _ in range(2 if chance.random() < 0.25 else 1)
        ]
        self._table.killed += self._let_die(arguments).count(-9)
        for each in (self._plain, self._tls):
            each.faults.clear()
        self._proxy.cut = Cut()
        self._proxy.target = server.port
        self._take_over(revision, security)
        self._table.runs += 1

    def table(self) -> Table:
        """Hold what the outbox says against what the servers have taken."""
        self._plain.settle()
        self._tls.settle()
        received = self._plain.received + self._tls.received
        if self._postfix is not None:
            received += self._postfix.received()
        table = self._table
        with self._engine.connect() as connection:
            rows = list_rows(connection)
        table.mails = len(rows)
        for row in rows:
            got, name = received[row.recipient], f"{row.recipient} {row.state}: {row.answer}"
            table.sent += row.state == "sent"
            table.failed += row.state == "failed"
            table.put_off += row.state == "ready"
            table.uncertain_arrived += row.state == "uncertain" and got > 0
            table.uncertain_not += row.state == "uncertain" and got == 0
            if got > 1:
                table.duplicates.append(name)
            if got == 0 and row.state not in {"failed", "ready", "uncertain"}:
                table.silent_losses.append(name)
            if got > 0 and row.state in {"failed", "ready"}:
                table.untrue.append(name)
        return table

    def _let_die(self, arguments: list[tuple[object, ...]]) -> list[int]:
        """Start senders at once; give their exit codes."""
        assert self._senders.stdin is not None
        assert self._senders.stdout is not None
        self._senders.stdin.write(json.dumps(arguments) + "\n")
        self._senders.stdin.flush()
        codes: list[int] = json.loads(self._senders.stdout.readline())
        assert set(codes) <= {0, -9}, f"a sender failed: {codes}"
        return codes

    def _server(self, security: Security, *, real: bool) -> MailServer | Postfix:
        if real and self._postfix is not None:
            return self._postfix
        return self._tls if security == "starttls" else self._plain

    @staticmethod
    def _recipient(chance: random.Random, seed: int, number: int, *, real: bool) -> str:
        kind = chance.choice(["person", "person", "person", REFUSED, LATER, SPAM]) if real else "person"
        return f"{kind}{number}.{seed}@otter.example"

    @staticmethod
    def _cut(chance: random.Random, security: Security) -> Cut:
        match chance.randrange(8):
            case 0 | 1:
                return Cut("after", bytes=chance.randint(0, 4000))
            case 2:
                return Cut("answer")
            case 3:
                return Cut("slow", bytes=chance.randint(0, 4000), seconds=TIMEOUT * 1.5)
            case 4 if security == "starttls":
                return Cut("strip")
        return Cut()

    def _take_over(self, revision: int, security: Security) -> None:
        """Deliver as a retried task does, again and again, each time when what was put off is due."""
        now, deadline = NOW, time.monotonic() + 60
        for _ in range(3):
            now += dt.timedelta(days=9)
            while any(o.answer == "another sender is at it" for o in self._deliver(revision, security, now).outcomes):
                assert time.monotonic() < deadline, "PostgreSQL has not taken back the lock of a sender that is dead"

    def _deliver(self, revision: int, security: Security, now: dt.datetime) -> Summary:
        return deliver(
            self._engine, client_id="otter-bakery", period=PERIOD, revision=revision, guard=nothing_stops,
            mailer_factory=lambda: Mailer(SmtpSettings("127.0.0.1", self._proxy.port, security=security, timeout=20)),
            is_open=lambda: True,
            clock=lambda: now,
        )  # fmt: skip


@contextmanager
def runs(engine: Engine, folder: Path, *, real: bool) -> Iterator[Runs]:
    """Start the servers of many runs; `real`: Postfix, too."""
    before = os.environ.get("SSL_CERT_FILE")
    own = connect(engine.url.render_as_string(hide_password=False))
    with ExitStack() as stack:
        try:
            yield Runs(own, folder, stack, real=real)
        finally:
            own.dispose()
            os.environ.pop("SSL_CERT_FILE", None)
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before
