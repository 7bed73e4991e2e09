"""The command line. Each command imports what it needs when it runs, so that `--help` comes at once."""
# ruff: noqa: PLC0415 - for the reason above

import datetime as dt
import json
import shlex
from collections import Counter
from contextlib import suppress
from getpass import getuser
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from widerview import campaign_commands
from widerview.terminal import clear_errors, find_client, parse_week, read_clients, say, settle_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from widerview.agency.models import Client
    from widerview.pipeline.observed import Row
    from widerview.report.receipts import Value

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)
warehouse = typer.Typer(no_args_is_help=True, help="The warehouse's own upkeep.")
app.add_typer(warehouse, name="warehouse")
quarantine = typer.Typer(no_args_is_help=True, help="What the gate holds back: look at it, release it, check it anew.")
app.add_typer(quarantine, name="quarantine")
app.add_typer(campaign_commands.app)

outbox = typer.Typer(no_args_is_help=True, help="Mails on their way: look at them, resolve what waits for a person.")
app.add_typer(outbox, name="outbox")


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

    3. `widerview doctor` says whether warehouse, landing, mail server and connections are in order.

    4. `widerview preview harbour-bakery --out preview` composes the report as it stands, without sending it.

    `widerview COMMAND --help` tells what a command does, with an example.
    """


@app.command()
def check(
    clients: Annotated[
        Path | None, typer.Option(help="Folder of client files; $WIDERVIEW_CLIENTS or `clients` if left out.")
    ] = None,
) -> None:
    """Check all client files, and the themes they name.

    Prints a line for each client whose files are right, and for each mistake its file, line, column and fix.
    Ends with 0 if all files are right, with 1 if one has mistakes, with 2 if there is no such folder.

    Example: `widerview check --clients examples`
    """
    from widerview.agency.load import NoFolder, load_agency
    from widerview.agency.theme import broken_themes
    from widerview.clock import utc_now
    from widerview.settings import load_settings

    folder, here = clients or load_settings().clients, Path.cwd()
    folder = folder.relative_to(here) if folder.is_relative_to(here) else folder
    try:
        agency = load_agency(folder)
    except NoFolder as error:
        say(str(error), "red", to_error=True)
        raise typer.Exit(2) from error
    now = utc_now()
    themes = broken_themes(folder, agency)
    right = [client for client in agency.clients.values() if client.client not in themes]
    for client in right:
        say(_summary(client, now), "green")
    files = {broken.path: broken for broken in (*agency.broken, *themes.values())}  # clients may share a theme
    for broken in files.values():
        say(str(broken), "red")
    mistakes = sum(len(broken.problems) for broken in files.values())
    if mistakes:
        left_out = len(agency.broken) + len(themes)
        say(f"Right: {len(right)}. Left out: {left_out}, for {mistakes} mistake(s).", "bold red")
        raise typer.Exit(1)
    if agency.clients:
        say(f"Right: {len(right)}. Left out: none.", "bold green")
    else:
        say(f"No client files in {folder} yet; begin with a copy of examples/client.yaml", "yellow")


@app.command()
def glossary(
    locale: Annotated[str, typer.Option(help="Language of the page, e.g. `de`.")] = "en",
    out: Annotated[
        Path | None, typer.Option(help="File to write; the terminal if left out.", dir_okay=False, writable=True)
    ] = None,
) -> None:
    """Write the page that explains every card and number of the reports, to publish on the agency's website.

    Then write its address into the client files as `sender.glossary_url`, and the reports' cards link to it.

    Example: `widerview glossary --locale de --out glossary.html`
    """
    from babel import UnknownLocaleError

    from widerview.report.glossary import glossary_page

    try:
        page = glossary_page(locale)
    except (UnknownLocaleError, ValueError) as error:
        say(f"--locale {locale!r} is no language we know; write it like de or en_GB", "red", to_error=True)
        raise typer.Exit(2) from error
    if out is None:
        typer.echo(page)
        return
    out.write_text(page, encoding="utf-8")
    say(f"Written: {out}", "green")


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
        say(f"{out} cannot be written: {error.strerror}. Name a file in a folder that exists.", "red", to_error=True)
        raise typer.Exit(2) from error


@app.command()
def preview(
    client: Annotated[str, typer.Argument(help="The client's id.")],
    out: Annotated[Path, typer.Option(help="Folder to write email.html, email.txt and email.eml to.")],
    period: Annotated[
        str | None, typer.Option(help="ISO week like 2026-W46; the last complete one if left out.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write email.pdf, too, also if the client gets none.")] = False,
) -> None:
    """Compose a client's report from what is in the warehouse now, and write it to files. Sends and keeps nothing.

    Example: `widerview preview harbour-bakery --period 2026-W46 --out /tmp/preview`
    """
    settle_in()
    from widerview.agency.load import BrokenFileError
    from widerview.clock import utc_now
    from widerview.delivery.catcher import to_html
    from widerview.measures.weeks import Week
    from widerview.pipeline import connections, weekly
    from widerview.report.pdf import report_pdf
    from widerview.report.render import render
    from widerview.settings import load_settings

    known = find_client(client)
    week = parse_week(period, "--period") if period else Week.last_complete(utc_now(), known.zone)
    with clear_errors():
        facts = weekly.compose_facts(connections.warehouse(), known, week, utc_now())
        try:
            facts = weekly.with_theme(facts, load_settings().clients, known)
        except BrokenFileError as error:
            say(str(error), "red", to_error=True)
            raise typer.Exit(1) from error
        mail = next(weekly.mails(known, facts, None, facts.as_of))
        written = {"email.html": to_html(mail.message).encode(), "email.txt": render(facts).text.encode()}
        written |= {"email.eml": mail.message}
        if pdf or facts.pdf:
            written["email.pdf"] = report_pdf(facts)
        out.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (out / name).write_bytes(content)
        say(str(out / name), "green")
    if facts.colour == "red":
        lines = "\n".join(f"  {source.title}: {source.line}" for source in facts.sources if source.colour == "red")
        say(f"The verdict is red: this report would not be sent.\n{lines}", "yellow")


@app.command()
def sources(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the sources: what each can read, against which version of the platform's API, how far back.

    Example: `widerview sources`
    """
    from widerview.sources.describe import facts_of
    from widerview.sources.registry import SOURCES

    if as_json:
        typer.echo(json.dumps([facts_of(each) for each in SOURCES.values()], indent=2))
        return
    more = ("kind", "API", "ends", "streams", "look-back", "verified against")
    table = Table(Column("source", no_wrap=True), *(Column(name, overflow="fold") for name in more))
    for each in SOURCES.values():
        table.add_row(
            each.name, each.kind, each.api_version, str(each.sunset or ""), ", ".join(each.streams),
            f"{each.lookback_days} days", ", ".join(each.evidence),
        )  # fmt: skip
    Console().print(table)


