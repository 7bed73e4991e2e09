"""LinkedIn: what the API answered for a real page, as a connector has recorded and flattened it.

The page was new: it has no followers and no posts. So the recordings tell the shapes and that zero is a number; they
hold no daily totals, no posts and no comments.
"""

import datetime as dt
import json

import pytest

from widerview.sandbox import linkedin as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.base import AccountRow, CounterRow, RawPage, Request, Target
from widerview.sources.linkedin import SOURCE, VERSION

MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
URN = "urn:li:organization:90362860"
TESTER = Target(client_id="tester", source="linkedin", ref="oursource", time_zone="UTC")
HEADERS = {
    "authorization": f"Bearer {sandbox.TOKEN}",
    "linkedin-version": VERSION,
    "x-restli-protocol-version": "2.0.0",
}


@pytest.fixture(scope="module")
def records(shared):
    path = shared / "recordings/airbyte_MIT/source-linkedin-pages/integration_tests/expected_records.jsonl"
    found = {record["stream"]: record["data"] for record in map(json.loads, path.read_text().splitlines())}
    assert len(found) == 4
    return found


def parse(stream, content, **about):
    page = RawPage(
        stream=stream,
        request=Request("GET", "https://api.linkedin.com/rest/x", {}, about=about),
        status=200,
        headers={},
        fetched_at=NOW,
        body=json.dumps(content).encode(),
    )
    return list(SOURCE.parse(TESTER, page))


def test_the_recorded_page(records):
    [account] = parse("page", {"elements": [records["organization_lookup"]]})
    assert isinstance(account, AccountRow)
    assert (account.account_id, account.handle, account.name) == (URN, "oursource", "Testing Company")


def test_the_recorded_followers_are_none_at_all(records):
    [followers] = parse("followers", records["total_follower_count"], account=URN)
    assert isinstance(followers, CounterRow)
    assert (followers.account_id, followers.counts) == (URN, {"followers": 0})


def test_the_recorded_totals_are_zeros_and_each_is_reported(records):
    totals = records["share_statistics"] | {"share": "urn:li:share:1"}
    [row] = parse("post_totals", {"elements": [totals]}, **{"urn:li:share:1": "1679663764088"})
    assert (row.account_id, row.post_id) == (URN, "urn:li:share:1")
    assert row.published_at == dt.datetime(2023, 3, 24, 13, 16, 4, 88000, dt.UTC)
    assert dict(row.counts) == dict.fromkeys(("impressions", "reach", "clicks", "likes", "replies", "reposts"), 0)


def test_totals_ever_after_give_no_days(records):
    for stream, record in (("days", "share_statistics"), ("follower_days", "follower_statistics")):
        assert parse(stream, {"elements": [records[record]]}, margin="1") == []


def asked(name, **params):
    handler = next(route.handler for route in sandbox.ROUTES if route.name == f"linkedin.{name}")
    answer = handler(MODEL, Call(params=params, now=NOW, headers=HEADERS))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def types(value):
    """The keys of an object with the types of their values, however deep."""
    if isinstance(value, dict):
        return {key: types(part) for key, part in value.items()}
    return type(value).__name__


def test_the_sandboxs_page_has_the_recorded_shape(records):
    [page] = asked("organizations", q="vanityName", vanityName="tidewater-cycles")["elements"]
    recorded = records["organization_lookup"]
    assert page.keys() == recorded.keys()
    for name in recorded.keys() - {"name"}:
        assert types(page[name]) == types(recorded[name])
    assert page["name"].keys() == recorded["name"].keys()


def test_the_sandboxs_followers_and_totals_have_the_recorded_shape(records):
    [page] = asked("organizations", q="vanityName", vanityName="tidewater-cycles")["elements"]
    urn = f"urn:li:organization:{page['id']}"
    size = asked("networkSizes", urn=urn, edgeType="COMPANY_FOLLOWED_BY_MEMBER")
    assert types(size) == types(records["total_follower_count"])
    [totals] = asked("shareStatistics", q="organizationalEntity", organizationalEntity=urn)["elements"]
    assert types(totals) == types(records["share_statistics"])
    assert totals["totalShareStatistics"]["impressionCount"] > 0
