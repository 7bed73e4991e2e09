"""### Matomo: a website's visits, day by day.

**Purpose.** Read from a client's own web analytics how many visits each day had, and what brought them: channel,
social network, campaign, and the touchpoint within the campaign.

**Inputs.** The site's id in Matomo and an Airflow Connection with the server's address (host) and a token with the
right *view* on the site (password). The token goes out in the body of a POST, so it stands in no server log.

**Outputs.** Values of whole days in the site's own time zone: visits, unique visitors, actions, bounces and visits
that reached a goal. Split by `channel` (direct, search, website, campaign, social, ai_assistant), by `network`, by
`campaign` (the name in the link, `utm_campaign` or `mtm_campaign`) and by `touchpoint`
(`<campaign>/<campaign keyword>`, the keyword being `utm_term` or `mtm_kwd`; where a link has none, Matomo takes the
referring site's host). Of the pages that the client's campaigns lead to, the visits that began there, and those of them
by tagged links, by `page`.

**Calls.** Four for every 31 days of the window, and two more if campaigns have pages.

**Limits.** Unique visitors are those of one day and are never summed. `utm_source` is not in Matomo's own reports;
write the touchpoint into `utm_term` as well. A day without a single visit is answered as an empty list and stored as
zero, because it is what Matomo measured; a site whose tracking is broken looks the same, which is for the check of the
day to say. Channels without visits on a measured day are zero, too; networks, campaigns and touchpoints simply do not
appear. Which visits of a page came by tagged links is asked by a segment; a server that works out no segments when
asked (`enable_browser_archiving_triggering` is off) refuses, and then only all visits of the page are told. Days that
had not begun when they were asked for are left out.

**When it fails.** *Unauthorized*: the token is dead or lacks the right *view*; make a new one under Settings,
Personal, Security, and put it into the Connection. *Not found*: no such site id. *Bad answer*: Matomo reports errors
with HTTP 200, and a proxy may send an HTML page; the message quotes it. *Unavailable* with a long window: Matomo is
still computing its archives; ask for fewer days at once or let its cron job finish.
"""

import datetime as dt
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

import msgspec
from requests import codes

from widerview.sources import landing_pages
from widerview.sources.base import Dimension, RawPage, Row, Source, Target, Window, Written, day_rows, stamp
from widerview.sources.errors import BadAnswer, NotFound, SourceError, Unauthorized
from widerview.sources.http import Count, HttpClient, check, decode, place
from widerview.vocabulary.dictionaries import load_dictionary

log = logging.getLogger(__name__)

_TITLE = "Matomo"
_RENEWAL_PAGE = "the settings of the analytics: Personal, Security"
_RENEW = (
    f"Make a token with the right *view* on the site, in {_RENEWAL_PAGE}, and put it into the password of the Airflow "
    "Connection."
)
_DAYS_A_CALL = 31

_CHANNELS = {1: "direct", 2: "search", 3: "website", 6: "campaign", 7: "social"}
"""Matomo's constants REFERRER_TYPE_*; labels are translated, these are not."""
_AI_SEGMENT = "referrerType==ai"
"""AI assistants are newer than the other channels and known by the segment of their row."""

_Slices = Iterator[tuple[Dimension, str, dict[str, int | None]]]


class _Counts(msgspec.Struct):
    """What Matomo counts for a day or for one row of a day's report; bounces are visits of one action."""

    nb_visits: Count
    nb_actions: Count | None = None
    bounce_count: Count | None = None
    nb_visits_converted: Count | None = None
    nb_uniq_visitors: Count | None = None

    def metrics(self) -> dict[str, int | None]:
        """By their canonical names, without the uniques."""
        return {
            "visits": self.nb_visits,
            "actions": self.nb_actions,
            "bounces": self.bounce_count,
            "converted_visits": self.nb_visits_converted,
        }


class _Labelled(_Counts, kw_only=True):
    label: str
    subtable: "list[_Labelled]" = []


class _Entry(msgspec.Struct):
    """A page on which visits began; `url` is its address, `label` its path."""

    label: str
    entry_nb_visits: Count = 0
    url: str = ""


