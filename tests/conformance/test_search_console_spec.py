"""Google Search Console against its discovery document: the questions, what is read, the sandbox.

The document writes enumerations as `BY_PROPERTY`, the API's reference as `byProperty`; here they count as the same.
"""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from test_ga4_spec import validator

from widerview.sandbox import search_console as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import PROFILES, Simulation
from widerview.sources import search_console
from widerview.sources.base import Target, Window
from widerview.sources.search_console import SOURCE

MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 12), dt.date(2026, 11, 16))
SITE = Target(
    client_id="meadow", source="search_console", ref=sandbox.properties(PROFILES[0])[0], time_zone="Europe/Berlin"
)
HEADERS = {"authorization": f"Bearer {sandbox.TOKEN}"}
ENUMERATIONS = {"dimensions", "type", "dataState", "responseAggregationType"}


def as_in_the_document(value: Any, under: str = "") -> Any:
    if isinstance(value, dict):
        return {key: as_in_the_document(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [as_in_the_document(part, under) for part in value]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).upper() if under in ENUMERATIONS else value


@pytest.fixture(scope="module")
def discovery(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "recordings/specs/searchconsole.v1.json").read_text())
    return found


@pytest.fixture
def pages(replay: Any) -> list[Any]:
    def answer(asked: Any) -> tuple[int, dict[str, str], bytes]:
        call = Call(params={"site": SITE.ref}, now=NOW, headers=HEADERS, json=json.loads(asked.body))
        played = sandbox.query(MODEL, call)
        return played.status, dict(played.headers), played.body

    http = replay(answer, SOURCE.base_url(SITE))
    http.token = sandbox.TOKEN
    return list(SOURCE.fetch(SITE, WEEK, http))


def test_the_method_is_asked_as_the_document_says(discovery, pages) -> None:
    method = discovery["resources"]["searchanalytics"]["methods"]["query"]
    expected = discovery["rootUrl"] + method["flatPath"].replace("{siteUrl}", quote(SITE.ref, safe=""))
    assert {(page.request.method, page.request.url) for page in pages} == {(method["httpMethod"], expected)}
    assert [page.stream for page in pages] == ["days", *["queries", "pages"] * 3]
    assert search_console._SCOPE in method["scopes"]


def test_every_question_fits_the_document(discovery, pages) -> None:
    check = validator(discovery, "SearchAnalyticsQueryRequest")
    for page in pages:
        check.validate(as_in_the_document(json.loads(page.request.body)))


def test_every_answer_of_the_sandbox_fits_the_document(discovery, pages) -> None:
    check = validator(discovery, "SearchAnalyticsQueryResponse")
    answers = [json.loads(page.body) for page in pages]
    assert all(answer["rows"] for answer in answers)
    assert answers[0]["metadata"] == {"firstIncompleteDate": "2026-11-15"}
    for answer in answers:
        check.validate(as_in_the_document(answer))


def test_the_check_itself_finds_strangers_and_wrong_words(discovery, pages) -> None:
    check = validator(discovery, "SearchAnalyticsQueryResponse")
    answer = as_in_the_document(json.loads(pages[0].body))
    assert not check.is_valid(answer | {"rowCount": 7})
    assert not check.is_valid(answer | {"responseAggregationType": "BY_WEEK"})
    assert not check.is_valid(answer | {"rows": [{"keys": "2026-11-12"}]})


@pytest.mark.parametrize(
    ("struct", "schema", "besides"),
    [
        (search_console._Answer, "SearchAnalyticsQueryResponse", set()),
        (search_console._Row, "ApiDataRow", set()),
        (search_console._Metadata, "Metadata", {"first_incomplete_date"}),
        (search_console._Asked, "SearchAnalyticsQueryRequest", set()),
    ],
)
def test_what_the_source_reads_is_named_so_in_the_document(discovery, struct, schema, besides) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(struct)}
    assert names - besides <= discovery["schemas"][schema]["properties"].keys()
