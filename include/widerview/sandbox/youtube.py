"""The sandbox's YouTube: the Data API v3 and the Analytics API v2, as the owner of every channel sees them.

Shapes follow recorded answers of the Data API and both APIs' discovery documents (youtube.v3 of 2026-11-04,
youtubeAnalytics.v2 of 2024-07-07). All servers stand below one path: `/youtube/youtube/v3/…` is the Data API's,
`/youtube/v2/reports` the Analytics API's, and `/youtube/token` gives access tokens.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Handler, Route, json_answer
from widerview.sandbox.model import Account, Post, Profile, Simulation, platform_id

TOKEN = "ya29.5a11db0c-youtube-5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token the sandbox's YouTube wants."""
REFRESH_TOKEN = "1//5a11db0c-youtube-refresh-5a11db0c"  # noqa: S105
"""What an access token is got with."""
CLIENT_ID = "5a11db0c-sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-5a11db0c5a11db0c"  # noqa: S105
"""The OAuth client's, for access tokens."""

_PACIFIC = ZoneInfo("America/Los_Angeles")
_DAY = dt.timedelta(days=1)
_WORKED_UP_AFTER = dt.timedelta(hours=48)
_FIGURES = 3
_FIRST = "MA=="  # where a list begins, as its tokens write it
_LONGEST_TITLE = 100
_MOST_INLINE = 5
_MOST_VIDEOS = 50
_SECONDS_A_MINUTE = 60
_SUPPORTED = "https://developers.google.com/youtube/analytics/v2/available_reports"

Json = dict[str, Any]


def channels(model: Simulation, call: Call) -> Answer:
    """`channels.list` by `forHandle` or `id`."""
    handle, id_ = call.params.get("forHandle", "").removeprefix("@").lower(), call.params.get("id")
    found = [
        _channel(model, profile, account, call)
        for profile, account in model.accounts("youtube")
        if account.platform_id == id_ or account.person.handle.removeprefix("@").lower() == handle
    ]
    answer = _list(call, "channel", found, {"totalResults": len(found), "resultsPerPage": 5})
    if not found:
        del answer["items"]
    return json_answer(answer)


def playlist_items(model: Simulation, call: Call) -> Answer:
    """`playlistItems.list` of a channel's uploads, newest first."""
    playlist = call.params.get("playlistId", "")
    for profile, account in model.accounts("youtube"):
        if _uploads(account) == playlist:
            posts = model.own_posts(profile.key, "youtube", call.now)
            return _page(call, "playlistItem", [_upload(account, post) for post in posts])
    message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
    return _error(404, "playlistNotFound", "youtube.playlistItem", message)


def videos(model: Simulation, call: Call) -> Answer:
    """`videos.list` by `id`; what is not found is left out."""
    wanted = call.params.get("id", "").split(",")
    if len(wanted) > _MOST_VIDEOS:
        return _error(400, "invalidFilters", "youtube.parameter", "The request specifies too many ids.")
    found = {
        _video_id(post): _video(model, account, post, call)
        for profile, account in model.accounts("youtube")
        for post in model.own_posts(profile.key, "youtube", call.now)
        if _video_id(post) in wanted
    }
    items = [found[id_] for id_ in dict.fromkeys(wanted) if id_ in found]
    return json_answer(_list(call, "video", items, {"totalResults": len(items), "resultsPerPage": len(items)}))


def comment_threads(model: Simulation, call: Call) -> Answer:
    """`commentThreads.list` of everything under a channel, newest first, with up to five answers each."""
    for profile, account in model.accounts("youtube"):
        if account.platform_id == call.params.get("allThreadsRelatedToChannelId"):
            posts = model.own_posts(profile.key, "youtube", call.now)
            found = [comment for post in posts for comment in model.replies(post, call.now)]
            found.sort(key=lambda comment: (comment.at, comment.key), reverse=True)
            return _page(call, "commentThread", [_thread(model, account, comment, call) for comment in found])
    message = "The channel identified by the <code>allThreadsRelatedToChannelId</code> parameter could not be found."
    return _error(404, "channelNotFound", "youtube.commentThread", message)


