"""### Umami: a website's visits, day by day.

**Purpose.** Read from a client's own Umami how many visits each day had, and what brought them: channel, social
network, campaign, and the touchpoint within the campaign.

**Inputs.** In the client file, `site_id` is the website's id in Umami (Settings, Websites, Edit). In the Airflow
Connection, for a server of one's own: its address (host), a user name (login) and the password of that user, who needs
no more than to see the website. For Umami Cloud: no host and no login, and an API key of its settings as the password.
For an API key of a server of one's own, the host ends in `/api`. Password and key go out in a body and a header, so
they stand in no server log.

**Outputs.** Values of whole days in the client's time zone: visits, visitors, page views, bounces and time on the
website. Visits are split by `channel` (search, website, social, campaign, ai_assistant), by `network`, by `campaign`
(`utm_campaign`, in lower case) and by `touchpoint` (`<campaign>/<utm_source>`). Of the pages that the client's
campaigns lead to, the visits that began there, and those of them by tagged links, by `page`.

**Calls.** One to log in, two for the website, three for each day, and two more for each day if campaigns have pages.

**Limits.** Umami keeps where each *page view* came from, not each visit. So visits without any origin cannot be told:
`direct` is stored as not reported, and page views and bounces are not split. A visit that came back by another link
counts for both. Links with other parameters beside the tags come as they are, and lie in landing like that. Days before
the first page view that Umami knows are left out, since nothing was measured then; later days without visits are zero.
Umami Cloud allows 50 calls in 15 seconds.

**When it fails.** *Unauthorized*: user name, password or key are wrong, or the user may not see the website. *Not
found*: no such website. An administrator of Umami is told zeros of a website that does not exist, so it is asked for
first. *Bad answer*: the server may be older than Umami 3, which answers otherwise.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import msgspec
from requests import codes

from widerview.sources import landing_pages
from widerview.sources.base import DayRow, Dimension, RawPage, Row, Source, Target, Window, Written, stamp
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.http import HttpClient, check, decode, place
from widerview.sources.referrers import Member, referred, tag, tagged
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Umami"
_RENEWAL_PAGE = "the settings of Umami: Profile, or API keys in the cloud"
_RENEW = (
    "Put a user name and password of this Umami, or a key of its API, into the Airflow Connection, and let that user "
    f"see the website; both are made in {_RENEWAL_PAGE}."
)
_CLOUD = "https://api.umami.is/v1"
_MOST_ROWS = 10_000
_TAG = "utm_campaign"
_UNTAGGED = ("search", "website", "social")
"""The channels that are known on every measured day, beside `campaign`."""


_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Website(msgspec.Struct):
    id: str
    deleted_at: str | None = msgspec.field(name="deletedAt", default=None)


class _Measured(msgspec.Struct, rename="camel"):
    """From when to when Umami has page views; None without any."""

    start_date: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None


class _Stats(msgspec.Struct):
    """The sums of a day; `totaltime` is in seconds."""

    visits: _Number
    visitors: _Number | None = None
    pageviews: _Number | None = None
    bounces: _Number | None = None
    totaltime: _Number | None = None


class _Part(msgspec.Struct):
    """Visits with at least one page view that has `name`: a referring domain, or a query."""

    name: str
    visits: _Number


class _Token(msgspec.Struct):
    token: str


_ANSWERS: Mapping[str, Any] = {
    "website": _Website | None,
    "measured": _Measured,
    "visits": _Stats,
    "campaigns": list[_Part],
    "referrers": list[_Part],
    "landing_pages": list[_Part],
    "tagged_landing_pages": list[_Part],
}
_DAILY: dict[str, tuple[str, Mapping[str, str]]] = {
    "visits": ("stats", {}),
    "campaigns": ("metrics/expanded", {"type": "query", "search": _TAG, "limit": str(_MOST_ROWS)}),
    # Where a link is tagged, the tags count.
    "referrers": ("metrics/expanded", {"type": "referrer", "query": f"dnc.{_TAG}", "limit": str(_MOST_ROWS)}),
}
"""What is asked of each day: path and parameters."""
_ENTRIES: dict[str, tuple[str, Mapping[str, str]]] = {
    "landing_pages": ("metrics/expanded", {"type": "entry", "limit": str(_MOST_ROWS)}),
    "tagged_landing_pages": ("metrics/expanded", {"type": "entry", "query": f"c.{_TAG}", "limit": str(_MOST_ROWS)}),
}
"""What is asked of each day where campaigns have pages."""
_LANDED = {"landing_pages": "landing_visits", "tagged_landing_pages": "tagged_landing_visits"}


class Umami(Source):
    """Umami 3, one's own or in the cloud."""

    name = "umami"
    title = _TITLE
    kind = "web"
    reference = Written(
        "a website id of Umami",
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "b398f201-4112-42e4-9fc4-ce5bceedb0bb",
    )
    evidence = ("recording", "vendor document")
    known_gaps = (
        "Visits without an origin (direct) cannot be told, so the channels do not add up.",
        "Umami Cloud and its API keys were not tried; its documents tell the address and the header.",
        "That referrers can be asked without tagged links, and links by a tag, is known from Umami's source code only.",
        "That entry pages can be asked by a tag is known from Umami's source code only; the cloud takes a visit for "
        "tagged if any of its page views is.",
        "Of Mastodon's servers only two are known as a social network.",
    )
    renewal_page = _RENEWAL_PAGE
    api_version = "Umami 3"
    counts_landing_pages = True
    streams = tuple(_ANSWERS)
    lookback_days = 3
    dictionary = load_dictionary(files(__package__) / "umami.yaml")
    pool_slots = 2
    call_budget = 600

    def fixed_calls(self, *, days: int) -> int:
        """One to log in, two for the website, and three for each day, or five where campaigns have pages."""
        return 3 + (len(_DAILY) + len(_ENTRIES)) * days

    def base_url(self, target: Target) -> str:
        """Umami Cloud."""
        return _CLOUD

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The website, since when it is measured, and for each day since three answers, and two of campaigns' pages."""
        root, headers = _enter(target, http)

        def ask(stream: str, path: str, **params: str) -> RawPage:
            url = f"{root}websites/{target.ref}{path}"
            return http.request("GET", url, stream=stream, params=params, headers=headers)

        page = ask("website", "")
        yield page
        if page.status == codes.not_found and not http.login:
            raise NotFound(
                f"{place(page, _TITLE)}: there is no Umami to be asked with a key. For a server of one's own, put the "
                "user name into the login of the Airflow Connection, or let its host end in /api."
            )
        _check(page, target)
        website = _read(page)
        if website is None or website.deleted_at:
            raise NotFound(
                f"{place(page, _TITLE)}: there is no website {target.ref}. Correct site_id in the file of client "
                f"{target.client_id}."
            )
        page = ask("measured", "/daterange")
        yield page
        _check(page, target)
        since = _read(page).start_date
        if since is None:
            return
        first = max(window.first, since.astimezone(ZoneInfo(target.time_zone)).date())
        pages = landing_pages.pages_of(target)
        for number in range(first.toordinal(), window.last.toordinal() + 1):
            opens, ends = (
                round(Window(day, day).opens(target.time_zone).timestamp() * 1000)
                for day in map(dt.date.fromordinal, (number, number + 1))
            )
            for stream, (path, params) in (_DAILY | _ENTRIES if pages else _DAILY).items():
                # Both ends belong to the span.
                page = ask(stream, f"/{path}", startAt=str(opens), endAt=str(ends - 1), **params)
                yield page
                _check(page, target)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of one day."""
        if page.status != codes.ok or page.stream not in _DAILY | _ENTRIES:
            return
        answer = _read(page)
        opens = dt.datetime.fromtimestamp(int(page.request.params["startAt"]) / 1000, ZoneInfo(target.time_zone))
        if opens > page.fetched_at:
            return  # Umami answers days to come like days without visits.
        stamped = stamp(target, page)
        values = _landings(target, page.stream, answer) if page.stream in _ENTRIES else _values(page.stream, answer)
        for (dimension, member, metric), value in values.items():
            yield DayRow(
                **stamped,
                entity="site",
                entity_id=target.ref,
                day=opens.date(),
                zone=target.time_zone,
                dimension=dimension,
                member=member,
                metric=metric,
                value=value,
            )


_Values = dict[tuple[Dimension, str, str], int | None]


def _values(stream: str, answer: "_Stats | list[_Part]") -> _Values:
    if isinstance(answer, _Stats):
        return {
            ("total", "", "visits"): answer.visits,
            ("total", "", "unique_visitors"): answer.visitors,
            ("total", "", "page_views"): answer.pageviews,
            ("total", "", "bounces"): answer.bounces,
            ("total", "", "visit_time"): answer.totaltime,
        }
    known = ("campaign",) if stream == "campaigns" else _UNTAGGED
    visits: Counter[Member] = Counter({("channel", word): 0 for word in known})
    for part in answer:
        for key in _members(stream, part.name):
            visits[key] += part.visits
    values: _Values = {(*key, "visits"): count for key, count in visits.items()}
    if stream == "referrers":
        values["channel", "direct", "visits"] = None
    return values


def _landings(target: Target, stream: str, answer: "list[_Part]") -> _Values:
    pages = landing_pages.pages_of(target)
    visits: Counter[str] = Counter(dict.fromkeys(pages, 0))
    for part in answer:
        if path := landing_pages.named(part.name, pages):
            visits[path] += part.visits
    return {("page", path, _LANDED[stream]): count for path, count in visits.items()}


def _members(stream: str, name: str) -> Iterator[Member]:
    """Where visits count, by the query of their links or the domain they came from."""
    if stream == "campaigns":
        # PostgreSQL holds no NUL, and %00 is one.
        named = parse_qs(name.removeprefix("?").replace("%00", ""))
        # The question finds queries that only look tagged, too.
        if campaign := tag(named.get(_TAG, [""])[0]):
            yield from tagged(campaign, tag(named.get("utm_source", [""])[0]))
    elif name:
        yield from referred(name)


def _enter(target: Target, http: HttpClient) -> tuple[str, dict[str, str]]:
    """Where everything is asked, and the header that opens it."""
    if not http.token:
        raise Unauthorized(
            f"{_TITLE} website {target.ref} of client {target.client_id}: there is no password. {_RENEW}"
        )
    if not http.login:
        return "", {"x-umami-api-key": http.token}
    # This answer holds a token and the question the password, so it is never handed over.
    page = http.request("POST", "api/auth/login", stream="login", json={"username": http.login, "password": http.token})
    account = f"website {target.ref} of client {target.client_id}, as user {http.login}"
    check(page, source=_TITLE, account=account, renew=_RENEW)
    try:
        token = decode(page, _Token, source=_TITLE, is_secret=True).token
    except BadAnswer as error:
        raise BadAnswer(
            f"{error}. Check that the host of the Airflow Connection is an Umami 3, and that the user logs in without "
            "a second factor."
        ) from None
    http.keep_secret(token)
    return "api/", {"Authorization": f"Bearer {token}"}


def _read(page: RawPage) -> Any:
    return decode(page, _ANSWERS[page.stream], source=_TITLE)


def _check(page: RawPage, target: Target) -> None:
    check(page, source=_TITLE, account=f"website {target.ref}", renew=_RENEW)
    answer = _read(page)
    if isinstance(answer, list) and len(answer) >= _MOST_ROWS:
        raise BadAnswer(
            f"{place(page, _TITLE)}: a day has {_MOST_ROWS} different links or more. Something writes a value of its "
            "own into every link."
        )


SOURCE = Umami()
