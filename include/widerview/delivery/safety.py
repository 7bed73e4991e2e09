"""Recipient safety: a mail goes to people on its client's list only, and names no other client.

Whatever has gone wrong before (rows of another client, a mail in the wrong place), this looks at the very bytes that
would be sent, and knows nothing of how they were made. What it looks for of each other client are its marks: id, name,
handles, ids of its accounts and websites, domains, and addresses of its recipients.

Marks are compared word by word, whatever the capitals and what stands between the words: `Otter Bakery`,
`otter-bakery` and `#OtterBakery` are one. So are `Café Müller`, `Cafe Mueller` and `Café Müllers`. A letter of a script
that puts no spaces between words is a word of its own. So that a report is not held for nothing:

- A mark that is part of a longer one of the mail's own client or agency counts where it stands alone only: a client
  named Harbour is not found in Harbour Bakery.
- A single short or common word is looked for where it cannot be chance only: as a name with its capitals or all in
  capitals, as a handle after `@`, in an address, a link or a header; with an `s` at its end from six letters on.
- Less than that (names of less than three letters, numbers of less than six digits, domains of mail providers and
  platforms) is not looked for at all.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property, lru_cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import chain
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from widerview.agency.models import Client
from widerview.delivery.message import wire_address
from widerview.delivery.outbox import Entry
from widerview.delivery.suppression import folded

How = Literal["anywhere", "as written", "in an address"]
"""Where a mark is no chance: anywhere; with the same capitals; in addresses, links and headers or after `@`."""

_WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")
# Thai, Lao, Burmese, Khmer, Japanese, Chinese, and Korean, whose particles stand at the end of names.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
_WORD = re.compile(rf"(?=\w)[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_WITHOUT_DECOMPOSITION = str.maketrans({
    "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i",
})  # fmt: skip
_UMLAUTS = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe",
})  # fmt: skip
_EXPANDED_UMLAUT = re.compile("(?<=[aou])e")
_SHORTEST_NAME = 3
_SHORTEST_NUMBER = 6
_SHORTEST_UNCOMMON = 12
"""From so many letters on, one word is not a common one: names run together, as handles are."""
_SHORTEST_JOINED = 6
_SHORTEST_GENITIVE = 6
_MOST_WORDS = 12
_BEYOND_GREEK = "\u0400"
_SNIPPET = 30
_MOST_FINDINGS = 5

_MAIL_PROVIDERS = frozenset({
    "163.com", "aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "libero.it",
    "live.com", "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com", "proton.me", "protonmail.com", "qq.com",
    "t-online.de", "wanadoo.fr", "web.de", "yahoo.com", "yandex.ru",
})  # fmt: skip
_PLATFORMS = frozenset({
    "facebook.com", "google.com", "instagram.com", "linkedin.com", "linktr.ee", "pinterest.com", "threads.com",
    "threads.net", "tiktok.com", "twitter.com", "x.com", "youtube.com",
})  # fmt: skip


class Mark(NamedTuple):
    """Something that a client is known by: what it is, its words, and where it is no chance to find them."""

    what: str
    written: str
    words: tuple[str, ...]
    how: How


class Finding(NamedTuple):
    """A mark of another client in a mail: whose, what, in which part, and the words around it."""

    client_id: str
    mark: Mark
    part: str
    around: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.mark.what} {self.mark.written!r} of client {self.client_id} in {self.part}: “{self.around}”"


class UnreadablePdf(ValueError):
    """A PDF that is attached to a mail cannot be read."""


@dataclass(frozen=True)
class Guard:
    """Looks at a mail before it may be claimed.

    Attributes:
        clients: All clients of the agency by id.
    """

    clients: Mapping[str, Client]

    def __call__(self, row: Entry, message: bytes) -> str | None:
        """Say why a mail must not go to its recipient; None if it may.

        A mail that a person has released may name others; a recipient who is not on the list stays one. An alert goes
        to people at the agency, who know all clients.
        """
        if row.client_id not in self.clients:
            return f"there is no client file {row.client_id}.yaml, or it has mistakes: nobody is on its list"
        listed, own = self._known(row.client_id)
        is_alert = not _WEEK.fullmatch(row.period)
        if is_alert:
            listed = frozenset(folded(each) for each in self.clients[row.client_id].alerted)
        if folded(row.recipient) not in listed:
            who = "those who are alerted" if is_alert else "recipients"
            return f"{row.recipient} is not on the list of {who} in {row.client_id}.yaml"
        to = read(message)["To"]
        if not to or [folded(_decoded(each.addr_spec)) for each in to.addresses] != [folded(row.recipient)]:
            return f"the mail is addressed to {to}, and would go to {row.recipient}"
        if row.released or is_alert:
            return None
        try:
            found = _find(message, own, self._everybody, but=row.client_id)
        except UnreadablePdf as error:
            return str(error)
        return told(found) if found else None

    @cached_property
    def _everybody(self) -> "_Marks":
        """The marks of all clients; made once, for all mails."""
        return _by_first_word((name, mark) for name, client in self.clients.items() for mark in marks(client))

    @cached_property
    def _known_clients(self) -> "dict[str, tuple[frozenset[str], _Marks]]":
        return {}

    def _known(self, client_id: str) -> "tuple[frozenset[str], _Marks]":
        """A client's list of recipients, and what may stand in its mails."""
        if client_id not in self._known_clients:
            client = self.clients[client_id]
            listed = frozenset(folded(each.email) for each in client.recipients)
            self._known_clients[client_id] = listed, _by_first_word(("", mark) for mark in own_marks(client))
        return self._known_clients[client_id]


