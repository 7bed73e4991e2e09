"""Facebook in the sandbox: the source finds exactly what is true, and refusals are worded as Facebook words them."""

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox import facebook as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.faults import Injection
from widerview.sandbox.model import post_number
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Target,
    UnavailableRow,
    Window,
)
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.facebook import SOURCE
from widerview.sources.http import HttpClient

PACIFIC = ZoneInfo("America/Los_Angeles")
MONTH = Window(dt.date(2026, 10, 18), dt.date(2026, 11, 16))
CLIENTS = ["hollow-oak-bakery", "tidewater-cycles"]


def target_of(asked, client):
    profile, account = asked.model.profile(client), asked.model.account(client, "facebook")
    return Target(client_id=client, source="facebook", ref=account.person.handle, time_zone=str(profile.zone))


def client_of(asked, **options):
    base_url = f"{str(asked.http.base_url).rstrip('/')}/facebook"
    given = {"budget": SOURCE.call_budget, "token": sandbox.TOKEN, "sleep": lambda seconds: None}
    return HttpClient(base_url=base_url, clock=lambda: asked.now, **given | options)


def pull(asked, client, window=MONTH, **options):
    http, target = client_of(asked, **options), target_of(asked, client)
    rows = [row for page in SOURCE.fetch(target, window, http) for row in SOURCE.parse(target, page)]
    return rows, http


