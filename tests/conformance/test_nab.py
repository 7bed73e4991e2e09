"""The detector on labelled series of the Numenta Anomaly Benchmark, whose labels are contested (arXiv 2009.13807)."""

import numpy as np
import pytest

from bench.statistics import nab
from bench.statistics.contenders import DETECTORS
from bench.statistics.studies import as_score, taxi
from widerview.measures.unusual import surprises


def detector(values, period):
    return as_score(surprises(values, period))


@pytest.fixture(scope="module")
def folder(shared):
    if not (shared / "nab").is_dir():
        pytest.skip(f"no labelled series in {shared}")
    return shared / "nab"


def test_taxi_rides_find_all_known_events_before_five_false_alarms(folder):
    rides = nab.read(folder, "realKnownCause/nyc_taxi.csv")
    ours = taxi(rides, detector)
    assert ours.alarms <= 4
    assert all(ours.alarms < taxi(rides, other).alarms for other in DETECTORS.values())


def test_prices_of_ads_score_sixty_and_more_than_simple_rules_where_the_threshold_was_chosen_on_the_others(folder):
    series = nab.ad_exchange(folder)

    def scores(of):
        return [np.nan_to_num(of(each.values[None], 24)[0], nan=-1.0) for each in series]

    ours = scores(detector)
    assert nab.score(series, ours) >= 60
    for other in DETECTORS.values():
        assert nab.score_left_out(series, ours) > nab.score_left_out(series, scores(other))


def test_the_score_is_nothing_for_silence_and_a_hundred_for_the_first_row_of_every_window(folder):
    series = nab.ad_exchange(folder)
    silent = [np.zeros(len(each.values)) for each in series]
    perfect = [np.isin(np.arange(len(each.values)), [first for first, _ in each.windows]) * 1.0 for each in series]
    assert nab.score(series, silent) == 0
    assert nab.score(series, perfect) == pytest.approx(100)
