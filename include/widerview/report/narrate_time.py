"""Words for what is seen over days and months: days worth knowing, lasting changes, goals and the year."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from widerview.report.clean_text import clip
from widerview.report.facts import Facts, Figure, GoalFact, KnownEvent, LevelChange, NotableDay, Year
from widerview.report.narrate import channel_name
from widerview.report.voice import Voice, ends, inline, rounded, times, voice_of

SURE = 0.95
"""How often the range of a lasting change, or of a year's growth, holds the true one."""

_FEWEST_DIGITS = 2


def notable_day(facts: Facts, notable: NotableDay) -> str:
    """A day that stood out: what it had, what such a weekday usually has, and what explains it."""
    voice = voice_of(facts.locale)
    line = voice.gettext("%(day)s: %(what)s %(value)s (usually %(range)s).") % {
        "day": voice.day(notable.day),
        "what": what_stood_out(facts, notable),
        "value": voice.number(notable.value),
        "range": ends(voice, notable.low, notable.high),
    }
    if notable.because is None:
        return line
    expected = voice.gettext("Expected: %(reason)s.") % {"reason": _reason(voice, notable.because, notable)}
    return f"{line} {expected}"


def what_stood_out(facts: Facts, notable: NotableDay) -> str:
    """What a day stood out in."""
    voice = voice_of(facts.locale)
    metric = inline(facts, voice.gettext(notable.label))
    if notable.platform:
        return voice.say("%(metric)s on %(platform)s", metric=metric, platform=notable.platform)
    if notable.channel:
        return voice.say("%(metric)s from “%(channel)s”", metric=metric, channel=channel_name(facts, notable.channel))
    return metric


def _reason(voice: Voice, event: KnownEvent, notable: NotableDay) -> str:
    _ = voice.gettext
    if event.what == "holiday":
        return _(event.name or "a day off")
    if event.what == "paid":
        return voice.say("paid promotion on %(name)s", name=clip(event.name, 60))
    today, earlier = {
        "campaign starts": (_("“%(name)s” starts"), _("“%(name)s” began on %(day)s")),
        "campaign ends": (_("“%(name)s” ends"), _("“%(name)s” ended on %(day)s")),
        "asset starts": (_("“%(name)s”"), _("“%(name)s” since %(day)s")),
        "asset ends": (_("“%(name)s”"), _("“%(name)s” until %(day)s")),
        "timeline": (_("“%(name)s”"), _("“%(name)s” on %(day)s")),
    }[event.what]
    words = {"name": clip(event.name, 60), "day": voice.day(event.day)}
    return (today if event.day == notable.day else earlier) % words


def level_change_brief(facts: Facts, change: LevelChange | None) -> str:
    """The same as `level_change` in a few words."""
    if change is None:
        return ""
    voice = voice_of(facts.locale)
    if change.why == "measured differently":
        return voice.say("measured differently since %(day)s", day=voice.long_day(change.since))
    return voice.say("at a new level since %(day)s", day=voice.long_day(change.since))


def level_change(facts: Facts, change: LevelChange | None) -> str:
    """Since when a figure does not compare with earlier weeks; empty if there is nothing to say."""
    voice = voice_of(facts.locale)
    if change is None:
        return ""
    if change.why == "measured differently":
        return voice.gettext("measured differently since %(day)s") % {"day": voice.long_day(change.since)}
    if change.times is None or change.low is None or change.high is None:
        return ""
    words = {
        "day": voice.long_day(change.since),
        "times": _times_with_range(voice, change.times, change.low, change.high),
    }
    if change.after_day is None:
        return voice.say("a lasting change since %(day)s: %(times)s", **words)
    words |= {"what": clip(change.after, 60), "then": voice.long_day(change.after_day)}
    return voice.say("a lasting change since %(day)s, after “%(what)s” on %(then)s: %(times)s", **words)


def _times_with_range(voice: Voice, factor: float, low: float, high: float) -> str:
    """How many times as much as before, and the range of it rounded outwards; below one as a share."""
    if factor < 1:
        return voice.gettext("about %(share)s of what it was (%(low)s to %(high)s)") % {
            "share": voice.percent(float(rounded(factor, 2))),
            "low": voice.percent(float(rounded(low, 2, ROUND_FLOOR))),
            "high": voice.percent(float(rounded(high, 2, ROUND_CEILING))),
        }
    return voice.gettext("%(times)s what it was (%(low)s to %(high)s times)") % {
        "times": times(voice, factor),
        "low": voice.about(rounded(low, 1, ROUND_FLOOR)),
        "high": voice.about(rounded(high, 1, ROUND_CEILING)),
    }


def goal_name(facts: Facts, goal: GoalFact) -> str:
    """What a goal counts."""
    voice = voice_of(facts.locale)
    label = voice.gettext(goal.label)
    return voice.say("%(goal)s “%(campaign)s”", goal=label, campaign=goal.campaign) if goal.campaign else label


