"""Run the sandbox: `python -m widerview.sandbox --port 8090 --seed 46 --anchor 2026-11-16`."""

import datetime as dt
from typing import Annotated

import typer
import uvicorn

from widerview.sandbox.model import Simulation
from widerview.sandbox.server import create_app


def run(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8090,
    seed: Annotated[int, typer.Option(help="The same seed gives the same agency.")] = 46,
    anchor: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A Monday, the day after the report's week; this week's if left out."),
    ] = None,
    now: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ"], help="A moment (UTC) at which the clock stands still, for tests."),
    ] = None,
) -> None:
    """Serve the platforms of a fictional agency."""

    def clock() -> dt.datetime:
        return now.replace(tzinfo=dt.UTC) if now else dt.datetime.now(dt.UTC)

    today = clock().date()
    monday = anchor.date() if anchor else today - dt.timedelta(days=today.weekday())
    try:
        model = Simulation(seed, monday)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--anchor") from error
    uvicorn.run(create_app(model, clock), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    typer.run(run)
