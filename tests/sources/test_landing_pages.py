"""The campaigns' pages: how they are named and found again, and how analytics are asked for visits that began there."""

import datetime as dt
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widerview.sources import ga4, landing_pages, matomo, plausible, umami
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer

DAY = dt.date(2026, 11, 9)
WINDOW = Window(DAY, DAY + dt.timedelta(days=1))
NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
PAGES = ("/", "/brötchen", "/winter-bread")
TOKEN = "canary-0123456789abcdef"


@pytest.fixture
def site(target):
    """A website with pages of campaigns, unless `pages` says others."""

    def make(source, ref="1", pages=PAGES):
        return msgspec.structs.replace(target(source, ref), options=landing_pages.option(pages))

    return make


def landed(rows):
    return {(row.day.day, row.member, row.metric): row.value for row in rows if row.dimension == "page"}


# -- their names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("https://shop.example/winter-bread", "/winter-bread"),
        ("https://shop.example/winter-bread/", "/winter-bread"),
        ("https://shop.example", "/"),
        ("https://shop.example/br%C3%B6tchen", "/brötchen"),
        ("/market", "/market"),
        ("https://shop.example/?p=12", None),
        ("https://shop.example/a%00b", None),
        ("https://shop.example/a%0Ab", None),
        ("http://[", None),
    ],
)
def test_a_page_is_stored_by_its_path_if_a_path_tells_it_from_others(page, path):
    assert landing_pages.path_of(page) == path


@pytest.mark.parametrize(
    ("told", "page"),
    [
        ("/winter-bread", "/winter-bread"),
        ("/winter-bread/", "/winter-bread"),
        ("/winter-bread?fbclid=1#top", "/winter-bread"),
        ("https://shop.example/winter-bread/?x", "/winter-bread"),
        ("/br%c3%b6tchen", "/brötchen"),
        ("/brötchen", "/brötchen"),
        ("/", "/"),
        ("https://shop.example", "/"),
        ("/Winter-Bread", None),
        ("/winter-bread/order", None),
        ("//winter-bread", None),
        ("winter-bread", None),
        ("(not set)", None),
        ("", None),
    ],
)
def test_what_analytics_tell_is_found_again(told, page):
    assert landing_pages.named(told, PAGES) == page


paths = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="?#%;\\"), min_size=1
).map(lambda text: f"/{text.strip('/')}")


@given(st.lists(paths, min_size=1, unique=True))
@example(["/a", "/a/b"])
def test_whatever_a_page_is_called_it_comes_through_the_options_and_any_spelling_leads_back(some):
    options = landing_pages.option(some)
    target = Target(client_id="m", source="ga4", ref="1", time_zone="UTC", options=options)
    pages = landing_pages.pages_of(target)
    assert set(pages) == {landing_pages.path_of(quote(each)) for each in some}
    for page in pages:
        assert {landing_pages.named(spelt, pages) for spelt in landing_pages.spellings([page])} == {page}


def test_without_pages_there_is_no_option():
    assert landing_pages.option(["https://shop.example/?p=12"]) == {}
    assert landing_pages.pages_of(Target(client_id="m", source="ga4", ref="1", time_zone="UTC")) == ()


@given(st.dictionaries(st.tuples(st.sampled_from(PAGES), st.booleans()), st.integers(0, 10**6)))
def test_tagged_visits_are_among_all_of_a_page_and_a_page_without_any_has_zero(visits):
    counted = landing_pages.counted(visits, PAGES)
    assert set(counted) == set(PAGES)
    assert sum(each["landing_visits"] for each in counted.values()) == sum(visits.values())
    assert all(0 <= each["tagged_landing_visits"] <= each["landing_visits"] for each in counted.values())


# -- Google Analytics 4 ------------------------------------------------------------------------------------------------


