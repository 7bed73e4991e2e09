"""Matomo: what a Matomo 5.0.2 answered, against the truth that was tracked into it."""

import datetime as dt
import json
from collections import Counter
from urllib.parse import parse_qs

import msgspec
import pytest

from widerview.landing.store import Landing, record
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer, Unauthorized
from widerview.sources.matomo import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
SITE = Target(client_id="one", source="matomo", ref="1", time_zone="Europe/Berlin")
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
URL = "https://analytics.client.example"


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "recordings" / "matomo" / "local-matomo-5.0.2"


def as_page(answer, stream):
    status, headers, body = answer
    return RawPage(
        stream=stream,
        request=Request("POST", f"{URL}/index.php", {}),
        status=status,
        headers={name.lower(): value for name, value in headers.items()},
        fetched_at=NOW,
        body=body,
    )


def as_one_day(answer, day="2026-11-09"):
    """A recorded report of a week, put where a report of days has one day.

    The referrer reports were recorded for a whole week; their rows have the shape of a day's.
    """
    status, headers, body = answer
    return status, headers, b'{"%s":%s}' % (day.encode(), body)


def sums(rows, first="2026-11-02", last="2026-11-20"):
    """(dimension, member, metric) → sum over the days."""
    total = Counter()
    for row in rows:
        if first <= str(row.day) <= last:
            total[row.dimension, row.member, row.metric] += row.value
    return total


def test_days_add_up_to_the_truth(folder, recorded):
    page = as_page(recorded(folder / "VisitsSummary.get_day_range"), "visits")
    rows = list(SOURCE.parse(SITE, page))
    assert len(rows) == 19 * 5
    run = sums(rows)
    assert run["total", "", "visits"] == 314
    assert run["total", "", "actions"] == 795
    week = sums(rows, "2026-11-09", "2026-11-15")
    assert week["total", "", "visits"] == 127
    assert week["total", "", "actions"] == 314
    assert week["total", "", "bounces"] == 35
    assert week["total", "", "unique_visitors"] == 127
    assert week["total", "", "converted_visits"] == 0


def test_days_without_data_are_zero(folder, recorded):
    rows = list(SOURCE.parse(SITE, as_page(recorded(folder / "VisitsSummary.get_nodata"), "visits")))
    assert {str(row.day) for row in rows} == {"2026-09-01", "2026-09-02", "2026-09-03"}
    assert {row.value for row in rows} == {0}
    assert len(rows) == 15


def test_channels_add_up_to_the_truth(folder, recorded):
    page = as_page(as_one_day(recorded(folder / "Referrers.getReferrerType_week")), "channels")
    week = sums(SOURCE.parse(SITE, page))
    visits = {member: value for (_, member, metric), value in week.items() if metric == "visits"}
    assert visits == {"campaign": 40, "social": 31, "search": 25, "direct": 22, "website": 9}
    assert sum(visits.values()) == 127
    assert sum(value for (_, _, metric), value in week.items() if metric == "actions") == 314


def test_campaigns_and_networks_add_up_to_the_truth(folder, recorded):
    page = as_page(as_one_day(recorded(folder / "Referrers.getCampaigns_week")), "campaigns")
    assert sums(SOURCE.parse(SITE, page)) == {
        ("campaign", "autumn", "visits"): 40,
        ("campaign", "autumn", "actions"): 95,
        ("campaign", "autumn", "bounces"): 12,
        ("campaign", "autumn", "converted_visits"): 0,
    }
    page = as_page(as_one_day(recorded(folder / "Referrers.getSocials_week")), "networks")
    week = sums(SOURCE.parse(SITE, page))
    visits = {member: value for (_, member, metric), value in week.items() if metric == "visits"}
    assert visits == {"Instagram": 12, "Twitter": 11, "LinkedIn": 8}


