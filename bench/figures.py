"""The figures of a benchmark that judges numbers: ours beside others', each held against what is asked for."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.machine import BUILD, ROOT, machine

OURS = "Widerview"

SHARED = Path(os.environ.get("WIDERVIEW_SHARED") or ROOT.parent / "shared")
"""Where what is not part of this project is found."""


class Line(msgspec.Struct, frozen=True):
    """A figure: what it is of, who has it, what it is, and what is asked for (empty: nothing, it is a comparison)."""

    study: str
    who: str
    what: str
    value: float
    asked: str = ""
    kept: bool = True


class Study:
    """Collects the figures of one study; ours are held against what is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []

    def tell(self, who: str, what: str, value: float, least: float = -np.inf, most: float = np.inf) -> None:
        """Note a figure; what is asked for holds for ours alone."""
        if who != OURS or (least == -np.inf and most == np.inf):
            self.lines.append(Line(self.name, who, what, value))
            return
        ends = [f"at least {least:g}"] * (least > -np.inf) + [f"at most {most:g}"] * (most < np.inf)
        self.lines.append(Line(self.name, who, what, value, ", ".join(ends), least <= value <= most))


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of some work, of the quickest of two runs."""
    spent = []
    for _ in range(2):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def tell_all(title: str, lines: Sequence[Line], file: str) -> int:
    """Print all figures and write them to a file in `build/bench`; 1 if one that is asked for is missed, else 0."""
    shown = Table(title=title, title_justify="left")
    for head in ("study", "what", "who"):
        shown.add_column(head)
    shown.add_column("figure", justify="right")
    shown.add_column("asked for")
    for line in sorted(lines, key=lambda line: (line.study, line.what)):
        asked = line.asked if line.kept else f"{line.asked}: MISSED"
        shown.add_row(line.study, line.what, line.who, f"{line.value:,.3f}", asked)
    Console(width=170 if not sys.stdout.isatty() else None).print(shown)
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / file
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine(), "figures": lines}), indent=1))
    print(f"All figures: {path}")
    return int(not all(line.kept for line in lines))
