"""A plain model of the warehouse, a list of all observations, against the real one."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from warehouse_pulls import account, at, counter, dump, load, post, values_of

from widerview.sources.base import Counts, Row
from widerview.warehouse.load import replays_due
from widerview.warehouse.read import account_counters, accounts, post_counters, posts

HOURS = 8
SUNDAY = -0.5  # published then, the week ends at hour 0, and an age of h hours reads how things stood at hour h
NOW = 1_000
Key = tuple[str, str]
"""An entity and a metric; or an entity and `text`, for its content."""
Values = dict[Key, object]


@dataclass(frozen=True)
class Answer:
    """What one answer says of one entity: with its content, or totals by themselves."""

    entity: str
    text: str | None
    counts: Counts

    def row(self, hour: float, client: str) -> Row:
        if self.text is None:
            (metric, value) = next(iter(self.counts.items()))
            return counter(hour, value, self.entity, metric, client, published=SUNDAY)
        if self.entity == "did:1":
            return account(hour, self.text, client, **self.counts)
        return post(hour, self.entity, published=SUNDAY, text=self.text, client=client, **self.counts)

    def values(self) -> Values:
        found: Values = {(self.entity, metric): value for metric, value in self.counts.items()}
        return found if self.text is None else found | {(self.entity, "text"): self.text}


@dataclass(frozen=True)
class Pulled:
    """One pull: when it began and ended, and what it saw of each entity and when, once a kind of answer."""

    began: float
    ended: int
    answers: Mapping[int, Sequence[Answer]]

    @property
    def load_id(self) -> str:
        return str(self.ended)

    def rows(self, client: str) -> list[Row]:
        return [answer.row(hour, client) for hour, answers in self.answers.items() for answer in answers]

    def digest(self) -> str:
        """The same for the same answers, whenever they came."""
        return repr([answer for answers in self.answers.values() for answer in answers])


value = st.one_of(st.none(), st.integers(0, 2))
entity = st.sampled_from(["p1", "p2", "did:1"])
answer = st.one_of(
    st.builds(
        Answer,
        entity=entity,
        text=st.sampled_from(["a", "b"]),
        counts=st.fixed_dictionaries({}, optional={"likes": value, "reposts": value}),
    ),
    st.builds(Answer, entity=entity, text=st.none(), counts=st.fixed_dictionaries({"views": value})),
)
observations = st.lists(st.tuples(st.integers(1, HOURS), answer), max_size=16)
cuts = st.sets(st.integers(1, HOURS), max_size=4)
shuffles = st.randoms(use_true_random=False)
clients = (f"client-{number}" for number in count())


def split(
    seen: Sequence[tuple[int, Answer]], cuts: Iterable[int], shuffle: random.Random, *, overlapping: bool = False
) -> list[Pulled]:
    """Split observations into pulls by the hour each ends; one begins after the other has ended, or they overlap."""
    ends = sorted({*cuts, HOURS})
    parts: dict[int, dict[int, list[Answer]]] = {end: {} for end in ends}
    taken: set[tuple[str, str, bool]] = set()
    for hour, each in seen:
        fitting = [end for end in ends if hour <= end]
        end = shuffle.choice(fitting) if overlapping else fitting[0]
        # one answer of a kind a pull; and no two have arrived at the very same moment
        places = {(f"pull {end}", each.entity, each.text is None), (f"hour {hour}", each.entity, each.text is None)}
        if not places & taken:
            taken |= places
            parts[end].setdefault(hour, []).append(each)
    return [
        Pulled(min(answers, default=end) - 0.1, end, dict(sorted(answers.items()))) for end, answers in parts.items()
    ]


def known(pulls: Sequence[Pulled], hour: int) -> Values:
    """What the model knows of what stood at an hour: the latest of each."""
    moments = sorted((then, index) for index, pull in enumerate(pulls) for then in pull.answers)
    found: Values = {}
    for then, index in moments:
        if then <= hour:
            for each in pulls[index].answers[then]:
                found |= each.values()
    return found


def stood(engine: Engine, client: str, hour: int, as_of: float) -> Values:
    """What the warehouse says as of a moment of what stood at an hour; of content only as of the moment."""
    found: Values = {}
    with engine.connect() as connection:
        for each in post_counters(connection, client, at(as_of), at(-1), at(0), age=timedelta(hours=hour)):
            if not each.late:
                found[each.post_id, each.metric] = each.value
        for total in account_counters(connection, client, at(as_of), at(hour)):
            found[total.account_id, total.metric] = total.value
        if hour == HOURS:
            found |= {(each.post_id, "text"): each.text for each in posts(connection, client, at(as_of), at(-1), at(0))}
            found |= {(each.account_id, "text"): each.name for each in accounts(connection, client, at(as_of))}
    return found


def told(pulls: Sequence[Pulled], hour: int) -> Values:
    """What the reads can say of the model: totals of a post are read once its content is known."""
    final = known(pulls, HOURS)
    return {
        (name, what): each
        for (name, what), each in known(pulls, hour).items()
        if (what != "text" or hour == HOURS) and (name == "did:1" or (name, "text") in final)
    }


def every_hour(engine: Engine, client: str, as_of: float = NOW) -> dict[int, Values]:
    return {hour: stood(engine, client, hour, as_of) for hour in range(1, HOURS + 1)}


def model(pulls: Sequence[Pulled]) -> dict[int, Values]:
    return {hour: told(pulls, hour) for hour in range(1, HOURS + 1)}


@dataclass
class House:
    """A client's way of loading: recorded at the moment it comes, and those due loaded again."""

    engine: Engine
    client: str
    clock: Iterator[int]

    def load(self, pull: Pulled, digest: str = "") -> None:
        load(
            self.engine, pull.rows(self.client), load_id=pull.load_id, ended=pull.ended, began=pull.began,
            client=self.client, recorded=next(self.clock), digest=digest,
        )  # fmt: skip

    def replay(self, pulls: Mapping[str, Pulled], digests: Mapping[str, str] | None = None) -> list[str]:
        replayed = []
        while due := replays_due(self.engine, client_id=self.client, source="bluesky"):
            for load_id in due:
                self.load(pulls[load_id], (digests or {}).get(load_id, ""))
            replayed += due
            assert len(replayed) < 200
        return replayed


