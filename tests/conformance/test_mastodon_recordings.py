"""Mastodon: what Mastodon 4.6.4 and public servers answered, as recorded by the authors of a client library."""

import datetime as dt
import json
import re
from collections import Counter

import msgspec
import pytest
import yaml

from widerview.landing.store import Landing, record
from widerview.sources.base import AccountRow, CommentRow, PostRow, RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer
from widerview.sources.mastodon import SOURCE

NOW = dt.datetime(2026, 8, 1, 14, 0, tzinfo=dt.UTC)
TESTER = Target(client_id="tester", source="mastodon", ref="@mastodonpy_test@localhost", time_zone="UTC")
URL = "http://localhost:3000"


@pytest.fixture(scope="module")
def interactions(shared):
    """Every recorded question and answer: (file, method, URL, status, headers, body)."""
    found = []
    for path in sorted((shared / "recordings" / "mastodon_Mastodon.py" / "tests").glob("cassettes*/*.yaml")):
        for turn in yaml.load(path.read_text(), yaml.CSafeLoader)["interactions"]:
            answer = turn["response"]
            found.append((
                path.stem,
                turn["request"]["method"],
                turn["request"]["uri"],
                answer["status"]["code"],
                {name: values[0] for name, values in answer["headers"].items()},
                answer["body"]["string"].encode(),
            ))  # fmt: skip
    return found


def asked(interactions, pattern):
    return [found for found in interactions if found[1] == "GET" and re.search(pattern, found[2])]


def as_page(found, stream, body=None):
    _, method, url, status, headers, recorded = found
    return RawPage(
        stream=stream,
        request=Request(method, url.partition("?")[0], {}),
        status=status,
        headers=headers,
        fetched_at=NOW,
        body=recorded if body is None else body,
    )


def check_post(post, status):
    """One status of the API against the row made of it."""
    assert isinstance(post, PostRow)
    assert post.post_id == status["uri"]
    assert post.permalink == status["url"]
    assert post.published_at == dt.datetime.fromisoformat(status["created_at"])
    assert post.account_id == f"localhost/{status['account']['id']}"
    assert set(post.tags) == {tag["name"].lower() for tag in status["tags"]}
    answers_other = status["in_reply_to_id"] and status["in_reply_to_account_id"] != status["account"]["id"]
    assert (post.reply_to is not None) == bool(answers_other)
    assert not re.search(r"</?(p|a|span|br)\b|&(amp|lt|gt|quot|#39);", post.text)
    if status["card"]:
        assert status["card"]["url"] in post.links
    assert post.counts == {
        "likes": status["favourites_count"],
        "reposts": status["reblogs_count"],
        "replies": status["replies_count"],
        "quotes": status["quotes_count"],
    }


def test_accounts(interactions):
    found = asked(interactions, r"/api/v1/accounts/(lookup\?|\d+(\?|$))")
    assert len(found) == 4
    for one in found:
        [account] = SOURCE.parse(TESTER, as_page(one, "account"))
        raw = json.loads(one[5])
        assert isinstance(account, AccountRow)
        assert account.account_id == f"localhost/{raw['id']}"
        assert account.handle == f"@{raw['acct']}" + ("" if "@" in raw["acct"] else "@localhost")
        assert account.url == raw["url"]
        assert account.counts == {
            "followers": raw["followers_count"],
            "following": raw["following_count"],
            "posts": raw["statuses_count"],
        }


def test_pages_of_an_accounts_posts(interactions):
    found = asked(interactions, r"/api/v1/accounts/\d+/statuses")
    assert len(found) == 8
    posts = Counter()
    for one in found:
        statuses = json.loads(one[5])
        rows = list(SOURCE.parse(TESTER, as_page(one, "posts")))
        for row, status in zip(rows, statuses, strict=True):
            check_post(row, status)
        posts[len(statuses)] += 1
    assert posts == {5: 7, 1: 1}


def test_single_posts_of_public_servers_and_the_test_server(interactions):
    found = asked(interactions, r"/api/v1/statuses/\d+(\?|$)")
    assert len(found) == 22
    kinds = Counter()
    for one in found:
        [post] = SOURCE.parse(TESTER, as_page(one, "posts", b"[%s]" % one[5]))
        check_post(post, json.loads(one[5]))
        kinds[post.kind] += 1
    assert set(kinds) == {"text", "image", "video", "link", "poll", "quote"}


