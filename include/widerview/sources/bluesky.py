"""### Bluesky: an account's followers, posts and conversations.

**Purpose.** Observe what Bluesky tells anyone about an account: its followers and posts, what people did with each
post, and what they wrote under it.

**Inputs.** The account's handle (or DID) in the client's file. No key is needed: the public AppView
`https://public.api.bsky.app` answers. An Airflow Connection is optional; its host replaces the server, its password
is sent as a Bearer token.

**Outputs.** The account under its DID, which stays when the handle changes; its own posts and replies since the
first day asked for; running totals of followers, following and posts, and of every post's likes, reposts, replies,
quotes and bookmarks. The comments under the ten newest posts of the last seven days asked for that have any, answers
to answers included, each with its time and whether the account itself wrote it. What the account adds to its own
thread is a post and no comment.

**Calls.** The profile; a page of the feed for every 100 posts and reposts; a thread for each of at most ten posts.

**Limits.** Bluesky knows no impressions, reach or clicks. All counts are running totals: a day's gain is the
difference of two observations. Bookmarks are counted since 2025; older servers leave them out, which is stored as
"not reported". Comments of people who block the reader, or whom the account has hidden, are missing from threads, as
are those below a deleted one. About 3,000 calls in five minutes from one address.

**When it fails.** *Not found*: the handle was changed or the account is gone; correct the client's file (a DID
never changes). *Rate limited* or *unavailable*: the task tries again by itself; nothing to do unless it stays so.
*Bad answer*: look at the page in landing; Bluesky has changed its API or a proxy stands between.
"""

import datetime as dt
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Literal

import msgspec
from requests import codes

from widerview.sources import conversations
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    Walk,
    Window,
    Written,
    counts,
    stamp,
)
from widerview.sources.errors import NotFound, Unauthorized
from widerview.sources.http import Count, HttpClient, Moment, Turn, check, decode, paginate, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Bluesky"
_RENEW = "The account needs no token; if its Airflow Connection has one, renew or remove it."
_DEPTH = "100"
"""How many answers to answers are asked for, one below the other."""


class _Lexicon(msgspec.Struct, rename="camel"):
    """Base of the objects of Bluesky's lexicon; what is not named here is not read."""


class _Profile(_Lexicon):
    did: str
    handle: str
    display_name: str | None = None
    followers_count: Count | None = None
    follows_count: Count | None = None
    posts_count: Count | None = None


class _Author(_Lexicon):
    did: str
    handle: str


class _Feature(_Lexicon):
    """What a stretch of text is: a link, a hashtag or a mention."""

    uri: str | None = None
    tag: str | None = None


class _Slice(_Lexicon):
    byte_start: int


class _Facet(_Lexicon):
    index: _Slice
    features: list[_Feature] = []


class _External(_Lexicon):
    uri: str


class _Quoted(_Lexicon):
    """A reference to a record; beside media it is wrapped once more."""

    uri: str | None = None
    record: "_Quoted | None" = None

    @property
    def is_post(self) -> bool:
        return "/app.bsky.feed.post/" in ((self.record.uri if self.record else self.uri) or "")


class _Embed(_Lexicon):
    type: str | None = msgspec.field(name="$type", default=None)
    external: _External | None = None
    record: _Quoted | None = None
    media: "_Embed | None" = None


class _Ref(_Lexicon):
    uri: str


class _Reply(_Lexicon):
    root: _Ref
    parent: _Ref


class _Record(_Lexicon):
    """The post as its author's software wrote it."""

    created_at: str = ""
    text: str = ""
    facets: list[_Facet] | None = None
    tags: list[str] | None = None
    embed: _Embed | None = None
    reply: _Reply | None = None


class _Post(_Lexicon):
    uri: str
    author: _Author
    record: _Record
    indexed_at: Moment
    like_count: Count | None = None
    repost_count: Count | None = None
    reply_count: Count | None = None
    quote_count: Count | None = None
    bookmark_count: Count | None = None

    def __post_init__(self) -> None:
        self.indexed_at = utc(self.indexed_at)

    @property
    def published_at(self) -> dt.datetime:
        """The earlier of "written" and "first seen by Bluesky", as the AppView itself sorts.

        The first is the author's claim, and some software claims nonsense.
        """
        try:
            return min(self.indexed_at, utc(msgspec.convert(self.record.created_at, Moment)))
        except ValueError:
            return self.indexed_at


class _Reason(_Lexicon):
    type: str = msgspec.field(name="$type")
    indexed_at: Moment | None = None


