"""A report is complete, the same in all its forms, and safe whatever strangers wrote."""

import datetime as dt
import re
from functools import lru_cache
from html.parser import HTMLParser

import msgspec
import pytest
from facts_strategies import facts as any_facts
from hypothesis import given, settings
from markdown_it import MarkdownIt

from facts_samples import NOTE, SAMPLES, broken_week, chart, empty_week, good_week, normal_week
from hostile import HOSTILE, attacked
from widerview.report import above, narrate, narrate_sources, narrate_time, room
from widerview.report.facts import Facts, LevelChange
from widerview.report.render import Rendered, render

replace = msgspec.structs.replace


class Page(HTMLParser):
    """What a mail program would find in the HTML."""

    VOID = {"meta", "br", "img"}  # noqa: RUF012 - never changed
    WITHIN_A_LINE = {"a", "b", "span"}  # noqa: RUF012 - never changed

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.WITHIN_A_LINE:
            self.words.append(" ")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)

    def attributes(self, name):
        return [attributes[name] for _tag, attributes in self.tags if name in attributes]

    def count(self, wanted):
        return sum(tag == wanted for tag, _attributes in self.tags)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request) -> tuple[Facts, Rendered]:
    facts = SAMPLES[request.param]()
    return facts, render(facts, NOTE)


def test_html_and_text_say_the_same(sample):
    facts, rendered = sample
    page, text = Page(rendered.html).text, " ".join(rendered.text.split())
    assert narrate.verdict_line(facts) in page
    assert narrate.verdict_line(facts) in text
    for sentence in (*narrate.three_sentences(facts), narrate.data_line(facts), *narrate_sources.provenance(facts)):
        assert sentence in page
        assert sentence in text
    for words in (
        *(narrate_time.notable_day(facts, notable) for notable in facts.worth_knowing),
        *(narrate_time.goal_line(facts, goal) for goal in facts.goals),
        *(narrate_time.level_change(facts, figure.change) for figure in facts.figures if figure.value is not None),
        *narrate_time.about_time(facts),
    ):
        assert words in page
        assert words in text
    for figure in facts.figures:
        line = narrate.figure_line(facts, figure)
        for words in (line.label, line.number, line.wide, line.last_week, line.posts, line.verdict):
            assert words in page
            assert words in text
        assert f"{line.label}: {line.value}" in text


def test_the_mail_keeps_its_measures(sample):
    _facts, rendered = sample
    assert len(rendered.html.encode()) <= 60_000
    assert len(rendered.subject) <= 50
    assert 40 <= len(rendered.preheader) <= 100
    assert rendered.html.index(rendered.preheader.split(" (", maxsplit=1)[0]) > rendered.html.index("<body")
    too_long = [line for line in rendered.text.splitlines() if len(line) > 72 and not line.strip().startswith("http")]
    assert too_long == []


def test_the_page_can_be_read_by_all(sample):
    _facts, rendered = sample
    page = Page(rendered.html)
    assert page.count("h1") == 1
    html, first = page.tags[0][1], next(attrs for tag, attrs in page.tags if tag == "div")
    assert (html["lang"], html["dir"]) == (first["lang"], first["dir"]) == ("en-GB", "ltr")
    for tag, attributes in page.tags:
        if tag == "table":
            assert attributes.get("role") == "presentation" or "data" in attributes["class"]
        if tag == "th":
            assert attributes["scope"] in {"row", "col"}
        if tag == "img":
            assert attributes["alt"]
            assert attributes["width"]
            assert attributes["height"]


def test_the_mail_loads_nothing_and_tracks_nobody(sample):
    _facts, rendered = sample
    page = Page(rendered.html)
    assert set(page.attributes("src")) == {f"cid:{cid}" for cid in rendered.pictures}
    assert "url(" not in rendered.html
    assert "@import" not in rendered.html
    assert not {"script", "link", "iframe", "object", "form", "input", "svg"} & {tag for tag, _ in page.tags}


def test_css_stands_where_mail_programs_look_and_keeps_its_media_queries():
    html = render(good_week()).html
    assert '<h1 style="' in html
    assert "prefers-color-scheme" in html
    assert "max-width:600px" in html.replace(" ", "")
    assert "<!--[if mso]>" in html


def test_the_same_facts_give_the_same_bytes():
    assert render(good_week(), NOTE) == render(good_week(), NOTE)


def test_facts_survive_storage():
    stored = msgspec.json.decode(msgspec.json.encode(good_week()), type=Facts)
    assert render(stored) == render(good_week())


