"""The sandbox's Instagram: the Graph API v26.0 of professional accounts, through either of its two hosts.

Profiles, posts, stories, comments and a day's split numbers have the shapes of recorded answers; the names of the
metrics follow Meta's documents of 2026. `refused`, `pick` and `paged` serve the sandbox's Threads, too.
"""

import base64
import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from widerview.sandbox import facebook
from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Route, json_answer
from widerview.sandbox.facebook import APP_ID, APP_SECRET, VERSION, Field, Node, read_fields
from widerview.sandbox.model import Account, Person, Post, Profile, Simulation, post_number

TOKEN = "EAASandboxInstagramSystemUserOpensNothingElse"  # noqa: S105 - opens nothing but the sandbox
"""The token of the agency's system user (Facebook Login): it opens every account."""
LOGIN_TOKENS = {
    handle: f"IGAASandbox{handle}OpensNothingElse" for handle in ("hollowoakbakery", "tidewatercycles", "lanternlane")
}
"""The tokens of the accounts themselves (Instagram Login), by username."""

_PACIFIC = ZoneInfo("America/Los_Angeles")
_DAY = dt.timedelta(days=1)
_INSTANT = dt.timedelta(microseconds=1)
_NOTHING_AFTER = dt.timedelta(days=21)
_LIVES = 5183944
_MOST_DAYS = 30
_MOST_AT_ONCE = 50
_FEWEST_VIEWERS = 5

Json = dict[str, Any]


class Refused(Exception):
    """What Meta says instead of an answer."""

    def __init__(self, code: int, message: str, *, subcode: int | None = None) -> None:
        super().__init__(message)
        self.code, self.subcode = code, subcode


def answered(handler: Callable[[Simulation, Call], Json | list[Json]]) -> Callable[[Simulation, Call], Answer]:
    """Make a handler answer as the Graph API does, with what it returns or with why it refuses."""

    def answer(model: Simulation, call: Call) -> Answer:
        try:
            return json_answer(handler(model, call), headers=_headers())
        except Refused as why:
            return refused(why.code, str(why), subcode=why.subcode)

    return answer


def refused(code: int, message: str, *, subcode: int | None = None, regain: int = 0) -> Answer:
    """The Graph API's error; `regain` are the minutes after which it will answer again."""
    error: Json = {"message": message, "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return json_answer(
        {"error": error | {"fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW"}}, status=400, headers=_headers(regain)
    )


def bearer(call: Call) -> str:
    """The token that came with a call."""
    return call.headers.get("authorization", "").removeprefix("Bearer ") or call.params.get("access_token", "")


def pick(node: Node, fields: Sequence[Field], kind: str) -> Json:
    """The fields that were asked for, and the id; what has no value is left out."""
    for field in fields:
        if field.name not in node:
            raise Refused(100, f"(#100) Tried accessing nonexisting field ({field.name}) on node type ({kind})")
    asked = {field.name: node[field.name](field) for field in [*fields, Field("id", {}, [])]}
    return {name: value for name, value in asked.items() if value is not None}


def always(value: object) -> Callable[[Field], object]:
    """A field that is the same however it is asked for."""
    return lambda field: value


def paged(call: Call, nodes: Mapping[str, Node], kind: str, *, most: int) -> Json:
    """A page of a listing; `nodes` are all there are, by id, and the cursor is the last id shown."""
    fields, ids = read_fields(call.params.get("fields", "id")), list(nodes)
    limit = min(int(call.params.get("limit") or 25), most)
    after = base64.urlsafe_b64decode(call.params.get("after", "").encode() + b"==").decode(errors="replace")
    start = ids.index(after) + 1 if after in nodes else 0
    shown = ids[start : start + limit]
    content: Json = {"data": [pick(nodes[id_], fields, kind) for id_ in shown]}
    if shown:
        content["paging"] = {"cursors": {"before": _cursor(shown[0]), "after": _cursor(shown[-1])}}
    if start + limit < len(ids):
        kept = {name: value for name, value in call.params.items() if name not in {"id", "after"}}
        query = urlencode({"access_token": bearer(call), **kept, "after": _cursor(shown[-1])})
        content["paging"]["next"] = f"{call.url.rstrip('/')}{call.path}?{query}"
    return content


def told(id_: str, name: str, period: str, **value: object) -> Json:
    """One metric of an answer of `insights`."""
    title = name.replace("_", " ").capitalize()
    return {
        "name": name,
        "period": period,
        "title": title,
        "description": f"{title}.",
        **value,
        "id": f"{id_}/insights/{name}/{period}",
    }


