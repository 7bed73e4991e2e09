"""### Google Analytics 4: a website's visits, day by day.

**Purpose.** Read from a client's Google Analytics how many visits each day had, and what brought them: channel, social
network, campaign, and the touchpoint within the campaign.

**Inputs.** In the client file, `site_id` is the property id, a number (Admin, Property details; not the `G-…` of the
tag), and `time_zone` the property's own. Where the website is a shop whose sales reach the property, the option
`currency` (ISO 4217, the client's own) has its revenue read in that currency. In the Airflow Connection, the extra
holds `keyfile_dict`, the JSON key of a service account, whose e-mail address is added to the property as *Viewer*
(Admin, Property access management); or `refresh_token`, `client_id` and `client_secret` of somebody's consent with the
scope `analytics.readonly`. Either way, the *Google Analytics Data API* must be enabled in the Google Cloud project.

**Outputs.** Values of whole days in the property's own time zone: visits (sessions), users, new users, page views,
engaged visits, time on the website, key events as goals reached, and the shop's revenue if a currency is named. All of
these but users and time are also split by `channel`, by `campaign` (utm_campaign, in lower case), by `touchpoint`
(`<campaign>/<utm_source>`), by `network` (visits from a social network by an untagged link), and by `first_campaign`
(the campaign that first brought the visitor, whatever brought them this time). Of the pages that the client's campaigns
lead to, the visits that began there, and those of them that a campaign brought, by `page`.

**Calls.** One for the key, one for the totals, one each for channels, campaigns and first campaigns, and one for the
campaigns' pages if there are any; more only beyond 50,000 rows.

**Limits.** *Campaigns and channels overlap here.* Google puts a tagged link into a channel by its utm_medium, so a
visit from a tagged post is in `social` and in its campaign both; `campaign` as a channel holds e-mail and everything
paid. A medium that Google does not know (`print`) is `other_unassigned`. A visit without a source is given to the
source that brought the person last. So channels are not those of Matomo. `ai_assistant` exists since 2026-05-13;
before it these visits were `website`. Days are revised for two days at least. Sessions and users are estimates, and
users are never summed. A day without a row is zero only where the property measured other days, and is left out where
Google withholds small numbers. Where Google samples, withholds or folds rows into `(other)`, the log of the task says
so. 200,000 tokens a day and 40,000 an hour belong to each property; a pull takes a few dozen.

**When it fails.** *Unauthorized*: the message says whether the key is dead, the API is switched off, or the property
has not let us in. *Rate limited*: the property's tokens are used up, perhaps by others; they come back within the hour
or at midnight Pacific time. *Bad answer* about time zones: correct `time_zone` in the client file, because days of
another zone cannot be compared.
"""

import datetime as dt
import logging
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any, ClassVar, Literal

import msgspec
from requests import codes

from widerview.sources import google, landing_pages
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
from widerview.sources.errors import BadAnswer
from widerview.sources.http import HttpClient, Turn, ask_in_groups, decode, paginate, place
from widerview.sources.referrers import USUAL_CHANNELS, Member, channel_of, origin_of, tag
from widerview.vocabulary.dictionaries import load_dictionary

log = logging.getLogger(__name__)

_TITLE = "Google Analytics 4"
_SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
_ROWS_A_PAGE = 50_000
"""As many as Google keeps apart on a day before it folds the rest into `(other)`; so a page holds at least a day."""
_METRICS_A_CALL = 10
_SETTLED = dt.timedelta(hours=48)
"""How long after its end a day may still be without any row because Google has not got to it."""

_MOST = 2**63
"""Beyond the warehouse's BIGINT."""

_VISIT_TIME = "averageSessionDuration*sessions"
_MONEY = "totalRevenue"
_METRICS = {
    "sessions": "visits",
    "totalUsers": "unique_visitors",
    "newUsers": "new_visitors",
    "screenPageViews": "page_views",
    "engagedSessions": "engaged_visits",
    "keyEvents": "conversions",
    "visitTime": "visit_time",
    _MONEY: "revenue",
}
_ADDITIVE = ("sessions", "screenPageViews", "engagedSessions", "keyEvents", _MONEY)
"""What parts of a day add up to, so that several of Google's groups can be brought together."""
_DIMENSIONS = {
    "totals": ("date",),
    "channels": ("date", "sessionDefaultChannelGroup"),
    "campaigns": ("date", "sessionCampaignName", "sessionSource"),
    "first_campaigns": ("date", "firstUserCampaignName"),
    "landing_pages": ("date", "landingPage", "sessionCampaignName"),
}