def told(findings: Collection[Finding]) -> str:
    """Say what was found, the first five in words."""
    lines = [str(each) for each in findings][:_MOST_FINDINGS]
    more = f"; and {len(findings) - len(lines)} more" if len(findings) > len(lines) else ""
    return f"the mail names another client: {'; '.join(lines)}{more}"


def find_others(message: bytes, *, own: Collection[Mark], others: Mapping[str, Collection[Mark]]) -> list[Finding]:
    """Find marks of other clients in a mail. Pure.

    Args:
        message: The mail, byte for byte as it would be sent.
        own: What may stand in it: marks of its own client and of the agency.
        others: The marks of each other client, by its id.

    Returns:
        What was found, each mark once in each part of the mail, in the order of the mail.

    Raises:
        UnreadablePdf: A PDF that is attached to it cannot be read.
    """
    theirs = _by_first_word((client_id, mark) for client_id, marks in others.items() for mark in marks)
    return _find(message, _by_first_word(("", mark) for mark in own), theirs)


def _find(message: bytes, ours: "_Marks", theirs: "_Marks", but: str | None = None) -> list[Finding]:
    found: dict[tuple[str, tuple[str, ...], str], Finding] = {}
    for part in _parts(read(message)):
        words = [(word.group(), word.start()) for word in _WORD.finditer(part.text)]
        folds = [_fold(word) for word, _ in words]
        allowed = [(at, at + len(mark.words)) for at, _, mark in _occurrences(folds, ours)]
        for at, client_id, mark in chain(_occurrences(folds, theirs), _genitives(folds, theirs)):
            end = at + len(mark.words)
            is_own = client_id == but or any(first <= at and end <= last for first, last in allowed)
            if is_own or not _is_meant(mark, part, words, at):
                continue
            first, last = words[at][1], words[end - 1][1] + len(words[end - 1][0])
            around = " ".join(part.text[max(0, first - _SNIPPET) : last + _SNIPPET].split())
            found.setdefault((client_id, mark.words, part.name), Finding(client_id, mark, part.name, around))
    return list(found.values())


