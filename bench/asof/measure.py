"""What one report takes: composed in a session of its own, as a task does."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psutil
from sqlalchemy import Engine, event, text

from bench.cluster import Cluster
from widerview.warehouse.database import connect

_BLOCK = 8_192
_TOUCHED = text("""
    SELECT
        (SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables) AS rows,
        sum(
            coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0)
            + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_read, 0) + coalesce(toast_blks_hit, 0)
        ) AS blocks,
        sum(coalesce(heap_blks_read, 0) + coalesce(idx_blks_read, 0) + coalesce(toast_blks_read, 0)) AS blocks_read
    FROM pg_statio_user_tables
""")


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of work took; a session of its own included, the start of the process not.

    Attributes:
        wall: Seconds; the median of several times.
        client: CPU seconds of this process; the mean of several times.
        database: CPU seconds of all server processes; the mean of several times.
    """

    wall: float
    client: float
    database: float

    @property
    def cpu(self) -> float:
        """CPU seconds of both."""
        return self.client + self.database


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of work took.

    Attributes:
        cold: Once, after the server was restarted and the system had dropped its pages of the server's files.
        warm: With all that is needed in memory: several times.
        rows: Rows that PostgreSQL fetched from tables, once.
        read_mb: Pages of tables and indexes that it looked at, in MB; one looked at twice counts twice.
        disk_mb: Pages among them that the cold server had to fetch, in MB.
    """

    cold: Took
    warm: Took
    rows: int
    read_mb: float
    disk_mb: float


def measured(cluster: Cluster, database: str, work: Callable[[Engine], object], repeats: int) -> Usage:
    """Do a piece of work cold, then warm."""
    with _touching(cluster, database) as touched:
        cluster.forget()
        cold = _took(cluster, database, work, 1)
    _once(cluster.dsn(database), work)
    return Usage(
        cold=cold,
        warm=_took(cluster, database, work, repeats),
        rows=touched["rows"],
        read_mb=touched["blocks"] * _BLOCK / 1e6,
        disk_mb=touched["blocks_read"] * _BLOCK / 1e6,
    )


def _took(cluster: Cluster, database: str, work: Callable[[Engine], object], times: int) -> Took:
    server = cluster.cpu_seconds()
    runs = [_once(cluster.dsn(database), work) for _ in range(times)]
    return Took(
        wall=statistics.median(wall for wall, _ in runs),
        client=statistics.fmean(client for _, client in runs),
        database=(cluster.cpu_seconds() - server) / times,
    )


def _once(dsn: str, work: Callable[[Engine], object]) -> tuple[float, float]:
    """Give wall and CPU seconds of the client."""
    backends: list[psutil.Process] = []
    begun, cpu = time.perf_counter(), time.process_time()
    engine = connect(dsn)
    event.listen(engine, "connect", lambda connection, _: backends.append(psutil.Process(connection.info.backend_pid)))
    try:
        work(engine)
        return time.perf_counter() - begun, time.process_time() - cpu
    finally:
        engine.dispose()
        psutil.wait_procs(backends, timeout=10)  # what a session took and touched is known once it has ended


@contextmanager
def _touching(cluster: Cluster, database: str) -> Iterator[dict[str, int]]:
    """Count what the sessions inside have looked at; counts survive a restart of the server."""
    touched: dict[str, int] = {}
    engine = connect(cluster.dsn(database))

    def so_far() -> dict[str, int]:
        with engine.connect() as connection:
            return {name: int(value) for name, value in connection.execute(_TOUCHED).mappings().one().items()}

    try:
        before = so_far()
        yield touched
        touched |= {name: value - before[name] for name, value in so_far().items()}
    finally:
        engine.dispose()
