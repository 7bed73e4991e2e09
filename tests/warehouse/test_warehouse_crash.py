"""kill -9 between any two statements of a load, then a retry: no row lost, none twice."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine
from warehouse_pulls import account, comment, counter, day, dump, load, post

from widerview.quality.verdict import Rejected
from widerview.sources.base import Row

REJECTED = [Rejected(index=3, reason="negative")]


def a_pull(hours: float, client: str, value: int) -> list[Row]:
    return [
        account(hours, name=f"Café {value}", client=client, followers=value),
        post(hours, text=f"version {value}", client=client, likes=value),
        comment(hours, text=f"version {value}", client=client),
        counter(hours, -1, metric="reposts", client=client),
        counter(hours + 0.1, 7, metric="replies", client=client),
        day(hours, value, client=client),
    ]


def first_pull(engine: Engine, client: str) -> None:
    load(engine, a_pull(1, client, 1), load_id="one", ended=1, client=client, rejected=REJECTED)


def second_pull(engine: Engine, client: str) -> None:
    load(engine, a_pull(2, client, 2), load_id="two", ended=2, client=client, rejected=REJECTED)


def load_and_die(url: str, client: str, fatal_step: int) -> None:
    """Load the second pull; die just before the given step of the conversation with the database.

    A step is each statement, each COPY and its end with all rows on their way, the commit, and the answer to it.
    """
    steps = count(1)

    def step() -> None:
        if next(steps) == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    class MortalCursor(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            step()
            return super().execute(*args, **kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> None:
            step()
            super().executemany(*args, **kwargs)

        @contextmanager
        def copy(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Copy]:
            step()
            with super().copy(*args, **kwargs) as copy:
                yield copy
                step()

    class MortalConnection(psycopg.Connection[Any]):
        def commit(self) -> None:
            step()
            super().commit()
            step()

    def mortal() -> psycopg.Connection[Any]:
        return MortalConnection.connect(url, cursor_factory=MortalCursor)

    second_pull(create_engine("postgresql+psycopg://", creator=mortal), client)


def everything(engine: Engine, client: str) -> dict[str, list[tuple[object, ...]]]:
    """All that a client has, but for the hash of authors, which is another one for each client."""
    found = dump(engine, client)
    return found | {"comment": [row[:7] + row[8:] for row in found["comment"]]}


def test_killed_between_any_two_statements_then_loaded_again(warehouse: Engine) -> None:
    url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    first_pull(warehouse, "faultless")
    before = everything(warehouse, "faultless")
    second_pull(warehouse, "faultless")
    after = everything(warehouse, "faultless")

    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["widerview.warehouse.load"])  # imported once, not once a process
    seen = []
    for fatal_step in count(1):
        client = f"killed-at-{fatal_step}"
        first_pull(warehouse, client)
        process = processes.Process(target=load_and_die, args=(url, client, fatal_step))
        process.start()
        process.join(60)
        assert process.exitcode in {0, -signal.SIGKILL}
        left = everything(warehouse, client)
        assert left in (before, after)
        seen.append(left == after)
        second_pull(warehouse, client)
        assert everything(warehouse, client) == after
        if process.exitcode == 0:
            break
    assert len(seen) > 25
    assert seen == sorted(seen), "once committed, it stays"
    assert seen[-3:] == [False, True, True], "killed at the commit, after it, and not at all"
