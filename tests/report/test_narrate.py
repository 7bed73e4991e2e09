"""Words are made from facts alone, and say no more than the facts carry."""

import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from facts_strategies import facts as any_facts
from hypothesis import given, settings

from facts_samples import MONDAY, SAMPLES, broken_week, empty_week, figures, good_week, normal_week, usual
from widerview.report import narrate, narrate_campaigns, narrate_next, narrate_posts, narrate_sources
from widerview.report.facts import Answers, Conversation, Facts, Lift, Posting, SourceFact, Untagged
from widerview.report.render import render

replace = msgspec.structs.replace
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def told(facts: Facts) -> list[str]:
    sentences = [narrate.subject(facts), narrate.preheader(facts), narrate.verdict_line(facts)]
    sentences += [*narrate.three_sentences(facts), narrate.data_line(facts)]
    sentences += [narrate.figure_line(facts, figure).posts for figure in facts.figures]
    sentences += narrate.conversation_lines(facts, facts.conversation)
    sentences += [
        line
        for post in facts.posts
        for line in (*narrate_posts.post_lines(facts, post), narrate_posts.post_brief(facts, post))
    ]
    sentences += [*narrate.correction_lines(facts), *narrate_next.thanks(facts)]
    sentences += [narrate_next.ask_line(facts, facts.ask)] if facts.ask else []
    sentences += [narrate_next.plan_line(facts, plan) for plan in facts.planned]
    return sentences + ([narrate.chart_alt(facts, facts.chart)] if facts.chart else [])


def numbers_in(facts: Facts) -> set[Decimal]:
    """Every number of the facts, as a reader may meet it: rounded to up to four decimals, up or down."""
    raw = list(numbers_of(msgspec.to_builtins(facts)))
    raw += [facts.first_day.isocalendar().week, facts.first_day.day, facts.last_day.day, facts.last_day.year]
    raw += [facts.first_day.year, *([p.day.day for p in facts.chart.points] if facts.chart else [])]
    raw += [p.day.year for p in facts.chart.points] if facts.chart else []
    raw += [day.day for day in days_of(facts)]
    printed = set()
    for number in raw:
        exact = Decimal(str(round(number, 9)))
        for decimals in range(5):
            unit = Decimal(1).scaleb(-decimals)
            printed |= {exact.quantize(unit, rounding=r) for r in ("ROUND_FLOOR", "ROUND_CEILING", "ROUND_HALF_EVEN")}
    return printed


def days_of(facts: Facts) -> list[dt.date]:
    """Days that a sentence names."""
    asked = [facts.ask.by, *([facts.ask.day] if facts.ask.day else [])] if facts.ask else []
    zone = ZoneInfo(facts.time_zone)
    return [
        *asked,
        *(plan.day for plan in facts.planned if not isinstance(plan, str)),
        *(each.first_day for each in facts.corrections),
        *(post.published_at.astimezone(zone).date() for post in facts.posts),
        *(day for goal in facts.goals for day in (goal.starts, goal.ends)),
    ]


def numbers_of(value):
    match value:
        case dict():
            for item in value.values():
                yield from numbers_of(item)
        case list() | tuple():
            for item in value:
                yield from numbers_of(item)
        case int() | float():
            yield value
        case str() if not re.match(r"\d{4}-\d\d-\d\d", value):
            yield from (float(n.replace(",", "")) for n in NUMBER.findall(value))


@settings(max_examples=40)
@given(any_facts())
def test_every_number_of_a_sentence_is_a_number_of_the_facts(facts):
    known = numbers_in(facts)
    for sentence in told(facts):
        for number in NUMBER.findall(sentence):
            assert Decimal(number.replace(",", "")) in known, (number, sentence)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_number_of_a_sample_is_a_number_of_its_facts(sample):
    facts = sample()
    known = numbers_in(facts)
    assert all(Decimal(n.replace(",", "")) in known for sentence in told(facts) for n in NUMBER.findall(sentence))


