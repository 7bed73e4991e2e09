"""What Meta's Graph APIs share: what a refusal means, how listings are walked, and which day a value is of."""

import datetime as dt
import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources import graph
from widerview.sources.base import Window, stamp
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.graph import Graph
from widerview.sources.http import Turn

TOKEN = "EAABmeadowtoken0123456789"
SECRET = "0123456789abcdef0123456789abcdef"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
TOO_MUCH = {"code": 1, "message": "Please reduce the amount of data you're asking for, then retry your request"}
BAD_METRIC = {"code": 100, "message": "(#100) The value must be a valid insights metric", "type": "OAuthException"}


def refused(status=400, headers=None, **error):
    body = {"error": {"message": "no", "type": "OAuthException", "fbtrace_id": "A1"} | error}
    return status, {"Content-Type": "application/json"} | (headers or {}), json.dumps(body).encode()


def ok(content):
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def asking(http, **options):
    return Graph(http, title="Facebook", account="meadow", renew="Make a new token.", **options)


def queries(server):
    return [
        {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()} for _, path, _, _ in server.seen
    ]


def walk(ask, most=4):
    def turn(page):
        content = json.loads(page.body)
        paging = graph.plain.decode(page, graph.Insights, source="x").paging
        return Turn(graph.next_cursor(paging), len(content["data"]))

    return list(ask.listing("1/published_posts", stream="posts", params={"fields": "id"}, most=most, turn=turn))


def listed(*names, after=None, next_=None):
    cursors = {"cursors": {"before": "b", "after": after or "end"}}
    return ok({"data": [{"name": name} for name in names], "paging": cursors | ({"next": next_} if next_ else {})})


NEXT = "https://graph.facebook.com/v26.0/1/published_posts?access_token=EAABmeadowtoken0123456789&limit=4&after="


@pytest.mark.parametrize(
    ("status", "error", "raised", "told"),
    [
        (400, {"code": 190, "error_subcode": 463}, Unauthorized, "expired"),
        (400, {"code": 190, "error_subcode": 460}, Unauthorized, "password"),
        (401, {"code": 190, "error_subcode": 467}, Unauthorized, "withdrawn"),
        (400, {"code": 190}, Unauthorized, "Make a new token"),
        (400, {"code": 104}, Unauthorized, "dead"),
        (400, {"code": 10}, graph.NoRight, "lacks a right"),
        (403, {"code": 200}, graph.NoRight, "Make a new token"),
        (400, {"code": 4, "is_transient": True}, RateLimited, "in an hour"),
        (400, {"code": 17}, RateLimited, "rate limit"),
        (400, {"code": 32}, RateLimited, "rate limit"),
        (403, {"code": 613}, RateLimited, "rate limit"),
        (400, {"code": 80001}, RateLimited, "rate limit"),
        (400, {"code": 80008}, RateLimited, "rate limit"),
        (400, {"code": 2}, Unavailable, "again later"),
        (400, {"code": 368, "is_transient": True}, Unavailable, "again later"),
        (400, BAD_METRIC, graph.MetricRefused, "valid insights metric"),
        (400, {"code": 100, "error_subcode": 33, "message": "no such metric object"}, NotFound, "may not see it"),
        (404, {"code": 803}, NotFound, "does not exist"),
        (400, {"code": 100, "message": "(#100) Object does not exist, or needs a permission"}, NotFound, "may not see"),
        (400, {"code": 100, "message": "requires an appsecret_proof argument"}, Unauthorized, "client_secret"),
        (400, {"code": 100, "message": "(#100) Tried accessing nonexisting field"}, graph.Refused, "nonexisting"),
        (400, {"code": 10, "message": "(#10) Not enough viewers for the media"}, graph.MetricRefused, "viewers"),
        (200, {"code": 190}, Unauthorized, "dead"),
    ],
)
def test_what_a_refusal_means_is_told_by_its_code(page, status, error, raised, told):
    _, _, body = refused(**error)
    with pytest.raises(raised, match=told) as caught:
        graph.check(page("posts", body, status=status), title="Facebook", account="meadow", renew="Make a new token.")
    assert type(caught.value) is raised
    assert "meadow" in str(caught.value)


