"""Run one contender once, as a whole process, and measure what it took."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from bench.cluster import Cluster, cpu_seconds

MEMORY_SAMPLES_APART = 0.05  # seconds; looking for a process's children costs some CPU itself


class Usage(msgspec.Struct, kw_only=True):
    """What a run took.

    Attributes:
        wall: Seconds from the start of the process to its end.
        client: CPU seconds (user and system) of the contender's processes, children included.
        database: CPU seconds of all PostgreSQL processes, a checkpoint at the end included.
        api: CPU seconds of the API server.
        foreign: CPU seconds the machine spent on anything else meanwhile: the larger, the less `wall` says.
        memory: Peak of the resident memory of the contender's processes together, in MB.
        wal: Write-ahead log written, in MB.
    """

    wall: float
    client: float
    database: float
    api: float
    foreign: float
    memory: float
    wal: float

    @property
    def cpu(self) -> float:
        """CPU seconds of everybody that took part."""
        return self.client + self.database + self.api


class RunFailed(Exception):
    """The contender ended with an error; the message has the end of its log."""


def busy_seconds() -> float:
    """CPU seconds that all processes of the machine have used."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.irq + times.softirq)


def measured(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    cwd: Path,
    cluster: Cluster,
    api: psutil.Process,
) -> Usage:
    """Run a command to its end.

    Raises:
        RunFailed: It ended with another status than 0.
    """
    cluster.checkpoint()
    wal, database, served, busy = cluster.wal_position(), cluster.cpu_seconds(), cpu_seconds(api), busy_seconds()
    begun = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    memory = _PeakMemory(process.pid)
    memory.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        with contextlib.suppress(ProcessLookupError):  # whatever it has left behind, or we were interrupted
            os.killpg(process.pid, signal.SIGKILL)
        memory.ended.set()
        memory.join()
    if process.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RunFailed(f"exit status {process.returncode}, the end of {log}:\n{end}")
    written = cluster.wal_position() - wal
    cluster.checkpoint()
    found = Usage(
        wall=wall,
        client=usage.ru_utime + usage.ru_stime,
        database=cluster.cpu_seconds() - database,
        api=cpu_seconds(api) - served,
        foreign=0.0,
        memory=memory.peak / 1e6,
        wal=written / 1e6,
    )
    found.foreign = max(0.0, busy_seconds() - busy - found.cpu)
    return found


class _PeakMemory(threading.Thread):
    """Watches the memory of a process and its children; pages that they share are counted for each."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.ended = threading.Event()
        self._pid = pid

    def run(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._pid)
            while not self.ended.wait(MEMORY_SAMPLES_APART):
                self.peak = max(self.peak, sum(map(_resident, [process, *process.children(recursive=True)])))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0
