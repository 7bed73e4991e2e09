"""The sandbox's Facebook: the Graph API v26.0 of Pages, as a system user and a Page's own token see it.

Pages, posts, comments and errors have the shapes of recorded answers; insights follow Meta's documents, since no
recording knows the metrics of 2026.
"""

import base64
import datetime as dt
import hashlib
import hmac
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

import msgspec

from widerview.sandbox.answer import Answer, Call, Case, Fault, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Account, Post, Profile, Simulation, post_number

VERSION = "v26.0"
TOKEN = "EAASandboxSystemUserOpensNothingElse"  # noqa: S105 - opens nothing but the sandbox
"""The token of the agency's system user: it opens the Pages' own tokens."""
APP_ID = "800000000000001"
APP_SECRET = "5a11db0c5a11db0cfacebook5a11db0c"  # noqa: S105 - opens nothing but the sandbox

_PACIFIC = ZoneInfo("America/Los_Angeles")
_DAY = dt.timedelta(days=1)
_MOST_DAYS = 90
_MOST_POSTS = 100
_NOT_TOO_MANY = 30

Json = dict[str, Any]


class Field(NamedTuple):
    """A field as it is asked for, e.g. `comments.limit(5){id}`: its name, its modifiers, and the fields within."""

    name: str
    options: Mapping[str, str]
    inner: "Sequence[Field]"


Node = Mapping[str, Callable[[Field], Any]]
"""What can be asked of an object, by field; a field without a value is left out of the answer."""


class _Refused(Exception):
    """What Facebook says instead of an answer."""

    def __init__(
        self, code: int, message: str, *, subcode: int | None = None, status: int = 400, kind: str = "OAuthException"
    ) -> None:
        super().__init__(message)
        self.answer = _error(code, message, subcode=subcode, status=status, kind=kind)


def exchange(model: Simulation, call: Call) -> Answer:
    """`/oauth/access_token`: a token that lives 60 days, for one that still lives."""
    given = [call.params.get(name) for name in ("grant_type", "client_id", "client_secret")]
    if given != ["fb_exchange_token", APP_ID, APP_SECRET]:
        return _error(1, "Error validating client secret.")
    if call.params.get("fb_exchange_token") != TOKEN:
        return _error(190, "Invalid OAuth access token - Cannot parse access token")
    return _ok({"access_token": TOKEN, "token_type": "bearer", "expires_in": 5183944})


def page(model: Simulation, call: Call) -> Answer:
    """`/{page}`: the Page itself."""

    def answer() -> Answer:
        profile, account = _page(model, call)
        fields = read_fields(call.params.get("fields", "name,id"))
        return _ok(_pick(_page_node(model, call, profile, account), fields, "Page"))

    return _or_refused(answer)


