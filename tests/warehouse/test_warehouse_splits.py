"""A visit that is moved to another campaign is not counted in both."""

import datetime as dt
from itertools import permutations

import pytest
from sqlalchemy import Engine
from warehouse_pulls import CLIENT, MONDAY, at, day, load

from widerview.quality.verdict import Rejected
from widerview.sources.base import Dimension, Row
from widerview.warehouse.load import replays_due
from widerview.warehouse.read import day_values

TUESDAY = MONDAY + dt.timedelta(days=1)


def channels(hours: float, date: dt.date = MONDAY) -> list[Row]:
    return [day(hours, 20, date), day(hours, 20, date, dimension="channel", member="direct")]


def campaign(hours: float, name: str, visits: float, date: dt.date = MONDAY, dimension: Dimension = "campaign") -> Row:
    return day(hours, visits, date, dimension=dimension, member=name)


def told(engine: Engine, dimension: Dimension = "campaign", as_of: float = 99) -> dict[tuple[int, str], float | None]:
    with engine.connect() as connection:
        values = day_values(connection, CLIENT, at(as_of), MONDAY, TUESDAY, "visits", dimension)
    return {(each.day.day, each.member): each.value for each in values}


def test_what_is_not_named_any_more_is_zero_and_was_not_before(warehouse: Engine) -> None:
    load(warehouse, [*channels(1), campaign(1, "autumn", 9)], load_id="1", ended=1)
    load(warehouse, [*channels(2), campaign(2, "winter", 9)], load_id="2", ended=2)
    assert told(warehouse) == {(9, "autumn"): 0, (9, "winter"): 9}
    assert told(warehouse, as_of=1.5) == {(9, "autumn"): 9}


def test_when_no_campaign_is_left_the_channels_tell_that_the_day_was_looked_at(warehouse: Engine) -> None:
    load(warehouse, [*channels(1), campaign(1, "autumn", 9)], load_id="1", ended=1)
    load(warehouse, [*channels(2), *channels(2, TUESDAY), campaign(2, "winter", 4, TUESDAY)], load_id="2", ended=2)
    assert told(warehouse) == {(9, "autumn"): 0, (10, "winter"): 4}


def test_a_day_or_a_split_that_was_not_asked_for_keeps_what_is_known_of_it(warehouse: Engine) -> None:
    monday = [*channels(1), campaign(1, "autumn", 9), campaign(1, "X", 2, dimension="network")]
    load(warehouse, monday, load_id="1", ended=1)
    load(warehouse, [*channels(2, TUESDAY), campaign(2, "winter", 4, TUESDAY)], load_id="2", ended=2)
    assert told(warehouse) == {(9, "autumn"): 9, (10, "winter"): 4}
    load(warehouse, [day(3, 21)], load_id="3", ended=3)
    assert told(warehouse)[9, "autumn"] == 9
    assert told(warehouse, "network") == {(9, "X"): 2}


def test_a_value_that_is_held_is_named_all_the_same(warehouse: Engine) -> None:
    load(warehouse, [*channels(1), campaign(1, "autumn", 9)], load_id="1", ended=1)
    rows = [*channels(2), campaign(2, "autumn", -1), campaign(2, "winter", 3)]
    load(warehouse, rows, load_id="2", ended=2, rejected=[Rejected(index=2, reason="negative")])
    assert told(warehouse) == {(9, "autumn"): 9, (9, "winter"): 3}


def test_of_what_is_told_by_rank_what_is_not_named_is_not_known(warehouse: Engine) -> None:
    load(warehouse, [day(1, 20), campaign(1, "rye", 9, dimension="query")], load_id="1", ended=1)
    load(warehouse, [day(2, 20), campaign(2, "bread", 9, dimension="query")], load_id="2", ended=2)
    assert told(warehouse, "query") == {(9, "rye"): None, (9, "bread"): 9}


def test_loading_again_changes_nothing(warehouse: Engine) -> None:
    load(warehouse, [*channels(1), campaign(1, "autumn", 9)], load_id="1", ended=1)
    second = [*channels(2), campaign(2, "winter", 9)]
    load(warehouse, second, load_id="2", ended=2)
    before = told(warehouse)
    load(warehouse, second, load_id="2", ended=2, digest="better code")
    load(warehouse, [*channels(3), campaign(3, "winter", 9)], load_id="3", ended=3)
    assert told(warehouse) == before


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_in_any_order_of_arrival_the_same_is_known_in_the_end(warehouse: Engine, order: tuple[str, ...]) -> None:
    pulls = {
        "a": (1, [*channels(1), campaign(1, "autumn", 9), campaign(1, "spring", 1)]),
        "b": (2, [*channels(2), campaign(2, "winter", 9)]),
        "c": (3, [*channels(3), campaign(3, "autumn", 5), campaign(3, "winter", 4)]),
    }
    for name in order:
        load(warehouse, pulls[name][1], load_id=name, ended=pulls[name][0])
        while due := replays_due(warehouse, client_id=CLIENT, source="bluesky"):
            for each in due:
                load(warehouse, pulls[each][1], load_id=each, ended=pulls[each][0])
    values = told(warehouse)
    assert {member: value for (_, member), value in values.items() if value} == {"autumn": 5, "winter": 4}
