"""A thin wrapper over Great Expectations: columns and checks in, the positions of failing lines out.

Great Expectations and pandas take seconds to import, so they are imported by `validate`, not with this module.
"""

import functools
import logging
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from widerview.quality.verdict import FlawKind, Severity


@dataclass(frozen=True)
class Check:
    """One expectation on a column, declared as data.

    Attributes:
        title: What is expected, in plain words.
        expectation: Name of a row-wise class in `great_expectations.expectations`.
        column: The column it judges.
        arguments: Its arguments, as the class takes them.
        reason: What is wrong with a line that fails, as a format string of the caller's.
        severity: critical: what fails must not be loaded; warning: it may, with a note; info: it is recorded.
        flaw: What a day has of which a warning is told.
    """

    title: str
    expectation: str
    column: str
    arguments: Mapping[str, object]
    reason: str
    severity: Severity = "critical"
    flaw: FlawKind = "unlike"


@dataclass(frozen=True)
class Judged:
    """What became of one check.

    Attributes:
        check: The check.
        counts: How many lines were judged, by group; groups without any are left out.
        lines: The positions of those that failed, from 0.
        error: Why the check could not be carried out; None if it was. Then nothing is known of the data.
    """

    check: Check
    counts: Mapping[int, int]
    lines: tuple[int, ...] = ()
    error: str | None = None


Columns = Mapping[str, Any]
"""Values by column, of equal length: a list, or an array of numbers."""

Finding = tuple[tuple[int, ...], str | None]
"""The lines that fail a check, and why it could not be carried out."""

_MANY = 4
"""From so many columns on, one range is asked of them together."""


def validate(name: str, columns: Columns, groups: Sequence[int], checks: Sequence[Check]) -> list[Judged]:
    """Run checks over columns of equal length; one result a check, in the same order.

    A check that cannot be carried out, e.g. over a column that is not there, is no failure of the data, though Great
    Expectations itself reports it as one.

    Args:
        name: What the lines are, for messages.
        columns: The values by column name; None, or NaN, is a missing value, which only a check for presence minds.
        groups: For each line the group it is counted in.
        checks: What to expect of them.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, both
    import pandas as pd  # noqa: PLC0415

    alone = dict(enumerate(checks))
    found: dict[int, Finding] = {}
    for positions in _of_one_range(columns, checks):
        found |= _ask_together(name, columns, {position: alone.pop(position) for position in positions})
    found |= _ask(name, columns, alone)
    of_group = np.asarray(groups, dtype=np.intp)
    present = functools.cache(lambda column: pd.notna(_typed(columns[column])))

    def counts(check: Check) -> dict[int, int]:
        mask = np.ones(len(of_group), dtype=bool)
        if check.expectation != "ExpectColumnValuesToNotBeNull":
            for column in _columns(check) & columns.keys():
                mask &= present(column)
        counted = np.bincount(of_group if mask.all() else of_group[mask])
        return {int(group): int(counted[group]) for group in np.flatnonzero(counted)}

    return [Judged(check, counts(check), *found[position]) for position, check in enumerate(checks)]


def _of_one_range(columns: Columns, checks: Sequence[Check]) -> list[list[int]]:
    """The positions of checks that expect one range of many columns of numbers."""
    import numpy as np  # noqa: PLC0415 - slow to import

    ranges: defaultdict[str, list[int]] = defaultdict(list)
    for position, check in enumerate(checks):
        values = columns.get(check.column)
        numbers = isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.number)
        if numbers and check.expectation == "ExpectColumnValuesToBeBetween":
            ranges[repr({**check.arguments, "column": None})].append(position)
    return [positions for positions in ranges.values() if len(positions) >= _MANY]


def _ask_together(name: str, columns: Columns, checks: Mapping[int, Check]) -> dict[int, Finding]:
    """What checks find that expect one range of some columns.

    The library takes its time over each check. So it is asked of the least and the most of each line, and then once
    of all values of those lines where one of the two fails.
    """
    import numpy as np  # noqa: PLC0415 - slow to import

    [expected, *_] = checks.values()
    arrays = [columns[check.column] for check in checks.values()]
    of_all = f"of {len(arrays)} columns"
    extremes = {
        f"least {of_all}": functools.reduce(np.fmin, arrays),
        f"most {of_all}": functools.reduce(np.fmax, arrays),
    }

    def ask(columns: Columns) -> list[Finding]:
        alike = [replace(expected, column=each, arguments={**expected.arguments, "column": each}) for each in columns]
        return list(_ask(name, columns, dict(enumerate(alike))).values())

    least_and_most = ask(extremes)
    if errors := [error for _, error in least_and_most if error]:
        return dict.fromkeys(checks, ((), errors[0]))
    suspects = np.array(sorted({line for lines, _ in least_and_most for line in lines}), dtype=np.intp)
    if not len(suspects):
        return dict.fromkeys(checks, ((), None))
    [(wrong, error)] = ask({f"values {of_all}": np.concatenate([array[suspects] for array in arrays])})
    of_column, of_suspect = np.divmod(np.array(wrong, dtype=np.intp), len(suspects))
    return {
        position: (tuple(suspects[of_suspect[of_column == number]].tolist()), error)
        for number, position in enumerate(checks)
    }


def _ask(name: str, columns: Columns, checks: Mapping[int, Check]) -> dict[int, Finding]:
    """What checks find, by the positions that are given."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    if not checks:
        return {}
    used = {column for check in checks.values() for column in _columns(check)}
    typed = {column: _typed(values) for column, values in columns.items() if column in used}
    # Of words that come again and again, the library need look at each but once.
    words = {check.column for check in checks.values() if check.expectation == "ExpectColumnValuesToBeInSet"}
    for column in words & typed.keys():
        if typed[column].dtype == object:
            typed[column] = pd.Categorical(typed[column])
    validator = _validator(pd.DataFrame(typed))
    # Most checks find nothing, and a bare yes takes the library half as long as the lines that fail.
    results = _results(name, validator, checks, "BOOLEAN_ONLY")
    failed = {position: check for position, check in checks.items() if not results[position].success}
    if failed:
        # Without index columns, failing rows are named by the frame's own index, their position. Naming a column
        # instead makes Great Expectations build one dict a failing row: ten times slower when every row fails.
        results |= _results(name, validator, failed, "COMPLETE")
    return {position: _finding(name, check, results[position]) for position, check in checks.items()}


