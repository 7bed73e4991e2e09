"""Load a pull: look up what is known, keep what is new, and put it in place by COPY and one INSERT a table.

One transaction a pull, chunk by chunk (of what went before only the entities' names are kept), with the rows counted
from end to end. Loading a pull again changes nothing, so a load that died, or whose commit was not confirmed, is
simply loaded again.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import msgspec
import psycopg
from sqlalchemy import Connection, Engine

from widerview.quality.verdict import DayVerdict, Rejected, Shape
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Row,
    Target,
    UnavailableRow,
    UnreadableRow,
    Window,
)
from widerview.warehouse import staging
from widerview.warehouse.news import Record, Values, merge_moments, news
from widerview.warehouse.partitions import make_partitions
from widerview.warehouse.splits import Splits
from widerview.warehouse.sql import query
from widerview.warehouse.staging import Stage, texts

Stored = AccountRow | PostRow | CounterRow | CommentRow | DayRow
"""The rows that end up in a table: those that tell of something there is."""

_CHUNK = 2_000
"""Rows that are worked on at once; what bounds the memory of a load."""


class LoadError(Exception):
    """A pull cannot be loaded as it is, and nothing of it was; the message says which pull and why."""


class LoadCounts(NamedTuple):
    """What became of a pull's rows.

    Attributes:
        parsed: Rows the pull gave.
        held: Rows and single numbers held in quarantine.
        stored: Observations that were new when the pull was first loaded; the others had not changed.
    """

    parsed: int
    held: int
    stored: int


def load_pull(
    engine: Engine | Connection,
    *,
    load_id: str,
    target: Target,
    window: Window,
    started_at: dt.datetime,
    ended_at: dt.datetime,
    digest: bytes,
    rows: Iterable[Row],
    rejected: Sequence[Rejected] = (),
    verdicts: Sequence[DayVerdict] = (),
    unavailable: Mapping[str, str] | None = None,
    shapes: Mapping[str, Shape] | None = None,
    recorded_at: dt.datetime | None = None,
    run: str = "",
    raw: Mapping[str, str] | None = None,
) -> LoadCounts:
    """Load one pull in one transaction.

    Of each observation that is stored which differs from what is known of the same entity at its time. That is exact
    as long as pulls of a target arrive in the order in which they were made. When one arrives late and stores
    something, the pulls after it are marked, and `replays_due` names them: each has to be loaded once more.

    Of a website's day the members of a split that were known and are not named any more become zero: what is moved to
    another campaign must not be counted in both.

    Within one pull an entity is seen once: what comes again, because pages shift while they are read, is counted and
    left alone. Totals that come in an answer of their own stand beside those that came with the content; a source
    gives each metric in one of the two.

    A pull with the digest of the one before it brings nothing new and is recorded without being read. A pull that is
    loaded already is loaded again only if its digest is another one, that is after a fix of the code that reads it.

    Args:
        engine: The warehouse; or a connection in a transaction (READ COMMITTED), which the caller then commits.
        load_id: Path of the pull's manifest in landing.
        target: Whose pull it is; every row must be of this client and source.
        window: The days that were asked for.
        started_at: When the pull had begun (UTC).
        ended_at: When the pull had ended (UTC).
        digest: sha256 over all that decides what is loaded: the answers, the code that reads them, `rejected`.
        rows: The pull's rows as parsed, in order; read once, never held all together.
        rejected: Rows, and single running totals, to hold in quarantine, by their position in `rows`.
        verdicts: The verdict on each day.
        unavailable: Why the platform did not give a metric that it was asked for, by metric.
        shapes: The shape of its answers, by stream.
        recorded_at: As of when reports know of it; the database's clock if left out. For a warehouse that is made
            anew from landing: the time the pull had in the first one.
        run: The Airflow run that made the pull; said of what is held.
        raw: Where each raw answer lies in landing, by its sha256; said of what is held.

    Returns:
        The counts of the first load of this pull.

    Raises:
        LoadError: A row belongs to somebody else, or the rows do not add up.
    """
    pull: dict[str, object] = {
        "client_id": target.client_id,
        "source": target.source,
        "ref": target.ref,
        "zone": target.time_zone,
        "load_id": load_id,
        "first_day": window.first,
        "last_day": window.last,
        "started_at": started_at,
        "observed_at": ended_at,
        "digest": digest,
        "recorded_at": recorded_at,
        "unavailable": msgspec.json.encode(unavailable or {}).decode(),
        "run": run,
        "raw": msgspec.json.encode(raw or {}).decode(),
    }
    with _transaction(engine) as connection:
        has_staging = connection.execute(query("prepare_load"), pull).one().has_staging
        found = connection.execute(query("find_load"), pull).one()
        pull["recorded_at"] = found.recorded_at
        if shapes:
            connection.execute(query("store_shapes"), pull | {"shapes": msgspec.json.encode(shapes).decode()})
        first = None
        if found.rows_parsed is not None:
            first = LoadCounts(found.rows_parsed, found.rows_held, found.rows_stored)
            if not found.replay_due and bytes(found.digest) == digest:
                _store_verdicts(connection, pull, verdicts)  # the gate may judge the same rows otherwise
                return first
            connection.execute(query("drop_quarantine"), pull)

        if found.is_repeated and first is None and not rejected:
            counts = LoadCounts(found.newest_parsed, 0, 0)
        else:
            load = _Load(
                connection,
                target,
                pull,
                _reasons(rejected),
                # Taken by every load, and before any other lock: two sources that bring a client's first comments
                # would else wait for each other.
                salt=_salt(connection, target.client_id),
                is_first=found.is_first,
                is_again=first is not None,
                has_staging=has_staging,
                # An earlier load of the caller's transaction may have left its rows.
                used=set(staging.ALL) if isinstance(engine, Connection) else set(),
            )
            remaining = iter(rows)
            while chunk := list(islice(remaining, _CHUNK)):
                try:
                    load.take(chunk)
                except (psycopg.DataError, ValueError) as error:
                    raise LoadError(
                        f"{load_id}: PostgreSQL cannot hold a value of it ({error}). Nothing was loaded; the source's "
                        "parse must leave such values out."
                    ) from error
            load.end()
            counts = load.reconciled()
            if counts.stored:
                connection.execute(query("mark_replays"), pull | {"earliest": load.earliest})
        _store_verdicts(connection, pull, verdicts)
        connection.execute(query("store_load"), pull | counts._asdict())
        return first or counts


def store_failure(
    engine: Engine | Connection,
    target: Target,
    *,
    ended_at: dt.datetime,
    verdicts: Sequence[DayVerdict],
    recorded_at: dt.datetime | None = None,
) -> None:
    """Record the verdicts of a pull that failed, on those days on which nothing has been said yet.

    What an earlier pull has told of its days stands. Nothing else of a pull that failed is stored.
    """
    pull = {
        "client_id": target.client_id,
        "source": target.source,
        "ref": target.ref,
        "observed_at": ended_at,
        "recorded_at": recorded_at,
        "verdicts": msgspec.json.encode(verdicts).decode(),
    }
    with _transaction(engine) as connection:
        connection.execute(query("prepare_load"), pull)
        connection.execute(query("store_failure"), pull)


def replays_due(engine: Engine | Connection, *, client_id: str, source: str) -> list[str]:
    """Name the pulls that have to be loaded again because an earlier one arrived after them, in order.

    `load_pull` with the same arguments as the first time does it and takes the mark away. It may mark later pulls
    in turn, so ask again until none is left; that ends, since only a load that stores something marks others.
    """
    with _transaction(engine) as connection:
        return list(connection.scalars(query("replays_due"), {"client_id": client_id, "source": source}))


def pulls_at(connection: Connection, client_id: str, source: str, at: dt.datetime) -> list[str]:
    """Name the pulls of a client's source that may hold what was observed at a moment, the likeliest first."""
    return list(connection.scalars(query("pulls_at"), {"client_id": client_id, "source": source, "at": at}))


