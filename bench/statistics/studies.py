"""What each measure gets right on series whose truth is known; every study is pure in its data."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.statistics import nab
from bench.statistics.simulate import LOOK_HOURS, LOOKS_A_DAY, TEST_DAYS, Account, Comments, Eventful
from widerview.measures.crisis import PAST_DAYS, WINDOW_HOURS
from widerview.measures.posts import PostCount, Standing, best_posts, rate_range, typical
from widerview.measures.unusual import Surprises, surprises, unusual_days
from widerview.measures.usual import Forecast, WeekWord, Word, usual_ranges, usual_weekdays, week_word, word
from widerview.report.facts import Ends

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
IN_TIME_DAYS, IN_TIME_HOURS = 3, 8


@dataclass(frozen=True)
class Coverage:
    """How often a range of this nominal coverage held the truth, how wide it was, and its interval score.

    Width and score (Gneiting & Raftery 2007, doi:10.1198/016214506000001437; less is better) are on the log scale.
    """

    nominal: float
    found: float
    width: float
    score: float


def week_coverage(
    forecaster: Callable[[Floats], Forecast], days: Floats, *, history: int = 12, clients_of: int = 6
) -> list[Coverage]:
    """Forecast every week after the first `history` ones, for clients of a few series each."""
    found: dict[float, list[tuple[Floats, Floats, Floats]]] = {0.8: [], 0.95: []}
    for week in range(history, days.shape[1] // 7):
        truth = np.log1p(days[:, 7 * week : 7 * week + 7].sum(axis=1))
        for first in range(0, len(days), clients_of):
            client = slice(first, first + clients_of)
            expected, y = forecaster(days[client, 7 * (week - history) : 7 * week]), truth[client]
            for nominal, rows in found.items():
                low, high = (np.log1p(end) for end in expected.bounds(nominal))
                outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
                rows.append((np.equal(outside, 0) * 1.0, high - low, high - low + 2 / (1 - nominal) * outside))
    return [
        Coverage(nominal, *(float(np.concatenate(each).mean()) for each in zip(*rows, strict=True)))
        for nominal, rows in found.items()
    ]


@dataclass(frozen=True)
class PerPost:
    """What the usual ranges of weekly means over posts hold, and how often a doubled mean is told as above."""

    narrow: float
    wide: float
    doubled: float


def per_post_study(means: Floats, counts: Floats, doubled: Floats) -> PerPost:
    """Judge the last week of each series by those before it, and one in its place that is twice as good."""
    rows = []
    for series, posts, twice in zip(means, counts, doubled, strict=True):
        usual = usual_ranges({"each": series[:-1].tolist()}, of={"each": float(posts[-1])})["each"]
        if usual is None:
            raise ValueError(f"{len(series)} weeks are too few to have a usual one")
        now = series[-1]
        rows.append(
            (usual.low <= now <= usual.high, usual.wide_low <= now <= usual.wide_high, word(twice, usual) == "above")
        )
    return PerPost(*(float(share) for share in np.mean(rows, axis=0)))


def weekday_coverage(days: Floats) -> float:
    """How often the days of the last week lie in the range of their weekday, which all days before it give."""
    first = dt.date(2026, 1, 5)  # any Monday
    inside = []
    for series in days:
        past = {first + dt.timedelta(days=day): float(value) for day, value in enumerate(series[:-7])}
        usual = usual_weekdays(past)
        inside += [usual[day][0] <= value <= usual[day][1] for day, value in enumerate(series[-7:])]
    return float(np.mean(inside))


WeekRule = Callable[[Sequence[Word], Sequence[Word]], WeekWord]


def week_words(weeks: Floats, rule: WeekRule = week_word) -> list[WeekWord]:
    """The word for the last week of each client, from weeks of shape (clients, figures, weeks)."""
    found = []
    for client in weeks:
        usual = usual_ranges({str(row): figure[:-1].tolist() for row, figure in enumerate(client)})
        pairs = list(zip(client[:, -1].tolist(), usual.values(), strict=True))
        far = [word(now, each and Ends(each.wide_low, each.wide_high)) for now, each in pairs]
        found.append(rule([word(now, each) for now, each in pairs], far))
    return found


def recall(data: Eventful, scores: Floats, false_alarms_a_day: float) -> float:
    """The share of events found within three days, at the threshold with so many false alarms a day and series."""
    quiet = scores[data.starts < 0][:, -TEST_DAYS:]
    threshold = np.nanquantile(quiet, 1 - false_alarms_a_day)
    rows = np.flatnonzero(data.starts >= 0)
    found = [
        np.nanmax(scores[row, data.starts[row] : data.starts[row] + IN_TIME_DAYS], initial=-np.inf) > threshold
        for row in rows
    ]
    return float(np.mean(found))


def as_score(seen: Surprises) -> Floats:
    """A surprise as a score that grows with it; nothing known is no surprise."""
    return np.asarray(-np.log(np.maximum(np.nan_to_num(seen.p, nan=1.0), 1e-300)))


@dataclass(frozen=True)
class Told:
    """What is told of unusual days: alerts and false ones for each client and week, and events found in time."""

    alerts: float
    false: float
    recall: float

    @property
    def false_share(self) -> float:
        """The share of alerts that were chance."""
        return self.false / self.alerts


def told(data: Eventful, clients_of: int = 40) -> Told:
    """Go through the last four weeks of clients, week by week."""
    seen = surprises(data.counts)
    days = data.counts.shape[1]
    alerts = false = 0
    caught = np.zeros(len(data.counts), dtype=bool)
    clients = range(0, len(data.counts), clients_of)
    ends = range(days - TEST_DAYS + 7, days + 1, 7)
    for first in clients:
        rows = slice(first, first + clients_of)
        for end in ends:
            so_far = Surprises(seen.expected[rows, :end], seen.z[rows, :end], seen.p[rows, :end])
            found: dict[int, list[int]] = {}
            for each in unusual_days(data.counts[rows, :end], so_far):
                found.setdefault(first + each.series, []).append(each.day)
            for series, when in found.items():
                start = data.starts[series]
                alerts += 1
                false += not any(0 <= start <= day for day in when)
                caught[series] |= any(0 <= start <= day < start + IN_TIME_DAYS for day in when)
    weeks = len(clients) * len(ends)
    return Told(alerts / weeks, false / weeks, float(caught[data.starts >= 0].mean()))


@dataclass(frozen=True)
class Taxi:
    """False alarms before all known events are found: as days, and as alarms (days in a row are one)."""

    days: int
    alarms: int


def taxi(series: nab.Labelled, detector: Callable[[Floats, int], Floats], learnt: int = 63) -> Taxi:
    """Lower the threshold until a day in every labelled window is found, and count what else is."""
    dates = [time.date() for time in series.times]
    first, last = dates[0], dates[-1]
    totals = np.zeros((last - first).days + 1)
    np.add.at(totals, [(date - first).days for date in dates], series.values)
    scores = np.nan_to_num(detector(totals[None], 7)[0], nan=-1.0)
    inside = np.zeros(len(totals), dtype=bool)
    best = []
    for start, end in series.windows:
        days = slice((dates[start] - first).days, (dates[end] - first).days + 1)
        inside[days] = True
        best.append(scores[days].max())
    flagged = (scores >= min(best)) & ~inside & (np.arange(len(totals)) >= learnt)
    return Taxi(int(flagged.sum()), int((flagged & ~np.roll(flagged, 1)).sum()))


@dataclass(frozen=True)
class PostStudy:
    """Coverage of account rates and of posts' lifts, and how often the best three posts are the true ones.

    The lifts are those of the posts' rates; `drew` are those of what the posts drew, however often they were seen.
    """

    account: float
    account_wilson: float
    account_width: float
    post: float
    precision: float
    precision_raw: float
    precision_count: float
    overstated: float
    overstated_raw: float
    drew: float
    precision_drew: float
    overstated_drew: float


def posts_study(accounts: Sequence[Account], wilson: Callable[[float, float], tuple[float, float]]) -> PostStudy:
    """Give every account its rate's 95 % range and its best three posts."""
    rows = []
    for each in accounts:
        past = typical(each.past_earned, each.past_seen)
        found = rate_range(each.earned, each.seen, past) if past else None
        if past is None or found is None:
            continue
        low, high = wilson(each.earned.sum(), each.seen.sum())
        ranked = _ranked(each, each.seen, each.past_seen)
        drew = _ranked(each, np.ones(len(each.seen)), np.ones(len(each.past_seen)))
        true_drew = each.rates * each.seen / (each.rate * each.mean_seen)
        drew_top = [standing.post for standing in drew[:3]]
        true = each.rates / each.rate
        top = [standing.post for standing in ranked[:3]]
        raw = each.earned / each.seen
        raw_top = np.argsort(-raw, kind="stable")[:3]
        counted = np.argsort(-each.earned, kind="stable")[:3]
        best = set(np.argsort(-true)[:3].tolist())
        rows.append(
            (
                found.low <= each.rate <= found.high,
                low <= each.rate <= high,
                np.log(found.high / found.low),
                np.mean([standing.low <= true[standing.post] <= standing.high for standing in ranked]),
                len(best & set(top)) / 3,
                len(best & set(raw_top.tolist())) / 3,
                len(best & set(counted.tolist())) / 3,
                sum(standing.lift for standing in ranked[:3]) / true[top].sum(),
                raw[raw_top].sum() / each.rates[raw_top].sum(),
                np.mean([standing.low <= true_drew[standing.post] <= standing.high for standing in drew]),
                len(set(np.argsort(-true_drew)[:3].tolist()) & set(drew_top)) / 3,
                sum(standing.lift for standing in drew[:3]) / true_drew[drew_top].sum(),
            )
        )
    return PostStudy(*(float(mean) for mean in np.mean(np.array(rows, dtype=float), axis=0)))


