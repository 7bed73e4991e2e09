"""Render facts as a mail: HTML, plain text, the chart, and the reviewer's preview. Nothing is looked up or sent here.

The same page of ready words feeds all three templates, so they cannot say different things. Names, posts and
addresses come from strangers: invisible characters are removed first (`clean_text`), the templates escape the rest.
"""

import datetime as dt
import re
import string
import textwrap
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urldefrag, urlsplit

import css_inline
import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from widerview.agency.theme import FONTS, Theme
from widerview.report import (
    above,
    narrate,
    narrate_campaigns,
    narrate_next,
    narrate_posts,
    narrate_rates,
    narrate_sources,
    narrate_time,
    room,
)
from widerview.report.chart import chart_png, chart_svg, notes
from widerview.report.clean_text import characters, clean, clip
from widerview.report.facts import CampaignFact, Chart, Facts, Figure, PostFact, Year
from widerview.report.voice import voice_of
from widerview.report.year_chart import year_svg

_LINE_LENGTH = 200
_POST_LENGTH = 280
_QUOTES_LENGTH = 180  # above the appendix, of all posts together
_ADDRESSES = {"url", "permalink", "glossary_url"}  # these are judged by `_web_address`; a cut one would lead nowhere
_NOTE_LENGTH = 4000
_LINK = re.compile(r"https?://([^\s?#]+)\S*")  # in a post: its address without the tags is enough to read
_COLUMNS = 72
_BAND = (33, 67)  # the usual range is the middle third of a figure's strip
_MARK = 2


@dataclass(frozen=True)
class Rendered:
    """One report, ready to be put into a mail.

    Attributes:
        subject: At most 50 characters, on one line.
        preheader: The inbox's second line; it also opens the HTML.
        html: The HTML part; it loads nothing but `pictures`, by `cid:`.
        text: The plain text part, with the same facts.
        chart_png: The chart, or None when there is none.
        chart_cid: Its Content-ID, without angle brackets.
        logo_png: The logo, or None when there is none.
        logo_cid: Its Content-ID.
        markdown: The same report for the reviewer, without HTML.
    """

    subject: str
    preheader: str
    html: str
    text: str
    chart_png: bytes | None
    chart_cid: str
    logo_png: bytes | None
    logo_cid: str
    markdown: str

    @property
    def pictures(self) -> dict[str, bytes]:
        """The pictures that the HTML shows, as PNG, by Content-ID."""
        both = {self.logo_cid: self.logo_png, self.chart_cid: self.chart_png}
        return {cid: png for cid, png in both.items() if png is not None}


@dataclass(frozen=True)
class Printable:
    """A report's page for print, and what it shows.

    Attributes:
        html: Shows `cid:<chart_cid>` and `cid:<logo_cid>`.
        author: The agency.
        svg: The chart, or None.
        chart_cid: Its Content-ID.
        logo_png: The logo, or None.
        logo_cid: Its Content-ID.
    """

    html: str
    author: str
    svg: str | None
    chart_cid: str
    logo_png: bytes | None
    logo_cid: str


def render(facts: Facts, note: str | None = None) -> Rendered:
    """Render a report; the same facts and note give the same bytes.

    Args:
        facts: Everything the report says.
        note: Words of the reviewer to the client, shown above everything but the verdict.
    """
    facts = _cleaned(facts)
    page, svg = _ready(facts, note)
    templates, theme = environment(facts.locale), theme_of(facts)
    as_html = templates.get_template("email.html.j2")
    return Rendered(
        subject=page["subject"],
        preheader=page["preheader"],
        html=room.fitted(page | {"style": "email.css"}, lambda each: _inliner().inline(as_html.render(each))),
        text=_tidy(templates.get_template("email.txt.j2").render(page)),
        chart_png=chart_png(svg) if svg else None,
        chart_cid=_cid("chart", facts),
        logo_png=theme.logo.bytes if theme.logo else None,
        logo_cid=_cid("logo", facts),
        markdown=_tidy(_preview_environment(facts.locale).get_template("preview.md.j2").render(page)),
    )


