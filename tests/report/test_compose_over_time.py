"""What takes days and months to see, on a real warehouse: said where it is so, and not where it is not."""

import datetime as dt
import statistics
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from widerview.agency.models import Client
from widerview.measures.changes import lasting_changes
from widerview.measures.goals import growth
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, observed, origins, weekly
from widerview.quality.verdict import DayVerdict
from widerview.report import narrate_rates, narrate_time
from widerview.report.facts import DayNote, Facts, FirstTouch, RateFact
from widerview.report.rates import sides_of
from widerview.report.render import render
from widerview.sources.base import AccountRow, DayRow, PostRow, Row, Window
from widerview.sources.registry import SOURCES
from widerview.vocabulary.dictionaries import load_dictionary
from widerview.warehouse.database import client_snapshot
from widerview.warehouse.load import load_pull
from widerview.warehouse.migrate import migrate

WEEK = Week.parse("2026-W46")
FOURTH = Week.parse("2026-W48")
DAY = dt.timedelta(days=1)
HOURS = {day: {"opens": "09:00", "closes": "17:00"} for day in ("monday", "tuesday", "wednesday")}


def client(**changed: Any) -> Client:
    """A bakery on Bluesky and Instagram with a website."""
    file: dict[str, Any] = {
        "client": "quiet-harbour",
        "name": "Quiet Harbour",
        "time_zone": "UTC",
        "office_hours": HOURS,
        "reviewers": ["reviewer"],
        "sender": {
            "name": "Priya Nair",
            "email": "priya@lanternlane.example",
            "agency": "Lantern Lane",
            "postal_address": "7 Lantern Lane",
        },
        "recipients": [{"name": "Anna Quay", "email": "anna@harbour.example"}],
        "accounts": [{"platform": "bluesky", "handle": "harbour.example"}],
        "web": [{"platform": "matomo", "site_id": "7", "connection": "matomo", "url": "https://harbour.example"}],
    }
    return Client.model_validate(file | changed)


def campaign(starts: str, ends: str, **more: Any) -> dict[str, Any]:
    return {"key": "winter-bread", "name": "Winter bread", "goal": "Orders", "starts": starts, "ends": ends} | more


class Past:
    """A past that a test makes up: visits of each day, and posts with their likes."""

    def __init__(self, weeks: int = 14, last: Week = WEEK, visits: float = 100.0, likes: int = 20) -> None:
        self.last, self.days = last, [day for ago in range(weeks - 1, -1, -1) for day in last.shift(-ago).days]
        chance = np.random.default_rng(11)
        self.visits = {day: float(chance.poisson(visits * (1.4 if day.weekday() > 4 else 1.0))) for day in self.days}
        self.campaign_visits: dict[dt.date, float] = {}
        self.conversions: dict[str, dict[dt.date, float]] = {}
        self.likes = {day: int(chance.poisson(likes)) for day in self.days if day.weekday() % 2 == 0}
        self.insights: dict[dt.date, dict[str, int]] = {}
        self.goals_reached: dict[dt.date, float] = {}
        self.totals: dict[tuple[str, str, str], dict[dt.date, float]] = {}

    def facts(self, engine: Engine, of: Client, *, after: dt.timedelta = 4 * DAY) -> Facts:
        """Load it all at once, and compose the report on the last week so long after its end."""
        migrate(engine)
        at = self.last.bounds(of.zone)[1] + after
        for source in dict.fromkeys([each.platform for each in (*of.accounts, *of.web)]):
            [target] = ingest.targets(of, source)
            verdicts = [
                DayVerdict(client_id=of.client, source=source, ref=target.ref, day=day, colour="green")
                for day in self.last.days
            ]
            load_pull(
                engine, load_id=source, target=target, window=Window(self.days[0], self.days[-1]), started_at=at,
                ended_at=at, recorded_at=at, digest=source.encode(), rows=list(self._rows(source, at)),
                verdicts=verdicts,
            )  # fmt: skip
        return weekly.compose_facts(engine, of, self.last, at)

    def _rows(self, source: str, at: dt.datetime) -> list[Row]:
        said: dict[str, Any] = {
            "client_id": "quiet-harbour", "source": source, "observed_at": at, "receipt": "00" * 32
        }  # fmt: skip
        rows: list[Row] = []

        def days(entity: str, entity_id: str, metric: str, values: Mapping[dt.date, float], **split: str) -> None:
            where = {"dimension": "total", "member": ""} | split
            rows.extend(
                DayRow(
                    **said, entity=entity, entity_id=entity_id, day=day, zone="UTC", metric=metric, value=value, **where
                )
                for day, value in values.items()
            )

        if source == "matomo":
            days("site", "7", "visits", self.visits)
            days("site", "7", "converted_visits", self.goals_reached)
            days("site", "7", "visits", self.campaign_visits, dimension="campaign", member="winter-bread")
            for dimension, values in self.conversions.items():
                days("site", "7", "conversions", values, dimension=dimension, member="winter-bread")
        if source == "bluesky":
            rows.append(
                AccountRow(**said, account_id="did:1", handle="harbour.example", name="H", url="https://h.example")
            )
            rows.extend(
                PostRow(
                    **said, account_id="did:1", post_id=str(day), kind="text", text=str(day),
                    published_at=dt.datetime.combine(day, dt.time(12), dt.UTC), permalink="https://h.example/p",
                    counts={"likes": likes},
                )
                for day, likes in self.likes.items()
            )  # fmt: skip
        if source == "instagram":
            rows.append(AccountRow(**said, account_id="178", handle="harbour", name="H", url="https://i.example"))
            rows.extend(
                PostRow(
                    **said, account_id="178", post_id=str(day), kind="image", text=str(day),
                    published_at=dt.datetime.combine(day, dt.time(12), dt.UTC), permalink="https://i.example/p",
                    counts=counts,
                )
                for day, counts in self.insights.items()
            )  # fmt: skip
        for (of, entity_id, metric), values in self.totals.items():
            if of == source:
                days("account", entity_id, metric, values)
        return rows


