"""The shapes every source shares: what to ask for, what came back, and the rows made of it."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict
from zoneinfo import ZoneInfo

import msgspec

from widerview.vocabulary.dictionaries import Dictionary

if TYPE_CHECKING:
    from widerview.sources.http import HttpClient

Kind = Literal["social", "web"]
Entity = Literal["account", "site"]
Counts = Mapping[str, int | None]
"""Running totals by canonical metric; None where the platform did not report one: missing is not zero."""
Dimension = Literal["total", "channel", "campaign", "touchpoint", "network"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One account or web property of one client, as a source is asked for it.

    Attributes:
        client_id: The client's id.
        source: Name of the source, e.g. `bluesky`.
        ref: What the platform knows it by: a handle, or a site id as text.
        time_zone: IANA zone of the days the platform reports in.
        connection: Airflow Connection id with server and token; None if public and none is needed.
        url: Address of the website; None for an account.
    """

    client_id: str
    source: str
    ref: str
    time_zone: str
    connection: str | None = None
    url: str | None = None

    @property
    def label(self) -> str:
        """How this target is named to a person, e.g. in the map index of a task."""
        return f"{self.client_id} {self.ref}"


class Window(msgspec.Struct, frozen=True):
    """The days to ask for, both included."""

    first: dt.date
    last: dt.date

    def opens(self, time_zone: str) -> dt.datetime:
        """The moment the first day begins in `time_zone` (IANA)."""
        return dt.datetime.combine(self.first, dt.time.min, ZoneInfo(time_zone))


class Request(msgspec.Struct, frozen=True):
    """What was asked, with every secret taken out."""

    method: str
    url: str
    params: dict[str, str]