def printable(facts: Facts, note: str | None = None) -> Printable:
    """Give the same page for print, its stylesheet not yet applied; arguments as for `render`."""
    facts = _cleaned(facts)
    page, svg = _ready(facts, note)
    theme = theme_of(facts)
    return Printable(
        html=environment(facts.locale).get_template("email.html.j2").render(page | {"style": "print.css"}),
        author=facts.agency,
        svg=svg,
        chart_cid=_cid("chart", facts),
        logo_png=theme.logo.bytes if theme.logo else None,
        logo_cid=_cid("logo", facts),
    )


def _ready(facts: Facts, note: str | None) -> tuple[dict[str, Any], str | None]:
    """The page of ready words, and its chart if there is one."""
    theme = theme_of(facts)
    chart = facts.chart if facts.chart and any(point.value is not None for point in facts.chart.points) else None
    look = _look(theme, _cid("logo", facts))
    page = _page(facts, note, chart, _cid("chart", facts), look)
    if facts.year:
        return page, year_svg(facts.year, facts.locale, theme.light)
    return page, chart_svg(_noted(chart, page["above"]["noted"]), facts.locale, theme.light) if chart else None


def _noted(chart: Chart, days: Collection[dt.date]) -> Chart:
    """The chart with the notes of some days alone: no letter stands on it that nothing beside it explains."""
    bare = {"note": None, "noted": ()}
    points = [point if point.day in days else msgspec.structs.replace(point, **bare) for point in chart.points]
    return msgspec.structs.replace(chart, points=tuple(points))


def _cid(what: str, facts: Facts) -> str:
    return f"{what}.{_slug(facts.client_id)}.{_slug(facts.period)}.r{facts.revision}@widerview"


def theme_of(facts: Facts) -> Theme:
    """How a report looks."""
    return _read_theme(facts.theme)


@lru_cache(maxsize=64)
def _read_theme(text: str) -> Theme:
    return Theme.model_validate_json(text) if text else Theme()


def _look(theme: Theme, logo_cid: str) -> dict[str, Any]:
    """What the templates need of a theme."""
    logo = theme.logo and {"cid": logo_cid} | theme.logo.model_dump(include={"width", "height", "alt"})
    return {
        "theme": theme,
        "fonts": {"text": FONTS[theme.font], "headings": FONTS[theme.headings]},
        "logo": logo,
        "signature": [clean(line) for line in theme.signature],
    }


def strikeable(facts: Facts) -> list[str]:
    """Give the sentences of a report that a reviewer may strike, in the order of the mail."""
    return _sentences(_cleaned(facts))


def _sentences(facts: Facts) -> list[str]:
    return [
        *narrate.three_sentences(facts),
        *narrate.correction_lines(facts),
        *_worth_knowing(facts),
        *narrate.conversation_lines(facts, facts.conversation),
        *_asked(facts),
        *narrate_next.thanks(facts),
    ]


def _asked(facts: Facts) -> list[str]:
    return [narrate_next.ask_line(facts, facts.ask)] if facts.ask else []


def _worth_knowing(facts: Facts) -> list[str]:
    return [narrate_time.notable_day(facts, notable) for notable in facts.worth_knowing]


# --- The page: ready words for the templates ---------------------------------------------------------------------


