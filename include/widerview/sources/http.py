"""How every source speaks HTTP: one client with a budget, and the judgement of what came back.

`HttpClient` asks and hands over whatever came back as a `RawPage`, so that it can be landed; `check` and `decode`
judge it afterwards. `paginate` walks through pages for any source, `ask_in_groups` asks for metrics so that one that
the platform does not know costs no other.
"""

import codecs
import datetime as dt
import functools
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urljoin, urlsplit

import msgspec
import tenacity
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, get_environ_proxies, select_proxy

from widerview import __version__
from widerview.clock import utc_now
from widerview.sources.base import RawPage, Request
from widerview.sources.errors import (
    BadAnswer,
    BudgetSpent,
    NotFound,
    RateLimited,
    SourceError,
    Unauthorized,
    Unavailable,
)

T = TypeVar("T")

NOTHING = Decimal(0)
"""US dollars that a call costs where nothing is said."""

Count = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A count that fits the warehouse's BIGINT."""
Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A moment that names its zone, whichever; `utc` makes the same one of all of them."""

TIMEOUTS = urllib3.Timeout(connect=10, read=60)
"""Seconds to connect, and between two bytes: analytics may compute a report while we wait."""
ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""Seconds one client may spend waiting in all; longer waits are left to the scheduler, which frees the worker."""
LARGEST_BODY = 32 * 2**20
MOST_EMPTY_PAGES = 10
CENSORED = "[token]"
"""What stands in an answer where a secret stood that had been sent."""
_SHORTEST_SECRET = 8
_ABOUT_SECRETS = ("_url", "_uri", "_at", "_in", "_type", "_id")
"""How the names end of fields that only tell of a secret: where it is got, when it dies."""
"""Characters; what is shorter may be a word of the answer, like the password `umami`."""

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRANSIENT = (
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.DecodeError,
)
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_NO_RETRIES = urllib3.Retry(total=False)
"""Makes urllib3 raise the first error as it is: how often to ask is ours to decide, and to count."""
_SENT_HEADERS = {
    "User-Agent": f"Widerview/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
_KEPT_HEADERS = frozenset({
    "content-type", "date", "facebook-api-version", "link", "location", "ratelimit-limit", "ratelimit-policy",
    "ratelimit-remaining", "ratelimit-reset", "retry-after", "x-ad-account-usage", "x-app-usage",
    "x-business-use-case-usage", "x-fb-trace-id", "x-li-uuid", "x-matomo-request-id", "x-rate-limit-limit",
    "x-rate-limit-remaining", "x-rate-limit-reset", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    "x-request-id", "x-tt-logid",
})  # fmt: skip
_LIMITS = ("ratelimit", "x-ratelimit", "x-rate-limit")
"""How the headers begin that tell how many calls remain, and when more come: the IETF's draft, and two habits."""
_FITS_HEADER = re.compile(r"[\x21-\x7e]*")
"""What a token in a header may consist of."""
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_backoff = tenacity.wait_random_exponential(multiplier=1, max=20)


class ConnectionPool:
    """Connections that stay open from one call to the next, for any number of clients and servers.

    It knows no account: a token goes out with a call and nowhere else, and cookies are neither kept nor sent, nor is
    `~/.netrc` read.

    Proxies and certificates are the environment's, as requests and curl take them: `HTTP_PROXY`, `HTTPS_PROXY`,
    `ALL_PROXY` and `NO_PROXY`; a bundle or folder of CA certificates in `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` or
    `SSL_CERT_FILE`, else certifi's.
    """

    def __init__(self) -> None:
        self._managers: dict[tuple[str | None, bool], urllib3.PoolManager] = {}

    def to(self, url: str) -> urllib3.HTTPConnectionPool:
        """The connections to the server of a URL, through the proxy that the environment names for it.

        Raises:
            SourceError: The proxy's address or the CA certificates cannot be used.
            ValueError: The URL has no usable host or port.
        """
        proxy = select_proxy(url, get_environ_proxies(url))
        is_plain = proxy is None and url.startswith("http://")  # needs no certificates, which take long to read
        if (proxy, is_plain) not in self._managers:
            self._managers[proxy, is_plain] = urllib3.PoolManager() if is_plain else _manager(proxy)
        return self._managers[proxy, is_plain].connection_from_url(url)


def _manager(proxy: str | None) -> urllib3.PoolManager:
    tls = _tls(next(filter(None, map(os.environ.get, _CA_VARIABLES)), DEFAULT_CA_BUNDLE_PATH))
    if proxy is None:
        return urllib3.PoolManager(ssl_context=tls)
    address = proxy if "://" in proxy else f"http://{proxy}"
    user, password = get_auth_from_url(address)
    try:
        if not urllib3.util.parse_url(address).host:
            raise ValueError
        return urllib3.ProxyManager(
            address,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=f"{user}:{password}") if user else None,
            proxy_ssl_context=tls,
            ssl_context=tls,
        )
    except ValueError:
        # Neither told nor chained: the address may hold a password.
        raise SourceError(
            "The proxy that the environment names cannot be used: it must look like http://proxy.example:3128. "
            "Correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or name the server in NO_PROXY."
        ) from None


