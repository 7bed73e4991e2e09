"""Plausible: days, origins, averages, refusals, and questions with too many rows."""

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from widerview.sources.base import DayRow, RawPage, Request, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.plausible import SOURCE

WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "canary-0123456789abcdef"
ORIGINS = ["time:day", "visit:channel", "visit:source", "visit:utm_campaign", "visit:utm_source"]
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)


def asked(stream, metrics, window=WEEK):
    question = {
        "metrics": metrics,
        "dimensions": ORIGINS if stream == "origins" else ["time:day"],
        "date_range": [str(window.first), str(window.last)],
    }
    return Request("POST", "https://plausible.io/api/v2/query", {}, json.dumps(question))


def as_page(stream, metrics, answer, **options):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    given = {"status": 200, "headers": {"content-type": "application/json"}, "fetched_at": NOW}
    return RawPage(stream=stream, request=asked(stream, metrics), body=body, **given | options)


def answer(*rows, labels=(), total=None, **more):
    results = [{"dimensions": [day, *names], "metrics": metrics} for day, *names, metrics in rows]
    meta = {"time_labels": list(labels), "total_rows": len(rows) if total is None else total}
    return {"results": results, "meta": meta, "query": {"date_range": []}} | more


def values(target, *page, time_zone="Europe/Berlin", **options):
    found = SOURCE.parse(target("plausible", "client.example", time_zone), as_page(*page, **options))
    return {(row.day.day, row.dimension, row.member, row.metric): row.value for row in found}


def test_a_day_and_its_numbers(target):
    found = values(target, "totals", ["visits", "visitors", "pageviews"], answer(["2026-11-09", [12, "9", 30]]))
    assert found == {
        (9, "total", "", "visits"): 12,
        (9, "total", "", "unique_visitors"): 9,
        (9, "total", "", "page_views"): 30,
    }


def test_days_that_plausible_lists_without_a_row_are_zero_and_others_are_not_told(target):
    told = answer(["2026-11-09", [12]], labels=["2026-11-09", "2026-11-10"])
    assert values(target, "totals", ["visits"], told) == {
        (9, "total", "", "visits"): 12,
        (10, "total", "", "visits"): 0,
    }
    averages = answer(labels=["2026-11-10"])
    assert values(target, "averages", ["visits", "bounce_rate", "visit_duration"], averages) == {
        (10, "total", "", "bounces"): 0,
        (10, "total", "", "visit_time"): 0,
    }


def test_a_number_that_is_not_reported_is_not_zero(target):
    assert values(target, "totals", ["visits", "visitors"], answer(["2026-11-09", [3, None]])) == {
        (9, "total", "", "visits"): 3,
        (9, "total", "", "unique_visitors"): None,
    }
    told = answer(["2026-11-09", [3, None]])
    assert values(target, "averages", ["visits", "bounce_rate"], told) == {(9, "total", "", "bounces"): None}


@pytest.mark.parametrize(
    ("visits", "share", "bounces"), [(3, 33, 1), (3, 67, 2), (40, 100, 40), (7, 0, 0), (200, 37, 74)]
)
def test_bounces_are_the_share_of_the_visits(target, visits, share, bounces):
    told = answer(["2026-11-09", [visits, share, 61]])
    assert values(target, "averages", ["visits", "bounce_rate", "visit_duration"], told) == {
        (9, "total", "", "bounces"): bounces,
        (9, "total", "", "visit_time"): 61 * visits,
    }


@pytest.mark.parametrize(("time_zone", "days"), [("Europe/Berlin", [21, 22]), ("America/Los_Angeles", [21])])
def test_days_that_had_not_begun_are_left_out(target, time_zone, days):
    told = answer(labels=["2026-11-21", "2026-11-22", "2026-11-23"])
    assert [day for day, *_ in values(target, "totals", ["visits"], told, time_zone=time_zone)] == days


