"""The sandbox's Bluesky: the public AppView's answers, made from the model.

Shapes follow AppView answers recorded in November 2026. No token is needed, as on the public AppView.
"""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Account, Entry, Person, Post, Profile, Simulation

_TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_RATE_LIMIT = 3000
_RATE_WINDOW = 300
_CDN = "https://cdn.sandbox.example/img"
_ASSOCIATED = {"activitySubscription": {"allowSubscriptions": "followers"}}

Json = dict[str, Any]


def get_profile(model: Simulation, call: Call) -> Answer:
    """`app.bsky.actor.getProfile`: who the account is, its followers and number of posts."""
    found = _find_account(model, call.params.get("actor", ""))
    if found is None:
        return _error("InvalidRequest", "Profile not found")
    profile, account = found
    timeline = model.timeline(profile.key, "bluesky", call.now)
    pinned = model.pinned(profile.key, "bluesky")
    return _ok(
        call,
        {
            **_author(model, account.person),
            "description": profile.about,
            "indexedAt": _time(_joined(model)),
            "associated": {"lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": False, **_ASSOCIATED},
            "followersCount": model.followers(profile.key, account, call.now),
            "followsCount": 180 + 7 * profile.site_id,
            "postsCount": account.earlier_posts + sum(not entry.repost for entry in timeline),
            "pinnedPost": {"uri": _uri(pinned), "cid": _cid(pinned)},
        },
    )


def get_author_feed(model: Simulation, call: Call) -> Answer:
    """`app.bsky.feed.getAuthorFeed`: posts, answers and reposts, newest first, in pages."""
    found = _find_account(model, call.params.get("actor", ""))
    if found is None:
        return _error("InvalidRequest", "Profile not found")
    profile, _ = found
    try:
        limit = _bounded(call.params.get("limit", "50"), "limit", 1, 100)
        before = _read_cursor(call.params.get("cursor"))
    except ValueError as error:
        return _error("InvalidRequest", f"Error: {error}")
    pinned = model.pinned(profile.key, "bluesky")
    pins = call.params.get("includePins") == "true" and before is None
    shown = _FILTERS.get(call.params.get("filter", ""), _FILTERS["posts_with_replies"])
    entries = [entry for entry in model.timeline(profile.key, "bluesky", call.now) if shown(entry)]
    entries = sorted(entries, key=_place, reverse=True)
    page = [entry for entry in entries if before is None or _place(entry) < before][:limit]
    feed = [_feed_item(model, call, profile, entry) for entry in page if not (pins and entry.post.key == pinned.key)]
    if pins:
        feed.insert(0, {"post": _post(model, pinned, call.now), "reason": {"$type": "app.bsky.feed.defs#reasonPin"}})
    cursor = {"cursor": "{}__{}".format(*_place(page[-1]))} if page else {}
    return _ok(call, {"feed": feed, **cursor})


def get_post_thread(model: Simulation, call: Call) -> Answer:
    """`app.bsky.feed.getPostThread`: a post of a client with the answers under it."""
    uri = call.params.get("uri", "")
    try:
        depth = _bounded(call.params.get("depth", "6"), "depth", 0, 1000)
    except ValueError as error:
        return _error("InvalidRequest", f"Error: {error}")
    for profile, _ in model.accounts("bluesky"):
        for entry in model.timeline(profile.key, "bluesky", call.now):
            if _uri(entry.post) == uri:
                thread = _thread(model, entry.post, call.now, depth)
                if entry.post.parent:
                    thread["parent"] = _thread(model, entry.post.parent, call.now, 0)
                return _ok(call, {"thread": thread})
    return _error("NotFound", f"Post not found: {uri}")


_FILTERS: dict[str, Callable[[Entry], bool]] = {
    "posts_with_replies": lambda entry: True,
    "posts_no_replies": lambda entry: entry.post.parent is None,
    "posts_with_media": lambda entry: entry.post.image is not None and not entry.repost,
    "posts_and_author_threads": lambda entry: entry.post.parent is None,
    "posts_with_video": lambda entry: False,
}


