"""The words of the rates: what each was, how sure that is, and what is usual."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from widerview.report.facts import Facts, RateFact
from widerview.report.narrate import channel_word
from widerview.report.voice import Voice, rounded, rounded_range, voice_of
from widerview.vocabulary.metrics import METRICS

_MOST_DECIMALS = 3


class RateLine(NamedTuple):
    """A rate in words; `usual` and `verdict` are empty where there is nothing to hold it against."""

    label: str
    value: str
    range: str
    usual: str
    verdict: str
    word: str


def rate_line(facts: Facts, rate: RateFact) -> RateLine:
    """One rate: whose and what it is, its value, the range that the true one lies in, and its usual range."""
    voice = voice_of(facts.locale)
    decimals = _decimals(rate)
    usual = ""
    if rate.usual_low is not None and rate.usual_high is not None:
        usual = _ends(voice, rate, *rounded_range(rate.usual_low, rate.usual_high, decimals))
    return RateLine(
        label=": ".join(filter(None, (_whose(facts, rate), voice.gettext(rate.label)))),
        # Within two hours is true of an hour and a half, and what is told of doubt is rounded outwards.
        value=_said(voice, rate, rounded(rate.value, decimals, ROUND_CEILING if _is_time(rate) else ROUND_HALF_EVEN)),
        range=_ends(
            voice,
            rate,
            rounded(rate.low, decimals, ROUND_FLOOR),
            None if rate.high is None else rounded(rate.high, decimals, ROUND_CEILING),
        ),
        usual=usual,
        verdict=channel_word(facts, rate.word) if usual else "",
        word=rate.word,
    )


def rate_notes(facts: Facts) -> list[str]:
    """How to read the rates."""
    if not facts.rates:
        return []
    voice = voice_of(facts.locale)
    lines = [
        voice.say(
            "How sure: the true rate lies in this range in about %(share)s of cases. Few posts, or posts that differ "
            "much, leave more doubt.",
            share=voice.percent(facts.rates[0].coverage),
        )
    ]
    if usual := [rate.usual_coverage for rate in facts.rates if rate.usual_low is not None]:
        lines.append(
            voice.say(
                "Usually: in this range lie about %(share)s of weeks, if they are as the twelve weeks before.",
                share=voice.percent(usual[0]),
            )
        )
    return lines


def rate_meanings(facts: Facts) -> list[str]:
    """What each of the rates is divided by, and by which version of its definition."""
    voice = voice_of(facts.locale)
    lines = [f"{voice.gettext(each.label)}: {voice.gettext(each.meaning)} ({each.definition})" for each in facts.rates]
    return list(dict.fromkeys(lines))


def _is_time(rate: RateFact) -> bool:
    return METRICS[rate.metric].unit == "seconds"


def _whose(facts: Facts, rate: RateFact) -> str:
    if rate.platform and not rate.handle:
        return voice_of(facts.locale).say("Website (%(name)s)", name=rate.platform)
    accounts = {each.handle for each in facts.rates if each.platform == rate.platform}
    return f"{rate.platform} {rate.handle}" if rate.handle and len(accounts) > 1 else rate.platform


def _decimals(rate: RateFact) -> int:
    """The fewest decimals at which the value has two digits and the printed numbers agree with the word."""
    if _is_time(rate):
        return 0
    for decimals in range(1, _MOST_DECIMALS):
        value = rounded(rate.value, decimals)
        if rate.value > 0 and value < Decimal(10).scaleb(-decimals):
            continue
        if rate.usual_low is None or rate.usual_high is None:
            return decimals
        low, high = rounded_range(rate.usual_low, rate.usual_high, decimals)
        if rate.word == ("above" if value > high else "below" if value < low else "inside"):
            return decimals
    return _MOST_DECIMALS


def _ends(voice: Voice, rate: RateFact, low: Decimal, high: Decimal | None) -> str:
    if high is None:
        return voice.say("%(number)s or more", number=_said(voice, rate, low))
    if low == high:
        return _said(voice, rate, low)
    return f"{voice.number(low, _places(low))}–{_said(voice, rate, high)}"


def _said(voice: Voice, rate: RateFact, value: Decimal) -> str:
    if METRICS[rate.metric].unit == "percent":
        return voice.percent(value.scaleb(-2), _places(value))
    return voice.count("%(n)s office hour", "%(n)s office hours", int(value))


def _places(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)
