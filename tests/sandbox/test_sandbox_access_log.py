"""The access-log source, given the sandbox's files, finds exactly what is true, and keeps nobody's address."""

import datetime as dt
import gzip
from collections import defaultdict

import pytest

from widerview.sandbox.access_log import write_logs
from widerview.sandbox.model import PROFILES, SETTLED_AFTER, Simulation
from widerview.sandbox.website import log_lines
from widerview.sources.access_log import SOURCE
from widerview.sources.base import Target, Window
from widerview.sources.http import HttpClient

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
BAKERY = PROFILES[0]


def site(profile, folder):
    host = profile.url.removeprefix("https://")
    return Target(
        client_id=profile.key,
        source="access_log",
        ref=host,
        time_zone=str(profile.zone),
        url=profile.url,
        options={"files": f"{folder}/access.log*"},
    )


def read(target, window=WEEK):
    pages = list(SOURCE.fetch(target, window, HttpClient(base_url=SOURCE.base_url(target), budget=0)))
    return pages, [row for page in pages for row in SOURCE.parse(target, page)]


def sums(rows):
    found = defaultdict(float)
    for row in rows:
        found[row.dimension, row.member, row.metric] += row.value
    return found


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_the_weeks_visits_and_where_they_came_from(model: Simulation, tmp_path, profile):
    truth = model.truth(profile.key, WEEK.first)
    write_logs(model, profile.key, tmp_path, first=WEEK.first, last=ANCHOR, now=SETTLED)
    _, rows = read(site(profile, tmp_path))
    found = sums(rows)
    assert found["total", "", "visits"] == truth.visits
    assert found["total", "", "page_views"] == truth.actions
    assert found["total", "", "bounces"] == truth.bounces
    assert {word: found["channel", word, "visits"] for word in truth.channels} == truth.channels
    assert sum(found["channel", word, "page_views"] for word in truth.channels) == truth.actions
    for campaign, keywords in truth.campaigns.items():
        assert found["campaign", campaign, "visits"] == sum(keywords.values())
        for keyword, count in keywords.items():
            assert not keyword or found["touchpoint", f"{campaign}/{keyword}", "visits"] == count
    assert sum(
        value for (kind, _, metric), value in found.items() if (kind, metric) == ("network", "visits")
    ) == truth.channels.get("social", 0)
    lines = [
        line
        for offset in range(7)
        for line in log_lines(model, profile.key, WEEK.first + dt.timedelta(days=offset), SETTLED)
    ]
    assert found["total", "", "requests"] == len(lines)
    assert {row.day for row in rows} == {WEEK.first + dt.timedelta(days=offset) for offset in range(7)}


def test_no_address_and_no_browser_is_landed(model: Simulation, tmp_path):
    write_logs(model, BAKERY.key, tmp_path, first=WEEK.first, last=ANCHOR, now=SETTLED)
    pages, _ = read(site(BAKERY, tmp_path))
    everything = b"".join(page.body + repr(page.request).encode() for page in pages)
    lines = [
        line
        for path in tmp_path.iterdir()
        for line in (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).splitlines()
    ]
    addresses = {line.split(b" ")[0] for line in lines}
    agents = {line.rsplit(b'"', 2)[1] for line in lines}
    assert len(addresses) > 500
    assert [address for address in addresses if address in everything] == []
    assert [agent for agent in agents if agent in everything] == []


def test_a_day_gives_the_same_rows_wherever_the_rotation_has_put_it(model: Simulation, tmp_path):
    days = Window(WEEK.last - dt.timedelta(days=1), WEEK.last)
    early, late = tmp_path / "early", tmp_path / "late"
    write_logs(model, BAKERY.key, early, first=days.first, last=ANCHOR, now=SETTLED)
    write_logs(model, BAKERY.key, late, first=days.first, last=ANCHOR + dt.timedelta(days=2), now=SETTLED)
    first, _ = read(site(BAKERY, early), days)
    second, _ = read(site(BAKERY, late), days)
    assert [page.sha256 for page in first] == [page.sha256 for page in second]
    assert len(first) == 2


def test_nothing_is_asked_over_the_network():
    assert SOURCE.expected_calls(posts=0, days=31) == 0
    assert SOURCE.base_url(site(BAKERY, "/var/log")) == "https://hollowoak.example"
