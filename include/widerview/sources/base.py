"""The shapes every source shares: what to ask for, what came back, and the rows made of it."""

import datetime as dt
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import msgspec

from widerview.vocabulary.dictionaries import Dictionary
from widerview.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    from widerview.sources.http import HttpClient

Kind = Literal["social", "web", "offline"]
Entity = Literal["account", "site", "folder"]
Counts = Mapping[str, int | None]
"""Running totals by canonical metric; None where the platform did not report one: missing is not zero."""
Dimension = Literal["total", "channel", "campaign", "touchpoint", "network", "query", "page", "asset", "first_campaign"]
PostKind = Literal["text", "image", "video", "link", "poll", "quote", "carousel", "reel", "story"]
Evidence = Literal["server", "recording", "flattened record", "machine spec", "vendor document", "own format"]
"""What a source was checked against: a real server that was run, real answers that were recorded, what another program
kept of real answers after taking them apart, the platform's machine-readable contract (OpenAPI, discovery), or nothing
but its documents; `own format` is for what is not a platform's, but read in a format that Widerview lays down."""


class Written(NamedTuple):
    """How something is written in a client file: what it is, for a mistake's message; a pattern; an example.

    Patterns use only what Python and JavaScript read alike, because editors check files with them too.
    """

    what: str
    pattern: str
    example: str


class Walk(NamedTuple):
    """What of a pull takes more calls the more posts there are: a listing, or questions about many posts at once.

    Attributes:
        what: What is read, in a few words.
        posts_a_call: Most posts that one call tells of.
        limited_by: What sets that limit: the platform's page that names it, or a sentence.
    """

    what: str
    posts_a_call: int
    limited_by: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One account or web property of one client, as a source is asked for it.

    Attributes:
        client_id: The client's id.
        source: Name of the source, e.g. `bluesky`.
        ref: What the platform knows it by: a handle, or a site id as text.
        time_zone: IANA zone of the days the platform reports in.
        connection: Airflow Connection id with server and token; None if public and none is needed.
        url: Address of the website; None for an account.
        options: What else the client's file says of it, by the names in the source's `options`.
    """

    client_id: str
    source: str
    ref: str
    time_zone: str
    connection: str | None = None
    url: str | None = None
    options: Mapping[str, str] = {}

    @property
    def label(self) -> str:
        """How this target is named to a person, e.g. in the map index of a task."""
        return f"{self.client_id} {self.ref}"


class Window(msgspec.Struct, frozen=True):
    """The days to ask for, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> list[dt.date]:
        """All of them, in order."""
        return [self.first + dt.timedelta(days=offset) for offset in range((self.last - self.first).days + 1)]

    def opens(self, time_zone: str) -> dt.datetime:
        """The moment the first day begins in `time_zone` (IANA)."""
        return dt.datetime.combine(self.first, dt.time.min, ZoneInfo(time_zone))


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was asked, with every secret taken out.

    Attributes:
        method: HTTP method.
        url: Without its query.
        params: The query, and the form of a POST.
        body: The JSON that was sent; empty if none was.
        about: What the answer is about, as far as it does not say so itself; never sent.
    """

    method: str
    url: str
    params: dict[str, str]
    body: str = ""
    about: dict[str, str] = {}


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
    kind: PostKind
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
        entity: Whether it is a value of an account, of a web property or of a folder of files.
        entity_id: The account, web property or folder.
        day: The platform's own day.
        zone: IANA zone of that day.
        dimension: What the value is split by: `total`, `channel`, `campaign`, `touchpoint`, `network`, `query` (what
            was searched for), `page`, `asset` (a promo code, an event, a newsletter or a short path),
            `first_campaign` (the campaign that first brought the visitor; `campaign` is the one of the visit).
        member: The member of the dimension; empty for `total`, `<campaign>/<touchpoint>` for `touchpoint`.
        metric: Canonical metric name.
        value: None where the platform did not report it.
        currency: ISO 4217 code of an amount of money, as the platform says; None for any other value.
    """

    entity: Entity
    entity_id: str
    day: dt.date
    zone: str
    dimension: Dimension
    member: str
    metric: str
    value: float | None
    currency: str | None = None


