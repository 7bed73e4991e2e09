"""LinkedIn: a page, its days, posts, totals and comments, and how they are asked for."""

import datetime as dt
import json
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.pipeline.tokens import WARNED_BEFORE
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Target,
    Window,
)
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.linkedin import SOURCE, VERSION, read_little_text

REF = "meadow-bakery"
URN = "urn:li:organization:90362860"
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TOKEN = "AQVsecretsecretsecret"
APP = {"client_id": "77app", "client_secret": "verysecretapp", "refresh_token": "AQWrefreshrefresh"}
PAGE = {"elements": [{"id": 90362860, "vanityName": REF, "localizedName": "Meadow Bakery", "groups": []}]}
EMPTY = {"paging": {"start": 0, "count": 10, "links": []}, "elements": []}


def ms(text):
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


def span(day, **content):
    start = ms(day)
    return {"organizationalEntity": URN, "timeRange": {"start": start, "end": start + 86_400_000}, **content}


def shown(impressions, **changes):
    return {
        "totalShareStatistics": {
            "impressionCount": impressions,
            "uniqueImpressionsCount": 7,
            "clickCount": 3,
            "likeCount": 2,
            "commentCount": 1,
            "shareCount": 0,
            "shareMentionsCount": 0,
            "commentMentionsCount": 0,
            "engagement": 0.6,
            **changes,
        }
    }


def post(number, published="2026-11-12T09:00:00.123", family="share", **changes):
    at = ms(published)
    return {
        "id": f"urn:li:{family}:{number}",
        "author": URN,
        "commentary": f"post {number}",
        "visibility": "PUBLIC",
        "lifecycleState": "PUBLISHED",
        "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
        "createdAt": at - 500,
        "publishedAt": at,
        "lastModifiedAt": at + 40,
        **changes,
    }


def comment(number, actor="urn:li:person:jn_1", at="2026-11-12T10:00:00", **changes):
    return {
        "id": str(number),
        "commentUrn": f"urn:li:comment:(urn:li:activity:5,{number})",
        "object": "urn:li:activity:5",
        "actor": actor,
        "created": {"actor": actor, "time": ms(at)},
        "message": {"attributes": [], "text": f"words {number}"},
        "commentsSummary": {"selectedComments": [], "aggregatedTotalComments": 0},
        **changes,
    }


class Platform:
    """Answers whatever is asked, by the path's resource, and keeps what was asked."""

    def __init__(self, server, **answers):
        self.answers = {
            "organizations": PAGE,
            "networkSizes": {"firstDegreeSize": 540},
            "organizationalEntityShareStatistics": EMPTY,
            "organizationalEntityFollowerStatistics": EMPTY,
            "posts": EMPTY,
            "socialActions": EMPTY,
            **answers,
        }
        self.server = server
        server.script = [self.answer] * 200

    def answer(self, handler):
        resource = urlsplit(handler.path).path.split("/")[2]
        found = self.answers[resource]
        found = found(unquote(handler.path)) if callable(found) else found
        status, content = found if isinstance(found, tuple) else (200, found)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def asked(self, resource):
        return [path for _, path, _, _ in self.server.seen if f"/rest/{resource}" in path]


def elements(*found, **paging):
    return {"paging": {"start": 0, "count": 100, "links": [], **paging}, "elements": list(found)}


def fetch(client, target, window=WEEK, **options):
    return list(SOURCE.fetch(target("linkedin", REF), window, client(token=TOKEN, **options)))


def rows(pages, kind=object, target=None):
    target = target or Target(client_id="meadow", source="linkedin", ref=REF, time_zone="Europe/Berlin")
    return [row for page in pages for row in SOURCE.parse(target, page) if isinstance(row, kind)]


# --- The page -----------------------------------------------------------------------------------------------------


def test_a_page_is_known_by_its_urn(server, client, target):
    Platform(server)
    [account] = rows(fetch(client, target), AccountRow)
    assert (account.account_id, account.handle, account.name) == (URN, REF, "Meadow Bakery")
    assert account.url == f"https://www.linkedin.com/company/{REF}/"


def test_followers_belong_to_the_same_page(server, client, target):
    Platform(server)
    [followers] = rows(fetch(client, target), CounterRow)
    assert (followers.account_id, followers.post_id, followers.counts) == (URN, None, {"followers": 540})


