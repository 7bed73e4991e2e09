"""A mail server for tests: it takes mails, or fails at the step of the dialogue it is told to."""
# ruff: noqa: N802 - aiosmtpd calls its hooks by these names

import asyncio
import ssl
import threading
import time
from collections import Counter
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP = "drop the connection"


class MailServer:
    """Listens on a free port of 127.0.0.1, in a thread of its own.

    `faults` maps a step, or a pair of step and recipient, to what happens instead: a reply, or `DROP`. Steps:
    `greeting`, `MAIL`, `RCPT`, `DATA` (the command), `body` (in the middle of the mail) and `answer` (after its final
    dot; a mail whose answer is dropped or garbled has been taken).
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None,
                 login: tuple[str, str] | None = None, smtputf8: bool = True) -> None:  # fmt: skip
        self.faults: dict[str | tuple[str, str], str] = {}
        self.mails: list[tuple[str, bytes]] = []
        self.envelope_senders: list[str] = []
        self.connections = 0
        self.open: set[_Dialogue] = set()
        self.reading = threading.Event()
        """Set when a mail has arrived and is about to be answered."""
        self.may_answer = threading.Event()
        """Answers to mails wait for it."""
        self.may_answer.set()
        self._tls, self._starttls, self._login, self._smtputf8 = tls, starttls, login, smtputf8
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listen = self._loop.create_server(lambda: _Dialogue(self), "127.0.0.1", 0, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(listen, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def received(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(recipient for recipient, _ in self.mails)

    def settle(self) -> None:
        """Wait until every dialogue has ended: what a sender that died has left behind is taken by then, or never."""
        deadline = time.monotonic() + 30
        while self.open and time.monotonic() < deadline:
            time.sleep(0.01)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def fault(self, step: str, recipient: str = "") -> str | None:
        return self.faults.get((step, recipient)) or self.faults.get(step)

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        expected = LoginPassword(*(word.encode() for word in self._login or ()))
        return AuthResult(success=data == expected, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not (reply := self.fault("MAIL")):
            envelope.mail_from = address
        return self._reply(server, reply or "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not (reply := self.fault("RCPT", address)):
            envelope.rcpt_tos.append(address)
        return self._reply(server, reply or "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.reading.set()
        await asyncio.get_running_loop().run_in_executor(None, self.may_answer.wait)
        [recipient] = envelope.rcpt_tos
        reply = self.fault("answer", recipient)
        if reply is None or reply[0] not in "45":
            self.mails.append((recipient, bytes(envelope.content)))
            self.envelope_senders.append(envelope.mail_from)
        return self._reply(server, reply or "250 taken")

    @staticmethod
    def _reply(server: SMTP, reply: str) -> str:
        if reply == DROP:
            server.transport.abort()
        return reply


class _Dialogue(SMTP):
    def __init__(self, server: MailServer) -> None:
        super().__init__(
            server,
            hostname="mail.example",
            enable_SMTPUTF8=server._smtputf8,
            tls_context=server._starttls,
            require_starttls=server._starttls is not None,
            authenticator=server.authenticate if server._login else None,
            auth_required=server._login is not None,
            auth_require_tls=False,
            data_size_limit=None,
            loop=asyncio.get_running_loop(),
        )
        self._faults = server

    def connection_made(self, transport: Any) -> None:
        self._faults.connections += 1
        self._faults.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._faults.open.discard(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        if str(status).startswith("220 mail.example") and (fault := self._faults.fault("greeting")):
            status = self._faults._reply(self, fault)
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        recipient = (self.envelope.rcpt_tos or [""])[-1]
        if fault := self._faults.fault("DATA", recipient):
            await self.push(self._faults._reply(self, fault))
        elif self._faults.fault("body", recipient):
            await self.push("354 go on")
            await self._reader.readline()
            self.transport.abort()
        else:
            await super().smtp_DATA(arg)
