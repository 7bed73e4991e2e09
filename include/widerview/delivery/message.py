"""One mail: the report's words and chart as the bytes that are sent. Pure: the same report gives the same bytes."""

import datetime as dt
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from email.utils import quote as quoted
from email.utils import unquote as unquoted
from typing import NamedTuple
from urllib.parse import quote as percent_encoded

import idna

_WORD = r"[^\x00-\x20\x7f\s@<>()\[\],;:\\\"]+"
_ADDRESS = re.compile(f"{_WORD}@{_WORD}")
_NAME_IN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_CONTENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_URL = re.compile(r"https?://[!#-;=?-~]+")
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators
_LINE = 76
_LONGEST_WORD = 60


class Mail(NamedTuple):
    """A mail ready for the outbox: to whom, its Message-ID, and its bytes."""

    recipient: str
    message_id: str
    message: bytes


class Words(NamedTuple):
    """The subject and the text of a mail to somebody at the agency."""

    subject: str
    text: str


@dataclass(frozen=True)
class InlineImage:
    """A picture that the HTML shows with `<img src="cid:...">`; `cid` without brackets or scheme."""

    cid: str
    png: bytes = field(repr=False)


def message_id(*, client_id: str, period: str, revision: int, recipient_email: str, sender_email: str) -> str:
    """Name the mail of one report to one recipient; the same in every attempt.

    In words, because spam filters distrust long random ids; the recipient stands in it as a short hash only.

    Raises:
        ValueError: An address or a name cannot stand in a Message-ID.
    """
    for what, name in (("client id", client_id), ("period", period)):
        if not _NAME_IN_ID.fullmatch(name):
            raise ValueError(f"{what} {name!r} cannot stand in a Message-ID; use letters, digits and hyphens")
    key = f"{client_id}\n{period}\n{revision}\n{wire_address(recipient_email)}"
    short = hashlib.sha256(key.encode()).hexdigest()[:10]
    domain = wire_address(sender_email).rpartition("@")[2]
    return f"<report.{client_id}.{period}.r{revision}.{short}@{domain}>"


def build_plain(
    *,
    subject: str,
    text: str,
    sender_name: str,
    sender_email: str,
    recipient_email: str,
    identity: str,
    date: dt.datetime,
) -> bytes:
    """Build a mail in plain text to somebody at the agency, byte for byte as it is sent; `identity` is its Message-ID.

    Raises:
        ValueError: As for `build`.
    """
    if date.utcoffset() is None:
        raise ValueError(f"the mail's date {date} has no time zone")
    head = [
        _mailbox("From", sender_name, wire_address(sender_email)),
        f"To: {wire_address(recipient_email)}",
        _header("Subject", subject),
        f"Date: {format_datetime(date)}",
        f"Message-ID: {identity}",
        "Auto-Submitted: auto-generated",
        "Content-Language: en",
    ]
    body = EmailMessage(policy=SMTP)
    body.set_content(text, charset="utf-8", cte="quoted-printable")
    return "".join(f"{line}\r\n" for line in head).encode() + body.as_bytes()


def build(
    *,
    subject: str,
    html: str,
    text: str,
    chart: InlineImage | None,
    sender_name: str,
    sender_email: str,
    reply_to: str | None,
    agency: str,
    recipient_name: str,
    recipient_email: str,
    client_id: str,
    period: str,
    revision: int,
    date: dt.datetime,
    unsubscribe_url: str | None = None,
    language: str = "en",
) -> bytes:
    """Build the mail of one report to one recipient, byte for byte as it is sent.

    Args:
        subject: One line.
        html: The report; shows the chart by `cid:`.
        text: The same in plain text.
        chart: The picture that `html` shows, or None.
        sender_name: Person at the agency.
        sender_email: Their address.
        reply_to: Where answers and unsubscriptions go; the sender if None.
        agency: Name of the agency.
        recipient_name: Who gets the report.
        recipient_email: Their address. It may have a non-ASCII local part; the mail then needs SMTPUTF8.
        client_id: The client's id.
        period: ISO week, e.g. `2026-W46`.
        revision: Revision of the report.
        date: The mail's Date, with its time zone: the client's own reads best.
        unsubscribe_url: Where one POST unsubscribes the recipient (RFC 8058); None: by mail only.
        language: BCP 47 tag of the report's language.

    Raises:
        ValueError: A name, subject or address would break out of its header, the date has no time zone, or the
            HTML does not show the chart.
    """
    if date.utcoffset() is None:
        raise ValueError(f"the mail's date {date} has no time zone")
    sender, recipient, answers = (
        wire_address(email) for email in (sender_email, recipient_email, reply_to or sender_email)
    )
    identity = message_id(
        client_id=client_id,
        period=period,
        revision=revision,
        recipient_email=recipient_email,
        sender_email=sender_email,
    )
    domain = sender.rpartition("@")[2]
    subject_line = percent_encoded(f"Unsubscribe {client_id}")
    by_mail = f"<mailto:{percent_encoded(answers, safe='@')}?subject={subject_line}>"
    head = [
        _mailbox("From", sender_name, sender),
        _mailbox("To", recipient_name, recipient),
        f"Reply-To: {answers}",
        _header("Subject", subject),
        f"Date: {format_datetime(date)}",
        f"Message-ID: {identity}",
        _mailbox("List-Id", f"{agency}: report for {client_id}", f"{client_id}.reports.{domain}"),
        *_unsubscribe(by_mail, unsubscribe_url),
        "Auto-Submitted: auto-generated",
        _header("Content-Language", language),
    ]
    body = _body(html=html, text=text, chart=chart, identity=identity)
    # The headers are written here and not by EmailMessage, whose folding, in the Pythons we run on, encodes long
    # ids and drops the quotes of long names.
    return "".join(f"{line}\r\n" for line in head).encode() + body.as_bytes()


