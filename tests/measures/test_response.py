"""Answers: in office hours, those who wait counted in, and the curve as statsmodels draws it."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from otter_bakery import client
from widerview.agency.models import WEEKDAYS
from widerview.measures.response import Message, response

ALWAYS = client(time_zone="UTC", office_hours={day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS})
START = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)  # a Monday
waits = st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), min_size=1, max_size=30)


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


def written_at_once(answers, waited=180.0, whose=ALWAYS):
    messages = [Message(START, None if each is None else START + minutes(each)) for each in answers]
    return response(messages, whose, START + minutes(waited))


def test_who_still_waits_counts():
    found = written_at_once([10, 20, 30, None, None])
    assert (found.received, found.answered, found.rate) == (5, 3, 60.0)
    assert found.median == 30 * 60, "the median of those answered would be 20 minutes"
    assert found.slowest_tenth is None, "two in five still wait"
    assert found.longest_wait == 180 * 60


def test_the_rate_has_its_doubt():
    few, many = written_at_once([1, 2, None]), written_at_once([1, 2, None] * 30)
    assert few.rate == pytest.approx(many.rate)
    assert few.rate_low < many.rate_low < many.rate < many.rate_high < few.rate_high


def test_what_was_answered_later_is_not_answered_yet():
    assert written_at_once([10, 500], waited=180).answered == 1


def test_nobody_wrote():
    assert response([], ALWAYS, START) is None


def test_nobody_was_answered():
    found = written_at_once([None, None])
    assert (found.rate, found.median, found.longest_wait) == (0.0, None, 180 * 60)


def test_time_runs_in_office_hours_only():
    """Written on Friday at 16:30, answered on Monday at 08:15: three quarters of an hour of Monday-Friday 8 to 17."""
    friday = dt.datetime(2026, 11, 27, 15, 30, tzinfo=dt.UTC)
    monday = dt.datetime(2026, 11, 30, 7, 15, tzinfo=dt.UTC)
    found = response([Message(friday, monday)], client(), monday + dt.timedelta(days=1))
    assert found.median == 45 * 60


def test_an_answer_before_the_question_took_no_time():
    assert response([Message(START, START - minutes(5))], ALWAYS, START + minutes(9)).median == 0


@given(waits.filter(lambda cases: any(answered for _, answered in cases)))
def test_the_median_is_that_of_an_independent_curve(cases):
    now = START + minutes(3_000)
    messages = [Message(now - minutes(waited), now if answered else None) for waited, answered in cases]
    found = response(messages, ALWAYS, now)
    curve = SurvfuncRight(np.array([60.0 * waited for waited, _ in cases]), np.array([a for _, a in cases]))
    reached = [at for at, left in zip(curve.surv_times, curve.surv_prob, strict=True) if left <= 0.5 + 1e-12]
    assert found.median == (min(reached) if reached else None)


@given(waits, st.randoms())
def test_permuting_messages_changes_nothing(cases, random):
    now = START + minutes(3_000)
    messages = [Message(now - minutes(waited), now if answered else None) for waited, answered in cases]
    assert response(random.sample(messages, len(messages)), ALWAYS, now) == response(messages, ALWAYS, now)
