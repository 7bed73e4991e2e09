"""The HTTP client against a real server, and the judgement of answers."""

import datetime as dt
import gzip
import json
import socket
import ssl
import threading
import tracemalloc
import zlib
from base64 import b64encode
from decimal import Decimal
from email.utils import format_datetime

import msgspec
import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from certificates import write_certificate
from widerview.sources import http
from widerview.sources.base import RawPage, Request
from widerview.sources.errors import (
    BadAnswer,
    BudgetSpent,
    NotFound,
    RateLimited,
    SourceError,
    Unauthorized,
    Unavailable,
)
from widerview.sources.http import (
    ConnectionPool,
    HttpClient,
    Turn,
    ask_in_groups,
    check,
    decode,
    paginate,
    try_again_at,
)

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
CANARY = "canary-7f3a9c51d2e84b60"
OK = (200, {"Content-Type": "application/json"}, b"{}")


def answer(status=200, headers=None, body=b"{}"):
    return RawPage(
        stream="posts",
        request=Request("GET", "https://server.example/api", {}),
        status=status,
        headers=headers or {},
        fetched_at=NOW,
        body=body,
    )


def judge(page):
    check(page, source="Bluesky", account="brand.example", renew="Renew the token.")


# Asking


def test_an_answer_is_kept_with_its_request_and_the_headers_that_matter(server, client, clock):
    server.script = [
        (200, {"Content-Type": "application/json", "RateLimit-Limit": "3000", "Set-Cookie": "a=b"}, b'{"a": 1}')
    ]
    page = client().request("GET", "/xrpc/some.method?limit=5", stream="posts", params={"actor": "brand.example"})
    assert page.status == 200
    assert page.body == b'{"a": 1}'
    assert page.fetched_at == clock.now
    assert page.request == Request("GET", f"{server.url}/xrpc/some.method", {"limit": "5", "actor": "brand.example"})
    assert page.headers["ratelimit-limit"] == "3000"
    assert "set-cookie" not in page.headers
    method, path, headers, _ = server.seen[0]
    assert (method, path) == ("GET", "/xrpc/some.method?limit=5&actor=brand.example")
    assert headers["User-Agent"].startswith("Widerview/")


def test_the_connection_is_used_again_and_a_path_in_the_base_url_stays(server, client):
    server.script = [OK, OK, OK]
    asking = client(base_url=f"{server.url}/matomo/")
    for path in ("index.php", "/index.php", f"{server.url}/matomo/index.php"):
        asking.request("GET", path, stream="visits")
    assert [path for _, path, _, _ in server.seen] == ["/matomo/index.php"] * 3
    assert len(server.connections) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_after_a_short_wait(server, client, clock, status):
    server.script = [(status, {}, b"later"), OK]
    asking = client()
    assert asking.request("GET", "x", stream="posts").status == 200
    assert asking.calls == 2
    assert len(clock.slept) == 1
    assert 0 <= clock.slept[0] <= 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_a_lasting_failure_is_not_tried_again(server, client, clock, status):
    server.script = [(status, {"Location": "/elsewhere"}, b"no")]
    assert client().request("GET", "x", stream="posts").status == status
    assert not clock.slept


def test_after_the_last_try_the_answer_is_handed_over_as_it_is(server, client):
    server.script = [(503, {}, b"down")] * http.ATTEMPTS
    page = client().request("GET", "x", stream="posts")
    assert (page.status, page.body) == (503, b"down")
    with pytest.raises(Unavailable, match="503"):
        judge(page)


SOON = NOW + dt.timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (503, {"Retry-After": "7"}),
        (429, {"Retry-After": format_datetime(SOON, usegmt=True)}),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(SOON.timestamp()))}),
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON.isoformat().replace("+00:00", ".000000Z")}),
        (429, {"X-RateLimit-Reset": str(int(SOON.timestamp()))}),
        (429, {"RateLimit-Reset": "7"}),
    ],
)
def test_the_servers_own_wait_is_obeyed(server, client, clock, status, headers):
    server.script = [(status, headers, b""), OK]
    assert client().request("GET", "x", stream="posts").status == 200
    assert sum(clock.slept) == pytest.approx(7)


