"""Instagram: what the Graph API answered, as recorded by the authors of a client library and of a connector.

The answers are of v6.0 to v18.0 (2017 to 2024): shapes, times, splits and errors are those of today, and the names of
metrics are older.
"""

import datetime as dt
import json
import re

import pytest

from widerview.sandbox import instagram as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources.base import AccountRow, CommentRow, CounterRow, DayRow, PostRow, RawPage, Request, Target
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.graph import check
from widerview.sources.instagram import SOURCE

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
GRAPH = "https://graph.facebook.com/v18.0"


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "recordings" / "meta_python-facebook" / "testdata"


@pytest.fixture(scope="module")
def read(folder):
    return lambda name: json.loads((folder / "instagram" / f"{name}.json").read_bytes())


@pytest.fixture(scope="module")
def records(shared):
    """What a connector read of a real account, by stream."""
    path = shared / "recordings" / "airbyte_MIT" / "source-instagram" / "integration_tests" / "expected_records.jsonl"
    found = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        found.setdefault(record["stream"], []).append(record["data"])
    return found


def parse(stream, body, path="17841400000000001/media", ref="somebody", status=200, **params):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    page = RawPage(
        stream=stream,
        request=Request("GET", f"{GRAPH}/{path}", params, about={"account": "7"}),
        status=status,
        headers={"content-type": "application/json"},
        fetched_at=NOW,
        body=content,
    )
    target = Target(client_id="somebody", source="instagram", ref=ref, time_zone="Europe/Berlin")
    return list(SOURCE.parse(target, page))


# -- ads ---------------------------------------------------------------------------------------------------------------


def test_people_reached_by_ads_never_count_as_reached_without(read):
    recorded = read("apidata/users/user_insights_new")
    [reach] = recorded["data"]
    results = reach["total_value"]["breakdowns"][0]["results"]
    by_ads = sum(result["value"] for result in results if result["dimension_values"][0] == "AD")
    whole = sum(result["value"] for result in results)
    # The recording itself: the kinds come to more than there were people, because some saw several kinds.
    assert (reach["total_value"]["value"], whole, by_ads) == (14_516_883, 14_646_174, 14_424_755)

    rows = parse("insights", recorded, "17841454149711910/insights", since="1699257600", until="1699343999")
    assert all(isinstance(row, DayRow) and row.entity_id == "17841454149711910" for row in rows)
    assert {row.metric: row.value for row in rows} == {"reach": None, "paid_reach": 14_424_755}


def test_reach_without_ads_is_what_was_recorded_where_it_can_be_known(read):
    def without(*kinds):
        recorded = read("apidata/users/user_insights_new")
        [split] = recorded["data"][0]["total_value"]["breakdowns"]
        split["results"] = [result for result in split["results"] if result["dimension_values"][0] not in kinds]
        rows = parse("insights", recorded, "1/insights", since="1699257600")
        return {row.metric: row.value for row in rows}

    organic = ["POST", "REEL", "STORY", "IGTV", "CAROUSEL_CONTAINER", "AR_EFFECT_PREVIEW"]
    # Followers and others are different people, so the two parts of one kind may be added.
    assert without(*organic[1:]) == {"reach": 78_567 + 26_514, "paid_reach": 14_424_755}
    assert without(*organic) == {"reach": None, "paid_reach": 14_424_755}
    assert without("AD") == {"reach": 14_516_883}


def test_events_without_ads_are_the_sum_of_the_other_kinds(read):
    recorded = read("apidata/users/user_insights_new")
    recorded["data"][0]["name"] = "views"
    rows = parse("insights", recorded, "1/insights", since="1699257600")
    assert {row.metric: row.value for row in rows} == {"views": 14_646_174 - 14_424_755, "paid_views": 14_424_755}


def test_the_time_asked_for_ends_a_second_before_the_next(read):
    """The recorded links to the times before and after show that both ends are within."""
    paging = read("apidata/users/user_insights_new")["paging"]
    before, after = (re.findall(r"(?:since|until)=(\d+)", paging[way]) for way in ("previous", "next"))
    length = int(before[1]) - int(before[0])
    assert int(after[0]) - int(before[1]) == length + 2


# -- accounts, posts, stories, comments --------------------------------------------------------------------------------


def test_accounts(read, records):
    [row] = parse("account", read("apidata/users/user_fields"), "me", ref="facebookfordevelopers")
    assert isinstance(row, AccountRow)
    assert (row.account_id, row.handle) == ("17841407673135339", "facebookfordevelopers")
    assert row.counts == {"followers": 64_363, "following": None, "posts": 427}
    [row] = parse("account", read("models/ig_user"), "me", ref="FacebookForDevelopers")
    assert row.counts == {"followers": 64_361, "following": 16, "posts": 427}
    [row] = parse(
        "account", {"data": [{"instagram_business_account": records["users"][0]}]}, "me/accounts", "airbytehq"
    )
    assert (row.account_id, row.name) == ("17841408147298757", "Jean Lafleur")
    assert row.counts == {"followers": 1252, "following": 14, "posts": 258}


