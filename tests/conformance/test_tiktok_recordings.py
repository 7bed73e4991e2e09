"""TikTok: the exchange of tokens, as the Business API answered it in March 2024. Nothing else of TikTok is recorded."""

import datetime as dt
import json

import pytest

from widerview.sandbox import tiktok as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.errors import BadAnswer
from widerview.sources.tiktok import SOURCE

BUSINESS = "https://business-api.tiktok.com"
EXTRA = {"client_id": "7", "client_secret": "s3cret-s3cret", "refresh_token": "rft.old-old-old"}


@pytest.fixture(scope="module")
def recorded(shared):
    """Reads a recording by its name."""
    folder = shared / "recordings" / "tiktok_python-tiktok" / "testsdata" / "business" / "access_token"
    return lambda name: (folder / f"{name}.json").read_bytes()


@pytest.fixture
def renew(replay):
    """Runs the exchange against one answer; the questions are in `renew.asked`."""

    def run(body):
        http = replay(lambda request: run.asked.append(request) or (200, {}, body), BUSINESS)
        http.extra = EXTRA
        http.token = "act.old"
        return SOURCE.renew(http)

    run.asked = []
    return run


@pytest.mark.parametrize(("name", "seconds"), [("refresh_resp", 31_527_314), ("token_resp", 31_536_000)])
def test_the_recorded_tokens_and_how_long_they_live(recorded, renew, name, seconds):
    now = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
    new = renew(recorded(name))
    assert (new.token, new.refresh_token) == ("act.token", "rft.token")
    assert new.expires_at == now + dt.timedelta(days=1)
    assert new.refresh_expires_at == now + dt.timedelta(seconds=seconds)
    [request] = renew.asked
    assert request.url == f"{BUSINESS}/open_api/v1.3/tt_user/oauth2/refresh_token/"
    assert json.loads(request.body) == EXTRA | {"grant_type": "refresh_token"}


@pytest.mark.parametrize("name", ["token_info_resp", "revoke_resp"])
def test_answers_to_other_questions_hold_no_token(recorded, renew, name):
    with pytest.raises(BadAnswer, match="not the answer that was promised"):
        renew(recorded(name))


def test_the_sandbox_gives_tokens_in_the_recorded_shape(recorded):
    model = Simulation(46, dt.date(2026, 11, 16))
    given = {
        "client_id": sandbox.CLIENT,
        "client_secret": sandbox.CLIENT_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": sandbox.REFRESH_TOKEN,
    }
    call = Call(params={}, now=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), json=given)
    ours, theirs = json.loads(sandbox.business_token(model, call).body), json.loads(recorded("refresh_resp"))
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in theirs.items()}
    assert {name: type(value) for name, value in ours["data"].items()} == {
        name: type(value) for name, value in theirs["data"].items()
    }
    assert set(ours["data"]["scope"].split(",")) <= set(theirs["data"]["scope"].split(","))
    refused = json.loads(sandbox.business_token(model, Call(params={}, now=call.now, json={})).body)
    assert refused.keys() == theirs.keys()
    assert refused["code"] != 0
