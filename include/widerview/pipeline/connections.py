"""Airflow Connections: the one place where secrets are read, and where the rooms get their doors opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Engine

from widerview.delivery.bounces import Imap, Maildir
from widerview.delivery.signature import DkimKey
from widerview.delivery.smtp import SmtpSettings, settings_from_connection
from widerview.delivery.unsubscribe import Door
from widerview.landing.store import Landing, open_landing
from widerview.pipeline.airflow_api import AirflowApi
from widerview.pipeline.catalogue import UNSUBSCRIBE_PATH
from widerview.settings import (
    AIRFLOW_CONNECTION,
    BOUNCES_CONNECTION,
    DKIM_CONNECTION,
    SMTP_CONNECTION,
    UNSUBSCRIBE_CONNECTION,
    WAREHOUSE_CONNECTION,
    load_settings,
)
from widerview.sources.base import Target
from widerview.warehouse.database import connect

if TYPE_CHECKING:
    from airflow.sdk import Connection


class MissingConnection(LookupError):
    """An Airflow Connection that is needed does not exist, or could not be read just now."""


@dataclass(frozen=True)
class Access:
    """How to reach a platform for one target, as its Airflow Connection says.

    Attributes:
        base_url: Another server than the public one; None: the public one.
        token: The account's token; None: none.
        login: The user name that goes with it; None: none.
        extra: What else the Connection holds, by name, as text.
        written: The Connection's extra as it is written, JSON.
    """

    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    login: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    written: str = field(default="{}", repr=False)


def access(target: Target) -> Access:
    """Read the server and token of a target from its Airflow Connection.

    The connection's host is the server (with or without `https://`), its password the token, its login the user name;
    the extra holds what else the platform needs (docs/sources.md).

    Raises:
        MissingConnection: The client's file names a connection that does not exist.
    """
    if target.connection is None:
        return Access()
    connection = _connection(target.connection, f"{target.label} on {target.source}")
    return Access(
        base_url=_base_url(connection),
        token=connection.password or None,
        login=connection.login or None,
        extra={name: _as_text(value) for name, value in connection.extra_dejson.items() if value is not None},
        written=connection.extra or "{}",
    )


def _as_text(value: object) -> str:
    """A field of a Connection's extra; what is no text there, such as a key file, as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@cache
def warehouse() -> Engine:
    """Open the warehouse named by the connection `widerview_warehouse`; one engine a process.

    Raises:
        MissingConnection: The connection does not exist.
    """
    return connect(_connection(WAREHOUSE_CONNECTION, "the warehouse").get_uri())


def smtp() -> SmtpSettings:
    """Read the mail server's settings from the connection `widerview_smtp`.

    Raises:
        MissingConnection: The connection does not exist.
    """
    connection = _connection(SMTP_CONNECTION, "sending mail")
    return settings_from_connection(
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        extra=connection.extra_dejson,
    )


def dkim() -> DkimKey | None:
    """Read the key that signs mails from the connection `widerview_dkim`; None if there is no such connection.

    Host: the domain; login: the selector; password: the private key as PEM, which may also stand in the extra
    `private_key`, where the UI keeps its lines.
    """
    connection = _optional(DKIM_CONNECTION)
    if connection is None:
        return None
    key = connection.extra_dejson.get("private_key") or connection.password or ""
    return DkimKey(domain=connection.host or "", selector=connection.login or "", private_key=key.replace("\\n", "\n"))


def unsubscribe_door() -> Door | None:
    """Read where recipients unsubscribe from the connection `widerview_unsubscribe`; None if there is no such one.

    Host: address of Airflow as recipients reach it, `https://` included or not; password: the secret.
    """
    connection = _optional(UNSUBSCRIBE_CONNECTION)
    if connection is None:
        return None
    return Door(f"{_base_url(connection) or ''}{UNSUBSCRIBE_PATH}", connection.password or "")


def bounces() -> Imap | Maildir | None:
    """Open the mailbox that the connection `widerview_bounces` names; None if there is no such connection.

    Extra `maildir`: a folder on this machine. Else host, port, login and password of an IMAP server with TLS, and its
    folder in the extra `folder`.

    Raises:
        OSError: It cannot be opened.
    """
    connection = _optional(BOUNCES_CONNECTION)
    if connection is None:
        return None
    extra = connection.extra_dejson
    if extra.get("maildir"):
        return Maildir(Path(extra["maildir"]))
    return Imap(
        connection.host or "",
        connection.port or 993,
        connection.login or "",
        connection.password or "",
        extra.get("folder") or "INBOX",
    )


def airflow() -> AirflowApi | None:
    """Log in to Airflow's own API with the connection `widerview_airflow`; None if there is no such connection.

    Raises:
        requests.RequestException: Airflow does not answer, or not to this user.
    """
    try:
        connection = _connection(AIRFLOW_CONNECTION, "writing Connections")
    except MissingConnection:
        return None
    api = AirflowApi(_base_url(connection) or "", connection.login or "", connection.password or "")
    api.log_in()
    return api


def exists(connection_id: str) -> bool:
    """Whether there is a Connection of this id."""
    return _optional(connection_id) is not None


def landing() -> Landing:
    """Open the landing store named by the settings."""
    settings = load_settings()
    return open_landing(settings.landing, settings.landing_connection)


def _optional(connection_id: str) -> "Connection | None":
    try:
        return _connection(connection_id, "a look")
    except MissingConnection:
        return None


def _connection(connection_id: str, wanted_for: str) -> "Connection":
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    try:
        found: Connection = Connection.get(connection_id)
    except (AirflowNotFoundException, AirflowRuntimeError) as error:
        raise MissingConnection(
            f"The Airflow Connection {connection_id!r}, needed for {wanted_for}, does not exist, or could not be "
            f"read. Add it in the Airflow UI under Admin > Connections, or with "
            f"`airflow connections add {connection_id}`."
        ) from error
    return found


def _base_url(connection: "Connection") -> str | None:
    host = connection.host
    if not host:
        return None
    if "://" not in host:
        host = f"{connection.schema or 'https'}://{host}"
    return f"{host.rstrip('/')}:{connection.port}" if connection.port else host.rstrip("/")