def test_a_size_that_is_not_told_is_not_zero(server, client, target):
    Platform(server, networkSizes={})
    [followers] = rows(fetch(client, target), CounterRow)
    assert followers.counts == {"followers": None}


def test_no_page_of_that_name(server, client, target):
    Platform(server, organizations=EMPTY)
    with pytest.raises(NotFound, match=f"{REF}.*client meadow"):
        fetch(client, target)


def test_every_call_names_version_protocol_and_token_and_none_records_the_token(server, client, target):
    Platform(server, posts=elements(post(1)))
    pages = fetch(client, target)
    for _, _, headers, _ in server.seen:
        assert headers["LinkedIn-Version"] == VERSION
        assert headers["X-Restli-Protocol-Version"] == "2.0.0"
        assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN.encode() not in b"".join(msgspec.json.encode(page.request) for page in pages)


# --- Days ---------------------------------------------------------------------------------------------------------


def day_values(pages):
    return {(row.day.isoformat(), row.metric): row.value for row in rows(pages, DayRow)}


INCLUSIVE = [span("2026-11-08", **shown(99)), span("2026-11-09", **shown(10)), span("2026-11-10", **shown(20))]


@pytest.mark.parametrize("given", [INCLUSIVE, INCLUSIVE[1:]], ids=["start included", "start left out"])
def test_the_first_day_is_there_whichever_way_linkedin_reads_a_start(server, client, target, given):
    platform = Platform(server, organizationalEntityShareStatistics=elements(*given))
    found = rows(fetch(client, target), DayRow)
    assert {(row.day.isoformat(), row.value) for row in found if row.metric == "impressions"} == {
        ("2026-11-09", 10),
        ("2026-11-10", 20),
    }
    assert {(row.entity, row.entity_id, row.zone, row.dimension) for row in found} == {("account", URN, "UTC", "total")}
    [asked] = platform.asked("organizationalEntityShareStatistics")
    assert f"start:{ms('2026-11-08')},end:{ms('2026-11-16')}" in asked


def test_structures_are_bare_and_values_are_encoded_in_the_query(server, client, target):
    platform = Platform(server, posts=elements(post(1), post(2)))
    fetch(client, target)
    days, totals = platform.asked("organizationalEntityShareStatistics")
    assert "&timeIntervals=(timeRange:(start:1" in days
    assert "organizationalEntity=urn%3Ali%3Aorganization%3A90362860" in days
    assert totals.endswith("&shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A2)")


def test_each_number_of_a_day_has_its_metric(server, client, target):
    Platform(server, organizationalEntityShareStatistics=elements(span("2026-11-10", **shown("1200", likeCount=5))))
    assert day_values(fetch(client, target)) == {
        ("2026-11-10", "impressions"): 1200,
        ("2026-11-10", "reach"): 7,
        ("2026-11-10", "clicks"): 3,
        ("2026-11-10", "likes"): 5,
        ("2026-11-10", "replies"): 1,
        ("2026-11-10", "reposts"): 0,
    }


def test_likes_below_zero_and_missing_numbers_are_not_reported(server, client, target):
    odd = span("2026-11-10", totalShareStatistics={"likeCount": -2, "impressionCount": 4, "shareCount": None})
    Platform(server, organizationalEntityShareStatistics=elements(odd))
    values = day_values(fetch(client, target))
    assert values["2026-11-10", "impressions"] == 4
    assert {metric for (_, metric), value in values.items() if value is None} == {
        "likes", "reposts", "reach", "clicks", "replies",
    }  # fmt: skip


def test_followers_gained_by_ads_are_kept_apart(server, client, target):
    gains = {"followerGains": {"organicFollowerGain": 4, "paidFollowerGain": 9}}
    Platform(server, organizationalEntityFollowerStatistics=elements(span("2026-11-10", **gains)))
    assert day_values(fetch(client, target)) == {
        ("2026-11-10", "follows"): 4,
        ("2026-11-10", "paid_follows"): 9,
    }


def test_a_day_that_is_not_over_is_neither_asked_for_nor_believed(server, client, target):
    today = span("2026-11-22", **shown(1))
    platform = Platform(server, organizationalEntityShareStatistics=elements(span("2026-11-21", **shown(5)), today))
    pages = fetch(client, target, Window(dt.date(2026, 11, 20), dt.date(2026, 11, 25)))
    [asked] = platform.asked("organizationalEntityShareStatistics")
    assert f"end:{ms('2026-11-22')})" in asked
    assert {row.day for row in rows(pages, DayRow)} == {dt.date(2026, 11, 21)}


