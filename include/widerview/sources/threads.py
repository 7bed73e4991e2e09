"""### Threads: an account's followers, posts, conversations and days.

**Purpose.** Observe what Threads tells an account's own people: its followers, its posts with what people did with
them, what was written under them, and the numbers of each day.

**Inputs.** In the client's file: the account's username, without `@`. In an Airflow Connection, as password, a
long-lived token of the account: in Meta's app dashboard, under *Access the Threads API*, add the account as a tester or
let it log in, and make a token with the rights `threads_basic`, `threads_manage_insights` and `threads_read_replies`.
It dies after 60 days: write `expires_at` (ISO 8601) into the Connection's extra, and it is renewed from 15 days before,
as often as it takes; a token whose `expires_at` is left out is never renewed. The Connection's host stays empty.

**Outputs.** The account with its followers; its posts since the first day asked for, with views, likes, replies,
reposts, quotes and shares; the newest 100 replies under each of the ten newest posts of the last seven days that have
any, each with its time and whether the account itself wrote it; and for days likes, replies, reposts, quotes and
link clicks: of the last seven days asked for, or of all of them where more than 31 are, as on Sundays or by hand. Days
are Pacific days, as Meta counts them, wherever the account is. What the
account adds to its own thread is no comment.

**Calls.** One for the account and one for its followers; one for each 100 posts with their numbers, and one more; one
for each day: 7 with each pull, and 61 on Sundays; the conversation of each of at most ten posts. A metric that Threads
has given up costs a few more, and one that only some posts do not know costs one for each post. Those come after the
days, so that they cost no day if the calls of a run are used up; about 250 days fit one run.

**Limits.** The counts of posts are running totals. Posts that only repost somebody else's give no rows. Threads names
who wrote a reply by username only. The account's daily `views` are not read, because Meta's document (views of the
profile) and what is measured (views of all posts) differ. There are no numbers of days before 2024-04-13.

**When it fails.** *Unauthorized*: the token is dead or lacks a right; make a new one. Without the right to replies the
posts come without them. *Not found*: the token belongs to an account of another name; correct the client's file after a
change of name. *Rate limited*: the task tries again by itself. *Bad answer*: look at the page in landing.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from urllib.parse import quote

import msgspec

from widerview.sources import conversations, graph
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    Counts,
    PostKind,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    Tokens,
    Walk,
    Window,
    Written,
    counts,
    stamp,
)
from widerview.sources.errors import NotFound
from widerview.sources.graph import Graph, Id, Insight, Insights, Number
from widerview.sources.http import HttpClient, Moment, Turn, ask_in_groups, decode, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Threads"
_VERSION = "v1.0"
_RENEWAL_PAGE = "https://developers.facebook.com/apps/"
_RENEW = (
    "Make a token with the rights threads_basic, threads_manage_insights and threads_read_replies in the app's "
    f"dashboard at {_RENEWAL_PAGE}, under Access the Threads API, and put it into the Airflow Connection's password."
)

_POSTS_A_PAGE = 100
_REPLIES = 100
_FIRST_DAY = dt.date(2024, 4, 13)

_PROFILE = "id,username,name"
_POST = "id,media_type,permalink,text,timestamp,is_quote_post,has_replies,link_attachment_url,topic_tag,poll_attachment"
_OF_NUMBERS = "id,media_type,timestamp"
_LISTING = "threads"
_REPLY = "id,text,timestamp,username,permalink,is_reply_owned_by_me,replied_to"
_OF_POSTS = ("views", "likes", "replies", "reposts", "quotes", "shares")
_OF_DAYS = {"likes": "likes", "replies": "replies", "reposts": "reposts", "quotes": "quotes", "clicks": "link_clicks"}
_FOLLOWERS = "followers_count"
_CANONICAL: Mapping[str, Sequence[str]] = {
    **{metric: [metric] for metric in _OF_POSTS},
    **{native: [metric] for native, metric in _OF_DAYS.items()},
    _FOLLOWERS: ["followers"],
}

_REPOST = "REPOST_FACADE"
_KINDS: Mapping[str, PostKind] = {"IMAGE": "image", "VIDEO": "video", "CAROUSEL_ALBUM": "carousel"}


class _Profile(msgspec.Struct):
    id: Id
    username: str
    name: str | None = None


class _Ref(msgspec.Struct):
    id: Id


class _Post(msgspec.Struct):
    """A post; where the content of an object does not matter here, presence is enough."""

    id: Id
    timestamp: Moment
    media_type: str = ""
    permalink: str | None = None
    text: str | None = None
    is_quote_post: bool = False
    has_replies: bool = False
    link_attachment_url: str | None = None
    topic_tag: str | None = None
    poll_attachment: dict[str, msgspec.Raw] | None = None
    insights: Insights | None = None

    def __post_init__(self) -> None:
        self.timestamp = utc(self.timestamp)


class _Posts(msgspec.Struct):
    data: list[_Post]
    paging: graph.Paging | None = None


class _Reply(msgspec.Struct):
    id: Id
    timestamp: Moment
    text: str | None = None
    username: str | None = None
    permalink: str | None = None
    is_reply_owned_by_me: bool = False
    replied_to: _Ref | None = None

    def __post_init__(self) -> None:
        self.timestamp = utc(self.timestamp)


class _Replies(msgspec.Struct):
    data: list[_Reply]
    paging: graph.Paging | None = None


class _Link(msgspec.Struct):
    value: Number | None = None


class _OfDay(Insight):
    """A metric of a day: a total, or (clicks) one total a link."""

    link_total_values: list[_Link] | None = None


class _Day(msgspec.Struct):
    data: list[_OfDay]


class Threads(Source):
    """Threads accounts, through the Threads API."""

    name = "threads"
    title = _TITLE
    kind = "social"
    reference = Written("a Threads username, without @", r"[A-Za-z0-9_.]{1,30}", "meadowbakery")
    api_version = f"Threads API {_VERSION}"
    evidence = ("vendor document",)
    known_gaps = (
        "No recorded answers were at hand but that of a token's exchange; everything else follows Meta's documents.",
        "That the numbers of posts come along with a listing of them is common use and stands in no document; should "
        "Threads refuse, each post is asked for alone from then on, a call for each, and numbers of posts are missing "
        "where that takes more calls than a run has.",
        "Of a conversation the newest 100 replies are read, of the ten newest posts of seven days.",
        "The further parts of the account's own threads, and what it writes under posts of others, are not read.",
        "The account's daily views are not read, because Meta's document and what is measured differ.",
    )
    streams = ("account", "followers", "posts", "post_insights", "insights", "comments")
    lookback_days = 30
    weekly_lookback_days = 60
    tells_after = dt.timedelta(hours=48)
    dictionary = load_dictionary(files(__package__) / "threads.yaml")
    pool_slots = 4
    walks = (
        Walk(
            "posts with numbers", _POSTS_A_PAGE, "https://developers.facebook.com/documentation/threads/reference/user"
        ),
    )
    call_budget = 300
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(days=15)

    def fixed_calls(self, *, days: int) -> int:
        """Account and followers; the page beyond the window; one for each day; ten conversations at most."""
        return 3 + graph.days_asked(days, self.lookback_days) + conversations.MOST

    def base_url(self, target: Target) -> str:
        """The Threads API."""
        return "https://graph.threads.net"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, its followers, its posts with numbers, its days, then the newest conversations."""
        ask = Graph(http, title=_TITLE, account=target.ref, renew=_RENEW, version=_VERSION)
        page = ask.get("me", stream="account", params={"fields": _PROFILE})
        yield page
        profile = ask.read(page, _Profile)
        if profile.username.lower() != target.ref.lower():
            raise NotFound(
                f"{place(page, _TITLE)}: the token belongs to {profile.username} and not to {target.ref}. Correct the "
                f"handle in the file of client {target.client_id}, or the token in the Airflow Connection."
            )
        account_id, one_by_one = quote(profile.id, safe=""), http.one_metric_a_call
        gone: set[str] = set()
        yield from _totals(ask, account_id, "followers", [_FOLLOWERS], {}, gone, one_by_one=one_by_one)
        posts: dict[str, _Post] = {}
        opens = window.opens(target.time_zone)
        left: list[str] = []
        yield from _posts(ask, account_id, opens, posts, left, one_by_one=one_by_one)
        days = graph.last_days(window, page.fetched_at, lookback_days=self.lookback_days, earliest=_FIRST_DAY)
        for times in days:
            yield from _totals(ask, account_id, "insights", list(_OF_DAYS), times, gone, one_by_one=one_by_one)
        if left:
            yield from _numbers_alone(ask, account_id, list(posts), left, one_by_one=one_by_one)
        published = {id_: post.timestamp for id_, post in posts.items() if post.has_replies}
        for id_ in conversations.newest(published, window, target.time_zone):
            try:
                yield from _conversation(ask, account_id, id_)
            except graph.NoRight:
                break
            except NotFound:
                pass  # the post is gone
        ask.check_right_to_numbers()

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the account, of posts or their numbers, of a day or a conversation; of a refused metric its own."""
        said = graph.unavailable_of_posts if page.stream == "post_insights" else graph.unavailable
        stamped = stamp(target, page)
        yield from said(stamped, page, _CANONICAL)
        if not graph.is_good(page):
            return
        match page.stream:
            case "account":
                yield _account(stamped, decode(page, _Profile, source=_TITLE))
            case "followers":
                told = {each.name: _number(each) for each in decode(page, Insights, source=_TITLE).data}
                yield CounterRow(
                    **stamped, account_id=graph.asked_id(page), counts=counts(followers=told.get(_FOLLOWERS))
                )
            case "insights":
                yield from _day(stamped, page)
            case "posts":
                posts = decode(page, _Posts, source=_TITLE).data
                yield from (_post(stamped, page, post) for post in posts if post.media_type != _REPOST)
            case "post_insights":
                yield from _counters(stamped, page)
            case _:
                yield from _comments(stamped, target, page)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange a token for one of 60 more days."""
        return graph.exchange(
            http,
            "refresh_access_token",
            title=_TITLE,
            renew=_RENEW,
            params={"grant_type": "th_refresh_token"},
            secret_params={"access_token": http.token or ""},
            lives=graph.LONG_LIVED,
        )


