"""Every word of a mail is in the client's language, and every number is the same in all of them.

The strongest of these tests gives the reports a language that nobody speaks: each word of ours in letters of its own. A
word in other letters was never looked up, so no catalogue could translate it.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from email import message_from_bytes
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from facts_strategies import facts as any_facts
from hypothesis import given, settings
from PIL import ImageFont

from facts_samples import SAMPLES, good_week, with_lesson
from house import SETTLED, House
from mail_words import sentences, vienna_grade, words_in_html, words_in_text
from opened_mails import as_sent
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report import (
    catalogues,
    chart,
    glossary,
    lessons,
    narrate,
    narrate_next,
    narrate_sources,
    render,
    voice,
    year_chart,
)
from widerview.report.facts import Facts
from widerview.report.voice import voice_of
from widerview.vocabulary.metrics import METRICS

replace = msgspec.structs.replace

LANGUAGES = sorted(path.name for path in voice.CATALOGUES.iterdir())
GERMAN = ("de_DE", "de_AT", "de_CH")
samples = pytest.mark.parametrize("name", SAMPLES)


def in_language(facts: Facts, locale: str) -> Facts:
    return with_lesson(replace(facts, locale=locale))


def forget_languages() -> None:
    for cached in (voice.catalogue, voice.voice_of, render.environment, render._preview_environment):
        cached.cache_clear()


# --- The catalogues ------------------------------------------------------------------------------------------------


def test_german_is_there() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_whole(language: str) -> None:
    assert list(catalogues.faults(catalogues.read(language))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_stands_as_the_command_writes_it(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = catalogues.path_of(language).read_bytes()
    monkeypatch.setattr(catalogues, "CATALOGUES", tmp_path)
    copy = tmp_path / language / "LC_MESSAGES" / "report.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(written)
    assert catalogues.update(language).read_bytes() == written


@pytest.mark.parametrize(
    ("msgid", "wrong", "fault"),
    [
        ("Coming up", "", "not translated: 'Coming up'"),
        ("Goal: %(goal)s", "Ziel: %(gaol)s", "other gaps than ['goal']: 'Ziel: %(gaol)s'"),
        ("Goal: %(goal)s", "Ziel: %(goal)", "other gaps than ['goal']: 'Ziel: %(goal)'"),
        (("%(n)s visit", "%(n)s visits"), ("%(n)s Besuch", ""), "not translated: ('%(n)s visit', '%(n)s visits')"),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_told(msgid: str, wrong: str, fault: str) -> None:
    catalogue = catalogues.read("de")
    catalogue[msgid].string = wrong
    assert fault in list(catalogues.faults(catalogue))


def test_a_new_language_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "CATALOGUES", tmp_path)
    assert catalogues.update("pl") == tmp_path / "pl" / "LC_MESSAGES" / "report.po"
    polish = catalogues.read("pl")
    assert polish.num_plurals == 3
    assert {fault.partition(":")[0] for fault in catalogues.faults(polish)} == {"not translated"}


def test_what_has_been_translated_stays_and_what_is_gone_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "CATALOGUES", tmp_path)
    path = catalogues.update("fr")
    text = path.read_text().replace('msgid "Coming up"\nmsgstr ""', 'msgid "Coming up"\nmsgstr "À venir"')
    path.write_text(f'{text}\nmsgid "Gone"\nmsgstr "Parti"\n')
    catalogues.update("fr")
    french = catalogues.read("fr")
    assert french["Coming up"].string == "À venir"
    assert "Gone" not in french


def test_words_that_no_report_has_are_told() -> None:
    catalogue = catalogues.read("de")
    catalogue.add("Not a word of ours", "Kein Wort von uns")
    assert list(catalogues.faults(catalogue)) == ["not in any report any more: 'Not a word of ours'"]


# --- A language that nobody speaks ----------------------------------------------------------------------------------

OWN = {ord(letter): chr(0x10400 + number) for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")} | {
    ord(letter): chr(0x10440 + number) for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
GAP = re.compile(r"(%\(\w+\)s)")
FOREIGN = re.compile(r"[A-Za-z]{2,}")  # single letters mark days on the chart
# What is the same in all languages: addresses, a definition's name and version, the zone's name.
NEUTRAL = re.compile(r"https?://\S+|\S+@[\w.]+|\b\w+@\d+\b|\b[A-Z][a-z]+/[A-Za-z_]+\b|mailto:\S+")
OURS = {
    "id", "client_id", "locale", "time_zone", "period", "colour", "grade", "word", "what", "why", "metric", "group",
    "kind", "currency", "definition", "unit", "url", "permalink", "reply_to", "sender_email", "glossary_url",
    "client_file", "opens", "closes", "channel",
}  # fmt: skip
VOCABULARY = {text for metric in METRICS.values() for text in (metric.label, metric.meaning)}


def own_words(text: str) -> str:
    return "".join(part if GAP.fullmatch(part) else part.translate(OWN) for part in GAP.split(text))


@pytest.fixture(scope="module", autouse=True)
def unspoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A catalogue of Greek in which each word of ours has letters of its own; dates and numbers are Babel's Greek."""
    folder = tmp_path_factory.mktemp("locale")
    before = voice.CATALOGUES
    for language in LANGUAGES:
        (folder / language).symlink_to(before / language)
    catalogue = Catalog(locale="el", fuzzy=False)
    for message in catalogues.template():
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            catalogue.add(message.id, tuple(map(own_words, texts)) if len(texts) > 1 else own_words(texts[0]))
    path = folder / "el" / "LC_MESSAGES" / "report.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, catalogue)
    voice.CATALOGUES = folder
    forget_languages()
    yield
    voice.CATALOGUES = before
    forget_languages()


