"""Which numbers of a mail's text no receipt is of."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from babel import Locale

from widerview.report.clean_text import clean
from widerview.report.facts import Facts, Hours
from widerview.report.receipts import printed_numbers
from widerview.report.render import render

_MONTHS = "|".join(
    name for width in ("wide", "abbreviated") for name in Locale("en", "GB").months["format"][width].values()
)
_NO_FIGURES = re.compile(
    "|".join(
        [
            r"“[^”]*”",  # a post's words, a campaign's name
            r"https?://\S+",
            rf"\b\d{{1,2}}( – |–)?(\d{{1,2}})? ({_MONTHS})\b( \d{{4}})?",  # 9–15 November 2026
            r"\b\d\d:\d\d\b",
            r"\(revision \d+\)",
            r"\b\w+@\d+\b",  # a definition and its version
        ]
    )
)
"""What is no figure: words of people (as far as they are no names, see `_words`), days, times and versions."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def without_receipt(facts: Facts) -> list[str]:
    """The numbers in the text part that no id's printed text has, each with the words around it. English alone."""
    facts = msgspec.structs.replace(facts, locale="en_GB")
    text = " ".join(render(facts).text.split())
    for words in sorted({" ".join(clean(each).split()) for each in _words(facts) if each}, key=len, reverse=True):
        text = text.replace(words, "…")
    text = _NO_FIGURES.sub("…", text)
    known = {number for each in printed_numbers(facts).values() for number in _NUMBER.findall(each.text)}
    return [
        text[max(found.start() - 60, 0) : found.end() + 30] for found in _NUMBER.finditer(text) if found[0] not in known
    ]


def _words(value: Any) -> Iterator[str]:
    """Every name, address and word in the facts that has a digit; a number of ours is no word of them."""
    if isinstance(value, str) and any(map(str.isdigit, value)) and len(value) > len("W46"):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _words(each)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _words(getattr(value, name))


def distinct(facts: Facts) -> Facts:
    """The same facts with every number another one, so that none can pass for another; later fields are larger."""
    made: Facts = _distinct(facts, iter(range(1_009, 1_000_000, 7)))
    return msgspec.structs.replace(made, revision=facts.revision)


def _distinct(value: Any, numbers: Iterator[int]) -> Any:
    if value is None or isinstance(value, (bool, str, dt.date, Hours)):
        return value
    if isinstance(value, int):
        return next(numbers)
    if isinstance(value, float):
        return value if 0 < value < 1 else next(numbers) + 0.4  # a share stays one
    if isinstance(value, tuple):
        return tuple(_distinct(each, numbers) for each in value)
    names = [name for name in value.__struct_fields__ if name != "decimals"]
    fields = {name: _distinct(getattr(value, name), numbers) for name in names}
    return msgspec.structs.replace(value, **fields)
