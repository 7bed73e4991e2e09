"""A client's or agency's logo, read from a file of strangers' making into a small PNG. Nothing is fetched."""

import base64
import io
import re
import stat
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from pydantic import BaseModel, ConfigDict

LARGEST_FILE = 512 * 1024
"""Bytes."""

WIDEST, HIGHEST = 240, 64
"""CSS pixels that a logo may take in the mail; the picture has two pixels for each."""

_SCALE = 2
_MOST_PIXELS = 4000 * 4000
_SLIMMEST = 20
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?(image|foreignObject|script|text)\b", re.IGNORECASE)
_FIXES = {"text": "turn its letters into paths"}


class Picture(BaseModel):
    """A picture as the mail shows it: PNG in base64, its size in CSS pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    png: str
    width: int
    height: int

    @property
    def bytes(self) -> bytes:
        """The PNG."""
        return base64.b64decode(self.png)


class LogoError(Exception):
    """A logo cannot be used: what is wrong, and what to do about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix


def read_logo(path: Path, paper: str) -> Picture:
    """Read a logo.

    It is laid on the paper of the light colours, so that it looks the same where mails are shown dark.

    Args:
        path: An SVG, PNG or JPEG file; its content says which.
        paper: The colour behind it, `#rrggbb`.

    Raises:
        LogoError: It cannot be read, is too large, or would need something that is not in the file.
    """
    content = _content(path)
    png = _drawn(content) if _looks_like_svg(content) else content
    return _fitted(png, paper)


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise LogoError(f"{path.name} is not a file", "put the logo there as SVG, PNG or JPEG")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise LogoError(
            f"{path.name} cannot be read: {error.strerror}", "put the logo beside the theme file, or mend its name"
        ) from error
    if len(content) > LARGEST_FILE:
        raise LogoError(f"{path.name} is larger than {LARGEST_FILE // 1024} KB", "save it smaller")
    return content


def _looks_like_svg(content: bytes) -> bool:
    return b"<svg" in content[:4096]


def _drawn(svg: bytes) -> bytes:
    """Draw an SVG that needs nothing but itself: no font, no other file."""
    import resvg_py  # noqa: PLC0415 - only where a theme has a logo
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    try:
        text = svg.decode("utf-8-sig")
        root = fromstring(text, forbid_dtd=True)
    except (UnicodeDecodeError, ParseError, DefusedXmlException, ValueError) as error:
        raise LogoError("the logo is no SVG that can be read", "export it anew as plain SVG, in UTF-8") from error
    if found := _ELEMENT.search(text):
        name = found[1]
        raise LogoError(
            f"the logo has an element <{name}>, which is not drawn",
            f"{_FIXES.get(name.lower(), 'keep only shapes in it')}, and export it as plain SVG",
        )
    if "url(" in (outside := re.sub(r"url\(\s*[\"']?#", "", text)) or re.search(r"href\s*=\s*[\"'](?!#)", outside):
        raise LogoError("the logo refers to another file", "keep everything it needs inside it")
    width, height = _proportions(root)
    scale = min(WIDEST / width, HIGHEST / height) * _SCALE
    root.set("width", str(max(round(width * scale), 1)))
    root.set("height", str(max(round(height * scale), 1)))
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=tostring(root, encoding="unicode"), skip_system_fonts=True))
    except ValueError as error:
        raise LogoError("the logo is no SVG that can be drawn", "export it anew as plain SVG") from error


def _proportions(root: Element) -> tuple[float, float]:
    """Width and height of an SVG, in units of its own."""
    try:
        box = [float(each) for each in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
        _, _, width, height = box
        if not 1 / _SLIMMEST <= width / height <= _SLIMMEST:
            raise ValueError
    except (ValueError, ZeroDivisionError) as error:
        raise LogoError(
            f"the logo has no viewBox, or is more than {_SLIMMEST} times as wide as high (or the reverse)",
            "export it anew as plain SVG, with a viewBox that fits what is drawn",
        ) from error
    return width, height


def _fitted(content: bytes, paper: str) -> Picture:
    """Decode a PNG or JPEG, fit it into its place, and lay it on its paper."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only where a theme has a logo

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise LogoError(f"the logo has {image.width} × {image.height} pixels", "save it smaller")
            picture = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LogoError(
            "the logo is no SVG, PNG or JPEG that can be read", "open it in a drawing program and save it again"
        ) from error
    picture.thumbnail((WIDEST * _SCALE, HIGHEST * _SCALE), Image.Resampling.LANCZOS)
    laid = Image.new("RGBA", picture.size, paper)
    laid.alpha_composite(picture)
    out = io.BytesIO()
    laid.convert("RGB").save(out, "PNG", optimize=True)
    return Picture(
        png=base64.b64encode(out.getvalue()).decode(),
        width=max(picture.width // _SCALE, 1),
        height=max(picture.height // _SCALE, 1),
    )
