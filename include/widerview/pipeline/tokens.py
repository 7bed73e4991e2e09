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

import requests
import tenacity

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
            found[target.connection] = Token(target.connection, target, door, moment(door.extra.get("expires_at")))
    return list(found.values())


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
        DyingTokens: Some tokens die within 14 days, or are dead, and could not be exchanged.
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
        if dies_soon(token.expires_at, now) and (why or source.renews_before is None):
            dying.append(told(source, token, token.expires_at, now) + (f" It was not exchanged: {why}" if why else ""))
    if dying:
        raise DyingTokens("\n".join(dying))
    return renewed


def is_due(source: Source, token: Token, now: dt.datetime) -> bool:
    """Whether it is time to exchange a token. One whose end nobody has written down is taken for one without end."""
    if source.renews_before is None or token.expires_at is None:
        return False
    return token.expires_at - source.renews_before <= now


def needs_a_person_at(source: Source, token: Token, *, renews: bool) -> dt.datetime | None:
    """When a person has to renew a token; None: not known, or never.

    Args:
        source: The platform.
        token: The token.
        renews: Whether software can write the Connection; then it is when that dies which new tokens are got with.
    """
    if renews and source.renews_before is not None:
        return moment(token.access.extra.get("refresh_expires_at"))
    return token.expires_at


def dies_soon(end: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a token dies within 14 days, or is dead."""
    return end is not None and end - now <= WARNED_BEFORE


def told(source: Source, token: Token, end: dt.datetime | None, now: dt.datetime) -> str:
    """Say of a token that dies soon: whose it is, when, and where it is renewed."""
    assert end is not None  # noqa: S101 - dies_soon has said so
    dies = "died" if end <= now else "dies"
    return (
        f"The {source.title} token of {token.target.label} (Connection {token.connection}) {dies} on "
        f"{end:%Y-%m-%d %H:%M} UTC. Renew it at {source.renewal_page or 'the platform'}, and put it into "
        "the Connection's password and its day into `expires_at` of the extra."
    )


def _exchange(source: Source, token: Token, open_keeper: Callable[[], Keeper | None]) -> str | None:
    """Exchange one token; say why not, if it cannot be.

    Some platforms end the old token with the exchange, so the Connection is written once as it is before anything is
    asked: who may do that can write the new token, too.
    """
    extra = json.loads(token.access.written)
    try:
        keeper = open_keeper()
        if keeper is None:
            return "there is no Connection widerview_airflow, through which Connections are written"
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
    """The moment an extra names; None if it names none. Without an offset it is UTC; a number is an epoch."""
    if not value:
        return None
    try:
        if value.isdecimal():
            return dt.datetime.fromtimestamp(int(value), dt.UTC)
        found = dt.datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        log.warning("expires_at %r is no moment; write it like 2026-12-31T12:00:00+00:00", value[:40])
        return None
    return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
