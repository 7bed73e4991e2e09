"""### X: an account's followers, posts and conversations.

**Purpose.** Observe an account on X (once Twitter): its followers and posts, what people did with each post, and what
they wrote under it.

**Inputs.** The account's name without `@` in the client's file, and an Airflow Connection. X shows most numbers to the
account's owner only, so the token must be the account's own: at console.x.com make an app with *OAuth 2.0*, let the
account authorize it with the scopes `tweet.read`, `users.read` and `offline.access`, and buy credits. The Connection's
password is the access token; its extra is `{"refresh_token": "…", "client_id": "…", "client_secret": "…"}`, the secret
for confidential apps only; `expires_at` (ISO 8601), when the access token dies, may be left out and is written by the
first exchange. X charges for reading. `options: {dollars_a_day: 0.50}` in the client's file says how many
US dollars all accounts of the client on X may cost in a day (UTC); it is 0.50 if nothing is said.

**Outputs.** The account under its number, which stays when the name changes; its own posts and answers since the first
day asked for; running totals of followers, following and posts, and of every post's quotes and bookmarks. For posts of
the last thirty days impressions, likes, replies, reposts, clicks on links and profile visits as well, without what ads
brought. The comments under the ten newest posts of the last seven days asked for that have any, answers to answers
included, the newest 300 at most. What ads brought is left out.

**Calls.** The account; a page for every 100 posts with their numbers; at most three pages of comments. An account costs
0.01 dollars a pull, each of its posts 0.001, each comment 0.005. X charges for the same post only once a day (UTC); a
second pull of the day is counted in full all the same, to be on the safe side. What an answer costs is known when it is
there, so no page is asked for that could cost more than what is left of the day: near the end pages become smaller, and
then the pull stops. Comments are read last: once the day's dollars do not pay for ten more they end there, and the log
of the task says after how many. That is after about a hundred at 0.50 dollars, and leaves nothing for the client's
accounts that come next.

**Limits.** X tells likes, replies, reposts and impressions without ads for thirty days only: older posts come with
quotes and bookmarks, and what was observed while they were younger stays. Comments are found for seven days. An app may
read 900 pages of posts and 300 of comments in fifteen minutes for each account.

**When it fails.** *Unauthorized*: the token is dead or belongs to another account; a token lives two hours and is
exchanged at the start of every run, and before a pull that begins later; that needs `refresh_token` and `client_id`,
and the Connection `widerview_airflow`. Where it was refused, authorize the account anew. *Not found*: the account is
gone; correct the client's file. *Budget spent*: the day's dollars were used up before account and posts were read, or
did not pay for the next page, or there are no credits left at console.x.com. *Rate limited* or *unavailable*: the task
tries again by itself. *Bad answer*: look at the page in landing; X has changed its API.
"""

import datetime as dt
import html
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from itertools import count
from typing import ClassVar, Literal, NoReturn
from urllib.parse import quote

import msgspec
from requests import codes

from widerview.sources import conversations, oauth
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
    stamp,
)
from widerview.sources.errors import BadAnswer, BudgetSpent, NotFound, Unauthorized
from widerview.sources.http import Count, HttpClient, Moment, Turn, about, check, decode, found, paginate, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

log = logging.getLogger(__name__)

_TITLE = "X"
_CONSOLE = "https://console.x.com"
_RENEW = (
    f"Authorize the account anew ({_CONSOLE}; scopes tweet.read, users.read, offline.access), and put the access token "
    "into the password of its Airflow Connection, refresh_token and client_id into the extra."
)
# X has a second vocabulary, `post.fields`, and answers in the one it is asked in. This one brings authors and answered
# posts without `expansions`, whose objects cost money.
_FIELDS = "author_id,conversation_id,created_at,entities,in_reply_to_user_id,note_tweet,referenced_tweets"
_POST_FIELDS = f"attachments,public_metrics,{_FIELDS}"
_OWNERS = "organic_metrics"
_PAGE = 100
_FEWEST_POSTS, _FEWEST_COMMENTS = 5, 10
"""How few a page may be asked for."""
_MOST_COMMENT_PAGES = 3
_OWNER_SEES = dt.timedelta(days=30) - dt.timedelta(hours=1)
"""How old a post may be for X to tell its owner's numbers, less the time a pull may take."""
_SEARCHED = dt.timedelta(days=8)
"""How old a post may be to have comments in X's search, which goes back seven days."""
_DOLLARS_OWN_POST, _DOLLARS_POST, _DOLLARS_USER = Decimal("0.001"), Decimal("0.005"), Decimal("0.01")
_NATIVE = {
    "impressions": "impression_count",
    "likes": "like_count",
    "replies": "reply_count",
    "reposts": "retweet_count",
    "link_clicks": "url_link_clicks",
    "profile_views": "user_profile_clicks",
}


