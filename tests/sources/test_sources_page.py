"""The page of the sources says what the sources say of themselves."""

import json
import re
from pathlib import Path

import pytest

from widerview.sources.describe import facts_of, with_tables
from widerview.sources.registry import SOURCES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sources.md"


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


@pytest.mark.parametrize(("begins", "file"), [("yaml\nsource: plausible", "plausible.yaml"),
                                              ("python\nclass Plausible", "plausible.py")])  # fmt: skip
def test_the_example_for_who_adds_a_platform_is_the_real_one(begins, file):
    (excerpt,) = re.findall(rf"```({begins}.*?)```", (ROOT / "docs" / "add-a-source.md").read_text(), re.DOTALL)
    real = (ROOT / "include" / "widerview" / "sources" / file).read_text()
    at = 0
    for part in re.split(r"^ *\.\.\.,?\n", excerpt.partition("\n")[2], flags=re.MULTILINE):
        words = re.sub(r"  # .*", "", part).strip("\n")
        assert words in real[at:]
        at = real.index(words, at) + len(words)
    declared = re.search(r"streams = .*  # (.*)", excerpt)
    assert declared is None or declared[1] == ", ".join(SOURCES["plausible"].streams)
