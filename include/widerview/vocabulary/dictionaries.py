"""What a platform counts under each canonical metric, and since when: one YAML file beside each source.

Platforms change what a word counts. The day from which the same canonical metric is counted otherwise is a break: the
values before and after it belong to two series, and no comparison or sum joins them.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec

from widerview.vocabulary.files import VocabularyFile
from widerview.vocabulary.metrics import METRICS, Placement, suggest

Grain = Literal["account", "post", "account_day", "post_day", "site_day", "folder_day"]
"""What one value is: the running total of an account or a post, or the day of an account, a post, a website or a folder
of files."""

_EXAMPLE = "widerview/sources/bluesky.yaml"
_GRAINS: tuple[Grain, ...] = get_args(Grain)
_DAY = dt.timedelta(days=1)


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a platform counts under a canonical metric between two days.

    Attributes:
        source: Name of the source.
        grain: What one value is.
        metric: Canonical name.
        version: Counts the platform's definitions of the metric from the oldest on.
        native_metric: The field's name in the platform's API.
        valid_from: First day on which the platform counted so; None: ever since it counts.
        valid_to: Last day on which it counted so; None: until now.
        placement: Whether organic, paid or both is counted.
        meaning: What the platform counts, in one sentence.
        documented_at: Address of the platform's own document.
    """

    source: str
    grain: Grain
    metric: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    native_metric: Annotated[str, msgspec.Meta(min_length=1)]
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    placement: Placement
    meaning: Annotated[str, msgspec.Meta(min_length=1)]
    documented_at: Annotated[str, msgspec.Meta(pattern="^https://")]

    def holds_on(self, day: dt.date) -> bool:
        """Whether the platform counted so on a day."""
        return (self.valid_from or dt.date.min) <= day <= (self.valid_to or dt.date.max)


class Break(msgspec.Struct, frozen=True):
    """A change of definition: from `day` on the platform counts by `after`, up to the day before by `before`."""

    day: dt.date
    before: Definition
    after: Definition

    def __str__(self) -> str:
        """Say what changed and when, for an error or a log."""
        return (
            f"{self.after.source} counts {self.after.metric} otherwise since {self.day} "
            f"(version {self.before.version} until then, version {self.after.version} now)"
        )


class Dictionary(msgspec.Struct, frozen=True):
    """A source's dictionary: all definitions of all its metrics, in the file's order, oldest first."""

    source: str
    definitions: tuple[Definition, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The canonical metrics that the platform reports today: those with a definition that has not ended."""
        return tuple(dict.fromkeys(each.metric for each in self.definitions if each.valid_to is None))

    def definition(self, metric: str, grain: Grain, day: dt.date) -> Definition:
        """What the platform counted on a day.

        Args:
            metric: Canonical name.
            grain: What one value is.
            day: A day on which it was counted; of a running total also the day it was observed.

        Raises:
            LookupError: The platform did not report the metric then.
        """
        for each in self.definitions:
            if (each.metric, each.grain) == (metric, grain) and each.holds_on(day):
                return each
        raise LookupError(f"{self.source} has no definition of {metric} of a {grain.replace('_', ' ')} on {day}")

    def breaks(self, metric: str, first: dt.date, last: dt.date, *, grain: Grain | None = None) -> tuple[Break, ...]:
        """The changes of definition that a series runs across, oldest first; of a metric with parts, also of those.

        A change on the first day itself is none: the whole series is counted the new way.

        Args:
            metric: Canonical name.
            first: First day of the series, on the platform's own days. What a running total of a post counts
                begins when the post was published.
            last: Last day of the series.
            grain: What one value is; None: whatever it is.

        Raises:
            KeyError: No such metric.
        """
        names = {metric, *METRICS[metric].parts}
        found = [
            Break(after.valid_from, before, after)
            for before, after in pairwise(self.definitions)
            if (before.metric, before.grain) == (after.metric, after.grain)
            and after.metric in names
            and grain in {None, after.grain}
            and after.valid_from is not None
            and first < after.valid_from <= last
        ]
        return tuple(sorted(found, key=lambda each: each.day))


def load_dictionary(file: Path | Traversable | bytes) -> Dictionary:
    """Read a source's dictionary.

    Args:
        file: The YAML file, e.g. `importlib.resources.files(__package__) / "example.yaml"`, or its content.

    Raises:
        BadVocabulary: The file has mistakes; the error names each with its line, metric and fix.
    """
    reading = VocabularyFile(file, _EXAMPLE)
    content = dict(reading.content)
    source = content.pop("source", None)
    if not isinstance(source, str):
        reading.complain(("source",), "the name of the source is missing", "add a line like source: bluesky")
    definitions: list[Definition] = []
    for grain, metrics in content.items():
        if grain not in _GRAINS:
            reading.complain((grain,), f"there is no grain {grain}", f"write one of {', '.join(_GRAINS)}")
        elif entries := reading.convert(metrics, dict[str, Any], (grain,)):
            for metric, versions in entries.items():
                definitions += _definitions(reading, str(source), (grain, metric), versions)
    reading.check()
    return Dictionary(str(source), tuple(definitions))


def _definitions(reading: VocabularyFile, source: str, at: tuple[str, str], versions: object) -> list[Definition]:
    """The definitions of one metric of one grain."""
    grain, metric = at
    if metric not in METRICS:
        reading.complain(at, f"there is no metric {metric}", suggest(metric, METRICS))
        return []
    if not versions:
        reading.complain(at, f"{metric} has no definition", "write one as an item of a list, or remove the metric")
        return []
    entries = reading.convert(versions, list[Any], at) or []
    usual = {"placement": METRICS[metric].placement}
    given = {"source": source, "grain": grain, "metric": metric}
    read = [
        reading.convert(usual | entry | given if isinstance(entry, dict) else entry, Definition, (*at, index))
        for index, entry in enumerate(entries)
    ]
    definitions = [each for each in read if each is not None]
    if len(definitions) == len(entries):
        for index, what, fix in _wrong_days(definitions):
            reading.complain((*at, index), what, fix)
    return definitions


def _wrong_days(definitions: Sequence[Definition]) -> Iterator[tuple[int, str, str]]:
    """Find what is wrong with the order and the days of a metric's definitions: its index, what, and the fix."""
    for index, each in enumerate(definitions):
        if each.valid_from and each.valid_to and each.valid_to < each.valid_from:
            yield (
                index,
                f"{each.metric} version {each.version} ends on {each.valid_to}, before it begins on {each.valid_from}",
                "correct valid_from or valid_to",
            )
    for index, (before, after) in enumerate(pairwise(definitions), start=1):
        ends, begins = before.valid_to, after.valid_from
        name = f"{after.metric} version {after.version}"
        if after.version != before.version + 1:
            yield (
                index,
                f"{name} stands after version {before.version}",
                "put the definitions in the order of their days, and count the versions by one",
            )
        elif begins is None:
            yield index, f"{name} has no first day", "write valid_from: the first day on which the platform counted so"
        elif ends is None or ends >= begins:
            yield (
                index,
                f"{name} begins on {begins}, and version {before.version} has not ended by then",
                f"write valid_to: {begins - _DAY} for version {before.version}",
            )
        elif begins - ends > _DAY:
            yield (
                index,
                f"{before.metric} has no definition from {ends + _DAY} to {begins - _DAY}",
                f"write valid_to: {begins - _DAY} for version {before.version}, or valid_from: {ends + _DAY} "
                f"for version {after.version}",
            )
