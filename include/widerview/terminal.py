"""What the commands share: words on a terminal, the client a person names, errors that people can mend."""
# ruff: noqa: PLC0415 - each command imports what it needs when it runs

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from widerview.agency.load import Agency
    from widerview.agency.models import Client
    from widerview.measures.weeks import Week


def settle_in() -> None:
    """Get ready: after `make demo`, commands in its checkout speak of the demo, unless the shell names a warehouse."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # As Airflow's own commands do: lets Connections be found that were made in the UI, too.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    file = Path(".widerview/demo.env")
    if "AIRFLOW_CONN_WIDERVIEW_WAREHOUSE" not in os.environ and file.exists():
        say(f"(settings of the demo, from {file})", "dim", to_error=True)
        own_clients = any(Path("clients").glob("*.yaml"))
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if not (name == "WIDERVIEW_CLIENTS" and own_clients):
                os.environ.setdefault(name, value)


def parse_week(name: str, option: str) -> "Week":
    """Read an ISO week that an option names."""
    from widerview.measures.weeks import Week

    try:
        return Week.parse(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def read_clients() -> "tuple[Path, Agency]":
    """Read all client files; give their folder, too. End with 2 and the reason if there is none."""
    from widerview.agency.load import NoFolder, load_agency
    from widerview.settings import load_settings

    folder = load_settings().clients
    try:
        return folder, load_agency(folder)
    except NoFolder as error:
        say(str(error), "red", to_error=True)
        raise typer.Exit(2) from error


def find_client(client_id: str) -> "Client":
    """Read the file of the client a person names; end with 2 and the reason if it is absent or has mistakes."""
    folder, agency = read_clients()
    for broken in agency.broken:
        if broken.key == client_id:
            say(str(broken), "red", to_error=True)
            raise typer.Exit(2)
    if client_id not in agency.clients:
        say(
            f"No client {client_id!r} in {folder}; there are: {', '.join(agency.clients) or 'none'}",
            "red",
            to_error=True,
        )
        raise typer.Exit(2)
    return agency.clients[client_id]


@contextmanager
def clear_errors() -> Iterator[None]:
    """What people can mend is told in one line, without a stack trace."""
    from sqlalchemy.exc import SQLAlchemyError

    from widerview.delivery.outbox import OutboxConflict
    from widerview.landing.store import LandingError
    from widerview.pipeline.ingest import CheckBroken, LoadFailed

    of_ours = (LandingError, CheckBroken, LoadFailed, OutboxConflict)
    try:
        yield
    except (LookupError, ValueError, OSError, SQLAlchemyError, *of_ours) as error:
        say(str(error).partition("\n")[0], "red", to_error=True)
        raise typer.Exit(1) from error


def say(line: str, style: str, *, to_error: bool = False) -> None:
    """Print text as it is, coloured on a terminal: nothing in it is markup, and long lines stay whole."""
    Console(stderr=to_error, highlight=False).print(Text(line, style), soft_wrap=True)