_UNTAGGED = "(referral)"
"""The campaign of a visit by a link without tags."""
_Values = dict[str, float]


class _Named(msgspec.Struct):
    name: str


class _Value(msgspec.Struct):
    value: str = ""


class _Row(msgspec.Struct, rename="camel"):
    dimension_values: list[_Value] = []
    metric_values: list[_Value] = []


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    currency_code: str | None = None
    time_zone: str = ""
    subject_to_thresholding: bool = False
    data_loss_from_other_row: bool = False
    sampling_metadatas: list[msgspec.Raw] = []
    data_truncation_reasons: list[msgspec.Raw] = []


class _Quota(msgspec.Struct, frozen=True):
    consumed: int = 0
    remaining: int = 0


class _Quotas(msgspec.Struct, rename="camel"):
    tokens_per_day: _Quota = _Quota()
    tokens_per_hour: _Quota = _Quota()
    tokens_per_project_per_hour: _Quota = _Quota()


class _Report(msgspec.Struct, rename="camel"):
    """An answer; without rows it lacks `rows` and `rowCount`."""

    kind: Literal["analyticsData#runReport"]
    dimension_headers: list[_Named] = []
    metric_headers: list[_Named] = []
    rows: list[_Row] = []
    row_count: int = 0
    metadata: _Metadata = _Metadata()
    property_quota: _Quotas | None = None


class _Range(msgspec.Struct, rename="camel"):
    start_date: dt.date
    end_date: dt.date


class _Asked(msgspec.Struct, rename="camel"):
    """What a report was asked for."""

    date_ranges: list[_Range] = []
    metrics: list[_Named] = []
    offset: int = 0