def test_without_metas_own_words_the_status_decides(page):
    html = b"<!DOCTYPE html><html><body>Sorry</body></html>"
    with pytest.raises(Unavailable):
        graph.check(page("posts", html, status=502), title="Facebook", account="meadow", renew="")
    with pytest.raises(NotFound):
        graph.check(page("posts", b"[1]", status=404), title="Facebook", account="meadow", renew="")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data":[]', b'{"error":"no"}'])
def test_what_is_no_refusal_is_left_to_the_reader(page, body):
    assert graph.refusal(page("posts", body)) is None


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {
                "X-Business-Use-Case-Usage": '{"1":[{"type":"pages","estimated_time_to_regain_access":7},'
                '{"estimated_time_to_regain_access":0}],"2":[{"estimated_time_to_regain_access":31}]}'
            },
            "2026-11-22 03:31:00 UTC",
        ),
        ({"X-Ad-Account-Usage": '{"acc_id_util_pct":100,"reset_time_duration":90}'}, "2026-11-22 03:01:30 UTC"),
        ({"X-App-Usage": '{"call_count":100,"total_time":5,"total_cputime":5}'}, "in an hour"),
        ({"X-Business-Use-Case-Usage": '{"1":[{"estimated_time_to_regain_access":0}]}'}, "in an hour"),
        ({"X-Business-Use-Case-Usage": "not json"}, "in an hour"),
        ({"X-Business-Use-Case-Usage": '{"1":[{"estimated_time_to_regain_access":-5}]}'}, "in an hour"),
    ],
)
def test_a_spent_limit_says_when_to_come_back_and_is_not_asked_again(server, client, clock, headers, told):
    server.script = [refused(code=32, message="(#32) Page request limit reached", headers=headers)]
    ask = asking(client(token=TOKEN))
    with pytest.raises(RateLimited, match=told):
        ask.check(ask.get("1", stream="account", params={}))
    assert len(server.seen) == 1
    assert clock.slept == []


@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80001, 80008])
def test_a_spent_limit_that_calls_itself_transient_is_not_asked_again_either(server, client, code):
    server.script = [refused(code=code, is_transient=True)]
    ask = asking(client(token=TOKEN))
    with pytest.raises(RateLimited):
        ask.check(ask.get("1", stream="account", params={}))
    assert len(server.seen) == 1


def test_a_moment_of_weakness_is_asked_again(server, client, clock):
    server.script = [refused(code=2, is_transient=True), refused(code=1, message="An unknown error"), ok({"id": "1"})]
    page = asking(client(token=TOKEN)).get("1", stream="account", params={})
    assert json.loads(page.body) == {"id": "1"}
    assert len(clock.slept) == 2


def test_a_weakness_that_lasts_is_left_to_the_scheduler(server, client):
    server.script = [refused(code=2)] * 9
    http = client(token=TOKEN)
    ask = asking(http)
    with pytest.raises(Unavailable):
        ask.read(ask.get("1", stream="account", params={}), dict)
    assert 2 <= http.calls <= 5


def test_the_token_goes_out_in_a_header_and_nowhere_else(server, client):
    server.script = [ok({"paging": {"next": f"https://graph.facebook.com/v26.0/1?access_token={TOKEN}"}})]
    page = asking(client(token=TOKEN)).get("1/insights", stream="insights", params={"metric": "a"})
    [(_, path, headers, _)] = server.seen
    assert urlsplit(path).path == "/v26.0/1/insights"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert page.request.params == {"metric": "a"}
    assert TOKEN.encode() not in page.body


def test_another_version_and_another_token_can_be_named(server, client):
    server.script = [ok({})]
    asking(client(token=TOKEN), version="v1.0", token="pagetoken").get("me", stream="account", params={})
    [(_, path, headers, _)] = server.seen
    assert urlsplit(path).path == "/v1.0/me"
    assert headers["Authorization"] == "Bearer pagetoken"


