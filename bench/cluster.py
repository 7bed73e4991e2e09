"""The benchmarks' own PostgreSQL: the embedded server, its settings, and the CPU it has used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from widerview.demo import postgres

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "fsync": "on", "synchronous_commit": "on"}
"""All else, autovacuum included, is as PostgreSQL ships it."""


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and of all its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


class Cluster:
    """A running server; `connection` is to its maintenance database, in autocommit."""

    def __init__(self, server: Any, folder: Path, socket_folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._socket_folder = socket_folder
        self._connect()

    def _connect(self) -> None:
        self._postmaster = psutil.Process(self._server.get_pid())
        self.connection = psycopg.connect(self.dsn("postgres"), autocommit=True)

    def dsn(self, database: str) -> str:
        """The URL of a database, in the one form that every contender's driver takes."""
        return f"postgresql://postgres:none@localhost/{database}?host={self._socket_folder}"

    def version(self) -> str:
        return self.connection.info.parameter_status("server_version") or "unknown"

    def fresh_database(self, name: str) -> str:
        """Make an empty database in place of what bore the name; returns its URL."""
        self.drop_database(name)
        self.connection.execute(f'create database "{name}"')
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        self.connection.execute(f'drop database if exists "{name}" with (force)')

    def tidy(self, database: str) -> None:
        """Finish what earlier runs have left to do, so that no later run pays for it."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
        self.connection.execute("checkpoint")

    def checkpoint(self) -> None:
        """Write what is still in memory, so that it is counted for the run that changed it."""
        self.connection.execute("checkpoint")

    def wal_position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        found = self.connection.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert found
        return int(found[0])

    def cpu_seconds(self) -> float:
        """CPU of all server processes since the start: the postmaster has waited for every backend that ended."""
        total = cpu_seconds(self._postmaster)
        for child in self._postmaster.children():
            try:
                total += cpu_seconds(child)
            except psutil.NoSuchProcess:  # it ended in between, so the postmaster's next reading has it
                continue
        return total

    def restart(self) -> None:
        """Stop and start the server, which forgets all that it held in memory."""
        self.connection.close()
        self._server.stop()
        self._server.start()
        self._connect()

    def forget(self) -> None:
        """Make the cache cold: restart the server, and have the system drop its pages of the server's files."""
        self.restart()
        self.checkpoint()  # only pages that are on disk can be dropped
        for path in self._folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(handle)

    def stop(self) -> None:
        self.connection.close()
        self._server.stop()


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start the server in `folder` (made if need be) with the benchmarks' settings; stop it in the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    server, socket_folder = postgres.start(folder)
    cluster = Cluster(server, folder, socket_folder)
    try:
        for name, value in SETTINGS.items():
            cluster.connection.execute(f"alter system set {name} = '{value}'")
        cluster.restart()
        yield cluster
    finally:
        cluster.stop()
