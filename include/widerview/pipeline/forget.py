"""Forgetting a client: out of the warehouse, out of landing, and a search for whatever may be left."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Engine

from widerview.agency.models import Client
from widerview.landing.store import Landing
from widerview.pipeline.ingest import targets
from widerview.sources.registry import SOURCES
from widerview.warehouse.database import snapshot
from widerview.warehouse.forget import client_names, count_rows, lock_client, remove_rows, search


class Line(NamedTuple):
    """What was removed from a place, and what a search afterwards still found there: rows or files."""

    place: str
    removed: int
    left: int


class Forgotten(NamedTuple):
    """What forgetting a client came to; `notes` tell what else a person should know."""

    lines: list[Line]
    notes: list[str]


def forget(engine: Engine, landing: Landing, client_id: str, others: Iterable[Client]) -> Forgotten:
    """Remove a client from the warehouse and from landing, then search both for what is left.

    The rows are gone only once landing is, too, so that after an interruption it can simply be called again. Loads of
    the client wait until it has ended and then find nothing to load.

    Searched are its rows by the client's id; and every text in the warehouse, every name and every document in
    landing by its id, its handles and its recipients' addresses, save those that other clients' files have, too.
    Raw answers are told by the name of their pack only: those that stay are what other clients' pulls received, too.

    Raises:
        LandingError: A manifest of the client cannot be read.
    """
    with engine.begin() as connection:
        lock_client(connection, client_id)
        names = client_names(connection, client_id) | {pull.target.ref for _, pull in landing.pulls(client_id)}
        rows = remove_rows(connection, client_id)
        files = landing.forget(client_id)
    shared = names & {name for other in others for name in _names(other)}
    pattern = _pattern(client_id, names - shared)
    with snapshot(engine) as connection:
        rows_left = count_rows(connection, client_id)
        texts_left = search(connection, pattern)
    files_left = landing.search(re.compile(pattern.encode(), re.IGNORECASE))
    packs_left = sum(map(landing.holds, files.packs))
    pulls_left = [name for name in files_left if name.startswith("pulls/")]
    lines = [Line(table, rows.get(table, 0), left) for table, left in rows_left.items()]
    lines += [
        Line("landing: pulls", files.pulls, len(pulls_left)),
        Line("landing: documents beside them", files.documents, len(files_left) - len(pulls_left)),
        Line("landing: packs of raw answers", len(files.packs) + files.strays, packs_left),
        *(Line(f"named in {column}", 0, left) for column, left in texts_left.items()),
    ]
    notes = [f"Still names the client: {name}" for name in files_left]
    if texts_left:
        notes.append("Rows of other clients name this one: look whether these are their own words.")
    if files.shared:
        notes.append(
            f"{files.shared} pack(s) of raw answers stay: other clients' pulls have received the very same bytes."
        )
    if shared:
        notes.append(f"Not searched for, as other clients' files have them, too: {', '.join(sorted(shared))}.")
    return Forgotten(lines, notes)


def _names(client: Client) -> set[str]:
    refs = {target.ref for source in SOURCES for target in targets(client, source)}
    return refs | {recipient.email for recipient in client.recipients}


def _pattern(client_id: str, names: Iterable[str]) -> str:
    """Make a regular expression, for Python and PostgreSQL alike, that finds a client by its id or its names.

    The id counts as a whole value or as a part of a path, since it may be an ordinary word; a name anywhere in a text,
    but not as a part of another word or, a domain, of a mail address. A website's number at the analytics is no name.
    """
    words = "|".join(re.escape(name) for name in sorted(names) if not name.isdecimal())
    whole = rf'(?<![^"/]){re.escape(client_id)}(?![^"/])'
    return rf"{whole}|(?<![A-Za-z0-9_])(?<![A-Za-z0-9_.+-]@)({words})(?![A-Za-z0-9_])" if words else whole