@app.command()
def usage(
    days: Annotated[int, typer.Option(min=1, help="How many days to show, today included.")] = 7,
) -> None:
    """Show what asking the platforms has cost: HTTP calls and US dollars, by day, client and platform, of how many.

    Example: `widerview usage --days 30`
    """
    from widerview.agency.load import NoFolder, load_agency
    from widerview.clock import utc_now
    from widerview.pipeline import connections
    from widerview.pipeline.ingest import dollars_a_day, targets_of
    from widerview.settings import load_settings
    from widerview.sources.registry import SOURCES
    from widerview.warehouse.usage import used_since

    settle_in()
    whole = [Column(name, no_wrap=True) for name in ("day (UTC)", "client", "source")]
    table = Table(*whole, "calls", "of", "dollars", "of")
    most_calls: Counter[tuple[str, str]] = Counter()
    most_dollars: dict[tuple[str, str], str] = {}
    with suppress(NoFolder):
        clients = load_agency(load_settings().clients).clients.values()
        for source in SOURCES.values():
            for target in targets_of(clients, source.name):
                most_calls[target.client_id, source.name] += source.calls_a_day
                if most := dollars_a_day(source, target):
                    most_dollars[target.client_id, source.name] = f"{most:.2f}"
    with clear_errors():
        used = used_since(connections.warehouse(), utc_now().date() - dt.timedelta(days=days - 1))
    for row in used:
        whose = row.client_id, row.source
        table.add_row(
            str(row.day), *whose, str(row.calls), str(most_calls[whose] or ""),
            f"{row.dollars:.2f}" if row.dollars else "", most_dollars.get(whose, ""),
        )  # fmt: skip
    Console().print(table)


