"""Facebook: the Page, its days, posts with comments and numbers, and what happens when Facebook refuses a part."""

import datetime as dt
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from widerview.sources.base import AccountRow, CommentRow, CounterRow, DayRow, PostRow, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.facebook import SOURCE

REF = "meadowbakery"
PAGE = "102030405060708"
TOKEN = "EAABsystemuser0123456789"
PAGE_TOKEN = "EAABpagetoken0123456789"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
ACCOUNT = {
    "id": PAGE,
    "name": "Meadow Bakery",
    "username": "meadowbakery",
    "link": f"https://www.facebook.com/{PAGE}",
    "followers_count": 1204,
}


def ok(content):
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def refused(code, message="no", **error):
    body = {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"} | error}
    return 400, {"Content-Type": "application/json"}, json.dumps(body).encode()


BAD_METRIC = refused(100, "(#100) The value must be a valid insights metric")
NO_COMMENTS = refused(10, "(#10) This endpoint requires the 'pages_read_user_content' permission")


def post(number, created="2026-11-12T09:00:00+0000", **changes):
    return {
        "id": f"{PAGE}_{number}",
        "created_time": created,
        "message": f"post {number}",
        "permalink_url": f"https://www.facebook.com/{PAGE}/posts/{number}",
        "status_type": "mobile_status_update",
        "shares": {"count": 2},
        "reactions": {"data": [], "summary": {"total_count": 7, "viewer_reaction": "NONE"}},
        "comments": {"data": [], "summary": {"order": "reverse_chronological", "total_count": 0, "can_comment": True}},
        **changes,
    }


def comment(number, by, created="2026-11-12T10:00:00+0000", **changes):
    return {
        "id": f"1_{number}",
        "from": {"id": by},
        "created_time": created,
        "message": f"comment {number}",
        "permalink_url": f"https://www.facebook.com/{PAGE}/posts/1/?comment_id={number}",
        **changes,
    }


def day(name, *values, period="day"):
    return {"name": name, "period": period, "values": list(values), "title": name, "id": f"{PAGE}/insights/{name}/day"}


def value(number, end_time="2026-11-13T08:00:00+0000", **more):
    return {"value": number, "end_time": end_time} | more


def ends(last="2026-11-16"):
    """The `until` that a pull of the days up to the 15th asks for."""
    return str(int(dt.datetime.fromisoformat(f"{last}T08:00:00+00:00").timestamp()) + 86400)


EMPTY = ok({"data": []})
START = [ok({"id": PAGE, "access_token": PAGE_TOKEN}), ok(ACCOUNT)]
DAYS = [EMPTY] * 3


def fetch(server, client, target, script, window=WEEK, views=EMPTY, **options):
    server.script = [*script, views]
    http = client(**{"token": TOKEN} | options)
    return list(SOURCE.fetch(target("facebook", REF), window, http))


def rows_of(target, pages):
    return [row for page in pages for row in SOURCE.parse(target("facebook", REF), page)]


def asked(server):
    """Path and query of every call."""
    parts = [urlsplit(path) for _, path, _, _ in server.seen]
    return [(part.path, {name: values[0] for name, values in parse_qs(part.query).items()}) for part in parts]


@pytest.fixture
def parse(page, target):
    """Reads a page as if it had come in a pull: `parse("posts", content, fields=..., status=...)`."""

    def read(stream, content, status=200, **params):
        edge = {"account": "", "insights": "/insights"}.get(stream, "/published_posts")
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        url = f"https://graph.facebook.com/v26.0/{PAGE}{edge}"
        return list(SOURCE.parse(target("facebook", REF), page(stream, body, status=status, url=url, params=params)))

    return read


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_a_pull_asks_each_thing_once(server, client, target):
    pages = fetch(server, client, target, [*START, *DAYS, ok({"data": [post(1)]})])
    assert [path for path, _ in asked(server)] == [
        f"/v26.0/{REF}",
        f"/v26.0/{REF}",
        *[f"/v26.0/{PAGE}/insights"] * 3,
        *[f"/v26.0/{PAGE}/published_posts"] * 2,
    ]
    assert len(server.seen) < SOURCE.expected_calls(posts=1, days=7)
    assert [page.stream for page in pages] == ["account", *["insights"] * 3, "posts", "post_insights"]
    posts, views = [query["fields"] for path, query in asked(server) if path.endswith("/published_posts")]
    assert "insights.metric(post_total_media_view_unique," in posts
    assert views == "id,created_time,insights.metric(post_media_view).period(lifetime).breakdown(is_from_ads)"
    assert ".as(" not in posts, "new apps may not name fields"


def test_the_pages_own_token_is_used_and_nowhere_kept(server, client, target):
    onward = f"https://graph.facebook.com/v26.0/{PAGE}/published_posts?access_token={PAGE_TOKEN}&after=A"
    first = ok({"data": [post(1)], "paging": {"cursors": {"after": "A"}, "next": onward}})
    pages = fetch(server, client, target, [*START, *DAYS, first, EMPTY])
    sent = [headers["Authorization"] for _, _, headers, _ in server.seen]
    assert sent == [f"Bearer {TOKEN}", *[f"Bearer {PAGE_TOKEN}"] * (len(sent) - 1)]
    kept = b"".join(page.body + repr(page.request).encode() for page in pages)
    assert TOKEN.encode() not in kept
    assert PAGE_TOKEN.encode() not in kept


def test_where_facebook_gives_no_page_token_the_connections_is_used(server, client, target):
    fetch(server, client, target, [ok({"id": PAGE}), ok(ACCOUNT), *DAYS, EMPTY])
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {TOKEN}"}


def test_a_connection_may_hold_the_pages_own_token(server, client, target):
    own = ok({"id": PAGE, "access_token": TOKEN})
    fetch(server, client, target, [own, ok(ACCOUNT), *DAYS, EMPTY])
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {TOKEN}"}


def test_the_days_are_asked_for_on_pacific_time_and_a_day_longer(server, client, target):
    fetch(server, client, target, [*START, *DAYS, EMPTY])
    queries = [query for path, query in asked(server) if path.endswith("/insights")]
    midnight = int(dt.datetime(2026, 11, 9, 8, tzinfo=dt.UTC).timestamp())
    assert {query["since"] for query in queries} == {str(midnight)}
    assert {query["until"] for query in queries} == {str(midnight + 8 * 86400)}
    assert {query["period"] for query in queries} == {"day"}
    assert [query.get("breakdown") for query in queries] == ["is_from_ads", None, None]
    named = [query["metric"].split(",") for query in queries]
    assert [len(metrics) for metrics in named] == [1, 4, 3]


def test_nothing_is_asked_of_the_time_to_come(server, client, target):
    yesterday = NOW.date() - dt.timedelta(days=1)
    fetch(server, client, target, [*START, *DAYS, EMPTY], Window(yesterday, yesterday))
    queries = [query for path, query in asked(server) if path.endswith("/insights")]
    assert {query["until"] for query in queries} == {str(int(NOW.timestamp()))}


def test_many_days_are_asked_for_in_spans_that_facebook_allows(server, client, target):
    window = Window(dt.date(2026, 5, 1), dt.date(2026, 11, 15))
    fetch(server, client, target, [*START, *DAYS * 3, EMPTY], window)
    queries = [query for path, query in asked(server) if path.endswith("/insights")]
    assert len(queries) == 9
    assert all(int(query["until"]) - int(query["since"]) <= 90 * 86400 + 3600 for query in queries)
    assert SOURCE.expected_calls(posts=0, days=199) == len(server.seen)


def test_posts_are_read_from_the_first_day_on_in_the_clients_zone(server, client, target):
    fetch(server, client, target, [*START, *DAYS, EMPTY])
    queries = [query for path, query in asked(server) if path.endswith("/published_posts")]
    opens = int(dt.datetime.fromisoformat("2026-11-09T00:00:00+01:00").timestamp())
    assert {query["since"] for query in queries} == {str(opens)}
    assert [query["limit"] for query in queries] == ["100", "100"]


def test_reading_stops_at_posts_before_the_first_day_even_if_facebook_goes_on(server, client, target):
    onward = {"cursors": {"after": "A"}, "next": "https://graph.facebook.com/v26.0/1/published_posts?after=A"}
    old = ok({"data": [post(2), post(1, "2026-11-08T22:59:59+0000")], "paging": onward})
    pages = fetch(server, client, target, [*START, *DAYS, old])
    assert len(pages) == 6


def test_a_missing_right_to_comments_costs_the_comments_alone(server, client, target):
    plain = {name: part for name, part in post(1).items() if name != "comments"}
    pages = fetch(server, client, target, [*START, *DAYS, NO_COMMENTS, ok({"data": [plain]})])
    fields = [query["fields"] for path, query in asked(server) if path.endswith("/published_posts")]
    assert "comments.filter(stream)" in fields[0]
    assert "comments" not in fields[1]
    [note, found] = [row for row in rows_of(target, pages) if not isinstance(row, AccountRow)]
    assert isinstance(note, UnavailableRow)
    assert (note.metric, note.native_metric) == ("replies", "comments")
    assert "pages_read_user_content" in note.reason
    assert found.counts == {"likes": 7, "replies": None, "shares": 2}


def test_a_token_without_rights_to_posts_ends_the_pull(server, client, target):
    no_posts = refused(200, "(#200) Requires a permission")
    with pytest.raises(Unauthorized, match="lacks a right"):
        fetch(server, client, target, [*START, *DAYS, NO_COMMENTS, *[no_posts] * 11])
    assert server.script == [EMPTY], "it is not asked for long"


def test_a_metric_of_days_that_is_given_up_costs_no_other(server, client, target):
    def answer(handler):
        metrics = parse_qs(urlsplit(handler.path).query)["metric"][0].split(",")
        good = ok({"data": [day(name, value(5)) for name in metrics]})
        status, _, body = BAD_METRIC if "page_video_views" in metrics else good
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    pages = fetch(server, client, target, [*START, *[answer] * 7, EMPTY])
    found = rows_of(target, pages)
    [note] = [row for row in found if isinstance(row, UnavailableRow)]
    assert (note.metric, note.native_metric) == ("video_views", "page_video_views")
    assert {row.metric for row in found if isinstance(row, DayRow)} == {
        "viewers",
        "engagements",
        "profile_views",
        "follows",
        "unfollows",
        "profile_link_clicks",
    }


NO_PERMISSION = refused(200, "(#200) This Page does not have permission to read this metric")
TOO_FEW = refused(10, "(#10) Not enough viewers for the metric")


def small_page(refuses, *, right_to_comments=True):
    """Answers whatever is asked of a Page with one post, with what is refused of its metrics."""

    def answer(handler):
        where = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        fields, metrics = query.get("fields", ""), query.get("metric", "").split(",")
        if where.path.endswith("/insights"):
            content = ok({"data": [day(name, value(5, is_from_ads="0")) for name in metrics]})
        elif where.path.endswith("/published_posts"):
            metrics = fields.partition("insights.metric(")[2].partition(")")[0].split(",")
            numbers = [day(name, {"value": 3, "is_from_ads": "0"}, period="lifetime") for name in metrics if name]
            content = ok({"data": [post(1, **({"insights": {"data": numbers}} if numbers else {}))]})
            content = content if right_to_comments or "comments.filter" not in fields else NO_COMMENTS
        else:
            content = ok(ACCOUNT | {"access_token": PAGE_TOKEN})
        found = [refusal for metric in metrics if metric and (refusal := refuses(metric))]
        status, _, body = found[0] if found else content
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return [answer] * 60


@pytest.mark.parametrize("refusal", [NO_PERMISSION, TOO_FEW])
@pytest.mark.parametrize("right_to_comments", [True, False])
def test_a_metric_that_facebook_withholds_from_a_small_page_costs_itself_alone(
    server, client, target, refusal, right_to_comments
):
    script = small_page(
        lambda metric: refusal if metric.endswith("_total_media_view_unique") else None,
        right_to_comments=right_to_comments,
    )
    pages = fetch(server, client, target, script)
    found = rows_of(target, pages)
    notes = {(row.metric, row.native_metric): row for row in found if isinstance(row, UnavailableRow)}
    withheld = {("viewers", "page_total_media_view_unique"), ("viewers", "post_total_media_view_unique")}
    assert notes.keys() == withheld | (set() if right_to_comments else {("replies", "comments")})
    assert {row.observed_at for row in notes.values()} == {NOW}, "the date from which it is missing"
    days = {row.metric for row in found if isinstance(row, DayRow)}
    assert days == {"views", "engagements", "profile_views", "video_views", "follows", "unfollows",
                    "profile_link_clicks"}  # fmt: skip
    [row] = [row for row in found if isinstance(row, PostRow)]
    assert row.counts.keys() >= {"clicks", "video_views", "watch_time"}
    assert "viewers" not in row.counts
    assert len(pages) <= 22


def test_a_token_without_a_right_to_any_number_ends_the_pull_once_all_else_is_told(server, client, target):
    server.script = small_page(lambda metric: NO_PERMISSION)
    pages = []
    with pytest.raises(Unauthorized, match=r"meadowbakery.*lacks a right.*read_insights at https://business"):
        for page in SOURCE.fetch(target("facebook", REF), WEEK, client(token=TOKEN)):
            pages.append(page)
    assert [row.post_id for row in rows_of(target, pages) if isinstance(row, PostRow)] == [f"{PAGE}_1"]
    assert len(pages) < SOURCE.call_budget / 2


def test_views_that_are_given_up_cost_no_other_metric(server, client, target):
    script = [*START, BAD_METRIC, ok({"data": [day("page_total_media_view_unique", value(5))]}), EMPTY, EMPTY]
    found = rows_of(target, fetch(server, client, target, script, views=BAD_METRIC))
    notes = [(row.metric, row.native_metric) for row in found if isinstance(row, UnavailableRow)]
    assert notes == [
        *(("views", "page_media_view"), ("paid_views", "page_media_view")),
        *(("views", "post_media_view"), ("paid_views", "post_media_view")),
    ]
    assert [row.metric for row in found if isinstance(row, DayRow)] == ["viewers"]


NATIVE = {
    "post_total_media_view_unique": {"viewers"},
    "post_clicks": {"clicks"},
    "post_clicks_by_type": {"link_clicks"},
    "post_video_views": {"video_views"},
    "post_video_view_time": {"watch_time"},
}


def listing(refuses):
    """Answers a listing of one post with the numbers that are asked for, or with what is refused of its fields."""

    def answer(handler):
        fields = parse_qs(urlsplit(handler.path).query)["fields"][0]
        status, _, body = refuses(fields) or ok({"data": [post(1, **told(fields))]})
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def told(fields):
        names = fields.partition("insights.metric(")[2].partition(")")[0].split(",")
        numbers = [day(name, {"value": {"link clicks": 3} if name == "post_clicks_by_type" else 3}, period="lifetime")
                   for name in names if name]  # fmt: skip
        return {"insights": {"data": numbers}} if numbers else {}

    return answer


@pytest.mark.parametrize("dead", NATIVE)
def test_a_metric_of_posts_that_is_given_up_costs_no_other_and_few_calls(server, client, target, dead):
    answer = listing(lambda fields: BAD_METRIC if re.search(rf"\b{dead}\b", fields) else None)
    pages = fetch(server, client, target, [*START, *DAYS, *[answer] * 12])
    found = rows_of(target, pages)
    assert {row.metric for row in found if isinstance(row, UnavailableRow)} == NATIVE[dead]
    [row] = [row for row in found if isinstance(row, PostRow)]
    kept = set().union(*NATIVE.values()) - NATIVE[dead]
    assert kept == row.counts.keys() - {"likes", "replies", "shares"}
    assert len(server.script) >= 12 - 8


def test_where_facebook_gives_no_numbers_with_posts_they_come_by_themselves(server, client, target):
    refusal = refused(100, "(#100) Something new")
    answer = listing(lambda fields: refusal if "message" in fields and "insights" in fields else None)
    found = rows_of(target, fetch(server, client, target, [*START, *DAYS, *[answer] * 3]))
    assert len([row for row in found if isinstance(row, PostRow)]) == 1
    [row] = [row for row in found if isinstance(row, CounterRow)]
    assert row.counts.keys() == set().union(*NATIVE.values())
    assert server.script == []


def test_views_are_asked_of_the_newest_hundred_posts(server, client, target):
    def answer(handler):
        query = parse_qs(urlsplit(handler.path).query)
        start = int(query.get("after", ["0"])[0])
        posts = [post(number) for number in range(start, start + 100)]
        onward = {"cursors": {"after": str(start + 100)}, "next": "https://graph.facebook.com/"} if start < 200 else {}
        body = ok({"data": posts, "paging": onward})[2]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    pages = fetch(server, client, target, [*START, *DAYS, *[answer] * 3], views=answer)
    assert [page.stream for page in pages][-4:] == ["posts", "posts", "posts", "post_insights"]


def test_each_metric_can_be_asked_for_alone(server, client, target):
    script = [*START, *[EMPTY] * 8, *[EMPTY] * 5, EMPTY]
    fetch(server, client, target, script, one_metric_a_call=True)
    assert server.script == []
    named = [query["metric"] for path, query in asked(server) if path.endswith("/insights")]
    assert len(named) == len(set(named)) == 8
    assert not any("," in metric for metric in named)


def test_an_app_that_demands_it_gets_its_proof(server, client, target):
    secret = "0123456789abcdef0123456789abcdef"
    fetch(server, client, target, [*START, *DAYS, EMPTY], extra={"client_secret": secret})
    proofs = [query["appsecret_proof"] for _, query in asked(server)]
    assert len(set(proofs[1:])) == 1
    assert proofs[0] != proofs[1]  # the Page's token has a proof of its own


# -- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "raised", "told"),
    [
        (refused(190, "Session has expired", error_subcode=463), Unauthorized, "meadowbakery.*expired.*system-users"),
        (refused(803, "(#803) Some of the aliases you requested do not exist"), NotFound, "meadowbakery"),
        (refused(32, "(#32) Page request limit reached"), RateLimited, "hour"),
        ((200, {"Content-Type": "text/html"}, b"<html><body>Sorry</body></html>"), BadAnswer, "of 31 bytes"),
        ((302, {"Location": "https://login.example/"}, b""), BadAnswer, "redirect"),
    ],
)
def test_the_first_refusal_is_kept_and_told(server, client, target, answer, raised, told):
    server.script = [answer]
    pages = []
    with pytest.raises(raised, match=told):
        pages.extend(SOURCE.fetch(target("facebook", REF), WEEK, client(token=TOKEN)))
    assert len(server.seen) == 1


