"""docker-compose.yaml, Dockerfile and .env.example: valid, complete, safe, and in step with the lock."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from compose_file import (
    COMPOSE,
    EXAMPLE,
    ROOT,
    SERVICES,
    TEXT,
    Refused,
    copies,
    dockerfile,
    dotenv,
    interpolate,
    mounts,
    variables,
)

ENVIRONMENT = {
    (name, key): value for name, one in SERVICES.items() for key, value in one.get("environment", {}).items()
}
LONG_RUNNING = SERVICES.keys() - {"init"}
GIVEN = dotenv(EXAMPLE.read_text())
REQUIRED = sorted({name for name, rule in variables() if rule == ":?"})
LEFT_TO_THE_OPERATOR = [name for name in REQUIRED if name != "AIRFLOW_BASE_URL"]


def test_the_compose_specification_accepts_the_file() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yaml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_services_wait_for_services_that_exist_and_can_say_that_they_are_ready() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            asked = SERVICES[name]
            assert wait["condition"] != "service_healthy" or "healthcheck" in asked
            assert wait["condition"] != "service_completed_successfully" or asked["restart"] == "no"
            assert "profiles" not in asked


def test_the_example_names_exactly_the_variables_that_the_file_uses() -> None:
    assert {name for name, _ in variables()} == GIVEN.keys()
    assert all(rule in {":?", ":-"} for _, rule in variables()), "a variable may not be empty silently"


@pytest.mark.parametrize("missing", LEFT_TO_THE_OPERATOR)
def test_nothing_starts_while_a_secret_or_a_decision_is_missing(missing: str) -> None:
    assert GIVEN[missing] == "", "an example that works would be used"
    with pytest.raises(Refused, match=missing):
        interpolate(COMPOSE, {**dict.fromkeys(REQUIRED, "given"), missing: ""})


def test_no_secret_stands_in_the_file() -> None:
    secret = re.compile(r"PASSWORD$|SECRET|FERNET|_CONN(_|$)")
    for (service, key), value in ENVIRONMENT.items():
        if secret.search(key):
            assert re.search(r"\$\{\w+:\?", value), f"{service}: {key}"
    assert all(password.startswith("${") for password in re.findall(r"://\w+:([^@\s]+)@", TEXT))


def test_every_setting_of_airflow_is_one_that_this_airflow_knows() -> None:
    package = find_spec("airflow")
    assert package
    assert package.origin
    known = yaml.safe_load((Path(package.origin).parent / "config_templates/config.yml").read_text())
    for service, key in ENVIRONMENT:
        if key.startswith("AIRFLOW__"):
            _, section, option = key.lower().split("__")
            assert option in known[section]["options"], f"{service}: {key}"


def test_images_carry_the_versions_of_the_lock_and_of_the_package() -> None:
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert locked
    assert re.fullmatch(rf"apache/airflow:slim-{re.escape(locked[1])}-python3\.1[123]", *dockerfile("FROM"))
    assert {one["image"] for one in SERVICES.values()} == {f"widerview:{project['version']}", "postgres:18"}
    assert all(one["build"] == "." for one in SERVICES.values() if one["image"].startswith("widerview:"))


def test_the_image_gets_all_it_copies_and_nothing_else() -> None:
    sources = {source for source, _ in copies()}
    allowed = (ROOT / ".dockerignore").read_text().split("\n*\n")[1].splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)


def test_mounts_have_a_source_and_a_folder_that_airflow_may_write_to() -> None:
    made = {word for run in dockerfile("RUN") if run.startswith("install -d -o airflow") for word in run.split()}
    used = set()
    for service in SERVICES.values():
        for target, source in interpolate(mounts(service), GIVEN).items():
            if source.startswith("."):
                assert (ROOT / source).is_dir()
            else:
                used.add(source)
            assert target in made or service["image"] == "postgres:18"
    assert used == COMPOSE["volumes"].keys()
    # From 18 on, the image refuses to start with a volume at /var/lib/postgresql/data.
    assert list(mounts(SERVICES["postgres"])) == ["/var/lib/postgresql"]


def test_only_this_machine_reaches_the_ports() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_services_survive_a_crash_and_cannot_fill_the_machine() -> None:
    for name, service in SERVICES.items():
        assert service["mem_limit"], name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        if name in LONG_RUNNING:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_mails_are_caught_only_where_that_was_asked_for() -> None:
    assert {name: one["profiles"] for name, one in SERVICES.items() if "profiles" in one} == {
        "mail-catcher": ["mail-catcher"]
    }
