"""Facebook: what the Graph API answered from 2019 to 2024, as recorded by the authors of a client library.

The recordings know Pages, posts, comments, tokens and errors; of insights there is none.
"""

import datetime as dt
import json
import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from widerview.sandbox import facebook as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources import graph
from widerview.sources.base import AccountRow, CommentRow, PostRow, RawPage, Request, Target
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.facebook import SOURCE
from widerview.sources.http import Turn

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
DEVELOPERS = "19292868552"
TARGET = Target(client_id="tester", source="facebook", ref="FacebookforDevelopers", time_zone="UTC")
URL = "https://graph.facebook.com"
RENEW = "Make a new token."


@pytest.fixture(scope="module")
def read(shared):
    """Reads a recorded answer by its place below `testdata`."""
    return lambda name: (shared / "recordings" / "meta_python-facebook" / "testdata" / name).read_bytes()


@pytest.fixture(scope="module")
def apidata(read):
    return lambda name: json.loads(read(f"facebook/apidata/{name}.json"))


def parse(stream, content, page_id=DEVELOPERS):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(SOURCE.parse(TARGET, as_page(body, f"v26.0/{page_id}/published_posts", stream)))


def as_page(body, path="v26.0/1", stream="posts", status=200):
    return RawPage(
        stream=stream,
        request=Request("GET", f"{URL}/{path}", {}),
        status=status,
        headers={"content-type": "application/json"},
        fetched_at=NOW,
        body=body,
    )


@pytest.fixture(scope="module")
def posts(apidata):
    """Every recorded post of a Page with its reactions, comments and shares."""
    listed = [post for name in ("p1", "p2") for post in apidata(f"posts/feeds_default_fields_{name}")["data"]]
    return [*listed, *apidata("posts/multi_posts_data").values(), apidata("posts/single_post_data")]


def test_pages(apidata):
    pages = [
        *apidata("pages/multi_default_fields").values(),
        *apidata("pages/multi_pages").values(),
        apidata("pages/single_default_page"),
        apidata("pages/single_fields_page"),
    ]
    assert len(pages) == 6
    for raw in pages:
        [row] = parse("account", raw)
        assert isinstance(row, AccountRow)
        assert (row.account_id, row.handle, row.name) == (raw["id"], raw["username"], raw["name"])
        assert row.url == raw.get("link", f"https://www.facebook.com/{raw['id']}")
        assert row.counts == {"followers": None}  # likes of the Page were recorded, and they are something else


def test_posts(posts):
    kinds = Counter()
    for raw in posts:
        row, *_ = parse("posts", {"data": [raw]})
        assert isinstance(row, PostRow)
        assert (row.post_id, row.text, row.permalink) == (raw["id"], raw["message"], raw["permalink_url"])
        assert row.published_at == dt.datetime.fromisoformat(raw["created_time"])
        assert row.counts == {
            "likes": raw["reactions"]["summary"]["total_count"],
            "replies": raw["comments"].get("summary", {}).get("total_count"),
            "shares": raw["shares"]["count"] if "shares" in raw else None,
        }
        kinds[row.kind] += 1
    assert len(posts) == 13
    assert kinds == {"image": 6, "link": 4, "video": 2, "text": 1}
    assert sum("shares" not in raw for raw in posts) == 1


def test_links_lead_where_the_post_leads_and_not_by_facebooks_detour(posts):
    rows = [row for raw in posts for row in parse("posts", {"data": [raw]})]
    found = {row.post_id: row.links for row in rows if isinstance(row, PostRow)}
    assert found[f"{DEVELOPERS}_10158347294088553"][0] == "https://fb.me/Facebook-Peering-automation"
    assert "utm_source=social-facebook" in found[f"{DEVELOPERS}_10158347294088553"][1]
    every = [link for links in found.values() for link in links]
    assert len(every) > 10
    assert not [link for link in every if "l.facebook.com" in link or link.endswith((".", ",", ")"))]