def lines(facts: Facts) -> list[str]:
    return [narrate_time.notable_day(facts, notable) for notable in facts.worth_knowing]


# --- Posts ---------------------------------------------------------------------------------------------------------


def test_what_is_not_reported_of_a_post_is_no_zero(engine: Engine) -> None:
    past = Past()
    facts = past.facts(engine, client())
    assert {(post.replies, post.reposts, post.shares) for post in facts.posts} == {(None, None, None)}
    text = render(facts).text
    assert f"{facts.posts[0].reactions} reactions." in text
    assert "of them" not in text


# --- Worth knowing -------------------------------------------------------------------------------------------------


def test_a_day_that_stands_out_is_told_in_plain_words(engine: Engine) -> None:
    past = Past()
    past.visits[dt.date(2026, 11, 12)] = 310.0
    facts = past.facts(engine, client())
    [line] = lines(facts)
    assert line.startswith("Thu 12 Nov: website visits 310 (usually ")
    assert "Expected" not in line
    [notable] = facts.worth_knowing
    assert notable.low < 100 < notable.high < 310
    assert line in " ".join(render(facts).text.split())


def test_a_quiet_week_has_nothing_worth_knowing(engine: Engine) -> None:
    facts = Past().facts(engine, client())
    assert facts.worth_knowing == ()
    assert "Worth knowing" not in render(facts).html


def test_a_new_client_has_nothing_worth_knowing(engine: Engine) -> None:
    past = Past(weeks=5)
    past.visits[dt.date(2026, 11, 12)] = 900.0
    assert past.facts(engine, client()).worth_knowing == ()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"campaigns": [campaign("2026-11-12", "2026-11-29")]}, "“Winter bread” starts"),
        ({"campaigns": [campaign("2026-11-09", "2026-11-29")]}, "“Winter bread” began on Mon 9 Nov"),
        (
            {
                "campaigns": [
                    campaign(
                        "2026-10-01",
                        "2026-12-29",
                        assets=[{"kind": "event", "name": "Bake-along", "starts": "2026-11-12"}],
                    )
                ]
            },
            "“Bake-along”",
        ),
        ({"holidays": {"also": ["2026-11-12"]}}, "a day off"),
        ({"campaigns": [campaign("2026-10-25", "2026-11-29")]}, "“Winter bread” began on Sun 25 Oct"),
        (
            {"timeline": [{"day": "2026-11-10", "what": "Prices cut by half", "kind": "price_change"}]},
            "“Prices cut by half” on Tue 10 Nov",
        ),
        (
            {"timeline": [{"day": "2026-11-12", "what": "Named in the evening news", "kind": "other"}]},
            "“Named in the evening news”",
        ),
    ],
)
def test_what_was_known_is_expected_and_no_alarm(engine: Engine, known: dict[str, Any], expected: str) -> None:
    past = Past()
    past.visits[dt.date(2026, 11, 12)] = 310.0
    [line] = lines(past.facts(engine, client(**known)))
    assert line.endswith(f"Expected: {expected}.")


