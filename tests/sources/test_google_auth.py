"""Google: the three keys of a Connection, the token they are exchanged for, and what Google's refusals mean."""

import json
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from widerview.sources import google
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
EMAIL = "widerview@meadow-1.iam.gserviceaccount.example"
TOKEN = "ya29.canary-0123456789"
REFRESH = {"refresh_token": "1//canary-refresh", "client_id": "7.apps.example", "client_secret": "GOCSPX-canary"}
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"


def keyfile(**changes):
    key = {"type": "service_account", "client_email": EMAIL, "private_key": PEM, "private_key_id": "k1"}
    return json.dumps(key | changes)


def ok(content):
    return (200, {"Content-Type": "application/json"}, json.dumps(content).encode())


GRANTED = ok({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})


@pytest.fixture
def google_client(server, client):
    def make(**options):
        return client(servers={google.TOKEN_SERVER: server.url}, **options)

    return make


def authorize(http):
    return google.authorize(http, SCOPE, source="Analytics", account="property 7")


def form(server):
    ((method, path, headers, body),) = server.seen
    assert (method, path) == ("POST", "/token")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def test_an_access_token_in_the_password_is_used_as_it_is(server, google_client):
    assert authorize(google_client(token=TOKEN)) == {"Authorization": f"Bearer {TOKEN}"}
    assert server.seen == []


@pytest.mark.parametrize("pem", [PEM, PEM.replace("\n", "\\n")], ids=["as it is", "line ends escaped twice"])
def test_a_service_account_signs_for_an_hour_and_gets_a_token(server, google_client, pem):
    server.script = [GRANTED]
    assert authorize(google_client(extra={"keyfile_dict": keyfile(private_key=pem)})) == {
        "Authorization": f"Bearer {TOKEN}"
    }
    sent = form(server)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert jwt.get_unverified_header(sent["assertion"]) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    said = jwt.decode(
        sent["assertion"], PRIVATE.public_key(), algorithms=["RS256"], audience=google.TOKEN_SERVER + "/token"
    )
    assert (said["iss"], said["scope"]) == (EMAIL, SCOPE)
    assert said["exp"] - said["iat"] == 3600


def test_a_refresh_token_gets_a_token(server, google_client):
    server.script = [GRANTED]
    assert authorize(google_client(extra=REFRESH)) == {"Authorization": f"Bearer {TOKEN}"}
    assert form(server) == {"grant_type": "refresh_token", **REFRESH}


def test_a_lasting_key_comes_before_the_password_and_the_service_account_first(server, google_client):
    server.script = [GRANTED]
    authorize(google_client(token="old-password-token", extra={"keyfile_dict": keyfile(), **REFRESH}))
    assert "assertion" in form(server)


def test_the_token_that_was_got_is_cut_out_of_later_answers(server, google_client):
    server.script = [GRANTED, (200, {}, f"you said {TOKEN}".encode())]
    http = google_client(extra=REFRESH)
    authorize(http)
    assert http.request("GET", "api", stream="days").body == b"you said [token]"


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({}, "holds no key"),
        ({"refresh_token": "1//canary-refresh"}, "lacks client_id and client_secret"),
        ({**REFRESH, "client_secret": ""}, "lacks client_secret"),
        ({"keyfile_dict": "canary: not JSON"}, "no service account's key"),
        ({"keyfile_dict": json.dumps({"installed": {"client_id": "canary"}})}, "no service account's key"),
        ({"keyfile_dict": keyfile(type="authorized_user")}, "no service account's key"),
        ({"keyfile_dict": keyfile(private_key="canary")}, f"private_key of the service account {EMAIL}"),
        ({"keyfile_dict": keyfile(private_key=PEM[:300])}, "is damaged"),
    ],
)
def test_an_unusable_connection_is_told_before_anything_is_asked(server, google_client, extra, says):
    with pytest.raises(Unauthorized, match=r"Analytics for property 7: .*Airflow Connection") as caught:
        authorize(google_client(extra=extra))
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)
    assert not caught.value.__context__ or caught.value.__suppress_context__, (
        "a traceback would show what it was made of"
    )
    assert server.seen == []


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        PRIVATE.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ),
    ],
    ids=["another kind of key", "the public key", "locked with a password"],
)
def test_a_key_that_cannot_sign_is_told(google_client, key):
    with pytest.raises(Unauthorized, match="is damaged"):
        authorize(google_client(extra={"keyfile_dict": keyfile(private_key=key.decode())}))


def refused(status, error, description):
    content = {"error": error, "error_description": description}
    return (status, {"Content-Type": "application/json"}, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("extra", "answer", "says"),
    [
        (REFRESH, refused(400, "invalid_grant", "Token has been expired or revoked."), "consent anew"),
        (REFRESH, refused(401, "invalid_client", "The OAuth client was not found."), "OAuth client was not found"),
        ({"keyfile_dict": keyfile()}, refused(400, "invalid_grant", "Invalid JWT Signature."), f"account {EMAIL} at"),
        (
            {"keyfile_dict": keyfile()},
            refused(400, "invalid_grant", "Check your iat and exp"),
            "set this machine's clock",
        ),
        (REFRESH, (403, {"Content-Type": "text/html"}, b"<!DOCTYPE html>"), "HTTP 403"),
    ],
)
def test_a_key_that_google_does_not_take_says_how_to_mend_it(server, google_client, extra, answer, says):
    server.script = [answer]
    with pytest.raises(Unauthorized, match="property 7") as caught:
        authorize(google_client(extra=extra))
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ((503, {}, b""), Unavailable),
        ((500, {}, b'{"error": "internal_failure"}'), Unavailable),
        ((429, {}, b'{"error": "slow_down"}'), RateLimited),
    ],
)
def test_a_token_server_that_cannot_just_now_is_no_dead_key(server, google_client, answer, raised):
    server.script = [answer] * 5
    with pytest.raises(raised):
        authorize(google_client(extra=REFRESH))


