"""Nothing goes to people who are not on the client's list, nor with another client's name in it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from mail_server import MailServer
from otter_bakery import NOW, client, report
from widerview.agency.models import Client
from widerview.delivery.message import Attachment, Mail, build
from widerview.delivery.outbox import Entry, Summary, deliver, list_rows, queue, release
from widerview.delivery.safety import Guard, find_others, marks, own_marks
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.warehouse.tables import outbox

OTTER = client(web=[{"platform": "matomo", "site_id": "1", "url": "https://www.otter.example", "connection": "m"}])


def other(**changes: object) -> Client:
    return client(**{
        "client": "quay-gym",
        "name": "Quay Gym",
        "recipients": [{"name": "Cleo Quay", "email": "cleo@quaygym.example"}],
        "accounts": [{"platform": "bluesky", "handle": "quaygym.example"},
                     {"platform": "mastodon", "handle": "@pumpiron@social.example"}],
        "web": [{"platform": "matomo", "site_id": "7654321", "url": "https://www.quay-gym-shop.example/de",
                 "connection": "m"}],
    } | changes)  # fmt: skip


def pdf_of(text: str, link: str = "https://agency.example") -> bytes:
    """A PDF of one line and one link."""
    drawn = f"BT /F1 12 Tf 20 40 Td ({text}) Tj ET"
    parts = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Annots [6 0 R] "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI ({link}) >> >>",
    )
    file, places = "%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        f"{file}xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(parts) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
    ).encode()


def attached(pdf: bytes) -> dict[str, object]:
    return {"attachment": Attachment("week.pdf", pdf)}


def entry(client_id: str, recipient: str, released: str | None = None) -> Entry:
    return Entry(client_id, "2026-W47", 1, recipient, "<1@agency.example>", "ready", 0, NOW, NOW, None, None, None,
                 None, released, None)  # fmt: skip


def mail_of(owner: Client, **changes: object) -> bytes:
    """A fictional report of a client, as it names itself in every part."""
    text = f"A normal week at {owner.name}\n{owner.accounts[0].handle}: 412 visits.\n"
    html = f'<html><body><h1>{owner.name}</h1><img src="cid:chart" alt="412"></body></html>'
    person = owner.recipients[0]
    return build(**report(**{"subject": f"A normal week: {owner.name}", "html": html, "text": text,
                             "recipient_name": person.name, "recipient_email": person.email,
                             "client_id": owner.client} | changes))  # fmt: skip


def found(text: str, *others: Client, own: Client = OTTER, **changes: object) -> list[str]:
    message = mail_of(own, text=text, **changes)
    marked = {each.client: marks(each) for each in others or (other(),)}
    return [f"{each.mark.what} in {each.part}" for each in find_others(message, own=own_marks(own), others=marked)]


def test_a_clients_own_mail_goes() -> None:
    clients = {each.client: each for each in (OTTER, other())}
    for each in clients.values():
        assert Guard(clients)(entry(each.client, each.recipients[0].email), mail_of(each)) is None


@pytest.mark.parametrize("email", ["anna@bäckerei.example", "jürgen@otter.example"])
def test_addresses_outside_ascii_are_known(email: str) -> None:
    somebody = client(recipients=[{"name": "Anna", "email": email}])
    guard = Guard({"otter-bakery": somebody, "quay-gym": other()})
    assert guard(entry("otter-bakery", email), mail_of(somebody)) is None
    theirs = other(recipients=[{"name": "Q", "email": email}])
    assert "recipient in the text" in found(f"Ask {email}\n", theirs)
    assert "recipient in the header To" in found("x\n", theirs, recipient_email=email)


def test_the_right_mail_to_the_wrong_people_does_not() -> None:
    guard = Guard({"otter-bakery": OTTER, "quay-gym": other()})
    why = guard(entry("otter-bakery", "eve@evil.example"), mail_of(OTTER, recipient_email="eve@evil.example"))
    assert why == "eve@evil.example is not on the list of recipients in otter-bakery.yaml"
    released = guard(entry("otter-bakery", "eve@evil.example", released="mira: yes"), mail_of(OTTER))
    assert released == why, "releasing a mail puts nobody on the list"
    to_eve = guard(entry("otter-bakery", "anna@otter.example"), mail_of(OTTER, recipient_email="eve@evil.example"))
    assert "would go to anna@otter.example" in (to_eve or "")
    assert "no client file gone.yaml" in (guard(entry("gone", "anna@otter.example"), mail_of(OTTER)) or "")


def test_an_alert_goes_to_those_who_are_alerted_and_nobody_else() -> None:
    guard = Guard({"otter-bakery": OTTER, "quay-gym": other()})
    sender = OTTER.sender.email
    [alerted] = OTTER.alerted
    mail = mail_of(OTTER, recipient_email=alerted, text="They say Quay Gym is better.\n")
    assert alerted == sender
    assert guard(replace(entry("otter-bakery", alerted), period="crisis-2026-11-24T08"), mail) is None
    to_anna = replace(entry("otter-bakery", "anna@otter.example"), period="crisis-2026-11-24T08")
    why = guard(to_anna, mail_of(OTTER))
    assert why == "anna@otter.example is not on the list of those who are alerted in otter-bakery.yaml"


def test_where_and_what_is_told() -> None:
    guard = Guard({"otter-bakery": OTTER, "quay-gym": other()})
    why = guard(entry("otter-bakery", "anna@otter.example"), mail_of(OTTER, text="More posts than QUAY  GYM did.\n"))
    assert why == (
        "the mail names another client: name 'Quay Gym' of client quay-gym in the text: “More posts than QUAY GYM did.”"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("at quay-gym", "name"), ("see #QuayGym", "name"), ("Quay\u00a0Gym’s", "name"), ("Ｑuay Gym", "name"),
        ("Qu\u200bay Gym", "name"), ("quaygym.example", "domain"),
        ("@pumpiron@social.example", "mastodon account"), ("thanks, @pumpiron!", "mastodon account"),
        ("site 7654321", "matomo site"), ("cleo@quaygym.example", "recipient"),
        ("https://quay-gym-shop.example/x", "website"), ("QUAY-GYM-SHOP.EXAMPLE", "website"),
    ],
)  # fmt: skip
def test_another_client_is_found_however_it_is_written(text: str, what: str) -> None:
    assert any(each.startswith(what) and each.endswith("in the text") for each in found(f"Look: {text}\n")), found(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Café Lumière", "As at Cafe Lumiere last week"), ("Cafe Lumiere", "Wie im CAFÉ LUMIÈRE"),
        ("Bäckerei Müller", "wie bei Baeckerei Mueller"), ("Baeckerei Mueller", "wie bei Bäckerei Müller"),
        ("Bäckerei Müller", "wie bei der Backerei Muller"), ("Bäckerei Müller", "in Bäckerei Müllers Laden"),
        ("Smørrebrød Ærø", "som hos Smorrebrod Aero"), ("Müller", "Wie bei Mueller"), ("Mueller", "Wie bei Müller"),
        ("Nordlicht", "Dort, und NORDLICHT"), ("Nordlicht", "Nordlichts Angebot"), ("Nordlicht", "NORDLICHTS Angebot"),
        ("Nordlicht!", "Bei Nordlicht war mehr los"), ("Καφέ", "στο ΚΑΦΕ"),
        ("寿司太郎", "今週は寿司太郎の投稿が好調でした"), ("ラーメン一番", "昨日のラーメン一番、"),
        ("다람쥐카페", "다람쥐카페의 게시물"),
        ("ร้านกาแฟ", "โพสต์ของร้านกาแฟดี"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_every_spelling(name: str, text: str) -> None:
    assert found(f"{text}\n", other(name=name)) == ["name in the text"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"subject": "Quay Gym, week 47"}, "the header Subject"),
        ({"sender_name": "Quay Gym"}, "the header From"),
        ({"html": '<p>x</p><img src="cid:chart" alt="Quay Gym: 412">'}, "the HTML"),
        ({"html": '<a href="https://quaygym.example">x</a><img src="cid:chart" alt="x">'}, "a link of the HTML"),
        ({"html": '<a href="https://x.example/%71uay-gym">x</a><img src="cid:chart">'}, "a link of the HTML"),
        ({"html": '<p>Quay &#71;ym</p><img src="cid:chart">'}, "the HTML"),
        ({"html": '<!-- quay-gym --><img src="cid:chart">'}, "the HTML"),
        ({"client_id": "quay-gym"}, "the header List-Id"),
        (attached(pdf_of("A normal week at Quay Gym")), "the PDF"),
        (attached(pdf_of("x", link="https://quaygym.example")), "a link of the PDF"),
    ],
)
def test_another_client_is_found_wherever_it_stands(changes: dict[str, object], where: str) -> None:
    assert any(each.endswith(f"in {where}") for each in found("A normal week.\n", **changes))


def test_a_pdf_goes_if_it_can_be_read_and_names_nobody_else() -> None:
    guard, row = Guard({"otter-bakery": OTTER, "quay-gym": other()}), entry("otter-bakery", "anna@otter.example")
    assert guard(row, mail_of(OTTER, **attached(pdf_of("A normal week at Otter Bakery")))) is None
    for broken in (b"", b"%PDF-1.7\nno more", pdf_of("x")[:200]):
        assert "its PDF cannot be read" in (guard(row, mail_of(OTTER, **attached(broken))) or "")


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("A rise of 12%. The rise goes on; 10 out of 10.\n", other(client="rise", name="Rise")),
        ("Go on like that, we go for 12 posts.\n", other(client="go", name="Go")),
        ("412345 visits\n", other(client="x1", name="X1", web=[])),
        ("Otter Bakery is open, says Otter Bakery.\n", other(client="otter", name="Otter")),
        ("Write to Mira Holt of Harbour & Co, 1 Quay Street\n", other(client="harbour", name="Harbour")),
        ("Rises are rare. Neue Beiträge.\n", other(client="rise", name="Rise")),
        ("Neue Beiträge, mehr Neues\n", other(client="neu", name="Neu")),
        ("今週は寿司の投稿が好調でした\n", other(client="sushi", name="寿司")),
        ("カラス\n", other(client="glass", name="ガラス")),
        ("gmail.com, instagram.com\n", other(recipients=[{"name": "C", "email": "c.q@gmail.com"}])),
    ],
)
def test_what_is_common_or_ones_own_holds_nothing_up(text: str, others: Client) -> None:
    assert found(text, others) == []


def test_a_name_within_ones_own_is_found_where_it_stands_alone() -> None:
    otter = other(client="otter", name="Otter")
    assert found("Otter Bakery did better than Otter.\n", otter) == ["name in the text"]
    bakery_and_more = other(client="otter-bakery-shop", name="Otter Bakery Shop")
    assert found("Otter Bakery Shop\n", bakery_and_more) == ["name in the text"], "ours is a part of theirs"


@pytest.fixture
def deliverer(warehouse: Engine, mail_server: MailServer) -> Callable[[str], Summary]:
    clients = {each.client: each for each in (OTTER, other())}

    def go(client_id: str) -> Summary:
        return deliver(warehouse, client_id=client_id, period="2026-W47", revision=1, guard=Guard(clients),
                       mailer_factory=lambda: Mailer(SmtpSettings("127.0.0.1", mail_server.port, security="none")),
                       is_open=lambda: True, clock=lambda: NOW)  # fmt: skip

    return go


def test_mutation_swapped_clients_are_stopped_before_they_are_claimed(
    warehouse: Engine, mail_server: MailServer, deliverer: Callable[[str], Summary]
) -> None:
    """Swap what can be swapped between two clients: the mails' bytes, their recipients, or whole rows."""
    pair = (OTTER, other())
    with warehouse.begin() as connection:
        for owner in pair:
            mail = Mail(owner.recipients[0].email, f"<{owner.client}>", mail_of(owner))
            queue(connection, client_id=owner.client, period="2026-W47", revision=1, mails=[mail], now=NOW)
        rows = {row.client_id: row for row in connection.execute(select(outbox))}
    swaps: list[dict[str, tuple[str, ...]]] = [
        {"columns": ("message", "sha256")}, {"columns": ("recipient",)}, {"columns": ("recipient", "message", "sha256")}
    ]  # fmt: skip
    for swap in swaps:
        with warehouse.begin() as connection:
            for one, another in (pair, pair[::-1]):
                mine, theirs = rows[one.client], rows[another.client]
                values = {"recipient": mine.recipient, "message": mine.message, "sha256": mine.sha256, "state": "ready"}
                values |= {name: getattr(theirs, name) for name in swap["columns"]}
                connection.execute(update(outbox).where(outbox.c.client_id == one.client).values(values))
        for owner in pair:
            [held] = deliverer(owner.client).held
            assert held.answer, swap
    with warehouse.connect() as connection:
        assert [row.attempts for row in list_rows(connection)] == [0, 0]
    assert mail_server.mails == []


