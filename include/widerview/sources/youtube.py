"""### YouTube: a channel's subscribers, videos, days and comments.

**Purpose.** Read what YouTube tells a channel's owner: the channel and its public videos with what people did with
each, the channel's days, and the conversations under its videos.

**Inputs.** The channel's handle `@name` (or its id, `UC…`) in the client's file, and an Airflow Connection with the
consent of the channel's owner: in the extra `refresh_token`, `client_id` and `client_secret` of an OAuth client in your
Google Cloud project, given for the scopes `youtube.readonly`, `youtube.force-ssl` (comments) and
`yt-analytics.readonly`. The project needs the YouTube Data API v3 and the YouTube Analytics API. Publish its OAuth
consent screen, or the consent dies after seven days. A service account's key is of no use here: it owns no channel. An
access token as the password works for an hour.

**Outputs.** The channel with its subscribers and videos; every public video since the first day asked for, with
running totals of views, likes and comments; whole days of the channel, in Pacific time as YouTube counts them: views,
engaged views, time watched, likes, comments, shares, subscribers won and lost; comments with their answers. Private and
unlisted videos and announced broadcasts give no rows.

**Calls.** 12, and one more for every 50 videos and for every 50 uploads listed; of these, 5 are made only where
threads have more answers than YouTube lists with them. Each costs one unit of the 10,000 a day that all clients of the
Google Cloud project share.

**Limits.** YouTube counts a view from the first frame since 2026-08-24, and of Shorts every start since 2025-03-31;
views before and after are not comparable. Engaged views keep the old meaning. Views that were bought as ads are counted
in. Days come two to three days late: those YouTube has not worked up yet are left out. Subscribers are rounded to three
figures. Of comments, the newest 300 threads are read, and of the newest 5 long threads the first 100 answers.

**When it fails.** *Not found*: the handle was changed; correct the client's file, or use the channel's id.
*Unauthorized*: the consent is dead, lacks a scope, or belongs to another channel; have the owner consent anew. Where
the consent does not cover comments, they alone are missing. *Rate limited*: the day's units are used up; they return at
midnight Pacific time. *Bad answer*: look at the page in landing.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from requests import codes

from widerview.sources.base import (
    AccountRow,
    CommentRow,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    UnavailableRow,
    Walk,
    Window,
    Written,
    counts,
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.google import CONSENT_PAGE, TOKEN_SERVER, authorize, check, failure, slow_down
from widerview.sources.http import Count, HttpClient, Moment, Turn, about, ask_in_groups, decode, paginate, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

T = TypeVar("T")

_TITLE = "YouTube"
_ANALYTICS = "https://youtubeanalytics.googleapis.com"
_SCOPES = (
    "https://www.googleapis.com/auth/youtube.readonly",
    "https://www.googleapis.com/auth/youtube.force-ssl",
    "https://www.googleapis.com/auth/yt-analytics.readonly",
)
_MEND = (
    "Have the channel's owner consent with the scopes youtube.readonly, youtube.force-ssl and yt-analytics.readonly, "
    f"choosing this channel, to an OAuth client ({CONSENT_PAGE}), and put the new refresh_token with its client_id and "
    "client_secret into the extra of the Airflow Connection."
)
_PACIFIC = ZoneInfo("America/Los_Angeles")
_PAGE = 50
_THREADS_A_PAGE = 100
_MOST_THREAD_PAGES = 3
_MOST_LONG_THREADS = 5
_SECONDS_A_MINUTE = 60
_MINUTES = "estimatedMinutesWatched"

_DAILY = {
    "views": "views",
    "engagedViews": "engaged_views",
    _MINUTES: "watch_time",
    "likes": "likes",
    "comments": "replies",
    "shares": "shares",
    "subscribersGained": "follows",
    "subscribersLost": "unfollows",
}
"""What a day is asked for, and its canonical name."""

_Number = Annotated[float, msgspec.Meta(ge=-(2**53), le=2**53)]


class _Resource(msgspec.Struct, rename="camel"):
    """Base of the resources of the Data API; what is not named here is not read. Its 64-bit numbers are strings."""


class _Statistics(_Resource):
    view_count: Count | None = None
    like_count: Count | None = None
    comment_count: Count | None = None
    subscriber_count: Count | None = None
    hidden_subscriber_count: bool = False
    video_count: Count | None = None


class _Playlists(_Resource):
    uploads: str


class _ChannelDetails(_Resource):
    related_playlists: _Playlists


class _ChannelSnippet(_Resource):
    title: str
    custom_url: str = ""


class _Channel(_Resource):
    id: str
    snippet: _ChannelSnippet
    content_details: _ChannelDetails
    statistics: _Statistics


class _Channels(_Resource):
    items: list[_Channel] = []


class _UploadDetails(_Resource):
    video_id: str
    video_published_at: Moment | None = None

    def __post_init__(self) -> None:
        if self.video_published_at is not None:
            self.video_published_at = utc(self.video_published_at)


class _Upload(_Resource):
    content_details: _UploadDetails


class _Uploads(_Resource):
    items: list[_Upload] = []
    next_page_token: str | None = None


class _VideoSnippet(_Resource):
    published_at: Moment
    channel_id: str
    title: str
    description: str = ""
    live_broadcast_content: str = "none"

    def __post_init__(self) -> None:
        self.published_at = utc(self.published_at)


class _VideoStatus(_Resource):
    privacy_status: str


class _Video(_Resource):
    id: str
    snippet: _VideoSnippet
    status: _VideoStatus
    statistics: _Statistics = msgspec.field(default_factory=_Statistics)

    @property
    def is_published(self) -> bool:
        """Whether anybody can find it, and it is no mere announcement of a broadcast."""
        return self.status.privacy_status == "public" and self.snippet.live_broadcast_content != "upcoming"


class _Videos(_Resource):
    items: list[_Video] = []


class _Author(_Resource):
    value: str


class _CommentSnippet(_Resource):
    published_at: Moment
    author_channel_id: _Author | None = None
    author_display_name: str = ""
    text_original: str = ""
    text_display: str = ""
    parent_id: str | None = None

    def __post_init__(self) -> None:
        self.published_at = utc(self.published_at)


class _Comment(_Resource):
    id: str
    snippet: _CommentSnippet


class _Comments(_Resource):
    items: list[_Comment] = []


class _ThreadSnippet(_Resource):
    top_level_comment: _Comment
    video_id: str | None = None
    total_reply_count: Count = 0


class _Replies(_Resource):
    comments: list[_Comment] = []


class _Thread(_Resource):
    id: str
    snippet: _ThreadSnippet
    replies: _Replies = msgspec.field(default_factory=_Replies)

    @property
    def is_cut(self) -> bool:
        """Whether it has more answers than were listed with it."""
        return self.snippet.video_id is not None and self.snippet.total_reply_count > len(self.replies.comments)


class _Threads(_Resource):
    items: list[_Thread] = []
    next_page_token: str | None = None


class _Column(_Resource):
    name: str


class _Report(_Resource):
    """A table; without a single row, `rows` is missing."""

    column_headers: list[_Column]
    rows: list[list[str | float | None]] = []
    errors: dict[str, Any] | None = None


class YouTube(Source):
    """YouTube, through its Data and Analytics APIs."""

    name = "youtube"
    title = _TITLE
    kind = "social"
    reference = Written(
        "a YouTube handle, or a channel's id", r"@[^\s@/?&=#]{3,60}|UC[A-Za-z0-9_-]{22}", '"@name" (with the quotes)'
    )
    evidence = ("recording", "machine spec")
    known_gaps = (
        "Days were checked against the machine-readable contract and YouTube's documents, not against real answers.",
        "The recorded answers of channels, uploads, videos and comments are of 2019 to 2023.",
        "The API does not tell Shorts from other videos.",
        "Views bought as ads are in the views, and what people did after an ad is in the likes, comments, shares and "
        "subscribers; YouTube's own ads reports are not read.",
        "A late answer in a thread older than the look-back is not seen.",
        "Comments under posts in the Community tab are left out.",
    )
    api_version = "Data API v3, Analytics API v2"
    servers = (_ANALYTICS, TOKEN_SERVER)
    streams = ("account", "uploads", "posts", "comments", "replies", "days")
    lookback_days = 28
    tells_after = dt.timedelta(hours=72)  # Analytics v2 tells of a day after 48 to 72 hours
    dictionary = load_dictionary(files(__package__) / "youtube.yaml")
    pool_slots = 4
    walks = (
        Walk("uploads", _PAGE, "YouTube's discovery document: maxResults of playlistItems.list"),
        Walk("videos", _PAGE, "https://developers.google.com/youtube/v3/docs/videos/list"),
    )
    call_budget = 100
    renewal_page = CONSENT_PAGE

    def fixed_calls(self, *, days: int) -> int:
        """One each for the token, the channel, its days and the uploads beyond the window; the conversations."""
        return 4 + _MOST_THREAD_PAGES + _MOST_LONG_THREADS

    def base_url(self, target: Target) -> str:
        """The server of the Data API."""
        return "https://youtube.googleapis.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The channel, its uploads and videos of the window, its days, and the conversations of the window."""
        asking = _Asking(target, http)
        by = {"id": target.ref} if target.ref.startswith("UC") else {"forHandle": target.ref}
        page = asking.get("account", "youtube/v3/channels", part="snippet,contentDetails,statistics", **by)
        yield page
        channels = asking.read(page, _Channels).items
        if not channels:
            raise NotFound(
                f"{place(page, _TITLE)}: there is no channel {target.ref}. Correct or remove it in the file of client "
                f"{target.client_id}; a channel's id (UC…) stays when its handle changes."
            )
        opens = window.opens(target.time_zone)
        yield from _videos(asking, channels[0].content_details.related_playlists.uploads, opens)
        yield from _days(asking, channels[0].id, window)
        yield from _conversations(asking, channels[0].id, opens)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of one answer; a list of uploads gives none, the refusal of one metric tells that it is unavailable."""
        stamped = stamp(target, page)
        if page.stream == "days" and _is_refused(page):
            yield from _unavailable(stamped, page)
            return
        if page.status != codes.ok or page.stream == "uploads":
            return
        if said := failure(page):
            raise BadAnswer(f"{place(page, _TITLE)} for {target.ref}: {said.message}")
        yield from _ROWS[page.stream](stamped, target, page)


class _Asking:
    """Asks for one channel, and reads what came."""

    def __init__(self, target: Target, http: HttpClient) -> None:
        self.target = target
        self.http = http
        self._headers = authorize(http, *_SCOPES, source=_TITLE, account=target.ref, lasting=_MEND)

    def get(self, stream: str, path_or_url: str, about: Mapping[str, str] | None = None, /, **params: str) -> RawPage:
        return self.http.request(
            "GET", path_or_url, stream=stream, params=params, headers=self._headers, about=about, try_again=_try_again
        )

    def read(self, page: RawPage, type_: type[T]) -> T:
        check(page, source=_TITLE, account=self.target.ref, mend=_MEND, lasting=_MEND)
        return decode(page, type_, source=_TITLE)


def _try_again(page: RawPage) -> bool:
    """A slower pace is asked for by 403; a list of comments now and then fails by 400, and comes the next time."""
    return slow_down(page) or _says(page, "processingFailure")


def _says(page: RawPage, *reasons: str) -> bool:
    said = failure(page)
    return said is not None and not said.reasons.isdisjoint(reasons)


def _videos(asking: _Asking, playlist: str, opens: dt.datetime) -> Iterator[RawPage]:
    """The list of uploads, newest first, and then the videos of the window."""
    wanted: dict[str, None] = {}

    def ask(token: str | None) -> RawPage:
        further = {"pageToken": token} if token else {}
        return asking.get(
            "uploads",
            "youtube/v3/playlistItems",
            part="contentDetails",
            playlistId=playlist,
            maxResults=str(_PAGE),
            **further,
        )

    def read(page: RawPage) -> Turn:
        if _says(page, "playlistNotFound"):
            return Turn(None, 0)  # so answers YouTube where there has never been a video
        answer = asking.read(page, _Uploads)
        listed = [(item.content_details.video_published_at, item.content_details.video_id) for item in answer.items]
        # A private video has no moment of publishing.
        published = [(at, video_id) for at, video_id in listed if at is not None]
        wanted.update((video_id, None) for at, video_id in published if at >= opens)
        reached = bool(published) and published[-1][0] < opens
        return Turn(None if reached else answer.next_page_token, len(listed))

    yield from paginate(ask, read, source=_TITLE)
    ids = list(wanted)
    for start in range(0, len(ids), _PAGE):
        page = asking.get(
            "posts", "youtube/v3/videos", part="snippet,status,statistics", id=",".join(ids[start : start + _PAGE])
        )
        yield page
        asking.read(page, _Videos)


def _conversations(asking: _Asking, channel_id: str, opens: dt.datetime) -> Iterator[RawPage]:
    """The threads under all videos of the channel, newest first, and the whole of a few long ones."""
    cut: list[_Thread] = []
    pages = 0

    def ask(token: str | None) -> RawPage:
        further = {"pageToken": token} if token else {}
        return asking.get(
            "comments",
            "youtube/v3/commentThreads",
            part="snippet,replies",
            allThreadsRelatedToChannelId=channel_id,
            order="time",
            textFormat="plainText",
            maxResults=str(_THREADS_A_PAGE),
            **further,
        )

    def read(page: RawPage) -> Turn:
        nonlocal pages
        answer = _talk(asking, page, _Threads)
        if answer is None:
            return Turn(None, 0)
        cut.extend(thread for thread in answer.items if thread.is_cut)
        pages += 1
        oldest = answer.items[-1].snippet.top_level_comment.snippet.published_at if answer.items else opens
        reached = oldest < opens or pages >= _MOST_THREAD_PAGES
        return Turn(None if reached else answer.next_page_token, len(answer.items))

    yield from paginate(ask, read, source=_TITLE)
    for thread in cut[:_MOST_LONG_THREADS]:
        page = asking.get(
            "replies",
            "youtube/v3/comments",
            {"channel": channel_id, "video": thread.snippet.video_id or ""},
            part="snippet",
            parentId=thread.id,
            textFormat="plainText",
            maxResults=str(_THREADS_A_PAGE),
        )
        yield page
        if not _says(page, "commentNotFound"):
            _talk(asking, page, _Comments)


def _talk(asking: _Asking, page: RawPage, type_: type[T]) -> T | None:
    """What was said; None where comments are off, or the consent does not cover them: that costs nothing else."""
    try:
        return asking.read(page, type_)
    except Unauthorized:
        if page.status != codes.forbidden:
            raise
        return None


def _days(asking: _Asking, channel_id: str, window: Window) -> Iterator[RawPage]:
    def ask(metrics: Sequence[str]) -> RawPage:
        return asking.get(
            "days",
            f"{_ANALYTICS}/v2/reports",
            ids=f"channel=={channel_id}",
            startDate=window.first.isoformat(),
            endDate=window.last.isoformat(),
            dimensions="day",
            metrics=",".join(metrics),
            sort="day",
        )

    one_by_one = asking.http.one_metric_a_call
    for page in ask_in_groups(list(_DAILY), len(_DAILY), ask, _is_refused, one_by_one=one_by_one):
        yield page
        if not _is_refused(page):
            check(page, source=_TITLE, account=asking.target.ref, mend=_MEND, lasting=_MEND)
            _report(page)


def _is_refused(page: RawPage) -> bool:
    """Whether YouTube does not know a metric, or does not give it together with days."""
    said = failure(page)
    return (
        said is not None
        and said.code == codes.bad_request
        and ("Unknown identifier" in said.message or "query is not supported" in said.message)
    )


def _unavailable(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """The refusal of one metric alone."""
    metric = page.request.params.get("metrics", "")
    said = failure(page)
    if said is not None and metric in _DAILY:
        yield UnavailableRow(**stamp, metric=_DAILY[metric], native_metric=metric, reason=said.message)


def _accounts(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    for channel in decode(page, _Channels, source=_TITLE).items:
        handle = channel.snippet.custom_url or target.ref
        numbers = channel.statistics
        yield AccountRow(
            **stamp,
            account_id=channel.id,
            handle=handle,
            name=channel.snippet.title,
            url=f"https://www.youtube.com/{handle if handle.startswith('@') else f'channel/{channel.id}'}",
            counts=counts(
                followers=None if numbers.hidden_subscriber_count else numbers.subscriber_count,
                posts=numbers.video_count,
            ),
        )


def _posts(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    for video in decode(page, _Videos, source=_TITLE).items:
        if video.is_published:
            yield _post(stamp, video)


def _post(stamp: Stamp, video: _Video) -> PostRow:
    text = "\n\n".join(part for part in (video.snippet.title, video.snippet.description) if part)
    # A full stop or bracket after a link is the sentence's.
    links = (link.rstrip(".,;:!?)]}'\"") for link in re.findall(r"https?://[^\s<>\"]+", video.snippet.description))
    return PostRow(
        **stamp,
        account_id=video.snippet.channel_id,
        post_id=video.id,
        published_at=video.snippet.published_at,
        kind="video",
        text=text,
        permalink=f"https://www.youtube.com/watch?v={video.id}",
        tags=tuple(dict.fromkeys(tag.lower() for tag in re.findall(r"(?<![\w/&])#(\w+)", text))),
        links=tuple(dict.fromkeys(links)),
        counts=counts(
            views=video.statistics.view_count,
            likes=video.statistics.like_count,
            replies=video.statistics.comment_count,
        ),
    )


def _threads(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    """Comments and the answers listed with them; threads that stand under no video have no post."""
    channel_id = page.request.params.get("allThreadsRelatedToChannelId", "")
    for thread in decode(page, _Threads, source=_TITLE).items:
        if thread.snippet.video_id is not None:
            for comment in (thread.snippet.top_level_comment, *thread.replies.comments):
                yield _comment(stamp, channel_id, thread.snippet.video_id, comment)


def _replies(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    """Answers, which name neither channel nor video."""
    noted = about(page, "channel", "video", what="video", source=_TITLE)
    for comment in decode(page, _Comments, source=_TITLE).items:
        yield _comment(stamp, noted["channel"], noted["video"], comment)


def _comment(stamp: Stamp, channel_id: str, video_id: str, comment: _Comment) -> CommentRow:
    said = comment.snippet
    author = said.author_channel_id.value if said.author_channel_id else said.author_display_name
    return CommentRow(
        **stamp,
        account_id=channel_id,
        comment_id=comment.id,
        post_id=video_id,
        published_at=said.published_at,
        author=author,
        own=author == channel_id,
        text=said.text_original or said.text_display,
        permalink=f"https://www.youtube.com/watch?v={video_id}&lc={comment.id}",
        reply_to=said.parent_id,
    )


def _report(page: RawPage) -> _Report:
    report = decode(page, _Report, source=_TITLE)
    if report.errors is not None:
        raise BadAnswer(f"{place(page, _TITLE)}: a table with errors: {str(report.errors)[:200]}")
    return report


def _table(stamp: Stamp, target: Target, page: RawPage) -> Iterator[Row]:
    """The days of a report, which YouTube ends with the last one it has worked up completely."""
    report = _report(page)
    names = [column.name for column in report.column_headers]
    for cells in report.rows:
        try:
            row = dict(zip(names, cells, strict=True))
            day = msgspec.convert(row.pop("day"), dt.date)
            told = {name: msgspec.convert(value, _Number | None, strict=False) for name, value in row.items()}
        except (msgspec.ValidationError, ValueError, KeyError) as error:
            raise BadAnswer(f"{place(page, _TITLE)}: a row that is no day: {str(cells)[:200]} ({error})") from error
        if day >= page.fetched_at.astimezone(_PACIFIC).date():
            continue
        if (minutes := told.get(_MINUTES)) is not None:
            told[_MINUTES] = minutes * _SECONDS_A_MINUTE
        values = {_DAILY[name]: value for name, value in told.items() if name in _DAILY}
        channel_id = page.request.params.get("ids", "").removeprefix("channel==")
        yield from day_rows(stamp, "account", channel_id, day, _PACIFIC.key, values)


_ROWS = {"account": _accounts, "posts": _posts, "comments": _threads, "replies": _replies, "days": _table}
"""What makes the rows of each stream."""

SOURCE = YouTube()
