"""One-click unsubscribing: the address in the mail, its token, and what it does."""

from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import Engine

from otter_bakery import NOW, report
from widerview.delivery.message import Mail, build, recipient_name, unsubscribe_url
from widerview.delivery.outbox import queue
from widerview.delivery.suppression import find
from widerview.delivery.unsubscribe import Door, NotOurs, is_unsubscribed, unsubscribe

DOOR = Door("https://reports.agency.example/widerview/unsubscribe", "s" * 32)
OURS = ("otter-bakery", "<report.otter-bakery.2026-W47.r1.abc@agency.example>")


def test_the_mail_says_where_one_post_unsubscribes() -> None:
    url = DOOR.url_of(*OURS)
    message = build(**report(unsubscribe_url=url))
    headers = message_from_bytes(message, policy=default)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"] == f"<{url}>, <mailto:team@agency.example?subject=Unsubscribe%20otter-bakery>"
    assert unsubscribe_url(message) == url == DOOR.url_of(*OURS), "always the same one"
    assert unsubscribe_url(build(**report())) is None
    assert "anna" not in url
    assert max(map(len, message.split(b"\r\n"))) < 998


@pytest.mark.parametrize("name", ["Anna Otter", "Ännä 🦦 Otter", 'A "quoted" name', "x" * 100])
def test_the_recipients_name_can_be_read_back(name: str) -> None:
    assert recipient_name(build(**report(recipient_name=name))) == name


@pytest.mark.parametrize("url", ["https://x.example/>\r\nBcc: y", "ftp://x.example", "https://x.example/a b"])
def test_what_is_no_address_cannot_stand_in_the_header(url: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in List-Unsubscribe"):
        build(**report(unsubscribe_url=url))


def test_a_token_leads_to_its_mail_and_no_other(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        queue(connection, client_id=OURS[0], period="2026-W47", revision=1,
              mails=[Mail("anna@otter.example", OURS[1], b"x")], now=NOW)  # fmt: skip
        token = DOOR.url_of(*OURS).rpartition("/")[2]
        mail = DOOR.mail_of(connection, token)
        assert (mail.client_id, mail.recipient) == ("otter-bakery", "anna@otter.example")
        head, body, signature = token.split(".")
        forged = Door(DOOR.url, "t" * 32).url_of(*OURS).rpartition("/")[2]
        unknown = DOOR.url_of("otter-bakery", "<other@agency.example>").rpartition("/")[2]
        none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + body + "."
        for bad in (forged, unknown, none, "", "x", token[:-2], f"{head}.{body[:-4]}.{signature}"):
            with pytest.raises(NotOurs):
                DOOR.mail_of(connection, bad)
        for _ in range(2):
            unsubscribe(connection, mail, NOW)
        assert is_unsubscribed(connection, mail)
        found = find(connection, "otter-bakery", "anna@otter.example")
        assert found is not None
        assert found.kind == "unsubscribed"


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("http://reports.agency.example", "s" * 32, "HTTPS only"),
        ("https://reports.agency.example", "s" * 31, "32 characters"),
        ("", "s" * 32, "HTTPS only"),
    ],
)
def test_a_door_that_is_not_safe_is_refused(url: str, secret: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        Door(url, secret)
    assert secret not in str(refusal.value)
    assert Door("http://localhost:8080/x", "s" * 32).url
    assert "sss" not in repr(DOOR)
