"""The sandbox speaks as the recorded servers did: every key it sends was seen there, with a value of the same type.

A dictionary is known by the key it hangs on (`post`, `author`, `subtable` ...), so that one recorded post tells the
shape of every post.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from widerview.sandbox import MATOMO_TOKEN, bluesky, mastodon, matomo
from widerview.sandbox.answer import Answer, Call, Handler
from widerview.sandbox.model import Simulation

MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
WEEK = "2026-11-09"
Shape = set[tuple[str, str, str]]


def shape(value: Any, under: str = "") -> Shape:
    """(where, key, type) of every key in it; dates and periods as keys count as one."""
    if isinstance(value, list):
        return {found for part in value for found in shape(part, under)}
    if not isinstance(value, dict):
        return set()
    found: Shape = set()
    for key, part in value.items():
        name = re.sub(r"\d{4}-\d\d-\d\d", "<date>", key)
        found |= {(under, name, type(part).__name__)} | shape(part, under if name == "<date>" else name)
    return found


def asked(handler: Handler, **params: str) -> Answer:
    return handler(MODEL, Call(params=params, now=NOW))


def content(handler: Handler, **params: str) -> Any:
    return json.loads(asked(handler, **params).body)


def snapshots(path: Path) -> Iterator[Any]:
    """The objects of a Jest snapshot: JSON but for the commas at the ends."""
    for block in re.findall(r"= `\n(.*?)\n`;", path.read_text(), re.DOTALL):
        if block.startswith(("[", "{")):
            yield json.loads(re.sub(r",(\s*[\]}])", r"\1", block.replace("undefined", "null")))


@pytest.fixture(scope="module")
def bluesky_shape(shared: Path) -> Shape:
    """Of a local network's answers, and of the snapshots in the AppView's own tests (a feed there is a bare list)."""
    folder = shared / "recordings" / "bluesky"
    found: Shape = set()
    for name in ("getProfile", "getAuthorFeed.p1", "getAuthorFeed.p2", "getPostThread"):
        found |= shape(json.loads((folder / "local-dev-env" / f"{name}.json").read_text()))
    for name in ("author-feed", "profile", "thread", "posts"):
        for value in snapshots(folder / "atproto-snapshots" / f"{name}.test.ts.snap"):
            found |= shape(value, "feed" if name == "author-feed" else "") | shape(value, "thread")
    for same in ({"author", "by", "grandparentAuthor"}, {"post", "root", "parent"}):
        found |= {(place, key, type_) for where, key, type_ in found if where in same for place in same}
    return found


# In the lexicons, and in none of the recordings.
BLUESKY_LEXICON: Shape = {
    ("", "pinnedPost", "dict"),
    ("pinnedPost", "uri", "str"),
    ("pinnedPost", "cid", "str"),
    ("features", "uri", "str"),
    ("features", "tag", "str"),
}


@pytest.mark.parametrize("call", ["getProfile", "getAuthorFeed", "getPostThread"])
def test_bluesky(bluesky_shape: Shape, call: str) -> None:
    feed = content(bluesky.get_author_feed, actor="hollowoak.example", limit="100", includePins="true")
    busiest = max((item["post"] for item in feed["feed"]), key=lambda post: post["replyCount"])
    answers = {
        "getProfile": lambda: content(bluesky.get_profile, actor="hollowoak.example"),
        "getAuthorFeed": lambda: feed,
        "getPostThread": lambda: content(bluesky.get_post_thread, uri=busiest["uri"]),
    }
    assert shape(answers[call]()) - bluesky_shape - BLUESKY_LEXICON == set()


@pytest.mark.parametrize(
    ("recording", "handler", "params"),
    [
        ("error_profile_not_found", bluesky.get_profile, {"actor": "nobody.example"}),
        ("error_bad_param", bluesky.get_author_feed, {"actor": "hollowoak.example", "limit": "101"}),
    ],
)
def test_bluesky_errors(shared: Path, recording: str, handler: Handler, params: dict[str, str]) -> None:
    path = shared / "recordings" / "bluesky" / "local-dev-env" / f"{recording}.json"
    answer = asked(handler, **params)
    assert (answer.status, json.loads(answer.body)) == (400, json.loads(path.read_text()))


CASSETTES = (
    "test_accounts",
    "test_fetch_next_previous",
    "test_status_card",
    "test_status_context",
    "test_status_reblog_visibility",
    "test_id_hook_in_reply_to",
    "test_fetch_remaining",
    "test_grouped_notification_pagination",
)


@pytest.fixture(scope="module")
def mastodon_answers(shared: Path) -> list[tuple[dict[str, list[str]], Any]]:
    """Headers and content of what a Mastodon 4.6 answered."""
    tests = shared / "recordings" / "mastodon_Mastodon.py" / "tests"
    paths = [tests / "cassettes" / f"{name}.yaml" for name in CASSETTES]
    paths.append(tests / "cassettes_entity_tests" / "test_entity_mediaattachmentimagemetadata.yaml")
    responses = [
        interaction["response"]
        for path in paths
        for interaction in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["interactions"]
    ]
    return [(one["headers"], json.loads(one["body"]["string"])) for one in responses if one["body"].get("string")]


def test_mastodon(mastodon_answers: list[tuple[dict[str, list[str]], Any]]) -> None:
    recorded: Shape = set().union(*(shape(answer) for _, answer in mastodon_answers))
    # A boosted status, an answered one and a described one are statuses like those at the top.
    recorded |= {
        (place, key, type_) for _, key, type_ in recorded for place in ("", "reblog", "descendants", "ancestors")
    }
    account = content(mastodon.lookup, acct="hollowoak")
    statuses = content(mastodon.statuses, id=account["id"], limit="40")
    busiest = max(statuses, key=lambda status: status["replies_count"])
    for answer in (account, statuses, content(mastodon.context, id=busiest["id"])):
        assert shape(answer) - recorded == set()


def test_mastodon_headers(mastodon_answers: list[tuple[dict[str, list[str]], Any]]) -> None:
    id_ = content(mastodon.lookup, acct="hollowoak")["id"]
    ours = asked(mastodon.statuses, id=id_, limit="5").headers
    theirs = next(headers for headers, _ in mastodon_answers if "link" in headers and "max_id" in headers["link"][0])
    assert ours.keys() <= theirs.keys()

    def plain(text: str) -> str:
        return re.sub(r"https?://[^/]+|\d+", "", text)

    for name in ("link", "x-ratelimit-limit", "x-ratelimit-reset", "content-type"):
        assert plain(ours[name]) == plain(theirs[name][0])


def test_mastodon_errors(shared: Path) -> None:
    folder = shared / "recordings" / "mastodon_Mastodon.py" / "tests" / "cassettes"
    (missing,) = [
        interaction["response"]
        for interaction in yaml.load((folder / "test_timeline_link_fails.yaml").read_text(), Loader=yaml.CSafeLoader)[
            "interactions"
        ]
        if interaction["response"]["status"]["code"] == 404
    ]
    answer = asked(mastodon.account, id="1")
    assert (answer.status, json.loads(answer.body)) == (404, json.loads(missing["body"]["string"]))


FORM = {"module": "API", "idSite": "1", "format": "JSON", "token_auth": MATOMO_TOKEN}
DAYS = {"period": "day", "date": "2026-11-09,2026-11-15"}
WEEKLY = {"period": "week", "date": WEEK}
MATOMO_CALLS = {
    "VisitsSummary.get_day_range": {"method": "VisitsSummary.get", **DAYS},
    "VisitsSummary.get_week": {"method": "VisitsSummary.get", **WEEKLY},
    "VisitsSummary.get_range": {"method": "VisitsSummary.get", "period": "range", "date": DAYS["date"]},
    "VisitsSummary.get_nodata": {"method": "VisitsSummary.get", "period": "day", "date": "2025-09-01,2025-09-03"},
    "Referrers.getReferrerType_week": {"method": "Referrers.getReferrerType", **WEEKLY},
    "Referrers.getSocials_week": {"method": "Referrers.getSocials", **WEEKLY},
    "Referrers.getCampaigns_week": {"method": "Referrers.getCampaigns", **WEEKLY},
    "SitesManager.getSiteFromId": {"method": "SitesManager.getSiteFromId"},
    "API.getMatomoVersion": {"method": "API.getMatomoVersion"},
}


@pytest.mark.parametrize("recording", MATOMO_CALLS)
def test_matomo(shared: Path, recording: str) -> None:
    path = shared / "recordings" / "matomo" / "local-matomo-5.0.2" / f"{recording}.json"
    theirs = json.loads(path.read_text())
    ours = content(matomo.answer, **FORM, **MATOMO_CALLS[recording])
    assert type(ours) is type(theirs)
    # A rounded rate is a whole number now and then.
    recorded = shape(theirs)
    recorded |= {(place, key, "int") for place, key, type_ in recorded if type_ == "float"}
    assert shape(ours) <= recorded
    assert {key for _, key, _ in shape(theirs)} <= {key for _, key, _ in shape(ours)}


@pytest.mark.parametrize(
    ("recording", "form"),
    [
        ("error_bad_method", {"method": "Nope.get"}),
        ("error_bad_period", {"method": "VisitsSummary.get", "period": "dayz", "date": WEEK}),
        ("error_anonymous", {"method": "VisitsSummary.get", "token_auth": ""}),
        ("error_bad_token", {"method": "VisitsSummary.get", "token_auth": "wrong"}),
    ],
)
def test_matomo_errors(shared: Path, recording: str, form: dict[str, str]) -> None:
    path = shared / "recordings" / "matomo" / "local-matomo-5.0.2" / f"{recording}.headers"
    first, *lines = path.read_text().splitlines()
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
    answer = asked(matomo.answer, **FORM | form)
    assert answer.status == int(first.split()[1])
    assert answer.headers["content-type"] == headers["content-type"]
    body = path.with_suffix(".json").read_text()
    if answer.headers["content-type"].startswith("application/json"):
        assert json.loads(answer.body) == json.loads(body)
    else:
        (message,) = re.findall(r"<h2>.*?</h2>", body)
        assert message in answer.body.decode()
