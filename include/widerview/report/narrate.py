"""Turn facts into words: a small grammar, and every number in it comes from the facts.

The wording is English and is the key of a gettext catalogue; another language is one more catalogue,
`locale/<language>/LC_MESSAGES/report.po`. Numbers are written as the client's locale writes them. Sentences are short:
most readers have a minute.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_CEILING
from typing import NamedTuple

import msgspec

from widerview.report.clean_text import clip
from widerview.report.facts import (
    Answers,
    Chart,
    Conversation,
    Correction,
    DayNote,
    DayPoint,
    Facts,
    Figure,
    PostFact,
    SourceFact,
    Usual,
)
from widerview.report.narrate_posts import stands_out
from widerview.report.voice import Voice, ends, inline, rounded, rounded_range, times, voice_of

SUBJECT_LENGTH = 50
PREHEADER_LENGTH = (40, 100)

_FROM_ANYWHERE = {"visits", "campaign_visits"}
_PER_POST = "reactions_per_post"
_FROM_POSTS = {_PER_POST, "replies_received", "passed_on"}
_MUCH_MORE = 2
_AT_MOST_NAMED = 2
_DAYS_OF_WEEK = 7


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
        words["figure"] = _(_with_word(facts, "above")[0].label)
        candidates[:0] = [
            _("%(figure)s above usual: %(name)s, week %(week)s"),
            _("%(figure)s above usual: %(name)s, W%(week)s"),
            _("%(figure)s above usual: %(name)s"),
        ]
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
    is_early = any(figure.so_far for figure in below)
    findings = (
        (grade == "needs you" and red, _("%(sources)s data is missing")),
        (grade == "quiet" and facts.nothing_posted, _("nothing was posted")),
        (
            above and below and grade != "good",
            _("%(above)s above usual, %(below)s below so far")
            if is_early
            else _("%(above)s above usual, %(below)s below"),
        ),
        (above, _("%(above)s above usual")),
        (below, _("%(below)s below usual so far") if is_early else _("%(below)s below usual")),
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
    parts = [_("nothing was posted this week")] if facts.nothing_posted else []
    parts += [_value(facts, figure) for figure in told]
    rest = [figure for figure in facts.figures if figure not in told]
    if parts and rest and all(figure.word == "inside" for figure in rest):
        parts.append(_("all else was as usual"))
    text = "; ".join(parts or [_("there are no numbers for this week")])
    return f"{text[:1].upper()}{text[1:]}."


def _told(facts: Facts) -> list[Figure]:
    """The figures worth a sentence: what left its range, the good and the bad; else the first that is known."""
    above, below = _with_word(facts, "above"), _with_word(facts, "below")
    if above and below:
        return [above[0], below[0]]
    known = [] if facts.nothing_posted else [figure for figure in facts.figures if figure.value is not None]
    return (above or below)[:_AT_MOST_NAMED] or known[:1]


def _value(facts: Facts, figure: Figure) -> str:
    _ = voice_of(facts.locale).gettext
    line = figure_line(facts, figure)
    words = {"figure": inline(facts, line.label), "value": line.value, "range": _range(facts, figure)}
    if figure.usual is None:
        return _("%(figure)s came to %(value)s; there is no usual week yet") % words
    return _("%(figure)s came to %(value)s (usually %(range)s)") % words


def _fewer_earned_more(facts: Facts) -> str:
    """That less was posted and it earned more; empty if not so, or if the figures' own verdict does not bear it out."""
    posting = facts.posting
    if not earned_more_by_fewer(facts) or posting is None or posting.usual_posts is None:
        return ""
    voice = voice_of(facts.locale)
    return voice.say(
        "Fewer posts earned more: %(posts)s this week, usually %(usual)s.",
        posts=voice.number(posting.posts),
        usual=voice.about(posting.usual_posts),
    )


def earned_more_by_fewer(facts: Facts) -> bool:
    """Whether less was posted and it earned more, and the figures' own verdict bears that out."""
    posting = facts.posting
    is_above = any(figure.id == _PER_POST for figure in _with_word(facts, "above"))
    return is_above and posting is not None and posting.usual_posts is not None and posting.fewer_earned_more


