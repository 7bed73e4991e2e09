"""### LinkedIn Pages: an organization's page, its posts, days and comments.

**Purpose.** Observe what LinkedIn tells the administrator of an organization's page: followers, posts and what people
did with them, each day's totals, and the conversation under new posts.

**Inputs.** The page's name in its address in the client's file: `tidewater-cycles` for
`https://www.linkedin.com/company/tidewater-cycles/`. An Airflow Connection: the password is an access token of a member
who is *administrator* of the page, got with an app that LinkedIn has approved for its Community Management API, with
the rights `rw_organization_admin` (numbers) and `r_organization_social_feed` (posts and comments). So that the token
renews itself, the Connection's extra holds `client_id`, `client_secret` and `refresh_token`, which LinkedIn gives to
approved apps; `expires_at` (ISO 8601), when the access token dies, may be left out then and is written by the first
exchange.

**Outputs.** The page; its posts with their text; running totals of every post of the window: impressions, reach,
clicks, reactions (as likes), comments and reposts, all organic; followers; the same totals for every day (UTC), and
followers gained by themselves and through ads, apart. Comments under the posts of the window's last seven days, with
the page's own answers. Posts that were written for ads only, and reposts without words, give no rows.

**Calls.** Two for the page, two for every 100 days, one for every 100 posts (the last page reaches beyond the window),
one for every 100 posts of a kind to read their totals: LinkedIn lists posts without numbers, and numbers
without posts. For conversations at most 10 posts and 20 comments with answers,
the newest, one call each, and at most ten more where one call does not hold all that was said.

**Limits.** LinkedIn keeps days for twelve months, and gives followers gained two days later. A token lives for 60 days;
what it is renewed with lives for 365, and then a person must log in again. Calls are counted for the app and the member
until midnight UTC; LinkedIn shows the limits of an app in its developer portal only. LinkedIn gives out a new version
of the API each month and ends each after a year.

**When it fails.** *Unauthorized*: the token is dead, the member is no administrator of the page any more, or a right is
missing; make a new token and put it into the Connection. Where LinkedIn does not let at a conversation, that
conversation alone is missing. *Not found*: no page has that name in its address; correct the client's file. *Bad
answer* with HTTP 426: LinkedIn has ended the version of the API that is asked for; install a newer Widerview. *Rate
limited*: the day's calls are used up; the task tries again by itself.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from widerview.sources import conversations, oauth
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
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, NotFound
from widerview.sources.http import Count, HttpClient, Turn, about, check, decode, paginate, place
from widerview.vocabulary.dictionaries import load_dictionary

T = TypeVar("T")

VERSION = "202607"
"""The version of the API that is asked for, as `LinkedIn-Version`."""

_TITLE = "LinkedIn"
_LOGIN_SERVER = "https://www.linkedin.com"
_RENEWAL_PAGE = "https://www.linkedin.com/developers/tools/oauth"
_RENEW = (
    f"Make a token with the rights rw_organization_admin and r_organization_social_feed at {_RENEWAL_PAGE}, as an "
    "administrator of the page, and put it into the password of its Airflow Connection."
)
_STRUCTURE = "(),:%"
"""What Rest.li wants bare in a query: the marks of lists and objects. Within a value they are encoded (`_value`)."""
_LONGEST_QUERY = 4000
"""Characters; LinkedIn refuses a query of more than 4 KB with HTTP 414."""
_POSTS_A_PAGE = 100
_POSTS_A_CALL = 100
_COMMENTS_A_PAGE = 100
_MOST_THREADS = 20
_MOST_FURTHER = 10
"""Most pages behind the first ones of conversations that one pull asks for."""
_DAYS_A_PAGE = 100
_KEPT_DAYS = 364
"""How long ago the first day may lie: LinkedIn keeps twelve months, and is asked for one day more."""
_DAY = dt.timedelta(days=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_STREAMS = {
    "days": "organizationalEntityShareStatistics",
    "follower_days": "organizationalEntityFollowerStatistics",
}

_Ms = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970 (UTC), up to the last year that Python knows."""


class _Link(msgspec.Struct):
    rel: str = ""
    href: str = ""


class _Paging(msgspec.Struct):
    links: list[_Link] = []


class _Page(msgspec.Struct, Generic[T]):
    elements: list[T]
    paging: _Paging = msgspec.field(default_factory=_Paging)


