"""Goals and growth: ranges that hold the end, and words that follow from them."""

import numpy as np
import pytest

from bench.statistics.simulate import clean_days, growing_weeks
from widerview.measures.goals import YEAR_WEEKS, growth, pace

STEADY = np.array([100.0, 104, 97, 101, 99, 103, 98, 100])


@pytest.mark.parametrize("left", [1, 12])
def test_the_range_holds_the_end_of_a_goal(left):
    weeks = clean_days(np.random.default_rng(3), 400, 24 * 7).reshape(400, 24, 7).sum(axis=2)
    paces = [pace(1e9, 500.0, row[:12], left) for row in weeks]
    ends = 500.0 + weeks[:, 12 : 12 + left].sum(axis=1)
    assert np.mean([each.low <= end <= each.high for each, end in zip(paces, ends, strict=True)]) == pytest.approx(
        0.8, abs=0.05
    )


@pytest.mark.parametrize(("goal", "word"), [(400, "reached"), (750, "ahead"), (905, "within reach"), (1_500, "behind")])
def test_words(goal, word):
    found = pace(goal, 500.0, STEADY, 4)
    assert found.word == word
    assert 500 < found.low < found.likely < found.high < 1_200


def test_a_goal_whose_time_is_over_ends_where_it_is():
    found = pace(600, 500.0, STEADY, 0)
    assert (found.low, found.high, found.word) == (500.0, 500.0, "behind")


def test_the_farther_the_end_the_less_certain():
    near, far = pace(1e6, 0.0, STEADY, 2), pace(1e6, 0.0, STEADY, 30)
    assert far.high / far.low > near.high / near.low


def test_no_usual_week_yet_has_no_pace():
    assert pace(600, 500.0, np.array([100.0, np.nan, 90.0, np.nan, 95.0, 101.0]), 4) is None


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="weeks_left is -1"):
        pace(600, 500.0, STEADY, -1)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_the_range_holds_the_growth_of_a_year(memory):
    weeks, truth = growing_weeks(np.random.default_rng(8), 1_000, memory)
    inside = [each.low <= true <= each.high for each, true in zip(growth(weeks), truth, strict=True)]
    assert 0.92 <= np.mean(inside) <= 0.985


def test_a_quarter_that_is_not_known_has_no_growth():
    weeks = np.tile(100.0, (2, YEAR_WEEKS))
    weeks[1, 3:12] = np.nan
    even, gap = growth(weeks)
    assert gap is None
    assert even.quarters == pytest.approx((100.0,) * 4)
    assert even.factor == pytest.approx(1.0)
    assert even.low < 1 < even.high


def test_half_a_year_is_no_year():
    with pytest.raises(ValueError, match="a year has 52 weeks and there are 26"):
        growth(np.ones((1, 26)))