def test_the_apps_secret_proves_every_call_and_is_nowhere_kept(server, client):
    proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    server.script = [ok({"next": f"https://graph.facebook.com/?appsecret_proof={proof}"})]
    page = asking(client(token=TOKEN), app_secret=SECRET).get("1", stream="account", params={})
    assert queries(server) == [{"appsecret_proof": proof}]
    assert page.request.params == {}
    assert proof.encode() not in page.body


def test_without_a_token_nothing_is_asked(client):
    with pytest.raises(Unauthorized, match="holds no token"):
        asking(client())


def test_a_listing_ends_where_next_is_missing_whatever_its_cursors_say(server, client):
    server.script = [listed("a", "b", after="AB", next_=f"{NEXT}AB"), listed("c", after="CC")]
    assert len(walk(asking(client(token=TOKEN)))) == 2
    assert queries(server) == [{"fields": "id", "limit": "4"}, {"fields": "id", "limit": "4", "after": "AB"}]


def test_a_listing_that_leads_on_by_time_is_followed_by_time(server, client):
    onward = (
        f"https://graph.facebook.com/v26.0/1/posts?access_token={TOKEN}&pretty=0&fields=id&until=1624385168"
        "&since&__paging_token=enc_AdB&__previous&limit=25"
    )
    server.script = [ok({"data": [{"name": "a"}], "paging": {"previous": "x", "next": onward}}), ok({"data": []})]
    pages = walk(asking(client(token=TOKEN)))
    assert len(pages) == 2
    assert pages[1].request.params == {
        "fields": "id",
        "limit": "4",
        "until": "1624385168",
        "since": "",
        "__paging_token": "enc_AdB",
        "__previous": "",
    }


def test_a_circle_of_pages_is_left(server, client):
    server.script = [listed("a", after="AA", next_=f"{NEXT}AA")] * 9
    with pytest.raises(BadAnswer, match="circle"):
        walk(asking(client(token=TOKEN)))
    assert len(server.seen) == 2


def test_too_large_an_answer_is_asked_for_in_halves_from_where_it_was(server, client):
    server.script = [
        listed("a", "b", after="AB", next_=f"{NEXT}AB"),
        refused(**TOO_MUCH),
        refused(**TOO_MUCH),
        listed("c", after="CC", next_=f"{NEXT}CC"),
        listed("d"),
    ]
    pages = walk(asking(client(token=TOKEN)))
    asked = [(query["limit"], query.get("after")) for query in queries(server)]
    assert asked == [("4", None), ("4", "AB"), ("2", "AB"), ("1", "AB"), ("1", "CC")]
    assert [graph.is_good(page) for page in pages] == [True, False, False, True, True]


def test_too_large_an_answer_with_status_500_is_not_asked_for_again_as_it_is(server, client, clock):
    server.script = [refused(500, **TOO_MUCH), listed("a")]
    walk(asking(client(token=TOKEN)))
    assert [query["limit"] for query in queries(server)] == ["4", "2"]
    assert clock.slept == []


def test_what_a_call_is_about_is_noted_and_not_sent(server, client, page):
    server.script = [ok({})]
    asked = asking(client(token=TOKEN)).get("9", stream="posts", params={}, about={"account": "1"})
    assert queries(server) == [{}]
    assert graph.noted_account(asked, title="Facebook") == "1"
    with pytest.raises(BadAnswer, match=r"Facebook posts .* does not say for which account"):
        graph.noted_account(page("posts"), title="Facebook")


def test_an_item_that_is_too_large_by_itself_ends_the_listing(server, client):
    server.script = [refused(**TOO_MUCH)] * 3
    with pytest.raises(Unavailable, match="reduce the amount"):
        walk(asking(client(token=TOKEN)))
    assert [query["limit"] for query in queries(server)] == ["4", "2", "1"]


def test_a_page_that_is_no_good_is_handed_over_before_it_ends_the_listing(server, client):
    server.script = [refused(code=190)]
    ask = asking(client(token=TOKEN))
    pages = ask.listing("1/posts", stream="posts", params={}, most=4, turn=lambda page: Turn(None, 0))
    assert next(pages).status == 400
    with pytest.raises(Unauthorized):
        next(pages)


