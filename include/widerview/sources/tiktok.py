"""### TikTok: an account's followers and videos, and with the Business API its days and comments.

**Purpose.** Read what TikTok tells an account's owner: the account and its posts with what people did with each, and,
where the client's app may use the Business API, the account's days and the conversations under its posts.

**Inputs.** The account's username (without `@`) in the client's file, and an Airflow Connection with the account's
consent. Without an option, the *Display API* is asked: consent for the scopes `user.info.basic`, `user.info.profile`,
`user.info.stats` and `video.list`; the access token as the password; in the extra `refresh_token`, `client_key` and
`client_secret` of your app. With the option `api: business`, the *Business API* is asked: an app with the permission
*TikTok Accounts*, consent for `user.info.basic`, `user.info.username`, `user.info.stats`, `user.insights`,
`video.list`, `video.insights` and `comment.list`; the access token as the password, the account's `open_id` as the
login; in the extra `refresh_token`, `client_id` and `client_secret`. Access tokens live for two hours (Display API) or
a day (Business API) and are exchanged by themselves before a pull, through the Connection `widerview_airflow`;
`expires_at` (ISO 8601), when the access token dies, may be left out and is written by the first exchange. The refresh
token lives for 180 days or a year and is replaced with every exchange.

**Outputs.** The account with its followers and posts; its posts since the first day asked for, with running totals of
views, likes, comments and shares. From the Business API also favourites, viewers and time watched of each post, clicks
on the account's link after it, and the forms that TikTok says were sent; whole days of the account in UTC: views,
viewers, page views, likes, comments, shares, followers won and lost, clicks on its link and forms sent; comments with
their answers.

**Calls.** Display API: 2, and one more for every 20 posts. Business API: 3, one more for every 20 posts, one for each
of the newest 10 commented posts, and 5 where threads are long.

**Limits.** All totals are lifetime counters. TikTok does not tell views that were bought as ads from others. Its
Display API has neither days nor comments. The Business API's numbers come one to two days late, its days reach back 60
days, and of comments the newest 30 threads of a post are read. 600 calls a minute, and 40 a minute for an account of
the Business API.

**When it fails.** *Unauthorized*: the token is dead, lacks a scope or was not exchanged in time; have the account's
owner consent anew. Without the scope `comment.list` the comments alone are missing. *Not found*: the token belongs to
another account than the client's file names, or the account has a new username. *Rate limited* or *unavailable*: the
task tries again by itself. *Bad answer*: TikTok reports errors with HTTP 200, too; the message quotes them.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec
from requests import codes

from widerview.sources import oauth
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    PostKind,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    Tokens,
    UnavailableRow,
    Walk,
    Window,
    Written,
    counts,
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.http import Count, HttpClient, Turn, about, ask_in_groups, check, decode, paginate, place
from widerview.vocabulary.dictionaries import load_dictionary

T = TypeVar("T")

_TITLE = "TikTok"
_DISPLAY = "https://open.tiktokapis.com"
_BUSINESS = "https://business-api.tiktok.com"
_V = "open_api/v1.3"
_RENEWAL_PAGE = "https://developers.tiktok.com/apps"
_RENEW = (
    f"Have the account's owner consent to your app anew ({_RENEWAL_PAGE}), with all scopes, and put the new token into "
    "the password and the new refresh_token into the extra of the Airflow Connection."
)
_PAGE = 20
_COMMENTS_A_PAGE = 30
_MOST_COMMENTED = 10
_MOST_LONG_THREADS = 5
_DAYS_BACK = 60

_DISPLAY_ACCOUNT = {"follower_count": "followers", "following_count": "following", "video_count": "posts"}
_DISPLAY_POST = {"view_count": "views", "like_count": "likes", "comment_count": "replies", "share_count": "shares"}
_BUSINESS_ACCOUNT = {"followers_count": "followers", "following_count": "following", "videos_count": "posts"}
_BUSINESS_POST = {
    "video_views": "views",
    "likes": "likes",
    "comments": "replies",
    "shares": "shares",
    "favorites": "bookmarks",
    "reach": "viewers",
    "total_time_watched": "watch_time",
    "website_clicks": "profile_link_clicks",
    "lead_submissions": "claimed_leads",
}
_BUSINESS_DAY = {
    "video_views": "views",
    "unique_video_views": "viewers",
    "profile_views": "profile_views",
    "likes": "likes",
    "comments": "replies",
    "shares": "shares",
    "daily_new_followers": "follows",
    "daily_lost_followers": "unfollows",
    "bio_link_clicks": "profile_link_clicks",
    "lead_submissions": "claimed_leads",
}

_REFUSED = frozenset({"invalid_params", "scope_permission_missed", "40002"})
_LATER = frozenset({"rate_limit_exceeded", "40016", "40100", "40132", "40133"})
_SHUT_OUT = frozenset({
    "access_token_invalid", "scope_not_authorized", "scope_permission_missed", "invalid_grant", "invalid_client",
    "unauthorized_client", "40001", "40101", "40102", "40103", "40104", "40105", "40107", "40110",
})  # fmt: skip
_NO_RIGHT = frozenset({"scope_not_authorized", "scope_permission_missed", "40001"})
_ITS_OWN_FAULT = r"internal_error|[5-9]\d{4}"
"""TikTok's words and numbers: a field it does not give, a pace that is too fast, a token or right that is missing, a
right alone (`_NO_RIGHT`), and (`_ITS_OWN_FAULT`) a failure of its own."""

_Epoch = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Seconds since 1970, of a moment that is on the calendar."""
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=2**53)]


