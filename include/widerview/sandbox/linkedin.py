"""The sandbox's LinkedIn: the Community Management API, as an administrator of every page sees it.

Shapes follow LinkedIn's documents of 2025 and 2026, and for pages and their totals answers recorded in 2024.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Handler, Route, json_answer
from widerview.sandbox.model import Account, Post, Profile, Simulation, post_number

TOKEN = "AQV5a11db0c-linkedin-5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token the sandbox's LinkedIn wants."""
REFRESH_TOKEN = "AQW5a11db0c-linkedin-refresh-5a11db0c"  # noqa: S105
"""What a new access token is got with."""
CLIENT_ID = "86sandbox5a11d"
CLIENT_SECRET = "WPL_AP1.5a11db0c5a11db0c"  # noqa: S105
"""The app's, for new access tokens."""

_RENEWED = "AQXnew5a11db0c-linkedin-"
_OLDEST_VERSION, _NEWEST_VERSION = "202512", "202611"
_MOST_A_PAGE = 100
_LONGEST_QUERY = 4096
_DAY = dt.timedelta(days=1)
_YEAR = dt.timedelta(days=365)
_FOLLOWERS_LATE = 2 * _DAY
_ACCESS_LIVES = 60 * _DAY
_REFRESH_LIVES = 365 * _DAY

Json = dict[str, Any]


def organizations(model: Simulation, call: Call) -> Answer:
    """`/rest/organizations?q=vanityName`: the page of that name, in a list."""
    wanted = call.params.get("vanityName", "").lower()
    found = [_organization(model, own) for _, own in model.accounts("linkedin") if own.person.handle == wanted]
    return _elements(found)


def network_sizes(model: Simulation, call: Call) -> Answer:
    """`/rest/networkSizes/{urn}`: how many follow a page."""
    found = _owner(model, call.params["urn"])
    if found is None:
        return _error(404, "NOT_FOUND", f"Could not find entity {call.params['urn']}")
    if call.params.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
        return _error(400, "PARAM_INVALID", "Invalid param: edgeType")
    profile, _ = found
    return json_answer({"firstDegreeSize": model.followers_at(profile.key, "linkedin", call.now)})


def share_statistics(model: Simulation, call: Call) -> Answer:
    """`/rest/organizationalEntityShareStatistics`: of days, of some posts, or of the page ever after."""
    found = _owner(model, call.params.get("organizationalEntity", ""))
    if found is None:
        return _denied()
    profile, account = found
    entity = {"organizationalEntity": _urn(account)}
    if "timeIntervals" in call.params:
        days = _days(call)
        if days is None:
            return _error(400, "PARAM_INVALID", "Invalid param: timeIntervals")
        return _paged(call, [entity | _day_range(day) | _share_day(model, profile, day, call.now) for day in days])
    posts = {_post_urn(post): post for post in model.own_posts(profile.key, "linkedin", call.now)}
    if wanted := _list(call, "shares") + _list(call, "ugcPosts"):
        elements = []
        for urn in wanted:
            if urn not in posts:
                return _denied()
            totals = _post_totals(model, posts[urn], call.now)
            if any(totals.values()):  # LinkedIn leaves posts without any count out
                elements.append(entity | {urn.split(":")[2]: urn, "totalShareStatistics": _statistics(totals)})
        return _paged(call, elements)
    every = [_post_totals(model, post, call.now) for post in posts.values()]
    totals = {name: sum(each[name] for each in every) for name in _post_totals_names()}
    return _elements([entity | {"totalShareStatistics": _statistics(totals)}])


def follower_statistics(model: Simulation, call: Call) -> Answer:
    """`/rest/organizationalEntityFollowerStatistics`: followers gained on days that ended two days ago or earlier."""
    found = _owner(model, call.params.get("organizationalEntity", ""))
    if found is None:
        return _denied()
    profile, account = found
    days = _days(call)
    if days is None:
        return _error(400, "PARAM_INVALID", "Invalid param: timeIntervals")
    elements = []
    for day in days:
        if day <= call.now.astimezone(dt.UTC).date() - _FOLLOWERS_LATE:
            gained, _ = model.follows_day(profile.key, "linkedin", day, dt.UTC, call.now)
            gains = {"organicFollowerGain": gained, "paidFollowerGain": 0}
            elements.append({"organizationalEntity": _urn(account), "followerGains": gains} | _day_range(day))
    return _paged(call, elements)


