"""docs/metrics.md tells of the vocabulary as it is, and the database's rows are the vocabulary."""

import datetime as dt
from pathlib import Path

import pytest
from dictionary_samples import clips

from widerview.sources.registry import SOURCES
from widerview.vocabulary.describe import describe, refresh
from widerview.vocabulary.metrics import METRICS
from widerview.vocabulary.rows import definition_rows, metric_rows

ROOT = Path(__file__).parents[2]
BUILT_IN = [source.dictionary for source in SOURCES.values()]


def test_the_page_is_current():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert refresh(page, BUILT_IN) == page, "run `make docs`"


def test_every_built_in_source_is_on_the_page():
    files = {path.stem for path in (ROOT / "include" / "widerview" / "sources").glob("*.yaml")}
    assert files == {dictionary.source for dictionary in BUILT_IN}


def test_a_definition_is_told_with_its_days():
    page = describe([clips])
    assert "| `video_views` | post | `views` | 1 | always to 2026-08-23 | Plays that went on" in page
    assert "| `video_views` | post | `views` | 2 | 2026-08-24 to now | Plays, from the first frame." in page
    assert "| `likes` | post | `thumbs` | 1 | always | Thumbs up. ([source](https://clips.example/docs/2025))" in page


def test_a_page_without_a_place_for_the_metrics_is_refused():
    with pytest.raises(ValueError, match="no place for the metrics"):
        refresh("# Metrics\n", [])


def test_the_rows_of_the_database():
    metrics = metric_rows()
    assert [row["metric"] for row in metrics] == list(METRICS)
    assert metrics[0] == {
        "metric": "impressions",
        "label": "Impressions",
        "meaning": METRICS["impressions"].meaning,
        "unit": "count",
        "additivity": "flow",
        "comparable_group": "impressions",
        "placement": "organic",
        "version": 1,
    }
    definitions = definition_rows([clips, *BUILT_IN])
    keys = {(row["source"], row["grain"], row["metric"], row["version"]) for row in definitions}
    assert len(keys) == len(definitions)
    assert {row["metric"] for row in definitions} <= {row["metric"] for row in metrics}
    assert definitions[1] == {
        "source": "clips",
        "grain": "post",
        "metric": "video_views",
        "version": 2,
        "native_metric": "views",
        "valid_from": dt.date(2026, 8, 24),
        "valid_to": None,
        "placement": "organic",
        "meaning": "Plays, from the first frame.",
        "documented_at": "https://clips.example/docs/2026",
    }
