"""The website at length says what the model says in short: visits, pages, searches, and the server's log."""

import datetime as dt
import ipaddress
import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.sandbox.model import PROFILES, SETTLED_AFTER, Origin, Simulation
from widerview.sandbox.website import log_lines, page_views, search_day, search_rows, web_visits

ANCHOR = dt.date(2026, 11, 16)
LONG_AFTER = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
CLIENTS = [profile.key for profile in PROFILES]
EXAMPLES = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
LINE = re.compile(r'(\S+) - - \[([^\]]+)\] "GET (\S+) HTTP/1\.1" (\d{3}) (\d+) "([^"]*)" "([^"]*)"')

days = st.integers(0, 190).map(lambda n: ANCHOR - dt.timedelta(weeks=26) + dt.timedelta(days=n))


@pytest.mark.parametrize("client", CLIENTS)
@settings(max_examples=5)
@given(day=days, hours=st.integers(1, 80))
def test_visits_are_the_models(model: Simulation, client: str, day: dt.date, hours: int) -> None:
    now = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hours)
    for late in (False, True):
        rows = model.visits(client, day, day, now, late=late)
        visits = web_visits(model, client, day, now, late=late)
        assert Counter(visit.origin for visit in visits) == Counter(
            model.origins(client)[index] for index in rows["origin"].tolist()
        )
        assert sum(len(visit.pages) for visit in visits) == rows["actions"].sum()
        assert sum(visit.bounce for visit in visits) == (rows["actions"] == 1).sum()
        assert sum(visit.new_in_day for visit in visits) == rows["unique_in_day"].sum()
        assert sum(page_views(model, client, day, now, late=late).values()) == rows["actions"].sum()
        assert all(visit.at <= now for visit in visits)


@settings(max_examples=4)
@given(day=days, hours=st.integers(1, 48))
def test_the_past_does_not_depend_on_the_future(model: Simulation, day: dt.date, hours: int) -> None:
    now = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hours)
    fresh = Simulation(model.seed, ANCHOR)
    for client in CLIENTS:
        whole = log_lines(model, client, day, LONG_AFTER)
        so_far = log_lines(fresh, client, day, now)
        assert so_far == whole[: len(so_far)]
        assert search_rows(fresh, client, day, now) == search_rows(model, client, day, now)


@pytest.mark.parametrize("client", CLIENTS)
@settings(max_examples=5)
@given(day=days)
def test_a_log_holds_the_true_visits_and_page_views(model: Simulation, client: str, day: dt.date) -> None:
    lines = [LINE.fullmatch(line) for line in log_lines(model, client, day, LONG_AFTER)]
    assert all(lines)
    asked = [line.groups() for line in lines if line]
    times = [dt.datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z") for _, at, *_ in asked]
    assert times == sorted(times)
    assert {at.date() for at in times} == {day}
    assert all(any(ipaddress.ip_address(ip) in net for net in EXAMPLES) for ip, *_ in asked)

    visits, seen, last = 0, 0, dict[tuple[str, str], dt.datetime]()
    for at, (ip, _, target, status, _, _, agent) in zip(times, asked, strict=True):
        if status == "200" and "bot" not in agent.lower() and "." not in urlsplit(target).path:
            seen += 1
            visits += (ip, agent) not in last or at - last[ip, agent] > dt.timedelta(minutes=30)
            last[ip, agent] = at
    truth = model.visits(client, day, day, LONG_AFTER)
    assert (visits, seen) == (len(truth), truth["actions"].sum())


def test_a_log_holds_more_than_people(model: Simulation) -> None:
    log = log_lines(model, "hollow-oak-bakery", ANCHOR, LONG_AFTER)
    for bot in ("Googlebot", "bingbot", "AhrefsBot", "GPTBot"):
        assert any(bot in line for line in log)
    for part in ('" 404 ', "site.css", "front.jpg", "https://www.google.com/", "https://bsky.app/"):
        assert any(part in line for line in log)


def test_landing_pages_carry_the_tags_of_their_links(model: Simulation) -> None:
    for visit in web_visits(model, "hollow-oak-bakery", ANCHOR - dt.timedelta(days=2), LONG_AFTER):
        assert urlsplit(visit.landing).path == visit.pages[0].path
        tags = parse_qs(urlsplit(visit.landing).query)
        campaign = visit.origin.channel == "campaign"
        assert tags.get("utm_campaign", []) == ([visit.origin.name] if campaign else [])
        assert tags.get("utm_source", []) == ([visit.origin.keyword] if campaign and visit.origin.keyword else [])
        assert bool(visit.referrer) >= (visit.origin.channel in {"search", "website", "social"})


@pytest.mark.parametrize("client", CLIENTS)
def test_clicks_in_searches_are_visits_from_google(model: Simulation, client: str) -> None:
    google = model.origins(client).index(Origin("search", "Google"))
    for n in range(14):
        day = ANCHOR - dt.timedelta(days=n)
        for now in (LONG_AFTER, dt.datetime(2026, 11, 10, 11, tzinfo=dt.UTC)):
            found = search_day(model, client, day, now)
            visits = model.visits(client, day, day, now, late=False)
            assert found.clicks == (visits["origin"] == google).sum()
            assert found.impressions >= found.clicks
            assert found.position_sum >= found.impressions
    assert search_day(model, client, ANCHOR, LONG_AFTER).impressions > 3 * found.clicks
