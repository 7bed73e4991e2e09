"""Access logs: what counts as a visit, what is dropped, and lines and files that cannot be read."""

import datetime as dt
import gzip
import ipaddress
import json
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigned import poster, with_campaigns
from widerview.pipeline import ingest
from widerview.sources.access_log import SOURCE
from widerview.sources.base import Target, Window
from widerview.sources.errors import BadAnswer, NotFound, SourceError, Unauthorized, Unavailable
from widerview.sources.http import HttpClient

DAY = dt.date(2026, 11, 10)
NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BEFORE = '198.51.100.250 - - [09/Nov/2026:09:00:00 +0100] "GET /favicon.ico HTTP/1.1" 200 1 "-" "-"'
AFTER = BEFORE.replace("09/Nov", "14/Nov")


def line(
    at="10/Nov/2026:10:00:00 +0100",
    path="/",
    *,
    ip="203.0.113.7",
    referrer="-",
    agent=CHROME,
    status=200,
    method="GET",
):
    return f'{ip} - - [{at}] "{method} {path} HTTP/1.1" {status} 512 "{referrer}" "{agent}"'


def site(folder, pattern="access.log*", time_zone="Europe/Berlin", **options):
    return Target(
        client_id="meadow",
        source="access_log",
        ref="meadow.example",
        time_zone=time_zone,
        url="https://www.meadow.example/start",
        options={"files": f"{folder}/{pattern}", **options},
    )


def written(folder, *lines, name="access.log"):
    (folder / name).write_text("".join(f"{each}\n" for each in lines), encoding="latin-1")


def pages_of(target, first=DAY, last=None):
    http = HttpClient(base_url=SOURCE.base_url(target), budget=0, clock=lambda: NOW)
    return list(SOURCE.fetch(target, Window(first, last or first), http))


def values(target, first=DAY, last=None, **wanted):
    """(day, dimension, member, metric) → value, or those of one day and dimension by member and metric."""
    rows = [row for page in pages_of(target, first, last) for row in SOURCE.parse(target, page)]
    assert all((row.entity, row.entity_id, row.zone) == ("site", "meadow.example", target.time_zone) for row in rows)
    return {(str(row.day), row.dimension, row.member, row.metric): row.value for row in rows}


def total(folder, *lines, **options):
    written(folder, BEFORE, *lines, AFTER)
    found = values(site(folder, **options))
    return {metric: value for (_, dimension, _, metric), value in found.items() if dimension == "total"}


def split(folder, dimension, *lines):
    written(folder, BEFORE, *lines, AFTER)
    found = values(site(folder))
    return {
        member: value for (_, kind, member, metric), value in found.items() if (kind, metric) == (dimension, "visits")
    }


# -- what counts -------------------------------------------------------------------------------------------------------


def test_page_views_with_half_an_hour_between_them_are_two_visits(tmp_path):
    assert total(
        tmp_path,
        line("10/Nov/2026:10:00:00 +0100"),
        line("10/Nov/2026:10:29:59 +0100", "/menu"),
        line("10/Nov/2026:10:59:59 +0100", "/contact"),
    ) == {"visits": 2, "unique_visitors": 1, "page_views": 3, "bounces": 1, "visit_time": 1799, "requests": 3}


def test_a_day_is_read_when_the_clients_clock_says(tmp_path):
    written(tmp_path, BEFORE, line(), AFTER)
    assert [page.fetched_at for page in pages_of(site(tmp_path))] == [NOW]


def test_two_browsers_behind_one_address_are_two_visitors(tmp_path):
    found = total(tmp_path, line(), line(agent=FIREFOX), line(ip="2001:db8::1"))
    assert (found["unique_visitors"], found["visits"]) == (3, 3)


def test_the_order_of_the_lines_does_not_matter(tmp_path):
    assert (
        total(
            tmp_path,
            line("10/Nov/2026:10:20:00 +0100", "/menu"),
            line("10/Nov/2026:10:00:00 +0100", referrer="https://t.co/x"),
        )["visits"]
        == 1
    )
    assert values(site(tmp_path))["2026-11-10", "network", "X", "visits"] == 1


