"""Draw a year: a bar a week, and a step at what a usual week of each quarter had."""

from widerview.agency.theme import Palette
from widerview.report.chart import (
    BUILT_IN,
    FLOOR,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Label,
    bar,
    bar_width,
    colours,
    in_a_row,
    scale,
    template,
    tick_labels,
    ticks_for,
)
from widerview.report.facts import Year
from widerview.report.voice import voice_of


def year_svg(year: Year, locale: str, palette: Palette = BUILT_IN) -> str:
    """Draw a year as SVG, as the 28 days are drawn; its last quarter is dark, and weeks not known are left empty."""
    _ = (voice := voice_of(locale)).gettext
    ticks = ticks_for([week.value for week in year.weeks if week.value is not None] + list(year.quarters))
    pitch = (WIDTH - LEFT - RIGHT) / len(year.weeks)
    length = len(year.weeks) // len(year.quarters)
    y = scale(ticks)

    def x(week: int) -> float:
        return round(LEFT + pitch * week, 2)

    return template("year.svg.j2").render(
        title=_(year.label),
        colours=colours(palette),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        floor=FLOOR,
        bar_width=bar_width(pitch),
        bars=[
            bar(x(place), pitch, y(week.value), "last" if place >= len(year.weeks) - length else "before")
            for place, week in enumerate(year.weeks)
            if week.value is not None
        ],
        steps=[
            (x(quarter * length), x((quarter + 1) * length), y(value)) for quarter, value in enumerate(year.quarters)
        ],
        quarters=[
            Label(x(quarter * length), HEIGHT - 12, voice.short_day(year.weeks[quarter * length].monday))
            for quarter in range(len(year.quarters))
        ],
        ticks=tick_labels(ticks, locale),
        legend=list(in_a_row({"last": _("last quarter"), "before": _("before"), "usual": _("usual week")})),
    )
