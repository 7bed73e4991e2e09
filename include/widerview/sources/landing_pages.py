"""The pages that campaigns' links lead to: how they are named, asked for, and found again in what analytics tell.

A visit that began on such a page may have come by the campaign, also where its link had no tags; or it may not have.
So these visits are counted apart, beside the tagged ones among them, and are never added to a campaign's visits.
"""

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from widerview.sources.base import Target

OPTION = "landing_pages"
"""Where a target's options hold the pages, with blanks between them."""

_KEPT = "/!$&'()*+,;=:@~"
"""What a browser leaves as it is in a path, beside letters, digits, `-`, `.` and `_`."""


def path_of(page: str) -> str | None:
    """The path of a page as it is stored: decoded, and without a slash at its end.

    Args:
        page: An address, or a path.

    Returns:
        The path; None of a page that only its query tells from others, for analytics tell entries by path.
    """
    try:
        parts = urlsplit(page)
    except ValueError:
        return None
    path = unquote(parts.path, errors="replace").rstrip("/") or "/"
    return path if path.startswith("/") and path.isprintable() and not parts.query else None


def option(pages: Iterable[str]) -> dict[str, str]:
    """The option of a target whose website has some pages: addresses or paths; none where no path can be told."""
    paths = {path for page in pages if (path := path_of(page))}
    return {OPTION: " ".join(quote(path, safe=_KEPT) for path in sorted(paths))} if paths else {}


def pages_of(target: Target) -> tuple[str, ...]:
    """The paths that are asked for of a target's website, as they are stored."""
    return tuple(map(unquote, target.options.get(OPTION, "").split()))


def spellings(pages: Iterable[str]) -> list[str]:
    """How analytics may write these pages: with and without a slash at the end, decoded or not."""
    written = {spelt for page in pages for spelt in (page, quote(page, safe=_KEPT))}
    return sorted({spelt for page in written for spelt in (page, f"{page.rstrip('/')}/")})


def named(told: str, pages: Collection[str]) -> str | None:
    """Which of the pages an analytics means by a path or an address, whatever query is behind it; None if none."""
    if not told or told.startswith("//"):
        return None
    path = path_of(told.partition("?")[0].partition("#")[0])
    return path if path and path in pages else None


def counted(visits: Mapping[tuple[str, bool], float], pages: Iterable[str]) -> dict[str, dict[str, float]]:
    """What is stored of each page, by metric: the visits that began there, and those of them by tagged links.

    Args:
        visits: How many began on a page, by page and whether their links were tagged.
        pages: All pages that were asked for; one where nobody began has zero.
    """
    return {
        page: {
            "landing_visits": visits.get((page, True), 0) + visits.get((page, False), 0),
            "tagged_landing_visits": visits.get((page, True), 0),
        }
        for page in pages
    }
