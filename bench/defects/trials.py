"""What the gate makes of weeks: of clean ones, and of one that is spoilt in every way the sandbox knows."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine

from bench.defects.mails import Mail, mails
from house import ANCHOR, Sandbox
from widerview.agency.models import Client
from widerview.landing.store import Landing, Pull, record
from widerview.measures.weeks import Week
from widerview.pipeline import ingest
from widerview.quality.verdict import COLOURS, CheckResult, Colour
from widerview.sandbox.clients import write_access_logs
from widerview.sandbox.defects import DEFECTS
from widerview.sandbox.faults import Injection
from widerview.sources.base import Row, Target, Window
from widerview.sources.errors import SourceError
from widerview.sources.registry import SOURCES

ASKING = tuple(name for name, source in SOURCES.items() if source.kind != "offline")
"""The sources whose answers a platform or a log gives; what people save themselves is for the tests of its source."""

WEEK = ANCHOR - dt.timedelta(weeks=1)
"""The Monday of the week that is spoilt."""

PAST_WEEKS = 6
"""How long before it the past begins that the warehouse knows."""

SETTLED_AFTER = dt.timedelta(days=8, hours=8)
"""How long after its end a week is read, so that nothing of it is still to come."""

BROKEN = {
    "html_page": ("bluesky", "matomo", "facebook"),
    "cut_json": ("mastodon", "plausible", "x"),
    "empty": ("instagram", "umami"),
}
"""Faults that break an answer and still come with HTTP 200: tried beside the defects, on these sources."""

QUIETER = "lantern-lane"
"""Of two clients on a platform, the other is the one whose account is tried."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate made of a spoilt week.

    Attributes:
        defect: Its name; empty for the week as it was.
        source: Whose answers were spoilt.
        changed: Whether a row that came of them differs from what comes of honest answers.
        verdict: The worst of the days.
        held: How many rows or single numbers were held.
        how: Why rows are held, and what is said of the days.
        recorded: What is only noted for operators, such as a new key; of that, what honest answers do not bring.
        mail: What the client's mail would be; None if it was not made.
    """

    defect: str
    source: str
    changed: bool
    verdict: Colour
    held: int
    how: list[str]
    recorded: list[str]
    mail: Mail | None = None

    @property
    def stopped(self) -> bool:
        """Whether it has a verdict other than green, or anything is held."""
        return self.verdict != "green" or self.held > 0

    @property
    def found(self) -> bool:
        """Whether anything was noticed."""
        return self.stopped or bool(self.recorded)


class Reading(NamedTuple):
    """A pull with its name, and what the gate said of it."""

    path: str
    pull: Pull
    result: CheckResult


class Reader:
    """Reads targets of one sandbox, checks them and loads them, week by week.

    Attributes:
        sandbox: Where it reads.
        landing: Where its answers lie.
        engine: Its warehouse.
    """

    def __init__(self, sandbox: Sandbox, landing: Landing, engine: Engine) -> None:
        self.sandbox = sandbox
        self.landing = landing
        self.engine = engine

    def pull(self, target: Target, window: Window, run: str) -> tuple[str, Pull]:
        """Land the answers for a target; a pull that fails is landed as one that failed."""
        source = SOURCES[target.source]
        http = ingest.http_client(
            source, target, self.sandbox.access(target), clock=self.sandbox.clock, sleep=lambda seconds: None
        )
        with suppress(SourceError):  # the pull itself says that it failed
            record(self.landing, source, target, window, run, http, self.sandbox.clock)
        landed = self.landing.latest_pull(source.name, run, target)
        assert landed
        return landed

    def check(self, source: str, pulls: Sequence[tuple[str, Pull]]) -> list[Reading]:
        """Put pulls through the gate, all at once, as one task would."""
        results = ingest.check_pulls(self.landing, SOURCES[source], pulls, self.engine)
        return [Reading(*pull, result) for pull, result in zip(pulls, results, strict=True)]

    def load(self, readings: Iterable[Reading]) -> None:
        """Load what was checked, known as of when it was read."""
        for path, pull, _ in readings:
            source = SOURCES[pull.target.source]
            ingest.load_pulls(self.landing, source, [(path, pull)], self.engine, lambda pull: pull.ended_at)

    def rows(self, pull: Pull) -> list[Row]:
        """The rows of a pull; none if an answer cannot be read."""
        try:
            return list(ingest.rows(self.landing, SOURCES[pull.target.source], pull))
        except SourceError:
            return []


def window_of(source: str, monday: dt.date) -> Window:
    """What is asked for on behalf of a week: its days, and those before it that the source asks for again."""
    sunday = monday + dt.timedelta(days=6)
    lookback = sunday - ingest.window(sunday, SOURCES[source]).first
    return Window(monday - lookback, sunday)


def settled(monday: dt.date) -> dt.datetime:
    """When a week is read."""
    return dt.datetime.combine(monday + dt.timedelta(weeks=1), dt.time(), dt.UTC) + SETTLED_AFTER


def busiest(targets: Iterable[Target]) -> dict[str, Target]:
    """One target of each source."""
    chosen: dict[str, Target] = {}
    for target in targets:
        if target.source not in chosen or chosen[target.source].client_id == QUIETER:
            chosen[target.source] = target
    return chosen


def read_past(reader: Reader, targets: Iterable[Target], logs: Any, weekly: int) -> None:
    """Read the weeks before the spoilt one: the older ones at once, the last `weekly` ones each in its turn."""
    first = WEEK - dt.timedelta(weeks=PAST_WEEKS)
    mondays = [WEEK - dt.timedelta(weeks=back) for back in range(weekly + 1, 0, -1)]
    for monday in mondays:
        reader.sandbox.now[0] = settled(monday)
        write_access_logs(reader.sandbox.model, logs, first, settled(monday))
        for target in targets:
            asked = window_of(target.source, monday)
            window = Window(min(first, asked.first), asked.last) if monday == mondays[0] else asked
            landed = reader.pull(target, window, f"week of {monday}")
            reader.load(reader.check(target.source, [landed]))
    reader.sandbox.now[0] = settled(WEEK)


def spoilt_ways() -> list[tuple[str, str]]:
    """Every defect with every source it concerns; and, without a name, the week as it was."""
    return [
        *(("", source) for source in ASKING),
        *((name, source) for name, defect in DEFECTS.items() for source in defect.sources),
        *((name, source) for name, sources in BROKEN.items() for source in sources),
    ]


def try_all(
    reader: Reader,
    targets: dict[str, Target],
    ways: Iterable[tuple[str, str]],
    logs: Any,
    clients: Mapping[str, Client] | None = None,
) -> list[Trial]:
    """Read the week spoilt in each way, have the gate judge it, and with `clients` make their mails; none is kept."""
    pulls: dict[str, dict[str, tuple[str, Pull]]] = {}
    faults = reader.sandbox.faults
    first = WEEK - dt.timedelta(weeks=PAST_WEEKS)
    for name, source in ways:
        if name:
            faults.inject(Injection(route=f"{source}*", fault=name))
        if source == "access_log":
            write_access_logs(reader.sandbox.model, logs, first, settled(WEEK), faults)
        pulls.setdefault(source, {})[name] = reader.pull(targets[source], window_of(source, WEEK), name or "as it was")
        faults.clear()
    checked = {
        source: dict(zip(tried, reader.check(source, list(tried.values())), strict=True))
        for source, tried in pulls.items()
    }
    as_it_was = {source: tried[""] for source, tried in pulls.items()}
    trials = {}
    for source, readings in checked.items():
        honest = readings[""]
        told: Mapping[str, Mail] = {}
        if clients is not None:
            client, as_of = clients[targets[source].client_id], settled(WEEK) + dt.timedelta(hours=1)
            told = mails(reader.engine, reader.landing, client, source, Week.of(WEEK), as_of, as_it_was, pulls[source])
        for name, (_, pull, result) in readings.items():
            trials[name, source] = Trial(
                defect=name,
                source=source,
                changed=not pull.complete or _said(reader.rows(pull)) != _said(reader.rows(honest.pull)),
                verdict=worst(result),
                held=len(result.rejected),
                how=reasons(result),
                recorded=[note for note in records(result) if not name or note not in records(honest.result)],
                mail=told.get(name),
            )
    return [trials[way] for way in ways]


def _said(rows: Iterable[Row]) -> set[bytes]:
    """What rows say, however often: without their receipts, which are the answers'."""
    return {msgspec.json.encode(msgspec.structs.replace(row, receipt="")) for row in rows}


def worst(result: CheckResult) -> Colour:
    """The worst colour of a pull's days."""
    return max((verdict.colour for verdict in result.verdicts), key=COLOURS.index)


def reasons(result: CheckResult) -> list[str]:
    """Why rows are held, and what is said of the days, each once."""
    said = [rejected.reason for rejected in result.rejected]
    said += [reason for verdict in result.verdicts for reason in verdict.reasons]
    return list(dict.fromkeys(said))


def records(result: CheckResult) -> list[str]:
    """What is only noted, each once."""
    noted = [example for each in result.outcomes if each.severity == "info" for example in each.examples]
    noted += [f"{drift.change} in {drift.stream}: {drift.path}" for drift in result.drift]
    return list(dict.fromkeys(noted))
