"""What comes back: delivery status notifications (RFC 3464) and complaints (ARF, RFC 5965), and where they lie.

Anybody can write to the address that bounces go to. So only what speaks of a mail that we have sent counts, by its
Message-ID, and nothing else in the mailbox is touched.
"""

import datetime as dt
import imaplib
import mailbox
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, message_from_string
from email.message import Message
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from widerview.delivery.outbox import Entry, find_mail, record_bounce
from widerview.delivery.suppression import Kind, folded, suppress

_OF_ADDRESS = re.compile(r"5\.(1\.(?:1|2|3|6|10)|2\.1)")
"""Enhanced status codes (RFC 3463) that say of the address itself that it is wrong or given up. Others are of the
mail (policy, spam, size) or of its server (full, unreachable): the next mail may well arrive."""

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_OUR_ID = re.compile(r"<report\.(?P<client>[A-Za-z0-9_-]+)\.[^<>\s]+>")
_COMPLAINTS = {"abuse", "fraud"}
_LONGEST = 300


class Notice(NamedTuple):
    """What a mail server says of one mail to one recipient.

    Attributes:
        kind: `bounced`: given back; `delayed`: it still tries; `complained`: its reader called it spam.
        message_id: Of the mail it speaks of.
        recipient: To whom that went; empty where the server keeps it to itself, as complaints often do.
        status: Enhanced status code (RFC 3463), empty for complaints.
        detail: The server's own words, in one line.
    """

    kind: Literal["bounced", "delayed", "complained"]
    message_id: str
    recipient: str
    status: str
    detail: str

    @property
    def is_hard(self) -> bool:
        """Whether nothing sent there will ever arrive."""
        return self.kind == "bounced" and bool(_OF_ADDRESS.fullmatch(self.status))


@dataclass(frozen=True)
class Found:
    """What a look into the mailbox has brought, a line for each mail.

    Attributes:
        marked: Recipients to whom nothing is sent any more, which is new.
        bounced: Mails that came back, though their recipients may get the next one.
        delayed: Mails of which a server says that it still tries.
        unknown: How many other mails lie there, for a person to read.
    """

    marked: list[str] = field(default_factory=list)
    bounced: list[str] = field(default_factory=list)
    delayed: list[str] = field(default_factory=list)
    unknown: int = 0


class Mailbox(Protocol):
    """A mailbox as the reader sees it."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Give each mail that nobody has read, with its name there."""

    def mark_read(self, name: str) -> None:
        """Mark a mail as read."""


class Maildir:
    """A folder to which a mail server on this machine, or a program that fetches mail, delivers.

    Raises:
        OSError: There is no such Maildir.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "new").is_dir():
            raise FileNotFoundError(f"{folder} is no Maildir: it has no folder `new`")
        self._box = mailbox.Maildir(folder, create=False)

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Give each mail without the flag Seen."""
        for name in sorted(self._box.keys()):
            if "S" not in self._box.get_message(name).get_flags():
                yield name, self._box.get_bytes(name)

    def mark_read(self, name: str) -> None:
        """Move a mail to `cur`, with the flag Seen."""
        message = self._box.get_message(name)
        message.set_subdir("cur")
        message.add_flag("S")
        self._box[name] = message


