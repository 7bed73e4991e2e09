"""The sandbox's Mastodon server `social.example`, as an anonymous visitor sees it.

Shapes follow answers of Mastodon 4.6 recorded in August 2026, without the keys that only a logged-in user gets.
"""

import datetime as dt
import hashlib
import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Account, Entry, Person, Post, Profile, Simulation

_SERVER = "social.example"
_RATE_LIMIT = 300
_RATE_WINDOW = dt.timedelta(minutes=5)

Json = dict[str, Any]
Wanted = Callable[[Account], bool]


def lookup(model: Simulation, call: Call) -> Answer:
    """`/api/v1/accounts/lookup`: the account of a name, with or without its server."""
    name = call.params.get("acct", "").removeprefix("@").lower().removesuffix(f"@{_SERVER}")
    return _account_answer(model, call, lambda account: _username(account.person) == name)


def account(model: Simulation, call: Call) -> Answer:
    """`/api/v1/accounts/:id`."""
    return _account_answer(model, call, lambda account: account_id(model, account.person) == call.params["id"])


def statuses(model: Simulation, call: Call) -> Answer:
    """`/api/v1/accounts/:id/statuses`: what the account published and boosted, newest first, in pages."""
    found = _find_account(model, lambda account: account_id(model, account.person) == call.params["id"])
    if found is None:
        return _not_found(call)
    profile, own = found
    limit = min(_number(call, "limit") or 20, 40)
    pinned = model.pinned(profile.key, "mastodon")
    entries = [
        entry
        for entry in model.timeline(profile.key, "mastodon", call.now)
        if not (_yes(call, "exclude_reblogs") and entry.repost)
        and not (_yes(call, "exclude_replies") and entry.post.parent)
        and not (_yes(call, "only_media") and not entry.post.image)
        and not (_yes(call, "pinned") and entry.post.key != pinned.key)
    ]
    entries.sort(key=_entry_id, reverse=True)
    max_id, since_id, min_id = (_number(call, name) for name in ("max_id", "since_id", "min_id"))
    if max_id is not None:
        entries = [entry for entry in entries if _entry_id(entry) < max_id]
    if since_id is not None:
        entries = [entry for entry in entries if _entry_id(entry) > since_id]
    if min_id is not None:
        entries = [entry for entry in entries if _entry_id(entry) > min_id][-limit:]
    page = entries[:limit]
    headers = {"link": link} if (link := _link(call, page, limit)) else {}
    return _ok(call, [_entry(model, call.now, own.person, entry) for entry in page], headers)


def context(model: Simulation, call: Call) -> Answer:
    """`/api/v1/statuses/:id/context`: what a status answers, and what answers it."""
    for profile, _ in model.accounts("mastodon"):
        for entry in model.timeline(profile.key, "mastodon", call.now):
            if not entry.repost and str(_entry_id(entry)) == call.params["id"]:
                above = entry.post.parent
                ancestors: list[Json] = []
                while above:
                    ancestors.insert(0, _status(model, call.now, above))
                    above = above.parent
                return _ok(call, {"ancestors": ancestors, "descendants": _descendants(model, call.now, entry.post)})
    return _not_found(call)


def _descendants(model: Simulation, now: dt.datetime, post: Post) -> list[Json]:
    return [
        status
        for reply in model.replies(post, now)
        for status in (_status(model, now, reply), *_descendants(model, now, reply))
    ]


def _account_answer(model: Simulation, call: Call, wanted: Wanted) -> Answer:
    found = _find_account(model, wanted)
    return _not_found(call) if found is None else _ok(call, _account(model, call.now, found[1].person))


def _find_account(model: Simulation, wanted: Wanted) -> tuple[Profile, Account] | None:
    return next((found for found in model.accounts("mastodon") if wanted(found[1])), None)


def _number(call: Call, name: str) -> int | None:
    text = call.params.get(name, "")
    return int(text) if text.isdecimal() else None


def _yes(call: Call, name: str) -> bool:
    return call.params.get(name, "").lower() in {"true", "1"}


def _ok(call: Call, content: object, headers: dict[str, str] | None = None) -> Answer:
    return json_answer(content, headers=_limits(call) | (headers or {}))


def _not_found(call: Call) -> Answer:
    return json_answer({"error": "Record not found"}, status=404, headers=_limits(call))


