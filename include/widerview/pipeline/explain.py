"""Receipts: from a number of a report to what it was worked out from, and to what the platforms had answered."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import EllipsisType

import msgspec
from sqlalchemy import Engine

from widerview.agency.models import Client
from widerview.landing.store import Landing
from widerview.measures.weeks import Week
from widerview.pipeline import past_reports, weekly
from widerview.pipeline.observed import Input, Past, Reading, Row
from widerview.pipeline.origins import input_number, origin
from widerview.report.receipts import KINDS, PrintedNumber, Value, printed_numbers
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse.database import client_snapshot
from widerview.warehouse.load import pulls_at
from widerview.warehouse.reports import Report, get_report

_CLOSE = 1e-3
"""Some facts are rounded to three decimals, more than anybody prints."""


class NoReceipt(ValueError):
    """A number cannot be traced back to what the platforms answered; the message says what is wrong, and where."""


class RawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform answered, as it lies in landing; its sha256 has been worked out anew and is the same.

    Attributes:
        sha256: Of the body, in hex.
        fetched_at: When it had arrived (UTC).
        request: Method and address; without secrets.
        status: The HTTP status.
        size: Of the body, in bytes.
        raw: Where it lies: the pack, and after # which of its answers.
        pull: The pull's manifest.
    """

    sha256: str
    fetched_at: dt.datetime
    request: str
    status: int
    size: int
    raw: str
    pull: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A number with all that it rests on.

    Attributes:
        client_id: The client.
        period: ISO week of the report.
        revision: Of the report.
        number: Its id.
        label: Its name for people.
        printed: As the mail prints it; empty for an input, which no mail prints.
        value: Before it was rounded: one number, both ends of a range, or a number and both ends; None: not reported.
        definition: Metric and version; empty if it is of none.
        meaning: What is counted, or how such a number comes about.
        as_of: Only what had been recorded by then counts (UTC).
        sql: The queries that give the rows, with their parameters.
        how: How it comes from the rows or inputs.
        function: What has worked it out from its inputs; empty where rows are added up or counted.
        page: Where the documentation tells of it.
        inputs: Other numbers that it was worked out from; each can be explained by its id.
        rows: The observations.
        answers: What the platforms had answered, each once.
    """

    client_id: str
    period: str
    revision: int
    number: str
    label: str
    printed: str
    value: Value
    definition: str
    meaning: str
    as_of: dt.datetime
    sql: tuple[str, ...]
    how: str
    function: str
    page: str
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]
    answers: tuple[RawAnswer, ...]


def numbers(engine: Engine, client_id: str, week: Week, revision: int | None = None) -> dict[str, PrintedNumber]:
    """Give the numbers that a report prints, by default the one that was sent last, by id.

    Raises:
        LookupError: There is no such report.
    """
    return printed_numbers(weekly.facts_of(_report(engine, client_id, week, revision)))


def explain(
    engine: Engine, landing: Landing, client_id: str, week: Week, name: str, revision: int | None = None
) -> Explained:
    """Trace a number of a report, by default of the one that was sent last, back to the platforms' raw answers.

    For several numbers of one report see `receipts`.

    Raises:
        LookupError: There is no such report, or it has no such number.
        NoReceipt: The rows do not give the number, or no pull has the answer that a row names.
        LandingError: A raw answer is gone, or is not what it was: its sha256 is another one.
    """
    with receipts(engine, landing, client_id, week, revision) as of_report:
        return of_report.explain(name)


@contextmanager
def receipts(
    engine: Engine, landing: Landing, client_id: str, week: Week, revision: int | None = None
) -> Iterator["Receipts"]:
    """Open the receipts of a report, by default of the one that was sent last.

    Raises:
        LookupError: There is no such report.
    """
    report = _report(engine, client_id, week, revision)
    facts = weekly.facts_of(report)
    client = Client.model_validate_json(facts.client_file)
    with client_snapshot(engine, client_id) as connection:
        yield Receipts(engine, landing, report, Past(connection, client, facts))


@dataclass(frozen=True)
class Receipts:
    """The receipts of one report; each raw answer is read once."""

    engine: Engine
    landing: Landing
    report: Report
    past: Past
    _opened: dict[str, dict[tuple[str, dt.datetime], RawAnswer]] = field(default_factory=dict)

    def explain(self, name: str) -> Explained:
        """Trace a number, or an input of one.

        What rows give is worked out anew from them; besides, the report is composed anew as of its moment, and has to
        say the same.

        Raises:
            LookupError: The report has no such number.
            NoReceipt: The rows do not give the number, or no pull has the answer that a row names.
            LandingError: A raw answer is gone, or is not what it was: its sha256 is another one.
        """
        printed = self.past.numbers.get(name)
        number = printed or input_number(self.past, name)
        if number is None:
            raise LookupError(
                f"The report {self.report.period} to {self.report.client_id} has no number {name!r}; it has: "
                f"{', '.join(self.past.numbers)}."
            )
        if printed and printed.value is None:
            reading = Reading("It was not reported.", value=None)
        elif number.kind == "correction":
            reading = _correction(self.engine, self.past, number)
        else:
            reading = origin(self.past, number)
        if printed:
            self._see_that_it_holds(printed, reading)
        kind, metric = KINDS[number.kind], METRICS.get(number.metric)
        return Explained(
            client_id=self.report.client_id,
            period=self.report.period,
            revision=self.report.revision,
            number=name,
            label=number.label,
            printed=number.text,
            value=number.value if isinstance(reading.value, EllipsisType) else reading.value,
            definition=metric.definition if metric else "",
            meaning=metric.meaning if metric else kind.how,
            as_of=self.report.as_of,
            sql=reading.sql,
            how=reading.how,
            function=kind.function,
            page=kind.page,
            inputs=tuple(reading.inputs),
            rows=tuple(reading.rows),
            answers=tuple(self._answers(reading.rows)),
        )

    def _see_that_it_holds(self, number: PrintedNumber, reading: Reading) -> None:
        """See that rows or inputs give the number, and that composing the report again does.

        Raises:
            NoReceipt: One of them gives another number.
        """
        given = reading.value
        if isinstance(given, EllipsisType) or _same(given, number.value):
            again = self._composed_again.get(number.id)
            given = again.value if again else None
            if _same(given, number.value):
                return
        raise NoReceipt(
            f"{number.id} in the report {self.report.period}, revision {self.report.revision}, to "
            f"{self.report.client_id} cannot be shown to be true: it says {number.value}, and the rows that had been "
            f"recorded by then give {given}. Rows have been changed or removed since, or the code that works it out "
            "has been changed."
        )

    @cached_property
    def _composed_again(self) -> dict[str, PrintedNumber]:
        """The report's numbers, composed again as of its moment."""
        facts = self.past.facts
        composed = weekly.compose_facts(self.engine, self.past.client, self.past.week, facts.as_of)
        # These speak of other reports, not of the observations.
        return printed_numbers(msgspec.structs.replace(composed, corrections=facts.corrections))

    def _answers(self, rows: Sequence[Row]) -> Iterator[RawAnswer]:
        """Find each raw answer that some rows name, and see that it is what it was."""
        wanted = {(row.source, row.observed_at, row.receipt): row for row in rows}
        for (source, at, receipt), row in wanted.items():
            pulls = pulls_at(self.past.connection, self.report.client_id, source, at)
            found = (self._sound_answers(pull).get((receipt, at)) for pull in pulls)
            answer = next(filter(None, found), None)
            if answer is None:
                raise NoReceipt(
                    f"{row.metric} of {row.of} says that it was read from the answer {receipt} of {source}, which "
                    f"arrived on {at:%Y-%m-%d %H:%M:%S} UTC, and no pull has such an answer of that time: its manifest "
                    "or its raw answers have been changed, or the row has."
                )
            yield answer

    def _sound_answers(self, path: str) -> dict[tuple[str, dt.datetime], RawAnswer]:
        """The answers of a pull by sha256 and time; reading them works it out anew."""
        if path not in self._opened:
            pull = self.landing.read_pull(path)
            places = self.landing.raw_names(pull)
            self._opened[path] = {
                (page.sha256, page.fetched_at): RawAnswer(
                    sha256=page.sha256,
                    fetched_at=page.fetched_at,
                    request=f"{page.request.method} {page.request.url}",
                    status=page.status,
                    size=len(page.body),
                    raw=places[page.sha256],
                    pull=path,
                )
                for page in self.landing.pages(pull)
            }
        return self._opened[path]


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=_CLOSE)
    return one is other


