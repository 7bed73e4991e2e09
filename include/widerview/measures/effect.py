"""How far the days of a campaign lie above those that the client's own past and its untouched series make likely.

A mean before and a mean after differ most of the time: levels wander and weeks have moods. So a campaign's days are
held against a forecast of them, and the miss of this forecast against the misses of the same forecast on earlier days
on which nothing was going on (placebos). Nothing here says that the campaign caused what came with it.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import optimize, special, stats

from widerview.measures.robust import Bools, Floats, Ints

COVERAGE = 0.95
"""How often the range holds the true effect; and the share of the placebos that an effect has to beat to be told."""

LEAST_PAST = 42
"""So many known days have to lie before a campaign, and before a placebo, too."""

LEAST_PLACEBOS = 20
"""With fewer earlier windows it is not known what chance does here."""

MOST_CONTROLS = 4
"""Of more, those count that went most along with the target."""

LEAST_KNOWN = 0.8
"""A control is left out where, with it, less than this share of the target's days could be used."""

_LEAST_TO_FORECAST = 10
_LEAST_OF_WINDOW = 0.5
_DAYS_OF_WEEK = 7
_LEVEL_RATIOS = np.array([0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28])
_TYPICAL_RATIO = 0.08
_WEEKDAY_PRECISION = 0.04
_PLACEBO_WEIGHT = 2.0
_LEAST_SQUARES = 1e-12
_LEAST_WEIGHT = 1e-9
_FARTHEST = 1e6


@dataclass(frozen=True)
class Estimate:
    """What the days of a window had above what was likely; `low`..`high` holds the true value with `COVERAGE`.

    Attributes:
        days: The known days of the window; only they count.
        average: Their mean less what was likely, a day.
        low: Lower end of its range.
        high: Upper end.
        expected: What was likely, a day.
    """

    days: int
    average: float
    low: float
    high: float
    expected: float

    @property
    def cumulative(self) -> tuple[float, float, float]:
        """The same of all known days together: the middle, the lower and the upper end."""
        return self.average * self.days, self.low * self.days, self.high * self.days


@dataclass(frozen=True)
class Effect(Estimate):
    """An estimate whose range has been widened to what the placebos show.

    Attributes:
        placebos: How many earlier windows it was held against.
        beaten: The share of them whose miss was smaller, each in units of its own uncertainty.
    """

    placebos: int
    beaten: float

    @property
    def told(self) -> bool:
        """Whether it can be told from normal weeks: it beats the placebos, and its range leaves zero out."""
        return self.beaten >= COVERAGE and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class NoEstimate:
    """Why nothing can be said: too little is known of the days before, or of the window itself."""

    why: Literal["not enough past", "too few days known"]


def effect(target: Floats, controls: Floats, start: int, *, weekdays: bool = True) -> Effect | NoEstimate:
    """Say what the days from `start` on have brought, held against earlier windows of the same length.

    Every earlier window that ends before `start` is a placebo, where half of its days and `LEAST_PAST` days before it
    are known: its days are forecast from those before it, as `counterfactual` does it, and each miss is told in units
    of its own deviation. The mean square of those that begin on the same weekday (weeks have moods, which other windows
    would cut in two) says by how much the forecast is too sure of itself here; windows that overlap count only as many
    as fit beside each other, and two windows are added that are as sure as they should be. The range is widened by it,
    and never narrowed, with Student's t of so many windows.

    Args:
        target: Daily values of shape (days,), oldest first; NaN where a day is unknown, or where something else was
            going on: such days take no part.
        controls: Series of shape (controls, days) that what happens from `start` on does not touch; NaN where unknown.
        start: The first day of the window, which goes on to the last day.
        weekdays: Whether the days have a rhythm of a week.

    Returns:
        The effect, or why there is none to be known.

    Raises:
        ValueError: The shapes do not fit together, or there is no day before or after `start`.
    """
    known, controls = _usable(target, controls, start, weekdays=weekdays)
    length = len(target) - start
    counts = sliding_window_view(known, length).sum(axis=1)
    if counts[start] < _LEAST_OF_WINDOW * length:
        return NoEstimate("too few days known")
    past: Ints = np.cumsum(known) - known
    firsts = np.flatnonzero((counts >= _LEAST_OF_WINDOW * length) & (past[: start + 1] >= LEAST_PAST))
    firsts = firsts[firsts <= start - length]
    if len(firsts) < LEAST_PLACEBOS:
        return NoEstimate("not enough past")
    misses = _misses(target, controls, known, np.append(firsts, start), length, weekdays=weekdays)
    z = misses.mean / misses.deviation
    independent = (firsts[-1] + length - firsts[0]) / length
    freedom = _PLACEBO_WEIGHT + independent
    alike = (start - firsts) % _DAYS_OF_WEEK == 0 if weekdays else np.ones(len(firsts), dtype=bool)
    square = float(np.mean(z[:-1][alike if alike.any() else ...] ** 2))
    too_sure = max(1.0, (_PLACEBO_WEIGHT + independent * square) / freedom)
    tail = 0.5 + COVERAGE / 2
    factor = float(too_sure**0.5 * stats.t.ppf(tail, freedom) / stats.norm.ppf(tail))
    as_it_says = _estimate(target, known, start, misses)
    return Effect(
        days=as_it_says.days,
        average=as_it_says.average,
        low=as_it_says.average - factor * (as_it_says.average - as_it_says.low),
        high=as_it_says.average + factor * (as_it_says.high - as_it_says.average),
        expected=as_it_says.expected,
        placebos=len(firsts),
        beaten=float((np.abs(z[-1]) > np.abs(z[:-1])).mean()),
    )


