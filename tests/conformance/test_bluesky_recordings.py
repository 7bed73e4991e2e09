"""Bluesky: what a network of the protocol's own servers answered, and the shapes its authors keep as snapshots."""

import datetime as dt
import json
import re

import pytest

from widerview.landing.store import Landing, record
from widerview.sources.base import AccountRow, CommentRow, PostRow, RawPage, Request, Target, Window
from widerview.sources.bluesky import SOURCE
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.http import try_again_at

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
DID = "did:plc:g57i4hwulnbegey4jca7ixrl"
BRAND = Target(client_id="brand", source="bluesky", ref="brand.test", time_zone="Europe/Berlin")
DAYS = Window(dt.date(2026, 11, 16), dt.date(2026, 11, 22))
URL = "http://localhost:2584"
EMPTY_PAGE = (200, {"Content-Type": "application/json"}, b'{"feed":[]}')


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "recordings" / "bluesky" / "local-dev-env"


def as_page(answer, stream, actor=DID):
    status, headers, body = answer
    return RawPage(
        stream=stream,
        request=Request("GET", f"{URL}/xrpc/x", {"actor": actor}),
        status=status,
        headers={name.lower(): value for name, value in headers.items()},
        fetched_at=NOW,
        body=body,
    )


def test_the_profile(folder, recorded):
    [account] = SOURCE.parse(BRAND, as_page(recorded(folder / "getProfile"), "account"))
    assert isinstance(account, AccountRow)
    assert (account.account_id, account.handle, account.name) == (DID, "brand.test", "brand.test")
    assert account.counts == {"followers": 1, "following": 0, "posts": 6}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("getAuthorFeed.p1", ["post 4", "post 5", "post 2", "post 3"]),
        ("getAuthorFeed.p2", ["post 1", "Hello launch day"]),
        ("proxied_getAuthorFeed", ["post 4", "post 5"]),
    ],
)
@pytest.mark.parametrize("actor", [DID, "brand.test"])
def test_the_feed(folder, recorded, name, texts, actor):
    rows = list(SOURCE.parse(BRAND, as_page(recorded(folder / name), "posts", actor)))
    assert [row.text for row in rows] == texts
    for row in rows:
        launch = row.text == "Hello launch day"
        assert row.counts == {"likes": launch, "replies": launch, "reposts": 0, "quotes": 0, "bookmarks": 0}


def test_the_thread(folder, recorded):
    [comment] = SOURCE.parse(BRAND, as_page(recorded(folder / "getPostThread"), "comments"))
    assert isinstance(comment, CommentRow)
    assert (comment.account_id, comment.post_id) == (DID, f"at://{DID}/app.bsky.feed.post/3n2umqbrsgc2q")
    assert (comment.author, comment.own) == ("did:plc:37fh7lnejgbojqhkxbl5png3", False)
    assert (comment.text, comment.reply_to) == ("When do you open?", None)
    assert comment.published_at == dt.datetime(2026, 11, 22, 3, 0, 4, tzinfo=dt.UTC)
    assert comment.permalink == "https://bsky.app/profile/fan.test/post/3n2umqcrk2c2q"


@pytest.mark.parametrize("name", ["getFollowers", "getLikes", "getPostThread", "listRecords", "describeRepo"])
def test_other_answers_are_refused(folder, recorded, name):
    with pytest.raises(BadAnswer, match="Bluesky posts"):
        list(SOURCE.parse(BRAND, as_page(recorded(folder / name), "posts")))


def answers(folder, recorded):
    first, second = recorded(folder / "getAuthorFeed.p1"), recorded(folder / "getAuthorFeed.p2")
    pages = {
        None: first,
        json.loads(first[2])["cursor"]: second,
        json.loads(second[2])["cursor"]: EMPTY_PAGE,
    }

    def answer(request):
        if "getProfile" in request.url:
            return recorded(folder / "getProfile")
        if "getPostThread" in request.url:
            return recorded(folder / "getPostThread")
        cursor = re.search(r"cursor=([^&]+)", request.url)
        return pages[cursor and cursor[1]]

    return answer


def test_a_whole_pull_is_landed_and_has_every_post_the_profile_counts(folder, recorded, replay, tmp_path):
    landing = Landing(tmp_path)
    client = replay(answers(folder, recorded), URL)
    name, pull = record(landing, SOURCE, BRAND, DAYS, "run", client, lambda: NOW)
    assert pull.complete
    assert [entry.stream for entry in pull.entries] == ["account", "posts", "posts", "posts", "comments"]
    assert client.calls == len(pull.entries) <= SOURCE.expected_calls(posts=6, days=7)
    rows = [row for page in landing.pages(landing.read_pull(name)) for row in SOURCE.parse(BRAND, page)]
    account, *posts, comment = rows
    assert isinstance(comment, CommentRow)
    assert comment.post_id in {post.post_id for post in posts if post.counts["replies"]}
    assert len({post.post_id for post in posts}) == len(posts) == 6
    assert account.counts["posts"] == len(posts)
    assert {post.account_id for post in posts} == {DID}
    first = min(posts, key=lambda post: post.published_at)
    assert first.permalink == "https://bsky.app/profile/brand.test/post/3n2umqbrsgc2q"
    assert first.published_at == dt.datetime(2026, 11, 22, 3, 0, 3, tzinfo=dt.UTC)


