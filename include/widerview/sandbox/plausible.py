"""The sandbox's Plausible Stats API v2, made from the model's single visits.

Shapes follow the answers in the vendor's own documents of July 2026, errors its source code: days without a visit have
no row, unless `include.time_labels` asks for them beside the rows; averages are rounded; 401 says the same of a wrong
key and of a site that the key may not see; 429 tells no time.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Profile, Simulation
from widerview.sandbox.website import WebVisit, web_visits

TOKEN = "sandbox-plausible-5d0f0b6c2f9e4a71"  # noqa: S105 - opens nothing but the sandbox
"""The key that the sandbox's Plausible wants."""

_MOST_ROWS = 10_000
_METRICS = ("visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit")
_DIMENSIONS = (
    "time:day", "visit:source", "visit:channel", "visit:utm_medium", "visit:utm_source", "visit:utm_campaign",
    "visit:entry_page",
)  # fmt: skip
_CHANNELS = {"direct": "Direct", "search": "Organic Search", "website": "Referral", "social": "Organic Social"}
_MEDIA = {"email": "Email", "social": "Organic Social"}
_NOT_SET = "(not set)"


class _Refused(Exception):
    """A question that Plausible does not understand: HTTP 400 with these words."""


def site_id(profile: Profile) -> str:
    """What Plausible knows a client's website by."""
    return urlsplit(profile.url).hostname or ""


def query(model: Simulation, call: Call) -> Answer:
    """`POST /plausible/api/v2/query`."""
    given = call.headers.get("authorization", "")
    if not given.startswith("Bearer "):
        return _error(401, "Missing API key. Please use a valid Plausible API key as a Bearer Token.")
    asked = call.json if isinstance(call.json, dict) else {}
    profile = next((each for each in model.profiles if site_id(each) == asked.get("site_id")), None)
    if given != f"Bearer {TOKEN}" or profile is None:
        return _error(
            401,
            "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've "
            "requested.",
        )
    try:
        return json_answer(_answer(model, profile, asked, call))
    except _Refused as refused:
        return _error(400, str(refused))


def _answer(model: Simulation, profile: Profile, asked: Mapping[str, Any], call: Call) -> dict[str, Any]:
    metrics, dimensions = asked.get("metrics", []), asked.get("dimensions", [])
    for place, name in enumerate(metrics):
        if name not in _METRICS:
            raise _Refused(f'#/metrics/{place}: Invalid metric "{name}"')
    for place, name in enumerate(dimensions):
        if name not in _DIMENSIONS:
            raise _Refused(f'#/dimensions/{place}: Invalid dimension "{name}"')
    entries = _entries(asked.get("filters", []))
    first, last = _days(asked)
    days = [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
    groups: dict[tuple[str, ...], list[WebVisit]] = {}
    for day in days:
        for visit in web_visits(model, profile.key, day, call.now):
            if entries is not None and visit.pages[0].path not in entries:
                continue
            groups.setdefault(tuple(_value(name, day, visit) for name in dimensions), []).append(visit)
    if not dimensions:
        groups.setdefault((), [])
    rows = [
        {"metrics": [_measured(name, groups[key], call.now) for name in metrics], "dimensions": list(key)}
        for key in sorted(groups)
    ]
    include, pages = asked.get("include", {}), {"limit": _MOST_ROWS, "offset": 0} | asked.get("pagination", {})
    meta: dict[str, Any] = {}
    if include.get("time_labels"):
        meta["time_labels"] = [day.isoformat() for day in days]
    if include.get("total_rows"):
        meta["total_rows"] = len(rows)
    begins = dt.datetime.combine(first, dt.time(), profile.zone)
    ends = dt.datetime.combine(last, dt.time(23, 59, 59), profile.zone)
    return {
        "results": rows[pages["offset"] : pages["offset"] + pages["limit"]],
        "meta": meta,
        "query": {
            "site_id": asked["site_id"],
            "metrics": metrics,
            "date_range": [begins.isoformat(), ends.isoformat()],
            "filters": asked.get("filters", []),
            "dimensions": dimensions,
            "order_by": asked.get("order_by", []),
            "include": include,
            "pagination": pages,
        },
    }


def _entries(filters: Any) -> frozenset[str] | None:
    """On which pages the visits asked for began; None: on any. The sandbox knows no other filter."""
    match filters:
        case []:
            return None
        case [["is", "visit:entry_page", [*pages]]] if pages and all(isinstance(page, str) for page in pages):
            return frozenset(pages)
    raise _Refused(f'#/filters/0: Invalid filter "{filters}"')


def _days(asked: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    span = asked.get("date_range")
    try:
        if not isinstance(span, Sequence) or isinstance(span, str):
            raise TypeError
        first, last = map(dt.date.fromisoformat, span)
    except (TypeError, ValueError):
        raise _Refused(f'#/date_range: Invalid date range "{span}"') from None
    return first, last


def _value(dimension: str, day: dt.date, visit: WebVisit) -> str:
    tags = dict(parse_qsl(urlsplit(visit.landing).query))
    if dimension == "time:day":
        return day.isoformat()
    if dimension == "visit:entry_page":
        return visit.pages[0].path
    if dimension.startswith("visit:utm_"):
        return tags.get(dimension.removeprefix("visit:"), _NOT_SET)
    source = tags.get("utm_source") or ("" if visit.origin.channel in {"direct", "campaign"} else visit.origin.name)
    if dimension == "visit:source":
        return source or "Direct / None"
    if visit.origin.channel == "campaign":
        return _MEDIA.get(tags.get("utm_medium", ""), "Referral" if source else "Direct")
    return _CHANNELS[visit.origin.channel]


def _measured(metric: str, visits: Sequence[WebVisit], now: dt.datetime) -> int | float:
    count = len(visits)
    seen = sum(_until(visit, now) for visit in visits)
    match metric:
        case "visitors":
            return len({(visit.at.date(), visit.visitor) for visit in visits})
        case "visits":
            return count
        case "pageviews" | "events":
            return seen
        case "bounce_rate":
            return _half_up(100 * _share(visit.bounce for visit in visits))
        case "visit_duration":
            return _half_up(sum(visit.seconds for visit in visits) / count) if count else 0
        case _:
            return round(seen / count, 2) if count else 0


def _until(visit: WebVisit, now: dt.datetime) -> int:
    return sum(page.at <= now for page in visit.pages)


def _share(cases: Iterable[bool]) -> float:
    every = list(cases)
    return sum(every) / len(every) if every else 0.0


def _half_up(value: float) -> int:
    return int(value + 0.5)


def _error(status: int, message: str) -> Answer:
    return json_answer({"error": message}, status=status)


def _too_many(case: Case) -> Answer:
    return _error(
        429,
        "Too many API requests. Your API key is limited to 600 requests per hour. Please contact us to request more "
        "capacity.",
    )


ROUTES: tuple[Route, ...] = (Route("POST", "/plausible/api/v2/query", "plausible.query", query),)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": _too_many,
    "unauthorized": lambda case: _error(
        401,
        "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've "
        "requested.",
    ),
}
