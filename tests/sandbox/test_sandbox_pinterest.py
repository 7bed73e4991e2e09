"""The Pinterest source, pointed at the sandbox's Pinterest, finds exactly what is true."""

import datetime as dt

import pytest

from widerview.sandbox import pinterest
from widerview.sandbox.faults import Injection
from widerview.sandbox.model import SETTLED_AFTER
from widerview.sources.base import AccountRow, DayRow, PostRow, Target, UnavailableRow, Window
from widerview.sources.errors import BadAnswer, RateLimited, Unauthorized, Unavailable
from widerview.sources.http import HttpClient
from widerview.sources.pinterest import SOURCE

ANCHOR = dt.date(2026, 11, 16)
WEEK = Window(ANCHOR - dt.timedelta(days=7), ANCHOR - dt.timedelta(days=1))
MONTH = Window(ANCHOR - dt.timedelta(days=30), ANCHOR - dt.timedelta(days=1))
SETTLED = dt.datetime.combine(ANCHOR, dt.time(), dt.UTC) + SETTLED_AFTER
CLIENT = "hollow-oak-bakery"
KINDS = {"impressions": "views", "clicks": "clicks", "link_clicks": "link_clicks", "bookmarks": "bookmarks"}


@pytest.fixture
def account(asked):
    return asked.model.account(CLIENT, "pinterest")


@pytest.fixture
def target(asked, account):
    zone = str(asked.model.profile(CLIENT).zone)
    return Target(client_id=CLIENT, source="pinterest", ref=account.person.handle, time_zone=zone)


def make_client(asked, token=pinterest.TOKEN, **options):
    url = f"{asked.http.base_url}/pinterest"
    clock, wait = (lambda: asked.now), (lambda seconds: None)
    return HttpClient(base_url=url, budget=60, token=token, clock=clock, sleep=wait, **options)


def pull(asked, target, window, **options):
    http = make_client(asked, **options)
    return [row for page in SOURCE.fetch(target, window, http) for row in SOURCE.parse(target, page)], http.calls


def of(rows, kind):
    return [row for row in rows if isinstance(row, kind)]


def own_pins(asked, target, window):
    opens, closes = (Window(day, day).opens(target.time_zone) for day in (window.first, window.last + dt.timedelta(1)))
    return [pin for pin in asked.model.own_posts(CLIENT, "pinterest", asked.now) if opens <= pin.at < closes]


def test_the_account(asked, target, account):
    rows, _ = pull(asked, target, WEEK)
    [found] = of(rows, AccountRow)
    assert (found.account_id, found.handle, found.name) == (account.platform_id, target.ref, account.person.name)
    assert found.counts["followers"] == asked.model.followers_at(CLIENT, "pinterest", asked.now)
    assert found.counts["posts"] == account.earlier_posts + len(asked.model.own_posts(CLIENT, "pinterest", asked.now))


@pytest.mark.parametrize("window", [WEEK, MONTH], ids=["week", "month"])
def test_every_pin_of_the_window_with_its_words_and_totals(asked, target, window):
    asked.now = SETTLED
    rows, _ = pull(asked, target, window)
    true = own_pins(asked, target, window)
    moments = {pin.at.replace(microsecond=0): pin for pin in true}
    found = [row for row in of(rows, PostRow) if row.published_at in moments]
    assert len(found) == len(moments) == len(true) > 0
    for row in found:
        pin = moments[row.published_at]
        assert (row.text, row.kind, row.links) == (pin.text, "image", (pin.link,) if pin.link else ())
        assert row.counts == {
            "replies": len(asked.model.replies(pin, asked.now)),
            "likes": 0,
            **{metric: pin.count(kind, asked.now) for metric, kind in KINDS.items()},
        }


def test_the_week_sums_up_to_the_truth(asked, target):
    asked.now = SETTLED
    rows, _ = pull(asked, target, WEEK)
    truth = asked.model.truth(CLIENT, WEEK.first)
    moments = {pin.at.replace(microsecond=0) for pin in own_pins(asked, target, WEEK)}
    week = [row for row in of(rows, PostRow) if row.published_at in moments]
    assert len(week) == truth.posts["pinterest"]
    assert sum(row.counts["bookmarks"] for row in week) == truth.reactions["pinterest"]["bookmarks"]
    assert sum(row.counts["impressions"] for row in week) == truth.views["pinterest"]
    assert sum(row.counts["replies"] for row in week) == truth.replies_received["pinterest"]


def test_every_day_in_utc_paid_apart(asked, target, account):
    asked.now = SETTLED
    rows, _ = pull(asked, target, WEEK)
    values = {(row.metric, row.day): row.value for row in of(rows, DayRow)}
    assert len(values) == len(of(rows, DayRow)) == 7 * 6
    assert {row.entity_id for row in of(rows, DayRow)} == {account.platform_id}
    for day in (WEEK.first + dt.timedelta(days=n) for n in range(7)):
        true = {
            metric: asked.model.account_day(CLIENT, "pinterest", kind, day, dt.UTC, asked.now)
            for metric, kind in KINDS.items()
        }
        assert {metric: values[metric, day] for metric in KINDS} == true
        assert values["engagements", day] == true["clicks"] + true["link_clicks"] + true["bookmarks"]
        assert values["paid_impressions", day] == 0


