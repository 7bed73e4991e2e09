"""What a defect is made of: changes at paths in the answers of routes.

A path goes down by keys (`data.likes`), `*` is every part, `a|b` either key, `*[name=views]` every part with that
value; the empty path is the whole answer, and `@link` a header.
"""

import copy
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from widerview.sandbox.answer import Answer, Case, json_answer

New = Callable[[Any, Case], Any]
"""What takes the place of a value; `GONE` takes it away. An `Answer` in place of the whole is given as it is."""

GONE = object()


class Change(NamedTuple):
    """In the answers of a route (or a pattern), every value at a path becomes another."""

    route: str
    path: str
    new: New


class Defect:
    """A wrong answer that a platform might give.

    Attributes:
        says: What is wrong, in a sentence.
        changes: What it changes, route by route.
    """

    def __init__(self, says: str, *changes: list[Change]) -> None:
        self.says = says
        self.changes = [change for group in changes for change in group]

    def concerns(self, route: str) -> bool:
        """Whether it changes the answers of a route."""
        return any(fnmatchcase(route, change.route) for change in self.changes)

    @property
    def sources(self) -> tuple[str, ...]:
        """The platforms whose answers it changes, in the order of its changes."""
        return tuple(dict.fromkeys(change.route.partition(".")[0] for change in self.changes))

    def __call__(self, case: Case) -> Answer:
        """The answer with the defect; an answer that is an error, or has nothing to change, is left alone."""
        if case.answer.status != HTTPStatus.OK:
            return case.answer
        whole = {"": read(case.answer), "@": dict(case.answer.headers)}
        before = copy.deepcopy(whole)
        for change in self.changes:
            if fnmatchcase(case.route, change.route):
                path = f"@.{change.path[1:]}" if change.path.startswith("@") else f".{change.path}".rstrip(".")
                replace(whole, path, lambda value, new=change.new: new(value, case))  # type: ignore[misc]
            if isinstance(whole[""], Answer):
                return whole[""]
        if whole == before:
            return case.answer
        return msgspec.structs.replace(case.answer, body=written(whole[""]), headers=whole["@"])


def read(answer: Answer) -> Any:
    """What an answer says: its JSON, or its text if it is none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return answer.body.decode()


def written(content: Any) -> bytes:
    """The body that says it."""
    return content.encode() if isinstance(content, str) else json_answer(content).body


# -- paths ------------------------------------------------------------------------------------------------------------


def places(content: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Where the path leads: containers, each with the key or index in it."""
    here, _, below = path.partition(".")
    for key in _keys(content, here):
        if below:
            yield from places(content[key], below)
        else:
            yield content, key


def _keys(content: Any, here: str) -> list[Any]:
    names, _, condition = here.rstrip("]").partition("[")
    if isinstance(content, dict):
        keys: list[Any] = list(content) if names == "*" else [name for name in names.split("|") if name in content]
    elif isinstance(content, list):
        keys = list(range(len(content)))
        keys = keys if names == "*" else [key for key in keys if names == str(key)]
    else:
        keys = []
    name, _, value = condition.partition("=")
    return [key for key in keys if not condition or content[key].get(name) == value]


def replace(content: Any, path: str, new: Callable[[Any], Any]) -> None:
    """Put something else at every place that the path leads to."""
    # From the end, so that what is taken away moves nothing that is still to come.
    for container, key in reversed(list(places(content, path))):
        value = new(container[key])
        if value is GONE:
            del container[key]
        else:
            container[key] = value


def at(where: Mapping[str, str], new: New) -> list[Change]:
    """The same change at the place that each route has for something."""
    return [Change(route, path, new) for route, path in where.items()]


def only(where: Mapping[str, str], *sources: str) -> dict[str, str]:
    """The places of some sources."""
    return {route: path for route, path in where.items() if route.partition(".")[0] in sources}


def each(lists: Mapping[str, str]) -> dict[str, str]:
    """Where the parts of those lists are."""
    return {route: f"{path}.*".strip(".") for route, path in lists.items()}


# -- what becomes of a value -------------------------------------------------------------------------------------------


def to(value: Any) -> New:
    """Always the same."""
    return lambda _, case: value


def times(factor: float) -> New:
    """A number that many times as large, whole if it was, as text if it was; what is no number stays."""

    def new(value: Any, case: Case) -> Any:
        if isinstance(value, str):
            try:
                return f"{float(value) * factor:.10g}"
            except ValueError:
                return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return round(value * factor) if isinstance(value, int) else value * factor

    return new


def plus(amount: float) -> New:
    """More by an amount, as text if it was."""
    return lambda value, case: f"{float(value) + amount:g}" if isinstance(value, str) else value + amount


def gone(value: Any, case: Case) -> Any:
    """Nothing."""
    return GONE


def negative(value: Any, case: Case) -> Any:
    """Below zero, even where it was zero."""
    return f"-{value}3" if isinstance(value, str) else -value - 3


def localised(value: Any, case: Case) -> str:
    """With a thousands separator whatever its size, as a spreadsheet that was told to show one would."""
    return f"{int(value) + 1000:,}"


def as_object(value: Any, case: Case) -> dict[str, Any]:
    """The number within something that was not there before."""
    return {"count": value}


def another_id(value: Any, case: Case) -> Any:
    """An id of the same look that belongs to something else."""
    if isinstance(value, int):
        return value + 1
    last = value[-1]
    return value[:-1] + ("2" if last != "2" else "3")


def first_half(items: list[Any], case: Case) -> list[Any]:
    """Half of a list."""
    return items[: len(items) // 2]


def doubled(items: list[Any], case: Case) -> list[Any]:
    """A list twice."""
    return [*items, *copy.deepcopy(items)]


def rotated(values: list[Any]) -> list[Any]:
    """Each value at the place before its own."""
    return values[1:] + values[:1]


def moment(at: Callable[[Case], dt.datetime]) -> New:
    """A moment, written as the one it replaces: ISO 8601, or seconds or milliseconds since 1970."""

    def new(value: Any, case: Case) -> Any:
        moment = at(case)
        if isinstance(value, int):
            return int(moment.timestamp()) * (1000 if value > 10**11 else 1)
        if value.isdigit():
            return str(int(moment.timestamp()))
        return f"{moment:%Y-%m-%dT%H:%M:%S}{value[19:]}"

    return new


IN_1970 = moment(lambda case: dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
AHEAD = moment(lambda case: case.call.now + dt.timedelta(days=2))
