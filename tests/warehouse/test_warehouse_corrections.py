"""Corrections: what was said, what is known now, and why; and nothing that has merely grown."""

import datetime as dt
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from warehouse_pulls import CLIENT, MONDAY, account, at, counter, day, load, post, receipt

from widerview.sources.base import Row
from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot

WEEK = 7 * 24.0
END = WEEK - 1
"""Midnight in Berlin after the Sunday, which is 23:00 UTC."""
THEN = WEEK + 30
NOW = 3 * WEEK
AGE = dt.timedelta(hours=THEN - END)
SITE = "site-7"


def corrections(engine: Engine, *, then: float = THEN, now: float = NOW, client: str = CLIENT) -> list[read.Correction]:
    with client_snapshot(engine, client) as connection:
        return read.corrections(
            connection, client, then=at(then), now=at(now), first_day=MONDAY, last_day=MONDAY + dt.timedelta(days=6),
            first_utc=at(-1), last_utc_exclusive=at(END), zone="Europe/Berlin", age=AGE,
        )  # fmt: skip


def short(found: list[read.Correction]) -> list[tuple[str, str, float | None, float | None, str]]:
    return [(each.entity_id, each.metric, each.said, each.known, each.why) for each in found]


def test_a_revision_of_a_day_says_everything_about_both_values(warehouse: Engine) -> None:
    load(warehouse, [day(WEEK, 412.0), day(WEEK, 40.0, dimension="channel", member="social")], load_id="1", ended=WEEK,
         ref=SITE)  # fmt: skip
    load(warehouse, [day(WEEK + 50, 398.0)], load_id="2", ended=WEEK + 50, ref=SITE)
    assert corrections(warehouse) == [
        read.Correction(
            source="bluesky", entity="site", entity_id=SITE, day=MONDAY, dimension="total", member="",
            metric="visits", said=412.0, known=398.0, why="platform revision", said_observed_at=at(WEEK),
            known_observed_at=at(WEEK + 50), said_receipt=receipt(WEEK), known_receipt=receipt(WEEK + 50),
        )
    ]  # fmt: skip
    assert corrections(warehouse, now=WEEK + 49) == [], "not known yet"
    assert corrections(warehouse, then=WEEK + 50) == [], "said already"
    assert corrections(warehouse, client="quay-gym") == []


@pytest.mark.parametrize(
    ("pulls", "expected"),
    [
        pytest.param([(WEEK + 50, WEEK + 50, 7.0, "")], (None, 7.0, "late data"), id="nothing had been known"),
        pytest.param(
            [(WEEK, WEEK, 5.0, ""), (WEEK + 20, WEEK + 40, 7.0, "")],
            (5.0, 7.0, "late data"),
            id="it had been given, and was loaded afterwards",
        ),
        pytest.param([(WEEK + 20, WEEK + 40, 7.0, "")], (None, 7.0, "late data"), id="all that was known came late"),
        pytest.param(
            [(WEEK, WEEK, None, ""), (WEEK + 50, WEEK + 50, 7.0, "")],
            (None, 7.0, "platform revision"),
            id="it had not been reported",
        ),
        pytest.param(
            [(WEEK, WEEK, 5.0, ""), (WEEK + 50, WEEK + 50, None, "")],
            (5.0, None, "platform revision"),
            id="it is not reported any more",
        ),
        pytest.param(
            [(WEEK, WEEK, 5.0, ""), (WEEK, WEEK + 40, 7.0, "better code")],
            (5.0, 7.0, "our fix"),
            id="the same answer is read otherwise",
        ),
        pytest.param(
            [(WEEK, WEEK, 5.0, ""), (WEEK + 20, WEEK + 20, 5.0, ""), (WEEK + 20, WEEK + 40, 7.0, "better code")],
            (5.0, 7.0, "our fix"),
            id="an answer that had brought nothing new is read otherwise",
        ),
        pytest.param(
            [(WEEK, WEEK, "nothing", ""), (WEEK, WEEK + 40, 7.0, "better code")],
            (None, 7.0, "our fix"),
            id="an answer is read that had not been understood",
        ),
        pytest.param(
            [(WEEK, WEEK, 5.0, ""), (WEEK + 50, WEEK + 50, 6.0, ""), (WEEK + 60, WEEK + 60, 5.0, "")],
            None,
            id="there and back",
        ),
    ],
)
def test_why_a_days_value_is_another_one(
    warehouse: Engine,
    pulls: list[tuple[float, float, float | str | None, str]],
    expected: tuple[float | None, float | None, str] | None,
) -> None:
    for observed, recorded, value, digest in pulls:
        rows: list[Row] = [] if isinstance(value, str) else [day(observed, value)]
        load(warehouse, rows, load_id=str(observed), ended=observed, recorded=recorded, digest=digest, ref=SITE)
    assert short(corrections(warehouse)) == ([(SITE, "visits", *expected)] if expected else [])


