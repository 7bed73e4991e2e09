"""How a token is exchanged for a new one where the platform gave a refresh token with it: RFC 6749, section 6.

Platforms differ in whether the app proves itself in the form or in a header, and in how they word a refusal. The answer
is landed nowhere, and no message quotes it unless it is a refusal, which holds no token.
"""

import base64
import datetime as dt
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

import msgspec

from widerview.sources.base import RawPage, Tokens
from widerview.sources.errors import Unauthorized
from widerview.sources.http import CENSORED, HttpClient, check, decode, found, place

APP = ("client_id", "client_secret", "refresh_token")
"""What an exchange takes, by its names in the form and in a Connection's extra."""

_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_Token = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z")]
"""What can be sent in a header."""
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class Granted(msgspec.Struct):
    """What a platform answers; how long tokens live is in seconds from the answer, under either of two names."""

    access_token: _Token
    expires_in: _Seconds | None = None
    refresh_token: _Token | None = None
    refresh_token_expires_in: _Seconds | None = None
    refresh_expires_in: _Seconds | None = None


def exchange(
    http: HttpClient,
    address: str,
    *,
    source: str,
    renew: str,
    form: Sequence[str] = APP,
    needed: Sequence[str] = APP,
) -> Tokens:
    """Exchange a refresh token for a new access token and, on some platforms, the next refresh token.

    A `client_secret` that does not go into the form goes out with the `client_id` in a header (HTTP Basic), if the
    Connection has one.

    Args:
        http: The account's client.
        address: Path or absolute URL of the token endpoint.
        source: Title of the source, for messages.
        renew: What a person must do when the exchange is refused, and where, as a sentence.
        form: What goes into the form, by its names in the Connection's extra.
        needed: What must be in the extra.

    Raises:
        Unauthorized: The extra lacks something, or the platform takes the refresh token or the app no more.
        BadAnswer: The answer holds no token.
        SourceError: The platform does not answer.
    """
    require(http, needed, source=source, renew=renew)
    headers = {}
    secret = http.extra.get("client_secret")
    if secret and "client_secret" not in form:
        app = base64.b64encode(f"{http.extra['client_id']}:{secret}".encode()).decode()
        http.keep_secret(app)
        headers["Authorization"] = f"Basic {app}"
    page = http.request(
        "POST",
        address,
        stream="token",
        form={"grant_type": "refresh_token"},
        secret_form={name: http.extra[name] for name in form},
        headers=headers,
    )
    if page.status in _REFUSED:
        raise Unauthorized(
            f"{place(page, source)}: HTTP {page.status}, the refresh token is refused. {renew} "
            f"The answer was {found(page)}"
        )
    if page.status >= HTTPStatus.MULTIPLE_CHOICES:
        check(page, source=source, account="the exchange of the token", renew=renew)
    return tokens(http, page, decode(page, Granted, source=source, is_secret=True))


def require(http: HttpClient, names: Sequence[str], *, source: str, renew: str) -> None:
    """See to it that the Connection's extra holds what an exchange takes.

    Raises:
        Unauthorized: It lacks some of it; the message says what.
    """
    if missing := [name for name in names if not http.extra.get(name)]:
        raise Unauthorized(
            f"{source}: the Airflow Connection's extra has no {', '.join(missing)}, so the token cannot be exchanged. "
            f"{renew}"
        )


def tokens(http: HttpClient, page: RawPage, granted: Granted) -> Tokens:
    """What was granted. A token that stays as it is was cut out of the answer, as every known secret is."""
    refresh_lives = granted.refresh_token_expires_in
    if refresh_lives is None:
        refresh_lives = granted.refresh_expires_in
    return Tokens(
        token=http.known_again(granted.access_token),
        expires_at=_after(page, granted.expires_in),
        refresh_token=None if granted.refresh_token == CENSORED else granted.refresh_token,
        refresh_expires_at=_after(page, refresh_lives),
    )


def _after(page: RawPage, seconds: int | None) -> dt.datetime | None:
    return None if seconds is None else page.fetched_at + dt.timedelta(seconds=seconds)