class GA4(Source):
    """Google Analytics 4, through its Data API."""

    name = "ga4"
    title = _TITLE
    kind = "web"
    counts_landing_pages = True
    reference = Written("a property id of Google Analytics 4, a whole number", r"[1-9][0-9]*", "123456789")
    options: ClassVar[Mapping[str, Written]] = {
        "currency": Written("the ISO 4217 code of the currency in which revenue is read", r"[A-Z]{3}", "EUR")
    }
    evidence = ("machine spec", "vendor document")
    known_gaps = (
        "No answer of the real API was recorded; answers were checked against its discovery document of 2026-10-06.",
        "The wording by which Google refuses an unknown metric is known from documents only.",
        "Campaigns and channels overlap: a tagged visit is in a channel by its medium, and in its campaign.",
        "Social networks are told by the referring host; of Mastodon's servers only two are known.",
    )
    servers = (google.TOKEN_SERVER,)
    renewal_page = google.KEY_PAGE
    api_version = "Data API v1beta"
    streams = tuple(_DIMENSIONS)
    lookback_days = 3
    weekly_lookback_days = 30
    settles_after = dt.timedelta(hours=48)  # Google processes a day for 24 to 48 hours
    dictionary = load_dictionary(files(__package__) / "ga4.yaml")
    pool_slots = 4
    call_budget = 100

    def fixed_calls(self, *, days: int) -> int:
        """One for the key and one for each report, while a report has no more than 50,000 rows."""
        return 1 + len(_DIMENSIONS)

    def base_url(self, target: Target) -> str:
        """Google's server."""
        return "https://analyticsdata.googleapis.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The totals, what they split into, by those metrics that the property knows, and the campaigns' pages."""
        headers = google.authorize(http, _SCOPE, source=_TITLE, account=f"property {target.ref}")
        currency = target.options.get("currency")
        pages = landing_pages.pages_of(target)
        known: list[str] = []

        def ask(stream: str, metrics: Sequence[str], offset: str | None = None) -> RawPage:
            return http.request(
                "POST",
                f"v1beta/properties/{target.ref}:runReport",
                stream=stream,
                json=_question(stream, metrics, window, offset, currency, pages),
                headers=headers,
                try_again=google.slow_down,
            )

        def is_refused(page: RawPage) -> bool:
            if _refusal(page):
                return True
            _checked(page, target)
            known.extend(metric.name for metric in _asked(page).metrics)
            return False

        yield from ask_in_groups(
            [metric for metric in _METRICS if currency or metric != _MONEY],
            _METRICS_A_CALL,
            partial(ask, "totals"),
            is_refused,
            one_by_one=http.one_metric_a_call,
        )
        additive = [metric for metric in _ADDITIVE if metric in known]
        for stream in ("channels", "campaigns", "first_campaigns") if additive else ():
            walk = _Walk(target)
            yield from paginate(partial(ask, stream, additive), walk.read, source=_TITLE)
        if pages and "sessions" in known:
            walk = _Walk(target)
            yield from paginate(partial(ask, "landing_pages", ["sessions"]), walk.read, source=_TITLE)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the days of one report, or of a metric that was refused."""
        asked = _asked(page)
        stamped = stamp(target, page)
        if (reason := _refusal(page)) and len(asked.metrics) == 1:
            native = asked.metrics[0].name
            yield UnavailableRow(
                **stamped,
                metric=_METRICS.get(native, native),
                native_metric=_VISIT_TIME if native == "visitTime" else native,
                reason=reason,
            )
        if reason or page.status != codes.ok:
            return
        report = _read(page)
        days = _by_day(page, report, whole=asked.offset + len(report.rows) >= report.row_count)
        zone = _zone(page, report, target, days)
        if page.stream == "totals":
            nothing: dict[tuple[str, ...], _Values] = {(): {header.name: 0.0 for header in report.metric_headers}}
            days |= dict.fromkeys(_silent_days(page, report, asked, days, zone), nothing)
        elif page.stream == "landing_pages":
            days |= {day: {} for day in _silent_days(page, report, asked, days, zone)}
        for day in sorted(days):
            if _ends(day, zone) > page.fetched_at:
                continue
            if page.stream == "landing_pages":
                for path, landed in _landings(target, report, days[day]).items():
                    yield from day_rows(stamped, "site", target.ref, day, zone, landed, "page", path)
                continue
            for (dimension, member), values in _members(page.stream, report, days[day]).items():
                told = {_METRICS[native]: value for native, value in values.items()}
                currency = report.metadata.currency_code
                yield from day_rows(stamped, "site", target.ref, day, zone, told, dimension, member, currency)


class _Walk:
    """The way through the pages of a report.

    Rows come in the order of their days. A page that is not the last ends within a day, which is read again from its
    beginning with the next page, so that no page holds a part of a day that counts.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._size: int | None = None
        self._day: str | None = None

    def read(self, page: RawPage) -> Turn:
        """Check a page and find the first row of the next."""
        report = _checked(page, self._target)
        dates = [row.dimension_values[0].value for row in report.rows]
        where = f"{place(page, _TITLE)} for property {self._target.ref}"
        if self._size not in {None, report.row_count} or (self._day and dates[:1] != [self._day]):
            raise BadAnswer(f"{where}: the rows moved while they were read. Clear the task to read them again.")
        offset = _asked(page).offset
        if offset + len(dates) >= report.row_count:
            return Turn(None, len(dates))
        whole = len(dates) - dates.count(dates[-1]) if dates else 0
        if not whole:
            raise BadAnswer(
                f"{where}: a single day has more than {len(dates)} campaigns. Something writes a value of its own into "
                "the utm_campaign of every link."
            )
        self._size, self._day = report.row_count, dates[-1]
        return Turn(str(offset + whole), whole)


def _question(
    stream: str,
    metrics: Sequence[str],
    window: Window,
    offset: str | None,
    currency: str | None,
    pages: Sequence[str],
) -> dict[str, Any]:
    dimensions = _DIMENSIONS[stream]
    of_pages = {"fieldName": "landingPage", "inListFilter": {"values": landing_pages.spellings(pages)}}
    return {
        "dateRanges": [{"startDate": window.first.isoformat(), "endDate": window.last.isoformat()}],
        "dimensions": [{"name": name} for name in dimensions],
        "metrics": [
            {"name": name, "expression": _VISIT_TIME} if name == "visitTime" else {"name": name} for name in metrics
        ],
        "orderBys": [{"dimension": {"dimensionName": name, "orderType": "ALPHANUMERIC"}} for name in dimensions],
        # Where all that is asked for is zero, a day has no row, unless it is asked for.
        "keepEmptyRows": stream == "totals",
        "limit": str(_ROWS_A_PAGE),
        "offset": offset or "0",
        "returnPropertyQuota": True,
        **({"currencyCode": currency} if _MONEY in metrics else {}),
        **({"dimensionFilter": {"filter": of_pages}} if stream == "landing_pages" else {}),
    }


