"""Google Analytics 4: text for numbers, days without rows, zones, channels and campaigns, pages, refused metrics."""

import datetime as dt
import json
import logging

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.sources import ga4
from widerview.sources.base import RawPage, Request, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.ga4 import SOURCE

WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "ya29.canary-0123456789"
DIMENSIONS = {
    "totals": ["date"],
    "channels": ["date", "sessionDefaultChannelGroup"],
    "campaigns": ["date", "sessionCampaignName", "sessionSource"],
    "first_campaigns": ["date", "firstUserCampaignName"],
}


def report(stream, *rows, metrics=("sessions",), count=None, zone="Europe/Berlin", **metadata):
    """An answer; a row is its dimensions and then its values."""
    size = len(DIMENSIONS[stream])
    content = {
        "dimensionHeaders": [{"name": name} for name in DIMENSIONS[stream]],
        "metricHeaders": [{"name": name, "type": "TYPE_INTEGER"} for name in metrics],
        "rows": [
            {
                "dimensionValues": [{"value": value} for value in row[:size]],
                "metricValues": [{"value": value} for value in row[size:]],
            }
            for row in rows
        ],
        "rowCount": len(rows) if count is None else count,
        "metadata": {"currencyCode": "EUR", "timeZone": zone, **metadata},
        "kind": "analyticsData#runReport",
    }
    if not rows:
        del content["rows"], content["rowCount"]
    return content


@pytest.fixture
def read(page, target):
    """Parses an answer to a question for a week: {(day, dimension, member, metric): value}."""

    def run(stream, answer, *, window=WEEK, offset=0, time_zone="Europe/Berlin", metrics=("sessions",), **options):
        question = {
            "dateRanges": [{"startDate": str(window.first), "endDate": str(window.last)}],
            "metrics": [{"name": name} for name in metrics],
            "offset": str(offset),
        }
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        got = page(stream, body, **options)
        got = msgspec.structs.replace(got, request=msgspec.structs.replace(got.request, body=json.dumps(question)))
        return list(SOURCE.parse(target("ga4", "310000001", time_zone), got))

    return run


def values(rows):
    return {(str(row.day), row.dimension, row.member, row.metric): row.value for row in rows}


def visits(rows):
    return {key[:3]: value for key, value in values(rows).items() if key[3] == "visits"}


def test_a_day_and_its_numbers(read):
    metrics = ("sessions", "totalUsers", "newUsers", "screenPageViews", "engagedSessions", "keyEvents", "visitTime")
    row = ("20261109", "12", "11", "4", "31", "7", "2.5", "912.25")
    rows = read("totals", report("totals", row, metrics=metrics), window=Window(WEEK.first, WEEK.first))
    assert {row.metric: row.value for row in rows} == {
        "visits": 12, "unique_visitors": 11, "new_visitors": 4, "page_views": 31, "engaged_visits": 7,
        "conversions": 2.5, "visit_time": 912.25,
    }  # fmt: skip
    assert {(row.entity, row.entity_id, row.day, row.zone, row.dimension, row.member) for row in rows} == {
        ("site", "310000001", WEEK.first, "Europe/Berlin", "total", "")
    }


def test_the_order_of_the_columns_is_the_answers_own(read):
    answer = report("totals", ("20261109", "31", "12"), metrics=("screenPageViews", "sessions"))
    assert values(read("totals", answer, window=Window(WEEK.first, WEEK.first))) == {
        ("2026-11-09", "total", "", "page_views"): 31,
        ("2026-11-09", "total", "", "visits"): 12,
    }


def test_a_day_without_a_row_is_zero_where_others_were_measured(read):
    assert visits(read("totals", report("totals", ("20261110", "3"), ("20261113", "5")))) == {
        ("2026-11-09", "total", ""): 0,
        ("2026-11-10", "total", ""): 3,
        ("2026-11-11", "total", ""): 0,
        ("2026-11-12", "total", ""): 0,
        ("2026-11-13", "total", ""): 5,
        ("2026-11-14", "total", ""): 0,
        ("2026-11-15", "total", ""): 0,
    }