def posts(model: Simulation, call: Call) -> Answer:
    """`/rest/posts?q=author`: a page's posts, the one changed last first."""
    found = _owner(model, call.params.get("author", ""))
    if found is None:
        return _denied()
    profile, account = found
    return _paged(call, [_post(account, post) for post in model.own_posts(profile.key, "linkedin", call.now)])


def comments(model: Simulation, call: Call) -> Answer:
    """`/rest/socialActions/{urn}/comments`: what stands directly under a post or a comment, the oldest first."""
    urn = call.params["urn"]
    for profile, account in model.accounts("linkedin"):
        for post in model.own_posts(profile.key, "linkedin", call.now):
            said = model.replies(post, call.now)
            if urn == _post_urn(post):
                return _paged(call, [_comment(model, account, comment, call.now) for comment in said])
            for comment in said:
                if urn == _comment_urn(comment):
                    answers = model.replies(comment, call.now)
                    return _paged(call, [_comment(model, account, answer, call.now) for answer in answers])
    return _error(404, "NOT_FOUND", f"Could not find social actions for {urn}")


def access_token(model: Simulation, call: Call) -> Answer:
    """`/oauth/v2/accessToken`: a new access token for a refresh token, which stays the same."""
    app = (call.params.get("client_id"), call.params.get("client_secret"))
    if app != (CLIENT_ID, CLIENT_SECRET):
        return json_answer({"error": "invalid_client", "error_description": "Client authentication failed"}, status=401)
    if call.params.get("grant_type") != "refresh_token" or call.params.get("refresh_token") != REFRESH_TOKEN:
        told = "The provided authorization grant or refresh token is invalid, expired or revoked."
        return json_answer({"error": "invalid_request", "error_description": told}, status=400)
    return json_answer({
        "access_token": f"{_RENEWED}{call.now:%Y%m%d%H%M%S}",
        "expires_in": round(_ACCESS_LIVES.total_seconds()),
        "refresh_token": REFRESH_TOKEN,
        "refresh_token_expires_in": round(_REFRESH_LIVES.total_seconds()),
        "scope": "r_organization_social_feed,rw_organization_admin",
    })  # fmt: skip


def _guarded(handler: Handler, *allowed: str) -> Handler:
    """Answers only who shows a token and names a version that lives, and takes no parameters but these."""

    def answer(model: Simulation, call: Call) -> Answer:
        shown = call.headers.get("authorization", "").removeprefix("Bearer ")
        if shown != TOKEN and not shown.startswith(_RENEWED):
            return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", service_error_code=65600)
        version = call.headers.get("linkedin-version")
        if version is None:
            told = "A version must be present. Please specify a version by adding the Linkedin-Version header."
            return _error(400, "VERSION_MISSING", told)
        if not _OLDEST_VERSION <= version <= _NEWEST_VERSION:
            return _error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        return _wrong_query(call, allowed) or handler(model, call)

    return answer


def _wrong_query(call: Call, allowed: Iterable[str]) -> Answer | None:
    """What LinkedIn says to a query that is too long for an address, has unknown parameters or speaks an old syntax.

    A long one goes into the body of a POST that says it means GET.
    """
    query = {name: value for name, value in call.params.items() if name != "urn"}
    if call.method == "POST" and call.headers.get("x-http-method-override") != "GET":
        return _error(404, "RESOURCE_NOT_FOUND", f"No virtual resource found for POST {call.path}")
    if call.method == "GET" and len(urlencode(query, safe="(),")) > _LONGEST_QUERY:
        return _error(414, "URI_TOO_LONG", "Request URI is too long")
    if unknown := query.keys() - set(allowed):
        return _error(400, "QUERY_PARAM_NOT_ALLOWED", f"Query parameters are not allowed: {sorted(unknown)}")
    if call.headers.get("x-restli-protocol-version") != "2.0.0" and any("(" in v for v in query.values()):
        return _error(400, "ILLEGAL_ARGUMENT", "Syntax exception in path variables")
    return None


def _owner(model: Simulation, urn: str) -> tuple[Profile, Account] | None:
    return next((found for found in model.accounts("linkedin") if _urn(found[1]) == urn), None)


def _urn(account: Account) -> str:
    return f"urn:li:organization:{account.platform_id}"


