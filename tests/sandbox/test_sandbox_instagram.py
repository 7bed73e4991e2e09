"""The sandbox's Instagram: the source finds exactly what is true, organic and paid apart, within its calls."""

import datetime as dt
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox.facebook import APP_ID, APP_SECRET
from widerview.sandbox.faults import Injection
from widerview.sandbox.instagram import LOGIN_TOKENS, TOKEN
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Target,
    UnavailableRow,
    Window,
)
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.instagram import SOURCE

ANCHOR = dt.date(2026, 11, 16)
MONTH = Window(ANCHOR - dt.timedelta(days=31), ANCHOR - dt.timedelta(days=1))
PACIFIC = ZoneInfo("America/Los_Angeles")
CLIENTS = {
    "hollow-oak-bakery": "hollowoakbakery",
    "tidewater-cycles": "tidewatercycles",
    "lantern-lane": "lanternlane",
}


def http(asked, token=TOKEN, **options) -> HttpClient:
    base = f"{str(asked.http.base_url).rstrip('/')}/instagram"
    servers = {"https://graph.instagram.com": base}
    values = {"budget": 200, "sleep": lambda seconds: None, "clock": lambda: asked.now} | options
    return HttpClient(base_url=base, servers=servers, token=token, **values)


def pull(asked, client, token=TOKEN, window=MONTH, **options):
    zone = str(asked.model.profile(client).zone)
    target = Target(client_id=client, source="instagram", ref=CLIENTS[client], time_zone=zone)
    asking = http(asked, token, **options)
    rows = [row for page in SOURCE.fetch(target, window, asking) for row in SOURCE.parse(target, page)]
    return rows, asking.calls


def of(rows, type_):
    return [row for row in rows if isinstance(row, type_)]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("login", ["Facebook", "Instagram"])
def test_an_account_and_its_posts(asked, client, login) -> None:
    model = asked.model
    rows, _ = pull(asked, client, TOKEN if login == "Facebook" else LOGIN_TOKENS[CLIENTS[client]])
    [account] = of(rows, AccountRow)
    assert account.account_id == model.account(client, "instagram").platform_id
    assert account.counts["followers"] == model.followers_at(client, "instagram", asked.now)
    opens = MONTH.opens(str(model.profile(client).zone))
    truth = {
        (post.at.replace(microsecond=0), post.text, post.count("likes", asked.now))
        for post in model.own_posts(client, "instagram", asked.now)
        if post.at >= opens
    }
    posts = [row for row in of(rows, PostRow) if row.kind != "story" and row.published_at >= opens]
    assert {(row.published_at, row.text, row.counts["likes"]) for row in posts} == truth
    assert len(posts) == len(truth) > 0


@pytest.mark.parametrize("client", CLIENTS)
def test_numbers_of_posts_are_those_of_their_kind(asked, client) -> None:
    model, now = asked.model, asked.now
    rows, _ = pull(asked, client)
    posts = {row.published_at: row for row in of(rows, PostRow)}
    told = {row.post_id: row.counts for row in of(rows, CounterRow)}
    opens = MONTH.opens(str(model.profile(client).zone))
    truth = [post for post in model.own_posts(client, "instagram", now) if post.at >= opens]
    for post in truth:
        row = posts[post.at.replace(microsecond=0)]
        counts = row.counts | told[row.post_id]
        assert row.kind == {"video": "reel"}.get(post.media, post.media)
        assert counts["views"] == post.count("views", now)
        assert counts["reach"] == model.reached(post, now)
        assert counts["bookmarks"] == post.count("bookmarks", now)
        assert counts["shares"] == post.count("shares", now)
        assert counts["reposts"] == post.count("reposts", now)
        if post.media == "video":
            assert counts["watch_time"] == pytest.approx(model.watched(post, now), abs=0.51)
            assert "profile_views" not in counts
        else:
            assert counts["profile_views"] == post.count("profile_visits", now)
            assert counts["follows"] is None
    assert len(told) >= len(truth)


def stories_of(model, client):
    """The stories of two weeks."""
    moments = (dt.datetime.combine(ANCHOR, dt.time(23), dt.UTC) - dt.timedelta(days=ago) for ago in range(14))
    return [story for moment in moments for story in model.stories(client, moment)]


def test_stories_are_there_for_a_day(asked) -> None:
    told = stories_of(asked.model, "tidewater-cycles")
    assert len(told) > 5
    for story in told[:4]:
        for hours, is_there in ((1, True), (23, True), (25, False)):
            asked.now = story.at + dt.timedelta(hours=hours)
            rows, _ = pull(asked, "tidewater-cycles")
            stories = {row.published_at for row in of(rows, PostRow) if row.kind == "story"}
            assert (story.at.replace(microsecond=0) in stories) == is_there