def written(at: dt.datetime) -> str:
    """A moment as Meta writes it."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


# -- the account -------------------------------------------------------------------------------------------------------


def me(model: Simulation, call: Call) -> Json:
    """`/me`: the account whose own token it is."""
    seen = _seen(model, call)
    if bearer(call) == TOKEN:
        raise Refused(100, "(#100) Tried accessing nonexisting field (user_id) on node type (User)")
    [(profile, account)] = seen
    node = _account_node(model, call, profile, account)
    for_this_app = {"id": always(str(int(account.platform_id) // 7)), "user_id": node["id"]}
    return pick({**node, **for_this_app}, read_fields(call.params.get("fields", "id")), "IGUser")


def pages(model: Simulation, call: Call) -> Json:
    """`/me/accounts`: the Pages of the system user, each with its Instagram account; one has none."""
    seen = _seen(model, call)
    if bearer(call) != TOKEN:
        raise Refused(100, "(#100) Tried accessing nonexisting field (accounts) on node type (IGUser)")
    nodes: dict[str, Node] = {"100000000000001": {"id": always("100000000000001"), _LINKED: always(None)}}
    for profile, account in seen:
        id_ = str(int(account.platform_id) // 11)
        linked = _account_node(model, call, profile, account)
        nodes[id_] = {"id": always(id_), _LINKED: _within(linked)}
    return paged(call, nodes, "Page", most=100)


_LINKED = "instagram_business_account"


def _within(account: Node) -> Callable[[Field], Json]:
    return lambda field: pick(account, field.inner, "IGUser")


def _seen(model: Simulation, call: Call) -> list[tuple[Profile, Account]]:
    """The accounts that the token of a call opens."""
    token = bearer(call)
    found = [
        (profile, account)
        for profile, account in model.accounts("instagram")
        if token in {TOKEN, LOGIN_TOKENS[account.person.handle]}
    ]
    if not found:
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token")
    return found


def _asked(model: Simulation, call: Call) -> tuple[Profile, Account]:
    for profile, account in _seen(model, call):
        if call.params["id"] == account.platform_id:
            return profile, account
    raise _gone(call.params["id"])


def _gone(id_: str) -> Refused:
    what = "does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    return Refused(100, f"Unsupported get request. Object with ID '{id_}' {what}.", subcode=33)


def _account_node(model: Simulation, call: Call, profile: Profile, account: Account) -> Node:
    posts = account.earlier_posts + len(model.own_posts(profile.key, "instagram", call.now))
    return {
        "id": always(account.platform_id),
        "username": always(account.person.handle),
        "name": always(account.person.name),
        "biography": always(profile.about),
        "website": always(profile.url),
        "followers_count": always(model.followers_at(profile.key, "instagram", call.now)),
        "follows_count": always(210 + profile.site_id),
        "media_count": always(posts),
    }


# -- posts and stories -------------------------------------------------------------------------------------------------


def media(model: Simulation, call: Call) -> Json:
    """`/{account}/media`: posts and reels, newest first, in pages."""
    profile, account = _asked(model, call)
    posts = model.own_posts(profile.key, "instagram", call.now)
    return paged(call, {_id(post): _media_node(model, call, account, post) for post in posts}, "IGMedia", most=100)


def stories(model: Simulation, call: Call) -> Json:
    """`/{account}/stories`: those of the last 24 hours."""
    profile, account = _asked(model, call)
    found = model.stories(profile.key, call.now)
    nodes = {_id(post): _media_node(model, call, account, post, is_story=True) for post in found}
    return paged(call, nodes, "IGMedia", most=100)


def objects(model: Simulation, call: Call) -> Json:
    """`/?ids=…`: posts and stories by their ids, which v26.0 has ended."""
    raise Refused(100, "(#100) The ids parameter is not supported by this version")


def batch(model: Simulation, call: Call) -> list[Json]:
    """`POST /`: posts and stories, each asked for and answered by itself."""
    try:
        calls = msgspec.json.decode(call.params.get("batch", ""), type=list[dict[str, str]])
    except msgspec.MsgspecError:
        raise Refused(100, "(#100) param batch must be an array.") from None
    if len(calls) > _MOST_AT_ONCE:
        raise Refused(3, f"Too many requests in batch message. Maximum batch size is {_MOST_AT_ONCE}")
    _seen(model, call)
    answers = []
    for each in calls:
        path, _, query = each.get("relative_url", "").partition("?")
        asked = {**dict(parse_qsl(query)), "id": unquote(path)}
        answer = answered(object_)(model, msgspec.structs.replace(call, method="GET", params=asked))
        answers.append({"code": answer.status, "body": answer.body.decode()})
    return answers


def object_(model: Simulation, call: Call) -> Json:
    """`/{post}`: one post or story."""
    return _object(model, call, call.params["id"])


def _object(model: Simulation, call: Call, id_: str) -> Json:
    for profile, account in _seen(model, call):
        found = [(post, False) for post in model.own_posts(profile.key, "instagram", call.now)]
        found += [(story, True) for story in model.stories(profile.key, call.now)]
        for post, is_story in found:
            if _id(post) == id_:
                node = _media_node(model, call, account, post, is_story=is_story)
                return pick(node, read_fields(call.params.get("fields", "id")), "IGMedia")
    raise _gone(id_)


def _id(post: Post) -> str:
    return post_number(post, 17)


def _product(post: Post, *, is_story: bool) -> str:
    if is_story:
        return "STORY"
    return "REELS" if post.media == "video" else "FEED"


def _media_node(model: Simulation, call: Call, account: Account, post: Post, *, is_story: bool = False) -> Node:
    product, handle = _product(post, is_story=is_story), account.person.handle
    code = base64.urlsafe_b64encode(_id(post).encode()).decode()[:11]
    where = {"STORY": f"stories/{handle}/{_id(post)}", "REELS": f"reel/{code}/"}.get(product, f"p/{code}/")
    direct = [] if is_story else model.replies(post, call.now)
    below = sum(1 + len(model.replies(comment, call.now)) for comment in direct)

    def edge(field: Field, comments: Sequence[Post]) -> Json | None:
        newest = sorted(comments, key=lambda comment: comment.at, reverse=True)[: int(field.options.get("limit", "25"))]
        return {"data": [pick(node(comment), field.inner, "IGComment") for comment in newest]} if newest else None

    def node(comment: Post) -> Node:
        answers = model.replies(comment, call.now)
        return {**_comment_node(account.person, comment), "replies": lambda field: edge(field, answers)}

    return {
        "id": always(_id(post)),
        "caption": always(post.text or None),
        "media_type": always({"video": "VIDEO", "carousel": "CAROUSEL_ALBUM"}.get(post.media, "IMAGE")),
        "media_product_type": always(product),
        "permalink": always(f"https://www.instagram.com/{where}"),
        "timestamp": always(written(post.at)),
        "username": always(handle),
        "owner": always({"id": account.platform_id}),
        "like_count": always(post.count("likes", call.now)),
        "comments_count": always(below),
        "comments": lambda field: edge(field, direct),
        "insights": lambda field: _post_insights(model, call, post, product, field),
    }


def _comment_node(own: Person, comment: Post) -> Node:
    author = comment.author
    return {
        "id": always(_id(comment)),
        "text": always(comment.text),
        "timestamp": always(written(comment.at)),
        "username": always(author.handle),
        "from": always({"id": author.platform_id, "username": author.handle}),
        "user": always({"id": own.platform_id} if author == own else None),
        "like_count": always(0),
    }


_EVERY_KIND = frozenset({"views", "reach", "shares", "total_interactions", "reposts"})
_VALID: Mapping[str, frozenset[str]] = {
    "FEED": _EVERY_KIND | {"likes", "comments", "saved", "follows", "profile_visits", "profile_activity"},
    "REELS": _EVERY_KIND | {"likes", "comments", "saved", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"},
    "STORY": _EVERY_KIND | {"replies", "follows", "profile_visits", "profile_activity", "navigation"},
}


def _post_insights(model: Simulation, call: Call, post: Post, product: str, field: Field) -> Json:
    named = field.options.get("metric", "").split(",")
    _refuse_unknown(named, frozenset().union(*_VALID.values()))
    for name in named:
        if name not in _VALID[product]:
            what = f"does not support the {name} metric for this media product type"
            raise Refused(100, f"(#100) The Media Insights API {what}.")
    reached = model.reached(post, call.now)
    if product == "STORY" and reached < _FEWEST_VIEWERS:
        raise Refused(10, "(#10) Not enough viewers for the media to show insights")
    count = {kind: post.count(kind, call.now) for kind in post.reactions}
    comments = count.get("replies", 0) if product == "STORY" else len(model.replies(post, call.now))
    known = {
        "views": count["views"],
        "reach": reached,
        "likes": count["likes"],
        "comments": comments,
        "replies": comments,
        "shares": count["shares"],
        "saved": count.get("bookmarks", 0),
        "reposts": count.get("reposts", 0),
        "profile_visits": count["profile_visits"],
        "total_interactions": count["likes"] + comments + count["shares"] + count.get("bookmarks", 0),
        "ig_reels_video_view_total_time": round(model.watched(post, call.now) * 1000),
    }
    return {
        "data": [told(_id(post), name, "lifetime", values=[{"value": known[name]}]) for name in named if name in known]
    }


# -- days --------------------------------------------------------------------------------------------------------------


_EVENTS = {"likes": "likes", "comments": "replies", "shares": "shares", "saves": "bookmarks", "views": "views"}
_SPLITS = {
    **dict.fromkeys((*_EVENTS, "reach", "total_interactions"), frozenset({"", "media_product_type"})),
    "follows_and_unfollows": frozenset({"", "follow_type"}),
    "profile_links_taps": frozenset({"", "contact_button_type"}),
}
"""The metrics of an account, and what each may be split by."""


def insights(model: Simulation, call: Call) -> Json:
    """`/{account}/insights`: totals of the time from `since` to `until`, the second of `until` included."""
    profile, account = _asked(model, call)
    named = [name for name in call.params.get("metric", "").split(",") if name]
    _refuse_unknown(named, frozenset(_SPLITS))
    split = call.params.get("breakdown", "")
    for name in named:
        if call.params.get("metric_type") != "total_value":
            raise Refused(100, f"(#100) The metric {name} should be specified with parameter metric_type=total_value")
        if split not in _SPLITS[name]:
            raise Refused(100, f"(#100) Incompatible breakdown ({split}) with metric ({name})")
    since, until = span(call, most_days=_MOST_DAYS)
    totals = {name: _total(model, profile, name, split, since, until, call.now) for name in named}
    return {"data": [told(account.platform_id, name, "day", total_value=total) for name, total in totals.items()]}


def span(call: Call, *, most_days: int) -> tuple[dt.datetime, dt.datetime]:
    """From when to when is asked; the end is the first moment that is not."""
    now = int(call.now.timestamp())
    since, until = (int(call.params.get(name) or now) for name in ("since", "until"))
    if until - since > most_days * _DAY.total_seconds():
        raise Refused(100, f"(#100) There cannot be more than {most_days} days between since and until")
    return dt.datetime.fromtimestamp(since, dt.UTC), dt.datetime.fromtimestamp(until + 1, dt.UTC)


def _refuse_unknown(named: Sequence[str], valid: frozenset[str]) -> None:
    for index, name in enumerate(named):
        if name not in valid:
            raise Refused(
                100, f"(#100) metric[{index}] must be one of the following values: {', '.join(sorted(valid))}"
            )


def _total(
    model: Simulation, profile: Profile, name: str, split: str, since: dt.datetime, until: dt.datetime, now: dt.datetime
) -> Json:
    days = list(_days(since, until))
    if name == "profile_links_taps":
        return {"value": sum(model.reached_day(profile.key, "instagram", day, _PACIFIC, now) // 70 for day in days)}
    if name == "follows_and_unfollows":
        if not split or now < until + _DAY:
            return {}  # these come a day later than the rest, and only where they are split
        flows = [model.follows_day(profile.key, "instagram", day, _PACIFIC, now) for day in days]
        parts = {"FOLLOWER": sum(gained for gained, _ in flows), "NON_FOLLOWER": sum(lost for _, lost in flows)}
        return _split_total("follow_type", parts, sum(parts.values()))
    posts = [post for post in model.own_posts(profile.key, "instagram", now) if post.at >= since - _NOTHING_AFTER]
    by_surface: dict[str, list[Post]] = {}
    for post in posts:
        by_surface.setdefault(_SURFACES.get(post.media, "POST"), []).append(post)
    happened = _reached if name == "reach" else _counted(model, name)
    parts = {surface: happened(some, since, min(until, now)) for surface, some in by_surface.items()}
    total = happened(posts, since, min(until, now))
    ads = [model.ad_views_day(profile.key, "instagram", day, _PACIFIC, now) for day in days]
    if name in {"views", "reach"}:
        parts["AD"] = sum(people if name == "reach" else views for views, people in ads)
        total += parts["AD"]
    return _split_total(split, {surface: value for surface, value in parts.items() if value}, total)


_SURFACES = {"video": "REEL", "carousel": "CAROUSEL_CONTAINER"}


def _split_total(split: str, parts: Mapping[str, int], total: int) -> Json:
    if not split:
        return {"value": total}
    results = [{"dimension_values": [member], "value": value} for member, value in parts.items()]
    return {"value": total, "breakdowns": [{"dimension_keys": [split], "results": results}]}


def _counted(model: Simulation, name: str) -> Callable[[Sequence[Post], dt.datetime, dt.datetime], int]:
    """How many events there were; interactions are likes, comments, shares and saves together."""
    kinds = [kind for kind in _EVENTS.values() if kind != "views"] if name == "total_interactions" else [_EVENTS[name]]

    def by(post: Post, kind: str, moment: dt.datetime) -> int:
        return len(model.replies(post, moment)) if kind == "replies" else post.count(kind, moment)

    return lambda posts, since, until: sum(
        by(post, kind, until - _INSTANT) - by(post, kind, since - _INSTANT) for post in posts for kind in kinds
    )


def _reached(posts: Sequence[Post], since: dt.datetime, until: dt.datetime) -> int:
    viewers = [
        post.viewers[post.count("views", since - _INSTANT) : post.count("views", until - _INSTANT)]
        for post in posts
        if post.viewers is not None
    ]
    return len(np.unique(np.concatenate(viewers))) if viewers else 0


def _days(since: dt.datetime, until: dt.datetime) -> Iterator[dt.date]:
    """The Pacific days that lie wholly within."""
    day = since.astimezone(_PACIFIC).date()
    while dt.datetime.combine(day + _DAY, dt.time(), _PACIFIC) <= until:
        if dt.datetime.combine(day, dt.time(), _PACIFIC) >= since:
            yield day
        day += _DAY


# -- tokens and errors -------------------------------------------------------------------------------------------------


def refresh(model: Simulation, call: Call) -> Json:
    """`/refresh_access_token`: 60 more days for an account's own token."""
    if call.params.get("grant_type") != "ig_refresh_token" or bearer(call) not in LOGIN_TOKENS.values():
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token")
    return {"access_token": bearer(call), "token_type": "bearer", "expires_in": _LIVES}


