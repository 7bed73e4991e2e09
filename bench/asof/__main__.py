"""Compose a client's weekly report from a year of everybody's observations, and print what it took, side by side.

Run it with `make bench-asof`; docs/benchmarks.md says what it measures and how to read it. Linux only: CPU of a
server's processes is read as Linux counts it.
"""

import datetime as dt
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from bench.asof.clients import AS_OF, EARLIER_AS_OF, EARLIER_WEEK, LAST_WEEK, client, clients
from bench.asof.measure import Usage, measured
from bench.asof.warehouse import count, fill
from bench.cluster import Cluster, running
from bench.machine import BUILD, machine
from widerview.agency.models import Client
from widerview.measures.weeks import Week
from widerview.pipeline.weekly import compose_facts
from widerview.report.facts import Facts
from widerview.report.year import is_due
from widerview.warehouse.database import client_snapshot, connect
from widerview.warehouse.marts import MARTS

WORK = BUILD / "asof"
LARGER = (4, 16)
"""How many times the others' data the larger clients have."""

ALLOWED_SECONDS = 1.0


class Options(msgspec.Struct, frozen=True):
    """The options, from the environment.

    Attributes:
        clients: `CLIENTS`: how many clients the largest warehouse has.
        observations: `OBSERVATIONS`: how many observations they have together.
        repeats: `REPEATS`: how often each report is composed warm.
        keep: `KEEP`: whether the cluster stays, for the next run to use again.
    """

    clients: int
    observations: int
    repeats: int
    keep: bool


class Case(NamedTuple):
    """One thing to measure: what it shows, whose it is, what is read, and how."""

    name: str
    client: Client
    what: str
    work: Callable[[Engine], object]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured.

    Attributes:
        case: What it shows.
        clients: How many clients the warehouse has.
        client_id: Whose it is.
        observations: How many observations that client has.
        what: What was read: the week of a report, or a mart and by whom.
        usage: What it took.
    """

    case: str
    clients: int
    client_id: str
    observations: int
    what: str
    usage: Usage


def options() -> Options:
    found = Options(
        clients=int(os.environ.get("CLIENTS") or 1_000),
        observations=int(os.environ.get("OBSERVATIONS") or 20_000_000),
        repeats=int(os.environ.get("REPEATS") or 9),
        keep=os.environ.get("KEEP", "") not in {"", "0"},
    )
    if found.clients < 1:
        raise SystemExit(f"CLIENTS: {found.clients} is too few; 1 is the least.")
    return found


def report(each: Client, week: str, as_of: dt.datetime, engine: Engine) -> Facts:
    """Compose a report.

    Raises:
        ValueError: It lacks something that the observations give.
    """
    facts = compose_facts(engine, each, Week.parse(week), as_of)
    lacking = {
        "a verdict": facts.colour != "green",
        "figures": len(facts.figures) < 5,  # noqa: PLR2004 - three of posts and two of visits
        "a figure's value": any(figure.value is None or figure.last_week is None for figure in facts.figures),
        "a figure's usual range": any(figure.usual is None for figure in facts.figures),
        "the best posts": not facts.posts,
        "channels": not facts.channels,
        "a campaign's visits": any(not campaign.touchpoints or not campaign.visits for campaign in facts.campaigns),
        "followers": len(facts.accounts) != len(each.accounts) or not all(one.followers for one in facts.accounts),
        "the year": is_due(Week.parse(week)) and facts.year is None,
        "the chart": facts.year is None
        and (facts.chart is None or any(point.value is None for point in facts.chart.points)),
    }
    if missing := [what for what, lacks in lacking.items() if lacks]:
        raise ValueError(f"The report {week} to {each.client} lacks {', '.join(missing)}.")
    return facts


def mart_for_report(name: str, client_id: str, engine: Engine) -> None:
    """Read one client's rows of a mart with the role that sees no others."""
    with client_snapshot(engine, client_id) as connection:
        connection.execute(text(f"SELECT * FROM mart.{name}")).all()


def mart_for_analyst(name: str, client_id: str, engine: Engine) -> None:
    """Read one client's rows of a mart as a user who may see all."""
    with engine.connect() as connection:
        statement = text(f"SELECT * FROM mart.{name} WHERE client_id = :client_id")
        connection.execute(statement, {"client_id": client_id}).all()


def made(cluster: Cluster, everybody: Sequence[Client], each: int) -> str:
    """Give the database of so many clients, made if an earlier run has not left it; its name says what is in it."""
    database = f"asof_{len(everybody)}_{each}"
    if cluster.connection.execute("select true from pg_database where datname = %s", [database]).fetchone():
        return database
    begun = time.perf_counter()
    print(f"{len(everybody):,} clients: making their year", flush=True)
    fill(cluster.fresh_database("making"), everybody, each)
    cluster.tidy("making")
    cluster.connection.execute(f'alter database making rename to "{database}"')
    print(f"{len(everybody):,} clients: made in {time.perf_counter() - begun:.0f} s", flush=True)
    return database


