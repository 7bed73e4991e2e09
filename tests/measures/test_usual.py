"""The usual week: its range holds what it says it holds, and small or missing pasts stay silent."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics.simulate import clean_days, per_post_weeks
from bench.statistics.studies import per_post_study, week_coverage, week_words, weekday_coverage
from widerview.measures.usual import (
    COVERAGE,
    MIN_WEEKS,
    WIDE_COVERAGE,
    forecast,
    usual_ranges,
    usual_weekdays,
    week_word,
    word,
)

values = st.lists(st.one_of(st.none(), st.floats(0, 1e7)), max_size=30)


def one(history):
    return usual_ranges({"only": history})["only"]


def test_too_short_a_past_has_no_usual_week():
    assert one([10.0] * (MIN_WEEKS - 1)) is None
    assert word(10.0, None) == "no usual week yet"


def test_unknown_weeks_do_not_count_as_zero():
    assert one([100.0, None, 102.0, 99.0, None, 101.0, 100.0]) == one([100.0, 102.0, 99.0, 101.0, 100.0])


def test_a_missing_value_is_not_reported_rather_than_below():
    assert word(None, one([100.0] * 8)) == "not reported"


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40, 500])
def test_an_even_past_is_its_own_usual_week(count):
    usual = one([float(count)] * 12)
    assert word(float(count), usual) == "inside"
    assert word(count + max(1.0, count**0.5), usual) == "inside", "one more by chance is nothing to speak of"


def test_words():
    usual = one([100.0, 120.0, 90.0, 110.0, 95.0, 105.0, 115.0, 100.0])
    assert usual is not None
    assert [word(v, usual) for v in (1.0, 101.0, 1000.0)] == ["below", "inside", "above"]
    assert word(usual.low, usual) == word(usual.high, usual) == "inside"


@given(st.dictionaries(st.sampled_from("abc"), values))
def test_ranges_are_ordered_and_never_negative(histories):
    for usual in usual_ranges(histories).values():
        if usual is not None:
            assert 0 <= usual.wide_low <= usual.low <= usual.high <= usual.wide_high


@given(st.lists(st.floats(50, 5000), min_size=MIN_WEEKS, max_size=20), st.floats(1, 100))
def test_the_order_of_series_changes_nothing(history, scale):
    other = [value * scale for value in history]
    first = usual_ranges({"a": history, "b": other})
    second = usual_ranges({"b": other, "a": history})
    assert first["a"].low == pytest.approx(second["a"].low)
    assert first["a"].high == pytest.approx(second["a"].high)


@given(st.lists(st.floats(1e6, 1e7), min_size=MIN_WEEKS, max_size=20), st.floats(1, 1000))
def test_the_range_scales_with_the_counts(history, scale):
    """Of large counts: small ones have the noise of counting, which does not scale."""
    first, second = one(history), one([value * scale for value in history])
    for end in ("low", "high", "wide_low", "wide_high"):
        assert getattr(second, end) == pytest.approx(scale * getattr(first, end), rel=0.01)


def test_the_wide_range_holds_the_narrow_one():
    usual = one([100.0, 120.0, 90.0, 110.0, 95.0, 105.0])
    assert usual.wide_low < usual.low < usual.high < usual.wide_high


def test_one_odd_week_does_not_become_usual():
    usual = one([100.0, 120.0, 90.0, 110.0, 95.0, 105.0, 115.0, 98.0, 2000.0])
    assert usual.low < 105 < usual.high < 200


def test_the_ranges_cover_what_they_say():
    """1,500 series that drift, have weekdays and remember: see bench/statistics, which prints others beside them."""
    days = clean_days(np.random.default_rng(11), 1_500, 14 * 7)
    narrow, wide = week_coverage(lambda past: forecast(past.reshape(len(past), -1, 7).sum(axis=2)), days)
    assert narrow.found == pytest.approx(COVERAGE, abs=0.02)
    assert wide.found == pytest.approx(WIDE_COVERAGE, abs=0.02)


@pytest.mark.parametrize(("posts", "mean"), [(20, 1.5), (20, 4.0), (60, 1.5), (10, 30.0)])
def test_a_mean_over_posts_is_no_single_count(posts, mean):
    """Thirty reactions to 20 posts are as certain as thirty, not as one and a half."""
    random = np.random.default_rng(21)
    means, counts = per_post_weeks(random, 800, 13, posts, mean, spread=0.3)
    doubled, _ = per_post_weeks(random, 800, 1, posts, 2 * mean, spread=0.3)
    found = per_post_study(means, counts, doubled[:, 0])
    assert found.narrow == pytest.approx(COVERAGE, abs=0.045)
    assert found.wide == pytest.approx(WIDE_COVERAGE, abs=0.035)
    assert found.doubled > 0.9


def test_a_mean_over_fewer_posts_than_usual_is_less_certain():
    past = [4.0, 4.2, 3.9, 4.1, 4.0, 3.8, 4.1, 4.0]
    few, many = (usual_ranges({"each": past}, of={"each": posts})["each"] for posts in (2, 20))
    assert few.low < many.low < many.high < few.high


@pytest.mark.parametrize("usually", [0.0, 1.0, 2.0, 4.0])
def test_of_a_handful_no_rise_and_no_fall_is_told(usually):
    usual = one([usually] * 12)
    assert [word(value, usual) for value in (0.0, 3.0, 5.0)] == ["inside"] * 3
    assert word(30.0, usual) == "above"


def days_of(values):
    return {dt.date(2026, 8, 31) + dt.timedelta(days=day): value for day, value in enumerate(values)}


@pytest.mark.parametrize("odd", [0.0, 2_000.0])
def test_an_outage_or_a_peak_does_not_become_a_usual_day(odd):
    values = np.random.default_rng(0).poisson(100, 84).astype(float)
    clean = usual_weekdays(days_of(values))
    values[40:42] = odd
    for weekday, (low, high) in usual_weekdays(days_of(values)).items():
        assert (low, high) == pytest.approx(clean[weekday], rel=0.06)


def test_the_ranges_of_weekdays_cover_what_they_say():
    for odd in (0.0, 0.02):
        days = clean_days(np.random.default_rng(22), 400, 13 * 7, contaminated=odd)
        assert weekday_coverage(days) == pytest.approx(COVERAGE, abs=0.035)


def test_an_even_past_of_days_allows_for_counting():
    for low, high in usual_weekdays(days_of([4.0] * 84)).values():
        assert low < 3, "one less by chance is nothing to speak of"
        assert high > 5


def test_unknown_days_are_left_out_and_few_days_say_nothing():
    values = [100.0, 60.0, None, 80.0, 90.0, 120.0, 70.0] * 6
    found = usual_weekdays(days_of(values))
    assert sorted(found) == [0, 1, 3, 4, 5, 6]
    assert found[1][0] < 60 < found[1][1] < found[5][0]
    assert usual_weekdays(days_of(values[: 7 * (MIN_WEEKS - 1)])) == {}


@pytest.mark.parametrize(
    ("words", "far", "week"),
    [
        (["above", "inside", "inside"], ["inside"] * 3, "normal"),
        (["above", "inside", "inside"], ["above", "inside", "inside"], "good"),
        (["above", "below", "inside"], ["above", "inside", "inside"], "normal"),
        (["above", "above", "below"], ["inside", "above", "inside"], "good"),
        (["below", "below", "above"], ["below", "inside", "above"], "quiet"),
        (["below", "not reported"], ["inside", "not reported"], "normal"),
        (["no usual week yet"], ["no usual week yet"], "normal"),
        ([], [], "normal"),
    ],
)
def test_a_week_is_good_or_quiet_by_what_lies_far_outside(words, far, week):
    assert week_word(words, far) == week


def test_a_week_in_which_nothing_changed_is_seldom_good_or_quiet():
    weeks = clean_days(np.random.default_rng(23), 6_000, 13 * 7).reshape(6_000, 13, 7).sum(axis=2).reshape(1_000, 6, 13)
    words = week_words(weeks)
    assert words.count("good") <= 140 >= words.count("quiet")
    weeks[:, :, -1] = np.round(weeks[:, :, -1] * 1.3)
    assert week_words(weeks).count("good") >= 850


def test_no_series_have_no_forecast():
    assert forecast(np.empty((0, 12))).level.shape == (0,)