def test_facts_of_an_earlier_version_can_still_be_read():
    """What a post's facts held before lifts were known, and not what they have held since."""
    stored = msgspec.to_builtins(good_week())
    for post in stored["posts"]:
        del post["lift"]
        post["typical"] = 9.0
    for figure in stored["figures"]:
        del figure["change"]
        for name in ("wide_low", "wide_high", "wide_coverage"):
            (figure["usual"] or {}).pop(name, None)
    for name in ("year", "worth_knowing", "goals", "posting"):
        del stored[name]
    for name in ("ask", "hours", "closed_on_holidays"):
        del stored[name]
    for source in stored["sources"]:
        for name in ("analytics", "late", "absent", "left_out"):
            del source[name]
    for point in stored["chart"]["points"]:
        del point["noted"]
    stored["chart"]["points"][24]["note"] = "Posters went up in the market hall."
    stored["planned"] = ["Walnut winter goes on until Sunday 29 November"]
    del stored["conversation"]["answers"]
    read = msgspec.convert(stored, Facts)
    assert {post.lift for post in read.posts} == {None}
    text = " ".join(render(read).text.split())
    for words in ("Too early to say", "Posters went up", "Walnut winter goes on until", "Mon-Fri 08:00-17:00"):
        assert words in text


def test_empty_sections_vanish():
    rendered = render(empty_week())
    page = Page(rendered.html)
    for heading in (
        "Visits to your website",
        "Posts people",
        "wider campaign",
        "Conversations",
        "Coming up",
        "What is counted",
    ):
        assert heading not in page.text
        assert heading.upper() not in rendered.text
        assert heading not in rendered.markdown
    assert rendered.chart_png is None
    assert page.count("img") == 0
    assert len(page.text.split()) < 250


def test_a_chart_without_any_number_is_left_out():
    blank = tuple(replace(point, value=None) for point in chart().points)
    assert render(replace(good_week(), chart=replace(chart(), points=blank))).chart_png is None


def test_the_text_part_has_the_numbers_of_the_chart():
    text = render(good_week()).text
    assert (
        "VISITS TO YOUR WEBSITE\n----------------------\n\nMon 13, Tue 12, Wed 14, Thu 27, Fri 24, Sat 26, Sun 11\n"
        in text
    )


def test_a_missing_number_says_so_once():
    since = LevelChange(since=dt.date(2026, 11, 11), why="measured differently")
    first = replace(good_week().figures[0], value=None, usual=None, word="not reported", change=since)
    text = render(replace(good_week(), figures=(first,))).text
    assert "* Website visits: not reported\n  measured differently since 11 November\n" in text


def test_missing_numbers_say_so_and_are_no_zeros():
    rendered = render(broken_week())
    assert "Website visits: not reported" in rendered.text
    assert "Website visits: 0" not in rendered.text


def test_followers_stand_in_the_appendix_alone():
    words = Page(render(good_week()).html).text
    assert words.index("1,284") > words.index("Where the numbers come from")
    assert words.count("1,284") == 1


def test_the_note_comes_first_and_keeps_its_lines():
    rendered = render(good_week(), "Dear Ines,\n\n  two spaces & <b>no bold</b>\nMira")
    page = Page(rendered.html)
    assert page.text.index("A note from your team") < page.text.index("came to 127")
    assert "<br>" in rendered.html.split("Dear Ines,")[1][:10]
    assert "\u00a0\u00a0two spaces & <b>no bold</b>" in "".join(page.words)
    assert page.count("b") == Page(render(good_week(), "x").html).count("b")
    assert "| Dear Ines,\n|\n|" in rendered.text
    assert "A note from" not in render(good_week(), " \n ").html


def test_a_correction_is_another_message():
    first, second = render(good_week()), render(replace(good_week(), revision=2, corrects=True))
    assert first.chart_cid != second.chart_cid
    assert "corrects an earlier one" in second.text


def test_one_click_to_stop_by_mail():
    assert "mailto:mira@lanternlane.example?subject=Unsubscribe" in Page(render(normal_week()).html).attributes("href")


def test_channels_and_touchpoints_have_names_for_people():
    text = render(good_week()).text
    assert "* Search engines: 39" in text
    assert "(QR code): not reported" in text
    unknown = replace(good_week().channels[0], channel="carrier_pigeon")
    assert "carrier_pigeon: 39" in render(replace(good_week(), channels=(unknown,))).text


def test_links_within_posts_lose_their_tags():
    post = replace(good_week().posts[0], text="Read https://hollowoak.example/flour?utm_campaign=x&utm_term=y today")
    text = render(replace(good_week(), posts=(post,))).text
    assert "“Read hollowoak.example/flour today”" in text


