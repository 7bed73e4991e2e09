import datetime as dt

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


def test_a_suite_can_run_again_in_the_same_process():
    for _ in range(2):
        assert judged({"a": [-1]}, positive("a"))[0].lines == (0,)
