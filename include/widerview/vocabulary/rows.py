"""The vocabulary as flat rows, so that it can stand in the database beside the values."""

from collections.abc import Iterable
from typing import Any

import msgspec

from widerview.vocabulary.dictionaries import Dictionary
from widerview.vocabulary.metrics import METRICS

_COLUMNS = ("label", "meaning", "unit", "additivity", "comparable_group", "placement", "version")


def metric_rows() -> list[dict[str, Any]]:
    """One row a canonical metric, in the vocabulary's order; key: `metric`, its name."""
    return [
        {"metric": name} | {column: getattr(metric, column) for column in _COLUMNS} for name, metric in METRICS.items()
    ]


def definition_rows(dictionaries: Iterable[Dictionary]) -> list[dict[str, Any]]:
    """One row a definition, with the fields of `Definition`; key: `source`, `grain`, `metric`, `version`."""
    return [msgspec.structs.asdict(each) for dictionary in dictionaries for each in dictionary.definitions]