def scales(most: int) -> list[int]:
    """A hundredth of all clients, a tenth, all."""
    return sorted({max(1, most // 100), max(1, most // 10), most})


def cases(ordinary: Sequence[Client], larger: Sequence[Client]) -> Iterator[Case]:
    """What to measure in one warehouse; some only in the largest, which has larger clients, too."""
    middle = ordinary[len(ordinary) // 2]
    for one in {one.client: one for one in (ordinary[0], middle, ordinary[-1])}.values():
        yield Case("more clients", one, LAST_WEEK, partial(report, one, LAST_WEEK, AS_OF))
    if not larger:
        return
    yield Case("as of then", middle, EARLIER_WEEK, partial(report, middle, EARLIER_WEEK, EARLIER_AS_OF))
    for one in larger:
        yield Case("more data", one, LAST_WEEK, partial(report, one, LAST_WEEK, AS_OF))
    for name in MARTS:
        yield Case("marts", middle, f"mart.{name}, report", partial(mart_for_report, name, middle.client))
        yield Case("marts", middle, f"mart.{name}, analyst", partial(mart_for_analyst, name, middle.client))


def measure(cluster: Cluster, asked: Options) -> tuple[list[Result], dict[str, int]]:
    """Measure all cases; give the results, and how many observations each warehouse has."""
    results: list[Result] = []
    totals: dict[str, int] = {}
    for size in scales(asked.clients):
        ordinary = clients(size)
        larger = [client(f"client-x{times}", times) for times in LARGER] if size == asked.clients else []
        everybody = [*ordinary, *larger]
        database = made(cluster, everybody, asked.observations // asked.clients)
        measured_here = list(cases(ordinary, larger))
        engine = connect(cluster.dsn(database))
        totals[database] = count(engine)
        observations = {name: count(engine, name) for name in {case.client.client for case in measured_here}}
        engine.dispose()
        for case in measured_here:
            print(f"{len(everybody):,} clients: {case.what} of {case.client.client}", flush=True)
            results.append(
                Result(
                    case=case.name,
                    clients=len(everybody),
                    client_id=case.client.client,
                    observations=observations[case.client.client],
                    what=case.what,
                    usage=measured(cluster, database, case.work, asked.repeats),
                )
            )
    return results, totals


def table(title: str, results: Sequence[Result], against: Result) -> Table:
    """Results of one case, each with its data, wall time and CPU as multiples of another's."""
    shown = Table(title=title, title_justify="left")
    for head in ("clients", "client", "what"):
        shown.add_column(head, no_wrap=True)
    for head in (
        "observations", "cold ms", "warm ms", "CPU ms", "Python", "PostgreSQL", "rows", "MB read", "MB from disk",
        "data / base", "warm / base", "CPU / base",
    ):  # fmt: skip
        shown.add_column(head, justify="right")
    base = against.usage.warm
    for result in results:
        usage = result.usage
        shown.add_row(
            f"{result.clients:,}", result.client_id, result.what, f"{result.observations:,}",
            f"{usage.cold.wall * 1e3:,.0f}", f"{usage.warm.wall * 1e3:,.0f}", f"{usage.warm.cpu * 1e3:,.0f}",
            f"{usage.warm.client * 1e3:,.0f}", f"{usage.warm.database * 1e3:,.0f}",
            f"{usage.rows:,}", f"{usage.read_mb:,.1f}", f"{usage.disk_mb:,.1f}",
            f"{result.observations / against.observations:.1f}",
            f"{usage.warm.wall / base.wall:.2f}", f"{usage.warm.cpu / base.cpu:.2f}",
        )  # fmt: skip
    return shown


def show(results: list[Result], totals: dict[str, int], asked: Options, facts: dict[str, object]) -> int:
    """Print the tables and write everything to build/bench/asof.json; give how many reports took too long."""
    console = Console(width=220 if not sys.stdout.isatty() else None)
    for database, observations in totals.items():
        console.print(f"{database}: {observations:,} observations")
    base = results[0]
    for case, title in (
        ("more clients", "The same amount of data, more and more other clients"),
        ("as of then", "A week of half a year ago, as of then"),
        ("more data", "The same other clients, more and more data of its own"),
        ("marts", "All rows of one client in each mart"),
    ):
        console.print(table(title, [result for result in results if result.case == case], base))
    reports = [result for result in results if result.case != "marts" and result.observations < 2 * base.observations]
    slow = [one for one in reports if max(one.usage.cold.wall, one.usage.warm.wall) >= ALLOWED_SECONDS]
    for one in slow:
        console.print(
            f"TOO SLOW: {one.what} of {one.client_id} among {one.clients:,} took {ALLOWED_SECONDS:.0f} s or more"
        )
    path = BUILD / "asof.json"
    document = {"machine": facts, "options": asked, "observations": totals, "results": results}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    console.print(f"All figures: {path}")
    return len(slow)


def main() -> int:
    if sys.platform != "linux":
        raise SystemExit("The benchmark runs on Linux only, where the CPU of a server's processes can be read.")
    asked = options()
    try:
        with running(WORK / "postgres") as cluster:
            results, totals = measure(cluster, asked)
            slow = show(results, totals, asked, machine(cluster))
    finally:
        if not asked.keep:
            shutil.rmtree(WORK, ignore_errors=True)
    return int(slow > 0)


sys.exit(main())