def test_a_refusal_is_handed_over_before_it_ends_the_pull(server, client, target):
    server.script = [refused(190)]
    pull = SOURCE.fetch(target("facebook", REF), WEEK, client(token=TOKEN))
    assert next(pull).status == 400
    with pytest.raises(Unauthorized):
        next(pull)


@pytest.mark.parametrize("step", range(1, 7))
def test_a_token_that_dies_in_any_place_ends_the_pull(server, client, target, step):
    script = [*START, *DAYS, ok({"data": [post(1)]}), EMPTY]
    script[step] = refused(190, error_subcode=460)
    server.script = script
    pages = []
    with pytest.raises(Unauthorized, match="password"):
        for page in SOURCE.fetch(target("facebook", REF), WEEK, client(token=TOKEN)):
            pages.append(page)
    assert pages[-1].status == 400
    assert len(server.seen) == step + 1


def test_without_a_token_a_person_is_told_what_to_make(client, target):
    with pytest.raises(Unauthorized, match="read_insights"):
        list(SOURCE.fetch(target("facebook", REF), WEEK, client()))


@pytest.mark.parametrize("step", range(2, 7))
def test_a_page_of_html_in_any_place_ends_the_pull(server, client, target, step):
    script = [*START, *DAYS, ok({"data": [post(1)]}), EMPTY]
    script[step] = (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html></html>")
    server.script = script
    with pytest.raises(BadAnswer):
        rows_of(target, SOURCE.fetch(target("facebook", REF), WEEK, client(token=TOKEN)))


def test_a_circle_of_pages_is_left(server, client, target):
    onward = {"cursors": {"after": "A"}, "next": "https://graph.facebook.com/v26.0/1/published_posts?after=A"}
    looping = ok({"data": [post(1)], "paging": onward})
    with pytest.raises(BadAnswer, match="circle"):
        fetch(server, client, target, [*START, *DAYS, looping, looping, looping])


@pytest.mark.parametrize(
    "cut", [b"", b'{"data":[{"id":"1_2","created_time":"2026-11-12T09:00', b'{"data":null}', b"[]"]
)
@pytest.mark.parametrize("stream", ["account", "insights", "posts", "post_insights"])
def test_cut_and_strange_answers_are_no_answers(parse, stream, cut):
    with pytest.raises(BadAnswer, match=f"Facebook {stream}"):
        parse(stream, cut)


@pytest.mark.parametrize("stream", ["account", "insights", "posts", "post_insights"])
def test_refusals_give_no_rows(parse, stream):
    assert parse(stream, refused(190)[2], status=400) == []
    assert parse(stream, refused(2)[2], status=200) == []
    assert parse(stream, b"<html>", status=502) == []


# -- the Page and its days --------------------------------------------------------------------------------------------


def test_the_page(parse):
    [account] = parse("account", ACCOUNT)
    assert (account.account_id, account.handle, account.name) == (PAGE, "meadowbakery", "Meadow Bakery")
    assert account.url == f"https://www.facebook.com/{PAGE}"
    assert account.counts == {"followers": 1204}


def test_a_page_without_username_or_followers_told(parse):
    [account] = parse("account", {"id": PAGE, "name": "Meadow Bakery"})
    assert (account.handle, account.url) == (REF, f"https://www.facebook.com/{PAGE}")
    assert account.counts == {"followers": None}


def test_views_are_told_apart_by_who_paid(parse):
    found = parse(
        "insights",
        {"data": [day("page_media_view", value(250, is_from_ads="0"), value(90, is_from_ads="1"))]},
        metric="page_media_view",
        until=ends(),
    )
    assert [(row.metric, row.value) for row in found] == [("views", 250), ("paid_views", 90)]
    assert {(row.entity, row.entity_id, row.day, row.zone, row.dimension, row.member) for row in found} == {
        ("account", PAGE, dt.date(2026, 11, 12), "America/Los_Angeles", "total", "")
    }


def test_views_that_are_not_told_apart_are_nobodys(parse):
    assert parse("insights", {"data": [day("page_media_view", value(340))]}, until=ends()) == []


def test_days_are_pacific_and_never_shifted(parse):
    values = [value(1, "2026-10-31T07:00:00+0000"), value(2, "2026-11-02T08:00:00+0000")]
    found = parse("insights", {"data": [day("page_views_total", *values)]}, until=ends())
    assert [(row.day, row.value) for row in found] == [(dt.date(2026, 10, 30), 1), (dt.date(2026, 11, 1), 2)]


def test_the_day_after_the_last_gives_no_row(parse):
    values = [value(number, f"2026-11-{number}T08:00:00+0000") for number in (15, 16, 17)]
    found = parse("insights", {"data": [day("page_views_total", *values)]}, until=ends("2026-11-16"))
    assert [row.day for row in found] == [dt.date(2026, 11, 14), dt.date(2026, 11, 15)]


def test_a_day_that_is_not_over_gives_no_row(parse):
    values = [value(9, "2026-11-21T08:00:00+0000"), value(3, "2026-11-22T08:00:00+0000")]
    found = parse("insights", {"data": [day("page_views_total", *values)]}, until=str(int(NOW.timestamp())))
    assert [row.day for row in found] == [dt.date(2026, 11, 20)]


def test_numbers_as_text_missing_values_and_other_periods(parse):
    content = {
        "data": [
            day("page_post_engagements", value("17"), {"end_time": "2026-11-12T08:00:00+0000"}),
            day("page_post_engagements", value(99), period="week"),
            day("page_video_views", value({"total": 3})),
            day("page_fans", value(12)),
        ]
    }
    found = parse("insights", content, until=ends())
    assert [(row.metric, row.day.day, row.value) for row in found] == [
        ("engagements", 12, 17),
        ("engagements", 11, None),
    ]


def test_an_answer_without_numbers_gives_none(parse):
    assert parse("insights", {"data": [], "paging": {"previous": "x"}}, until=ends()) == []


# -- posts and comments -----------------------------------------------------------------------------------------------


def test_a_post_and_its_counts(parse):
    [found] = parse("posts", {"data": [post(1)]})
    assert isinstance(found, PostRow)
    assert (found.post_id, found.account_id) == (f"{PAGE}_1", PAGE)
    assert found.permalink == f"https://www.facebook.com/{PAGE}/posts/1"
    assert found.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert (found.text, found.reply_to) == ("post 1", None)
    assert found.counts == {"likes": 7, "replies": 0, "shares": 2}


def test_what_is_left_out_is_not_reported(parse):
    [found] = parse("posts", {"data": [{"id": f"{PAGE}_1", "created_time": "2026-11-12T09:00:00+0000"}]})
    assert found.counts == {"likes": None, "replies": None, "shares": None}
    assert (found.text, found.kind, found.permalink) == ("", "text", f"https://www.facebook.com/{PAGE}_1")


def attached(media_type, **more):
    return {"attachments": {"data": [{"media_type": media_type} | more]}}


SHOP = "https://meadow.example/shop?utm_campaign=autumn"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "text"),
        (attached("photo", url="https://www.facebook.com/photo/1"), "image"),
        (attached("album"), "carousel"),
        (attached("video"), "video"),
        (attached("video") | {"permalink_url": "https://www.facebook.com/reel/77/"}, "reel"),
        (attached("link", url="https://l.facebook.com/l.php?u=x", unshimmed_url=SHOP), "link"),
        (attached("event"), "text"),
        ({"message": f"look: {SHOP}"}, "link"),
        ({"attachments": {"data": []}}, "text"),
    ],
)
def test_what_a_post_is(parse, changes, kind):
    [found] = parse("posts", {"data": [post(1, **changes)]})
    assert found.kind == kind