class _Organization(msgspec.Struct, rename="camel"):
    id: int
    vanity_name: str
    localized_name: str = ""

    @property
    def urn(self) -> str:
        return f"urn:li:organization:{self.id}"


class _NetworkSize(msgspec.Struct, rename="camel"):
    first_degree_size: Count | None = None


def _unless_paid(count: int | None) -> int | None:
    """A number without ads; below zero it is not reported, for then what came by an ad was taken back.

    https://learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics
    """
    return None if count is None or count < 0 else count


class _Statistics(msgspec.Struct, rename="camel"):
    impression_count: Count | None = None
    unique_impressions_count: Count | None = None
    click_count: Count | None = None
    like_count: Count | None = None
    comment_count: Count | None = None
    share_count: Count | None = None

    def counts(self) -> Counts:
        return counts(
            impressions=self.impression_count,
            reach=self.unique_impressions_count,
            clicks=self.click_count,
            likes=_unless_paid(self.like_count),
            replies=self.comment_count,
            reposts=self.share_count,
        )


class _TimeRange(msgspec.Struct):
    start: _Ms
    end: _Ms


class _Gains(msgspec.Struct, rename="camel"):
    organic_follower_gain: Count | None = None
    paid_follower_gain: Count | None = None


class _Element(msgspec.Struct, rename="camel"):
    """A day of the page, of its posts (`total_share_statistics`) or its followers (`follower_gains`), or one post."""

    organizational_entity: str
    time_range: _TimeRange | None = None
    total_share_statistics: _Statistics | None = None
    follower_gains: _Gains | None = None
    share: str = ""
    ugc_post: str = ""

    @property
    def post_id(self) -> str:
        return self.share or self.ugc_post

    def counts(self) -> Counts:
        posts, followers = self.total_share_statistics, self.follower_gains
        if followers is not None:
            return counts(
                follows=_unless_paid(followers.organic_follower_gain), paid_follows=followers.paid_follower_gain
            )
        return {} if posts is None else posts.counts()


class _Media(msgspec.Struct):
    id: str = ""


class _Article(msgspec.Struct):
    source: str = ""


class _Content(msgspec.Struct, rename="camel"):
    """What a post shows beside its words; where its content does not matter here, presence is enough."""

    media: _Media | None = None
    article: _Article | None = None
    multi_image: dict[str, msgspec.Raw] | None = None
    poll: dict[str, msgspec.Raw] | None = None


class _Distribution(msgspec.Struct, rename="camel"):
    feed_distribution: str = "MAIN_FEED"


class _Post(msgspec.Struct, rename="camel"):
    id: str
    author: str
    created_at: _Ms
    published_at: _Ms | None = None
    last_modified_at: _Ms | None = None
    lifecycle_state: str = "PUBLISHED"
    commentary: str = ""
    content: _Content | None = None
    reshare_context: dict[str, msgspec.Raw] | None = None
    distribution: _Distribution = msgspec.field(default_factory=_Distribution)

    @property
    def published(self) -> int:
        return self.created_at if self.published_at is None else self.published_at

    @property
    def is_own(self) -> bool:
        """Whether it was published in the feed, and holds something of the page's own."""
        return (
            self.lifecycle_state == "PUBLISHED"
            and self.distribution.feed_distribution != "NONE"
            and (self.reshare_context is None or bool(self.commentary.strip()))
        )


class _Words(msgspec.Struct):
    text: str = ""


class _Moment(msgspec.Struct):
    time: _Ms


class _Answers(msgspec.Struct, rename="camel"):
    aggregated_total_comments: Count | None = None


class _Comment(msgspec.Struct, rename="camel"):
    id: str
    actor: str
    created: _Moment
    object: str = ""
    comment_urn: str = ""
    message: _Words = msgspec.field(default_factory=_Words)
    parent_comment: str | None = None
    comments_summary: _Answers = msgspec.field(default_factory=_Answers)

    @property
    def urn(self) -> str:
        return self.comment_urn or f"urn:li:comment:({self.object},{self.id})"


