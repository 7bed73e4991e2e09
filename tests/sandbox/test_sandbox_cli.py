"""`python -m widerview.sandbox` serves on this machine only, with the clock it was told."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest
import typer
import uvicorn
from typer.testing import CliRunner

from widerview.sandbox.__main__ import run


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> tuple[typer.Typer, dict[str, Any]]:
    """The command, and what it would have served."""
    served: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.update(options, app=app))
    app = typer.Typer()
    app.command()(run)
    return app, served


async def _ask(app: Any, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox.example") as client:
        return await client.get(path)


def test_it_serves_the_agency_it_was_told_to(command: tuple[typer.Typer, dict[str, Any]]) -> None:
    app, served = command
    options = ["--port", "8123", "--seed", "5", "--anchor", "2026-11-16", "--now", "2026-11-01T00:00:00Z"]
    assert CliRunner().invoke(app, options).exit_code == 0
    assert (served["host"], served["port"]) == ("127.0.0.1", 8123)
    health = asyncio.run(_ask(served["app"], "/_health")).json()
    assert (health["seed"], health["anchor"]) == (5, "2026-11-16")
    feed = asyncio.run(_ask(served["app"], "/xrpc/app.bsky.feed.getAuthorFeed?actor=tidewater.example")).json()["feed"]
    newest = dt.datetime.fromisoformat(feed[0]["post"]["indexedAt"])
    assert newest <= dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def test_an_anchor_that_is_no_monday_is_refused(command: tuple[typer.Typer, dict[str, Any]]) -> None:
    app, served = command
    refused = CliRunner().invoke(app, ["--anchor", "2026-11-17"])
    assert refused.exit_code == 2
    assert "must be a Monday" in refused.output
    assert not served


def test_people_pile_on_where_they_are_told_to(command: tuple[typer.Typer, dict[str, Any]]) -> None:
    app, served = command
    options = ["--anchor", "2026-11-16", "--now", "2026-11-17T08:00:00Z"]
    path = "/xrpc/app.bsky.feed.getAuthorFeed?actor=tidewater.example&filter=posts_no_replies"

    def replies(*more: str) -> dict[str, int]:
        assert CliRunner().invoke(app, [*options, *more]).exit_code == 0
        feed = asyncio.run(_ask(served["app"], path)).json()["feed"]
        return {entry["post"]["uri"]: entry["post"]["replyCount"] for entry in feed}

    quiet = replies()
    piled = replies("--pile-on", "tidewater-cycles bluesky 2026-11-16T18:00:00Z")
    assert [piled[post] - quiet[post] for post in quiet if piled[post] != quiet[post]] == [40]
    assert replies("--pile-on", "hollow-oak-bakery bluesky 2026-11-16T18:00:00Z") == quiet
    for wrong in ("nobody bluesky 2026-11-16T18:00:00Z", "tidewater-cycles bluesky soon", ""):
        assert CliRunner().invoke(app, [*options, "--pile-on", wrong]).exit_code == 2
