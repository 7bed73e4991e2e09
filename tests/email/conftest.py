"""The tools that judge the mail: a real browser, axe-core, the caniemail data and SpamAssassin."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("WIDERVIEW_MAIL_TOOLS", REPOSITORY / "build" / "mail_tools"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder in which npm has installed axe-core and caniemail."""
    if shutil.which("node") is None:
        pytest.skip("no node on the PATH; run .ci/mail_tools.sh")
    if not (TOOLS / "installed").is_file():
        pytest.skip(f"no mail tools in {TOOLS}; run .ci/mail_tools.sh or set WIDERVIEW_MAIL_TOOLS")
    return TOOLS


@pytest.fixture(scope="session")
def spamassassin() -> str:
    program = shutil.which("spamassassin")
    if program is None:
        pytest.skip("no spamassassin on the PATH; run .ci/mail_tools.sh")
    return program