class UnavailableRow(_Observed, frozen=True, kw_only=True, gc=False):
    """A metric that was asked for and that the platform does not know (any more), or does not give for this account.

    It costs that metric alone. It is no value: never zero, and no "not reported" over what was known before.

    Attributes:
        metric: Canonical metric.
        native_metric: What was asked for.
        reason: What the platform said.
    """

    metric: str
    native_metric: str
    reason: str


class UnreadableRow(_Observed, frozen=True, kw_only=True, gc=False):
    """A line of a file that breaks the file's format, or the file itself: nothing of it counts, and it is kept.

    Attributes:
        file: The file's name.
        line: Its row, as a spreadsheet numbers it; 0: the file as a whole.
        column: The column that is wrong; empty: the line as a whole.
        day: The day it is of; None: of none, or it cannot be read.
        reason: What is wrong, and how to mend it.
        cells: What stands there, as text.
    """

    file: str
    line: int
    column: str = ""
    day: dt.date | None = None
    reason: str
    cells: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        row = f", row {self.line}" if self.line else ""
        return f"{self.file}{row}{f', column {self.column}' if self.column else ''}"


Row = AccountRow | PostRow | CounterRow | CommentRow | DayRow | UnavailableRow | UnreadableRow


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


def day_rows(
    stamp: Stamp,
    entity: Entity,
    entity_id: str,
    day: dt.date,
    zone: str,
    values: Mapping[str, float | None],
    dimension: Dimension = "total",
    member: str = "",
    currency: str | None = None,
) -> Iterator[DayRow]:
    """Make a row of each of a day's values, by canonical metric; `currency` is that of those that are money."""
    for metric, value in values.items():
        yield DayRow(
            **stamp,
            entity=entity,
            entity_id=entity_id,
            day=day,
            zone=zone,
            dimension=dimension,
            member=member,
            metric=metric,
            value=value,
            currency=currency if currency and METRICS[metric].unit == "money" else None,
        )


def plain_handle(handle: str) -> str:
    """A handle without what people write it with or without: an @ before it, and capitals."""
    return handle.removeprefix("@").casefold()


HIDDEN = -1
"""What Instagram, Pinterest and forks of Mastodon write in place of a number that they do not tell."""


def counts(**values: int | None) -> Counts:
    """Running totals by metric; a hidden one is not reported. Any other below zero is for the gate to hold."""
    return {metric: None if value == HIDDEN else value for metric, value in values.items()}


