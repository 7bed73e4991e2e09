"""What sources cannot give, and what asking them costs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_sources"
down_revision = "0001_warehouse"
branch_labels = None
depends_on = None

KIND = "text, image, video, link, poll, quote, carousel, reel or story."
KIND_BEFORE = "text, image, video, link, poll or quote."
DIMENSION = "What it is split by: total, channel, campaign, touchpoint, network, query, page."
DIMENSION_BEFORE = "What it is split by: total, channel, campaign, touchpoint, network."


def upgrade() -> None:
    """Add the column and the table, which the report's role reads like the others."""
    op.add_column(
        "load",
        sa.Column(
            "unavailable",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Why the platform did not give a metric that it was asked for, by metric.",
        ),
    )
    op.create_table(
        "api_usage",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False, comment="The client's id; leads every key."),
        sa.Column("day", sa.Date(), nullable=False, comment="Day in UTC."),
        sa.Column("source", sa.Text(collation="C"), nullable=False, comment="The platform that was asked."),
        sa.Column(
            "calls", sa.Integer(), nullable=False, comment="HTTP calls made, retries and those set aside included."
        ),
        sa.Column("dollars", sa.Numeric(12, 4), nullable=False, comment="What they cost, in US dollars."),
        sa.PrimaryKeyConstraint("client_id", "day", "source", name=op.f("pk_api_usage")),
        comment="What asking the platforms has cost, by client and day.",
    )
    op.execute("ALTER TABLE api_usage ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY one_client ON api_usage TO widerview_report "
        "USING (client_id = current_setting('widerview.client_id', true))"
    )
    op.execute("GRANT SELECT ON api_usage TO widerview_report")
    op.execute(f"COMMENT ON COLUMN post.kind IS '{KIND}'")
    op.execute(f"COMMENT ON COLUMN day_value.dimension IS '{DIMENSION}'")


def downgrade() -> None:
    """Take both away."""
    op.execute(f"COMMENT ON COLUMN day_value.dimension IS '{DIMENSION_BEFORE}'")
    op.execute(f"COMMENT ON COLUMN post.kind IS '{KIND_BEFORE}'")
    op.drop_table("api_usage")
    op.drop_column("load", "unavailable")
