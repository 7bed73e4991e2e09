"""Where recorded answers of real servers lie, and a client that gets them instead of the network's."""

import datetime as dt
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import urllib3

from widerview.sources.http import HttpClient

RECORDED_AT = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of external recordings and tools; they are not part of this repository."""
    folder = Path(os.environ.get("WIDERVIEW_SHARED", Path(__file__).parents[3] / "shared"))
    if not (folder / "recordings").is_dir():
        pytest.skip(f"no external recordings in {folder}; set WIDERVIEW_SHARED")
    return folder


class _Replay(requests.adapters.HTTPAdapter):
    def __init__(self, answer: Callable[[requests.PreparedRequest], Answer]) -> None:
        super().__init__()
        self.answer = answer

    def send(self, request, **options):
        status, headers, body = self.answer(request)
        # The recorder has unpacked the bodies, so the headers of transport no longer fit.
        kept = {k: v for k, v in headers.items() if k.lower() not in {"content-length", "content-encoding"}}
        return self.build_response(
            request,
            urllib3.HTTPResponse(io.BytesIO(body), kept, status, preload_content=False, request_method=request.method),
        )


@pytest.fixture
def replay() -> Callable[..., HttpClient]:
    """Makes a client whose every answer comes from a function of the request: `replay(answer, base_url=...)`."""

    def make(answer: Callable[[requests.PreparedRequest], Answer], base_url: str) -> HttpClient:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Replay(answer))
        return HttpClient(
            base_url=base_url, budget=50, session=session, sleep=lambda seconds: None, clock=lambda: RECORDED_AT
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
