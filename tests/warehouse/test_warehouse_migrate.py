"""The migrations make exactly the tables the code believes in, forward and back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Engine, create_engine, inspect, text
from warehouse_pulls import CLIENT, at, load, post

from widerview.warehouse.database import REPORT_ROLE, client_snapshot, connect
from widerview.warehouse.migrate import VERSION_TABLE, current, downgrade, head, migrate
from widerview.warehouse.partitions import PARTITIONED
from widerview.warehouse.read import posts
from widerview.warehouse.tables import metadata

NEWEST = "0010_flaws"

CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'warehouse_version'
        AND contype <> 'n' AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = conrelid)
    ORDER BY 1, 2
"""


def constraints(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(CONSTRAINTS))]


def is_believed(_: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """Whether to compare a thing: all of the code's; of the database's all but the months of a table."""
    return not (kind == "table" and reflected and compared is None and name is not None and is_month(name))


def is_month(name: str) -> bool:
    return any(name.startswith(f"{table}_") for table in PARTITIONED)


def test_migrated_database_is_what_the_code_believes(warehouse: Engine) -> None:
    load(warehouse, [post(1)], load_id="one", ended=1)
    with warehouse.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
                "include_object": is_believed,
            },
        )
        assert compare_metadata(context, metadata) == []
    migrated = constraints(warehouse)
    assert any("amber" in definition for _, _, definition in migrated)

    downgrade(warehouse, "base")
    metadata.create_all(warehouse)
    assert constraints(warehouse) == migrated


def test_every_table_and_column_says_what_it_is(warehouse: Engine) -> None:
    inspector = inspect(warehouse)
    for name, table in metadata.tables.items():
        assert inspector.get_table_comment(name)["text"] == table.comment
        columns = inspector.get_columns(name)
        assert {column["name"]: column["comment"] for column in columns} == {c.name: c.comment for c in table.columns}
        assert not [column["name"] for column in columns if not column["comment"]]
        if "client_id" in table.columns:
            assert inspector.get_pk_constraint(name)["constrained_columns"][0] == "client_id"


def test_what_holds_no_clients_data_is_the_vocabulary_alone() -> None:
    of_nobody = {name for name, table in metadata.tables.items() if "client_id" not in table.columns}
    assert of_nobody == {"metric", "metric_definition"}


def test_back_to_nothing_and_forward_again(warehouse: Engine) -> None:
    assert current(warehouse) == head() == NEWEST
    downgrade(warehouse, "base")
    assert current(warehouse) is None
    assert inspect(warehouse).get_table_names() == [VERSION_TABLE]
    migrate(warehouse)
    assert current(warehouse) == NEWEST
    load(warehouse, [post(1)], load_id="one", ended=1)


def test_migrating_by_url_and_twice(database: URL) -> None:
    url = database.set(drivername="postgresql").render_as_string(hide_password=False)
    assert current(url) is None
    migrate(url)
    migrate(url)
    assert current(url) == NEWEST


def test_two_processes_may_migrate_at_once(database: URL) -> None:
    url = database.render_as_string(hide_password=False)
    start = Barrier(4)

    def run(_: int) -> str | None:
        engine = connect(url)
        start.wait()
        migrate(engine)
        found = current(engine)
        engine.dispose()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [NEWEST] * 4


def test_an_unknown_revision_is_told_with_the_way_out(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0007_from_the_future'"))
    with pytest.raises(ValueError, match=r"0007_from_the_future.*use that version, or a new database and `widerview"):
        migrate(warehouse)
    assert current(warehouse) == "0007_from_the_future"


@contextmanager
def ordinary_user(database: URL) -> Iterator[tuple[str, Engine]]:
    """A user who owns the database and may do nothing else on the server: its name, and what it opens."""
    name = f"ordinary_{uuid4().hex}"
    admin = create_engine(database, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f'ALTER DATABASE "{database.database}" OWNER TO {name}'))
    engine = connect(database.set(username=name).render_as_string(hide_password=False))
    yield name, engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP OWNED BY {name} CASCADE"))
        connection.execute(text(f'ALTER DATABASE "{database.database}" OWNER TO CURRENT_USER'))
        connection.execute(text(f"DROP ROLE {name}"))
    admin.dispose()


def test_who_may_not_make_the_role_is_told_what_to_let_an_administrator_run(warehouse: Engine, database: URL) -> None:
    assert warehouse.url.database != database.database, "the server has the role, made for another database"
    with ordinary_user(database) as (name, engine):
        with pytest.raises(
            ValueError, match=rf"CREATE ROLE {REPORT_ROLE}; GRANT {REPORT_ROLE} TO {name}; then migrate"
        ):
            migrate(engine)
        assert current(engine) is None, "nothing was migrated"
        assert inspect(engine).get_table_names() == []

        with warehouse.begin() as administrator:
            administrator.execute(text(f"GRANT {REPORT_ROLE} TO {name}"))
        migrate(engine)
        load(engine, [post(1)], load_id="one", ended=1)
        load(engine, [post(1, client="quay-gym")], load_id="one", ended=1, client="quay-gym")
        with client_snapshot(engine, CLIENT) as connection:
            assert len(posts(connection, CLIENT, at(1), at(-1), at(1))) == 1
            assert posts(connection, "quay-gym", at(1), at(-1), at(1)) == []
