"""One thing to know: cards that teach how to read the report, one a week, chosen by what it contains."""

from collections.abc import Callable
from typing import NamedTuple

from widerview.report.facts import Facts, Lesson
from widerview.report.voice import voice_of

WEEKS_APART = 4
"""No card comes back within this many weeks."""

_SMALL = 20


def _(text: str) -> str:
    """Mark words for the catalogue; `pick` looks them up in the client's language."""
    return text


class _Card(NamedTuple):
    title: str
    text: str
    suits: Callable[[Facts], bool] = lambda _facts: True


def _has_small_numbers(facts: Facts) -> bool:
    return any(figure.value is not None and figure.value < _SMALL for figure in facts.figures)


# Each row belongs to every fourth week, so a card cannot return sooner whatever a report contains. The first card of
# a row suits every report; the others come in turn when theirs is in it.
_ROWS: tuple[tuple[_Card, ...], ...] = (
    (
        _Card(
            _("Why a range and not a percentage"),
            _(
                "No two weeks are alike, even when nothing has changed. So we do not say “up by a third on last week”. "
                "We show the range your own usual weeks fall in. A number inside it is ordinary; one outside it "
                "deserves a closer look."
            ),
        ),
        _Card(
            _("Why a number says “so far”"),
            _(
                "Platforms go on counting for days after a week has ended: late likes, late replies, late corrections. "
                "“So far” marks a number that may still rise. To be fair, we hold it against what earlier weeks "
                "had earned by the same day, where we can."
            ),
            lambda facts: any(figure.so_far for figure in facts.figures),
        ),
        _Card(
            _("Why we give posters their own link"),
            _(
                "A visit does not tell where it came from unless its link says so. A short tag in the link on each "
                "poster, newsletter and post does that. Someone who reads the poster and types your address by hand "
                "is not counted, so the true number is a little higher."
            ),
            lambda facts: any(campaign.touchpoints for campaign in facts.campaigns),
        ),
    ),
    (
        _Card(
            _("Your own past is the best yardstick"),
            _(
                "We compare you with your own past weeks, never with another business. Others have another town, "
                "another season, another budget. What helps is knowing when your own week was out of the ordinary, "
                "and learning why."
            ),
        ),
        _Card(
            _("Small numbers swing"),
            _(
                "Toss a coin ten times and seven heads are no surprise. It is the same with small counts: three "
                "replies one week and six the next can be pure chance. We wait until a number leaves its usual range "
                "before we read anything into it."
            ),
            _has_small_numbers,
        ),
        _Card(
            _("Why there is sometimes no number"),
            _(
                "“Not reported” means that a platform did not tell us, or that we could not ask it. It does not mean "
                "nobody came. We would rather show you a gap than a zero that is not true."
            ),
            lambda facts: any(figure.value is None for figure in facts.figures),
        ),
    ),
    (
        _Card(
            _("What a social media manager can promise"),
            _(
                "We can promise good posts at good times, honest numbers, and an answer to everyone who writes. "
                "Nobody can promise a number of likes or a post that everyone shares: the platforms decide who "
                "sees what, and they change their minds."
            ),
        ),
        _Card(
            _("Why followers stand at the end"),
            _(
                "A follower once pressed a button; it does not mean that they saw this week’s posts. Most platforms "
                "show a post to a part of your followers, and to others too. Reactions, replies and visits tell "
                "more about this week."
            ),
            lambda facts: any(account.followers is not None for account in facts.accounts),
        ),
        _Card(
            _("Visits come by many roads"),
            _(
                "Someone sees a post on Tuesday, your poster on Thursday, and looks you up on Saturday. The table "
                "shows the last road only. Social media often opens a door that another road walks through, so look "
                "at the whole table, not one line."
            ),
            lambda facts: bool(facts.channels),
        ),
    ),
    (
        _Card(
            _("A conversation is worth more than an announcement"),
            _(
                "A reply costs a reader more effort than a like, and a friendly answer is seen by everyone who reads "
                "along. A few words back to each person, within a day or so, are often the best-spent minutes of "
                "the week."
            ),
        ),
        _Card(
            _("Why we say “about twice”"),
            _(
                "The post that did best was good, and a little lucky. So we take some of the luck off, the more the "
                "less we know of your posts, and give the range the truth probably lies in. If that range still "
                "allows for an ordinary post, it is too early to say."
            ),
            lambda facts: any(post.lift is not None for post in facts.posts),
        ),
        _Card(
            _("Reach is not the same as followers"),
            _(
                "Reach counts the people who saw something; followers count those who asked to. A person who saw you "
                "on two platforms is counted on both, so we never add reach up. Where a platform does not report "
                "reach, we do not guess it."
            ),
            lambda facts: len({account.platform for account in facts.accounts}) > 1,
        ),
    ),
)


def pick(facts: Facts) -> Lesson:
    """The card for a report: the same for the same facts, and never one of the three weeks before.

    Args:
        facts: The report's facts; its own `lesson` is not looked at.
    """
    week = facts.first_day.toordinal() // 7
    row = [card for card in _ROWS[week % WEEKS_APART] if card.suits(facts)]
    card = row[week // WEEKS_APART % len(row)]
    gettext = voice_of(facts.locale).gettext
    return Lesson(title=gettext(card.title), text=gettext(card.text))
