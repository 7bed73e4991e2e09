"""The warehouse's tables. `client_id` leads every key, so that a cluster can be split by client.

Observations are never updated. A row has two times: `observed_at`, when the platform's answer had arrived, and
`recorded_at`, when the warehouse took it in. What was known as of a moment are the rows recorded by then, and of
those the latest observed. So what comes late, or is read anew by better code, changes what is known now and not
what was known then. Only what differs from what was known before is stored.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)
Key = Text(collation="C")
"""Text of a key: compared byte by byte, which is exact everywhere and much cheaper than a language's order."""


def _client() -> Column[str]:
    return Column("client_id", Key, primary_key=True, comment="The client's id; leads every key.")


def _source(comment: str = "The platform.", *, primary_key: bool = True) -> Column[str]:
    return Column("source", Key, primary_key=primary_key, nullable=False, comment=comment)


def _times() -> tuple[Column[object], Column[object]]:
    return (
        Column("observed_at", Instant, primary_key=True, comment="When the platform's answer had arrived."),
        Column("recorded_at", Instant, primary_key=True, comment="When the warehouse took it in."),
    )


def _recorded() -> Column[object]:
    return Column("recorded_at", Instant, nullable=False, comment="When the warehouse took it in.")


def _published(what: str) -> Column[object]:
    return Column("published_at", Instant, primary_key=True, comment=f"When {what}, as the platform says.")


def _counts() -> Column[object]:
    return Column(
        "counts", JSON, comment="Running totals that were new, by metric; JSON null: not reported. NULL: none."
    )


def _receipt() -> Column[bytes]:
    return Column("receipt", LargeBinary, nullable=False, comment="sha256 of the raw answer in landing.")


account = Table(
    "account",
    metadata,
    _client(),
    _source(),
    Column("account_id", Key, primary_key=True, comment="The platform's own id; stays when the handle changes."),
    *_times(),
    Column("handle", Text, comment="What people type to find it."),
    Column("name", Text, comment="Display name."),
    Column("url", Text, comment="Address of the profile."),
    _counts(),
    _receipt(),
    CheckConstraint("num_nulls(handle, name, url) IN (0, 3)", name="content"),
    comment="What was seen of accounts, one row an observation that brought something new: the profile (handle, name, "
    "url; NULL where it had not changed), running totals, or both.",
)

post = Table(
    "post",
    metadata,
    _client(),
    _source(),
    Column("post_id", Key, primary_key=True, comment="The platform's own id of the post."),
    _published("it was published"),
    *_times(),
    Column("account_id", Text, nullable=False, comment="Who published it."),
    Column("kind", Text, comment="text, image, video, link, poll, quote, carousel, reel or story."),
    Column("text", Text, comment="Its words, as written."),
    Column("permalink", Text, comment="Where to see it."),
    Column("tags", ARRAY(Text), comment="Hashtags in lower case, without #."),
    Column("links", ARRAY(Text), comment="Links in it."),
    Column("reply_to", Text, comment="The post of somebody else that it answers; NULL if none."),
    _counts(),
    _receipt(),
    CheckConstraint("num_nulls(kind, text, permalink, tags, links) IN (0, 5)", name="content"),
    comment="What was seen of posts, one row an observation that brought something new: the content (kind, text, "
    "permalink, tags, links, reply_to; NULL where it had not changed), running totals, or both.",
    postgresql_partition_by="RANGE (published_at)",
)

comment = Table(
    "comment",
    metadata,
    _client(),
    _source(),
    Column("comment_id", Key, primary_key=True, comment="The platform's own id of the comment."),
    _published("it was written"),
    *_times(),
    Column("account_id", Text, nullable=False, comment="The client's account whose post it stands under."),
    Column("post_id", Text, nullable=False, comment="The post it stands under."),
    Column("author", Text, nullable=False, comment="Who wrote it, as a hash salted for each client: no name, no id."),
    Column("own", Boolean, nullable=False, comment="Whether the client's own account wrote it."),
    Column("text", Text, nullable=False, comment="Its words, as written."),
    Column("permalink", Text, nullable=False, comment="Where to see it; empty if the platform does not say."),
    Column("reply_to", Text, comment="The comment it answers; NULL if it answers the post itself."),
    _receipt(),
    comment="Comments under the clients' posts, and the clients' answers there; one row a version.",
    postgresql_partition_by="RANGE (published_at)",
)

