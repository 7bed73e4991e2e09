"""The Plausible source, pointed at the sandbox, finds exactly what is true."""

import datetime as dt
from collections import defaultdict

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.model import PROFILES, SETTLED_AFTER
from widerview.sandbox.plausible import TOKEN, site_id
from widerview.sources.base import DayRow, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.plausible import SOURCE

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
BAKERY = PROFILES[0]


def client(asked, token=TOKEN):
    url = f"{asked.http.base_url}/plausible"
    return HttpClient(base_url=url, budget=50, token=token, clock=lambda: asked.now, sleep=lambda seconds: None)


def site(profile):
    pages, zone = {"landing_pages": "/"}, str(profile.zone)
    return Target(client_id=profile.key, source="plausible", ref=site_id(profile), time_zone=zone, options=pages)


def rows_of(asked, profile, window=WEEK, http=None):
    target = site(profile)
    return [row for page in SOURCE.fetch(target, window, http or client(asked)) for row in SOURCE.parse(target, page)]


def sums(rows):
    found = defaultdict(float)
    for row in rows:
        found[row.dimension, row.member, row.metric] += row.value
    return found


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_the_weeks_visits_and_where_they_came_from(asked, profile):
    asked.now = SETTLED
    truth = asked.model.truth(profile.key, WEEK.first)
    http = client(asked)
    rows = rows_of(asked, profile, http=http)
    found = sums(rows)
    assert found["total", "", "visits"] == truth.visits
    assert found["total", "", "page_views"] == truth.actions
    assert abs(found["total", "", "bounces"] - truth.bounces) <= 0.005 * truth.visits + 3.5
    assert {word: found["channel", word, "visits"] for word in truth.channels} == truth.channels
    for campaign, keywords in truth.campaigns.items():
        assert found["campaign", campaign, "visits"] == sum(keywords.values())
        for keyword, count in keywords.items():
            assert not keyword or found["touchpoint", f"{campaign}/{keyword}", "visits"] == count
    assert (
        sum(value for (kind, _, metric), value in found.items() if (kind, metric) == ("network", "visits"))
        == (truth.channels["social"])
    )
    assert {row.day for row in rows if row.dimension == "total" and row.metric == "visits"} == {
        WEEK.first + dt.timedelta(days=offset) for offset in range(7)
    }
    assert http.calls == SOURCE.expected_calls(posts=0, days=7)


def test_each_value_comes_once(asked):
    asked.now = SETTLED
    keys = [(row.day, row.dimension, row.member, row.metric) for row in rows_of(asked, BAKERY)]
    assert len(keys) == len(set(keys))


def test_a_day_that_has_not_begun_is_left_out_and_one_that_runs_is_told_so_far(asked):
    asked.now = dt.datetime(2026, 11, 14, 12, tzinfo=dt.UTC)
    visits = {
        row.day.day: row.value
        for row in rows_of(asked, BAKERY)
        if isinstance(row, DayRow) and row.dimension == "total" and row.metric == "visits"
    }
    assert sorted(visits) == [9, 10, 11, 12, 13, 14]
    so_far = asked.model.visits(BAKERY.key, asked.now.date(), asked.now.date(), asked.now, late=False)
    assert visits[14] == len(so_far) > 0


@pytest.mark.parametrize("token", ["wrong-key-0123456789", None])
def test_a_wrong_key_is_refused(asked, token):
    with pytest.raises(Unauthorized, match="Settings, API Keys"):
        rows_of(asked, BAKERY, http=client(asked, token))


def test_a_site_that_the_key_may_not_see_is_refused_with_the_same_words(asked):
    target = Target(client_id="x", source="plausible", ref="elsewhere.example", time_zone="UTC")
    with pytest.raises(Unauthorized, match="must be the domain as it stands in Plausible"):
        list(SOURCE.fetch(target, WEEK, client(asked)))


def test_another_time_zone_than_plausibles_is_told(asked):
    target = Target(client_id="x", source="plausible", ref=site_id(BAKERY), time_zone="UTC")
    with pytest.raises(BadAnswer, match=r"from 2026-11-09T00:00:00\+01:00, and those of UTC"):
        list(SOURCE.fetch(target, WEEK, client(asked)))


def test_an_unknown_metric_costs_that_metric_alone(asked, monkeypatch):
    asked.now = SETTLED
    monkeypatch.setattr("widerview.sandbox.plausible._METRICS", ("visits", "visitors", "visit_duration"))
    http = client(asked)
    target = site(BAKERY)
    pages = []
    with pytest.raises(BadAnswer):  # the origins' page views are no metric of a group
        pages.extend(page for page in SOURCE.fetch(target, WEEK, http) if not pages.append(page))
    rows = [row for page in pages for row in SOURCE.parse(target, page)]
    gone = {row.metric: row.native_metric for row in rows if isinstance(row, UnavailableRow)}
    assert gone == {"page_views": "pageviews", "bounces": "bounce_rate"}
    told = {row.metric for row in rows if isinstance(row, DayRow)}
    assert told == {"visits", "unique_visitors", "visit_time"}


def test_a_spent_limit_is_waited_for_and_then_left_to_the_scheduler(asked):
    asked.faults.inject(Injection(route="plausible.query", fault="rate_limited"))
    with pytest.raises(RateLimited):
        rows_of(asked, BAKERY)
