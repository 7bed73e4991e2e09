"""The sandbox's Pinterest: API v5, as the owner of the one business account sees it.

Shapes follow Pinterest's OpenAPI contract 5.23.0 and answers recorded in 2022 and 2024.
"""

import base64
import datetime as dt
import json
from typing import Any

from widerview.sandbox.answer import Answer, Call, Case, FaultAnswers, Handler, Route, json_answer
from widerview.sandbox.model import Account, Post, Profile, Simulation, platform_id, post_number

TOKEN = "pina_5a11db0cPINTEREST5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The access token the sandbox's Pinterest wants."""
REFRESH_TOKEN = "pinr.5a11db0cPINTEREST5a11db0c"  # noqa: S105
"""What a new access token is got with; every renewal gives another."""
CLIENT_ID = "1500000"
CLIENT_SECRET = "5a11db0c5a11db0c5a11db0c5a11db0c"  # noqa: S105
"""The app's, for new access tokens."""

_RENEWED, _RENEWED_REFRESH = "pina_new5a11db0c.", "pinr.new5a11db0c."
_METRICS = ("ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE")
_RATES = {f"{name}_RATE": name for name in _METRICS if name != "IMPRESSION"}
_QUARTERS = {"YOUR_PINS": 4, "OTHER_PINS": 1, "ALL": 5}
"""Whose pins are counted, in quarters of the account's own: what others made of its website draws one more quarter."""
_KEPT_DAYS = 90
_UNREADY_DAYS = 2
_MOST_A_PAGE = 250
_DAY = dt.timedelta(days=1)
_ACCESS_LIVES = 30 * _DAY
_REFRESH_LIVES = 60 * _DAY
_SIZES = {"150x150": (150, 150), "400x300": (400, 300), "600x": (600, 450), "1200x": (1200, 900)}

Json = dict[str, Any]


def user_account(model: Simulation, call: Call) -> Answer:
    """`/v5/user_account`: whom the token belongs to."""
    profile, account = _owner(model)
    pins = model.own_posts(profile.key, "pinterest", call.now)
    return json_answer({
        "account_type": "BUSINESS",
        "id": account.platform_id,
        "profile_image": f"https://i.pinimg.example/280x280/{account.platform_id}.jpg",
        "website_url": profile.url,
        "username": account.person.handle,
        "about": profile.about,
        "business_name": account.person.name,
        "board_count": 4,
        "pin_count": account.earlier_posts + len(pins),
        "follower_count": model.followers_at(profile.key, "pinterest", call.now),
        "following_count": 120 + len(account.person.name),
        "monthly_views": sum(pin.count("views", call.now) - pin.count("views", call.now - 30 * _DAY) for pin in pins),
    })  # fmt: skip


