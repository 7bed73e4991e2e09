"""Defects that take more than a change of single values: somebody else's answers, refusals, lists, logs."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from widerview.sandbox import bluesky, ga4, mastodon, plausible, umami
from widerview.sandbox.answer import Case
from widerview.sandbox.cast import PROFILES, Person, Platform
from widerview.sandbox.defects.change import Change, New, another_id, places, plus, read, replace
from widerview.sandbox.defects.places import LIKES

Known = Mapping[str, tuple[str, Callable[[Case], list[str]]]]
"""By route, the parameter that says whose answer is wanted, and what it may be."""


def _people(platform: Platform) -> list[Person]:
    return [
        account.person for profile in PROFILES for account in profile.accounts if account.person.platform == platform
    ]


def _of_another(route: str, name: str, known: Callable[[Case], list[str]]) -> Change:
    """The answer to the same question about the next account or site: a parameter, or a key of the JSON sent."""

    def new(content: Any, case: Case) -> Any:
        return case.ask(about_another(case, name, known(case)))

    return Change(route, "", new)


def about_another(case: Case, name: str, known: list[str]) -> Any:
    """The same question about the next of the known ones."""
    given = case.call.params if name in case.call.params else case.call.json or {}
    if given.get(name) not in known:
        return case.call
    other = {**given, name: known[(known.index(given[name]) + 1) % len(known)]}
    return msgspec.structs.replace(case.call, **{"params" if given is case.call.params else "json": other})


ANOTHERS_POSTS: Known = {
    "bluesky.getAuthorFeed": ("actor", lambda case: [bluesky.did(each) for each in _people("bluesky")]),
    "mastodon.statuses": (
        "id",
        lambda case: [mastodon.account_id(case.model, each) for each in _people("mastodon")],
    ),
    "instagram.media": ("id", lambda case: [each.platform_id for each in _people("instagram")]),
    "linkedin.posts": (
        "author",
        lambda case: [f"urn:li:organization:{each.platform_id}" for each in _people("linkedin")],
    ),
}
ANOTHERS_PROFILE: Known = {
    "bluesky.getProfile": ("actor", lambda case: [each.handle for each in _people("bluesky")]),
    "mastodon.lookup": ("acct", lambda case: [each.handle for each in _people("mastodon")]),
    "facebook.page": ("id", lambda case: [each.handle for each in _people("facebook")]),
    "linkedin.organizations": ("vanityName", lambda case: [each.handle for each in _people("linkedin")]),
}
ANOTHERS_SITE: Known = {
    "matomo.[VR]*": ("idSite", lambda case: [str(profile.site_id) for profile in PROFILES]),
    "ga4.runReport": ("property", lambda case: [ga4.property_id(profile) for profile in PROFILES]),
    "plausible.query": ("site_id", lambda case: [plausible.site_id(profile) for profile in PROFILES]),
    "umami.[se]*": ("id", lambda case: [umami.website_id(profile) for profile in PROFILES]),
}


def anothers(where: Known) -> list[Change]:
    """Answers about somebody else."""
    return [_of_another(route, name, known) for route, (name, known) in where.items()]


def anothers_likes(route: str) -> Change:
    """The posts are the account's own, their likes those of another account's posts, in the same order."""
    name, known = ANOTHERS_POSTS[route]

    def new(content: Any, case: Case) -> Any:
        other = read(case.ask(about_another(case, name, known(case))))
        own, others = ([*places({"": answer}, f".{LIKES[route]}")] for answer in (content, other))
        for (container, key), (anothers, place) in zip(own, others, strict=False):
            container[key] = anothers[place]
        return content

    return Change(route, "", new)


def retired(route: str, metric: str) -> Change:
    """The platform does not know a metric any more, and says so in its own words."""

    def new(content: Any, case: Case) -> Any:
        renamed = json.loads(json.dumps([dict(case.call.params), case.call.json]).replace(metric, f"{metric}_gone"))
        call = msgspec.structs.replace(case.call, params=renamed[0], json=renamed[1])
        refused = case.ask(call)
        return msgspec.structs.replace(refused, body=refused.body.replace(f"{metric}_gone".encode(), metric.encode()))

    return Change(route, "", new)


def among_posts(move: Callable[[list[Any]], list[Any]], where: Mapping[str, str]) -> list[Change]:
    """The values at a path change places among the posts of an answer."""

    def moved(path: str) -> New:
        def new(content: Any, case: Case) -> Any:
            found = list(places({"": content}, f".{path}"))
            for (container, key), value in zip(found, move([part[at] for part, at in found]), strict=True):
                container[key] = value
            return content

        return new

    return [Change(route, "", moved(path)) for route, path in where.items()]


def _is_split(report: dict[str, Any]) -> bool:
    """Whether a report of an analytics that has one route for all of them tells of parts of a day."""
    return len(report.get("dimensionHeaders") or report.get("query", {}).get("dimensions") or ()) > 1


def where_split(changes: list[Change], *, split: bool = True) -> list[Change]:
    """The changes, but only of reports on parts of a day, or (`split` is false) on whole days."""

    def guarded(change: Change) -> New:
        def new(report: Any, case: Case) -> Any:
            if _is_split(report) == split:
                replace({"": report}, f".{change.path}", lambda value: change.new(value, case))
            return report

        return new

    return [
        Change(change.route, "", guarded(change)) if change.route in {"ga4.runReport", "plausible.query"} else change
        for change in changes
    ]


def without_campaigns(report: Any, case: Case) -> Any:
    """Google's report, as if no link had a tag."""
    if "sessionCampaignName" not in (header["name"] for header in report["dimensionHeaders"]):
        return report
    rows = [row for row in report["rows"] if row["dimensionValues"][1]["value"].startswith("(")]
    return report | {"rows": rows, "rowCount": len(rows)}


