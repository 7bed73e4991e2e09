"""The project's own sources, pointed at the sandbox, find exactly what is true."""

import datetime as dt
from collections import defaultdict

import pytest

from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.model import PROFILES, SETTLED_AFTER
from widerview.sources.base import CommentRow, DayRow, PostRow, Row, Target, Window
from widerview.sources.http import HttpClient
from widerview.sources.registry import source

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER


def pull(asked, target: Target, token: str | None = None) -> list[Row]:
    platform = source(target.source)
    http = HttpClient(base_url=str(asked.http.base_url), budget=200, token=token, clock=lambda: asked.now)
    return [row for page in platform.fetch(target, WEEK, http) for row in platform.parse(target, page)]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_the_web(asked, profile) -> None:
    asked.now = SETTLED
    truth = asked.model.truth(profile.key, WEEK.first)
    target = Target(client_id=profile.key, source="matomo", ref=str(profile.site_id), time_zone=str(profile.zone))
    visits: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in pull(asked, target, MATOMO_TOKEN):
        if isinstance(row, DayRow) and row.metric == "visits":
            visits[row.dimension, row.member] += row.value or 0
    assert visits["total", ""] == truth.visits
    assert {channel: visits["channel", channel] for channel in truth.channels} == truth.channels
    for campaign, keywords in truth.campaigns.items():
        assert visits["campaign", campaign] == sum(keywords.values())
        for keyword, count in keywords.items():
            assert not keyword or visits["touchpoint", f"{campaign}/{keyword}"] == count


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_the_accounts_that_anybody_may_read(asked, profile) -> None:
    asked.now = SETTLED
    truth = asked.model.truth(profile.key, WEEK.first)
    for account in (account for account in profile.accounts if account.person.platform in {"bluesky", "mastodon"}):
        platform = account.person.platform
        handle = f"@{account.person.handle}" if platform == "mastodon" else account.person.handle
        zone = str(profile.zone)
        rows = pull(asked, Target(client_id=profile.key, source=platform, ref=handle, time_zone=zone))
        week = [
            row
            for row in rows
            if isinstance(row, PostRow) and WEEK.first <= row.published_at.astimezone(profile.zone).date() <= WEEK.last
        ]
        own = [row for row in week if row.reply_to is None]
        assert len(own) == truth.posts[platform]
        assert sum(row.reply_to is not None for row in week) == truth.replies_written[platform]
        for metric in ("likes", "reposts"):
            assert sum(row.counts[metric] or 0 for row in own) == truth.reactions[platform][metric]


ANYBODY = [
    (profile, account.person)
    for profile in PROFILES
    for account in profile.accounts
    if account.person.platform in {"bluesky", "mastodon"}
]


@pytest.mark.parametrize(("profile", "person"), ANYBODY, ids=lambda part: part.name)
def test_the_conversations_that_anybody_may_read(asked, profile, person) -> None:
    asked.now = dt.datetime.combine(ANCHOR, dt.time(9), dt.UTC)
    handle = f"@{person.handle}" if person.platform == "mastodon" else person.handle
    target = Target(client_id=profile.key, source=person.platform, ref=handle, time_zone=str(profile.zone))
    platform = source(target.source)
    http = HttpClient(base_url=str(asked.http.base_url), budget=200, clock=lambda: asked.now)
    rows = [row for page in platform.fetch(target, WEEK, http) for row in platform.parse(target, page)]
    answered = [
        post
        for post in asked.model.own_posts(profile.key, person.platform, asked.now)
        if WEEK.first <= post.at.astimezone(profile.zone).date() <= WEEK.last and asked.model.replies(post, asked.now)
    ]
    said = [
        (comment, post)
        for post in answered[:10]
        for reply in asked.model.replies(post, asked.now)
        for comment in (reply, *asked.model.replies(reply, asked.now))
    ]
    found = [row for row in rows if isinstance(row, CommentRow)]
    posts = {row.post_id: row.published_at for row in rows if isinstance(row, PostRow)}
    assert sorted((row.published_at, posts[row.post_id], row.own, row.reply_to is None) for row in found) == sorted(
        (comment.at, post.at, comment.author == person, comment.parent == post) for comment, post in said
    )
    assert len(found) == len({row.comment_id for row in found})
    assert http.calls <= platform.expected_calls(posts=len(posts), days=7)


def test_people_talk_and_are_answered(asked) -> None:
    """Without this the test above could compare nothing with nothing."""
    asked.now = dt.datetime.combine(ANCHOR, dt.time(9), dt.UTC)
    rows = pull(
        asked,
        Target(
            client_id="tidewater-cycles", source="mastodon", ref="@tidewater@social.example", time_zone="Europe/Dublin"
        ),
    )
    own = [row.own for row in rows if isinstance(row, CommentRow)]
    assert own.count(True) > 2
    assert own.count(False) > 2
