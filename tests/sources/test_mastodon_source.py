"""Mastodon: accounts, posts and their HTML, conversations, and how the posts are walked."""

import datetime as dt
import json
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widerview.sources.base import CommentRow, PostRow, Window
from widerview.sources.errors import BadAnswer, NotFound, Unauthorized
from widerview.sources.mastodon import SOURCE, read_html

REF = "@Meadow@social.example"
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
ACCOUNT = {
    "id": "1099",
    "acct": "meadow",
    "url": "https://social.example/@meadow",
    "display_name": "Meadow Bakery",
    "followers_count": 120,
    "following_count": 7,
    "statuses_count": 31,
}


def status(number, created="2026-11-12T09:00:00.000Z", **changes):
    return {
        "id": str(number),
        "uri": f"https://social.example/users/meadow/statuses/{number}",
        "url": f"https://social.example/@meadow/{number}",
        "account": ACCOUNT,
        "created_at": created,
        "content": f"<p>post {number}</p>",
        "spoiler_text": "",
        "visibility": "public",
        "in_reply_to_id": None,
        "reblog": None,
        "media_attachments": [],
        "tags": [],
        "card": None,
        "poll": None,
        "favourites_count": 4,
        "reblogs_count": 2,
        "replies_count": 1,
        **changes,
    }


def ok(value, link=None):
    return (200, {"Content-Type": "application/json"} | ({"Link": link} if link else {}), json.dumps(value).encode())


def rows(page, target, *statuses):
    return list(SOURCE.parse(target("mastodon", REF), page("posts", json.dumps(statuses).encode())))


def one_post(page, target, **changes):
    [found] = [row for row in rows(page, target, status(1, **changes)) if isinstance(row, PostRow)]
    return found


def test_an_account_is_known_by_server_and_id(page, target):
    [account] = SOURCE.parse(target("mastodon", REF), page("account", json.dumps(ACCOUNT).encode()))
    assert (account.account_id, account.handle) == ("social.example/1099", "@meadow@social.example")
    assert account.counts == {"followers": 120, "following": 7, "posts": 31}


def test_hidden_counts_are_not_reported(page, target):
    hidden = ACCOUNT | {"followers_count": -1, "following_count": None}
    [account] = SOURCE.parse(target("mastodon", REF), page("account", json.dumps(hidden).encode()))
    assert account.counts == {"followers": None, "following": None, "posts": 31}


def test_a_post_and_its_counts(page, target):
    [found] = rows(page, target, status(1, quotes_count=3))
    assert found.post_id == "https://social.example/users/meadow/statuses/1"
    assert found.account_id == "social.example/1099"
    assert found.permalink == "https://social.example/@meadow/1"
    assert found.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
    assert found.counts == {"likes": 4, "reposts": 2, "replies": 1, "quotes": 3}


def test_quotes_that_the_server_does_not_count_are_not_zero(page, target):
    assert one_post(page, target).counts == {"likes": 4, "reposts": 2, "replies": 1, "quotes": None}


def test_boosts_and_direct_messages_give_no_rows(page, target):
    boost = status(2, reblog=status(3))
    found = rows(page, target, status(1), boost, status(4, visibility="direct"), status(5, visibility="private"))
    assert [row.text for row in found if isinstance(row, PostRow)] == ["post 1", "post 5"]


CARD = {"url": "https://card.example/", "title": "Card"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "text"),
        ({"card": CARD}, "link"),
        ({"content": '<p><a href="https://a.example/">a</a></p>'}, "link"),
        ({"media_attachments": [{"type": "image"}], "card": CARD}, "image"),
        ({"media_attachments": [{"type": "image"}, {"type": "video"}]}, "video"),
        ({"media_attachments": [{"type": "gifv"}]}, "video"),
        ({"media_attachments": [{"type": "audio"}]}, "text"),
        ({"poll": {"id": "2", "options": []}}, "poll"),
        ({"quote": {"state": "accepted", "quoted_status": {"id": "9"}}}, "quote"),
        ({"quote": {"state": "deleted", "quoted_status": None}}, "quote"),
    ],
)
def test_what_a_post_is(page, target, changes, kind):
    assert one_post(page, target, **changes).kind == kind


