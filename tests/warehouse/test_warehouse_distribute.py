"""Distribution asks Citus for the right things, once. Citus itself is played by functions of the same names."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from widerview.warehouse.database import connect
from widerview.warehouse.distribute import NoCluster, distribute
from widerview.warehouse.migrate import migrate
from widerview.warehouse.tables import metadata

OF_CLIENTS = {name for name, table in metadata.tables.items() if "client_id" in table.columns}
OF_NOBODY = {"metric", "metric_definition"}

CITUS = """
    CREATE TABLE asked (step serial, what text, name text, client_column text, beside text);
    CREATE TABLE pg_dist_partition (logicalrelid regclass);
    CREATE FUNCTION create_distributed_table(
        table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
        colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
    ) RETURNS void LANGUAGE sql AS $$
        INSERT INTO asked (what, name, client_column, beside)
        VALUES ('distribute', table_name::text, distribution_column, colocate_with);
        INSERT INTO pg_dist_partition SELECT table_name UNION SELECT relid FROM pg_partition_tree(table_name)
    $$;
    CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS $$
        INSERT INTO asked (what, name) VALUES ('copy', table_name::text);
        INSERT INTO pg_dist_partition VALUES (table_name)
    $$;
    CREATE FUNCTION run_command_on_workers(
        command text, parallel bool DEFAULT true,
        OUT nodename text, OUT nodeport int, OUT success bool, OUT result text
    ) RETURNS SETOF record LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE command;
        RETURN QUERY VALUES ('worker-1', 5432, true, 'DO'), ('worker-2', 5432, {second}, 'DO or why not');
    END
    $$;
"""


@pytest.fixture
def cluster(warehouse: Engine) -> Iterator[Engine]:
    """A migrated warehouse on a server that plays a Citus coordinator, and its own worker."""
    play(warehouse)
    yield warehouse
    with warehouse.begin() as connection:
        connection.execute(text("ALTER ROLE widerview_report NOLOGIN"))


def play(engine: Engine, second: str = "true") -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(CITUS.replace("{second}", second))


def asked(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT what, name, client_column, beside FROM asked ORDER BY step"))
        return [tuple(row) for row in found]


def test_every_table_is_distributed_by_client_side_by_side(cluster: Engine) -> None:
    new = distribute(cluster)
    found = asked(cluster)
    distributed = [row for row in found if row[0] == "distribute"]
    assert {row[1] for row in distributed} == OF_CLIENTS
    assert {row[2] for row in distributed} == {"client_id"}
    assert [row[3] for row in distributed] == ["default", *[row[1] for row in distributed[:-1]]]
    assert {row[1] for row in found if row[0] == "copy"} == OF_NOBODY
    assert set(new) == OF_CLIENTS | OF_NOBODY


def test_what_is_distributed_stays_and_a_new_table_joins_it(cluster: Engine) -> None:
    distribute(cluster)
    before = asked(cluster)
    assert distribute(cluster) == []
    assert asked(cluster) == before
    with cluster.begin() as connection:
        connection.execute(text("CREATE TABLE a_new_one (client_id text PRIMARY KEY)"))
    assert distribute(cluster) == ["a_new_one"]
    assert asked(cluster)[-1] == ("distribute", "a_new_one", "client_id", "account")


def test_reports_may_log_in_and_their_client_is_passed_on(cluster: Engine) -> None:
    distribute(cluster)
    cluster.dispose()
    with cluster.connect() as connection:
        assert connection.scalar(text("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'widerview_report'"))
        assert connection.scalar(text("SHOW citus.propagate_set_commands")) == "local"


def test_a_worker_that_refuses_is_named(cluster: Engine) -> None:
    with cluster.begin() as connection:
        connection.execute(text("DROP FUNCTION run_command_on_workers"))
        connection.execute(text("DROP TABLE asked, pg_dist_partition"))
        connection.execute(text("DROP FUNCTION create_distributed_table, create_reference_table"))
    play(cluster, second="false")
    with pytest.raises(NoCluster, match=r"worker-2:5432: DO or why not.*ALTER ROLE widerview_report LOGIN"):
        distribute(cluster)


def test_a_database_without_citus_is_told_so(warehouse: Engine) -> None:
    with pytest.raises(NoCluster, match="CREATE EXTENSION citus"):
        distribute(warehouse)


def test_a_migration_distributes_only_if_told_so(cluster: Engine) -> None:
    migrate(cluster)
    assert asked(cluster) == []
    url = cluster.url.render_as_string(hide_password=False)
    migrate(url, distributed=True)
    assert {row[1] for row in asked(cluster)} == OF_CLIENTS | OF_NOBODY
    engine = connect(url)
    migrate(engine, distributed=True)
    engine.dispose()
    assert len(asked(cluster)) == len(OF_CLIENTS | OF_NOBODY)