def test_comments_that_came_along_with_their_posts(posts):
    """They have an older shape, without a summary, and tell their authors as they do now."""
    found = {
        row.comment_id: row for raw in posts for row in parse("posts", {"data": [raw]}) if isinstance(row, CommentRow)
    }
    recorded = [comment for raw in posts for comment in raw["comments"]["data"]]
    assert len(recorded) == len(found) == 16
    for raw in recorded:
        row = found[raw["id"]]
        assert (row.text, row.author) == (raw["message"], raw["from"]["id"])
        assert row.own == (raw["from"]["id"] == DEVELOPERS)
        assert row.published_at == dt.datetime.fromisoformat(raw["created_time"])


def test_posts_with_fewer_fields_and_of_groups(apidata):
    names = ("posts/feed_fields_p1", "posts/feed_fields_p2", "groups/feed_p1", "groups/feed_p2")
    listed = [post for name in names for post in apidata(name)["data"]]
    rows = parse("posts", {"data": listed})
    assert len(rows) == 21
    assert {row.counts["likes"] for row in rows} == {None}


def test_comments(apidata):
    comments = [
        apidata("comments/comment_info"),
        *apidata("comments/comments_info").values(),
        apidata("comments/create_resp"),
    ]
    post = {"id": f"{DEVELOPERS}_10158371815748553", "created_time": "2021-07-21T20:00:00+0000"}
    _, *rows = parse("posts", {"data": [post | {"comments": {"data": comments, "summary": {"total_count": 4}}}]})
    assert len(rows) == 4
    for row, raw in zip(rows, comments, strict=True):
        assert isinstance(row, CommentRow)
        assert (row.comment_id, row.text, row.permalink) == (raw["id"], raw["message"], raw["permalink_url"])
        assert row.published_at == dt.datetime.fromisoformat(raw["created_time"])
        assert (row.own, row.reply_to) == (False, None)  # neither was asked for


def test_comments_without_an_id_are_no_answer(apidata):
    post = {"id": "1_2", "created_time": "2021-07-21T20:00:00+0000", "comments": apidata("comments/comments_p1")}
    with pytest.raises(BadAnswer, match="missing required field `id`"):
        parse("posts", {"data": [post]})


@pytest.mark.parametrize(
    ("first", "second", "cursor"),
    [
        ("posts/feeds_default_fields_p1", "posts/feeds_default_fields_p2", {"after": "after"}),
        ("comments/comments_p1", "comments/comments_p2", {"after": "after"}),
        (
            "posts/feed_fields_p1",
            "posts/feed_fields_p2",
            {"__paging_token": "__paging_token", "__previous": "", "since": "", "until": "1624385168"},
        ),
    ],
)
def test_listings_are_followed_as_recorded(read, replay, first, second, cursor):
    script, asked = [read(f"facebook/apidata/{name}.json") for name in (first, second)], []

    def answer(request):
        asked.append(parse_qs(urlsplit(request.url).query, keep_blank_values=True))
        return 200, {"content-type": "application/json"}, script[len(asked) - 1]

    def turn(page):
        content = json.loads(page.body)
        return Turn(graph.next_cursor(msgspec.convert(content["paging"], graph.Paging)), len(content["data"]))

    http = replay(answer, URL)
    http.token = "masked"
    ask = graph.Graph(http, title="Facebook", account="developers", renew=RENEW)
    pages = list(ask.listing("1/feed", stream="posts", params={"fields": "id"}, most=5, turn=turn))
    assert len(pages) == 2
    assert asked[0] == {"fields": ["id"], "limit": ["5"]}
    assert asked[1] == {"fields": ["id"], "limit": ["5"]} | {name: [value] for name, value in cursor.items()}


@pytest.mark.parametrize(("name", "raised"), [("error", Unauthorized), ("base/error_data", NotFound)])
def test_refusals(read, name, raised):
    page = as_page(read(f"{name}.json"), status=400)
    assert graph.refusal(page).code == 100
    assert not graph.is_metric_refused(page)
    assert not graph.is_good(page)
    assert parse("posts", page.body) == []
    with pytest.raises(raised):
        graph.check(page, title="Facebook", account="developers", renew=RENEW)