def _why(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    if _titles(facts, "red"):
        return _("Data is missing, so we draw no conclusions.")
    if facts.nothing_posted:
        return _("A pause is part of any year.")
    reasons = (_fewer_earned_more(facts), *(_reason(facts, figure) for figure in _told(facts)))
    if reason := next(filter(None, reasons), None):
        return reason
    if _with_word(facts, "above") or _with_word(facts, "below"):
        return _("We see no single reason; one week tells little.")
    if _with_word(facts, "inside"):
        return _("Such ups and downs are ordinary and need no reason.")
    return _("With every week we learn better what is usual for you.")


def _reason(facts: Facts, figure: Figure) -> str | None:
    """What we think lifted a figure above its range, or None where the facts do not carry a reason.

    A campaign: without the visits it brought, the figure would not be above. A post: without it the figure would not
    be, and it drew at least twice what is typical of its account and kind, by an estimate that allows for chance.
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
    if figure.id in _FROM_POSTS:
        enough = [
            (post.lift.times, post)
            for post in facts.posts
            if post.lift and post.lift.times >= _MUCH_MORE and stands_out(post.lift)
            if _without(facts, figure.id, figure.value, post) <= figure.usual.high
        ]
        if enough:
            most, post = max(enough, key=lambda each: each[0])
            return voice.gettext("We think one post on %(platform)s helped: %(reactions)s, %(times)s the usual.") % {
                "platform": post.platform,
                "reactions": voice.count("%(n)s reaction", "%(n)s reactions", post.reactions),
                "times": times(voice, most),
            }
    return None


def _without(facts: Facts, figure: str, value: float, post: PostFact) -> float:
    """What a figure of the week's posts would be without one of them."""
    if figure == _PER_POST:
        others = (facts.posting.posts if facts.posting else 0) - 1
        return (value * (others + 1) - post.reactions) / others if others > 0 else 0.0
    passed_on = (post.reposts or 0) + (post.shares or 0)
    return value - (passed_on if figure == "passed_on" else post.replies or 0)


def _what_we_need(facts: Facts) -> str:
    _ = voice_of(facts.locale).gettext
    red, below = _titles(facts, "red"), _names(facts, _with_word(facts, "below"))
    if _grade(facts) != "needs you":
        return _("We have one wish: see “Coming up”.") if facts.ask else _("We need nothing from you this week.")
    if red:
        return _("Please reply to this mail, so that we can repair this together.")
    if below:
        return _("Please reply to this mail: we would like to talk with you about %(figures)s.") % {"figures": below}
    return _("Please reply to this mail: we would like to talk with you about this week.")


def data_line(facts: Facts) -> str:
    """The verdict on the data, in one plain sentence."""
    _ = voice_of(facts.locale).gettext
    red, amber = _titles(facts, "red"), _titles(facts, "amber")
    odd = any(source.colour == "amber" and not _is_late_alone(source) for source in facts.sources)
    so_far = any(source.early for source in facts.sources) or any(figure.so_far for figure in facts.figures)
    sentences = (
        (red and amber, _("%(red)s data is missing, and %(amber)s data is not whole.")),
        (red, _("%(red)s data is missing; all else has been read.")),
        (odd, _("%(amber)s data has gaps or looks unusual; all else has been read.")),
        (amber, _("%(amber)s data is not whole yet; all else has been read.")),
        (not facts.sources, _("No source was read this week.")),
        (so_far, _("All data there is has been read; some numbers may still rise.")),
        (True, _("All data for this week is complete.")),
    )
    return next(text for applies, text in sentences if applies) % {"red": red, "amber": amber}


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
    text = _("Correction: %(figure)s, week of %(day)s. We said %(said)s; it is %(known)s, %(why)s.")
    return text % {
        "day": voice.long_day(correction.first_day),
        "figure": _(correction.label),
        "said": said,
        "known": known,
        "why": why % {"source": correction.source},
    }


# --- The lines of lists and tables -------------------------------------------------------------------------------


class FigureLine(NamedTuple):
    """A figure in words; `so_far`, `usual`, `wide`, `last_week` and `posts` are empty where there is nothing to say.

    `kind` is the style sheet's word for where it lies: `above`, `inside`, `below`, `new` or `unknown`.
    """

    kind: str
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


def figure_line(facts: Facts, figure: Figure) -> FigureLine:
    """One figure: its value, an arrow and a word for where it lies, and its usual range."""
    _ = (voice := voice_of(facts.locale)).gettext
    words = {
        "above": ("above", "▲", _("above"), _("above usual %(range)s")),
        "inside": ("inside", "●", _("inside"), _("inside usual %(range)s")),
        "below": ("below", "▼", _("below"), _("below usual %(range)s")),
        "no usual week yet": ("new", "○", _("new"), _("no usual week yet")),
        "not reported": ("unknown", "○", _("unknown"), _("not reported")),
    }
    known = figure.word if figure.usual else "no usual week yet"
    kind, arrow, word, verdict = words["not reported" if figure.value is None else known]
    decimals, wide = _decimals(figure), _wide_range(facts, figure)
    if wide:
        verdict = {"above": _("far above usual %(range)s"), "below": _("far below usual %(range)s")}[figure.word]
    return FigureLine(
        kind=kind,
        label=_(figure.label),
        number=_("not reported") if figure.value is None else voice.number(figure.value, decimals),
        so_far=_("so far") if figure.so_far and figure.value is not None else "",
        arrow=arrow,
        word=word,
        verdict=verdict % {"range": _range(facts, figure)} if figure.usual else verdict,
        usual=_("usually %(range)s") % {"range": _range(facts, figure)} if figure.usual else "",
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
        "from %(n)s post, usually %(usual)s", "from %(n)s posts, usually %(usual)s", posting.posts, usual=usual
    )


def count(facts: Facts, number: int | None) -> str:
    """A table's count: of visits, of followers."""
    voice = voice_of(facts.locale)
    return voice.gettext("not reported") if number is None else voice.number(number)


def usual_visits(facts: Facts, usual: Usual | None) -> str:
    """A table's usual range of visits."""
    voice = voice_of(facts.locale)
    return ends(voice, usual.low, usual.high) if usual else voice.gettext("not known yet")


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


def touchpoint(facts: Facts, name: str, kind: str) -> str:
    """What led to a visit, for people: a touchpoint's name and kind."""
    _ = voice_of(facts.locale).gettext
    if kind == "unmarked":
        return _("links that do not say which")
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
        "partner": _("partner"),
        "ads": _("ads"),
        "link": _("link"),
    }
    return f"{name} ({names.get(kind, kind)})"


