"""The language of the words and how numbers, ranges and dates are written in them."""

import datetime as dt
import gettext
from collections.abc import Sequence
from copy import copy
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, format_currency

from widerview.report.facts import Facts

CATALOGUES = Path(__file__).parent / "locale"
"""Where the catalogues stand: `<language>/LC_MESSAGES/report.po`."""

_TWICE = 2
_HALF_A_PERCENT = 0.005
_WITHOUT_SHARP_S = {"CH", "LI"}


class Voice:
    """The language of the words and the locale of the numbers.

    Attributes:
        language: Language of the words, as HTML's `lang` wants it, e.g. `en-GB`.
        direction: `ltr` or `rtl`.
        lowers_labels: Whether a label within a sentence begins with a small letter.
    """

    def __init__(self, locale: str) -> None:
        self._numbers = Locale.parse(locale)
        found = catalogue(self._numbers.language)
        self._catalogue = found or gettext.NullTranslations()
        # Translators: "labels:keep" where nouns have a capital; else within a sentence they begin with a small letter.
        self.lowers_labels = self._catalogue.gettext("labels:lower") == "labels:lower"
        # Month names belong to the language of the words, not to that of the numbers.
        is_spoken = found is not None or self._numbers.language == "en"
        self._dates = self._numbers if is_spoken else Locale.parse("en_GB")
        self.language = str(self._dates).replace("_", "-")
        self.direction = self._dates.text_direction
        self._is_swiss = self._dates.language == "de" and self._dates.territory in _WITHOUT_SHARP_S

    def gettext(self, text: str) -> str:
        """Words in this language; those the catalogue does not have, and names, stay as they are."""
        # The empty text is the key of a catalogue's own head.
        return self._spelled(self._catalogue.gettext(text)) if text else ""

    def _spelled(self, text: str) -> str:
        return text.replace("ß", "ss") if self._is_swiss else text

    def say(self, text: str, **words: str) -> str:
        """Words in this language, with what belongs into their gaps."""
        return self.gettext(text) % words if words else self.gettext(text)

    def count(self, one: str, many: str, number: int, **words: str) -> str:
        """Words that depend on a number; they hold it as `%(n)s`."""
        return self._spelled(self._catalogue.ngettext(one, many, number)) % {"n": self.number(number), **words}

    def listed(self, names: Sequence[str]) -> str:
        """Names in a row: `a, b and c`."""
        joined = self.gettext("%(some)s and %(last)s")
        return joined % {"some": ", ".join(names[:-1]), "last": names[-1]} if len(names) > 1 else "".join(names)

    def quoted(self, names: Sequence[str]) -> str:
        """Names in a row, each in quotation marks."""
        return self.listed([self.say("“%(name)s”", name=name) for name in names])

    def number(self, value: float | Decimal, decimals: int = 0) -> str:
        """A number with a fixed count of decimals."""
        return str(self._pattern(decimals).apply(rounded(value, decimals), self._numbers))

    @lru_cache(maxsize=8)  # noqa: B019 - there is one voice a locale, and it lives as long as the process
    def _pattern(self, decimals: int) -> NumberPattern:
        pattern: NumberPattern = copy(self._numbers.decimal_formats[None])
        pattern.frac_prec = (decimals, decimals)
        return pattern

    def about(self, value: float | Decimal) -> str:
        """A median or the like: one decimal, and none where it is a whole number."""
        return self.number(value, 0 if float(value).is_integer() else 1)

    def percent(self, share: float | Decimal, decimals: int = 0) -> str:
        """A share as a percentage with a fixed count of decimals; a small one is `under 1%`, and not none."""
        if not decimals and 0 < share <= _HALF_A_PERCENT:
            return self.say("under %(share)s", share=self.percent(0.01))
        pattern: NumberPattern = copy(self._numbers.percent_formats[None])
        pattern.frac_prec = (decimals, decimals)
        return str(pattern.apply(share, self._numbers))

    def money(self, value: float, currency: str) -> str:
        """An amount of money."""
        return str(format_currency(value, currency, locale=self._numbers))

    def day(self, day: dt.date) -> str:
        """A day within the year, e.g. `Thu 12 Nov`; with the month in full where its short form ends in a full stop."""
        short = str(dates.format_skeleton("MMMEd", day, locale=self._dates))
        return str(dates.format_skeleton("MMMMEd", day, locale=self._dates)) if short.endswith(".") else short

    def short_day(self, day: dt.date) -> str:
        """A day for a chart's axis, e.g. `12 Nov`."""
        return str(dates.format_skeleton("MMMd", day, locale=self._dates))

    def long_day(self, day: dt.date) -> str:
        """A day within the year, e.g. `12 November`."""
        return str(dates.format_skeleton("MMMMd", day, locale=self._dates))

    def weekday(self, day: dt.date, pattern: str = "EEE") -> str:
        """The name of the weekday: short, e.g. `Thu`, or with the pattern `EEEE` in full."""
        return str(dates.format_date(day, pattern, locale=self._dates))

    def days(self, first: dt.date, last: dt.date) -> str:
        """A stretch of days, e.g. `9–15 November 2026`."""
        text = str(dates.format_interval(first, last, skeleton="yMMMd", locale=self._dates)).replace("\u2009", " ")
        short, wide = (dates.get_month_names(width, locale=self._dates) for width in ("abbreviated", "wide"))
        for month in {first.month, last.month}:
            text = text.replace(short[month], wide[month])
        return text

    def moment(self, moment: dt.datetime, zone: ZoneInfo) -> str:
        """A moment on the clock of a zone, e.g. `17 November 2026, 08:40`."""
        local = moment.astimezone(zone)
        day = dates.format_date(local.date(), "long", locale=self._dates)
        return f"{day}, {dates.format_time(local.timetz(), 'short', tzinfo=zone, locale=self._dates)}"