def counterfactual(target: Floats, controls: Floats, start: int, *, weekdays: bool = True) -> Estimate | NoEstimate:
    """Say how far the days from `start` on lie above those that the days before and the controls make likely.

    A day is a level that walks at random, an effect of its weekday, a weight times each control, and noise: the
    structural time series of Brodersen et al. 2015 (doi:10.1214/14-AOAS788), here without sampling. How far a level
    moves in a day, as a share of the noise, is one of a grid of values, likely ones near 0.08 (lognormal, with a
    deviation of a factor of e). Which controls count is not known either: each subset is a model, and all are averaged
    by how well they foretold the past (Bayesian model averaging: Hoeting et al. 1999, doi:10.1214/ss/1009212519).
    Within a model all is exact: a Kalman filter takes what hangs together out of the target, weekdays and controls
    alike, so that the rest is a regression with a conjugate prior, worth one day for each control (Kass and Wasserman
    1995, doi:10.1080/01621459.1995.10476592), whose forecast is Student's t.

    The range is the one the model gives, and a model is not the world: for a campaign ask `effect`.

    Args:
        target: As of `effect`.
        controls: As of `effect`.
        start: As of `effect`.
        weekdays: As of `effect`.

    Returns:
        The estimate, or why there is none.

    Raises:
        ValueError: The shapes do not fit together, or there is no day before or after `start`.
    """
    known, controls = _usable(target, controls, start, weekdays=weekdays)
    if not known[start:].any():
        return NoEstimate("too few days known")
    if known[:start].sum() < _LEAST_TO_FORECAST:
        return NoEstimate("not enough past")
    length = len(target) - start
    return _estimate(
        target, known, start, _misses(target, controls, known, np.array([start]), length, weekdays=weekdays)
    )


def _usable(target: Floats, controls: Floats, start: int, *, weekdays: bool) -> tuple[Bools, Floats]:
    """The days that are known, of the target and of the controls that can be used; and these controls.

    The first to be taken is the one whose changes over a week went most along with the target's.
    """
    if target.ndim != 1 or controls.ndim != 2 or controls.shape[1] != len(target):  # noqa: PLR2004
        raise ValueError(
            f"the target has the shape {target.shape} and the controls have {controls.shape}; "
            "give (days,) and (controls, days) of the same days"
        )
    if not 0 < start < len(target):
        raise ValueError(f"there is no day before or after day {start} of {len(target)}; start is the window's first")
    known = ~np.isnan(target)
    least = [LEAST_KNOWN * known[span].sum() for span in (slice(None, start), slice(start, None))]
    lag = _DAYS_OF_WEEK if weekdays else 1
    alike = [_alike(target[:start], control[:start], lag) for control in controls]
    taken: list[int] = []
    for each in sorted(range(len(controls)), key=lambda each: -alike[each]):
        both = known & ~np.isnan(controls[each])
        enough = both[:start].sum() >= least[0] and both[start:].sum() >= least[1]
        if alike[each] > 0 and enough and len(taken) < MOST_CONTROLS:
            taken.append(each)
            known = both
    return known, controls[taken]


def _alike(target: Floats, control: Floats, lag: int) -> float:
    """The correlation of the changes of two series, without its sign; 0 where either does not change."""
    changes = np.array([series[lag:] - series[:-lag] for series in (target, control)])
    changes = changes[:, ~np.isnan(changes).any(axis=0)]
    if changes.shape[1] < _LEAST_TO_FORECAST or (np.ptp(changes, axis=1) == 0).any():
        return 0.0
    return float(abs(np.corrcoef(changes)[0, 1]))


