"""Posts: ranges that hold, posts that stand out shrunk as far as chance may have helped them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics.contenders import wilson
from bench.statistics.simulate import account
from bench.statistics.studies import posts_study
from widerview.measures.posts import MIN_PAST_POSTS, PostCount, best_posts, posting, rate_range, typical

earned = st.lists(st.integers(0, 500), min_size=MIN_PAST_POSTS, max_size=20)


def of(values, seen=1.0, group="photo"):
    return [PostCount(group, value, seen) for value in values]


def test_ranges_hold_where_those_of_independent_people_do_not():
    random = np.random.default_rng(5)
    found = posts_study([account(random, 245, 3_000, int(random.integers(8, 25))) for _ in range(400)], wilson)
    assert 0.93 <= found.account <= 0.97
    assert found.account_wilson < 0.6
    assert 0.93 <= found.post <= 0.97
    assert found.overstated < 1.05 < found.overstated_raw


def test_a_lucky_post_that_few_saw_does_not_lead():
    past = [PostCount("photo", 30 + i, 1_000) for i in range(12)]
    few, many = PostCount("photo", 2, 10), PostCount("photo", 90, 1_000)
    first, second = best_posts([few, many], past)
    assert (first.post, second.post) == (1, 0)
    assert second.lift < 2 < few.earned / few.seen / 0.035
    assert second.low < 1 < second.high, "nothing is certain of ten views"


def test_each_format_is_held_against_its_own_typical_post():
    past = of([100.0] * 8, group="video") + of([10.0] * 8, group="photo")
    best, other = best_posts([PostCount("video", 110, 1), PostCount("photo", 30, 1)], past)
    assert best.post == 1
    assert best.lift > 1.5 > other.lift > 1


def test_too_few_past_posts_and_unknown_numbers_say_nothing():
    assert best_posts(of([5.0]), of([3.0] * (MIN_PAST_POSTS - 1))) == []
    assert best_posts(of([5.0]), of([3.0] * (MIN_PAST_POSTS - 1)) + of([None, None])) == []
    assert best_posts(of([None]), of([3.0] * 10)) == []
    assert best_posts(of([3.0]), of([0.0] * 10)) == [], "nothing was ever earned: there is no typical rate"


@given(earned, st.randoms())
def test_permuting_posts_changes_nothing(values, random):
    other = random.sample(values, len(values))
    first, second = (typical(np.array(each, dtype=float), np.full(len(each), 100.0)) for each in (values, other))
    assert (first is None) == (second is None)
    if first and second:
        assert (second.rate, second.spread) == pytest.approx((first.rate, first.spread), rel=1e-6)
        assert [s.lift for s in best_posts(of(values, 100.0), of(other, 100.0))] == pytest.approx(
            [s.lift for s in best_posts(of(other, 100.0), of(values, 100.0))], rel=1e-6
        )


@given(earned)
def test_a_post_that_is_not_reported_is_no_zero(values):
    now = np.array(values, dtype=float)
    seen = np.full(len(now), 100.0)
    unknown = typical(np.append(now, [np.nan, 5.0]), np.append(seen, [100.0, np.nan]))
    assert unknown == typical(now, seen)
    if unknown:
        assert rate_range(np.append(now, np.nan), np.append(seen, 100.0), unknown) == rate_range(now, seen, unknown)


@given(earned.filter(any))
def test_the_rate_lies_in_its_range(values):
    now, seen = np.array(values, dtype=float), np.full(len(values), 1_000.0)
    found = rate_range(now, seen, typical(now, seen))
    assert found.low <= found.rate <= found.high


def test_more_coverage_is_a_wider_range():
    now, seen = np.array([20.0, 30.0, 25.0]), np.full(3, 1_000.0)
    past = typical(np.array([20.0, 40.0, 10.0, 25.0, 31.0]), np.full(5, 1_000.0))
    narrow, wide = (rate_range(now, seen, past, coverage) for coverage in (0.8, 0.95))
    assert wide.low < narrow.low < narrow.high < wide.high


def week(*earned: float | None, group: str = "a") -> list[PostCount]:
    return [PostCount(group, each, 1.0) for each in earned]


USUAL_WEEKS = [week(8.0, 12.0, 10.0, 9.0, 11.0), week(10.0, 7.0, 13.0, 10.0, 9.0, 12.0)] * 4


def test_fewer_better_posts_that_earned_more_are_told():
    found = posting([*USUAL_WEEKS, week(30.0, 28.0, 32.0)])
    assert (found.posts, found.usual_posts, found.fewer_earned_more) == (3, 5.5, True)
    assert not posting([*USUAL_WEEKS, week(15.0, 14.0, 16.0)]).fewer_earned_more, "each earned more, and together less"
    assert not posting([*USUAL_WEEKS, week(*[30.0] * 8)]).fewer_earned_more, "there were more posts"


def test_another_mix_of_posts_is_no_better_post():
    weeks = [week(*[2.0, 3.0, 1.0, 2.0, 2.0] * 2) + week(100.0 + place % 3, group="b") for place in range(10)]
    assert not posting([*weeks, week(100.0, 104.0, group="b")]).fewer_earned_more
    assert posting([*weeks, week(210.0, 240.0, group="b")]).fewer_earned_more
    assert not posting([*weeks, week(210.0, 240.0, group="new")]).fewer_earned_more, "what is typical is not known"


def test_posts_of_which_nothing_is_known_count_on_neither_side():
    weeks = [week(10.0, 10.0, None, None, None) for _ in range(8)]
    assert not posting([*weeks, week(11.0, 11.0, 11.0, 11.0)]).fewer_earned_more
    assert not posting([*weeks, week(40.0, 40.0, 40.0, 40.0)]).fewer_earned_more, "usually two are known, now four"
    assert posting([*weeks, week(40.0, None, None, None)]).fewer_earned_more


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_usual_posts_are_seldom_told_to_be_better(spread):
    chance = np.random.default_rng(3)

    def drawn(count: int) -> list[PostCount]:
        return week(*chance.poisson(20 * chance.gamma(1 / spread, spread, count)).astype(float))

    told = [posting([*[drawn(6) for _ in range(12)], drawn(5)]).fewer_earned_more for _ in range(400)]
    assert sum(told) < 0.1 * len(told)


@pytest.mark.parametrize("weeks", [[week(9.0), week(9.0), None], [None, None, week(9.0)], [week(9.0)], []])
def test_weeks_that_were_not_pulled_are_not_compared(weeks):
    assert posting(weeks) is None


def test_it_takes_five_weeks_to_know_how_much_is_usual():
    assert posting([week(9.0)] * 4 + [week(9.0)]).usual_posts is None
    assert posting([week(9.0)] * 4 + [[], week(None), week(9.0)]).usual_posts is None
    assert posting([week(9.0)] * 5 + [[]]).usual_posts == 1


def test_a_week_that_earned_nothing_has_an_upper_end():
    """By hand for one post: (1 + spread * rate * seen) ** (-1 / spread) is 2.5 %."""
    past = typical(np.full(10, 5.0), np.full(10, 1_000.0))
    found = rate_range(np.zeros(1), np.array([3_000.0]), past)
    assert (found.low, found.rate) == (0, 0)
    assert (1 + past.spread * found.high * 3_000) ** (-1 / past.spread) == pytest.approx(0.025)
    assert rate_range(np.zeros(3), np.full(3, 3_000.0), past).high < found.high, "three posts say more than one"
    assert rate_range(np.array([np.nan]), np.array([3_000.0]), past) is None


def test_weeks_that_earned_nothing_seldom_hide_a_rate_above_their_upper_end():
    random, above = np.random.default_rng(2), []
    for _ in range(4_000):
        rate = random.uniform(0.0002, 0.003)
        own = rate * random.gamma(2, 0.5, 4)  # a spread of a half
        past = typical(random.poisson(rate * random.gamma(2, 0.5, 40) * 1_000).astype(float), np.full(40, 1_000.0))
        earned = random.poisson(own * 1_000).astype(float)
        found = rate_range(earned, np.full(4, 1_000.0), past) if past else None
        above += [found.high < rate] if found else []
    assert np.mean(above) < 0.05
