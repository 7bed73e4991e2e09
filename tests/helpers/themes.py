"""Themes: those of the sandbox's samples, and any that passes the check."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace

from hypothesis import assume
from hypothesis import strategies as st
from msgspec.structs import replace

from widerview.agency.contrast import GRAPHICS, TEXT, nearest
from widerview.agency.theme import Palette, Theme, load_theme
from widerview.report.facts import Facts

SAMPLES = ("hollow-oak-bakery", "tidewater-cycles", "lantern-lane")
FOLDER = Path(str(resources.files("widerview.sandbox")))


def of_agency(theme: str | None, agency: str = "Lantern Lane") -> SimpleNamespace:
    """As much of a client as its theme depends on."""
    return SimpleNamespace(theme=theme, sender=SimpleNamespace(agency=agency))


def sample_theme(name: str) -> Theme:
    return load_theme(FOLDER, of_agency(f"themes/{name}.yaml"))


def themed(facts: Facts, theme: Theme) -> Facts:
    return replace(facts, theme=theme.model_dump_json())


COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@st.composite
def palettes(draw: st.DrawFn) -> Palette:
    """Any colours that a theme file may have: random ones, mended as its mistakes say."""
    dark = draw(st.booleans())

    def back() -> str:
        channels = [draw(st.integers(0, 70)) for _ in range(3)]
        return "#" + "".join(f"{each if dark else 255 - each:02x}" for each in channels)

    backs = {name: back() for name in ("background", "paper", "note", "lesson", "line")}

    def front(*beside: tuple[str, float]) -> str:
        found = nearest(draw(COLOURS), beside)
        assume(found is not None)
        return found or ""

    background, paper, note, lesson = ((backs[name], TEXT) for name in ("background", "paper", "note", "lesson"))
    text = front(background, paper, note, lesson, (backs["line"], GRAPHICS))
    return Palette(
        **backs,
        text=text,
        quiet=front(background, paper, note, lesson),
        accent=front(background, paper, lesson),
        below=front(background, paper),
        usual=front((backs["paper"], GRAPHICS), (backs["line"], GRAPHICS), (text, GRAPHICS)),
    )
