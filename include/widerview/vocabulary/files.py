"""Reading the vocabulary's YAML files, so that every mistake is told with its file, line, place and fix."""

import re
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from widerview.yaml_lines import Document, Location, NotYaml, Place, Problem, printable, read_yaml, show_path

T = TypeVar("T")

_UNNAMED = "<bytes>"
_QUOTED_NAME = re.compile(r"`(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class BadVocabulary(ValueError):
    """A file of the vocabulary has mistakes. As text: one line a mistake and one a fix.

    Attributes:
        problems: The mistakes, in the order of the file's lines.
    """

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__(
            "\n".join(
                f"{name}:{each.line}:{each.column}: {each.path and f'{each.path}: '}{each.what}\n  fix: {each.fix}"
                for each in self.problems
            )
        )


class VocabularyFile:
    """A file of the vocabulary while it is read: what it says, and the mistakes found so far.

    Raises:
        BadVocabulary: The file is not YAML, or not a mapping.
    """

    def __init__(self, file: Path | Traversable | bytes, example: str) -> None:
        self.name = _UNNAMED if isinstance(file, bytes) else printable(str(file))
        self._example = example
        content = file if isinstance(file, bytes) else file.read_bytes()
        try:
            self._document: Document = read_yaml(content.decode("utf-8-sig"), example)
        except UnicodeDecodeError as error:
            raise self._refusal(f"not UTF-8: {error.reason}", "save the file as UTF-8 in your editor") from error
        except NotYaml as error:
            raise BadVocabulary(self.name, [error.problem]) from error
        if not isinstance(self._document.value, dict):
            raise self._refusal("keys with values are wanted here", self._compare)
        self.content: dict[str, Any] = self._document.value
        self._problems = list(self._document.problems)

    def convert(self, value: Any, kind: type[T], at: Location) -> T | None:
        """Give a part of the file its type; None, and a mistake noted, if it has not got the shape."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$")
            steps = [int(index) if index else key for key, index in _STEP.findall(path)]
            self.complain((*at, *steps), what, self._fix(what, kind, steps))
            return None

    def complain(self, at: Location, what: str, fix: str) -> None:
        """Note a mistake at a place, or at the nearest one that is in the file."""
        nearest = at
        while nearest not in self._document.spots:
            nearest = nearest[:-1]
        spot = self._document.spots[nearest]
        place = spot.value if spot.written else spot.key
        self._problems.append(Problem(*place, show_path(at), what, fix))

    def check(self) -> None:
        """End the reading.

        Raises:
            BadVocabulary: There were mistakes.
        """
        if self._problems:
            raise BadVocabulary(self.name, self._problems)

    @property
    def _compare(self) -> str:
        return f"compare the file with {self._example}"

    def _fix(self, what: str, kind: type[Any], steps: list[str | int]) -> str:
        name = _QUOTED_NAME.search(what)
        if name and "missing" in what:
            return f"add a line that begins with {name.group(1)}:"
        if name and "unknown" in what:
            return f"correct or remove {name.group(1)}; the keys are {', '.join(kind.__struct_fields__)}"
        if "enum" in what and steps:
            return f"write one of {', '.join(get_args(get_type_hints(kind)[str(steps[-1])]))}"
        return self._compare

    def _refusal(self, what: str, fix: str) -> BadVocabulary:
        return BadVocabulary(self.name, [Problem(*Place(1, 1), "", what, fix)])
