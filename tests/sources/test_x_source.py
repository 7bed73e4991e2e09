"""X: what becomes of posts, owner's numbers and conversations; what is asked, paid and refused."""

import datetime as dt
import json
from base64 import b64decode
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from widerview.sources.base import AccountRow, CommentRow, PostRow, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, BudgetSpent, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.x import SOURCE

OWN, OTHER = "1700000000000000001", "1700000000000000002"
WEEK = Window(dt.date(2026, 11, 14), dt.date(2026, 11, 21))
ME = {
    "data": {
        "id": OWN,
        "username": "MeadowBakery",
        "name": "Meadow Bakery",
        "public_metrics": {"followers_count": 120, "following_count": 7, "tweet_count": 31, "listed_count": 2},
    }
}
PUBLIC = {
    "retweet_count": 3,
    "reply_count": 2,
    "like_count": 14,
    "quote_count": 1,
    "bookmark_count": 5,
    "impression_count": 900,
}
ORGANIC = {
    "impression_count": 700,
    "like_count": 11,
    "reply_count": 2,
    "retweet_count": 2,
    "url_link_clicks": 8,
    "user_profile_clicks": 4,
}
PROBLEM = "https://api.x.com/2/problems"


def post(id_="10", created="2026-11-20T09:00:00.000Z", **changes):
    return {
        "id": id_,
        "text": f"post {id_}",
        "edit_history_tweet_ids": [id_],
        "created_at": created,
        "author_id": OWN,
        "conversation_id": id_,
        "public_metrics": PUBLIC,
        **changes,
    }


def answering(id_, parent, author=OTHER, to=OWN, root="10", created="2026-11-20T10:00:00.000Z", **changes):
    return post(
        id_,
        created,
        author_id=author,
        conversation_id=root,
        in_reply_to_user_id=to,
        referenced_tweets=[{"type": "replied_to", "id": parent}],
        **changes,
    )


def listed(*posts, token=None, errors=()):
    meta = {"result_count": len(posts)} | ({"next_token": token} if token else {})
    return ({"data": posts} if posts else {}) | {"meta": meta} | ({"errors": errors} if errors else {})


def numbered(id_="10", **changes):
    return post(id_, organic_metrics=ORGANIC, **changes)


def problem(kind, detail="Something is wrong.", **more):
    return {"type": f"{PROBLEM}/{kind}", "title": "An Error", "detail": detail, **more}


def ok(content, **headers):
    return (200, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())


class Money:
    """An allowance of so many dollars, or of any; what it has been paid, and what was set aside before."""

    def __init__(self, dollars=None):
        self.dollars = None if dollars is None else Decimal(dollars)
        self.paid = []
        self.aside = []

    def call(self, most_dollars):
        if self.dollars is not None and sum(self.paid) + most_dollars > self.dollars:
            raise BudgetSpent(f"The ${self.dollars} of the day are spent.")
        self.aside.append(most_dollars)

    def pay(self, dollars):
        assert dollars <= self.aside[-1], "more than was set aside"
        self.paid.append(dollars)

    def left(self):
        return None if self.dollars is None else self.dollars - sum(self.paid)


@pytest.fixture
def x(target):
    return target("x", "meadowbakery")


@pytest.fixture
def fetch(client, x):
    def fetched(window=WEEK, **options):
        return list(SOURCE.fetch(x, window, client(**{"token": "t0ken"} | options)))

    return fetched


@pytest.fixture
def parsed(page, x):
    def rows(stream, content, **options):
        return list(SOURCE.parse(x, page(stream, json.dumps(content).encode(), **options)))

    return rows


@pytest.fixture
def one_post(parsed):
    return lambda **changes: parsed("posts", listed(post(**changes)))[0]


def asked(server):
    """Path and parameters of every call."""
    calls = [urlsplit(path) for _, path, _, _ in server.seen]
    return [(call.path, {name: value for name, [value] in parse_qs(call.query).items()}) for call in calls]


# -- rows --------------------------------------------------------------------------------------------------------------


