"""Access logs: ten thousand real lines, against the counts of an independent reader (goaccess 1.7)."""

import datetime as dt
import gzip
import json

import pytest

from widerview.landing.store import Landing, record
from widerview.sources.access_log import SOURCE
from widerview.sources.base import Target, Window
from widerview.sources.http import HttpClient

WINDOW = Window(dt.date(2015, 5, 15), dt.date(2015, 5, 22))
NOW = dt.datetime(2015, 5, 22, 3, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "datasets" / "access_logs_elastic"


@pytest.fixture(scope="module")
def lines(folder):
    return gzip.decompress((folder / "apache_logs.gz").read_bytes()).splitlines()


@pytest.fixture(scope="module")
def oracle(folder):
    """By day: requests and visitors, as goaccess counts them."""
    told = json.loads((folder / "goaccess_reference.json").read_text())
    assert (told["general"]["valid_requests"], told["general"]["failed_requests"]) == (10_000, 0)
    return {
        dt.datetime.strptime(day["data"], "%Y%m%d").date(): (day["hits"]["count"], day["visitors"]["count"])
        for day in told["visitors"]["data"]
    }


def site(pattern, **options):
    return Target(
        client_id="one",
        source="access_log",
        ref="semicomplete.com",
        time_zone="UTC",
        url="http://semicomplete.com",
        options={"files": str(pattern), "log_begins": "2015-05-17", **options},
    )


def fetch(target):
    return list(SOURCE.fetch(target, WINDOW, HttpClient(base_url="https://semicomplete.com", budget=0)))


@pytest.fixture(scope="module")
def pages(folder):
    return fetch(site(folder / "apache_logs.gz"))


def totals(target, pages):
    rows = [row for page in pages for row in SOURCE.parse(target, page)]
    return {(row.day, row.metric): row.value for row in rows if row.dimension == "total"}


def test_every_line_is_a_request_of_its_day(folder, pages, oracle):
    found = totals(site("/x"), pages)
    assert {day: found[day, "requests"] for day in oracle} == {
        dt.date(2015, 5, 17): 1632,
        dt.date(2015, 5, 18): 2893,
        dt.date(2015, 5, 19): 2896,
        dt.date(2015, 5, 20): 2579,
    }
    assert {day: found[day, "requests"] for day in oracle} == {day: hits for day, (hits, _) in oracle.items()}
    assert {json.loads(page.body)["unreadable"] for page in pages} == {0}
    assert {day for day, _ in found} == set(oracle)


def test_people_are_fewer_than_goaccess_counts_with_the_robots(pages, oracle):
    found = totals(site("/x"), pages)
    for day, (hits, visitors) in oracle.items():
        assert 0 < found[day, "unique_visitors"] < visitors
        assert found[day, "unique_visitors"] <= found[day, "visits"] <= found[day, "page_views"] < hits
    assert sum(json.loads(page.body)["robots"] for page in pages) > 2000


def test_no_address_of_the_log_is_landed(pages, lines):
    addresses = {line.split(b" ")[0] for line in lines}
    assert len(addresses) == 1753
    everything = b"\n".join(page.body + repr(page.request).encode() for page in pages)
    assert [address for address in addresses if address in everything] == []


def test_no_address_is_landed_on_disk_and_the_pull_can_be_read_again(folder, lines, tmp_path):
    landing = Landing(tmp_path)
    http = HttpClient(base_url="https://semicomplete.com", budget=1)
    target = site(folder / "apache_logs.gz")
    name, pull = record(landing, SOURCE, target, WINDOW, "run", http, lambda: NOW)
    assert (pull.complete, http.calls, len(pull.entries)) == (True, 0, 4)
    kept = b"\n".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    )
    assert not any(address in kept for address in {line.split(b" ")[0] for line in lines})
    again = totals(target, landing.pages(landing.read_pull(name)))
    assert sum(value for (_, metric), value in again.items() if metric == "requests") == 10_000


def test_rotation_and_packing_change_nothing(lines, pages, tmp_path):
    for number, start in enumerate(range(0, 10_000, 2_500)):
        part = b"".join(line + b"\n" for line in lines[start : start + 2_500])
        path = tmp_path / f"access.log.{3 - number}{'.gz' if number < 2 else ''}"
        path.write_bytes(gzip.compress(part) if number < 2 else part)
    rotated = fetch(site(tmp_path / "access.log*"))
    assert totals(site("/x"), rotated) == totals(site("/x"), pages)


def test_the_first_day_is_left_out_unless_the_log_is_known_to_begin_on_it(folder):
    target = site(folder / "apache_logs.gz")
    target = Target(**{name: getattr(target, name) for name in target.__struct_fields__} | {
        "options": {"files": target.options["files"]}
    })  # fmt: skip
    days = [json.loads(page.body)["day"] for page in fetch(target)]
    assert days == ["2015-05-18", "2015-05-19", "2015-05-20"]
