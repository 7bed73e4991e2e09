"""`make demo`, `make stop`, `make clean`: from a fresh checkout to the client's inbox."""

import datetime as dt
import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import requests
import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy import create_engine, make_url

from widerview.agency.load import load_agency
from widerview.agency.models import Client
from widerview.clock import utc_now
from widerview.demo import live as live_clients
from widerview.demo import postgres
from widerview.demo.airflow_api import DemoAirflow, RunFailed
from widerview.demo.home import REPOSITORY, REVIEWER, SCHEDULER_ENVIRONMENT, Home, PortTaken
from widerview.demo.processes import Died, Processes
from widerview.measures.weeks import Week
from widerview.pipeline.answers import APPROVE
from widerview.pipeline.catalogue import ingest_dag_id, pools, report_dag_id
from widerview.pipeline.ingest import targets_of
from widerview.sandbox.clients import write_access_logs, write_clients, write_drop_files
from widerview.sandbox.model import Simulation
from widerview.sources.registry import SOURCES
from widerview.warehouse.database import make_database
from widerview.warehouse.migrate import migrate

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

PORTS = ["api-server", "sandbox", "mail-catcher"]
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer"]
HISTORY_WEEKS = 13
NEEDED_BYTES = 500 * 1024**2
Step = Callable[[str], AbstractContextManager[None]]

SEED = 46
LEFT_FOR_A_PERSON = "lantern-lane"
"""The sample client whose report is left waiting, so that the newcomer can approve it."""

NOTE = "Thank you for the warm answers to your customers this week: people noticed."


class NoRoom(RuntimeError):
    """The disk has too little room for the demo."""


HomeOption = Annotated[Path, typer.Option("--home", help="Folder that holds all the demo's state.")]


@app.command()
def start(
    home: HomeOption = Path(".widerview"),
    live: Annotated[
        str, typer.Option(help='Real public accounts instead, e.g. "bsky.app @Mastodon@mastodon.social".')
    ] = "",
) -> None:
    """Start everything, pull the history, report the last complete week. Run again, it goes on from where it stands."""
    place = Home(home.resolve())
    processes = Processes(place.processes, place.logs)
    before = set(processes.running())
    # A proxy for the outside world must not get what is meant for this machine.
    os.environ |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    try:
        _start(place, processes, live.split())
    except (KeyboardInterrupt, Exception) as error:  # whatever it was: nothing half-started may stay behind
        if not before:
            console.print("Stopping what had been started ...")
            _stop(place, processes)
        _explain(error, place)
        raise typer.Exit(1) from error


@app.command()
def stop(home: HomeOption = Path(".widerview")) -> None:
    """End all processes of the demo; its data stays."""
    place = Home(home.resolve())
    if not place.path.exists():
        console.print("There is no demo here.")
        return
    _stop(place, Processes(place.processes, place.logs))


@app.command()
def clean(home: HomeOption = Path(".widerview")) -> None:
    """End all processes of the demo and delete its data."""
    place = Home(home.resolve())
    if not place.path.exists():
        return
    if not place.is_a_demo:
        console.print(f"[red]{escape(str(place.path))} is not the home of a demo: nothing was deleted.[/]")
        raise typer.Exit(1)
    _stop(place, Processes(place.processes, place.logs))
    shutil.rmtree(place.path)
    console.print(f"Deleted {escape(str(place.path))}")