@settings(max_examples=40)
@given(any_facts())
def test_three_sentences_are_three(facts):
    plain = {  # strangers may write full stops
        "figures": tuple(replace(figure, label="Figure") for figure in facts.figures),
        "posts": tuple(replace(post, platform="Bluesky") for post in facts.posts),
        "campaigns": tuple(replace(campaign, name="Rye") for campaign in facts.campaigns),
    }
    for sentence in narrate.three_sentences(replace(facts, **plain)):
        assert re.findall(r"[.!?]+(?=\s|$)", sentence) == ["."], sentence


@pytest.mark.parametrize(
    "name", ["Al", "Hollow Oak Bakery", "The Worshipful Company of Bakers and Millers " * 3, "👩‍🍳" * 60]
)
def test_subject_says_the_finding_before_the_name(name):
    for sample in SAMPLES.values():
        subject = narrate.subject(replace(sample(), client_name=name))
        assert len(subject) <= 50
        assert not subject.startswith(name[:5])


def test_two_good_weeks_have_two_subjects():
    """Mail programs put mails with one subject into one thread."""
    facts = good_week()
    assert narrate.subject(facts) == "Website visits above usual: Hollow Oak Bakery, W46"
    assert narrate.subject(replace(facts, client_name="Rye & Co")) == "Website visits above usual: Rye & Co, week 46"
    later = replace(facts, first_day=facts.first_day + dt.timedelta(days=7))
    assert narrate.subject(later) != narrate.subject(facts)


def test_ordinary_posts_are_not_said_to_have_been_cared_about():
    assert "POSTS PEOPLE CARED ABOUT" in render(good_week()).text
    ordinary = tuple(replace(post, lift=None) for post in good_week().posts)
    assert "YOUR POSTS THIS WEEK" in render(replace(good_week(), posts=ordinary)).text


@pytest.mark.parametrize(
    ("visits", "untagged", "share"), [(200, 1, "under 1%"), (1000, 3, "under 1%"), (64, 0, "0%"), (100, 1, "1%")]
)
def test_a_share_of_one_is_not_none(visits, untagged, share):
    line = narrate_campaigns.untagged_line(replace(good_week(), untagged=Untagged(visits=visits, untagged=untagged)))
    assert f"{untagged} ({share}) came by links without tags" in line


def test_good_week_names_what_was_good_and_does_not_hide_what_was_not():
    assert narrate.verdict_line(good_week()) == "A good week: website visits and visits from social above usual"
    happened, why, needed = narrate.three_sentences(good_week())
    assert happened == "Website visits came to 127 (usually 79–104); times passed on came to 3 so far (usually 5–11)."
    assert why == "We think the campaign “Walnut winter” helped: it brought 40 visits."
    assert needed == "We have one wish: see “Coming up”."
    assert narrate.three_sentences(replace(good_week(), ask=None))[2] == "We need nothing from you this week."


def test_a_week_is_not_called_good_without_a_figure_above_its_range():
    facts = replace(normal_week(), grade="good")
    assert narrate.verdict_line(facts).startswith("A normal week")
    assert narrate.subject(facts).startswith("A normal week")


def test_first_weeks_do_not_pretend_to_know_what_is_usual():
    new = tuple(replace(f, usual=None, word="no usual week yet") for f in figures())
    facts = replace(normal_week(), figures=new)
    assert narrate.verdict_line(facts) == "An early week: we are still learning what is usual for you"
    assert "there is no usual week yet" in narrate.three_sentences(facts)[0]


def test_no_reason_is_given_that_the_facts_do_not_carry():
    visits = replace(figures()[0], value=200)  # without the campaign's 40 it would still be above 104.2
    facts = replace(good_week(), figures=(visits,))
    assert narrate.three_sentences(facts)[1] == "We see no single reason; one week tells little."


def test_a_post_is_a_reason_only_for_what_posts_do_and_only_when_it_stood_out():
    reactions = replace(figures()[3], value=16.0, word="above")
    facts = replace(good_week(), figures=(reactions,))
    assert narrate.three_sentences(facts)[1] == (
        "We think one post on Bluesky helped: 34 reactions, about 3.1 times the usual."
    )
    doubtful = Lift(times=3.062, low=1.04, high=8.1, coverage=0.8)
    for lift in (replace(doubtful, times=1.9, low=1.4), doubtful, None):
        posts = tuple(replace(post, lift=lift) for post in facts.posts)
        assert "We think" not in narrate.three_sentences(replace(facts, posts=posts))[1]


