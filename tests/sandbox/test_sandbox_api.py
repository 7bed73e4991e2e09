"""The sandbox's APIs, asked over HTTP: same bytes, whole pages, the truth once settled, the platforms' own errors."""

import datetime as dt
import re
from collections.abc import Callable
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from widerview.sandbox.model import PROFILES, SETTLED_AFTER

ANCHOR = dt.date(2026, 11, 16)
MONDAY = ANCHOR - dt.timedelta(days=7)
WEEK = f"{MONDAY},{ANCHOR - dt.timedelta(days=1)}"
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
FEED = "/xrpc/app.bsky.feed.getAuthorFeed"


def in_week(moment: str, zone: str) -> bool:
    day = dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).date()
    return MONDAY <= day < ANCHOR


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_the_same_seed_and_moment_give_the_same_bytes(ask_anew: Callable, seed: int) -> None:
    paths = [
        "/xrpc/app.bsky.actor.getProfile?actor=hollowoak.example",
        f"{FEED}?actor=tidewater.example&limit=100",
        f"{FEED}?actor=lanternlane.example&limit=30&includePins=true",
        "/api/v1/accounts/lookup?acct=tidewater@social.example",
    ]
    week = {"date": WEEK, "period": "day", "flat": "1"}
    with ask_anew(seed) as one, ask_anew(seed) as other:
        other.now = SETTLED
        other.bluesky_feed("tidewater.example")  # a look into the future must leave no trace
        other.now = one.now
        assert one.matomo("Referrers.getCampaigns", **week) == other.matomo("Referrers.getCampaigns", **week)
        others = [other.http.get(path).content for path in reversed(paths)]
        assert [one.http.get(path).content for path in paths] == others[::-1]


@pytest.mark.parametrize("limit", [7, 100])
def test_bluesky_pages_hold_every_post_once(asked, limit: int) -> None:
    feed = asked.bluesky_feed("hollowoak.example", limit=limit)
    there = asked.model.timeline("hollow-oak-bakery", "bluesky", asked.now)
    assert len(feed) == len(there)
    own = [item["post"]["uri"] for item in feed if "reason" not in item]
    assert len(own) == len(set(own)) == sum(not entry.repost for entry in there)
    times = [item.get("reason", item["post"])["indexedAt"] for item in feed]
    assert all(one >= other for one, other in pairwise(times))


@pytest.mark.parametrize("limit", [6, 40])
def test_mastodon_pages_hold_every_status_once(asked, limit: int) -> None:
    statuses = asked.mastodon_statuses("hollowoak@social.example", limit=limit)
    there = asked.model.timeline("hollow-oak-bakery", "mastodon", asked.now)
    ids = [int(status["id"]) for status in statuses]
    assert len(ids) == len(set(ids)) == len(there)
    assert ids == sorted(ids, reverse=True)


def test_mastodon_filters_and_the_way_back(asked) -> None:
    every = asked.mastodon_statuses("tidewater")
    assert any(status["reblog"] for status in every)
    own = asked.mastodon_statuses("tidewater", exclude_reblogs="true", exclude_replies="true")
    assert own
    assert not any(status["reblog"] or status["in_reply_to_id"] for status in own)
    id_ = every[0]["account"]["id"]
    newer = asked.get(f"/api/v1/accounts/{id_}/statuses", min_id=every[30]["id"], limit=10)
    assert [status["id"] for status in newer] == [status["id"] for status in every[20:30]]
    newest = asked.get(f"/api/v1/accounts/{id_}/statuses", since_id=every[30]["id"], limit=10)
    assert [status["id"] for status in newest] == [status["id"] for status in every[:10]]
    assert len(asked.get(f"/api/v1/accounts/{id_}/statuses", limit=500)) == 40


