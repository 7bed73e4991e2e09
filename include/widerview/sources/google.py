"""What Google's APIs share: how to get in, and how they say no.

An account's Airflow Connection holds one of three keys; the first that is there is taken:

1. `keyfile_dict` in the extra: the JSON of a service account's key. Best for an agency: it does not expire, and one
   service account can be let in by every client.
2. `refresh_token`, `client_id` and `client_secret` in the extra: somebody's consent, by OAuth.
3. The password: an access token. It dies within the hour and is of use for a trial.

The first two are exchanged for an access token at every pull. The exchange is never landed, and the token is cut out of
every later answer.

Facts: OAuth 2.0 for server-to-server applications and for web server applications, and the errors of the standard
query parameters, all at https://developers.google.com.
"""

import datetime as dt
from typing import Annotated, Any, NoReturn

import msgspec
from requests import codes

from widerview.clock import utc_now
from widerview.sources.base import RawPage
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.http import HttpClient, place
from widerview.sources.http import check as check_status

TOKEN_SERVER = "https://oauth2.googleapis.com"  # noqa: S105 - an address
"""Where access tokens are got; belongs into the `servers` of every source that calls `authorize`."""

_TOKEN_URL = f"{TOKEN_SERVER}/token"
_BY_KEY = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY_PAGE = "https://console.cloud.google.com/iam-admin/serviceaccounts"
"""Where a service account's keys are made."""

CONSENT_PAGE = "https://console.cloud.google.com/apis/credentials"
"""Where the OAuth client is made that somebody's consent is given to."""

_LASTING = (
    f"Put a service account's key, made at {KEY_PAGE}, into keyfile_dict in the extra of the Airflow Connection, or a "
    "refresh_token with client_id and client_secret."
)
_LIFETIME = dt.timedelta(hours=1)

_MOMENTARY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_USED_UP = frozenset({
    "quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg", "servingLimitExceeded",
    "concurrentLimitExceeded", "limitExceeded", "RESOURCE_EXHAUSTED",
}) | _MOMENTARY  # fmt: skip
_DEAD = frozenset({
    "authError", "UNAUTHENTICATED", "keyInvalid", "keyExpired", "API_KEY_INVALID", "ACCESS_TOKEN_EXPIRED",
})  # fmt: skip
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_NO_SCOPE = frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT"})


class Failure(msgspec.Struct, frozen=True):
    """What Google says went wrong.

    Attributes:
        code: The HTTP status it means.
        message: In words.
        reasons: The words it has for it, from `status`, `errors` and `details`, e.g. `quotaExceeded`.
    """

    code: int
    message: str
    reasons: frozenset[str]


class _Error(msgspec.Struct):
    code: int
    message: str = ""
    status: str = ""
    errors: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []


class _Failed(msgspec.Struct):
    error: _Error | None = None


class _Key(msgspec.Struct):
    """A service account's key, as the Google Cloud console hands it out."""

    client_email: str
    private_key: str
    private_key_id: str
    type: str


class _Granted(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z")]


class _Refused(msgspec.Struct):
    error: str
    error_description: str = ""


def authorize(http: HttpClient, *scopes: str, source: str, account: str, lasting: str = _LASTING) -> dict[str, str]:
    """The headers that let a request in, made of what the account's Connection holds; costs one call at most.

    Args:
        http: The account's client.
        scopes: What to ask for, e.g. `https://www.googleapis.com/auth/analytics.readonly`. A consent or an access
            token has the scopes it was given.
        source: Title of the source, for messages.
        account: The account or site, for messages.
        lasting: Which lasting key the source takes, and where it is made, as a sentence.

    Raises:
        Unauthorized: The Connection holds no key, or Google does not take it (any more).
        RateLimited: Too many tokens were asked for.
        Unavailable: Google does not answer.
        BadAnswer: Google answers nonsense.
    """
    for_account = f"{source} for {account}"
    if keyfile := http.extra.get("keyfile_dict"):
        key = _read_key(keyfile, for_account)
        form = {"grant_type": _BY_KEY}
        secrets = {"assertion": _signed(key, scopes, for_account)}
        mend = (
            f"Make a new key of the service account {key.client_email} at {KEY_PAGE} and put it into keyfile_dict in "
            "the extra of the Airflow Connection. Where Google speaks of the time, set this machine's clock."
        )
    elif refresh_token := http.extra.get("refresh_token"):
        if missing := [name for name in ("client_id", "client_secret") if not http.extra.get(name)]:
            raise Unauthorized(
                f"{for_account}: the extra of the Airflow Connection holds a refresh_token and lacks "
                f"{' and '.join(missing)}. Add what belongs to the OAuth client that it was made with."
            )
        form = {"grant_type": "refresh_token", "client_id": http.extra["client_id"]}
        secrets = {"refresh_token": refresh_token, "client_secret": http.extra["client_secret"]}
        mend = (
            f"Have the account's owner consent anew to the OAuth client ({CONSENT_PAGE}), and put the new "
            "refresh_token into the extra of the Airflow Connection. Where consent dies after 7 days, the OAuth "
            "consent screen is still in testing: publish it."
        )
    elif http.token:
        return {"Authorization": f"Bearer {http.token}"}
    else:
        raise Unauthorized(f"{for_account}: the Airflow Connection holds no key. {lasting}")
    page = http.request("POST", _TOKEN_URL, stream="token", form=form, secret_form=secrets)
    token = _granted(page, source, account, mend)
    http.keep_secret(token)
    return {"Authorization": f"Bearer {token}"}


def _read_key(keyfile: str, for_account: str) -> _Key:
    try:
        key = msgspec.json.decode(keyfile, type=_Key)
    except msgspec.MsgspecError:
        key = None
    if key is None or key.type != "service_account":
        # Neither quoted nor chained: it is a secret.
        raise Unauthorized(
            f"{for_account}: keyfile_dict in the extra of the Airflow Connection is no service account's key. Paste "
            f"the whole JSON file that {KEY_PAGE} gives for a new key."
        )
    return key


def _signed(key: _Key, scopes: tuple[str, ...], for_account: str) -> str:
    """The statement, signed with the key, that is exchanged for a token."""
    import jwt  # noqa: PLC0415 - every task imports the sources, and few of them sign anything

    now = utc_now()
    claims = {
        "iss": key.client_email,
        "scope": " ".join(scopes),
        "aud": _TOKEN_URL,
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFETIME).timestamp()),
    }
    # A key pasted into a form field often has its line ends escaped twice.
    pem = key.private_key.replace("\\n", "\n")
    try:
        return jwt.encode(claims, pem, algorithm="RS256", headers={"kid": key.private_key_id})
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):  # the last for a public key
        raise Unauthorized(
            f"{for_account}: the private_key of the service account {key.client_email}, in keyfile_dict in the extra "
            f"of the Airflow Connection, is damaged. Paste the whole JSON file of a key, made at {KEY_PAGE}."
        ) from None


