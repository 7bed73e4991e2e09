"""YouTube: the channel, its videos, conversations and Pacific days, and how they are asked for."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources.base import CommentRow, DayRow, PostRow, RawPage, Request, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.youtube import SOURCE

REF = "@meadowmovies"
CHANNEL = "UCmeadowmeadowmeadow0001"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
TARGET = Target(client_id="meadow", source="youtube", ref=REF, time_zone="Europe/Berlin")
STATISTICS = {"viewCount": "90210", "subscriberCount": "1230", "hiddenSubscriberCount": False, "videoCount": "42"}


def channels(**changes):
    return {
        "items": [
            {
                "id": CHANNEL,
                "snippet": {"title": "Meadow Movies", "customUrl": "@meadowmovies"},
                "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": "UUmeadow"}},
                "statistics": STATISTICS,
            }
            | changes
        ]
    }


def video(name="v1", published="2026-11-12T09:00:00Z", statistics=None, status="public", **snippet):
    numbers = {"viewCount": "512", "likeCount": "31", "favoriteCount": "0", "commentCount": "4"}
    return {
        "id": name,
        "snippet": {"publishedAt": published, "channelId": CHANNEL, "title": "Bread", "description": "", **snippet},
        "status": {"privacyStatus": status, "uploadStatus": "processed"},
        "statistics": numbers if statistics is None else statistics,
    }


def comment(name, author="UCreader", at="2026-11-12T10:00:00Z", **snippet):
    who = {"authorChannelId": {"value": author}} if author else {}
    said = {"authorDisplayName": "@reader", "textDisplay": f"shown {name}", "textOriginal": f"said {name}"}
    return {"id": name, "snippet": {**said, **who, "publishedAt": at, "updatedAt": "2026-11-20T10:00:00Z", **snippet}}


def thread(name, *answers, more=0, at="2026-11-12T10:00:00Z", on="v1"):
    under = {"videoId": on} if on else {}
    snippet = {"topLevelComment": comment(name, at=at), "totalReplyCount": len(answers) + more, **under}
    return {"id": name, "snippet": snippet} | ({"replies": {"comments": list(answers)}} if answers else {})


def table(*rows, columns=("day", "views")):
    kinds = [{"name": name, "columnType": "METRIC", "dataType": "INTEGER"} for name in columns]
    return {"kind": "youtubeAnalytics#resultTable", "columnHeaders": kinds} | ({"rows": list(rows)} if rows else {})


def uploads(*listed, token=None):
    items = [
        {"contentDetails": {"videoId": name} | ({"videoPublishedAt": at} if at else {})}
        for name, at in listed
    ]  # fmt: skip
    return {"items": items} | ({"nextPageToken": token} if token else {})


def failed(code, reason, message="No.", domain="youtube.x"):
    error = {"code": code, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason}]}
    return (code, {"Content-Type": "application/json"}, json.dumps({"error": error}).encode())


def refusal(metric):
    return failed(400, "badRequest", f"Unknown identifier ({metric}) given in field parameters.metrics.")


def ok(value):
    return (200, {"Content-Type": "application/json"}, json.dumps(value).encode())


NO_COMMENTS = ok({"items": []})
NO_DAYS = ok(table())
CHANNEL_PAGE = ok(channels())


def rows(page, stream, value, about=None, **params):
    answer = page(stream, json.dumps(value).encode(), params=params)
    request = msgspec.structs.replace(answer.request, about=about or {})
    return list(SOURCE.parse(TARGET, msgspec.structs.replace(answer, request=request)))


# -- what is made of an answer ---------------------------------------------------------------------------------------


def test_numbers_come_as_text_and_the_channels_id_stays(page):
    [account] = rows(page, "account", channels())
    assert (account.account_id, account.handle, account.name) == (CHANNEL, "@meadowmovies", "Meadow Movies")
    assert account.url == "https://www.youtube.com/@meadowmovies"
    assert account.counts == {"followers": 1230, "posts": 42}


@pytest.mark.parametrize("hidden", [STATISTICS | {"hiddenSubscriberCount": True}, {"videoCount": "42"}])
def test_hidden_subscribers_are_not_reported(page, hidden):
    [account] = rows(page, "account", channels(statistics=hidden))
    assert account.counts == {"followers": None, "posts": 42}


def test_an_old_name_without_an_at_leads_to_the_channel_itself(page):
    [account] = rows(page, "account", channels(snippet={"title": "Meadow", "customUrl": "meadowold"}))
    assert account.url == f"https://www.youtube.com/channel/{CHANNEL}"


def test_a_video_and_its_counts(page):
    words = "Rye & time. https://a.example/one, then (https://b.example/?x=1#y). #Rye #Baking https://a.example/one"
    [found] = rows(page, "posts", {"items": [video(title="Bread #rye", description=words)]})
    assert found.post_id == "v1"
    assert found.account_id == CHANNEL
    assert found.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert (found.kind, found.permalink) == ("video", "https://www.youtube.com/watch?v=v1")
    assert found.text == f"Bread #rye\n\n{words}"
    assert found.tags == ("rye", "baking")
    assert found.links == ("https://a.example/one", "https://b.example/?x=1#y")
    assert found.counts == {"views": 512, "likes": 31, "replies": 4}


@pytest.mark.parametrize(
    ("statistics", "counts"),
    [
        ({"viewCount": "5"}, {"views": 5, "likes": None, "replies": None}),
        ({}, {"views": None, "likes": None, "replies": None}),
        ({"viewCount": 0, "likeCount": "0", "commentCount": "0"}, {"views": 0, "likes": 0, "replies": 0}),
    ],
)
def test_what_the_channel_hides_is_not_zero(page, statistics, counts):
    [found] = rows(page, "posts", {"items": [video(statistics=statistics)]})
    assert found.counts == counts


def test_what_nobody_can_find_gives_no_rows(page):
    listed = [
        video("a", status="private"),
        video("b", status="unlisted"),
        video("c", liveBroadcastContent="upcoming"),
        video("d", liveBroadcastContent="live"),
    ]
    assert [row.post_id for row in rows(page, "posts", {"items": listed})] == ["d"]


def test_comments_name_whom_they_answer_and_whether_they_are_our_own(page):
    own = comment("c1.a", CHANNEL, "2026-11-12T11:30:00Z", parentId="c1")
    gone = comment("c1.b", None, "2026-11-12T12:00:00Z", parentId="c1")
    found = rows(page, "comments", {"items": [thread("c1", own, gone)]}, allThreadsRelatedToChannelId=CHANNEL)
    assert all(isinstance(row, CommentRow) for row in found)
    assert [(row.comment_id, row.reply_to, row.own, row.author) for row in found] == [
        ("c1", None, False, "UCreader"),
        ("c1.a", "c1", True, CHANNEL),
        ("c1.b", "c1", False, "@reader"),
    ]
    assert {(row.account_id, row.post_id) for row in found} == {(CHANNEL, "v1")}
    # When it was written, not when it was last changed.
    assert found[1].published_at == dt.datetime(2026, 11, 12, 11, 30, tzinfo=dt.UTC)
    # What was written, where YouTube tells it, rather than what it makes of that for the page.
    assert found[0].text == "said c1"
    about = {"channel": CHANNEL, "video": "v1"}
    shown = rows(page, "replies", {"items": [comment("c9", textOriginal="")]}, about)
    assert shown[0].text == "shown c9"
    assert found[0].permalink == "https://www.youtube.com/watch?v=v1&lc=c1"


def test_a_thread_under_no_video_has_no_post(page):
    assert rows(page, "comments", {"items": [thread("c1", on=None)]}, allThreadsRelatedToChannelId=CHANNEL) == []


@pytest.mark.parametrize("about", [{}, {"channel": CHANNEL}])
def test_answers_that_do_not_say_of_which_video_are_bad(page, about):
    with pytest.raises(BadAnswer, match="does not say for which video"):
        rows(page, "replies", {"items": [comment("c1.f", parentId="c1")]}, about, parentId="c1")


def test_the_rest_of_a_thread_stands_under_the_same_video(page):
    answers = {"items": [comment("c1.f", CHANNEL, parentId="c1")]}
    [found] = rows(page, "replies", answers, {"channel": CHANNEL, "video": "v9"}, parentId="c1")
    assert (found.account_id, found.post_id, found.reply_to, found.own) == (CHANNEL, "v9", "c1", True)


def days(page, value, **options):
    body = json.dumps(value).encode()
    params = {"ids": f"channel=={CHANNEL}", "metrics": "views"}
    return list(SOURCE.parse(TARGET, page("days", body, params=params, **options)))


def test_a_day_is_pacific_and_minutes_become_seconds(page):
    columns = ("estimatedMinutesWatched", "day", "subscribersLost", "somethingNew", "engagedViews")
    found = days(page, table([12, "2026-11-09", "3", 7, None], columns=columns))
    assert {(row.metric, row.value) for row in found} == {
        ("watch_time", 720.0),
        ("unfollows", 3.0),
        ("engaged_views", None),
    }
    assert {(row.day, row.zone) for row in found} == {(dt.date(2026, 11, 9), "America/Los_Angeles")}
    assert {(row.entity, row.entity_id, row.dimension, row.member) for row in found} == {
        ("account", CHANNEL, "total", "")
    }


def test_a_day_that_is_not_over_in_california_is_left_out(page):
    # It is three in the morning of the 22nd in London, and still the 21st in California.
    found = days(page, table(["2026-11-20", 5], ["2026-11-21", 2], ["2026-11-22", 0]))
    assert [(row.day.day, row.value) for row in found] == [(20, 5)]


def test_days_without_rows_are_no_zeros(page):
    assert days(page, table()) == []


@pytest.mark.parametrize(
    "value",
    [
        table(["2026-11-09", 5, 6]),
        table(["2026-11-31", 5]),
        table(["2026-11-09", "many"]),
        table([5], columns=("views",)),
        table(["2026-11-09", 1e300]),
        {"columnHeaders": [{"name": "day"}], "errors": {"error": [{"code": "BAD"}]}},
        {"rows": []},
        {"error": {"code": 500, "message": "Backend Error"}},
    ],
)
def test_a_table_that_is_none_is_bad(page, value):
    with pytest.raises(BadAnswer, match="YouTube days"):
        days(page, value)


def test_the_refusal_of_one_metric_says_that_it_is_unavailable(page):
    _, _, body = refusal("engagedViews")
    alone = page("days", body, status=400, params={"metrics": "engagedViews"})
    [lost] = SOURCE.parse(TARGET, alone)
    assert isinstance(lost, UnavailableRow)
    assert (lost.metric, lost.native_metric) == ("engaged_views", "engagedViews")
    assert lost.reason == "Unknown identifier (engagedViews) given in field parameters.metrics."
    together = page("days", body, status=400, params={"metrics": "views,engagedViews"})
    assert list(SOURCE.parse(TARGET, together)) == []
    _, _, other = failed(403, "forbidden")
    assert list(SOURCE.parse(TARGET, page("days", other, status=403, params={"metrics": "views"}))) == []


def test_an_error_inside_http_200_gives_no_rows_but_a_bad_answer(page):
    for stream in ("account", "posts", "comments", "days"):
        with pytest.raises(BadAnswer, match="Backend Error"):
            rows(page, stream, {"error": {"code": 503, "message": "Backend Error", "errors": []}})


def test_a_moment_that_is_on_no_calendar_is_bad(page):
    with pytest.raises(BadAnswer, match="YouTube posts"):
        rows(page, "posts", {"items": [video(published="0001-01-01T00:00:00+14:00")]})
    with pytest.raises(BadAnswer, match="YouTube comments"):
        rows(page, "comments", {"items": [thread("c1", at="9999-12-31T23:00:00-14:00")]})


def test_a_moment_that_is_on_no_calendar_is_found_out_while_it_is_read(fetch):
    with pytest.raises(BadAnswer, match="YouTube uploads"):
        fetch(CHANNEL_PAGE, ok(uploads(("v1", "0001-01-01T00:00:00+14:00"))))


@given(st.lists(st.tuples(st.dates(dt.date(2020, 1, 1), dt.date(2026, 11, 20)), st.integers(0, 2**50)), max_size=9))
def test_every_cell_becomes_its_own_value(cells):
    body = json.dumps(table(*([day.isoformat(), value] for day, value in cells))).encode()
    request = Request("GET", "https://server.example/v2/reports", {"ids": f"channel=={CHANNEL}"})
    page = RawPage(stream="days", request=request, status=200, headers={}, fetched_at=NOW, body=body)
    found = list(SOURCE.parse(TARGET, page))
    assert [(row.day, row.value) for row in found if isinstance(row, DayRow)] == cells


def test_views_before_and_after_a_new_rule_are_two_series():
    dictionary = SOURCE.dictionary
    first, last = dt.date(2025, 1, 1), dt.date(2026, 12, 31)
    for grain in ("post", "account_day"):
        breaks = [each.day for each in dictionary.breaks("views", first, last, grain=grain)]
        assert breaks == [dt.date(2025, 3, 31), dt.date(2026, 8, 24)]
    assert dictionary.breaks("engaged_views", first, last) == ()


def test_what_follows_ads_is_not_told_apart():
    placements = {(each.grain, each.metric): each.placement for each in SOURCE.dictionary.definitions}
    assert {metric for (grain, metric), placement in placements.items() if grain == "post" and placement == "both"} == {
        "views", "likes", "replies",
    }  # fmt: skip
    days = {metric: placement for (grain, metric), placement in placements.items() if grain == "account_day"}
    assert set(days.values()) == {"both"}


# -- how it is asked for ---------------------------------------------------------------------------------------------


@pytest.fixture
def fetch(server, client):
    """Runs a pull against the script: `fetch(answers...)` gives its pages."""

    def run(*script, **options):
        server.script = list(script)
        servers = dict.fromkeys(SOURCE.servers, server.url)
        return list(SOURCE.fetch(TARGET, WEEK, client(servers=servers, **{"token": "ya29.t0ken"} | options)))

    return run


def asked(server, path):
    """The parameters of every call of a path."""
    found = [urlsplit(url) for _, url, _, _ in server.seen]
    return [
        {name: values[0] for name, values in parse_qs(parts.query).items()} for parts in found if parts.path == path
    ]


def test_a_channel_is_looked_up_by_handle_and_then_known_by_id(server, fetch):
    pages = fetch(
        CHANNEL_PAGE,
        ok(uploads(("v1", "2026-11-12T09:00:00Z"), ("v0", "2026-11-01T09:00:00Z"), token="p2")),
        ok({"items": [video()]}),
        ok(table(["2026-11-09", 5])),
        ok({"items": [thread("c1", at="2026-11-01T10:00:00Z")], "nextPageToken": "q2"}),
    )
    assert [page.stream for page in pages] == ["account", "uploads", "posts", "days", "comments"]
    assert asked(server, "/youtube/v3/channels")[0]["forHandle"] == REF
    assert asked(server, "/youtube/v3/playlistItems") == [
        {"part": "contentDetails", "playlistId": "UUmeadow", "maxResults": "50"}
    ]
    assert asked(server, "/youtube/v3/videos")[0]["id"] == "v1"
    [report] = asked(server, "/v2/reports")
    assert (report["ids"], report["startDate"], report["endDate"]) == (
        f"channel=={CHANNEL}",
        "2026-11-09",
        "2026-11-15",
    )
    assert report["metrics"].split(",") == [
        "views", "engagedViews", "estimatedMinutesWatched", "likes", "comments", "shares", "subscribersGained",
        "subscribersLost",
    ]  # fmt: skip
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {"Bearer ya29.t0ken"}
    assert not any("t0ken" in json.dumps(page.request.params) for page in pages)


def test_a_token_is_minted_used_and_cut_out_of_every_answer(server, fetch):
    extra = {"refresh_token": "1//refresh-me", "client_id": "app-1", "client_secret": "GOCSPX-secret"}
    minted = ok({"access_token": "ya29.minted-now", "expires_in": 3599, "token_type": "Bearer"})
    echo = ok({"items": [], "echo": "ya29.minted-now"})
    answers = [minted, CHANNEL_PAGE, ok(uploads()), NO_DAYS, echo]
    pages = fetch(*answers, extra=extra, token=None)
    assert [page.stream for page in pages] == ["account", "uploads", "days", "comments"]
    assert server.seen[0][1] == "/token"
    assert b"refresh-me" in server.seen[0][3]
    assert {headers["Authorization"] for _, _, headers, _ in server.seen[1:]} == {"Bearer ya29.minted-now"}
    kept = b"".join(page.body + json.dumps(page.request.params).encode() for page in pages)
    assert b"minted-now" not in kept
    assert b"refresh-me" not in kept


def test_pages_that_shift_while_they_are_read_cost_no_video_twice(server, fetch):
    fetch(
        CHANNEL_PAGE,
        ok(uploads(("v3", "2026-11-14T09:00:00Z"), ("v2", "2026-11-13T09:00:00Z"), token="p2")),
        ok(uploads(("v2", "2026-11-13T09:00:00Z"), ("secret", None), ("v1", "2026-11-09T00:00:00+01:00"), token="p3")),
        ok(uploads(("v0", "2026-11-08T22:59:59Z"), token="p4")),
        ok({"items": [video("v3")]}),
        NO_DAYS,
        NO_COMMENTS,
    )
    assert asked(server, "/youtube/v3/videos")[0]["id"] == "v3,v2,v1"
    assert [params.get("pageToken") for params in asked(server, "/youtube/v3/playlistItems")] == [None, "p2", "p3"]


def test_more_videos_than_fit_into_a_call_are_asked_for_in_several(server, fetch):
    names = [f"v{number}" for number in range(51)]
    fetch(
        CHANNEL_PAGE,
        ok(uploads(*((name, "2026-11-12T09:00:00Z") for name in names))),
        ok({"items": []}),
        ok({"items": []}),
        NO_DAYS,
        NO_COMMENTS,
    )
    assert [params["id"].count(",") for params in asked(server, "/youtube/v3/videos")] == [49, 0]


def test_a_channel_without_a_single_video_has_no_playlist(fetch):
    pages = fetch(CHANNEL_PAGE, failed(404, "playlistNotFound"), NO_DAYS, NO_COMMENTS)
    assert [page.status for page in pages] == [200, 404, 200, 200]


def test_closed_comments_cost_only_the_comments(fetch):
    pages = fetch(CHANNEL_PAGE, ok(uploads()), NO_DAYS, failed(403, "commentsDisabled"))
    assert [(page.stream, page.status) for page in pages[-2:]] == [("days", 200), ("comments", 403)]


@pytest.mark.parametrize("reason", ["insufficientPermissions", "forbidden"])
def test_without_the_right_to_comments_everything_else_is_there(fetch, reason):
    days = ok(table(["2026-11-09", 5]))
    pages = fetch(CHANNEL_PAGE, ok(uploads()), days, failed(403, reason))
    found = [row for page in pages for row in SOURCE.parse(TARGET, page)]
    assert pages[-1].status == 403
    assert [type(row).__name__ for row in found] == ["AccountRow", "DayRow"]


def test_a_thread_whose_answers_are_closed_to_us_costs_no_other(fetch):
    pages = fetch(
        CHANNEL_PAGE,
        ok(uploads()),
        NO_DAYS,
        ok({"items": [thread("c1", more=9), thread("c2", more=9)]}),
        failed(403, "forbidden"),
        ok({"items": [comment("c2.x", parentId="c2")]}),
    )
    assert [page.status for page in pages[-2:]] == [403, 200]
    found = [row for page in pages for row in SOURCE.parse(TARGET, page) if isinstance(row, CommentRow)]
    assert [row.comment_id for row in found] == ["c1", "c2", "c2.x"]


@pytest.mark.parametrize(
    ("answer", "raised"),
    [(failed(401, "authError"), Unauthorized), (failed(403, "quotaExceeded", domain="youtube.quota"), RateLimited)],
)
def test_a_dead_token_or_a_spent_quota_is_no_missing_right(fetch, answer, raised):
    with pytest.raises(raised):
        fetch(CHANNEL_PAGE, ok(uploads()), NO_DAYS, answer)


def test_the_conversation_is_bounded(server, fetch):
    long = [thread(f"c{number}", more=9) for number in range(7)]
    quiet = thread("quiet", comment("quiet.a"))
    pages = fetch(
        CHANNEL_PAGE,
        ok(uploads()),
        NO_DAYS,
        ok({"items": [*long, quiet], "nextPageToken": "a"}),
        ok({"items": [thread("d", on=None, more=3)], "nextPageToken": "b"}),
        ok({"items": [thread("e")], "nextPageToken": "c"}),
        *(ok({"items": [comment(f"c{number}.x", parentId=f"c{number}")]}) for number in range(4)),
        failed(404, "commentNotFound"),
    )
    assert [page.stream for page in pages].count("comments") == 3
    replies = asked(server, "/youtube/v3/comments")
    assert [params["parentId"] for params in replies] == ["c0", "c1", "c2", "c3", "c4"]
    assert [page.request.about for page in pages if page.stream == "replies"] == [
        {"channel": CHANNEL, "video": "v1"}
    ] * 5
    assert not any("quotaUser" in params for params in replies)
    assert len(pages) + 1 <= SOURCE.expected_calls(posts=0, days=7)


def test_threads_are_walked_until_the_window_begins(server, fetch):
    fetch(
        CHANNEL_PAGE,
        ok(uploads()),
        NO_DAYS,
        ok({"items": [thread("new")], "nextPageToken": "a"}),
        ok({"items": [thread("old", at="2026-11-08T22:59:59Z")], "nextPageToken": "b"}),
    )
    first = {
        "part": "snippet,replies",
        "allThreadsRelatedToChannelId": CHANNEL,
        "order": "time",
        "textFormat": "plainText",
        "maxResults": "100",
    }
    assert asked(server, "/youtube/v3/commentThreads") == [first, first | {"pageToken": "a"}]


def test_a_metric_that_is_refused_is_found_by_halving(server, fetch):
    def report(names):
        return ok(table(["2026-11-09", *range(len(names.split(",")))], columns=("day", *names.split(","))))

    first, second = (
        "views,engagedViews,estimatedMinutesWatched,likes",
        "comments,shares,subscribersGained,subscribersLost",
    )
    pages = fetch(
        CHANNEL_PAGE,
        ok(uploads()),
        refusal("engagedViews"),
        refusal("engagedViews"),
        refusal("engagedViews"),
        report("views"),
        refusal("engagedViews"),
        report("estimatedMinutesWatched,likes"),
        report(second),
        NO_COMMENTS,
    )
    groups = [params["metrics"] for params in asked(server, "/v2/reports")]
    assert groups == [
        f"{first},{second}", first, "views,engagedViews", "views", "engagedViews", "estimatedMinutesWatched,likes",
        second,
    ]  # fmt: skip
    found = [row for page in pages for row in SOURCE.parse(TARGET, page)]
    assert [row.metric for row in found if isinstance(row, UnavailableRow)] == ["engaged_views"]
    assert len({row.metric for row in found if isinstance(row, DayRow)}) == 7


def test_each_metric_can_be_asked_for_alone(server, fetch):
    fetch(CHANNEL_PAGE, ok(uploads()), *[NO_DAYS] * 8, NO_COMMENTS, one_metric_a_call=True)
    assert len({params["metrics"] for params in asked(server, "/v2/reports")}) == 8


def test_days_that_youtube_does_not_give_together_with_a_metric_are_a_refusal_too(fetch):
    together = failed(400, "badRequest", "The query is not supported. Check the documentation at …")
    pages = fetch(CHANNEL_PAGE, ok(uploads()), *[together] * 15, NO_COMMENTS)
    found = [row for page in pages for row in SOURCE.parse(TARGET, page) if isinstance(row, UnavailableRow)]
    assert len(found) == 8


@pytest.mark.parametrize(
    ("answer", "raised", "told"),
    [
        (failed(403, "quotaExceeded", domain="youtube.quota"), RateLimited, "midnight Pacific"),
        (failed(401, "authError"), Unauthorized, REF),
        (failed(403, "insufficientPermissions"), Unauthorized, "youtube.force-ssl"),
        (failed(403, "accessNotConfigured"), Unauthorized, "Enable this API"),
        (failed(400, "invalidFilters"), BadAnswer, "invalidFilters|No"),
        ((503, {}, b"<html>busy</html>"), Unavailable, "503"),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><p>sign in"), BadAnswer, "text/html"),
        ((200, {}, b'{"items": [{"id": "UC'), BadAnswer, "YouTube account"),
        (ok({"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}}), NotFound, "no channel @meadow"),
    ],
)
def test_what_goes_wrong_is_told_apart(server, client, clock, answer, raised, told):
    server.script = [answer] * 5
    http = client(token="ya29.t0ken", servers=dict.fromkeys(SOURCE.servers, server.url))
    pages = []
    with pytest.raises(raised, match=told) as error:
        for page in SOURCE.fetch(TARGET, WEEK, http):
            pages.append(page)
    assert [page.stream for page in pages] == ["account"]
    assert "t0ken" not in str(error.value)
    assert "keyfile_dict" not in str(error.value), "a service account owns no channel"


def test_a_slower_pace_is_kept_and_a_days_quota_is_not_waited_for(server, client, clock):
    server.script = [
        failed(403, "rateLimitExceeded", domain="usageLimits"),
        CHANNEL_PAGE,
        ok(uploads()),
        NO_DAYS,
        failed(400, "processingFailure"),
        ok({"items": [thread("c1")], "nextPageToken": "a"}),
        failed(403, "quotaExceeded", domain="youtube.quota"),
    ]
    http = client(token="ya29.t0ken", servers=dict.fromkeys(SOURCE.servers, server.url))
    with pytest.raises(RateLimited, match="quota"):
        list(SOURCE.fetch(TARGET, WEEK, http))
    assert http.calls == 7
    assert len(clock.slept) == 2


def test_pages_that_go_in_a_circle_are_bad(fetch):
    page = ok(uploads(("v1", "2026-11-12T09:00:00Z"), token="again"))
    with pytest.raises(BadAnswer, match="circle"):
        fetch(CHANNEL_PAGE, page, page)


def test_a_connection_without_a_key_is_told_before_anything_is_asked(server, client):
    with pytest.raises(Unauthorized, match="refresh_token"):
        list(SOURCE.fetch(TARGET, WEEK, client()))
    assert server.seen == []


@pytest.mark.parametrize(
    ("posts", "calls"), [(0, 12), (1, 14), (50, 14), (51, 16), (100, 16)]
)  # fmt: skip
def test_the_bound_of_calls_grows_by_pages(posts, calls):
    assert SOURCE.expected_calls(posts=posts, days=35) == calls


def test_posts_are_rows_of_one_kind_only(page):
    [found] = rows(page, "posts", {"items": [video()]})
    assert isinstance(found, PostRow)
    assert rows(page, "uploads", uploads(("v1", "2026-11-12T09:00:00Z"))) == []