def _page(facts: Facts, note: str | None, chart: Chart | None, cid: str, look: dict[str, Any]) -> dict[str, Any]:
    voice = voice_of(facts.locale)
    if facts.struck is not None and facts.struck not in _sentences(facts):
        raise ValueError(
            f"The sentence that was struck is not in the report any more: {facts.struck!r}. The code that words "
            "reports has changed since the review: clear `compose`, and review the report again."
        )

    if facts.struck in _asked(facts):
        facts = msgspec.structs.replace(facts, ask=None)  # no other sentence speaks of it then
    facts = narrate_next.in_time(facts)

    def kept(sentences: Iterable[str]) -> list[str]:
        return [sentence for sentence in sentences if sentence != facts.struck]

    page = look | {
        "facts": facts,
        "voice": voice,
        "subject": narrate.subject(facts),
        "preheader": narrate.preheader(facts),
        "week": voice.say("Week of %(days)s", days=voice.days(facts.first_day, facts.last_day)),
        "verdict": narrate.verdict_line(facts),
        "note": _note_lines(note),
        "sentences": kept(narrate.three_sentences(facts)),
        "data_line": narrate.data_line(facts),
        "figures": [_figure(facts, figure) for figure in facts.figures],
        "chart": _year(facts, facts.year, cid) if facts.year else chart and _chart(facts, chart, cid),
        "posts": [_post(facts, post) for post in facts.posts],
        "channels": [
            {
                "name": narrate.channel_name(facts, channel.channel),
                "visits": narrate.count(facts, channel.visits),
                "known": channel.usual is not None,
                "usual": narrate.usual_visits(facts, channel.usual),
                "word": channel.word,
                "verdict": narrate.channel_word(facts, channel.word),
            }
            for channel in facts.channels
        ],
        "rates": [narrate_rates.rate_line(facts, rate) for rate in facts.rates],
        "rate_notes": narrate_rates.rate_notes(facts),
        "campaigns": [_campaign(facts, campaign) for campaign in facts.campaigns],
        "untagged": narrate_campaigns.untagged_line(facts),
        "sources": [narrate_sources.source_line(facts, source) for source in facts.sources],
        "provenance": [*narrate_sources.provenance(facts), *narrate_time.about_time(facts)],
        "meanings": [*narrate_sources.meanings(facts), *narrate_rates.rate_meanings(facts)],
        "accounts": [
            {
                "platform": account.platform,
                "handle": account.handle,
                "url": _web_address(account.url),
                "posts": voice.number(account.posts),
                "followers": narrate.count(facts, account.followers),
            }
            for account in facts.accounts
        ],
        "lesson_url": _lesson_url(facts),
        "headings": _headings(facts),
        "no_room": [],
        "closing": voice.say(
            "Questions? Just reply: %(name)s at %(agency)s reads your answer.",
            name=facts.sender_name,
            agency=facts.agency,
        ),
        "approval": narrate_sources.approval(facts),
        "hours": narrate_sources.hours_line(facts),
        "stop": f"mailto:{quote(facts.reply_to, safe='@')}?subject={quote(voice.gettext('Unsubscribe'))}",
    }
    lines = {
        "corrections": kept(narrate.correction_lines(facts)),
        "worth_knowing": kept(_worth_knowing(facts)),
        "goals": [
            f"{narrate_time.goal_name(facts, goal)}: {narrate_time.goal_line(facts, goal)}" for goal in facts.goals
        ],
        "conversation": list(filter(None, [" ".join(kept(narrate.conversation_lines(facts, facts.conversation)))])),
        "thanks": kept(narrate_next.thanks(facts)),
        "planned": [narrate_next.plan_line(facts, plan) for plan in facts.planned],
        "ask": _asked(facts),
        "campaign_lines": [narrate_campaigns.brief_line(facts, campaign) for campaign in facts.campaigns],
    }
    return page | _parted(facts, page, lines)


