"""The sandbox's X API v2, below `/x`, as the owner of an account sees it.

Shapes follow answers recorded in 2022 and 2026 and X's OpenAPI 2.167, in the vocabulary of `tweet.fields`. What is
imitated on purpose, because it bites: fields are only given if asked for, and unknown ones are silently left out;
numbers that only the owner sees are refused for posts of thirty days and older, each number in an error of its own
beside the data with HTTP 200, and the post itself is left out; texts hold `t.co` links and escape `&`, `<` and `>`; a
conversation holds the post that began it; a refresh token is good for one exchange.
"""

import datetime as dt
import hashlib
import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Account, Entry, Person, Post, Profile, Simulation, platform_id, post_number

_GENERATIONS = 64


def _secret(kind: str, generation: int) -> str:
    return hashlib.sha256(f"x {kind} {generation % _GENERATIONS}".encode()).hexdigest()[:40]


TOKEN = _secret("access token", 0)
"""The access token that the sandbox's X wants, or one that was got in exchange for `REFRESH_TOKEN`."""
REFRESH_TOKEN = _secret("refresh token", 0)
"""What the next access token is got with, once; the answer names the next one."""
CLIENT_ID = "x-app-of-the-sandbox"
"""The app that asks for it."""

_TOKENS = frozenset(_secret("access token", generation) for generation in range(_GENERATIONS))
_REFRESH_TOKENS = {_secret("refresh token", generation): generation for generation in range(_GENERATIONS)}
_LIVES = 7200
_WINDOW = 900
_OWNER_SEES = dt.timedelta(days=30)
_SEARCHED = dt.timedelta(days=7)
_PROBLEMS = "https://api.x.com/2/problems"
_LONGEST_TEXT = 280
_LARGEST_PAGE = 100

Json = dict[str, Any]
Told = Callable[[Simulation, Call], Answer]


