"""### Pinterest: an account's pins and days.

**Purpose.** Observe what Pinterest tells the owner of a business account: followers, pins and what people did with
them, and each day's totals.

**Inputs.** The account's name in the client's file: `hollowoakbakery` for `https://www.pinterest.com/hollowoakbakery/`.
It must be a business account; others have no analytics. An Airflow Connection: the password is an access token of the
account with the scopes `user_accounts:read`, `pins:read` and `boards:read`. So that the token renews itself, the
Connection's extra holds `client_id` and `client_secret` of the app, `refresh_token` (the *continuous* one: an app made
before 2025-09-25 must ask for it with `continuous_refresh=true`); `expires_at` (ISO 8601), when the access token dies,
may be left out then and is written by the first exchange. Where the token is an agency's and the account has shared its
ad account with it, write the ad account's id as option `ad_account_id`: then the owner of that ad account is read.

**Outputs.** The account with followers, accounts it follows, and pins; its own pins with text, link and running totals:
impressions, pin clicks, link clicks, saves, reactions (as likes) and comments. For every day (UTC): impressions,
engagements, pin clicks, link clicks and saves of the account's pins, organic; impressions of ads apart. Pins saved from
others give no rows, and what others pinned from the account's website is not counted. Days that Pinterest is still
working on, or only estimates, are left out.

**Calls.** One for the account, two for its days, and one for every 250 pins; the last page of pins lies beyond the
window.

**Limits.** Pinterest gives days for the last 90 days, usually complete after two, and does not tell what people wrote.
The totals of a pin that was an ad hold paid and organic together, so they are not reported. Pins from before 2023-03-20
have totals only if they are videos or idea pins. A token lives for 30 days; what it is renewed with lives for 60, and
a new one comes with every renewal.

**When it fails.** *Unauthorized*: the token is dead, lacks a scope, is another account's, or the account is no business
account; make a new token and put it into the Connection. *Bad answer*: look at the page in landing. *Rate limited* or
*unavailable*: the task tries again by itself.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated

import msgspec

from widerview.sources import oauth
from widerview.sources.base import (
    HIDDEN,
    AccountRow,
    PostKind,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    Tokens,
    UnavailableRow,
    Walk,
    Window,
    Written,
    counts,
    day_rows,
    stamp,
)
from widerview.sources.errors import BadAnswer, Unauthorized
from widerview.sources.http import Count, HttpClient, Turn, about, ask_in_groups, check, decode, paginate, place, utc
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Pinterest"
_RENEWAL_PAGE = "https://developers.pinterest.com/apps/"
_RENEW = (
    f"Make a token of the business account with the scopes user_accounts:read, pins:read and boards:read at "
    f"{_RENEWAL_PAGE} and put it into the password of its Airflow Connection."
)
_PINS_A_PAGE = 250
_KEPT_DAYS = 90
_DAY = dt.timedelta(days=1)
_METRICS = {
    "ORGANIC": {
        "IMPRESSION": "impressions",
        "ENGAGEMENT": "engagements",
        "PIN_CLICK": "clicks",
        "OUTBOUND_CLICK": "link_clicks",
        "SAVE": "bookmarks",
    },
    "PAID": {"IMPRESSION": "paid_impressions"},
}
"""What is asked for of each day, by `content_type`, and the canonical metric of each."""


_Number = Annotated[float, msgspec.Meta(ge=-(2**63), lt=2**63)]


class _Account(msgspec.Struct):
    id: str
    username: str
    business_name: str | None = None
    follower_count: Count | None = None
    following_count: Count | None = None
    pin_count: Count | None = None


class _Day(msgspec.Struct):
    date: dt.date
    data_status: str = ""
    metrics: dict[str, _Number | None] = {}


class _Report(msgspec.Struct):
    daily_metrics: list[_Day] = []


class _Analytics(msgspec.Struct):
    all: _Report


class _Media(msgspec.Struct):
    media_type: str = ""


class _Lifetime(msgspec.Struct):
    impression: Count | None = None
    pin_click: Count | None = None
    clickthrough: Count | None = None
    save: Count | None = None
    reaction: Count | None = None
    comment: Count | None = None


class _PinMetrics(msgspec.Struct):
    lifetime_metrics: _Lifetime | None = None


class _Pin(msgspec.Struct):
    id: str
    created_at: dt.datetime
    title: str | None = None
    description: str | None = None
    link: str | None = None
    creative_type: str | None = None
    has_been_promoted: bool | None = None
    is_owner: bool | None = None
    parent_pin_id: str | None = None
    media: _Media | None = None
    pin_metrics: _PinMetrics | None = None

    def __post_init__(self) -> None:
        """Pinterest writes moments in UTC, mostly without saying so."""
        self.created_at = utc(self.created_at)


class _Pins(msgspec.Struct):
    items: list[_Pin]
    bookmark: str | None = None


class _Failure(msgspec.Struct):
    message: str = ""


class Pinterest(Source):
    """A business account on Pinterest, through API v5."""

    name = "pinterest"
    title = _TITLE
    kind = "social"
    reference = Written("the name of a Pinterest account", r"[A-Za-z0-9_-]{3,30}", "hollowoakbakery")
    options = {  # noqa: RUF012 - a constant of the class
        "ad_account_id": Written(
            "the id of the ad account whose owner is read, a number", r"[0-9]{1,18}", '"549755885175"'
        )
    }
    evidence = ("recording", "flattened record", "machine spec")
    known_gaps = (
        "Pinterest does not say in which order it lists pins; they are read until a whole page is older than the "
        "window.",
        "Pinterest's contract shows the names of a pin's totals by an example only, without saves; `save` is what "
        "others have met.",
        "The totals of a pin that was an ad are left out, because Pinterest does not tell its paid numbers apart.",
        "What Pinterest answers to a metric that it does not know is built after its contract, not recorded.",
        "The recorded answers, of pins and of days in the making, are of 2021 and 2022; of a day with numbers and of a "
        "pin that was an ad there is only what another program kept in 2024.",
    )
    api_version = "v5 (5.23.0)"
    streams = ("account", "days", "pins")
    lookback_days = 30
    weekly_lookback_days = 60
    tells_after = dt.timedelta(hours=48)
    dictionary = load_dictionary(files(__package__) / "pinterest.yaml")
    pool_slots = 2
    walks = (Walk("pins", _PINS_A_PAGE, "Pinterest's OpenAPI document: page_size"),)
    call_budget = 60
    renewal_page = _RENEWAL_PAGE
    renews_before = dt.timedelta(days=15)

    def fixed_calls(self, *, days: int) -> int:
        """The account, its days, ads apart, and the page beyond the window."""
        return 2 + len(_METRICS)

    def base_url(self, target: Target) -> str:
        """The one address of the API."""
        return "https://api.pinterest.com"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, its days, and its pins from the newest to the first day of the window."""
        asking = _Asking(target, http)
        page = asking.get("account", "user_account", {})
        yield page
        asking.check(page)
        account = decode(page, _Account, source=_TITLE)
        if account.username.lower() != target.ref.lower():
            raise Unauthorized(
                f"{place(page, _TITLE)}: the token is of the account {account.username}, not of {target.ref}. "
                f"Correct the handle or ad_account_id in the file of client {target.client_id}, or else: {_RENEW}"
            )
        asking.about = {"account": account.id}
        today = page.fetched_at.astimezone(dt.UTC).date()
        first, last = max(window.first, today - _KEPT_DAYS * _DAY), min(window.last, today - _DAY)
        if first <= last:
            for content_type in _METRICS:
                # Else what others pinned from a website that the account has claimed is counted, too.
                asked = {"source": "YOUR_PINS", "content_type": content_type}
                yield from _fetch_days(asking, {"start_date": str(first), "end_date": str(last)} | asked)
        yield from _fetch_pins(asking, window.opens(target.time_zone))

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of the account, of its days or of a page of pins; of a metric refused alone, that it was."""
        stamped = stamp(target, page)
        if page.stream == "days" and _is_refused(page):
            yield from _unavailable(stamped, page)
        elif page.status != HTTPStatus.OK:
            return
        elif page.stream == "account":
            yield _account(stamped, decode(page, _Account, source=_TITLE))
        elif page.stream == "days":
            yield from _days(stamped, page)
        else:
            for pin in decode(page, _Pins, source=_TITLE).items:
                if pin.parent_pin_id is None and pin.is_owner is not False:
                    yield _pin(stamped, _account_id(page), pin)

    def renew(self, http: HttpClient) -> Tokens:
        """Exchange the refresh token of the Connection's extra for a new access token and a new refresh token.

        Raises:
            Unauthorized: The extra lacks something, or Pinterest takes the refresh token no more.
        """
        return oauth.exchange(http, "v5/oauth/token", source=_TITLE, renew=_RENEW, form=("refresh_token",))


class _Asking:
    """Asks for one target, with its token and option; what belongs to an account says so, as soon as it is known."""

    def __init__(self, target: Target, http: HttpClient) -> None:
        self.http = http
        self.about: dict[str, str] = {}
        self._target = target
        self._headers = {"Authorization": f"Bearer {http.token}"}
        self._option = {name: value for name, value in target.options.items() if name in Pinterest.options}

    def get(self, stream: str, path: str, params: Mapping[str, str]) -> RawPage:
        """Ask; most answers do not name the account."""
        return self.http.request(
            "GET",
            f"v5/{path}",
            stream=stream,
            params={**params, **self._option},
            headers=self._headers,
            safe=",",
            about=self.about,
        )

    def check(self, page: RawPage) -> None:
        """Raise what a status other than 200 means."""
        check(page, source=_TITLE, account=self._target.ref, renew=_RENEW)


def _account_id(page: RawPage) -> str:
    return about(page, "account", what="account", source=_TITLE)["account"]


def _fetch_days(asking: _Asking, params: Mapping[str, str]) -> Iterator[RawPage]:
    """The days of one content type; a metric that Pinterest refuses costs that metric alone."""
    names = list(_METRICS[params["content_type"]])
    refusals = []

    def ask(names: Sequence[str]) -> RawPage:
        return asking.get("days", "user_account/analytics", {**params, "metric_types": ",".join(names)})

    for page in ask_in_groups(names, len(names), ask, _is_refused, one_by_one=asking.http.one_metric_a_call):
        yield page
        if _is_refused(page):
            refusals += _names(page) if len(_names(page)) == 1 else []
        else:
            asking.check(page)
            decode(page, _Analytics, source=_TITLE)
    if len(names) > 1 and refusals == names:
        raise BadAnswer(f"{place(page, _TITLE)}: Pinterest refused every metric of a day: {_said(page)}")


def _fetch_pins(asking: _Asking, opens: dt.datetime) -> Iterator[RawPage]:
    params = {"page_size": str(_PINS_A_PAGE), "pin_metrics": "true", "pin_filter": "exclude_repins"}

    def ask(bookmark: str | None) -> RawPage:
        return asking.get("pins", "pins", params | ({"bookmark": bookmark} if bookmark else {}))

    def read(page: RawPage) -> Turn:
        asking.check(page)
        pins = decode(page, _Pins, source=_TITLE)
        reached = bool(pins.items) and all(pin.created_at < opens for pin in pins.items)
        return Turn(None if reached else pins.bookmark or None, len(pins.items))

    return paginate(ask, read, source=_TITLE)


def _is_refused(page: RawPage) -> bool:
    """Whether Pinterest takes the parameters for wrong; it does not say which."""
    return page.status == HTTPStatus.BAD_REQUEST


def _names(page: RawPage) -> list[str]:
    return page.request.params.get("metric_types", "").split(",")


def _said(page: RawPage) -> str:
    return decode(page, _Failure, source=_TITLE).message


def _metrics(page: RawPage) -> Mapping[str, str]:
    """The canonical metrics that were asked for, by Pinterest's names."""
    known = _METRICS.get(page.request.params.get("content_type", ""), {})
    return {name: known[name] for name in _names(page) if name in known}


