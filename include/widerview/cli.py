"""The command line. Each command imports what it needs when it runs, so that `--help` comes at once."""
# ruff: noqa: PLC0415 - for the reason above

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from widerview.agency.models import Client

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"widerview {version('widerview')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    """Weekly client reports for social media agencies, on Apache Airflow.

    Widerview pulls what social platforms and web analytics say about each client, checks it, keeps it in a
    warehouse, and emails every client one weekly report that a person at the agency has approved. Airflow runs all
    of that; these commands are for what is done by hand.

    **First steps**

    1. `cp examples/client.yaml clients/harbour-bakery.yaml` and write in it what is true of your client.

    2. `widerview check` says whether all client files are right, and how to mend one that is not.

    3. `widerview COMMAND --help` tells what a command does, with an example.
    """


@app.command()
def check(
    clients: Annotated[
        Path | None, typer.Option(help="Folder of client files; $WIDERVIEW_CLIENTS or `clients` if left out.")
    ] = None,
) -> None:
    """Check all client files.

    Prints a line for each client whose file is right, and for each mistake its file, line, column and fix.
    Ends with 0 if all files are right, with 1 if one has mistakes, with 2 if there is no such folder.

    Example: `widerview check --clients examples`
    """
    from widerview.agency.load import NoFolder, load_agency
    from widerview.settings import load_settings

    folder, here = clients or load_settings().clients, Path.cwd()
    folder = folder.relative_to(here) if folder.is_relative_to(here) else folder
    try:
        agency = load_agency(folder)
    except NoFolder as error:
        _say(str(error), "red", to_error=True)
        raise typer.Exit(2) from error
    now = dt.datetime.now(dt.UTC)
    for client in agency.clients.values():
        _say(_summary(client, now), "green")
    for broken in agency.broken:
        _say(str(broken), "red")
    mistakes = sum(len(broken.problems) for broken in agency.broken)
    if mistakes:
        _say(f"Right: {len(agency.clients)}. Left out: {len(agency.broken)}, for {mistakes} mistake(s).", "bold red")
        raise typer.Exit(1)
    if agency.clients:
        _say(f"Right: {len(agency.clients)}. Left out: none.", "bold green")
    else:
        _say(f"No client files in {folder} yet; begin with a copy of examples/client.yaml", "yellow")


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option(help="File to write; the terminal if left out.", dir_okay=False, writable=True)
    ] = None,
) -> None:
    """Write the JSON Schema of client files, with which editors complete and check them.

    Example: `widerview schema --out clients/client.schema.json`
    """
    from widerview.agency.schema import schema_text

    if out is None:
        typer.echo(schema_text(), nl=False)
        return
    try:
        out.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        _say(f"{out} cannot be written: {error.strerror}. Name a file in a folder that exists.", "red", to_error=True)
        raise typer.Exit(2) from error


def _say(line: str, style: str, *, to_error: bool = False) -> None:
    """Print text as it is, coloured on a terminal: nothing in it is markup, and long lines stay whole."""
    Console(stderr=to_error, highlight=False).print(Text(line, style), soft_wrap=True)


def _summary(client: "Client", now: dt.datetime) -> str:
    from widerview.agency.yaml_lines import printable

    accounts = ", ".join(f"{account.platform} {account.handle}" for account in client.accounts) or "no accounts"
    websites = ", ".join(site.url for site in client.web) or "no website"
    report = f"{client.report.next_after(now, client.zone):%a %Y-%m-%d %H:%M} {client.time_zone}"
    return printable(f"{client.client}: {client.name}; {accounts}; {websites}; next report {report}")
