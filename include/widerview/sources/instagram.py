"""### Instagram: a professional account's followers, posts, stories, comments and days.

**Purpose.** Observe what Instagram tells the people of a professional account (business or creator): its followers,
its posts, reels and stories with what people did with them, the comments, and the numbers of each day.

**Inputs.** In the client's file: the account's username, without `@`. In an Airflow Connection, as password, a token
of one of two kinds; the source knows them apart by how they begin, and asks the host that goes with it:

- `EAA…`, *Facebook Login*, best for an agency: the token of a *system user* of the Business portfolio to which the
  Instagram account and the Facebook Page it is linked to are assigned, expiry *Never*. Rights: `instagram_basic`,
  `instagram_manage_insights`, `instagram_manage_comments`, `pages_show_list`, `pages_read_engagement`. For a token that
  dies, write `client_id` and `client_secret` (the app's) and `expires_at` (ISO 8601) into the Connection's extra: it is
  exchanged from 15 days before. For one that never does, leave `expires_at` out. A Page's own token does not do. Asked
  is `graph.facebook.com`.
- `IG…`, *Instagram Login*, where there is no Facebook Page: a token of the account itself, exchanged for one of 60
  days. Rights: `instagram_business_basic`, `instagram_business_manage_insights`, `instagram_business_manage_comments`.
  This token dies: write `expires_at` into the extra, and it is renewed from 15 days before, as often as it takes. Asked
  is `graph.instagram.com`.

The Connection's host stays empty.

**Outputs.** The account with its followers; its posts and reels since the first day asked for, and the stories that are
still there, with likes and comments; of each of them views, reach, shares, saves, reposts and what else Instagram
counts for its kind; the newest 50 comments under each post with the answers to them; and for days views, reach, likes,
comments, shares, saves, interactions, new and lost followers and taps on the profile's buttons: of the last seven days
asked for, or of all of them where more than 31 are, as on Sundays or by hand. Days are Pacific days, as Instagram
counts them, wherever the account is.

**Paid and not paid.** Posts are counted without ads: Meta says so of views, likes and interactions, and has totals with
ads beside them, which are not read; that the rest is counted so, too, is taken for granted. A day's numbers hold ads,
and Instagram splits them by kind, one of which is `AD`: what is counted in events (views, likes) is added up without
`AD`, and the views that are `AD` go into `paid_views`. Reach counts people, whom several kinds share, so neither adding
nor subtracting gives those who saw something else than ads: a recorded answer has 14,516,883 people in all, its kinds
come to 14,646,174, and 14,424,755 of them are `AD`; without ads it may have been anything from 105,081 to 221,419. So
`paid_reach` is what is `AD`, and `reach` is stored only where it is certain: all of it where no ad ran, or the one kind
that was seen besides the ads. Else it is stored as "not reported".

**Calls.** The account (one per 100 Pages with Facebook Login); the stories, and their numbers by 50; one for each 100
posts with their comments and numbers, and one more; two for each of posts and reels, for what only one of them has (to
Instagram's own limit each of those 50 counts); three for each day: 21 with each pull, and 183 on Sundays. Where
Instagram finds an answer too large, fewer posts are asked for at once until the pull ends. A metric that Instagram has
given up costs a few more; where a post has no numbers or does not know a metric, each 50 posts cost some. Those come
after the days, so that they cost no day if the calls of a run are used up; about 150 days fit one run.

**Limits.** Numbers are kept for two years. Those of posts come up to 48 hours late and are running totals; stories have
them for 24 hours, and only from five viewers on. The parts of an album have none of their own. A post whose likes are
hidden has none to tell. Messages in reply to a story are not counted in Europe and Japan, where Instagram says zero, so
a zero is stored as "not reported". New and lost followers need 100 followers, and come a day later than the rest.

**When it fails.** *Unauthorized*: the token is dead or lacks a right; make a new one. Without the right to comments the
posts come without them. *Not found*: the token does not see an account of that name: correct the client's file after a
change of name, or assign the account and its Page to the system user. *Rate limited*: the task tries again by itself,
after the time that Meta names. *Bad answer*: look at the page in landing.
"""

