"""What others do to tell a campaign's effect, each in its plainest form; ranges are of 95 %."""

from dataclasses import replace

import numpy as np
from scipy import stats

from widerview.measures.effect import Estimate
from widerview.measures.robust import Floats

_MOST_BEFORE = 90


def before_and_after(visits: Floats, start: int) -> Estimate:
    """The mean of the campaign's days less that of the 90 days before, with the range of Welch's t."""
    return _welch(visits, start)


def differences(visits: Floats, others: Floats, start: int) -> Estimate:
    """Differences in differences: the same of the visits less the mean of the other series, each scaled to them."""
    scaled = others * (np.nanmean(visits[:start]) / np.nanmean(others[:, :start], axis=1, keepdims=True))
    some = ~np.isnan(scaled).all(axis=0)  # a day of which no other series tells is left out
    mean = np.full(len(visits), np.nan)
    mean[some] = np.nanmean(scaled[:, some], axis=0)
    found = _welch(visits - mean, start)
    return replace(found, expected=float(np.nanmean(visits[start:])) - found.average)


def _welch(values: Floats, start: int) -> Estimate:
    before, after = (part[~np.isnan(part)] for part in (values[max(start - _MOST_BEFORE, 0) : start], values[start:]))
    found = stats.ttest_ind(after, before, equal_var=False)
    reach = found.confidence_interval(0.95)
    expected = float(before.mean())
    return Estimate(len(after), float(after.mean()) - expected, float(reach.low), float(reach.high), expected)