def test_a_window_after_the_last_post_takes_one_page(folder, recorded, replay):
    tomorrow = Window(dt.date(2026, 11, 23), dt.date(2026, 11, 23))
    pages = list(SOURCE.fetch(BRAND, tomorrow, replay(answers(folder, recorded), URL)))
    assert [page.stream for page in pages] == ["account", "posts"]


@pytest.mark.parametrize(
    ("name", "raised", "says"),
    [
        ("error_profile_not_found", NotFound, "Profile not found"),
        ("error_badtoken", Unauthorized, "Token could not be verified"),
        ("error_unauth", Unauthorized, "Authentication Required"),
        ("error_bad_param", BadAnswer, "limit can not be greater"),
    ],
)
def test_errors_are_recognised(folder, recorded, replay, name, raised, says):
    answer = recorded(folder / name)
    pages = SOURCE.fetch(BRAND, DAYS, replay(lambda request: answer, URL))
    assert next(pages).body == answer[2]
    with pytest.raises(raised, match=says):
        next(pages)


def test_the_rate_limit_is_recognised_with_its_end(folder, recorded, replay):
    answer = recorded(folder / "error_ratelimit_429")
    end = dt.datetime.fromtimestamp(int(answer[1]["RateLimit-Reset"]), dt.UTC)
    pages = SOURCE.fetch(BRAND, DAYS, replay(lambda request: answer, URL))
    page = next(pages)
    assert page.status == 429
    assert try_again_at(page) == end
    with pytest.raises(RateLimited, match=f"{end:%Y-%m-%d %H:%M:%S} UTC"):
        next(pages)


def snapshots(path):
    """Names and values of a file of jest snapshots, which is nearly JSON."""
    for name, text in re.findall(r"exports\[`(.*?)`\] = `\n(.*?)\n`;", path.read_text(), re.DOTALL):
        yield name, json.loads(re.sub(r",(\s*[}\]])", r"\1", text))


@pytest.mark.parametrize(("file", "feeds"), [("author-feed.test.ts.snap", 10), ("timeline.test.ts.snap", 6)])
def test_every_feed_in_the_snapshots_is_read(shared, file, feeds):
    path = shared / "recordings" / "bluesky" / "atproto-snapshots" / file
    found = [(name, value) for name, value in snapshots(path) if isinstance(value, list) and "post" in value[0]]
    assert len(found) == feeds
    for _, items in found:
        page = as_page((200, {}, json.dumps({"feed": items}).encode()), "posts", actor="user(0)")
        rows = [row for row in SOURCE.parse(BRAND, page) if isinstance(row, PostRow)]
        own = [
            item["post"]["record"]["text"]
            for item in items
            if item["post"]["author"]["did"] == "user(0)"
            and item.get("reason", {}).get("$type") in {None, "app.bsky.feed.defs#reasonPin"}
        ]
        assert [row.text for row in rows] == own


def test_every_profile_in_the_snapshots_is_read(shared):
    path = shared / "recordings" / "bluesky" / "atproto-snapshots" / "profile.test.ts.snap"
    profiles = [value for _, value in snapshots(path) if isinstance(value, dict) and "followersCount" in value]
    assert len(profiles) == 5
    for profile in profiles:
        page = as_page((200, {}, json.dumps(profile).encode()), "account")
        [account] = SOURCE.parse(BRAND, page)
        assert account.name == profile.get("displayName", profile["handle"])
        assert account.counts == {
            "followers": profile["followersCount"],
            "following": profile["followsCount"],
            "posts": profile["postsCount"],
        }


def test_every_thread_in_the_snapshots_is_read(shared):
    path = shared / "recordings" / "bluesky" / "atproto-snapshots" / "thread.test.ts.snap"
    found = {}
    for name, thread in snapshots(path):
        page = as_page((200, {}, json.dumps({"thread": thread}).encode()), "comments")
        rows = list(SOURCE.parse(BRAND, page))
        assert all(isinstance(row, CommentRow) and row.post_id == thread["post"]["uri"] for row in rows)
        found[name.removeprefix("appview thread views > ")] = [(row.text, row.reply_to) for row in rows]
    assert len(found) == 15
    # Two levels, one level of the same thread, and with an answer's author or the answer itself taken down.
    assert len(found["fetches deep post thread 1"]) == 3
    assert [answers for _, answers in found["fetches deep post thread 1"]].count(None) == 2
    assert [answers for _, answers in found["fetches shallow post thread 1"]] == [None, None]
    assert {len(rows) for name, rows in found.items() if "blocks replies" in name} == {1, 2}
    assert sum(rows == [] for rows in found.values()) > 5
