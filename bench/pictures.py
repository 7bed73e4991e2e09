"""Take the pictures of the docs: the sample report of a fictional bakery, as a mail program shows it.

Run it with `make pictures`; it needs a Chromium on the PATH and writes to docs/pictures.
"""

import base64
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "report"))  # the samples live beside the tests that use them

from facts_samples import NOTE, broken_week, empty_week, good_week  # noqa: E402 - after the path is set

from widerview.report.render import Rendered, render  # noqa: E402

PHONE = 375
PICTURES = {
    # name: (report, width, colour scheme, images shown)
    "email-desktop": (render(good_week(), NOTE), 760, "light", True),
    "email-phone": (render(good_week(), NOTE), PHONE, "light", True),
    "email-phone-dark": (render(good_week(), NOTE), PHONE, "dark", True),
    "email-no-images": (render(good_week(), NOTE), 760, "light", False),
    "email-quiet-week": (render(empty_week()), PHONE, "light", True),
    "email-needs-you": (render(broken_week()), PHONE, "light", True),
}


def as_page(rendered: Rendered, images: bool = True) -> str:
    """The HTML part with its chart put in place, so that a browser shows it without a mail around it."""
    if not images or rendered.chart_png is None:
        return rendered.html
    data = base64.b64encode(rendered.chart_png).decode()
    return rendered.html.replace(f"cid:{rendered.chart_cid}", f"data:image/png;base64,{data}")


def main() -> None:
    """Take every picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on the PATH; install one (Debian: apt install chromium) and try again")
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (rendered, width, scheme, images) in PICTURES.items():
            page = browser.new_page(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                device_scale_factor=1 if width > PHONE else 1.5,
            )
            page.set_content(as_page(rendered, images))
            page.screenshot(path=folder / f"{name}.png", full_page=True)
            page.close()
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
