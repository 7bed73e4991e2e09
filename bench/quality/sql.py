"""Plain SQL: the rows into a staging table by COPY, then one query that counts each kind of fault.

python -m bench.quality.sql sql|sql-past ROWS METRIC ...
"""

import os
import sys
from collections.abc import Iterator, Sequence

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from bench.quality.stopwatch import Stopwatch
from bench.quality.workload import CLOCK_SLACK, EARLIEST, FALLEN, FAULTS, KINDS, LIMIT, accounts, known_posts, posts

COLUMNS = {
    "account_id": "text",
    "post_id": "text",
    "published_at": "timestamptz",
    "observed_at": "timestamptz",
    "kind": "text",
    "text": "text",
    "permalink": "text",
}


def table(connection: psycopg.Connection, name: str, metrics: Sequence[str]) -> None:
    columns = [SQL("{} {}").format(Identifier(column), SQL(kind)) for column, kind in COLUMNS.items()]
    columns += [SQL("{} bigint").format(Identifier(metric)) for metric in metrics]
    connection.execute(SQL("create unlogged table {} ({})").format(Identifier(name), SQL(", ").join(columns)))


def copy(connection: psycopg.Connection, name: str, made: Sequence[dict[str, object]]) -> None:
    with connection.cursor().copy(SQL("copy {} from stdin").format(Identifier(name))) as into:
        for row in made:
            into.write_row([*(row[column] for column in COLUMNS), *row["counts"].values()])  # type: ignore[attr-defined]


def question(metrics: Sequence[str], *, with_past: bool) -> Composable:
    """The query: how many rows, or totals, each kind of fault has; the last ones are of faults that nobody planted."""
    where = {
        "no permalink": SQL("permalink is null or permalink = ''"),
        "not yet published": SQL("published_at > observed_at + {}").format(Literal(CLOCK_SLACK)),
        "unknown kind": SQL("kind is null or kind <> all ({})").format(Literal(list(KINDS))),
        "no account": SQL("account_id is null or account_id = ''"),
        "no id": SQL("post_id is null or post_id = ''"),
        "not of this century": SQL("published_at is null or published_at < {}").format(Literal(EARLIEST)),
    }
    counted = {fault: SQL("count(*) filter (where {})").format(wrong) for fault, wrong in where.items()}
    for fault, wrong in (("negative total", SQL("{} < 0")), ("total too large", SQL("{} >= " + str(LIMIT)))):
        each = [SQL("count(*) filter (where {})").format(wrong.format(Identifier(metric))) for metric in metrics]
        counted[fault] = SQL(" + ").join(each)
    counted["contradicted"] = SQL(
        "(select coalesce(sum(times - 1), 0) from (select count(*) as times from staging"
        " group by account_id, post_id, observed_at having count(distinct (published_at, kind, text, permalink)) > 1))"
    )
    counted["two ids"] = SQL(
        "(select coalesce(sum(times - 1), 0) from (select count(*) as times from staging where text <> ''"
        " group by account_id, published_at, text having count(distinct post_id) > 1))"
    )
    if with_past:
        fell = [SQL("count(*) filter (where s.{0} < k.{0})").format(Identifier(metric)) for metric in metrics]
        counted[FALLEN] = SQL("(select {} from staging s join known k using (account_id, post_id))").format(
            SQL(" + ").join(fell)
        )
    columns = [SQL("{} as {}").format(count, Identifier(fault)) for fault, count in counted.items()]
    return SQL("select {} from staging").format(SQL(", ").join(columns))


def batches(count: int, metrics: Sequence[str]) -> Iterator[list[dict[str, object]]]:
    for account in accounts(count):
        yield list(posts(account, metrics))


def main(what: str, count: int, metrics: Sequence[str]) -> None:
    watch = Stopwatch()
    with_past = what == "sql-past"
    with psycopg.connect(os.environ["BENCH_DSN"], autocommit=True) as connection:
        if what == "remember":
            table(connection, "known", metrics)
            for account in accounts(count):
                copy(connection, "known", list(known_posts(account, metrics)))
            watch.tell({})
            return
        table(connection, "staging", metrics)
        for made in batches(count, metrics):
            with watch.step("columns"):
                copy(connection, "staging", made)
        with watch.step("check"), connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            found = cursor.execute(question(metrics, with_past=with_past)).fetchone()
    assert found
    expected = (*FAULTS, FALLEN) if with_past else FAULTS
    assert not any(count for fault, count in found.items() if fault not in expected), found
    watch.tell({fault: int(found[fault]) for fault in expected})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
