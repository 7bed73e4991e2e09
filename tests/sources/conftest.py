"""A clock that only moves when somebody sleeps, and a real HTTP server that answers from a script."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from widerview.sources.base import RawPage, Request, Target
from widerview.sources.http import HttpClient

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)


class Clock:
    """Time as the code under test sees it; `slept` lists the pauses."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> dt.datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += dt.timedelta(seconds=seconds)


class Server(ThreadingHTTPServer):
    """Answers each request with the next line of its script: (status, headers, body), or a handler's action."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Any] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections: set[Any] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it would hold back the end of each answer for 40 ms
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        self.server.connections.add(self.client_address)
        step = self.server.script.pop(0)
        if callable(step):
            step(self)
            return
        status, headers, content = step
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if headers.keys().isdisjoint({"Content-Length", "Transfer-Encoding"}):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(server: Server, clock: Clock) -> Callable[..., HttpClient]:
    """Makes a client of the server: `client(budget=3, token=...)`."""

    def make(**options: Any) -> HttpClient:
        return HttpClient(**{"base_url": server.url, "budget": 50, "sleep": clock.sleep, "clock": clock} | options)

    return make


@pytest.fixture
def page() -> Callable[..., RawPage]:
    """Makes a page: `page("posts", b"[]", status=200, headers={}, params={})`."""

    def make(stream: str = "posts", body: bytes = b"", **options: Any) -> RawPage:
        request = Request("GET", options.pop("url", "https://server.example/api"), options.pop("params", {}))
        values: dict[str, Any] = {"status": 200, "headers": {"content-type": "application/json"}, "fetched_at": NOW}
        return RawPage(stream=stream, request=request, body=body, **values | options)

    return make


@pytest.fixture
def target() -> Callable[..., Target]:
    """Makes a target: `target("bluesky", "brand.example")`."""

    def make(source: str, ref: str, time_zone: str = "Europe/Berlin") -> Target:
        return Target(client_id="meadow", source=source, ref=ref, time_zone=time_zone)

    return make
