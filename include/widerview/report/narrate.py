"""Turn facts into words: a small grammar, and every number in it comes from the facts.

The wording is English and is the key of a gettext catalogue; another language is one more catalogue,
`locale/<language>/LC_MESSAGES/report.mo`. Numbers are written as the client's locale writes them.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from widerview.report.clean_text import clip
from widerview.report.facts import (
    Answers,
    CampaignFact,
    Chart,
    Conversation,
    Correction,
    DayPoint,
    Facts,
    Figure,
    Lift,
    PostFact,
    SourceFact,
    Usual,
)
from widerview.report.voice import Voice, ends, inline, rounded, rounded_range, times, voice_of

SUBJECT_LENGTH = 50
PREHEADER_LENGTH = (40, 100)

_FROM_ANYWHERE = {"visits", "campaign_visits"}
_PER_POST = "reactions_per_post"
_FROM_POSTS = {_PER_POST, "replies_received", "passed_on"}
_MUCH_MORE = 2
_AT_MOST_NAMED = 2


# --- The sentences -----------------------------------------------------------------------------------------------


def subject(facts: Facts) -> str:
    """The mail's subject: the finding first, at most 50 characters."""
    _ = (voice := voice_of(facts.locale)).gettext
    words = {
        "opening": _opening(facts),
        "name": facts.client_name,
        "week": voice.number(facts.first_day.isocalendar().week),
    }
    candidates = [_("%(opening)s: %(name)s, week %(week)s"), _("%(opening)s: %(name)s")]
    if _grade(facts) == "good":
        words["figure"] = _with_word(facts, "above")[0].label
        candidates.insert(0, _("%(figure)s above usual: %(name)s"))
    for candidate in candidates:
        if len(text := candidate % words) <= SUBJECT_LENGTH:
            return text
    room = SUBJECT_LENGTH - len(candidates[-1] % {**words, "name": ""})
    limit = room
    while len(name := clip(facts.client_name, limit)) > room:  # what people see as one character may be several
        limit -= 1
    return candidates[-1] % {**words, "name": name}


def preheader(facts: Facts) -> str:
    """The line an inbox shows behind the subject: the first figures, 40 to 100 characters."""
    voice = voice_of(facts.locale)
    shortest, longest = PREHEADER_LENGTH
    text = ""
    for figure in [figure for figure in facts.figures if figure.value is not None][:_AT_MOST_NAMED]:
        line = figure_line(facts, figure)
        part = f"{line.label}: {line.value}" + (f" ({line.usual})" if line.usual else "")
        longer = f"{text} · {part}" if text else part
        if len(longer) <= longest:
            text = longer
    if len(text) < shortest:
        week = voice.gettext("your week of %(days)s, in one minute") % {"days": voice.days(*_week(facts))}
        longer = f"{text} · {week}"
        text = longer if text and len(longer) <= longest else week[0].upper() + week[1:]
    return text


def verdict_line(facts: Facts) -> str:
    """The heading: the week in one line. It is never good without a figure above its range."""
    return f"{_opening(facts)}: {_finding(facts)}"