def test_another_targets_pull_does_not_make_a_late_one_our_fix(warehouse: Engine) -> None:
    load(warehouse, [day(WEEK, 5.0)], load_id="1", ended=WEEK, ref=SITE)
    load(warehouse, [account(WEEK + 20)], load_id="2", ended=WEEK + 20)
    load(warehouse, [day(WEEK + 20, 7.0)], load_id="3", ended=WEEK + 20, recorded=WEEK + 40, ref=SITE)
    assert short(corrections(warehouse)) == [(SITE, "visits", 5.0, 7.0, "late data")]


def test_running_totals_that_grow_after_the_cutoff_are_no_corrections(warehouse: Engine) -> None:
    load(warehouse, [account(10), post(10), counter(10, 3)], load_id="1", ended=10)
    load(warehouse, [counter(THEN, 9)], load_id="2", ended=THEN)
    load(warehouse, [counter(THEN + 1, 12), counter(THEN + 1, 40, "did:1", "followers")], load_id="3", ended=THEN + 1)
    assert corrections(warehouse) == []


def test_why_a_running_total_at_its_cutoff_is_another_one(warehouse: Engine) -> None:
    first = [account(10), post(10, "fixed"), post(10, "slow"), counter(10, 2, "slow")]
    load(warehouse, [*first, counter(10, 3, "fixed")], load_id="1", ended=10)
    load(warehouse, [counter(WEEK + 20, 8, "slow")], load_id="2", ended=WEEK + 20, recorded=WEEK + 40)
    load(warehouse, [counter(WEEK + 50, 90, "slow")], load_id="3", ended=WEEK + 50)
    better = [*first, counter(10, 4, "fixed"), counter(10, 1, "fixed", "quotes")]
    load(warehouse, better, load_id="1", ended=10, recorded=WEEK + 60, digest="better code")
    assert short(corrections(warehouse)) == [
        ("fixed", "likes", 3, 4, "our fix"),
        ("fixed", "quotes", None, 1, "our fix"),
        ("slow", "likes", 2, 8, "late data"),
    ]


def test_posts_that_come_late_are_moved_or_turn_out_to_be_answers(warehouse: Engine) -> None:
    def answer(hours: float, post_id: str) -> Row:
        return msgspec.structs.replace(post(hours, post_id, published=5), reply_to="at://guest")

    first = [account(10), post(10, "away", published=5), counter(10, 3, "away", published=5),
             post(10, "in", published=WEEK), post(10, "answer", published=5)]  # fmt: skip
    load(warehouse, first, load_id="1", ended=10)
    load(
        warehouse,
        [
            post(WEEK + 50, "away", published=WEEK + 5),
            post(WEEK + 50, "in", published=5),
            post(WEEK + 50, "late", published=5),
            counter(WEEK + 50, 6, "late", published=5),
            post(WEEK + 50, "elsewhere", published=WEEK + 5),
            answer(WEEK + 50, "late answer"),
            counter(WEEK + 50, 2, "late answer", published=5),
        ],
        load_id="2",
        ended=WEEK + 50,
    )
    load(warehouse, [account(10), answer(10, "answer")], load_id="1", ended=10, recorded=WEEK + 60, digest="better")
    assert short(corrections(warehouse)) == [
        ("answer", "post", 1, None, "our fix"),
        ("answer", "reply", None, 1, "our fix"),
        ("away", "post", 1, None, "platform revision"),
        ("in", "post", None, 1, "platform revision"),
        ("late", "likes", None, 6, "late data"),
        ("late", "post", None, 1, "late data"),
        ("late answer", "reply", None, 1, "late data"),
    ]


def test_better_code_may_move_a_post_without_leaving_it_behind(warehouse: Engine) -> None:
    load(warehouse, [account(10), post(10, published=5)], load_id="1", ended=10)
    load(warehouse, [account(10), post(10, published=WEEK)], load_id="1", ended=10, recorded=WEEK + 60, digest="better")
    assert short(corrections(warehouse)) == [("p1", "post", 1, None, "our fix")]
    with client_snapshot(warehouse, CLIENT) as connection:
        assert read.posts(connection, CLIENT, at(NOW), at(-1), at(END)) == []
        assert len(read.posts(connection, CLIENT, at(NOW), at(END), at(2 * END))) == 1


