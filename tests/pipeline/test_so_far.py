"""What is told "so far" is what has been seen to go on growing, at this age, in earlier weeks."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine

from widerview.agency.load import load_client
from widerview.agency.models import Client
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, weekly
from widerview.quality.verdict import DayVerdict
from widerview.report.facts import Facts
from widerview.sources.base import AccountRow, DayRow, PostRow, Row, Window
from widerview.warehouse.load import load_pull
from widerview.warehouse.migrate import migrate

FILE = """\
client: quiet-harbour
name: Quiet Harbour
time_zone: UTC
locale: en_GB
currency: EUR
office_hours:
  monday: {opens: "09:00", closes: "17:00"}
reviewers: [reviewer]
sender: {name: Priya Nair, email: priya@lanternlane.example, agency: Lantern Lane, postal_address: 7 Lantern Lane}
recipients:
  - {name: Anna Quay, email: anna@harbour.example}
accounts:
  - {platform: bluesky, handle: harbour.example}
web:
  - {platform: matomo, site_id: "7", connection: matomo, url: "https://harbour.example"}
"""
WEEK = Week.parse("2026-W46")
LIKES, VISITS = 100, 700.0


@pytest.fixture
def client(tmp_path) -> Client:
    file = tmp_path / "quiet-harbour.yaml"
    file.write_text(FILE)
    return load_client(file)


def said(source: str, at: dt.datetime) -> dict[str, Any]:
    return {"client_id": "quiet-harbour", "source": source, "observed_at": at, "receipt": "00" * 32}


def read(engine: Engine, client: Client, week: Week, at: dt.datetime, share: float) -> None:
    """Read a week, with a share of what it will come to: a post's likes, and each day's visits."""
    noon = dt.datetime.combine(week.monday, dt.time(12), dt.UTC)
    posts: list[Row] = [
        AccountRow(**said("bluesky", at), account_id="did:1", handle="harbour.example", name="H", url="https://h.example"),
        PostRow(
            **said("bluesky", at), account_id="did:1", post_id=str(week), published_at=noon, kind="text",
            text=str(week), permalink="https://h.example/p", counts={"likes": round(share * LIKES)},
        ),
    ]  # fmt: skip
    days: list[Row] = [
        DayRow(
            **said("matomo", at), entity="site", entity_id="7", day=day, zone="UTC", dimension="total", member="",
            metric="visits", value=float(round(share * VISITS)),
        )
        for day in week.days
    ]  # fmt: skip
    for source, rows in (("bluesky", posts), ("matomo", days)):
        [target] = ingest.targets(client, source)
        verdicts = [
            DayVerdict(client_id=client.client, source=source, ref=target.ref, day=day, colour="green")
            for day in week.days
        ]
        load_pull(
            engine, load_id=f"{source} {week} {at}", target=target, window=Window(week.monday, week.sunday),
            started_at=at, ended_at=at, recorded_at=at, digest=f"{week} {at}".encode(), rows=rows, verdicts=verdicts,
        )  # fmt: skip


def composed(engine: Engine, client: Client, share: float, *, hours: float, past: int = 8) -> Facts:
    """Compose a report some hours after its week's end, when earlier weeks had reached a share of theirs by then."""
    migrate(engine)
    age = dt.timedelta(hours=hours)
    for ago in range(past, -1, -1):
        week = WEEK.shift(-ago)
        read(engine, client, week, week.bounds(client.zone)[1] + age - dt.timedelta(minutes=1), share)
        if ago:
            read(engine, client, week, week.bounds(client.zone)[1] + dt.timedelta(days=6), 1.0)
    return weekly.compose_facts(engine, client, WEEK, WEEK.bounds(client.zone)[1] + age)


def so_far_of(facts: Facts) -> dict[str, bool]:
    return {figure.id: figure.so_far for figure in facts.figures}


@pytest.mark.parametrize(("share", "so_far"), [(0.9, True), (0.99, False)])
@pytest.mark.parametrize("hours", [30, 90])
def test_it_is_measured(engine: Engine, client: Client, share: float, hours: float, so_far: bool) -> None:
    found = so_far_of(composed(engine, client, share, hours=hours))
    assert found["reactions_per_post"] == found["visits"] == so_far


@pytest.mark.parametrize(("hours", "so_far"), [(30, True), (90, False)])
def test_until_it_has_been_seen_it_is_two_days(engine: Engine, client: Client, hours: float, so_far: bool) -> None:
    found = so_far_of(composed(engine, client, 0.9, hours=hours, past=1))
    assert found["reactions_per_post"] == found["visits"] == so_far


@pytest.mark.parametrize(("metric", "week"), [("visits", 7 * VISITS), ("reactions", LIKES)])
def test_what_a_goal_still_has_to_come_of_the_week_is_measured_too(
    engine: Engine, client: Client, metric: str, week: float
) -> None:
    goal = {"metric": metric, "target": round(1.95 * week), "starts": WEEK.monday, "ends": WEEK.shift(1).sunday}
    of = Client.model_validate(client.model_dump() | {"goals": [goal]})
    [found] = composed(engine, of, 0.6, hours=30).goals
    assert (found.so_far, found.word) == (0.6 * week, "within reach")
    assert found.low is not None
    assert found.high is not None
    assert 1.6 * week < found.low < found.high < 2.4 * week
