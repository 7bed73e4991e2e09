"""Umami: what an Umami 3.1.0 answered, against the truth that was sent to it, and the sandbox beside it."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from widerview.landing.store import Landing, record
from widerview.sandbox import umami as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import PROFILES, Simulation
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer, Unauthorized
from widerview.sources.umami import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
ID = "b398f201-4112-42e4-9fc4-ce5bceedb0bb"
SITE = Target(client_id="one", source="umami", ref=ID, time_zone="UTC")
URL = "https://analytics.client.example"
DAY = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 9))
SESSION = (200, {"content-type": "application/json"}, b'{"token":"session-0123456789","user":{}}')
READ = {
    "stats", "metrics_expanded_referrer", "metrics_query", "metrics_channel", "metrics_utmSource", "report_utm",
    "daterange", "websites", "error_login", "error_badtoken", "error_noauth", "error_badparam", "error_unknown_site",
    "metrics_url",
}  # fmt: skip
REFUSED = {
    "active", "auth_verify", "events_p1", "sessions_p1", "pageviews_day", "metrics_referrer", "metrics_path",
    "metrics_entry", "metrics_browser", "metrics_device",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "recordings" / "umami" / "local-umami-3.1.0"


def as_page(answer, stream):
    status, headers, body = answer
    return RawPage(
        stream=stream,
        request=Request("GET", URL, {"startAt": str(int(dt.datetime(2026, 11, 9, tzinfo=dt.UTC).timestamp() * 1000))}),
        status=status,
        headers={name.lower(): value for name, value in headers.items()},
        fetched_at=NOW,
        body=body,
    )


def read(answer, stream):
    rows = SOURCE.parse(SITE, as_page(answer, stream))
    return {(row.dimension, row.member, row.metric): row.value for row in rows}


def content(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def as_expanded(folder, name):
    """A recorded list of names and visitors, of whom each came once, as the longer list that is asked for now."""
    rows = [{"name": row["x"], "visitors": row["y"], "visits": row["y"]} for row in content(folder, name)]
    return 200, {"content-type": "application/json"}, json.dumps(rows).encode()


def test_sums_are_the_truth(folder, recorded):
    assert read(recorded(folder / "stats"), "visits") == {
        ("total", "", "visits"): 92,
        ("total", "", "unique_visitors"): 92,
        ("total", "", "page_views"): 183,
        ("total", "", "bounces"): 31,
        ("total", "", "visit_time"): 10_920,
    }


def test_referrers_add_up_to_umamis_own_channels(folder, recorded):
    found = read(recorded(folder / "metrics_expanded_referrer"), "referrers")
    own = {row["x"]: row["y"] for row in content(folder, "metrics_channel")}
    assert own == {"organicSocial": 53, "organicSearch": 8}
    assert found["channel", "social", "visits"] == 53
    assert found["channel", "search", "visits"] == 8
    assert {member: value for (kind, member, _), value in found.items() if kind == "network"} == {
        "LinkedIn": 17, "Facebook": 13, "X": 12, "Instagram": 11,
    }  # fmt: skip


def test_campaigns_are_the_truth_by_umamis_three_ways_to_tell_them(folder):
    found = read(as_expanded(folder, "metrics_query"), "campaigns")
    assert found == {
        ("channel", "campaign", "visits"): 33,
        ("campaign", "autumn", "visits"): 33,
        ("touchpoint", "autumn/facebook", "visits"): 33,
    }
    assert content(folder, "metrics_utmSource") == [{"x": "facebook", "y": 33}]
    assert content(folder, "report_utm")["utm_campaign"] == [{"utm": "autumn", "views": 33}]


def test_the_pages_that_visits_began_on_add_up_to_all_visits(folder):
    site = msgspec.structs.replace(SITE, options={"landing_pages": "/ /pricing /contact /blog/launch"})
    rows = list(SOURCE.parse(site, as_page(as_expanded(folder, "metrics_entry"), "landing_pages")))
    assert {row.member: row.value for row in rows} == {"/": 31, "/pricing": 23, "/contact": 20, "/blog/launch": 18}
    assert sum(row.value for row in rows) == 92


@pytest.mark.parametrize("name", sorted(REFUSED))
@pytest.mark.parametrize("stream", ["visits", "campaigns", "referrers"])
def test_an_answer_to_another_question_is_refused(folder, recorded, name, stream):
    with pytest.raises(BadAnswer, match=f"Umami {stream}"):
        read(recorded(folder / name), stream)


def test_a_website_that_does_not_exist_looks_like_one_without_visits(folder, recorded):
    assert set(read(recorded(folder / "error_unknown_site"), "visits").values()) == {0}


def server(folder, recorded, changes=()):
    website = 200, {"content-type": "application/json"}, json.dumps(content(folder, "websites")["data"][0]).encode()
    answers = {
        "login": SESSION,
        "": website,
        "/daterange": recorded(folder / "daterange"),
        "/stats": recorded(folder / "stats"),
        "query": as_expanded(folder, "metrics_query"),
        "referrer": recorded(folder / "metrics_expanded_referrer"),
        **dict(changes),
    }

    def answer(request):
        parts = urlsplit(request.url)
        if parts.path == "/api/auth/login":
            return answers["login"]
        assert parts.path.startswith(f"/api/websites/{ID}")
        kind = parse_qs(parts.query).get("type", [parts.path.partition(ID)[2]])[0]
        return answers[kind]

    return answer


def asking(replay, answer):
    http = replay(answer, URL)
    http.login, http.token = "admin", "password-0123456789"
    return http


def test_a_whole_pull_is_landed_and_gives_the_truth_again(folder, recorded, replay, tmp_path):
    landing = Landing(tmp_path)
    http = asking(replay, server(folder, recorded))
    name, pull = record(landing, SOURCE, SITE, DAY, "run", http, lambda: NOW)
    assert pull.complete
    assert [entry.stream for entry in pull.entries] == [each for each in SOURCE.streams if "landing" not in each]
    assert http.calls == SOURCE.expected_calls(posts=0, days=1) - 2
    rows = [row for page in landing.pages(landing.read_pull(name)) for row in SOURCE.parse(SITE, page)]
    visits = {(row.dimension, row.member): row.value for row in rows if row.metric == "visits"}
    assert visits["total", ""] == 92
    assert visits["campaign", "autumn"] == 33
    assert {row.day for row in rows} == {DAY.first}
    assert not any(b"0123456789" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_days_before_the_first_event_of_the_recording_are_not_asked(folder, recorded, replay):
    window = Window(dt.date(2026, 10, 30), dt.date(2026, 11, 3))
    pages = SOURCE.fetch(SITE, window, asking(replay, server(folder, recorded)))
    assert [page.stream for page in pages].count("visits") == 2  # it is of 2026-11-02


@pytest.mark.parametrize(
    ("place", "name", "raised", "says"),
    [
        ("login", "error_login", Unauthorized, "incorrect-username-password"),
        ("", "error_badtoken", Unauthorized, "unauthorized"),
        ("", "error_noauth", Unauthorized, "unauthorized"),
        ("/stats", "error_badparam", BadAnswer, '"startAt"'),
        ("query", "metrics_url", BadAnswer, "Bad request"),
    ],
)
def test_errors_are_recognised(folder, recorded, replay, place, name, raised, says):
    answer = server(folder, recorded, {place: recorded(folder / name)}.items())
    with pytest.raises(raised, match=says) as caught:
        list(SOURCE.fetch(SITE, DAY, asking(replay, answer)))
    assert "password-0123456789" not in str(caught.value)


def test_every_recording_was_looked_at(folder):
    empty = {"metrics_country"}
    assert {path.stem for path in folder.glob("*.json")} == READ | REFUSED | empty
    assert content(folder, "metrics_country") == []


def shape(value, under=""):
    if isinstance(value, list):
        return {found for part in value for found in shape(part, under)}
    if not isinstance(value, dict):
        return set()
    return {(under, key, type(part).__name__) for key, part in value.items()} | {
        found for key, part in value.items() for found in shape(part, key)
    }


@pytest.mark.parametrize(
    ("path", "name", "params"),
    [
        ("/stats", "stats", {}),
        ("/metrics/expanded", "metrics_expanded_referrer", {"type": "referrer"}),
        ("/daterange", "daterange", {}),
        ("/stats", "error_badparam", {"startAt": "soon"}),
        ("/metrics/expanded", "metrics_url", {"type": "url"}),
    ],
)
def test_the_sandbox_answers_in_the_recorded_shape(folder, path, name, params):
    model = Simulation(46, dt.date(2026, 11, 16))
    moments = [int(dt.datetime(2026, 11, day, tzinfo=dt.UTC).timestamp() * 1000) for day in (9, 10)]
    route = next(each for each in sandbox.ROUTES if each.path == f"/umami/api/websites/{{id}}{path}")
    enter = Call(params={}, now=NOW, json={"username": sandbox.LOGIN, "password": sandbox.TOKEN})
    token = json.loads(sandbox.login(model, enter).body)["token"]
    call = Call(
        params={"id": sandbox.website_id(PROFILES[0]), "startAt": str(moments[0]), "endAt": str(moments[1]), **params},
        now=NOW,
        path=route.path,
        headers={"authorization": f"Bearer {token}"},
    )
    answer = json.loads(route.handler(model, call).body)
    assert shape(answer) == shape(content(folder, name))


def test_the_sandboxs_website_has_the_recorded_fields(folder):
    recorded_one = content(folder, "websites")["data"][0]
    model = Simulation(46, dt.date(2026, 11, 16))
    call = Call(
        params={"id": sandbox.website_id(PROFILES[0])},
        now=NOW,
        path="/umami/v1/websites/x",
        headers={"x-umami-api-key": sandbox.TOKEN},
    )
    route = next(each for each in sandbox.ROUTES if each.path == "/umami/v1/websites/{id}")
    answer = json.loads(route.handler(model, call).body)
    # The list names the owner beside each website.
    assert shape(answer) == {found for found in shape(recorded_one) if found[:2] != ("", "user") and found[0] != "user"}
