"""Reading the client files: who is fine, who is broken, and for every mistake its line, what is wrong and the fix.

A mistake in a file leaves out that client only; all others go on.
"""

import hashlib
import itertools
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from widerview.agency.mistakes import problems_of
from widerview.agency.models import Client, quoted
from widerview.yaml_lines import Document, NotYaml, Place, Problem, place_of, printable, read_yaml

__all__ = ["Agency", "BrokenFile", "BrokenFileError", "NoFolder", "Problem", "load_agency", "load_client", "read_text"]

LARGEST_FILE = 256 * 1024
"""Bytes; a client file is a few kilobytes, so what is larger is something else."""

_SUFFIXES = {".yaml", ".yml"}
_START = Place(1, 1)
_BEGIN = "begin with a copy of examples/client.yaml"


class NoFolder(Exception):
    """The folder of client files does not exist or cannot be read."""


@dataclass(frozen=True)
class BrokenFile:
    """A client file with mistakes, in the order of its lines. As text: one line a mistake and one a fix."""

    path: Path
    problems: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """The file's name as an id, whatever characters it has: no bad name may keep other clients' DAGs from being."""
        stem = self.path.stem
        if re.fullmatch(r"[a-z0-9-]{1,63}", stem):
            return stem
        digest = hashlib.sha256(os.fsencode(stem)).hexdigest()
        return f"{re.sub(r'[^A-Za-z0-9-]+', '-', stem)[:50]}-{digest[:8]}"

    def __str__(self) -> str:
        name = printable(str(self.path))
        return "\n".join(
            f"{name}:{each.line}:{each.column}: {f'{each.path}: ' if each.path else ''}{each.what}\n  fix: {each.fix}"
            for each in self.problems
        )


class BrokenFileError(ValueError):
    """A client file has mistakes; `broken` holds them."""

    def __init__(self, broken: BrokenFile) -> None:
        super().__init__(str(broken))
        self.broken = broken


@dataclass(frozen=True)
class Agency:
    """All clients of the agency.

    Attributes:
        clients: The clients whose files are fine, by id, sorted.
        broken: The files with mistakes, sorted by name; their clients are left out.
    """

    clients: dict[str, Client]
    broken: list[BrokenFile]


def load_agency(folder: Path, only: str | None = None) -> Agency:
    """Read the client files (`*.yaml`, `*.yml`) that lie directly in a folder.

    Args:
        folder: The folder. Other files in it, hidden ones and folders within it are ignored.
        only: Read the file of this client only, e.g. where a task needs no other.

    Raises:
        NoFolder: The folder does not exist or cannot be read.
    """
    clients: dict[str, Client] = {}
    broken: list[BrokenFile] = []
    for stem, paths in itertools.groupby(_client_files(folder), key=lambda path: path.stem):
        if only not in {None, stem}:
            continue
        path, *others = paths
        try:
            if others:
                raise BrokenFileError(BrokenFile(path, (_two_files(others[0]),)))
            client = load_client(path)
        except BrokenFileError as error:
            broken.append(error.broken)
        else:
            clients[client.client] = client
    return Agency(clients, broken)


def load_client(path: Path) -> Client:
    """Read one client file.

    Raises:
        BrokenFileError: The file cannot be read or has mistakes; the error names all that can be told at once.
    """
    try:
        document = read_yaml(read_text(path))
        client, problems = _validate(document)
    except NotYaml as error:
        raise BrokenFileError(BrokenFile(path, (error.problem,))) from error
    problems += document.problems + _wrong_name(document, path)
    if client is None or problems:
        raise BrokenFileError(BrokenFile(path, tuple(sorted(problems))))
    return client


def _client_files(folder: Path) -> list[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise NoFolder(
            f"{folder}: {error.strerror}. Make the folder and put one YAML file a client into it, or name another "
            "folder in WIDERVIEW_CLIENTS (or with --clients)."
        ) from error
    found = [path for path in inside if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")]
    return sorted(found, key=lambda path: path.stem)


def read_text(path: Path) -> str:
    """Read a file of UTF-8, with a look at what it is first: opening a pipe would wait for ever.

    Raises:
        NotYaml: It cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refusal("this is not a file", "remove it, or give it another ending than .yaml")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _refusal(f"the file cannot be read: {reason}", "mend or remove the file or link") from error
    if len(content) > LARGEST_FILE:
        raise _refusal(f"the file is larger than {LARGEST_FILE // 1024} KB", "keep only settings in it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        raise _refusal(
            f"byte {error.object[error.start]:#04x} is not UTF-8",
            "save the file as UTF-8 in your editor",
            place_of(before, len(before)),
        ) from error


def _refusal(what: str, fix: str, place: Place = _START) -> NotYaml:
    return NotYaml(Problem(*place, "", what, fix))


def _validate(document: Document) -> tuple[Client | None, list[Problem]]:
    if not document.spots:
        raise _refusal("the file is empty", _BEGIN)
    if not isinstance(document.value, dict):
        place = document.spots[()].value
        raise _refusal("a client file is a mapping of keys and values, and this is none", _BEGIN, place)
    try:
        # By way of JSON, so that the rules are those of the JSON Schema, which editors apply.
        return Client.model_validate_json(json.dumps(document.value), strict=True), []
    except ValidationError as error:
        return None, problems_of(error, document)


def _wrong_name(document: Document, path: Path) -> list[Problem]:
    value = document.value
    named = value.get("client") if isinstance(value, dict) else None
    if not isinstance(named, str) or named == path.stem:
        return []
    return [
        Problem(
            *document.spots["client",].value, "client",
            f"the client is {quoted(named)}, but the file's name says {quoted(path.stem)}",
            f"write client: {printable(path.stem)}, or rename the file",
        )
    ]  # fmt: skip


def _two_files(other: Path) -> Problem:
    what = f"{printable(other.name)} is a file of the same client, so neither is used"
    return Problem(1, 1, "client", what, "remove one of the two")
