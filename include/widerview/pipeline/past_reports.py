"""Past reports: made again from the rows they were made of, and what has become known since."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from itertools import zip_longest
from typing import Any

import msgspec
from sqlalchemy import Engine

from widerview.agency.models import Client, Recipient
from widerview.delivery.message import recipient_name, unsubscribe_url
from widerview.delivery.outbox import messages
from widerview.delivery.signature import unsigned
from widerview.measures.usual import word
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import Correction, Facts, Figure
from widerview.report.social import matched_age
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot
from widerview.warehouse.reports import Report, get_report

WORTH_TELLING = 0.02
"""By which share a sent number has to move to be told of."""

MOST_TOLD = 3

_log = logging.getLogger(__name__)


class RebuildDiffers(ValueError):
    """A report that is made again is not what it was: what has been said can no longer be shown to be true."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was made again and is the same, byte for byte.

    Attributes:
        facts: Its facts.
        mails: How many mails of it lie in the outbox; each was made again, too.
    """

    facts: Facts
    mails: int


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a number is another one now, on how many values of which source."""

    why: read.Why
    source: str
    values: int


class CorrectedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a report that was sent, and what it would be had all been known then.

    Attributes:
        period: ISO week of the report.
        revision: Of the report that was sent last.
        number: Which one: the id of a figure, `channel/<channel>` or `campaign/<key>`.
        label: Its name for people.
        said: What the report says; None: not reported.
        known: What is known now; None: not reported.
        reasons: Why. Empty where no value has changed: a day was read for the first time, and had nothing.
    """

    period: str
    revision: int
    number: str
    label: str
    said: float | None
    known: float | None
    reasons: tuple[Reason, ...]


def weeks_sent(engine: Engine, client_id: str) -> list[Week]:
    """Give the weeks on which a report has been sent to anybody, or may have been; oldest first."""
    with engine.connect() as connection:
        periods = dict.fromkeys(period for period, _ in weekly.reports_that_left(connection, client_id))
    return [Week.parse(period) for period in periods]


def rebuild(engine: Engine, client_id: str, week: Week, revision: int | None = None) -> Rebuilt:
    """Make a past report again, by default its latest revision: the facts from the observations, then its mails.

    Raises:
        LookupError: There is no such report.
        RebuildDiffers: It is not the same; the message names the first difference.
    """
    with engine.connect() as connection:
        report = get_report(connection, client_id, str(week), revision)
        if report is None:
            which = f"report on {week}" if revision is None else f"revision {revision} of the report on {week}"
            raise LookupError(f"There is no {which} of client {client_id}: it was never composed to be reviewed.")
        mails = messages(connection, client_id=client_id, period=report.period, revision=report.revision)
    facts = _compose_again(engine, report)
    reviewed = weekly.reviewed(facts, report)
    for recipient, sent in mails.items():
        message = unsigned(sent)
        made = _mail_again(reviewed, report.note, recipient, message)
        _compare(
            report, f"mail to {recipient}, line", message.splitlines(keepends=True), made.splitlines(keepends=True)
        )
    return Rebuilt(facts=facts, mails=len(mails))


def corrections(engine: Engine, client_id: str, week: Week, now: dt.datetime) -> list[CorrectedNumber]:
    """Say which numbers of the report that was sent last on a week are other ones as of `now`, and why.

    Both are composed at the same age and from the client's file as it was, so that only what was observed can make
    a difference. Nothing to correct gives an empty list.

    Raises:
        LookupError: No report on the week has been sent.
        RebuildDiffers: The report as of its own moment is not what was sent, so nothing can be said about it.
    """
    with engine.connect() as connection:
        sent = weekly.reports_that_left(connection, client_id, str(week))
        report = get_report(connection, client_id, *sent[-1]) if sent else None
    if report is None:
        raise LookupError(f"No report on {week} has been sent to client {client_id}, so there is nothing to correct.")
    facts = _compose_again(engine, report)
    client = _client(facts)
    said = _numbers(facts)
    known = _numbers(weekly.compose_facts(engine, client, week, now, seen_until=report.as_of))
    first_utc, end_utc = week.bounds(client.zone)
    with client_snapshot(engine, client_id) as connection:
        changed = read.corrections(
            connection,
            client_id,
            then=report.as_of,
            now=now,
            first_day=week.monday,
            last_day=week.sunday,
            first_utc=first_utc,
            last_utc_exclusive=end_utc,
            zone=client.time_zone,
            age=matched_age(week, client.zone, report.as_of),
        )
    return [
        CorrectedNumber(
            period=report.period,
            revision=report.revision,
            number=name,
            label=number.label,
            said=before,
            known=after,
            reasons=_reasons(number, changed),
        )
        for name, number in (known | said).items()
        if (before := _value(said, name)) != (after := _value(known, name))
    ]


def with_corrections(engine: Engine, facts: Facts, before: Facts | None) -> Facts:
    """Add to a report's facts what the report that was sent before it would say otherwise now; `before` has its facts.

    Of the figures alone, and not of those that were marked "so far", which were said to go on. One that has moved by
    less than `WORTH_TELLING` and stands where it stood against the usual range is not worth a reader's minute.
    """
    if before is None:
        return facts
    week = Week.parse(before.period)
    try:
        found = corrections(engine, facts.client_id, week, facts.as_of)
    except RebuildDiffers as differs:
        _log.warning("The report says nothing of the one before: %s", differs)
        return facts
    said = {figure.id: figure for figure in before.figures}
    told = [
        _told(number, said[number.number], week)
        for number in sorted(found, key=_size, reverse=True)
        if number.number in said and not said[number.number].so_far and _is_worth_telling(number, said[number.number])
    ]
    return msgspec.structs.replace(facts, corrections=tuple(told[:MOST_TOLD]))


def _size(number: CorrectedNumber) -> float:
    """By which share a number has moved; that it became known or unknown is the most."""
    if number.said is None or number.known is None:
        return float("inf")
    return abs(number.known - number.said) / max(abs(number.said), 1.0)


def _is_worth_telling(number: CorrectedNumber, figure: Figure) -> bool:
    said, known = (None if each is None else round(each, figure.decimals) for each in (number.said, number.known))
    if said == known:
        return False
    if _size(number) >= WORTH_TELLING or figure.usual is None or known is None:
        return True
    return figure.word != word(known, figure.usual)


def _told(number: CorrectedNumber, figure: Figure, week: Week) -> Correction:
    reasons = sorted(number.reasons, key=lambda reason: -reason.values)
    sources = {reason.source for reason in reasons}
    return Correction(
        first_day=week.monday,
        label=figure.label,
        said=number.said,
        known=number.known,
        decimals=figure.decimals,
        why=reasons[0].why if reasons else "late data",
        source=SOURCES[sources.pop()].title if len(sources) == 1 else "",
    )


def _compose_again(engine: Engine, report: Report) -> Facts:
    """Compose a report's facts as of its own moment, and see that they are those that were kept."""
    kept = weekly.facts_of(report)
    composed = weekly.compose_facts(engine, _client(kept), Week.parse(report.period), report.as_of)
    # These speak of other reports and of the look, not of the observations.
    beside = {"revision": kept.revision, "corrects": kept.corrects, "corrections": kept.corrections}
    made = msgspec.json.encode(msgspec.structs.replace(composed, **beside, theme=kept.theme))
    _compare(report, "facts", msgspec.json.decode(report.facts), msgspec.json.decode(made))
    return msgspec.json.decode(made, type=Facts)


