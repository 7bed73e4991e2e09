"""The sandbox's TikTok: the Display API v2 and the Business API v1.3, as the owner of the one account sees them.

Shapes follow TikTok's documents of 2026, and for the Business API's tokens answers recorded in 2024. Both servers stand
below one path: `/tiktok/v2/…` is the Display API's, `/tiktok/open_api/v1.3/…` the Business API's. As with TikTok, a
token opens one account: the first there is.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Handler, Route, json_answer
from widerview.sandbox.model import Account, Post, Profile, Simulation, post_number

TOKEN = "act.5a11db0c-tiktok-5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token that both APIs of the sandbox's TikTok want."""
REFRESH_TOKEN = "rft.5a11db0c-tiktok-5a11db0c5a11db0c"  # noqa: S105
"""What a new access token is got with; the sandbox gives the same again."""
CLIENT = "aw5a11db0c5a11db0c"
CLIENT_SECRET = "5a11db0c5a11db0c5a11db0c"  # noqa: S105
"""The app's, for new access tokens: `client_key` of the Display API, `client_id` of the Business API."""

_DAY = dt.timedelta(days=1)
_MOST_POSTS = 20
_MOST_COMMENTS = 30
_MOST_INLINE = 3
_DAYS_BACK = 60
_VIEWS_A_CLICK, _VIEWS_A_FORM = 90, 400
_ID_DIGITS = 19
_DISPLAY_LIVES, _DISPLAY_REFRESH_LIVES = 7_200, 15_552_000
_BUSINESS_LIVES, _BUSINESS_REFRESH_LIVES = 86_400, 31_536_000

Json = dict[str, Any]
_Field = Callable[[Simulation, Profile, Post, dt.datetime], Any]


# -- Display API -----------------------------------------------------------------------------------------------------


def user_info(model: Simulation, call: Call) -> Answer:
    """`GET /v2/user/info/`."""
    profile, account = _owner(model)
    user = {
        "open_id": account.platform_id,
        "union_id": account.platform_id[::-1],
        "username": account.person.handle,
        "display_name": account.person.name,
        "bio_description": profile.about,
        "profile_deep_link": f"https://www.tiktok.com/@{account.person.handle}",
        "is_verified": False,
        **_account_totals(model, profile, account, call.now, ("follower_count", "likes_count", "video_count")),
    }
    fields = _words(call)
    if unknown := _unknown(fields, user):
        return _invalid(unknown)
    return _ok({"user": {name: user[name] for name in fields}})


def video_list(model: Simulation, call: Call) -> Answer:
    """`POST /v2/video/list/`: posts from the cursor's moment back."""
    profile, _ = _owner(model)
    fields, body = _words(call), call.json
    if unknown := _unknown(fields, _DISPLAY_POST):
        return _invalid(unknown)
    if not isinstance(body, dict) or not 0 < body.get("max_count", 10) <= _MOST_POSTS:
        return _display_error(400, "invalid_params", "The max_count is invalid, it must be within 1 and 20")
    return _ok(_page_of_posts(model, profile, call, body, {name: _DISPLAY_POST[name] for name in fields}))


def display_token(model: Simulation, call: Call) -> Answer:
    """`POST /v2/oauth/token/`: a new pair of tokens; errors come with HTTP 200."""
    if not _may_renew(call.params, "client_key"):
        refused = {"error": "invalid_grant", "error_description": "Refresh token is invalid or expired."}
        return json_answer(refused | {"log_id": _log_id(call)})
    granted = {"expires_in": _DISPLAY_LIVES, "refresh_expires_in": _DISPLAY_REFRESH_LIVES}
    return json_answer(_tokens(model, "user.info.basic,user.info.profile,user.info.stats,video.list") | granted)


# -- Business API ----------------------------------------------------------------------------------------------------


