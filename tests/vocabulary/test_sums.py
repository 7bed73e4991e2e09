"""What may be added up, and what must not."""

import datetime as dt

import pytest
from dictionary_samples import ads, clips
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.vocabulary.sums import DefinitionBreak, NotAddable, Series, total, total_of

MONDAY = dt.date(2026, 11, 16)
SUNDAY = dt.date(2026, 11, 22)
VALUES = st.lists(st.one_of(st.none(), st.integers(0, 10**9)))


def of(source, metric, *values, grain="post", first=MONDAY, last=SUNDAY):
    dictionary = SOURCES[source].dictionary if source in SOURCES else {"clips": clips, "ads": ads}[source]
    return Series(dictionary=dictionary, grain=grain, metric=metric, first=first, last=last, values=values)


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.additivity != "flow"], ids=lambda m: m.name)
def test_uniques_levels_ratios_and_quantiles_do_not_add_up(metric):
    with pytest.raises(NotAddable, match=f"{metric.name} is a {metric.additivity}"):
        total(metric.name, [1, 2])


@given(VALUES)
def test_missing_is_not_zero(values):
    known = [value for value in values if value is not None]
    assert total("visits", values) == (sum(known) if known else None)


@given(VALUES, VALUES)
def test_the_same_metric_of_two_platforms_adds_up_as_all_its_values_would(one, other):
    together = total_of("likes", [of("bluesky", "likes", *one), of("mastodon", "likes", *other)])
    assert together == total("likes", one + other)


def test_parts_add_up_to_the_whole():
    series = [of("bluesky", "likes", 1, 2), of("mastodon", "reposts", 4), of("bluesky", "quotes", None)]
    assert total_of("reactions", series) == 7


def test_nothing_adds_up_to_nothing_known():
    assert total_of("likes", []) is None


def test_uniques_are_refused_by_their_name():
    with pytest.raises(NotAddable, match="unique_visitors is a unique"):
        total_of("unique_visitors", [of("matomo", "unique_visitors", 3, grain="site_day")])


def test_what_means_something_else_is_not_added():
    with pytest.raises(NotAddable, match="bookmarks of bluesky cannot be added to reactions"):
        total_of("reactions", [of("bluesky", "likes", 1), of("bluesky", "bookmarks", 1)])
    with pytest.raises(NotAddable, match="video_views of ads cannot be added to impressions"):
        total_of("impressions", [of("ads", "impressions", 1), of("ads", "video_views", 1)])


def test_a_metric_by_each_platforms_own_rule_is_added_within_a_platform_only():
    assert total_of("video_views", [of("ads", "video_views", 1), of("ads", "video_views", 2)]) == 3
    with pytest.raises(NotAddable, match="each has its own rule for video_views"):
        total_of("video_views", [of("ads", "video_views", 1), of("clips", "video_views", 1)])


def test_organic_and_paid_are_not_added():
    with pytest.raises(NotAddable, match=r"likes cannot be added up over organic and paid.*of clips is organic"):
        total_of("likes", [of("clips", "likes", 1), of("ads", "likes", 1)])


CHANGE = dt.date(2026, 8, 24)
BEFORE = {"first": CHANGE - dt.timedelta(days=3), "last": CHANGE - dt.timedelta(days=1)}
AFTER = {"first": CHANGE, "last": CHANGE + dt.timedelta(days=3)}


def test_a_series_does_not_run_across_a_change_of_definition():
    with pytest.raises(DefinitionBreak, match="clips counts video_views otherwise since 2026-08-24") as caught:
        total_of("video_views", [of("clips", "video_views", 1, 2, first=BEFORE["first"], last=AFTER["last"])])
    assert [each.day for each in caught.value.breaks] == [CHANGE]


def test_split_at_the_break_each_side_adds_up_and_both_together_do_not():
    before, after = of("clips", "video_views", 1, 2, **BEFORE), of("clips", "video_views", 10, **AFTER)
    assert total_of("video_views", [before]) == 3
    assert total_of("video_views", [after]) == 10
    with pytest.raises(DefinitionBreak):
        total_of("video_views", [before, after])


def test_a_change_of_another_grain_is_no_break():
    assert total_of("video_views", [of("clips", "video_views", 1, grain="account_day", **AFTER)]) == 1


def test_what_a_platform_did_not_report_then_is_no_sum():
    with pytest.raises(LookupError, match="clips has no definition of impressions"):
        total_of(
            "impressions", [of("clips", "impressions", 5, first=dt.date(2025, 11, 10), last=dt.date(2025, 11, 16))]
        )
