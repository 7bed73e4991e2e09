"""X: what its servers answered in 2022 and its simulator in 2026, and its machine-readable contract.

The contract speaks of posts where the source asks in X's older words, which its guides still teach: the words are
translated here, so that nothing but the words can differ.
"""

import datetime as dt
import html
import json
import zlib
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import msgspec
import pytest
import yaml

from widerview.sandbox import x as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.base import AccountRow, CommentRow, PostRow, RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.http import HttpClient, try_again_at
from widerview.sources.x import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
TESTER = Target(client_id="tester", source="x", ref="TweepyDev", time_zone="UTC")
TIDEWATER = Target(client_id="tidewater-cycles", source="x", ref="tidewatercycles", time_zone="Europe/Dublin")
DAYS = Window(dt.date(2026, 11, 2), dt.date(2026, 11, 21))
MODEL = Simulation(46, dt.date(2026, 11, 16))
NEW_WORDS = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "tweet.fields": "post.fields",
}


def in_new_words(value):
    if isinstance(value, dict):
        return {NEW_WORDS.get(key, key): in_new_words(part) for key, part in value.items()}
    return [in_new_words(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def replay_to_owner(replay):
    """Makes a client with a token whose every answer comes from a function of what it asked."""

    def make(answer):
        client = replay(answer, "https://api.x.com")
        client.token = "t0ken"
        return client

    return make


# -- what X's servers answered in 2022 ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded_2022(shared):
    """Every recorded answer of the API v2: (path, status, headers, body)."""
    found = []
    for path in sorted((shared / "recordings" / "x_tweepy" / "cassettes").glob("*.yaml")):
        for turn in yaml.load(path.read_text(), yaml.CSafeLoader)["interactions"]:
            where, answer = urlsplit(turn["request"]["uri"]), turn["response"]
            if turn["request"]["method"] != "GET" or not where.path.startswith("/2/"):
                continue
            body = answer["body"]["string"]
            body = zlib.decompress(body, 31) if isinstance(body, bytes) and body[:2] == b"\x1f\x8b" else body
            headers = {name.lower(): values[0] for name, values in answer["headers"].items()}
            body = body if isinstance(body, bytes) else body.encode()
            found.append((where.path, answer["status"]["code"], headers, body))
    return found


def as_page(stream, body, *, status=200, headers=None, params=None, about=None, url="https://api.x.com/2"):
    return RawPage(
        stream=stream,
        request=Request("GET", url, params or {}, about=about or {}),
        status=status,
        headers=headers or {},
        fetched_at=NOW,
        body=body,
    )


def test_accounts(recorded_2022):
    found = [one for one in recorded_2022 if one[0] == "/2/users/me"]
    assert len(found) == 3
    for _, status, headers, body in found:
        [account] = SOURCE.parse(TESTER, as_page("account", body, status=status, headers=headers))
        assert isinstance(account, AccountRow)
        assert (account.account_id, account.handle) == ("1072250532645998596", "TweepyDev")
        assert account.name == "Tweepy Testing"
        assert account.counts == {"followers": None, "following": None, "posts": None}


POSTS = {
    "/2/users/783214/tweets": 1,
    "/2/users/783214/mentions": 2,
    "/2/tweets/search/recent": 1,
    "/2/lists/84839422/tweets": 1,
    "/2/users/783214/liked_tweets": 2,
    "/2/users/1072250532645998596/timelines/reverse_chronological": 2,
}


def dated(body):
    """The answer with what its recorder did not ask for: a post's number tells the moment it was made."""
    answer = json.loads(body)
    for post in answer["data"]:
        at = dt.datetime.fromtimestamp(((int(post["id"]) >> 22) + 1288834974657) / 1000, dt.UTC)
        post |= {"author_id": "783214", "conversation_id": post["id"], "created_at": at.isoformat()}
    return answer


@pytest.mark.parametrize("path", POSTS)
def test_posts(recorded_2022, path):
    found = [one for one in recorded_2022 if one[0] == path]
    assert len(found) == POSTS[path]
    for _, _, _, body in found:
        answer = dated(body)
        rows = list(SOURCE.parse(TESTER, as_page("posts", json.dumps(answer).encode())))
        assert len(rows) == answer["meta"]["result_count"] > 1
        for row, post in zip(rows, answer["data"], strict=True):
            assert isinstance(row, PostRow)
            assert (row.post_id, row.text) == (post["id"], html.unescape(post["text"]).strip())
            assert row.published_at.year <= 2022
            assert row.counts == {"quotes": None, "bookmarks": None}
        newest_first = sorted((int(row.post_id) for row in rows), reverse=True)
        assert "liked" in path or [int(row.post_id) for row in rows] == newest_first


@pytest.mark.parametrize("path", POSTS)
def test_posts_without_the_fields_that_are_asked_for_are_refused(recorded_2022, path):
    for _, _, _, body in (one for one in recorded_2022 if one[0] == path):
        with pytest.raises(BadAnswer, match="created_at"):
            list(SOURCE.parse(TESTER, as_page("posts", body)))


def test_the_pages_are_walked_by_the_recorded_token(recorded_2022, replay_to_owner):
    [(_, _, headers, me)] = [one for one in recorded_2022 if one[0] == "/2/users/me"][:1]
    [(_, _, _, timeline)] = [one for one in recorded_2022 if one[0] == "/2/users/783214/tweets"]
    first, asked = dated(timeline), []

    def answer(request):
        asked.append(dict(parse_qsl(urlsplit(request.url).query)))
        if "/users/me" in request.url:
            return 200, headers, me
        more = "pagination_token" in asked[-1]
        return 200, headers, b'{"meta":{"result_count":0}}' if more else json.dumps(first).encode()

    pages = list(SOURCE.fetch(TESTER, DAYS, replay_to_owner(answer)))
    assert [page.stream for page in pages] == ["account", "posts", "posts"]
    assert (
        asked[2]["pagination_token"] == first["meta"]["next_token"] == "7140dibdnow9c7btw4232poeq0wapgnwgwqwvuwn3peex"
    )


def test_the_rate_limits_headers_are_kept_and_understood(recorded_2022, replay_to_owner):
    [(_, _, headers, me)] = [one for one in recorded_2022 if one[0] == "/2/users/me"][:1]
    page = next(SOURCE.fetch(TESTER, DAYS, replay_to_owner(lambda request: (200, headers, me))))
    kept = {name: value for name, value in page.headers.items() if name.startswith("x-rate-limit")}
    assert kept == {name: headers[name] for name in headers if name.startswith("x-rate-limit")}
    assert len(kept) == 3
    assert try_again_at(page) is None
    used_up = as_page("account", b"{}", status=429, headers=kept | {"x-rate-limit-remaining": "0"})
    assert try_again_at(used_up) == dt.datetime.fromtimestamp(int(headers["x-rate-limit-reset"]), dt.UTC)


# -- what X's simulator answered in 2026 -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(shared):
    folder = shared / "recordings" / "x_playground_local"

    def read(name):
        first, *lines = (folder / f"{name}.headers").read_text().splitlines()
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return int(first.split()[1]), headers, (folder / f"{name}.json").read_bytes()

    return read


@pytest.mark.parametrize(
    ("name", "raised", "says"),
    [
        ("err_noauth", Unauthorized, "HTTP 401"),
        ("users_me", Unauthorized, r"HTTP 403.*console\.x\.com"),
        ("err_badparam", BadAnswer, "HTTP 400"),
        ("user_by_username", NotFound, "HTTP 404"),
        ("err_missing", NotFound, r"Could not find user with id: \[999999999999999999\]"),
    ],
)
def test_refusals(simulated, replay_to_owner, name, raised, says):
    answer = simulated(name)
    pages = SOURCE.fetch(TESTER, DAYS, replay_to_owner(lambda request: answer))
    assert next(pages).body == answer[2]
    with pytest.raises(raised, match=says):
        next(pages)


@pytest.mark.parametrize("name", ["tweets_p1", "tweets_p2", "mentions"])
def test_empty_pages(simulated, name):
    status, _, body = simulated(name)
    assert list(SOURCE.parse(TESTER, as_page("posts", body, status=status))) == []


def test_a_single_post_with_its_public_numbers(simulated):
    tweet = json.loads(simulated("tweet")[2])["data"]
    answer = {"data": [tweet | {"author_id": "0", "conversation_id": tweet["id"]}]}
    [row] = SOURCE.parse(TESTER, as_page("posts", json.dumps(answer).encode()))
    assert row.counts == {"quotes": tweet["public_metrics"]["quote_count"], "bookmarks": 0}
    assert row.published_at == dt.datetime(2026, 8, 22, 3, 27, 51, 969000, tzinfo=dt.UTC)


# -- the sandbox, against both -----------------------------------------------------------------------------------------


def sandboxed(url, params=None, token=sandbox.TOKEN):
    """The sandbox's answer to a URL, without a network."""
    parts = urlsplit(url)
    path = parts.path.removeprefix("/2")
    given = dict(parse_qsl(parts.query)) | (params or {})
    handlers = {route.path.removeprefix("/x/2"): route.handler for route in sandbox.ROUTES}
    if path not in handlers:
        _, _, id_, _ = path.split("/")
        given["id"], path = id_, "/users/{id}/tweets"
    answer = handlers[path](MODEL, Call(params=given, now=NOW, headers={"authorization": f"Bearer {token}"}))
    return answer.status, dict(answer.headers), answer.body


@pytest.fixture(scope="module")
def pulled():
    """A pull from the sandbox: the URLs that were asked, and the pages."""
    asked = []

    class Http(HttpClient):
        def request(self, method, path, *, stream, params, headers, about, most_dollars):
            assert method == "GET"
            asked.append((path, params))
            status, kept, body = sandboxed(f"https://api.x.com/{path}", params)
            url = f"https://api.x.com/{path}"
            return as_page(stream, body, status=status, headers=kept, params=dict(params), about=about, url=url)

    http = Http(base_url="https://api.x.com", budget=50, token=sandbox.TOKEN)
    return asked, list(SOURCE.fetch(TIDEWATER, DAYS, http))


def test_the_sandbox_gives_by_itself_what_x_gives_by_itself(recorded_2022, simulated):
    account = MODEL.account("tidewater-cycles", "x").platform_id
    ours = json.loads(sandboxed(f"https://api.x.com/2/users/{account}/tweets")[2])
    [theirs] = [json.loads(body) for path, _, _, body in recorded_2022 if path == "/2/users/783214/tweets"]
    assert ours.keys() == theirs.keys()
    assert ours["meta"].keys() == theirs["meta"].keys()
    assert {key for post in ours["data"] for key in post} == {key for post in theirs["data"] for key in post}
    me = json.loads(sandboxed("https://api.x.com/2/users/me")[2])
    assert me["data"].keys() == {"id", "name", "username"}
    post = json.loads(sandboxed(f"https://api.x.com/2/users/{account}/tweets", {"tweet.fields": "public_metrics"})[2])
    known = json.loads(simulated("tweet")[2])["data"]["public_metrics"]
    assert {key: type(value) for key, value in post["data"][0]["public_metrics"].items()} == {
        key: type(value) for key, value in known.items()
    }


def test_the_sandbox_refuses_as_x_does(simulated):
    assert json.loads(sandboxed("https://api.x.com/2/users/me", token="no")[2]) == json.loads(
        simulated("err_noauth")[2]
    )
    account = MODEL.account("tidewater-cycles", "x").platform_id
    status, _, body = sandboxed(f"https://api.x.com/2/users/{account}/tweets", {"max_results": "1"})
    theirs = json.loads(simulated("err_badparam")[2].replace(b"api.twitter.com", b"api.x.com"))
    assert (status, json.loads(body)) == (simulated("err_badparam")[0], theirs)
    _, headers, body = sandboxed("https://api.x.com/2/tweets", {"ids": "999999999999999999"})
    _, known, theirs = simulated("err_missing_tweet")
    [ours], [theirs] = json.loads(body)["errors"], json.loads(theirs)["errors"]
    assert ours.keys() == theirs.keys() - {"code"}
    assert {name for name in headers if name.startswith("x-rate")} <= {name.lower() for name in known}


# -- the contract ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract(shared):
    return json.loads((shared / "recordings" / "specs" / "x.v2.167.openapi.json").read_text())


def as_json_schema(schema):
    """What OpenAPI 3.0 writes otherwise than JSON Schema: that a value may be null."""
    if isinstance(schema, list):
        return [as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: as_json_schema(part) for key, part in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@pytest.fixture(scope="module")
def promised(contract):
    """Checks an answer against what the contract promises for a path."""
    schemas = as_json_schema(contract["components"]["schemas"])

    def check(path, body):
        content = contract["paths"][path]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"] | {"components": {"schemas": schemas}}
        jsonschema.Draft202012Validator(schema).validate(in_new_words(json.loads(body)))

    return check


def path_of(url):
    path = urlsplit(url).path
    return "/2/users/{id}/tweets" if path.endswith("/tweets") and "/users/" in path else path


def test_every_answer_of_the_sandbox_is_one_that_the_contract_promises(pulled, promised):
    _, pages = pulled
    assert [page.stream for page in pages] == ["account", "posts", "comments"]
    for page in pages:
        promised(path_of(page.request.url), page.body)


def test_errors_beside_data_are_such_that_the_contract_promises(promised):
    account = MODEL.account("tidewater-cycles", "x").platform_id
    old = {"tweet.fields": "organic_metrics", "max_results": "100", "end_time": "2026-10-24T00:00:00Z"}
    _, _, body = sandboxed(f"https://api.x.com/2/users/{account}/tweets", old)
    assert len(json.loads(body)["errors"]) > 6
    promised("/2/users/{id}/tweets", body)
    _, _, body = sandboxed("https://api.x.com/2/tweets", {"ids": "1,2"})
    assert len(json.loads(body)["errors"]) == 2
    promised("/2/tweets", body)


def test_the_contract_would_notice(promised, pulled):
    page = next(page for page in pulled[1] if page.stream == "posts")
    broken = json.loads(page.body)
    del broken["data"][0]["public_metrics"]["like_count"]
    with pytest.raises(jsonschema.ValidationError, match="like_count"):
        promised("/2/users/{id}/tweets", json.dumps(broken))


def test_the_same_answer_in_the_contracts_words_gives_the_same_rows(pulled):
    kinds = set()
    for page in pulled[1]:
        new = msgspec.structs.replace(page, body=json.dumps(in_new_words(json.loads(page.body))).encode())
        ours = list(SOURCE.parse(TIDEWATER, page))
        theirs = list(SOURCE.parse(TIDEWATER, new))
        assert [(type(row), unstamped(row)) for row in ours] == [(type(row), unstamped(row)) for row in theirs]
        kinds |= {type(row) for row in ours}
    assert kinds == {AccountRow, PostRow, CommentRow}


def unstamped(row):
    return {field: getattr(row, field) for field in row.__struct_fields__ if field != "receipt"}


def test_every_parameter_is_one_that_the_contract_knows(pulled, contract):
    for path, params in pulled[0]:
        described = contract["paths"][path_of(f"/{path}")]["get"]["parameters"]
        names = [one["$ref"].rpartition("/")[2] if "$ref" in one else None for one in described]
        known = [
            contract["components"]["parameters"][name] if name else one
            for name, one in zip(names, described, strict=True)
        ]
        by_name = {one["name"]: one["schema"] for one in known}
        for name, value in params.items():
            schema = by_name[NEW_WORDS.get(name, name)]
            if "items" not in schema:
                given = int(value) if schema["type"] == "integer" else value
                jsonschema.validate(given, schema)
                continue
            values = value.split(",")
            assert len(values) <= schema.get("maxItems", 100)
            # What the new words have as expansions only, the old ones have as fields.
            allowed = schema["items"].get("enum", values) + by_name["expansions"]["items"]["enum"]
            assert {NEW_WORDS.get(each, each) for each in values} <= set(allowed)