def test_days_older_than_twelve_months_are_not_asked_for(server, client, target):
    platform = Platform(server)
    fetch(client, target, Window(dt.date(2025, 1, 1), dt.date(2026, 11, 15)))
    [asked] = platform.asked("organizationalEntityShareStatistics")
    assert f"start:{ms('2025-11-22')}," in asked
    fetch(client, target, Window(dt.date(2025, 1, 1), dt.date(2025, 11, 1)))
    assert len(platform.asked("organizationalEntityShareStatistics")) == 1


def test_a_page_without_days_gives_no_rows_rather_than_zeros(server, client, target):
    Platform(server)
    assert rows(fetch(client, target), DayRow) == []


# --- Posts --------------------------------------------------------------------------------------------------------


def parsed_posts(server, client, target, *found):
    Platform(server, posts=elements(*found))
    return rows(fetch(client, target), PostRow)


def test_a_post(server, client, target):
    [found] = parsed_posts(server, client, target, post(71, commentary=r"Fresh \(hot\) {hashtag|\#|Bread}"))
    assert (found.post_id, found.account_id) == ("urn:li:share:71", URN)
    assert found.published_at == dt.datetime(2026, 11, 12, 9, 0, 0, 123000, dt.UTC)
    assert (found.text, found.tags, found.counts) == ("Fresh (hot) #Bread", ("bread",), {})
    assert found.permalink == "https://www.linkedin.com/feed/update/urn:li:share:71/"


def test_a_post_without_its_moment_of_publishing_has_that_of_its_making(server, client, target):
    [found] = parsed_posts(server, client, target, post(1, publishedAt=None))
    assert found.published_at == dt.datetime(2026, 11, 12, 8, 59, 59, 623000, dt.UTC)


@pytest.mark.parametrize(
    ("changes", "kind", "links"),
    [
        ({}, "text", ()),
        ({"commentary": "Read (https://a.example/x)."}, "link", ("https://a.example/x",)),
        ({"content": {"article": {"source": "https://b.example/", "title": "B"}}}, "link", ("https://b.example/",)),
        ({"content": {"media": {"id": "urn:li:image:D4E1", "altText": ""}}}, "image", ()),
        ({"content": {"media": {"id": "urn:li:video:D4E1"}}}, "video", ()),
        ({"content": {"media": {"id": "urn:li:document:D4E1", "title": "Menu.pdf"}}}, "carousel", ()),
        ({"content": {"multiImage": {"images": [{"id": "urn:li:image:1"}]}}}, "carousel", ()),
        ({"content": {"poll": {"question": "Rye?", "options": []}}}, "poll", ()),
        ({"reshareContext": {"parent": "urn:li:share:1", "root": "urn:li:share:1"}}, "quote", ()),
        ({"content": {"celebration": {"recipient": []}}}, "text", ()),
    ],
)
def test_what_a_post_is(server, client, target, changes, kind, links):
    [found] = parsed_posts(server, client, target, post(1, **changes))
    assert (found.kind, found.links) == (kind, links)


@pytest.mark.parametrize(
    "changes",
    [
        {"lifecycleState": "DRAFT"},
        {"distribution": {"feedDistribution": "NONE"}},
        {"reshareContext": {"parent": "urn:li:share:1"}, "commentary": " "},
    ],
    ids=["draft", "for ads only", "repost without words"],
)
def test_what_is_no_post_of_the_page_gives_no_rows_and_costs_no_call(server, client, target, changes):
    platform = Platform(server, posts=elements(post(1, **changes)))
    assert rows(fetch(client, target), PostRow) == []
    assert len(platform.asked("organizationalEntityShareStatistics")) == 1