def _asked(page: RawPage) -> _Asked:
    return msgspec.json.decode(page.request.body or "{}", type=_Asked, strict=False)


def _refusal(page: RawPage) -> str | None:
    """What Google says of a metric that it does not know, or not for this property; None if it says no such thing."""
    said = google.failure(page)
    refused = (
        page.stream == "totals"
        and said is not None
        and said.code == codes.bad_request
        and re.search(r"not a valid metric|are incompatible|metric expression", said.message)
    )
    return said.message if said and refused else None


def _checked(page: RawPage, target: Target) -> _Report:
    account = f"property {target.ref}"
    google.check(
        page,
        source=_TITLE,
        account=account,
        mend=f"Add the service account's e-mail address, or whoever consented, as Viewer under Admin, Property access "
        f"management, and check site_id in the file of client {target.client_id}: it is the property id.",
    )
    report = _read(page)
    _zone(page, report, target, _by_day(page, report, whole=True))
    where = f"{target.label}, {page.stream}:"
    if report.metadata.sampling_metadatas:
        log.warning("%s Google has worked these numbers out from a sample.", where)
    if report.metadata.subject_to_thresholding:
        log.warning("%s Google may withhold rows with few people (data thresholds).", where)
    if report.metadata.data_truncation_reasons:
        log.warning("%s Google has left out data that it no longer keeps.", where)
    if report.metadata.data_loss_from_other_row:
        log.warning("%s Google has folded rows beyond its limit into (other).", where)
    if quotas := report.property_quota:
        for quota in (quotas.tokens_per_day, quotas.tokens_per_hour, quotas.tokens_per_project_per_hour):
            if quota.consumed and quota.remaining < 10 * quota.consumed:
                log.warning("%s The property's quota is nearly used up, %d tokens remain.", where, quota.remaining)
    return report


def _read(page: RawPage) -> _Report:
    report = decode(page, _Report, source=_TITLE)
    names = tuple(header.name for header in report.dimension_headers)
    metrics = [header.name for header in report.metric_headers]
    if names != _DIMENSIONS[page.stream] or not _METRICS.keys() >= set(metrics) or len({*metrics}) < len(metrics):
        raise BadAnswer(f"{place(page, _TITLE)}: the columns are not those that were asked for: {names}, {metrics}.")
    for row in report.rows:
        if len(row.dimension_values) != len(names) or len(row.metric_values) != len(metrics):
            raise BadAnswer(f"{place(page, _TITLE)}: a row does not have the columns of its table.")
    return report


_Days = dict[dt.date, dict[tuple[str, ...], _Values]]
"""The rows of each day, by their other dimensions."""


def _by_day(page: RawPage, report: _Report, *, whole: bool) -> _Days:
    """The rows by day; of a page that is not `whole`, without the last day, which the next page has."""
    days: defaultdict[dt.date, dict[tuple[str, ...], _Values]] = defaultdict(dict)
    windows = _asked(page).date_ranges
    for row in report.rows:
        date, *rest = (each.value for each in row.dimension_values)
        day = _day(page, date)
        if not all(window.start_date <= day <= window.end_date for window in windows):
            raise BadAnswer(f"{place(page, _TITLE)}: {day} is none of the days that were asked for.")
        members = days[day]
        if tuple(rest) in members:
            raise BadAnswer(f"{place(page, _TITLE)}: the row of {date} {rest} came twice.")
        members[tuple(rest)] = {
            header.name: _number(page, each.value)
            for header, each in zip(report.metric_headers, row.metric_values, strict=True)
        }
    if not whole and days:
        del days[max(days)]
    return dict(days)


def _day(page: RawPage, text: str) -> dt.date:
    try:
        if not re.fullmatch(r"20[0-9]{6}", text):
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadAnswer(f"{place(page, _TITLE)}: {text!r} is no day.") from None


