"""The LinkedIn source, pointed at the sandbox's LinkedIn, finds exactly what is true."""

import datetime as dt

import pytest

from widerview.sandbox import linkedin
from widerview.sandbox.faults import Injection
from widerview.sandbox.model import PROFILES, SETTLED_AFTER
from widerview.sources.base import AccountRow, CommentRow, CounterRow, DayRow, PostRow, Target, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized, Unavailable
from widerview.sources.http import HttpClient
from widerview.sources.linkedin import SOURCE, VERSION

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
MONTH = Window(ANCHOR - dt.timedelta(days=30), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
ON_LINKEDIN = [
    (profile, account) for profile in PROFILES for account in profile.accounts if account.person.platform == "linkedin"
]
EACH = pytest.mark.parametrize(("profile", "account"), ON_LINKEDIN, ids=[p.key for p, _ in ON_LINKEDIN])


def make_client(asked, token=linkedin.TOKEN, **options):
    url = f"{asked.http.base_url}/linkedin"
    servers = {"https://www.linkedin.com": url}
    clock, wait = (lambda: asked.now), (lambda seconds: None)
    return HttpClient(base_url=url, budget=100, token=token, servers=servers, clock=clock, sleep=wait, **options)


def make_target(profile, ref):
    return Target(client_id=profile.key, source="linkedin", ref=ref, time_zone=str(profile.zone))


def pull(asked, profile, account, window, **options):
    target, http = make_target(profile, account.person.handle), make_client(asked, **options)
    rows = [row for page in SOURCE.fetch(target, window, http) for row in SOURCE.parse(target, page)]
    return rows, http.calls


def of(rows, kind):
    return [row for row in rows if isinstance(row, kind)]


def urn(account):
    return f"urn:li:organization:{account.platform_id}"


@EACH
def test_the_page_and_its_followers(asked, profile, account):
    rows, _ = pull(asked, profile, account, WEEK)
    [page] = of(rows, AccountRow)
    assert (page.account_id, page.handle, page.name) == (urn(account), account.person.handle, account.person.name)
    [followers] = [row for row in of(rows, CounterRow) if row.post_id is None]
    assert followers.counts == {"followers": asked.model.followers_at(profile.key, "linkedin", asked.now)}
    assert followers.account_id == page.account_id


@EACH
def test_every_post_of_the_week_with_its_words_and_totals(asked, profile, account):
    asked.now = SETTLED
    rows, _ = pull(asked, profile, account, WEEK)
    opens, closes = WEEK.opens(str(profile.zone)), Window(ANCHOR, ANCHOR).opens(str(profile.zone))
    week = [post for post in asked.model.own_posts(profile.key, "linkedin", asked.now) if opens <= post.at < closes]
    truth = asked.model.truth(profile.key, WEEK.first)
    found = [row for row in of(rows, PostRow) if opens <= row.published_at < closes]
    assert len(found) == len(week) == truth.posts["linkedin"] > 0
    assert [row.published_at for row in found] == [post.at for post in week]
    for row, post in zip(found, week, strict=True):
        assert row.text.startswith(post.text)
        assert (post.link in row.links) if post.link else row.links == ()
        assert row.kind == ("image" if post.image else "link" if post.link else "text")
    totals = {row.post_id: row for row in of(rows, CounterRow) if row.post_id}
    assert {key: row.published_at for key, row in totals.items()} == {row.post_id: row.published_at for row in found}
    for metric, true in {
        "likes": truth.reactions["linkedin"]["likes"],
        "reposts": truth.reactions["linkedin"]["reposts"],
        "clicks": truth.reactions["linkedin"]["clicks"],
        "impressions": truth.views["linkedin"],
        "replies": truth.replies_received["linkedin"],
    }.items():
        assert sum(row.counts[metric] for row in totals.values()) == true
    reached = sum(asked.model.reached(post, asked.now) for post in week)
    assert sum(row.counts["reach"] for row in totals.values()) == reached


@EACH
def test_every_day_in_utc(asked, profile, account):
    asked.now = SETTLED
    rows, _ = pull(asked, profile, account, WEEK)
    values = {(row.metric, row.day): row.value for row in of(rows, DayRow)}
    assert len(values) == len(of(rows, DayRow)) == 7 * 8
    for day in (WEEK.first + dt.timedelta(days=n) for n in range(7)):
        for metric, kind in {"impressions": "views", "clicks": "clicks", "likes": "likes", "reposts": "reposts",
                             "replies": "replies"}.items():  # fmt: skip
            true = asked.model.account_day(profile.key, "linkedin", kind, day, dt.UTC, asked.now)
            assert values[metric, day] == true
        assert values["reach", day] == asked.model.reached_day(profile.key, "linkedin", day, dt.UTC, asked.now)
        assert values["follows", day] == asked.model.follows_day(profile.key, "linkedin", day, dt.UTC, asked.now)[0]
        assert values["paid_follows", day] == 0


@EACH
def test_days_that_are_not_there_yet_are_left_out(asked, profile, account):
    asked.now = dt.datetime(2026, 11, 15, 9, tzinfo=dt.UTC)
    rows, _ = pull(asked, profile, account, WEEK)
    last = {metric: max(row.day for row in of(rows, DayRow) if row.metric == metric) for metric in ("likes", "follows")}
    assert last == {"likes": dt.date(2026, 11, 14), "follows": dt.date(2026, 11, 13)}


@EACH
def test_the_conversation_of_the_week(asked, profile, account):
    asked.now = SETTLED
    rows, _ = pull(asked, profile, account, WEEK)
    found = {row.comment_id: row for row in of(rows, CommentRow)}
    opens, closes = WEEK.opens(str(profile.zone)), Window(ANCHOR, ANCHOR).opens(str(profile.zone))
    week = [post for post in asked.model.own_posts(profile.key, "linkedin", asked.now) if opens <= post.at < closes]
    said = [comment for post in week for comment in asked.model.replies(post, asked.now)]
    answers = [answer for comment in said for answer in asked.model.replies(comment, asked.now)]
    assert len(of(rows, CommentRow)) == len(found) == len(said) + len(answers)
    assert sorted((row.published_at, row.text) for row in found.values() if not row.own) == sorted(
        (comment.at, comment.text) for comment in said
    )
    own = [row for row in found.values() if row.own]
    assert sorted((row.published_at, row.text) for row in own) == sorted((post.at, post.text) for post in answers)
    assert {row.author for row in own} <= {urn(account)}
    assert all(row.reply_to in found and not found[row.reply_to].own for row in own)
    assert {row.post_id for row in found.values()} <= {row.post_id for row in of(rows, PostRow)}


@EACH
@pytest.mark.parametrize("window", [WEEK, MONTH], ids=["week", "month"])
def test_a_pull_costs_no_more_calls_than_it_says(asked, profile, account, window):
    asked.now = dt.datetime.combine(ANCHOR, dt.time(4), dt.UTC)
    rows, calls = pull(asked, profile, account, window)
    opens = window.opens(str(profile.zone))
    posts = sum(row.published_at >= opens for row in of(rows, PostRow))
    assert posts > 0
    assert calls <= SOURCE.expected_calls(posts=posts, days=(window.last - window.first).days + 1) <= 48


PROFILE, ACCOUNT = ON_LINKEDIN[0]


def test_days_are_given_in_the_pages_that_are_asked_for(asked):
    asked.now = SETTLED
    start, end = (round(dt.datetime(2026, 11, day, tzinfo=dt.UTC).timestamp() * 1000) for day in (1, 13))
    interval = f"(timeRange:(start:{start},end:{end}),timeGranularityType:DAY)"
    params = {"q": "organizationalEntity", "organizationalEntity": urn(ACCOUNT), "timeIntervals": interval}
    for path in ("organizationalEntityShareStatistics", "organizationalEntityFollowerStatistics"):
        _, first = ask(asked, path, **params)
        _, rest = ask(asked, path, **params, start="10", count="10")
        _, every = ask(asked, path, **params, count="100")
        assert (len(first["elements"]), len(rest["elements"])) == (10, 2)
        assert first["paging"]["links"][0]["href"].endswith("count=10&start=10")
        assert first["elements"] + rest["elements"] == every["elements"]
        assert rest["paging"]["links"] == every["paging"]["links"] == []


@pytest.mark.parametrize("token", [None, "AQVwrongwrongwrong"])
def test_a_wrong_token_is_refused_in_linkedins_words(asked, token):
    with pytest.raises(Unauthorized, match="INVALID_ACCESS_TOKEN"):
        pull(asked, PROFILE, ACCOUNT, WEEK, token=token)


def test_a_page_that_does_not_exist(asked):
    target = make_target(PROFILE, "no-such-page")
    with pytest.raises(NotFound, match="no-such-page"):
        list(SOURCE.fetch(target, WEEK, make_client(asked)))


def ask(asked, path, headers=(), **params):
    sent = {
        "Authorization": f"Bearer {linkedin.TOKEN}",
        "LinkedIn-Version": VERSION,
        "X-Restli-Protocol-Version": "2.0.0",
    }
    answer = asked.http.get(f"/linkedin/rest/{path}", headers=sent | dict(headers), params=params)
    return answer.status_code, answer.json()


def test_a_version_that_ended_and_none_at_all(asked):
    status, refusal = ask(asked, "posts", {"LinkedIn-Version": "202511"}, q="author", author=urn(ACCOUNT))
    assert (status, refusal["code"]) == (426, "NONEXISTENT_VERSION")
    bare = asked.http.get("/linkedin/rest/posts", headers={"Authorization": f"Bearer {linkedin.TOKEN}"})
    assert (bare.status_code, bare.json()["code"]) == (400, "VERSION_MISSING")


@pytest.mark.parametrize(
    ("path", "params", "refused"),
    [
        ("posts", {"q": "author", "author": urn(ACCOUNT), "fields": "x"}, (400, "QUERY_PARAM_NOT_ALLOWED")),
        ("posts", {"q": "author", "author": urn(ACCOUNT), "count": "101"}, (400, "PARAM_INVALID")),
        ("posts", {"q": "author", "author": "urn:li:organization:1"}, (403, "ACCESS_DENIED")),
        ("networkSizes/urn:li:organization:1", {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}, (404, "NOT_FOUND")),
        (
            "organizationalEntityShareStatistics",
            {"q": "organizationalEntity", "organizationalEntity": urn(ACCOUNT), "timeIntervals": "(start:1)"},
            (400, "PARAM_INVALID"),
        ),
        (
            "organizationalEntityShareStatistics",
            {"q": "organizationalEntity", "organizationalEntity": urn(ACCOUNT), "shares": "List(urn:li:share:1)"},
            (403, "ACCESS_DENIED"),
        ),
        (
            "organizationalEntityShareStatistics",
            {"q": "organizationalEntity", "shares": f"List({','.join(['urn:li:share:7000000000000000000'] * 110)})"},
            (414, "URI_TOO_LONG"),
        ),
        ("socialActions/urn:li:share:1/comments", {}, (404, "NOT_FOUND")),
    ],
)
def test_what_linkedin_does_not_know_is_refused_in_its_words(asked, path, params, refused):
    status, answer = ask(asked, path, **params)
    assert (status, answer["code"], answer["status"]) == (*refused, refused[0])


def test_a_post_that_does_not_say_it_means_get_is_no_question(asked):
    sent = {"Authorization": f"Bearer {linkedin.TOKEN}", "LinkedIn-Version": VERSION}
    answer = asked.http.post("/linkedin/rest/organizationalEntityShareStatistics", headers=sent, data={"q": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_a_token_is_exchanged_for_one_that_works(asked):
    app = {
        "client_id": linkedin.CLIENT_ID,
        "client_secret": linkedin.CLIENT_SECRET,
        "refresh_token": linkedin.REFRESH_TOKEN,
    }
    tokens = SOURCE.renew(make_client(asked, token="AQVdeaddeaddead", extra=app))
    assert tokens.expires_at == asked.now + dt.timedelta(days=60)
    assert tokens.refresh_token is None
    rows, _ = pull(asked, PROFILE, ACCOUNT, WEEK, token=tokens.token)
    assert of(rows, AccountRow)
    with pytest.raises(Unauthorized, match="refresh token is invalid"):
        SOURCE.renew(make_client(asked, extra=app | {"refresh_token": "AQWdeaddeaddead"}))


@pytest.mark.parametrize(
    ("fault", "route", "raised"),
    [
        ("rate_limited", "linkedin.shareStatistics", RateLimited),
        ("unauthorized", "linkedin.posts", Unauthorized),
        ("error_503", "linkedin.networkSizes", Unavailable),
        ("html_page", "linkedin.followerStatistics", BadAnswer),
        ("cut_json", "linkedin.posts", BadAnswer),
        ("empty", "linkedin.organizations", BadAnswer),
        ("cursor_loop", "linkedin.posts", BadAnswer),
    ],
)
def test_a_fault_is_told_as_what_it_is(asked, fault, route, raised):
    asked.faults.inject(Injection(route=route, fault=fault))
    with pytest.raises(raised):
        pull(asked, PROFILE, ACCOUNT, Window(asked.model.first_day, WEEK.last))


@pytest.mark.parametrize("fault", ["numbers_as_text", "duplicate_page"])
def test_a_fault_that_costs_nothing(asked, fault):
    honest, _ = pull(asked, PROFILE, ACCOUNT, WEEK)
    asked.faults.inject(Injection(route="linkedin.posts" if fault == "duplicate_page" else "linkedin.*", fault=fault))
    spoilt, _ = pull(asked, PROFILE, ACCOUNT, WEEK)
    assert [row.counts for row in of(spoilt, CounterRow)] == [row.counts for row in of(honest, CounterRow)]
    assert {row.value for row in of(spoilt, DayRow)} == {row.value for row in of(honest, DayRow)}
