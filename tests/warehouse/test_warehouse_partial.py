"""Answers that tell a part: totals apart from their post, a metric by itself, one total held back."""

import datetime as dt
from itertools import permutations

import pytest
from sqlalchemy import Engine, text
from warehouse_pulls import CLIENT, account, at, counted, counter, day, dump, load, post, receipt, values_of

from widerview.quality.verdict import Rejected
from widerview.sources.base import Row
from widerview.warehouse import read
from widerview.warehouse.load import LoadCounts, LoadError


def totals(engine: Engine, as_of: float = 99, post_id: str = "p1") -> dict[str, int | None]:
    with engine.connect() as connection:
        found = read.post_counters(connection, CLIENT, at(as_of), at(-1), at(1))
    return {each.metric: each.value for each in found if each.post_id == post_id}


@pytest.mark.parametrize("together", [True, False])
def test_totals_come_before_after_and_apart_from_their_post(warehouse: Engine, together: bool) -> None:
    for case, order in enumerate(permutations(["post", "counter", "other"])):
        name = f"p{case}"
        rows: dict[str, Row] = {
            "post": post(1, name, likes=3),
            "counter": counter(2, 70, name, "views"),
            "other": counter(3, None, name, "saves"),
        }
        arriving = [[rows[each] for each in order]] if together else [[rows[each]] for each in order]
        for number, pulled in enumerate(arriving):
            ended = max(row.observed_at - at(0) for row in pulled) / dt.timedelta(hours=1)
            load(warehouse, pulled, load_id=f"{name} {number}", ended=ended, recorded=10 + number)
        assert [each for each in counted(warehouse) if each[0] == name] == [
            (name, "likes", at(1), 3),
            (name, "saves", at(3), None),
            (name, "views", at(2), 70),
        ]
        assert totals(warehouse, post_id=name) == {"likes": 3, "views": 70, "saves": None}


def test_totals_without_their_post_are_kept_and_shown_once_it_is_known(warehouse: Engine) -> None:
    load(warehouse, [counter(1, 70, metric="views")], load_id="one", ended=1)
    assert counted(warehouse) == [("p1", "views", at(1), 70)]
    assert totals(warehouse) == {}
    load(warehouse, [post(2, likes=3)], load_id="two", ended=2)
    assert totals(warehouse) == {"views": 70, "likes": 3}
    assert totals(warehouse, as_of=1) == {}


def test_missing_and_not_reported_are_two_things(warehouse: Engine) -> None:
    load(warehouse, [post(1, likes=3, reposts=2, views=None)], load_id="one", ended=1)
    load(warehouse, [post(2, likes=None)], load_id="two", ended=2)
    assert totals(warehouse) == {"likes": None, "reposts": 2, "views": None}, (
        "silence on reposts leaves them as they were"
    )
    load(warehouse, [post(3, likes=0, reposts=None)], load_id="three", ended=3)
    assert totals(warehouse) == {"likes": 0, "reposts": None, "views": None}
    assert values_of(warehouse) == [(at(1), 3), (at(2), None), (at(3), 0)]


def test_no_totals_is_null_in_the_table_and_not_reported_is_json_null(warehouse: Engine) -> None:
    load(warehouse, [post(1), post(1, "p2", likes=None)], load_id="one", ended=1)
    with warehouse.connect() as connection:
        found = connection.execute(text("SELECT counts IS NULL, CAST(counts AS text) FROM post ORDER BY post_id")).all()
    assert found == [(True, None), (False, '{"likes":null}')]


def test_only_the_totals_that_changed_are_stored(warehouse: Engine) -> None:
    load(warehouse, [post(1, likes=3, reposts=2, replies=0)], load_id="one", ended=1)
    load(warehouse, [post(2, likes=4, reposts=2, replies=0)], load_id="two", ended=2)
    load(warehouse, [post(3, text="edited", likes=4, reposts=2, replies=0)], load_id="three", ended=3)
    with warehouse.connect() as connection:
        found = connection.execute(
            text("SELECT text, counts FROM post WHERE client_id = :client ORDER BY observed_at"), {"client": CLIENT}
        ).all()
    assert found == [
        ("Fresh rolls", {"likes": 3, "reposts": 2, "replies": 0}), (None, {"likes": 4}), ("edited", None)
    ]  # fmt: skip
    assert totals(warehouse) == {"likes": 4, "reposts": 2, "replies": 0}


@pytest.mark.parametrize("first", ["post", "counter"])
@pytest.mark.parametrize("known", [False, True])
def test_answers_of_one_moment_become_one_row(warehouse: Engine, first: str, known: bool) -> None:
    if known:
        load(warehouse, [post(0.1, text="before", likes=1), counter(0.2, 1, metric="views")], load_id="zero", ended=0.3)
    rows: list[Row] = [
        post(1, likes=3), counter(1, 70, metric="views"), counter(1, 5, metric="saves"),
        account(1, followers=9), counter(1, 12, "did:1", "posts"),
    ]  # fmt: skip
    found = load(warehouse, rows if first == "post" else rows[::-1], load_id="one", ended=1)
    assert found == LoadCounts(parsed=5, held=0, stored=2)
    assert totals(warehouse) == {"likes": 3, "views": 70, "saves": 5}
    with warehouse.connect() as connection:
        assert [each.text for each in read.posts(connection, CLIENT, at(1), at(-1), at(1))] == ["Fresh rolls"]
        assert [each.name for each in read.accounts(connection, CLIENT, at(1))] == ["Harbour Café"]
        assert {each.metric: each.value for each in read.account_counters(connection, CLIENT, at(1), at(1))} == {
            "followers": 9, "posts": 12
        }  # fmt: skip


