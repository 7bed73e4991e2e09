"""The watch: looks for rushes of comments, remembers them, and tells the account manager of each once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from sqlalchemy import Connection, Engine

from widerview.agency import office_hours
from widerview.agency.models import Client
from widerview.delivery.message import Mail, Words, build_plain, message_id
from widerview.delivery.outbox import Entry, Summary, deliver, list_rows, queue
from widerview.delivery.safety import Guard
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.measures.crisis import LEAST_DAYS, PAST_DAYS, WINDOW_HOURS, Heard, look, rush, usual_comments
from widerview.pipeline.alert import alert, closing
from widerview.pipeline.weekly import check_sent
from widerview.sources.base import Window, plain_handle
from widerview.sources.registry import SOURCES
from widerview.warehouse.crises import (
    AccountPull,
    Crisis,
    account_pulls,
    commented_posts,
    crises_since,
    inbound,
    lock_crises,
    save_crisis,
)
from widerview.warehouse.database import client_snapshot

LOOK_EVERY = dt.timedelta(hours=2)
"""Looks are two hours apart, on even hours UTC."""
LOOKED_BACK = dt.timedelta(hours=48)
"""Looks that are further back are not judged any more: what is first heard of then is no alarm."""
READ_WITHIN = dt.timedelta(hours=36)
"""An account that has not been read for longer is not watched; with one pull a day, this bears a late one."""
CALM = dt.timedelta(hours=24)
"""After so long without an alarm a crisis is over; one that lasts so long after it was told is told to go on."""
FORGOTTEN = dt.timedelta(days=14)
"""What was last seen longer ago is not told any more."""

ALERT, CLOSING = 1, 2
"""Revisions of the mails about a crisis in the outbox."""

_WINDOW = dt.timedelta(hours=WINDOW_HOURS)
_DAY = dt.timedelta(days=1)
_TALK_IS_READ = dt.timedelta(days=2)
_UNFINISHED = {"ready", "claimed", "transmitting"}


@dataclass(frozen=True)
class Watched:
    """What a look at one client shows.

    Attributes:
        unwatched: Accounts that are not watched, and why, a line each.
        crises: What is remembered of its crises, those of the last fortnight; oldest first.
        due: Whether there is anything to tell.
    """

    unwatched: tuple[str, ...]
    crises: tuple[Crisis, ...]
    due: bool


@dataclass(frozen=True)
class Told:
    """What became of what there was to tell.

    Attributes:
        sent: How many mails the mail server has taken over.
        wait_until: When the client's office opens; None if it was open, or need not be.
    """

    sent: int
    wait_until: dt.datetime | None = None


def watch(engine: Engine, client: Client, now: dt.datetime) -> Watched:
    """Look at a client's inbound comments, as known now by the time they were written, and remember a crisis."""
    with client_snapshot(engine, client.client) as connection:
        heard, unwatched = _listen(connection, client, now)
    looks = _looks(now)
    found = look(heard, looks, client.zone)
    result = rush(found.comments, found.past)
    judged = [end for end, p in zip(looks, result.p, strict=True) if not np.isnan(p)]
    alarms = [
        _Alarm(looks[at], int(found.comments[at]), *usual_comments(found.past[at]))
        for at in np.flatnonzero(result.alarm)
    ]
    with engine.begin() as connection:
        lock_crises(connection, client.client)
        if judged:
            _remember(connection, client.client, alarms, judged[-1], now)
        crises = crises_since(connection, client.client, now - FORGOTTEN)
        due = bool(client.alerted) and any(_due(crisis, _mails(connection, crisis)) for crisis in crises)
    return Watched(tuple(unwatched), tuple(crises), due)


def tell(engine: Engine, client: Client, smtp: Callable[[], SmtpSettings], clock: Callable[[], dt.datetime]) -> Told:
    """Tell of a client's crises what has not been told yet, each mail once, inside office hours unless on call.

    The mails are written now, so that one that had to wait tells how things are and not how they were.

    Raises:
        NotSent: The mail server has put some off; try again later.
        NeedsAPerson: Some were refused, or may or may not have been sent.
    """
    now = clock()
    if not client.crisis.on_call and not office_hours.is_open(client, now):
        return Told(0, office_hours.next_open(client, now))
    with client_snapshot(engine, client.client) as connection:
        _, unwatched = _listen(connection, client, now)
    with engine.begin() as connection:
        lock_crises(connection, client.client)
        crises = crises_since(connection, client.client, now - FORGOTTEN)
        for crisis in crises:
            _write(engine, connection, client, crisis, unwatched, now)
        unfinished = [
            (mail.period, mail.revision)
            for crisis in crises
            for mail in _mails(connection, crisis)
            if mail.state in _UNFINISHED
        ]
    summaries = [
        deliver(
            engine,
            client_id=client.client,
            period=period,
            revision=revision,
            guard=Guard({client.client: client}),
            mailer_factory=lambda: Mailer(smtp()),
            is_open=lambda: client.crisis.on_call or office_hours.is_open(client, clock()),
            clock=clock,
        )
        for period, revision in sorted(set(unfinished))
    ]
    summary = Summary(tuple(outcome for each in summaries for outcome in each.outcomes))
    check_sent(summary)
    return Told(len(summary.sent))


