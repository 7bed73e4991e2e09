"""The first tables: observations, pulls, verdicts, reports, mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, with their comments."""
    op.create_table(
        "account",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform."),
        sa.Column(
            "account_id", sa.Text(), nullable=False, comment="The platform's own id; stays when the handle changes."
        ),
        sa.Column(
            "observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."
        ),
        sa.Column("handle", sa.Text(), nullable=False, comment="What people type to find it."),
        sa.Column("name", sa.Text(), nullable=False, comment="Display name."),
        sa.Column("url", sa.Text(), nullable=False, comment="Address of the profile."),
        sa.Column("receipt", sa.LargeBinary(), nullable=False, comment="sha256 of the raw answer in landing."),
        sa.PrimaryKeyConstraint("client_id", "source", "account_id", "observed_at", name=op.f("pk_account")),
        comment="Accounts as the platforms describe them, one row a change.",
    )
    op.create_table(
        "counter",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform."),
        sa.Column("entity", sa.Text(), nullable=False, comment="What is counted: an account or a post."),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="Its id on the platform."),
        sa.Column("metric", sa.Text(), nullable=False, comment="Canonical metric, e.g. likes."),
        sa.Column(
            "observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."
        ),
        sa.Column("account_id", sa.Text(), nullable=False, comment="The account it belongs to."),
        sa.Column("value", sa.BigInteger(), nullable=True, comment="The running total; NULL: not reported."),
        sa.Column("receipt", sa.LargeBinary(), nullable=False, comment="sha256 of the raw answer in landing."),
        sa.PrimaryKeyConstraint(
            "client_id", "source", "entity", "entity_id", "metric", "observed_at", name=op.f("pk_counter")
        ),
        sa.CheckConstraint("entity IN ('account', 'post')", name=op.f("ck_counter_entity")),
        comment="Running totals as they stood when observed, one row a change.",
    )
    op.create_table(
        "day_value",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column(
            "day", sa.Date(), nullable=False, comment="The platform's own day; second in the key, for reads of a range."
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform or web analytics."),
        sa.Column("entity_id", sa.Text(), nullable=False, comment="The account or web property."),
        sa.Column(
            "dimension", sa.Text(), nullable=False, comment="What it is split by: total, channel, campaign, touchpoint, network."
        ),
        sa.Column("member", sa.Text(), nullable=False, comment="The member of the dimension; empty for total."),
        sa.Column("metric", sa.Text(), nullable=False, comment="Canonical metric, e.g. visits."),
        sa.Column(
            "observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."
        ),
        sa.Column("zone", sa.Text(), nullable=False, comment="IANA time zone of the day."),
        sa.Column("value", sa.Double(), nullable=True, comment="The day's value; NULL: not reported."),
        sa.Column("receipt", sa.LargeBinary(), nullable=False, comment="sha256 of the raw answer in landing."),
        sa.PrimaryKeyConstraint(
            "client_id",
            "day",
            "source",
            "entity_id",
            "dimension",
            "member",
            "metric",
            "observed_at",
            name=op.f("pk_day_value"),
        ),
        comment="Values of whole days, one row a revision.",
    )
    op.create_table(
        "load",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("load_id", sa.Text(), nullable=False, comment="Path of the pull's manifest in landing."),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform or web analytics."),
        sa.Column("ref", sa.Text(), nullable=False, comment="The handle or site that was pulled."),
        sa.Column("first_day", sa.Date(), nullable=False, comment="First day asked for."),
        sa.Column("last_day", sa.Date(), nullable=False, comment="Last day asked for."),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the pull had ended."),
        sa.Column("rows_parsed", sa.Integer(), nullable=False, comment="Rows the pull gave."),
        sa.Column("rows_held", sa.Integer(), nullable=False, comment="Rows held in quarantine."),
        sa.Column("rows_stored", sa.Integer(), nullable=False, comment="Observations that were new when first loaded."),
        sa.Column(
            "replay_due",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="A pull that began earlier was loaded after this one: load this one again.",
        ),
        sa.PrimaryKeyConstraint("client_id", "load_id", name=op.f("pk_load")),
        comment="Pulls that are in the warehouse; written in the same transaction as their rows.",
    )
    op.create_table(
        "outbox",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("period", sa.Text(), nullable=False, comment="ISO week of the report."),
        sa.Column("revision", sa.Integer(), nullable=False, comment="Revision of the report."),
        sa.Column("recipient", sa.Text(), nullable=False, comment="Email address."),
        sa.Column("message_id", sa.Text(), nullable=False, comment="The mail's Message-ID, the same in every attempt."),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="The mail, byte for byte as it is sent."),
        sa.Column("sha256", sa.LargeBinary(), nullable=False, comment="sha256 of the mail."),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="uncertain: the mail server's answer was lost; a person decides, not a retry.",
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="How often sending was tried."),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False, comment="When it was put here."),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="When its state last changed."),
        sa.Column("answer", sa.Text(), nullable=True, comment="The mail server's last answer."),
        sa.PrimaryKeyConstraint("client_id", "period", "revision", "recipient", name=op.f("pk_outbox")),
        sa.CheckConstraint(
            "state IN ('ready', 'claimed', 'transmitting', 'sent', 'failed', 'uncertain')", name=op.f("ck_outbox_state")
        ),
        comment="Every mail to every recipient, and what became of it.",
    )
    op.create_table(
        "post",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform."),
        sa.Column("post_id", sa.Text(), nullable=False, comment="The platform's own id of the post."),
        sa.Column(
            "observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."
        ),
        sa.Column("account_id", sa.Text(), nullable=False, comment="Who published it."),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was published, as the platform says.",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="text, image, video, link, poll or quote."),
        sa.Column("text", sa.Text(), nullable=False, comment="Its words, as written."),
        sa.Column("permalink", sa.Text(), nullable=False, comment="Where to see it."),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, comment="Hashtags in lower case, without #."),
        sa.Column("links", postgresql.ARRAY(sa.Text()), nullable=False, comment="Links in it."),
        sa.Column("reply_to", sa.Text(), nullable=True, comment="The post of somebody else that it answers; NULL if none."),
        sa.Column("receipt", sa.LargeBinary(), nullable=False, comment="sha256 of the raw answer in landing."),
        sa.PrimaryKeyConstraint("client_id", "source", "post_id", "observed_at", name=op.f("pk_post")),
        comment="Posts of the clients' own, one row a version.",
    )
    op.create_index(op.f("ix_post_client_id_published_at"), "post", ["client_id", "published_at"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("load_id", sa.Text(), nullable=False, comment="The pull it came with."),
        sa.Column("row_index", sa.Integer(), nullable=False, comment="Its position in the pull."),
        sa.Column("kind", sa.Text(), nullable=False, comment="Kind of row."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why it is held."),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="The row itself."),
        sa.Column("receipt", sa.LargeBinary(), nullable=False, comment="sha256 of the raw answer in landing."),
        sa.PrimaryKeyConstraint("client_id", "load_id", "row_index", name=op.f("pk_quarantine")),
        comment="Rows held back, with their reason. Nothing is dropped silently.",
    )
    op.create_table(
        "report",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column("period", sa.Text(), nullable=False, comment="ISO week, e.g. 2026-W46."),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1, and one more for each corrected report."),
        sa.Column(
            "as_of", sa.DateTime(timezone=True), nullable=False, comment="Only what was observed by then is in it."
        ),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Every number and name the report may say.",
        ),
        sa.Column("decision", sa.Text(), nullable=True, comment="Approve or Reject; NULL while nobody has decided."),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="Who decided."),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="When."),
        sa.Column("note", sa.Text(), nullable=True, comment="The reviewer's note to the client."),
        sa.PrimaryKeyConstraint("client_id", "period", "revision", name=op.f("pk_report")),
        sa.CheckConstraint("decision IN ('Approve', 'Reject')", name=op.f("ck_report_decision")),
        comment="Reports as composed, and what was decided of them.",
    )
    op.create_table(
        "verdict",
        sa.Column("client_id", sa.Text(), nullable=False, comment="The client's id; leads every key."),
        sa.Column(
            "day", sa.Date(), nullable=False, comment="The platform's own day; second in the key, for reads of a range."
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="The platform or web analytics."),
        sa.Column("ref", sa.Text(), nullable=False, comment="The handle or site."),
        sa.Column(
            "observed_at", sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."
        ),
        sa.Column(
            "colour",
            sa.Text(),
            nullable=False,
            comment="green: complete; amber: usable, see reasons; red: wrong or absent.",
        ),
        sa.Column(
            "reasons",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="What is late, missing or wrong.",
        ),
        sa.PrimaryKeyConstraint("client_id", "day", "source", "ref", "observed_at", name=op.f("pk_verdict")),
        sa.CheckConstraint("colour IN ('green', 'amber', 'red')", name=op.f("ck_verdict_colour")),
        comment="The verdict on each source and day, one row a pull.",
    )


def downgrade() -> None:
    """Drop the tables, with all that was observed."""
    op.drop_table("verdict")
    op.drop_table("report")
    op.drop_table("quarantine")
    op.drop_table("post")
    op.drop_table("outbox")
    op.drop_table("load")
    op.drop_table("day_value")
    op.drop_table("counter")
    op.drop_table("account")
