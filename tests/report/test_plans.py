"""What is coming up is told from the day on which the report is sent, and nothing that is over is asked for."""

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine
from test_compose_over_time import DAY, WEEK, Past, campaign, client

from facts_samples import good_week
from widerview.agency.models import ReportPlan
from widerview.measures.weeks import Week
from widerview.report.facts import Ask, Plan
from widerview.report.plans import planned, sent_on
from widerview.report.render import render

WEDNESDAY = dt.date(2026, 11, 18)


def asset(name: str, day: str) -> dict[str, Any]:
    return {"kind": "event", "name": name, "starts": day, "ends": day}


def test_nothing_that_is_over_is_coming_up(engine: Engine) -> None:
    over = campaign("2026-11-16", "2026-11-17")
    runs = campaign("2026-11-01", "2026-11-20", key="rye", name="Rye", assets=[asset("Tasting", "2026-11-18")])
    facts = Past().facts(engine, client(campaigns=[over, runs]), after=2 * DAY + dt.timedelta(hours=9))
    assert facts.planned == (
        Plan(what="asset", name="Tasting", day=WEDNESDAY),
        Plan(what="ends", name="Rye", day=dt.date(2026, 11, 20)),
    )
    text = " ".join(render(facts).text.split())
    assert "COMING UP" in text
    assert "Winter bread” starts" not in text
    assert "Winter bread” ends" not in text


@pytest.mark.parametrize(
    ("report", "last"),
    [({}, "2026-11-24"), ({"cadence": "fortnightly", "starting": "2026-11-18"}, "2026-12-01"),
     ({"cadence": "monthly"}, "2026-12-01"), ({"weekday": "friday"}, "2026-11-26")],
)  # fmt: skip
def test_plans_reach_to_the_day_before_the_next_report(report: dict[str, Any], last: str) -> None:
    until = dt.date.fromisoformat(last)
    days = [until + count * DAY for count in (0, 1)]
    of = client(campaigns=[campaign("2026-01-01", "2026-12-31", assets=[asset(str(d), str(d)) for d in days])],
                report=report)  # fmt: skip
    sent = sent_on(of, WEEK, dt.datetime(2026, 11, 17, 7, tzinfo=dt.UTC))
    assert [plan.name for plan in planned(of, sent) if plan.what == "asset"] == [str(until)]
    assert [plan.what for plan in planned(of, sent)][-1] == "goes on"


def test_a_report_made_late_is_sent_late() -> None:
    assert sent_on(client(), WEEK, dt.datetime(2026, 11, 17, 7, tzinfo=dt.UTC)) == WEDNESDAY
    assert sent_on(client(), WEEK, dt.datetime(2026, 11, 20, 7, tzinfo=dt.UTC)) == dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("approved", "asked"),
    [
        ("2026-11-24", "Please send us pictures by Fri 27 Nov: “Advent” starts on Mon 30 Nov."),
        ("2026-11-27", None),  # they would come on the day it starts
    ],
)
def test_late_approval_asks_for_nothing_that_is_over(approved: str, asked: str | None) -> None:
    at = dt.datetime.fromisoformat(f"{approved}T08:00:00+00:00")
    text = " ".join(render(replace(good_week(), approved_at=at)).text.split())
    assert ("send us pictures" in text) == bool(asked)
    assert asked is None or asked in text
    assert ("one wish" in text) == bool(asked)
    assert "Baking class” on Sat 21 Nov" not in text
    assert "“Walnut winter” goes on until Sun 29 Nov" in text


def test_what_is_asked_late_is_asked_until_a_day_that_can_be_kept() -> None:
    waiting = Ask(what="answers", by=dt.date(2026, 11, 19), waiting=2)
    thursday = dt.datetime(2026, 11, 19, 8, tzinfo=dt.UTC)
    text = " ".join(render(replace(good_week(), ask=waiting, approved_at=thursday)).text.split())
    assert "Please answer the 2 people who still wait, by Mon 23 Nov." in text


def years_shown(plan: ReportPlan, year: int) -> int:
    days = [dt.date(year, 1, 1) + count * DAY for count in range(365)]
    return sum(plan.is_due(day) and plan.shows_year(day) for day in days if day.weekday() == 2)


@pytest.mark.parametrize(
    ("plan", "most"),
    [({}, 13), ({"cadence": "fortnightly"}, 13), ({"cadence": "fortnightly", "starting": "2026-11-18"}, 13),
     ({"cadence": "fortnightly", "starting": "2026-11-25"}, 13), ({"cadence": "monthly"}, 4)],
)  # fmt: skip
def test_every_client_sees_its_year_each_year(plan: dict[str, Any], most: int) -> None:
    """2026 has 53 ISO weeks, so whoever counts by their numbers is one off from 2027 on."""
    for year in (2026, 2027, 2028, 2032):
        assert most - 1 <= years_shown(ReportPlan.model_validate(plan), year) <= most + 1


def test_a_weekly_client_sees_it_every_fourth_week_across_the_end_of_a_year() -> None:
    weeks = [Week.parse("2026-W44").shift(count) for count in range(0, 60)]
    shown = [week for week in weeks if ReportPlan().shows_year(week.shift(1).monday)]
    assert [(b.monday - a.monday).days for a, b in pairwise(shown)] == [28] * (len(shown) - 1)
    assert str(shown[0]) == "2026-W44"
