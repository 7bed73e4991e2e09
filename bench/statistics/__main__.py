"""Hold the statistics against series whose truth is known and against labelled ones, beside what others do.

Run it with `make bench-statistics`; docs/measures.md says what the figures mean. All seeds are fixed. The labelled
series are not part of this project: they are found in `nab` of the folder that `WIDERVIEW_SHARED` names (`../shared`
beside the project if it is not set), and left out if they are not there.
"""

import datetime as dt
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.figures import OURS, SHARED, Line, Study, cpu, tell_all
from bench.statistics import contenders, nab, studies
from bench.statistics import simulate as sim
from bench.statistics.simulate import LOOKS_A_DAY
from widerview.agency.models import WEEKDAYS, Client
from widerview.measures.changes import lasting_changes
from widerview.measures.crisis import LEAST_COMMENTS, PAST_DAYS, rush
from widerview.measures.goals import growth, pace
from widerview.measures.posts import PostCount, best_posts, posting, rate_range, typical
from widerview.measures.response import Message, response
from widerview.measures.robust import Floats
from widerview.measures.unusual import surprises, unusual_days
from widerview.measures.usual import forecast, usual_weekdays, week_word

UC_SERIES = 400
"""statsmodels takes a tenth of a second for each."""
CLIENTS, SERIES, MEASURED_CLIENTS = 1_000, 40, 100
"""The cost of a client's week is measured on some clients and told for all."""
ALWAYS_OPEN = Client.model_validate(
    {
        "client": "harbour-bakery",
        "name": "Harbour Bakery",
        "time_zone": "UTC",
        "office_hours": {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS},
        "reviewers": ["mira"],
        "sender": {"name": "Mira", "email": "mira@agency.example", "agency": "Wide Angle", "postal_address": "Berlin"},
        "recipients": [{"name": "Ada", "email": "ada@harbour-bakery.example"}],
        "accounts": [{"platform": "bluesky", "handle": "harbour.example"}],
    }
)
NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
DAYS = [NOW.date() - dt.timedelta(days=ago) for ago in range(84, 0, -1)]
HOURLY = {"week over week": "day over day", "28-day z": "4-day z", "same weekday, MAD": "same hour, MAD"}


def weeks_by(days: Floats) -> Floats:
    return np.asarray(days.reshape(len(days), -1, 7).sum(axis=2))


def usual_week() -> list[Line]:
    study = Study("usual week")
    days = sim.clean_days(np.random.default_rng(11), 1_500, 16 * 7)
    forecasters = {
        OURS: lambda past: forecast(weeks_by(past)),
        "weekday level, pooled errors": contenders.weekday_level,
        "8-week median and MAD": contenders.median_of_8_weeks,
        "8-week mean and deviation": contenders.mean_of_8_weeks,
    }
    for who, forecaster in forecasters.items():
        for found in studies.week_coverage(forecaster, days):
            margin = 0.02
            what = f"{found.nominal:.0%} range"
            study.tell(who, f"{what}: covers", found.found, found.nominal - margin, found.nominal + margin)
            study.tell(who, f"{what}: interval score", found.score)
    weeks = weeks_by(days)
    moves = np.abs(weeks[:, 1:] / np.maximum(weeks[:, :-1], 1) - 1)
    for size in (0.1, 0.2, 0.3):
        what = f"moves by more than {size:.0%} though nothing changed"
        study.tell("week over week", what, float((moves > size).mean()))
    return study.lines


def weekdays() -> list[Line]:
    study = Study("usual weekday")
    for odd, most in ((0.0, 0.83), (0.02, 0.83), (0.1, 0.87)):
        days = sim.clean_days(np.random.default_rng(22), 1_500, 13 * 7, contaminated=odd)
        study.tell(OURS, f"80 % range, {odd:.0%} odd days: covers", studies.weekday_coverage(days), 0.77, most)
    return study.lines


def verdicts() -> list[Line]:
    """The week of clients with six figures: nothing changed, one doubled, all rose; figures apart or going along."""
    study = Study("verdict on a week, six figures")
    weeks = weeks_by(sim.clean_days(np.random.default_rng(23), 24_000, 13 * 7)).reshape(4_000, 6, 13)
    together = weeks * np.random.default_rng(24).lognormal(0, 0.2, (4_000, 1, 13))
    doubled, risen = weeks.copy(), weeks.copy()
    doubled[:, 0, -1] *= 2
    risen[:, :, -1] *= 1.3
    for what, most, values in (
        ("nothing changed", 0.13, weeks),
        ("nothing changed, figures that go along", 0.13, together),
        ("one figure doubled", np.inf, doubled),
        ("all rose by 30 %", np.inf, risen),
    ):
        for who, rule in {OURS: week_word, "more above than below": contenders.more_above_than_below}.items():
            words = studies.week_words(values, rule)
            study.tell(who, f"{what}: good", words.count("good") / len(words), most=most)
            study.tell(who, f"{what}: quiet", words.count("quiet") / len(words), most=most)
    return study.lines


