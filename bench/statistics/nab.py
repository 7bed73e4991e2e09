"""The Numenta Anomaly Benchmark's own score, on the labelled series that lie in the shared folder.

Scoring as Lavin & Ahmad describe it (2015, arXiv:1510.03336, section II) and as the benchmark's code does it: a window
earns up to one point for its best detection, the earlier the better; a missed one loses a point; a detection outside
costs up to 0.11, the more the farther it is behind a window; the first 15 % of a file (of at most 5,000 rows) do not
count; one threshold for all files, the one that scores best.
"""

import csv
import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FALSE_POSITIVE = 0.11
PROBATION = 0.15
FAR_BEHIND = 3
MILLIONTHS = 1e6


@dataclass(frozen=True)
class Labelled:
    """A series and its labelled windows, as first and last row of each."""

    name: str
    times: Sequence[dt.datetime]
    values: Floats
    windows: Sequence[tuple[int, int]]


def read(folder: Path, name: str) -> Labelled:
    """Read one file of the benchmark, e.g. `realAdExchange/exchange-2_cpc_results.csv`."""
    path = folder / name if (folder / name).exists() else folder / Path(name).name
    with path.open() as lines:
        rows = list(csv.DictReader(lines))
    times = [_time(row["timestamp"]) for row in rows]
    limits = json.loads((folder / "windows.json").read_text())[name]
    windows = [(times.index(_time(first)), times.index(_time(last))) for first, last in limits]
    return Labelled(name, times, np.array([float(row["value"]) for row in rows]), windows)


def ad_exchange(folder: Path) -> list[Labelled]:
    """The six series of advertising prices, in millionths, as ad platforms count money."""
    names = json.loads((folder / "windows.json").read_text())
    prices = [read(folder, name) for name in sorted(names) if name.startswith("realAdExchange/")]
    return [replace(each, values=each.values * MILLIONTHS) for each in prices]


def score(series: Sequence[Labelled], scores: Sequence[Floats]) -> float:
    """The standard profile's score of all files together: 0 for no detection at all, 100 for perfect ones."""
    return max(points for _, points in _curve(series, scores)) / _perfect(series)


def score_left_out(series: Sequence[Labelled], scores: Sequence[Floats]) -> float:
    """The same with a threshold for each file that was chosen on all others: what is chosen is not also judged."""
    points = 0.0
    for number, (each, found) in enumerate(zip(series, scores, strict=True)):
        others = [place for place in range(len(series)) if place != number]
        curve = _curve([series[place] for place in others], [scores[place] for place in others])
        threshold = max(curve, key=lambda point: point[1])[0]
        points += [here for at, here in _curve([each], [found]) if at >= threshold][-1]
    return points / _perfect(series)


def _perfect(series: Sequence[Labelled]) -> float:
    # From a point lost for each window to one earned for each, in hundredths.
    return 2 * sum(len(each.windows) for each in series) / 100


def _curve(series: Sequence[Labelled], scores: Sequence[Floats]) -> list[tuple[float, float]]:
    """Every threshold, the highest first, with the points it earns above those of no detection at all."""
    rows: list[tuple[float, float, tuple[int, int] | None]] = []
    for number, (each, found) in enumerate(zip(series, scores, strict=True)):
        rows += [
            (float(found[row]), weight, None if window is None else (number, window))
            for row, weight, window in _weights(each)
        ]
    rows.sort(key=lambda row: -row[0])
    caught: dict[tuple[int, int], float] = {}
    costs = 0.0
    curve = [(np.inf, 0.0)]
    for place, (threshold, weight, window) in enumerate(rows):
        if window is None:
            costs += weight
        else:
            caught[window] = max(caught.get(window, 0.0), weight)
        if place + 1 == len(rows) or rows[place + 1][0] < threshold:
            curve.append((threshold, sum(caught.values()) + len(caught) + costs))
    return curve


def _weights(each: Labelled) -> list[tuple[int, float, int | None]]:
    """What a detection in each row is worth, and in which window it lies; rows that do not count are left out."""
    probation = math.floor(PROBATION * min(len(each.values), 5000))
    weights: list[tuple[int, float, int | None]] = []
    for row in range(probation, len(each.values)):
        inside = [number for number, (first, last) in enumerate(each.windows) if first <= row <= last]
        if inside:
            first, last = each.windows[inside[0]]
            position = -(last - row + 1) / (last - first + 1)
            weights.append((row, _sigmoid(position) / _sigmoid(-1.0), inside[0]))
        else:
            behind = [(first, last) for first, last in each.windows if last < row]
            cost = -1.0
            if behind:
                first, last = behind[-1]
                cost = _sigmoid((row - last) / (last - first))
            weights.append((row, FALSE_POSITIVE * cost, None))
    return weights


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _sigmoid(position: float) -> float:
    return -1.0 if position > FAR_BEHIND else 2 / (1 + math.exp(5 * position)) - 1
