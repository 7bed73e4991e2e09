"""docker-compose.yaml, Dockerfile and .env read as Docker reads them, as far as the tests need it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = ROOT / ".env.example"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?P<rule>:[-?])?(?P<rest>[^}]*)\})")


class Refused(ValueError):
    """A required variable is missing; Docker Compose stops here."""


def dotenv(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in pairs}


def variables() -> Iterator[tuple[str, str | None]]:
    """Each use of a variable in the file: its name, and `:?`, `:-` or None."""
    for found in _VARIABLE.finditer(TEXT):
        if found["name"]:
            yield found["name"], found["rule"]


def interpolate(value: Any, env: Mapping[str, str]) -> Any:
    """Put the values of variables into all texts of a part of the file.

    Raises:
        Refused: A variable marked `:?` is not set, or empty.
    """

    def put(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        if given := env.get(found["name"], ""):
            return given
        if found["rule"] == ":?":
            raise Refused(f"{found['name']} {found['rest']}")
        return found["rest"] if found["rule"] == ":-" else ""

    if isinstance(value, str):
        return _VARIABLE.sub(put, value)
    if isinstance(value, list):
        return [interpolate(each, env) for each in value]
    if isinstance(value, dict):
        return {key: interpolate(each, env) for key, each in value.items()}
    return value


def mounts(service: Mapping[str, Any]) -> dict[str, str]:
    """What a service mounts: source by folder in the container."""
    found = {}
    for volume in service.get("volumes", []):
        if isinstance(volume, str):
            source, target = volume.split(":")[:2]
            found[target] = source
        else:
            found[volume["target"]] = volume["source"]
    return found


def dockerfile(instruction: str) -> list[str]:
    """The arguments of every such instruction in the Dockerfile, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{instruction} ")]


def copies() -> Iterator[tuple[str, str]]:
    """What the Dockerfile copies: source and target."""
    for arguments in dockerfile("COPY"):
        *sources, target = (part for part in arguments.split() if not part.startswith("--"))
        for source in sources:
            yield source, target