def report(*rows, **metadata):
    names = ("date", "landingPage", "sessionCampaignName")
    return {
        "dimensionHeaders": [{"name": name} for name in names],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
        "rows": [
            {"dimensionValues": [{"value": value} for value in row[:3]], "metricValues": [{"value": row[3]}]}
            for row in rows
        ],
        "rowCount": len(rows),
        "metadata": {"timeZone": "Europe/Berlin", **metadata},
        "kind": "analyticsData#runReport",
    }


def ga4_page(page, answer):
    asked = {
        "dateRanges": [{"startDate": str(WINDOW.first), "endDate": str(WINDOW.last)}],
        "metrics": [{"name": "sessions"}],
    }
    got = page("landing_pages", json.dumps(answer).encode())
    return msgspec.structs.replace(got, request=msgspec.structs.replace(got.request, body=json.dumps(asked)))


def test_of_google_a_session_is_tagged_if_a_campaign_brought_it(page, site):
    answer = report(
        ("20261109", "/winter-bread", "winter-bread-2026", "7"),
        ("20261109", "/winter-bread/", "(direct)", "4"),
        ("20261109", "/winter-bread", "(organic)", "2"),
        ("20261109", "/br%C3%B6tchen", "(not set)", "1"),
        ("20261109", "/elsewhere", "(direct)", "9"),
    )
    found = landed(ga4.SOURCE.parse(site("ga4"), ga4_page(page, answer)))
    assert {key: value for key, value in found.items() if key[0] == 9} == {
        (9, "/", "landing_visits"): 0, (9, "/", "tagged_landing_visits"): 0,
        (9, "/brötchen", "landing_visits"): 1, (9, "/brötchen", "tagged_landing_visits"): 0,
        (9, "/winter-bread", "landing_visits"): 13, (9, "/winter-bread", "tagged_landing_visits"): 7,
    }  # fmt: skip
    assert {value for key, value in found.items() if key[0] == 10} == {0}, "it measured the day before"


def test_what_google_withholds_is_not_zero(page, site):
    answer = report(("20261109", "/winter-bread", "(direct)", "4"), subjectToThresholding=True)
    assert landed(ga4.SOURCE.parse(site("ga4"), ga4_page(page, answer))) == {
        (9, "/winter-bread", "landing_visits"): 4,
        (9, "/winter-bread", "tagged_landing_visits"): 0,
    }


def test_a_day_without_a_row_is_zero_once_whichever_page_of_the_report_it_lies_between(page, site):
    def read(offset, *rows):
        answer = report(*rows) | {"rowCount": 3}
        got = ga4_page(page, answer)
        asked = json.loads(got.request.body) | {
            "dateRanges": [{"startDate": "2026-11-08", "endDate": "2026-11-14"}],
            "offset": str(offset),
        }
        got = msgspec.structs.replace(got, request=msgspec.structs.replace(got.request, body=json.dumps(asked)))
        found = landed(ga4.SOURCE.parse(site("ga4"), got))
        return {day: value for (day, path, metric), value in found.items() if (path, metric) == ("/", "landing_visits")}

    ninth, twelfth = ("20261109", "/", "(direct)", "4"), ("20261112", "/", "(direct)", "2")
    tagged = ("20261112", "/", "winter", "1")
    assert read(0, ninth, twelfth) == {8: 0, 9: 4, 10: 0, 11: 0}
    assert read(1, twelfth, tagged) == {12: 3, 13: 0, 14: 0}


def test_google_is_asked_of_these_pages_alone_and_not_at_all_without_any(server, client, site):
    totals = {
        "kind": "analyticsData#runReport",
        "dimensionHeaders": [{"name": "date"}],
        "metricHeaders": [{"name": "sessions"}],
    }

    def ok(answer):
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def split(*names):
        return ok(totals | {"dimensionHeaders": [{"name": name} for name in ("date", *names)]})

    splits = [split("sessionDefaultChannelGroup"), split("sessionCampaignName", "sessionSource")]
    splits += [split("firstUserCampaignName")]
    server.script = [ok(totals), *splits, ok(report()), ok(totals), *splits]
    pages = list(ga4.SOURCE.fetch(site("ga4"), WINDOW, client(token=TOKEN)))
    question = json.loads(pages[-1].request.body)
    assert pages[-1].stream == "landing_pages"
    assert question["dimensionFilter"] == {
        "filter": {
            "fieldName": "landingPage",
            "inListFilter": {"values": landing_pages.spellings(PAGES)},
        }
    }
    assert [metric["name"] for metric in question["metrics"]] == ["sessions"]
    pages = list(ga4.SOURCE.fetch(site("ga4", pages=()), WINDOW, client(token=TOKEN)))
    assert "landing_pages" not in {page.stream for page in pages}
    assert not server.script