def _totals(
    ask: Graph,
    account_id: str,
    stream: str,
    metrics: Sequence[str],
    times: Mapping[str, str],
    gone: set[str],
    *,
    one_by_one: bool,
) -> Iterator[RawPage]:
    """Totals of the account: as it stands, or of some time; what is `gone` is not asked for."""

    def get(group: Sequence[str]) -> RawPage:
        params = {"metric": ",".join(group), **times}
        return ask.get(f"{account_id}/threads_insights", stream=stream, params=params)

    return ask.numbers(metrics, len(metrics), get, gone, one_by_one=one_by_one)


def _posts(
    ask: Graph, account_id: str, opens: dt.datetime, posts: dict[str, _Post], left: list[str], *, one_by_one: bool
) -> Iterator[RawPage]:
    """The posts from the newest to the first day, with their numbers.

    Notes those of the account's own in `posts`, and in `left` the numbers that did not come along.
    """
    path = f"{account_id}/{_LISTING}"

    def turn(page: RawPage) -> Turn:
        listing = decode(page, _Posts, source=_TITLE)
        posts.update((post.id, post) for post in listing.data if post.timestamp >= opens and post.media_type != _REPOST)
        reached = bool(listing.data) and listing.data[-1].timestamp < opens
        return Turn(None if reached else graph.next_cursor(listing.paging), len(listing.data))

    def walk(metrics: Sequence[str]) -> Iterator[RawPage]:
        params = {"fields": _fields(_POST, metrics)}
        return ask.listing(path, stream="posts", params=params, most=_POSTS_A_PAGE, turn=turn)

    def first_page(metrics: Sequence[str]) -> RawPage:
        params = {"fields": _fields(_OF_NUMBERS, metrics), "limit": str(_POSTS_A_PAGE)}
        return ask.get(path, stream="post_insights", params=params)

    yield from graph.listing_with_numbers(ask, _OF_POSTS, walk, first_page, left, one_by_one=one_by_one)