day_value = Table(
    "day_value",
    metadata,
    _client(),
    Column("day", Date, primary_key=True, comment="The platform's own day; second in the key, for reads of a range."),
    _source("The platform or web analytics."),
    Column("entity", Key, CheckConstraint("entity IN ('account', 'site', 'folder')", name="entity"), primary_key=True,
           comment="What it is a value of: an account, a site or a folder of files."),
    Column("entity_id", Key, primary_key=True, comment="Its id at the source."),
    Column(
        "dimension",
        Key,
        primary_key=True,
        comment="What it is split by: total, channel, campaign, touchpoint, network, query, page, asset, "
        "first_campaign.",
    ),
    Column("member", Key, primary_key=True, comment="The member of the dimension; empty for total."),
    Column("metric", Key, primary_key=True, comment="Canonical metric, e.g. visits."),
    *_times(),
    Column("zone", Text, nullable=False, comment="IANA time zone of the day."),
    Column("value", Double, comment="The day's value; NULL: not reported."),
    _receipt(),
    comment="Values of whole days, one row a revision.",
    postgresql_partition_by="RANGE (day)",
)  # fmt: skip

client_salt = Table(
    "client_salt",
    metadata,
    _client(),
    Column("salt", LargeBinary, nullable=False, comment="32 random bytes; without them no hash leads back to a name."),
    comment="What the authors of comments are hashed with; goes when the client is forgotten.",
)

load = Table(
    "load",
    metadata,
    _client(),
    Column("load_id", Key, primary_key=True, comment="Path of the pull's manifest in landing."),
    _source("The platform or web analytics.", primary_key=False),
    Column("ref", Text, nullable=False, comment="The handle or site that was pulled."),
    Column("zone", Text, nullable=False, comment="IANA time zone of the days."),
    Column("first_day", Date, nullable=False, comment="First day asked for."),
    Column("last_day", Date, nullable=False, comment="Last day asked for."),
    Column("started_at", Instant, nullable=False, comment="When the pull had begun."),
    Column("observed_at", Instant, nullable=False, comment="When the pull had ended."),
    _recorded(),
    Column("digest", LargeBinary, nullable=False,
           comment="sha256 over the answers, the code that read them and what the gate held back: decides the rows."),
    Column("rows_parsed", Integer, nullable=False, comment="Rows the pull gave."),
    Column("rows_held", Integer, nullable=False, comment="Rows held in quarantine."),
    Column("rows_stored", Integer, nullable=False, comment="Observations that were new when first loaded."),
    Column("replay_due", Boolean, nullable=False, server_default=text("false"),
           comment="A pull that began earlier was loaded after this one: load this one again."),
    Column("unavailable", JSONB, nullable=False, server_default=text("'{}'"),
           comment="Why the platform did not give a metric that it was asked for, by metric."),
    comment="Pulls that are in the warehouse; written in the same transaction as their rows.",
)  # fmt: skip

api_usage = Table(
    "api_usage",
    metadata,
    _client(),
    Column("day", Date, primary_key=True, comment="Day in UTC."),
    _source("The platform that was asked."),
    Column("calls", Integer, nullable=False, comment="HTTP calls made, retries and those set aside included."),
    Column("dollars", Numeric(12, 4), nullable=False, comment="What they cost, in US dollars."),
    comment="What asking the platforms has cost, by client and day.",
)

quarantine = Table(
    "quarantine",
    metadata,
    _client(),
    Column("load_id", Key, primary_key=True, comment="The pull it came with."),
    Column("row_index", Integer, primary_key=True, comment="Its position in the pull."),
    Column("metric", Key, primary_key=True, comment="The running total that is held; empty: the whole row."),
    _recorded(),
    Column("kind", Text, nullable=False, comment="Kind of row."),
    Column("reason", Text, nullable=False, comment="Why it is held."),
    Column("row", JSONB, nullable=False, comment="The row itself."),
    _receipt(),
    Column("run", Text, nullable=False, comment="The Airflow run that made the pull."),
    Column("raw", Text, comment="Where the raw answer lies in landing: the pack, and after # which of its answers."),
    comment="Rows held back, with their reason. Nothing is dropped silently.",
)