def test_posts_are_walked_until_nothing_was_changed_in_the_window(server, client, target):
    full = [post(1000 - n) for n in range(100)]
    last = [post(5), post(4, "2026-11-08T22:59:59", lastModifiedAt=ms("2026-11-08T22:59:59"))]

    def answer(path):
        return elements(*(full if "start=" not in path else last), links=[{"rel": "next", "href": "/rest/posts?x"}])

    platform = Platform(server, posts=answer)
    pages = [page for page in fetch(client, target) if page.stream == "posts"]
    asked = [dict(parse_qsl(urlsplit(path).query)) for path in platform.asked("posts")]
    assert asked[0] == {"q": "author", "author": URN, "sortBy": "LAST_MODIFIED", "count": "100"}
    assert [params.get("start") for params in asked] == [None, "100"]
    assert len(rows(pages, PostRow)) == 102


def test_a_page_cut_short_with_a_link_onward_is_not_the_last(server, client, target):
    onward = [{"rel": "next", "href": "/rest/posts?start=100"}]
    Platform(server, posts=lambda path: elements(post(2), links=onward) if "start=" not in path else elements(post(1)))
    assert [row.post_id for row in rows(fetch(client, target), PostRow)] == ["urn:li:share:2", "urn:li:share:1"]


def test_a_page_that_comes_for_ever_is_a_bad_answer(server, client, target):
    Platform(server, posts=elements(*(post(n) for n in range(100))))
    with pytest.raises(BadAnswer, match="circle"):
        fetch(client, target)


def test_a_post_that_slides_onto_the_next_page_while_read_costs_nothing(server, client, target):
    full = [post(n) for n in range(100)]
    platform = Platform(server, posts=lambda path: elements(*(full if "start=" not in path else full[-1:])))
    pages = fetch(client, target)
    assert len({row.post_id for row in rows(pages, PostRow)}) == 100
    asked = [path for path in platform.asked("organizationalEntityShareStatistics") if "shares=" in path]
    assert [path.count("share%3A") for path in asked] == [100]


def test_a_draft_of_long_ago_counts_from_its_publication(server, client, target):
    late = post(1, createdAt=ms("2026-06-01T09:00:00"))
    platform = Platform(server, posts=elements(late))
    [found] = rows(fetch(client, target), PostRow)
    assert found.published_at.date() == dt.date(2026, 11, 12)
    assert "share%3A1" in platform.asked("organizationalEntityShareStatistics")[1]


def test_old_posts_that_were_only_edited_are_not_asked_about(server, client, target):
    edited = post(1, "2026-03-01T09:00:00", lastModifiedAt=ms("2026-11-12T09:00:00"))
    platform = Platform(server, posts=elements(edited))
    assert len(rows(fetch(client, target), PostRow)) == 1
    assert len(platform.asked("organizationalEntityShareStatistics")) == 1


# --- Their totals -------------------------------------------------------------------------------------------------


def statistics(path):
    """Totals of every post that is asked for, with its number as impressions."""
    found = []
    for family, name in (("share", "shares"), ("ugcPost", "ugcPosts")):
        asked = dict(parse_qsl(urlsplit(path).query)).get(name, "")
        for urn in filter(None, asked.removeprefix("List(").removesuffix(")").split(",")):
            found.append({"organizationalEntity": URN, family: urn, **shown(int(urn.rsplit(":", 1)[1]))})
    return elements(*found)


@pytest.mark.parametrize(("posts", "method"), [(90, "GET"), (100, "POST")])
def test_totals_of_a_hundred_posts_are_one_call_whose_query_is_in_the_body_where_it_is_long(
    server, client, target, posts, method
):
    ids = [7_000_000_000_000_000_000 + number for number in range(posts)]
    listed = elements(*(post(id_, family="ugcPost") for id_ in ids))
    Platform(server, posts=lambda path: EMPTY if "start=" in path else listed)
    [totals] = [page for page in fetch(client, target) if page.stream == "post_totals"]
    [(sent, path, headers, body)] = [
        call for call in server.seen if "ShareStatistics" in call[1] and "timeIntervals" not in call[1]
    ]
    assert (sent, totals.request.method) == (method, method)
    query = body.decode() if method == "POST" else urlsplit(path).query
    assert query.startswith("q=organizationalEntity&organizationalEntity=urn%3Ali%3Aorganization%3A")
    assert f"ugcPosts=List({','.join(f'urn%3Ali%3AugcPost%3A{id_}' for id_ in ids)})" in query
    assert len(path) < 4096
    assert headers.get("X-HTTP-Method-Override") == (None if method == "GET" else "GET")
    assert headers.get("Content-Type") == (None if method == "GET" else "application/x-www-form-urlencoded")
    assert len(totals.request.params["ugcPosts"].split(",")) == len(totals.request.about) == posts


