"""What is remembered of the metrics that the canary missed, so that each is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0008_canary"
down_revision = "0007_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the findings, which the report's role reads like the others."""
    op.create_table(
        "missing_metric",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False, comment="The client's id; leads every key."),
        sa.Column("source", sa.Text(collation="C"), nullable=False, comment="The platform."),
        sa.Column("ref", sa.Text(collation="C"), nullable=False, comment="The handle or site that was asked."),
        sa.Column("metric", sa.Text(collation="C"), nullable=False, comment="Canonical metric."),
        sa.Column("native_metric", sa.Text(), nullable=False, comment="The platform's own name of it."),
        sa.Column("reason", sa.Text(), nullable=False, comment="What the platform said."),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), nullable=False, comment="When the canary first heard so."
        ),
        sa.Column(
            "told_at", sa.DateTime(timezone=True), comment="When the agency was told by mail; NULL: not yet."
        ),
        sa.PrimaryKeyConstraint("client_id", "source", "ref", "metric", name=op.f("pk_missing_metric")),
        comment="Metrics that a platform did not give when the canary asked for each alone; gone when it gives them.",
    )
    op.execute("ALTER TABLE missing_metric ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY one_client ON missing_metric TO widerview_report "
        "USING (client_id = current_setting('widerview.client_id', true))"
    )
    op.execute("GRANT SELECT ON missing_metric TO widerview_report")


def downgrade() -> None:
    """Take them away."""
    op.drop_table("missing_metric")