def channel_word(facts: Facts, word: str) -> str:
    """Where a channel lies against its usual range, in one or two words."""
    _ = voice_of(facts.locale).gettext
    return {"above": _("▲ above"), "inside": _("● inside"), "below": _("▼ below")}.get(word, "")


def conversation_lines(facts: Facts, conversation: Conversation) -> list[str]:
    """Replies received and written, and how people were answered; empty where nothing of it is reported.

    Of `at least 0` nothing is known; and where nothing was posted, that it got no replies says nothing.
    """
    voice = voice_of(facts.locale)
    received, written = conversation.received, conversation.written
    known = conversation.answers
    if known and conversation.written_at_least and not known.answered and known.received:
        known = None
    answers = [_answers_line(voice, conversation, known)] if known else []
    if received is None and written is None:
        return answers
    both = [_received_line(voice, received), _written_line(voice, conversation)]
    told = [line for line, number in zip(both, (received, written), strict=True) if number or not facts.nothing_posted]
    return [*told, *answers]


def _received_line(voice: Voice, received: int | None) -> str:
    if received is None:
        return voice.gettext("How many replies people wrote is not reported.")
    return voice.count("People wrote %(n)s reply.", "People wrote %(n)s replies.", received)


def _written_line(voice: Voice, conversation: Conversation) -> str:
    written = conversation.written
    if written is None or (conversation.written_at_least and not written):
        return voice.gettext("How many replies were written in your name is not reported.")
    if conversation.written_at_least:
        return voice.count(
            "In your name at least %(n)s reply was written.",
            "In your name at least %(n)s replies were written.",
            written,
        )
    return voice.count("In your name %(n)s reply was written.", "In your name %(n)s replies were written.", written)


def _answers_line(voice: Voice, conversation: Conversation, answers: Answers) -> str:
    number = voice.number(answers.answered)
    if conversation.written_at_least and answers.answered < answers.received:
        number = voice.gettext("at least %(n)s") % {"n": number}
    answered = voice.count(
        "In your name %(answered)s of %(n)s new conversation got an answer",
        "In your name %(answered)s of %(n)s new conversations got an answer",
        answers.received,
        answered=number,
    )
    if answers.half_within is None:
        return f"{answered}."
    hours = whole_hours(answers.half_within)
    half = (
        voice.gettext("half within an office hour")
        if hours <= 1
        else voice.gettext("half within %(hours)s office hours") % {"hours": voice.number(hours)}
    )
    return f"{answered}, {half}."