def business_get(model: Simulation, call: Call) -> Answer:
    """`GET /business/get/`: the account, and its days in UTC as far as they are worked up."""
    profile, account = _owner(model)
    described = {
        "username": account.person.handle,
        "display_name": account.person.name,
        "is_business_account": True,
        **_account_totals(model, profile, account, call.now, ("followers_count", "total_likes", "videos_count")),
    }
    fields = _json_list(call)
    if unknown := _unknown(fields, [*described, *_DAILY]):
        return _bad_field(unknown)
    data = {name: value for name, value in described.items() if name in fields}
    if asked := [name for name in fields if name in _DAILY]:
        today = call.now.astimezone(dt.UTC).date()
        first = dt.date.fromisoformat(call.params.get("start_date", str(today - 7 * _DAY)))
        last = min(dt.date.fromisoformat(call.params.get("end_date", str(today - _DAY))), today - 2 * _DAY)
        if (today - first).days > _DAYS_BACK:
            return _business_error(40002, "start_date: The maximum supported look-back period is 60 days.")
        days = [first + n * _DAY for n in range((last - first).days + 1)]
        data["metrics"] = [
            {"date": str(day), **_present({name: _DAILY[name](model, profile, day, call.now) for name in asked})}
            for day in days
        ]
    return _fine(call, data)


def business_videos(model: Simulation, call: Call) -> Answer:
    """`GET /business/video/list/`: posts from the cursor's moment back."""
    profile, _ = _owner(model)
    fields = _json_list(call)
    if unknown := _unknown(fields, _BUSINESS_POST):
        return _bad_field(unknown)
    asked = {name: _BUSINESS_POST[name] for name in fields}
    return _fine(call, _page_of_posts(model, profile, call, call.params, asked))


def comment_list(model: Simulation, call: Call) -> Answer:
    """`GET /business/comment/list/`: the comments on a post, with up to three answers each."""
    post = _find(model, call)
    if post is None:
        return _business_error(40002, "video_id: The video does not exist or does not belong to the account.")
    comments = model.replies(post, call.now)
    inline = call.params.get("include_replies") == "true"
    return _page_of_comments(call, [_comment(model, post, comment, call, inline=inline) for comment in comments])


def reply_list(model: Simulation, call: Call) -> Answer:
    """`GET /business/comment/reply/list/`: the answers to a comment."""
    post = _find(model, call)
    for comment in model.replies(post, call.now) if post else []:
        if post and _id(comment) == call.params.get("comment_id"):
            answers = model.replies(comment, call.now)
            return _page_of_comments(call, [_comment(model, post, answer, call) for answer in answers])
    return _business_error(40002, "comment_id: The comment does not exist.")


def business_token(model: Simulation, call: Call) -> Answer:
    """`POST /tt_user/oauth2/refresh_token/`: a new pair of tokens."""
    if not isinstance(call.json, dict) or not _may_renew(call.json, "client_id"):
        return _business_error(40103, "The refresh token is invalid or has expired.")
    granted = {"expires_in": _BUSINESS_LIVES, "refresh_token_expires_in": _BUSINESS_REFRESH_LIVES}
    scope = "comment.list,user.info.basic,user.info.stats,user.info.username,user.insights,video.insights,video.list"
    return _fine(call, _tokens(model, scope) | granted)


# -- what they have in common ----------------------------------------------------------------------------------------


def _owner(model: Simulation) -> tuple[Profile, Account]:
    return next(model.accounts("tiktok"))


def _account_totals(
    model: Simulation, profile: Profile, account: Account, now: dt.datetime, names: Sequence[str]
) -> Json:
    posts = model.own_posts(profile.key, "tiktok", now)
    values = (
        model.followers_at(profile.key, "tiktok", now),
        sum(post.count("likes", now) for post in posts),
        account.earlier_posts + len(posts),
    )
    return {"following_count": 40 + len(account.person.name), **dict(zip(names, values, strict=True))}