class _FieldRefused(Exception):
    """X does not know the field with the owner's numbers any more."""


class _NoCredits(BudgetSpent):
    """The app's credits at X are used up; a person must buy some."""


class _Problem(msgspec.Struct):
    """One of the errors in an answer, be it refused or given with HTTP 200, perhaps beside data."""

    title: str = ""
    detail: str = ""
    type: str = ""
    field: str = ""
    resource_id: str = ""
    message: str = ""

    @property
    def kind(self) -> str:
        """The last part of its type, e.g. `resource-not-found`; X uses more than one host in front."""
        return self.type.rpartition("/")[2]


class _UserMetrics(msgspec.Struct):
    followers_count: Count | None = None
    following_count: Count | None = None
    tweet_count: Count | None = None
    post_count: Count | None = None


class _User(msgspec.Struct):
    id: str
    username: str
    name: str = ""
    public_metrics: _UserMetrics = msgspec.field(default_factory=_UserMetrics)


class _UserAnswer(msgspec.Struct):
    data: _User | None = None
    errors: list[_Problem] = []


class _Url(msgspec.Struct):
    """A link in a text; pictures and films are links to the post's own page."""

    url: str | None = None
    expanded_url: str | None = None
    media_key: str | None = None

    @property
    def media(self) -> Literal["image", "video"] | None:
        """What it shows, if it is a part of the post."""
        shown = re.search(r"/status/\d+/(photo|video)/\d+$", self.expanded_url or "")
        if shown is None:
            return "image" if self.media_key else None
        return "video" if shown[1] == "video" else "image"


class _Tag(msgspec.Struct):
    tag: str


class _Entities(msgspec.Struct):
    urls: list[_Url] | None = None
    hashtags: list[_Tag] | None = None


class _Note(msgspec.Struct):
    """The whole text of a long post, of which `text` has the beginning."""

    text: str
    entities: _Entities | None = None


class _Reference(msgspec.Struct):
    type: str
    id: str


class _Attachments(msgspec.Struct):
    media_keys: list[str] | None = None
    poll_ids: list[str] | None = None


class _PublicMetrics(msgspec.Struct):
    quote_count: Count | None = None
    bookmark_count: Count | None = None
    reply_count: Count | None = None


class _OrganicMetrics(msgspec.Struct):
    impression_count: Count | None = None
    like_count: Count | None = None
    reply_count: Count | None = None
    retweet_count: Count | None = None
    repost_count: Count | None = None
    url_link_clicks: Count | None = None
    user_profile_clicks: Count | None = None


class _Post(msgspec.Struct):
    id: str
    created_at: Moment
    author_id: str
    conversation_id: str
    text: str = ""
    in_reply_to_user_id: str | None = None
    entities: _Entities | None = None
    attachments: _Attachments | None = None
    public_metrics: _PublicMetrics = msgspec.field(default_factory=_PublicMetrics)
    organic_metrics: _OrganicMetrics | None = None
    referenced_tweets: list[_Reference] | None = None
    referenced_posts: list[_Reference] | None = None
    note_tweet: _Note | None = None
    note_post: _Note | None = None

    def __post_init__(self) -> None:
        self.created_at = utc(self.created_at)

    def refers_to(self, how: str) -> str | None:
        """The post that this one reposts (`retweeted`), quotes (`quoted`) or answers (`replied_to`)."""
        references = self.referenced_tweets or self.referenced_posts or ()
        return next((each.id for each in references if each.type == how), None)


