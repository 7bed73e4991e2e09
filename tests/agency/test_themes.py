"""Themes: what is read, what is refused and in which words, and that what passes can be told apart."""

import io
import json
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from themes import COLOURS, FOLDER, SAMPLES, of_agency, palettes, sample_theme
from widerview.agency.contrast import GRAPHICS, nearest, ratio
from widerview.agency.load import BrokenFileError
from widerview.agency.logo import HIGHEST, LARGEST_FILE, WIDEST
from widerview.agency.schema import THEME_PAGE, THEME_SCHEMA_FILE, schema_text, with_keys_table
from widerview.agency.theme import AGENCY_THEME, Theme, ThemeFile, load_theme
from widerview.report.chart import colours

ROOT = Path(__file__).parents[2]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">{}</svg>'
BOX = '<rect width="100" height="100" fill="#1f5a54"/>'


def load(folder: Path, text: str, *, logo: str | bytes | None = None, file: str = "logo.svg") -> Theme:
    (folder / "themes").mkdir(exist_ok=True)
    (folder / "themes" / "bakery.yaml").write_text(text, encoding="utf-8")
    if logo is not None:
        (folder / "themes" / file).write_bytes(logo.encode() if isinstance(logo, str) else logo)
    return load_theme(folder, of_agency("themes/bakery.yaml"))


def complaint(folder: Path, text: str, **logo: str | bytes | None) -> str:
    with pytest.raises(BrokenFileError) as refused:
        load(folder, text, **logo)
    return str(refused.value).replace(f"{folder}/", "")


def test_without_a_file_there_is_the_built_in_theme_and_an_agency_can_have_its_own(tmp_path):
    assert load_theme(tmp_path, of_agency(None)) == Theme()
    (tmp_path / AGENCY_THEME).parent.mkdir()
    (tmp_path / AGENCY_THEME).write_text("font: verdana\n")
    assert load_theme(tmp_path, of_agency(None)).font == "verdana"
    assert load(tmp_path, "font: georgia\n").font == "georgia"


def test_a_file_says_only_what_is_otherwise(tmp_path):
    theme = load(tmp_path, 'light: {accent: "#0b5f8a"}\nsignature: [Mira Lind, Lantern Lane]\n')
    assert theme.light == Theme().light.model_copy(update={"accent": "#0b5f8a"})
    assert theme.dark == Theme().dark
    assert theme.signature == ("Mira Lind", "Lantern Lane")
    assert load(tmp_path, "# nothing yet\n") == Theme()


def test_a_theme_survives_storage():
    for name in SAMPLES:
        theme = sample_theme(name)
        assert Theme.model_validate_json(theme.model_dump_json()) == theme


def test_two_colours_too_alike_are_named_with_their_contrast_and_the_nearest_that_will_do(tmp_path):
    said = complaint(tmp_path, 'light:\n  accent: "#f2a900"\n')
    assert said.splitlines()[0] == (
        "themes/bakery.yaml:2:11: light.accent: #f2a900 on light.background (#f3ede3) has a contrast of 1.72:1, "
        "and 4.5:1 is needed"
    )
    better = said.splitlines()[1].partition('write "')[2][:7]
    assert said.count("needed") == 3  # background, paper, lesson
    assert load(tmp_path, f'light:\n  accent: "{better}"\n').light.accent == better


def test_the_mark_of_this_week_can_be_told_from_the_strip_it_stands_on(tmp_path):
    assert "light.text: #2c2a26 on light.line (#66604f) has a contrast of 2." in complaint(
        tmp_path, 'light:\n  line: "#66604f"\n'
    )


def test_what_nothing_can_be_told_from_is_said_to_be_the_trouble(tmp_path):
    said = complaint(tmp_path, 'light:\n  paper: "#000000"\n')
    assert "no shade of" in said
    assert "make light." in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: red\n", "bakery.yaml:1:1: colour: there is no key 'colour' here"),
        ("light: {acent: '#1f5a54'}\n", "did you mean accent?"),
        ("light: {accent: red}\n", "'red' is not a colour as #rrggbb; write it like \"#1f5a54\""),
        ("light: {accent: #1f5a54}\n", "bakery.yaml"),
        ("light:\n  accent: #1f5a54\n", "there is no value here; write one like #1f5a54, or remove the line; # begins"),
        ("font: comic\n", "'comic' is not one of system, helvetica"),
        ('font: "Arial\'; } body { display: none"\n', "is not one of"),
        ("signature: Mira\n", "a list is wanted here"),
        ("logo: {file: ../secret.svg}\n", "is not the name of a .svg, .png or .jpg file that lies beside"),
        ("logo: {file: logo.gif}\n", "is not the name of"),
        ("logo: {file: gone.svg}\n", "bakery.yaml:1:14: logo.file: gone.svg cannot be read: No such file or directory"),
        ("- a\n- b\n", "bakery.yaml:1:1"),
    ],
)
def test_mistakes_are_told_with_line_and_fix(tmp_path, text, said):
    assert said.replace("; write", "\n  fix: write") in complaint(tmp_path, text)


def test_a_theme_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BrokenFileError, match=r"themes/gone\.yaml:1:1: the file cannot be read: No such file"):
        load_theme(tmp_path, of_agency("themes/gone.yaml"))


LOGO = "logo: {file: logo.svg}\n"