def _correction(engine: Engine, past: Past, number: PrintedNumber) -> Reading:
    """What a report before said, or what is known now in its stead.

    Raises:
        NoReceipt: No report that was sent says so, or what is known is another number.
    """
    place, which = number.of
    told = past.facts.corrections[int(place) - 1]
    week, client_id = Week.of(told.first_day), past.facts.client_id
    with engine.connect() as connection:
        sent = [revision for _, revision in weekly.reports_that_left(connection, client_id, str(week))]
    for revision in reversed(sent):
        for name, said in numbers(engine, client_id, week, revision).items():
            if (said.label, said.value) != (told.label, told.said):
                continue
            source = Input(id=f"widerview explain {client_id} {week} {name} --revision {revision}", value=said.value)
            if which == "said":
                return Reading("The report before says so.", inputs=(source,), value=told.said)
            found = past_reports.corrections(engine, client_id, week, past.as_of)
            known = next((each.known for each in found if each.number == name), said.value)
            how = "What that report would say, had all been known then that was known when this one was made."
            return Reading(how, inputs=(source,), value=known if isinstance(known, (int, float)) else None)
    raise NoReceipt(f"No report on {week} that was sent says {told.label}: {told.said}.")


def _report(engine: Engine, client_id: str, week: Week, revision: int | None) -> Report:
    with engine.connect() as connection:
        if revision is None:
            sent = weekly.reports_that_left(connection, client_id, str(week))
            revision = sent[-1][1] if sent else None
        report = get_report(connection, client_id, str(week), revision) if revision is not None else None
    if report is None:
        raise LookupError(
            f"No report on {week} has been sent to client {client_id}. One that was not sent is named by --revision."
        )
    return report
