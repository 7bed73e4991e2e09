"""Instagram: accounts, posts, stories, comments, their numbers by kind, days without ads, and how all is asked for."""

import datetime as dt
import json
import socket
from collections import Counter
from itertools import pairwise
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    RawPage,
    Request,
    Target,
    UnavailableRow,
    Window,
)
from widerview.sources.errors import BadAnswer, BudgetSpent, NotFound, RateLimited, Unauthorized
from widerview.sources.instagram import SOURCE

ID = "17841400000000001"
TOKEN = "EAAMeadowSystemUser"
OWN_TOKEN = "IGAAMeadowItself"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
TODAY = Window(dt.date(2026, 11, 21), dt.date(2026, 11, 21))
"""In California it is still the evening of this day, so none of its days is over."""
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
PROFILE = {
    "id": ID,
    "username": "meadowbakery",
    "name": "Meadow Bakery",
    "followers_count": 120,
    "follows_count": 7,
    "media_count": 31,
}
PAGES = {"data": [{"id": "900"}, {"id": "901", "instagram_business_account": PROFILE}]}
PACIFIC = ZoneInfo("America/Los_Angeles")
BY_PAGE, BY_ITSELF = "https://graph.facebook.com/v26.0/me/accounts", "https://graph.instagram.com/v26.0/me"
DEAD = {"impressions", "plays", "video_views", "clips_replays_count", "ig_reels_aggregated_all_plays_count"}


def media(number, created="2026-11-21T09:00:00+0000", product="FEED", **changes):
    return {
        "id": str(number),
        "caption": f"post {number}",
        "media_type": "VIDEO" if product == "REELS" else "IMAGE",
        "media_product_type": product,
        "permalink": f"https://www.instagram.com/p/{number}/",
        "timestamp": created,
        "username": "meadowbakery",
        "like_count": 4,
        "comments_count": 2,
        **changes,
    }


def told(**values):
    return {"data": [{"name": name, "period": "lifetime", "values": [{"value": v}]} for name, v in values.items()]}


def refusal(code, message, subcode=None):
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return {"error": error | ({"error_subcode": subcode} if subcode else {})}


UNKNOWN = refusal(100, "(#100) metric[0] must be one of the following values: reach, views")
NOT_FOR_KIND = refusal(100, "(#100) The Media Insights API does not support the x metric for this media product type.")
TOO_FEW = refusal(10, "(#10) Not enough viewers for the media to show insights")
TOO_OLD = refusal(100, "Invalid parameter", 2108006)


def batched(body):
    """The calls within a batch: path and parameters of each."""
    urls = [urlsplit(call["relative_url"]) for call in json.loads(parse_qs(body.decode())["batch"][0])]
    return [(url.path, {name: values[0] for name, values in parse_qs(url.query).items()}) for url in urls]


class Always(list):
    """A script that answers every request with what a function of path and parameters gives: JSON, or what is whole."""

    def __init__(self, answer):
        self.answer = answer

    def pop(self, _=0):
        return self._step

    def _step(self, handler):
        parts = urlsplit(handler.path)
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if handler.command == "POST":
            calls = batched(handler.server.seen[-1][3])
            answers = [self.answer(parts.path + path, asked) for path, asked in calls]
            whole = [{"code": 400 if "error" in one else 200, "body": json.dumps(one)} for one in answers]
            given = self.answer(parts.path, {"batch": ""}) or (200, {}, whole)
        else:
            given = self.answer(parts.path, params)
        status, headers, body = given if isinstance(given, tuple) else (400 if "error" in given else 200, {}, given)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


def metrics_in(params):
    return params["fields"].partition("insights.metric(")[2].partition(")")[0].split(",")


def meadow(posts=(), stories=(), numbers=None, day=None, account=None, batch=None):
    """The platform with one account: what it has, and how it answers to calls for numbers and for days."""

    def answer(path, params):
        edge = path.rsplit("/", 1)[-1]
        if edge in {"accounts", "me"}:
            return account or (PAGES if edge == "accounts" else PROFILE | {"id": "4711", "user_id": ID})
        metrics = metrics_in(params) if "fields" in params else []
        if edge in {"stories", "media"}:
            listed = list(stories if edge == "stories" else posts)
            bare = metrics == [""]
            refused = numbers([one["id"] for one in listed], metrics) if listed and numbers and not bare else None
            more = {} if bare else {"insights": told(**dict.fromkeys(metrics, 5))}
            return refused or {"data": [one | more for one in listed]}
        if edge == "insights":
            return day(params) if day else {"data": []}
        if "batch" in params:
            return batch
        if numbers and (refused := numbers([edge], metrics)):
            return refused
        [one] = [one for one in (*posts, *stories) if one["id"] == edge]
        return {"id": edge, "timestamp": one["timestamp"], "insights": told(**dict.fromkeys(metrics, 5))}

    return Always(answer)


@pytest.fixture
def pull(server, client, target):
    """Pulls the account of the scripted platform: pages, and the rows of them all."""

    def pull(window=TODAY, ref="meadowbakery", token=TOKEN, **options):
        meant = target("instagram", ref)
        servers = {"https://graph.instagram.com": f"{server.url}/ig"}
        http = client(token=token, servers=servers, **options)
        pages = []
        for page in SOURCE.fetch(meant, window, http):
            pages.append(page)
        return pages, [row for page in pages for row in SOURCE.parse(meant, page)]

    return pull


def asked(server):
    """What was asked: path and parameters."""
    return [
        (urlsplit(path).path, {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()})
        for _, path, _, _ in server.seen
    ]


