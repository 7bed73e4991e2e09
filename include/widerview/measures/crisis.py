"""Whether far more people write to a client right now than ever do at this time of day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

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
LEAST_DAYS = 14
"""From so many known days on there is a past to hold a look against."""

_NINE_OF_TEN = (0.05, 0.95)


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
    known = ~np.isnan(comments) & (days >= LEAST_DAYS)
    p = np.where(known, stats.nbinom.sf(now - 1, size, size / (size + mean)), np.nan)
    return Rush(p, known & (np.nan_to_num(p, nan=1.0) < CHANCE) & (now >= LEAST_COMMENTS))


@dataclass(frozen=True)
class Heard:
    """When others wrote to one account, and of which looks it is known how many had.

    Attributes:
        moments: When they wrote, in seconds since 1970, sorted; of shape (comments,).
        known: First and last known look of each stretch of them, in seconds since 1970; of shape (stretches, 2).
    """

    moments: Floats
    known: Floats


@dataclass(frozen=True)
class Looks:
    """Comments in the `WINDOW_HOURS` up to each look, all accounts together, and on the days before; for `rush`.

    Attributes:
        comments: One a look; NaN where no account with a past is known.
        past: Of shape (looks, `PAST_DAYS`); NaN where one of the accounts that the look is made of is not known.
    """

    comments: Floats
    past: Floats


def look(accounts: Sequence[Heard], ends: Sequence[dt.datetime], zone: ZoneInfo) -> Looks:
    """Count a client's comments up to some looks, and up to the same time by the clock of `zone` on each day before.

    An account counts in a look where it is known then and on `LEAST_DAYS` of the days before: one that has not been
    read lately, or has no past yet, is left out, and never taken for silent.
    """
    walls = [end.astimezone(zone) for end in ends]
    days = [dt.timedelta(days=ago) for ago in range(PAST_DAYS + 1)]
    # A day before by the wall clock: 23 or 25 hours where the clock has been changed.
    until = np.array([[(wall - ago).timestamp() for ago in days] for wall in walls]).reshape(-1, len(days))
    shape = (len(accounts), *until.shape)
    counts, known = np.zeros(shape), np.zeros(shape, dtype=bool)
    for number, account in enumerate(accounts):
        after = until - WINDOW_HOURS * 3600
        counts[number] = account.moments.searchsorted(until, "right") - account.moments.searchsorted(after, "right")
        for first, last in account.known:
            known[number] |= (first <= until) & (until <= last)
    counted = known[:, :, :1] & (known[:, :, 1:].sum(axis=2, keepdims=True) >= LEAST_DAYS)
    sums = np.where(counted, counts, 0).sum(axis=0)
    unknown = (counted & ~known).any(axis=0) | ~counted.any(axis=0)
    sums[unknown] = np.nan
    return Looks(sums[:, 0], sums[:, 1:])


def usual_comments(past: Floats) -> tuple[int, int]:
    """Give from how many to how many comments there were on nine of ten days; `past` of one look, some of it known."""
    low, high = np.nanquantile(past, _NINE_OF_TEN)
    return int(np.floor(low)), int(np.ceil(high))
