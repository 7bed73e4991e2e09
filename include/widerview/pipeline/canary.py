"""The canary: ask each platform for each metric alone, days before the report, to learn which ones it has given up."""

import datetime as dt
from collections.abc import Callable

from widerview.pipeline.connections import Access
from widerview.pipeline.ingest import http_client
from widerview.sources.base import DayRow, Source, Target, UnavailableRow, Window
from widerview.sources.http import Allowance

_DAYS = 3
_MOST_CALLS = 500
"""A call a metric costs more than a pull does."""


class MetricsGone(Exception):
    """A platform does not give some metrics (any more); the message names each and what the platform says."""


def sing(
    source: Source,
    target: Target,
    access: Callable[[Target], Access],
    clock: Callable[[], dt.datetime],
    allowance: Allowance | None = None,
) -> set[str]:
    """Ask a platform for the last three days of one account, each metric alone; nothing is kept.

    Args:
        source: The platform.
        target: The account.
        access: Opens a target's Connection.
        clock: What time it is (UTC).
        allowance: What the client may spend today.

    Returns:
        The canonical metrics that the platform gave.

    Raises:
        MetricsGone: It refused some.
        widerview.sources.errors.SourceError: It gave nothing at all.
    """
    yesterday = clock().date() - dt.timedelta(days=1)
    http = http_client(
        source,
        target,
        access(target),
        budget=_MOST_CALLS,
        one_metric_a_call=True,
        allowance=allowance,
        clock=clock,
    )
    window = Window(yesterday - dt.timedelta(days=_DAYS - 1), yesterday)
    given: set[str] = set()
    gone: dict[str, str] = {}
    for page in source.fetch(target, window, http):
        for row in source.parse(target, page):
            if isinstance(row, UnavailableRow):
                gone[row.metric] = f"{row.metric} ({row.native_metric}): {row.reason}"
            elif counts := getattr(row, "counts", None):
                given.update(metric for metric, value in counts.items() if value is not None)
            elif isinstance(row, DayRow) and row.value is not None:
                given.add(row.metric)
    if gone:
        raise MetricsGone(
            f"{source.title} does not give {len(gone)} of its metrics for {target.label}. What was reported of them "
            "stays; from now on they are missing, and reports say so. Where it says that a right or people are "
            "missing, it withholds them from this account alone. Else look for what took their place in the platform's "
            f"documents, and give the source's dictionary ({source.name}.yaml) the day of the change.\n"
            + "\n".join(gone[metric] for metric in sorted(gone))
        )
    return given