def numbers_asked(server):
    """What numbers were asked of, batches taken apart: the last part of the path, and the metrics."""
    calls = [
        call
        for (_, _, _, body), (path, params) in zip(server.seen, asked(server), strict=True)
        for call in (batched(body) if body else [(path, params)])
    ]
    return [(path.rsplit("/", 1)[-1], metrics_in(params)) for path, params in calls if "insights." in str(params)]


def of(rows, type_):
    return [row for row in rows if isinstance(row, type_)]


# -- what is read of an answer -----------------------------------------------------------------------------------------


@pytest.fixture
def parse(page, target):
    def parse(stream, body, about=None, **options):
        options.setdefault("url", f"https://graph.facebook.com/v26.0/{ID}/media")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = page(stream, content, **options)
        request = msgspec.structs.replace(answer.request, about=about or {})
        meant = target("instagram", "MeadowBakery")
        return list(SOURCE.parse(meant, msgspec.structs.replace(answer, request=request)))

    return parse


@pytest.mark.parametrize(
    ("url", "body"),
    [(BY_PAGE, PAGES), (BY_ITSELF, PROFILE | {"id": "4711", "user_id": ID})],
    ids=["Facebook Login", "Instagram Login"],
)
def test_an_account_has_the_same_id_whichever_way_it_is_asked_for(parse, url, body):
    [account] = parse("account", body, url=url)
    assert (account.account_id, account.handle, account.name) == (ID, "meadowbakery", "Meadow Bakery")
    assert account.counts == {"followers": 120, "following": 7, "posts": 31}


def test_accounts_of_other_pages_give_no_rows(parse):
    other = PROFILE | {"id": "1", "username": "hillbakery"}
    assert parse("account", {"data": [{"id": "9", "instagram_business_account": other}]}, url=BY_PAGE) == []


@pytest.mark.parametrize(
    ("product", "type_", "kind"),
    [
        ("FEED", "IMAGE", "image"),
        ("FEED", "CAROUSEL_ALBUM", "carousel"),
        ("FEED", "VIDEO", "video"),
        ("REELS", "VIDEO", "reel"),
        ("STORY", "VIDEO", "story"),
    ],
)
def test_what_a_post_is(parse, product, type_, kind):
    [post] = parse("posts", {"data": [media(1, product=product, media_type=type_)]})
    assert post.kind == kind


def test_a_post_and_its_counts(parse):
    [post] = parse("posts", {"data": [media(1, caption="Fresh #Bread and #Rye, see https://a.example/x.")]})
    assert (post.account_id, post.post_id, post.permalink) == (ID, "1", "https://www.instagram.com/p/1/")
    assert post.published_at == dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    assert (post.tags, post.links) == (("bread", "rye"), ("https://a.example/x",))
    assert post.counts == {"likes": 4, "replies": 2}


@pytest.mark.parametrize("hidden", [{}, {"like_count": None}, {"like_count": -1}])
def test_hidden_likes_are_not_zero(parse, hidden):
    shown = {name: value for name, value in media(1).items() if name != "like_count"}
    [post] = parse("posts", {"data": [shown | hidden]})
    assert post.counts == {"likes": None, "replies": 2}


def test_the_answers_to_a_story_are_left_to_its_numbers(parse):
    without_product = {name: value for name, value in media(1).items() if name != "media_product_type"}
    [story] = parse("stories", {"data": [without_product]})
    assert (story.kind, story.counts) == ("story", {"likes": 4})


def test_what_was_made_for_ads_only_is_no_post(parse):
    assert parse("posts", {"data": [media(1, product="AD")]}) == []


def test_an_empty_listing_has_no_rows(parse):
    assert parse("posts", {"data": []}) == []


def test_comments_their_answers_and_which_are_own(parse):
    at = "2026-11-21T10:00:00+0000"
    answers = [
        {"id": "31", "timestamp": at, "text": "Daily!", "username": "meadowbakery", "from": {"id": "77"}},
        {"id": "32", "timestamp": at, "text": "Yes", "user": {"id": ID}},
        {"id": "33", "timestamp": at, "username": "ann"},
    ]
    comments = [
        {
            "id": "3",
            "timestamp": at,
            "text": "When?",
            "username": "ann",
            "from": {"id": "5"},
            "replies": {"data": answers},
        },
        {"id": "4", "timestamp": at, "text": "Yum"},
    ]
    _, *rows = parse("posts", {"data": [media(1, comments={"data": comments})]})
    assert all(isinstance(row, CommentRow) and row.post_id == "1" and row.account_id == ID for row in rows)
    assert [(row.comment_id, row.reply_to, row.own, row.author, row.text) for row in rows] == [
        ("3", None, False, "5", "When?"),
        ("31", "3", True, ID, "Daily!"),
        ("32", "3", True, ID, "Yes"),
        ("33", "3", False, "ann", ""),
        ("4", None, False, "hidden in 4", "Yum"),
    ]
    assert {row.published_at for row in rows} == {dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)}


def counters(parse, metrics, *posts, together=True):
    url, fields = "https://graph.facebook.com/v26.0/", f"id,timestamp,insights.metric({','.join(metrics)})"
    if not together:
        [post] = posts
        return parse("post_insights", post, about={"account": ID}, params={"fields": fields}, url=url + post["id"])
    calls = [{"method": "GET", "relative_url": f"{post['id']}?{urlencode({'fields': fields})}"} for post in posts]
    body = [{"code": 200, "body": json.dumps(post)} for post in posts]
    return parse("post_insights", body, about={"account": ID}, params={"batch": json.dumps(calls)}, url=url)


def numbered(number, **values):
    return {"id": str(number), "timestamp": "2026-11-21T09:00:00+0000", "insights": told(**values)}


