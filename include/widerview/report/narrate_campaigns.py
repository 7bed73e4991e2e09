"""The words of a campaign's table: what each row is, and the lines below it."""

from typing import NamedTuple

from widerview.report.clean_text import clip
from widerview.report.facts import CampaignFact, CampaignRow, EffectFact, Facts, Group
from widerview.report.narrate import count, figure_line, touchpoint
from widerview.report.voice import Voice, ends, inline, voice_of
from widerview.vocabulary.metrics import METRICS

_FROM_POSTS = "reactions_per_post"

_WHOLE_FROM = 10
"""Visits a day below this are told with a decimal, and parts of results with two."""

_DECIMALS_OF_FEW = 2


_TELLING = (
    "visits", "conversions", "converted_visits", "redemptions", "scans", "attendance", "email_clicks", "reach",
)  # fmt: skip
"""The numbers of a campaign that say most, in this order."""

_FEW = 3


class Line(NamedTuple):
    """One row for print: what it is, and its numbers of the week and so far; or, apart, what a platform claims."""

    label: str
    week: str
    so_far: str
    claimed: str = ""


class Section(NamedTuple):
    """Rows that belong together, under their heading."""

    heading: str
    lines: list[Line]


def table(facts: Facts, campaign: CampaignFact) -> list[Section]:
    """A campaign's table: social, partners, website with what led there, everything else, and what platforms claim."""
    _ = voice_of(facts.locale).gettext
    headings: dict[Group, str] = {
        "social": _("On social media"),
        "partners": _("Partners and influencers, a short-term channel of their own"),
        "website": _("On your website"),
        "offline": _("In print, in person, by email"),
        "claimed": _("What platforms claim, never added to the above"),
    }
    sections = []
    for group, heading in headings.items():
        lines = [_line(facts, row) for row in campaign.rows if row.group == group]
        if group == "website":
            lines[1:1] = _touchpoints(facts, campaign)
        if lines:
            sections.append(Section(heading, lines))
    return sections


def _touchpoints(facts: Facts, campaign: CampaignFact) -> list[Line]:
    _ = voice_of(facts.locale).say
    return [
        Line(
            _("through %(touchpoint)s", touchpoint=touchpoint(facts, each.name, each.kind)),
            count(facts, each.visits),
            count(facts, each.so_far),
        )
        for each in campaign.touchpoints
    ]


def _line(facts: Facts, row: CampaignRow) -> Line:
    if row.group == "claimed":
        return Line(_claim(facts, row), "", "", row_number(facts, row, row.so_far))
    return Line(_label(facts, row), row_number(facts, row, row.week), row_number(facts, row, row.so_far))


def _label(facts: Facts, row: CampaignRow) -> str:
    _ = voice_of(facts.locale).say
    if row.metric == "reach":
        return _("People reached on %(platform)s, at least", platform=row.of)
    if row.metric == "untagged_landing_visits":
        where = row.of or _("its pages")
        return _("Visits that began on %(page)s without a tag, counted in no other row", page=where)
    if row.metric == "landing_visits":
        where = row.of or _("its pages")
        return _("Visits that began on %(page)s, with or without a tag, not to be added", page=where)
    name = {"posts": _("Posts"), "visits": _("Visits")}.get(row.metric) or _(METRICS[row.metric].label)
    if row.place:
        return _("%(what)s: %(of)s, %(place)s", what=name, of=row.of, place=row.place)
    return _("%(what)s: %(of)s", what=name, of=row.of) if row.of else name


def _claim(facts: Facts, row: CampaignRow) -> str:
    """What a platform claims, and how much of it in the week."""
    _ = voice_of(facts.locale).say
    if row.metric == "claimed_leads":
        what = _("Forms %(platform)s says were sent", platform=row.of)
    else:
        what = _("Results %(platform)s claims", platform=row.of)
    if row.week is None:
        return what
    return _("%(what)s, %(week)s of them this week", what=what, week=row_number(facts, row, row.week))


def row_number(facts: Facts, row: CampaignRow, value: float | None) -> str:
    """A number of a campaign's table, money with its currency."""
    voice = voice_of(facts.locale)
    if value is not None and row.currency is not None:
        number = voice.money(value, row.currency)
    elif value is not None and value < _WHOLE_FROM and value != round(value):
        number = voice.number(value, _DECIMALS_OF_FEW)  # a platform may claim a part of a result
    else:
        number = count(facts, None if value is None else round(value))
    is_open = row.at_least and value is not None and row.metric != "reach"
    return voice.say("at least %(number)s", number=number) if is_open else number


def campaign_line(facts: Facts, campaign: CampaignFact) -> str:
    """A campaign's days, and its posts and visits in the week."""
    voice = voice_of(facts.locale)
    posts = voice.count("%(n)s post", "%(n)s posts", campaign.posts)
    days = voice.days(campaign.starts, campaign.ends)
    return voice.gettext("%(days)s. This week: %(posts)s, %(visits)s.") % {
        "days": days,
        "posts": posts,
        "visits": _visits(voice, campaign.visits),
    }


def _visits(voice: Voice, visits: int | None) -> str:
    if visits is None:
        return voice.gettext("visits not reported")
    return voice.count("%(n)s visit", "%(n)s visits", visits)


def few(facts: Facts, campaign: CampaignFact) -> list[Line]:
    """The few numbers of a campaign that say most; of each kind the first that is known and was not 0 all along."""
    rows = [row for row in campaign.rows if row.group in {"website", "offline", "social"}]
    known = [row for row in rows if row.week is not None and (row.week or row.so_far)]
    first = {row.metric: row for row in reversed(known)}
    return [_line(facts, first[metric]) for metric in _TELLING if metric in first][:_FEW]


