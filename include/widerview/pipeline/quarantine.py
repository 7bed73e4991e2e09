"""What a person does with held rows: look at the raw answer, release what is right after all, check anew after a fix.

So with a verdict that nothing is held for: who has looked can release it, and its red days become amber.

A release is kept in landing, beside the pull; then the pull is checked and loaded again from its raw answers. All of
it can be done twice, or again after an interruption.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Engine

from widerview.landing.store import Entry, Landing, Pull
from widerview.pipeline import ingest
from widerview.pipeline.releases import Release, fingerprint, read_releases, write_releases
from widerview.quality.verdict import CheckResult, Rejected
from widerview.sources.base import Source
from widerview.warehouse import quarantine
from widerview.warehouse.quarantine import Held


class NotHeld(ValueError):
    """What is to be shown or released is not held; the message says what is."""


class Shown(NamedTuple):
    """Something that is held, and where its raw answer is.

    Attributes:
        held: What is held.
        entry: The answer, but for its body.
        place: Which of its pull's answers it is, from 1.
        pack: File path or URL of the pack, a gzip file of the pull's answers one after another.
        offset: At which byte of the unpacked pack the answer begins.
        is_kept: Whether the pack is still there.
    """

    held: Held
    entry: Entry
    place: int
    pack: str
    offset: int
    is_kept: bool


class Released(NamedTuple):
    """What a release came to.

    Attributes:
        places: How many rows and numbers, or verdicts, are released now.
        still_held: What of the pull is still held.
        still_red: Why days of it are still red.
    """

    places: int
    still_held: tuple[Rejected, ...]
    still_red: tuple[str, ...] = ()


class Rechecked(NamedTuple):
    """What checking pulls anew came to.

    Attributes:
        pulls: How many were checked and loaded.
        before: How many rows and numbers of them were held.
        after: How many are held now.
        left_out: Those that could not be checked, each with the reason.
    """

    pulls: int
    before: int
    after: int
    left_out: tuple[str, ...]


def show(engine: Engine, landing: Landing, load_id: str, index: int) -> list[Shown]:
    """Show what is held of a row, and where to look for what the platform said.

    Raises:
        NotHeld: Nothing of it is held.
        LandingError: The pull's manifest is gone.
    """
    everything = quarantine.held(engine, load_id=load_id)
    found = [held for held in everything if held.row_index == index]
    if not found:
        rows = sorted({held.row_index for held in everything})
        known = f"Of this pull the rows {_few(rows)} are." if rows else "Nothing of this pull is."
        raise NotHeld(f"Nothing of row {index} is held. {known}")
    pull = landing.read_pull(load_id)
    return [_located(landing, pull, held) for held in found]


def release(
    landing: Landing,
    sources: Mapping[str, Source],
    engine: Engine,
    client_id: str,
    load_id: str,
    *,
    index: int | None = None,
    metric: str | None = None,
    verdict: bool = False,
    why: str,
    by: str,
    at: dt.datetime,
) -> Released:
    """Release what is held of a pull, of one row of it, or one running total of that row; then check and load it anew.

    With `verdict` none of that, but what makes days of the pull red though nothing is held for it: they become amber.

    What is released already stays as it was released; so a release that was interrupted can be called again.

    Raises:
        NotHeld: Nothing of what is asked for is held, or red, nor was it released before.
        ValueError: The pull is another client's, or it cannot be read any more.
        LandingError: There is no such pull, or it was not checked yet.
        CheckBroken: A check could not be carried out; it is released all the same, and not loaded.
        LoadFailed: It cannot be loaded; it is released all the same.
    """
    pull = landing.read_pull(load_id)
    if pull.target.client_id != client_id:
        raise ValueError(f"The pull {load_id} is of the client {pull.target.client_id}, not of {client_id}.")
    source = sources.get(pull.target.source)
    if reason := _unreadable(landing, pull, source):
        raise ValueError(f"{load_id}: {reason}, so nothing of it can be loaded.")
    assert source is not None  # noqa: S101 - else it is unreadable

    def is_meant(place: Rejected | Release) -> bool:
        if verdict or place.index is None:
            return verdict and place.index is None
        return index is None or (place.index == index and metric in {None, place.metric})

    before = read_releases(landing, load_id)
    judged = ingest.read_check(landing, load_id)
    held = judged.rejected
    meant = [each for each in held if is_meant(each)]
    is_known = any(is_meant(each) for each in before)
    if verdict and not is_known:
        if not (red := _why_red(judged)):
            raise NotHeld(f"No day of {load_id} is red.")
        write_releases(landing, load_id, [*before, Release(index=None, why=f"{why} ({' '.join(red)})", by=by, at=at)])
    elif not meant and not is_known:
        places = [f"row {each.index}" + (f" ({each.metric})" if each.metric else "") for each in held]
        raise NotHeld(f"Nothing of that is held in {load_id}. Held are: {_few(places) or 'no rows'}.")
    if meant:
        rows = list(ingest.rows(landing, source, pull))
        if meant[-1].index >= len(rows):
            raise ValueError(f"{load_id} is read otherwise by now than when it was checked: recheck it first.")
        anew = {
            (each.index, each.metric): Release(
                index=each.index, metric=each.metric, row=fingerprint(rows[each.index]), why=why, by=by, at=at
            )
            for each in meant
        }
        kept = [each for each in before if (each.index, each.metric) not in anew]
        write_releases(landing, load_id, [*kept, *anew.values()])
    [result] = ingest.check_pulls(landing, source, [(load_id, pull)], engine)
    ingest.load_pulls(landing, source, [(load_id, pull)], engine)
    return Released(len(meant) + (verdict and not is_known), result.rejected, _why_red(result))


def _why_red(judged: CheckResult) -> tuple[str, ...]:
    """Why days of a pull are red, each reason once."""
    found = (reason for each in judged.verdicts if each.colour == "red" for reason in each.reasons)
    return tuple(dict.fromkeys(found))


def recheck(
    landing: Landing,
    sources: Mapping[str, Source],
    engine: Engine,
    client_id: str,
    source_name: str | None = None,
    load_id: str | None = None,
) -> Rechecked:
    """Check and load anew the pulls of a client of which something is held, after a parser or a check was mended.

    Raises:
        NotHeld: Nothing of the pull that is asked for is held.
        LandingError: A manifest cannot be read.
        CheckBroken: A check could not be carried out; what came before it is loaded.
        LoadFailed: Some pulls cannot be loaded.
    """
    held = quarantine.held_pulls(engine, client_id, source_name)
    if load_id is not None:
        if load_id not in held:
            raise NotHeld(f"Nothing of the pull {load_id} of {client_id} is held.")
        held = {load_id: held[load_id]}
    readable: defaultdict[str, list[tuple[str, Pull]]] = defaultdict(list)
    left_out = []
    for name in held:
        pull = landing.read_pull(name)
        if reason := _unreadable(landing, pull, sources.get(pull.target.source)):
            left_out.append(f"{name}: {reason}")
        else:
            readable[pull.target.source].append((name, pull))
    for each, pulls in readable.items():
        for chunk in ingest.one_of_each(pulls):
            ingest.check_pulls(landing, sources[each], chunk, engine)
            ingest.load_pulls(landing, sources[each], chunk, engine)
    names = [name for pulls in readable.values() for name, _ in pulls]
    still = quarantine.held_pulls(engine, client_id, source_name)
    return Rechecked(
        pulls=len(names),
        before=sum(held[name] for name in names),
        after=sum(still.get(name, 0) for name in names),
        left_out=tuple(left_out),
    )


def _unreadable(landing: Landing, pull: Pull, source: Source | None) -> str | None:
    """Why a pull cannot be read again; None if it can."""
    if source is None:
        return f"there is no source {pull.target.source} any more"
    if pull.pack is not None and not landing.holds(pull.pack):
        return "its raw answers are no longer kept"
    return None


def _located(landing: Landing, pull: Pull, held: Held) -> Shown:
    names = landing.raw_names(pull)
    pack, _, place = names[held.receipt].partition("#")
    before = pull.entries[: int(place) - 1]
    return Shown(
        held=held,
        entry=pull.entries[len(before)],
        place=int(place),
        pack=landing.address(pack),
        offset=sum(entry.size for entry in before),
        is_kept=pull.pack is not None and landing.holds(pull.pack),
    )


_FEW = 10


def _few(items: list[str] | list[int]) -> str:
    """Name some of many."""
    more = f" and {len(items) - _FEW} more" if len(items) > _FEW else ""
    return ", ".join(str(item) for item in items[:_FEW]) + more
