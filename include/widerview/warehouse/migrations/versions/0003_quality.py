"""What the gate has to remember, and what is told of what it holds back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_quality"
down_revision = "0002_sources"
branch_labels = None
depends_on = None

RUN = "The Airflow run that made the pull."
RAW = "Where the raw answer lies in landing: the pack, and after # which of its answers."


def upgrade() -> None:
    """Add the shape of answers, which the report's role reads like the others, and where held rows came from."""
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
    op.add_column("quarantine", sa.Column("run", sa.Text(), nullable=False, server_default="", comment=RUN))
    # Of what is held already, the run is known by the name it has in landing.
    op.execute("UPDATE quarantine SET run = split_part(load_id, '/', 3)")
    op.alter_column("quarantine", "run", server_default=None)
    op.add_column("quarantine", sa.Column("raw", sa.Text(), comment=RAW))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("quarantine", "raw")
    op.drop_column("quarantine", "run")
    op.drop_table("answer_shape")
