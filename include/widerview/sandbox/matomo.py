"""The sandbox's Matomo 5 Reporting API, made from the model's single visits.

Shapes follow answers of a Matomo 5.0.2 recorded in November 2026. What is imitated on purpose, because it bites:
errors come with HTTP 200, a wrong token with HTTP 401 and an HTML page, an empty day is `[]` and not an object,
rates are text (`"31%"`), weekly uniques are not the sum of daily ones and are missing for `period=range`, tables end
after 100 rows unless `filter_limit` says otherwise, and `flat=1` leaves out visits of a campaign that carry no
keyword when others of it do. Core Matomo knows a campaign's name and keyword (`utm_term`); the links of the sandbox
repeat `utm_source` in it, so that poster and newsletter can be told apart.
"""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote_plus

import numpy as np
from numpy.typing import NDArray

from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route
from widerview.sandbox.model import Origin, Profile, Simulation
from widerview.sandbox.website import web_visits

_DEFAULT_LIMIT = 100
_PERIODS = ("day", "week", "month", "year", "range")

Json = dict[str, Any]
Visits = NDArray[np.void]
Report = Callable[[Simulation, Profile, Visits, Call], object]


class _Refused(Exception):
    """Matomo's way of saying no: HTTP 200, `result` is `error`, and this message."""


def answer(model: Simulation, call: Call) -> Answer:
    """`POST /index.php`: any method of the Reporting API that the sandbox knows."""
    method = call.params.get("method", "")
    token = call.params.get("token_auth", "")
    site = call.params.get("idSite", "")
    if token not in {"", MATOMO_TOKEN}:
        return _html(401, "Unable to authenticate with the provided token. It is either invalid or expired.")
    if not token:
        message = f"You can't access this resource as it requires 'view' access for the website id = {site}."
        return _json({"result": "error", "message": message}, status=401)
    if method == "API.getMatomoVersion":
        return _json({"value": "5.0.2"})
    try:
        if method not in _METHODS:
            raise _Refused(_unknown(method))
        profile = next((profile for profile in model.profiles if str(profile.site_id) == site), None)
        if profile is None:
            raise _Refused(f"An unexpected website was found in the request: website id was set to '{site}' .")
        return _json(_METHODS[method](model, profile, call))
    except _Refused as refused:
        return _json({"result": "error", "message": str(refused)})


def _unknown(method: str) -> str:
    plugin, _, name = method.partition(".")
    if plugin in {known.split(".")[0] for known in _METHODS}:
        return (
            f"The method '{name}' does not exist or is not available in the module '\\Piwik\\Plugins\\{plugin}\\API'."
        )
    return f"The plugin {plugin} is not enabled. You can activate the plugin on Settings &gt; Plugins page in Matomo."


def _json(content: object, *, status: int = 200) -> Answer:
    # PHP's json_encode escapes every slash and everything beyond ASCII.
    body = json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode()
    return Answer(body=body, status=status, headers={"content-type": "application/json; charset=utf-8"})


def _html(status: int, message: str) -> Answer:
    page = (
        '<!DOCTYPE html>\n<html>\n<head>\n\t<meta charset="utf-8">\n\t<title>Matomo &rsaquo; Error</title>\n</head>\n'
        f'<body id="simple">\n<div class="content"><h2>{message}</h2></div>\n</body>\n</html>\n'
    )
    return Answer(body=page.encode(), status=status, headers={"content-type": "text/html; charset=utf-8"})


def _site(model: Simulation, profile: Profile, call: Call) -> object:
    region, city = str(profile.zone).split("/")
    return {
        "idsite": profile.site_id,
        "name": profile.name,
        "main_url": profile.url,
        "ts_created": f"{model.first_day:%Y-%m-%d} 00:00:00",
        "ecommerce": 0,
        "sitesearch": 1,
        "sitesearch_keyword_parameters": "",
        "sitesearch_category_parameters": "",
        "timezone": str(profile.zone),
        "currency": "EUR",
        "exclude_unknown_urls": 0,
        "excluded_ips": "",
        "excluded_parameters": "",
        "excluded_user_agents": "",
        "excluded_referrers": "",
        "group": "",
        "type": "website",
        "keep_url_fragment": 0,
        "creator_login": "sandbox",
        "timezone_name": f"{region} - {city}",
        "currency_name": "Euro",
    }


def _reported(report: Report) -> Callable[[Simulation, Profile, Call], object]:
    """A report over time: one table for one period, an object of tables by date for a list of periods."""

    def by_period(model: Simulation, profile: Profile, call: Call) -> object:
        today = call.now.astimezone(profile.zone).date()
        period = call.params.get("period", "")
        periods = list(_periods(period, call.params.get("date", ""), today))
        tables = {
            name: report(model, profile, model.visits(profile.key, first, last, call.now), call)
            for name, first, last in periods
        }
        several = period != "range" and "," in call.params["date"]
        return tables if several else next(iter(tables.values()))

    return by_period


