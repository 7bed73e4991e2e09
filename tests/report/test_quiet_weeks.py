"""A week without posts is told shortly and kindly, and only where it is known that there were none."""

import re
from typing import Any

import pytest
from sqlalchemy import Engine
from test_compose_over_time import DAY, WEEK, Past, client

from mail_words import words_in_html, words_in_text
from widerview.pipeline import weekly
from widerview.report import narrate
from widerview.report.facts import Facts
from widerview.report.render import render, strikeable

APPENDIX = "Where the numbers come from"
INSTAGRAM = {"platform": "instagram", "handle": "178", "connection": "meta"}
BLUESKY = {"platform": "bluesky", "handle": "harbour.example"}


def silent() -> Past:
    """A past with posts in all weeks but the last."""
    past = Past()
    past.likes = {day: likes for day, likes in past.likes.items() if day not in WEEK.days}
    return past


def composed(engine: Engine, past: Past, loaded: dict[str, Any], **file: Any) -> Facts:
    """The report to a client some of whose accounts have been read."""
    past.facts(engine, client(**loaded))
    return weekly.compose_facts(engine, client(**file), WEEK, WEEK.bounds(client().zone)[1] + 4 * DAY)


def test_a_week_without_posts_is_a_short_kind_mail(engine: Engine) -> None:
    facts = silent().facts(engine, client())
    rendered = render(facts)
    assert facts.grade == "quiet"
    assert narrate.verdict_line(facts) == "A quiet week: nothing was posted"
    happened, why, needed = narrate.three_sentences(facts)
    assert happened == "Nothing was posted this week; all else was as usual."
    assert why == "A pause is part of any year."
    assert needed == "We need nothing from you this week."
    assert [figure.id for figure in facts.figures] == ["visits", "social_visits"], "no posts earn nothing"
    for words in (rendered.preheader, rendered.html, rendered.text, *strikeable(facts)):
        assert not re.search("passed on|repl(y|ies) (received|wrote)|wrote 0|per post", words)
    assert words_in_html(rendered, APPENDIX) < 200
    assert words_in_text(rendered, APPENDIX) < 200


def test_without_a_website_it_is_a_few_lines(engine: Engine) -> None:
    facts = silent().facts(engine, client(web=[]))
    assert (facts.figures, facts.chart) == ((), None)
    rendered = render(facts)
    assert narrate.three_sentences(facts)[0] == "Nothing was posted this week."
    assert words_in_text(rendered, APPENDIX) < 130
    assert rendered.preheader == "Your week of 9–15 November 2026, in one minute"


def test_what_left_its_range_is_told_in_such_a_week_too(engine: Engine) -> None:
    past = silent()
    past.visits |= {day: past.visits[day] * 2 for day in WEEK.days}
    facts = past.facts(engine, client())
    assert narrate.three_sentences(facts)[0].startswith("Nothing was posted this week; website visits came to 1,")


@pytest.mark.parametrize("posted", [True, False])
def test_nobody_says_so_of_an_account_that_was_not_read(engine: Engine, posted: bool) -> None:
    past = Past() if posted else silent()
    facts = composed(engine, past, {}, accounts=[BLUESKY, INSTAGRAM])
    assert [source.left_out for source in facts.sources if source.source == "instagram"] == [True]
    assert "othing was posted" not in render(facts).text
    assert "A pause" not in render(facts).text
    assert facts.grade != "quiet" or any(figure.word == "below" for figure in facts.figures)


def test_nobody_says_so_of_a_week_that_was_not_read(engine: Engine) -> None:
    facts = composed(engine, silent(), {"accounts": []}, accounts=[BLUESKY])
    assert facts.grade == "needs you"
    assert "othing was posted" not in render(facts).text


def test_nobody_says_so_of_a_client_without_accounts(engine: Engine) -> None:
    facts = silent().facts(engine, client(accounts=[]))
    assert not facts.nothing_posted
    assert "othing was posted" not in render(facts).text