def test_an_account_is_known_by_its_number(parsed):
    [account] = parsed("account", ME)
    assert isinstance(account, AccountRow)
    assert (account.account_id, account.handle, account.name) == (OWN, "MeadowBakery", "Meadow Bakery")
    assert account.url == "https://x.com/MeadowBakery"
    assert account.counts == {"followers": 120, "following": 7, "posts": 31}


@pytest.mark.parametrize(
    ("metrics", "counts"),
    [
        ({"followers_count": "120", "post_count": 31}, {"followers": 120, "following": None, "posts": 31}),
        (None, {"followers": None, "following": None, "posts": None}),
    ],
)
def test_counts_may_be_text_have_their_new_name_or_be_missing(parsed, metrics, counts):
    user = {name: value for name, value in ME["data"].items() if name != "public_metrics"}
    [account] = parsed("account", {"data": user | ({"public_metrics": metrics} if metrics else {})})
    assert account.counts == counts


def test_a_post_has_what_ads_cannot_bring_and_nothing_that_they_can(parsed):
    [row] = parsed("posts", listed(post()))
    assert isinstance(row, PostRow)
    assert (row.post_id, row.account_id, row.text, row.kind) == ("10", OWN, "post 10", "text")
    assert row.published_at == dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    assert row.permalink == "https://x.com/meadowbakery/status/10"
    assert row.counts == {"quotes": 1, "bookmarks": 5}


def test_a_post_without_public_numbers_reports_none(one_post):
    assert one_post(public_metrics={}).counts == {"quotes": None, "bookmarks": None}


IN_ALL = {"quotes": 1, "bookmarks": 5}
WITHOUT_ADS = {"impressions": 700, "likes": 11, "replies": 2, "reposts": 2, "link_clicks": 8, "profile_views": 4}


def test_owners_numbers_are_those_without_ads(parsed):
    [row] = parsed("posts", listed(numbered()))
    assert row.counts == IN_ALL | WITHOUT_ADS


def test_an_owners_number_that_is_left_out_is_not_zero(parsed):
    [row] = parsed("posts", listed(post(organic_metrics={"like_count": 0, "repost_count": "6"})))
    assert row.counts == IN_ALL | {
        "impressions": None, "likes": 0, "replies": None, "reposts": 6, "link_clicks": None, "profile_views": None,
    }  # fmt: skip


def refusals(id_):
    return [
        problem(
            "not-authorized-for-field",
            f"Sorry, you are not authorized to access 'organic_metrics.{field}' on the Tweet with id : [{id_}].",
            field=f"organic_metrics.{field}",
            resource_id=id_,
        )
        for field in ORGANIC
    ]


def test_a_post_that_x_leaves_out_costs_the_others_nothing(parsed):
    rows = parsed("posts", listed(numbered("10"), numbered("11"), errors=refusals("9")))
    assert [(type(row), row.post_id, row.counts) for row in rows] == [
        (PostRow, "10", IN_ALL | WITHOUT_ADS), (PostRow, "11", IN_ALL | WITHOUT_ADS),
    ]  # fmt: skip


def test_owners_numbers_that_are_given_of_no_post_are_unavailable(parsed):
    rows = parsed("posts", listed(errors=refusals("9")))
    assert {type(row) for row in rows} == {UnavailableRow}
    assert [row.metric for row in rows] == list(WITHOUT_ADS)
    assert rows[3].native_metric == "organic_metrics.retweet_count"
    assert rows[3].reason.startswith("Sorry, you are not authorized")


def test_a_post_that_was_deleted_meanwhile_makes_no_metric_unavailable(parsed):
    assert parsed("posts", listed(errors=[problem("resource-not-found", resource_id="9")])) == []


UNKNOWN_FIELD = {
    "errors": [
        {
            "parameters": {"tweet.fields": ["author_id,created_at,organic_metrics"]},
            "message": "The `tweet.fields` query parameter value [organic_metrics] is not one of [id,text]",
        }
    ],
    "title": "Invalid Request",
    "detail": "One or more parameters to your request was invalid.",
    "type": f"{PROBLEM}/invalid-request",
}