class LinkedIn(Source):
    """An organization's page on LinkedIn, through the Community Management API."""

    name = "linkedin"
    title = _TITLE
    kind = "social"
    reference = Written(
        "the name of a LinkedIn page, as in the address linkedin.com/company/…",
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
        "tidewater-cycles",
    )
    evidence = ("flattened record", "vendor document")
    known_gaps = (
        "LinkedIn names no day on which version 202607 ends: the day told is a year after it came, as it was with the "
        "versions before.",
        "No answer was at hand as LinkedIn gave it, only what another program kept in 2024 of those for a page without "
        "followers and posts; numbers other than zero, posts and comments are built after LinkedIn's documents.",
        "LinkedIn does not say whether lost followers are taken off the followers gained of a day.",
        "Of a conversation, the first 100 comments under a post and the first 100 answers to a comment are read; of "
        "what is longer, a pull reads at most ten further pages in all.",
        "That the totals of 100 posts may be asked for at once, in the body of the call, follows LinkedIn's document "
        "on long queries; it was not tried. Where they fit into 4 KB, as those of 90 posts do, the call is plain.",
        "A post without any count is left out of LinkedIn's answer, so its counts are not reported until it has one.",
    )
    servers = (_LOGIN_SERVER,)
    api_version = f"{VERSION}, Rest.li 2.0.0"
    sunset = dt.date(2027, 7, 15)
    streams = ("page", "followers", "days", "follower_days", "posts", "post_totals", "comments", "answers")
    lookback_days = 30
    weekly_lookback_days = 60
    tells_after = dt.timedelta(hours=48)
    dictionary = load_dictionary(files(__package__) / "linkedin.yaml")
    pool_slots = 2
    walks = (
        Walk(
            "posts",
            _POSTS_A_PAGE,
            "https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api",
        ),
        Walk(
            "their totals",
            _POSTS_A_CALL,
            "no document names a most; as many as a page of posts, by "
            "https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/query-tunneling",
        ),
    )
    call_budget = 100
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(days=15)

    def fixed_calls(self, *, days: int) -> int:
        """The page, days 100 a call, posts beyond the window, totals of the second kind, and the conversations."""
        talk = conversations.MOST + _MOST_THREADS + _MOST_FURTHER
        return 6 + 2 * (days // _DAYS_A_PAGE) + talk

    def base_url(self, target: Target) -> str:
        """The one address of the API."""
        return "https://api.linkedin.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The page, its followers and days, its posts from the newest on with their totals, and what was said."""
        asking = _Asking(target, http)
        page = asking.ask("page", "organizations", {"q": "vanityName", "vanityName": _value(target.ref)})
        yield page
        _check(page, target)
        found = decode(page, _Page[_Organization], source=_TITLE).elements
        if not found:
            raise NotFound(
                f"{place(page, _TITLE)}: no page has the name {target.ref} in its address. Correct the handle in the "
                f"file of client {target.client_id}."
            )
        account = found[0].urn

        params = {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}
        page = asking.ask("followers", f"networkSizes/{_value(account)}", params, {"account": account})
        yield page
        _check(page, target)
        decode(page, _NetworkSize, source=_TITLE)

        yield from _fetch_days(asking, account, window, page.fetched_at)
        posts: list[_Post] = []
        yield from _fetch_posts(asking, account, window, posts)
        answered: dict[str, int | None] = {}
        yield from _fetch_totals(asking, account, posts, answered)
        talked = {post.id: _from_ms(post.published) for post in posts if answered.get(post.id) != 0}
        yield from _fetch_comments(asking, account, conversations.newest(talked, window, target.time_zone))

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of one answer."""
        if page.status != HTTPStatus.OK:
            return
        stamped = stamp(target, page)
        match page.stream:
            case "page":
                yield from _page(stamped, decode(page, _Page[_Organization], source=_TITLE).elements[:1])
            case "followers":
                size = decode(page, _NetworkSize, source=_TITLE).first_degree_size
                account = about(page, "account", what="account", source=_TITLE)["account"]
                yield CounterRow(**stamped, account_id=account, counts=counts(followers=size))
            case "days" | "follower_days":
                yield from _days(stamped, page)
            case "posts":
                for post in decode(page, _Page[_Post], source=_TITLE).elements:
                    if post.is_own:
                        yield _post(stamped, post)
            case "post_totals":
                yield from _totals(stamped, page)
            case _:
                yield from _comments(stamped, page)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange the refresh token of the Connection's extra for a new access token.

        Raises:
            Unauthorized: The extra lacks something, or LinkedIn takes the refresh token no more.
        """
        return oauth.exchange(http, f"{_LOGIN_SERVER}/oauth/v2/accessToken", source=_TITLE, renew=_RENEW)


class _Asking:
    """Asks for one target, with the headers LinkedIn wants."""

    def __init__(self, target: Target, http: HttpClient) -> None:
        self.target = target
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {http.token}",
            "LinkedIn-Version": VERSION,
            "X-Restli-Protocol-Version": "2.0.0",
        }

    def ask(self, stream: str, path: str, params: Mapping[str, str], about: Mapping[str, str] | None = None) -> RawPage:
        """Ask; LinkedIn's answers do not repeat when a post was published, nor which one a comment stands under.

        A query too long for an address goes into the body ("query tunneling").
        """
        is_long = len(urlencode(params, safe=_STRUCTURE)) > _LONGEST_QUERY
        return self._http.request(
            "POST" if is_long else "GET",
            f"rest/{path}",
            stream=stream,
            params={} if is_long else params,
            form=params if is_long else {},
            headers=self._headers | ({"X-HTTP-Method-Override": "GET"} if is_long else {}),
            safe=_STRUCTURE,
            about=about,
        )


