"""What all of Meta's Graph APIs share: Facebook, Instagram and Threads ask and are judged through this module.

A refusal is JSON with `error`, whatever the HTTP status: most come as 400, rate limits and dead tokens among them. What
has to be done about it is told by its code, so codes are judged here and statuses only where there is no such JSON.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from widerview.sources import http as plain
from widerview.sources.base import DayRow, RawPage, Request, Stamp, Tokens, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.http import Count, HttpClient, Moment, Turn, paginate

T = TypeVar("T")

VERSION = "v26.0"
"""The version of the Graph API that the sources ask; Threads has one of its own."""

VERSION_GAP = (
    f"{VERSION} is not the newest version: v27.0 came on 2026-11-04. Meta has named no end of {VERSION}, and keeps a "
    "version for two years at least, so this one until 2028-07-29."
)
"""What the sources that ask this version say of it: https://developers.facebook.com/docs/apps/versions."""

LONG_LIVED = dt.timedelta(days=60)
"""How long a token of Threads or of Instagram Login lives after an exchange:
https://developers.facebook.com/docs/threads/get-started/long-lived-tokens
"""
FACEBOOK = "https://graph.facebook.com"
PACIFIC = "America/Los_Angeles"
"""The zone of Meta's days, wherever the account is."""

_TRANSIENT = frozenset({1, 2})
_RATE_LIMITS = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_DEAD_TOKEN = frozenset({102, 104, 190})
_NO_RIGHT = frozenset({3, 10, *range(200, 300)})
_NO_SUCH_ALIAS = 803
MOST_OF_A_BATCH = 50
INVALID = 100
"""The code of whatever is wrong with a call itself."""
_NO_SUCH_OBJECT = 33
"""The subcode of 100 that says: it does not exist, or this token may not see it. Meta does not tell which."""
_WHY_DEAD = {
    458: "the person has removed the app",
    459: "Facebook wants the person to log in and confirm something",
    460: "the person has changed the password",
    463: "it has expired",
    464: "the person's login is not confirmed",
    467: "it was withdrawn or is wrong",
    492: "the person has lost the right to the Page",
}
_PROOF = re.compile(r"app ?secret[ _]proof")
_NAMED = re.compile(r"insights\.metric\(([^)]*)\)")
_TOO_FEW = 10
"""The code of a missing right, and with other words that of too few viewers or followers."""
_INSIGHTS = b'"insights"'
"""What stands in a listing whose items have numbers."""
_TAG = re.compile(r"(?<![\w/&])#(\w*[^\W\d_]\w*)")
_LINK = re.compile(r"https?://[^\s<>]+")
_NOON = dt.timedelta(hours=12)
_RECENT_DAYS = 7
"""A day's numbers are final after two days; this leaves five for what may go wrong with the pulls."""
_PACIFIC = ZoneInfo(PACIFIC)


class _Batched(msgspec.Struct):
    """One call of a batch."""

    relative_url: str
    method: str = "GET"


class _Part(msgspec.Struct):
    """What answers one call of a batch."""

    code: int = 0
    body: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """The `error` of an answer.

    Attributes:
        message: What Meta says, in English; it often begins with the code, as `(#100)`.
        code: What has to be done about it.
        error_subcode: Why a token is dead, and the like.
        is_transient: Whether Meta thinks that asking again helps.
    """

    message: str = ""
    code: int = 0
    error_subcode: int | None = None
    is_transient: bool = False


class _Answer(msgspec.Struct):
    error: Refusal | None = None


class Cursors(msgspec.Struct):
    """The cursors of a page of a listing."""

    after: str | None = None


class Paging(msgspec.Struct):
    """Where a page of a listing leads."""

    cursors: Cursors | None = None
    next: str | None = None


Id = Annotated[str, msgspec.Meta(min_length=1)]
"""The id of anything; never empty."""
Number = Count | Annotated[float, msgspec.Meta(ge=-(2**63), lt=2**63)]
"""A number that fits the warehouse."""