class _Refused(Exception):
    """A parameter that X does not accept."""

    def __init__(self, parameter: str, value: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.value = value


def me(model: Simulation, call: Call) -> Answer:
    """`/2/users/me`: the account whose token it is; the sandbox has one account on X."""
    profile, account = next(iter(model.accounts("x")))
    return _ok(call, {"data": _user(model, profile, account, call)}, limit=75)


def timeline(model: Simulation, call: Call) -> Answer:
    """`/2/users/:id/tweets`: what the account published, newest first, in pages."""
    found = next((found for found in model.accounts("x") if found[1].platform_id == call.params["id"]), None)
    if found is None:
        return _ok(call, {"errors": [_missing("user", "id", call.params["id"])]}, limit=900)
    profile, account = found
    excluded = _listed(call, "exclude")
    starts, ends = _moment(call, "start_time"), _moment(call, "end_time")
    entries = [
        entry
        for entry in model.timeline(profile.key, "x", call.now)
        if not ("retweets" in excluded and entry.repost)
        and not ("replies" in excluded and entry.post.parent)
        and (starts is None or entry.at >= starts)
        and (ends is None or entry.at < ends)
    ]
    return _page(model, call, entries, account.person, lowest=5, cursor="pagination_token", limit=900)


def posts(model: Simulation, call: Call) -> Answer:
    """`/2/tweets`: posts by their ids; those that do not exist are errors beside the others."""
    own = [(account.person, entry) for profile, account in model.accounts("x") for entry in _said(model, profile, call)]
    by_id = {_entry_id(entry): (person, entry) for person, entry in own}
    data, errors = [], []
    for id_ in _listed(call, "ids"):
        if id_ in by_id:
            person, entry = by_id[id_]
            shown, problems = _shown(model, call, entry, person, "ids")
            data += shown
            errors += problems
        else:
            errors.append(_missing("tweet", "ids", id_))
    return _ok(call, ({"data": data} if data else {}) | ({"errors": errors} if errors else {}), limit=900)


def search(model: Simulation, call: Call) -> Answer:
    """`/2/tweets/search/recent`: the posts of some conversations, of the last seven days."""
    wanted = set(re.findall(r"conversation_id:(\d+)", call.params.get("query", "")))
    if not wanted:
        return _invalid(_Refused("query", call.params.get("query", ""), "The sandbox searches by conversation_id only"))
    since = call.now - _SEARCHED
    found = [
        Entry(post.at, post)
        for profile, account in model.accounts("x")
        for root in model.own_posts(profile.key, "x", call.now)
        if _id(root) in wanted
        for post in _conversation(model, root, call.now)
        if post.at >= since
    ]
    owner = next(iter(model.accounts("x")))[1].person
    found.sort(key=lambda entry: entry.at, reverse=True)
    return _page(model, call, found, owner, lowest=10, cursor="next_token", limit=300)


def exchange(model: Simulation, call: Call) -> Answer:
    """`/2/oauth2/token`: a new access token and the next refresh token."""
    generation = _REFRESH_TOKENS.get(call.params.get("refresh_token", ""))
    known = call.params.get("client_id") == CLIENT_ID and call.params.get("grant_type") == "refresh_token"
    if generation is None or not known:
        refusal = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
        return json_answer(refusal, status=400)
    return json_answer(
        {
            "token_type": "bearer",
            "expires_in": _LIVES,
            "access_token": _secret("access token", generation + 1),
            "scope": "users.read tweet.read offline.access",
            "refresh_token": _secret("refresh token", generation + 1),
        }
    )


def _authorized(told: Told) -> Told:
    """Refuses a call without a good token, and one whose parameters are wrong."""

    def answer(model: Simulation, call: Call) -> Answer:
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in _TOKENS:
            return _unauthorized()
        try:
            return told(model, call)
        except _Refused as refused:
            return _invalid(refused)

    return answer


def _unauthorized() -> Answer:
    refusal = {"detail": "Unauthorized", "status": 401, "title": "Unauthorized", "type": "about:blank"}
    return json_answer(refusal, status=401)


def _invalid(refused: _Refused) -> Answer:
    title, type_ = "Invalid Request", f"{_PROBLEMS}/invalid-request"
    error = {
        "detail": str(refused),
        "parameter": refused.parameter,
        "parameters": {refused.parameter: [refused.value]},
        "title": title,
        "type": type_,
        "value": refused.value,
    }
    detail = "One or more parameters to your request was invalid."
    return json_answer({"detail": detail, "errors": [error], "title": title, "type": type_}, status=400)


def _missing(kind: str, parameter: str, id_: str) -> Json:
    return {
        "detail": f"Could not find {kind} with {parameter}: [{id_}].",
        "parameter": parameter,
        "resource_id": id_,
        "resource_type": kind,
        "title": "Not Found Error",
        "type": f"{_PROBLEMS}/resource-not-found",
        "value": id_,
    }


def _ok(call: Call, content: Json, *, limit: int) -> Answer:
    return json_answer(content, headers=_limits(call, limit, limit - 1))


def _limits(call: Call, limit: int, remaining: int) -> dict[str, str]:
    ends = (int(call.now.timestamp()) // _WINDOW + 1) * _WINDOW
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(ends),
    }


def _listed(call: Call, name: str) -> list[str]:
    return [part for part in call.params.get(name, "").split(",") if part]


def _moment(call: Call, name: str) -> dt.datetime | None:
    text = call.params.get(name)
    if text is None:
        return None
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(dt.UTC)
    except ValueError:
        raise _Refused(name, text, f"{name} must be a valid RFC3339 timestamp") from None


def _page(
    model: Simulation, call: Call, entries: list[Entry], owner: Person, *, lowest: int, cursor: str, limit: int
) -> Answer:
    text = call.params.get("max_results", "10")
    if not text.isdecimal() or not lowest <= int(text) <= _LARGEST_PAGE:
        edge = f"at most {_LARGEST_PAGE}" if text.isdecimal() and int(text) >= lowest else f"at least {lowest}"
        raise _Refused("max_results", text, f"max_results must be {edge}")
    before = _read_cursor(call, cursor)
    left = [entry for entry in entries if before is None or (entry.at.timestamp(), _entry_id(entry)) < before]
    page = left[: int(text)]
    data, errors = [], []
    for entry in page:
        shown, problems = _shown(model, call, entry, owner, "id")
        data += shown
        errors += problems
    meta: Json = {"result_count": len(data)}
    if data:
        meta |= {"newest_id": data[0]["id"], "oldest_id": data[-1]["id"]}
    if len(left) > len(page):
        meta["next_token"] = _cursor(page[-1])
    found = {"data": data} if data else {}
    return _ok(call, {**found, "meta": meta} | ({"errors": errors} if errors else {}), limit=limit)


def _cursor(entry: Entry) -> str:
    return b64encode(f"{entry.at.timestamp()!r} {_entry_id(entry)}".encode()).decode()


def _read_cursor(call: Call, name: str) -> tuple[float, str] | None:
    text = call.params.get(name)
    if text is None:
        return None
    try:
        at, id_ = b64decode(text, validate=True).decode().split(" ")
        return float(at), id_
    except ValueError:
        raise _Refused(name, text, f"{name} is not a valid token") from None


def _said(model: Simulation, profile: Profile, call: Call) -> Iterable[Entry]:
    return model.timeline(profile.key, "x", call.now)


def _conversation(model: Simulation, post: Post, now: dt.datetime) -> list[Post]:
    """A post and everything that was said under it."""
    return [post, *(said for reply in model.replies(post, now) for said in _conversation(model, reply, now))]


def _shown(model: Simulation, call: Call, entry: Entry, owner: Person, parameter: str) -> tuple[list[Json], list[Json]]:
    """A post with the fields asked for; or the errors that stand in its place, one for each number."""
    fields, post = set(_listed(call, "tweet.fields")), entry.post
    given = _fields(model, call, entry, owner)
    private = "organic_metrics" in fields
    if private and (entry.repost or post.author != owner or entry.at <= call.now - _OWNER_SEES):
        problems = [
            {
                "detail": f"Sorry, you are not authorized to access 'organic_metrics.{metric}' on the Tweet with "
                f"{parameter} : [{given['id']}].",
                "field": f"organic_metrics.{metric}",
                "parameter": parameter,
                "resource_id": given["id"],
                "resource_type": "tweet",
                "section": "data",
                "title": "Field Authorization Error",
                "type": f"{_PROBLEMS}/not-authorized-for-field",
                "value": given["id"],
            }
            for metric in given["organic_metrics"]
        ]
        return [], problems
    always = {"id", "text", "edit_history_tweet_ids"}
    return [{name: value for name, value in given.items() if name in fields | always and value is not None}], []


def _fields(model: Simulation, call: Call, entry: Entry, owner: Person) -> Json:
    post, id_ = entry.post, _entry_id(entry)
    text, entities = _text(post)
    references = []
    if entry.repost:
        text, references = f"RT @{post.author.handle}: {text}", [{"type": "retweeted", "id": _id(post)}]
    elif post.parent:
        references = [{"type": "replied_to", "id": _id(post.parent)}]
    replies = len(model.replies(post, call.now))
    both = {"reply_count": replies, "like_count": post.count("likes", call.now)}
    both |= {"retweet_count": post.count("reposts", call.now), "impression_count": post.count("views", call.now)}
    whole = len(text) > _LONGEST_TEXT
    return {
        "id": id_,
        "text": f"{text[: _LONGEST_TEXT - 1]}…" if whole else text,
        "edit_history_tweet_ids": [id_],
        "created_at": _time(entry.at),
        "author_id": (owner if entry.repost else post.author).platform_id,
        "conversation_id": id_ if entry.repost else _id(post.root),
        "in_reply_to_user_id": post.parent.author.platform_id if post.parent else None,
        "referenced_tweets": references or None,
        "entities": entities or None,
        "note_tweet": {"text": text, "entities": entities} if whole else None,
        "attachments": {"media_keys": [f"3_{id_}"]} if post.image else None,
        "lang": "en",
        "public_metrics": {
            **both,
            "quote_count": post.count("quotes", call.now),
            "bookmark_count": post.count("bookmarks", call.now),
        },
        "organic_metrics": {
            **both,
            "url_link_clicks": post.count("link_clicks", call.now),
            "user_profile_clicks": post.count("profile_visits", call.now),
        },
    }


def _text(post: Post) -> tuple[str, Json]:
    """The words as the API gives them, and what in them is a link, a hashtag or a name."""
    text = f"@{post.parent.author.handle} {post.text}" if post.parent else post.text
    text = html.escape(text, quote=False)
    urls: list[Json] = []
    if post.link:
        urls.append({"expanded_url": post.link, "display_url": post.link.removeprefix("https://")[:26] + "…"})
    if post.image:
        page = f"https://x.com/{post.author.handle}/status/{_id(post)}/photo/1"
        urls.append(
            {"expanded_url": page, "display_url": f"pic.x.com/{_id(post)[-10:]}", "media_key": f"3_{_id(post)}"}
        )
    for url in urls:
        short = f"https://t.co/{hashlib.sha256(url['expanded_url'].encode()).hexdigest()[:10]}"
        url |= {"start": len(text) + 1, "end": len(text) + 1 + len(short), "url": short}
        text += f" {short}"
    tags = [{"start": m.start(), "end": m.end(), "tag": m[1]} for m in re.finditer(r"#(\w+)", text)]
    return text, ({"urls": urls} if urls else {}) | ({"hashtags": tags} if tags else {})


def _user(model: Simulation, profile: Profile, account: Account, call: Call) -> Json:
    person = account.person
    user: Json = {"id": person.platform_id, "name": person.name, "username": person.handle}
    fields = _listed(call, "user.fields")
    if "created_at" in fields:
        user["created_at"] = _time(dt.datetime.combine(model.first_day - dt.timedelta(days=400), dt.time(9), dt.UTC))
    if "description" in fields:
        user["description"] = profile.about
    if "public_metrics" in fields:
        user["public_metrics"] = {
            "followers_count": model.followers(profile.key, account, call.now),
            "following_count": 90 + len(person.name),
            "tweet_count": account.earlier_posts + len(model.timeline(profile.key, "x", call.now)),
            "listed_count": len(person.name),
        }
    return user


def _id(post: Post) -> str:
    return post_number(post, 19)


def _entry_id(entry: Entry) -> str:
    return platform_id("x", f"repost of {entry.post.key}") if entry.repost else _id(entry.post)


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rate_limited(case: Case) -> Answer:
    refusal = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
    headers = _limits(case.call, 900, 0)
    headers["x-rate-limit-reset"] = str(round(case.call.now.timestamp() + case.seconds))
    return json_answer(refusal, status=429, headers=headers)


def _paged(case: Case) -> tuple[Answer, Json, Json]:
    """The first page, what it says, and what the page that was asked for says."""
    first = case.ask_without("pagination_token", "next_token")
    return first, json.loads(first.body), json.loads(case.answer.body)


def _cursor_loop(case: Case) -> Answer:
    first, content, _ = _paged(case)
    content.get("meta", {})["next_token"] = b64encode(b"9999999999.0 1").decode()
    return msgspec.structs.replace(first, body=json_answer(content).body)


def _duplicate_page(case: Case) -> Answer:
    first, content, asked = _paged(case)
    return msgspec.structs.replace(first, body=json_answer(content | {"meta": asked.get("meta", {})}).body)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/x/2/users/me", "x.me", _authorized(me)),
    Route("GET", "/x/2/users/{id}/tweets", "x.timeline", _authorized(timeline)),
    Route("GET", "/x/2/tweets/search/recent", "x.search", _authorized(search)),
    Route("GET", "/x/2/tweets", "x.posts", _authorized(posts)),
    Route("POST", "/x/2/oauth2/token", "x.token", exchange),
)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": _rate_limited,
    "unauthorized": lambda case: _unauthorized(),
    "cursor_loop": _cursor_loop,
    "duplicate_page": _duplicate_page,
}