class _Answer(msgspec.Struct, Generic[T]):
    """What both APIs wrap their answers in."""

    data: T


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Said(msgspec.Struct):
    """How the two APIs and the exchange of tokens say whether it went well, whatever the HTTP status."""

    code: int | str | None = None
    message: str = ""
    error: _Error | str | None = None
    error_description: str = ""


class _Failure(NamedTuple):
    """What TikTok says went wrong: the Display API in a word, the Business API by a number."""

    code: str
    message: str


class _User(msgspec.Struct):
    """An account, as the Display API describes it."""

    open_id: str
    username: str = ""
    display_name: str = ""
    follower_count: Count | None = None
    following_count: Count | None = None
    video_count: Count | None = None


class _UserData(msgspec.Struct):
    user: _User


class _Day(msgspec.Struct):
    date: dt.date
    video_views: Count | None = None
    unique_video_views: Count | None = None
    profile_views: Count | None = None
    likes: Count | None = None
    comments: Count | None = None
    shares: Count | None = None
    daily_new_followers: Count | None = None
    daily_lost_followers: Count | None = None
    bio_link_clicks: Count | None = None
    lead_submissions: Count | None = None


class _Business(msgspec.Struct):
    """An account and its days, as the Business API describes them."""

    username: str = ""
    display_name: str = ""
    followers_count: Count | None = None
    following_count: Count | None = None
    videos_count: Count | None = None
    metrics: list[_Day] | None = None


class _Video(msgspec.Struct):
    """A post, as the Display API describes it."""

    id: str
    create_time: _Epoch
    share_url: str = ""
    title: str = ""
    video_description: str = ""
    view_count: Count | None = None
    like_count: Count | None = None
    comment_count: Count | None = None
    share_count: Count | None = None

    @property
    def text(self) -> str:
        return self.video_description or self.title

    @property
    def kind(self) -> PostKind:
        return "video"


class _Item(msgspec.Struct):
    """A post, as the Business API describes it."""

    id: str = msgspec.field(name="item_id")
    create_time: _Epoch
    share_url: str = ""
    text: str = msgspec.field(name="caption", default="")
    media_type: str = "VIDEO"
    video_views: Count | None = None
    likes: Count | None = None
    comments: Count | None = None
    shares: Count | None = None
    favorites: Count | None = None
    reach: Count | None = None
    total_time_watched: _Seconds | None = None
    website_clicks: Count | None = None
    lead_submissions: Count | None = None

    @property
    def kind(self) -> PostKind:
        return "image" if self.media_type == "PHOTO" else "video"


