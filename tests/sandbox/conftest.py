"""The sandbox as the tests ask it: through HTTP, with a clock they set."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import Simulation
from widerview.sandbox.server import create_app

ANCHOR = dt.date(2026, 11, 16)
TUESDAY = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)


class Asked:
    """One running sandbox and the questions the tests put to it."""

    def __init__(self, model: Simulation) -> None:
        self.model = model
        self.now = TUESDAY
        self.faults = Faults()
        self.http = TestClient(create_app(model, lambda: self.now, self.faults), raise_server_exceptions=True)

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


@pytest.fixture
def asked(model: Simulation) -> Iterator[Asked]:
    yield Asked(model)


@pytest.fixture
def ask_anew() -> Callable[[int], Asked]:
    """A sandbox of that seed that nobody has asked anything yet."""
    return lambda seed: Asked(Simulation(seed, ANCHOR))
