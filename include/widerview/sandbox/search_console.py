"""The sandbox's Google Search Console, made from the model's searches.

Shapes follow the API's discovery document of 2026-08-05 and its reference. What is imitated on purpose, because it
bites: days are Pacific, whatever the client's own zone; the newest days are still being counted (`dataState` `final`
leaves them out, `all` gives what is there and says from when on it is incomplete); days and rows without impressions
are left out; queries of few people are withheld, so that queries add up to less than the total; rows come by clicks,
or by date where that is all they are split by; and a property that is written otherwise is "not permitted".
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route, json_answer
from widerview.sandbox.ga4 import error, grant, unauthenticated
from widerview.sandbox.model import Profile, Simulation
from widerview.sandbox.website import search_rows

TOKEN = "ya29.sandbox-search-console-5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token that the sandbox's Search Console wants, and gives for `REFRESH_TOKEN`."""
REFRESH_TOKEN = "1//sandbox-search-console-5a11db0c"  # noqa: S105 - opens nothing but the sandbox

PACIFIC = ZoneInfo("America/Los_Angeles")
COMPLETE_AFTER = dt.timedelta(hours=44)
"""How long after its end a day is complete."""
_BEHIND = dt.timedelta(hours=8)
"""How old the newest searches are that are counted at all."""
_FEW = 25
"""A query with fewer impressions than this on a day is withheld."""
_DEFAULT_ROWS, _MOST_ROWS = 1000, 25_000
_DAY = dt.timedelta(days=1)
_DIMENSIONS = ("date", "query", "page", "country", "device")
_COUNTRIES = {"DE": "deu", "IE": "irl", "GB": "gbr", "FR": "fra", "NL": "nld", "US": "usa", "ES": "esp", "AT": "aut",
              "PL": "pol"}  # fmt: skip

Key = tuple[str, ...]
Sums = dict[Key, tuple[int, int, float]]
"""Impressions, clicks and summed positions."""


class _Refused(Exception):
    """The request is not understood; the message says why."""


def properties(profile: Profile) -> tuple[str, str]:
    """A client's properties: the domain, and the address."""
    return f"sc-domain:{urlsplit(profile.url).hostname}", f"{profile.url}/"


def query(model: Simulation, call: Call) -> Answer:
    """`POST /search_console/webmasters/v3/sites/{site}/searchAnalytics/query`."""
    if call.headers.get("authorization") != f"Bearer {TOKEN}":
        return unauthenticated("authError")
    site = call.params["site"]
    profile = next((each for each in model.profiles if site in properties(each)), None)
    if profile is None:
        message = (
            f"User does not have sufficient permission for site '{site}'. "
            "See also: https://support.google.com/webmasters/answer/2451999."
        )
        return error(403, "PERMISSION_DENIED", message, "forbidden")
    try:
        if not isinstance(call.json, dict):
            raise _Refused("Parse Error")
        return json_answer(_answer(model, profile, call.json, call.now))
    except _Refused as refused:
        return error(400, "INVALID_ARGUMENT", str(refused), "badRequest")


def _token(model: Simulation, call: Call) -> Answer:
    return grant(call, REFRESH_TOKEN, TOKEN, "https://www.googleapis.com/auth/webmasters.readonly")


def _answer(model: Simulation, profile: Profile, asked: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    try:
        first, last = (dt.date.fromisoformat(asked[end]) for end in ("startDate", "endDate"))
    except (KeyError, ValueError):
        raise _Refused("Request must contain startDate and endDate, like 2026-11-09.") from None
    dimensions = asked.get("dimensions", [])
    if unknown := [each for each in dimensions if each not in _DIMENSIONS]:
        raise _Refused(f"Invalid value at 'dimensions' ({unknown[0]})")
    limit, start = asked.get("rowLimit", _DEFAULT_ROWS), asked.get("startRow", 0)
    if not 1 <= limit <= _MOST_ROWS or start < 0:
        raise _Refused(f"rowLimit must be between 1 and {_MOST_ROWS}, startRow at least 0.")
    incomplete = (now - COMPLETE_AFTER).astimezone(PACIFIC).date()
    if asked.get("dataState", "final") == "final":
        last = min(last, incomplete - _DAY)
    sums: Sums = {}
    known = max(first, model.first_day)
    for offset in range((last - known).days + 1):
        day = known + offset * _DAY
        for key, searches in _searches(model, profile, day, now, by_query="query" in dimensions).items():
            _add(sums, tuple(_value(profile, day, key, dimension) for dimension in dimensions), searches)
    rows = sorted(sums.items(), key=lambda row: row[0] if dimensions == ["date"] else (-row[1][1], row[0]))
    answer: dict[str, Any] = {
        "rows": [
            {
                **({"keys": list(key)} if dimensions else {}),
                "clicks": clicks,
                "impressions": impressions,
                "ctr": clicks / impressions,
                "position": positions / impressions,
            }
            for key, (impressions, clicks, positions) in rows[start : start + limit]
        ],
        "responseAggregationType": "byPage" if "page" in dimensions else "byProperty",
    }
    if not answer["rows"]:
        del answer["rows"]
    if asked.get("dataState") == "all" and "date" in dimensions and first <= last and last >= incomplete:
        answer["metadata"] = {"firstIncompleteDate": max(first, incomplete).isoformat()}
    return answer


def _searches(model: Simulation, profile: Profile, day: dt.date, now: dt.datetime, *, by_query: bool) -> Sums:
    """A Pacific day as far as it is counted, by query, page, country and device."""
    begins, ends = (dt.datetime.combine(each, dt.time(), PACIFIC) for each in (day, day + _DAY))
    ends = min(ends, now - _BEHIND)
    sums: Sums = {}
    if ends <= begins:
        return sums
    # The clients live east of the Pacific: two of their days have a part in this one, from its beginning to its end.
    for own in (day, day + _DAY):
        for until, sign in ((ends, 1), (begins, -1)):
            for row in search_rows(model, profile.key, own, until):
                key = (row.query, row.page, row.country, row.device)
                _add(sums, key, (sign * row.impressions, sign * row.clicks, sign * row.position_sum))
    shown: dict[str, int] = {}
    for (words, *_), (impressions, *_) in sums.items():
        shown[words] = shown.get(words, 0) + impressions
    return {key: each for key, each in sums.items() if each[0] and (not by_query or shown[key[0]] >= _FEW)}


def _add(sums: Sums, key: Key, more: tuple[int, int, float]) -> None:
    impressions, clicks, positions = sums.get(key, (0, 0, 0.0))
    sums[key] = impressions + more[0], clicks + more[1], positions + more[2]


def _value(profile: Profile, day: dt.date, key: Key, dimension: str) -> str:
    words, path, country, device = key
    values = {
        "date": day.isoformat(),
        "query": words,
        "page": f"{profile.url}{path}",
        "country": _COUNTRIES[country],
        "device": device.upper(),
    }
    return values[dimension]


_QUOTA = "Quota exceeded for quota metric 'Search Analytics queries' and limit 'Search Analytics queries per minute'."

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/search_console/webmasters/v3/sites/{site:path}/searchAnalytics/query",
        "search_console.query",
        query,
    ),
    Route("POST", "/search_console/token", "search_console.token", _token),
)

FAULT_ANSWERS: FaultAnswers = {
    "unauthorized": lambda case: unauthenticated("authError"),
    "rate_limited": lambda case: error(429, "RESOURCE_EXHAUSTED", _QUOTA, "rateLimitExceeded"),
}
