"""What others do for the same question, each in its plainest form, and statsmodels as an independent judge."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from widerview.measures.usual import Forecast, WeekWord, Word

Floats = NDArray[np.float64]
Detector = Callable[[Floats, int], Floats]
_POOL_WEIGHT = 8.0
_MAD_TO_SD = 1.4826
_LEAST_SPREAD = 0.05


def week_over_week(values: Floats, period: int = 7) -> Floats:
    """How far each day lies from the same day of the cycle before, as a ratio."""
    logs = np.log1p(values)
    scores = np.full(values.shape, np.nan)
    scores[:, period:] = np.abs(logs[:, period:] - logs[:, :-period])
    return scores


def deviations_of_28_days(values: Floats, period: int = 7) -> Floats:
    """How many standard deviations each day lies from the mean of the four cycles before."""
    length = 4 * period
    scores = np.full(values.shape, np.nan)
    for day in range(length, values.shape[1]):
        past = values[:, day - length : day]
        scores[:, day] = np.abs(values[:, day] - past.mean(axis=1)) / np.maximum(past.std(axis=1, ddof=1), 1e-9)
    return scores


def same_weekday(values: Floats, period: int = 7) -> Floats:
    """How many robust deviations each day lies from the median of the same day of the eight cycles before."""
    logs, length = np.log1p(values), 8 * period
    scores = np.full(values.shape, np.nan)
    for day in range(length, values.shape[1]):
        past = logs[:, day - length : day : period]
        middle = np.median(past, axis=1)
        spread = _MAD_TO_SD * np.median(np.abs(past - middle[:, None]), axis=1)
        scores[:, day] = np.abs(logs[:, day] - middle) / np.maximum(spread, _LEAST_SPREAD)
    return scores


def unobserved_components(values: Floats, period: int = 7, learnt: int = 92) -> Floats:
    """statsmodels' local level with a seasonal, its parameters fitted to the first days of each series."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    scores = np.full(values.shape, np.nan)
    for row, logs in enumerate(np.log1p(values)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = UnobservedComponents(logs[:learnt], "local level", seasonal=period).fit(disp=False, maxiter=50)
            found = UnobservedComponents(logs, "local level", seasonal=period).filter(fitted.params)
        scores[row] = np.abs(found.filter_results.standardized_forecasts_error[0])
    return scores


DETECTORS: Mapping[str, Detector] = {
    "week over week": week_over_week,
    "28-day z": deviations_of_28_days,
    "same weekday, MAD": same_weekday,
}


def median_of_8_weeks(days: Floats) -> Forecast:
    """The median of the last eight weeks, give or take their MAD."""
    logs = _weeks(days)[:, -8:]
    level = np.median(logs, axis=1)
    spread = _MAD_TO_SD * np.median(np.abs(logs - level[:, None]), axis=1)
    return Forecast(level, spread**2, np.full(len(logs), np.inf), np.full(len(logs), 8))


def mean_of_8_weeks(days: Floats) -> Forecast:
    """The mean of the last eight weeks, give or take their standard deviation."""
    logs = _weeks(days)[:, -8:]
    return Forecast(logs.mean(axis=1), logs.var(axis=1, ddof=1), np.full(len(logs), np.inf), np.full(len(logs), 8))


def weekday_level(days: Floats) -> Forecast:
    """Weekday effects, and as level the median of the last 14 days without them; own errors, variance pooled."""
    weeks = days.shape[1] // 7
    errors = np.stack(
        [_weeks(days)[:, week] - _weekday_level(days[:, : 7 * week]) for week in range(weeks - 8, weeks)], axis=1
    )
    edge = 3 * _MAD_TO_SD * np.median(np.abs(errors), axis=1, keepdims=True)
    own = (np.clip(errors, -edge, edge) ** 2).mean(axis=1)
    logs = np.log(np.maximum(own, 1e-8)) - special.digamma(4) + np.log(4)
    pooled = np.exp(logs.mean() + special.digamma(_POOL_WEIGHT / 2) - np.log(_POOL_WEIGHT / 2))
    freedom = np.full(len(days), _POOL_WEIGHT + 8)
    return Forecast(
        _weekday_level(days), (_POOL_WEIGHT * pooled + 8 * own) / freedom, freedom, np.full(len(days), weeks)
    )


def _weekday_level(days: Floats) -> Floats:
    logs = np.log1p(days).reshape(len(days), -1, 7)
    effects = np.median(logs - logs.mean(axis=2, keepdims=True), axis=1)
    effects -= effects.mean(axis=1, keepdims=True)
    level = np.median((logs - effects[:, None]).reshape(len(days), -1)[:, -14:], axis=1)
    return np.log1p(np.expm1(level[:, None] + effects).sum(axis=1))


def _weeks(days: Floats) -> Floats:
    return np.log1p(days.reshape(len(days), -1, 7).sum(axis=2))


def wilson(earned: float, seen: float) -> tuple[float, float]:
    """The binomial interval that takes everybody who saw a post for an independent trial."""
    found = stats.binomtest(int(earned), int(seen)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def more_above_than_below(words: Sequence[Word], far: Sequence[Word]) -> WeekWord:
    """A week is good where more figures lie above their range than below, and quiet the other way round."""
    above, below = words.count("above"), words.count("below")
    return "good" if above > below else "quiet" if below > above else "normal"