def test_nothing_measured_is_not_zero(read):
    assert read("totals", report("totals")) == []
    assert read("channels", report("channels")) == []


def test_a_day_that_google_may_not_have_got_to_is_not_zero(read):
    # It is 2026-11-22 04:00 in Berlin: the 20th ended 28 hours ago, the 19th 52.
    window = Window(dt.date(2026, 11, 18), dt.date(2026, 11, 22))
    assert [day for day, *_ in visits(read("totals", report("totals", ("20261118", "3")), window=window))] == [
        "2026-11-18",
        "2026-11-19",
    ]
    # A later day that has a row shows that Google did.
    newer = report("totals", ("20261118", "3"), ("20261121", "1"))
    assert visits(read("totals", newer, window=window))["2026-11-20", "total", ""] == 0


@pytest.mark.parametrize(
    "metadata", [{"subjectToThresholding": True}, {"dataTruncationReasons": [{"dataTruncationDate": "2026-11-10"}]}]
)
def test_where_google_withholds_something_a_missing_row_is_not_zero(read, metadata):
    answer = report("totals", ("20261110", "3"), **metadata)
    assert visits(read("totals", answer)) == {("2026-11-10", "total", ""): 3}


@pytest.mark.parametrize(
    ("zone", "days"), [("Europe/Berlin", ["2026-11-21"]), ("America/Los_Angeles", []), ("Asia/Tokyo", ["2026-11-21"])]
)
def test_a_day_that_is_not_over_is_left_out(read, zone, days):
    answer = report("totals", ("20261121", "3"), ("20261122", "1"), zone=zone)
    window = Window(dt.date(2026, 11, 21), dt.date(2026, 11, 22))
    assert [day for day, *_ in visits(read("totals", answer, window=window, time_zone=zone))] == days


def test_days_of_another_zone_are_refused_with_the_line_to_write(read):
    with pytest.raises(BadAnswer, match="time_zone: America/New_York") as caught:
        read("totals", report("totals", ("20261110", "3"), zone="America/New_York"))
    assert "310000001" in str(caught.value)
    assert "client meadow says Europe/Berlin" in str(caught.value)


def test_a_zone_of_another_name_with_the_same_days_is_the_propertys(read):
    rows = read("totals", report("totals", ("20261110", "3"), zone="Europe/Paris"))
    assert {row.zone for row in rows} == {"Europe/Paris"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "America", "\x00"])
def test_a_zone_that_does_not_exist_is_refused(read, zone):
    with pytest.raises(BadAnswer, match="no time zone"):
        read("totals", report("totals", ("20261110", "3"), zone=zone))


def test_an_answer_that_names_no_zone_has_the_client_files(read):
    answer = report("totals", ("20261110", "3"))
    del answer["metadata"]["timeZone"]
    assert {row.zone for row in read("totals", answer)} == {"Europe/Berlin"}


def test_channel_groups_are_brought_together_and_the_usual_ones_are_zero_on_a_measured_day(read):
    answer = report(
        "channels",
        ("20261109", "Direct", "5"),
        ("20261109", "Email", "4"),
        ("20261109", "Paid Social", "3"),
        ("20261109", "Organic Social", "2"),
        ("20261109", "Organic Video", "1"),
        ("20261109", "AI Assistant", "6"),
        ("20261109", "Unassigned", "7"),
        ("20261109", "Smoke Signals", "8"),
        ("20261110", "Referral", "9"),
    )
    assert visits(read("channels", answer)) == {
        ("2026-11-09", "channel", "direct"): 5,
        ("2026-11-09", "channel", "search"): 0,
        ("2026-11-09", "channel", "website"): 0,
        ("2026-11-09", "channel", "campaign"): 7,
        ("2026-11-09", "channel", "social"): 3,
        ("2026-11-09", "channel", "ai_assistant"): 6,
        ("2026-11-09", "channel", "other_unassigned"): 7,
        ("2026-11-09", "channel", "other_smoke_signals"): 8,
        ("2026-11-10", "channel", "direct"): 0,
        ("2026-11-10", "channel", "search"): 0,
        ("2026-11-10", "channel", "website"): 9,
        ("2026-11-10", "channel", "campaign"): 0,
        ("2026-11-10", "channel", "social"): 0,
    }