def _periods(period: str, date: str, today: dt.date) -> Iterable[tuple[str, dt.date, dt.date]]:
    """Name, first and last day of each period asked for."""
    if period not in _PERIODS:
        offered = ", ".join(_PERIODS)
        raise _Refused(f"The period '{period}' is not supported. Try any of the following instead: {offered}")
    if period in {"month", "year"}:
        raise _Refused(f"The sandbox does not know the period '{period}'. Ask for day, week or range.")
    first, *rest = (_day(text, today) for text in date.split(","))
    last = rest[0] if rest else first
    if period == "range":
        yield date, first, last
    elif period == "day":
        for n in range((last - first).days + 1):
            day = first + dt.timedelta(days=n)
            yield day.isoformat(), day, day
    else:
        monday = first - dt.timedelta(days=first.weekday())
        while monday <= last:
            sunday = monday + dt.timedelta(days=6)
            yield f"{monday},{sunday}", monday, sunday
            monday += dt.timedelta(days=7)


def _day(text: str, today: dt.date) -> dt.date:
    if text in {"today", "yesterday"}:
        return today - dt.timedelta(days=text == "yesterday")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _Refused(
            f"Date format must be: YYYY-MM-DD, or 'today' or 'yesterday' or any keyword supported by the strtotime "
            f"function (see http://php.net/strtotime for more information): {text}"
        ) from None


def _visits_summary(model: Simulation, profile: Profile, visits: Visits, call: Call) -> object:
    if not len(visits):
        return []
    sums = _sums(visits)
    bounces, count = sums["bounce_count"], sums["nb_visits"]
    uniques = {"day": "unique_in_day", "week": "unique_in_week"}.get(call.params["period"])
    return {
        **({"nb_uniq_visitors": int(np.count_nonzero(visits[uniques])), "nb_users": 0} if uniques else {}),
        "nb_visits": count,
        "nb_actions": sums["nb_actions"],
        "nb_visits_converted": 0,
        "bounce_count": bounces,
        "sum_visit_length": sums["sum_visit_length"],
        "max_actions": sums["max_actions"],
        "bounce_rate": f"{_rounded(100 * bounces / count)}%",
        "nb_actions_per_visit": _rounded(sums["nb_actions"] / count, 1),
        "avg_time_on_site": _rounded(sums["sum_visit_length"] / count),
    }


def _rounded(value: float, digits: int = 0) -> int | float:
    """Rounded half up, as PHP does, and without a point where there is nothing behind it."""
    scale = 10**digits
    result = math.floor(value * scale + 0.5) / scale
    return int(result) if result == int(result) else result


def _sums(visits: Visits) -> dict[str, int]:
    return {
        "nb_visits": len(visits),
        "nb_actions": int(visits["actions"].sum()),
        "max_actions": int(visits["actions"].max()),
        "sum_visit_length": int(visits["seconds"].sum()),
        "bounce_count": int(np.count_nonzero(visits["actions"] == 1)),
        "nb_visits_converted": 0,
    }


def _row(label: str, visits: Visits, call: Call, **rest: object) -> Json:
    """A row of a table. Uniques of several days are the sum of the days', under another name."""
    uniques = int(np.count_nonzero(visits["unique_in_day"]))
    if call.params["period"] == "day":
        return {"label": label, "nb_uniq_visitors": uniques, "nb_users": 0, **_sums(visits), **rest}
    return {"label": label, **_sums(visits), "sum_daily_nb_uniq_visitors": uniques, "sum_daily_nb_users": 0, **rest}


def _limited(rows: list[Json], call: Call) -> list[Json]:
    """The rows in Matomo's order, the part of them that was asked for."""
    rows = sorted(rows, key=lambda row: (-int(row.get("nb_visits") or row["entry_nb_visits"]), row["label"]))
    limit, offset = int(call.params.get("filter_limit", _DEFAULT_LIMIT)), int(call.params.get("filter_offset", 0))
    return rows[offset:] if limit < 0 else rows[offset : offset + limit]


def _split(
    model: Simulation, profile: Profile, visits: Visits, by: Callable[[Origin], str | None]
) -> dict[str, Visits]:
    """The visits by whatever `by` says of their origin; those of which it says None are left out."""
    groups: dict[str, list[int]] = {}
    for index, origin in enumerate(model.origins(profile.key)):
        if (name := by(origin)) is not None:
            groups.setdefault(name, []).append(index)
    split = {name: visits[np.isin(visits["origin"], indices)] for name, indices in groups.items()}
    return {name: rows for name, rows in split.items() if len(rows)}


_TYPES: dict[str, tuple[int, str]] = {
    "direct": (1, "Direct Entry"),
    "search": (2, "Search Engines"),
    "website": (3, "Websites"),
    "campaign": (6, "Campaigns"),
    "social": (7, "Social Networks"),
}
_HOSTS = {
    "Bluesky": "bsky.app",
    "Mastodon": "mastodon.social",
    "Instagram": "instagram.com",
    "LinkedIn": "linkedin.com",
    "Reddit": "reddit.com",
}


