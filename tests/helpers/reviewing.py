"""A reviewer at a real browser: logs in, opens Required Actions, reads, writes and approves."""

from playwright.sync_api import Browser, Page

from running_demo import Demo
from widerview.demo.home import REVIEWER

PATIENCE = 60_000  # ms: the machine may be busy


def review_by_hand(browser: Browser, demo: Demo, dag: str, note: str, strike: int) -> str:
    """Approve a report as a person does; give the words of the mail as the preview had them, one click away."""
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    page.set_default_timeout(PATIENCE)
    _log_in(page, demo)
    page.get_by_text("Required Action").first.click()
    actions = page.get_by_role("dialog")
    actions.get_by_text(dag).first.click()
    actions.get_by_text("What changed since the last report").wait_for()
    actions.get_by_text("Sentences that you may strike").wait_for()
    words = _preview(page)
    actions.locator("[name=element_note]").fill(note)
    actions.locator("[name=element_strike]").fill(str(strike))
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as answered:
        actions.get_by_role("button", name="Approve").click()
    assert answered.value.ok, answered.value.text()
    page.close()
    return words


def decide_in_outbox(browser: Browser, demo: Demo, decision: str) -> str:
    """Decide of the one mail that waits on the page Outbox, as a person does; give as whom they were spoken to."""
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    page.set_default_timeout(PATIENCE)
    _log_in(page, demo)
    page.get_by_role("link", name="Outbox").click()
    outbox = page.frame_locator("iframe")
    spoken_to = outbox.get_by_text("You are ").inner_text().partition(";")[0]
    outbox.get_by_role("button", name=decision).click()
    outbox.get_by_role("status").get_by_text(decision).wait_for()
    outbox.get_by_text("No mail waits for a person.").wait_for()
    page.close()
    return spoken_to


def _log_in(page: Page, demo: Demo) -> None:
    page.goto(demo.home.ui)
    page.fill("input[name=username]", REVIEWER)
    page.fill("input[name=password]", demo.home.state["password"])
    page.keyboard.press("Enter")


def _preview(page: Page) -> str:
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="See the mail as its reader will").click()
    preview = opened.value
    words = preview.locator("body").inner_text()
    preview.close()
    return " ".join(words.split())