def unsubscribe_url(message: bytes) -> str | None:
    """Read from a mail where one POST unsubscribes its recipient; None if it does not say."""
    header = message_from_bytes(message, policy=SMTP).get("List-Unsubscribe", "")
    found = re.search(r"<(https?://[^>]+)>", header)
    return found[1] if found else None


def recipient_name(message: bytes) -> str:
    """Read from a mail the name of its recipient."""
    head = message.partition(b"\r\n\r\n")[0].decode()
    phrase = re.sub(r"\r\n(?=[ \t])", "", head).partition("\r\nTo: ")[2].partition("\r\n")[0].rpartition(" <")[0]
    # Not by EmailMessage, which puts spaces between the pieces of a long word.
    return unquoted(phrase) if phrase.startswith('"') else str(make_header(decode_header(phrase)))


def wire_address(email: str) -> str:
    """Write an address as mail servers know it: the domain in its ASCII form (IDNA 2008).

    Raises:
        ValueError: It is not one address.
    """
    if not _ADDRESS.fullmatch(email):
        raise ValueError(f"{email!r} is not one email address; write it like mira@agency.example")
    local, _, domain = email.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"{email!r} has no valid domain: {error}") from error
    return f"{_one_line('address', local)}@{domain}"


def _body(*, html: str, text: str, chart: InlineImage | None, identity: str) -> EmailMessage:
    """Put text, HTML and chart together, the plainest first.

    All parts are quoted-printable or base64, in neither of which `=_` can occur: so no boundary can be in a part.
    """
    mark = hashlib.sha256(identity.encode()).hexdigest()[:12]
    body = EmailMessage(policy=SMTP)
    body.set_content(text, charset="utf-8", cte="quoted-printable")
    body.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
    body.set_boundary(f"=_alternative_{mark}")
    if chart is not None:
        if not _CONTENT_ID.fullmatch(chart.cid) or f"cid:{chart.cid}" not in html:
            raise ValueError(f'the HTML does not show the chart; it needs <img src="cid:{chart.cid}">')
        _, report = body.iter_parts()
        report.add_related(
            chart.png, "image", "png", cid=f"<{chart.cid}>", disposition="inline", filename=f"{chart.cid}.png"
        )
        report.set_boundary(f"=_related_{mark}")
        report.set_param("type", "text/html")
    return body


def _unsubscribe(by_mail: str, url: str | None) -> list[str]:
    if url is None:
        return [f"List-Unsubscribe: {by_mail}"]
    if not _URL.fullmatch(url):
        raise ValueError(f"{url!r} cannot stand in List-Unsubscribe; write it like https://reports.agency.example/…")
    return [f"List-Unsubscribe: <{url}>,\r\n {by_mail}", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def _header(name: str, text: str) -> str:
    return f"{name}: {_encoded(name, _one_line(name, text))}"


def _mailbox(name: str, phrase: str, address: str) -> str:
    phrase = _one_line(name, phrase)
    if _is_plain(phrase):
        phrase = f'"{quoted(phrase)}"'
    return f"{name}: {_encoded(name, phrase)} <{address}>"


def _encoded(name: str, text: str) -> str:
    charset = None if _is_plain(text) else "utf-8"
    return Header(text, charset, header_name=name, maxlinelen=_LINE).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    """Whether it can stand in a header as it is: ASCII, no `=?` (read as encoding), no word too long to fold at."""
    return text.isascii() and "=?" not in text and all(len(word) < _LONGEST_WORD for word in text.split())


def _one_line(what: str, text: str) -> str:
    unsafe = sorted({character for character in text if unicodedata.category(character) in _UNSAFE})
    if unsafe:
        raise ValueError(
            f"{what} {text!r} contains {unsafe!r}; line breaks and control characters cannot stand in a mail header"
        )
    return text
