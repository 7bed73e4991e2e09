"""Which days of a client's series were unusual: a robust filter over all series at once, and what of it to tell.

One filter follows the level and the weekdays of each series. A day's surprise is how far it lies from what the days
before it made likely; three such days in a row are one, too, though none of them says enough alone. Of the many days
and series of one client's week those are told that stand out among all of them: two of 280 do by chance alone what
only one in a hundred does.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special, stats

from widerview.measures.robust import Bools, Floats, clipped_square, deviation, median

WARM_UP_CYCLES = 4
"""So many weeks (of hourly series: days) are learnt from before anything is judged."""

FALSE_SHARE = 0.1
"""At most about this share of what is told is chance."""

_LEVEL_MOVES = np.array([0.003, 0.03, 0.15])
_WEEKDAY_MOVE = 0.003
_LEVEL_PRIOR, _WEEKDAY_PRIOR = 6.0, 3.0
_CLIP = 2.0
_CLIPPED_SQUARE = clipped_square(_CLIP)
_FADE = 0.98
_SPREAD_WEIGHT = 30.0
_LEAST_SPREAD = 0.03
_RUN, _RUN_CLIP, _RUN_TODAY = 3, 4.0, 1.5
_DAY_FREEDOM, _RUN_FREEDOM = 12, 28


@dataclass(frozen=True)
class Surprises:
    """What was expected of each day, and how surprising it was; arrays of shape (series, days), NaN where unknown.

    Attributes:
        expected: The value that the days before made likely.
        z: How many of its own standard deviations the day lies above that (below, if negative), on the log scale.
        p: How likely so odd a day, or so odd a run of three days up to it, is by chance.
    """

    expected: Floats
    z: Floats
    p: Floats


@dataclass(frozen=True)
class UnusualDay:
    """A day of a series that stands out among all days and series of one client's week.

    Attributes:
        series: Row of the series.
        day: Column of the day.
        value: What it was.
        expected: What was expected.
        q: The smallest false share at which it is still told (Benjamini and Hochberg's adjusted p).
        explained: Whether something known was going on: a holiday, a boost, a campaign. Then it is no alarm.
    """

    series: int
    day: int
    value: float
    expected: float
    q: float
    explained: bool


def surprises(values: Floats, period: int = 7) -> Surprises:
    """Say of each day how surprising it was after the days before it.

    A Kalman filter (Harvey 1989, doi:10.1017/CBO9781107049994, chapters 3 and 4) on the log scale (log1p) with a
    random walk as level and an effect of each weekday that moves slowly. Innovations beyond two standard deviations
    count as two (Huber's psi, as in Masreliez and Martin 1977, doi:10.1109/TAC.1977.1101538), so an odd day does not
    teach a wrong level. How fast a level moves is not known: filters of three speeds run side by side and count by
    their likelihood, in which older days fade. The spread is a fading mean of the squared innovations; no day is more
    certain than counting lets it be. Values are counts: give money in its smallest unit.

    The tails are Student's: 12 degrees of freedom for a day, and for three days together 28, which gives the kurtosis
    that the sum of three such days has. A run of days counts where its last one is itself 1.5 standard deviations off
    to the same side; what is back to normal is no news. p is twice the smaller of the two (Bonferroni).

    Args:
        values: Daily counts of shape (series, days), oldest first; NaN where a day is unknown.
        period: Length of the cycle: 7 for days with weekdays, 24 for hours.

    Returns:
        The surprises; NaN in the first `WARM_UP_CYCLES` cycles and where the value is unknown.
    """
    if not values.size:
        return Surprises(*np.full((3, *values.shape), np.nan))
    logs = np.log1p(values)
    series, days = logs.shape
    unknown = np.isnan(logs)
    patterns, pattern = np.unique(unknown, axis=0, return_inverse=True)
    by_pattern = _gains((~patterns).tobytes(), len(patterns), period)
    gains, widths = (np.take(each, pattern, axis=-2) for each in by_pattern)
    state = np.zeros((1 + period, series, len(_LEVEL_MOVES)))
    state[0] = _first_level(logs, period)[:, None]
    spread = np.repeat(_SPREAD_WEIGHT * _first_variance(logs, period)[:, None], len(_LEVEL_MOVES), axis=1)
    weight = np.full((series, 1), _SPREAD_WEIGHT)
    each, variance, squared = (np.empty((days, *spread.shape)) for _ in range(3))
    # An unknown day moves nothing and lets nothing fade.
    here = (~unknown).T[:, :, None].astype(float)
    fading, filled = np.where(unknown, 1.0, _FADE).T[:, :, None], np.nan_to_num(logs).T[:, :, None]
    for day in range(days):
        np.add(state[0], state[1 + day % period], out=each[day])
        own = spread / weight
        np.multiply(widths[day], own, out=variance[day])
        width = np.sqrt(variance[day])
        clipped = np.minimum(np.maximum((filled[day] - each[day]) / width, -_CLIP), _CLIP) * here[day]
        np.multiply(clipped, clipped, out=squared[day])
        state += gains[day] * (clipped * width)
        spread = fading[day] * spread + squared[day] * own / _CLIPPED_SQUARE
        weight = fading[day] * weight + here[day]
    share = _shares(here * (squared + np.log(variance)) / 2, fading)
    expected, variances = ((share * of_speeds).sum(axis=2).T for of_speeds in (each, variance))
    z = (logs - expected) / np.sqrt(np.maximum(variances, _counting_noise(expected)))
    early = np.arange(days) < WARM_UP_CYCLES * period
    z[:, early] = np.nan
    return Surprises(np.where(early | unknown, np.nan, np.expm1(expected)), z, _chance(z))


def unusual_days(
    values: Floats, seen: Surprises, days: int = 7, explained: Bools | None = None, false_share: float = FALSE_SHARE
) -> list[UnusualDay]:
    """Pick what to tell of the last days of one client, most certain first.

    Benjamini and Hochberg's procedure (1995, doi:10.1111/j.2517-6161.1995.tb02031.x) over all known days of all
    series together, so that more series do not mean more false alarms. Explained days are judged by the same limit
    but take no part in setting it: a campaign that everybody expected must not make others' noise look certain.

    Args:
        values: The daily values of one client's series, of shape (series, days).
        seen: Their surprises.
        days: How many of the last days to judge.
        explained: True where something known was going on, of the values' shape or one that broadcasts to it.
        false_share: The share of what is told that may be chance.
    """
    because = np.broadcast_to(False if explained is None else explained, values.shape)
    first = max(values.shape[1] - days, 0)
    rows, columns = np.nonzero(~np.isnan(seen.p[:, first:]))
    columns += first
    p, because = seen.p[rows, columns], because[rows, columns]
    q = np.ones(len(p))
    q[~because] = stats.false_discovery_control(p[~because])
    for each in np.flatnonzero(because):  # judged as if it were one of the others
        q[each] = stats.false_discovery_control(np.append(p[~because], p[each]))[-1]
    order = sorted(np.flatnonzero(q <= false_share), key=lambda each: (q[each], p[each]))
    return [
        UnusualDay(
            series=int(rows[each]),
            day=int(columns[each]),
            value=float(values[rows[each], columns[each]]),
            expected=float(seen.expected[rows[each], columns[each]]),
            q=float(q[each]),
            explained=bool(because[each]),
        )
        for each in order
    ]


def _shares(losses: Floats, fading: Floats) -> Floats:
    """What each filter counts on each day by its likelihood of the days before; of shape (days, series, speeds)."""
    likelihood = np.zeros_like(losses)
    for day in range(1, len(losses)):
        likelihood[day] = fading[day - 1] * likelihood[day - 1] - losses[day - 1]
    share = np.exp(likelihood - likelihood.max(axis=2, keepdims=True))
    return np.asarray(share / share.sum(axis=2, keepdims=True))


@lru_cache(maxsize=4)
def _gains(known_days: bytes, patterns: int, period: int) -> tuple[Floats, Floats]:
    """The gains and the innovations' variances of all filters, in units of the observation variance.

    They depend only on which days are known, so series with the same gaps share them, and so do all clients without.

    Args:
        known_days: Whether each day is known, a byte a day, one pattern after the other.
        patterns: How many patterns there are.
        period: Length of the cycle.

    Returns:
        Gains of shape (days, 1 + period, patterns, speeds), variances of shape (days, patterns, speeds).
    """
    known = np.frombuffer(known_days, dtype=bool).reshape(patterns, -1).T
    days, size, speeds = len(known), 1 + period, len(_LEVEL_MOVES)
    covariance = np.zeros((size, size, patterns, speeds))
    variances = covariance.reshape(size**2, patterns, speeds)[:: size + 1]  # the diagonal, as a view
    variances[0], variances[1:] = _LEVEL_PRIOR, _WEEKDAY_PRIOR
    moves = np.full(variances.shape, _WEEKDAY_MOVE)
    moves[0] = _LEVEL_MOVES
    gains, widths = np.empty((days, size, patterns, speeds)), np.empty((days, patterns, speeds))
    for day in range(days):
        effect = 1 + day % period
        variances += moves
        shared = covariance[0] + covariance[effect]
        np.add(shared[0] + 1, shared[effect], out=widths[day])
        np.multiply(shared, known[day, :, None] / widths[day], out=gains[day])
        covariance -= gains[day][:, None] * shared
    return gains, widths


def _first_level(logs: Floats, period: int) -> Floats:
    """Where each series begins: the median of its first two known cycles."""
    order = np.argsort(np.isnan(logs), axis=1, kind="stable")[:, : 2 * period]
    return np.nan_to_num(median(np.take_along_axis(logs, order, axis=1)))


def _first_variance(logs: Floats, period: int) -> Floats:
    """What to take as each series' variance before it has shown its own: half of that of changes over a cycle."""
    start = logs[:, : WARM_UP_CYCLES * period]
    changes = start[:, period:] - start[:, : max(start.shape[1] - period, 0)]
    if not changes.shape[1]:
        return np.full(len(logs), _LEAST_SPREAD**2)
    return np.fmax(deviation(changes, 0.0) ** 2 / 2, _LEAST_SPREAD**2)


def _counting_noise(level: Floats) -> Floats:
    """The variance on the log scale that a count has by chance alone (delta method, Poisson).

    The half is for what has always been zero: one comment after none is nothing to speak of.
    """
    count = np.maximum(np.expm1(level), 0.0)
    return np.asarray((count + 0.5) / (count + 1) ** 2)


def _chance(z: Floats) -> Floats:
    """The probability of so odd a day, or so odd a run up to it; NaN where the day is unknown."""
    sums = np.cumsum(np.pad(np.clip(np.nan_to_num(z), -_RUN_CLIP, _RUN_CLIP), ((0, 0), (_RUN, 0))), axis=1)
    run = (sums[:, _RUN:] - sums[:, :-_RUN]) / np.sqrt(_RUN)
    today = np.nan_to_num(z)
    run = np.where(today * np.sign(run) >= _RUN_TODAY, np.abs(run), 0.0)
    both = np.minimum(special.stdtr(_DAY_FREEDOM, -np.abs(today)), special.stdtr(_RUN_FREEDOM, -run))
    return np.where(np.isnan(z), np.nan, np.minimum(4 * both, 1.0))
