"""QR codes as they are printed, read back by a reader that is not ours."""

import io
import re
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from PIL import Image, ImageFilter
from resvg_py import svg_to_bytes

from widerview.tagging.qr import QUIET_ZONE, printed_code

ADDRESS = "https://www.harbour-bakery.example/harbour"


def read(picture: Image.Image) -> zxingcpp.Barcode:
    (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    return code


@pytest.mark.parametrize(("size_mm", "dpi"), [(10, 72), (15, 300), (40, 300), (60, 600), (94, 150), (200, 72)])
@pytest.mark.parametrize("address", [ADDRESS, "https://shop.example/m", f"https://shop.example/{'a' * 59}"])
def test_the_png_is_read_as_the_address_and_has_its_size_on_paper(address: str, size_mm: float, dpi: int) -> None:
    code = printed_code(address, size_mm, dpi)
    picture = Image.open(io.BytesIO(code.png))
    found = read(picture)

    assert (found.text, found.ec_level) == (address, "H")
    assert picture.width == picture.height
    assert picture.width % (code.modules + 2 * QUIET_ZONE) == 0, "each module is a whole number of pixels"
    assert code.dpi >= dpi
    on_paper = picture.width / picture.info["dpi"][0] * 25.4
    assert on_paper == pytest.approx(size_mm, rel=0.01)


def test_the_svg_is_the_same_code_in_millimetres() -> None:
    code = printed_code(ADDRESS, 40, 300)
    root = ET.fromstring(code.svg)
    assert (root.get("width"), root.get("height")) == ("40.0mm", "40.0mm")
    drawn = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=code.svg.decode(), dpi=300))))
    assert read(drawn).text == ADDRESS


def test_the_quiet_zone_is_white() -> None:
    code = printed_code(ADDRESS, 40, 300)
    picture = Image.open(io.BytesIO(code.png)).convert("L")
    margin = QUIET_ZONE * picture.width // (code.modules + 2 * QUIET_ZONE)
    inner = picture.crop((margin, margin, picture.width - margin, picture.height - margin))
    frame = picture.copy()
    frame.paste(255, (margin, margin, picture.width - margin, picture.height - margin))
    assert frame.getextrema() == (255, 255)
    assert inner.getpixel((0, 0)) == 0
    assert code.quiet_mm * 2 + code.modules * code.module_mm == pytest.approx(40)


def test_a_code_with_a_stain_on_a_sixth_of_it_is_still_read() -> None:
    code = printed_code(ADDRESS, 40, 300)
    picture = Image.open(io.BytesIO(code.png)).convert("L")
    side = round(picture.width * 0.36)
    corner = picture.width // 2 - side // 3
    picture.paste(255, (corner, corner, corner + side, corner + side))
    assert read(picture.filter(ImageFilter.GaussianBlur(2))).text == ADDRESS


def test_a_code_for_a_distance_is_as_large_as_its_modules_need() -> None:
    code = printed_code(ADDRESS, 40, 300)
    assert code.modules == 37
    assert code.smallest_mm(250) == pytest.approx(45)  # 25 mm for 25 modules: 1 mm each, and 37 + 8 of them
    assert code.smallest_mm(2000) == pytest.approx(360)
    assert code.smallest_mm(50) == pytest.approx(0.4 * 45), "however near"


def test_an_address_is_what_the_code_holds_and_tags_are_not() -> None:
    assert not re.search(b"utm_", printed_code(ADDRESS, 40, 300).svg)
