"""Google Search Console: Pacific days, days that are not complete, top rows, positions without impressions."""

import datetime as dt
import json

import msgspec
import pytest

from widerview.sources.base import Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.search_console import SOURCE

SITE = "sc-domain:meadow.example"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "ya29.canary-0123456789"


def row(*keys, clicks=2, impressions=40, position=3.5):
    return {
        "keys": list(keys), "clicks": clicks, "impressions": impressions, "ctr": 0.05, "position": position,
    }  # fmt: skip


def answer(*rows, by="byProperty", **metadata):
    content = {"rows": list(rows), "responseAggregationType": by}
    if not rows:
        del content["rows"]
    return content | ({"metadata": metadata} if metadata else {})


@pytest.fixture
def read(page, target):
    """Parses an answer to a question for a week."""

    def run(stream, content, *, window=WEEK, site=SITE, **options):
        question = json.dumps({"startDate": str(window.first), "endDate": str(window.last)})
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        got = page(stream, body, **options)
        got = msgspec.structs.replace(got, request=msgspec.structs.replace(got.request, body=question))
        return list(SOURCE.parse(target("search_console", site), got))

    return run


def values(rows, metric="search_impressions"):
    return {(str(row.day), row.dimension, row.member): row.value for row in rows if row.metric == metric}


def days(rows):
    return [day for day, *_ in values(rows)]


ONE = Window(WEEK.first, WEEK.first)


def test_a_day_and_its_numbers_are_pacific_whatever_the_clients_zone(read):
    rows = read("days", answer(row("2026-11-09", clicks=2.0, impressions="40", position=3.25)), window=ONE)
    assert {row.metric: row.value for row in rows} == {
        "search_impressions": 40, "search_clicks": 2, "search_position": 3.25,
    }  # fmt: skip
    assert {(row.entity, row.entity_id, row.day, row.zone, row.dimension, row.member) for row in rows} == {
        ("site", SITE, WEEK.first, "America/Los_Angeles", "total", "")
    }


def test_a_silent_day_before_one_that_google_still_counts_is_zero(read):
    content = answer(row("2026-11-12"), row("2026-11-14"), first_incomplete_date="2026-11-14")
    window = Window(dt.date(2026, 11, 12), dt.date(2026, 11, 15))
    assert days(read("days", content, window=window)) == ["2026-11-12", "2026-11-13"]


@pytest.mark.parametrize("name", ["first_incomplete_date", "firstIncompleteDate"])
def test_days_that_google_still_counts_are_left_out(read, name):
    content = answer(row("2026-11-12"), row("2026-11-13"), row("2026-11-14"), **{name: "2026-11-13"})
    window = Window(dt.date(2026, 11, 12), dt.date(2026, 11, 15))
    assert days(read("days", content, window=window)) == ["2026-11-12"]


def test_a_day_without_a_row_is_zero_and_has_no_position(read):
    rows = read("days", answer(row("2026-11-10"), row("2026-11-12")))
    assert values(rows) == {
        ("2026-11-09", "total", ""): 0,
        ("2026-11-10", "total", ""): 40,
        ("2026-11-11", "total", ""): 0,
        ("2026-11-12", "total", ""): 40,
    }
    assert values(rows, "search_clicks")["2026-11-11", "total", ""] == 0
    assert values(rows, "search_position")["2026-11-11", "total", ""] is None


def test_nothing_found_at_all_is_not_zero(read):
    assert read("days", answer()) == []


def test_a_day_that_google_may_not_have_got_to_is_not_zero(read):
    # It is 2026-11-21 19:00 in Los Angeles: Google may be days late, and the 21st is not over.
    window = Window(dt.date(2026, 11, 16), dt.date(2026, 11, 21))
    assert days(read("days", answer(row("2026-11-16")), window=window)) == ["2026-11-16"]
    late = answer(row("2026-11-12"), first_incomplete_date="2026-11-20")
    assert days(read("days", late, window=Window(dt.date(2026, 11, 12), window.last))) == ["2026-11-12"]
    newer = answer(row("2026-11-16"), row("2026-11-20"), row("2026-11-21"))
    assert days(read("days", newer, window=window)) == [f"2026-11-{day}" for day in (16, 17, 18, 19, 20)]


def test_queries_and_pages_are_members_of_their_day(read):
    rows = read("queries", answer(row("2026-11-09", "oat loaf"), row("2026-11-09", "Bäckerei", clicks=0)), window=ONE)
    assert values(rows, "search_clicks") == {
        ("2026-11-09", "query", "oat loaf"): 2,
        ("2026-11-09", "query", "Bäckerei"): 0,
    }
    address = "https://meadow.example/?a=b#c"
    rows = read("pages", answer(row("2026-11-09", address), by="byPage"), window=ONE)
    assert values(rows, "search_position") == {("2026-11-09", "page", address): 3.5}
    assert values(rows) == {("2026-11-09", "page", address): 40}


def test_without_impressions_there_is_no_position(read):
    rows = read("days", answer(row("2026-11-09", clicks=0, impressions=0, position=0)), window=ONE)
    assert values(rows, "search_position") == {("2026-11-09", "total", ""): None}