def _organization(model: Simulation, account: Account) -> Json:
    joined = _ms(dt.datetime.combine(model.first_day, dt.time(9), dt.UTC) - _YEAR)
    touched = {"actor": "urn:li:person:5a11db0c5a", "time": joined}
    return {
        "vanityName": account.person.handle,
        "localizedName": account.person.name,
        "created": touched,
        "groups": [],
        "versionTag": "3653167499",
        "organizationType": "SELF_OWNED",
        "defaultLocale": {"country": "US", "language": "en"},
        "alternativeNames": [],
        "specialties": [],
        "localizedSpecialties": [],
        "name": {
            "localized": {"en_US": account.person.name},
            "preferredLocale": {"country": "US", "language": "en"},
        },
        "primaryOrganizationType": "NONE",
        "locations": [],
        "lastModified": touched,
        "id": int(account.platform_id),
        "autoCreated": False,
    }


def _post_totals_names() -> tuple[str, ...]:
    return "impressionCount", "uniqueImpressionsCount", "clickCount", "likeCount", "commentCount", "shareCount"


def _post_totals(model: Simulation, post: Post, now: dt.datetime) -> dict[str, int]:
    values = (
        post.count("views", now),
        model.reached(post, now),
        post.count("clicks", now),
        post.count("likes", now),
        len(model.replies(post, now)),
        post.count("reposts", now),
    )
    return dict(zip(_post_totals_names(), values, strict=True))


def _share_day(model: Simulation, profile: Profile, day: dt.date, now: dt.datetime) -> Json:
    def count(kind: str) -> int:
        return model.account_day(profile.key, "linkedin", kind, day, dt.UTC, now)

    reached = model.reached_day(profile.key, "linkedin", day, dt.UTC, now)
    values = (count("views"), reached, count("clicks"), count("likes"), count("replies"), count("reposts"))
    return {"totalShareStatistics": _statistics(dict(zip(_post_totals_names(), values, strict=True)))}


def _statistics(totals: dict[str, int]) -> Json:
    done = totals["clickCount"] + totals["likeCount"] + totals["commentCount"] + totals["shareCount"]
    engagement = done / totals["impressionCount"] if totals["impressionCount"] else 0.0
    return totals | {"shareMentionsCount": 0, "commentMentionsCount": 0, "engagement": engagement}


def _days(call: Call) -> list[dt.date] | None:
    """The days that begin within `timeIntervals`, its start included; None if it cannot be read."""
    interval = re.fullmatch(
        r"\(timeRange:\(start:(\d+),end:(\d+)\),timeGranularityType:DAY\)", call.params.get("timeIntervals", "")
    )
    if interval is None:
        return None
    start, end = (dt.datetime.fromtimestamp(int(ms) / 1000, dt.UTC) for ms in interval.groups())
    day, days = max(start, call.now - _YEAR).date(), []
    while _midnight(day) < min(end, call.now):
        days.append(day)
        day += _DAY
    return days


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _day_range(day: dt.date) -> Json:
    return {"timeRange": {"start": _ms(_midnight(day)), "end": _ms(_midnight(day + _DAY))}}


def _list(call: Call, name: str) -> list[str]:
    inner = call.params.get(name, "").removeprefix("List(").removesuffix(")")
    return inner.split(",") if inner else []


def _post_urn(post: Post) -> str:
    return f"urn:li:{'ugcPost' if post.image else 'share'}:{post_number(post, 19)}"


def _post(account: Account, post: Post) -> Json:
    at = _ms(post.at)
    written = _little_text(post.text)
    content: Json = {}
    if post.image:
        content = {"content": {"media": {"id": f"urn:li:image:D4E10AQ{post_number(post, 12)}", "altText": post.image}}}
        written += f"\n\n{_little_text(post.link)}" if post.link else ""
    elif post.link:
        content = {"content": {"article": {"source": post.link, "title": f"{post.author.name}: read on"}}}
    return {
        "id": _post_urn(post),
        "author": _urn(account),
        "commentary": written,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": {"isEditedByAuthor": False},
        "isReshareDisabledByAuthor": False,
        "createdAt": at - 480,
        "publishedAt": at,
        "lastModifiedAt": at + 45,
        **content,
    }


def _little_text(words: str) -> str:
    """Words as LinkedIn writes them: a backslash before its marks, and hashtags as templates."""
    escaped = re.sub(r"([\\|{}@\[\]()<>*_~])", r"\\\1", words)
    return re.sub(r"(?<!\w)#(\w+)", r"{hashtag|\\#|\1}", escaped)


def _activity(post: Post) -> str:
    return f"urn:li:activity:{post_number(post.root, 19)}"


def _comment_urn(comment: Post) -> str:
    return f"urn:li:comment:({_activity(comment)},{post_number(comment, 19)})"


