"""Where this installation keeps its things: a few paths and URLs from the environment, and no secret.

Secrets (the warehouse's password, API tokens, the mail server's login) live in Airflow Connections.
"""

import os
from dataclasses import dataclass
from pathlib import Path

WAREHOUSE_CONNECTION = "widerview_warehouse"
SMTP_CONNECTION = "widerview_smtp"
DKIM_CONNECTION = "widerview_dkim"
"""The key that signs mails; without it they go unsigned, or the mail server signs them."""
UNSUBSCRIBE_CONNECTION = "widerview_unsubscribe"
"""Where recipients unsubscribe with one click; without it they do it by mail."""
BOUNCES_CONNECTION = "widerview_bounces"
"""The mailbox to which mails come back; without it nobody reads it."""
AIRFLOW_CONNECTION = "widerview_airflow"
"""Airflow's own API, as a user who may change Connections; needed only where tokens are renewed."""


@dataclass(frozen=True)
class Settings:
    """The settings of one installation.

    Attributes:
        clients: Folder of client files, one YAML file a client.
        landing: URL or path of the landing store, as Airflow's ObjectStoragePath understands it.
        landing_connection: Airflow Connection of the object store; None for a local folder.
        ingest_cron: When the sources are read each day, in UTC.
        keep_raw_days: How many days raw answers are kept.
        keep_observations_months: How many whole months observations are kept.
        distributed: Whether the warehouse is a Citus cluster, its tables distributed by client.
    """

    clients: Path
    landing: str
    landing_connection: str | None = None
    ingest_cron: str = "0 4 * * *"
    keep_raw_days: int = 400
    keep_observations_months: int = 60
    distributed: bool = False


def load_settings() -> Settings:
    """Read the settings from the environment.

    `WIDERVIEW_CLIENTS` (default `clients`), `WIDERVIEW_LANDING` (default `.widerview/landing`),
    `WIDERVIEW_LANDING_CONNECTION`, `WIDERVIEW_INGEST_CRON`, `WIDERVIEW_KEEP_RAW_DAYS`,
    `WIDERVIEW_KEEP_OBSERVATIONS_MONTHS` and `WIDERVIEW_DISTRIBUTED` (`1` or empty); relative paths start at the
    current folder.

    Raises:
        ValueError: A number is none, or less than 1.
    """
    landing = os.environ.get("WIDERVIEW_LANDING", ".widerview/landing")
    if "://" not in landing:
        landing = Path(landing).resolve().as_uri()
    return Settings(
        clients=Path(os.environ.get("WIDERVIEW_CLIENTS", "clients")).resolve(),
        landing=landing,
        landing_connection=os.environ.get("WIDERVIEW_LANDING_CONNECTION") or None,
        ingest_cron=os.environ.get("WIDERVIEW_INGEST_CRON") or Settings.ingest_cron,
        keep_raw_days=_count("WIDERVIEW_KEEP_RAW_DAYS", Settings.keep_raw_days),
        keep_observations_months=_count("WIDERVIEW_KEEP_OBSERVATIONS_MONTHS", Settings.keep_observations_months),
        distributed=os.environ.get("WIDERVIEW_DISTRIBUTED", "") not in {"", "0"},
    )


def _count(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"{variable} is {value!r}. Write a whole number from 1 on, like {default}.")
    return int(value)
