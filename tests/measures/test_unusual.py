"""Unusual days: found, few false ones, gaps and explained days left alone, and as good a forecast as statsmodels'."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.structural import UnobservedComponents

from bench.statistics.simulate import clean_days, eventful_days
from bench.statistics.studies import as_score, recall, told
from widerview.measures.unusual import surprises, unusual_days


def steady(series=8, days=119, seed=1):
    return clean_days(np.random.default_rng(seed), series, days)


def test_most_events_are_found_at_few_false_alarms():
    data = eventful_days(np.random.default_rng(6), 3_000)
    assert recall(data, as_score(surprises(data.counts)), 0.01) >= 0.8


def test_of_what_is_told_of_a_week_little_is_chance():
    week = told(eventful_days(np.random.default_rng(79), 4_000, share=0.1))
    assert week.false_share <= 0.16
    assert week.recall >= 0.5


def test_p_is_no_smaller_than_chance_makes_it():
    p = surprises(steady(2_000)).p[:, 28:]
    assert (p < 0.01).mean() <= 0.01
    assert (p < 0.001).mean() <= 0.001


def test_a_day_of_five_times_as_much_is_told_first():
    days = steady()
    days[3, -2] *= 5
    first, *_ = unusual_days(days, surprises(days))
    assert (first.series, first.day, first.explained) == (3, 117, False)
    assert first.value == days[3, -2] > 3 * first.expected


def test_an_explained_day_is_no_alarm_and_helps_no_other_to_be_one():
    days = steady()
    explained = np.zeros(days.shape, dtype=bool)
    explained[:4, -3:] = True
    without = [day for day in unusual_days(days, surprises(days), explained=explained) if not day.explained]
    days[:4, -3:] *= 6
    found = unusual_days(days, surprises(days), explained=explained)
    assert {day.series for day in found if day.explained} == {0, 1, 2, 3}
    assert [day for day in found if not day.explained] == without


def test_three_slightly_odd_days_are_told_together():
    days = np.full((1, 70), 1_000.0) * np.exp(np.random.default_rng(3).normal(0, 0.1, (1, 70)))
    days[0, -3:] = 1_330.0
    p = surprises(days).p[0]
    assert p[-1] < p[-2] < p[-3]
    assert p[-1] < 0.001


def test_back_to_normal_is_no_news():
    days = np.full((1, 70), 1_000.0) * np.exp(np.random.default_rng(2).normal(0, 0.05, (1, 70)))
    days[0, -3:-1] = 5_000.0
    days[0, -1] = 1_000.0
    assert surprises(days).p[0, -1] > 0.05


def test_a_spike_teaches_no_wrong_level():
    days = np.full((1, 70), 1_000.0) * np.exp(np.random.default_rng(2).normal(0, 0.05, (1, 70)))
    days[0, -2] = 50_000.0
    assert surprises(days).expected[0, -1] == pytest.approx(1_000, rel=0.1)


def test_unknown_days_are_neither_zero_nor_judged():
    days = steady(1)
    gaps = days.copy()
    gaps[0, [40, 60, 61, 62, 117]] = np.nan
    found = surprises(gaps)
    assert np.isnan(found.p[0, [40, 60, 61, 62, 117]]).all()
    assert found.expected[0, 118] == pytest.approx(surprises(days).expected[0, 118], rel=0.1)
    assert {day.day for day in unusual_days(gaps, found, days=119)} <= set(np.flatnonzero(~np.isnan(gaps[0])))


@pytest.mark.parametrize("past", [[0.0] * 60, [0.0, 1.0, 0.0] * 20])
def test_one_after_none_is_nothing_to_speak_of(past):
    assert surprises(np.array([[*past, 2.0]])).p[0, -1] > 0.1


def test_a_series_is_judged_by_its_own_past_alone():
    days = steady(5)
    alone = surprises(days[2:3])
    assert surprises(days).p[2] == pytest.approx(alone.p[0], nan_ok=True)


@pytest.mark.parametrize("shape", [(0, 50), (2, 0), (2, 3), (2, 30)])
def test_too_short_a_past_says_nothing(shape):
    values = np.full(shape, 10.0)
    found = surprises(values)
    assert found.p.shape == shape
    assert unusual_days(values, found) == []


def test_a_series_nobody_reports_says_nothing():
    values = np.full((2, 60), np.nan)
    assert unusual_days(values, surprises(values)) == []


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(10, 1000))
def test_large_counts_may_be_scaled(seed, scale):
    days = 1e5 * np.exp(np.random.default_rng(seed).normal(0, 0.2, (1, 60)))
    assert surprises(days * scale).z == pytest.approx(surprises(days).z, abs=0.01, nan_ok=True)


def test_days_are_expected_as_well_as_statsmodels_expects_them():
    """An independent filter of the same model, its variances fitted to each series by maximum likelihood."""
    days = steady(6)
    logs = np.log1p(days)
    theirs = np.empty(logs.shape)
    for row, each in enumerate(logs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = UnobservedComponents(each[:84], "local level", seasonal=7).fit(disp=False, maxiter=50)
            theirs[row] = UnobservedComponents(each, "local level", seasonal=7).filter(fitted.params).fittedvalues
    ours = np.log1p(surprises(days).expected)
    errors = [np.abs(logs - each)[:, 84:].mean() for each in (ours, theirs)]
    assert errors[0] <= 1.02 * errors[1]