@app.command()
def doctor() -> None:
    """See whether everything is there that the pipeline needs: files, warehouse, landing, mail server, connections.

    Asks no platform and sends nothing. Ends with 1 if something is amiss.

    Example: `widerview doctor`
    """
    settle_in()
    from widerview.pipeline.doctor import examine

    findings = list(examine())
    for finding in findings:
        say(f"{'✓' if finding.fine else '✗'} {finding.what}: {finding.detail}", "green" if finding.fine else "red")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the warehouse's tables up to date; makes the database if the server does not have it yet.

    Example: `widerview migrate`
    """
    settle_in()
    from widerview.pipeline import connections
    from widerview.settings import load_settings
    from widerview.warehouse.database import make_database
    from widerview.warehouse.migrate import current
    from widerview.warehouse.migrate import migrate as upgrade

    with clear_errors():
        engine = connections.warehouse()
        make_database(engine.url)
        upgrade(engine, distributed=load_settings().distributed)
        say(f"The warehouse is at {current(engine)}", "green")


@app.command()
def pools(
    out: Annotated[Path | None, typer.Option(help="File to write; the terminal if left out.")] = None,
) -> None:
    """Write the Airflow pools that keep the platforms' rate limits, for `airflow pools import`.

    Example: `widerview pools --out pools.json && airflow pools import pools.json`
    """
    from widerview.pipeline.catalogue import pools as all_pools

    text = json.dumps(all_pools(), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@app.command()
def replay(
    client: Annotated[str | None, typer.Option(help="Only this client's.")] = None,
) -> None:
    """Load everything in landing into the warehouse again, without asking any platform.

    What reports have said does not change: what they did not know is recorded as of now. An empty warehouse is
    filled as it was. Let no DAG run meanwhile.

    Example: `widerview replay`
    """
    settle_in()
    from widerview.pipeline import connections, ingest
    from widerview.sources.registry import SOURCES

    if client:
        find_client(client)
    with clear_errors():
        replayed = ingest.replay(connections.landing(), SOURCES, connections.warehouse(), client)
    say(f"{replayed.loaded} pull(s) replayed", "green")
    if replayed.gone:
        say(f"{replayed.gone} pull(s) left out: some of their raw answers are no longer kept", "yellow")


@app.command()
def corrections(
    client: Annotated[str, typer.Option(help="The client's id.")],
    week: Annotated[
        str | None, typer.Option(help="ISO week like 2026-W46; the last 8 that were sent if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which numbers of sent reports are other ones by now, and why.

    Late data: an answer was loaded after the report. Platform revision: the platform says another number since. Our
    fix: the same answer is read better since. Reactions that a post has earned since are no corrections.

    Example: `widerview corrections --client harbour-bakery --week 2026-W46`
    """
    settle_in()
    import msgspec

    from widerview.pipeline import connections, past_reports
    from widerview.warehouse.database import present

    with clear_errors():
        engine = connections.warehouse()
        weeks = [parse_week(week, "--week")] if week else past_reports.weeks_sent(engine, client)[-8:]
        now = present(engine, client)
        found = [number for each in weeks for number in past_reports.corrections(engine, client, each, now)]
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    elif not weeks:
        say(f"No report has been sent to client {client} yet", "yellow")
    elif not found:
        say(f"Nothing to correct in {', '.join(map(str, weeks))}", "green")
    else:
        table = Table("week", "number", "we said", "we know", "why")
        for number in found:
            why = (f"{each.why} ({each.source}, {each.values} value(s))" for each in number.reasons)
            table.add_row(
                number.period, number.label, _shown(number.said), _shown(number.known), "\n".join(why) or "read late"
            )
        Console().print(table)


@app.command()
def rebuild(
    client: Annotated[str, typer.Option(help="The client's id.")],
    week: Annotated[str, typer.Option(help="ISO week like 2026-W46.")],
    revision: Annotated[int | None, typer.Option(help="Which revision; the latest if left out.")] = None,
) -> None:
    """Make a past report again from the observations, and see that it is the same, byte for byte.

    Its facts are compared with those that were kept, and its mails with those in the outbox. Ends with 1 and names
    the first difference if there is one.

    Example: `widerview rebuild --client harbour-bakery --week 2026-W46`
    """
    settle_in()
    from widerview.pipeline import connections, past_reports

    with clear_errors():
        rebuilt = past_reports.rebuild(connections.warehouse(), client, parse_week(week, "--week"), revision)
    facts = rebuilt.facts
    say(f"{facts.period}, revision {facts.revision}: facts and {rebuilt.mails} mail(s) are the same as of "
         f"{facts.as_of:%Y-%m-%d %H:%M} UTC", "green")  # fmt: skip