def marked(text: str) -> str:
    """Mark words for the catalogues; they are looked up in the client's language when they are printed."""
    return text


@lru_cache(maxsize=16)
def catalogue(language: str) -> gettext.GNUTranslations | None:
    """The words of a language; None where there is no catalogue."""
    try:
        text = (CATALOGUES / language / "LC_MESSAGES" / "report.po").read_bytes()
    except FileNotFoundError:
        return None
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(text), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache(maxsize=64)
def voice_of(locale: str) -> Voice:
    """The voice for a Babel locale; English words where there is no catalogue."""
    return Voice(locale)


def ends(voice: Voice, low: float, high: float, decimals: int = 0) -> str:
    """A range for print; one number where both ends are printed alike."""
    texts = [voice.number(end, decimals) for end in rounded_range(low, high, decimals)]
    return texts[0] if texts[0] == texts[1] else "–".join(texts)


def rounded_range(low: float, high: float, decimals: int) -> tuple[Decimal, Decimal]:
    """A range for print, rounded inwards: 63 above a range that ends at 62.6 is above 62, not above 63.

    A range too narrow for that is rounded to the nearest.
    """
    inner = rounded(low, decimals, ROUND_CEILING), rounded(high, decimals, ROUND_FLOOR)
    return inner if inner[0] <= inner[1] else (rounded(low, decimals), rounded(high, decimals))


def rounded(value: float | Decimal, decimals: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """A number for print, to so many decimals."""
    # An end may be 63.00000000001 by arithmetic alone: that is 63, and must not round up to 64.
    return Decimal(str(round(value, 9))).quantize(Decimal(1).scaleb(-decimals), rounding=rounding)


def times(voice: Voice, factor: float) -> str:
    """How many times as much, for print: `about twice`, `about 1.8 times`."""
    found = rounded(factor, 1)
    if found == _TWICE:
        return voice.gettext("about twice")
    return voice.gettext("about %(times)s times") % {"times": voice.about(found)}


def inline(facts: Facts, label: str) -> str:
    """A label within a sentence: its first letter small, unless it begins with a name or an abbreviation.

    Languages that write nouns with a capital keep it.
    """
    if not voice_of(facts.locale).lowers_labels:
        return label
    first = label.partition(" ")[0]
    names = {*facts.client_name.split(), *(account.platform for account in facts.accounts)}
    keep = first in names or first[1:] != first[1:].lower()
    return label if keep else label[:1].lower() + label[1:]