def _ranked(account: Account, seen: Floats, past_seen: Floats) -> list[Standing]:
    now, before = (
        [PostCount("all", *pair) for pair in zip(earned, times, strict=True)]
        for earned, times in ((account.earned, seen), (account.past_earned, past_seen))
    )
    return best_posts(now, before, coverage=0.95)


Rule = Callable[[Floats, Floats], Bools]


@dataclass(frozen=True)
class CrisisStudy:
    """False alarms for each client and year, the share of pile-ons found in eight hours, and the median hours."""

    false_a_year: float
    in_time: float
    hours: float


def crisis_study(quiet: Comments, piled: Comments, rule: Rule) -> CrisisStudy:
    """Look every two hours; alarms within a day of each other are one."""
    alarms = _looks(quiet.counts, rule)
    false = sum(_episodes(row) for row in alarms)
    years = alarms.shape[0] * (alarms.shape[1] / LOOKS_A_DAY - _FIRST_DAY) / 365
    found = _looks(piled.counts, rule)
    hours = np.full(len(found), np.inf)
    for client, start in enumerate(piled.starts):
        looks = np.flatnonzero(found[client, start : start + LOOKS_A_DAY])
        if len(looks):
            hours[client] = (looks[0] + 1) * LOOK_HOURS
    return CrisisStudy(false / years, float((hours <= IN_TIME_HOURS).mean()), float(np.median(hours)))


_FIRST_DAY = PAST_DAYS + 2


def _looks(counts: Floats, rule: Rule) -> Bools:
    looks = WINDOW_HOURS // LOOK_HOURS
    sums = np.cumsum(np.pad(counts, ((0, 0), (looks, 0))), axis=1)
    windows = sums[:, looks:] - sums[:, :-looks]
    alarms = np.zeros(windows.shape, dtype=bool)
    for look in range(_FIRST_DAY * LOOKS_A_DAY, windows.shape[1]):
        past = windows[:, [look - LOOKS_A_DAY * day for day in range(1, PAST_DAYS + 1)]]
        alarms[:, look] = rule(windows[:, look], past)
    return alarms


def _episodes(alarms: Bools) -> int:
    looks = np.flatnonzero(alarms)
    return int(len(looks) > 0) + int((np.diff(looks) > LOOKS_A_DAY).sum())
