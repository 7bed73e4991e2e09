"""How much of its final value a number has reached: days and posts go on counting after they are told of first."""

from collections.abc import Iterable, Mapping

COMPLETE = 0.97
"""From this share of its final value on a number is told without "so far": less would be within the ordinary noise."""

ENOUGH_DAYS = 7
"""From fewer days than these nothing is learnt of how a source goes on counting."""


def expected_share(values: Iterable[tuple[float, float]]) -> float | None:
    """Give the share of its final value that a sum has reached, when of each part the share is known.

    The chain ladder of actuaries (Mack 1993, doi:10.2143/AST.23.2.2005092): each part is divided by what such parts
    have usually reached at its age.

    Args:
        values: Each part as it is now, and the share of their final value that such parts have reached at its age.

    Returns:
        The share, at most 1; None if there is nothing to judge by.
    """
    parts = [(value, share) for value, share in values if share > 0]
    final = sum(value / share for value, share in parts)
    return min(1.0, sum(value for value, _ in parts) / final) if final else None


def share_at(curve: Mapping[int, float], lag: int) -> float | None:
    """Give the share that a day has reached after some whole days, by a measured curve of lag and share.

    After the last lag of the curve a day is complete; between two of them it has reached at least what the earlier
    says. None if the curve says nothing of so early a day.
    """
    if not curve:
        return None
    if lag > max(curve):
        return 1.0
    earlier = [at for at in curve if at <= lag]
    return curve[max(earlier)] if earlier else None