def test_posts_as_the_server_confirmed_them(interactions):
    found = [one for one in interactions if one[1] == "POST" and one[2].endswith("/api/v1/statuses") and one[3] == 200]
    assert len(found) == 149
    published = 0
    for one in found:
        status = json.loads(one[5])
        rows = list(SOURCE.parse(TESTER, as_page(one, "posts", b"[%s]" % one[5])))
        if "uri" not in status or status["visibility"] == "direct":
            continue
        [post] = rows
        check_post(post, status)
        published += 1
    assert published > 140


def test_refusals_give_no_rows(interactions):
    refused = [one for one in interactions if one[3] != 200]
    assert len(refused) > 3
    for one in refused:
        assert list(SOURCE.parse(TESTER, as_page(one, "posts"))) == []


@pytest.mark.parametrize("cassette", ["test_fetch_next_previous", "test_fetch_next_previous_from_pagination_info"])
def test_a_whole_pull_follows_the_recorded_links(interactions, replay, tmp_path, cassette):
    lookup = asked(interactions, r"lookup\?acct=mastodonpy_test$")[0]
    pages = {
        (re.search(r"max_id=(\d+)", one[2]) or [None, None])[1]: one
        for one in asked(interactions, r"/api/v1/accounts/\d+/statuses\?limit=5")
        if one[0] == cassette and "min_id" not in one[2]
    }
    assert len(pages) == 2
    asked_for = []

    def answer(request):
        asked_for.append(request.url)
        if "lookup" in request.url:
            return lookup[3:]
        cursor = re.search(r"max_id=(\d+)", request.url)
        # The recording ends after two pages; the third is empty, as Mastodon's last page is.
        return pages[cursor and cursor[1]][3:] if (cursor and cursor[1]) in pages else (200, {}, b"[]")

    landing = Landing(tmp_path)
    window = Window(dt.date(2026, 7, 27), dt.date(2026, 8, 2))
    name, pull = record(landing, SOURCE, TESTER, window, "run", replay(answer, URL), lambda: NOW)
    assert pull.complete
    assert [entry.stream for entry in pull.entries] == ["account", "posts", "posts", "posts"]
    rows = [row for page in landing.pages(landing.read_pull(name)) for row in SOURCE.parse(TESTER, page)]
    posts = [row for row in rows if isinstance(row, PostRow)]
    assert [post.text for post in posts] == [f"Toot number {number}!" for number in reversed(range(10))]
    assert sum(len(post.counts) for post in posts) == 40
    assert pull.entries[1].headers["x-ratelimit-limit"] == "300"


def test_lists_of_other_things_are_refused(interactions):
    found = asked(interactions, r"/api/v1/(accounts/relationships|instance/peers|instance/rules)")
    found = [one for one in found if one[5] != b"[]"]
    assert found
    for one in found:
        with pytest.raises(BadAnswer, match="Mastodon posts"):
            list(SOURCE.parse(TESTER, as_page(one, "posts")))


def conversation(found, uri, account):
    page = as_page(found, "comments")
    about = {"id": page.request.url.split("/")[-2], "uri": uri, "account": account}
    request = msgspec.structs.replace(page.request, about=about)
    return list(SOURCE.parse(TESTER, msgspec.structs.replace(page, request=request)))


def test_a_conversation_of_a_public_server(interactions):
    [found] = [one for one in asked(interactions, r"/api/v1/statuses/\d+/context$") if "mastodon.social" in one[2]]
    [answer] = json.loads(found[5])["descendants"]

    def rows(account_id):
        return conversation(found, "https://mastodon.social/users/halcy/statuses/110446983926957470", account_id)

    [comment] = rows("2")
    assert isinstance(comment, CommentRow)
    assert (comment.account_id, comment.author) == ("localhost/2", f"localhost/{answer['account']['id']}")
    assert (comment.comment_id, comment.text) == (answer["uri"], "final status")
    assert comment.post_id == "https://mastodon.social/users/halcy/statuses/110446983926957470"
    assert (comment.own, comment.reply_to) == (False, None)
    assert rows(answer["account"]["id"]) == [], "it is the author's own thread that goes on"


def test_a_conversation_without_answers(interactions):
    [found] = [one for one in asked(interactions, r"/api/v1/statuses/\d+/context$") if "localhost" in one[2]]
    assert conversation(found, "http://localhost:3000/x", "1") == []
