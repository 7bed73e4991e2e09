"""The Airflow Connections through which a client's accounts reach the sandbox."""

from typing import Any

from widerview.sandbox import (
    MATOMO_TOKEN,
    facebook,
    ga4,
    instagram,
    linkedin,
    pinterest,
    plausible,
    search_console,
    threads,
    tiktok,
    umami,
    x,
    youtube,
)
from widerview.sandbox.cast import platform_id

_AT_THE_ROOT: dict[str, str | None] = {"bluesky": None, "mastodon": None, "matomo": MATOMO_TOKEN}
_BELOW_THEIR_NAME = {
    "facebook": facebook.TOKEN,
    "instagram": instagram.TOKEN,
    "threads": threads.TOKEN,
    "linkedin": linkedin.TOKEN,
    "x": x.TOKEN,
    "tiktok": tiktok.TOKEN,
    "youtube": youtube.TOKEN,
    "pinterest": pinterest.TOKEN,
    "ga4": ga4.TOKEN,
    "plausible": plausible.TOKEN,
    "search_console": search_console.TOKEN,
    "umami": umami.TOKEN,
}


def connections(url: str) -> dict[str, dict[str, Any]]:
    """Describe the Connections as Airflow reads them, by their ids.

    Args:
        url: Address of the running sandbox.
    """
    found: dict[str, dict[str, Any]] = {
        f"sandbox_{platform}": {"conn_type": "http", "host": url, "password": token}
        for platform, token in _AT_THE_ROOT.items()
    }
    found |= {
        f"sandbox_{platform}": {"conn_type": "http", "host": f"{url}/{platform}", "password": token}
        for platform, token in _BELOW_THEIR_NAME.items()
    }
    found["sandbox_umami"]["login"] = umami.LOGIN
    found["sandbox_tiktok"]["login"] = platform_id("tiktok", "hollowoakbakery")
    return found
