"""The sandbox's Umami 3, made from the model's single visits.

Shapes follow answers of an Umami 3.1.0 recorded in November 2026. What is imitated on purpose, because it bites: sums
of single names come as text (`"17"`), an administrator is told zeros of a website that does not exist, and a referrer
belongs to the page view that it led to, not to the visit, so that the other page views of the visit have none. The
entry of a visit is its first page view in the time that is asked for.

`/umami/api` is opened by the token of a login, `/umami/v1` by a key, as the vendor's cloud is.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route, json_answer
from widerview.sandbox.model import Profile, Simulation
from widerview.sandbox.website import web_visits

LOGIN = "widerview"
TOKEN = "sandbox-umami-password-1c9d"  # noqa: S105 - opens nothing but the sandbox
"""The password of the user `LOGIN`, and the key of what plays the cloud."""

_SESSION = "sandbox-umami-session-0a6f44f2f6"
_USER = "41e2b680-648e-4b09-bcd7-3e2b10c06264"
_MOST_ROWS = 500


class _View(NamedTuple):
    """A page view, as Umami keeps it."""

    at: dt.datetime
    visit: str
    visitor: str
    query: str
    referrer: str
    entry: str


class _Refused(Exception):
    """What is asked for in the wrong way: HTTP 400; the text names the parameter, if any."""


def website_id(profile: Profile) -> str:
    """What Umami knows a client's website by."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, profile.url))


def login(model: Simulation, call: Call) -> Answer:
    """`POST /umami/api/auth/login`."""
    if call.json != {"username": LOGIN, "password": TOKEN}:
        return _error(401, "Unauthorized", "incorrect-username-password")
    user = {"id": _USER, "username": LOGIN, "role": "admin", "createdAt": "2026-01-05T08:00:00.000Z", "isAdmin": True}
    return json_answer({"token": _SESSION, "user": user})


def _website(model: Simulation, profile: Profile | None, call: Call) -> object:
    if profile is None:
        return None
    created = f"{_midnight(profile, model.first_day).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return {
        "id": website_id(profile),
        "name": profile.name,
        "domain": urlsplit(profile.url).hostname,
        "resetAt": None,
        "userId": _USER,
        "teamId": None,
        "createdBy": _USER,
        "createdAt": created,
        "updatedAt": created,
        "deletedAt": None,
        "replayEnabled": False,
        "replayConfig": None,
        "shareId": None,
    }


def _daterange(model: Simulation, profile: Profile | None, call: Call) -> object:
    if profile is None:
        return {"startDate": None, "endDate": None}
    first = next(_views(model, profile, call.now, _midnight(profile, model.first_day), call.now)).at
    return {"startDate": _iso(first), "endDate": _iso(call.now)}


def _stats(model: Simulation, profile: Profile | None, call: Call) -> object:
    views = list(_asked_for(model, profile, call))
    nothing = dict.fromkeys(("pageviews", "visitors", "visits", "bounces", "totaltime"), 0)
    return {**_sums(views), "comparison": nothing}


def _expanded(model: Simulation, profile: Profile | None, call: Call) -> object:
    kinds: dict[str, Callable[[_View], str]] = {
        "referrer": lambda view: view.referrer,
        "query": lambda view: view.query,
        "entry": lambda view: view.entry,
    }
    name_of = kinds.get(call.params.get("type", ""))
    if name_of is None:
        raise _Refused
    operator, _, wanted = call.params.get("query", "").partition(".")
    groups: dict[str, list[_View]] = {}
    for view in _asked_for(model, profile, call):
        name = name_of(view)
        kept = not wanted or (wanted in view.query) == (operator in {"c", "eq"})
        if name and kept and call.params.get("search", "") in name:
            groups.setdefault(name, []).append(view)
    rows: list[dict[str, Any]] = []
    for name, views in groups.items():
        sums = _sums(views)
        rows.append({"name": name, **sums, "pageviews": str(sums["pageviews"]), "totaltime": str(sums["totaltime"])})
    rows.sort(key=lambda row: (-row["visitors"], -row["visits"], row["name"]))
    offset, limit = _number(call, "offset", 0), _number(call, "limit", _MOST_ROWS)
    return rows[offset : offset + limit]


