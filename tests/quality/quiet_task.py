"""Checks rows as a task does: logging as Airflow's task runner sets it up, no way out to the network.

Run with a folder; writes `<how>.log`, what the task log would hold, and `<how>.calls`, what was asked of the network,
once with the library imported by the check itself and once preloaded in the process that tasks are forked from.
"""

import datetime as dt
import os
import sys
from pathlib import Path

from airflow.sdk.log import configure_logging, reset_logging


def task(how: str, folder: Path) -> None:
    """Check one row that fails and one that does not, with everything logged that a task would log."""
    calls = (folder / f"{how}.calls").open("w")

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"}:
            print(event, arguments, file=calls, flush=True)

    sys.addaudithook(watch)
    with (folder / f"{how}.log").open("wb", buffering=0) as log:
        reset_logging()
        configure_logging(json_output=True, output=log, log_level="INFO")

        import logging

        from widerview.quality.gate import PullRows, check
        from widerview.sources.base import AccountRow, Target, Window

        at = dt.datetime(2026, 11, 17, 6, tzinfo=dt.UTC)
        row = AccountRow(
            client_id="bakery", source="bluesky", observed_at=at, receipt="0" * 64, account_id="did:1", handle="",
            name="Bakery", url="", counts={"likes": -1},
        )  # fmt: skip
        target = Target(client_id="bakery", source="bluesky", ref="bakery", time_zone="Europe/Berlin")
        pull = PullRows(
            target=target, window=Window(at.date(), at.date()), ended_at=at, metrics=("likes",), kind="social",
            rows=[row],
        )  # fmt: skip
        [found] = check([pull])
        assert found.rejected
        assert not found.errors
        logging.getLogger("widerview").info("the summary")
    calls.close()


def main() -> None:
    """Fork a task that has to import the library, then preload it as the forkserver does and fork another."""
    folder = Path(sys.argv[1])
    tasks = []
    for how in ("fresh", "preloaded"):
        if how == "preloaded":
            import great_expectations.expectations
            import pandas

            assert great_expectations.expectations
            assert pandas
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                task(how, folder)
                status = 0
            finally:
                os._exit(status)
        tasks.append(pid)
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in tasks)


if __name__ == "__main__":
    main()
