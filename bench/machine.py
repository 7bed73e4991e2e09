"""What the numbers of a benchmark depend on."""

import datetime as dt
import platform
from pathlib import Path

import psutil

from bench.cluster import SETTINGS, Cluster

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"


def machine(cluster: Cluster | None = None) -> dict[str, object]:
    """Date, system, processor, memory, and versions; PostgreSQL's where it takes part."""
    facts: dict[str, object] = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
    }
    if cluster:
        facts |= {"postgresql": cluster.version(), "postgresql_settings": SETTINGS}
    return facts


def _processor() -> str:
    facts = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in facts if line.startswith("model name")), "unknown")
