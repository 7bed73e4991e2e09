"""Run the sandbox: `python -m widerview.sandbox --port 8090 --seed 46 --anchor 2026-11-16`."""

import datetime as dt
from typing import Annotated, cast

import typer
import uvicorn

from widerview.sandbox.cast import PROFILES, Platform
from widerview.sandbox.model import PileOn, Simulation
from widerview.sandbox.server import create_app


def run(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8090,
    seed: Annotated[int, typer.Option(help="The same seed gives the same agency.")] = 46,
    anchor: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A Monday, the day after the report's week; this week's if left out."),
    ] = None,
    pile_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Many angry comments at once: client, platform and beginning (UTC), as in "
            "'hollow-oak-bakery bluesky 2026-11-18T09:00:00Z'. May be given again."
        ),
    ] = None,
    now: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ"], help="A moment (UTC) at which the clock stands still, for tests."),
    ] = None,
) -> None:
    """Serve the platforms of a fictional agency."""
    try:
        piles = [PileOn(*_three(each)) for each in pile_on or []]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pile-on") from error

    def clock() -> dt.datetime:
        return now.replace(tzinfo=dt.UTC) if now else dt.datetime.now(dt.UTC)

    today = clock().date()
    monday = anchor.date() if anchor else today - dt.timedelta(days=today.weekday())
    try:
        model = Simulation(seed, monday, piles)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--anchor") from error
    uvicorn.run(create_app(model, clock), host="127.0.0.1", port=port, log_level="warning")


def _three(pile_on: str) -> tuple[str, Platform, dt.datetime]:
    client, _, rest = pile_on.partition(" ")
    platform, _, at = rest.partition(" ")
    known = {(profile.key, account.person.platform) for profile in PROFILES for account in profile.accounts}
    if (client, platform) not in known:
        raise ValueError(f"no sample client has the account {client} {platform}; write client, platform and moment")
    begins = dt.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    return client, cast("Platform", platform), begins


if __name__ == "__main__":
    typer.run(run)
