"""The TikTok source, pointed at the sandbox, finds exactly what is true there: by either of TikTok's APIs."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.tiktok import CLIENT as APP
from widerview.sandbox.tiktok import CLIENT_SECRET, REFRESH_TOKEN, TOKEN
from widerview.sources.base import AccountRow, CommentRow, DayRow, PostRow, RawPage, Row, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.tiktok import SOURCE

CLIENT = "hollow-oak-bakery"
NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 16))
QUARTER = Window(dt.date(2026, 8, 1), dt.date(2026, 11, 16))
APIS = ("display", "business")


def target(api: str = "display", ref: str = "hollowoakbakery") -> Target:
    options = {"api": api} if api == "business" else {}
    return Target(client_id=CLIENT, source="tiktok", ref=ref, time_zone="Europe/Berlin", options=options)


@pytest.fixture
def client(asked):
    """Makes a client whose Connection names the sandbox."""
    asked.now = NOW

    def make(**options) -> HttpClient:
        host = f"{str(asked.http.base_url).rstrip('/')}/tiktok"
        given = {"token": TOKEN, "login": asked.model.account(CLIENT, "tiktok").platform_id}
        return HttpClient(
            base_url=host,
            servers=dict.fromkeys(SOURCE.servers, host),
            budget=60,
            clock=lambda: asked.now,
            sleep=lambda seconds: None,
            **given | options,
        )

    return make


def read(target: Target, pages: list[RawPage]) -> list[Row]:
    return [row for page in pages for row in SOURCE.parse(target, page)]


def of(rows: list[Row], kind: type) -> list:
    return [row for row in rows if isinstance(row, kind)]


def pull(api: str, window: Window, http: HttpClient) -> list[Row]:
    return read(target(api), list(SOURCE.fetch(target(api), window, http)))


@pytest.mark.parametrize("api", APIS)
def test_the_account_its_posts_and_their_counts(asked, client, api):
    rows = pull(api, QUARTER, client())
    model, own = asked.model, asked.model.account(CLIENT, "tiktok")
    [account] = of(rows, AccountRow)
    assert (account.account_id, account.handle) == (own.platform_id, "hollowoakbakery")
    assert account.counts["followers"] == model.followers_at(CLIENT, "tiktok", NOW)
    assert account.counts["posts"] == own.earlier_posts + len(model.own_posts(CLIENT, "tiktok", NOW))
    opens = QUARTER.opens("Europe/Berlin")
    true = [post for post in model.own_posts(CLIENT, "tiktok", NOW) if post.at >= opens]
    posts = [post for post in of(rows, PostRow) if post.published_at >= opens]
    assert len(posts) == len(true) > 20
    for post, written in zip(posts, true, strict=True):
        assert post.text == written.text
        assert post.published_at == written.at.replace(microsecond=0)
        assert post.permalink == f"https://www.tiktok.com/@hollowoakbakery/video/{post.post_id}"
        assert post.account_id == own.platform_id
        comments = model.replies(written, NOW)
        expected = {kind: written.count(kind, NOW) for kind in ("views", "likes", "shares")}
        expected["replies"] = len(comments) + sum(len(model.replies(comment, NOW)) for comment in comments)
        if api == "business":
            expected |= {"viewers": model.reached(written, NOW), "watch_time": round(model.watched(written, NOW))}
            expected["bookmarks"] = None
            expected |= {"profile_link_clicks": expected["views"] // 90, "claimed_leads": expected["views"] // 400}
        assert post.counts == expected


def test_the_weeks_views_settle_at_the_truth(asked, client):
    truth = asked.model.truth(CLIENT, WEEK.first)
    asked.now = dt.datetime(2026, 12, 20, 9, tzinfo=dt.UTC)
    posts = of(pull("display", WEEK, client()), PostRow)
    zone = ZoneInfo("Europe/Berlin")
    days = {WEEK.first + n * dt.timedelta(days=1) for n in range(7)}
    week = [post for post in posts if post.published_at.astimezone(zone).date() in days]
    assert len(week) == truth.posts["tiktok"] > 0
    assert sum(post.counts["views"] for post in week) == truth.views["tiktok"]


def test_days_are_utc_and_those_that_tiktok_has(asked, client):
    assert of(pull("display", WEEK, client()), DayRow) == []
    rows = of(pull("business", WEEK, client()), DayRow)
    assert {row.day for row in rows} == {dt.date(2026, 11, day) for day in range(9, 16)}
    assert {(row.zone, row.entity, row.dimension, row.member) for row in rows} == {("UTC", "account", "total", "")}
    model = asked.model
    assert {row.entity_id for row in rows} == {model.account(CLIENT, "tiktok").platform_id}
    value = {(row.day, row.metric): row.value for row in rows}
    for day in {row.day for row in rows}:
        for metric, kind in (("views", "views"), ("likes", "likes"), ("replies", "replies"), ("shares", "shares")):
            assert value[day, metric] == model.account_day(CLIENT, "tiktok", kind, day, dt.UTC, NOW)
        gained, lost = model.follows_day(CLIENT, "tiktok", day, dt.UTC, NOW)
        assert (value[day, "follows"], value[day, "unfollows"]) == (gained, lost)
        assert value[day, "viewers"] == model.reached_day(CLIENT, "tiktok", day, dt.UTC, NOW)
        assert value[day, "profile_views"] is None


def test_the_comments_of_the_window_and_whose_they_are(asked, client):
    assert of(pull("display", WEEK, client()), CommentRow) == []
    comments = of(pull("business", WEEK, client()), CommentRow)
    opens, true = WEEK.opens("Europe/Berlin"), []
    for post in asked.model.own_posts(CLIENT, "tiktok", NOW):
        for comment in asked.model.replies(post, NOW) if post.at >= opens else []:
            true.append((comment.text, False, comment.at.replace(microsecond=0)))
            true += [
                (answer.text, True, answer.at.replace(microsecond=0)) for answer in asked.model.replies(comment, NOW)
            ]
    assert sorted((row.text, row.own, row.published_at) for row in comments) == sorted(true)
    assert {own for _, own, _ in true} == {True, False}
    by_id = {row.comment_id: row for row in comments}
    for answer in comments:
        if answer.own:
            assert by_id[answer.reply_to].post_id == answer.post_id


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("window", [WEEK, QUARTER], ids=["week", "quarter"])
def test_a_pull_keeps_to_the_calls_it_announces(client, api, window):
    http = client()
    pages = list(SOURCE.fetch(target(api), window, http))
    opens = window.opens("Europe/Berlin")
    posts = [row for row in of(read(target(api), pages), PostRow) if row.published_at >= opens]
    assert len(pages) == http.calls <= SOURCE.expected_calls(posts=len(posts), days=8)


def test_days_that_reach_back_further_than_tiktok_remembers_are_not_asked_for(client):
    pages = list(SOURCE.fetch(target("business"), QUARTER, client()))
    [days] = [page for page in pages if page.stream == "days"]
    assert days.request.params["start_date"] == "2026-09-19"
    assert len({row.day for row in SOURCE.parse(target("business"), days)}) == 58
    long_ago = Window(dt.date(2026, 7, 1), dt.date(2026, 7, 31))
    assert not [page for page in SOURCE.fetch(target("business"), long_ago, client()) if page.stream == "days"]


@pytest.mark.parametrize("api", APIS)
def test_a_wrong_token_and_a_wrong_username_are_told_apart(client, api):
    with pytest.raises(Unauthorized, match=r"TikTok account .*hollowoakbakery"):
        list(SOURCE.fetch(target(api), WEEK, client(token="act.wrong-wrong-wrong")))
    other = target(api, ref="someone.else")
    with pytest.raises(NotFound, match=r"that of the account hollowoakbakery, not someone\.else"):
        list(SOURCE.fetch(other, WEEK, client()))


@pytest.mark.parametrize("api", APIS)
def test_a_metric_that_tiktok_gave_up_costs_that_metric_alone(client, monkeypatch, api):
    table = f"widerview.sources.tiktok._{api.upper()}_POST"
    native = {"display": ("view_count", "like_count"), "business": ("video_views", "likes")}[api]
    metrics = {native[0]: "views", "gone_count": "shares", native[1]: "likes"}
    monkeypatch.setattr(table, metrics)
    rows = pull(api, QUARTER, client())
    [lost] = of(rows, UnavailableRow)
    assert (lost.metric, lost.native_metric) == ("shares", "gone_count")
    assert "gone_count" in lost.reason
    found = {}
    for post in of(rows, PostRow):
        found.setdefault(post.post_id, {}).update(post.counts)
    assert len(found) > 20
    assert {tuple(sorted(counts)) for counts in found.values()} == {("likes", "views")}


@pytest.mark.parametrize("api", APIS)
def test_new_tokens_come_with_their_ends(client, api):
    name = {"display": "client_key", "business": "client_id"}[api]
    extra = {name: APP, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    new = SOURCE.renew(client(extra=extra))
    # The sandbox gives the same pair again: what is the same need not be kept anew.
    assert (new.token, new.refresh_token) == (TOKEN, None)
    lives = {"display": (dt.timedelta(hours=2), 180), "business": (dt.timedelta(days=1), 365)}[api]
    assert new.expires_at == NOW + lives[0]
    assert new.refresh_expires_at == NOW + dt.timedelta(days=lives[1])
    with pytest.raises(Unauthorized, match="consent"):
        SOURCE.renew(client(extra=extra | {"refresh_token": "rft.another-one"}))


@pytest.mark.parametrize(
    ("api", "route", "fault", "raised"),
    [
        ("display", "tiktok.videos", "rate_limited", RateLimited),
        ("business", "tiktok.business_videos", "rate_limited", RateLimited),
        ("display", "tiktok.videos", "unauthorized", Unauthorized),
        ("business", "tiktok.comments", "unauthorized", Unauthorized),
        ("display", "tiktok.videos", "cursor_loop", BadAnswer),
        ("business", "tiktok.business_videos", "cursor_loop", BadAnswer),
        ("display", "tiktok.user", "html_page", BadAnswer),
        ("business", "tiktok.business_videos", "cut_json", BadAnswer),
    ],
)
def test_what_goes_wrong_is_told(asked, client, api, route, fault, raised):
    asked.faults.inject(Injection(route=route, fault=fault))
    window = Window(dt.date(2020, 1, 1), WEEK.last)
    with pytest.raises(raised, match="TikTok"):
        list(SOURCE.fetch(target(api), window, client()))


@pytest.mark.parametrize("api", APIS)
def test_numbers_as_text_change_nothing(asked, client, api):
    plain = pull(api, WEEK, client())
    asked.faults.inject(Injection(route="tiktok.*", fault="numbers_as_text"))
    odd = pull(api, WEEK, client())
    for kind in (AccountRow, PostRow, CommentRow, DayRow):
        assert [seen(row) for row in of(odd, kind)] == [seen(row) for row in of(plain, kind)]


def seen(row: Row) -> dict:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in {"receipt", "observed_at"}}
