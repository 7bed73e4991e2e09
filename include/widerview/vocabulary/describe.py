"""The vocabulary as a page: every metric, and what each platform counts under it since when.

`python -m widerview.vocabulary.describe docs/metrics.md include/widerview/sources/*.yaml` brings the page up to date.
The dictionaries are named in the command, so a package with sources of its own can have its page, too.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from widerview.vocabulary.dictionaries import Definition, Dictionary, load_dictionary
from widerview.vocabulary.metrics import METRICS, VERSION, Metric

_BEGIN = "<!-- metrics: written by `make docs` -->"
_END = "<!-- end of metrics -->"


def describe(dictionaries: Iterable[Dictionary]) -> str:
    """Describe every metric, then what each source counts, in Markdown."""
    metrics = _table(
        ("metric", "for clients", "meaning", "unit", "adds up", "group", "counts"), map(_metric, METRICS.values())
    )
    sources = [
        f"### {dictionary.source}\n\n"
        + _table(
            ("metric", "of", "native metric", "version", "valid", "what is counted", "counts"),
            map(_definition, dictionary.definitions),
        )
        for dictionary in sorted(dictionaries, key=lambda each: each.source)
    ]
    return "\n\n".join(
        [f"## The metrics\n\nVersion {VERSION} of the vocabulary.\n\n{metrics}", "## By source", *sources]
    )


def refresh(page: str, dictionaries: Iterable[Dictionary]) -> str:
    """Give a page's text with the description between its two marks made current.

    Raises:
        ValueError: The page lacks the marks.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(
            f"The page has no place for the metrics; put these two lines where they belong: {_BEGIN} {_END}"
        )
    return f"{before}{_BEGIN}\n\n{describe(dictionaries)}\n\n{_END}{after}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _metric(metric: Metric) -> Sequence[str]:
    others = f" Also called {', '.join(metric.also_called)}." if metric.also_called else ""
    parts = f" Worked out from {_names(metric.parts)}." if metric.parts else ""
    return (
        f"`{metric.name}`" + (f" v{metric.version}" if metric.version > 1 else ""),
        metric.label,
        f"{metric.meaning}{others}{parts}",
        metric.unit,
        metric.additivity,
        f"`{metric.comparable_group}`" if metric.comparable_group else "none",
        metric.placement,
    )


def _definition(definition: Definition) -> Sequence[str]:
    if definition.valid_from or definition.valid_to:
        valid = f"{definition.valid_from or 'always'} to {definition.valid_to or 'now'}"
    else:
        valid = "always"
    return (
        f"`{definition.metric}`",
        definition.grain.replace("_", " "),
        f"`{definition.native_metric}`",
        str(definition.version),
        valid,
        f"{definition.meaning} ([source]({definition.documented_at}))",
        definition.placement,
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    path, *files = map(Path, sys.argv[1:])
    page = refresh(path.read_text(encoding="utf-8"), map(load_dictionary, files))
    path.write_text(page, encoding="utf-8")
