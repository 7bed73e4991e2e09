"""A DKIM key of a test's own, and another server's look at a signature."""

import base64

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)  # fmt: skip


def is_genuine(message: bytes) -> bool:
    def txt(name: bytes, timeout: int = 5) -> bytes:
        assert name.startswith(b"2026._domainkey.")
        return b"v=DKIM1; k=rsa; p=" + PUBLIC

    genuine: bool = dkim.verify(message, dnsfunc=txt)
    return genuine
