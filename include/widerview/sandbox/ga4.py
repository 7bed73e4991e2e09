"""The sandbox's Google Analytics 4 Data API, made from the model's single visits.

Shapes follow the API's discovery document of 2026-10-06. What is imitated on purpose, because it bites: every value is
text, days are written `20261109` and count in the property's own zone, a report without rows lacks `rows` and
`rowCount`, rows that are all zero are left out, one unknown metric refuses the whole request, a property that does not
exist is "not permitted", and a tagged visit is put into a channel by its medium, so that campaigns and channels
overlap; a medium that Google does not know is "Unassigned". New users are the first of their week, because the model
remembers nobody for longer, and nobody reaches a goal.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Profile, Simulation
from widerview.sandbox.website import WebVisit, web_visits

TOKEN = "ya29.sandbox-ga4-5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token that the sandbox's Google Analytics wants, and gives for `REFRESH_TOKEN`."""
REFRESH_TOKEN = "1//sandbox-ga4-refresh-5a11db0c"  # noqa: S105 - opens nothing but the sandbox
CLIENT_SECRET = "GOCSPX-sandbox-5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The secret of the OAuth client, whatever its id."""

_DEFAULT_LIMIT = 10_000
_MOST_METRICS = 10
_ENGAGED_SECONDS = 10
_SCHEMA = "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
_VISIT_TIME = "averageSessionDuration*sessions"
_SOCIAL_HOSTS = ("bsky.app", "instagram.com", "linkedin.com", "mastodon.social", "reddit.com")
_MEDIA = {"email": "Email", "social": "Organic Social"}
"""Of the media in the sandbox's links, those that Google has a channel for; `print` and `event` it does not know."""


class _Source(NamedTuple):
    """What Google makes of where a visit came from."""

    channel: str
    campaign: str
    source: str
    medium: str


_DIMENSIONS: Mapping[str, Callable[[dt.date, WebVisit], str]] = {
    "date": lambda day, visit: f"{day:%Y%m%d}",
    "sessionDefaultChannelGroup": lambda day, visit: _source(visit).channel,
    "sessionCampaignName": lambda day, visit: _source(visit).campaign,
    "sessionSource": lambda day, visit: _source(visit).source,
    # Whoever has been here before was brought by nothing that is known.
    "firstUserCampaignName": lambda day, visit: _source(visit).campaign if visit.new_in_week else "(direct)",
    "sessionMedium": lambda day, visit: _source(visit).medium,
    "landingPage": lambda day, visit: visit.pages[0].path,
}
_METRICS: Mapping[str, tuple[str, Callable[[list[WebVisit]], float]]] = {
    "sessions": ("TYPE_INTEGER", len),
    "totalUsers": ("TYPE_INTEGER", lambda visits: sum(visit.new_in_day for visit in visits)),
    "newUsers": ("TYPE_INTEGER", lambda visits: sum(visit.new_in_week for visit in visits)),
    "screenPageViews": ("TYPE_INTEGER", lambda visits: sum(len(visit.pages) for visit in visits)),
    "engagedSessions": ("TYPE_INTEGER", lambda visits: sum(map(_is_engaged, visits))),
    "keyEvents": ("TYPE_FLOAT", lambda visits: 0),
    "totalRevenue": ("TYPE_CURRENCY", lambda visits: round(sum(visit.paid for visit in visits), 2)),
    "averageSessionDuration": ("TYPE_SECONDS", lambda visits: sum(visit.seconds for visit in visits) / len(visits)),
    _VISIT_TIME: ("TYPE_FLOAT", lambda visits: sum(visit.seconds for visit in visits)),
}


class _Refused(Exception):
    """The request is not understood; the message says why."""


def property_id(profile: Profile) -> str:
    """The number of a client's property."""
    return str(310_000_000 + profile.site_id)


def run_report(model: Simulation, call: Call) -> Answer:
    """`POST /ga4/v1beta/properties/{property}:runReport`: visits by any of the dimensions that the sandbox knows."""
    if call.headers.get("authorization") != f"Bearer {TOKEN}":
        return unauthenticated()
    profile = next((each for each in model.profiles if property_id(each) == call.params["property"]), None)
    if profile is None:
        message = (
            "User does not have sufficient permissions for this property. To learn more about Property ID, see "
            "https://developers.google.com/analytics/devguides/reporting/data/v1/property-id."
        )
        return error(403, "PERMISSION_DENIED", message)
    try:
        if not isinstance(call.json, dict):
            raise _Refused("Invalid JSON payload received.")
        return json_answer(_report(model, profile, call.json, call.now))
    except _Refused as refused:
        return error(400, "INVALID_ARGUMENT", str(refused))


