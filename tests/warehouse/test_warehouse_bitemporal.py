"""When it was observed, and when we came to know: what was said as of a moment stays what is said of it."""

import hashlib
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from warehouse_pulls import CLIENT, MONDAY, account, at, comment, counter, day, dump, load, post, target, values_of

from widerview.quality.verdict import DayVerdict, Rejected
from widerview.sources.base import Row, Window
from widerview.warehouse import read
from widerview.warehouse.load import LoadCounts, load_pull, replays_due


def a_pull(hours: float, number: int) -> list[Row]:
    return [
        account(hours, f"Café {number}", followers=number),
        post(hours, text=f"version {number}", likes=number, reposts=7),
        day(hours, float(number)),
    ]


def said(engine: Engine, as_of: float) -> tuple[object, ...]:
    """What a report as of a moment says, without receipts."""
    moment = at(as_of)
    with engine.connect() as connection:
        return (
            [each.name for each in read.accounts(connection, CLIENT, moment)],
            [each.value for each in read.account_counters(connection, CLIENT, moment, at(999))],
            [each.text for each in read.posts(connection, CLIENT, moment, at(-1), at(1))],
            [(each.metric, each.value) for each in read.post_counters(connection, CLIENT, moment, at(-1), at(1))],
            [each.value for each in read.day_values(connection, CLIENT, moment, MONDAY, MONDAY, "visits", "total")],
        )


def number_said(engine: Engine, as_of: float) -> int | None:
    """The number of the pull that all of a report goes back to; None if it is empty."""
    found = said(engine, as_of)
    if found == ([], [], [], [], []):
        return None
    names, *_ = found
    number = int(str(names).strip("[]'").removeprefix("Café "))
    assert found == ([f"Café {number}"], [number], [f"version {number}"], [("likes", number), ("reposts", 7)], [number])
    return number


def test_a_late_load_changes_what_is_known_now_and_nothing_that_was_said(warehouse: Engine) -> None:
    load(warehouse, a_pull(1, 1), load_id="one", ended=1, recorded=10)
    load(warehouse, a_pull(3, 3), load_id="three", ended=3, recorded=11)
    load(warehouse, a_pull(4, 4), load_id="four", ended=4, recorded=20)
    load(warehouse, a_pull(5, 5), load_id="five", ended=5, recorded=12)
    assert [number_said(warehouse, hour) for hour in (9, 10, 11, 12, 19, 20)] == [None, 1, 3, 5, 5, 5]


def test_a_late_load_of_the_newest_pull_is_known_from_then_on(warehouse: Engine) -> None:
    load(warehouse, a_pull(1, 1), load_id="one", ended=1)
    load(warehouse, a_pull(2, 2), load_id="two", ended=2, recorded=50)
    assert [number_said(warehouse, hour) for hour in (1, 2, 49, 50)] == [1, 1, 1, 2]


def test_what_a_mended_parser_reads_is_known_from_then_on(warehouse: Engine) -> None:
    load(warehouse, a_pull(1, 1), load_id="one", ended=1)
    first = load(warehouse, a_pull(2, 2), load_id="two", ended=2, digest="old code")
    load(warehouse, a_pull(3, 2), load_id="three", ended=3, digest="old code")
    load(warehouse, a_pull(1, 1), load_id="elsewhere", ended=9, ref="other.example")

    assert load(warehouse, a_pull(2, 8), load_id="two", ended=2, recorded=30, digest="new code") == first
    assert [number_said(warehouse, hour) for hour in (1, 2, 3, 29, 30)] == [1, 2, 2, 2, 8]
    assert replays_due(warehouse, client_id=CLIENT, source="bluesky") == ["three"], (
        "not those before, nor other targets"
    )

    load(warehouse, a_pull(3, 9), load_id="three", ended=3, recorded=31, digest="new code, other answers")
    assert [number_said(warehouse, hour) for hour in (1, 2, 3, 29, 30, 31)] == [1, 2, 2, 2, 8, 9]
    assert replays_due(warehouse, client_id=CLIENT, source="bluesky") == []


def test_code_that_is_taken_back_puts_the_old_values_in_place_again(warehouse: Engine) -> None:
    """The answers are the same in both, so the second's digest becomes that of the first: it is read all the same."""
    load(warehouse, a_pull(1, 1), load_id="one", ended=1, digest="good")
    load(warehouse, a_pull(2, 5), load_id="two", ended=2, digest="bad")
    assert number_said(warehouse, 9) == 5
    load(warehouse, a_pull(2, 1), load_id="two", ended=2, recorded=10, digest="good")
    assert [number_said(warehouse, hour) for hour in (9, 10)] == [5, 1]