def _unavailable(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    if len(_names(page)) == 1:
        for native, metric in _metrics(page).items():
            yield UnavailableRow(**stamp, metric=metric, native_metric=native, reason=_said(page))


def _account(stamp: Stamp, account: _Account) -> Row:
    return AccountRow(
        **stamp,
        account_id=account.id,
        handle=account.username,
        name=account.business_name or account.username,
        url=f"https://www.pinterest.com/{account.username}/",
        counts=counts(followers=account.follower_count, following=account.following_count, posts=account.pin_count),
    )


def _days(stamp: Stamp, page: RawPage) -> Iterator[Row]:
    """The values of the days that Pinterest calls ready."""
    account_id, metrics = _account_id(page), _metrics(page)
    for day in decode(page, _Analytics, source=_TITLE).all.daily_metrics:
        if day.data_status != "READY" or day.date >= page.fetched_at.date():
            continue
        told = {metric: day.metrics.get(native) for native, metric in metrics.items()}
        values = {metric: None if value == HIDDEN else value for metric, value in told.items()}
        yield from day_rows(stamp, "account", account_id, day.date, "UTC", values)


def _pin(stamp: Stamp, account_id: str, pin: _Pin) -> Row:
    words = [part.strip() for part in (pin.title, pin.description) if part and part.strip()]
    tags = re.findall(r"(?<!\w)#(\w+)", pin.description or "")
    totals = pin.pin_metrics.lifetime_metrics if pin.pin_metrics else None
    if totals is None or pin.has_been_promoted:
        totals = _Lifetime()
    return PostRow(
        **stamp,
        account_id=account_id,
        post_id=pin.id,
        published_at=pin.created_at,
        kind=_kind(pin),
        text="\n\n".join(words),
        permalink=f"https://www.pinterest.com/pin/{pin.id}/",
        tags=tuple(dict.fromkeys(tag.lower() for tag in tags)),
        links=(pin.link,) if pin.link and re.match(r"https?://", pin.link) else (),
        counts=counts(
            impressions=totals.impression,
            clicks=totals.pin_click,
            link_clicks=totals.clickthrough,
            bookmarks=totals.save,
            likes=totals.reaction,
            replies=totals.comment,
        ),
    )


def _kind(pin: _Pin) -> PostKind:
    media = pin.media.media_type if pin.media else ""
    if media.startswith("multiple") or pin.creative_type == "CAROUSEL":
        return "carousel"
    return "video" if media == "video" or pin.creative_type in {"VIDEO", "MAX_VIDEO"} else "image"


SOURCE = Pinterest()
