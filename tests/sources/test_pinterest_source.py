"""Pinterest: an account, its days and pins, and how they are asked for."""

import base64
import datetime as dt
import json
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widerview.pipeline.tokens import WARNED_BEFORE
from widerview.sources.base import (
    AccountRow,
    DayRow,
    PostRow,
    RawPage,
    Request,
    Target,
    UnavailableRow,
    Window,
)
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized
from widerview.sources.pinterest import SOURCE

REF = "meadowbakery"
ID = "104427428844112345"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "pina_secretsecretsecret"
APP = {"client_id": "1500", "client_secret": "verysecretapp", "refresh_token": "pinr.refreshrefresh"}
TARGET = Target(client_id="meadow", source="pinterest", ref=REF, time_zone="Europe/Berlin")
ACCOUNT = {
    "id": ID,
    "username": "MeadowBakery",
    "business_name": "Meadow Bakery",
    "account_type": "BUSINESS",
    "follower_count": 720,
    "following_count": 31,
    "pin_count": "96",
    "monthly_views": 1200,
}
METRICS = ["IMPRESSION", "ENGAGEMENT", "PIN_CLICK", "OUTBOUND_CLICK", "SAVE"]
REFUSED = (400, {"code": 400, "message": "Invalid user accounts analytics parameters."})


def day(date, status="READY", **metrics):
    counted = {"IMPRESSION": 584.0, "ENGAGEMENT": 22, "PIN_CLICK": 15, "OUTBOUND_CLICK": 1, "SAVE": 6.0}
    return {"date": date, "data_status": status, "metrics": counted | metrics}


def analytics(*days):
    return {"all": {"summary_metrics": {"IMPRESSION": 1}, "daily_metrics": list(days)}}


LIFETIME = {"impression": 400, "pin_click": 9, "clickthrough": 3, "save": 8, "reaction": 5, "comment": 0}


def pin(number, created="2026-11-12T09:00:00", **changes):
    return {
        "id": str(number),
        "created_at": created,
        "title": "Rye",
        "description": f"pin {number} #Bread",
        "link": "https://meadow.example/rye",
        "creative_type": "REGULAR",
        "is_owner": True,
        "has_been_promoted": False,
        "parent_pin_id": None,
        "media": {"media_type": "image", "images": {}},
        "pin_metrics": {"90d": {"impression": 1}, "lifetime_metrics": LIFETIME},
        **changes,
    }


def pins(*items, bookmark=None):
    return {"items": list(items), "bookmark": bookmark}


class Platform:
    """Answers whatever is asked, by path, and keeps what was asked."""

    def __init__(self, server, **answers):
        self.answers = {"user_account": ACCOUNT, "analytics": analytics(), "pins": pins(), **answers}
        self.server = server
        server.script = [self.answer] * 100

    def answer(self, handler):
        split = urlsplit(handler.path)
        found = self.answers[split.path.rsplit("/", 1)[1]]
        found = found(dict(parse_qsl(split.query))) if callable(found) else found
        status, content = found if isinstance(found, tuple) else (200, found)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def asked(self, resource):
        paths = [urlsplit(path) for _, path, _, _ in self.server.seen]
        return [dict(parse_qsl(path.query)) for path in paths if path.path.endswith(f"/{resource}")]


def fetch(client, window=WEEK, target=TARGET, **options):
    return list(SOURCE.fetch(target, window, client(token=TOKEN, **options)))


def rows(pages, kind=object):
    return [row for page in pages for row in SOURCE.parse(TARGET, page) if isinstance(row, kind)]


# --- The account --------------------------------------------------------------------------------------------------


def test_an_account(server, client):
    Platform(server)
    [account] = rows(fetch(client), AccountRow)
    assert (account.account_id, account.handle, account.name) == (ID, "MeadowBakery", "Meadow Bakery")
    assert account.url == "https://www.pinterest.com/MeadowBakery/"
    assert account.counts == {"followers": 720, "following": 31, "posts": 96}