def test_pages_of_posts(read):
    first, last = read("apidata/users/medias_p1"), read("apidata/users/medias_p2")
    posts = [row for page in (first, last) for row in parse("posts", page, "17841406338772941/media")]
    assert all(isinstance(post, PostRow) and post.account_id == "17841406338772941" for post in posts)
    assert [post.kind for post in posts] == ["image", "image", *_kinds(last)]
    for post, recorded in zip(posts, [*first["data"], *last["data"]], strict=True):
        assert (post.post_id, post.permalink) == (recorded["id"], recorded["permalink"])
        assert post.published_at == dt.datetime.fromisoformat(recorded["timestamp"])
        assert post.text == recorded.get("caption", "")
        assert post.counts == {"likes": recorded["like_count"], "replies": recorded["comments_count"]}
    # The parts of an album have ids of their own and are no posts.
    children = [child["id"] for media in last["data"] for child in media.get("children", {"data": []})["data"]]
    assert len(children) > 2
    assert not {post.post_id for post in posts} & set(children)


def _kinds(page):
    return [
        {"CAROUSEL_ALBUM": "carousel", "VIDEO": "video"}.get(media["media_type"], "image") for media in page["data"]
    ]


def test_reels_of_a_real_account(records):
    posts = parse("posts", {"data": records["media"]}, "17841408147298757/media")
    assert [(post.kind, post.counts["likes"], post.counts["replies"]) for post in posts] == [
        ("reel", 9, 2),
        ("reel", 7, 0),
        ("reel", 13, 0),
    ]
    assert posts[0].tags == (
        "airbyte",
        "dataengineering",
        "tech",
        "terraform",
        "cloud",
        "cloudengineer",
        "coding",
        "reels",
    )
    assert posts[0].published_at == dt.datetime(2023, 6, 12, 19, 20, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(("name", "count"), [("apidata/users/stories", 2), ("apidata/stories/stories_default", 3)])
def test_stories(read, name, count):
    rows = parse("stories", read(name), "17841406338772941/stories")
    assert [row.kind for row in rows] == ["story"] * count
    assert {row.counts["likes"] for row in rows} == ({0} if count == 2 else {None})


def test_comments(read):
    media = read("apidata/users/medias_p2")["data"][0]
    [reply] = read("apidata/comments/replies")["data"]
    mine, other = read("models/ig_comment"), read("apidata/comments/comments_fields")["17858154961981086"]
    bare = [comment for page in "12" for comment in read(f"apidata/medias/comments_p{page}")["data"]]
    known = media | {"username": "ikroskun", "comments": {"data": [mine, other, *bare]}}
    rows = [row for row in parse("posts", {"data": [known]}) if isinstance(row, CommentRow)]
    assert [(row.comment_id, row.own, row.reply_to) for row in rows[:3]] == [
        ("17892250648466172", True, None),
        (mine["replies"]["data"][0]["id"], False, "17892250648466172"),
        ("17858154961981086", False, None),
    ]
    assert rows[0].published_at == dt.datetime(2020, 2, 24, 9, 15, 16, tzinfo=dt.UTC)
    assert (rows[2].text, rows[2].author) == ("Beautiful!", "lixiangguodu123")
    assert len(rows) == 3 + 4
    assert reply["timestamp"].endswith("+0000")


def test_listings_of_other_posts_can_be_read_as_far_as_they_tell_when(read):
    assert len(parse("posts", read("apidata/users/tagged_medias"))) == 5
    with pytest.raises(BadAnswer, match="timestamp"):
        parse("posts", read("apidata/hashtags/hashtag_top_medias_p1"))


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_numbers_of_a_post(read):
    post = {"id": "17846368219941692", "timestamp": "2020-02-13T10:35:40+0000"}
    fields = "id,timestamp,insights.metric(reach,saved,shares)"
    known = post | {"insights": read("apidata/medias/insights")}
    [row] = parse("post_insights", known, "1", fields=fields)
    assert isinstance(row, CounterRow)
    assert row.account_id == "7"
    assert row.counts == {"reach": 5, "bookmarks": 0, "shares": None}
    [row] = parse("post_insights", post | {"insights": read("apidata/medias/insights_new")}, "1", fields=fields)
    assert set(row.counts.values()) == {None}


@pytest.mark.parametrize(
    "name", ["instagram/apidata/medias/medias_fields", "instagram_basic/apidata/media/medias_info"]
)
def test_posts_of_either_host_are_read_alike(folder, name):
    """The recordings hold several posts each, from the host of Facebook Login and from that of Instagram Login."""
    recorded = json.loads((folder / f"{name}.json").read_bytes())
    for id_, media in recorded.items():
        [row] = parse("post_insights", media, id_, fields="id,timestamp,insights.metric(views)")
        assert (row.post_id, row.published_at) == (id_, dt.datetime.fromisoformat(media["timestamp"]))


def test_metrics_that_have_died_are_read_no_more(read):
    assert parse("insights", read("apidata/users/user_insights"), "1/insights", since="1493794800") == []


@pytest.mark.parametrize(("name", "raised"), [("error", Unauthorized), ("base/error_data", NotFound)])
def test_recorded_refusals(folder, name, raised):
    body = (folder / f"{name}.json").read_bytes()
    for stream in SOURCE.streams:
        assert parse(stream, body, status=400) == []
    page = RawPage(stream="posts", request=Request("GET", GRAPH, {}), status=400, headers={}, fetched_at=NOW, body=body)
    with pytest.raises(raised, match="code 100"):
        check(page, title="Instagram", account="somebody", renew="")


def test_a_recorded_exchange_of_a_token(folder, replay):
    body = (folder / "base" / "long_term_token.json").read_bytes()
    client = replay(lambda asked: (200, {}, body), "https://graph.facebook.com")
    client.token, client.extra = "EAAold", {"client_id": "8", "client_secret": "s"}
    tokens = SOURCE.renew(client)
    assert (tokens.token, tokens.expires_at) == ("token", NOW + dt.timedelta(days=60))


# -- the sandbox -------------------------------------------------------------------------------------------------------

MODEL = Simulation(46, dt.date(2026, 11, 16))


def says(route, **params):
    """What the sandbox answers at a route."""
    [found] = [one for one in sandbox.ROUTES if one.name == f"instagram.{route}"]
    account = MODEL.account("hollow-oak-bakery", "instagram").platform_id
    headers = {"authorization": f"Bearer {sandbox.TOKEN}"}
    given = {"id": account, **params}
    return json.loads(found.handler(MODEL, Call(params=given, now=NOW, headers=headers, path="/x")).body)


def types(value):
    return {key: type(part).__name__ for key, part in value.items()}


def test_the_sandboxes_posts_look_like_recorded_ones(read, records):
    fields = "id,caption,media_type,media_product_type,permalink,timestamp,like_count,comments_count,username,owner"
    page = says("media", fields=fields, limit="2")
    recorded = types(records["media"][0])
    for media in page["data"]:
        assert types(media).items() <= recorded.items()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", media["timestamp"])
    first = read("apidata/users/medias_p1")
    assert types(page["paging"]) == types(first["paging"])
    assert types(page["paging"]["cursors"]) == types(first["paging"]["cursors"])
    last = says("media", limit="100", after=page["paging"]["cursors"]["after"])
    assert ("next" in last["paging"]) == (len(last["data"]) == 100)


def test_the_sandboxes_account_looks_like_a_recorded_one(records):
    fields = "id,username,name,followers_count,follows_count,media_count,biography,website"
    pages = says("accounts", fields=f"instagram_business_account{{{fields}}}")
    linked = [page["instagram_business_account"] for page in pages["data"] if "instagram_business_account" in page]
    assert len(linked) == 3
    for account in linked:
        assert types(account).items() <= types(records["users"][0]).items()


def test_the_sandboxes_comments_look_like_recorded_ones(read):
    fields = "comments.limit(5){id,like_count,text,timestamp,username,user,replies{id,text,timestamp}}"
    comments = [
        comment
        for media in says("media", fields=fields)["data"]
        for comment in media.get("comments", {"data": []})["data"]
    ]
    assert len(comments) > 5
    recorded = types(read("models/ig_comment"))
    assert all(types(comment).items() <= recorded.items() for comment in comments)


def test_the_sandboxes_numbers_look_like_recorded_ones(read):
    day = {"since": "1794211200", "until": "1794297599", "period": "day", "metric_type": "total_value"}
    [reach] = says("insights", metric="reach", breakdown="media_product_type", **day)["data"]
    [recorded] = read("apidata/users/user_insights_new")["data"]
    assert types(reach) == types(recorded)
    assert types(reach["total_value"]) == types(recorded["total_value"])
    ours, theirs = (each["total_value"]["breakdowns"][0] for each in (reach, recorded))
    assert types(ours) == types(theirs)
    assert types(ours["results"][0]) == types(theirs["results"][0])
    kinds = {result["dimension_values"][0] for result in theirs["results"]}
    assert {result["dimension_values"][0] for result in ours["results"]} <= kinds
    [media] = says("media", fields="insights.metric(reach,shares)", limit="1")["data"]
    assert types(media["insights"]["data"][0]) == types(read("apidata/medias/insights")["data"][0])


def test_the_sandboxes_refusals_look_like_recorded_ones(folder):
    recorded = json.loads((folder / "error.json").read_bytes())
    assert types(says("media", fields="nothing")["error"]) == types(recorded["error"])