def test_a_long_wait_is_left_to_the_scheduler(server, client, clock):
    server.script = [(429, {"Retry-After": "3600"}, b"")]
    page = client().request("GET", "x", stream="posts")
    assert not clock.slept
    with pytest.raises(RateLimited, match="2026-11-22 04:00:00 UTC"):
        judge(page)


def test_waits_add_up_over_all_calls(server, client, clock):
    server.script = [(429, {"Retry-After": "40"}, b""), OK, (429, {"Retry-After": "40"}, b"")]
    asking = client()
    asking.request("GET", "x", stream="posts")
    assert asking.request("GET", "y", stream="posts").status == 429
    assert clock.slept == [40]


def test_a_quota_that_is_used_up_is_waited_for_before_the_next_call(server, client, clock):
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": (NOW + dt.timedelta(seconds=12)).isoformat()}
    server.script = [(200, spent, b"{}"), OK, OK]
    asking = client()
    for _ in range(3):
        asking.request("GET", "x", stream="posts")
    assert clock.slept == [12]


def test_a_quota_that_returns_late_raises_with_the_time(server, client, clock):
    spent = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(NOW.timestamp()) + 290)}
    server.script = [(200, spent, b"{}")]
    asking = client()
    asking.request("GET", "x", stream="posts")
    with pytest.raises(RateLimited, match="2026-11-22 03:04:50 UTC"):
        asking.request("GET", "x", stream="posts")
    assert not clock.slept


def test_every_call_counts_against_the_budget_also_a_retry(server, client):
    server.script = [(500, {}, b""), OK, OK]
    asking = client(budget=2)
    asking.request("GET", "x", stream="posts")
    with pytest.raises(BudgetSpent, match="all 2 calls"):
        asking.request("GET", "x", stream="posts")
    assert len(server.seen) == 2


def break_off(headers, body):
    """An answer that ends before it is whole."""

    def act(handler):
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return act


@pytest.mark.parametrize(
    "step",
    [
        break_off({"Content-Length": "1000"}, b'{"feed": ['),
        break_off({"Content-Length": "1000", "Content-Encoding": "gzip"}, gzip.compress(b"{}")),
        break_off({"Transfer-Encoding": "chunked"}, b"3e8\r\n{"),
        (200, {"Content-Encoding": "gzip"}, b'{"feed": []}'),
    ],
    ids=["length", "gzip", "chunked", "not what it says"],
)
def test_an_answer_that_breaks_off_is_tried_again(server, client, step):
    server.script = [step, OK]
    asking = client()
    assert asking.request("GET", "x", stream="posts").body == b"{}"
    assert asking.calls == 2


