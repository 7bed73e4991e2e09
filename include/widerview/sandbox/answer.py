"""One question put to the sandbox, and the answer it gives, apart from any web framework."""

import datetime as dt
import json
from collections.abc import Callable, Mapping

import msgspec

from widerview.sandbox.model import Simulation


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request: its parameters (query, form and path together), when it came, and the address it was sent to."""

    params: Mapping[str, str]
    now: dt.datetime
    url: str = "http://sandbox.example/"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response.

    Attributes:
        body: The bytes to send.
        status: HTTP status.
        headers: Names in lower case.
        delay: Seconds to wait before answering.
        cut: Whether the connection is dropped half-way through the body.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    delay: float = 0.0
    cut: bool = False


Handler = Callable[[Simulation, Call], Answer]


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON, written as compactly as the platforms do."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {"content-type": "application/json; charset=utf-8"}
    return Answer(body=body, status=status, headers={**kind, **(headers or {})})
