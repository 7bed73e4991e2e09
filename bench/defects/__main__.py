"""Spoil a week in every way the sandbox knows, read many clean ones, and print what the gate makes of them.

Run it with `make bench-defects`; docs/benchmarks.md says what it shows.
"""

import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from bench.cluster import Cluster, running
from bench.defects.clean import CleanWeeks, on_tuesday, read_clean_weeks
from bench.defects.mails import clients_read
from bench.defects.trials import ASKING, WEEK, Reader, Trial, busiest, read_past, settled, spoilt_ways, try_all
from bench.machine import BUILD, machine
from house import house_in, running_sandbox
from widerview.pipeline.ingest import targets_of
from widerview.sandbox.defects import DEFECTS
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate

WORK = BUILD / "defects"
SEED = 46
WEEKLY = 3
"""How many weeks before the spoilt one are read in their turn; those before them at once."""


def main() -> None:
    console = Console(width=200)
    seeds, weeks = int(os.environ.get("SEEDS", "7")), int(os.environ.get("WEEKS", "10"))
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    began, cpu = time.monotonic(), time.process_time()
    with running(WORK / "postgres") as cluster:
        trials = _trials(cluster)
        _show_trials(console, trials)
        clean: dict[str, CleanWeeks] = {}
        for name, read_at in (("settled", settled), ("Tuesday", on_tuesday)) if seeds and weeks else ():
            with _warehouse(cluster, f"clean_{name.lower()}") as engine:
                folder = WORK / f"clean_{name}"
                clean[name] = read_clean_weeks(folder, engine, seeds, weeks, read_at=read_at)
            _show_clean(console, name, clean[name])
        results = {
            "machine": machine(cluster),
            "trials": trials,
            "clean": clean,
            "wall_seconds": round(time.monotonic() - began),
            "cpu_seconds": round(time.process_time() - cpu),
        }
    path = BUILD / "defects.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2))
    console.print(f"{results['wall_seconds']} s, {results['cpu_seconds']} s of CPU in this process. Written to {path}.")
    shutil.rmtree(WORK)


@contextmanager
def _warehouse(cluster: Cluster, name: str) -> Iterator[Engine]:
    dsn = cluster.fresh_database(name).replace("postgresql://", "postgresql+psycopg://")
    migrate(dsn)
    engine = connect(dsn)
    try:
        yield engine
    finally:
        engine.dispose()


def _trials(cluster: Cluster) -> list[Trial]:
    folder = WORK / "spoilt"
    with _warehouse(cluster, "spoilt") as engine, running_sandbox(SEED, settled(WEEK)) as sandbox:
        house = house_in(folder, sandbox, engine, platforms=ASKING)
        clients = house.agency.clients.values()
        targets = busiest(target for name in ASKING for target in targets_of(clients, name))
        reader, logs = Reader(sandbox, house.landing, engine), folder / "access_logs"
        read_past(reader, targets.values(), logs, WEEKLY)
        return try_all(reader, targets, spoilt_ways(), logs, clients_read(tuple(clients), targets))


def _show_trials(console: Console, trials: Sequence[Trial]) -> None:
    table = Table(title="A spoilt week, with the account's own past in the warehouse")
    for head in ("defect", "source", "found", "worst verdict", "held", "mail", "how"):
        table.add_column(head, justify="right" if head == "held" else "left", overflow="fold")
    for trial in trials:
        found = (
            "yes" if trial.stopped else "recorded" if trial.recorded else "no" if trial.changed else "no row differs"
        )
        said = trial.how + trial.recorded
        how = said[0] if said else ""
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        held, mail = str(trial.held), trial.mail or ""
        table.add_row(trial.defect or "none", trial.source, found, trial.verdict, held, mail, f"{how[:110]}{more}")
    console.print(table)
    by_name = defaultdict(list)
    for trial in trials:
        if trial.defect in DEFECTS:
            by_name[trial.defect].append(trial)
    wherever = [name for name, each in by_name.items() if all(trial.found for trial in each if trial.changed)]
    somewhere = [name for name, each in by_name.items() if any(trial.found for trial in each)]
    count = Counter(trial.found for each in by_name.values() for trial in each if trial.changed)
    console.print(
        f"Of {len(by_name)} defects {len(somewhere)} were found on a source at least, {len(wherever)} wherever a row "
        f"differed; of {count.total()} weeks in which one did, {count[True]}."
    )
    mails = Counter(trial.mail for trial in trials if trial.defect and trial.changed)
    console.print(f"The mail of these weeks: {', '.join(f'{count} {mail}' for mail, count in mails.most_common())}.")
    console.print(f"Nowhere found: {', '.join(name for name in by_name if name not in somewhere) or 'none'}.")


def _show_clean(console: Console, name: str, clean: CleanWeeks) -> None:
    early = [finding for finding in clean.not_green if finding.is_early]
    console.print(
        f"{clean.client_weeks} clean weeks of clients, read {name}, {clean.pulls} pulls: of {len(early)} the gate said "
        f"that more may come, of {len(clean.not_green) - len(early)} anything else."
    )
    for finding in clean.not_green:
        if finding.is_early:
            continue
        console.print(
            f"  {finding.verdict} seed {finding.seed} {finding.client} {finding.source} {finding.monday}: "
            f"{'; '.join(finding.how)[:300]}"
        )


if __name__ == "__main__":
    main()
