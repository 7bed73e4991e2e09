"""The words of what is coming up: plans, and what is asked of the client; and what somebody is thanked for."""

import datetime as dt
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from widerview.report.clean_text import clip
from widerview.report.facts import Ask, Facts, Plan
from widerview.report.narrate import earned_more_by_fewer
from widerview.report.narrate_posts import best_post
from widerview.report.voice import voice_of

_ENOUGH_ANSWERS = 3
_QUICK_HOURS = 2


def in_time(facts: Facts) -> Facts:
    """The facts as they are true on the day of their approval, which may have come late.

    What was planned for the days before is over, and what was asked until then is asked until two days later, on a
    weekday on which the client's office is open.
    """
    if facts.approved_at is None:
        return facts
    today = facts.approved_at.astimezone(ZoneInfo(facts.time_zone)).date()
    planned = tuple(plan for plan in facts.planned if isinstance(plan, str) or plan.day >= today)
    ask = facts.ask
    if ask and ask.by <= today:
        open_days = {day for hours in facts.hours for day in range(hours.first, hours.last + 1)} or set(range(7))
        days = [today + dt.timedelta(days=count) for count in range(2, 9)]
        ask = replace(ask, by=next(day for day in days if day.weekday() in open_days))
        if ask.what == "pictures" and ask.day and ask.day <= ask.by:
            ask = None  # they would come too late
    return replace(facts, planned=planned, ask=ask)


def plan_line(facts: Facts, plan: Plan | str) -> str:
    """Something that is planned for the days to come."""
    if isinstance(plan, str):
        return plan
    _ = (voice := voice_of(facts.locale)).gettext
    text = {
        "starts": _("“%(name)s” starts on %(day)s"),
        "ends": _("“%(name)s” ends on %(day)s"),
        "goes on": _("“%(name)s” goes on until %(day)s"),
        "asset": _("“%(name)s” on %(day)s"),
    }[plan.what]
    return text % {"name": clip(plan.name, 60), "day": voice.day(plan.day)}


def ask_line(facts: Facts, ask: Ask) -> str:
    """The one thing that is asked of the client, and until when."""
    voice = voice_of(facts.locale)
    words = {
        "by": voice.day(ask.by),
        "name": clip(ask.name, 60),
        "day": voice.day(ask.day) if ask.day else "",
    }
    match ask.what:
        case "answers":
            return voice.count(
                "Please answer the %(n)s person who still waits, by %(by)s.",
                "Please answer the %(n)s people who still wait, by %(by)s.",
                ask.waiting,
                by=words["by"],
            )
        case "head count":
            return voice.say("Please tell us by %(by)s: how many came to “%(name)s” on %(day)s?", **words)
        case "pictures":
            return voice.say("Please send us pictures by %(by)s: “%(name)s” starts on %(day)s.", **words)


def thanks(facts: Facts) -> list[str]:
    """What somebody has done well and deserves thanks for, a sentence each; nothing where data is missing."""
    if facts.colour == "red":
        return []
    voice, answers = voice_of(facts.locale), facts.conversation.answers
    lines = [
        voice.say("Your goal is reached: %(goal)s. Thank you all!", goal=voice.gettext(goal.label))
        for goal in facts.goals
        if goal.word == "reached"
    ]
    if earned_more_by_fewer(facts):
        lines.append(voice.gettext("Less was posted, and with more care. Thank you!"))
    if answers and answers.answered >= answers.received >= _ENOUGH_ANSWERS:
        lines.append(
            voice.count(
                "The %(n)s new conversation we saw got an answer. Thank you for that!",
                "All %(n)s new conversations we saw got an answer. Thank you for that!",
                answers.received,
            )
        )
    elif answers and answers.half_within is not None and answers.half_within <= _QUICK_HOURS:
        lines.append(voice.gettext("Thank you to all, with you and with us, who answered so quickly!"))
    if best := best_post(facts):
        day = voice.day(best.published_at.astimezone(ZoneInfo(facts.time_zone)).date())
        lines.append(voice.say("Thank you to whoever made the post of %(day)s!", day=day))
    return lines
