"""What the tools of the trade say of the mail: accessibility, mail programs, spam filters, and its size."""

import datetime as dt
import email
import email.policy
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from facts_samples import NOTE, SAMPLES
from opened_mails import Opened, as_sent, with_images
from widerview.report.render import render

HERE = Path(__file__).parent
PROGRAMS = ("gmail.*", "outlook.windows", "apple-mail.*", "yahoo.*", "samsung-email.*")
LARGEST = 60_000
MOST_SPAM_POINTS = 0.5

samples = pytest.mark.parametrize("name", SAMPLES)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@samples
def test_axe_finds_nothing_that_keeps_anybody_out(browser, tools, name, scheme):
    opened = Opened(browser, with_images(render(SAMPLES[name](), NOTE)), 375, scheme)
    opened.page.add_script_tag(path=tools / "node_modules" / "axe-core" / "axe.min.js")
    found = opened.page.evaluate("axe.run(document)")
    opened.page.close()
    assert len(found["passes"]) > 20  # it has run
    wrong = [
        (each["id"], each["impact"], each["nodes"][0]["html"])
        for each in (*found["violations"], *found["incomplete"])
        if each["impact"] in {"serious", "critical"} or any(tag.startswith("wcag") for tag in each["tags"])
    ]
    assert wrong == []


def unsupported(tools: Path, html: str) -> set[tuple[str, str]]:
    """What some program does not support, as (program, feature)."""
    done = subprocess.run(
        ["node", HERE / "support.mjs", tools, *PROGRAMS], input=html, stdout=subprocess.PIPE, text=True, check=True
    )
    return {(program, feature) for program, feature in json.loads(done.stdout)}


def test_mail_programs_support_all_but_the_listed_extras(tools):
    extras = tomllib.loads((HERE / "progressive_extras.toml").read_text())
    found = {feature for name in SAMPLES for _, feature in unsupported(tools, render(SAMPLES[name](), NOTE).html)}
    assert found == set(extras)  # a listed extra that is not used any more goes, too


def test_the_data_knows_what_outlook_cannot_do(tools):
    assert ("outlook.windows", "display:flex") in unsupported(tools, '<div style="display: flex">x</div>')


@samples
def test_spam_filters_have_nothing_against_it(spamassassin, name, tmp_path):
    done = subprocess.run(
        [spamassassin, "--local", "--test-mode", "--prefspath", tmp_path / "none"],
        input=as_sent(SAMPLES[name](), NOTE),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    points = re.search(rb"X-Spam-Status: \w+, score=(-?[\d.]+)", done.stdout)
    assert points, done.stdout[:500]
    assert float(points[1]) <= MOST_SPAM_POINTS, done.stdout.decode(errors="replace")[-2000:]


@samples
def test_gmail_shows_it_whole_and_nothing_is_fetched(name):
    message = email.message_from_bytes(as_sent(SAMPLES[name](), NOTE), policy=email.policy.default)
    html = message.get_body(["html"])
    assert len(html.get_payload().encode()) <= LARGEST  # as sent, with its transfer encoding
    sources = re.findall(r"""(?:src|background|srcset)\s*=\s*["']?([^"'\s>]+)""", html.get_content())
    assert all(source.startswith("cid:") for source in sources)
    assert "url(" not in html.get_content()
    assert {part.get_content_type() for part in message.walk() if not part.is_multipart()} <= {
        "text/plain",
        "text/html",
        "image/png",
    }
    dates = {message["Date"].datetime.astimezone(dt.UTC)}
    assert dates == {SAMPLES[name]().as_of}