@pytest.mark.parametrize(
    ("stream", "content"),
    [
        ("days", b""),
        ("days", b"{}"),
        ("days", b"<!DOCTYPE html>"),
        ("days", b'{"rows": [{"keys": ["2026-11-09"], "clicks": 2'),
        ("days", answer(row("2026-11-09"), row("2026-11-09"))),
        ("days", answer(row("2026-11-08"))),
        ("days", answer(row("2026-11-31"))),
        ("days", answer(row("oat loaf"))),
        ("days", answer(row("2026-11-09", "oat loaf"))),
        ("days", answer(row())),
        ("days", answer(row("2026-11-09", clicks=-1))),
        ("days", answer(row("2026-11-09", impressions="many"))),
        ("days", answer(row("2026-11-09", impressions=10**300))),
        ("queries", answer(row("2026-11-09"))),
        ("queries", answer(row("2026-11-09", "oat loaf"), row("2026-11-09", "oat loaf"))),
        ("queries", answer(row("2026-11-16", "oat loaf"))),
    ],
)
def test_what_was_not_asked_for_is_refused(read, stream, content):
    with pytest.raises(BadAnswer, match=f"Google Search Console {stream}"):
        read(stream, content)


def test_an_answer_that_failed_gives_no_rows(read):
    assert read("days", answer(row("2026-11-09")), status=500) == []


# --- Asking -------------------------------------------------------------------------------------------------------


def ok(content):
    return (200, {"Content-Type": "application/json"}, json.dumps(content).encode())


def test_queries_and_pages_are_asked_for_complete_days_with_impressions(server, client, target):
    content = answer(
        row("2026-11-09"),
        row("2026-11-11", impressions=0, clicks=0),
        row("2026-11-12"),
        row("2026-11-13"),
        first_incomplete_date="2026-11-13",
    )
    server.script = [ok(content), *[ok(answer(by="byPage"))] * 4]
    http = client(token=TOKEN)
    pages = list(SOURCE.fetch(target("search_console", SITE), WEEK, http))
    questions = [json.loads(page.request.body) for page in pages]
    assert [
        (page.stream, asked["startDate"], asked["endDate"]) for page, asked in zip(pages, questions, strict=True)
    ] == [
        ("days", "2026-11-09", "2026-11-15"),
        ("queries", "2026-11-09", "2026-11-09"),
        ("pages", "2026-11-09", "2026-11-09"),
        ("queries", "2026-11-12", "2026-11-12"),
        ("pages", "2026-11-12", "2026-11-12"),
    ]
    assert [asked["dimensions"] for asked in questions[:3]] == [["date"], ["date", "query"], ["date", "page"]]
    assert {asked["rowLimit"] for asked in questions[1:]} == {100}
    assert {(asked["dataState"], asked["type"]) for asked in questions} == {("all", "web")}
    for page, (method, _, headers, body) in zip(pages, server.seen, strict=True):
        assert (method, headers["Authorization"]) == ("POST", f"Bearer {TOKEN}")
        assert page.request.body == body.decode()
        assert TOKEN not in repr(page)
    assert http.calls < SOURCE.expected_calls(posts=0, days=7)


@pytest.mark.parametrize(
    ("site", "path"),
    [
        (SITE, "/webmasters/v3/sites/sc-domain%3Ameadow.example/searchAnalytics/query"),
        (
            "https://meadow.example/shop/",
            "/webmasters/v3/sites/https%3A%2F%2Fmeadow.example%2Fshop%2F/searchAnalytics/query",
        ),
    ],
)
def test_the_property_is_one_part_of_the_path(server, client, target, site, path):
    server.script = [ok(answer())]
    list(SOURCE.fetch(target("search_console", site), WEEK, client(token=TOKEN)))
    assert [seen[1] for seen in server.seen] == [path]


def error(code, message, reason):
    content = {"code": code, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    return (code, {"Content-Type": "application/json"}, json.dumps({"error": content}).encode())


@pytest.mark.parametrize(
    ("reply", "times", "raised", "says"),
    [
        (
            error(403, "User does not have sufficient permission.", "forbidden"),
            1,
            Unauthorized,
            "Users and permissions",
        ),
        (error(401, "Invalid Credentials", "authError"), 1, Unauthorized, "lives an hour"),
        (error(403, "Quota exceeded.", "quotaExceeded"), 1, RateLimited, "midnight Pacific"),
        (error(403, "Slower.", "rateLimitExceeded"), 5, RateLimited, "Slower"),
        (error(400, "Invalid value at 'dimensions'", "badRequest"), 1, BadAnswer, "Invalid value"),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Login</title>"), 1, BadAnswer, "text/html"),
    ],
)
def test_a_refusal_is_handed_over_and_then_raised(server, client, target, reply, times, raised, says):
    server.script = [reply] * times
    pages = SOURCE.fetch(target("search_console", SITE), WEEK, client(token=TOKEN))
    assert next(pages).body == reply[2]
    with pytest.raises(raised, match="meadow") as caught:
        next(pages)
    assert says in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert server.script == []


def test_a_later_question_that_is_refused_is_raised_too(server, client, target):
    server.script = [ok(answer(row("2026-11-09"))), ok(answer()), error(403, "No.", "forbidden")]
    pages = SOURCE.fetch(target("search_console", SITE), ONE, client(token=TOKEN))
    assert [next(pages).stream for _ in range(3)] == ["days", "queries", "pages"]
    with pytest.raises(Unauthorized):
        next(pages)