@pytest.mark.parametrize(
    ("request_", "page"),
    [
        ({"path": "/"}, True),
        ({"path": "/menu/winter"}, True),
        ({"path": "/menu.html?lang=de"}, True),
        ({"path": "/index.PHP"}, True),
        ({"path": "/v1.2/menu"}, True),
        ({"path": "/products/size-2.5"}, True),
        ({"path": "/st.-gallen?utm_campaign=autumn"}, True),
        ({"path": "/about/dr.smith"}, True),
        ({"path": "/index.cgi"}, True),
        ({"path": "/logo.PNG?v=2.5"}, False),
        ({"path": "/backup.tar.gz"}, False),
        ({"path": "/font.woff2"}, False),
        ({"status": 304}, True),
        ({"status": 206}, True),
        ({"path": "/style.css"}, False),
        ({"path": "/robots.txt"}, False),
        ({"path": "/.env"}, False),
        ({"path": "/menu", "status": 404}, False),
        ({"path": "/menu", "status": 301}, False),
        ({"path": "/menu", "method": "POST"}, False),
        ({"path": "/menu", "method": "HEAD"}, False),
        ({"path": "http://elsewhere.example/"}, False),
        ({"path": "*"}, False),
        ({"agent": BOT}, False),
        ({"agent": "curl/8.5.0"}, False),
        ({"agent": "-"}, False),
        ({"agent": ""}, False),
    ],
)
def test_page_views_are_successful_requests_of_people_for_pages(tmp_path, request_, page):
    found = total(tmp_path, line(**request_))
    assert (found["page_views"], found["visits"]) == ((1, 1) if page else (0, 0))
    assert found["requests"] == 1


def test_a_day_is_the_sites_own_by_each_lines_own_offset(tmp_path):
    written(
        tmp_path,
        line("08/Nov/2026:00:00:00 +0000"),
        line("09/Nov/2026:23:30:00 +0000", ip="203.0.113.1"),  # already the 10th in Berlin
        line("10/Nov/2026:23:30:00 +0100", ip="203.0.113.2"),
        line("10/Nov/2026:23:30:00 -0100", ip="203.0.113.3"),  # the 11th
        AFTER,
    )
    assert values(site(tmp_path))["2026-11-10", "total", "", "visits"] == 2
    assert values(site(tmp_path, time_zone="UTC"))["2026-11-10", "total", "", "visits"] == 1


def test_the_hour_that_the_clocks_repeat_is_counted_once_and_in_order(tmp_path):
    written(
        tmp_path,
        line("24/Oct/2026:12:00:00 +0200"),
        line("25/Oct/2026:02:40:00 +0200"),
        line("25/Oct/2026:02:05:00 +0100", "/menu"),
        line("25/Oct/2026:23:59:00 +0100", ip="203.0.113.9"),
        AFTER,
    )
    found = values(site(tmp_path), dt.date(2026, 10, 25))
    assert found["2026-10-25", "total", "", "visits"] == 2
    assert found["2026-10-25", "total", "", "visit_time"] == 25 * 60


def test_a_visit_over_midnight_is_one_of_each_day(tmp_path):
    written(tmp_path, BEFORE, line("10/Nov/2026:23:59:00 +0100"), line("11/Nov/2026:00:01:00 +0100", "/menu"), AFTER)
    found = values(site(tmp_path), DAY, DAY + dt.timedelta(days=1))
    assert [found[day, "total", "", "visits"] for day in ("2026-11-10", "2026-11-11")] == [1, 1]


# -- where visits come from --------------------------------------------------------------------------------------------


