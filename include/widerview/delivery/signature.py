"""DKIM (RFC 6376): the agency's domain signs its mails, so that other servers can tell them from forged ones."""

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP

import dkim

_SIGNED = (
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
    "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type",
)  # fmt: skip
"""Headers that are signed where a mail has them. RFC 8058 asks for both of List-Unsubscribe."""

_HEADER = "DKIM-Signature"
_FOLDED = re.compile(rb"DKIM-Signature:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", re.IGNORECASE)


@dataclass(frozen=True)
class DkimKey:
    """A domain's private key.

    Attributes:
        domain: The domain that signs; its public key stands in the DNS at `selector._domainkey.domain`.
        selector: The key's name there.
        private_key: RSA, as PEM; never shown. RFC 8301 asks for 2048 bits or more.

    Raises:
        ValueError: Something is missing, or the key cannot be read.
    """

    domain: str
    selector: str
    private_key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.domain and self.selector and self.private_key):
            raise ValueError("DKIM needs a domain (host), a selector (login) and a private key (password)")
        sign(b"From: <test@example.com>\r\n\r\ntest\r\n", self)

    def covers(self, address: str) -> bool:
        """Whether mails from an address are signed: it is at this domain, or below it."""
        host = address.rpartition("@")[2].lower()
        return host == self.domain.lower() or host.endswith(f".{self.domain.lower()}")


def sign(message: bytes, key: DkimKey) -> bytes:
    """Put the signature in front of a mail.

    Each signed header is signed once more than it occurs, so that nobody can add another one.

    Raises:
        ValueError: The key cannot be read.
    """
    there = [name.encode() for name in _SIGNED if message_from_bytes(message, policy=SMTP)[name] is not None]
    try:
        header = dkim.sign(
            message,
            key.selector.encode(),
            key.domain.encode(),
            key.private_key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=there + there,
        )
    except Exception as error:  # dkimpy lets through what its parsers of keys raise
        raise ValueError(
            f"the DKIM key {key.selector!r} of {key.domain} cannot be used: it must be an RSA key as PEM "
            f"({type(error).__name__})"
        ) from None
    signed: bytes = header + message
    return signed


def unsigned(message: bytes) -> bytes:
    """Give a mail without the signature in front of it."""
    found = _FOLDED.match(message)
    return message[found.end() :] if found else message
