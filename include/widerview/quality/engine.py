"""A thin wrapper over Great Expectations: columns and checks in, the positions of failing rows out.

Great Expectations and pandas take seconds to import, so they are imported by `validate`, not with this module.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]


class CheckError(Exception):
    """A check could not be carried out, so nothing is known of the data; the message says which one and why."""


@dataclass(frozen=True)
class Check:
    """One expectation on a column, declared as data.

    Attributes:
        expectation: Name of a row-wise class in `great_expectations.expectations`.
        column: The column it judges.
        arguments: Its arguments, as the class takes them.
        reason: What is wrong with a row that fails, as a format string of the caller's.
        severity: critical: the row must not be loaded; warning: it may, with a note; info: nobody need know.
    """

    expectation: str
    column: str
    arguments: Mapping[str, object]
    reason: str
    severity: Severity = "critical"


@dataclass(frozen=True)
class Failure:
    """A check that failed, and the positions of the rows it failed for, from 0."""

    check: Check
    rows: tuple[int, ...]


def validate(name: str, columns: Mapping[str, Sequence[object]], checks: Sequence[Check]) -> list[Failure]:
    """Run checks over columns of equal length and return those that failed, in the order of `checks`.

    Args:
        name: What the rows are, for messages.
        columns: The values by column name; None is a missing value, which only a check for presence minds.
        checks: What to expect of them.

    Raises:
        CheckError: A check broke, e.g. over a column that is not there; Great Expectations itself reports that
            as a failure of the data.
    """
    gx = _great_expectations()
    import pandas as pd  # noqa: PLC0415 - slow to import

    suite = gx.ExpectationSuite(
        name=name,
        expectations=[
            getattr(gx.expectations, check.expectation)(
                **check.arguments, severity=check.severity, meta={"position": position}
            )
            for position, check in enumerate(checks)
        ],
    )
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": pd.DataFrame(dict(columns))})
    # Without index columns, failing rows are named by the frame's own index, their position. Naming a column
    # instead makes Great Expectations build one dict a failing row: ten times slower when every row fails.
    outcome = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    return list(_failures(name, checks, outcome.results))


def _failures(name: str, checks: Sequence[Check], results: Sequence[Any]) -> Iterator[Failure]:
    # The library reports broken checks first, whatever their place in the suite.
    by_position = {result.expectation_config.meta["position"]: result for result in results}
    for position, check in enumerate(checks):
        result = by_position[position]
        rows = result.result.get("unexpected_index_list") or ()
        if result.exception_info.get("raised_exception") is not False or (not result.success and not rows):
            raise CheckError(
                f"The check {check.expectation} of {check.column!r} in the suite {name!r} could not be carried out: "
                f"{_explain(result.exception_info)}. The data was not judged; mend the check or the library, "
                "then clear this task."
            )
        if not result.success:
            yield Failure(check, tuple(int(row) for row in rows))


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