def test_channels_are_those_of_a_visits_first_page(tmp_path):
    assert split(
        tmp_path,
        "channel",
        line(referrer="https://www.google.com/", ip="203.0.113.1"),
        line("10/Nov/2026:10:05:00 +0100", "/menu", referrer="https://elsewhere.example/", ip="203.0.113.1"),
        line(referrer="https://WWW.meadow.example/menu", ip="203.0.113.2"),
        line(referrer="https://meadow.example", ip="203.0.113.3"),
        line(referrer="https://chatgpt.com/", ip="203.0.113.4"),
        line(referrer="about:blank", ip="203.0.113.5"),
        line(referrer="http://[broken", ip="203.0.113.6"),
    ) == {"direct": 4, "search": 1, "website": 0, "campaign": 0, "social": 0, "ai_assistant": 1}


def test_a_tagged_link_is_its_campaigns_and_no_networks(tmp_path):
    tagged = "/?utm_source=Poster&utm_campaign=Winter+Loaf&utm_term=x"
    lines = [line(path=tagged, referrer="https://bsky.app/"), line(path="/?utm_campaign=club", ip="203.0.113.8")]
    assert split(tmp_path, "campaign", *lines) == {"winter loaf": 1, "club": 1}
    assert split(tmp_path, "touchpoint", *lines) == {"winter loaf/poster": 1}
    assert split(tmp_path, "network", *lines) == {}
    assert split(tmp_path, "channel", *lines)["campaign"] == 2


def test_a_source_without_a_campaign_is_no_campaign(tmp_path):
    assert split(tmp_path, "channel", line(path="/?utm_source=x"))["direct"] == 1


def test_redirected_calls_of_a_short_path_are_its_scans_and_no_visits(tmp_path):
    calls = [
        line(path="/markt", status=302),
        line(path="/Markt/?x=1", status=301, ip="203.0.113.8"),
        line(path="/markt", status=302, agent=BOT),
        line(path="/markt", status=404),
        line(path="/elsewhere", status=302),
        line(path="/markt?utm_campaign=autumn"),
    ]
    written(tmp_path, BEFORE, *calls, AFTER)
    found = values(site(tmp_path, short_paths="/brot /markt"))
    scans = {member: value for (_, dimension, member, _), value in found.items() if dimension == "asset"}
    assert scans == {"/brot": 0, "/markt": 2}
    assert found["2026-11-10", "total", "", "visits"] == 1


def test_a_chain_of_redirects_is_one_scan(tmp_path):
    chain = [
        line("10/Nov/2026:10:00:01 +0100", path="/markt", status=302),
        line("10/Nov/2026:10:00:00 +0100", path="/markt", status=301),  # http, logged in a file of its own
        line("10/Nov/2026:10:00:02 +0100", path="/markt/", status=301, ip="203.0.113.8"),
        line("10/Nov/2026:10:05:00 +0100", path="/markt", status=302),
    ]
    written(tmp_path, BEFORE, *chain, AFTER)
    found = values(site(tmp_path, short_paths="/markt"))
    assert found["2026-11-10", "asset", "/markt", "scans"] == 3, "two people, and one of them again five minutes later"


def test_only_what_is_printed_is_a_short_path_and_no_page_is():
    log = {
        "platform": "access_log", "site_id": "www.shop.example", "url": "https://www.shop.example",
        "options": {"files": "/var/log/shop/access.log*"},
    }  # fmt: skip
    page = {"kind": "landing_page", "name": "The page", "path": "/bread-of-the-winter"}
    client = with_campaigns({"key": "winter", "assets": [poster(), page]}, web=[log])
    (target,) = ingest.targets(client, "access_log")
    assert target.options["short_paths"] == "/market"


def test_without_short_paths_nothing_is_said_of_scans(tmp_path):
    written(tmp_path, BEFORE, line(path="/markt", status=302), AFTER)
    assert not [metric for *_, metric in values(site(tmp_path)) if metric == "scans"]


