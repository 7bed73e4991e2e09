"""### Google Search Console: how a website is found in Google's results.

**Purpose.** Read from a client's Search Console how often the website stood in Google's results, how often it was
clicked there and at which place it stood: each day, and for the day's top queries and pages.

**Inputs.** In the client file, `site_id` is the property exactly as Search Console writes it:
`sc-domain:client.example` for a domain, `https://client.example/` (with the slash) for an address. In the Airflow
Connection, the extra holds `keyfile_dict`, the JSON key of a service account, whose e-mail address is added to the
property as a user (Settings, Users and permissions; *Restricted* is enough); or `refresh_token`, `client_id` and
`client_secret` of somebody's consent with the scope `webmasters.readonly`. Either way, the *Google Search Console API*
must be enabled in the Google Cloud project.

**Outputs.** Impressions, clicks and the average position of each day, of the whole site (`total`), of at most 100
queries (`query`) and of at most 100 pages (`page`), those with the most clicks. No visits: a click is counted by
Google, a visit by the website's own analytics, and the two never agree.

**Calls.** One for the key, one for the days, and two for each day that is complete.

**Limits.** Days are Pacific days. The newest two or three are still being counted: from the first day that Google calls
incomplete on, nothing is stored; it comes with a later run. Queries of few people are withheld, so queries add up to
less than the total; pages add up to more, because one result may show several. The position is an average over
impressions, and must be weighted by them again when days are brought together. Google may withhold rows beyond the top
ones. Results of images, videos, news and Discover are not in here. A day without a row is zero only where a later day
has one; until then it is left out, since Google may not have got to it.

**When it fails.** *Unauthorized*: the message says whether the key is dead, the API is switched off, or the property
has not let us in, which is also what Google says of a property that is written otherwise. *Rate limited*: the task
tries again by itself. *Bad answer*: look at the page in landing.
"""

import datetime as dt
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from requests import codes

from widerview.sources import google
from widerview.sources.base import Dimension, RawPage, Row, Source, Target, Window, Written, day_rows, stamp
from widerview.sources.errors import BadAnswer
from widerview.sources.http import HttpClient, decode, place
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Google Search Console"
_SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
_ZONE = "America/Los_Angeles"
_MOST_ROWS = 25_000
"""What the API gives at once; more days than Search Console keeps."""
_TOP_ROWS = 100
_DAY = dt.timedelta(days=1)

_SPLITS: dict[str, Dimension] = {"queries": "query", "pages": "page"}

_POSSIBLE = Window(dt.date(2000, 1, 1), dt.date(2199, 12, 31))

_Metrics = dict[str, float | None]
_Values = tuple[dt.date, Dimension, str, _Metrics]

_Count = Annotated[float, msgspec.Meta(ge=0, le=2**53)]


class _Row(msgspec.Struct):
    keys: list[str]
    clicks: _Count
    impressions: _Count
    position: Annotated[float, msgspec.Meta(ge=0, le=2**53)] | None = None

    @property
    def metrics(self) -> _Metrics:
        """By their canonical names; without impressions there is no position."""
        return {
            "search_impressions": self.impressions,
            "search_clicks": self.clicks,
            "search_position": self.position if self.impressions else None,
        }


class _Metadata(msgspec.Struct, frozen=True):
    """The API's discovery document and its reference write the name differently."""

    first_incomplete_date: dt.date | None = None
    first_incomplete: dt.date | None = msgspec.field(default=None, name="firstIncompleteDate")


class _Answer(msgspec.Struct, rename="camel"):
    """An answer; without rows it lacks `rows`."""

    response_aggregation_type: str
    rows: list[_Row] = []
    metadata: _Metadata = _Metadata()


class _Asked(msgspec.Struct, rename="camel"):
    """Which days were asked for."""

    start_date: dt.date
    end_date: dt.date