@dataclass(frozen=True)
class _Misses:
    """By how much windows lie above their forecasts, by every model; arrays of shape (windows, models).

    `weights` are the models' probabilities, `means` and `scales` those of Student's t with `freedom` (windows,).
    """

    weights: Floats
    means: Floats
    scales: Floats
    freedom: Floats

    @property
    def mean(self) -> Floats:
        return np.asarray((self.weights * self.means).sum(axis=1))

    @property
    def deviation(self) -> Floats:
        freedom = self.freedom[:, None]
        variances = self.scales**2 * freedom / (freedom - 2)
        return np.asarray(np.sqrt((self.weights * (variances + (self.means - self.mean[:, None]) ** 2)).sum(axis=1)))

    def quantile(self, share: float) -> float:
        """Of the last window."""
        likely = self.weights[-1] > _LEAST_WEIGHT
        weights, means, scales = (each[-1, likely] for each in (self.weights, self.means, self.scales))

        def above(value: float) -> float:
            return float((weights * stats.t.cdf((value - means) / scales, self.freedom[-1])).sum() / weights.sum())

        reach = _FARTHEST * scales.max()
        return float(optimize.brentq(lambda value: above(value) - share, means.min() - reach, means.max() + reach))


def _estimate(target: Floats, known: Bools, start: int, misses: _Misses) -> Estimate:
    values = target[start:][known[start:]]
    average = float(misses.mean[-1])
    return Estimate(
        days=len(values),
        average=average,
        low=misses.quantile(0.5 - COVERAGE / 2),
        high=misses.quantile(0.5 + COVERAGE / 2),
        expected=float(values.mean()) - average,
    )


def _misses(target: Floats, controls: Floats, known: Bools, firsts: Ints, length: int, *, weekdays: bool) -> _Misses:
    """Forecast the windows that begin on some days, each from all days before it.

    One run of the filter serves all windows: what it has learnt by a window's first day are the sums so far.

    Args:
        target: Shape (days,).
        controls: Shape (controls, days).
        known: The days that count.
        firsts: The windows' first days, of shape (windows,).
        length: Days of each.
        weekdays: Whether there are effects of weekdays.
    """
    days = np.arange(len(target))
    rhythm = np.eye(_DAYS_OF_WEEK)[1:, days % _DAYS_OF_WEEK] - np.eye(_DAYS_OF_WEEK)[0, days % _DAYS_OF_WEEK]
    effects = len(rhythm) if weekdays else 0
    before = known & (days < firsts[-1])
    series = np.vstack([target, controls])
    centred = series - series[:, before].mean(axis=1, keepdims=True)
    spread = centred[:, before].std(axis=1, keepdims=True)
    spread[spread == 0] = 1.0
    columns = np.where(known, np.vstack([rhythm[:effects], centred / spread]), 0.0)
    learnt = _filtered(columns, known, firsts)

    window = known[firsts[:, None] + np.arange(length)]
    size = window.sum(axis=1)
    means = np.stack([columns[:, first : first + length].sum(axis=1) for first in firsts]) / size[:, None]
    ahead = means[:, None] - learnt.levels
    # The levels of two days of the window have all moves up to the earlier one in common.
    later = np.cumsum(window[:, ::-1], axis=1)[:, ::-1]
    moves = (later**2).sum(axis=1) / size**2
    variance = 1 / size[:, None] + learnt.variances + _LEVEL_RATIOS**2 * moves[:, None]

    products, likelihood = learnt.products, learnt.likelihood
    if effects:
        own = products[..., :effects, :effects] + _WEEKDAY_PRECISION * np.eye(effects)
        shared = np.concatenate([products[..., :effects, effects:], ahead[..., :effects, None]], axis=-1)
        weights = np.linalg.solve(own, shared)
        likelihood = likelihood - np.linalg.slogdet(own)[1] / 2
        variance = variance + (shared[..., -1] * weights[..., -1]).sum(axis=-1)
        explained = np.swapaxes(shared, -1, -2) @ weights
        products = products[..., effects:, effects:] - explained[..., :-1, :-1]
        ahead = ahead[..., effects:] - explained[..., -1, :-1]
    return _averaged(products, ahead, variance, likelihood, learnt.count, float(spread[0, 0]))


