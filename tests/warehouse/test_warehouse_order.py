"""A plain model of the warehouse, a dict of all observations, against the real one."""

import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from warehouse_pulls import at, counter, dump, load, post

from widerview.sources.base import CounterRow
from widerview.warehouse.load import replays_due
from widerview.warehouse.read import post_counters

HOURS = 8
Key = tuple[str, str]
Observations = Mapping[tuple[str, str, int], int | None]
"""(post, metric, hour) to value."""

observations = st.dictionaries(
    st.tuples(st.sampled_from(["p1", "p2"]), st.sampled_from(["likes", "reposts"]), st.integers(1, HOURS)),
    st.one_of(st.none(), st.integers(0, 2)),
    max_size=30,
)
cuts = st.sets(st.integers(1, HOURS), max_size=4)
clients = (f"client-{number}" for number in count())


def pulls(
    seen: Observations, cuts: Iterable[int], client: str, shuffle: random.Random, *, overlapping: bool = False
) -> dict[int, list[CounterRow]]:
    """Split the observations into pulls by the hour each ends; within one the rows come in any order, some twice.

    One pull begins after the other has ended, unless they are overlapping.
    """
    ends = sorted({*cuts, HOURS})
    split: dict[int, list[CounterRow]] = {end: [] for end in ends}
    for (entity, metric, hour), value in seen.items():
        row = counter(hour, value, entity, metric, client)
        open_then = [end for end in ends if hour <= end]
        split[shuffle.choice(open_then) if overlapping else open_then[0]].extend([row] * shuffle.choice([1, 1, 2]))
    for rows in split.values():
        shuffle.shuffle(rows)
    return split


def known(seen: Observations, hour: int) -> dict[Key, int | None]:
    """What the model knows at an hour: the latest value of each key."""
    return {(entity, metric): seen[entity, metric, then] for entity, metric, then in sorted(seen) if then <= hour}


def changes(seen: Observations) -> list[tuple[str, str, dt.datetime, int | None]]:
    """The observations that differ from the one before."""
    kept = []
    before: dict[Key, int | None] = {}
    for (entity, metric, hour), value in sorted(seen.items(), key=lambda item: item[0]):
        if (entity, metric) not in before or before[entity, metric] != value:
            kept.append((entity, metric, at(hour), value))
        before[entity, metric] = value
    return kept


def stored(engine: Engine, client: str) -> list[tuple[object, ...]]:
    return [(row[2], row[3], row[4], row[6]) for row in dump(engine, client)["counter"]]


def read(engine: Engine, client: str, hours: Iterable[int]) -> dict[int, dict[Key, int | None]]:
    """What the warehouse knows as of each hour."""
    with engine.connect() as connection:
        return {
            hour: {
                (each.post_id, each.metric): each.value
                for each in post_counters(connection, client, at(hour), at(0), at(1))
            }
            for hour in hours
        }


def publish(engine: Engine, client: str, load_id: str = "posts") -> None:
    load(engine, [post(0, "p1", client=client), post(0, "p2", client=client)], load_id=load_id, ended=0, client=client)


def test_in_the_order_of_time_any_split_gives_the_same_rows(warehouse: Engine) -> None:
    @settings(max_examples=40, deadline=None)
    @given(seen=observations, cuts=cuts, shuffle=st.randoms(use_true_random=False))
    def same(seen: Observations, cuts: set[int], shuffle: random.Random) -> None:
        client = next(clients)
        for end, rows in pulls(seen, cuts, client, shuffle).items():
            load(warehouse, rows, load_id=str(end), ended=end, client=client)
        assert stored(warehouse, client) == changes(seen)
        assert replays_due(warehouse, client_id=client, source="bluesky") == []

    same()


def test_what_was_read_as_of_a_moment_stays_what_is_read(warehouse: Engine) -> None:
    @settings(max_examples=30, deadline=None)
    @given(seen=observations, cuts=cuts, shuffle=st.randoms(use_true_random=False))
    def stays(seen: Observations, cuts: set[int], shuffle: random.Random) -> None:
        client = next(clients)
        publish(warehouse, client)
        at_the_time: dict[int, dict[Key, int | None]] = {}
        for end, rows in pulls(seen, cuts, client, shuffle).items():
            load(warehouse, rows, load_id=str(end), ended=end, client=client)
            at_the_time |= read(warehouse, client, [end])
        assert read(warehouse, client, at_the_time) == at_the_time
        assert read(warehouse, client, range(HOURS + 1)) == {hour: known(seen, hour) for hour in range(HOURS + 1)}

    stays()


def test_pulls_that_arrive_in_any_order_read_the_same_once_those_due_are_loaded_again(warehouse: Engine) -> None:
    @settings(max_examples=40, deadline=None)
    @given(seen=observations, cuts=cuts, shuffle=st.randoms(use_true_random=False))
    def same(seen: Observations, cuts: set[int], shuffle: random.Random) -> None:
        client = next(clients)
        publish(warehouse, client)
        split = pulls(seen, cuts, client, shuffle, overlapping=True)
        arriving: Sequence[int] = shuffle.sample(sorted(split), len(split))
        for end in arriving:
            load(warehouse, split[end], load_id=str(end), ended=end, client=client)
            while due := replays_due(warehouse, client_id=client, source="bluesky"):
                for load_id in due:
                    load(warehouse, split[int(load_id)], load_id=load_id, ended=int(load_id), client=client)
        assert read(warehouse, client, range(HOURS + 1)) == {hour: known(seen, hour) for hour in range(HOURS + 1)}

    same()


def test_a_late_pull_marks_the_later_ones_of_its_own_target_only(warehouse: Engine) -> None:
    load(warehouse, [counter(1, 1)], load_id="first", ended=1)
    load(warehouse, [counter(3, 1)], load_id="third", ended=3)
    load(warehouse, [counter(3, 1, "p9")], load_id="elsewhere", ended=3, ref="other.example")
    first = load(warehouse, [counter(2, 5)], load_id="second", ended=2)
    assert first.stored == 1
    assert replays_due(warehouse, client_id="harbour-cafe", source="bluesky") == ["third"]

    again = load(warehouse, [counter(3, 1)], load_id="third", ended=3)
    assert again.stored == 0  # as it was when first loaded
    assert replays_due(warehouse, client_id="harbour-cafe", source="bluesky") == []
    likes = [(row[4], row[6]) for row in dump(warehouse)["counter"] if row[2] == "p1"]
    assert likes == [(at(1), 1), (at(2), 5), (at(3), 1)]


def test_what_another_pull_saw_in_between_counts(warehouse: Engine) -> None:
    load(warehouse, [counter(3, 2)], load_id="short", ended=3)
    load(
        warehouse, [counter(1, 1), counter(2, 2), counter(5, 2), counter(6, 1), counter(4, 1)], load_id="long", ended=6
    )
    assert [(row[4], row[6]) for row in dump(warehouse)["counter"]] == [
        (at(1), 1), (at(2), 2), (at(3), 2), (at(4), 1), (at(5), 2), (at(6), 1)
    ]  # fmt: skip
    load(warehouse, [counter(9, 5)], load_id="next", ended=9)
    load(warehouse, [counter(8, 1), counter(10, 1)], load_id="around", ended=10)
    assert [(row[4], row[6]) for row in dump(warehouse)["counter"]][6:] == [(at(9), 5), (at(10), 1)]
