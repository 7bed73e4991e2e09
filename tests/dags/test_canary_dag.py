"""The canary as Airflow runs it: a platform that gives a metric up is red, and the agency is told when it opens."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import URL

from databases import temporary_database
from mail_server import MailServer
from otter_bakery import client
from widerview.pipeline import canary, connections, steps
from widerview.sources.base import UnavailableRow
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate

THURSDAY = dt.datetime(2026, 11, 19, 7, tzinfo=dt.UTC)
"""Eight o'clock in Berlin: the agency opens."""

Run = Callable[[dt.datetime], tuple[str, dict[str, str]]]


@pytest.fixture
def gone() -> dict[str, str]:
    """What Bluesky has given up, and its words; changed while the test runs."""
    return {"quotes": "Unknown field quoteCount"}


@pytest.fixture
def run(
    dags: dict[str, Any],
    metadata_database: None,
    postgres: URL,
    server: MailServer,
    gone: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Run]:
    """Run the DAG at a moment, in an installation with one client; give the run's state and that of each task."""
    (tmp_path / "otter-bakery.yaml").write_text(yaml.safe_dump(client().model_dump(mode="json", exclude_none=True)))
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path))
    plain = {"disable_ssl": True, "disable_tls": True}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": plain}
    monkeypatch.setenv("AIRFLOW_CONN_WIDERVIEW_SMTP", json.dumps(smtp))

    def sing(source: Any, target: Any, *_: Any) -> set[str]:
        missing = {
            metric: UnavailableRow(client_id=target.client_id, source=source.name, observed_at=THURSDAY, receipt="",
                                   metric=metric, native_metric=metric, reason=reason)
            for metric, reason in gone.items()
        }  # fmt: skip
        if missing:
            raise canary.MetricsGone(f"gone: {', '.join(missing)}", missing)
        return {"likes"}

    monkeypatch.setattr(canary, "sing", sing)
    with temporary_database(postgres) as url:
        engine = connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
        migrate(engine)
        monkeypatch.setattr(connections, "warehouse", lambda: engine)

        def at(now: dt.datetime) -> tuple[str, dict[str, str]]:
            monkeypatch.setattr(steps, "utc_now", lambda: now)
            done = dags["canary"].test()
            return str(done.state), {each.task_id: str(each.state) for each in done.get_task_instances()}

        yield at
        engine.dispose()


def test_a_red_platform_is_told_once_and_its_run_stays_red(run: Run, server: MailServer, gone: dict[str, str]) -> None:
    assert run(THURSDAY) == ("failed", {"sources": "success", "sing": "failed", "tell": "success"})
    assert server.received == {"mira@agency.example": 1}
    assert run(THURSDAY + dt.timedelta(days=7)) == (
        "failed", {"sources": "success", "sing": "failed", "tell": "skipped"},
    )  # fmt: skip
    gone.clear()
    assert run(THURSDAY + dt.timedelta(days=14)) == (
        "success", {"sources": "success", "sing": "success", "tell": "skipped"},
    )  # fmt: skip
    gone["quotes"] = "Unknown field quoteCount"
    run(THURSDAY + dt.timedelta(days=21))
    assert server.received == {"mira@agency.example": 2}, "it had come back in between"
