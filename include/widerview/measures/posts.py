"""What posts earn, with the doubt that few posts leave: rates with ranges, and posts that stand out.

Posts differ from each other far more than chance lets people differ, so the people who saw them are no independent
trials: an interval that takes them for such is much too narrow. How much a client's posts differ is learnt from its
own past ones.

Everything here is about posts of one account in one format, where one thing is counted (what people did) for another
(how often the posts were seen). Where a platform does not tell how often, every post counts as seen once: then a rate
is what one post earns.
"""

import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from widerview.measures.robust import Floats
from widerview.measures.usual import MIN_WEEKS

MIN_PAST_POSTS = 8
"""With fewer own past posts than this nothing is said of what is typical for them."""

_PRIOR_SPREAD = 0.3
_PRIOR_POSTS = 5.0
_LEAST_SPREAD = 1e-4
_ROUNDS = 6
_NEWTON_STEPS = 50
_CHANCE = 0.05


@dataclass(frozen=True)
class Typical:
    """What is typical of an account's posts.

    Attributes:
        rate: What a typical post earns for each time it is seen: the mean of the posts' true rates.
        spread: The squared coefficient of variation of the posts' true rates around it.
        doubt: The standard error of the rate's logarithm.
        posts: How many posts it was learnt from.
    """

    rate: float
    spread: float
    doubt: float
    posts: int


@dataclass(frozen=True)
class RateRange:
    """A rate and the range that holds the true one with the coverage asked for."""

    low: float
    rate: float
    high: float


@dataclass(frozen=True)
class Standing:
    """How a post stands against what is typical of its account and format.

    Attributes:
        post: Its place in what was given.
        lift: How many times the typical rate it earns, shrunk toward 1 as far as chance may have helped it.
        low: Lower end of the range that holds its true lift.
        high: Upper end.
    """

    post: int
    lift: float
    low: float
    high: float


def typical(earned: Floats, seen: Floats) -> Typical | None:
    """Learn what is typical from past posts of one account and format.

    The posts' true rates follow a gamma distribution and what they earn is Poisson (a negative binomial); rate and
    spread are those that give the observed squared deviations their expected size (method of moments, weighted as in
    Kleinman 1973, doi:10.1080/01621459.1973.10481332, repeated until they agree). Few posts cannot tell their spread:
    it is shrunk toward 0.3 with the weight of five posts.

    Args:
        earned: What people did with each post; NaN where unknown.
        seen: How often each was seen (reach, views, impressions), or ones; NaN where unknown.

    Returns:
        None if there are no posts of which both are known, or all of them earned nothing.
    """
    earned, seen = _both_known(earned, seen)
    count = len(earned)
    if not earned.sum():
        return None
    spread = _PRIOR_SPREAD
    for _ in range(_ROUNDS):
        rate = _rate(earned, seen, spread)
        expected = rate * seen
        # Squared deviations in units of a Poisson's, which exceed 1 by spread * expected.
        excess = (earned - expected) ** 2 / expected * (count / max(count - 1, 1)) - 1
        weights = 1 / (1 + spread * expected) ** 2
        found = max(float((weights * excess * expected).sum() / (weights * expected**2).sum()), 0.0)
        spread = max((count * found + _PRIOR_POSTS * _PRIOR_SPREAD) / (count + _PRIOR_POSTS), _LEAST_SPREAD)
    rate = _rate(earned, seen, spread)
    return Typical(rate, spread, _doubt(rate, seen, spread), count)


def _both_known(earned: Floats, seen: Floats) -> tuple[Floats, Floats]:
    known = ~np.isnan(earned) & (np.nan_to_num(seen) > 0)
    return earned[known], seen[known]


def _rate(earned: Floats, seen: Floats, spread: float) -> float:
    """The mean rate, each post with the weight that its uncertainty leaves it; needs the rate itself, so twice over."""
    rate = earned.sum() / seen.sum()
    for _ in range(2):
        weights = seen / (1 + spread * rate * seen)
        rate = max(float((weights * earned / seen).sum() / weights.sum()), 1e-12)
    return float(rate)


