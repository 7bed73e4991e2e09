"""Why a day is not green, in a word each, so that the report can say it in the client's language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_flaws"
down_revision = "0009_superseded"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of verdicts from before there was one no word is known."""
    op.add_column(
        "verdict",
        sa.Column(
            "flaws",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="The same in a word each: kind, and the metric that is not given.",
        ),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("verdict", "flaws")
