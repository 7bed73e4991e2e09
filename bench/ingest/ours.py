"""Our own way: what `pull` and `load` of an ingest DAG do, one account after the other.

With several connections there are as many processes, as there are mapped tasks in Airflow, and each has its share of
the accounts.

    python -m bench.ingest.ours ROWS VERSION FOLDER [DELAY_MS] [CONNECTIONS]
"""

import datetime as dt
import hashlib
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.ingest.graph import Graph, targets
from widerview.clock import utc_now
from widerview.landing.store import Landing, record
from widerview.sources.base import Target, Window
from widerview.sources.http import ConnectionPool, HttpClient
from widerview.warehouse.database import connect
from widerview.warehouse.load import load_pull

WINDOW = Window(dt.date(2026, 1, 1), dt.date(2026, 11, 28))  # all the API's posts are from these days


def ingest(accounts: Sequence[Target], source: Graph, folder: Path, run: str) -> None:
    """Pull and load some accounts over one connection to the API and one to the warehouse."""
    landing = Landing(folder / "landing")
    pool = ConnectionPool()
    engine = connect(os.environ["PEERS_DSN"])
    for target in accounts:
        http = HttpClient(base_url=source.base_url(target), budget=source.call_budget, pool=pool)
        name, pull = record(landing, source, target, WINDOW, run, http, utc_now)
        load_pull(
            engine,
            load_id=name,
            target=target,
            window=pull.window,
            started_at=pull.started_at,
            ended_at=pull.ended_at,
            digest=hashlib.sha256("".join(entry.sha256 for entry in pull.entries).encode()).digest(),
            rows=(row for page in landing.pages(pull) for row in source.parse(target, page)),
        )


def main(rows: int, version: int, folder: Path, delay_ms: int = 0, connections: int = 1) -> None:
    source = Graph(version, delay_ms)
    run = f"bench {utc_now():%Y-%m-%dT%H:%M:%S.%f}"
    everybody = targets(rows)
    if connections == 1:
        ingest(everybody, source, folder, run)
        return
    forking = multiprocessing.get_context("fork")  # the imports once, as Airflow's preloading workers have them
    workers = [
        forking.Process(target=ingest, args=(everybody[number::connections], source, folder, run))
        for number in range(connections)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a worker failed: see above")


if __name__ == "__main__":
    rows, version, folder, *options = sys.argv[1:]
    main(int(rows), int(version), Path(folder), *map(int, options))
