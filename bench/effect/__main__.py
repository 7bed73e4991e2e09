"""Hold the effect of campaigns against campaigns whose effect is known, beside what others do.

Run it with `make bench-effect`; docs/benchmarks.md says what the figures mean. All seeds are fixed, and others than
those with which the measure was set. The data sets that R's CausalImpact was run on are not part of this project: they
are found in `reference/causal_impact` of the folder that `WIDERVIEW_SHARED` names, and left out if they are not there.
"""

import os
import sys
from collections.abc import Sequence

import numpy as np

from bench.effect import contenders, references, sandbox, simulate
from bench.effect.studies import from_range, ours, right
from bench.figures import OURS, SHARED, Line, Study, cpu, tell_all
from widerview.measures.effect import Estimate, counterfactual, effect

QUICK = os.environ.get("QUICK", "") not in {"", "0"}
CAMPAIGNS = 150 if QUICK else 900
"""Of each kind of website without an effect, and a third as many of each lift."""
SEEDS = 20 if QUICK else 100
PAST, SHORT_PAST = 26 * 7, 16 * 7
LEAST_COVERED = 0.93
MOST_CLAIMED = 0.05
"""What chance alone would claim of nothing, at 95 %; where other series help, less is asked for."""

WORLDS = {
    "steady website": simulate.STEADY,
    "steady website, others tell nothing": simulate.ALONE,
    "restless website": simulate.RESTLESS,
}
METHODS = {
    OURS: ours,
    "before and after, t": from_range(lambda each: contenders.before_and_after(each.visits, each.start)),
    "differences in differences": from_range(lambda each: contenders.differences(each.visits, each.others, each.start)),
}


