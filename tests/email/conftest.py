"""The tools that judge the mail: axe-core, the caniemail data and SpamAssassin."""

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("WIDERVIEW_MAIL_TOOLS", REPOSITORY / "build" / "mail_tools"))


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
