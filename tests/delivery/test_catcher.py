"""The mail catcher: what it shows of a mail, and the real thing as its own process."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope
from hypothesis import given
from hypothesis import strategies as st

from otter_bakery import HTML, mails, report
from widerview.delivery.catcher import Catcher, file_stem, main, to_html
from widerview.delivery.message import build
from widerview.delivery.smtp import Accepted, Mailer, SmtpSettings


def test_the_page_shows_the_mail_with_its_pictures_inside_and_loads_nothing_else() -> None:
    page = to_html(build(**report()))
    assert '<img src="data:image/png;base64,iVBORw0KGgo' in page
    assert "cid:" not in page
    assert "<h1>A normal week</h1>" in page
    assert page.startswith("<!doctype html>")
    assert page.index("<head>") < page.index("Content-Security-Policy") < page.index("<title>")


def test_an_unknown_picture_and_a_mail_without_html_are_shown_as_they_are() -> None:
    assert 'src="cid:other"' in to_html(build(**report(html=HTML + '<img src="cid:other">')))
    page = to_html(b"From: <x@otter.example>\r\nSubject: x\r\n\r\n1 < 2 & <script>\r\n")
    assert "<pre>1 &lt; 2 &amp; &lt;script&gt;" in page
    assert "<pre></pre>" in to_html(b"Content-Type: application/pdf\r\n\r\nx")


@given(recipient=st.text(), subject=st.text())
def test_file_names_are_safe(recipient: str, subject: str) -> None:
    assert re.fullmatch(r"0007(-[a-z0-9@][a-z0-9@.-]*)?(-[a-z0-9-]+)?", file_stem(7, recipient, subject))


def test_file_names_tell_recipient_and_subject() -> None:
    assert file_stem(3, "Anna@Otter.example", "Écart: week 47!") == "0003-anna@otter.example-ecart-week-47"
    assert file_stem(12345, "../../etc", "..") == "12345-etc"


@pytest.fixture
def catch(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "widerview.delivery.catcher", "--port", "0", "--folder", str(tmp_path / "mails")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def test_mails_end_up_as_files(catch: subprocess.Popen[str], tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    listening = catch.stderr.readline()
    port = int(re.search(r"127\.0\.0\.1:(\d+)", listening)[1])
    assert "Caught mails (0)" in (folder / "index.html").read_text()

    anna, umlaut = mails("anna@otter.example", "ännä@otter.example")
    with Mailer(SmtpSettings("127.0.0.1", port, security="none")) as mailer:
        for mail in (anna, umlaut):
            answer = mailer.send(recipient=mail.recipient, message=mail.message, before_data=lambda: None)
            assert isinstance(answer, Accepted)
            assert "caught as 000" in answer.text

    stem = "0001-anna@otter.example-a-normal-week-otter-bakery-week-47"
    assert (folder / f"{stem}.eml").read_bytes() == anna.message
    assert (folder / f"{stem}.html").read_bytes().decode() == to_html(anna.message)
    index = (folder / "index.html").read_text()
    assert "Caught mails (2)" in index
    assert f'<a href="{stem}.html">A normal week: Otter Bakery, week 47</a>' in index
    assert index.index("0002-anna@otter.example") < index.index("0001-anna@otter.example")
    assert len(list(folder.iterdir())) == 5

    catch.terminate()
    assert catch.wait(30) == 0


def caught(recipient: str, content: bytes) -> Envelope:
    envelope = Envelope()
    envelope.rcpt_tos, envelope.content = [recipient], content
    return envelope


def test_a_restarted_catcher_goes_on_counting(tmp_path: Path) -> None:
    (tmp_path / "0041-anna@otter.example-x.eml").write_bytes(b"Subject: <b>old</b>\r\n\r\n")
    catcher = Catcher(tmp_path)
    assert "&lt;b&gt;old&lt;/b&gt;" in (tmp_path / "index.html").read_text()
    mail = caught("ben@otter.example", b"Subject: new\r\n\r\n")
    assert asyncio.run(catcher.handle_DATA(SMTP(catcher), None, mail)) == "250 caught as 0042-ben@otter.example-new.eml"


def test_a_mail_that_cannot_be_written_is_deferred(tmp_path: Path) -> None:
    catcher = Catcher(tmp_path / "mails")
    shutil.rmtree(tmp_path / "mails")
    answer = asyncio.run(catcher.handle_DATA(SMTP(catcher), None, caught("ben@otter.example", b"\r\n")))
    assert answer == "451 could not write the mail: No such file or directory"


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"cannot run on port {port} with .*address already in use"):
            main(["--port", str(port), "--folder", str(tmp_path)])
