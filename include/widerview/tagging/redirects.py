"""Redirect rules for the client's web server: each short path leads to the tagged page of the asset that has it.

They answer 302 (RFC 9110, 15.4.3), which no browser remembers, so that a printed path can be pointed elsewhere; the
query that a visitor brings along is kept. Whose a path was on which day, the dates in the client's file say.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from widerview.agency.models import Client
from widerview.tagging.links import Planned, plan


class Redirect(NamedTuple):
    """Where a short path leads.

    Attributes:
        host: The website, as its landing page writes it.
        path: The short path.
        target: The tagged page.
        name: The asset.
        campaign: Its campaign's key.
        since: The first day of it.
    """

    host: str
    path: str
    target: str
    name: str
    campaign: str
    since: dt.date


def redirects(client: Client, day: dt.date) -> list[Redirect]:
    """Where the short paths lead on a day, by website and path.

    A path that nobody has yet leads where it will first lead, so that it can be tried out before it is printed.
    """
    everyone = sorted(_all(client), key=lambda each: each.since)
    holders: dict[str, Redirect] = {}
    for each in everyone:
        if each.path not in holders or each.since <= day:
            holders[each.path] = each
    return sorted(holders.values())


def changes_after(client: Client, day: dt.date) -> list[Redirect]:
    """What will be pointed elsewhere after a day: then the rules have to be printed again."""
    now = {each.path: each for each in redirects(client, day)}
    return sorted((each for each in _all(client) if each.since > day and now[each.path] != each), key=lambda e: e.since)


def _all(client: Client) -> Iterable[Redirect]:
    for campaign in client.campaigns:
        for line in plan(client, campaign):
            asset, page, link = line.asset, line.page, line.link
            if asset and page and link and asset.short_path:
                yield Redirect(
                    urlsplit(page).netloc, asset.short_path, _safe(link), _in_a_comment(line), campaign.key,
                    campaign.days_of(asset)[0],
                )  # fmt: skip


def _safe(link: str) -> str:
    """The same address without any character that has a meaning of its own in a server's settings."""
    parts = urlsplit(link)
    path, query = quote(parts.path, safe="/%-._~@+,="), quote(parts.query, safe="/%-._~@+,=&?")
    return f"{parts.scheme}://{parts.netloc}{path}?{query}"


def _in_a_comment(line: Planned) -> str:
    return line.name.replace("\\", "/")  # at the end of a line it would join it with the next


def _nginx(each: Redirect) -> Iterable[str]:
    # `redirect` answers 302; the arguments of the request are added behind those written here.
    yield f'rewrite "(?i)^{each.path}/?$" "{each.target}" redirect;'


def _caddy(each: Redirect) -> Iterable[str]:
    # The matcher `path` does not tell capitals from small letters.
    name = each.path.strip("/").replace("/", "_")
    yield f"@{name} path {each.path} {each.path}/"
    yield f"handle @{name} {{"
    yield "\t@with_query `{query} != ''`"
    yield f'\tredir @with_query "{each.target}&{{query}}" 302'
    yield f'\tredir "{each.target}" 302'
    yield "}"


def _netlify(each: Redirect) -> Iterable[str]:
    # Netlify adds the query of the request itself, and takes a path with and without a slash at its end.
    yield f"{each.path} {each.target} 302"


_WRITERS: dict[str, tuple[str, Callable[[Redirect], Iterable[str]]]] = {
    "nginx": ("into the server block of {host}", _nginx),
    "caddy": ("into the site block of {host}", _caddy),
    "netlify": ("into the file _redirects of {host}", _netlify),
}
SERVERS = tuple(_WRITERS)
"""The servers that rules can be written for."""


def rules(client: Client, day: dt.date, server: str) -> str:
    """The rules of all short paths as of a day, ready to paste, with comments that say what each is for."""
    where, writer = _WRITERS[server]
    lines: list[str] = []
    host = None
    for each in redirects(client, day):
        if each.host != host:
            lines += ["", f"# {where.format(host=each.host)}"] if lines else [f"# {where.format(host=each.host)}"]
            host = each.host
        lines += [f"# {each.name} ({each.campaign}), since {each.since}", *writer(each)]
    lines += [
        f"# From {each.since} on, {each.path} leads to {each.name} ({each.campaign}): print the rules again then."
        for each in changes_after(client, day)
    ]
    return "\n".join(lines) + "\n" if lines else ""
