"""TikTok: what its two APIs say of an account, its posts, days and comments, and how they are asked."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from widerview.sources.base import PostRow, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.tiktok import SOURCE

REF = "meadowbakery"
OPEN_ID = "-000AbCdEfGhIjKlMnOpQrStUvWxYz012345"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "act.t0ken-t0ken"


def epoch(*moment):
    return int(dt.datetime(*moment, tzinfo=dt.UTC).timestamp())


IN_WEEK, BEFORE = epoch(2026, 11, 12, 9), epoch(2026, 11, 8, 22, 59, 59)
DISPLAY = Target(client_id="meadow", source="tiktok", ref=REF, time_zone="Europe/Berlin")
BUSINESS = Target(client_id="meadow", source="tiktok", ref=REF, time_zone="Europe/Berlin", options={"api": "business"})
V = "/open_api/v1.3/business"
COUNTS = {"view_count": 900, "like_count": 40, "comment_count": 3, "share_count": 0}
USER = {
    "open_id": OPEN_ID,
    "username": REF,
    "display_name": "Meadow Bakery",
    "follower_count": 1200,
    "following_count": 7,
    "video_count": 88,
}


def ok(data):
    said = {"code": "ok", "message": "", "log_id": "2026"}
    return (200, {"Content-Type": "application/json"}, json.dumps({"data": data, "error": said}).encode())


def no(status, code, message="No."):
    said = {"code": code, "message": message, "log_id": "2026"}
    return (status, {"Content-Type": "application/json"}, json.dumps({"data": {}, "error": said}).encode())


def fine(data, code=0, message="OK"):
    said = {"code": code, "message": message, "request_id": "2026", "data": data}
    return (200, {"Content-Type": "application/json"}, json.dumps(said).encode())


def video(name="71", at=None, **changes):
    share = f"https://www.tiktok.com/@{REF}/video/{name}?utm_campaign=tt4d_open_api&utm_source=aw1234"
    plain = {"id": name, "create_time": IN_WEEK if at is None else at, "share_url": share, "title": "Rye"}
    return plain | {"video_description": "Rye! #Rye #baking #rye"} | COUNTS | changes


def item(name="71", at=None, **changes):
    plain = {"item_id": name, "create_time": str(IN_WEEK if at is None else at), "caption": "Rye! #Rye"}
    counts = {"video_views": 900, "likes": 40, "comments": 3, "shares": 1, "favorites": 5, "reach": 700}
    return plain | {"share_url": "https://www.tiktok.com/@m/video/71?x=1"} | counts | changes


def comment(name, at=IN_WEEK, **changes):
    return {"comment_id": name, "create_time": str(at), "text": f"said {name}", "owner": False} | {
        "unique_identifier": f"+u/{name}",
        "username": "reader",
        "replies": 0,
        **changes,
    }


def display_page(page, stream, data, metrics=COUNTS, **options):
    params = {"fields": ",".join(("id", *metrics))}
    given = page(stream, ok(data)[2], url="https://open.tiktokapis.com/v2/x/", params=params, **options)
    request = msgspec.structs.replace(given.request, about={"account": OPEN_ID})
    return msgspec.structs.replace(given, request=request)


def business_page(page, stream, data, fields=(), **params):
    given = {"business_id": OPEN_ID, "fields": json.dumps(["item_id", *fields])} | params
    return page(stream, fine(data)[2], url=f"https://business-api.tiktok.com{V}/x/", params=given)


def rows(found_page, target=DISPLAY):
    return list(SOURCE.parse(target, found_page))


# -- what is made of an answer ---------------------------------------------------------------------------------------


def test_an_account_of_the_display_api(page):
    [account] = rows(
        display_page(page, "account", {"user": USER}, ["follower_count", "following_count", "video_count"])
    )
    assert (account.account_id, account.handle, account.name) == (OPEN_ID, REF, "Meadow Bakery")
    assert account.url == f"https://www.tiktok.com/@{REF}"
    assert account.counts == {"followers": 1200, "following": 7, "posts": 88}


def test_an_account_of_the_business_api(page):
    said = {"username": REF, "display_name": "Meadow", "followers_count": 1200}
    asked = ["followers_count", "following_count", "videos_count"]
    [account] = rows(business_page(page, "account", said, asked), BUSINESS)
    assert (account.account_id, account.handle, account.name) == (OPEN_ID, REF, "Meadow")
    assert account.counts == {"followers": 1200, "following": None, "posts": None}


def test_a_post_of_the_display_api(page):
    [found] = rows(display_page(page, "posts", {"videos": [video()], "cursor": 1, "has_more": False}))
    assert (found.post_id, found.account_id, found.kind) == ("71", OPEN_ID, "video")
    assert found.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert found.text == "Rye! #Rye #baking #rye"
    assert found.tags == ("rye", "baking")
    assert found.counts == {"views": 900, "likes": 40, "replies": 3, "shares": 0}


def test_an_address_does_not_name_the_app_that_asked(page):
    [found] = rows(display_page(page, "posts", {"videos": [video()]}))
    assert found.permalink == f"https://www.tiktok.com/@{REF}/video/71"


def test_a_post_without_an_address_has_the_one_it_must_have(page):
    [found] = rows(display_page(page, "posts", {"videos": [video("9", share_url="")]}))
    assert found.permalink == f"https://www.tiktok.com/@{REF}/video/9"


def test_a_title_serves_where_there_is_no_description(page):
    [found] = rows(display_page(page, "posts", {"videos": [video(video_description="")]}))
    assert found.text == "Rye"


def test_a_post_of_the_business_api_with_its_numbers_as_text(page):
    fields = ["video_views", "likes", "comments", "shares", "favorites", "reach", "total_time_watched"]
    photo = item("72", media_type="PHOTO", likes="40", total_time_watched="587.624")
    film, still = rows(business_page(page, "posts", {"videos": [item(), photo]}, fields), BUSINESS)
    assert film.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert (film.account_id, film.kind, still.kind) == (OPEN_ID, "video", "image")
    # Time watched is not told of posts that nobody has seen for a week.
    assert film.counts == {
        "views": 900, "likes": 40, "replies": 3, "shares": 1, "bookmarks": 5, "viewers": 700, "watch_time": None,
    }  # fmt: skip
    assert (still.counts["likes"], still.counts["watch_time"]) == (40, 588)


def test_what_was_not_asked_for_is_not_called_missing(page):
    [found] = rows(display_page(page, "posts", {"videos": [video(view_count=None)]}, ["view_count", "like_count"]))
    assert found.counts == {"views": None, "likes": 40}


@pytest.mark.parametrize("nothing", [{}, {"videos": None}, {"videos": []}])
def test_no_posts_are_no_rows(page, nothing):
    assert rows(display_page(page, "posts", nothing)) == []
    assert rows(business_page(page, "posts", nothing), BUSINESS) == []


def test_days_are_utc_and_the_one_that_is_not_over_is_left_out(page):
    listed = [
        {"date": "2026-11-20", "video_views": 90, "likes": "4", "daily_new_followers": 2},
        {"date": "2026-11-21", "video_views": 80, "likes": 0},
        {"date": "2026-11-22", "video_views": 3, "likes": 0},
    ]
    asked = ["video_views", "likes", "daily_new_followers", "unique_video_views"]
    found = rows(business_page(page, "days", {"metrics": listed}, asked), BUSINESS)
    assert {(row.day.day, row.metric): row.value for row in found} == {
        (20, "views"): 90, (20, "likes"): 4, (20, "follows"): 2, (20, "viewers"): None,
        (21, "views"): 80, (21, "likes"): 0, (21, "follows"): None, (21, "viewers"): None,
    }  # fmt: skip
    assert {(row.zone, row.entity, row.entity_id, row.dimension) for row in found} == {
        ("UTC", "account", OPEN_ID, "total")
    }


def test_comments_name_whom_they_answer_and_whether_they_are_our_own(page):
    own = comment("a", IN_WEEK + 60, owner=True, parent_comment_id="c", user_id="u1", unique_identifier="")
    said = {"comments": [comment("c", replies=1, reply_list=[own]), comment("d", reply_list=None)]}
    found = rows(business_page(page, "comments", said, video_id="71"), BUSINESS)
    assert [(row.comment_id, row.reply_to, row.own, row.author) for row in found] == [
        ("c", None, False, "+u/c"),
        ("a", "c", True, "u1"),
        ("d", None, False, "+u/d"),
    ]
    assert {(row.account_id, row.post_id) for row in found} == {(OPEN_ID, "71")}
    assert found[1].published_at == dt.datetime(2026, 11, 12, 9, 1, tzinfo=dt.UTC)


def test_posts_that_do_not_say_whose_they_are_are_bad(page):
    with pytest.raises(BadAnswer, match="does not say for which account"):
        rows(page("posts", ok({"videos": []})[2], url="https://open.tiktokapis.com/v2/x/"))


def test_the_rest_of_a_thread_answers_its_comment(page):
    said = {"comments": [comment("b", owner=True)]}
    [found] = rows(business_page(page, "replies", said, video_id="71", comment_id="c"), BUSINESS)
    assert (found.post_id, found.reply_to, found.own) == ("71", "c", True)


def test_the_refusal_of_one_metric_says_that_it_is_unavailable(page):
    def refused(target, url, fields, answer):
        return rows(page("posts", answer[2], status=answer[0], url=url, params={"fields": fields}), target)

    old = no(400, "invalid_params", "Invalid fields: share_count")
    display = "https://open.tiktokapis.com/v2/video/list/"
    [lost] = refused(DISPLAY, display, "id,create_time,share_count", old)
    assert isinstance(lost, UnavailableRow)
    assert (lost.metric, lost.native_metric) == ("shares", "share_count")
    assert lost.reason == "invalid_params: Invalid fields: share_count"
    assert refused(DISPLAY, display, "id,share_count,like_count", old) == []
    assert refused(DISPLAY, display, "id", old) == []
    business = f"https://business-api.tiktok.com{V}/video/list/"
    [lost] = refused(BUSINESS, business, '["item_id", "reach"]', fine({}, 40002, "fields: reach"))
    assert (lost.metric, lost.native_metric) == ("viewers", "reach")


@pytest.mark.parametrize("stream", ["account", "days", "posts", "comments", "replies"])
def test_an_error_inside_http_200_gives_no_rows_but_a_bad_answer(page, stream):
    for body in (no(200, "internal_error", "Sorry.")[2], fine({}, 50000, "Sorry.")[2]):
        with pytest.raises(BadAnswer, match="Sorry"):
            rows(page(stream, body))
        assert rows(page(stream, body, status=500)) == []


@pytest.mark.parametrize("at", [-1, 10**13, "soon", None])
def test_a_moment_that_is_on_no_calendar_is_bad(page, at):
    with pytest.raises(BadAnswer, match="TikTok posts"):
        rows(display_page(page, "posts", {"videos": [video() | {"create_time": at}]}))


def test_forms_that_were_sent_are_tiktoks_own_claim_and_not_told_is_not_zero(page):
    days, fields = [{"date": "2026-11-09", "lead_submissions": "3"}, {"date": "2026-11-10"}], ["lead_submissions"]
    told = rows(business_page(page, "days", {"metrics": days}, fields), BUSINESS)
    assert {row.day.day: row.value for row in told if row.metric == "claimed_leads"} == {9: 3, 10: None}
    for given, counted in (({"lead_submissions": 2}, 2), ({}, None)):
        [post] = rows(business_page(page, "posts", {"videos": [item(**given)]}, fields), BUSINESS)
        assert post.counts["claimed_leads"] == counted


def test_what_ads_brought_is_not_told_apart():
    placements = {
        (each.grain, each.metric): each.placement
        for each in SOURCE.dictionary.definitions
        if each.grain in {"post", "account_day"}
    }
    assert set(placements.values()) == {"both"}
    assert {metric for _, metric in placements} == {
        "views", "viewers", "watch_time", "profile_views", "unfollows", "likes", "replies", "shares", "bookmarks",
        "follows", "profile_link_clicks", "claimed_leads",
    }  # fmt: skip


# -- how it is asked for ---------------------------------------------------------------------------------------------


@pytest.fixture
def fetch(server, client):
    """Runs a pull against the script: `fetch(target, answers...)` gives its pages."""

    def run(target, *script, **options):
        server.script = list(script)
        given = {"token": TOKEN, "login": OPEN_ID, "servers": dict.fromkeys(SOURCE.servers, server.url)}
        return list(SOURCE.fetch(target, WEEK, client(**given | options)))

    return run


def asked(server, path):
    """The parameters of every call of a path."""
    found = [urlsplit(url) for _, url, _, _ in server.seen]
    return [
        {name: values[0] for name, values in parse_qs(parts.query).items()} for parts in found if parts.path == path
    ]


def test_the_display_api_is_walked_by_moments_until_the_window_begins(server, fetch):
    pages = fetch(
        DISPLAY,
        ok({"user": USER}),
        ok({"videos": [video("73")], "cursor": 1_762_938_000_000, "has_more": True}),
        ok({"videos": [], "cursor": 1_762_930_000_000, "has_more": True}),
        ok({"videos": [video("72"), video("71", BEFORE)], "cursor": 1_762_600_000_000, "has_more": True}),
    )
    assert [page.stream for page in pages] == ["account", "posts", "posts", "posts"]
    assert [method for method, *_ in server.seen] == ["GET", "POST", "POST", "POST"]
    bodies = [json.loads(body) for _, _, _, body in server.seen[1:]]
    assert bodies == [
        {"max_count": 20},
        {"max_count": 20, "cursor": 1_762_938_000_000},
        {"max_count": 20, "cursor": 1_762_930_000_000},
    ]
    lists = asked(server, "/v2/video/list/")
    assert all(params.keys() == {"fields"} for params in lists), "TikTok knows no other"
    assert {page.request.about["account"] for page in pages[1:]} == {OPEN_ID}
    assert lists[0]["fields"] == (
        "id,create_time,share_url,title,video_description,view_count,like_count,comment_count,share_count"
    )
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {TOKEN}"}
    assert not any("t0ken" in json.dumps(page.request.params) + page.request.body for page in pages)


def test_the_last_page_says_that_there_is_no_more(fetch):
    last = ok({"videos": [video("73")], "cursor": 1_762_938_000_000, "has_more": False})
    assert len(fetch(DISPLAY, ok({"user": USER}), last)) == 2


def test_more_that_cannot_be_asked_for_is_no_more(fetch):
    assert len(fetch(DISPLAY, ok({"user": USER}), ok({"videos": [video("73")], "has_more": True}))) == 2


def test_a_first_post_that_is_older_than_the_window_ends_the_walk(fetch):
    page = ok({"videos": [video("73"), video("70", BEFORE)], "cursor": 5, "has_more": True})
    assert len(fetch(DISPLAY, ok({"user": USER}), page)) == 2


def test_the_business_api_is_asked_for_days_posts_and_conversations(server, fetch):
    pages = fetch(
        BUSINESS,
        fine({"username": REF, "followers_count": 1200}),
        fine({"metrics": [{"date": "2026-11-09", "video_views": 5}]}),
        fine({"videos": [item("73"), item("72", comments=0)], "cursor": 1_762_938_000_000, "has_more": True}),
        fine({"videos": [item("70", BEFORE)], "cursor": 5, "has_more": True}),
        fine({"comments": [comment("c", replies=4, reply_list=[comment("a", parent_comment_id="c")])]}),
        fine({"comments": [comment("b", parent_comment_id="c")]}),
    )
    assert [page.stream for page in pages] == ["account", "days", "posts", "posts", "comments", "replies"]
    assert {headers["Access-Token"] for _, _, headers, _ in server.seen} == {TOKEN}
    account, days = asked(server, f"{V}/get/")
    assert json.loads(account["fields"])[-3:] == ["followers_count", "following_count", "videos_count"]
    assert (days["start_date"], days["end_date"]) == ("2026-11-09", "2026-11-15")
    assert "video_views" in json.loads(days["fields"])
    first, second = asked(server, f"{V}/video/list/")
    assert (first["max_count"], "cursor" in first, second["cursor"]) == ("20", False, "1762938000000")
    [conversation] = asked(server, f"{V}/comment/list/")
    assert (conversation["video_id"], conversation["status"], conversation["include_replies"]) == (
        "73",
        "PUBLIC",
        "true",
    )
    [thread] = asked(server, f"{V}/comment/reply/list/")
    assert (thread["video_id"], thread["comment_id"]) == ("73", "c")
    # The newest comments, and of a long thread its beginning, where the first answer stands.
    assert [(params["sort_field"], params["sort_order"]) for params in (conversation, thread)] == [
        ("create_time", "desc"),
        ("create_time", "asc"),
    ]
    assert {params["business_id"] for params in (account, days, first, second, conversation, thread)} == {OPEN_ID}
    posts = [row for page in pages for row in rows(page, BUSINESS) if isinstance(row, PostRow)]
    assert [post.post_id for post in posts] == ["73", "72", "70"]


def test_the_conversation_is_bounded(server, fetch):
    many = [item(str(number)) for number in range(15)]
    long = fine({"comments": [comment(f"c{number}", replies=9) for number in range(3)]})
    pages = fetch(
        BUSINESS,
        fine({"username": REF}),
        fine({}),
        fine({"videos": many, "has_more": False}),
        *[long] * 10,
        *[fine({"comments": []})] * 5,
    )
    assert [params["video_id"] for params in asked(server, f"{V}/comment/list/")] == [str(n) for n in range(10)]
    assert len(asked(server, f"{V}/comment/reply/list/")) == 5
    assert len(pages) <= SOURCE.expected_calls(posts=15, days=7)


TALK = fine({"comments": [comment("c", replies=4), comment("d", replies=4)]})
NO_RIGHT = fine({}, 40001, "No permission: comment.list")


@pytest.mark.parametrize(
    ("script", "streams", "comments"),
    [([NO_RIGHT], ["comments"], 0), ([TALK, TALK, NO_RIGHT], ["comments", "comments", "replies"], 4)],
)
def test_without_the_right_to_comments_everything_else_is_there(server, fetch, script, streams, comments):
    days = fine({"metrics": [{"date": "2026-11-09", "likes": 5}]})
    listed = fine({"videos": [item("73"), item("72")], "has_more": False})
    pages = fetch(BUSINESS, fine({"username": REF}), days, listed, *script)
    assert [page.stream for page in pages] == ["account", "days", "posts", *streams]
    kinds = [type(row).__name__ for page in pages for row in rows(page, BUSINESS)]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "AccountRow": 1, "DayRow": 10, "PostRow": 2, **({"CommentRow": comments} if comments else {}),
    }  # fmt: skip


def test_a_token_that_dies_before_the_comments_is_no_missing_right(fetch):
    listed = fine({"videos": [item("73")], "has_more": False})
    with pytest.raises(Unauthorized, match="expired"):
        fetch(BUSINESS, fine({"username": REF}), fine({}), listed, fine({}, 40102, "Access token has expired."))


def test_days_that_are_refused_whatever_is_asked_for_are_bad(fetch):
    wrong = fine({}, 40002, "start_date: must be within 60 days")
    with pytest.raises(BadAnswer, match=r"refused every metric.*40002: start_date"):
        fetch(BUSINESS, fine({"username": REF}), *[wrong] * 19)
    with pytest.raises(BadAnswer, match="refused every metric"):
        fetch(BUSINESS, *[fine({"username": REF})] * 3, *[wrong] * 10, one_metric_a_call=True)


def test_a_metric_of_days_that_is_refused_costs_that_metric_alone(fetch):
    wrong, good = fine({}, 40002, "fields: daily_lost_followers"), fine({"metrics": [{"date": "2026-11-09"}]})
    listed = fine({"videos": [], "has_more": False})
    pages = fetch(BUSINESS, fine({"username": REF}), wrong, good, wrong, good, wrong, wrong, good, listed)
    found = [row for page in pages for row in rows(page, BUSINESS)]
    assert [row.metric for row in found if isinstance(row, UnavailableRow)] == ["unfollows"]


@pytest.mark.parametrize("other", ["another.bakery", "meadow"])
def test_a_token_of_another_account_is_found_out_before_its_posts_are_read(server, fetch, other):
    with pytest.raises(NotFound, match=f"that of the account {other}, not {REF}"):
        fetch(DISPLAY, ok({"user": USER | {"username": other}}))
    with pytest.raises(NotFound, match=f"that of the account {other}, not {REF}"):
        fetch(BUSINESS, fine({"username": other}))
    assert len(server.seen) == 2


def test_a_username_may_be_written_in_any_case_or_be_withheld(fetch):
    empty = ok({"videos": [], "has_more": False})
    assert len(fetch(DISPLAY, ok({"user": USER | {"username": "MeadowBakery"}}), empty)) == 2
    assert len(fetch(DISPLAY, ok({"user": {"open_id": OPEN_ID}}), empty)) == 2


def test_a_connection_that_lacks_something_is_told_before_anything_is_asked(server, fetch):
    with pytest.raises(Unauthorized, match="holds no token"):
        fetch(DISPLAY, token=None)
    with pytest.raises(Unauthorized, match="open_id"):
        fetch(BUSINESS, login=None)
    assert server.seen == []


@pytest.mark.parametrize(
    ("target", "answer", "raised", "told"),
    [
        (DISPLAY, no(401, "access_token_invalid"), Unauthorized, REF),
        (DISPLAY, no(200, "access_token_invalid"), Unauthorized, "consent"),
        (DISPLAY, no(401, "scope_not_authorized"), Unauthorized, "scope_not_authorized"),
        (DISPLAY, no(429, "rate_limit_exceeded"), RateLimited, "Try again later"),
        (DISPLAY, no(200, "rate_limit_exceeded"), RateLimited, "Try again later"),
        (DISPLAY, no(500, "internal_error"), Unavailable, "internal_error"),
        (DISPLAY, no(400, "invalid_file_upload"), BadAnswer, "invalid_file_upload"),
        (DISPLAY, (502, {}, b"<html>bad gateway"), Unavailable, "502"),
        (DISPLAY, (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html>"), BadAnswer, "text/html"),
        (DISPLAY, (200, {}, b'{"data":{"user":{"open_'), BadAnswer, "TikTok account"),
        (BUSINESS, fine({}, 40105, "Access token is incorrect or has been revoked."), Unauthorized, "revoked"),
        (BUSINESS, fine({}, 40102, "Access token has expired."), Unauthorized, REF),
        (BUSINESS, fine({}, 40001, "No permission."), Unauthorized, "all scopes"),
        (BUSINESS, fine({}, 40100, "Too many requests."), RateLimited, "Try again later"),
        (BUSINESS, fine({}, 51010, "Service error."), Unavailable, "Service error"),
        (BUSINESS, fine({}, 40007, "No such thing."), BadAnswer, "40007: No such thing"),
    ],
)
def test_what_goes_wrong_is_told_apart_whatever_the_http_status(server, client, target, answer, raised, told):
    server.script = [answer] * 5
    http = client(token=TOKEN, login=OPEN_ID, servers=dict.fromkeys(SOURCE.servers, server.url))
    pages = []
    with pytest.raises(raised, match=told) as error:
        for page in SOURCE.fetch(target, WEEK, http):
            pages.append(page)
    assert [page.stream for page in pages] == ["account"]
    assert "t0ken" not in str(error.value)


def test_patience_that_is_asked_for_with_http_200_is_kept(clock, fetch):
    later = fine({}, 40100, "Too many requests.")
    pages = fetch(BUSINESS, later, fine({"username": REF}), fine({}, 50002, "Busy."), fine({}), fine({"videos": []}))
    assert [page.stream for page in pages] == ["account", "days", "posts"]
    hurried = no(200, "rate_limit_exceeded")
    pages = fetch(DISPLAY, hurried, ok({"user": USER}), hurried, ok({"videos": []}))
    assert [page.stream for page in pages] == ["account", "posts"]
    assert len(clock.slept) == 4


def test_pages_that_go_in_a_circle_are_bad(fetch):
    listed = {"videos": [video()], "cursor": 77, "has_more": True}
    with pytest.raises(BadAnswer, match="circle"):
        fetch(DISPLAY, ok({"user": USER}), *[ok(listed)] * 3)
    listed = {"videos": [item(comments=0)], "cursor": 77, "has_more": True}
    with pytest.raises(BadAnswer, match="circle"):
        fetch(BUSINESS, fine({"username": REF}), fine({}), *[fine(listed)] * 3)


def test_pages_that_stay_empty_are_bad(fetch):
    empty = [ok({"videos": [], "cursor": number, "has_more": True}) for number in range(1, 20)]
    with pytest.raises(BadAnswer, match="empty pages"):
        fetch(DISPLAY, ok({"user": USER}), *empty)


def test_a_metric_of_posts_that_is_refused_is_found_by_halving_and_then_left_out(server, fetch):
    refused = no(400, "invalid_params", "Invalid fields: share_count")
    listed = {"videos": [video()], "cursor": 77, "has_more": True}
    pages = fetch(
        DISPLAY,
        ok({"user": USER}),
        refused,
        ok(listed),
        refused,
        ok(listed),
        refused,
        ok(listed),
        ok({"videos": [video("70", BEFORE)], "has_more": True, "cursor": 5}),
    )
    metrics = [
        [name for name in params["fields"].split(",") if name.endswith("_count")]
        for params in asked(server, "/v2/video/list/")
    ]
    assert metrics == [
        ["view_count", "like_count", "comment_count", "share_count"],
        ["view_count", "like_count"],
        ["comment_count", "share_count"],
        ["comment_count"],
        ["share_count"],
        ["view_count", "like_count", "comment_count"],
        ["view_count", "like_count", "comment_count"],
    ]
    found = [row for page in pages for row in rows(page)]
    assert [row.metric for row in found if isinstance(row, UnavailableRow)] == ["shares"]
    assert set(found[-1].counts) == {"views", "likes", "replies"}


def test_an_account_that_gives_no_totals_is_an_account_all_the_same(fetch):
    missing = no(400, "scope_permission_missed", "Some fields need additional scopes.")
    pages = fetch(DISPLAY, *[missing] * 5, ok({"user": {"open_id": OPEN_ID}}), ok({"videos": []}))
    found = [row for page in pages for row in rows(page)]
    assert [row.metric for row in found[:3]] == ["followers", "following", "posts"]
    assert (found[3].account_id, found[3].counts) == (OPEN_ID, {})


def test_each_metric_can_be_asked_for_alone(server, fetch):
    user, none = ok({"user": USER}), ok({"videos": [], "has_more": False})
    fetch(DISPLAY, *[user] * 3, *[none] * 4, none, one_metric_a_call=True)
    alone = [params["fields"].split(",")[5:] for params in asked(server, "/v2/video/list/")]
    assert alone[:4] == [["view_count"], ["like_count"], ["comment_count"], ["share_count"]]
    assert len(alone[4]) == 4


def test_the_server_is_that_of_the_api_the_client_file_names():
    assert SOURCE.base_url(DISPLAY) == "https://open.tiktokapis.com"
    assert SOURCE.base_url(BUSINESS) == "https://business-api.tiktok.com"


@pytest.mark.parametrize(("posts", "calls"), [(0, 18), (1, 19), (20, 19), (21, 20), (40, 20)])
def test_the_bound_of_calls_grows_by_pages(posts, calls):
    assert SOURCE.expected_calls(posts=posts, days=4) == calls


# -- new tokens ------------------------------------------------------------------------------------------------------

SECRETS = {"client_secret": "s3cret-s3cret", "refresh_token": "rft.old-old-old"}


@pytest.fixture
def renew(server, client):
    def run(answer, **extra):
        server.script = [answer] * 5
        return SOURCE.renew(client(token=TOKEN, extra=extra, servers=dict.fromkeys(SOURCE.servers, server.url)))

    return run


def granted(**changes):
    said = {"access_token": "act.new", "expires_in": 7200, "refresh_token": "rft.new", "refresh_expires_in": 15552000}
    body = {"open_id": OPEN_ID, "scope": "video.list", "token_type": "Bearer"} | said | changes
    return (200, {"Content-Type": "application/json"}, json.dumps(body).encode())


def test_a_token_of_the_display_api_is_exchanged_by_a_form(server, clock, renew):
    new = renew(granted(), client_key="aw1", **SECRETS)
    assert (new.token, new.refresh_token) == ("act.new", "rft.new")
    assert new.expires_at == clock.now + dt.timedelta(hours=2)
    assert new.refresh_expires_at == clock.now + dt.timedelta(days=180)
    [(method, path, headers, body)] = server.seen
    assert (method, path) == ("POST", "/v2/oauth/token/")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == {
        "client_key": "aw1", "grant_type": "refresh_token", **SECRETS,
    }  # fmt: skip


def test_a_token_of_the_business_api_is_exchanged_by_json(server, renew):
    pair = {"access_token": "act.new", "expires_in": 86400, "refresh_token": "rft.new"}
    new = renew(fine(pair | {"refresh_token_expires_in": 31536000}), client_id="7", **SECRETS)
    assert (new.token, new.refresh_token) == ("act.new", "rft.new")
    assert new.refresh_expires_at - new.expires_at == dt.timedelta(days=364)
    [(_, path, _, body)] = server.seen
    assert path == "/open_api/v1.3/tt_user/oauth2/refresh_token/"
    assert json.loads(body) == {"client_id": "7", "grant_type": "refresh_token", **SECRETS}


def test_a_token_that_comes_back_unchanged_is_not_lost(renew):
    same = granted(access_token=TOKEN, refresh_token=SECRETS["refresh_token"])
    new = renew(same, client_key="aw1", **SECRETS)
    assert (new.token, new.refresh_token) == (TOKEN, None)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (
            (200, {}, b'{"error":"invalid_grant","error_description":"Refresh token is dead.","log_id":"1"}'),
            Unauthorized,
        ),
        ((400, {}, b'{"error":"invalid_client","error_description":"Who?","log_id":"1"}'), Unauthorized),
        (fine({}, 40103, "Refresh token has expired."), Unauthorized),
        (no(429, "rate_limit_exceeded"), RateLimited),
        ((200, {}, b'{"access_token":"act.half-of-a-tok'), BadAnswer),
        (granted(access_token="two words"), BadAnswer),
    ],
)
def test_a_refused_exchange_quotes_no_token(renew, answer, raised):
    with pytest.raises(raised) as error:
        renew(answer, client_key="aw1", **SECRETS)
    assert not any(word in str(error.value) for word in ("act.", "rft.", "s3cret", "two words"))


def test_an_exchange_needs_the_apps_secrets(server, renew):
    with pytest.raises(Unauthorized, match="no client_id, client_secret, refresh_token"):
        renew(granted())
    with pytest.raises(Unauthorized, match="no refresh_token"):
        renew(granted(), client_key="aw1", client_secret="s3cret-s3cret")
    assert server.seen == []
