"""Mails as a browser shows them."""

import base64

from playwright.sync_api import Browser, Page

from otter_bakery import client
from widerview.pipeline.weekly import mails
from widerview.report.facts import Facts
from widerview.report.render import Rendered


class Opened:
    """A mail in a browser's window, and all it tried to do beside being read."""

    def __init__(self, browser: Browser, html: str, width: int, scheme: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.did: list[str] = []
        self.page.on("console", lambda message: self.did.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.did.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.did.append("dialog"), dialog.dismiss()))
        self.page.on(
            "request", lambda request: request.url.startswith("data:") or self.did.append(f"request: {request.url}")
        )
        self.page.set_content(html)

    def overflow(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def with_images(rendered: Rendered) -> str:
    """The HTML part with its pictures put in place, so that a browser shows it without a mail around it."""
    html = rendered.html
    for cid, png in rendered.pictures.items():
        html = html.replace(f"cid:{cid}", f"data:image/png;base64,{base64.b64encode(png).decode()}")
    return html


def as_sent(facts: Facts, note: str | None) -> bytes:
    """The mail to a made-up recipient, byte for byte."""
    [mail] = mails(client(), facts, note, facts.as_of)
    return mail.message