def _headings(facts: Facts) -> dict[str, str]:
    """What stands over each section, by its name."""
    voice = voice_of(facts.locale)
    campaign, coming_up = voice.say("Your wider campaign"), voice.say("Coming up")
    return {
        "figures": voice.say("Your week in numbers"),
        "worth_knowing": voice.say("Worth knowing"),
        "goals": voice.say("Your goals"),
        "posts": voice.say("Posts people cared about")
        if narrate_posts.best_post(facts)
        else voice.say("Your posts this week"),
        "campaigns": campaign,
        "campaign_lines": campaign,
        "conversation": voice.say("Conversations"),
        "thanks": voice.say("Worth a thank-you"),
        "ask": coming_up,
        "planned": coming_up,
        "lesson": voice.say("One thing to know"),
        "lesson_link": voice.say("More of these"),
        "accounts": voice.say("Your accounts, for the record"),
        "posts_in_full": voice.say("The posts in full"),
        "rates": voice.say("Rates, and how sure we are of them"),
        "channels": voice.say("Where your visits came from"),
        "meanings": voice.say("What is counted"),
        "more": voice.say("More of this week"),
    }


def _parted(facts: Facts, page: dict[str, Any], lines: dict[str, list[str]]) -> dict[str, Any]:
    """What stands above the appendix of what may stand there, and what is left for below."""
    changed = [figure for figure in page["figures"] if figure["change"]]
    notes = page["chart"]["notes"] if page["chart"] else []
    day = voice_of(facts.locale).day
    headings = page["headings"]
    found = above.chosen(
        [facts.client_name, page["week"], page["preheader"], page["verdict"], *page["sentences"], page["data_line"]]
        + [figure[part] for figure in page["figures"] for part in ("label", "value", "verdict")]
        + ([page["chart"][part] for part in ("title", "line", "week")] if page["chart"] else [])
        + ([facts.lesson.title, facts.lesson.text] if facts.lesson else [])
        + [page["closing"], *page["signature"], *(headings[name] for name in ("figures", "lesson", "lesson_link"))],
        lines
        | {
            "posts": [f"{post['where']} {post['quote']} {post['line']}" for post in page["posts"]],
            "campaigns": [campaign["few_words"] for campaign in page["campaigns"]],
            "changes": [figure["change"] for figure in changed],
            "notes": [f"A {day(when)} {text}" for when, text in notes],
        },
        headings,
    )
    places = {name: found.get(name, []) for name in (*lines, "posts", "campaigns", "notes", "changes")}
    for place, figure in enumerate(changed):
        if place not in places["changes"]:
            figure["change"] = ""
    top: dict[str, Any] = {name: [each[place] for place in places[name]] for name, each in lines.items()}
    top |= {name: [page[name][place] for place in places[name]] for name in ("posts", "campaigns")}
    marked = [notes[place] for place in places["notes"]]
    top["notes"] = [
        (letter, day(when), text) for letter, (when, text) in zip(string.ascii_uppercase, marked, strict=False)
    ]
    top["noted"] = {when for when, _ in marked}
    of_goals = [
        f"{narrate_time.goal_title(facts, goal)}: {goal.note}"
        for place, goal in enumerate(facts.goals)
        if goal.note and place in places["goals"]
    ]
    told = [
        f"{line} {goal.note or ''}".rstrip()
        for place, (goal, line) in enumerate(zip(facts.goals, lines["goals"], strict=True))
        if place not in places["goals"]
    ]
    more = [
        line
        for name in ("corrections", "worth_knowing", "conversation", "thanks", "planned")
        for place, line in enumerate(lines[name])
        if place not in places[name]
    ]
    more += [f"{day(when)}: {text}" for when, text in notes if when not in top["noted"]]
    more += [
        f"{narrate.figure_line(facts, figure).label}: {change}"
        for figure in facts.figures
        if (change := narrate_time.level_change(facts, figure.change))
    ]
    return {"above": top, "more": [*more, *told, *of_goals]}


def _lesson_url(facts: Facts) -> str | None:
    """Where the card stands in the agency's published glossary."""
    if facts.lesson is None or not (glossary := _web_address(facts.glossary_url)):
        return None
    return f"{urldefrag(glossary).url}#{facts.lesson.id}"