def test_a_visit_begins_on_its_first_page_with_or_without_a_tag(tmp_path):
    calls = [
        line(path="/winter-bread/?utm_campaign=winter&utm_source=poster"),
        line("10/Nov/2026:10:05:00 +0100", "/winter-bread"),
        line("10/Nov/2026:10:40:00 +0100", "/winter-bread?fbclid=1"),
        line(path="/about", ip="203.0.113.8"),
        line("10/Nov/2026:10:05:00 +0100", "/winter-bread", ip="203.0.113.8"),
        line(path="/winter-bread", agent=BOT),
    ]
    written(tmp_path, BEFORE, *calls, AFTER)
    found = values(site(tmp_path, landing_pages="/br%C3%B6tchen /winter-bread"))
    began = {key[2:]: value for key, value in found.items() if key[:2] == ("2026-11-10", "page")}
    assert began == {
        ("/brötchen", "landing_visits"): 0,
        ("/brötchen", "tagged_landing_visits"): 0,
        ("/winter-bread", "landing_visits"): 2,
        ("/winter-bread", "tagged_landing_visits"): 1,
    }


def test_of_paths_only_those_of_the_campaigns_pages_are_kept(tmp_path):
    written(tmp_path, BEFORE, line(path="/doctor/anna"), line(path="/winter-bread?name=anna"), AFTER)
    kept = b"".join(page.body for page in pages_of(site(tmp_path, landing_pages="/winter-bread")))
    assert b"/winter-bread" in kept
    assert b"anna" not in kept


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_what_is_landed_are_numbers_hosts_and_tags(tmp_path):
    written(
        tmp_path,
        BEFORE,
        '203.0.113.7 - alice [10/Nov/2026:10:00:00 +0100] "GET /reset/alice?token=s3cret&utm_campaign=autumn'
        f'&email=alice%40x.example HTTP/1.1" 200 5 "https://news.example/alice?q=alice" "{CHROME}"',
        AFTER,
    )
    [page] = pages_of(site(tmp_path))
    assert json.loads(page.body) == {
        "day": "2026-11-10",
        "zone": "Europe/Berlin",
        "requests": 1,
        "robots": 0,
        "unreadable": 0,
        "origins": [{"referrer": "news.example", "campaign": "autumn"}],
        "views": [[36000, 0, 0]],
    }
    assert (page.stream, page.status, page.request.method) == ("requests", 200, "READ")
    assert page.request.url == f"file://{tmp_path}/access.log*"
    assert page.request.params == {"day": "2026-11-10"}


@pytest.mark.parametrize("ip", ["203.0.113.7", "2001:db8:7::9", "::ffff:203.0.113.7"])
def test_an_address_is_kept_nowhere_not_even_where_it_has_no_business(tmp_path, ip):
    quoted = f"[{ip}]" if ":" in ip else ip
    referrer = f"http://{quoted}:8080/x"
    tagged = f"/?utm_campaign=from-{ip}.&utm_source={ip.replace(':', '%3A')}&x={ip}"
    written(tmp_path, BEFORE, line(path=tagged, ip=ip, referrer=referrer), AFTER)
    [page] = pages_of(site(tmp_path))
    assert ip not in page.body.decode() + repr(page.request)
    assert b"203.0.113.7" not in page.body
    assert json.loads(page.body)["origins"][0]["source"] == "[address]"


def test_a_visitor_of_two_days_is_not_known_again(tmp_path):
    lines = [
        line("10/Nov/2026:09:00:00 +0100", ip="203.0.113.1"),
        line("10/Nov/2026:10:00:00 +0100", ip="203.0.113.2"),
        line("11/Nov/2026:10:00:00 +0100", ip="203.0.113.2"),
    ]
    written(tmp_path, BEFORE, *lines, AFTER)
    pages = pages_of(site(tmp_path), DAY, DAY + dt.timedelta(days=1))
    assert [json.loads(page.body)["views"] for page in pages] == [[[32400, 0, 0], [36000, 1, 0]], [[36000, 0, 0]]]


def test_the_hash_of_a_visitor_is_another_one_each_time(tmp_path, monkeypatch):
    keys = []
    original = __import__("hashlib").blake2b

    def spy(data, *, key, digest_size):
        keys.append(key)
        return original(data, key=key, digest_size=digest_size)

    monkeypatch.setattr("widerview.sources.access_log.blake2b", spy)
    written(tmp_path, BEFORE, line(), line("11/Nov/2026:10:00:00 +0100"), AFTER)
    for _ in range(2):
        pages_of(site(tmp_path), DAY, DAY + dt.timedelta(days=1))
    assert len(keys) == len(set(keys)) == 4
    assert all(len(key) == 32 for key in keys)


