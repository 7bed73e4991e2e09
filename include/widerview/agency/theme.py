"""How a client's mail looks: one theme file a client, or one for the whole agency.

A theme is checked when it is read: whatever the mail and its chart put together can be told apart by everybody. What
was read goes into the report's facts, logo and all, so that a report that was sent never looks otherwise.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from widerview.agency.contrast import GRAPHICS, TEXT, nearest, ratio
from widerview.agency.load import Agency, BrokenFile, BrokenFileError, read_text
from widerview.agency.logo import LogoError, Picture, read_logo
from widerview.agency.mistakes import nearest_spot, problems_of
from widerview.agency.models import Client, Line, Model, Written
from widerview.yaml_lines import Document, NotYaml, Problem, read_yaml, show_path

__all__ = ["AGENCY_THEME", "FONTS", "Palette", "Theme", "ThemeFile", "broken_themes", "load_theme"]

AGENCY_THEME = "themes/agency.yaml"
"""The theme of all clients that name none, if there is such a file in the folder of client files."""

FONTS: Mapping[str, str] = MappingProxyType(
    {
        "system": "'Segoe UI', Roboto, 'Helvetica Neue', Helvetica, Arial, sans-serif",
        "helvetica": "'Helvetica Neue', Helvetica, Arial, sans-serif",
        "verdana": "Verdana, Geneva, 'DejaVu Sans', sans-serif",
        "trebuchet": "'Trebuchet MS', 'Lucida Grande', Tahoma, sans-serif",
        "georgia": "Georgia, 'Times New Roman', Times, serif",
        "palatino": "'Palatino Linotype', Palatino, 'Book Antiqua', Georgia, serif",
    }
)
"""Fonts that readers' machines have, by name, each with what takes its place: a mail can bring no font along."""

FontName = Literal["system", "helvetica", "verdana", "trebuchet", "georgia", "palatino"]
Colour = Annotated[str, Written("a colour as #rrggbb", r"#[0-9a-fA-F]{6}", '"#1f5a54"')]
LogoName = Annotated[
    str,
    Written(
        "the name of a .svg, .png or .jpg file that lies beside the theme file",
        r"[A-Za-z0-9][A-Za-z0-9_.-]*\.(svg|png|jpe?g)",
        "hollow-oak.svg",
    ),
]


def _colour(what: str, light: str, dark: str) -> Any:
    return Field(description=what, examples=[light], json_schema_extra={"built_in": [light, dark]})


def _nothing_is_required(schema: dict[str, Any]) -> None:
    schema.pop("required")


class Palette(Model):
    """The colours of a mail; those left out are the built-in theme's."""

    model_config = ConfigDict(json_schema_extra=_nothing_is_required)

    background: Colour = _colour("Around the report", "#f3ede3", "#181716")
    paper: Colour = _colour("Behind the report and its chart", "#fffdf8", "#24221f")
    text: Colour = _colour("Running text, numbers, and the mark of this week", "#2c2a26", "#ece6db")
    quiet: Colour = _colour("Small print", "#655f56", "#b8af9f")
    accent: Colour = _colour("Links, the line at the top, what is above usual, this week's bars", "#1f5a54", "#93cfc4")
    below: Colour = _colour("What is below usual; the notes of the chart", "#8a4416", "#efb489")
    usual: Colour = _colour("The usual range", "#947024", "#957f4e")
    line: Colour = _colour("Lines of tables, and behind the usual range: soft", "#ebe3d5", "#35312b")
    note: Colour = _colour("Behind the reviewer's note", "#faf0dc", "#352b1b")
    lesson: Colour = _colour("Behind the one thing to know", "#e9f1ee", "#1e2d2a")


def _built_in(place: int) -> dict[str, str]:
    def colour(field: FieldInfo) -> str:
        assert isinstance(field.json_schema_extra, dict)  # noqa: S101 - `_colour` wrote it
        pair: Any = field.json_schema_extra["built_in"]
        return str(pair[place])

    return {name: colour(field) for name, field in Palette.model_fields.items()}


_LIGHT, _DARK = _built_in(0), _built_in(1)


def _filled(with_: Mapping[str, str]) -> BeforeValidator:
    return BeforeValidator(lambda given: {**with_, **given} if isinstance(given, dict) else given)


class _Look(Model):
    """What a theme file and a theme that was read have in common."""

    light: Annotated[Palette, _filled(_LIGHT)] = Field(
        default=Palette(**_LIGHT), description="Colours where mails are shown light, on the chart and in the PDF"
    )
    dark: Annotated[Palette, _filled(_DARK)] = Field(
        default=Palette(**_DARK), description="Colours where mails are shown dark"
    )
    font: FontName = Field(default="system", description="Font of the text")
    headings: FontName = Field(default="georgia", description="Font of the headings and quotes")
    sender_name: Line | None = Field(
        default=None,
        description="Who the mail is from, as inboxes show it; the sender's `name` if left out",
        examples=["Mira at Wide Angle"],
    )
    signature: Annotated[tuple[Line, ...], Field(max_length=6)] = Field(
        default=(),
        description="Lines under the mail",
        examples=[["Mira Example", "Wide Angle, +49 30 000 0000"]],
    )