class _Meta(msgspec.Struct):
    next_token: str | None = None


class _Posts(msgspec.Struct):
    data: list[_Post] = []
    errors: list[_Problem] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)

    @property
    def left_out(self) -> list[_Problem]:
        """What X says of the posts that it leaves out because it does not give their owner's numbers, one each."""
        return [problem for problem in self.errors if problem.field.startswith(_OWNERS)]


class X(Source):
    """X, through its API v2 with the account's own token."""

    name = "x"
    title = _TITLE
    kind = "social"
    reference = Written("a name on X, without @", r"[A-Za-z0-9_]{1,15}", "brandname")
    options: ClassVar[Mapping[str, Written]] = {
        "dollars_a_day": Written("an amount of US dollars", r"[0-9]{1,4}(\.[0-9]{1,2})?", "0.50")
    }
    evidence = ("recording", "machine spec")
    known_gaps = (
        "X's contract has newer words for fields (post.fields). The older ones are asked for, because the newer bring "
        "authors and answered posts only as whole objects, which cost money.",
        "The recorded answers of X's servers are of 2022; what has changed since follows X's contract and its own "
        "simulator of 2026.",
        "Real answers with the owner's numbers could not be recorded; they are read as X's documents show them. They "
        "come along with the posts, and X leaves out a post whose numbers it does not give; those that it names are "
        "asked for once more without.",
        "A post that its author corrected in the first hour is another post to X; the older version stays as it was.",
        "Of more than 300 comments in a week the oldest are not read, and of fewer once the day's dollars are spent.",
        "Comments of protected accounts are not found.",
    )
    api_version = "v2 (OpenAPI 2.167)"
    streams = ("account", "posts", "comments")
    tells_all_replies = True
    lookback_days = 8
    dictionary = load_dictionary(files(__package__) / "x.yaml")
    pool_slots = 1  # accounts one after another, so that no two spend the last dollar
    walks = (Walk("posts with numbers", _PAGE, "X's OpenAPI document: max_results"),)
    call_budget = 60
    dollars_a_day = 0.5
    renewal_page = _CONSOLE
    # All of its two hours: a pull may begin at any moment, so every one begins with a fresh token.
    renews_before = dt.timedelta(hours=2)

    def fixed_calls(self, *, days: int) -> int:
        """The account, a last page of posts, which may be empty, and comments; older posts are walked by themselves."""
        return 2 + _MOST_COMMENT_PAGES + (2 if days >= _OWNER_SEES.days else 0)

    def base_url(self, target: Target) -> str:
        """X's API."""
        return "https://api.x.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, its posts since the first day of the window with their numbers, the newest conversations."""
        asking = _Asking(target, http)
        page = asking.get("2/users/me", "account", {"user.fields": "public_metrics"}, most_dollars=_DOLLARS_USER)
        yield page
        account = _me(page, target).id
        http.pay(_DOLLARS_USER)
        yield from asking.posts(account, window.opens(target.time_zone), page.fetched_at - _OWNER_SEES)
        answered = {
            post.id: post.created_at
            for post in asking.read.values()
            if post.author_id == account and post.id == post.conversation_id and post.public_metrics.reply_count
        }
        searched = {id_: at for id_, at in answered.items() if at > page.fetched_at - _SEARCHED}
        if newest := conversations.newest(searched, window, target.time_zone):
            yield from asking.comments(account, newest)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the account, a page of posts or of comments; reposts give none."""
        stamped = stamp(target, page)
        if page.stream == "posts" and _is_field_refused(page):
            refusal = decode(page, _Posts, source=_TITLE).errors
            yield from _unavailable(stamped, refusal[0].detail or refusal[0].message if refusal else found(page))
        if page.status != codes.ok:
            return
        match page.stream:
            case "account":
                if user := decode(page, _UserAnswer, source=_TITLE).data:
                    yield _account(stamped, user)
            case "comments":
                account_id = about(page, "account", what="account", source=_TITLE)["account"]
                yield from _comments(stamped, account_id, decode(page, _Posts, source=_TITLE).data)
            case _:
                answer = decode(page, _Posts, source=_TITLE)
                for post in answer.data:
                    if post.refers_to("retweeted") is None:
                        yield _post(stamped, target, post)
                if (left_out := answer.left_out) and not any(post.organic_metrics for post in answer.data):
                    yield from _unavailable(stamped, left_out[0].detail)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange the refresh token for a token of two hours and the next refresh token; the old one is dead then."""
        names = ("client_id", "refresh_token")
        return oauth.exchange(http, "2/oauth2/token", source=_TITLE, renew=_RENEW, form=names, needed=names)