@pytest.mark.parametrize(("width", "height"), [(100, 100), (1000, 100), (100, 300), (2, 2), (3.7, 1.1)])
def test_a_logo_fits_its_place_whatever_its_shape(tmp_path, width, height):
    box = f'<rect width="{width}" height="{height}" fill="#1f5a54"/>'
    logo = load(tmp_path, LOGO, logo=SVG.format(width, height, box)).logo
    assert logo is not None
    assert struct.unpack(">II", logo.bytes[16:24]) in {
        (2 * logo.width + odd, 2 * logo.height + other) for odd in (0, 1) for other in (0, 1)
    }
    assert logo.width <= WIDEST
    assert logo.height <= HIGHEST
    assert logo.width == WIDEST or logo.height == HIGHEST
    assert abs(logo.width / logo.height - width / height) < 0.05 * width / height
    assert logo.alt == "Lantern Lane"


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("JPEG", "CMYK")])
def test_photographs_and_bitmaps_become_small_pictures_on_the_theme_s_paper(tmp_path, kind, mode):
    file = io.BytesIO()
    Image.new("RGBA", (800, 400), (200, 30, 30, 0)).convert(mode).save(file, kind)
    logo = load(tmp_path, "logo: {file: logo.png, alt: Otter Bakery}\n", logo=file.getvalue(), file="logo.png").logo
    assert logo is not None
    assert (logo.width, logo.height, logo.alt) == (128, 64, "Otter Bakery")
    shown = Image.open(io.BytesIO(logo.bytes))
    assert (shown.mode, shown.size) == ("RGB", (256, 128))
    if mode == "RGBA":
        assert shown.getpixel((0, 0)) == (0xFF, 0xFD, 0xF8)


@pytest.mark.parametrize(
    ("logo", "said"),
    [
        ("", "the logo is no SVG, PNG or JPEG"),
        (b"\x89PNG\r\n\x1a\n", "the logo is no SVG, PNG or JPEG"),
        ("<svg", "the logo is no SVG that can be read"),
        ("GIF89a", "the logo is no SVG, PNG or JPEG"),
        (SVG.format(100, 100, "<text>Otter</text>"), "an element <text>, which is not drawn"),
        (SVG.format(100, 100, '<image href="/etc/passwd"/>'), "an element <image>, which is not drawn"),
        (SVG.format(100, 100, "<script>1</script>"), "an element <script>"),
        (SVG.format(100, 100, '<use href="https://x.example/a.svg#b"/>'), "refers to another file"),
        (SVG.format(100, 100, '<rect fill="url(https://x.example)"/>'), "refers to another file"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + SVG.format(1, 1, "&b;"), "no SVG that can be read"),
        (SVG.format(1, 100_000_000, BOX), "no viewBox, or is more than 20 times"),
        (SVG.format(0, 100, BOX), "no viewBox, or is"),
        (SVG.format("nan", 100, BOX), "no viewBox, or is"),
        (SVG.replace("viewBox", "box").format(1, 1, BOX), "no viewBox, or is"),
        ("x" * (LARGEST_FILE + 1), "is larger than 512 KB"),
    ],
)
def test_a_logo_that_cannot_be_used_says_why(tmp_path, logo, said):
    told = complaint(tmp_path, LOGO, logo=logo)
    assert told.startswith("themes/bakery.yaml:1:14: logo.file: ")
    assert said in told
    assert "fix: " in told


def test_a_picture_of_very_many_pixels_is_refused_before_it_is_unpacked(tmp_path):
    file = io.BytesIO()
    Image.new("1", (5_000, 4_000)).save(file, "PNG")
    assert "has 5000 × 4000 pixels" in complaint(tmp_path, LOGO, logo=file.getvalue())


@given(COLOURS, COLOURS)
def test_contrast_is_that_of_wcag(one, other):
    assert ratio(one, one) == 1
    assert 1 <= ratio(one, other) == ratio(other, one) <= 21.0000001


def test_contrasts_of_known_colours():
    # https://webaim.org/resources/contrastchecker gives these for the same pairs.
    assert round(ratio("#000000", "#ffffff"), 2) == 21
    assert round(ratio("#777777", "#ffffff"), 2) == 4.48
    assert round(ratio("#0000ff", "#ffffff"), 2) == 8.59


@given(COLOURS, st.lists(st.tuples(COLOURS, st.sampled_from([3.0, 4.5])), min_size=1, max_size=3))
def test_the_nearest_colour_keeps_every_ratio(colour, beside):
    found = nearest(colour, beside)
    if found:
        assert all(ratio(found, other) >= least for other, least in beside)
    if all(ratio(colour, other) >= least for other, least in beside):
        assert found == colour


@given(palettes())
def test_whatever_passes_can_be_told_apart_on_the_chart(palette):
    drawn = colours(palette)
    for bar in (drawn.accent, drawn.before):
        assert ratio(bar, drawn.paper) >= GRAPHICS
        assert ratio(bar, drawn.band) >= GRAPHICS
    assert ratio(drawn.usual, drawn.paper) >= GRAPHICS
    for words in (drawn.quiet, drawn.accent, drawn.below):
        assert ratio(words, drawn.paper) >= 4.5


@given(palettes())
def test_colours_mended_as_the_mistakes_say_pass(palette):
    with tempfile.TemporaryDirectory() as folder:
        said = {"light": palette.model_dump(), "dark": palette.model_dump()}
        assert load(Path(folder), json.dumps(said)).dark == palette


def test_the_samples_of_the_sandbox_differ():
    looks = [sample_theme(name) for name in SAMPLES]
    assert len({look.light.accent for look in looks}) == len({look.font for look in looks}) == 3
    assert all(look.logo for look in looks)
    assert all((FOLDER / "themes" / f"{name}.svg").is_file() for name in SAMPLES)


def test_the_schema_file_and_the_page_are_current():
    assert (ROOT / THEME_SCHEMA_FILE).read_text("utf-8") == schema_text(ThemeFile), (
        "run: python -m widerview.agency.schema"
    )
    page = (ROOT / THEME_PAGE).read_text("utf-8")
    assert page == with_keys_table(page, ThemeFile), "run: python -m widerview.agency.schema"