@pytest.mark.parametrize("together", [True, False])
def test_numbers_of_posts_belong_to_the_moment_they_were_published(parse, together):
    post = numbered(1, views=50, saved=0, profile_visits=3)
    [row] = counters(parse, ["views", "saved", "profile_visits"], post, together=together)
    assert (row.account_id, row.post_id) == (ID, "1")
    assert row.published_at == dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    assert row.counts == {"views": 50, "bookmarks": 0, "profile_views": 3}


def test_numbers_that_do_not_say_of_which_account_are_bad(parse):
    params = {"fields": "id,timestamp,insights.metric(views)"}
    with pytest.raises(BadAnswer, match="does not say for which account"):
        parse("post_insights", numbered(1, views=50), params=params, url="https://graph.facebook.com/v26.0/1")


def test_a_metric_that_every_post_of_a_batch_is_refused_is_unavailable_once(parse):
    url = f"1?{urlencode({'fields': 'id,timestamp,insights.metric(follows)'})}"
    calls = json.dumps([{"method": "GET", "relative_url": url}] * 3)
    body = [{"code": 400, "body": json.dumps(UNKNOWN)}] * 3
    [row] = parse(
        "post_insights", body, about={"account": ID}, params={"batch": calls}, url="https://graph.facebook.com/"
    )
    assert (type(row), row.native_metric) == (UnavailableRow, "follows")


def test_a_number_that_was_not_told_is_not_zero(parse):
    rows = counters(
        parse, ["views", "reach"], numbered(1, views=0), {"id": "2", "timestamp": "2026-11-21T09:00:00+0000"}
    )
    assert [row.counts for row in rows] == [{"views": 0, "reach": None}, {"views": None, "reach": None}]


@pytest.mark.parametrize(("said", "stored"), [(3, 3), (0, None)])
def test_no_answers_to_a_story_are_no_zero_because_instagram_does_not_count_everywhere(parse, said, stored):
    [row] = counters(parse, ["replies"], numbered(1, replies=said))
    assert row.counts == {"replies": stored}


def test_time_watched_is_in_seconds(parse):
    [row] = counters(parse, ["ig_reels_video_view_total_time"], numbered(1, ig_reels_video_view_total_time=61_499))
    assert row.counts == {"watch_time": 61}


def test_numbers_may_come_as_text_and_as_totals(parse):
    post = numbered(1, views="12")
    post["insights"]["data"].append({"name": "shares", "total_value": {"value": "7"}})
    assert counters(parse, ["views", "shares"], post)[0].counts == {"views": 12, "shares": 7}


@pytest.mark.parametrize(
    ("metrics", "canonical"),
    [(["saved"], ["bookmarks"]), (["views", "saved"], []), (["total_interactions"], ["engagements"])],
)
def test_a_refusal_says_something_of_one_metric_alone_only(parse, metrics, canonical):
    params = {"fields": f"id,timestamp,insights.metric({','.join(metrics)})", "ids": "1,2"}
    rows = parse("post_insights", UNKNOWN, status=400, params=params)
    assert [(type(row), row.metric, row.native_metric) for row in rows] == [
        (UnavailableRow, metric, metrics[0]) for metric in canonical
    ]


@pytest.mark.parametrize("body", [TOO_FEW, TOO_OLD, refusal(190, "expired")])
def test_other_refusals_say_nothing_of_a_metric(parse, body):
    params = {"fields": "id,timestamp,insights.metric(saved)"}
    assert parse("post_insights", body, status=400, params=params) == []


# -- days --------------------------------------------------------------------------------------------------------------

MONDAY = {"since": "1794211200", "until": "1794297599", "metric": "reach"}
"""2026-11-09 in California, whose midnight is 08:00 UTC."""


def day(parse, name, total, dimension="media_product_type", **options):
    if dimension and isinstance(total, dict):
        results = [{"dimension_values": [member], "value": value} for member, value in total["parts"].items()]
        total = {"breakdowns": [{"dimension_keys": [dimension], "results": results}]} | (
            {"value": total["all"]} if "all" in total else {}
        )
    body = {"data": [{"name": name, "period": "day", "total_value": total, "id": f"{ID}/insights/{name}/day"}]}
    url = f"https://graph.facebook.com/v26.0/{ID}/insights"
    rows = parse("insights", body, url=url, params=MONDAY, **options)
    assert all(isinstance(row, DayRow) and (row.entity, row.entity_id) == ("account", ID) for row in rows)
    assert all((row.day, row.zone) == (dt.date(2026, 11, 9), "America/Los_Angeles") for row in rows)
    return {row.metric: row.value for row in rows}


@pytest.mark.parametrize(
    ("native", "canonical"),
    [
        ("likes", "likes"),
        ("comments", "replies"),
        ("shares", "shares"),
        ("saves", "bookmarks"),
        ("total_interactions", "engagements"),
    ],
)
def test_what_ads_brought_is_in_no_number_of_a_day(parse, native, canonical):
    assert day(parse, native, {"all": 115, "parts": {"POST": 10, "REEL": 5, "AD": 100}}) == {canonical: 15}


def test_views_of_ads_are_told_apart(parse):
    views = day(parse, "views", {"all": 115, "parts": {"POST": 10, "REEL": 5, "AD": 100}})
    assert views == {"views": 15, "paid_views": 100}