def exchange(model: Simulation, call: Call) -> Json:
    """`/oauth/access_token`: 60 more days for the system user's token."""
    given = [call.params.get(name) for name in ("grant_type", "client_id", "client_secret", "fb_exchange_token")]
    if given != ["fb_exchange_token", APP_ID, APP_SECRET, TOKEN]:
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token")
    return {"access_token": TOKEN, "token_type": "bearer", "expires_in": _LIVES}


def _headers(regain: int = 0) -> dict[str, str]:
    used = 100 if regain else 3
    usage = {"type": "instagram", "call_count": used, "total_cputime": 2, "total_time": 3}
    limits = {APP_ID: [usage | {"estimated_time_to_regain_access": regain}]}
    return {
        "facebook-api-version": VERSION,
        "x-business-use-case-usage": msgspec.json.encode(limits).decode(),
        "x-fb-trace-id": "AbCdEfGhIjK",
    }


def _rate_limited(case: Case) -> Answer:
    return refused(4, "(#4) Application request limit reached", regain=math.ceil(case.seconds / 60))


def _cursor(id_: str) -> str:
    return base64.urlsafe_b64encode(id_.encode()).decode().rstrip("=")


_ROOT = f"/instagram/{VERSION}"
ROUTES: tuple[Route, ...] = (
    Route("GET", "/instagram/refresh_access_token", "instagram.refresh", answered(refresh)),
    Route("GET", f"{_ROOT}/oauth/access_token", "instagram.exchange", answered(exchange)),
    Route("GET", f"{_ROOT}/me", "instagram.me", answered(me)),
    Route("GET", f"{_ROOT}/me/accounts", "instagram.accounts", answered(pages)),
    Route("GET", f"{_ROOT}/", "instagram.objects", answered(objects)),
    Route("POST", f"{_ROOT}/", "instagram.batch", answered(batch)),
    Route("GET", f"{_ROOT}/{{id}}", "instagram.object", answered(object_)),
    Route("GET", f"{_ROOT}/{{id}}/media", "instagram.media", answered(media)),
    Route("GET", f"{_ROOT}/{{id}}/stories", "instagram.stories", answered(stories)),
    Route("GET", f"{_ROOT}/{{id}}/insights", "instagram.insights", answered(insights)),
)

FAULT_ANSWERS: FaultAnswers = {
    **facebook.FAULT_ANSWERS,
    "rate_limited": _rate_limited,
    "metric_withheld": facebook.withheld("reach"),
}