import datetime as dt
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from urllib.parse import quote, unquote

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
from widerview.sources.errors import NotFound
from widerview.sources.graph import Graph, Id, Insight, Insights, Number, TotalValue
from widerview.sources.http import Count, HttpClient, Moment, Turn, decode, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Instagram"
_INSTAGRAM = "https://graph.instagram.com"
_RENEWAL_PAGE = "https://business.facebook.com/settings/system-users"
_RENEW = (
    f"Make a token with the rights that the source's page names, at {_RENEWAL_PAGE} (Facebook Login) or in the app's "
    "dashboard under Instagram (Instagram Login), and put it into the password of the Airflow Connection."
)

_POSTS_A_PAGE = 100
_MOST_OF_KIND = 100
"""Of how many posts of a kind, the newest, the numbers are asked for that only this kind has."""
_KEPT = dt.timedelta(days=2 * 365 - 1)

_PROFILE = "id,username,name,followers_count,follows_count,media_count"
_POST = "id,caption,media_type,media_product_type,permalink,timestamp,like_count,username"
_COMMENT = "id,text,timestamp,username,from,user"
_MEDIA = "media"
_OF_NUMBERS = "id,timestamp"
_COMMENTS = f"comments.limit(50){{{_COMMENT},replies.limit(50){{{_COMMENT}}}}}"

_OF_POSTS = ("views", "reach", "shares", "total_interactions", "reposts", "saved")
"""What Instagram counts for posts and reels alike, so that it may come along with a listing of both."""
_STORY = "STORY"
_OF_KIND: Mapping[str, Sequence[str]] = {
    "FEED": ("follows", "profile_visits"),
    "REELS": ("ig_reels_video_view_total_time",),
    _STORY: ("views", "reach", "shares", "total_interactions", "reposts", "replies", "follows", "profile_visits"),
}
"""What it counts for one kind of post only (`media_product_type`), and of stories, which are listed by themselves.

A request that names a metric that one of its posts does not know is refused whole.
"""
_POST_METRICS = {
    "views": "views",
    "reach": "reach",
    "shares": "shares",
    "saved": "bookmarks",
    "reposts": "reposts",
    "total_interactions": "engagements",
    "follows": "follows",
    "profile_visits": "profile_views",
    "replies": "replies",
    "ig_reels_video_view_total_time": "watch_time",
}

_CANONICAL: Mapping[str, Sequence[str]] = {native: [metric] for native, metric in _POST_METRICS.items()}

_KIND = "media_product_type"
_FOLLOWS = "follow_type"
_AD = "AD"
_SPLIT_BY_KIND = {
    "views": "views",
    "reach": "reach",
    "likes": "likes",
    "comments": "replies",
    "shares": "shares",
    "saves": "bookmarks",
    "total_interactions": "engagements",
}
_PAID = {"views": "paid_views", "reach": "paid_reach"}
_SPLIT_BY_FOLLOWS = {"FOLLOWER": "follows", "NON_FOLLOWER": "unfollows"}
_NOT_SPLIT = {"profile_links_taps": "profile_link_clicks"}
_OF_DAYS: Sequence[tuple[str, Sequence[str]]] = (
    (_KIND, tuple(_SPLIT_BY_KIND)),
    (_FOLLOWS, ("follows_and_unfollows",)),
    ("", tuple(_NOT_SPLIT)),
)
"""What is asked for of a day: the metrics that may be split in the same way, in one call each."""
_DAY_METRICS: Mapping[str, Sequence[str]] = {
    **{native: [metric, *filter(None, [_PAID.get(native)])] for native, metric in _SPLIT_BY_KIND.items()},
    "follows_and_unfollows": list(_SPLIT_BY_FOLLOWS.values()),
    **{native: [metric] for native, metric in _NOT_SPLIT.items()},
}