def test_a_field_that_x_has_given_up_costs_its_metrics_alone(parsed):
    rows = parsed("posts", UNKNOWN_FIELD, status=400)
    assert len(rows) == 6
    assert {row.reason for row in rows} == {UNKNOWN_FIELD["errors"][0]["message"]}
    assert parsed("comments", UNKNOWN_FIELD, status=400) == []
    assert parsed("posts", UNKNOWN_FIELD | {"errors": []}, status=400) == []


MENU = {"url": "https://t.co/menu", "expanded_url": "https://bakery.example/menu?a=1&b=2", "start": 0, "end": 1}
PHOTO = {
    "url": "https://t.co/pic",
    "expanded_url": "https://x.com/MeadowBakery/status/10/photo/1",
    "media_key": "3_1",
    "start": 0,
    "end": 1,
}
FILM = PHOTO | {"url": "https://t.co/film", "expanded_url": "https://x.com/MeadowBakery/status/10/video/1"}


def test_a_text_is_what_its_author_wrote(one_post):
    row = one_post(
        text="Rye &amp; spelt &lt;3 https://t.co/menu #Bread #bread https://t.co/pic",
        entities={"urls": [MENU, PHOTO], "hashtags": [{"tag": "Bread"}, {"tag": "bread"}]},
    )
    assert row.text == "Rye & spelt <3 https://bakery.example/menu?a=1&b=2 #Bread #bread"
    assert row.links == ("https://bakery.example/menu?a=1&b=2",)
    assert row.tags == ("bread",)


@pytest.mark.parametrize("name", ["note_tweet", "note_post"])
def test_a_long_post_is_read_whole(one_post, name):
    whole = {
        "text": "Long &gt; short https://t.co/menu #Rye",
        "entities": {"urls": [MENU], "hashtags": [{"tag": "Rye"}]},
    }
    row = one_post(text="Long &gt; sh… https://t.co/pic", entities={"urls": [PHOTO]}, **{name: whole})
    assert row.text == "Long > short https://bakery.example/menu?a=1&b=2 #Rye"
    assert (row.kind, row.tags) == ("image", ("rye",))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "text"),
        ({"entities": {"urls": None, "hashtags": None}}, "text"),
        ({"entities": {"urls": [MENU]}}, "link"),
        ({"entities": {"urls": [MENU | {"expanded_url": None}]}}, "text"),
        ({"entities": {"urls": [MENU, PHOTO]}}, "image"),
        ({"entities": {"urls": [PHOTO, FILM]}}, "video"),
        ({"attachments": {"media_keys": ["3_1"]}}, "image"),
        ({"attachments": {"poll_ids": ["1"], "media_keys": None}}, "poll"),
        ({"referenced_tweets": [{"type": "quoted", "id": "5"}], "entities": {"urls": [PHOTO]}}, "quote"),
        ({"referenced_posts": [{"type": "quoted", "id": "5"}]}, "quote"),
    ],
)
def test_what_a_post_is(one_post, changes, kind):
    assert one_post(**changes).kind == kind


def test_reposts_give_no_rows(parsed):
    repost = post("11", text="RT @other: x", referenced_tweets=[{"type": "retweeted", "id": "5"}])
    assert [row.post_id for row in parsed("posts", listed(repost, post()))] == ["10"]


def test_an_answer_says_what_it_answers_and_the_own_thread_answers_nobody(parsed):
    rows = parsed(
        "posts",
        listed(answering("12", "5", author=OWN, to=OTHER), answering("11", "10", author=OWN)),
    )
    assert [row.reply_to for row in rows] == ["5", None]


@pytest.fixture
def comments(page, x):
    def rows(*posts):
        answer = page("comments", json.dumps(listed(*posts)).encode())
        asked_for = msgspec.structs.replace(answer.request, about={"account": OWN})
        return list(SOURCE.parse(x, msgspec.structs.replace(answer, request=asked_for)))

    return rows


def test_a_comment_says_who_wrote_it_when_and_under_what(comments):
    [row] = comments(answering("11", "10", text="@MeadowBakery Open on Sunday &amp; Monday?"))
    assert isinstance(row, CommentRow)
    assert (row.account_id, row.post_id, row.comment_id, row.reply_to) == (OWN, "10", "11", None)
    assert (row.author, row.own, row.text) == (OTHER, False, "@MeadowBakery Open on Sunday & Monday?")
    assert row.published_at == dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    assert row.permalink == "https://x.com/i/status/11"