def test_long_posts_keep_the_mail_small():
    long = "é👩‍👩‍👧‍👦 " * 10_000
    post = replace(good_week().posts[0], text=long, platform=long)
    account = replace(good_week().accounts[0], handle=long)
    facts = replace(good_week(), posts=(post,) * 3, accounts=(account,) * 3, client_name=long)
    assert len(render(facts).html.encode()) <= 64_000, "Gmail clips at 102 KB"


def test_long_posts_are_cut_between_characters():
    family = "👩‍👩‍👧‍👦"
    post = replace(good_week().posts[0], text=family * 3000)
    text = render(replace(good_week(), posts=(post,))).text
    assert "…" in text
    assert text.replace(family, "").count("\u200d") == 0


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for all: what stands where does not depend on how many words a stranger has written."""
    monkeypatch.setattr(above, "MOST_WORDS", 1_000_000)
    monkeypatch.setattr(room, "LARGEST", 1_000_000)


@lru_cache
def calm() -> Rendered:
    return render(attacked("calm words"), "calm words")


def shape(page: Page):
    return [tag for tag, _attributes in page.tags if tag != "br"]


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: ascii(payload)[:30])
def test_strangers_words_stay_words(payload):
    rendered = render(attacked(payload), payload)
    page, expected = Page(rendered.html), Page(calm().html)
    assert shape(page) == shape(expected)  # not one element more or less
    assert page.attributes("href") == expected.attributes("href")
    assert page.attributes("src") == expected.attributes("src")
    assert not [name for _tag, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "49" not in rendered.subject
    assert len(rendered.subject) <= 50
    assert "\n" not in rendered.subject
    for part in (rendered.html, rendered.text, rendered.subject):
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]", part
        )
        part.encode()


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: ascii(payload)[:30])
def test_strangers_words_stay_words_for_the_reviewer(payload):
    def elements(markdown):
        tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
        inline = [child for token in tokens for child in token.children or []]
        return (
            [token.type for token in tokens],
            [child.attrGet("href") for child in inline if child.type == "link_open"],
            [child.type for child in inline if child.type not in {"text", "text_special", "softbreak"}],
        )

    assert elements(render(attacked(payload), " ".join(payload.split())).markdown) == elements(calm().markdown)


def test_bare_addresses_are_no_links_for_the_reviewer():
    # The Markdown of many programs turns these into links; a word joiner inside keeps them words.
    markdown = render(attacked("https://evil.example www.evil.example evil@evil.example")).markdown
    plain = markdown.replace("\\", "")
    assert "//evil" not in plain
    assert "www.evil" not in plain
    assert "@evil" not in plain


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://social.example/",
        "//social.example/1",
        "https:",
        "https://",
        "https://[",
        "https://social.example/\u202egpj.exe",
        "https://social.example/ a",
        "https://social.example\\@evil.example/",
        "",
    ],
)
def test_only_web_addresses_become_links(url):
    post = replace(good_week().posts[0], permalink=url)
    account = replace(good_week().accounts[0], url=url)
    rendered = render(replace(good_week(), posts=(post,), accounts=(account,), glossary_url=""))
    assert [href[:7] for href in Page(rendered.html).attributes("href")] == ["mailto:"]
    assert "See the post" not in rendered.html
    assert "See the post" not in rendered.markdown
    assert not url.strip() or url not in rendered.text


@pytest.mark.usefixtures("roomy")
def test_an_address_cannot_leave_its_attribute_or_its_brackets():
    url = "https://social.example/\"><script>x</script>')[a](b)"
    rendered = render(replace(good_week(), posts=(replace(good_week().posts[0], permalink=url),)))
    assert url in Page(rendered.html).attributes("href")
    links = [
        child.attrGet("href")
        for token in MarkdownIt("commonmark").parse(rendered.markdown)
        for child in token.children or []
        if child.type == "link_open"
    ]
    assert len(links) == 1
    assert links[0].startswith("https://social.example/%22")


def test_a_reply_address_cannot_bring_its_own_headers():
    href = Page(render(replace(good_week(), reply_to='a?bcc=x@evil.example&"')).html).attributes("href")[-1]
    assert href == "mailto:a%3Fbcc%3Dx@evil.example%26%22?subject=Unsubscribe"


@settings(max_examples=40)
@given(any_facts())
def test_whatever_the_facts_there_is_a_mail(facts):
    rendered = render(facts, facts.agency)
    Page(rendered.html)
    for part in (rendered.subject, rendered.preheader, rendered.html, rendered.text, rendered.markdown):
        assert not re.search(r"\b(none|nan|undefined)\b", re.sub("(?s)<[^>]*>", "", part), re.IGNORECASE)
    assert 0 < len(rendered.subject) <= 50
    assert 40 <= len(rendered.preheader) <= 100
    assert "\n" not in rendered.subject