def _bounded(text: str, name: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{name} must be an integer") from None
    if value < low:
        raise ValueError(f"{name} can not be less than {low}")
    if value > high:
        raise ValueError(f"{name} can not be greater than {high}")
    return value


def _read_cursor(text: str | None) -> tuple[int, str] | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+)__(\w+)", text)
    if match is None:
        raise ValueError("Malformed cursor")
    return int(match[1]), match[2]


def _ok(call: Call, content: Json) -> Answer:
    window_ends = (int(call.now.timestamp()) // _RATE_WINDOW + 1) * _RATE_WINDOW
    return json_answer(
        content,
        headers={
            "ratelimit-limit": str(_RATE_LIMIT),
            "ratelimit-remaining": str(_RATE_LIMIT - 1),
            "ratelimit-reset": str(window_ends),
            "ratelimit-policy": f"{_RATE_LIMIT};w={_RATE_WINDOW}",
        },
    )


def _error(error: str, message: str) -> Answer:
    return json_answer({"error": error, "message": message}, status=400)


def _find_account(model: Simulation, actor: str) -> tuple[Profile, Account] | None:
    accounts = model.accounts("bluesky")
    return next((found for found in accounts if actor.lower() in {found[1].person.handle, did(found[1].person)}), None)


def _place(entry: Entry) -> tuple[int, str]:
    """Where an entry stands in the feed; a repost stands at its own time, under an id of its own."""
    return _milliseconds(entry.at), _hash_id(f"repost of {entry.post.key}") if entry.repost else _cid(entry.post)


def _feed_item(model: Simulation, call: Call, profile: Profile, entry: Entry) -> Json:
    item: Json = {"post": _post(model, entry.post, call.now)}
    parent = entry.post.parent
    if parent:
        item["reply"] = {
            name: {"$type": "app.bsky.feed.defs#postView", **_post(model, post, call.now)}
            for name, post in (("root", parent.root), ("parent", parent))
        }
        if parent.parent:
            item["reply"]["grandparentAuthor"] = _author(model, parent.parent.author)
    if entry.repost:
        by = next(account.person for account in profile.accounts if account.person.platform == "bluesky")
        item["reason"] = {
            "$type": "app.bsky.feed.defs#reasonRepost",
            "by": _author(model, by),
            "uri": f"at://{did(by)}/app.bsky.feed.repost/{_tid(entry.at, entry.post.key)}",
            "cid": _hash_id(f"repost of {entry.post.key}"),
            "indexedAt": _time(entry.at),
        }
    return item


def _thread(model: Simulation, post: Post, now: dt.datetime, depth: int) -> Json:
    thread: Json = {"$type": "app.bsky.feed.defs#threadViewPost", "post": _post(model, post, now)}
    if depth:
        thread["replies"] = [_thread(model, reply, now, depth - 1) for reply in model.replies(post, now)]
    return thread | {"threadContext": {}}


def _post(model: Simulation, post: Post, now: dt.datetime) -> Json:
    view: Json = {
        "uri": _uri(post),
        "cid": _cid(post),
        "author": _author(model, post.author),
        "record": _record(post),
        "bookmarkCount": post.count("bookmarks", now),
        "replyCount": len(model.replies(post, now)),
        "repostCount": post.count("reposts", now),
        "likeCount": post.count("likes", now),
        "quoteCount": post.count("quotes", now),
        "indexedAt": _time(post.at),
        "labels": [],
    }
    if post.image:
        where = f"plain/{did(post.author)}/{_hash_id(post.image)}"
        image = {
            "thumb": f"{_CDN}/feed_thumbnail/{where}",
            "fullsize": f"{_CDN}/feed_fullsize/{where}",
            "alt": post.image,
        }
        view["embed"] = {"$type": "app.bsky.embed.images#view", "images": [image]}
    elif post.link:
        view["embed"] = {"$type": "app.bsky.embed.external#view", "external": _card(post)}
    return view


def _record(post: Post) -> Json:
    text = _text(post)
    record: Json = {"$type": "app.bsky.feed.post", "createdAt": _time(post.at), "text": text, "langs": ["en"]}
    if facets := _facets(text, post.link):
        record["facets"] = facets
    if post.image:
        blob = {
            "$type": "blob",
            "ref": {"$link": _hash_id(post.image)},
            "mimeType": "image/jpeg",
            "size": 60_000 + 997 * len(post.image),
        }
        record["embed"] = {"$type": "app.bsky.embed.images", "images": [{"alt": post.image, "image": blob}]}
    elif post.link:
        record["embed"] = {"$type": "app.bsky.embed.external", "external": _card(post)}
    if post.parent:
        refs = (("root", post.root), ("parent", post.parent))
        record["reply"] = {name: {"uri": _uri(other), "cid": _cid(other)} for name, other in refs}
    return record


def _text(post: Post) -> str:
    """The words as people see them: a link is shown short, and the facet holds the whole."""
    return f"{post.text} {_short(post.link)}" if post.link else post.text


def _short(link: str) -> str:
    return link.removeprefix("https://").split("?")[0]


def _facets(text: str, link: str | None) -> list[Json]:
    """Rich text: byte ranges of the hashtags and of the link."""
    spans = [
        (m.start(), m.end(), {"$type": "app.bsky.richtext.facet#tag", "tag": m[1]})
        for m in re.finditer(r"#(\w+)", text)
    ]
    if link:
        feature = {"$type": "app.bsky.richtext.facet#link", "uri": link}
        spans.append((len(text) - len(_short(link)), len(text), feature))
    return [
        {"index": {"byteStart": len(text[:start].encode()), "byteEnd": len(text[:end].encode())}, "features": [feature]}
        for start, end, feature in spans
    ]


def _card(post: Post) -> Mapping[str, str]:
    return {"uri": post.link or "", "title": f"{post.author.name}: read on", "description": post.text[:80]}


def _author(model: Simulation, person: Person) -> Json:
    return {
        "did": did(person),
        "handle": person.handle,
        "displayName": person.name,
        "avatar": f"{_CDN}/avatar/plain/{did(person)}/{_hash_id(person.name)}",
        "associated": _ASSOCIATED,
        "labels": [],
        "createdAt": _time(_joined(model)),
    }


def _joined(model: Simulation) -> dt.datetime:
    return dt.datetime.combine(model.first_day - dt.timedelta(days=400), dt.time(9), dt.UTC)


def did(person: Person) -> str:
    """The id that stays when somebody's handle changes."""
    return "did:plc:" + _base32(hashlib.sha256(person.handle.encode()).digest())[:24]


def _uri(post: Post) -> str:
    return f"at://{did(post.author)}/app.bsky.feed.post/{_tid(post.at, post.key)}"


def _cid(post: Post) -> str:
    return _hash_id(post.key)


def _hash_id(text: str) -> str:
    """A well-formed CIDv1 (dag-cbor, sha2-256)."""
    return "b" + _base32(b"\x01\x71\x12\x20" + hashlib.sha256(text.encode()).digest())


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _tid(at: dt.datetime, key: str) -> str:
    """A record key: microseconds and a clock id of ten bits, in thirteen sortable characters."""
    clock = hashlib.sha256(key.encode()).digest()
    number = (_milliseconds(at) * 1000 + clock[0]) << 10 | clock[1] << 2 | clock[2] & 3
    return "".join(_TID_ALPHABET[number >> shift & 31] for shift in range(60, -5, -5))


def _milliseconds(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/xrpc/app.bsky.actor.getProfile", "bluesky.getProfile", get_profile),
    Route("GET", "/xrpc/app.bsky.feed.getAuthorFeed", "bluesky.getAuthorFeed", get_author_feed),
    Route("GET", "/xrpc/app.bsky.feed.getPostThread", "bluesky.getPostThread", get_post_thread),
)

FAULT_ANSWERS: FaultAnswers = {}