@pytest.mark.parametrize(
    ("name", "days"), [("long_term_token", 60.0), ("threads_user_long_lived_token", 5183944 / 86400)]
)
def test_exchanged_tokens(read, replay, name, days):
    http = replay(lambda request: (200, {}, read(f"base/{name}.json")), URL)
    tokens = graph.exchange(http, "x", title="Facebook", renew=RENEW, params={}, secret_params={})
    assert tokens.token in {"token", "THQVJ..."}
    assert tokens.expires_at - NOW == dt.timedelta(days=days)


# -- the sandbox has the shapes of the recordings ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def answered():
    """Asks the sandbox as the holder of the first Page's token: `answered("posts", fields=...)`."""
    model = Simulation(46, dt.date(2026, 11, 16))
    _, account = next(model.accounts("facebook"))
    handlers = {"page": sandbox.page, "posts": sandbox.published_posts}

    def ask(what, **params):
        headers = {"authorization": f"Bearer {sandbox._page_token(account)}"}
        given = {"id": account.platform_id} | params
        now = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
        return json.loads(handlers[what](model, Call(params=given, now=now, headers=headers)).body)

    return ask


def kinds_of(value, path=""):
    """Every place of a JSON value with the type that stands there; the items of a list are one place."""
    yield path, type(value).__name__
    inner = (
        value.items()
        if isinstance(value, dict)
        else [("[]", item) for item in value]
        if isinstance(value, list)
        else []
    )
    for key, part in inner:
        yield from kinds_of(part, f"{path}/{key}")


def test_the_sandboxs_posts_have_the_recorded_shape(posts, answered):
    recorded = {place for post in posts for place in kinds_of(post)}
    fields = (
        "id,created_time,updated_time,message,permalink_url,status_type,shares,"
        "attachments{media_type,type,url,unshimmed_url,description},"
        "reactions.limit(0).summary(true),comments.filter(stream).limit(0).summary(true){id}"
    )
    listing = answered("posts", fields=fields, limit="100")
    played = {place for post in listing["data"] for place in kinds_of(post)}
    assert played <= recorded
    assert len(played) == 28
    assert {type_ for path, type_ in played if path == "/reactions/summary/total_count"} == {"int"}
    stamps = {post[name] for post in listing["data"] for name in ("created_time", "updated_time")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", at) for at in stamps)


def test_the_sandboxs_comments_have_the_recorded_shape(apidata, answered):
    recorded = set(kinds_of(apidata("comments/comment_info")))
    fields = "id,comments.filter(stream){id,created_time,message,permalink_url}"
    found = [comment for post in answered("posts", fields=fields)["data"] for comment in post["comments"]["data"]]
    assert len(found) > 5
    assert {place for comment in found for place in kinds_of(comment)} <= recorded
    assert all(re.fullmatch(r"\d+_\d+", comment["id"]) for comment in found)


def test_the_sandboxs_page_has_the_recorded_shape(apidata, answered):
    recorded = set(kinds_of(apidata("pages/single_default_page")))
    played = set(kinds_of(answered("page", fields="id,name,username,link,about,category,fan_count")))
    assert len(played) == 8
    assert played <= recorded


def test_the_sandboxs_pages_of_a_listing_have_the_recorded_shape(apidata, answered):
    recorded = apidata("posts/feeds_default_fields_p1")["paging"]
    assert set(kinds_of(answered("posts", fields="id", limit="5")["paging"])) == set(kinds_of(recorded))


@pytest.mark.parametrize("name", ["error", "base/error_data"])
def test_the_sandboxs_refusals_have_the_recorded_shape(read, answered, name):
    recorded = set(kinds_of(json.loads(read(f"{name}.json"))))
    assert set(kinds_of(answered("page", fields="id,shoe_size"))) == recorded