def _comment(model: Simulation, account: Account, comment: Post, now: dt.datetime) -> Json:
    own = comment.author == account.person
    actor = _urn(account) if own else f"urn:li:person:{comment.author.platform_id}"
    answers = len(model.replies(comment, now))
    likes = comment.count("likes", now)
    nested = comment.parent is not None and comment.parent.parent is not None
    return {
        "id": post_number(comment, 19),
        "commentUrn": _comment_urn(comment),
        "object": _activity(comment),
        "actor": actor,
        "created": {"actor": actor, "time": _ms(comment.at)},
        "lastModified": {"actor": actor, "time": _ms(comment.at)},
        "message": {"attributes": [], "text": comment.text},
        "likesSummary": {"selectedLikes": [], "aggregatedTotalLikes": likes, "totalLikes": likes},
        "commentsSummary": {"selectedComments": [], "aggregatedTotalComments": answers},
        **({"parentComment": _comment_urn(comment.parent)} if nested and comment.parent else {}),
    }


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def _paged(call: Call, every: list[Json]) -> Answer:
    start, count = (call.params.get(name, default) for name, default in (("start", "0"), ("count", "10")))
    if not (start.isdecimal() and count.isdecimal() and 0 < int(count) <= _MOST_A_PAGE):
        return _error(400, "PARAM_INVALID", "Invalid param: count")
    end = int(start) + int(count)
    onward = f"{call.path.removeprefix('/linkedin')}?count={count}&start={end}"
    links = [{"type": "application/json", "rel": "next", "href": onward}] if end < len(every) else []
    paging = {"start": int(start), "count": int(count), "links": links, "total": len(every)}
    return json_answer({"paging": paging, "elements": every[int(start) : end]})


def _elements(elements: Iterable[Json]) -> Answer:
    return json_answer({"paging": {"start": 0, "count": 10, "links": []}, "elements": list(elements)})


def _error(status: int, code: str, message: str, *, service_error_code: int | None = None) -> Answer:
    numbered = {} if service_error_code is None else {"serviceErrorCode": service_error_code}
    return json_answer({"status": status, **numbered, "code": code, "message": message}, status=status)


def _denied() -> Answer:
    told = "Not enough permissions to access: GET /organizationalEntity"
    return _error(403, "ACCESS_DENIED", told, service_error_code=100)


def _rate_limited(case: Case) -> Answer:
    told = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
    return _error(429, "TOO_MANY_REQUESTS", told, service_error_code=101)


def _cursor_loop(case: Case) -> Answer:
    """The first page for ever, and a link to one more."""
    page = json.loads(case.ask_without("start").body)
    page["paging"]["links"] = [{"type": "application/json", "rel": "next", "href": "/rest/posts?start=0"}]
    return json_answer(page)


def _duplicate_page(case: Case) -> Answer:
    """The posts of the first page once more, while the way onward is the right one."""
    first, honest = json.loads(case.ask_without("start").body), json.loads(case.answer.body)
    return json_answer(first | {"paging": honest["paging"]})


_PAGED = ("start", "count")
_OF_PAGE = ("q", "organizationalEntity", "timeIntervals", *_PAGED)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/linkedin/rest/organizations",
        "linkedin.organizations",
        _guarded(organizations, "q", "vanityName"),
    ),
    Route(
        "GET",
        "/linkedin/rest/networkSizes/{urn}",
        "linkedin.networkSizes",
        _guarded(network_sizes, "edgeType"),
    ),
    Route(
        "GET",
        "/linkedin/rest/organizationalEntityShareStatistics",
        "linkedin.shareStatistics",
        _guarded(share_statistics, *_OF_PAGE, "shares", "ugcPosts"),
    ),
    Route(
        "POST",
        "/linkedin/rest/organizationalEntityShareStatistics",
        "linkedin.shareStatistics",
        _guarded(share_statistics, *_OF_PAGE, "shares", "ugcPosts"),
    ),
    Route(
        "GET",
        "/linkedin/rest/organizationalEntityFollowerStatistics",
        "linkedin.followerStatistics",
        _guarded(follower_statistics, *_OF_PAGE),
    ),
    Route("GET", "/linkedin/rest/posts", "linkedin.posts", _guarded(posts, "q", "author", "sortBy", *_PAGED)),
    Route("GET", "/linkedin/rest/socialActions/{urn}/comments", "linkedin.comments", _guarded(comments, *_PAGED)),
    Route("POST", "/linkedin/oauth/v2/accessToken", "linkedin.accessToken", access_token),
)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": _rate_limited,
    "unauthorized": lambda case: _error(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"),
    "cursor_loop": _cursor_loop,
    "duplicate_page": _duplicate_page,
}
