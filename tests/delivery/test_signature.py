"""DKIM: another server can check the signature, and whatever is changed on the way is seen."""

from email import message_from_bytes

import pytest

from dkim_key import PEM, is_genuine
from otter_bakery import report
from widerview.delivery.message import build
from widerview.delivery.signature import DkimKey, sign, unsigned

KEY = DkimKey("agency.example", "2026", PEM)


@pytest.mark.parametrize("recipient", ["anna@otter.example", "ännä@otter.example"])
def test_a_signed_mail_is_genuine_and_its_rest_unchanged(recipient: str) -> None:
    message = build(
        **report(recipient_email=recipient, unsubscribe_url="https://agency.example/widerview/unsubscribe/x")
    )
    signed = sign(message, KEY)
    assert is_genuine(signed)
    assert unsigned(signed) == message == unsigned(message)


def test_both_headers_of_one_click_are_signed() -> None:
    signed = sign(build(**report(unsubscribe_url="https://agency.example/widerview/unsubscribe/x")), KEY)
    [header] = message_from_bytes(signed).get_all("DKIM-Signature")
    names = "".join(header.split()).partition("h=")[2].partition(";")[0].split(":")
    for name in ("from", "list-unsubscribe", "list-unsubscribe-post", "message-id", "subject"):
        assert names.count(name) == 2, "once more than it occurs, so that none can be added"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"One-Click", b"One-Clock"), (b"412 visits", b"413 visits"), (b"Subject: A", b"Subject: B"),
        (b"To: ", b"List-Unsubscribe: <https://evil.example>\r\nTo: "), (b"To: ", b"Subject: B\r\nTo: "),
    ],
)  # fmt: skip
def test_what_is_changed_on_the_way_is_seen(before: bytes, after: bytes) -> None:
    signed = sign(build(**report(unsubscribe_url="https://agency.example/widerview/unsubscribe/x")), KEY)
    head, _, rest = signed.partition(b"\r\nFrom: ")
    changed = head + b"\r\nFrom: " + rest.replace(before, after, 1)
    assert changed != signed
    assert not is_genuine(changed)


def test_a_key_covers_its_domain_and_what_is_below() -> None:
    assert KEY.covers("mira@agency.example")
    assert KEY.covers("mira@mail.Agency.example")
    assert not KEY.covers("mira@notagency.example")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("agency.example", "", PEM), "needs a domain"),
        (("agency.example", "2026", "secret-that-is-no-key"), "must be an RSA key"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(values: tuple[str, str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        DkimKey(*values)
    assert "secret-that" not in str(refusal.value)
    assert "PRIVATE" not in repr(KEY)
