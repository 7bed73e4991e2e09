"""Threads: the account, posts, their numbers, conversations and days, and how all is asked for."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import msgspec
import pytest
from test_instagram_source import Always, asked, of, refusal, told

from widerview.sources.base import CommentRow, CounterRow, DayRow, PostRow, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, BudgetSpent, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.threads import SOURCE

ID = "24000000000000001"
TOKEN = "THAAMeadowItself"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
TODAY = Window(dt.date(2026, 11, 21), dt.date(2026, 11, 21))
"""In California it is still the evening of this day, so none of its days is over."""
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
PROFILE = {"id": ID, "username": "meadowbakery", "name": "Meadow Bakery"}
PACIFIC = ZoneInfo("America/Los_Angeles")
METRICS = ["views", "likes", "replies", "reposts", "quotes", "shares"]
UNKNOWN = refusal(100, "(#100) metric[0] must be one of the following values: views, likes")


def thread(number, created="2026-11-21T09:00:00+0000", **changes):
    return {
        "id": str(number),
        "media_type": "TEXT_POST",
        "permalink": f"https://www.threads.com/@meadowbakery/post/{number}",
        "text": f"post {number}",
        "timestamp": created,
        "is_quote_post": False,
        "has_replies": False,
        **changes,
    }


def meadow(posts=(), numbers=None, day=None, conversation=None, profile=PROFILE):
    """The platform with one account: its posts, and how it answers to calls for numbers, days and conversations."""

    def numbered(post, metrics):
        return post | {"insights": told(**dict.fromkeys(metrics, 5))}

    def answer(path, params):
        edge = path.rsplit("/", 1)[-1]
        if edge == "me":
            return profile
        if edge == "threads_insights":
            known = {"data": [{"name": "followers_count", "total_value": {"value": 1072}}]}
            return day(params) if day and params["metric"] != "followers_count" else known
        if edge == "conversation":
            return conversation(path.rsplit("/", 2)[-2])
        if "insights.metric(" not in params["fields"]:
            return {"data": list(posts)}
        metrics = params["fields"].split("(")[1].rstrip(")").split(",")
        if posts and numbers and (refused := numbers(edge, metrics)):
            return refused
        found = {post["id"]: numbered(post, metrics) for post in posts}
        return {"data": list(found.values())} if edge == "threads" else found[edge]

    return Always(answer)


@pytest.fixture
def pull(server, client, target):
    """Pulls the account of the scripted platform: pages, and the rows of them all."""

    def pull(window=TODAY, ref="meadowbakery", token=TOKEN, **options):
        meant = target("threads", ref)
        pages = list(SOURCE.fetch(meant, window, client(token=token, **options)))
        return pages, [row for page in pages for row in SOURCE.parse(meant, page)]

    return pull


@pytest.fixture
def parse(page, target):
    def parse(stream, body, edge="threads", about=None, **options):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        options.setdefault("url", f"https://graph.threads.net/v1.0/{ID}/{edge}")
        answer = page(stream, content, **options)
        request = msgspec.structs.replace(answer.request, about=about or {})
        meant = target("threads", "MeadowBakery")
        return list(SOURCE.parse(meant, msgspec.structs.replace(answer, request=request)))

    return parse


# -- what is read of an answer -----------------------------------------------------------------------------------------


def test_an_account_and_its_followers_come_in_two_answers(parse):
    [account] = parse("account", PROFILE)
    assert (account.account_id, account.handle, account.name) == (ID, "meadowbakery", "Meadow Bakery")
    followers = {"data": [{"name": "followers_count", "period": "day", "total_value": {"value": "1072"}}]}
    [row] = parse("followers", followers, edge="threads_insights")
    assert (row.account_id, row.post_id, row.counts) == (ID, None, {"followers": 1072})


def test_followers_that_are_not_told_are_not_zero(parse):
    [row] = parse("followers", {"data": []}, edge="threads_insights")
    assert row.counts == {"followers": None}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "text"),
        ({"text": "see https://a.example/"}, "link"),
        ({"link_attachment_url": "https://a.example/"}, "link"),
        ({"media_type": "IMAGE", "link_attachment_url": "https://a.example/"}, "image"),
        ({"media_type": "VIDEO"}, "video"),
        ({"media_type": "CAROUSEL_ALBUM"}, "carousel"),
        ({"media_type": "AUDIO"}, "text"),
        ({"media_type": "IMAGE", "is_quote_post": True}, "quote"),
        ({"poll_attachment": {"option_a": "Rye", "option_b": "Spelt"}}, "poll"),
    ],
)
def test_what_a_post_is(parse, changes, kind):
    [post] = parse("posts", {"data": [thread(1, **changes)]})
    assert post.kind == kind


def test_a_post(parse):
    shown = thread(
        1, text="Fresh #Bread: https://a.example/x.", topic_tag="Rye Bread", link_attachment_url="https://b.example/"
    )
    [post] = parse("posts", {"data": [shown]})
    assert (post.account_id, post.post_id) == (ID, "1")
    assert post.published_at == dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    assert post.tags == ("bread", "rye bread")
    assert post.links == ("https://a.example/x", "https://b.example/")
    assert post.counts == {}


def test_posts_without_words_or_address(parse):
    bare = {"id": "1", "timestamp": "2026-11-21T09:00:00+0000", "media_type": "IMAGE"}
    [post] = parse("posts", {"data": [bare]})
    assert (post.text, post.kind) == ("", "image")


FACADE = {"id": "9", "media_type": "REPOST_FACADE", "timestamp": "2026-11-21T08:00:00+0000", "insights": {"data": []}}


def test_posts_of_others_that_were_only_passed_on_give_no_rows(parse):
    assert parse("posts", {"data": [FACADE]}) == []
    params = {"fields": "id,media_type,timestamp,insights.metric(views)"}
    assert parse("post_insights", {"data": [FACADE]}, params=params) == []


@pytest.mark.parametrize("alone", [True, False])
def test_numbers_of_posts(parse, alone):
    params = {"fields": "id,media_type,timestamp,insights.metric(views,likes)"}
    post = {"id": "1", "timestamp": "2026-11-21T09:00:00+0000", "media_type": "IMAGE", "insights": told(views="0")}
    if alone:
        url = "https://graph.threads.net/v1.0/1"
        [row] = parse("post_insights", post, about={"account": ID}, params=params, url=url)
        with pytest.raises(BadAnswer, match="does not say for which account"):
            parse("post_insights", post, params=params, url=url)
    else:
        [row] = parse("post_insights", {"data": [post]}, params=params)
    assert (row.account_id, row.post_id) == (ID, "1")
    assert row.published_at == dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    assert row.counts == {"views": 0, "likes": None}


SUNDAY = {"since": "1793516400", "until": "1793606399", "metric": "likes,clicks"}
"""2026-11-01 in California, which has 25 hours."""


def test_a_day(parse):
    body = {
        "data": [
            {"name": "likes", "period": "day", "total_value": {"value": "12"}},
            {"name": "quotes", "period": "day"},
            {"name": "clicks", "link_total_values": [{"value": 3, "link_url": "https://a.example/"}, {"value": 4}]},
            {"name": "views", "period": "day", "values": [{"value": 900, "end_time": "2026-11-02T08:00:00+0000"}]},
        ]
    }
    rows = parse("insights", body, edge="threads_insights", params=SUNDAY)
    assert {(row.entity, row.entity_id, row.day, row.zone) for row in rows} == {
        ("account", ID, dt.date(2026, 11, 1), "America/Los_Angeles")
    }
    assert {row.metric: row.value for row in rows} == {"likes": 12, "quotes": None, "link_clicks": 7}


def test_no_click_on_any_link_is_zero_and_silence_is_none(parse):
    told_none = {"data": [{"name": "clicks", "link_total_values": []}]}
    [row] = parse("insights", told_none, edge="threads_insights", params=SUNDAY)
    assert row.value == 0
    assert parse("insights", {"data": []}, edge="threads_insights", params=SUNDAY) == []


@pytest.mark.parametrize(
    ("stream", "params", "canonical"),
    [
        ("insights", {"metric": "clicks"}, ["link_clicks"]),
        ("insights", {"metric": "likes,clicks"}, []),
        ("followers", {"metric": "followers_count"}, ["followers"]),
        ("post_insights", {"fields": "id,media_type,timestamp,insights.metric(shares)"}, ["shares"]),
        ("post_insights", {"fields": "id,media_type,timestamp,insights.metric(shares,views)"}, []),
    ],
)
def test_a_refusal_says_something_of_one_metric_alone_only(parse, stream, params, canonical):
    rows = parse(stream, UNKNOWN, status=400, params=params)
    assert [row.metric for row in of(rows, UnavailableRow)] == canonical
    assert len(rows) == len(canonical)


def reply(id_, to, username="ann", own=False):
    return {
        "id": id_,
        "text": f"said {id_}",
        "timestamp": "2026-11-21T10:00:00+0000",
        "username": username,
        "permalink": f"https://www.threads.com/@{username}/post/{id_}",
        "is_reply_owned_by_me": own,
        "replied_to": {"id": to},
    }


def test_a_conversation(parse):
    hidden = {"id": "e", "timestamp": "2026-11-21T11:00:00+0000", "replied_to": {"id": "1"}}
    body = {
        "data": [
            hidden,
            reply("d", "b", "meadowbakery", own=True),
            reply("b", "2"),
            reply("3", "2", "meadowbakery", own=True),
            reply("2", "1", "MeadowBakery"),
            reply("c", "a", "meadowbakery", own=True),
            reply("a", "1"),
        ]
    }
    url = "https://graph.threads.net/v1.0/1/conversation"
    rows = parse("comments", body, about={"account": ID}, url=url)
    assert all(isinstance(row, CommentRow) and (row.account_id, row.post_id) == (ID, "1") for row in rows)
    # 2 and 3 are the next parts of the account's own thread.
    assert [(row.comment_id, row.reply_to, row.own, row.author) for row in rows] == [
        ("e", None, False, "hidden in e"),
        ("d", "b", True, "meadowbakery"),
        ("b", None, False, "ann"),
        ("c", "a", True, "meadowbakery"),
        ("a", None, False, "ann"),
    ]
    assert rows[-1].text == "said a"
    assert rows[-1].published_at == dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)


def test_replies_that_answer_each_other_in_a_circle_end(parse):
    body = {"data": [reply("a", "b", "meadowbakery", own=True), reply("b", "a", "meadowbakery", own=True)]}
    url = "https://graph.threads.net/v1.0/1/conversation"
    assert len(parse("comments", body, about={"account": ID}, url=url)) == 2


def test_a_conversation_that_does_not_say_of_which_account_is_bad(parse):
    url = "https://graph.threads.net/v1.0/1/conversation"
    with pytest.raises(BadAnswer, match="does not say for which account"):
        parse("comments", {"data": [reply("a", "1")]}, url=url)


# -- how it is asked for -----------------------------------------------------------------------------------------------


def test_a_pull(server, pull):
    server.script = meadow([thread(1), FACADE])
    pages, rows = pull()
    assert [page.stream for page in pages] == ["account", "followers", "posts"]
    assert [path for path, _ in asked(server)] == [
        "/v1.0/me",
        f"/v1.0/{ID}/threads_insights",
        f"/v1.0/{ID}/threads",
    ]
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {TOKEN}"}
    assert [(row.post_id, row.counts) for row in of(rows, PostRow)] == [("1", dict.fromkeys(METRICS, 5))]
    assert [row.counts for row in of(rows, CounterRow)] == [{"followers": 1072}]


def test_the_listing_ends_where_the_window_begins(server, pull):
    turned = []
    whole = meadow([])

    def answer(path, params):
        if not path.endswith("/threads"):
            return whole.answer(path, params)
        turned.append(params.get("after"))
        number = (len(turned) - 1) % 2 + 1
        created = "2026-11-21T09:00:00+0000" if number == 1 else "2026-11-20T22:59:59+0000"
        onward = {"cursors": {"after": f"c{number}"}, "next": f"https://graph.threads.net/?access_token={TOKEN}"}
        return {"data": [thread(number, created)], "paging": onward}

    server.script = Always(answer)
    pages, _ = pull()
    assert turned == [None, "c1"]
    assert all(TOKEN.encode() not in page.body for page in pages)


def days_of(server):
    return [params for path, params in asked(server) if "since" in params]


@pytest.mark.parametrize("days", [32, 61])
def test_of_a_longer_window_than_the_daily_one_every_day_is_asked_for(server, pull, days):
    server.script = meadow()
    last = dt.date(2026, 11, 15)
    pull(Window(last - dt.timedelta(days=days - 1), last), budget=SOURCE.call_budget)
    since = [dt.datetime.fromtimestamp(int(params["since"]), PACIFIC).date() for params in days_of(server)]
    assert since == [last - dt.timedelta(days=ago) for ago in reversed(range(days))]
    assert len(server.seen) <= SOURCE.expected_calls(posts=0, days=days) <= SOURCE.call_budget - 200


def test_days_before_the_first_that_threads_knows_are_not_asked_for(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2024, 3, 1), dt.date(2024, 4, 20)))
    assert days_of(server)[0]["since"] == "1712991600"
    assert len(days_of(server)) == 8


def test_days_come_before_the_numbers_of_posts_so_that_a_spent_budget_costs_none(server, pull):
    def numbers(edge, metrics):
        return refusal(100, "(#100) Tried accessing nonexisting field (insights)") if edge == "threads" else None

    server.script = meadow([thread(number, "2026-11-15T09:00:00+0000") for number in range(1, 40)], numbers=numbers)
    with pytest.raises(BudgetSpent):
        pull(WEEK, budget=20)
    assert len(days_of(server)) == 7


NOT_FOR_TYPE = refusal(100, "(#100) The Media Insights API does not support the shares metric for this media type")


def given(rows, metric):
    return {row.post_id for row in of(rows, CounterRow) if row.post_id and row.counts.get(metric) is not None}


def test_a_metric_that_one_post_does_not_know_is_missing_of_that_post_alone(server, pull):
    def numbers(edge, metrics):
        return NOT_FOR_TYPE if "shares" in metrics and edge in {"threads", "25"} else None

    server.script = meadow([thread(number) for number in range(1, 51)], numbers=numbers)
    _, rows = pull(budget=70)
    everyone = {str(number) for number in range(1, 51)}
    assert given(rows, "shares") == everyone - {"25"}
    assert given(rows, "views") == given(rows, "quotes") == everyone
    assert of(rows, UnavailableRow) == []


def test_a_metric_that_no_post_knows_is_unavailable_and_said_once(server, pull):
    server.script = meadow(
        [thread(1), thread(2)], numbers=lambda edge, metrics: NOT_FOR_TYPE if "shares" in metrics else None
    )
    _, rows = pull()
    assert [(row.metric, row.native_metric) for row in of(rows, UnavailableRow)] == [("shares", "shares")]
    assert given(rows, "views") == {"1", "2"}


def test_what_only_one_post_asked_alone_does_not_know_costs_no_other_its_numbers(server, pull):
    def numbers(edge, metrics):
        if edge == "threads":
            return refusal(100, "(#100) Tried accessing nonexisting field (insights)")
        return NOT_FOR_TYPE if edge == "3" and "shares" in metrics else None

    server.script = meadow([thread(number) for number in range(1, 11)], numbers=numbers)
    pages, rows = pull()
    assert given(rows, "shares") == {str(number) for number in range(1, 11)} - {"3"}
    assert len(given(rows, "views")) == 10
    assert sum(path.endswith("/threads") for path, _ in asked(server)) == 2
    assert sum(page.stream == "post_insights" for page in pages) <= 1 + 10 + 6


def test_moments_are_in_utc_whichever_zone_they_are_written_in(parse):
    rows = parse("posts", {"data": [thread(1, "2026-11-21T01:00:00-0800")]})
    body = {"data": [reply("a", "1") | {"timestamp": "2026-11-21T12:00:00+0200"}]}
    rows += parse("comments", body, about={"account": ID}, url="https://graph.threads.net/v1.0/1/conversation")
    assert [row.published_at.isoformat() for row in rows] == ["2026-11-21T09:00:00+00:00", "2026-11-21T10:00:00+00:00"]


def test_a_token_is_exchanged_before_anybody_need_worry():
    assert SOURCE.renews_before == dt.timedelta(days=15)


def test_the_last_seven_days_are_asked_for_each_by_itself(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2026, 10, 5), dt.date(2026, 11, 4)))
    days = [params for path, params in asked(server) if "since" in params]
    spans = [(int(params["since"]), int(params["until"])) for params in days]
    assert [until + 1 - since for since, until in spans] == [86400, 86400, 86400, 90000, 86400, 86400, 86400]
    assert dt.datetime.fromtimestamp(spans[0][0], dt.UTC) == dt.datetime(2026, 10, 29, 7, tzinfo=dt.UTC)
    assert {params["metric"] for params in days} == {"likes,replies,reposts,quotes,clicks"}


def test_days_that_are_not_over_in_california_are_left_out(server, pull):
    server.script = meadow()
    pull(Window(dt.date(2026, 11, 19), dt.date(2026, 11, 21)))
    since = [params["since"] for path, params in asked(server) if "since" in params]
    assert [dt.datetime.fromtimestamp(int(each), dt.UTC).day for each in since] == [19, 20]


@pytest.mark.parametrize("where", ["posts", "days"])
def test_a_metric_that_has_died_costs_itself_alone(server, pull, where):
    def day(params):
        if where == "days" and "reposts" in params["metric"]:
            return UNKNOWN
        return {"data": [{"name": name, "total_value": {"value": 1}} for name in params["metric"].split(",")]}

    def numbers(edge, metrics):
        return UNKNOWN if where == "posts" and "reposts" in metrics else None

    server.script = meadow([thread(1)], numbers=numbers, day=day)
    _, rows = pull(Window(dt.date(2026, 11, 20), dt.date(2026, 11, 20)))
    assert [(row.metric, row.native_metric) for row in of(rows, UnavailableRow)] == [("reposts", "reposts")]
    [post] = of(rows, PostRow)
    assert post.counts.keys() == set(METRICS) - ({"reposts"} if where == "posts" else set())
    days = {row.metric for row in of(rows, DayRow)}
    assert days == {"likes", "replies", "reposts", "quotes", "link_clicks"} - (
        {"reposts"} if where == "days" else set()
    )


NO_PERMISSION = refusal(200, "(#200) This account does not have permission to read this metric")


@pytest.mark.parametrize("listed", [True, False])
def test_a_metric_that_threads_withholds_costs_itself_alone_and_is_not_asked_for_each_day(server, pull, listed):
    def day(params):
        if "quotes" in params["metric"]:
            return NO_PERMISSION
        return {"data": [{"name": name, "total_value": {"value": 1}} for name in params["metric"].split(",")]}

    def numbers(edge, metrics):
        if edge == "threads" and not listed:
            return refusal(100, "(#100) Tried accessing nonexisting field (insights)")
        return NO_PERMISSION if "quotes" in metrics else None

    server.script = meadow([thread(1), thread(2)], numbers=numbers, day=day)
    pages, rows = pull(Window(dt.date(2026, 11, 9), dt.date(2026, 11, 20)))
    assert {row.metric for row in of(rows, UnavailableRow)} == {"quotes"}
    counted = {metric for row in of(rows, PostRow | CounterRow) for metric in row.counts} - {"followers"}
    assert counted == set(METRICS) - {"quotes"}
    assert {row.metric for row in of(rows, DayRow)} == {"likes", "replies", "reposts", "link_clicks"}
    assert sum("quotes" in params.get("metric", "") for _, params in asked(server)) <= 4
    assert len(pages) <= 30


def test_a_token_without_a_right_to_any_number_ends_the_pull(server, pull):
    whole = meadow([thread(1)], numbers=lambda edge, metrics: NO_PERMISSION)

    def answer(path, params):
        return NO_PERMISSION if path.endswith("/threads_insights") else whole.answer(path, params)

    server.script = Always(answer)
    with pytest.raises(Unauthorized, match=r"meadowbakery.*lacks a right.*developers\.facebook\.com"):
        pull()


def test_where_the_listing_gives_no_numbers_each_post_is_asked_for_its_own(server, pull):
    def numbers(edge, metrics):
        return refusal(100, "(#100) Tried accessing nonexisting field (insights)") if edge == "threads" else None

    server.script = meadow([thread(1), thread(2), FACADE], numbers=numbers)
    _, rows = pull()
    found = [row for row in of(rows, CounterRow) if row.post_id]
    assert [(row.account_id, row.post_id, row.counts["views"]) for row in found] == [(ID, "1", 5), (ID, "2", 5)]
    assert [path for path, _ in asked(server)][-2:] == ["/v1.0/1", "/v1.0/2"]


def test_a_post_that_is_gone_by_then_costs_no_other(server, pull):
    def numbers(edge, metrics):
        if edge == "threads":
            return refusal(100, "(#100) Something is wrong with one of them")
        return refusal(100, "Unsupported get request.", 33) if edge == "1" else None

    server.script = meadow([thread(1), thread(2)], numbers=numbers)
    _, rows = pull()
    assert [row.post_id for row in of(rows, CounterRow) if row.post_id] == ["2"]


def test_what_is_refused_for_every_post_is_a_bad_answer(server, pull):
    server.script = meadow([thread(1)], numbers=lambda edge, metrics: refusal(100, "(#100) Something new"))
    with pytest.raises(BadAnswer, match="Something new"):
        pull()


def test_ten_conversations_of_seven_days_at_most_and_only_of_posts_with_replies(server, pull):
    recent = [thread(number, f"2026-11-{9 + number % 7:02}T09:00:00+0000", has_replies=True) for number in range(12)]
    posts = [*recent, thread(20, "2026-11-15T09:00:00+0000"), thread(21, "2026-11-08T09:00:00+0000", has_replies=True)]
    server.script = meadow(
        sorted(posts, key=lambda post: post["timestamp"], reverse=True),
        conversation=lambda post: {"data": [reply(f"{post}a", post)]},
    )
    _, rows = pull(Window(dt.date(2026, 11, 1), dt.date(2026, 11, 15)))
    read = [path.split("/")[2] for path, _ in asked(server) if path.endswith("/conversation")]
    assert len(read) == 10
    assert not {"20", "21"} & set(read)
    assert [row.comment_id for row in of(rows, CommentRow)] == [f"{post}a" for post in read]
    assert {row.account_id for row in of(rows, CommentRow)} == {ID}


def test_without_the_right_to_replies_posts_come_without_them(server, pull):
    posts = [thread(1, has_replies=True), thread(2, has_replies=True)]
    server.script = meadow(posts, conversation=lambda post: refusal(10, "(#10) threads_read_replies is needed"))
    _, rows = pull()
    assert len(of(rows, PostRow)) == 2
    assert sum(path.endswith("/conversation") for path, _ in asked(server)) == 1


def test_a_conversation_that_is_gone_costs_no_other(server, pull):
    def conversation(post):
        return refusal(100, "Unsupported get request.", 33) if post == "1" else {"data": [reply("a", post)]}

    server.script = meadow([thread(1, has_replies=True), thread(2, has_replies=True)], conversation=conversation)
    _, rows = pull()
    assert [row.post_id for row in of(rows, CommentRow)] == ["2"]


def test_a_token_of_another_account_reads_nothing(server, pull):
    server.script = meadow([thread(1)])
    with pytest.raises(NotFound, match=r"belongs to meadowbakery and not to hillbakery.*client meadow"):
        pull(ref="hillbakery")
    assert len(server.seen) == 1


def test_an_id_from_the_platform_cannot_lead_elsewhere(server, pull):
    server.script = meadow(profile=PROFILE | {"id": "//evil.example/?"})
    pull()
    assert server.seen[1][1].startswith("/v1.0/%2F%2Fevil.example%2F%3F/threads_insights?")


@pytest.mark.parametrize(
    ("code", "raised"), [(190, Unauthorized), (10, Unauthorized), (4, RateLimited), (2, Unavailable), (100, BadAnswer)]
)
def test_a_refusal_names_the_account(server, pull, code, raised):
    server.script = meadow(profile=refusal(code, "No."))
    with pytest.raises(raised, match="meadowbakery"):
        pull()


def test_a_circle_of_pages_is_a_bad_answer_and_no_reason_to_ask_for_each_post(server, pull):
    def answer(path, params):
        if path.endswith("/threads") and "insights" in params["fields"]:
            return {"data": [thread(1)], "paging": {"cursors": {"after": "again"}, "next": "https://x.example/"}}
        return meadow([thread(1)]).answer(path, params)

    server.script = Always(answer)
    with pytest.raises(BadAnswer, match="circle"):
        pull()


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html></html>", b'{"data":[{"id":"1","timest', b"", b"[]"])
def test_what_is_no_answer_of_a_graph_api_is_a_bad_answer(server, pull, parse, body):
    whole = meadow([thread(1)])
    server.script = Always(
        lambda path, params: (200, {}, body) if path.endswith("/threads") else whole.answer(path, params)
    )
    with pytest.raises(BadAnswer):
        pull()
    for stream in SOURCE.streams:
        with pytest.raises(BadAnswer):
            parse(stream, body)


def test_each_metric_can_be_asked_for_alone(server, pull):
    server.script = meadow([thread(1)])
    _, rows = pull(Window(dt.date(2026, 11, 20), dt.date(2026, 11, 20)), one_metric_a_call=True)
    assert all("," not in params.get("metric", "") for _, params in asked(server))
    assert {metric for row in of(rows, CounterRow) if row.post_id for metric in row.counts} == set(METRICS)


def test_a_token_is_exchanged_for_sixty_more_days(server, client):
    server.script = Always(
        lambda path, params: {"access_token": "THnew", "token_type": "bearer", "expires_in": 5183944}
    )
    tokens = SOURCE.renew(client(token=TOKEN))
    assert (tokens.token, tokens.expires_at) == ("THnew", NOW + dt.timedelta(seconds=5183944))
    assert asked(server) == [("/refresh_access_token", {"grant_type": "th_refresh_token", "access_token": TOKEN})]


def test_an_exchange_that_does_not_say_how_long_gives_the_sixty_days_of_metas_documents(server, client):
    server.script = Always(lambda path, params: {"access_token": "THnew", "token_type": "bearer"})
    assert SOURCE.renew(client(token=TOKEN)).expires_at == NOW + dt.timedelta(days=60)


def test_a_dead_token_must_be_made_anew_by_a_person(server, client):
    server.script = Always(lambda path, params: refusal(190, "expired", 463))
    with pytest.raises(Unauthorized, match="threads_read_replies") as raised:
        SOURCE.renew(client(token=TOKEN))
    assert TOKEN not in str(raised.value)