class _Channel(_Counts, kw_only=True):
    referrer_type: int
    segment: str = ""

    @property
    def word(self) -> str:
        if self.segment == _AI_SEGMENT:
            return "ai_assistant"
        return _CHANNELS.get(self.referrer_type, f"other_{self.referrer_type}")


_NO_VISITS = _Counts(nb_visits=0, nb_actions=0, bounce_count=0, nb_visits_converted=0, nb_uniq_visitors=0)
_Nothing = Annotated[list[Any], msgspec.Meta(max_length=0)]
"""A day without visits, where one with visits is an object."""


def _total(day: _Counts | list[Any]) -> _Slices:
    counts = day if isinstance(day, _Counts) else _NO_VISITS
    yield "total", "", counts.metrics() | {"unique_visitors": counts.nb_uniq_visitors}


def _channels(day: list[_Channel]) -> _Slices:
    counted = {row.word: row.metrics() for row in day}
    for word, metrics in (dict.fromkeys(_CHANNELS.values(), _NO_VISITS.metrics()) | counted).items():
        yield "channel", word, metrics


def _campaigns(day: list[_Labelled]) -> _Slices:
    for row in day:
        yield "campaign", row.label, row.metrics()
        for part in row.subtable:
            yield "touchpoint", f"{row.label}/{part.label}", part.metrics()


def _networks(day: list[_Labelled]) -> _Slices:
    for row in day:
        yield "network", row.label, row.metrics()


class _Report(NamedTuple):
    """A stream: Matomo's method, the shape of its answer, and how one day of it splits into values."""

    method: str
    answer: Any
    slices: Callable[[Any], _Slices]
    options: dict[str, str] = {}  # noqa: RUF012 - a constant; NamedTuple fields cannot be ClassVar


_REPORTS = {
    "visits": _Report("VisitsSummary.get", dict[dt.date, _Counts | _Nothing], _total),
    "channels": _Report("Referrers.getReferrerType", dict[dt.date, list[_Channel]], _channels),
    "campaigns": _Report("Referrers.getCampaigns", dict[dt.date, list[_Labelled]], _campaigns, {"expanded": "1"}),
    "networks": _Report("Referrers.getSocials", dict[dt.date, list[_Labelled]], _networks),
}


_ENTRIES: dict[str, tuple[str, dict[str, str]]] = {
    "landing_pages": ("landing_visits", {}),
    "tagged_landing_pages": ("tagged_landing_visits", {"segment": "referrerType==campaign"}),
}
"""The streams of the campaigns' pages: what is counted, and which visits are asked for."""


class _Outcome(msgspec.Struct):
    """How Matomo says that something went wrong, with HTTP 200."""

    result: str | None = None
    message: str = ""


