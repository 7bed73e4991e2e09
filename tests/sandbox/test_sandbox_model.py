"""The model keeps its promises: the same answers for the same moment, nothing unsaid later, late data that rises."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.sandbox.model import CAMPAIGN, PROFILES, SETTLED_AFTER, Profile, Simulation

ANCHOR = dt.date(2026, 11, 16)
START = dt.datetime(2026, 5, 19, tzinfo=dt.UTC)
REPORT_WEEK = ANCHOR - dt.timedelta(days=7)
LONG_AFTER = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
CLIENTS = [profile.key for profile in PROFILES]

# From the day after the history's first, to well after the report.
moments = st.integers(1, 220 * 24 * 60).map(lambda minutes: START + dt.timedelta(minutes=minutes))


def snapshot(model: Simulation, client: str, now: dt.datetime) -> dict[str, dict[str, int]]:
    """Every post of a client by key, with all its counters."""
    return {
        entry.post.key: {
            **{kind: entry.post.count(kind, now) for kind in ("likes", "reposts", "quotes", "bookmarks")},
            "replies": len(model.replies(entry.post, now)),
        }
        for account in model.profile(client).accounts
        for entry in model.timeline(client, account.person.platform, now)
    }


def test_the_anchor_is_a_monday() -> None:
    with pytest.raises(ValueError, match="must be a Monday"):
        Simulation(1, ANCHOR + dt.timedelta(days=1))


@settings(max_examples=3)
@given(seed=st.integers(0, 10_000), now=moments)
def test_what_was_asked_before_does_not_change_the_answer(seed: int, now: dt.datetime) -> None:
    fresh, busy = Simulation(seed, ANCHOR), Simulation(seed, ANCHOR)
    for client in reversed(CLIENTS):
        busy.truth(client, ANCHOR)
        busy.timeline(client, "bluesky", LONG_AFTER)
    for client in CLIENTS:
        assert snapshot(fresh, client, now) == snapshot(busy, client, now)
        assert fresh.truth(client, REPORT_WEEK) == busy.truth(client, REPORT_WEEK)


def test_another_seed_is_another_agency() -> None:
    weeks = {(truth := Simulation(seed, ANCHOR).truth(CLIENTS[0], REPORT_WEEK)).visits: truth for seed in range(4)}
    assert len(weeks) > 1


@settings(max_examples=20)
@given(one=moments, other=moments)
def test_time_only_adds(model: Simulation, one: dt.datetime, other: dt.datetime) -> None:
    before, after = sorted((one, other))
    for client in CLIENTS:
        earlier, later = snapshot(model, client, before), snapshot(model, client, after)
        assert earlier.keys() <= later.keys()
        for key, counters in earlier.items():
            assert all(counters[kind] <= later[key][kind] for kind in counters)
        # Where people cease to follow, too, test_followers_come_and_go holds the balance.
        for account in (account for account in model.profile(client).accounts if not account.lost):
            assert model.followers(client, account, before) <= model.followers(client, account, after)
        shown = [len(model.visits(client, REPORT_WEEK, ANCHOR, now)) for now in (before, after)]
        assert shown[0] <= shown[1]


def test_the_last_two_days_of_the_web_are_late_and_older_ones_are_not(model: Simulation) -> None:
    monday_morning = dt.datetime(2026, 11, 16, 6, tzinfo=dt.UTC)
    for client in CLIENTS:
        late = [ANCHOR - dt.timedelta(days=n) for n in (1, 2)]
        settled = [ANCHOR - dt.timedelta(days=n) for n in range(4, 15)]
        shown = {day: len(model.visits(client, day, day, monday_morning)) for day in late + settled}
        truly = {day: len(model.visits(client, day, day, LONG_AFTER)) for day in late + settled}
        assert all(shown[day] == truly[day] for day in settled)
        assert sum(shown[day] for day in late) < sum(truly[day] for day in late)
        assert all(shown[day] > 0.6 * truly[day] for day in late)


def test_nothing_of_a_week_changes_once_it_is_settled(model: Simulation) -> None:
    for client in CLIENTS:
        visits = [len(model.visits(client, REPORT_WEEK, ANCHOR, LONG_AFTER + dt.timedelta(days=n))) for n in (1, 400)]
        assert visits[0] == visits[1]
        posts = snapshot(model, client, LONG_AFTER)
        later = snapshot(model, client, LONG_AFTER + dt.timedelta(days=60))
        assert all(later[key] == posts[key] for key in posts if key.split("/")[2] < ANCHOR.isoformat())


def test_the_stories_of_the_report_week() -> None:
    """Over many seeds: the bakery is above its usual, the workshop at it, the agency below."""
    ratios: dict[str, list[float]] = {client: [] for client in CLIENTS}
    for seed in range(6):
        model = Simulation(seed, ANCHOR)
        for client, found in ratios.items():
            mondays = [REPORT_WEEK - dt.timedelta(weeks=n) for n in (0, *range(3, 9))]
            visits = [len(model.visits(client, day, day + dt.timedelta(days=6), LONG_AFTER)) for day in mondays]
            found.append(visits[0] / float(np.median(visits[1:])))
    assert min(ratios["hollow-oak-bakery"]) > 1.25
    assert 0.9 < float(np.mean(ratios["tidewater-cycles"])) < 1.1
    assert max(ratios["lantern-lane"]) < 0.85


def test_the_campaigns_effect_is_what_the_model_states(model: Simulation) -> None:
    weeks = [model.truth("hollow-oak-bakery", ANCHOR + dt.timedelta(weeks=n)) for n in range(-2, 2)]
    expected, real = (
        sum(week.campaign_added_expected for week in weeks),
        sum(week.campaign_added_visits for week in weeks),
    )
    assert abs(real - expected) < 4 * expected**0.5  # a sum of Poisson counts
    tagged = sum(sum(week.campaigns[CAMPAIGN.key].values()) for week in weeks)
    assert 0.5 * real < tagged < real  # a part of the effect carries no tag
    outside = model.truth("hollow-oak-bakery", ANCHOR - dt.timedelta(weeks=3))
    assert outside.campaign_added_visits == 0
    assert CAMPAIGN.key not in outside.campaigns


def test_conversations(model: Simulation) -> None:
    def answered(client: str) -> float:
        weeks = [model.truth(client, ANCHOR - dt.timedelta(weeks=n)) for n in range(1, 27)]
        written = sum(sum(week.replies_written.values()) for week in weeks)
        return written / sum(sum(week.replies_received.values()) for week in weeks)

    assert answered("tidewater-cycles") > 0.85
    assert answered("hollow-oak-bakery") < 0.75


@pytest.mark.parametrize("profile", PROFILES, ids=CLIENTS)
def test_the_words(model: Simulation, profile: Profile) -> None:
    posts = [
        entry.post
        for account in profile.accounts
        for entry in model.timeline(profile.key, account.person.platform, LONG_AFTER)
        if not entry.repost
    ]
    own = [post for post in posts if post.parent is None]
    assert len({post.text for post in own}) >= 40
    assert all("{" not in post.text + (post.image or "") for post in posts)
    assert all(len(post.text) + len(post.link or "") <= 300 for post in own)
    assert any(post.text.endswith("?") for post in own)
    assert any(post.image for post in own)
    assert any(post.link for post in own)


def test_reactions_are_overdispersed(model: Simulation) -> None:
    likes = [
        entry.post.count("likes", LONG_AFTER)
        for entry in model.timeline("tidewater-cycles", "mastodon", LONG_AFTER)
        if entry.post.parent is None and not entry.repost
    ]
    assert np.var(likes) > 2 * np.mean(likes)


def test_weekdays_differ(model: Simulation, visits_of: Callable[[str, int], float]) -> None:
    assert visits_of("hollow-oak-bakery", 5) > 1.3 * visits_of("hollow-oak-bakery", 6)
    assert visits_of("lantern-lane", 1) > 1.5 * visits_of("lantern-lane", 5)


@pytest.fixture
def visits_of(model: Simulation) -> Callable[[str, int], float]:
    """Average visits of a client on a weekday, before the campaign."""

    def average(client: str, weekday: int) -> float:
        days = [model.first_day + dt.timedelta(weeks=n, days=weekday) for n in range(24)]
        return float(np.mean([len(model.visits(client, day, day, LONG_AFTER)) for day in days]))

    return average