def test_campaigns_and_touchpoints_are_those_of_the_links_in_lower_case(read):
    answer = report(
        "campaigns",
        ("20261109", "(direct)", "(direct)", "50"),
        ("20261109", "(organic)", "google", "40"),
        ("20261109", "(not set)", "poster", "2"),
        ("20261109", "(other)", "(other)", "1"),
        ("20261109", "Autumn", "Poster", "5"),
        ("20261109", "autumn", "poster", "3"),
        ("20261109", "autumn", "newsletter", "2"),
        ("20261109", "autumn", "(not set)", "1"),
        ("20261110", "autumn", "poster", "4"),
    )
    assert visits(read("campaigns", answer)) == {
        ("2026-11-09", "campaign", "autumn"): 11,
        ("2026-11-09", "touchpoint", "autumn/poster"): 8,
        ("2026-11-09", "touchpoint", "autumn/newsletter"): 2,
        ("2026-11-10", "campaign", "autumn"): 4,
        ("2026-11-10", "touchpoint", "autumn/poster"): 4,
    }


def test_who_was_brought_first_by_a_campaign_is_told_apart_from_whom_it_brought_now(read):
    answer = report(
        "first_campaigns",
        ("20261109", "(direct)", "50"),
        ("20261109", "Autumn", "5"),
        ("20261109", "autumn", "3"),
    )
    assert visits(read("first_campaigns", answer)) == {("2026-11-09", "first_campaign", "autumn"): 8}


def test_networks_are_untagged_visits_whatever_host_of_theirs_they_came_from(read):
    answer = report(
        "campaigns",
        ("20261109", "(referral)", "l.instagram.com", "5"),
        ("20261109", "(referral)", "instagram.com", "3"),
        ("20261109", "(referral)", "notinstagram.com", "9"),
        ("20261109", "(referral)", "bsky.app", "2"),
        ("20261109", "(referral)", "news.example", "7"),
        ("20261109", "(not set)", "instagram.com", "1"),
    )
    assert visits(read("campaigns", answer)) == {
        ("2026-11-09", "network", "Instagram"): 8,
        ("2026-11-09", "network", "Bluesky"): 2,
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.pop("kind"),
        lambda answer: answer["rows"][0]["dimensionValues"].pop(),
        lambda answer: answer["rows"][0]["metricValues"].append({"value": "1"}),
        lambda answer: answer["dimensionHeaders"][0].update(name="week"),
        lambda answer: answer["metricHeaders"][0].update(name="newMetric"),
        lambda answer: answer["metricHeaders"].append({"name": "sessions"}),
        lambda answer: answer["rows"].append(answer["rows"][0]),
        lambda answer: answer["rows"][0]["dimensionValues"][0].update(value="2026-11-09"),
        lambda answer: answer["rows"][0]["dimensionValues"][0].update(value="20261131"),
        lambda answer: answer["rows"][0]["dimensionValues"][0].update(value="20261116"),
        lambda answer: answer["rows"][0]["dimensionValues"][0].update(value="(other)"),
        lambda answer: answer["rows"][0]["metricValues"][0].update(value="many"),
        lambda answer: answer["rows"][0]["metricValues"][0].update(value=""),
        lambda answer: answer["rows"][0]["metricValues"][0].update(value="NaN"),
        lambda answer: answer["rows"][0]["metricValues"][0].update(value="1e999"),
        lambda answer: answer["rows"][0]["metricValues"][0].update(value=str(2**63)),
    ],
)
def test_a_table_that_is_not_what_was_asked_for_is_refused(read, spoil):
    answer = report("totals", ("20261109", "12"))
    spoil(answer)
    with pytest.raises(BadAnswer, match="Google Analytics 4 totals"):
        read("totals", answer)


@pytest.mark.parametrize("body", [b"", b"<!DOCTYPE html>", b"{}", b"[]", b'{"kind": "analyticsData#runRep'])
def test_what_is_no_report_is_refused(read, body):
    with pytest.raises(BadAnswer, match="Google Analytics 4 totals"):
        read("totals", body)


