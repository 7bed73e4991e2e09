"""Bluesky: what becomes of profiles, posts, pins, reposts and threads, and how the feed is walked."""

import datetime as dt
import json

import pytest

from widerview.sources.base import AccountRow, CommentRow, PostRow, Window
from widerview.sources.bluesky import SOURCE
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized

DID = "did:plc:meadow"
OTHER = "did:plc:other"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
PROFILE = {"did": DID, "handle": "meadow.example", "followersCount": 120, "followsCount": 7, "postsCount": 31}


def post(key, created="2026-11-12T09:00:00.000Z", *, did=DID, indexed=None, record=None, **counts):
    return {
        "uri": f"at://{did}/app.bsky.feed.post/{key}",
        "author": {"did": did, "handle": "meadow.example" if did == DID else "other.example"},
        "record": {"$type": "app.bsky.feed.post", "text": key, "createdAt": created, **(record or {})},
        "indexedAt": indexed or (created if created > "2" else "2026-11-12T09:00:00Z"),
        **counts,
    }


def item(*args, reason=None, **kwargs):
    found = {"post": post(*args, **kwargs)}
    if reason:
        found["reason"] = {"$type": f"app.bsky.feed.defs#{reason}"}
        if reason == "reasonRepost":
            found["reason"]["indexedAt"] = "2026-11-14T00:00:00Z"
    return found


def feed(*items, cursor=None):
    return json.dumps({"feed": items} | ({"cursor": cursor} if cursor else {})).encode()


def ok(body):
    return (200, {"Content-Type": "application/json"}, body)


def rows(page, target, *items, **options):
    posts = page("posts", feed(*items), params={"actor": DID}, **options)
    return list(SOURCE.parse(target("bluesky", "meadow.example"), posts))


def one_post(page, target, **record):
    [found] = [row for row in rows(page, target, item("k", record=record)) if isinstance(row, PostRow)]
    return found


def test_an_account_is_known_by_its_did(page, target):
    body = json.dumps(PROFILE | {"displayName": "Meadow Bakery"}).encode()
    [account] = SOURCE.parse(target("bluesky", "meadow.example"), page("account", body))
    assert isinstance(account, AccountRow)
    assert (account.account_id, account.handle, account.name) == (DID, "meadow.example", "Meadow Bakery")
    assert account.url == "https://bsky.app/profile/meadow.example"
    assert account.counts == {"followers": 120, "following": 7, "posts": 31}
    assert account.receipt == page("account", body).sha256


def test_an_account_without_confirmed_handle_is_linked_by_its_did(page, target):
    body = json.dumps(PROFILE | {"handle": "handle.invalid"}).encode()
    [account] = SOURCE.parse(target("bluesky", DID), page("account", body))
    assert account.url == f"https://bsky.app/profile/{DID}"


def test_a_count_that_is_left_out_is_not_zero(page, target):
    [found] = rows(page, target, item("k", likeCount=4, repostCount=0, replyCount="3"))
    assert found.counts == {"likes": 4, "reposts": 0, "replies": 3, "quotes": None, "bookmarks": None}


def test_reposts_and_other_peoples_posts_give_no_rows_but_a_pinned_post_does(page, target):
    found = rows(
        page,
        target,
        item("pinned", "2026-01-01T00:00:00Z", reason="reasonPin"),
        item("mine"),
        item("theirs", did=OTHER, reason="reasonRepost"),
        item("mine-again", reason="reasonRepost"),
        item("thread", did=OTHER),
    )
    assert [row.text for row in found if isinstance(row, PostRow)] == ["pinned", "mine"]


def test_words_links_and_tags_are_read_in_their_order(page, target):
    found = one_post(
        page,
        target,
        text="See you at the market #Bread",
        facets=[
            {"index": {"byteStart": 22, "byteEnd": 28}, "features": [{"$type": "x#tag", "tag": "Bread"}]},
            {"index": {"byteStart": 4, "byteEnd": 9}, "features": [{"$type": "x#link", "uri": "https://a.example/"}]},
            {"index": {"byteStart": 10, "byteEnd": 11}, "features": [{"$type": "x#mention", "did": OTHER}]},
        ],
        tags=["Autumn", "bread"],
        embed={"$type": "app.bsky.embed.external", "external": {"uri": "https://b.example/", "title": "b"}},
    )
    assert found.tags == ("bread", "autumn")
    assert found.links == ("https://a.example/", "https://b.example/")
    assert found.kind == "link"
    assert found.permalink == "https://bsky.app/profile/meadow.example/post/k"
    assert found.post_id == f"at://{DID}/app.bsky.feed.post/k"