def test_the_same_lines_are_the_same_bytes(tmp_path):
    written(tmp_path, BEFORE, line(), line(ip="203.0.113.8"), AFTER)
    assert pages_of(site(tmp_path))[0].sha256 == pages_of(site(tmp_path))[0].sha256


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written_so",
    [
        line(agent=f'{FIREFOX} \\"quoted\\"', referrer='https://news.example/?q=\\"x\\"'),
        line(ip="2001:db8::1"),
        line().replace("HTTP/1.1", "HTTP/2.0"),
        line().replace(" 512 ", " - "),
        line().replace('"GET / HTTP/1.1" 200', '"\\x16\\x03\\x01\\x02" 400'),
        line().replace('"GET / HTTP/1.1" 200', '"-" 408'),
        line().replace('"GET / HTTP/1.1" 200', '"" 400'),
        line().replace("GET / HTTP", "GET /a b c HTTP"),
        line(ip="host.isp.example"),
        line().removesuffix('"'),
        f'{line()} "203.0.113.99"',
        f'{line()} "-"',
        line(agent="Käfer\\xc3\\xa4"),
    ],
)
def test_odd_lines_that_servers_write_are_requests(tmp_path, written_so):
    assert total(tmp_path, written_so)["requests"] == 1


def test_behind_a_proxy_visitors_are_told_apart_by_the_forwarded_address(tmp_path):
    assert total(tmp_path, f'{line()} "192.0.2.1"', f'{line()} "192.0.2.2, 10.0.0.1"')["visits"] == 2


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "not a line",
        line().replace("10/Nov", "31/Feb"),
        line().replace("10:00:00", "25:00:00"),
        f"www.meadow.example:443 {line()}",
        f"www.meadow.example {line()}",
        line().partition(' "-"')[0],
        '{"remote_addr":"203.0.113.7"}',
        "\x00" * 40,
    ],
)
def test_lines_that_cannot_be_read_are_counted_and_told_without_their_address(tmp_path, caplog, nonsense):
    caplog.set_level(logging.WARNING)
    written(tmp_path, BEFORE, line(), nonsense, AFTER)
    [page] = pages_of(site(tmp_path))
    counted = json.loads(page.body)
    assert (counted["requests"], counted["unreadable"]) == (1, 1 if nonsense else 0)
    assert ("line 3:" in caplog.text) == bool(nonsense)
    assert "203.0.113.7" not in caplog.text


def test_too_many_unreadable_lines_are_refused_with_file_line_and_example(tmp_path):
    foreign = "2001:db8::7 www.meadow.example 203.0.113.7:443 [broken] GET / from 2001:db8::9"
    written(tmp_path, *[line()] * 3, *[foreign] * 5)
    with pytest.raises(BadAnswer) as caught:
        pages_of(site(tmp_path))
    told = str(caught.value)
    assert re.search(r"access\.log: 5 of 8 lines cannot be read, the first is line 4: \[address\] www\.meadow", told)
    assert "203.0.113.7" not in told
    assert "2001:db8" not in told
    assert "Combined Log Format" in told


def test_a_file_of_another_format_is_refused_however_short(tmp_path):
    written(tmp_path, "one line of something else")
    with pytest.raises(BadAnswer, match="1 of 1 lines"):
        pages_of(site(tmp_path))


def test_a_line_that_is_still_being_written_is_no_mistake(tmp_path, caplog):
    written(tmp_path, BEFORE, line(), AFTER)
    with (tmp_path / "access.log").open("a") as log:
        log.write('203.0.113.7 - - [14/Nov/2026:09:00:01 +0100] "GET /me')
    assert values(site(tmp_path))["2026-11-10", "total", "", "visits"] == 1
    assert "cannot be read" not in caplog.text


