"""Google Analytics 4, pointed at the sandbox, finds exactly what is true."""

import datetime as dt
from collections import Counter, defaultdict

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.ga4 import CLIENT_SECRET, REFRESH_TOKEN, TOKEN, property_id
from widerview.sandbox.model import PROFILES, SETTLED_AFTER
from widerview.sandbox.website import web_visits
from widerview.sources import ga4, google
from widerview.sources.base import DayRow, Row, Target, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.ga4 import SOURCE
from widerview.sources.http import HttpClient

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
BAKERY = PROFILES[0]
CHANNEL_OF_TAGGED = {"newsletter": "campaign", "poster-market": "other_unassigned", "bake-along": "other_unassigned"}
EXTRA = {"refresh_token": REFRESH_TOKEN, "client_id": "sandbox.apps.example", "client_secret": CLIENT_SECRET}


def site(profile, **changes) -> Target:
    values = {"ref": property_id(profile), "time_zone": str(profile.zone), "options": {"landing_pages": "/"}} | changes
    return Target(client_id=profile.key, source="ga4", **values)


def client(asked, *, token=TOKEN, **options) -> HttpClient:
    server = f"{str(asked.http.base_url).rstrip('/')}/ga4"
    return HttpClient(
        base_url=server,
        servers={google.TOKEN_SERVER: server},
        budget=100,
        token=token,
        clock=lambda: asked.now,
        sleep=lambda seconds: None,
        **options,
    )


def pull(asked, target: Target, window: Window = WEEK, http: HttpClient | None = None) -> list[Row]:
    return [row for page in SOURCE.fetch(target, window, http or client(asked)) for row in SOURCE.parse(target, page)]


def summed(rows: list[Row], metric: str = "visits") -> dict[tuple[str, str], float]:
    totals: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        if isinstance(row, DayRow) and row.metric == metric:
            totals[row.dimension, row.member] += row.value or 0
    return dict(totals)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_the_visits_of_a_week_and_what_brought_them(asked, profile) -> None:
    asked.now = SETTLED
    truth = asked.model.truth(profile.key, WEEK.first)
    http = client(asked)
    visits = summed(pull(asked, site(profile), http=http))
    assert visits["total", ""] == truth.visits
    for campaign, keywords in truth.campaigns.items():
        assert visits["campaign", campaign] == sum(keywords.values())
        for keyword, count in keywords.items():
            assert not keyword or visits["touchpoint", f"{campaign}/{keyword}"] == count
    channels = Counter({name: count for name, count in truth.channels.items() if name != "campaign"})
    for keywords in truth.campaigns.values():
        for keyword, count in keywords.items():
            channels[CHANNEL_OF_TAGGED.get(keyword, "social" if keyword else "other_unassigned")] += count
    found = {member: count for (dimension, member), count in visits.items() if dimension == "channel" and count}
    assert found == dict(+channels)
    assert http.calls <= SOURCE.expected_calls(posts=0, days=7)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_a_days_numbers_are_those_of_its_visits(asked, profile) -> None:
    asked.now = SETTLED
    day = WEEK.first + dt.timedelta(days=2)
    happened = web_visits(asked.model, profile.key, day, asked.now)
    rows = [row for row in pull(asked, site(profile)) if isinstance(row, DayRow) and row.day == day]
    assert {row.metric: row.value for row in rows if row.dimension == "total"} == {
        "visits": len(happened),
        "unique_visitors": sum(visit.new_in_day for visit in happened),
        "new_visitors": sum(visit.new_in_week for visit in happened),
        "page_views": sum(len(visit.pages) for visit in happened),
        "engaged_visits": sum(visit.seconds >= 10 or len(visit.pages) > 1 for visit in happened),
        "conversions": 0,
        "visit_time": sum(visit.seconds for visit in happened),
    }
    networks = Counter(visit.origin.name for visit in happened if visit.origin.channel == "social")
    assert {member: count for (dimension, member), count in summed(rows).items() if dimension == "network"} == networks
    assert {row.zone for row in rows} == {str(profile.zone)}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_revenue_is_what_was_paid_in_the_shop_in_its_currency(asked, profile) -> None:
    asked.now = SETTLED
    money = [
        row
        for row in pull(asked, site(profile, options={"currency": profile.currency}))
        if isinstance(row, DayRow) and row.metric == "revenue"
    ]
    days = [WEEK.first + dt.timedelta(days=offset) for offset in range(7)]
    paid = {day: sum(visit.paid for visit in web_visits(asked.model, profile.key, day, asked.now)) for day in days}
    assert {row.day: row.value for row in money if row.dimension == "total"} == pytest.approx(paid)
    assert sum(paid.values()) > 0
    assert {row.currency for row in money} == {profile.currency}
    assert {row.dimension for row in money} >= {"total", "channel", "campaign"}