class RawPage(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One answer of a platform, exactly as received.

    Attributes:
        stream: Which of the source's streams it belongs to, e.g. `posts`.
        request: The request, secrets removed.
        status: HTTP status.
        headers: The headers that matter later (content type, rate limits, dates), names in lower case.
        fetched_at: When the answer had arrived (UTC); the observed time of every value in it.
        body: The bytes as received (after transfer decoding).
    """

    stream: str
    request: Request
    status: int
    headers: dict[str, str]
    fetched_at: dt.datetime
    body: bytes

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the body: the receipt of every value in it."""
        return hashlib.sha256(self.body).hexdigest()


class _Observed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every row carries: whose it is, when it was observed, and the receipt (sha256 of the raw page).

    Rows come by the million and hold nothing that could lead back to them, so the garbage collector need not look.
    """

    client_id: str
    source: str
    observed_at: dt.datetime
    receipt: str


class AccountRow(_Observed, frozen=True, kw_only=True, gc=False):
    """An account as the platform describes it; `account_id` stays when the handle changes.

    `counts` are its running totals by canonical metric, e.g. followers; None where the platform did not report one.
    """

    account_id: str
    handle: str
    name: str
    url: str
    counts: Counts = {}


class PostRow(_Observed, frozen=True, kw_only=True, gc=False):
    """A post of the client's own (a repost of somebody else's is none).

    `reply_to` is the id of the post of somebody else that this one answers: such posts are conversation. A post that
    goes on with the account's own thread is publishing and has none.
    `tags` are hashtags in lower case without `#`, `links` are absolute URLs, both in order of appearance.
    `counts` are its running totals by canonical metric, e.g. likes; None where the platform did not report one.
    """

    account_id: str
    post_id: str
    published_at: dt.datetime
    kind: Literal["text", "image", "video", "link", "poll", "quote"]
    text: str
    permalink: str
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    reply_to: str | None = None
    counts: Counts = {}


class CounterRow(_Observed, frozen=True, kw_only=True, gc=False):
    """Running totals that came in an answer of their own, apart from the post or account they belong to.

    Attributes:
        account_id: The account itself, or that of the post.
        post_id: The post; None for totals of the account.
        published_at: When the post was published, as its own row has it; None for totals of the account.
        counts: By canonical metric; None where the platform did not report one.
    """

    account_id: str
    post_id: str | None = None
    published_at: dt.datetime | None = None
    counts: Counts


class CommentRow(_Observed, frozen=True, kw_only=True, gc=False):
    """What somebody wrote under a post of the client's, or the client's own answer there.

    Attributes:
        account_id: The client's account whose post it stands under.
        comment_id: The platform's own id.
        post_id: The post it stands under.
        published_at: When it was written, as the platform says.
        author: The platform's id of who wrote it. It is kept as a salted hash only.
        own: Whether the client's own account wrote it.
        text: Its words.
        permalink: Where to see it; empty if the platform does not say.
        reply_to: The comment it answers; None if it answers the post itself.
    """

    account_id: str
    comment_id: str
    post_id: str
    published_at: dt.datetime
    author: str
    own: bool
    text: str
    permalink: str = ""
    reply_to: str | None = None


class DayRow(_Observed, frozen=True, kw_only=True, gc=False):
    """A value that belongs to a whole day of the platform's own zone.

    Attributes:
        entity: Whether it is a value of an account or of a web property.
        entity_id: The account or web property.
        day: The platform's own day.
        zone: IANA zone of that day.
        dimension: What the value is split by: `total`, `channel`, `campaign`, `touchpoint`, `network`.
        member: The member of the dimension; empty for `total`, `<campaign>/<touchpoint>` for `touchpoint`.
        metric: Canonical metric name.
        value: None where the platform did not report it.
    """

    entity: Entity
    entity_id: str
    day: dt.date
    zone: str
    dimension: Dimension
    member: str
    metric: str
    value: float | None


Row = AccountRow | PostRow | CounterRow | CommentRow | DayRow


class Stamp(TypedDict):
    """The fields of `_Observed`, to be given to every row of one page."""

    client_id: str
    source: str
    observed_at: dt.datetime
    receipt: str


def stamp(target: Target, page: RawPage) -> Stamp:
    """What all rows of a page carry."""
    return {
        "client_id": target.client_id,
        "source": target.source,
        "observed_at": page.fetched_at,
        "receipt": page.sha256,
    }


def counts(**values: int | None) -> Counts:
    """Running totals by metric; a negative one is how platforms write "hidden", so it is not reported either."""
    return {metric: None if value is None or value < 0 else value for metric, value in values.items()}


class Source(Protocol):
    """A platform. One file implements it; nothing else needs to know the platform's API.

    Attributes:
        name: Short name, also the suffix of the ingest DAG and of the pool.
        title: Name for people.
        kind: Whether it is a social platform or web analytics.
        api_version: The contract it was written against.
        streams: Names of what it can fetch.
        lookback_days: How many days before the asked day are asked again, because platforms revise.
        dictionary: What it counts under each canonical metric, and since when.
        metrics: Canonical metrics it reports: those of its dictionary.
        pool_slots: How many accounts may be pulled at once, within the platform's rate limit.
        call_budget: Most HTTP calls one account may cost in one run.
    """

    name: str
    title: str
    kind: Kind
    api_version: str
    streams: tuple[str, ...]
    lookback_days: int
    dictionary: Dictionary
    metrics: tuple[str, ...]
    pool_slots: int
    call_budget: int

    def base_url(self, target: Target) -> str:
        """The server to ask when the target's Airflow Connection names no host.

        Raises:
            widerview.sources.errors.SourceError: There is no such server; the Connection must name one.
        """
        ...

    def fetch(self, target: Target, window: Window, http: "HttpClient") -> Iterator[RawPage]:
        """Ask the platform and yield every answer as received, errors included, before judging it.

        Raises:
            widerview.sources.errors.SourceError: The platform refused or answered nonsense.
        """
        ...

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Make typed rows of one page. Pure: same page, same rows, in the same order.

        Raises:
            widerview.sources.errors.BadAnswer: The page is not what the contract promises.
        """
        ...
