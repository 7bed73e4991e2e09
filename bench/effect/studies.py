"""What is right of estimates of effects that are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.effect.simulate import Campaign
from widerview.measures.effect import Estimate, NoEstimate, effect

Method = Callable[[Campaign], tuple[Estimate, bool]]
"""Gives an estimate, and whether an effect is claimed."""


@dataclass(frozen=True)
class Right:
    """Of some campaigns: how often the range holds the truth, how often an effect is claimed, and the median range."""

    covers: float
    claimed: float
    width: float


def ours(campaign: Campaign) -> tuple[Estimate, bool]:
    """The function that the report uses."""
    found = effect(campaign.visits, campaign.others, campaign.start)
    if isinstance(found, NoEstimate):
        raise TypeError(f"the simulated past is long enough and there is {found.why}")
    return found, found.told


def from_range(estimate: Callable[[Campaign], Estimate]) -> Method:
    """A method that claims what has zero outside of its range."""

    def judge(campaign: Campaign) -> tuple[Estimate, bool]:
        found = estimate(campaign)
        return found, not found.low <= 0 <= found.high

    return judge


def right(method: Method, campaigns: Sequence[Campaign]) -> Right:
    """Judge a method on campaigns."""
    found = [method(each) for each in campaigns]
    return Right(
        covers=float(np.mean([e.low <= each.added <= e.high for (e, _), each in zip(found, campaigns, strict=True)])),
        claimed=float(np.mean([claimed for _, claimed in found])),
        width=float(np.median([(e.high - e.low) / e.expected for e, _ in found])),
    )