@functools.cache
def _tls(certificates: str) -> ssl.SSLContext:
    """How to trust servers. Reading the certificates takes longer than many a pull, so it is done once a process."""
    context = urllib3.util.ssl_.create_urllib3_context()
    try:
        if Path(certificates).is_dir():
            context.load_verify_locations(capath=certificates)
        else:
            context.load_verify_locations(cafile=certificates)
    except OSError as error:
        raise SourceError(
            f"{certificates}: the CA certificates to trust servers by cannot be read ({error}). "
            f"Correct {', '.join(_CA_VARIABLES)}, or unset them."
        ) from error
    return context


class Allowance(Protocol):
    """What an account may still spend today; shared by all runs and accounts of the client on that platform."""

    def call(self, most_dollars: Decimal = NOTHING) -> None:
        """Count a call that is about to be made, and set aside the most that its answer may cost, in US dollars.

        Raises:
            BudgetSpent: It would be one too many, or what is left of the day's money does not pay for it.
        """

    def pay(self, dollars: Decimal) -> None:
        """Count what an answer has cost, in US dollars, instead of what was set aside for it."""

    def left(self) -> Decimal | None:
        """Tell what may still be spent today, in US dollars; None where calls cost nothing."""


class HttpClient:
    """Asks a platform on behalf of one account, within a budget of calls.

    Nothing that is secret ends up in what it returns or raises: headers, `secret_params` and `secret_form` are sent
    and not recorded, and should the server repeat a secret of eight characters or more in its answer, it is cut out
    there.

    Attributes:
        token: The account's token; None if it needs none.
        login: The user name that goes with it; None if there is none.
        extra: What else the account's Connection holds, by name; may be secret.
        calls: HTTP calls made so far, retries included.
        one_metric_a_call: Whether `ask_in_groups` asks for each metric alone, to find out which ones still exist.
    """

    def __init__(
        self,
        *,
        base_url: str,
        budget: int,
        token: str | None = None,
        login: str | None = None,
        extra: Mapping[str, str] | None = None,
        servers: Mapping[str, str] | None = None,
        allowance: Allowance | None = None,
        one_metric_a_call: bool = False,
        pool: ConnectionPool | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Make a client; it connects with the first call.

        Args:
            base_url: The server, perhaps with a path below which everything is asked.
            budget: Most calls it may make.
            token: The account's token.
            login: The user name that goes with it.
            extra: What else the account's Connection holds.
            servers: More servers that absolute URLs may name, each with the address where it is really asked.
            allowance: What all accounts of the client may spend today on this platform.
            one_metric_a_call: Whether `ask_in_groups` asks for each metric alone.
            pool: Connections to share.
            sleep: How to wait, in seconds.
            clock: What time it is (UTC).

        Raises:
            SourceError: An address cannot be used.
            Unauthorized: The token is empty.
        """
        parts = _address(base_url)
        if token is not None and not token.strip():
            raise _unusable(parts.hostname)
        self.token = token
        self.login = login
        self.extra = dict(extra or {})
        self.calls = 0
        self.one_metric_a_call = one_metric_a_call
        self._base = base_url.rstrip("/") + "/"
        self._servers = {server.rstrip("/") + "/": at.rstrip("/") + "/" for server, at in (servers or {}).items()}
        shared = pool or ConnectionPool()
        self._connections = {_origin(_address(url)): shared.to(url) for url in (self._base, *self._servers.values())}
        self._budget = budget
        self._allowance = allowance
        self._secrets: set[bytes] = set()
        for name, value in self.extra.items():
            if _is_secret(name, value):
                self.keep_secret(value)
        if token and len(token) >= _SHORTEST_SECRET:
            self.keep_secret(token)
        self._sleep = sleep
        self._clock = clock
        self._waited = 0.0
        self._quota_returns: dt.datetime | None = None
        self._retrying = tenacity.Retrying(
            sleep=self._pause,
            wait=self._wait,
            stop=self._gives_up,
            retry=_retry_if(lambda page: page.status in _RETRIED),
            retry_error_callback=_last_outcome,
        )

    def request(
        self,
        method: str,
        path_or_url: str,
        *,
        stream: str,
        params: Mapping[str, str] | None = None,
        secret_params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        secret_form: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        safe: str = "",
        about: Mapping[str, str] | None = None,
        try_again: Callable[[RawPage], bool] | None = None,
        is_final: Callable[[RawPage], bool] | None = None,
        most_dollars: Decimal = NOTHING,
    ) -> RawPage:
        """Ask, again if need be, and return the last answer whatever its status.

        Connection errors and the statuses 408, 425, 429, 500, 502, 503 and 504 are tried again, after the time the
        server names or else with exponential backoff and full jitter. Redirects are not followed.

        Args:
            method: HTTP method.
            path_or_url: A path below the base URL, or an absolute URL on the same server or one of the other servers.
            stream: The stream the answer belongs to.
            params: Query parameters; recorded.
            secret_params: More query parameters; sent, never recorded.
            form: Body of a form; recorded.
            secret_form: More of the form; sent, never recorded.
            json: A body to be sent as JSON, keys in order; recorded. None: no such body.
            headers: More headers; sent, never recorded.
            safe: Characters of the query or form that are sent as they are, where a platform's own syntax needs them;
                what must be encoded within a value is then for the caller to encode.
            about: What the answer is about, as far as it does not say so itself; recorded for `parse`, never sent.
            try_again: Whether an answer means "later" in the platform's own way, beside the statuses above.
            is_final: Whether an answer will be the same next time, though its status is one of those above.
            most_dollars: The most that the answer may cost, in US dollars; `pay` tells what it did. It is set aside for
                each attempt. Where no answer comes it stays so, because the platform may have charged for it.

        Raises:
            BadAnswer: The URL points to another server, or the answer is larger than 32 MB.
            BudgetSpent: This call would be one too many, for this run or for today, or cost more than is left of today.
            RateLimited: The quota is used up and returns later than we hold on.
            Unauthorized: A header holds the token, which has characters that no header can hold.
            Unavailable: No answer came.
        """
        url = self._where(path_or_url)
        parts = urlsplit(url)
        connections = self._connections.get(_origin(parts))
        if connections is None:
            raise BadAnswer(
                f"{self._base}: refused to ask another server ({parts.scheme}://{parts.hostname}) for {stream}. "
                "If the account has moved, set the new server as the host of its Airflow Connection."
            )
        # A password in a form or in JSON may hold any character.
        token = self.token or ""
        if not _FITS_HEADER.fullmatch(token) and any(token in value for value in (headers or {}).values()):
            raise _unusable(parts.hostname)
        query = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(params or {})
        body = None if json is None else msgspec.json.encode(json, order="sorted").decode()
        asked = Request(
            method,
            parts._replace(query="", fragment="").geturl(),
            query | dict(form or {}),
            body or "",
            dict(about or {}),
        )
        # A proxy is asked for whole URLs of http; to https it opens a tunnel and sees none.
        target = asked.url if parts.scheme == "http" and connections.proxy is not None else parts.path or "/"
        if whole := {**query, **(secret_params or {})}:
            target += f"?{urlencode(whole, safe=safe)}"
        sent = {**_SENT_HEADERS, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        elif form or secret_form:
            body = urlencode({**(form or {}), **(secret_form or {})}, safe=safe)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        retrying = self._retrying
        if try_again or is_final:
            retrying = retrying.copy(retry=_retry_if(lambda page: _is_later(page, try_again, is_final)))
        try:
            return retrying(self._call, connections, asked, stream, target, sent, body, most_dollars)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            # Not chained: the text of these errors may quote headers. ValueError is a header that cannot be sent.
            raise Unavailable(
                f"{method} {asked.url} ({stream}): no complete answer ({type(error).__name__}) after "
                f"{self.calls} calls. Check the server and the network, then clear the task."
            ) from None

    def now(self) -> dt.datetime:
        """What time it is (UTC), by the clock that stamps the answers."""
        return self._clock()

    def keep_secret(self, value: str) -> None:
        """Cut a value that has become known, such as a token got on the way, out of every later answer, too."""
        # As it is, as a link holds it, and as some write JSON.
        forms = (value, quote(value, safe=""), value.replace("/", "\\/"))
        self._secrets.update(form.encode() for form in forms)

    def known_again(self, token: str) -> str:
        """A token as it was given, where it was cut out of the answer because it is the one that was asked with."""
        return self.token if self.token and token == CENSORED else token

    def pay(self, dollars: Decimal) -> None:
        """Count what an answer has cost, in US dollars, against what the client may spend today."""
        if self._allowance is not None:
            self._allowance.pay(dollars)

    def affords(self, price: Decimal, most: int) -> int:
        """How many things of a price, in US dollars each and at most so many, today's money still pays for."""
        left = None if self._allowance is None else self._allowance.left()
        return most if left is None else max(0, min(most, int(left // price)))

    def _where(self, path_or_url: str) -> str:
        """The URL to ask: below the base, or of another server, which a Connection's host may stand in for."""
        if "://" not in path_or_url:
            return urljoin(self._base, path_or_url.lstrip("/"))
        for server, at in self._servers.items():
            if path_or_url.startswith(server):
                return at + path_or_url.removeprefix(server)
        return path_or_url

    def _call(
        self,
        connections: urllib3.HTTPConnectionPool,
        asked: Request,
        stream: str,
        target: str,
        headers: Mapping[str, str],
        body: str | None,
        most_dollars: Decimal,
    ) -> RawPage:
        if self.calls >= self._budget:
            raise BudgetSpent(
                f"{asked.url} ({stream}): the run has made all {self._budget} calls it may make for this account. "
                "Ask for fewer days at once."
            )
        self._await_quota(asked, stream)
        if self._allowance is not None:
            self._allowance.call(most_dollars)
        self.calls += 1
        try:
            response = connections.urlopen(
                asked.method,
                target,
                body=body,
                headers=headers,
                timeout=TIMEOUTS,
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
        except _NEVER_SENT:
            if most_dollars:
                self.pay(NOTHING)
            raise
        with response:
            page = RawPage(
                stream=stream,
                request=asked,
                status=response.status,
                headers=self._kept(response.headers),
                body=self._censored(_read(response, asked, stream)),
                fetched_at=self._clock(),
            )
        if most_dollars and page.status != HTTPStatus.OK:
            self.pay(NOTHING)
        self._quota_returns = try_again_at(page) if _limit(page, "remaining") == "0" else None
        return page

    def _await_quota(self, asked: Request, stream: str) -> None:
        if self._quota_returns is None:
            return
        seconds = (self._quota_returns - self._clock()).total_seconds()
        if self._waited + seconds > LONGEST_WAIT:
            raise RateLimited(
                f"{asked.url} ({stream}): the rate limit is used up; try again at {_told(self._quota_returns)}."
            )
        if seconds > 0:
            self._pause(seconds)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        outcome = state.outcome
        at = None if outcome is None or outcome.failed else try_again_at(outcome.result())
        return _backoff(state) if at is None else max(0.0, (at - self._clock()).total_seconds())

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or self._waited + state.upcoming_sleep > LONGEST_WAIT

    def _pause(self, seconds: float) -> None:
        self._waited += seconds
        self._sleep(seconds)

    def _censored(self, body: bytes) -> bytes:
        for secret in self._secrets:
            body = body.replace(secret, CENSORED.encode())
        return body

    def _kept(self, headers: urllib3.HTTPHeaderDict) -> dict[str, str]:
        kept = ((name.lower(), value) for name, value in headers.itermerged())
        return {name: self._censored(value.encode()).decode() for name, value in sorted(kept) if name in _KEPT_HEADERS}


def _address(base_url: str) -> SplitResult:
    """The parts of a server's address; it is not told if it is none, because it may hold a password."""
    try:
        parts = urlsplit(base_url)
        urllib3.util.parse_url(base_url)  # knows more that makes a host or port unusable
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise SourceError(
            "The server's address must look like https://server.example, without user, password or query; "
            "set it as the host of the Airflow Connection."
        )
    return parts


def _unusable(host: str | None) -> Unauthorized:
    return Unauthorized(
        f"The token for {host} is empty or holds blanks or control characters; "
        "paste it anew into the password of the Airflow Connection."
    )


def _origin(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme, parts.netloc


def _retry_if(is_later: Callable[[RawPage], bool]) -> tenacity.retry_base:
    return tenacity.retry_if_exception_type(_TRANSIENT) | tenacity.retry_if_result(is_later)


def _is_later(
    page: RawPage, try_again: Callable[[RawPage], bool] | None, is_final: Callable[[RawPage], bool] | None
) -> bool:
    if is_final is not None and is_final(page):
        return False
    return page.status in _RETRIED or (try_again is not None and try_again(page))


def _is_secret(name: str, value: str) -> bool:
    """Whether a field of a Connection's extra holds a secret, by its name; a short word like `bearer` is none."""
    said = name.lower()
    if said.endswith(_ABOUT_SECRETS) or value.startswith(("https://", "http://")):
        return False
    return len(value) >= _SHORTEST_SECRET and any(word in said for word in ("token", "secret", "password", "key"))


def _limit(page: RawPage, what: str) -> str | None:
    """What a server says of its rate limit: `remaining` or `reset`."""
    return next(filter(None, (page.headers.get(f"{habit}-{what}") for habit in _LIMITS)), None)


def _last_outcome(state: tenacity.RetryCallState) -> RawPage:
    assert state.outcome is not None  # noqa: S101 - tells mypy what tenacity guarantees
    page: RawPage = state.outcome.result()
    return page


def _read(response: urllib3.BaseHTTPResponse, asked: Request, stream: str) -> bytes:
    length = response.length_remaining
    if length is not None and length <= LARGEST_BODY and "content-encoding" not in response.headers:
        return response.read()  # in one piece, which spares copies
    # Unpacks no further than asked for, however much a compressed answer holds.
    body = response.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise BadAnswer(
            f"{asked.method} {asked.url} ({stream}): the answer is larger than {LARGEST_BODY // 2**20} MB. "
            "Ask for fewer days at once."
        )
    return body


def try_again_at(page: RawPage) -> dt.datetime | None:
    """When the server wants to be asked again; None if it does not say.

    `Retry-After` (seconds or a date) comes first. The reset headers count only where the limit is reached, because
    servers send them with every answer: `RateLimit-Reset` is an epoch on Bluesky and seconds in the IETF draft,
    `X-RateLimit-Reset` is ISO 8601 on Mastodon and an epoch elsewhere, as is `X-Rate-Limit-Reset` on X.
    """
    if after := page.headers.get("retry-after"):
        return _moment(after, page.fetched_at)
    if page.status == HTTPStatus.TOO_MANY_REQUESTS or _limit(page, "remaining") == "0":
        reset = _limit(page, "reset")
        return _moment(reset, page.fetched_at) if reset else None
    return None


def _moment(value: str, now: dt.datetime) -> dt.datetime | None:
    """Seconds from now, an epoch, an HTTP date or ISO 8601; None if it is none of them."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
            seconds = float(value)
            is_epoch = seconds > dt.timedelta(days=3650).total_seconds()
            return dt.datetime.fromtimestamp(seconds, dt.UTC) if is_epoch else now + dt.timedelta(seconds=seconds)
        moment = dt.datetime.fromisoformat(value.strip()) if value[:4].isdigit() else parsedate_to_datetime(value)
        return utc(moment)
    except (ValueError, OverflowError, OSError):
        return None


def utc(moment: dt.datetime) -> dt.datetime:
    """A moment of an answer in UTC; one that does not name its zone is in UTC already.

    Call it in a struct's `__post_init__`: then `decode` makes `BadAnswer` of the error, and says where it stands.

    Raises:
        ValueError: In UTC it is no moment of the years 1 to 9999.
    """
    try:
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{moment.isoformat()} is not on the calendar in UTC") from error


def _told(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def place(page: RawPage, source: str) -> str:
    """Which answer a message is about: source, stream and URL."""
    return f"{source} {page.stream} ({page.request.method} {page.request.url})"


def found(page: RawPage) -> str:
    """What stands at the beginning of an answer, for a message."""
    kind = page.headers.get("content-type", "no content type")
    beginning = "".join(c if c.isprintable() else " " for c in page.body[:120].decode(errors="replace"))
    return f"{kind}, {len(page.body)} bytes, beginning with: {beginning}"


def check(page: RawPage, *, source: str, account: str, renew: str) -> None:
    """Raise what a status other than 200 means.

    Args:
        page: The answer.
        source: Title of the source, for messages.
        account: The account or site that was asked for, for messages.
        renew: What a person must do when the server does not accept us, as a sentence.

    Raises:
        Unauthorized: 401 or 403.
        NotFound: 404 or 410.
        RateLimited: 429.
        Unavailable: 408, 425 or 5xx.
        BadAnswer: Any other status.
    """
    if page.status == HTTPStatus.OK:
        return
    at = try_again_at(page)
    later = f"Try again at {_told(at)}." if at else "Try again later."
    where = f"{place(page, source)} for {account}: HTTP {page.status}"
    match page.status:
        case 401 | 403:
            raise Unauthorized(f"{where}. {renew} The answer was {found(page)}")
        case 404 | 410:
            raise NotFound(f"{where}. {account} does not exist there (any more); correct or remove it.")
        case 429:
            raise RateLimited(f"{where}, the rate limit is used up. {later}")
        case 408 | 425 | 500 | 502 | 503 | 504:
            raise Unavailable(f"{where}. {later} The answer was {found(page)}")
        case 301 | 302 | 303 | 307 | 308:
            to = page.headers.get("location", "nowhere").partition("?")[0]
            raise BadAnswer(
                f"{where}, a redirect to {to}. Redirects are not followed; "
                "set the right server as the host of the Airflow Connection."
            )
        case _:
            raise BadAnswer(f"{where}. The answer was {found(page)}")


_find_nul = re.compile(rb"\\u0000").search  # takes half as long as `in`
# A backslash that is itself escaped does not begin an escape.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def decode(page: RawPage, type_: type[T], *, source: str, is_secret: bool = False) -> T:
    r"""Read the JSON of an answer as `type_`; numbers may come as strings.

    NUL characters (`\u0000`) become U+FFFD, because PostgreSQL cannot hold them. An answer that `is_secret`, because it
    brings a token, is not quoted in a message.

    Raises:
        BadAnswer: It is no JSON, cut, not UTF-8, or of another shape; the message says what was found.
    """
    body = page.body.removeprefix(codecs.BOM_UTF8)
    try:
        if _find_nul(body):
            body = _NUL.sub(rb"\1\\ufffd", body)
        result: T = _decoder(type_).decode(body)  # type: ignore[arg-type]  # a type is hashable
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if is_secret:
            raise BadAnswer(f"{place(page, source)}: not the answer that was promised, of {len(body)} bytes") from None
        raise BadAnswer(f"{place(page, source)}: {error}. Found {found(page)}") from error
    return result


@functools.cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_, strict=False)


def about(page: RawPage, *names: str, what: str, source: str) -> Mapping[str, str]:
    """What was noted of an answer when it was asked for.

    Args:
        page: The answer.
        names: What has to be noted; without any, something has to be.
        what: What the answer is about, in a word, for the message.
        source: Title of the source, for the message.

    Raises:
        BadAnswer: It was not.
    """
    noted = page.request.about
    if not noted or not noted.keys() >= set(names):
        raise BadAnswer(f"{place(page, source)}: its request does not say for which {what}. Pull the days anew.")
    return noted


class Turn(NamedTuple):
    """Where a page leads: the cursor of the next one (None at the end) and how many items it held."""

    cursor: str | None
    items: int


def paginate(
    ask: Callable[[str | None], RawPage], read: Callable[[RawPage], Turn], *, source: str
) -> Iterator[RawPage]:
    """Yield page after page, each before `read` judges it.

    Args:
        ask: Gets the page at a cursor; None is the first.
        read: Checks a page and says where it leads.
        source: Title of the source, for messages.

    Raises:
        BadAnswer: A cursor came a second time, or too many empty pages followed each other.
    """
    cursor: str | None = None
    seen: set[str] = set()
    empty = 0
    while True:
        page = ask(cursor)
        yield page
        cursor, items = read(page)
        if cursor is None:
            return
        if cursor in seen:
            raise BadAnswer(f"{place(page, source)}: the pages go in a circle, cursor {cursor[:80]!r} came twice.")
        seen.add(cursor)
        empty = 0 if items else empty + 1
        if empty >= MOST_EMPTY_PAGES:
            raise BadAnswer(f"{place(page, source)}: {empty} empty pages in a row, and still not the last.")


def ask_in_groups(
    metrics: Sequence[str],
    most: int,
    ask: Callable[[Sequence[str]], RawPage],
    is_refused: Callable[[RawPage], bool],
    *,
    one_by_one: bool = False,
) -> Iterator[RawPage]:
    """Ask for metrics in groups, and find the ones that the platform does not know by halving a refused group.

    A platform refuses a whole request for one metric that it has given up. Every answer is yielded, refusals included;
    the refusal of a request for one metric alone is what `parse` makes an `UnavailableRow` of.

    Args:
        metrics: Native names.
        most: Most metrics that one call may name.
        ask: Asks for some metrics at once.
        is_refused: Whether an answer says that a metric is not known; all else that may be wrong is for `ask` to raise.
        one_by_one: Whether to ask for each metric alone from the start.
    """
    size = 1 if one_by_one else most
    groups = [list(metrics[start : start + size]) for start in range(0, len(metrics), size)]
    while groups:
        group = groups.pop(0)
        page = ask(group)
        yield page
        if is_refused(page) and len(group) > 1:
            half = len(group) // 2
            groups[:0] = [group[:half], group[half:]]
