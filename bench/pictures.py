"""Take the pictures of the docs: the sample report of a fictional bakery as a mail program shows it, and a checked run.

Run it with `make pictures`; it needs a Chromium on the PATH and writes to docs/pictures. With the demo up (its home is
the argument, `.widerview` if left out) it also takes Airflow's review page.
"""

import shutil
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdfium2
from msgspec.structs import replace
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))  # the samples live beside the tests that use them

from checked_runs import RUN, failed, fine, troubled  # noqa: E402 - after the path is set
from facts_samples import NOTE, broken_week, good_week, silent_week  # noqa: E402 - after the path is set
from opened_mails import with_images  # noqa: E402
from themes import SAMPLES as SAMPLE_THEMES  # noqa: E402
from themes import sample_theme, themed  # noqa: E402
from widerview.clock import utc_now  # noqa: E402
from widerview.demo.home import REVIEWER, Home  # noqa: E402
from widerview.demo.processes import Processes  # noqa: E402
from widerview.demo.run import LEFT_FOR_A_PERSON  # noqa: E402
from widerview.measures.weeks import Week  # noqa: E402
from widerview.pipeline.catalogue import report_dag_id  # noqa: E402
from widerview.pipeline.validation_page import validation_page  # noqa: E402
from widerview.report.pdf import report_pdf  # noqa: E402
from widerview.report.render import render  # noqa: E402

PHONE = 375
TOP, THEME_TOP = 1240, 1180
PICTURES = {
    # name: (report, width, colour scheme, images shown)
    "email-top": (render(good_week(), NOTE), 760, "light", True),
    "email-desktop": (render(good_week(), NOTE), 760, "light", True),
    "email-phone": (render(good_week(), NOTE), PHONE, "light", True),
    "email-phone-dark": (render(good_week(), NOTE), PHONE, "dark", True),
    "email-no-images": (render(good_week(), NOTE), 760, "light", False),
    "email-quiet-week": (render(silent_week()), PHONE, "light", True),
    "email-needs-you": (render(broken_week()), PHONE, "light", True),
    **{
        f"theme-{name}": (
            render(themed(replace(good_week(), client_name=theme.logo.alt), theme), NOTE),
            PHONE,
            "light",
            True,
        )
        for name, theme in ((name, sample_theme(name)) for name in SAMPLE_THEMES)
    },
}


def take_reports(browser: Browser, folder: Path) -> None:
    """The sample report as mail programs show it."""
    for name, (rendered, width, scheme, images) in PICTURES.items():
        height = TOP if name.endswith("-top") else THEME_TOP if name.startswith("theme-") else None
        page = browser.new_page(
            viewport={"width": width, "height": height or 800},
            color_scheme=scheme,
            device_scale_factor=1 if width > PHONE else 1.5,
        )
        page.set_content(with_images(rendered) if images else rendered.html)
        page.screenshot(path=folder / f"{name}.png", full_page=height is None)
        page.close()
        print(folder / f"{name}.png")


def take_pdf(folder: Path) -> None:
    """The first page of the sample report's PDF."""
    page = pypdfium2.PdfDocument(report_pdf(good_week(), NOTE))[0]
    page.render(scale=1.5).to_pil().save(folder / "email-pdf.png", optimize=True)
    print(folder / "email-pdf.png")


def take_checks(browser: Browser, folder: Path) -> None:
    """What operators see of the gate: a run with everything that can be wrong."""
    run = [troubled(), failed(), fine()]
    page = browser.new_page(viewport={"width": 1100, "height": 1500}, color_scheme="light")
    page.set_content(validation_page("Mastodon", RUN, run, run))
    page.screenshot(path=folder / "validation-page.png")
    print(folder / "validation-page.png")


def take_airflow(browser: Browser, folder: Path, home: Home) -> None:
    """The page on which a reviewer approves the report that the demo has left waiting."""
    page = browser.new_page(viewport={"width": 1280, "height": 1300}, color_scheme="light")
    page.goto(home.ui)
    page.fill("input[name=username]", REVIEWER)
    page.fill("input[name=password]", home.state["password"])
    page.keyboard.press("Enter")
    page.get_by_text("Required Action").first.wait_for()
    dag = report_dag_id(LEFT_FOR_A_PERSON)
    period = Week.last_complete(utc_now(), ZoneInfo("Europe/London"))
    page.goto(f"{home.ui}/dags/{dag}/runs/demo__{period}/tasks/review/required_actions")
    page.get_by_role("button", name="Approve").wait_for()
    page.screenshot(path=folder / "airflow-review.png")
    print(folder / "airflow-review.png")


def main() -> None:
    """Take every picture; those of Airflow only while `make demo` is up with its third report waiting."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on the PATH; install one (Debian: apt install chromium) and try again")
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".widerview").resolve())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take_reports(browser, folder)
        take_pdf(folder)
        take_checks(browser, folder)
        if "api-server" in Processes(home.processes, home.logs).running():
            take_airflow(browser, folder, home)
        browser.close()


main()
