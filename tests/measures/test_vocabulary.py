"""What may be added up, and what must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.measures.vocabulary import METRICS, NotAddable, total
from widerview.sources.registry import SOURCES


@pytest.mark.parametrize("name", ["unique_visitors", "followers", "reactions_per_post"])
def test_uniques_levels_and_ratios_do_not_add_up(name):
    with pytest.raises(NotAddable, match=name):
        total(name, [1, 2])


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**9))))
def test_missing_is_not_zero(values):
    known = [value for value in values if value is not None]
    assert total("visits", values) == (sum(known) if known else None)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_metric_a_source_reports_is_in_the_vocabulary(source):
    assert set(source.metrics) <= set(METRICS)


def test_every_metric_is_told_in_plain_words():
    for metric in METRICS.values():
        assert metric.label
        assert metric.meaning.endswith(".")
