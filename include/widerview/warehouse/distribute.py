"""The warehouse on a Citus cluster: every client's rows on one node, the vocabulary on all of them."""

from sqlalchemy import Connection, Engine

from widerview.warehouse.forget import client_tables
from widerview.warehouse.sql import query
from widerview.warehouse.tables import metadata


class NoCluster(ValueError):
    """The warehouse cannot be distributed; the message says why, and what to do."""


def distribute(engine: Engine) -> list[str]:
    """Distribute the warehouse's tables over a Citus cluster; what is distributed already stays as it is.

    Tables of clients are distributed by `client_id`, so that each client's rows of all tables lie on one node; the
    others are copied to every node. Rows that are there move, and loads of a table wait meanwhile. To be called again
    after a migration that makes a table, and after a node was added.

    Each step stands by itself: interrupted, it can be called again.

    Returns:
        The tables that were not distributed before.

    Raises:
        NoCluster: The database has no Citus, or a worker refused.
    """
    # Citus wants neither to distribute a table nor to change a role in the middle of a transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(query("has_citus")):
            raise NoCluster(
                f"The database {engine.url.database} has no Citus. On the coordinator and every worker install it and "
                "run CREATE EXTENSION citus in this database; then add the workers with citus_add_node."
            )
        done = set(connection.scalars(query("distributed_tables")))
        new = [*_spread(connection, done), *_copy(connection, done)]
        _let_reports_in(connection)
        connection.execute(query("pass_settings_on"))
    return new


def _spread(connection: Connection, done: set[str]) -> list[str]:
    tables = [table.name for table in client_tables(connection)]
    new = [table for table in tables if table not in done]
    beside = next((table for table in tables if table in done), "default")
    for table in new:
        connection.execute(query("distribute_table"), {"table": table, "beside": beside})
        beside = table
    return new


def _copy(connection: Connection, done: set[str]) -> list[str]:
    new = [name for name, table in metadata.tables.items() if "client_id" not in table.columns and name not in done]
    for table in new:
        connection.execute(query("copy_table"), {"table": table})
    return new


def _let_reports_in(connection: Connection) -> None:
    refused = [f"{row.nodename}:{row.nodeport}: {row.result}" for row in connection.execute(query("let_reports_in"))]
    if refused:
        raise NoCluster(
            f"Reports cannot read from every worker: {'; '.join(refused)}. Run there, as an administrator: "
            "ALTER ROLE widerview_report LOGIN; then distribute again."
        )