def _start(place: Home, processes: Processes, live: list[str]) -> None:
    began = time.monotonic()

    @contextmanager
    def step(what: str) -> Iterator[None]:
        at = time.monotonic()
        with console.status(what) if console.is_terminal else nullcontext():
            yield
        console.print(f"[green]✓[/] {what} [dim]({time.monotonic() - at:.0f} s)[/]")

    _require_room(place.path)
    accounts = [live_clients.account(handle) for handle in live]
    live_clients.require_network(accounts)
    for folder in (place.path, place.landing, place.mail, place.airflow):
        folder.mkdir(parents=True, exist_ok=True)
    place.choose_ports(PORTS, set(processes.running()))

    with step("PostgreSQL 18, one database for Airflow and one for the warehouse"):
        if postgres.runs_as_root():
            console.print(
                f"  You are root, which PostgreSQL refuses: it runs as the system user `pgserver`, who may now pass "
                f"through the folders above {escape(str(place.postgres))}."
            )
        _, socket_folder = postgres.start(place.postgres)
        place.state["socket_folder"] = str(socket_folder)
        for name in ("airflow", "warehouse"):
            make_database(make_url(place.database_url(name)))
    anchor = _anchor(place)
    place.save()
    place.write_environment()

    processes.start(
        "mail-catcher",
        [sys.executable, "-m", "widerview.delivery.catcher", "--port", str(place.port("mail-catcher")),
         "--folder", str(place.mail)],
        place.environment,
    )  # fmt: skip
    if accounts:
        live_clients.write_client(place.clients, accounts)
    else:
        write_clients(place.clients, anchor)
    if _uses_sandbox(place):
        processes.start(
            "sandbox",
            [sys.executable, "-m", "widerview.sandbox", "--port", str(place.port("sandbox")), "--seed", str(SEED),
             "--anchor", anchor.isoformat()],
            place.environment,
        )  # fmt: skip
        first = anchor - dt.timedelta(weeks=HISTORY_WEEKS + 1)
        model = Simulation(SEED, anchor)
        write_access_logs(model, place.access_logs, first, utc_now())
        write_drop_files(model, place.drop_folders, utc_now())

    with step("Tables"):
        engine = create_engine(place.database_url("warehouse"))
        migrate(engine)
        engine.dispose()
        if place.state.get("migrated") != version("apache-airflow-core"):
            _airflow(place, "db", "migrate")
            place.state["migrated"] = version("apache-airflow-core")
            place.save()
    with step("Airflow: API server, scheduler, DAG processor, triggerer"):
        api = _start_airflow(place, processes)

    clients = load_agency(place.clients).clients
    wanted = {report_dag_id(client) for client in clients} | {ingest_dag_id(source) for source in SOURCES}
    with step(f"{len(wanted)} DAGs read"):
        _wait(lambda: wanted <= api.dag_ids(), 120, "the DAGs", processes, AIRFLOW)
        for name, pool in pools().items():
            api.make_pool(name, pool)

    # Once: midnight may pass between the two, and what is reported has to be what was read.
    now = utc_now()
    _ingest(api, clients, step, now)
    waiting = _report(api, clients, step, now)
    _farewell(place, waiting, time.monotonic() - began)


def _start_airflow(place: Home, processes: Processes) -> DemoAirflow:
    """Start Airflow's processes and wait until they, and the sandbox, are up; give a logged-in user."""
    api = DemoAirflow(place.ui, REVIEWER, place.state["password"])
    for name in AIRFLOW:
        own = SCHEDULER_ENVIRONMENT if name == "scheduler" else {}
        processes.start(name, [str(Path(sys.executable).with_name("airflow")), name], place.environment | own)
    _wait(api.healthy, 180, "Airflow", processes, AIRFLOW)
    if _uses_sandbox(place):
        _wait(
            lambda: _answers(f"http://127.0.0.1:{place.port('sandbox')}/_health"),
            60,
            "the sandbox",
            processes,
            ["sandbox"],
        )
    api.log_in()
    return api


def _ingest(api: DemoAirflow, clients: dict[str, Client], step: Step, now: dt.datetime) -> None:
    """Pull the history of all clients as one window, once a day at most."""
    weeks = [Week.last_complete(now, client.zone) for client in clients.values()]
    last = max(now.date() - dt.timedelta(days=1), *(week.sunday for week in weeks))
    first = min(weeks).shift(-HISTORY_WEEKS).monday
    asked = {source: targets_of(clients.values(), source) for source in SOURCES}
    conf = {"first": first.isoformat(), "last": last.isoformat()}
    runs = {
        source: _open_run(api, ingest_dag_id(source), f"demo__{last}__{_digest(asked[source])}", conf)
        for source in SOURCES
        if asked[source]
    }
    for source, run in runs.items():
        names = ", ".join(target.ref for target in asked[source])
        with step(f"{SOURCES[source].title}: {first} to {last} pulled, checked and loaded ({escape(names)})"):
            api.wait(ingest_dag_id(source), run, seconds=900)


def _report(api: DemoAirflow, clients: dict[str, Client], step: Step, now: dt.datetime) -> list[Client]:
    """Report each client's last complete week; give the clients whose report waits for a person."""
    weeks = {client.client: str(Week.last_complete(now, client.zone)) for client in clients.values()}
    runs = {}
    for client_id, week in weeks.items():
        name = f"demo__{week}"
        if client_id == live_clients.CLIENT:  # other accounts are another report
            name += f"__{_digest(clients[client_id].accounts)}"
        runs[client_id] = _open_run(api, report_dag_id(client_id), name, {"period": week})
    waiting = []
    for client in sorted(clients.values(), key=lambda each: each.client == LEFT_FOR_A_PERSON):
        dag, run = report_dag_id(client.client), runs[client.client]
        with step(f"{escape(client.name)}: report composed for {weeks[client.client]}"):
            state = api.wait(dag, run, seconds=300, until=("review", "awaiting_input"))
        if state == "success":
            continue
        if client.client == LEFT_FOR_A_PERSON:
            waiting.append(client)
            continue
        with step(f"{escape(client.name)}: approved through Airflow's public API as `{REVIEWER}`, sent"):
            answer_review(api, dag, run, NOTE if client.campaigns else "")
            api.wait(dag, run, seconds=300)
    return waiting