def _store_verdicts(connection: Connection, pull: Mapping[str, object], verdicts: Sequence[DayVerdict]) -> None:
    if verdicts:
        values = {"verdicts": msgspec.json.encode(verdicts).decode()}
        connection.execute(query("store_verdicts"), {**pull, **values})


@contextmanager
def _transaction(engine: Engine | Connection) -> Iterator[Connection]:
    if isinstance(engine, Connection):
        yield engine
    else:
        with engine.begin() as connection:
            yield connection


_Held = Mapping[int, Mapping[str, str]]
"""By a row's position: the reasons, by running total; the key "" stands for the whole row."""


def _reasons(rejected: Iterable[Rejected]) -> _Held:
    reasons: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rejected:
        reasons[row.index][row.metric or ""].append(row.reason)
    return {
        index: {metric: "; ".join(why) for metric, why in parts.items() if metric == "" or "" not in parts}
        for index, parts in reasons.items()
    }


def _salt(connection: Connection, client_id: str) -> bytes:
    return bytes(
        connection.scalars(query("take_salt"), {"client_id": client_id, "salt": secrets.token_bytes(32)}).one()
    )


@dataclass
class _Load:
    """One pull on its way into the warehouse, chunk by chunk, with every row accounted for.

    Attributes:
        connection: In the transaction of the load.
        target: Whose pull it is.
        pull: The parameters that all its statements share.
        held: What must not be loaded.
        is_first: Whether nothing is known of this client on this source.
        is_again: Whether the pull was loaded before, perhaps under the same time.
        has_staging: Whether this session has its temporary tables.
        salt: What authors are hashed with.
        used: The stages whose temporary tables may hold rows of this transaction, stored already.
        earliest: The earliest instant observed of what was stored.
    """

    connection: Connection
    target: Target
    pull: Mapping[str, object]
    held: _Held
    is_first: bool
    is_again: bool
    has_staging: bool
    used: set[Stage]
    salt: bytes
    earliest: dt.datetime | None = None
    _apart: bool = False
    _parsed: int = 0
    _held_whole: int = 0
    _quarantined: int = 0
    _again: int = 0
    _compared: int = 0
    _without_value: int = 0
    _stored: int = 0
    _seen: defaultdict[Stage, set[Values]] = field(default_factory=lambda: defaultdict(set))
    _splits: Splits = field(default_factory=Splits)

    def take(self, chunk: Sequence[Row]) -> None:
        """Hold back what must not be loaded, and store what is new in the rest."""
        quarantined: list[tuple[int, str, str, Row]] = []
        observed: defaultdict[Stage, list[Record]] = defaultdict(list)
        client_id, source = self.target.client_id, self.target.source
        self._splits.take(chunk)
        for index, row in enumerate(chunk, start=self._parsed):
            if row.client_id != client_id or row.source != source:
                raise self._foreign(row)
            if isinstance(row, UnreadableRow) and index in self.held:
                self._held_whole += 1
                quarantined.append((index, "", self.held[index][""], row))
                continue
            if isinstance(row, UnavailableRow | UnreadableRow):
                self._without_value += 1
                continue
            kept: Stored | None = self._anonymous(row) if isinstance(row, CommentRow) else row
            if kept and index in self.held:
                kept, out = _split(kept, self.held[index])
                quarantined += ((index, *each) for each in out)
            if kept is None:
                self._held_whole += 1
                continue
            stage, record = _record(kept, self.pull["recorded_at"])
            name = record[stage.shape.key]
            if isinstance(kept, CounterRow):
                self._apart = True
                name = (*name, *sorted(kept.counts))
            if name in self._seen[stage]:
                self._again += 1
            else:
                self._seen[stage].add(name)
                observed[stage].append(record)
        self._parsed += len(chunk)
        if quarantined:
            self._make_staging()
            self._quarantined += staging.hold(self.connection, self.pull, quarantined)
        for stage, found in observed.items():
            self._compared += len(found)
            self._store(stage, merge_moments(found, stage.shape) if self._apart else found)

    def end(self) -> None:
        """Store what the pull says by leaving it out."""
        if not self.is_first and (left_out := self._splits.left_out(self.connection, self.pull)):
            self._store(staging.DAY, [_record(row, self.pull["recorded_at"])[1] for row in left_out])

    def _foreign(self, row: Row) -> LoadError:
        return LoadError(
            f"{self.pull['load_id']}: a row of {row.client_id}/{row.source} in a pull of "
            f"{self.target.client_id}/{self.target.source}. Nothing was loaded; the source's parse must take both "
            "from its target."
        )

    def _anonymous(self, comment: CommentRow) -> CommentRow:
        """Let nobody's name or id pass: authors become salted hashes."""
        hashed = hmac.digest(self.salt, f"{comment.source} {comment.author}".encode(), hashlib.sha256)
        return msgspec.structs.replace(comment, author=hashed.hex())

    def _store(self, stage: Stage, found: Sequence[Record]) -> None:
        new = found
        if not self.is_first:
            known = stage.known(self.connection, self.pull, [record[stage.shape.key] for record in found])
            compared = (news(record, rows, stage.shape) for record, rows in zip(found, known, strict=True))
            new = [record for record in compared if record]
        if not new:
            return
        earliest = min(record[stage.shape.observed_at] for record in new)
        self.earliest = earliest if self.earliest is None else min(self.earliest, earliest)
        make_partitions(self.connection, ((stage.name, month) for month in stage.months(new)))
        try:
            if self.is_again or self._apart:
                self._make_staging()
                stored = stage.merge(self.connection, new, again=stage in self.used)
                self.used.add(stage)
            else:
                # Compared with what is known under the load's lock, so none of it is there already.
                stored = stage.store(self.connection, new)
        except psycopg.IntegrityError as error:
            raise LoadError(
                f"{self.pull['load_id']}: two answers of one moment tell of the same entity ({error}). Nothing "
                "was loaded; the source must observe each answer at a moment of its own."
            ) from error
        if stored != len(new):
            raise LoadError(
                f"{self.pull['load_id']}: of {len(new)} new rows the table {stage.name} took {stored}. Nothing was "
                "loaded; load it again."
            )
        self._stored += stored

    def _make_staging(self) -> None:
        if not self.has_staging:
            staging.make_staging(self.connection)
            self.has_staging = True

    def reconciled(self) -> LoadCounts:
        """Give the counts, once they add up.

        Raises:
            LoadError: They do not.
        """
        load_id, expected = self.pull["load_id"], sum(len(reasons) for reasons in self.held.values())
        if self._quarantined != expected:
            raise LoadError(
                f"{load_id}: the check holds back {expected} rows and numbers, of which the pull's {self._parsed} rows "
                f"have only {self._quarantined}. Nothing was loaded; run the check of this pull again, so that it "
                "judges these rows."
            )
        if self._parsed != self._compared + self._again + self._held_whole + self._without_value:
            raise LoadError(
                f"{load_id}: of {self._parsed} rows {self._compared} were compared with what is known, {self._again} "
                f"came again, {self._held_whole} are held back and {self._without_value} only say what there is not, "
                "which does not add up. Nothing was loaded."
            )
        return LoadCounts(self._parsed, self._quarantined, self._stored)


