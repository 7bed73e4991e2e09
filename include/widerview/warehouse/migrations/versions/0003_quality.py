"""What the gate has to remember."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_quality"
down_revision = "0002_sources"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the shape of answers, which the report's role reads like the others."""
    op.create_table(
        "answer_shape",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False, comment="The client's id; leads every key."),
        sa.Column("source", sa.Text(collation="C"), nullable=False, comment="The platform or web analytics."),
        sa.Column("ref", sa.Text(collation="C"), nullable=False, comment="The handle or site."),
        sa.Column("stream", sa.Text(collation="C"), nullable=False, comment="The source's stream, e.g. posts."),
        sa.Column(
            "observed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the last pull that told of it had ended.",
        ),
        sa.Column(
            "shape",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="From how many pulls it is known; by path the JSON types, and in how many pulls they were seen.",
        ),
        sa.PrimaryKeyConstraint("client_id", "source", "ref", "stream", name=op.f("pk_answer_shape")),
        comment="The shape of a platform's answers, to notice when it drifts; "
        "what had changed stands in landing's checks.",
    )
    op.execute("ALTER TABLE answer_shape ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY one_client ON answer_shape TO widerview_report "
        "USING (client_id = current_setting('widerview.client_id', true))"
    )
    op.execute("GRANT SELECT ON answer_shape TO widerview_report")


def downgrade() -> None:
    """Take it away."""
    op.drop_table("answer_shape")
