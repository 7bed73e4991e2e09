"""One thing is asked of the client: what only they can give, and until a day they can keep."""

import datetime as dt
from typing import Any

import pytest

from otter_bakery import client
from widerview.agency.models import Client
from widerview.measures.weeks import Week
from widerview.report.ask import ask_of
from widerview.report.facts import Answers, Ask, CampaignFact, CampaignRow, Conversation

WEEK = Week.parse("2026-W46")
SENT = dt.date(2026, 11, 17)  # a Tuesday
QUIET = Conversation(received=0, written=0)


def campaign(starts: str, ends: str, **changed: Any) -> dict[str, Any]:
    return {"key": "rye", "name": "Rye", "goal": "More rye", "starts": starts, "ends": ends} | changed


def party() -> Client:
    event = {"kind": "event", "name": "Opening party", "starts": "2026-11-14", "ends": "2026-11-14"}
    return client(campaigns=[campaign("2026-11-01", "2026-11-29", assets=[event])])


def counted(heads: float | None) -> tuple[CampaignFact, ...]:
    row = CampaignRow(group="offline", metric="attendance", of="Opening party", week=heads, so_far=heads)
    day = dt.date(2026, 11, 1)
    return (CampaignFact(key="rye", name="Rye", goal="", starts=day, ends=day, posts=0, visits=None, rows=(row,)),)


def test_the_heads_of_an_event_are_asked_for_until_somebody_has_told_them() -> None:
    asked = ask_of(party(), WEEK, SENT, counted(None), QUIET)
    assert asked == Ask(what="head count", by=dt.date(2026, 11, 19), name="Opening party", day=dt.date(2026, 11, 14))
    assert ask_of(party(), WEEK, SENT, counted(71), QUIET) is None
    assert ask_of(party(), WEEK, SENT, (), QUIET) is None, "nobody could tell: there is no drop folder"
    assert ask_of(party(), WEEK.shift(1), SENT, counted(None), QUIET) is None, "it was in another week"


def test_people_who_wait_are_answered_by_a_working_day() -> None:
    waiting = Conversation(received=9, written=7, answers=Answers(received=9, answered=7, half_within=None))
    thursday = SENT + dt.timedelta(days=2)
    asked = ask_of(client(), WEEK, thursday, (), waiting)
    assert asked == Ask(what="answers", by=dt.date(2026, 11, 23), waiting=2), "Saturday and Sunday are free"
    open_ended = Conversation(received=9, written=7, written_at_least=True, answers=waiting.answers)
    assert ask_of(client(), WEEK, SENT, (), open_ended) is None, "they may have been answered"


@pytest.mark.parametrize(
    ("starts", "by"),
    [
        ("2026-11-30", "2026-11-27"),
        ("2026-11-22", "2026-11-19"),
        ("2026-11-21", None),  # there is no time left
        ("2026-12-08", "2026-12-05"),
        ("2026-12-09", None),  # that is far away
        ("2026-11-16", None),  # it runs
    ],
)
def test_pictures_are_asked_for_while_there_is_time(starts: str, by: str | None) -> None:
    asked = ask_of(client(campaigns=[campaign(starts, "2026-12-24")]), WEEK, SENT, (), QUIET)
    assert (asked and asked.by.isoformat()) == by
    if asked:
        assert (asked.what, asked.name, asked.day) == ("pictures", "Rye", dt.date.fromisoformat(starts))


def test_nothing_is_asked_where_there_is_nothing() -> None:
    assert ask_of(client(), WEEK, SENT, (), QUIET) is None
