"""A mail catcher for the demo: takes every mail on this machine and lays it in a folder, to read in a browser.

Run it as `python -m widerview.delivery.catcher --port 1025 --folder mails`.
"""

import argparse
import asyncio
import html
import logging
import re
import signal
import unicodedata
from base64 import b64encode
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
"""Only this machine can reach the catcher: it has no encryption and no login."""

log = logging.getLogger(__name__)

_LONGEST_PART = 40
_SAFE_PAGE = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
)


def to_html(eml: bytes) -> str:
    """Turn a mail into a page that shows it as a mail program would: its pictures inside, nothing else loaded."""
    message = _read(eml)
    report = message.get_body(("html",))
    if report is None:
        text = message.get_body(("plain",))
        page = f'<meta charset="utf-8">\n<pre>{html.escape(text.get_content() if text else "")}</pre>\n'
    else:
        pictures = {
            part["Content-ID"].strip(
                "<> "
            ): f"data:{part.get_content_type()};base64,{b64encode(content).decode('ascii')}"
            for part in message.walk()
            if part["Content-ID"] and isinstance(content := part.get_payload(decode=True), bytes)
        }
        page = re.sub(r"cid:([^\"'\s)>]+)", lambda cid: pictures.get(cid[1], cid[0]), report.get_content())
    # Inside the head: anything before the doctype makes browsers lay the page out by old rules.
    head = re.search(r"<head(\s[^>]*)?>", page, re.IGNORECASE)
    at = head.end() if head else 0
    return page[:at] + _SAFE_PAGE + page[at:]


def file_stem(number: int, recipient: str, subject: str) -> str:
    """Name the files of a mail, e.g. `0003-mira@bakery.example-a-normal-week`; safe on every file system."""
    parts = (_slug(recipient, keep="@."), _slug(subject))
    return "-".join([f"{number:04}", *(part for part in parts if part)])


class Catcher:
    """An aiosmtpd handler that writes every mail as `.eml` and `.html`, and an `index.html` of all of them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._number = max((_number(path) for path in _mails_in(folder)), default=0)
        self._write_index()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take one mail; the answer names its file."""
        assert isinstance(envelope.content, bytes)  # noqa: S101 - aiosmtpd gives bytes unless asked to decode
        try:
            stem = self._write_mail(envelope.rcpt_tos[0], envelope.content)
        except OSError as error:
            log.exception("Could not write a mail into %s", self._folder)
            return f"451 could not write the mail: {error.strerror}"
        return f"250 caught as {stem}.eml"

    def _write_mail(self, recipient: str, eml: bytes) -> str:
        self._number += 1
        stem = file_stem(self._number, recipient, str(_read(eml)["Subject"] or ""))
        self._write(f"{stem}.html", to_html(eml).encode(errors="replace"))
        self._write(f"{stem}.eml", eml)
        self._write_index()
        return stem

    def _write_index(self) -> None:
        newest_first = sorted(_mails_in(self._folder), key=_number, reverse=True)
        rows = "\n".join(_index_row(path.stem, _read(path.read_bytes())) for path in newest_first)
        self._write("index.html", _INDEX.format(count=len(newest_first), rows=rows).encode(errors="replace"))

    def _write(self, name: str, content: bytes) -> None:
        """Write a file so that a reader sees all of it or none."""
        part = self._folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(self._folder / name)


async def serve(port: int, folder: Path) -> None:
    """Catch mails until the process is told to end (SIGTERM or SIGINT); port 0 takes any free one and logs it."""
    catcher = Catcher(folder)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, ended.set)
    server = await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, hostname="catcher.localhost"), HOST, port
    )
    async with server:
        log.info("Catching mails at %s:%d into %s", HOST, server.sockets[0].getsockname()[1], folder)
        await ended.wait()


def main(arguments: list[str] | None = None) -> None:
    """Run the catcher from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m widerview.delivery.catcher", description="Catch mails for reading."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1 to take mails at")
    parser.add_argument("--folder", type=Path, required=True, help="where to put them; index.html lists them all")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(options.port, options.folder))
    except OSError as error:
        raise SystemExit(
            f"The mail catcher cannot run on port {options.port} with {options.folder}: {error}"
        ) from error


def _read(eml: bytes) -> EmailMessage:
    return message_from_bytes(eml, policy=default)


def _slug(text: str, keep: str = "") -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(rf"[^a-z0-9{re.escape(keep)}]+", "-", plain)[:_LONGEST_PART].strip("-.")


def _mails_in(folder: Path) -> list[Path]:
    return list(folder.glob("[0-9]*-*.eml"))


def _number(eml: Path) -> int:
    return int(eml.name.partition("-")[0])


def _index_row(stem: str, message: EmailMessage) -> str:
    cells = (html.escape(str(message[name] or "")) for name in ("Date", "From", "To"))
    subject = html.escape(str(message["Subject"] or "(no subject)"))
    links = f'<a href="{stem}.html">{subject}</a> (<a href="{stem}.eml">source</a>)'
    return f"<tr><td>{links}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


_INDEX = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Caught mails ({count})</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid #ddd; }}
</style>
</head>
<body>
<h1>Caught mails</h1>
<p>{count} so far, the newest first. They have gone nowhere else.</p>
<table>
<thead>
<tr><th scope="col">Subject</th><th scope="col">Date</th><th scope="col">From</th><th scope="col">To</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""

if __name__ == "__main__":
    main()