def brief_line(facts: Facts, campaign: CampaignFact) -> str:
    """A campaign in one line."""
    voice = voice_of(facts.locale)
    return voice.say(
        "“%(name)s”: %(visits)s this week.",
        name=clip(campaign.name, 60),
        visits=_visits(voice, campaign.visits),
    )


def effect_brief(facts: Facts, campaign: CampaignFact) -> str:
    """What a campaign added, where that is known."""
    is_known = campaign.effect is not None and campaign.effect.verdict != "not known"
    return (is_known and _effect_line(facts, campaign)) or ""


def lines(facts: Facts, campaign: CampaignFact) -> list[str]:
    """What is said below a campaign's table."""
    found = [_effect_line(facts, campaign), _reach_line(facts, campaign), _partner_line(facts, campaign)]
    found += [_cost_line(facts, campaign), _touch_line(facts, campaign)]
    return [line for line in found if line]


def _effect_line(facts: Facts, campaign: CampaignFact) -> str | None:
    effect = campaign.effect
    if effect is None:
        return None
    voice = voice_of(facts.locale)
    if effect.average is None or effect.low is None or effect.high is None:
        return _no_effect_line(voice, effect)
    if effect.verdict == "not told":
        return voice.say("So far: no effect on website visits that we can tell from normal weeks.")
    fewer = effect.verdict == "fewer"
    low, high = (-effect.high, -effect.low) if fewer else (effect.low, effect.high)
    decimals = 0 if abs(effect.average) >= _WHOLE_FROM else 1
    average, between = voice.number(abs(effect.average), decimals), ends(voice, low, high, decimals)
    if fewer:
        return voice.say(
            "So far: about %(average)s fewer visits a day than expected (%(between)s).",
            average=average,
            between=between,
        )
    return voice.say(
        "So far: about %(average)s more visits a day than expected (%(between)s).",
        average=average,
        between=between,
    )


def _no_effect_line(voice: Voice, effect: EffectFact) -> str:
    if effect.why == "other campaigns":
        return voice.say(
            "Other campaigns ran at the same time or shortly before, so what this one added to your website visits "
            "cannot be told apart."
        )
    if effect.why == "not enough past":
        return voice.say("Too few days before it are known to tell an effect on website visits.")
    if effect.why == "too few days known":
        return voice.say("Too few of its own days are known so far to tell an effect on website visits.")
    return voice.say("Too few days are known, of it or before it, to tell an effect on website visits.")


def _reach_line(facts: Facts, campaign: CampaignFact) -> str | None:
    if not any(row.metric == "reach" and row.so_far is not None for row in campaign.rows):
        return None
    return voice_of(facts.locale).gettext(
        "People reached are those of the post that reached most; they are never added up, for many saw more than one."
    )


def _partner_line(facts: Facts, campaign: CampaignFact) -> str | None:
    """Partners pass; beside them stands what the client's own accounts do in the long run."""
    own = next((figure for figure in facts.figures if figure.id == _FROM_POSTS), None)
    if not any(row.group == "partners" for row in campaign.rows) or own is None or own.value is None:
        return None
    voice, line = voice_of(facts.locale), figure_line(facts, own)
    if own.usual is None:
        return voice.say(
            "Your own accounts, for the long run: %(number)s reactions per post this week.", number=line.number
        )
    return voice.say(
        "Your own accounts, for the long run: %(number)s reactions per post this week, %(usual)s.",
        number=line.number,
        usual=line.usual,
    )


def _cost_line(facts: Facts, campaign: CampaignFact) -> str | None:
    cost = campaign.cost
    if cost is None:
        return None
    voice = voice_of(facts.locale)
    spent = voice.money(cost.cost, cost.currency)
    ads, budget = (voice.money(number, cost.currency) for number in (cost.ads, cost.budget))
    if cost.ads and cost.budget:
        spent = voice.say(
            "%(spent)s (%(ads)s of it for ads, whose budget is %(budget)s)", spent=spent, ads=ads, budget=budget
        )
    elif cost.ads:
        spent = voice.say("%(spent)s (%(ads)s of it for ads)", spent=spent, ads=ads)
    result = _result(facts, cost.metric)
    if cost.per_result is None:
        return voice.say("Cost so far: %(spent)s; no results yet (%(result)s).", spent=spent, result=result)
    return voice.say(
        "Cost so far: %(spent)s, which is %(each)s for each of %(number)s results (%(result)s).",
        spent=spent,
        each=voice.money(cost.per_result, cost.currency),
        number=voice.number(cost.results),
        result=result,
    )


def _touch_line(facts: Facts, campaign: CampaignFact) -> str | None:
    touch = campaign.first_touch
    if touch is None:
        return None
    voice = voice_of(facts.locale)
    return voice.say(
        "Who gets the credit (%(result)s so far): %(last)s if the last link before them counts, %(first)s if the link "
        "that first brought the visitor does. Neither is the whole truth.",
        result=_result(facts, touch.metric),
        last=voice.number(touch.last),
        first=voice.number(touch.first),
    )


def _result(facts: Facts, metric: str) -> str:
    return inline(facts, voice_of(facts.locale).gettext(METRICS[metric].label))


def untagged_line(facts: Facts) -> str | None:
    """How many visits that look like social ones no campaign can claim, because their links had no tags."""
    if facts.untagged is None:
        return None
    voice = voice_of(facts.locale)
    return voice.say(
        "Of %(visits)s visits that seem to come from social networks, %(untagged)s (%(share)s) came by links without "
        "tags: of these nobody can tell which campaign brought them.",
        visits=voice.number(facts.untagged.visits),
        untagged=voice.number(facts.untagged.untagged),
        share=voice.percent(facts.untagged.untagged / facts.untagged.visits),
    )
