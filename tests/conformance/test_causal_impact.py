"""The counterfactual on the data sets that R's CausalImpact was run on, beside what it said."""

import pytest

from bench.effect import references
from widerview.measures.effect import Estimate, counterfactual


@pytest.fixture(scope="module")
def pairs(shared):
    folder = shared / "reference" / "causal_impact"
    if not folder.is_dir():
        pytest.skip(f"no data sets in {shared}")
    found = {each.name: each for each in references.read(folder)}
    # R was run without seasons on all of them.
    return [(each, counterfactual(each.target, each.controls, each.start, weekdays=False)) for each in found.values()]


def test_our_effect_lies_in_rs_range_on_all_six(pairs):
    assert len(pairs) == 6
    for theirs, ours in pairs:
        assert isinstance(ours, Estimate)
        assert theirs.low <= ours.average <= theirs.high, theirs.name


def test_both_say_whether_there_is_an_effect_on_five_at_least(pairs):
    agree = [(ours.low <= 0 <= ours.high) == (theirs.low <= 0 <= theirs.high) for theirs, ours in pairs]
    assert sum(agree) >= 5


def test_the_truth_of_the_vignette_lies_in_our_range(pairs):
    [ours] = [ours for theirs, ours in pairs if theirs.name == "vignette"]
    assert ours.low <= 10 <= ours.high
