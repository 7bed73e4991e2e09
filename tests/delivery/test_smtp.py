"""The dialogue with the mail server: encryption, login, addresses, and what settings are refused."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import write_certificate
from mail_server import DROP, MailServer
from otter_bakery import mails
from widerview.delivery.smtp import (
    Accepted,
    Answer,
    Deferred,
    Lost,
    Mailer,
    Refused,
    SmtpSettings,
    settings_from_connection,
)

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # of the test's own server

ANNA, UMLAUT = "anna@otter.example", "ännä@otter.example"
LOGIN = ("agency", "correct horse")


def settings(server: MailServer, **changes: object) -> SmtpSettings:
    return SmtpSettings(**{"host": "127.0.0.1", "port": server.port, "security": "none", "timeout": 10} | changes)


def send(mailer: Mailer, recipient: str = ANNA) -> Answer:
    return mailer.send(recipient=recipient, message=mails(recipient)[0].message, before_data=lambda: None)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, signed by itself."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "mail.pem")


@pytest.fixture(params=["tls", "starttls"])
def secure_server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[MailServer, str]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with MailServer(**{request.param: context}, login=LOGIN) as server:
        yield server, request.param


def test_encrypted_and_logged_in(
    secure_server: tuple[MailServer, str], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server, security = secure_server
    with Mailer(settings(server, security=security, user=LOGIN[0], password=LOGIN[1])) as mailer:
        assert [send(mailer), send(mailer)] == [Accepted("250 taken")] * 2
    assert server.received == {ANNA: 2}


def test_an_unknown_certificate_is_not_trusted(secure_server: tuple[MailServer, str]) -> None:
    server, security = secure_server
    with Mailer(settings(server, security=security, user=LOGIN[0], password=LOGIN[1])) as mailer:
        answer = send(mailer)
    assert isinstance(answer, Deferred)
    assert "certificate" in answer.text.lower()


def test_a_wrong_password_is_tried_once_and_never_shown(
    secure_server: tuple[MailServer, str], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server, security = secure_server
    wrong = settings(server, security=security, user=LOGIN[0], password="wrong-horse")
    before = server.connections
    with Mailer(wrong) as mailer:
        answers = [send(mailer), send(mailer)]
    tried = server.connections - before
    assert all(isinstance(answer, Deferred) and "535" in answer.text for answer in answers)
    assert tried <= 2  # TLS after STARTTLS counts as a connection of its own
    assert "wrong-horse" not in f"{answers}{wrong!r}{wrong}{mailer!r}"


def test_without_starttls_nothing_is_said(mail_server: MailServer) -> None:
    with Mailer(settings(mail_server, security="starttls")) as mailer:
        answer = send(mailer)
    assert isinstance(answer, Deferred)
    assert "STARTTLS" in answer.text
    assert mail_server.mails == []


def test_an_address_outside_ascii_goes_out_if_the_server_can_carry_it(mail_server: MailServer) -> None:
    with Mailer(settings(mail_server)) as mailer:
        assert [send(mailer, UMLAUT), send(mailer)] == [Accepted("250 taken")] * 2
    assert mail_server.received == {UMLAUT: 1, ANNA: 1}
    with MailServer(smtputf8=False) as old, Mailer(settings(old)) as mailer:
        refused = send(mailer, UMLAUT)
        assert isinstance(refused, Refused)
        assert "SMTPUTF8" in refused.text
        assert send(mailer) == Accepted("250 taken")


@pytest.mark.parametrize(("bounces_to", "sender"), [(None, "mira@agency.example"), ("bounce@agency.example",) * 2])
def test_bounces_go_to_the_sender_unless_said_otherwise(
    mail_server: MailServer, bounces_to: str | None, sender: str
) -> None:
    with Mailer(settings(mail_server, envelope_sender=bounces_to)) as mailer:
        send(mailer)
    assert mail_server.envelope_senders == [sender]


def test_a_line_that_is_a_dot_does_not_end_the_mail(mail_server: MailServer) -> None:
    message = b"From: <mira@agency.example>\r\n\r\n.\r\n..\r\n.x\r\nend\r\n"
    with Mailer(settings(mail_server)) as mailer:
        mailer.send(recipient=ANNA, message=message, before_data=lambda: None)
    assert mail_server.mails == [(ANNA, message)]


def test_a_server_that_hung_up_between_two_mails_is_called_again(mail_server: MailServer) -> None:
    with Mailer(settings(mail_server)) as mailer:
        mail_server.faults["answer"] = "421 closing"
        assert isinstance(send(mailer), Deferred)
        mail_server.faults = {"answer": DROP}
        assert isinstance(send(mailer), Lost)
        mail_server.faults = {"RCPT": "550 no such user"}
        assert send(mailer) == Refused("550 no such user")
        mail_server.faults = {}
        assert send(mailer) == Accepted("250 taken")
    assert mail_server.connections == 3


def test_a_connection_that_breaks_in_the_middle_of_a_long_mail_is_safe_to_try_again(mail_server: MailServer) -> None:
    mail_server.faults["body"] = DROP
    message = b"From: <mira@agency.example>\r\n\r\n" + b"x" * 70 + b"\r\n" * 20_000_000
    with Mailer(settings(mail_server)) as mailer:
        answer = mailer.send(recipient=ANNA, message=message, before_data=lambda: None)
    assert isinstance(answer, Deferred)
    assert "before the end of the mail" in answer.text


def test_nothing_goes_out_when_the_last_word_before_it_fails(mail_server: MailServer) -> None:
    def fail() -> None:
        raise OSError("the database is gone")

    mailer = Mailer(settings(mail_server))
    with pytest.raises(OSError, match="the database is gone"), mailer:
        mailer.send(recipient=ANNA, message=mails(ANNA)[0].message, before_data=fail)
    assert mail_server.mails == []


def test_a_mail_from_nobody_is_not_sent(mail_server: MailServer) -> None:
    with Mailer(settings(mail_server)) as mailer, pytest.raises(ValueError, match="no From address"):
        mailer.send(recipient=ANNA, message=b"Subject: x\r\n\r\nx\r\n", before_data=lambda: None)


@pytest.mark.parametrize(
    ("extra", "port", "security", "used_port"),
    [
        ({}, None, "tls", 465),
        ({"disable_tls": True}, 2465, "tls", 2465),
        ({"disable_ssl": True}, None, "starttls", 587),
        ({"disable_ssl": "true", "disable_tls": "false"}, None, "starttls", 587),
        ({"disable_ssl": True, "disable_tls": True}, None, "none", 25),
    ],
)
def test_security_as_the_airflow_connection_says(
    extra: dict[str, object], port: int | None, security: str, used_port: int
) -> None:
    found = settings_from_connection("127.0.0.1", port, None, None, extra)
    assert (found.security, found.port) == (security, used_port)


def test_all_fields_of_the_airflow_connection() -> None:
    extra = {"timeout": "12", "from_email": "bounce@agentur-süd.example", "retry_limit": 5, "ssl_context": "default"}
    found = settings_from_connection("smtp.agency.example", 465, "agency", "secret", extra)
    assert found == SmtpSettings(
        "smtp.agency.example", 465, "agency", "secret", "tls", 12.0, "bounce@xn--agentur-sd-ieb.example"
    )
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("host", "login", "password", "extra", "words"),
    [
        (None, None, None, {}, "has no host"),
        (
            "smtp.agency.example",
            None,
            None,
            {"disable_ssl": True, "disable_tls": True},
            "would go over the network unencrypted",
        ),
        ("10.0.0.7", None, None, {"disable_ssl": True, "disable_tls": True}, "would go over the network unencrypted"),
        ("smtp.agency.example", "agency", None, {}, "needs both a user and a password"),
        ("smtp.agency.example", "agency", "sécret", {}, "is not ASCII"),
        ("smtp.agency.example", None, None, {"ssl_context": "none"}, "certificate is always checked"),
        ("smtp.agency.example", None, None, {"auth_type": "oauth2"}, "auth_type 'oauth2' is not supported"),
        ("smtp.agency.example", None, None, {"disable_ssl": "perhaps"}, "disable_ssl in the SMTP connection's extra"),
        ("smtp.agency.example", None, None, {"timeout": -1}, "must be more than 0"),
        ("smtp.agency.example", None, None, {"timeout": "soon"}, "timeout"),
        ("smtp.agency.example", None, None, {"from_email": "Mira <mira@agency.example>"}, "is not one email address"),
    ],
)
def test_settings_that_would_not_be_safe_are_refused(
    host: str | None, login: str | None, password: str | None, extra: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        settings_from_connection(host, None, login, password, extra)
    assert "sécret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_a_server_on_this_machine_may_go_without_encryption(host: str) -> None:
    assert SmtpSettings(host, 1025, security="none").security == "none"