def test_counts_that_are_not_told_are_not_zero(server, client):
    Platform(server, user_account={"id": ID, "username": REF, "business_name": None, "follower_count": None})
    [account] = rows(fetch(client), AccountRow)
    assert (account.name, account.counts) == (REF, {"followers": None, "following": None, "posts": None})


def test_a_token_of_another_account_is_refused_before_anything_is_read(server, client):
    Platform(server, user_account=ACCOUNT | {"username": "rival"})
    with pytest.raises(Unauthorized, match=rf"rival, not of {REF}.*client meadow"):
        fetch(client)
    assert len(server.seen) == 1


def test_an_ad_account_is_named_in_every_call(server, client):
    Platform(server)
    fetch(client, target=msgspec.structs.replace(TARGET, options={"ad_account_id": "549755885175"}))
    assert len(server.seen) == 4
    assert all("ad_account_id=549755885175" in path for _, path, _, _ in server.seen)


def test_the_token_goes_out_and_is_recorded_nowhere(server, client):
    Platform(server)
    pages = fetch(client)
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {TOKEN}"}
    assert TOKEN.encode() not in b"".join(msgspec.json.encode(page.request) for page in pages)


def test_a_token_is_renewed_a_day_before_its_end_alarms():
    assert SOURCE.renews_before - WARNED_BEFORE == dt.timedelta(days=1)


# --- Days ---------------------------------------------------------------------------------------------------------


def organic(answer, paid=None):
    return lambda params: answer if params["content_type"] == "ORGANIC" else paid or analytics()


def values(pages):
    return {(row.day.isoformat(), row.metric): row.value for row in rows(pages, DayRow)}


def test_each_number_of_a_ready_day_has_its_metric_and_its_utc_day(server, client):
    Platform(server, analytics=organic(analytics(day("2026-11-10"))))
    found = rows(fetch(client), DayRow)
    assert {row.metric: row.value for row in found} == {
        "impressions": 584,
        "engagements": 22,
        "clicks": 15,
        "link_clicks": 1,
        "bookmarks": 6,
    }
    assert {(row.entity, row.entity_id, row.day, row.zone, row.dimension, row.member) for row in found} == {
        ("account", ID, dt.date(2026, 11, 10), "UTC", "total", "")
    }


def test_only_the_accounts_own_pins_are_counted(server, client):
    platform = Platform(server)
    fetch(client)
    assert [params["source"] for params in platform.asked("analytics")] == ["YOUR_PINS", "YOUR_PINS"]


@pytest.mark.parametrize("status", ["PROCESSING", "ESTIMATE", "BEFORE_BUSINESS_CREATED", "", "SOMETHING_NEW"])
def test_days_that_are_not_ready_are_left_out(server, client, status):
    Platform(server, analytics=organic(analytics(day("2026-11-10"), day("2026-11-11", status, IMPRESSION=0.0))))
    assert {row.day for row in rows(fetch(client), DayRow)} == {dt.date(2026, 11, 10)}


def test_impressions_of_ads_are_kept_apart(server, client):
    paid = analytics(day("2026-11-10", IMPRESSION=77))
    platform = Platform(server, analytics=organic(analytics(day("2026-11-10")), paid))
    found = values(fetch(client))
    assert found["2026-11-10", "impressions"] == 584
    assert found["2026-11-10", "paid_impressions"] == 77
    assert len(found) == 6
    assert [(params["content_type"], params["metric_types"]) for params in platform.asked("analytics")] == [
        ("ORGANIC", ",".join(METRICS)),
        ("PAID", "IMPRESSION"),
    ]


def test_a_ready_day_without_a_number_does_not_report_it(server, client):
    ready = day("2026-11-10", SAVE=None, IMPRESSION="584", ENGAGEMENT=-1)
    del ready["metrics"]["PIN_CLICK"]
    Platform(server, analytics=organic(analytics(ready)))
    assert values(fetch(client)) == {
        ("2026-11-10", "impressions"): 584,
        ("2026-11-10", "engagements"): None,
        ("2026-11-10", "clicks"): None,
        ("2026-11-10", "link_clicks"): 1,
        ("2026-11-10", "bookmarks"): None,
    }