@pytest.mark.parametrize(
    ("total", "reach"),
    [
        ({"all": 40, "parts": {"POST": 30, "REEL": 15}}, {"reach": 40}),
        ({"all": 120, "parts": {"POST": 30, "AD": 100}}, {"reach": 30, "paid_reach": 100}),
        ({"all": 120, "parts": {"POST": 30, "STORY": 0, "AD": 100}}, {"reach": 30, "paid_reach": 100}),
        ({"all": 120, "parts": {"POST": 30, "REEL": 15, "AD": 100}}, {"reach": None, "paid_reach": 100}),
        ({"all": 100, "parts": {"AD": 100}}, {"reach": None, "paid_reach": 100}),
        ({"all": 40, "parts": {"POST": 30, "REEL": 15, "AD": 0}}, {"reach": 40, "paid_reach": 0}),
        ({"all": 0, "parts": {}}, {"reach": 0}),
        ({"all": 120, "parts": {}}, {"reach": None}),
    ],
    ids=["no ads", "one kind", "one kind seen", "several kinds", "ads only", "ads unseen", "nobody", "not split"],
)
def test_reach_without_ads_is_told_only_where_it_is_certain(parse, total, reach):
    assert day(parse, "reach", total) == reach


def test_events_that_are_not_split_may_hold_ads_and_are_not_reported(parse):
    assert day(parse, "likes", {"value": 12}, dimension=None) == {"likes": None}
    assert day(parse, "likes", {"value": 0}, dimension=None) == {"likes": 0}


def test_all_likes_were_given_to_ads(parse):
    assert day(parse, "likes", {"all": 12, "parts": {"AD": 12}}) == {"likes": 0}


def test_followers_won_and_lost(parse):
    flows = {"parts": {"FOLLOWER": 9, "NON_FOLLOWER": 2, "UNKNOWN": 1}}
    assert day(parse, "follows_and_unfollows", flows, "follow_type") == {"follows": 9, "unfollows": 2}


@pytest.mark.parametrize("bare", [{}, {"value": 11}, {"breakdowns": [{"dimension_keys": ["follow_type"]}]}])
def test_followers_that_are_not_told_yet_are_no_zero(parse, bare):
    assert day(parse, "follows_and_unfollows", bare, dimension=None) == {}


def test_taps_on_the_profile(parse):
    assert day(parse, "profile_links_taps", {"value": 6}, dimension=None) == {"profile_link_clicks": 6}


def test_a_metric_nobody_asked_for_gives_no_rows(parse):
    assert day(parse, "impressions", {"value": 6}, dimension=None) == {}


SURFACES = st.dictionaries(st.sampled_from(["POST", "REEL", "STORY", "CAROUSEL_CONTAINER"]), st.integers(0, 10**9))


@given(parts=SURFACES, paid=st.integers(0, 10**9), hidden=st.integers(0, 10**9))
def test_no_person_reached_by_an_ad_alone_enters_organic_reach(parts, paid, hidden):
    """Whatever Instagram answers: organic reach is at most what the organic kinds come to."""
    several = max([paid, *parts.values()])
    whole = several + hidden % (sum(parts.values()) + paid - several + 1)
    results = [{"dimension_values": [kind], "value": value} for kind, value in {**parts, "AD": paid}.items()]
    total = {"value": whole, "breakdowns": [{"dimension_keys": ["media_product_type"], "results": results}]}
    body = {"data": [{"name": name, "period": "day", "total_value": total} for name in ("reach", "views")]}
    page = RawPage(
        stream="insights",
        request=Request("GET", f"https://graph.facebook.com/v26.0/{ID}/insights", MONDAY),
        status=200,
        headers={},
        fetched_at=NOW,
        body=json.dumps(body).encode(),
    )
    meant = Target(client_id="meadow", source="instagram", ref="meadowbakery", time_zone="Europe/Berlin")
    found = {row.metric: row.value for row in SOURCE.parse(meant, page)}
    assert found["paid_reach"] == found["paid_views"] == paid
    assert found["reach"] is None or found["reach"] <= sum(parts.values())
    if parts:
        assert found["views"] == sum(parts.values())


# -- how it is asked for -----------------------------------------------------------------------------------------------


EVERY = {"views", "reach", "shares", "total_interactions", "reposts"}


def test_each_kind_is_asked_for_what_it_has_and_for_nothing_that_has_died(server, pull):
    album = media(3, media_type="CAROUSEL_ALBUM", children={"data": [{"id": "31"}, {"id": "32"}]})
    server.script = meadow([media(1), media(2, product="REELS"), album], [media(4, product="STORY")])
    pages, rows = pull()
    assert [page.stream for page in pages] == ["account", "stories", "posts", *["post_insights"] * 3]
    named = {post: set(metrics) for post, metrics in numbers_asked(server)}
    of_feed = {"follows", "profile_visits"}
    assert named == {
        "media": EVERY | {"saved"},
        "1": of_feed,
        "2": {"ig_reels_video_view_total_time"},
        "3": of_feed,
        "4": EVERY | {"replies"} | of_feed,
    }
    assert not DEAD & set().union(*named.values())
    assert {row.post_id for row in of(rows, CounterRow)} == {"1", "2", "3", "4"}  # an album's parts have no numbers


def test_no_metric_is_told_by_a_post_and_its_numbers_both(server, pull):
    server.script = meadow([media(1), media(2, product="REELS")], [media(4, product="STORY")])
    _, rows = pull()
    for number in "124":
        metrics = [metric for row in of(rows, PostRow | CounterRow) if row.post_id == number for metric in row.counts]
        assert max(Counter(metrics).values()) == 1


def test_only_posts_of_the_window_are_asked_for_their_numbers(server, pull):
    server.script = meadow([media(1), media(2, "2026-11-20T21:00:00+0000")])
    _, rows = pull()
    assert [row.post_id for row in of(rows, CounterRow)] == ["1"]
    assert [row.post_id for row in of(rows, PostRow)] == ["1", "2"]