def rate_range(earned: Floats, seen: Floats, past: Typical, coverage: float = 0.95) -> RateRange | None:
    """Give an account's rate over some posts, as of a week, and its range.

    Each post weighs as much as its uncertainty leaves it, seen / (1 + spread * rate * seen): posts that reached many
    weigh more, but not without end, for they are one post each (the optimal weights of a random-effects mean: Cochran
    1954, doi:10.2307/3001666). The range is symmetric on the log scale, with a Student t quantile for the number of
    posts that the spread was learnt from. For rates well below one, as engagement is. Where nothing was earned the
    rate is zero, and the upper end is the rate at which that would still happen in (1 - coverage) / 2 of cases (Clopper
    and Pearson 1934, doi:10.1093/biomet/26.4.404, with a negative binomial's chance of none for the binomial's).

    Args:
        earned: What people did with each post; NaN where unknown.
        seen: How often each was seen, or ones; NaN where unknown.
        past: What is typical of the account's earlier posts.
        coverage: How often the range holds the true rate.

    Returns:
        None if no post's numbers are known.
    """
    earned, seen = _both_known(earned, seen)
    if not len(earned):
        return None
    if not earned.sum():
        return RateRange(0.0, 0.0, _most_of_nothing(seen, past.spread, (1 - coverage) / 2))
    rate = _rate(earned, seen, past.spread)
    quantile = float(special.stdtrit(past.posts + _PRIOR_POSTS, 0.5 + coverage / 2))
    reach = quantile * _doubt(rate, seen, past.spread)
    return RateRange(rate * float(np.exp(-reach)), rate, rate * float(np.exp(reach)))


def usual_rate(seen: Floats, past: Typical, coverage: float = 0.8) -> RateRange:
    """Give the range that the rate of some posts lies in, as of `rate_range`, if they are as earlier posts were.

    What is typical may be off, and chance is in the posts at hand; the two are independent errors of the logarithm.

    Args:
        seen: How often each post was seen, or ones; NaN where unknown.
        past: What is typical of the account's earlier posts.
        coverage: How often the rate lies in the range.
    """
    quantile = float(special.stdtrit(past.posts + _PRIOR_POSTS, 0.5 + coverage / 2))
    doubt = _doubt(past.rate, seen[np.nan_to_num(seen) > 0], past.spread)
    factor = float(np.exp(quantile * np.hypot(doubt, past.doubt)))
    return RateRange(past.rate / factor, past.rate, past.rate * factor)


def _most_of_nothing(seen: Floats, spread: float, chance: float) -> float:
    """The rate at which posts earn nothing at all with this chance.

    The logarithm of that chance falls ever more slowly with the rate, so Newton's method comes nearer from below.
    """
    rate, wanted = 0.0, -float(np.log(chance))
    for _ in range(_NEWTON_STEPS):
        missing = wanted - float(np.log1p(spread * rate * seen).sum()) / spread
        rate += missing / float((seen / (1 + spread * rate * seen)).sum())
    return rate


def _doubt(rate: float, seen: Floats, spread: float) -> float:
    """The standard error of the logarithm of a rate: a Poisson count has as much information on it as it is large."""
    return float((rate * seen / (1 + spread * rate * seen)).sum() ** -0.5)


@dataclass(frozen=True)
class PostCount:
    """A post's numbers.

    Attributes:
        group: What it is compared within: its account and format.
        earned: What people did with it; None where unknown.
        seen: How often it was seen, or 1 for every post of the group; None where unknown.
    """

    group: Hashable
    earned: float | None
    seen: float | None


def best_posts(posts: Sequence[PostCount], past: Sequence[PostCount], coverage: float = 0.8) -> list[Standing]:
    """Rank posts by how many times their own account's typical rate they earn, best first.

    Ranked by the mean of the posterior, a gamma's (empirical Bayes: Efron and Morris 1975,
    doi:10.1080/01621459.1975.10479864), and this is what is shown, with its range: on simulated posts the three of the
    highest raw rates were overstated by a tenth where many people had seen them, by six tenths where few had, and
    these by a fiftieth.

    Args:
        posts: The posts to rank.
        past: Earlier posts; each group learns from its own alone.
        coverage: How often a range holds the true lift.

    Returns:
        The posts whose numbers are known and whose group has `MIN_PAST_POSTS` known past ones.
    """
    standings: list[Standing] = []
    for group in dict.fromkeys(post.group for post in posts):
        usual = typical(*_arrays([post for post in past if post.group == group]))
        if usual is None or usual.posts < MIN_PAST_POSTS:
            continue
        here = [place for place, post in enumerate(posts) if post.group == group]
        earned, seen = _arrays([posts[place] for place in here])
        shape = 1 / usual.spread + earned
        lifts = shape / (1 / usual.spread + usual.rate * seen)
        low, high = (_end(shape, usual, side * coverage) for side in (-1, 1))
        standings += [
            Standing(place, float(lifts[row]), float(lifts[row] * low[row]), float(lifts[row] * high[row]))
            for row, place in enumerate(here)
            if np.isfinite(lifts[row])
        ]
    return sorted(standings, key=lambda standing: (-standing.lift, standing.post))