def test_no_days_are_no_zeros(server, client):
    Platform(server)
    assert values(fetch(client)) == {}


@pytest.mark.parametrize(
    ("window", "asked"),
    [
        (("2026-11-09", "2026-11-15"), [("2026-11-09", "2026-11-15")]),
        (("2026-05-01", "2026-11-15"), [("2026-08-24", "2026-11-15")]),
        (("2026-11-20", "2026-11-30"), [("2026-11-20", "2026-11-21")]),
        (("2026-05-01", "2026-08-23"), []),
        (("2026-11-22", "2026-11-22"), []),
    ],
    ids=["a week", "back to 90 days ago", "up to yesterday", "all too old", "today only"],
)
def test_only_days_that_pinterest_has_are_asked_for(server, client, window, asked):
    platform = Platform(server)
    fetch(client, Window(*map(dt.date.fromisoformat, window)))
    found = [(params["start_date"], params["end_date"]) for params in platform.asked("analytics")]
    assert found == [dates for dates in asked for _ in ("organic", "paid")]


def test_a_metric_that_pinterest_refuses_costs_that_metric_alone(server, client):
    def answer(params):
        if params["content_type"] == "PAID":
            return analytics()
        return REFUSED if "ENGAGEMENT" in params["metric_types"].split(",") else analytics(day("2026-11-10"))

    Platform(server, analytics=answer)
    pages = fetch(client)
    [gone] = rows(pages, UnavailableRow)
    assert (gone.metric, gone.native_metric) == ("engagements", "ENGAGEMENT")
    assert "Invalid user accounts" in gone.reason
    found = [row.metric for row in rows(pages, DayRow)]
    assert sorted(found) == ["bookmarks", "clicks", "impressions", "link_clicks"]


def test_each_metric_may_be_asked_for_alone(server, client):
    platform = Platform(server)
    fetch(client, one_metric_a_call=True)
    assert [params["metric_types"] for params in platform.asked("analytics")] == [*METRICS, "IMPRESSION"]


def test_an_account_whose_days_are_refused_altogether_is_told(server, client):
    Platform(server, analytics=REFUSED)
    with pytest.raises(BadAnswer, match=r"every metric.*Invalid user accounts"):
        fetch(client)


def test_an_account_without_ads_costs_only_the_ads(server, client):
    Platform(server, analytics=organic(analytics(day("2026-11-10")), REFUSED))
    pages = fetch(client)
    assert [row.metric for row in rows(pages, UnavailableRow)] == ["paid_impressions"]
    assert len(rows(pages, DayRow)) == 5


# --- Pins ---------------------------------------------------------------------------------------------------------


def one_pin(server, client, **changes):
    Platform(server, pins=pins(pin(1, **changes)))
    [found] = rows(fetch(client), PostRow)
    return found


def test_a_pin_and_its_totals(server, client):
    found = one_pin(server, client)
    assert (found.post_id, found.account_id) == ("1", ID)
    assert found.text == "Rye\n\npin 1 #Bread"
    assert (found.tags, found.links) == (("bread",), ("https://meadow.example/rye",))
    assert found.permalink == "https://www.pinterest.com/pin/1/"
    assert found.counts == {
        "impressions": 400,
        "clicks": 9,
        "link_clicks": 3,
        "bookmarks": 8,
        "likes": 5,
        "replies": 0,
    }


@pytest.mark.parametrize("written", ["2026-11-12T09:00:00", "2026-11-12T09:00:00-00:00", "2026-11-12T10:00:00+01:00"])
def test_a_moment_is_utc_whether_it_says_so_or_not(server, client, written):
    assert one_pin(server, client, created_at=written).published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize("metrics", [None, {}, {"90d": {"impression": 5}}, {"lifetime_metrics": None}])