class _Asking:
    """Asks on behalf of an account's owner, and keeps count of what that costs.

    Attributes:
        read: The posts read so far, by id; each is paid for once.
    """

    def __init__(self, target: Target, http: HttpClient) -> None:
        if http.token is None:
            raise Unauthorized(f"{_TITLE}: the Connection of {target.ref} has no access token. {_RENEW}")
        self.read: dict[str, _Post] = {}
        self._target = target
        self._http = http
        self._headers = {"Authorization": f"Bearer {http.token}"}

    def get(
        self,
        path: str,
        stream: str,
        params: Mapping[str, str],
        about: Mapping[str, str] | None = None,
        *,
        most_dollars: Decimal,
    ) -> RawPage:
        """Ask once, for what may cost so much."""
        return self._http.request(
            "GET", path, stream=stream, params=params, headers=self._headers, about=about, most_dollars=most_dollars
        )

    def posts(self, account: str, opens: dt.datetime, young: dt.datetime) -> Iterator[RawPage]:
        """What the account has published since a moment, reposts left out, newest first.

        Those since `young` have their owner's numbers, which X does not give of older ones: these are asked for by
        themselves, since it leaves out what it does not give the numbers of. What it leaves out nevertheless is asked
        for once more without them.
        """
        opens, young = opens.astimezone(dt.UTC), young.astimezone(dt.UTC)
        since = _moment(max(opens, young))
        left_out: dict[str, None] = {}
        try:
            yield from self._walk(account, {"start_time": since}, f"{_POST_FIELDS},{_OWNERS}", left_out)
        except _FieldRefused:
            yield from self._walk(account, {"start_time": since}, _POST_FIELDS, {})
        ids = [id_ for id_ in left_out if id_ not in self.read]
        for start in range(0, len(ids), _PAGE):
            yield from self._by_id(ids[start : start + _PAGE])
        if opens < young:
            yield from self._walk(account, {"start_time": _moment(opens), "end_time": since}, _POST_FIELDS, {})

    def _walk(
        self, account: str, times: Mapping[str, str], fields: str, left_out: dict[str, None]
    ) -> Iterator[RawPage]:
        """The posts of some time, page after page, and into `left_out` the ids of those that X leaves out."""
        path = f"2/users/{quote(account, safe='')}/tweets"

        def ask(cursor: str | None) -> RawPage:
            size = max(_FEWEST_POSTS, self._http.affords(_DOLLARS_OWN_POST, _PAGE))
            params = {"exclude": "retweets", "max_results": str(size), **times, "tweet.fields": fields}
            more = {"pagination_token": cursor} if cursor else {}
            return self.get(path, "posts", params | more, most_dollars=size * _DOLLARS_OWN_POST)

        def read(page: RawPage) -> Turn:
            if _is_field_refused(page):
                raise _FieldRefused
            answer = self._judged(page, _DOLLARS_OWN_POST)
            left_out.update((problem.resource_id, None) for problem in answer.left_out)
            return Turn(answer.meta.next_token, len(answer.data) + len(answer.left_out))

        return paginate(ask, read, source=_TITLE)

    def _by_id(self, ids: Sequence[str]) -> Iterator[RawPage]:
        """Some posts without their owner's numbers; those that are gone by now are errors beside the others."""
        params = {"ids": ",".join(ids), "tweet.fields": _POST_FIELDS}
        page = self.get("2/tweets", "posts", params, most_dollars=len(ids) * _DOLLARS_OWN_POST)
        yield page
        self._judged(page, _DOLLARS_OWN_POST, may_be_gone=True)

    def comments(self, account: str, posts: Sequence[str]) -> Iterator[RawPage]:
        """What was said under some posts of the account, newest first, as far as there are calls and money for it."""
        params = {"query": _query(posts, account), "tweet.fields": _FIELDS}
        pages = count(1)
        heard = 0

        def ask(cursor: str | None) -> RawPage:
            size = max(_FEWEST_COMMENTS, self._http.affords(_DOLLARS_POST, _PAGE))
            more = {"max_results": str(size)} | ({"next_token": cursor} if cursor else {})
            return self.get(
                "2/tweets/search/recent",
                "comments",
                params | more,
                {"account": account},
                most_dollars=size * _DOLLARS_POST,
            )

        def read(page: RawPage) -> Turn:
            nonlocal heard
            answer = self._judged(page, _DOLLARS_POST)
            heard += len(answer.data)
            goes_on = next(pages) < _MOST_COMMENT_PAGES
            return Turn(answer.meta.next_token if goes_on else None, len(answer.data))

        try:
            yield from paginate(ask, read, source=_TITLE)
        except _NoCredits:
            raise
        except BudgetSpent as spent:
            # All else has been read and paid for by now, and must not be lost for want of comments.
            log.warning("%s: its conversations end after %d posts. %s", self._target.label, heard, spent)

    def _judged(self, page: RawPage, dollars: Decimal, *, may_be_gone: bool = False) -> _Posts:
        """What a page of posts says, once it is paid for."""
        _check(page, self._target)
        answer = decode(page, _Posts, source=_TITLE)
        new = {post.id: post for post in answer.data if post.id not in self.read}
        self.read |= new
        self._http.pay(len(new) * dollars)
        if answer.errors and not (answer.data or answer.left_out or may_be_gone):
            _refuse(page, self._target, answer.errors[0])
        return answer


