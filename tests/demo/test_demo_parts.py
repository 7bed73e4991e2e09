"""The demo's parts that can be looked at without starting it all: ports, files, processes, live accounts, room."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from widerview.agency.load import load_agency
from widerview.demo import live
from widerview.demo.home import Home, PortTaken
from widerview.demo.processes import Died, Processes
from widerview.demo.run import PORTS, app

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


@pytest.mark.parametrize(
    ("handle", "platform"),
    [("bsky.app", "bluesky"), ("@Mastodon@mastodon.social", "mastodon"), ("did:plc:abc", "bluesky")],
)
def test_a_handle_tells_its_platform(handle: str, platform: str) -> None:
    assert live.account(handle).platform == platform


@pytest.mark.parametrize("handle", ["", "@mastodon", "https://bsky.app/profile/x", "a b"])
def test_what_is_no_handle_says_how_to_write_one(handle: str) -> None:
    with pytest.raises(live.NotAnAccount, match="Write Bluesky ones like"):
        live.account(handle)


def test_without_a_network_a_live_demo_says_so_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror("no name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    done = CliRunner().invoke(app, ["start", "--home", str(tmp_path / "home"), "--live", "bsky.app"])
    assert done.exit_code == 1
    assert "https://public.api.bsky.app, the server of bsky.app, cannot be reached" in done.output.replace("\n", " ")
    assert not (tmp_path / "home" / "postgres").exists()


def test_the_live_client_is_a_right_client_file(tmp_path: Path) -> None:
    accounts = [live.account("bsky.app"), live.account("@Mastodon@mastodon.social")]
    live.write_client(tmp_path, accounts)
    found = load_agency(tmp_path)
    assert found.broken == []
    assert list(found.clients["live"].accounts) == accounts


def test_ports_stay_where_they_are_and_a_taken_one_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIDERVIEW_UI_PORT", raising=False)
    home = Home(tmp_path)
    home.choose_ports(PORTS, set())
    first = dict(home.state["ports"])
    home.choose_ports(PORTS, set())
    assert home.state["ports"] == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["sandbox"]))
        home.choose_ports(PORTS, set())
        assert home.port("sandbox") != first["sandbox"]
        assert home.port("api-server") == first["api-server"]
        home.choose_ports(PORTS, {"sandbox"})
        monkeypatch.setenv("WIDERVIEW_UI_PORT", str(first["sandbox"]))
        with pytest.raises(PortTaken, match=str(first["sandbox"])):
            home.choose_ports(PORTS, set())


def test_secrets_are_made_once_and_read_by_their_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.choose_ports(PORTS, set())
    home.save()
    home.write_environment()
    for file in (home.environment_file, tmp_path / "state.json", tmp_path / "passwords.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Home(tmp_path).state == home.state
    assert Home(tmp_path).environment == home.environment
    assert json.loads((tmp_path / "passwords.json").read_text()) == {"reviewer": home.state["password"]}


def test_processes_are_started_once_known_and_ended_with_their_children(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    family = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEPER!r})"]
    processes.start("family", family, {})
    first = processes.running()["family"]
    while not first.children():
        first.status()
    children = first.children(recursive=True)
    processes.start("family", family, {})
    assert processes.running()["family"].pid == first.pid
    assert processes.stop() == ["family"]
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in [first, *children])
    assert processes.running() == {}
    assert processes.stop() == []


def test_an_interrupt_in_the_moment_a_process_starts_leaves_none_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    popen = subprocess.Popen

    def interrupted(*args: object, **options: object) -> subprocess.Popen:
        started = popen(*args, **options)
        os.kill(os.getpid(), signal.SIGINT)
        return started

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        processes.start("sleeper", SLEEPER, {})
    assert processes.stop() == ["sleeper"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_died_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    processes.start("short", [sys.executable, "-c", "raise SystemExit('no such table')"], {})
    while "short" in processes.running():
        pass
    with pytest.raises(Died, match="no such table"):
        processes.require("short")


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10**6, 10**6))
    done = CliRunner().invoke(app, ["start", "--home", str(tmp_path / "home")])
    assert done.exit_code == 1
    assert "0 MB are free" in done.output
    assert not (tmp_path / "home" / "postgres").exists()


def test_stop_and_clean_where_nothing_is(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["stop", "--home", str(tmp_path / "none")]).exit_code == 0
    (tmp_path / "some").mkdir()
    assert CliRunner().invoke(app, ["clean", "--home", str(tmp_path / "some")]).exit_code == 0
    assert not (tmp_path / "some").exists()
