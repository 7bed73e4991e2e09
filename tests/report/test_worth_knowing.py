"""Days that stand out: late numbers do not make others' noise look certain, and an old outage hides no alarm."""

import datetime as dt
from itertools import product

import numpy as np
import pytest

from bench.statistics.simulate import clean_days
from otter_bakery import client
from widerview.report.worth_knowing import DailySeries
from widerview.sources.registry import SOURCES
from widerview.warehouse import read

TITLES = {name: source.title for name, source in SOURCES.items()}
DAYS = [dt.date(2026, 8, 31) + dt.timedelta(days=day) for day in range(84)]
MONDAY_MORNING = dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
SERIES = [
    read.DaySeries(
        source=source, entity="account", entity_id="1", metric=metric, dimension="total", member="", days=(), counts=()
    )
    for source, metric in product(
        ("facebook", "instagram", "youtube", "linkedin", "tiktok"), ("views", "reach", "engagements", "likes")
    )
]


def told(values):
    series = DailySeries(DAYS, SERIES[: len(values)], values, [])
    return series.notable_days(client(time_zone="Europe/Berlin"), MONDAY_MORNING, TITLES)


@pytest.mark.parametrize("late", [1.0, 0.4, 0.15])
def test_a_late_sunday_makes_no_other_day_worth_knowing(late):
    false = []
    for seed in range(60):
        values = clean_days(np.random.default_rng(seed), len(SERIES), len(DAYS))
        values[:, -1] = np.round(values[:, -1] * late)
        false.append(bool(told(values)))
    assert np.mean(false) <= 0.08


@pytest.mark.parametrize("outage", [0, 1, 2])
def test_an_outage_weeks_ago_does_not_hide_a_peak(outage):
    values = np.random.default_rng(1).poisson(200, (1, len(DAYS))).astype(float)
    values[0, -4] = 440
    values[0, 40 : 40 + outage] = 0
    [day] = told(values)
    assert (day.day, day.value) == (dt.date(2026, 11, 19), 440)


def test_a_fall_of_two_days_ago_is_told_and_one_of_yesterday_waits():
    values = np.random.default_rng(1).poisson(200, (1, len(DAYS))).astype(float)
    values[0, -1] = 20
    assert told(values) == ()
    values[0, -4], values[0, -1] = 20, 200
    assert [day.day for day in told(values)] == [dt.date(2026, 11, 19)]
