"""What the model knows of every social platform: counts by day, people reached, followers, stories, paid views."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.sandbox.model import CAMPAIGN, PROFILES, SETTLED_AFTER, Platform, Post, Simulation, post_number

ANCHOR = dt.date(2026, 11, 16)
REPORT_WEEK = ANCHOR - dt.timedelta(days=7)
LONG_AFTER = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
PACIFIC = ZoneInfo("America/Los_Angeles")
DAY = dt.timedelta(days=1)
ACCOUNTS = [
    pytest.param(profile.key, account.person.platform, id=f"{profile.key}-{account.person.platform}")
    for profile in PROFILES
    for account in profile.accounts
]
SEEN = [parameter for parameter in ACCOUNTS if parameter.values[1] not in {"bluesky", "mastodon"}]

moments = st.integers(1, 200 * 24 * 60).map(
    lambda minutes: dt.datetime(2026, 5, 19, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
)


def daily(model: Simulation, client: str, platform: Platform, day: dt.date, now: dt.datetime) -> dict[str, object]:
    kinds = model.account(client, platform).typical
    return {
        **{kind: model.account_day(client, platform, kind, day, PACIFIC, now) for kind in kinds},
        "reached": model.reached_day(client, platform, day, PACIFIC, now),
        "watched": model.watched_day(client, platform, day, PACIFIC, now),
        "follows": model.follows_day(client, platform, day, PACIFIC, now),
        "paid": model.ad_views_day(client, platform, day, PACIFIC, now),
    }


def test_every_platform_occurs() -> None:
    platforms = {account.person.platform for profile in PROFILES for account in profile.accounts}
    assert platforms == {
        "bluesky", "mastodon", "facebook", "instagram", "threads", "linkedin", "x", "tiktok", "youtube", "pinterest",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("platform", "form"),
    [
        ("facebook", r"\d{15}"),
        ("instagram", r"\d{17}"),
        ("threads", r"\d{17}"),
        ("linkedin", r"\d{8}"),
        ("x", r"\d{19}"),
        ("tiktok", r"-000[\w-]{32}"),
        ("youtube", r"UC[\w-]{22}"),
        ("pinterest", r"\d{18}"),
    ],
)
def test_ids_have_the_platforms_form(model: Simulation, platform: Platform, form: str) -> None:
    ids = [account.platform_id for _, account in model.accounts(platform)]
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(form, id_) for id_ in ids)


@settings(max_examples=4)
@given(now=moments, days=st.integers(0, 3))
def test_a_day_is_the_same_whatever_was_asked_before(model: Simulation, now: dt.datetime, days: int) -> None:
    fresh = Simulation(model.seed, ANCHOR)
    for client, platform in (("hollow-oak-bakery", "instagram"), ("tidewater-cycles", "youtube")):
        day = now.date() - days * DAY
        daily(model, client, platform, day, LONG_AFTER)
        assert daily(fresh, client, platform, day, now) == daily(model, client, platform, day, now)


@pytest.mark.parametrize(("client", "platform"), ACCOUNTS)
def test_the_days_add_up_to_the_posts(model: Simulation, client: str, platform: Platform) -> None:
    now = dt.datetime(2026, 8, 12, 15, 30, tzinfo=dt.UTC)
    days = [model.first_day - DAY + n * DAY for n in range((now.date() - model.first_day).days + 3)]
    posts = model.own_posts(client, platform, now)
    for kind in model.account(client, platform).typical:
        by_post = sum(len(model.replies(p, now)) if kind == "replies" else p.count(kind, now) for p in posts)
        assert sum(model.account_day(client, platform, kind, day, PACIFIC, now) for day in days) == by_post
    watched = sum(model.watched_day(client, platform, day, PACIFIC, now) for day in days)
    assert watched == pytest.approx(sum(model.watched(post, now) for post in posts))


@pytest.mark.parametrize(("client", "platform"), SEEN)
def test_people_reached_are_fewer_than_views(model: Simulation, client: str, platform: Platform) -> None:
    days = [REPORT_WEEK + n * DAY for n in range(7)]
    views = [model.account_day(client, platform, "views", day, PACIFIC, LONG_AFTER) for day in days]
    reached = [model.reached_day(client, platform, day, PACIFIC, LONG_AFTER) for day in days]
    week = model.reached_between(client, platform, days[0], days[-1], PACIFIC, LONG_AFTER)
    assert all(people <= seen for people, seen in zip(reached, views, strict=True))
    assert max(reached) <= week <= sum(reached)
    posts = model.own_posts(client, platform, LONG_AFTER)
    assert all(0 <= model.reached(post, LONG_AFTER) <= post.count("views", LONG_AFTER) for post in posts)
    assert sum(model.reached(post, LONG_AFTER) for post in posts) < sum(
        post.count("views", LONG_AFTER) for post in posts
    )


@pytest.mark.parametrize(("client", "platform"), SEEN)
def test_the_truth_of_a_week(model: Simulation, client: str, platform: Platform) -> None:
    truth, zone = model.truth(client, REPORT_WEEK), model.profile(client).zone
    week = [
        post
        for post in model.own_posts(client, platform, LONG_AFTER)
        if REPORT_WEEK <= post.at.astimezone(zone).date() < ANCHOR
    ]
    assert truth.posts[platform] == len(week)
    assert truth.views[platform] == sum(post.count("views", LONG_AFTER) for post in week)
    days = [REPORT_WEEK + n * DAY for n in range(7)]
    seen = sum(model.account_day(client, platform, "views", day, zone, LONG_AFTER) for day in days)
    assert truth.account_views[platform] == seen
    assert truth.reactions[platform].keys() == model.account(client, platform).typical.keys() - {"views", "replies"}


def test_platforms_without_views_have_none(model: Simulation) -> None:
    truth = model.truth("hollow-oak-bakery", REPORT_WEEK)
    assert truth.views.keys() == truth.account_views.keys() == truth.posts.keys() - {"bluesky", "mastodon"}
    assert model.account_day("hollow-oak-bakery", "bluesky", "views", REPORT_WEEK, PACIFIC, LONG_AFTER) == 0
    assert model.reached_day("hollow-oak-bakery", "bluesky", REPORT_WEEK, PACIFIC, LONG_AFTER) == 0


@pytest.mark.parametrize(("client", "platform"), ACCOUNTS)
def test_followers_come_and_go(model: Simulation, client: str, platform: Platform) -> None:
    def midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), PACIFIC) - dt.timedelta(microseconds=1)

    days = [model.first_day + n * DAY for n in range(3, 60)]
    for day in days:
        gained, lost = model.follows_day(client, platform, day, PACIFIC, LONG_AFTER)
        before, after = (model.followers_at(client, platform, midnight(d)) for d in (day, day + DAY))
        assert after - before == gained - lost
    assert sum(model.follows_day(client, platform, day, PACIFIC, LONG_AFTER)[0] for day in days) > 0
    assert model.follows_day(client, platform, days[0], PACIFIC, midnight(days[0])) == (0, 0)


def test_posts_fit_their_platform(model: Simulation) -> None:
    def posts(platform: Platform) -> list[Post]:
        return [post for p, _ in model.accounts(platform) for post in model.own_posts(p.key, platform, LONG_AFTER)]

    assert {post.media for post in posts("instagram")} == {"image", "carousel", "video"}
    assert {post.media for post in posts("pinterest")} == {"image"}
    for platform in ("tiktok", "youtube"):
        assert all(post.media == "video" and post.duration > 0 and post.image for post in posts(platform))
    for platform in ("facebook", "threads", "linkedin", "x"):
        assert {post.media for post in posts(platform)} == {"none", "image"}
    assert not any(post.link for platform in ("instagram", "tiktok") for post in posts(platform))
    for post in posts("facebook"):
        assert post.count("clicks", LONG_AFTER) >= post.count("link_clicks", LONG_AFTER)
        assert post.link or not post.count("link_clicks", LONG_AFTER)
    assert all(model.watched(p, LONG_AFTER) <= p.duration * p.count("views", LONG_AFTER) for p in posts("youtube"))
    numbers = [post_number(post, 18) for post in posts("instagram")]
    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"[1-9]\d{17}", number) for number in numbers)


def test_a_story_is_there_for_a_day(model: Simulation) -> None:
    hours = [dt.datetime(2026, 10, 1, tzinfo=dt.UTC) + n * dt.timedelta(hours=1) for n in range(24 * 28)]
    alive = [{story.key: story for story in model.stories("hollow-oak-bakery", hour)} for hour in hours]
    stories = {key: story for there in alive for key, story in there.items()}
    assert 5 <= len(stories) <= 28
    for key, story in stories.items():
        there = [hour for hour, keys in zip(hours, alive, strict=True) if key in keys]
        assert all(story.at <= hour < story.at + DAY for hour in there)
        assert story.count("views", story.at + DAY) == story.count("views", LONG_AFTER) > 0
        assert story.count("views", story.at) == 0
    shown = {entry.post.key for entry in model.timeline("hollow-oak-bakery", "instagram", LONG_AFTER)}
    assert not shown & stories.keys()
    assert not any(model.stories("lantern-lane", hour) for hour in hours)


def test_paid_views_stand_apart(model: Simulation) -> None:
    weeks = [ANCHOR + n * DAY for n in range(CAMPAIGN.first_offset, CAMPAIGN.last_offset + 1)]
    zone = model.profile("hollow-oak-bakery").zone
    for platform in ("facebook", "instagram"):
        for day in weeks:
            views, reach = model.ad_views_day("hollow-oak-bakery", platform, day, zone, LONG_AFTER)
            assert views > reach > 0
        for day in (weeks[0] - DAY, weeks[-1] + DAY):
            assert model.ad_views_day("hollow-oak-bakery", platform, day, zone, LONG_AFTER) == (0, 0)
        assert model.ad_views_day("tidewater-cycles", platform, ANCHOR, zone, LONG_AFTER) == (0, 0)
    noon = dt.datetime(2026, 11, 10, 11, tzinfo=dt.UTC)
    half = model.ad_views_day("hollow-oak-bakery", "facebook", noon.date(), zone, noon)
    assert 0 < half[0] < model.ad_views_day("hollow-oak-bakery", "facebook", noon.date(), zone, LONG_AFTER)[0]
