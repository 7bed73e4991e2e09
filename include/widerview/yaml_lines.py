"""YAML read with the line and column of every key and value, for people who write it by hand.

Only what a configuration file needs is read: one document of mappings, lists and scalars. Anchors, aliases and
tags are refused, which leaves no way to make a small file large or to name a Python object. Plain scalars mean
what YAML 1.2 says, not 1.1: `09:00` is text and not 540, `NO` and `on` are text and not booleans, and a date stays
as it was written.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import yaml

if TYPE_CHECKING:
    from yaml._yaml import Mark as CMark

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Location: TypeAlias = tuple[str | int, ...]

_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 20


class Place(NamedTuple):
    """Where something stands in a file, both counted from 1."""

    line: int
    column: int


class Spot(NamedTuple):
    """Where an entry stands: its key, its value (the same for an item of a list), and a scalar as written."""

    key: Place
    value: Place
    written: str = ""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a file.

    Attributes:
        line: Line, from 1.
        column: Column, from 1.
        path: Keys that lead to it, e.g. `accounts[0].handle`; empty for the file as a whole.
        what: What is wrong.
        fix: What to do about it.
    """

    line: int
    column: int
    path: str
    what: str
    fix: str


class NotYaml(Exception):
    """The text cannot be read; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


@dataclass
class Document:
    """What a YAML text says, and where.

    Attributes:
        value: The document; of a key that stands twice the first value.
        spots: The place of every entry by its location, e.g. `("accounts", 0, "handle")`.
        problems: Keys that stand twice.
    """

    value: Value = None
    spots: dict[Location, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_yaml(text: str, example: str = "examples/client.yaml") -> Document:
    """Read a YAML text of one document.

    Args:
        text: The text.
        example: A file that is as it should be, for who has made a mistake to compare with.

    Raises:
        NotYaml: It is not valid YAML, or uses more of YAML than a configuration file needs.
    """
    unprintable = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if unprintable:
        raise NotYaml(
            Problem(
                *place_of(text, unprintable.start()),
                path="",
                what=f"the character {unprintable.group()!a} cannot stand in YAML",
                fix="delete it; an editor may hide it",
            )
        )
    try:
        return _Reader(text, example).document
    except yaml.MarkedYAMLError as error:
        raise NotYaml(_explain(error, text, example)) from error
    except yaml.YAMLError as error:
        raise NotYaml(Problem(1, 1, "", f"not valid YAML: {error}", _compare(example))) from error


def show_path(location: Location) -> str:
    """Write a location the way people do: `accounts[0].handle`; control characters are escaped."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{printable(part)}"
    return path.removeprefix(".")


def printable(text: str) -> str:
    """Escape every character that does not print, so that a file cannot write to a terminal what it likes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def place_of(text: str, position: int) -> Place:
    """Give the place of a position in a text."""
    return Place(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


class _Reader:
    """Builds a document from the parser's events, never deeper than `_DEEPEST`."""

    def __init__(self, text: str, example: str) -> None:
        self.document = Document()
        self._example = example
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Parser)
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return
        self.document.value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _refusal(after, (), "a second document begins here", "remove the ---, or give it a file of its own")

    def _value(self, event: yaml.Event, at: Location, key: Place | None = None) -> Value:
        place = _place(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refusal(
                event, at, "& and * at the start of a value are YAML references, which are not read here",
                "put the value in quotes, or write out what it refers to",
            )  # fmt: skip
        if getattr(event, "tag", None):
            raise _refusal(
                event, at, "! at the start of a value is a YAML tag, which is not read here", "put the value in quotes"
            )
        written = event.value if isinstance(event, yaml.ScalarEvent) else ""
        self.document.spots.setdefault(at, Spot(key or place, place, written))
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else _scalar(event.value)
        if len(at) == _DEEPEST:
            raise _refusal(event, at, "the file is nested too deep", _compare(self._example))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(at)
        return self._mapping(at)

    def _list(self, at: Location) -> Value:
        items: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*at, len(items))))
        return items

    def _mapping(self, at: Location) -> Value:
        entries: dict[str, Value] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise _refusal(event, at, "a key must be one plain word", "write it as key: value")
            place, here = _place(event.start_mark), (*at, event.value)
            value = self._value(next(self._events), here, place)
            if event.value in entries:
                first = self.document.spots[here].key.line
                self.document.problems.append(
                    Problem(
                        *place, show_path(here), f"this key stands here twice, first in line {first}",
                        "remove one of the two; in a list, begin each item with a hyphen",
                    )
                )  # fmt: skip
            else:
                entries[event.value] = value
        return entries


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def _scalar(written: str) -> Value:
    """Give a plain scalar the meaning of YAML 1.2's core schema; numbers that JSON cannot hold stay text."""
    if written in _CONSTANTS:
        return _CONSTANTS[written]
    if _INTEGER.fullmatch(written):
        return int(written)
    if _NUMBER.fullmatch(written) and math.isfinite(number := float(written)):
        return number
    return written


