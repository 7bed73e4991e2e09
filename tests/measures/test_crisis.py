"""Rushes of comments: real ones are found in time, lively days and small numbers raise no alarm."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics.simulate import comments
from bench.statistics.studies import crisis_study
from widerview.measures.crisis import (
    LEAST_COMMENTS,
    LEAST_DAYS,
    PAST_DAYS,
    WINDOW_HOURS,
    Heard,
    look,
    rush,
    usual_comments,
)


def judge(now, past):
    found = rush(np.array([now], dtype=float), np.array([past], dtype=float))
    return float(found.p[0]), bool(found.alarm[0])


def test_pile_ons_are_found_in_time_and_quiet_clients_left_in_peace():
    random = np.random.default_rng(1)
    quiet, piled = (comments(random, 500, 72, pile_ons=pile_ons) for pile_ons in (False, True))
    found = crisis_study(quiet, piled, lambda now, past: rush(now, past).alarm)
    assert found.false_a_year <= 1.2  # 500 clients of a fortnight: give or take 0.3
    assert found.in_time >= 0.93


def test_few_comments_are_no_crisis_however_quiet_it_was():
    assert judge(LEAST_COMMENTS - 1, [0] * PAST_DAYS)[1] is False
    assert judge(12, [0] * PAST_DAYS)[1] is True


def test_a_crisis_of_last_month_does_not_hide_this_one():
    calm = [2, 3, 1, 4, 2, 3, 2, 1] * 7
    assert judge(40, calm)[1]
    assert judge(40, [90, 120, *calm[2:]])[1]


def test_lively_days_are_no_crisis():
    assert not judge(14, [1, 2, 9, 3, 12, 2, 1, 5] * 7)[1]


@pytest.mark.parametrize(
    ("now", "past"), [(np.nan, [2] * PAST_DAYS), (50, [np.nan] * PAST_DAYS), (50, [2] * 10 + [np.nan] * 46)]
)
def test_what_is_not_known_raises_no_alarm(now, past):
    p, alarm = judge(now, past)
    assert np.isnan(p)
    assert not alarm


def test_unknown_days_are_left_out_rather_than_zero():
    past = [20, 25, 18, 22] * 10
    assert judge(30, past)[0] == pytest.approx(judge(30, past + [np.nan] * 16)[0])


BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
EVER = np.array([[0.0, 2e9]])


def heard(moments, known=EVER):
    return Heard(np.array(sorted(moment.timestamp() for moment in moments), dtype=float), known)


def test_the_same_hours_of_days_before_are_told_by_the_clients_clock():
    end = dt.datetime(2026, 11, 1, 12, tzinfo=BERLIN)  # the clock went back on 25 October
    every_morning = [(end - dt.timedelta(days=ago)) - dt.timedelta(minutes=30) for ago in range(70)]
    found = look([heard(every_morning)], [end.astimezone(dt.UTC)], BERLIN)
    assert found.comments.tolist() == [1]
    assert found.past.tolist() == [[1] * PAST_DAYS], "by UTC it would be 0 or 2 where the edges of the windows move"
    night = look([heard([dt.datetime(2026, 10, 24, 23, 30, tzinfo=BERLIN)])], [end], BERLIN)
    assert night.past[0, 7] == 0, "twelve hours before noon end at midnight, and not an hour before it"


def test_an_account_that_is_not_known_is_left_out_and_not_silent():
    end = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
    said = [end - dt.timedelta(days=ago, hours=1) for ago in range(60)]
    of_late = np.array([[end.timestamp() - LEAST_DAYS * 86400 + 1, end.timestamp()]])
    unread = np.array([[0.0, end.timestamp() - 1]])
    alone = look([heard(said)], [end], UTC)
    for other in (of_late, unread):
        both = look([heard(said), heard(said * 9, other)], [end], UTC)
        assert both.comments.tolist() == alone.comments.tolist()
        assert both.past.tolist() == alone.past.tolist()
    enough = look([heard(said), heard(said, of_late - [[2, 0]])], [end], UTC)
    assert enough.comments.tolist() == [2]
    assert enough.past[0, :LEAST_DAYS].tolist() == [2] * LEAST_DAYS
    assert np.isnan(enough.past[0, LEAST_DAYS:]).all()
    assert np.isnan(look([], [end], UTC).comments).all()


def test_usual_comments_are_those_of_nine_in_ten_known_days():
    assert usual_comments(np.array([1.0] * 50 + [9, 9] + [np.nan] * 4)) == (1, 1)
    assert usual_comments(np.array([0.0] * 10 + [4] * 10)) == (0, 4)


@given(st.lists(st.integers(0, 80 * 24 * 60), max_size=60), st.integers(0, 23))
def test_every_comment_of_the_window_counts_once_however_they_are_spread_over_accounts(minutes, hour):
    end = dt.datetime(2026, 11, 1, hour, tzinfo=dt.UTC)
    said = [end - dt.timedelta(minutes=each) for each in minutes]
    whole = look([heard(said)], [end], BERLIN)
    parts = look([heard(said[::2]), heard(said[1::2])], [end], BERLIN)
    assert whole.comments.tolist() == parts.comments.tolist()
    assert whole.past.tolist() == parts.past.tolist()
    assert whole.comments[0] == sum(each < WINDOW_HOURS * 60 for each in minutes)
