import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.measures.completion import expected_share, share_at

CURVE = {0: 0.55, 1: 0.9, 3: 0.99}


@pytest.mark.parametrize(("lag", "share"), [(0, 0.55), (1, 0.9), (2, 0.9), (3, 0.99), (4, 1.0)])
def test_between_two_lags_a_day_has_reached_what_the_earlier_says(lag: int, share: float) -> None:
    assert share_at(CURVE, lag) == share


def test_without_a_curve_nothing_is_known() -> None:
    assert share_at({}, 3) is None
    assert share_at({2: 0.9}, 1) is None, "nothing has been seen of so early a day"


def test_a_week_whose_last_day_is_half_counted() -> None:
    assert expected_share([(100.0, 1.0)] * 6 + [(50.0, 0.5)]) == pytest.approx(650 / 700)


def test_nothing_to_judge_by() -> None:
    assert expected_share([]) is None
    assert expected_share([(0.0, 0.5)]) is None


@given(st.lists(st.tuples(st.floats(0, 1e6, allow_subnormal=False), st.floats(0.01, 1.2)), min_size=1))
def test_a_share_is_between_the_smallest_and_one(parts: list[tuple[float, float]]) -> None:
    share = expected_share(parts)
    if share is not None:
        assert min(part for _, part in parts) * (1 - 1e-9) <= share <= 1 or share == 1
