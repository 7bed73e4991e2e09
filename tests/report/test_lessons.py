"""The cards teach, fit the report, and do not come back too soon."""

import datetime as dt

import msgspec
from facts_strategies import facts as any_facts
from hypothesis import given, settings

from facts_samples import broken_week, empty_week, good_week, normal_week
from widerview.report.facts import Facts
from widerview.report.lessons import WEEKS_APART, pick


def in_week(facts: Facts, week: int) -> Facts:
    monday = dt.date(2026, 1, 5) + dt.timedelta(weeks=week)
    return msgspec.structs.replace(facts, first_day=monday, last_day=monday + dt.timedelta(days=6))


def test_cards_fit_on_a_card():
    cards = {pick(in_week(facts, week)) for facts in (good_week(), broken_week(), empty_week()) for week in range(60)}
    assert len(cards) >= 10
    for card in cards:
        assert len(card.text.split()) <= 60, card.title
        assert len(card.title) <= 60


def test_no_card_returns_within_four_weeks_even_when_the_reports_differ():
    reports = [good_week(), empty_week(), broken_week(), normal_week(), good_week()]
    titles = [pick(in_week(reports[week % len(reports)], week)).title for week in range(120)]
    for week in range(WEEKS_APART, len(titles)):
        assert titles[week] not in titles[week - WEEKS_APART + 1 : week]


def test_a_card_speaks_of_what_the_report_contains():
    posters = [pick(in_week(good_week(), week)).title for week in range(60)]
    assert "Why we give posters their own link" in posters
    nothing = [pick(in_week(empty_week(), week)).title for week in range(60)]
    assert "Why we give posters their own link" not in nothing
    assert "Why a number says “so far”" not in nothing


@settings(max_examples=25)
@given(any_facts())
def test_every_report_has_a_card(facts):
    assert pick(facts) == pick(facts)
    assert pick(facts).text
