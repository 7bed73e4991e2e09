"""The effect of campaigns: exact where it can be worked out otherwise, unmoved by what does not matter, and honest."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.tsa.statespace.structural import UnobservedComponents

from bench.effect import sandbox, simulate
from widerview.measures.effect import Effect, Estimate, NoEstimate, counterfactual, effect

LEVEL_RATIOS = [0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28]


def website(seed: int = 0, *, past: int = 130, length: int = 14, controls: int = 2):
    """Visits with weekdays and a level that moves, and series that follow it."""
    random = np.random.default_rng(seed)
    days = past + length
    demand = np.cumsum(random.normal(0, 1.5, days)) + random.normal(0, 5, days)
    rhythm = random.normal(0, 12, 7)[np.arange(days) % 7]
    visits = 150 + demand + rhythm + random.normal(0, 6, days)
    others = np.array([40 + (0.3 + each) * demand + rhythm + random.normal(0, 4, days) for each in range(controls)])
    return visits, others.reshape(controls, days)


def found(visits, others, start: int = 130) -> Effect:
    told = effect(visits, others, start)
    assert isinstance(told, Effect)
    return told


def numbers(estimate: Estimate) -> list[float]:
    return [estimate.average, estimate.low, estimate.high]


def by_hand(visits, others, start):
    """Mean and variance by every model, as one large multivariate normal with the same priors and no filter."""
    days = len(visits)
    known = ~np.isnan(visits) & ~np.isnan(others).any(axis=0)
    past = np.flatnonzero(known[:start])
    window = start + np.flatnonzero(known[start:])
    rhythm = np.eye(7)[1:, np.arange(days) % 7] - np.eye(7)[0, np.arange(days) % 7]
    count = len(past) - 1
    odds, means, variances = [], [], []
    subsets = [each for size in range(len(others) + 1) for each in combinations(range(len(others)), size)]
    for ratio, subset in product(LEVEL_RATIOS, subsets):
        walk = ratio**2 * np.minimum.outer(np.arange(days) + 1.0, np.arange(days) + 1.0)
        noise = np.eye(days)[np.ix_(past, past)] + walk[np.ix_(past, past)]
        inverse = np.linalg.inv(noise)
        ones = np.ones(len(past))
        # The level's beginning is not known at all: what is constant is projected out.
        project = inverse - np.outer(inverse @ ones, ones @ inverse) / (ones @ inverse @ ones)
        weekly = rhythm[:, past].T
        own = np.linalg.inv(weekly.T @ project @ weekly + 0.04 * np.eye(6))
        within = project - project @ weekly @ own @ weekly.T @ project
        design = np.nan_to_num(others[list(subset)][:, past].T)
        prior = np.diag(np.einsum("ij,jk,ki->i", design.T, within, design) / count)
        precision = design.T @ within @ design + prior
        beta = np.linalg.solve(precision, design.T @ within @ visits[past])
        squares = visits[past] @ within @ visits[past] - beta @ (design.T @ within @ visits[past])
        odds.append(
            -0.5 * np.linalg.slogdet(noise)[1]
            - 0.5 * np.log(ones @ inverse @ ones)
            + 0.5 * np.linalg.slogdet(own)[1]
            + 0.5 * (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(precision)[1])
            - 0.5 * count * np.log(squares)
            - 0.5 * np.log(max(ratio, 0.01) / 0.08) ** 2
        )
        shared = walk[np.ix_(window, past)].mean(axis=0)

        def forecast(series, inverse=inverse, ones=ones, shared=shared, past=past):
            """The window's mean level of a series of the past."""
            level = (ones @ inverse @ series) / (ones @ inverse @ ones)
            return level + shared @ inverse @ (series - level)

        weekly_ahead = rhythm[:, window].mean(axis=1) - [forecast(column) for column in weekly.T]
        design_ahead = np.nan_to_num(others[list(subset)][:, window]).mean(axis=1) - np.array(
            [forecast(column) for column in design.T]
        )
        target_ahead = visits[window].mean() - forecast(visits[past])
        effects = own @ weekly.T @ project
        target_ahead -= weekly_ahead @ effects @ visits[past]
        design_ahead = design_ahead - weekly_ahead @ effects @ design
        means.append(target_ahead - design_ahead @ beta)
        variances.append(
            squares / count
            * (
                1 / len(window)
                + walk[np.ix_(window, window)].mean()
                - shared @ inverse @ shared
                + (1 - ones @ inverse @ shared) ** 2 / (ones @ inverse @ ones)
                + weekly_ahead @ own @ weekly_ahead
                + design_ahead @ np.linalg.solve(precision, design_ahead)
            )
        )  # fmt: skip
    weights = np.exp(np.array(odds) - max(odds))
    return weights / weights.sum(), np.array(means), np.sqrt(variances), count


