"""Load the same rows through our way and through the peers', and print what each took, side by side.

Run it with `make bench-ingest`; docs/benchmarks.md says what it measures and how to read it. Linux only: CPU of the
processes of a run is read as Linux counts it.
"""

import compileall
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psutil
import psycopg
from rich.console import Console

from bench.cluster import Cluster, running
from bench.ingest import environments
from bench.ingest.contenders import CONTENDERS, OF_THIS_PROJECT, TOOLS, Contender, Run
from bench.ingest.measure import RunFailed, measured
from bench.ingest.tables import LATENCY_MS, Result, best, latency_table, table
from bench.ingest.workload import HOST, PORT, POSTS_OF_A_PAGE, POSTS_OF_AN_ACCOUNT, expected
from bench.machine import BUILD, ROOT, machine

WORK = BUILD / "ingest"
RUNS = {"first load": 1, "changed": 2, "unchanged": 2}  # a contender's runs in order, and the version each asks for
LATENCY_SECONDS = 60


class Options(msgspec.Struct, frozen=True):
    """The options, from the environment.

    Attributes:
        rows: `ROWS`: how many rows to load, several counts one after the other.
        contenders: `CONTENDERS`: who takes part; all if empty.
        peers_up_to: `PEERS_UP_TO`: peers are left out of larger loads than this, for they take an hour for 1 M rows.
        repeats: `REPEATS`: how often everything is run; the least CPU of each run counts.
        connections: `CONNECTIONS`: connections of the latency case; 0 leaves it out.
    """

    rows: tuple[int, ...]
    contenders: tuple[str, ...]
    peers_up_to: int
    repeats: int
    connections: int


def options() -> Options:
    quick = os.environ.get("QUICK", "") not in {"", "0"}
    rows = os.environ.get("ROWS") or ("10000" if quick else "10000 100000 1000000")
    found = Options(
        rows=tuple(int(count) for count in rows.split()),
        contenders=tuple((os.environ.get("CONTENDERS") or " ".join(CONTENDERS)).split()),
        peers_up_to=int(os.environ.get("PEERS_UP_TO") or 100_000),
        repeats=int(os.environ.get("REPEATS") or 1),
        connections=int(os.environ.get("CONNECTIONS") or (0 if quick else 8)),
    )
    if unknown := set(found.contenders) - set(CONTENDERS):
        raise SystemExit(f"CONTENDERS: there is no {', '.join(sorted(unknown))}. Choose from {' '.join(CONTENDERS)}.")
    if odd := [count for count in found.rows if count <= 0 or count % POSTS_OF_AN_ACCOUNT]:
        raise SystemExit(f"ROWS: {odd[0]} is no multiple of {POSTS_OF_AN_ACCOUNT}, the posts of one account.")
    return found


@contextmanager
def api() -> Iterator[psutil.Process]:
    """The API server, while it is needed."""
    script = TOOLS / "server.py"
    if not script.exists():
        raise SystemExit(f"The API server is not in {TOOLS}. Set WIDERVIEW_SHARED to the folder that has tools/.")
    if _answers():
        raise SystemExit(f"Something else listens on port {PORT}, which the peers' loaders ask. End it first.")
    with subprocess.Popen(
        [sys.executable, script, str(PORT), str(POSTS_OF_AN_ACCOUNT)], stdout=subprocess.DEVNULL
    ) as it:
        try:
            while not _answers():
                if it.poll() is not None:
                    raise SystemExit(f"The API server {script} ended with status {it.returncode}.")
                time.sleep(0.05)
            yield psutil.Process(it.pid)
        finally:
            it.terminate()


def _answers() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, PORT)) == 0


