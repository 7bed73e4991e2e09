"""Who takes part: how each is run, and where its rows are found afterwards.

The peers' loaders and the API server they all read from are not part of this project; they are run from the folder
that `WIDERVIEW_SHARED` names (`../shared` beside the project if it is not set), by path.
"""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.machine import BUILD, ROOT

TOOLS = Path(os.environ.get("WIDERVIEW_SHARED", ROOT.parent / "shared")) / "tools" / "ingest_peers"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run to make: how many rows, which version of them, and a folder that a contender keeps over its runs."""

    rows: int
    version: int
    folder: Path
    dsn: str
    delay_ms: int = 0
    connections: int | None = None


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """One way to load the rows.

    Attributes:
        name: Short name, for options.
        title: What it is, for the table.
        command: The command of a run.
        result: A query that gives the rows in the target table, the distinct ids among them, and the sum of the
            metric that differs between versions.
        environment: Name of the list in `peers` that it is run with; None for this project's own environment.
        prepare: Python code that makes what a deployment makes once (its tables), not measured; `DSN` is set.
    """

    name: str
    title: str
    command: Callable[[Run], list[str]]
    result: str
    environment: str | None = None
    prepare: str | None = None


def python(environment: str) -> str:
    return str(BUILD / "envs" / environment / "bin" / "python")


def _module(name: str, connections: int) -> Callable[[Run], list[str]]:
    """One of our own two loaders: ROWS V DIR [DELAY] [CONNECTIONS]."""

    def command(run: Run) -> list[str]:
        # Without latency a loader takes as many as cost it the least CPU.
        arguments = (run.rows, run.version, run.folder, run.delay_ms, run.connections or connections)
        return [sys.executable, "-m", f"bench.ingest.{name}", *map(str, arguments)]

    return command


def _dlt(mode: str) -> Callable[[Run], list[str]]:
    def command(run: Run) -> list[str]:
        arguments = (run.rows, "postgres", run.version, mode, run.folder, run.delay_ms)
        return [python("dlt"), str(TOOLS / "dlt_load.py"), *map(str, arguments)]

    return command


def _singer(run: Run) -> list[str]:
    target = {
        "sqlalchemy_url": run.dsn.replace("postgresql://", "postgresql+psycopg://"),
        "dialect+driver": "postgresql+psycopg",
        "default_target_schema": "singer",
        "use_copy": True,
    }
    (run.folder / "target.json").write_bytes(msgspec.json.encode(target))
    (run.folder / "tap.json").write_text("{}")
    target_postgres = Path(python("singer")).with_name("target-postgres")
    tap = shlex.join([python("singer"), str(TOOLS / "tap_fb.py"), "--config", str(run.folder / "tap.json")])
    load = shlex.join([str(target_postgres), "--config", str(run.folder / "target.json")])
    variables = f"export ROWS={run.rows} V={run.version} DELAY={run.delay_ms}"
    return ["bash", "-c", f"{variables}; set -o pipefail; {tap} | {load}"]


def _sqlalchemy(run: Run) -> list[str]:
    return [python("sqlalchemy"), str(TOOLS / "sa_imv.py"), str(run.rows), str(run.version)]


def _pandas(run: Run) -> list[str]:
    return [python("pandas"), str(TOOLS / "naive_pandas.py"), str(run.rows), "pg", str(run.version)]


def _flat(table: str, metric: str = "post_impressions") -> str:
    return f"select count(*), count(distinct id), sum({metric}) from {table}"


_MIGRATE = "from widerview.warehouse.migrate import migrate; migrate(DSN)"
# A post has a row for each time something was new about it; the latest that tells of a metric has its value.
_OBSERVED = """
    with latest as (
        select distinct on (client_id, source, post_id, published_at)
            post_id, (counts ->> 'post_impressions')::bigint as value
        from post
        where counts ->> 'post_impressions' is not null
        order by client_id, source, post_id, published_at, observed_at desc, recorded_at desc
    )
    select count(*), count(distinct post_id), sum(value) from latest
"""

OURS = "widerview"
LIMIT = "limit"
OF_THIS_PROJECT = (OURS, LIMIT)
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(
            name=OURS,
            title="Widerview: source, landing, load",
            command=_module("ours", connections=1),
            result=_OBSERVED,
            prepare=_MIGRATE,
        ),
        Contender(
            name=LIMIT,
            title="the limit: decode, COPY, guarded upsert",
            command=_module("limit", connections=3),
            result=_flat("limit_post"),
        ),
        Contender(
            name="dlt-arrow",
            title="dlt, own Arrow tables",
            command=_dlt("arrow"),
            result=_flat("dlt_arrow.posts"),
            environment="dlt",
        ),
        Contender(
            name="dlt-tuned",
            title="dlt rest_api, tuned",
            command=_dlt("tuned"),
            result=_flat("dlt_tuned.posts", "metrics__post_impressions"),
            environment="dlt",
        ),
        Contender(
            name="dlt",
            title="dlt rest_api, default",
            command=_dlt("default"),
            result=_flat("dlt_default.posts", "metrics__post_impressions"),
            environment="dlt",
        ),
        Contender(
            name="sqlalchemy",
            title="SQLAlchemy insertmanyvalues",
            command=_sqlalchemy,
            result=_flat("saimv"),
            environment="sqlalchemy",
        ),
        Contender(
            name="pandas",
            title="pandas.to_sql and an upsert",
            command=_pandas,
            result=_flat("np"),
            environment="pandas",
        ),
        Contender(
            name="singer",
            title="Singer: SDK tap, target-postgres",
            command=_singer,
            result=_flat("singer.posts"),
            environment="singer",
        ),
    )
}
