"""Each number of a sentence is that of its own fact, in its own place: none is swapped, and none is one off."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest
from facts_strategies import facts as any_facts
from facts_strategies import years
from hypothesis import given, settings
from hypothesis import strategies as st

from facts_samples import SAMPLES
from widerview.report import (
    narrate,
    narrate_campaigns,
    narrate_next,
    narrate_posts,
    narrate_rates,
    narrate_sources,
    narrate_time,
)
from widerview.report.facts import (
    CampaignFact,
    Facts,
    Figure,
    GoalFact,
    LevelChange,
    NotableDay,
    RateFact,
    Untagged,
    Year,
)
from widerview.report.voice import rounded, voice_of

replace = msgspec.structs.replace

TOKEN = re.compile(r"(\d+(?:[.,]\d+)*)(?:–(\d+(?:[.,]\d+)*))?")


class Between(NamedTuple):
    """Two numbers that are printed as `a–b`, or as one where both are printed alike."""

    low: float
    high: float


class Inside(NamedTuple):
    """The same, rounded inwards to round numbers."""

    low: float
    high: float


Number = float | Between | Inside
Said = tuple[str, list[Number]]


def is_it(printed: str, value: float) -> bool:
    """Whether a printed number is the value, rounded up or down to as many decimals as it is printed with."""
    number = Decimal(printed.replace(",", ""))
    unit = Decimal(1).scaleb(number.as_tuple().exponent)  # type: ignore[arg-type]
    return abs(number - Decimal(str(round(value, 9)))) < unit


def agrees(token: tuple[str, str], value: Number) -> bool:
    first, last = token[0], token[1] or token[0]
    match value:
        case Between(low, high):
            return is_it(first, low) and is_it(last, high)
        case Inside(low, high):
            return low - 1 < Decimal(first.replace(",", "")) <= Decimal(last.replace(",", "")) < high + 1
        case _:
            return not token[1] and is_it(first, value)


def known(*values: float | None) -> list[Number]:
    return [value for value in values if value is not None]


def times(factor: float) -> list[Number]:
    """`about twice` has no digits."""
    return [] if rounded(factor, 1) == 2 else [factor]


# --- What each sentence may say ------------------------------------------------------------------------------------


def of_figure(facts: Facts, figure: Figure) -> Iterator[Said]:
    line, usual = narrate.figure_line(facts, figure), figure.usual
    yield line.number, known(figure.value)
    yield line.last_week, known(figure.last_week)
    if usual:
        yield line.usual, [Between(usual.low, usual.high)]
        if line.wide:
            assert usual.wide_low is not None
            assert usual.wide_high is not None
            yield line.wide, [usual.wide_coverage * 100, Between(usual.wide_low, usual.wide_high)]
    if line.posts and facts.posting:
        yield line.posts, known(facts.posting.posts, facts.posting.usual_posts)
    if figure.change:
        yield narrate_time.level_change(facts, figure.change), list(of_change(figure.change))
        yield narrate_time.level_change_brief(facts, figure.change), [figure.change.since.day]


def of_change(change: LevelChange) -> Iterator[Number]:
    yield change.since.day
    if change.why == "lasting" and change.times is not None and change.low is not None and change.high is not None:
        yield from known(change.after_day and change.after_day.day)
        unit = 100 if change.times < 1 else 1
        yield from [change.times * 100] if unit == 100 else times(change.times)
        yield from (change.low * unit, change.high * unit)


def of_conversation(facts: Facts) -> Iterator[Said]:
    talked = replace(facts.conversation, written_at_least=False)
    told = replace(facts, nothing_posted=False)
    if talked.received is not None and talked.written is not None:
        lines = narrate.conversation_lines(told, replace(talked, answers=None))
        yield lines[0], [talked.received]
        yield lines[1], [talked.written]
    if answers := talked.answers:
        [line] = narrate.conversation_lines(told, replace(talked, received=None, written=None))
        is_told = answers.half_within is not None and answers.half_within > 1
        yield line, [answers.answered, answers.received, *known(answers.half_within if is_told else None)]


def of_posts(facts: Facts) -> Iterator[Said]:
    for post in facts.posts:
        drew, standing = narrate_posts.post_lines(facts, post)
        brief = narrate_posts.post_brief(facts, post)
        yield drew, known(post.reactions, post.replies, post.reposts, post.shares)
        if post.lift and narrate_posts.stands_out(post.lift):
            yield standing, [*times(post.lift.times), post.lift.low, post.lift.high]
            yield brief, [post.reactions, *times(post.lift.times), Between(post.lift.low, post.lift.high)]
        else:
            yield standing, []
            yield brief, [post.reactions]


def of_goal(facts: Facts, goal: GoalFact) -> Said:
    line, day = narrate_time.goal_line(facts, goal), goal.ends.day
    if goal.so_far is None:
        return line, [goal.target]
    if goal.ends <= facts.last_day and goal.word and goal.low is None:
        return line, [goal.so_far, day, goal.target]
    if goal.word == "reached":
        return line, [goal.so_far, goal.target, day]
    if goal.word is None or goal.low is None or goal.high is None:
        return line, [goal.so_far, goal.target]
    return line, [goal.so_far, goal.target, Inside(goal.low, goal.high), day]


def of_rate(facts: Facts, rate: RateFact) -> Iterator[Said]:
    line = narrate_rates.rate_line(facts, rate)
    yield line.value, [rate.value]
    yield line.range, [rate.low if rate.high is None else Between(rate.low, rate.high)]
    if rate.usual_low is not None and rate.usual_high is not None:
        yield line.usual, [Between(rate.usual_low, rate.usual_high)]


def of_notable(facts: Facts, notable: NotableDay) -> Said:
    because = notable.because
    is_earlier = because and because.what not in {"holiday", "paid"} and because.day != notable.day
    return narrate_time.notable_day(facts, notable), [
        notable.day.day,
        notable.value,
        Between(notable.low, notable.high),
        *known(because.day.day if because and is_earlier else None),
    ]


def of_year(facts: Facts, year: Year) -> Iterator[Said]:
    line, alt = narrate_time.year_line(facts, year), narrate_time.year_alt(facts, year)
    yield line, [*([] if line.startswith("No clear change") else times(year.times)), year.low, year.high]
    days = voice_of(facts.locale).days(year.weeks[0].monday, facts.last_day)
    yield alt.replace(days, ""), [*year.quarters, *known(*(week.value for week in year.weeks))]


def of_campaign(facts: Facts, campaign: CampaignFact) -> Iterator[Said]:
    days = voice_of(facts.locale).days(campaign.starts, campaign.ends)
    line = narrate_campaigns.campaign_line(facts, campaign).replace(days, "")
    yield line, [campaign.posts, *known(campaign.visits)]
    yield narrate_campaigns.brief_line(facts, campaign), known(campaign.visits)
    bare = replace(campaign, effect=None, rows=(), cost=None, first_touch=None)
    if cost := campaign.cost:
        [line] = narrate_campaigns.lines(facts, replace(bare, cost=cost))
        results = [] if cost.per_result is None else [cost.per_result, cost.results]
        yield line, [cost.cost, *([cost.ads] if cost.ads else []), *results]
    if touch := campaign.first_touch:
        [line] = narrate_campaigns.lines(facts, replace(bare, first_touch=touch))
        yield line, [touch.last, touch.first]
    if (effect := campaign.effect) and effect.verdict in {"more", "fewer"} and effect.average is not None:
        [line] = narrate_campaigns.lines(facts, replace(bare, effect=effect))
        low, high = sorted(abs(end or 0) for end in (effect.low, effect.high))
        yield line, [abs(effect.average), Between(low, high)]
    for row in campaign.rows:
        [section] = narrate_campaigns.table(facts, replace(bare, rows=(row,), touchpoints=()))
        [told] = section.lines
        if row.group == "claimed":
            yield told.label, known(row.week)
            yield told.claimed, known(row.so_far)
        else:
            yield told.week, known(row.week)
            yield told.so_far, known(row.so_far)
    if campaign.rows:
        website = replace(campaign.rows[0], group="website", metric="visits")
        [section] = narrate_campaigns.table(facts, replace(bare, rows=(website,), touchpoints=campaign.touchpoints))
        for touchpoint, told in zip(campaign.touchpoints, section.lines[1:], strict=True):
            yield told.week, known(touchpoint.visits)
            yield told.so_far, known(touchpoint.so_far)


def of_dates(facts: Facts) -> Iterator[Said]:
    for plan in facts.planned:
        if not isinstance(plan, str):
            yield narrate_next.plan_line(facts, plan), [plan.day.day]
    if ask := facts.ask:
        by, day = ask.by.day, ask.day.day if ask.day else 0
        yield (
            narrate_next.ask_line(facts, ask),
            {
                "answers": [*([] if ask.waiting == 0 else [ask.waiting]), by],
                "head count": [by, day],
                "pictures": [by, day],
            }[ask.what],
        )
    for correction, line in zip(facts.corrections, narrate.correction_lines(facts), strict=True):
        yield line, [correction.first_day.day, *known(correction.said, correction.known)]


def of_provenance(facts: Facts) -> Iterator[Said]:
    lines = narrate_sources.provenance(facts)
    ranges = [figure.usual for figure in facts.figures if figure.usual]
    if ranges:
        [line] = [line for line in lines if line.startswith("“Usual”")]
        yield line, [ranges[0].coverage * 100, min(usual.weeks for usual in ranges)]


def of_chart(facts: Facts) -> Iterator[Said]:
    if chart := facts.chart:
        days = voice_of(facts.locale).days(chart.points[0].day, chart.points[-1].day)
        values: list[Number] = []
        for point in chart.points[-7:]:
            values += known(point.value)
            if point.value is not None and point.low is not None and point.high is not None:
                values.append(Between(point.low, point.high))
        values += known(*(point.value for point in chart.points[:-7]))
        yield narrate.chart_alt(facts, chart).replace(days, ""), values
        yield narrate.chart_week(facts, chart), known(*(point.value for point in chart.points[-7:]))


def said(facts: Facts) -> Iterator[Said]:
    """Every sentence that has numbers, with the numbers of its own fact in the order in which it says them."""
    for figure in facts.figures:
        yield from of_figure(facts, figure)
    for goal in facts.goals:
        yield of_goal(facts, goal)
    for rate in facts.rates:
        yield from of_rate(facts, rate)
    for notable in facts.worth_knowing:
        yield of_notable(facts, notable)
    for campaign in facts.campaigns:
        yield from of_campaign(facts, campaign)
    for part in (of_conversation, of_posts, of_dates, of_provenance, of_chart):
        yield from part(facts)
    if facts.year:
        yield from of_year(facts, facts.year)
    if untagged := facts.untagged:
        share = untagged.untagged / untagged.visits * 100
        yield narrate_campaigns.untagged_line(facts) or "", [untagged.visits, untagged.untagged, share]


def check(facts: Facts) -> None:
    for text, values in said(facts):
        tokens = TOKEN.findall(text)
        assert len(tokens) == len(values), (text, values)
        for token, value in zip(tokens, values, strict=True):
            assert agrees(token, value), (text, token, value)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_numbers_of_a_sample_are_those_of_its_facts(name: str) -> None:
    facts = SAMPLES[name]()
    check(facts)


@st.composite
def untagged(draw: st.DrawFn) -> Untagged:
    visits = draw(st.integers(1, 10**6))
    return Untagged(visits=visits, untagged=draw(st.integers(0, visits)))


@settings(max_examples=60)
@given(any_facts(), years(dt.date(2026, 11, 15)), untagged())
def test_the_numbers_of_any_facts_are_theirs(facts: Facts, year: Year, tags: Untagged) -> None:
    check(replace(facts, year=year, untagged=tags))