def test_numbers_of_one_kind_come_fifty_at_a_time_and_of_the_newest_hundred(server, pull):
    server.script = meadow([media(number) for number in range(2000, 1750, -1)])
    _, rows = pull()
    batches = [[path for path, _ in batched(body)] for _, _, _, body in server.seen if body]
    assert [len(some) for some in batches] == [50, 50]
    assert [batches[0][0], batches[1][-1]] == ["2000", "1901"]
    assert len(given(rows, "views")) == 250
    assert len(given(rows, "profile_views")) == 100


def test_a_metric_that_has_died_costs_itself_alone_and_few_calls(server, pull):
    posts = [media(number) for number in range(1, 101)]
    server.script = meadow(posts, numbers=lambda ids, metrics: UNKNOWN if "saved" in metrics else None)
    pages, rows = pull()
    assert [(row.metric, row.native_metric) for row in of(rows, UnavailableRow)] == [("bookmarks", "saved")]
    for post in posts:
        known = {
            m: v for row in of(rows, PostRow | CounterRow) if row.post_id == post["id"] for m, v in row.counts.items()
        }
        assert set(known) == {
            "likes", "replies", "views", "reach", "shares", "engagements", "reposts", "follows", "profile_views",
        }  # fmt: skip
    assert len(pages) <= 3 + 7 + 3


@pytest.mark.parametrize(
    "refused",
    [
        TOO_FEW,
        TOO_OLD,
        refusal(100, "gone", 33),
        refusal(100, "(#100) Object does not exist"),
        refusal(803, "(#803) Some aliases"),
    ],
)
def test_a_post_without_numbers_costs_itself_alone(server, pull, refused):
    posts = [media(number) for number in range(1, 8)]
    server.script = meadow(posts, numbers=lambda ids, metrics: refused if "5" in ids else None)
    _, rows = pull()
    found = of(rows, CounterRow)
    assert sorted(row.post_id for row in found) == ["1", "2", "3", "4", "6", "7"]
    assert {row.counts["views"] for row in found} == {5}
    assert of(rows, UnavailableRow) == []


def test_a_metric_that_only_one_post_cannot_have_costs_no_other_metric(server, pull):
    def numbers(posts, metrics):
        return NOT_FOR_KIND if "views" in metrics else None

    server.script = meadow([media(1), media(2)], numbers=numbers)
    _, rows = pull()
    counted = {metric for row in of(rows, PostRow | CounterRow) for metric in row.counts}
    assert counted >= {"reach", "bookmarks", "profile_views"}
    assert [row.metric for row in of(rows, UnavailableRow)] == ["views"]


def given(rows, metric):
    return {row.post_id for row in of(rows, PostRow | CounterRow) if row.counts.get(metric) is not None}


def test_a_metric_that_one_post_does_not_know_is_missing_of_that_post_alone(server, pull):
    posts = [media(number) for number in range(1, 51)]
    server.script = meadow(
        posts, numbers=lambda ids, metrics: NOT_FOR_KIND if "25" in ids and "views" in metrics else None
    )
    pages, rows = pull()
    everyone = {str(number) for number in range(1, 51)}
    assert given(rows, "views") == everyone - {"25"}
    assert given(rows, "reach") == given(rows, "profile_views") == everyone
    assert of(rows, UnavailableRow) == []
    assert len(pages) <= 3 + 7 + 14


def test_a_metric_that_no_post_of_one_kind_knows_is_there_for_the_other_kind(server, pull):
    posts = [*(media(number) for number in range(1, 71)), media(80, product="REELS")]
    server.script = meadow(
        posts, numbers=lambda ids, metrics: NOT_FOR_KIND if "views" in metrics and ids != ["80"] else None
    )
    pages, rows = pull(budget=200)
    assert given(rows, "views") == {"80"}
    assert len(given(rows, "reach")) == 71
    assert of(rows, UnavailableRow) == []
    assert len(pages) <= 3 + 7 + 8


def test_a_metric_that_no_post_knows_is_unavailable_and_said_once(server, pull):
    posts = [*(media(number) for number in range(1, 6)), media(8, product="REELS")]
    server.script = meadow(posts, numbers=lambda ids, metrics: NOT_FOR_KIND if "views" in metrics else None)
    _, rows = pull()
    assert [(row.metric, row.native_metric) for row in of(rows, UnavailableRow)] == [("views", "views")]
    assert len(given(rows, "reach")) == 6


NO_BATCH = refusal(100, "(#100) Batches are not supported")


def test_without_several_posts_at_once_each_is_asked_for_alone_from_then_on(server, pull):
    posts = [*(media(number) for number in range(1, 61)), *(media(n, product="REELS") for n in range(70, 75))]
    server.script = meadow(posts, batch=NO_BATCH)
    pages, rows = pull(budget=200)
    assert len(given(rows, "views")) == len(of(rows, CounterRow)) == 65
    assert sum(page.stream == "post_insights" for page in pages) == 65 + 1


def test_days_come_before_the_numbers_of_posts_so_that_a_spent_budget_costs_none(server, pull):
    server.script = meadow([media(number, "2026-11-15T09:00:00+0000") for number in range(1, 40)], batch=NO_BATCH)
    with pytest.raises(BudgetSpent):
        pull(WEEK, budget=30)
    assert len(days_of(server)) == 21


def test_a_rate_limit_within_a_batch_is_one(server, pull):
    server.script = meadow([media(1)], numbers=lambda ids, metrics: refusal(4, "No.") if "follows" in metrics else None)
    with pytest.raises(RateLimited, match="meadowbakery"):
        pull()