def test_mending_twice_at_the_moment_of_one_clock_tick(warehouse: Engine) -> None:
    """A warehouse made anew records a pull that is loaded again under the same moment: nothing may get lost."""
    load(warehouse, [post(0, likes=1, replies=1)], load_id="zero", ended=0)
    load(warehouse, [post(3, likes=7, replies=1)], load_id="long", began=0.5, ended=5)
    load(warehouse, [post(2, likes=1, replies=5)], load_id="short", began=1.5, ended=2.5)
    assert replays_due(warehouse, client_id=CLIENT, source="bluesky") == ["long"]
    load(warehouse, [post(3, likes=7, replies=1)], load_id="long", began=0.5, ended=5)
    with warehouse.connect() as connection:
        found = read.post_counters(connection, CLIENT, at(9), at(-1), at(1))
    assert [(each.metric, each.value) for each in found] == [("likes", 7), ("replies", 1)]


def test_without_a_moment_the_databases_clock_tells(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        before = connection.exec_driver_sql("SELECT clock_timestamp()").scalar()
    load_pull(
        warehouse, load_id="one", target=target(), window=Window(MONDAY, MONDAY), started_at=at(0), ended_at=at(1),
        digest=b"one", rows=a_pull(1, 1),
        rejected=[Rejected(index=2, reason="odd")],
        verdicts=[DayVerdict(client_id=CLIENT, source="bluesky", ref="cafe.example", day=MONDAY, colour="green")],
    )  # fmt: skip
    with warehouse.begin() as connection:
        after = connection.exec_driver_sql("SELECT clock_timestamp()").scalar()
        moments = [
            moment
            for table in ("account", "post", "load", "quarantine", "verdict")
            for (moment,) in connection.exec_driver_sql(f"SELECT recorded_at FROM {table}")
        ]
    assert len(moments) == 5
    assert before < moments[0] < after
    assert len(set(moments)) == 1, "one moment for all of a pull"


def test_the_same_digest_again_does_nothing(warehouse: Engine) -> None:
    first = load(warehouse, a_pull(1, 1), load_id="one", ended=1)
    before = dump(warehouse)
    assert load(warehouse, never(), load_id="one", ended=1, recorded=50) == first
    assert dump(warehouse) == before


def test_verdicts_and_pulls_are_known_from_when_they_were_recorded(warehouse: Engine) -> None:
    load(warehouse, [], load_id="one", ended=24, recorded=30)
    with warehouse.connect() as connection:
        for hour, expected in ((29, 0), (30, 1)):
            assert len(read.verdicts(connection, CLIENT, at(hour), MONDAY, MONDAY)) == expected
            assert len(read.windows(connection, CLIENT, at(hour))) == expected
            covered = read.is_covered(
                connection, CLIENT, at(hour), source="bluesky", ref="cafe.example", first_day=MONDAY, last_day=MONDAY,
            )  # fmt: skip
            assert covered is bool(expected)


def test_a_pull_judged_anew_has_a_second_verdict_and_other_rows_in_quarantine(warehouse: Engine) -> None:
    def judged(colour: str, digest: str, recorded: float, *rejected: Rejected) -> None:
        load_pull(
            warehouse, load_id="one", target=target(), window=Window(MONDAY, MONDAY), started_at=at(0), ended_at=at(1),
            digest=digest.encode(), rows=a_pull(1, 1), rejected=rejected, recorded_at=at(recorded),
            verdicts=[DayVerdict(client_id=CLIENT, source="bluesky", ref="cafe.example", day=MONDAY, colour=colour)],  # type: ignore[arg-type]  # Literal
        )  # fmt: skip

    judged("red", "strict", 10, Rejected(index=2, reason="odd"), Rejected(index=1, metric="likes", reason="too many"))
    assert [row[1:6] for row in dump(warehouse)["quarantine"]] == [
        (1, "likes", at(10), "post", "too many"), (2, "", at(10), "day", "odd")
    ]  # fmt: skip
    judged("amber", "mild", 20, Rejected(index=1, metric="reposts", reason="too few"))
    assert [row[1:6] for row in dump(warehouse)["quarantine"]] == [(1, "reposts", at(20), "post", "too few")]
    with warehouse.connect() as connection:
        colours = [read.verdicts(connection, CLIENT, at(hour), MONDAY, MONDAY)[0].colour for hour in (10, 19, 20)]
    assert colours == ["red", "red", "amber"]
    assert said(warehouse, 19)[-2:] == ([("reposts", 7)], [])
    assert said(warehouse, 20)[-2:] == ([("likes", 1), ("reposts", 7)], [1.0])
    judged("amber", "mild", 30, Rejected(index=1, metric="reposts", reason="too few"))
    assert [row[3] for row in dump(warehouse)["quarantine"]] == [at(20)], "the same again: nothing happens"


def never() -> Iterator[Row]:
    raise AssertionError("the rows were read")
    yield  # pragma: no cover


def test_a_pull_like_the_one_before_is_recorded_unread(warehouse: Engine) -> None:
    load(warehouse, a_pull(1, 1), load_id="one", ended=1, digest="same")
    assert load(warehouse, never(), load_id="two", ended=2, digest="same") == LoadCounts(parsed=3, held=0, stored=0)
    assert load(warehouse, never(), load_id="three", ended=3, digest="same") == LoadCounts(parsed=3, held=0, stored=0)
    found = dump(warehouse)
    assert [row[0] for row in found["load"]] == ["one", "three", "two"]
    assert len(found["verdict"]) == 3
    assert number_said(warehouse, 9) == 1


Reason = Callable[[Engine], None]


def had_rejections(engine: Engine) -> None:
    load(engine, a_pull(1, 1), load_id="one", ended=1, digest="same", rejected=[Rejected(index=0, reason="odd")])


def another_came_between(engine: Engine) -> None:
    load(engine, a_pull(1, 1), load_id="one", ended=1, digest="same")
    load(engine, a_pull(1.2, 2), load_id="between", ended=1.2, digest="other")


def overlap(engine: Engine) -> None:
    load(engine, a_pull(1, 1), load_id="one", ended=1.8, digest="same")


def came_first_but_later(engine: Engine) -> None:
    load(engine, a_pull(3, 1), load_id="one", ended=3, digest="same")


def is_due(engine: Engine) -> None:
    load(engine, a_pull(1, 1), load_id="one", ended=1, digest="same")
    load(engine, a_pull(0.3, 2), load_id="late", ended=0.5, recorded=3)
    assert replays_due(engine, client_id=CLIENT, source="bluesky") == ["one"]


def was_anothers(engine: Engine) -> None:
    load(engine, a_pull(1, 1), load_id="one", ended=1, digest="same", ref="other.example")


@pytest.mark.parametrize(
    "before", [had_rejections, another_came_between, overlap, came_first_but_later, is_due, was_anothers]
)
def test_it_is_read_when_something_speaks_against_leaving_it(warehouse: Engine, before: Reason) -> None:
    before(warehouse)
    with pytest.raises(AssertionError, match="the rows were read"):
        load(warehouse, never(), load_id="two", ended=2, digest="same", recorded=4)


def test_it_is_read_when_it_has_rejections_itself(warehouse: Engine) -> None:
    load(warehouse, a_pull(1, 1), load_id="one", ended=1, digest="same")
    with pytest.raises(AssertionError, match="the rows were read"):
        load(warehouse, never(), load_id="two", ended=2, digest="same", rejected=[Rejected(index=0, reason="odd")])


def test_a_pull_that_was_left_unread_is_read_when_it_is_due(warehouse: Engine) -> None:
    load(warehouse, [counter(1, 1)], load_id="one", ended=1, digest="same")
    load(warehouse, [counter(3, 1)], load_id="three", ended=3, digest="same")
    load(warehouse, [counter(2, 5)], load_id="two", ended=2, recorded=4, digest="other")
    assert replays_due(warehouse, client_id=CLIENT, source="bluesky") == ["three"]
    load(warehouse, [counter(3, 1)], load_id="three", ended=3, recorded=5, digest="same")
    assert values_of(warehouse) == [(at(1), 1), (at(2), 5), (at(3), 1)]


def test_digests_are_kept_as_they_are(warehouse: Engine) -> None:
    load(warehouse, [comment(1)], load_id="one", ended=1, digest="old")
    load(warehouse, [comment(1)], load_id="one", ended=1, digest="new")
    with warehouse.connect() as connection:
        digest = connection.exec_driver_sql("SELECT digest FROM load").scalar()
    assert digest == hashlib.sha256(b"new").digest()