def _opening(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    match _grade(facts):
        case "good":
            return _("A good week")
        case "needs you":
            return _("This week needs you")
        case "quiet":
            return _("A quiet week")
    above, inside, below = (_with_word(facts, word) for word in ("above", "inside", "below"))
    if above and below:
        return _("A mixed week")
    return _("A normal week") if above or inside or below else _("An early week")


def _finding(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    grade, red = _grade(facts), _titles(facts, "red")
    above, inside, below = (_with_word(facts, word) for word in ("above", "inside", "below"))
    words = {
        "sources": red,
        "above": _names(facts, above),
        "inside": _names(facts, inside),
        "below": _names(facts, below),
    }
    # A number that may still rise is below only so far.
    words["low"] = _("so far below") if any(figure.so_far for figure in below) else _("below")
    findings = (
        (grade == "needs you" and red, _("%(sources)s data is missing")),
        (grade == "quiet" and _posts(facts) == 0, _("nothing was posted")),
        (above and below and grade != "good", _("%(above)s above, %(below)s %(low)s your usual range")),
        (above, _("%(above)s above your usual range")),
        (below, _("%(below)s %(low)s your usual range")),
        (grade == "needs you", _("we would like a word with you")),
        (inside, _("your numbers are where they usually are")),
        (grade == "quiet", _("there is little to report")),
        (True, _("we are still learning what is usual for you")),
    )
    return next(text for applies, text in findings if applies) % words


def three_sentences(facts: Facts) -> tuple[str, str, str]:
    """What happened; why, as far as the facts carry it; and what we need from the client."""
    return _what_happened(facts), _why(facts), _what_we_need(facts)


def _what_happened(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    told = _told(facts)
    clauses = [_clause(facts, figure) for figure in told]
    if better := _fewer_earned_more(facts):
        clauses.append(better)
    rest = [figure for figure in facts.figures if figure not in told]
    if told and rest and all(figure.word == "inside" for figure in rest):
        clauses.append(_("everything else was where it usually is"))
    if _posts(facts) == 0:
        clauses.insert(0, _("nothing was posted this week"))
    if not clauses:
        clauses.append(_("there are no numbers for this week"))
    sentence = "; ".join([clauses[0], *(inline(facts, clause) for clause in clauses[1:])])
    return f"{sentence[0].upper()}{sentence[1:]}."


def _told(facts: Facts) -> list[Figure]:
    """The figures worth a sentence: what left its range, the good and the bad; else the first that is known."""
    above, below = _with_word(facts, "above"), _with_word(facts, "below")
    if above and below:
        return [above[0], below[0]]
    return (above or below)[:_AT_MOST_NAMED] or [figure for figure in facts.figures if figure.value is not None][:1]


def _clause(facts: Facts, figure: Figure) -> str:
    _ = voice_of(facts.locale).gettext
    line = figure_line(facts, figure)
    words = {"figure": figure.label, "value": line.value, "word": line.word, "range": _range(facts, figure, _("to"))}
    if figure.usual is None:
        return _("%(figure)s came to %(value)s, with no usual week to compare yet") % words
    return _("%(figure)s came to %(value)s, %(word)s your usual %(range)s") % words


def _fewer_earned_more(facts: Facts) -> str:
    """That less was posted and it earned more; empty if not so, or if the figures' own verdict does not bear it out."""
    voice, posting = voice_of(facts.locale), facts.posting
    is_above = any(figure.id == _PER_POST for figure in _with_word(facts, "above"))
    if not is_above or posting is None or posting.usual_posts is None or not posting.fewer_earned_more:
        return ""
    return voice.count(
        "fewer posts earned more: %(n)s post this week, where %(usual)s are usual",
        "fewer posts earned more: %(n)s posts this week, where %(usual)s are usual",
        posting.posts,
        usual=voice.about(posting.usual_posts),
    )


def _why(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    if _titles(facts, "red"):
        return _("Data is missing, so we draw no conclusions from this week.")
    for figure in _told(facts):
        if reason := _reason(facts, figure):
            return reason
    if _with_word(facts, "above") or _with_word(facts, "below"):
        return _("We see no single reason, and one week is too little to tell.")
    if _with_word(facts, "inside"):
        return _("Ups and downs inside the usual range are ordinary and need no reason.")
    if _posts(facts) == 0:
        return _("A pause is part of any year.")
    return _("With every week we learn better what is usual for you.")


def _reason(facts: Facts, figure: Figure) -> str | None:
    """What we think lifted a figure above its range, or None where the facts do not carry a reason.

    A campaign: without the visits it brought, the figure would not be above. A post: it drew at least twice what is
    typical of its account and kind, by an estimate that allows for chance.
    """
    voice = voice_of(facts.locale)
    if figure.word != "above" or figure.value is None or figure.usual is None:
        return None
    if figure.id in _FROM_ANYWHERE and facts.campaigns:
        campaign = max(facts.campaigns, key=lambda campaign: campaign.visits or 0)
        if campaign.visits and figure.value - campaign.visits <= figure.usual.high:
            return voice.gettext("We think the campaign “%(campaign)s” helped: it brought %(visits)s.") % {
                "campaign": clip(campaign.name, 60),
                "visits": voice.count("%(n)s visit", "%(n)s visits", campaign.visits),
            }
    if figure.id in _FROM_POSTS and facts.posts:
        lift, post = max(((post.lift, post) for post in facts.posts), key=lambda each: each[0].times if each[0] else 0)
        if lift and lift.times >= _MUCH_MORE and _stands_out(lift):
            return voice.gettext(
                "We think one post on %(platform)s helped: it drew %(reactions)s, %(times)s what is usual there."
            ) % {
                "platform": post.platform,
                "reactions": voice.count("%(n)s reaction", "%(n)s reactions", post.reactions),
                "times": times(voice, lift.times),
            }
    return None


def _what_we_need(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    red, below = _titles(facts, "red"), _names(facts, _with_word(facts, "below"))
    if _grade(facts) != "needs you":
        return _("We need nothing from you this week.")
    if red:
        return _("Please reply to this mail, so that we can repair this together.")
    if below:
        return _("Please reply to this mail: we would like to talk with you about %(figures)s.") % {"figures": below}
    return _("Please reply to this mail: we would like to talk with you about this week.")


def data_line(facts: Facts) -> str:
    """The verdict on the data, in one plain sentence."""
    _ = voice_of(facts.locale).gettext
    red, amber = _titles(facts, "red"), _titles(facts, "amber")
    if red and amber:
        return _("%(red)s data is missing, %(amber)s data is still incomplete.") % {"red": red, "amber": amber}
    if red:
        return _("%(red)s data is missing; everything else is complete.") % {"red": red}
    if amber:
        return _("%(amber)s data is still incomplete; everything else is complete.") % {"amber": amber}
    return _("All data for this week is complete.") if facts.sources else _("No source was read this week.")


def correction_lines(facts: Facts) -> list[str]:
    """What an earlier report would say otherwise now, a sentence each."""
    return [_correction(voice_of(facts.locale), each) for each in facts.corrections]


def _correction(voice: Voice, correction: Correction) -> str:
    _ = voice.gettext
    of_somebody, of_source = {
        "late data": (_("because some data came in late"), _("because data of %(source)s came in late")),
        "platform revision": (_("because the platform has corrected it"), _("because %(source)s has corrected it")),
        "our fix": (_("because we had read it wrongly"), _("because we had read %(source)s wrongly")),
    }[correction.why]
    why = of_source if correction.source else of_somebody
    said, known = (
        _("not reported") if value is None else voice.number(value, correction.decimals)
        for value in (correction.said, correction.known)
    )
    text = _("Correction for the week of %(day)s: %(figure)s. We said %(said)s; it is %(known)s, %(why)s.")
    return text % {
        "day": voice.short_day(correction.first_day),
        "figure": correction.label,
        "said": said,
        "known": known,
        "why": why % {"source": correction.source},
    }


def approval(facts: Facts) -> str:
    """Who has approved the report, and when; empty while nobody has."""
    if facts.approved_at is None:
        return ""
    voice = voice_of(facts.locale)
    if facts.approved_by is None:
        return voice.say("This report was sent without a review, as agreed with you.")
    moment = voice.moment(facts.approved_at, ZoneInfo(facts.time_zone))
    return voice.say("Approved by %(name)s on %(moment)s.", name=facts.approved_by, moment=moment)


# --- The lines of lists and tables -------------------------------------------------------------------------------


class FigureLine(NamedTuple):
    """A figure in words; `so_far`, `usual`, `wide`, `last_week` and `posts` are empty where there is nothing to say."""

    label: str
    number: str
    so_far: str
    arrow: str
    word: str
    verdict: str
    usual: str
    wide: str
    last_week: str
    posts: str

    @property
    def value(self) -> str:
        """The number with its mark, e.g. `12 so far`."""
        return f"{self.number} {self.so_far}".rstrip()

    @property
    def context(self) -> str:
        """What stands below the figure for the reader who asks: the wide range, and from how many posts it is."""
        return "; ".join(part for part in (self.wide, self.posts) if part)


def figure_line(facts: Facts, figure: Figure) -> FigureLine:
    """One figure: its value, an arrow and a word for where it lies, and its usual range."""
    _ = (voice := voice_of(facts.locale)).gettext
    words = {
        "above": ("▲", _("above"), _("above your usual %(range)s")),
        "inside": ("●", _("inside"), _("inside your usual %(range)s")),
        "below": ("▼", _("below"), _("below your usual %(range)s")),
        "no usual week yet": ("○", _("new"), _("no usual week yet")),
        "not reported": ("○", _("unknown"), _("not reported")),
    }
    arrow, word, verdict = words[figure.word if figure.value is not None else "not reported"]
    decimals, wide = _decimals(figure), _wide_range(facts, figure)
    if wide:
        verdict = {"above": _("far above your usual %(range)s"), "below": _("far below your usual %(range)s")}[
            figure.word
        ]
    return FigureLine(
        label=figure.label,
        number=_("not reported") if figure.value is None else voice.number(figure.value, decimals),
        so_far=_("so far") if figure.so_far and figure.value is not None else "",
        arrow=arrow,
        word=word,
        verdict=verdict % {"range": _range(facts, figure, "–")} if figure.usual else verdict,
        usual=_("usually %(range)s") % {"range": _range(facts, figure, "–")} if figure.usual else "",
        wide=_("%(share)s of weeks: %(range)s") % {"share": voice.percent(figure.usual.wide_coverage), "range": wide}
        if figure.usual and wide
        else "",
        last_week=""
        if figure.last_week is None
        else _("last week: %(value)s") % {"value": voice.number(figure.last_week, decimals)},
        posts=_from_posts(facts) if figure.id == _PER_POST and figure.value is not None else "",
    )


def _from_posts(facts: Facts) -> str:
    voice, posting = voice_of(facts.locale), facts.posting
    if posting is None:
        return ""
    if posting.usual_posts is None:
        return voice.count("from %(n)s post", "from %(n)s posts", posting.posts)
    usual = voice.about(posting.usual_posts)
    return voice.count(
        "from %(n)s post (usually %(usual)s)", "from %(n)s posts (usually %(usual)s)", posting.posts, usual=usual
    )


def count(facts: Facts, number: int | None) -> str:
    """A table's count: of visits, of followers."""
    voice = voice_of(facts.locale)
    return voice.gettext("not reported") if number is None else voice.number(number)


def usual_visits(facts: Facts, usual: Usual | None) -> str:
    """A table's usual range of visits."""
    voice = voice_of(facts.locale)
    return ends(voice, usual.low, usual.high, 0, "–") if usual else voice.gettext("not known yet")


def channel_name(facts: Facts, channel: str) -> str:
    """A channel for people; one we have no name for stays as the analytics calls it."""
    _ = voice_of(facts.locale).gettext
    names = {
        "direct": _("Typed in or bookmarked"),
        "search": _("Search engines"),
        "social": _("Social networks"),
        "campaign": _("Campaign links, posters and codes"),
        "website": _("Other websites"),
        "ai_assistant": _("AI assistants"),
    }
    return names.get(channel, channel)


def touchpoint_kind(facts: Facts, kind: str) -> str:
    """What a touchpoint is, for people."""
    _ = voice_of(facts.locale).gettext
    names = {
        "poster": _("poster"),
        "flyer": _("flyer"),
        "qr_code": _("QR code"),
        "vanity_url": _("short address"),
        "promo_code": _("promo code"),
        "event": _("event"),
        "landing_page": _("landing page"),
        "newsletter": _("newsletter"),
        "press": _("press"),
        "link": _("link"),
    }
    return names.get(kind, kind)


def channel_word(facts: Facts, word: str) -> str:
    """Where a channel lies against its usual range, in one or two words."""
    _ = voice_of(facts.locale).gettext
    return {"above": _("▲ above"), "inside": _("● inside"), "below": _("▼ below")}.get(word, "")


def post_lines(facts: Facts, post: PostFact) -> tuple[str, str, str]:
    """Of a post: where and when it stood, what it drew, and how it stands against the account's other posts."""
    voice = voice_of(facts.locale)
    drew = voice.gettext("%(reactions)s, of them %(replies)s, %(reposts)s") % {
        "reactions": voice.count("%(n)s reaction", "%(n)s reactions", post.reactions),
        "replies": voice.count("%(n)s reply", "%(n)s replies", post.replies),
        "reposts": voice.count("%(n)s repost", "%(n)s reposts", post.reposts),
    }
    if post.lift and _stands_out(post.lift):
        standing = voice.gettext("%(times)s what is usual there (%(low)s to %(high)s times).") % {
            "times": times(voice, post.lift.times),
            "low": voice.about(_low(post.lift)),
            "high": voice.about(_high(post.lift)),
        }
    else:
        standing = voice.gettext("Too early to say whether that is more than usual.")
    return (
        f"{post.platform}, {voice.day(post.published_at.astimezone(ZoneInfo(facts.time_zone)).date())}",
        drew,
        standing[:1].upper() + standing[1:],
    )


def link_text(facts: Facts, post: PostFact) -> str:
    """The words of the link to a post."""
    return voice_of(facts.locale).gettext("See it on %(platform)s") % {"platform": post.platform}


def campaign_line(facts: Facts, campaign: CampaignFact) -> str:
    """A campaign's days, and its posts and visits in the week."""
    voice = voice_of(facts.locale)
    posts = voice.count("%(n)s post", "%(n)s posts", campaign.posts)
    visits = (
        voice.gettext("visits not reported")
        if campaign.visits is None
        else voice.count("%(n)s visit", "%(n)s visits", campaign.visits)
    )
    days = voice.days(campaign.starts, campaign.ends)
    return voice.gettext("%(days)s. This week: %(posts)s, %(visits)s.") % {
        "days": days,
        "posts": posts,
        "visits": visits,
    }


def conversation_lines(facts: Facts, conversation: Conversation) -> list[str]:
    """Replies received and written, and how people were answered; empty where nothing of it is reported."""
    voice = voice_of(facts.locale)
    received, written = conversation.received, conversation.written
    answers = [_answers_line(voice, conversation, conversation.answers)] if conversation.answers else []
    if received is None and written is None:
        return answers
    return [
        voice.gettext("How many replies people wrote is not reported.")
        if received is None
        else voice.count(
            "People wrote %(n)s reply to this week’s posts.",
            "People wrote %(n)s replies to this week’s posts.",
            received,
        ),
        voice.gettext("How many replies you wrote is not reported.")
        if written is None
        else voice.count("You wrote at least %(n)s reply.", "You wrote at least %(n)s replies.", written)
        if conversation.written_at_least
        else voice.count("You wrote %(n)s reply.", "You wrote %(n)s replies.", written),
        *answers,
    ]


def _answers_line(voice: Voice, conversation: Conversation, answers: Answers) -> str:
    number = voice.number(answers.answered)
    if conversation.written_at_least and answers.answered < answers.received:
        number = voice.gettext("at least %(n)s") % {"n": number}
    answered = voice.count(
        "You answered %(answered)s of %(n)s new conversation",
        "You answered %(answered)s of %(n)s new conversations",
        answers.received,
        answered=number,
    )
    if answers.half_within is None:
        return f"{answered}."
    # Rounded up: within two hours is true of an hour and a half.
    hours = int(rounded(answers.half_within, 0, ROUND_CEILING))
    half = (
        voice.gettext("half of them within an office hour")
        if hours <= 1
        else voice.gettext("half of them within %(hours)s office hours") % {"hours": voice.number(hours)}
    )
    return f"{answered}, {half}."


def source_line(facts: Facts, source: SourceFact) -> str:
    """The verdict on one source: its name, a word for its colour, and its own line."""
    _ = voice_of(facts.locale).gettext
    word = {"green": _("complete"), "amber": _("incomplete"), "red": _("missing")}[source.colour]
    return f"{source.title} ({word}): {source.line}"


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
    if any(_wide_range(facts, figure) for figure in facts.figures):
        lines.append(
            _("“Far” above or below lies outside the range about %(share)s of your own weeks fall in.")
            % {"share": voice.percent(ranges[0].wide_coverage)}
        )
    if lifts := [post.lift for post in facts.posts if post.lift and _stands_out(post.lift)]:
        lines.append(
            _(
                "What posts “usually earn”: reactions to your own posts of the same kind on the same platform, in the "
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
    """What each figure counts, by which version of its definition, and what it was the week before."""
    lines = [(figure, figure_line(facts, figure).last_week) for figure in facts.figures]
    return [
        f"{figure.label}: {figure.meaning} ({'; '.join(filter(None, (figure.definition, last_week)))})"
        for figure, last_week in lines
    ]


def chart_alt(facts: Facts, chart: Chart) -> str:
    """The chart in words, with the numbers of the report's week."""
    voice = voice_of(facts.locale)
    first, last = chart.points[0].day, chart.points[-1].day
    return voice.gettext("%(title)s, %(days)s. This week: %(week)s.") % {
        "title": chart.title,
        "days": voice.days(first, last),
        "week": ", ".join(_day_in_words(voice, point) for point in chart.points[-7:]),
    }


def _day_in_words(voice: Voice, point: DayPoint) -> str:
    day = voice.weekday(point.day)
    if point.value is None:
        return voice.gettext("%(day)s not reported") % {"day": day}
    if point.low is None or point.high is None:
        return f"{day} {voice.about(point.value)}"
    return voice.gettext("%(day)s %(value)s (usually %(range)s)") % {
        "day": day,
        "value": voice.about(point.value),
        "range": ends(voice, point.low, point.high, 0, "–"),
    }


# --- The small parts ---------------------------------------------------------------------------------------------


def _stands_out(lift: Lift) -> bool:
    """Whether the range that is printed lies above once the usual."""
    return _low(lift) > 1


def _low(lift: Lift) -> Decimal:
    """The lower end as it is printed: a range of doubt is rounded outwards."""
    return rounded(lift.low, 1, ROUND_FLOOR)


def _high(lift: Lift) -> Decimal:
    return rounded(lift.high, 1, ROUND_CEILING)


def _grade(facts: Facts) -> str:
    """The week's grade, but good only where a figure is above its range."""
    return "normal" if facts.grade == "good" and not _with_word(facts, "above") else facts.grade


def _with_word(facts: Facts, word: str) -> list[Figure]:
    return [figure for figure in facts.figures if figure.word == word and figure.value is not None and figure.usual]


def _posts(facts: Facts) -> int | None:
    return sum(account.posts for account in facts.accounts) if facts.accounts else None


def _week(facts: Facts) -> tuple[dt.date, dt.date]:
    return facts.first_day, facts.last_day


def _titles(facts: Facts, colour: str) -> str:
    return _listed(facts, [clip(source.title, 40) for source in facts.sources if source.colour == colour])


def _names(facts: Facts, figures: Sequence[Figure]) -> str:
    return _listed(facts, [inline(facts, clip(figure.label, 40)) for figure in figures[:_AT_MOST_NAMED]])


def _listed(facts: Facts, names: Sequence[str]) -> str:
    joined = voice_of(facts.locale).gettext("%(some)s and %(last)s")
    return joined % {"some": ", ".join(names[:-1]), "last": names[-1]} if len(names) > 1 else "".join(names)


def _range(facts: Facts, figure: Figure, dash: str) -> str:
    usual = figure.usual
    return ends(voice_of(facts.locale), usual.low, usual.high, _decimals(figure), dash) if usual else ""


def _wide_range(facts: Facts, figure: Figure) -> str:
    """The wide range of a figure that lies outside it, also as printed; else empty."""
    usual, decimals = figure.usual, _decimals(figure)
    if figure.value is None or usual is None or usual.wide_low is None or usual.wide_high is None:
        return ""
    value = rounded(figure.value, decimals)
    low, high = rounded_range(usual.wide_low, usual.wide_high, decimals)
    is_far = (figure.word == "above" and value > high) or (figure.word == "below" and value < low)
    return ends(voice_of(facts.locale), usual.wide_low, usual.wide_high, decimals, "–") if is_far else ""


def _decimals(figure: Figure) -> int:
    """The fewest decimals, at most two more than asked for, at which the printed numbers agree with the word."""
    if figure.value is None or figure.usual is None:
        return figure.decimals
    for decimals in range(figure.decimals, figure.decimals + 3):
        value = rounded(figure.value, decimals)
        low, high = rounded_range(figure.usual.low, figure.usual.high, decimals)
        if figure.word == ("above" if value > high else "below" if value < low else "inside"):
            return decimals
    return figure.decimals