def test_totals_come_with_the_very_moment_of_publishing(server, client, target):
    Platform(
        server,
        posts=elements(post(11), post(12, "2026-11-13T09:00:00.001", "ugcPost")),
        organizationalEntityShareStatistics=statistics,
    )
    pages = fetch(client, target)
    totals = [row for row in rows(pages, CounterRow) if row.post_id]
    published = {row.post_id: row.published_at for row in rows(pages, PostRow)}
    assert {row.post_id: row.published_at for row in totals} == published
    assert [(row.post_id, row.account_id, row.counts["impressions"]) for row in totals] == [
        ("urn:li:share:11", URN, 11),
        ("urn:li:ugcPost:12", URN, 12),
    ]
    assert set(totals[0].counts) == {"impressions", "reach", "clicks", "likes", "replies", "reposts"}


def test_a_post_that_linkedin_leaves_out_has_no_totals_rather_than_zeros(server, client, target):
    one = {"organizationalEntity": URN, "share": "urn:li:share:1", **shown(5)}
    stranger = one | {"share": "urn:li:share:999"}

    def answer(path):
        return elements(one, stranger) if "shares=" in path else EMPTY

    Platform(server, posts=elements(post(1), post(2)), organizationalEntityShareStatistics=answer)
    totals = [row for row in rows(fetch(client, target), CounterRow) if row.post_id]
    assert [row.post_id for row in totals] == ["urn:li:share:1"]


# --- Comments -----------------------------------------------------------------------------------------------------


def test_comments_and_the_pages_own_answers(server, client, target):
    question = comment(8, commentsSummary={"aggregatedTotalComments": 1})
    answer = comment(9, URN, "2026-11-12T11:30:00", parentComment=question["commentUrn"])

    def said(path):
        return elements(answer) if "urn:li:comment:" in path else elements(question, comment(7))

    platform = Platform(server, posts=elements(post(1)), socialActions=said)
    found = {row.comment_id: row for row in rows(fetch(client, target), CommentRow)}
    asked, own = found[question["commentUrn"]], found[answer["commentUrn"]]
    assert len(found) == 3
    assert {(row.account_id, row.post_id) for row in found.values()} == {(URN, "urn:li:share:1")}
    assert (asked.own, asked.author, asked.reply_to, asked.text) == (False, "urn:li:person:jn_1", None, "words 8")
    assert (own.own, own.reply_to) == (True, asked.comment_id)
    assert own.published_at - asked.published_at == dt.timedelta(minutes=90)
    assert len(platform.asked("socialActions")) == 2  # nobody answered the third
    assert platform.asked("socialActions")[1].startswith(f"/rest/socialActions/{quote(asked.comment_id, safe='')}/")


def test_a_comment_without_its_urn_gets_it_of_its_parts(server, client, target):
    bare = comment(8)
    del bare["commentUrn"]
    Platform(server, posts=elements(post(1)), socialActions=lambda path: elements(bare))
    [found] = rows(fetch(client, target), CommentRow)
    assert found.comment_id == "urn:li:comment:(urn:li:activity:5,8)"


def test_only_the_newest_conversations_of_a_week_are_read(server, client, target):
    many = [post(100 + n, f"2026-11-{15 - n // 3:02d}T09:{59 - n:02d}:00") for n in range(21)]
    old = post(1, "2026-11-08T09:00:00", lastModifiedAt=ms("2026-11-12T00:00:00"))
    busy = comment(8, commentsSummary={"aggregatedTotalComments": 2})
    talk = elements(*(busy | {"id": str(n), "commentUrn": f"urn:li:comment:(x,{n})"} for n in range(4)))
    platform = Platform(
        server,
        posts=elements(*many, old),
        organizationalEntityShareStatistics=elements(
            {"organizationalEntity": URN, "share": "urn:li:share:101", **shown(1, commentCount=0)}
        ),
        socialActions=talk,
    )
    fetch(client, target, Window(dt.date(2026, 11, 1), dt.date(2026, 11, 15)))
    asked = [unquote(path) for path in platform.asked("socialActions")]
    under_posts = [path for path in asked if "urn:li:share:" in path]
    # Post 101 has no comment, and is passed over.
    assert [path.split("share:")[1].split("/")[0] for path in under_posts] == [
        str(number) for number in (100, *range(102, 111))
    ]
    assert len(asked) - len(under_posts) == 20
    assert len(server.seen) <= SOURCE.expected_calls(posts=22, days=15)


