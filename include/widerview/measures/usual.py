"""What a usual week looks like for this client, from its own past and nothing else.

A bare "up 12 % on last week" is noise most of the time: on series in which nothing changed, more than half of all weeks
move by more than a tenth. So a week is held against the range that usual weeks of the same client fall in.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from widerview.measures.robust import Floats, Ints, clipped_square, deviation, median

COVERAGE = 0.8
"""Share of usual weeks that lie inside the printed range; the word is given by it."""

WIDE_COVERAGE = 0.95
"""Share of usual weeks that lie inside the wide range."""

MIN_WEEKS = 5
"""With fewer own weeks than this there is no usual week yet."""

ENOUGH_TO_TELL = 5
"""With fewer things than this, this week and usually, nothing is said: three after weeks of none are no rise."""

GAIN = 0.35
"""Weight of the newest week in the level; every earlier week counts a factor of 0.65 less."""

_POOL_WEIGHT = 8.0
_LEVEL_CLIP = 2.5
_ERROR_CLIP = 3.0

Word = Literal["above", "inside", "below", "no usual week yet", "not reported"]
WeekWord = Literal["good", "normal", "quiet"]


@dataclass(frozen=True)
class Range:
    """The range of a usual week, learnt from `weeks` own weeks.

    `low`..`high` holds `COVERAGE` of usual weeks, `wide_low`..`wide_high` `WIDE_COVERAGE` of them.
    """

    low: float
    high: float
    wide_low: float
    wide_high: float
    weeks: int


@dataclass(frozen=True)
class Forecast:
    """What the next week of each series is expected to be, on the log scale (log1p); arrays of shape (series,).

    Attributes:
        level: The expected value; NaN where fewer than `MIN_WEEKS` weeks are known.
        variance: Of the next week around it.
        freedom: Degrees of freedom of the variance.
        weeks: How many known weeks it was learnt from.
    """

    level: Floats
    variance: Floats
    freedom: Floats
    weeks: Ints

    def bounds(self, coverage: float) -> tuple[Floats, Floats]:
        """Give both ends of the range that holds this share of next weeks; not below zero."""
        reach = special.stdtrit(self.freedom, 0.5 + coverage / 2) * np.sqrt(self.variance)
        return np.maximum(np.expm1(self.level - reach), 0.0), np.expm1(self.level + reach)


def forecast(weeks: Floats) -> Forecast:
    """Forecast the next week of each of some series that are of one kind.

    On the log scale (log1p) the level is an exponentially weighted mean of the known weeks, each at most 2.5 robust
    deviations from the median of the last eight: simple exponential smoothing (Hyndman, Koehler, Ord & Snyder 2008,
    doi:10.1007/978-3-540-71918-2) that one odd week cannot carry away. The series' own one-week-ahead errors, none
    counted beyond 3 robust deviations, give the variance. It is shrunk toward that of the other series with the
    weight of eight weeks (moderated variance: Smyth 2004, doi:10.2202/1544-6115.1027, with the degrees of freedom of
    the prior fixed, since few series cannot tell them), and never smaller than the noise of counting itself.

    Args:
        weeks: Past weekly counts of shape (series, weeks), oldest first; NaN where a week is unknown. A mean is no
            count: give what it makes over as many things as it is a mean of, for by that its noise is known.

    Returns:
        The forecasts; series do not influence each other's levels, only the variances.
    """
    logs, known = _to_the_right(np.log1p(weeks))
    series, width = logs.shape
    level = np.full(series, np.nan)
    errors = np.full((series, width), np.nan)
    if width > 1:  # every week against the level of those before it
        before = sliding_window_view(np.pad(logs, ((0, 0), (width - 1, 0)), constant_values=np.nan), width, axis=1)
        errors[:, 1:] = logs[:, 1:] - _level(before[:, :-1].reshape(-1, width)).reshape(series, width - 1)
    if width >= MIN_WEEKS:
        level = np.where(known >= MIN_WEEKS, _level(logs), np.nan)
    # With one week before it there is no error that would say anything.
    errors[np.arange(width) < width - known[:, None] + 2] = np.nan
    enough = known >= MIN_WEEKS
    counted = np.where(enough, np.maximum(known - 2, 0), 0).astype(float)
    edge = _ERROR_CLIP * deviation(errors, 0.0)[:, None]
    own = np.full(series, np.nan)
    own[enough] = np.nanmean(np.clip(errors, -edge, edge)[enough] ** 2, axis=1)
    freedom = _POOL_WEIGHT + counted
    variance = (_POOL_WEIGHT * _pooled(own[enough], counted[enough]) + counted * own) / freedom
    return Forecast(level, np.maximum(variance, counting_noise(level)), freedom, known)


def usual_ranges(
    histories: Mapping[str, Sequence[float | None]], of: Mapping[str, float] | None = None
) -> dict[str, Range | None]:
    """Give the usual range of each weekly series of one client; `forecast` says how.

    No range ends below `ENOUGH_TO_TELL` things, and what usually is fewer has no lower end but zero.

    Args:
        histories: For each series its past weekly values, oldest first, not counting the week to judge; None
            where a week is unknown. All are of one kind: they learn their spread from each other.
        of: For each series of means, how many things the week to judge is a mean of, as posts: the more, the less of
            it is chance. The others are counts.

    Returns:
        The range of each series; None for one with fewer than `MIN_WEEKS` known weeks.
    """
    if not histories:
        return {}
    width = max(map(len, histories.values()))
    weeks = np.full((len(histories), width), np.nan)
    for row, history in enumerate(histories.values()):
        weeks[row, width - len(history) :] = np.array(history, dtype=float)
    things = np.array([(of or {}).get(name, 1.0) for name in histories])
    expected = forecast(weeks * things[:, None])
    (low, high), (wide_low, wide_high) = expected.bounds(COVERAGE), expected.bounds(WIDE_COVERAGE)
    few = np.expm1(expected.level) < ENOUGH_TO_TELL
    low, wide_low = (np.where(few, 0.0, end) / things for end in (low, wide_low))
    high, wide_high = (np.maximum(end, ENOUGH_TO_TELL) / things for end in (high, wide_high))
    return {
        name: None
        if np.isnan(expected.level[row])
        else Range(
            float(low[row]), float(high[row]), float(wide_low[row]), float(wide_high[row]), int(expected.weeks[row])
        )
        for row, name in enumerate(histories)
    }


def _to_the_right(values: Floats) -> tuple[Floats, Ints]:
    """Move the known values of each row to its end, in their order; give how many there are, too."""
    unknown = np.isnan(values)
    order = np.argsort(~unknown, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), (~unknown).sum(axis=1)


def _level(logs: Floats) -> Floats:
    """The robust exponentially weighted mean of each row, of what is known."""
    lately = logs[:, -8:]
    middle = median(lately)[:, None]
    reach = _LEVEL_CLIP * deviation(lately, middle)[:, None]
    weights = (1 - GAIN) ** np.arange(logs.shape[1])[::-1] * ~np.isnan(logs)
    total = np.maximum(weights.sum(axis=1), np.finfo(float).tiny)
    return np.asarray((np.nan_to_num(np.clip(logs, middle - reach, middle + reach)) * weights).sum(axis=1) / total)


def _pooled(variances: Floats, freedom: Floats) -> float:
    """The prior variance of the series, from the mean of their log-variances (Smyth 2004, section 6.2)."""
    if not len(variances):
        return 0.0
    half = freedom / 2
    logs = np.log(np.maximum(variances, 1e-8)) - special.digamma(half) + np.log(half)
    return float(np.exp(np.mean(logs) + special.digamma(_POOL_WEIGHT / 2) - np.log(_POOL_WEIGHT / 2)))


def counting_noise(level: Floats | float) -> Floats:
    """The variance on the log scale that a count has by chance alone, about 1 / (count + 1) (delta method, Poisson).

    No past, however even, makes small counts more certain than that: after weeks of 2, a 3 is nothing to speak of.
    """
    return np.asarray(np.exp(-np.asarray(level)))


def usual_weekdays(history: Mapping[dt.date, float | None]) -> dict[int, tuple[float, float]]:
    """Give the usual range of each weekday (0 is Monday) from a client's own past days.

    On the log scale (log1p) each weekday has its own mean; the spread around these means is shared by all seven,
    which leaves enough days to know it. No day counts farther than 2.5 robust deviations from its weekday's median, so
    an outage does not make every later day look usual; the variance is freed of what this takes from it (Huber's
    Proposal 2: Huber 1964, doi:10.1214/aoms/1177703732). The range is that of one more observation of a mean (Student
    t, as in Hahn and Meeker 1991, doi:10.1002/9780470316771, chapter 4). Unknown days are left out.

    Args:
        history: Past days and their values, not counting the days to judge.

    Returns:
        The lower and upper end, which hold `COVERAGE` of usual days, for each weekday with at least `MIN_WEEKS` known
        days; empty if there are none.
    """
    logs: dict[int, list[float]] = {}
    for day, value in history.items():
        if value is not None:
            logs.setdefault(day.weekday(), []).append(float(np.log1p(value)))
    enough = {weekday: values for weekday, values in sorted(logs.items()) if len(values) >= MIN_WEEKS}
    if not enough:
        return {}
    known = np.array([len(values) for values in enough.values()])
    days = np.full((len(enough), known.max()), np.nan)
    for row, values in enumerate(enough.values()):
        days[row, : len(values)] = values
    freedom = known.sum() - len(known)
    middle = median(days)[:, None]
    # Each weekday's median has taken a part of its days' deviations.
    spread = deviation((days - middle).reshape(1, -1), 0.0)[0] * (known.sum() / freedom) ** 0.5
    reach = _LEVEL_CLIP * np.maximum(spread, counting_noise(middle) ** 0.5)
    clipped = np.clip(days, middle - reach, middle + reach)
    level = np.nanmean(clipped, axis=1)
    variance = np.nansum((clipped - level[:, None]) ** 2) / freedom / clipped_square(_LEVEL_CLIP)
    # The weekday's own mean is an estimate too: its error adds to the day's own scatter.
    scatter = np.sqrt(np.maximum(variance, counting_noise(level)) * (1 + 1 / known))
    reach = special.stdtrit(freedom, 0.5 + COVERAGE / 2) * scatter
    low, high = np.maximum(np.expm1(level - reach), 0.0), np.expm1(level + reach)
    return {weekday: (float(low[row]), float(high[row])) for row, weekday in enumerate(enough)}


class Ends(Protocol):
    """Whatever has a lower and an upper end, which belong to it."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def word(value: float | None, usual: Ends | None) -> Word:
    """Say where a week's value lies against the usual range; the ends of the range belong to it."""
    if value is None:
        return "not reported"
    if usual is None:
        return "no usual week yet"
    if value < usual.low:
        return "below"
    return "above" if value > usual.high else "inside"


def week_word(words: Sequence[Word], far: Sequence[Word]) -> WeekWord:
    """Say what a week was in one word, from all its figures together.

    Of six figures with an 80 % range each, one or the other lies outside in most weeks in which nothing changed. So a
    week is good where one lies even above its wide range, and more above than below; quiet the other way round.

    Args:
        words: Where each figure lies against its usual range.
        far: Where each lies against its wide range.
    """
    above, below = words.count("above"), words.count("below")
    if "above" in far and above > below:
        return "good"
    return "quiet" if "below" in far and below > above else "normal"