def goal_title(facts: Facts, goal: GoalFact) -> str:
    """What a goal counts, and over which days."""
    return f"{goal_name(facts, goal)}, {voice_of(facts.locale).days(goal.starts, goal.ends)}"


def goal_line(facts: Facts, goal: GoalFact) -> str:
    """How far a goal is, and where it is likely to end, as a range; never as one number."""
    voice = voice_of(facts.locale)
    _ = voice.gettext
    words = {"target": voice.number(goal.target), "day": voice.long_day(goal.ends)}
    if goal.so_far is None:
        return _("not all days since its start are known, so we cannot say how far your goal of %(target)s is.") % words
    words["so_far"] = voice.number(goal.so_far)
    if goal.ends <= facts.last_day and goal.word and goal.low is None:
        if goal.word == "reached":
            return _("%(so_far)s by %(day)s; your goal of %(target)s was reached.") % words
        return _("%(so_far)s by %(day)s; your goal was %(target)s.") % words
    if goal.word == "reached":
        return _("%(so_far)s so far; your goal of %(target)s by %(day)s is reached.") % words
    if goal.word is None or goal.low is None or goal.high is None:
        return _("%(so_far)s of %(target)s so far; too early to say where it will end.") % words
    words["range"] = likely(voice, goal)
    standing = {
        "ahead": _("well within reach"),
        "within reach": _("within reach"),
        "behind": _("out of reach at this pace"),
    }[goal.word]
    return _("%(so_far)s of %(target)s so far; likely %(range)s by %(day)s: %(standing)s.") % {
        **words,
        "standing": standing,
    }


def likely(voice: Voice, goal: GoalFact) -> str:
    """Where a goal is likely to end, to the fewest digits, at least two, at which the numbers agree with the words."""
    low, high = goal.low or 0.0, goal.high or 0.0
    for digits in range(_FEWEST_DIGITS, len(str(round(high))) + 1):
        unit = Decimal(10) ** max(len(str(round(high))) - digits, 0)
        least = (Decimal(str(low)) / unit).to_integral_value(ROUND_CEILING) * unit
        most = (Decimal(str(high)) / unit).to_integral_value(ROUND_FLOOR) * unit
        word = "ahead" if least >= goal.target else "within reach" if most >= goal.target else "behind"
        if word == goal.word and (goal.so_far or 0) <= least < most:
            return f"{voice.number(least)}–{voice.number(most)}"
    return ends(voice, low, high)


def year_line(facts: Facts, year: Year) -> str:
    """How a year has gone, a usual week of its last quarter against one of its first, as a range."""
    _ = (voice := voice_of(facts.locale)).gettext
    low, high = rounded(year.low, 1, ROUND_FLOOR), rounded(year.high, 1, ROUND_CEILING)
    words = {"times": times(voice, year.times), "low": voice.about(low), "high": voice.about(high)}
    if low <= 1 <= high:
        text = _(
            "No clear change: a usual week of the last three months had %(low)s to %(high)s times as many as one a "
            "year ago."
        )
    else:
        text = _(
            "A usual week of the last three months had %(times)s as many as one a year ago (%(low)s to %(high)s times)."
        )
    return text % words


def year_title(facts: Facts, year: Year) -> str:
    """The heading over a year."""
    voice = voice_of(facts.locale)
    return voice.say("%(figure)s over a year", figure=voice.gettext(year.label))


def year_alt(facts: Facts, year: Year) -> str:
    """A year in words: a usual week of each quarter, then all weeks."""
    voice = voice_of(facts.locale)
    quarters = voice.say(
        "%(title)s, %(days)s. A usual week of each quarter: %(quarters)s.",
        title=year_title(facts, year),
        days=voice.days(year.weeks[0].monday, facts.last_day),
        quarters=", ".join(voice.number(quarter, 1) for quarter in year.quarters),
    )
    numbers = [
        voice.gettext("not reported") if week.value is None else voice.number(week.value, 1) for week in year.weeks
    ]
    by_week = voice.say("Week by week, the oldest first: %(numbers)s.", numbers=", ".join(numbers))
    return f"{quarters} {by_week}"


def about_time(facts: Facts) -> list[str]:
    """How to read what is said of goals, lasting changes and the year, for the end of the mail."""
    _ = (voice := voice_of(facts.locale)).gettext
    lines = []
    if facts.worth_knowing:
        lines.append(
            _(
                "Worth knowing: of all days and numbers of your week, those that chance hardly explains. Each is held "
                "against the same weekday."
            )
        )
    if likely := [goal.coverage for goal in facts.goals if goal.low is not None]:
        lines.append(
            _("“Likely”: if weeks go on as they lately did, it ends in this range in about %(share)s of cases.")
            % {"share": voice.percent(likely[0])}
        )
    if facts.year or any(_is_lasting(figure) for figure in facts.figures):
        lines.append(
            _("How many times as much: the range in brackets holds the truth in about %(share)s of cases.")
            % {"share": voice.percent(SURE)}
        )
    return lines


def _is_lasting(figure: Figure) -> bool:
    return figure.change is not None and figure.change.why == "lasting"