IMAGES = {"$type": "app.bsky.embed.images", "images": []}
A_POST = {"uri": f"at://{OTHER}/app.bsky.feed.post/q", "cid": "c"}
A_LIST = {"uri": f"at://{OTHER}/app.bsky.graph.list/q", "cid": "c"}


@pytest.mark.parametrize(
    ("embed", "kind"),
    [
        (None, "text"),
        (IMAGES, "image"),
        ({"$type": "app.bsky.embed.video", "video": {}}, "video"),
        ({"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example"}}, "link"),
        ({"$type": "app.bsky.embed.record", "record": A_POST}, "quote"),
        ({"$type": "app.bsky.embed.record", "record": A_LIST}, "text"),
        ({"$type": "app.bsky.embed.recordWithMedia", "record": {"record": A_POST}, "media": IMAGES}, "quote"),
        ({"$type": "app.bsky.embed.recordWithMedia", "record": {"record": A_LIST}, "media": IMAGES}, "image"),
        ({"$type": "app.bsky.embed.somethingNew", "new": 1}, "text"),
    ],
)
def test_what_a_post_is(page, target, embed, kind):
    assert one_post(page, target, embed=embed).kind == kind


def test_a_reply_says_what_it_answers(page, target):
    parent = f"at://{OTHER}/app.bsky.feed.post/asked"
    found = one_post(page, target, reply={"root": {"uri": "x", "cid": "c"}, "parent": {"uri": parent, "cid": "c"}})
    assert found.reply_to == parent


def test_the_next_part_of_an_own_thread_answers_nobody(page, target):
    own, other = (f"at://{did}/app.bsky.feed.post/first" for did in (DID, OTHER))

    def answered(root, parent):
        reply = {"root": {"uri": root, "cid": "c"}, "parent": {"uri": parent, "cid": "c"}}
        return one_post(page, target, reply=reply).reply_to

    assert answered(own, own) is None
    assert answered(other, own) == own, "a second word under somebody else's post is conversation"