def comments(model: Simulation, call: Call) -> Answer:
    """`comments.list` of the answers to a comment."""
    for profile, _ in model.accounts("youtube"):
        for post in model.own_posts(profile.key, "youtube", call.now):
            for comment in model.replies(post, call.now):
                if _comment_id(comment) == call.params.get("parentId"):
                    return _page(call, "comment", [_comment(answer) for answer in model.replies(comment, call.now)])
    return _error(404, "commentNotFound", "youtube.comment", "The specified comment could not be found.")


def reports(model: Simulation, call: Call) -> Answer:
    """`reports.query` by day, up to the last day that is worked up: days are Pacific, and two days late."""
    owner = call.params.get("ids", "").removeprefix("channel==")
    found = [own for own in model.accounts("youtube") if owner in {"MINE", own[1].platform_id}]
    if not found:
        return _error(403, "forbidden", "global", "Forbidden")
    metrics = call.params.get("metrics", "").split(",")
    for metric in metrics:
        if metric not in _METRICS:
            message = f"Unknown identifier ({metric}) given in field parameters.metrics."
            return _error(400, "badRequest", "global", message)
    if call.params.get("dimensions") != "day":
        message = (
            f"The query is not supported. Check the documentation at {_SUPPORTED} for a list of supported queries."
        )
        return _error(400, "badRequest", "global", message)
    try:
        first, last = (dt.date.fromisoformat(call.params.get(name, "")) for name in ("startDate", "endDate"))
    except ValueError as error:
        return _error(400, "badRequest", "global", str(error))
    worked_up = (call.now - _WORKED_UP_AFTER).astimezone(_PACIFIC).date() - _DAY
    first = max(first, model.first_day)
    days = [first + n * _DAY for n in range((min(last, worked_up) - first).days + 1)]
    client = found[0][0].key
    table: Json = {
        "kind": "youtubeAnalytics#resultTable",
        "columnHeaders": [
            {"name": "day", "columnType": "DIMENSION", "dataType": "STRING"},
            *({"name": metric, "columnType": "METRIC", "dataType": "INTEGER"} for metric in metrics),
        ],
    }
    if days:
        values = [_METRICS[metric] for metric in metrics]
        table["rows"] = [[day.isoformat(), *(value(model, client, day, call.now) for value in values)] for day in days]
    return json_answer(table)