@pytest.mark.parametrize("refusal", [graph.MetricRefused, graph.NoRight])
def test_a_metric_that_is_withheld_costs_no_other_its_listing(client, page, refusal):
    walks = []

    def walking(metrics):
        walks.append(tuple(metrics))
        yield page("posts", f"first page of {len(metrics)}".encode())
        if "dead" in metrics:
            raise refusal("no")
        yield page("posts", f"last page of {len(metrics)}".encode())

    ask = asking(client(token=TOKEN))
    pages = list(graph.listings_in_groups(ask, ["a", "b", "dead", "c"], walking))
    assert walks == [("a", "b", "dead", "c"), ("a", "b"), ("dead", "c"), ("dead",), ("c",)]
    assert sum(page.body.startswith(b"last") for page in pages) == 2
    assert list(graph.listings_in_groups(ask, [], walking)) == []


NO_PERMISSION = {"code": 200, "message": "(#200) This Page does not have permission to read this metric"}


@pytest.mark.parametrize("given", [ok({"data": []}), None])
def test_a_right_that_is_missing_for_every_number_is_the_tokens(server, client, given):
    ask = asking(client(token=TOKEN))

    def get(metrics):
        return ask.get("1/insights", stream="insights", params={"metric": ",".join(metrics)})

    gone = set()
    server.script = [refused(**NO_PERMISSION)] * 2 + [given or refused(**NO_PERMISSION)]
    assert len(list(ask.numbers(["a", "b"], 2, get, gone))) == 3
    assert gone == ({"a"} if given else {"a", "b"})
    server.script = [ok({"data": []})] if given else []
    assert len(list(ask.numbers(["a", "b"], 2, get, gone))) == len(gone) % 2, "what is gone is not asked for again"
    if given:
        ask.check_right_to_numbers()
    else:
        with pytest.raises(graph.NoRight, match=r"meadow.*lacks a right.*Make a new token.*#200"):
            ask.check_right_to_numbers()


@pytest.mark.parametrize("halves", [True, False])
def test_too_few_people_are_a_reason_to_look_for_the_metric_only_if_said_so(server, client, halves):
    ask = asking(client(token=TOKEN))

    def get(metrics):
        return ask.get("1/insights", stream="insights", params={"metric": ",".join(metrics)})

    few = refused(code=10, message="(#10) Not enough viewers")
    server.script = [few, few, ok({"data": []})] if halves else [few]
    gone = set()
    list(ask.numbers(["a", "b"], 2, get, gone, too_few=halves))
    assert server.script == []
    assert gone == ({"a"} if halves else set())
    ask.check_right_to_numbers()


def test_a_batch_is_read_as_if_each_call_had_been_made(page):
    calls = [
        {"relative_url": f"{number}?fields=id%2Cinsights.metric%28views%29", "method": "GET"} for number in (1, 2, 3)
    ]
    answers = [{"code": 200, "body": '{"id":"1"}'}, None, {"code": 400, "body": json.dumps({"error": BAD_METRIC})}]
    whole = page("post_insights", json.dumps(answers).encode(), params={"batch": json.dumps(calls)})
    first, third = graph.unfolded(whole, title="Instagram")
    assert (first.request.url, first.body) == (f"{whole.request.url}1", b'{"id":"1"}')
    assert graph.asked_metrics(third) == ["views"]
    assert graph.is_metric_refused(third)
    with pytest.raises(BadAnswer, match="1 answers to 3 calls"):
        graph.unfolded(msgspec.structs.replace(whole, body=b"[null]"), title="Instagram")


