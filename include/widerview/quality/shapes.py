"""The shape of a platform's answers, and how it drifts: which keys there are, and of which JSON type.

Platforms add keys, drop them and change their types without a word, long before a number goes missing. So the shape of
one answer of each stream is kept from pull to pull, and what differs is recorded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from widerview.quality.verdict import Drift, Shape, Trait

MOST_ITEMS = 100
"""How many items of a list are looked at."""

MOST_PATHS = 500
"""How many places of a stream are kept: more are not keys, but data."""

ENOUGH_PULLS = 5
"""In so many pulls, and in all of them, a key must have been for its absence to be a change: many are optional."""

_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@.:-]*")
_DIGITS = re.compile(r"\d{3}")

_TYPES: dict[type, str] = {str: "string", int: "number", float: "number", bool: "boolean"}

Paths = Mapping[str, frozenset[str]]
"""The JSON types seen at each path, null left out: it says nothing of what else there may be."""


def shape_of(body: bytes) -> Paths | None:
    """Give the shape of an answer; None if it is no JSON."""
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    found: dict[str, set[str]] = {}
    for path, kind in _walk(content, ""):
        found.setdefault(path, set()).add(kind)
        if len(found) >= MOST_PATHS:
            break
    return {path: frozenset(kinds) for path, kinds in found.items()}


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _walk(part, f"{path}.{_generic(key)}".removeprefix("."))
    elif isinstance(value, list):
        for part in value[:MOST_ITEMS]:
            yield from _walk(part, f"{path}[]")
    elif value is not None:
        yield path, _TYPES[type(value)]


def _generic(key: str) -> str:
    """A key, or a star where the key is data itself: a date, an id, an address."""
    return key if _NAME.fullmatch(key) and not _DIGITS.search(key) else "*"


def drift(known: Mapping[str, Shape], seen: Mapping[str, Paths]) -> tuple[tuple[Drift, ...], dict[str, Shape]]:
    """Hold the shapes of a pull's streams against those known; give what differs, and what is known now."""
    changes: list[Drift] = []
    shapes = dict(known)
    for stream, paths in sorted(seen.items()):
        before = known.get(stream)
        if before is not None:
            changes += _differences(stream, before, paths)
        shapes[stream] = _merged(before, paths)
    return tuple(changes), shapes


def _differences(stream: str, before: Shape, paths: Paths) -> Iterator[Drift]:
    for path in sorted({*before.traits, *paths}):
        trait, now = before.traits.get(path), _sorted(paths.get(path, ()))
        if trait is None:
            yield Drift(stream=stream, path=path, change="new key", now=now)
        elif not now:
            if trait.pulls == before.pulls >= ENOUGH_PULLS:
                yield Drift(stream=stream, path=path, change="vanished key", was=trait.types)
        elif not set(now) <= set(trait.types):
            yield Drift(stream=stream, path=path, change="changed type", was=trait.types, now=now)


def _merged(before: Shape | None, paths: Paths) -> Shape:
    traits = dict(before.traits) if before else {}
    for path, kinds in paths.items():
        trait = traits.get(path, Trait((), 0))
        if path in traits or len(traits) < MOST_PATHS:
            traits[path] = Trait(_sorted({*trait.types, *kinds}), trait.pulls + 1)
    return Shape(pulls=(before.pulls if before else 0) + 1, traits=traits)


def _sorted(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(kinds))