def _sums(views: list[_View]) -> dict[str, int]:
    visits: dict[str, list[dt.datetime]] = {}
    for view in views:
        visits.setdefault(view.visit, []).append(view.at)
    return {
        "pageviews": len(views),
        "visitors": len({view.visitor for view in views}),
        "visits": len(visits),
        "bounces": sum(len(moments) == 1 for moments in visits.values()),
        "totaltime": sum(int((max(moments) - min(moments)).total_seconds()) for moments in visits.values()),
    }


def _asked_for(model: Simulation, profile: Profile | None, call: Call) -> Iterator[_View]:
    """The page views between the two moments that a question names."""
    begins, ends = (dt.datetime.fromtimestamp(_number(call, name) / 1000, dt.UTC) for name in ("startAt", "endAt"))
    return iter(()) if profile is None else _views(model, profile, call.now, begins, ends)


def _views(
    model: Simulation, profile: Profile, now: dt.datetime, begins: dt.datetime, ends: dt.datetime
) -> Iterator[_View]:
    day, last = (moment.astimezone(profile.zone).date() for moment in (begins, min(ends, now)))
    while day <= last:
        for number, visit in enumerate(web_visits(model, profile.key, day, now)):
            for place, page in enumerate(visit.pages):
                if begins <= page.at <= min(ends, now):
                    host = urlsplit(visit.referrer).hostname or ""
                    yield _View(
                        at=page.at,
                        visit=f"{day}/{number}",
                        visitor=f"{day}/{visit.visitor}",
                        query="" if place else urlsplit(visit.landing).query,
                        referrer="" if place else host.removeprefix("www."),
                        entry="" if place else page.path,
                    )
        day += dt.timedelta(days=1)


def _number(call: Call, name: str, otherwise: int | None = None) -> int:
    text = call.params.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    if not text.isdigit():
        raise _Refused(name)
    return int(text)


def _midnight(profile: Profile, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), profile.zone)


def _iso(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _error(status: int, message: str, code: str, **more: object) -> Answer:
    return json_answer({"error": {"message": message, "code": code, "status": status, **more}}, status=status)


def _opened(tell: Callable[[Simulation, Profile | None, Call], object]) -> Callable[[Simulation, Call], Answer]:
    """What is answered to those with the token of a login, or with a key."""

    def answer(model: Simulation, call: Call) -> Answer:
        by_key = call.path.startswith("/umami/v1/") and call.headers.get("x-umami-api-key") == TOKEN
        if not by_key and call.headers.get("authorization") != f"Bearer {_SESSION}":
            return _error(401, "Unauthorized", "unauthorized")
        profile = next((each for each in model.profiles if website_id(each) == call.params["id"]), None)
        try:
            return json_answer(tell(model, profile, call))
        except _Refused as refused:
            wrong = "Invalid input: expected number, received NaN"
            named = {"errors": [], "properties": {str(refused): {"errors": [wrong]}}} if str(refused) else {}
            return _error(400, "Bad request", "bad-request", **named)

    return answer


ROUTES: tuple[Route, ...] = (
    Route("POST", "/umami/api/auth/login", "umami.login", login),
    *(
        Route("GET", f"/umami/{root}/websites/{{id}}{path}", f"umami.{name}", _opened(tell))
        for root in ("api", "v1")
        for path, name, tell in (
            ("", "website", _website),
            ("/daterange", "daterange", _daterange),
            ("/stats", "stats", _stats),
            ("/metrics/expanded", "expanded", _expanded),
        )
    ),
)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": lambda case: _error(429, "Too many requests", "too-many-requests"),
    "unauthorized": lambda case: _error(401, "Unauthorized", "unauthorized"),
}
