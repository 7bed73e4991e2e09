"""Forgetting a client: remove its rows from every table, then search for whatever may be left."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from widerview.warehouse.sql import query, sql


class ClientTable(NamedTuple):
    """A table that holds rows of clients; of each column with text in it, the expression that gives the text."""

    name: str
    columns: Mapping[str, str]


def client_tables(connection: Connection) -> list[ClientTable]:
    """List every table that holds rows of clients, as the database itself knows them."""
    return [ClientTable(row.name, row.columns) for row in connection.execute(query("client_tables"))]


def client_names(connection: Connection, client_id: str) -> set[str]:
    """Give the names by which a client may be known elsewhere: account handles and recipients' addresses."""
    return set(connection.scalars(query("client_names"), {"client_id": client_id}))


def lock_client(connection: Connection, client_id: str) -> None:
    """Wait for the client's running loads and let none begin until the transaction ends."""
    connection.execute(query("as_of"), {"client_id": client_id})


def remove_rows(connection: Connection, client_id: str) -> dict[str, int]:
    """Remove a client's rows from every table, in one transaction with `lock_client`; give their number by table."""
    return {
        table.name: connection.execute(
            _statement(connection, "remove_client", table), {"client_id": client_id}
        ).rowcount
        for table in client_tables(connection)
    }


def count_rows(connection: Connection, client_id: str) -> dict[str, int]:
    """Count a client's rows in every table."""
    return {
        table.name: connection.execute(
            _statement(connection, "count_client", table), {"client_id": client_id}
        ).scalar_one()
        for table in client_tables(connection)
    }


def search(connection: Connection, pattern: str) -> dict[str, int]:
    """Count, by `table.column`, the rows of any client in which a regular expression is found, whatever the case.

    Reads every row of every table once.
    """
    found: dict[str, int] = {}
    for table in client_tables(connection):
        counts = ", ".join(f"count(*) FILTER (WHERE {column} ~* :pattern)" for column in table.columns.values())
        statement = _statement(connection, "search_table", table, counts=counts)
        rows = connection.execute(statement, {"pattern": pattern}).one()
        found |= {f"{table.name}.{column}": count for column, count in zip(table.columns, rows, strict=True) if count}
    return found


def _statement(connection: Connection, name: str, table: ClientTable, **parts: str) -> TextClause:
    quoted = connection.dialect.identifier_preparer.quote_identifier(table.name)
    return text(sql(name).format(table=quoted, **parts))