def _columns(check: Check) -> set[str]:
    """The columns that a check looks at."""
    return {str(check.arguments[name]) for name in ("column", "column_A", "column_B") if name in check.arguments}


def _results(name: str, validator: Any, checks: Mapping[int, Check], result_format: str) -> dict[int, Any]:
    """What the library says of each check, by the positions that are given."""
    gx = _great_expectations()
    suite = gx.ExpectationSuite(
        name=name,
        expectations=[
            getattr(gx.expectations, check.expectation)(
                **check.arguments, severity=check.severity, meta={"position": position}
            )
            for position, check in checks.items()
        ],
    )
    validator.result_format = {"result_format": result_format}
    outcome = validator.validate_expectation_suite(suite)
    # The library reports broken checks first, whatever their place in the suite.
    return {result.expectation_config.meta["position"]: result for result in outcome.results}


def _validator(frame: Any) -> Any:
    """What judges a frame. It takes the frame in once; a batch would for each suite, hashing every value each time."""
    lines = _lines()
    from great_expectations.validator.v1_validator import Validator  # noqa: PLC0415 - slow to import

    return Validator(batch_definition=lines, batch_parameters={"dataframe": frame})


@functools.cache
def _lines() -> Any:
    """Where lines are handed in. Making such a place writes the library's whole configuration anew."""
    context = _great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("lines")
        .add_dataframe_asset("lines")
        .add_batch_definition_whole_dataframe("lines")
    )


def _typed(values: Sequence[object]) -> Any:
    """The values as they are: pandas would look at each of them to find out what they have in common."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if isinstance(values, np.ndarray):
        return values
    return pd.Series(values, dtype=None if not values or isinstance(values[0], bool | int | float) else object)


def _finding(name: str, check: Check, result: Any) -> Finding:
    lines = tuple(int(line) for line in result.result.get("unexpected_index_list") or ())
    if result.exception_info.get("raised_exception") is not False or (not result.success and not lines):
        return (), (
            f"The check {check.expectation} of {check.column!r} in the suite {name!r} could not be carried out: "
            f"{_explain(result.exception_info)}. The data was not judged; mend the check or the library, "
            "then clear this task."
        )
    return () if result.success else lines, None


def _explain(exception_info: Mapping[str, Any]) -> str:
    """What broke, out of the two shapes the library uses: one exception, or one a metric."""
    details = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = {str(detail.get("exception_message")).strip().removesuffix(".") for detail in details}
    return "; ".join(sorted(messages - {"None"})) or "it failed without naming a row"


def _great_expectations() -> Any:
    """Import the library, quiet and without telemetry."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx  # noqa: PLC0415 - takes about 8 CPU seconds
    import great_expectations.expectations  # noqa: PLC0415 - belongs to the same import

    # This one sets its own level when imported.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.NOTSET)
    return gx