def is_over(crisis: Crisis) -> bool:
    """Whether comments have been back to usual for a day."""
    return crisis.looked_until >= crisis.last_look + CALM


def describe(client: Client, crisis: Crisis) -> str:
    """Say in one line what was seen of a crisis, and what was told."""
    told = f"told {crisis.alerted_at:%Y-%m-%d %H:%M} UTC" if crisis.alerted_at else "not told yet"
    if not client.alerted:
        told = "nobody is to be told"
    return (
        f"{client.name}: {crisis.comments} comments in {WINDOW_HOURS} hours, usual {crisis.usual_low} to "
        f"{crisis.usual_high}; first seen {crisis.first_look:%Y-%m-%d %H:%M} UTC, last "
        f"{crisis.last_look:%Y-%m-%d %H:%M} UTC; {'over' if is_over(crisis) else 'going on'}; {told}"
    )


@dataclass(frozen=True)
class _Alarm:
    """A look that shows far more comments than usual."""

    look: dt.datetime
    comments: int
    usual_low: int
    usual_high: int


def _looks(now: dt.datetime) -> list[dt.datetime]:
    step = LOOK_EVERY.total_seconds()
    last = dt.datetime.fromtimestamp(now.timestamp() // step * step, dt.UTC)
    return [last - ago * LOOK_EVERY for ago in reversed(range(int(LOOKED_BACK / LOOK_EVERY)))]


def _listen(connection: Connection, client: Client, now: dt.datetime) -> tuple[list[Heard], list[str]]:
    """Read of each account that is watched what others wrote; say which accounts are not, and why."""
    since = now - (PAST_DAYS + 1) * _DAY - LOOKED_BACK - _WINDOW
    pulls: dict[tuple[str, str], list[AccountPull]] = defaultdict(list)
    for pull in account_pulls(connection, client.client, now, since):
        pulls[pull.source, plain_handle(pull.ref)].append(pull)
    moments: dict[tuple[str, str], list[float]] = defaultdict(list)
    for comment in inbound(connection, client.client, now, since, now):
        moments[comment.source, comment.account_id].append(comment.written_at.timestamp())
    heard: list[Heard] = []
    unwatched = []
    for account in client.accounts:
        of_account = pulls[account.platform, plain_handle(account.handle)]
        known = _stretches(of_account)
        if why := _why_unwatched(known, now):
            unwatched.append(f"{SOURCES[account.platform].title} {account.handle} {why}")
            continue
        ids = {pull.account_id for pull in of_account if pull.account_id}
        said = sorted(moment for each in ids for moment in moments[account.platform, each])
        heard.append(Heard(np.array(said, dtype=float), np.array(known)))
    return heard, unwatched


def _stretches(pulls: Iterable[AccountPull]) -> list[tuple[float, float]]:
    """Give the stretches of looks of which it is known how many comments there were, in seconds since 1970.

    A pull reads what people say under the newest posts of the days it asks for, until the moment it is made. So it
    knows the talk of the last two of these days, and a day more; not what was said weeks earlier, nor, asked much
    later, what was said since.
    """
    found: list[tuple[float, float]] = []
    for pull in pulls:
        ended = Window(pull.last_day + _DAY, pull.last_day + _DAY).opens(pull.zone)
        first = max(Window(pull.first_day, pull.last_day).opens(pull.zone) + _WINDOW, ended - _TALK_IS_READ)
        last = min(pull.started_at, ended + _DAY)
        if first <= last:
            found.append((first.timestamp(), last.timestamp()))
    merged: list[tuple[float, float]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _why_unwatched(known: Sequence[tuple[float, float]], now: dt.datetime) -> str | None:
    if not known:
        return "has not been read yet"
    last = dt.datetime.fromtimestamp(known[-1][1], dt.UTC)
    if last < now - READ_WITHIN:
        return f"has not been read since {last:%Y-%m-%d %H:%M} UTC"
    past = [last - ago * _DAY for ago in range(1, PAST_DAYS + 1)]
    days = sum(any(start <= each.timestamp() <= end for start, end in known) for each in past)
    return f"has no past yet: {days} of {LEAST_DAYS} days are known" if days < LEAST_DAYS else None


def _remember(
    connection: Connection, client_id: str, alarms: Sequence[_Alarm], looked_until: dt.datetime, now: dt.datetime
) -> None:
    """Bring the client's crises up to date; alarms within a day of each other are one crisis."""
    crises = [
        msgspec.structs.replace(crisis, looked_until=max(crisis.looked_until, looked_until))
        for crisis in crises_since(connection, client_id, now - FORGOTTEN)
    ]
    for seen in alarms:
        same = [
            place
            for place, crisis in enumerate(crises)
            if crisis.first_look - CALM <= seen.look <= crisis.last_look + CALM
        ]
        if not same:
            crises.append(
                Crisis(
                    client_id=client_id,
                    crisis=f"crisis-{seen.look:%Y-%m-%dT%H}",
                    first_look=seen.look,
                    last_look=seen.look,
                    peak_look=seen.look,
                    comments=seen.comments,
                    usual_low=seen.usual_low,
                    usual_high=seen.usual_high,
                    looked_until=looked_until,
                )
            )
            continue
        crisis = crises[same[-1]]
        crisis = msgspec.structs.replace(
            crisis, first_look=min(crisis.first_look, seen.look), last_look=max(crisis.last_look, seen.look)
        )
        if seen.comments > crisis.comments:
            crisis = msgspec.structs.replace(
                crisis,
                peak_look=seen.look,
                comments=seen.comments,
                usual_low=seen.usual_low,
                usual_high=seen.usual_high,
            )
        crises[same[-1]] = crisis
    for crisis in crises:
        save_crisis(connection, crisis)


def _mails(connection: Connection, crisis: Crisis) -> list[Entry]:
    return list_rows(connection, client_id=crisis.client_id, period=crisis.crisis)


def _due(crisis: Crisis, mails: Iterable[Entry]) -> bool:
    return _next(crisis) is not None or any(mail.state in _UNFINISHED for mail in mails)


def _next(crisis: Crisis) -> int | None:
    """Which mail about a crisis is to be written: the alert; later, once, that it is over or goes on."""
    if crisis.alerted_at is None:
        return ALERT
    goes_on = crisis.last_look >= crisis.alerted_at + CALM
    return CLOSING if crisis.closed_at is None and (is_over(crisis) or goes_on) else None


def _write(
    engine: Engine,
    connection: Connection,
    client: Client,
    crisis: Crisis,
    unwatched: Sequence[str],
    now: dt.datetime,
) -> None:
    """Put the mail about a crisis that is due into the outbox, and remember that; in one transaction."""
    revision, over = _next(crisis), is_over(crisis)
    if revision is None:
        return
    if revision == ALERT:
        with client_snapshot(engine, client.client) as reading:
            posts = commented_posts(reading, client.client, now, crisis.first_look - _WINDOW, crisis.last_look)
        words = alert(client, crisis, posts, unwatched, over=over)
        crisis = msgspec.structs.replace(crisis, alerted_at=now, closed_at=now if over else None)
    else:
        words = closing(client, crisis, over=over)
        crisis = msgspec.structs.replace(crisis, closed_at=now)
    queue(
        connection,
        client_id=client.client,
        period=crisis.crisis,
        revision=revision,
        mails=[_mail(client, crisis, revision, recipient, words, now) for recipient in client.alerted],
        now=now,
    )
    save_crisis(connection, crisis)


def _mail(client: Client, crisis: Crisis, revision: int, recipient: str, words: Words, now: dt.datetime) -> Mail:
    identity = message_id(
        client_id=client.client,
        period=crisis.crisis,
        revision=revision,
        recipient_email=recipient,
        sender_email=client.sender.email,
    )
    return Mail(
        recipient=recipient,
        message_id=identity,
        message=build_plain(
            subject=words.subject,
            text=words.text,
            sender_name="Widerview",
            sender_email=client.sender.email,
            recipient_email=recipient,
            identity=identity,
            date=now.astimezone(client.zone),
        ),
    )
