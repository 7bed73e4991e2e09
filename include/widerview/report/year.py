"""Now and then a year is shown instead of 28 days: how engagement has grown, with its doubt."""

import numpy as np

from widerview.measures.goals import YEAR_WEEKS, growth
from widerview.measures.weeks import Week
from widerview.report.facts import Year, YearWeek
from widerview.report.long_past import LongPast
from widerview.vocabulary.metrics import METRICS

_METRIC = "reactions_per_post"


def year_of(past: LongPast, week: Week, *, so_far: bool) -> Year | None:
    """Show the year that ends with a week; None where a quarter of it is not known.

    Args:
        past: Its weeks, as they are known now.
        week: The last one.
        so_far: Whether the last one's number may still rise: then it is left out.
    """
    weeks = [week.shift(-ago) for ago in range(YEAR_WEEKS - 1, -1, -1)]
    values = [None if so_far and each == week else past.week(_METRIC, each) for each in weeks]
    posts = past.usual_posts(weeks)
    [grown] = growth(np.array([values], dtype=float) * posts)
    if grown is None:
        return None
    return Year(
        label=METRICS[_METRIC].label,
        weeks=tuple(
            YearWeek(monday=each.monday, value=None if value is None else round(value, 3))
            for each, value in zip(weeks, values, strict=True)
        ),
        quarters=tuple(round(quarter / posts, 3) for quarter in grown.quarters),
        times=round(grown.factor, 3),
        low=round(grown.low, 3),
        high=round(grown.high, 3),
    )
