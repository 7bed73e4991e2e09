"""What is held back tells of the run it came with, and of where its raw answer lies."""

import sqlalchemy as sa
from alembic import op

revision = "0003_quality"
down_revision = "0002_sources"
branch_labels = None
depends_on = None

RUN = "The Airflow run that made the pull."
RAW = "Where the raw answer lies in landing: the pack, and after # which of its answers."


def upgrade() -> None:
    """Add the columns; of what is held already, the run is known by the name it has in landing."""
    op.add_column("quarantine", sa.Column("run", sa.Text(), nullable=False, server_default="", comment=RUN))
    op.execute("UPDATE quarantine SET run = split_part(load_id, '/', 3)")
    op.alter_column("quarantine", "run", server_default=None)
    op.add_column("quarantine", sa.Column("raw", sa.Text(), comment=RAW))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("quarantine", "raw")
    op.drop_column("quarantine", "run")