def test_answers_of_one_moment_that_stand_far_apart_in_a_pull(warehouse: Engine) -> None:
    others = [counter(1, 1, f"q{number}") for number in range(5_000)]
    load(warehouse, [post(1, likes=3), *others, counter(1, 70, metric="views")], load_id="one", ended=1)
    assert totals(warehouse) == {"likes": 3, "views": 70}
    load(warehouse, [counter(2, 71, metric="views"), *others, post(2, text="edited", likes=3)], load_id="two", ended=2)
    assert totals(warehouse) == {"likes": 3, "views": 71}
    with warehouse.connect() as connection:
        assert [each.text for each in read.posts(connection, CLIENT, at(2), at(-1), at(1))] == ["edited"]


def test_a_metric_by_itself_reads_as_it_stood(warehouse: Engine) -> None:
    load(warehouse, [post(1, likes=3), counter(2, 70, metric="views")], load_id="one", ended=2)
    load(warehouse, [post(30, likes=3), counter(31, 90, metric="views")], load_id="two", ended=31)
    with warehouse.connect() as connection:
        found = read.post_counters(connection, CLIENT, at(99), at(-1), at(1))
    assert [(each.metric, each.value, each.observed_at, each.receipt) for each in found] == [
        ("likes", 3, at(1), receipt(1)), ("views", 90, at(31), receipt(31))
    ]  # fmt: skip


def test_one_total_is_held_and_the_others_are_loaded(warehouse: Engine) -> None:
    rows: list[Row] = [post(1, likes=-4, reposts=2), account(1, followers=-1), counter(1, 70, "p2", "views")]
    rejected = [
        Rejected(index=0, metric="likes", reason="below zero"), Rejected(index=0, metric="likes", reason="odd"),
        Rejected(index=1, metric="followers", reason="below zero"),
    ]  # fmt: skip
    assert load(warehouse, rows, load_id="one", ended=1, rejected=rejected) == LoadCounts(parsed=3, held=2, stored=3)
    assert totals(warehouse) == {"reposts": 2}
    held = dump(warehouse)["quarantine"]
    assert [row[:6] for row in held] == [
        ("one", 0, "likes", at(1), "post", "below zero; odd"),
        ("one", 1, "followers", at(1), "account", "below zero"),
    ]
    assert held[0][6]["counts"] == {"likes": -4}
    with warehouse.connect() as connection:
        assert [each.name for each in read.accounts(connection, CLIENT, at(1))] == ["Harbour Café"]
        assert read.account_counters(connection, CLIENT, at(1), at(1)) == []


def test_a_row_that_is_held_altogether_is_held_once(warehouse: Engine) -> None:
    rejected = [Rejected(index=0, metric="likes", reason="below zero"), Rejected(index=0, reason="no text")]
    found = load(warehouse, [post(1, likes=-4)], load_id="one", ended=1, rejected=rejected)
    assert found == LoadCounts(parsed=1, held=1, stored=0)
    assert [row[2:6] for row in dump(warehouse)["quarantine"]] == [("", at(1), "post", "no text")]


def test_a_held_total_stays_as_it_was(warehouse: Engine) -> None:
    load(warehouse, [post(1, likes=3, reposts=1)], load_id="one", ended=1)
    rejected = [Rejected(index=0, metric="likes", reason="below zero")]
    load(warehouse, [post(2, likes=-4, reposts=2)], load_id="two", ended=2, rejected=rejected)
    assert totals(warehouse) == {"likes": 3, "reposts": 2}


@pytest.mark.parametrize("order", [1, -1])
def test_an_answer_of_which_nothing_is_left_takes_nothing_away(warehouse: Engine, order: int) -> None:
    """The views of a post come by themselves and are held: the post itself is still there, and no hollow row."""
    rows = [post(1, likes=3), counter(2, -1, metric="views"), counter(2, -1, "did:1", "posts")][::order]
    rejected = [
        Rejected(index=index, metric=metric, reason="below zero")
        for index, row in enumerate(rows)
        for metric in row.counts
        if metric != "likes"
    ]
    for hour, load_id in ((0, "one"), (24, "two")):
        assert load(warehouse, rows, load_id=load_id, ended=2 + hour, rejected=rejected).held == 2
    found = dump(warehouse)
    assert [(row[7], row[12]) for row in found["post"]] == [("Fresh rolls", {"likes": 3})]
    assert found["account"] == []


@pytest.mark.parametrize(
    ("row", "metric"), [(post(1, likes=3), "views"), (counter(1, 3), "views"), (day(1, 4.0), "visits")]
)
def test_a_check_of_a_total_that_is_not_there_is_refused(warehouse: Engine, row: Row, metric: str) -> None:
    with pytest.raises(LoadError, match="run the check of this pull again"):
        load(warehouse, [row], load_id="one", ended=1, rejected=[Rejected(index=0, metric=metric, reason="odd")])
    assert not any(dump(warehouse).values())
