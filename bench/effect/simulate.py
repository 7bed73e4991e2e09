"""Websites whose campaigns have a known effect; every function is pure in its generator of random numbers.

All series of a client follow one demand: a level that drifts, and moods that last some days. Each adds a drift and
moods of its own, its weekdays, and counts that scatter more than Poisson's do. These worlds share only little with the
model that measures them: they multiply where it adds, and their moods have a memory that it does not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from widerview.measures.robust import Floats

LENGTHS = (7, 14, 28)
FOLLOWING = (1.0, 0.6, 0.0)
"""How far each of the other series follows the demand."""

_UNKNOWN = 0.02
"""The share of days of which nothing is known."""


@dataclass(frozen=True)
class World:
    """How restless websites are: the most that levels drift a day, and how large the moods of a day are.

    Attributes:
        drift: Of the demand.
        mood: Of the demand.
        own_drift: Of each series.
        own_mood: Of each series.
        size: Of the negative binomial: the smaller, the more days scatter.
        shared: Whether the other series follow the demand; else they tell nothing.
    """

    drift: float
    mood: float
    own_drift: float
    own_mood: float
    size: float
    shared: bool = True


STEADY = World(drift=0.008, mood=0.05, own_drift=0.004, own_mood=0.025, size=150)
ALONE = replace(STEADY, shared=False)
RESTLESS = World(drift=0.02, mood=0.1, own_drift=0.008, own_mood=0.05, size=60)


@dataclass(frozen=True)
class Campaign:
    """A campaign at the end of a website's days.

    Attributes:
        visits: Of shape (days,); NaN where unknown.
        others: Series that the campaign does not touch, of shape (series, days).
        start: The campaign's first day.
        added: What it has added a day, on the average of its known days.
    """

    visits: Floats
    others: Floats
    start: int
    added: float


def campaign(
    random: np.random.Generator, world: World, past: int, lift: float, lengths: Sequence[int] = LENGTHS
) -> Campaign:
    """A website with so many days before a campaign of one of some lengths that adds a share of its visits."""
    days = past + int(random.choice(lengths))
    rhythm = random.normal(0, 0.25, 7)
    demand = _drift(random, days, world.drift) + _moods(random, days, world.mood)
    visits, likely = _series(random, world, rhythm, demand)
    others = np.array([_series(random, world, rhythm, demand * each * world.shared)[0] for each in FOLLOWING])
    added = random.poisson(likely[past:] * lift).astype(float)
    visits[past:] += added
    visits[random.random(days) < _UNKNOWN] = np.nan
    others[random.random(others.shape) < _UNKNOWN] = np.nan
    return Campaign(visits, others, past, float(added[np.isfinite(visits[past:])].mean()))


def _series(random: np.random.Generator, world: World, rhythm: Floats, demand: Floats) -> tuple[Floats, Floats]:
    days = len(demand)
    level = random.normal(np.log(150), 0.7) + _drift(random, days, world.own_drift)
    weekdays = (rhythm + random.normal(0, 0.1, 7))[np.arange(days) % 7]
    likely = np.exp(level + demand + _moods(random, days, world.own_mood) + weekdays)
    size = world.size * np.exp(random.normal(0, 0.5))
    return random.poisson(random.gamma(size, likely / size)).astype(float), likely


def _drift(random: np.random.Generator, days: int, most: float) -> Floats:
    return np.asarray(np.cumsum(random.normal(0, random.uniform(most / 4, most), days)))


def _moods(random: np.random.Generator, days: int, size: float) -> Floats:
    memory, shocks = random.uniform(0.2, 0.7), random.normal(0, size, days)
    moods = np.zeros(days)
    for day in range(1, days):
        moods[day] = memory * moods[day - 1] + shocks[day]
    return moods
