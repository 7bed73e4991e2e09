import datetime as dt

import pytest

from widerview.quality.engine import Check, CheckError, Failure, Severity, validate


def positive(column: str, severity: Severity = "critical") -> Check:
    arguments = {"column": column, "min_value": 0}
    return Check("ExpectColumnValuesToBeBetween", column, arguments, "negative", severity)


def test_failures_name_their_check_and_the_positions_of_their_rows():
    checks = [positive("a"), positive("b"), positive("c", severity="warning")]
    columns = {"a": [1, -1, 2, -2], "b": [1, 2, 3, 4], "c": [-1, 0, None, 1]}
    assert validate("numbers", columns, checks) == [Failure(checks[0], (1, 3)), Failure(checks[2], (0,))]


def test_a_check_over_a_missing_column_is_an_error_and_no_bad_data():
    with pytest.raises(CheckError, match=r"'nowhere' in the suite 'numbers'.*\"nowhere\" in BatchData does not exist"):
        validate("numbers", {"a": [-1]}, [positive("a"), positive("nowhere")])


def test_a_check_over_values_it_cannot_compare_is_an_error():
    with pytest.raises(CheckError, match="could not be carried out"):
        validate("numbers", {"a": [dt.date(2026, 1, 1), "x"]}, [positive("a")])


def test_a_check_that_names_no_rows_is_an_error():
    whole_table = Check("ExpectTableRowCountToBeBetween", "a", {"min_value": 5}, "too few")
    with pytest.raises(CheckError, match="failed without naming a row"):
        validate("numbers", {"a": [1]}, [whole_table])


def test_a_suite_can_run_again_in_the_same_process():
    for _ in range(2):
        assert validate("numbers", {"a": [-1]}, [positive("a")])[0].rows == (0,)
