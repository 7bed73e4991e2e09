"""Google Analytics 4 against the discovery document of its Data API: the questions, what is read, the sandbox.

No answer of the real API is recorded; the machine-readable contract is the nearest to it.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from widerview.sandbox import ga4 as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import PROFILES, Simulation
from widerview.sources import ga4
from widerview.sources.base import Target, Window
from widerview.sources.ga4 import SOURCE

MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
SITE = Target(
    client_id="meadow", source="ga4", ref=sandbox.property_id(PROFILES[0]), time_zone="Europe/Berlin",
    options={"currency": "EUR", "landing_pages": "/ /winter-loaf"},
)  # fmt: skip
HEADERS = {"authorization": f"Bearer {sandbox.TOKEN}"}


def validator(discovery: dict[str, Any], name: str) -> Draft202012Validator:
    """Google's schema as JSON Schema, in which nothing may be named that the document does not name."""

    def converted(schema: Any) -> Any:
        if isinstance(schema, list):
            return [converted(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return {"$ref": f"#/$defs/{schema['$ref']}"}
        kept = {key: schema[key] for key in ("type", "enum") if key in schema}
        if "items" in schema:
            kept["items"] = converted(schema["items"])
        if "properties" in schema:
            kept["properties"] = {key: converted(part) for key, part in schema["properties"].items()}
            kept["additionalProperties"] = False
        if schema.get("format") == "int64":
            kept["pattern"] = r"^-?[0-9]+$"
        return kept

    schemas = {key: converted(schema) for key, schema in discovery["schemas"].items()}
    return Draft202012Validator({"$defs": schemas, "$ref": f"#/$defs/{name}"})


@pytest.fixture(scope="module")
def discovery(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "recordings/specs/analyticsdata.v1beta.json").read_text())
    return found


def played(url: str, body: str | None) -> tuple[int, dict[str, str], bytes]:
    """The sandbox's answer, without a server between."""
    call = Call(params={"property": SITE.ref}, now=NOW, headers=HEADERS, json=json.loads(body or "{}"))
    answer = sandbox.run_report(MODEL, call)
    return answer.status, dict(answer.headers), answer.body


@pytest.fixture
def pages(replay: Any) -> list[Any]:
    http = replay(lambda asked: played(asked.url, asked.body), SOURCE.base_url(SITE))
    http.token = sandbox.TOKEN
    return list(SOURCE.fetch(SITE, WEEK, http))


def test_the_method_is_asked_as_the_document_says(discovery, pages) -> None:
    method = discovery["resources"]["properties"]["methods"]["runReport"]
    expected = discovery["rootUrl"] + method["flatPath"].replace("{propertiesId}", SITE.ref)
    assert [(page.request.method, page.request.url) for page in pages] == [(method["httpMethod"], expected)] * 5
    assert ga4._SCOPE in method["scopes"]


def test_every_question_fits_the_document(discovery, pages) -> None:
    check = validator(discovery, "RunReportRequest")
    questions = [json.loads(page.request.body) for page in pages]
    assert [len(question["metrics"]) for question in questions] == [8, 5, 5, 5, 1]
    for question in questions:
        check.validate(question)


def test_every_answer_of_the_sandbox_fits_the_document(discovery, pages) -> None:
    check = validator(discovery, "RunReportResponse")
    answers = [json.loads(page.body) for page in pages]
    assert [len(answer["rows"]) > 5 for answer in answers] == [True] * 5
    empty = {"dateRanges": [{"startDate": "2020-01-01", "endDate": "2020-01-02"}], "metrics": [{"name": "sessions"}]}
    answers.append(json.loads(played("", json.dumps(empty))[2]))
    assert "rows" not in answers[-1]
    for answer in answers:
        check.validate(answer)


def test_the_check_itself_finds_strangers_and_wrong_types(discovery, pages) -> None:
    check = validator(discovery, "RunReportResponse")
    answer = json.loads(pages[0].body)
    assert not check.is_valid(answer | {"row_count": 7})
    assert not check.is_valid(answer | {"rowCount": "7"})
    assert not check.is_valid(answer | {"rows": [{"dimensionValues": ["20261109"]}]})


@pytest.mark.parametrize(
    ("struct", "schema"),
    [
        (ga4._Report, "RunReportResponse"),
        (ga4._Metadata, "ResponseMetaData"),
        (ga4._Row, "Row"),
        (ga4._Value, "MetricValue"),
        (ga4._Value, "DimensionValue"),
        (ga4._Named, "MetricHeader"),
        (ga4._Named, "DimensionHeader"),
        (ga4._Quotas, "PropertyQuota"),
        (ga4._Quota, "QuotaStatus"),
        (ga4._Asked, "RunReportRequest"),
        (ga4._Range, "DateRange"),
    ],
)
def test_what_the_source_reads_is_named_so_in_the_document(discovery, struct, schema) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(struct)}
    assert names <= discovery["schemas"][schema]["properties"].keys()


def test_the_days_of_the_answers_come_back(pages) -> None:
    rows = [row for page in pages for row in SOURCE.parse(SITE, page)]
    totals = [row for row in rows if (row.dimension, row.metric) == ("total", "visits")]
    truth = MODEL.truth(PROFILES[0].key, WEEK.first)
    assert len(totals) == 7
    assert sum(row.value for row in totals) == truth.visits
