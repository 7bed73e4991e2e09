"""### Facebook: a Page's followers, posts, comments and days.

**Purpose.** Observe what Facebook tells a Page's own people: its followers, its posts with what people did with them,
the comments, and the numbers of each day.

**Inputs.** In the client's file: the Page's username (the last part of its address) or its numeric id. In an Airflow
Connection: as password a token, which is either the Page's own or, better, that of a *system user* of the Business
portfolio that the Page is assigned to (Business settings › Users › System users: add the app and the Page with *View
performance*, then *Generate token*, expiry *Never*). It needs the rights `pages_show_list`, `pages_read_engagement`,
`pages_read_user_content` and `read_insights`. For a token that dies, write into the Connection's extra `client_id` and
`client_secret` (the app's id and secret) and `expires_at` (ISO 8601): it is exchanged for a new one from 15 days
before. For one that never does, leave `expires_at` out. With `client_secret` every call also proves that it comes from
the app, which apps may demand. The Connection's host stays empty.

**Outputs.** The Page with its followers; its posts since the first day asked for, with reactions (as likes), comments
(as replies) and shares; of each post views, paid views, viewers, clicks, link clicks, video views and time watched;
the newest 50 comments under each post; and for each day views, paid views, viewers, engagements, profile views, video
views, new and lost followers, and clicks on the Page's contact details. Days are Pacific days, as Facebook counts
them, wherever the Page is. Views are told apart by paid and not paid; Facebook does not do so for the rest.

**Calls.** One for the Page's own token and one for the Page; three for each 88 days; one for each 100 posts with their
comments and numbers, and one more; one for the views of the newest 100. Where Facebook finds an answer too large, fewer
posts are asked for at once until the pull ends. A metric that Facebook has given up or withholds costs a few more.

**Limits.** A Page may make 4,800 calls in 24 hours for each person who engaged with it in that time. Numbers of days
are kept for two years, need a Page with 100 likes, and come once a day; that of the newest day may be missing still.
Counts of posts are running totals. What Facebook leaves out is stored as "not reported", never as zero: it leaves out
shares before the first one.

**When it fails.** *Unauthorized*: the token is dead or lacks a right; the message says which, and a person makes a new
one. Without `pages_read_user_content` posts come without their comments, and a note says so. A number that Facebook
withholds from a small Page is missing by itself, and a note says so, too; where the right to every number is missing,
the pull ends once all else is read. Without `read_insights`
Facebook answers with empty numbers and no error: if posts come and days stay empty, look at the token's rights. *Not
found*: the Page was renamed, is unpublished, or is not assigned to the system user; if all of that is right, write the
Page's numeric id instead of its username. *Rate limited*: the task tries
again by itself, after the time that Facebook names. *Bad answer*: look at the page in landing.
"""

import datetime as dt
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files

import msgspec

from widerview.sources import graph
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
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
    stamp,
)
from widerview.sources.graph import Graph, Id, Insight, Insights, InsightValue
from widerview.sources.http import Count, HttpClient, Moment, Turn, decode, utc
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Facebook"
_RENEWAL_PAGE = "https://business.facebook.com/settings/system-users"
_RENEW = (
    "Make a token with the rights pages_show_list, pages_read_engagement, pages_read_user_content and read_insights "
    f"at {_RENEWAL_PAGE} and put it into the password of the Airflow Connection."
)

_POSTS_A_PAGE = 100
_MOST_SPLIT = 100
"""Of how many posts, the newest, the views are asked for."""
_METRICS_A_CALL = 4
_DAYS_A_CALL = 88
"""Facebook gives 90, and two are asked for in addition."""
_SETTLES = dt.timedelta(hours=2)
_AFTER = dt.timedelta(days=2)