def test_a_pin_without_totals_reports_none(server, client, metrics):
    assert set(one_pin(server, client, pin_metrics=metrics).counts.values()) == {None}


def test_the_totals_of_a_pin_that_was_an_ad_are_left_out(server, client):
    assert set(one_pin(server, client, has_been_promoted=True).counts.values()) == {None}


def test_a_total_that_is_missing_costs_no_other(server, client):
    found = one_pin(server, client, pin_metrics={"lifetime_metrics": {"impression": "12", "save": -1}})
    assert {name: value for name, value in found.counts.items() if value is not None} == {"impressions": 12}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "image"),
        ({"media": {"media_type": "video", "duration": None}}, "video"),
        ({"media": {"media_type": "multiple_images", "items": []}}, "carousel"),
        ({"media": {"media_type": "multiple_mixed", "items": []}}, "carousel"),
        ({"media": None, "creative_type": "VIDEO"}, "video"),
        ({"media": None, "creative_type": None}, "image"),
        ({"creative_type": "CAROUSEL"}, "carousel"),
    ],
)
def test_what_a_pin_is(server, client, changes, kind):
    assert one_pin(server, client, **changes).kind == kind


def test_empty_words_and_links_are_none(server, client):
    found = one_pin(server, client, title=None, description=" ", link=None)
    assert (found.text, found.tags, found.links) == ("", (), ())


def test_pins_of_others_give_no_rows(server, client):
    Platform(server, pins=pins(pin(1), pin(2, parent_pin_id="9"), pin(3, is_owner=False), pin(4, is_owner=None)))
    assert [row.post_id for row in rows(fetch(client), PostRow)] == ["1", "4"]


def test_pins_are_walked_until_a_whole_page_is_older_than_the_window(server, client):
    old = "2026-11-08T22:59:59"
    given = {
        None: pins(pin(9), pin(8, old), bookmark="b1"),
        "b1": pins(pin(7, old), pin(6), bookmark="b2"),  # not quite in order
        "b2": pins(pin(5, old), pin(4, old), bookmark="b3"),
    }
    platform = Platform(server, pins=lambda params: given[params.get("bookmark")])
    pages = fetch(client)
    assert [params.get("bookmark") for params in platform.asked("pins")] == [None, "b1", "b2"]
    assert platform.asked("pins")[0] == {"page_size": "250", "pin_metrics": "true", "pin_filter": "exclude_repins"}
    assert len(rows(pages, PostRow)) == 6


def test_empty_pages_in_between_are_walked_over(server, client):
    given = {None: pins(bookmark="b1"), "b1": pins(pin(1), bookmark="")}
    Platform(server, pins=lambda params: given[params.get("bookmark")])
    assert len(rows(fetch(client), PostRow)) == 1


def test_a_bookmark_that_leads_back_is_a_bad_answer(server, client):
    Platform(server, pins=pins(pin(1), bookmark="again"))
    with pytest.raises(BadAnswer, match="circle"):
        fetch(client)


# --- When it fails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "given", "raised"),
    [
        ("user_account", (401, {"code": 2, "message": "Authentication failed."}), Unauthorized),
        ("analytics", (403, {"code": 403, "message": "Not authorized to access the analytics."}), Unauthorized),
        ("pins", (403, {"code": 3, "message": "Not authorized."}), Unauthorized),
        ("pins", (429, {"code": 8, "message": "This request exceeded a rate limit."}), RateLimited),
        ("pins", (400, {"code": 1, "message": "Invalid bookmark."}), BadAnswer),
        ("pins", (200, {"code": 50, "message": "Pin not found."}), BadAnswer),
        ("analytics", (200, b"<html>Back soon</html>"), BadAnswer),
        ("analytics", (400, b"<html>Bad request</html>"), BadAnswer),
        ("user_account", (200, b'{"id":"10442'), BadAnswer),
    ],
)
def test_a_refusal_names_account_or_answer(server, client, resource, given, raised):
    Platform(server, **{resource: given})
    with pytest.raises(raised) as told:
        fetch(client)
    if raised is Unauthorized:
        assert REF in str(told.value)
        assert SOURCE.renewal_page in str(told.value)


