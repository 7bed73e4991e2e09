"""Plausible: the questions and answers of the vendor's own documents (July 2026), and the sandbox beside them."""

import datetime as dt
import json

import msgspec
import pytest

from widerview.sandbox import plausible as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import PROFILES, Simulation
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer
from widerview.sources.http import HttpClient
from widerview.sources.plausible import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
SITE = Target(client_id="one", source="plausible", ref="dummy.site", time_zone="UTC")
ANSWERS = (
    "aggregate", "behavioral-filters", "country-and-city", "custom-date-range", "custom-properties",
    "filtering-basics", "filtering-by-segment", "filtering-case-insensitive", "imports", "imports-bad-filter",
    "pagination", "revenue-metrics", "revenue-warning", "time-labels", "timeseries", "utm",
)  # fmt: skip
BY_DAY = "timeseries"


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "recordings" / "plausible" / "apiv2-examples"


def told(folder, name):
    return (folder / f"{name}-response.json").read_bytes()


def question(folder, name):
    return json.loads((folder / f"{name}-query.json").read_text())


def as_page(folder, name, stream):
    asked = {"metrics": question(folder, name)["metrics"]}
    return RawPage(
        stream=stream,
        request=Request("POST", "https://plausible.io/api/v2/query", {}, json.dumps(asked)),
        status=200,
        headers={"content-type": "application/json; charset=utf-8"},
        fetched_at=NOW,
        body=told(folder, name),
    )


def test_days_are_read_as_documented(folder):
    rows = list(SOURCE.parse(SITE, as_page(folder, BY_DAY, "totals")))
    assert [(row.day.day, row.value) for row in rows] == [
        (4, 129), (5, 65), (6, 72), (7, 94), (8, 44), (9, 14), (10, 12),
    ]  # fmt: skip
    assert {(row.metric, row.dimension, row.member, row.zone) for row in rows} == {
        ("unique_visitors", "total", "", "UTC")
    }


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != BY_DAY])
@pytest.mark.parametrize("stream", SOURCE.streams)
def test_an_answer_to_another_question_is_refused(folder, name, stream):
    with pytest.raises(BadAnswer, match=f"Plausible {stream}"):
        list(SOURCE.parse(SITE, as_page(folder, name, stream)))


def test_the_days_that_were_asked_for_begin_in_the_sites_own_zone(folder):
    begins = [json.loads(told(folder, name))["query"]["date_range"][0] for name in ANSWERS]
    assert {begin[10:] for begin in begins} == {"T00:00:00+00:00", "T00:00:00+03:00"}


def test_what_we_ask_is_made_of_what_the_documents_ask(folder, replay):
    known = [question(folder, name) for name in ANSWERS]
    asked = []

    def answer(request):
        asked.append(json.loads(request.body))
        return 200, {"Content-Type": "application/json"}, b'{"results":[],"meta":{},"query":{}}'

    http = replay(answer, "https://plausible.io")
    http.token = "key-0123456789"
    site = msgspec.structs.replace(SITE, options={"landing_pages": "/ /winter-bread"})
    list(SOURCE.fetch(site, Window(dt.date(2024, 9, 4), dt.date(2024, 9, 10)), http))
    assert len(asked) == 4
    operators = {part[0] for each in known for part in each.get("filters", [])}
    assert {part[0] for each in asked for part in each.get("filters", [])} == {"is"} <= operators
    keys = {key for each in known for key in each}
    assert {key for each in asked for key in each} <= keys
    assert {key for each in asked for key in each["include"]} <= {
        key for each in known for key in each.get("include", {})
    }
    assert {type(each["pagination"]["limit"]) for each in asked} == {int}
    assert all(type(part) is str for each in asked for pair in each["order_by"] for part in pair)


def shape(value, under=""):
    if isinstance(value, list):
        return {found for part in value for found in shape(part, under)}
    if not isinstance(value, dict):
        return set()
    return {(under, key, type(part).__name__) for key, part in value.items()} | {
        found for key, part in value.items() for found in shape(part, key)
    }


def test_the_sandbox_answers_in_the_documented_shape(folder):
    documented = {found for name in ANSWERS for found in shape(json.loads(told(folder, name)))}
    model = Simulation(46, dt.date(2026, 11, 16))
    given = set()
    for metrics, dimensions in (
        (["visitors", "events"], []),
        (["visits", "bounce_rate"], ["time:day", "visit:channel"]),
    ):
        asked = {
            "site_id": sandbox.site_id(PROFILES[0]),
            "metrics": metrics,
            "dimensions": dimensions,
            "date_range": ["2026-11-09", "2026-11-10"],
            "include": {"time_labels": True, "total_rows": True},
        }
        call = Call(params={}, now=NOW, headers={"authorization": f"Bearer {sandbox.TOKEN}"}, json=asked)
        given |= shape(json.loads(sandbox.query(model, call).body))
    assert given
    assert given <= documented


def test_a_documented_answer_passes_a_whole_pull(folder, replay):
    days = json.loads(told(folder, BY_DAY))

    def answer(request):
        asked = json.loads(request.body)
        place = asked["metrics"].index("visitors") if "visitors" in asked["metrics"] else None
        results = [
            {"dimensions": row["dimensions"], "metrics": [row["metrics"][0]] * len(asked["metrics"])}
            for row in days["results"]
            if place is not None
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps(days | {"results": results}).encode()

    http: HttpClient = replay(answer, "https://plausible.io")
    http.token = "key-0123456789"
    window = Window(dt.date(2024, 9, 4), dt.date(2024, 9, 10))
    rows = [row for page in SOURCE.fetch(SITE, window, http) for row in SOURCE.parse(SITE, page)]
    assert sum(row.value for row in rows if row.metric == "visits") == 129 + 65 + 72 + 94 + 44 + 14 + 12
    elsewhere = Target(client_id="one", source="plausible", ref="dummy.site", time_zone="Europe/Tallinn")
    with pytest.raises(BadAnswer, match="time_zone of this site"):
        list(SOURCE.fetch(elsewhere, window, http))


def test_every_recording_was_looked_at(folder):
    assert {path.stem.removesuffix("-response") for path in folder.glob("*-response.json")} == set(ANSWERS)