def test_channels_campaigns_touchpoints_and_networks(target):
    day = "2026-11-09"
    told = answer(
        [day, "Direct", "Direct / None", "(not set)", "(not set)", [5, 9]],
        [day, "Organic Search", "Google", "(not set)", "(not set)", [4, 8]],
        [day, "Organic Search", "Bing", "(not set)", "(not set)", [1, 1]],
        [day, "Referral", "news.example", "(not set)", "(not set)", [2, 2]],
        [day, "Organic Social", "Facebook", "(not set)", "(not set)", [3, 6]],
        [day, "Organic Social", "Direct / None", "(not set)", "(not set)", [1, 1]],
        [day, "Organic Social", "Facebook", "Autumn ", "poster", [7, 14]],
        [day, "Email", "newsletter", "autumn", "Newsletter", [2, 3]],
        [day, "Direct", "Direct / None", "autumn", "(not set)", [1, 1]],
        [day, "Paid Search", "Google", "(not set)", "(not set)", [6, 6]],
        [day, "AI Assistants", "ChatGPT", "(not set)", "(not set)", [2, 2]],
        [day, "Smart Speakers & Co", "x", "(not set)", "(not set)", [1, 1]],
    )
    found = values(target, "origins", ["visits", "pageviews"], told)
    visits = {(kind, member): value for (_, kind, member, metric), value in found.items() if metric == "visits"}
    assert visits == {
        ("channel", "direct"): 5, ("channel", "search"): 5, ("channel", "website"): 2, ("channel", "social"): 4,
        ("channel", "campaign"): 16, ("channel", "ai_assistant"): 2, ("channel", "other_smart_speakers_co"): 1,
        ("network", "Facebook"): 3, ("campaign", "autumn"): 10,
        ("touchpoint", "autumn/poster"): 7, ("touchpoint", "autumn/newsletter"): 2,
    }  # fmt: skip
    assert found[9, "campaign", "autumn", "page_views"] == 18
    assert sum(value for (kind, _), value in visits.items() if kind == "channel") == 35


def test_networks_have_the_names_that_other_analytics_give_them(target):
    day = "2026-11-09"
    named = ("Twitter", "x.com", "Youtube", "LinkedIn", "mastodon.social", "Quartet", "forum.example")
    told = answer(*([day, "Organic Social", name, "(not set)", "(not set)", [2, 3]] for name in named))
    found = values(target, "origins", ["visits", "pageviews"], told)
    visits = {name: value for (_, kind, name, metric), value in found.items() if kind + metric == "networkvisits"}
    assert visits == {
        "X": 4, "YouTube": 2, "LinkedIn": 2, "Mastodon": 2, "Quartet": 2, "forum.example": 2,
    }  # fmt: skip
    assert found[9, "channel", "social", "visits"] == 14


def test_usual_channels_are_zero_on_a_day_that_is_listed(target):
    found = values(target, "origins", ["visits", "pageviews"], answer(labels=["2026-11-10"]))
    assert found == {
        (10, "channel", word, metric): 0
        for word in ("direct", "search", "website", "campaign", "social")
        for metric in ("visits", "page_views")
    }


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"<!DOCTYPE html>", b'{"results":[{"dimensions":["2026-11-09"],"metr',
        b"[]", b"{}", b'{"results":null}',
        answer(["2026-11-09", [1, 2]]), answer(["2026-11-09", "extra", [1]]), answer(["2026-11-09", []]),
        answer(["yesterday", [1]]), answer(["2026-11-09 00:00:00", [1]]), answer(["2026-13-09", [1]]),
        answer(["2026-11-09", [-1]]), answer(["2026-11-09", ["many"]]), answer(["2026-11-09", ["NaN"]]),
        answer(["2026-11-09", [1]], ["2026-11-09", [1]]),
        answer(labels=["7d"]),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_of_days_is_refused(target, wrong):
    with pytest.raises(BadAnswer, match="Plausible totals"):
        values(target, "totals", ["visits"], wrong)