def _page_of_posts(
    model: Simulation, profile: Profile, call: Call, asked: Mapping[str, Any], fields: Mapping[str, _Field]
) -> Json:
    before = int(asked.get("cursor") or call.now.timestamp() * 1000 + 1)
    size = int(asked.get("max_count") or 10)
    posts = [post for post in model.own_posts(profile.key, "tiktok", call.now) if _ms(post) < before]
    page = posts[:size]
    shown = [{name: value(model, profile, post, call.now) for name, value in fields.items()} for post in page]
    return {
        "videos": [_present(video) for video in shown],
        "cursor": _ms(page[-1]) if page else before,
        "has_more": len(posts) > size,
    }


def _commented(model: Simulation, profile: Profile, post: Post, now: dt.datetime) -> int:
    comments = model.replies(post, now)
    return len(comments) + sum(len(model.replies(comment, now)) for comment in comments)


def _followed(post: Post, now: dt.datetime, views: int) -> int:
    """What people did once in so many views of a post."""
    return post.count("views", now) // views


def _total(kind: str) -> _Field:
    return lambda model, profile, post, now: post.count(kind, now)


def _address(post: Post) -> str:
    source = f"utm_campaign=tt4d_open_api&utm_source={CLIENT}"
    return f"https://www.tiktok.com/@{post.author.handle}/video/{_id(post)}?{source}"


_DISPLAY_POST: Mapping[str, _Field] = {
    "id": lambda model, profile, post, now: _id(post),
    "create_time": lambda model, profile, post, now: int(post.at.timestamp()),
    "share_url": lambda model, profile, post, now: _address(post),
    "title": lambda model, profile, post, now: post.text,
    "video_description": lambda model, profile, post, now: post.text,
    "duration": lambda model, profile, post, now: post.duration,
    "view_count": _total("views"),
    "like_count": _total("likes"),
    "comment_count": _commented,
    "share_count": _total("shares"),
}
_BUSINESS_POST: Mapping[str, _Field] = {
    "item_id": lambda model, profile, post, now: _id(post),
    "create_time": lambda model, profile, post, now: str(int(post.at.timestamp())),
    "share_url": lambda model, profile, post, now: _address(post),
    "caption": lambda model, profile, post, now: post.text,
    "media_type": lambda model, profile, post, now: "VIDEO",
    "video_duration": lambda model, profile, post, now: float(post.duration),
    "video_views": _total("views"),
    "likes": _total("likes"),
    "comments": _commented,
    "shares": _total("shares"),
    "favorites": lambda model, profile, post, now: None,
    "reach": lambda model, profile, post, now: model.reached(post, now),
    "total_time_watched": lambda model, profile, post, now: round(model.watched(post, now), 3),
    "website_clicks": lambda model, profile, post, now: _followed(post, now, _VIEWS_A_CLICK),
    "lead_submissions": lambda model, profile, post, now: _followed(post, now, _VIEWS_A_FORM),
}
"""What can be asked of a post; None where there is none."""

_Daily = Callable[[Simulation, Profile, dt.date, dt.datetime], int | None]


def _events(kind: str) -> _Daily:
    return lambda model, profile, day, now: model.account_day(profile.key, "tiktok", kind, day, dt.UTC, now)


def _done(views: int) -> _Daily:
    """What people did once in so many views, on a day: what all posts had at its end less what they had before."""

    def of_day(model: Simulation, profile: Profile, day: dt.date, now: dt.datetime) -> int:
        opens = dt.datetime.combine(day, dt.time(), dt.UTC)
        ends = min(opens + _DAY, now)
        posts = model.own_posts(profile.key, "tiktok", ends)
        return sum(_followed(post, ends, views) - _followed(post, opens, views) for post in posts)

    return of_day


def _followers(which: int) -> _Daily:
    return lambda model, profile, day, now: model.follows_day(profile.key, "tiktok", day, dt.UTC, now)[which]


_DAILY: Mapping[str, _Daily] = {
    "video_views": _events("views"),
    "unique_video_views": lambda model, profile, day, now: model.reached_day(profile.key, "tiktok", day, dt.UTC, now),
    "profile_views": lambda model, profile, day, now: None,
    "likes": _events("likes"),
    "comments": _events("replies"),
    "shares": _events("shares"),
    "daily_new_followers": _followers(0),
    "daily_lost_followers": _followers(1),
    "bio_link_clicks": _done(_VIEWS_A_CLICK),
    "lead_submissions": _done(_VIEWS_A_FORM),
}


