"""The canary asks for each metric alone and names those that a platform has given up."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import URL

from databases import temporary_database
from harbour import Harbour
from otter_bakery import client
from widerview.pipeline import canary, steps
from widerview.pipeline.canary import MetricsGone, sing
from widerview.pipeline.connections import Access
from widerview.sources.base import (
    AccountRow,
    DayRow,
    RawPage,
    Request,
    Row,
    Source,
    Target,
    UnavailableRow,
    Window,
    stamp,
)
from widerview.sources.errors import NotFound, Unauthorized
from widerview.sources.http import Allowance, HttpClient
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate

NOW = dt.datetime(2026, 11, 19, 6, tzinfo=dt.UTC)
ACCOUNTS = [
    {"platform": "tiktok", "handle": handle, "connection": f"tiktok_{handle}", "options": {"api": api}}
    for handle, api in (("anna", "display"), ("berta", "business"), ("carla", "business"), ("dora", "display"))
]
TARGET = Target(client_id="meadow", source="harbour", ref="anna", time_zone="UTC")


class Singing(Harbour):
    """It knows followers and views, and has given up reach if `gone`."""

    def __init__(self, *, gone: bool) -> None:
        self.gone = gone
        self.window: Window | None = None

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        self.window = window
        assert http.one_metric_a_call
        for stream in self.streams:
            yield RawPage(
                stream=stream, request=Request("GET", "", {}), status=200, headers={}, fetched_at=NOW, body=b""
            )

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        stamped = stamp(target, page)
        if page.stream == "account":
            yield AccountRow(**stamped, account_id="1", handle="anna", name="Anna", url="", counts={"followers": 0})
            return
        yield DayRow(
            **stamped, entity="account", entity_id="1", day=NOW.date(), zone="UTC", dimension="total", member="",
            metric="views", value=3,
        )  # fmt: skip
        if self.gone:
            yield UnavailableRow(**stamped, metric="reach", native_metric="page_reach", reason="not a valid metric")


@pytest.fixture
def shut_out(postgres: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Exception]]:
    """An installation whose client has accounts on both APIs of TikTok; what some of them answer, by handle."""
    answers: dict[str, Exception] = {}

    def answered(source: Source, target: Target, access: object, clock: object, allowance: Allowance) -> set[str]:
        for _ in range(501):
            allowance.call()
        if target.ref in answers:
            raise answers[target.ref]
        return {source.api_of(target), target.ref}

    monkeypatch.setattr(canary, "sing", answered)
    bakery = client(accounts=ACCOUNTS).model_dump(mode="json", exclude_none=True)
    (tmp_path / "otter-bakery.yaml").write_text(yaml.safe_dump(bakery))
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path))
    with temporary_database(postgres) as url:
        address = url.render_as_string(hide_password=False)
        migrate(address)
        engine = connect(address)
        monkeypatch.setattr(steps.connections, "warehouse", lambda: engine)
        yield answers
        engine.dispose()


def test_each_api_is_asked_through_its_first_account_within_what_all_of_the_clients_may_call(
    shut_out: dict[str, Exception],
) -> None:
    assert steps.sing("tiktok", {}) == ["anna", "berta", "business", "display"]


def test_where_the_first_account_is_shut_out_the_next_is_asked(shut_out: dict[str, Exception]) -> None:
    shut_out |= {"anna": Unauthorized("dead"), "berta": NotFound("renamed")}
    assert steps.sing("tiktok", {}) == ["business", "carla", "display", "dora"]


def test_an_api_that_lets_nobody_in_costs_the_other_nothing(shut_out: dict[str, Exception]) -> None:
    shut_out |= {"anna": Unauthorized("anna is dead"), "dora": Unauthorized("dora is dead")}
    shut_out |= {"berta": MetricsGone("views are gone", {})}
    with pytest.raises(AirflowFailException) as caught:
        steps.sing("tiktok", {})
    assert str(caught.value).splitlines() == ["anna is dead", "dora is dead", "views are gone"]


def test_it_gives_the_metrics_there_are_of_the_last_three_days() -> None:
    harbour = Singing(gone=False)
    assert sing(harbour, TARGET, lambda target: Access(), lambda: NOW) == {"followers", "views"}
    assert harbour.window == Window(dt.date(2026, 11, 16), dt.date(2026, 11, 18))


def test_a_metric_that_is_gone_is_named_with_the_platforms_own_words_and_where_to_mend_it() -> None:
    with pytest.raises(MetricsGone, match=r"(?s)Harbour does not give 1 .*meadow anna.*harbour\.yaml.*") as caught:
        sing(Singing(gone=True), TARGET, lambda target: Access(), lambda: NOW)
    assert "reach (page_reach): not a valid metric" in str(caught.value)
