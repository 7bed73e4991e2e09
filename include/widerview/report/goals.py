"""How far the client's goals are, and where each is likely to end, as a range."""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np

from widerview.agency.models import Campaign, Client, Goal
from widerview.measures.goals import pace
from widerview.measures.usual import COVERAGE
from widerview.measures.weeks import Week
from widerview.report.facts import GoalFact
from widerview.report.long_past import LongPast
from widerview.vocabulary.metrics import METRICS

_DAY = dt.timedelta(days=1)
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
    today = weeks[-1].sunday
    for goal in running_goals(client, weeks[-1]):
        campaigns = [each for each in client.campaigns if goal.campaign in {None, each.key}]
        keys = [each.key for each in campaigns]
        length = (min(goal.ends, today) - goal.starts).days + 1
        so_far = past.over(goal.metric, [goal.starts + count * _DAY for count in range(length)], keys)
        ends = goal.ends
        learnt_from = list(weeks)
        if goal.metric == "campaign_visits":
            # Weeks without a campaign say nothing of what is usual for a week with one, and after its end none come.
            ends = min(goal.ends, max((each.ends for each in campaigns), default=today))
            learnt_from = [week for week in weeks if any(_fills(each, week) for each in campaigns)]
        values = [past.week(goal.metric, week, keys) for week in learnt_from]
        left = max((ends - today) / _WEEK, 0.0)
        found = None if so_far is None else pace(goal.target, so_far, np.array(values, dtype=float), left)
        yield GoalFact(
            label=METRICS[goal.metric].label,
            campaign=campaigns[0].name if goal.campaign else None,
            note=goal.note,
            target=goal.target,
            starts=goal.starts,
            ends=goal.ends,
            so_far=so_far,
            low=round(found.low, 3) if found and left else None,
            high=round(found.high, 3) if found and left else None,
            coverage=COVERAGE,
            word=found.word if found else None,
        )


def _fills(campaign: Campaign, week: Week) -> bool:
    return campaign.starts <= week.monday and week.sunday <= campaign.ends
