"""QR codes that are printed: they hold a short address on the client's own site, never the tagged link itself.

So a code stays small and easy to read, and what is on the wall can lead elsewhere later. Error correction is H, the
highest: a third of a code may be dirty or torn (ISO/IEC 18004).
"""

import io
import math
from dataclasses import dataclass

import segno

QUIET_ZONE = 4
"""Modules of white around a code, which ISO/IEC 18004 asks for."""

_MM_AN_INCH = 25.4
_DISTANCE_TO_SIZE = 10
_MODULES_OF_THE_RULE = 25
_SMALLEST_MODULE_MM = 0.4


@dataclass(frozen=True)
class PrintedCode:
    """A QR code as it is printed.

    Attributes:
        address: What it holds.
        size_mm: Width and height on paper, with the quiet zone.
        svg: The drawing, in millimetres.
        png: The picture, each module a whole number of pixels, for at least the wanted dots an inch.
        modules: Modules a side, without the quiet zone.
        dpi: Dots an inch at which the picture has that size.
    """

    address: str
    size_mm: float
    svg: bytes
    png: bytes
    modules: int
    dpi: float

    @property
    def module_mm(self) -> float:
        """The side of one module on paper."""
        return self.size_mm / (self.modules + 2 * QUIET_ZONE)

    @property
    def quiet_mm(self) -> float:
        """Width of the white margin on paper, which belongs to the code and must stay free."""
        return QUIET_ZONE * self.module_mm

    def smallest_mm(self, distance_mm: float) -> float:
        """The smallest size, with the quiet zone, that phones read from a distance.

        A tenth of the distance for a code of 25 modules a side, and in proportion for one with more, as its modules
        are smaller then (the rule of thumb of printers and of qrstuff.com); in no case modules below 0.4 mm.
        """
        module = max(distance_mm / _DISTANCE_TO_SIZE / _MODULES_OF_THE_RULE, _SMALLEST_MODULE_MM)
        return module * (self.modules + 2 * QUIET_ZONE)


def printed_code(address: str, size_mm: float, dpi: int) -> PrintedCode:
    """Draw an address as a QR code.

    Args:
        address: What the code holds.
        size_mm: Width and height on paper in millimetres, the quiet zone included.
        dpi: Dots an inch that the picture has at least at that size.
    """
    code = segno.make_qr(address, error="h", boost_error=False)
    modules = len(code.matrix)
    across = modules + 2 * QUIET_ZONE
    pixels = math.ceil(size_mm * dpi / (_MM_AN_INCH * across))
    exact_dpi = pixels * across / size_mm * _MM_AN_INCH
    svg, png = io.BytesIO(), io.BytesIO()
    code.save(svg, kind="svg", border=QUIET_ZONE, scale=size_mm / across, unit="mm", light="#fff", title=address)
    code.save(png, kind="png", border=QUIET_ZONE, scale=pixels, dpi=round(exact_dpi))
    return PrintedCode(address, size_mm, svg.getvalue(), png.getvalue(), modules, exact_dpi)
