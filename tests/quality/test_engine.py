import datetime as dt
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.quality.engine import Check, Judged, validate
from widerview.quality.verdict import Severity


def positive(column: str, severity: Severity = "critical") -> Check:
    arguments = {"column": column, "min_value": 0}
    return Check(f"{column} is positive", "ExpectColumnValuesToBeBetween", column, arguments, "negative", severity)


def judged(columns: dict[str, list], *checks: Check) -> list[Judged]:
    (column, *_) = columns.values()
    return validate("numbers", columns, [0] * len(column), checks)


def test_failures_name_the_positions_of_their_lines_in_the_order_of_the_checks():
    checks = [positive("a"), positive("b"), positive("c", severity="warning")]
    columns = {"a": [1, -1, 2, -2], "b": [1, 2, 3, 4], "c": [-1, 0, None, 1]}
    assert judged(columns, *checks) == [
        Judged(checks[0], {0: 4}, (1, 3)),
        Judged(checks[1], {0: 4}),
        Judged(checks[2], {0: 3}, (0,)),
    ]


def test_lines_are_counted_by_group_and_missing_values_are_not_judged():
    between, given = positive("a"), Check("given", "ExpectColumnValuesToNotBeNull", "a", {"column": "a"}, "missing")
    found = validate("numbers", {"a": [1.0, None, None, 2.0]}, [7, 7, 3, 7], [between, given])
    assert [each.counts for each in found] == [{7: 2}, {7: 3, 3: 1}]
    assert found[1].lines == (1, 2)


def test_a_check_over_a_missing_column_is_an_error_and_no_bad_data():
    good, broken = judged({"a": [-1]}, positive("a"), positive("nowhere"))
    assert (good.lines, good.error) == ((0,), None)
    assert broken.lines == ()
    assert "'nowhere' in the suite 'numbers'" in broken.error
    assert '"nowhere" in BatchData does not exist' in broken.error


def test_a_check_over_values_it_cannot_compare_is_an_error():
    (broken,) = judged({"a": [dt.date(2026, 1, 1), "x"]}, positive("a"))
    assert "could not be carried out" in broken.error


def test_a_check_that_names_no_lines_is_an_error():
    whole_table = Check("enough", "ExpectTableRowCountToBeBetween", "a", {"min_value": 5}, "too few")
    (broken,) = judged({"a": [1]}, whole_table)
    assert "failed without naming a row" in broken.error


LINE = st.lists(st.sampled_from([-math.inf, -1.0, 0.0, 5.0, 11.0, math.inf, math.nan]), min_size=5, max_size=5)


def within(column: str, severity: Severity = "critical") -> Check:
    arguments = {"column": column, "min_value": 0, "max_value": 10, "strict_max": True}
    return Check(f"{column} fits", "ExpectColumnValuesToBeBetween", column, arguments, "out of range", severity)


@settings(max_examples=25)
@given(st.lists(LINE, min_size=1, max_size=6))
def test_one_range_of_many_columns_is_judged_value_by_value(lines):
    columns = {name: np.array(values) for name, values in zip("abcde", zip(*lines, strict=True), strict=True)}
    found = validate("numbers", columns, range(len(lines)), [within(name) for name in columns])
    for each, values in zip(found, columns.values(), strict=True):
        told = ~np.isnan(values)
        assert each.lines == tuple(np.flatnonzero(told & ~((values >= 0) & (values < 10))).tolist())
        assert each.counts == dict.fromkeys(np.flatnonzero(told).tolist(), 1)
        assert each.error is None


def test_one_range_of_many_columns_beside_other_checks_keeps_the_order_of_the_checks():
    numbers = {name: np.array([1.0, value]) for name, value in {"a": 1.0, "b": -1.0, "c": 2.0, "d": 10.0}.items()}
    kind = Check("known", "ExpectColumnValuesToBeInSet", "kind", {"column": "kind", "value_set": ["x"]}, "unknown")
    checks = [within("d"), kind, within("c", severity="warning"), within("b"), within("a")]
    found = validate("numbers", {**numbers, "kind": ["y", None]}, [0, 0], checks)
    assert [(each.check, each.lines) for each in found] == list(zip(checks, [(1,), (0,), (), (1,), ()], strict=True))


def test_one_range_of_many_columns_that_cannot_be_compared_is_an_error_of_each():
    since = {"min_value": dt.date(2026, 1, 1)}
    checks = [
        Check("fits", "ExpectColumnValuesToBeBetween", name, {"column": name, **since}, "out of range")
        for name in "abcd"
    ]
    found = validate("numbers", {name: np.array([1.0]) for name in "abcd"}, [0], checks)
    assert all("could not be carried out" in each.error and each.lines == () for each in found)


def test_a_suite_can_run_again_in_the_same_process():
    for _ in range(2):
        assert judged({"a": [-1]}, positive("a"))[0].lines == (0,)
