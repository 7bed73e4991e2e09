"""What is counted away from platforms and website: folders of files, by asset."""

from alembic import op

revision = "0005_touchpoints"
down_revision = "0004_alerts"
branch_labels = None
depends_on = None

ENTITY = "What it is a value of: an account, a site or a folder of files."
ENTITY_BEFORE = "What it is a value of: an account or a site."
DIMENSION = "What it is split by: total, channel, campaign, touchpoint, network, query, page, asset, first_campaign."
DIMENSION_BEFORE = "What it is split by: total, channel, campaign, touchpoint, network, query, page."
GRAIN = "What it is told of: account, post, account_day, post_day, site_day, folder_day."
GRAIN_BEFORE = "What it is told of: account, post, account_day, post_day, site_day."


def upgrade() -> None:
    """Let values of folders in."""
    _let_in("'account', 'site', 'folder'", ENTITY, DIMENSION, GRAIN)


def downgrade() -> None:
    """Keep them out again; those that are there go, and can be loaded anew from landing."""
    op.execute("DELETE FROM day_value WHERE entity = 'folder' OR dimension = 'asset'")
    _let_in("'account', 'site'", ENTITY_BEFORE, DIMENSION_BEFORE, GRAIN_BEFORE)


def _let_in(entities: str, entity: str, dimension: str, grain: str) -> None:
    op.execute("ALTER TABLE day_value DROP CONSTRAINT ck_day_value_entity")
    op.execute(f"ALTER TABLE day_value ADD CONSTRAINT ck_day_value_entity CHECK (entity IN ({entities}))")
    op.execute(f"COMMENT ON COLUMN day_value.entity IS '{entity}'")
    op.execute(f"COMMENT ON COLUMN day_value.dimension IS '{dimension}'")
    op.execute(f"COMMENT ON COLUMN metric_definition.grain IS '{grain}'")
