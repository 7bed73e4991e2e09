"""Make foreign words harmless: names, handles and post texts are written by strangers.

Markup is the business of the templates, which escape everything. Here goes what no escaping catches: characters
that cannot be seen, that turn the reading direction around, or that pile up until a line covers the next ones.
"""

import unicodedata
from collections.abc import Iterator
from itertools import islice

_JOINERS = {"\u200c", "\u200d"}
_NOT_XML = {"\ufffe", "\uffff"}
_MAX_MARKS = 4
_LONGEST = 12  # code points of a character: a family of four with their skin tones has eleven


def clean(text: str, *, keep_lines: bool = False) -> str:
    """Remove control, bidi, zero-width and private characters; white space becomes single spaces.

    Joiners stay between two non-ASCII characters, where emoji and several scripts need them. More than four marks
    on one letter are cut.

    Args:
        text: Words from anywhere.
        keep_lines: Keep line breaks and the spaces within a line.
    """
    if keep_lines:
        return "\n".join(_visible(line) for line in text.splitlines()).strip("\n")
    return " ".join(_visible(text).split())


def _visible(line: str) -> str:
    kept: list[str] = []
    marks = 0
    for position, character in enumerate(line):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category == "Cc":
            kept.append(" ")
        elif character in _JOINERS:
            before, after = line[position - 1 : position], line[position + 1 : position + 2]
            if before and after and not before.isascii() and not after.isascii() and before not in _JOINERS:
                kept.append(character)
        elif category not in {"Cf", "Cs", "Co"} and character not in _NOT_XML and marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def clip(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters as people count them, at a word's end where one is near.

    An emoji of several code points, a flag or a letter with its accents is never cut in two. The sign of the cut
    (an ellipsis) counts as one character. A text of emoji alone is cut earlier, at about two code points a character.
    """
    if len(text) <= limit:
        return text
    room = 2 * limit + 2 * _LONGEST
    pieces = list(islice(characters(text), limit + 1))
    if len(pieces) <= limit and len(text) <= room:
        return text
    kept = pieces[: limit - 1]
    while len(cut := "".join(kept)) > room:
        kept.pop()
    whole_words = cut.rpartition(" ")[0]
    if len(whole_words) > 0.8 * len(cut):
        cut = whole_words
    return cut.rstrip(" .,;:-–—") + "…"


def characters(text: str) -> Iterator[str]:
    """Split a text into what people see as one character (the main cases of Unicode's annex 29)."""
    current = ""
    for character in text:
        extends = (
            unicodedata.category(character) in {"Mn", "Me", "Mc"}
            or character == "\u200d"
            or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        )
        joined = current.endswith("\u200d")
        second_half_of_flag = len(current) == 1 and _is_flag_half(current) and _is_flag_half(character)
        if current and (len(current) == _LONGEST or not (extends or joined or second_half_of_flag)):
            yield current
            current = ""
        current += character
    if current:
        yield current


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
