"""What a reviewer has struck from a report, and why one was not approved."""

import sqlalchemy as sa
from alembic import op

revision = "0007_review"
down_revision = "0006_delivery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both to the reports."""
    op.add_column("report", sa.Column("struck", sa.Text(), comment="The sentence that the reviewer has struck."))
    op.add_column("report", sa.Column("reason", sa.Text(), comment="Why it was sent back or held."))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("report", "reason")
    op.drop_column("report", "struck")