def _granted(page: RawPage, source: str, account: str, mend: str) -> str:
    where = f"{place(page, source)} for {account}"
    if page.status == codes.ok:
        try:
            return msgspec.json.decode(page.body, type=_Granted).access_token
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # The answer is not quoted: it may hold a token.
            kind = page.headers.get("content-type", "no content type")
            raise BadAnswer(
                f"{where}: the answer holds no access token ({kind}, {len(page.body)} bytes). Check whether a proxy "
                "answers in Google's place, and the host of the Airflow Connection."
            ) from None
    try:
        refused = msgspec.json.decode(page.body, type=_Refused)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        refused = None
    if refused is None or page.status >= codes.server_error or page.status == codes.too_many_requests:
        check_status(page, source=source, account=account, renew=mend)
    assert refused is not None  # noqa: S101 - check_status raises for every status but 200
    told = f"{where}: Google refused the key ({refused.error}: {refused.error_description or 'no reason told'})."
    if refused.error == "rate_limit_exceeded":
        raise RateLimited(f"{told} Try again later.")
    raise Unauthorized(f"{told} {mend}")


def failure(page: RawPage) -> Failure | None:
    """What Google says went wrong, whatever the HTTP status; None if it says nothing of the kind."""
    try:
        error = msgspec.json.decode(page.body, type=_Failed, strict=False).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if error is None:
        return None
    words = [error.status, *(each.get("reason") for each in (*error.errors, *error.details))]
    return Failure(error.code, error.message, frozenset(word for word in words if isinstance(word, str) and word))


def slow_down(page: RawPage) -> bool:
    """Whether Google asks for a slower pace by HTTP 403: for `HttpClient.request(try_again=...)`."""
    said = failure(page) if page.status == codes.forbidden else None
    return said is not None and bool(said.reasons & _MOMENTARY)


def check(page: RawPage, *, source: str, account: str, mend: str, lasting: str = _LASTING) -> None:
    """Raise what an answer of a Google API means, an error inside HTTP 200 included; in Google's own words.

    Args:
        page: The answer.
        source: Title of the source, for messages.
        account: The account or site that was asked for, for messages.
        mend: What to do where we are not let at this account, as a sentence, e.g. whom to add where.
        lasting: As for `authorize`.

    Raises:
        Unauthorized: The token is dead, the API is switched off in the project, the consent lacks a scope, or there is
            no right on this account; each with what to do.
        RateLimited: A quota is used up.
        NotFound: 404 or 410.
        Unavailable: 5xx.
        BadAnswer: Any other failure, e.g. a request that Google does not understand.
    """
    said = failure(page)
    if said is None:
        check_status(page, source=source, account=account, renew=mend)
        return
    where = f"{place(page, source)} for {account}: HTTP {page.status}, {said.message.rstrip('.') or 'no message'}."
    if said.reasons & _USED_UP or said.code == codes.too_many_requests:
        raise RateLimited(
            f"{where} Google's quota is used up. One by the minute or hour comes back by itself, one by the day at "
            "midnight Pacific time; see IAM & Admin, Quotas in the Google Cloud console."
        )
    if said.code in {codes.unauthorized, codes.forbidden} or said.reasons & _DEAD:
        _shut_out(where, said, mend, lasting)
    if said.code in {codes.not_found, codes.gone}:
        raise NotFound(f"{where} {account} does not exist there (any more); correct or remove it.")
    if said.code >= codes.server_error:
        raise Unavailable(f"{where} Try again later.")
    raise BadAnswer(where)


def _shut_out(where: str, said: Failure, mend: str, lasting: str) -> NoReturn:
    if said.reasons & _SWITCHED_OFF:
        raise Unauthorized(f"{where} Enable this API in the Google Cloud project that the key belongs to.")
    if said.reasons & _NO_SCOPE:
        raise Unauthorized(f"{where} The consent does not cover this; have it given anew, with this API's scope.")
    if said.code == codes.unauthorized or said.reasons & _DEAD:
        raise Unauthorized(
            f"{where} The access token is dead: it lives an hour. {lasting} If such a key is there, clear the task."
        )
    raise Unauthorized(f"{where} {mend}")