def test_answers_to_answers_are_comments_under_the_same_post(comments):
    rows = comments(
        answering("14", "13", to=OTHER),
        answering("13", "12"),
        answering("12", "11", author=OWN, to=OTHER),
        answering("11", "10"),
    )
    assert [(row.comment_id, row.own, row.reply_to) for row in rows] == [
        ("14", False, "13"), ("13", False, "12"), ("12", True, "11"), ("11", False, None),
    ]  # fmt: skip
    assert {row.post_id for row in rows} == {"10"}


def test_the_post_itself_the_own_thread_and_reposts_are_no_comments(comments):
    repost = post("15", author_id=OTHER, conversation_id="10", referenced_tweets=[{"type": "retweeted", "id": "11"}])
    assert comments(post(), answering("11", "10", author=OWN), repost) == []


@pytest.mark.parametrize("stream", SOURCE.streams)
@pytest.mark.parametrize("body", [b"", b"<html>Something went wrong</html>", b'{"data":[{"id":"1"', b"[]", b"null"])
def test_what_is_no_answer_is_bad(page, x, stream, body):
    with pytest.raises(BadAnswer, match=f"X {stream}"):
        list(SOURCE.parse(x, page(stream, body)))


def test_comments_that_do_not_say_whose_conversations_they_are_in_are_bad(parsed):
    with pytest.raises(BadAnswer, match=r"X comments .* does not say for which account"):
        parsed("comments", listed())


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
def test_a_moment_outside_of_the_calendar_is_bad(parsed, at):
    with pytest.raises(BadAnswer, match="not on the calendar in UTC"):
        parsed("posts", listed(post(created=at)))


def test_moments_of_other_zones_are_read_in_utc(one_post):
    at = one_post(created_at="2026-11-20T10:00:00+01:00").published_at
    assert (at, at.utcoffset()) == (dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC), dt.timedelta(0))


def test_a_post_without_what_was_asked_for_is_bad(parsed):
    """X silently leaves out fields that it does not know by that name."""
    with pytest.raises(BadAnswer, match="created_at"):
        parsed("posts", listed({"id": "10", "text": "post"}))


@pytest.mark.parametrize("stream", SOURCE.streams)
def test_a_refusal_gives_no_rows(parsed, stream):
    assert parsed(stream, problem("client-forbidden"), status=403) == []


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_a_pull_asks_for_the_account_its_posts_with_their_numbers_and_what_was_said(server, fetch):
    quiet = post("20", "2026-11-19T09:00:00.000Z", public_metrics=PUBLIC | {"reply_count": 0})
    own_answer = answering("12", "11", author=OWN, to=OTHER)
    server.script = [
        ok(ME),
        ok(listed(own_answer, post(), token="next")),
        ok(listed(quiet)),
        ok(listed(own_answer, answering("11", "10"), post())),
    ]
    pages = fetch()
    assert [page.stream for page in pages] == ["account", "posts", "posts", "comments"]
    assert [path for path, _ in asked(server)] == [
        "/2/users/me",
        f"/2/users/{OWN}/tweets",
        f"/2/users/{OWN}/tweets",
        "/2/tweets/search/recent",
    ]
    first, second, search = (params for _, params in asked(server)[1:])
    assert first["start_time"] == "2026-11-13T23:00:00Z", "the day begins in Berlin"
    assert (first["max_results"], first["exclude"]) == ("100", "retweets")
    assert second == first | {"pagination_token": "next"}
    assert {"public_metrics", "organic_metrics"} <= set(first["tweet.fields"].split(","))
    assert "end_time" not in first
    assert search["query"] == f"(conversation_id:10) -retweets_of:{OWN}"
    assert not any("expansions" in params for _, params in asked(server)), "every expanded object costs money"
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {"Bearer t0ken"}
    assert "t0ken" not in repr(pages)


def test_nobody_said_anything_so_nothing_is_asked(server, fetch):
    server.script = [ok(ME), ok(listed())]
    assert [page.stream for page in fetch()] == ["account", "posts"]