def _mail_again(facts: Facts, note: str | None, recipient: str, message: bytes) -> bytes:
    """Make a mail again, for the person, at the time, and with the address for unsubscribing that it says."""
    date = parsedate_to_datetime(message_from_bytes(message)["Date"])
    url = unsubscribe_url(message)
    person = Recipient(name=recipient_name(message), email=recipient)
    [mail] = weekly.mails(_client(facts), facts, note, date, to=[person], url_of=lambda client_id, mail_id: url)
    return mail.message


def _client(facts: Facts) -> Client:
    return Client.model_validate_json(facts.client_file)


def _compare(report: Report, what: str, kept: Any, made: Any) -> None:
    difference = next(_differences(kept, made, what), None)
    if difference:
        raise RebuildDiffers(
            f"The report on {report.period}, revision {report.revision}, of client {report.client_id} cannot be made "
            f"again as it was: {difference}. Either rows that had been recorded by {report.as_of:%Y-%m-%d %H:%M} UTC "
            "have been changed or removed, or the code that composes reports has been changed since."
        )


def _differences(kept: Any, made: Any, place: str) -> Iterator[str]:
    """Name what differs in two pieces of plain data, in order."""
    match kept, made:
        case dict(), dict():
            for key in made | kept:
                yield from _differences(kept.get(key), made.get(key), f"{place}, {key}")
        case list(), list():
            for index, (one, other) in enumerate(zip_longest(kept, made), 1):
                yield from _differences(one, other, f"{place} {index}")
        case _ if repr(kept) != repr(made):  # 1 and 1.0 are equal, but not the same bytes
            yield f"{place}: it was {kept!r} and is {made!r}"