def _split(row: Stored, reasons: Mapping[str, str]) -> tuple[Stored | None, list[tuple[str, str, Row]]]:
    """Part a row from what must not be loaded of it: the rest, and metric, reason and row of what is held."""
    if "" in reasons:
        return None, [("", reasons[""], row)]
    if isinstance(row, CommentRow | DayRow):  # they have no totals, so none is held, and the counts will not add up
        return row, []
    held: list[tuple[str, str, Row]] = [
        (metric, reason, msgspec.structs.replace(row, counts={metric: row.counts[metric]}))
        for metric, reason in reasons.items()
        if metric in row.counts
    ]
    counts = {metric: value for metric, value in row.counts.items() if metric not in reasons}
    if not counts and isinstance(row, CounterRow):
        return None, held
    return msgspec.structs.replace(row, counts=counts), held


def _record(row: Stored, recorded_at: object) -> tuple[Stage, Record]:
    """Give the table of a row, and the row as its record: the columns in the order that `Stage` names."""
    whose = (row.client_id, row.source, recorded_at)
    at, receipt = row.observed_at, _from_hex(row.receipt)
    match row:
        case PostRow():
            return staging.POST, (
                *whose, row.post_id, _utc(row.published_at), at, row.account_id,
                row.kind, row.text, row.permalink, texts(row.tags), texts(row.links), row.reply_to,
                row.counts or None, receipt,
            )  # fmt: skip
        case CounterRow(post_id=None):
            return staging.ACCOUNT, (*whose, row.account_id, at, None, None, None, row.counts or None, receipt)
        case CounterRow():
            return staging.POST, (
                *whose, row.post_id, _utc(row.published_at), at, row.account_id,
                None, None, None, None, None, None, row.counts or None, receipt,
            )  # fmt: skip
        case AccountRow():
            return staging.ACCOUNT, (
                *whose, row.account_id, at, row.handle, row.name, row.url, row.counts or None, receipt,
            )  # fmt: skip
        case CommentRow():
            return staging.COMMENT, (
                *whose, row.comment_id, _utc(row.published_at), at,
                row.account_id, row.post_id, row.author, row.own, row.text, row.permalink, row.reply_to, receipt,
            )  # fmt: skip
        case DayRow():
            return staging.DAY, (
                *whose, row.day, row.entity, row.entity_id, row.dimension, row.member, row.metric, at,
                row.zone, row.value, receipt,
            )  # fmt: skip


def _utc(at: dt.datetime | None) -> dt.datetime | None:
    """A moment in UTC, in whose months the partitions are cut."""
    return at if at is None or at.tzinfo is dt.UTC else at.astimezone(dt.UTC)


_from_hex = lru_cache(maxsize=16)(bytes.fromhex)  # the rows of a page have the same receipt