def test_moments_are_in_utc_whichever_zone_they_are_written_in(parse):
    comment = {"id": "3", "timestamp": "2026-11-21T12:00:00+0200", "text": "When?", "username": "ann"}
    rows = parse("posts", {"data": [media(1, "2026-11-21T01:00:00-0800", comments={"data": [comment]})]})
    rows += counters(parse, ["views"], numbered(1, views=5) | {"timestamp": "2026-11-21T01:00:00-0800"})
    assert [row.published_at.isoformat() for row in rows] == [
        "2026-11-21T09:00:00+00:00", "2026-11-21T10:00:00+00:00", "2026-11-21T09:00:00+00:00",
    ]  # fmt: skip


def test_a_token_is_exchanged_before_anybody_need_worry():
    assert SOURCE.renews_before == dt.timedelta(days=15)


def test_what_is_refused_for_a_single_post_and_not_known_is_a_bad_answer(server, pull):
    server.script = meadow([media(1)], numbers=lambda posts, metrics: refusal(100, "(#100) Something new"))
    with pytest.raises(BadAnswer, match="Something new"):
        pull()


@pytest.mark.parametrize(
    ("code", "raised"), [(190, Unauthorized), (10, Unauthorized), (4, RateLimited), (80002, RateLimited)]
)
def test_a_refusal_of_all_numbers_is_no_missing_metric(server, pull, code, raised):
    server.script = meadow([media(1), media(2)], numbers=lambda posts, metrics: refusal(code, "No."))
    with pytest.raises(raised, match="meadowbakery"):
        pull()


NO_PERMISSION = refusal(200, "(#200) This account does not have permission to read this metric")


def gives(params):
    metrics = params["metric"].split(",")
    return {"data": [{"name": name, "period": "day", "total_value": {"value": 0}} for name in metrics]}


@pytest.mark.parametrize("withheld", ["reach", "profile_visits"])
def test_a_metric_that_instagram_withholds_costs_itself_alone(server, pull, withheld):
    server.script = meadow(
        [media(1), media(2)],
        numbers=lambda posts, metrics: NO_PERMISSION if withheld in metrics else None,
        day=lambda params: NO_PERMISSION if withheld in params["metric"].split(",") else gives(params),
    )
    pages, rows = pull(WEEK)
    canonical = {"reach": {"reach", "paid_reach"}, "profile_visits": {"profile_views"}}[withheld]
    assert {row.metric for row in of(rows, UnavailableRow)} == canonical
    counted = {metric for row in of(rows, PostRow | CounterRow) for metric in row.counts}
    assert counted >= {"views", "reach", "bookmarks", "follows", "profile_views"} - canonical
    assert not counted & canonical
    assert {row.metric for row in of(rows, DayRow)} >= {"views", "likes", "profile_link_clicks"}
    assert len(pages) <= 3 + 21 + 20


def test_a_token_without_a_right_to_any_number_ends_the_pull(server, pull):
    server.script = meadow([media(1)], numbers=lambda posts, metrics: NO_PERMISSION, day=lambda params: NO_PERMISSION)
    with pytest.raises(Unauthorized, match=r"meadowbakery.*lacks a right.*business\.facebook\.com"):
        pull(WEEK, budget=60)


def days_of(server):
    return [params for path, params in asked(server) if path.endswith("/insights")]


def test_the_last_seven_days_are_asked_for_each_by_itself_from_midnight_to_midnight_in_california(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2026, 10, 5), dt.date(2026, 11, 4)))
    asked_for = days_of(server)
    assert len(asked_for) == 21
    assert {params["period"] for params in asked_for} == {"day"}
    assert {params["metric_type"] for params in asked_for} == {"total_value"}
    spans = [(int(params["since"]), int(params["until"])) for params in asked_for[::3]]
    assert dt.datetime.fromtimestamp(spans[0][0], dt.UTC) == dt.datetime(2026, 10, 29, 7, tzinfo=dt.UTC)
    # On the first of November clocks are put back, and the day has 25 hours.
    assert [until + 1 - since for since, until in spans] == [86400, 86400, 86400, 90000, 86400, 86400, 86400]
    assert all(before[1] + 1 == after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("days", [32, 61])
def test_of_a_longer_window_than_the_daily_one_every_day_is_asked_for(server, pull, days):
    server.script = meadow()
    last = dt.date(2026, 11, 15)
    pull(Window(last - dt.timedelta(days=days - 1), last), budget=SOURCE.call_budget)
    since = [dt.datetime.fromtimestamp(int(params["since"]), PACIFIC).date() for params in days_of(server)[::3]]
    assert since == [last - dt.timedelta(days=ago) for ago in reversed(range(days))]
    assert len(server.seen) <= SOURCE.expected_calls(posts=0, days=days) <= SOURCE.call_budget - 200


def test_days_of_more_than_two_years_ago_are_not_asked_for(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2024, 10, 1), dt.date(2024, 11, 30)), budget=SOURCE.call_budget)
    since = [dt.datetime.fromtimestamp(int(params["since"]), PACIFIC).date() for params in days_of(server)[::3]]
    assert since == [dt.date(2024, 11, day) for day in range(23, 31)]


def test_each_call_names_only_metrics_that_can_be_split_alike(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2026, 11, 4), dt.date(2026, 11, 4)))
    assert {params.get("breakdown"): params["metric"] for params in days_of(server)} == {
        "media_product_type": "views,reach,likes,comments,shares,saves,total_interactions",
        "follow_type": "follows_and_unfollows",
        None: "profile_links_taps",
    }


