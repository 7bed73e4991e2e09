"""The mail: its parts and headers as another program reads them, and hostile names."""

import datetime as dt
import itertools
import unicodedata
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from email.utils import quote as quoted
from urllib.parse import parse_qs, urlsplit

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter_bakery import HTML, PIXEL, report
from widerview.delivery.message import InlineImage, build, message_id, wire_address

HEADERS = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "Auto-Submitted",
           "Content-Language", "MIME-Version", "Content-Type"]  # fmt: skip


def read(message: bytes) -> EmailMessage:
    return message_from_bytes(message, policy=default)


def written(message: bytes, name: str) -> str:
    """A header as a mail program shows it: unfolded, RFC 2047 words decoded."""
    return str(make_header(decode_header(message_from_bytes(message)[name].replace("\r\n", ""))))


def test_parts_come_plainest_first_and_unharmed() -> None:
    message = read(build(**report()))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    text, html, chart = (part for part in message.walk() if not part.is_multipart())
    assert text.get_content().splitlines() == ["A normal week", "", "412 visits."]
    assert html.get_content().splitlines() == [HTML]
    assert chart.get_content() == PIXEL
    assert (chart["Content-ID"], chart.get_content_disposition(), chart.get_filename()) == (
        "<chart>",
        "inline",
        "chart.png",
    )


def test_without_a_chart_there_are_two_parts() -> None:
    message = read(build(**report(pictures=[], html="<p>A normal week</p>")))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_headers() -> None:
    message = read(build(**report(date=dt.datetime(2026, 11, 24, 9, tzinfo=dt.timezone(dt.timedelta(hours=1))))))
    assert message.keys() == HEADERS
    assert message["From"] == "Mira Holt <mira@agency.example>"
    assert message["To"] == "Anna Otter <anna@otter.example>"
    assert message["Reply-To"] == "team@agency.example"
    assert message["Subject"] == "A normal week: Otter Bakery, week 47"
    assert message["Date"] == "Tue, 24 Nov 2026 09:00:00 +0100"
    assert message["List-Id"] == '"Harbour & Co: report for otter-bakery" <otter-bakery.reports.agency.example>'
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    unsubscribe = urlsplit(message["List-Unsubscribe"].strip("<>"))
    assert (unsubscribe.scheme, unsubscribe.path) == ("mailto", "team@agency.example")
    assert parse_qs(unsubscribe.query) == {"subject": ["Unsubscribe otter-bakery"]}


def test_answers_go_to_the_sender_unless_said_otherwise() -> None:
    assert read(build(**report(reply_to=None)))["Reply-To"] == "mira@agency.example"


def test_the_same_report_gives_the_same_bytes() -> None:
    assert build(**report()) == build(**report())


def test_the_message_id_is_in_words_and_keeps_the_recipient_to_itself() -> None:
    message = build(**report())
    of_anna = {"client_id": "otter-bakery", "period": "2026-W47", "revision": 1,
               "recipient_email": "anna@otter.example", "sender_email": "mira@agency.example"}  # fmt: skip
    identity = message_id(**of_anna)
    assert read(message)["Message-ID"] == identity
    assert identity.startswith("<report.otter-bakery.2026-W47.r1.")
    assert identity.endswith("@agency.example>")
    assert "anna" not in identity
    others = [{"recipient_email": "ben@otter.example"}, {"revision": 2}, {"period": "2026-W48"}, {"client_id": "fox"}]
    assert len({identity, *(message_id(**(of_anna | other)) for other in others)}) == 5


def test_lines_are_what_mail_servers_take() -> None:
    message = build(**report(html=f'<p>{"é" * 5000}</p><img src="cid:chart">', text="x" * 5000))
    assert message.endswith(b"\r\n")
    assert message.count(b"\n") == message.count(b"\r\n") == message.count(b"\r")
    assert max(map(len, message.split(b"\r\n"))) <= 76 + len("List-Unsubscribe: ") + 64
    assert message.isascii()