def test_a_refusal_gives_a_row_for_one_metric_alone_even_inside_http_200(read):
    refusal = {
        "error": {"code": 400, "message": "Field keyEvents is not a valid metric.", "status": "INVALID_ARGUMENT"}
    }
    for status in (400, 200):
        (row,) = read("totals", refusal, status=status, metrics=["keyEvents"])
        assert (row.metric, row.native_metric) == ("conversions", "keyEvents")
        assert read("totals", refusal, status=status, metrics=["sessions", "keyEvents"]) == []
        (row,) = read("totals", refusal, status=status, metrics=["visitTime"])
        assert (row.metric, row.native_metric) == ("visit_time", "averageSessionDuration*sessions")


@settings(max_examples=60)
@given(st.dictionaries(st.dates(WEEK.first, WEEK.last), st.integers(0, 10**9), min_size=1))
def test_every_measured_day_comes_back_as_it_was_and_the_rest_adds_nothing(days):
    rows = [(f"{day:%Y%m%d}", str(count)) for day, count in days.items()]
    question = {"dateRanges": [{"startDate": str(WEEK.first), "endDate": str(WEEK.last)}]}
    got = RawPage(
        stream="totals",
        request=Request("POST", "https://server.example/api", {}, json.dumps(question)),
        status=200,
        headers={},
        fetched_at=dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC),
        body=json.dumps(report("totals", *rows)).encode(),
    )
    site = ga4.Target(client_id="meadow", source="ga4", ref="7", time_zone="Europe/Berlin")
    found = {row.day: row.value for row in SOURCE.parse(site, got)}
    assert len(found) == 7
    assert {day: value for day, value in found.items() if value or day in days} == days


# --- Asking -------------------------------------------------------------------------------------------------------


def ok(content):
    return (200, {"Content-Type": "application/json"}, json.dumps(content).encode())


def error(code, message, status="INVALID_ARGUMENT"):
    content = {"error": {"code": code, "message": message, "status": status}}
    return (code, {"Content-Type": "application/json"}, json.dumps(content).encode())


def unknown(metric):
    return error(
        400, f"Field {metric} is not a valid metric. For a list of valid dimensions and metrics, see https://x"
    )


def questions(server):
    return [json.loads(body) for _, _, _, body in server.seen]


def names(question):
    return [metric["name"] for metric in question["metrics"]]


def test_three_reports_are_asked_with_the_token_in_the_header_only(server, client, target):
    server.script = [
        ok(report("totals", ("20261109", "1"))),
        ok(report("channels")),
        ok(report("campaigns")),
        ok(report("first_campaigns")),
    ]
    pages = list(SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN)))
    assert [page.stream for page in pages] == ["totals", "channels", "campaigns", "first_campaigns"]
    for page, (method, path, headers, body) in zip(pages, server.seen, strict=True):
        assert (method, path) == ("POST", "/v1beta/properties/310000001:runReport")
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert page.request.body == body.decode()
        assert TOKEN not in repr(page)
        question = json.loads(body)
        assert question["dateRanges"] == [{"startDate": "2026-11-09", "endDate": "2026-11-15"}]
        assert [each["name"] for each in question["dimensions"]] == DIMENSIONS[page.stream]
        assert question["returnPropertyQuota"] is True
        assert isinstance(question["limit"], str)
    assert questions(server)[0]["keepEmptyRows"] is True
    assert len(pages) < SOURCE.expected_calls(posts=0, days=7)


def test_users_are_asked_for_whole_days_only(server, client, target):
    metrics = ("sessions", "totalUsers")
    server.script = [
        ok(report("totals", ("20261109", "1", "1"), metrics=metrics)),
        ok(report("channels")),
        ok(report("campaigns")),
        ok(report("first_campaigns")),
    ]
    list(SOURCE.fetch(target("ga4", "7"), WEEK, client(token=TOKEN)))
    assert "totalUsers" in names(questions(server)[0])
    assert not {"totalUsers", "newUsers"} & {name for each in questions(server)[1:] for name in names(each)}


