"""What can go wrong on the way from a platform, to be switched on by name for some or all answers.

A fault is a function of the answer the sandbox would have given. `Faults` holds those that are switched on; a route is
named like `bluesky.getAuthorFeed`, `mastodon.statuses` or `matomo.VisitsSummary.get`, and a pattern like `mastodon.*`
names several. A platform that words a fault in its own way (its error for a spent limit, its way of paging) says so in
the `FAULT_ANSWERS` of its module, by the same names. Faults that are well-formed and untrue stand in `defects`.
"""

import datetime as dt
import json
import re
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from widerview.sandbox.answer import Answer, Call, Case, Fault, FaultAnswers, Handler, json_answer
from widerview.sandbox.defects import DEFECTS
from widerview.sandbox.defects.change import Defect
from widerview.sandbox.model import Simulation


class Injection(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault that is switched on.

    Attributes:
        route: Name of a route, or a pattern.
        fault: Name of the fault.
        times: How many answers it spoils; None: all, until it is switched off.
        skip: How many answers it lets pass first.
        seconds: How long `slow` waits, and what `rate_limited` asks to wait.
    """

    route: str
    fault: str
    times: int | None = None
    skip: int = 0
    seconds: float = 2.0


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self.active: list[Injection] = []

    def inject(self, injection: Injection) -> None:
        """Switch a fault on.

        Raises:
            ValueError: There is no fault of that name.
        """
        if injection.fault not in FAULTS:
            raise ValueError(f"there is no fault {injection.fault!r}; choose one of {', '.join(FAULTS)}")
        self.active.append(injection)

    def clear(self) -> None:
        """Switch all faults off."""
        self.active.clear()

    def spoil(
        self, route: str, handler: Handler, model: Simulation, call: Call, own: FaultAnswers | None = None
    ) -> Answer:
        """The handler's answer, spoilt by the first fault that is due on the route, as `own` words it if it does."""
        answer = handler(model, call)
        for injection in self.active:
            if not fnmatchcase(route, injection.route) or injection.times == 0:
                continue
            fault = (own or {}).get(injection.fault) or FAULTS[injection.fault]
            if isinstance(fault, Defect) and not fault.concerns(route):
                continue
            if injection.skip:
                injection.skip -= 1
                continue
            if injection.times is not None:
                injection.times -= 1
            return fault(
                Case(
                    answer=answer, call=call, route=route, model=model, seconds=injection.seconds,
                    ask=lambda again: handler(model, again),
                )
            )  # fmt: skip
        return answer


def _status(status: int, message: str) -> Fault:
    return lambda case: json_answer({"error": message}, status=status)


def _rate_limited(case: Case) -> Answer:
    ends = case.call.now + dt.timedelta(seconds=case.seconds)
    headers = {
        "retry-after": str(round(case.seconds)),
        "ratelimit-limit": "3000",
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(round(ends.timestamp())),
        "ratelimit-policy": "3000;w=300",
        "x-ratelimit-limit": "300",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": ends.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    return json_answer({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, status=429, headers=headers)


def _html_page(case: Case) -> Answer:
    page = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
    return Answer(body=page, headers={"content-type": "text/html; charset=utf-8"})


def _cut_json(case: Case) -> Answer:
    return msgspec.structs.replace(case.answer, body=case.answer.body[: len(case.answer.body) // 2])


def _cursor_loop(case: Case) -> Answer:
    """The way to the next page leads back to this one, for ever."""
    first = case.ask_without("cursor", "max_id")
    content = _content(first)
    if "link" in first.headers:
        here = re.sub(r"max_id=\d+", f"max_id={int(content[0]['id']) + 1}", first.headers["link"])
        return msgspec.structs.replace(first, headers={**first.headers, "link": here})
    looping = isinstance(content, dict) and "cursor" in content
    return _with(first, {**content, "cursor": "9999999999999__first"}) if looping else first


def _duplicate_page(case: Case) -> Answer:
    """The page is the first one again, while the way onward is the right one."""
    first = case.ask_without("cursor", "max_id")
    if "link" in case.answer.headers:
        return msgspec.structs.replace(case.answer, body=first.body)
    page, onward = _content(first), _content(case.answer)
    if not isinstance(page, dict) or not isinstance(onward, dict):
        return first
    return _with(first, page | ({"cursor": onward["cursor"]} if "cursor" in onward else {}))


def _numbers_as_text(case: Case) -> Answer:
    def as_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: as_text(part) for name, part in value.items()}
        if isinstance(value, list):
            return [as_text(part) for part in value]
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    content = _content(case.answer)
    return case.answer if content is None else _with(case.answer, as_text(content))


def _content(answer: Answer) -> Any:
    """What the answer says; None if it is no JSON, like a log file."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _with(answer: Answer, content: object) -> Answer:
    return msgspec.structs.replace(answer, body=json_answer(content).body)


FAULTS: dict[str, Fault] = {
    "error_500": _status(500, "Internal Server Error"),
    "error_503": _status(503, "Service Unavailable"),
    "unauthorized": _status(401, "Unauthorized"),
    "rate_limited": _rate_limited,
    "html_page": _html_page,
    "cut_json": _cut_json,
    "cursor_loop": _cursor_loop,
    "duplicate_page": _duplicate_page,
    "numbers_as_text": _numbers_as_text,
    "too_much_data": lambda case: case.answer,  # Only Meta's platforms know it, and the next.
    "metric_withheld": lambda case: case.answer,
    "empty": lambda case: msgspec.structs.replace(case.answer, body=b""),
    "slow": lambda case: msgspec.structs.replace(case.answer, delay=case.seconds),
    "dropped": lambda case: msgspec.structs.replace(case.answer, cut=True),
    **DEFECTS,
}
"""Every fault there is, by name."""
