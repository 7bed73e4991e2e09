"""X's source, pointed at the sandbox, finds exactly what is true; and the sandbox refuses what X refuses."""

import datetime as dt
from decimal import Decimal

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.model import SETTLED_AFTER
from widerview.sandbox.x import CLIENT_ID, REFRESH_TOKEN, TOKEN
from widerview.sources.base import AccountRow, CommentRow, PostRow, Row, Target, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.x import SOURCE

CLIENT = "tidewater-cycles"
TARGET = Target(client_id=CLIENT, source="x", ref="tidewatercycles", time_zone="Europe/Dublin")
ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
MONDAY = dt.datetime(2026, 11, 16, 6, tzinfo=dt.UTC)
OWNED = {"authorization": f"Bearer {TOKEN}"}


class Money:
    """An allowance that only counts."""

    def __init__(self) -> None:
        self.dollars = Decimal(0)

    def call(self, most_dollars: Decimal) -> None:
        """Allow every call."""

    def pay(self, dollars: Decimal) -> None:
        self.dollars += dollars

    def left(self) -> None:
        """As much as is wanted."""


def client(asked, token=TOKEN, **options) -> HttpClient:
    base_url = f"{str(asked.http.base_url).rstrip('/')}/x"
    return HttpClient(
        base_url=base_url, budget=60, token=token, clock=lambda: asked.now, sleep=lambda seconds: None, **options
    )


def pull(asked, window=WEEK, **options) -> list[Row]:
    http = client(asked, **options)
    return [row for page in SOURCE.fetch(TARGET, window, http) for row in SOURCE.parse(TARGET, page)]


def only(rows: list[Row], kind: type[Row]) -> list[Row]:
    return [row for row in rows if isinstance(row, kind)]


def in_week(row) -> bool:
    return WEEK.first <= row.published_at.astimezone(dt.UTC).date() <= WEEK.last


def test_the_account(asked) -> None:
    asked.now = MONDAY
    [row] = only(pull(asked), AccountRow)
    own = asked.model.account(CLIENT, "x")
    assert (row.account_id, row.handle, row.name) == (own.platform_id, "tidewatercycles", "Tidewater Cycles")
    assert row.counts["followers"] == asked.model.followers_at(CLIENT, "x", MONDAY)
    assert row.counts["posts"] == own.earlier_posts + len(asked.model.timeline(CLIENT, "x", MONDAY))


def test_a_settled_week(asked) -> None:
    asked.now = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER - dt.timedelta(days=8)
    truth = asked.model.truth(CLIENT, WEEK.first)
    rows = pull(asked)
    week = [row for row in only(rows, PostRow) if in_week(row)]
    own = {row.post_id: row for row in week if row.reply_to is None}
    assert len(own) == truth.posts["x"] > 3
    assert len(week) - len(own) == truth.replies_written["x"] > 0
    for metric, kind in (
        ("likes", "likes"),
        ("reposts", "reposts"),
        ("link_clicks", "link_clicks"),
        ("profile_views", "profile_visits"),
        ("quotes", "quotes"),
        ("bookmarks", "bookmarks"),
    ):
        assert sum(row.counts[metric] for row in own.values()) == truth.reactions["x"][kind]
    assert sum(row.counts["replies"] for row in own.values()) == truth.replies_received["x"]
    assert sum(row.counts["impressions"] for row in own.values()) == truth.views["x"] > 500


def test_a_posts_words_and_numbers_at_a_moment(asked) -> None:
    asked.now = MONDAY
    posts = {row.published_at: row for row in only(pull(asked), PostRow) if row.reply_to is None}
    said = {post.at: post for post in asked.model.own_posts(CLIENT, "x", MONDAY) if post.at in posts}
    assert posts.keys() == said.keys()
    for at, post in said.items():
        assert posts[at].text == (f"{post.text} {post.link}" if post.link else post.text)
        assert posts[at].links == ((post.link,) if post.link else ())
        assert posts[at].kind == ("image" if post.image else "link" if post.link else "text")
        assert posts[at].counts == {
            "quotes": post.count("quotes", MONDAY),
            "bookmarks": post.count("bookmarks", MONDAY),
            "impressions": post.count("views", MONDAY),
            "likes": post.count("likes", MONDAY),
            "replies": len(asked.model.replies(post, MONDAY)),
            "reposts": post.count("reposts", MONDAY),
            "link_clicks": post.count("link_clicks", MONDAY),
            "profile_views": post.count("profile_visits", MONDAY),
        }