class InsightValue(msgspec.Struct):
    """A value of an insight: of a day, or of a lifetime. Some metrics give an object by kind instead of a number.

    Attributes:
        value: A number, numbers by kind (as `{"like": 3}`), or nothing.
        end_time: When the day was over; none for a lifetime.
        is_from_ads: With the breakdown of this name: `1` for what was paid for, `0` for what was not.
    """

    value: Number | dict[str, Count] | None = None
    end_time: Moment | None = None
    is_from_ads: Count | None = None


class BreakdownResult(msgspec.Struct):
    """A value of one member of a breakdown, as `["REEL"]`."""

    dimension_values: list[str] = []
    value: Number | None = None


class Breakdown(msgspec.Struct):
    """A total split by dimensions, as `["media_product_type"]`."""

    dimension_keys: list[str] = []
    results: list[BreakdownResult] = []


class TotalValue(msgspec.Struct):
    """The total of the whole time that was asked for (`metric_type=total_value`)."""

    value: Number | None = None
    breakdowns: list[Breakdown] = []


class Insight(msgspec.Struct):
    """One metric of an answer of `insights`."""

    name: str
    period: str = ""
    values: list[InsightValue] = []
    total_value: TotalValue | None = None

    @property
    def number(self) -> Number | None:
        """Its one number, in whichever of the two ways it was told; None where none was."""
        if self.total_value:
            return self.total_value.value
        value = self.values[0].value if self.values else None
        return None if isinstance(value, dict) else value


class Insights(msgspec.Struct):
    """An answer of `insights`; a metric that Meta has nothing to say of is left out of `data`."""

    data: list[Insight]
    paging: Paging | None = None


class NoRight(Unauthorized):
    """The token is alive and lacks a right for some of what was asked for.

    Attributes:
        said: What Meta says, in English.
    """

    def __init__(self, message: str, said: str = "") -> None:
        """Keep Meta's own words beside the message."""
        super().__init__(message)
        self.said = said


class Refused(BadAnswer):
    """Meta does not answer what was asked, and will not the next time."""


class MetricRefused(Refused):
    """A metric does not exist (any more), or not for this account or kind of post, or too few people are behind it."""