def insights(model: Simulation, call: Call) -> Answer:
    """`/{page}/insights`: what each Pacific day gave."""

    def answer() -> Answer:
        profile, account = _page(model, call, own=True)
        named = [name for name in call.params.get("metric", "").split(",") if name]
        if not named:
            raise _Refused(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
        since, until = (int(call.params.get(name) or call.now.timestamp()) for name in ("since", "until"))
        if until - since > _MOST_DAYS * _DAY.total_seconds():
            raise _Refused(100, "(#100) There cannot be more than 90 days (7776000 s) between since and until")
        days = list(_days_over(since, min(until, int(call.now.timestamp()))))
        data = []
        for name in named:
            if name not in _DAY_METRICS:
                raise _Refused(100, "(#100) The value must be a valid insights metric")
            values = []
            for day in days:
                organic, paid = _DAY_METRICS[name](model, profile.key, day, call.now)
                ends = {"end_time": _time(dt.datetime.combine(day + _DAY, dt.time(), _PACIFIC))}
                if call.params.get("breakdown") == "is_from_ads" and name in _SPLIT:
                    values += [
                        {"value": organic} | ends | {"is_from_ads": "0"},
                        {"value": paid} | ends | {"is_from_ads": "1"},
                    ]
                else:
                    values.append({"value": organic + paid} | ends)
            data.append(_insight(account.platform_id, name, "day", values))
        here = f"{call.url}facebook/{VERSION}/{account.platform_id}/insights?access_token={_page_token(account)}"
        span = until - since
        return _ok({
            "data": data,
            "paging": {
                "previous": f"{here}&since={since - span}&until={since}&metric={quote(','.join(named))}&period=day",
                "next": f"{here}&since={until}&until={until + span}&metric={quote(','.join(named))}&period=day",
            },
        })  # fmt: skip

    return _or_refused(answer)


def published_posts(model: Simulation, call: Call) -> Answer:
    """`/{page}/published_posts`: its posts, newest first, in pages."""

    def answer() -> Answer:
        profile, account = _page(model, call, own=True)
        fields = read_fields(call.params.get("fields", "created_time,message,id"))
        limit = min(int(call.params.get("limit") or 25), _MOST_POSTS)
        since = float(call.params.get("since") or 0)
        until = float(call.params.get("until") or math.inf)
        posts = [
            post for post in model.own_posts(profile.key, "facebook", call.now) if since <= post.at.timestamp() <= until
        ]
        keys = [_cursor(post) for post in posts]
        after = call.params.get("after")
        start = keys.index(after) + 1 if after in keys else 0
        shown = posts[start : start + limit]
        content: Json = {"data": [_pick(_post_node(model, call.now, account, post), fields, "Post") for post in shown]}
        if shown:
            content["paging"] = {"cursors": {"before": _cursor(shown[0]), "after": _cursor(shown[-1])}}
        if start + limit < len(posts):
            asked = {name: value for name, value in call.params.items() if name not in {"id", "after", "access_token"}}
            query = urlencode({"access_token": _page_token(account), **asked, "after": _cursor(shown[-1])})
            where = f"{call.url}facebook/{VERSION}/{account.platform_id}/published_posts"
            content["paging"]["next"] = f"{where}?{query}"
        return _ok(content)

    return _or_refused(answer)


# -- who asks ----------------------------------------------------------------------------------------------------------


def _page(model: Simulation, call: Call, *, own: bool = False) -> tuple[Profile, Account]:
    """The Page that is asked for, by its id, its username or `me`; with `own`, only to its own token."""
    token = call.headers.get("authorization", "").removeprefix("Bearer ") or call.params.get("access_token", "")
    pages = list(model.accounts("facebook"))
    tokens = {_page_token(account): account.platform_id for _, account in pages}
    if not token:
        raise _Refused(104, "An access token is required to request this resource.")
    if token != TOKEN and token not in tokens:
        raise _Refused(190, "Invalid OAuth access token - Cannot parse access token")
    proof = call.params.get("appsecret_proof")
    if proof not in {None, hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()}:
        raise _Refused(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")
    wanted = call.params["id"]
    wanted = tokens.get(token, wanted) if wanted == "me" else wanted
    for profile, account in pages:
        if wanted in {account.platform_id, account.person.handle}:
            if own and tokens.get(token) != account.platform_id:
                raise _Refused(190, "(#190) This method must be called with a Page Access Token", subcode=2069032)
            return profile, account
    if not wanted.isdecimal():
        raise _Refused(803, f"(#803) Some of the aliases you requested do not exist: {wanted}", status=404)
    raise _Refused(
        100,
        f"Unsupported get request. Object with ID '{wanted}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation.",
        subcode=33,
        kind="GraphMethodException",
    )


def _page_token(account: Account) -> str:
    return f"EAASandboxPage{account.platform_id}"


# -- fields ------------------------------------------------------------------------------------------------------------

_WORDS = re.compile(r"\.\w+\([^()]*\)|[A-Za-z_]\w*|[,{}]")


def read_fields(text: str) -> list[Field]:
    """What a `fields` parameter asks for, e.g. `id,comments.limit(5).summary(true){id,from{id}}`.

    Raises:
        Exception: As Facebook refuses what it cannot read (code 2500).
    """
    words = _WORDS.findall(text)
    if "".join(words) != text:
        raise _Refused(2500, f"Syntax error near '{text[:20]}'")
    fields = _read_fields(words)
    if words:
        raise _Refused(2500, f'Syntax error "Expected end of string instead of "{words[0]}"."')
    return fields


def _read_fields(words: list[str]) -> list[Field]:
    fields = []
    while words:
        name, options, inner = words.pop(0), {}, []
        while words and words[0].startswith("."):
            option, _, value = words.pop(0)[1:-1].partition("(")
            options[option] = value
        if words and words[0] == "{":
            del words[0]
            inner = _read_fields(words)
            if not words or words.pop(0) != "}":
                raise _Refused(2500, 'Syntax error "Expected "}" instead of end of string."')
        fields.append(Field(name, options, inner))
        if not words or words[0] != ",":
            break
        del words[0]
    return fields


def _pick(node: Node, fields: Sequence[Field], kind: str) -> Json:
    """The fields that were asked for, and the id, which Facebook always gives."""
    for field in fields:
        if field.name not in node:
            raise _Refused(100, f"(#100) Tried accessing nonexisting field ({field.name}) on node type ({kind})")
    asked = {field.name: node[field.name](field) for field in fields}
    asked.setdefault("id", node["id"](Field("id", {}, [])))
    return {name: value for name, value in asked.items() if value is not None}


def _always(value: object) -> Callable[[Field], object]:
    return lambda field: value


def _page_node(model: Simulation, call: Call, profile: Profile, account: Account) -> Node:
    followers = model.followers_at(profile.key, "facebook", call.now)
    return {
        "id": _always(account.platform_id),
        "name": _always(account.person.name),
        "username": _always(account.person.handle),
        "link": _always(f"https://www.facebook.com/{account.platform_id}"),
        "about": _always(profile.about),
        "category": _always("Local business"),
        "followers_count": _always(followers),
        "fan_count": _always(followers * 9 // 10),
        "access_token": _always(_page_token(account)),
    }


def _post_node(model: Simulation, now: dt.datetime, account: Account, post: Post) -> Node:
    number, shares = post_number(post, 15), post.count("shares", now)
    comments = list(_below(model, now, post))
    pictured = post.media != "none"
    message = f"{post.text} {post.link}" if pictured and post.link else post.text

    def reactions(field: Field) -> Json:
        return {"data": [], "summary": {"total_count": post.count("likes", now), "viewer_reaction": "NONE"}}

    def edge(field: Field) -> Json:
        found = comments if field.options.get("filter") == "stream" else [c for c in comments if c.parent == post]
        found.sort(key=lambda comment: comment.at, reverse=field.options.get("order") == "reverse_chronological")
        limit = int(field.options.get("limit", "25"))
        nodes = [_comment_node(account, comment) for comment in found[:limit]]
        summary = {"order": field.options.get("order", "ranked"), "total_count": len(found), "can_comment": True}
        return {
            "data": [_pick(node, field.inner, "Comment") for node in nodes],
            **({"summary": summary} if "summary" in field.options else {}),
        }

    return {
        "id": _always(f"{account.platform_id}_{number}"),
        "created_time": _always(_time(post.at)),
        "updated_time": _always(_time(max([post.at, *(comment.at for comment in comments)]))),
        "message": _always(message or None),
        "permalink_url": _always(f"https://www.facebook.com/{account.platform_id}/posts/{number}"),
        "status_type": _always("added_photos" if pictured else "mobile_status_update"),
        "from": _always({"name": account.person.name, "id": account.platform_id}),
        "shares": _always({"count": shares} if shares else None),
        "attachments": lambda field: _attachments(post, number, field),
        "reactions": reactions,
        "comments": edge,
        "insights": lambda field: _post_insights(model, now, account, post, field),
    }


def _attachments(post: Post, number: str, field: Field) -> Json | None:
    if post.media == "none" and not post.link:
        return None
    shown = f"https://www.facebook.com/photo/?fbid={number}"
    kind = {"image": "photo", "carousel": "album", "video": "video"}.get(post.media, "link")
    of_link = kind == "link"
    node: Node = {
        "id": _always(number),
        "media_type": _always(kind),
        "type": _always("share" if of_link else kind),
        "description": _always(post.image),
        "url": _always(f"https://l.facebook.com/l.php?u={quote(post.link or '', safe='')}" if of_link else shown),
        "unshimmed_url": _always(post.link if of_link else shown),
    }
    picked = _pick(node, field.inner, "StoryAttachment")
    picked.pop("id")  # attachments have none
    return {"data": [picked]}


def _comment_node(account: Account, comment: Post) -> Node:
    of_page = comment.author == account.person
    root = post_number(comment.root, 15)
    id_ = f"{root}_{post_number(comment, 15)}"
    parent = comment.parent
    above: Node = {"id": _always(f"{root}_{post_number(parent, 15)}") if parent else _always(None)}
    return {
        "id": _always(id_),
        "created_time": _always(_time(comment.at)),
        "message": _always(comment.text),
        "permalink_url": _always(
            f"https://www.facebook.com/{account.platform_id}/posts/{root}/?comment_id={id_.partition('_')[2]}"
        ),
        "from": lambda field: _pick(
            {
                "id": _always(account.platform_id if of_page else comment.author.platform_id),
                "name": _always(comment.author.name),
            },
            field.inner or read_fields("name,id"),
            "User",
        ),
        "parent": lambda field: _pick(above, field.inner, "Comment") if parent and parent.parent else None,
    }


def _below(model: Simulation, now: dt.datetime, post: Post) -> Iterator[Post]:
    for reply in model.replies(post, now):
        yield reply
        yield from _below(model, now, reply)


# -- numbers -----------------------------------------------------------------------------------------------------------

_Day = Callable[[Simulation, str, dt.date, dt.datetime], tuple[int, int]]


def _events(*kinds: str) -> _Day:
    def count(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> tuple[int, int]:
        return sum(model.account_day(client, "facebook", kind, day, _PACIFIC, now) for kind in kinds), 0

    return count


def _views(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> tuple[int, int]:
    return _events("views")(model, client, day, now)[0], model.ad_views_day(client, "facebook", day, _PACIFIC, now)[0]


def _viewers(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> tuple[int, int]:
    paid = model.ad_views_day(client, "facebook", day, _PACIFIC, now)[1]
    return model.reached_day(client, "facebook", day, _PACIFIC, now), paid


def _follows(index: int) -> _Day:
    return lambda model, client, day, now: (model.follows_day(client, "facebook", day, _PACIFIC, now)[index], 0)


def _share_of_viewers(divisor: int) -> _Day:
    return lambda model, client, day, now: (model.reached_day(client, "facebook", day, _PACIFIC, now) // divisor, 0)


_DAY_METRICS: Mapping[str, _Day] = {
    "page_media_view": _views,
    "page_total_media_view_unique": _viewers,
    "page_post_engagements": _events("likes", "replies", "shares", "clicks"),
    "page_views_total": _share_of_viewers(20),
    "page_video_views": lambda model, client, day, now: (0, 0),
    "page_daily_follows_unique": _follows(0),
    "page_daily_unfollows_unique": _follows(1),
    "page_total_actions": _share_of_viewers(90),
}
"""What each metric of a day counts, organic and paid."""
_SPLIT = frozenset({"page_media_view", "post_media_view"})


def _post_insights(model: Simulation, now: dt.datetime, account: Account, post: Post, field: Field) -> Json:
    clicks, link_clicks = post.count("clicks", now), post.count("link_clicks", now)
    by_type = {"other clicks": clicks - link_clicks, "link clicks": link_clicks}
    values: dict[str, object] = {
        "post_media_view": post.count("views", now),
        "post_total_media_view_unique": model.reached(post, now),
        "post_clicks": clicks,
        "post_clicks_by_type": {kind: number for kind, number in by_type.items() if number},
        "post_video_views": 0,
        "post_video_view_time": 0,
    }
    named = field.options.get("metric", "").split(",")
    if not set(named) <= set(values):
        raise _Refused(100, "(#100) For field 'insights': The value must be a valid insights metric")
    split = field.options.get("breakdown") == "is_from_ads"
    id_ = f"{account.platform_id}_{post_number(post, 15)}"
    return {
        "data": [
            _insight(
                id_,
                name,
                "lifetime",
                [{"value": values[name], "is_from_ads": "0"}, {"value": 0, "is_from_ads": "1"}]
                if split and name in _SPLIT
                else [{"value": values[name]}],
            )
            for name in named
        ]
    }


def _insight(id_: str, name: str, period: str, values: list[Json]) -> Json:
    title = name.replace("_", " ").capitalize()
    return {
        "name": name,
        "period": period,
        "values": values,
        "title": title,
        "description": f"{title}.",
        "id": f"{id_}/insights/{name}/{period}",
    }


def _days_over(since: int, until: int) -> Iterator[dt.date]:
    """The Pacific days whose end lies after `since` and not after `until`."""
    day = dt.datetime.fromtimestamp(since, _PACIFIC).date()
    while dt.datetime.combine(day + _DAY, dt.time(), _PACIFIC).timestamp() <= until:
        yield day
        day += _DAY


# -- how it answers ----------------------------------------------------------------------------------------------------


def _or_refused(answer: Callable[[], Answer]) -> Answer:
    try:
        return answer()
    except _Refused as refused:
        return refused.answer


def _ok(content: Json) -> Answer:
    return json_answer(content, headers=_headers())


def _headers(*, regain: int = 0) -> dict[str, str]:
    used = 100 if regain else 4
    usage = (
        f'{{"{APP_ID}":[{{"type":"pages","call_count":{used},"total_cputime":2,"total_time":3,'
        f'"estimated_time_to_regain_access":{regain}}}]}}'
    )
    return {"facebook-api-version": VERSION, "x-business-use-case-usage": usage, "x-fb-trace-id": "AbCdEfGhIjK"}


def _error(
    code: int, message: str, *, subcode: int | None = None, status: int = 400, kind: str = "OAuthException"
) -> Answer:
    error: Json = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return json_answer({"error": error | {"fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW"}}, status=status, headers=_headers())


def _rate_limited(case: Case) -> Answer:
    spent = _error(32, "(#32) Page request limit reached")
    return msgspec.structs.replace(spent, headers={**spent.headers, **_headers(regain=math.ceil(case.seconds / 60))})


def _unauthorized(case: Case) -> Answer:
    return _error(190, "Error validating access token: Session has expired.", subcode=463)


def _too_much_data(case: Case) -> Answer:
    """Listings are refused whose pages would have more than so many items, whatever is asked of them."""
    if int(case.call.params.get("limit") or 0) <= _NOT_TOO_MANY:
        return case.answer
    return _error(1, "Please reduce the amount of data you're asking for, then retry your request", status=500)


def withheld(metric: str) -> Fault:
    """Whatever names a metric is refused, as Meta does to accounts that it withholds one from; so is it in a batch."""
    named = re.compile(rf"\b{metric}\b")
    refusal = _error(200, "(#200) This account does not have permission to read this metric")

    def answer(case: Case) -> Answer:
        params = case.call.params
        if "batch" not in params:
            return refusal if named.search(f"{params.get('metric')} {params.get('fields')}") else case.answer
        parts = msgspec.json.decode(case.answer.body)
        for number, call in enumerate(msgspec.json.decode(params["batch"])):
            if named.search(unquote(call["relative_url"])):
                parts[number] = {"code": refusal.status, "body": refusal.body.decode()}
        return msgspec.structs.replace(case.answer, body=json_answer(parts).body)

    return answer


def _cursor_loop(case: Case) -> Answer:
    """The way to the next page leads to the first one, for ever."""
    first = case.ask_without("after")
    content = msgspec.json.decode(first.body)
    if isinstance(content, dict) and "cursors" in content.get("paging", {}):
        content["paging"] = {"cursors": {"after": "Zmlyc3Q"}, "next": f"{case.call.url}facebook?after=Zmlyc3Q"}
    return msgspec.structs.replace(first, body=json_answer(content).body)


def _duplicate_page(case: Case) -> Answer:
    """The page is the first one again, while the way onward is the right one."""
    content, honest = msgspec.json.decode(case.ask_without("after").body), msgspec.json.decode(case.answer.body)
    if not isinstance(content, dict):
        return case.answer
    content.pop("paging", None)
    onward = {"paging": honest["paging"]} if "paging" in honest else {}
    return msgspec.structs.replace(case.answer, body=json_answer(content | onward).body)


def _cursor(post: Post) -> str:
    return base64.urlsafe_b64encode(f"{post.at.timestamp():.0f}:{post_number(post, 15)}".encode()).decode().rstrip("=")


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


ROUTES: tuple[Route, ...] = (
    Route("GET", f"/facebook/{VERSION}/oauth/access_token", "facebook.exchange", exchange),
    Route("GET", f"/facebook/{VERSION}/{{id}}", "facebook.page", page),
    Route("GET", f"/facebook/{VERSION}/{{id}}/insights", "facebook.insights", insights),
    Route("GET", f"/facebook/{VERSION}/{{id}}/published_posts", "facebook.posts", published_posts),
)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": _rate_limited,
    "unauthorized": _unauthorized,
    "cursor_loop": _cursor_loop,
    "duplicate_page": _duplicate_page,
    "too_much_data": _too_much_data,
    "metric_withheld": withheld("(page|post)_total_media_view_unique"),
}