def grant(call: Call, refresh_token: str, token: str, scope: str) -> Answer:
    """What Google's token server gives for a refresh token."""
    asked = call.params
    if asked.get("grant_type") != "refresh_token":
        return json_answer(
            {"error": "unsupported_grant_type", "error_description": f"Invalid grant_type: {asked.get('grant_type')}"},
            status=400,
        )
    if asked.get("client_secret") != CLIENT_SECRET:
        return json_answer({"error": "invalid_client", "error_description": "Unauthorized"}, status=401)
    if asked.get("refresh_token") != refresh_token:
        return json_answer({"error": "invalid_grant", "error_description": "Bad Request"}, status=400)
    return json_answer({"access_token": token, "expires_in": 3599, "scope": scope, "token_type": "Bearer"})


def error(code: int, status: str, message: str, reason: str | None = None) -> Answer:
    """Google's way of saying no; APIs that are older than `status` give a `reason` in `errors`."""
    content: dict[str, Any] = {"code": code, "message": message, "status": status}
    if reason is not None:
        content = {
            "code": code,
            "message": message,
            "errors": [{"message": message, "domain": "global", "reason": reason}],
        }
    return json_answer({"error": content}, status=code)


def unauthenticated(reason: str | None = None) -> Answer:
    """The answer to a wrong, dead or missing access token."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return error(401, "UNAUTHENTICATED", message, reason)


def _token(model: Simulation, call: Call) -> Answer:
    return grant(call, REFRESH_TOKEN, TOKEN, "https://www.googleapis.com/auth/analytics.readonly")


def _report(model: Simulation, profile: Profile, asked: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    dimensions = [_known(each["name"], _DIMENSIONS, "dimension") for each in asked.get("dimensions", [])]
    metrics = [(each["name"], _metric(each)) for each in asked.get("metrics", [])]
    currency = asked.get("currencyCode", profile.currency)
    if currency != profile.currency:
        raise _Refused(f"The sandbox converts no money: the property is kept in {profile.currency}.")
    if len(metrics) > _MOST_METRICS:
        raise _Refused(f"Requests are limited to 10 metrics. This request is for {len(metrics)} metrics.")
    rows = _rows(model, profile, asked, dimensions, now)
    if not asked.get("keepEmptyRows"):
        rows = [row for row in rows if any(_METRICS[metric][1](row[1]) for _, metric in metrics)]
    rows = _sorted(rows, asked.get("orderBys", []), dimensions, metrics)
    offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", _DEFAULT_LIMIT))
    report: dict[str, Any] = {
        "dimensionHeaders": [{"name": name} for name in dimensions],
        "metricHeaders": [{"name": name, "type": _METRICS[metric][0]} for name, metric in metrics],
        "rows": [
            {
                "dimensionValues": [{"value": name} for name in names],
                "metricValues": [{"value": f"{_METRICS[metric][1](visits):.15g}"} for _, metric in metrics],
            }
            for names, visits in rows[offset : offset + limit]
        ],
        "rowCount": len(rows),
        "metadata": {"currencyCode": currency, "timeZone": str(profile.zone)},
        "kind": "analyticsData#runReport",
    }
    if not rows:
        del report["rows"], report["rowCount"]
    if asked.get("returnPropertyQuota"):
        report["propertyQuota"] = {
            "tokensPerDay": {"consumed": 6, "remaining": 199_964},
            "tokensPerHour": {"consumed": 6, "remaining": 39_964},
            "concurrentRequests": {"consumed": 0, "remaining": 10},
            "serverErrorsPerProjectPerHour": {"consumed": 0, "remaining": 10},
            "potentiallyThresholdedRequestsPerHour": {"consumed": 0, "remaining": 120},
            "tokensPerProjectPerHour": {"consumed": 6, "remaining": 13_964},
        }
    return report


_Rows = list[tuple[tuple[str, ...], list[WebVisit]]]


def _rows(
    model: Simulation, profile: Profile, asked: Mapping[str, Any], dimensions: Sequence[str], now: dt.datetime
) -> _Rows:
    groups: dict[tuple[str, ...], list[WebVisit]] = {}
    kept = _filter(asked.get("dimensionFilter"))
    for day in _days(asked, model.first_day):
        for visit in web_visits(model, profile.key, day, now, late=True):
            if not kept(day, visit):
                continue
            groups.setdefault(tuple(_DIMENSIONS[name](day, visit) for name in dimensions), []).append(visit)
    return list(groups.items())


def _filter(asked: Any) -> Callable[[dt.date, WebVisit], bool]:
    """Which visits are asked for; the sandbox knows lists of values only."""
    if asked is None:
        return lambda day, visit: True
    try:
        name, wanted = asked["filter"]["fieldName"], frozenset(asked["filter"]["inListFilter"]["values"])
    except (KeyError, TypeError):
        raise _Refused(f"The sandbox filters by an inListFilter of one dimension only, not by {asked}.") from None
    tell = _DIMENSIONS[_known(name, _DIMENSIONS, "dimension")]
    return lambda day, visit: tell(day, visit) in wanted


def _days(asked: Mapping[str, Any], first_day: dt.date) -> Iterable[dt.date]:
    for each in asked.get("dateRanges", []):
        try:
            first, last = (dt.date.fromisoformat(each[end]) for end in ("startDate", "endDate"))
        except (KeyError, ValueError):
            raise _Refused(f"Invalid date range {each}. The sandbox knows days like 2026-11-09 only.") from None
        if first > last:
            raise _Refused(f"Invalid dateRange: startDate {first} is after endDate {last}.")
        first = max(first, first_day)
        yield from (first + dt.timedelta(days=offset) for offset in range((last - first).days + 1))


def _known(name: str, names: Iterable[str], kind: str) -> str:
    if name not in names:
        raise _Refused(f"Field {name} is not a valid {kind}. For a list of valid dimensions and metrics, see {_SCHEMA}")
    return name


def _metric(asked: Mapping[str, Any]) -> str:
    return _known(asked.get("expression", asked["name"]).replace(" ", ""), _METRICS, "metric")


def _sorted(
    rows: _Rows, order: Sequence[Mapping[str, Any]], dimensions: list[str], metrics: list[tuple[str, str]]
) -> _Rows:
    """The rows as they were asked for, else those with the most of the first metric first."""
    if metrics:
        rows = sorted(rows, key=lambda row: -_METRICS[metrics[0][1]][1](row[1]))
    for each in reversed(order):
        if "dimension" in each:
            place = dimensions.index(each["dimension"]["dimensionName"])
            rows = sorted(rows, key=lambda row, at=place: row[0][at], reverse=each.get("desc", False))  # type: ignore[misc]
    return rows


def _is_engaged(visit: WebVisit) -> bool:
    return visit.seconds >= _ENGAGED_SECONDS or not visit.bounce


def _source(visit: WebVisit) -> _Source:
    tags = {name: values[0] for name, values in parse_qs(urlsplit(visit.landing).query).items()}
    if "utm_campaign" in tags:
        source, medium = (tags.get(name, "(not set)") for name in ("utm_source", "utm_medium"))
        return _Source(_MEDIA.get(medium, "Unassigned"), tags["utm_campaign"], source, medium)
    if not visit.referrer:
        return _Source("Direct", "(direct)", "(direct)", "(none)")
    if visit.origin.channel == "search":
        return _Source("Organic Search", "(organic)", visit.origin.name.lower(), "organic")
    host = (urlsplit(visit.referrer).hostname or "").removeprefix("www.")
    is_social = any(host == known or host.endswith(f".{known}") for known in _SOCIAL_HOSTS)
    return _Source("Organic Social" if is_social else "Referral", "(referral)", host, "referral")


def _first_page(case: Case) -> Answer:
    """Wherever it was asked to begin, it begins at the first row."""
    if not isinstance(case.call.json, dict):
        return case.answer
    return case.ask(msgspec.structs.replace(case.call, json=case.call.json | {"offset": "0"}))


def _rate_limited(case: Case) -> Answer:
    message = (
        "Exhausted property tokens per project per hour. These quota tokens will return in under an hour. To learn "
        "more, see https://developers.google.com/analytics/devguides/reporting/data/v1/quotas"
    )
    return error(429, "RESOURCE_EXHAUSTED", message)


ROUTES: tuple[Route, ...] = (
    Route("POST", "/ga4/v1beta/properties/{property}:runReport", "ga4.runReport", run_report),
    Route("POST", "/ga4/token", "ga4.token", _token),
)

FAULT_ANSWERS: FaultAnswers = {
    "unauthorized": lambda case: unauthenticated(),
    "rate_limited": _rate_limited,
    "cursor_loop": _first_page,
    "duplicate_page": _first_page,
}