def token(model: Simulation, call: Call) -> Answer:
    """`/token`: an access token for a refresh token."""
    given = {name: call.params.get(name) for name in ("refresh_token", "client_id", "client_secret")}
    wanted = {"refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    if call.params.get("grant_type") != "refresh_token" or given != wanted:
        return json_answer({"error": "invalid_grant", "error_description": "Bad Request"}, status=400)
    return json_answer({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})


# -- the days' values ------------------------------------------------------------------------------------------------

_Value = Callable[[Simulation, str, dt.date, dt.datetime], int]


def _events(kind: str) -> _Value:
    return lambda model, client, day, now: model.account_day(client, "youtube", kind, day, _PACIFIC, now)


def _engaged(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> int:
    """Of ten plays, one never gets past its first frame."""
    return _events("views")(model, client, day, now) * 9 // 10


def _minutes(model: Simulation, client: str, day: dt.date, now: dt.datetime) -> int:
    return round(model.watched_day(client, "youtube", day, _PACIFIC, now) / _SECONDS_A_MINUTE)


def _subscribers(which: int) -> _Value:
    return lambda model, client, day, now: model.follows_day(client, "youtube", day, _PACIFIC, now)[which]


_METRICS: Mapping[str, _Value] = {
    "views": _events("views"),
    "engagedViews": _engaged,
    "estimatedMinutesWatched": _minutes,
    "likes": _events("likes"),
    "comments": _events("replies"),
    "shares": _events("shares"),
    "subscribersGained": _subscribers(0),
    "subscribersLost": _subscribers(1),
}


# -- resources -------------------------------------------------------------------------------------------------------


def _list(call: Call, kind: str, items: list[Json], info: Json) -> Json:
    """A list of resources with the parts of each that were asked for."""
    parts = {"kind", "etag", "id", *call.params.get("part", "").split(",")}
    shown = [{name: value for name, value in item.items() if name in parts} for item in items]
    etag = _etag(kind, *(item["etag"] for item in items))
    return {"kind": f"youtube#{kind}ListResponse", "etag": etag, "pageInfo": info, "items": shown}


def _page(call: Call, kind: str, items: list[Json]) -> Answer:
    """The part of a list that `pageToken` and `maxResults` ask for."""
    size = int(call.params.get("maxResults", "5"))
    try:
        start = int(base64.urlsafe_b64decode(call.params.get("pageToken") or _FIRST))
    except ValueError:
        return _error(400, "invalidPageToken", "youtube.parameter", "The request specifies an invalid page token.")
    info = {"totalResults": len(items), "resultsPerPage": size}
    answer = _list(call, kind, items[start : start + size], info)
    if kind == "comment":
        del info["totalResults"]
    if start + size < len(items):
        answer["nextPageToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return json_answer(answer)


def _channel(model: Simulation, profile: Profile, account: Account, call: Call) -> Json:
    posts = model.own_posts(profile.key, "youtube", call.now)
    subscribers = model.followers_at(profile.key, "youtube", call.now)
    named = {"title": account.person.name, "description": profile.about}
    return {
        "kind": "youtube#channel",
        "etag": _etag(account.platform_id),
        "id": account.platform_id,
        "snippet": {
            **named,
            "customUrl": account.person.handle,
            "publishedAt": f"{model.first_day - 900 * _DAY}T09:00:00Z",
            "thumbnails": {},
            "localized": named,
        },
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": _uploads(account)}},
        "statistics": {
            "viewCount": str(sum(post.count("views", call.now) for post in posts)),
            "subscriberCount": str(_rounded(subscribers)),
            "hiddenSubscriberCount": False,
            "videoCount": str(account.earlier_posts + len(posts)),
        },
    }


def _rounded(number: int) -> int:
    """Down to three figures, as YouTube tells subscribers."""
    step = int(f"1{'0' * (len(str(number)) - _FIGURES)}")
    return number // step * step


def _upload(account: Account, post: Post) -> Json:
    id_ = _video_id(post)
    return {
        "kind": "youtube#playlistItem",
        "etag": _etag(id_),
        "id": base64.urlsafe_b64encode(f"{_uploads(account)}.{id_}".encode()).decode().rstrip("="),
        "contentDetails": {"videoId": id_, "videoPublishedAt": _time(post.at)},
    }


def _video(model: Simulation, account: Account, post: Post, call: Call) -> Json:
    comments = model.replies(post, call.now)
    answers = sum(len(model.replies(comment, call.now)) for comment in comments)
    title = post.text.partition("\n")[0][:_LONGEST_TITLE]
    described = {"title": title, "description": "\n\n".join(part for part in (post.text, post.link) if part)}
    return {
        "kind": "youtube#video",
        "etag": _etag(_video_id(post), call.now.isoformat()),
        "id": _video_id(post),
        "snippet": {
            "publishedAt": _time(post.at),
            "channelId": account.platform_id,
            **described,
            "thumbnails": {},
            "channelTitle": account.person.name,
            "categoryId": "26",
            "liveBroadcastContent": "none",
            "localized": described,
        },
        "status": {
            "uploadStatus": "processed",
            "privacyStatus": "public",
            "license": "youtube",
            "embeddable": True,
            "publicStatsViewable": True,
            "madeForKids": False,
        },
        "statistics": {
            "viewCount": str(post.count("views", call.now)),
            "likeCount": str(post.count("likes", call.now)),
            "favoriteCount": "0",
            "commentCount": str(len(comments) + answers),
        },
    }


def _thread(model: Simulation, account: Account, comment: Post, call: Call) -> Json:
    answers = model.replies(comment, call.now)
    video = _video_id(comment.root)
    thread: Json = {
        "kind": "youtube#commentThread",
        "etag": _etag(_comment_id(comment), len(answers)),
        "id": _comment_id(comment),
        "snippet": {
            "channelId": account.platform_id,
            "videoId": video,
            "topLevelComment": _comment(comment, channelId=account.platform_id, videoId=video),
            "canReply": True,
            "totalReplyCount": len(answers),
            "isPublic": True,
        },
    }
    if answers:
        inline = [_comment(answer, videoId=video) for answer in answers[:_MOST_INLINE]]
        thread["replies"] = {"comments": inline}
    return thread


def _comment(comment: Post, **of: str) -> Json:
    author = comment.author
    if comment.parent and comment.parent.parent:
        of["parentId"] = _comment_id(comment.parent)
    return {
        "kind": "youtube#comment",
        "etag": _etag(_comment_id(comment)),
        "id": _comment_id(comment),
        "snippet": {
            "authorDisplayName": author.handle,
            "authorProfileImageUrl": f"https://yt3.ggpht.com/{author.platform_id}=s48",
            "authorChannelUrl": f"http://www.youtube.com/channel/{author.platform_id}",
            "authorChannelId": {"value": author.platform_id},
            **of,
            "textDisplay": comment.text,
            "textOriginal": comment.text,
            "canRate": True,
            "viewerRating": "none",
            "likeCount": 0,
            "publishedAt": _time(comment.at),
            "updatedAt": _time(comment.at),
        },
    }


def _uploads(account: Account) -> str:
    """A channel's playlist of uploads is named like the channel."""
    return f"UU{account.platform_id[2:]}"


def _video_id(post: Post) -> str:
    return platform_id("youtube", f"video/{post.key}")[2:13]


def _comment_id(comment: Post) -> str:
    letters = platform_id("youtube", f"comment/{comment.key}")[2:24]
    if comment.parent and comment.parent.parent:
        return f"{_comment_id(comment.parent)}.{letters}"
    return f"Ug{letters[:17]}4AaABAg"


def _etag(*of: object) -> str:
    digest = hashlib.sha256("/".join(map(str, of)).encode()).digest()[:20]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _time(at: dt.datetime) -> str:
    """YouTube tells time in whole seconds."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


# -- errors and faults -----------------------------------------------------------------------------------------------

_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


def _error(code: int, reason: str, domain: str, message: str) -> Answer:
    said = {"message": message, "domain": domain, "reason": reason}
    error = {"code": code, "message": message, "errors": [said], "status": _STATUS[code]}
    return json_answer({"error": error}, status=code)


def _unauthorized(case: Case | None = None) -> Answer:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return _error(401, "authError", "global", message)


def _out_of_quota(case: Case) -> Answer:
    message = (
        "The request cannot be completed because you have exceeded your "
        '<a href="/youtube/v3/getting-started#quota">quota</a>.'
    )
    return _error(403, "quotaExceeded", "youtube.quota", message)


def _looping(case: Case) -> Answer:
    """The next page is this one, for ever."""
    first = json.loads(case.ask_without("pageToken").body)
    return json_answer(first | {"nextPageToken": _FIRST} if "pageInfo" in first else first)


def _repeated(case: Case) -> Answer:
    """The page is the first one again, while the way onward is the right one."""
    first, onward = json.loads(case.ask_without("pageToken").body), json.loads(case.answer.body)
    first.pop("nextPageToken", None)
    return json_answer(first | ({"nextPageToken": onward["nextPageToken"]} if "nextPageToken" in onward else {}))


def _behind_the_door(handler: Handler) -> Handler:
    """Nobody gets in without the token."""

    def guarded(model: Simulation, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return _unauthorized()
        return handler(model, call)

    return guarded


_DATA = "/youtube/youtube/v3"
ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_DATA}/channels", "youtube.channels", _behind_the_door(channels)),
    Route("GET", f"{_DATA}/playlistItems", "youtube.playlistItems", _behind_the_door(playlist_items)),
    Route("GET", f"{_DATA}/videos", "youtube.videos", _behind_the_door(videos)),
    Route("GET", f"{_DATA}/commentThreads", "youtube.commentThreads", _behind_the_door(comment_threads)),
    Route("GET", f"{_DATA}/comments", "youtube.comments", _behind_the_door(comments)),
    Route("GET", "/youtube/v2/reports", "youtube.reports", _behind_the_door(reports)),
    Route("POST", "/youtube/token", "youtube.token", token),
)

FAULT_ANSWERS: FaultAnswers = {
    "unauthorized": _unauthorized,
    "rate_limited": _out_of_quota,
    "cursor_loop": _looping,
    "duplicate_page": _repeated,
}