def test_an_answer_that_failed_gives_no_rows(target):
    assert values(target, "totals", ["visits"], {"error": "x"}, status=500) == {}
    assert values(target, "origins", ["visits"], {"error": '#/metrics/0: Invalid metric "visits"'}, status=400) == {}


def test_the_refusal_of_one_metric_is_told_and_of_several_is_not(target):
    said = {"error": '#/metrics/1: Invalid metric "bounce_rate"'}
    site = target("plausible", "client.example")
    alone = as_page("averages", ["visits", "bounce_rate"], said, status=400)
    [row] = SOURCE.parse(site, alone)
    assert isinstance(row, UnavailableRow)
    assert (row.metric, row.native_metric, row.reason) == ("bounces", "bounce_rate", said["error"])
    several = as_page("averages", ["visits", "bounce_rate", "visit_duration"], said, status=400)
    assert list(SOURCE.parse(site, several)) == []


# -- asking ------------------------------------------------------------------------------------------------------------


def ok(value):
    return (200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def site(target):
    return target("plausible", "client.example")


def test_three_questions_with_the_key_in_a_header_only(server, client, target):
    server.script = [ok(answer())] * 3
    pages = list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN)))
    assert [page.stream for page in pages] == ["totals", "averages", "origins"]
    assert len(pages) == SOURCE.expected_calls(posts=0, days=7) - 1, "no campaign has a page"
    for page, (method, path, headers, body) in zip(pages, server.seen, strict=True):
        assert (method, path) == ("POST", "/api/v2/query")
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in repr(page)
        question = json.loads(body)
        assert question["site_id"] == "client.example"
        assert question["date_range"] == ["2026-11-09", "2026-11-15"]
        assert question["include"] == {"time_labels": True, "total_rows": True}
    assert [json.loads(seen[3])["metrics"] for seen in server.seen] == [
        ["visits", "visitors", "pageviews"],
        ["visits", "bounce_rate", "visit_duration"],
        ["visits", "pageviews"],
    ]
    assert json.loads(server.seen[2][3])["dimensions"] == ORIGINS


def test_a_metric_that_is_given_up_costs_itself_alone(server, client, target):
    refused = (400, {"Content-Type": "application/json"}, b'{"error":"#/metrics/1: Invalid metric \\"visitors\\""}')
    day = answer(["2026-11-09", [4]])
    server.script = [refused, ok(day), refused, refused, ok(day), ok(answer()), ok(answer())]
    pages = list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN)))
    assert [json.loads(page.request.body)["metrics"] for page in pages[:5]] == [
        ["visits", "visitors", "pageviews"], ["visits"], ["visitors", "pageviews"], ["visitors"], ["pageviews"],
    ]  # fmt: skip
    rows = [row for page in pages for row in SOURCE.parse(site(target), page)]
    assert [row.metric for row in rows if isinstance(row, UnavailableRow)] == ["unique_visitors"]
    assert {row.metric: row.value for row in rows if isinstance(row, DayRow)} == {"visits": 4, "page_views": 4}


def test_metrics_can_be_asked_for_one_by_one(server, client, target):
    server.script = [ok(answer())] * 6
    list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN, one_metric_a_call=True)))
    assert [json.loads(seen[3])["metrics"] for seen in server.seen] == [
        ["visits"], ["visitors"], ["pageviews"],
        ["visits", "bounce_rate"], ["visits", "visit_duration"],
        ["visits", "pageviews"],
    ]  # fmt: skip


def test_origins_that_are_too_many_are_asked_for_in_halves_and_counted_once(server, client, target):
    def row(day):
        return [day, "Direct", "Direct / None", "(not set)", "(not set)", [1, 1]]

    server.script = [
        ok(answer()),
        ok(answer()),
        ok(answer(row("2026-11-09"), total=10_001)),
        ok(answer(row("2026-11-09"))),
        ok(answer(row("2026-11-13"), total=10_001)),
        ok(answer(row("2026-11-13"))),
        ok(answer(row("2026-11-15"))),
    ]
    pages = list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN)))
    spans = [tuple(day[-2:] for day in json.loads(page.request.body)["date_range"]) for page in pages[2:]]
    assert spans == [("09", "15"), ("09", "12"), ("13", "15"), ("13", "14"), ("15", "15")]
    rows = [row for page in pages for row in SOURCE.parse(site(target), page)]
    direct = {row.day.day: row.value for row in rows if (row.member, row.metric) == ("direct", "visits")}
    assert direct == {9: 1, 13: 1, 15: 1}


