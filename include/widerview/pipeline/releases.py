"""What a person has released: held rows and numbers that are right after all, and red days without anything held.

They are kept as a document of the pull in landing, so a replay, or a warehouse that is made anew, knows of them, and
they go when the client is forgotten.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Sequence

import msgspec

from widerview.landing.store import Landing, Missing
from widerview.quality.frames import Place
from widerview.sources.base import Row

log = logging.getLogger(__name__)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word that a held row, or one running total of it, is right; or what else makes a pull's days red.

    Attributes:
        index: Position of the row in the pull, from 0; None: what is red though nothing is held for it.
        metric: The running total that is meant; None: the whole row.
        row: sha256 of the row, in hex: the word holds for what was read then, and for nothing that a later parser
            reads at this place. Empty without a row.
        why: Why it is right.
        by: Who says so.
        at: When they said so (UTC).
    """

    index: int | None
    metric: str | None = None
    row: str = ""
    why: str
    by: str
    at: dt.datetime


def read_releases(landing: Landing, pull_path: str) -> tuple[Release, ...]:
    """Read what was released of a pull."""
    try:
        return msgspec.json.decode(landing.read_document(_path(pull_path)), type=tuple[Release, ...])
    except Missing:
        return ()


def write_releases(landing: Landing, pull_path: str, releases: Iterable[Release]) -> None:
    """Keep what was released of a pull, in place of what was kept before."""
    landing.write_document(_path(pull_path), msgspec.json.format(msgspec.json.encode(list(releases)), indent=1))


def released_places(releases: Iterable[Release], rows: Sequence[Row]) -> frozenset[Place]:
    """Give the places that are released, but for those where another row stands by now."""
    found = set()
    for release in releases:
        if release.index is None:
            continue
        if release.index < len(rows) and fingerprint(rows[release.index]) == release.row:
            found.add((release.index, release.metric))
        else:
            log.warning("The release of row %d does not count: another row is read there by now", release.index)
    return frozenset(found)


def is_accepted(releases: Iterable[Release]) -> bool:
    """Whether a person has found to be right what is red though nothing is held for it."""
    return any(release.index is None for release in releases)


def fingerprint(row: Row) -> str:
    """Give the sha256 of a row, in hex."""
    return hashlib.sha256(msgspec.json.encode(row, order="deterministic")).hexdigest()


def _path(pull_path: str) -> str:
    return f"releases/{pull_path}"