@pytest.mark.parametrize("field", ["subject", "sender_name", "recipient_name", "agency", "language"])
@pytest.mark.parametrize("evil", ["\r\nBcc: x@evil.example", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\ud800"])
def test_text_that_would_break_out_of_its_header_is_refused(field: str, evil: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a mail header"):
        build(**report(**{field: f"Anna{evil}"}))


@pytest.mark.parametrize("field", ["sender_email", "recipient_email", "reply_to"])
@pytest.mark.parametrize(
    "evil",
    [
        "@", "anna", "a@b@c", "anna@", "anna@otter.example>", "a,b@otter.example", "a b@otter.example",
        "anna@otter.example\r\nBcc: x", "a\x00@otter.example", "a\u2028@otter.example", "a\x9f@otter.example",
        "anna@-é-.example",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(field: str, evil: str) -> None:
    with pytest.raises(ValueError, match=r"is not one email address|has no valid domain|cannot stand in"):
        build(**report(**{field: evil}))


@pytest.mark.parametrize(
    ("field", "value"), [("client_id", "otter bakery"), ("period", "2026-W47>\r\nBcc: x"), ("client_id", "")]
)
def test_what_cannot_stand_in_a_message_id_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a Message-ID"):
        build(**report(**{field: value}))


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        build(**report(date=dt.datetime(2026, 11, 24, 9)))


@pytest.mark.parametrize("picture", [InlineImage("other", PIXEL), InlineImage("chart>\r\n", PIXEL)])
def test_a_picture_that_the_html_does_not_show_is_refused(picture: InlineImage) -> None:
    with pytest.raises(ValueError, match="does not show the picture"):
        build(**report(pictures=[picture]))


def test_domains_outside_ascii_are_written_as_mail_servers_know_them() -> None:
    message = build(**report(recipient_email="anna@bäckerei-straße.example", sender_email="mira@agentur-süd.example"))
    local, _, domain = read(message)["To"].addresses[0].addr_spec.partition("@")
    assert (local, idna.decode(domain)) == ("anna", "bäckerei-straße.example")
    assert read(message)["Message-ID"].endswith("@xn--agentur-sd-ieb.example>")
    assert message.isascii()
    assert wire_address("Anna@Otter.example") == "Anna@Otter.example"


def test_a_local_part_outside_ascii_stays_as_it_is_and_needs_smtputf8() -> None:
    message = build(**report(recipient_email="ännä@otter.example"))
    assert parseaddr(message.decode().split("To: ")[1].split("\r\n")[0])[1] == "ännä@otter.example"
    head, _, body = message.partition(b"\r\n\r\n")
    assert body.isascii()
    assert not head.isascii()


HARMLESS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from('",;:<>@()[]\\=?_ é🦦'), max_size=200
)


@given(subject=HARMLESS, name=HARMLESS, agency=HARMLESS)
def test_any_harmless_text_arrives_as_written_and_adds_no_header(subject: str, name: str, agency: str) -> None:
    message = build(**report(subject=subject, recipient_name=name, sender_name=name, agency=agency))
    assert message_from_bytes(message).keys() == HEADERS
    assert written(message, "Subject") == subject
    shown = written(message, "To").removesuffix(" <anna@otter.example>")
    assert shown in {name, f'"{quoted(name)}"'}
    assert read(message)["From"].addresses[0].addr_spec == "mira@agency.example"
    assert [address.addr_spec for address in read(message)["To"].addresses] == ["anna@otter.example"]
    head = message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(line.startswith((b" ", b"\t")) or b": " in line for line in head)


@given(text=st.text(), html=st.text(), png=st.binary(max_size=300))
def test_no_boundary_is_in_a_part(text: str, html: str, png: bytes) -> None:
    hostile = "\n--=_alternative_\n--=_related_\n.\n..\nFrom \n"
    try:
        message = read(
            build(**report(text=text + hostile, html=html + hostile + HTML, pictures=[InlineImage("chart", png)]))
        )
    except UnicodeEncodeError:
        assert any(unicodedata.category(character) == "Cs" for character in text + html)
        return
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert len(parts) == 3
    lines = ["\n".join(part.get_content().splitlines()) for part in parts[:2]]
    assert lines == ["\n".join(part.splitlines()) for part in (text + hostile, html + hostile + HTML)]
    assert parts[2].get_content() == png
    assert list(itertools.chain(*(part.defects for part in message.walk()))) == []