@pytest.mark.parametrize(
    ("created", "indexed", "published"),
    [
        ("2026-11-12T10:00:00+01:00", "2026-11-12T09:00:05Z", "2026-11-12T09:00:00Z"),
        ("2012-01-01T00:00:00Z", "2026-11-12T09:00:00Z", "2012-01-01T00:00:00Z"),
        ("2999-01-01T00:00:00Z", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"),
        ("yesterday", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"),
    ],
)
def test_a_post_is_dated_by_its_author_unless_that_cannot_be(page, target, created, indexed, published):
    [found] = [row for row in rows(page, target, item("k", created, indexed=indexed)) if isinstance(row, PostRow)]
    assert found.published_at == dt.datetime.fromisoformat(published)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
def test_a_moment_of_blueskys_own_outside_of_the_calendar_is_bad(page, target, at):
    with pytest.raises(BadAnswer, match="not on the calendar in UTC"):
        rows(page, target, item("k", indexed=at))


def test_an_answer_that_failed_gives_no_rows(page, target):
    assert rows(page, target, item("k"), status=503) == []


def fetch(client, target, window=WEEK, **options):
    return list(SOURCE.fetch(target("bluesky", "meadow.example"), window, client(**options)))


def test_the_feed_is_walked_until_the_window_begins(server, client, target):
    server.script = [
        ok(json.dumps(PROFILE).encode()),
        ok(feed(item("pin", "2020-01-01T00:00:00Z", reason="reasonPin"), cursor="c1")),
        ok(feed(item("3"), item("2", "2026-11-08T23:00:00Z"), cursor="c2")),
        ok(feed(item("1", "2026-11-08T23:00:00Z"), item("0", "2026-11-08T22:59:59Z"), cursor="c3")),
    ]
    pages = fetch(client, target, token="t0ken")
    assert [page.stream for page in pages] == ["account", "posts", "posts", "posts"]
    assert [page.request.params.get("cursor") for page in pages] == [None, None, "c1", "c2"]
    assert {page.request.params["actor"] for page in pages[1:]} == {DID}
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {"Bearer t0ken"}


def test_a_repost_of_an_old_post_does_not_end_the_walk(server, client, target):
    old = item("old", "2020-01-01T00:00:00Z", did=OTHER, reason="reasonRepost")
    server.script = [ok(json.dumps(PROFILE).encode()), ok(feed(item("2"), old, cursor="c1")), ok(feed(item("1")))]
    assert len(fetch(client, target)) == 3


def test_pages_that_shift_while_they_are_read_lose_nothing(server, client, page, target):
    server.script = [
        ok(json.dumps(PROFILE).encode()),
        ok(feed(item("3"), item("2"), cursor="c1")),
        ok(feed(item("2"), item("1"), cursor="c2")),
        ok(feed(cursor="c3")),
        ok(feed(item("0"))),
    ]
    found = [
        row.post_id.rsplit("/", 1)[1]
        for answer in fetch(client, target)
        for row in SOURCE.parse(target("bluesky", "meadow.example"), answer)
        if isinstance(row, PostRow)
    ]
    assert found == ["3", "2", "2", "1", "0"]


def test_a_cursor_that_comes_twice_is_a_bad_answer(server, client, target):
    server.script = [ok(json.dumps(PROFILE).encode()), *[ok(feed(item("1"), cursor="c1"))] * 2]
    with pytest.raises(BadAnswer, match="circle"):
        fetch(client, target)


@pytest.mark.parametrize(
    ("error", "message", "raised"),
    [
        ("InvalidRequest", "Profile not found", NotFound),
        ("AccountTakedown", "Account has been suspended", NotFound),
        ("InvalidToken", "Token could not be verified", Unauthorized),
        ("ExpiredToken", "Token has expired", Unauthorized),
        ("InvalidRequest", "Error: limit can not be greater than 100", BadAnswer),
    ],
)
def test_a_refusal_names_the_account_and_is_handed_over_first(server, client, target, error, message, raised):
    server.script = [(400, {}, json.dumps({"error": error, "message": message}).encode())]
    pages = SOURCE.fetch(target("bluesky", "meadow.example"), WEEK, client())
    assert next(pages).status == 400
    with pytest.raises(raised, match=r"meadow\.example"):
        next(pages)


def view(key, *replies, did=OTHER, **options):
    said = post(key, did=did, **options)
    return {"$type": "app.bsky.feed.defs#threadViewPost", "post": said, "replies": replies}


BLOCKED = {
    "$type": "app.bsky.feed.defs#blockedPost",
    "uri": f"at://{OTHER}/app.bsky.feed.post/hidden",
    "blocked": True,
    "author": {"did": OTHER},
}
DELETED = {
    "$type": "app.bsky.feed.defs#notFoundPost",
    "uri": f"at://{OTHER}/app.bsky.feed.post/gone",
    "notFound": True,
}


def comments(page, target, thread):
    answer = page("comments", json.dumps({"thread": thread}).encode())
    return {row.comment_id.rsplit("/", 1)[1]: row for row in SOURCE.parse(target("bluesky", "meadow.example"), answer)}


def test_a_comment_says_who_wrote_it_when_and_under_what(page, target):
    asked = view("asked", created="2026-11-12T10:00:00Z", record={"text": "Open on Sunday?"})
    found = comments(page, target, view("k", asked, did=DID))
    assert found.keys() == {"asked"}
    row = found["asked"]
    assert isinstance(row, CommentRow)
    assert (row.account_id, row.post_id) == (DID, f"at://{DID}/app.bsky.feed.post/k")
    assert (row.author, row.own, row.text, row.reply_to) == (OTHER, False, "Open on Sunday?", None)
    assert row.published_at == dt.datetime(2026, 11, 12, 10, tzinfo=dt.UTC)
    assert row.permalink == "https://bsky.app/profile/other.example/post/asked"


def test_answers_to_answers_are_comments_under_the_same_post(page, target):
    deep = view("asked", view("answered", view("thanked", view("again", did=DID)), did=DID))
    found = comments(page, target, view("k", deep, did=DID))
    assert {key: row.own for key, row in found.items()} == {
        "asked": False, "answered": True, "thanked": False, "again": True,
    }  # fmt: skip
    assert {row.post_id for row in found.values()} == {f"at://{DID}/app.bsky.feed.post/k"}
    assert found["again"].reply_to == f"at://{OTHER}/app.bsky.feed.post/thanked"


def test_an_own_thread_that_goes_on_is_no_comment_and_has_comments_of_its_own(page, target):
    second = view("second", view("third", view("asked"), did=DID), did=DID)
    found = comments(page, target, view("first", second, view("first asked"), did=DID))
    assert {key: row.post_id.rsplit("/", 1)[1] for key, row in found.items()} == {
        "asked": "third", "first asked": "first",
    }  # fmt: skip
    assert found["asked"].reply_to is None


def test_blocked_and_deleted_posts_in_a_thread_are_left_out(page, target):
    found = comments(page, target, view("k", BLOCKED, view("asked", DELETED, view("answered", did=DID)), did=DID))
    assert found.keys() == {"asked", "answered"}
    assert comments(page, target, BLOCKED) == {}
    assert comments(page, target, DELETED) == {}


def test_a_thread_without_a_list_of_answers_gives_no_rows(page, target):
    shallow = view("k", did=DID)
    assert comments(page, target, {name: shallow[name] for name in ("$type", "post")}) == {}


def test_the_newest_ten_answered_posts_of_seven_days_are_asked_for_their_threads(server, client, target):
    day = [item(f"d{number}", f"2026-11-{number:02}T12:00:00Z", replyCount=1) for number in range(15, 7, -1)]
    hours = [item(f"h{number:02}", f"2026-11-14T{number:02}:00:00Z", replyCount=2) for number in range(6)]
    today = item("today", "2026-11-16T09:00:00Z", replyCount=1)
    quiet = item("quiet", "2026-11-15T13:00:00Z", replyCount=0)
    ref = {"uri": f"at://{OTHER}/app.bsky.feed.post/q", "cid": "c"}
    answer = item("answer", "2026-11-15T14:00:00Z", replyCount=1, record={"reply": {"root": ref, "parent": ref}})
    server.script = [
        ok(json.dumps(PROFILE).encode()),
        ok(feed(today, answer, quiet, *day, *hours)),
        *[ok(json.dumps({"thread": view("k", did=DID)}).encode())] * 10,
    ]
    pages = fetch(client, target)
    asked = [page.request.params["uri"].rsplit("/", 1)[1] for page in pages if page.stream == "comments"]
    assert asked == ["d15", "d14", "h05", "h04", "h03", "h02", "h01", "h00", "d13", "d12"]
    assert len(pages) <= SOURCE.expected_calls(posts=15, days=7)


def test_a_post_that_was_deleted_meanwhile_costs_its_thread_alone(server, client, target):
    gone = json.dumps({"error": "NotFound", "message": "Post not found: at://x"}).encode()
    found = json.dumps({"thread": view("k", view("asked"), did=DID)}).encode()
    server.script = [
        ok(json.dumps(PROFILE).encode()),
        ok(feed(item("2", replyCount=1), item("1", "2026-11-11T09:00:00Z", replyCount=1))),
        (400, {}, gone),
        ok(found),
    ]
    pages = fetch(client, target)
    rows = [list(SOURCE.parse(target("bluesky", "meadow.example"), page)) for page in pages]
    assert [len(each) for each in rows] == [1, 2, 0, 1]


def test_a_thread_that_is_something_else_is_a_bad_answer(server, client, target):
    server.script = [ok(json.dumps(PROFILE).encode()), ok(feed(item("2", replyCount=1))), ok(b"<html>")]
    with pytest.raises(BadAnswer, match="Bluesky comments"):
        fetch(client, target)