def per_post() -> list[Line]:
    """Small means over many posts, and large ones over few; posts that differ, and posts that are alike."""
    lines = []
    for posts, mean, spread in ((5, 4.0, 0.3), (20, 1.5, 0.3), (60, 1.5, 0.3), (10, 30.0, 0.3), (20, 1.5, 0.0)):
        random = np.random.default_rng(21)
        means, counts = sim.per_post_weeks(random, 5_000, 13, posts, mean, spread)
        doubled, _ = sim.per_post_weeks(random, 5_000, 1, posts, 2 * mean, spread)
        found = studies.per_post_study(means, counts, doubled[:, 0])
        alike = "" if spread else ", all alike"
        study = Study(f"usual week, {posts} posts that earn {mean:g} each{alike}")
        study.tell(OURS, "80 % range: covers", found.narrow, 0.77, 0.83 if spread else 0.85)
        study.tell(OURS, "95 % range: covers", found.wide, 0.92, 0.97)
        study.tell(OURS, "a doubling is told as above", found.doubled)
        lines += study.lines
    return lines


def rates() -> list[Line]:
    lines = []
    for least, most in ((245, 3_000), (33, 245)):
        random = np.random.default_rng(5)
        accounts = [sim.account(random, least, most, int(random.integers(8, 25))) for _ in range(1_500)]
        found = studies.posts_study(accounts, contenders.wilson)
        study = Study(f"posts seen {least} to {most:,} times")
        covers, best = "account's rate, 95 % range: covers", "best three by rate are the true ones"
        study.tell(OURS, covers, found.account, 0.93, 0.97)
        study.tell("pooled Wilson", covers, found.account_wilson)
        study.tell(OURS, "a post's lift by rate, 95 % range: covers", found.post)
        for who, precision in (
            (OURS, found.precision),
            ("raw rate", found.precision_raw),
            ("counts", found.precision_count),
        ):
            study.tell(who, best, precision)
        study.tell(OURS, "lift of what a post drew, 95 % range: covers", found.drew)
        study.tell(OURS, "best three by what they drew are the true ones", found.precision_drew)
        study.tell(OURS, "best three by what they drew overstated by the factor", found.overstated_drew)
        study.tell(OURS, "best three by rate overstated by the factor", found.overstated)
        study.tell("raw rate", "best three by rate overstated by the factor", found.overstated_raw)
        lines += study.lines
    return lines


def daily() -> list[Line]:
    study = Study("unusual days")
    data = sim.eventful_days(np.random.default_rng(6), 6_000)
    some = sim.Eventful(data.counts[:UC_SERIES], data.starts[:UC_SERIES], data.kinds[:UC_SERIES])
    scores = {OURS: studies.as_score(surprises(data.counts))}
    scores |= {who: detector(data.counts, 7) for who, detector in contenders.DETECTORS.items()}
    for who, each in scores.items():
        study.tell(who, "recall at 1 % false alarms a day", studies.recall(data, each, 0.01), 0.81)
        study.tell(who, "recall at 0.25 %", studies.recall(data, each, 0.0025))
    began = time.process_time()
    judge = contenders.unobserved_components(some.counts)
    spent = time.process_time() - began
    what = f"recall at 1 % false alarms a day, first {UC_SERIES} series"
    study.tell(OURS, what, studies.recall(some, scores[OURS][:UC_SERIES], 0.01))
    study.tell("statsmodels UC", what, studies.recall(some, judge, 0.01))
    what = "CPU s for 1,000 series of 120 days"
    study.tell(OURS, what, cpu(lambda: surprises(data.counts[:1_000])), most=1)
    study.tell("statsmodels UC", what, spent * 1_000 / UC_SERIES)
    told = studies.told(sim.eventful_days(np.random.default_rng(79), 8_000, share=0.1))
    week = Study("one client's week, 40 series")
    week.tell(OURS, "alerts", told.alerts)
    week.tell(OURS, "false ones of them", told.false)
    week.tell(OURS, "events found", told.recall)
    return study.lines + week.lines


