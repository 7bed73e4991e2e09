"""The sandbox's Threads: the Threads API v1.0, as the account's own token sees it.

The shapes follow Meta's documents; of recorded answers there is that of a token's exchange only.
"""

import base64
import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from widerview.sandbox import facebook, instagram
from widerview.sandbox.answer import Call, FaultAnswers, Route
from widerview.sandbox.facebook import Field, Node, read_fields
from widerview.sandbox.instagram import Json, Refused, always, answered, bearer, paged, pick, span, told, written
from widerview.sandbox.model import Account, Entry, Post, Profile, Simulation, post_number

TOKEN = "THAASandboxHollowOakBakeryOpensNothingElse"  # noqa: S105 - opens nothing but the sandbox
"""The token of Hollow Oak Bakery's account."""

_PACIFIC = ZoneInfo("America/Los_Angeles")
_DAY = dt.timedelta(days=1)
_INSTANT = dt.timedelta(microseconds=1)
_LIVES = 5183944
_MOST_DAYS = 90
_FIRST_MOMENT = 1712991600
"""Threads tells no numbers of days before 2024-04-13."""
_OF_POSTS = ("views", "likes", "replies", "reposts", "quotes", "shares")
_OF_DAYS = ("views", "likes", "replies", "reposts", "quotes", "clicks", "followers_count")


def me(model: Simulation, call: Call) -> Json:
    """`/me`: the account of the token."""
    profile, account = _asked(model, call)
    node: Node = {
        "id": always(account.platform_id),
        "username": always(account.person.handle),
        "name": always(account.person.name),
        "threads_biography": always(profile.about),
    }
    return pick(node, read_fields(call.params.get("fields", "id")), "ThreadsUser")


def threads(model: Simulation, call: Call) -> Json:
    """`/{account}/threads`: its posts and reposts, newest first, in pages; its answers to others are not in it."""
    profile, account = _asked(model, call)
    entries = [
        entry for entry in model.timeline(profile.key, "threads", call.now) if entry.repost or entry.post.parent is None
    ]
    nodes = {
        _id(entry.post): _facade(entry) if entry.repost else _node(model, call.now, account, entry.post)
        for entry in entries
    }
    return paged(call, nodes, "ThreadsMedia", most=100)


def object_(model: Simulation, call: Call) -> Json:
    """`/{post}`: one post."""
    _, account, post = _post(model, call)
    node = _node(model, call.now, account, post)
    return pick(node, read_fields(call.params.get("fields", "id")), "ThreadsMedia")


def conversation(model: Simulation, call: Call) -> Json:
    """`/{post}/conversation`: all that stands under a post, newest first unless asked otherwise, in pages."""
    _, account, post = _post(model, call)
    below = sorted(_below(model, call.now, post), key=lambda reply: reply.at, reverse=_newest_first(call))
    nodes: dict[str, Node] = {}
    for reply in below:
        own, parent = reply.author == account.person, reply.parent or post
        nodes[_id(reply)] = {
            **_node(model, call.now, account, reply),
            "username": always(reply.author.handle),
            "is_reply": always(True),
            "is_reply_owned_by_me": always(own),
            "root_post": always({"id": _id(post)}),
            "replied_to": always({"id": _id(parent)}),
            "hide_status": always("NOT_HUSHED"),
        }
    return paged(call, nodes, "ThreadsMedia", most=100)