def _number(page: RawPage, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) < _MOST:  # nor is NaN
        raise BadAnswer(f"{place(page, _TITLE)}: {text!r} is no number.")
    return number


def _zone(page: RawPage, report: _Report, target: Target, days: _Days) -> str:
    """The zone of the property's days, which must begin when those of the client's file do."""
    zone = report.metadata.time_zone or target.time_zone
    try:
        differ = any(Window(day, day).opens(zone) != Window(day, day).opens(target.time_zone) for day in days)
    except (KeyError, ValueError, OSError):
        raise BadAnswer(f"{place(page, _TITLE)}: there is no time zone {zone!r}.") from None
    if differ:
        raise BadAnswer(
            f"{place(page, _TITLE)}: property {target.ref} counts its days in {zone}, and the file of client "
            f"{target.client_id} says {target.time_zone}. Write time_zone: {zone} for this site there, or change the "
            "property's time zone under Admin, Property details."
        )
    return zone


def _ends(day: dt.date, zone: str) -> dt.datetime:
    after = day + dt.timedelta(days=1)
    return Window(after, after).opens(zone).astimezone(dt.UTC)


def _is_withheld(report: _Report) -> bool:
    """Whether rows may be missing, so that what has none need not be zero."""
    return bool(report.metadata.subject_to_thresholding or report.metadata.data_truncation_reasons)


def _silent_days(page: RawPage, report: _Report, asked: _Asked, days: _Days, zone: str) -> list[dt.date]:
    """The days without a row that had no visit: the property measured others, and is done with these.

    Of a report of several pages each tells of the days from its first row to its last.
    """
    if not days or not asked.date_ranges or _is_withheld(report):
        return []
    first, last = asked.date_ranges[0].start_date, asked.date_ranges[0].end_date
    if asked.offset:
        first = min(days)
    if asked.offset + len(report.rows) < report.row_count:
        last = _day(page, report.rows[-1].dimension_values[0].value) - dt.timedelta(days=1)
    silent = (first + dt.timedelta(days=offset) for offset in range((last - first).days + 1))
    return [
        day for day in silent if day not in days and (day < max(days) or _ends(day, zone) + _SETTLED <= page.fetched_at)
    ]


def _members(stream: str, report: _Report, rows: dict[tuple[str, ...], _Values]) -> dict[Member, _Values]:
    """What a day of a report splits into; members that we take for the same are added up."""
    members: dict[Member, _Values] = {}
    if stream == "channels":
        for word in USUAL_CHANNELS:
            members["channel", word] = {header.name: 0.0 for header in report.metric_headers}
    for names, values in rows.items():
        for key in _named(stream, names):
            known = members.setdefault(key, dict.fromkeys(values, 0.0))
            for metric, value in values.items():
                known[metric] += value
    return members


def _named(stream: str, names: tuple[str, ...]) -> Iterator[Member]:
    if stream == "totals":
        yield "total", ""
    elif stream == "channels":
        (group,) = names
        yield "channel", channel_of(group)
    elif stream == "first_campaigns":
        (campaign,) = map(tag, names)
        if _is_given(campaign):
            yield "first_campaign", campaign
    else:
        campaign, source = map(tag, names)
        if _is_given(campaign):
            yield "campaign", campaign
            if _is_given(source):
                yield "touchpoint", f"{campaign}/{source}"
        elif campaign == _UNTAGGED and (network := origin_of(source)[1]):
            yield "network", network


def _landings(target: Target, report: _Report, rows: dict[tuple[str, ...], _Values]) -> Mapping[str, _Values]:
    """A day's visits that began on the campaigns' pages, by page."""
    pages = landing_pages.pages_of(target)
    visits: defaultdict[tuple[str, bool], float] = defaultdict(float)
    for (told, campaign), values in rows.items():
        if path := landing_pages.named(told, pages):
            visits[path, _is_given(tag(campaign))] += values.get("sessions", 0.0)
    return landing_pages.counted(visits, {path for path, _ in visits} if _is_withheld(report) else pages)


def _is_given(name: str) -> bool:
    """Whether a link named it; what Google fills in itself stands in brackets, as in `(not set)`."""
    return bool(name) and not (name.startswith("(") and name.endswith(")"))


SOURCE = GA4()