_ACCOUNT_FIELDS = "id,name,username,link,followers_count"
_COMMENTS = (
    "comments.filter(stream).order(reverse_chronological).limit(50).summary(true)"
    "{id,from{id},created_time,message,permalink_url,parent{id}}"
)
_POST_FIELDS = (
    "id,created_time,message,permalink_url,status_type,shares,reactions.limit(0).summary(true),"
    "attachments{media_type,url,unshimmed_url}"
)
_NO_COMMENTS = "no_comments"
"""Under what is noted why a listing was asked for without comments: Meta's words."""
_OF_NUMBERS = "id,created_time"
_VIEWS = {"page_media_view": ("views", "paid_views"), "post_media_view": ("views", "paid_views")}
"""What is split by `is_from_ads` gives these two, in this order."""
_OF_DAYS = {
    "page_total_media_view_unique": "viewers",
    "page_post_engagements": "engagements",
    "page_views_total": "profile_views",
    "page_video_views": "video_views",
    "page_daily_follows_unique": "follows",
    "page_daily_unfollows_unique": "unfollows",
    "page_total_actions": "profile_link_clicks",
}
_OF_POSTS = {
    "post_total_media_view_unique": "viewers",
    "post_clicks": "clicks",
    "post_clicks_by_type": "link_clicks",
    "post_video_views": "video_views",
    "post_video_view_time": "watch_time",
}
_CANONICAL: Mapping[str, Sequence[str]] = {
    **_VIEWS,
    **{native: (metric,) for native, metric in (_OF_DAYS | _OF_POSTS).items()},
}
_KINDS: Mapping[str, PostKind] = {"photo": "image", "album": "carousel", "video": "video", "link": "link"}


class _Token(msgspec.Struct):
    access_token: str | None = None


class _Page(msgspec.Struct):
    id: Id
    name: str
    username: str | None = None
    link: str | None = None
    followers_count: Count | None = None


class _Ref(msgspec.Struct):
    id: Id


class _Shares(msgspec.Struct):
    count: Count | None = None


class _Summary(msgspec.Struct):
    total_count: Count | None = None


class _Edge(msgspec.Struct):
    summary: _Summary | None = None


class _Comment(msgspec.Struct, rename={"author": "from"}):
    id: Id
    created_time: Moment
    message: str | None = None
    permalink_url: str | None = None
    author: _Ref | None = None
    parent: _Ref | None = None

    def __post_init__(self) -> None:
        self.created_time = utc(self.created_time)


class _Comments(msgspec.Struct):
    data: list[_Comment]
    summary: _Summary | None = None


class _Attachment(msgspec.Struct):
    media_type: str | None = None
    url: str | None = None
    unshimmed_url: str | None = None


class _Attachments(msgspec.Struct):
    data: list[_Attachment]


class _Post(msgspec.Struct):
    id: Id
    created_time: Moment
    message: str | None = None
    permalink_url: str | None = None
    shares: _Shares | None = None
    reactions: _Edge | None = None
    comments: _Comments | None = None
    attachments: _Attachments | None = None
    insights: Insights | None = None

    def __post_init__(self) -> None:
        self.created_time = utc(self.created_time)


class _Posts(msgspec.Struct):
    data: list[_Post]
    paging: graph.Paging | None = None