def test_a_post_deleted_since_it_was_listed_costs_nothing_else(server, client, target):
    def said(path):
        return (404, {"status": 404, "code": "NOT_FOUND"}) if "share:2" in path else elements(comment(8))

    Platform(server, posts=elements(post(2), post(1)), socialActions=said)
    assert [row.post_id for row in rows(fetch(client, target), CommentRow)] == ["urn:li:share:1"]


def test_without_the_right_to_comments_everything_else_is_there(server, client, target):
    platform = Platform(
        server,
        posts=elements(post(2), post(1)),
        organizationalEntityShareStatistics=statistics,
        socialActions=refusal(403, "ACCESS_DENIED", "Not enough permissions", 100),
    )
    pages = fetch(client, target)
    assert [page.status for page in pages if page.stream == "comments"] == [403, 403]
    assert rows(pages, CommentRow) == []
    assert len(platform.asked("socialActions")) == 2
    assert [row.counts["impressions"] for row in rows(pages, CounterRow) if row.post_id] == [2, 1]


def test_a_conversation_that_is_closed_to_us_costs_no_other(server, client, target):
    question = comment(8, commentsSummary={"aggregatedTotalComments": 1})
    shut = refusal(403, "ACCESS_DENIED", "Not enough permissions", 100)

    def said(path):
        return shut if "share:2" in path or "urn:li:comment:" in path else elements(question)

    Platform(server, posts=elements(post(2), post(1)), socialActions=said)
    pages = fetch(client, target)
    assert [(page.stream, page.status) for page in pages[-3:]] == [
        ("comments", 403),
        ("comments", 200),
        ("answers", 403),
    ]
    assert [row.post_id for row in rows(pages, CommentRow)] == ["urn:li:share:1"]


# --- Lists that do not end with their first page ------------------------------------------------------------------


def in_parts(every, size):
    """Answers with some of a list at once, from `start` on, and a link to the rest."""

    def answer(path):
        start = int(dict(parse_qsl(urlsplit(path).query)).get("start", "0"))
        onward = [{"rel": "next", "href": f"/rest/x?count={size}&start={start + size}"}]
        return elements(*every[start : start + size], links=onward if start + size < len(every) else [])

    return answer


def test_days_go_on_behind_a_page_that_holds_less_than_was_asked_for(server, client, target):
    days = [span(f"2026-11-{day:02d}", **shown(day)) for day in range(8, 16)]
    gains = [span(f"2026-11-{day:02d}", followerGains={"organicFollowerGain": day}) for day in range(8, 16)]
    platform = Platform(
        server,
        organizationalEntityShareStatistics=in_parts(days, 3),
        organizationalEntityFollowerStatistics=in_parts(gains, 3),
    )
    values = day_values(fetch(client, target))
    for metric in ("impressions", "follows"):
        found = {day: value for (day, of), value in values.items() if of == metric}
        assert found == {f"2026-11-{day:02d}": day for day in range(9, 16)}
    asked = [dict(parse_qsl(urlsplit(path).query)) for path in platform.asked("organizationalEntityShareStatistics")]
    assert [(params["count"], params.get("start")) for params in asked] == [("8", None), ("8", "3"), ("8", "6")]
    assert len({params["timeIntervals"] for params in asked}) == 1


def test_a_long_window_is_asked_for_by_hundreds_of_days(server, client, target):
    first = dt.date(2026, 4, 30)
    days = [span(str(first + dt.timedelta(days=n)), **shown(n)) for n in range(201)]
    platform = Platform(server, organizationalEntityShareStatistics=in_parts(days, 100))
    window = Window(first + dt.timedelta(days=1), first + dt.timedelta(days=200))
    assert len({row.day for row in rows(fetch(client, target, window), DayRow)}) == 200
    assert ["count=100" in path for path in platform.asked("organizationalEntityShareStatistics")] == [True] * 3
    assert len(server.seen) <= SOURCE.expected_calls(posts=0, days=200)


