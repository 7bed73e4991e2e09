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
from msgspec.structs import replace

from facts_samples import NOTE, SAMPLES, good_week
from opened_mails import Opened, as_sent, with_images
from widerview.report.facts import Facts
from widerview.report.render import printable, render

HERE = Path(__file__).parent
PROGRAMS = ("gmail.*", "outlook.windows", "apple-mail.*", "yahoo.*", "samsung-email.*")
LARGEST = 60_000
MOST_SPAM_POINTS = 0.5

samples = pytest.mark.parametrize("name", SAMPLES)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("locale", "scheme"), [("en_GB", "light"), ("en_GB", "dark"), ("de_DE", "light"), ("hu_HU", "dark")]
)
@samples
def test_axe_finds_nothing_that_keeps_anybody_out(browser, tools, name, locale, scheme):
    facts = replace(SAMPLES[name](), locale=locale, glossary_url="https://agency.example/glossary.html")
    opened = Opened(browser, with_images(render(facts, NOTE)), 375, scheme)
    opened.page.add_script_tag(path=tools / "node_modules" / "axe-core" / "axe.min.js")
    found = opened.page.evaluate("axe.run(document, {rules: {'target-size': {enabled: true}}})")  # WCAG 2.2: off else
    opened.page.close()
    assert len(found["passes"]) > 20  # it has run
    outcomes = ("passes", "violations", "incomplete", "inapplicable")
    ran = {each["id"] for outcome in outcomes for each in found[outcome]}
    assert "target-size" in ran
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


def crowded(campaigns: int, name: str, text: str) -> Facts:
    """A report with so many full campaigns, twelve accounts, and strangers' words of that writing."""
    facts = good_week()
    campaign, account, post = facts.campaigns[0], facts.accounts[0], facts.posts[0]
    return replace(
        facts,
        campaigns=tuple(replace(campaign, name=f"{name} {number}", goal=text) for number in range(campaigns)),
        accounts=tuple(replace(account, handle=f"branch{number}.example") for number in range(12)),
        posts=tuple(replace(post, text=f"{text} " * 8) for _ in range(3)),
    )


@pytest.mark.parametrize(
    ("facts", "left_out"),
    [
        (crowded(1, "Walnut", "More orders"), ()),
        (crowded(6, "Walnut", "More orders"), ("Your accounts, for the record", "The posts in full", "Walnut 5")),
        (crowded(6, "Зимняя кампания", "Больше заказов в магазине"), ("Зимняя кампания 5", "Зимняя кампания 4")),
    ],
    ids=["one campaign", "six campaigns", "six in Cyrillic"],
)
def test_a_crowded_mail_has_room_too_and_says_what_it_leaves_out(facts, left_out):
    note = "Заметка для вас. " * 200 if left_out else NOTE
    message = email.message_from_bytes(as_sent(facts, note), policy=email.policy.default)
    html, text = message.get_body(["html"]), message.get_body(["plain"])
    assert 0.7 * LARGEST < len(html.get_payload().encode()) <= LARGEST
    page = html.get_content()
    _, told, names = page.partition("This page had no room for ")
    assert bool(told) == bool(left_out)
    for name in left_out:
        assert f"“{name}”" in names.partition("</p>")[0]
    assert not told or "Reply, and you get it." in names
    assert "Unsubscribe by mail" in page
    assert "Data as of" in page
    whole = " ".join(text.get_content().split())
    for campaign in facts.campaigns:
        assert campaign.name in whole
    assert "branch11.example" in whole, "the text part has everything"
    assert page.count('<table class="data-lean"') < len(facts.campaigns) or not left_out
    assert printable(facts, note).html.count("branch11.example"), "and so has the PDF"


@samples
def test_gmail_shows_it_whole_and_nothing_is_fetched(name):
    message = email.message_from_bytes(as_sent(SAMPLES[name](), NOTE), policy=email.policy.default)
    html = message.get_body(["html"])
    assert len(html.get_payload().encode()) <= LARGEST  # as sent, with its transfer encoding
    assert "had no room for" not in html.get_content()
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
