"""Umami: logging in, the website, the days, and answers that are not what they seem."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from widerview.sources.base import Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.umami import SOURCE

ID = "b398f201-4112-42e4-9fc4-ce5bceedb0bb"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
DAY = Window(WEEK.first, WEEK.first)
PASSWORD = "canary-pass-0123456789"
SESSION = "canary-session-9876543210"
OPENS = str(int(dt.datetime(2026, 11, 8, 23, tzinfo=dt.UTC).timestamp() * 1000))


def values(page, target, stream, answer, *, time_zone="Europe/Berlin", opens=OPENS, **options):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    given = page(stream, body, params={"startAt": opens}, **options)
    return {
        (row.day.day, row.dimension, row.member, row.metric): row.value
        for row in SOURCE.parse(target("umami", ID, time_zone), given)
    }


def stats(**more):
    return {"pageviews": 30, "visitors": 9, "visits": 12, "bounces": 4, "totaltime": 900, "comparison": {}} | more


def part(name, visits):
    return {"name": name, "pageviews": "17", "visitors": visits, "visits": visits, "bounces": 1, "totaltime": "0"}


def test_a_day_and_its_numbers(page, target):
    assert values(page, target, "visits", stats(visits="12")) == {
        (9, "total", "", "visits"): 12,
        (9, "total", "", "unique_visitors"): 9,
        (9, "total", "", "page_views"): 30,
        (9, "total", "", "bounces"): 4,
        (9, "total", "", "visit_time"): 900,
    }


def test_a_number_that_is_not_reported_is_not_zero(page, target):
    found = values(page, target, "visits", {"visits": 3, "bounces": None})
    assert found[9, "total", "", "bounces"] is None
    assert found[9, "total", "", "page_views"] is None


def test_a_day_is_one_of_the_clients_zone(page, target):
    assert {day for day, *_ in values(page, target, "visits", stats(), time_zone="UTC")} == {8}


def test_a_day_that_had_not_begun_gives_nothing(page, target):
    later = str(int(dt.datetime(2026, 11, 22, 23, tzinfo=dt.UTC).timestamp() * 1000))
    assert values(page, target, "visits", stats(), opens=later) == {}


def test_tagged_links_are_campaigns_and_touchpoints(page, target):
    answer = [
        part("utm_source=Poster&utm_medium=print&utm_campaign=Autumn", 5),
        part("fbclid=abc&utm_campaign=autumn&utm_source=poster", 1),
        part("utm_campaign=autumn&utm_source=newsletter", 3),
        part("utm_campaign=bread+club", 2),
        part("my_utm_campaign_is=x", 9),
        part("utm_campaign=", 9),
        part("utm_campaign=aut%00umn", 0),
    ]
    assert values(page, target, "campaigns", answer) == {
        (9, "channel", "campaign", "visits"): 11,
        (9, "campaign", "autumn", "visits"): 9,
        (9, "campaign", "bread club", "visits"): 2,
        (9, "touchpoint", "autumn/poster", "visits"): 6,
        (9, "touchpoint", "autumn/newsletter", "visits"): 3,
    }


def test_referring_hosts_are_channels_and_networks_and_direct_is_not_told(page, target):
    answer = [
        part("google.com", 8), part("linkedin.com", 3), part("l.instagram.com", 2), part("instagram.com", 1),
        part("news.example", 4), part("chatgpt.com", 2), part("", 99),
    ]  # fmt: skip
    assert values(page, target, "referrers", answer) == {
        (9, "channel", "search", "visits"): 8,
        (9, "channel", "website", "visits"): 4,
        (9, "channel", "social", "visits"): 6,
        (9, "channel", "ai_assistant", "visits"): 2,
        (9, "channel", "direct", "visits"): None,
        (9, "network", "LinkedIn", "visits"): 3,
        (9, "network", "Instagram", "visits"): 3,
    }


def test_a_day_without_visits_is_zero(page, target):
    assert values(page, target, "campaigns", []) == {(9, "channel", "campaign", "visits"): 0}
    assert values(page, target, "referrers", []) == {
        (9, "channel", "search", "visits"): 0,
        (9, "channel", "website", "visits"): 0,
        (9, "channel", "social", "visits"): 0,
        (9, "channel", "direct", "visits"): None,
    }


@pytest.mark.parametrize(
    ("stream", "wrong"),
    [
        ("visits", b""),
        ("visits", b"<!DOCTYPE html>"),
        ("visits", b'{"visits":12,"vis'),
        ("visits", b"null"),
        ("visits", {"pageviews": 3}),
        ("visits", stats(visits="many")),
        ("visits", stats(visits=-1)),
        ("referrers", [part("google.com", 2**63)]),
        ("visits", {"pageviews": {"value": 5, "prev": 2}, "visits": {"value": 5, "prev": 2}}),  # Umami 2
        ("visits", {"error": {"message": "Unauthorized"}}),
        ("referrers", [{"x": "google.com", "y": 8}]),
        ("campaigns", {"data": []}),
    ],
)
def test_an_answer_of_another_shape_is_refused(page, target, stream, wrong):
    with pytest.raises(BadAnswer, match=f"Umami {stream}"):
        values(page, target, stream, wrong)


def test_what_is_no_day_or_failed_gives_no_rows(page, target):
    assert values(page, target, "visits", b"x", status=500) == {}
    assert values(page, target, "website", {"id": ID}) == {}
    assert values(page, target, "measured", {"startDate": None}) == {}


# -- asking ------------------------------------------------------------------------------------------------------------


def ok(value):
    return (200, {"Content-Type": "application/json"}, json.dumps(value).encode())


ENTERED = [ok({"token": SESSION, "user": {}}), ok({"id": ID, "name": "Client", "deletedAt": None})]
SINCE = ok({"startDate": "2026-10-01T06:36:00.000Z", "endDate": "2026-11-15T19:00:00.000Z"})


def fetch(client, target, window=DAY, **options):
    given = {"token": PASSWORD, "login": "reader"} | options
    return SOURCE.fetch(target("umami", ID), window, client(**given))


def test_the_password_goes_into_the_login_and_nothing_secret_into_landing(server, client, target):
    echoing = ok(part(f"{SESSION} {PASSWORD}", 1) | {"id": ID})
    server.script = [ENTERED[0], echoing, SINCE, ok(stats()), ok([]), ok([])]
    pages = list(fetch(client, target))
    assert [page.stream for page in pages] == ["website", "measured", "visits", "campaigns", "referrers"]
    assert len(server.seen) == SOURCE.expected_calls(posts=0, days=1) - 2, "no campaign has a page"
    method, path, _, body = server.seen[0]
    assert (method, path, json.loads(body)) == (
        "POST", "/api/auth/login", {"username": "reader", "password": PASSWORD},
    )  # fmt: skip
    assert all(headers["Authorization"] == f"Bearer {SESSION}" for _, _, headers, _ in server.seen[1:])
    assert PASSWORD not in repr(pages)
    assert SESSION not in repr(pages)
    assert b"[token] [token]" in pages[0].body


@pytest.mark.parametrize("password", ["umami", "12345", "corr ect-horse", "pässwort-mit-ümlaut"])
def test_any_password_of_umami_logs_in_and_a_short_one_changes_no_answer(server, client, target, password):
    session = ok({"token": SESSION, "user": {"id": "u1"}})
    told = ok([part("umami.is", 12345)])
    server.script = [session, ok({"id": ID}), SINCE, ok(stats(visits=12345)), ok([]), told]
    pages = list(fetch(client, target, login="admin", token=password))
    assert json.loads(server.seen[0][3]) == {"username": "admin", "password": password}
    assert {row.value for row in SOURCE.parse(target("umami", ID), pages[2]) if row.metric == "visits"} == {12345}
    assert pages[-1].body == told[2]


@pytest.mark.parametrize("key", ["api key", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_before_it_is_sent(server, client, target, key):
    with pytest.raises(Unauthorized, match="blanks or control characters"):
        next(fetch(client, target, login=None, token=key))
    assert server.seen == []


def test_each_day_is_asked_from_midnight_to_midnight_of_the_clients_zone(server, client, target):
    server.script = [*ENTERED, SINCE, *[ok(stats()), ok([]), ok([])] * 2]
    window = Window(dt.date(2026, 10, 24), dt.date(2026, 10, 25))
    list(fetch(client, target, window))
    asked = [
        (
            urlsplit(path).path.partition(ID)[2],
            {name: found[0] for name, found in parse_qs(urlsplit(path).query).items()},
        )
        for _, path, *_ in server.seen[3:]
    ]
    assert [path for path, _ in asked] == ["/stats", "/metrics/expanded", "/metrics/expanded"] * 2
    spans = [int(params["endAt"]) + 1 - int(params["startAt"]) for _, params in asked]
    assert spans == [24 * 3_600_000] * 3 + [25 * 3_600_000] * 3
    assert asked[3][1]["startAt"] == str(int(dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC).timestamp() * 1000))
    assert asked[1][1].items() >= {"type": "query", "search": "utm_campaign", "limit": "10000"}.items()
    assert asked[2][1].items() >= {"type": "referrer", "query": "dnc.utm_campaign", "limit": "10000"}.items()


def test_a_key_needs_no_login(server, client, target):
    server.script = [ENTERED[1], SINCE, ok(stats()), ok([]), ok([])]
    pages = list(fetch(client, target, login=None))
    assert server.seen[0][1] == f"/websites/{ID}"
    assert all(headers["x-umami-api-key"] == PASSWORD for _, _, headers, _ in server.seen)
    assert PASSWORD not in repr(pages)


def test_days_before_anything_was_measured_are_not_asked(server, client, target):
    since = ok({"startDate": "2026-11-14T23:30:00.000Z"})  # the 15th in Berlin
    server.script = [*ENTERED, since, ok(stats()), ok([]), ok([])]
    assert len(list(fetch(client, target, WEEK))) == 5
    server.script = [*ENTERED, ok({"startDate": None, "endDate": None})]
    assert len(list(fetch(client, target, WEEK))) == 2


@pytest.mark.parametrize("website", [None, {"id": ID, "deletedAt": "2026-11-01T00:00:00.000Z"}])
def test_a_website_that_is_not_there_is_told_before_zeros_are_believed(server, client, target, website):
    server.script = [ENTERED[0], ok(website)]
    pages = fetch(client, target)
    assert next(pages).stream == "website"
    with pytest.raises(NotFound, match=f"there is no website {ID}. Correct site_id in the file of client meadow"):
        next(pages)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ((401, {}, b'{"error":{"message":"Unauthorized","code":"incorrect-username-password"}}'), Unauthorized),
        ((404, {}, b"<html>"), NotFound),
        (ok({"token": None, "partial": SESSION}), BadAnswer),
        ((200, {"Content-Type": "text/html"}, f"<html>{SESSION}".encode()), BadAnswer),
    ],
)
def test_a_login_that_fails_is_told_and_not_handed_over(server, client, target, answer, raised):
    server.script = [answer]
    with pytest.raises(raised) as caught:
        next(fetch(client, target))
    assert PASSWORD not in str(caught.value)
    assert SESSION not in str(caught.value)


def test_a_login_that_is_refused_names_the_website_the_client_and_what_to_do(server, client, target):
    server.script = [(401, {}, b'{"error":{"message":"Unauthorized","code":"incorrect-username-password"}}')]
    told = f"website {ID} of client meadow, as user reader: HTTP 401. Put a user name and password of this Umami"
    with pytest.raises(Unauthorized, match=told):
        next(fetch(client, target))


def test_a_history_of_fourteen_weeks_fits_into_one_run():
    assert SOURCE.expected_calls(posts=0, days=14 * 7 + SOURCE.lookback_days) <= SOURCE.call_budget
    assert SOURCE.call_budget <= SOURCE.calls_a_day


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ((401, {}, b'{"error":{"message":"Unauthorized","code":"unauthorized","status":401}}'), Unauthorized),
        ((400, {}, b'{"error":{"message":"Bad request","code":"bad-request","status":400}}'), BadAnswer),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html>"), BadAnswer),
        (ok({"pageviews": {"value": 1, "prev": 0}}), BadAnswer),
    ],
)
def test_a_refusal_is_handed_over_and_then_raised(server, client, target, answer, raised):
    server.script = [*ENTERED, SINCE, answer]
    pages = fetch(client, target)
    assert [next(pages).stream for _ in range(2)] == ["website", "measured"]
    assert next(pages).body == answer[2]
    with pytest.raises(raised, match="Umami visits"):
        next(pages)


@pytest.mark.parametrize(("status", "raised"), [(429, RateLimited), (503, Unavailable)])
def test_what_may_pass_is_waited_for(server, client, target, clock, status, raised):
    server.script = [*ENTERED, SINCE, *[(status, {}, b"{}")] * 5]
    with pytest.raises(raised):
        list(fetch(client, target))
    assert len(clock.slept) == 4


def test_a_list_that_may_have_been_cut_is_refused(server, client, target):
    server.script = [*ENTERED, SINCE, ok(stats()), ok([part(str(n), 1) for n in range(10_000)])]
    with pytest.raises(BadAnswer, match="10000 different links or more"):
        list(fetch(client, target))


def test_without_a_password_nothing_is_asked(server, client, target):
    with pytest.raises(Unauthorized, match="there is no password"):
        list(fetch(client, target, token=None))
    assert server.seen == []


def test_the_cloud_is_asked_where_no_server_is_named(target):
    assert SOURCE.base_url(target("umami", ID)) == "https://api.umami.is/v1"


# -- whatever comes ----------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.just("\x00%00&utm_campaign=a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
whole = st.fixed_dictionaries(
    {"visits": anything | st.just(1)}, optional=dict.fromkeys(("visitors", "bounces"), anything)
)
parts = st.lists(st.fixed_dictionaries({"name": st.text() | anything, "visits": anything | st.just(2)}), max_size=3)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stream=st.sampled_from(["visits", "campaigns", "referrers"]), answer=whole | parts | anything)
def test_whatever_comes_gives_rows_or_is_refused(page, target, stream, answer):
    try:
        found = values(page, target, stream, answer)
    except BadAnswer:
        return
    assert all(value is None or 0 <= value < 2**63 for value in found.values())
    assert not any("\x00" in member for _, _, member, _ in found)
