"""The Umami source, pointed at the sandbox, finds exactly what is true."""

import datetime as dt
import json
from collections import defaultdict

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.model import PROFILES, SETTLED_AFTER
from widerview.sandbox.umami import LOGIN, TOKEN, website_id
from widerview.sources.base import Target, Window
from widerview.sources.errors import NotFound, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.umami import SOURCE

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
BAKERY = PROFILES[0]


def client(asked, *, login=LOGIN, token=TOKEN, root=""):
    return HttpClient(
        base_url=f"{asked.http.base_url}/umami{root}",
        budget=50,
        login=login,
        token=token,
        clock=lambda: asked.now,
        sleep=lambda seconds: None,
    )


def site(profile):
    pages, zone = {"landing_pages": "/"}, str(profile.zone)
    return Target(client_id=profile.key, source="umami", ref=website_id(profile), time_zone=zone, options=pages)


def rows_of(asked, profile, window=WEEK, http=None):
    target = site(profile)
    return [row for page in SOURCE.fetch(target, window, http or client(asked)) for row in SOURCE.parse(target, page)]


def sums(rows):
    found = defaultdict(float)
    for row in rows:
        found[row.dimension, row.member, row.metric] += row.value or 0
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
    assert found["total", "", "bounces"] == truth.bounces
    told = {word: count for word, count in truth.channels.items() if word != "direct"}
    assert {word: found["channel", word, "visits"] for word in told} == told
    for campaign, keywords in truth.campaigns.items():
        assert found["campaign", campaign, "visits"] == sum(keywords.values())
        for keyword, count in keywords.items():
            assert not keyword or found["touchpoint", f"{campaign}/{keyword}", "visits"] == count
    assert sum(value for (kind, *_), value in found.items() if kind == "network") == truth.channels["social"]
    assert {row.value for row in rows if row.member == "direct"} == {None}
    assert http.calls == SOURCE.expected_calls(posts=0, days=7)


def test_each_value_comes_once_and_every_day_has_its_visits(asked):
    asked.now = SETTLED
    keys = [(row.day, row.dimension, row.member, row.metric) for row in rows_of(asked, BAKERY)]
    assert len(keys) == len(set(keys))
    assert sorted(day.day for day, _, member, metric in keys if (member, metric) == ("", "visits")) == list(
        range(9, 16)
    )


def test_a_key_of_the_cloud_opens_the_same_without_a_login(asked):
    asked.now = SETTLED
    by_key = rows_of(asked, BAKERY, http=client(asked, login=None, root="/v1"))
    assert sums(by_key) == sums(rows_of(asked, BAKERY))


def test_days_before_the_first_visit_that_umami_knows_are_left_out(asked):
    first = asked.model.first_day
    window = Window(first - dt.timedelta(days=3), first + dt.timedelta(days=1))
    asked.now = SETTLED
    assert {row.day for row in rows_of(asked, BAKERY, window)} == {first, window.last}


def test_a_day_that_has_not_begun_is_left_out(asked):
    asked.now = dt.datetime(2026, 11, 14, 12, tzinfo=dt.UTC)
    assert max(row.day for row in rows_of(asked, BAKERY)) == dt.date(2026, 11, 14)


def test_a_website_that_does_not_exist_is_not_taken_for_one_without_visits(asked):
    target = Target(client_id="x", source="umami", ref="00000000-0000-4000-8000-000000000000", time_zone="UTC")
    pages = SOURCE.fetch(target, WEEK, client(asked))
    assert next(pages).body == b"null"
    with pytest.raises(NotFound, match="Correct site_id in the file of client x"):
        next(pages)


@pytest.mark.parametrize(
    "given",
    [{"token": "wrong-0123456789"}, {"token": None}, {"login": None, "root": "/v1", "token": "x"}],
)
def test_a_wrong_password_or_key_is_refused(asked, given):
    with pytest.raises(Unauthorized, match="into the Airflow Connection"):
        rows_of(asked, BAKERY, http=client(asked, **given))


def test_a_password_without_its_user_name_is_told(asked):
    with pytest.raises(NotFound, match="put the user name into the login"):
        rows_of(asked, BAKERY, http=client(asked, login=None))


def test_a_spent_limit_is_waited_for_and_then_left_to_the_scheduler(asked):
    asked.faults.inject(Injection(route="umami.expanded", fault="rate_limited"))
    with pytest.raises(RateLimited):
        rows_of(asked, BAKERY)


def test_a_type_of_metrics_that_umami_has_given_up_is_refused(asked):
    http = client(asked)
    page = http.request("POST", "api/auth/login", stream="login", json={"username": LOGIN, "password": TOKEN})
    token = json.loads(page.body)["token"]
    answer = asked.http.get(
        f"/umami/api/websites/{website_id(BAKERY)}/metrics/expanded",
        params={"type": "url", "startAt": "0", "endAt": "1"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": {"message": "Bad request", "code": "bad-request", "status": 400}},
    )
