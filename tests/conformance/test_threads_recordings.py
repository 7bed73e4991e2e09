"""Threads: the one answer that was recorded, a token's exchange, read by the source and given by the sandbox."""

import datetime as dt
import json

import pytest

from widerview.sandbox import threads as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.threads import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def recorded(shared):
    path = shared / "recordings" / "meta_python-facebook" / "testdata" / "base" / "threads_user_long_lived_token.json"
    return path.read_bytes()


def test_a_recorded_exchange_of_a_token(recorded, replay):
    asked = []

    def answer(request):
        asked.append(request.url)
        return 200, {"Content-Type": "application/json"}, recorded

    client = replay(answer, "https://graph.threads.net")
    client.token = "THold"
    tokens = SOURCE.renew(client)
    assert (tokens.token, tokens.expires_at) == ("THQVJ...", NOW + dt.timedelta(seconds=5_183_944))
    assert asked == ["https://graph.threads.net/refresh_access_token?grant_type=th_refresh_token&access_token=THold"]


def test_the_sandbox_exchanges_as_recorded(recorded):
    params = {"grant_type": "th_refresh_token", "access_token": sandbox.TOKEN}
    answer = json.loads(
        sandbox.ROUTES[0].handler(Simulation(46, dt.date(2026, 11, 16)), Call(params=params, now=NOW)).body
    )
    known = json.loads(recorded)
    assert {key: type(value) for key, value in answer.items()} == {key: type(value) for key, value in known.items()}
    assert (answer["token_type"], answer["expires_in"]) == (known["token_type"], known["expires_in"])
