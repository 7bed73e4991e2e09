"""Pinterest: what API v5 answered when it was recorded, and the machine-readable contract of 5.23.0.

The contract judges what the source asks for and what the sandbox answers; the recordings, what the source reads.
"""

import base64
import datetime as dt
import json
from urllib.parse import urlencode

import jsonschema
import pytest

from widerview.sandbox import pinterest as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.base import DayRow, PostRow, RawPage, Request, Target, Window
from widerview.sources.pinterest import SOURCE

MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
BEARER = {"authorization": f"Bearer {sandbox.TOKEN}"}
APP = base64.b64encode(f"{sandbox.CLIENT_ID}:{sandbox.CLIENT_SECRET}".encode()).decode()
TESTER = Target(client_id="tester", source="pinterest", ref="merleliukun", time_zone="UTC")
METRICS = "IMPRESSION,ENGAGEMENT,PIN_CLICK,OUTBOUND_CLICK,SAVE"


def parse(stream, content, **params):
    page = RawPage(
        stream=stream,
        request=Request("GET", "https://api.pinterest.com/v5/x", params, about={"account": "7"}),
        status=200,
        headers={},
        fetched_at=NOW,
        body=json.dumps(content).encode(),
    )
    return list(SOURCE.parse(TESTER, page))


def days(content):
    return parse("days", content, content_type="ORGANIC", metric_types=METRICS)


# --- What was recorded --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(shared):
    return shared / "recordings" / "pinterest_python-pinterest" / "tests" / "data"


@pytest.fixture(scope="module")
def records(shared):
    """Records of a real account by stream, as a connector has flattened them."""
    path = shared / "recordings/airbyte_MIT/source-pinterest/integration_tests/expected_records.jsonl"
    found = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        found.setdefault(record["stream"], []).append(record["data"])
    return found


def test_recorded_days_that_are_in_the_making_are_left_out(data):
    rows = days(json.loads((data / "user_account" / "analytics.json").read_text()))
    assert {(row.day, row.metric): row.value for row in rows} == {
        (dt.date(2022, 8, 9), "impressions"): 4,
        (dt.date(2022, 8, 9), "engagements"): 0,
        (dt.date(2022, 8, 9), "clicks"): 0,
        (dt.date(2022, 8, 9), "link_clicks"): 0,
        (dt.date(2022, 8, 9), "bookmarks"): 0,
    }


def test_a_recorded_day_with_numbers(records):
    [day] = records["user_account_analytics"]
    rows = days({"all": {"daily_metrics": [day]}})
    assert all(isinstance(row, DayRow) and row.day == dt.date(2024, 2, 18) for row in rows)
    assert {row.metric: row.value for row in rows} == {
        "impressions": 584,
        "engagements": 22,
        "clicks": 15,
        "link_clicks": 1,
        "bookmarks": 6,
    }


def test_recorded_pins(data, records):
    own = json.loads((data / "pins" / "pin_data.json").read_text())
    saved = json.loads((data / "pins" / "pin_save.json").read_text())
    [advertised] = records["board_pins"]
    advertised["pin_metrics"] = {"lifetime_metrics": {"impression": 5}}
    rows = parse("pins", {"items": [own, saved, advertised], "bookmark": None})
    first, second = rows  # the pin saved from somebody else gives none
    assert isinstance(first, PostRow)
    assert (first.post_id, first.kind, first.links) == ("1022106077905927852", "image", ())
    assert first.published_at == dt.datetime(2022, 8, 11, 8, 46, 16, tzinfo=dt.UTC)
    assert first.text.startswith("今日诗词分享")
    assert first.text.endswith("https://unsplash.com/")
    assert (second.post_id, second.text, second.links) == (
        "666743919837294988",
        "Airbyte\n\nData Integration",
        ("http://airbyte.io/",),
    )
    assert set(second.counts.values()) == {None}  # it was an ad


# --- The contract -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract(shared):
    """OpenAPI 3.0 as JSON Schema: what may be null says so in its type."""

    def convert(value):
        if isinstance(value, list):
            return [convert(part) for part in value]
        if not isinstance(value, dict):
            return value
        converted = {key: convert(part) for key, part in value.items() if key not in {"nullable", "discriminator"}}
        return {"anyOf": [converted, {"type": "null"}]} if value.get("nullable") is True else converted

    spec = json.loads((shared / "recordings/specs/pinterest.v5.23.0.openapi.json").read_text())
    assert spec["info"]["version"] == "5.23.0"
    return convert(spec)


def validate(contract, path, status, content, method="get"):
    responses = contract["paths"][path][method]["responses"]
    schema = responses.get(str(status), responses["default"])["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": contract["components"]}).validate(content)


def asked(handler, headers=BEARER, **params):
    answer = handler(MODEL, Call(params=params, now=NOW, headers=headers))
    return answer.status, json.loads(answer.body)