def test_bluesky_filters_and_the_pinned_post(asked) -> None:
    plain = asked.bluesky_feed("hollowoak.example", filter="posts_no_replies")
    assert not any("reply" in item["post"]["record"] for item in plain)
    media = asked.bluesky_feed("hollowoak.example", filter="posts_with_media")
    assert media
    assert all(item["post"]["embed"]["images"] for item in media)
    profile = asked.get("/xrpc/app.bsky.actor.getProfile", actor="hollowoak.example")
    first = asked.get(FEED, actor=profile["did"], limit=5, includePins="true")["feed"][0]
    assert first["reason"] == {"$type": "app.bsky.feed.defs#reasonPin"}
    assert first["post"]["uri"] == profile["pinnedPost"]["uri"]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_a_settled_week_says_the_truth(asked, profile) -> None:
    asked.now = SETTLED
    truth = asked.get(f"/_truth/{profile.key}/{MONDAY}")
    site, days = profile.site_id, {"period": "day", "date": WEEK}

    summary = asked.matomo("VisitsSummary.get", site=site, **days)
    assert sum(day["nb_visits"] for day in summary.values()) == truth["visits"]
    assert sum(day["nb_actions"] for day in summary.values()) == truth["actions"]
    assert sum(day["bounce_count"] for day in summary.values()) == truth["bounces"]
    week = asked.matomo("VisitsSummary.get", site=site, period="week", date=MONDAY)
    assert week["nb_uniq_visitors"] == truth["unique_visitors"]
    assert truth["unique_visitors"] < sum(day["nb_uniq_visitors"] for day in summary.values())

    types = asked.matomo("Referrers.getReferrerType", site=site, period="range", date=WEEK)
    assert sum(row["nb_visits"] for row in types) == truth["visits"]
    assert {row["nb_visits"] for row in types} == set(truth["channels"].values())
    campaigns = asked.matomo("Referrers.getCampaigns", site=site, period="week", date=MONDAY, filter_limit=-1)
    said = {row["label"]: row["nb_visits"] for row in campaigns}
    assert said == {name: sum(keywords.values()) for name, keywords in truth["campaigns"].items()}

    timeline = asked.bluesky_feed(profile.accounts[0].person.handle)
    own = [
        item["post"]
        for item in timeline
        if "reason" not in item
        and "reply" not in item["post"]["record"]
        and in_week(item["post"]["record"]["createdAt"], str(profile.zone))
    ]
    assert len(own) == truth["posts"]["bluesky"]
    for kind in ("like", "repost", "quote", "bookmark"):
        assert sum(post[f"{kind}Count"] for post in own) == truth["reactions"]["bluesky"][f"{kind}s"]
    assert sum(post["replyCount"] for post in own) == truth["replies_received"]["bluesky"]


def test_a_settled_week_of_mastodon_says_the_truth(asked) -> None:
    asked.now = SETTLED
    truth = asked.get(f"/_truth/tidewater-cycles/{MONDAY}")
    week = [s for s in asked.mastodon_statuses("tidewater") if in_week(s["created_at"], "Europe/Dublin")]
    own = [status for status in week if not status["reblog"] and not status["in_reply_to_id"]]
    assert len(own) == truth["posts"]["mastodon"]
    assert sum(status["favourites_count"] for status in own) == truth["reactions"]["mastodon"]["likes"]
    assert sum(status["reblogs_count"] for status in own) == truth["reactions"]["mastodon"]["reposts"]
    assert sum(status["replies_count"] for status in own) == truth["replies_received"]["mastodon"]
    assert sum(s["in_reply_to_id"] is not None for s in week) == truth["replies_written"]["mastodon"]


def test_some_statuses_do_not_tell_how_often_they_were_quoted(asked) -> None:
    told = {"quotes_count" in status for status in asked.mastodon_statuses("hollowoak")}
    assert told == {True, False}


