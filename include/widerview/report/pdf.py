"""The report as a PDF that everybody can read: tagged (PDF/UA-1, ISO 14289-1), with the chart as a drawing.

The page is the mail's own, so the two cannot say different things: its tables for layout become plain blocks, and
another stylesheet sets it for paper. Nothing is fetched, no font but the bundled ones is used, and the same facts, note
and versions give the same bytes.
"""

import os
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from widerview.report.chart import FONTS
from widerview.report.facts import Facts
from widerview.report.render import Printable, printable

if TYPE_CHECKING:
    from weasyprint import HTML

_NO_SYSTEM_FONTS = FONTS / "fontconfig.xml"
_LAYOUT = {"table", "thead", "tbody", "tr", "td"}
_BOX = "□"
_SUBSTITUTES = {"Z": " ", "S": "", "M": "", "C": ""}
"""What stands for a character that the fonts lack, by the first letter of its general category."""
_fontconfig = threading.Lock()


class NoPdf(OSError):
    """A library of the system is missing, without which no PDF can be made; the message says what to install."""


def report_pdf(facts: Facts, note: str | None = None) -> bytes:
    """Make the PDF of a report; the same facts and note give the same bytes.

    Args:
        facts: Everything the report says.
        note: Words of the reviewer to the client.

    Raises:
        NoPdf: Pango is missing.
        ValueError: As for `widerview.report.render.render`.
    """
    check_pdf()
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - costs a second

    page = printable(facts, note)
    with _only_bundled_fonts():
        fonts = FontConfiguration()
    made: bytes = _document(page).write_pdf(
        font_config=fonts,
        pdf_variant="pdf/ua-1",
        pdf_identifier=f"{facts.client_id}.{facts.period}.r{facts.revision}".encode(),
        full_fonts=True,  # which letters a subset keeps is up to the version of HarfBuzz
    )
    return made


def filename(facts: Facts) -> str:
    """The name of a report's PDF, e.g. `harbour-bakery-2026-W46.pdf`."""
    again = f"-r{facts.revision}" if facts.revision > 1 else ""
    return f"{facts.client_id}-{facts.period}{again}.pdf"


@lru_cache(maxsize=1)
def check_pdf() -> str:
    """See whether PDFs can be made here; give the version of what makes them.

    Raises:
        NoPdf: Pango is missing.
    """
    try:
        import weasyprint  # noqa: PLC0415 - costs a second
    except OSError as error:
        raise NoPdf(
            "The PDF needs Pango, a library of the system, and it is missing. Install it: "
            "`apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0` (Debian, Ubuntu), "
            "`dnf install pango` (Fedora), `brew install pango` (macOS); or write `pdf: false` in the client's file."
        ) from error
    return f"WeasyPrint {weasyprint.__version__}"


def _document(page: Printable) -> "HTML":
    from weasyprint import HTML  # noqa: PLC0415 - costs a second
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    inside = {f"font:{font.name}": ("font/ttf", font.read_bytes()) for font in FONTS.glob("*.ttf")}
    if page.logo_png:
        inside[f"cid:{page.logo_cid}"] = ("image/png", page.logo_png)
    if page.svg:
        inside[f"cid:{page.chart_cid}"] = ("image/svg+xml", page.svg.encode())

    class Inside(URLFetcher):  # type: ignore[misc]  # untyped in WeasyPrint
        """Gives what the report brings along, and nothing else."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            if url not in inside:
                raise ValueError(f"{url} is not part of the report")
            kind, content = inside[url]
            return URLFetcherResponse(url, content, {"Content-Type": kind})

    document = HTML(string=page.html, url_fetcher=Inside())
    head, body = document.etree_element
    SubElement(head, "meta", {"name": "author", "content": page.author})
    _unwrap(body)
    for element in body.iter():
        element.text, element.tail = (text and _settable(text) for text in (element.text, element.tail))
    return document


@lru_cache(maxsize=1)
def _characters() -> frozenset[str]:
    """What the bundled fonts can set."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - needed for the PDF only

    return frozenset.intersection(*(frozenset(map(chr, TTFont(font).getBestCmap())) for font in FONTS.glob("*.ttf")))


def _settable(text: str) -> str:
    """Leave out emoji and what joins them, and put a box for any other character that the fonts lack."""
    known = _characters() | {"\n"}
    return "".join(
        each if each in known else _SUBSTITUTES.get(unicodedata.category(each)[0], _BOX)
        for each in unicodedata.normalize("NFC", text)
    )


def _unwrap(element: Element, *, in_layout: bool = False) -> None:
    """Turn tables that only lay out a page into plain blocks, and make what is hidden from screen readers empty."""
    if element.tag == "table":
        in_layout = element.get("role") == "presentation"
    if in_layout and element.tag in _LAYOUT:
        if width := element.get("width"):
            element.set("style", f"width: {width}")
        element.set("class", f"{element.get('class', '')} was-{element.tag}".strip())
        element.tag = "div"
    if element.get("aria-hidden") == "true":
        for each in element.iter():
            each.text = each.tail = None
    for child in element:
        if isinstance(child.tag, str):
            _unwrap(child, in_layout=in_layout)


@contextmanager
def _only_bundled_fonts() -> Iterator[None]:
    """Let fontconfig find no font of the system: it reads its settings anew for each configuration that is made."""
    with _fontconfig:
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = str(_NO_SYSTEM_FONTS)
        try:
            yield
        finally:
            if before is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = before
