"""### Plausible: a website's visits, day by day.

**Purpose.** Read from a client's Plausible how many visits each day had, and what brought them: channel, social
network, campaign, and the touchpoint within the campaign.

**Inputs.** In the client file, `site_id` is the domain as it stands in Plausible, and `time_zone` the zone that is set
there. In the Airflow Connection, the password is a key of the *Stats API* (Settings, API Keys). A server of one's own
(Community Edition 2.1 or later) goes into the host; without one, plausible.io is asked.

**Outputs.** Values of whole days in the site's own time zone: visits, visitors, page views, bounces and time on the
website. Visits and page views are split by `channel` (direct, search, website, campaign, social, ai_assistant), by
`network`, by `campaign` (`utm_campaign`, in lower case) and by `touchpoint` (`<campaign>/<utm_source>`). Of the pages
that the client's campaigns lead to, the visits that began there, and those of them by tagged links, by `page`.

**Calls.** Three: totals, averages, and origins; and one for the campaigns' pages if there are any. More only where the
origins of a window are more than 10,000 rows.

**Limits.** A visit by a tagged link counts in `campaign` and in no other channel; of the others, what was paid for or
mailed counts there, too. What Plausible calls otherwise than it did in 2026 comes as `other_…`. Networks have the names
that all analytics share here (`X`, not `Twitter`); one that is not known keeps Plausible's. Bounces and time are worked
out from Plausible's rounded share and average. Statistics that were imported are not included. A day without visits is
zero, if Plausible lists it among the days that were asked for. 600 calls an hour belong to each key.

**When it fails.** *Unauthorized*: Plausible says the same of a wrong key and of a domain that the key may not see; or
the subscription does not include the Stats API. *Bad answer* about time zones: correct `time_zone` in the client file,
because days of another zone cannot be compared.
"""

import datetime as dt
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

import msgspec
from requests import codes