def marks(client: Client) -> list[Mark]:
    """List what a client is known by."""
    addresses = [spelled for each in client.recipients for spelled in (each.email, wire_address(each.email))]
    names = [("id", client.client), *(("recipient", each) for each in addresses)]
    names += [("domain", domain) for each in addresses if (domain := _domain(each)) not in _MAIL_PROVIDERS]
    for account in client.accounts:
        names.append((f"{account.platform} account", account.handle))
        if account.handle.startswith("@"):  # on Mastodon the part before the server is a name of its own
            names.append((f"{account.platform} account", account.handle[1:].partition("@")[0]))
    for site in client.web:
        names += [(f"{site.platform} site", site.site_id), ("website", _site(site.url))]
    options = [each.options for each in client.accounts] + [each.options for each in client.web]
    numbers = [value for each in options for value in each.values()]
    names += [("id on a platform", value) for value in numbers if value.isdecimal()]
    found = [*_mark("name", client.name, "as written")]
    found += [mark for what, written in names for mark in _mark(what, written, "in an address")]
    return list({mark.words: mark for mark in reversed(found)}.values())[::-1]


def own_marks(client: Client) -> list[Mark]:
    """List what may stand in a client's mail: its own marks at full length, and those of the agency."""
    sender = client.sender
    addresses = [sender.email, *([sender.reply_to] if sender.reply_to else [])]
    texts = [sender.agency, sender.name, sender.postal_address, *addresses, *map(_domain, addresses)]
    texts += [client.name, client.client, *(each.name for each in client.recipients)]
    texts += [text for campaign in client.campaigns for text in (campaign.name, campaign.key)]
    texts += [each.handle for each in client.accounts]
    texts += [text for site in client.web for text in (site.site_id, _site(site.url))]
    return [*marks(client), *(Mark("own", text, words, "anywhere") for text in texts if (words := _words(text)))]


def read(message: bytes) -> EmailMessage:
    """Parse a mail."""
    return message_from_bytes(message, policy=SMTP)


def _decoded(header: str) -> str:
    """A header's words where some are UTF-8 itself (RFC 6532), which the parser leaves as the bytes they are."""
    return header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _mark(what: str, written: str, if_common: How) -> Iterator[Mark]:
    """Make the marks of one thing that a client is known by: as it is written, and run together."""
    spelled = _WORD.findall(_normal(written))
    words = tuple(map(_fold, spelled))
    letters = "".join(spelled)
    if len(words) > 1:
        if letters.isascii() or len(letters) >= _SHORTEST_NAME:
            yield Mark(what, written, words, "anywhere")
        if len(letters) >= _SHORTEST_JOINED:
            yield Mark(what, written, (_fold(letters),), "anywhere")
    elif letters.isdecimal():
        if len(letters) >= _SHORTEST_NUMBER:
            yield Mark(what, written, words, "anywhere")
    elif len(letters) >= _SHORTEST_UNCOMMON:
        yield Mark(what, written, words, "anywhere")
    elif len(letters) >= _SHORTEST_NAME:
        yield Mark(what, written, words, if_common)


def _words(text: str) -> tuple[str, ...]:
    return tuple(map(_fold, _WORD.findall(_normal(text))))


def _fold(word: str) -> str:
    """A word as it is compared: small letters without diacritics; `ae` is `ä`, and so `a`."""
    return _EXPANDED_UMLAUT.sub("", _plain(word).casefold())


def _plain(word: str) -> str:
    """A word without the diacritics of Latin and Greek letters; those of others make other letters."""
    if word.isascii():
        return word
    return "".join(_base(letter) for letter in word.translate(_WITHOUT_DECOMPOSITION))


