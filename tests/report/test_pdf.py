"""The PDF: the mail's words for print, tagged for everybody, the same bytes everywhere."""

import io
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pikepdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont

import facts_samples
from facts_samples import NOTE, SAMPLES, good_week
from hostile import HOSTILE, attacked
from themes import sample_theme, themed
from widerview.report import narrate
from widerview.report.chart import FONTS
from widerview.report.pdf import NoPdf, check_pdf, filename, report_pdf

try:
    check_pdf()
except NoPdf as missing:
    pytestmark = pytest.mark.skip(reason=str(missing))

replace = msgspec.structs.replace


@lru_cache
def made(name: str) -> bytes:
    return report_pdf(SAMPLES[name](), NOTE)


def words(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def elements(node: Any) -> Iterator[Any]:
    """The structure elements of a tagged PDF, parents first."""
    if isinstance(node, pikepdf.Array):
        for each in node:
            yield from elements(each)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_tagged_named_and_has_a_language(name: str) -> None:
    pdf = pikepdf.open(io.BytesIO(made(name)))
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == "en-GB"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert str(pdf.docinfo["/Title"]) == narrate.subject(SAMPLES[name]())
    assert str(pdf.docinfo["/Author"]) == "Lantern Lane"
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
    assert all(str(page.Tabs) == "/S" for page in pdf.pages)
    found = list(elements(pdf.Root.StructTreeRoot))
    kinds = [str(each.S) for each in found]
    assert kinds.count("/H1") == 1
    headings = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H\d", kind)]
    assert all(following <= before + 1 for before, following in itertools.pairwise(headings))
    assert all(str(each.Alt) for each in found if each.S == "/Figure")
    for table in (each for each in found if each.S == "/Table"):
        cells = [each for each in elements(table.K) if each.S in ("/TH", "/TD")]
        heads = {str(each.ID) for each in cells if each.S == "/TH"}
        assert heads, "a table for layout is none"
        for cell in cells:
            if cell.S == "/TD":
                assert {str(head) for head in cell.A.Headers} <= heads
    links = [each for page in pdf.pages for each in page.get("/Annots", [])]
    assert links
    assert all(str(link.Contents) and "/StructParent" in link for link in links)


@pytest.mark.parametrize("name", SAMPLES)
def test_only_the_bundled_fonts_are_in_it(name: str) -> None:
    pdf = pikepdf.open(io.BytesIO(made(name)))
    fonts = {str(font.BaseFont) for page in pdf.pages for font in page.Resources.get("/Font", {}).values()}
    assert fonts
    assert all("Open-Sans" in font for font in fonts), fonts


def test_it_says_what_the_mail_says_and_draws_the_chart() -> None:
    facts = good_week()
    said = words(made("good"))
    assert narrate.verdict_line(facts) in said
    for figure in facts.figures:
        assert narrate.figure_line(facts, figure).number in said
    pdf = pikepdf.open(io.BytesIO(report_pdf(facts)))
    assert not [image for page in pdf.pages for image in page.get_images()], "the chart is a drawing and no picture"
    assert "this week" in said


def test_a_theme_gives_it_its_logo_and_colours() -> None:
    themes = ("hollow-oak-bakery", "tidewater-cycles")
    first, second = (report_pdf(themed(good_week(), sample_theme(name))) for name in themes)
    assert first != second
    pdf = pikepdf.open(io.BytesIO(first))
    figure, _ = (each for each in elements(pdf.Root.StructTreeRoot) if each.S == "/Figure")
    assert str(figure.Alt) == "Hollow Oak Bakery"


def test_the_same_report_is_the_same_bytes_in_every_process_wherever_it_is_made(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(Path(facts_samples.__file__).parent)!r})\n"
        "from facts_samples import NOTE, good_week\n"
        "from widerview.report.pdf import report_pdf\n"
        "sys.stdout.buffer.write(report_pdf(good_week(), NOTE))"
    )
    elsewhere = os.environ | {"HOME": str(tmp_path), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    again = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=elsewhere).stdout
    assert again == report_pdf(good_week(), NOTE)
    assert b"/CreationDate" not in again


def test_strangers_words_are_words_and_nothing_is_fetched() -> None:
    for payload in HOSTILE[::6]:
        pdf = pikepdf.open(io.BytesIO(report_pdf(attacked(payload), payload)))
        assert "/OpenAction" not in pdf.Root
        assert "/Names" not in pdf.Root
        links = [str(each.A.URI) for page in pdf.pages for each in page.get("/Annots", [])]
        assert all(re.match(r"(https?|mailto):", link) for link in links)


def test_what_the_fonts_lack_is_left_out_or_a_box() -> None:
    said = words(report_pdf(replace(good_week(), client_name="Bäckerei Ωmega Жук 面包 🥖👩‍🍳 1\u202f000")))
    assert "Bäckerei Ωmega Жук □□" in said
    assert "🥖" not in said


def test_the_fonts_have_the_shapes_and_spaces_of_the_mail() -> None:
    for font in FONTS.glob("*.ttf"):
        assert set(map(ord, "▲▼●○□\u202f\u00a0")) <= TTFont(font).getBestCmap().keys()


def test_its_file_is_named_for_people() -> None:
    assert filename(good_week()) == "hollow-oak-2026-W46.pdf"
    assert filename(replace(good_week(), revision=2)) == "hollow-oak-2026-W46-r2.pdf"


def test_without_pango_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')")
    program = "from widerview.report.pdf import check_pdf\ncheck_pdf()"
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 1
    assert "widerview.report.pdf.NoPdf: The PDF needs Pango" in done.stderr
    assert "apt install libpango-1.0-0" in done.stderr