def reconcile(contender: Contender, dsn: str, rows: int, version: int) -> str | None:
    """Compare what a contender has stored with what the API served; what is wrong, None if nothing is."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(contender.result.encode()).fetchone()
    wanted = expected(rows, version)
    if found == wanted:
        return None
    return f"WRONG: rows, distinct ids, sum of post_impressions are {found}, not {wanted}"


def contend(
    contender: Contender,
    rows: int,
    runs: dict[str, int],
    cluster: Cluster,
    server: psutil.Process,
    *,
    delay_ms: int = 0,
    connections: int | None = None,
) -> Iterator[Result]:
    """Make a contender's runs one after the other, from an empty database on; a run that fails ends them."""
    database = f"bench_{contender.name}"
    dsn = cluster.fresh_database(database)
    folder = WORK / contender.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if contender.prepare:
        subprocess.run([sys.executable, "-c", f"DSN = {dsn!r}; {contender.prepare}"], check=True)
    for name, version in runs.items():
        result = Result(contender=contender.name, rows=rows, run=name, delay_ms=delay_ms, connections=connections)
        run = Run(rows=rows, version=version, folder=folder, dsn=dsn, delay_ms=delay_ms, connections=connections)
        cluster.tidy(database)
        try:
            result.usage = measured(
                contender.command(run),
                environment={"PEERS_DSN": dsn},
                log=folder / f"{name.replace(' ', '_')}.log",
                cwd=ROOT if contender.environment is None else folder,
                cluster=cluster,
                api=server,
            )
            result.fault = reconcile(contender, dsn, rows, version)
        except (RunFailed, psycopg.Error) as error:
            result.fault = f"FAILED: {error}"
        yield result
        if result.fault:
            break
    cluster.drop_database(database)


def latency_rows(connections: int) -> int:
    """As many rows as the connections can fetch in the time, rounded up to whole accounts for each."""
    pages = LATENCY_SECONDS * 1_000 / LATENCY_MS * connections
    a_round = connections * POSTS_OF_AN_ACCOUNT
    return -(-int(pages * POSTS_OF_A_PAGE) // a_round) * a_round


def report(results: list[Result], delayed: list[Result], asked: Options, facts: dict[str, object]) -> None:
    """Print the tables and write everything to build/bench/ingest.json."""
    console = Console(width=200 if not sys.stdout.isatty() else None)
    counted = best(results)
    for rows in asked.rows:
        for run in RUNS:
            console.print(table(counted, rows, run))
    if delayed:
        console.print(latency_table(delayed, asked.connections))
    for result in results + delayed:
        if result.fault:
            console.print(f"{CONTENDERS[result.contender].title}, {result.rows:,} rows, {result.run}: {result.fault}")
    path = BUILD / "ingest.json"
    document = {"machine": facts, "options": asked, "results": results, "latency": delayed}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    console.print(f"All figures: {path}")


def main() -> int:
    if sys.platform != "linux":
        raise SystemExit("The benchmark runs on Linux only, where the CPU of a server's processes can be read.")
    asked = options()
    who = [CONTENDERS[name] for name in CONTENDERS if name in asked.contenders]
    used = {contender.environment for contender in who if contender.environment}
    for name in sorted(used):
        environments.make(name)
    for package in ("bench", "include"):  # as the peers' environments are
        compileall.compile_dir(ROOT / package, quiet=1)
    results: list[Result] = []
    delayed: list[Result] = []
    with running(WORK / "postgres") as cluster, api() as server:
        for _ in range(asked.repeats):
            for rows in asked.rows:
                for contender in who:
                    if rows <= asked.peers_up_to or contender.name in OF_THIS_PROJECT:
                        print(f"{rows:,} rows: {contender.title}", flush=True)
                        results += contend(contender, rows, RUNS, cluster, server)
        if asked.connections:
            rows = latency_rows(asked.connections)
            for contender in who:
                if contender.name in OF_THIS_PROJECT:
                    print(f"{rows:,} rows, {LATENCY_MS} ms a page: {contender.title}", flush=True)
                    delayed += contend(
                        contender,
                        rows,
                        {"first load": 1},
                        cluster,
                        server,
                        delay_ms=LATENCY_MS,
                        connections=asked.connections,
                    )
        packages = {name: environments.packages(name) for name in sorted(used)}
        report(results, delayed, asked, {**machine(cluster), "packages": packages})
    return int(any(result.fault for result in results + delayed))


sys.exit(main())
