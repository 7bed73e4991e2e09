"""Lasting changes of a weekly series: whether its level is another one, and since when.

The numbers of before and after such a week do not compare.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from widerview.measures.robust import Floats, Ints, median
from widerview.measures.usual import GAIN, Forecast, counting_noise, forecast

BEFORE_WEEKS = 8
"""What came after is held against so many weeks before."""

LEAST_AFTER, MOST_AFTER = 3, 13
"""A change is looked for in this many last weeks: fewer may be a passing one, more have become usual."""

CHANCE = 0.01
"""How likely a change may be found in a series that has none."""

_SAME_SIDE = 0.8
_LEAST_BEFORE = 5
_CLIP = 2.0


@dataclass(frozen=True)
class Change:
    """A level that is another one since a week.

    Attributes:
        since: Column of the first week after it.
        factor: How many times the level before the level is now.
        low: Lower end of the range that holds the true factor with 95 %.
        high: Upper end.
        p: How likely so large a change is by chance.
    """

    since: int
    factor: float
    low: float
    high: float
    p: float


def lasting_changes(weeks: Floats, chance: float = CHANCE) -> list[Change | None]:
    """Look for the one lasting change in the last weeks of each series.

    Its size is the mean of what came after less that of the `BEFORE_WEEKS` before, on the log scale (log1p), no week
    counted farther than two standard deviations from its side's median. Levels wander in any case: the range is that
    of simple exponential smoothing's own innovations (Hyndman et al. 2008, doi:10.1007/978-3-540-71918-2, chapter 5),
    whose variance `forecast` gives. The part of it that is the noise of counting does not wander: each week has its
    own, so two means of small counts differ by chance far less than two levels that may have moved.

    Every week of the last `LEAST_AFTER` to `MOST_AFTER` is tried as the first after a change, its p times the number of
    weeks tried (Bonferroni). A change lasts where four in five weeks since then lie on its side of the median before,
    so one odd week is none. Of the weeks that are certain enough the one counts that leaves the least scatter around
    the two means (least squares: Bai 1994, doi:10.1111/j.1467-9892.1994.tb00204.x); the most certain one would often
    be too late, since the farther two weeks lie apart the more a level may have wandered by itself.

    Args:
        weeks: Weekly counts of shape (series, weeks), oldest first; NaN where unknown; of a mean what it makes over as
            many things as it is usually a mean of. The series are of one kind.
        chance: How likely a change may be found in a series that has none.

    Returns:
        One for each series; None where there is none, or too little is known.
    """
    length = weeks.shape[1]
    tried = range(max(length - MOST_AFTER, _LEAST_BEFORE), length - LEAST_AFTER + 1)
    # The variance is that of the weeks before any that is tried: a change would make its own errors look usual.
    logs, expected = np.log1p(weeks), forecast(weeks[:, : max(tried.start, BEFORE_WEEKS)])
    best: list[Change | None] = [None] * len(weeks)
    least = np.full(len(weeks), np.inf)
    lately = logs[:, max(tried.start - BEFORE_WEEKS, 0) :]
    for since in tried:
        found = _compared(logs, expected, since)
        after = logs[:, since:]
        lasting = (np.sign(after - found.middle) == np.sign(found.size)[:, None]) & ~np.isnan(after)
        p = np.where(lasting.sum(axis=1) >= _SAME_SIDE * _known(after), found.p * len(tried), np.nan)
        scatter = _scatter(lately[:, : since - length]) + _scatter(after)
        for row in np.flatnonzero((p < chance) & (scatter < least)):
            best[row], least[row] = _changes(replace(found, p=p), since)[row], scatter[row]
    return best


@dataclass(frozen=True)
class _Compared:
    """What came after a week against what was before, of each series; `middle` is the median before."""

    size: Floats
    spread: Floats
    freedom: Floats
    p: Floats
    middle: Floats


def _compared(logs: Floats, expected: Forecast, since: int) -> _Compared:
    before, after = logs[:, max(since - BEFORE_WEEKS, 0) : since], logs[:, since : since + MOST_AFTER]
    enough = (_known(before) >= _LEAST_BEFORE) & (_known(after) >= LEAST_AFTER)
    deviation = np.sqrt(np.where(enough, expected.variance, np.nan))[:, None]
    size = _mean(after, deviation) - _mean(before, deviation)
    counting = counting_noise(expected.level)  # the variance is never smaller
    variance = (expected.variance - counting) * _innovations(before.shape[1], after.shape[1])
    variance += counting * (1 / np.maximum(_known(before), 1) + 1 / np.maximum(_known(after), 1))
    spread = np.where(enough, np.sqrt(variance), np.nan)
    p = 2 * special.stdtr(expected.freedom, -np.abs(size) / spread)
    return _Compared(size, spread, expected.freedom, p, median(before)[:, None])


def _mean(logs: Floats, deviation: Floats) -> Floats:
    """The mean of each row, no week counted farther than two standard deviations from its median."""
    middle = median(logs)[:, None]
    clipped = np.clip(logs, middle - _CLIP * deviation, middle + _CLIP * deviation)
    return np.asarray(np.nansum(clipped, axis=1) / np.maximum(_known(logs), 1))


def _scatter(logs: Floats) -> Floats:
    """The sum of the squared distances of each row's known values from their mean."""
    mean = np.nansum(logs, axis=1) / np.maximum(_known(logs), 1)
    return np.asarray(np.nansum((logs - mean[:, None]) ** 2, axis=1))


def _changes(found: _Compared, since: int) -> list[Change | None]:
    reach = special.stdtrit(found.freedom, 0.975) * found.spread
    return [
        None
        if np.isnan(found.spread[row])
        else Change(
            since=since,
            factor=float(np.exp(size)),
            low=float(np.exp(size - reach[row])),
            high=float(np.exp(size + reach[row])),
            p=float(found.p[row]),
        )
        for row, size in enumerate(found.size)
    ]


def _known(values: Floats) -> Ints:
    return np.asarray((~np.isnan(values)).sum(axis=1))


def _innovations(before: int, after: int) -> float:
    """The variance of the difference of two neighbouring means, in units of that of one week's innovation.

    A week is its own innovation and `GAIN` times every earlier one, so each innovation has a weight in the difference.
    """
    weights = np.concatenate([np.full(before, -1 / before), np.full(after, 1 / after)])
    later = np.cumsum(weights[::-1])[::-1] - weights
    return float(((weights + GAIN * later) ** 2).sum())