def test_posts_too_old_for_owners_numbers_are_walked_by_themselves_without_them(server, fetch, x):
    # The clock stands at 2026-11-22 03:00 UTC, and X tells the numbers of thirty days.
    young = [numbered(str(1000 + n), created="2026-10-23T05:00:00.000Z", conversation_id="1") for n in range(3)]
    old = [post(str(900 + n), "2026-10-23T03:59:59.000Z", conversation_id="1") for n in range(3)]
    server.script = [ok(ME), ok(listed(*young)), ok(listed(*old))]
    pages = fetch(Window(dt.date(2026, 9, 1), dt.date(2026, 11, 21)))
    newer, older = (params for path, params in asked(server) if path.endswith("/tweets"))
    assert (newer["start_time"], newer.get("end_time")) == ("2026-10-23T04:00:00Z", None)
    assert (older["start_time"], older["end_time"]) == ("2026-08-31T22:00:00Z", "2026-10-23T04:00:00Z")
    assert ("organic_metrics" in newer["tweet.fields"], "organic_metrics" in older["tweet.fields"]) == (True, False)
    rows = {row.post_id: row for page in pages for row in SOURCE.parse(x, page) if isinstance(row, PostRow)}
    assert {id_: "likes" in row.counts for id_, row in rows.items()} == {
        **{each["id"]: True for each in young}, **{each["id"]: False for each in old},
    }  # fmt: skip
    assert len(pages) <= SOURCE.expected_calls(posts=6, days=82)


def test_posts_that_x_leaves_out_are_asked_for_once_more_without_owners_numbers(server, fetch, x):
    left_out = [str(1000 + n) for n in range(101)]
    server.script = [
        ok(ME),
        ok(listed(errors=[error for id_ in left_out[:100] for error in refusals(id_)], token="a")),
        ok(listed(numbered("20"), errors=[*refusals(left_out[100]), *refusals("20")])),
        ok(listed(*(post(id_, conversation_id="1") for id_ in left_out[:100]))),
        ok({"errors": [problem("resource-not-found", resource_id=left_out[100])]}),
        ok(listed()),
    ]
    rows = [row for page in fetch() for row in SOURCE.parse(x, page)]
    ids = [params["ids"].split(",") for path, params in asked(server) if path == "/2/tweets"]
    assert ids == [left_out[:100], left_out[100:]]
    assert [row.post_id for row in rows if isinstance(row, PostRow)] == ["20", *left_out[:100]]


def test_comments_are_searched_under_the_newest_ten_and_read_for_three_pages(server, fetch):
    posts = [post(str(1700000000000000100 + n), f"2026-11-20T{n:02}:00:00.000Z") for n in range(12)]
    before = post("9", "2026-11-14T10:00:00.000Z")
    after = post("99", "2026-11-22T02:00:00.000Z")
    server.script = [ok(ME), ok(listed(after, *posts, before))]
    server.script += [ok(listed(answering(str(n), "10"), token=f"t{n}")) for n in range(3)]
    pages = [page for page in fetch() if page.stream == "comments"]
    query = pages[0].request.params["query"]
    assert [f"conversation_id:{each['id']}" in query for each in posts] == [False] * 2 + [True] * 10
    assert "conversation_id:9 " not in query
    assert "conversation_id:99 " not in query
    assert len(query) <= 512, "the longest query an app may ask by itself"
    assert [page.request.params.get("next_token") for page in pages] == [None, "t0", "t1"]


def test_a_window_long_past_has_no_conversations_that_x_could_find(server, fetch):
    server.script = [ok(ME), ok(listed(post("9", "2026-11-13T10:00:00.000Z")))]
    assert [page.stream for page in fetch(Window(dt.date(2026, 11, 10), dt.date(2026, 11, 14)))][-1] == "posts"


def test_pages_that_shift_lose_nothing_and_a_circle_ends(server, fetch, x):
    server.script = [
        ok(ME),
        ok(listed(post("3"), post("2"), token="a")),
        ok(listed(post("2"), post("1"), token="b")),
        ok(listed(token="c")),
        ok(listed(post("0"))),
        ok(listed()),
    ]
    ids = [row.post_id for page in fetch() for row in SOURCE.parse(x, page) if isinstance(row, PostRow)]
    assert ids == ["3", "2", "2", "1", "0"]
    server.script = [ok(ME), *[ok(listed(post("3"), token="a"))] * 2]
    with pytest.raises(BadAnswer, match="circle"):
        fetch()


