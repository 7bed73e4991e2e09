"""Matomo: days, channels, campaigns, touchpoints, networks, and errors inside HTTP 200."""

import datetime as dt
import json
from urllib.parse import parse_qs

import pytest

from widerview.sources.base import Window
from widerview.sources.errors import BadAnswer, NotFound, SourceError, Unauthorized
from widerview.sources.matomo import SOURCE

WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "canary-0123456789abcdef"


def counts(visits, **more):
    return {"nb_visits": visits, "nb_actions": visits * 2, "bounce_count": "1", "nb_visits_converted": 0, **more}


def values(page, target, stream, answer, *, metric="visits", time_zone="Europe/Berlin", **options):
    """(day, dimension, member) → value of one metric."""
    site = target("matomo", "7", time_zone)
    return {
        (str(row.day), row.dimension, row.member): row.value
        for row in SOURCE.parse(site, page(stream, json.dumps(answer).encode(), **options))
        if row.metric == metric
    }


def test_a_day_and_its_numbers(page, target):
    body = json.dumps({"2026-11-09": counts(12, nb_uniq_visitors="11", bounce_rate="8%")}).encode()
    found = list(SOURCE.parse(target("matomo", "7"), page("visits", body)))
    assert {row.metric: row.value for row in found} == {
        "visits": 12, "actions": 24, "bounces": 1, "converted_visits": 0, "unique_visitors": 11,
    }  # fmt: skip
    assert {(row.entity, row.entity_id, row.zone, row.dimension, row.member) for row in found} == {
        ("site", "7", "Europe/Berlin", "total", "")
    }


def test_a_day_without_visits_is_zero_and_a_missing_number_is_not(page, target):
    answer = {"2026-11-09": [], "2026-11-10": {"nb_visits": 3}}
    assert values(page, target, "visits", answer) == {
        ("2026-11-09", "total", ""): 0,
        ("2026-11-10", "total", ""): 3,
    }
    assert values(page, target, "visits", answer, metric="unique_visitors") == {
        ("2026-11-09", "total", ""): 0,
        ("2026-11-10", "total", ""): None,
    }


@pytest.mark.parametrize(
    ("time_zone", "days"),
    [("Europe/Berlin", ["2026-11-21", "2026-11-22"]), ("America/Los_Angeles", ["2026-11-21"])],
)
def test_days_that_had_not_begun_are_left_out(page, target, time_zone, days):
    answer = {"2026-11-21": [], "2026-11-22": [], "2026-11-23": []}
    assert [day for day, *_ in values(page, target, "visits", answer, time_zone=time_zone)] == days


def test_channels_are_known_by_number_whatever_the_language(page, target):
    rows = [
        counts(5, label="Kampagnen", referrer_type=6),
        counts(4, label="KI-Assistenten", referrer_type="8", segment="referrerType==ai"),
        counts(3, label="Neues", referrer_type=99, segment="referrerType==new"),
        counts(2, label="Direkte Zugriffe", referrer_type="1"),
    ]
    found = values(page, target, "channels", {"2026-11-09": rows, "2026-11-10": []})
    assert found == {
        ("2026-11-09", "channel", "direct"): 2,
        ("2026-11-09", "channel", "search"): 0,
        ("2026-11-09", "channel", "website"): 0,
        ("2026-11-09", "channel", "campaign"): 5,
        ("2026-11-09", "channel", "social"): 0,
        ("2026-11-09", "channel", "ai_assistant"): 4,
        ("2026-11-09", "channel", "other_99"): 3,
    } | {("2026-11-10", "channel", word): 0 for word in ("direct", "search", "website", "campaign", "social")}


def test_campaigns_split_into_touchpoints(page, target):
    rows = [counts(9, label="autumn", subtable=[counts(5, label="poster"), counts(3, label="newsletter")])]
    assert values(page, target, "campaigns", {"2026-11-09": rows}) == {
        ("2026-11-09", "campaign", "autumn"): 9,
        ("2026-11-09", "touchpoint", "autumn/poster"): 5,
        ("2026-11-09", "touchpoint", "autumn/newsletter"): 3,
    }


def test_networks_are_named_as_matomo_names_them(page, target):
    answer = {"2026-11-09": [counts(9, label="Bluesky")], "2026-11-10": []}
    assert values(page, target, "networks", answer) == {("2026-11-09", "network", "Bluesky"): 9}


def test_an_answer_that_is_not_split_by_day_is_refused(page, target):
    for answer in (counts(12), [counts(12, label="autumn")], {"2026-11-09": [counts(12)]}):
        with pytest.raises(BadAnswer, match="Matomo visits"):
            values(page, target, "visits", answer)


def test_an_answer_that_failed_gives_no_rows(page, target):
    assert values(page, target, "visits", {"2026-11-09": counts(1)}, status=500) == {}


def test_an_error_inside_http_200_gives_no_rows_but_its_words(page, target):
    with pytest.raises(BadAnswer, match="Settings > Plugins"):
        values(page, target, "visits", {"result": "error", "message": "See Settings &gt; Plugins"})


def ok(value):
    return (200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def test_every_report_is_asked_with_the_token_in_the_body_only(server, client, target):
    server.script = [ok({"2026-11-09": []})] * 4
    pages = list(SOURCE.fetch(target("matomo", "7"), WEEK, client(token=TOKEN)))
    assert [page.stream for page in pages] == ["visits", "channels", "campaigns", "networks"]
    for page, (method, path, _, body) in zip(pages, server.seen, strict=True):
        form = {name: found[0] for name, found in parse_qs(body.decode()).items()}
        assert (method, path) == ("POST", "/index.php")
        assert form.pop("token_auth") == TOKEN
        assert form == page.request.params
        assert form["date"] == "2026-11-09,2026-11-15"
        assert TOKEN not in repr(page)


def test_a_long_window_is_asked_in_parts_that_cover_every_day_once(server, client, target):
    server.script = [ok({})] * 100
    window = Window(dt.date(2026, 1, 1), dt.date(2026, 3, 31))
    pages = SOURCE.fetch(target("matomo", "7"), window, client())
    dates = [page.request.params["date"] for page in pages if page.stream == "visits"]
    assert dates == ["2026-01-01,2026-01-31", "2026-02-01,2026-03-03", "2026-03-04,2026-03-31"]


def error(message):
    return ok({"result": "error", "message": message})


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (error("You can't access this resource as it requires 'view' access for the website id = 7."), Unauthorized),
        (error("Unable to authenticate with the provided token."), Unauthorized),
        (error("An unexpected website was found in the request: website id was set to '7' ."), NotFound),
        (error("The plugin Nope is not enabled."), BadAnswer),
        ((401, {"Content-Type": "text/html"}, b"<!DOCTYPE html>"), Unauthorized),
        ((200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Login</title>"), BadAnswer),
        (ok({"2026-11-09": {"nb_visits": "many"}}), BadAnswer),
    ],
)
def test_a_refusal_is_handed_over_and_then_raised(server, client, target, answer, raised):
    server.script = [answer]
    pages = SOURCE.fetch(target("matomo", "7"), WEEK, client(token=TOKEN))
    assert next(pages).body == answer[2]
    with pytest.raises(raised) as caught:
        next(pages)
    assert "Matomo visits" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_without_an_address_the_connection_is_named(target):
    with pytest.raises(SourceError, match="host of the Airflow Connection"):
        SOURCE.base_url(target("matomo", "7"))
