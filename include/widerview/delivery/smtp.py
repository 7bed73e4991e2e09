"""The dialogue with the mail server: one mail to one recipient at a time, over one connection.

What matters is what may be done after a failure, so every end of the dialogue is one of four answers:
`Accepted`, `Refused`, `Deferred` (nothing was accepted: safe to try again) and `Lost` (nobody knows).
"""

import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from widerview.delivery.message import wire_address

Security = Literal["tls", "starttls", "none"]
_T = TypeVar("_T")

_DEFAULT_PORT: dict[Security, int] = {"tls": 465, "starttls": 587, "none": 25}
_AFTER_DOT_SECONDS = 600.0
"""RFC 5321, 4.5.3.2.6: a server may take 10 minutes to answer the final dot; giving up sooner makes duplicates."""

_DONE, _LATER, _NEVER = 2, 4, 5  # the first digits of a reply
_GO_AHEAD = 354
_CLOSING = 421

_DOT_AT_LINE_START = re.compile(rb"^\.", re.MULTILINE)
_FROM = re.compile(r"^From:((?:.*\n[ \t])*.*)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class SmtpSettings:
    """How to reach the mail server.

    Attributes:
        host: Name or address of the server.
        port: Its port.
        user: Login, or None for a server that asks for none.
        password: Password; never shown.
        security: `tls` from the first byte, `starttls` before anything else is said, or `none`, which only a
            server on this machine may have. Certificates are always checked.
        timeout: Seconds to wait for each answer; the one to the mail itself is waited for at least 600.
        envelope_sender: Where bounces go; the mail's From address if None.

    Raises:
        ValueError: The settings contradict each other or would send in the clear over a network.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Security = "tls"
    timeout: float = 30.0
    envelope_sender: str | None = None

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("the mail server has no host; set it in the SMTP connection")
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                f"mail to {self.host} would go over the network unencrypted; use TLS or STARTTLS "
                "(leave out disable_ssl, or set disable_ssl alone for STARTTLS)"
            )
        if bool(self.user) != bool(self.password):
            raise ValueError(f"the login for {self.host} needs both a user and a password, or neither")
        if not f"{self.user}{self.password}".isascii():
            raise ValueError(f"the user or password for {self.host} is not ASCII, which SMTP logins cannot carry")
        if self.timeout <= 0:
            raise ValueError(f"the timeout for {self.host} must be more than 0 seconds")


def settings_from_connection(
    host: str | None, port: int | None, login: str | None, password: str | None, extra: Mapping[str, Any]
) -> SmtpSettings:
    """Read the settings from the fields of an Airflow SMTP connection, extras named as Airflow's provider has them.

    `disable_ssl` false (the default): TLS from the first byte. `disable_ssl` true: STARTTLS. `disable_ssl` and
    `disable_tls` both true: no encryption. `timeout` in seconds, `from_email` as the envelope's sender. Without a
    port: 465, 587 or 25. The provider's retries and templates do not matter here; the outbox sends.

    Raises:
        ValueError: Something is missing, or asks for what is not done: OAuth 2 logins, unchecked certificates.
    """
    security: Security = "tls"
    if _extra(extra, "disable_ssl", bool, False):
        security = "none" if _extra(extra, "disable_tls", bool, False) else "starttls"
    if extra.get("auth_type", "basic") != "basic":
        raise ValueError(f"auth_type {extra['auth_type']!r} is not supported; use 'basic' with a login and a password")
    if extra.get("ssl_context", "default") != "default":
        raise ValueError(
            "ssl_context must be 'default': the mail server's certificate is always checked. "
            "For a certificate authority of your own set the environment variable SSL_CERT_FILE"
        )
    return SmtpSettings(
        host=host or "",
        port=port or _DEFAULT_PORT[security],
        user=login or None,
        password=password or None,
        security=security,
        timeout=_extra(extra, "timeout", float, SmtpSettings.timeout),
        envelope_sender=wire_address(extra["from_email"]) if extra.get("from_email") else None,
    )


@dataclass(frozen=True)
class Answer:
    """How the dialogue about one mail ended; `text` is what the server said, or what went wrong."""

    text: str


class Accepted(Answer):
    """The server has taken the mail over."""


class Refused(Answer):
    """The server will not take this mail; trying again is no use."""


class Deferred(Answer):
    """Nothing was accepted; trying again later is safe."""


class Lost(Answer):
    """The whole mail went out and the answer did not come: it may have been accepted or not."""


class Mailer:
    """A connection to the mail server, opened when first needed and used for many mails.

    Use it as a context manager. Once the server cannot be reached, every further mail is deferred at once.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None
        self._unreachable: Deferred | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None and self._smtp is not None:
            with suppress(OSError):  # the answers are in; how the goodbye goes does not matter
                self._smtp.quit()
        self._hang_up()

    def greet(self) -> None:
        """Connect and log in, and send nothing: whether the settings are right.

        Raises:
            OSError: The server cannot be reached or refuses.
        """
        self._connection()

    def send(self, *, recipient: str, message: bytes, before_data: Callable[[], None]) -> Answer:
        """Send one mail to one recipient.

        Args:
            recipient: The address, its domain in ASCII.
            message: The mail as it goes over the wire: every line ends with CRLF, the last one too.
            before_data: Called when the server is waiting for the mail, before the first byte of it goes out. If it
                raises, the mail is not sent and the error goes on to the caller.
        """
        if self._unreachable:
            return self._unreachable
        try:
            smtp = self._connection()
        except OSError as error:
            self._unreachable = Deferred(f"cannot connect to {self._settings.host}: {_reason(error)}")
            return self._unreachable

        try:
            turned_down = self._announce(smtp, recipient, message)
        except OSError as error:
            self._hang_up()
            return Deferred(f"the connection broke before the mail went out: {_reason(error)}")
        return turned_down or self._hand_over(smtp, message, before_data)

    def _announce(self, smtp: smtplib.SMTP, recipient: str, message: bytes) -> Answer | None:
        """Say from whom to whom a mail will come; None when the server then waits for it."""
        headers = message.partition(b"\r\n\r\n")[0].decode()
        sender = self._settings.envelope_sender or _from_address(headers)
        options = [f"SIZE={len(message)}"] if smtp.has_extn("SIZE") else []
        if not f"{headers}{sender}{recipient}".isascii():
            if not smtp.has_extn("SMTPUTF8"):
                return Refused(f"{self._settings.host} cannot carry addresses outside ASCII (it has no SMTPUTF8)")
            options.append("SMTPUTF8")

        code, reply = smtp.mail(sender, options)
        if code // 100 == _DONE:
            code, reply = smtp.rcpt(recipient)
        if code // 100 == _DONE:
            code, reply = smtp.docmd("DATA")
        return None if code == _GO_AHEAD else self._turned_down(code, reply)

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes, before_data: Callable[[], None]) -> Answer:
        try:
            before_data()
        except BaseException:
            self._hang_up()
            raise
        try:
            smtp.send(_DOT_AT_LINE_START.sub(b"..", message))
        except OSError as error:
            # RFC 5321, 4.1.1.4: without the final dot a server must not deliver what it has.
            self._hang_up()
            return Deferred(f"the connection broke before the end of the mail: {_reason(error)}")
        try:
            assert smtp.sock is not None  # noqa: S101 - send() above would have raised
            # The dot is a packet of its own; Nagle's algorithm would hold it back for 40 ms.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.sock.settimeout(max(_AFTER_DOT_SECONDS, self._settings.timeout))
            smtp.send(b".\r\n")
            code, reply = smtp.getreply()
        except OSError as error:
            self._hang_up()
            return Lost(f"the connection broke before the answer to the mail: {_reason(error)}")
        smtp.sock.settimeout(self._settings.timeout)
        if code // 100 == _DONE:
            return Accepted(_said(code, reply))
        if code // 100 in {_LATER, _NEVER}:
            return self._turned_down(code, reply)
        self._hang_up()
        return Lost(f"the answer to the mail makes no sense: {_said(code, reply)}")

    def _turned_down(self, code: int, reply: bytes) -> Answer:
        if code == _CLOSING or code // 100 not in {_LATER, _NEVER}:
            self._hang_up()  # it is going away, or what it says makes no sense
        return Refused(_said(code, reply)) if code // 100 == _NEVER else Deferred(_said(code, reply))

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is not None:
            # Clears what the mail before has left, and tells whether the server has hung up since.
            with suppress(OSError):
                if self._smtp.rset()[0] // 100 == _DONE:
                    return self._smtp
            self._hang_up()
        self._smtp = self._connect()
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        smtp: smtplib.SMTP
        if settings.security == "tls":
            smtp = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            if settings.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if settings.user and settings.password:
                smtp.login(settings.user, settings.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _hang_up(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _extra(extra: Mapping[str, Any], name: str, wanted: type[_T], default: _T) -> _T:
    try:
        return TypeAdapter(wanted).validate_python(extra.get(name) or default)
    except ValidationError as error:
        raise ValueError(
            f"{name} in the SMTP connection's extra is {extra[name]!r}, not a {wanted.__name__}"
        ) from error


def _from_address(headers: str) -> str:
    found = _FROM.search(headers)
    _, address = parseaddr(found.group(1)) if found else ("", "")
    if not address:
        raise ValueError("the mail has no From address, so there is nobody to send it as")
    return address


def _reason(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return _said(error.smtp_code, reply if isinstance(reply, bytes) else reply.encode())
    return str(error) or type(error).__name__


def _said(code: int, reply: bytes) -> str:
    """Give a server's reply as one printable line, cut at 500 characters."""
    words = "".join(c if c.isprintable() else " " for c in reply.decode(errors="replace"))
    return " ".join(f"{code} {words}".split())[:500]