def _open_run(api: DemoAirflow, dag: str, name: str, conf: dict[str, str]) -> str:
    """Start a run of a name, or join it; one that has failed is started anew under the next number."""
    for attempt in itertools.count(1):
        run_id = name if attempt == 1 else f"{name}__{attempt}"
        found = api.run(dag, run_id)
        if found is None or found["state"] != "failed":
            api.trigger(dag, run_id, conf)
            return run_id
    raise AssertionError


def _digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:8]


def answer_review(
    api: DemoAirflow,
    dag: str,
    run: str,
    note: str,
    option: str = APPROVE,
    *,
    strike: int | None = None,
    reason: str = "",
) -> None:
    """Answer a report's review; asked again (an answer that gets lost is), answer again.

    Raises:
        TimeoutError: The answer has not been taken within five minutes.
    """
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        state = api.tasks(dag, run).get(("review", -1))
        if state == "success":
            return
        if state == "awaiting_input":
            # An answer in the second the task parks is lost, and the reviewer asked again: give it a moment.
            time.sleep(5)
            fields = {"note": note or None, "strike": strike, "reason": reason or None}
            api.answer(dag, run, "review", option, fields)
            while api.tasks(dag, run).get(("review", -1)) == "awaiting_input" and time.monotonic() < deadline:
                time.sleep(1)
        else:
            time.sleep(1)
    raise TimeoutError(f"{dag} {run}: the answer has not been taken.")


def _farewell(place: Home, waiting: list[Client], seconds: float) -> None:
    console.print(f"\n[bold]Done in {seconds:.0f} s.[/]\n")
    for mail in sorted(place.mail.glob("*.eml")):
        console.print(f"  mail      {escape(str(mail))}")
    console.print(f"  open      {escape(str(place.mail / 'index.html'))}   (all mails, as their readers see them)")
    console.print(
        f"  Airflow   {place.ui}   user [bold]{REVIEWER}[/], password [bold]{escape(place.state['password'])}[/]"
    )
    console.print("\nWhat next:")
    for client in waiting:
        console.print(
            f"  - {escape(client.name)} waits for you: in Airflow open Required Actions on the home page, read the "
            "preview, write a note, approve, and see the mail arrive."
        )
    console.print("  - .venv/bin/widerview --help   the command line: check, preview, sources, doctor")
    console.print("  - docs/agency.md               add a real client")
    console.print("  - make stop                    ends all this;  make clean  also deletes it")


def _stop(place: Home, processes: Processes) -> None:
    ended = processes.stop()
    if postgres.stop(place.postgres):
        ended.append("postgres")
    console.print(f"Stopped: {', '.join(ended)}" if ended else "Nothing was running.")


CANNOT_GO_ON = (
    PortTaken, Died, RunFailed, TimeoutError, live_clients.NotAnAccount, live_clients.NoNetwork,
    NoRoom, requests.RequestException,
    subprocess.CalledProcessError,
)  # fmt: skip
"""What a person can mend, told without a stack trace."""


def _explain(error: BaseException, place: Home) -> None:
    """Say what went wrong and what to do, without a stack trace for what people can mend."""
    if isinstance(error, KeyboardInterrupt):
        console.print("Interrupted.")
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        console.print(
            f"[red]The disk is full.[/] Make room on the disk of {escape(str(place.path))}, then run it again."
        )
    elif isinstance(error, CANNOT_GO_ON):
        console.print(f"[red]{escape(str(error))}[/]\nLogs: {escape(str(place.logs))}")
    else:
        console.print_exception()


def _anchor(place: Home) -> dt.date:
    """The Monday after the report week of the first demo here; the sandbox's history is told around it."""
    today = utc_now().date()
    if "anchor" not in place.state:
        place.state["anchor"] = Week.of(today).monday.isoformat()
    return dt.date.fromisoformat(place.state["anchor"])


def _uses_sandbox(place: Home) -> bool:
    clients = load_agency(place.clients).clients.values()
    doors = [door.connection for client in clients for door in client.accounts]
    doors += [door.connection for client in clients for door in client.web]
    return any((door or "").startswith("sandbox_") for door in doors)


def _require_room(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free
    if free < NEEDED_BYTES:
        raise NoRoom(
            f"Only {free // 1024**2} MB are free on the disk of {path}; the demo needs {NEEDED_BYTES // 1024**2} MB."
        )


def _airflow(place: Home, *arguments: str) -> None:
    with (place.logs / "airflow-cli.log").open("ab") as log:
        subprocess.run(
            [str(Path(sys.executable).with_name("airflow")), *arguments],
            env={**os.environ, **place.environment}, stdout=log, stderr=subprocess.STDOUT, check=True, cwd=REPOSITORY,
        )  # fmt: skip


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _wait(ready: Callable[[], bool], seconds: float, what: str, processes: Processes, names: list[str]) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        processes.require(*names)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} has not come up within {seconds:.0f} s.")
        time.sleep(0.5)
