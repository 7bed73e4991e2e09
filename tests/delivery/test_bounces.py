"""What comes back, from a Maildir and from an IMAP server: who is left alone from then on, what a person is told."""

import datetime as dt
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from certificates import write_certificate
from otter_bakery import NOW
from widerview.delivery.bounces import Found, Imap, Mailbox, Maildir, parse, read_mailbox
from widerview.delivery.message import Mail
from widerview.delivery.outbox import list_rows, queue
from widerview.delivery.suppression import list_suppressed
from widerview.warehouse.tables import outbox

RETURNED = Path(__file__).parents[1] / "fixtures" / "returned"
OURS = "<report.otter-bakery.2026-W47.r1.0123456789@agency.example>"
ANNA = "anna@otter.example"


def returned(name: str) -> bytes:
    return (RETURNED / f"{name}.eml").read_bytes()


@pytest.fixture
def sent(warehouse: Engine) -> Engine:
    with warehouse.begin() as connection:
        queue(connection, client_id="otter-bakery", period="2026-W47", revision=1,
              mails=[Mail(ANNA, OURS, b"x")], now=NOW)  # fmt: skip
        connection.execute(update(outbox).values(state="sent", answer="250 taken"))
    return warehouse


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def put(maildir: Path, *names: str) -> Maildir:
    for number, name in enumerate(names):
        (maildir / "new" / f"{number}.{name}").write_bytes(returned(name))
    return Maildir(maildir)


def look(box: Mailbox, engine: Engine) -> Found:
    return read_mailbox(box, engine, lambda: NOW + dt.timedelta(hours=1))


def stored(engine: Engine) -> tuple[str, str | None, list[str]]:
    """The mail's state and answer, and how its recipient is suppressed."""
    with engine.connect() as connection:
        [row] = list_rows(connection)
        return row.state, row.answer, [each.kind for each in list_suppressed(connection)]


@pytest.mark.parametrize(
    ("name", "kind", "status", "hard"),
    [
        ("no-such-user", "bounced", "5.1.1", True),
        ("mailbox-full", "bounced", "5.2.2", False),
        ("looks-like-spam", "bounced", "5.7.1", False),
        ("delayed", "delayed", "4.4.1", False),
        ("complaint", "complained", "", False),
    ],
)
def test_what_a_notification_says(name: str, kind: str, status: str, hard: bool) -> None:
    [notice] = parse(returned(name))
    assert (notice.kind, notice.status, notice.is_hard, notice.message_id) == (kind, status, hard, OURS)
    assert notice.recipient == ("" if kind == "complained" else ANNA)


@pytest.mark.parametrize("name", ["delivered", "complaint-not-spam", "holiday-reply"])
def test_what_says_nothing_bad_is_nothing(name: str) -> None:
    assert parse(returned(name)) == []


@given(st.binary(max_size=400), st.integers(0, 2000), st.sampled_from(sorted(each.stem for each in RETURNED.iterdir())))
def test_nothing_that_comes_in_breaks_the_reader(noise: bytes, at: int, name: str) -> None:
    whole = returned(name)
    for content in (noise, whole[:at], whole[:at] + noise + whole[at:]):
        assert isinstance(parse(content), list)


@pytest.mark.parametrize(
    ("name", "state", "suppressed"),
    [
        ("no-such-user", "bounced", ["bounced"]),
        ("mailbox-full", "bounced", []),
        ("looks-like-spam", "bounced", []),
        ("complaint", "sent", ["complained"]),
        ("delayed", "sent", []),
    ],
)
def test_what_comes_back_is_marked_told_once_and_read(
    sent: Engine, maildir: Path, name: str, state: str, suppressed: list[str]
) -> None:
    found = look(put(maildir, name), sent)
    assert stored(sent)[0::2] == (state, suppressed)
    [line] = found.marked or found.bounced or found.delayed
    assert line.startswith(f"otter-bakery 2026-W47: {ANNA}: ")
    assert bool(found.marked) == bool(suppressed)
    assert look(Maildir(maildir), sent) == Found(), "told once"
    assert look(put(maildir, name), sent).marked == [], "and a second copy is nothing new"