def _limits(call: Call) -> dict[str, str]:
    window = _RATE_WINDOW.total_seconds()
    ends = dt.datetime.fromtimestamp((call.now.timestamp() // window + 1) * window, dt.UTC)
    return {
        "x-ratelimit-limit": str(_RATE_LIMIT),
        "x-ratelimit-remaining": str(_RATE_LIMIT - 1),
        "x-ratelimit-reset": ends.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }


def _link(call: Call, page: list[Entry], limit: int) -> str | None:
    """The Link header: `next` when the page is full, `prev` when there is a page at all."""
    if not page:
        return None
    kept = {name: value for name, value in call.params.items() if name not in {"id", "max_id", "min_id", "since_id"}}
    url = f"{call.url}api/v1/accounts/{call.params['id']}/statuses"
    links = [f'<{url}?{urlencode(kept | {"min_id": _entry_id(page[0])})}>; rel="prev"']
    if len(page) == limit:
        links.insert(0, f'<{url}?{urlencode(kept | {"max_id": _entry_id(page[-1])})}>; rel="next"')
    return ", ".join(links)


def _entry(model: Simulation, now: dt.datetime, person: Person, entry: Entry) -> Json:
    if not entry.repost:
        return _status(model, now, entry.post)
    boosted = _status(model, now, entry.post)
    id_, home = str(_entry_id(entry)), f"https://{_SERVER}"
    uri = f"{home}/ap/users/{account_id(model, person)}/statuses/{id_}/activity"
    return boosted | {
        "id": id_,
        "created_at": _time(entry.at),
        "uri": uri,
        "url": uri,
        "account": _account(model, now, person),
        "content": "",
        "language": None,
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "media_attachments": [],
        "tags": [],
        "reblog": boosted,
    }


def _status(model: Simulation, now: dt.datetime, post: Post) -> Json:
    id_ = str(_status_id(post.at, post.key))
    server, name = _server(post.author), _username(post.author)
    tags = re.findall(r"#(\w+)", post.text)
    status: Json = {
        "id": id_,
        "created_at": _time(post.at),
        "in_reply_to_id": str(_status_id(post.parent.at, post.parent.key)) if post.parent else None,
        "in_reply_to_account_id": account_id(model, post.parent.author) if post.parent else None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"https://{server}/ap/users/{account_id(model, post.author)}/statuses/{id_}",
        "url": f"https://{server}/@{name}/{id_}",
        "replies_count": len(model.replies(post, now)),
        "reblogs_count": post.count("reposts", now),
        "favourites_count": post.count("likes", now),
        "quotes_count": post.count("quotes", now),
        "edited_at": None,
        "content": _content(post),
        "reblog": None,
        "application": {"name": "Web", "website": None} if server == _SERVER else None,
        "account": _account(model, now, post.author),
        "media_attachments": [_media(post, id_)] if post.image else [],
        "mentions": [_mention(model, post.parent.author)] if post.parent else [],
        "tags": [{"name": tag.lower(), "url": f"https://{_SERVER}/tags/{tag.lower()}"} for tag in tags],
        "emojis": [],
        "tagged_collections": [],
        "quote": None,
        "card": _card(post) if post.link and not post.image else None,
        "poll": None,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "denied"},
    }
    if not post.counts_quotes:
        del status["quotes_count"]
    return status


def _content(post: Post) -> str:
    """The words as HTML, the way Mastodon writes mentions, hashtags and links."""
    words = re.sub(
        r"#(\w+)",
        lambda m: f'<a href="https://{_SERVER}/tags/{m[1]}" class="mention hashtag" rel="tag">#<span>{m[1]}</span></a>',
        html.escape(post.text, quote=False),
    )
    if post.parent:
        other = post.parent.author
        words = (
            f'<span class="h-card" translate="no"><a href="https://{_server(other)}/@{_username(other)}" '
            f'class="u-url mention">@<span>{_username(other)}</span></a></span> {words}'
        )
    if post.link:
        href, bare = html.escape(post.link), html.escape(post.link.removeprefix("https://"))
        words += (
            f' <a href="{href}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">https://'
            f'</span><span class="ellipsis">{bare[:30]}</span><span class="invisible">{bare[30:]}</span></a>'
        )
    return f"<p>{words}</p>"


def _media(post: Post, id_: str) -> Json:
    files = f"https://files.{_SERVER}/media_attachments/files/{id_}"
    sizes = {name: (width, width * 3 // 4) for name, width in (("original", 1600), ("small", 554))}
    return {
        "id": str(int(id_) + 1),
        "type": "image",
        "url": f"{files}/original.jpg",
        "preview_url": f"{files}/small.jpg",
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {
            name: {"width": width, "height": height, "size": f"{width}x{height}", "aspect": round(width / height, 6)}
            for name, (width, height) in sizes.items()
        },
        "description": post.image,
        "blurhash": "UBL_:rOpGG-;~qRjWBay_3t7t7R*WBayofj[",
    }


def _card(post: Post) -> Json:
    return {
        "url": post.link,
        "title": f"{post.author.name}: read on",
        "description": post.text[:80],
        "language": "en",
        "type": "link",
        "author_name": "",
        "author_url": "",
        "provider_name": "",
        "provider_url": "",
        "html": "",
        "width": 0,
        "height": 0,
        "image": None,
        "image_description": "",
        "embed_url": "",
        "blurhash": None,
        "published_at": None,
        "missing_attribution": False,
        "authors": [],
    }


def _mention(model: Simulation, person: Person) -> Json:
    return {
        "id": account_id(model, person),
        "username": _username(person),
        "url": f"https://{_server(person)}/@{_username(person)}",
        "acct": _acct(person),
    }


def _account(model: Simulation, now: dt.datetime, person: Person) -> Json:
    name, home = _username(person), f"https://{_server(person)}"
    picture = f"{home}/avatars/{name}.png"
    banner = f"{home}/headers/{name}.png"
    found = _find_account(model, lambda account: account.person == person)
    if found:
        profile, own = found
        timeline = model.timeline(profile.key, "mastodon", now)
        note, followers = profile.about, model.followers(profile.key, own, now)
        posts, last = own.earlier_posts + len(timeline), timeline[0].at.date().isoformat() if timeline else None
    else:
        note, followers, posts, last = "", 40 + len(person.name) * 9, 300, now.date().isoformat()
    return {
        "id": account_id(model, person),
        "username": name,
        "acct": _acct(person),
        "display_name": person.name,
        "locked": False,
        "bot": False,
        "discoverable": None,
        "indexable": True,
        "group": False,
        "created_at": f"{_joined(model)}T00:00:00.000Z",
        "note": f"<p>{html.escape(note)}</p>" if note else "",
        "url": f"{home}/@{name}",
        "uri": f"{home}/ap/users/{account_id(model, person)}",
        "avatar": picture,
        "avatar_static": picture,
        "avatar_description": "",
        "header": banner,
        "header_static": banner,
        "header_description": "",
        "followers_count": followers,
        "following_count": 120 + len(person.name),
        "statuses_count": posts,
        "last_status_at": last,
        "hide_collections": None,
        "show_media": True,
        "show_media_replies": True,
        "show_featured": True,
        "noindex": False,
        "feature_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def _joined(model: Simulation) -> dt.date:
    return model.first_day - dt.timedelta(days=400)


def _username(person: Person) -> str:
    return person.handle.split("@")[0]


def _server(person: Person) -> str:
    return person.handle.split("@")[1]


def _acct(person: Person) -> str:
    return person.handle.removesuffix(f"@{_SERVER}")


def account_id(model: Simulation, person: Person) -> str:
    """The number that the server knows somebody by."""
    joined = dt.datetime.combine(_joined(model), dt.time(9), dt.UTC)
    return str(_status_id(joined, person.handle))


def _entry_id(entry: Entry) -> int:
    return _status_id(entry.at, f"repost of {entry.post.key}" if entry.repost else entry.post.key)


def _status_id(at: dt.datetime, key: str) -> int:
    """A Mastodon id: milliseconds since 1970 in the upper bits, sixteen bits to tell twins apart."""
    return round(at.timestamp() * 1000) << 16 | int.from_bytes(hashlib.sha256(key.encode()).digest()[:2], "big")


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/accounts/lookup", "mastodon.lookup", lookup),
    Route("GET", "/api/v1/accounts/{id}", "mastodon.account", account),
    Route("GET", "/api/v1/accounts/{id}/statuses", "mastodon.statuses", statuses),
    Route("GET", "/api/v1/statuses/{id}/context", "mastodon.context", context),
)

FAULT_ANSWERS: FaultAnswers = {}
