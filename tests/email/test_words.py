"""The mail takes a minute, is easy to read, promises nothing, and says what it has to say in every kind of week.

Counted are all words before the appendix, which begins with "Where the numbers come from": ours, names, numbers and
dates, and the quoted beginnings of posts. The reviewer's note is theirs and is not counted.
"""

import re

import msgspec
import pytest

from facts_samples import NOTE, SAMPLES, empty_week, good_week, normal_week
from house import SETTLED, House
from mail_words import flesch_kincaid_grade, sentences, words_in_html, words_in_text
from themes import themed
from widerview.agency.theme import Theme
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import Answers, Facts
from widerview.report.lessons import CARDS
from widerview.report.render import Rendered, printable, render, strikeable
from widerview.vocabulary.metrics import METRICS

replace = msgspec.structs.replace

APPENDIX = "Where the numbers come from"
MOST_WORDS = 350
HARDEST = 8.0
# Words that promise, boast or fight.
BANNED = re.compile(r"\b(viral|crush\w*|guarant\w*|beat|beats|beaten|smash\w*|skyrocket\w*)\b", re.IGNORECASE)

samples = pytest.mark.parametrize("name", SAMPLES)
clients = pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])


def mind(facts: Facts) -> None:
    """See that a mail keeps to its measures."""
    rendered = render(facts, NOTE)
    assert words_in_html(rendered, APPENDIX) <= MOST_WORDS
    assert words_in_text(rendered, APPENDIX) <= MOST_WORDS
    assert flesch_kincaid_grade(sentences(rendered, APPENDIX)) <= HARDEST
    ours = render(replace(facts, posts=tuple(replace(post, text="") for post in facts.posts)))
    for part in (ours.subject, ours.preheader, ours.html, ours.text):
        assert not BANNED.search(part)


@samples
def test_a_minute_is_enough_and_school_is_enough(name: str) -> None:
    mind(SAMPLES[name]())


@samples
def test_every_card_fits_into_the_minute(name: str) -> None:
    longest = max(CARDS, key=lambda card: len(card.text.split()))
    facts = SAMPLES[name]()
    assert facts.lesson
    mind(replace(facts, lesson=replace(facts.lesson, title=longest.title, text=longest.text)))


@samples
def test_a_signature_is_words_too(name: str) -> None:
    lines = tuple(f"Line {number} of a signature that says a little more than it should" for number in range(5))
    mind(themed(SAMPLES[name](), Theme(signature=lines)))


@clients
@pytest.mark.parametrize("period", ["2026-W46", "2026-W45", "2026-W44", "2026-W36"])
def test_so_it_is_with_reports_out_of_the_warehouse(told: House, client: str, period: str) -> None:
    """A week of each of the sandbox's clients: with a campaign, its first, a fourth one, and one before their past."""
    mind(weekly.compose_facts(told.engine, told.agency.clients[client], Week.parse(period), SETTLED))


def test_the_note_is_not_counted() -> None:
    told, silent = render(good_week(), "many words " * 300), render(good_week())
    assert words_in_html(told, APPENDIX) == words_in_html(silent, APPENDIX)
    assert words_in_text(told, APPENDIX) == words_in_text(silent, APPENDIX)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_card_is_easy_to_read(card) -> None:
    assert flesch_kincaid_grade(re.split(r"(?<=[.!?])\s", card.text)) <= HARDEST
    assert not BANNED.search(f"{card.title} {card.text}")


def test_the_vocabulary_promises_nothing() -> None:
    assert not [metric.name for metric in METRICS.values() if BANNED.search(f"{metric.label} {metric.meaning}")]


def test_the_grades_are_those_of_the_formulas() -> None:
    easy, hard = (
        ["The cat sat on the mat."],
        ["Institutional considerations necessitate organizational transformation."],
    )
    assert flesch_kincaid_grade(easy) == pytest.approx(0.39 * 6 + 11.8 * 1 - 15.59)
    assert flesch_kincaid_grade(hard) > 20


