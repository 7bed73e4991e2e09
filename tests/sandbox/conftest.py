"""The sandbox as the tests ask it: through HTTP, with a clock they set."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import Simulation
from widerview.sandbox.server import create_app

ANCHOR = dt.date(2026, 11, 16)
TUESDAY = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)


class Asked:
    """One running sandbox and the questions the tests put to it."""

    def __init__(self, model: Simulation, faults: Faults | None = None) -> None:
        self.model = model
        self.now = TUESDAY
        self.faults = faults or Faults()
        self.http = httpx.Client()

    def get(self, path: str, **params: object) -> Any:
        answer = self.http.get(path, params={name: str(value) for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def matomo(self, method: str, *, site: int = 1, **params: object) -> Any:
        form = {"module": "API", "method": method, "idSite": str(site), "format": "JSON", "token_auth": MATOMO_TOKEN}
        answer = self.http.post("/index.php", data=form | {name: str(value) for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bluesky_feed(self, actor: str, *, limit: int = 100, **params: object) -> list[dict[str, Any]]:
        items, cursor = [], {}
        while True:
            path = "/xrpc/app.bsky.feed.getAuthorFeed"
            page = self.get(path, actor=actor, limit=limit, **cursor, **params)
            items += page["feed"]
            if "cursor" not in page:
                return items
            cursor = {"cursor": page["cursor"]}

    def mastodon_statuses(self, name: str, *, limit: int = 40, **params: object) -> list[dict[str, Any]]:
        id_ = self.get("/api/v1/accounts/lookup", acct=name)["id"]
        statuses, url = [], f"/api/v1/accounts/{id_}/statuses"
        answer = self.http.get(url, params={"limit": str(limit), **{k: str(v) for k, v in params.items()}})
        while True:
            statuses += answer.json()
            if "next" not in answer.links:
                return statuses
            answer = self.http.get(answer.links["next"]["url"])


@pytest.fixture(scope="session")
def model() -> Simulation:
    return Simulation(46, ANCHOR)


@contextmanager
def serving(model: Simulation, faults: Faults | None = None) -> Iterator[Asked]:
    """A sandbox on a real, free port."""
    asked = Asked(model, faults)
    app = create_app(model, lambda: asked.now, asked.faults)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as asked.http:
        yield asked
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def served(model: Simulation) -> Iterator[Asked]:
    with serving(model) as asked:
        yield asked


@pytest.fixture
def asked(served: Asked) -> Asked:
    served.now = TUESDAY
    served.faults.clear()
    return served


@pytest.fixture(scope="session")
def serving_with() -> Callable[[Simulation, Faults], AbstractContextManager[Asked]]:
    """A sandbox with faults of the test's own."""
    return serving


@pytest.fixture
def ask_anew() -> Callable[[int], AbstractContextManager[Asked]]:
    """A sandbox of that seed that nobody has asked anything yet."""
    return lambda seed: serving(Simulation(seed, ANCHOR))


@pytest.fixture(scope="session")
def ask_of() -> Callable[[Simulation], AbstractContextManager[Asked]]:
    """A sandbox of an agency of the test's own."""
    return serving
