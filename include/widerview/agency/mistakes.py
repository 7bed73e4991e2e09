"""The mistakes pydantic finds in a client file or a theme file, in words that say where, what and how to mend it."""

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from widerview.agency.models import Client, quoted
from widerview.agency.schema import known_keys, options, part
from widerview.yaml_lines import Document, Location, Problem, Spot, printable, show_path

_SECRETS = {"token", "token_auth", "access_token", "password", "app_password", "secret", "api_key"}


def problems_of(error: ValidationError, document: Document, model: type[BaseModel] = Client) -> list[Problem]:
    """Find the place of every error in the document and put it into words; `model` says what may stand in it."""
    errors = error.errors(include_url=False)
    meant = {
        (*each["loc"][:-1], _closest(str(each["loc"][-1]), known_keys(each["loc"][:-1], model)))
        for each in errors
        if each["type"] == "extra_forbidden"
    }
    return [_problem(each, document, model) for each in errors if not _follows(each, meant)]


def _follows(error: ErrorDetails, meant: set[tuple[str | int | None, ...]]) -> bool:
    """Whether an error only follows from another: a missing key that is mistyped, a list whose items are wrong."""
    return (error["type"] == "missing" and error["loc"] in meant) or (
        error["type"] == "too_short" and bool(error["input"])
    )


def _problem(error: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem:
    kind: str = error["type"]
    location: Location = (*error["loc"], *error.get("ctx", {}).get("at", ()))
    if location[-1:] == ("[key]",):  # pydantic's way to say that the key is wrong and not its value
        location, kind = location[:-1], "extra_forbidden"
    spot = nearest_spot(location, document)
    place = spot.key if kind in {"extra_forbidden", "missing"} else spot.value
    what, fix = _words(kind, error, location, spot, model)
    return Problem(*place, show_path(location), what, fix)


def nearest_spot(location: Location, document: Document) -> Spot:
    """Give the spot of an entry, or of the mapping in which it is missing."""
    while location not in document.spots:
        location = location[:-1]
    return document.spots[location]


def _words(  # noqa: PLR0911 - one return a kind of mistake: it reads as the table it is
    kind: str, error: ErrorDetails, location: Location, spot: Spot, model: type[BaseModel]
) -> tuple[str, str]:
    """Say what is wrong and how to mend it."""
    given, example = error["input"], _example(location, model)
    context: dict[str, Any] = error.get("ctx", {})
    match kind:
        case "mistake":
            return context["what"], context["fix"]
        case "extra_forbidden":
            return _unknown_key(location, model)
        case "missing":
            key, value = location[-1], f"[{example}]" if part(location, model).get("type") == "array" else example
            return f"the key {key} is missing", f"add a line like {key}: {value}" if example else _ADD.format(key)
        case _ if given is None:
            return "there is no value here", f"write one{_like(example)}, or remove the line; # begins a comment"
        case "literal_error" | "enum":
            allowed = options(part(location, model))
            return f"{_shown(given)} is not one of {', '.join(allowed)}", _suggest(str(given), allowed)
        case "string_type" if isinstance(given, list | dict):
            return "text is wanted here, not a list or a mapping", f"write it{_like(example)}"
        case "string_type":
            written = printable(spot.written)
            return f"{written} is read as a {_KINDS[type(given)]}, and text is wanted", f'put it in quotes: "{written}"'
        case "int_type" | "float_type":
            wanted = "a whole number" if kind == "int_type" else "a number"
            return f"{_shown(given)} is not {wanted}", "write digits only, without quotes, unit or thousands separator"
        case "date_type" | "date_parsing" | "date_from_datetime_parsing":
            return f"{_shown(given)} is not a date", "write it as year-month-day, like 2026-11-02"
        case "tuple_type":
            return "a list is wanted here", "write each item in a line of its own, with a hyphen before it"
        case "model_type" | "dict_type":
            keys = ", ".join(known_keys(location, model))
            return "keys with values are wanted here", f"write them indented, one in a line; the keys are {keys}"
        case "too_short":
            return "at least one entry is wanted here", f"add one{_like(example)}"
    said = error["msg"].replace("Input should", "it should").replace("String should", "it should")
    return said, f"write it{_like(example)}"


_ADD = "add {}, as in examples/client.yaml"
_KINDS = {int: "number", float: "number", bool: "yes or no"}


def _unknown_key(location: Location, model: type[BaseModel]) -> tuple[str, str]:
    key, known = str(location[-1]), known_keys(location[:-1], model)
    if key.lower() in _SECRETS:
        return (
            f"{key} is a secret, and a client file holds none",
            "keep it in an Airflow Connection and name that in connection; renew the secret if others saw this file",
        )
    return f"there is no key {quoted(key)} here", _suggest(key, known)


def _closest(word: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word[:60].lower(), known, n=1)), None)


def _suggest(word: str, known: Sequence[str]) -> str:
    close = _closest(word, known)
    return f"did you mean {close}?" if close else f"write one of {', '.join(known)}"


def _shown(given: object) -> str:
    if isinstance(given, str):
        return quoted(given)
    return {list: "a list", dict: "a mapping", bool: str(given).lower()}.get(type(given), str(given))


def _like(example: str) -> str:
    return f" like {example}" if example else ", as in examples/client.yaml"


def _example(location: Location, model: type[BaseModel]) -> str:
    """Give an example of what may stand at a place; empty if no short one exists."""
    schema = part(location, model)
    if schema.get("format") == "date":
        return "2026-11-02"
    examples = schema.get("examples") or options(schema) or part((*location, 0), model).get("examples") or [""]
    return str(examples[0])