def labelled() -> list[Line]:
    folder = SHARED / "nab"
    if not folder.is_dir():
        print(f"There are no labelled series in {folder}. Set WIDERVIEW_SHARED to the folder that has nab/.")
        return []
    rides, prices = Study("nyc_taxi by day"), Study("realAdExchange by hour")
    taxi, exchange = nab.read(folder, "realKnownCause/nyc_taxi.csv"), nab.ad_exchange(folder)
    detectors: dict[str, contenders.Detector] = {OURS: our_scores, **contenders.DETECTORS}
    for who, detector in detectors.items():
        found = studies.taxi(taxi, detector)
        rides.tell(who, "false alarms before all five events", found.alarms, most=4)
        rides.tell(who, "false days", found.days)
        scores = [np.nan_to_num(detector(each.values[None], 24)[0], nan=-1.0) for each in exchange]
        hourly = HOURLY.get(who, who)
        prices.tell(hourly, "standard score, one threshold", nab.score(exchange, scores), least=60)
        what = "standard score, each file's threshold from the others"
        prices.tell(hourly, what, nab.score_left_out(exchange, scores))
    return rides.lines + prices.lines


def our_scores(values: Floats, period: int) -> Floats:
    return studies.as_score(surprises(values, period))


def crises() -> list[Line]:
    study = Study("crisis")
    random = np.random.default_rng(1)
    quiet, piled = (sim.comments(random, 1_200, 84, pile_ons=pile_ons) for pile_ons in (False, True))
    rules: dict[str, studies.Rule] = {
        OURS: lambda now, past: rush(now, past).alarm,
        "twice the average": lambda now, past: (now > 2 * past.mean(axis=1)) & (now >= LEAST_COMMENTS),
        "three deviations": lambda now, past: now > past.mean(axis=1) + 3 * past.std(axis=1, ddof=1),
    }
    for who, rule in rules.items():
        found = studies.crisis_study(quiet, piled, rule)
        study.tell(who, "false alarms a client and year", found.false_a_year, most=1)
        study.tell(who, "pile-ons found within 8 hours", found.in_time, least=0.95)
        study.tell(who, "median hours to the alarm", found.hours)
    return study.lines


def answers() -> list[Line]:
    """One message in eight is never answered, and the newest have not waited long yet."""
    study = Study("time to answer")
    random = np.random.default_rng(4)
    hours = random.lognormal(np.log(2.5), 1.0, 2_000)
    hours[random.random(len(hours)) < 1 / 8] = np.inf
    ago = random.uniform(0, 80, len(hours))
    messages = [
        Message(at, None if np.isinf(wait) else at + dt.timedelta(hours=float(wait)))
        for at, wait in zip((NOW - dt.timedelta(hours=float(each)) for each in ago), hours, strict=True)
    ]
    found = response(messages, ALWAYS_OPEN, NOW)
    truth = float(np.median(hours))
    if found is None or found.median is None:
        raise ValueError("seven in eight were answered and there is no median")
    what = "median, as a share of the true one"
    study.tell(OURS, what, found.median / 3_600 / truth, 0.95, 1.05)
    study.tell("answered messages only", what, float(np.median(hours[hours <= ago])) / truth)
    return study.lines


def lasting() -> list[Line]:
    study = Study("lasting change")
    weeks = weeks_by(sim.clean_days(np.random.default_rng(3), 1_200, 26 * 7))
    clients = [slice(first, first + SERIES) for first in range(0, len(weeks), SERIES)]

    def found(values: Floats) -> float:
        return float(np.mean([change is not None for rows in clients for change in lasting_changes(values[rows])]))

    study.tell(OURS, "found in series without", found(weeks), most=0.02)
    for factor in (0.6, 1.5, 2.0):
        changed = weeks.copy()
        changed[:, 20:] = np.round(changed[:, 20:] * factor)
        study.tell(OURS, f"found six weeks after a change to {factor:g} times", found(changed))
    odd = weeks.copy()
    odd[:, 23] *= 4
    study.tell(OURS, "found after one week of 4 times", found(odd))
    for mean in (1.0, 2.0, 5.0):
        posts, random = 20, np.random.default_rng(25)
        before, _ = sim.per_post_weeks(random, 600, 18, posts, mean, 0.3)
        after, _ = sim.per_post_weeks(random, 600, 8, posts, 2 * mean, 0.3)
        each = [lasting_changes(row[None] * posts)[0] for row in np.hstack([before, after])]
        what = f"found eight weeks after a doubling of {mean:g} each to {posts} posts"
        study.tell(OURS, what, float(np.mean([change is not None for change in each])))
    return study.lines


