"""What is known of mails that are not sent any more, or need nobody any more, and of reports that repeat another."""

import sqlalchemy as sa
from alembic import op

revision = "0009_superseded"
down_revision = "0008_canary"
branch_labels = None
depends_on = None

STATES = ("ready", "claimed", "transmitting", "sent", "failed", "uncertain", "held", "suppressed", "bounced")
MORE_STATES = ("superseded", "stopped")
RESOLVED = "What a person found out of it while it was uncertain; NULL: nothing."
REASON = "Why it was sent back or held."


def upgrade() -> None:
    """Add states and a column to the outbox, and a column to the reports."""
    op.drop_constraint("ck_outbox_state", "outbox")
    op.create_check_constraint(op.f("ck_outbox_state"), "outbox", f"state IN {STATES + MORE_STATES}")
    op.alter_column("outbox", "resolved", comment="What was found out or decided of it; NULL: nothing.")
    op.add_column(
        "outbox",
        sa.Column("closed", sa.Text(), comment="Who says that nothing is left to do about it, and why; NULL: nobody."),
    )
    op.alter_column(
        "report", "reason", comment=f"{REASON[:-1]}; of one that is sent again who wants that, and why."
    )
    op.add_column(
        "report",
        sa.Column(
            "repeats",
            sa.Integer(),
            comment="The revision that it says once more, to be sent again; NULL: it was composed.",
        ),
    )


def downgrade() -> None:
    """Take them away; what an older Widerview does not know goes nowhere by itself, so a person looks at it."""
    op.drop_column("report", "repeats")
    op.alter_column("report", "reason", comment=REASON)
    op.drop_column("outbox", "closed")
    op.alter_column("outbox", "resolved", comment=RESOLVED)
    op.drop_constraint("ck_outbox_state", "outbox")
    op.execute(f"UPDATE outbox SET state = 'failed' WHERE state IN {MORE_STATES}")
    op.create_check_constraint(op.f("ck_outbox_state"), "outbox", f"state IN {STATES}")