def test_a_metric_refused_alone_is_unavailable_and_never_zero(page, target):
    body = json.dumps({"error": BAD_METRIC}).encode()
    canonical = {"page_media_view": ("views", "paid_views"), "page_x": ("reach",)}
    meadow = target("facebook", "meadow")

    def rows(metric, body=body, name="metric"):
        refusal = page("insights", body, status=400, params={name: metric})
        return list(graph.unavailable(stamp(meadow, refusal), refusal, canonical))

    assert [(row.metric, row.native_metric) for row in rows("page_media_view")] == [
        ("views", "page_media_view"),
        ("paid_views", "page_media_view"),
    ]
    assert rows("page_x")[0].reason == BAD_METRIC["message"]
    assert rows("page_media_view,page_x") == []
    assert rows("id,insights.metric(page_x).period(lifetime)", name="fields")[0].metric == "reach"
    assert rows("id,insights.metric(page_media_view,page_x)", name="fields") == []
    assert rows("id,message", name="fields") == []
    assert rows("page_x", b'{"error":{"code":190,"message":"Invalid metric of a token"}}') == []
    assert rows("page_x", b'{"data":[]}') == []


@pytest.mark.parametrize(
    ("end_time", "day"),
    [
        ("2026-11-10T08:00:00+00:00", dt.date(2026, 11, 9)),  # winter: midnight is 08:00 UTC
        ("2026-07-10T07:00:00+00:00", dt.date(2026, 7, 9)),  # summer: 07:00
        ("2026-11-10T07:00:00+00:00", dt.date(2026, 11, 9)),  # still the summer's hour
        ("2026-07-10T08:00:00+00:00", dt.date(2026, 7, 9)),  # already the winter's
        ("2026-11-02T08:00:00+00:00", dt.date(2026, 11, 1)),  # the day of 25 hours
        ("2026-03-09T07:00:00+00:00", dt.date(2026, 3, 8)),  # the day of 23 hours
        ("2026-01-01T00:00:00-08:00", dt.date(2025, 12, 31)),
    ],
)
def test_a_value_is_of_the_day_that_was_over(end_time, day):
    assert graph.pacific_day(dt.datetime.fromisoformat(end_time)) == day


@given(st.dates(dt.date(2015, 1, 1), dt.date(2035, 1, 1)))
def test_a_day_is_over_when_the_next_begins(day):
    begins, ends = (graph.pacific_midnight(each) for each in (day, day + dt.timedelta(days=1)))
    assert ends - begins in {23 * 3600, 24 * 3600, 25 * 3600}
    over = dt.datetime.fromtimestamp(ends, dt.UTC)
    assert graph.pacific_day(over) == day
    assert graph.is_over(day, over)
    assert not graph.is_over(day, over - dt.timedelta(seconds=1))


def test_a_day_before_all_days_is_no_answer():
    with pytest.raises(BadAnswer):
        graph.pacific_day(dt.datetime(1, 1, 1, tzinfo=dt.UTC))


@given(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)), st.integers(0, 400), st.integers(1, 90))
def test_spans_hold_every_day_once(first, days, most):
    last = first + dt.timedelta(days=days)
    spans = list(graph.spans(first, last, most))
    found = [begins + dt.timedelta(days=n) for begins, ends in spans for n in range((ends - begins).days + 1)]
    assert found == [first + dt.timedelta(days=n) for n in range(days + 1)]
    assert all((ends - begins).days < most for begins, ends in spans)


def test_the_last_days_that_are_over_are_asked_for_one_by_one(page):
    window = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 3))
    evening = dt.datetime(2026, 11, 4, 7, 59, 59, tzinfo=dt.UTC)  # still the 3rd in California
    settings = {"lookback_days": 30, "earliest": dt.date(2026, 11, 1)}
    asked = list(graph.last_days(window, evening, **settings))
    assert asked == [
        {"since": "1793516400", "until": "1793606399"},  # the day of 25 hours
        {"since": "1793606400", "until": "1793692799"},
    ]
    assert [graph.asked_day(page("insights", params=times)).day for times in asked] == [1, 2]
    earlier = Window(dt.date(2026, 10, 20), window.last)
    assert list(graph.last_days(earlier, evening, **settings)) == asked
    assert len(list(graph.last_days(window, evening + dt.timedelta(seconds=1), **settings))) == 3


