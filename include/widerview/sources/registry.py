"""Which sources there are: the built-in ones, and those that other packages bring.

A package brings a source by an entry point of the group `widerview.sources`, which names an object that satisfies
`widerview.sources.base.Source`.
"""

import logging
from importlib.metadata import entry_points

from widerview.sources import bluesky, mastodon, matomo
from widerview.sources.base import Source

GROUP = "widerview.sources"

_log = logging.getLogger(__name__)


def _load() -> dict[str, Source]:
    built_in: tuple[Source, ...] = (bluesky.SOURCE, mastodon.SOURCE, matomo.SOURCE)
    sources = {source.name: source for source in built_in}
    for point in entry_points(group=GROUP):
        try:
            found: Source = point.load()
            name = found.name
        except Exception:
            # A broken package costs its own source and no other.
            _log.exception("The source %r (%s) does not load and is left out.", point.name, point.value)
            continue
        if name in sources:
            _log.error("The source %r (%s) is left out: that name is taken.", name, point.value)
        else:
            sources[name] = found
    return sources


SOURCES: dict[str, Source] = _load()


def source(name: str) -> Source:
    """The source of this name.

    Raises:
        LookupError: There is none; the message lists those there are.
    """
    try:
        return SOURCES[name]
    except KeyError:
        raise LookupError(f"there is no source {name!r}; there are: {', '.join(sorted(SOURCES))}") from None
