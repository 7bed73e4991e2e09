"""The sandbox as a web server: the platforms' paths, each answered from the model, and a few doors of its own.

`GET /_health` says that it is up, `GET /_truth/{client}/{monday}` what really happened in a week, and `/_faults` lists
(GET), switches on (POST) and switches off (DELETE) faults.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from widerview.sandbox import bluesky, mastodon, matomo
from widerview.sandbox.answer import Answer, Call, Handler
from widerview.sandbox.faults import Faults, Injection
from widerview.sandbox.model import Simulation

ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/xrpc/app.bsky.actor.getProfile", "bluesky.getProfile", bluesky.get_profile),
    ("GET", "/xrpc/app.bsky.feed.getAuthorFeed", "bluesky.getAuthorFeed", bluesky.get_author_feed),
    ("GET", "/xrpc/app.bsky.feed.getPostThread", "bluesky.getPostThread", bluesky.get_post_thread),
    ("GET", "/api/v1/accounts/lookup", "mastodon.lookup", mastodon.lookup),
    ("GET", "/api/v1/accounts/{id}", "mastodon.account", mastodon.account),
    ("GET", "/api/v1/accounts/{id}/statuses", "mastodon.statuses", mastodon.statuses),
    ("GET", "/api/v1/statuses/{id}/context", "mastodon.context", mastodon.context),
    ("POST", "/index.php", "matomo", matomo.answer),
)
"""Method, path, name and handler of everything a platform answers; a Matomo route's name ends with its method."""


def create_app(model: Simulation, clock: Callable[[], dt.datetime], faults: Faults | None = None) -> FastAPI:
    """The server of one agency; `clock` says what time it is (with its zone), `faults` what goes wrong."""
    spoiler = faults or Faults()
    app = FastAPI(title="Widerview sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    for method, path, name, handler in ROUTES:
        app.add_route(path, _endpoint(model, clock, spoiler, name, handler), methods=[method])

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
    model: Simulation, clock: Callable[[], dt.datetime], faults: Faults, name: str, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        params = {**request.query_params, **form, **request.path_params}
        call = Call(params=params, now=clock(), url=str(request.base_url))
        route = f"{name}.{params.get('method', '')}" if name == "matomo" else name
        answer = faults.spoil(route, handler, model, call)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        return _Cut(answer) if answer.cut else Response(answer.body, answer.status, dict(answer.headers))

    return endpoint


class _Cut(Response):
    """An answer whose connection breaks off half-way."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, answer.status, dict(answer.headers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: len(self.body) // 2], "more_body": True})
