"""The cards teach, fit the report, and do not come back too soon."""

import datetime as dt
import re

import msgspec
import pytest
from facts_strategies import facts as any_facts
from hypothesis import given, settings

from facts_samples import broken_week, empty_week, good_week, normal_week
from widerview.report.facts import Facts
from widerview.report.glossary import glossary_page
from widerview.report.lessons import BASICS, CARDS, LONGEST, WEEKS_APART, pick
from widerview.report.render import render

MONDAY = dt.date(2026, 1, 5)


def taught(reports: list[Facts], weeks: int) -> list[str]:
    """The ids of the cards of so many weekly reports, taken from these in turn."""
    last: dict[str, int] = {}
    ids = []
    for week in range(weeks):
        card = pick(reports[week % len(reports)], {card: week - shown for card, shown in last.items()}).id
        last[card] = week
        ids.append(card)
    return ids


def test_there_are_enough_cards_and_they_fit_on_a_card():
    assert len({card.id for card in CARDS}) == len(CARDS) >= 40
    for card in CARDS:
        assert len(card.text.split()) <= LONGEST, card.id
        assert len(card.title) <= 60, card.id


@pytest.mark.parametrize(
    "reports",
    [[good_week()], [empty_week()], [good_week(), empty_week(), broken_week(), normal_week()]],
    ids=["good", "empty", "mixed"],
)
def test_no_card_returns_within_twelve_weeks(reports):
    ids = taught(reports, 150)
    for week in range(len(ids)):
        assert ids[week] not in ids[max(0, week - WEEKS_APART + 1) : week]


def test_a_new_client_learns_the_basics_first():
    assert taught([good_week()], len(BASICS)) == [card.id for card in BASICS]


def test_every_card_has_its_turn_where_the_reports_have_everything():
    suited = {card.id for card in CARDS if card.suits is None or card.suits(good_week())}
    assert set(taught([good_week()], 150)) == suited


def test_a_card_speaks_of_what_the_report_contains():
    assert "tagged-links" in taught([good_week()], 60)
    nothing = taught([empty_week()], 60)
    assert not {"tagged-links", "so-far", "many-roads"} & set(nothing)


def test_a_report_without_a_past_that_is_known_has_a_card_too():
    assert pick(good_week()) == pick(good_week(), {})


@settings(max_examples=25)
@given(any_facts())
def test_every_report_has_a_card(facts):
    assert pick(facts) == pick(facts)
    assert pick(facts, {card.id: 1 for card in CARDS[:11]}).text


def test_a_card_links_to_its_place_in_the_published_glossary():
    facts = msgspec.structs.replace(
        good_week(), lesson=pick(good_week()), glossary_url="https://agency.example/glossary.html"
    )
    page, rendered = glossary_page("en"), render(facts)
    [anchor] = re.findall(r'href="https://agency\.example/glossary\.html#([a-z-]+)"', rendered.html)
    assert f'<h3 id="{anchor}">{facts.lesson.title}' in page
    assert f"https://agency.example/glossary.html#{anchor}\n" in rendered.text
    assert "glossary" not in render(msgspec.structs.replace(facts, glossary_url="javascript:alert(1)")).html


def test_the_glossary_explains_every_card_and_number_and_loads_nothing():
    page = glossary_page("en_GB")
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > len(CARDS)
    assert {card.id for card in CARDS} <= set(ids)
    assert not re.search(r"src=|url\(|<script|https?:", page)