def test_threads_hold_the_replies_that_are_counted(asked) -> None:
    feed = asked.bluesky_feed("tidewater.example", filter="posts_no_replies")
    busiest = max((item["post"] for item in feed), key=lambda post: post["replyCount"])
    thread = asked.get("/xrpc/app.bsky.feed.getPostThread", uri=busiest["uri"])["thread"]
    assert len(thread["replies"]) == busiest["replyCount"] > 0
    answers = [answer for reply in thread["replies"] for answer in reply["replies"]]
    assert answers
    assert {answer["post"]["author"]["handle"] for answer in answers} == {"tidewater.example"}
    assert all(answer["post"]["record"]["reply"]["root"]["uri"] == busiest["uri"] for answer in answers)

    statuses = asked.mastodon_statuses("tidewater", exclude_reblogs="true")
    busiest = max(statuses, key=lambda status: status["replies_count"])
    context = asked.get(f"/api/v1/statuses/{busiest['id']}/context")
    direct = [status for status in context["descendants"] if status["in_reply_to_id"] == busiest["id"]]
    assert len(direct) == busiest["replies_count"] > 0
    answer = next(status for status in context["descendants"] if status["account"]["username"] == "tidewater")
    above = asked.get(f"/api/v1/statuses/{answer['id']}/context")["ancestors"]
    assert [status["id"] for status in above] == [busiest["id"], answer["in_reply_to_id"]]