def in_appendix(text: str, rendered: Rendered) -> bool:
    above, _, below = rendered.text.partition(f"\n{APPENDIX.upper()}\n")
    return text in " ".join(below.split()) and text not in " ".join(above.split())


def test_what_has_no_room_above_stands_in_the_appendix() -> None:
    rendered = render(good_week())
    for text in (
        "In your name 9 of 9 new conversations got an answer",  # a section that found no room
        "“Walnut winter” goes on until Sun 29 Nov",
        "71 of 160 so far",
        "Search engines: 39 (usually 31–44; ● inside)",
        "through Poster in the market hall (poster)",
        "a lasting change since 28 September: about 1.8 times what it was (1.3 to 2.4 times)",
        "95% of weeks: 71–111",
        "last week: 88",
        "As many as last November",
        "Saturday’s class has three places left.",
        "Come early: last year they were gone by nine.",
        "Cost so far: €420.00",
        "Thu 27 (10–16)",
    ):
        assert in_appendix(text, rendered), text


@samples
def test_no_letter_stands_on_the_chart_that_nothing_above_explains(name: str) -> None:
    facts = replace(SAMPLES[name](), year=None)
    svg = printable(facts).svg or ""
    letters = set(re.findall(r">([A-Z])</text>", svg))
    explained = set(re.findall(r"<b>([A-Z])</b>", render(facts).html.replace(' style=""', "")))
    assert letters == explained


def test_a_chart_whose_notes_have_room_shows_them() -> None:
    facts = replace(normal_week(), goals=(), worth_knowing=())
    assert re.findall(r">([A-Z])</text>", printable(facts).svg or "") == ["A", "B"]
    text = above(facts)
    assert "Thu 12 Nov: Poster in the market hall" in text


def test_a_week_with_little_to_say_moves_nothing_down() -> None:
    facts = replace(normal_week(), worth_knowing=(), goals=(), posts=normal_week().posts[:1])
    assert not in_appendix("In your name 9 of 9", render(facts))
    assert not in_appendix("“Walnut winter” goes on", render(facts))


def test_an_empty_week_is_short_and_kind() -> None:
    rendered = render(empty_week())
    assert words_in_text(rendered, APPENDIX) < 130
    assert "A pause is part of any year." in rendered.text


def above(facts: Facts) -> str:
    return " ".join(render(facts).text.partition(f"\n{APPENDIX.upper()}\n")[0].split())


def test_one_thing_is_asked_with_its_date() -> None:
    text = above(good_week())
    assert "We have one wish: see “Coming up”." in text
    assert "Please send us pictures by Fri 27 Nov: “Advent” starts on Mon 30 Nov." in text
    assert "We need nothing from you this week." in above(normal_week())


def test_what_the_reviewer_strikes_is_not_asked() -> None:
    asked = "Please send us pictures by Fri 27 Nov: “Advent” starts on Mon 30 Nov."
    assert asked in strikeable(good_week())
    text = render(replace(good_week(), struck=asked)).text
    assert "pictures" not in text
    assert "one wish" not in text
    assert "We need nothing from you this week." in " ".join(text.split())


def test_good_work_is_thanked_for() -> None:
    assert "All 9 new conversations we saw got an answer. Thank you for that!" in above(good_week())
    quick = "Thank you to all, with you and with us, who answered so quickly!"
    answers = Answers(received=9, answered=7, half_within=1.717)
    facts = replace(good_week(), conversation=replace(good_week().conversation, answers=answers))
    assert quick in above(facts)
    facts = replace(facts, conversation=replace(facts.conversation, answers=replace(answers, half_within=30.0)))
    assert quick not in above(facts)
    assert "Thank you to whoever made the post of Thu 12 Nov!" in above(facts)
    chance = tuple(replace(post, lift=None) for post in facts.posts)
    assert "Thank you" not in render(replace(facts, posts=chance)).text
    assert "Thank you" not in render(replace(good_week(), colour="red")).text, "data is missing: nothing is judged"