def test_an_endless_line_costs_no_more_than_its_length(tmp_path):
    written(tmp_path, BEFORE, *[line()] * 80, "a" * 2**20, f"{'f:' * 2**18}", AFTER)
    assert values(site(tmp_path))["2026-11-10", "total", "", "requests"] == 80


# -- files -------------------------------------------------------------------------------------------------------------


def test_plain_and_packed_files_are_read_whatever_their_names(tmp_path):
    written(tmp_path, line(), AFTER)
    (tmp_path / "access.log.1").write_bytes(gzip.compress(f"{BEFORE}\n{line(ip='203.0.113.8')}\n".encode()))
    assert values(site(tmp_path))["2026-11-10", "total", "", "visits"] == 2
    as_url = with_files(site(tmp_path), f"file://{tmp_path}/access.log*")
    assert values(as_url)["2026-11-10", "total", "", "visits"] == 2


def with_files(target, pattern):
    return Target(
        **{name: getattr(target, name) for name in target.__struct_fields__} | {"options": {"files": pattern}}
    )


def test_a_copy_is_read_once_and_lines_that_are_alike_are_not_copies(tmp_path):
    lines = [BEFORE, line(), line(), line("10/Nov/2026:11:00:00 +0100", ip="203.0.113.8"), AFTER]
    written(tmp_path, *lines)
    written(tmp_path, *lines[:3], name="access.log.bak")
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress("".join(f"{each}\n" for each in lines).encode()))
    found = values(site(tmp_path))
    assert found["2026-11-10", "total", "", "requests"] == 3


def test_no_file_is_told(tmp_path):
    with pytest.raises(NotFound, match=r"access\.log\*: no file matches on this worker"):
        pages_of(site(tmp_path))


def test_a_pattern_that_is_none_is_told(tmp_path):
    with pytest.raises(NotFound, match="correct the option files"):
        pages_of(site(tmp_path, "a**"))


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    written(tmp_path, line())

    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(Unauthorized, match=r"access\.log: the user of this worker may not read it .* group adm"):
        pages_of(site(tmp_path))


def test_a_file_that_is_moved_away_or_half_packed_is_tried_again(tmp_path, monkeypatch):
    packed = gzip.compress("\n".join([BEFORE, *[line()] * 99]).encode())
    (tmp_path / "access.log.2.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Unavailable, match="rotated while it was read"):
        pages_of(site(tmp_path))
    monkeypatch.setattr("widerview.sources.access_log._matching", lambda where: [tmp_path / "gone"])
    with pytest.raises(Unavailable, match="rotated while it was read"):
        pages_of(site(tmp_path))


def test_a_damaged_file_is_told(tmp_path):
    packed = bytearray(gzip.compress(b"x" * 9999))
    packed[12:20] = b"\xff" * 8
    (tmp_path / "access.log.2.gz").write_bytes(packed)
    with pytest.raises(BadAnswer, match="the gzipped file is damaged"):
        pages_of(site(tmp_path))


# -- days --------------------------------------------------------------------------------------------------------------


def days_of(target, first, last):
    return {
        int(day[-2:]): value
        for (day, kind, _, metric), value in values(target, first, last).items()
        if (kind, metric) == ("total", "visits")
    }


def test_days_are_told_as_far_as_the_log_holds_them_in_whole(tmp_path):
    written(
        tmp_path,
        line("10/Nov/2026:06:25:00 +0100"),
        line("11/Nov/2026:10:00:00 +0100"),
        line("13/Nov/2026:10:00:00 +0100"),
    )
    window = dt.date(2026, 11, 8), dt.date(2026, 11, 15)
    # The 10th began before the log, nothing came on the 12th, and the 14th is not known to be over.
    assert days_of(site(tmp_path), *window) == {11: 1, 12: 0, 13: 1}
    assert days_of(site(tmp_path, log_begins="2026-11-10"), *window) == {10: 1, 11: 1, 12: 0, 13: 1}
    assert days_of(site(tmp_path, log_begins="2026-11-09"), *window) == {9: 0, 10: 1, 11: 1, 12: 0, 13: 1}


def test_a_day_that_is_left_out_though_it_has_lines_is_told(tmp_path, caplog):
    written(tmp_path, line())
    assert pages_of(site(tmp_path)) == []
    assert "2026-11-10 is left out, because the log begins within it" in caplog.text


def test_an_empty_log_tells_nothing(tmp_path):
    written(tmp_path)
    assert pages_of(site(tmp_path)) == []


def test_a_day_that_does_not_exist_is_told(tmp_path):
    written(tmp_path, line())
    with pytest.raises(SourceError, match="correct the option log_begins"):
        pages_of(site(tmp_path, log_begins="2026-02-31"))


# -- pages -------------------------------------------------------------------------------------------------------------

GOOD = {
    "day": "2026-11-10", "zone": "Europe/Berlin", "requests": 4, "robots": 1, "unreadable": 0,
    "origins": [{}, {"referrer": "bsky.app"}], "views": [[10, 0, 1], [20, 0, 0], [9000, 0, 0]],
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"<html>", json.dumps(GOOD).encode()[:-9],
        *(json.dumps(GOOD | change).encode() for change in (
            {"views": [[10, 0, 2]]}, {"views": [[10, 0, -1]]}, {"views": [[10, 0]]}, {"views": [["x", 0, 0]]},
            {"day": "yesterday"}, {"requests": "many"}, {"origins": None},
        )),
    ],
)  # fmt: skip
def test_a_page_that_is_none_is_refused(page, target, wrong):
    with pytest.raises(BadAnswer, match="Access log requests"):
        list(SOURCE.parse(target("access_log", "meadow.example"), page("requests", wrong)))