def test_a_public_holiday_explains_an_empty_day(engine: Engine) -> None:
    past = Past(last=Week.parse("2026-W19"))
    past.visits[dt.date(2026, 5, 4)] = 12.0
    facts = past.facts(engine, client(holidays={"country": "GB", "subdivision": "ENG"}))
    assert [line.rpartition("Expected: ")[2] for line in lines(facts)] == ["May Day."]


def test_an_outage_explains_a_fall_on_its_day_and_no_rise(engine: Engine) -> None:
    past, outage = Past(), {"day": "2026-11-11", "what": "Website down", "kind": "outage"}
    past.visits |= {dt.date(2026, 11, 11): 4.0, dt.date(2026, 11, 13): 310.0}
    of = client(timeline=[outage, outage | {"day": "2026-11-13"}])
    assert [(each.day.day, each.because and each.because.name) for each in past.facts(engine, of).worth_knowing] == [
        (13, None),
        (11, "Website down"),
    ]


def test_a_campaign_that_ran_all_the_time_explains_nothing(engine: Engine) -> None:
    past = Past()
    past.visits[dt.date(2026, 11, 12)] = 310.0
    [notable] = past.facts(engine, client(campaigns=[campaign("2026-03-01", "2026-12-29")])).worth_knowing
    assert notable.because is None


def test_a_campaign_does_not_explain_a_fall(engine: Engine) -> None:
    past = Past()
    past.visits[dt.date(2026, 11, 11)] = 4.0
    [notable] = past.facts(engine, client(campaigns=[campaign("2026-11-09", "2026-11-29")])).worth_knowing
    assert notable.because is None


def test_what_may_still_come_in_is_no_fall(engine: Engine) -> None:
    past = Past()
    past.visits[WEEK.sunday] = 4.0
    assert past.facts(engine, client(), after=dt.timedelta(hours=30)).worth_knowing == ()


def test_a_boost_is_expected_and_followers_are_not_told(engine: Engine) -> None:
    past = Past()
    boosted = dt.date(2026, 11, 12)
    steady = {day: value + 200 for day, value in past.visits.items()}
    past.totals["instagram", "178", "views"] = steady | {boosted: 2_400.0}
    past.totals["instagram", "178", "paid_views"] = dict.fromkeys(steady, 0.0) | {boosted: 2_000.0}
    past.totals["instagram", "178", "follows"] = dict.fromkeys(steady, 3.0) | {boosted: 90.0}
    instagram = {"platform": "instagram", "handle": "178", "connection": "meta"}
    [line] = lines(past.facts(engine, client(accounts=[instagram])))
    assert line.startswith("Thu 12 Nov: views on Instagram 2,400 ")
    assert line.endswith("Expected: paid promotion on Instagram.")


def test_three_lines_at_most_and_alarms_first(engine: Engine) -> None:
    past = Past()
    past.visits |= {dt.date(2026, 11, 10): 2.0, dt.date(2026, 11, 12): 400.0}
    steady = {day: value + 200 for day, value in past.visits.items() if value} | {dt.date(2026, 11, 11): 290.0}
    steady |= {dt.date(2026, 11, 10): 310.0, dt.date(2026, 11, 12): 305.0}
    past.totals["instagram", "178", "views"] = steady | {dt.date(2026, 11, 11): 4_000.0, dt.date(2026, 11, 13): 3.0}
    instagram = {"platform": "instagram", "handle": "178", "connection": "meta"}
    found = past.facts(engine, client(accounts=[instagram], campaigns=[campaign("2026-11-09", "2026-11-29")]))
    assert len(found.worth_knowing) == 3
    assert [notable.because is None for notable in found.worth_knowing] == [True, True, False]