def _conversation(ask: Graph, account_id: str, post: str) -> Iterator[RawPage]:
    """The newest replies under a post."""

    def turn(page: RawPage) -> Turn:
        replies = decode(page, _Replies, source=_TITLE)
        return Turn(graph.next_cursor(replies.paging), len(replies.data))

    return ask.listing(
        f"{quote(post, safe='')}/conversation",
        stream="comments",
        params={"fields": _REPLY},
        most=_REPLIES,
        turn=graph.newest(_REPLIES, turn),
        about={"account": account_id},
    )


def _fields(fields: str, metrics: Sequence[str]) -> str:
    return f"{fields},insights.metric({','.join(metrics)})" if metrics else fields


def _numbers_alone(
    ask: Graph, account_id: str, posts: Sequence[str], metrics: Sequence[str], *, one_by_one: bool
) -> Iterator[RawPage]:
    """Numbers of each post by itself; a metric that is refused for all of them is asked for once more, to note that."""
    given: set[str] = set()
    refused: dict[str, str] = {}
    unknown: set[str] = set()

    def get(id_: str, some: Sequence[str], about: Mapping[str, str] | None = None) -> RawPage:
        about = about or {"account": account_id}
        return ask.get(
            quote(id_, safe=""), stream="post_insights", params={"fields": _fields(_OF_NUMBERS, some)}, about=about
        )

    def judge(page: RawPage) -> None:
        if not graph.is_not_there(page):
            ask.judge_numbers(page)

    for id_ in posts:
        left = [metric for metric in metrics if metric not in unknown]
        for page in ask_in_groups(left, len(metrics), partial(get, id_), graph.is_withheld, one_by_one=one_by_one):
            yield page
            judge(page)
            named = graph.asked_metrics(page)
            if graph.is_good(page):
                given.update(named)
            elif len(named) == 1 and (graph.is_unknown(page) or graph.lacks_right(page)):
                unknown.update(named)
            elif len(named) == 1 and graph.is_withheld(page):
                refused.setdefault(named[0], id_)
    for metric, id_ in refused.items():
        if metric not in given:
            page = get(id_, [metric], graph.refused_for_all(account_id))
            yield page
            judge(page)