def _check(page: RawPage, target: Target) -> None:
    if page.status == HTTPStatus.UPGRADE_REQUIRED:
        raise BadAnswer(
            f"{place(page, _TITLE)} for {target.ref}: HTTP 426, LinkedIn has ended version {VERSION} of its API. "
            "Nothing is wrong with the account or the token: install a newer Widerview, which asks for a living one."
        )
    check(page, source=_TITLE, account=target.ref, renew=_RENEW)


def _fetch_days(asking: _Asking, account: str, window: Window, now: dt.datetime) -> Iterator[RawPage]:
    """The days of the window that are over and that LinkedIn still has, of posts and of followers.

    Older documents say that a range leaves out its start, newer ones that it holds it. So it starts a day early, and
    that day is left out when the answer is read.
    """
    today = now.astimezone(dt.UTC).date()
    first = max(window.first, today - _KEPT_DAYS * _DAY)
    end = min(window.last + _DAY, today)
    if first >= end:
        return
    start, stop = (_to_ms(Window(day, day).opens("UTC")) for day in (first - _DAY, end))
    params = {
        "q": "organizationalEntity",
        "organizationalEntity": _value(account),
        "timeIntervals": f"(timeRange:(start:{start},end:{stop}),timeGranularityType:DAY)",
        "count": str(min((end - first).days + 1, _DAYS_A_PAGE)),
    }
    for stream, path in _DAY_STREAMS.items():
        yield from _walk(asking, stream, path, params, {"margin": str(start)}, [])


def _walk(
    asking: _Asking,
    stream: str,
    path: str,
    params: Mapping[str, str],
    about: Mapping[str, str],
    into: list[_Element],
) -> Iterator[RawPage]:
    """Every page of statistics, as their links lead on, and what stands in them into `into`."""

    def ask(start: str | None) -> RawPage:
        return asking.ask(stream, path, {**params, **({"start": start} if start else {})}, about)

    def read(page: RawPage) -> Turn:
        _check(page, asking.target)
        answer = decode(page, _Page[_Element], source=_TITLE)
        into.extend(answer.elements)
        return Turn(_onward(page, answer.paging), len(answer.elements))

    return paginate(ask, read, source=_TITLE)


def _onward(page: RawPage, paging: _Paging) -> str | None:
    """Where the next page begins; LinkedIn may put less on a page than it was asked for."""
    for link in paging.links:
        if link.rel == "next":
            if start := re.search(r"[?&]start=(\d+)", link.href):
                return start[1]
            raise BadAnswer(f"{place(page, _TITLE)}: its link to the next page does not say where that begins.")
    return None