def test_shares_are_passed_on_where_a_platform_has_no_reposts(engine: Engine) -> None:
    past = Past()
    past.insights = {day: {"likes": 9, "shares": 4} for day in past.days[::2]}
    facts = past.facts(engine, client(accounts=[INSTAGRAM]))
    [passed_on] = [figure for figure in facts.figures if figure.id == "passed_on"]
    assert (passed_on.value, passed_on.definition) == (
        4.0 * sum(day in WEEK.days for day in past.insights),
        "passed_on@2",
    )
    assert {post.shares for post in facts.posts} == {4}


# --- Rates ---------------------------------------------------------------------------------------------------------

INSTAGRAM = {"platform": "instagram", "handle": "178", "connection": "meta"}


def with_insights(engaged: float = 0.05) -> Past:
    """A past with a post on Instagram every other day; in its last week they engage as they are asked to."""
    past, chance = Past(), np.random.default_rng(6)
    for day in past.days[::2]:
        reach = int(chance.integers(400, 1_600))
        share = engaged if day in WEEK.days else 0.05
        engagements = int(chance.poisson(reach * share * chance.gamma(10.0, 0.1)))
        past.insights[day] = {"reach": reach, "likes": engagements, "engagements": engagements, "bookmarks": 3}
    past.goals_reached = {day: float(chance.binomial(int(visits), 0.04)) for day, visits in past.visits.items()}
    return past


def rates(facts: Facts) -> dict[str, RateFact]:
    return {rate.metric: rate for rate in facts.rates}


def test_rates_stand_in_the_appendix_with_their_doubt_and_what_is_usual(engine: Engine) -> None:
    facts = with_insights().facts(engine, client(accounts=[INSTAGRAM]))
    found = rates(facts)
    assert list(found) == ["engagement_rate_by_reach", "save_share", "conversion_rate"]
    for rate, true in (("engagement_rate_by_reach", 5.0), ("conversion_rate", 4.0)):
        assert found[rate].low < true < found[rate].high
        assert found[rate].usual_low < true < found[rate].usual_high
        assert found[rate].low < found[rate].value < found[rate].high
        assert found[rate].word == "inside"
    rendered = render(facts)
    line = narrate_rates.rate_line(facts, facts.rates[0])
    assert line.label == "Instagram: Engagement by reach"
    text = " ".join(rendered.text.split())
    assert f"{line.label}: {line.value} (how sure: {line.range}; usually {line.usual}; ● inside)" in text
    assert all(said in rendered.html for said in (line.label, line.value))
    assert "Website (Matomo): Conversion rate: " in text


@pytest.mark.parametrize(("engaged", "word"), [(0.12, "above"), (0.015, "below")])
def test_a_rate_that_is_another_one_is_told(engine: Engine, engaged: float, word: str) -> None:
    facts = with_insights(engaged).facts(engine, client(accounts=[INSTAGRAM]))
    assert rates(facts)["engagement_rate_by_reach"].word == word
    assert rates(facts)["conversion_rate"].word == "inside"


def test_without_enough_posts_there_is_no_rate(engine: Engine) -> None:
    past = with_insights()
    past.insights = dict(list(past.insights.items())[-8:])
    assert "engagement_rate_by_reach" not in rates(past.facts(engine, client(accounts=[INSTAGRAM])))


def test_a_platform_that_tells_no_denominator_has_no_engagement_rate(engine: Engine) -> None:
    facts = Past().facts(engine, client())
    assert facts.rates == ()
    assert "how sure" not in render(facts).text


@pytest.mark.parametrize(
    ("source", "metric", "sides"),
    [
        ("instagram", "engagement_rate_by_reach", (("engagements",), ("reach",))),
        ("tiktok", "engagement_rate_by_views", (("likes", "replies", "shares", "bookmarks"), ("views",))),
        # Views are organic there, and likes are not told apart.
        ("facebook", "engagement_rate_by_views", None),
        # So are saves on X.
        ("x", "engagement_rate_by_impressions", (("likes", "replies", "reposts", "quotes"), ("impressions",))),
        ("x", "save_share", None),
        ("pinterest", "click_through_rate", (("link_clicks",), ("impressions",))),
        ("mastodon", "engagement_rate_by_views", None),
    ],
)
def test_organic_and_paid_are_not_mixed_in_a_rate(source: str, metric: str, sides: tuple[Any, Any] | None) -> None:
    assert sides_of(source, metric, WEEK.monday) == sides


# --- Lasting changes -----------------------------------------------------------------------------------------------