def chunked(body):
    """How a body of unknown length is sent."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:3], body[3:])) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_arrives_as_it_was_before_transport(server, client, encoding, pack, whole):
    body = b'{"text": "Guten Morgen"}' * 9_000
    content = pack(body)
    headers = {"Content-Encoding": encoding} | ({} if whole else {"Transfer-Encoding": "chunked"})
    server.script = [(200, headers, content if whole else chunked(content)), OK]
    asking = client()
    assert asking.request("GET", "x", stream="posts").body == body
    asking.request("GET", "x", stream="posts")
    assert len(server.connections) == 1


def test_a_silent_server_is_unavailable(server, client, monkeypatch):
    monkeypatch.setattr(http, "TIMEOUTS", urllib3.Timeout(connect=5, read=0.05))
    done = threading.Event()
    server.script = [lambda handler: done.wait(10)] * http.ATTEMPTS
    asking = client()
    try:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            asking.request("GET", "x", stream="posts")
    finally:
        done.set()
    assert asking.calls == http.ATTEMPTS


def test_a_server_that_is_not_there_is_unavailable(server, client):
    asking = client(base_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="ConnectionError") as caught:
        asking.request("GET", "x", stream="posts", headers={"Authorization": CANARY})
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_a_huge_answer_is_refused_and_not_read_on(server, client, monkeypatch, headers):
    monkeypatch.setattr(http, "LARGEST_BODY", 100_000)
    most, more = (b"x" * size for size in (100_000, 200_000))
    if headers:
        most, more = chunked(most), chunked(more)
    server.script = [(200, headers, most), (200, headers, more), OK]
    asking = client()
    assert len(asking.request("GET", "x", stream="posts").body) == 100_000
    with pytest.raises(BadAnswer, match="larger than"):
        asking.request("GET", "x", stream="posts")
    assert asking.request("GET", "x", stream="posts").body == b"{}"
    assert len(server.connections) == 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_an_answer_that_unpacks_to_something_huge_is_refused_before_it_does(server, client, monkeypatch, encoding):
    monkeypatch.setattr(http, "LARGEST_BODY", 2**20)
    bomb = bytes(2**26)
    for step in encoding.split(", "):
        bomb = gzip.compress(bomb) if step == "gzip" else zlib.compress(bomb)
    server.script = [(200, {"Content-Encoding": encoding}, bomb)]
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="larger than"):
            client().request("GET", "x", stream="posts")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/api", "http://127.0.0.1:1/api", "https://127.0.0.1/", "http://127.0.0.1@evil.example/"],
)
def test_no_other_server_is_asked(server, client, url):
    asking = client()
    with pytest.raises(BadAnswer, match="refused to ask another server"):
        asking.request("GET", url, stream="posts")
    assert asking.calls == 0


def test_a_redirect_is_not_followed(server, client):
    server.script = [(302, {"Location": "https://evil.example/login?next=secret"}, b"")]
    page = client().request("GET", "x", stream="posts")
    assert len(server.seen) == 1
    with pytest.raises(BadAnswer, match=r"redirect to https://evil\.example/login\. ") as caught:
        judge(page)
    assert "secret" not in str(caught.value)


def test_a_token_is_sent_and_never_told(server, client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    echo = f'{{"you sent": "{CANARY}"}}'.encode()
    server.script = [(401, {"Link": f"<http://x/?token={CANARY}>"}, echo)]
    page = client(token=CANARY).request(
        "POST",
        "index.php",
        stream="visits",
        form={"method": "VisitsSummary.get"},
        secret_form={"token_auth": CANARY},
        headers={"Authorization": f"Bearer {CANARY}"},
    )
    _, _, headers, body = server.seen[0]
    assert headers["Authorization"] == f"Bearer {CANARY}"
    assert body == f"method=VisitsSummary.get&token_auth={CANARY}".encode()
    assert page.request.params == {"method": "VisitsSummary.get"}
    assert CANARY not in repr(page)
    assert CANARY.encode() not in msgspec.json.encode(page)
    with pytest.raises(Unauthorized, match="Renew the token") as caught:
        judge(page)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "token", ["", "  ", f"{CANARY}\n", f"{CANARY} x", f" {CANARY}", f"{CANARY}\x00", "тайна", "ключé"]
)
@pytest.mark.parametrize(("name", "begins"), [("Authorization", "Bearer "), ("x-umami-api-key", "")])
def test_a_token_that_cannot_be_sent_in_a_header_is_refused_without_being_told(token, name, begins):
    with pytest.raises(Unauthorized, match=r"token for server\.example .* blanks or control characters") as caught:
        HttpClient(base_url="https://server.example", budget=1, token=token).request(
            "GET", "x", stream="posts", headers={name: f"{begins}{token}"}
        )
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "server.example",
        "ftp://server.example",
        "https://",
        f"https://me:{CANARY}@server.example",
        "file:///x",
        f"https://server.example:{CANARY}",
        f"https://{CANARY} x.example",
        f"https://[{CANARY}",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_told(url):
    with pytest.raises(SourceError, match="host of the Airflow Connection") as caught:
        HttpClient(base_url=url, budget=1)
    assert CANARY not in str(caught.value)


def test_a_header_that_cannot_be_sent_is_not_told(server, client):
    with pytest.raises(Unavailable, match="ValueError") as caught:
        client().request("GET", "x", stream="posts", headers={"Authorization": f"Bearer {CANARY}\n"})
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not server.seen


# Connections


def test_clients_share_connections_and_nothing_else(server, client):
    server.script = [(200, {"Set-Cookie": f"session={CANARY}; Path=/"}, b"{}"), OK]
    pool = ConnectionPool()
    client(pool=pool, token=CANARY).request("GET", "x", stream="posts", headers={"Authorization": f"Bearer {CANARY}"})
    client(pool=pool).request("GET", "x", stream="posts")
    assert len(server.connections) == 1
    assert CANARY not in str(server.seen[1])
    assert {"Authorization", "Cookie"}.isdisjoint(server.seen[1][2])


@pytest.fixture
def environment(monkeypatch):
    """Sets what the environment says of proxies and certificates, and nothing else: `environment(http_proxy=...)`."""

    def put(**values):
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", *http._CA_VARIABLES):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked_for_the_whole_address(server, client, environment, variable):
    environment(**{variable: server.url.replace("//", "//office:p%40ss@")})
    server.script = [OK, OK]
    asking = client(base_url="http://social.example/api")
    environment()  # looked up when the client was made
    asking.request("GET", "posts", stream="posts", params={"limit": "5"})
    asking.request("GET", "/", stream="posts")
    method, asked, headers, _ = server.seen[0]
    assert (method, asked) == ("GET", "http://social.example/api/posts?limit=5")
    assert headers["Host"] == "social.example"
    assert headers["proxy-authorization"] == "Basic " + b64encode(b"office:p@ss").decode()
    assert len(server.connections) == 1


def test_a_proxy_without_a_scheme_is_http(server, client, environment):
    environment(HTTP_PROXY=server.url.removeprefix("http://"))
    server.script = [OK]
    assert client(base_url="http://social.example").request("GET", "x", stream="posts").status == 200


def test_a_proxy_sees_nothing_of_what_is_asked_by_https(server, client, environment):
    environment(HTTPS_PROXY=server.url)
    server.script = [(403, {}, b"")] * http.ATTEMPTS
    asking = client(base_url="https://social.example", token=CANARY)
    with pytest.raises(Unavailable, match="ProxyError"):
        asking.request("GET", "x", stream="posts", headers={"Authorization": f"Bearer {CANARY}"})
    assert {(method, path) for method, path, _, _ in server.seen} == {("CONNECT", "social.example:443")}
    assert CANARY not in str(server.seen)


@pytest.mark.parametrize("without", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "*"])
def test_no_proxy_is_asked_for_the_servers_that_need_none(server, client, environment, without):
    environment(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY=without)
    server.script = [OK]
    client().request("GET", "x", stream="posts")
    assert server.seen[0][1] == "/x"


@pytest.mark.parametrize(
    "proxy", [f"socks5://me:{CANARY}@proxy.example", f"http://me:{CANARY}@", f"http://me:{CANARY}@proxy:port"]
)
def test_a_proxy_that_cannot_be_used_is_refused_without_being_told(client, environment, proxy):
    environment(HTTP_PROXY=proxy)
    with pytest.raises(SourceError, match="Correct HTTP_PROXY") as caught:
        client()
    assert CANARY not in str(caught.value)


@pytest.fixture
def certificate(server, tmp_path):
    """The certificate of a server that now speaks TLS."""
    path = write_certificate(tmp_path / "server.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return path


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_server_is_trusted_by_the_certificates_of_the_environment(server, client, environment, certificate, variable):
    environment(**{variable: str(certificate)})
    server.script = [OK, OK]
    asking = client(base_url=server.url.replace("http:", "https:"))
    for _ in range(2):
        assert asking.request("GET", "x", stream="posts").status == 200
    assert len(server.connections) == 1


def test_a_server_that_nobody_vouches_for_hears_nothing(server, client, environment, certificate):
    environment()
    asking = client(base_url=server.url.replace("http:", "https:"))
    with pytest.raises(Unavailable, match="SSLError"):
        asking.request("GET", "x", stream="posts")
    assert not server.seen


def test_certificates_that_cannot_be_read_are_named(client, environment, tmp_path):
    environment(REQUESTS_CA_BUNDLE=str(tmp_path / "none.pem"))
    with pytest.raises(SourceError, match=r"none\.pem.*Correct REQUESTS_CA_BUNDLE"):
        client(base_url="https://server.example")


def test_no_certificates_are_read_for_a_server_that_is_asked_in_plain(server, client, environment, tmp_path):
    environment(REQUESTS_CA_BUNDLE=str(tmp_path / "none.pem"))
    server.script = [OK]
    assert client().request("GET", "x", stream="posts").status == 200


# Judging


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (410, NotFound),
        (429, RateLimited),
        (500, Unavailable),
        (503, Unavailable),
        (204, BadAnswer),
        (400, BadAnswer),
        (418, BadAnswer),
    ],
)
def test_a_status_becomes_what_has_to_be_done(status, error):
    with pytest.raises(error, match=rf"Bluesky posts .*brand\.example: HTTP {status}"):
        judge(answer(status))
    judge(answer(200))


@given(st.dictionaries(st.sampled_from(["retry-after", "ratelimit-reset", "x-ratelimit-reset"]), st.text()))
def test_no_header_breaks_the_reading_of_the_wait(headers):
    moment = try_again_at(answer(429, headers))
    assert moment is None or moment.tzinfo is not None


@given(st.integers(int(NOW.timestamp()), int(NOW.timestamp()) + 10**8))
def test_a_moment_is_read_the_same_in_every_form(epoch):
    moment = dt.datetime.fromtimestamp(epoch, dt.UTC)
    forms = [
        {"retry-after": format_datetime(moment, usegmt=True)},
        {"ratelimit-reset": str(epoch)},
        {"x-ratelimit-reset": moment.isoformat()},
        {"x-ratelimit-reset": f"{moment:%Y-%m-%dT%H:%M:%S.000000Z}"},
    ]
    assert {try_again_at(answer(429, form)) for form in forms} == {moment}


def test_a_reset_time_means_nothing_while_there_is_quota():
    assert try_again_at(answer(200, {"x-ratelimit-remaining": "299", "x-ratelimit-reset": "1795316840"})) is None


class Shape(msgspec.Struct):
    number: int = 0
    text: str = ""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><title>Error</title>", "DOCTYPE"),
        (b"", "0 bytes"),
        (b'{"number": "many"}', "number"),
        (b"[]", "array"),
        (b'{"text": "\xff"}', "utf-8"),
        (b'{"x": ' + b"[" * 100_000, "recursion"),
    ],
)
def test_an_answer_of_another_shape_says_what_and_where(body, says):
    with pytest.raises(BadAnswer, match=says) as caught:
        decode(answer(body=body), Shape, source="Bluesky")
    assert "Bluesky posts (GET https://server.example/api)" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b'{"number": "12"}', Shape(12)),
        (b'\xef\xbb\xbf{"number": 12}', Shape(12)),
        (rb'{"text": "a\u0000\u0000b"}', Shape(text="a\ufffd\ufffdb")),
        (rb'{"text": "a\\u0000b"}', Shape(text=r"a\u0000b")),
        (rb'{"text": "a\\\u0000b"}', Shape(text="a\\\ufffdb")),
    ],
)
def test_numbers_as_text_and_nul_characters_are_read(body, shape):
    assert decode(answer(body=body), Shape, source="x") == shape


@given(st.text())
def test_text_comes_through_with_nul_replaced(text):
    read = decode(answer(body=msgspec.json.encode({"text": text})), Shape, source="x")
    assert read.text == text.replace("\x00", "\ufffd")


# Pages


def walk(turns):
    """The cursors that are asked for, when each page leads where `turns` says."""
    asked = []

    def ask(cursor):
        asked.append(cursor)
        return answer()

    remaining = iter(turns)
    pages = list(paginate(ask, lambda page: next(remaining), source="Bluesky"))
    assert len(pages) == len(asked)
    return asked


def test_pages_are_walked_to_the_end():
    assert walk([Turn("a", 1), Turn("b", 0), Turn(None, 1)]) == [None, "a", "b"]
    assert walk([Turn(None, 0)]) == [None]


@pytest.mark.parametrize("cursors", ["aa", "aba", "abcb"])
def test_pages_in_a_circle_are_found(cursors):
    with pytest.raises(BadAnswer, match="circle"):
        walk([Turn(cursor, 1) for cursor in cursors])


def test_empty_pages_without_end_are_found():
    with pytest.raises(BadAnswer, match="empty pages in a row"):
        walk([Turn(str(n), 0) for n in range(1000)])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), max_size=30))
def test_every_walk_ends(steps):
    try:
        asked = walk([*(Turn(cursor, items) for cursor, items in steps), Turn(None, 0)])
    except BadAnswer:
        return
    assert len(set(asked)) == len(asked)


def test_a_page_is_handed_over_before_it_is_judged():
    def refuse(page):
        raise Unavailable("down")

    pages = paginate(lambda cursor: answer(503), refuse, source="Bluesky")
    assert next(pages).status == 503
    with pytest.raises(Unavailable):
        next(pages)


def test_json_goes_out_as_the_body_and_is_recorded_in_one_order(client, server):
    server.script = [(200, {}, b"{}")]
    page = client().request("POST", "query", stream="rows", json={"to": "2026-11-15", "from": [1, 2]})
    ((method, path, headers, body),) = server.seen
    assert (method, path, headers["Content-Type"]) == ("POST", "/query", "application/json")
    assert json.loads(body) == {"from": [1, 2], "to": "2026-11-15"}
    assert page.request.body == '{"from":[1,2],"to":"2026-11-15"}'


def test_secret_parameters_are_sent_and_not_recorded(client, server):
    server.script = [(200, {}, b"{}")]
    page = client().request(
        "GET", "refresh", stream="tokens", params={"grant": "x"}, secret_params={"access_token": CANARY}
    )
    assert server.seen[0][1] == f"/refresh?grant=x&access_token={CANARY}"
    assert CANARY not in repr(page)
    assert page.request.params == {"grant": "x"}


def test_whatever_is_secret_in_the_connection_is_cut_out_of_answers(client, server):
    server.script = [(200, {}, f"{CANARY} bearer".encode()), (200, {}, b"later-known-secret")]
    http = client(extra={"refresh_token": CANARY, "token_type": "bearer"})
    assert http.request("GET", "", stream="a").body == b"[token] bearer"
    http.keep_secret("later-known-secret")
    assert http.request("GET", "", stream="a").body == b"[token]"


def test_another_server_of_the_platform_is_asked_where_it_stands(client, server):
    server.script = [(200, {}, b""), (200, {}, b"")]
    http = client(base_url=f"{server.url}/sandbox", servers={"https://tokens.example": f"{server.url}/sandbox"})
    http.request("GET", "https://tokens.example/oauth?a=1", stream="a")
    http.request("GET", "posts", stream="a")
    assert [seen[1] for seen in server.seen] == ["/sandbox/oauth?a=1", "/sandbox/posts"]
    with pytest.raises(BadAnswer, match="refused to ask another server"):
        http.request("GET", "https://tokens.example.evil.example/oauth", stream="a")


def test_a_platforms_own_word_for_later_is_tried_again(client, server, clock):
    server.script = [(400, {}, b"busy"), (200, {}, b"fine")]
    page = client().request("GET", "", stream="a", try_again=lambda page: page.body == b"busy")
    assert page.body == b"fine"
    assert len(clock.slept) == 1


def test_the_limit_headers_of_x_are_waited_for(client, server, clock):
    reset = int(clock().timestamp()) + 20
    server.script = [
        (200, {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset)}, b""),
        (200, {"x-rate-limit-remaining": "5", "x-rate-limit-reset": str(reset)}, b""),
    ]
    http = client()
    http.request("GET", "", stream="a")
    http.request("GET", "", stream="a")
    assert clock.slept == [20.0]


class Purse:
    """An allowance of so many calls and dollars."""

    def __init__(self, calls: int, dollars: str = "1") -> None:
        self.calls = calls
        self.dollars = Decimal(dollars)
        self.aside = Decimal(0)

    def call(self, most_dollars: Decimal) -> None:
        if not self.calls or most_dollars > self.dollars:
            raise BudgetSpent("nothing left today")
        self.calls -= 1
        self.aside = most_dollars
        self.dollars -= most_dollars

    def pay(self, dollars: Decimal) -> None:
        self.dollars += self.aside - dollars
        self.aside = Decimal(0)

    def left(self) -> Decimal:
        return self.dollars


def test_each_call_is_taken_from_the_days_allowance_retries_too(client, server):
    server.script = [(503, {}, b""), (200, {}, b"")]
    purse = Purse(2)
    http = client(allowance=purse)
    http.request("GET", "", stream="a")
    with pytest.raises(BudgetSpent, match="nothing left today"):
        http.request("GET", "", stream="a")
    assert len(server.seen) == 2
    http.pay(Decimal("0.25"))
    assert purse.dollars == Decimal("0.75")


PRICE = Decimal("0.30")


def test_the_most_that_an_answer_may_cost_is_set_aside_and_the_rest_given_back(client, server):
    server.script = [(503, {}, b""), (200, {}, b""), (404, {}, b"")]
    purse = Purse(9)
    http = client(allowance=purse)
    http.request("GET", "", stream="a", most_dollars=PRICE)
    assert purse.dollars == Decimal("0.70"), "what was set aside for the attempt that failed is back"
    http.pay(Decimal("0.05"))
    assert purse.dollars == Decimal("0.95")
    http.request("GET", "", stream="a", most_dollars=PRICE)
    assert purse.dollars == Decimal("0.95"), "a refusal costs nothing"
    with pytest.raises(BudgetSpent, match="nothing left today"):
        http.request("GET", "", stream="a", most_dollars=Decimal("0.96"))
    assert len(server.seen) == 3


def test_what_no_answer_came_to_may_have_cost_money_all_the_same(client, server):
    server.script = [lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)] * 5
    purse = Purse(9)
    with pytest.raises(BudgetSpent):
        client(allowance=purse).request("GET", "", stream="a", most_dollars=PRICE)
    assert (purse.dollars, len(server.seen)) == (Decimal("0.10"), 3)


def test_what_was_never_sent_costs_nothing(client):
    purse = Purse(9)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable):
        client(allowance=purse, base_url=f"http://127.0.0.1:{port}").request("GET", "", stream="a", most_dollars=PRICE)
    assert purse.dollars == 1


@pytest.mark.parametrize(
    ("dollars", "price", "affords"), [("1", "0.005", 100), ("0.012", "0.005", 2), ("0.004", "0.005", 0), ("-1", "1", 0)]
)
def test_how_many_things_of_a_price_todays_money_pays_for(client, dollars, price, affords):
    assert client(allowance=Purse(1, dollars)).affords(Decimal(price), 100) == affords
    assert client().affords(Decimal(price), 100) == 100


@given(
    metrics=st.lists(st.sampled_from("abcdefghijklmnop"), unique=True, max_size=16),
    gone=st.sets(st.sampled_from("abcdefghijklmnop")),
    most=st.integers(1, 16),
)
def test_a_metric_that_is_gone_costs_itself_alone(metrics, gone, most):
    asked = []

    def ask(group):
        asked.append(tuple(group))
        refused = bool(gone & set(group))
        return RawPage(
            stream="days",
            request=Request("GET", "https://server.example", {}),
            status=400 if refused else 200,
            headers={},
            fetched_at=NOW,
            body="".join(group).encode(),
        )

    pages = list(ask_in_groups(metrics, most, ask, lambda page: page.status == 400))
    given_ = "".join(page.body.decode() for page in pages if page.status == 200)
    assert list(given_) == [metric for metric in metrics if metric not in gone], "each once, in order"
    alone = [page.body.decode() for page in pages if page.status == 400 and len(page.body) == 1]
    assert alone == [metric for metric in metrics if metric in gone]
    assert max(map(len, asked), default=0) <= most


def test_metrics_are_asked_one_by_one_when_that_is_wanted():
    asked = []

    def ask(group):
        asked.append(list(group))
        return RawPage(stream="days", request=Request("GET", "", {}), status=200, headers={}, fetched_at=NOW, body=b"")

    assert len(list(ask_in_groups(["a", "b"], 10, ask, lambda page: False, one_by_one=True))) == 2
    assert asked == [["a"], ["b"]]


def test_an_answer_that_will_stay_the_same_is_not_asked_for_again(client, server, clock):
    server.script = [(500, {}, b"ask for less")]
    page = client().request("GET", "", stream="a", is_final=lambda page: b"less" in page.body)
    assert (page.status, clock.slept) == (500, [])


def test_an_answer_with_a_new_token_is_not_quoted(page):
    with pytest.raises(BadAnswer) as caught:
        decode(page(body=b'{"access_token":"' + CANARY.encode()), dict, source="Harbour", is_secret=True)
    assert CANARY not in str(caught.value)
    assert "access_token" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_an_answer_is_about_is_recorded_and_never_sent(client, server):
    server.script = [(200, {}, b"{}")]
    page = client().request("GET", "thread", stream="a", params={"id": "9"}, about={"post": "p1"})
    assert page.request.about == {"post": "p1"}
    assert server.seen[0][1] == "/thread?id=9"
    assert "p1" not in repr(server.seen)


@pytest.mark.parametrize("password", ["corr ect-horse", "pässwort", "parole\t1", " led by a blank"])
def test_a_password_that_goes_into_no_header_may_hold_any_character(client, server, password):
    server.script = [OK, OK]
    http = client(login="admin", token=password)
    http.request("POST", "login", stream="a", json={"password": http.token})
    assert json.loads(server.seen[0][3]) == {"password": password}
    http.request("GET", "site", stream="a", headers={"Authorization": f"Bearer {CANARY}"})
    assert server.seen[1][2]["Authorization"] == f"Bearer {CANARY}"


def test_a_token_as_short_as_a_word_is_left_in_answers(client, server):
    server.script = [(200, {}, b"umami.is umami12"), (200, {}, b"umami.is umami12")]
    assert client(token="umami").request("GET", "", stream="a").body == b"umami.is umami12"
    assert client(token="umami12").request("GET", "", stream="a").body == b"umami.is umami12"
    server.script = [(200, {}, b"umami.is umami123")]
    assert client(token="umami123").request("GET", "", stream="a").body == b"umami.is [token]"


@pytest.mark.parametrize("form", ["{}", "{quoted}", "{escaped}"])
def test_a_secret_is_cut_out_in_every_form_it_may_come_back_in(client, server, form):
    secret = "a/b+c=d|e-long-enough"
    written = form.format(secret, quoted="a%2Fb%2Bc%3Dd%7Ce-long-enough", escaped="a\\/b+c=d|e-long-enough")
    server.script = [(200, {}, f'{{"next":"https://server.example/?token={written}"}}'.encode())]
    page = client(extra={"refresh_token": secret}).request("GET", "", stream="a")
    assert page.body == b'{"next":"https://server.example/?token=[token]"}'


def test_what_only_tells_of_a_secret_is_none(client, server):
    server.script = [(200, {}, b'{"day":"2027-01-01","at":"https://tokens.example/new"}')]
    extra = {"refresh_token_expires_at": "2027-01-01", "token_url": "https://tokens.example/new"}
    page = client(extra=extra).request("GET", "", stream="a")
    assert b"[token]" not in page.body