def test_words_links_and_tags_are_read_in_their_order(page, target):
    found = one_post(
        page,
        target,
        spoiler_text="Smells good",
        content='<p>Fresh <a class="mention hashtag" href="https://social.example/tags/Bread">#<span>Bread</span></a>'
        ' <a href="https://a.example/">a</a>'
        ' <a class="mention hashtag" href="/tags/autumn">#<span>autumn</span></a></p>',
        tags=[{"name": "autumn"}, {"name": "Bread"}],
        card=CARD,
        in_reply_to_id="77",
    )
    assert found.text == "Smells good\n\nFresh #Bread a #autumn"
    assert found.tags == ("bread", "autumn")
    assert found.links == ("https://a.example/", "https://card.example/")
    assert found.reply_to == "social.example/77"


def test_the_next_part_of_an_own_thread_answers_nobody(page, target):
    own = one_post(page, target)
    author = own.account_id.rsplit("/", 1)[-1]
    assert one_post(page, target, in_reply_to_id="77", in_reply_to_account_id=author).reply_to is None
    assert one_post(page, target, in_reply_to_id="77", in_reply_to_account_id="other").reply_to == "social.example/77"


@pytest.mark.parametrize(
    ("html", "text", "links"),
    [
        ("", "", []),
        ("<p>one</p><p>two<br>three<br />four</p>", "one\n\ntwo\nthree\nfour", []),
        ("<p>a &lt;b&gt; &amp; &#128512; &quot;c&quot;</p>", 'a <b> & 😀 "c"', []),
        (
            '<p>See <a href="https://www.a.example/long/way?x=1"><span class="invisible">https://www.</span>'
            '<span class="ellipsis">a.example/long</span><span class="invisible">/way?x=1</span></a>!</p>',
            "See https://www.a.example/long/way?x=1!",
            ["https://www.a.example/long/way?x=1"],
        ),
        (
            '<p class="quote-inline">RE: <a href="https://q.example/1">https://q.example/1</a></p><p>Indeed</p>',
            "Indeed",
            [],
        ),
        (
            '<p><span class="h-card"><a href="https://x/@u" class="u-url mention">@<span>u</span></a></span> hi</p>',
            "@u hi",
            [],
        ),
        (
            "<p>list</p><ul><li>one</li><li>two</li></ul><blockquote><p>said</p></blockquote>",
            "list\n\none\ntwo\n\nsaid",
            [],
        ),
        ("<p>a\n   b\t c</p>\n\n<p>d</p>", "a b c\n\nd", []),
        ("no <b>end", "no end", []),
    ],
)
def test_html_becomes_the_words_the_author_wrote(html, text, links):
    assert read_html(html) == (text, links)


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters="<>&"), min_size=1)


@given(st.lists(st.lists(WORDS, min_size=1), min_size=1))
def test_paragraphs_and_lines_survive(paragraphs):
    html = "".join(f"<p>{'<br />'.join(lines)}</p>" for lines in paragraphs)
    assert read_html(html)[0] == "\n\n".join("\n".join(lines) for lines in paragraphs)


@given(st.text(st.sampled_from("<>/p!-[]a=\"'& ;#x0?brCDATA")))
@example("<![ x")
def test_no_html_is_too_broken_to_read(html):
    text, links = read_html(html)
    assert text == text.strip()
    assert isinstance(links, list)


def fetch(client, target, **options):
    return list(SOURCE.fetch(target("mastodon", REF), WEEK, client(**options)))


def next_link(max_id):
    return (
        f'<https://inner.example/api/v1/accounts/1099/statuses?limit=40&max_id={max_id}>; rel="next", '
        '<https://inner.example/api/v1/accounts/1099/statuses?min_id=9>; rel="prev"'
    )