def changes(facts: Facts) -> dict[str, str]:
    return {f.id: narrate_time.level_change(facts, f.change) for f in facts.figures if f.change}


def test_a_lasting_change_is_told_since_its_week(engine: Engine) -> None:
    past = Past(weeks=30)
    since = dt.date(2026, 10, 5)
    past.visits = {day: value * (2 if day >= since else 1) for day, value in past.visits.items()}
    facts = past.facts(engine, client())
    told = changes(facts)
    assert set(told) == {"visits"}
    assert told["visits"].startswith("a lasting change since 5 October: about ")
    assert told["visits"] in " ".join(render(facts).text.split())


@pytest.mark.parametrize(
    ("day", "kind", "said"),
    [
        (
            "2026-09-25",
            "algorithm_change",
            "a lasting change since 5 October, after “New feed” on 25 September: about ",
        ),
        ("2026-10-07", "algorithm_change", "a lasting change since 5 October, after “New feed” on 7 October: about "),
        ("2026-08-25", "algorithm_change", "a lasting change since 5 October: about "),
        ("2026-10-20", "algorithm_change", "a lasting change since 5 October: about "),
        ("2026-09-25", "other", "a lasting change since 5 October: about "),
    ],
)
def test_a_lasting_change_soon_after_one_of_an_algorithm_names_it(
    engine: Engine, day: str, kind: str, said: str
) -> None:
    past = Past(weeks=30)
    since = dt.date(2026, 10, 5)
    past.likes = {day: likes * (3 if day >= since else 1) for day, likes in past.likes.items()}
    past.visits = {day: value * (3 if day >= since else 1) for day, value in past.visits.items()}
    told = changes(past.facts(engine, client(timeline=[{"day": day, "what": "New feed", "kind": kind}])))
    assert told["reactions_per_post"].startswith(said)
    assert told["visits"].startswith("a lasting change since 5 October: about "), "not of platforms alone"


def test_nothing_is_told_of_a_level_that_lasts(engine: Engine) -> None:
    assert changes(Past(weeks=30).facts(engine, client())) == {}


def test_one_odd_week_is_no_lasting_change(engine: Engine) -> None:
    past = Past(weeks=30)
    past.visits |= {day: past.visits[day] * 4 for day in WEEK.shift(-3).days}
    assert changes(past.facts(engine, client())) == {}