def _chart(facts: Facts, chart: Chart, cid: str) -> dict[str, Any]:
    return {
        "cid": cid,
        "title": voice_of(facts.locale).gettext(chart.title),
        "alt": narrate.chart_alt(facts, chart),
        "line": "",
        "week": narrate.chart_week(facts, chart),
        "notes": [(point.day, narrate.day_note(facts, point)) for _, point in notes(chart)],
    }


def _year(facts: Facts, year: Year, cid: str) -> dict[str, Any]:
    return {
        "cid": cid,
        "title": narrate_time.year_title(facts, year),
        "alt": narrate_time.year_alt(facts, year),
        "line": narrate_time.year_line(facts, year),
        "week": "",
        "notes": [],
    }


def _figure(facts: Facts, figure: Figure) -> dict[str, Any]:
    line = narrate.figure_line(facts, figure)
    return {
        **line._asdict(),
        "value": line.value,
        "change": narrate_time.level_change_brief(facts, figure.change),
        "strip": _strip(figure),
    }


def _strip(figure: Figure) -> list[tuple[str, int]]:
    """A small bar as (part, percent of width): the usual range is its middle third, a mark shows the value."""
    if figure.value is None or figure.usual is None:
        return []
    low, high = figure.usual.low, figure.usual.high
    start, end = _BAND
    share = (figure.value - low) / (high - low) if high > low else 0.5 + (figure.value > high) - (figure.value < low)
    lowest, highest = {"below": (0, start - _MARK), "above": (end, 100 - _MARK)}.get(figure.word, (start, end - _MARK))
    mark = round(min(max(start + share * (end - start) - _MARK / 2, lowest), highest))
    parts = [
        ("rest", 0, min(start, mark)),
        ("usual", start, min(end, mark)),
        ("rest", end, mark),
        ("mark", mark, mark + _MARK),
        ("rest", mark + _MARK, start),
        ("usual", max(start, mark + _MARK), end),
        ("rest", max(end, mark + _MARK), 100),
    ]
    return [(part, to - since) for part, since, to in parts if to > since]


