"""One question put to the sandbox, and the answer it gives, apart from any web framework."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from widerview.sandbox.model import Simulation


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        params: Its parameters: query, form and path together.
        now: When it came.
        url: The address of the server it was sent to, with a slash at its end.
        method: The HTTP method.
        path: The path asked for, like `/facebook/v26.0/me`.
        headers: Names in lower case.
        json: The body, where it is said to be JSON and can be read as such; else None.
        body: The bytes sent.
    """

    params: Mapping[str, str]
    now: dt.datetime
    url: str = "http://sandbox.example/"
    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = {}
    json: Any = None
    body: bytes = b""


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


class Route(NamedTuple):
    """Something a platform answers; faults are switched on by its `name`, like `facebook.insights`."""

    method: str
    path: str
    name: str
    handler: Handler


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault gets to see: the honest answer, the call, and a way to ask again with other parameters."""

    answer: Answer
    call: Call
    route: str
    model: Simulation
    seconds: float
    ask: Callable[[Call], Answer]

    def ask_without(self, *names: str) -> Answer:
        """The honest answer to the same call without some of its parameters."""
        kept = {name: value for name, value in self.call.params.items() if name not in names}
        return self.ask(msgspec.structs.replace(self.call, params=kept))


Fault = Callable[[Case], Answer]
"""Makes a spoilt answer of the honest one."""

FaultAnswers = Mapping[str, Fault]
"""Faults by name, as one platform words them."""


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON, written as compactly as the platforms do."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {"content-type": "application/json; charset=utf-8"}
    return Answer(body=body, status=status, headers={**kind, **(headers or {})})