def _referrer_types(model: Simulation, profile: Profile, visits: Visits, call: Call) -> object:
    rows = []
    for channel, own in _split(model, profile, visits, lambda origin: origin.channel).items():
        number, label = _TYPES[channel]
        below = {} if channel == "direct" else {"idsubdatatable": number}
        rows.append(_row(label, own, call, segment=f"referrerType=={channel}", referrer_type=number, **below))
    return _limited(rows, call)


def _socials(model: Simulation, profile: Profile, visits: Visits, call: Call) -> object:
    split = _split(model, profile, visits, lambda origin: origin.name if origin.channel == "social" else None)
    rows = [
        _row(
            network,
            own,
            call,
            url=_HOSTS[network],
            logo=f"plugins/Morpheus/icons/dist/socials/{_HOSTS[network]}.png",
            segment=f"referrerType==social;referrerName=={network}",
            idsubdatatable=number,
        )
        for number, (network, own) in enumerate(split.items(), 1)
    ]
    return _limited(rows, call)


def _campaigns(model: Simulation, profile: Profile, visits: Visits, call: Call) -> object:
    split = _split(model, profile, visits, lambda origin: origin.name if origin.channel == "campaign" else None)
    rows: list[Json] = []
    for number, (name, own) in enumerate(split.items(), 1):
        keywords = _keyword_rows(model, profile, own, name, call)
        if call.params.get("flat") == "1" and keywords:
            rows += [{**row, "label": f"{name} - {row['label']}"} for row in keywords]
            continue
        below: Json = {"idsubdatatable": number} if keywords else {}
        if keywords and call.params.get("expanded") == "1":
            below["subtable"] = keywords
        rows.append(_row(name, own, call, segment=f"referrerType==campaign;referrerName=={quote_plus(name)}", **below))
    return _limited(rows, call)


def _keyword_rows(model: Simulation, profile: Profile, visits: Visits, campaign: str, call: Call) -> list[Json]:
    head = f"referrerName=={quote_plus(campaign)};referrerType==campaign;referrerKeyword=="
    split = _split(model, profile, visits, lambda origin: origin.keyword or None)
    rows = [_row(keyword, own, call, segment=head + quote_plus(keyword)) for keyword, own in split.items()]
    return sorted(rows, key=lambda row: (-row["nb_visits"], row["label"]))


def _campaign_keywords(model: Simulation, profile: Profile, visits: Visits, call: Call) -> object:
    split = _split(model, profile, visits, lambda origin: origin.name if origin.channel == "campaign" else None)
    for number, (name, own) in enumerate(split.items(), 1):
        if str(number) == call.params.get("idSubtable"):
            return _limited(_keyword_rows(model, profile, own, name, call), call)
    return []


def _entry_pages(model: Simulation, profile: Profile, call: Call) -> object:
    """The pages on which visits of each day began, as a flat table; the one segment the sandbox knows is campaigns."""
    period, date, segment = (call.params.get(name, "") for name in ("period", "date", "segment"))
    if segment not in {"", "referrerType==campaign"}:
        raise _Refused(f"Segment '{segment}' is not a supported segment.")
    if period != "day" or call.params.get("flat") != "1":
        raise _Refused("The sandbox knows the entry pages of single days only, as a flat table.")
    pattern = re.compile(call.params.get("filter_pattern", ""), re.IGNORECASE)
    tables: dict[str, list[Json]] = {}
    for name, day, _ in _periods(period, date, call.now.astimezone(profile.zone).date()):
        entries: dict[str, int] = {}
        for visit in web_visits(model, profile.key, day, call.now, late=True):
            if not segment or visit.origin.channel == "campaign":
                entries[visit.pages[0].path] = entries.get(visit.pages[0].path, 0) + 1
        rows = [
            # What it has summed up of a visit's beginning comes as text.
            {"label": label, "entry_nb_visits": str(count), "url": f"{profile.url}{path}"}
            for path, count in entries.items()
            if pattern.search(label := "/index" if path == "/" else path)
        ]
        tables[name] = _limited(rows, call)
    return tables if "," in date else next(iter(tables.values()))


_METHODS: dict[str, Callable[[Simulation, Profile, Call], object]] = {
    "SitesManager.getSiteFromId": _site,
    "VisitsSummary.get": _reported(_visits_summary),
    "Actions.getEntryPageUrls": _entry_pages,
    "Referrers.getReferrerType": _reported(_referrer_types),
    "Referrers.getSocials": _reported(_socials),
    "Referrers.getCampaigns": _reported(_campaigns),
    "Referrers.getKeywordsFromCampaignId": _reported(_campaign_keywords),
}


ROUTES: tuple[Route, ...] = (Route("POST", "/index.php", "matomo", answer),)

FAULT_ANSWERS: FaultAnswers = {}
