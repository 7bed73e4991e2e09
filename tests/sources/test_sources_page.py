"""The page of the sources says what the sources say of themselves."""

import json
from pathlib import Path

import pytest

from widerview.sources.describe import facts_of, with_tables
from widerview.sources.registry import SOURCES

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


def test_the_page_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "run `python -m widerview.sources.describe docs/sources.md`"


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_in_each_of_its_four_tables(name):
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert sum(f"`{name}`" in line.split("|")[1] for line in rows) >= 4


def test_what_programs_are_told_is_plain_json():
    told = json.loads(json.dumps([facts_of(source) for source in SOURCES.values()]))
    assert {"name", "streams", "api_version", "sunset", "verified_against"} <= told[0].keys()
    assert all(each["verified_against"] for each in told)
