"""A thin wrapper over Great Expectations: columns and checks in, the positions of failing lines out.

Great Expectations and pandas take seconds to import, so they are imported by `validate`, not with this module.
"""

import functools
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from widerview.quality.verdict import Severity


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
    """

    title: str
    expectation: str
    column: str
    arguments: Mapping[str, object]
    reason: str
    severity: Severity = "critical"


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


def validate(
    name: str, columns: Mapping[str, Sequence[object]], groups: Sequence[int], checks: Sequence[Check]
) -> list[Judged]:
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

    frame = pd.DataFrame({column: _typed(values) for column, values in columns.items()})
    batch = _lines().get_batch({"dataframe": frame})
    # Most checks find nothing, and a bare yes takes the library half as long as the lines that fail.
    results = _results(name, batch, dict(enumerate(checks)), "BOOLEAN_ONLY")
    failed = {position: check for position, check in enumerate(checks) if not results[position].success}
    if failed:
        # Without index columns, failing rows are named by the frame's own index, their position. Naming a column
        # instead makes Great Expectations build one dict a failing row: ten times slower when every row fails.
        results |= _results(name, batch, failed, "COMPLETE")
    of_group = np.asarray(groups, dtype=np.intp)
    present = {column: frame[column].notna().to_numpy() for column in frame}

    def counts(check: Check) -> dict[int, int]:
        mask = np.ones(len(frame), dtype=bool)
        if check.expectation != "ExpectColumnValuesToNotBeNull":
            for argument, column in check.arguments.items():
                if argument in {"column", "column_A", "column_B"} and column in present:
                    mask &= present[str(column)]
        found = np.bincount(of_group if mask.all() else of_group[mask])
        return {int(group): int(found[group]) for group in np.flatnonzero(found)}

    return [_judged(name, check, counts(check), results[position]) for position, check in enumerate(checks)]


def _results(name: str, batch: Any, checks: Mapping[int, Check], result_format: str) -> dict[int, Any]:
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
    outcome = batch.validate(suite, result_format={"result_format": result_format})
    # The library reports broken checks first, whatever their place in the suite.
    return {result.expectation_config.meta["position"]: result for result in outcome.results}


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


def _judged(name: str, check: Check, counts: Mapping[int, int], result: Any) -> Judged:
    lines = tuple(int(line) for line in result.result.get("unexpected_index_list") or ())
    if result.exception_info.get("raised_exception") is not False or (not result.success and not lines):
        error = (
            f"The check {check.expectation} of {check.column!r} in the suite {name!r} could not be carried out: "
            f"{_explain(result.exception_info)}. The data was not judged; mend the check or the library, "
            "then clear this task."
        )
        return Judged(check, counts, error=error)
    return Judged(check, counts, () if result.success else lines)


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
