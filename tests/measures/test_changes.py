"""Lasting changes: found where there are some, measured where their week is known, and one odd week is none."""

import numpy as np
import pytest

from bench.statistics.simulate import clean_days
from widerview.measures.changes import lasting_changes


@pytest.fixture(scope="module")
def weeks():
    return clean_days(np.random.default_rng(3), 1_200, 26 * 7).reshape(1_200, 26, 7).sum(axis=2)


def found(weeks):
    return [change for row in range(0, len(weeks), 40) for change in lasting_changes(weeks[row : row + 40])]


def test_a_series_without_a_change_has_none(weeks):
    assert np.mean([change is not None for change in found(weeks)]) <= 0.02


def test_a_doubled_level_is_found_with_its_week(weeks):
    changed = weeks.copy()
    changed[:, 20:] *= 2
    changes = [change for change in found(changed) if change]
    assert len(changes) >= 0.85 * len(weeks)
    assert np.mean([abs(change.since - 20) <= 1 for change in changes]) >= 0.85
    assert np.median([change.factor for change in changes]) == pytest.approx(2, rel=0.1)


def test_one_odd_week_is_no_lasting_change(weeks):
    odd = weeks.copy()
    odd[:, 23] *= 4
    assert np.mean([change is not None for change in found(odd)]) <= 0.03


def test_too_little_is_known_to_say_anything():
    weeks = np.array([[100.0, 101, 99, 102, 98, 100, 250, 240, 260], [np.nan] * 9, [np.nan] * 5 + [9.0] * 4])
    assert lasting_changes(weeks)[1:] == [None] * 2
    assert lasting_changes(weeks[:, :6]) == [None] * 3


def test_small_counts_that_doubled_are_found_and_even_ones_are_not():
    random = np.random.default_rng(25)
    even = random.poisson(20, (400, 26)).astype(float)
    doubled = np.hstack([even[:, :18], random.poisson(40, (400, 8)).astype(float)])
    alone = [[lasting_changes(row[None])[0] is not None for row in weeks] for weeks in (even, doubled)]
    assert np.mean(alone[0]) <= 0.02
    assert np.mean(alone[1]) >= 0.7
