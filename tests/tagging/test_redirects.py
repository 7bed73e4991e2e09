"""Redirect rules, tried on the real servers: where a path leads, and that a visitor's query is kept."""

import datetime as dt
import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest

from campaigned import poster, with_campaigns
from widerview.agency.models import Client
from widerview.tagging.redirects import SERVERS, redirects, rules

WINTER = {
    "key": "winter",
    "assets": [
        poster(name="Poster } ; \\"),
        {"kind": "qr_code", "name": "Code # 2", "path": "/m/north-gate",
         "landing_page": "https://www.shop.example/br%C3%B6tchen;a/(x)$y/?p=1&q='a'"},
        {"kind": "landing_page", "name": "Page", "path": "/bread"},
        {"kind": "newsletter", "name": "Mail", "utm_source": "newsletter"},
    ],
}  # fmt: skip
SPRING = {"key": "spring", "starts": "2027-03-01", "ends": "2027-03-28", "assets": [poster(name="Window")]}
CLIENT = with_campaigns(WINTER, SPRING)
IN_WINTER, IN_SPRING = dt.date(2026, 11, 5), dt.date(2027, 3, 1)

Asked = Callable[[str], tuple[int, str | None]]


def tagged(source: str, campaign: str, content: str) -> str:
    return f"utm_source={source}&utm_medium=print&utm_campaign={campaign}&utm_content={content}&utm_term={source}"


MARKET = f"https://shop.example/bread?{tagged('market', 'winter', 'poster')}"
GATE = (
    "https://www.shop.example/br%C3%B6tchen%3Ba/%28x%29%24y/?p=1&q=%27a%27&"
    f"{tagged('m-north-gate', 'winter', 'qr-code')}"
)


def test_a_path_leads_to_the_asset_that_has_it_on_the_day() -> None:
    def target(day: dt.date) -> str:
        return next(each.target for each in redirects(CLIENT, day) if each.path == "/market")

    assert target(IN_WINTER) == target(dt.date(2027, 2, 28)) == MARKET
    assert "utm_campaign=spring" in target(IN_SPRING)
    assert target(dt.date(2026, 6, 1)) == MARKET, "before its first day a path can be tried out"


def test_only_short_paths_are_led_on() -> None:
    assert [(each.host, each.path) for each in redirects(CLIENT, IN_WINTER)] == [
        ("shop.example", "/market"),
        ("www.shop.example", "/m/north-gate"),
    ]


@pytest.mark.parametrize("server", SERVERS)
def test_what_will_be_pointed_elsewhere_is_told_with_its_day(server: str) -> None:
    assert "# From 2027-03-01 on, /market leads to Window (spring)" in rules(CLIENT, IN_WINTER, server)
    assert "# From" not in rules(CLIENT, IN_SPRING, server)


@pytest.mark.parametrize("server", SERVERS)
def test_without_short_paths_there_are_no_rules(server: str) -> None:
    assert rules(with_campaigns({"key": "bare"}), IN_WINTER, server) == ""


def test_netlify_has_path_target_and_status_in_a_line() -> None:
    lines = [line.split() for line in rules(CLIENT, IN_WINTER, "netlify").splitlines() if line and line[0] != "#"]
    assert lines == [["/market", MARKET, "302"], ["/m/north-gate", GATE, "302"]]


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[Asked]:
    log = (folder / "log").open("wb")
    environment = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def asked(path: str) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.getheader("Location")

    try:
        for _ in range(200):
            assert server.poll() is None, (folder / "log").read_text()
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)  # no sign but the open port tells that it listens
        yield asked
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _nginx(client: Client, folder: Path) -> Iterator[Asked]:
    port = _free_port()
    temp = "\n".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {temp}\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder};\n{rules(client, IN_WINTER, 'nginx')}}} }}\n"
    )
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    with _running([str(program), "-c", str(folder / "nginx.conf"), "-p", str(folder)], port, folder) as asked:
        yield asked


@contextmanager
def _caddy(client: Client, folder: Path) -> Iterator[Asked]:
    port = _free_port()
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\n"
        f"http://127.0.0.1:{port} {{\n{rules(client, IN_WINTER, 'caddy')}\nrespond 404\n}}\n"
    )
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with _running(command, port, folder) as asked:
        yield asked


@pytest.mark.network_servers
@pytest.mark.parametrize(("program", "door"), [("nginx", _nginx), ("caddy", _caddy)])
def test_the_real_server_leads_on_and_keeps_the_query(
    program: str,
    door: Callable[[Client, Path], AbstractContextManager[Asked]],
    tmp_path: Path,
) -> None:
    if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip(f"{program} is not installed: apt install {program}")
    with door(CLIENT, tmp_path) as asked:
        assert asked("/market") == (302, MARKET)
        assert asked("/Market/") == (302, MARKET), "people type it as they like"
        assert asked("/market?from=a&b=%C3%A4") == (302, f"{MARKET}&from=a&b=%C3%A4")
        for path, target in (("/m/north-gate", GATE), ("/m/north-gate/?x=1", f"{GATE}&x=1")):
            status, location = asked(path)
            # nginx writes some characters of a path in its own way, which is the same address.
            assert (status, unquote(location or "")) == (302, unquote(target))
        assert asked("/markets")[0] == asked("/bread")[0] == asked("/m")[0] == 404
