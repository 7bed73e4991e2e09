"""PostgreSQL itself shows a report one client's rows, and lets it change nothing."""

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from warehouse_pulls import CLIENT, MONDAY, account, at, comment, crisis, day, load, post, remember_missing

from widerview.quality.verdict import Rejected
from widerview.warehouse import read
from widerview.warehouse.crises import save_crisis
from widerview.warehouse.database import REPORT_ROLE, client_snapshot
from widerview.warehouse.reports import save_report
from widerview.warehouse.tables import metadata
from widerview.warehouse.usage import DailyAllowance

OTHER = "quay-gym"
HIDDEN = {"client_salt"}
OF_NOBODY = {"metric", "metric_definition"}
OF_CLIENTS = metadata.tables.keys() - HIDDEN - OF_NOBODY


@pytest.fixture
def filled(warehouse: Engine) -> Engine:
    """A warehouse with two clients, each with a row in every table."""
    for client in (CLIENT, OTHER):
        rows = [account(1, client=client), post(1, client=client, likes=3), comment(1, client=client),
                day(1, 4.0, client=client), post(1, "held", client=client)]  # fmt: skip
        load(warehouse, rows, load_id="one", ended=1, client=client, rejected=[Rejected(index=4, reason="odd")])
        with DailyAllowance(warehouse, client, "bluesky", calls=9, dollars=None, clock=lambda: at(1)) as allowance:
            allowance.call()
        with warehouse.begin() as connection:
            save_report(connection, "{}", client, "2026-W46", at(1))
            save_crisis(connection, crisis(client))
            remember_missing(connection, client)
            connection.execute(
                text("""
                    INSERT INTO outbox (client_id, period, revision, recipient, message_id, message, sha256, state,
                        queued_at, changed_at)
                    VALUES (:client, '2026-W46', 1, 'anna@cafe.example', '<1@agency.example>', '', '', 'ready',
                        now(), now())
                """),
                {"client": client},
            )
            connection.execute(
                text("""
                    INSERT INTO suppression (client_id, recipient, kind, since, detail)
                    VALUES (:client, 'anna@cafe.example', 'unsubscribed', now(), '')
                """),
                {"client": client},
            )
    return warehouse


def clients_in(connection: Connection, table: str) -> set[str]:
    return set(connection.scalars(text(f"SELECT client_id FROM {table}")))


def refused(connection: Connection, statement: str, why: str) -> None:
    with pytest.raises(DBAPIError, match=why), connection.begin_nested():
        connection.execute(text(statement))


def test_one_client_is_seen_in_every_table_without_asking_for_it(filled: Engine) -> None:
    with filled.connect() as connection:
        for table in OF_CLIENTS:
            assert clients_in(connection, table) == {CLIENT, OTHER}, "rows of both, or this test shows nothing"
    for client in (CLIENT, OTHER):
        with client_snapshot(filled, client) as connection:
            for table in OF_CLIENTS:
                assert clients_in(connection, table) == {client}, table
            assert connection.scalar(text("SELECT count(*) FROM metric")) > 0


def test_asking_for_another_client_gives_nothing(filled: Engine) -> None:
    with client_snapshot(filled, OTHER) as connection:
        assert read.posts(connection, CLIENT, at(1), at(-1), at(1)) == []
        assert read.accounts(connection, CLIENT, at(1)) == []
        assert read.day_values(connection, CLIENT, at(1), MONDAY, MONDAY, "visits", "total") == []
        assert read.windows(connection, CLIENT, at(1)) == []
        assert len(read.posts(connection, OTHER, at(1), at(-1), at(1))) == 1


def test_with_no_client_set_the_role_sees_nothing(filled: Engine) -> None:
    with filled.connect() as connection:
        connection.execute(text(f"SET ROLE {REPORT_ROLE}"))
        assert [table for table in OF_CLIENTS if clients_in(connection, table)] == [], "never set in this session"
        for value in ("", "nobody", "%", CLIENT.upper()):
            connection.execute(text("SELECT set_config('widerview.client_id', :value, false)"), {"value": value})
            assert [table for table in OF_CLIENTS if clients_in(connection, table)] == [], f"set to {value!r}"
        connection.execute(text("RESET widerview.client_id"))
        assert [table for table in OF_CLIENTS if clients_in(connection, table)] == []