def test_totals_go_on_behind_a_page_that_holds_less_than_was_asked_for(server, client, target):
    every = [{"organizationalEntity": URN, "share": f"urn:li:share:{n}", **shown(n)} for n in range(1, 21)]
    parts = in_parts(every, 10)
    platform = Platform(
        server,
        posts=elements(*(post(n) for n in range(1, 21))),
        organizationalEntityShareStatistics=lambda path: parts(path) if "shares=" in path else EMPTY,
    )
    totals = [row for row in rows(fetch(client, target), CounterRow) if row.post_id]
    assert [row.counts["impressions"] for row in totals] == list(range(1, 21))
    assert all("count=100" in path for path in platform.asked("organizationalEntityShareStatistics")[1:])


def test_comments_and_answers_go_on_behind_their_first_page(server, client, target):
    asked = [comment(n, commentsSummary={"aggregatedTotalComments": int(n == 5)}) for n in range(1, 6)]
    answers = [comment(n, URN, parentComment=asked[4]["commentUrn"]) for n in range(11, 14)]
    under_post, under_comment = in_parts(asked, 2), in_parts(answers, 2)
    Platform(
        server,
        posts=elements(post(1)),
        socialActions=lambda path: under_comment(path) if "urn:li:comment:" in path else under_post(path),
    )
    found = rows(fetch(client, target), CommentRow)
    assert [row.text for row in found] == [f"words {n}" for n in (1, 2, 3, 4, 5, 11, 12, 13)]


def test_talk_without_an_end_is_read_for_ten_further_pages_in_all(server, client, target):
    endless = in_parts([comment(n) for n in range(1, 60)], 2)
    platform = Platform(server, posts=elements(post(2), post(1)), socialActions=endless)
    fetch(client, target)
    assert ["share%3A2" in path for path in platform.asked("socialActions")] == [True] * 11 + [False]
    assert len(server.seen) <= SOURCE.expected_calls(posts=2, days=7)


@pytest.mark.parametrize("resource", ["organizationalEntityShareStatistics", "socialActions"])
@pytest.mark.parametrize(("href", "told"), [("/rest/x?start=10", "circle"), ("/rest/x?page=2", "does not say where")])
def test_a_link_that_leads_nowhere_is_bad(server, client, target, resource, href, told):
    endless = elements(comment(8) | span("2026-11-10", **shown(1)), links=[{"rel": "next", "href": href}])
    Platform(server, **{"posts": elements(post(1)), resource: endless})
    with pytest.raises(BadAnswer, match=told):
        fetch(client, target)


# --- When it fails ------------------------------------------------------------------------------------------------


def refusal(status, code, message, number=None):
    return status, {"status": status, "code": code, "message": message, "serviceErrorCode": number}


def test_a_dead_version_is_told_as_such(server, client, target):
    Platform(server, organizations=refusal(426, "NONEXISTENT_VERSION", f"Requested version {VERSION} is not active"))
    with pytest.raises(BadAnswer, match=rf"HTTP 426.*version {VERSION}.*newer Widerview") as told:
        fetch(client, target)
    assert REF in str(told.value)


@pytest.mark.parametrize(
    ("resource", "given", "raised"),
    [
        ("organizations", refusal(401, "EXPIRED_ACCESS_TOKEN", "The token has expired", 65601), Unauthorized),
        ("networkSizes", refusal(403, "ACCESS_DENIED", "Not enough permissions", 100), Unauthorized),
        ("posts", refusal(403, "ACCESS_DENIED", "Not enough permissions", 100), Unauthorized),
        ("socialActions", refusal(401, "REVOKED_ACCESS_TOKEN", "The token was revoked", 65601), Unauthorized),
        ("organizationalEntityShareStatistics", refusal(400, "PARAM_INVALID", "Invalid param"), BadAnswer),
        ("organizationalEntityFollowerStatistics", (200, b"<!DOCTYPE html><html></html>"), BadAnswer),
        ("posts", (200, b'{"elements":[{"id":"urn:li:sh'), BadAnswer),
        ("networkSizes", (200, b""), BadAnswer),
    ],
)
def test_a_refusal_names_account_or_answer(server, client, target, resource, given, raised):
    Platform(server, **{"posts": elements(post(1)), resource: given})
    with pytest.raises(raised) as told:
        fetch(client, target)
    if raised is Unauthorized:
        assert REF in str(told.value)
        assert SOURCE.renewal_page in str(told.value)


