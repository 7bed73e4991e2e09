"""What asking the platforms costs: counted by client, platform and day, and held within what they may cost."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import Engine

from widerview.clock import utc_now
from widerview.sources.errors import BudgetSpent
from widerview.warehouse.sql import query

_CALLS_AT_ONCE = 10
"""Calls that are set aside with one statement; those that are not made are given back."""


class Used(NamedTuple):
    """What a client has spent on a platform on a day (UTC): HTTP calls, and US dollars."""

    day: dt.date
    client_id: str
    source: str
    calls: int
    dollars: Decimal


def used_since(engine: Engine, first: dt.date) -> list[Used]:
    """List what was spent from a day on, the newest day first."""
    with engine.connect() as connection:
        return [Used(*row) for row in connection.execute(query("used_since"), {"first": first})]


class DailyAllowance:
    """What a client may still spend today (UTC) on a platform, however many tasks spend it at once.

    No call is made once the money is spent; what an answer costs is known when it is there, so the last one may go
    beyond by its own price.

    A context manager; at its end the calls that were set aside and not made are given back. A process that dies
    before has counted a few calls too many, and never one too few.
    """

    def __init__(
        self,
        engine: Engine,
        client_id: str,
        source: str,
        *,
        calls: int,
        dollars: float | None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Count in the warehouse.

        Args:
            engine: The warehouse.
            client_id: The client.
            source: The platform.
            calls: Most calls a day.
            dollars: Most US dollars a day; None where calls cost nothing.
            clock: What time it is.
        """
        self._engine = engine
        self._whose = {"client_id": client_id, "source": source}
        self._calls = calls
        self._dollars = dollars
        self._clock = clock
        self._aside = 0
        self._day: dt.date | None = None

    def __enter__(self) -> Self:
        """Begin to spend."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give back what was set aside and not used."""
        if self._aside:
            self._run("give_back_calls", day=self._day, calls=self._aside)
            self._aside = 0

    def call(self) -> None:
        """Count a call that is about to be made.

        Raises:
            BudgetSpent: It would be one too many, or the day's money is spent.
        """
        if not self._aside:
            self._day = self._clock().date()
            # Where calls cost money, each is asked for by itself: the one before it may have spent the last.
            for calls in (_CALLS_AT_ONCE, 1) if self._dollars is None else (1,):
                if self._run("take_calls", day=self._day, calls=calls, most=self._calls, most_dollars=self._dollars):
                    self._aside = calls
                    break
            else:
                money = "" if self._dollars is None else f", or the ${self._dollars:.2f} they may cost,"
                raise BudgetSpent(
                    f"The {self._calls} calls{money} that {self._whose['client_id']} may make to "
                    f"{self._whose['source']} on {self._day} (UTC) are spent. Clear the task tomorrow, or allow more: "
                    "docs/sources.md tells how. `widerview usage` shows what was spent."
                )
        self._aside -= 1

    def pay(self, dollars: float) -> None:
        """Count what an answer has cost, in US dollars."""
        self._run("pay_dollars", day=self._day or self._clock().date(), dollars=dollars)

    def _run(self, name: str, **values: object) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(query(name), {**self._whose, **values}).rowcount > 0
