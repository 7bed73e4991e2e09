"""What cannot be seen is removed; what people see as one character is never cut."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.report.clean_text import clean, clip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  a \t b\r\nc ", "a b c"),
        ("gnp\u202eexe.\u202c", "gnpexe."),
        ("pass\u200bword\ufeff\u00ad", "password"),
        ("a\x00b\x1b[0m", "a b [0m"),
        ("x\u200dy", "xy"),
        ("👩‍🍳 bakes", "👩‍🍳 bakes"),
        ("می‌خواهم", "می‌خواهم"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("\ud800lone", "lone"),
        ("non\ufffecharacter", "noncharacter"),
    ],
)
def test_clean(written, read):
    assert clean(written) == read


def test_clean_keeps_lines_when_asked():
    assert clean("Dear Ines,\r\n\r\n  yours\u2028Mira\n", keep_lines=True) == "Dear Ines,\n\n  yours\nMira"


@given(st.text())
def test_clean_text_is_clean(text):
    once = clean(text)
    assert clean(once) == once
    assert not {unicodedata.category(character) for character in once} & {"Cc", "Cs", "Co"}
    once.encode()


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 5, "short"),
        ("a walnut loaf", 12, "a walnut lo…"),
        ("walnut loaves at dawn", 20, "walnut loaves at…"),
        ("unbreakable", 6, "unbre…"),
        ("🇩🇪🇫🇷🇮🇹", 2, "🇩🇪…"),
        ("👩‍👩‍👧‍👦👍🏽👍", 2, "👩‍👩‍👧‍👦…"),
        ("👍🏽👍🏽👍🏽", 2, "👍🏽…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_clip(text, limit, cut):
    assert clip(text, limit) == cut


@given(st.text(), st.integers(1, 50))
def test_clip_never_lengthens(text, limit):
    assert len(clip(text, limit)) <= max(len(text), 1)


def test_an_endless_emoji_is_cut_all_the_same():
    assert len(clip("👩" + "\u200d👩" * 10_000, 280)) < 1000