def _fetch_posts(asking: _Asking, account: str, window: Window, posts: list[_Post]) -> Iterator[RawPage]:
    """The posts from the one changed last on, and into `posts` those that were published in the window.

    A post is changed by publishing it, so behind the first that was not changed since the window began there is none
    that was published in it; a draft may be much older than its publication.
    """
    opens = _to_ms(window.opens(asking.target.time_zone))
    closes = _to_ms(Window(window.last + _DAY, window.last).opens(asking.target.time_zone))
    seen: dict[str, _Post] = {}

    def ask(start: str | None) -> RawPage:
        params = {"q": "author", "author": _value(account), "sortBy": "LAST_MODIFIED", "count": str(_POSTS_A_PAGE)}
        return asking.ask("posts", "posts", params | ({"start": start} if start else {}))

    def read(page: RawPage) -> Turn:
        _check(page, asking.target)
        answer = decode(page, _Page[_Post], source=_TITLE)
        found = {post.id: post for post in answer.elements}
        # A page may be short before the last, where posts were taken out of it; then it has a link to the next.
        more = len(answer.elements) >= _POSTS_A_PAGE or any(link.rel == "next" for link in answer.paging.links)
        if more and found and found.keys() <= seen.keys():
            raise BadAnswer(f"{place(page, _TITLE)}: the pages go in a circle, all posts of one came twice.")
        seen.update(found)
        changed = answer.elements[-1].last_modified_at if answer.elements else None
        reached = changed is not None and changed < opens
        start = int(page.request.params.get("start", "0")) + _POSTS_A_PAGE
        return Turn(str(start) if more and not reached else None, len(answer.elements))

    yield from paginate(ask, read, source=_TITLE)
    own = (post for post in seen.values() if post.is_own and opens <= post.published < closes)
    posts.extend(own)


def _fetch_totals(
    asking: _Asking, account: str, posts: list[_Post], answered: dict[str, int | None]
) -> Iterator[RawPage]:
    """The totals of posts, and into `answered` how many comments each has, as far as LinkedIn tells."""
    for kind, parameter in (("share", "shares"), ("ugcPost", "ugcPosts")):
        of_kind = [post for post in posts if post.id.startswith(f"urn:li:{kind}:")]
        for start in range(0, len(of_kind), _POSTS_A_CALL):
            batch = of_kind[start : start + _POSTS_A_CALL]
            params = {
                "q": "organizationalEntity",
                "organizationalEntity": _value(account),
                "count": str(_POSTS_A_CALL),
                parameter: f"List({','.join(_value(post.id) for post in batch)})",
            }
            published = {post.id: str(post.published) for post in batch}
            found: list[_Element] = []
            path = "organizationalEntityShareStatistics"
            yield from _walk(asking, "post_totals", path, params, published, found)
            answered.update((element.post_id, element.counts().get("replies")) for element in found)


def _fetch_comments(asking: _Asking, account: str, posts: list[str]) -> Iterator[RawPage]:
    """The comments under some posts, and the answers to the newest of those that have any."""
    talk = _Talk(asking, account)
    threads: list[tuple[int, str, str]] = []
    for post in posts:
        comments: list[_Comment] = []
        yield from talk.walk("comments", post, post, comments)
        threads.extend(
            (comment.created.time, comment.urn, post)
            for comment in comments
            if comment.comments_summary.aggregated_total_comments != 0 and comment.parent_comment is None
        )
    for _, comment_urn, post in sorted(threads, reverse=True)[:_MOST_THREADS]:
        yield from talk.walk("answers", post, comment_urn, [])


class _Talk:
    """Asks for conversations, and for no more further pages than a pull may cost."""

    def __init__(self, asking: _Asking, account: str) -> None:
        self._asking = asking
        self._account = account
        self._further = _MOST_FURTHER

    def walk(self, stream: str, post: str, under: str, into: list[_Comment]) -> Iterator[RawPage]:
        """What stands under a post or comment; one that is gone or closed to us costs nothing else."""
        path, about = f"socialActions/{_value(under)}/comments", {"account": self._account, "post": post}

        def ask(start: str | None) -> RawPage:
            params = {"count": str(_COMMENTS_A_PAGE)} | ({"start": start} if start else {})
            return self._asking.ask(stream, path, params, about)

        def read(page: RawPage) -> Turn:
            if page.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                return Turn(None, 0)  # deleted since it was listed, or the token lacks the right to comments
            _check(page, self._asking.target)
            answer = decode(page, _Page[_Comment], source=_TITLE)
            into.extend(answer.elements)
            start = _onward(page, answer.paging)
            if start is None or self._further == 0:
                return Turn(None, len(answer.elements))
            self._further -= 1
            return Turn(start, len(answer.elements))

        return paginate(ask, read, source=_TITLE)


