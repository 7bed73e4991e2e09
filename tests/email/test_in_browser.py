"""A real browser shows the mail: on every width, in light and dark, without images, and with hostile words in it."""

import pytest

from facts_samples import NOTE, SAMPLES, good_week
from hostile import HOSTILE, attacked
from opened_mails import Opened, with_images
from widerview.report import narrate
from widerview.report.render import render

pytestmark = pytest.mark.browser

CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    found.push([text.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""

BROKEN_RANGES = """() => {
  const found = [];
  for (const card of document.querySelectorAll('.card')) {
    const texts = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const match of texts.currentNode.data.matchAll(/\\d[\\d.,]*–\\d[\\d.,]*/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, match.index);
        range.setEnd(texts.currentNode, match.index + match[0].length);
        if (new Set([...range.getClientRects()].map(line => line.top)).size > 1) found.push(match[0]);
      }
    }
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 480, 660])
def test_the_mail_fits_every_width_and_can_be_read_in_light_and_dark(browser, width, scheme):
    for sample in SAMPLES.values():
        opened = Opened(browser, with_images(render(sample(), NOTE)), width, scheme)
        assert opened.overflow() == 0
        assert opened.did == []
        assert opened.page.evaluate(BROKEN_RANGES) == []
        faint = [(text, ratio) for text, ratio in opened.page.evaluate(CONTRASTS) if ratio < 4.5]
        assert faint == []
        opened.page.close()


def test_dark_is_dark_and_never_quite_black(browser):
    colours = {}
    for scheme in ("light", "dark"):
        opened = Opened(browser, render(good_week()).html, 375, scheme)
        colours[scheme] = opened.page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
        opened.page.close()
    assert colours == {"light": "rgb(255, 253, 248)", "dark": "rgb(36, 34, 31)"}


def test_figures_stand_in_two_columns_and_stack_on_a_phone(browser):
    for width, columns in ((660, 2), (375, 1), (320, 1)):
        opened = Opened(browser, render(good_week()).html, width, "light")
        lefts = opened.page.evaluate(
            "[...document.querySelectorAll('.figure')].map(f => f.getBoundingClientRect().left)"
        )
        assert len(set(lefts)) == columns
        opened.page.close()


def test_without_images_nothing_is_lost(browser):
    facts = good_week()
    rendered = render(facts)
    opened = Opened(browser, rendered.html.replace(f"cid:{rendered.chart_cid}", "data:,"), 375, "light")
    seen = " ".join(opened.page.inner_text("body").split())
    assert narrate.verdict_line(facts) in seen
    for figure in facts.figures:
        line = narrate.figure_line(facts, figure)
        assert f"{line.label} {line.value} {line.arrow} {line.verdict}" in seen
    assert opened.page.get_attribute("img", "alt") == narrate.chart_alt(facts, facts.chart)
    opened.page.close()


def test_strangers_words_do_nothing(browser):
    opened = Opened(browser, "", 320, "light")
    for payload in HOSTILE:
        opened.page.set_content(with_images(render(attacked(payload), payload)))
        assert opened.did == [], payload
        assert opened.page.evaluate("window.hacked") is None, payload
        assert opened.overflow() == 0, payload
        assert opened.page.is_visible("h1"), payload
    opened.page.close()
