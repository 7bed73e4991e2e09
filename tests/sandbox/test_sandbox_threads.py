"""The sandbox's Threads: the source finds exactly what is true, within its calls."""

import datetime as dt
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest

from widerview.sandbox.faults import Injection
from widerview.sandbox.threads import TOKEN
from widerview.sources.base import AccountRow, CommentRow, CounterRow, DayRow, PostRow, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.threads import SOURCE

ANCHOR = dt.date(2026, 11, 16)
MONTH = Window(ANCHOR - dt.timedelta(days=31), ANCHOR - dt.timedelta(days=1))
PACIFIC = ZoneInfo("America/Los_Angeles")
CLIENT = "hollow-oak-bakery"


def http(asked, token=TOKEN, **options) -> HttpClient:
    base = f"{str(asked.http.base_url).rstrip('/')}/threads"
    values = {"budget": 200, "sleep": lambda seconds: None, "clock": lambda: asked.now} | options
    return HttpClient(base_url=base, token=token, **values)


def pull(asked, token=TOKEN, window=MONTH, ref="hollowoakbakery", **options):
    target = Target(client_id=CLIENT, source="threads", ref=ref, time_zone="Europe/Berlin")
    asking = http(asked, token, **options)
    rows = [row for page in SOURCE.fetch(target, window, asking) for row in SOURCE.parse(target, page)]
    return rows, asking.calls


def of(rows, type_):
    return [row for row in rows if isinstance(row, type_)]


def in_window(asked, window=MONTH):
    opens = window.opens("Europe/Berlin")
    return [post for post in asked.model.own_posts(CLIENT, "threads", asked.now) if post.at >= opens]


def below(model, post, now):
    return [reply for comment in model.replies(post, now) for reply in (comment, *below(model, comment, now))]


def test_the_account(asked) -> None:
    rows, _ = pull(asked)
    [account] = of(rows, AccountRow)
    [followers] = [row for row in of(rows, CounterRow) if row.post_id is None]
    assert account.account_id == followers.account_id == asked.model.account(CLIENT, "threads").platform_id
    assert followers.counts == {"followers": asked.model.followers_at(CLIENT, "threads", asked.now)}


def test_posts_and_their_numbers(asked) -> None:
    rows, _ = pull(asked)
    posts = {row.published_at: row for row in of(rows, PostRow)}
    truth = in_window(asked)
    assert len(truth) > 10
    for post in truth:
        row = posts[post.at.replace(microsecond=0)]
        assert row.text == post.text
        assert row.links == ((post.link,) if post.link else ())
        assert row.counts == {
            "views": post.count("views", asked.now),
            "likes": post.count("likes", asked.now),
            "replies": len(below(asked.model, post, asked.now)),
            "reposts": post.count("reposts", asked.now),
            "quotes": post.count("quotes", asked.now),
            "shares": post.count("shares", asked.now),
        }
    opens = MONTH.opens("Europe/Berlin")
    assert sum(at >= opens for at in posts) == len(truth)


def test_posts_of_others_are_passed_on_and_give_no_rows(asked) -> None:
    passed_on = [entry for entry in asked.model.timeline(CLIENT, "threads", asked.now) if entry.repost]
    assert len(passed_on) > 5
    rows, _ = pull(asked, window=Window(asked.model.first_day, MONTH.last))
    own = asked.model.own_posts(CLIENT, "threads", asked.now)
    assert len(of(rows, PostRow)) == len(own)
    assert not {entry.post.text for entry in passed_on} & {row.text for row in of(rows, PostRow)}