def of(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def truth(asked, client, window=MONTH):
    """The posts of the window by their ids on Facebook."""
    account = asked.model.account(client, "facebook")
    opens = window.opens(str(asked.model.profile(client).zone))
    posts = asked.model.own_posts(client, "facebook", asked.now)
    return {f"{account.platform_id}_{post_number(post, 15)}": post for post in posts if post.at >= opens}


def below(asked, post):
    return [found for reply in asked.model.replies(post, asked.now) for found in (reply, *below(asked, reply))]


def refusal(asked, path, token=sandbox.TOKEN, **params):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = asked.http.get(f"/facebook/v26.0/{path}", params=params, headers=headers)
    assert answer.status_code != 200
    error = answer.json()["error"]
    assert set(error) <= {"message", "type", "code", "error_subcode", "fbtrace_id"}
    return answer.status_code, error["code"], error.get("error_subcode"), error["message"]


@pytest.fixture
def page_token(asked):
    """The own token of the bakery's Page."""
    [page_] = [account for profile, account in asked.model.accounts("facebook") if profile.key == CLIENTS[0]]
    answer = asked.http.get(
        f"/facebook/v26.0/{page_.platform_id}",
        params={"fields": "access_token"},
        headers={"Authorization": f"Bearer {sandbox.TOKEN}"},
    )
    return answer.json()["access_token"]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_source_finds_the_page_and_its_posts(asked, client):
    rows, _ = pull(asked, client)
    posts = truth(asked, client)
    assert len(posts) > 8
    account = asked.model.account(client, "facebook")
    [page_] = of(AccountRow, rows)
    assert (page_.account_id, page_.handle) == (account.platform_id, account.person.handle)
    assert page_.counts == {"followers": asked.model.followers_at(client, "facebook", asked.now)}
    found = {row.post_id: row for row in of(PostRow, rows)}
    views = {row.post_id: row.counts for row in of(CounterRow, rows)}
    assert found.keys() == posts.keys() == views.keys()
    assert len(of(PostRow, rows)) == len(posts)
    for id_, post in posts.items():
        row = found[id_]
        assert row.text.startswith(post.text)
        assert row.published_at == post.at.replace(microsecond=0)
        assert set(row.links) == ({post.link} if post.link else set())
        assert row.kind == ("image" if post.media == "image" else "link" if post.link else "text")
        assert row.counts | views[id_] == {
            "likes": post.count("likes", asked.now),
            "replies": len(below(asked, post)),
            "shares": post.count("shares", asked.now) or None,  # Facebook tells none before the first
            "views": post.count("views", asked.now),
            "paid_views": 0,
            "viewers": asked.model.reached(post, asked.now),
            "clicks": post.count("clicks", asked.now),
            "link_clicks": post.count("link_clicks", asked.now) or None,
            "video_views": 0,
            "watch_time": 0,
        }
    assert sum(counts["views"] for counts in views.values()) > 1000


@pytest.mark.parametrize("client", CLIENTS)
def test_the_source_finds_every_pacific_day(asked, client):
    rows, _ = pull(asked, client)
    found = {(row.day, row.metric): row.value for row in of(DayRow, rows)}
    assert len(found) == len(of(DayRow, rows))
    days = [MONTH.first + dt.timedelta(days=number) for number in range(30)]
    # On the 17th at 09:00 UTC the Pacific day of the 16th has been over for one hour, which is too fresh.
    assert {day for day, _ in found} == set(days[:-1])
    model, now = asked.model, asked.now
    for day in days[:-1]:
        events = {
            kind: model.account_day(client, "facebook", kind, day, PACIFIC, now)
            for kind in ("views", "likes", "replies", "shares", "clicks")
        }
        paid, paid_people = model.ad_views_day(client, "facebook", day, PACIFIC, now)
        gained, lost = model.follows_day(client, "facebook", day, PACIFIC, now)
        assert found[day, "views"] == events["views"]
        assert found[day, "paid_views"] == paid
        assert found[day, "viewers"] == model.reached_day(client, "facebook", day, PACIFIC, now) + paid_people
        assert found[day, "engagements"] == sum(events.values()) - events["views"]
        assert (found[day, "follows"], found[day, "unfollows"]) == (gained, lost)
    assert {metric for _, metric in found} == {
        *("views", "paid_views", "viewers", "engagements", "profile_views", "video_views"),
        *("follows", "unfollows", "profile_link_clicks"),
    }


def test_paid_views_are_the_adverts_and_in_no_other_number(asked):
    found = {client: of(DayRow, pull(asked, client)[0]) for client in CLIENTS}
    paid = {client: sum(row.value for row in rows if row.metric == "paid_views") for client, rows in found.items()}
    assert paid["hollow-oak-bakery"] > 0
    assert paid["tidewater-cycles"] == 0


def test_the_day_is_there_two_hours_after_its_end(asked):
    asked.now += dt.timedelta(hours=1)
    rows, _ = pull(asked, CLIENTS[0])
    assert max(row.day for row in of(DayRow, rows)) == MONTH.last


@pytest.mark.parametrize("client", CLIENTS)
def test_the_source_finds_every_comment_and_whose_it_is(asked, client):
    rows, _ = pull(asked, client)
    account = asked.model.account(client, "facebook")
    known = {
        f"{post_number(post, 15)}_{post_number(reply, 15)}": reply
        for post in truth(asked, client).values()
        for reply in below(asked, post)
    }
    found = {row.comment_id: row for row in of(CommentRow, rows)}
    assert found.keys() == known.keys()
    assert len(known) > 5
    for id_, reply in known.items():
        row = found[id_]
        assert row.own == (reply.author == account.person)
        assert row.author == reply.author.platform_id
        assert (row.text, row.published_at) == (reply.text, reply.at.replace(microsecond=0))
        assert (row.reply_to is None) == (reply.parent == reply.root)
    assert any(row.own for row in found.values())


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("days", [1, 30, 120])
def test_a_pull_costs_what_was_promised(asked, client, days):
    window = Window(MONTH.last - dt.timedelta(days=days - 1), MONTH.last)
    rows, http = pull(asked, client, window)
    posts = len(of(PostRow, rows))
    assert http.calls <= SOURCE.expected_calls(posts=posts, days=days) <= SOURCE.call_budget


def test_the_pages_own_token_does_as_well(asked, page_token):
    by_system_user, _ = pull(asked, CLIENTS[0])
    by_page, _ = pull(asked, CLIENTS[0], token=page_token)
    assert by_page == by_system_user


def test_no_page_that_is_kept_holds_a_token(asked, page_token):
    pages = list(SOURCE.fetch(target_of(asked, CLIENTS[0]), Window(dt.date(2026, 8, 1), MONTH.last), client_of(asked)))
    assert sum(b"paging" in page.body for page in pages) > 3
    for page in pages:
        assert page_token.encode() not in page.body
        assert sandbox.TOKEN.encode() not in page.body


def test_the_apps_proof_is_right(asked):
    rows, _ = pull(asked, CLIENTS[0], extra={"client_secret": sandbox.APP_SECRET})
    assert len(of(PostRow, rows)) == len(truth(asked, CLIENTS[0]))
    with pytest.raises(Unauthorized, match="client_secret"):
        pull(asked, CLIENTS[0], extra={"client_secret": "another-secret-of-another-app"})


@pytest.mark.parametrize("token", ["EAABwrong", sandbox.TOKEN + "x"])
def test_a_wrong_token_is_refused(asked, token):
    with pytest.raises(Unauthorized, match="code 190"):
        pull(asked, CLIENTS[0], token=token)


def test_a_page_that_is_not_there(asked):
    target = Target(client_id="meadow", source="facebook", ref="nobodyhere", time_zone="UTC")
    with pytest.raises(NotFound, match="nobodyhere"):
        list(SOURCE.fetch(target, MONTH, client_of(asked)))


def test_refusals_are_worded_as_facebooks(asked, page_token):
    bakery, cycles = (asked.model.account(client, "facebook").platform_id for client in CLIENTS)
    assert refusal(asked, bakery, token="")[:2] == (400, 104)
    assert refusal(asked, "123456")[1:3] == (100, 33)
    assert refusal(asked, "nobody") == (404, 803, None, "(#803) Some of the aliases you requested do not exist: nobody")
    assert refusal(asked, bakery, fields="id,shoe_size")[1:] == (
        *(100, None),
        "(#100) Tried accessing nonexisting field (shoe_size) on node type (Page)",
    )
    assert refusal(asked, bakery, fields="id{")[1] == 2500
    assert refusal(asked, f"{bakery}/insights", metric="page_media_view")[1] == 190
    assert refusal(asked, f"{cycles}/published_posts", token=page_token)[1] == 190
    assert refusal(asked, f"{bakery}/insights", token=page_token)[1:3] == (3001, 1504028)
    assert "valid insights metric" in refusal(asked, f"{bakery}/insights", page_token, metric="page_impressions")[3]
    assert refusal(asked, f"{bakery}/insights", page_token, metric="page_views_total", since=0, until=7862400)[1] == 100
    fields = "id,insights.metric(post_media_view,post_impressions)"
    assert "valid insights metric" in refusal(asked, f"{bakery}/published_posts", page_token, fields=fields)[3]


def test_a_metric_that_facebook_ends_is_missed_and_costs_no_other(asked, monkeypatch):
    kept = {name: day for name, day in sandbox._DAY_METRICS.items() if name != "page_daily_unfollows_unique"}
    monkeypatch.setattr(sandbox, "_DAY_METRICS", kept)
    rows, http = pull(asked, CLIENTS[0])
    [note] = of(UnavailableRow, rows)
    assert (note.metric, note.native_metric) == ("unfollows", "page_daily_unfollows_unique")
    metrics = Counter(row.metric for row in of(DayRow, rows))
    assert "unfollows" not in metrics
    assert set(metrics.values()) == {29}
    assert len(metrics) == 8
    assert http.calls <= SOURCE.expected_calls(posts=28, days=30) + 4


def test_fields_are_read_with_their_modifiers_and_inner_fields():
    first, second = sandbox.read_fields("id,comments.limit(5).summary(true){id,from{id}}")
    assert (first.name, first.options, first.inner) == ("id", {}, [])
    assert (second.name, second.options) == ("comments", {"limit": "5", "summary": "true"})
    assert [field.name for field in second.inner] == ["id", "from"]
    assert [field.name for field in second.inner[1].inner] == ["id"]


def test_pages_are_cut_where_asked_and_lead_on(asked, page_token):
    bakery = asked.model.account(CLIENTS[0], "facebook").platform_id
    path, ids, after = f"/facebook/v26.0/{bakery}/published_posts", [], {}
    while True:
        params = {"fields": "id", "limit": "7", **after}
        page = asked.http.get(path, params=params, headers={"Authorization": f"Bearer {page_token}"}).json()
        ids += [post["id"] for post in page["data"]]
        if "next" not in page["paging"]:
            break
        assert len(page["data"]) == 7
        after = {"after": page["paging"]["cursors"]["after"]}
    assert len(ids) == len(set(ids)) == len(asked.model.own_posts(CLIENTS[0], "facebook", asked.now))


def inject(asked, route, fault, **options):
    asked.faults.inject(Injection(route=route, fault=fault, **options))


@pytest.mark.parametrize("route", ["facebook.page", "facebook.insights", "facebook.posts"])
def test_a_spent_limit_names_the_time(asked, route):
    inject(asked, route, "rate_limited", seconds=1200)
    with pytest.raises(RateLimited, match="2026-11-17 09:20:00 UTC"):
        pull(asked, CLIENTS[0])


def test_a_token_may_die_in_the_middle(asked):
    inject(asked, "facebook.posts", "unauthorized")
    with pytest.raises(Unauthorized, match="expired"):
        pull(asked, CLIENTS[0])


@pytest.mark.parametrize("client", CLIENTS)
def test_where_an_answer_becomes_too_large_all_is_there_in_more_of_them(asked, client):
    long_ = Window(dt.date(2026, 6, 1), MONTH.last)
    honest, http = pull(asked, client, long_)
    inject(asked, "facebook.posts", "too_much_data")
    rows, more = pull(asked, client, long_)
    assert [counted(row) for row in of(PostRow, rows)] == [counted(row) for row in of(PostRow, honest)]
    assert {row.comment_id for row in of(CommentRow, rows)} == {row.comment_id for row in of(CommentRow, honest)}
    posts = len(of(PostRow, rows))
    assert http.calls < more.calls <= http.calls + 2 + 2 * -(-posts // 25)


def counted(row):
    return row.post_id, row.counts


def test_pages_in_a_circle(asked):
    inject(asked, "facebook.posts", "cursor_loop")
    with pytest.raises(BadAnswer, match="circle"):
        pull(asked, CLIENTS[0])


def test_a_page_that_comes_twice_brings_nothing_false(asked):
    long_ = Window(dt.date(2026, 6, 1), MONTH.last)
    honest, _ = pull(asked, CLIENTS[0], long_)
    inject(asked, "facebook.posts", "duplicate_page", skip=1, times=1)
    rows, _ = pull(asked, CLIENTS[0], long_)
    found, known = ({(row.post_id, row.text, row.published_at) for row in of(PostRow, each)} for each in (rows, honest))
    assert found < known
    assert len(found) == 100 < len(known)


def test_numbers_as_text_are_the_same_numbers(asked):
    honest, _ = pull(asked, CLIENTS[0])
    inject(asked, "facebook.*", "numbers_as_text")
    rows, _ = pull(asked, CLIENTS[0])
    assert [row.value for row in of(DayRow, rows)] == [row.value for row in of(DayRow, honest)]
    for kind in (PostRow, CounterRow, AccountRow):
        assert [row.counts for row in of(kind, rows)] == [row.counts for row in of(kind, honest)]


def test_a_token_is_exchanged(asked):
    extra = {"client_id": sandbox.APP_ID, "client_secret": sandbox.APP_SECRET}
    tokens = SOURCE.renew(client_of(asked, extra=extra))
    assert tokens.token == sandbox.TOKEN
    assert tokens.expires_at - asked.now == dt.timedelta(seconds=5183944)
    with pytest.raises(Unauthorized):
        SOURCE.renew(client_of(asked, extra=extra, token="EAABdead"))


def test_the_past_stays_as_it_was(asked):
    """What a day gave is the same whenever it is asked for."""
    early = {(row.day, row.metric): row.value for row in of(DayRow, pull(asked, CLIENTS[1])[0])}
    asked.now += dt.timedelta(days=20)
    late = {(row.day, row.metric): row.value for row in of(DayRow, pull(asked, CLIENTS[1])[0])}
    assert early.items() <= late.items()


def test_me_is_the_page_of_the_token(asked, page_token):
    call = Call(params={"id": "me", "fields": "id"}, now=asked.now, headers={"authorization": f"Bearer {page_token}"})
    answer = sandbox.page(asked.model, call)
    assert asked.model.account(CLIENTS[0], "facebook").platform_id.encode() in answer.body