def test_a_post_is_no_reason_for_what_would_be_above_without_it():
    """The best post drew 34 reactions, of them 5 replies and 1 repost."""
    _, _, _, reactions, replies, passed_on = figures()
    for figure, explained, too_much in ((reactions, 16.0, 20.0), (replies, 18.0, 19.0), (passed_on, 12.0, 13.0)):
        for value, is_reason in ((explained, True), (too_much, False)):
            facts = replace(good_week(), figures=(replace(figure, value=value, word="above"),))
            assert ("one post on Bluesky" in narrate.three_sentences(facts)[1]) == is_reason, (figure.id, value)


@pytest.mark.parametrize(
    ("lift", "standing"),
    [
        ((2.04, 1.44, 2.81), "About twice what is usual there (1.4 to 2.9 times)."),
        ((3.0, 1.1, 8.0), "About 3 times what is usual there (1.1 to 8 times)."),
        ((12.34, 10.0, 15.02), "About 12.3 times what is usual there (10 to 15.1 times)."),
        # The range is rounded outwards, and what is printed decides: "1 to 2.9 times" may be an ordinary post.
        ((2.04, 1.09, 2.81), "Too early to say whether that is more than usual."),
        ((1.2, 0.7, 2.81), "Too early to say whether that is more than usual."),
        (None, "Too early to say whether that is more than usual."),
    ],
)
def test_a_post_stands_out_only_where_chance_does_not_explain_it(lift, standing):
    times = lift and Lift(times=lift[0], low=lift[1], high=lift[2], coverage=0.8)
    facts = replace(good_week(), posts=(replace(good_week().posts[0], lift=times),))
    assert narrate_posts.post_lines(facts, facts.posts[0])[1] == standing
    assert ("too early to judge" in narrate_posts.post_brief(facts, facts.posts[0])) == standing.startswith("Too early")
    footnote = any("“The usual” of a post" in line for line in narrate_sources.provenance(facts))
    assert footnote == standing.startswith("About")


def test_fewer_posts_that_earned_more_are_told_where_the_figure_bears_it_out():
    above = replace(figures()[3], value=20.0, word="above", so_far=False)
    facts = replace(normal_week(), figures=(above,), posting=Posting(posts=3, usual_posts=5, fewer_earned_more=True))
    assert narrate.three_sentences(facts)[:2] == (
        "Reactions per post came to 20.0 (usually 8.2–14.8).",
        "Fewer posts earned more: 3 this week, usually 5.",
    )
    not_so = replace(facts.posting, fewer_earned_more=False)
    for other in (replace(facts, figures=(figures()[3],)), replace(facts, posting=not_so)):
        assert "Fewer posts" not in narrate.three_sentences(other)[1]


@pytest.mark.parametrize(
    ("posting", "shown"),
    [
        (Posting(posts=1, usual_posts=5), "from 1 post, usually 5"),
        (Posting(posts=9, usual_posts=7.5), "from 9 posts, usually 7.5"),
        (Posting(posts=9, usual_posts=None), "from 9 posts"),
        (None, ""),
    ],
)
def test_how_much_was_posted_stands_beside_what_each_post_earned(posting, shown):
    facts = replace(good_week(), posting=posting)
    lines = [narrate.figure_line(facts, figure) for figure in facts.figures]
    assert [line.posts for line in lines] == ["", "", "", shown, "", ""]
    assert shown in narrate_sources.meanings(facts)[3]


def test_a_number_below_its_range_is_never_explained():
    low = replace(figures()[0], value=60, word="below")
    facts = replace(good_week(), grade="normal", figures=(low,))
    assert "We think" not in " ".join(narrate.three_sentences(facts))


def test_missing_data_is_named_and_asks_for_help():
    facts = broken_week()
    assert narrate.verdict_line(facts) == "This week needs you: Website data is missing"
    assert narrate.three_sentences(facts)[1] == "Data is missing, so we draw no conclusions."
    assert narrate.three_sentences(facts)[2].startswith("Please reply to this mail")
    assert narrate.data_line(facts) == "Website data is missing; all else has been read."


