"""The canary: ask each platform for each metric alone, days before the report, and tell the agency what it gives up."""

import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Engine

from widerview.agency import office_hours
from widerview.agency.models import Client
from widerview.delivery.smtp import SmtpSettings
from widerview.pipeline import review
from widerview.pipeline.alert import metrics_missing
from widerview.pipeline.connections import Access
from widerview.pipeline.ingest import http_client, targets
from widerview.sources.base import DayRow, Source, Target, UnavailableRow, Window
from widerview.sources.http import Allowance
from widerview.sources.registry import SOURCES
from widerview.warehouse.missing_metrics import MissingMetric, mark_told, missing_since, untold

log = logging.getLogger(__name__)

_DAYS = 3
_MOST_CALLS = 500
"""A call a metric costs more than a pull does."""
_MOST_TRIED = 5


class MetricsGone(Exception):
    """A platform does not give some metrics (any more); the message names each and what the platform says.

    `missing` holds what it said, by canonical metric.
    """

    def __init__(self, message: str, missing: Mapping[str, UnavailableRow]) -> None:
        super().__init__(message)
        self.missing = dict(missing)


class Told(NamedTuple):
    """How many mails went out, and when the agency opens for those that have to wait; None: none has to."""

    mails: int
    wait_until: dt.datetime | None = None


def by_api(source: Source, accounts: Sequence[Target]) -> list[list[Target]]:
    """Group a platform's accounts by the API that they are asked through, the first five of each.

    Should one of them be shut out, the next can be asked; where five are, it is the platform or the app.
    """
    groups: dict[str, list[Target]] = {}
    for target in accounts:
        groups.setdefault(source.api_of(target), []).append(target)
    return [group[:_MOST_TRIED] for group in groups.values()]


def sing(
    source: Source,
    target: Target,
    access: Callable[[Target], Access],
    clock: Callable[[], dt.datetime],
    allowance: Allowance | None = None,
) -> set[str]:
    """Ask a platform for the last three days of one account, each metric alone; nothing is kept.

    Args:
        source: The platform.
        target: The account.
        access: Opens a target's Connection.
        clock: What time it is (UTC).
        allowance: What the client may spend today.

    Returns:
        The canonical metrics that the platform gave.

    Raises:
        MetricsGone: It refused some.
        widerview.sources.errors.SourceError: It gave nothing at all.
    """
    yesterday = clock().date() - dt.timedelta(days=1)
    http = http_client(
        source,
        target,
        access(target),
        budget=_MOST_CALLS,
        one_metric_a_call=True,
        allowance=allowance,
        clock=clock,
    )
    window = Window(yesterday - dt.timedelta(days=_DAYS - 1), yesterday)
    given: set[str] = set()
    gone: dict[str, UnavailableRow] = {}
    for page in source.fetch(target, window, http):
        for row in source.parse(target, page):
            if isinstance(row, UnavailableRow):
                gone[row.metric] = row
            elif counts := getattr(row, "counts", None):
                given.update(metric for metric, value in counts.items() if value is not None)
            elif isinstance(row, DayRow) and row.value is not None:
                given.add(row.metric)
    if gone:
        raise MetricsGone(
            f"{source.title} does not give {len(gone)} of its metrics for {target.label}. What was reported of them "
            "stays; from now on they are missing, and reports say so. Where it says that a right or people are "
            "missing, it withholds them from this account alone. Else look for what took their place in the platform's "
            f"documents, and give the source's dictionary ({source.name}.yaml) the day of the change.\n"
            + "\n".join(f"{metric} ({row.native_metric}): {row.reason}" for metric, row in sorted(gone.items())),
            gone,
        )
    return given


def tell(
    engine: Engine, clients: Mapping[str, Client], smtp: Callable[[], SmtpSettings], clock: Callable[[], dt.datetime]
) -> Told:
    """Tell the agency of each metric that was missed and not told yet: one mail an account, while somebody is at work.

    Whoever looks after a client with an account on the platform is told: the canary asks through one of them only.
    What one of them was told counts as told; whose address is not taken stands in the log.

    Args:
        engine: The warehouse.
        clients: All clients, by id.
        smtp: Gives the mail server.
        clock: What time it is (UTC).

    Raises:
        widerview.pipeline.review.NotTold: Of some nobody could be told; the others were.
    """
    now = clock()
    told, openings, failures = 0, [], []
    for client in clients.values():
        with engine.connect() as connection:
            missing = untold(connection, client.client)
        try:
            opening = office_hours.agency_next_open(client, now) if missing else now
        except office_hours.NeverOpen as error:
            failures.append(str(error))
            continue
        if opening > now:
            openings.append(opening)
            continue
        for (source, _), account in groupby(missing, key=lambda each: (each.source, each.ref)):
            concerned = [each for each in clients.values() if targets(each, source)]
            try:
                _tell(engine, client, list(account), concerned, smtp(), now)
            except review.NotTold as error:
                failures.append(f"{client.name}, {SOURCES[source].title}: {error}")
            else:
                told += 1
    if failures:
        raise review.NotTold("\n".join(failures))
    return Told(told, min(openings, default=None))


def _tell(
    engine: Engine,
    client: Client,
    metrics: Sequence[MissingMetric],
    concerned: Sequence[Client],
    smtp: SmtpSettings,
    now: dt.datetime,
) -> None:
    """Tell of what is missing for one account those who look after any client on the platform, and remember it."""
    with engine.connect() as connection:
        since = {each.metric: missing_since(connection, each) for each in metrics}
    words = metrics_missing(client, metrics, since, [each.name for each in concerned if each is not client])
    told_of = " ".join(f"{each.source} {each.ref} {each.metric} {each.found_at} {each.reason}" for each in metrics)
    about = f"canary.{hashlib.sha256(told_of.encode()).hexdigest()[:10]}"
    addresses = list(dict.fromkeys(address for each in (client, *concerned) for address in _looking_after(each)))
    refusals = []
    for address in addresses:
        try:
            review.tell(smtp, client, [address], words, about=about, now=now)
        except review.NotTold as error:
            refusals.append(str(error))
    if len(refusals) == len(addresses):
        raise review.NotTold("; ".join(refusals))
    for refusal in refusals:
        log.error("%s", refusal)
    with engine.begin() as connection:
        mark_told(connection, metrics, now)


def _looking_after(client: Client) -> list[str]:
    """Addresses of a client's account manager and of the agency's owner."""
    return [client.sender.reply_to or client.sender.email, *filter(None, [client.sender.owner])]
