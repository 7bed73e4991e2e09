"""The words of the appendix: where the numbers come from, what they count, and who has approved the report."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from widerview.report.facts import Facts, SourceFact
from widerview.report.narrate import figure_line
from widerview.report.narrate_posts import stands_out
from widerview.report.voice import voice_of


def source_title(facts: Facts, source: SourceFact) -> str:
    """A source's name for people: of an analytics, that it stands for the website."""
    _ = voice_of(facts.locale).gettext
    return _("Website (%(name)s)") % {"name": _(source.analytics)} if source.analytics else _(source.title)


def source_line(facts: Facts, source: SourceFact) -> str:
    """The verdict on one source: its name, a word for its colour, and the days that are not whole, with the reason."""
    _ = voice_of(facts.locale).gettext
    word = {"green": _("so far") if source.early else _("complete"), "amber": _("incomplete"), "red": _("missing")}
    days = {
        _("wrong or missing: %(days)s"): source.absent,
        _("late or not whole: %(days)s"): source.late,
        _("some numbers cannot be right and are left out: %(days)s"): source.held,
        _("unlike earlier weeks, and told as it is: %(days)s"): source.unlike,
        _("may still rise: %(days)s"): source.early,
    }
    parts = [text % {"days": _named_days(facts, some)} for text, some in days.items() if some]
    if source.not_given:
        names = voice_of(facts.locale).listed([_(name) for name in source.not_given])
        parts.append(_("not given by the platform: %(metrics)s") % {"metrics": names})
    if source.left_out:
        parts.append(_("the figures of this report are without it, in all weeks"))
    if not parts:
        is_whole = source.colour == "green"
        parts.append(_("all seven days have been read") if is_whole else _("some of it is late or missing"))
    return f"{source_title(facts, source)} ({word[source.colour]}): {'; '.join(parts)}."


def _named_days(facts: Facts, days: Sequence[dt.date]) -> str:
    voice = voice_of(facts.locale)
    is_whole_week = len(days) == (facts.last_day - facts.first_day).days + 1
    return voice.gettext("all seven days") if is_whole_week else voice.listed([voice.day(day) for day in days])


def provenance(facts: Facts) -> list[str]:
    """Where the numbers come from: as of when, in which zone, against which weeks."""
    _ = (voice := voice_of(facts.locale)).gettext
    lines = [
        _("Data as of %(moment)s (%(zone)s). The week runs from Monday to Sunday in this time zone.")
        % {"moment": voice.moment(facts.as_of, ZoneInfo(facts.time_zone)), "zone": facts.time_zone}
    ]
    if facts.corrects:
        lines.append(
            _("This report corrects an earlier one of the same week (revision %(revision)s).")
            % {"revision": voice.number(facts.revision)}
        )
    if ranges := [figure.usual for figure in facts.figures if figure.usual]:
        shortest = min(ranges, key=lambda usual: usual.weeks)
        lines.append(
            voice.count(
                "“Usual” is the range about %(share)s of your own weeks fall in, learnt from at least %(n)s week.",
                "“Usual” is the range about %(share)s of your own weeks fall in, learnt from at least %(n)s weeks.",
                shortest.weeks,
                share=voice.percent(shortest.coverage),
            )
        )
    if any(figure_line(facts, figure).wide for figure in facts.figures):
        lines.append(
            _("“Far” above or below lies outside the range about %(share)s of your own weeks fall in.")
            % {"share": voice.percent(ranges[0].wide_coverage)}
        )
    if lifts := [post.lift for post in facts.posts if post.lift and stands_out(post.lift)]:
        lines.append(
            _(
                "“The usual” of a post: reactions to your own posts of the same kind on the same platform, in the "
                "weeks before. Chance is allowed for; the range in brackets holds the truth in about %(share)s of "
                "cases."
            )
            % {"share": voice.percent(lifts[0].coverage)}
        )
    if any(figure.so_far and figure.value is not None for figure in facts.figures):
        lines.append(
            _(
                "“So far”: the platforms may still raise this number over the next days; where we can, we compare it "
                "with earlier weeks at the same age."
            )
        )
    return lines


def meanings(facts: Facts) -> list[str]:
    """What each figure counts, by which version of its definition, and what else is known of it."""
    _ = voice_of(facts.locale).gettext
    lines = [(figure, figure_line(facts, figure)) for figure in facts.figures]
    return [
        f"{line.label}: {_(figure.meaning)} "
        f"({'; '.join(filter(None, (figure.definition, line.last_week, line.wide, line.posts)))})"
        for figure, line in lines
    ]


def approval(facts: Facts) -> str:
    """Who has approved the report, and when; empty while nobody has."""
    if facts.approved_at is None:
        return ""
    voice = voice_of(facts.locale)
    if facts.approved_by is None:
        return voice.say("This report was sent without a review, as agreed with you.")
    moment = voice.moment(facts.approved_at, ZoneInfo(facts.time_zone))
    return voice.say("Approved by %(name)s on %(moment)s.", name=facts.approved_by, moment=moment)


def hours_line(facts: Facts) -> str:
    """When we write to the client: in their office hours only."""
    voice = voice_of(facts.locale)
    hours = facts.office_hours
    if facts.hours:
        # The first of January 2024 was a Monday.
        names = [voice.weekday(dt.date(2024, 1, day)) for day in range(1, 8)]
        hours = ", ".join(
            f"{names[each.first]}{'' if each.first == each.last else f'–{names[each.last]}'} {each.opens}–{each.closes}"
            for each in facts.hours
        )
        if facts.closed_on_holidays:
            hours = voice.say("%(hours)s, not on holidays", hours=hours)
    return voice.say(
        "We write to you only in your office hours: %(hours)s (%(zone)s).", hours=hours, zone=facts.time_zone
    )