DAYS = tuple(MONDAY + dt.timedelta(days=day) for day in range(7))


@pytest.mark.parametrize(
    ("colour", "flaws", "line", "told"),
    [
        ("green", {}, "All data for this week is complete.", "(complete): all seven days have been read"),
        ("green", {"early": DAYS[-1:]}, "All data there is has been read; some numbers may still rise.",
         "(so far): may still rise: Sun 15 Nov"),
        ("amber", {"late": DAYS[:1]}, "Bluesky data is not whole yet; all else has been read.",
         "(incomplete): late or not whole: Mon 9 Nov"),
        ("amber", {"held": DAYS}, "Bluesky data has gaps or looks unusual; all else has been read.",
         "(incomplete): some numbers cannot be right and are left out: all seven days"),
        ("amber", {"unlike": DAYS[:2]}, "Bluesky data has gaps or looks unusual; all else has been read.",
         "(incomplete): unlike earlier weeks, and told as it is: Mon 9 Nov and Tue 10 Nov"),
        ("amber", {"not_given": ("Likes", "Reach"), "early": DAYS[-1:]},
         "Bluesky data has gaps or looks unusual; all else has been read.",
         "(incomplete): may still rise: Sun 15 Nov; not given by the platform: Likes and Reach"),
    ],
)  # fmt: skip
def test_why_data_is_not_whole_is_said(colour, flaws, line, told):
    source = SourceFact(source="bluesky", title="Bluesky", colour=colour, line="for the agency", **flaws)
    figures = tuple(replace(figure, so_far=False) for figure in good_week().figures)
    facts = replace(good_week(), colour=colour, sources=(source,), figures=figures)
    assert narrate.data_line(facts) == line
    assert narrate_sources.source_line(facts, source).replace("\u00a0", " ") == f"Bluesky {told}."


def test_data_is_not_complete_while_a_figure_may_rise():
    figures = tuple(replace(figure, so_far=True) for figure in good_week().figures)
    source = SourceFact(source="bluesky", title="Bluesky", colour="green", line="")
    facts = replace(good_week(), sources=(source,), figures=figures)
    assert narrate.data_line(facts) == "All data there is has been read; some numbers may still rise."


def test_an_empty_week_is_told_kindly_and_without_numbers():
    facts = empty_week()
    assert narrate.verdict_line(facts) == "A quiet week: nothing was posted"
    assert not NUMBER.search(" ".join(narrate.three_sentences(facts)))
    assert narrate.conversation_lines(facts, facts.conversation) == []


def test_one_is_singular():
    facts = good_week()
    assert narrate.conversation_lines(facts, Conversation(received=1, written=2)) == [
        "People wrote 1 reply.",
        "In your name 2 replies were written.",
    ]
    post = replace(facts.posts[0], reactions=1, replies=0, reposts=1)
    assert narrate_posts.post_lines(facts, post)[0] == "1 reaction, of them 0 replies, 1 repost"
    post = replace(post, replies=1, reposts=0, shares=1)
    assert narrate_posts.post_lines(facts, post)[0] == "1 reaction, of them 1 reply, 0 reposts; shared 1 time"
    campaign = replace(facts.campaigns[0], posts=1, visits=1)
    assert narrate_campaigns.campaign_line(facts, campaign).endswith("This week: 1 post, 1 visit.")


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ({"replies": 5}, "125 reactions, of them 5 replies"),
        ({"reposts": 5}, "125 reactions, of them 5 reposts"),
        ({"shares": 85}, "125 reactions; shared 85 times"),
        ({}, "125 reactions"),
    ],
)
def test_what_a_platform_does_not_report_of_a_post_is_left_out(reported: dict[str, int], said: str) -> None:
    facts = good_week()
    post = replace(facts.posts[0], **{"reactions": 125, "replies": None, "reposts": None} | reported)
    assert narrate_posts.post_lines(facts, post)[0] == said


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (
            Answers(received=9, answered=7, half_within=1.717),
            "7 of 9 new conversations got an answer, half within 2 office hours.",
        ),
        (
            Answers(received=9, answered=9, half_within=0.0),
            "9 of 9 new conversations got an answer, half within an office hour.",
        ),
        (Answers(received=9, answered=2, half_within=None), "2 of 9 new conversations got an answer."),
        (Answers(received=1, answered=1, half_within=None), "1 of 1 new conversation got an answer."),
    ],
)
def test_how_people_were_answered_is_one_plain_sentence(answers, shown):
    *_, line = narrate.conversation_lines(good_week(), Conversation(received=12, written=9, answers=answers))
    assert line == f"In your name {shown}"


