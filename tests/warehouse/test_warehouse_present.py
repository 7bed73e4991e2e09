"""The moment to report as of: after all that is on its way in, and before all that comes later."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, Engine
from warehouse_pulls import CLIENT, MONDAY, at, post, target

from widerview.sources.base import Window
from widerview.warehouse.database import client_snapshot, present
from widerview.warehouse.load import load_pull
from widerview.warehouse.read import posts


def load_now(engine: Engine | Connection, load_id: str, client: str = CLIENT) -> None:
    load_pull(
        engine,
        load_id=load_id,
        target=target(client),
        window=Window(MONDAY, MONDAY),
        started_at=at(0),
        ended_at=at(1),
        digest=load_id.encode(),
        rows=[post(1, load_id, client=client)],
    )


def test_it_waits_for_a_running_load_of_the_client(warehouse: Engine, until_waiting: Callable[[Engine], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        with warehouse.begin() as connection:
            load_now(connection, "one")
            asked = pool.submit(present, warehouse, CLIENT)
            until_waiting(warehouse)
            assert not asked.done()
        as_of = asked.result(30)
    with client_snapshot(warehouse, CLIENT) as connection:
        assert [each.post_id for each in posts(connection, CLIENT, as_of, at(-1), at(1))] == ["one"]


def test_it_does_not_wait_for_another_clients_load(warehouse: Engine) -> None:
    with ThreadPoolExecutor(1) as pool, warehouse.begin() as connection:
        load_now(connection, "one", "quay-gym")
        pool.submit(present, warehouse, CLIENT).result(30)


def test_what_is_loaded_afterwards_is_not_in_a_report_as_of_it(warehouse: Engine) -> None:
    load_now(warehouse, "one")
    as_of = present(warehouse, CLIENT)
    load_now(warehouse, "two")
    with client_snapshot(warehouse, CLIENT) as connection:
        assert [each.post_id for each in posts(connection, CLIENT, as_of, at(-1), at(1))] == ["one"]
    with client_snapshot(warehouse, CLIENT) as connection:
        later = present(warehouse, CLIENT)
        assert later > as_of
        assert [each.post_id for each in posts(connection, CLIENT, later, at(-1), at(1))] == ["one", "two"]


def test_a_load_that_ends_while_it_waits_and_one_that_begins_meanwhile(
    warehouse: Engine, until_waiting: Callable[[Engine], None]
) -> None:
    """Whoever comes while the moment is being asked for gets a later one."""
    with ThreadPoolExecutor(2) as pool:
        with warehouse.begin() as connection:
            load_now(connection, "one")
            asked = pool.submit(present, warehouse, CLIENT)
            until_waiting(warehouse)
            behind = pool.submit(load_now, warehouse, "two")
        as_of = asked.result(30)
        behind.result(30)
    with client_snapshot(warehouse, CLIENT) as connection:
        assert [each.post_id for each in posts(connection, CLIENT, as_of, at(-1), at(1))] == ["one"]
