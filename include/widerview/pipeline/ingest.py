"""Ingest, step by step: plan, pull, check, load. Steps hand each other paths in landing, never rows.

Whatever a step needs is in landing or in the client files, so that any step can be cleared and run again: `check`
and `load` work from the raw answers, with no call to a platform.
"""

import datetime as dt
import hashlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from widerview.agency.load import Agency
from widerview.agency.models import Client, WebProperty, host_of
from widerview.clock import utc_now
from widerview.landing.store import Landing, LandingError, Pull, record
from widerview.pipeline.connections import Access, MissingConnection
from widerview.pipeline.releases import is_accepted, read_releases, released_places
from widerview.quality.gate import PullRows, check
from widerview.quality.shapes import Paths, drift, shape_of
from widerview.quality.verdict import CheckResult, Rejected
from widerview.sources import landing_pages
from widerview.sources.base import AccountRow, DayRow, Row, Source, Target, Window
from widerview.sources.errors import BudgetSpent, NotFound, SourceError, Unauthorized
from widerview.sources.http import Allowance, ConnectionPool, HttpClient
from widerview.sources.registry import SOURCES
from widerview.warehouse.load import LoadCounts, LoadError, load_pull, replays_due, store_failure
from widerview.warehouse.past import read_past
from widerview.warehouse.read import windows
from widerview.warehouse.reports import reported_since
from widerview.warehouse.usage import DailyAllowance

log = logging.getLogger(__name__)

MAX_BATCHES = 200
"""Most mapped tasks of one step: past it accounts share a task, since a task costs more than a small pull."""

CHECKS = "checks"
"""The folder of landing that holds what the gate says of each pull."""

_SETTLED_AFTER = dt.timedelta(days=7)
"""After its end a day is complete on every platform."""

_NO_ANSWER = 400
"""From this HTTP status on an answer is a platform's complaint, and has the shape of one."""

ROWS_AT_ONCE = 200_000
"""Rows that are judged at once: they are held in memory."""

REPLAY_PULLS = 50
"""Pulls that a replay judges before it loads them."""

_SUNDAY = 7

_CAUGHT_UP = dt.timedelta(days=30)
"""So far back go the days that are asked for late, without a person."""


class PullFailed(Exception):
    """Some accounts could not be pulled; the message names each with its reason. Worth trying again."""


class PullRefused(PullFailed):
    """Some accounts could not be pulled and trying again is no use: a person must renew or correct something."""


class CheckBroken(Exception):
    """Some checks could not be carried out, so that nothing is known of the data; the message says which and why."""


class LoadFailed(Exception):
    """Some pulls could not be loaded; the message names each with its reason."""


def targets(client: Client, source: str) -> list[Target]:
    """List what a source has to be asked for one client."""
    found = [
        Target(
            client_id=client.client,
            source=source,
            ref=account.handle,
            time_zone=client.time_zone,
            connection=account.connection,
            options=account.options,
        )
        for account in client.accounts
        if account.platform == source
    ]
    found += [
        Target(
            client_id=client.client,
            source=source,
            ref=site.site_id,
            time_zone=site.time_zone or client.time_zone,
            connection=site.connection,
            url=site.url,
            options=site.options | _short_paths(client, source) | _landing_pages(client, site),
        )
        for site in client.web
        if site.platform == source
    ]
    found += [
        Target(
            client_id=client.client,
            source=source,
            ref=each.name,
            time_zone=client.time_zone,
            connection=each.connection,
            options={"currency": client.currency} | each.options,
        )
        for each in client.offline
        if each.platform == source
    ]
    return found


def _short_paths(client: Client, source: str) -> dict[str, str]:
    """The short paths of the client's posters and codes, for a source that counts how often they were called."""
    paths = {asset.short_path for campaign in client.campaigns for asset in campaign.assets if asset.short_path}
    return {"short_paths": " ".join(sorted(paths))} if paths and SOURCES[source].counts_short_paths else {}


def _landing_pages(client: Client, site: WebProperty) -> dict[str, str]:
    """The pages of a website that campaigns' links lead to, for a source that counts the visits which begin there."""
    if not SOURCES[site.platform].counts_landing_pages:
        return {}
    pages = (page for campaign in client.campaigns for page in campaign.pages)
    return landing_pages.option(page for page in pages if host_of(page) in {"", host_of(site.url)})