def test_a_metric_that_google_does_not_know_costs_that_metric_alone(server, client, target):
    def answer(handler):
        question = questions(server)[-1]
        stream = next(
            name for name, found in DIMENSIONS.items() if found == [each["name"] for each in question["dimensions"]]
        )
        if "keyEvents" in names(question):
            status, headers, body = unknown("keyEvents")
        else:
            row = ("20261109", *(["x"] * (len(DIMENSIONS[stream]) - 1)), *["3"] * len(names(question)))
            status, headers, body = ok(report(stream, row, metrics=names(question)))
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    server.script = [answer] * 20
    site = target("ga4", "310000001")
    pages = list(SOURCE.fetch(site, WEEK, client(token=TOKEN)))
    rows = [row for page in pages for row in SOURCE.parse(site, page)]
    missing = [row for row in rows if isinstance(row, UnavailableRow)]
    assert [(row.metric, row.native_metric) for row in missing] == [("conversions", "keyEvents")]
    assert missing[0].reason.startswith("Field keyEvents is not a valid metric.")
    totals = {row.metric for row in rows if not isinstance(row, UnavailableRow) and row.dimension == "total"}
    assert totals == set(SOURCE.metrics) - {"conversions", "revenue", "landing_visits", "tagged_landing_visits"}
    assert all("keyEvents" not in page.request.body for page in pages if page.stream != "totals")


def test_money_is_asked_for_in_the_clients_currency_and_only_where_one_is_named(server, client, target):
    site = target("ga4", "310000001")
    shop = msgspec.structs.replace(site, options={"currency": "GBP"})
    metrics = ("sessions", "totalRevenue")
    told = ok(report("totals", ("20261109", "9", "120.5"), metrics=metrics, currencyCode="GBP"))
    server.script = [told, ok(report("channels")), ok(report("campaigns")), ok(report("first_campaigns"))] * 2
    list(SOURCE.fetch(site, WEEK, client(token=TOKEN)))
    list(SOURCE.fetch(shop, WEEK, client(token=TOKEN)))
    without, with_ = questions(server)[:4], questions(server)[4:]
    assert not any("totalRevenue" in names(question) or "currencyCode" in question for question in without)
    assert all("totalRevenue" in names(question) and question["currencyCode"] == "GBP" for question in with_)


@pytest.mark.parametrize("currency", ["EUR", "GBP", None])
def test_an_amount_of_money_is_in_the_currency_that_google_says(read, currency):
    answer = report("totals", ("20261109", "9", "120.5"), metrics=("sessions", "totalRevenue"), currencyCode=currency)
    rows = read("totals", answer, window=Window(WEEK.first, WEEK.first))
    assert [(row.metric, row.value, row.currency) for row in rows] == [
        ("visits", 9, None),
        ("revenue", 120.5, currency),
    ]


def test_each_metric_is_asked_alone_where_that_is_wanted(server, client, target):
    server.script = [ok(report("totals", ("20261109", "1")))] * 7 + [
        ok(report("channels")),
        ok(report("campaigns")),
        ok(report("first_campaigns")),
    ]
    list(SOURCE.fetch(target("ga4", "7"), WEEK, client(token=TOKEN, one_metric_a_call=True)))
    assert [name for question in questions(server)[:7] for name in names(question)] == [
        "sessions", "totalUsers", "newUsers", "screenPageViews", "engagedSessions", "keyEvents", "visitTime",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "times", "raised", "says"),
    [
        (error(401, "Invalid credentials.", "UNAUTHENTICATED"), 1, Unauthorized, "lives an hour"),
        (error(403, "No permission.", "PERMISSION_DENIED"), 1, Unauthorized, "Property access management"),
        (error(429, "Exhausted property tokens.", "RESOURCE_EXHAUSTED"), 5, RateLimited, "Exhausted property tokens"),
        (error(400, "Invalid dateRange."), 1, BadAnswer, "Invalid dateRange"),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Login</title>"), 1, BadAnswer, "text/html"),
        (ok(report("totals", ("20261109", "1"), zone="America/New_York")), 1, BadAnswer, "time_zone: America/New_York"),
    ],
)
def test_a_refusal_is_handed_over_and_then_raised(server, client, target, answer, times, raised, says):
    server.script = [answer] * times
    pages = SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN))
    assert next(pages).body == answer[2]
    with pytest.raises(raised, match="310000001") as caught:
        next(pages)
    assert says in str(caught.value)
    assert TOKEN not in str(caught.value)


