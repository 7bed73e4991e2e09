"""Loading a pull: once, only what changed, all or nothing."""

import hashlib
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import perf_counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from warehouse_pulls import (
    CLIENT,
    MONDAY,
    account,
    at,
    comment,
    counted,
    counter,
    day,
    dump,
    load,
    post,
    receipt,
    target,
    values_of,
)

from widerview.quality.verdict import DayVerdict, Rejected
from widerview.sources.base import Row, Window
from widerview.warehouse.load import LoadCounts, LoadError, load_pull
from widerview.warehouse.read import posts, verdicts


def a_pull(hours: float, client: str = CLIENT, **values: float) -> list[Row]:
    """One of every kind of row, and totals that come with their post, with their account, and by themselves."""
    return [
        account(hours, client=client, followers=int(values.get("followers", 100))),
        post(hours, tags=("rolls",), client=client, likes=int(values.get("likes", 3)), reposts=1),
        counter(hours + 0.1, None, metric="views", client=client),
        counter(hours + 0.1, 12, "did:1", "posts", client=client),
        comment(hours, client=client),
        day(hours, values.get("visits", 41.0), client=client),
    ]


def test_loading_twice_is_loading_once(warehouse: Engine) -> None:
    first = load(warehouse, a_pull(1), load_id="one", ended=1)
    before = dump(warehouse)
    assert first == LoadCounts(parsed=6, held=0, stored=6)
    assert load(warehouse, a_pull(1), load_id="one", ended=1) == first
    assert dump(warehouse) == before


def test_what_did_not_change_is_not_stored_again(warehouse: Engine) -> None:
    load(warehouse, a_pull(1), load_id="one", ended=1)
    assert load(warehouse, a_pull(25), load_id="two", ended=25) == LoadCounts(parsed=6, held=0, stored=0)
    found = dump(warehouse)
    assert [len(found[name]) for name in ("account", "post", "comment", "day_value")] == [2, 2, 1, 1]


def test_exactly_what_changed_is_stored(warehouse: Engine) -> None:
    load(warehouse, a_pull(1), load_id="one", ended=1)
    changed = [*a_pull(25, likes=4), post(25, "p2"), msgspec.structs.replace(account(25), account_id="did:2")]
    assert load(warehouse, changed, load_id="two", ended=25).stored == 3
    assert values_of(warehouse) == [(at(1), 3), (at(25), 4)]
    assert values_of(warehouse, "reposts") == [(at(1), 1)]
    with warehouse.connect() as connection:
        content = connection.execute(
            text("SELECT kind, text, tags, counts FROM post WHERE post_id = 'p1' ORDER BY observed_at")
        )
        assert content.all()[-1] == (None, None, None, {"likes": 4}), "what has not changed stays away"


CHANGES: list[tuple[Row, Row]] = [
    (account(1), account(2, name="Harbour Bar")),
    (post(1), post(2, text="Fresh rolls!")),
    (post(1), post(2, tags=("rolls",))),
    (post(1, links=("https://a.example",)), post(2, links=("https://b.example",))),
    (post(1), post(2, published=0.5)),
    (counter(1, None), counter(2, 0)),
    (counter(1, 0), counter(2, None)),
    (account(1, followers=3), account(2, followers=4)),
    (post(1, likes=3, views=7), post(2, likes=3, views=None)),
    (comment(1), comment(2, text="Lovely!!")),
    (comment(1), comment(2, author="did:other")),
    (comment(1), comment(2, reply_to="c0")),
    (day(1, 4.0), day(2, 4.5)),
    (day(1, 0.0), day(2, None)),
]


def test_a_change_of_any_column_is_a_new_version(warehouse: Engine) -> None:
    for number, (before, after) in enumerate(CHANGES):
        client = f"client-{number}"
        for load_id, row in (("one", before), ("two", after)):
            mine = msgspec.structs.replace(row, client_id=client)
            ended = (row.observed_at - at(0)).total_seconds() / 3600
            assert load(warehouse, [mine], load_id=load_id, ended=ended, client=client).stored == 1, row


def test_missing_and_back_is_kept(warehouse: Engine) -> None:
    for hour, value in enumerate([None, None, 5, None, 5]):
        load(warehouse, [counter(hour, value)], load_id=str(hour), ended=hour)
    assert values_of(warehouse) == [(at(0), None), (at(2), 5), (at(3), None), (at(4), 5)]


