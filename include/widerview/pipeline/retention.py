"""Retention: how long data is kept, in landing and in the warehouse."""

import datetime as dt

from sqlalchemy import Engine

from widerview.landing.store import Landing
from widerview.settings import Settings
from widerview.warehouse import retention


def expire(
    engine: Engine, landing: Landing, settings: Settings, now: dt.datetime, *, dry_run: bool = False
) -> dict[str, int]:
    """Let go of what is older than the settings keep it; give the number of files and rows, by place.

    A dry run changes nothing and counts what would go. Reports and mails stay.
    """
    raw_since = now - dt.timedelta(days=settings.keep_raw_days)
    first = retention.first_month(now.date(), settings.keep_observations_months)
    rows = retention.expire(engine, first, raw_since, dry_run=dry_run)
    files = landing.expire(raw_since, dry_run=dry_run)
    gone = dict(rows) | {
        "landing: pulls": files.pulls,
        "landing: documents beside them": files.documents,
        "landing: packs of raw answers": len(files.packs) + files.strays,
    }
    return {place: count for place, count in gone.items() if count}