def _present(values: Json) -> Json:
    """Without what TikTok does not have: it leaves that out."""
    return {name: value for name, value in values.items() if value is not None}


def _find(model: Simulation, call: Call) -> Post | None:
    posts = model.own_posts(_owner(model)[0].key, "tiktok", call.now)
    return next((post for post in posts if _id(post) == call.params.get("video_id")), None)


def _comment(model: Simulation, post: Post, comment: Post, call: Call, *, inline: bool = False) -> Json:
    answers = model.replies(comment, call.now)
    author = comment.author
    shown: Json = {
        "comment_id": _id(comment),
        "video_id": _id(post),
        "user_id": hashlib.sha256(author.handle.encode()).hexdigest(),
        "unique_identifier": author.platform_id,
        "create_time": str(int(comment.at.timestamp())),
        "text": comment.text,
        "likes": comment.count("likes", call.now),
        "replies": len(answers),
        "owner": author == post.author,
        "liked": False,
        "pinned": False,
        "status": "PUBLIC",
        "username": author.handle,
        "display_name": author.name,
        "profile_image": f"https://p16-sign-va.tiktokcdn.com/{author.platform_id}.webp",
    }
    if comment.parent and comment.parent.parent:
        shown["parent_comment_id"] = _id(comment.parent)
    if inline:
        shown["reply_list"] = [_comment(model, post, answer, call) for answer in answers[:_MOST_INLINE]]
    return shown


def _page_of_comments(call: Call, comments: list[Json]) -> Answer:
    if call.params.get("sort_field") == "create_time":
        newest_first = call.params.get("sort_order") == "desc"
        comments = sorted(comments, key=lambda comment: int(comment["create_time"]), reverse=newest_first)
    start, size = int(call.params.get("cursor", "0")), int(call.params.get("max_count", "20"))
    if not 0 < size <= _MOST_COMMENTS:
        return _business_error(40002, "max_count: Must be within 1 and 30.")
    more = start + size < len(comments)
    return _fine(call, {"comments": comments[start : start + size], "cursor": start + size, "has_more": more})


def _id(post: Post) -> str:
    return post_number(post, _ID_DIGITS)


def _ms(post: Post) -> int:
    return int(post.at.timestamp()) * 1000


def _words(call: Call) -> list[str]:
    return [word for word in call.params.get("fields", "").split(",") if word]


def _json_list(call: Call) -> list[str]:
    fields: list[str] = json.loads(call.params.get("fields", "[]"))
    return fields


def _unknown(fields: Sequence[str], known: Mapping[str, Any] | Sequence[str]) -> list[str]:
    return [name for name in fields if name not in known]


def _may_renew(given: Mapping[str, Any], client: str) -> bool:
    wanted = {
        client: CLIENT,
        "client_secret": CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": REFRESH_TOKEN,
    }
    return {name: given.get(name) for name in wanted} == wanted


def _tokens(model: Simulation, scope: str) -> Json:
    return {
        "access_token": TOKEN,
        "open_id": _owner(model)[1].platform_id,
        "refresh_token": REFRESH_TOKEN,
        "scope": scope,
        "token_type": "Bearer",
    }


# -- answers, errors and faults --------------------------------------------------------------------------------------


_DEAD_TOKEN = (401, "access_token_invalid", "The access token is invalid or not found in the request.")
_DEAD_BUSINESS_TOKEN = (40105, "Access token is incorrect or has been revoked.")


def _log_id(call: Call) -> str:
    return f"{call.now:%Y%m%d%H%M%S}5A11DB0C5A11DB0C"


def _ok(data: Json) -> Answer:
    return json_answer({"data": data, "error": {"code": "ok", "message": "", "log_id": "202611165A11DB0C"}})


