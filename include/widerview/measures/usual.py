"""What a usual week looks like for this client, from its own past and nothing else.

A bare "up 12 % on last week" is noise most of the time: on series in which nothing changed, six weeks in ten
move by more than a tenth. So a week is held against the range that usual weeks of the same client fall in.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

COVERAGE = 0.8
"""Share of usual weeks that lie inside the printed range."""

MIN_WEEKS = 5
"""With fewer own weeks than this there is no usual week yet."""

_LEVEL_WEEKS = 4
_POOL_WEIGHT = 8.0

Word = Literal["above", "inside", "below", "no usual week yet", "not reported"]


@dataclass(frozen=True)
class Range:
    """The range of a usual week: `low`..`high` holds `COVERAGE` of them; learnt from `weeks` own weeks."""

    low: float
    high: float
    weeks: int


def usual_ranges(histories: Mapping[str, Sequence[float | None]]) -> dict[str, Range | None]:
    """Give the usual range of each weekly series of one client.

    On the log scale (log1p) the level is the mean of the last four weeks; its own one-week-ahead errors give the
    spread, whose variance is shrunk toward the median variance of the client's other series with the weight of
    eight weeks (a limma-style moderated variance: Smyth 2004, doi:10.2202/1544-6115.1027), with a Student t
    quantile for the few degrees of freedom. It is never smaller than the noise of counting itself.

    Args:
        histories: For each series its past weekly values, oldest first, not counting the week to judge; None
            where a week is unknown.

    Returns:
        The range of each series; None for one with fewer than `MIN_WEEKS` known weeks.
    """
    known = {
        name: np.log1p(np.array([value for value in history if value is not None], dtype=float))
        for name, history in histories.items()
    }
    errors = {name: _one_week_ahead_errors(logs) for name, logs in known.items() if len(logs) >= MIN_WEEKS}
    variances = {name: float(np.mean(errors[name] ** 2)) for name in errors}
    pooled = float(np.median(list(variances.values()))) if variances else 0.0

    ranges: dict[str, Range | None] = dict.fromkeys(histories)
    for name, own in variances.items():
        count = len(errors[name])
        level = float(np.mean(known[name][-_LEVEL_WEEKS:]))
        variance = max((_POOL_WEIGHT * pooled + count * own) / (_POOL_WEIGHT + count), _counting_noise(level))
        reach = float(stats.t.ppf(0.5 + COVERAGE / 2, df=_POOL_WEIGHT + count)) * variance**0.5
        ranges[name] = Range(
            low=max(0.0, float(np.expm1(level - reach))),
            high=float(np.expm1(level + reach)),
            weeks=len(known[name]),
        )
    return ranges


def _counting_noise(level: float) -> float:
    """The variance on the log scale that a count has by chance alone, about 1 / (count + 1) (delta method, Poisson).

    No past, however even, makes small counts more certain than that: after weeks of 2, a 3 is nothing to speak of.
    """
    return float(np.exp(-level))


def _one_week_ahead_errors(logs: np.ndarray) -> np.ndarray:
    """Each week's distance from the mean of the (up to four) weeks before it, where there are at least two."""
    return np.array([logs[week] - np.mean(logs[max(0, week - _LEVEL_WEEKS) : week]) for week in range(2, len(logs))])


def usual_weekdays(history: Mapping[dt.date, float | None]) -> dict[int, Range]:
    """Give the usual range of each weekday (0 is Monday) from a client's own past days.

    On the log scale (log1p) each weekday has its own mean; the spread around these means is shared by all seven,
    which leaves enough days to know it. Unknown days are left out.

    Args:
        history: Past days and their values, not counting the days to judge.

    Returns:
        A range for each weekday with at least `MIN_WEEKS` known days; empty if there are none.
    """
    logs: dict[int, list[float]] = {}
    for day, value in history.items():
        if value is not None:
            logs.setdefault(day.weekday(), []).append(float(np.log1p(value)))
    enough = {weekday: np.array(values) for weekday, values in logs.items() if len(values) >= MIN_WEEKS}
    if not enough:
        return {}
    freedom = sum(len(values) - 1 for values in enough.values())
    variance = sum(float(np.sum((values - values.mean()) ** 2)) for values in enough.values()) / freedom
    quantile = float(stats.t.ppf(0.5 + COVERAGE / 2, df=freedom))
    ranges = {}
    for weekday, values in enough.items():
        level = float(values.mean())
        # The weekday's own mean is an estimate too: its error adds to the day's own scatter.
        reach = quantile * (max(variance, _counting_noise(level)) * (1 + 1 / len(values))) ** 0.5
        ranges[weekday] = Range(
            low=max(0.0, float(np.expm1(level - reach))), high=float(np.expm1(level + reach)), weeks=len(values)
        )
    return ranges


def word(value: float | None, usual: Range | None) -> Word:
    """Say where a week's value lies against the usual range; the ends of the range belong to it."""
    if value is None:
        return "not reported"
    if usual is None:
        return "no usual week yet"
    if value < usual.low:
        return "below"
    return "above" if value > usual.high else "inside"