def test_words_links_and_tags(parse):
    changes = attached("link", url="https://l.facebook.com/l.php?u=x", unshimmed_url=SHOP)
    [found] = parse("posts", {"data": [post(1, message="#Bread! See https://a.example/1, #bread #Überall", **changes)]})
    assert found.links == ("https://a.example/1", SHOP)
    assert found.tags == ("bread", "überall")


def test_a_photos_own_address_is_no_link(parse):
    [found] = parse("posts", {"data": [post(1, **attached("photo", url="https://www.facebook.com/photo/1"))]})
    assert found.links == ()


def test_comments_and_the_pages_own_answers(parse):
    answer = comment(12, PAGE, "2026-11-12T11:30:00+0000", parent={"id": "1_11"})
    comments = {"data": [answer, comment(11, "2001")], "summary": {"total_count": "2"}}
    found, own, asked_ = parse("posts", {"data": [post(1, comments=comments)]})
    assert found.counts["replies"] == 2
    assert isinstance(own, CommentRow)
    assert (own.comment_id, own.post_id, own.account_id) == ("1_12", f"{PAGE}_1", PAGE)
    assert (own.own, own.author, own.reply_to) == (True, PAGE, "1_11")
    assert own.published_at == dt.datetime(2026, 11, 12, 11, 30, tzinfo=dt.UTC)
    assert own.permalink.endswith("comment_id=12")
    assert (asked_.own, asked_.author, asked_.reply_to, asked_.text) == (False, "2001", None, "comment 11")


