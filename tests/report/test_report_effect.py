"""Which of a client's days and channels an effect is told from, and in what words."""

import datetime as dt

import msgspec
import numpy as np
import pytest

from facts_samples import good_week
from otter_bakery import client as otter
from widerview.report import narrate_campaigns
from widerview.report.effect import PAST, effect_of, looked_at_from
from widerview.report.facts import EffectFact

STARTS = dt.date(2026, 11, 2)
LAST = STARTS + dt.timedelta(days=13)
DAYS = [STARTS - PAST + dt.timedelta(days=offset) for offset in range(PAST.days + 14)]
CAMPAIGN = {"key": "rolls", "name": "Rolls", "goal": "Sell rolls", "starts": STARTS, "ends": "2026-12-31"}
SITE = {"platform": "matomo", "site_id": "7", "connection": "matomo", "url": "https://otter.example"}
EARLIER = CAMPAIGN | {"key": "earlier", "starts": "2026-08-01", "ends": "2026-08-31"}


def effect(*others, added=60.0, earlier=0.0, unknown=(), unsettled=(), on_social=False, **changes):
    """Tell a campaign that adds so many visits a day, of a website with one that added others in August."""
    client = otter(web=[SITE], campaigns=[CAMPAIGN | changes, *others])
    random = np.random.default_rng(8)
    demand = dict(zip(DAYS, random.normal(0, 8, len(DAYS)), strict=True))
    visits = {
        day: 150 + 2 * demand[day] + random.normal(0, 4) + added * (day >= STARTS) + earlier * (day.month == 8)
        for day in DAYS
        if day not in unknown
    }
    channels = {name: {day: 20 + demand[day] for day in visits} for name in ("direct", "search", "social", "website")}
    channels["campaign"] = {day: added for day in visits if day >= STARTS}
    visits |= {day: visits[day] / 2 for day in unsettled}
    settled = set(DAYS) - set(unsettled)
    return effect_of(client, client.campaigns[0], LAST, visits, channels, settled=settled, on_social=on_social)


def test_it_is_told_of_the_days_up_to_the_last_one():
    found = effect()
    assert (found.verdict, found.days) == ("more", 14)
    assert found.low < 60 < found.high
    assert effect(added=-60.0).verdict == "fewer"
    assert effect(added=0.0).verdict == "not told"
    assert effect(ends=STARTS + dt.timedelta(days=6)).days == 7


def test_days_of_other_campaigns_are_left_out():
    """What an earlier campaign brought is not usual, and a campaign at the same time is not this one."""
    plain, beside = effect(), effect(EARLIER, earlier=200.0)
    assert beside.verdict == "more"
    assert beside.high - beside.low < 1.5 * (plain.high - plain.low)
    assert effect(earlier=200.0).high > beside.high
    assert effect(EARLIER | {"starts": LAST - dt.timedelta(days=3), "ends": LAST}).days == 10
    beside_another = effect(EARLIER | {"starts": STARTS, "ends": LAST})
    assert beside_another == EffectFact(verdict="not known", why="other campaigns")
    before_too = EARLIER | {"starts": DAYS[5], "ends": LAST - dt.timedelta(days=8)}
    assert effect(before_too) == EffectFact(verdict="not known", why="other campaigns")


def test_a_campaign_that_runs_all_the_time_is_part_of_what_is_usual():
    always = EARLIER | {"starts": DAYS[0], "ends": LAST + dt.timedelta(days=90)}
    assert effect(always) == effect()


def test_days_that_are_not_yet_counted_to_the_end_are_no_lack_of_visits():
    assert effect(added=0.0, unsettled=DAYS[-2:]) == effect(added=0.0, unknown=DAYS[-2:])
    assert effect(unsettled=DAYS[-2:]).days == 12
    of_a_weekend = effect(added=0.0, unsettled=DAYS[-2:], starts=LAST - dt.timedelta(days=2))
    assert of_a_weekend == EffectFact(verdict="not known", why="too few days known")


def test_of_a_campaign_of_half_a_year_twice_as_long_a_past_is_looked_at():
    client = otter(web=[SITE], campaigns=[CAMPAIGN])
    campaign = client.campaigns[0].model_copy(update={"ends": STARTS + dt.timedelta(days=400)})
    last = STARTS + dt.timedelta(days=182)
    first = looked_at_from(campaign, last)
    assert (STARTS - first).days == 366
    assert looked_at_from(campaign, LAST) == STARTS - PAST
    random = np.random.default_rng(8)
    days = [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
    visits = {day: 150 + random.normal(0, 4) + 60 * (day >= STARTS) for day in days}
    channels = {"website": dict.fromkeys(days, 20.0)}
    of_all = effect_of(client, campaign, last, visits, channels, settled=set(days), on_social=True)
    assert (of_all.verdict, of_all.days) == ("more", 183)
    short = {day: number for day, number in visits.items() if day >= STARTS - PAST}
    of_short = effect_of(client, campaign, last, short, channels, settled=set(days), on_social=True)
    assert of_short == EffectFact(verdict="not known", why="not enough past")


@pytest.mark.parametrize(
    ("changes", "controls"),
    [
        ({}, ("website",)),
        ({"channels": [{"channel": "display_ads", "budget": 300}]}, ("social",)),
        ({"channels": [{"channel": "display_ads", "budget": 300}], "on_social": True}, ()),
        ({"channels": [{"channel": "display_ads", "budget": 300}], "hashtags": ["#Rolls"]}, ()),
        ({"assets": [{"kind": "press", "name": "Evening Post"}]}, ()),
        ({"assets": [{"kind": "poster", "name": "Poster"}]}, ("website",)),
    ],
)
def test_only_channels_that_the_campaign_does_not_touch_are_controls(changes, controls):
    assert effect(**changes).controls == controls


def test_unknown_days_and_too_few():
    assert effect(unknown=DAYS[40:43]).verdict == "more"
    assert effect(unknown=DAYS[:130]) == EffectFact(verdict="not known", why="not enough past")
    assert effect(unknown=DAYS[-8:]) == EffectFact(verdict="not known", why="too few days known")


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            EffectFact(verdict="more", average=60.4, low=20.2, high=100.9),
            "So far: about 60 more visits a day than expected (21–100).",
        ),
        (
            EffectFact(verdict="fewer", average=-4.26, low=-6.1, high=-1.9),
            "So far: about 4.3 fewer visits a day than expected (1.9–6.1).",
        ),
        (
            EffectFact(verdict="not told", average=12.0, low=-3.0, high=27.0),
            "So far: no effect on website visits that we can tell from normal weeks.",
        ),
        (
            EffectFact(verdict="not known", why="not enough past"),
            "Too few days before it are known to tell an effect on website visits.",
        ),
        (
            EffectFact(verdict="not known", why="too few days known"),
            "Too few of its own days are known so far to tell an effect on website visits.",
        ),
        (
            EffectFact(verdict="not known", why="other campaigns"),
            "Other campaigns ran at the same time or shortly before, so what this one added to your website visits "
            "cannot be told apart.",
        ),
        (
            EffectFact(verdict="not known"),
            "Too few days are known, of it or before it, to tell an effect on website visits.",
        ),
    ],
)
def test_its_words(fact, line):
    facts = good_week()
    campaign = msgspec.structs.replace(facts.campaigns[0], effect=fact)
    assert narrate_campaigns.lines(facts, campaign)[0] == line
