"""Every metric by the one name it has everywhere; `metrics.yaml` beside this file holds them."""

import difflib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from widerview.vocabulary.files import VocabularyFile

Unit = Literal["count", "people", "seconds", "percent", "money", "rank"]
Additivity = Literal["flow", "stock", "unique", "ratio", "quantile"]
Placement = Literal["organic", "paid", "both"]

_EXAMPLE = "widerview/vocabulary/metrics.yaml"
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Number = Annotated[int, msgspec.Meta(ge=1)]


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric.

    Attributes:
        name: Canonical name, as stored in the warehouse.
        label: Name for clients.
        meaning: One or two plain sentences for clients.
        unit: What it is counted in.
        additivity: `flow` adds up over days and members; `stock` is a level (the last value counts); `unique`
            counts people, who would be counted twice if added; `ratio` is worked out anew from its parts;
            `quantile` is worked out anew from every single case.
        comparable_group: Metrics of one group mean the same on every platform; None: each platform has a rule of its
            own.
        placement: Whether it counts what was organic, what was paid for, or both without telling them apart; a
            platform's definition may say otherwise.
        version: Version of the meaning.
        also_called: Other words for the same thing, which are not used here.
        parts: The metrics it is worked out from; a flow is their sum. Empty where a platform counts it.
        divisible: Whether a count of it may have a fraction, as of a sale that is credited to several ads in part.
    """

    name: _Name
    label: _Text
    meaning: _Text
    unit: Unit
    additivity: Additivity
    comparable_group: _Name | None
    placement: Placement
    version: _Number = 1
    also_called: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    divisible: bool = False

    @property
    def definition(self) -> str:
        """Name and version, as printed in the report's footer."""
        return f"{self.name}@{self.version}"


class _Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: _Number
    metrics: dict[str, Any]


def load_metrics(file: Path | Traversable | bytes) -> tuple[int, Mapping[str, Metric]]:
    """Read a vocabulary: its version, and its metrics by name, in the file's order.

    Raises:
        BadVocabulary: The file has mistakes; the error names each with its line and fix.
    """
    reading = VocabularyFile(file, _EXAMPLE)
    vocabulary = reading.convert(reading.content, _Vocabulary, ())
    entries = vocabulary.metrics if vocabulary else {}
    metrics: dict[str, Metric] = {}
    for name, entry in entries.items():
        named = entry | {"name": name} if isinstance(entry, dict) else entry
        if metric := reading.convert(named, Metric, ("metrics", name)):
            metrics[name] = metric
    reading.check()
    _check_words(reading, metrics)
    _check_parts(reading, metrics)
    _check_groups(reading, metrics)
    reading.check()
    return (vocabulary.version if vocabulary else 0), MappingProxyType(metrics)


def suggest(name: str, metrics: Mapping[str, Metric]) -> str:
    """Say which metric of the vocabulary may be meant by a name that is none."""
    for metric in metrics.values():
        if name in metric.also_called:
            return f"write {metric.name}, which is the word for {name} here"
    close = difflib.get_close_matches(name, metrics, n=1)
    return f"did you mean {close[0]}?" if close else f"write one of the metrics of {_EXAMPLE}"


def _check_words(reading: VocabularyFile, metrics: Mapping[str, Metric]) -> None:
    """One word for one thing: no word stands for two metrics."""
    taken = dict.fromkeys(metrics, "the name of a metric")
    for metric in metrics.values():
        for index, word in enumerate(metric.also_called):
            if word in taken:
                place = ("metrics", metric.name, "also_called", index)
                reading.complain(place, f"{word} is {taken[word]} already", "remove one of the two")
            taken[word] = f"another word for {metric.name}"


def _check_parts(reading: VocabularyFile, metrics: Mapping[str, Metric]) -> None:
    for metric in metrics.values():
        for index, part in enumerate(metric.parts):
            place = ("metrics", metric.name, "parts", index)
            if part not in metrics:
                reading.complain(place, f"there is no metric {part}", suggest(part, metrics))
            elif metric.additivity == "flow" and metrics[part].additivity != "flow":
                what = f"{metric.name} cannot be a sum with {part}, which is a {metrics[part].additivity}"
                reading.complain(place, what, "remove it, or make the metric a ratio")


def _check_groups(reading: VocabularyFile, metrics: Mapping[str, Metric]) -> None:
    first: dict[str, Metric] = {}
    for metric in metrics.values():
        if metric.comparable_group is None:
            continue
        other = first.setdefault(metric.comparable_group, metric)
        if (metric.unit, metric.additivity) != (other.unit, other.additivity):
            reading.complain(
                ("metrics", metric.name, "comparable_group"),
                f"{metric.name} cannot stand beside {other.name}: their units or additivities differ",
                "give it a group of its own",
            )


VERSION, METRICS = load_metrics(files(__package__) / "metrics.yaml")
"""The version of the vocabulary, and every metric by its name."""