verdict = Table(
    "verdict",
    metadata,
    _client(),
    Column("day", Date, primary_key=True, comment="The platform's own day; second in the key, for reads of a range."),
    _source("The platform or web analytics."),
    Column("ref", Key, primary_key=True, comment="The handle or site."),
    *_times(),
    Column("colour", Text, CheckConstraint("colour IN ('green', 'amber', 'red')", name="colour"), nullable=False,
           comment="green: complete; amber: usable, see reasons; red: wrong or absent."),
    Column("reasons", JSONB, nullable=False, comment="What is late, missing or wrong."),
    Column("flaws", JSONB, nullable=False, server_default=text("'[]'"),
           comment="The same in a word each: kind, and the metric that is not given."),
    comment="The verdict on each source and day, one row a pull.",
)  # fmt: skip

answer_shape = Table(
    "answer_shape",
    metadata,
    _client(),
    _source("The platform or web analytics."),
    Column("ref", Key, primary_key=True, comment="The handle or site."),
    Column("stream", Key, primary_key=True, comment="The source's stream, e.g. posts."),
    Column("observed_at", Instant, nullable=False, comment="When the last pull that told of it had ended."),
    Column(
        "shape",
        JSONB,
        nullable=False,
        comment="From how many pulls it is known; by path the JSON types, and in how many pulls they were seen.",
    ),
    comment="The shape of a platform's answers, to notice when it drifts; what had changed stands in landing's checks.",
)

crisis = Table(
    "crisis",
    metadata,
    _client(),
    Column("crisis", Key, primary_key=True, comment="Its name, told from when it was first seen."),
    Column("first_look", Instant, nullable=False,
           comment="End of the first 12 hours with far more comments than usual."),
    Column("last_look", Instant, nullable=False, comment="End of the last such 12 hours."),
    Column("peak_look", Instant, nullable=False, comment="End of the 12 hours with most comments."),
    Column("comments", Integer, nullable=False, comment="Comments in them."),
    Column("usual_low", Integer, nullable=False, comment="On nine of ten days before, at that time, from so many"),
    Column("usual_high", Integer, nullable=False, comment="to so many."),
    Column("looked_until", Instant, nullable=False, comment="End of the last 12 hours that were judged."),
    Column("alerted_at", Instant, comment="When the mail about it was written; NULL: not yet."),
    Column("closed_at", Instant, comment="When it was told that it is over, or goes on; NULL: not yet."),
    comment="Rushes of comments, one row each: what was seen, and what was told of it.",
)  # fmt: skip

missing_metric = Table(
    "missing_metric",
    metadata,
    _client(),
    _source(),
    Column("ref", Key, primary_key=True, comment="The handle or site that was asked."),
    Column("metric", Key, primary_key=True, comment="Canonical metric."),
    Column("native_metric", Text, nullable=False, comment="The platform's own name of it."),
    Column("reason", Text, nullable=False, comment="What the platform said."),
    Column("found_at", Instant, nullable=False, comment="When the canary first heard so."),
    Column("told_at", Instant, comment="When the agency was told by mail; NULL: not yet."),
    comment="Metrics that a platform did not give when the canary asked for each alone; gone when it gives them.",
)

report = Table(
    "report",
    metadata,
    _client(),
    Column("period", Key, primary_key=True, comment="ISO week, e.g. 2026-W46."),
    Column("revision", Integer, primary_key=True, comment="1, and one more for each corrected report."),
    Column("as_of", Instant, nullable=False, comment="Only what was recorded by then is in it."),
    Column("facts", JSONB, nullable=False, comment="Every number and name the report may say."),
    Column("decision", Text, CheckConstraint("decision IN ('Approve', 'Reject')", name="decision"),
           comment="Approve or Reject; NULL while nobody has decided."),
    Column("decided_by", Text, comment="Who decided."),
    Column("decided_at", Instant, comment="When."),
    Column("note", Text, comment="The reviewer's note to the client."),
    Column("struck", Text, comment="The sentence that the reviewer has struck."),
    Column("reason", Text, comment="Why it was sent back or held; of one that is sent again who wants that, and why."),
    Column("repeats", Integer, comment="The revision that it says once more, to be sent again; NULL: it was composed."),
    comment="Reports as composed, and what was decided of them.",
)  # fmt: skip

