"""The warehouse's tables. `client_id` leads every key, so that a cluster can be split by client.

Observations are never updated: a new value is a new row with its own `observed_at`, stored only when it differs
from the one before. Reading "as of" a moment means ignoring what was observed later.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)


def _client() -> Column[str]:
    return Column("client_id", Text, primary_key=True, comment="The client's id; leads every key.")


def _observed() -> Column[object]:
    return Column("observed_at", Instant, primary_key=True, comment="When the platform's answer had arrived.")


def _receipt() -> Column[bytes]:
    return Column("receipt", LargeBinary, nullable=False, comment="sha256 of the raw answer in landing.")


account = Table(
    "account",
    metadata,
    _client(),
    Column("source", Text, primary_key=True, comment="The platform."),
    Column("account_id", Text, primary_key=True, comment="The platform's own id; stays when the handle changes."),
    _observed(),
    Column("handle", Text, nullable=False, comment="What people type to find it."),
    Column("name", Text, nullable=False, comment="Display name."),
    Column("url", Text, nullable=False, comment="Address of the profile."),
    _receipt(),
    comment="Accounts as the platforms describe them, one row a change.",
)

post = Table(
    "post",
    metadata,
    _client(),
    Column("source", Text, primary_key=True, comment="The platform."),
    Column("post_id", Text, primary_key=True, comment="The platform's own id of the post."),
    _observed(),
    Column("account_id", Text, nullable=False, comment="Who published it."),
    Column("published_at", Instant, nullable=False, comment="When it was published, as the platform says."),
    Column("kind", Text, nullable=False, comment="text, image, video, link, poll or quote."),
    Column("text", Text, nullable=False, comment="Its words, as written."),
    Column("permalink", Text, nullable=False, comment="Where to see it."),
    Column("tags", ARRAY(Text), nullable=False, comment="Hashtags in lower case, without #."),
    Column("links", ARRAY(Text), nullable=False, comment="Links in it."),
    Column("reply_to", Text, comment="The post of somebody else that it answers; NULL if none."),
    _receipt(),
    Index(None, "client_id", "published_at"),
    comment="Posts of the clients' own, one row a version.",
)

counter = Table(
    "counter",
    metadata,
    _client(),
    Column("source", Text, primary_key=True, comment="The platform."),
    Column("entity", Text, CheckConstraint("entity IN ('account', 'post')", name="entity"), primary_key=True,
           comment="What is counted: an account or a post."),
    Column("entity_id", Text, primary_key=True, comment="Its id on the platform."),
    Column("metric", Text, primary_key=True, comment="Canonical metric, e.g. likes."),
    _observed(),
    Column("account_id", Text, nullable=False, comment="The account it belongs to."),
    Column("value", BigInteger, comment="The running total; NULL: not reported."),
    _receipt(),
    comment="Running totals as they stood when observed, one row a change.",
)  # fmt: skip

day_value = Table(
    "day_value",
    metadata,
    _client(),
    Column("day", Date, primary_key=True, comment="The platform's own day; second in the key, for reads of a range."),
    Column("source", Text, primary_key=True, comment="The platform or web analytics."),
    Column("entity_id", Text, primary_key=True, comment="The account or web property."),
    Column(
        "dimension",
        Text,
        primary_key=True,
        comment="What it is split by: total, channel, campaign, touchpoint, network.",
    ),
    Column("member", Text, primary_key=True, comment="The member of the dimension; empty for total."),
    Column("metric", Text, primary_key=True, comment="Canonical metric, e.g. visits."),
    _observed(),
    Column("zone", Text, nullable=False, comment="IANA time zone of the day."),
    Column("value", Double, comment="The day's value; NULL: not reported."),
    _receipt(),
    comment="Values of whole days, one row a revision.",
)

load = Table(
    "load",
    metadata,
    _client(),
    Column("load_id", Text, primary_key=True, comment="Path of the pull's manifest in landing."),
    Column("source", Text, nullable=False, comment="The platform or web analytics."),
    Column("ref", Text, nullable=False, comment="The handle or site that was pulled."),
    Column("first_day", Date, nullable=False, comment="First day asked for."),
    Column("last_day", Date, nullable=False, comment="Last day asked for."),
    Column("observed_at", Instant, nullable=False, comment="When the pull had ended."),
    Column("rows_parsed", Integer, nullable=False, comment="Rows the pull gave."),
    Column("rows_held", Integer, nullable=False, comment="Rows held in quarantine."),
    Column("rows_stored", Integer, nullable=False, comment="Observations that were new when first loaded."),
    Column("replay_due", Boolean, nullable=False, server_default=text("false"),
           comment="A pull that began earlier was loaded after this one: load this one again."),
    comment="Pulls that are in the warehouse; written in the same transaction as their rows.",
)  # fmt: skip

quarantine = Table(
    "quarantine",
    metadata,
    _client(),
    Column("load_id", Text, primary_key=True, comment="The pull it came with."),
    Column("row_index", Integer, primary_key=True, comment="Its position in the pull."),
    Column("kind", Text, nullable=False, comment="Kind of row."),
    Column("reason", Text, nullable=False, comment="Why it is held."),
    Column("row", JSONB, nullable=False, comment="The row itself."),
    _receipt(),
    comment="Rows held back, with their reason. Nothing is dropped silently.",
)

verdict = Table(
    "verdict",
    metadata,
    _client(),
    Column("day", Date, primary_key=True, comment="The platform's own day; second in the key, for reads of a range."),
    Column("source", Text, primary_key=True, comment="The platform or web analytics."),
    Column("ref", Text, primary_key=True, comment="The handle or site."),
    _observed(),
    Column("colour", Text, CheckConstraint("colour IN ('green', 'amber', 'red')", name="colour"), nullable=False,
           comment="green: complete; amber: usable, see reasons; red: wrong or absent."),
    Column("reasons", JSONB, nullable=False, comment="What is late, missing or wrong."),
    comment="The verdict on each source and day, one row a pull.",
)  # fmt: skip

report = Table(
    "report",
    metadata,
    _client(),
    Column("period", Text, primary_key=True, comment="ISO week, e.g. 2026-W46."),
    Column("revision", Integer, primary_key=True, comment="1, and one more for each corrected report."),
    Column("as_of", Instant, nullable=False, comment="Only what was observed by then is in it."),
    Column("facts", JSONB, nullable=False, comment="Every number and name the report may say."),
    Column("decision", Text, CheckConstraint("decision IN ('Approve', 'Reject')", name="decision"),
           comment="Approve or Reject; NULL while nobody has decided."),
    Column("decided_by", Text, comment="Who decided."),
    Column("decided_at", Instant, comment="When."),
    Column("note", Text, comment="The reviewer's note to the client."),
    comment="Reports as composed, and what was decided of them.",
)  # fmt: skip

OUTBOX_STATES = ("ready", "claimed", "transmitting", "sent", "failed", "uncertain")

outbox = Table(
    "outbox",
    metadata,
    _client(),
    Column("period", Text, primary_key=True, comment="ISO week of the report."),
    Column("revision", Integer, primary_key=True, comment="Revision of the report."),
    Column("recipient", Text, primary_key=True, comment="Email address."),
    Column("message_id", Text, nullable=False, comment="The mail's Message-ID, the same in every attempt."),
    Column("message", LargeBinary, nullable=False, comment="The mail, byte for byte as it is sent."),
    Column("sha256", LargeBinary, nullable=False, comment="sha256 of the mail."),
    Column("state", Text, CheckConstraint(
        "state IN ('ready', 'claimed', 'transmitting', 'sent', 'failed', 'uncertain')", name="state"),
        nullable=False, comment="uncertain: the mail server's answer was lost; a person decides, not a retry."),
    Column("attempts", Integer, nullable=False, server_default="0", comment="How often sending was tried."),
    Column("queued_at", Instant, nullable=False, comment="When it was put here."),
    Column("changed_at", Instant, nullable=False, comment="When its state last changed."),
    Column("answer", Text, comment="The mail server's last answer."),
    comment="Every mail to every recipient, and what became of it.",
)  # fmt: skip
