"""`widerview tag`, `qr`, `redirects` and `links`, as a person at a terminal meets them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import text
from typer.testing import CliRunner, Result

from house import ANCHOR, House
from widerview.cli import app
from widerview.pipeline import connections
from widerview.sandbox.clients import write_clients

BAKERY = "hollow-oak-bakery"


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(tmp_path / "clients"))
    write_clients(tmp_path / "clients", ANCHOR)
    return tmp_path / "clients"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_whole_plan_as_lines_as_json_and_as_csv(clients: Path) -> None:
    lines = run("tag", BAKERY, "winter-loaf").output.splitlines()
    rows = json.loads(run("tag", BAKERY, "winter-loaf", "--json").output)
    cells = list(csv.DictReader(io.StringIO(run("tag", BAKERY, "winter-loaf", "--csv").output)))
    assert len(lines) - 1 == len(rows) == len(cells) > 5
    for line, row, cell in zip(lines[1:], rows, cells, strict=True):
        assert line.endswith(row["link"])
        assert {name: value or "" for name, value in row.items()} == cell
    poster = next(row for row in rows if row["utm_source"] == "poster-market")
    assert poster["printed"] == "https://hollowoak.example/market"
    assert poster["link"] == (
        "https://hollowoak.example/winter-loaf?utm_source=poster-market&utm_medium=print"
        "&utm_campaign=winter-loaf&utm_content=poster&utm_term=poster-market"
    )


def test_one_link_alone_to_a_page_of_choice(clients: Path) -> None:
    page = "https://hollowoak.example/flour?lang=en"
    done = run("tag", BAKERY, "winter-loaf", page, "--channel", "bluesky", "--content", "reel-1")
    assert done.output == (
        f"{page}&utm_source=bluesky&utm_medium=social&utm_campaign=winter-loaf&utm_content=reel-1&utm_term=bluesky\n"
    )
    assert run("tag", BAKERY, "everyday", page, "--channel", "bluesky").output.startswith(f"{page}&utm_source=bluesky")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody", "winter-loaf"], 2, "there are: hollow-oak-bakery"),
        ([BAKERY, "winter-loaves"], 1, "no campaign 'winter-loaves'; did you mean winter-loaf?"),
        ([BAKERY, "winter-loaf", "--channel", "fax"], 1, "no channel, partner or asset 'fax'"),
        ([BAKERY, "winter-loaf", "--channel", "x", "--asset", "x"], 2, "give one of the two"),
        ([BAKERY, "winter-loaf", "https://other.example/", "--channel", "bluesky"], 1, "tags are counted on hollowoak"),
        ([BAKERY, "winter-loaf", "http://hollowoak.example/", "--channel", "bluesky"], 1, "write https"),
        ([BAKERY, "winter-loaf", "--channel", "bluesky", "--content", "Reel 1"], 1, "write it like reel-1"),
        ([BAKERY, "everyday", "--channel", "bluesky"], 1, "everyday has no landing page for bluesky"),
    ],
)
def test_a_sloppy_wish_is_refused_with_how_to_mend_it(
    clients: Path, arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = run("tag", *arguments)
    assert done.exit_code == code
    assert words in done.output
    assert "Traceback" not in done.output
    assert "utm_source=" not in done.output


def test_a_name_is_no_formula_in_a_spreadsheet(clients: Path) -> None:
    file = clients / f"{BAKERY}.yaml"
    file.write_text(file.read_text().replace("name: Winter Loaf newsletter", "name: =1+1"))
    names = [row["name"] for row in csv.DictReader(io.StringIO(run("tag", BAKERY, "winter-loaf", "--csv").output))]
    assert "'=1+1" in names
    assert "=1+1" not in names


def test_a_posters_code_leads_to_the_short_path_and_is_written_twice(clients: Path, tmp_path: Path) -> None:
    done = run("qr", BAKERY, "winter-loaf", "poster-market", "--out", "print/codes", "--size", "60")
    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "print" / "codes").iterdir())
    assert [file.name for file in files] == ["winter-loaf-poster-market.png", "winter-loaf-poster-market.svg"]
    (code,) = zxingcpp.read_barcodes(Image.open(files[0]).convert("L"))
    assert code.text == "https://hollowoak.example/market"
    assert "60 mm with its white margin" in done.output
    assert "Too small" not in done.output


def test_a_code_too_small_for_its_distance_is_made_with_a_warning(clients: Path, tmp_path: Path) -> None:
    done = run("qr", BAKERY, "winter-loaf", "/market", "--size", "30", "--distance", "200")
    assert done.exit_code == 0
    assert "Too small: from 200 cm away" in done.output
    size = done.output.partition("--size ")[2].split(",")[0]
    assert "Too small" not in run("qr", BAKERY, "winter-loaf", "/market", "--size", size, "--distance", "200").output


def test_no_code_of_a_tagged_link(clients: Path, tmp_path: Path) -> None:
    done = run("qr", BAKERY, "winter-loaf", "newsletter", "--out", "print")
    assert done.exit_code == 1
    assert "could never lead elsewhere; add a line like path: /market" in done.output
    assert not (tmp_path / "print").exists()


@pytest.mark.parametrize(("server", "words"), [("nginx", "redirect;"), ("caddy", "redir"), ("netlify", "302")])
def test_rules_ready_to_paste(clients: Path, server: str, words: str) -> None:
    done = run("redirects", BAKERY, "--for", server, "--day", "2026-11-10")
    assert done.exit_code == 0
    assert words in done.output
    assert "/market" in done.output
    assert "utm_source=poster-market" in done.output


def test_no_short_paths_no_rules(clients: Path) -> None:
    assert "no asset with a short path" in run("redirects", "lantern-lane").output


@pytest.fixture
def installed(told: House, airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(told.root)
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(told.root / "clients"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_WIDERVIEW_WAREHOUSE",
        told.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
    )
    connections.warehouse.cache_clear()
    yield told
    connections.warehouse().dispose()
    connections.warehouse.cache_clear()


def test_the_weeks_links_from_the_warehouse(installed: House) -> None:
    fine = run("links", BAKERY, "--week", "2026-W46")
    assert (fine.exit_code, fine.output.strip().splitlines()[-1]) == (
        0, "Every link to the website in the posts of 2026-W46 is tagged as planned",
    )  # fmt: skip
    with installed.engine.begin() as connection:
        connection.execute(
            text("UPDATE post SET links = ARRAY['https://hollowoak.example/[red]x'] WHERE cardinality(links) > 0")
        )
    told = run("links", BAKERY, "--week", "2026-W46")
    rows = json.loads(run("links", BAKERY, "--week", "2026-W46", "--json").output)
    assert told.exit_code == 1
    assert told.output.count("wrong: it carries no tags") == len(rows) > 0
    assert told.output.count("link:  https://hollowoak.example/[red]x\n") == len(rows)
    assert all(row["right"].startswith("https://hollowoak.example/[red]x?utm_source=") for row in rows)


def test_a_week_that_is_none(installed: House) -> None:
    done = run("links", BAKERY, "--week", "2026-46")
    assert done.exit_code == 2
    assert "write it like 2026-W46" in done.output