class _Item(_Lexicon):
    post: _Post
    reason: _Reason | None = None

    @property
    def is_pinned(self) -> bool:
        """Stands at the top out of order; it is the author's own all the same."""
        return self.reason is not None and self.reason.type.endswith("#reasonPin")

    @property
    def sorted_at(self) -> dt.datetime:
        """Where it stands in the feed: a repost by when it was reposted."""
        return (self.reason and self.reason.indexed_at) or self.post.published_at


class _Feed(_Lexicon):
    feed: list[_Item]
    cursor: str | None = None


class _Thread(_Lexicon):
    """A post with what answers it; without a post where that was deleted, or is hidden by a block."""

    post: _Post | None = None
    replies: "list[_Thread] | None" = None


class _ThreadAnswer(_Lexicon):
    thread: _Thread


class _Refusal(_Lexicon):
    error: str = ""
    message: str = ""


class Bluesky(Source):
    """Bluesky, through the public AppView of the AT Protocol."""

    name = "bluesky"
    title = _TITLE
    kind = "social"
    reference = Written(
        "a Bluesky handle", r"([a-z0-9-]+\.)+[a-z0-9-]+|did:[a-z]+:[A-Za-z0-9._:%-]+", "name.bsky.social"
    )
    needs_connection = False
    evidence = ("server", "recording")
    api_version = "app.bsky lexicons as served 2026-11"
    streams = ("account", "posts", "comments")
    tells_all_replies = True
    lookback_days = 28
    dictionary = load_dictionary(files(__package__) / "bluesky.yaml")
    pool_slots = 8
    walks = (Walk("posts and reposts", 100, "https://docs.bsky.app/docs/api/app-bsky-feed-get-author-feed"),)
    call_budget = 100

    def fixed_calls(self, *, days: int) -> int:
        """The profile; the page beyond the window; ten threads at most."""
        return 2 + conversations.MOST

    def base_url(self, target: Target) -> str:
        """The public AppView."""
        return "https://public.api.bsky.app"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The profile, the feed from the newest post to the first day of the window, then the newest conversations."""
        headers = {"Authorization": f"Bearer {http.token}"} if http.token else {}
        page = http.request(
            "GET", "xrpc/app.bsky.actor.getProfile", stream="account", params={"actor": target.ref}, headers=headers
        )
        yield page
        _check(page, target)
        did = decode(page, _Profile, source=_TITLE).did
        opens = window.opens(target.time_zone)
        answered: dict[str, dt.datetime] = {}

        def ask(cursor: str | None) -> RawPage:
            params = {"actor": did, "limit": "100"} | ({"cursor": cursor} if cursor else {})
            return http.request(
                "GET", "xrpc/app.bsky.feed.getAuthorFeed", stream="posts", params=params, headers=headers
            )

        def read(page: RawPage) -> Turn:
            _check(page, target)
            answer = decode(page, _Feed, source=_TITLE)
            answered.update(
                (post.uri, post.published_at)
                for post in _own_posts(answer, did)
                if post.record.reply is None and post.reply_count
            )
            in_order = [item for item in answer.feed if not item.is_pinned]
            reached = bool(in_order) and in_order[-1].sorted_at < opens
            return Turn(None if reached else answer.cursor or None, len(answer.feed))

        yield from paginate(ask, read, source=_TITLE)

        for uri in conversations.newest(answered, window, target.time_zone):
            params = {"uri": uri, "depth": _DEPTH, "parentHeight": "0"}
            page = http.request(
                "GET", "xrpc/app.bsky.feed.getPostThread", stream="comments", params=params, headers=headers
            )
            yield page
            if not _is_gone(page):
                _check(page, target)
                decode(page, _ThreadAnswer, source=_TITLE)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of a profile, a page of the feed or a thread; reposts and other people's posts give none."""
        if page.status != codes.ok:
            return
        stamped = stamp(target, page)
        match page.stream:
            case "account":
                yield from _account(stamped, decode(page, _Profile, source=_TITLE))
            case "comments":
                root = decode(page, _ThreadAnswer, source=_TITLE).thread
                if root.post:
                    yield from _comments(stamped, root, root.post)
            case _:
                own = page.request.params.get("actor", target.ref)
                for post in _own_posts(decode(page, _Feed, source=_TITLE), own):
                    yield from _post(stamped, post)


def _own_posts(feed: _Feed, own: str) -> Iterator[_Post]:
    """What the account of this DID or handle wrote itself, a pinned post included."""
    for item in feed.feed:
        author = item.post.author
        if own.lower() in {author.did.lower(), author.handle.lower()} and (item.reason is None or item.is_pinned):
            yield item.post