def test_in_the_order_of_time_each_change_is_stored_once(warehouse: Engine) -> None:
    @settings(max_examples=25)
    @given(seen=observations, cuts=cuts, shuffle=shuffles)
    def same(seen: list[tuple[int, Answer]], cuts: set[int], shuffle: random.Random) -> None:
        house = House(warehouse, next(clients), count(100))
        pulls = split(seen, cuts, shuffle)
        at_the_time = {}
        for number, pull in enumerate(pulls):
            house.load(pull)
            at_the_time[100 + number] = every_hour(warehouse, house.client, 100 + number)
            assert at_the_time[100 + number] == model(pulls[: number + 1])
        assert house.replay({}) == []
        assert {as_of: every_hour(warehouse, house.client, as_of) for as_of in at_the_time} == at_the_time

    same()


def test_pulls_that_arrive_in_any_order_read_the_same_once_those_due_are_loaded_again(warehouse: Engine) -> None:
    @settings(max_examples=40)
    @given(seen=observations, cuts=cuts, shuffle=shuffles)
    def same(seen: list[tuple[int, Answer]], cuts: set[int], shuffle: random.Random) -> None:
        house = House(warehouse, next(clients), count(100))
        pulls = split(seen, cuts, shuffle, overlapping=True)
        by_id = {pull.load_id: pull for pull in pulls}
        arriving = shuffle.sample(pulls, len(pulls))
        before: dict[int, Values] = {}
        read_at: list[tuple[float, dict[int, Values]]] = []
        for number, pull in enumerate(arriving):
            house.load(pull)
            house.replay(by_id)
            now = every_hour(warehouse, house.client)
            assert now == model([each for each in pulls if each in arriving[: number + 1]])
            assert all(before.get(hour, {}).keys() <= now[hour].keys() for hour in now), "nothing known is lost"
            before = now
            read_at.append((next(house.clock), now))
        assert [(as_of, every_hour(warehouse, house.client, as_of)) for as_of, _ in read_at] == read_at

        everything = dump(warehouse, house.client)
        for pull in arriving:
            house.load(pull)
        assert dump(warehouse, house.client) == everything, "loading twice is loading once"

    same()


def test_a_warehouse_made_anew_reads_the_same(warehouse: Engine) -> None:
    """Each pull is recorded as of its end, also when it is loaded again because another overlapped it."""

    @settings(max_examples=25)
    @given(seen=observations, cuts=cuts, shuffle=shuffles)
    def same(seen: list[tuple[int, Answer]], cuts: set[int], shuffle: random.Random) -> None:
        client = next(clients)
        pulls = {pull.load_id: pull for pull in split(seen, cuts, shuffle, overlapping=True)}

        def again(pull: Pulled) -> None:
            load(warehouse, pull.rows(client), load_id=pull.load_id, ended=pull.ended, began=pull.began, client=client)

        for pull in sorted(pulls.values(), key=lambda pull: pull.began):
            again(pull)
            while due := replays_due(warehouse, client_id=client, source="bluesky"):
                for load_id in due:
                    again(pulls[load_id])
        assert every_hour(warehouse, client) == model(list(pulls.values()))

    same()


