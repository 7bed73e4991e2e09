"""What the sources say of themselves, for programs and for docs/sources.md.

`python -m widerview.sources.describe docs/sources.md` writes the tables of that page anew.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from widerview.sources.base import Source
from widerview.sources.registry import SOURCES

_STARTS = "<!-- The sources: written by `python -m widerview.sources.describe docs/sources.md` -->"
_ENDS = "<!-- The sources end here -->"

EXAMPLES = (20, 200)
"""Posts in the look-back window for which the page tells the calls."""


def facts_of(source: Source) -> dict[str, Any]:
    """Give what there is to know of a source, as `widerview sources --json` prints it."""
    return {
        "name": source.name,
        "title": source.title,
        "kind": source.kind,
        "api_version": source.api_version,
        "sunset": source.sunset and source.sunset.isoformat(),
        "verified_against": list(source.evidence),
        "known_gaps": list(source.known_gaps),
        "streams": list(source.streams),
        "metrics": list(source.metrics),
        "lookback_days": source.lookback_days,
        "weekly_lookback_days": source.weekly_lookback_days,
        "needs_connection": source.needs_connection,
        "options": {name: option.what for name, option in source.options.items()},
        "fixed_calls": source.fixed_calls(days=source.lookback_days + 1),
        "fixed_calls_on_sundays": source.fixed_calls(days=(source.weekly_lookback_days or source.lookback_days) + 1),
        "walks": [walk._asdict() for walk in source.walks],
        "call_budget": source.call_budget,
        "calls_a_day": source.calls_a_day,
        "dollars_a_day": source.dollars_a_day,
        "renewal_page": source.renewal_page,
    }


def tables(sources: Iterable[Source]) -> str:
    """Write the tables of the page: what each source gives, what it costs, and how far it is verified."""
    parts = (_given, _written, _costs, _verified, _gaps)
    every = list(sources)
    return "\n\n".join(part(every) for part in parts)


def with_tables(page: str) -> str:
    """Put the tables of today's sources into the page that has the two marks."""
    before, _, rest = page.partition(_STARTS)
    _, _, after = rest.partition(_ENDS)
    return f"{before}{_STARTS}\n\n{tables(SOURCES.values())}\n\n{_ENDS}{after}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _days(source: Source) -> str:
    weekly = source.weekly_lookback_days
    return f"{source.lookback_days} days" + (f", on Sundays {weekly}" if weekly is not None else "")


def _given(sources: list[Source]) -> str:
    rows = (
        (
            f"**{each.title}** `{each.name}`",
            ", ".join(each.streams),
            ", ".join(each.metrics),
            _days(each),
        )
        for each in sources
    )
    return "### What each gives\n\n" + _table(("source", "streams", "metrics", "look-back"), rows)


def _written(sources: list[Source]) -> str:
    rows = (
        (
            f"`{each.name}`",
            f"{each.reference.what}, like `{each.reference.example}`",
            "; ".join(
                f"`{name}`{' (required)' if name in each.required_options else ''}: {option.what}, like "
                f"`{option.example}`"
                for name, option in each.options.items()
            ),
            "needed" if each.needs_connection else "none needed",
            each.renewal_page,
        )
        for each in sources
    )
    heads = ("platform", "`handle`, `site_id` or `name`", "`options`", "Connection", "where a token is renewed")
    return "### What stands in the client file\n\n" + _table(heads, rows)


def _costs(sources: list[Source]) -> str:
    def calls(source: Source) -> Iterator[str]:
        days = source.lookback_days + 1
        weekly = source.weekly_lookback_days
        yield str(source.fixed_calls(days=days))
        yield str(source.fixed_calls(days=weekly + 1)) if weekly is not None else ""
        yield ", ".join(f"{walk.posts_a_call} {walk.what}" for walk in source.walks)
        for posts in EXAMPLES:
            yield str(source.expected_calls(posts=posts, days=days)) if source.walks else ""

    rows = (
        (
            f"`{each.name}`",
            *calls(each),
            str(each.call_budget),
            str(each.calls_a_day),
            f"${each.dollars_a_day:.2f}" if each.dollars_a_day is not None else "",
            str(each.pool_slots),
        )
        for each in sources
    )
    few, many = EXAMPLES
    heads = (
        "source",
        "fixed calls of an account or site and day",
        "on Sundays",
        "and one for each",
        f"in all with {few} posts in the window",
        f"{many} posts",
        "most in a run",
        "most a day, for each account of a client",
        "dollars a client and day",
        "accounts at once",
    )
    limits = (
        (f"`{each.name}`", str(walk.posts_a_call), walk.what, walk.limited_by)
        for each in sources
        for walk in each.walks
    )
    of_pages = _table(("source", "most a call", "of what", "says"), limits)
    return f"### What it costs\n\n{_table(heads, rows)}\n\nWhat sets how many posts a call can tell of:\n\n{of_pages}"


def _verified(sources: list[Source]) -> str:
    rows = (
        (
            f"`{each.name}`",
            each.api_version,
            str(each.sunset or "not announced"),
            ", ".join(each.evidence),
        )
        for each in sources
    )
    heads = ("source", "API version", "ends on", "verified against")
    return "### How far each is verified\n\n" + _table(heads, rows)


def _gaps(sources: list[Source]) -> str:
    """Sentences, which a table would squeeze."""
    items = [f"- **{each.title}** `{each.name}`: {' '.join(each.known_gaps) or 'none.'}" for each in sources]
    return "### Known gaps\n\n" + "\n".join(items)


def main(page: str) -> None:
    """Write the tables of a page anew."""
    path = Path(page)
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