_TOO_OLD = 2108006
"""The subcode of 100 that says: a post is older than the professional account."""

_PRODUCTS: Mapping[str, PostKind] = {"STORY": "story", "REELS": "reel"}
_TYPES: Mapping[str, PostKind] = {"CAROUSEL_ALBUM": "carousel", "VIDEO": "video", "IMAGE": "image"}


class _Profile(msgspec.Struct):
    """An account. With Instagram Login `id` is one for this app only, and `user_id` is the account's own."""

    id: Id
    username: str
    user_id: Id | None = None
    name: str | None = None
    followers_count: Count | None = None
    follows_count: Count | None = None
    media_count: Count | None = None


class _Page(msgspec.Struct):
    instagram_business_account: _Profile | None = None


class _Pages(msgspec.Struct):
    data: list[_Page]
    paging: graph.Paging | None = None


class _Person(msgspec.Struct):
    id: Id


class _Comment(msgspec.Struct, rename={"author": "from"}):
    """A comment. `user` is there only where the account itself wrote it."""

    id: Id
    timestamp: Moment
    text: str | None = None
    username: str | None = None
    author: _Person | None = None
    user: _Person | None = None
    replies: "_Comments | None" = None

    def __post_init__(self) -> None:
        self.timestamp = utc(self.timestamp)


class _Comments(msgspec.Struct):
    data: list[_Comment]


class _Media(msgspec.Struct):
    """A post, reel or story; which keys are there depends on what was asked for."""

    id: Id
    timestamp: Moment
    caption: str | None = None
    media_type: str = ""
    media_product_type: str = "FEED"
    permalink: str | None = None
    username: str | None = None
    like_count: Count | None = None
    comments_count: Count | None = None
    comments: _Comments | None = None
    insights: Insights | None = None

    def __post_init__(self) -> None:
        self.timestamp = utc(self.timestamp)


class _Listing(msgspec.Struct):
    data: list[_Media]
    paging: graph.Paging | None = None