_ALL_VISITS = ("visits", "total", "")


@dataclass(frozen=True)
class _Number:
    """A number of a report, and the metric, dimension and member of each value that goes into it."""

    label: str
    value: float | None
    values: frozenset[tuple[str, str, str]]

    def uses(self, correction: read.Correction) -> bool:
        """Whether a value goes into it; a day without all its visits makes every number of the website unknown."""
        value = (correction.metric, correction.dimension, correction.member.casefold())
        makes_unknown = value == _ALL_VISITS and None in (correction.said, correction.known)
        return value in self.values or (makes_unknown and any(metric == "visits" for metric, _, _ in self.values))


def _numbers(facts: Facts) -> dict[str, _Number]:
    """The numbers of a report that can be corrected, by name."""
    campaigns = {campaign.key: ("visits", "campaign", campaign.key.casefold()) for campaign in facts.campaigns}
    of_web = {
        "visits": {_ALL_VISITS},
        "social_visits": {("visits", "channel", "social")},
        "campaign_visits": {campaigns[campaign.key] for campaign in facts.running_campaigns},
    }
    numbers = {}
    for figure in facts.figures:
        of_posts = {(part, "", "") for part in (*METRICS[figure.id].parts, "post")}
        numbers[figure.id] = _Number(figure.label, figure.value, frozenset(of_web.get(figure.id, of_posts)))
    for channel in facts.channels:
        value = ("visits", "channel", channel.channel)
        numbers[f"channel/{channel.channel}"] = _Number(
            f"Visits from {channel.channel}", channel.visits, frozenset({value})
        )
    for campaign in facts.campaigns:
        numbers[f"campaign/{campaign.key}"] = _Number(
            f"Visits of {campaign.name}", campaign.visits, frozenset({campaigns[campaign.key]})
        )
    return numbers


def _value(numbers: dict[str, _Number], name: str) -> float | None:
    """A number's value; a channel that a report does not list had no visits, if it knows the visits at all."""
    if name in numbers:
        return numbers[name].value
    return 0 if numbers["visits"].value is not None else None


def _reasons(number: _Number, changed: list[read.Correction]) -> tuple[Reason, ...]:
    """Why a number is another one: how many of the values that go into it have changed, by reason and source."""
    counted = Counter((correction.why, correction.source) for correction in changed if number.uses(correction))
    return tuple(Reason(why=why, source=source, values=values) for (why, source), values in sorted(counted.items()))