def test_better_code_changes_what_is_known_now_and_nothing_that_was_said(warehouse: Engine) -> None:
    """Any pulls are read anew: their values are put in place, and those after them are loaded again."""

    def mended(pull: Pulled, shuffle: random.Random) -> Pulled:
        answers = {
            hour: [
                Answer(each.entity, each.text and shuffle.choice("abc"),
                       {metric: shuffle.choice([None, 0, 1, 2]) for metric in each.counts})
                for each in answers
            ]
            for hour, answers in pull.answers.items()
        }  # fmt: skip
        return Pulled(pull.began, pull.ended, answers)

    @settings(max_examples=30)
    @given(seen=observations, cuts=cuts, shuffle=shuffles)
    def same(seen: list[tuple[int, Answer]], cuts: set[int], shuffle: random.Random) -> None:
        house = House(warehouse, next(clients), count(100))
        pulls = {pull.load_id: pull for pull in split(seen, cuts, shuffle)}
        better = {load_id: mended(pull, shuffle) for load_id, pull in pulls.items()}
        for pull in pulls.values():
            house.load(pull)
        said_at = next(house.clock)
        said = every_hour(warehouse, house.client, said_at)

        now = dict(pulls)
        for load_id in shuffle.sample(sorted(pulls), shuffle.randint(1, len(pulls))):
            house.load(better[load_id], "better")
            now[load_id] = better[load_id]
            for replayed in house.replay(better, dict.fromkeys(better, "better")):
                now[replayed] = better[replayed]
        assert every_hour(warehouse, house.client) == model(list(now.values()))
        assert every_hour(warehouse, house.client, said_at) == said

    same()


def test_a_pull_that_is_not_read_would_have_stored_nothing(warehouse: Engine) -> None:
    """Two clients get the same pulls; one's have telling digests, the other's differ always, so all are read."""

    @settings(max_examples=40)
    @given(
        stock=st.lists(
            st.lists(answer, max_size=3, unique_by=lambda each: (each.entity, each.text is None)),
            min_size=1,
            max_size=3,
        ),
        order=st.lists(st.integers(0, 2), min_size=2, max_size=7),
        shuffle=shuffles,
    )
    def same(stock: list[list[Answer]], order: list[int], shuffle: random.Random) -> None:
        pulls = [
            Pulled(hour - shuffle.choice([0.5, 0.5, 0.5, 1.5]), hour, {hour: stock[index % len(stock)]})
            for hour, index in enumerate(order, start=1)
        ]
        by_id = {pull.load_id: pull for pull in pulls}
        arriving = list(pulls)
        if shuffle.random() < 0.5:  # one comes late
            arriving.append(arriving.pop(shuffle.randrange(len(arriving))))
        skipping, reading = (House(warehouse, next(clients), count(100)) for _ in range(2))
        for pull in arriving:
            skipping.load(pull, pull.digest())
            reading.load(pull)
            for house, digests in ((skipping, {each.load_id: each.digest() for each in pulls}), (reading, {})):
                house.replay(by_id, digests)
        assert every_hour(warehouse, skipping.client) == every_hour(warehouse, reading.client)
        for table in ("account", "post"):
            assert dump(warehouse, skipping.client)[table] == dump(warehouse, reading.client)[table]

    same()


def test_a_late_pull_marks_the_later_ones_of_its_own_target_only(warehouse: Engine) -> None:
    load(warehouse, [counter(1, 1)], load_id="first", ended=1)
    load(warehouse, [counter(3, 1)], load_id="third", ended=3)
    load(warehouse, [counter(3, 1, "p9")], load_id="elsewhere", ended=3, ref="other.example")
    first = load(warehouse, [counter(2, 5)], load_id="second", ended=2, recorded=4)
    assert first.stored == 1
    assert replays_due(warehouse, client_id="harbour-cafe", source="bluesky") == ["third"]

    again = load(warehouse, [counter(3, 1)], load_id="third", ended=3, recorded=5)
    assert again.stored == 0  # as it was when first loaded
    assert replays_due(warehouse, client_id="harbour-cafe", source="bluesky") == []
    assert values_of(warehouse) == [(at(1), 1), (at(2), 5), (at(3), 1)]


def test_a_late_pull_that_brings_nothing_new_marks_none(warehouse: Engine) -> None:
    load(warehouse, [post(1, likes=1)], load_id="first", ended=1)
    load(warehouse, [post(3, likes=2)], load_id="third", ended=3)
    load(warehouse, [post(2, likes=1)], load_id="second", ended=2, recorded=4)
    assert replays_due(warehouse, client_id="harbour-cafe", source="bluesky") == []
    assert values_of(warehouse) == [(at(1), 1), (at(3), 2)]


def test_what_another_pull_saw_in_between_counts(warehouse: Engine) -> None:
    load(warehouse, [counter(3, 2), counter(3, 4, metric="reposts")], load_id="short", ended=3)
    load(warehouse, [counter(2, 2), counter(6, 4, metric="reposts")], load_id="long", began=1, ended=6)
    assert values_of(warehouse) == [(at(2), 2), (at(3), 2)]
    assert values_of(warehouse, "reposts") == [(at(3), 4)]


def test_rows_may_come_in_any_order_within_a_pull(warehouse: Engine) -> None:
    rows: list[Row] = [
        post(1, likes=2), counter(2, 7, metric="views"), post(1, "p2", likes=None),
        account(3, followers=9), counter(3, 4, "did:1", "posts"),
    ]  # fmt: skip
    for number, order in enumerate((rows, rows[::-1], rows[2:] + rows[:2])):
        client = f"order-{number}"
        mine = [msgspec.structs.replace(row, client_id=client) for row in order]
        load(warehouse, mine, load_id="one", ended=3, client=client)
        assert dump(warehouse, client) == dump(warehouse, "order-0")
