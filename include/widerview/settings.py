"""Where this installation keeps its things: a few paths and URLs from the environment, and no secret.

Secrets (the warehouse's password, API tokens, the mail server's login) live in Airflow Connections.
"""

import os
from dataclasses import dataclass
from pathlib import Path

WAREHOUSE_CONNECTION = "widerview_warehouse"
SMTP_CONNECTION = "widerview_smtp"


@dataclass(frozen=True)
class Settings:
    """The settings of one installation.

    Attributes:
        clients: Folder of client files, one YAML file a client.
        landing: URL or path of the landing store, as Airflow's ObjectStoragePath understands it.
        landing_connection: Airflow Connection of the object store; None for a local folder.
        ingest_cron: When the sources are read each day, in UTC.
    """

    clients: Path
    landing: str
    landing_connection: str | None = None
    ingest_cron: str = "0 4 * * *"


def load_settings() -> Settings:
    """Read the settings from the environment.

    `WIDERVIEW_CLIENTS` (default `clients`), `WIDERVIEW_LANDING` (default `.widerview/landing`),
    `WIDERVIEW_LANDING_CONNECTION` and `WIDERVIEW_INGEST_CRON`; relative paths start at the current folder.
    """
    landing = os.environ.get("WIDERVIEW_LANDING", ".widerview/landing")
    if "://" not in landing:
        landing = Path(landing).resolve().as_uri()
    return Settings(
        clients=Path(os.environ.get("WIDERVIEW_CLIENTS", "clients")).resolve(),
        landing=landing,
        landing_connection=os.environ.get("WIDERVIEW_LANDING_CONNECTION") or None,
        ingest_cron=os.environ.get("WIDERVIEW_INGEST_CRON") or Settings.ingest_cron,
    )