def test_the_role_writes_nothing(filled: Engine) -> None:
    with filled.connect() as connection:
        connection.execute(text(f"SET ROLE {REPORT_ROLE}"))
        connection.execute(text("SELECT set_config('widerview.client_id', :client, false)"), {"client": CLIENT})
        for name, table in metadata.tables.items():
            column = table.columns.keys()[0]
            refused(connection, f"UPDATE {name} SET {column} = {column}", "permission denied")
            refused(connection, f"DELETE FROM {name}", "permission denied")
            refused(connection, f"TRUNCATE {name}", "permission denied")
            refused(connection, f"INSERT INTO {name} ({column}) VALUES ('x')", "permission denied")
            refused(connection, f"DROP TABLE {name} CASCADE", "must be owner")
    with client_snapshot(filled, CLIENT) as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("CREATE TEMPORARY TABLE mine (a int)"))


def test_the_role_knows_no_salt_and_no_month_by_itself(filled: Engine) -> None:
    with filled.connect() as connection:
        months = connection.scalars(
            text(
                "SELECT CAST(CAST(inhrelid AS regclass) AS text) "
                "FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid AND relkind = 'r'"
            )
        ).all()
        assert "post_2026_11" in months
        connection.execute(text(f"SET ROLE {REPORT_ROLE}"))
        connection.execute(text("SELECT set_config('widerview.client_id', :client, false)"), {"client": CLIENT})
        for table in (*HIDDEN, *months):
            refused(connection, f"SELECT * FROM {table}", f"permission denied for table {table}")


def test_afterwards_the_connection_is_the_owners_again(filled: Engine) -> None:
    who = text("SELECT current_user, current_setting('widerview.client_id', true), pg_backend_pid()")
    with filled.connect() as connection:
        owner, _, process = connection.execute(who).one()
    with client_snapshot(filled, CLIENT) as connection:
        assert tuple(connection.execute(who).one()) == (REPORT_ROLE, CLIENT, process)
    with pytest.raises(RuntimeError), client_snapshot(filled, CLIENT):
        raise RuntimeError
    with filled.connect() as connection:
        assert tuple(connection.execute(who).one()) == (owner, "", process), "the very same connection"
        assert clients_in(connection, "post") == {CLIENT, OTHER}
    load(filled, [post(2, "p2")], load_id="two", ended=2)


def test_a_client_snapshot_sees_one_moment(filled: Engine) -> None:
    count = text("SELECT count(*) FROM post")
    with client_snapshot(filled, CLIENT) as connection:
        before = connection.scalar(count)
        load(filled, [post(2, "p2")], load_id="two", ended=2)
        assert connection.scalar(count) == before


def test_every_table_with_clients_has_its_policy(filled: Engine) -> None:
    """Asked of the database: a new table without one fails here."""
    tables = """
        SELECT relname, relrowsecurity, ARRAY(
            SELECT concat_ws(' ', polcmd, pg_get_expr(polqual, polrelid)) FROM pg_policy
            WHERE polrelid = pg_class.oid AND polpermissive
                AND polroles = ARRAY[CAST(CAST(:role AS regrole) AS oid)]
        )
        FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
            AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'client_id')
    """
    with filled.connect() as connection:
        found = {
            name: (secured, policies)
            for name, secured, policies in connection.execute(text(tables), {"role": REPORT_ROLE})
        }
    assert found.keys() == OF_CLIENTS | HIDDEN
    mine = "r (client_id = current_setting('widerview.client_id'::text, true))"
    any_command = mine.replace("r (", "* (", 1)
    for name, (secured, policies) in found.items():
        assert secured, name
        assert len(policies) == (0 if name in HIDDEN else 1), name
        assert set(policies) <= {mine, any_command}, name