def day_rows(day, *campaigns):
    return [(f"202611{day:02}", campaign, "poster", "1") for campaign in campaigns]


ROWS = [*day_rows(9, "a", "b", "c"), *day_rows(10, "a", "b"), *day_rows(11, "a", "b", "c", "d")]
TOTALS = [ok(report("totals", ("20261109", "1"))), ok(report("channels"))]


def slice_of(first, size=4, count=9):
    return ok(report("campaigns", *ROWS[first : first + size], count=count))


def test_pages_begin_with_a_whole_day_and_count_every_row_once(server, client, target):
    server.script = [*TOTALS, slice_of(0), slice_of(3), slice_of(5), ok(report("first_campaigns"))]
    site = target("ga4", "310000001")
    pages = list(SOURCE.fetch(site, WEEK, client(token=TOKEN)))
    assert [json.loads(page.request.body)["offset"] for page in pages[2:5]] == ["0", "3", "5"]
    rows = [row for page in pages[2:] for row in SOURCE.parse(site, page) if row.dimension == "campaign"]
    assert [(f"{row.day:%Y%m%d}", row.member) for row in rows] == [row[:2] for row in ROWS]
    assert {row.value for row in rows} == {1}


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (slice_of(0), "rows moved"),  # the same page again, and for ever
        (slice_of(2), "rows moved"),  # a row came before it
        (slice_of(3, count=8), "rows moved"),  # one was taken away
        (ok(report("campaigns")), "rows moved"),
    ],
)
def test_pages_that_move_while_they_are_read_are_refused(server, client, target, second, says):
    server.script = [*TOTALS, slice_of(0), second]
    pages = SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN))
    with pytest.raises(BadAnswer, match=says):
        list(pages)
    assert server.script == []


def test_a_day_larger_than_a_page_is_refused(server, client, target):
    server.script = [*TOTALS, slice_of(0, 2)]
    with pytest.raises(BadAnswer, match="a single day has more than 2 campaigns"):
        list(SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN)))


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"samplingMetadatas": [{"samplesReadCount": "10", "samplingSpaceSize": "20"}]}, "sample"),
        ({"subjectToThresholding": True}, "withhold"),
        ({"dataLossFromOtherRow": True}, "(other)"),
        ({"dataTruncationReasons": [{"dataTruncationDate": "2026-11-10"}]}, "no longer keeps"),
    ],
)
def test_what_google_says_of_its_numbers_is_in_the_log(server, client, target, caplog, metadata, says):
    server.script = [
        ok(report("totals", ("20261109", "1"), **metadata)),
        ok(report("channels")),
        ok(report("campaigns")),
        ok(report("first_campaigns")),
    ]
    with caplog.at_level(logging.WARNING):
        list(SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN)))
    (message,) = caplog.messages
    assert says in message
    assert "310000001, totals" in message


def test_a_quota_that_is_nearly_used_up_is_in_the_log(server, client, target, caplog):
    totals = report("totals", ("20261109", "1"))
    totals["propertyQuota"] = {
        "tokensPerDay": {"consumed": 6, "remaining": 59},
        "tokensPerHour": {"consumed": 6, "remaining": 60},
        "concurrentRequests": {"consumed": 0, "remaining": 10},
    }
    server.script = [ok(totals), ok(report("channels")), ok(report("campaigns")), ok(report("first_campaigns"))]
    with caplog.at_level(logging.WARNING):
        list(SOURCE.fetch(target("ga4", "310000001"), WEEK, client(token=TOKEN)))
    (message,) = caplog.messages
    assert "59 tokens remain" in message
