"""What a client may spend on a platform in a day, however many tasks spend it at once."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from widerview.sources.errors import BudgetSpent
from widerview.warehouse.usage import DailyAllowance, used_since

DAY = dt.date(2026, 11, 16)
NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


def allowance(engine: Engine, *, calls: int = 25, dollars: str | None = None, now: dt.datetime = NOON):
    most = None if dollars is None else Decimal(dollars)
    return DailyAllowance(engine, "harbour-cafe", "x", calls=calls, dollars=most, clock=lambda: now)


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
    with pytest.raises(
        BudgetSpent, match=r"25 calls that harbour-cafe may make to x on 2026-11-16.*Clear the task tomorrow\. "
    ):
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


def spent(engine: Engine) -> Decimal:
    return sum((row.dollars for row in used_since(engine, DAY)), Decimal(0))


def test_when_the_money_is_spent_no_call_is_made_though_calls_are_left(warehouse: Engine) -> None:
    daily = allowance(warehouse, dollars="0.50")
    with daily:
        for _ in range(2):
            daily.call(Decimal("0.25"))
            daily.pay(Decimal("0.25"))
        for price in ("0.0001", "0"):
            with pytest.raises(BudgetSpent, match=r"\$0\.50"):
                daily.call(Decimal(price))
    assert [(row.calls, row.dollars) for row in used_since(warehouse, DAY)] == [(2, Decimal("0.50"))]


def test_an_answer_that_may_cost_more_than_is_left_is_not_asked_for(warehouse: Engine) -> None:
    with allowance(warehouse, dollars="0.50") as daily:
        assert daily.left() == Decimal("0.50")
        daily.call(Decimal("0.40"))
        assert daily.left() == Decimal("0.10"), "while the answer is on its way, others may not spend it"
        daily.pay(Decimal("0.05"))
        assert daily.left() == Decimal("0.45")
        told = r"\$0\.50 they may cost \(the next answer up to \$0\.46 of it\), .* are spent.*`dollars_a_day`"
        with pytest.raises(BudgetSpent, match=told):
            daily.call(Decimal("0.46"))
        daily.call(Decimal("0.45"))
    assert spent(warehouse) == Decimal("0.50"), "who dies before the answer is judged has counted the most it may cost"
    assert allowance(warehouse).left() is None


def test_small_sums_are_not_lost(warehouse: Engine) -> None:
    with allowance(warehouse, dollars="5") as daily:
        for _ in range(7):
            daily.call(Decimal("0.001"))
            daily.pay(Decimal("0.00091"))
    assert spent(warehouse) == Decimal("0.0070")


PRICES = st.decimals(Decimal("0.00001"), 1, places=5)
ANSWERS = st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1), st.booleans()), max_size=8)


@given(
    cap=st.decimals(0, 3, places=4), price=PRICES, fewest=st.integers(1, 10), answers=ANSWERS, tasks=st.integers(1, 3)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_prices_and_page_sizes_the_cap_is_never_passed(
    warehouse: Engine, cap: Decimal, price: Decimal, fewest: int, answers: list[tuple[int, float, bool]], tasks: int
) -> None:
    with warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM api_usage")
    allowances = [allowance(warehouse, calls=1000, dollars=str(cap)) for _ in range(tasks)]
    truly = Decimal(0)
    for number, (most, share, answered) in enumerate(answers):
        daily = allowances[number % tasks]
        size = max(fewest, min(most, int((daily.left() or Decimal(0)) // price)))
        try:
            daily.call(size * price)
        except BudgetSpent:
            assert spent(warehouse) + size * price + Decimal("0.0001") > cap, "it is refused for a reason"
            continue
        cost = round(size * share) * price
        truly += cost if answered else size * price
        if answered:
            daily.pay(cost)
        assert truly <= spent(warehouse) <= cap
