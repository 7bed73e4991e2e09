"""The warehouse: observations, pulls, verdicts, reports, mails, the vocabulary; who may read what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_warehouse"
down_revision = None
branch_labels = None
depends_on = None

OF_CLIENTS = ("account", "comment", "day_value", "load", "outbox", "post", "quarantine", "report", "verdict")
OF_NOBODY = ("metric", "metric_definition")
PARTITIONED = ("comment", "day_value", "post")


def upgrade() -> None:
    """Create the tables with their comments, the partitions of old, and the policies of the report's role."""
    op.create_table('account',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform.'),
    sa.Column('account_id', sa.Text(collation='C'), nullable=False, comment="The platform's own id; stays when the handle changes."),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('handle', sa.Text(), nullable=True, comment='What people type to find it.'),
    sa.Column('name', sa.Text(), nullable=True, comment='Display name.'),
    sa.Column('url', sa.Text(), nullable=True, comment='Address of the profile.'),
    sa.Column('counts', postgresql.JSON(astext_type=sa.Text()), nullable=True, comment='Running totals that were new, by metric; JSON null: not reported. NULL: none.'),
    sa.Column('receipt', sa.LargeBinary(), nullable=False, comment='sha256 of the raw answer in landing.'),
    sa.CheckConstraint('num_nulls(handle, name, url) IN (0, 3)', name=op.f('ck_account_content')),
    sa.PrimaryKeyConstraint('client_id', 'source', 'account_id', 'observed_at', 'recorded_at', name=op.f('pk_account')),
    comment='What was seen of accounts, one row an observation that brought something new: the profile (handle, name, url; NULL where it had not changed), running totals, or both.'
    )
    op.create_table('client_salt',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('salt', sa.LargeBinary(), nullable=False, comment='32 random bytes; without them no hash leads back to a name.'),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_client_salt')),
    comment='What the authors of comments are hashed with; goes when the client is forgotten.'
    )
    op.create_table('comment',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform.'),
    sa.Column('comment_id', sa.Text(collation='C'), nullable=False, comment="The platform's own id of the comment."),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False, comment='When it was written, as the platform says.'),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('account_id', sa.Text(), nullable=False, comment="The client's account whose post it stands under."),
    sa.Column('post_id', sa.Text(), nullable=False, comment='The post it stands under.'),
    sa.Column('author', sa.Text(), nullable=False, comment='Who wrote it, as a hash salted for each client: no name, no id.'),
    sa.Column('own', sa.Boolean(), nullable=False, comment="Whether the client's own account wrote it."),
    sa.Column('text', sa.Text(), nullable=False, comment='Its words, as written.'),
    sa.Column('permalink', sa.Text(), nullable=False, comment='Where to see it; empty if the platform does not say.'),
    sa.Column('reply_to', sa.Text(), nullable=True, comment='The comment it answers; NULL if it answers the post itself.'),
    sa.Column('receipt', sa.LargeBinary(), nullable=False, comment='sha256 of the raw answer in landing.'),
    sa.PrimaryKeyConstraint('client_id', 'source', 'comment_id', 'published_at', 'observed_at', 'recorded_at', name=op.f('pk_comment')),
    comment="Comments under the clients' posts, and the clients' answers there; one row a version.",
    postgresql_partition_by='RANGE (published_at)'
    )
    op.create_table('day_value',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('day', sa.Date(), nullable=False, comment="The platform's own day; second in the key, for reads of a range."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform or web analytics.'),
    sa.Column('entity', sa.Text(collation='C'), nullable=False, comment='What it is a value of: an account or a site.'),
    sa.Column('entity_id', sa.Text(collation='C'), nullable=False, comment='Its id at the source.'),
    sa.Column('dimension', sa.Text(collation='C'), nullable=False, comment='What it is split by: total, channel, campaign, touchpoint, network.'),
    sa.Column('member', sa.Text(collation='C'), nullable=False, comment='The member of the dimension; empty for total.'),
    sa.Column('metric', sa.Text(collation='C'), nullable=False, comment='Canonical metric, e.g. visits.'),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('zone', sa.Text(), nullable=False, comment='IANA time zone of the day.'),
    sa.Column('value', sa.Double(), nullable=True, comment="The day's value; NULL: not reported."),
    sa.Column('receipt', sa.LargeBinary(), nullable=False, comment='sha256 of the raw answer in landing.'),
    sa.CheckConstraint("entity IN ('account', 'site')", name=op.f('ck_day_value_entity')),
    sa.PrimaryKeyConstraint('client_id', 'day', 'source', 'entity', 'entity_id', 'dimension', 'member', 'metric', 'observed_at', 'recorded_at', name=op.f('pk_day_value')),
    comment='Values of whole days, one row a revision.',
    postgresql_partition_by='RANGE (day)'
    )
    op.create_table('load',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('load_id', sa.Text(collation='C'), nullable=False, comment="Path of the pull's manifest in landing."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform or web analytics.'),
    sa.Column('ref', sa.Text(), nullable=False, comment='The handle or site that was pulled.'),
    sa.Column('zone', sa.Text(), nullable=False, comment='IANA time zone of the days.'),
    sa.Column('first_day', sa.Date(), nullable=False, comment='First day asked for.'),
    sa.Column('last_day', sa.Date(), nullable=False, comment='Last day asked for.'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False, comment='When the pull had begun.'),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment='When the pull had ended.'),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('digest', sa.LargeBinary(), nullable=False, comment='sha256 over the answers, the code that read them and what the gate held back: decides the rows.'),
    sa.Column('rows_parsed', sa.Integer(), nullable=False, comment='Rows the pull gave.'),
    sa.Column('rows_held', sa.Integer(), nullable=False, comment='Rows held in quarantine.'),
    sa.Column('rows_stored', sa.Integer(), nullable=False, comment='Observations that were new when first loaded.'),
    sa.Column('replay_due', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='A pull that began earlier was loaded after this one: load this one again.'),
    sa.PrimaryKeyConstraint('client_id', 'load_id', name=op.f('pk_load')),
    comment='Pulls that are in the warehouse; written in the same transaction as their rows.'
    )
    op.create_table('metric',
    sa.Column('metric', sa.Text(collation='C'), nullable=False, comment='Canonical name, e.g. visits.'),
    sa.Column('label', sa.Text(), nullable=False, comment='Name for clients.'),
    sa.Column('meaning', sa.Text(), nullable=False, comment='One plain sentence for clients.'),
    sa.Column('unit', sa.Text(), nullable=False, comment='What it counts in.'),
    sa.Column('additivity', sa.Text(), nullable=False, comment='flow adds up; stock, unique, ratio and quantile do not.'),
    sa.Column('comparable_group', sa.Text(), nullable=True, comment='Platforms may stand side by side within a group; NULL: with none.'),
    sa.Column('placement', sa.Text(), nullable=False, comment='organic, paid or both.'),
    sa.Column('version', sa.Integer(), nullable=False, comment='Version of this meaning.'),
    sa.PrimaryKeyConstraint('metric', name=op.f('pk_metric')),
    comment="The vocabulary of metrics, written anew by every migration. No client's data."
    )
    op.create_table('metric_definition',
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform or web analytics.'),
    sa.Column('metric', sa.Text(collation='C'), nullable=False, comment='Canonical metric.'),
    sa.Column('grain', sa.Text(collation='C'), nullable=False, comment='What it is told of: account, post, account_day, post_day, site_day.'),
    sa.Column('version', sa.Integer(), nullable=False, comment='1, and one more for each change of what is counted.'),
    sa.Column('native_metric', sa.Text(), nullable=False, comment="The platform's own name of it."),
    sa.Column('meaning', sa.Text(), nullable=False, comment='What the platform counts.'),
    sa.Column('placement', sa.Text(), nullable=False, comment='organic, paid or both.'),
    sa.Column('valid_from', sa.Date(), nullable=True, comment='First day of this definition; NULL: since ever.'),
    sa.Column('valid_to', sa.Date(), nullable=True, comment='Last day of this definition; NULL: still valid.'),
    sa.Column('documented_at', sa.Text(), nullable=False, comment="Address of the platform's own words."),
    sa.PrimaryKeyConstraint('source', 'metric', 'grain', 'version', name=op.f('pk_metric_definition')),
    comment="What each platform counts under a metric, and since when: from one version to the next is a break. No client's data."
    )
    op.create_table('outbox',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('period', sa.Text(collation='C'), nullable=False, comment='ISO week of the report.'),
    sa.Column('revision', sa.Integer(), nullable=False, comment='Revision of the report.'),
    sa.Column('recipient', sa.Text(collation='C'), nullable=False, comment='Email address.'),
    sa.Column('message_id', sa.Text(), nullable=False, comment="The mail's Message-ID, the same in every attempt."),
    sa.Column('message', sa.LargeBinary(), nullable=False, comment='The mail, byte for byte as it is sent.'),
    sa.Column('sha256', sa.LargeBinary(), nullable=False, comment='sha256 of the mail.'),
    sa.Column('state', sa.Text(), nullable=False, comment="uncertain: the mail server's answer was lost; a person decides, not a retry."),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False, comment='How often sending was tried.'),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False, comment='When it was put here.'),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False, comment='When its state last changed.'),
    sa.Column('answer', sa.Text(), nullable=True, comment="The mail server's last answer."),
    sa.CheckConstraint("state IN ('ready', 'claimed', 'transmitting', 'sent', 'failed', 'uncertain')", name=op.f('ck_outbox_state')),
    sa.PrimaryKeyConstraint('client_id', 'period', 'revision', 'recipient', name=op.f('pk_outbox')),
    comment='Every mail to every recipient, and what became of it.'
    )
    op.create_table('post',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform.'),
    sa.Column('post_id', sa.Text(collation='C'), nullable=False, comment="The platform's own id of the post."),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False, comment='When it was published, as the platform says.'),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('account_id', sa.Text(), nullable=False, comment='Who published it.'),
    sa.Column('kind', sa.Text(), nullable=True, comment='text, image, video, link, poll or quote.'),
    sa.Column('text', sa.Text(), nullable=True, comment='Its words, as written.'),
    sa.Column('permalink', sa.Text(), nullable=True, comment='Where to see it.'),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), nullable=True, comment='Hashtags in lower case, without #.'),
    sa.Column('links', postgresql.ARRAY(sa.Text()), nullable=True, comment='Links in it.'),
    sa.Column('reply_to', sa.Text(), nullable=True, comment='The post of somebody else that it answers; NULL if none.'),
    sa.Column('counts', postgresql.JSON(astext_type=sa.Text()), nullable=True, comment='Running totals that were new, by metric; JSON null: not reported. NULL: none.'),
    sa.Column('receipt', sa.LargeBinary(), nullable=False, comment='sha256 of the raw answer in landing.'),
    sa.CheckConstraint('num_nulls(kind, text, permalink, tags, links) IN (0, 5)', name=op.f('ck_post_content')),
    sa.PrimaryKeyConstraint('client_id', 'source', 'post_id', 'published_at', 'observed_at', 'recorded_at', name=op.f('pk_post')),
    comment='What was seen of posts, one row an observation that brought something new: the content (kind, text, permalink, tags, links, reply_to; NULL where it had not changed), running totals, or both.',
    postgresql_partition_by='RANGE (published_at)'
    )
    op.create_table('quarantine',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('load_id', sa.Text(collation='C'), nullable=False, comment='The pull it came with.'),
    sa.Column('row_index', sa.Integer(), nullable=False, comment='Its position in the pull.'),
    sa.Column('metric', sa.Text(collation='C'), nullable=False, comment='The running total that is held; empty: the whole row.'),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('kind', sa.Text(), nullable=False, comment='Kind of row.'),
    sa.Column('reason', sa.Text(), nullable=False, comment='Why it is held.'),
    sa.Column('row', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='The row itself.'),
    sa.Column('receipt', sa.LargeBinary(), nullable=False, comment='sha256 of the raw answer in landing.'),
    sa.PrimaryKeyConstraint('client_id', 'load_id', 'row_index', 'metric', name=op.f('pk_quarantine')),
    comment='Rows held back, with their reason. Nothing is dropped silently.'
    )
    op.create_table('report',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('period', sa.Text(collation='C'), nullable=False, comment='ISO week, e.g. 2026-W46.'),
    sa.Column('revision', sa.Integer(), nullable=False, comment='1, and one more for each corrected report.'),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False, comment='Only what was recorded by then is in it.'),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='Every number and name the report may say.'),
    sa.Column('decision', sa.Text(), nullable=True, comment='Approve or Reject; NULL while nobody has decided.'),
    sa.Column('decided_by', sa.Text(), nullable=True, comment='Who decided.'),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True, comment='When.'),
    sa.Column('note', sa.Text(), nullable=True, comment="The reviewer's note to the client."),
    sa.CheckConstraint("decision IN ('Approve', 'Reject')", name=op.f('ck_report_decision')),
    sa.PrimaryKeyConstraint('client_id', 'period', 'revision', name=op.f('pk_report')),
    comment='Reports as composed, and what was decided of them.'
    )
    op.create_table('verdict',
    sa.Column('client_id', sa.Text(collation='C'), nullable=False, comment="The client's id; leads every key."),
    sa.Column('day', sa.Date(), nullable=False, comment="The platform's own day; second in the key, for reads of a range."),
    sa.Column('source', sa.Text(collation='C'), nullable=False, comment='The platform or web analytics.'),
    sa.Column('ref', sa.Text(collation='C'), nullable=False, comment='The handle or site.'),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=False, comment="When the platform's answer had arrived."),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False, comment='When the warehouse took it in.'),
    sa.Column('colour', sa.Text(), nullable=False, comment='green: complete; amber: usable, see reasons; red: wrong or absent.'),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='What is late, missing or wrong.'),
    sa.CheckConstraint("colour IN ('green', 'amber', 'red')", name=op.f('ck_verdict_colour')),
    sa.PrimaryKeyConstraint('client_id', 'day', 'source', 'ref', 'observed_at', 'recorded_at', name=op.f('pk_verdict')),
    comment='The verdict on each source and day, one row a pull.'
    )
    for table in PARTITIONED:
        op.execute(f"CREATE TABLE {table}_older PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00+00')")
    op.execute("ALTER TABLE client_salt ENABLE ROW LEVEL SECURITY")
    for table in OF_CLIENTS:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_client ON {table} TO widerview_report "
            "USING (client_id = current_setting('widerview.client_id', true))"
        )
    op.execute(f"GRANT SELECT ON {', '.join(OF_CLIENTS + OF_NOBODY)} TO widerview_report")


def downgrade() -> None:
    """Drop everything."""
    for table in (*OF_CLIENTS, *OF_NOBODY, "client_salt"):
        op.drop_table(table)
    op.execute("DROP SCHEMA IF EXISTS mart CASCADE")
