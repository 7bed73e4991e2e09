"""Whether two colours can be told apart, by the contrast ratio of WCAG 2.2. Colours are written `#rrggbb`."""

from collections.abc import Iterator, Sequence
from itertools import chain

TEXT, GRAPHICS = 4.5, 3.0
"""The least ratio of letters to what they stand on (success criterion 1.4.3), and of what is drawn (1.4.11)."""

_BLACK, _WHITE = "#000000", "#ffffff"
_LOWEST = 0.04045


def ratio(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 (the same) to 21 (black and white).

    Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixes(start: str, end: str) -> Iterator[str]:
    """The colours on the way from one to another, both included, in a hundred steps."""
    pairs = list(zip(_channels(start), _channels(end), strict=True))
    for step in range(101):
        yield "#" + "".join(f"{round(one + (other - one) * step / 100):02x}" for one, other in pairs)


def nearest(colour: str, beside: Sequence[tuple[str, float]]) -> str | None:
    """The colour that has to be made least lighter or darker to keep every ratio; None if there is none.

    Args:
        colour: The colour that keeps too little.
        beside: What it stands on or beside, each with the least ratio.
    """
    tried = chain.from_iterable(zip(mixes(colour, _BLACK), mixes(colour, _WHITE), strict=True))
    return next((each for each in tried if all(ratio(each, other) >= least for other, least in beside)), None)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Relative luminance in sRGB: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    shares = (channel / 255 for channel in _channels(colour))
    red, green, blue = (each / 12.92 if each <= _LOWEST else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
