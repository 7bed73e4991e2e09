"""Series, posts and comments whose truth is known; every function is pure in its generator of random numbers.

The models are plain: negative-binomial counts around a level that drifts, with weekdays and noise that lasts a few
days. They share their structure with what measures them, so read figures on them as an order, not as absolutes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TEST_DAYS = 28
EVENTS = ("spike", "drop", "shift", "outage", "crisis")


def clean_days(random: np.random.Generator, series: int, days: int, *, contaminated: float = 0.0) -> Floats:
    """Daily counts of series in which nothing happens, of shape (series, days), from a Monday on.

    With `contaminated` that share of days has been something else: two to four times as much, or as little.
    """
    return _counts(random, _rates(random, series, days, contaminated))


@dataclass(frozen=True)
class Eventful:
    """Daily counts, and when in the last `TEST_DAYS` days an event began: -1 where none did."""

    counts: Floats
    starts: NDArray[np.int_]
    kinds: NDArray[np.str_]


def eventful_days(random: np.random.Generator, series: int, days: int = 120, share: float = 0.5) -> Eventful:
    """Series with a past that is not clean either, and one event each in a share of them."""
    rates = _rates(random, series, days, contaminated=0.02)
    starts = np.where(random.random(series) < share, random.integers(days - TEST_DAYS, days - 3, series), -1)
    kinds = random.choice(EVENTS, series)
    for row in np.flatnonzero(starts >= 0):
        _add_event(random, rates[row], str(kinds[row]), int(starts[row]))
    return Eventful(_counts(random, rates), starts, kinds)


def per_post_weeks(
    random: np.random.Generator, series: int, weeks: int, posts: float, mean: float, spread: float
) -> tuple[Floats, Floats]:
    """Weekly means of what posts earn where nothing changes, and how many posts each is a mean of.

    Args:
        random: Where chance comes from.
        series: How many of them.
        weeks: Their length.
        posts: Posts of a week, on average; at least one.
        mean: What a post earns on average.
        spread: The squared coefficient of variation of the posts' own means; 0: they are alike.

    Returns:
        Means and counts of posts, of shape (series, weeks).
    """
    counts = np.maximum(random.poisson(posts, (series, weeks)), 1.0)
    own = random.gamma(counts / spread, spread * mean) if spread else counts * mean
    return random.poisson(own) / counts, counts


def _rates(random: np.random.Generator, series: int, days: int, contaminated: float) -> Floats:
    level = random.normal(np.log(60), 1.0, (series, 1))
    weekdays = random.normal(0, 0.25, (series, 7))
    weekdays -= weekdays.mean(axis=1, keepdims=True)
    drift = np.cumsum(random.normal(0, 1, (series, days)) * random.uniform(0.005, 0.03, (series, 1)), axis=1)
    memory, shocks = random.uniform(0.2, 0.7, series), random.normal(0, 0.1, (series, days))
    noise = np.zeros((series, days))
    for day in range(1, days):
        noise[:, day] = memory * noise[:, day - 1] + shocks[:, day]
    odd = np.where(random.random((series, days)) < contaminated, random.choice([-1, 1], (series, days)), 0)
    odd[:, -TEST_DAYS:] = 0
    odd = odd * np.log(random.uniform(2, 4, (series, days)))
    return np.asarray(np.exp(level + weekdays[:, np.arange(days) % 7] + drift + noise + odd))


def _counts(random: np.random.Generator, rates: Floats) -> Floats:
    size = np.exp(random.normal(np.log(25), 0.6, (len(rates), 1)))
    return random.poisson(random.gamma(np.broadcast_to(size, rates.shape), rates / size)).astype(float)


def _add_event(random: np.random.Generator, rates: Floats, kind: str, start: int) -> None:
    if kind == "spike":
        rates[start : start + random.integers(1, 3)] *= random.uniform(1.8, 4)
    elif kind == "drop":
        rates[start : start + random.integers(1, 4)] *= random.uniform(0.2, 0.5)
    elif kind == "shift":
        rates[start:] *= random.uniform(1.6, 2.4) ** random.choice([-1, 1])
    elif kind == "outage":
        rates[start : start + random.integers(1, 3)] *= random.uniform(0, 0.1)
    else:
        length = min(4, len(rates) - start)
        rates[start : start + length] *= 1 + random.uniform(2, 6) * 0.6 ** np.arange(length)


LOOK_HOURS = 2
LOOKS_A_DAY = 24 // LOOK_HOURS
AWAKE = list(range(8, 22))


@dataclass(frozen=True)
class Comments:
    """Inbound comments of clients, of shape (clients, looks) with a look every two hours, and one pile-on in each.

    Attributes:
        counts: Comments since the look before.
        starts: The look in which a client's pile-on begins; -1 without one.
    """

    counts: Floats
    starts: NDArray[np.int_]


def comments(random: np.random.Generator, clients: int, days: int, *, pile_ons: bool) -> Comments:
    """Comments with a rhythm of day and week, lively days, and pile-ons of a day if asked for."""
    looks = days * LOOKS_A_DAY
    hours = (np.arange(looks) * LOOK_HOURS) % 24
    rhythm = np.where(np.isin(hours, AWAKE), 1.5, 0.3)
    rhythm = rhythm / rhythm.mean()
    mean_a_day = np.exp(random.normal(np.log(6), 1.0, (clients, 1)))
    weekdays = np.exp(random.normal(0, 0.2, (clients, 7)))[:, (np.arange(looks) // LOOKS_A_DAY) % 7]
    lively = random.gamma(4, 1 / 4, (clients, days)).repeat(LOOKS_A_DAY, axis=1)
    rates = mean_a_day / LOOKS_A_DAY * rhythm * weekdays * lively
    starts = np.full(clients, -1)
    if pile_ons:
        starts = random.integers((days - 14) * LOOKS_A_DAY, (days - 2) * LOOKS_A_DAY, clients)
        for client, start in enumerate(starts):
            extra = np.maximum(mean_a_day[client, 0], 6) * random.uniform(4, 12)
            shape = 0.85 ** np.arange(LOOKS_A_DAY)
            rates[client, start : start + LOOKS_A_DAY] += extra * shape / shape.sum()
    return Comments(random.poisson(rates).astype(float), starts)


@dataclass(frozen=True)
class Account:
    """An account's past posts and a week's, with the truth: its rate, the week's posts' own ones, mean reach."""

    past_earned: Floats
    past_seen: Floats
    earned: Floats
    seen: Floats
    rate: float
    rates: Floats
    mean_seen: float


def account(random: np.random.Generator, least_seen: float, most_seen: float, posts: int) -> Account:
    """Posts whose rates differ (beta-binomial): 8 to 60 in the past, and those of a week."""
    rate, alike = _log_uniform(random, 0.01, 0.06), _log_uniform(random, 0.003, 0.02)
    past = round(_log_uniform(random, 8, 60))
    seen = np.exp(random.uniform(np.log(least_seen), np.log(most_seen), past + posts)).round()
    shape = 1 / alike - 1
    rates = random.beta(rate * shape, (1 - rate) * shape, past + posts)
    earned = random.binomial(seen.astype(int), rates).astype(float)
    mean_seen = (most_seen - least_seen) / float(np.log(most_seen / least_seen))
    return Account(earned[:past], seen[:past], earned[past:], seen[past:], rate, rates[past:], mean_seen)


def _log_uniform(random: np.random.Generator, least: float, most: float) -> float:
    return float(np.exp(random.uniform(np.log(least), np.log(most))))


def growing_weeks(random: np.random.Generator, series: int, memory: float) -> tuple[Floats, Floats]:
    """A year of weeks around a line, of shape (series, 52), and the true factor from its first quarter to its last."""
    noise = np.zeros((series, 60))
    for week in range(1, 60):
        noise[:, week] = memory * noise[:, week - 1] + random.normal(0, 0.15, series)
    line = random.normal(0, 0.3, (series, 1)) * np.arange(52) / 52
    weeks = random.poisson(np.exp(np.log(300) + line + noise[:, 8:])).astype(float)
    return weeks, np.exp(line[:, 39:].mean(axis=1) - line[:, :13].mean(axis=1))
