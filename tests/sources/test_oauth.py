"""The exchange of a refresh token: what is sent, what is read of the answer, and that no message tells a secret."""

import base64
import datetime as dt
import json
from urllib.parse import parse_qsl

import pytest

from widerview.sources import oauth
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized, Unavailable

TOKEN = "old-access-token"
EXTRA = {"client_id": "app-1", "client_secret": "s3cret-s3cret", "refresh_token": "refresh-0001"}
RENEW = "Log in anew at https://platform.example/renew."
NEW = {"access_token": "new-access-token", "refresh_token": "refresh-0002"}


@pytest.fixture
def exchange(server, client):
    """Runs the exchange against one answer: `exchange({...}, status=200, extra={...}, form=(...))`."""

    def run(content, *, status=200, headers=None, extra=EXTRA, token=TOKEN, **how):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        server.script = [(status, {"Content-Type": "application/json", **(headers or {})}, body)] * 5
        http = client(token=token, extra=extra)
        return oauth.exchange(http, "oauth/token", source="Platform", renew=RENEW, **how)

    return run


def sent(server):
    [(method, path, headers, body)] = server.seen
    assert (method, path) == ("POST", "/oauth/token")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(body.decode())), headers.get("Authorization")


def basic(header):
    return base64.b64decode(header.removeprefix("Basic ")).decode()


def test_an_app_may_prove_itself_in_the_form(server, exchange):
    exchange(NEW)
    assert sent(server) == ({"grant_type": "refresh_token", **EXTRA}, None)


def test_an_app_may_prove_itself_in_a_header(server, exchange):
    exchange(NEW, form=("refresh_token",))
    form, header = sent(server)
    assert form == {"grant_type": "refresh_token", "refresh_token": "refresh-0001"}
    assert basic(header) == "app-1:s3cret-s3cret"


@pytest.mark.parametrize("secret", [None, "s3cret-s3cret"])
def test_an_app_that_need_not_have_a_secret_tells_it_if_it_has_one(server, exchange, secret):
    names = ("client_id", "refresh_token")
    extra = {name: EXTRA[name] for name in names} | ({"client_secret": secret} if secret else {})
    exchange(NEW, extra=extra, form=names, needed=names)
    form, header = sent(server)
    assert form == {"grant_type": "refresh_token", "client_id": "app-1", "refresh_token": "refresh-0001"}
    assert (header and basic(header)) == (f"app-1:{secret}" if secret else None)


@pytest.mark.parametrize("lifetime", ["refresh_token_expires_in", "refresh_expires_in"])
def test_new_tokens_come_with_their_ends(exchange, clock, lifetime):
    tokens = exchange({**NEW, "token_type": "bearer", "expires_in": "7200", lifetime: 86_400})
    assert (tokens.token, tokens.refresh_token) == ("new-access-token", "refresh-0002")
    assert tokens.expires_at == clock.now + dt.timedelta(hours=2)
    assert tokens.refresh_expires_at == clock.now + dt.timedelta(days=1)


def test_what_is_not_told_is_not_known(exchange):
    tokens = exchange({"access_token": "new-access-token"})
    assert (tokens.expires_at, tokens.refresh_token, tokens.refresh_expires_at) == (None, None, None)


def test_a_lifetime_of_nothing_is_an_end(exchange, clock):
    assert exchange(NEW | {"expires_in": 0}).expires_at == clock.now


def test_tokens_that_stay_as_they_are_are_not_lost(exchange):
    tokens = exchange({"access_token": TOKEN, "refresh_token": EXTRA["refresh_token"]})
    assert (tokens.token, tokens.refresh_token) == (TOKEN, None)


def test_tokens_given_with_another_status_of_success_are_not_lost(exchange):
    assert exchange(NEW, status=201).token == "new-access-token"


@pytest.mark.parametrize("empty", [{}, dict.fromkeys(EXTRA, "")])
def test_without_what_it_takes_nothing_is_asked_and_a_person_is_told(server, exchange, empty):
    with pytest.raises(Unauthorized, match=r"Platform: .* no client_id, client_secret, refresh_token, .*/renew"):
        exchange(NEW, extra=empty)
    assert server.seen == []


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_says_why_and_where_to_renew(exchange, status):
    why = {"error": "invalid_grant", "error_description": "revoked: refresh-0001"}
    with pytest.raises(Unauthorized, match=rf"HTTP {status}.*refused.*/renew.*revoked: \[token\]"):
        exchange(why, status=status)


@pytest.mark.parametrize(
    ("status", "raised"), [(429, RateLimited), (500, Unavailable), (503, Unavailable), (302, BadAnswer)]
)
def test_what_is_no_refusal_wants_no_person(exchange, status, raised):
    with pytest.raises(raised):
        exchange(b"", status=status, headers={"Retry-After": "900", "Location": "https://elsewhere.example/?t=1"})


ECHO = [*EXTRA.values(), base64.b64encode(b"app-1:s3cret-s3cret").decode(), TOKEN]


@pytest.mark.parametrize("status", [400, 401, 404, 418, 503])
@pytest.mark.parametrize("secret", ECHO[1:])
def test_a_server_that_repeats_what_it_was_sent_tells_no_secret(exchange, status, secret):
    with pytest.raises(Exception, match="Platform token") as told:
        exchange({"error": secret}, status=status, form=("refresh_token",))
    assert secret not in str(told.value)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "content",
    [
        {"access_token": "new-access-token", "expires_in": "soon"},
        {"access_token": "new-access-token", "expires_in": -1},
        {"access_token": "new-access-token", "expires_in": 10**10},
        {"access_token": "new-access-token", "refresh_token": ""},
        {"access_token": "new-access-token\n"},
        {"access_token": ""},
        {"refresh_token": "new-access-token"},
        b'{"access_token": "new-access-tok',
        b"<html>new-access-token</html>",
        [],
    ],
)
def test_an_answer_that_may_hold_a_token_is_not_quoted(exchange, content, status):
    with pytest.raises(BadAnswer, match="not the answer that was promised") as told:
        exchange(content, status=status)
    assert "new-access-tok" not in str(told.value)
    assert told.value.__cause__ is None