def test_answers_that_a_platform_does_not_tell_of_may_be_there():
    answers = Answers(received=9, answered=7, half_within=None)
    for known, shown in ((answers, "at least 7 of 9"), (replace(answers, answered=9), "9 of 9")):
        talked = Conversation(received=12, written=9, written_at_least=True, answers=known)
        assert (
            f"In your name {shown} new conversations got an answer"
            in narrate.conversation_lines(good_week(), talked)[-1]
        )


def test_at_least_none_says_nothing():
    answers = Answers(received=2, answered=0, half_within=None)
    silent = Conversation(received=2, written=0, written_at_least=True, answers=answers)
    assert narrate.conversation_lines(good_week(), silent) == [
        "People wrote 2 replies.",
        "How many replies were written in your name is not reported.",
    ]
    seen = replace(silent, written_at_least=False)
    assert narrate.conversation_lines(good_week(), seen)[-1] == "In your name 0 of 2 new conversations got an answer."


def test_one_side_of_a_conversation_may_be_unknown():
    lines = narrate.conversation_lines(good_week(), Conversation(received=None, written=3))
    assert lines == ["How many replies people wrote is not reported.", "In your name 3 replies were written."]


@pytest.mark.parametrize(
    ("value", "decimals", "low", "high", "word", "shown"),
    [
        (63, 0, 40.2, 62.6, "above", "63 usually 41–62"),  # not "63, above 41–63"
        (63, 0, 40.2, 63.000000000001, "inside", "63 usually 41–63"),
        (5, 0, 5.3, 9.0, "below", "5 usually 6–9"),
        (11.54, 1, 6.0, 11.52, "above", "11.54 usually 6.00–11.52"),  # one more digit, or it would read 11.5 of 11.5
        (4.5, 0, 4.2, 4.8, "inside", "4 usually 4–5"),
        (0, 0, 0.0, 0.0, "inside", "0 usually 0"),
        (1284, 0, 900.0, 1500.0, "inside", "1,284 usually 900–1,500"),
    ],
)
def test_printed_numbers_agree_with_the_word(value, decimals, low, high, word, shown):
    figure = replace(figures()[0], value=value, decimals=decimals, usual=usual(low, high), word=word)
    line = narrate.figure_line(good_week(), figure)
    assert f"{line.value} {line.usual}" == shown


def test_numbers_follow_the_locale_and_month_names_the_language():
    facts = replace(good_week(), locale="hu_HU")  # there is no Hungarian catalogue
    line = narrate.figure_line(facts, facts.figures[3])
    assert (line.number, line.usual) == ("13,4", "usually 8,2–14,8")
    assert narrate_campaigns.campaign_line(facts, facts.campaigns[0]).startswith("2–29 November 2026")
    assert "Thu 12 Nov" in narrate_posts.post_where(facts, facts.posts[0])


def test_a_day_without_a_number_is_not_a_zero():
    chart = good_week().chart
    points = (*chart.points[:-1], replace(chart.points[-1], value=None))
    alt = narrate.chart_alt(good_week(), replace(chart, points=points))
    assert "Sun not reported. The days before, the oldest first: 11, 9, 12, 14, 15, 21, 8, not reported, " in alt


def test_days_are_the_clients_days():
    late = replace(good_week().posts[0], published_at=good_week().posts[0].published_at.replace(hour=23, minute=30))
    assert "Fri 13 Nov" in narrate_posts.post_where(good_week(), late)


def test_a_correction_says_so():
    assert any(
        "corrects" in line for line in narrate_sources.provenance(replace(good_week(), revision=2, corrects=True))
    )
    assert not any("corrects" in line for line in narrate_sources.provenance(good_week()))