def ahead() -> list[Line]:
    goal, year = Study("goal"), Study("growth over a year")
    weeks = weeks_by(sim.clean_days(np.random.default_rng(3), 1_000, 24 * 7))
    for left in (1, 4, 12):
        ends = weeks[:, 12 : 12 + left].sum(axis=1)
        paces = [pace(np.inf, 0.0, row[:12], left) for row in weeks]
        inside = [each.low <= end <= each.high for each, end in zip(paces, ends, strict=True) if each]
        goal.tell(OURS, f"80 % range, weeks ahead: {left}: covers", float(np.mean(inside)), 0.77, 0.83)
    for memory in (0.0, 0.3, 0.6):
        values, truth = sim.growing_weeks(np.random.default_rng(8), 2_000, memory)
        inside = [each.low <= true <= each.high for each, true in zip(growth(values), truth, strict=True) if each]
        what = f"95 % range, correlation of weeks {memory:g}: covers"
        year.tell(OURS, what, float(np.mean(inside)), 0.92, 0.98)
    return goal.lines + year.lines


@dataclass(frozen=True)
class Week:
    """What one client's weekly statistics are made of: days of 40 series, four accounts' posts, messages, comments."""

    days: Floats
    accounts: Sequence[sim.Account]
    messages: Sequence[Message]
    comments: Floats

    @classmethod
    def of(cls, seed: int) -> "Week":
        """Make one; three days of each series in the last 17 weeks are not known, each other ones."""
        random = np.random.default_rng(seed)
        days = sim.clean_days(random, SERIES, 52 * 7)
        for series in days:
            series[random.choice(np.arange(len(series) - 120, len(series) - 7), 3, replace=False)] = np.nan
        waits = random.uniform(0, 160, 20)
        messages = [Message(NOW - dt.timedelta(hours=wait), NOW - dt.timedelta(hours=wait / 2)) for wait in waits]
        accounts = [sim.account(random, 245, 3_000, 10) for _ in range(4)]
        return cls(days, accounts, messages, random.poisson(5, (7 * LOOKS_A_DAY, 1 + PAST_DAYS)).astype(float))

    def measure(self) -> None:
        """Ask everything that a report with a year and a goal asks, and a week of looks for pile-ons."""
        weeks, days = weeks_by(self.days), self.days[:, -120:]
        forecast(weeks[:, -13:-1])
        unusual_days(days, surprises(days))
        lasting_changes(weeks[:, -26:])
        growth(weeks[:1])
        pace(1e4, 0.0, weeks[0, -13:], 8)
        for series in self.days[:4, -84:]:  # the chart, and three days worth knowing
            usual_weekdays(dict(zip(DAYS, [None if np.isnan(day) else float(day) for day in series], strict=True)))
        response(self.messages, ALWAYS_OPEN, NOW)
        rush(self.comments[:, 0], self.comments[:, 1:])
        for each in self.accounts:
            past = typical(each.past_earned, each.past_seen)
            if past:
                rate_range(each.earned, each.seen, past)
            now, before = _counts(each.earned, each.seen), _counts(each.past_earned, each.past_seen)
            best_posts(now, before)
            posting([before[first : first + 3] for first in range(0, len(before), 3)] + [now])


def cost() -> list[Line]:
    """All weekly statistics of a client, one client after the other as the reports are made, no two clients alike."""
    clients = [Week.of(seed) for seed in range(MEASURED_CLIENTS)]
    study = Study("cost")
    spent = cpu(lambda: [client.measure() for client in clients]) * CLIENTS / MEASURED_CLIENTS
    study.tell(OURS, "CPU s, the weekly statistics of 1,000 clients of 40 series", spent, most=20)
    return study.lines


def _counts(earned: Sequence[float], seen: Sequence[float]) -> list[PostCount]:
    return [PostCount("all", *pair) for pair in zip(earned, seen, strict=True)]


STUDIES = (usual_week, verdicts, weekdays, per_post, rates, daily, labelled, crises, answers, lasting, ahead, cost)


def main() -> int:
    lines = [line for study in STUDIES for line in study()]
    return tell_all("What the measures get right, beside what others do", lines, "statistics.json")


sys.exit(main())
