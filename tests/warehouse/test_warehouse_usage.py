"""What a client may spend on a platform in a day, however many tasks spend it at once."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from widerview.sources.errors import BudgetSpent
from widerview.warehouse.usage import DailyAllowance, used_since

DAY = dt.date(2026, 11, 16)
NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


def allowance(engine: Engine, *, calls: int = 25, dollars: float | None = None, now: dt.datetime = NOON):
    return DailyAllowance(engine, "harbour-cafe", "x", calls=calls, dollars=dollars, clock=lambda: now)


def spend(daily: DailyAllowance, most: int = 1000) -> int:
    """Call until it is refused, or often enough; give how often it was not."""
    with daily:
        for made in range(most):
            try:
                daily.call()
            except BudgetSpent:
                return made
    return most


def test_every_call_is_counted_and_the_one_too_many_is_refused(warehouse: Engine) -> None:
    assert spend(allowance(warehouse)) == 25
    assert [(row.day, row.calls, row.dollars) for row in used_since(warehouse, DAY)] == [(DAY, 25, Decimal(0))]
    with pytest.raises(BudgetSpent, match=r"25 calls that harbour-cafe may make to x on 2026-11-16.*widerview usage"):
        allowance(warehouse).call()


def test_what_was_set_aside_and_not_used_is_given_back(warehouse: Engine) -> None:
    assert spend(allowance(warehouse), most=3) == 3
    assert [row.calls for row in used_since(warehouse, DAY)] == [3]
    assert spend(allowance(warehouse)) == 22, "the rest of the day"


def test_tasks_that_spend_at_once_never_spend_more_together(warehouse: Engine) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: spend(allowance(warehouse, calls=100)), range(6)))
    # A task may be refused while another has calls set aside; they are there again when it has ended.
    assert sum(made) + spend(allowance(warehouse, calls=100)) == 100
    assert [row.calls for row in used_since(warehouse, DAY)] == [100]


def test_the_next_day_begins_anew_and_clients_and_platforms_do_not_share(warehouse: Engine) -> None:
    assert spend(allowance(warehouse)) == 25
    assert spend(allowance(warehouse, now=NOON + dt.timedelta(days=1))) == 25
    other = DailyAllowance(warehouse, "quay-gym", "x", calls=25, dollars=None, clock=lambda: NOON)
    assert spend(other, most=7) == 7
    assert [(row.day.day, row.client_id, row.calls) for row in used_since(warehouse, DAY)] == [
        (17, "harbour-cafe", 25),
        (16, "harbour-cafe", 25),
        (16, "quay-gym", 7),
    ]


def test_when_the_money_is_spent_no_call_is_made_though_calls_are_left(warehouse: Engine) -> None:
    daily = allowance(warehouse, dollars=0.50)
    with daily:
        for _ in range(2):
            daily.call()
            daily.pay(0.25)
        with pytest.raises(BudgetSpent, match=r"\$0\.50"):
            daily.call()
    assert [(row.calls, row.dollars) for row in used_since(warehouse, DAY)] == [(2, Decimal("0.50"))]


def test_small_sums_are_not_lost(warehouse: Engine) -> None:
    with allowance(warehouse, dollars=5) as daily:
        for _ in range(7):
            daily.pay(0.001)
    assert [row.dollars for row in used_since(warehouse, DAY)] == [Decimal("0.0070")]
