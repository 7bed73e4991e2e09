"""How far the client's goals are, and where each is likely to end, as a range."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from widerview.agency.models import Campaign, Client, Goal
from widerview.measures.goals import Pace, pace
from widerview.measures.usual import COVERAGE
from widerview.measures.weeks import Week
from widerview.report.facts import GoalFact
from widerview.report.long_past import LongPast
from widerview.sources.base import Window
from widerview.vocabulary.metrics import METRICS

_WEEK = dt.timedelta(weeks=1)


def running_goals(client: Client, week: Week) -> list[Goal]:
    """Give the goals whose time has some day in a week."""
    return [goal for goal in client.goals if goal.starts <= week.sunday and goal.ends >= week.monday]


def goal_facts(client: Client, past: LongPast, weeks: Sequence[Week]) -> Iterator[GoalFact]:
    """Say how far each goal is that runs in the report's week, and where it is likely to end.

    Args:
        client: The client.
        past: The days since the first of the goals, and the weeks.
        weeks: What the pace is learnt from; it goes on from the last of them.
    """
    week = weeks[-1]
    for goal in running_goals(client, week):
        campaigns = [each for each in client.campaigns if goal.campaign in {None, each.key}]
        keys = [each.key for each in campaigns]
        so_far = past.over(goal.metric, Window(goal.starts, min(goal.ends, week.sunday)).days, keys)
        ends = goal.ends
        learnt_from = list(weeks)
        if goal.metric == "campaign_visits":
            # Weeks without a campaign say nothing of what is usual for a week with one, and after its end none come.
            ends = min(goal.ends, max((each.ends for each in campaigns), default=week.sunday))
            learnt_from = [each for each in weeks if any(_fills(campaign, each) for campaign in campaigns)]
        found = None
        if so_far is not None:
            values = {each: past.week(goal.metric, each, keys) for each in learnt_from}
            left = max((ends - week.sunday) / _WEEK, 0.0)
            known = so_far
            if (share := past.arrived_of(goal.metric)) != 1:
                # What has not come in yet is to come, as the weeks are that are left. Held for whole, the week would
                # make goals look out of reach that are not.
                values[week] = None
                days = Window(max(goal.starts, week.monday), min(ends, week.sunday)).days
                left += (1 - (share or 0.0)) * len(days) / len(week.days)
                if share is None:
                    known -= past.over(goal.metric, days, keys) or 0.0
            found = _pace(goal.target, so_far, known, list(values.values()), left)
        yield GoalFact(
            label=METRICS[goal.metric].label,
            campaign=campaigns[0].name if goal.campaign else None,
            note=goal.note,
            target=goal.target,
            starts=goal.starts,
            ends=goal.ends,
            so_far=so_far,
            low=round(found.low, 3) if found and found.low < found.high else None,
            high=round(found.high, 3) if found and found.low < found.high else None,
            coverage=COVERAGE,
            word=found.word if found else None,
        )


def _pace(target: int, so_far: float, known: float, weeks: Sequence[float | None], weeks_left: float) -> Pace | None:
    """The pace from what is known for good; what has come in beyond it is the least that a goal ends with."""
    if so_far >= target:
        weeks_left, known = 0.0, so_far
    found = pace(target, known, np.array(weeks, dtype=float), weeks_left)
    return found and replace(found, low=max(found.low, so_far), high=max(found.high, so_far))


def _fills(campaign: Campaign, week: Week) -> bool:
    return campaign.starts <= week.monday and week.sunday <= campaign.ends
