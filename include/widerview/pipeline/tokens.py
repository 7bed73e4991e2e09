"""Tokens that die: exchanged in time for new ones where a platform lets software do it, and told of in time.

When a token dies stands in its Airflow Connection's extra: `expires_at` (ISO 8601), and `refresh_expires_at` of what
the next one is got with. Where there is a `refresh_token` and nothing says when the token dies, it is exchanged at
once, and the answer tells. A new token goes back into the Connection through Airflow's own API, as the user that the
Connection `widerview_airflow` names. A Connection that comes from the environment or a secrets backend cannot be
written, so nothing is exchanged there: some platforms end the old token as soon as a new one is made.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeGuard

import requests
import tenacity

from widerview.pipeline.connections import Access, MissingConnection
from widerview.pipeline.ingest import http_client
from widerview.sources.base import Source, Target
from widerview.sources.errors import SourceError
from widerview.sources.http import utc

log = logging.getLogger(__name__)

WARNED_BEFORE = dt.timedelta(days=14)

_OVERDUE = dt.timedelta(hours=26)
"""A token that is due so long was not exchanged by a daily run, be it two hours late."""

_A_PULL = dt.timedelta(minutes=15)
"""What a token must still live when the pull of an account begins."""

_NO_KEEPER = "there is no Connection widerview_airflow, through which Connections are written"


class Keeper(Protocol):
    """Where Connections are written."""

    def has_connection(self, connection_id: str) -> bool:
        """Whether this is where the Connection is kept."""

    def write_connection(self, connection_id: str, *, password: str, extra: str) -> None:
        """Replace the password and the extra of a Connection."""


class Token(NamedTuple):
    """A token in use: its Connection, one of the targets it is for, and when it dies, as far as that is known.

    Attributes:
        connection: The Connection's id.
        target: One of its targets.
        access: What the Connection holds.
        expires_at: When it dies (UTC); None: not written down, or not readable.
        refresh_expires_at: When that dies which the next one is got with (UTC); None likewise.
        unreadable: Which of the two are written in a way that nobody can read, by their names in the extra.
    """

    connection: str
    target: Target
    access: Access
    expires_at: dt.datetime | None = None
    refresh_expires_at: dt.datetime | None = None
    unreadable: tuple[str, ...] = ()


class DyingTokens(Exception):
    """Some tokens need a person: they die soon, are dead, or nobody can tell; the message names each and where."""


def tokens(targets: Iterable[Target], access: Callable[[Target], Access]) -> list[Token]:
    """List the tokens in use, each once.

    A Connection that cannot be read is left out: the pull of its accounts says so.
    """
    found: dict[str, Token] = {}
    for target in targets:
        if target.connection and target.connection not in found:
            try:
                door = access(target)
            except MissingConnection as error:
                log.debug("%s", error)
                continue
            found[target.connection] = _token(target.connection, target, door)
    return list(found.values())


def _token(connection: str, target: Target, door: Access) -> Token:
    ends: dict[str, dt.datetime | None] = {}
    unreadable = []
    for name in ("expires_at", "refresh_expires_at"):
        try:
            ends[name] = moment(door.extra.get(name))
        except ValueError:
            unreadable.append(name)
    return Token(connection, target, door, **ends, unreadable=tuple(unreadable))


def renew(
    source: Source,
    targets: Iterable[Target],
    access: Callable[[Target], Access],
    open_keeper: Callable[[], Keeper | None],
    now: dt.datetime,
) -> list[str]:
    """Exchange the tokens of a source that are due for new ones.

    Args:
        source: The platform.
        targets: The accounts in use.
        access: Opens a target's Connection.
        open_keeper: Opens the place where Connections are written, once something is due; None: there is none.
        now: The present moment (UTC).

    Returns:
        The Connections that hold a new token.

    Raises:
        DyingTokens: Some tokens die within 14 days, or are dead, and could not be exchanged; or nobody can tell.
    """
    renewed: list[str] = []
    dying: list[str] = []
    for token in tokens(targets, access):
        why = None
        if is_due(source, token, now):
            why = _exchange(source, token, open_keeper)
            if why is None:
                renewed.append(token.connection)
                continue
            log.warning("%s: %s", token.connection, why)
        # What software will exchange in time needs nobody, however soon it dies: some live for two hours.
        told = _unreadable(source, token) + _refresh_token_dies(source, token, now)
        if (why or source.renews_before is None) and _dies_soon(token.expires_at, now):
            told.append(_told(source, token, token.expires_at, now))
        elif why and token.expires_at is None:
            told.append(_unknown(source, token))
        if why and told:
            told[-1] += f" It was not exchanged: {why}"
        dying += told
    if dying:
        raise DyingTokens("\n".join(dying))
    return renewed


def renew_dead(
    source: Source,
    targets: Iterable[Target],
    access: Callable[[Target], Access],
    open_keeper: Callable[[], Keeper | None],
    now: dt.datetime,
) -> list[str]:
    """Exchange those tokens that do not live as long as a pull takes: it may begin hours after the task `tokens`.

    The arguments and the answer are those of `renew`; what could not be exchanged stands in the log.
    """
    renewed = []
    for token in tokens(targets, access):
        if source.renews_before is not None and token.expires_at and token.expires_at <= now + _A_PULL:
            if why := _exchange(source, token, open_keeper):
                log.warning("%s: %s", token.connection, why)
            else:
                renewed.append(token.connection)
    return renewed


def is_due(source: Source, token: Token, now: dt.datetime) -> bool:
    """Whether it is time to exchange a token.

    One whose end is not known is due if there is a refresh token, for that comes with tokens that die. Without, it is
    taken for one without end.
    """
    if source.renews_before is None:
        return False
    if token.expires_at is None:
        return bool(token.access.extra.get("refresh_token"))
    return token.expires_at - source.renews_before <= now


def needs_a_person(source: Source, token: Token, now: dt.datetime, *, renews: bool) -> list[str]:
    """Tell what a person has to do about a token, a sentence or two each; nothing: it is in order.

    Args:
        source: The platform.
        token: The token.
        now: The present moment (UTC).
        renews: Whether software can write the Connection. Then a token needs nobody as long as it is exchanged in time.
    """
    told = _unreadable(source, token) + _refresh_token_dies(source, token, now)
    by_software = renews and source.renews_before is not None
    if _dies_soon(token.expires_at, now) and not (by_software and not _is_overdue(source, token, now)):
        late = " It should have been exchanged by itself: see the task `tokens` of the last run." if by_software else ""
        told.append(_told(source, token, token.expires_at, now) + late)
    elif token.expires_at is None and is_due(source, token, now) and not renews:
        told.append(f"{_unknown(source, token)} It is not exchanged: {_NO_KEEPER}.")
    return told


def _is_overdue(source: Source, token: Token, now: dt.datetime) -> bool:
    """Whether a token was not exchanged though there was time for it."""
    return is_due(source, token, now - _OVERDUE)


def _dies_soon(end: dt.datetime | None, now: dt.datetime) -> TypeGuard[dt.datetime]:
    """Whether a token dies within 14 days, or is dead."""
    return end is not None and end - now <= WARNED_BEFORE


def _named(source: Source, token: Token) -> str:
    return f"The {source.title} token of {token.target.label} (Connection {token.connection})"


def _told(source: Source, token: Token, end: dt.datetime, now: dt.datetime) -> str:
    """Say of a token that dies soon: whose it is, when, and where it is renewed."""
    return (
        f"{_named(source, token)} {_dies(end, now)}. {_renew_at(source)}, and put it into the Connection's password "
        "and its day into `expires_at` of the extra."
    )


def _refresh_token_dies(source: Source, token: Token, now: dt.datetime) -> list[str]:
    end = token.refresh_expires_at
    if source.renews_before is None or not _dies_soon(end, now):
        return []
    return [
        f"{_named(source, token)} can be exchanged no more soon: its refresh token {_dies(end, now)}. "
        f"{_renew_at(source)}, and put both into the Connection: the token into its password, the other into "
        "`refresh_token` of the extra, with its day in `refresh_expires_at`."
    ]


def _unreadable(source: Source, token: Token) -> list[str]:
    return [
        f"{_named(source, token)}: nobody can tell when it dies, because `{name}` in the Connection's extra cannot be "
        "read. Write it like 2026-12-31 or 2026-12-31T12:00:00+00:00."
        for name in token.unreadable
    ]


def _unknown(source: Source, token: Token) -> str:
    return (
        f"{_named(source, token)} is one that dies, and nobody has written down when. Put its day into `expires_at` of "
        f"the Connection's extra; if it is dead: {_renew_at(source)}."
    )


def _dies(end: dt.datetime, now: dt.datetime) -> str:
    return f"{'died' if end <= now else 'dies'} on {end:%Y-%m-%d %H:%M} UTC"


def _renew_at(source: Source) -> str:
    return f"Renew it at {source.renewal_page or 'the platform'}"


def _exchange(source: Source, token: Token, open_keeper: Callable[[], Keeper | None]) -> str | None:
    """Exchange one token; say why not, if it cannot be.

    Some platforms end the old token with the exchange, so the Connection is written once as it is before anything is
    asked: who may do that can write the new token, too.
    """
    extra = json.loads(token.access.written)
    try:
        keeper = open_keeper()
        if keeper is None:
            return _NO_KEEPER
        if not keeper.has_connection(token.connection):
            return "the Connection is not kept by Airflow itself, so it cannot be written"
        keeper.write_connection(token.connection, password=token.access.token or "", extra=json.dumps(extra))
    except requests.RequestException as error:
        return f"Airflow's API does not write Connections for widerview_airflow ({error})"
    try:
        new = source.renew(http_client(source, token.target, token.access))
    except SourceError as error:
        return str(error)
    for name, value in (
        ("expires_at", new.expires_at and new.expires_at.isoformat()),
        ("refresh_token", new.refresh_token),
        ("refresh_expires_at", new.refresh_expires_at and new.refresh_expires_at.isoformat()),
    ):
        if value:
            extra[name] = value
    if new.expires_at is None:
        extra.pop("expires_at", None)
    write = tenacity.retry(
        stop=tenacity.stop_after_attempt(6),
        wait=tenacity.wait_exponential(max=20),
        retry=tenacity.retry_if_exception_type(requests.RequestException),
        reraise=True,
    )(keeper.write_connection)
    try:
        write(token.connection, password=new.token, extra=json.dumps(extra))
    except requests.RequestException as error:
        return f"THE NEW TOKEN IS LOST: Airflow's API did not take it ({error})"
    log.info("%s: a new token, which lives until %s", token.connection, new.expires_at or "an unknown day")
    return None


def moment(value: str | None) -> dt.datetime | None:
    """The moment an extra names; None if it names none. Without an offset it is UTC; a number is an epoch.

    Raises:
        ValueError: It is written in a way that nobody can read.
    """
    if not value:
        return None
    if value.isdecimal() and len(value) != len("20261231"):
        try:
            return dt.datetime.fromtimestamp(int(value), dt.UTC)
        except (OverflowError, OSError) as error:
            raise ValueError("not on the calendar") from error
    return utc(dt.datetime.fromisoformat(value))
