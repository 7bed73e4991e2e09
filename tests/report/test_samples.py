"""The samples that the docs show agree with themselves, as a report out of the warehouse does."""

import datetime as dt

import pytest

from facts_samples import SAMPLES
from otter_bakery import client
from widerview.measures.usual import Range, word
from widerview.measures.weeks import Week
from widerview.report.ask import ask_of
from widerview.report.facts import Facts
from widerview.report.plans import sent_on

samples = pytest.mark.parametrize("name", SAMPLES)


def value(facts: Facts, figure: str) -> float | None:
    return next((each.value for each in facts.figures if each.id == figure), None)


@samples
def test_visits_are_those_of_the_days_and_of_the_channels(name: str) -> None:
    facts = SAMPLES[name]()
    visits = value(facts, "visits")
    if facts.chart:
        days = [point.value for point in facts.chart.points]
        assert sum(day or 0 for day in days[-7:]) == visits
        last = next(figure.last_week for figure in facts.figures if figure.id == "visits")
        assert last is None or sum(day or 0 for day in days[-14:-7]) == last
        november = [point for point in facts.chart.points if point.day.month == 11]
        for goal in facts.goals[:1]:
            assert goal.so_far == sum(point.value or 0 for point in november)
            assert None not in [point.value for point in november]
        for notable in facts.worth_knowing:
            assert notable.metric != "visits" or notable.value in days[-7:]
    if facts.channels:
        assert sum(channel.visits or 0 for channel in facts.channels) == visits
        by_name = {channel.channel: channel.visits for channel in facts.channels}
        assert by_name["social"] == value(facts, "social_visits")
        assert facts.untagged is not None
        assert facts.untagged.untagged == by_name["social"]
    else:
        assert visits is None


@samples
def test_words_are_those_of_the_ranges(name: str) -> None:
    facts = SAMPLES[name]()
    for each in (*facts.figures, *facts.channels):
        known = each.value if hasattr(each, "value") else each.visits
        ends = each.usual and {
            end: getattr(each.usual, end) for end in ("low", "high", "wide_low", "wide_high", "weeks")
        }
        usual = Range(**ends) if ends else None
        assert each.word == word(known, usual)


@samples
def test_posts_are_those_of_the_accounts_and_got_no_more_than_all_together(name: str) -> None:
    facts = SAMPLES[name]()
    assert facts.posting is not None
    assert facts.posting.posts == sum(account.posts for account in facts.accounts) >= len(facts.posts)
    assert facts.nothing_posted == (facts.posting.posts == 0)
    replies, shares, each = (value(facts, name) for name in ("replies_received", "passed_on", "reactions_per_post"))
    assert facts.conversation.received == (replies or 0)
    assert sum(post.replies or 0 for post in facts.posts) <= (replies or 0)
    assert sum(post.reposts or 0 for post in facts.posts) <= (shares or 0)
    assert sum(post.reactions for post in facts.posts) <= (each or 0) * facts.posting.posts + 0.5


@samples
def test_rates_are_those_of_what_was_counted(name: str) -> None:
    facts = SAMPLES[name]()
    rates, visits = {rate.metric: rate for rate in facts.rates}, value(facts, "visits")
    if found := rates.get("response_rate"):
        assert facts.conversation.answers is not None
        answers = facts.conversation.answers
        assert found.value == pytest.approx(100 * answers.answered / answers.received, abs=0.001)
        assert rates["response_time"].value == answers.half_within
    reached = [row.week for each in facts.campaigns for row in each.rows if row.metric == "conversions"]
    if found := rates.get("conversion_rate"):
        assert visits
        assert not reached or found.value == pytest.approx(100 * (reached[0] or 0) / visits, abs=0.001)


@samples
def test_a_campaigns_visits_are_those_of_its_links_and_its_goal(name: str) -> None:
    facts = SAMPLES[name]()
    visits = value(facts, "campaign_visits")
    assert visits is None or visits == sum(campaign.visits or 0 for campaign in facts.campaigns)
    for campaign in facts.campaigns:
        [row] = [row for row in campaign.rows if (row.group, row.metric) == ("website", "visits")]
        assert row.week == campaign.visits == sum(touch.visits or 0 for touch in campaign.touchpoints)
        for goal in facts.goals:
            assert goal.campaign != campaign.name or goal.so_far == row.so_far


@samples
def test_a_correction_tells_the_number_of_the_week_before(name: str) -> None:
    facts = SAMPLES[name]()
    last = {figure.label: figure.last_week for figure in facts.figures}
    for correction in facts.corrections:
        assert correction.first_day == facts.first_day - dt.timedelta(weeks=1)
        assert last[correction.label] in {correction.known, None}


@samples
def test_what_is_asked_is_what_would_be_asked(name: str) -> None:
    """The head count of an event, of which the facts have no row, comes before all else."""
    facts = SAMPLES[name]()
    week = Week.parse(facts.period)
    known = {"key": "advent", "name": "Advent", "goal": "Orders", "starts": "2026-11-30", "ends": "2026-12-24"}
    of = client(campaigns=[known] if facts.ask and facts.ask.what == "pictures" else [])
    asked = ask_of(of, week, sent_on(of, week, facts.as_of), facts.campaigns, facts.conversation)
    assert facts.ask == asked or (facts.ask and facts.ask.what == "head count" and asked is None)
    sent = sent_on(of, week, facts.as_of)
    assert facts.ask is None or facts.ask.by > sent
    assert all(plan.day >= sent for plan in facts.planned if not isinstance(plan, str))