def counted_otherwise(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    """Matomo counts visits otherwise since a day."""
    before = dt.date.fromisoformat(day) - DAY
    said = "native_metric: nb_visits, meaning: Visits., documented_at: https://matomo.example"
    text = f"""\
source: matomo
site_day:
  visits:
    - {{version: 1, valid_to: {before}, {said}}}
    - {{version: 2, valid_from: {day}, {said}}}
"""
    monkeypatch.setattr(type(SOURCES["matomo"]), "dictionary", load_dictionary(text.encode()))


def test_nothing_is_compared_across_a_change_of_definition(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    counted_otherwise(monkeypatch, "2026-11-02")
    past = Past(weeks=30)
    past.visits = {day: value * (3 if day >= dt.date(2026, 11, 2) else 1) for day, value in past.visits.items()}
    shop_down = {"day": "2026-11-02", "what": "Shop down", "kind": "outage"}
    assets = [
        {"kind": "poster", "name": "Poster", "utm_source": "poster"},
        {"kind": "newsletter", "name": "Letter", "utm_source": "letter"},
    ]
    begun = campaign("2026-11-04", "2026-12-20", assets=assets)
    facts = past.facts(engine, client(timeline=[shop_down], campaigns=[begun]))
    assert facts.chart is not None
    assert [point.noted for point in facts.chart.points if point.noted] == [
        (DayNote(what="timeline", name="Shop down"), DayNote(what="measured differently")),
        (DayNote(what="campaign starts", name="Winter bread"), DayNote(what="asset starts", name="Poster")),
    ]
    counted = ("visits", "social_visits", "campaign_visits")
    assert changes(facts) == dict.fromkeys(counted, "measured differently since 2 November")
    [visits] = [figure for figure in facts.figures if figure.id == "visits"]
    assert visits.word == "no usual week yet"
    assert visits.last_week == sum(past.visits[day] for day in WEEK.shift(-1).days)
    assert facts.worth_knowing == ()


def test_the_usual_week_begins_anew_where_the_definition_changed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted_otherwise(monkeypatch, "2026-10-05")
    past = Past(weeks=30)
    past.visits = {day: value * (3 if day >= dt.date(2026, 10, 5) else 1) for day, value in past.visits.items()}
    [visits] = [figure for figure in past.facts(engine, client()).figures if figure.id == "visits"]
    assert visits.usual is not None
    assert visits.usual.weeks == 5
    assert visits.usual.low > 1_500, "what was before would be a third of it"


def test_days_of_two_definitions_are_not_added_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    counted_otherwise(monkeypatch, "2026-11-11")
    of = client(goals=[{"metric": "visits", "target": 5000, "starts": "2026-11-01", "ends": "2026-11-30"}])
    facts = Past(weeks=30).facts(engine, of)
    [visits] = [figure for figure in facts.figures if figure.id == "visits"]
    assert (visits.value, visits.last_week) == (None, None)
    assert facts.goals[0].so_far is None


# --- Goals ---------------------------------------------------------------------------------------------------------


def goal(**changed: Any) -> dict[str, Any]:
    return {"metric": "visits", "target": 3_370, "starts": "2026-11-01", "ends": "2026-11-30"} | changed


def goal_lines(facts: Facts) -> list[str]:
    return [narrate_time.goal_line(facts, each) for each in facts.goals]


def test_a_goal_has_its_pace_as_a_range(engine: Engine) -> None:
    past = Past()
    facts = past.facts(engine, client(goals=[goal(note="As many as last year")]))
    so_far = sum(past.visits[dt.date(2026, 11, 1) + count * DAY] for count in range(15))
    [found] = facts.goals
    assert found.so_far == so_far
    assert found.low is not None
    assert found.high is not None
    assert so_far + 15 * 80 < found.low < found.high < so_far + 15 * 160
    [line] = goal_lines(facts)
    assert line.startswith(f"{so_far:,.0f} of 3,370 so far; likely 3,")
    assert line.endswith(" by 30 November: within reach.")
    assert "As many as last year" in render(facts).html


@pytest.mark.parametrize(
    ("changed", "ending"),
    [
        ({"target": 1_000}, "your goal of 1,000 by 30 November is reached."),
        ({"target": 2_500}, " by 30 November: well within reach."),
        ({"target": 9_000}, " by 30 November: out of reach at this pace."),
        ({"target": 9_000, "ends": "2026-11-15"}, "by 15 November; your goal was 9,000."),
        ({"target": 1_000, "ends": "2026-11-15"}, "by 15 November; your goal of 1,000 was reached."),
    ],
)
def test_where_a_goal_stands(engine: Engine, changed: dict[str, Any], ending: str) -> None:
    [line] = goal_lines(Past().facts(engine, client(goals=[goal(**changed)])))
    assert line.endswith(ending)


def test_a_week_that_is_still_coming_in_puts_no_goal_out_of_reach(engine: Engine) -> None:
    past = Past()
    whole = sum(past.visits[day] for day in WEEK.days)
    past.visits |= {day: past.visits[day] // 2 for day in WEEK.days}
    before = sum(past.visits[dt.date(2026, 11, 1) + count * DAY] for count in range(8))
    end = before + whole * 22 / 7
    of = client(goals=[goal(target=round(end))])
    [found] = past.facts(engine, of, after=dt.timedelta(hours=7)).goals
    assert found.so_far == before + sum(past.visits[day] for day in WEEK.days)
    assert found.low is not None
    assert found.high is not None
    assert found.low < end < found.high < end + whole
    assert found.word == "within reach"


def test_a_goal_that_ends_with_a_week_that_is_still_coming_in_is_not_told_to_be_missed(engine: Engine) -> None:
    past = Past()
    so_far = sum(past.visits[dt.date(2026, 11, 1) + count * DAY] for count in range(15))
    of = client(goals=[goal(target=round(so_far) + 20, ends="2026-11-15")])
    [line] = goal_lines(past.facts(engine, of, after=dt.timedelta(hours=7)))
    assert line.startswith(f"{so_far:,.0f} of {so_far + 20:,.0f} so far; likely ")
    assert line.endswith(" by 15 November: within reach.")


def test_without_a_usual_week_there_is_no_pace(engine: Engine) -> None:
    [line] = goal_lines(Past(weeks=4).facts(engine, client(goals=[goal()])))
    assert line.endswith(" of 3,370 so far; too early to say where it will end.")


def test_a_goal_some_days_of_which_are_not_known_is_not_guessed(engine: Engine) -> None:
    [line] = goal_lines(Past(weeks=6).facts(engine, client(goals=[goal(starts="2026-09-01")])))
    assert line == "not all days since its start are known, so we cannot say how far your goal of 3,370 is."


def test_a_goal_of_posts_and_one_of_a_campaign(engine: Engine) -> None:
    past = Past()
    past.campaign_visits = {day: 10.0 for day in past.days if day >= dt.date(2026, 10, 1)}
    of = client(
        campaigns=[campaign("2026-10-01", "2026-11-29")],
        goals=[
            goal(metric="reactions", target=400),
            goal(metric="campaign_visits", campaign="winter-bread", target=600, starts="2026-10-01"),
        ],
    )
    facts = past.facts(engine, of)
    reactions, visits = facts.goals
    assert reactions.so_far == sum(likes for day, likes in past.likes.items() if day >= dt.date(2026, 11, 1))
    assert (visits.campaign, visits.so_far) == ("Winter bread", 460.0)
    assert visits.high is not None
    assert 500 < visits.high < 700


def test_a_goal_whose_time_is_not_now_is_not_told(engine: Engine) -> None:
    later, over = goal(starts="2026-11-16"), goal(starts="2026-10-01", ends="2026-11-08")
    facts = Past().facts(engine, client(goals=[later, over]))
    assert facts.goals == ()
    assert "Your goals" not in render(facts).html


# --- The year ------------------------------------------------------------------------------------------------------


def grown(factor: float) -> Callable[[dt.date], float]:
    return lambda day: factor ** ((day - FOURTH.shift(-51).monday).days / 364)


def test_every_fourth_week_shows_a_year(engine: Engine) -> None:
    past = Past(weeks=53, last=FOURTH)
    past.likes = {day: round(likes * grown(2.0)(day)) for day, likes in past.likes.items()}
    facts = past.facts(engine, client())
    assert facts.chart is None
    assert facts.year is not None
    assert len(facts.year.weeks) == 52
    assert facts.year.low < facts.year.times < facts.year.high
    assert facts.year.times == pytest.approx(2**0.75, rel=0.1)
    rendered = render(facts)
    assert "Reactions per post over a year" in rendered.html
    line = narrate_time.year_line(facts, facts.year)
    assert line.startswith("A usual week of the last three months had about 1.")
    assert line in " ".join(rendered.text.split())
    assert rendered.chart_png is not None


def test_a_year_without_growth_says_so(engine: Engine) -> None:
    facts = Past(weeks=53, last=FOURTH).facts(engine, client())
    assert facts.year is not None
    assert narrate_time.year_line(facts, facts.year).startswith("No clear change: ")


@pytest.mark.parametrize(("last", "weeks"), [(FOURTH.shift(1), 54), (FOURTH, 40)], ids=["another week", "no year"])
def test_else_it_is_28_days(engine: Engine, last: Week, weeks: int) -> None:
    facts = Past(weeks=weeks, last=last).facts(engine, client())
    assert facts.year is None
    assert facts.chart is not None
    assert len(facts.chart.points) == 28


# --- Their order ---------------------------------------------------------------------------------------------------


def test_a_client_may_have_other_figures_first(engine: Engine) -> None:
    past = Past()
    past.visits |= {day: past.visits[day] * 2 for day in WEEK.days}
    past.likes = {day: likes * (4 if day in WEEK.days else 1) for day, likes in past.likes.items()}
    facts = past.facts(engine, client(report={"figures": ["replies_received", "reactions_per_post"]}))
    assert [figure.id for figure in facts.figures] == [
        "replies_received", "reactions_per_post", "passed_on", "visits", "social_visits"
    ]  # fmt: skip
    assert render(facts).subject.startswith("Reactions per post above usual")


# --- The wide range ------------------------------------------------------------------------------------------------


def test_far_is_only_what_lies_outside_the_wide_range(engine: Engine) -> None:
    past = Past()
    past.visits |= {day: past.visits[day] * 2 for day in WEEK.days}
    facts = past.facts(engine, client())
    [visits] = [figure for figure in facts.figures if figure.id == "visits"]
    assert visits.word == "above"
    assert visits.usual is not None
    assert visits.usual.wide_low is not None
    assert visits.usual.wide_high is not None
    assert visits.usual.wide_low < visits.usual.low < visits.usual.high < visits.usual.wide_high < (visits.value or 0)
    text = " ".join(render(facts).text.split())
    assert "far above usual " in text
    assert "“Far” above or below lies outside the range about 95% of your own weeks fall in." in text


# --- Campaigns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (13.0, 8.0, FirstTouch(metric="conversions", first=26, last=16)),
        (3.0, 8.0, FirstTouch(metric="conversions", first=6, last=16)),
        (9.0, 8.0, None),
    ],
)
def test_first_and_last_touch_stand_side_by_side_where_they_are_far_apart(
    engine: Engine, first: float, last: float, told: FirstTouch | None
) -> None:
    """What came before the campaign was announced is not its own."""
    past = Past()
    days = [WEEK.monday, WEEK.monday + 2 * DAY, WEEK.monday - 30 * DAY]
    past.conversions = {"first_campaign": dict.fromkeys(days, first), "campaign": dict.fromkeys(days, last)}
    of = client(campaigns=[campaign(str(WEEK.monday), "2026-12-20")])
    facts = past.facts(engine, of)
    assert facts.campaigns[0].first_touch == told
    line = "Who gets the credit"
    assert (line in " ".join(render(facts).text.split())) is (told is not None)


def test_a_partners_posts_are_counted_each_also_where_a_platform_tells_no_address_of_them(engine: Engine) -> None:
    past = Past()
    theirs = {"platform": "bluesky", "handle": "harbour.example"}
    partner = {"name": "Fern", "accounts": [theirs], "posts": ["https://elsewhere.example/1"]}
    named = campaign(str(WEEK.monday), "2026-12-20", posts=["https://h.example/p"], partners=[partner])
    facts = past.facts(engine, client(campaigns=[named]))
    [posts] = [row for row in facts.campaigns[0].rows if row.group == "partners"]
    assert posts.so_far == len([day for day in past.likes if day >= WEEK.shift(-12).monday]) + 1
    assert posts.week is None, "of the one that is only named nobody knows the week"


# --- What formulas over months were given --------------------------------------------------------------------------


def given(engine: Engine, of: Client, facts: Facts, name: str) -> dict[str, list[Any]]:
    """The inputs that a number's receipt names, oldest first, by series."""
    with client_snapshot(engine, of.client) as connection:
        past = observed.Past(connection, of, facts)
        inputs = origins.origin(past, past.numbers[name]).inputs
    return {
        key: [each.value for each in inputs if each.id.startswith(f"{key}@")]
        for key in dict.fromkeys(each.id.partition("@")[0] for each in inputs)
    }


def test_the_receipt_of_a_lasting_change_names_the_weeks_that_make_it(engine: Engine) -> None:
    past, of = Past(weeks=30), client()
    past.visits = {day: value * (2 if day.isoformat() >= "2026-10-05" else 1) for day, value in past.visits.items()}
    facts = past.facts(engine, of)
    weeks = given(engine, of, facts, "visits/change")
    [change, _] = lasting_changes(np.array([weeks["visits"], weeks["social_visits"]], dtype=float))
    told = next(figure.change for figure in facts.figures if figure.id == "visits")
    assert change
    assert told
    assert (change.factor, change.low, change.high) == pytest.approx((told.times, told.low, told.high), abs=1e-3)


def test_the_receipt_of_a_year_names_the_weeks_that_make_it(engine: Engine) -> None:
    past, of = Past(weeks=53, last=FOURTH), client()
    past.likes = {day: round(likes * grown(2.0)(day)) for day, likes in past.likes.items()}
    facts = past.facts(engine, of)
    weeks = given(engine, of, facts, "year/times")
    values = [each.value and round(each.value, 3) for each in (facts.year.weeks if facts.year else ())]
    assert [each and round(each, 3) for each in weeks["reactions_per_post"]] == values
    posts = statistics.median(count for count in weeks["counted"] if count)
    [year] = growth(np.array([weeks["reactions_per_post"]], dtype=float) * posts)
    assert year
    assert facts.year
    assert (year.factor, year.low, year.high) == pytest.approx(
        (facts.year.times, facts.year.low, facts.year.high), abs=1e-3
    )