OUTBOX_STATES = (
    "ready", "claimed", "transmitting", "sent", "failed", "uncertain", "held", "suppressed", "bounced", "superseded",
    "stopped",
)  # fmt: skip

outbox = Table(
    "outbox",
    metadata,
    _client(),
    Column("period", Key, primary_key=True, comment="ISO week of the report, or the name of a crisis."),
    Column("revision", Integer, primary_key=True, comment="Revision of the report; of a crisis 1: alert, 2: its end."),
    Column("recipient", Key, primary_key=True, comment="Email address."),
    Column("message_id", Text, nullable=False, comment="The mail's Message-ID, the same in every attempt."),
    Column("message", LargeBinary, nullable=False, comment="The mail, byte for byte as it is sent."),
    Column("sha256", LargeBinary, nullable=False, comment="sha256 of the mail."),
    Column("state", Text, CheckConstraint(f"state IN {OUTBOX_STATES}", name="state"),
        nullable=False, comment="uncertain: the mail server's answer was lost; a person decides, not a retry."),
    Column("attempts", Integer, nullable=False, server_default="0", comment="How often sending was tried."),
    Column("queued_at", Instant, nullable=False, comment="When it was put here."),
    Column("changed_at", Instant, nullable=False, comment="When its state last changed."),
    Column("answer", Text, comment="The mail server's last answer, or why there is none."),
    Column("not_before", Instant, comment="It was put off, and is not tried again before then."),
    Column("reason", Text, comment="Why it is sent again, as a revision of its own; NULL: it is not."),
    Column("resolved", Text, comment="What was found out or decided of it; NULL: nothing."),
    Column("released", Text, comment="Who let it go though it was held, and why; NULL: nobody."),
    Column("closed", Text, comment="Who says that nothing is left to do about it, and why; NULL: nobody."),
    comment="Every mail to every recipient, and what became of it.",
)  # fmt: skip

suppression = Table(
    "suppression",
    metadata,
    _client(),
    Column("recipient", Key, primary_key=True, comment="Email address, in lower case."),
    Column("kind", Text, CheckConstraint("kind IN ('unsubscribed', 'bounced', 'complained')", name="kind"),
           nullable=False, comment="Why nothing is sent there."),
    Column("since", Instant, nullable=False, comment="Since when."),
    Column("detail", Text, nullable=False, comment="How we know it."),
    Column("lifted", Text, comment="Who lets mails go there again, and why; NULL: nothing is sent there."),
    comment="Recipients to whom nothing is sent, whatever the client's file says.",
)  # fmt: skip

metric = Table(
    "metric",
    metadata,
    Column("metric", Key, primary_key=True, comment="Canonical name, e.g. visits."),
    Column("label", Text, nullable=False, comment="Name for clients."),
    Column("meaning", Text, nullable=False, comment="One plain sentence for clients."),
    Column("unit", Text, nullable=False, comment="What it counts in."),
    Column("additivity", Text, nullable=False, comment="flow adds up; stock, unique, ratio and quantile do not."),
    Column("comparable_group", Text, comment="Platforms may stand side by side within a group; NULL: with none."),
    Column("placement", Text, nullable=False, comment="organic, paid or both."),
    Column("version", Integer, nullable=False, comment="Version of this meaning."),
    comment="The vocabulary of metrics, written anew by every migration. No client's data.",
)

metric_definition = Table(
    "metric_definition",
    metadata,
    Column("source", Key, primary_key=True, comment="The platform or web analytics."),
    Column("metric", Key, primary_key=True, comment="Canonical metric."),
    Column(
        "grain",
        Key,
        primary_key=True,
        comment="What it is told of: account, post, account_day, post_day, site_day, folder_day.",
    ),
    Column("version", Integer, primary_key=True, comment="1, and one more for each change of what is counted."),
    Column("native_metric", Text, nullable=False, comment="The platform's own name of it."),
    Column("meaning", Text, nullable=False, comment="What the platform counts."),
    Column("placement", Text, nullable=False, comment="organic, paid or both."),
    Column("valid_from", Date, comment="First day of this definition; NULL: since ever."),
    Column("valid_to", Date, comment="Last day of this definition; NULL: still valid."),
    Column("documented_at", Text, nullable=False, comment="Address of the platform's own words."),
    comment="What each platform counts under a metric, and since when: from one version to the next is a break. "
    "No client's data.",
)
