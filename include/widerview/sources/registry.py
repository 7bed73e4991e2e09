"""Which sources there are: the built-in ones, and those that other packages bring.

A built-in source is a module of this folder with a dictionary of the same name beside it, and an object named `SOURCE`
in it; that both are there is all it takes. Another package brings one by an entry point of the group
`widerview.sources`, which names an instance of `widerview.sources.base.Source`.
"""

import logging
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from pkgutil import iter_modules

import widerview.sources as sources_package
from widerview.sources.base import Source

GROUP = "widerview.sources"

_log = logging.getLogger(__name__)


def _load() -> dict[str, Source]:
    names = [module.name for module in iter_modules(sources_package.__path__) if _has_dictionary(module.name)]
    built_in = [_checked(import_module(f"{sources_package.__name__}.{name}").SOURCE) for name in names]
    sources = {source.name: source for source in built_in}
    for point in entry_points(group=GROUP):
        try:
            found = point.load()
            name = _checked(found).name
        except Exception:
            # A broken package costs its own source and no other.
            _log.exception("The source %r (%s) does not load and is left out.", point.name, point.value)
            continue
        if name in sources:
            _log.error("The source %r (%s) is left out: that name is taken.", name, point.value)
        else:
            sources[name] = found
    return sources


def _has_dictionary(name: str) -> bool:
    return (files(sources_package) / f"{name}.yaml").is_file()


def _checked(found: object) -> Source:
    """Refuse what is no source, before a run finds out."""
    if not isinstance(found, Source):
        raise TypeError(f"{found!r} is no instance of a class derived from {Source.__module__}.Source")
    return found


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