def test_stories_have_numbers_from_five_viewers_on(asked) -> None:
    many = few = 0
    for story in stories_of(asked.model, "tidewater-cycles"):
        for minutes in (5, 1200):
            asked.now = story.at + dt.timedelta(minutes=minutes)
            rows, _ = pull(asked, "tidewater-cycles")
            told = {row.published_at: row.counts for row in of(rows, CounterRow)}
            counts, reached = told.get(story.at.replace(microsecond=0)), asked.model.reached(story, asked.now)
            if reached < 5:
                few += 1
                assert counts is None
                continue
            many += 1
            assert (counts["views"], counts["reach"]) == (story.count("views", asked.now), reached)
            assert counts["replies"] == (story.count("replies", asked.now) or None)
            assert "bookmarks" not in counts
        assert of(rows, UnavailableRow) == []
    assert few > 2
    assert many > 5


@pytest.mark.parametrize("client", CLIENTS)
def test_comments_and_answers(asked, client) -> None:
    model, now = asked.model, asked.now
    rows, _ = pull(asked, client)
    posts = {row.published_at: row for row in of(rows, PostRow)}
    found = defaultdict(list)
    for row in of(rows, CommentRow):
        found[row.post_id].append(row)
    opens, compared = MONTH.opens(str(model.profile(client).zone)), 0
    for post in model.own_posts(client, "instagram", now):
        if post.at < opens:
            continue
        row = posts[post.at.replace(microsecond=0)]
        comments = model.replies(post, now)
        answers = [answer for comment in comments for answer in model.replies(comment, now)]
        assert row.counts["replies"] == len(comments) + len(answers)
        written = [(c.published_at, c.text, c.own, c.reply_to is None) for c in found[row.post_id]]
        assert sorted(written) == sorted(
            [(c.at.replace(microsecond=0), c.text, False, True) for c in comments]
            + [(a.at.replace(microsecond=0), a.text, True, False) for a in answers]
        )
        compared += len(written)
    assert compared > 0


def days(rows):
    found = defaultdict(dict)
    for row in of(rows, DayRow):
        assert row.zone == "America/Los_Angeles"
        found[row.day][row.metric] = row.value
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_days_are_pacific_and_without_ads(asked, client) -> None:
    model, now = asked.model, asked.now
    told = days(pull(asked, client)[0])
    assert sorted(told) == [ANCHOR - dt.timedelta(days=ago) for ago in range(7, 0, -1)]
    kinds = {"views": "views", "likes": "likes", "replies": "replies", "shares": "shares", "bookmarks": "bookmarks"}
    for day, values in told.items():
        for metric, kind in kinds.items():
            assert values[metric] == model.account_day(client, "instagram", kind, day, PACIFIC, now)
        paid_views, paid_reach = model.ad_views_day(client, "instagram", day, PACIFIC, now)
        assert values.get("paid_views", 0) == paid_views
        assert values.get("paid_reach", 0) == paid_reach
        reached = model.reached_day(client, "instagram", day, PACIFIC, now)
        assert values["reach"] in ({reached} if not paid_reach else {reached, None})


def test_ads_are_in_the_campaign_of_the_one_client_only_and_hide_its_reach(asked) -> None:
    told = {client: days(pull(asked, client)[0]) for client in CLIENTS}
    with_ads = {client for client, found in told.items() for values in found.values() if "paid_views" in values}
    assert with_ads == {"hollow-oak-bakery"}
    assert all(values["reach"] is None for values in told["hollow-oak-bakery"].values())
    assert all(values["reach"] is not None for values in told["tidewater-cycles"].values())
    before = Window(dt.date(2026, 10, 20), dt.date(2026, 10, 26))
    quiet = days(pull(asked, "hollow-oak-bakery", window=before)[0])
    assert len(quiet) == 7
    for day, values in quiet.items():
        assert "paid_reach" not in values
        assert values["reach"] == asked.model.reached_day("hollow-oak-bakery", "instagram", day, PACIFIC, asked.now)


def test_new_and_lost_followers_come_a_day_later(asked) -> None:
    # The day of the fourteenth is over, but not for a day yet.
    asked.now = dt.datetime(2026, 11, 15, 20, tzinfo=dt.UTC)
    told = days(pull(asked, "tidewater-cycles", window=Window(dt.date(2026, 11, 12), dt.date(2026, 11, 15)))[0])
    assert sorted(told) == [dt.date(2026, 11, day) for day in (12, 13, 14)]
    assert {day.day: "follows" in values for day, values in told.items()} == {12: True, 13: True, 14: False}
    day = dt.date(2026, 11, 13)
    gained, lost = asked.model.follows_day("tidewater-cycles", "instagram", day, PACIFIC, asked.now)
    assert (told[day]["follows"], told[day]["unfollows"]) == (gained, lost)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("length", [1, 31, 60])