class _Listed(msgspec.Struct, Generic[T]):
    """A page of posts; the cursor is a moment in milliseconds."""

    videos: list[T] | None = None
    cursor: Count | None = None
    has_more: bool = False


class _Comment(msgspec.Struct):
    comment_id: str
    create_time: _Epoch
    text: str = ""
    owner: bool = False
    unique_identifier: str = ""
    user_id: str = ""
    username: str = ""
    parent_comment_id: str | None = None
    replies: Count = 0
    reply_list: list["_Comment"] | None = None


class _Comments(msgspec.Struct):
    comments: list[_Comment] | None = None


_Ask = Callable[[str | None, Sequence[str]], RawPage]


class TikTok(Source):
    """TikTok, through its Display API or its Business API."""

    name = "tiktok"
    title = _TITLE
    kind = "social"
    reference = Written("a TikTok username, without @", r"[A-Za-z0-9_.]{2,24}", "hollowoak")
    options = {"api": Written("which of TikTok's APIs is asked", r"display|business", "business")}  # noqa: RUF012
    evidence = ("recording", "vendor document")
    known_gaps = (
        "Only the exchange of tokens was checked against real answers, all else against TikTok's documents.",
        "An account's id is another one in each app, so a client that changes the app begins a new series.",
        "Views bought as ads are in the views, and what people did after an ad is in the likes, comments, shares, "
        "favourites and new followers; posts that are only an ad may be in the Business API's list.",
        "Comments are read from the Business API only, under the newest 10 posts of the look-back.",
        "The fields of forms sent and of link clicks are named as other programs ask for them.",
    )
    api_version = "Display API v2, Business API v1.3"
    servers = (_DISPLAY, _BUSINESS)
    streams = ("account", "days", "posts", "comments", "replies")
    lookback_days = 3
    weekly_lookback_days = 28
    tells_after = dt.timedelta(hours=48)
    dictionary = load_dictionary(files(__package__) / "tiktok.yaml")
    pool_slots = 4
    walks = (Walk("videos", _PAGE, "https://developers.tiktok.com/doc/tiktok-api-v2-video-list"),)
    call_budget = 100
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(hours=12)

    def fixed_calls(self, *, days: int) -> int:
        """Of the dearer Business API: the account, its days, the page beyond the window, and the conversations."""
        return 3 + _MOST_COMMENTED + _MOST_LONG_THREADS

    def base_url(self, target: Target) -> str:
        """The server of the API that the client's file names."""
        return _BUSINESS if _is_business(target) else _DISPLAY

    def api_of(self, target: Target) -> str:
        """Display or Business API, as the client's file says; they have different metrics."""
        return "business" if _is_business(target) else "display"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account and its posts of the window; from the Business API its days and conversations, too."""
        if http.token is None:
            raise Unauthorized(f"{_TITLE} for {target.ref}: the Airflow Connection holds no token. {_RENEW}")
        if not _is_business(target):
            yield from _display(target, window, http)
        elif not http.login:
            raise Unauthorized(
                f"{_TITLE} for {target.ref}: the Business API wants the account's open_id, which came with its first "
                "token; put it into the login of the Airflow Connection."
            )
        else:
            yield from _business(target, window, http, http.login)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of one answer of either API; the refusal of one metric tells that it is unavailable."""
        stamped = stamp(target, page)
        if _is_refused(page):
            yield from _unavailable(stamped, page)
        elif page.status == codes.ok and not _is_closed(page):
            if failure := _failure(page):
                raise BadAnswer(f"{place(page, _TITLE)} for {target.ref}: {failure.code}: {failure.message}")
            yield from _ROWS[page.stream](stamped, target, page)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange the refresh token, which dies with it, for a new pair; the extra tells of which API it is.

        Raises:
            Unauthorized: The consent is dead, or the extra lacks something.
            widerview.sources.errors.SourceError: TikTok does not answer, or not as promised.
        """
        client = "client_key" if "client_key" in http.extra else "client_id"
        oauth.require(http, (client, "client_secret", "refresh_token"), source=_TITLE, renew=_RENEW)
        public = {"grant_type": "refresh_token", client: http.extra[client]}
        secret = {name: http.extra[name] for name in ("client_secret", "refresh_token")}
        if client == "client_key":
            page = http.request("POST", f"{_DISPLAY}/v2/oauth/token/", stream="token", form=public, secret_form=secret)
            _check(page, "the refresh token")
            return oauth.tokens(http, page, decode(page, oauth.Granted, source=_TITLE, is_secret=True))
        url = f"{_BUSINESS}/{_V}/tt_user/oauth2/refresh_token/"
        # Secrets in a JSON body are recorded in the page, which is kept nowhere.
        page = http.request("POST", url, stream="token", json=public | secret)
        _check(page, "the refresh token")
        return oauth.tokens(http, page, decode(page, _Answer[oauth.Granted], source=_TITLE, is_secret=True).data)


def _is_business(target: Target) -> bool:
    return target.options.get("api") == "business"


# -- what went wrong -------------------------------------------------------------------------------------------------


def _failure(page: RawPage) -> _Failure | None:
    """What TikTok says went wrong; None if it says nothing of the kind, or nothing that can be read."""
    try:
        said = decode(page, _Said, source=_TITLE)
    except BadAnswer:
        return None
    if isinstance(said.error, str):
        return _Failure(said.error, said.error_description)
    if said.error is not None and said.error.code != "ok":
        return _Failure(said.error.code, said.error.message)
    return None if said.code in {None, 0, "0", "ok"} else _Failure(str(said.code), said.message)


def _is_refused(page: RawPage) -> bool:
    """Whether TikTok does not give one of the fields that were asked for."""
    failure = _failure(page)
    return failure is not None and failure.code in _REFUSED


def _is_closed(page: RawPage) -> bool:
    """Whether the consent does not cover conversations."""
    failure = _failure(page)
    return page.stream in {"comments", "replies"} and failure is not None and failure.code in _NO_RIGHT


def _is_down(failure: _Failure) -> bool:
    return re.fullmatch(_ITS_OWN_FAULT, failure.code) is not None


def _try_again(page: RawPage) -> bool:
    """The Business API asks for patience with HTTP 200."""
    failure = _failure(page)
    return failure is not None and (failure.code in _LATER or _is_down(failure))


def _check(page: RawPage, account: str) -> None:
    """Raise what an answer means, an error inside HTTP 200 included."""
    failure = _failure(page)
    if failure is None:
        check(page, source=_TITLE, account=account, renew=_RENEW)
        return
    told = f"{place(page, _TITLE)} for {account}: HTTP {page.status}, {failure.code}: {failure.message.rstrip('.')}."
    if failure.code in _LATER or page.status == codes.too_many_requests:
        raise RateLimited(f"{told} The rate limit is used up. Try again later.")
    if failure.code in _SHUT_OUT or page.status in {codes.unauthorized, codes.forbidden}:
        raise Unauthorized(f"{told} {_RENEW}")
    if _is_down(failure) or page.status >= codes.server_error:
        raise Unavailable(f"{told} Try again later.")
    raise BadAnswer(told)


# -- asking ----------------------------------------------------------------------------------------------------------


def _display(target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
    headers = {"Authorization": f"Bearer {http.token}"}
    opens = window.opens(target.time_zone).timestamp()
    users: list[_User] = []

    def ask_account(metrics: Sequence[str]) -> RawPage:
        params = {"fields": ",".join(("open_id", "username", "display_name", *metrics))}
        return http.request(
            "GET", "v2/user/info/", stream="account", params=params, headers=headers, try_again=_try_again
        )

    def read_account(page: RawPage) -> None:
        _check(page, target.ref)
        users.append(decode(page, _Answer[_UserData], source=_TITLE).data.user)
        _compare(page, target, users[-1].username)

    def ask_posts(cursor: str | None, metrics: Sequence[str]) -> RawPage:
        fields = ",".join(("id", "create_time", "share_url", "title", "video_description", *metrics))
        return http.request(
            "POST",
            "v2/video/list/",
            stream="posts",
            params={"fields": fields},
            json={"max_count": _PAGE} | ({"cursor": int(cursor)} if cursor else {}),
            headers=headers,
            about={"account": users[0].open_id},
            try_again=_try_again,
        )

    def read_posts(page: RawPage) -> Turn:
        _check(page, target.ref)
        return _turn(decode(page, _Answer[_Listed[_Video]], source=_TITLE).data, opens)

    yield from _account_pages(ask_account, read_account, list(_DISPLAY_ACCOUNT), http)
    yield from _post_pages(ask_posts, read_posts, list(_DISPLAY_POST), http)


def _business(target: Target, window: Window, http: HttpClient, open_id: str) -> Iterator[RawPage]:
    opens = window.opens(target.time_zone).timestamp()
    commented: dict[str, None] = {}
    today = window.last

    def ask(stream: str, path: str, **params: str) -> RawPage:
        return http.request(
            "GET",
            f"{_V}/business/{path}/",
            stream=stream,
            params={"business_id": open_id} | params,
            headers={"Access-Token": http.token or ""},
            try_again=_try_again,
        )

    def ask_account(metrics: Sequence[str]) -> RawPage:
        return ask("account", "get", fields=json.dumps(["username", "display_name", *metrics]))

    def read_account(page: RawPage) -> None:
        nonlocal today
        _check(page, target.ref)
        _compare(page, target, decode(page, _Answer[_Business], source=_TITLE).data.username)
        today = page.fetched_at.date()

    def ask_days(metrics: Sequence[str]) -> RawPage:
        first = max(window.first, today - dt.timedelta(days=_DAYS_BACK - 1))
        span = {"start_date": first.isoformat(), "end_date": window.last.isoformat()}
        return ask("days", "get", fields=json.dumps(list(metrics)), **span)

    def ask_posts(cursor: str | None, metrics: Sequence[str]) -> RawPage:
        fields = json.dumps(["item_id", "create_time", "share_url", "caption", "media_type", *metrics])
        further = {"cursor": cursor} if cursor else {}
        return ask("posts", "video/list", fields=fields, max_count=str(_PAGE), **further)

    def read_posts(page: RawPage) -> Turn:
        _check(page, target.ref)
        listed = decode(page, _Answer[_Listed[_Item]], source=_TITLE).data
        recent = [item for item in listed.videos or [] if item.create_time >= opens]
        commented.update((item.id, None) for item in recent if item.comments != 0)
        return _turn(listed, opens)

    yield from _account_pages(ask_account, read_account, list(_BUSINESS_ACCOUNT), http)
    if window.last > today - dt.timedelta(days=_DAYS_BACK):
        metrics = list(_BUSINESS_DAY)
        refusals = []
        for page in ask_in_groups(metrics, len(metrics), ask_days, _is_refused, one_by_one=http.one_metric_a_call):
            yield page
            if _is_refused(page):
                refusals += _fields(page) if len(_fields(page)) == 1 else []
            else:
                _check(page, target.ref)
                decode(page, _Answer[_Business], source=_TITLE)
        if refusals == metrics:  # TikTok says the same of any parameter that is wrong
            failure = _failure(page)
            said = f"{failure.code}: {failure.message}" if failure else ""
            raise BadAnswer(f"{place(page, _TITLE)}: TikTok refused every metric of a day: {said}")
    yield from _post_pages(ask_posts, read_posts, list(_BUSINESS_POST), http)
    yield from _conversations(ask, target, list(commented)[:_MOST_COMMENTED])


def _conversations(ask: Callable[..., RawPage], target: Target, videos: Sequence[str]) -> Iterator[RawPage]:
    """The newest threads under each post, and the whole of a few long ones; none without the right to comments."""
    latest = {"status": "PUBLIC", "sort_field": "create_time", "max_count": str(_COMMENTS_A_PAGE)}
    long: list[dict[str, str]] = []
    for video in videos:
        page = ask("comments", "comment/list", video_id=video, include_replies="true", sort_order="desc", **latest)
        yield page
        if _is_closed(page):
            return
        _check(page, target.ref)
        for comment in decode(page, _Answer[_Comments], source=_TITLE).data.comments or []:
            if comment.replies > len(comment.reply_list or []):
                long.append({"video_id": video, "comment_id": comment.comment_id})
    for thread in long[:_MOST_LONG_THREADS]:
        # An own answer that is late stands at the end; who asks for the time to the first wants the beginning.
        page = ask("replies", "comment/reply/list", sort_order="asc", **thread, **latest)
        yield page
        if _is_closed(page):
            return
        _check(page, target.ref)
        decode(page, _Answer[_Comments], source=_TITLE)


def _compare(page: RawPage, target: Target, username: str) -> None:
    """A token opens the account that it belongs to, whatever the client's file says."""
    if username and username.casefold() != target.ref.casefold():
        raise NotFound(
            f"{place(page, _TITLE)}: the token is that of the account {username}, not {target.ref}. Correct the "
            f"username in the file of client {target.client_id}, or put the right token into the Airflow Connection."
        )