def test_days_that_are_not_ready_are_left_out(asked, target):
    asked.now = dt.datetime(2026, 11, 15, 9, tzinfo=dt.UTC)
    rows, _ = pull(asked, target, WEEK)
    assert max(row.day for row in of(rows, DayRow)) == dt.date(2026, 11, 13)


@pytest.mark.parametrize("window", [WEEK, MONTH], ids=["week", "month"])
def test_a_pull_costs_no_more_calls_than_it_says(asked, target, window):
    rows, calls = pull(asked, target, window)
    posts = len(own_pins(asked, target, window))
    assert of(rows, PostRow)
    assert calls <= SOURCE.expected_calls(posts=posts, days=(window.last - window.first).days + 1) == 5


def test_a_history_longer_than_pinterest_keeps(asked, target):
    rows, _ = pull(asked, target, Window(dt.date(2026, 5, 18), WEEK.last))
    assert min(row.day for row in of(rows, DayRow)) == asked.now.date() - dt.timedelta(days=90)


@pytest.mark.parametrize("token", [None, "pina_wrongwrong"])
def test_a_wrong_token_is_refused_in_pinterests_words(asked, target, token):
    with pytest.raises(Unauthorized, match="Authentication failed"):
        pull(asked, target, WEEK, token=token)


def ask(asked, path, **params):
    answer = asked.http.get(
        f"/pinterest/v5/{path}", headers={"Authorization": f"Bearer {pinterest.TOKEN}"}, params=params
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "changes",
    [
        {"metric_types": "IMPRESSION,VIBES"},
        {"start_date": "2026-08-18"},
        {"end_date": "2026-11-01"},
        {"start_date": "yesterday"},
        {"content_type": "VIRAL"},
    ],
)
def test_wrong_parameters_are_refused(asked, changes):
    dates = {"start_date": "2026-11-02", "end_date": "2026-11-08"}
    assert ask(asked, "user_account/analytics", **dates)[0] == 200
    status, refusal = ask(asked, "user_account/analytics", **(dates | changes))
    assert (status, refusal["code"]) == (400, 400)
    assert "Invalid user accounts analytics parameters" in refusal["message"]


def test_pins_in_small_pages_are_the_same_pins(asked):
    _, whole = ask(asked, "pins", page_size=250)
    found, bookmark = [], None
    while True:
        _, page = ask(asked, "pins", page_size=20, **({"bookmark": bookmark} if bookmark else {}))
        found += page["items"]
        bookmark = page["bookmark"]
        if not bookmark:
            break
    assert [pin["id"] for pin in found] == [pin["id"] for pin in whole["items"]]
    assert len(found) > 40
    assert {pin["pin_metrics"] for pin in found} == {None}
    for wrong in ({"page_size": 251}, {"bookmark": "%%%"}, {"bookmark": "bm9uc2Vuc2U="}):
        assert ask(asked, "pins", **wrong)[0] == 400


def test_a_token_is_exchanged_for_one_that_works(asked, target):
    app = {
        "client_id": pinterest.CLIENT_ID,
        "client_secret": pinterest.CLIENT_SECRET,
        "refresh_token": pinterest.REFRESH_TOKEN,
    }
    tokens = SOURCE.renew(make_client(asked, token="pina_deaddead", extra=app))
    assert tokens.expires_at == asked.now + dt.timedelta(days=30)
    assert tokens.refresh_expires_at == asked.now + dt.timedelta(days=60)
    rows, _ = pull(asked, target, WEEK, token=tokens.token)
    assert of(rows, AccountRow)
    asked.now += dt.timedelta(days=20)
    again = SOURCE.renew(make_client(asked, token=tokens.token, extra=app | {"refresh_token": tokens.refresh_token}))
    assert again.token != tokens.token
    with pytest.raises(Unauthorized, match="expired or revoked"):
        SOURCE.renew(make_client(asked, extra=app | {"refresh_token": "pinr.deaddead"}))
    with pytest.raises(Unauthorized, match="Authentication failed"):
        SOURCE.renew(make_client(asked, extra=app | {"client_secret": "wrongwrong"}))


@pytest.mark.parametrize(
    ("fault", "route", "raised"),
    [
        ("rate_limited", "pinterest.pins", RateLimited),
        ("unauthorized", "pinterest.analytics", Unauthorized),
        ("error_500", "pinterest.user_account", Unavailable),
        ("html_page", "pinterest.analytics", BadAnswer),
        ("cut_json", "pinterest.pins", BadAnswer),
        ("empty", "pinterest.user_account", BadAnswer),
        ("cursor_loop", "pinterest.pins", BadAnswer),
    ],
)
def test_a_fault_is_told_as_what_it_is(asked, target, fault, route, raised):
    asked.faults.inject(Injection(route=route, fault=fault, seconds=120))
    with pytest.raises(raised):
        pull(asked, target, MONTH)


@pytest.mark.parametrize("fault", ["numbers_as_text", "duplicate_page"])
def test_a_fault_that_costs_nothing(asked, target, fault):
    honest, _ = pull(asked, target, WEEK)
    asked.faults.inject(Injection(route="pinterest.*" if fault == "numbers_as_text" else "pinterest.pins", fault=fault))
    spoilt, _ = pull(asked, target, WEEK)
    assert [row.counts for row in of(spoilt, PostRow)] == [row.counts for row in of(honest, PostRow)]
    assert [row.value for row in of(spoilt, DayRow)] == [row.value for row in of(honest, DayRow)]
    assert not of(spoilt, UnavailableRow)