def test_links_and_hashtags_can_be_read_back(asked) -> None:
    feed = asked.bluesky_feed("hollowoak.example", filter="posts_no_replies")
    records = [item["post"]["record"] for item in feed if "facets" in item["post"]["record"]]
    for record in records:
        for facet in record["facets"]:
            span = record["text"].encode()[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
            (feature,) = facet["features"]
            assert span == f"#{feature['tag']}" if "tag" in feature else feature["uri"].startswith(f"https://{span}")
    tagged = [s for s in asked.mastodon_statuses("hollowoak") if {"winterloaf"} == {tag["name"] for tag in s["tags"]}]
    links = [link for status in tagged for link in re.findall(r'href="(https://hollowoak[^"]+)"', status["content"])]
    assert links
    assert all("utm_campaign=winter-loaf&amp;utm_source=mastodon" in link for link in links)


def test_a_day_of_the_web_is_revised(asked) -> None:
    sunday = {"period": "day", "date": "2026-11-15"}
    asked.now = dt.datetime(2026, 11, 16, 6, tzinfo=dt.UTC)
    first = asked.matomo("VisitsSummary.get", **sunday)["nb_visits"]
    asked.now = SETTLED
    assert first < asked.matomo("VisitsSummary.get", **sunday)["nb_visits"]


def test_days_without_data_are_empty_lists(asked) -> None:
    tomorrow = (asked.now + dt.timedelta(days=1)).date()
    days = asked.matomo("VisitsSummary.get", period="day", date=f"{ANCHOR},{tomorrow}")
    assert days[ANCHOR.isoformat()]["nb_visits"] > 0
    assert days[tomorrow.isoformat()] == []
    assert asked.matomo("Referrers.getCampaigns", period="day", date=tomorrow) == []


def test_campaign_tables(asked) -> None:
    asked.now = SETTLED
    week = {"period": "week", "date": MONDAY}
    rows = {row["label"]: row for row in asked.matomo("Referrers.getCampaigns", **week)}
    flat = {row["label"]: row["nb_visits"] for row in asked.matomo("Referrers.getCampaigns", flat=1, **week)}
    loaf = rows["winter-loaf"]
    keywords = {label: visits for label, visits in flat.items() if label.startswith("winter-loaf - ")}
    assert {"winter-loaf - poster-market", "winter-loaf - newsletter", "winter-loaf - bake-along"} <= keywords.keys()
    assert sum(keywords.values()) < loaf["nb_visits"]  # visits without a keyword are in no subtable
    assert "idsubdatatable" not in rows["bread-club"]
    assert flat["bread-club"] == rows["bread-club"]["nb_visits"]
    below = asked.matomo("Referrers.getKeywordsFromCampaignId", idSubtable=loaf["idsubdatatable"], **week)
    assert {f"winter-loaf - {row['label']}": row["nb_visits"] for row in below} == keywords
    expanded = asked.matomo("Referrers.getCampaigns", expanded=1, **week)
    assert next(row for row in expanded if row["label"] == "winter-loaf")["subtable"] == below
    assert len(asked.matomo("Referrers.getCampaigns", flat=1, filter_limit=2, **week)) == 2
    every = asked.matomo("Referrers.getCampaigns", flat=1, filter_limit=-1, **week)
    assert asked.matomo("Referrers.getCampaigns", flat=1, filter_limit=-1, filter_offset=2, **week) == every[2:]


def test_matomo_says_no_in_its_own_ways(asked) -> None:
    assert asked.matomo("Nope.get")["result"] == "error"
    assert "does not exist" in asked.matomo("VisitsSummary.nope")["message"]
    assert "not supported" in asked.matomo("VisitsSummary.get", period="dayz", date="today")["message"]
    assert "Date format" in asked.matomo("VisitsSummary.get", period="day", date="the other day")["message"]
    assert asked.matomo("SitesManager.getSiteFromId", site=9)["result"] == "error"
    wrong = asked.http.post(
        "/index.php", data={"module": "API", "method": "API.getMatomoVersion", "token_auth": "wrong"}
    )
    assert (wrong.status_code, wrong.headers["content-type"]) == (401, "text/html; charset=utf-8")
    nobody = asked.http.post("/index.php", data={"module": "API", "method": "VisitsSummary.get", "idSite": "1"})
    assert (nobody.status_code, nobody.json()["result"]) == (401, "error")
    assert asked.matomo("API.getMatomoVersion") == {"value": "5.0.2"}


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/xrpc/app.bsky.actor.getProfile?actor=nobody.example", 400, "InvalidRequest"),
        (f"{FEED}?actor=nobody.example", 400, "InvalidRequest"),
        (f"{FEED}?actor=hollowoak.example&limit=101", 400, "InvalidRequest"),
        (f"{FEED}?actor=hollowoak.example&limit=0", 400, "InvalidRequest"),
        (f"{FEED}?actor=hollowoak.example&limit=many", 400, "InvalidRequest"),
        (f"{FEED}?actor=hollowoak.example&cursor=nonsense", 400, "InvalidRequest"),
        ("/xrpc/app.bsky.feed.getPostThread?uri=at://x/y/z", 400, "NotFound"),
        ("/api/v1/accounts/lookup?acct=nobody", 404, "Record not found"),
        ("/api/v1/accounts/12/statuses", 404, "Record not found"),
        ("/api/v1/statuses/12/context", 404, "Record not found"),
    ],
)
def test_what_is_not_there(asked, path: str, status: int, error: str) -> None:
    answer = asked.http.get(path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_rate_limits_are_told(asked) -> None:
    bluesky = asked.http.get("/xrpc/app.bsky.actor.getProfile?actor=hollowoak.example").headers
    assert int(bluesky["ratelimit-reset"]) > asked.now.timestamp()
    assert int(bluesky["ratelimit-remaining"]) < int(bluesky["ratelimit-limit"])
    mastodon = asked.http.get("/api/v1/accounts/lookup?acct=hollowoak").headers
    assert dt.datetime.fromisoformat(mastodon["x-ratelimit-reset"]) > asked.now
    assert int(mastodon["x-ratelimit-remaining"]) < int(mastodon["x-ratelimit-limit"])


def test_the_sandboxs_own_doors(asked) -> None:
    assert asked.get("/_health") == {"status": "ok", "seed": 46, "anchor": "2026-11-16"}
    assert asked.http.get(f"/_truth/nobody/{MONDAY}").status_code == 404
    assert asked.http.get("/_truth/lantern-lane/soon").status_code == 404