def test_the_pages_that_visits_began_on_add_up_to_all_visits_of_the_day(folder, recorded):
    """Page URLs carry the columns of entry pages, of which no answer was recorded."""
    status, headers, body = as_one_day(recorded(folder / "Actions.getPageUrls_day"))
    site = msgspec.structs.replace(SITE, options={"landing_pages": "/ /pricing /contact /blog/launch"})
    page = as_page((status, headers, body), "landing_pages")
    told = {row.member: row.value for row in SOURCE.parse(site, page)}
    rows = json.loads(body)["2026-11-09"]
    assert told == {"/": 4, "/pricing": 3, "/contact": 2 + 3, "/blog/launch": 2 + 2}, "whatever query is behind it"
    assert sum(told.values()) == sum(int(row["entry_nb_visits"]) for row in rows if "item" not in row["label"])


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("VisitsSummary.get_week", "visits"),
        ("VisitsSummary.get_range", "visits"),
        ("Referrers.getReferrerType_week", "channels"),
        ("Referrers.getCampaigns_week", "campaigns"),
        ("Referrers.getSocials_week", "networks"),
        ("Referrers.getWebsites_week", "networks"),
        ("Actions.getPageUrls_day", "campaigns"),
        ("Live.getLastVisitsDetails", "visits"),
        ("SitesManager.getSiteFromId", "visits"),
        ("API.getMatomoVersion", "visits"),
        ("error_bad_method", "visits"),
        ("error_bad_period", "visits"),
    ],
)
def test_an_answer_that_is_not_ours_by_day_is_refused(folder, recorded, name, stream):
    with pytest.raises(BadAnswer, match=f"Matomo {stream}"):
        list(SOURCE.parse(SITE, as_page(recorded(folder / name), stream)))


@pytest.mark.parametrize(
    ("name", "status", "raised", "says"),
    [
        ("error_bad_token", 401, Unauthorized, "DOCTYPE html"),
        ("error_anonymous", 401, Unauthorized, "'view' access"),
        ("error_bad_method", 200, BadAnswer, "Settings > Plugins"),
        ("error_bad_period", 200, BadAnswer, "'dayz' is not supported"),
    ],
)
def test_errors_are_recognised_and_landed(folder, recorded, replay, tmp_path, name, status, raised, says):
    answer = recorded(folder / name)
    landing = Landing(tmp_path)
    with pytest.raises(raised, match=says):
        record(landing, SOURCE, SITE, WEEK, "run", replay(lambda request: answer, URL), lambda: NOW)
    _, pull = landing.latest_pull("matomo", "run", SITE)
    assert not pull.complete
    assert says in pull.error
    [page] = landing.pages(pull)
    assert (page.status, page.body) == (status, answer[2])
    if status != 200:
        assert list(SOURCE.parse(SITE, page)) == []


def test_a_whole_pull_is_landed_and_gives_the_truth_again(folder, recorded, replay, tmp_path):
    answers = {
        "VisitsSummary.get": recorded(folder / "VisitsSummary.get_day_range"),
        "Referrers.getReferrerType": as_one_day(recorded(folder / "Referrers.getReferrerType_week")),
        "Referrers.getCampaigns": as_one_day(recorded(folder / "Referrers.getCampaigns_week")),
        "Referrers.getSocials": as_one_day(recorded(folder / "Referrers.getSocials_week")),
    }

    def answer(request):
        return answers[parse_qs(request.body)["method"][0]]

    landing = Landing(tmp_path)
    name, pull = record(landing, SOURCE, SITE, WEEK, "run", replay(answer, URL), lambda: NOW)
    assert pull.complete
    assert [entry.stream for entry in pull.entries] == [each for each in SOURCE.streams if "landing" not in each]
    week = sums(
        (row for page in landing.pages(landing.read_pull(name)) for row in SOURCE.parse(SITE, page)),
        "2026-11-09",
        "2026-11-15",
    )
    assert week["total", "", "visits"] == 127
    assert week["channel", "campaign", "visits"] == week["campaign", "autumn", "visits"] == 40
    assert week["channel", "social", "visits"] == 31


def test_every_recording_was_looked_at(folder):
    looked_at = {
        "VisitsSummary.get_day_range", "VisitsSummary.get_nodata", "VisitsSummary.get_week", "VisitsSummary.get_range",
        "Referrers.getReferrerType_week", "Referrers.getCampaigns_week", "Referrers.getSocials_week",
        "Referrers.getWebsites_week", "Actions.getPageUrls_day", "Live.getLastVisitsDetails",
        "Live.getLastVisitsDetails_p2", "SitesManager.getSiteFromId", "API.getMatomoVersion",
        "error_bad_token", "error_anonymous", "error_bad_method", "error_bad_period",
    }  # fmt: skip
    assert {path.stem for path in folder.glob("*.json")} == looked_at
    visits = json.loads((folder / "Live.getLastVisitsDetails.json").read_text())
    assert {visit["referrerTypeName"] for visit in visits if visit["referrerType"] == "campaign"} == {"Campaigns"}
