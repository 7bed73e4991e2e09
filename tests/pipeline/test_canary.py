"""The canary asks for each metric alone and names those that a platform has given up."""

import datetime as dt
from collections.abc import Iterator

import pytest

from harbour import Harbour
from widerview.pipeline.canary import MetricsGone, sing
from widerview.pipeline.connections import Access
from widerview.sources.base import (
    AccountRow,
    DayRow,
    RawPage,
    Request,
    Row,
    Target,
    UnavailableRow,
    Window,
    stamp,
)
from widerview.sources.http import HttpClient

NOW = dt.datetime(2026, 11, 19, 6, tzinfo=dt.UTC)
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


def test_it_gives_the_metrics_there_are_of_the_last_three_days() -> None:
    harbour = Singing(gone=False)
    assert sing(harbour, TARGET, lambda target: Access(), lambda: NOW) == {"followers", "views"}
    assert harbour.window == Window(dt.date(2026, 11, 16), dt.date(2026, 11, 18))


def test_a_metric_that_is_gone_is_named_with_the_platforms_own_words_and_where_to_mend_it() -> None:
    with pytest.raises(MetricsGone, match=r"(?s)Harbour does not give 1 .*meadow anna.*harbour\.yaml.*") as caught:
        sing(Singing(gone=True), TARGET, lambda target: Access(), lambda: NOW)
    assert "reach (page_reach): not a valid metric" in str(caught.value)