def _is_gone(page: RawPage) -> bool:
    """Whether a post was deleted after the feed had told of it."""
    return page.status == codes.bad_request and decode(page, _Refusal, source=_TITLE).error == "NotFound"


def _check(page: RawPage, target: Target) -> None:
    """Like `check`, but Bluesky answers 400 to a dead token and to an unknown account."""
    if page.status == codes.bad_request:
        refusal = decode(page, _Refusal, source=_TITLE)
        where = f"{place(page, _TITLE)} for {target.ref}: {refusal.error}: {refusal.message}."
        if refusal.error in {"InvalidToken", "ExpiredToken", "AuthMissing"}:
            raise Unauthorized(f"{where} {_RENEW}")
        if refusal.error in {"AccountTakedown", "AccountDeactivated"} or "not found" in refusal.message.lower():
            raise NotFound(f"{where} Correct or remove the handle in the file of client {target.client_id}.")
    check(page, source=_TITLE, account=target.ref, renew=_RENEW)


def _profile_url(author: _Author | _Profile) -> str:
    """By the handle, or by the DID while Bluesky cannot confirm the handle."""
    return f"https://bsky.app/profile/{author.did if author.handle == 'handle.invalid' else author.handle}"


def _permalink(post: _Post) -> str:
    return f"{_profile_url(post.author)}/post/{post.uri.rsplit('/', 1)[-1]}"


def _account(stamp: Stamp, profile: _Profile) -> Iterator[Row]:
    yield AccountRow(
        **stamp,
        account_id=profile.did,
        handle=profile.handle,
        name=profile.display_name or profile.handle,
        url=_profile_url(profile),
        counts=counts(followers=profile.followers_count, following=profile.follows_count, posts=profile.posts_count),
    )


def _answered(reply: _Reply, did: str) -> str | None:
    """The post that a reply answers; None within the author's own thread (an at:// address begins with its DID)."""
    own = all(post.uri.startswith(f"at://{did}/") for post in (reply.root, reply.parent))
    return None if own else reply.parent.uri


def _post(stamp: Stamp, post: _Post) -> Iterator[Row]:
    record = post.record
    features = [
        feature
        for facet in sorted(record.facets or [], key=lambda facet: facet.index.byte_start)
        for feature in facet.features
    ]
    tags = [feature.tag for feature in features if feature.tag] + (record.tags or [])
    links = [feature.uri for feature in features if feature.uri]
    embed = record.embed.media or record.embed if record.embed else None
    if embed and embed.external:
        links.append(embed.external.uri)
    links = [link for link in dict.fromkeys(links) if re.match(r"https?://", link)]
    yield PostRow(
        **stamp,
        account_id=post.author.did,
        post_id=post.uri,
        published_at=post.published_at,
        kind=_kind(record.embed, has_links=bool(links)),
        text=record.text,
        permalink=_permalink(post),
        tags=tuple(dict.fromkeys(tag.lower().removeprefix("#") for tag in tags)),
        links=tuple(links),
        reply_to=_answered(record.reply, post.author.did) if record.reply else None,
        counts=counts(
            likes=post.like_count,
            reposts=post.repost_count,
            replies=post.reply_count,
            quotes=post.quote_count,
            bookmarks=post.bookmark_count,
        ),
    )


def _comments(stamp: Stamp, thread: _Thread, root: _Post) -> Iterator[Row]:
    """What stands under a post of the account's, answers to answers included.

    The account's next posts in its own thread are no comments; what is written under one of them stands under that.
    """
    account = root.author.did
    under = [(thread, root)]
    while under:
        answered, post = under.pop()
        for reply in answered.replies or ():
            said = reply.post
            if said is None:
                continue
            is_own = said.author.did == account
            if is_own and answered.post is post:
                under.append((reply, said))
                continue
            under.append((reply, post))
            yield CommentRow(
                **stamp,
                account_id=account,
                comment_id=said.uri,
                post_id=post.uri,
                published_at=said.published_at,
                author=said.author.did,
                own=is_own,
                text=said.record.text,
                permalink=_permalink(said),
                reply_to=None if answered.post is None or answered.post is post else answered.post.uri,
            )


def _kind(embed: _Embed | None, *, has_links: bool) -> Literal["text", "image", "video", "link", "quote"]:
    """What a post is at first sight; a quote with a picture is a quote."""
    if embed and embed.record and embed.record.is_post:
        return "quote"
    media = (embed.media or embed).type if embed else None
    if media == "app.bsky.embed.images":
        return "image"
    if media == "app.bsky.embed.video":
        return "video"
    return "link" if has_links else "text"


SOURCE = Bluesky()