def test_conversations_of_the_ten_newest_posts_of_the_week(asked) -> None:
    model, now = asked.model, asked.now
    rows, _ = pull(asked)
    posts = {row.post_id: row.published_at for row in of(rows, PostRow)}
    found = defaultdict(list)
    for row in of(rows, CommentRow):
        found[posts[row.post_id]].append((row.published_at, row.text, row.own, row.reply_to is None))
    opens = Window(MONTH.last - dt.timedelta(days=6), MONTH.last).opens("Europe/Berlin")
    ends = Window(ANCHOR, ANCHOR).opens("Europe/Berlin")
    talked = [post for post in in_window(asked) if opens <= post.at < ends and model.replies(post, now)][:10]
    assert len(talked) > 3
    assert sorted(found) == sorted(post.at.replace(microsecond=0) for post in talked)
    own = 0
    for post in talked:
        truth = [
            (reply.at.replace(microsecond=0), reply.text, reply.author == post.author, reply.parent == post)
            for reply in below(model, post, now)
        ]
        assert sorted(found[post.at.replace(microsecond=0)]) == sorted(truth)
        own += sum(is_own for _, _, is_own, _ in truth)
    assert own > 0


def test_days_are_pacific(asked) -> None:
    told = defaultdict(dict)
    for row in of(pull(asked)[0], DayRow):
        assert row.zone == "America/Los_Angeles"
        told[row.day][row.metric] = row.value
    assert sorted(told) == [ANCHOR - dt.timedelta(days=ago) for ago in range(7, 0, -1)]
    for day, values in told.items():
        for metric in ("likes", "reposts", "quotes"):
            assert values[metric] == asked.model.account_day(CLIENT, "threads", metric, day, PACIFIC, asked.now)
        assert values["link_clicks"] == values["likes"] // 3
    assert sum(values["replies"] for values in told.values()) > 0


@pytest.mark.parametrize("length", [1, 31, 60, 170])
def test_no_more_calls_than_stated(asked, length) -> None:
    window = Window(MONTH.last - dt.timedelta(days=length - 1), MONTH.last)
    _, calls = pull(asked, window=window)
    assert calls <= SOURCE.expected_calls(posts=len(in_window(asked, window)), days=length)
    assert SOURCE.expected_calls(posts=90, days=31) == 21


def test_a_wrong_token_is_refused(asked) -> None:
    with pytest.raises(Unauthorized, match="190"):
        pull(asked, "THAAwrongButLongEnough")


def test_an_account_of_another_name_is_not_read(asked) -> None:
    with pytest.raises(NotFound, match="hollowoakbakery"):
        pull(asked, ref="hillbakery")


def test_tokens_are_renewed(asked) -> None:
    tokens = SOURCE.renew(http(asked))
    assert tokens.token == TOKEN
    assert dt.timedelta(days=59) < tokens.expires_at - asked.now < dt.timedelta(days=61)
    with pytest.raises(Unauthorized):
        SOURCE.renew(http(asked, "THAAwrongButLongEnough"))


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("{id}/threads_insights", {"metric": "impressions"}),
        ("{id}/threads", {"fields": "id,insights.metric(saves)"}),
    ],
)
def test_unknown_metrics_are_refused_as_meta_does(asked, path, params) -> None:
    account = asked.model.account(CLIENT, "threads").platform_id
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = asked.http.get(f"/threads/v1.0/{path.format(id=account)}", params=params, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert "metric" in answer.json()["error"]["message"]


def test_the_metrics_asked_for_are_all_known(asked) -> None:
    rows, _ = pull(asked, one_metric_a_call=True)
    assert of(rows, UnavailableRow) == []


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("rate_limited", RateLimited),
        ("unauthorized", Unauthorized),
        ("html_page", BadAnswer),
        ("cut_json", BadAnswer),
        ("cursor_loop", BadAnswer),
    ],
)
def test_faults_are_told_from_each_other(asked, fault, raised) -> None:
    asked.faults.inject(Injection(route="threads.threads", fault=fault, seconds=600))
    with pytest.raises(raised):
        pull(asked, window=Window(asked.model.first_day, MONTH.last))


def test_numbers_as_text_are_the_same_numbers(asked) -> None:
    honest, _ = pull(asked)
    asked.faults.inject(Injection(route="threads.*", fault="numbers_as_text"))
    rows, _ = pull(asked)

    def values(found):
        totals = [(row.post_id, *pair) for row in of(found, CounterRow) for pair in row.counts.items()]
        return Counter([*totals, *((row.day, row.metric, row.value) for row in of(found, DayRow))])

    assert values(rows) == values(honest)
