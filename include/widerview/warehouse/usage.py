"""What asking the platforms costs: counted by client, platform and day, and held within what they may cost."""

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import Engine

from widerview.clock import utc_now
from widerview.sources.errors import BudgetSpent
from widerview.warehouse.sql import query

_NOTHING = Decimal(0)
_SMALLEST = Decimal("0.0001")
"""Smallest sum that the warehouse keeps, in US dollars."""
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

    What an answer costs is known when it is there, so the most that it may cost is set aside before it is asked for,
    and what it did not cost is given back. So the money is never overspent, however large the answers are.

    A context manager; at its end the calls that were set aside and not made are given back. A process that dies
    before has counted a few calls too many, and the most its last answer may have cost; never anything too little.
    """

    def __init__(
        self,
        engine: Engine,
        client_id: str,
        source: str,
        *,
        calls: int,
        dollars: Decimal | None,
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
        self._dollars_aside = _NOTHING
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

    def call(self, most_dollars: Decimal = _NOTHING) -> None:
        """Count a call that is about to be made, and set aside the most that its answer may cost.

        Raises:
            BudgetSpent: It would be one too many, or what is left of the day's money does not pay for it.
        """
        if not self._aside:
            self._day = self._clock().date()
            price = _kept(most_dollars)
            # Where calls cost money, each is asked for by itself: the one before it may have spent the last.
            for calls in (_CALLS_AT_ONCE, 1) if self._dollars is None else (1,):
                if self._run(
                    "take_calls",
                    day=self._day,
                    calls=calls,
                    dollars=price,
                    most=self._calls,
                    most_dollars=self._dollars,
                ):
                    self._aside, self._dollars_aside = calls, price
                    break
            else:
                raise BudgetSpent(self._spent(price))
        self._aside -= 1

    def pay(self, dollars: Decimal) -> None:
        """Count what an answer has cost, in US dollars, instead of what was set aside for it."""
        more = _kept(dollars) - self._dollars_aside
        self._run("pay_dollars", day=self._day or self._clock().date(), dollars=more)
        self._dollars_aside = _NOTHING

    def left(self) -> Decimal | None:
        """Tell what may still be spent today, in US dollars; None where calls cost nothing."""
        if self._dollars is None:
            return None
        with self._engine.connect() as connection:
            spent = connection.scalar(query("dollars_of_day"), {**self._whose, "day": self._clock().date()})
        return self._dollars - (spent or _NOTHING)

    def _spent(self, price: Decimal) -> str:
        of_money = more = ""
        if self._dollars is not None:
            of_money = f", or the ${self._dollars:.2f} they may cost (the next answer up to ${price:.2f} of it),"
            more = ", or allow more dollars with the option `dollars_a_day` in the client's file"
        return (
            f"The {self._calls} calls{of_money} that {self._whose['client_id']} may make to {self._whose['source']} on "
            f"{self._day} (UTC) are spent. Clear the task tomorrow{more}. `widerview usage` shows what was spent."
        )

    def _run(self, name: str, **values: object) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(query(name), {**self._whose, **values}).rowcount > 0


def _kept(dollars: Decimal) -> Decimal:
    """A sum as the warehouse keeps it: rounded up, so that many small ones never come to less than they are."""
    return dollars.quantize(_SMALLEST, ROUND_CEILING)
