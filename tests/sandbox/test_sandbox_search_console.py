"""Google Search Console, pointed at the sandbox, finds exactly what is true."""

import datetime as dt
from collections import defaultdict
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.ga4 import CLIENT_SECRET
from widerview.sandbox.model import PROFILES, SETTLED_AFTER, Origin
from widerview.sandbox.search_console import REFRESH_TOKEN, TOKEN, properties
from widerview.sandbox.website import search_day, web_visits
from widerview.sources import google
from widerview.sources.base import DayRow, Row, Target, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.search_console import SOURCE

ANCHOR = dt.date(2026, 11, 16)
DAY = dt.timedelta(days=1)
WEEK = Window(ANCHOR - 7 * DAY, ANCHOR - DAY)
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
PACIFIC = ZoneInfo("America/Los_Angeles")
BAKERY = PROFILES[0]


def site(profile, ref: str | None = None) -> Target:
    ref = ref or properties(profile)[0]
    return Target(client_id=profile.key, source="search_console", ref=ref, time_zone=str(profile.zone))


def client(asked, *, token=TOKEN, **options) -> HttpClient:
    server = f"{str(asked.http.base_url).rstrip('/')}/search_console"
    return HttpClient(
        base_url=server,
        servers={google.TOKEN_SERVER: server},
        budget=200,
        token=token,
        clock=lambda: asked.now,
        sleep=lambda seconds: None,
        **options,
    )


def pull(asked, target: Target, window: Window = WEEK, http: HttpClient | None = None) -> list[Row]:
    return [row for page in SOURCE.fetch(target, window, http or client(asked)) for row in SOURCE.parse(target, page)]


def totals(rows: list[Row], metric: str, dimension: str = "total") -> dict[dt.date, float]:
    found: defaultdict[dt.date, float] = defaultdict(float)
    for row in rows:
        if isinstance(row, DayRow) and (row.metric, row.dimension) == (metric, dimension):
            found[row.day] += row.value or 0
    return dict(found)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_clicks_of_a_pacific_day_are_the_visits_from_google_in_it(asked, profile) -> None:
    asked.now = SETTLED
    happened = [
        visit.at.astimezone(PACIFIC).date()
        for offset in range(9)
        for visit in web_visits(asked.model, profile.key, WEEK.first + offset * DAY, SETTLED)
        if visit.origin == Origin("search", "Google")
    ]
    http = client(asked)
    rows = pull(asked, site(profile), http=http)
    days = [WEEK.first + offset * DAY for offset in range(7)]
    clicks = totals(rows, "search_clicks")
    assert clicks == {day: happened.count(day) for day in days}
    assert totals(rows, "search_clicks", "page") == clicks
    assert http.calls <= SOURCE.expected_calls(posts=0, days=7)


def test_impressions_are_counted_once_whatever_they_are_split_by(asked) -> None:
    asked.now = SETTLED
    rows = pull(asked, site(BAKERY), Window(WEEK.first, WEEK.first + 2 * DAY))
    by_day = totals(rows, "search_impressions")
    assert by_day == totals(rows, "search_impressions", "page")
    queries = totals(rows, "search_impressions", "query")
    assert all(queries[day] <= count for day, count in by_day.items())
    assert sum(queries.values()) < sum(by_day.values()), "queries of few people are withheld"
    # The three Pacific days hold the clients' two whole days in their midst, and no more than the four they touch.
    own = [search_day(asked.model, BAKERY.key, WEEK.first + offset * DAY, SETTLED).impressions for offset in range(4)]
    assert own[1] + own[2] <= sum(by_day.values()) <= sum(own)


def test_the_position_of_a_day_is_that_of_its_pages_weighted_by_impressions(asked) -> None:
    asked.now = SETTLED
    rows = [row for row in pull(asked, site(BAKERY), Window(WEEK.first, WEEK.first)) if isinstance(row, DayRow)]
    value = {(row.dimension, row.member, row.metric): row.value for row in rows}
    pages = {member for dimension, member, _ in value if dimension == "page"}
    weighted = sum(value["page", page, "search_position"] * value["page", page, "search_impressions"] for page in pages)
    total = value["total", "", "search_position"]
    assert total == pytest.approx(weighted / value["total", "", "search_impressions"])
    assert 1 <= total < 10
    assert all(page.startswith(f"{BAKERY.url}/") for page in pages)


