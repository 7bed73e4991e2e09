"""The commands for campaigns: tagged links, QR codes, redirect rules, and the week's links to mend."""
# ruff: noqa: PLC0415 - each command imports what it needs when it runs

import csv
import datetime as dt
import io
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from widerview.terminal import clear_errors, find_client, parse_week, say, settle_in

if TYPE_CHECKING:
    from widerview.agency.models import Client
    from widerview.tagging.links import Planned
    from widerview.tagging.qr import PrintedCode

app = typer.Typer()

ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]
Key = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's key.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


class Server(StrEnum):
    """What serves the client's website."""

    NGINX = "nginx"
    CADDY = "caddy"
    NETLIFY = "netlify"


@app.command()
def tag(
    client: ClientId,
    campaign: Key,
    url: Annotated[str | None, typer.Argument(help="A page of the client's; the landing page if left out.")] = None,
    *,
    asset: Annotated[str | None, typer.Option(help="An asset: its utm_source, path, code or name.")] = None,
    channel: Annotated[str | None, typer.Option(help="A channel or partner, e.g. instagram or instagram-ads.")] = None,
    content: Annotated[str | None, typer.Option(help="Tells two links of one channel apart, e.g. reel-1.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Make tagged links for a campaign, by one plan for every channel.

    With --asset or --channel it prints one link, without them the whole plan. A link that would be counted wrongly is
    refused with what to do about it.

    Example: `widerview tag harbour-bakery winter-bread --channel instagram https://www.harbour-bakery.example/shop`
    """
    from widerview.tagging import links

    known = find_client(client)
    if asset and channel:
        raise typer.BadParameter("give one of the two", param_hint="--asset / --channel")
    with clear_errors():
        its = links.campaign_of(known, campaign)
        wanted = asset or channel
        lines = [links.planned(known, its, wanted)] if wanted else links.plan(known, its)
        if content:
            lines = [links.with_content(line, content) for line in lines]
        tagged = [(line, _link(known, line, url, campaign)) for line in lines]
    if as_json or as_csv:
        rows = [
            {
                "name": each.name,
                "placement": each.asset and each.asset.placement,
                "link": link,
                "printed": each.printed,
                **each.tags._asdict(),
            }
            for each, link in tagged
        ]
        typer.echo(json.dumps(rows, indent=2) if as_json else _csv(rows), nl=as_json)
    elif wanted:
        typer.echo(tagged[0][1])
    elif not tagged:
        say(f"{campaign} has no channel, partner or asset with a tag yet", "yellow")
    else:
        cells = [("what", "printed", "link"), *((each.name, each.printed or "", link) for each, link in tagged)]
        wide, printed = (max(len(row[column]) for row in cells) for column in (0, 1))
        for what, short, link in cells:  # without boxes: links are longer than a line, and are to be copied
            typer.echo(f"{what:<{wide}}  {short:<{printed}}  {link}")


def _link(client: "Client", line: "Planned", url: str | None, campaign: str) -> str:
    from widerview.tagging.links import Sloppy, tag_link

    page = url or line.page
    if page is None:
        raise Sloppy(
            f"{campaign} has no landing page for {line.name}",
            "add landing_page to the campaign in the client's file, or give the page's address here",
        )
    return tag_link(client, page, line.tags)


def _csv(rows: list[dict[str, str | None]]) -> str:
    from widerview.tagging.links import Tags

    out = io.StringIO()
    writer = csv.DictWriter(out, ["name", "placement", "link", "printed", *Tags._fields], lineterminator="\n")
    writer.writeheader()
    words = ("name", "placement")
    writer.writerows(row | {word: _no_formula(row[word] or "") for word in words} for row in rows)
    return out.getvalue()


def _no_formula(text: str) -> str:
    """A spreadsheet works out what begins like a formula; a name must not be one (CWE-1236)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


@app.command()
def qr(
    client: ClientId,
    campaign: Key,
    asset: Annotated[str, typer.Argument(help="The asset: its utm_source, path, code or name.")],
    out: Annotated[Path, typer.Option(help="Folder to write the SVG and the PNG to.")] = Path(),
    size: Annotated[float, typer.Option(min=10, max=2000, help="Width on paper in mm, with its white margin.")] = 40,
    distance: Annotated[float, typer.Option(min=5, max=5000, help="How far away people stand, in cm.")] = 30,
    dpi: Annotated[int, typer.Option(min=72, max=1200, help="Dots an inch that the PNG has at least.")] = 300,
) -> None:
    """Make the QR code of an asset for print, as SVG and PNG, with error correction H.

    It holds the short path on the client's own site and no tags, so that the poster can lead elsewhere later;
    `widerview redirects` prints the rules for that. Warns if people at that distance could not read it.

    Example: `widerview qr harbour-bakery winter-bread poster-harbour --size 60 --distance 150`
    """
    from widerview.tagging import links
    from widerview.tagging.qr import printed_code

    known = find_client(client)
    with clear_errors():
        line = links.planned(known, links.campaign_of(known, campaign), asset)
        if not line.printed:
            raise links.Sloppy(
                f"{line.name} has no short path, and a code that holds the tagged link could never lead elsewhere",
                "add a line like path: /market to it in the client's file",
            )
        code = printed_code(line.printed, size, dpi)
        out.mkdir(parents=True, exist_ok=True)
        for ending, content in (("svg", code.svg), ("png", code.png)):
            file = out / f"{campaign}-{line.tags.utm_source}.{ending}"
            file.write_bytes(content)
            say(str(file), "green")
    say(
        f"{code.address}, {size:g} mm with its white margin of {code.quiet_mm:.1f} mm; modules of {code.module_mm:.2f} "
        f"mm; the PNG has {code.dpi:.0f} dots an inch at that size",
        "default",
    )
    _warn_if_small(code, distance)


def _warn_if_small(code: "PrintedCode", distance_cm: float) -> None:
    smallest = code.smallest_mm(distance_cm * 10)
    if code.size_mm < smallest:
        say(
            f"Too small: from {distance_cm:g} cm away phones need {smallest:.0f} mm. Print it with --size "
            f"{-(-smallest // 5) * 5:.0f}, or let people come closer and say so with --distance",
            "yellow",
            to_error=True,
        )


@app.command()
def redirects(
    client: ClientId,
    server: Annotated[Server, typer.Option("--for", help="What serves the website.")] = Server.NGINX,
    day: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As of this day; today.")] = None,
) -> None:
    """Print the rules that lead a client's short paths to their tagged pages, ready to paste into its web server.

    They answer 302, which browsers do not remember, so that a path can lead elsewhere later; what stands behind the ?
    of a visitor's address is kept.

    Example: `widerview redirects harbour-bakery --for caddy`
    """
    from widerview.clock import utc_now
    from widerview.tagging.redirects import rules

    known = find_client(client)
    text = rules(known, day.date() if day else utc_now().astimezone(known.zone).date(), server.value)
    if text:
        typer.echo(text, nl=False)
    else:
        say(f"{client} has no asset with a short path; add a line like path: /market to one", "yellow", to_error=True)


@app.command()
def links(
    client: ClientId,
    week: Annotated[
        str | None, typer.Option(help="ISO week like 2026-W46; from last Monday until now if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the posts' links to the client's website that carry no tags or wrong ones, with what each should be.

    Reads what is in the warehouse. Ends with 1 if there is such a link.

    Example: `widerview links harbour-bakery --week 2026-W46`
    """
    settle_in()
    from widerview.clock import utc_now
    from widerview.measures.weeks import Week
    from widerview.pipeline import connections, weekly
    from widerview.yaml_lines import printable

    known = find_client(client)
    now = utc_now()
    asked = parse_week(week, "--week") if week else Week.of(now.astimezone(known.zone).date())
    with clear_errors():
        found = weekly.untidy_links(connections.warehouse(), known, asked, now)
    if as_json:
        typer.echo(json.dumps([each._asdict() | {"day": each.day.isoformat()} for each in found], indent=2))
    elif not found:
        say(f"Every link to the website in the posts of {asked} is tagged as planned", "green")
    for each in [] if as_json else found:
        say(printable(f"{each.day} {each.source} {each.permalink}"), "bold")
        say(printable(f"  link:  {each.link}"), "default")
        say(printable(f"  wrong: {each.what}"), "yellow")
        say(printable(f"  right: {each.right or 'depends on what the post was for'}"), "green")
    if found:
        raise typer.Exit(1)