def known_effects() -> list[Line]:
    lines = []
    for name, world in WORLDS.items():
        study = Study(name)
        random = np.random.default_rng(2_026)
        none = [simulate.campaign(random, world, PAST, 0.0) for _ in range(CAMPAIGNS)]
        some = {
            lift: [simulate.campaign(random, world, PAST, lift) for _ in range(CAMPAIGNS // 3)]
            for lift in (0.1, 0.2, 0.4)
        }
        asked = world is simulate.STEADY and not QUICK
        study.tell("its weeks", "move by more than 10% though nothing has changed", moves(none))
        for who, method in METHODS.items():
            found = right(method, none)
            by_lift = {lift: right(method, campaigns) for lift, campaigns in some.items()}
            # Half of them without an effect, half with one.
            covers = (found.covers + float(np.mean([each.covers for each in by_lift.values()]))) / 2
            study.tell(who, "95 % range: covers", covers, LEAST_COVERED if not QUICK else 0.9)
            study.tell(who, "95 % range: width, as a share of the visits", found.width)
            most = {simulate.STEADY: 0.03, simulate.ALONE: MOST_CLAIMED}.get(world, np.inf)
            study.tell(who, "claimed though there is none", found.claimed, most=most if not QUICK else np.inf)
            for lift, each in by_lift.items():
                least = 0.75 if asked and lift == 0.2 else -np.inf  # noqa: PLR2004
                study.tell(who, f"claimed of campaigns that add {lift:.0%}", each.claimed, least)
        lines += study.lines
    return lines


def moves(campaigns: Sequence[simulate.Campaign]) -> float:
    """The share of weeks before the campaigns that differ by more than a tenth from the week before, of known days."""
    weeks = np.array([np.nanmean(each.visits[:PAST].reshape(-1, 7), axis=1) for each in campaigns])
    return float((np.abs(weeks[:, 1:] / weeks[:, :-1] - 1) > 0.1).mean())  # noqa: PLR2004


def short_past() -> list[Line]:
    study = Study("steady website, 16 weeks before")
    random = np.random.default_rng(2_027)
    none = right(ours, [simulate.campaign(random, simulate.STEADY, SHORT_PAST, 0.0) for _ in range(CAMPAIGNS)])
    some = right(ours, [simulate.campaign(random, simulate.STEADY, SHORT_PAST, 0.2) for _ in range(CAMPAIGNS // 3)])
    study.tell(OURS, "95 % range: covers", (none.covers + some.covers) / 2, LEAST_COVERED if not QUICK else 0.9)
    study.tell(OURS, "claimed though there is none", none.claimed)
    study.tell(OURS, "claimed of campaigns that add 20%", some.claimed)
    return study.lines


def weekends() -> list[Line]:
    """Campaigns of three days, of which the forecast's doubt is the larger part."""
    lines = []
    for name, world in (
        ("steady website, three days", simulate.STEADY),
        ("the same, others tell nothing", simulate.ALONE),
    ):
        study = Study(name)
        random = np.random.default_rng(2_029)
        none, some = (
            right(ours, [each for each in campaigns if np.isfinite(each.visits[PAST:]).sum() > 1])
            for campaigns in (
                [simulate.campaign(random, world, PAST, lift, lengths=(3,)) for _ in range(count)]
                for lift, count in ((0.0, CAMPAIGNS), (0.4, CAMPAIGNS // 3))
            )
        )
        study.tell(OURS, "95 % range: covers", (none.covers + some.covers) / 2, LEAST_COVERED if not QUICK else 0.9)
        study.tell(OURS, "claimed though there is none", none.claimed, most=MOST_CLAIMED if not QUICK else np.inf)
        study.tell(OURS, "claimed of campaigns that add 40%", some.claimed)
        lines += study.lines
    return lines


def beside_r() -> list[Line]:
    folder = SHARED / "reference" / "causal_impact"
    if not folder.is_dir():
        print(
            f"There are no data sets in {folder}. Set WIDERVIEW_SHARED to the folder that has reference/causal_impact/."
        )
        return []
    study = Study("beside R's CausalImpact")
    inside = agree = 0
    for each in references.read(folder):
        found = counterfactual(each.target, each.controls, each.start, weekdays=False)
        if not isinstance(found, Estimate):
            raise TypeError(f"{each.name} has {found.why}")
        for who, said in ((OURS, found), ("CausalImpact", each)):
            study.tell(who, f"{each.name}: effect", said.average)
            study.tell(who, f"{each.name}: effect, low end", said.low)
            study.tell(who, f"{each.name}: effect, upper end", said.high)
        inside += each.low <= found.average <= each.high
        agree += (found.low <= 0 <= found.high) == (each.low <= 0 <= each.high)
    study.tell(OURS, "all: ours lies in R's range, of six sets", inside, 6)
    study.tell(OURS, "all: both say whether there is an effect, of six sets", agree, 5)
    return study.lines


def seeded_agency() -> list[Line]:
    study = Study("the sandbox's campaign")
    told = [sandbox.tell(seed) for seed in range(SEEDS)]
    study.tell(OURS, f"of {SEEDS} seeds: the truth lies in the range", sum(each.inside for each in told), 0.93 * SEEDS)
    study.tell(OURS, f"of {SEEDS} seeds: told", sum(each.effect.verdict == "more" for each in told))
    study.tell(OURS, "median effect, visits a day", float(np.median([each.effect.average or 0.0 for each in told])))
    study.tell("the truth", "median effect, visits a day", float(np.median([each.added for each in told])))
    widths = [(each.effect.high or 0.0) - (each.effect.low or 0.0) for each in told]
    study.tell(OURS, "median width of the range", float(np.median(widths)))
    return study.lines


def cost() -> list[Line]:
    study = Study("cost")
    random = np.random.default_rng(2_028)
    campaigns = [simulate.campaign(random, simulate.STEADY, PAST, 0.2) for _ in range(20)]
    spent = cpu(lambda: [effect(each.visits, each.others, each.start) for each in campaigns]) / len(campaigns)
    study.tell(OURS, "CPU s, a campaign with all its placebos", spent, most=0.2)
    return study.lines


STUDIES = (known_effects, short_past, weekends, beside_r, seeded_agency, cost)
_LINES = [line for study in STUDIES for line in study()]
sys.exit(tell_all("What is told of campaigns, beside what others do", _LINES, "effect.json"))
