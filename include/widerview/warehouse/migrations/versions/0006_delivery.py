"""What the outbox has to remember of what was put off, held, sent again or given back; recipients to leave alone."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006_delivery"
down_revision = "0005_touchpoints"
branch_labels = None
depends_on = None

STATES = ("ready", "claimed", "transmitting", "sent", "failed", "uncertain")
MORE_STATES = ("held", "suppressed", "bounced")
COLUMNS: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
    "not_before": (sa.DateTime(timezone=True), "It was put off, and is not tried again before then."),
    "reason": (sa.Text(), "Why it is sent again, as a revision of its own; NULL: it is not."),
    "resolved": (sa.Text(), "What a person found out of it while it was uncertain; NULL: nothing."),
    "released": (sa.Text(), "Who let it go though it was held, and why; NULL: nobody."),
}
ANSWER = "The mail server's last answer."


def upgrade() -> None:
    """Add states and columns to the outbox, and the recipients to whom nothing is sent."""
    op.drop_constraint("ck_outbox_state", "outbox")
    op.create_check_constraint(op.f("ck_outbox_state"), "outbox", f"state IN {STATES + MORE_STATES}")
    for name, (kind, comment) in COLUMNS.items():
        op.add_column("outbox", sa.Column(name, kind, comment=comment))
    op.alter_column("outbox", "answer", comment="The mail server's last answer, or why there is none.")
    op.create_table(
        "suppression",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False, comment="The client's id; leads every key."),
        sa.Column("recipient", sa.Text(collation="C"), nullable=False, comment="Email address, in lower case."),
        sa.Column("kind", sa.Text(), nullable=False, comment="Why nothing is sent there."),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="Since when."),
        sa.Column("detail", sa.Text(), nullable=False, comment="How we know it."),
        sa.Column(
            "lifted", sa.Text(), comment="Who lets mails go there again, and why; NULL: nothing is sent there."
        ),
        sa.CheckConstraint("kind IN ('unsubscribed', 'bounced', 'complained')", name=op.f("ck_suppression_kind")),
        sa.PrimaryKeyConstraint("client_id", "recipient", name=op.f("pk_suppression")),
        comment="Recipients to whom nothing is sent, whatever the client's file says.",
    )
    op.execute("ALTER TABLE suppression ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY one_client ON suppression TO widerview_report "
        "USING (client_id = current_setting('widerview.client_id', true))"
    )
    op.execute("GRANT SELECT ON suppression TO widerview_report")


def downgrade() -> None:
    """Take them away; what an older Widerview does not know goes nowhere by itself, so a person looks at it."""
    op.drop_table("suppression")
    op.alter_column("outbox", "answer", comment=ANSWER)
    for name in COLUMNS:
        op.drop_column("outbox", name)
    op.drop_constraint("ck_outbox_state", "outbox")
    op.execute(f"UPDATE outbox SET state = 'failed' WHERE state IN {MORE_STATES}")
    op.create_check_constraint(op.f("ck_outbox_state"), "outbox", f"state IN {STATES}")