def log(new: Callable[[list[str], Case], list[str]]) -> list[Change]:
    """The lines of a web server's log of a day become others."""

    def edited(text: str, case: Case) -> str:
        return "".join(f"{line}\n" for line in new(text.splitlines(), case))

    return [Change("access_log.file", "", edited)]


def anothers_log(lines: list[str], case: Case) -> list[str]:
    """Another website's log of the same day."""
    others = [profile.key for profile in PROFILES]
    call = about_another(case, "client", others)
    return case.ask(call).body.decode().splitlines()


def with_paid(views: list[dict[str, Any]], case: Case) -> list[dict[str, Any]]:
    """Facebook's split of views by ads, as one that forgot the split: both together, and no ads."""
    together: dict[Any, int] = {}
    for view in views:
        together[view.get("end_time")] = together.get(view.get("end_time"), 0) + view["value"]
    return [
        view | {"value": together[view.get("end_time")] if view["is_from_ads"] == "0" else 0}
        for view in views
        if "is_from_ads" in view
    ] or views


def renamed(old: str, new_name: str) -> New:
    """A part under another key."""
    return lambda item, case: {new_name if key == old else key: value for key, value in item.items()}


def again_but_different(items: list[Any], case: Case) -> list[Any]:
    """The first post again, ten likes and a word further."""

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"{part} (edited)" if key in _WORDS else plus(10)(part, case) if key in _LIKED else other(part)
                for key, part in value.items()
            }
        return [other(part) for part in value] if isinstance(value, list) else value

    return [*items, *(other(copy.deepcopy(item)) for item in items[:1])]


_WORDS = {"text", "content", "message", "caption", "commentary", "description"}
_LIKED = {"likeCount", "favourites_count", "like_count", "likes"}


def under_new_ids(path: str) -> New:
    """Every post once more, with the id of none that is there."""

    def new(items: list[Any], case: Case) -> list[Any]:
        others = copy.deepcopy(items)
        for other in others:
            replace(other, path, lambda value: another_id(value, case))
        return [*items, *others]

    return new