class Instagram(Source):
    """Professional accounts of Instagram, through the Graph API."""

    name = "instagram"
    title = _TITLE
    kind = "social"
    reference = Written("an Instagram username, without @", r"[A-Za-z0-9_.]{1,30}", "meadowbakery")
    api_version = f"Graph API {graph.VERSION}"
    evidence = ("recording", "vendor document")
    known_gaps = (
        "Insights with the metric names of 2026 follow Meta's documents; the recorded answers are of 2017 to 2024.",
        graph.VERSION_GAP,
        "Of the five old ways of asking that v26.0 ended, Meta's list was not at hand; none is knowingly used, and "
        "neither are those that new apps may not use since 2026-11-04 (several ids at once, names for fields). What "
        "only posts or only reels have is asked for in batches, which Meta counts as a call for each post; whether "
        "Instagram Login has batches stands in no document, and where it has none each post is asked for alone.",
        "That a post's views, likes and interactions are without ads stands in Meta's documents; that its comments, "
        "reach, shares, saves, reposts, follows, profile visits and time watched are, too, is taken for granted.",
        "Of which kind a token is, is told by how it begins, which is common use and stands in no document.",
        "New followers and profile visits are read of the newest 100 posts of the look-back, time watched of the "
        "newest 100 reels; those of older ones stay as they were.",
        "That the numbers of posts come along with a listing of them is common use and stands in no document; should "
        "Instagram refuse, as for posts that are older than the professional account, each 50 posts of a kind take a "
        "call of their own.",
        "Of the comments under a post the newest 50 are read with each pull, with 50 answers each.",
        "Where ads ran on a day and several kinds of posts were seen, Instagram tells no reach without ads.",
        "New and lost followers and taps on the profile hold what ads brought, because Meta does not tell them apart.",
        "A story lives for 24 hours, and stories are read once a day: what one gets between the last pull and its end "
        "is not seen, and one that was published right after a pull may be gone when the next comes a little later in "
        "the day. Webhooks would tell both.",
    )
    servers = (_INSTAGRAM,)
    streams = ("account", "stories", "posts", "post_insights", "insights")
    lookback_days = 30
    weekly_lookback_days = 60
    tells_after = dt.timedelta(hours=48)  # insights are up to 48 hours late
    dictionary = load_dictionary(files(__package__) / "instagram.yaml")
    pool_slots = 4
    walks = (Walk("posts with comments and numbers", _POSTS_A_PAGE, "common use; Meta's documents name no most"),)
    call_budget = 500
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(days=15)

    def fixed_calls(self, *, days: int) -> int:
        """Account, stories, the page beyond the window; what only one kind of post has; three for each day."""
        of_kinds = len(_OF_KIND) * (_MOST_OF_KIND // graph.MOST_OF_A_BATCH)
        return 3 + of_kinds + len(_OF_DAYS) * graph.days_asked(days, self.lookback_days)

    def base_url(self, target: Target) -> str:
        """The host of Facebook Login; that of Instagram Login is asked by its own address."""
        return graph.FACEBOOK

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, its stories, its posts with comments and numbers, its days, and the numbers of one kind."""
        ask = _asking(target, http)
        seen: list[_Profile] = []
        for page in _profile_pages(ask, target, http):
            yield page
            seen += _profiles(page)
        account = next((profile for profile in seen if _is_meant(profile, target)), None)
        if account is None:
            others = ", ".join(profile.username for profile in seen) or "none"
            raise NotFound(
                f"{place(page, _TITLE)}: the token sees no Instagram account {target.ref}, but {others}. Correct the "
                f"handle in the file of client {target.client_id}, or assign the account and its Facebook Page to the "
                "system user whose token it is."
            )
        account_id = quote(account.user_id or account.id, safe="")
        kinds: dict[str, str] = {}
        left: list[str] = []
        yield from _posts(
            ask, account_id, window.opens(target.time_zone), kinds, left, one_by_one=http.one_metric_a_call
        )
        now = page.fetched_at
        days = graph.last_days(window, now, lookback_days=self.lookback_days, earliest=now.date() - _KEPT)
        yield from _days(ask, account_id, days, one_by_one=http.one_metric_a_call)
        numbers = _Numbers(ask, account_id, one_by_one=http.one_metric_a_call)
        for kind, metrics in _OF_KIND.items():
            of_kind = [post for post, its_kind in kinds.items() if its_kind == kind]
            alike: Sequence[str] = left if kind != _STORY else ()
            yield from numbers.of(of_kind[:_MOST_OF_KIND], [*alike, *metrics])
            yield from numbers.of(of_kind[_MOST_OF_KIND:], alike)
        yield from numbers.of_refused()
        ask.check_right_to_numbers()

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the account, of posts with comments, of posts' numbers or of a day; of a refused metric its own."""
        stamped = stamp(target, page)
        if page.stream == "insights" and not graph.is_too_few(page):
            yield from graph.unavailable(stamped, page, _DAY_METRICS)
        if page.stream == "post_insights" and "batch" not in page.request.params:
            yield from _counters(stamped, page)
        if not graph.is_good(page):
            return
        match page.stream:
            case "account":
                yield from (_account(stamped, profile) for profile in _of_target(target, page))
            case "post_insights" if "batch" in page.request.params:
                yield from _of_batch(stamped, page)
            case "insights":
                yield from _day(stamped, page)
            case "stories" | "posts":
                for media in decode(page, _Listing, source=_TITLE).data:
                    if _product(page, media) != _AD:
                        yield from _post(stamped, page, media)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange a token for one of 60 more days: of Instagram Login by itself, of Facebook Login with the app's."""
        if _is_instagram_login(http):
            return graph.exchange(
                http,
                f"{_INSTAGRAM}/refresh_access_token",
                title=_TITLE,
                renew=_RENEW,
                params={"grant_type": "ig_refresh_token"},
                secret_params={"access_token": http.token or ""},
                lives=graph.LONG_LIVED,
            )
        return graph.exchange_by_app(http, title=_TITLE, renew=_RENEW)


def _is_instagram_login(http: HttpClient) -> bool:
    return (http.token or "").startswith("IG")


def _asking(target: Target, http: HttpClient) -> Graph:
    itself = _is_instagram_login(http)
    return Graph(
        http,
        title=_TITLE,
        account=target.ref,
        renew=_RENEW,
        version=f"{_INSTAGRAM}/{graph.VERSION}" if itself else graph.VERSION,
        app_secret=None if itself else http.extra.get("client_secret"),
    )


def _profile_pages(ask: Graph, target: Target, http: HttpClient) -> Iterator[RawPage]:
    """The account of the token, or the Pages that it opens until the one with the account."""
    if _is_instagram_login(http):
        page = ask.get("me", stream="account", params={"fields": f"{_PROFILE},user_id"})
        yield page
        ask.check(page)
        return

    def turn(page: RawPage) -> Turn:
        pages = decode(page, _Pages, source=_TITLE)
        found = any(_of_target(target, page))
        return Turn(None if found else graph.next_cursor(pages.paging), len(pages.data))

    params = {"fields": f"instagram_business_account{{{_PROFILE}}}"}
    yield from ask.listing("me/accounts", stream="account", params=params, most=100, turn=turn)


def _profiles(page: RawPage) -> list[_Profile]:
    """The accounts in an answer of `me`, or of `me/accounts`, some of whose Pages have none."""
    if not graph.is_good(page):
        return []
    if not page.request.url.endswith("/accounts"):
        return [decode(page, _Profile, source=_TITLE)]
    pages = decode(page, _Pages, source=_TITLE).data
    return [each.instagram_business_account for each in pages if each.instagram_business_account]


def _is_meant(profile: _Profile, target: Target) -> bool:
    return profile.username.lower() == target.ref.lower()


def _of_target(target: Target, page: RawPage) -> Iterator[_Profile]:
    return (profile for profile in _profiles(page) if _is_meant(profile, target))


def _posts(
    ask: Graph, account_id: str, opens: dt.datetime, kinds: dict[str, str], left: list[str], *, one_by_one: bool
) -> Iterator[RawPage]:
    """The stories that are still there, and the posts from the newest to the first day with comments and numbers.

    Notes in `kinds` of what kind each of them is, and in `left` the numbers that did not come along.
    """

    def turn(page: RawPage) -> Turn:
        listing = decode(page, _Listing, source=_TITLE)
        kinds.update((media.id, _product(page, media)) for media in listing.data if media.timestamp >= opens)
        reached = bool(listing.data) and listing.data[-1].timestamp < opens
        return Turn(None if reached else graph.next_cursor(listing.paging), len(listing.data))

    def listing(edge: str, stream: str, *fields: str) -> Iterator[RawPage]:
        path, params = f"{account_id}/{edge}", {"fields": ",".join(fields)}
        return ask.listing(path, stream=stream, params=params, most=_POSTS_A_PAGE, turn=turn)

    def walk(metrics: Sequence[str]) -> Iterator[RawPage]:
        fields = (_POST, "comments_count", *([_numbers(metrics)] if metrics else []))
        try:
            yield from listing(_MEDIA, "posts", *fields, _COMMENTS)
        except graph.NoRight:
            # Comments need a right of their own, and without it there are no posts either.
            yield from listing(_MEDIA, "posts", *fields)

    def first_page(metrics: Sequence[str]) -> RawPage:
        params = {"fields": f"{_OF_NUMBERS},{_numbers(metrics)}", "limit": str(_POSTS_A_PAGE)}
        return ask.get(f"{account_id}/{_MEDIA}", stream="post_insights", params=params, about={"account": account_id})

    yield from listing("stories", "stories", _POST)
    yield from graph.listing_with_numbers(ask, _OF_POSTS, walk, first_page, left, one_by_one=one_by_one)


def _numbers(metrics: Sequence[str]) -> str:
    """The field with which posts have these numbers."""
    return f"insights.metric({','.join(metrics)})"


def _product(page: RawPage, media: _Media) -> str:
    """Of what kind something in a listing is."""
    return _STORY if page.stream == "stories" else media.media_product_type


class _Numbers:
    """Asks for the numbers of posts, many at once, each of which is answered or refused by itself.

    Where Instagram refuses several metrics of a post, each is asked for alone: of one post first, to learn which ones
    it has given up.
    """

    def __init__(self, ask: Graph, account_id: str, *, one_by_one: bool) -> None:
        self._ask = ask
        self._account_id = account_id
        self._one_by_one = one_by_one
        self._at_once = True
        self._given: set[str] = set()
        self._unknown: set[str] = set()
        self._refused: dict[str, str] = {}
        """Metrics that were refused for a post, and the first such post."""

    def of(self, posts: Sequence[str], metrics: Sequence[str]) -> Iterator[RawPage]:
        """The numbers of posts of one kind."""
        refused: Sequence[str] = posts
        if not self._one_by_one:
            refused = yield from self._together(posts, metrics)
        while refused:
            known = len(self._unknown)
            yield from self._alone(refused[:1], metrics)
            if len(self._unknown) > known and not self._one_by_one:
                refused = yield from self._together(refused[1:], metrics)
            else:
                yield from self._alone(refused[1:], metrics)
                return

    def of_refused(self) -> Iterator[RawPage]:
        """Once more each metric that was refused for every post of whatever kind, now with a note of that."""
        for metric, post in self._refused.items():
            if metric not in self._given:
                yield from self._send([(post, [metric])], graph.refused_for_all(self._account_id))

    def _together(self, posts: Sequence[str], metrics: Sequence[str]) -> Generator[RawPage, None, list[str]]:
        """All metrics of each post; gives the posts of which some were refused."""
        left = [metric for metric in metrics if metric not in self._unknown]
        return (yield from self._send([(post, left) for post in posts if left]))

    def _alone(self, posts: Sequence[str], metrics: Sequence[str]) -> Generator[RawPage, None, None]:
        left = [metric for metric in metrics if metric not in self._unknown]
        yield from self._send([(post, [metric]) for post in posts for metric in left])

    def _send(
        self, calls: Sequence[tuple[str, Sequence[str]]], about: Mapping[str, str] | None = None
    ) -> Generator[RawPage, None, list[str]]:
        """Ask for some metrics of some posts; gives the posts of which several were refused."""
        # No answer of this kind names the account.
        noted = about or {"account": self._account_id}
        refused = []
        for start in range(0, len(calls), graph.MOST_OF_A_BATCH):
            some = calls[start : start + graph.MOST_OF_A_BATCH]
            answers: Iterable[RawPage] = ()
            if self._at_once:
                page = self._ask.batch([_of_one(*call) for call in some], stream="post_insights", about=noted)
                yield page
                answers = self._parts(page)
            if not self._at_once:
                answers = [
                    self._ask.get(path, stream="post_insights", params=params, about=noted)
                    for path, params in (_of_one(*call) for call in some)
                ]
                yield from answers
            refused += [post for post in map(self._judge, answers) if post]
        return refused

    def _parts(self, page: RawPage) -> list[RawPage]:
        if graph.is_good(page):
            return graph.unfolded(page, title=_TITLE)
        try:
            self._ask.check(page)
        except graph.Refused:
            # Several posts at once are no way of asking here.
            self._at_once = False
        return []

    def _judge(self, page: RawPage) -> str | None:
        """Learn from an answer; gives the post if several metrics of it were refused."""
        post, metrics = unquote(page.request.url.rsplit("/", 1)[-1]), graph.asked_metrics(page)
        if _has_none(page):
            return None
        self._ask.judge_numbers(page)
        if graph.is_good(page):
            self._given.update(metrics)
        elif len(metrics) > 1:
            return post
        elif graph.is_unknown(page) or graph.lacks_right(page):
            self._unknown.update(metrics)
        else:
            self._refused.setdefault(metrics[0], post)
        return None


def _of_one(post: str, metrics: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Path and parameters of the numbers of one post."""
    return quote(post, safe=""), {"fields": f"{_OF_NUMBERS},{_numbers(metrics)}"}


def _has_none(page: RawPage) -> bool:
    """Whether an answer says that a post has no numbers, or is not there any more."""
    refused = graph.refusal(page)
    if refused is None:
        return False
    is_too_old = refused.code == graph.INVALID and refused.error_subcode == _TOO_OLD
    return is_too_old or graph.is_too_few(page) or graph.is_not_there(page)


def _days(ask: Graph, account_id: str, days: Iterator[dict[str, str]], *, one_by_one: bool) -> Iterator[RawPage]:
    """Each day by itself: Instagram adds up whatever time it is asked for."""
    gone: set[str] = set()
    for times in days:
        params = {**times, "period": "day", "metric_type": "total_value"}
        for split, metrics in _OF_DAYS:
            get = partial(_get_day, ask, account_id, params | ({"breakdown": split} if split else {}))
            yield from ask.numbers(metrics, len(metrics), get, gone, one_by_one=one_by_one)


def _get_day(ask: Graph, account_id: str, params: Mapping[str, str], metrics: Sequence[str]) -> RawPage:
    return ask.get(f"{account_id}/insights", stream="insights", params={**params, "metric": ",".join(metrics)})


def _account(stamp: Stamp, profile: _Profile) -> AccountRow:
    return AccountRow(
        **stamp,
        account_id=profile.user_id or profile.id,
        handle=profile.username,
        name=profile.name or profile.username,
        url=f"https://www.instagram.com/{profile.username}/",
        counts=counts(followers=profile.followers_count, following=profile.follows_count, posts=profile.media_count),
    )


def _post(stamp: Stamp, page: RawPage, media: _Media) -> Iterator[Row]:
    account_id, product, text = graph.asked_id(page), _product(page, media), media.caption or ""
    # The answers to a story are among its numbers.
    of_story = product == "STORY"
    yield PostRow(
        **stamp,
        account_id=account_id,
        post_id=media.id,
        published_at=media.timestamp,
        kind=_PRODUCTS.get(product) or _TYPES.get(media.media_type, "image"),
        text=text,
        permalink=media.permalink or "https://www.instagram.com/",
        tags=graph.tags_in(text),
        links=graph.links_in(text),
        counts=counts(
            **{"likes": media.like_count}
            | ({} if of_story else {"replies": media.comments_count})
            | _totals(page, media)
        ),
    )
    for comment in media.comments.data if media.comments else []:
        yield _comment(stamp, account_id, media, comment)
        for reply in comment.replies.data if comment.replies else []:
            yield _comment(stamp, account_id, media, reply, answered=comment)


def _comment(
    stamp: Stamp, account_id: str, media: _Media, comment: _Comment, answered: _Comment | None = None
) -> CommentRow:
    own = comment.user is not None or (comment.username is not None and comment.username == media.username)
    # Instagram hides some authors; each of those counts as a person of their own.
    unknown = comment.username or f"hidden in {comment.id}"
    return CommentRow(
        **stamp,
        account_id=account_id,
        comment_id=comment.id,
        post_id=media.id,
        published_at=comment.timestamp,
        author=account_id if own else comment.author.id if comment.author else unknown,
        own=own,
        text=comment.text or "",
        reply_to=answered.id if answered else None,
    )


def _of_batch(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """Totals of many posts; what a metric was refused with is said once, however many of them say it."""
    said: set[str] = set()
    for part in graph.unfolded(page, title=_TITLE):
        for row in _counters(stamp, part):
            if not isinstance(row, UnavailableRow):
                yield row
            elif row.metric not in said:
                said.add(row.metric)
                yield row


def _counters(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """Totals of posts, or what a refusal says of a metric."""
    yield from graph.unavailable_of_posts(stamp, page, _CANONICAL)
    if not graph.is_good(page):
        return
    if page.request.url.endswith(f"/{_MEDIA}"):
        found = decode(page, _Listing, source=_TITLE).data
    else:
        found = [decode(page, _Media, source=_TITLE)]
    for media in found:
        yield CounterRow(
            **stamp,
            account_id=graph.noted_account(page, title=_TITLE),
            post_id=media.id,
            published_at=media.timestamp,
            counts=counts(**_totals(page, media)),
        )


def _totals(page: RawPage, media: _Media) -> dict[str, int | None]:
    """The running totals that an answer was asked for; None where Instagram told none."""
    told = {each.name: each for each in (media.insights.data if media.insights else [])}
    named = [native for native in graph.asked_metrics(page) if native in _POST_METRICS]
    return {_POST_METRICS[native]: _total(native, told.get(native)) for native in named}


def _total(native: str, insight: Insight | None) -> int | None:
    """A running total as a whole number, in the unit of its canonical metric; None where Instagram told none."""
    value = insight.number if insight else None
    if value is None:
        return None
    if native == "replies":
        return int(value) or None  # Where Instagram does not count them it says zero.
    return round(value / 1000) if native == "ig_reels_video_view_total_time" else int(value)


def _day(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    for insight in decode(page, Insights, source=_TITLE).data:
        for metric, value in _values(insight.name, insight.total_value) if insight.total_value else ():
            yield graph.day_row(stamp, page, graph.asked_day(page), metric, value)


def _values(native: str, total: TotalValue) -> Iterator[tuple[str, Number | None]]:
    """The canonical metrics of a day's total, what was paid for apart."""
    if native in _SPLIT_BY_KIND:
        parts = _parts(total, _KIND)
        paid = parts.pop(_AD, None)
        organic = _organic_reach(total, parts, paid) if native == "reach" else _organic(total, parts, paid)
        yield _SPLIT_BY_KIND[native], organic
        if native in _PAID and paid is not None:
            yield _PAID[native], paid
    elif native == "follows_and_unfollows":
        for member, value in _parts(total, _FOLLOWS).items():
            if member in _SPLIT_BY_FOLLOWS:
                yield _SPLIT_BY_FOLLOWS[member], value
    elif native in _NOT_SPLIT and total.value is not None:
        yield _NOT_SPLIT[native], total.value


def _parts(total: TotalValue, dimension: str) -> dict[str, Number]:
    """A total by the members of one dimension.

    Where it is split by a second one, too, its members are added: nobody is both a follower and none.
    """
    parts: dict[str, Number] = {}
    for breakdown in total.breakdowns:
        if dimension in breakdown.dimension_keys:
            at = breakdown.dimension_keys.index(dimension)
            for result in breakdown.results:
                if result.value is not None and at < len(result.dimension_values):
                    member = result.dimension_values[at]
                    parts[member] = parts.get(member, 0) + result.value
            break
    return parts


def _organic(total: TotalValue, parts: Mapping[str, Number], paid: Number | None) -> Number | None:
    """What of a total of events was not paid for; None where that is not told."""
    if parts:
        return sum(parts.values())
    if paid is not None and total.value is not None:
        return total.value - paid
    return 0 if total.value == 0 else None


def _organic_reach(total: TotalValue, parts: Mapping[str, Number], paid: Number | None) -> Number | None:
    """How many people saw something else than ads; None where that is not certain.

    People are counted once in the total and once in each kind, so kinds cannot be added to or taken from anything.
    """
    if not paid and parts:
        return total.value
    seen = [value for value in parts.values() if value]
    if paid and len(seen) == 1:
        return seen[0]
    return 0 if total.value == 0 else None


SOURCE = Instagram()