def test_the_conversations(asked) -> None:
    asked.now = MONDAY
    rows = pull(asked)
    posts = {row.post_id: row.published_at for row in only(rows, PostRow)}
    own = asked.model.account(CLIENT, "x").person
    said = [
        (comment.at, post.at, comment.author == own, comment.parent == post, comment.author.platform_id)
        for post in asked.model.own_posts(CLIENT, "x", MONDAY)
        if WEEK.opens("Europe/Dublin") <= post.at < dt.datetime.combine(ANCHOR, dt.time(), dt.UTC)
        for reply in asked.model.replies(post, MONDAY)
        for comment in (reply, *asked.model.replies(reply, MONDAY))
    ]
    found = only(rows, CommentRow)
    assert sorted(
        (row.published_at, posts[row.post_id], row.own, row.reply_to is None, row.author) for row in found
    ) == sorted(said)
    assert {row.own for row in found} == {True, False}


def test_what_a_pull_costs(asked) -> None:
    asked.now = MONDAY
    money = Money()
    http = client(asked, allowance=money)
    pages = list(SOURCE.fetch(TARGET, WEEK, http))
    rows = [row for page in pages for row in SOURCE.parse(TARGET, page)]
    own = {row.post_id for row in only(rows, PostRow)}
    others = {row.comment_id for row in only(rows, CommentRow)} - own
    assert others
    assert money.dollars == Decimal("0.01") + Decimal("0.001") * len(own) + Decimal("0.005") * len(others)
    assert http.calls == len(pages) == 3 <= SOURCE.expected_calls(posts=len(own), days=7)


def test_half_a_year_is_read_in_pages_and_the_owners_numbers_of_thirty_days_only(asked) -> None:
    asked.now = MONDAY
    window = Window(ANCHOR - dt.timedelta(days=190), WEEK.last)
    http = client(asked)
    rows = [row for page in SOURCE.fetch(TARGET, window, http) for row in SOURCE.parse(TARGET, page)]
    posts = only(rows, PostRow)
    entries = [entry for entry in asked.model.timeline(CLIENT, "x", MONDAY) if not entry.repost]
    assert len(posts) == len({row.post_id for row in posts}) == len(entries) > 100
    young = [row for row in posts if row.published_at > MONDAY - dt.timedelta(days=30) + dt.timedelta(hours=1)]
    assert {row.post_id for row in posts if "likes" in row.counts} == {row.post_id for row in young}
    assert http.calls <= SOURCE.expected_calls(posts=len(posts), days=190)


def test_owners_numbers_of_an_old_post_are_an_error_beside_the_others(asked) -> None:
    asked.now = MONDAY
    posts = only(pull(asked, Window(ANCHOR - dt.timedelta(days=60), WEEK.last)), PostRow)
    newest, *_, oldest = sorted(posts, key=lambda row: row.published_at, reverse=True)
    params = {"ids": f"{newest.post_id},{oldest.post_id},1", "tweet.fields": "created_at,organic_metrics,nonsense"}
    answer = asked.http.get("/x/2/tweets", params=params, headers=OWNED)
    assert answer.status_code == 200
    [given] = answer.json()["data"]
    assert given.keys() == {"id", "text", "edit_history_tweet_ids", "created_at", "organic_metrics"}
    assert given["id"] == newest.post_id
    refused = [(error["resource_id"], error["type"].rpartition("/")[2]) for error in answer.json()["errors"]]
    assert refused == [(oldest.post_id, "not-authorized-for-field")] * 6 + [("1", "resource-not-found")]