def _end(shape: Floats, usual: Typical, side: float) -> Floats:
    """One end of the ranges of lifts, as a multiple of their means.

    How far the gamma's quantile lies from its mean and how far the typical rate may be off are put together as
    independent errors of the logarithm.
    """
    post = np.log(special.gammaincinv(shape, 0.5 + side / 2) / shape)
    account = special.stdtrit(usual.posts + _PRIOR_POSTS, 0.5 + side / 2) * usual.doubt
    return np.asarray(np.exp(np.copysign(np.hypot(post, account), side)))


@dataclass(frozen=True)
class Posting:
    """How much was posted in a week, and whether that was more by fewer.

    Attributes:
        posts: Posts of the week.
        usual_posts: Posts of a usual week: the median of the known past ones; None where the posts of fewer than
            `MIN_WEEKS` past weeks have earned what is known.
        fewer_earned_more: Fewer posts than usual earned more together than usual, and more than typical posts of
            their own accounts and formats would have.
    """

    posts: int
    usual_posts: float | None
    fewer_earned_more: bool


def posting(weeks: Sequence[Sequence[PostCount] | None]) -> Posting | None:
    """Say how much was posted in a week, and whether fewer posts earned more; more posts are not what is looked for.

    Fewer posts earn more by a mere change of mix, too, as where the weak ones of one account are left out. So each is
    held against what is typical of its own group, see `best_posts`. A post of which it is not known what it earned
    counts on neither side.

    Args:
        weeks: The posts of each week, oldest first, the last being the week to judge; None where unknown.

    Returns:
        None where this week's posts or all past weeks' are unknown.
    """
    past = [week for week in weeks[:-1] if week is not None]
    if not weeks or (now := weeks[-1]) is None or not past:
        return None
    usual_posts = statistics.median(map(len, past))
    counted = [known for week in past if (known := _known(week)) or not week]
    if sum(map(bool, counted)) < MIN_WEEKS:
        return Posting(len(now), None, fewer_earned_more=False)
    earlier = [post for week in counted for post in week]
    is_fewer = len(now) < usual_posts and len(_known(now)) < statistics.median(map(len, counted))
    is_more = _earned(now) > statistics.median(map(_earned, counted))
    return Posting(len(now), usual_posts, is_fewer and is_more and _beat_the_typical(_known(now), earlier))


def _known(posts: Sequence[PostCount]) -> list[PostCount]:
    return [post for post in posts if post.earned is not None and post.seen]


def _earned(posts: Sequence[PostCount]) -> float:
    return sum(post.earned or 0.0 for post in posts)


def _beat_the_typical(posts: Sequence[PostCount], past: Sequence[PostCount]) -> bool:
    """Whether posts earned so much together that as many typical posts of their groups seldom would.

    Earnings are negative binomial, as of `typical`: their variance is the mean and `spread` times its square; what is
    typical of a group is itself uncertain by `doubt`, of all its posts alike. The sum is taken for a gamma with the
    same mean and variance.
    """
    expected = variance = 0.0
    for group in dict.fromkeys(post.group for post in posts):
        usual = typical(*_arrays([post for post in past if post.group == group]))
        if usual is None or usual.posts < MIN_PAST_POSTS:
            return False
        means = usual.rate * _arrays([post for post in posts if post.group == group])[1]
        expected += means.sum()
        variance += (means + usual.spread * means**2).sum() + (usual.doubt * means.sum()) ** 2
    shape = expected**2 / variance
    return bool(special.gammaincc(shape, _earned(posts) / expected * shape) < _CHANCE)


def _arrays(posts: Sequence[PostCount]) -> tuple[Floats, Floats]:
    return np.array([post.earned for post in posts], dtype=float), np.array([post.seen for post in posts], dtype=float)
