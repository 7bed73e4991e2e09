"""Each fault does what its name says, on the routes it was switched on for, as often as it was told."""

import datetime as dt
import json

import httpx
import pytest

from widerview.sandbox.faults import Injection

PROFILE = "/xrpc/app.bsky.actor.getProfile?actor=hollowoak.example"
FEED = "/xrpc/app.bsky.feed.getAuthorFeed?actor=hollowoak.example&limit=20"


def test_a_fault_comes_when_told_and_goes(asked) -> None:
    good = asked.http.get(PROFILE).content
    injection = {"route": "bluesky.*", "fault": "error_503", "times": 2, "skip": 1}
    listed = asked.http.post("/_faults", json=injection)
    assert listed.json()[0]["fault"] == "error_503"
    assert [asked.http.get(PROFILE).status_code for _ in range(4)] == [200, 503, 503, 200]
    asked.http.post("/_faults", json={"route": "bluesky.getProfile", "fault": "error_500"})
    assert asked.http.get(PROFILE).status_code == 500
    assert asked.http.get(FEED).status_code == 200
    assert asked.http.get("/api/v1/accounts/lookup?acct=hollowoak").status_code == 200
    assert asked.http.delete("/_faults").json() == []
    assert asked.http.get(PROFILE).content == good


@pytest.mark.parametrize(
    "body", [{"route": "*", "fault": "gremlins"}, {"fault": "error_500"}, {"route": "*", "fault": "slow", "much": 1}]
)
def test_a_fault_that_is_none_is_refused(asked, body: dict[str, object]) -> None:
    assert asked.http.post("/_faults", json=body).status_code == 400
    assert asked.http.get("/_faults").json() == []


def test_one_method_of_matomo_can_fail_alone(asked) -> None:
    asked.faults.inject(Injection(route="matomo.VisitsSummary.get", fault="html_page"))
    form = {"module": "API", "method": "VisitsSummary.get"}
    assert asked.http.post("/index.php", data=form).headers["content-type"].startswith("text/html")
    assert asked.matomo("API.getMatomoVersion") == {"value": "5.0.2"}


def test_rate_limited(asked) -> None:
    asked.faults.inject(Injection(route="*", fault="rate_limited", seconds=7))
    answer = asked.http.get(PROFILE)
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["ratelimit-remaining"]) == (429, "7", "0")
    assert int(answer.headers["ratelimit-reset"]) == int(asked.now.timestamp()) + 7
    assert dt.datetime.fromisoformat(answer.headers["x-ratelimit-reset"]) == asked.now + dt.timedelta(seconds=7)


def test_bodies_that_are_no_json(asked) -> None:
    for fault in ("html_page", "cut_json", "empty"):
        asked.faults.clear()
        asked.faults.inject(Injection(route="*", fault=fault))
        answer = asked.http.get(PROFILE)
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.content)


def test_a_cursor_loop_never_ends(asked) -> None:
    asked.faults.inject(Injection(route="*", fault="cursor_loop"))
    cursors, pages = set(), set()
    url = FEED
    for _ in range(4):
        answer = asked.http.get(url)
        cursors.add(answer.json()["cursor"])
        pages.add(answer.content)
        url = f"{FEED}&cursor={answer.json()['cursor']}"
    assert len(cursors) == len(pages) == 1

    id_ = asked.http.get("/api/v1/accounts/lookup?acct=hollowoak").json()["id"]
    first = asked.http.get(f"/api/v1/accounts/{id_}/statuses")
    again = asked.http.get(first.links["next"]["url"])
    assert again.content == first.content
    assert again.links["next"] == first.links["next"]


def test_a_duplicate_page_comes_once_and_the_rest_follows(asked) -> None:
    first = asked.http.get(FEED).json()
    second = asked.http.get(f"{FEED}&cursor={first['cursor']}").json()
    asked.faults.inject(Injection(route="bluesky.getAuthorFeed", fault="duplicate_page", times=1))
    spoilt = asked.http.get(f"{FEED}&cursor={first['cursor']}").json()
    assert spoilt == {"feed": first["feed"], "cursor": second["cursor"]}

    id_ = asked.http.get("/api/v1/accounts/lookup?acct=hollowoak").json()["id"]
    first = asked.http.get(f"/api/v1/accounts/{id_}/statuses")
    second = asked.http.get(first.links["next"]["url"])
    asked.faults.inject(Injection(route="mastodon.statuses", fault="duplicate_page"))
    spoilt = asked.http.get(first.links["next"]["url"])
    assert spoilt.content == first.content
    assert spoilt.links["next"] == second.links["next"]


def test_numbers_as_text(asked) -> None:
    asked.faults.inject(Injection(route="matomo.*", fault="numbers_as_text"))
    day = asked.matomo("VisitsSummary.get", period="day", date="2026-11-09")
    assert day["nb_visits"].isdecimal()
    assert day["bounce_rate"].endswith("%")


def test_a_dropped_connection(asked) -> None:
    asked.faults.inject(Injection(route="*", fault="dropped", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        asked.http.get(PROFILE)
    assert asked.http.get(PROFILE).status_code == 200


def test_a_slow_answer(asked) -> None:
    asked.faults.inject(Injection(route="*", fault="slow", seconds=0.5, times=2))
    with pytest.raises(httpx.ReadTimeout):
        asked.http.get(PROFILE, timeout=0.1)
    assert asked.http.get(PROFILE).elapsed >= dt.timedelta(seconds=0.5)