class SearchConsole(Source):
    """Google Search Console, through its Search Analytics API."""

    name = "search_console"
    title = _TITLE
    kind = "web"
    reference = Written(
        "a property of Search Console, as written there",
        r"sc-domain:([a-z0-9-]+\.)+[a-z0-9-]+|https?://[^\s/?#]+/([^\s?#]*/)?",
        '"sc-domain:client.example" or "https://client.example/"',
    )
    evidence = ("machine spec", "vendor document")
    known_gaps = (
        "No answer of the real API was recorded; answers were checked against its discovery document of 2026-08-05.",
        "Queries of few people are withheld by Google, so queries add up to less than the total.",
        "Of queries and pages without a click, Google gives any, in no order.",
        "Results of images, videos, news and Discover are left out.",
    )
    servers = (google.TOKEN_SERVER,)
    renewal_page = google.KEY_PAGE
    api_version = "webmasters v3"
    streams = ("days", *_SPLITS)
    lookback_days = 3
    weekly_lookback_days = 14
    tells_after = dt.timedelta(days=4)
    dictionary = load_dictionary(files(__package__) / "search_console.yaml")
    pool_slots = 4
    call_budget = 400

    def fixed_calls(self, *, days: int) -> int:
        """One for the key, one for the days, and two for each of them."""
        return 2 + len(_SPLITS) * days

    def base_url(self, target: Target) -> str:
        """Google's server."""
        return "https://searchconsole.googleapis.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The days, then the top queries and pages of each complete day that has numbers."""
        headers = google.authorize(http, _SCOPE, source=_TITLE, account=target.ref)
        path = f"webmasters/v3/sites/{quote(target.ref, safe='')}/searchAnalytics/query"

        def ask(stream: str, dimensions: list[str], days: Window, rows: int) -> RawPage:
            question: dict[str, Any] = {
                "startDate": days.first.isoformat(),
                "endDate": days.last.isoformat(),
                "dimensions": dimensions,
                "type": "web",
                "dataState": "all",
                "rowLimit": rows,
            }
            return http.request("POST", path, stream=stream, json=question, headers=headers, try_again=google.slow_down)

        page = ask("days", ["date"], window, _MOST_ROWS)
        yield page
        _check(page, target)
        for day, _, _, metrics in _days(page):
            if metrics["search_impressions"]:
                for stream, dimension in _SPLITS.items():
                    # A day at a time, because Google sorts by clicks over all that is asked for.
                    page_of_day = ask(stream, ["date", dimension], Window(day, day), _TOP_ROWS)
                    yield page_of_day
                    _check(page_of_day, target)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the complete days, or of the queries or pages of one day."""
        if page.status != codes.ok:
            return
        stamped = stamp(target, page)
        for day, dimension, member, metrics in _days(page) if page.stream == "days" else _members(page):
            yield from day_rows(stamped, "site", target.ref, day, _ZONE, metrics, dimension, member)


def _check(page: RawPage, target: Target) -> None:
    google.check(
        page,
        source=_TITLE,
        account=target.ref,
        mend="Add the service account's e-mail address, or whoever consented, as a user under Settings, Users and "
        f"permissions, and check that site_id in the file of client {target.client_id} is written as Search Console "
        "writes the property.",
    )
    _answer(page)


def _answer(page: RawPage) -> _Answer:
    answer = decode(page, _Answer, source=_TITLE)
    keys = {tuple(row.keys) for row in answer.rows}
    size = 1 if page.stream == "days" else 2
    if len(keys) < len(answer.rows) or any(len(key) != size for key in keys):
        raise BadAnswer(f"{place(page, _TITLE)}: a row came twice, or does not have the {size} keys asked for.")
    return answer


def _window(page: RawPage) -> Window | None:
    """Which days were asked for, as far as the request was kept."""
    if not page.request.body:
        return None
    asked = msgspec.json.decode(page.request.body, type=_Asked)
    return Window(asked.start_date, asked.end_date)


def _day(page: RawPage, text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.max
    window = _window(page) or _POSSIBLE
    if not window.first <= day <= window.last:
        raise BadAnswer(f"{place(page, _TITLE)}: {text!r} is none of the days that were asked for.")
    return day


def _days(page: RawPage) -> Iterator[_Values]:
    """The complete days of an answer up to the latest with a row; those between that have none are zero."""
    answer = _answer(page)
    incomplete = answer.metadata.first_incomplete or answer.metadata.first_incomplete_date or dt.date.max
    measured = {_day(page, row.keys[0]): row.metrics for row in answer.rows}
    if not measured:
        return
    window = _window(page)
    first = window.first if window else min(measured)
    # Google may not have got to the days after the latest with a row, however long ago they were.
    for offset in range((max(measured) - first).days + 1):
        day = first + offset * _DAY
        ended = Window(day + _DAY, day + _DAY).opens(_ZONE).astimezone(dt.UTC)
        if day >= incomplete or ended > page.fetched_at:
            return
        silent: _Metrics = {"search_impressions": 0, "search_clicks": 0, "search_position": None}
        yield day, "total", "", measured.get(day, silent)


def _members(page: RawPage) -> Iterator[_Values]:
    """The queries or pages of a day."""
    for row in _answer(page).rows:
        date, member = row.keys
        yield _day(page, date), _SPLITS[page.stream], member, row.metrics


SOURCE = SearchConsole()