# -- Plausible ---------------------------------------------------------------------------------------------------------


def plausible_page(answer, stream="landing_pages"):
    asked = {
        "metrics": ["visits"],
        "dimensions": ["time:day", "visit:entry_page", "visit:utm_campaign"],
        "date_range": [str(WINDOW.first), str(WINDOW.last)],
    }
    request = Request("POST", "https://plausible.io/api/v2/query", {}, json.dumps(asked))
    return RawPage(
        stream=stream, request=request, status=200, headers={"content-type": "application/json"}, fetched_at=NOW,
        body=json.dumps(answer).encode(),
    )  # fmt: skip


def test_of_plausible_a_visit_is_tagged_if_it_has_a_campaign(site):
    rows = [
        ("2026-11-09", "/winter-bread", "winter", 5),
        ("2026-11-09", "/winter-bread/", "(not set)", 3),
        ("2026-11-09", "/other", "winter", 8),
    ]
    answer = {
        "results": [{"dimensions": list(names), "metrics": [count]} for *names, count in rows],
        "meta": {"time_labels": ["2026-11-09", "2026-11-10"], "total_rows": 3},
        "query": {"date_range": []},
    }
    found = landed(plausible.SOURCE.parse(site("plausible", "shop.example"), plausible_page(answer)))
    assert (found[9, "/winter-bread", "landing_visits"], found[9, "/winter-bread", "tagged_landing_visits"]) == (8, 5)
    assert found[9, "/", "landing_visits"] == 0
    assert {value for key, value in found.items() if key[0] == 10} == {0}
    assert len(found) == 12


# -- Matomo ------------------------------------------------------------------------------------------------------------


def entry(label, visits, **more):
    return {"label": label, "entry_nb_visits": str(visits), "url": f"https://shop.example{label}"} | more


def test_of_matomo_visits_and_tagged_visits_of_a_page_come_apart(page, site):
    answer = {
        "2026-11-09": [
            entry("/winter-bread", 9), entry("/winter-bread?x=1", 2), entry("/winter-bread/order", 4),
            entry("/index", 30, url="https://shop.example/"), {"label": "/br\u00f6tchen", "entry_nb_visits": 3},
            {"label": "/winter-bread"},
        ],
        "2026-11-10": [],
    }  # fmt: skip
    body = json.dumps(answer).encode()
    every = landed(matomo.SOURCE.parse(site("matomo"), page("landing_pages", body)))
    assert every == {
        (9, "/", "landing_visits"): 30,
        (9, "/brötchen", "landing_visits"): 3,
        (9, "/winter-bread", "landing_visits"): 11,
    } | {(10, page, "landing_visits"): 0 for page in PAGES}
    tagged = landed(matomo.SOURCE.parse(site("matomo"), page("tagged_landing_pages", body)))
    assert tagged == {(day, page, f"tagged_{metric}"): value for (day, page, metric), value in every.items()}