def test_no_more_calls_than_stated(asked, client, length) -> None:
    window = Window(MONTH.last - dt.timedelta(days=length - 1), MONTH.last)
    rows, calls = pull(asked, client, window=window)
    opens = window.opens(str(asked.model.profile(client).zone))
    posts = sum(row.published_at >= opens for row in of(rows, PostRow) if row.kind != "story")
    assert calls <= SOURCE.expected_calls(posts=posts, days=length) <= (40 if length <= 31 else 200)


def test_pages_of_posts_are_walked_whatever_their_number(asked) -> None:
    window = Window(asked.model.first_day, MONTH.last)
    rows, calls = pull(asked, "hollow-oak-bakery", window=window, budget=1000)
    own = asked.model.own_posts("hollow-oak-bakery", "instagram", asked.now)
    assert len({row.post_id for row in of(rows, PostRow)}) == len(own) > 60
    assert len(of(rows, CounterRow)) == len(own)
    assert calls <= SOURCE.expected_calls(posts=len(own), days=(window.last - window.first).days + 1)


def test_a_token_opens_its_own_account_only(asked) -> None:
    with pytest.raises(NotFound, match="tidewatercycles"):
        pull(asked, "hollow-oak-bakery", LOGIN_TOKENS["tidewatercycles"])


@pytest.mark.parametrize("token", ["EAAwrongButLongEnough", "IGAAwrongButLongEnough"])
def test_a_wrong_token_is_refused(asked, token) -> None:
    with pytest.raises(Unauthorized, match="190"):
        pull(asked, "tidewater-cycles", token)


def test_tokens_are_renewed(asked) -> None:
    for token in (TOKEN, LOGIN_TOKENS["lanternlane"]):
        tokens = SOURCE.renew(http(asked, token, extra={"client_id": APP_ID, "client_secret": APP_SECRET}))
        assert tokens.token == token
        assert dt.timedelta(days=59) < tokens.expires_at - asked.now < dt.timedelta(days=61)
    with pytest.raises(Unauthorized):
        SOURCE.renew(http(asked, "IGAAwrongButLongEnough"))


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("{id}/insights", {"metric": "impressions", "period": "day", "metric_type": "total_value"}),
        ("{id}/media", {"fields": "id,insights.metric(plays)"}),
        ("{id}/media", {"fields": "id,insights.metric(ig_reels_video_view_total_time)"}),
    ],
    ids=["of the account", "of posts", "of another kind of post"],
)
def test_unknown_metrics_are_refused_as_meta_does(asked, path, params) -> None:
    account = asked.model.account("hollow-oak-bakery", "instagram").platform_id
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = asked.http.get(f"/instagram/v26.0/{path.format(id=account)}", params=params, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, 100, "OAuthException")
    assert "metric" in error["message"]


def test_the_metrics_asked_for_are_all_known(asked) -> None:
    rows, _ = pull(asked, "tidewater-cycles", one_metric_a_call=True)
    assert of(rows, UnavailableRow) == []
    assert {row.metric for row in of(rows, DayRow)} <= set(SOURCE.metrics)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("rate_limited", RateLimited),
        ("unauthorized", Unauthorized),
        ("html_page", BadAnswer),
        ("cut_json", BadAnswer),
        ("empty", BadAnswer),
        ("cursor_loop", BadAnswer),
    ],
)
def test_faults_are_told_from_each_other(asked, fault, raised) -> None:
    asked.faults.inject(Injection(route="instagram.media", fault=fault, seconds=600))
    with pytest.raises(raised):
        pull(asked, "hollow-oak-bakery", window=Window(asked.model.first_day, MONTH.last))


def test_a_limit_tells_when_it_ends(asked) -> None:
    asked.faults.inject(Injection(route="instagram.media", fault="rate_limited", seconds=1200))
    with pytest.raises(RateLimited, match="2026-11-17 09:20:00 UTC"):
        pull(asked, "tidewater-cycles")


@pytest.mark.parametrize("fault", ["numbers_as_text", "duplicate_page"])
def test_harmless_faults_change_nothing(asked, fault) -> None:
    honest, _ = pull(asked, "tidewater-cycles")
    asked.faults.inject(Injection(route="instagram.*", fault=fault))
    rows, _ = pull(asked, "tidewater-cycles")

    def values(found):
        return Counter(
            (row.post_id, metric, value) for row in of(found, CounterRow) for metric, value in row.counts.items()
        )

    assert values(rows) == values(honest)
    assert days(rows) == days(honest)