def _base(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base < _BEYOND_GREEK else letter


@lru_cache(maxsize=4096)
def _spellings(word: str) -> frozenset[str]:
    """A word without diacritics, with its capitals: `Müller` as `Muller` and `Mueller`."""
    return frozenset({_plain(word), _plain(word.translate(_UMLAUTS))})


@lru_cache(maxsize=4096)
def _forms(name: str) -> frozenset[str]:
    """How a name of one word is written where it is meant: with its capitals or all in them, perhaps with an `s`."""
    [word] = _WORD.findall(_normal(name))
    forms = {form for each in _spellings(word) for form in (each, each.upper())}
    if len(word) >= _SHORTEST_GENITIVE:
        forms |= {form + ending for form in forms for ending in "sS"}
    return frozenset(forms)


def _normal(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


def _site(url: str) -> str:
    """What a website is known by: its host; on a platform, which is everybody's, host and path."""
    address = urlsplit(url)
    host = re.sub(r"^www\.", "", (address.hostname or "").lower())
    path = address.path.strip("/")
    if host in _PLATFORMS:
        return f"{host}/{path}" if path else ""
    return host


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


_Marks = dict[str, list[tuple[str, Mark]]]


def _by_first_word(marks: Iterable[tuple[str, Mark]]) -> _Marks:
    found: _Marks = {}
    for client_id, mark in marks:
        found.setdefault(mark.words[0], []).append((client_id, mark))
    return found


def _occurrences(words: list[str], marks: _Marks) -> Iterator[tuple[int, str, Mark]]:
    for at, word in enumerate(words):
        for client_id, mark in marks.get(word, ()):
            if tuple(words[at : at + len(mark.words)]) == mark.words:
                yield at, client_id, mark


def _genitives(words: list[str], marks: _Marks) -> Iterator[tuple[int, str, Mark]]:
    """Find names with an `s` at their end, as in `Otter Bakerys`."""
    for end, word in enumerate(words, 1):
        if word.endswith("s"):
            cut = [*words[max(0, end - _MOST_WORDS) : end - 1], word[:-1]]
            for at in range(len(cut)):
                for client_id, mark in marks.get(cut[at], ()):
                    if mark.words == tuple(cut[at:]) and mark.what == "name":
                        yield end - len(mark.words), client_id, mark


class _Part(NamedTuple):
    """A part of a mail to look at: its name, its text, and whether all of it are addresses rather than words."""

    name: str
    text: str
    addresses: bool


def _is_meant(mark: Mark, part: _Part, words: list[tuple[str, int]], at: int) -> bool:
    """Whether a mark is no chance where it was found."""
    word, start = words[at]
    match mark.how:
        case "anywhere":
            return True
        case "as written":
            return part.addresses or bool(_spellings(word) & _forms(mark.written))
        case _:
            return part.addresses or part.text[max(0, start - 1) : start] == "@"


def _parts(message: EmailMessage) -> Iterator[_Part]:
    for part in message.walk():
        for name, value in part.items():
            if name != "DKIM-Signature":  # a hash, whose letters are chance
                is_text = name in {"Subject", "From", "To", "Content-Language"}
                yield _Part(f"the header {name}", _normal(unquote(_decoded(str(value)))), not is_text)
        match part.get_content_type():
            case "text/plain":
                yield _Part("the text", _normal(part.get_content()), False)
            case "text/html":
                seen = _Html()
                seen.feed(part.get_content())
                seen.close()
                yield _Part("the HTML", _normal(" ".join(seen.words)), False)
                yield _Part("a link of the HTML", _normal(unquote(" ".join(seen.addresses))), True)
            case "application/pdf":
                yield from _parts_of_pdf(part.get_content())


def _parts_of_pdf(content: bytes) -> Iterator[_Part]:
    from pypdf import PdfReader  # noqa: PLC0415 - costs a quarter of a second, and few mails have a PDF
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        pages = PdfReader(BytesIO(content)).pages
        words = " ".join(page.extract_text() for page in pages)
        links = [
            str(target["/URI"])
            for page in pages
            for link in page.annotations or ()
            if (target := link.get_object().get("/A")) and "/URI" in target
        ]
    except PyPdfError as error:
        raise UnreadablePdf(f"its PDF cannot be read, so nobody knows whom it names: {error}") from error
    yield _Part("the PDF", _normal(words), False)
    yield _Part("a link of the PDF", _normal(unquote(" ".join(links))), True)


class _Html(HTMLParser):
    """Collects what a reader sees or is read aloud, what only programs see (comments), and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in {"href", "src", "id", "name", "class"}:
                self.addresses.append(value)
            elif value and name in {"alt", "title", "aria-label", "content", "summary"}:
                self.words.append(value)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.words.append(data)