def test_a_page_gives_the_same_rows_again(page, target):
    landed = page("requests", json.dumps(GOOD).encode())
    first, second = (list(SOURCE.parse(target("access_log", "meadow.example"), landed)) for _ in range(2))
    assert first == second
    assert {(row.dimension, row.member): row.value for row in first if row.metric == "visits" and row.value} == {
        ("total", ""): 2, ("channel", "social"): 1, ("network", "Bluesky"): 1, ("channel", "direct"): 1,
    }  # fmt: skip


# -- whatever a server writes ------------------------------------------------------------------------------------------

escaped = st.text(st.characters(min_codepoint=32, max_codepoint=126)).map(
    lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
)
address = st.ip_addresses().map(str)


@settings(max_examples=60)
@given(ip=address, path=escaped, referrer=escaped, agent=escaped, status=st.integers(100, 599))
def test_every_well_formed_line_is_a_request_and_gives_its_address_to_nobody(
    tmp_path_factory, ip, path, referrer, agent, status
):
    folder = tmp_path_factory.mktemp("log")
    ends = path.rpartition(" ")[2]
    found = total(folder, line(path=f"/{ends}?utm_campaign={ip}", ip=ip, referrer=referrer, agent=agent, status=status))
    assert found["requests"] == 1
    assert found["page_views"] == found["visits"] <= 1
    [page] = pages_of(site(folder))
    # A very short address, such as ::1, may be a part of something else.
    assert len(ip) < 7 or ip not in page.body.decode() or ip in ends + referrer


@settings(max_examples=60)
@given(
    rubbish=st.lists(st.binary(max_size=200).filter(lambda text: b"[10/Nov/2026" not in text), max_size=3), ip=address
)
def test_whatever_else_stands_in_a_log_costs_nothing_but_itself(tmp_path_factory, rubbish, ip):
    folder = tmp_path_factory.mktemp("log")
    known = [BEFORE, *[line(ip=ip)] * 80, AFTER]
    content = b"\n".join([*(each.encode() for each in known[:-1]), *rubbish, known[-1].encode(), b""])
    (folder / "access.log").write_bytes(content)
    try:
        [page] = pages_of(site(folder))
    except BadAnswer as error:
        assert ip not in str(error)
    else:
        assert json.loads(page.body)["requests"] == 80
        assert ipaddress.ip_address(ip)