def test_days_that_are_still_counted_come_later(asked) -> None:
    asked.now = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
    window = Window(dt.date(2026, 11, 12), dt.date(2026, 11, 16))
    complete = [dt.date(2026, 11, 12), dt.date(2026, 11, 13), dt.date(2026, 11, 14)]
    early = pull(asked, site(BAKERY), window)
    assert sorted(totals(early, "search_clicks")) == complete
    asked.now = SETTLED
    late = totals(pull(asked, site(BAKERY), window), "search_clicks")
    assert len(late) == 5
    assert {day: late[day] for day in complete} == totals(early, "search_clicks")


def test_final_data_leave_out_what_all_data_show_as_incomplete(asked) -> None:
    asked.now = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
    question = {"startDate": "2026-11-12", "endDate": "2026-11-16", "dimensions": ["date"]}
    path = f"/search_console/webmasters/v3/sites/{properties(BAKERY)[0]}/searchAnalytics/query"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    final = asked.http.post(path, headers=headers, json=question).json()
    everything = asked.http.post(path, headers=headers, json=question | {"dataState": "all"}).json()
    assert [row["keys"] for row in final["rows"]] == [["2026-11-12"], ["2026-11-13"], ["2026-11-14"]]
    assert "metadata" not in final
    assert everything["metadata"] == {"firstIncompleteDate": "2026-11-15"}
    assert [row["keys"][0] for row in everything["rows"]][-1] == "2026-11-16"


def test_the_top_rows_are_those_with_the_most_clicks(asked) -> None:
    asked.now = SETTLED
    path = f"/search_console/webmasters/v3/sites/{properties(BAKERY)[0]}/searchAnalytics/query"
    question = {"startDate": "2026-11-09", "endDate": "2026-11-15", "dimensions": ["query"], "rowLimit": 3}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    top = asked.http.post(path, headers=headers, json=question).json()["rows"]
    following = asked.http.post(path, headers=headers, json=question | {"startRow": 3}).json()["rows"]
    clicks = [row["clicks"] for row in top + following]
    assert clicks == sorted(clicks, reverse=True)
    assert len({row["keys"][0] for row in top + following}) == 6


def test_both_ways_to_write_a_property_are_the_same_site(asked) -> None:
    asked.now = SETTLED
    window = Window(WEEK.first, WEEK.first)
    domain, address = (totals(pull(asked, site(BAKERY, ref), window), "search_clicks") for ref in properties(BAKERY))
    assert domain == address != {}


def test_before_the_first_search_there_is_nothing(asked) -> None:
    assert pull(asked, site(BAKERY), Window(dt.date(2020, 1, 1), dt.date(2020, 1, 3))) == []


def test_a_refresh_token_opens_the_door_and_stays_out_of_the_pages(asked) -> None:
    asked.now = SETTLED
    extra = {"refresh_token": REFRESH_TOKEN, "client_id": "sandbox.apps.example", "client_secret": CLIENT_SECRET}
    http = client(asked, token=None, extra=extra)
    pages = list(SOURCE.fetch(site(BAKERY), WEEK, http))
    assert http.calls == SOURCE.expected_calls(posts=0, days=7) == 1 + len(pages)
    assert not any(secret in repr(pages) for secret in (TOKEN, REFRESH_TOKEN, CLIENT_SECRET))


def test_who_is_not_let_in_is_told_why(asked) -> None:
    with pytest.raises(Unauthorized, match="lives an hour"):
        pull(asked, site(BAKERY), http=client(asked, token="wrong-token-0123"))
    with pytest.raises(Unauthorized, match="site_id in the file of client hollow-oak-bakery"):
        pull(asked, site(BAKERY, "sc-domain:elsewhere.example"))


def test_a_spent_quota_in_googles_words(asked) -> None:
    asked.faults.inject(Injection(route="search_console.query", fault="rate_limited"))
    with pytest.raises(RateLimited, match="Search Analytics queries per minute"):
        pull(asked, site(BAKERY))


@pytest.mark.parametrize("fault", ["html_page", "cut_json", "empty"])
def test_a_damaged_answer_is_refused(asked, fault) -> None:
    asked.now = SETTLED
    asked.faults.inject(Injection(route="search_console.query", fault=fault, skip=1))
    with pytest.raises(BadAnswer, match="Google Search Console queries"):
        pull(asked, site(BAKERY))