def _account_pages(
    ask: Callable[[Sequence[str]], RawPage], read: Callable[[RawPage], None], metrics: list[str], http: HttpClient
) -> Iterator[RawPage]:
    """The account with its totals; without any, should TikTok give none of them."""
    is_read = False
    for page in ask_in_groups(metrics, len(metrics), ask, _is_refused, one_by_one=http.one_metric_a_call):
        yield page
        if not _is_refused(page):
            read(page)
            is_read = True
    if not is_read:
        page = ask(())
        yield page
        read(page)


def _post_pages(ask: _Ask, read: Callable[[RawPage], Turn], metrics: list[str], http: HttpClient) -> Iterator[RawPage]:
    """All pages of posts, with those of the metrics that TikTok still gives.

    It refuses a page for one metric that it does not give. Which one it is, is found out on the first page.
    """
    known, start = metrics, None
    if not http.one_metric_a_call:
        page = ask(None, known)
        yield page
        if not _is_refused(page):
            start = read(page).cursor
            if start is None:
                return
    if start is None:
        known, half = [], max(1, len(metrics) // 2)
        first = ask_in_groups(
            metrics, half, lambda group: ask(None, group), _is_refused, one_by_one=http.one_metric_a_call
        )
        for page in first:
            yield page
            if not _is_refused(page):
                read(page)
                known += [metric for metric in metrics if metric in _fields(page)]
    yield from paginate(lambda cursor: ask(cursor or start, known), read, source=_TITLE)


def _turn(listed: "_Listed[_Video] | _Listed[_Item]", opens: float) -> Turn:
    """Where a page of posts leads. It may hold few posts, or none, and still not be the last."""
    videos = listed.videos or []
    reached = bool(videos) and videos[-1].create_time < opens
    further = listed.has_more and not reached and listed.cursor is not None
    return Turn(str(listed.cursor) if further else None, len(videos))


# -- rows ------------------------------------------------------------------------------------------------------------


def _fields(page: RawPage) -> list[str]:
    """The fields a page was asked for, whether they were written as a list of words or as JSON."""
    return re.findall(r"\w+", page.request.params.get("fields", ""))


def _by_business(page: RawPage) -> bool:
    """Whether the Business API was asked; the client's file may have changed since."""
    return "/open_api/" in page.request.url


def _metrics(page: RawPage) -> Mapping[str, str]:
    """The metrics of a stream of the API that was asked: native name, canonical name."""
    if page.stream == "account":
        return _BUSINESS_ACCOUNT if _by_business(page) else _DISPLAY_ACCOUNT
    if page.stream == "posts":
        return _BUSINESS_POST if _by_business(page) else _DISPLAY_POST
    return _BUSINESS_DAY if page.stream == "days" else {}


def _counts(page: RawPage, described: msgspec.Struct) -> Mapping[str, int | None]:
    """The totals that were asked for; seconds are rounded."""
    asked, values = set(_fields(page)), {}
    for native, metric in _metrics(page).items():
        if native in asked:
            value = getattr(described, native)
            values[metric] = None if value is None else round(value)
    return counts(**values)


def _unavailable(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """The refusal of one metric alone."""
    asked = [(native, metric) for native, metric in _metrics(page).items() if native in _fields(page)]
    failure = _failure(page)
    if failure is not None and len(asked) == 1:
        [(native, metric)] = asked
        yield UnavailableRow(**stamp, metric=metric, native_metric=native, reason=f"{failure.code}: {failure.message}")


def _account(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    user: _User | _Business
    if _by_business(page):
        user = decode(page, _Answer[_Business], source=_TITLE).data
        account_id = page.request.params.get("business_id", "")
    else:
        user = decode(page, _Answer[_UserData], source=_TITLE).data.user
        account_id = user.open_id
    handle = user.username or target.ref
    yield AccountRow(
        **stamp,
        account_id=account_id,
        handle=handle,
        name=user.display_name or handle,
        url=f"https://www.tiktok.com/@{handle}",
        counts=_counts(page, user),
    )


def _posts(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    posts: Sequence[_Video | _Item]
    if _by_business(page):
        posts = decode(page, _Answer[_Listed[_Item]], source=_TITLE).data.videos or []
    else:
        posts = decode(page, _Answer[_Listed[_Video]], source=_TITLE).data.videos or []
    account_id = page.request.params.get("business_id")
    if not account_id:
        account_id = about(page, "account", what="account", source=_TITLE)["account"]
    for post in posts:
        # What follows the question mark names the app that asked.
        address = post.share_url.partition("?")[0]
        yield PostRow(
            **stamp,
            account_id=account_id,
            post_id=post.id,
            published_at=dt.datetime.fromtimestamp(post.create_time, dt.UTC),
            kind=post.kind,
            text=post.text,
            permalink=address or f"https://www.tiktok.com/@{target.ref}/video/{post.id}",
            tags=tuple(dict.fromkeys(tag.lower() for tag in re.findall(r"(?<!\w)#(\w+)", post.text))),
            counts=_counts(page, post),
        )


def _days(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    """Days as TikTok has them by now; one that is not over yet is left out."""
    asked = set(_fields(page))
    for day in decode(page, _Answer[_Business], source=_TITLE).data.metrics or []:
        if day.date >= page.fetched_at.astimezone(dt.UTC).date():
            continue
        values = {metric: getattr(day, native) for native, metric in _BUSINESS_DAY.items() if native in asked}
        account_id = page.request.params.get("business_id", "")
        yield from day_rows(stamp, "account", account_id, day.date, "UTC", values)


def _comments(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    params = page.request.params
    for comment in decode(page, _Answer[_Comments], source=_TITLE).data.comments or []:
        for said in (comment, *(comment.reply_list or [])):
            yield CommentRow(
                **stamp,
                account_id=params.get("business_id", ""),
                comment_id=said.comment_id,
                post_id=params.get("video_id", ""),
                published_at=dt.datetime.fromtimestamp(said.create_time, dt.UTC),
                author=said.unique_identifier or said.user_id or said.username,
                own=said.owner,
                text=said.text,
                reply_to=said.parent_comment_id or params.get("comment_id"),
            )


_ROWS = {"account": _account, "posts": _posts, "days": _days, "comments": _comments, "replies": _comments}
"""What makes the rows of each stream."""

SOURCE = TikTok()