# --- The token ----------------------------------------------------------------------------------------------------


def renew(server, client, status, content, **extra):
    server.script = [(status, {"Content-Type": "application/json"}, json.dumps(content).encode())]
    return SOURCE.renew(client(token=TOKEN, extra={**APP, **extra}))


def test_a_token_is_exchanged_for_two_new_ones(server, client):
    answer = {
        "response_type": "refresh_token",
        "access_token": "pina_new",
        "token_type": "bearer",
        "expires_in": 2_592_000,
        "refresh_token": "pinr.new",
        "refresh_token_expires_in": 5_184_000,
        "refresh_token_expires_at": 1_800_000_000,
        "scope": "pins:read",
    }
    tokens = renew(server, client, 200, answer)
    assert (tokens.token, tokens.refresh_token) == ("pina_new", "pinr.new")
    assert tokens.expires_at == NOW + dt.timedelta(days=30)
    assert tokens.refresh_expires_at == NOW + dt.timedelta(days=60)
    [(method, path, headers, body)] = server.seen
    assert (method, path) == ("POST", "/v5/oauth/token")
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "1500:verysecretapp"
    form = {"grant_type": "refresh_token", "refresh_token": APP["refresh_token"]}
    assert dict(parse_qsl(body.decode())) == form


@pytest.mark.parametrize("status", [400, 401])
def test_a_refresh_token_that_died_wants_a_person(server, client, status):
    with pytest.raises(Unauthorized, match="revoked"):
        renew(server, client, status, {"code": 283, "message": "Your refresh token is revoked."})


def test_without_the_app_nothing_is_asked(server, client):
    with pytest.raises(Unauthorized, match="no client_id, client_secret,"):
        renew(server, client, 200, {}, client_id="", client_secret="")
    assert server.seen == []


# --- Damaged answers ----------------------------------------------------------------------------------------------


def damaged(stream, body, status=200):
    params = {"content_type": "ORGANIC", "metric_types": "IMPRESSION,SAVE"}
    page = RawPage(
        stream=stream,
        request=Request("GET", "https://api.pinterest.com/v5/x", params, about={"account": ID}),
        status=status,
        headers={},
        fetched_at=NOW,
        body=body,
    )
    return rows([page])


@pytest.mark.parametrize("number", [2.0**63, -(2.0**64), 10**30, "many"])
def test_a_number_that_no_warehouse_can_hold_is_bad(number):
    with pytest.raises(BadAnswer, match="metrics"):
        damaged("days", json.dumps(analytics(day("2026-11-10", IMPRESSION=number))).encode())


@given(st.datetimes(timezones=st.timezones()).map(dt.datetime.isoformat))
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59-10:00")
@example("9999-12-31T23:59:59")
def test_any_moment_is_read_in_utc_or_bad(moment):
    try:
        [found] = damaged("pins", json.dumps(pins(pin(1, created_at=moment))).encode())
    except BadAnswer:
        return
    assert found.published_at.utcoffset() == dt.timedelta(0)


def test_a_day_at_the_end_of_time_is_not_over():
    assert damaged("days", json.dumps(analytics(day("9999-12-31"))).encode()) == []


def test_refusals_of_several_metrics_and_of_other_things_give_no_rows():
    refused = json.dumps(REFUSED[1]).encode()
    assert damaged("days", refused, 400) == damaged("pins", refused, 400) == damaged("account", b"", 503) == []


def test_an_answer_to_an_unknown_question_is_bad(page):
    with pytest.raises(BadAnswer, match="does not say for which account"):
        rows([page("pins", json.dumps(pins(pin(1))).encode())])