def _account(stamp: Stamp, profile: _Profile) -> AccountRow:
    return AccountRow(
        **stamp,
        account_id=profile.id,
        handle=profile.username,
        name=profile.name or profile.username,
        url=f"https://www.threads.com/@{profile.username}",
    )


def _number(insight: Insight) -> int | None:
    """A total; None where Threads told none."""
    return None if insight.number is None else int(insight.number)


def _day(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    for insight in decode(page, _Day, source=_TITLE).data:
        if insight.name not in _OF_DAYS:
            continue
        value: Number | None = _number(insight)
        if insight.link_total_values is not None:
            value = sum(link.value or 0 for link in insight.link_total_values)
        yield graph.day_row(stamp, page, graph.asked_day(page), _OF_DAYS[insight.name], value)


def _post(stamp: Stamp, page: RawPage, post: _Post) -> PostRow:
    text = post.text or ""
    topic = (post.topic_tag or "").strip().lower()
    links = dict.fromkeys([*graph.links_in(text), post.link_attachment_url or ""])
    links.pop("", None)
    return PostRow(
        **stamp,
        account_id=graph.asked_id(page),
        post_id=post.id,
        published_at=post.timestamp,
        kind=_kind(post, has_links=bool(links)),
        text=text,
        permalink=post.permalink or "https://www.threads.com/",
        tags=tuple(dict.fromkeys(tag for tag in (*graph.tags_in(text), topic) if tag)),
        links=tuple(links),
        counts=_counted(page, post),
    )


def _kind(post: _Post, *, has_links: bool) -> PostKind:
    """What a post is at first sight; a quote with a picture is a quote."""
    if post.poll_attachment:
        return "poll"
    if post.is_quote_post:
        return "quote"
    return _KINDS.get(post.media_type, "link" if has_links else "text")


def _counters(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    listed = page.request.url.endswith(f"/{_LISTING}")
    posts = decode(page, _Posts, source=_TITLE).data if listed else [decode(page, _Post, source=_TITLE)]
    account_id = graph.asked_id(page) if listed else graph.noted_account(page, title=_TITLE)
    for post in posts:
        if post.media_type != _REPOST:
            yield CounterRow(
                **stamp,
                account_id=account_id,
                post_id=post.id,
                published_at=post.timestamp,
                counts=_counted(page, post),
            )


def _counted(page: RawPage, post: _Post) -> Counts:
    """The running totals that an answer was asked for; None where Threads told none."""
    told = {each.name: _number(each) for each in (post.insights.data if post.insights else [])}
    return counts(**{metric: told.get(metric) for metric in graph.asked_metrics(page) if metric in _OF_POSTS})


def _comments(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    """What stands under a post, answers to answers included; the account's next posts in its own thread are none."""
    root, account_id = graph.asked_id(page), graph.noted_account(page, title=_TITLE)
    replies = decode(page, _Replies, source=_TITLE).data
    by_id = {reply.id: reply for reply in replies}

    def is_own(reply: _Reply) -> bool:
        return reply.is_reply_owned_by_me or (reply.username or "").lower() == target.ref.lower()

    def is_own_thread(id_: str) -> bool:
        passed: set[str] = set()
        while id_ != root and id_ not in passed:
            reply = by_id.get(id_)
            if reply is None or not is_own(reply):
                return False
            passed.add(id_)
            id_ = reply.replied_to.id if reply.replied_to else root
        return id_ == root

    for reply in replies:
        if is_own_thread(reply.id):
            continue
        answered = reply.replied_to.id if reply.replied_to else root
        yield CommentRow(
            **stamp,
            account_id=account_id,
            comment_id=reply.id,
            post_id=root,
            published_at=reply.timestamp,
            author=reply.username or f"hidden in {reply.id}",
            own=is_own(reply),
            text=reply.text or "",
            permalink=reply.permalink or "",
            reply_to=None if is_own_thread(answered) else answered,
        )


SOURCE = Threads()
