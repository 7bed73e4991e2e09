"""The vocabulary: complete, in plain words, one word for one thing, and refused with a line and a fix if it is not."""

import pytest

from widerview.sources.registry import SOURCES
from widerview.vocabulary.files import BadVocabulary
from widerview.vocabulary.metrics import METRICS, VERSION, load_metrics

GOOD = """\
version: 3
metrics:
  likes:
    label: Likes
    meaning: Likes.
    unit: count
    additivity: flow
    comparable_group: likes
    placement: organic
    also_called: [hearts]
  fans:
    label: Fans
    meaning: Fans.
    unit: people
    additivity: stock
    comparable_group: null
    placement: both
"""


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_metric_a_source_reports_is_in_the_vocabulary(source):
    assert set(source.metrics) <= set(METRICS)


def test_every_metric_is_told_in_plain_words():
    assert VERSION >= 1
    for metric in METRICS.values():
        assert metric.label
        assert metric.meaning.endswith(".")
        assert len(metric.meaning) < 200
        assert "_" not in metric.label + metric.meaning
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)


def test_impressions_views_and_reach_are_three_things():
    groups = {METRICS[name].comparable_group for name in ("impressions", "views", "reach", "video_views", "viewers")}
    assert len(groups) == 5


def test_what_platforms_claim_is_comparable_with_nothing():
    for name in ("claimed_conversions", "claimed_revenue"):
        assert METRICS[name].comparable_group is None
        assert METRICS[name].placement == "paid"


def test_people_never_add_up_unless_each_is_counted_once():
    adding = {metric.name for metric in METRICS.values() if metric.unit == "people" and metric.additivity == "flow"}
    assert adding == {"new_visitors", "unsubscribes"}


def test_a_vocabulary_is_read():
    version, metrics = load_metrics(GOOD.encode())
    assert version == 3
    assert metrics["likes"].definition == "likes@1"
    assert metrics["fans"].comparable_group is None


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("version: 3", "version: soon", ["<bytes>:1:10: version: Expected `int`"]),
        ("    label: Likes\n", "", [":3:3: metrics.likes: ", "missing required field `label`", "fix: add a line"]),
        ("flow", "sum", ["metrics.likes.additivity", "Invalid enum value 'sum'", "write one of flow, stock,"]),
        ("    unit: count\n", "    unit: count\n    colour: red\n", ["unknown field `colour`", "remove colour; the "]),
        ("  fans:", "  likes:", [":11:3: metrics.likes: this key stands here twice, first in line 3"]),
        ("[hearts]", "[fans]", ["metrics.likes.also_called[0]: fans is the name of a metric already"]),
        ("group: null", "group: likes", ["metrics.fans.comparable_group: fans cannot stand beside likes"]),
        ("both\n", "both\n    parts: [likse]\n", ["metrics.fans.parts[0]: there is no metric likse", "mean likes?"]),
        ("[hearts]", "[hearts]\n    parts: [fans]", ["likes cannot be a sum with fans, which is a stock"]),
        (GOOD, "- likes", ["keys with values are wanted here", "widerview/vocabulary/metrics.yaml"]),
        (GOOD, "version: 3\nmetrics: {likes: yes}", ["metrics.likes: Expected `object`, got `str`"]),
        (GOOD, "version: [", ["not valid YAML"]),
        (GOOD, "", ["keys with values are wanted here"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_fix(right, wrong, told):
    with pytest.raises(BadVocabulary) as caught:
        load_metrics(GOOD.replace(right, wrong, 1).encode())
    message = str(caught.value)
    assert "\n  fix: " in message
    for words in told:
        assert words in message


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "metrics.yaml"
    path.write_bytes(b"version: \xff")
    with pytest.raises(BadVocabulary, match=r"metrics\.yaml:1:1: not UTF-8"):
        load_metrics(path)
