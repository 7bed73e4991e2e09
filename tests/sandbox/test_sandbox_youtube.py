"""The YouTube source, pointed at the sandbox, finds exactly what is true there."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.youtube import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN
from widerview.sources.base import AccountRow, CommentRow, DayRow, PostRow, RawPage, Row, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.youtube import SOURCE

CLIENT = "tidewater-cycles"
PACIFIC = ZoneInfo("America/Los_Angeles")
NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
MONTH = Window(dt.date(2026, 10, 19), dt.date(2026, 11, 16))
CONSENT = {"refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture
def target() -> Target:
    return Target(client_id=CLIENT, source="youtube", ref="@tidewatercycles", time_zone="Europe/Dublin")


@pytest.fixture
def client(asked):
    """Makes a client whose Connection names the sandbox."""

    def make(**options) -> HttpClient:
        host = f"{str(asked.http.base_url).rstrip('/')}/youtube"
        given = {"extra": CONSENT} if "token" not in options and "extra" not in options else {}
        return HttpClient(
            base_url=host,
            servers=dict.fromkeys(SOURCE.servers, host),
            budget=60,
            clock=lambda: asked.now,
            sleep=lambda seconds: None,
            **given | options,
        )

    return make


@pytest.fixture
def channel(asked):
    asked.now = NOW
    return asked.model.account(CLIENT, "youtube")


def read(target: Target, pages: list[RawPage]) -> list[Row]:
    return [row for page in pages for row in SOURCE.parse(target, page)]


def of(rows: list[Row], kind: type) -> list:
    return [row for row in rows if isinstance(row, kind)]


def test_the_channel_its_videos_and_their_counts(asked, target, client, channel):
    rows = read(target, list(SOURCE.fetch(target, MONTH, client())))
    [account] = of(rows, AccountRow)
    followers = asked.model.followers_at(CLIENT, "youtube", NOW)
    assert (account.account_id, account.handle) == (channel.platform_id, "@tidewatercycles")
    assert account.counts["followers"] == followers // 10 * 10 > 2000
    opens = MONTH.opens("Europe/Dublin")
    true = [post for post in asked.model.own_posts(CLIENT, "youtube", NOW) if post.at >= opens]
    posts = of(rows, PostRow)
    assert len(posts) == len(true) > 3
    for post, written in zip(posts, true, strict=True):
        assert post.published_at == written.at.replace(microsecond=0)
        assert written.text in post.text
        assert post.links == ((written.link,) if written.link else ())
        assert post.account_id == channel.platform_id
        comments = asked.model.replies(written, NOW)
        answers = [answer for comment in comments for answer in asked.model.replies(comment, NOW)]
        assert post.counts == {
            "views": written.count("views", NOW),
            "likes": written.count("likes", NOW),
            "replies": len(comments) + len(answers),
        }


def test_the_weeks_views_settle_at_the_truth(asked, target, client):
    truth = asked.model.truth(CLIENT, dt.date(2026, 11, 9))
    asked.now = dt.datetime(2026, 12, 20, 9, tzinfo=dt.UTC)
    window = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
    posts = of(read(target, list(SOURCE.fetch(target, window, client()))), PostRow)
    week = [post for post in posts if post.published_at.astimezone(ZoneInfo("Europe/Dublin")).date() <= window.last]
    assert len(week) == truth.posts["youtube"] > 0
    assert sum(post.counts["views"] for post in week) == truth.views["youtube"]


def test_days_are_pacific_and_end_where_youtube_has_worked_them_up(asked, target, client, channel):
    rows = of(read(target, list(SOURCE.fetch(target, MONTH, client()))), DayRow)
    days = sorted({row.day for row in rows})
    # Of the 17th, two o'clock in the morning in California, the 14th is the last to be complete.
    assert (days[0], days[-1], len(days)) == (MONTH.first, dt.date(2026, 11, 14), 27)
    assert {(row.entity, row.entity_id, row.zone, row.dimension, row.member) for row in rows} == {
        ("account", channel.platform_id, "America/Los_Angeles", "total", "")
    }
    value = {(row.day, row.metric): row.value for row in rows}
    model = asked.model
    for day in days:
        for metric, kind in (("views", "views"), ("likes", "likes"), ("replies", "replies"), ("shares", "shares")):
            assert value[day, metric] == model.account_day(CLIENT, "youtube", kind, day, PACIFIC, NOW)
        gained, lost = model.follows_day(CLIENT, "youtube", day, PACIFIC, NOW)
        assert (value[day, "follows"], value[day, "unfollows"]) == (gained, lost)
        assert value[day, "watch_time"] == pytest.approx(
            model.watched_day(CLIENT, "youtube", day, PACIFIC, NOW), abs=30
        )
        assert value[day, "engaged_views"] <= value[day, "views"]
    assert sum(value[day, "views"] for day in days) > 1000


def test_the_comments_and_whose_they_are(asked, target, client, channel):
    comments = of(read(target, list(SOURCE.fetch(target, MONTH, client()))), CommentRow)
    opens = MONTH.opens("Europe/Dublin")
    recent = {(row.text, row.own) for row in comments if row.published_at >= opens}
    true = set()
    for post in asked.model.own_posts(CLIENT, "youtube", NOW):
        for comment in asked.model.replies(post, NOW):
            if comment.at >= opens:
                true.add((comment.text, False))
                true |= {(answer.text, True) for answer in asked.model.replies(comment, NOW)}
    assert recent == true
    assert len(true) > 5
    by_id = {row.comment_id: row for row in comments}
    answers = [row for row in comments if row.own]
    assert answers
    for answer in answers:
        assert answer.published_at > by_id[answer.reply_to].published_at
        assert answer.post_id == by_id[answer.reply_to].post_id
        assert answer.author == channel.platform_id


def test_a_pull_keeps_to_the_calls_it_announces(asked, target, client):
    asked.now = NOW
    http = client()
    pages = list(SOURCE.fetch(target, MONTH, http))
    posts = len(of(read(target, pages), PostRow))
    # The token's page is not handed over.
    assert len(pages) + 1 == http.calls <= SOURCE.expected_calls(posts=posts, days=29)


def test_the_channels_id_serves_as_well_as_its_handle(target, client, channel):
    by_id = Target(client_id=CLIENT, source="youtube", ref=channel.platform_id, time_zone="Europe/Dublin")
    assert SOURCE.base_url(by_id) == "https://youtube.googleapis.com"
    [account] = of(read(by_id, list(SOURCE.fetch(by_id, MONTH, client(token=TOKEN)))), AccountRow)
    assert (account.account_id, account.handle) == (channel.platform_id, "@tidewatercycles")


def test_a_wrong_token_a_dead_consent_and_a_wrong_handle_are_told_apart(target, client):
    with pytest.raises(Unauthorized, match=r"YouTube account .*@tidewatercycles"):
        list(SOURCE.fetch(target, MONTH, client(token="ya29.wrong-wrong")))
    with pytest.raises(Unauthorized, match="invalid_grant"):
        list(SOURCE.fetch(target, MONTH, client(extra=CONSENT | {"refresh_token": "1//something-else"})))
    elsewhere = Target(client_id=CLIENT, source="youtube", ref="@nobody.example", time_zone="Europe/Dublin")
    with pytest.raises(NotFound, match=r"no channel @nobody\.example"):
        list(SOURCE.fetch(elsewhere, MONTH, client()))


def test_a_metric_that_youtube_gave_up_costs_that_metric_alone(target, client, channel, monkeypatch):
    known = {"views": "views", "redViews": "engaged_views", "likes": "likes"}
    monkeypatch.setattr("widerview.sources.youtube._DAILY", known)
    rows = read(target, list(SOURCE.fetch(target, MONTH, client())))
    [lost] = of(rows, UnavailableRow)
    assert (lost.metric, lost.native_metric) == ("engaged_views", "redViews")
    assert lost.reason == "Unknown identifier (redViews) given in field parameters.metrics."
    days = of(rows, DayRow)
    assert {row.metric for row in days} == {"views", "likes"}
    assert len(days) == 2 * 27


@pytest.mark.parametrize(
    ("route", "fault", "raised"),
    [
        ("youtube.playlistItems", "rate_limited", RateLimited),
        ("youtube.reports", "unauthorized", Unauthorized),
        ("youtube.playlistItems", "cursor_loop", BadAnswer),
        ("youtube.videos", "html_page", BadAnswer),
        ("youtube.videos", "cut_json", BadAnswer),
        ("youtube.commentThreads", "empty", BadAnswer),
    ],
)
def test_what_goes_wrong_is_told_and_was_handed_over_before(asked, target, client, route, fault, raised):
    asked.now = NOW
    asked.faults.inject(Injection(route=route, fault=fault))
    everything = Window(dt.date(2026, 1, 1), dt.date(2026, 11, 16))
    streams = []
    with pytest.raises(raised):
        for page in SOURCE.fetch(target, everything, client()):
            streams.append(page.stream)
    # The bad answer was handed over, too, before it was judged.
    assert streams[-1] == {"playlistItems": "uploads", "videos": "posts", "reports": "days"}.get(
        route.removeprefix("youtube."), "comments"
    )


@pytest.mark.parametrize("fault", ["numbers_as_text", "duplicate_page"])
def test_what_is_only_odd_changes_nothing(asked, target, client, fault):
    asked.now = NOW
    plain = read(target, list(SOURCE.fetch(target, MONTH, client())))
    asked.faults.inject(Injection(route="youtube.*", fault=fault))
    odd = read(target, list(SOURCE.fetch(target, MONTH, client(token=TOKEN))))
    for kind in (AccountRow, PostRow, CommentRow, DayRow):
        assert [seen(row) for row in of(odd, kind)] == [seen(row) for row in of(plain, kind)]


def seen(row: Row) -> dict:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in {"receipt", "observed_at"}}