def targets_of(clients: Iterable[Client], source: str) -> list[Target]:
    """List what a source has to be asked for all of some clients."""
    return [target for client in clients for target in targets(client, source)]


def plan(agency: Agency, source: str) -> list[list[Target]]:
    """Split all clients' accounts on a source into batches; one account a batch until there are very many."""
    everything = targets_of(agency.clients.values(), source)
    size = -(-len(everything) // MAX_BATCHES) or 1
    return [everything[start : start + size] for start in range(0, len(everything), size)]


def batch_label(batch: Sequence[Target]) -> str:
    """Name a batch for the list of mapped tasks."""
    return batch[0].label if len(batch) == 1 else f"{batch[0].label} and {len(batch) - 1} more"


def pull(
    landing: Landing,
    source: Source,
    batch: Iterable[Target],
    window: Callable[[Target], Window],
    run: str,
    access: Callable[[Target], Access],
    clock: Callable[[], dt.datetime] = utc_now,
    allowance: Callable[[Target], AbstractContextManager[Allowance | None]] = lambda target: nullcontext(),
) -> list[str]:
    """Ask a platform for a batch of accounts and land every answer; a retry asks only for what failed before.

    Returns:
        The paths of the pulls' manifests in landing.

    Raises:
        PullFailed: Some accounts failed, the others are landed.
        PullRefused: The same, and none of the failures can be cured by trying again.
    """
    paths: list[str] = []
    failures: list[tuple[Target, Exception]] = []
    pool = ConnectionPool()
    for target in batch:
        done = landing.latest_pull(source.name, run, target)
        if done and done[1].complete:
            paths.append(done[0])
            continue
        try:
            with allowance(target) as allowed:
                http = http_client(source, target, access(target), allowance=allowed, pool=pool, clock=clock)
                path, landed = record(landing, source, target, window(target), run, http, clock)
        except (SourceError, MissingConnection) as error:
            log.warning("%s: %s", target.label, error)
            failures.append((target, error))
        except Exception as error:
            # A mistake of ours, or a database that is away: this account's failure, and no other's.
            log.exception("%s", target.label)
            failures.append((target, error))
        else:
            log.info("%s: %d answers landed", target.label, len(landed.entries))
            paths.append(path)
    if failures:
        hopeless = all(isinstance(error, Unauthorized | NotFound | BudgetSpent) for _, error in failures)
        message = "\n".join(f"{target.label}: {error}" for target, error in failures)
        raise PullRefused(message) if hopeless else PullFailed(message)
    return paths


def http_client(source: Source, target: Target, door: Access, **more: Any) -> HttpClient:
    """Make the client that asks a platform on behalf of a target; `more` goes to HttpClient.

    A server in the Connection that is none of the platform's own, such as a proxy or the sandbox, stands in for all of
    them.

    Raises:
        SourceError: No server is known, or its address cannot be used.
    """
    base_url = door.base_url or source.base_url(target)
    own = {server: server for server in source.servers}
    if door.base_url and source.servers and door.base_url not in {source.base_url(target), *own}:
        own = dict.fromkeys((source.base_url(target), *own), base_url)
    given: dict[str, Any] = {
        "base_url": base_url,
        "budget": source.call_budget,
        "token": door.token,
        "login": door.login,
        "extra": door.extra,
        "servers": own,
    }
    return HttpClient(**given | more)


def daily_allowance(engine: Engine, source: Source, target: Target, *, accounts: int) -> DailyAllowance:
    """Give what the client of a target may still spend today on a platform, where it has so many accounts."""
    return DailyAllowance(
        engine,
        target.client_id,
        source.name,
        calls=source.calls_a_day * accounts,
        dollars=dollars_a_day(source, target),
    )


def dollars_a_day(source: Source, target: Target) -> Decimal | None:
    """Most that asking for a target may cost in a day, in US dollars; None where calls cost nothing."""
    dollars = target.options.get("dollars_a_day", source.dollars_a_day)
    return None if dollars is None else Decimal(str(dollars))


def pulls_of_run(landing: Landing, source: str, run: str, everything: Iterable[Target]) -> list[tuple[str, Pull]]:
    """Give the latest pull of each target in a run, whether it ended well or not."""
    found = (landing.latest_pull(source, run, target) for target in everything)
    return [pull for pull in found if pull is not None]


def rows(landing: Landing, source: Source, pull: Pull) -> Iterator[Row]:
    """Parse a pull's raw answers. Pure but for reading them: the same pull gives the same rows in the same order."""
    for page in landing.pages(pull):
        yield from source.parse(pull.target, page)


def check_pulls(
    landing: Landing, source: Source, pulls: Iterable[tuple[str, Pull]], engine: Engine
) -> list[CheckResult]:
    """Put the rows of some pulls through the gate, many at once, and land its findings beside the pulls.

    Each is held against what the warehouse had been told of its target before the pull began. A pull whose answers
    cannot be read is judged like one that failed; the others go on.

    Raises:
        CheckBroken: A check could not be carried out; what it concerns cannot be loaded, and all else can.
    """
    results: list[CheckResult] = []
    for some in _by_rows(_to_check(landing, source, path, pull, engine) for path, pull in pulls):
        judged_together = check([each.rows for each in some])
        if any(result.errors for result in judged_together):
            # Whatever breaks a check is in one pull, most likely: the others are not to wait for it.
            judged_together = [result for each in some for result in check([each.rows])]
        for each, result in zip(some, judged_together, strict=True):
            changes, shapes = drift(each.rows.past.shapes, each.shapes)
            judged = msgspec.structs.replace(result, drift=changes, shapes=shapes if each.shapes else {})
            landing.write_document(_check_path(each.path), msgspec.json.encode(judged))
            results.append(judged)
    if errors := {error for result in results for error in result.errors}:
        raise CheckBroken("\n".join(sorted(errors)))
    return results


def read_check(landing: Landing, pull_path: str) -> CheckResult:
    """Read what the gate has said of a pull.

    Raises:
        Missing: It was not checked yet.
    """
    return msgspec.json.decode(landing.read_document(_check_path(pull_path)), type=CheckResult)


class _ToCheck(NamedTuple):
    path: str
    rows: PullRows
    shapes: Mapping[str, Paths]


def _by_rows(checks: Iterable[_ToCheck]) -> Iterator[list[_ToCheck]]:
    """Give pulls in lots that are worth a run of Great Expectations and fit into memory."""
    lot: list[_ToCheck] = []
    count = 0
    for each in checks:
        lot.append(each)
        count += len(each.rows.rows)
        if count >= ROWS_AT_ONCE:
            yield lot
            lot, count = [], 0
    if lot:
        yield lot


def _to_check(landing: Landing, source: Source, path: str, pull: Pull, engine: Engine) -> _ToCheck:
    found: list[Row] = []
    shapes: dict[str, Paths] = {}
    failed = None if pull.complete else pull.error
    try:
        for page in landing.pages(pull):
            # The shape first: where an answer cannot be read, what is new in it is what to look at.
            if page.stream not in shapes and page.status < _NO_ANSWER and (shape := shape_of(page.body)):
                shapes[page.stream] = shape
            if failed is None:
                found += source.parse(pull.target, page)
    except (SourceError, LandingError) as error:
        log.error("%s: %s", pull.target.label, error)
        failed, found = str(error), []
    past = read_past(
        engine,
        pull.target,
        pull.window,
        pull.started_at,
        accounts={row.account_id for row in found if isinstance(row, AccountRow)},
        entities={row.entity_id for row in found if isinstance(row, DayRow)} | {pull.target.ref}
        if failed is None
        else set(),
    )
    releases = read_releases(landing, path) if failed is None else ()
    judged = PullRows(
        target=pull.target,
        window=pull.window,
        ended_at=pull.ended_at,
        title=source.title,
        metrics=source.metrics,
        kind=source.kind,
        failed=failed,
        released=released_places(releases, found),
        accepted=is_accepted(releases),
        rows=found,
        past=past,
        tells_after=source.tells_after,
        settles_after=source.settles_after,
    )
    return _ToCheck(path, judged, shapes)


RecordedAt = Callable[[Pull], dt.datetime | None]


def load_pulls(
    landing: Landing,
    source: Source,
    pulls: Iterable[tuple[str, Pull]],
    engine: Engine | Connection,
    recorded_at: RecordedAt = lambda pull: None,
) -> dict[str, LoadCounts]:
    """Load checked pulls into the warehouse, one transaction each; loading a pull again changes nothing.

    Of a pull that failed only the verdicts are stored, and only on days that nothing has been said of: what an earlier
    one has told of its days stands.

    Args:
        landing: Where the answers lie.
        source: Whose they are.
        pulls: The pulls with their names.
        engine: The warehouse; or a connection in a transaction, which the caller then ends.
        recorded_at: As of when reports know of a pull; None is now, by the warehouse's clock.

    Raises:
        LoadFailed: Some pulls cannot be loaded; all others are.
    """
    counts = {}
    failures = []
    for path, pull in pulls:
        at = path
        try:
            if not pull.complete:
                log.warning("%s: not loaded, the pull failed: %s", pull.target.label, pull.error)
                verdicts = _read_sound_check(landing, path).verdicts
                store_failure(
                    engine, pull.target, ended_at=pull.ended_at, verdicts=verdicts, recorded_at=recorded_at(pull)
                )
                continue
            counts[path] = _load(landing, source, path, pull, engine, recorded_at)
            # A pull that comes after later ones were loaded changes what these have to say.
            while due := replays_due(engine, client_id=pull.target.client_id, source=source.name):
                for later in due:
                    at = later
                    _load(landing, source, later, landing.read_pull(later), engine, recorded_at)
        except (SourceError, LandingError, LoadError, DBAPIError) as error:
            failures.append(f"{pull.target.label} ({at}): {error}")
        else:
            log.info("%s: %s", pull.target.label, counts[path])
    if failures:
        raise LoadFailed("\n".join(failures))
    return counts


def _load(
    landing: Landing, source: Source, path: str, pull: Pull, engine: Engine | Connection, recorded_at: RecordedAt
) -> LoadCounts:
    result = _read_sound_check(landing, path)
    return load_pull(
        engine,
        load_id=path,
        run=pull.run,
        raw=landing.raw_names(pull),
        target=pull.target,
        window=pull.window,
        started_at=pull.started_at,
        ended_at=pull.ended_at,
        digest=_digest(source, pull, result.rejected),
        rows=rows(landing, source, pull),
        rejected=result.rejected,
        verdicts=result.verdicts,
        unavailable=result.unavailable,
        shapes=result.shapes,
        recorded_at=recorded_at(pull),
    )


def _read_sound_check(landing: Landing, path: str) -> CheckResult:
    result = read_check(landing, path)
    if result.errors:
        raise LoadError(f"it was not judged, so nothing of it is loaded. {result.errors[0]}")
    return result


def _digest(source: Source, pull: Pull, rejected: Sequence[Rejected]) -> bytes:
    """Digest all that decides what a pull's load stores: the answers, the code that reads them, what is held back."""
    # The hour counts until every day of the window has settled: parse may leave out what was not over or not final.
    settled = dt.datetime.combine(pull.window.last + _SETTLED_AFTER, dt.time.min, dt.UTC)
    answers = [
        (entry.stream, entry.request, entry.sha256, f"{min(entry.fetched_at, settled):%Y-%m-%dT%H}")
        for entry in pull.entries
    ]
    return hashlib.sha256(_code(type(source)) + msgspec.json.encode((pull.target, answers, rejected))).digest()


@cache
def _code(source: type[Source]) -> bytes:
    """The source's own file, and those of its package that it takes anything from."""
    own = sys.modules[source.__module__]
    taken = (getattr(each, "__module__", None) or getattr(each, "__name__", None) for each in vars(own).values())
    packages = (own.__package__ or own.__name__, Source.__module__.rpartition(".")[0])
    names = {own.__name__} | {name for name in taken if isinstance(name, str) and name.startswith(packages)}
    return b"".join(Path(str(sys.modules[name].__file__)).read_bytes() for name in sorted(names & sys.modules.keys()))


class Replayed(NamedTuple):
    """How many pulls were loaded, and how many left out because their raw answers are no longer kept."""

    loaded: int
    gone: int


def replay(landing: Landing, sources: dict[str, Source], engine: Engine, client: str | None = None) -> Replayed:
    """Load everything in landing anew, with no call to any platform.

    A pull is recorded as of its end, so that a warehouse that is made anew can tell what was known when; unless a
    report has spoken since then: what that did not know is recorded as of now. Let no DAG run meanwhile.

    Raises:
        LoadFailed: Some pulls cannot be loaded; all others are.
    """
    loaded = gone = 0
    failures = []

    def recorded_at(pull: Pull) -> dt.datetime | None:
        with engine.connect() as connection:
            return None if reported_since(connection, pull.target.client_id, pull.ended_at) else pull.ended_at

    for chunk in one_of_each(landing.pulls(client=client)):
        whole = []
        for path, pull in chunk:
            if pull.target.source not in sources:
                log.warning("%s: left out, there is no source %s any more", path, pull.target.source)
            elif pull.pack is None or landing.holds(pull.pack):
                whole.append((path, pull))
            else:
                log.warning("%s: left out, its raw answers are no longer kept", path)
                gone += 1
        for name, source in sources.items():
            of_source = [(path, pull) for path, pull in whole if pull.target.source == name]
            try:
                check_pulls(landing, source, of_source, engine)
            except CheckBroken as error:
                failures.append(str(error))
        for path, pull in whole:
            try:
                loaded += len(load_pulls(landing, sources[pull.target.source], [(path, pull)], engine, recorded_at))
            except LoadFailed as error:
                failures.append(str(error))
    if failures:
        raise LoadFailed("\n".join(failures))
    return Replayed(loaded, gone)


def one_of_each(pulls: Iterable[tuple[str, Pull]]) -> Iterator[list[tuple[str, Pull]]]:
    """Give pulls in lots that hold each target once at most: a pull is judged by what those before it have told."""
    lot: dict[tuple[str, str, str], tuple[str, Pull]] = {}
    for path, pull in pulls:
        key = (pull.target.client_id, pull.target.source, pull.target.ref)
        if key in lot or len(lot) == REPLAY_PULLS:
            yield list(lot.values())
            lot = {}
        lot[key] = (path, pull)
    if lot:
        yield list(lot.values())


def window(day: dt.date, source: Source) -> Window:
    """Give the days to ask for on behalf of one day: it, and those before it that the platform may have revised.

    On behalf of a Sunday, the last day of a report's week, the longer look-back holds where a source has one.
    """
    days = source.lookback_days
    if source.weekly_lookback_days is not None and day.isoweekday() == _SUNDAY:
        days = source.weekly_lookback_days
    return Window(day - dt.timedelta(days=days), day)


def window_due(engine: Engine, source: Source, target: Target, day: dt.date) -> Window:
    """Give the days to ask of a target on behalf of one day, with those that were due before and that nobody has asked.

    A run may be missed, or a token be dead for a while. Then the next pull that comes goes back to where the last one
    ended, 30 days at most, and takes the longer look-back of the last Sunday with it. Days before a target's first pull
    are for a person to ask for: analytics tell zeros of days before they began to measure.
    """
    asked = window(day, source)
    earliest = day - _CAUGHT_UP
    with engine.connect() as connection:
        pulled = [
            each
            for each in windows(connection, target.client_id, utc_now(), earliest)
            if (each.source, each.ref) == (source.name, target.ref)
        ]
    first = asked.first
    if ended := max((each.last_day for each in pulled if each.last_day < day), default=None):
        first = min(first, max(window(ended + dt.timedelta(days=1), source).first, earliest))
    sunday = window(day - dt.timedelta(days=day.isoweekday() % _SUNDAY), source)
    if source.weekly_lookback_days is not None and not any(
        each.first_day <= sunday.first and each.last_day >= sunday.last for each in pulled
    ):
        first = min(first, sunday.first)
    return Window(first, day)


def _check_path(pull_path: str) -> str:
    return f"{CHECKS}/{pull_path}"