@pytest.mark.parametrize("controls", [0, 1, 2])
def test_it_is_the_exact_average_over_all_models(controls):
    visits, others = website(3, past=60, length=10, controls=controls)
    visits[[0, 17, 40, 63]] = np.nan
    others[:, [5, 65]] = np.nan
    ours = counterfactual(visits, others, 60)
    assert isinstance(ours, Estimate)
    weights, means, scales, count = by_hand(visits, others, 60)
    assert ours.average == pytest.approx(weights @ means)
    for end, share in ((ours.low, 0.025), (ours.high, 0.975)):
        assert weights @ stats.t.cdf((end - means) / scales, count) == pytest.approx(share)


@pytest.mark.parametrize("seed", range(3))
def test_statsmodels_says_about_the_same(seed):
    visits, others = website(seed)
    ours = counterfactual(visits, others, 130)
    assert isinstance(ours, Estimate)
    model = UnobservedComponents(
        visits[:130], "llevel", freq_seasonal=[{"period": 7}], stochastic_freq_seasonal=[False], exog=others[:, :130].T
    )
    theirs = model.fit(disp=0).forecast(14, exog=others[:, 130:].T).mean()
    assert ours.expected == pytest.approx(theirs, abs=(ours.high - ours.low) / 8)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.floats(-200, 200), st.floats(0.01, 1000))
def test_what_is_added_is_found_and_the_unit_does_not_matter(seed, added, unit):
    visits, others = website(seed)
    before = found(visits, others)
    more = visits.copy()
    more[130:] += added
    assert numbers(found(more, others)) == pytest.approx([each + added for each in numbers(before)], abs=1e-6)
    scaled = found(visits * unit, others)
    assert numbers(scaled) == pytest.approx([each * unit for each in numbers(before)], rel=1e-6, abs=1e-9 * unit)
    assert (scaled.told, scaled.beaten, scaled.placebos) == (before.told, before.beaten, before.placebos)
    assert numbers(found(visits + added, others)) == pytest.approx(numbers(before), abs=1e-6)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.permutations(range(6)), st.floats(0.01, 1000))
def test_neither_the_order_nor_the_unit_of_controls_matters(seed, order, unit):
    visits, others = website(seed, controls=6)
    before = found(visits, others)
    assert numbers(found(visits, others[list(order)] * unit)) == pytest.approx(numbers(before), rel=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0, 1, 3]))
def test_any_days_may_be_unknown(seed, of_visits, of_others, controls):
    visits, others = website(seed, controls=controls)
    random = np.random.default_rng(seed)
    visits[random.random(len(visits)) < of_visits] = np.nan
    others[random.random(others.shape) < of_others] = np.nan
    told = effect(visits, others, 130)
    if isinstance(told, Effect):
        assert told.low <= told.average <= told.high
        assert np.isfinite([*numbers(told), told.expected]).all()
        assert 7 <= told.days <= np.count_nonzero(~np.isnan(visits[130:]))
        assert told.cumulative == pytest.approx([each * told.days for each in numbers(told)])


