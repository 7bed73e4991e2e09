"""Where a goal is likely to end, as a range, and how a year has gone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from widerview.measures.robust import Floats
from widerview.measures.usual import COVERAGE, GAIN, forecast

YEAR_WEEKS = 52
"""Growth is shown over so many weeks, in four quarters."""

_QUARTERS = 4
_QUARTER_WEEKS = YEAR_WEEKS // _QUARTERS
_LEAST_IN_QUARTER = 8
_MOST_MEMORY = 0.8

PaceWord = Literal["reached", "ahead", "within reach", "behind"]


@dataclass(frozen=True)
class Pace:
    """Where a goal that adds up over weeks is likely to end.

    Attributes:
        so_far: What has come together by now.
        low: Lower end of the range that holds the end with `COVERAGE`, if weeks go on as they lately did.
        likely: The middle of it.
        high: Upper end.
        word: `reached`: it is; `ahead`: even the low end reaches it; `within reach`: it lies inside the range;
            `behind`: not even the high end reaches it.
    """

    so_far: float
    low: float
    likely: float
    high: float
    word: PaceWord


def pace(goal: float, so_far: float, past: Floats, weeks_left: float) -> Pace | None:
    """Say where a goal is likely to end.

    The weeks to come are those of simple exponential smoothing on the log scale: the farther away, the less certain,
    and all of them wrong together if today's level is (their variances and covariances: Hyndman et al. 2008,
    doi:10.1007/978-3-540-71918-2, chapter 6). Their sum is taken for lognormal with the same mean and variance
    (Fenton 1960, doi:10.1109/TCOM.1960.1097606).

    Args:
        goal: What is to come together in all.
        so_far: What has come together by the end of the last past week.
        past: Weekly values of shape (weeks,), oldest first; NaN where unknown.
        weeks_left: Weeks until the goal's time is over; 1.5 are a whole week and a half of one.

    Returns:
        None where weeks are left and fewer than five past ones are known.

    Raises:
        ValueError: `weeks_left` is negative.
    """
    if weeks_left < 0:
        raise ValueError(f"weeks_left is {weeks_left}; it is 0 once the goal's time is over")
    low, likely, high = _weeks_to_come(past, weeks_left)
    if np.isnan(likely):
        return None
    return Pace(so_far, so_far + low, so_far + likely, so_far + high, _word(goal, so_far, so_far + low, so_far + high))


def _weeks_to_come(past: Floats, weeks: float) -> tuple[float, float, float]:
    """The low end, middle and high end of the sum of the next weeks; NaN where there is no usual week yet.

    A part of a week is that share of it, and its own scatter is larger by as much: days scatter on their own.
    """
    if weeks == 0:
        return 0.0, 0.0, 0.0
    expected = forecast(past[None])
    level, variance = float(expected.level[0]), float(expected.variance[0])
    ahead = np.arange(np.ceil(weeks).astype(int))
    shares = np.minimum(weeks - ahead, 1.0)
    earlier = np.minimum.outer(ahead, ahead)
    covariance = variance * (GAIN + GAIN**2 * earlier)
    covariance[ahead, ahead] = variance * (1 / shares + GAIN**2 * ahead)
    means = shares * np.exp(level + np.diag(covariance) / 2)
    total = means.sum()
    spread = np.log1p((np.outer(means, means) * np.expm1(covariance)).sum() / total**2)
    reach = special.stdtrit(expected.freedom[0], 0.5 + COVERAGE / 2) * np.sqrt(spread)
    middle = np.log(total) - spread / 2
    # exp(level) is a week's value plus one.
    low, likely, high = (max(float(np.exp(middle + side * reach)) - weeks, 0.0) for side in (-1, 0, 1))
    return low, likely, high


def _word(goal: float, so_far: float, low: float, high: float) -> PaceWord:
    if so_far >= goal:
        return "reached"
    if low >= goal:
        return "ahead"
    return "within reach" if high >= goal else "behind"


@dataclass(frozen=True)
class Growth:
    """How a year of a series has gone.

    Attributes:
        quarters: A usual week of each of the four quarters, oldest first: the geometric mean of its known weeks.
        factor: How many times that of the first quarter the last one's is.
        low: Lower end of the range of the factor, 95 %.
        high: Upper end.
    """

    quarters: tuple[float, float, float, float]
    factor: float
    low: float
    high: float


def growth(weeks: Floats) -> list[Growth | None]:
    """Say how each series has grown over the last 52 weeks: its last quarter of them against the first.

    On the log scale (log1p). Weeks hang together, so a quarter's mean is less certain than 13 independent weeks would
    make it. The weeks around the year's straight line give the variance and the correlation of neighbours, freed of
    its bias toward zero, about (2 + 4 * correlation) / weeks around a line (Shaman and Stine 1988,
    doi:10.1080/01621459.1988.10478672); this gives the number of independent weeks that they are worth (Bayley and
    Hammersley 1946, doi:10.2307/2983560).

    Args:
        weeks: Weekly counts of shape (series, at least 52 weeks), oldest first; NaN where unknown; of a mean what it
            makes over as many things as it is usually a mean of.

    Returns:
        One for each series; None where fewer than eight weeks of a quarter are known.

    Raises:
        ValueError: There are fewer than 52 weeks.
    """
    if weeks.shape[1] < YEAR_WEEKS:
        raise ValueError(f"a year has {YEAR_WEEKS} weeks and there are {weeks.shape[1]}; write NaN for unknown ones")
    year = np.log1p(weeks[:, -YEAR_WEEKS:])
    quarters = year.reshape(len(weeks), _QUARTERS, _QUARTER_WEEKS)
    known = (~np.isnan(quarters)).sum(axis=2)
    means = np.nansum(quarters, axis=2) / np.maximum(known, 1)
    variance, freedom = _of_means(year)
    first, last = (np.maximum(known[:, quarter], 1) for quarter in (0, -1))
    sizes = means[:, -1] - means[:, 0]
    reach = special.stdtrit(freedom, 0.975) * np.sqrt(variance * (1 / first + 1 / last))
    return [
        None
        if known[row].min() < _LEAST_IN_QUARTER
        else Growth(
            quarters=tuple(float(mean) for mean in np.expm1(means[row])),  # type: ignore[arg-type]
            factor=float(np.exp(size)),
            low=float(np.exp(size - reach[row])),
            high=float(np.exp(size + reach[row])),
        )
        for row, size in enumerate(sizes)
    ]


def _of_means(year: Floats) -> tuple[Floats, Floats]:
    """The variance that a mean of so many weeks has, times their number, and the degrees of freedom it is known by."""
    count = (~np.isnan(year)).sum(axis=1)
    safe = np.maximum(count, 4)
    week = np.where(np.isnan(year), np.nan, np.arange(YEAR_WEEKS, dtype=float))
    week -= np.nansum(week, axis=1, keepdims=True) / safe[:, None]
    level = np.nansum(year, axis=1) / safe
    year = year - level[:, None]
    slope = np.nansum(week * year, axis=1) / np.maximum(np.nansum(week**2, axis=1), 1)
    around = np.nan_to_num(year - slope[:, None] * week)
    squares = np.maximum((around**2).sum(axis=1), np.finfo(float).tiny)
    memory = (around[:, 1:] * around[:, :-1]).sum(axis=1) / squares
    memory = np.clip(memory + (2 + 4 * memory) / safe, 0.0, _MOST_MEMORY)
    alone = (1 - memory) / (1 + memory)  # of so many weeks as many as this share would be, were they independent
    # As of a usual week: counts have the noise of counting, however even they are.
    variance = np.maximum(squares / (safe - 2), np.exp(-level))
    return variance / alone, np.maximum(safe * alone - 2, 2.0)