ROUTES = {route.path.removeprefix("/pinterest/v5"): route.handler for route in sandbox.ROUTES}
DATES = {"start_date": "2026-11-01", "end_date": "2026-11-21"}


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/user_account", {}, 200),
        ("/user_account/analytics", {**DATES, "content_type": "ORGANIC", "metric_types": METRICS}, 200),
        ("/user_account/analytics", DATES, 200),
        ("/user_account/analytics", {**DATES, "source": "YOUR_PINS"}, 200),
        ("/user_account/analytics", {**DATES, "source": "MY_PINS"}, 400),
        ("/user_account/analytics", {**DATES, "metric_types": "VIBES"}, 400),
        ("/pins", {"page_size": "250", "pin_metrics": "true"}, 200),
        ("/pins", {"page_size": "2"}, 200),
        ("/pins", {"page_size": "251"}, 400),
    ],
)
def test_the_sandbox_keeps_to_the_contract(contract, path, params, status):
    found, content = asked(ROUTES[path], **params)
    assert found == status
    validate(contract, path, status, content)


@pytest.mark.parametrize("path", ["/user_account", "/user_account/analytics", "/pins"])
def test_a_refused_token_keeps_to_the_contract(contract, path):
    status, content = asked(ROUTES[path], headers={})
    assert (status, content["code"]) == (401, 2)
    validate(contract, path, status, content)


@pytest.mark.parametrize(("given", "status"), [(sandbox.REFRESH_TOKEN, 200), ("pinr.dead", 400)])
def test_a_renewed_token_keeps_to_the_contract(contract, given, status):
    form = {"grant_type": "refresh_token", "refresh_token": given}
    found, content = asked(ROUTES["/oauth/token"], {"authorization": f"Basic {APP}"}, **form)
    assert found == status
    validate(contract, "/oauth/token", status, content, "post")
    if status == 200:
        schema = contract["components"]["schemas"]["OauthAccessTokenResponseRefresh"]
        jsonschema.Draft202012Validator({**schema, "components": contract["components"]}).validate(content)


def test_the_contract_finds_what_is_wrong(contract):
    _, content = asked(ROUTES["/pins"], page_size="2")
    content["items"][0]["id"] = 7
    with pytest.raises(jsonschema.ValidationError):
        validate(contract, "/pins", 200, content)


def test_the_sandboxs_pins_have_the_recorded_keys(data, records):
    recorded = json.loads((data / "pins" / "pin_data.json").read_text())
    [flattened] = records["board_pins"]
    _, content = asked(ROUTES["/pins"], pin_metrics="true")
    pin = content["items"][0]
    assert pin.keys() <= recorded.keys() | flattened.keys()
    assert recorded.keys() <= pin.keys()
    assert pin["media"].keys() == recorded["media"].keys()
    assert pin["created_at"].count(":") == 2  # without a zone, as recorded
    assert "+" not in pin["created_at"]


def test_the_sandboxs_days_have_the_recorded_keys_and_status(data):
    recorded = json.loads((data / "user_account" / "analytics.json").read_text())
    _, content = asked(ROUTES["/user_account/analytics"], start_date="2026-11-20", end_date="2026-11-22")
    assert content["all"].keys() == recorded["all"].keys()
    found, given = content["all"]["daily_metrics"], recorded["all"]["daily_metrics"]
    assert [day["data_status"] for day in found] == [day["data_status"] for day in given]
    assert found[0].keys() == given[0].keys()
    assert found[0]["metrics"].keys() == given[0]["metrics"].keys()


def test_the_source_asks_as_the_contract_allows(contract, replay):
    """Each parameter of each call is in the contract, with a value that its schema allows."""
    calls = []

    def answer(request):
        path, _, query = request.url.removeprefix("https://api.pinterest.com/v5").partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        calls.append((path, params))
        status, content = asked(ROUTES[path], **params)
        return status, {}, json.dumps(content).encode()

    target = Target(client_id="hollow-oak-bakery", source="pinterest", ref="hollowoakbakery", time_zone="UTC")
    window = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
    pages = list(SOURCE.fetch(target, window, replay(answer, "https://api.pinterest.com")))
    assert len(pages) == len(calls) == 4
    for path, params in calls:
        known = {}
        for reference in contract["paths"][path]["get"]["parameters"]:
            parameter = contract["components"]["parameters"][reference["$ref"].rsplit("/", 1)[1]]
            known[parameter["name"]] = parameter
        assert params.keys() <= known.keys(), urlencode(params)
        assert {name for name, parameter in known.items() if parameter.get("required")} <= params.keys()
        for name, value in params.items():
            schema = known[name]["schema"]
            given = {"integer": int, "boolean": json.loads, "array": lambda text: text.split(",")}.get(
                schema["type"], str
            )(value)
            jsonschema.Draft202012Validator(schema).validate(given)