def test_a_small_page_size_finds_the_same(asked, monkeypatch) -> None:
    asked.now = SETTLED
    whole = pull(asked, site(BAKERY))
    monkeypatch.setattr(ga4, "_ROWS_A_PAGE", 30)
    http = client(asked)
    parts = pull(asked, site(BAKERY), http=http)
    assert http.calls > SOURCE.expected_calls(posts=0, days=7)

    def values(rows):
        return {(row.day, row.dimension, row.member, row.metric): row.value for row in rows}

    assert values(parts) == values(whole)
    assert len(parts) == len(whole)


@pytest.mark.parametrize("fault", ["duplicate_page", "cursor_loop"])
def test_a_page_that_comes_again_is_refused(asked, monkeypatch, fault) -> None:
    asked.now = SETTLED
    monkeypatch.setattr(ga4, "_ROWS_A_PAGE", 30)
    asked.faults.inject(Injection(route="ga4.*", fault=fault))
    with pytest.raises(BadAnswer, match="rows moved"):
        pull(asked, site(BAKERY))


def test_yesterday_may_rise_and_today_is_left_out(asked) -> None:
    asked.now = dt.datetime(2026, 11, 17, 1, tzinfo=dt.UTC)
    window = Window(dt.date(2026, 11, 15), dt.date(2026, 11, 17))
    early = summed(pull(asked, site(BAKERY), window))["total", ""]
    asked.now = SETTLED
    late = pull(asked, site(BAKERY), window)
    assert early < sum(
        row.value for row in late if (row.metric, row.dimension) == ("visits", "total") and row.day.day < 17
    )


def test_a_refresh_token_opens_the_door_and_stays_out_of_the_pages(asked) -> None:
    asked.now = SETTLED
    http = client(asked, token=None, extra=EXTRA)
    pages = list(SOURCE.fetch(site(BAKERY), WEEK, http))
    assert [page.stream for page in pages] == ["totals", "channels", "campaigns", "first_campaigns", "landing_pages"]
    assert http.calls == SOURCE.expected_calls(posts=0, days=7)
    assert not any(secret in repr(pages) for secret in (TOKEN, REFRESH_TOKEN, CLIENT_SECRET))


@pytest.mark.parametrize(
    ("options", "target", "says"),
    [
        ({"token": "wrong-token-0123"}, {}, "lives an hour"),
        ({"token": None, "extra": {**EXTRA, "refresh_token": "1//revoked"}}, {}, "consent anew"),
        ({"token": None, "extra": {**EXTRA, "client_secret": "GOCSPX-other"}}, {}, "invalid_client"),
        ({}, {"ref": "999"}, "check site_id in the file of client hollow-oak-bakery"),
    ],
)
def test_who_is_not_let_in_is_told_why(asked, options, target, says) -> None:
    with pytest.raises(Unauthorized, match="property") as caught:
        pull(asked, site(BAKERY, **target), http=client(asked, **options))
    assert says in str(caught.value)


def test_a_client_file_with_another_zone_is_refused(asked) -> None:
    with pytest.raises(BadAnswer, match="time_zone: Europe/Berlin"):
        pull(asked, site(BAKERY, time_zone="America/New_York"))


def test_a_spent_quota_in_googles_words(asked) -> None:
    asked.faults.inject(Injection(route="ga4.runReport", fault="rate_limited"))
    with pytest.raises(RateLimited, match="Exhausted property tokens"):
        pull(asked, site(BAKERY))


def test_an_unknown_metric_refuses_the_whole_request(asked) -> None:
    answer = asked.http.post(
        f"/ga4/v1beta/properties/{property_id(BAKERY)}:runReport",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={
            "dateRanges": [{"startDate": "2026-11-09", "endDate": "2026-11-09"}],
            "metrics": [{"name": "sessions"}, {"name": "conversions"}],
        },
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert answer.json()["error"]["message"].startswith("Field conversions is not a valid metric.")


def test_before_its_first_visit_a_property_has_no_rows(asked) -> None:
    window = Window(dt.date(2020, 1, 1), dt.date(2020, 1, 7))
    assert pull(asked, site(BAKERY), window) == []
