"""Clean weeks: many sandboxes of other seeds, read week after week, of which the gate should have nothing to say."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from bench.defects.trials import ASKING, WEEK, Reader, Reading, reasons, settled, window_of, worst
from house import house_in, running_sandbox
from widerview.landing.store import Landing
from widerview.pipeline.ingest import targets_of
from widerview.quality.verdict import Colour
from widerview.sandbox.clients import write_access_logs
from widerview.sources.base import Target

FIRST_SEED = 100


def on_tuesday(monday: dt.date) -> dt.datetime:
    """When most reports on a week are made: on the Tuesday after it, before the office opens."""
    return dt.datetime.combine(monday + dt.timedelta(days=8), dt.time(4, 5), dt.UTC)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate said of a clean week.

    Attributes:
        seed: The sandbox's.
        client: Whose week it was.
        source: Where it was read.
        monday: Its first day.
        verdict: The worst of the days.
        how: What was said of it.
        is_early: Whether all of it is that more may come, within the delay that the source states.
    """

    seed: int
    client: str
    source: str
    monday: dt.date
    verdict: Colour
    how: list[str]
    is_early: bool


class CleanWeeks(msgspec.Struct, frozen=True, kw_only=True):
    """What came of clean weeks.

    Attributes:
        client_weeks: How many weeks of how many clients were read.
        pulls: How many pulls that took.
        not_green: What was said of those that were not green, or of which anything was held.
    """

    client_weeks: int
    pulls: int
    not_green: list[Finding]


def read_clean_weeks(
    folder: Path,
    engine: Engine,
    seeds: int,
    weeks: int,
    sources: Collection[str] = ASKING,
    read_at: Callable[[dt.date], dt.datetime] = settled,
) -> CleanWeeks:
    """Read the same weeks of several agencies; the clients of each are clients of their own in the one warehouse.

    Args:
        folder: Where all of it lies.
        engine: An empty warehouse.
        seeds: How many agencies, of three clients each.
        weeks: How many weeks, the last of them that of the sandbox's report.
        sources: Where they are read.
        read_at: When the week of a Monday is read.
    """
    mondays = [WEEK - dt.timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    landing = Landing(folder / "landing")
    not_green: list[Finding] = []
    pulls = 0
    with ExitStack() as stack:
        agencies = []
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            sandbox = stack.enter_context(running_sandbox(seed, read_at(mondays[0])))
            house = house_in(folder / str(seed), sandbox, engine, platforms=sources)
            agencies.append((seed, Reader(sandbox, landing, engine), house.agency))
        for monday in mondays:
            for _, reader, _ in agencies:
                reader.sandbox.now[0] = read_at(monday)
            for source in sources:
                pulled = []
                for seed, reader, agency in agencies:
                    logs = folder / str(seed) / "access_logs"
                    if source == "access_log":
                        write_access_logs(reader.sandbox.model, logs, monday - dt.timedelta(days=10), read_at(monday))
                    for target in _own(targets_of(agency.clients.values(), source), seed):
                        pulled.append(reader.pull(target, window_of(source, monday), f"week of {monday}"))
                readings = agencies[0][1].check(source, pulled)
                agencies[0][1].load(readings)
                pulls += len(readings)
                not_green += _findings(readings, monday)
    return CleanWeeks(client_weeks=seeds * weeks * len(agencies[0][2].clients), pulls=pulls, not_green=not_green)


def _own(targets: Sequence[Target], seed: int) -> list[Target]:
    return [msgspec.structs.replace(target, client_id=f"{target.client_id}-{seed}") for target in targets]


def _findings(readings: Sequence[Reading], monday: dt.date) -> Iterator[Finding]:
    for _, pull, result in readings:
        if worst(result) != "green" or result.rejected:
            client, _, seed = pull.target.client_id.rpartition("-")
            yield Finding(
                seed=int(seed),
                client=client,
                source=pull.target.source,
                monday=monday,
                verdict=worst(result),
                how=reasons(result),
                is_early={flaw.kind for each in result.verdicts for flaw in each.flaws} == {"early"}
                and worst(result) == "amber",
            )