class Facebook(Source):
    """Facebook Pages, through the Graph API."""

    name = "facebook"
    title = _TITLE
    kind = "social"
    reference = Written(
        "a Facebook Page's username or numeric id",
        r"[A-Za-z0-9.-]+",
        'meadowbakery, or "102030405060708" (with the quotes)',
    )
    api_version = f"Graph API {graph.VERSION}"
    evidence = ("recording", "vendor document")
    known_gaps = (
        "Insights with the metric names of 2026 follow Meta's documents; the recorded answers are of 2019 to 2024.",
        "Views of posts, paid and not, are read of the newest 100 posts of the look-back; those of older ones stay as "
        "they were. Only views can be split by who paid, so they take a call of their own.",
        graph.VERSION_GAP,
        "Of the five old ways of asking that v26.0 ended, Meta's list was not at hand; none is knowingly used, and "
        "neither are those that new apps may not use since 2026-11-04 (several ids at once, names for fields).",
        "Reels have the numbers of their posts; what only their own endpoint knows (video_insights) is not asked for.",
        "Of the comments under a post the newest 50 are read with each pull; direct messages are not read.",
        "Likes, replies and shares of a post, viewers, clicks, link clicks, engagements, video views, time watched and "
        "new followers hold paid ones, too: a boosted post is the same post, and Meta tells only views apart.",
    )
    streams = ("account", "insights", "posts", "post_insights")
    lookback_days = 30
    weekly_lookback_days = 60
    tells_after = dt.timedelta(hours=48)
    dictionary = load_dictionary(files(__package__) / "facebook.yaml")
    pool_slots = 4
    walks = (
        Walk(
            "posts with comments and numbers",
            _POSTS_A_PAGE,
            "https://developers.facebook.com/docs/apps/upgrading (v2.4)",
        ),
    )
    call_budget = 100
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(days=15)

    def fixed_calls(self, *, days: int) -> int:
        """The token and the Page, three for 88 days, a last page of posts, and the views of the newest hundred."""
        return 2 + 3 * -(-days // _DAYS_A_CALL) + 2

    def base_url(self, target: Target) -> str:
        """Facebook's Graph API."""
        return graph.FACEBOOK

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The Page, its days, and its posts with their comments and numbers."""
        ask = _asking(target, http, (yield from _page_token(target, http)))
        page = ask.get(target.ref, stream="account", params={"fields": _ACCOUNT_FIELDS})
        yield page
        page_id = ask.read(page, _Page).id
        gone: set[str] = set()
        for first, last in graph.spans(window.first, window.last, _DAYS_A_CALL):
            yield from _days(ask, page_id, first, last, page.fetched_at, gone, one_by_one=http.one_metric_a_call)
        yield from _posts(ask, page_id, window.opens(target.time_zone), one_by_one=http.one_metric_a_call)
        ask.check_right_to_numbers()

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the Page, of days, of posts with comments and numbers; a refused metric gives its own."""
        if page.stream == "account":
            yield from _account(target, page)
        elif page.stream == "insights":
            yield from _insights(target, page)
        elif page.stream == "posts":
            yield from _posts_and_comments(target, page)
        else:
            yield from _post_insights(target, page)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange a system user's token, or a person's, for one of 60 more days."""
        return graph.exchange_by_app(http, title=_TITLE, renew=_RENEW)


def _asking(target: Target, http: HttpClient, token: str | None = None) -> Graph:
    return Graph(
        http,
        title=_TITLE,
        account=target.ref,
        renew=_RENEW,
        token=token,
        app_secret=http.extra.get("client_secret"),
    )


def _page_token(target: Target, http: HttpClient) -> Generator[RawPage, None, str | None]:
    """The Page's own token; None if Facebook does not give it, and the Connection's must do.

    Insights and posts want the Page's token; a system user's or a person's only opens the way to it. The answer that
    holds it is not handed over, so nobody keeps it.
    """
    ask = _asking(target, http)
    page = ask.get(target.ref, stream="account", params={"fields": "access_token"})
    if not graph.is_good(page):
        yield page
        ask.check(page)
    token = decode(page, _Token, source=_TITLE, is_secret=True).access_token
    if not token:
        return None
    token = http.known_again(token)  # the Connection may hold the Page's own
    http.keep_secret(token)
    return token


def _days(
    ask: Graph, page_id: str, first: dt.date, last: dt.date, now: dt.datetime, gone: set[str], *, one_by_one: bool
) -> Iterator[RawPage]:
    """What each day gave, views apart because only they can be split by who paid; what is `gone` is not asked for."""
    # Facebook does not say whether a day that is over exactly at `until` is still given, so more is asked for.
    until = min(graph.pacific_midnight(last + _AFTER), int(now.timestamp()))
    params = {"period": "day", "since": str(graph.pacific_midnight(first)), "until": str(until)}

    def get(metrics: Sequence[str], **more: str) -> RawPage:
        named = {"metric": ",".join(metrics)}
        return ask.get(f"{page_id}/insights", stream="insights", params={**params, **named, **more})

    yield from ask.numbers(["page_media_view"], 1, partial(get, breakdown="is_from_ads"), gone, too_few=True)
    yield from ask.numbers(tuple(_OF_DAYS), _METRICS_A_CALL, get, gone, too_few=True, one_by_one=one_by_one)


def _posts(ask: Graph, page_id: str, opens: dt.datetime, *, one_by_one: bool) -> Iterator[RawPage]:
    """The posts from the newest to the first day, with their comments and numbers."""
    path, since = f"{page_id}/published_posts", {"since": str(int(opens.timestamp()))}

    def turn(page: RawPage) -> Turn:
        posts = decode(page, _Posts, source=_TITLE)
        reached = bool(posts.data) and posts.data[-1].created_time < opens
        return Turn(None if reached else graph.next_cursor(posts.paging), len(posts.data))

    def listing(
        *fields: str,
        stream: str = "posts",
        turn: Callable[[RawPage], Turn] = turn,
        about: Mapping[str, str] | None = None,
    ) -> Iterator[RawPage]:
        params = {"fields": ",".join(fields), **since}
        return ask.listing(path, stream=stream, params=params, most=_POSTS_A_PAGE, turn=turn, about=about)

    def walk(metrics: Sequence[str]) -> Iterator[RawPage]:
        fields = (_POST_FIELDS, *([_numbers(metrics)] if metrics else []))
        try:
            yield from listing(*fields, _COMMENTS)
        except graph.NoRight as refused:
            # Comments need a right of their own, and without it Facebook gives no posts either. That it was they, and
            # no number, is known by the answer without them.
            yield from listing(*fields, about={_NO_COMMENTS: refused.said})

    def first_page(metrics: Sequence[str]) -> RawPage:
        params = {"fields": f"{_OF_NUMBERS},{_numbers(metrics)}", "limit": str(_POSTS_A_PAGE), **since}
        return ask.get(path, stream="post_insights", params=params)

    def numbers(metrics: Sequence[str], split: str = "", turn: Callable[[RawPage], Turn] = turn) -> Iterator[RawPage]:
        return listing(_OF_NUMBERS, _numbers(metrics) + split, stream="post_insights", turn=turn)

    left: list[str] = []
    yield from graph.listing_with_numbers(ask, tuple(_OF_POSTS), walk, first_page, left, one_by_one=one_by_one)
    yield from graph.listings_in_groups(ask, left, numbers)
    split = partial(numbers, split=".breakdown(is_from_ads)", turn=graph.newest(_MOST_SPLIT, turn))
    yield from graph.listings_in_groups(ask, ["post_media_view"], split)


def _numbers(metrics: Sequence[str]) -> str:
    """The field with which posts have these numbers."""
    return f"insights.metric({','.join(metrics)}).period(lifetime)"


def _account(target: Target, page: RawPage) -> Iterator[Row]:
    if graph.is_good(page):
        account = decode(page, _Page, source=_TITLE)
        yield AccountRow(
            **stamp(target, page),
            account_id=account.id,
            handle=account.username or target.ref,
            name=account.name,
            url=account.link or f"https://www.facebook.com/{account.id}",
            counts=counts(followers=account.followers_count),
        )


def _insights(target: Target, page: RawPage) -> Iterator[Row]:
    stamped = stamp(target, page)
    yield from graph.unavailable(stamped, page, _CANONICAL)
    if not graph.is_good(page):
        return
    settled = _settled(page)
    for insight in decode(page, Insights, source=_TITLE).data:
        if insight.name not in _CANONICAL or insight.period != "day":
            continue
        for value in insight.values:
            metric = _split(insight, value)
            if metric and value.end_time and value.end_time <= settled and not isinstance(value.value, dict):
                yield graph.day_row(stamped, page, graph.pacific_day(value.end_time), metric, value.value)


def _settled(page: RawPage) -> dt.datetime:
    """Until when a day must have been over to be read: two hours before the last moment that was asked for.

    That leaves out the day after the last, which is asked for only so that the last one is surely there, and a day
    that is not over or has only just ended.
    """
    until = page.request.params.get("until", "")
    asked = dt.datetime.fromtimestamp(int(until), dt.UTC) if until.isdecimal() else page.fetched_at
    return min(asked, page.fetched_at) - _SETTLES


def _split(insight: Insight, value: InsightValue) -> str | None:
    """The canonical metric of a value; None where it is not told whether it was paid for."""
    if insight.name not in _VIEWS:
        return _CANONICAL[insight.name][0]
    return _VIEWS[insight.name][value.is_from_ads] if value.is_from_ads in {0, 1} else None


def _posts_and_comments(target: Target, page: RawPage) -> Iterator[Row]:
    if not graph.is_good(page):
        return
    stamped, account_id = stamp(target, page), graph.asked_id(page)
    if said := page.request.about.get(_NO_COMMENTS):
        yield UnavailableRow(**stamped, metric="replies", native_metric="comments", reason=said)
    for post in decode(page, _Posts, source=_TITLE).data:
        yield _post(stamped, account_id, post)
        for comment in post.comments.data if post.comments else []:
            yield _comment(stamped, account_id, post, comment)


def _post(stamp: Stamp, account_id: str, post: _Post) -> PostRow:
    text = post.message or ""
    attachments = post.attachments.data if post.attachments else []
    attached = [each.unshimmed_url or each.url for each in attachments if each.media_type == "link"]
    links = dict.fromkeys([*graph.links_in(text), *(link for link in attached if link)])
    permalink = post.permalink_url or f"https://www.facebook.com/{post.id}"
    return PostRow(
        **stamp,
        account_id=account_id,
        post_id=post.id,
        published_at=post.created_time,
        kind=_kind(permalink, attachments, has_links=bool(links)),
        text=text,
        permalink=permalink,
        tags=graph.tags_in(text),
        links=tuple(link for link in links if re.match(r"https?://", link)),
        counts=counts(
            likes=_total(post.reactions.summary if post.reactions else None),
            replies=_total(post.comments.summary if post.comments else None),
            shares=post.shares.count if post.shares else None,
            **_totals(post),
        ),
    )


def _total(summary: _Summary | None) -> int | None:
    return summary.total_count if summary else None


def _kind(permalink: str, attachments: Sequence[_Attachment], *, has_links: bool) -> PostKind:
    if "/reel/" in permalink:
        return "reel"
    shown = attachments[0].media_type if attachments else None
    return _KINDS.get(shown or "", "link" if has_links else "text")


def _comment(stamp: Stamp, account_id: str, post: _Post, comment: _Comment) -> CommentRow:
    # Facebook hides some authors; each of those counts as a person of their own.
    author = comment.author.id if comment.author else f"hidden in {comment.id}"
    return CommentRow(
        **stamp,
        account_id=account_id,
        comment_id=comment.id,
        post_id=post.id,
        published_at=comment.created_time,
        author=author,
        own=author == account_id,
        text=comment.message or "",
        permalink=comment.permalink_url or "",
        reply_to=comment.parent.id if comment.parent else None,
    )


def _post_insights(target: Target, page: RawPage) -> Iterator[Row]:
    stamped, account_id = stamp(target, page), graph.asked_id(page)
    yield from graph.unavailable(stamped, page, _CANONICAL)
    if not graph.is_good(page):
        return
    for post in decode(page, _Posts, source=_TITLE).data:
        if found := counts(**_totals(post)):
            yield CounterRow(
                **stamped, account_id=account_id, post_id=post.id, published_at=post.created_time, counts=found
            )


def _totals(post: _Post) -> dict[str, int | None]:
    """The running totals of a post among its insights; what Facebook has nothing to say of is left out."""
    found: dict[str, int | None] = {}
    for insight in post.insights.data if post.insights else []:
        if insight.name in _CANONICAL and insight.period == "lifetime":
            for value in insight.values:
                if metric := _split(insight, value):
                    found[metric] = _number(insight.name, value.value)
    return found


def _number(native: str, value: float | dict[str, int] | None) -> int | None:
    """A total as a whole number, in the unit of its canonical metric."""
    if isinstance(value, dict):
        return value.get("link clicks") if native == "post_clicks_by_type" else None
    if value is None or native == "post_clicks_by_type":
        return None
    return int(value) // 1000 if native == "post_video_view_time" else int(value)


SOURCE = Facebook()