def _me(page: RawPage, target: Target) -> _User:
    """The account that the token is of, which must be the one that is asked for."""
    _check(page, target)
    answer = decode(page, _UserAnswer, source=_TITLE)
    if answer.data is None:
        _refuse(page, target, answer.errors[0] if answer.errors else _Problem(detail="There is no account in it."))
    if answer.data.username.lower() != target.ref.lower():
        raise Unauthorized(
            f"{place(page, _TITLE)}: the token is that of @{answer.data.username}, and the file of client "
            f"{target.client_id} says {target.ref}. Correct the file if the account was renamed. Otherwise: {_RENEW}"
        )
    return answer.data


def _check(page: RawPage, target: Target) -> None:
    """Like `check`, but X answers 402 where the app's credits are used up."""
    if page.status == codes.payment_required:
        raise _NoCredits(
            f"{place(page, _TITLE)} for {target.ref}: the app has no credits left. Buy some at {_CONSOLE}, and clear "
            f"the task. The answer was {found(page)}"
        )
    check(page, source=_TITLE, account=target.ref, renew=_RENEW)


def _refuse(page: RawPage, target: Target, problem: _Problem) -> NoReturn:
    """Raise what an error in an answer with HTTP 200 and without data means."""
    where = f"{place(page, _TITLE)} for {target.ref}: {problem.title}: {problem.detail}"
    match problem.kind:
        case "resource-not-found":
            raise NotFound(f"{where} Correct or remove the account in the file of client {target.client_id}.")
        case "not-authorized-for-resource" | "not-authorized-for-field" | "field-unauthorized":
            raise Unauthorized(f"{where} {_RENEW}")
        case _:
            raise BadAnswer(where)


def _is_field_refused(page: RawPage) -> bool:
    """Whether X does not know the field with the owner's numbers any more; all else in the request is fine then."""
    return page.status == codes.bad_request and b"[organic_metrics]" in page.body


