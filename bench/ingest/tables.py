"""The results, and how they are shown."""

import msgspec
from rich.table import Table

from bench.ingest.contenders import CONTENDERS, LIMIT, OF_THIS_PROJECT, OURS
from bench.ingest.measure import Usage
from bench.ingest.workload import POSTS_OF_A_PAGE

LATENCY_MS = 100


class Result(msgspec.Struct, kw_only=True):
    """One run of one contender; `fault` says what was wrong with it, None if nothing was."""

    contender: str
    rows: int
    run: str
    delay_ms: int
    connections: int | None
    usage: Usage | None = None
    fault: str | None = None


def best(results: list[Result]) -> list[Result]:
    """Of the same run made several times, the one with the least CPU; one that went wrong comes first."""
    found: dict[tuple[str, int, str], Result] = {}
    for result in results:
        key = (result.contender, result.rows, result.run)
        if key not in found or _rank(result) < _rank(found[key]):
            found[key] = result
    return list(found.values())


def _rank(result: Result) -> float:
    return result.usage.cpu if result.usage and not result.fault else -1.0


def table(results: list[Result], rows: int, run: str) -> Table:
    """One run of all contenders, with each one's CPU as a multiple of ours (of the limit, where we take no part)."""
    here = {result.contender: result for result in results if (result.rows, result.run) == (rows, run)}
    measure = next((here[name].usage for name in OF_THIS_PROJECT if name in here and not here[name].fault), None)
    against = OURS if OURS in here and not here[OURS].fault else LIMIT
    shown = Table(title=f"{rows:,} rows, {run}", title_justify="left")
    shown.add_column("contender")
    heads = ("wall s", "rows/s", "CPU s", "client", "PostgreSQL", "API", "memory MB", "WAL MB", "foreign CPU s")
    for head in (*heads, f"CPU / {against}", f"wall / {against}"):
        shown.add_column(head, justify="right")
    for name in CONTENDERS:
        if name not in here:
            continue
        usage, title = here[name].usage, CONTENDERS[name].title
        if usage is None or here[name].fault:
            shown.add_row(title, (here[name].fault or "").partition(":")[0])
            continue
        parts = (usage.cpu, usage.client, usage.database, usage.api)
        shown.add_row(
            title, f"{usage.wall:.2f}", f"{rows / usage.wall:,.0f}", *(f"{part:.2f}" for part in parts),
            f"{usage.memory:,.0f}", f"{usage.wal:,.1f}", f"{usage.foreign:.1f}",
            f"{usage.cpu / measure.cpu:.2f}" if measure else "", f"{usage.wall / measure.wall:.2f}" if measure else "",
        )  # fmt: skip
    return shown


def latency_table(results: list[Result], connections: int) -> Table:
    """How near each comes to connections ÷ latency, its start and its end included."""
    allowed = connections * POSTS_OF_A_PAGE / (LATENCY_MS / 1_000)
    shown = Table(
        title=f"{LATENCY_MS} ms a page, {connections} connections: {allowed:,.0f} rows/s", title_justify="left"
    )
    shown.add_column("contender")
    for head in ("wall s", "rows/s", "of what is allowed", "CPU s", "memory MB"):
        shown.add_column(head, justify="right")
    for result in results:
        if result.usage is None or result.fault:
            shown.add_row(CONTENDERS[result.contender].title, (result.fault or "").partition(":")[0])
            continue
        rate = result.rows / result.usage.wall
        shown.add_row(
            CONTENDERS[result.contender].title, f"{result.usage.wall:.1f}", f"{rate:,.0f}", f"{rate / allowed:.0%}",
            f"{result.usage.cpu:.1f}", f"{result.usage.memory:,.0f}",
        )  # fmt: skip
    return shown
