"""A reviewer at a real browser: logs in, opens Required Actions, reads, writes and answers."""

import re

from playwright.sync_api import Browser, Page, expect

from running_demo import Demo
from widerview.demo.home import REVIEWER

PATIENCE = 60_000  # ms: the machine may be busy


def review_by_hand(browser: Browser, demo: Demo, subject: str, note: str, strike: int, option: str) -> str:
    """Answer a report's review as a person does; give the words of the preview that was one click away."""
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    page.set_default_timeout(PATIENCE)
    _log_in(page, demo)
    page.goto(demo.home.ui)
    page.get_by_text(re.compile("Required Action")).first.click()
    page.get_by_role("link", name=subject).first.click()
    expect(page.get_by_text("What changed since the last report")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Sentences that you may strike")).to_be_visible()

    mail = page.get_by_role("link", name="See the mail as its reader will").get_attribute("href")
    assert mail is not None
    preview = page.context.new_page()
    preview.goto(mail)
    words = preview.locator("body").inner_text()
    preview.close()

    page.get_by_label(re.compile("Note to the client")).or_(page.locator('[name="element_note"]')).first.fill(note)
    page.locator('[name="element_strike"]').or_(page.get_by_label(re.compile("Strike"))).first.fill(str(strike))
    page.get_by_role("button", name=option, exact=True).click()
    expect(page.get_by_text(re.compile("Response received|Responded|response", re.IGNORECASE)).first).to_be_visible()
    page.close()
    return words


def _log_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.home.ui}/auth/login")
    page.locator('input[name="username"]').fill(REVIEWER)
    page.locator('input[name="password"]').fill(demo.home.state["password"])
    page.get_by_role("button", name=re.compile("sign in|log in", re.IGNORECASE)).click()
