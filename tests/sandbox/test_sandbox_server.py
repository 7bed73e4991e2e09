"""A platform's module says what it answers; the server brings it the whole request, and faults in its own words."""

from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest
from starlette.testclient import TestClient

from widerview.sandbox import server
from widerview.sandbox.answer import Answer, Call, Case, Route, json_answer
from widerview.sandbox.faults import Faults, Injection
from widerview.sandbox.model import Simulation


def _echo(model: Simulation, call: Call) -> Answer:
    return json_answer(msgspec.to_builtins(call))


def _spent(case: Case) -> Answer:
    return json_answer({"error": {"code": 4, "wait": case.seconds}}, status=400)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, model: Simulation, faults: Faults, asked) -> Iterator[TestClient]:
    routes = (
        Route("POST", "/echo/v1/{id:path}", "echo.post", _echo),
        Route("GET", "/echo/v1/{id}:run", "echo.run", _echo),
    )
    module = SimpleNamespace(ROUTES=routes, FAULT_ANSWERS={"rate_limited": _spent})
    monkeypatch.setattr(server, "MODULES", (module,))
    with TestClient(server.create_app(model, lambda: asked.now, faults)) as client:
        yield client


def test_a_handler_sees_the_whole_request(client: TestClient) -> None:
    headers = {"Authorization": "Bearer open"}
    call = client.post("/echo/v1/sites/https://a.example/?fields=a,b", json={"metrics": [1]}, headers=headers).json()
    assert (call["method"], call["path"]) == ("POST", "/echo/v1/sites/https://a.example/")
    assert call["params"] == {"fields": "a,b", "id": "sites/https://a.example/"}
    assert call["json"] == {"metrics": [1]}
    assert call["headers"]["authorization"] == "Bearer open"
    assert client.get("/echo/v1/123:run").json()["params"] == {"id": "123"}


def test_a_form_is_parameters_and_a_broken_body_is_bytes(client: TestClient) -> None:
    form = client.post("/echo/v1/x", data={"a": "1", "b": ""}).json()
    assert form["params"] == {"a": "1", "b": "", "id": "x"}
    broken = client.post("/echo/v1/x", content=b'{"a"', headers={"content-type": "application/json"}).json()
    assert broken["json"] is None
    assert broken["body"] == "eyJhIg=="
    assert broken["params"] == {"id": "x"}


def test_a_platform_words_its_own_faults(client: TestClient, faults: Faults) -> None:
    faults.inject(Injection(route="echo.*", fault="rate_limited", times=1, seconds=9))
    faults.inject(Injection(route="echo.run", fault="unauthorized", times=1))
    answer = client.get("/echo/v1/1:run")
    assert (answer.status_code, answer.json()) == (400, {"error": {"code": 4, "wait": 9}})
    assert client.get("/echo/v1/1:run").status_code == 401
    for fault in ("cursor_loop", "duplicate_page", "numbers_as_text"):
        faults.inject(Injection(route="echo.*", fault=fault, times=1))
        assert client.get("/echo/v1/1:run").status_code == 200


def test_every_route_has_a_name_of_its_own() -> None:
    routes = [route for module in server.MODULES for route in module.ROUTES]
    assert len({(route.method, route.path) for route in routes}) == len(routes)
    assert all(route.name == "matomo" or "." in route.name for route in routes)