def without_strangers(facts: Facts) -> Facts:
    """The same, with strangers' words in letters that are nobody's else."""

    def visit(value, field=""):
        if isinstance(value, str) and field not in OURS and value not in VOCABULARY:
            is_ours = field in {"title", "label"} and value in {
                "Visits to your website",
                "Reactions, by the day of the post",
            }
            return value if is_ours else re.sub(r"[^\W\d_]", "あ", value)  # ß becomes SS in headings
        if isinstance(value, tuple):
            return tuple(visit(item, field) for item in value)
        if isinstance(value, msgspec.Struct):
            return replace(value, **{name: visit(getattr(value, name), name) for name in value.__struct_fields__})
        return value

    return visit(facts)


class Seen(HTMLParser):
    """What a person sees or hears of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.is_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"
        self.words += [
            value for name, value in attrs if name in {"alt", "aria-label", "aria-roledescription"} and value
        ]

    def handle_endtag(self, tag: str) -> None:
        self.is_style = False

    def handle_data(self, data: str) -> None:
        self.words += [] if self.is_style else [data]


def english_left(rendered: render.Rendered, svg: str) -> list[str]:
    seen = [*Seen(rendered.html).words, rendered.subject, rendered.preheader]
    seen += [rendered.text, " ".join(ElementTree.fromstring(svg).itertext()) if svg else ""]
    return [word for text in seen for word in FOREIGN.findall(NEUTRAL.sub(" ", text))]


def picture(facts: Facts) -> str:
    facts = render._cleaned(facts)
    if facts.year:
        return year_chart.year_svg(facts.year, facts.locale)
    return chart.chart_svg(facts.chart, facts.locale) if facts.chart else ""


@samples
def test_no_word_of_ours_is_left_in_english(name: str) -> None:
    facts = in_language(without_strangers(replace(SAMPLES[name](), lesson=None)), "el_GR")
    approved = replace(facts, approved_by="あ", approved_at=facts.as_of, corrects=True)
    for each in (facts, approved, replace(facts, approved_at=facts.as_of)):
        assert english_left(render.render(each, "あ"), picture(each)) == []


@settings(max_examples=30)
@given(any_facts())
def test_whatever_the_facts_no_word_of_ours_is_left_in_english(facts: Facts) -> None:
    # Channels, touchpoints' kinds and names of a stranger's making stay as they are.
    facts = without_strangers(facts)
    facts = replace(
        facts,
        channels=tuple(replace(each, channel="あ") for each in facts.channels),
        worth_knowing=tuple(replace(each, channel=each.channel and "あ") for each in facts.worth_knowing),
        campaigns=tuple(
            replace(each, touchpoints=tuple(replace(point, kind="poster") for point in each.touchpoints))
            for each in facts.campaigns
        ),
    )
    facts = in_language(facts, "el_GR")
    assert english_left(render.render(facts), picture(facts)) == []


def test_the_test_can_fail() -> None:
    facts = without_strangers(in_language(good_week(), "en_GB"))
    assert "Questions" in english_left(render.render(facts), picture(facts))


def test_the_glossary_and_the_cards_are_in_the_language() -> None:
    page = re.sub("(?s)<style>.*?</style>", "", glossary.glossary_page("el_GR"))
    assert FOREIGN.findall(re.sub("<[^>]*>", " ", page)) == []
    assert page.count("<h3") == len(lessons.CARDS) + len(METRICS)


@pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])
def test_so_it_is_with_reports_out_of_the_warehouse(told: House, client: str) -> None:
    firm = told.agency.clients[client].model_copy(update={"locale": "el_GR"})
    for period in ("2026-W46", "2026-W44"):
        facts = weekly.compose_facts(told.engine, firm, Week.parse(period), SETTLED)
        facts = without_strangers(facts)
        facts = replace(facts, campaigns=tuple(replace(each, key="a") for each in facts.campaigns))
        facts = in_language(facts, "el_GR")
        assert english_left(render.render(facts), picture(facts)) == []


# --- German --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", GERMAN)
@samples
def test_a_german_mail_keeps_its_measures(name: str, locale: str) -> None:
    facts = in_language(SAMPLES[name](), locale)
    rendered, appendix = render.render(facts), "Woher die Zahlen kommen"
    assert f'lang="{locale.replace("_", "-")}"' in rendered.html
    assert len(rendered.subject) <= 50
    assert 40 <= len(rendered.preheader) <= 100
    assert words_in_html(rendered, appendix) <= 350
    assert words_in_text(rendered, appendix) <= 350
    assert vienna_grade(sentences(rendered, appendix)) <= 8


def test_a_german_mail_reads_as_one() -> None:
    text = " ".join(render.render(in_language(good_week(), "de_DE")).text.split())
    for words in (
        "Eine gute Woche: Website-Besuche und Besuche aus Social Media höher als üblich",
        "Website-Besuche: 127 (üblich 79–104); Weitergaben: 3 bislang (üblich 5–11).",
        "Wir glauben, die Kampagne „Walnut winter“ hat geholfen: Sie brachte 40 Besuche.",
        "Reaktionen je Beitrag: 13,4 bislang in den üblichen 8,2–14,8",
        "34 Reaktionen, etwa 3,1-mal so viel wie üblich (2,2–4,1).",
        "Bitte schicken Sie uns Bilder bis Fr., 27. November: „Advent“ beginnt am Mo., 30. November.",
        "Alle 9 neuen Gespräche, die wir sahen, haben eine Antwort. Danke dafür!",
        "Umsatz: A roll on top: diese Woche 402,50 €, bislang 760,25 €",
        "Mo.–Fr. 08:00–17:00, nicht an Feiertagen",
        "etwa 80 % Ihrer eigenen Wochen",
    ):
        assert words in text.replace("\u00a0", " "), words
    assert ".." not in text


def test_the_mail_says_which_language_it_is_in() -> None:
    for locale, tag in (("de_AT", "de-AT"), ("en_GB", "en-GB")):
        message = message_from_bytes(as_sent(in_language(good_week(), locale), None))
        assert message["Content-Language"] == tag


def test_austria_and_switzerland_write_as_they_do() -> None:
    austria, switzerland = voice_of("de_AT"), voice_of("de_CH")
    january = SETTLED.date().replace(year=2027, month=1, day=4)
    assert austria.long_day(january) == "4. Jänner"
    text = " ".join(render.render(in_language(good_week(), "de_CH")).text.split())
    assert "„Weit“ darüber oder darunter liegt ausserhalb" in text
    assert "ß" not in text
    assert switzerland.number(1284) == "1’284"


@pytest.mark.parametrize("card", lessons.CARDS, ids=lambda card: card.id)
def test_a_german_card_fits_on_a_card(card: lessons.Card) -> None:
    title, text = (voice_of("de_DE").gettext(each) for each in (card.title, card.text))
    assert text != card.text
    assert len(text.split()) <= lessons.LONGEST
    assert len(title) <= 60


NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text: str, *, comma: bool) -> set[Decimal]:
    found = NUMBER.findall(NEUTRAL.sub(" ", text))
    if comma:
        found = [number.replace(".", "").replace(",", ".") for number in found]
    return {Decimal(number.replace(",", "")) for number in found}


@samples
def test_the_numbers_are_the_same_in_every_language(name: str) -> None:
    english, german = (in_language(SAMPLES[name](), locale) for locale in ("en_GB", "de_DE"))
    assert numbers(render.render(english).text, comma=False) == numbers(render.render(german).text, comma=True)


@settings(max_examples=40)
@given(any_facts())
def test_so_are_those_of_any_facts(facts: Facts) -> None:
    english, german = (replace(facts, locale=locale) for locale in ("en_GB", "de_DE"))
    for line in (narrate.three_sentences, narrate_sources.meanings, narrate.correction_lines, narrate_next.thanks):
        ours, theirs = " ".join(line(english)), " ".join(line(german))
        assert numbers(ours, comma=False) == numbers(theirs, comma=True)


@pytest.mark.parametrize("locale", ["en_GB", *LANGUAGES])
def test_the_legend_of_the_chart_has_room(locale: str) -> None:
    font = ImageFont.truetype(str(chart._FONT), 20)
    facts = good_week()
    assert facts.chart
    for svg in (chart.chart_svg(facts.chart, locale), year_chart.year_svg(SAMPLES["year"]().year, locale)):
        labels = [
            each
            for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
            if each.get("y") == "24"
        ]
        assert len(labels) >= 3
        for label in labels:
            assert float(label.get("x", 0)) + font.getlength(label.text or "") <= chart.WIDTH
