"""A source for the benchmark's API, which pages posts as Facebook's Graph API does; written as a real one is."""

import datetime as dt
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec

from bench.ingest.workload import POSTS_OF_A_PAGE, POSTS_OF_AN_ACCOUNT, SERVER, accounts
from widerview.sources.base import AccountRow, PostRow, RawPage, Row, Source, Target, Walk, Window, Written, stamp
from widerview.sources.http import Count, HttpClient, Turn, check, decode, paginate
from widerview.vocabulary.dictionaries import Definition, Dictionary

_TITLE = "Graph"
_RENEW = "The benchmark's API asks for no token."


class _Author(msgspec.Struct, gc=False):
    id: str
    name: str


class _Shares(msgspec.Struct, gc=False):
    count: Count


_METRICS = (
    "post_impressions",
    "post_impressions_unique",
    "post_impressions_organic",
    "post_impressions_paid",
    "post_engaged_users",
    "post_clicks",
    "post_reactions_like_total",
    "post_reactions_love_total",
    "post_reactions_wow_total",
    "post_reactions_haha_total",
    "post_reactions_sorry_total",
    "post_reactions_anger_total",
    "post_video_views",
    "post_video_views_organic",
    "post_video_avg_time_watched",
    "post_video_view_time",
    "post_media_view",
    "post_negative_feedback",
)


class _Post(msgspec.Struct, gc=False):
    id: str
    created_time: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    permalink_url: str
    status_type: str
    author: _Author = msgspec.field(name="from")
    metrics: dict[str, Count | None]
    message: str | None = None
    shares: _Shares | None = None


class _Paging(msgspec.Struct):
    next: str | None = None


class _Posts(msgspec.Struct):
    data: list[_Post]


class _Turn(msgspec.Struct):
    """Where a page leads; the posts are left as they are, for `parse` reads them."""

    data: list[msgspec.Raw]
    paging: _Paging = msgspec.field(default_factory=_Paging)


KINDS: dict[str, Literal["text", "image", "video", "link"]] = {
    "added_photos": "image",
    "added_video": "video",
    "shared_story": "link",
    "mobile_status_update": "text",
}


# Made here and not read from a YAML file: the vocabulary has no use for Facebook's older metrics.
_DICTIONARY = Dictionary(
    "graph",
    tuple(
        Definition(
            source="graph",
            grain="post",
            metric=name,
            version=1,
            native_metric=name,
            placement="both",
            meaning="A number of the benchmark's API.",
            documented_at="https://graph.example/",
        )
        for name in (*_METRICS, "shares")
    ),
)


class Graph(Source):
    """Posts of a page with their insights.

    `version` is the state of the numbers to ask for: the API gives another value of one metric of every post for
    each. `delay_ms` is how long it takes over a page.
    """

    name = "graph"
    title = _TITLE
    kind = "social"
    reference = Written("a page's number", "[0-9]+", "1")
    needs_connection = False
    evidence = ("vendor document",)
    api_version = "v19.0"
    streams = ("posts",)
    lookback_days = 28
    dictionary = _DICTIONARY
    walks = (Walk("posts", POSTS_OF_A_PAGE, "the benchmark's API"),)
    call_budget = 2 * POSTS_OF_AN_ACCOUNT // POSTS_OF_A_PAGE

    def __init__(self, version: int = 1, delay_ms: int = 0) -> None:
        self._query = {"v": str(version)} | ({"delay_ms": str(delay_ms)} if delay_ms else {})

    def fixed_calls(self, *, days: int) -> int:
        return 1

    def base_url(self, target: Target) -> str:
        return SERVER

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """All posts of the account, a hundred a page, along the `next` links."""

        def ask(next_page: str | None) -> RawPage:
            if next_page:
                return http.request("GET", next_page, stream="posts")
            params = {"limit": str(POSTS_OF_A_PAGE)} | self._query
            return http.request("GET", f"{self.api_version}/{target.ref}/posts", stream="posts", params=params)

        def read(page: RawPage) -> Turn:
            check(page, source=_TITLE, account=target.ref, renew=_RENEW)
            turn = decode(page, _Turn, source=_TITLE)
            return Turn(turn.paging.next, len(turn.data))

        yield from paginate(ask, read, source=_TITLE)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """The posts of a page and their counts; the account as its first page names it."""
        if page.status != HTTPStatus.OK:
            return
        stamped = stamp(target, page)
        posts = decode(page, _Posts, source=_TITLE).data
        if posts and "after" not in page.request.params:
            author = posts[0].author
            yield AccountRow(
                **stamped,
                account_id=author.id,
                handle=author.id,
                name=author.name,
                url=f"https://www.facebook.com/{author.id}",
            )
        for post in posts:
            yield PostRow(
                **stamped,
                account_id=post.author.id,
                post_id=post.id,
                published_at=post.created_time.astimezone(dt.UTC),
                kind=KINDS[post.status_type],
                text=post.message or "",
                permalink=post.permalink_url,
                counts=post.metrics | {"shares": post.shares.count if post.shares else None},
            )


def targets(rows: int) -> list[Target]:
    """The accounts that have `rows` posts together: one a client, as most clients have on a platform."""
    return [
        Target(client_id=f"client-{number:05d}", source=Graph.name, ref=account, time_zone="UTC")
        for number, account in enumerate(accounts(rows))
    ]
