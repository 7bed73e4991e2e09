"""Our own: the gate, with and without a past, and the load that it is measured against; and the past itself.

Apart from them stands what the tasks `check` and `load` both do first: they read the rows out of the landed answers.

python -m bench.quality.ours gate|gate-past|load|read|remember ROWS
"""

import datetime as dt
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bench.ingest.graph import KINDS, Graph
from bench.ingest.workload import POSTS_OF_A_PAGE
from bench.quality.stopwatch import Stopwatch
from bench.quality.workload import (
    FALLEN,
    FAULTS,
    FIRST_DAY,
    KNOWN,
    LAST_DAY,
    OBSERVED,
    POSTS_OF_AN_ACCOUNT,
    ROWS_AT_ONCE,
    accounts,
    known_posts,
    posts,
)
from widerview.landing.store import Answers, Landing, Pull
from widerview.sources.base import AccountRow, PostRow, RawPage, Request, Row, Target, Window

SOURCE = Graph()
METRICS = SOURCE.metrics
STATUS_TYPES = {kind: status_type for status_type, kind in KINDS.items()}
WINDOW = Window(FIRST_DAY, LAST_DAY)
CHECKS = {
    ("posts", "the post's address is given"): "no permalink",
    ("posts", "published before it was observed"): "not yet published",
    ("posts", "the kind of post is known"): "unknown kind",
    ("totals", "post_clicks is a number from 0 to below 10^12"): "negative total",
    ("totals", "post_impressions is a number from 0 to below 10^12"): "total too large",
    ("posts", "no two rows of one moment contradict each other about a post"): "contradicted",
    ("totals before", "running totals do not fall"): FALLEN,
}


def target(account: str) -> Target:
    return Target(client_id=f"client-{account}", source=SOURCE.name, ref=account, time_zone="UTC")


def rows(account: str, made: Iterator[dict[str, object]]) -> list[Row]:
    """The rows as `parse` gives them: the account, and its posts."""
    stamped = {"client_id": f"client-{account}", "source": SOURCE.name, "receipt": "0" * 64}
    url = f"https://www.facebook.com/{account}"
    return [
        AccountRow(**stamped, observed_at=OBSERVED, account_id=account, handle=account, name=account, url=url),
        *(PostRow(**stamped, **row) for row in made),  # type: ignore[arg-type]
    ]


def read(count: int, watch: Stopwatch) -> dict[str, int]:
    """Unpack and parse all rows, an account after the other."""
    with TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        for account in accounts(count):
            pull = landed(landing, account)
            with watch.step("read"):
                found = [row for page in landing.pages(pull) for row in SOURCE.parse(pull.target, page)]
            assert len(found) == 1 + POSTS_OF_AN_ACCOUNT, account
    return {}


def landed(landing: Landing, account: str) -> Pull:
    """A pull of an account, whose answers have its posts."""
    answers = Answers()
    everything = list(posts(account, METRICS, faulty=False))
    for start in range(0, len(everything), POSTS_OF_A_PAGE):
        some = everything[start : start + POSTS_OF_A_PAGE]
        answers.add(
            RawPage(
                stream="posts",
                request=Request("GET", f"{SOURCE.api_version}/{account}/posts", {"after": str(start)} if start else {}),
                status=200,
                headers={},
                fetched_at=some[0]["observed_at"],  # type: ignore[arg-type]
                body=msgspec.json.encode({"data": [as_served(account, post) for post in some]}),
            )
        )
    return Pull(
        target=target(account),
        window=WINDOW,
        run="bench",
        started_at=OBSERVED,
        ended_at=OBSERVED + dt.timedelta(minutes=1),
        complete=True,
        error=None,
        pack=landing.write_pack(answers),
        entries=tuple(answers.entries),
    )


def as_served(account: str, post: dict[str, object]) -> dict[str, object]:
    """A post as the API gives it."""
    counts = dict(post["counts"])  # type: ignore[call-overload]
    shares = counts.pop("shares")
    return {
        "id": post["post_id"],
        "created_time": post["published_at"],
        "permalink_url": post["permalink"],
        "status_type": STATUS_TYPES[post["kind"]],  # type: ignore[index]
        "from": {"id": account, "name": account},
        "message": post["text"],
        "metrics": counts,
        "shares": None if shares is None else {"count": shares},
    }


def gate(count: int, watch: Stopwatch, *, with_past: bool) -> dict[str, int]:
    """Judge all rows, as many at once as a task of ours does, beside what the warehouse knows of them or nothing."""
    from widerview.quality.gate import PullRows, check
    from widerview.quality.past import Past
    from widerview.warehouse.database import connect
    from widerview.warehouse.past import read_past

    with watch.step("import"):
        import great_expectations.expectations  # noqa: F401
        import pandas as pd  # noqa: F401

    engine = connect(os.environ["BENCH_DSN"]) if with_past else None
    found = Counter(dict.fromkeys((*FAULTS, FALLEN) if with_past else FAULTS, 0))
    everybody = iter(accounts(count))
    while some := list(islice(everybody, ROWS_AT_ONCE // POSTS_OF_AN_ACCOUNT)):
        lot = []
        for account in some:
            ready = rows(account, posts(account, METRICS))
            past = Past()
            if engine:
                with watch.step("read the past"):
                    past = read_past(engine, target(account), WINDOW, OBSERVED, accounts={account}, entities={account})
            lot.append(
                PullRows(
                    target=target(account),
                    window=WINDOW,
                    ended_at=OBSERVED + dt.timedelta(minutes=1),
                    title=SOURCE.title,
                    metrics=METRICS,
                    kind=SOURCE.kind,
                    rows=ready,
                    past=past,
                )
            )
        with watch.step("check"):
            results = check(lot)
        for outcome in (outcome for result in results for outcome in result.outcomes):
            assert outcome.error is None, outcome.error
            if (fault := CHECKS.get((outcome.suite, outcome.check))) in found:
                found[fault] += outcome.failed
    return found


def load(count: int, watch: Stopwatch, *, known: bool) -> dict[str, int]:
    """Load the rows, without their faults; or what is known before them."""
    with watch.step("import"):
        from widerview.warehouse.database import connect
        from widerview.warehouse.load import load_pull

        engine = connect(os.environ["BENCH_DSN"])
    at = KNOWN if known else OBSERVED
    for account in accounts(count):
        ready = rows(account, known_posts(account, METRICS) if known else posts(account, METRICS, faulty=False))
        with watch.step("load"):
            counts = load_pull(
                engine,
                load_id=f"bench {account} {at}",
                target=target(account),
                window=WINDOW,
                started_at=at,
                ended_at=at,
                digest=hashlib.sha256(f"{account} {at}".encode()).digest(),
                rows=ready,
            )
        assert counts.stored == len(ready), counts
    return {}


def main(what: str, count: int) -> None:
    watch = Stopwatch()
    if what == "read":
        watch.tell(read(count, watch))
        return
    found = gate(count, watch, with_past=what == "gate-past") if what.startswith("gate") else {}
    if what in {"load", "remember"}:
        load(count, watch, known=what == "remember")
    watch.tell(found)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