def test_all_other_mails_stay_unread_and_do_no_harm(sent: Engine, maildir: Path) -> None:
    names = ("not-ours", "of-somebody-else", "holiday-reply", "delivered", "complaint-not-spam")
    for _ in range(2):
        assert look(put(maildir, *names), sent) == Found(unknown=len(names))
    assert stored(sent) == ("sent", "250 taken", [])


def test_an_uncertain_mail_that_comes_back_is_certain(sent: Engine, maildir: Path) -> None:
    with sent.begin() as connection:
        connection.execute(update(outbox).values(state="uncertain"))
    look(put(maildir, "mailbox-full"), sent)
    assert stored(sent)[:2] == ("bounced", "5.2.2 smtp; 552 5.2.2 Mailbox full")


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is no Maildir"):
        Maildir(tmp_path)


class _ImapHandler(socketserver.StreamRequestHandler):
    """As much of IMAP4rev1 (RFC 3501) as the reader speaks."""

    server: "ImapServer"

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        while line := self.rfile.readline().strip():
            tag, _, command = line.partition(b" ")
            self.server.heard.append(command.decode())
            self.wfile.write(self._answer(command) + tag + b" " + self._end(command) + b"\r\n")
            self.wfile.flush()

    def _answer(self, command: bytes) -> bytes:
        match command.upper().split()[0:2]:
            case [b"CAPABILITY", *_]:
                return b"* CAPABILITY IMAP4rev1\r\n"
            case [b"SELECT", *_]:
                return b"* %d EXISTS\r\n" % len(self.server.mails)
            case [b"UID", b"SEARCH"]:
                unseen = [b"%d" % uid for uid in self.server.mails if uid not in self.server.seen]
                return b"* SEARCH " + b" ".join(unseen) + b"\r\n"
            case [b"UID", b"FETCH"]:
                uid = int(command.split()[2])
                mail = self.server.mails[uid]
                return b"* 1 FETCH (UID %d BODY[] {%d}\r\n" % (uid, len(mail)) + mail + b")\r\n"
            case [b"UID", b"STORE"]:
                self.server.seen.add(int(command.split()[2]))
        return b""

    def _end(self, command: bytes) -> bytes:
        if command.upper().startswith(b"LOGIN") and b"right-horse" not in command:
            return b"NO wrong"
        return b"NO no such folder" if b'SELECT "gone"' in command else b"OK done"


class ImapServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _ImapHandler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.mails: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.heard: list[str] = []

    def handle_error(self, *_: object) -> None:
        """A client that does not trust the certificate hangs up."""


@pytest.fixture
def imap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    certificate = write_certificate(tmp_path / "imap.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ImapServer(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def opened(server: ImapServer, password: str = "right-horse", folder: str = "INBOX") -> Imap:
    return Imap("127.0.0.1", server.server_address[1], "bounces", password, folder)


def test_an_imap_mailbox_is_read_over_tls(sent: Engine, imap: ImapServer) -> None:
    imap.mails = {7: returned("no-such-user"), 9: returned("holiday-reply")}
    with opened(imap) as box:
        found = look(box, sent)
    assert (len(found.marked), found.unknown, imap.seen) == (1, 1, {7})
    assert stored(sent)[2] == ["bounced"]
    with opened(imap) as box:
        assert look(box, sent) == Found(unknown=1)
    assert imap.heard[-1] == "LOGOUT"


def test_an_imap_mailbox_that_cannot_be_opened_is_named(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="does not open the mailbox INBOX of bounces") as refusal:
        opened(imap, password="wrong-horse")
    assert "wrong-horse" not in str(refusal.value)
    with pytest.raises(OSError, match="no such folder"):
        opened(imap, folder="gone")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ssl.SSLError, match="certificate"):
        opened(imap)
