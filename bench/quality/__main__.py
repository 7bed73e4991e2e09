"""Judge the same rows by our gate, by plain SQL and by pandera, and print what each took beside loading them.

Run it with `make bench-quality`; docs/benchmarks.md says what it measures and how to read it. Linux only: CPU of the
server's processes is read as Linux counts it.
"""

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Callable

import msgspec
from rich.console import Console
from rich.table import Table

from bench.cluster import Cluster, running
from bench.ingest import environments
from bench.ingest.contenders import python
from bench.ingest.graph import Graph
from bench.machine import BUILD, ROOT, machine
from bench.quality.workload import FALLEN, FAULTS, ROWS_A_FAULT
from widerview.warehouse.migrate import migrate

PEER = "pandera"
MEASURE = "load"
"""What is loaded is what the others are measured against."""
READ = "read"
"""What the tasks `check` and `load` both do first."""


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """One way to judge the rows, or what it is measured against.

    Attributes:
        title: What it is, for the table.
        module: What is run, with the contender's name and the rows.
        finds: The faults that it has to find.
        environment: The peer's environment that it is run in; None for our own.
        prepare: Makes what has to be there before, not measured.
    """

    title: str
    module: str
    finds: tuple[str, ...] = FAULTS
    environment: str | None = None
    prepare: Callable[[str, int], None] = lambda dsn, rows: None


class Result(msgspec.Struct, kw_only=True):
    """What one contender took.

    Attributes:
        contender: Its name.
        rows: How many rows.
        steps: CPU seconds of its process by step; the making of the rows is none.
        database: CPU seconds of all PostgreSQL processes, a checkpoint at the end included.
        memory: Peak of its resident memory in MB, the rows it holds included.
        found: How many rows or totals it has found, by fault.
    """

    contender: str
    rows: int
    steps: dict[str, float]
    database: float
    memory: float
    found: dict[str, int]

    @property
    def importing(self) -> float:
        return self.steps.get("import", 0.0)

    @property
    def work(self) -> float:
        """CPU seconds of everybody, without importing."""
        return sum(self.steps.values()) - self.importing + self.database


def _warehouse(dsn: str, rows: int) -> None:
    migrate(dsn)


def _warehouse_with_past(dsn: str, rows: int) -> None:
    migrate(dsn)
    _run([sys.executable, "-m", "bench.quality.ours", "remember", str(rows)], dsn)


def _table_with_past(dsn: str, rows: int) -> None:
    _run([sys.executable, "-m", "bench.quality.sql", "remember", str(rows), *Graph().metrics], dsn)


CONTENDERS = {
    MEASURE: Contender(title="load_pull, first load", module="ours", finds=(), prepare=_warehouse),
    READ: Contender(title="unpack and parse", module="ours", finds=()),
    "gate": Contender(title="our gate", module="ours"),
    "gate-past": Contender(
        title="our gate, with a past", module="ours", finds=(*FAULTS, FALLEN), prepare=_warehouse_with_past
    ),
    "sql": Contender(title="plain SQL", module="sql"),
    "sql-past": Contender(
        title="plain SQL, with a past", module="sql", finds=(*FAULTS, FALLEN), prepare=_table_with_past
    ),
    "pandera": Contender(title="pandera", module="peer_pandera", environment=PEER),
}  # fmt: skip


def _run(command: list[str], dsn: str) -> bytes:
    environment = {**os.environ, "BENCH_DSN": dsn}
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout


def contend(name: str, rows: int, cluster: Cluster) -> Result:
    """Run one contender in a process and a database of its own."""
    contender = CONTENDERS[name]
    database = f"bench_{name}"
    dsn = cluster.fresh_database(database)
    contender.prepare(dsn, rows)
    cluster.tidy(database)
    interpreter = python(contender.environment) if contender.environment else sys.executable
    command = [interpreter, "-m", f"bench.quality.{contender.module}", name, str(rows), *Graph().metrics]
    before = cluster.cpu_seconds()
    told = json.loads(_run(command, dsn).splitlines()[-1])
    cluster.checkpoint()
    result = Result(contender=name, rows=rows, database=cluster.cpu_seconds() - before, **told)
    cluster.drop_database(database)
    return result


def fault(result: Result) -> str | None:
    """What a contender has found more or less of than was planted; None if it has found all."""
    wanted = dict.fromkeys(CONTENDERS[result.contender].finds, result.rows // ROWS_A_FAULT)
    return None if result.found == wanted else f"WRONG: found {result.found}, planted {wanted}"


def table(results: list[Result], rows: int) -> Table:
    """All contenders at one number of rows, with each one's CPU as a share of what loading takes."""
    here = {result.contender: result for result in results if result.rows == rows}
    measure, reading = here[MEASURE], here[READ].work
    shown = Table(title=f"{rows:,} rows", title_justify="left")
    shown.add_column("contender")
    heads = ("CPU s", "client", "PostgreSQL", "/ load", "import", "both with import", "and unpack, parse")
    heads += ("memory MB", "steps")
    for head in heads:
        shown.add_column(head, justify="right")
    for name, result in here.items():
        mine, loading = result.work + result.importing, measure.work + measure.importing
        whole = f"{(mine + reading) / (loading + reading):.2f}" if name != READ else ""
        shown.add_row(
            CONTENDERS[name].title, f"{result.work:.2f}", f"{result.work - result.database:.2f}",
            f"{result.database:.2f}", f"{result.work / measure.work:.2f}", f"{result.importing:.2f}",
            f"{mine / loading:.2f}", whole,
            f"{result.memory:,.0f}",
            ", ".join(f"{step} {took:.2f}" for step, took in result.steps.items() if step != "import"),
        )  # fmt: skip
    return shown


def options() -> tuple[int, ...]:
    """`ROWS`: how many rows, several counts one after the other; `QUICK`: the least of them."""
    quick = os.environ.get("QUICK", "") not in {"", "0"}
    rows = os.environ.get("ROWS") or ("10000" if quick else "10000 100000 1000000")
    found = tuple(int(count) for count in rows.split())
    if odd := [count for count in found if count <= 0 or count % ROWS_A_FAULT]:
        raise SystemExit(
            f"ROWS: {odd[0]} is no multiple of {ROWS_A_FAULT:,}: so many rows have one fault of each kind."
        )
    return found


def main() -> int:
    if sys.platform != "linux":
        raise SystemExit("The benchmark runs on Linux only, where the CPU of a server's processes can be read.")
    counts = options()
    environments.make(PEER)
    for package in ("bench", "include"):  # as the peer's environment is
        compileall.compile_dir(ROOT / package, quiet=1)
    results: list[Result] = []
    with running(BUILD / "quality" / "postgres") as cluster:
        for rows in counts:
            for name, contender in CONTENDERS.items():
                print(f"{rows:,} rows: {contender.title}", flush=True)
                results.append(contend(name, rows, cluster))
        facts = {**machine(cluster), "packages": {PEER: environments.packages(PEER)}}
    console = Console(width=200 if not sys.stdout.isatty() else None)
    for rows in counts:
        console.print(table(results, rows))
    wrongs = [(result, wrong) for result in results if (wrong := fault(result))]
    for result, wrong in wrongs:
        console.print(f"{CONTENDERS[result.contender].title}, {result.rows:,} rows: {wrong}")
    path = BUILD / "quality.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": facts, "results": results}), indent=1))
    console.print(f"All figures: {path}")
    return int(bool(wrongs))


sys.exit(main())