@pytest.mark.parametrize("token", ["wrong", REFRESH_TOKEN])
def test_a_wrong_token_is_refused(asked, token) -> None:
    with pytest.raises(Unauthorized, match=r"HTTP 401.*console\.x\.com"):
        pull(asked, token=token)


def test_a_call_without_token_gets_xs_own_error(asked) -> None:
    answer = asked.http.get("/x/2/users/me")
    assert (answer.status_code, answer.json()["type"], answer.json()["title"]) == (401, "about:blank", "Unauthorized")


@pytest.mark.parametrize(
    ("path", "params", "says"),
    [
        ("users/{id}/tweets", {"max_results": "4"}, "max_results must be at least 5"),
        ("users/{id}/tweets", {"max_results": "101"}, "max_results must be at most 100"),
        ("users/{id}/tweets", {"start_time": "yesterday"}, "start_time must be a valid RFC3339 timestamp"),
        ("users/{id}/tweets", {"pagination_token": "%%"}, "pagination_token is not a valid token"),
        ("tweets/search/recent", {"query": "conversation_id:1", "max_results": "5"}, "max_results must be at least 10"),
        ("tweets/search/recent", {"query": "bicycles"}, "The sandbox searches by conversation_id only"),
    ],
)
def test_a_wrong_parameter_is_named(asked, path, params, says) -> None:
    where = path.replace("{id}", asked.model.account(CLIENT, "x").platform_id)
    answer = asked.http.get(f"/x/2/{where}", params=params, headers=OWNED)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["detail"], answer.json()["title"]) == (says, "Invalid Request")
    assert error["parameters"] == {error["parameter"]: [params[error["parameter"]]]}


def test_an_account_that_is_not_there_is_an_error_with_200(asked) -> None:
    answer = asked.http.get("/x/2/users/7/tweets", headers=OWNED)
    assert answer.status_code == 200
    assert [error["title"] for error in answer.json()["errors"]] == ["Not Found Error"]


def test_a_refresh_token_gives_the_next_pair_and_the_new_token_is_accepted(asked) -> None:
    extra = {"refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID}
    first = SOURCE.renew(client(asked, extra=extra))
    assert first.expires_at == asked.now + dt.timedelta(hours=2)
    second = SOURCE.renew(client(asked, first.token, extra=extra | {"refresh_token": first.refresh_token}))
    assert len({TOKEN, first.token, second.token, REFRESH_TOKEN, first.refresh_token, second.refresh_token}) == 6
    assert only(pull(asked, token=second.token), AccountRow)
    with pytest.raises(Unauthorized, match="refresh token is refused"):
        SOURCE.renew(client(asked, extra=extra | {"refresh_token": "something else"}))


def test_xs_own_faults(asked) -> None:
    asked.faults.inject(Injection(route="x.me", fault="rate_limited", seconds=600))
    with pytest.raises(RateLimited, match="Try again at 2026-11-17 09:10:00 UTC"):
        pull(asked)
    asked.faults.clear()
    asked.faults.inject(Injection(route="x.timeline", fault="unauthorized"))
    with pytest.raises(Unauthorized):
        pull(asked)
    asked.faults.clear()
    asked.faults.inject(Injection(route="x.timeline", fault="cursor_loop"))
    with pytest.raises(BadAnswer, match="circle"):
        pull(asked)


def test_a_page_that_comes_twice_costs_nothing_and_gives_the_same_rows(asked) -> None:
    asked.now = MONDAY
    window = Window(ANCHOR - dt.timedelta(days=190), WEEK.last)
    asked.faults.inject(Injection(route="x.timeline", fault="duplicate_page", times=1, skip=2))
    money = Money()
    posts = only(pull(asked, window, allowance=money), PostRow)
    ids = [row.post_id for row in posts]
    assert len(ids) == len(set(ids)) + 100
    assert money.dollars < Decimal("0.01") + Decimal("0.001") * len(set(ids)) + Decimal("0.2")