def test_what_comes_again_in_one_pull_is_counted_and_left_alone(warehouse: Engine) -> None:
    """Pages shift while they are read: the same post comes on two of them."""
    load(warehouse, [post(0, likes=1)], load_id="zero", ended=0)
    rows = [
        post(1, text="edited", likes=2), post(2, likes=9), post(1, text="edited", likes=2),
        comment(1, text="first"), comment(2, text="second"),
        day(1, 7.0), day(2, 8.0),
        account(1, name="Old"), account(2, name="New"),
    ]  # fmt: skip
    assert load(warehouse, rows, load_id="one", ended=5) == LoadCounts(parsed=9, held=0, stored=4)
    assert values_of(warehouse) == [(at(0), 1), (at(1), 2)]
    found = dump(warehouse)
    assert [row[7] for row in found["post"]] == ["Fresh rolls", "edited"]
    assert [row[9] for row in found["comment"]] == ["first"]
    assert [row[-2] for row in found["day_value"]] == [7.0]
    assert [row[5] for row in found["account"]] == ["Old"]


def test_rejected_rows_are_held_with_their_reason(warehouse: Engine) -> None:
    rows = [counter(1, 3), counter(1, -1, metric="reposts"), post(1, text='"ab\\c\n\t🎺')]
    reasons = [
        Rejected(index=1, reason="negative"), Rejected(index=2, reason="odd"), Rejected(index=1, reason="too small")
    ]  # fmt: skip
    assert load(warehouse, rows, load_id="one", ended=1, rejected=reasons) == LoadCounts(parsed=3, held=2, stored=1)
    assert counted(warehouse) == [("p1", "likes", at(1), 3)]
    found = dump(warehouse)
    assert [row[6] for row in found["post"]] == [None], "no content"
    (reposts, words) = found["quarantine"]
    assert reposts[:6] == ("one", 1, "", at(1), "counter", "negative; too small")
    assert reposts[6]["counts"] == {"reposts": -1}
    assert words[6]["text"] == '"ab\\c\n\t🎺'
    assert words[7].hex() == receipt(1)


def test_a_check_of_other_rows_is_refused_and_leaves_nothing(warehouse: Engine) -> None:
    with pytest.raises(LoadError, match=r"one: the check holds back 1 rows.*only 0"):
        load(warehouse, a_pull(1), load_id="one", ended=1, rejected=[Rejected(index=6, reason="gone")])
    assert not any(dump(warehouse).values())


def test_another_clients_row_is_refused_and_leaves_nothing(warehouse: Engine) -> None:
    with pytest.raises(LoadError, match="a row of quay-gym/bluesky in a pull of harbour-cafe/bluesky"):
        load(warehouse, [counter(1, 3), counter(1, 3, client="quay-gym")], load_id="one", ended=1)
    assert not any(dump(warehouse).values())
    assert not any(dump(warehouse, "quay-gym").values())


def test_a_source_that_fails_half_way_leaves_nothing(warehouse: Engine) -> None:
    def rows() -> Iterator[Row]:
        for number in range(5_000):
            yield counter(1, number, f"p{number}")
        raise RuntimeError("cut JSON")

    with pytest.raises(RuntimeError, match="cut JSON"):
        load(warehouse, rows(), load_id="one", ended=1)
    assert not any(dump(warehouse).values())


def test_an_empty_pull_is_on_record(warehouse: Engine) -> None:
    assert load(warehouse, [], load_id="one", ended=1) == LoadCounts(0, 0, 0)
    found = dump(warehouse)
    assert len(found["load"]) == len(found["verdict"]) == 1


