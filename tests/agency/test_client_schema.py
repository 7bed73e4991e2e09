"""The JSON Schema and the page of keys say what the models say."""

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from widerview.agency.load import BrokenFileError, load_client
from widerview.agency.schema import PAGE, SCHEMA_FILE, schema_of, schema_text, with_keys_table
from widerview.yaml_lines import read_yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "client.yaml"


def test_the_schema_file_is_current() -> None:
    assert (ROOT / SCHEMA_FILE).read_text("utf-8") == schema_text(), "run: python -m widerview.agency.schema"


def test_the_page_of_keys_is_current() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    assert page == with_keys_table(page), "run: python -m widerview.agency.schema"
    assert "| `accounts[].handle` |" in page


def test_the_example_names_the_schema_for_editors_from_where_it_lies_and_from_clients() -> None:
    first = EXAMPLE.read_text("utf-8").splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    for folder in (EXAMPLE.parent, ROOT / "clients"):
        assert (folder / schema).resolve() == ROOT / SCHEMA_FILE


def test_the_schema_is_valid_itself() -> None:
    Draft202012Validator.check_schema(schema_of())


_DROP = "the key is left out"
SAMPLES: list[tuple[tuple[str | int, ...], Any]] = [
    (("currency",), _DROP),
    (("campaigns", 0, "partners"), []),
    (("campaigns", 0, "hashtags", 0), "#Bäckerei"),
    (("accounts", 0, "connection"), None),
    (("accounts", 0, "handle"), "did:plc:abc123"),
    (("office_hours", "saturday"), {"opens": "10:00", "closes": "24:00"}),
    (("name",), _DROP),
    (("nmae",), "x"),
    (("name",), 7),
    (("name",), " "),
    (("name",), "two\nlines"),
    (("client",), "Not A Slug"),
    (("office_hours",), {}),
    (("office_hours", "mondy"), {"opens": "10:00", "closes": "12:00"}),
    (("office_hours", "monday", "opens"), "25:00"),
    (("report", "weekday"), "someday"),
    (("report", "review_hours"), 97),
    (("report", "review_hours"), "24"),
    (("report", "cadence"), "daily"),
    (("report", "remind"), []),
    (("report", "without_review"), True),
    (("report", "starting"), "2026-13-01"),
    (("sender", "owner"), "nobody"),
    (("sender", "office", "hours"), {}),
    (("reviewers",), []),
    (("reviewers",), "mira"),
    (("recipients", 0, "email"), "nobody"),
    (("accounts", 0, "platform"), "geocities"),
    (("accounts", 0, "handle"), "@bakery@social.example"),
    (("accounts", 1, "handle"), "bakery.example"),
    (("web", 0, "site_id"), 0),
    (("web", 0, "url"), "ftp://x.example"),
    (("campaigns", 0, "starts"), "2026-13-01"),
    (("campaigns", 0, "hashtags", 0), "bread"),
    (("campaigns", 0, "assets", 0, "cost"), -1),
    (("campaigns", 0, "assets", 0, "kind"), "billboard"),
    (("campaigns", 0, "assets", 0, "path"), "/harbour/north-gate"),
    (("campaigns", 0, "assets", 0, "path"), "/Harbour"),
    (("campaigns", 0, "assets", 0, "path"), "/harbour/"),
    (("campaigns", 0, "assets", 0, "path"), "/"),
    (("campaigns", 0, "assets", 0, "path"), "/" + "x" * 60),
    (("campaigns", 0, "assets", 1, "code"), "winter 10"),
    (("campaigns", 0, "landing_page"), "https://harbour-bakery.example/?p=12&lang=de"),
    (("campaigns", 0, "landing_page"), "https://harbour-bakery.example/?p=12&utm_source=x"),
    (("campaigns", 0, "landing_page"), "https://harbour-bakery.example/#order"),
    (("campaigns", 0, "landing_page"), "http://harbour-bakery.example/"),
    (("campaigns", 0, "landing_page"), "https://harbour-bakery.example/a[1]~b_c"),
    (("campaigns", 0, "landing_page"), "https://harbour-bakery.example/{a}"),
    (("campaigns", 0, "channels", 0, "channel"), "instgram"),
    (("campaigns", 0, "channels", 1, "budget"), 0),
    (("campaigns", 0, "channels"), _DROP),
    (("campaigns", 0, "partners", 0, "accounts", 0, "platform"), "geocities"),
    (("timeline", 0, "kind"), "storm"),
    (("timeline", 0, "day"), "yesterday"),
]


@pytest.mark.parametrize(("where", "value"), SAMPLES, ids=lambda each: repr(each)[:40])
def test_the_schema_accepts_what_the_loader_accepts(where: tuple[str | int, ...], value: Any, tmp_path: Path) -> None:
    sample: Any = copy.deepcopy(read_yaml(EXAMPLE.read_text("utf-8")).value)
    part = sample
    for step in where[:-1]:
        part = part[step]
    if value is _DROP:
        del part[where[-1]]
    else:
        part[where[-1]] = value

    validator = Draft202012Validator(schema_of(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert validator.is_valid(sample) == _loads(sample, tmp_path)


def _loads(sample: Any, folder: Path) -> bool:
    import json

    path = folder / f"{sample['client']}.yaml"  # JSON is YAML
    path.write_text(json.dumps(sample, ensure_ascii=False), "utf-8")
    try:
        load_client(path)
    except BrokenFileError:
        return False
    return True