def test_hidden_authors_are_different_people(parse):
    hidden = [{name: part for name, part in comment(n, "x").items() if name != "from"} for n in (1, 2)]
    _, first, second = parse("posts", {"data": [post(1, comments={"data": hidden})]})
    assert first.author != second.author
    assert not first.own
    assert not second.own


def test_a_post_that_came_twice_is_the_same_post(parse):
    first, second = parse("posts", {"data": [post(1), post(1)]})
    assert first == second


# -- numbers of posts -------------------------------------------------------------------------------------------------


def numbers(*insights, number=1, **more):
    return {"id": f"{PAGE}_{number}", "created_time": "2026-11-12T09:00:00+0000", **more} | (
        {"insights": {"data": list(insights)}} if insights else {}
    )


def total(name, *values):
    return day(name, *values, period="lifetime")


def test_the_numbers_of_a_post_carry_its_time(parse):
    split = total("post_media_view", {"value": 800, "is_from_ads": "0"}, {"value": 40, "is_from_ads": "1"})
    [found] = parse("post_insights", {"data": [numbers(split)]})
    assert isinstance(found, CounterRow)
    assert (found.account_id, found.post_id) == (PAGE, f"{PAGE}_1")
    assert found.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert found.counts == {"views": 800, "paid_views": 40}