def test_days_that_are_not_over_in_california_are_left_out(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2026, 11, 19), dt.date(2026, 11, 21)))
    since = {dt.datetime.fromtimestamp(int(params["since"]), dt.UTC) for params in days_of(server)}
    assert since == {dt.datetime(2026, 11, day, 8, tzinfo=dt.UTC) for day in (19, 20)}


def test_a_days_metric_that_has_died_is_found_once_and_not_asked_for_again(server, pull):
    def day(params):
        metrics = params["metric"].split(",")
        if "saves" in metrics:
            return UNKNOWN
        return {"data": [{"name": name, "period": "day", "total_value": {"value": 0}} for name in metrics]}

    server.script = meadow(day=day)
    _, rows = pull(WEEK)
    assert [(row.metric, row.native_metric) for row in of(rows, UnavailableRow)] == [("bookmarks", "saves")]
    likes = [row.day for row in of(rows, DayRow) if row.metric == "likes"]
    assert likes == [dt.date(2026, 11, day) for day in range(9, 16)]
    assert sum("saves" in params["metric"].split(",") for params in days_of(server)) <= 4


def test_too_few_followers_cost_the_days_nothing_else(server, pull):
    def day(params):
        if "follows_and_unfollows" in params["metric"]:
            return refusal(10, "(#10) Not enough followers")
        return {"data": [{"name": "profile_links_taps", "period": "day", "total_value": {"value": 1}}]}

    server.script = meadow(day=day)
    _, rows = pull(WEEK)
    assert len([row for row in of(rows, DayRow) if row.metric == "profile_link_clicks"]) == 14


def test_each_metric_can_be_asked_for_alone(server, pull):
    server.script = meadow([media(1)])
    _, rows = pull(Window(dt.date(2026, 11, 20), dt.date(2026, 11, 20)), one_metric_a_call=True)
    assert all("," not in params["metric"] for params in days_of(server))
    assert {metric for row in of(rows, CounterRow) for metric in row.counts} >= {"views", "bookmarks"}


# -- who is asked ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token", "below"), [(TOKEN, "/v26.0/"), (OWN_TOKEN, "/ig/v26.0/")])
def test_a_token_is_asked_at_the_host_it_is_for(server, pull, token, below):
    server.script = meadow([media(1)])
    _, rows = pull(token=token)
    assert all(path.startswith(below) for path, _ in asked(server))
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {token}"}
    assert [row.account_id for row in of(rows, AccountRow)] == [ID]
    assert {row.account_id for row in of(rows, PostRow | CounterRow)} == {ID}


@pytest.mark.parametrize(
    ("token", "account"),
    [(TOKEN, {"data": [{"id": "9", "instagram_business_account": PROFILE}]}), (OWN_TOKEN, PROFILE | {"user_id": ID})],
)
def test_an_account_of_another_name_is_not_read(server, pull, token, account):
    server.script = meadow([media(1)], account=account)
    with pytest.raises(NotFound, match=r"hillbakery, but meadowbakery.*client meadow"):
        pull(ref="hillbakery", token=token)
    assert len(server.seen) == 1


def test_pages_are_turned_until_the_account_is_found(server, pull):
    onward = {"paging": {"cursors": {"after": "MTAw"}, "next": "https://graph.facebook.com/n"}}
    other = {"data": [{"id": "1"}], **onward}
    whole = meadow(account=PAGES | onward)

    def answer(path, params):
        first = path.endswith("/accounts") and "after" not in params
        return other if first else whole.answer(path, params)

    server.script = Always(answer)
    pages, _ = pull()
    assert [page.stream for page in pages] == ["account", "account", "stories", "posts"]
    assert asked(server)[1][1]["after"] == "MTAw"


def test_an_id_from_the_platform_cannot_lead_elsewhere(server, pull):
    evil = PROFILE | {"id": "../../evil?x="}
    server.script = meadow(account={"data": [{"id": "9", "instagram_business_account": evil}]})
    pull()
    assert server.seen[1][1].startswith("/v26.0/..%2F..%2Fevil%3Fx%3D/stories?")


def test_without_the_right_to_comments_posts_come_without_them(server, pull):
    whole = meadow([media(1)])

    def answer(path, params):
        if path.endswith("/media") and "comments." in params["fields"]:
            return refusal(10, "(#10) Application does not have permission for this action")
        return whole.answer(path, params)

    server.script = Always(answer)
    _, rows = pull()
    [post] = of(rows, PostRow)
    assert post.counts.items() >= {"likes": 4, "replies": 2, "views": 5, "reach": 5}.items()


def test_the_listing_ends_where_the_window_begins(server, pull):
    turned = []

    def answer(path, params):
        if not path.endswith("/media"):
            return meadow([media(path.rsplit("/", 1)[-1])]).answer(path, params)
        turned.append(params.get("after"))
        number = len(turned)
        created = "2026-11-21T09:00:00+0000" if number < 3 else "2026-11-20T22:59:59+0000"
        onward = {"cursors": {"after": f"c{number}"}, "next": f"https://graph.facebook.com/?access_token={TOKEN}"}
        return {"data": [media(number, created), media(number + 100, created)], "paging": onward}

    server.script = Always(answer)
    pages, _ = pull()
    assert turned == [None, "c1", "c2"]
    assert all(TOKEN.encode() not in page.body for page in pages)
    assert all(TOKEN not in str(page.request) for page in pages)


def test_posts_that_come_twice_because_the_pages_shift_are_asked_for_their_numbers_once(server, pull):
    whole = meadow([media(1), media(2)])

    def answer(path, params):
        if path.endswith("/media") and "after" not in params:
            return {"data": [media(1), media(2)], "paging": {"cursors": {"after": "c"}, "next": "https://x.example/"}}
        return whole.answer(path, params)

    server.script = Always(answer)
    _, rows = pull()
    assert sorted(row.post_id for row in of(rows, CounterRow)) == ["1", "2"]