@pytest.mark.parametrize(
    ("monday", "end"),
    [
        (dt.date(2026, 10, 19), "2026-10-25T23:00+00:00"),  # a week of 169 hours
        (dt.date(2026, 3, 23), "2026-03-29T22:00+00:00"),  # a week of 167 hours
    ],
)
def test_when_the_clocks_change_the_cutoff_and_the_days_do_not_slip(
    warehouse: Engine, monday: dt.date, end: str
) -> None:
    week_ends, second = dt.datetime.fromisoformat(end), dt.timedelta(seconds=1)
    sunday, age = monday + dt.timedelta(days=6), dt.timedelta(days=2)
    cutoff = week_ends + age

    def seen(row: Row, moment: dt.datetime, published: dt.datetime | None = None) -> Row:
        moved = {"published_at": published} if published else {}
        return msgspec.structs.replace(row, observed_at=moment, **moved)

    last, next_week = week_ends - second, week_ends
    load(
        warehouse,
        [
            seen(post(0, "last"), week_ends, last), seen(counter(0, 1, "last"), week_ends, last),
            seen(post(0, "next"), week_ends, next_week), seen(counter(0, 1, "next"), week_ends, next_week),
            seen(day(0, 23.0, sunday), week_ends), seen(day(0, 1.0, sunday + dt.timedelta(days=1)), week_ends),
        ],
        load_id="in time", ended=0, recorded=-9000,
    )  # fmt: skip
    load(
        warehouse,
        [
            seen(counter(0, 2, "last"), cutoff, last), seen(counter(0, 5, "last", "reposts"), cutoff + second, last),
            seen(counter(0, 3, "next"), cutoff, next_week),
            seen(day(0, 25.0, sunday), cutoff), seen(day(0, 2.0, sunday + dt.timedelta(days=1)), cutoff),
        ],
        load_id="late", ended=1, recorded=5000,
    )  # fmt: skip
    load(warehouse, [seen(counter(0, 9, "last"), cutoff + second, last)], load_id="grown", ended=2, recorded=5000)
    with client_snapshot(warehouse, CLIENT) as connection:
        found = read.corrections(
            connection, CLIENT, then=cutoff, now=at(5000), first_day=monday, last_day=sunday,
            first_utc=week_ends - dt.timedelta(days=6), last_utc_exclusive=week_ends, zone="Europe/Berlin", age=age,
        )  # fmt: skip
    assert [(each.entity_id, each.day, each.metric, each.said, each.known) for each in found] == [
        (SITE, sunday, "visits", 23.0, 25.0),
        ("last", None, "likes", 1, 2),
        ("last", None, "reposts", None, 5),
    ]


clients = (f"client-{number}" for number in count())
hours = st.integers(int(END) - 5, int(END) + 80)


def test_corrections_are_the_difference_between_the_reads_of_both_moments(warehouse: Engine) -> None:
    @settings(max_examples=30)
    @given(
        pulls=st.dictionaries(
            hours, st.tuples(st.integers(0, 60), st.integers(0, 3), st.sampled_from(["p1", "p2"])), max_size=8
        ),
        then=hours,
        later=st.integers(0, 80),
    )
    def are(pulls: dict[int, tuple[int, int, str]], then: int, later: int) -> None:
        client = next(clients)
        load(warehouse, [account(1, client=client), post(1, "p1", client=client), post(1, "p2", client=client)],
             load_id="posts", ended=1, client=client)  # fmt: skip
        for observed, (delay, value, which) in pulls.items():
            rows = [counter(observed, value, which, client=client), day(observed, value, client=client)]
            load(warehouse, rows, load_id=str(observed), ended=observed, recorded=observed + delay, client=client)

        def known(as_of: float) -> dict[str, float | None]:
            with client_snapshot(warehouse, client) as connection:
                likes = read.post_counters(
                    connection, client, at(as_of), at(-1), at(END), zone="Europe/Berlin", age=AGE
                )
                visits = read.day_values(connection, client, at(as_of), MONDAY, MONDAY, "visits", "total")
            return {each.post_id: each.value for each in likes} | {each.entity_id: each.value for each in visits}

        before, after = known(then), known(then + later)
        found = {each.entity_id: each for each in corrections(warehouse, then=then, now=then + later, client=client)}
        assert {name: (each.said, each.known) for name, each in found.items()} == {
            name: (before.get(name), after[name]) for name in after if before.get(name) != after[name]
        }
        assert corrections(warehouse, then=then, now=then, client=client) == []
        for each in found.values():
            if each.why == "platform revision":
                assert each.known_observed_at > at(then)

    are()
