"""Tokens that die: exchanged in time for new ones where a platform lets software do it, and told of in time.

When a token dies stands in its Airflow Connection's extra: `expires_at` (ISO 8601), and `refresh_expires_at` of what
the next one is got with. A new token goes back into the Connection through Airflow's own API, as the user that the
Connection `widerview_airflow` names. A Connection that comes from the environment or a secrets backend cannot be
written, so nothing is exchanged there: some platforms end the old token as soon as a new one is made.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from widerview.pipeline.connections import Access, MissingConnection
from widerview.pipeline.ingest import http_client
from widerview.sources.base import Source, Target
from widerview.sources.errors import SourceError

log = logging.getLogger(__name__)

WARNED_BEFORE = dt.timedelta(days=14)


class Keeper(Protocol):
    """Where Connections are written."""

    def has_connection(self, connection_id: str) -> bool:
        """Whether this is where the Connection is kept."""

    def write_connection(self, connection_id: str, *, password: str, extra: str) -> None:
        """Replace the password and the extra of a Connection."""


class Token(NamedTuple):
    """A token in use: its Connection, one of the targets it is for, and when it dies, as far as that is known."""

    connection: str
    target: Target
    access: Access
    expires_at: dt.datetime | None


class DyingTokens(Exception):
    """Some tokens die soon, or are dead, and a person has to renew them; the message names each and where."""


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
            found[target.connection] = Token(target.connection, target, door, _moment(door.extra.get("expires_at")))
    return list(found.values())


def renew(
    source: Source,
    targets: Iterable[Target],
    access: Callable[[Target], Access],
    keeper: Keeper | None,
    now: dt.datetime,
) -> list[str]:
    """Exchange the tokens of a source that are due for new ones.

    A token whose end is not known is exchanged once, to learn it.

    Args:
        source: The platform.
        targets: The accounts in use.
        access: Opens a target's Connection.
        keeper: Where Connections are written; None: nowhere, so nothing is exchanged.
        now: The present moment (UTC).

    Returns:
        The Connections that hold a new token.

    Raises:
        DyingTokens: Some tokens die within 14 days, or are dead, and could not be exchanged.
    """
    renewed: list[str] = []
    dying: list[str] = []
    for token in tokens(targets, access):
        why = None
        if is_due(source, token, now):
            why = _exchange(source, token, keeper)
            if why is None:
                renewed.append(token.connection)
                continue
            log.warning("%s: %s", token.connection, why)
        if dies_soon(token, now):
            dying.append(told(source, token, now) + (f" It was not exchanged: {why}" if why else ""))
    if dying:
        raise DyingTokens("\n".join(dying))
    return renewed


def is_due(source: Source, token: Token, now: dt.datetime) -> bool:
    """Whether it is time to exchange a token."""
    if source.renews_before is None:
        return False
    return token.expires_at is None or token.expires_at - source.renews_before <= now


def dies_soon(token: Token, now: dt.datetime) -> bool:
    """Whether a token dies within 14 days, or is dead."""
    return token.expires_at is not None and token.expires_at - now <= WARNED_BEFORE


def told(source: Source, token: Token, now: dt.datetime) -> str:
    """Say of a token that dies soon: whose it is, when, and where it is renewed."""
    assert token.expires_at is not None  # noqa: S101 - dies_soon has said so
    dies = "died" if token.expires_at <= now else "dies"
    return (
        f"The {source.title} token of {token.target.label} (Connection {token.connection}) {dies} on "
        f"{token.expires_at:%Y-%m-%d %H:%M} UTC. Renew it at {source.renewal_page or 'the platform'}, and put it into "
        "the Connection's password and its day into `expires_at` of the extra."
    )


def _exchange(source: Source, token: Token, keeper: Keeper | None) -> str | None:
    """Exchange one token; say why not, if it cannot be."""
    if keeper is None:
        return "there is no Connection widerview_airflow, through which Connections are written"
    if not keeper.has_connection(token.connection):
        return "the Connection is not kept by Airflow itself, so it cannot be written"
    try:
        new = source.renew(http_client(source, token.target, token.access))
    except SourceError as error:
        return str(error)
    extra = {
        **token.access.extra,
        "expires_at": new.expires_at.isoformat() if new.expires_at else "",
    }
    if new.refresh_token:
        extra["refresh_token"] = new.refresh_token
    if new.refresh_expires_at:
        extra["refresh_expires_at"] = new.refresh_expires_at.isoformat()
    keeper.write_connection(token.connection, password=new.token, extra=json.dumps(extra))
    log.info("%s: a new token, which lives until %s", token.connection, new.expires_at or "an unknown day")
    return None


def _moment(value: str | None) -> dt.datetime | None:
    """The moment an extra names; None if it names none. Without an offset it is UTC; a number is an epoch."""
    if not value:
        return None
    try:
        if value.isdecimal():
            return dt.datetime.fromtimestamp(int(value), dt.UTC)
        moment = dt.datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        log.warning("expires_at %r is no moment; write it like 2026-12-31T12:00:00+00:00", value[:40])
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
