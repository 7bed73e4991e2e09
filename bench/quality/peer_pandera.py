"""The peer pandera: the rows as a DataFrame, judged by a schema that expects the same of them.

python -m bench.quality.peer_pandera pandera ROWS METRIC ...
"""

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from bench.quality.stopwatch import Stopwatch
from bench.quality.workload import (
    CLOCK_SLACK,
    EARLIEST,
    FAULTS,
    KINDS,
    LIMIT,
    POSTS_OF_AN_ACCOUNT,
    ROWS_AT_ONCE,
    accounts,
    posts,
)

POST = ["account_id", "post_id", "published_at", "observed_at", "kind", "text", "permalink"]


def schema(pa: Any, metrics: Sequence[str]) -> Any:
    given = {"nullable": False}
    long = pa.Check.str_length(min_value=1, name="given")
    total = [pa.Check.ge(0, name="negative total"), pa.Check.lt(LIMIT, name="total too large")]
    moment = ["account_id", "post_id", "observed_at"]
    content = ["published_at", "kind", "text", "permalink"]
    words = ["account_id", "published_at", "text"]

    def contradicted(frame: Any) -> Any:
        again = frame.duplicated(moment)
        return ~again | frame.duplicated([*moment, *content])

    return pa.DataFrameSchema(
        {
            "account_id": pa.Column(str, long, **given),
            "post_id": pa.Column(str, long, **given),
            "published_at": pa.Column(None, pa.Check.ge(EARLIEST, name="not of this century"), **given),
            "observed_at": pa.Column(None, **given),
            "kind": pa.Column(str, pa.Check.isin(KINDS, name="unknown kind"), **given),
            "text": pa.Column(str),
            "permalink": pa.Column(str, pa.Check.str_length(min_value=1, name="no permalink"), **given),
            **{metric: pa.Column(float, total, nullable=True, coerce=True) for metric in metrics},
        },
        checks=[
            pa.Check(lambda it: it["published_at"] <= it["observed_at"] + CLOCK_SLACK, name="not yet published"),
            pa.Check(contradicted, name="contradicted"),
            pa.Check(lambda frame: ~frame.duplicated(words) | frame.duplicated([*words, "post_id"]), name="two ids"),
        ],
    )  # fmt: skip


def main(count: int, metrics: Sequence[str]) -> None:
    watch = Stopwatch()
    with watch.step("import"):
        import pandas as pd
        import pandera.pandas as pa

        expected = schema(pa, metrics)
    found: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    everybody = iter(accounts(count))
    while some := list(islice(everybody, ROWS_AT_ONCE // POSTS_OF_AN_ACCOUNT)):
        made = [row for account in some for row in posts(account, metrics)]
        with watch.step("columns"):
            frame = pd.DataFrame({column: [row[column] for row in made] for column in POST})
            totals = pd.DataFrame([row["counts"] for row in made], columns=list(metrics))
            frame = pd.concat([frame, totals], axis=1)
        with watch.step("check"):
            try:
                expected.validate(frame, lazy=True)
            except pa.errors.SchemaErrors as errors:
                for error in errors.schema_errors:
                    # One line a column and row: a row counts once.
                    found[error.check.name] += error.failure_cases["index"].nunique()
    assert not set(found) - set(FAULTS), found
    watch.tell(found)


if __name__ == "__main__":
    main(int(sys.argv[2]), sys.argv[3:])
