"""The task `pull` as Airflow calls it: for which days it asks, and with which token."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from house import House, Sandbox, house_in
from widerview.pipeline import ingest, steps
from widerview.pipeline.connections import Access
from widerview.sandbox import x
from widerview.sources.base import Target
from widerview.warehouse.migrate import migrate

MORNING = dt.datetime(2026, 11, 17, 4, tzinfo=dt.UTC)


class Vault:
    """Where the one Connection of X is kept; `token` and `extra` are what stands in it."""

    def __init__(self, url: str, token: str, **extra: str) -> None:
        self.url, self.token, self.extra = url, token, extra

    def access(self, target: Target) -> Access:
        return Access(base_url=self.url, token=self.token, extra=self.extra, written=json.dumps(self.extra))

    def has_connection(self, connection_id: str) -> bool:
        return True

    def write_connection(self, connection_id: str, *, password: str, extra: str) -> None:
        self.token, self.extra = password, json.loads(extra)


@pytest.fixture
def installed(sandbox_server: Sandbox, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An installation whose clients are on X, Facebook and Mastodon, and have websites."""
    migrate(engine)
    sandbox_server.now[0] = MORNING
    house = house_in(tmp_path, sandbox_server, engine, platforms=("facebook", "mastodon", "matomo", "x"))
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path / "clients"))
    for name, value in {"warehouse": engine, "landing": house.landing, "airflow": None}.items():
        monkeypatch.setattr(steps.connections, name, lambda value=value: value)
    monkeypatch.setattr(steps.connections, "access", sandbox_server.access)
    return house


Pulls = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def pull(installed: House) -> Pulls:
    """Run the task for a source's first account; give the days that were asked for, of each pull."""

    def run(source: str, *, partition: str | None = None, **conf: str) -> list[tuple[str, str]]:
        context: dict[str, Any] = {
            "dag_run": SimpleNamespace(conf=conf, partition_key=partition, run_after=MORNING),
            "run_id": f"{source} {partition} {conf}",
        }
        paths = steps.pull(source, steps.plan(source)[0], context)
        windows = [installed.landing.read_pull(path).window for path in paths]
        return [(str(window.first), str(window.last)) for window in windows]

    return run


def test_a_run_asks_for_its_partition_or_what_a_person_says_or_yesterday(pull: Pulls) -> None:
    assert pull("mastodon", partition="2026-11-11") == [("2026-10-14", "2026-11-11")]
    assert pull("mastodon", first="2026-11-02", last="2026-11-08") == [("2026-11-02", "2026-11-08")]
    assert pull("mastodon") == [("2026-10-19", "2026-11-16")]
    assert pull("facebook", partition="2026-11-11") == [("2026-09-09", "2026-11-11")], "with the Sunday before"
    assert pull("facebook", first="2026-11-02", last="2026-11-08") == [("2026-11-02", "2026-11-08")]
    for wrong in ({"first": "2026-11-02"}, {"first": "2026-11-08", "last": "2026-11-02"},
                  {"first": "2026-11-08", "last": "2026-12-02"}):  # fmt: skip
        with pytest.raises(ValueError, match="`last`"):
            pull("mastodon", **wrong)


def test_a_pull_that_is_cleared_after_the_token_died_gets_a_new_one_first(
    installed: House, pull: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = "2026-11-17T00:00:00+00:00"
    vault = Vault(
        f"{installed.sandbox.url}/x", "dead-token-0123", refresh_token=x.REFRESH_TOKEN, client_id=x.CLIENT_ID,
        expires_at=died,
    )  # fmt: skip
    monkeypatch.setattr(steps.connections, "access", vault.access)
    with pytest.raises(ingest.PullRefused, match="Authorize the account anew"):
        pull("x")
    monkeypatch.setattr(steps.connections, "airflow", lambda: vault)
    assert len(pull("x")) == 1
    assert vault.token != "dead-token-0123"
    assert vault.extra["expires_at"] > died
    with installed.engine.connect() as connection:
        assert connection.scalar(text("SELECT sum(calls) FROM api_usage WHERE source = 'x'")), "calls are counted"