def _post(facts: Facts, post: PostFact) -> dict[str, Any]:
    drew, standing = narrate_posts.post_lines(facts, post)
    short = clip(post.text, _QUOTES_LENGTH // len(facts.posts))
    return {
        "where": narrate_posts.post_where(facts, post),
        "text": post.text,
        "quote": short,
        "is_cut": short != post.text,
        "line": narrate_posts.post_brief(facts, post),
        "drew": drew,
        "standing": standing,
        "url": _web_address(post.permalink),
    }


def _campaign(facts: Facts, campaign: CampaignFact) -> dict[str, Any]:
    _ = voice_of(facts.locale).say
    goal = _("Goal: %(goal)s", goal=campaign.goal)
    few, effect = narrate_campaigns.few(facts, campaign), narrate_campaigns.effect_brief(facts, campaign)
    as_text = [
        _("%(what)s: %(week)s (%(so_far)s so far)", what=each.label, week=each.week, so_far=each.so_far) for each in few
    ]
    as_table = [_("What"), _("This week"), _("So far"), *(cell for line in few for cell in line[:3])] if few else []
    return {
        "name": campaign.name,
        "goal": goal,
        "audience": campaign.audience,
        "line": narrate_campaigns.campaign_line(facts, campaign),
        "few": few,
        "effect": effect,
        "few_words": " ".join([campaign.name, goal, effect, *max(as_text, as_table, key=above.count)]),
        "sections": (sections := narrate_campaigns.table(facts, campaign)),
        "claims": any(line.claimed for section in sections for line in section.lines),
        "below": narrate_campaigns.lines(facts, campaign),
    }


# --- Foreign words and addresses ---------------------------------------------------------------------------------


def _cleaned(facts: Facts) -> Facts:
    """The facts with every text made harmless and of bearable length."""

    def visit(value: Any, field: str = "") -> Any:
        if isinstance(value, str) and field == "text":
            return clip(_LINK.sub(r"\1", clean(value)), _POST_LENGTH)
        if isinstance(value, str) and field not in _ADDRESSES:
            return clip(clean(value), _LINE_LENGTH)
        if isinstance(value, tuple):
            return tuple(visit(item) for item in value)
        if isinstance(value, msgspec.Struct):
            fields = {name: visit(getattr(value, name), name) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        return value

    cleaned: Facts = visit(facts)
    # The words are ours, and the theme is no words.
    return msgspec.structs.replace(cleaned, lesson=facts.lesson, struck=facts.struck, theme=facts.theme)


def _note_lines(note: str | None) -> list[str]:
    """The reviewer's lines; runs of spaces are kept, as HTML would not."""
    text = clip(clean(note or "", keep_lines=True), _NOTE_LENGTH)
    kept = re.sub(r"^ +|  +", lambda run: "\u00a0" * len(run[0]), text, flags=re.MULTILINE)
    return kept.split("\n") if text.strip() else []


def _web_address(url: str) -> str | None:
    """The address if it leads to a web page, else None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    plain = url == clean(url) and " " not in url and "\\" not in url
    return url if plain and parts.scheme in {"http", "https"} and parts.hostname else None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", text.lower())


_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")
# Markdown programs turn bare addresses into links after they have read the escapes; a word joiner stops them.
_BARE_ADDRESS = re.compile(r"(?<=://)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)


def escape_markdown(value: object) -> object:
    """Escape a printed value for Markdown: no heading, link, picture or table can come out of it."""
    if isinstance(value, Markup):
        return value
    return _PUNCTUATION.sub(r"\\\g<0>", _BARE_ADDRESS.sub("\u2060", str(value)))


def _address(url: str) -> Markup:
    return Markup(quote(url, safe=":/?#@!$&*+,;=%~-._"))  # noqa: S704 - brackets and quotes are encoded


_NUMBER = r"\d(?:[\d.,\u00a0\u202f\u2019]{0,12}\d)?"  # an ordinary one: a stranger's of any length has to break
_RANGE = re.compile(f"{_NUMBER}–{_NUMBER}")


def _ranges(text: str) -> Markup:
    """The text for HTML; no line ends inside a range: browsers break lines after its dash."""
    return Markup(_RANGE.sub(r'<span class="range">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped above


# --- Templates ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def environment(locale: str) -> Environment:
    """The templates' environment for a Babel locale: their words, and the filters for mails."""
    made = Environment(
        loader=PackageLoader("widerview.report"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = voice_of(locale).say
    made.filters |= {"fill": _fill, "heading": _heading, "address": _address, "ranges": _ranges}
    return made


@lru_cache(maxsize=64)
def _preview_environment(locale: str) -> Environment:
    return environment(locale).overlay(finalize=escape_markdown)


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)


def _fill(text: str, first: str = "") -> str:
    """Wrap words to the width of a mail; `first` opens the first line and the others are set in below it."""
    rest = first if first.startswith("|") else " " * len(first)
    words = re.sub(
        rf"\S{{{_COLUMNS - len(first) + 1},}}", lambda word: _in_pieces(word[0], _COLUMNS - len(first)), text
    )
    return (
        textwrap.fill(
            words,
            _COLUMNS,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        or first.rstrip()
    )


def _in_pieces(word: str, width: int) -> str:
    """A word too long for a line, with spaces where it may break; what people see as one character stays whole."""
    lines = [""]
    for character in characters(word):
        if len(lines[-1]) + len(character) > width:
            lines.append("")
        lines[-1] += character
    return " ".join(lines)


def _heading(text: str) -> str:
    clipped = clip(text, _COLUMNS)
    return f"{clipped.upper()}\n{'-' * len(clipped)}"


def _tidy(text: str) -> str:
    """No spaces at line ends but the signature's, at most two empty lines in a row, and one end of the last line."""
    return re.sub(r"\n{4,}", "\n\n\n", re.sub(r"(?<!--) +$", "", text, flags=re.MULTILINE)).strip("\n") + "\n"