class Graph:
    """Asks a Graph API on behalf of one account, and judges what comes back.

    The token goes out in a header, so that it is never a parameter of a recorded request.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        title: str,
        account: str,
        renew: str,
        version: str = VERSION,
        token: str | None = None,
        app_secret: str | None = None,
    ) -> None:
        """Make ready to ask.

        Args:
            http: The client to ask with.
            title: Title of the source, for messages.
            account: The account that is asked for, for messages.
            renew: What a person must do when the token is dead or lacks a right, as a sentence.
            version: First part of every path.
            token: The token to use; None: the client's.
            app_secret: The app's secret; with it every call proves that it comes from the app
                (`appsecret_proof`), which apps may demand.

        Raises:
            Unauthorized: There is no token.
        """
        self._token = token or http.token or ""
        if not self._token:
            raise Unauthorized(f"{title} for {account}: the Airflow Connection holds no token. {renew}")
        self._http = http
        self._title = title
        self._account = account
        self._renew = renew
        self._version = version
        self._most: int | None = None
        """Most items of any page, once Meta has found a larger one too large."""
        self._gives_numbers = False
        self._lacking: RawPage | None = None
        """The first answer by which the token lacks a right to some number."""
        self._proof: dict[str, str] = {}
        if app_secret:
            proof = hmac.new(app_secret.encode(), self._token.encode(), hashlib.sha256).hexdigest()
            http.keep_secret(proof)
            self._proof = {"appsecret_proof": proof}

    def get(
        self, path: str, *, stream: str, params: Mapping[str, str], about: Mapping[str, str] | None = None
    ) -> RawPage:
        """Ask for `/<version>/<path>`, again if the platform had a moment of weakness; the answer is not judged."""
        return self._http.request(
            "GET",
            f"{self._version}/{path}",
            stream=stream,
            params=params,
            secret_params=self._proof,
            headers={"Authorization": f"Bearer {self._token}"},
            about=about,
            try_again=is_transient,
            is_final=_is_too_much,
        )

    def batch(
        self, calls: Sequence[tuple[str, Mapping[str, str]]], *, stream: str, about: Mapping[str, str]
    ) -> RawPage:
        """Ask for several paths at once, each of which is answered by itself; `unfolded` gives the answers.

        Meta counts each of them against its rate limit (https://developers.facebook.com/docs/graph-api/batch-requests).

        Args:
            calls: Path and parameters of each, no more than `MOST_OF_A_BATCH`.
            stream: As for `get`.
            about: As for `get`.
        """
        asked = [_Batched(f"{path}?{urlencode(params)}") for path, params in calls]
        return self._http.request(
            "POST",
            f"{self._version}/",
            stream=stream,
            form={"batch": msgspec.json.encode(asked).decode(), "include_headers": "false"},
            secret_form=self._proof,
            headers={"Authorization": f"Bearer {self._token}"},
            about=about,
            try_again=is_transient,
        )

    def check(self, page: RawPage) -> None:
        """Raise what an answer means, unless it is a good one; see `check`."""
        check(page, title=self._title, account=self._account, renew=self._renew)

    def numbers(
        self,
        metrics: Sequence[str],
        most: int,
        ask: Callable[[Sequence[str]], RawPage],
        gone: set[str],
        *,
        too_few: bool = False,
        one_by_one: bool = False,
    ) -> Iterator[RawPage]:
        """Ask for metrics in groups; one that Meta does not give costs itself alone, and is not asked for again.

        Args:
            metrics: Native names.
            most: Most metrics that one call may name.
            ask: Asks for some metrics at once.
            gone: Metrics that need not be asked for; takes those that turn out to be refused.
            too_few: Whether too few people are a reason to look for the metric, too, and not only to go without the
                answer: worth it where one answer holds all days.
            one_by_one: Whether to ask for each metric alone from the start.

        Raises:
            SourceError: As `judge_numbers` does.
        """

        def is_refused(page: RawPage) -> bool:
            return is_withheld(page) and (too_few or not is_too_few(page))

        left = [metric for metric in metrics if metric not in gone]
        for page in plain.ask_in_groups(left, most, ask, is_refused, one_by_one=one_by_one):
            yield page
            self.judge_numbers(page)
            named = asked_metrics(page)
            if is_refused(page) and len(named) == 1:
                gone.update(named)

    def judge_numbers(self, page: RawPage) -> None:
        """Note what an answer tells of the right to numbers, and raise what it means unless a metric is withheld.

        Raises:
            SourceError: It is neither good nor the refusal of a metric; as `check` does.
        """
        self.note_numbers(page)
        if not is_withheld(page):
            self.check(page)

    def note_numbers(self, page: RawPage) -> None:
        """Note whether an answer gives numbers, or that the token lacks a right to those it was asked for."""
        if lacks_right(page):
            self._lacking = self._lacking or page
        elif is_good(page):
            self._gives_numbers |= "metric" in page.request.params or _INSIGHTS in page.body

    def check_right_to_numbers(self) -> None:
        """Tell a token without the right to any number from an account of which Meta withholds some, once all is asked.

        Meta refuses both with the same codes, so what tells them apart is whether any number was given.

        Raises:
            NoRight: None was, for want of a right.
        """
        if self._lacking and not self._gives_numbers:
            self.check(self._lacking)

    def read(self, page: RawPage, type_: type[T]) -> T:
        """Check an answer and read it as `type_`.

        Raises:
            SourceError: As `check` and `widerview.sources.http.decode` do.
        """
        self.check(page)
        return plain.decode(page, type_, source=self._title)

    def listing(
        self,
        path: str,
        *,
        stream: str,
        params: Mapping[str, str],
        most: int,
        turn: Callable[[RawPage], Turn],
        about: Mapping[str, str] | None = None,
    ) -> Iterator[RawPage]:
        """Yield page after page of a listing, each before it is judged.

        Where an answer would become too large for Meta, the same page is asked again with half as many items, and no
        listing of this account is asked for more any more. Meta says so by code 1 with HTTP 500, or by 400.

        Args:
            path: As for `get`.
            stream: As for `get`.
            params: As for `get`, without `limit`.
            most: Most items of a page.
            turn: Reads a good page and says where it leads, with `next_cursor`.
            about: As for `get`.

        Raises:
            BadAnswer: The pages go in a circle, or too many were empty.
            SourceError: As `check` does.
        """
        resume: str | None = None

        def limit() -> int:
            return min(most, self._most or most)

        def ask(cursor: str | None) -> RawPage:
            nonlocal resume
            resume = cursor or resume
            paged = {**params, "limit": str(limit()), **_cursor_params(resume)}
            return self.get(path, stream=stream, params=paged, about=about)

        def read(page: RawPage) -> Turn:
            if limit() > 1 and _is_too_much(page):
                raise _TooMuch
            self.check(page)
            return turn(page)

        while True:
            try:
                yield from paginate(ask, read, source=self._title)
            except _TooMuch:
                self._most = limit() // 2
            else:
                return


def newest(most: int, turn: Callable[[RawPage], Turn]) -> Callable[[RawPage], Turn]:
    """Turns the pages of a listing until so many items have been shown."""
    shown = 0

    def turn_a_few(page: RawPage) -> Turn:
        nonlocal shown
        cursor, items = turn(page)
        shown += items
        return Turn(cursor if shown < most else None, items)

    return turn_a_few


def listing_with_numbers(
    ask: Graph,
    metrics: Sequence[str],
    walk: Callable[[Sequence[str]], Iterator[RawPage]],
    first_page: Callable[[Sequence[str]], RawPage],
    left: list[str],
    *,
    one_by_one: bool = False,
) -> Iterator[RawPage]:
    """Walk a listing once, and have the numbers of its items come along.

    Meta refuses a whole walk for one metric that it withholds. The bad one is then found on the first page, and the
    walk begins again without it.

    Args:
        ask: Learns whether numbers are given.
        metrics: Native names.
        walk: Walks the listing with some metrics, or with none; `Graph.listing` raises what ends a walk.
        first_page: Asks for some metrics of the items of the first page.
        left: Takes the metrics that Meta does not give along with a listing, for whatever other reason.
        one_by_one: Whether to look for bad metrics from the start, each alone.
    """
    good = list(metrics)
    if not one_by_one:
        try:
            yield from _walk_of_numbers(ask, walk, good)
            return
        except (MetricRefused, NoRight):
            pass
        except (Refused, NotFound):
            yield from walk([])
            left.extend(good)
            return
    good.clear()
    half = -(-len(metrics) // 2)
    for page in plain.ask_in_groups(metrics, half, first_page, is_withheld, one_by_one=one_by_one):
        yield page
        ask.note_numbers(page)
        named = asked_metrics(page)
        if not is_withheld(page):
            good += named
        elif len(named) == 1 and not is_unknown(page) and not lacks_right(page):
            left.extend(named)
    try:
        yield from _walk_of_numbers(ask, walk, good)
    except (Refused, NoRight, NotFound):
        if not good:
            raise
        yield from walk([])
        left.extend(good)


def _walk_of_numbers(
    ask: Graph, walk: Callable[[Sequence[str]], Iterator[RawPage]], metrics: Sequence[str]
) -> Iterator[RawPage]:
    for page in walk(metrics):
        yield page
        if is_good(page):  # a refusal may be of something else in it
            ask.note_numbers(page)


def listings_in_groups(
    ask: Graph, metrics: Sequence[str], walk: Callable[[Sequence[str]], Iterator[RawPage]]
) -> Iterator[RawPage]:
    """Walk a listing once for every group of metrics that Meta refuses together.

    A group that is refused is halved, so that a metric that Meta withholds costs no other.

    Args:
        ask: Learns whether numbers are given.
        metrics: Native names.
        walk: Walks the listing with some metrics; `Graph.listing` raises what ends a walk.
    """
    groups = [list(metrics)] if metrics else []
    while groups:
        group = groups.pop(0)
        try:
            for page in walk(group):
                yield page
                ask.note_numbers(page)
        except (MetricRefused, NoRight):
            if len(group) > 1:
                half = len(group) // 2
                groups[:0] = [group[:half], group[half:]]


class _TooMuch(Exception):
    """A page was too large for Meta."""


def lacks_right(page: RawPage) -> bool:
    """Whether an answer says that the token is alive and lacks a right for some of what was asked for."""
    refused = refusal(page)
    return refused is not None and refused.code in _NO_RIGHT and not is_too_few(page)


def is_too_few(page: RawPage) -> bool:
    """Whether there is nothing to tell, because too few people have seen something or follow."""
    refused = refusal(page)
    return refused is not None and refused.code == _TOO_FEW and "not enough" in refused.message.lower()


def is_withheld(page: RawPage) -> bool:
    """Whether an answer may be the refusal of a single metric.

    Meta says that it does not exist, that a right to it is missing, or that there are too few people.
    """
    return is_metric_refused(page) or lacks_right(page) or is_too_few(page)


def refusal(page: RawPage) -> Refusal | None:
    """The `error` of an answer, whatever its status; None if there is none."""
    try:
        return plain.decode(page, _Answer, source="").error
    except BadAnswer:
        return None


def is_good(page: RawPage) -> bool:
    """Whether an answer is what was asked for, so that `parse` may read rows from it."""
    return page.status == HTTPStatus.OK and refusal(page) is None


def is_transient(page: RawPage) -> bool:
    """Whether to ask again in a moment.

    Rate limits are none of it: calls that are refused count, too, and make the wait longer.
    """
    refused = refusal(page)
    return (
        refused is not None
        and refused.code not in _RATE_LIMITS
        and (refused.is_transient or refused.code in _TRANSIENT)
    )


def is_metric_refused(page: RawPage) -> bool:
    """Whether an answer says that a metric does not exist, or not for this account or kind of post."""
    refused = refusal(page)
    return (
        refused is not None
        and refused.code == INVALID
        and refused.error_subcode != _NO_SUCH_OBJECT
        and "metric" in refused.message.lower()
    )


def unfolded(page: RawPage, *, title: str) -> list[RawPage]:
    """The answers within the answer to a batch; those that Meta was not done with in time are left out.

    Raises:
        BadAnswer: It is not what a batch is answered with.
    """
    calls = msgspec.json.decode(page.request.params["batch"], type=list[_Batched])
    answers = plain.decode(page, list[_Part | None], source=title)
    if len(answers) != len(calls):
        raise BadAnswer(f"{plain.place(page, title)}: {len(answers)} answers to {len(calls)} calls at once.")
    parts = []
    for call, answer in zip(calls, answers, strict=True):
        if answer is not None:
            path, _, query = call.relative_url.partition("?")
            asked = Request("GET", f"{page.request.url}{path}", dict(parse_qsl(query)), about=page.request.about)
            parts.append(msgspec.structs.replace(page, request=asked, status=answer.code, body=answer.body.encode()))
    return parts


def unavailable(stamp: Stamp, page: RawPage, canonical: Mapping[str, Sequence[str]]) -> Iterator[UnavailableRow]:
    """What a refused call says of the metric it named, if it named one alone.

    Args:
        stamp: What the rows carry.
        page: Any answer.
        canonical: The canonical metrics that a native one gives.
    """
    refused = refusal(page)
    named = asked_metrics(page)
    if refused is not None and is_withheld(page) and len(named) == 1:
        [native] = named
        for metric in canonical.get(native, ()):
            yield UnavailableRow(**stamp, metric=metric, native_metric=native, reason=refused.message)


def unavailable_of_posts(
    stamp: Stamp, page: RawPage, canonical: Mapping[str, Sequence[str]]
) -> Iterator[UnavailableRow]:
    """As `unavailable`, of numbers of posts, where a refusal may hold for one of the posts only.

    It holds for all if there is no metric of that name, if the right to it is missing, or if `refused_for_all` was
    noted.
    """
    if is_unknown(page) or lacks_right(page) or "refused" in page.request.about:
        yield from unavailable(stamp, page, canonical)


def is_unknown(page: RawPage) -> bool:
    """Whether a metric is refused for whatever it is asked of: Meta says that there is none of that name."""
    refused = refusal(page)
    said = refused.message.lower() if refused else ""
    return is_metric_refused(page) and ("must be one of" in said or "valid insights metric" in said)


def refused_for_all(account_id: str) -> dict[str, str]:
    """What to note of the last call for a metric that was refused for each post alone and given for none."""
    return {"account": account_id, "refused": "for every post"}


def asked_metrics(page: RawPage) -> list[str]:
    """The metrics that a call named: by the parameter `metric`, or within the fields of posts."""
    within = _NAMED.search(page.request.params.get("fields", ""))
    return (within[1] if within else page.request.params.get("metric", "")).split(",")


def asked_id(page: RawPage) -> str:
    """The id whose edge was asked for, from the address: `…/<id>/insights`."""
    return page.request.url.rsplit("/", 2)[-2]


def noted_account(page: RawPage, *, title: str) -> str:
    """The id of the account that was noted when an answer was asked for.

    Raises:
        BadAnswer: None was.
    """
    return plain.about(page, "account", what="account", source=title)["account"]


def check(page: RawPage, *, title: str, account: str, renew: str) -> None:
    """Raise what an answer means, unless it is a good one.

    Args:
        page: The answer.
        title: Title of the source, for messages.
        account: The account that was asked for, for messages.
        renew: What a person must do when the token is dead or lacks a right, as a sentence.

    Raises:
        Unauthorized: The token is dead.
        NoRight: It lacks a right.
        NotFound: What was asked for does not exist (any more), or is hidden from this token.
        RateLimited: Too many calls; the message says when to try again, if Meta does.
        Unavailable: Meta had a moment of weakness.
        MetricRefused: A metric does not exist, or not for what was asked for, or too few people are behind it.
        Refused: Anything else that Meta does not want to answer.
        BadAnswer: Anything else that is no good answer.
    """
    refused = refusal(page)
    if refused is None:
        plain.check(page, source=title, account=account, renew=renew)
        return
    where = f"{plain.place(page, title)} for {account}: HTTP {page.status}, code {refused.code}"
    if refused.error_subcode is not None:
        where += f"/{refused.error_subcode}"
    said = f'Meta says: "{refused.message[:300]}"'
    if refused.code in _RATE_LIMITS:
        raise RateLimited(f"{where}, the rate limit is used up. {_when(page)} {said}")
    if refused.code in _DEAD_TOKEN:
        why = _WHY_DEAD.get(refused.error_subcode or 0, "Meta does not accept it")
        raise Unauthorized(f"{where}, the token is dead: {why}. {renew} {said}")
    if lacks_right(page):
        raise NoRight(f"{where}, the token lacks a right. {renew} {said}", refused.message)
    if refused.code == INVALID and _PROOF.search(refused.message):
        raise Unauthorized(
            f"{where}, the app's secret (client_secret) in the Connection's extra is missing or wrong. {said}"
        )
    if is_metric_refused(page) or is_too_few(page):
        raise MetricRefused(f"{where}. {said}")
    if is_not_there(page):
        raise NotFound(f"{where}: {account} does not exist there (any more), or this token may not see it. {said}")
    if refused.is_transient or refused.code in _TRANSIENT:
        raise Unavailable(f"{where}. Try again later. {said}")
    raise Refused(f"{where}. {said}")


def is_not_there(page: RawPage) -> bool:
    """Whether there is no such object; the code alone does not tell, because Meta gives it for much else, too."""
    refused = refusal(page)
    if refused is None or refused.code != INVALID:
        return refused is not None and refused.code == _NO_SUCH_ALIAS
    return refused.error_subcode == _NO_SUCH_OBJECT or "does not exist" in refused.message.lower()


def _is_too_much(page: RawPage) -> bool:
    refused = refusal(page)
    return refused is not None and "reduce the amount of data" in refused.message.lower()


_Duration = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class _Usage(msgspec.Struct):
    estimated_time_to_regain_access: _Duration = 0


class _AdUsage(msgspec.Struct):
    reset_time_duration: _Duration = 0


def regains_access_at(page: RawPage) -> dt.datetime | None:
    """When Meta will answer again, by the usage headers of an answer; None if they do not say.

    `X-Business-Use-Case-Usage` counts minutes, `X-Ad-Account-Usage` seconds; `X-App-Usage` knows no time.
    """
    business = _header(page, "x-business-use-case-usage", dict[str, list[_Usage]]) or {}
    minutes = [each.estimated_time_to_regain_access for usages in business.values() for each in usages]
    ads = _header(page, "x-ad-account-usage", _AdUsage)
    seconds = max([60 * minute for minute in minutes] + ([ads.reset_time_duration] if ads else []), default=0)
    return page.fetched_at + dt.timedelta(seconds=seconds) if seconds else None


def _header(page: RawPage, name: str, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(page.headers.get(name, ""), type=type_, strict=False)
    except msgspec.MsgspecError:
        return None


def _when(page: RawPage) -> str:
    at = regains_access_at(page)
    return f"Try again at {at:%Y-%m-%d %H:%M:%S} UTC." if at else "Try again in an hour."


_OURS = frozenset({"access_token", "appsecret_proof", "fields", "format", "limit", "metric", "pretty"})
"""Parameters of a `next` link that are no part of the place it leads to."""


def next_cursor(paging: Paging | None) -> str | None:
    """Where the next page begins, as query parameters; None if this one is the last.

    A last page has cursors, too, but no `next`. Listings of posts lead on by cursor or, on some Pages, by time
    (`until` and `__paging_token`), so what `next` holds decides. The link itself is not followed: it repeats the token.
    """
    if paging is None or not paging.next:
        return None
    if paging.cursors and paging.cursors.after:
        return urlencode({"after": paging.cursors.after})
    query = parse_qsl(urlsplit(paging.next).query, keep_blank_values=True)
    return urlencode(sorted((name, value) for name, value in query if name not in _OURS)) or None


def _cursor_params(cursor: str | None) -> dict[str, str]:
    return dict(parse_qsl(cursor or "", keep_blank_values=True))


def tags_in(text: str) -> tuple[str, ...]:
    """The hashtags of a text, in lower case without `#`, in order of appearance."""
    return tuple(dict.fromkeys(tag.lower() for tag in _TAG.findall(text)))


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses that are written out in a text, in order of appearance, without what only ends a sentence."""
    return tuple(dict.fromkeys(link.rstrip(".,;:!?)]}'\"»”’…") for link in _LINK.findall(text)))


def pacific_day(end_time: dt.datetime) -> dt.date:
    """The day that a value with this `end_time` is of.

    A day's value carries the Pacific midnight at which it was over, 07:00 or 08:00 UTC of the next day. Half a day
    before that it was the day itself, even where Meta is an hour off after the clocks changed.

    Raises:
        BadAnswer: It lies before all days.
    """
    try:
        return (end_time - _NOON).astimezone(_PACIFIC).date()
    except OverflowError:
        raise BadAnswer(f"A day that is over at {end_time} is none of Meta's.") from None


def pacific_midnight(day: dt.date) -> int:
    """The Unix time at which a Pacific day begins, for `since` and (of the day after the last) `until`."""
    return int(dt.datetime.combine(day, dt.time.min, _PACIFIC).timestamp())


def is_over(day: dt.date, at: dt.datetime) -> bool:
    """Whether a Pacific day was over at a moment."""
    return at.astimezone(_PACIFIC).date() > day


def days_asked(days: int, lookback_days: int) -> int:
    """How many of a window's days are asked for, where each takes calls of its own.

    The last seven of one that every day brings; all of a longer one, which comes once a week or by hand.

    Args:
        days: Days of the window.
        lookback_days: Of the source.
    """
    return days if days > lookback_days + 1 else min(days, _RECENT_DAYS)


def last_days(window: Window, now: dt.datetime, *, lookback_days: int, earliest: dt.date) -> Iterator[dict[str, str]]:
    """The parameters that ask for each of the last Pacific days of a window, oldest first, if it was over by now.

    Where a total of the time asked for is given, `until` is within it, so it stops a second before the next day.

    Args:
        window: What was asked for; `days_asked` tells how many of its days are.
        now: The moment of the pull.
        lookback_days: Of the source.
        earliest: The first day of which the platform has numbers.
    """
    for ago in reversed(range(days_asked((window.last - window.first).days + 1, lookback_days))):
        day = window.last - dt.timedelta(days=ago)
        if day >= earliest and is_over(day, now):
            ends = pacific_midnight(day + dt.timedelta(days=1)) - 1
            yield {"since": str(pacific_midnight(day)), "until": str(ends)}


def asked_day(page: RawPage) -> dt.date:
    """The Pacific day that an answer is of, by what `last_days` had asked for."""
    return dt.datetime.fromtimestamp(int(page.request.params.get("since", "0")), _PACIFIC).date()


def day_row(stamp: Stamp, page: RawPage, day: dt.date, metric: str, value: Number | None) -> DayRow:
    """A value of a Pacific day of the account whose edge was asked for."""
    return DayRow(
        **stamp,
        entity="account",
        entity_id=asked_id(page),
        day=day,
        zone=PACIFIC,
        dimension="total",
        member="",
        metric=metric,
        value=None if value is None else float(value),
    )


def spans(first: dt.date, last: dt.date, most: int) -> Iterator[tuple[dt.date, dt.date]]:
    """Cut the days from `first` to `last` (both included) into spans of at most `most` days, oldest first."""
    while first <= last:
        end = min(last, first + dt.timedelta(days=most - 1))
        yield first, end
        first = end + dt.timedelta(days=1)


class _Exchanged(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: _Duration | None = None


def exchange(
    http: HttpClient,
    path: str,
    *,
    title: str,
    renew: str,
    params: Mapping[str, str],
    secret_params: Mapping[str, str],
    lives: dt.timedelta | None = None,
) -> Tokens:
    """Exchange a token for one that lives longer.

    Args:
        http: The client to ask with.
        path: Path or absolute URL of the endpoint, e.g. `v26.0/oauth/access_token`.
        title: Title of the source, for messages.
        renew: What a person must do when Meta refuses, as a sentence.
        params: Parameters that are no secret, e.g. `grant_type`.
        secret_params: Those that are, e.g. the app's secret and the token.
        lives: How long the new one lives by Meta's documents, should the answer not say; None: perhaps for ever.

    Raises:
        SourceError: As `check` does.
    """
    page = http.request("GET", path, stream="token", params=params, secret_params=secret_params, try_again=is_transient)
    check(page, title=title, account="its token", renew=renew)
    got = plain.decode(page, _Exchanged, source=title, is_secret=True)
    lives = dt.timedelta(seconds=got.expires_in) if got.expires_in else lives
    return Tokens(token=http.known_again(got.access_token), expires_at=page.fetched_at + lives if lives else None)


def exchange_by_app(http: HttpClient, *, title: str, renew: str) -> Tokens:
    """Exchange a system user's token, or a person's, for one of 60 more days; that takes the app's id and secret.

    Args:
        http: The client to ask with; its extra has `client_id` and `client_secret`.
        title: As for `exchange`.
        renew: As for `exchange`.

    Raises:
        Unauthorized: One of them is missing.
        SourceError: As `check` does.
    """
    client_id, secret = http.extra.get("client_id"), http.extra.get("client_secret")
    if not (client_id and secret and http.token):
        raise Unauthorized(
            f"{title}: the token cannot be exchanged, because the Airflow Connection's extra lacks client_id or "
            f"client_secret (the app's id and secret). Add them, or: {renew}"
        )
    return exchange(
        http,
        f"{VERSION}/oauth/access_token",
        title=title,
        renew=renew,
        params={
            "grant_type": "fb_exchange_token",
            "client_id": client_id,
            "set_token_expires_in_60_days": "true",
        },
        secret_params={"client_secret": secret, "fb_exchange_token": http.token},
    )