def test_each_number_in_its_own_unit(parse):
    content = numbers(
        total("post_total_media_view_unique", {"value": "610"}),
        total("post_clicks", {"value": 31}),
        total("post_clicks_by_type", {"value": {"other clicks": 22, "link clicks": "9"}}),
        total("post_video_views", {"value": 0}),
        total("post_video_view_time", {"value": 12999}),
        day("post_clicks", {"value": 5}),
        total("post_impressions", {"value": 5}),
    )
    [found] = parse("post_insights", {"data": [content]})
    assert found.counts == {"viewers": 610, "clicks": 31, "link_clicks": 9, "video_views": 0, "watch_time": 12}


def test_missing_numbers_are_not_zero(parse):
    content = numbers(
        total("post_clicks_by_type", {"value": {}}), total("post_clicks", {}), total("post_media_view", {"value": 7})
    )
    [found] = parse("post_insights", {"data": [content, numbers(number=2), numbers(total("post_clicks"), number=3)]})
    assert found.counts == {"link_clicks": None, "clicks": None}


def test_no_total_comes_with_the_post_and_with_its_numbers(parse):
    names = ("post_total_media_view_unique", "post_clicks", "post_clicks_by_type", "post_video_views")
    every = numbers(
        *(total(name, {"value": 1}) for name in names), total("post_media_view", {"value": 1, "is_from_ads": "0"})
    )
    [counter] = parse("post_insights", {"data": [every]})
    [found] = parse("posts", {"data": [post(1)]})
    assert not counter.counts.keys() & found.counts.keys()


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_that_expires_is_exchanged(server, client):
    server.script = [ok({"access_token": "EAABnew", "token_type": "bearer", "expires_in": 5184000})]
    secret = "0123456789abcdef0123456789abcdef"
    tokens = SOURCE.renew(client(token=TOKEN, extra={"client_id": "800", "client_secret": secret}))
    assert (tokens.token, tokens.expires_at) == ("EAABnew", NOW + dt.timedelta(days=60))
    assert asked(server) == [
        (
            "/v26.0/oauth/access_token",
            {
                "grant_type": "fb_exchange_token",
                "client_id": "800",
                "client_secret": secret,
                "fb_exchange_token": TOKEN,
                "set_token_expires_in_60_days": "true",
            },
        )
    ]