def _averaged(
    products: Floats, ahead: Floats, variance: Floats, likelihood: Floats, count: Floats, unit: float
) -> _Misses:
    """Regress the target (the first column) on every subset of the controls (the others), for every move of the level.

    Args:
        products: Of the filtered columns, of shape (windows, ratios, columns, columns).
        ahead: What the window's columns have above their levels, of shape (windows, ratios, columns).
        variance: Of the window's mean without what the controls' weights add, in units of the noise's.
        likelihood: The logarithm of what does not hang on the controls.
        count: Of the innovations, of shape (windows,).
        unit: The target's own unit.
    """
    number = products.shape[-1] - 1
    subsets = np.array(list(product([False, True], repeat=number)), dtype=bool).reshape(2**number, number)
    diagonal = np.arange(number)
    # A prior that says as much as one day; what is not in the subset is cut off from the rest.
    prior = np.maximum(products[..., 1 + diagonal, 1 + diagonal], _LEAST_SQUARES) / count[:, None, None]
    within = np.where(subsets[:, :, None] & subsets[:, None, :], products[:, :, None, 1:, 1:], 0.0)
    within[..., diagonal, diagonal] += np.where(subsets, prior[:, :, None], 1.0)
    beside = np.where(subsets[..., None], np.stack([products[..., 1:, 0], ahead[..., 1:]], axis=-1)[:, :, None], 0.0)
    weights = np.linalg.solve(within, beside)
    explained = np.swapaxes(beside, -1, -2) @ weights
    squares = np.maximum(products[..., 0, 0][..., None] - explained[..., 0, 0], _LEAST_SQUARES)
    freedom = count[:, None, None]
    odds = (
        likelihood[..., None]
        + (np.where(subsets, np.log(prior)[:, :, None], 0.0).sum(axis=-1) - np.linalg.slogdet(within)[1]) / 2
        - freedom / 2 * np.log(squares)
    )
    scales = np.sqrt(squares / freedom * (variance[..., None] + explained[..., 1, 1]))
    means = ahead[..., 0][..., None] - explained[..., 0, 1]
    flat = len(count), -1
    odds = odds.reshape(flat)
    return _Misses(
        weights=np.exp(odds - special.logsumexp(odds, axis=1, keepdims=True)),
        means=means.reshape(flat) * unit,
        scales=scales.reshape(flat) * unit,
        freedom=count,
    )


@dataclass(frozen=True)
class _Learnt:
    """What the filter knows on some days, before each, for each ratio of `_LEVEL_RATIOS`.

    Attributes:
        levels: Of each column, of shape (days, ratios, columns).
        variances: Of the level, in units of the noise's: shape (days, ratios).
        products: Sums of the products of the columns' standardised innovations: (days, ratios, columns, columns).
        likelihood: The logarithm of the ratios' prior, and of the innovations' widths.
        count: Of the innovations, of shape (days,).
    """

    levels: Floats
    variances: Floats
    products: Floats
    likelihood: Floats
    count: Floats


def _filtered(columns: Floats, known: Bools, at: Ints) -> _Learnt:
    """Run the local level filter over columns of shape (columns, days), all at once, for each ratio.

    The first known day gives the level; nothing is known of it before (Harvey 1989, doi:10.1017/CBO9781107049994,
    section 3.3.4). The filter is linear, so that a regression of innovations on innovations is one of generalised least
    squares (ibid., section 3.4.2).
    """
    days, ratios = columns.shape[1], len(_LEVEL_RATIOS)
    level, variance = np.zeros((ratios, len(columns))), np.zeros(ratios)
    levels, variances = np.zeros((days, *level.shape)), np.zeros((days, ratios))
    innovations, widths = np.zeros_like(levels), np.ones((days, ratios))
    moves = _LEVEL_RATIOS**2
    first = int(np.argmax(known))
    for day in range(first, days):
        levels[day], variances[day] = level, variance
        variance = variance + moves
        if day == first:
            level, variance = level + columns[:, day], np.ones(ratios)
        elif known[day]:
            widths[day] = variance + 1
            innovation = columns[:, day] - level
            innovations[day] = innovation / np.sqrt(widths[day])[:, None]
            level = level + (variance / widths[day])[:, None] * innovation
            variance = variance / widths[day]
    sums = np.cumsum(innovations[..., :, None] * innovations[..., None, :], axis=0)
    distance = np.log(np.maximum(_LEVEL_RATIOS, _LEVEL_RATIOS[1]) / _TYPICAL_RATIO)
    return _Learnt(
        levels=levels[at],
        variances=variances[at],
        products=sums[at - 1],
        likelihood=-(distance**2) / 2 - np.cumsum(np.log(widths), axis=0)[at - 1] / 2,
        count=np.cumsum(known, dtype=np.float64)[at - 1] - 1,
    )
