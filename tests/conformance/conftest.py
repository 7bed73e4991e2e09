"""Where recorded answers of real servers lie, and a client that gets them instead of the network's."""

import datetime as dt
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
import urllib3

from widerview.sources.http import ConnectionPool, HttpClient

RECORDED_AT = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of external recordings and tools; they are not part of this repository."""
    folder = Path(os.environ.get("WIDERVIEW_SHARED", Path(__file__).parents[3] / "shared"))
    if not (folder / "recordings").is_dir():
        pytest.skip(f"no external recordings in {folder}; set WIDERVIEW_SHARED")
    return folder


class Asked(NamedTuple):
    """What a client asked: the whole URL, and the form of a POST."""

    url: str
    body: str | None


class _Server(urllib3.HTTPConnectionPool):
    def __init__(self, url: str, answer: Callable[[Asked], Answer]) -> None:
        super().__init__(urlsplit(url).hostname)
        self.url = url
        self.answer = answer

    def urlopen(self, method, url, body=None, **options):
        status, headers, content = self.answer(Asked(urljoin(self.url, url), body))
        # The recorder has unpacked the bodies, so the headers of transport no longer fit.
        kept = {k: v for k, v in headers.items() if k.lower() not in {"content-length", "content-encoding"}}
        return urllib3.HTTPResponse(io.BytesIO(content), kept, status, preload_content=False, request_method=method)


class _Replay(ConnectionPool):
    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        super().__init__()
        self.answer = answer

    def to(self, url: str) -> _Server:
        return _Server(url, self.answer)


@pytest.fixture
def replay() -> Callable[..., HttpClient]:
    """Makes a client whose every answer comes from a function of what it asked: `replay(answer, base_url=...)`."""

    def make(answer: Callable[[Asked], Answer], base_url: str) -> HttpClient:
        return HttpClient(
            base_url=base_url,
            budget=50,
            pool=_Replay(answer),
            sleep=lambda seconds: None,
            clock=lambda: RECORDED_AT,
        )

    return make


@pytest.fixture
def recorded() -> Callable[[Path], Answer]:
    """Reads an answer that lies as `<name>.headers` and `<name>.json`."""

    def read(path: Path) -> Answer:
        first, *lines = path.with_name(f"{path.name}.headers").read_text().splitlines()
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return int(first.split()[1]), headers, path.with_name(f"{path.name}.json").read_bytes()

    return read
