"""What is remembered of rushes of comments, so that each is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0004_alerts"
down_revision = "0003_quality"
branch_labels = None
depends_on = None

PERIOD = "ISO week of the report"
REVISION = "Revision of the report"


def upgrade() -> None:
    """Add the crises, which the report's role reads like the others; the outbox takes mails about them."""
    op.create_table(
        "crisis",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False, comment="The client's id; leads every key."),
        sa.Column(
            "crisis", sa.Text(collation="C"), nullable=False, comment="Its name, told from when it was first seen."
        ),
        sa.Column(
            "first_look",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="End of the first 12 hours with far more comments than usual.",
        ),
        sa.Column(
            "last_look", sa.DateTime(timezone=True), nullable=False, comment="End of the last such 12 hours."
        ),
        sa.Column(
            "peak_look", sa.DateTime(timezone=True), nullable=False, comment="End of the 12 hours with most comments."
        ),
        sa.Column("comments", sa.Integer(), nullable=False, comment="Comments in them."),
        sa.Column(
            "usual_low",
            sa.Integer(),
            nullable=False,
            comment="On nine of ten days before, at that time, from so many",
        ),
        sa.Column("usual_high", sa.Integer(), nullable=False, comment="to so many."),
        sa.Column(
            "looked_until",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="End of the last 12 hours that were judged.",
        ),
        sa.Column(
            "alerted_at", sa.DateTime(timezone=True), comment="When the mail about it was written; NULL: not yet."
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            comment="When it was told that it is over, or goes on; NULL: not yet.",
        ),
        sa.PrimaryKeyConstraint("client_id", "crisis", name=op.f("pk_crisis")),
        comment="Rushes of comments, one row each: what was seen, and what was told of it.",
    )
    op.execute("ALTER TABLE crisis ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY one_client ON crisis TO widerview_report "
        "USING (client_id = current_setting('widerview.client_id', true))"
    )
    op.execute("GRANT SELECT ON crisis TO widerview_report")
    op.alter_column("outbox", "period", comment=f"{PERIOD}, or the name of a crisis.")
    op.alter_column("outbox", "revision", comment=f"{REVISION}; of a crisis 1: alert, 2: its end.")


def downgrade() -> None:
    """Take them away."""
    op.alter_column("outbox", "revision", comment=f"{REVISION}.")
    op.alter_column("outbox", "period", comment=f"{PERIOD}.")
    op.drop_table("crisis")