class Imap:
    """A mailbox on a server, over TLS, its certificate checked. Use it as a context manager.

    Raises:
        OSError: The server cannot be reached, or refuses the login or the folder.
    """

    def __init__(self, host: str, port: int, login: str, password: str, folder: str = "INBOX") -> None:
        try:
            self._imap = imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=60)
            self._imap.login(login, password)
            self._said(self._imap.select(f'"{folder}"'))
        except imaplib.IMAP4.error as error:
            raise OSError(f"{host} does not open the mailbox {folder} of {login}: {error}") from error

    def __enter__(self) -> "Imap":
        return self

    def __exit__(self, *_: object) -> None:
        self._imap.logout()

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Give each mail without the flag Seen, and leave the flag as it is."""
        (names,) = self._said(self._imap.uid("SEARCH", "UNSEEN"))
        for name in names.decode().split():
            answer = self._said(self._imap.uid("FETCH", name, "(BODY.PEEK[])"))
            yield name, next(content for _, content in (part for part in answer if isinstance(part, tuple)))

    def mark_read(self, name: str) -> None:
        """Set the flag Seen."""
        self._said(self._imap.uid("STORE", name, "+FLAGS.SILENT", r"(\Seen)"))

    @staticmethod
    def _said(answer: tuple[str, list[Any]]) -> list[Any]:
        status, data = answer
        if status != "OK":
            raise OSError(f"the IMAP server says {status}: {data!r}")
        return data


def read_mailbox(box: Mailbox, engine: Engine, clock: Callable[[], dt.datetime]) -> Found:
    """Read what has come back, mark its recipients and its mails in the outbox; called again, it goes on.

    A mail of ours is marked as read when what it says is stored. All others stay unread.
    """
    found = Found()
    unknown = 0
    for name, content in box.unread():
        ours = False
        for notice in parse(content):
            with engine.begin() as connection:
                mail = _mail_of(connection, notice)
                if mail is None:
                    continue
                ours = True
                where, line = _take(notice), f"{mail.client_id} {mail.period}: {mail.recipient}: {notice.detail}"
                if notice.kind == "bounced":
                    record_bounce(
                        connection,
                        client_id=mail.client_id,
                        message_id=mail.message_id,
                        answer=notice.detail,
                        now=clock(),
                    )
                is_new = where is not None and suppress(
                    connection,
                    client_id=mail.client_id,
                    recipient=mail.recipient,
                    kind=where,
                    detail=notice.detail,
                    now=clock(),
                )
            if is_new:
                found.marked.append(f"{line} ({where})")
            elif notice.kind != "complained":
                (found.delayed if notice.kind == "delayed" else found.bounced).append(line)
        if ours:
            box.mark_read(name)
        else:
            unknown += 1
    return Found(found.marked, found.bounced, found.delayed, unknown)


def parse(content: bytes) -> list[Notice]:
    """Read a delivery status notification or a complaint; nothing of any other mail. Pure, and never fails.

    A notification may speak of several recipients. Its words are cut to 300 characters.
    """
    # By Python's older policy: the newer one fails on headers that are cut short.
    message = message_from_bytes(content)
    parts = list(message.walk())
    message_id = _message_id(parts[1:])
    found: list[Notice] = []
    if message_id is None:
        return found
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            for group in _groups(part):
                recipient = _address(group["Original-Recipient"]) or _address(group["Final-Recipient"])
                action, status = _word(group["Action"]), _word(group["Status"])
                if recipient and action in {"failed", "delayed"}:
                    words = _one_line(group["Diagnostic-Code"]) or "no reason given"
                    kind: Literal["bounced", "delayed"] = "bounced" if action == "failed" else "delayed"
                    found.append(Notice(kind, message_id, recipient, status, f"{status} {words}".strip()))
        elif part.get_content_type() == "message/feedback-report":
            for group in _groups(part):
                if _word(group["Feedback-Type"]) in _COMPLAINTS:
                    reader = _one_line(group["User-Agent"]) or "unknown"
                    recipient = _address(group["Original-Rcpt-To"])
                    words = f"called spam by its reader, says {reader}"
                    found.append(Notice("complained", message_id, recipient, "", words))
    return found


def _take(notice: Notice) -> Kind | None:
    """What becomes of the recipient."""
    if notice.kind == "complained":
        return "complained"
    return "bounced" if notice.is_hard else None


def _mail_of(connection: Connection, notice: Notice) -> Entry | None:
    """The mail that a notice speaks of, if we have sent it, and to the recipient the notice names."""
    ours = _OUR_ID.fullmatch(notice.message_id)
    mail = find_mail(connection, ours["client"], notice.message_id) if ours else None
    if mail is None or (notice.recipient and _folded(notice.recipient) != folded(mail.recipient)):
        return None
    return mail


def _folded(address: str) -> str:
    try:
        return folded(address)
    except ValueError:
        return ""


def _message_id(parts: Iterable[Message]) -> str | None:
    """The Message-ID of the mail that came back, whole or its headers only, as the last part of the report."""
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            originals: list[Message[Any, Any]] = [message_from_string(_text(part))]
        elif part.get_content_type() == "message/rfc822":
            originals = _inner(part)
        else:
            continue
        for original in originals:
            if found := _MESSAGE_ID.search(str(original["Message-ID"] or "")):
                return found.group()
    return None


def _groups(part: Message) -> Iterator[Message]:
    """The groups of fields in a report, which the parser gives as messages, or as text where it does not know them."""
    inner = _inner(part)
    for group in inner:
        # Of a type it does not know the parser gives one message, whose headers are the first group.
        yield group
        rest = group.get_payload()
        if isinstance(rest, str) and ":" in rest:
            yield message_from_string(rest.lstrip())
    if not inner:
        for text in re.split(r"\r?\n\r?\n", _text(part)):
            yield message_from_string(text)


def _inner(part: Message) -> "list[Message[Any, Any]]":
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _address(value: str | None) -> str:
    """The address in a field like `rfc822; anna@otter.example`."""
    return _one_line(value).rpartition(";")[2].strip(" <>")


def _word(value: str | None) -> str:
    words = _one_line(value).lower().split()
    return words[0] if words else ""


def _one_line(value: str | None) -> str:
    words = "".join(character if character.isprintable() else " " for character in str(value or ""))
    return " ".join(words.split())[:_LONGEST]