def analytics(model: Simulation, call: Call) -> Answer:
    """`/v5/user_account/analytics`: the account's days, and their sum; the newest days are not ready."""
    profile, _ = _owner(model)
    names = call.params.get("metric_types", ",".join((*_METRICS, *_RATES))).split(",")
    content_type, source = call.params.get("content_type", "ALL"), call.params.get("source", "ALL")
    try:
        first, last = (dt.date.fromisoformat(call.params.get(name, "")) for name in ("start_date", "end_date"))
    except ValueError:
        return _wrong_parameters()
    today = call.now.astimezone(dt.UTC).date()
    known = set(names) <= {*_METRICS, *_RATES} and content_type in {"ALL", "PAID", "ORGANIC"} and source in _QUARTERS
    if not known or not (today - _KEPT_DAYS * _DAY <= first <= last <= first + _KEPT_DAYS * _DAY):
        return _wrong_parameters()
    days = []
    totals = dict.fromkeys(_METRICS, 0)
    for day in (first + n * _DAY for n in range((last - first).days + 1)):
        ready = day <= today - _UNREADY_DAYS * _DAY
        counted = dict.fromkeys(_METRICS, 0)
        if ready:
            own = _counts(model, profile, day, content_type, call.now)
            counted = {name: own[name] * _QUARTERS[source] // 4 for name in _METRICS}
        totals = {name: totals[name] + counted[name] for name in _METRICS}
        status = "READY" if ready else "PROCESSING"
        days.append({"date": str(day), "data_status": status, "metrics": _metrics(counted, names)})
    return json_answer({"all": {"summary_metrics": _metrics(totals, names), "daily_metrics": days}})


def pins(model: Simulation, call: Call) -> Answer:
    """`/v5/pins`: the account's pins, newest first, in pages that a bookmark leads through."""
    profile, account = _owner(model)
    size = call.params.get("page_size", "25")
    if not size.isdecimal() or not 1 <= int(size) <= _MOST_A_PAGE:
        return _error(400, 1, f"{size!r} is not a valid page_size, which is between 1 and {_MOST_A_PAGE}.")
    start = _read_bookmark(call.params.get("bookmark", ""))
    if start is None:
        return _error(400, 1, "Invalid bookmark.")
    every = model.own_posts(profile.key, "pinterest", call.now)
    end = start + int(size)
    with_metrics = call.params.get("pin_metrics") == "true"
    items = [_pin(model, account, post, call.now, with_metrics=with_metrics) for post in every[start:end]]
    return json_answer({"items": items, "bookmark": _bookmark(end) if end < len(every) else None})


def token(model: Simulation, call: Call) -> Answer:
    """`/v5/oauth/token`: a new access token, and a new refresh token, for a refresh token."""
    app = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    if call.headers.get("authorization") != f"Basic {app}":
        return _unauthorized()
    given = call.params.get("refresh_token", "")
    known = given == REFRESH_TOKEN or given.startswith(_RENEWED_REFRESH)
    if call.params.get("grant_type") != "refresh_token" or not known:
        return _error(400, 283, "Your refresh token is invalid, expired or revoked.")
    lives = round(_REFRESH_LIVES.total_seconds())
    return json_answer({
        "response_type": "refresh_token",
        "access_token": f"{_RENEWED}{call.now:%Y%m%d%H%M%S}",
        "token_type": "bearer",
        "expires_in": round(_ACCESS_LIVES.total_seconds()),
        "scope": "boards:read pins:read user_accounts:read",
        "refresh_token": f"{_RENEWED_REFRESH}{call.now:%Y%m%d%H%M%S}",
        "refresh_token_expires_in": lives,
        "refresh_token_expires_at": round(call.now.timestamp()) + lives,
    })  # fmt: skip


def _guarded(handler: Handler) -> Handler:
    """Answers only who shows the account's token."""

    def answer(model: Simulation, call: Call) -> Answer:
        shown = call.headers.get("authorization", "").removeprefix("Bearer ")
        return handler(model, call) if shown == TOKEN or shown.startswith(_RENEWED) else _unauthorized()

    return answer


def _owner(model: Simulation) -> tuple[Profile, Account]:
    return next(iter(model.accounts("pinterest")))


def _counts(model: Simulation, profile: Profile, day: dt.date, content_type: str, now: dt.datetime) -> dict[str, int]:
    """What happened on a day (UTC), organic, paid or both; Pinterest adds saves and both kinds of clicks up."""

    def count(kind: str) -> int:
        return 0 if content_type == "PAID" else model.account_day(profile.key, "pinterest", kind, day, dt.UTC, now)

    paid, _ = model.ad_views_day(profile.key, "pinterest", day, dt.UTC, now)
    saves, clicks, links = count("bookmarks"), count("clicks"), count("link_clicks")
    return {
        "ENGAGEMENT": saves + clicks + links,
        "IMPRESSION": count("views") + (0 if content_type == "ORGANIC" else paid),
        "OUTBOUND_CLICK": links,
        "PIN_CLICK": clicks,
        "SAVE": saves,
    }


def _metrics(counted: dict[str, int], names: list[str]) -> Json:
    shown = counted["IMPRESSION"]
    rates = {rate: counted[name] / shown if shown else 0.0 for rate, name in _RATES.items()}
    return {name: rates[name] if name in rates else counted[name] for name in names}


def _pin(model: Simulation, account: Account, post: Post, now: dt.datetime, *, with_metrics: bool) -> Json:
    id_ = post_number(post, 18)
    images = {
        size: {"width": width, "height": height, "url": f"https://i.pinimg.example/{size}/{id_}.jpg"}
        for size, (width, height) in _SIZES.items()
    }
    return {
        "id": id_,
        "created_at": post.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "title": "",
        "description": post.text,
        "link": post.link,
        "alt_text": post.image,
        "dominant_color": "#cacafe",
        "board_id": platform_id("pinterest", f"{account.person.handle} board"),
        "board_section_id": None,
        "board_owner": {"username": account.person.handle},
        "parent_pin_id": None,
        "is_owner": True,
        "is_standard": True,
        "has_been_promoted": False,
        "creative_type": "REGULAR",
        "media": {"media_type": "image", "images": images},
        "pin_metrics": _pin_metrics(model, post, now) if with_metrics else None,
    }


def _pin_metrics(model: Simulation, post: Post, now: dt.datetime) -> Json:
    kinds = {"impression": "views", "pin_click": "clicks", "clickthrough": "link_clicks", "save": "bookmarks"}
    before = now - _KEPT_DAYS * _DAY
    recent = {name: post.count(kind, now) - post.count(kind, before) for name, kind in kinds.items()}
    ever = {name: post.count(kind, now) for name, kind in kinds.items()}
    social = {"reaction": post.count("likes", now), "comment": len(model.replies(post, now))}
    return {"90d": recent, "lifetime_metrics": ever | social}


def _bookmark(start: int) -> str:
    return base64.urlsafe_b64encode(f"pins|{start}".encode()).decode()


def _read_bookmark(bookmark: str) -> int | None:
    """How many pins lie before the page; None for no bookmark of ours."""
    try:
        kind, _, start = base64.urlsafe_b64decode(bookmark).decode().partition("|")
    except ValueError:
        return None
    if not bookmark:
        return 0
    return int(start) if kind == "pins" and start.isdecimal() else None


def _error(status: int, code: int, message: str) -> Answer:
    return json_answer({"code": code, "message": message}, status=status)


def _unauthorized() -> Answer:
    return _error(401, 2, "Authentication failed.")


def _wrong_parameters() -> Answer:
    return _error(400, 400, "Invalid user accounts analytics parameters.")


def _rate_limited(case: Case) -> Answer:
    told = "This request exceeded a rate limit."
    headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{case.seconds:.0f}"}
    return json_answer({"code": 8, "message": told}, status=429, headers=headers)


def _cursor_loop(case: Case) -> Answer:
    """The first page for ever, whose bookmark leads to it."""
    return json_answer(json.loads(case.ask_without("bookmark").body) | {"bookmark": _bookmark(0)})


def _duplicate_page(case: Case) -> Answer:
    """The pins of the first page once more, while the way onward is the right one."""
    first, honest = json.loads(case.ask_without("bookmark").body), json.loads(case.answer.body)
    return json_answer({**first, "bookmark": honest.get("bookmark")})


ROUTES: tuple[Route, ...] = (
    Route("GET", "/pinterest/v5/user_account", "pinterest.user_account", _guarded(user_account)),
    Route("GET", "/pinterest/v5/user_account/analytics", "pinterest.analytics", _guarded(analytics)),
    Route("GET", "/pinterest/v5/pins", "pinterest.pins", _guarded(pins)),
    Route("POST", "/pinterest/v5/oauth/token", "pinterest.token", token),
)

FAULT_ANSWERS: FaultAnswers = {
    "rate_limited": _rate_limited,
    "unauthorized": lambda case: _unauthorized(),
    "cursor_loop": _cursor_loop,
    "duplicate_page": _duplicate_page,
}