def test_posts_are_walked_until_the_window_begins(server, client, target):
    server.script = [
        ok(ACCOUNT),
        ok([status(9), status(8, replies_count=0)], next_link(8)),
        ok([status(8, replies_count=0), status(7, "2026-11-08T22:59:59Z")], next_link(7)),
        ok({"ancestors": [], "descendants": []}),
    ]
    pages = fetch(client, target, token="t0ken")
    assert [page.stream for page in pages] == ["account", "posts", "posts", "comments"]
    assert pages[0].request.params == {"acct": "Meadow@social.example"}
    assert pages[1].request.params == {"limit": "40", "exclude_reblogs": "true"}
    assert pages[2].request.params["max_id"] == "8"
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {"Bearer t0ken"}


def test_the_last_page_has_no_next(server, client, target):
    server.script = [ok(ACCOUNT), ok([status(9, replies_count=0)], '<https://x/?min_id=9>; rel="prev"')]
    assert len(fetch(client, target)) == 2


def test_a_circle_is_a_bad_answer(server, client, target):
    server.script = [ok(ACCOUNT), ok([status(9)], next_link(8)), ok([status(8)], next_link(7)), ok([], next_link(8))]
    with pytest.raises(BadAnswer, match="circle"):
        fetch(client, target)


def test_an_id_from_the_server_cannot_lead_elsewhere(server, client, target):
    server.script = [ok(ACCOUNT | {"id": "//evil.example/?"}), ok([])]
    fetch(client, target)
    assert server.seen[1][1].startswith("/api/v1/accounts/%2F%2Fevil.example%2F%3F/statuses?")


@pytest.mark.parametrize(("code", "raised"), [(401, Unauthorized), (404, NotFound), (410, NotFound), (422, BadAnswer)])
def test_a_refusal_names_the_account(server, client, target, code, raised):
    server.script = [(code, {}, b'{"error":"Record not found"}')]
    with pytest.raises(raised, match=r"@Meadow@social\.example"):
        fetch(client, target)


def test_the_server_is_that_of_the_handle(target):
    assert SOURCE.base_url(target("mastodon", REF)) == "https://social.example"


FRIEND = ACCOUNT | {"id": "2044", "acct": "friend@other.example", "url": "https://other.example/@friend"}


def said(number, answered, account=FRIEND, **changes):
    uri = f"https://other.example/statuses/{number}"
    return status(number, account=account, in_reply_to_id=str(answered), uri=uri, url=uri, **changes)


def comments(page, target, *descendants):
    answer = page(
        "comments",
        json.dumps({"ancestors": [], "descendants": descendants}).encode(),
    )
    about = {"id": "1", "uri": "https://social.example/users/meadow/statuses/1", "account": "1099"}
    request = msgspec.structs.replace(answer.request, about=about)
    return list(SOURCE.parse(target("mastodon", REF), msgspec.structs.replace(answer, request=request)))


def test_a_conversation_that_does_not_say_whose_it_is_is_bad(page, target):
    answer = page("comments", b'{"ancestors": [], "descendants": []}')
    with pytest.raises(BadAnswer, match=r"Mastodon comments .* does not say for which post"):
        list(SOURCE.parse(target("mastodon", REF), answer))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
def test_a_moment_outside_of_the_calendar_is_bad(page, target, at):
    with pytest.raises(BadAnswer, match="not on the calendar in UTC"):
        list(SOURCE.parse(target("mastodon", REF), page("posts", json.dumps([status(9, created_at=at)]).encode())))
    with pytest.raises(BadAnswer, match="not on the calendar in UTC"):
        comments(page, target, said(2, 1, created_at=at))