def test_the_days_calls_used_up(server, client, target):
    told = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
    Platform(server, posts=refusal(429, "TOO_MANY_REQUESTS", told, 101))
    with pytest.raises(RateLimited):
        fetch(client, target)


def test_what_came_before_a_refusal_was_handed_over(server, client, target):
    Platform(server, posts=refusal(403, "ACCESS_DENIED", "Not enough permissions", 100))
    pages = SOURCE.fetch(target("linkedin", REF), WEEK, client(token=TOKEN))
    received = []
    with pytest.raises(Unauthorized):
        received.extend(pages)
    assert [page.stream for page in received] == ["page", "followers", "days", "follower_days", "posts"]
    assert rows(received[-1:]) == []


# --- The token ----------------------------------------------------------------------------------------------------


def renew(server, client, status, content, **extra):
    server.script = [(status, {"Content-Type": "application/json"}, json.dumps(content).encode())]
    http = client(token=TOKEN, extra={**APP, **extra}, servers={"https://www.linkedin.com": server.url})
    return SOURCE.renew(http)


def test_a_token_is_exchanged(server, client):
    answer = {
        "access_token": "AQXnewnewnew",
        "expires_in": 5_184_000,
        "refresh_token": APP["refresh_token"],  # LinkedIn gives the same one again
        "refresh_token_expires_in": 86_400,
    }
    tokens = renew(server, client, 200, answer)
    assert (tokens.token, tokens.refresh_token) == ("AQXnewnewnew", None)
    assert tokens.expires_at == NOW + dt.timedelta(days=60)
    assert tokens.refresh_expires_at == NOW + dt.timedelta(days=1)
    [(method, path, _, body)] = server.seen
    assert (method, path) == ("POST", "/oauth/v2/accessToken")
    assert dict(parse_qsl(body.decode())) == {"grant_type": "refresh_token", **APP}


def test_a_refresh_token_that_died_wants_a_person(server, client):
    dead = {"error": "invalid_request", "error_description": "The refresh token is expired or revoked."}
    with pytest.raises(Unauthorized, match="expired or revoked"):
        renew(server, client, 400, dead)


def test_without_a_refresh_token_nothing_is_asked(server, client):
    with pytest.raises(Unauthorized, match=r"no refresh_token\b"):
        renew(server, client, 200, {}, refresh_token="")
    assert server.seen == []


def test_a_token_is_renewed_a_day_before_its_end_alarms():
    assert SOURCE.renews_before - WARNED_BEFORE == dt.timedelta(days=1)


# --- Little text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text", "tags"),
    [
        ("", "", []),
        (r"1\) a \[b\] \{c\} \@d 2 \* 3 \_ \~ \\ \| \< \>", r"1) a [b] {c} @d 2 * 3 _ ~ \ | < >", []),
        (r"{hashtag|\#|Slow\_Bread} and {hashtag|#|rye} #Rye", "#Slow_Bread and #rye #Rye", ["slow_bread", "rye"]),
        (r"Thanks, @[Otter \(Berlin\)](urn:li:organization:42)!", "Thanks, Otter (Berlin)!", []),
        (r"\#1 in C\# C:\new a#b", r"#1 in C# C:\new a#b", []),
        ("{hashtag|\\#|brötchen}\n\nNext", "#brötchen\n\nNext", ["brötchen"]),
        (r"@[cut](urn:li:org", "@[cut](urn:li:org", []),
    ],
)
def test_little_text_is_read_as_people_see_it(written, text, tags):
    assert read_little_text(written) == (text, tags)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_words_come_back_as_they_were(words):
    escaped = "".join(f"\\{mark}" if mark in r"\|{}@[]()<>#*_~" else mark for mark in words)
    assert read_little_text(escaped) == (words.strip(), [])


# --- Damaged answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [-1, 253_402_300_800_000, 10**30, "soon"])
def test_a_moment_that_is_not_on_the_calendar_is_bad(page, at):
    with pytest.raises(BadAnswer, match="publishedAt"):
        rows([page("posts", json.dumps(elements(post(1, publishedAt=at))).encode())])


@pytest.mark.parametrize("stream", ["followers", "days", "post_totals", "comments"])
def test_an_answer_that_does_not_say_what_it_is_about_is_bad(page, stream):
    with pytest.raises(BadAnswer, match="does not say"):
        rows([page(stream, json.dumps(EMPTY).encode())])