def _moment(at: dt.datetime) -> str:
    """A moment in UTC as X wants it, to the second."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _query(conversations_: Sequence[str], account: str) -> str:
    """What finds all that was said in some conversations; reposts are none of it."""
    return f"({' OR '.join(f'conversation_id:{each}' for each in conversations_)}) -retweets_of:{account}"


def _account(stamp: Stamp, user: _User) -> AccountRow:
    metrics = user.public_metrics
    posts = metrics.tweet_count if metrics.post_count is None else metrics.post_count
    return AccountRow(
        **stamp,
        account_id=user.id,
        handle=user.username,
        name=user.name or user.username,
        url=f"https://x.com/{user.username}",
        counts=counts(followers=metrics.followers_count, following=metrics.following_count, posts=posts),
    )


def _post(stamp: Stamp, target: Target, post: _Post) -> PostRow:
    text, links, media = _words(post)
    tags = [tag.tag.lower() for tag in _entities(post).hashtags or ()]
    # A post that goes on with the account's own thread answers nobody.
    answered = None if post.in_reply_to_user_id == post.author_id else post.refers_to("replied_to")
    return PostRow(
        **stamp,
        account_id=post.author_id,
        post_id=post.id,
        published_at=post.created_at,
        kind=_kind(post, media, has_links=bool(links)),
        text=text,
        permalink=f"https://x.com/{target.ref}/status/{post.id}",
        tags=tuple(dict.fromkeys(tags)),
        links=tuple(dict.fromkeys(links)),
        reply_to=answered,
        counts=counts(
            quotes=post.public_metrics.quote_count,
            bookmarks=post.public_metrics.bookmark_count,
            **_owners_numbers(post.organic_metrics),
        ),
    )


def _owners_numbers(numbers: _OrganicMetrics | None) -> dict[str, int | None]:
    """What only the owner gets to see of a post; nothing where X did not give it."""
    if numbers is None:
        return {}
    return {
        "impressions": numbers.impression_count,
        "likes": numbers.like_count,
        "replies": numbers.reply_count,
        "reposts": numbers.retweet_count if numbers.repost_count is None else numbers.repost_count,
        "link_clicks": numbers.url_link_clicks,
        "profile_views": numbers.user_profile_clicks,
    }


def _entities(post: _Post) -> _Entities:
    """Links and hashtags of the whole text."""
    note = post.note_tweet or post.note_post
    return (note and note.entities) or post.entities or _Entities()


def _words(post: _Post) -> tuple[str, list[str], set[str]]:
    """The text as its author wrote it, the links in it, and what else it shows: `image`, `video`.

    X shortens every link, adds one for each picture or film, and escapes three characters as HTML does.
    """
    note = post.note_tweet or post.note_post
    text = html.unescape(note.text if note else post.text)
    links, media = [], set()
    for url in [*(_entities(post).urls or ()), *((post.entities and post.entities.urls) or ())]:
        if url.media:
            media.add(url.media)
            text = text.replace(url.url or "", "") if url.url else text
        elif url.expanded_url and re.match(r"https?://", url.expanded_url):
            links.append(url.expanded_url)
            text = text.replace(url.url, url.expanded_url) if url.url else text
    return text.strip(), links, media


def _kind(post: _Post, media: set[str], *, has_links: bool) -> PostKind:
    """What a post is at first sight; a quote with a picture is a quote."""
    if post.attachments and post.attachments.poll_ids:
        return "poll"
    if post.refers_to("quoted"):
        return "quote"
    if "video" in media:
        return "video"
    if media or (post.attachments and post.attachments.media_keys):
        return "image"
    return "link" if has_links else "text"


def _unavailable(stamp: Stamp, reason: str) -> Iterator[Row]:
    for metric, native in _NATIVE.items():
        yield UnavailableRow(**stamp, metric=metric, native_metric=f"organic_metrics.{native}", reason=reason)


def _comments(stamp: Stamp, account: str, posts: Sequence[_Post]) -> Iterator[Row]:
    """What others wrote in the account's conversations, and its answers; its own threads that go on are none."""
    for post in posts:
        is_own = post.author_id == account
        begins = post.id == post.conversation_id or post.refers_to("retweeted")
        if begins or (is_own and post.in_reply_to_user_id == account):
            continue
        answered = post.refers_to("replied_to")
        yield CommentRow(
            **stamp,
            account_id=account,
            comment_id=post.id,
            post_id=post.conversation_id,
            published_at=post.created_at,
            author=post.author_id,
            own=is_own,
            text=_words(post)[0],
            permalink=f"https://x.com/i/status/{post.id}",
            reply_to=None if answered == post.conversation_id else answered,
        )


SOURCE = X()