def test_a_single_day_with_too_many_origins_is_told(server, client, target):
    full = answer(["2026-11-09", "Direct", "x", "y", "z", [1, 1]], total=10_001)
    server.script = [ok(answer()), ok(answer()), ok(full)]
    with pytest.raises(BadAnswer, match="2026-11-09 has more than 10000"):
        list(SOURCE.fetch(site(target), Window(WEEK.first, WEEK.first), client(token=TOKEN)))


@pytest.mark.parametrize(
    ("given", "raised", "told"),
    [
        ((401, {}, b'{"error":"Invalid API key or site ID."}'), Unauthorized, "domain as it stands in Plausible"),
        ((402, {}, b'{"error":"This Plausible site is locked"}'), Unauthorized, "subscription"),
        ((400, {}, b'{"error":"#/dimensions/1: Invalid dimension"}'), BadAnswer, "HTTP 400"),
        ((400, {"Content-Type": "text/html"}, b"<html>"), BadAnswer, "HTTP 400"),
        ((302, {"Location": "/login"}, b""), BadAnswer, "redirect"),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html>"), BadAnswer, "Plausible totals"),
        (ok(answer(query={"date_range": ["2026-11-09T00:00:00+00:00", "2026-11-15T23:59:59+00:00"]})), BadAnswer,
         "time_zone of this site into the file of client meadow"),
    ],
)  # fmt: skip
def test_a_refusal_is_handed_over_and_then_raised(server, client, target, given, raised, told):
    server.script = [given]
    pages = SOURCE.fetch(site(target), WEEK, client(token=TOKEN))
    assert next(pages).body == given[2]
    with pytest.raises(raised, match=told) as caught:
        next(pages)
    assert TOKEN not in str(caught.value)


def test_a_spent_limit_is_waited_for_and_then_told(server, client, target, clock):
    server.script = [(429, {}, b'{"error":"Too many API requests."}')] * 5
    with pytest.raises(RateLimited):
        list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN)))
    assert len(clock.slept) == 4


def test_without_a_key_nothing_is_asked(server, client, target):
    with pytest.raises(Unauthorized, match="there is no key"):
        list(SOURCE.fetch(site(target), WEEK, client()))
    assert server.seen == []


@pytest.mark.parametrize("span", [[], ["7d"], ["2026-11-09", "2026-11-15"], ["2026-11-09T00:00:00+01:00", "x"]])
def test_an_answer_that_tells_no_other_zone_is_taken(server, client, target, span):
    server.script = [ok(answer(query={"date_range": span}))] * 3
    assert len(list(SOURCE.fetch(site(target), WEEK, client(token=TOKEN)))) == 3


# -- whatever comes ----------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-11-09", "\x00", "1e999"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
likely_row = st.fixed_dictionaries({
    "dimensions": st.tuples(st.just("2026-11-09"), *[st.text()] * 4).map(list) | anything,
    "metrics": st.lists(st.none() | st.integers(0, 2**54) | st.floats(), min_size=2, max_size=2) | anything,
})  # fmt: skip
likely = st.fixed_dictionaries(
    {"results": st.lists(likely_row, max_size=3) | anything}, optional={"meta": anything, "query": anything}
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given=likely | anything, stream=st.sampled_from(["averages", "origins"]))
def test_whatever_comes_gives_rows_or_is_refused(target, stream, given):
    metrics = ["visits", "bounce_rate" if stream == "averages" else "pageviews"]
    try:
        found = values(target, stream, metrics, given)
    except BadAnswer:
        return
    assert all(value is None or 0 <= value < 2**63 for value in found.values())