def test_mutation_another_clients_words_in_ones_own_mail_are_stopped_and_can_be_released(
    warehouse: Engine, mail_server: MailServer, deliverer: Callable[[str], Summary]
) -> None:
    leak = mail_of(OTTER, text=f"A normal week\n{other().accounts[0].handle}: 412 visits.\n")
    with warehouse.begin() as connection:
        queue(connection, client_id="otter-bakery", period="2026-W47", revision=1,
              mails=[Mail("anna@otter.example", "<1>", leak)], now=NOW)  # fmt: skip
    [held] = deliverer("otter-bakery").held
    assert "quaygym.example" in (held.answer or "")
    with warehouse.begin() as connection:
        release(connection, client_id="otter-bakery", period="2026-W47", revision=1, recipient="anna@otter.example",
                by="mira", why="They run a race together", now=NOW + dt.timedelta(minutes=1))  # fmt: skip
    assert len(deliverer("otter-bakery").sent) == 1
    assert mail_server.received == {"anna@otter.example": 1}


@given(st.text(max_size=200))
def test_any_words_are_looked_through(words: str) -> None:
    words = words.encode(errors="replace").decode()
    assert found(f"{words} | Quay Gym |\n", html=f'<p>{words} Quay Gym</p><img src="cid:chart">')
