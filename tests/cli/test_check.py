"""`widerview check` and `widerview schema`, as a person at a terminal meets them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from widerview.agency.schema import schema_text
from widerview.cli import app

EXAMPLES = Path(__file__).parents[2] / "examples"

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one right client file."""
    (tmp_path / "client.yaml").write_bytes((EXAMPLES / "client.yaml").read_bytes())
    return tmp_path


def test_a_line_for_each_right_client(folder: Path) -> None:
    result = run(app, ["check", "--clients", str(folder)])

    assert result.exit_code == 0
    line, total = result.output.splitlines()
    assert line.startswith("client: Harbour Bakery; bluesky harbour-bakery.example, mastodon @bakery@social.example; ")
    assert re.search(r"next report Wed \d{4}-\d\d-\d\d 09:00 Europe/Berlin$", line)
    assert total == "Right: 1. Left out: none."


def test_mistakes_are_told_and_the_others_go_on(folder: Path) -> None:
    (folder / "zoo.yaml").write_text("client: zoo\nnmae: Zoo\n")
    result = run(app, ["check", "--clients", str(folder)])

    assert result.exit_code == 1
    assert f"{folder}/zoo.yaml:2:1: nmae: there is no key 'nmae' here\n  fix: did you mean name?\n" in result.output
    assert result.output.startswith("client: Harbour Bakery")
    assert "Right: 1. Left out: 1, for" in result.output.splitlines()[-1]


def test_a_theme_with_mistakes_leaves_its_client_out(folder: Path) -> None:
    (folder / "themes").mkdir()
    (folder / "themes" / "agency.yaml").write_text("light:\n  accent: '#eeeeee'\nlogo: {file: gone.svg}\n")
    result = run(app, ["check", "--clients", str(folder)])

    assert result.exit_code == 1
    assert f"{folder}/themes/agency.yaml:2:11: light.accent: #eeeeee on light.background" in result.output
    assert "logo.file: gone.svg cannot be read" in result.output
    assert "Harbour Bakery" not in result.output
    assert result.output.splitlines()[-1] == "Right: 0. Left out: 1, for 4 mistake(s)."


def test_the_folder_is_that_of_the_settings_unless_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(folder))
    assert "Harbour Bakery" in run(app, ["check"]).output


def test_no_folder_is_another_ending_than_mistakes(tmp_path: Path) -> None:
    result = run(app, ["check", "--clients", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "nowhere: No such file or directory" in result.stderr


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    result = run(app, ["check", "--clients", str(tmp_path)])
    assert result.exit_code == 0
    assert "examples/client.yaml" in result.output


def test_what_a_file_says_is_neither_markup_nor_a_command_to_the_terminal(folder: Path) -> None:
    path = folder / "client.yaml"
    path.write_text(path.read_text().replace("name: Harbour Bakery", 'name: "[red]Bakery[/red] :smile: \\u202e"'))
    (folder / "[blue]\x1b[31m.yaml").write_text('client: "[bold]\\e[31m"\n"\\e]0;owned\\a": 1\n')
    output = run(app, ["check", "--clients", str(folder)], color=True).output

    assert "[red]Bakery[/red] :smile: \\u202e" in output
    assert "[blue]\\x1b[31m.yaml" in output
    assert "'[bold]\\x1b[31m'" in output
    assert "\\x1b]0;owned\\x07" in output
    assert "\x07" not in output
    assert "\x1b]" not in output


def test_plain_and_unbroken_when_not_a_terminal(folder: Path) -> None:
    (folder / "zoo.yaml").write_text("nmae: Zoo\n")
    done = subprocess.run(
        [sys.executable, "-c", "from widerview.cli import app; app()", "check", "--clients", str(folder)],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", "COLUMNS": "40"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert any(line.endswith("09:00 Europe/Berlin") and line.startswith("client:") for line in done.stdout.splitlines())


def test_check_starts_without_airflow_or_pandas(folder: Path) -> None:
    code = (
        "import sys\nfrom widerview.cli import app\n"
        "try:\n    app()\nfinally:\n"
        "    heavy = {'airflow', 'pandas', 'numpy', 'sqlalchemy', 'great_expectations'} & sys.modules.keys()\n"
        "    assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "--clients", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_schema_to_the_terminal_and_to_a_file(tmp_path: Path) -> None:
    assert run(app, ["schema"]).output == schema_text()

    file = tmp_path / "client.schema.json"
    assert run(app, ["schema", "--out", str(file)]).exit_code == 0
    assert file.read_text("utf-8") == schema_text()

    result = run(app, ["schema", "--out", str(tmp_path / "missing" / "x.json")])
    assert result.exit_code == 2
    assert "cannot be written: No such file or directory" in result.stderr


def test_help_teaches_the_first_steps_and_version_names_itself() -> None:
    help_text = run(app, ["--help"], env={"COLUMNS": "200"}).output
    for word in ("widerview check", "cp examples/client.yaml", "Airflow", "schema"):
        assert word in help_text
    assert re.fullmatch(r"widerview \d+\.\d+\.\d+\n", run(app, ["--version"]).output)