class Source(ABC):
    """A platform. One file implements it, with its dictionary beside it; nothing else needs to know the platform's API.

    What has a default here need only be named where a platform differs.

    Attributes:
        name: Short name, also the suffix of the ingest DAG and of the pool, and `platform` in client files.
        title: Name for people.
        kind: Whether it is a social platform or web analytics.
        reference: How a handle (social) or a site_id (web) is written.
        needs_connection: Whether an account must name an Airflow Connection.
        counts_short_paths: Whether it counts the calls of the client's short paths, which stand in the target's options
            as `short_paths`, with spaces between them.
        counts_landing_pages: Whether it counts the visits that began on the pages that campaigns' links lead to, which
            stand in the target's options as `landing_pages` (see `widerview.sources.landing_pages`).
        options: What else may stand in a client file under `options` of an account or site.
        required_options: Those of them that must.
        api_version: The contract it was written against.
        sunset: The day on which the platform ends that version; None if it has named none.
        evidence: What it was checked against.
        known_gaps: What is known to be unchecked or missing, a sentence each.
        servers: More servers that are asked beside `base_url`, as `https://host`; a Connection's host stands in for
            them, too.
        streams: Names of what it can fetch.
        tells_all_replies: Whether the account's own replies are all told, as posts of its own, and not only those
            under its newest posts.
        lookback_days: How many days before the asked day are asked again, because platforms revise.
        weekly_lookback_days: The same once a week, on behalf of a Sunday, where platforms revise for longer.
        tells_after: How long after its end the platform may take to tell of a day at all, as it states itself.
        settles_after: How long after its end the platform may still add to a day, as it states itself.
        dictionary: What it counts under each canonical metric, and since when.
        pool_slots: How many accounts may be pulled at once, within the platform's rate limit.
        walks: What takes more calls the more posts there are; empty for web analytics.
        call_budget: Most HTTP calls one account may cost in one run.
        calls_a_day: Most HTTP calls that the accounts of a client may cost in a day (UTC), for each account it has.
        dollars_a_day: Most that all accounts of a client may cost in a day in US dollars, unless the client's file says
            otherwise in the option of this name; None where calls cost nothing.
        renewal_page: Where a person renews a token: an address, or a way through menus; empty if none is needed.
        renews_before: How long before a token dies it is exchanged for a new one; None where software cannot do it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[Kind]
    reference: ClassVar[Written]
    needs_connection: ClassVar[bool] = True
    counts_short_paths: ClassVar[bool] = False
    counts_landing_pages: ClassVar[bool] = False
    options: ClassVar[Mapping[str, Written]] = {}
    required_options: ClassVar[tuple[str, ...]] = ()
    api_version: ClassVar[str]
    sunset: ClassVar[dt.date | None] = None
    evidence: ClassVar[tuple[Evidence, ...]]
    known_gaps: ClassVar[tuple[str, ...]] = ()
    servers: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[tuple[str, ...]]
    tells_all_replies: ClassVar[bool] = False
    lookback_days: ClassVar[int]
    weekly_lookback_days: ClassVar[int | None] = None
    tells_after: ClassVar[dt.timedelta] = dt.timedelta(0)
    settles_after: ClassVar[dt.timedelta] = dt.timedelta(hours=24)
    dictionary: ClassVar[Dictionary]
    pool_slots: ClassVar[int] = 4
    walks: ClassVar[tuple[Walk, ...]] = ()
    call_budget: ClassVar[int] = 100
    calls_a_day: ClassVar[int] = 1000
    dollars_a_day: ClassVar[float | None] = None
    renewal_page: ClassVar[str] = ""
    renews_before: ClassVar[dt.timedelta | None] = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Canonical metrics it reports: those of its dictionary."""
        return self.dictionary.metrics

    @property
    def counts_visits(self) -> bool:
        """Whether it says how many visits a website had; of one, search engines tell other things."""
        return self.kind == "web" and "visits" in self.metrics

    @abstractmethod
    def fixed_calls(self, *, days: int) -> int:
        """Most HTTP calls of a pull of an account when nothing goes wrong, however many posts there are.

        The page of a listing that reaches beyond the window is one of them.

        Args:
            days: Days of the window.
        """

    def expected_calls(self, *, posts: int, days: int) -> int:
        """Most HTTP calls that a pull of an account costs when nothing goes wrong, as docs/sources.md states it.

        Args:
            posts: Posts that the account published in the window, its replies included; 0 for web analytics.
            days: Days of the window.
        """
        return self.fixed_calls(days=days) + sum(-(-posts // walk.posts_a_call) for walk in self.walks)

    @abstractmethod
    def base_url(self, target: Target) -> str:
        """The server to ask when the target's Airflow Connection names no host.

        Raises:
            widerview.sources.errors.SourceError: There is no such server; the Connection must name one.
        """

    def api_of(self, target: Target) -> str:
        """Name the one of the platform's APIs that an account is asked through; empty where there is but one."""
        return ""

    @abstractmethod
    def fetch(self, target: Target, window: Window, http: "HttpClient") -> Iterator[RawPage]:
        """Ask the platform and yield every answer as received, errors included, before judging it.

        Raises:
            widerview.sources.errors.SourceError: The platform refused or answered nonsense.
        """

    @abstractmethod
    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Make typed rows of one page. Pure: same page, same rows, in the same order.

        Raises:
            widerview.sources.errors.BadAnswer: The page is not what the contract promises.
        """

    def renew(self, http: "HttpClient") -> "Tokens":
        """Exchange the account's token for a new one, where the platform has a way for software to do it.

        Raises:
            NotImplementedError: It has none (`renews_before` is None).
            widerview.sources.errors.SourceError: The platform refused; a person must renew it.
        """
        raise NotImplementedError(f"{self.title} has no way to renew a token without a person")


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform gave in exchange for a token.

    Attributes:
        token: The new token.
        expires_at: When it dies (UTC); None if the platform did not say.
        refresh_token: What the next one is got with, if that is another one now.
        refresh_expires_at: When that dies (UTC).
    """

    token: str
    expires_at: dt.datetime | None = None
    refresh_token: str | None = None
    refresh_expires_at: dt.datetime | None = None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Tokens(expires_at={self.expires_at}, refresh_expires_at={self.refresh_expires_at})"