def insights(model: Simulation, call: Call) -> Json:
    """`/{account}/threads_insights`: totals of a time, views by day, and followers as they are now."""
    profile, account = _asked(model, call)
    named = [name for name in call.params.get("metric", "").split(",") if name]
    _refuse_unknown(named, _OF_DAYS)
    since, until = span(call, most_days=_MOST_DAYS)
    if since.timestamp() < _FIRST_MOMENT:
        raise Refused(100, f"(#100) Param since must be a number greater than or equal to {_FIRST_MOMENT}")
    posts = model.own_posts(profile.key, "threads", call.now)

    def total(name: str) -> int:
        moments = (min(until, call.now) - _INSTANT, since - _INSTANT)
        last, first = (sum(_count(model, post, name, moment) for post in posts) for moment in moments)
        return last - first

    def one(name: str) -> Json:
        if name == "followers_count":
            now = model.followers_at(profile.key, "threads", call.now)
            return told(account.platform_id, name, "day", total_value={"value": now})
        if name == "clicks":
            links = [{"value": total("likes") // 3, "link_url": profile.url}]
            return told(account.platform_id, name, "day", link_total_values=links)
        if name == "views":
            values = [
                {
                    "value": model.account_day(profile.key, "threads", "views", day, _PACIFIC, call.now),
                    "end_time": written(dt.datetime.combine(day + _DAY, dt.time(), _PACIFIC)),
                }
                for day in _days(since, until)
            ]
            return told(account.platform_id, name, "day", values=values)
        return told(account.platform_id, name, "day", total_value={"value": total(name)})

    return {"data": [one(name) for name in named]}


def refresh(model: Simulation, call: Call) -> Json:
    """`/refresh_access_token`: 60 more days."""
    if call.params.get("grant_type") != "th_refresh_token" or bearer(call) != TOKEN:
        raise _not_accepted()
    return {"access_token": TOKEN, "token_type": "bearer", "expires_in": _LIVES}


# -- what there is -----------------------------------------------------------------------------------------------------


def _asked(model: Simulation, call: Call) -> tuple[Profile, Account]:
    """The account of the token, which is the only one that it may ask for."""
    if bearer(call) != TOKEN:
        raise _not_accepted()
    [(profile, account)] = model.accounts("threads")
    if call.params.get("id", "me") not in {"me", account.platform_id}:
        raise _gone(call.params["id"])
    return profile, account


def _post(model: Simulation, call: Call) -> tuple[Profile, Account, Post]:
    if bearer(call) != TOKEN:
        raise _not_accepted()
    [(profile, account)] = model.accounts("threads")
    for post in model.own_posts(profile.key, "threads", call.now):
        if _id(post) == call.params["id"]:
            return profile, account, post
    raise _gone(call.params["id"])


def _not_accepted() -> Refused:
    return Refused(190, "Invalid OAuth access token - Cannot parse access token")


def _gone(id_: str) -> Refused:
    what = "does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    return Refused(100, f"Unsupported get request. Object with ID '{id_}' {what}.", subcode=33)


def _id(post: Post) -> str:
    return post_number(post, 17)


def _below(model: Simulation, now: dt.datetime, post: Post) -> Iterator[Post]:
    for reply in model.replies(post, now):
        yield reply
        yield from _below(model, now, reply)


def _newest_first(call: Call) -> bool:
    return call.params.get("reverse", "true").lower() != "false"


def _node(model: Simulation, now: dt.datetime, account: Account, post: Post) -> Node:
    code = base64.urlsafe_b64encode(_id(post).encode()).decode()[:11]
    kind = {"image": "IMAGE", "video": "VIDEO", "carousel": "CAROUSEL_ALBUM"}.get(post.media, "TEXT_POST")
    return {
        "id": always(_id(post)),
        "media_product_type": always("THREADS"),
        "media_type": always(kind),
        "permalink": always(f"https://www.threads.com/@{post.author.handle}/post/{code}"),
        "username": always(account.person.handle),
        "owner": always({"id": account.platform_id}),
        "text": always(post.text or None),
        "timestamp": always(written(post.at)),
        "shortcode": always(code),
        "is_quote_post": always(False),
        "has_replies": always(bool(model.replies(post, now))),
        "link_attachment_url": always(post.link),
        "topic_tag": always(None),
        "poll_attachment": always(None),
        "insights": lambda field: _post_insights(model, now, post, field),
    }


def _facade(entry: Entry) -> Node:
    """A repost of somebody else's post: it has neither words nor numbers."""
    nothing = dict.fromkeys(("text", "link_attachment_url", "topic_tag", "poll_attachment", "permalink"), always(None))
    return {
        **nothing,
        "id": always(_id(entry.post)),
        "media_type": always("REPOST_FACADE"),
        "username": always(entry.post.author.handle),
        "timestamp": always(written(entry.at)),
        "is_quote_post": always(False),
        "has_replies": always(False),
        "insights": always({"data": []}),
    }


def _post_insights(model: Simulation, now: dt.datetime, post: Post, field: Field) -> Json:
    named = field.options.get("metric", "").split(",")
    _refuse_unknown(named, _OF_POSTS)
    return {
        "data": [
            told(_id(post), name, "lifetime", values=[{"value": _count(model, post, name, now)}]) for name in named
        ]
    }


def _count(model: Simulation, post: Post, name: str, moment: dt.datetime) -> int:
    if name == "replies":
        return sum(1 for _ in _below(model, moment, post))
    return post.count(name, moment)


def _refuse_unknown(named: list[str], valid: tuple[str, ...]) -> None:
    for index, name in enumerate(named):
        if name not in valid:
            raise Refused(100, f"(#100) metric[{index}] must be one of the following values: {', '.join(valid)}")


def _days(since: dt.datetime, until: dt.datetime) -> Iterator[dt.date]:
    """The Pacific days that end in the time asked for."""
    day = since.astimezone(_PACIFIC).date()
    while dt.datetime.combine(day + _DAY, dt.time(), _PACIFIC) <= until:
        yield day
        day += _DAY


_ROOT = "/threads/v1.0"
ROUTES: tuple[Route, ...] = (
    Route("GET", "/threads/refresh_access_token", "threads.refresh", answered(refresh)),
    Route("GET", f"{_ROOT}/me", "threads.me", answered(me)),
    Route("GET", f"{_ROOT}/{{id}}", "threads.object", answered(object_)),
    Route("GET", f"{_ROOT}/{{id}}/threads", "threads.threads", answered(threads)),
    Route("GET", f"{_ROOT}/{{id}}/threads_insights", "threads.insights", answered(insights)),
    Route("GET", f"{_ROOT}/{{id}}/conversation", "threads.conversation", answered(conversation)),
)

FAULT_ANSWERS: FaultAnswers = {**instagram.FAULT_ANSWERS, "metric_withheld": facebook.withheld("quotes")}