def test_two_loads_of_one_pull_at_once(warehouse: Engine) -> None:
    start = Barrier(4)

    def run(_: int) -> LoadCounts:
        start.wait()
        return load(warehouse, a_pull(1), load_id="one", ended=1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [LoadCounts(6, 0, 6)] * 4
    together = dump(warehouse)
    load(warehouse, a_pull(1, "alone"), load_id="one", ended=1, client="alone")
    alone = dump(warehouse, "alone")
    assert len(together.pop("comment")) == len(alone.pop("comment")) == 1  # its author has another hash
    assert alone == together


def test_several_pulls_in_one_transaction_of_the_caller(warehouse: Engine) -> None:
    def both(client: str, *, commit: bool) -> None:
        with warehouse.connect() as connection:
            for hour in (1, 2):
                load_pull(
                    connection,
                    load_id=str(hour),
                    target=target(client),
                    window=Window(MONDAY, MONDAY),
                    started_at=at(hour - 0.5),
                    ended_at=at(hour),
                    digest=bytes([hour]),
                    rows=[counter(hour, hour, client=client)],
                )
            if commit:
                connection.commit()

    both("kept", commit=True)
    both("dropped", commit=False)
    assert [value for *_, value in counted(warehouse, "kept")] == [1, 2]
    assert not any(dump(warehouse, "dropped").values())


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
hostile = st.one_of(
    words, st.sampled_from(["\\N", "\\.", "\\x41", "NULL", "{}", '{"a"}', "'; DROP TABLE post; --", "🎺\t\r\n"])
)


def test_hostile_text_comes_back_as_it_was(warehouse: Engine) -> None:
    @settings(max_examples=100)
    @given(posted=st.lists(st.tuples(hostile, st.lists(hostile), st.lists(hostile)), min_size=1, max_size=5))
    def comes_back(posted: list[tuple[str, list[str], list[str]]]) -> None:
        client = f"client-{next(numbers)}"
        rows = [
            post(1, f"p{n}", text=text, tags=tuple(tags), links=tuple(links), client=client)
            for n, (text, tags, links) in enumerate(posted)
        ]
        load(warehouse, rows, load_id="one", ended=1, client=client)
        with warehouse.connect() as connection:
            found = posts(connection, client, at(1), at(0), at(1))
        assert [(each.text, each.tags, each.links, each.receipt) for each in found] == [
            (row.text, row.tags, row.links, row.receipt) for row in rows
        ]

    numbers = iter(range(10_000))
    comes_back()


def test_fifty_thousand_rows_are_quick_and_only_names_stay_in_memory(warehouse: Engine) -> None:
    def rows(client: str, count: int) -> Iterator[Row]:
        return (counter(1, number, f"p{number}", client=client) for number in range(count))

    def peak(count: int) -> int:
        client = f"traced-{count}"
        tracemalloc.start()
        load(warehouse, rows(client, count), load_id="one", ended=1, client=client)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # whatever is imported and cached once
    assert peak(50_000) - peak(10_000) < 300 * 40_000, "of each row its name, to know it if it comes again"

    started = perf_counter()
    assert load(warehouse, rows("timed", 50_000), load_id="one", ended=1, client="timed").stored == 50_000
    assert perf_counter() - started < 20
    with warehouse.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM post WHERE client_id = 'timed'")) == 50_000


def test_predecessors_are_found_by_the_key_even_on_a_table_that_was_empty_when_vacuumed(warehouse: Engine) -> None:
    load(warehouse, [post(0)], load_id="zero", ended=0)  # makes the month
    with warehouse.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("TRUNCATE post"))
        connection.execute(text("VACUUM ANALYZE post"))
    scans = text("SELECT sum(seq_scan) FROM pg_stat_xact_user_tables WHERE relname LIKE 'post%'")
    with warehouse.begin() as connection:
        before = connection.scalar(scans)
        load_pull(
            connection,
            load_id="one",
            target=target(),
            window=Window(MONDAY, MONDAY),
            started_at=at(0),
            ended_at=at(1),
            digest=b"one",
            rows=(post(1, f"p{number}") for number in range(100)),
        )
        assert connection.scalar(scans) == before


@pytest.mark.parametrize("bad", [{"text": "a\0b"}, {"tags": ("a\0b",)}, {"post_id": "p\0"}, {"text": "\ud800"}])
def test_a_value_that_postgresql_cannot_hold_is_refused_by_name(warehouse: Engine, bad: dict[str, Any]) -> None:
    load(warehouse, [post(1)], load_id="zero", ended=1)
    before = dump(warehouse)
    with pytest.raises(LoadError, match="one: PostgreSQL cannot hold a value of it"):
        load(warehouse, [msgspec.structs.replace(post(2, "p2"), **bad)], load_id="one", ended=2)
    assert dump(warehouse) == before


def test_a_kinder_gate_takes_its_verdict_back_though_the_rows_are_the_same(warehouse: Engine) -> None:
    load(warehouse, [post(1)], load_id="one", ended=2)
    green = DayVerdict(client_id=CLIENT, source="bluesky", ref="cafe.example", day=MONDAY, colour="green")
    load_pull(
        warehouse,
        load_id="one",
        target=target(),
        window=Window(MONDAY, MONDAY),
        started_at=at(1.5),
        ended_at=at(2),
        digest=hashlib.sha256(b"one").digest(),
        rows=iter([]),
        verdicts=[green],
        recorded_at=at(3),
    )
    with warehouse.connect() as connection:
        assert [each.colour for each in verdicts(connection, CLIENT, at(2.5), MONDAY, MONDAY)] == ["amber"]
        assert [each.colour for each in verdicts(connection, CLIENT, at(3), MONDAY, MONDAY)] == ["green"]
