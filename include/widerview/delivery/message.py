"""One mail: the report's words and chart as the bytes that are sent. Pure: the same report gives the same bytes."""

import base64
import binascii
import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.policy import SMTP
from email.utils import format_datetime
from email.utils import quote as quoted
from email.utils import unquote as unquoted
from typing import NamedTuple
from urllib.parse import quote as percent_encoded

from widerview.agency.models import ascii_domain

_WORD = r"[^\x00-\x20\x7f\s@<>()\[\],;:\\\"]+"
_ADDRESS = re.compile(f"{_WORD}@{_WORD}")
_NAME_IN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.pdf")
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


@dataclass(frozen=True)
class Attachment:
    """The report as a PDF, and its file's name."""

    filename: str
    pdf: bytes = field(repr=False)


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
        "MIME-Version: 1.0",
    ]
    return "".join(f"{line}\r\n" for line in head).encode() + _text_part("plain", text)


def build(
    *,
    subject: str,
    html: str,
    text: str,
    pictures: Sequence[InlineImage] = (),
    attachment: Attachment | None = None,
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
        html: The report; shows the pictures by `cid:`.
        text: The same in plain text.
        pictures: What `html` shows.
        attachment: The report as a file of its own, or None.
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
            HTML does not show a picture.
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
        "MIME-Version: 1.0",
    ]
    for picture in pictures:
        if not _CONTENT_ID.fullmatch(picture.cid) or f"cid:{picture.cid}" not in html:
            raise ValueError(f'the HTML does not show the picture; it needs <img src="cid:{picture.cid}">')
    if attachment and not _FILE_NAME.fullmatch(attachment.filename):
        raise ValueError(f"{attachment.filename!r} cannot be a file's name; use letters, digits, hyphens, and .pdf")
    body = _body(html=html, text=text, pictures=pictures, attachment=attachment, identity=identity)
    # The headers are written here and not by EmailMessage, whose folding, in the Pythons we run on, encodes long
    # ids and drops the quotes of long names.
    return "".join(f"{line}\r\n" for line in head).encode() + body


def unsubscribe_url(message: bytes) -> str | None:
    """Read from a mail where one POST unsubscribes its recipient; None if it does not say."""
    header = message_from_bytes(message, policy=SMTP).get("List-Unsubscribe", "")
    found = re.search(r"<(https?://[^>]+)>", header)
    return found[1] if found else None


def attached_pdf(message: bytes) -> tuple[str, bytes] | None:
    """Read from a mail the PDF that is attached to it, with its file's name; None if there is none."""
    for part in message_from_bytes(message).walk():
        content = part.get_payload(decode=True)
        if part.get_content_type() == "application/pdf" and isinstance(content, bytes):
            return part.get_filename() or "", content
    return None


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
    try:
        return f"{_one_line('address', local)}@{ascii_domain(domain)}"
    except UnicodeError as error:
        raise ValueError(f"{email!r} has no valid domain: {error}") from error


# --- Parts: written here and not by EmailMessage, which takes ten times as long (RFC 2045, RFC 2046, RFC 2387) -----


def _body(
    *, html: str, text: str, pictures: Sequence[InlineImage], attachment: Attachment | None, identity: str
) -> bytes:
    """Put text, HTML, pictures and attachment together, the plainest first.

    All parts are quoted-printable or base64, in neither of which `=_` can occur: so no boundary can be in a part.
    """
    mark = hashlib.sha256(identity.encode()).hexdigest()[:12]
    page = _text_part("html", html)
    if pictures:
        shown = [_file_part("image/png", each.png, f"{each.cid}.png", cid=each.cid) for each in pictures]
        page = _multipart("related", mark, [page, *shown], '; type="text/html"')
    body = _multipart("alternative", mark, [_text_part("plain", text), page])
    if attachment is None:
        return body
    return _multipart("mixed", mark, [body, _file_part("application/pdf", attachment.pdf, attachment.filename)])


def _multipart(kind: str, mark: str, parts: Sequence[bytes], more: str = "") -> bytes:
    boundary = f"=_{kind}_{mark}"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\r\n\r\n'
    inside = "".join(f"--{boundary}\r\n{part.decode()}\r\n" for part in parts)
    return f"{head}{inside}--{boundary}--\r\n".encode()


def _text_part(subtype: str, text: str) -> bytes:
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    lines = b"".join(line + b"\r\n" for line in text.encode().splitlines())
    return head.encode() + binascii.b2a_qp(lines)


def _file_part(kind: str, content: bytes, filename: str, cid: str | None = None) -> bytes:
    head = [
        f"Content-Type: {kind}",
        "Content-Transfer-Encoding: base64",
        *([f"Content-ID: <{cid}>"] if cid else []),
        f'Content-Disposition: {"inline" if cid else "attachment"}; filename="{filename}"',
    ]
    return ("".join(f"{line}\r\n" for line in head) + "\r\n").encode() + _base64(content)


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


# --- Headers -------------------------------------------------------------------------------------------------------


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
