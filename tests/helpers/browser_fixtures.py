"""A real browser, for all tests that look at something as people do."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-proxy-server", "--host-resolver-rules=MAP *.lan 127.0.0.1"]
"""This machine has other names, too: browsers trust `localhost` without HTTPS more than any other."""


# No longer than a module: while Playwright is there, its event loop is the thread's running one, and others' tests of
# asyncio would find it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