def test_a_circle_of_pages_is_a_bad_answer(server, pull):
    def answer(path, params):
        if path.endswith("/media"):
            return {"data": [media(1)], "paging": {"cursors": {"after": "again"}, "next": "https://x.example/"}}
        return meadow().answer(path, params)

    server.script = Always(answer)
    with pytest.raises(BadAnswer, match="circle"):
        pull()


def test_too_many_comments_at_once_make_the_pages_smaller(server, pull):
    whole = meadow([media(1)])

    def answer(path, params):
        if path.endswith("/media") and int(params["limit"]) > 20:
            return 500, {}, refusal(1, "Please reduce the amount of data you're asking for, then retry your request")
        return whole.answer(path, params)

    server.script = Always(answer)
    _, rows = pull()
    assert [params["limit"] for path, params in asked(server) if path.endswith("/media")] == ["100", "50", "25", "12"]
    assert len(of(rows, PostRow)) == 1


@pytest.mark.parametrize(
    ("code", "subcode", "raised"),
    [(190, 463, Unauthorized), (10, None, Unauthorized), (100, 33, NotFound), (4, None, RateLimited)],
)
def test_a_refusal_names_the_account(server, pull, code, subcode, raised):
    server.script = meadow(account=refusal(code, "No.", subcode))
    with pytest.raises(raised, match="meadowbakery"):
        pull()


def test_a_rate_limit_says_when_meta_answers_again(server, pull):
    usage = '{"8":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":42}]}'

    def answer(path, params):
        return 400, {"X-Business-Use-Case-Usage": usage}, refusal(80002, "(#80002) There have been too many calls")

    server.script = Always(answer)
    with pytest.raises(RateLimited, match="2026-11-22 03:42:00 UTC"):
        pull()
    assert len(server.seen) == 1  # refused calls count, too


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html></html>", b'{"data":[{"id":"1","timest', b"", b"[]"])
def test_what_is_no_answer_of_a_graph_api_is_a_bad_answer(server, pull, parse, body):
    whole = meadow([media(1)])
    server.script = Always(
        lambda path, params: (200, {}, body) if path.endswith("/media") else whole.answer(path, params)
    )
    with pytest.raises(BadAnswer):
        pull()
    for stream in ("account", "stories", "posts", "post_insights", "insights"):
        with pytest.raises(BadAnswer):
            parse(stream, body)


def test_without_a_token_nothing_is_asked(server, pull):
    with pytest.raises(Unauthorized, match="holds no token"):
        pull(token=None)
    assert server.seen == []


# -- new tokens --------------------------------------------------------------------------------------------------------


def test_the_accounts_own_token_is_exchanged_without_more_ado(server, client):
    server.script = Always(
        lambda path, params: {"access_token": "IGnew", "token_type": "bearer", "expires_in": 5183944}
    )
    http = client(token=OWN_TOKEN, servers={"https://graph.instagram.com": f"{server.url}/ig"})
    tokens = SOURCE.renew(http)
    assert (tokens.token, tokens.expires_at) == ("IGnew", NOW + dt.timedelta(seconds=5183944))
    assert asked(server) == [
        ("/ig/refresh_access_token", {"grant_type": "ig_refresh_token", "access_token": OWN_TOKEN})
    ]


def test_an_exchange_that_does_not_say_how_long_gives_the_sixty_days_of_metas_documents(server, client):
    server.script = Always(lambda path, params: {"access_token": "IGnew", "token_type": "bearer"})
    http = client(token=OWN_TOKEN, servers={"https://graph.instagram.com": server.url})
    assert SOURCE.renew(http).expires_at == NOW + dt.timedelta(days=60)


def test_a_system_users_token_is_exchanged_with_the_apps_secret(server, client):
    server.script = Always(lambda path, params: {"access_token": "EAAnew", "token_type": "bearer"})
    tokens = SOURCE.renew(client(token=TOKEN, extra={"client_id": "800", "client_secret": "s3cret-of-the-app"}))
    assert (tokens.token, tokens.expires_at) == ("EAAnew", None)
    [(path, params)] = asked(server)
    assert path == "/v26.0/oauth/access_token"
    assert params["grant_type"] == "fb_exchange_token"
    assert (params["client_id"], params["client_secret"]) == ("800", "s3cret-of-the-app")
    assert params["fb_exchange_token"] == TOKEN


def test_a_system_users_token_without_the_apps_secret_cannot_be_exchanged(server, client):
    with pytest.raises(Unauthorized, match="client_secret"):
        SOURCE.renew(client(token=TOKEN))
    assert server.seen == []


def test_a_token_that_is_refused_must_be_made_by_a_person(server, client):
    server.script = Always(lambda path, params: refusal(190, "expired", 463))
    http = client(token=OWN_TOKEN, servers={"https://graph.instagram.com": server.url})
    with pytest.raises(Unauthorized, match="expired") as raised:
        SOURCE.renew(http)
    assert OWN_TOKEN not in str(raised.value)


def test_views_are_counted_since_impressions_and_plays_were_given_up():
    known = SOURCE.dictionary
    assert known.definition("views", "post", dt.date(2025, 4, 21)).native_metric == "views"
    assert known.definition("impressions", "post", dt.date(2025, 4, 20)).native_metric == "impressions"
    for gone in ("impressions", "video_views"):
        with pytest.raises(LookupError):
            known.definition(gone, "post", dt.date(2025, 4, 21))
        assert gone not in SOURCE.metrics