@pytest.mark.parametrize(("days", "asked"), [(1, 1), (7, 7), (8, 7), (31, 7), (32, 32), (61, 61)])
def test_the_last_seven_days_are_asked_for_or_all_of_a_window_longer_than_the_daily_one(days, asked):
    assert graph.days_asked(days, 30) == asked


@pytest.mark.parametrize(("value", "stored"), [(3, 3.0), (0, 0.0), (None, None), (-7, -7.0)])
def test_a_value_of_a_day_belongs_to_the_account_whose_edge_was_asked_for(page, target, value, stored):
    answer = page("insights", url="https://graph.facebook.com/v26.0/17/insights")
    row = graph.day_row(stamp(target("facebook", "meadow"), answer), answer, dt.date(2026, 11, 9), "views", value)
    assert (row.entity_id, row.day, row.zone, row.value) == ("17", dt.date(2026, 11, 9), "America/Los_Angeles", stored)


def exchanged(http):
    return graph.exchange(
        http,
        "v26.0/oauth/access_token",
        title="Facebook",
        renew="Make a new token.",
        params={"grant_type": "fb_exchange_token"},
        secret_params={"client_secret": SECRET, "fb_exchange_token": TOKEN},
    )


def test_a_token_is_exchanged(server, client):
    server.script = [ok({"access_token": "EAABnew", "token_type": "bearer", "expires_in": 5184000})]
    tokens = exchanged(client(token=TOKEN))
    assert (tokens.token, tokens.expires_at) == ("EAABnew", NOW + dt.timedelta(days=60))
    assert queries(server)[0]["fb_exchange_token"] == TOKEN


def test_the_same_token_with_more_days_is_told_as_it_is(server, client):
    server.script = [ok({"access_token": TOKEN, "expires_in": 5184000})]
    assert exchanged(client(token=TOKEN)).token == TOKEN


@pytest.mark.parametrize("told", [{}, {"expires_in": 0}])
def test_a_token_without_an_end_has_none(server, client, told):
    server.script = [ok({"access_token": "EAABnew"} | told)]
    assert exchanged(client(token=TOKEN)).expires_at is None


def test_a_dead_token_cannot_be_exchanged(server, client):
    server.script = [refused(code=190, error_subcode=463)]
    with pytest.raises(Unauthorized, match=r"expired\. Make a new token"):
        exchanged(client(token=TOKEN))


@pytest.mark.parametrize(
    "body", [b'{"access_token":"EAABnew","expi', b'{"access_token":""}', b"[]", b'{"token":"EAABnew"}']
)
def test_no_message_quotes_an_answer_that_holds_a_token(server, client, body):
    server.script = [(200, {}, body)]
    with pytest.raises(BadAnswer) as caught:
        exchanged(client(token=TOKEN))
    assert "EAABnew" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_hashtags_and_links_of_a_text():
    text = "#Bread &#39; #2026 #b2b (see https://a.example/x?utm_id=fb#top). https://b.example, #bread a#no #überall"
    assert graph.tags_in(text) == ("bread", "b2b", "überall")
    assert graph.links_in(text) == ("https://a.example/x?utm_id=fb#top", "https://b.example")


def test_numbers_may_come_as_text_and_values_by_kind(page):
    body = (
        b'{"data":[{"name":"a","period":"day","values":[{"value":"3","end_time":"2026-11-10T08:00:00+0000",'
        b'"is_from_ads":"1"},{"value":{"like":"2"}},{"value":null},{}]}]}'
    )
    values = graph.plain.decode(page("insights", body), graph.Insights, source="Facebook").data[0].values
    assert [value.value for value in values] == [3, {"like": 2}, None, None]
    assert (values[0].is_from_ads, values[0].end_time) == (1, dt.datetime(2026, 11, 10, 8, tzinfo=dt.UTC))


@pytest.mark.parametrize("value", ["1e300", "9223372036854775808", "-1e19", '"9e99"'])
def test_numbers_that_fit_no_warehouse_are_no_answer(page, value):
    body = b'{"data":[{"name":"a","values":[{"value":%s}]}]}' % value.encode()
    with pytest.raises(BadAnswer):
        graph.plain.decode(page("insights", body), graph.Insights, source="Facebook")