@pytest.mark.parametrize("extra", [{}, {"client_id": "800"}, {"client_secret": "0123456789abcdef"}])
def test_without_the_apps_secret_a_person_must_make_a_new_token(server, client, extra):
    with pytest.raises(Unauthorized, match="client_id or client_secret"):
        SOURCE.renew(client(token=TOKEN, extra=extra))
    assert server.seen == []


# -- what it counts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grain", ["post", "account_day"])
def test_the_metrics_that_meta_ended_go_on_in_no_series(grain):
    old, new = SOURCE.dictionary.definition("impressions", grain, dt.date(2025, 11, 14)), None
    assert old.native_metric.endswith("impressions")
    for metric, day_ in (("impressions", dt.date(2025, 11, 15)), ("reach", dt.date(2026, 6, 15))):
        with pytest.raises(LookupError):
            new = SOURCE.dictionary.definition(metric, grain, day_)
        assert new is None
        assert metric not in SOURCE.metrics


@pytest.mark.parametrize("metric", ["viewers", "engagements", "follows", "video_views"])
def test_what_holds_paid_ones_says_so(metric):
    assert SOURCE.dictionary.definition(metric, "account_day", dt.date(2026, 11, 1)).placement == "both"


def test_views_are_organic_and_paid_ones_apart():
    placed = {
        metric: SOURCE.dictionary.definition(metric, grain, dt.date(2026, 11, 1)).placement
        for grain in ("post", "account_day")
        for metric in ("views", "paid_views")
    }
    assert placed == {"views": "organic", "paid_views": "paid"}


def test_moments_are_in_utc_whichever_zone_they_are_written_in(parse):
    comment = {"id": "3", "created_time": "2026-11-12T12:00:00+0200"}
    post = {"id": f"{PAGE}_1", "created_time": "2026-11-12T01:00:00-0800", "comments": {"data": [comment]}}
    rows = parse("posts", {"data": [post]})
    assert [row.published_at.isoformat() for row in rows] == ["2026-11-12T09:00:00+00:00", "2026-11-12T10:00:00+00:00"]


@pytest.mark.parametrize("metric", ["likes", "replies", "shares"])
def test_what_people_do_with_a_boosted_post_is_counted_with_the_post(metric):
    assert SOURCE.dictionary.definition(metric, "post", dt.date(2026, 11, 22)).placement == "both"


def test_a_token_is_exchanged_before_anybody_need_worry():
    assert SOURCE.renews_before == dt.timedelta(days=15)
