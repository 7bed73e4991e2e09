"""How Alembic reaches the warehouse: by the connection that `widerview.warehouse.migrate` hands it."""

from alembic import context

from widerview.warehouse.migrate import VERSION_TABLE
from widerview.warehouse.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