def _page(stamp: Stamp, found: list[_Organization]) -> Iterator[Row]:
    for organization in found:
        yield AccountRow(
            **stamp,
            account_id=organization.urn,
            handle=organization.vanity_name,
            name=organization.localized_name or organization.vanity_name,
            url=f"https://www.linkedin.com/company/{organization.vanity_name}/",
        )


def _days(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """The values of days that are over, without the day that was asked for as a margin."""
    margin = about(page, "margin", what="days", source=_TITLE)["margin"]
    for element in decode(page, _Page[_Element], source=_TITLE).elements:
        days = element.time_range
        if days is None or str(days.start) == margin or _from_ms(days.end) > page.fetched_at:
            continue
        day = _from_ms(days.start).date()
        yield from day_rows(stamp, "account", element.organizational_entity, day, "UTC", element.counts())


def _totals(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    published = about(page, what="posts", source=_TITLE)
    for element in decode(page, _Page[_Element], source=_TITLE).elements:
        if element.post_id in published:
            yield CounterRow(
                **stamp,
                account_id=element.organizational_entity,
                post_id=element.post_id,
                published_at=_from_ms(int(published[element.post_id])),
                counts=element.counts(),
            )


def _comments(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    noted = about(page, "account", "post", what="post", source=_TITLE)
    for comment in decode(page, _Page[_Comment], source=_TITLE).elements:
        yield CommentRow(
            **stamp,
            account_id=noted["account"],
            comment_id=comment.urn,
            post_id=noted["post"],
            published_at=_from_ms(comment.created.time),
            author=comment.actor,
            own=comment.actor == noted["account"],
            text=comment.message.text,
            reply_to=comment.parent_comment,
        )


def _post(stamp: Stamp, post: _Post) -> PostRow:
    text, tags = read_little_text(post.commentary)
    links = [link.rstrip(".,;:!?)]") for link in re.findall(r"https?://[^\s<>\"]+", text)]
    if post.content and post.content.article and post.content.article.source:
        links.append(post.content.article.source)
    return PostRow(
        **stamp,
        account_id=post.author,
        post_id=post.id,
        published_at=_from_ms(post.published),
        kind=_kind(post, has_links=bool(links)),
        text=text,
        permalink=f"https://www.linkedin.com/feed/update/{post.id}/",
        tags=tuple(tags),
        links=tuple(dict.fromkeys(links)),
    )


def _kind(post: _Post, *, has_links: bool) -> PostKind:
    """What a post is at first sight; a document is leafed through like a carousel."""
    if post.reshare_context is not None:
        return "quote"
    content = post.content or _Content()
    if content.poll is not None:
        return "poll"
    if content.multi_image is not None:
        return "carousel"
    if content.media is not None:
        kinds: dict[str, PostKind] = {"video": "video", "document": "carousel"}
        return kinds.get(content.media.id.removeprefix("urn:li:").partition(":")[0], "image")
    return "link" if has_links else "text"


_MARK = re.compile(
    r"\{hashtag\|\\?#\|(?P<hashtag>[^}]+)\}"
    r"|@\[(?P<mention>(?:\\.|[^\]\\])*)\]\(urn:[^)]*\)"
    r"|\\(?P<escaped>[\\|{}@\[\]()<>#*_~])"
    r"|(?<!\w)#(?P<tag>\w+)"
)


def read_little_text(commentary: str) -> tuple[str, list[str]]:
    r"""The words of a post as people see them, and its hashtags in lower case without `#`, in their order.

    LinkedIn writes posts in its *little text*: hashtags as `{hashtag|\#|word}`, mentions as `@[Name](urn:li:…)`, and
    other marks with a backslash before them.
    """
    tags: list[str] = []

    def read(mark: re.Match[str]) -> str:
        tag = mark["hashtag"] or mark["tag"]
        if tag:
            tag = _unescaped(tag)
            tags.append(tag.lower())
            return f"#{tag}"
        return mark["escaped"] or _unescaped(mark["mention"])

    text = _MARK.sub(read, commentary)
    return text.strip(), list(dict.fromkeys(tags))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _value(text: str) -> str:
    """A value as Rest.li wants it within a query or path: all its marks encoded."""
    return quote(text, safe="")


def _to_ms(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)


def _from_ms(ms: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(milliseconds=ms)


SOURCE = LinkedIn()