def test_where_x_has_given_up_owners_numbers_the_posts_come_without_them(server, fetch, x):
    posts = [post(str(1000 + n), conversation_id="1") for n in range(3)]
    server.script = [ok(ME), (400, {}, json.dumps(UNKNOWN_FIELD).encode()), ok(listed(*posts))]
    rows = [row for page in fetch() for row in SOURCE.parse(x, page)]
    assert [row.metric for row in rows if isinstance(row, UnavailableRow)] == list(WITHOUT_ADS)
    assert [row.counts for row in rows if isinstance(row, PostRow)] == [IN_ALL] * 3
    fields = [params["tweet.fields"] for path, params in asked(server) if path.endswith("/tweets")]
    assert ["organic_metrics" in each for each in fields] == [True, False]


# -- money -------------------------------------------------------------------------------------------------------------


def test_every_post_is_paid_once_and_own_posts_cost_less(server, fetch):
    money = Money()
    server.script = [
        ok(ME),
        ok(listed(post("10"), post("9"), token="a")),
        ok(listed(post("9"), post("8"))),
        ok(listed(answering("12", "10"), answering("11", "10"), post("10"), token="b")),
        ok(listed(answering("11", "10"))),
    ]
    fetch(allowance=money)
    assert [str(each) for each in money.paid] == ["0.01", "0.002", "0.001", "0.010", "0.000"]
    assert [str(each) for each in money.aside] == ["0.01", "0.100", "0.100", "0.500", "0.500"]