def _display_error(status: int, code: str, message: str) -> Answer:
    error = {"code": code, "message": message, "log_id": "202611165A11DB0C"}
    return json_answer({"data": {}, "error": error}, status=status)


def _invalid(unknown: list[str]) -> Answer:
    return _display_error(400, "invalid_params", f"Invalid fields: {', '.join(unknown)}")


def _fine(call: Call, data: Json) -> Answer:
    return json_answer({"code": 0, "message": "OK", "request_id": _log_id(call), "data": data})


def _business_error(code: int, message: str) -> Answer:
    return json_answer({"code": code, "message": message, "request_id": "202611165A11DB0C", "data": {}})


def _bad_field(unknown: list[str]) -> Answer:
    return _business_error(40002, f"fields: {', '.join(unknown)}: Not a valid choice.")


def _speaks_business(case: Case) -> bool:
    return "/open_api/" in case.call.path


def _unauthorized(case: Case) -> Answer:
    if _speaks_business(case):
        return _business_error(*_DEAD_BUSINESS_TOKEN)
    return _display_error(*_DEAD_TOKEN)


def _rate_limited(case: Case) -> Answer:
    if _speaks_business(case):
        return _business_error(40100, "Too many requests. Please retry in some time.")
    return _display_error(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")


def _first_page(case: Case) -> Json:
    body = {name: value for name, value in (case.call.json or {}).items() if name != "cursor"}
    params = {name: value for name, value in case.call.params.items() if name != "cursor"}
    first: Json = json.loads(case.ask(msgspec.structs.replace(case.call, json=body, params=params)).body)
    return first


def _looping(case: Case) -> Answer:
    """There is always more, from the same moment back."""
    first = _first_page(case)
    if "has_more" in first["data"]:
        first["data"] |= {"has_more": True, "cursor": 1_700_000_000_000}
    return json_answer(first)


def _repeated(case: Case) -> Answer:
    """The page is the first one again, while the way onward is the right one."""
    first, onward = _first_page(case), json.loads(case.answer.body)
    first["data"] |= {name: onward["data"][name] for name in ("cursor", "has_more") if name in onward["data"]}
    return json_answer(first)


def _with_bearer(handler: Handler) -> Handler:
    """The Display API's door."""

    def guarded(model: Simulation, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return _display_error(*_DEAD_TOKEN)
        return handler(model, call)

    return guarded


def _with_access_token(handler: Handler) -> Handler:
    """The Business API's door: a token, and the account it belongs to."""

    def guarded(model: Simulation, call: Call) -> Answer:
        if call.headers.get("access-token") != TOKEN:
            return _business_error(*_DEAD_BUSINESS_TOKEN)
        if call.params.get("business_id") != _owner(model)[1].platform_id:
            return _business_error(40001, "You do not have permission to this account.")
        return handler(model, call)

    return guarded


_V = "/tiktok/open_api/v1.3"
ROUTES: tuple[Route, ...] = (
    Route("GET", "/tiktok/v2/user/info/", "tiktok.user", _with_bearer(user_info)),
    Route("POST", "/tiktok/v2/video/list/", "tiktok.videos", _with_bearer(video_list)),
    Route("POST", "/tiktok/v2/oauth/token/", "tiktok.token", display_token),
    Route("GET", f"{_V}/business/get/", "tiktok.business", _with_access_token(business_get)),
    Route("GET", f"{_V}/business/video/list/", "tiktok.business_videos", _with_access_token(business_videos)),
    Route("GET", f"{_V}/business/comment/list/", "tiktok.comments", _with_access_token(comment_list)),
    Route("GET", f"{_V}/business/comment/reply/list/", "tiktok.replies", _with_access_token(reply_list)),
    Route("POST", f"{_V}/tt_user/oauth2/refresh_token/", "tiktok.business_token", business_token),
)

FAULT_ANSWERS: FaultAnswers = {
    "unauthorized": _unauthorized,
    "rate_limited": _rate_limited,
    "cursor_loop": _looping,
    "duplicate_page": _repeated,
}
