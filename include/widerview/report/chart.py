"""Draw the report's one chart: an SVG by template, a PNG for mail programs, the same bytes everywhere."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

import resvg_py
from babel.numbers import format_compact_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from widerview.agency.contrast import GRAPHICS, mixes, ratio
from widerview.agency.theme import Palette, Theme
from widerview.report.facts import Chart, DayPoint
from widerview.report.voice import voice_of

WIDTH, HEIGHT = 560, 280
"""Size in CSS pixels at full width. A phone shows it at half of that, so its letters are large."""

BUILT_IN = Theme().light
"""The colours of a report without a theme."""

FONTS = Path(__file__).parent / "fonts"
"""The only fonts that charts and PDFs are set in."""

_FONT = FONTS / "OpenSans-Semibold.ttf"
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 66, 38
FLOOR = HEIGHT - BOTTOM
_BAR = 0.6  # a bar's share of its room
_LETTER = 10.4  # width of an average letter of the font, at the legend's size
_WEEK = 7
_MOST_STEPS = 3
_FAINT = 1.2  # contrast ratio of the band to the paper


class Label(NamedTuple):
    """Words at a place of the chart."""

    x: float
    y: float
    text: str
    kind: str = ""


class Bar(NamedTuple):
    """One day's value."""

    x: float
    y: float
    height: float
    kind: str


def notes(chart: Chart) -> list[tuple[str, DayPoint]]:
    """The days with a note, each with the letter that marks it on the chart."""
    noted = [point for point in chart.points if point.note or point.noted]
    return list(zip(ascii_uppercase + ascii_lowercase, noted, strict=False))


class Colours(NamedTuple):
    """The colours of a chart: those of the theme, and two made of them."""

    paper: str
    quiet: str
    line: str
    accent: str
    before: str
    usual: str
    band: str
    below: str


@lru_cache(maxsize=64)
def colours(palette: Palette) -> Colours:
    """The colours in which a chart is drawn.

    The band of the usual range is a tint of its colour, hardly darker than the paper; its edge has the colour itself.
    Bars of the weeks before are the palest accent that can be told from both paper and band.
    """
    paper = palette.paper
    band = [each for each in mixes(paper, palette.usual) if ratio(each, paper) <= _FAINT][-1]
    before = next(
        each
        for each in mixes(paper, palette.accent)
        if min(ratio(each, paper), ratio(each, band)) >= GRAPHICS or each == palette.accent.lower()
    )
    return Colours(paper, palette.quiet, palette.line, palette.accent, before, palette.usual, band, palette.below)


def chart_svg(chart: Chart, locale: str, palette: Palette = BUILT_IN) -> str:
    """Draw a chart as SVG.

    The usual range of each weekday is a soft step behind the bars; the report's week is dark, the weeks before are
    light; days that were not reported are a dashed box, so that they do not look like empty ones. Days with a note
    carry a letter (see `notes`).

    Args:
        chart: The days, oldest first; at least one.
        locale: Babel locale of numbers and dates.
        palette: The theme's light colours: pictures cannot follow the reader's choice.
    """
    _ = (voice := voice_of(locale)).gettext
    points = chart.points
    ticks = ticks_for([number for point in points for number in (point.value, point.high) if number is not None])
    pitch = (WIDTH - LEFT - RIGHT) / len(points)
    xs = [round(LEFT + pitch * position, 2) for position in range(len(points) + 1)]
    y = scale(ticks)

    def kind(position: int) -> str:
        return "week" if position >= len(points) - _WEEK else "before"

    legend = {"week": _("this week"), "before": _("before"), "usual": _("usual")}
    if any(point.value is None for point in points):
        legend["missing"] = _("no number")
    letters = {point.day: letter for letter, point in notes(chart)}
    return template("chart.svg.j2").render(
        title=_(chart.title),
        colours=colours(palette),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        floor=FLOOR,
        pitch=round(pitch, 2),
        bar_width=bar_width(pitch),
        bars=[
            bar(x, pitch, y(point.value), kind(i))
            for i, (x, point) in enumerate(zip(xs, points, strict=False))
            if point.value is not None
        ],
        missing=list(_missing(points, xs)),
        bands=list(_bands(points, xs, y)),
        ticks=tick_labels(ticks, locale),
        weeks=[
            Label(xs[i], HEIGHT - 12, voice.short_day(points[i].day), kind(i))
            for i in range(len(points))
            if (len(points) - i) % _WEEK == 0
        ],
        notes=[
            Label(
                round(x + pitch / 2, 2),
                TOP if point.value is None else y(max(point.value, point.high or 0)),
                letters[point.day],
            )
            for x, point in zip(xs, points, strict=False)
            if point.day in letters
        ],
        legend=list(in_a_row(legend)),
    )


