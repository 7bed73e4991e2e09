"""Data sets that R's CausalImpact has been run on, with what it said of them.

They are not part of this project: they are read from `reference/causal_impact` of the folder that `WIDERVIEW_SHARED`
names.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from widerview.measures.robust import Floats


@dataclass(frozen=True)
class Reference:
    """A data set, and R's average effect with its 95 % interval.

    Attributes:
        name: Of the set.
        target: Of shape (rows,).
        controls: Of shape (controls, rows).
        start: The first row after the intervention.
        average: R's.
        low: R's.
        high: R's.
    """

    name: str
    target: Floats
    controls: Floats
    start: int
    average: float
    low: float
    high: float


_FILES = {
    # file, its first row after the intervention by number or by its column's value
    "vignette": ("vignette_data.csv", 70),
    "arma": ("arma_data.csv", 70),
    "basque": ("basque.csv", "1976-01-01"),
    "comparison": ("comparison_data.csv", "2019-07-15"),
    "google": ("google_data.csv", "2020-03-02"),
    "volks": ("volks_data.csv", "2015-09-20"),
}
_DATES = {"date", "DATE", "Date"}
_OF_VIGNETTE = (10.5, 9.8, 11.0)
"""Of the package's own vignette, which prints no summary: from its text."""

_NUMBER = r"(-?[\d.]+)"
_ABSOLUTE = re.compile(rf"Absolute effect \(s\.d\.\)\s+{_NUMBER}.*\n95% CI\s+\[{_NUMBER}, {_NUMBER}\]")


def read(folder: Path) -> list[Reference]:
    """All sets of a folder."""
    return [_read(folder, name, *where) for name, where in _FILES.items()]


def _read(folder: Path, name: str, file: str, start: int | str) -> Reference:
    with (folder / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=" " if name == "volks" else ","))
    columns = [column for column in rows[0] if column not in _DATES]
    values = np.array([[float(row[column]) for row in rows] for column in columns])
    if isinstance(start, str):
        start = next(number for number, row in enumerate(rows) if start in row.values())
    said = _OF_VIGNETTE if name == "vignette" else _summary(folder / f"{name}_R_summary.txt")
    return Reference(name, values[0], values[1:], start, *said)


def _summary(path: Path) -> tuple[float, float, float]:
    found = _ABSOLUTE.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path} has no absolute effect with its interval")
    average, low, high = map(float, found.groups())
    return average, low, high
