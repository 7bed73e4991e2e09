"""The sandbox as a web server: the platforms' paths, each answered from the model, and a few doors of its own.

`GET /_health` says that it is up, `GET /_truth/{client}/{monday}` what really happened in a week, and `/_faults` lists
(GET), switches on (POST) and switches off (DELETE) faults.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from widerview.sandbox import (
    access_log,
    bluesky,
    facebook,
    ga4,
    instagram,
    linkedin,
    mastodon,
    matomo,
    pinterest,
    plausible,
    search_console,
    threads,
    tiktok,
    umami,
    x,
    youtube,
)
from widerview.sandbox.answer import Answer, Call, FaultAnswers, Route
from widerview.sandbox.faults import Faults, Injection
from widerview.sandbox.model import Simulation


class PlatformModule(Protocol):
    """What a module that plays a platform says of itself."""

    ROUTES: tuple[Route, ...]
    FAULT_ANSWERS: FaultAnswers


MODULES: tuple[PlatformModule, ...] = (
    bluesky,
    mastodon,
    facebook,
    instagram,
    threads,
    linkedin,
    x,
    tiktok,
    youtube,
    pinterest,
    matomo,
    ga4,
    plausible,
    umami,
    search_console,
    access_log,
)
"""Bluesky, Mastodon and Matomo stand at the server's root, every other platform below a path of its own name."""


def create_app(model: Simulation, clock: Callable[[], dt.datetime], faults: Faults | None = None) -> FastAPI:
    """The server of one agency; `clock` says what time it is (with its zone), `faults` what goes wrong."""
    spoiler = faults or Faults()
    app = FastAPI(title="Widerview sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    for module in MODULES:
        for route in module.ROUTES:
            endpoint = _endpoint(model, clock, spoiler, route, module.FAULT_ANSWERS)
            app.add_route(route.path, endpoint, methods=[route.method])

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "seed": model.seed, "anchor": model.anchor.isoformat()})

    async def truth(request: Request) -> Response:
        try:
            week = model.truth(request.path_params["client"], dt.date.fromisoformat(request.path_params["monday"]))
        except (KeyError, ValueError) as error:
            return PlainTextResponse(f"ask for /_truth/<client>/<YYYY-MM-DD>: {error!r}", 404)
        return JSONResponse(msgspec.to_builtins(week))

    async def administer(request: Request) -> Response:
        if request.method == "DELETE":
            spoiler.clear()
        elif request.method == "POST":
            try:
                spoiler.inject(msgspec.json.decode(await request.body(), type=Injection))
            except (msgspec.MsgspecError, ValueError) as error:
                return PlainTextResponse(str(error), 400)
        return JSONResponse(msgspec.to_builtins(spoiler.active))

    app.add_route("/_health", health)
    app.add_route("/_truth/{client}/{monday}", truth)
    app.add_route("/_faults", administer, methods=["GET", "POST", "DELETE"])
    return app


def _endpoint(
    model: Simulation, clock: Callable[[], dt.datetime], faults: Faults, route: Route, own: FaultAnswers
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        call = _call(request, await request.body(), clock())
        # Matomo has one path for everything; what is asked for is its parameter `method`.
        name = f"{route.name}.{call.params.get('method', '')}" if route.name == "matomo" else route.name
        answer = faults.spoil(name, route.handler, model, call, own)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        return _Cut(answer) if answer.cut else Response(answer.body, answer.status, dict(answer.headers))

    return endpoint


def _call(request: Request, body: bytes, now: dt.datetime) -> Call:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if kind == "application/x-www-form-urlencoded" else {}
    return Call(
        params={**request.query_params, **form, **request.path_params},
        now=now,
        url=str(request.base_url),
        method=request.method,
        path=request.url.path,
        headers=dict(request.headers),
        json=_json(body) if kind.endswith(("/json", "+json")) else None,
        body=body,
    )


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class _Cut(Response):
    """An answer whose connection breaks off half-way."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, answer.status, dict(answer.headers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: len(self.body) // 2], "more_body": True})