def chart_png(svg: str, scale: float = 2) -> bytes:
    """Turn an SVG into a PNG with the bundled font and no other: the same bytes on every machine."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, skip_system_fonts=True, font_files=[str(_FONT)]))


def ticks_for(numbers: Sequence[float]) -> list[float]:
    """Round numbers from zero to above the highest: at most three steps of 1, 2 or 5 times a power of ten."""
    highest = max([1.0, *numbers])
    power = 10 ** math.floor(math.log10(highest / _MOST_STEPS)) if highest > _MOST_STEPS else 1
    step = next(size for factor in (1, 2, 5, 10) if (size := factor * power) * _MOST_STEPS >= highest)
    return [step * count for count in range(math.ceil(highest / step) + 1)]


def scale(ticks: Sequence[float]) -> Callable[[float], float]:
    """How far down a value stands, where the highest tick stands at the top and zero on the floor."""
    return lambda value: round(FLOOR - (FLOOR - TOP) * max(value, 0) / ticks[-1], 2)


def tick_labels(ticks: Sequence[float], locale: str) -> list[Label]:
    """The numbers beside the ticks, as a locale writes them."""
    y = scale(ticks)
    return [
        Label(LEFT - 9, y(tick), str(format_compact_decimal(tick, locale=locale, fraction_digits=1))) for tick in ticks
    ]


def bar_width(pitch: float) -> float:
    """How wide a bar is that has so much room."""
    return _snapped(pitch * _BAR)


def bar(left: float, pitch: float, top: float, kind: str) -> Bar:
    """The bar of a value that stands at `top`, in the middle of its room.

    An empty one keeps a line at the floor: nothing happened, and that was reported.
    """
    return Bar(_snapped(left + pitch * (1 - _BAR) / 2), min(top, FLOOR - 2), max(FLOOR - top, 2), kind)


def _snapped(length: float) -> float:
    """A length of whole pixels in the picture, which has two to a unit: so all bars are equally wide."""
    return round(length * 2) / 2


def _missing(points: Sequence[DayPoint], xs: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Where each unbroken run of days that were not reported begins, and how wide it is."""
    rooms = zip(points, xs, xs[1:], strict=False)
    for known, run in groupby(rooms, lambda room: room[0].value is not None):
        if not known:
            days = list(run)
            yield days[0][1] + 1, round(days[-1][2] - days[0][1] - 2, 2)


def _bands(points: Sequence[DayPoint], xs: Sequence[float], y: Callable[[float], float]) -> Iterator[str]:
    """SVG paths around the usual ranges: one for each unbroken run of days that have one."""
    ranges = [(xs[i], xs[i + 1], p.low, p.high) for i, p in enumerate(points)]
    for known, run in groupby(ranges, lambda day: day[2] is not None and day[3] is not None):
        if known:
            days = list(run)
            above = [f"{x},{y(high or 0)}" for left, right, _, high in days for x in (left, right)]
            below = [f"{x},{y(low or 0)}" for left, right, low, _ in reversed(days) for x in (right, left)]
            yield f"M{' L'.join(above + below)} Z"


def in_a_row(legend: Mapping[str, str]) -> Iterator[Label]:
    """Place the words of a legend, by kind, beside each other."""
    x = float(LEFT)
    for kind, text in legend.items():
        yield Label(round(x, 2), 24, text, kind)
        x += 44 + _LETTER * len(text)


@lru_cache(maxsize=2)
def template(name: str) -> Template:
    """A chart's template."""
    environment = Environment(
        loader=PackageLoader("widerview.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
