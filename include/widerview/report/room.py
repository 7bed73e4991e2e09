"""How large the HTML of a mail may be, and what its appendix leaves out where it would be larger.

Gmail cuts off what is longer than 102 KB. Letters other than the Latin ones take six bytes each on their way, so a mail
in Cyrillic with many campaigns could come near. The text part and the PDF have everything.
"""

import binascii
from collections.abc import Callable, Iterator
from typing import Any

LARGEST = 60_000
"""Bytes of the HTML as it is sent, in quoted-printable."""

_LEFT_OUT_FIRST = {
    "accounts": "accounts", "posts": "posts_in_full", "campaigns": "", "channels": "channels", "rates": "rates",
    "meanings": "meanings", "more": "more",
}  # fmt: skip
"""The sections of the appendix in the order in which they are left out, and the headings they stand under; of the
campaigns, which have their names, the last one goes first."""


def size_as_sent(html: str) -> int:
    """How many bytes a page has in quoted-printable (RFC 2045, 6.7), with the line ends of mails."""
    return len(binascii.b2a_qp("\r\n".join(html.splitlines()).encode()))


def fitted(page: dict[str, Any], write: Callable[[dict[str, Any]], str]) -> str:
    """Write a page as HTML, with as much of its appendix as there is room for.

    Args:
        page: The ready words; `no_room` gets the headings of what is left out.
        write: Makes the HTML.
    """
    html = write(page)
    for smaller in _smaller(page):
        if size_as_sent(html) <= LARGEST:
            break
        html = write(smaller)
    return html


def _smaller(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for section, heading in _LEFT_OUT_FIRST.items():
        while whole := page[section]:
            kept, name = ([], page["headings"][heading]) if heading else (whole[:-1], whole[-1]["name"])
            page = page | {section: kept, "no_room": [*page["no_room"], name]}
            yield page
