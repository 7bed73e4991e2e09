"""Starting and stopping the demo's processes, so that none is ever left half-started or running on its own."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

STOP_SECONDS = 20


class Died(RuntimeError):
    """A process ended when it should have gone on; the message ends with the last lines of its log."""


class Processes:
    """The processes of one demo, each in a session of its own, known by a file with its process id."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        for path in (folder, logs):
            path.mkdir(parents=True, exist_ok=True)

    def running(self) -> dict[str, psutil.Process]:
        """Give the processes that are alive, by name; files of dead ones are removed."""
        alive = {}
        for file in sorted(self._folder.glob("*.json")):
            # A record that a full disk has cut short belongs to a process that was ended at once.
            with contextlib.suppress(psutil.NoSuchProcess, ValueError, KeyError):
                known = json.loads(file.read_text())
                process = psutil.Process(known["pid"])
                # A process id is used again some day: the start time tells whether this one is still ours.
                if process.create_time() == known["started"] and process.status() != psutil.STATUS_ZOMBIE:
                    alive[file.stem] = process
                    continue
            file.unlink(missing_ok=True)
        return alive

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process if it is not running; what it prints goes to its log."""
        if name in self.running():
            return
        with (self._logs / f"{name}.log").open("ab") as log, _interrupt_afterwards():
            process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            started = psutil.Process(process.pid).create_time()
            try:
                (self._folder / f"{name}.json").write_text(json.dumps({"pid": process.pid, "started": started}))
            except OSError:  # without its record nobody could end it later
                process.kill()
                raise

    def require(self, *names: str) -> None:
        """Make sure that processes are alive.

        Raises:
            Died: One is not.
        """
        alive = self.running()
        for name in names:
            if name not in alive:
                raise Died(
                    f"{name} has ended unexpectedly. Its log ({self._logs / f'{name}.log'}) ends:\n{self.tail(name)}"
                )

    def tail(self, name: str, lines: int = 15) -> str:
        """Give the last lines of a process's log."""
        log = self._logs / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"

    def stop(self) -> list[str]:
        """End all processes with their children, politely first; give their names."""
        alive = self.running()
        family = [child for process in alive.values() for child in _with_children(process)]
        for process in alive.values():
            _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        psutil.wait_procs(list(alive.values()), timeout=STOP_SECONDS)
        _, left = psutil.wait_procs(family, timeout=max(0.0, deadline - time.monotonic()))
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)
        for name in alive:
            (self._folder / f"{name}.json").unlink(missing_ok=True)
        return list(alive)


@contextlib.contextmanager
def _interrupt_afterwards() -> Iterator[None]:
    """Let Ctrl-C wait: a process that has no record yet could not be ended."""
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        signal.raise_signal(signal.SIGINT)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