def test_matomo_is_asked_of_these_pages_by_a_pattern_and_of_tagged_visits_by_a_segment(server, client, site):
    server.script = [(200, {"Content-Type": "application/json"}, b"{}")] * 6
    http = client(token=TOKEN)
    asked = [page.request.params for page in matomo.SOURCE.fetch(site("matomo"), WINDOW, http)][4:]
    assert [each["method"] for each in asked] == ["Actions.getEntryPageUrls"] * 2
    assert [each.get("segment") for each in asked] == [None, "referrerType==campaign"]
    labels = {"/index", "/brötchen", "/brötchen/index", "/winter-bread?x=1", "/winter-bread"}
    for each in asked:
        pattern = re.compile(each["filter_pattern"], re.IGNORECASE)
        assert all(pattern.search(label) for label in labels)
        assert not any(pattern.search(label) for label in ("/winter-breads", "/old/winter-bread", "/about"))
    assert http.calls == matomo.SOURCE.fixed_calls(days=2)


def test_a_matomo_that_works_out_no_segments_when_asked_tells_the_page_all_the_same(server, client, site, caplog):
    def ok(answer):
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    refused = ok({"result": "error", "message": "The segment 'referrerType==campaign' has not been processed."})
    every = ok({"2026-11-09": [entry("/winter-bread", 9)], "2026-11-10": []})
    server.script = [ok({})] * 4 + [every, refused]
    pages = list(matomo.SOURCE.fetch(site("matomo"), WINDOW, client(token=TOKEN)))
    found = [row for page in pages for row in matomo.SOURCE.parse(site("matomo"), page)]
    assert {row.metric for row in found} == {"landing_visits"}
    assert "had tags is not told" in caplog.text


def test_a_segment_that_fails_otherwise_is_a_failure(server, client, site):
    broken = 200, {"Content-Type": "application/json"}, b'{"result": "error", "message": "Out of memory."}'
    server.script = [(200, {"Content-Type": "application/json"}, b"{}")] * 5 + [broken]
    with pytest.raises(BadAnswer, match="Out of memory"):
        list(matomo.SOURCE.fetch(site("matomo"), WINDOW, client(token=TOKEN)))


# -- Umami -------------------------------------------------------------------------------------------------------------

ID = "b398f201-4112-42e4-9fc4-ce5bceedb0bb"


def test_of_umami_visits_and_tagged_visits_of_a_page_come_apart(page, site):
    opens = str(int(dt.datetime(2026, 11, 8, 23, tzinfo=dt.UTC).timestamp() * 1000))
    answer = json.dumps([{"name": "/winter-bread", "visits": 9}, {"name": "/winter-bread/", "visits": "2"},
                         {"name": "/about", "visits": 7}, {"name": "", "visits": 3}]).encode()  # fmt: skip
    for stream, metric in (("landing_pages", "landing_visits"), ("tagged_landing_pages", "tagged_landing_visits")):
        got = page(stream, answer, params={"startAt": opens})
        assert landed(umami.SOURCE.parse(site("umami", ID), got)) == {
            (9, "/", metric): 0, (9, "/brötchen", metric): 0, (9, "/winter-bread", metric): 11,
        }  # fmt: skip


@pytest.mark.parametrize(("pages", "questions"), [(PAGES, 5), ((), 3)])
def test_umami_is_asked_two_more_questions_a_day_if_there_are_pages(server, client, site, pages, questions):
    def answer(handler):
        parts = urlsplit(handler.path)
        kind = parts.path.rpartition("/")[2]
        body = {
            "login": {"token": "canary-session-9876543210"},
            "daterange": {"startDate": "2026-01-01T00:00:00.000Z", "endDate": "2026-11-22T00:00:00.000Z"},
            ID: {"id": ID},
            "stats": {"visits": 3},
        }.get(kind, [])
        content = json.dumps(body).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    server.script = [answer] * 20
    http = client(token=TOKEN, login="mira")
    list(umami.SOURCE.fetch(site("umami", ID, pages), WINDOW, http))
    assert http.calls == 3 + 2 * questions <= umami.SOURCE.fixed_calls(days=2)
    asked = [parse_qs(urlsplit(path).query) for _, path, *_ in server.seen]
    entries = [each.get("query") for each in asked if each.get("type") == ["entry"]]
    assert entries == ([None, ["c.utm_campaign"]] * 2 if pages else [])