class LogoFile(Model):
    """The logo at the top of the mail."""

    file: LogoName = Field(description="Its file, beside the theme file: SVG, PNG or JPEG, 512 KB at most")
    alt: Line | None = Field(
        default=None,
        description="What is read where pictures are not shown; the agency's name if left out",
        examples=["Harbour Bakery"],
    )


class ThemeFile(_Look):
    """How a client's mail looks: one YAML file, in the folder `themes` beside the client files."""

    logo: LogoFile | None = Field(default=None, description="The logo at the top of the mail; none if left out")


class Logo(Picture):
    """A logo as the mail shows it; `alt` is read where pictures are not shown."""

    alt: str


class Theme(_Look):
    """A theme as it was read: complete, checked, and with the logo itself."""

    logo: Logo | None = None


def load_theme(folder: Path, client: Client) -> Theme:
    """Read the theme of a client: its own, else the agency's, else the built-in one.

    Args:
        folder: The folder of client files, in which the `themes` lie.
        client: The client.

    Raises:
        BrokenFileError: The theme file or its logo is absent or cannot be read, or has mistakes.
    """
    path = folder / (client.theme or AGENCY_THEME)
    if client.theme is None and not path.exists():
        return Theme()
    try:
        document = read_yaml(read_text(path), "docs/themes.md")
        theme, problems = _validate(document, path.parent, client.sender.agency)
    except NotYaml as error:
        raise BrokenFileError(BrokenFile(path, (error.problem,))) from error
    problems += document.problems
    if theme is None or problems:
        raise BrokenFileError(BrokenFile(path, tuple(sorted(problems))))
    return theme


def broken_themes(folder: Path, agency: Agency) -> dict[str, BrokenFile]:
    """Give the clients whose theme, or its logo, has mistakes: their reports cannot be composed."""
    broken = {}
    for client in agency.clients.values():
        try:
            load_theme(folder, client)
        except BrokenFileError as error:
            broken[client.client] = error.broken
    return broken


def _validate(document: Document, folder: Path, agency: str) -> tuple[Theme | None, list[Problem]]:
    value = {} if document.value is None else document.value
    try:
        file = ThemeFile.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return None, problems_of(error, document, ThemeFile)
    problems = list(_too_alike(document, file))
    logo = None
    if file.logo:
        try:
            picture = read_logo(folder / file.logo.file, file.light.paper)
        except LogoError as error:
            place = nearest_spot(("logo", "file"), document).value
            return None, [*problems, Problem(*place, "logo.file", error.what, error.fix)]
        logo = Logo(**picture.model_dump(), alt=file.logo.alt or agency)
    return Theme(**(file.model_dump() | {"logo": logo})), problems


_STANDS_ON: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "text": dict.fromkeys(("background", "paper", "note", "lesson"), TEXT) | {"line": GRAPHICS},
        "quiet": dict.fromkeys(("background", "paper", "note", "lesson"), TEXT),
        "accent": dict.fromkeys(("background", "paper", "lesson"), TEXT),
        "below": dict.fromkeys(("background", "paper"), TEXT),
        "usual": dict.fromkeys(("paper", "line", "text"), GRAPHICS),
    }
)
"""What stands on what or beside it in the mail and its chart, and the least contrast ratio of each two."""


def _too_alike(document: Document, file: ThemeFile) -> Iterator[Problem]:
    """Find colours that not everybody could tell apart."""
    for scheme in ("light", "dark"):
        colours: dict[str, str] = getattr(file, scheme).model_dump()
        for name, beside in _STANDS_ON.items():
            colour = colours[name]
            better = nearest(colour, [(colours[other], least) for other, least in beside.items()])
            for other, least in beside.items():
                if (found := ratio(colour, colours[other])) < least:
                    yield Problem(
                        *nearest_spot((scheme, name), document).value,
                        show_path((scheme, name)),
                        f"{colour} on {scheme}.{other} ({colours[other]}) has a contrast of {_cut(found)}:1, and "
                        f"{least:g}:1 is needed",
                        f'write "{better}", the nearest that can be told from all it stands on'
                        if better
                        else f"make {scheme}.{other} lighter or darker: no shade of {name} can be told from all it "
                        "stands on",
                    )


def _cut(number: float) -> str:
    """With two digits, never rounded up: 4.499 is not 4.50."""
    return f"{int(number * 100) / 100:.2f}"
