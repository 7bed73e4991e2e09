"""The migrations make exactly the tables the code believes in, forward and back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Engine, inspect, text

from widerview.warehouse.database import connect
from widerview.warehouse.migrate import VERSION_TABLE, current, downgrade, migrate
from widerview.warehouse.tables import metadata

CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'warehouse_version' ORDER BY 1, 2
"""


def constraints(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(CONSTRAINTS))]


def test_migrated_database_is_what_the_code_believes(warehouse: Engine) -> None:
    with warehouse.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, metadata) == []
    migrated = constraints(warehouse)
    assert any("amber" in definition for _, _, definition in migrated)

    downgrade(warehouse, "base")
    metadata.create_all(warehouse)
    assert constraints(warehouse) == migrated


def test_every_table_and_column_says_what_it_is(warehouse: Engine) -> None:
    inspector = inspect(warehouse)
    for table in metadata.tables:
        assert inspector.get_table_comment(table)["text"]
        columns = inspector.get_columns(table)
        assert [column["name"] for column in columns if not column["comment"]] == []
        assert inspector.get_pk_constraint(table)["constrained_columns"][0] == "client_id"


def test_back_to_nothing_and_forward_again(warehouse: Engine) -> None:
    assert current(warehouse) == "0001"
    downgrade(warehouse, "base")
    assert current(warehouse) is None
    assert inspect(warehouse).get_table_names() == [VERSION_TABLE]
    migrate(warehouse)
    assert current(warehouse) == "0001"


def test_migrating_by_url_and_twice(database: URL) -> None:
    url = database.set(drivername="postgresql").render_as_string(hide_password=False)
    assert current(url) is None
    migrate(url)
    migrate(url)
    assert current(url) == "0001"


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
        assert list(pool.map(run, range(4))) == ["0001"] * 4