from widerview.sources import landing_pages
from widerview.sources.base import (
    RawPage,
    Row,
    Source,
    Target,
    UnavailableRow,
    Window,
    Written,
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, Unauthorized
from widerview.sources.http import Count, HttpClient, ask_in_groups, check, decode, place
from widerview.sources.referrers import USUAL_CHANNELS, Member, channel_of, network_of, tag, tagged
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Plausible"
_RENEWAL_PAGE = "https://plausible.io/settings/api-keys"
_RENEW = (
    f"Make a key of the Stats API under Settings, API Keys ({_RENEWAL_PAGE}, or there on your own server), and put it "
    "into the password of the Airflow Connection; site_id in the client's file must be the domain as it stands in "
    "Plausible."
)
_MOST_ROWS = 10_000
_METRICS = {
    "visits": "visits",
    "visitors": "unique_visitors",
    "pageviews": "page_views",
    "bounce_rate": "bounces",
    "visit_duration": "visit_time",
}


class _Report(NamedTuple):
    """A stream: which metrics are asked for in it, and what they are split by beside the day."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()


_REPORTS: Mapping[str, _Report] = {
    "totals": _Report(("visits", "visitors", "pageviews")),
    "averages": _Report(("bounce_rate", "visit_duration")),
    "origins": _Report(
        ("visits", "pageviews"), ("visit:channel", "visit:source", "visit:utm_campaign", "visit:utm_source")
    ),
    "landing_pages": _Report(("visits",), ("visit:entry_page", "visit:utm_campaign")),
}
_WEIGHT = "visits"
"""What averages are asked together with, to be worked out from."""

_NOT_SET = "(not set)"
_NO_SOURCE = "Direct / None"

_Measure = Annotated[float, msgspec.Meta(ge=0, le=2**31)]
"""Small enough for the product of two of them to be a number of the warehouse."""


class _Row(msgspec.Struct):
    metrics: list[_Measure | None]
    dimensions: list[str]


class _Meta(msgspec.Struct, frozen=True):
    time_labels: list[str] = []
    total_rows: Count = 0


class _Echo(msgspec.Struct, frozen=True):
    """The question as Plausible understood it; the days' first moment tells the site's time zone."""

    date_range: list[str] = []


class _Answer(msgspec.Struct):
    results: list[_Row]
    meta: _Meta = _Meta()
    query: _Echo = _Echo()


class _Asked(msgspec.Struct):
    metrics: list[str] = []
    date_range: tuple[dt.date, dt.date] | None = None


class _Failure(msgspec.Struct):
    error: str


_Values = dict[str, float | None]
_Parts = dict[Member, _Values]


class Plausible(Source):
    """Plausible, through version 2 of its Stats API."""

    name = "plausible"
    title = _TITLE
    kind = "web"
    counts_landing_pages = True
    reference = Written(
        "a domain as it stands in Plausible",
        r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?(/[A-Za-z0-9._~/-]+)?",
        "client.example",
    )
    evidence = ("vendor document",)
    known_gaps = (
        "Answers were checked against the question and answer pairs of the vendor's documents; no server was run.",
        "How Plausible words the refusal of a metric is known from its source code only.",
        "Bounces and time on the website are worked out from rounded numbers.",
    )
    renewal_page = _RENEWAL_PAGE
    api_version = "Stats API v2"
    streams = tuple(_REPORTS)
    lookback_days = 3
    dictionary = load_dictionary(files(__package__) / "plausible.yaml")
    pool_slots = 2
    call_budget = 100

    def fixed_calls(self, *, days: int) -> int:
        """One for each report, while the origins are no more than 10,000 rows."""
        return len(_REPORTS)

    def base_url(self, target: Target) -> str:
        """Plausible's own server."""
        return "https://plausible.io"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """Totals and averages by those metrics that Plausible knows, then the origins, and the campaigns' pages."""
        if not http.token:
            raise Unauthorized(f"{_TITLE} site {target.ref} of client {target.client_id}: there is no key. {_RENEW}")
        headers = {"Authorization": f"Bearer {http.token}"}

        def ask(stream: str, metrics: Sequence[str], span: Window) -> RawPage:
            question = _question(target, stream, metrics, span)
            return http.request("POST", "api/v2/query", stream=stream, json=question, headers=headers)

        def is_refused(page: RawPage) -> bool:
            if _refusal(page):
                return True
            _check(page, target)
            return False

        for stream in ("totals", "averages"):
            yield from ask_in_groups(
                _REPORTS[stream].metrics,
                len(_METRICS),
                lambda metrics, stream=stream: ask(stream, metrics, window),  # type: ignore[misc]
                is_refused,
                one_by_one=http.one_metric_a_call,
            )
        for stream in ("origins", "landing_pages") if landing_pages.pages_of(target) else ("origins",):
            spans = [window]
            while spans:
                span = spans.pop(0)
                page = ask(stream, _REPORTS[stream].metrics, span)
                yield page
                answer = _check(page, target)
                if answer.meta.total_rows > len(answer.results):
                    spans[:0] = _halves(page, span)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the days of one report, or of a metric that was refused."""
        asked = _asked(page)
        stamped = stamp(target, page)
        metrics = asked.metrics[1:] if page.stream == "averages" else asked.metrics
        if (reason := _refusal(page)) and len(metrics) == 1:
            yield UnavailableRow(
                **stamped,
                metric=_METRICS.get(metrics[0], metrics[0]),
                native_metric=metrics[0],
                reason=reason,
            )
        if page.status != codes.ok:
            return
        answer = _read(page)
        if answer.meta.total_rows > len(answer.results):
            return  # Its days are asked for again, fewer at once.
        by_day = _landings(target, page, answer) if page.stream == "landing_pages" else _by_day(page, asked, answer)
        for day, parts in by_day.items():
            if Window(day, day).opens(target.time_zone) > page.fetched_at:
                continue
            for (dimension, member), values in parts.items():
                yield from day_rows(stamped, "site", target.ref, day, target.time_zone, values, dimension, member)


def _question(target: Target, stream: str, metrics: Sequence[str], span: Window) -> dict[str, Any]:
    weight = (_WEIGHT,) if stream == "averages" else ()
    dimensions = ("time:day", *_REPORTS[stream].dimensions)
    of_pages = ["is", "visit:entry_page", landing_pages.spellings(landing_pages.pages_of(target))]
    return {
        "site_id": target.ref,
        "metrics": [*weight, *metrics],
        "date_range": [span.first.isoformat(), span.last.isoformat()],
        **({"filters": [of_pages]} if stream == "landing_pages" else {}),
        "dimensions": dimensions,
        "order_by": [(dimension, "asc") for dimension in dimensions],
        # A day without visits has no row.
        "include": {"time_labels": True, "total_rows": True},
        "pagination": {"limit": _MOST_ROWS, "offset": 0},
    }


def _halves(page: RawPage, span: Window) -> list[Window]:
    """Two parts of a span whose rows are too many for one answer; a part of a day would not do."""
    if span.first == span.last:
        raise BadAnswer(
            f"{place(page, _TITLE)}: {span.first} has more than {_MOST_ROWS} campaigns and sources. Something writes a "
            "value of its own into the tags of every link."
        )
    middle = span.first + (span.last - span.first) // 2
    return [Window(span.first, middle), Window(middle + dt.timedelta(days=1), span.last)]


def _asked(page: RawPage) -> _Asked:
    return msgspec.json.decode(page.request.body or "{}", type=_Asked)


def _refusal(page: RawPage) -> str | None:
    """What Plausible says of a metric that it does not know; None if it says no such thing."""
    if page.status != codes.bad_request or page.stream not in {"totals", "averages"}:
        return None
    try:
        said = decode(page, _Failure, source=_TITLE).error
    except BadAnswer:
        return None
    return said if "metric" in said.lower() else None


def _read(page: RawPage) -> _Answer:
    answer = decode(page, _Answer, source=_TITLE)
    width = len(_asked(page).metrics), 1 + len(_REPORTS[page.stream].dimensions)
    if any((len(row.metrics), len(row.dimensions)) != width for row in answer.results):
        raise BadAnswer(f"{place(page, _TITLE)}: a row does not have the columns that were asked for.")
    return answer


def _check(page: RawPage, target: Target) -> _Answer:
    account = f"site {target.ref}"
    if page.status == codes.payment_required:
        raise Unauthorized(
            f"{place(page, _TITLE)} for {account}: HTTP 402. The subscription has ended or does not include the Stats "
            "API; the owner of the site must renew it."
        )
    check(page, source=_TITLE, account=account, renew=_RENEW)
    answer = _read(page)
    asked = _asked(page)
    begins = _moment(answer.query.date_range)
    if begins and asked.date_range and begins != Window(*asked.date_range).opens(target.time_zone):
        raise BadAnswer(
            f"{place(page, _TITLE)}: {account} counts its days from {begins.isoformat()}, and those of "
            f"{target.time_zone} begin at another time. Write the time zone of Plausible's settings as time_zone of "
            f"this site into the file of client {target.client_id}."
        )
    return answer


def _by_day(page: RawPage, asked: _Asked, answer: _Answer) -> dict[dt.date, _Parts]:
    """What each day splits into; days that Plausible lists and has no rows for are zero."""
    channels = USUAL_CHANNELS if page.stream == "origins" else ()
    metrics = [_METRICS[native] for native in asked.metrics if native in _METRICS]
    if page.stream == "averages":
        metrics = metrics[1:]
    days: dict[dt.date, _Parts] = {}

    def part_of(day: str, key: Member) -> _Values:
        date = _date(page, day)
        if date not in days:
            days[date] = {("channel", word): dict.fromkeys(metrics, 0.0) for word in channels}
        return days[date].setdefault(key, dict.fromkeys(metrics, 0.0))

    for label in answer.meta.time_labels:
        part_of(label, ("channel", "direct") if channels else ("total", ""))
    seen: set[tuple[str, ...]] = set()
    for row in answer.results:
        if tuple(row.dimensions) in seen:
            raise BadAnswer(f"{place(page, _TITLE)}: the row {row.dimensions} came twice.")
        seen.add(tuple(row.dimensions))
        counted = _counted(dict(zip(asked.metrics, row.metrics, strict=True)), metrics)
        for key in _members(row.dimensions[1:]):
            values = part_of(row.dimensions[0], key)
            for metric, value in counted.items():
                known = values[metric]
                values[metric] = None if known is None or value is None else known + value
    return days


def _landings(target: Target, page: RawPage, answer: _Answer) -> dict[dt.date, _Parts]:
    """The visits that began on the campaigns' pages, by day; a listed day without a row had none."""
    pages = landing_pages.pages_of(target)
    days: dict[dt.date, defaultdict[tuple[str, bool], float]] = {
        _date(page, label): defaultdict(float) for label in answer.meta.time_labels
    }
    for row in answer.results:
        day, told, campaign = row.dimensions
        if path := landing_pages.named(told, pages):
            days.setdefault(_date(page, day), defaultdict(float))[path, campaign != _NOT_SET] += row.metrics[0] or 0
    return {
        day: {("page", path): {**values} for path, values in landing_pages.counted(visits, pages).items()}
        for day, visits in days.items()
    }


def _counted(native: Mapping[str, float | None], metrics: Sequence[str]) -> _Values:
    """A row's values by canonical metric; averages become sums by the visits they are averages of."""
    visits = native.get(_WEIGHT)
    counted: _Values = {}
    for name, value in native.items():
        metric = _METRICS.get(name)
        if metric is None or metric not in metrics:
            continue
        if metric == "bounces":
            counted[metric] = None if value is None or visits is None else math.floor(visits * value / 100 + 0.5)
        elif metric == "visit_time":
            counted[metric] = None if value is None or visits is None else visits * value
        else:
            counted[metric] = value
    return counted


def _members(names: Sequence[str]) -> Iterator[Member]:
    """Where a row counts, by channel, source, utm_campaign and utm_source; without them, in the total."""
    if not names:
        yield "total", ""
        return
    channel, source, *tags = names
    campaign, touchpoint = ("" if each == _NOT_SET else tag(each) for each in tags)
    if campaign:
        yield from tagged(campaign, touchpoint)
        return
    word = channel_of(channel)
    yield "channel", word
    if word == "social" and source != _NO_SOURCE:
        yield "network", network_of(source)


def _moment(span: Sequence[str]) -> dt.datetime | None:
    """The first moment of a span, if it is told with its zone."""
    try:
        begins = dt.datetime.fromisoformat(span[0])
    except (IndexError, ValueError):
        return None
    return begins if begins.tzinfo else None


def _date(page: RawPage, text: str) -> dt.date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadAnswer(f"{place(page, _TITLE)}: {text!r} is no day.") from None


SOURCE = Plausible()
