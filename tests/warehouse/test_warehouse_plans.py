"""What a report costs grows with its client's own rows: every read goes by the key that the client leads."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from warehouse_pulls import CLIENT, MONDAY, account, at, comment, day, load, post

from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot


def read_all(connection: Connection) -> None:
    read.posts(connection, CLIENT, at(99), at(-99), at(99))
    read.post_counters(connection, CLIENT, at(99), at(-99), at(99))
    read.received_messages(connection, CLIENT, at(99), at(-99), at(99))
    read.accounts(connection, CLIENT, at(99))
    read.account_counters(connection, CLIENT, at(99), at(99))
    read.day_values(connection, CLIENT, at(99), MONDAY, MONDAY, "visits", "total")
    read.verdicts(connection, CLIENT, at(99), MONDAY, MONDAY)
    read.windows(connection, CLIENT, at(99))


def scans(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Kind and table of each scan in a plan."""
    here = {(plan["Node Type"], plan["Relation Name"])} if "Relation Name" in plan else set()
    return here.union(*(scans(below) for below in plan.get("Plans", [])))


def test_no_read_of_a_report_scans_a_table(warehouse: Engine) -> None:
    # Few rows, and no statistics yet: this is where scanning looks cheapest.
    load(warehouse, [account(1), post(1, likes=3), comment(1), day(1, 4.0)], load_id="one", ended=1)
    statements: list[tuple[str, dict[str, object]]] = []
    event.listen(warehouse, "before_cursor_execute", lambda _1, _2, sql, values, *_: statements.append((sql, values)))
    with client_snapshot(warehouse, CLIENT) as connection:
        read_all(connection)
        reads = [(sql, values) for sql, values in statements if "FROM" in sql]
        assert len(reads) == 8
        for sql, values in reads:
            (explained,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
            found = scans(explained["Plan"])
            assert found, sql
            assert not {scan for scan in found if scan[0] == "Seq Scan"}, sql
