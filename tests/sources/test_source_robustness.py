"""Every source against damaged answers: rows or `BadAnswer`, never anything else."""

import datetime as dt
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damaged import JSON, places, replaced
from widerview.sources.base import DayRow, RawPage, Request, Target
from widerview.sources.errors import BadAnswer
from widerview.sources.registry import source

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
REFS = {"bluesky": "meadow.example", "mastodon": "@meadow@social.example", "matomo": "7"}
ACCOUNT = {"id": "1", "acct": "meadow", "url": "https://social.example/@meadow", "followers_count": 5}
WHOLE = {
    ("bluesky", "account"): {"did": "did:plc:m", "handle": "meadow.example", "displayName": "M", "postsCount": 2},
    ("bluesky", "posts"): {
        "cursor": "c",
        "feed": [
            {
                "post": {
                    "uri": "at://did:plc:m/app.bsky.feed.post/1",
                    "author": {"did": "did:plc:m", "handle": "meadow.example"},
                    "record": {
                        "text": "hello #bread",
                        "createdAt": "2026-11-12T09:00:00Z",
                        "tags": ["a"],
                        "facets": [{"index": {"byteStart": 6}, "features": [{"tag": "bread"}, {"uri": "https://a"}]}],
                        "embed": {
                            "$type": "app.bsky.embed.recordWithMedia",
                            "record": {"record": {"uri": "at://x/app.bsky.feed.post/2"}},
                            "media": {"$type": "app.bsky.embed.external", "external": {"uri": "https://b"}},
                        },
                        "reply": {
                            "root": {"uri": "at://x/app.bsky.feed.post/3"},
                            "parent": {"uri": "at://x/app.bsky.feed.post/3"},
                        },
                    },
                    "indexedAt": "2026-11-12T09:00:01Z",
                    "likeCount": 3,
                },
                "reason": {"$type": "app.bsky.feed.defs#reasonPin"},
            }
        ],
    },
    ("mastodon", "account"): ACCOUNT,
    ("mastodon", "posts"): [
        {
            "id": "9",
            "uri": "https://social.example/9",
            "url": None,
            "account": ACCOUNT,
            "created_at": "2026-11-12T09:00:00Z",
            "content": '<p>hello <a href="https://a">a</a></p>',
            "tags": [{"name": "bread"}],
            "media_attachments": [{"type": "image"}],
            "card": {"url": "https://b"},
            "poll": {"id": "1"},
            "favourites_count": 3,
        }
    ],
    ("matomo", "visits"): {"2026-11-09": {"nb_visits": 3, "nb_actions": "5"}, "2026-11-10": []},
    ("matomo", "channels"): {"2026-11-09": [{"nb_visits": 3, "referrer_type": 6, "segment": "x"}]},
    ("matomo", "campaigns"): {
        "2026-11-09": [{"nb_visits": 3, "label": "autumn", "subtable": [{"nb_visits": 2, "label": "poster"}]}]
    },
    ("matomo", "networks"): {"2026-11-09": [{"nb_visits": 3, "label": "Bluesky"}]},
}


def parse(name, stream, body):
    target = Target(client_id="meadow", source=name, ref=REFS[name], time_zone="Europe/Berlin")
    page = RawPage(
        stream=stream,
        request=Request("GET", "https://server.example/api", {}),
        status=200,
        headers={"content-type": "application/json"},
        fetched_at=NOW,
        body=body,
    )
    return list(source(name).parse(target, page))


@pytest.mark.parametrize(("name", "stream"), WHOLE)
def test_the_whole_answer_gives_rows(name, stream):
    assert parse(name, stream, json.dumps(WHOLE[name, stream]).encode())


@pytest.mark.parametrize(("name", "stream"), WHOLE)
def test_an_answer_cut_at_any_byte_is_bad(name, stream):
    body = json.dumps(WHOLE[name, stream]).encode()
    for end in range(len(body)):
        with pytest.raises(BadAnswer):
            parse(name, stream, body[:end])


@pytest.mark.parametrize(("name", "stream"), WHOLE)
@settings(max_examples=150)
@given(data=st.data())
def test_anything_in_any_place_gives_sound_rows_or_is_bad(name, stream, data):
    whole = WHOLE[name, stream]
    path = data.draw(st.sampled_from(list(places(whole))), label="path")
    body = json.dumps(replaced(whole, path, data.draw(JSON, label="value"))).encode()
    try:
        rows = parse(name, stream, body)
    except BadAnswer:
        return
    assert b"\\u0000" not in msgspec.json.encode(rows)
    for row in rows:
        values = [row.value] if isinstance(row, DayRow) else row.counts.values()
        assert all(value is None or -(2**63) <= value < 2**63 for value in values)
        published = getattr(row, "published_at", None)
        assert published is None or published.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(("name", "stream"), WHOLE)
@given(data=st.data())
def test_any_bytes_give_rows_or_are_bad(name, stream, data):
    body = bytearray(json.dumps(WHOLE[name, stream]).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    try:
        parse(name, stream, bytes(body))
    except BadAnswer as error:
        assert stream in str(error)


@given(st.permutations(range(4)))
def test_the_order_of_posts_changes_nothing_but_the_order_of_rows(order):
    [post] = WHOLE["mastodon", "posts"]
    posts = [post | {"uri": f"https://social.example/{number}"} for number in range(4)]
    in_order = parse("mastodon", "posts", json.dumps(posts).encode())
    shuffled = parse("mastodon", "posts", json.dumps([posts[number] for number in order]).encode())

    def unstamped(rows):
        return {msgspec.json.encode(msgspec.structs.replace(row, receipt="")) for row in rows}

    assert unstamped(shuffled) == unstamped(in_order)
    assert len(shuffled) == len(in_order)
