"""What stands within the minute that a mail may take, and what stands below it. Nothing is left out, only moved.

A reader has about a minute, which is some 350 words. What every mail says comes first: the verdict, three sentences,
the figures, the card. Of the rest, the pieces that matter most to a client are taken while there is room; what is not
taken stands in the appendix, which begins with where the numbers come from.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

MOST_WORDS = 350
"""Of a mail before its appendix, the reviewer's note not counted."""

_ORDER = (
    ("corrections", 0), ("ask", 0), ("campaigns", 0), ("thanks", 0), ("posts", 0), ("notes", 0), ("notes", 1),
    ("notes", 2), ("goals", 0), ("worth_knowing", 0), ("conversation", 0), ("planned", 0), ("posts", 1), ("goals", 1),
    ("corrections", 1), ("changes", 0), ("worth_knowing", 1), ("campaigns", 1), ("campaign_lines", 0),
    ("campaign_lines", 1), ("campaign_lines", 2), ("planned", 1), ("changes", 1), ("thanks", 1), ("posts", 2),
    ("corrections", 2), ("planned", 2), ("changes", 2),
)  # fmt: skip
"""The pieces in the order in which they are taken: a section, and the piece's place in it. Others stand below."""


def count(texts: Iterable[str]) -> int:
    """How many words some texts have: what stands between spaces and has a letter or digit."""
    return sum(any(map(str.isalnum, word)) for text in texts for word in text.split())


def chosen(
    always: Iterable[str], pieces: Mapping[str, Sequence[str]], headings: Mapping[str, str]
) -> Mapping[str, list[int]]:
    """Choose the pieces that stand above, by section: their places, in their own order.

    Args:
        always: What every mail says above.
        pieces: All texts of each piece, by section.
        headings: The heading that a section stands under; several may share one.
    """
    room = MOST_WORDS - count(always)
    printed = set()
    taken: defaultdict[str, list[int]] = defaultdict(list)
    for section, place in _ORDER:
        if place >= len(pieces[section]):
            continue
        if section == "campaign_lines" and place in taken["campaigns"]:
            continue
        heading = headings.get(section, "")
        if (need := count([pieces[section][place], "" if heading in printed else heading])) <= room:
            room -= need
            printed.add(heading)
            taken[section].append(place)
    return {section: sorted(places) for section, places in taken.items()}