def test_too_many_tokens_asked_for(server, google_client):
    server.script = [refused(403, "rate_limit_exceeded", "Too many requests.")]
    with pytest.raises(RateLimited, match="Too many requests"):
        authorize(google_client(extra=REFRESH))


@pytest.mark.parametrize(
    "body",
    [
        f'{{"access_token": "{TOKEN}", "expires_'.encode(),
        json.dumps({"access_token": f"{TOKEN}\n"}).encode(),
        json.dumps({"token": TOKEN}).encode(),
        b'{"access_token": ""}',
        b"<!DOCTYPE html>",
        b"\xff\xfe",
    ],
    ids=["cut", "with a line end", "another name", "empty", "html", "not utf-8"],
)
def test_an_answer_without_a_usable_token_is_not_quoted(server, google_client, body):
    server.script = [(200, {"Content-Type": "text/html"}, body)]
    with pytest.raises(BadAnswer, match="holds no access token") as caught:
        authorize(google_client(extra=REFRESH))
    assert "ya29" not in str(caught.value)
    assert not caught.value.__context__ or caught.value.__suppress_context__, (
        "a traceback would show what it was made of"
    )


def error(code, message, *, status="", reason="", detail=""):
    content = {"code": code, "message": message}
    if status:
        content["status"] = status
    if reason:
        content["errors"] = [{"message": message, "domain": "global", "reason": reason}]
    if detail:
        content["details"] = [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail, "domain": "googleapis.com"},
        ]
    return {"error": content}


def judge(page, status, content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    google.check(page("days", body, status=status), source="Analytics", account="property 7", mend="Add us there.")


@pytest.mark.parametrize(
    ("status", "content", "raised", "says"),
    [
        (429, error(429, "Exhausted tokens.", status="RESOURCE_EXHAUSTED"), RateLimited, "Exhausted tokens. Google's"),
        (429, error(429, "Slower"), RateLimited, "quota is used up"),
        (403, error(403, "Used up", reason="quotaExceeded"), RateLimited, "midnight Pacific time"),
        (403, error(403, "Daily Limit", reason="dailyLimitExceeded"), RateLimited, "quota is used up"),
        (403, error(403, "Too fast", reason="userRateLimitExceeded"), RateLimited, "quota is used up"),
        (400, error(400, "Too many", status="RESOURCE_EXHAUSTED"), RateLimited, "quota is used up"),
        (401, error(401, "Bad token", status="UNAUTHENTICATED"), Unauthorized, "lives an hour"),
        (401, error(401, "Bad token", reason="authError"), Unauthorized, "lives an hour"),
        (400, error(400, "Bad key", status="INVALID_ARGUMENT", detail="API_KEY_INVALID"), Unauthorized, "Bad key"),
        (403, error(403, "Never used", status="PERMISSION_DENIED", detail="SERVICE_DISABLED"), Unauthorized, "Enable"),
        (403, error(403, "Not configured", reason="accessNotConfigured"), Unauthorized, "Enable this API"),
        (
            403,
            error(403, "Scopes", status="PERMISSION_DENIED", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            Unauthorized,
            "anew, with this API's scope",
        ),
        (403, error(403, "No right", status="PERMISSION_DENIED"), Unauthorized, "No right. Add us there."),
        (403, error(403, "No right", reason="forbidden"), Unauthorized, "Add us there."),
        (404, error(404, "No such", status="NOT_FOUND"), NotFound, "property 7 does not exist"),
        (400, error(400, "Field x?", status="INVALID_ARGUMENT"), BadAnswer, "Field x?"),
        (500, error(500, "Internal", status="INTERNAL"), Unavailable, "Internal. Try again later."),
        (200, error(403, "No right", status="PERMISSION_DENIED"), Unauthorized, "Add us there."),
        (200, error(200, "Odd"), BadAnswer, "Odd"),
        (403, b"<!DOCTYPE html>", Unauthorized, "Add us there."),
        (502, b"", Unavailable, "HTTP 502"),
        (400, b'{"error": "invalid_grant"}', BadAnswer, "HTTP 400"),
    ],
)
def test_what_a_refusal_means(page, status, content, raised, says):
    with pytest.raises(raised, match="property 7") as caught:
        judge(page, status, content)
    assert says in str(caught.value)


@pytest.mark.parametrize("content", [{}, {"rows": []}, [], {"error": None}, b"1", b"cut {", b""])
def test_an_answer_without_an_error_says_nothing(page, content):
    judge(page, 200, content)


def test_the_reasons_of_a_failure_are_brought_together(page):
    content = error(403, "No comments", status="PERMISSION_DENIED", reason="commentsDisabled", detail="X")
    said = google.failure(page("days", json.dumps(content).encode(), status=403))
    assert said == google.Failure(403, "No comments", frozenset({"PERMISSION_DENIED", "commentsDisabled", "X"}))


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [(403, "rateLimitExceeded", True), (403, "quotaExceeded", False), (200, "rateLimitExceeded", False)],
)
def test_only_a_quota_of_the_moment_is_asked_again_at_once(page, status, reason, again):
    body = json.dumps(error(403, "Slower", reason=reason)).encode()
    assert google.slow_down(page("days", body, status=status)) is again
