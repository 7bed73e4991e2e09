"""One-click unsubscribing (RFC 8058): a mail's own address, where one POST keeps all further mails away.

The address holds the mail's Message-ID, signed, and no word of its recipient; who that is stands in the outbox.
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
from sqlalchemy import Connection

from widerview.delivery.outbox import Entry, find_mail
from widerview.delivery.suppression import find, suppress

_ALGORITHM = "HS256"
_SHORTEST_SECRET = 32


class NotOurs(LookupError):
    """A token that we did not sign, or of a mail that is not in the outbox any more."""


@dataclass(frozen=True)
class Door:
    """Where recipients can unsubscribe, and the secret that signs their tokens.

    Attributes:
        url: Address of the page, reachable by everybody, without the token: HTTPS, as RFC 8058 asks, but on this
            machine itself.
        secret: At least 32 characters; never shown. With a new one, the links in mails sent before are dead.

    Raises:
        ValueError: The address is not HTTPS, or the secret is too short.
    """

    url: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        if address.scheme != "https" and not _is_this_machine(address.hostname or ""):
            raise ValueError(f"recipients unsubscribe over HTTPS only, and the address is {self.url!r}")
        if len(self.secret) < _SHORTEST_SECRET:
            raise ValueError(
                f"the secret of unsubscribe links needs {_SHORTEST_SECRET} characters or more: openssl rand -hex 32"
            )

    def url_of(self, client_id: str, message_id: str) -> str:
        """Give the address at which the recipient of a mail can unsubscribe; always the same one."""
        token = jwt.encode({"client": client_id, "mail": message_id}, self.secret, algorithm=_ALGORITHM)
        return f"{self.url}/{token}"

    def mail_of(self, connection: Connection, token: str) -> Entry:
        """Give the mail that a token came with.

        Raises:
            NotOurs: We did not sign it, or there is no such mail any more.
        """
        try:
            claims = jwt.decode(token, self.secret, algorithms=[_ALGORITHM], options={"require": ["client", "mail"]})
        except jwt.InvalidTokenError as error:
            raise NotOurs("this link is not one of ours, or it was cut") from error
        mail = find_mail(connection, str(claims["client"]), str(claims["mail"]))
        if mail is None:
            raise NotOurs("the mail of this link is not kept any more")
        return mail


def unsubscribe(connection: Connection, mail: Entry, now: dt.datetime) -> None:
    """Send the recipient of a mail nothing more about its client; doing it again changes nothing."""
    suppress(
        connection,
        client_id=mail.client_id,
        recipient=mail.recipient,
        kind="unsubscribed",
        detail=f"by the link in the mail of {mail.period}, revision {mail.revision}",
        now=now,
    )


def is_unsubscribed(connection: Connection, mail: Entry) -> bool:
    """Whether the recipient of a mail gets nothing more about its client."""
    return find(connection, mail.client_id, mail.recipient) is not None


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