def whole_hours(hours: float) -> int:
    """Hours as they are printed, rounded up: within two hours is true of an hour and a half."""
    return int(rounded(hours, 0, ROUND_CEILING))


def chart_alt(facts: Facts, chart: Chart) -> str:
    """The chart in words: the numbers of the report's week first, then those of the days before."""
    voice = voice_of(facts.locale)
    first, last = chart.points[0].day, chart.points[-1].day
    text = voice.say(
        "%(title)s, %(days)s. This week, usual in brackets: %(week)s.",
        title=voice.gettext(chart.title),
        days=voice.days(first, last),
        week=", ".join(_day_in_words(voice, point) for point in chart.points[-_DAYS_OF_WEEK:]),
    )
    before = [point.value for point in chart.points[:-_DAYS_OF_WEEK]]
    return f"{text} {_earlier(voice, before)}" if before else text


def chart_week(facts: Facts, chart: Chart) -> str:
    """The numbers of the report's week on one line."""
    voice = voice_of(facts.locale)
    days = [msgspec.structs.replace(point, low=None, high=None) for point in chart.points[-_DAYS_OF_WEEK:]]
    return ", ".join(_day_in_words(voice, day) for day in days)


def _earlier(voice: Voice, values: Sequence[float | None]) -> str:
    numbers = [voice.gettext("not reported") if value is None else voice.about(value) for value in values]
    return voice.say("The days before, the oldest first: %(numbers)s.", numbers=", ".join(numbers))


def _day_in_words(voice: Voice, point: DayPoint) -> str:
    day = voice.weekday(point.day)
    if point.value is None:
        return voice.gettext("%(day)s not reported") % {"day": day}
    if point.low is None or point.high is None:
        return f"{day} {voice.about(point.value)}"
    return f"{day} {voice.about(point.value)} ({ends(voice, point.low, point.high)})"


def day_note(facts: Facts, point: DayPoint) -> str:
    """What happened on a day of the chart."""
    return "; ".join(filter(None, (point.note, *(_noted(voice_of(facts.locale), note) for note in point.noted))))


def _noted(voice: Voice, note: DayNote) -> str:
    match note.what:
        case "campaign starts":
            return voice.say("“%(name)s” starts", name=note.name)
        case "measured differently":
            return voice.gettext("measured differently since")
        case "asset starts" | "timeline":
            return note.name


# --- The small parts ---------------------------------------------------------------------------------------------


def _grade(facts: Facts) -> str:
    """The week's grade, but good only where a figure is above its range."""
    return "normal" if facts.grade == "good" and not _with_word(facts, "above") else facts.grade


def _with_word(facts: Facts, word: str) -> list[Figure]:
    return [figure for figure in facts.figures if figure.word == word and figure.value is not None and figure.usual]


def _week(facts: Facts) -> tuple[dt.date, dt.date]:
    return facts.first_day, facts.last_day


def _is_late_alone(source: SourceFact) -> bool:
    """Whether all that a source lacks will come."""
    return not (source.held or source.unlike or source.not_given or source.absent or source.left_out)


def _titles(facts: Facts, colour: str) -> str:
    voice = voice_of(facts.locale)
    titles = [
        voice.gettext("Website" if source.analytics else source.title)
        for source in facts.sources
        if source.colour == colour
    ]
    return voice.listed([clip(title, 40) for title in dict.fromkeys(titles)])


def _names(facts: Facts, figures: Sequence[Figure]) -> str:
    voice = voice_of(facts.locale)
    labels = [clip(voice.gettext(figure.label), 40) for figure in figures[:_AT_MOST_NAMED]]
    return voice.listed([inline(facts, label) for label in labels])


def _range(facts: Facts, figure: Figure) -> str:
    usual = figure.usual
    return ends(voice_of(facts.locale), usual.low, usual.high, _decimals(figure)) if usual else ""


def _wide_range(facts: Facts, figure: Figure) -> str:
    """The wide range of a figure that lies outside it, also as printed; else empty."""
    usual, decimals = figure.usual, _decimals(figure)
    if figure.value is None or usual is None or usual.wide is None:
        return ""
    value = rounded(figure.value, decimals)
    low, high = rounded_range(*usual.wide, decimals)
    is_far = (figure.word == "above" and value > high) or (figure.word == "below" and value < low)
    return ends(voice_of(facts.locale), *usual.wide, decimals) if is_far else ""


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
