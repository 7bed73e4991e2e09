"""The sandbox's web servers' access logs, made from the model: files in a folder, as a rotation leaves them.

A log is read where it lies, so there is nothing to ask over HTTP; a fault of `access_log.file` spoils what is written.
"""

import datetime as dt
import gzip
from pathlib import Path

from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import Simulation
from widerview.sandbox.website import log_lines

NAME = "access.log"
"""The file the server writes to; the older ones are called like it, with a number."""

_PLAIN = 2
"""So many files are not packed yet: today's and yesterday's."""


def write_logs(
    model: Simulation,
    client: str,
    folder: Path,
    *,
    first: dt.date,
    last: dt.date,
    now: dt.datetime,
    faults: Faults | None = None,
) -> list[Path]:
    """Write the log of a client's days first..last as it lies there at `now`, a file a day, the newest first.

    The log reaches back a day further, as logs do that are older than what is looked at.

    Args:
        model: The agency.
        client: The client's key.
        folder: Where to write; made if it is missing.
        first: The first of the client's own days.
        last: The last of them, which the newest file holds.
        now: What comes later is not written yet.
        faults: What spoils the files, by the route `access_log.file`.
    """
    spoiler = faults or Faults()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for age in range((last - first).days + 2):
        call = Call(params={"client": client, "day": str(last - dt.timedelta(days=age))}, now=now)
        content = spoiler.spoil("access_log.file", _file, model, call).body
        packed = age >= _PLAIN
        path = folder / f"{NAME}{f'.{age}' if age else ''}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
        paths.append(path)
    return paths


def _file(model: Simulation, call: Call) -> Answer:
    lines = log_lines(model, call.params["client"], dt.date.fromisoformat(call.params["day"]), call.now)
    return Answer(body="".join(f"{line}\n" for line in lines).encode())


ROUTES: tuple[Route, ...] = ()

FAULT_ANSWERS: FaultAnswers = {}
