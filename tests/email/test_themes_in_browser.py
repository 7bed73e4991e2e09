"""Whatever theme passes the check, a real browser shows a mail in which everything can be told apart."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_in_browser import CONTRASTS

from facts_samples import NOTE, good_week
from opened_mails import Opened, with_images
from themes import SAMPLES, palettes, sample_theme, themed
from widerview.agency.contrast import GRAPHICS, TEXT, ratio
from widerview.agency.theme import FONTS, Theme
from widerview.report.render import render

pytestmark = pytest.mark.browser

STRIPS = """() => [...document.querySelectorAll('.strip')].map(strip =>
  [...strip.querySelectorAll('td')].map(cell => getComputedStyle(cell).backgroundColor))"""
LOGO = "getComputedStyle(document.querySelector('.logo')).backgroundColor"


def faint(opened: Opened) -> list[object]:
    """The words, and the neighbours on the strips of figures, that cannot be told apart."""
    found: list[object] = [each for each in opened.page.evaluate(CONTRASTS) if each[1] < TEXT]
    for cells in opened.page.evaluate(STRIPS):
        written = ["#" + "".join(f"{int(part):02x}" for part in cell[4:-1].split(",")) for cell in cells]
        found += [pair for pair in itertools.pairwise(written) if ratio(*pair) < GRAPHICS]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_can_be_read_on_a_phone_and_axe_agrees(browser, tools, name, scheme):
    opened = Opened(browser, with_images(render(themed(good_week(), sample_theme(name)), NOTE)), 320, scheme)
    assert opened.did == []
    assert opened.overflow() == 0
    assert faint(opened) == []
    opened.page.add_script_tag(path=tools / "node_modules" / "axe-core" / "axe.min.js")
    found = opened.page.evaluate("axe.run(document)")
    opened.page.close()
    assert [each["id"] for each in found["violations"] if each["impact"] in {"serious", "critical"}] == []


def test_whatever_passes_the_check_can_be_told_apart(browser):
    opened = {scheme: Opened(browser, "", 375, scheme) for scheme in ("light", "dark")}

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(palettes(), palettes(), st.sampled_from(list(FONTS)), st.sampled_from(list(FONTS)))
    def check(light, dark, font, headings):
        theme = Theme(light=light, dark=dark, font=font, headings=headings)
        html = render(themed(good_week(), theme), NOTE).html
        for page in opened.values():
            page.page.set_content(html)
            assert faint(page) == []
            shown = page.page.evaluate("getComputedStyle(document.querySelector('.page')).fontFamily")
            assert shown.replace('"', "'") == FONTS[font]

    check()
    for page in opened.values():
        page.page.close()


def test_a_logo_is_shown_on_light_paper_in_the_dark_too_and_is_told_without_pictures(browser):
    theme = sample_theme("lantern-lane")
    rendered = render(themed(good_week(), theme))
    opened = Opened(browser, with_images(rendered), 375, "dark")
    paper = tuple(int(theme.light.paper[place : place + 2], 16) for place in (1, 3, 5))
    assert opened.page.evaluate(LOGO) == f"rgb{paper}"
    assert opened.page.get_attribute(".logo", "alt") == "Lantern Lane"
    opened.page.close()


def test_a_signature_is_words_and_no_markup(browser):
    theme = Theme(signature=("<b>Mira</b> & {{ 7 * 7 }}", "Lantern Lane"), sender_name="Mira at Lantern Lane")
    rendered = render(themed(good_week(), theme))
    opened = Opened(browser, rendered.html, 375, "light")
    assert "<b>Mira</b> & {{ 7 * 7 }}\nLantern Lane" in opened.page.inner_text("body")
    assert "<b>Mira</b> & {{ 7 * 7 }}\nLantern Lane\n" in rendered.text
    assert json.loads(themed(good_week(), theme).theme)["sender_name"] == "Mira at Lantern Lane"
    opened.page.close()