class Spent(Money):
    """An allowance that refuses once so many calls were made."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def call(self, most_dollars):
        if not self.calls:
            raise BudgetSpent("The $0.50 of the day are spent.")
        super().call(most_dollars)
        self.calls -= 1


def talked_about(pages):
    """A script: the account, its post, and so many pages of comments, two on each."""
    talk = [[answering(str(2 * page + each + 11), "10") for each in range(2)] for page in range(pages)]
    last = len(talk) - 1
    listings = [ok(listed(*some, token=f"t{page}" if page < last else None)) for page, some in enumerate(talk)]
    return [ok(ME), ok(listed(post())), *listings]


@pytest.mark.parametrize(("calls", "read"), [(2, 0), (3, 2), (4, 4)])
def test_comments_end_with_the_days_money_and_what_was_paid_for_stays(server, fetch, x, caplog, calls, read):
    server.script = talked_about(3)
    rows = [row for page in fetch(allowance=Spent(calls)) for row in SOURCE.parse(x, page)]
    assert [type(row) for row in rows] == [AccountRow, PostRow] + [CommentRow] * read
    [told] = caplog.records
    assert told.levelname == "WARNING"
    assert f"after {read} posts" in told.getMessage()
    assert "meadowbakery" in told.getMessage()
    assert "$0.50 of the day are spent" in told.getMessage()


def test_comments_end_with_the_calls_of_the_run(server, fetch, caplog):
    server.script = talked_about(3)
    assert [page.stream for page in fetch(budget=3)] == ["account", "posts", "comments"]
    assert "after 2 posts" in caplog.text


def test_comments_that_all_could_be_read_are_not_worth_a_word(server, fetch, caplog):
    server.script = talked_about(3)
    assert len(fetch(allowance=Spent(5))) == 5
    assert caplog.records == []


@pytest.mark.parametrize("calls", [0, 1])
def test_without_money_for_account_and_posts_a_pull_fails(server, fetch, calls):
    server.script = talked_about(3)
    with pytest.raises(BudgetSpent, match="of the day are spent"):
        fetch(allowance=Spent(calls))


def test_credits_that_end_at_the_comments_are_told_since_a_person_must_buy_some(server, fetch):
    server.script = [*talked_about(1)[:2], (402, {}, b'{"title":"CreditsDepleted"}')]
    with pytest.raises(BudgetSpent, match="no credits left"):
        fetch()


def test_a_refusal_costs_nothing(server, fetch):
    money = Money()
    server.script = [(401, {}, b'{"title":"Unauthorized"}')]
    with pytest.raises(Unauthorized):
        fetch(allowance=money)
    assert money.paid == [0], "what was set aside is given back"


class Crowd:
    """X with an account of so many posts and comments, who are told as many at once as they are asked for."""

    def __init__(self, posts, comments):
        self.posts = [post(str(10**6 - n), conversation_id="1000000") for n in range(posts)]
        self.comments = [answering(str(2 * 10**6 - n), "1000000", root="1000000") for n in range(comments)]

    def pop(self, _):
        return self.answer

    def answer(self, handler):
        where = urlsplit(handler.path)
        params = {name: value for name, [value] in parse_qs(where.query).items()}
        listing = self.comments if where.path.endswith("/recent") else self.posts
        start = int(params.get("pagination_token") or params.get("next_token") or 0)
        end = start + int(params.get("max_results", 0))
        page = listed(*listing[start:end], token=str(end) if end < len(listing) else None)
        body = json.dumps(ME if where.path.endswith("/me") else page).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.mark.parametrize(
    ("dollars", "posts", "comments"),
    [
        ("0.014", None, 0),  # the account, and no page of five posts
        ("0.015", None, 0),
        ("0.016", 6, 0),
        ("0.10", 7, 16),
        ("0.10", 43, 0),
        ("0.20", 150, 0),
        ("0.50", 7, 96),
        ("0.50", 250, 48),
        ("5", 250, 200),
    ],
)
def test_pages_become_smaller_so_that_the_days_dollars_are_never_passed(server, fetch, x, dollars, posts, comments):
    money = Money(dollars)
    server.script = Crowd(posts or 40, 200)
    pages = []
    if posts is None:
        with pytest.raises(BudgetSpent, match="of the day are spent"):
            fetch(allowance=money)
    else:
        pages = fetch(allowance=money)
    rows = [row for page in pages for row in SOURCE.parse(x, page)]
    assert sum(money.paid) <= Decimal(dollars)
    assert sum(isinstance(row, PostRow) for row in rows) == (posts or 0)
    assert sum(isinstance(row, CommentRow) for row in rows) == comments


def test_no_credits_left_is_told_with_the_place_to_buy_some(server, fetch):
    server.script = [ok(ME), (402, {}, b'{"title":"CreditsDepleted","type":"https://api.x.com/2/problems/credits"}')]
    with pytest.raises(BudgetSpent, match=r"no credits left.*console\.x\.com"):
        fetch()


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "raised"), [(401, Unauthorized), (403, Unauthorized), (404, NotFound), (400, BadAnswer)]
)
def test_a_refusal_names_the_account_and_is_handed_over_first(server, client, x, status, raised):
    server.script = [(status, {}, b'{"title":"No"}')]
    pages = SOURCE.fetch(x, WEEK, client(token="t0ken"))
    assert next(pages).status == status
    with pytest.raises(raised, match="meadowbakery"):
        next(pages)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("resource-not-found", NotFound),
        ("not-authorized-for-resource", Unauthorized),
        ("internal-error", BadAnswer),
    ],
)
@pytest.mark.parametrize("stream", ["account", "posts"])
def test_an_error_in_http_200_without_data_is_a_refusal(server, fetch, kind, raised, stream):
    refusal = ok({"errors": [problem(kind, "It is not so.")]})
    server.script = [refusal] if stream == "account" else [ok(ME), refusal]
    with pytest.raises(raised, match=rf"X {stream}.*meadowbakery.*It is not so\."):
        fetch()


def test_an_empty_answer_about_the_account_is_bad(server, fetch):
    server.script = [ok({})]
    with pytest.raises(BadAnswer, match="no account in it"):
        fetch()


def test_errors_beside_data_do_not_stop_the_pull(server, fetch, x):
    server.script = [
        ok(ME),
        ok(listed(post(public_metrics={}), errors=[problem("resource-not-found", resource_id="5")])),
    ]
    rows = [row for page in fetch() for row in SOURCE.parse(x, page)]
    assert [type(row) for row in rows] == [AccountRow, PostRow]


def test_a_connection_without_a_token_is_told_before_anything_is_asked(server, fetch):
    with pytest.raises(Unauthorized, match="has no access token"):
        fetch(token=None)
    assert server.seen == []


def test_an_id_from_x_cannot_lead_elsewhere(server, fetch):
    server.script = [ok({"data": ME["data"] | {"id": "//evil.example/?"}}), ok(listed())]
    fetch()
    assert server.seen[1][1].startswith("/2/users/%2F%2Fevil.example%2F%3F/tweets?")


def test_a_token_of_another_account_is_told(server, fetch):
    server.script = [ok({"data": ME["data"] | {"username": "somebody_else"}})]
    with pytest.raises(Unauthorized, match=r"that of @somebody_else, and the file of client meadow says meadowbakery"):
        fetch()


def test_the_rate_limit_is_waited_for_or_told(server, fetch, clock):
    soon, late = (str(round(clock.now.timestamp()) + seconds) for seconds in (20, 900))
    used_up = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": soon}
    server.script = [(429, used_up, b"{}"), ok(ME), ok(listed())]
    assert len(fetch()) == 2
    assert sum(clock.slept) == pytest.approx(20)
    server.script = [(429, used_up | {"x-rate-limit-reset": late}, b"{}")]
    with pytest.raises(RateLimited, match="Try again at"):
        fetch()


def test_xs_bad_days_are_tried_again(server, fetch):
    server.script = [(503, {}, b"Service Unavailable"), ok(ME), ok(listed())]
    assert len(fetch()) == 2
    server.script = [(503, {}, b"Service Unavailable")] * 5
    with pytest.raises(Unavailable):
        fetch()


def test_cut_json_is_a_bad_answer(server, fetch):
    server.script = [ok(ME), (200, {}, ok(listed(post()))[2][:-40])]
    with pytest.raises(BadAnswer, match="X posts"):
        fetch()


# -- tokens ------------------------------------------------------------------------------------------------------------

EXTRA = {"refresh_token": "refresh-0001", "client_id": "app-1"}


def test_a_token_is_exchanged_with_the_refresh_token_which_changes(server, client, clock):
    server.script = [ok({"token_type": "bearer", "expires_in": 7200, "access_token": "new", "refresh_token": "re-2"})]
    tokens = SOURCE.renew(client(token="old-token", extra=EXTRA))
    assert (tokens.token, tokens.refresh_token) == ("new", "re-2")
    assert tokens.expires_at == clock.now + dt.timedelta(hours=2)
    [(method, path, headers, body)] = server.seen
    assert (method, path) == ("POST", "/2/oauth2/token")
    assert parse_qs(body.decode()) == {
        "grant_type": ["refresh_token"], "client_id": ["app-1"], "refresh_token": ["refresh-0001"],
    }  # fmt: skip
    assert "Authorization" not in headers


def test_a_confidential_app_says_its_secret(server, client):
    server.script = [ok({"access_token": "new", "refresh_token": "re-2"})]
    tokens = SOURCE.renew(client(token="old-token", extra=EXTRA | {"client_secret": "s3cret-s3cret"}))
    [(_, _, headers, _)] = server.seen
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"app-1:s3cret-s3cret"
    assert tokens.expires_at is None


@pytest.mark.parametrize("missing", ["refresh_token", "client_id"])
def test_without_refresh_token_or_app_a_person_is_asked(client, missing):
    extra = {name: value for name, value in EXTRA.items() if name != missing}
    with pytest.raises(Unauthorized, match=rf"no {missing}.*console\.x\.com"):
        SOURCE.renew(client(token="old-token", extra=extra))


@pytest.mark.parametrize(("status", "raised"), [(400, Unauthorized), (401, Unauthorized), (503, Unavailable)])
def test_a_refused_exchange_tells_no_secret(server, client, status, raised):
    refusal = {"error": "invalid_request", "error_description": "Value passed for the token was invalid: refresh-0001"}
    server.script = [(status, {}, json.dumps(refusal).encode())] * 5
    with pytest.raises(raised) as caught:
        SOURCE.renew(client(token="old-token", extra=EXTRA))
    assert "refresh-0001" not in str(caught.value)
    assert "old-token" not in str(caught.value)