_QUOTE = 'put the value in quotes, like "@name@server.example"'


class _Syntax(NamedTuple):
    """What the parser says (in part, in its two implementations), and what a person should read instead."""

    said: str
    what: str
    fix: str
    at_start: bool = False
    """Whether the place to look at is where the construct begins, not where the parser gave up."""


_SYNTAX = (
    _Syntax("mapping values are not allowed", "a second colon in the line, or a wrong indentation",
            "put the value in quotes if it has a colon in it; else align the key with its neighbours"),
    _Syntax("could not find expected ':'", "a line without a colon", "write it as key: value", at_start=True),
    _Syntax("escape", "a backslash in double quotes has a meaning of its own", "use single quotes", at_start=True),
    _Syntax("hexdecimal", "a backslash in double quotes has a meaning of its own", "use single quotes", at_start=True),
    _Syntax("quoted scalar", "the quotes that open here are not closed", "close them", at_start=True),
    _Syntax("flow", "the brackets that open here are not closed as they should be",
            "close them; values with # , [ ] { or } in them need quotes", at_start=True),
    _Syntax("alias", "a value cannot start with *", _QUOTE, at_start=True),
    _Syntax("anchor", "a value cannot start with &", _QUOTE, at_start=True),
    _Syntax("document start>", "a key further left than the first one, or brackets closed too early",
            "align the line with its neighbours"),
    _Syntax("block", "this does not belong here: a wrong indentation, or text after closing quotes",
            "align the line with its neighbours, and put all of the value in quotes"),
)  # fmt: skip


def _compare(example: str) -> str:
    return f"compare the file with {example}"


def _explain(error: yaml.MarkedYAMLError, text: str, example: str) -> Problem:
    """Put a syntax error into words that say what to do."""
    said = f"{error.context or ''}: {error.problem or ''}"
    place = _place(error.problem_mark or error.context_mark)
    line = next(iter(text.split("\n")[place.line - 1 : place.line]), "")
    before, here = line[: place.column - 1], line[place.column - 1 :]
    if here.startswith("\t"):
        return Problem(*place, "", "a tab where spaces are wanted", "indent with spaces only")
    if before.endswith(('"', "'")):
        what = "not valid YAML: text right after closing quotes"
        return Problem(*place, "", what, "put all of the value in quotes, and close quotes opened further up")
    if "cannot start any token" in said:
        return Problem(*place, "", f"a value cannot start with {printable(here[:1])}", _QUOTE)
    for rule in _SYNTAX:
        if rule.said in said:
            place = _place(error.context_mark) if rule.at_start and error.context_mark else place
            return Problem(*place, "", f"not valid YAML: {rule.what}", rule.fix)
    return Problem(*place, "", f"not valid YAML: {printable(said.strip(': '))}", _compare(example))


def _refusal(event: yaml.Event, at: Location, what: str, fix: str) -> NotYaml:
    return NotYaml(Problem(*_place(event.start_mark), show_path(at), what, fix))


def _place(mark: "yaml.Mark | CMark | None") -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