@app.command()
def explain(
    client: Annotated[str, typer.Argument(help="The client's id.")],
    period: Annotated[str, typer.Argument(help="ISO week of the report, like 2026-W46.")],
    number: Annotated[str | None, typer.Argument(help="The number's id; lists all of them if left out.")] = None,
    revision: Annotated[
        int | None, typer.Option(help="Which revision; the one that was sent last if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the receipt of a number in a report: definition, SQL, rows, and what the platforms had answered.

    Every number that the mail prints has an id. One that a formula gives names the formula, where it is told, and its
    inputs, each of which can be explained, too. The number is worked out anew, and the sha256 of each raw answer from
    its bytes. Ends with 1 if either is not what it was.

    Example: `widerview explain harbour-bakery 2026-W46 visits`
    """
    settle_in()
    import msgspec

    from widerview.pipeline import connections
    from widerview.pipeline import explain as receipts
    from widerview.yaml_lines import printable

    week = parse_week(period, "PERIOD")
    with clear_errors():
        engine = connections.warehouse()
        if number is None:
            for each in receipts.numbers(engine, client, week, revision).values():
                say(printable(f"{each.id:<48} {each.text:<28} {each.label}"), "")
            return
        found = receipts.explain(engine, connections.landing(), client, week, number, revision)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    say(printable(f"{found.label}: {_shown(found.value)}"), "bold")
    if found.printed:
        say(printable(f"in the mail: {found.printed}"), "")
    say(printable(": ".join(filter(None, (found.definition, found.meaning)))), "")
    say(f"{found.period}, revision {found.revision}, as of {found.as_of:%Y-%m-%d %H:%M:%S} UTC", "")
    for line in "\n\n".join(("", *found.sql)).splitlines():
        say(printable(line), "dim")
    if found.rows:
        _print_rows(found.rows)
    say(printable(found.how), "")
    if found.function:
        say(f"formula  {found.function}  (worked out anew: the same)", "green")
    say(f"told in  {found.page}", "")
    for given in found.inputs:
        say(printable(f"input    {given.id}: {_shown(given.value)}"), "")
    for answer in found.answers:
        say("", "")
        say(f"sha256   {answer.sha256}  (worked out anew: the same)", "green")
        say(printable(f"asked    {answer.request}"), "")
        say(f"answer   {answer.status}, {answer.size} bytes, arrived {answer.fetched_at:%Y-%m-%d %H:%M:%S} UTC", "")
        say(f"raw      {answer.raw}", "")
        say(f"pull     {answer.pull}", "")


def _print_rows(rows: "Iterable[Row]") -> None:
    from widerview.yaml_lines import printable

    table = Table("source", "of", "metric", "value", "observed (UTC)", "sha256 of the answer")
    for row in rows:
        table.add_row(
            row.source, Text(printable(row.of)), row.metric, _shown(row.value), f"{row.observed_at:%Y-%m-%d %H:%M:%S}",
            row.receipt[:12],
        )  # fmt: skip
    Console().print(table)


@app.command()
def forget(
    client: Annotated[str, typer.Option(help="The client's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the client's id again.")] = False,
) -> None:
    """Remove a client from the warehouse and from landing, and prove it by searching for what is left.

    Remove the client's file first. There is no way back but the backup. Ends with 0 if nothing is left, else with 1;
    it can be run again, also after it was interrupted.

    Example: `widerview forget --client harbour-bakery`
    """
    settle_in()
    from widerview.pipeline import catalogue, connections
    from widerview.pipeline.forget import forget as forget_client

    folder, agency = read_clients()
    if client in agency.clients or client in {broken.key for broken in agency.broken}:
        say(
            f"{client} still has a file in {folder}, so its DAGs would bring it back. Remove the file, wait until its "
            "running tasks have ended, then run this again.",
            "red",
            to_error=True,
        )
        raise typer.Exit(2)
    if not yes and typer.prompt("All data of this client will be removed. Type its id to go on") != client:
        say("That is not the client's id. Nothing was removed.", "red", to_error=True)
        raise typer.Exit(2)
    with clear_errors():
        done = forget_client(connections.warehouse(), connections.landing(), client, agency.clients.values())
    table = Table("place", "removed", "left")
    for line in done.lines:
        table.add_row(line.place, str(line.removed), str(line.left))
    Console().print(table)
    for note in done.notes:
        say(note, "yellow")
    say(
        "Not removed from here: the client's runs and logs in Airflow (airflow dags delete "
        f"{catalogue.report_dag_id(client)}; the logs of ingest DAGs name its accounts until they are deleted), "
        "backups, and mails that were sent.",
        "yellow",
    )
    if any(line.left for line in done.lines):
        say(f"Something of {client} is left: see above.", "bold red")
        raise typer.Exit(1)
    say(f"Nothing of {client} is left in warehouse and landing.", "bold green")


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, and say what would go.")] = False,
) -> None:
    """Remove what is older than it is kept: $WIDERVIEW_KEEP_RAW_DAYS, $WIDERVIEW_KEEP_OBSERVATIONS_MONTHS.

    The DAG `housekeeping` does this every week. Reports and mails stay.

    Example: `widerview retention --dry-run`
    """
    settle_in()
    from widerview.clock import utc_now
    from widerview.pipeline import connections
    from widerview.pipeline.retention import expire
    from widerview.settings import load_settings

    with clear_errors():
        settings = load_settings()
        gone = expire(connections.warehouse(), connections.landing(), settings, utc_now(), dry_run=dry_run)
    table = Table("place", "would go" if dry_run else "removed")
    for place, count in gone.items():
        table.add_row(place, str(count))
    if gone:
        Console().print(table)
    else:
        say(
            f"Nothing is older than {settings.keep_raw_days} days (raw answers) or "
            f"{settings.keep_observations_months} months (observations).",
            "green",
        )


@quarantine.command("list")
def list_held(
    client: Annotated[str | None, typer.Option(help="Only this client's.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source's, e.g. matomo.")] = None,
    since: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only of pulls that ended on this day (UTC) or later."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many rows and numbers to show.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List what is held, pull by pull, the newest first: which row, which number of it, and why.

    The line above each table is the pull's name, which the other commands take as LOAD_ID.

    Example: `widerview quarantine list --client harbour-bakery --since 2026-11-16`
    """
    settle_in()
    from widerview.pipeline import connections
    from widerview.warehouse.quarantine import held
    from widerview.yaml_lines import printable

    with clear_errors():
        found = held(
            connections.warehouse(),
            client_id=client,
            source=source,
            since=since and since.replace(tzinfo=dt.UTC),
            most=most + 1,
        )
    if as_json:
        shown = [{**each._asdict(), "row": json.loads(each.row)} for each in found[:most]]
        typer.echo(json.dumps(shown, indent=2, default=str))
        return
    if not found:
        say("Nothing is held", "green")
        return
    for load_id, pull in groupby(found[:most], key=lambda each: each.load_id):
        rows = list(pull)
        first = rows[0]
        say(
            f"{first.client_id}: {first.source} {first.ref}, pulled {first.observed_at:%Y-%m-%d %H:%M} UTC by the run "
            f"{first.run}",
            "bold",
        )
        say(load_id, "cyan")
        table = Table("row", "kind", "number", "why it is held")
        for each in rows:
            number = Text(printable(each.metric or "the whole row"))
            table.add_row(str(each.row_index), each.kind, number, Text(printable(each.reason)))
        Console().print(table)
    if len(found) > most:
        say(f"There is more: give --most a number above {most}, or narrow it down.", "yellow")


@quarantine.command("show")
def show_held(
    load_id: Annotated[str, typer.Argument(help="The pull, as `widerview quarantine list` names it.")],
    row: Annotated[int, typer.Argument(min=0, help="The row's number there.")],
) -> None:
    """Show a held row: what it says, why it is held, and where to read what the platform answered.

    Example: `widerview quarantine show pulls/matomo/…/20261116T040000.000000Z.json 17`
    """
    settle_in()
    from widerview.pipeline import connections
    from widerview.pipeline.quarantine import show
    from widerview.yaml_lines import printable

    with clear_errors():
        for shown in show(connections.warehouse(), connections.landing(), load_id, row):
            held, entry = shown.held, shown.entry
            for name, value in (
                ("client", held.client_id),
                ("account", f"{held.source} {held.ref}"),
                ("run", held.run),
                ("row", f"{held.row_index} ({held.kind})"),
                ("held", held.metric or "the whole row"),
                ("because", held.reason),
                ("answer", f"number {shown.place} of the pull, {entry.stream}, {entry.size} bytes, received "
                           f"{entry.fetched_at:%Y-%m-%d %H:%M:%S} UTC"),
                ("asked", f"{entry.request.method} {entry.request.url}"),
                ("sha256", held.receipt),
                ("raw", shown.pack if shown.is_kept else f"{shown.pack} (no longer kept)"),
            ):  # fmt: skip
                say(printable(f"{name:<8} {value}"), "")
            if shown.is_kept and "://" not in shown.pack:
                cut = f"tail -c +{shown.offset + 1} | head -c {entry.size}"
                say(f"{'open':<8} gzip -dc {shlex.quote(shown.pack)} | {cut}", "cyan")
            say(json.dumps(json.loads(held.row), indent=2, ensure_ascii=False), "")


@quarantine.command("release")
def release_held(
    client: Annotated[str, typer.Option(help="The client's id.")],
    load: Annotated[str, typer.Option(help="The pull, as `widerview quarantine list` names it.")],
    why: Annotated[str, typer.Option(help="Why it is right after all; kept with the release.")],
    row: Annotated[
        int | None, typer.Option(min=0, help="Only this row; all that is held of the pull if left out.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Only this number of the row.")] = None,
    verdict: Annotated[
        bool,
        typer.Option("--verdict", help="Instead: that days are red though nothing is held for it; they become amber."),
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who says so; your user name if left out.")] = None,
) -> None:
    """Say that something held is right after all: it leaves the quarantine and is loaded.

    The release is kept in landing beside the pull, so a replay knows of it. Then the pull is checked and loaded again
    from its raw answers, without asking the platform. Doing it twice changes nothing. To let rows in that were held
    because we misread them, mend the parser and use `recheck` instead.

    What makes a day red need not be a row: a list of posts that is empty, a metric that the platform has given up. Look
    at it, and release it with `--verdict`: the pull's days become amber, and the report can be composed again.

    Example: `widerview quarantine release --client harbour-bakery --load pulls/… --row 17 --why "The fair was real"`
    """
    settle_in()
    from widerview.clock import utc_now
    from widerview.pipeline import connections
    from widerview.pipeline.quarantine import release
    from widerview.sources.registry import SOURCES

    if metric is not None and row is None:
        raise typer.BadParameter("say which row's, with --row", param_hint="--metric")
    if verdict and row is not None:
        raise typer.BadParameter("a verdict is of the whole pull: leave --row out", param_hint="--verdict")
    if not why.strip():
        raise typer.BadParameter("say why, for those who ask later", param_hint="--why")
    with clear_errors():
        done = release(
            connections.landing(),
            SOURCES,
            connections.warehouse(),
            client,
            load,
            index=row,
            metric=metric,
            verdict=verdict,
            why=why.strip(),
            by=by or getuser(),
            at=utc_now(),
        )
    say(f"Released now: {done.places}. The pull is checked and loaded again." if done.places
         else "Released already. The pull is checked and loaded again.", "green")  # fmt: skip
    if done.still_held:
        say(f"Of this pull {len(done.still_held)} row(s) and number(s) are still held.", "yellow")
    if done.still_red:
        say(f"Days of it are still red: {' '.join(done.still_red)}", "yellow")


@quarantine.command("recheck")
def recheck_held(
    client: Annotated[str, typer.Option(help="The client's id.")],
    source: Annotated[str | None, typer.Option(help="Only this source's pulls, e.g. matomo.")] = None,
    load: Annotated[str | None, typer.Option(help="Only this pull, as `widerview quarantine list` names it.")] = None,
) -> None:
    """Check and load again the pulls of which something is held, after a parser or a check was mended.

    Works from the raw answers in landing, without asking any platform.

    Example: `widerview quarantine recheck --client harbour-bakery --source matomo`
    """
    settle_in()
    from widerview.pipeline import connections
    from widerview.pipeline.quarantine import recheck
    from widerview.sources.registry import SOURCES

    with clear_errors():
        done = recheck(connections.landing(), SOURCES, connections.warehouse(), client, source, load)
    for line in done.left_out:
        say(f"Left out: {line}", "yellow")
    say(f"{done.pulls} pull(s) checked and loaded again; held before: {done.before}, now: {done.after}", "green")


_ClientOption = Annotated[str, typer.Option("--client", help="The client's id.")]
_WeekOption = Annotated[str, typer.Option("--week", help="ISO week like 2026-W46, or the name of an alert.")]
_RevisionOption = Annotated[int, typer.Option("--revision", min=1, help="Which revision of the report.")]
_RecipientOption = Annotated[str, typer.Option("--recipient", help="The recipient's address.")]
_ByOption = Annotated[str | None, typer.Option("--by", help="Who says so; your user name if left out.")]


@outbox.command("list")
def list_mails(
    client: Annotated[str | None, typer.Option(help="Only this client's.")] = None,
    week: Annotated[str | None, typer.Option(help="Only this ISO week's, like 2026-W46.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those of which nothing is left to do.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the mails that are to be sent or wait for a person, and the recipients to whom nothing is sent.

    Ends with 1 if a mail waits for a person.

    Example: `widerview outbox list --client harbour-bakery`
    """
    settle_in()
    from dataclasses import asdict

    from widerview.delivery.outbox import list_rows
    from widerview.delivery.suppression import list_suppressed
    from widerview.pipeline import connections
    from widerview.yaml_lines import printable

    with clear_errors(), connections.warehouse().connect() as connection:
        period = _period(week) if week else None
        matching = list_rows(connection, client_id=client, period=period)
        left_alone = list_suppressed(connection, client)
    if client and not (matching or left_alone):  # a client that is gone may have mails; a wrong name has none
        find_client(client)
    mails = [mail for mail in matching if everything or not mail.is_over]
    if as_json:
        shown = {"mails": [asdict(each) for each in mails], "suppressed": [asdict(each) for each in left_alone]}
        typer.echo(json.dumps(shown, indent=2, default=str))
    else:
        table = Table("client", "week", "revision", "recipient", "state", "attempts", "since (UTC)", "answer")
        for mail in mails:
            table.add_row(
                mail.client_id, mail.period, str(mail.revision), Text(printable(mail.recipient)), mail.state,
                str(mail.attempts), f"{mail.changed_at:%Y-%m-%d %H:%M}", Text(printable(mail.answer or "")),
            )  # fmt: skip
        if mails:
            Console().print(table)
        elif matching:
            say("Nothing is left to be sent or decided", "green")
        else:
            say("No mails match", "yellow")
        for each in left_alone:
            say(f"Nothing is sent to: {each.client_id}: {printable(str(each))}", "yellow")
    if any(mail.waits for mail in mails):
        raise typer.Exit(1)


@outbox.command("show")
def show_mail(
    client: _ClientOption,
    week: _WeekOption,
    revision: _RevisionOption,
    recipient: _RecipientOption,
    message: Annotated[
        Path | None, typer.Option(help="File to write the mail to, byte for byte as it is sent.")
    ] = None,
) -> None:
    """Show everything that is known of a mail.

    Example: `widerview outbox show --client harbour-bakery --week 2026-W46 --revision 1 --recipient ada@bakery.example`
    """
    settle_in()
    from dataclasses import asdict
    from hashlib import sha256

    from widerview.delivery.outbox import list_rows, messages
    from widerview.pipeline import connections
    from widerview.yaml_lines import printable

    with clear_errors(), connections.warehouse().connect() as connection:
        period = _period(week)
        rows = list_rows(connection, client_id=client, period=period, revision=revision)
        mail = next((row for row in rows if row.recipient == recipient), None)
        if mail is None:
            raise LookupError(f"no mail of {client} {period} revision {revision} to {recipient}: see outbox list")
        content = messages(connection, client_id=client, period=period, revision=revision)[recipient]
    for name, value in asdict(mail).items():
        if value is not None:
            say(printable(f"{name:<11} {value}"), "")
    say(f"{'sha256':<11} {sha256(content).hexdigest()}", "")
    if message:
        with clear_errors():
            message.write_bytes(content)
        say(str(message), "green")


@outbox.command("resolve")
def resolve_mail(
    client: _ClientOption,
    recipient: _RecipientOption,
    week: Annotated[
        str | None, typer.Option(help="ISO week like 2026-W46, or the name of an alert; not needed for --lift.")
    ] = None,
    revision: _RevisionOption = 1,
    arrived: Annotated[
        bool | None, typer.Option("--arrived/--not-arrived", help="An uncertain mail: what you found out.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="A held mail: why it is right as it is.")] = None,
    stop: Annotated[str | None, typer.Option(help="A mail that is ready or held: why it is not to be sent.")] = None,
    done: Annotated[
        str | None, typer.Option(help="Failed, bounced or uncertain: why nothing is left to do about it.")
    ] = None,
    lift: Annotated[str | None, typer.Option(help="A suppressed recipient: why mails may go there again.")] = None,
    by: _ByOption = None,
) -> None:
    """Decide what becomes of a mail. What is ready then leaves with the DAG `outbox`.

    Example: `widerview outbox resolve --client harbour-bakery --week 2026-W46 --recipient ada@bakery.example --arrived`
    """
    settle_in()
    from widerview.clock import utc_now
    from widerview.pipeline import connections, outgoing

    found = None if arrived is None else "arrived" if arrived else "lost"
    reasons = {"release": release, "stop": stop, "done": done, "lift": lift}
    decisions = [(found, "")] if found else []
    decisions += [(what, why) for what, why in reasons.items() if why is not None]
    if len(decisions) != 1:
        raise typer.BadParameter(
            "give one of --arrived, --not-arrived, --release WHY, --stop WHY, --done WHY, --lift WHY"
        )
    [(what, why)] = decisions
    if what != "lift" and week is None:
        raise typer.BadParameter("say of which week", param_hint="--week")
    period = _period(week) if week else ""
    with clear_errors():
        outgoing.decide(
            connections.warehouse(), client, period, revision, recipient,
            what=what, why=why, by=by or getuser(), now=utc_now(),
        )  # fmt: skip
    say(f"{recipient}: {outgoing.DECISIONS[what]}", "green")


@outbox.command("resend")
def resend_report(
    client: _ClientOption,
    week: _WeekOption,
    revision: _RevisionOption,
    why: Annotated[str, typer.Option(help="Why it is sent again; kept with each mail.")],
    recipient: Annotated[list[str] | None, typer.Option(help="To whom; may be given more than once.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="To all whose mail failed and waits for a person.")] = False,
    by: _ByOption = None,
) -> None:
    """Send an approved report again, as a new revision that says the same: a mail of its own.

    It goes to people on the client's list only, and leaves with the DAG `outbox`, in office hours.

    Example: `widerview outbox resend --client harbour-bakery --week 2026-W46 --revision 1
    --recipient ada@bakery.example --why "The address was wrong"`
    """
    settle_in()
    from widerview.clock import utc_now
    from widerview.delivery.outbox import list_rows
    from widerview.pipeline import connections, outgoing

    if bool(recipient) == failed:
        raise typer.BadParameter("give --recipient, or --failed")
    known, period = find_client(client), _period(week)
    with clear_errors():
        engine, to = connections.warehouse(), recipient or []
        if failed:
            with engine.connect() as connection:
                rows = list_rows(connection, client_id=client, period=period, revision=revision, state="failed")
            to = [row.recipient for row in rows if row.waits]
            if not to:
                raise LookupError(f"no mail of {client} {period} revision {revision} has failed and waits")
        number = outgoing.resend(engine, known, period, revision, to=to, why=why, by=by or getuser(), now=utc_now())
    say(f"{period}, revision {number}: {len(to)} mail(s) in the outbox", "green")


@warehouse.command()
def distribute() -> None:
    """Distribute the warehouse's tables over a Citus cluster, each client's rows on one node.

    What is distributed already stays as it is: run it again after adding a node. With $WIDERVIEW_DISTRIBUTED set to 1,
    `widerview migrate` does it too.

    Example: `widerview warehouse distribute`
    """
    settle_in()
    from widerview.pipeline import connections
    from widerview.warehouse.distribute import distribute as spread

    with clear_errors():
        tables = spread(connections.warehouse())
    say(f"Distributed now: {', '.join(tables) or 'none, all tables were'}", "green")


def _period(name: str) -> str:
    """Read what a mail is about: an ISO week, or an alert by its name."""
    return name if name.startswith("crisis-") else str(parse_week(name, "--week"))


def _shown(value: "Value") -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return "not reported" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def _summary(client: "Client", now: dt.datetime) -> str:
    from widerview.yaml_lines import printable

    accounts = ", ".join(f"{account.platform} {account.handle}" for account in client.accounts) or "no accounts"
    websites = ", ".join(site.url for site in client.web) or "no website"
    report = f"{client.report.next_after(now, client.zone):%a %Y-%m-%d %H:%M} {client.time_zone}"
    return printable(f"{client.client}: {client.name}; {accounts}; {websites}; next report {report}")
