"""Rushes of comments: real ones are found in time, lively days and small numbers raise no alarm."""

import numpy as np
import pytest

from bench.statistics.simulate import comments
from bench.statistics.studies import crisis_study
from widerview.measures.crisis import LEAST_COMMENTS, PAST_DAYS, rush


def look(now, past):
    found = rush(np.array([now], dtype=float), np.array([past], dtype=float))
    return float(found.p[0]), bool(found.alarm[0])


def test_pile_ons_are_found_in_time_and_quiet_clients_left_in_peace():
    random = np.random.default_rng(1)
    quiet, piled = (comments(random, 500, 72, pile_ons=pile_ons) for pile_ons in (False, True))
    found = crisis_study(quiet, piled, lambda now, past: rush(now, past).alarm)
    assert found.false_a_year <= 1.2  # 500 clients of a fortnight: give or take 0.3
    assert found.in_time >= 0.93


def test_few_comments_are_no_crisis_however_quiet_it_was():
    assert look(LEAST_COMMENTS - 1, [0] * PAST_DAYS)[1] is False
    assert look(12, [0] * PAST_DAYS)[1] is True


def test_a_crisis_of_last_month_does_not_hide_this_one():
    calm = [2, 3, 1, 4, 2, 3, 2, 1] * 7
    assert look(40, calm)[1]
    assert look(40, [90, 120, *calm[2:]])[1]


def test_lively_days_are_no_crisis():
    assert not look(14, [1, 2, 9, 3, 12, 2, 1, 5] * 7)[1]


@pytest.mark.parametrize(
    ("now", "past"), [(np.nan, [2] * PAST_DAYS), (50, [np.nan] * PAST_DAYS), (50, [2] * 10 + [np.nan] * 46)]
)
def test_what_is_not_known_raises_no_alarm(now, past):
    p, alarm = look(now, past)
    assert np.isnan(p)
    assert not alarm


def test_unknown_days_are_left_out_rather_than_zero():
    past = [20, 25, 18, 22] * 10
    assert look(30, past)[0] == pytest.approx(look(30, past + [np.nan] * 16)[0])