def test_a_day_that_is_not_known_changes_little_and_counts_for_nothing():
    visits, others = website(4)
    whole = found(visits, others)
    visits[[20, 77, 131]] = np.nan
    holes = found(visits, others)
    assert holes.days == whole.days - 1
    assert holes.average == pytest.approx(whole.average, abs=(whole.high - whole.low) / 4)


def test_a_control_of_which_too_little_is_known_is_left_out():
    visits, others = website(5)
    alone = found(visits, others[:1])
    for hole in (slice(0, 40), slice(134, 138)):
        gap = others.copy()
        gap[1, hole] = np.nan
        assert numbers(found(visits, gap)) == numbers(alone)
    constant = np.vstack([others[:1], np.full((1, len(visits)), 7.0)])
    assert numbers(found(visits, constant)) == numbers(alone)


def test_a_control_that_follows_the_demand_makes_it_surer():
    visits, others = website(6)
    alone, helped = found(visits, others[:0]), found(visits, others)
    assert helped.high - helped.low < 0.8 * (alone.high - alone.low)


@pytest.mark.parametrize(("past", "told"), [(75, True), (74, False), (20, False), (1, False)])
def test_too_short_a_past_is_no_error(past, told):
    visits, others = website(7, past=past)
    answer = effect(visits, others, past)
    assert isinstance(answer, Effect) == told
    assert told or answer == NoEstimate("not enough past")
    if told:
        assert answer.placebos == 20


def test_a_window_of_which_too_little_is_known_is_no_error():
    visits, others = website(8)
    visits[130:138] = np.nan
    assert effect(visits, others, 130) == NoEstimate("too few days known")
    visits[130:] = np.nan
    assert counterfactual(visits, others, 130) == NoEstimate("too few days known")
    assert counterfactual(visits[125:], others[:, 125:], 5) == NoEstimate("too few days known")


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_website_that_never_changes(value):
    visits = np.full(120, value)
    assert not found(visits, np.empty((0, 120)), 106).told
    visits[106:] += 3
    told = found(visits, np.empty((0, 120)), 106)
    assert told.told
    assert told.average == pytest.approx(3)


@pytest.mark.parametrize(("shape", "start"), [((1, 10), 130), ((144,), 130), ((1, 144), 0), ((1, 144), 144)])
def test_what_does_not_fit_together_is_refused(shape, start):
    visits, _ = website()
    with pytest.raises(ValueError, match=r"give \(days,\)|start is the window's first"):
        effect(visits, np.zeros(shape), start)


def test_an_odd_past_makes_the_range_wider_and_nothing_is_told():
    visits, others = website(9, controls=0)
    visits[130:] += 60
    assert found(visits, others).told
    moody = visits.copy()
    for week in range(6, 18, 2):
        moody[7 * week : 7 * week + 7] += 70
    even, odd = found(visits, others), found(moody, others)
    assert not odd.told
    assert odd.high - odd.low > 2 * (even.high - even.low)


def test_simulated_campaigns_are_covered_and_seldom_claimed_without_one():
    random = np.random.default_rng(31)
    some = [simulate.campaign(random, simulate.STEADY, 182, lift) for lift in [0.0, 0.0, 0.4] * 40]
    told = [effect(each.visits, each.others, each.start) for each in some]
    assert all(isinstance(each, Effect) for each in told)
    assert np.mean([one.low <= each.added <= one.high for one, each in zip(told, some, strict=True)]) >= 0.93
    claimed = np.array([one.told for one in told])
    assert claimed[2::3].mean() >= 0.9
    assert (claimed[0::3].mean() + claimed[1::3].mean()) / 2 <= 0.05


def test_the_sandboxs_campaign_lies_in_the_range():
    told = [sandbox.tell(seed) for seed in range(2_000, 2_012)]
    assert sum(each.inside for each in told) >= 10
    assert {each.effect.verdict for each in told} == {"more"}