def test_a_comment_says_who_wrote_it_when_and_under_what(page, target):
    [row] = comments(page, target, said(2, 1, content="<p>Open on <b>Sunday</b>?</p>", spoiler_text="Asking"))
    assert isinstance(row, CommentRow)
    assert (row.account_id, row.post_id) == ("social.example/1099", "https://social.example/users/meadow/statuses/1")
    assert row.comment_id == row.permalink == "https://other.example/statuses/2"
    assert (row.author, row.own, row.reply_to) == ("social.example/2044", False, None)
    assert row.text == "Asking\n\nOpen on Sunday?"
    assert row.published_at == dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)


def test_answers_to_answers_are_comments_under_the_same_post(page, target):
    rows = comments(page, target, said(2, 1), said(3, 2, ACCOUNT), said(4, 3), said(5, 4, ACCOUNT))
    assert [row.own for row in rows] == [False, True, False, True]
    assert {row.post_id for row in rows} == {"https://social.example/users/meadow/statuses/1"}
    assert [row.reply_to for row in rows] == [None, *(f"https://other.example/statuses/{n}" for n in (2, 3, 4))]


def test_an_own_thread_that_goes_on_is_no_comment_and_has_comments_of_its_own(page, target):
    rows = comments(page, target, said(2, 1, ACCOUNT), said(3, 2), said(4, 1))
    assert [row.comment_id[-1] for row in rows] == ["3", "4"]
    assert [row.post_id.rsplit("/", 1)[1] for row in rows] == ["2", "1"]
    assert [row.reply_to for row in rows] == [None, None]


def test_an_answer_to_something_deleted_still_stands_under_the_post(page, target):
    [row] = comments(page, target, said(3, 77))
    assert (row.post_id[-1], row.reply_to) == ("1", "social.example/77")


def test_direct_messages_in_a_conversation_give_no_rows(page, target):
    rows = comments(page, target, said(2, 1, visibility="direct"), said(3, 2))
    assert [row.comment_id[-1] for row in rows] == ["3"]


def test_the_newest_ten_answered_posts_of_seven_days_are_asked_for_their_conversations(server, client, target):
    days = [status(number, f"2026-11-{number:02}T12:00:00Z") for number in range(16, 8, -1)]
    hours = [status(100 + number, f"2026-11-13T{number:02}:00:00Z") for number in range(6)]
    others = [
        status(201, replies_count=0),
        status(202, in_reply_to_id="7"),
        status(203, visibility="direct"),
        status(204, reblog=status(205)),
    ]
    empty = ok({"ancestors": [], "descendants": []})
    server.script = [ok(ACCOUNT), ok([*days, *hours, *others]), *[empty] * 10]
    asked = [page.request for page in fetch(client, target) if page.stream == "comments"]
    numbers = [int(request.url.split("/")[-2]) for request in asked]
    assert numbers == [15, 14, 13, 105, 104, 103, 102, 101, 100, 12]
    assert asked[0].about["uri"] == "https://social.example/users/meadow/statuses/15"
    assert {path for _, path, _, _ in server.seen if "context" in path} == {urlsplit(each.url).path for each in asked}


@pytest.mark.parametrize("code", [404, 410])
def test_a_post_that_was_deleted_meanwhile_costs_its_conversation_alone(server, client, target, code):
    server.script = [
        ok(ACCOUNT),
        ok([status(9), status(8, "2026-11-11T09:00:00Z")]),
        (code, {}, b'{"error":"Record not found"}'),
        ok({"ancestors": [], "descendants": [said(10, 8)]}),
    ]
    rows = [list(SOURCE.parse(target("mastodon", REF), page)) for page in fetch(client, target)]
    assert [len(each) for each in rows] == [1, 2, 0, 1]


@pytest.mark.parametrize(("code", "raised"), [(401, Unauthorized), (422, BadAnswer), (200, BadAnswer)])
def test_a_conversation_that_is_refused_fails_the_pull(server, client, target, code, raised):
    server.script = [ok(ACCOUNT), ok([status(9)]), (code, {}, b"{}")]
    with pytest.raises(raised, match="Mastodon comments"):
        fetch(client, target)
