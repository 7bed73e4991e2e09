"""Rates: ratios of sums, medians of posts, and nothing that was not reported becomes a zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.measures.rates import RATES, account_rate, cost_range, typical_rate
from widerview.vocabulary.metrics import METRICS
from widerview.vocabulary.sums import NotAddable

NAMES = sorted({name for rate in RATES.values() for name in (*rate.above, rate.below) if name})
counts = st.fixed_dictionaries({}, optional={name: st.none() | st.integers(0, 10**6) for name in NAMES})
rows = st.lists(counts, max_size=12)


def test_an_account_has_the_ratio_of_sums_and_a_typical_post_the_median():
    posts = [{"engagements": 10, "views": 100}, {"engagements": 90, "views": 1_000}, {"engagements": 1, "views": 100}]
    assert account_rate("engagement_rate_by_views", posts) == pytest.approx(100 * 101 / 1_200)
    assert typical_rate("engagement_rate_by_views", posts) == pytest.approx(9)


def test_a_post_with_one_side_unknown_is_left_out_of_both_sums():
    posts = [{"engagements": 10, "views": 100}, {"engagements": 90, "views": None}, {"views": 1_000}]
    assert account_rate("engagement_rate_by_views", posts) == pytest.approx(10)


@pytest.mark.parametrize("below", ["reach", "followers"])
def test_people_and_levels_are_not_added_up_over_posts(below):
    name = f"engagement_rate_by_{below}"
    posts = [{"engagements": 10, below: 100}, {"engagements": 30, below: 100}]
    with pytest.raises(NotAddable, match=f"{below} is a"):
        account_rate(name, posts)
    assert typical_rate(name, posts) == pytest.approx(20)
    assert account_rate(name, [{"engagements": 40, below: 160}]) == pytest.approx(25), "the platform's own count"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("applause", 30.0), ("conversation", 5.0), ("amplification", 4.0), ("save_share", 10.0)],
)
def test_per_post_and_shares(name, expected):
    posts = [
        {"likes": 50, "replies": 10, "reposts": 3, "quotes": 1, "bookmarks": 5, "engagements": 50},
        {"likes": 10, "replies": 0, "reposts": 4, "quotes": None, "bookmarks": 5, "engagements": 50},
    ]
    assert account_rate(name, posts) == pytest.approx(expected)


def test_no_result_yet_has_no_cost():
    assert account_rate("cost_per_result", [{"spend": 80.0, "claimed_conversions": 0}]) is None
    assert account_rate("cost_per_result", [{"spend": 80.0, "claimed_conversions": 4}]) == 20.0


def test_every_rate_is_in_the_vocabulary_with_its_parts():
    for name, rate in RATES.items():
        assert METRICS[name].additivity == "ratio"
        assert set(METRICS[name].parts) == {*rate.above, *([rate.below] if rate.below else [])}


@given(st.sampled_from(sorted(RATES)), rows, st.randoms())
def test_permuting_posts_changes_nothing(name, posts, random):
    other = random.sample(posts, len(posts))
    assert typical_rate(name, other) == pytest.approx(typical_rate(name, posts))
    if RATES[name].below not in {"reach", "followers"}:
        assert account_rate(name, other) == pytest.approx(account_rate(name, posts))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2))
def test_two_counts_of_people_are_never_added(posts):
    with pytest.raises(NotAddable):
        account_rate("engagement_rate_by_reach", [{"engagements": did, "reach": saw} for did, saw in posts])


@given(st.sampled_from(sorted(RATES)), rows)
def test_what_is_not_reported_never_becomes_a_zero(name, posts):
    """A post without numbers changes no rate, and posts without any have none."""
    unknown = [dict.fromkeys(NAMES), {}]
    assert typical_rate(name, posts + unknown) == typical_rate(name, posts)
    assert typical_rate(name, unknown) is None
    assert account_rate(name, unknown) is None


def test_what_a_result_cost_has_the_range_of_a_small_count():
    low, high = cost_range(420.0, 8)
    assert (low, high) == (pytest.approx(420 / 15.763, rel=1e-3), pytest.approx(420 / 3.454, rel=1e-3))
    wide = cost_range(100.0, 1)
    assert wide[0] < 100 < wide[1]
    with pytest.raises(ValueError, match="0 results have no cost each"):
        cost_range(100.0, 0)