class Matomo(Source):
    """Matomo, through its Reporting API."""

    name = "matomo"
    title = _TITLE
    kind = "web"
    reference = Written("a site id of Matomo, a whole number", r"[1-9][0-9]*", "1")
    evidence = ("recording",)
    known_gaps = (
        "Of entry pages no answer was recorded: they have the columns of the page report, which was.",
        "How a server refuses a segment that it has not worked out is known from Matomo's source code only.",
    )
    renewal_page = _RENEWAL_PAGE
    api_version = "Reporting API of Matomo 5"
    counts_landing_pages = True
    streams = (*_REPORTS, *_ENTRIES)
    lookback_days = 3
    dictionary = load_dictionary(files(__package__) / "matomo.yaml")
    pool_slots = 2
    call_budget = 100

    def fixed_calls(self, *, days: int) -> int:
        """One for each report and month."""
        return len(self.streams) * -(-days // _DAYS_A_CALL)

    def base_url(self, target: Target) -> str:
        """There is no default: every Matomo stands somewhere else."""
        raise SourceError(
            f"Matomo site {target.ref} of client {target.client_id}: set the server's address, like "
            f"https://analytics.client.example, as the host of the Airflow Connection {target.connection!r}."
        )

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """Every report for every day of the window, a month a call."""
        for start in range(window.first.toordinal(), window.last.toordinal() + 1, _DAYS_A_CALL):
            first = dt.date.fromordinal(start)
            last = min(first + dt.timedelta(days=_DAYS_A_CALL - 1), window.last)
            for stream, method, options in _questions(target):
                form = {
                    "module": "API",
                    "method": method,
                    "idSite": target.ref,
                    "period": "day",
                    "date": f"{first},{last}",
                    "format": "JSON",
                    "language": "en",
                    "filter_limit": "-1",
                    **options,
                }
                secret_form = {"token_auth": http.token} if http.token else None
                page = http.request("POST", "index.php", stream=stream, form=form, secret_form=secret_form)
                yield page
                if refusal := _refused_segment(page):
                    log.warning(
                        "%s: which visits of the campaigns' pages had tags is not told: %s", target.label, refusal
                    )
                else:
                    _check(page, target)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the days of one report."""
        if page.status != codes.ok or _refused_segment(page):
            return
        if failure := _failure(page):
            raise BadAnswer(f"{place(page, _TITLE)} for site {target.ref}: {failure}")
        stamped = stamp(target, page)
        for day, answer in decode(page, _answer(page.stream), source=_TITLE).items():
            if Window(day, day).opens(target.time_zone) > page.fetched_at:
                continue  # Matomo answers days to come like days without visits.
            for dimension, member, values in _slices(target, page.stream, answer):
                yield from day_rows(stamped, "site", target.ref, day, target.time_zone, values, dimension, member)


def _questions(target: Target) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What is asked: each stream, Matomo's method, and its parameters."""
    for stream, report in _REPORTS.items():
        yield stream, report.method, report.options
    if pages := landing_pages.pages_of(target):
        # The page of a folder, and of the whole website, is labelled index; what else the pattern finds is not counted.
        names = "|".join(re.escape(page.strip("/") or "index") for page in pages)
        only = {"flat": "1", "filter_column": "label", "filter_pattern": f"^/?({names})([/?#]|$)"}
        for stream, (_, visits) in _ENTRIES.items():
            yield stream, "Actions.getEntryPageUrls", {**only, "showColumns": "entry_nb_visits", **visits}


def _answer(stream: str) -> Any:
    return dict[dt.date, list[_Entry]] if stream in _ENTRIES else _REPORTS[stream].answer


def _slices(target: Target, stream: str, day: Any) -> _Slices:
    if stream in _REPORTS:
        yield from _REPORTS[stream].slices(day)
        return
    metric, pages = _ENTRIES[stream][0], landing_pages.pages_of(target)
    visits: Counter[str] = Counter(dict.fromkeys(pages, 0))
    for row in day:
        if path := landing_pages.named(row.url or row.label, pages):
            visits[path] += row.entry_nb_visits
    for path, count in visits.items():
        yield "page", path, {metric: count}


def _refused_segment(page: RawPage) -> str | None:
    """What a server says that does not work out segments when asked; None if it says no such thing."""
    if page.stream != "tagged_landing_pages" or page.status != codes.ok:
        return None
    failure = _failure(page)
    return failure if failure and "segment" in failure.lower() else None


def _failure(page: RawPage) -> str | None:
    """What Matomo says went wrong, inside an answer of HTTP 200."""
    outcome = decode(page, _Outcome, source=_TITLE)
    return unescape(outcome.message) if outcome.result == "error" else None


def _check(page: RawPage, target: Target) -> None:
    check(page, source=_TITLE, account=f"site {target.ref}", renew=_RENEW)
    if failure := _failure(page):
        where = f"{place(page, _TITLE)} for site {target.ref}: {failure}"
        if "access" in failure or "authenticate" in failure:
            raise Unauthorized(f"{where} {_RENEW}")
        if "website was found" in failure or "website id" in failure:
            raise NotFound(f"{where} Correct site_id in the file of client {target.client_id}.")
        raise BadAnswer(where)
    decode(page, _answer(page.stream), source=_TITLE)


SOURCE = Matomo()
