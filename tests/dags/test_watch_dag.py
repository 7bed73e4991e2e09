"""The watch as Airflow runs it: what an operator sees of a rush, inside office hours and outside them."""

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
from rushes import HOUR, NOW, bakery, pull, read_quiet_days, rush_until
from widerview.pipeline import connections, steps
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate

Run = Callable[[dt.datetime], dict[str, str]]


@pytest.fixture
def run(
    dags: dict[str, Any],
    metadata_database: None,
    postgres: URL,
    server: MailServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Run]:
    """Run the DAG at a moment, in an installation whose one client is piled on; give the state of each task."""
    client = bakery().model_dump(mode="json", exclude_none=True)
    (tmp_path / "otter-bakery.yaml").write_text(yaml.safe_dump(client))
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path))
    plain = {"disable_ssl": True, "disable_tls": True}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": plain}
    monkeypatch.setenv("AIRFLOW_CONN_WIDERVIEW_SMTP", json.dumps(smtp))
    with temporary_database(postgres) as url:
        engine = connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
        migrate(engine)
        read_quiet_days(engine, days=16)
        pull(engine, rush_until(NOW - HOUR), NOW)
        monkeypatch.setattr(connections, "warehouse", lambda: engine)

        def at(now: dt.datetime) -> dict[str, str]:
            monkeypatch.setattr(steps, "utc_now", lambda: now)
            done = dags["watch"].test()
            return {
                f"{each.task_id} {each.rendered_map_index or ''}".strip(): str(each.state)
                for each in done.get_task_instances()
            }

        yield at
        engine.dispose()


def test_a_rush_is_a_task_with_the_clients_name(run: Run, server: MailServer) -> None:
    evening = NOW + 8 * HOUR
    assert run(evening) == {"look": "success", "tell Otter Bakery, not before Thu 19 Nov 08:00": "skipped"}
    assert not server.mails
    assert run(NOW) == {"look": "success", "tell Otter Bakery": "success"}
    assert run(NOW + HOUR) == {"look": "success", "tell": "skipped"}, "told once"
    assert server.received == {"manager@agency.example": 1}
