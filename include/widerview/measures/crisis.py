"""Whether far more people write to a client right now than ever do at this time of day."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from widerview.measures.robust import Bools, Floats

WINDOW_HOURS = 12
"""Comments are counted over so many hours, up to the look."""

PAST_DAYS = 56
"""They are held against the same hours of so many days before."""

LEAST_COMMENTS = 5
"""Fewer than this are no crisis, however quiet it is otherwise."""

CHANCE = 5e-5
"""An alarm is what chance would bring this rarely; with one every two hours there are 4,400 looks a year."""

_DROPPED = 2
_LEAST_MEAN = 0.1
_PRIOR_SPREAD, _PRIOR_DAYS = 0.3, 40.0
_LEAST_SPREAD = 1e-4
_LEAST_DAYS = 14


@dataclass(frozen=True)
class Rush:
    """What a look at some clients' inbound comments shows; arrays of shape (looks,).

    Attributes:
        p: How likely so many comments are by chance; NaN where a count is unknown or fewer than 14 past days are known.
        alarm: Whether an alarm is due.
    """

    p: Floats
    alarm: Bools


def rush(comments: Floats, past: Floats) -> Rush:
    """Look whether there are far more comments than usual at this time of day.

    The past gives a negative binomial by its mean and variance, its two highest windows left out, since a crisis of
    last month must not hide this one; p is the tail from the present count on. How much livelier than others some
    days are is hard to tell from eight weeks without their highest: the squared coefficient of variation is shrunk
    toward 0.3 with the weight of forty days, without which there are several times as many false alarms.

    So the outbreaks of diseases are found (Farrington et al. 1996, doi:10.2307/2983331; Noufaily et al. 2013,
    doi:10.1002/sim.5595), by regressions over years of history that a client does not have.

    Args:
        comments: Comments of the last `WINDOW_HOURS` hours, one a look.
        past: Comments in the same hours of the `PAST_DAYS` days before, of shape (looks, days); NaN where unknown.
    """
    ordered = np.sort(past, axis=1)  # NaN comes last
    days = (~np.isnan(past)).sum(axis=1)
    count = np.maximum(days - _DROPPED, 2)
    kept = np.where(np.arange(past.shape[1]) < count[:, None], ordered, np.nan)
    mean = np.maximum(np.nansum(kept, axis=1) / count, _LEAST_MEAN)
    variance = np.nansum((kept - mean[:, None]) ** 2, axis=1) / (count - 1)
    found = np.maximum((variance - mean) / mean**2, 0.0)
    spread = np.maximum((count * found + _PRIOR_DAYS * _PRIOR_SPREAD) / (count + _PRIOR_DAYS), _LEAST_SPREAD)
    size = 1 / spread
    now = np.nan_to_num(comments)
    known = ~np.isnan(comments) & (days >= _LEAST_DAYS)
    p = np.where(known, stats.nbinom.sf(now - 1, size, size / (size + mean)), np.nan)
    return Rush(p, known & (np.nan_to_num(p, nan=1.0) < CHANCE) & (now >= LEAST_COMMENTS))
